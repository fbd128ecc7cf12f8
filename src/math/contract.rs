//! How `a·b + c` is rounded.

use super::Number;

/// The rounding of `a·b + c`: twice, as every target can, or once, where the instruction is known to be there.
///
/// `f64::mul_add` without the instruction is a library call, a hundred times slower than the sum it fuses; so kernels take
/// the choice as a zero-sized argument, and only code that runs behind a feature dispatch passes [`Fused`].
pub trait Contract: Copy {
    /// `a·b + c`.
    fn mul_add<N: Number>(self, a: N, b: N, c: N) -> N;
}

/// Two roundings. The same bits on every target.
#[derive(Clone, Copy, Debug, Default)]
pub struct Separate;

impl Contract for Separate {
    #[inline(always)]
    fn mul_add<N: Number>(self, a: N, b: N, c: N) -> N {
        a * b + c
    }
}

/// One rounding. Fast only where the target has the instruction.
#[cfg(feature = "std")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Fused;

#[cfg(feature = "std")]
impl Contract for Fused {
    #[inline(always)]
    fn mul_add<N: Number>(self, a: N, b: N, c: N) -> N {
        a.fused_mul_add(b, c)
    }
}
