//! [`Interval`] as a number that any generic function can be evaluated over.

use super::Interval;
use crate::math::{Activation, Scalar};

/// The answer of a comparison between intervals: never a `bool`, so that no branch is taken for a part of the box only.
///
/// # Examples
/// ```
/// use sobolev::interval::{Interval, Tri};
/// use sobolev::math::Scalar;
/// let (x, one) = (Interval::new(0.0, 2.0)?, Interval::ONE);
/// assert_eq!((x.lt(one), x.lt(Interval::point(3.0)), x.lt(-one)), (Tri::Undecided, Tri::True, Tri::False));
/// assert_eq!(Scalar::select(x.lt(one), -one, one), Interval::new(-1.0, 1.0)?);
/// # Ok::<(), sobolev::interval::InvalidInterval>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tri {
    /// It holds for every pair of points.
    True,
    /// It holds for none.
    False,
    /// It holds for some pairs and fails for others.
    Undecided,
}

impl Scalar for Interval {
    type Mask = Tri;

    #[inline(always)]
    fn constant(x: f64) -> Self {
        Self::point(x)
    }
    #[inline]
    fn recip(self) -> Self {
        Self::recip(self)
    }
    #[inline]
    fn sqr(self) -> Self {
        Self::sqr(self)
    }
    fn powi(self, n: i32) -> Self {
        Self::powi(self, n)
    }
    #[inline]
    fn sqrt(self) -> Self {
        Self::sqrt(self)
    }
    #[inline]
    fn exp(self) -> Self {
        Self::exp(self)
    }
    fn ln(self) -> Self {
        Self::ln(self)
    }
    fn sin(self) -> Self {
        Self::sin(self)
    }
    fn cos(self) -> Self {
        Self::cos(self)
    }
    fn normal_cdf(self) -> Self {
        Self::normal_cdf(self)
    }
    fn normal_pdf(self) -> Self {
        Self::normal_pdf(self)
    }
    #[track_caller]
    fn activation(self, function: Activation, order: usize) -> Self {
        Self::activation(self, function, order)
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Self::abs(self)
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        Self::max(self, other)
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        Self::min(self, other)
    }
    /// With ∅ nothing is decided.
    #[inline]
    fn lt(self, other: Self) -> Tri {
        if self.is_empty() || other.is_empty() {
            Tri::Undecided
        } else if self.strictly_precedes(other) {
            Tri::True
        } else if other.precedes(self) {
            Tri::False
        } else {
            Tri::Undecided
        }
    }
    #[inline]
    fn exceeds(self, other: Self) -> Tri {
        if self.is_empty() || other.is_empty() {
            Tri::Undecided
        } else if other.strictly_precedes(self) {
            Tri::True
        } else if self.strictly_precedes(other) {
            Tri::False
        } else {
            Tri::Undecided
        }
    }
    #[inline(always)]
    fn is_undecided(mask: Tri) -> bool {
        mask == Tri::Undecided
    }
    #[inline]
    fn select(mask: Tri, a: Self, b: Self) -> Self {
        match mask {
            Tri::True => a,
            Tri::False => b,
            Tri::Undecided => a.hull(b),
        }
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        if self.is_empty() { other } else { self }
    }
    /// [`ENTIRE`](Interval::ENTIRE) where undecided: the branches may jump where they meet.
    #[inline]
    fn select_slope(mask: Tri, a: Self, b: Self) -> Self {
        match mask {
            Tri::True => a,
            Tri::False => b,
            Tri::Undecided => Self::ENTIRE,
        }
    }
}
