//! `eˣ` and the functions made of it.

use super::Interval;
use super::directed::{above, below};
use super::double::Double;
use super::exact::scale;
use super::monotone::{Bounds, increasing, on_side};

/// `1/n!`, `n` from 0.
pub(super) const INVERSE_FACTORIALS: [Double; 30] = {
    let mut table = [Double::ONE; 30];
    let mut n = 1;
    while n < 30 {
        table[n] = table[n - 1].over(Double::new(n as f64));
        n += 1;
    }
    table
};

/// `2^(j/128)`, `j` from −64 to 63.
const ROOTS: [Double; 128] = {
    let mut table = [Double::ONE; 128];
    let mut j = 0;
    while j < 128 {
        let r = Double::LN_2.times(Double::new((j as f64 - 64.0) / 128.0));
        let mut n = 25;
        let mut sum = INVERSE_FACTORIALS[n];
        while n > 0 {
            n -= 1;
            sum = sum.times(r).plus(INVERSE_FACTORIALS[n]);
        }
        table[j] = sum;
        j += 1;
    }
    table
};

/// `ln 2/128 = HIGH + LOW`, where HIGH has 32 bits: its products with integers below 2²¹ are exact.
const HIGH: f64 = 0.6931471803691238 / 128.0;
const LOW: Double = Double { hi: 1.9082149292705877e-10 / 128.0, lo: 1.1612227229362532e-26 / 128.0 };

/// The integer nearest to `128·x/ln 2`, in both forms, for |x| < 2²⁰.
#[inline(always)]
fn steps(x: f64) -> (f64, i32) {
    // Adding 1.5·2⁵² leaves the integer in the low bits of the sum.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    let shifted = x * (128.0 * core::f64::consts::LOG2_E) + SHIFT;
    (shifted - SHIFT, shifted.to_bits() as i32)
}

/// Index into [`ROOTS`] and power of two of a number of steps.
#[inline(always)]
const fn root_and_exponent(steps: i32) -> (Double, i32) {
    (ROOTS[((steps + 64) & 127) as usize], (steps + 64) >> 7)
}

/// `Σ rᵏ/(k + 3)!`: what follows `1 + r + r²/2` in the exponential series, over r³.
#[inline(always)]
fn series_from_cube(r: f64) -> f64 {
    1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0))))
}

/// `(p, n)` with `eˣ = 2ⁿ(1 + p)`, |p| < 0.42, for |x| < 2¹³; `p` to 2⁻⁷² of itself.
///
/// `x = (128n + j)·ln 2/128 + r` with |r| < 2⁻⁸·⁵ and `1 + p = 2^(j/128)·eʳ`. The terms from r³ on are below 2⁻¹⁹·⁵ of r and
/// summed in doubles; the first one neglected is below 2⁻⁷⁵ of r.
pub(super) fn exp_parts(x: Double) -> (Double, i32) {
    let (steps, integer) = steps(x.hi);
    let (root, n) = root_and_exponent(integer);
    let low = LOW.times(Double::new(-steps));
    let r = Double::sum(x.hi - steps * HIGH, low.hi);
    let r = Double::renormalised(r.hi, r.lo + (low.lo + x.lo));
    let square = r * r;
    let rest = square.hi * r.hi * series_from_cube(r.hi);
    let q = r.plus_smaller(square.scaled(0.5)).plus_smaller(Double::new(rest));
    let excess = Double::renormalised(root.hi - 1.0, root.lo);
    (excess + root * q, n)
}

/// `(root, c, 2ⁿ)` with `eˣ = 2ⁿ(root + c)`, for |x| ≤ 690, where `c` is good to 2⁻⁵⁸.
///
/// As [`exp_parts`], but with `e^r − 1` in doubles throughout: beside the table value, which is exact to 2⁻¹⁰⁰, it is below
/// 2⁻⁸ and has an error below 2⁻⁵⁹, from the rounding of `r` (2⁻⁶²), of the last sum (2⁻⁶¹) and of its product with the root
/// (2⁻⁶⁰·⁵), together with the sum into which it goes; the first term neglected is 2⁻⁷².
#[inline(always)]
fn exp_fast(x: f64) -> (f64, f64, f64) {
    let (steps, integer) = steps(x);
    let (root, n) = root_and_exponent(integer);
    let r = (x - steps * HIGH) - steps * LOW.hi;
    let cube = 1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0)));
    let q = r + r * r * (0.5 + r * cube);
    (root.hi, root.lo + root.hi * q, power_of_two(n))
}

/// `eˣ − 1` for −2²⁰ < x ≤ 700.
pub(super) fn expm1(x: Double) -> Double {
    let (p, n) = exp_parts(x);
    if n < -200 {
        return Double::new(-1.0);
    }
    let scale = power_of_two(n);
    p.scaled(scale) + Double::sum(scale, -1.0)
}

/// `2ⁿ` for the exponents of normal numbers.
#[inline(always)]
pub(super) const fn power_of_two(n: i32) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

/// Bounds of `2ⁿ(1 + p)`.
pub(super) fn exp_bounds((p, n): (Double, i32)) -> Bounds {
    if p.hi == 0.0 {
        // The argument was a multiple of ln 2 that is given exactly: 0, or one of `exp2`.
        (scale(1.0, n, false), scale(1.0, n, true))
    } else {
        (Double::ONE + p).bounds_scaled(n)
    }
}

/// Beyond it `eˣ` is above `MAX` or below the least double, on either base.
pub(super) const FAR: f64 = 1200.0;

/// What [`exp_fast`] may be off, relative to `2ⁿ`.
const ERROR: f64 = power_of_two(-58);

/// A lower bound of `eˣ`, |x| ≤ 690; e⁰ = 1 is exact, and bounds nearby do not reach over it.
#[inline(always)]
fn exp_down(x: f64) -> f64 {
    let (root, c, scale) = exp_fast(x);
    let value = Double::renormalised(root, c - ERROR);
    let bound = below(value.hi, value.lo) * scale;
    if x >= 0.0 && bound < 1.0 { 1.0 } else { bound }
}

/// An upper bound of `eˣ`, |x| ≤ 690.
#[inline(always)]
fn exp_up(x: f64) -> f64 {
    let (root, c, scale) = exp_fast(x);
    let value = Double::renormalised(root, c + ERROR);
    let bound = above(value.hi, value.lo) * scale;
    if x <= 0.0 && bound > 1.0 { 1.0 } else { bound }
}

/// Of a number in the range of [`exp_fast`].
#[inline(always)]
fn is_near(x: f64) -> bool {
    x.abs() <= 690.0
}

/// Where an end lies beyond [`exp_fast`], where results over- and underflow.
#[cold]
fn exp_far(x: Interval) -> Interval {
    increasing(x, |x| {
        if is_near(x) { (exp_down(x), exp_up(x)) } else { exp_bounds(exp_parts(Double::new(x.clamp(-FAR, FAR)))) }
    })
}

impl Interval {
    /// `eˣ`. Within 1 ulp of the range.
    #[inline]
    pub fn exp(self) -> Self {
        if is_near(self.lo) && is_near(self.hi) {
            Self { lo: exp_down(self.lo), hi: exp_up(self.hi) }
        } else {
            exp_far(self)
        }
    }

    /// `2ˣ`. Within 1 ulp of the range, exact at integers.
    pub fn exp2(self) -> Self {
        increasing(self, |x| {
            let x = x.clamp(-FAR, FAR);
            let n = libm::rint(x);
            let (p, carry) = exp_parts(Double::new(x - n) * Double::LN_2);
            on_side(exp_bounds((p, n as i32 + carry)), x >= n, scale(1.0, n as i32, x < n))
        })
    }

    /// `10ˣ`. Within 1 ulp of the range.
    pub fn exp10(self) -> Self {
        increasing(self, |x| {
            on_side(exp_bounds(exp_parts(Double::new(x.clamp(-FAR, FAR)) * Double::LN_10)), x > 0.0, 1.0)
        })
    }

    /// `eˣ − 1`. Within 1 ulp of the range.
    pub fn expm1(self) -> Self {
        increasing(self, |x| {
            // x²/2 is below a quarter of an ulp of x.
            const SMALL: f64 = power_of_two(-55);
            if x == 0.0 {
                return (0.0, 0.0);
            } else if x.abs() < SMALL {
                return (x, x.next_up());
            }
            let (p, n) = exp_parts(Double::new(x.clamp(-FAR, FAR)));
            if n > 0 {
                // 2ⁿ(1 + p − 2⁻ⁿ); a term below 2⁻¹⁰⁰⁰ is within the margin.
                (p + Double::sum(1.0, -power_of_two(-n.min(1000)))).bounds_scaled(n)
            } else {
                let scale = power_of_two(n.max(-1000));
                let (lo, hi) = (p.scaled(scale) + Double::sum(scale, -1.0)).bounds();
                (lo.max(-1.0), hi)
            }
        })
    }
}
