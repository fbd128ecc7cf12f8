//! Several points at once, one a lane.

use core::ops::{Add, Div, Mul, Neg, Sub};

use crate::math::{Activation, Real, Scalar, Separate};

/// `N` numbers that go through a function together, in loops that compile to vector instructions.
///
/// Aligned to a cache line: choose `N` to fill it (8 in `f64`, 16 in `f32`).
///
/// # Guarantee
/// Each lane has the bits of the scalar function, `exp` excepted, which is branch-free here and within 2 ulp.
///
/// # Examples
/// ```
/// use sobolev::ad::Lanes;
/// use sobolev::math::Scalar;
///
/// let spot = Lanes([0.9, 1.0, 1.1, 1.2]);
/// let payoff = (spot - Lanes::constant(1.0)).positive_part();
/// assert!((payoff.sum() - 0.3).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(64))]
pub struct Lanes<T, const N: usize>(pub [T; N]);

impl<T: Real, const N: usize> Lanes<T, N> {
    /// The same number in every lane.
    #[inline(always)]
    pub const fn splat(x: T) -> Self {
        Self([x; N])
    }

    /// The sum over lanes, in their order.
    #[inline(always)]
    pub fn sum(self) -> T {
        self.0.into_iter().fold(T::ZERO, |sum, x| sum + x)
    }

    #[inline(always)]
    fn map(mut self, f: impl Fn(T) -> T) -> Self {
        // A loop, here and below: `from_fn` is not always inlined, and a call a lane takes ten times as long.
        for x in &mut self.0 {
            *x = f(*x);
        }
        self
    }

    #[inline(always)]
    fn zip(mut self, other: Self, f: impl Fn(T, T) -> T) -> Self {
        for i in 0..N {
            self.0[i] = f(self.0[i], other.0[i]);
        }
        self
    }
}

macro_rules! operators {
    ($($operator:ident $method:ident)*) => {
        $(impl<T: Real, const N: usize> $operator for Lanes<T, N> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.zip(other, |a, b| a.$method(b))
            }
        })*
    };
}
operators!(Add add Sub sub Mul mul Div div);

impl<T: Real, const N: usize> Neg for Lanes<T, N> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.map(|x| -x)
    }
}

macro_rules! by_lane {
    ($($method:ident)*) => {
        $(#[inline(always)]
        fn $method(self) -> Self {
            self.map(|x| x.$method())
        })*
    };
}

impl<T: Real, const N: usize> Scalar for Lanes<T, N> {
    type Mask = [bool; N];

    by_lane!(recip sqr sqrt ln sin cos normal_cdf normal_pdf abs);

    #[inline(always)]
    fn constant(x: f64) -> Self {
        Self::splat(T::of(x))
    }
    #[inline(always)]
    fn powi(self, n: i32) -> Self {
        self.map(|x| x.powi(n))
    }
    #[inline(always)]
    fn exp(self) -> Self {
        // Where every lane is far from overflow and underflow (and none is NaN) no lane branches.
        let bound = T::of(80.0);
        if self.0.iter().fold(true, |all, &x| all & (x.magnitude() <= bound)) {
            self.map(|x| x.exp_parts(Separate).exp(Separate))
        } else {
            self.map(|x| x.exp())
        }
    }
    #[inline(always)]
    fn activation(self, function: Activation, order: usize) -> Self {
        self.map(|x| x.activation(function, order))
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, T::max)
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        self.zip(other, T::min)
    }
    #[inline(always)]
    fn lt(self, other: Self) -> [bool; N] {
        let mut mask = [false; N];
        for i in 0..N {
            mask[i] = self.0[i] < other.0[i];
        }
        mask
    }
    #[inline(always)]
    fn exceeds(self, other: Self) -> [bool; N] {
        other.lt(self)
    }
    #[inline(always)]
    fn is_undecided(_: [bool; N]) -> bool {
        false
    }
    #[inline(always)]
    fn select(mask: [bool; N], a: Self, b: Self) -> Self {
        let mut chosen = b;
        for i in 0..N {
            chosen.0[i] = if mask[i] { a.0[i] } else { b.0[i] };
        }
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::Lanes;
    use crate::math::Scalar;

    /// Against libm's exponential, which is within 1 ulp.
    #[test]
    fn exponentials_are_within_two_ulp() {
        for i in -80_000..80_000 {
            let x = f64::from(i) * 1e-3 + 1e-5;
            let (got, want) = (Lanes([x; 2]).exp().0[1], libm::exp(x));
            assert!(got.to_bits().abs_diff(want.to_bits()) <= 3, "exp({x}) = {got} ≠ {want}");
            let single = (x as f32, libm::exp(f64::from(x as f32)) as f32);
            let got = Lanes([single.0; 2]).exp().0[1];
            assert!(got.to_bits().abs_diff(single.1.to_bits()) <= 2, "exp({}) = {got} ≠ {}", single.0, single.1);
        }
    }

    #[test]
    fn far_lanes_overflow_and_underflow_alone() {
        let y = Lanes([1000.0, -1000.0, f64::NAN, f64::INFINITY, 0.0]).exp();
        assert_eq!(y.0[..2], [f64::INFINITY, 0.0]);
        assert!(y.0[2].is_nan());
        assert_eq!(y.0[3..], [f64::INFINITY, 1.0]);
    }
}
