//! What a node is worth: one trait, so that criteria can be compared.

use faer::MatRef;
use rand::RngExt as _;

use super::saliency::{BrainDamage, BrainSurgeon, Snip, Taylor};
use crate::error::{Error, Result};
use crate::interval::Interval;
use crate::math::random::{Generator, Purpose, Streams};
use crate::nn::{Chain as _, Network, Stack};
use crate::significance::{Aggregate, Method, Sampled, Trace};

/// What criteria may look at besides the network, in scaled units.
#[derive(Clone, Debug)]
pub struct Samples<'a> {
    /// Inputs, `n × inputs`.
    pub inputs: MatRef<'a, f64>,
    /// Labels, `n × outputs`, where there are any: what criteria that ask for a loss measure it by.
    pub targets: Option<MatRef<'a, f64>>,
    /// The box of inputs that the surrogate is for.
    pub domain: Vec<Interval>,
}

/// Scores the nodes of the hidden layers: the least significant go first.
pub trait Criterion {
    /// The name that the command line uses.
    fn name(&self) -> String;
    /// One score for every node of every hidden layer. Scores are compared within a layer only.
    fn scores(&mut self, net: &Network<Stack, f64>, samples: &Samples<'_>) -> Vec<Vec<f64>>;
    /// The scores of one hidden layer, where that is less work.
    fn layer_scores(&mut self, net: &Network<Stack, f64>, samples: &Samples<'_>, layer: usize) -> Vec<f64> {
        self.scores(net, samples).swap_remove(layer)
    }
}

/// Interval adjoint significance, Eq. (3), over the domain; by [`Method::default`] the paper's criterion.
#[derive(Clone, Copy, Debug, Default)]
pub struct IntervalAdjoint {
    /// How ranges and derivatives are enclosed.
    pub method: Method,
    /// How several outputs are put together.
    pub aggregate: Aggregate,
}

impl Criterion for IntervalAdjoint {
    fn name(&self) -> String {
        self.method.to_string()
    }
    fn scores(&mut self, net: &Network<Stack, f64>, samples: &Samples<'_>) -> Vec<Vec<f64>> {
        hidden(self.method.scores(net, &samples.domain, self.aggregate))
    }
}

/// Eq. (3) for single weights, [`Trace::weight_scores`], summed over those that leave a node.
#[derive(Clone, Copy, Debug, Default)]
pub struct EdgeAdjoint {
    /// How ranges and derivatives are enclosed.
    pub method: Method,
    /// How several outputs are put together.
    pub aggregate: Aggregate,
}

impl Criterion for EdgeAdjoint {
    fn name(&self) -> String {
        format!("edges-{}", self.method)
    }
    fn scores(&mut self, net: &Network<Stack, f64>, samples: &Samples<'_>) -> Vec<Vec<f64>> {
        let weights = self.method.weight_scores(net, &samples.domain, self.aggregate);
        let leaving = |(weights, nodes): (&Vec<f64>, usize)| -> Vec<f64> {
            (0..nodes).map(|n| weights[n..].iter().step_by(nodes).sum()).collect()
        };
        weights[1..].iter().zip(net.chain().hidden()).map(leaving).collect()
    }
}

/// The sampled twin of Eq. (3): the range of the node over samples times the largest derivative there. An estimate.
#[derive(Clone, Copy, Debug, Default)]
pub struct SampledAdjoint;

impl Criterion for SampledAdjoint {
    fn name(&self) -> String {
        "sampled".into()
    }
    fn scores(&mut self, net: &Network<Stack, f64>, samples: &Samples<'_>) -> Vec<Vec<f64>> {
        let sampled = hidden_samples(net, samples.inputs);
        sampled.iter().map(|layer| layer.iter().map(Sampled::score).collect()).collect()
    }
}

/// `‖w_in‖ₚ·‖w_out‖ₚ`: the size of what comes in and goes out, for p = 1 or 2.
///
/// Li et al. (Pruning filters for efficient convnets, 2017) score by `‖w_in‖₁` alone. Departs from that: a ReLU node whose
/// incoming weights are doubled and outgoing ones halved is the same node, and has the same score here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Magnitude {
    /// Sums of magnitudes.
    L1,
    /// Euclidean norms.
    L2,
}

impl Criterion for Magnitude {
    fn name(&self) -> String {
        match self {
            Self::L1 => "magnitude-l1".into(),
            Self::L2 => "magnitude".into(),
        }
    }
    fn scores(&mut self, net: &Network<Stack, f64>, _: &Samples<'_>) -> Vec<Vec<f64>> {
        let norm = |values: &mut dyn Iterator<Item = &f64>| match self {
            Self::L1 => values.map(|w| w.abs()).sum::<f64>(),
            Self::L2 => values.map(|w| w * w).sum::<f64>().sqrt(),
        };
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
    fn name(&self) -> String {
        "random".into()
    }
    fn scores(&mut self, net: &Network<Stack, f64>, _: &Samples<'_>) -> Vec<Vec<f64>> {
        let hidden = net.chain().hidden();
        hidden.into_iter().map(|n| (0..n).map(|_| self.0.random()).collect()).collect()
    }
}

/// One name of every criterion; those of enclosures also take a number of boxes, as `both/64`.
pub const CRITERIA: [&str; 13] = [
    "interval",
    "ball",
    "linear",
    "both",
    "edges",
    "sampled",
    "taylor",
    "snip",
    "obd",
    "obs",
    "magnitude",
    "magnitude-l1",
    "random",
];

/// The criterion of that name: one of [`CRITERIA`], or an enclosure over many boxes, `interval/64`, also in `edges-interval/64`.
///
/// # Errors
/// If there is none.
pub fn criterion(name: &str, seed: u64) -> Result<Box<dyn Criterion>> {
    let aggregate = Aggregate::default();
    Ok(match name {
        "sampled" => Box::new(SampledAdjoint),
        "taylor" => Box::new(Taylor),
        "snip" => Box::new(Snip),
        "obd" => Box::new(BrainDamage),
        "obs" => Box::new(BrainSurgeon),
        "magnitude" => Box::new(Magnitude::L2),
        "magnitude-l1" => Box::new(Magnitude::L1),
        "random" => Box::new(Random::new(seed)),
        "edges" => Box::new(EdgeAdjoint::default()),
        _ => {
            let (edges, method) = name.strip_prefix("edges-").map_or((false, name), |rest| (true, rest));
            let method = method.parse().map_err(|message: String| {
                // A number of boxes that is wrong is the better explanation.
                let known = format!("expected one of {}, found `{name}`", CRITERIA.join(", "));
                Error::invalid("criterion", if name.contains('/') { message } else { known })
            })?;
            match edges {
                true => Box::new(EdgeAdjoint { method, aggregate }),
                false => Box::new(IntervalAdjoint { method, aggregate }),
            }
        }
    })
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
