//! What a node is worth: one trait, so that criteria can be compared.

use faer::MatRef;
use rand::RngExt as _;

use crate::error::{Error, Result};
use crate::interval::Interval;
use crate::math::random::{Generator, Purpose, Streams};
use crate::nn::{Chain as _, Network, Stack};
use crate::significance::{Aggregate, Sampled, Trace, scores};

/// What criteria may look at besides the network, in scaled units.
#[derive(Clone, Debug)]
pub struct Samples<'a> {
    /// Inputs, `n × inputs`.
    pub inputs: MatRef<'a, f64>,
    /// The box of inputs that the surrogate is for.
    pub domain: Vec<Interval>,
}

/// Scores the nodes of the hidden layers: the least significant go first.
pub trait Criterion {
    /// The name that the command line uses.
    fn name(&self) -> &'static str;
    /// One score for every node of every hidden layer. Scores are compared within a layer only.
    fn scores(&mut self, net: &Network<Stack, f64>, samples: &Samples<'_>) -> Vec<Vec<f64>>;
}

/// Interval adjoint significance, Eq. (3), over the domain: the paper's criterion.
#[derive(Clone, Copy, Debug, Default)]
pub struct IntervalAdjoint {
    /// How several outputs are put together.
    pub aggregate: Aggregate,
}

impl Criterion for IntervalAdjoint {
    fn name(&self) -> &'static str {
        "interval"
    }
    fn scores(&mut self, net: &Network<Stack, f64>, samples: &Samples<'_>) -> Vec<Vec<f64>> {
        hidden(scores(net, &samples.domain, self.aggregate))
    }
}

/// The sampled twin of Eq. (3): the range of the node over samples times the largest derivative there. An estimate.
#[derive(Clone, Copy, Debug, Default)]
pub struct SampledAdjoint;

impl Criterion for SampledAdjoint {
    fn name(&self) -> &'static str {
        "sampled"
    }
    fn scores(&mut self, net: &Network<Stack, f64>, samples: &Samples<'_>) -> Vec<Vec<f64>> {
        let sampled = hidden_samples(net, samples.inputs);
        sampled.iter().map(|layer| layer.iter().map(Sampled::score).collect()).collect()
    }
}

/// `‖w_in‖₂·‖w_out‖₂`: the size of what comes in and goes out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Magnitude;

impl Criterion for Magnitude {
    fn name(&self) -> &'static str {
        "magnitude"
    }
    fn scores(&mut self, net: &Network<Stack, f64>, _: &Samples<'_>) -> Vec<Vec<f64>> {
        let norm = |values: &mut dyn Iterator<Item = &f64>| values.map(|w| w * w).sum::<f64>().sqrt();
        (0..net.chain().layers().len() - 1)
            .map(|l| {
                let ((w_in, _), (w_out, _)) = (net.layer_params(l), net.layer_params(l + 1));
                let nodes = net.chain().layers()[l].fan_out.0;
                let rows = w_in.chunks_exact(w_in.len() / nodes).enumerate();
                rows.map(|(n, row)| norm(&mut row.iter()) * norm(&mut w_out[n..].iter().step_by(nodes))).collect()
            })
            .collect()
    }
}

/// Uniform scores: what any criterion has to beat.
#[derive(Clone, Debug)]
pub struct Random(Generator);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(Streams::new(seed, Purpose::Pruning).next().expect("streams never end"))
    }
}

impl Criterion for Random {
    fn name(&self) -> &'static str {
        "random"
    }
    fn scores(&mut self, net: &Network<Stack, f64>, _: &Samples<'_>) -> Vec<Vec<f64>> {
        let hidden = net.chain().hidden();
        hidden.into_iter().map(|n| (0..n).map(|_| self.0.random()).collect()).collect()
    }
}

/// The criterion of that name.
///
/// # Errors
/// If there is none.
pub fn criterion(name: &str, seed: u64) -> Result<Box<dyn Criterion>> {
    match name {
        "interval" => Ok(Box::new(IntervalAdjoint::default())),
        "sampled" => Ok(Box::new(SampledAdjoint)),
        "magnitude" => Ok(Box::new(Magnitude)),
        "random" => Ok(Box::new(Random::new(seed))),
        _ => {
            Err(Error::invalid("criterion", format!("expected interval, sampled, magnitude or random, found `{name}`")))
        }
    }
}

/// What samples say of the nodes of every hidden layer.
pub(super) fn hidden_samples(net: &Network<Stack, f64>, inputs: MatRef<'_, f64>) -> Vec<Vec<Sampled>> {
    hidden(Sampled::of(net, inputs))
}

/// Without the inputs and the outputs.
fn hidden<T>(mut levels: Vec<T>) -> Vec<T> {
    levels.pop();
    levels.remove(0);
    levels
}

/// Midpoints of the nodes' intervals over the domain.
pub(super) fn midpoints(net: &Network<Stack, f64>, domain: &[Interval]) -> Vec<Vec<f64>> {
    let trace = Trace::of(net, domain, 0);
    trace.nodes[1..trace.nodes.len() - 1].iter().map(|layer| layer.iter().map(|n| n.mid()).collect()).collect()
}
