//! Rounds of cutting and retraining.

use super::criterion::{Criterion, Samples, hidden_samples, midpoints};
use super::{Cut, History, Round};
use crate::error::{Error, Result};
use crate::nn::{Network, Stack};

/// The constant that takes the place of a removed node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fold {
    /// The mean of the node over the samples. The default: where intervals are loose their midpoint is far from anything
    /// the node ever gives, and the network is destroyed before retraining.
    #[default]
    Mean,
    /// The midpoint of the node's interval over the domain (§3.2).
    Midpoint,
}

impl Fold {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Mean, Self::Midpoint];

    /// The name that the command line uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Midpoint => "midpoint",
        }
    }
}

/// Prunes towards target widths.
#[derive(Clone, Debug, PartialEq)]
pub struct Pruner {
    /// Target widths of the hidden layers.
    pub widths: Vec<usize>,
    /// Share of a layer's nodes that a round keeps at least, in (0, 1).
    pub keep: f64,
    /// What removed nodes are replaced by.
    pub fold: Fold,
}

/// Whether hidden layers of the `found` widths can be pruned to the `target` ones.
///
/// # Errors
/// If the number of layers differs, a target is 0, or exceeds what there is; the error names the layer.
pub fn check_widths(found: &[usize], target: &[usize]) -> Result<()> {
    let invalid = |message: String| Err(Error::invalid("widths", message));
    if target.len() != found.len() {
        let (want, have) = (target.len(), found.len());
        return invalid(format!(
            "the network has {have} hidden layers of {found:?} nodes, found {want} target widths {target:?}"
        ));
    }
    for (layer, (&target, &nodes)) in target.iter().zip(found).enumerate() {
        if target == 0 || target > nodes {
            return invalid(format!(
                "hidden layer {layer} has {nodes} nodes: expected a target of 1 to {nodes}, found {target}"
            ));
        }
    }
    Ok(())
}

impl Pruner {
    /// Checks targets against a network.
    ///
    /// # Errors
    /// If the number of layers differs, a target is 0, or exceeds what there is.
    pub fn check(&self, net: &Network<Stack, f64>) -> Result<()> {
        if !(self.keep > 0.0 && self.keep < 1.0) {
            return Err(Error::invalid("keep", format!("expected a share between 0 and 1, found {}", self.keep)));
        }
        check_widths(&net.chain().hidden(), &self.widths)
    }

    /// Cuts and retrains until the targets are reached. In each round every layer, from the inputs on, is scored anew and
    /// cut; then `retrain(network, round)` is called. `loss` measures the network for the history.
    ///
    /// # Errors
    /// Those of [`Self::check`], and whatever `retrain` reports: then the network is as `retrain` left it.
    pub fn run(
        &self,
        net: &mut Network<Stack, f64>,
        criterion: &mut dyn Criterion,
        samples: &Samples<'_>,
        mut loss: impl FnMut(&Network<Stack, f64>) -> f64,
        mut retrain: impl FnMut(&mut Network<Stack, f64>, usize) -> Result<()>,
    ) -> Result<History> {
        self.check(net)?;
        let mut history = History { widths: net.chain().hidden(), rounds: Vec::new() };
        let mut left = history.remaining();
        while net.chain().hidden() != self.widths {
            let mut round = Round { loss: [loss(net), 0.0, 0.0], ..Round::default() };
            for layer in 0..self.widths.len() {
                let nodes = net.chain().hidden()[layer];
                let goal = self.widths[layer].max((nodes as f64 * self.keep).floor() as usize).max(1);
                if goal < nodes {
                    round.cuts.push(self.cut(net, layer, goal, criterion, samples, &mut left[layer]));
                }
            }
            round.loss[1] = loss(net);
            retrain(net, history.rounds.len())?;
            round.loss[2] = loss(net);
            round.widths = net.chain().hidden();
            history.rounds.push(round);
        }
        Ok(history)
    }

    fn cut(
        &self,
        net: &mut Network<Stack, f64>,
        layer: usize,
        goal: usize,
        criterion: &mut dyn Criterion,
        samples: &Samples<'_>,
        left: &mut Vec<usize>,
    ) -> Cut {
        let scores = criterion.layer_scores(net, samples, layer);
        let fold: Vec<f64> = match self.fold {
            Fold::Mean => hidden_samples(net, samples.inputs)[layer].iter().map(|n| n.mean).collect(),
            Fold::Midpoint => midpoints(net, &samples.domain).swap_remove(layer),
        };
        let mut order: Vec<usize> = (0..scores.len()).collect();
        // Descending; nodes of equal score stay in order, so that the outcome is the same everywhere.
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut keep = order[..goal].to_vec();
        keep.sort_unstable();
        order[goal..].sort_unstable();
        let cut = Cut { layer, removed: order[goal..].iter().map(|&n| (left[n], fold[n])).collect() };
        net.keep_nodes(layer, &keep, &fold);
        *left = keep.iter().map(|&n| left[n]).collect();
        cut
    }
}
