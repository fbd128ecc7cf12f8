//! Elementary functions that vectorise: branch-free, no tables, no calls.
//!
//! `eˣ = 2ⁿ·eʳ` with `n = round(x/ln 2)` by the shift trick, `r` by two-part Cody–Waite reduction, and a polynomial for
//! `(eʳ − 1 − r)/r²` on |r| ≤ ½ ln 2. A scalar `exp` behind SiLU would be the most expensive part of a training step.
//!
//! The logistic function divides anyway, so that its `eʳ` may be a fraction: `(w + r)/(w − r)` with `w = r·coth(r/2)`, which is
//! even in `r` and needs half the terms. With `e⁻ˣ = 2ⁿ·eʳ` the division is by `(w − r) + 2ⁿ(w + r)`.

use super::{Contract, Elementary, ExpParts, Logistic, Number, Real};

/// Constants of one precision.
struct Reduction {
    /// Where 2ⁿ is a normal number.
    range: [f64; 2],
    /// Where 2^(n+2) is one too, on both sides.
    far: f64,
    /// 1.5·2^mantissa: adding it leaves round(x/ln 2) in the low bits of the sum.
    shift: f64,
    /// ln 2 in two parts, the first so short that its product with `n` is exact.
    ln2: [f64; 2],
}

impl Reduction {
    const F32: Self = Self {
        range: [-87.0, 88.0],
        far: 87.0,
        shift: 12_582_912.0,
        ln2: [0.693_359_375, -2.121_944_400_546_905_8e-4],
    };
    const F64: Self = Self {
        range: [-708.0, 709.0],
        far: 708.0,
        shift: 6_755_399_441_055_744.0,
        ln2: [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10],
    };

    /// `x` within the range.
    #[inline(always)]
    fn clamp<N: Number>(&self, x: N) -> N {
        x.within(x.like(self.range[0]), x.like(self.range[1]))
    }

    /// `2ⁿ` and `r` of a clamped argument.
    #[inline(always)]
    fn apply<N: Number, C: Contract>(&self, c: C, x: N) -> (N, N) {
        let shifted = c.mul_add(x, x.like(core::f64::consts::LOG2_E), x.like(self.shift));
        let n = shifted - x.like(self.shift);
        let r = c.mul_add(n, x.like(-self.ln2[1]), c.mul_add(n, x.like(-self.ln2[0]), x));
        (shifted.power_of_two(), r)
    }

    /// `n + shift` and `r` with `x = r − n·ln 2`, so that nothing is negated; clamped on both sides.
    #[inline(always)]
    fn mirrored<N: Number, C: Contract>(&self, c: C, x: N) -> (N, N) {
        let x = x.within(x.like(-self.far), x.like(self.far));
        let shifted = c.mul_add(x, x.like(-core::f64::consts::LOG2_E), x.like(self.shift));
        let n = shifted - x.like(self.shift);
        (shifted, c.mul_add(n, x.like(self.ln2[1]), c.mul_add(n, x.like(self.ln2[0]), x)))
    }
}

/// [`Number::exp_parts`] in single precision.
#[inline(always)]
fn exp_parts_f32<N: Number, C: Contract>(c: C, x: N) -> ExpParts<N> {
    let (scale, r) = Reduction::F32.apply(c, Reduction::F32.clamp(x));
    ExpParts { scale, r, square: r * r, rest: rest_f32(c, r) }
}

/// [`Number::exp_parts`] in double precision.
#[inline(always)]
fn exp_parts_f64<N: Number, C: Contract>(c: C, x: N) -> ExpParts<N> {
    let (scale, r) = Reduction::F64.apply(c, Reduction::F64.clamp(x));
    let square = r * r;
    ExpParts { scale, r, square, rest: rest_f64(c, r, square) }
}

/// `(eʳ − 1 − r)/r²` on |r| ≤ ½ ln 2: Taylor to degree 7 of `eʳ`, whose remainder 5·10⁻⁹·|r| is below half an ulp of `eʳ`.
#[inline(always)]
fn rest_f32<N: Number, C: Contract>(c: C, r: N) -> N {
    let p = c.mul_add(r, r.like(1.0 / 5040.0), r.like(1.0 / 720.0));
    let p = c.mul_add(p, r, r.like(1.0 / 120.0));
    let p = c.mul_add(p, r, r.like(1.0 / 24.0));
    let p = c.mul_add(p, r, r.like(1.0 / 6.0));
    c.mul_add(p, r, r.like(0.5))
}

/// `(eʳ − 1 − r)/r²` on |r| ≤ ½ ln 2: Taylor to degree 13 of `eʳ` (remainder 5·10⁻¹⁸), in Estrin's order for short chains.
#[inline(always)]
fn rest_f64<N: Number, C: Contract>(c: C, r: N, q: N) -> N {
    let q2 = q * q;
    let pair = |i: f64, j: f64| c.mul_add(r, r.like(1.0 / j), r.like(1.0 / i));
    let low = c.mul_add(pair(24.0, 120.0), q, pair(2.0, 6.0));
    let middle = c.mul_add(pair(40_320.0, 362_880.0), q, pair(720.0, 5_040.0));
    let high = c.mul_add(pair(479_001_600.0, 6_227_020_800.0), q, pair(3_628_800.0, 39_916_800.0));
    c.mul_add(high, q2 * q2, c.mul_add(middle, q2, low))
}

/// [`Number::logistic`] of `x = r − n·ln 2` from `n + shift`, `r` and `w = r·coth(r/2)`.
#[inline(always)]
fn logistic<N: Number>(n: N, r: N, w: N) -> Logistic<N> {
    let (above, below) = (w + r, (w - r).times_power_of_two(n));
    Logistic { above, below, inverse: r.like(1.0) / (above + below) }
}

/// `r·coth(r/2)` of `q = r²` on |r| ≤ ½ ln 2: the polynomial whose largest error of `eʳ`, 5·10⁻¹⁰, is smallest.
#[inline(always)]
fn coth_f32<N: Number, C: Contract>(c: C, q: N) -> N {
    let p = c.mul_add(q, q.like(-2.765_992_227_081_97e-3), q.like(0.166_666_177_666_648_08));
    c.mul_add(p, q, q.like(2.0))
}

/// The same to 2·10⁻¹⁹, in Estrin's order.
#[inline(always)]
fn coth_f64<N: Number, C: Contract>(c: C, q: N) -> N {
    let q2 = q * q;
    let low = c.mul_add(q, q.like(0.166_666_666_666_665_55), q.like(2.0));
    let middle = c.mul_add(q, q.like(6.613_756_250_599_969e-5), q.like(-2.777_777_777_669_847e-3));
    let high = c.mul_add(q, q.like(4.136_061_381_587_261e-8), q.like(-1.653_383_759_357_258e-6));
    c.mul_add(high, q2 * q2, c.mul_add(middle, q2, low))
}

/// `ln(1 + u) = 2 artanh s`, `s = u/(2 + u) ≤ 1/3`: the odd series in `s`, Horner from the last term that counts.
#[inline(always)]
fn ln_1p_unit<N: Number, C: Contract>(c: C, u: N, terms: i32) -> N {
    let s = u / (u.like(2.0) + u);
    let q = s * s;
    let mut sum = u.like(0.0);
    let mut k = terms;
    while k > 0 {
        sum = c.mul_add(sum, q, u.like(1.0 / f64::from(2 * k + 1)));
        k -= 1;
    }
    let twice = u.like(2.0) * s;
    c.mul_add(twice * q, sum, twice)
}

/// Terms of the series of [`ln_1p_unit`].
const LN_TERMS_F32: i32 = 7;
/// Terms of the series of [`ln_1p_unit`].
const LN_TERMS_F64: i32 = 17;

macro_rules! real {
    ($t:ident, $int:ident, $mantissa:literal, $bias:literal, $exp_parts:ident, $reduction:ident, $coth:ident, $terms:ident, $sqrt:ident) => {
        impl Number for $t {
            #[inline(always)]
            fn like(self, c: f64) -> Self {
                c as $t
            }
            #[cfg(feature = "std")]
            #[inline(always)]
            fn fused_mul_add(self, b: Self, c: Self) -> Self {
                $t::mul_add(self, b, c)
            }
            #[inline(always)]
            fn magnitude(self) -> Self {
                $t::from_bits(self.to_bits() & ($int::MAX >> 1))
            }
            #[inline(always)]
            fn within(self, low: Self, high: Self) -> Self {
                let x = if self < low { low } else { self };
                if x > high { high } else { x }
            }
            #[inline(always)]
            fn if_negative(self, a: Self, b: Self) -> Self {
                if self < 0.0 { a } else { b }
            }
            #[inline(always)]
            fn if_positive(self, a: Self, b: Self) -> Self {
                if self > 0.0 { a } else { b }
            }
            #[inline(always)]
            fn power_of_two(self) -> Self {
                $t::from_bits(self.to_bits().wrapping_add($bias).wrapping_shl($mantissa))
            }
            #[inline(always)]
            fn times_power_of_two(self, n: Self) -> Self {
                $t::from_bits(self.to_bits().wrapping_add(n.to_bits().wrapping_shl($mantissa)))
            }
            #[inline(always)]
            fn exp_parts<C: Contract>(self, c: C) -> ExpParts<Self> {
                $t::exp_parts_of(c, self)
            }
            #[inline(always)]
            fn logistic<C: Contract>(self, c: C) -> Logistic<Self> {
                $t::logistic_of(c, self)
            }
            #[inline(always)]
            fn ln_1p_unit<C: Contract>(self, c: C) -> Self {
                $t::ln_1p_unit_of(c, self)
            }
        }

        impl Elementary for $t {
            #[inline(always)]
            fn exp_parts_of<N: Number, C: Contract>(c: C, x: N) -> ExpParts<N> {
                $exp_parts(c, x)
            }
            #[inline(always)]
            fn logistic_of<N: Number, C: Contract>(c: C, x: N) -> Logistic<N> {
                let (n, r) = Reduction::$reduction.mirrored(c, x);
                logistic(n, r, $coth(c, r * r))
            }
            #[inline(always)]
            fn ln_1p_unit_of<N: Number, C: Contract>(c: C, x: N) -> N {
                ln_1p_unit(c, x, $terms)
            }
        }

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
            fn root(self) -> Self {
                $t::sqrt(self)
            }
            #[cfg(not(feature = "std"))]
            #[inline(always)]
            fn root(self) -> Self {
                libm::$sqrt(self)
            }
        }
    };
}
real!(f32, u32, 23, 127, exp_parts_f32, F32, coth_f32, LN_TERMS_F32, sqrtf);
real!(f64, u64, 52, 1023, exp_parts_f64, F64, coth_f64, LN_TERMS_F64, sqrt);
