//! Criteria that expand a loss: Taylor, SNIP, OBD, OBS.
//!
//! Their papers prune weights or feature maps, which they set to zero. Here a node goes, and a constant takes its place: its mean
//! `n̄` over the samples ([`Fold::Mean`](super::Fold)). So each node has a gate `c` that lets its deviation through,
//!
//! ```text
//! n ↦ n̄ + c (n − n̄),    1 at first, 0 once the node is gone,
//! ```
//!
//! and every formula below is its paper's with these gates for weights (and so with `n − n̄` for `n`). With `g = ∂·/∂n`, the
//! derivative by a gate at 1 is `g·(n − n̄)`, on each sample. The loss is `L = ½ mean ‖y − t‖²` over samples with labels `t`; without labels the criteria of first
//! order expand the outputs themselves, `C = Σ y`, since a network that is its own teacher is at a minimum where the first
//! order says nothing.

use faer::linalg::matmul::matmul;
use faer::linalg::solvers::{DenseSolveCore as _, Llt};
use faer::{Accum, Mat, MatRef, Par, Side};

use super::criterion::{Criterion, Samples, hidden_samples};
use crate::nn::{Chain as _, Network, Stack};
use crate::significance::{Lanes, Seed, visit};

/// Mean of the magnitudes of the first-order terms, `Θ = mean |∂C/∂n·(n − n̄)|` (Molchanov et al., Pruning convolutional neural
/// networks for resource efficient inference, 2017, Eqs. (7)–(8)): the magnitude is taken on each sample.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taylor;

impl Criterion for Taylor {
    fn name(&self) -> String {
        "taylor".into()
    }
    fn scores(&mut self, net: &Network<Stack, f64>, samples: &Samples<'_>) -> Vec<Vec<f64>> {
        first_order(net, samples, f64::abs)
    }
}

/// Connection sensitivity of a gate, `s = |∂L/∂c| / Σ |∂L/∂c|` over all gates of the network (Lee et al., SNIP: single-shot
/// network pruning based on connection sensitivity, 2019, Eqs. (5)–(6)): the magnitude is taken of the mean.
#[derive(Clone, Copy, Debug, Default)]
pub struct Snip;

impl Criterion for Snip {
    fn name(&self) -> String {
        "snip".into()
    }
    fn scores(&mut self, net: &Network<Stack, f64>, samples: &Samples<'_>) -> Vec<Vec<f64>> {
        let mut scores = first_order(net, samples, |term| term);
        let total: f64 = scores.iter().flatten().map(|s| s.abs()).sum();
        let scale = if total > 0.0 { 1.0 / total } else { 0.0 };
        scores.iter_mut().flatten().for_each(|s| *s = s.abs() * scale);
        scores
    }
}

/// The diagonal second-order term, `½ H_cc` (LeCun, Denker and Solla, Optimal brain damage, 1990, Eq. (5), with a gate's value of
/// 1 for the weight), where `H = mean Σ_outputs ∇y ∇yᵀ` is the Gauss–Newton matrix of `L`, which needs no labels.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrainDamage;

impl Criterion for BrainDamage {
    fn name(&self) -> String {
        "obd".into()
    }
    fn scores(&mut self, net: &Network<Stack, f64>, samples: &Samples<'_>) -> Vec<Vec<f64>> {
        let means = means(net, samples.inputs);
        let mut scores: Vec<Vec<f64>> = means.iter().map(|layer| vec![0.0; layer.len()]).collect();
        let share = 0.5 / samples.inputs.nrows() as f64;
        for output in 0..net.chain().outputs() {
            gates(net, samples.inputs, &means, &mut only(output), &mut |layer, node, _, terms| {
                scores[layer][node] += share * terms.iter().map(|t| t * t).sum::<f64>();
            });
        }
        scores
    }
}

/// The loss that removing a gate costs when the layer's other gates make up for it as well as they can, `½ c²/[H⁻¹]_cc`, with
/// their adjustment `−c [H⁻¹]_·c/[H⁻¹]_cc` (Hassibi and Stork, Second order derivatives for network pruning: optimal brain
/// surgeon, 1993, Eq. (5)), layer by layer, with the Gauss–Newton matrix of [`BrainDamage`].
///
/// A score is what all is lost when the node goes *and those that are worth less have gone before it*, one after the other, each
/// with its adjustment: of two nodes that do the same the first costs nothing and the second does. The adjustments are left to
/// retraining: a node that goes is folded as ever. `H` has 10⁻⁸ of its mean diagonal added, as theirs starts from a multiple of 1.
#[derive(Clone, Copy, Debug, Default)]
pub struct BrainSurgeon;

/// Added to the diagonal, relative to its mean.
const DAMPING: f64 = 1e-8;

impl Criterion for BrainSurgeon {
    fn name(&self) -> String {
        "obs".into()
    }
    fn scores(&mut self, net: &Network<Stack, f64>, samples: &Samples<'_>) -> Vec<Vec<f64>> {
        (0..net.chain().hidden().len()).map(|layer| self.layer_scores(net, samples, layer)).collect()
    }

    fn layer_scores(&mut self, net: &Network<Stack, f64>, samples: &Samples<'_>, layer: usize) -> Vec<f64> {
        let means = means(net, samples.inputs);
        let (n, nodes) = (samples.inputs.nrows(), means[layer].len());
        let (mut terms, mut hessian) = (Mat::<f64>::zeros(n, nodes), Mat::<f64>::zeros(nodes, nodes));
        for output in 0..net.chain().outputs() {
            gates(net, samples.inputs, &means, &mut only(output), &mut |l, node, first, lanes| {
                if l == layer {
                    terms.col_as_slice_mut(node)[first..first + lanes.len()].copy_from_slice(lanes);
                }
            });
            let (j, share) = (terms.as_ref(), 1.0 / n as f64);
            matmul(hessian.as_mut(), Accum::Add, j.transpose(), j, share, Par::Seq);
        }
        eliminate(&hessian)
    }
}

/// Removes gates one by one, the cheapest first; the sum of losses when each went.
fn eliminate(hessian: &Mat<f64>) -> Vec<f64> {
    let n = hessian.nrows();
    let mean = (0..n).map(|i| hessian[(i, i)]).sum::<f64>() / n as f64;
    let damping = if mean > 0.0 { DAMPING * mean } else { 1.0 };
    let damped = Mat::from_fn(n, n, |i, j| hessian[(i, j)] + if i == j { damping } else { 0.0 });
    let mut inverse = match Llt::new(damped.as_ref(), Side::Lower) {
        Ok(factor) => factor.inverse(),
        // Not finite: nothing is known, and nothing is better than anything else.
        Err(_) => return vec![0.0; n],
    };
    let (mut gate, mut left, mut scores, mut total) = (vec![1.0; n], vec![true; n], vec![0.0; n], 0.0);
    for _ in 0..n {
        let cost = |q: usize| 0.5 * gate[q] * gate[q] / inverse[(q, q)].max(f64::MIN_POSITIVE);
        let Some(q) = (0..n).filter(|&q| left[q]).min_by(|&p, &q| cost(p).total_cmp(&cost(q))) else { break };
        total += cost(q);
        (scores[q], left[q]) = (total, false);
        let (pivot, value) = (inverse[(q, q)].max(f64::MIN_POSITIVE), gate[q]);
        let column: Vec<f64> = (0..n).map(|i| inverse[(i, q)]).collect();
        for i in (0..n).filter(|&i| left[i]) {
            gate[i] -= column[i] * value / pivot;
            for j in (0..n).filter(|&j| left[j]) {
                inverse[(i, j)] -= column[i] * column[j] / pivot;
            }
        }
    }
    scores
}

/// `|mean f(∂C/∂n·(n − n̄))|` of every node, one reverse sweep.
fn first_order(net: &Network<Stack, f64>, samples: &Samples<'_>, f: fn(f64) -> f64) -> Vec<Vec<f64>> {
    let means = means(net, samples.inputs);
    let mut scores: Vec<Vec<f64>> = means.iter().map(|layer| vec![0.0; layer.len()]).collect();
    let mut seed = |first: usize, values: &[Lanes], seeds: &mut [Lanes]| {
        for (o, (value, seed)) in values.iter().zip(seeds).enumerate() {
            for (r, seed) in seed.iter_mut().enumerate() {
                let target = samples.targets.filter(|t| first + r < t.nrows());
                *seed = target.map_or(1.0, |t| value[r] - t[(first + r, o)]);
            }
        }
    };
    let share = 1.0 / samples.inputs.nrows() as f64;
    gates(net, samples.inputs, &means, &mut seed, &mut |layer, node, _, terms| {
        scores[layer][node] += share * terms.iter().map(|t| f(*t)).sum::<f64>();
    });
    scores
}

/// What one output alone is seeded with.
fn only(output: usize) -> impl FnMut(usize, &[Lanes], &mut [Lanes]) {
    move |_, _, seeds| {
        seeds.as_flattened_mut().fill(0.0);
        seeds[output].fill(1.0);
    }
}

/// Means of the hidden nodes.
fn means(net: &Network<Stack, f64>, inputs: MatRef<'_, f64>) -> Vec<Vec<f64>> {
    hidden_samples(net, inputs).iter().map(|layer| layer.iter().map(|n| n.mean).collect()).collect()
}

/// A layer, a node, the first of some samples, and the derivative by the node's gate at each of them.
type Visitor<'a> = dyn FnMut(usize, usize, usize, &[f64]) + 'a;

/// Derivatives by the gates of all hidden nodes.
fn gates(
    net: &Network<Stack, f64>,
    inputs: MatRef<'_, f64>,
    means: &[Vec<f64>],
    seed: &mut Seed<'_>,
    each: &mut Visitor<'_>,
) {
    visit(net, inputs, seed, &mut |at| {
        // Level 0 are the inputs, the last one the outputs.
        let Some(means) = at.level.checked_sub(1).and_then(|layer| means.get(layer)) else { return };
        for (node, mean) in means.iter().enumerate() {
            let mut terms = at.adjoints[node];
            for (term, value) in terms.iter_mut().zip(&at.values[node]) {
                *term *= value - mean;
            }
            each(at.level - 1, node, at.first, &terms[..at.rows]);
        }
    });
}
