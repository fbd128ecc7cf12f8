//! Two directions at once, with the mixed second derivative.

use core::ops::{Add, Div, Mul, Neg, Sub};

use super::rule::{Unary, elementary};
use crate::math::{Activation, Scalar};

/// A value `f`, its derivatives `rᵀ∇f` and `vᵀ∇f` in two directions, and `rᵀ∇²f v`.
///
/// One pass gives one entry of a Hessian, or the curvature in a direction with `r = v`: no tape, no gradient.
///
/// # Guarantee
/// As [`Dual`](super::Dual).
///
/// # Examples
/// ```
/// use sobolev::ad::Jet;
/// use sobolev::math::Scalar;
///
/// // ∂²/∂x∂y of x²y³ at (2, 3) is 6xy² = 108
/// let x = Jet { value: 2.0, r: 1.0, v: 0.0, rv: 0.0 };
/// let y = Jet { value: 3.0, r: 0.0, v: 1.0, rv: 0.0 };
/// let f = x.sqr() * y.powi(3);
/// assert_eq!((f.value, f.r, f.v, f.rv), (108.0, 108.0, 108.0, 108.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Jet<T> {
    /// The value.
    pub value: T,
    /// The derivative in direction `r`.
    pub r: T,
    /// The derivative in direction `v`.
    pub v: T,
    /// The second derivative in both.
    pub rv: T,
}

/// A comparison of jets, with the derivatives of the difference compared, as a [`DualMask`](super::DualMask) has.
///
/// # Examples
/// ```
/// use sobolev::ad::Jet;
/// use sobolev::math::Scalar;
///
/// let x = Jet { value: 3.0, r: 1.0, v: 1.0, rv: 0.0 };
/// let capped = Scalar::select(x.lt(Jet::constant(2.0)), x.sqr(), x.scale(2.0));
/// assert_eq!((capped.value, capped.r, capped.rv), (6.0, 2.0, 0.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct JetMask<T: Scalar> {
    /// Selects values.
    mask: T::Mask,
    /// Selects slopes: undecided at ties already.
    side: T::Mask,
    gap: Jet<T>,
}

impl<T: Scalar> Jet<T> {
    /// A value that does not vary.
    #[inline]
    pub fn fixed(value: T) -> Self {
        Self { value, r: T::zero(), v: T::zero(), rv: T::zero() }
    }

    /// The chain rule to second order.
    #[inline(always)]
    fn unary(self, f: Unary) -> Self {
        let value = f.value(self.value);
        let slope = f.slope(self.value, value);
        let curvature = f.curvature(self.value, value, slope);
        let rv = slope * self.rv + curvature * self.r * self.v;
        Self { value, r: slope * self.r, v: slope * self.v, rv }
    }

    /// The product rule, twice.
    #[inline]
    fn product(self, b: Self) -> Self {
        let a = self;
        Self {
            value: a.value * b.value,
            r: a.r * b.value + a.value * b.r,
            v: a.v * b.value + a.value * b.v,
            rv: (a.rv * b.value + a.value * b.rv) + (a.r * b.v + a.v * b.r),
        }
    }

    /// The product rule for `q·b`, solved for the parts of `q`.
    #[inline]
    fn quotient(self, b: Self) -> Self {
        let (value, inverse) = (self.value / b.value, b.value.recip());
        let r = (self.r - value * b.r) * inverse;
        let v = (self.v - value * b.v) * inverse;
        let rv = (self.rv - value * b.rv - (r * b.v + v * b.r)) * inverse;
        Self { value, r, v, rv }
    }

    #[inline]
    fn map(self, f: impl Fn(T) -> T) -> Self {
        Self { value: f(self.value), r: f(self.r), v: f(self.v), rv: f(self.rv) }
    }

    #[inline]
    fn zip(self, other: Self, f: impl Fn(T, T) -> T) -> Self {
        Self {
            value: f(self.value, other.value),
            r: f(self.r, other.r),
            v: f(self.v, other.v),
            rv: f(self.rv, other.rv),
        }
    }

    /// `a` or `b`, equal where the mask changes: the first derivatives are those of either side, the second jumps where
    /// `gap` passes zero, and does so only as fast as it passes.
    #[inline]
    fn kink(mask: T::Mask, a: Self, b: Self, gap: Self) -> Self {
        let mut chosen = a.zip(b, |a, b| T::select(mask, a, b));
        if T::is_undecided(mask) {
            chosen.rv = chosen.rv + T::select_slope(mask, T::zero(), T::zero()) * gap.r * gap.v;
        }
        chosen
    }
}

impl<T: Scalar> Neg for Jet<T> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        self.map(|part| -part)
    }
}

impl<T: Scalar> Add for Jet<T> {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl<T: Scalar> Sub for Jet<T> {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }
}

impl<T: Scalar> Mul for Jet<T> {
    type Output = Self;
    #[inline]
    fn mul(self, other: Self) -> Self {
        self.product(other)
    }
}

impl<T: Scalar> Div for Jet<T> {
    type Output = Self;
    #[inline]
    fn div(self, other: Self) -> Self {
        self.quotient(other)
    }
}

impl<T: Scalar> Scalar for Jet<T> {
    type Mask = JetMask<T>;

    elementary!();

    #[inline]
    fn constant(x: f64) -> Self {
        Self::fixed(T::constant(x))
    }
    #[inline]
    fn scale(self, factor: f64) -> Self {
        self.map(|part| part.scale(factor))
    }
    #[inline]
    fn shift(self, term: f64) -> Self {
        Self { value: self.value.shift(term), ..self }
    }
    #[inline]
    fn abs(self) -> Self {
        let right = self.value.exceeds(T::zero());
        Self { value: self.value.abs(), ..Self::kink(right, self, -self, self) }
    }
    #[inline]
    fn max(self, other: Self) -> Self {
        let first = self.value.exceeds(other.value);
        Self { value: self.value.max(other.value), ..Self::kink(first, self, other, self - other) }
    }
    #[inline]
    fn min(self, other: Self) -> Self {
        let second = self.value.exceeds(other.value);
        Self { value: self.value.min(other.value), ..Self::kink(second, other, self, self - other) }
    }
    #[inline]
    fn lt(self, other: Self) -> Self::Mask {
        let mask = self.value.lt(other.value);
        JetMask { mask, side: other.value.exceeds(self.value), gap: self - other }
    }
    #[inline]
    fn exceeds(self, other: Self) -> Self::Mask {
        let side = self.value.exceeds(other.value);
        JetMask { mask: side, side, gap: self - other }
    }
    #[inline]
    fn is_undecided(mask: Self::Mask) -> bool {
        T::is_undecided(mask.side)
    }
    #[inline]
    fn select(mask: Self::Mask, a: Self, b: Self) -> Self {
        mask.choose(T::select(mask.mask, a.value, b.value), a, b, |any| (any * (a.value - b.value)).or(T::zero()))
    }
    #[inline]
    fn or(self, other: Self) -> Self {
        self.zip(other, T::or)
    }
    #[inline]
    fn select_slope(mask: Self::Mask, a: Self, b: Self) -> Self {
        mask.choose(T::select_slope(mask.side, a.value, b.value), a, b, |any| any)
    }
}

impl<T: Scalar> JetMask<T> {
    /// `value`, the choice between `a` and `b`, with the derivatives of either; where undecided the choice is
    /// `b + H(gap)(a − b)`, and the derivatives of the step `H` are any number, times the height in `jump`. A branch without a
    /// value has no height.
    #[inline]
    fn choose(self, value: T, a: Jet<T>, b: Jet<T>, jump: impl Fn(T) -> T) -> Jet<T> {
        let Self { side, gap, .. } = self;
        let mut chosen = Jet { value, ..a.zip(b, |a, b| T::select(side, a, b)) };
        if T::is_undecided(side) {
            let any = T::select_slope(side, T::zero(), T::zero());
            let (jump, height) = (jump(any), a - b);
            chosen.r = chosen.r + jump * gap.r;
            chosen.v = chosen.v + jump * gap.v;
            let mixed = (any * (gap.r * height.v + gap.v * height.r)).or(T::zero());
            chosen.rv = chosen.rv + mixed + jump * gap.rv + jump * gap.r * gap.v;
        }
        chosen
    }
}
