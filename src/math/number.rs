//! What activations and sweeps ask of a number, so that each is written once for a number and for a register of them.

use core::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub};

use super::Contract;

/// One `f32` or `f64`, or a register full of them: branch-free arithmetic, and nothing that could differ between lanes.
pub trait Number:
    Copy
    + Neg<Output = Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + AddAssign
    + MulAssign
{
    /// The constant `c`, rounded to this type, in as many lanes as `self` has.
    fn like(self, c: f64) -> Self;
    /// `self·b + c` with one rounding; a library call where the target lacks the instruction.
    #[cfg(feature = "std")]
    fn fused_mul_add(self, b: Self, c: Self) -> Self;
    /// |x|.
    fn magnitude(self) -> Self;
    /// The nearest number in `[low, high]`; NaN stays NaN.
    fn within(self, low: Self, high: Self) -> Self;
    /// `a` where `self < 0`, else `b`.
    fn if_negative(self, a: Self, b: Self) -> Self;
    /// `a` where `self > 0`, else `b`.
    fn if_positive(self, a: Self, b: Self) -> Self;
    /// `2ⁿ` from `n + 1.5·2^m`, with `m` the bits of the mantissa: `n` stands in the low bits.
    fn power_of_two(self) -> Self;
    /// `2ⁿ·self` from `n + 1.5·2^m` as above, exact where `self` and the product are normal numbers, else anything.
    fn times_power_of_two(self, n: Self) -> Self;
    /// What `exp` and `expm1` are made of. Branch-free, vectorises. The argument is clamped to where 2ⁿ is a normal number.
    fn exp_parts<C: Contract>(self, c: C) -> ExpParts<Self>;
    /// What the logistic function and its derivatives are made of. Branch-free, vectorises. The argument is clamped as that of
    /// [`exp_parts`](Self::exp_parts), on both sides.
    fn logistic<C: Contract>(self, c: C) -> Logistic<Self>;
    /// `ln(1 + u)` for `u` in [0, 1]: the part of softplus that is not a maximum. Branch-free, vectorises.
    fn ln_1p_unit<C: Contract>(self, c: C) -> Self;
}

/// The elementary functions of one precision, over one number or a register of them.
pub trait Elementary {
    /// [`Number::exp_parts`] of `x`.
    fn exp_parts_of<N: Number, C: Contract>(c: C, x: N) -> ExpParts<N>;
    /// [`Number::logistic`] of `x`.
    fn logistic_of<N: Number, C: Contract>(c: C, x: N) -> Logistic<N>;
    /// [`Number::ln_1p_unit`] of `x`.
    fn ln_1p_unit_of<N: Number, C: Contract>(c: C, x: N) -> N;
}

/// `1/(1 + e⁻ˣ) = above·inverse` and `1/(1 + eˣ) = below·inverse`, each with its own relative accuracy.
///
/// They are handed out apart, so that what multiplies the first can be multiplied by `above` while `inverse` is being divided:
/// a chain of thin layers waits for nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Logistic<N> {
    /// Half of the denominator at 0, and all of it where e⁻ˣ vanishes.
    pub above: N,
    /// `e⁻ˣ·above`
    pub below: N,
    /// `1/(above + below)`
    pub inverse: N,
}

/// `eˣ = 2ⁿ·(1 + r + r²·rest)` with `x = n·ln 2 + r`, |r| ≤ ½ ln 2.
#[derive(Clone, Copy, Debug)]
pub struct ExpParts<N> {
    /// `2ⁿ`
    pub scale: N,
    /// `r`
    pub r: N,
    /// `r²`
    pub square: N,
    /// `(eʳ − 1 − r)/r²`
    pub rest: N,
}

impl<N: Number> ExpParts<N> {
    /// `eˣ`
    #[inline(always)]
    pub fn exp<C: Contract>(self, c: C) -> N {
        c.mul_add(self.scale * self.square, self.rest, self.head(c))
    }
    /// `eˣ − 1`, to the last bits also where it is small.
    #[inline(always)]
    pub fn exp_m1<C: Contract>(self, c: C) -> N {
        c.mul_add(self.scale, c.mul_add(self.rest, self.square, self.r), self.scale - self.r.like(1.0))
    }
    /// `2ⁿ(1 + r)`
    #[inline(always)]
    fn head<C: Contract>(self, c: C) -> N {
        c.mul_add(self.scale, self.r, self.scale)
    }
}
