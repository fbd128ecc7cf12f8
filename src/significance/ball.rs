//! Bounds in the Euclidean norm: the box lies in a ball around its centre `c`, and so do its images.
//!
//! Values and adjoints at `c` are enclosed by a sweep over a box that is a point. With `Δ` for the difference between `x` and
//! `c`, `R` a bound of `‖Δn‖₂` over a layer's nodes and `s ≥ |σ′|` on each `[k]`,
//!
//! ```text
//! |Δkₒ| ≤ ‖wₒ‖₂ R,    |Δnₒ| ≤ sₒ|Δkₒ|                         (mean value theorem)
//! R′ = min(‖|Δn|‖₂, max s · ‖W‖₂ R)
//!
//! Δz̄ₒ = σ′(k)Δn̄ + Δσ′ n̄(c),   |Δσ′ₒ| ≤ min(|[σ′] − σ′(c)|, max|σ″| |Δkₒ|)
//! |Δn̄ᵢ| ≤ ‖w₋ᵢ‖₂ ‖Δz̄‖₂,    |n̄ᵢ| ≤ ‖w₋ᵢ‖₂ ‖z̄‖₂
//! ```
//!
//! in all of which a vector's norm is the least of what its components and what its factors say. Every bound is a sum and
//! product of numbers that are not negative, rounded upward; what it encloses is met with the interval.

use super::Enclosure;
use super::bounds::{Bounds, Layer, Level, Prepared};
use super::norms::{norm, root, up};
use super::slab::Slab;
use crate::interval::kernel::Boxes;
use crate::math::Activation;

/// No less than `|σ″|` anywhere: ½ of SiLU at 0, 4/(3√3) of tanh, 1/(6√3) of σ, ¼ of softplus.
fn greatest_curvature(function: Activation) -> f64 {
    match function {
        Activation::Identity => 0.0,
        // Its slope jumps.
        Activation::Relu => f64::INFINITY,
        Activation::Tanh => 0.769_800_359,
        Activation::Sigmoid => 0.096_225_045,
        Activation::Softplus => 0.25,
        Activation::Silu => 0.5,
    }
}

/// What the bounds need from layer to layer; everything nodes × boxes or one a box.
#[derive(Clone, Debug)]
pub(super) struct Ball {
    /// Enclosures at the centre of each box.
    centre: Bounds,
    /// The centres.
    x: Slab,
    /// `|Δk|` of each layer.
    moves: Vec<Vec<f64>>,
    /// `‖Δk‖₂` of each layer.
    moved: Vec<Vec<f64>>,
    /// `R` of the level above the last one done.
    radius: Vec<f64>,
    /// `|Δn̄|` of the level above.
    turns: Vec<f64>,
    /// `‖Δn̄‖₂` and `‖n̄‖₂` of the level above, then the same of `z̄`.
    turned: Vec<f64>,
    size: Vec<f64>,
    boxes: usize,
}

/// The layer's norms, which an analysis of this kind was prepared with.
fn norms(layer: &Layer) -> &super::norms::Norms {
    layer.norms.as_ref().expect("prepared for this enclosure")
}

/// No less than the distance of a number in `[lo, hi]` from one in `[c_lo, c_hi]`.
#[inline(always)]
fn distance(of: &Slab, from: &Slab, i: usize) -> f64 {
    up((of.hi[i] - from.lo[i]).max(from.hi[i] - of.lo[i]).max(0.0))
}

/// Meets an interval with `centre ± radius`, rounded outward.
#[inline(always)]
fn meet_around(slab: &mut Slab, i: usize, centre: &Slab, radius: f64) {
    let out = |x: f64| 2.0 * f64::EPSILON * x.abs() + f64::MIN_POSITIVE;
    let (lo, hi) = (centre.lo[i] - radius, centre.hi[i] + radius);
    slab.meet(i, lo - out(lo), hi + out(hi));
}

#[inline(always)]
fn mag(slab: &Slab, i: usize) -> f64 {
    slab.lo[i].abs().max(slab.hi[i].abs())
}

impl Ball {
    pub(super) fn new(prepared: &Prepared) -> Self {
        let layers = prepared.layers.len();
        Self {
            centre: prepared.bounds_by(Enclosure::Interval, 1),
            x: Slab::default(),
            moves: vec![Vec::new(); layers],
            moved: vec![Vec::new(); layers],
            radius: Vec::new(),
            turns: Vec::new(),
            turned: Vec::new(),
            size: Vec::new(),
            boxes: 0,
        }
    }

    pub(super) fn reshape(&mut self, prepared: &Prepared, boxes: usize) {
        self.boxes = boxes;
        self.centre.reshape(prepared, boxes);
        self.x.resize(prepared.inputs() * boxes);
        for (l, layer) in prepared.layers.iter().enumerate() {
            self.moves[l].resize(layer.nodes() * boxes, 0.0);
            self.moved[l].resize(boxes, 0.0);
        }
        for each in [&mut self.radius, &mut self.turned, &mut self.size] {
            each.resize(boxes, 0.0);
        }
    }

    /// The network at the centres, and the radii of the balls.
    pub(super) fn begin(&mut self, prepared: &Prepared, x: Boxes<'_>) {
        for i in 0..x.len() {
            let m = x.get(i).mid();
            (self.x.lo[i], self.x.hi[i]) = (m, m);
        }
        prepared.values(self.x.view(), &mut self.centre);
        let (boxes, inputs) = (self.boxes, prepared.inputs());
        for b in 0..boxes {
            let reach = |j: usize| {
                let (i, m) = (j * boxes + b, self.x.lo[j * boxes + b]);
                up((x.hi[i] - m).max(m - x.lo[i]))
            };
            self.radius[b] = norm((0..inputs).map(reach));
        }
    }

    pub(super) fn pre_activations(&mut self, layer: &Layer, l: usize, pre: &mut Slab) {
        let (boxes, norms, centre) = (self.boxes, norms(layer), &self.centre.levels[l + 1].pre);
        let mut squares = vec![0.0; boxes];
        for (o, row) in norms.rows.iter().enumerate() {
            for b in 0..boxes {
                let (i, reach) = (o * boxes + b, up(row * self.radius[b]));
                meet_around(pre, i, centre, reach);
                let moves = reach.min(distance(pre, centre, i));
                self.moves[l][i] = moves;
                squares[b] += moves * moves;
            }
        }
        for b in 0..boxes {
            let whole = up(norms.matrix * self.radius[b]);
            self.moved[l][b] = root(squares[b], norms.rows.len() as f64).min(whole);
        }
    }

    pub(super) fn nodes(&mut self, layer: &Layer, l: usize, here: &mut Level) {
        let (boxes, nodes, centre) = (self.boxes, layer.nodes(), &self.centre.levels[l + 1].node);
        let (mut squares, mut steepest) = (vec![0.0; boxes], vec![0.0_f64; boxes]);
        for o in 0..nodes {
            for b in 0..boxes {
                let i = o * boxes + b;
                let slope = mag(&here.slope, i);
                let reach = up(slope * self.moves[l][i]);
                meet_around(&mut here.node, i, centre, reach);
                let moves = reach.min(distance(&here.node, centre, i));
                squares[b] += moves * moves;
                steepest[b] = steepest[b].max(slope);
            }
        }
        for b in 0..boxes {
            self.radius[b] = root(squares[b], nodes as f64).min(up(steepest[b] * self.moved[l][b]));
        }
    }

    pub(super) fn begin_adjoints(&mut self, prepared: &Prepared, output: usize) {
        prepared.adjoints(output, &mut self.centre);
        self.turns.clear();
        self.turns.resize(prepared.outputs() * self.boxes, 0.0);
        self.turned.fill(0.0);
        self.size.fill(1.0);
    }

    pub(super) fn pre_adjoints(&mut self, layer: &Layer, l: usize, here: &mut Level) {
        let (boxes, nodes, centre) = (self.boxes, layer.nodes(), &self.centre.levels[l + 1]);
        let curvature = greatest_curvature(layer.shape.activation);
        let mut sums = vec![[0.0; 3]; boxes];
        let mut most = vec![[0.0_f64; 2]; boxes];
        for o in 0..nodes {
            for b in 0..boxes {
                let i = o * boxes + b;
                let (slope, bar) = (mag(&here.slope, i), mag(&centre.bar, i));
                let bends = distance(&here.slope, &centre.slope, i).min(up(curvature * self.moves[l][i]));
                let bends = up(bends * bar);
                let reach = up(slope * self.turns[i] + bends);
                meet_around(&mut here.pre_bar, i, &centre.pre_bar, reach);
                let turns = reach.min(distance(&here.pre_bar, &centre.pre_bar, i));
                let size = mag(&here.pre_bar, i);
                for (sum, x) in sums[b].iter_mut().zip([turns, bends, size]) {
                    *sum += x * x;
                }
                most[b] = [most[b][0].max(slope), most[b][1].max(bar)];
            }
        }
        for b in 0..boxes {
            let [turns, bends, size] = sums[b].map(|sum| root(sum, nodes as f64));
            let [steepest, bar] = most[b];
            let bends = bends.min(up(curvature * bar * self.moved[l][b]));
            self.turned[b] = turns.min(up(steepest * self.turned[b] + bends));
            self.size[b] = size.min(up(steepest * self.size[b]));
        }
    }

    pub(super) fn adjoints(&mut self, layer: &Layer, l: usize, bar: &mut Slab) {
        let (boxes, norms, centre) = (self.boxes, norms(layer), &self.centre.levels[l].bar);
        self.turns.clear();
        self.turns.resize(norms.columns.len() * boxes, 0.0);
        let mut sums = vec![[0.0; 2]; boxes];
        for (n, column) in norms.columns.iter().enumerate() {
            for b in 0..boxes {
                let i = n * boxes + b;
                let (reach, size) = (up(column * self.turned[b]), up(column * self.size[b]));
                meet_around(bar, i, centre, reach);
                bar.meet(i, -size, size);
                self.turns[i] = reach.min(distance(bar, centre, i));
                for (sum, x) in sums[b].iter_mut().zip([self.turns[i], mag(bar, i)]) {
                    *sum += x * x;
                }
            }
        }
        for b in 0..boxes {
            let [turns, size] = sums[b].map(|sum| root(sum, norms.columns.len() as f64));
            self.turned[b] = turns.min(up(norms.matrix * self.turned[b]));
            self.size[b] = size.min(up(norms.matrix * self.size[b]));
        }
    }
}
