//! The two binary floating-point types.

use core::ops::{AddAssign, DivAssign, MulAssign, SubAssign};

use super::{Contract, Scalar};

/// `f32` or `f64`: what parameters, tiles and samples are made of.
pub trait Real:
    Scalar<Mask = bool> + PartialOrd + Default + AddAssign + SubAssign + MulAssign + DivAssign + Send + Sync + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Distance from 1 to the next larger number.
    const EPSILON: Self;
    /// The name that files and messages use: `f32` or `f64`.
    const NAME: &'static str;

    /// The nearest value of this type.
    fn of(x: f64) -> Self;
    /// The same value in double precision.
    fn to_f64(self) -> f64;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// `self·b + c` with one rounding; a library call where the target lacks the instruction.
    #[cfg(feature = "std")]
    fn fused_mul_add(self, b: Self, c: Self) -> Self;
    /// Square root, correctly rounded.
    fn root(self) -> Self;
    /// `(2ⁿ, eʳ − 1)` with `x = n·ln 2 + r`, |r| ≤ ½ ln 2: what `exp` and `expm1` are made of. Branch-free, vectorises.
    /// The argument is clamped to where 2ⁿ is a normal number.
    fn exp_parts<C: Contract>(self, c: C) -> (Self, Self);
    /// `ln(1 + u)` for `u` in [0, 1]: the part of softplus that is not a maximum. Branch-free, vectorises.
    fn ln_1p_unit<C: Contract>(self, c: C) -> Self;
    /// `max` that keeps the left operand on NaN and compiles to one instruction.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if other > self { other } else { self }
    }
    /// |x|.
    fn magnitude(self) -> Self;
}
