//! Two doubles side by side: both bounds of an interval at once, without a branch.
//!
//! Signs of bounds and of rounding errors are as good as random, so that a branch on one costs more than all of the arithmetic.
//! The registers of the x86-64 baseline hold two doubles; elsewhere the same operations on arrays.

use core::ops::{Add, BitAnd, BitOr, BitXor, Mul, Sub};

use super::directed::{LARGE, SMALL};

#[cfg(not(target_arch = "x86_64"))]
use arrays as lanes;
#[cfg(target_arch = "x86_64")]
use sse2 as lanes;

/// Two doubles, or two masks of all bits set or none.
#[derive(Clone, Copy)]
pub(super) struct Pair(lanes::Register);

macro_rules! operators {
    ($($op:ident $name:ident),*) => {$(
        impl $op for Pair {
            type Output = Self;
            #[inline(always)]
            fn $name(self, other: Self) -> Self {
                Self(lanes::$name(self.0, other.0))
            }
        }
    )*};
}
operators!(Add add, Sub sub, Mul mul, BitAnd bitand, BitOr bitor, BitXor bitxor);

impl Pair {
    #[inline(always)]
    pub(super) fn new(first: f64, second: f64) -> Self {
        Self(lanes::new(first, second))
    }
    #[inline(always)]
    pub(super) fn splat(x: f64) -> Self {
        Self::new(x, x)
    }
    #[inline(always)]
    pub(super) fn to_array(self) -> [f64; 2] {
        lanes::to_array(self.0)
    }
    #[inline(always)]
    pub(super) fn swapped(self) -> Self {
        Self(lanes::swapped(self.0))
    }
    #[inline(always)]
    pub(super) fn abs(self) -> Self {
        self & Self::splat(f64::from_bits(u64::MAX >> 1))
    }
    /// Mask of `self < other`.
    #[inline(always)]
    pub(super) fn lt(self, other: Self) -> Self {
        Self(lanes::lt(self.0, other.0))
    }
    /// Mask of `self = other`.
    #[inline(always)]
    pub(super) fn eq(self, other: Self) -> Self {
        Self(lanes::eq(self.0, other.0))
    }
    /// Either mask set, or sign.
    #[inline(always)]
    pub(super) fn any(self) -> bool {
        lanes::any(self.0)
    }
    /// The greater; the second if they are equal or one is NaN.
    #[inline(always)]
    pub(super) fn max(self, other: Self) -> Self {
        Self(lanes::max(self.0, other.0))
    }
    /// `high + low`, of 26 bits each: the bits rounded to the nearest multiple of 2²⁷.
    #[inline(always)]
    fn split(self) -> (Self, Self) {
        let high = Self(lanes::add_bits(self.0, 1 << 26)) & Self::splat(f64::from_bits(u64::MAX << 27));
        (high, self - high)
    }
    /// `x·y` rounded up, where `self` is the product to nearest; `None` where its error may not be a double.
    #[inline(always)]
    pub(super) fn product_up(self, x: Self, y: Self) -> Option<Self> {
        if self.outside_of_exact_errors() {
            return None;
        }
        #[cfg(all(feature = "std", target_arch = "x86_64"))]
        if std::arch::is_x86_feature_detected!("fma") {
            return Some(self.above(Self(lanes::fused_error(x.0, y.0, self.0))));
        }
        self.product_error(x, y).map(|error| self.above(error))
    }
    /// `x·y − self` by Dekker's product, as [`two_product`](super::directed::two_product); `None` if a factor is so large that
    /// its part of 26 bits overflows.
    #[inline(always)]
    fn product_error(self, x: Self, y: Self) -> Option<Self> {
        let ((xh, xl), (yh, yl)) = (x.split(), y.split());
        let error = ((xh * yh - self) + xh * yl + xl * yh) + xl * yl;
        if Self(lanes::is_nan(error.0)).any() { None } else { Some(error) }
    }
    /// Whether either is of a magnitude whose error as a product may not be a double: below 2⁻⁹⁶⁰, above
    /// 2¹⁰⁰⁰, or no number.
    #[inline(always)]
    fn outside_of_exact_errors(self) -> bool {
        let size = self.abs();
        let below = lanes::add_bits(size.0, -(SMALL.to_bits() as i64));
        let above = lanes::subtract_bits(LARGE.to_bits() as i64, size.0);
        (Self(below) | Self(above)).any()
    }
    /// As [`above`](super::directed::above).
    #[inline(always)]
    fn above(self, error: Self) -> Self {
        let zero = Self::splat(0.0);
        let one = Self::splat(f64::from_bits(1));
        // +1 or −1, away from zero, where there is an error upward.
        let step = zero.lt(error) & (self.lt(zero) | one);
        Self(lanes::sum_bits(self.0, step.0))
    }
}

/// In the registers that every x86-64 has.
#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "4 ns a product instead of 11; `arrays` is the safe twin")]
mod sse2 {
    use core::arch::x86_64::*;

    pub(super) type Register = __m128d;

    macro_rules! operations {
        ($($name:ident($($x:ident: $t:ty),*) -> $out:ty = $body:expr;)*) => {$(
            #[inline(always)]
            pub(super) fn $name($($x: $t),*) -> $out {
                // SAFETY: the intrinsics need SSE2, which is part of the x86-64 baseline, and touch no memory.
                unsafe { $body }
            }
        )*};
    }
    operations! {
        new(first: f64, second: f64) -> Register = _mm_set_pd(second, first);
        to_array(x: Register) -> [f64; 2] = [_mm_cvtsd_f64(x), _mm_cvtsd_f64(_mm_unpackhi_pd(x, x))];
        add(a: Register, b: Register) -> Register = _mm_add_pd(a, b);
        sub(a: Register, b: Register) -> Register = _mm_sub_pd(a, b);
        mul(a: Register, b: Register) -> Register = _mm_mul_pd(a, b);
        bitand(a: Register, b: Register) -> Register = _mm_and_pd(a, b);
        bitor(a: Register, b: Register) -> Register = _mm_or_pd(a, b);
        bitxor(a: Register, b: Register) -> Register = _mm_xor_pd(a, b);
        lt(a: Register, b: Register) -> Register = _mm_cmplt_pd(a, b);
        eq(a: Register, b: Register) -> Register = _mm_cmpeq_pd(a, b);
        swapped(x: Register) -> Register = _mm_shuffle_pd::<1>(x, x);
        is_nan(x: Register) -> Register = _mm_cmpunord_pd(x, x);
        any(x: Register) -> bool = _mm_movemask_pd(x) != 0;
        max(a: Register, b: Register) -> Register = _mm_max_pd(a, b);
        sum_bits(a: Register, b: Register) -> Register =
            _mm_castsi128_pd(_mm_add_epi64(_mm_castpd_si128(a), _mm_castpd_si128(b)));
        add_bits(a: Register, bits: i64) -> Register =
            _mm_castsi128_pd(_mm_add_epi64(_mm_castpd_si128(a), _mm_set1_epi64x(bits)));
        subtract_bits(bits: i64, a: Register) -> Register =
            _mm_castsi128_pd(_mm_sub_epi64(_mm_set1_epi64x(bits), _mm_castpd_si128(a)));
    }

    /// `x·y − p` in one rounding, where the machine has the instruction. By its name, because the intrinsic is a call from a
    /// function that is compiled for any machine.
    #[cfg(feature = "std")]
    #[inline(always)]
    pub(super) fn fused_error(x: Register, y: Register, p: Register) -> Register {
        let error;
        // SAFETY: the caller has asked for the instruction set FMA; registers only.
        unsafe {
            core::arch::asm!("vfmsub213pd {0}, {1}, {2}", inout(xmm_reg) x => error, in(xmm_reg) y, in(xmm_reg) p,
                options(pure, nomem, nostack, preserves_flags));
        }
        error
    }
}

/// The same on any target.
#[cfg(any(not(target_arch = "x86_64"), test))]
mod arrays {
    pub(super) type Register = [f64; 2];

    #[inline(always)]
    fn zip(a: Register, b: Register, f: impl Fn(f64, f64) -> f64) -> Register {
        [f(a[0], b[0]), f(a[1], b[1])]
    }
    #[inline(always)]
    fn mask(set: bool) -> f64 {
        f64::from_bits((set as u64).wrapping_neg())
    }
    #[inline(always)]
    fn bitwise(a: Register, b: Register, f: impl Fn(u64, u64) -> u64) -> Register {
        zip(a, b, |a, b| f64::from_bits(f(a.to_bits(), b.to_bits())))
    }

    pub(super) fn add(a: Register, b: Register) -> Register {
        zip(a, b, |a, b| a + b)
    }
    pub(super) fn sub(a: Register, b: Register) -> Register {
        zip(a, b, |a, b| a - b)
    }
    pub(super) fn mul(a: Register, b: Register) -> Register {
        zip(a, b, |a, b| a * b)
    }
    pub(super) fn bitand(a: Register, b: Register) -> Register {
        bitwise(a, b, |a, b| a & b)
    }
    pub(super) fn bitor(a: Register, b: Register) -> Register {
        bitwise(a, b, |a, b| a | b)
    }
    pub(super) fn bitxor(a: Register, b: Register) -> Register {
        bitwise(a, b, |a, b| a ^ b)
    }
    pub(super) fn lt(a: Register, b: Register) -> Register {
        zip(a, b, |a, b| mask(a < b))
    }
    pub(super) fn eq(a: Register, b: Register) -> Register {
        zip(a, b, |a, b| mask(a == b))
    }
    pub(super) fn new(first: f64, second: f64) -> Register {
        [first, second]
    }
    pub(super) fn to_array(x: Register) -> [f64; 2] {
        x
    }
    pub(super) fn swapped([a, b]: Register) -> Register {
        [b, a]
    }
    pub(super) fn is_nan(x: Register) -> Register {
        x.map(|x| mask(x.is_nan()))
    }
    pub(super) fn any([a, b]: Register) -> bool {
        (a.to_bits() | b.to_bits()) >> 63 != 0
    }
    pub(super) fn max(a: Register, b: Register) -> Register {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    pub(super) fn sum_bits(a: Register, b: Register) -> Register {
        bitwise(a, b, u64::wrapping_add)
    }
    pub(super) fn add_bits(a: Register, bits: i64) -> Register {
        sum_bits(a, [f64::from_bits(bits as u64); 2])
    }
    pub(super) fn subtract_bits(bits: i64, a: Register) -> Register {
        bitwise(a, a, |a, _| (bits as u64).wrapping_sub(a))
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use proptest::prelude::*;

    use super::{LARGE, Pair, SMALL, arrays, sse2};

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<u64>().prop_map(f64::from_bits),
            prop::sample::select(vec![0.0, -0.0, 1.0, f64::MAX, f64::NAN])
        ]
    }

    /// Bit for bit, but for the payload of a NaN, which arithmetic may choose.
    fn same(a: [f64; 2], b: [f64; 2]) -> bool {
        a.iter().zip(&b).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()))
    }

    proptest! {
        #[test]
        fn registers_do_what_arrays_do(a in [number(), number()], b in [number(), number()], bits in any::<i64>()) {
            let [ra, rb] = [a, b].map(|[x, y]| sse2::new(x, y));
            macro_rules! agree {
                ($($name:ident),*) => {$(
                    let (got, want) = (sse2::to_array(sse2::$name(ra, rb)), arrays::to_array(arrays::$name(a, b)));
                    prop_assert!(same(got, want), "{}: {:?} ≠ {:?}", stringify!($name), got, want);
                )*};
            }
            agree!(add, sub, mul, max, bitand, bitor, bitxor, lt, eq, sum_bits);
            prop_assert!(same(sse2::to_array(sse2::swapped(ra)), arrays::swapped(arrays::new(a[0], a[1]))));
            prop_assert!(same(sse2::to_array(sse2::add_bits(ra, bits)), arrays::add_bits(a, bits)));
            prop_assert!(same(sse2::to_array(sse2::is_nan(ra)), arrays::is_nan(a)));
            prop_assert!(same(sse2::to_array(sse2::subtract_bits(bits, ra)), arrays::subtract_bits(bits, a)));
            for (mask, twin) in [(sse2::lt(ra, rb), arrays::lt(a, b)), (sse2::eq(ra, ra), arrays::eq(a, a)), (ra, a)] {
                prop_assert_eq!(sse2::any(mask), arrays::any(twin));
            }
        }

        /// The product's error with and without the fused instruction, where it is promised to be exact.
        #[test]
        fn errors_of_products_are_those_of_the_fused_instruction(a in [number(), number()], b in [number(), number()]) {
            let [x, y] = [a, b].map(|[x, y]| Pair::new(x, y));
            let p = x * y;
            let ranges = [p.to_array()[0], p.to_array()[1]].map(|p| (SMALL..LARGE).contains(&p.abs()));
            prop_assert_eq!(p.outside_of_exact_errors(), ranges != [true, true]);
            if ranges == [true, true] {
                let huge = a.iter().chain(&b).any(|x| x.abs() > 2_f64.powi(1023));
                match p.product_error(x, y) {
                    Some(error) => prop_assert_eq!(p.above(error).to_array(), p.product_up(x, y).unwrap().to_array()),
                    None => prop_assert!(huge),
                }
            }
        }
    }
}
