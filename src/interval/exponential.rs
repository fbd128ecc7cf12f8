//! `eˣ` and what is made of it. All are monotone, so that the ends of an interval give the bounds of the result.

use super::Interval;
use super::double::Double;
use super::exact::scale;
use super::monotone::increasing;

/// Terms of the series: |r| ≤ ½ ln 2 leaves a remainder below 2⁻¹⁰⁵ of the sum.
const TERMS: usize = 23;
/// The last terms, together below 2⁻⁵⁰ of the sum, are summed in doubles.
const HEAD: usize = 12;

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

/// `eʳ − 1` for |r| ≤ 0.35, to 2⁻¹⁰⁰ of itself.
fn expm1_reduced(r: Double) -> Double {
    let mut tail = 0.0;
    for n in (HEAD..TERMS).rev() {
        tail = tail * r.hi + INVERSE_FACTORIALS[n].hi;
    }
    let mut sum = Double::new(tail);
    for n in (1..HEAD).rev() {
        sum = sum * r + INVERSE_FACTORIALS[n];
    }
    sum * r
}

/// `(p, n)` with `eˣ = 2ⁿ(1 + p)`, |p| < 0.42, for |x| < 2²⁰.
pub(super) fn exp_parts(x: Double) -> (Double, i32) {
    // 2⁻¹⁰⁰ and better: n·(high part) is exact (21 + 32 bits), the low part is a double-double.
    const LN_2_HIGH: f64 = 0.6931471803691238;
    const LN_2_LOW: Double = Double { hi: 1.9082149292705877e-10, lo: 1.1612227229362532e-26 };
    let n = libm::rint(x.hi * core::f64::consts::LOG2_E);
    let r = x - Double::new(n * LN_2_HIGH) - LN_2_LOW * Double::new(n);
    (expm1_reduced(r), n as i32)
}

/// `2ⁿ` for the exponents of normal numbers.
pub(super) const fn power_of_two(n: i32) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

/// Beyond it `eˣ` is above `MAX` or below half the least double.
const FAR: f64 = 800.0;

impl Interval {
    /// `eˣ`. Within 1 ulp of the range.
    pub fn exp(self) -> Self {
        increasing(self, |x| {
            if x == 0.0 {
                return (1.0, 1.0);
            }
            let (p, n) = exp_parts(Double::new(x.clamp(-FAR, FAR)));
            let value = Double::ONE + p;
            (scale(value.down(), n, false), scale(value.up(), n, true))
        })
    }
}
