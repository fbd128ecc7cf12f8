//! Lines below and above a function of one variable, rigorous whatever their slopes.
//!
//! A slope may be any number, and is chosen well in plain floating point. The offset is then bounded by interval arithmetic:
//! `β ≥ max (f(k) − λk)` for the line above, `β ≤ min` for the one below, over `k ∈ [l, u]`. The inflection points of each
//! activation are known, so that `[l, u]` falls into pieces where `f − λk` is convex or concave. On a convex piece `[a, b]`
//!
//! ```text
//! max = the larger value at the ends,    f(k) − λk ≥ (f(t) − λt) + (f′(t) − λ)(k − t)   for any t in [a, b]
//! ```
//!
//! since the graph lies above each of its tangents; the `t` where `f′(t) = λ` makes that tight, and a bad one does no harm. On
//! a concave piece it is the other way round.

use crate::interval::Interval;
use crate::math::{Activation, Separate};

/// `below.0·k + below.1 ≤ f(k) ≤ above.0·k + above.1`: slopes and offsets. A bound that is not known is infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lines {
    pub(super) below: (f64, f64),
    pub(super) above: (f64, f64),
}

impl Lines {
    /// The range, by lines without slope.
    fn flat(range: Interval) -> Self {
        Self { below: (0.0, range.inf()), above: (0.0, range.sup()) }
    }

    /// Of an activation over `k`, whose range is `range`.
    pub(super) fn of_activation(function: Activation, k: Interval, range: Interval) -> Self {
        // Beyond, `f − λk` is not worth its cancellation.
        const FAR: f64 = 1e15;
        if function == Activation::Identity {
            return Self { below: (1.0, 0.0), above: (1.0, 0.0) };
        }
        if function == Activation::Relu {
            return relu(k);
        }
        if k.mag() >= FAR {
            return Self::flat(range);
        }
        let [lower, upper] = hull_slopes(function, k);
        let below = offset(function, k, lower, false).inf();
        let above = offset(function, k, upper, true).sup();
        // A slope that helps nobody is none.
        let worth = |line: (f64, f64)| line.0.is_finite() && line.1.is_finite();
        let flat = Self::flat(range);
        Self {
            below: if worth((lower, below)) { (lower, below) } else { flat.below },
            above: if worth((upper, above)) { (upper, above) } else { flat.above },
        }
    }

    /// Of the product `s·a` as a function of `a`, for any `s` in the slope's interval: it lies between `min(s₁a, s₂a)`,
    /// concave, and `max(s₁a, s₂a)`, convex, and these between their chords and their tangents.
    pub(super) fn of_product(s: Interval, a: Interval) -> Self {
        let range = s * a;
        if !(s.is_bounded() && a.is_bounded()) {
            return Self::flat(range);
        }
        let chord = |most: bool| {
            let at = |x: f64| {
                let (p, q) = (s.inf() * x, s.sup() * x);
                if most { p.max(q) } else { p.min(q) }
            };
            let slope = (at(a.sup()) - at(a.inf())) / (a.sup() - a.inf());
            let slope = if slope.is_finite() { slope } else { s.mid() };
            // Extreme at the ends: a convex function at most, a concave one at least.
            let rest = |x: f64| (s - Interval::point(slope)) * Interval::point(x);
            let both = rest(a.inf()).hull(rest(a.sup()));
            (slope, if most { both.sup() } else { both.inf() })
        };
        Self { below: chord(false), above: chord(true) }
    }
}

/// Convex: below it one of its two branches, above it the chord.
fn relu(k: Interval) -> Lines {
    let (l, u) = (k.inf(), k.sup());
    if l >= 0.0 {
        return Lines { below: (1.0, 0.0), above: (1.0, 0.0) };
    }
    if u <= 0.0 {
        return Lines { below: (0.0, 0.0), above: (0.0, 0.0) };
    }
    let below = (if u > -l { 1.0 } else { 0.0 }, 0.0);
    let slope = u / (u - l);
    if !k.is_bounded() || !slope.is_finite() {
        return Lines { below, above: (0.0, u) };
    }
    // At the ends: −λl, and u − λu.
    let slopes = Interval::point(slope);
    let low = -(slopes * Interval::point(l));
    let high = Interval::point(u) - slopes * Interval::point(u);
    Lines { below, above: (slope, low.sup().max(high.sup())) }
}

/// Points of the grid that slopes are read from.
const GRID: usize = 33;

/// Slopes of the convex hull of the graph, below and above the middle of `k`, by a grid: the lines whose mean distance from the
/// function is least. Plain floating point.
fn hull_slopes(function: Activation, k: Interval) -> [f64; 2] {
    let (l, step) = (k.inf(), (k.sup() - k.inf()) / (GRID - 1) as f64);
    let middle = GRID / 2;
    if step <= 1e-9 * k.mag() {
        let slope = function.jet(Separate, k.mid())[1];
        return [slope; 2];
    }
    let mut f = [0.0; GRID];
    for (i, f) in f.iter_mut().enumerate() {
        *f = function.jet(Separate, l + step * i as f64)[0];
    }
    [-1.0, 1.0].map(|sign| {
        // The monotone chain: a point goes when the line from the one before it to the new one is not on its inner side.
        let (mut chain, mut len) = ([0; GRID], 0);
        for i in 0..GRID {
            while len > 1 {
                let (p, m) = (chain[len - 2], chain[len - 1]);
                let turn = (f[m] - f[p]) * (i - p) as f64 - (f[i] - f[p]) * (m - p) as f64;
                if sign * turn > 0.0 {
                    break;
                }
                len -= 1;
            }
            chain[len] = i;
            len += 1;
        }
        let right = chain[..len].iter().position(|&i| i >= middle).expect("the last point is on the chain");
        // Over a corner at the middle itself, the mean of the two edges.
        let next = if chain[right] == middle { right + 1 } else { right };
        let (p, q) = (chain[right - 1], chain[next]);
        (f[q] - f[p]) / (step * (q - p) as f64)
    })
}

/// Where the second derivative changes sign, ascending, and whether the function is convex before the first.
fn inflections(function: Activation) -> (bool, &'static [f64]) {
    match function {
        Activation::Tanh | Activation::Sigmoid => (true, &[0.0]),
        Activation::Silu => (false, &[-2.3993572805154675, 2.3993572805154675]),
        Activation::Softplus | Activation::Identity | Activation::Relu => (true, &[]),
    }
}

/// Encloses the extremum of `f(k) − slope·k` over `k` on the side asked for: its `inf` is a valid offset of the line below, its
/// `sup` of the line above.
fn offset(function: Activation, k: Interval, slope: f64, above: bool) -> Interval {
    let (mut convex, points) = inflections(function);
    let mut from = k.inf();
    let mut whole = Interval::EMPTY;
    for at in points {
        // An inflection point lies between the neighbours of its nearest double; there the range must do.
        let (end, next) = (at.next_down(), at.next_up());
        if from <= end {
            let piece = Interval::raw(from, k.sup().min(end));
            whole = whole.hull(on_piece(function, piece, slope, above, convex));
        }
        if from <= next && end <= k.sup() {
            let sliver = Interval::raw(from.max(end), k.sup().min(next));
            whole = whole.hull(sliver.activation(function, 0) - Interval::point(slope) * sliver);
        }
        if k.sup() <= next {
            return whole;
        }
        from = from.max(next);
        convex = !convex;
    }
    whole.hull(on_piece(function, Interval::raw(from, k.sup()), slope, above, convex))
}

/// The same on a piece where the function is convex, or where it is concave.
fn on_piece(function: Activation, piece: Interval, slope: f64, above: bool, convex: bool) -> Interval {
    let slopes = Interval::point(slope);
    let value = |x: f64| Interval::point(x).activation(function, 0) - slopes * Interval::point(x);
    if above == convex {
        return value(piece.inf()).hull(value(piece.sup()));
    }
    let t = touching(function, piece, slope, convex);
    let tilt = Interval::point(t).activation(function, 1) - slopes;
    value(t) + tilt * (piece - Interval::point(t))
}

/// About where the derivative has that slope, between the ends; an end if it is nowhere.
fn touching(function: Activation, piece: Interval, slope: f64, convex: bool) -> f64 {
    let rising = |x: f64| (function.jet(Separate, x)[1] < slope) == convex;
    let (mut a, mut b) = (piece.inf(), piece.sup());
    if !rising(a) {
        return a;
    }
    if rising(b) {
        return b;
    }
    while b - a > 1e-9 * (1.0 + a.abs() + b.abs()) {
        let m = 0.5 * a + 0.5 * b;
        if rising(m) { a = m } else { b = m }
    }
    0.5 * a + 0.5 * b
}
