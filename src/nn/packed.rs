//! Numbers in registers: what the kernels ask of an instruction set.

use pulp::Simd;

use super::{Compiled, CurvaturePass, NarrowPass, Pass};
use crate::math::{Contract, Fused, Number, Real, Separate};

/// The widest register in use: 512 bits of `f32`.
pub(super) const MOST_LANES: usize = 16;

/// A number that fills registers: the few vector operations the kernels need, and the sweeps compiled from them.
pub trait Packed:
    Real
    + faer::traits::RealField
    + Compiled<Pass, 32>
    + Compiled<Pass, 64>
    + Compiled<Pass, 128>
    + Compiled<CurvaturePass, 32>
    + Compiled<CurvaturePass, 64>
    + Compiled<NarrowPass, 256>
{
    /// A register of `S`.
    type Vector<S: Simd>: Copy;
    /// Numbers in a register.
    fn lanes<S: Simd>() -> usize {
        size_of::<Self::Vector<S>>() / size_of::<Self>()
    }
    /// `x` in every lane.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// `a·b + c`, fused where the instruction set can.
    fn vector_mul_add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>, c: Self::Vector<S>) -> Self::Vector<S>;
    /// `a + b`.
    fn vector_add<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a·b`.
    fn vector_mul<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a − b`.
    fn vector_sub<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `a/b`.
    fn vector_div<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// `−a`.
    fn vector_neg<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
    /// |a|.
    fn vector_abs<S: Simd>(simd: S, a: Self::Vector<S>) -> Self::Vector<S>;
    /// The larger; NaN where `b` is.
    fn vector_max<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// The smaller; NaN where `b` is.
    fn vector_min<S: Simd>(simd: S, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// [`Number::times_power_of_two`].
    fn vector_times_power_of_two<S: Simd>(simd: S, a: Self::Vector<S>, n: Self::Vector<S>) -> Self::Vector<S>;
    /// Sum of the lanes.
    fn reduce<S: Simd>(simd: S, a: Self::Vector<S>) -> Self;
    /// Lane `l` takes what lane `l + by` has, around the end.
    fn rotate_left<S: Simd>(simd: S, a: Self::Vector<S>, by: usize) -> Self::Vector<S>;
    /// Lane `l` takes what lane `l − by` has, around the end.
    fn rotate_right<S: Simd>(simd: S, a: Self::Vector<S>, by: usize) -> Self::Vector<S>;
    /// `a` in lanes where `mask` is above zero, `b` in the others.
    fn choose<S: Simd>(simd: S, mask: Self::Vector<S>, a: Self::Vector<S>, b: Self::Vector<S>) -> Self::Vector<S>;
    /// Whole registers of a slice; a ragged end is left out.
    fn vectors<S: Simd>(simd: S, x: &[Self]) -> &[Self::Vector<S>];
    /// Whole registers of a slice; a ragged end is left out.
    fn vectors_mut<S: Simd>(simd: S, x: &mut [Self]) -> &mut [Self::Vector<S>];
}

macro_rules! packed {
    ($t:ident, $vector:ident, $splat:ident, $mul_add:ident, $add:ident, $mul:ident, $sub:ident, $div:ident, $neg:ident, $abs:ident, $max:ident, $min:ident, $reduce:ident, $left:ident, $right:ident, $less:ident, $select:ident,
     $as:ident, $as_mut:ident, $($own:item)+) => {
        impl Packed for $t {
            type Vector<S: Simd> = S::$vector;
            $(#[inline(always)] $own)+
            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> S::$vector {
                simd.$splat(x)
            }
            #[inline(always)]
            fn vector_mul_add<S: Simd>(simd: S, a: S::$vector, b: S::$vector, c: S::$vector) -> S::$vector {
                simd.$mul_add(a, b, c)
            }
            #[inline(always)]
            fn vector_add<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$add(a, b)
            }
            #[inline(always)]
            fn vector_mul<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$mul(a, b)
            }
            #[inline(always)]
            fn vector_sub<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$sub(a, b)
            }
            #[inline(always)]
            fn vector_div<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$div(a, b)
            }
            #[inline(always)]
            fn vector_neg<S: Simd>(simd: S, a: S::$vector) -> S::$vector {
                simd.$neg(a)
            }
            #[inline(always)]
            fn vector_abs<S: Simd>(simd: S, a: S::$vector) -> S::$vector {
                simd.$abs(a)
            }
            #[inline(always)]
            fn vector_max<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                // The scalar one takes whichever is a number.
                if S::IS_SCALAR { simd.$select(simd.$less(b, a), a, b) } else { simd.$max(a, b) }
            }
            #[inline(always)]
            fn vector_min<S: Simd>(simd: S, a: S::$vector, b: S::$vector) -> S::$vector {
                if S::IS_SCALAR { simd.$select(simd.$less(a, b), a, b) } else { simd.$min(a, b) }
            }
            #[inline(always)]
            fn reduce<S: Simd>(simd: S, a: S::$vector) -> Self {
                simd.$reduce(a)
            }
            #[inline(always)]
            fn rotate_left<S: Simd>(simd: S, a: S::$vector, by: usize) -> S::$vector {
                simd.$left(a, by)
            }
            #[inline(always)]
            fn rotate_right<S: Simd>(simd: S, a: S::$vector, by: usize) -> S::$vector {
                simd.$right(a, by)
            }
            #[inline(always)]
            fn choose<S: Simd>(simd: S, mask: S::$vector, a: S::$vector, b: S::$vector) -> S::$vector {
                simd.$select(simd.$less(simd.$splat(0.0), mask), a, b)
            }
            #[inline(always)]
            fn vectors<S: Simd>(_: S, x: &[Self]) -> &[S::$vector] {
                S::$as(x).0
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(_: S, x: &mut [Self]) -> &mut [S::$vector] {
                S::$as_mut(x).0
            }
        }
    };
}
packed!(
    f32,
    f32s,
    splat_f32s,
    mul_add_e_f32s,
    add_f32s,
    mul_f32s,
    sub_f32s,
    div_f32s,
    neg_f32s,
    abs_f32s,
    max_f32s,
    min_f32s,
    reduce_sum_f32s,
    rotate_left_f32s,
    rotate_right_f32s,
    less_than_f32s,
    select_f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    fn vector_times_power_of_two<S: Simd>(simd: S, a: S::f32s, n: S::f32s) -> S::f32s {
        let exponent = simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(n), simd.splat_u32s(23));
        simd.transmute_f32s_u32s(simd.add_u32s(simd.transmute_u32s_f32s(a), exponent))
    }
);
packed!(
    f64,
    f64s,
    splat_f64s,
    mul_add_e_f64s,
    add_f64s,
    mul_f64s,
    sub_f64s,
    div_f64s,
    neg_f64s,
    abs_f64s,
    max_f64s,
    min_f64s,
    reduce_sum_f64s,
    rotate_left_f64s,
    rotate_right_f64s,
    less_than_f64s,
    select_f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    // Lane by lane: there is no name for the shift; the compiler finds the instruction.
    fn vector_times_power_of_two<S: Simd>(simd: S, a: S::f64s, n: S::f64s) -> S::f64s {
        let (mut a, n) = (array::<S, Self>(simd, a), array::<S, Self>(simd, n));
        for l in 0..Self::lanes::<S>() {
            a[l] = a[l].times_power_of_two(n[l]);
        }
        Self::vectors(simd, &a)[0]
    }
);

/// The lanes of a register, and zeros.
#[inline(always)]
pub(super) fn array<S: Simd, T: Packed>(simd: S, register: T::Vector<S>) -> [T; MOST_LANES] {
    let mut array = [T::ZERO; MOST_LANES];
    T::vectors_mut(simd, &mut array)[0] = register;
    array
}

/// Fused where the instruction set has the instruction, separate where `mul_add` would be a library call.
#[derive(Clone, Copy, Debug)]
pub struct Dispatched<S>(pub S);

impl<S: Simd> Contract for Dispatched<S> {
    #[inline(always)]
    fn mul_add<N: Number>(self, a: N, b: N, c: N) -> N {
        if S::IS_SCALAR { Separate.mul_add(a, b, c) } else { Fused.mul_add(a, b, c) }
    }
}
