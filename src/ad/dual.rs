//! Forward mode: a value and its tangents.
//!
//! Inlined by force: over lanes these operations must be compiled for the vectors of the function that calls them.

use core::array::from_fn;
use core::ops::{Add, Div, Mul, Neg, Sub};

use super::rule::{Unary, elementary};
use crate::math::{Activation, Scalar};

/// `value + Σᵢ tangentᵢ εᵢ` with `εᵢ εⱼ = 0`: a value and its derivatives in `N` directions, carried through a function.
///
/// Over any scalar: `Dual<Dual<T, N>, N>` has second derivatives, `Dual<Interval, N>` encloses derivatives over a box, and a
/// tape over `Dual` is forward over reverse.
///
/// # Guarantee
/// Exact rules, rounded as `T` rounds; over intervals enclosures. At a kink (`max`, `min`, `abs`, relu at a tie) the slope of
/// the branch that `exceeds` denies at a point, and both branches' over intervals.
///
/// # Examples
/// ```
/// use sobolev::ad::Dual;
/// use sobolev::math::Scalar;
///
/// // d/dx (x² sin x) at 2
/// let x = Dual::<f64>::variable(2.0);
/// let y = x.sqr() * x.sin();
/// assert!((y.tangent[0] - (4.0 * 2_f64.sin() + 4.0 * 2_f64.cos())).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual<T, const N: usize = 1> {
    /// The value.
    pub value: T,
    /// The derivative in each of the directions.
    pub tangent: [T; N],
}

/// A comparison of dual numbers, with the tangents of the difference compared: where the answer is undecided, what is
/// selected by it varies as that difference does.
///
/// # Examples
/// ```
/// use sobolev::ad::Dual;
/// use sobolev::interval::Interval;
/// use sobolev::math::Scalar;
///
/// // A step somewhere in the box: no slope can be excluded.
/// let x = Dual::<_, 1>::variable(Interval::new(0.0, 2.0)?);
/// let step = Scalar::select(x.lt(Dual::constant(1.0)), Dual::constant(0.0), Dual::constant(1.0));
/// assert_eq!((step.value, step.tangent[0]), (Interval::new(0.0, 1.0)?, Interval::ENTIRE));
/// # Ok::<(), sobolev::interval::InvalidInterval>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DualMask<T: Scalar, const N: usize> {
    /// Selects values.
    mask: T::Mask,
    /// Selects slopes: undecided at ties already.
    side: T::Mask,
    gap: [T; N],
}

impl<T: Scalar> Dual<T> {
    /// The variable of differentiation: tangent 1.
    #[inline(always)]
    pub fn variable(value: T) -> Self {
        Self { value, tangent: [T::one()] }
    }
}

impl<T: Scalar, const N: usize> Dual<T, N> {
    /// A value that does not vary.
    #[inline(always)]
    pub fn fixed(value: T) -> Self {
        Self { value, tangent: [T::zero(); N] }
    }

    /// The variable of direction `i`: tangent 1 there, 0 elsewhere.
    ///
    /// # Panics
    /// If `i ≥ N`.
    #[inline(always)]
    #[track_caller]
    pub fn seed(value: T, i: usize) -> Self {
        let mut x = Self::fixed(value);
        x.tangent[i] = T::one();
        x
    }

    #[inline(always)]
    fn unary(self, f: Unary) -> Self {
        let y = f.value(self.value);
        let slope = f.slope(self.value, y);
        Self { value: y, tangent: self.tangent.map(|dot| slope * dot) }
    }

    /// `(ab)′ = a′b + ab′`.
    #[inline(always)]
    fn product(self, other: Self) -> Self {
        Self::merge(self.value * other.value, self, other, |a, b| a * other.value + self.value * b)
    }

    /// `(a/b)′ = (a′ − (a/b)b′)/b`.
    #[inline(always)]
    fn quotient(self, other: Self) -> Self {
        let quotient = self.value / other.value;
        let inverse = other.value.recip();
        Self::merge(quotient, self, other, |a, b| (a - quotient * b) * inverse)
    }

    /// `value`, with tangents merged from both operands.
    #[inline(always)]
    fn merge(value: T, a: Self, b: Self, f: impl Fn(T, T) -> T) -> Self {
        Self { value, tangent: from_fn(|i| f(a.tangent[i], b.tangent[i])) }
    }
}

impl<T: Scalar, const N: usize> Neg for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self { value: -self.value, tangent: self.tangent.map(|dot| -dot) }
    }
}

impl<T: Scalar, const N: usize> Add for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Self::merge(self.value + other.value, self, other, |a, b| a + b)
    }
}

impl<T: Scalar, const N: usize> Sub for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Self::merge(self.value - other.value, self, other, |a, b| a - b)
    }
}

impl<T: Scalar, const N: usize> Mul for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.product(other)
    }
}

impl<T: Scalar, const N: usize> Div for Dual<T, N> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.quotient(other)
    }
}

impl<T: Scalar, const N: usize> Scalar for Dual<T, N> {
    type Mask = DualMask<T, N>;

    elementary!();

    #[inline(always)]
    fn constant(x: f64) -> Self {
        Self::fixed(T::constant(x))
    }
    #[inline(always)]
    fn scale(self, factor: f64) -> Self {
        Self { value: self.value.scale(factor), tangent: self.tangent.map(|dot| dot.scale(factor)) }
    }
    #[inline(always)]
    fn shift(self, term: f64) -> Self {
        Self { value: self.value.shift(term), ..self }
    }
    #[inline(always)]
    fn abs(self) -> Self {
        let right = self.value.exceeds(T::zero());
        Self { value: self.value.abs(), tangent: self.tangent.map(|dot| T::select(right, dot, -dot)) }
    }
    #[inline(always)]
    fn max(self, other: Self) -> Self {
        let first = self.value.exceeds(other.value);
        Self::merge(self.value.max(other.value), self, other, |a, b| T::select(first, a, b))
    }
    #[inline(always)]
    fn min(self, other: Self) -> Self {
        let second = self.value.exceeds(other.value);
        Self::merge(self.value.min(other.value), self, other, |a, b| T::select(second, b, a))
    }
    #[inline(always)]
    fn lt(self, other: Self) -> Self::Mask {
        let mask = self.value.lt(other.value);
        DualMask { mask, side: other.value.exceeds(self.value), gap: (self - other).tangent }
    }
    #[inline(always)]
    fn exceeds(self, other: Self) -> Self::Mask {
        let side = self.value.exceeds(other.value);
        DualMask { mask: side, side, gap: (self - other).tangent }
    }
    #[inline(always)]
    fn is_undecided(mask: Self::Mask) -> bool {
        T::is_undecided(mask.side)
    }
    #[inline(always)]
    fn select(mask: Self::Mask, a: Self, b: Self) -> Self {
        mask.choose(T::select(mask.mask, a.value, b.value), a, b, |any| (any * (a.value - b.value)).or(T::zero()))
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self::merge(self.value.or(other.value), self, other, T::or)
    }
    #[inline(always)]
    fn select_slope(mask: Self::Mask, a: Self, b: Self) -> Self {
        mask.choose(T::select_slope(mask.side, a.value, b.value), a, b, |any| any)
    }
}

impl<T: Scalar, const N: usize> DualMask<T, N> {
    /// `value`, the choice between `a` and `b`, with the tangents of either; where undecided the choice is a step of `gap`,
    /// whose slope, any number times the height, is `jump(any)`. A branch without a value has no height.
    #[inline(always)]
    fn choose(self, value: T, a: Dual<T, N>, b: Dual<T, N>, jump: impl Fn(T) -> T) -> Dual<T, N> {
        let mut chosen = Dual::merge(value, a, b, |a, b| T::select(self.side, a, b));
        if T::is_undecided(self.side) {
            let jump = jump(T::select_slope(self.side, T::zero(), T::zero()));
            chosen.tangent = from_fn(|i| chosen.tangent[i] + jump * self.gap[i]);
        }
        chosen
    }
}
