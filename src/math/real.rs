//! The two binary floating-point types.

use core::ops::{DivAssign, SubAssign};

use super::{Elementary, Number, Scalar};

/// `f32` or `f64`: what parameters, tiles and samples are made of.
pub trait Real:
    Scalar<Mask = bool> + Number + Elementary + PartialOrd + Default + SubAssign + DivAssign + Send + Sync + 'static
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
    /// Square root, correctly rounded.
    fn root(self) -> Self;
    /// `max` that keeps the left operand on NaN and compiles to one instruction.
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        if other > self { other } else { self }
    }
}
