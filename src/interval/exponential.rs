//! `eˣ` and the functions made of it.

use super::Interval;
use super::double::Double;
use super::exact::scale;
use super::monotone::{Bounds, increasing, near_diagonal, negated};

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

/// `eʳ − 1` for |r| ≤ 0.35, to 2⁻¹⁰⁰ of itself: 22 terms leave a remainder of 2⁻¹⁰⁷, and the last eleven, together below
/// 2⁻⁵⁰ of the sum, need no more than doubles.
fn expm1_reduced(r: Double) -> Double {
    const HEAD: usize = 12;
    let mut tail = 0.0;
    for term in INVERSE_FACTORIALS[HEAD..23].iter().rev() {
        tail = tail * r.hi + term.hi;
    }
    let mut sum = Double::new(tail);
    for &term in INVERSE_FACTORIALS[1..HEAD].iter().rev() {
        sum = sum * r + term;
    }
    sum * r
}

/// `(p, n)` with `eˣ = 2ⁿ(1 + p)`, |p| < 0.42, for |x| < 2²⁰.
pub(super) fn exp_parts(x: Double) -> (Double, i32) {
    // The product n·HIGH is exact: 21 bits by 32.
    const HIGH: f64 = 0.6931471803691238;
    const LOW: Double = Double { hi: 1.9082149292705877e-10, lo: 1.1612227229362532e-26 };
    let n = libm::rint(x.hi * core::f64::consts::LOG2_E);
    let r = x - Double::new(n * HIGH) - LOW * Double::new(n);
    (expm1_reduced(r), n as i32)
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
const FAR: f64 = 1200.0;

impl Interval {
    /// `eˣ`. Within 1 ulp of the range.
    pub fn exp(self) -> Self {
        increasing(self, |x| exp_bounds(exp_parts(Double::new(x.clamp(-FAR, FAR)))))
    }

    /// `2ˣ`. Within 1 ulp of the range, exact at integers.
    pub fn exp2(self) -> Self {
        increasing(self, |x| {
            let x = x.clamp(-FAR, FAR);
            let n = libm::rint(x);
            let (p, _) = exp_parts(Double::new(x - n) * Double::LN_2);
            exp_bounds((p, n as i32))
        })
    }

    /// `10ˣ`. Within 1 ulp of the range.
    pub fn exp10(self) -> Self {
        increasing(self, |x| exp_bounds(exp_parts(Double::new(x.clamp(-FAR, FAR)) * Double::LN_10)))
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

    /// Hyperbolic sine. Within 1 ulp of the range.
    pub fn sinh(self) -> Self {
        increasing(self, |x| {
            near_diagonal(x, true, |x| {
                let size = x.abs().min(FAR);
                let bounds = if size < 40.0 {
                    // (E + E/(1 + E))/2 with E = e^|x| − 1.
                    let e = expm1(Double::new(size));
                    (e + e / (Double::ONE + e)).scaled(0.5).bounds()
                } else {
                    let (p, n) = exp_parts(Double::new(size));
                    // e^(−|x|) is below 2⁻¹¹⁵ of the sum.
                    (Double::ONE + p).bounds_scaled(n - 1)
                };
                if x < 0.0 { negated(bounds) } else { bounds }
            })
        })
    }

    /// Hyperbolic cosine. Within 1 ulp of the range.
    pub fn cosh(self) -> Self {
        increasing(self.abs(), |x| {
            if x == 0.0 {
                return (1.0, 1.0);
            }
            let (p, n) = exp_parts(Double::new(x.min(FAR)));
            let sum = Double::ONE + p;
            // Beyond 2⁻²⁰⁰ the second exponential is within the margin.
            let mirrored = if n > 100 { sum } else { sum + Double::new(power_of_two(-2 * n)) / sum };
            mirrored.bounds_scaled(n - 1)
        })
    }

    /// Hyperbolic tangent. Within 1 ulp of the range.
    pub fn tanh(self) -> Self {
        increasing(self, |x| {
            near_diagonal(x, false, |x| {
                // −E/(2 + E) with E = e^(−2|x|) − 1.
                let e = expm1(Double::new(-2.0 * x.abs().min(FAR)));
                let (lo, hi) = (-e / (Double::new(2.0) + e)).bounds();
                let bounds = (lo, hi.min(1.0));
                if x < 0.0 { negated(bounds) } else { bounds }
            })
        })
    }
}
