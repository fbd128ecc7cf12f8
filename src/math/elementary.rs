//! Elementary functions that vectorise: branch-free, no tables, no calls.
//!
//! `eˣ = 2ⁿ·eʳ` with `n = round(x/ln 2)` by the shift trick, `r` by two-part Cody–Waite reduction, and a polynomial for
//! `eʳ − 1` on |r| ≤ ½ ln 2. A scalar `exp` behind SiLU would be the most expensive part of a training step.

use super::{Contract, Real};

macro_rules! real {
    ($t:ident, $int:ident, $mantissa:literal, $bias:literal, $shift:literal, $low:literal, $high:literal,
     $ln2_high:literal, $ln2_low:literal, $poly:ident, $ln_terms:literal, $sqrt:ident) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const EPSILON: Self = $t::EPSILON;
            const NAME: &'static str = stringify!($t);

            #[inline(always)]
            fn of(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[cfg(feature = "std")]
            #[inline(always)]
            fn fused_mul_add(self, b: Self, c: Self) -> Self {
                $t::mul_add(self, b, c)
            }
            #[cfg(feature = "std")]
            #[inline(always)]
            fn root(self) -> Self {
                $t::sqrt(self)
            }
            #[cfg(not(feature = "std"))]
            #[inline(always)]
            fn root(self) -> Self {
                libm::$sqrt(self)
            }
            #[inline(always)]
            fn magnitude(self) -> Self {
                $t::from_bits(self.to_bits() & ($int::MAX >> 1))
            }
            #[inline(always)]
            fn exp_parts<C: Contract>(self, c: C) -> (Self, Self) {
                let x = self.clamp($low, $high);
                // Adding 1.5·2^mantissa leaves round(x/ln 2) in the low bits of the sum.
                let shifted = c.mul_add(x, core::$t::consts::LOG2_E, $shift);
                let n = shifted - $shift;
                let r = c.mul_add(n, -$ln2_low, c.mul_add(n, -$ln2_high, x));
                let scale = shifted.to_bits().wrapping_add($bias).wrapping_shl($mantissa);
                ($t::from_bits(scale), $poly(c, r))
            }
            #[inline(always)]
            fn ln_1p_unit<C: Contract>(self, c: C) -> Self {
                // ln(1 + u) = 2 artanh s, s = u/(2 + u) ≤ 1/3: the odd series in s, Horner from the last term that counts.
                let s = self / (2.0 + self);
                let q = s * s;
                let mut sum: $t = 0.0;
                let mut k: i32 = $ln_terms;
                while k > 0 {
                    sum = c.mul_add(sum, q, 1.0 / (2 * k + 1) as $t);
                    k -= 1;
                }
                let twice = 2.0 * s;
                c.mul_add(twice * q, sum, twice)
            }
        }
    };
}
real!(f32, u32, 23, 127, 12582912.0, -87.0, 88.0, 0.693_359_4, -2.121_944_4e-4, expm1_f32, 7, sqrtf);
real!(
    f64,
    u64,
    52,
    1023,
    6_755_399_441_055_744.0,
    -708.0,
    709.0,
    6.931_471_803_691_238e-1,
    1.908_214_929_270_587_7e-10,
    expm1_f64,
    17,
    sqrt
);

/// `eʳ − 1` on |r| ≤ ½ ln 2: Taylor to degree 7, whose remainder 5·10⁻⁹·|r| is below half an ulp of `eʳ`.
#[inline(always)]
fn expm1_f32<C: Contract>(c: C, r: f32) -> f32 {
    let p = c.mul_add(r, 1.0 / 5040.0, 1.0 / 720.0);
    let p = c.mul_add(p, r, 1.0 / 120.0);
    let p = c.mul_add(p, r, 1.0 / 24.0);
    let p = c.mul_add(p, r, 1.0 / 6.0);
    let p = c.mul_add(p, r, 0.5);
    c.mul_add(p, r * r, r)
}

/// `eʳ − 1` on |r| ≤ ½ ln 2: Taylor to degree 13 (remainder 5·10⁻¹⁸), in Estrin's order for short chains.
#[inline(always)]
fn expm1_f64<C: Contract>(c: C, r: f64) -> f64 {
    let q = r * r;
    let q2 = q * q;
    let pair = |i: f64, j: f64| c.mul_add(r, 1.0 / j, 1.0 / i);
    let low = c.mul_add(pair(24.0, 120.0), q, pair(2.0, 6.0));
    let middle = c.mul_add(pair(40_320.0, 362_880.0), q, pair(720.0, 5_040.0));
    let high = c.mul_add(pair(479_001_600.0, 6_227_020_800.0), q, pair(3_628_800.0, 39_916_800.0));
    let p = c.mul_add(high, q2 * q2, c.mul_add(middle, q2, low));
    c.mul_add(p, q, r)
}
