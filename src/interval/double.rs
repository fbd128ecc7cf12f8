//! Double-double arithmetic: the unevaluated sum of two doubles, some 106 bits, without a fused multiply-add.
//!
//! The elementary functions are evaluated in it at each end of an interval and then rounded outward. A sum or product has a
//! relative error below 2⁻¹⁰⁰ (algorithms of Dekker and Knuth, bounds as proved by Joldes, Muller and Popescu, 2017, who
//! have 2⁻¹⁰³ or less). The later terms of a series, below 2⁻²⁰ of its sum, are summed in plain doubles; with them a function
//! is good to 2⁻⁷⁰ of itself. Bounds are widened by [`MARGIN`], 2⁻⁶⁴ of the value: 64 times as much, and a thousandth of an
//! ulp, so that the proof needs no care and the bounds are the tightest ones but for one case in a thousand.

use core::f64::consts;
use core::ops::{Add, Mul, Neg, Sub};

use super::directed::{above, below, two_product};
use super::exact::scale;
use super::monotone::Bounds;

/// `hi + lo`, with `hi` the double nearest to the sum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Double {
    pub(super) hi: f64,
    pub(super) lo: f64,
}

/// Widening of every bound, relative to the value: 2⁻⁶⁴.
pub(super) const MARGIN: f64 = f64::from_bits((1023 - 64) << 52);

impl Double {
    pub(super) const ONE: Self = Self::new(1.0);
    pub(super) const LN_2: Self = Self { hi: consts::LN_2, lo: 2.3190468138462996e-17 };
    pub(super) const LN_10: Self = Self { hi: consts::LN_10, lo: -2.1707562233822494e-16 };
    pub(super) const TWO_OVER_ROOT_PI: Self = Self { hi: consts::FRAC_2_SQRT_PI, lo: 1.533545961316588e-17 };
    pub(super) const FRAC_1_SQRT_TAU: Self = Self { hi: 0.3989422804014327, lo: -2.49232720227773e-17 };
    pub(super) const FRAC_1_SQRT_2: Self = Self { hi: consts::FRAC_1_SQRT_2, lo: -4.833646656726457e-17 };
    pub(super) const FRAC_PI_2: Self = Self { hi: consts::FRAC_PI_2, lo: 6.123233995736766e-17 };

    #[inline(always)]
    pub(super) const fn new(x: f64) -> Self {
        Self { hi: x, lo: 0.0 }
    }

    /// `a + b`, exactly (Knuth).
    #[inline(always)]
    pub(super) const fn sum(a: f64, b: f64) -> Self {
        let hi = a + b;
        let from_b = hi - a;
        Self { hi, lo: (a - (hi - from_b)) + (b - from_b) }
    }

    /// `a·b`, exactly in the range of [`two_product`].
    #[inline(always)]
    pub(super) const fn product(a: f64, b: f64) -> Self {
        let (hi, lo) = two_product(a, b);
        Self { hi, lo }
    }

    /// `hi + lo` for |lo| ≤ |hi|.
    #[inline(always)]
    pub(super) const fn renormalised(hi: f64, lo: f64) -> Self {
        let sum = hi + lo;
        Self { hi: sum, lo: lo - (sum - hi) }
    }

    #[inline(always)]
    pub(super) const fn plus(self, other: Self) -> Self {
        let high = Self::sum(self.hi, other.hi);
        let low = Self::sum(self.lo, other.lo);
        let first = Self::renormalised(high.hi, high.lo + low.hi);
        Self::renormalised(first.hi, first.lo + low.lo)
    }

    /// `self + other` where |other| ≤ |self|/2, which spares half of the work.
    #[inline(always)]
    pub(super) const fn plus_smaller(self, other: Self) -> Self {
        let high = Self::renormalised(self.hi, other.hi);
        Self::renormalised(high.hi, high.lo + (self.lo + other.lo))
    }

    #[inline(always)]
    pub(super) const fn times(self, other: Self) -> Self {
        let (p, e) = two_product(self.hi, other.hi);
        Self::renormalised(p, e + (self.hi * other.lo + self.lo * other.hi))
    }

    /// Multiplied by a power of two (or anything else that leaves both parts exact).
    #[inline(always)]
    pub(super) const fn scaled(self, power: f64) -> Self {
        Self { hi: self.hi * power, lo: self.lo * power }
    }

    /// `self / other`, by two steps of long division.
    #[inline(always)]
    pub(super) const fn over(self, other: Self) -> Self {
        let first = self.hi / other.hi;
        let rest = self.plus(other.times(Self::new(-first)));
        let second = rest.hi / other.hi;
        let rest = rest.plus(other.times(Self::new(-second)));
        Self::renormalised(first, second).plus(Self::new(rest.hi / other.hi))
    }

    /// `√self`, by one Newton step on the double root.
    pub(super) fn sqrt(self) -> Self {
        if self.hi <= 0.0 {
            return Self::new(0.0);
        }
        let root = libm::sqrt(self.hi);
        let rest = self - Self::product(root, root);
        let first = Self::renormalised(root, rest.hi / (2.0 * root));
        // (r + ε)² misses by ε², of relative size 2⁻¹⁰⁶; a second step keeps the bound of the others without argument.
        let rest = self - first * first;
        first + Self::new(rest.hi / (2.0 * root))
    }

    /// Largest double certainly not above, if the error is at most `error`.
    #[inline(always)]
    pub(super) fn down_by(self, error: f64) -> f64 {
        let s = Self::renormalised(self.hi, self.lo - error);
        below(s.hi, s.lo)
    }

    /// Smallest double certainly not below, if the error is at most `error`.
    #[inline(always)]
    pub(super) fn up_by(self, error: f64) -> f64 {
        let s = Self::renormalised(self.hi, self.lo + error);
        above(s.hi, s.lo)
    }

    /// Bounds of what is known to an error of [`MARGIN`] relative to itself; exact where it is zero.
    #[inline(always)]
    pub(super) fn bounds(self) -> Bounds {
        let error = self.margin();
        (self.down_by(error), self.up_by(error))
    }

    /// [`bounds`](Self::bounds) of `self·2^exponent`, also where that over- or underflows.
    pub(super) fn bounds_scaled(self, exponent: i32) -> Bounds {
        let (lo, hi) = self.bounds();
        (scale(lo, exponent, false), scale(hi, exponent, true))
    }

    #[inline(always)]
    fn margin(self) -> f64 {
        MARGIN * self.hi.abs()
    }
}

impl Neg for Double {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self { hi: -self.hi, lo: -self.lo }
    }
}
impl Add for Double {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.plus(other)
    }
}
impl Sub for Double {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.plus(-other)
    }
}
impl Mul for Double {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.times(other)
    }
}
impl core::ops::Div for Double {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.over(other)
    }
}
