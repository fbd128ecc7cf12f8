//! Everything that significance analysis says of a surrogate, in original units, beside what samples show.

use std::time::Instant;

use faer::MatRef;
use serde::Serialize;

use crate::data::Surrogate;
use crate::interval::Interval;
use crate::math::statistics::rank_correlation;
use crate::nn::Chain as _;
use crate::significance::{Method, Prepared, Sampled, Trace};

/// One input, node or output. Units: ranges of inputs and outputs are in theirs, of hidden nodes in none; adjoints are
/// derivatives of the output in its own units; scores are in those too. Numbers that are not finite are null in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NodeReport {
    /// Enclosure of the node over the domain.
    pub range: [f64; 2],
    /// Enclosure of the output's derivative in it.
    pub adjoint: [f64; 2],
    /// Eqs. (2), (3): width of the range times largest derivative. An upper bound.
    pub score: f64,
    /// Sum over the weights that leave the node of theirs, an upper bound too; 0 for outputs.
    pub leaving: f64,
    /// What samples show of the range.
    pub sampled_range: [f64; 2],
    /// What samples show of the largest derivative's magnitude.
    pub sampled_adjoint: f64,
    /// Their product, a lower bound up to rounding.
    pub sampled_score: f64,
}

/// The inputs, a hidden layer, or the outputs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelReport {
    /// `inputs`, `layer 0`, …, `outputs`.
    pub name: String,
    /// Node by node.
    pub nodes: Vec<NodeReport>,
    /// The share of the weights into this level that carry 90 % of the sum of their scores; none for inputs.
    pub heavy_weights: Option<f64>,
}

/// How tight one method is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tightness {
    /// The method's name: an enclosure, and the number of boxes if there are several.
    pub method: String,
    /// Score over sampled score, geometric mean over inputs and hidden nodes.
    pub overestimation: f64,
    /// The same level by level.
    pub by_level: Vec<f64>,
    /// Rank correlation of scores and sampled scores, level by level; null where a level has one node.
    pub rank_correlation: Vec<f64>,
    /// Enclosure of the output.
    pub output: [f64; 2],
    /// Wall clock of the analysis.
    pub seconds: f64,
}

/// The whole of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    /// The network's shape.
    pub network: String,
    /// The method behind the levels' figures.
    pub method: String,
    /// The box, one range an input.
    pub domain: Vec<[f64; 2]>,
    /// How many points were sampled.
    pub samples: usize,
    /// Inputs first, outputs last.
    pub levels: Vec<LevelReport>,
    /// All methods that were asked for.
    pub tightness: Vec<Tightness>,
}

impl Analysis {
    /// Analyses the one output of a surrogate over a box of inputs by `methods`, the last of which is reported node by node,
    /// and at sampled points `n × inputs` in it. All in original units.
    ///
    /// # Panics
    /// If there is no method, or the domain or the samples have another number of inputs.
    #[track_caller]
    pub fn of(surrogate: &Surrogate, domain: &[Interval], samples: MatRef<'_, f64>, methods: &[Method]) -> Self {
        let (net, scaling) = (&surrogate.network, &surrogate.scaling);
        let scaled: Vec<Interval> = domain.iter().enumerate().map(|(j, x)| scaling.interval(j, *x)).collect();
        let sampled = Sampled::of(net, scaling.inputs_of(samples).as_ref());
        let mut last = None;
        let tightness = methods
            .iter()
            .map(|method| {
                let start = Instant::now();
                let trace = method.trace(&Prepared::new(net, method.enclosure), &scaled, 0);
                let seconds = start.elapsed().as_secs_f64();
                let tightness = tightness(surrogate, method, &trace, &sampled, seconds);
                last = Some((method.to_string(), trace));
                tightness
            })
            .collect();
        let (method, trace) = last.expect("at least one method");
        let ends = |x: &Interval| [x.inf(), x.sup()];
        Self {
            network: net.describe(),
            method,
            domain: domain.iter().map(ends).collect(),
            samples: samples.nrows(),
            levels: levels(surrogate, domain, &trace, &sampled),
            tightness,
        }
    }
}

fn levels(surrogate: &Surrogate, domain: &[Interval], trace: &Trace, sampled: &[Vec<Sampled>]) -> Vec<LevelReport> {
    let (net, scaling) = (&surrogate.network, &surrogate.scaling);
    let (unit, shift) = (Interval::point(scaling.value_deviation), Interval::point(scaling.value_mean));
    let (scores, weights, last) = (trace.scores(), trace.weight_scores(net), net.chain().layers().len());
    let report = |level: usize, n: usize| {
        let (node, bar, seen) = (trace.nodes[level][n], trace.adjoints[level][n], sampled[level][n]);
        let from = |x: f64| if level == 0 { x * scaling.input_deviation[n] + scaling.input_mean[n] } else { x };
        let original = |x: f64| if level == last { x * scaling.value_deviation + scaling.value_mean } else { from(x) };
        // Of the output in itself, 1 whatever the units; of the output in an input, in the units of both.
        let (range, slope) = match level {
            0 => (domain[n], unit / Interval::point(scaling.input_deviation[n])),
            _ if level == last => (node * unit + shift, Interval::ONE),
            _ => (node, unit),
        };
        let adjoint = bar * slope;
        let width = trace.nodes[level].len();
        let leaving: f64 = weights.get(level).map_or(0.0, |w| w[n..].iter().step_by(width).sum());
        NodeReport {
            range: [range.inf(), range.sup()],
            adjoint: [adjoint.inf(), adjoint.sup()],
            score: (Interval::point(scores[level][n]) * unit).sup(),
            leaving: leaving * scaling.value_deviation,
            sampled_range: [original(seen.least), original(seen.largest)],
            sampled_adjoint: seen.slope * slope.mid(),
            sampled_score: seen.score() * scaling.value_deviation,
        }
    };
    (0..=last)
        .map(|level| LevelReport {
            name: match level {
                0 => "inputs".into(),
                _ if level == last => "outputs".into(),
                _ => format!("layer {}", level - 1),
            },
            nodes: (0..trace.nodes[level].len()).map(|n| report(level, n)).collect(),
            heavy_weights: level.checked_sub(1).map(|l| heavy(&weights[l])),
        })
        .collect()
}

/// The share of the largest entries that make up 90 % of the sum.
fn heavy(scores: &[f64]) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let total: f64 = sorted.iter().sum();
    let mut sum = 0.0;
    let count = sorted.iter().take_while(|s| {
        let more = sum < 0.9 * total;
        sum += **s;
        more
    });
    count.count() as f64 / scores.len() as f64
}

fn tightness(
    surrogate: &Surrogate,
    method: &Method,
    trace: &Trace,
    sampled: &[Vec<Sampled>],
    seconds: f64,
) -> Tightness {
    let scores = trace.scores();
    // Logarithms of score over sampled score; a node that samples never saw move has nothing to compare with.
    let ratios = |level: usize| -> Vec<f64> {
        let pairs = scores[level].iter().zip(&sampled[level]);
        pairs.filter(|(_, seen)| seen.score() > 0.0).map(|(score, seen)| (score / seen.score()).ln()).collect()
    };
    let mean = |logarithms: &[f64]| (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp();
    let inner: Vec<Vec<f64>> = (0..scores.len() - 1).map(ratios).collect();
    let correlation = |level: usize| {
        let seen: Vec<f64> = sampled[level].iter().map(Sampled::score).collect();
        rank_correlation(&scores[level], &seen)
    };
    let scaling = &surrogate.scaling;
    let y = trace.nodes[scores.len() - 1][0] * Interval::point(scaling.value_deviation)
        + Interval::point(scaling.value_mean);
    Tightness {
        method: method.to_string(),
        overestimation: mean(&inner.concat()),
        by_level: inner.iter().map(|level| mean(level)).collect(),
        rank_correlation: (0..scores.len() - 1).map(correlation).collect(),
        output: [y.inf(), y.sup()],
        seconds,
    }
}
