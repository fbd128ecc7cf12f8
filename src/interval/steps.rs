//! Functions that step: the sign, and rounding to integers.

use super::Interval;

impl Interval {
    /// Range of a function that nowhere decreases and is exact.
    #[inline]
    fn stepwise(self, f: impl Fn(f64) -> f64) -> Self {
        if self.is_empty() { Self::EMPTY } else { Self::raw(f(self.lo), f(self.hi)) }
    }

    /// −1, 0 or 1. Exact.
    pub fn sign(self) -> Self {
        self.stepwise(|x| if x == 0.0 { 0.0 } else { 1_f64.copysign(x) })
    }

    /// The least integer that is not below. Exact.
    pub fn ceil(self) -> Self {
        self.stepwise(libm::ceil)
    }

    /// The greatest integer that is not above. Exact.
    pub fn floor(self) -> Self {
        self.stepwise(libm::floor)
    }

    /// The integer part, towards 0. Exact.
    pub fn trunc(self) -> Self {
        self.stepwise(libm::trunc)
    }

    /// The nearest integer, of two the one further from 0. Exact.
    pub fn round(self) -> Self {
        self.stepwise(libm::round)
    }

    /// The nearest integer, of two the even one. Exact.
    pub fn round_ties_even(self) -> Self {
        self.stepwise(libm::rint)
    }
}
