//! The basic operations, each tightest: both bounds correctly rounded.

use core::ops::{Add, Div, Mul, Neg, Sub};

use super::Interval;
use super::directed::{add_down, add_up, div_down, div_up, fma_down, fma_up, mul_down, mul_up, sqrt_down, sqrt_up};
use super::pair::Pair;

impl Neg for Interval {
    type Output = Self;
    /// Exact.
    #[inline(always)]
    fn neg(self) -> Self {
        Self { lo: -self.hi, hi: -self.lo }
    }
}

impl Add for Interval {
    type Output = Self;
    /// Tightest.
    #[inline]
    fn add(self, other: Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return Self::EMPTY;
        }
        Self { lo: add_down(self.lo, other.lo), hi: add_up(self.hi, other.hi) }
    }
}

impl Sub for Interval {
    type Output = Self;
    /// Tightest.
    #[inline]
    fn sub(self, other: Self) -> Self {
        self + -other
    }
}

impl Mul for Interval {
    type Output = Self;
    /// Tightest.
    ///
    /// With both bounds as upper ones, `x = (−lo, hi)`, multiplication by a number `y ≥ 0` is `x·y`, by a negative one
    /// `swap(x)·|y|`. Over an interval of `y` each bound is the larger of those at its ends. Nothing branches on a sign.
    #[inline]
    fn mul(self, other: Self) -> Self {
        let flip = Pair::new(-0.0, 0.0);
        let x = Pair::new(self.lo, self.hi) ^ flip;
        let (c, d) = (Pair::splat(other.lo), Pair::splat(other.hi));
        let (zero, turned) = (Pair::splat(0.0), x ^ x.swapped());
        let (at_c, at_d) = (x ^ (c.lt(zero) & turned), x ^ (d.lt(zero) & turned));
        let (c, d) = (c.abs(), d.abs());
        let (one, two) = (at_c * c, at_d * d);
        let first = two.lt(one);
        let p = one.max(two);
        // Of two products that round to the same number either could be the greater. What is infinite, empty, or has a
        // product of 0 and ∞, has a bound that is out of range.
        let tied = one.eq(two).any() && other.lo != other.hi;
        match p.product_up(at_d ^ (first & (at_c ^ at_d)), d ^ (first & (c ^ d))) {
            Some(upper) if !tied => {
                let [lo, hi] = (upper ^ flip).to_array();
                Self { lo, hi }
            }
            _ => self.mul_by_ends(other),
        }
    }
}

impl Div for Interval {
    type Output = Self;
    /// Tightest hull of the quotients by the non-zero numbers of the divisor; ∅ if there are none.
    #[inline]
    fn div(self, other: Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return Self::EMPTY;
        }
        if other.lo > 0.0 {
            self.div_by_positive(other)
        } else if other.hi < 0.0 {
            -self.div_by_positive(-other)
        } else {
            let [below, above] = self.div_by_parts(other);
            below.hull(above)
        }
    }
}

impl Interval {
    /// [`Mul`] where an end is infinite, empty, or so large or small that its products are not error-free; or where two
    /// products round to the same number, and either could be the greater.
    #[cold]
    fn mul_by_ends(self, other: Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return Self::EMPTY;
        }
        let ends = [(self.lo, other.lo), (self.lo, other.hi), (self.hi, other.lo), (self.hi, other.hi)];
        Self {
            lo: ends.map(|(x, y)| mul_down(x, y)).into_iter().fold(f64::INFINITY, f64::min),
            hi: ends.map(|(x, y)| mul_up(x, y)).into_iter().fold(f64::NEG_INFINITY, f64::max),
        }
    }

    /// `self / other` for `other.hi > 0` and `other.lo ≥ 0`; a divisor that reaches down to 0 sends quotients to ±∞.
    #[inline]
    pub(super) fn div_by_positive(self, other: Self) -> Self {
        let least = if self.lo < 0.0 { other.lo } else { other.hi };
        let greatest = if self.hi < 0.0 { other.hi } else { other.lo };
        let lo = if least == 0.0 { f64::NEG_INFINITY } else { div_down(self.lo, least) };
        let hi = match greatest {
            0.0 if self.hi == 0.0 => 0.0,
            0.0 => f64::INFINITY,
            _ => div_up(self.hi, greatest),
        };
        Self { lo, hi }
    }

    /// `1/x`. Tightest.
    #[inline]
    pub fn recip(self) -> Self {
        Self::ONE / self
    }

    /// `x²`. Tightest; never negative, unlike `x·x`, which takes the factors to be independent.
    #[inline]
    pub fn sqr(self) -> Self {
        let (least, greatest) = (self.mig(), self.mag());
        let least = if least == 0.0 { greatest } else { least };
        // Upper bounds of −least² and greatest².
        let (x, y) = (Pair::new(-least, greatest), Pair::new(least, greatest));
        match (x * y).product_up(x, y).map(Pair::to_array) {
            Some([lo, hi]) => Self { lo: if self.contains(0.0) { 0.0 } else { -lo }, hi },
            None => self.sqr_by_ends(),
        }
    }

    /// [`sqr`](Self::sqr) where an end is infinite, empty, zero, or so large or small that its square is not error-free.
    #[cold]
    fn sqr_by_ends(self) -> Self {
        if self.is_empty() {
            return Self::EMPTY;
        }
        let (least, greatest) = (self.mig(), self.mag());
        Self { lo: mul_down(least, least), hi: mul_up(greatest, greatest) }
    }

    /// `√x` over the numbers of `self` that are not negative. Tightest.
    #[inline]
    pub fn sqrt(self) -> Self {
        if self.hi < 0.0 {
            return Self::EMPTY;
        }
        Self { lo: if self.lo > 0.0 { sqrt_down(self.lo) } else { 0.0 }, hi: sqrt_up(self.hi) }
    }

    /// `x·factor + term` in one rounding (the standard's `fma`). Tightest.
    pub fn mul_add(self, factor: Self, term: Self) -> Self {
        if self.is_empty() || factor.is_empty() || term.is_empty() {
            return Self::EMPTY;
        }
        let ends = [(self.lo, factor.lo), (self.lo, factor.hi), (self.hi, factor.lo), (self.hi, factor.hi)];
        Self {
            lo: ends.map(|(x, y)| fma_down(x, y, term.lo)).into_iter().fold(f64::INFINITY, f64::min),
            hi: ends.map(|(x, y)| fma_up(x, y, term.hi)).into_iter().fold(f64::NEG_INFINITY, f64::max),
        }
    }

    /// |x|. Exact.
    #[inline]
    pub const fn abs(self) -> Self {
        if self.is_empty() { Self::EMPTY } else { Self::raw(self.mig(), self.mag()) }
    }

    /// The smaller of the two, point by point. Exact.
    #[inline]
    pub const fn min(self, other: Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return Self::EMPTY;
        }
        Self::raw(self.lo.min(other.lo), self.hi.min(other.hi))
    }

    /// The larger of the two, point by point. Exact.
    #[inline]
    pub const fn max(self, other: Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return Self::EMPTY;
        }
        Self::raw(self.lo.max(other.lo), self.hi.max(other.hi))
    }
}
