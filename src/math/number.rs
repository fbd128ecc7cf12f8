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
    /// `(2ⁿ, eʳ − 1)` with `x = n·ln 2 + r`, |r| ≤ ½ ln 2: what `exp` and `expm1` are made of. Branch-free, vectorises.
    /// The argument is clamped to where 2ⁿ is a normal number.
    fn exp_parts<C: Contract>(self, c: C) -> (Self, Self);
    /// `ln(1 + u)` for `u` in [0, 1]: the part of softplus that is not a maximum. Branch-free, vectorises.
    fn ln_1p_unit<C: Contract>(self, c: C) -> Self;
}
