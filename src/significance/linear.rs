//! Linear relaxation: every nonlinear step between two lines, substituted back until only inputs (or the output) are left.
//!
//! What is bounded from above is a linear function of some layer, `a·n + c` with one row `a` a lane; a bound from below is one
//! of `−a`. With lines `λ₋k + β₋ ≤ n ≤ λ₊k + β₊` (see [`lines`](super::lines)) and `a = a⁺ + a⁻`, its positive and negative
//! part,
//!
//! ```text
//! a·n + c ≤ (a⁺λ₊ + a⁻λ₋)·k + (a⁺β₊ + a⁻β₋ + c),     k = W n′ + b
//!         = (Wᵀ(a⁺λ₊ + a⁻λ₋))·n′ + …
//! ```
//!
//! and so on down to the inputs. Adjoints go the other way: `n̄ = Wᵀz̄`, `z̄ = σ′(k)·n̄″` lies between two lines in `n̄″`, and so
//! on up to the output's, which is known. At every level the bound is closed with the intervals there; the least counts.
//!
//! # Rounding
//! The λ, β are doubles and the inequality above is one between real numbers, whatever they are. Its exact coefficients are
//! enclosed: `a` is an interval from the first step on, products with `W` are those of the interval kernels. The constant is
//! summed upward with a bound of what its rounding lost.

use super::bounds::{Layer, Level, Prepared};
use super::lines::Lines;
use super::slab::Slab;
use crate::interval::kernel::{adjoint, affine};

const U: f64 = f64::EPSILON / 2.0;

/// Lines of every node, and memory for the substitution.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    /// `σ` of each layer in its pre-activations: nodes × boxes.
    activations: Vec<Vec<Lines>>,
    /// `z̄` of each layer in its nodes' adjoints: nodes × boxes.
    products: Vec<Vec<Lines>>,
    substitution: Substitution,
}

impl Linear {
    pub(super) fn new(prepared: &Prepared) -> Self {
        let none = vec![Vec::new(); prepared.layers.len()];
        Self { activations: none.clone(), products: none, substitution: Substitution::default() }
    }

    pub(super) fn reshape(&mut self, prepared: &Prepared, boxes: usize) {
        let nothing = Lines { below: (0.0, f64::NEG_INFINITY), above: (0.0, f64::INFINITY) };
        for lines in [&mut self.activations, &mut self.products] {
            for (lines, layer) in lines.iter_mut().zip(&prepared.layers) {
                lines.resize(layer.nodes() * boxes, nothing);
            }
        }
    }

    pub(super) fn activation_lines(&mut self, layer: &Layer, l: usize, here: &Level) {
        for (i, lines) in self.activations[l].iter_mut().enumerate() {
            *lines = Lines::of_activation(layer.shape.activation, here.pre.get(i), here.node.get(i));
        }
    }

    pub(super) fn product_lines(&mut self, l: usize, here: &Level) {
        for (i, lines) in self.products[l].iter_mut().enumerate() {
            *lines = Lines::of_product(here.slope.get(i), here.bar.get(i));
        }
    }

    /// Meets the pre-activations of layer `l` in every box; `below` are the levels up to its inputs.
    pub(super) fn pre_activations(
        &mut self,
        prepared: &Prepared,
        l: usize,
        below: &[Level],
        pre: &mut Slab,
        boxes: usize,
    ) {
        if l == 0 {
            // Interval arithmetic is exact on one affine map.
            return;
        }
        let (layer, s) = (&prepared.layers[l], &mut self.substitution);
        for b in 0..boxes {
            s.begin(layer.inputs(), layer.nodes(), |n, o| layer.w[o * layer.inputs() + n]);
            for (o, &bias) in layer.b.iter().enumerate() {
                (s.constant[o], s.constant[layer.nodes() + o]) = (bias, -bias);
            }
            for m in (0..l).rev() {
                let under = &prepared.layers[m];
                s.relax(&self.activations[m], boxes, b);
                s.add_bias(&under.b);
                s.product(under, false);
                s.close(&below[m].node, boxes, b);
            }
            s.meet(pre, boxes, b);
        }
    }

    /// Meets the adjoints of the level below layer `l`; `above` are the levels from that layer on.
    pub(super) fn adjoints(&mut self, prepared: &Prepared, l: usize, bar: &mut Slab, above: &[Level], boxes: usize) {
        let (layer, s) = (&prepared.layers[l], &mut self.substitution);
        for b in 0..boxes {
            s.begin(layer.nodes(), layer.inputs(), |o, n| layer.w[o * layer.inputs() + n]);
            for (m, level) in above.iter().enumerate() {
                s.relax(&self.products[l + m], boxes, b);
                s.close(&level.bar, boxes, b);
                if let Some(upper) = prepared.layers.get(l + m + 1) {
                    s.product(upper, true);
                }
            }
            s.meet(bar, boxes, b);
        }
    }
}

/// Upper bounds of linear functions, one a lane; the first half of the lanes are functions, the second their negatives.
#[derive(Clone, Debug, Default)]
struct Substitution {
    /// Coefficients, nodes × lanes.
    a: Slab,
    next: Slab,
    lanes: usize,
    /// Upper bounds of the constants, but for the rounding of `size`.
    constant: Vec<f64>,
    /// Sum of the magnitudes that went into the constants.
    size: Vec<f64>,
    /// How many numbers were summed.
    terms: f64,
    /// The least bound found so far.
    best: Vec<f64>,
}

impl Substitution {
    /// `functions` of so many nodes, with these coefficients.
    fn begin(&mut self, nodes: usize, functions: usize, coefficient: impl Fn(usize, usize) -> f64) {
        self.lanes = 2 * functions;
        self.a.resize(nodes * self.lanes);
        for n in 0..nodes {
            let (positive, negative) = self.a.lo[n * self.lanes..][..self.lanes].split_at_mut(functions);
            for f in 0..functions {
                positive[f] = coefficient(n, f);
                negative[f] = -positive[f];
            }
        }
        self.a.hi.copy_from_slice(&self.a.lo);
        for (each, start) in [(&mut self.constant, 0.0), (&mut self.size, 0.0), (&mut self.best, f64::INFINITY)] {
            each.clear();
            each.resize(self.lanes, start);
        }
        self.terms = 1.0;
    }

    /// Through a step that lies between lines.
    fn relax(&mut self, lines: &[Lines], boxes: usize, b: usize) {
        let rows = self.a.lo.chunks_exact_mut(self.lanes).zip(self.a.hi.chunks_exact_mut(self.lanes));
        for (n, (lo, hi)) in rows.enumerate() {
            let Lines { below, above } = lines[n * boxes + b];
            let (constant, size) = (&mut self.constant[..lo.len()], &mut self.size[..lo.len()]);
            for i in 0..lo.len() {
                let (p, q) = ([lo[i].max(0.0), hi[i].max(0.0)], [lo[i].min(0.0), hi[i].min(0.0)]);
                let (rise, fall) = (times(p, above.0), times(q, below.0));
                let (least, most) = (rise[0] + fall[0], rise[1] + fall[1]);
                let error = |a: f64, b: f64| 4.0 * U * (a.abs() + b.abs()) + 4.0 * f64::MIN_POSITIVE;
                let (least, most) = (least - error(rise[0], fall[0]), most + error(rise[1], fall[1]));
                // What is not a number could be any.
                lo[i] = if least.is_nan() { f64::NEG_INFINITY } else { least };
                hi[i] = if most.is_nan() { f64::INFINITY } else { most };
                let (up, down) = (times(p, above.1)[1], times(q, below.1)[1]);
                constant[i] += up + down;
                size[i] += up.abs() + down.abs();
            }
        }
        self.terms += 4.0 * (self.a.lo.len() / self.lanes) as f64;
    }

    /// The biases of an affine map.
    fn add_bias(&mut self, bias: &[f64]) {
        let rows = self.a.lo.chunks_exact(self.lanes).zip(self.a.hi.chunks_exact(self.lanes));
        for ((lo, hi), &bias) in rows.zip(bias) {
            for i in 0..lo.len() {
                let most = times([lo[i], hi[i]], bias)[1];
                self.constant[i] += most;
                self.size[i] += most.abs();
            }
        }
        self.terms += 2.0 * bias.len() as f64;
    }

    /// Through the matrix of a layer, down (to its inputs) or up (to its nodes).
    fn product(&mut self, layer: &Layer, up: bool) {
        let nodes = if up { layer.nodes() } else { layer.inputs() };
        self.next.resize(nodes * self.lanes);
        if up {
            affine(layer.weights(), None, self.a.view(), self.next.view_mut(), self.lanes);
        } else {
            adjoint(layer.weights(), self.a.view(), self.next.view_mut(), self.lanes);
        }
        std::mem::swap(&mut self.a, &mut self.next);
    }

    /// Bounds by the intervals of this level.
    fn close(&mut self, level: &Slab, boxes: usize, b: usize) {
        let nodes = self.a.lo.len() / self.lanes;
        self.next.resize(self.a.lo.len().max(2 * self.lanes));
        let (sums, sizes) = (&mut self.next.lo[..self.lanes], &mut self.next.hi[..self.lanes]);
        sums.copy_from_slice(&self.constant);
        sizes.copy_from_slice(&self.size);
        let rows = self.a.lo.chunks_exact(self.lanes).zip(self.a.hi.chunks_exact(self.lanes));
        for (n, (lo, hi)) in rows.enumerate() {
            let (x, y) = (level.lo[n * boxes + b], level.hi[n * boxes + b]);
            for i in 0..lo.len() {
                let most = (lo[i] * x).max(lo[i] * y).max((hi[i] * x).max(hi[i] * y));
                sums[i] += most;
                sizes[i] += most.abs();
            }
        }
        // Every term was rounded once or twice, every sum once a term.
        let gamma = 2.0 * (self.terms + 2.0 * nodes as f64 + 8.0) * U;
        let tiny = (self.terms + 2.0 * nodes as f64) * f64::MIN_POSITIVE;
        for (best, (sum, size)) in self.best.iter_mut().zip(sums.iter().zip(sizes.iter())) {
            let bound = (sum + gamma * size + tiny) + 2.0 * f64::EPSILON * (sum.abs() + gamma * size);
            // A bound that is not a number bounds nothing.
            if bound < *best {
                *best = bound;
            }
        }
    }

    fn meet(&self, slab: &mut Slab, boxes: usize, b: usize) {
        let (upper, lower) = self.best.split_at(self.lanes / 2);
        for (n, (upper, lower)) in upper.iter().zip(lower).enumerate() {
            slab.meet(n * boxes + b, -lower, *upper);
        }
    }
}

/// The ends of `[a]·factor`, to nearest.
#[inline(always)]
fn times(a: [f64; 2], factor: f64) -> [f64; 2] {
    let (p, q) = (a[0] * factor, a[1] * factor);
    if factor < 0.0 { [q, p] } else { [p, q] }
}
