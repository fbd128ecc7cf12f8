//! Interval arithmetic over slices: whole layers, for one box or for many, at the speed of the vector unit.
//!
//! A box is the product of the intervals of all nodes of a layer. Many boxes lie side by side, node by node: the bounds of
//! node `i` in box `b` are `lo[i·boxes + b]` and `hi[i·boxes + b]` (structure of arrays, see [`Boxes`]).
//!
//! # How an affine layer is enclosed
//! Rump's centre-radius form: with `x ∈ m ± ρ`,
//!
//! ```text
//! Σ wᵢxᵢ + b ∈ c ± r,   c = fl(Σ wᵢmᵢ + b),   r ≥ Σ |wᵢ|(ρᵢ + γ|mᵢ|) + γ|b| + η,
//! ```
//!
//! where γ bounds the rounding of a sum of that many terms, *in any order, fused or not* (Higham, Accuracy and Stability,
//! §3.1), and η what underflow can lose. So one proof holds for every instruction set and blocking; two plain products do the
//! work. What is not finite, or overflows on the way, is computed again with [`Interval`], exactly as the definition says.
//!
//! The bounds are as narrow as those of operation-by-operation arithmetic, except for intervals so thin that rounding
//! dominates (a relative radius near 10⁻¹⁴: 1.7 times as wide). With interval weights a product's radius is overestimated by
//! half at most.

mod activation;
mod affine;
mod bounds;
mod multiply;
mod one_box;
mod product;

#[cfg(test)]
mod props;

pub use activation::activation;
pub use affine::{adjoint, affine};
pub use multiply::multiply;

use super::Interval;

/// Bounds of many intervals, lower ones and upper ones apart.
///
/// # Examples
/// ```
/// use sobolev::interval::kernel::{Boxes, BoxesMut, Weights, affine};
///
/// // Two outputs, three inputs, one box.
/// let weights = [1.0, -2.0, 0.5, 0.0, 1.0, 1.0];
/// let (lo, hi) = ([0.0, -1.0, 2.0], [1.0, 1.0, 2.0]);
/// let (mut y_lo, mut y_hi) = ([0.0; 2], [0.0; 2]);
/// affine(Weights::Points(&weights), Some(&[1.0, 0.0]), Boxes::new(&lo, &hi), BoxesMut::new(&mut y_lo, &mut y_hi), 1);
/// assert!(y_lo[0] <= 0.0 && y_lo[0] > -1e-12); // 1·0 − 2·1 + ½·2 + 1
/// assert!(y_hi[0] >= 5.0 && y_hi[0] < 5.0 + 1e-12);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Boxes<'a> {
    /// Lower bounds.
    pub lo: &'a [f64],
    /// Upper bounds.
    pub hi: &'a [f64],
}

/// [`Boxes`] to be written.
///
/// # Examples
/// ```
/// use sobolev::interval::Interval;
/// use sobolev::interval::kernel::BoxesMut;
/// let (mut lo, mut hi) = ([0.0; 3], [0.0; 3]);
/// BoxesMut::new(&mut lo, &mut hi).set(1, Interval::ENTIRE);
/// assert_eq!((lo[1], hi[1]), (f64::NEG_INFINITY, f64::INFINITY));
/// ```
#[derive(Debug)]
pub struct BoxesMut<'a> {
    /// Lower bounds.
    pub lo: &'a mut [f64],
    /// Upper bounds.
    pub hi: &'a mut [f64],
}

impl<'a> Boxes<'a> {
    /// # Panics
    /// If the slices differ in length.
    #[track_caller]
    pub fn new(lo: &'a [f64], hi: &'a [f64]) -> Self {
        assert_eq!(lo.len(), hi.len(), "as many lower as upper bounds");
        Self { lo, hi }
    }

    /// How many intervals.
    pub fn len(self) -> usize {
        self.lo.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.lo.is_empty()
    }

    /// One of them. Bounds that make no interval are ∅ if crossed, [`Interval::ENTIRE`] if NaN.
    pub fn get(self, index: usize) -> Interval {
        let (lo, hi) = (self.lo[index], self.hi[index]);
        if lo > hi { Interval::EMPTY } else { Interval::bounds(lo, hi) }
    }
}

impl<'a> BoxesMut<'a> {
    /// # Panics
    /// If the slices differ in length.
    #[track_caller]
    pub fn new(lo: &'a mut [f64], hi: &'a mut [f64]) -> Self {
        assert_eq!(lo.len(), hi.len(), "as many lower as upper bounds");
        Self { lo, hi }
    }

    /// Writes one of them.
    pub fn set(&mut self, index: usize, x: Interval) {
        (self.lo[index], self.hi[index]) = (x.inf(), x.sup());
    }
}

/// The weights of a layer, row-major: `w[o·inputs + i]` leads from input `i` to output `o`.
///
/// # Examples
/// Of a rounded weight only an interval is known, and so of the result:
/// ```
/// use sobolev::interval::kernel::{Boxes, BoxesMut, Weights, affine};
/// let (low, high) = ([0.0999], [0.1001]);
/// let (mut y_lo, mut y_hi) = ([0.0], [0.0]);
/// let (weights, x) = (Weights::Intervals(Boxes::new(&low, &high)), Boxes::new(&[10.0], &[10.0]));
/// affine(weights, None, x, BoxesMut::new(&mut y_lo, &mut y_hi), 1);
/// assert!(y_lo[0] <= 0.999 && 1.001 <= y_hi[0]);
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// Numbers.
    Points(&'a [f64]),
    /// Intervals.
    Intervals(Boxes<'a>),
}

impl Weights<'_> {
    fn len(self) -> usize {
        match self {
            Self::Points(w) => w.len(),
            Self::Intervals(w) => w.len(),
        }
    }

    fn get(self, index: usize) -> Interval {
        match self {
            Self::Points(w) => Interval::point(w[index]),
            Self::Intervals(w) => w.get(index),
        }
    }
}
