//! The error function and the standard normal law.

use super::Interval;
use super::double::Double;
use super::exact::scale;
use super::exponential::{exp_parts, power_of_two};
use super::monotone::{Bounds, increasing, negated};

/// Coefficients `(−1)ⁿ/(n!(2n+1))` of `√π/2·erf(x)/x` in x².
const SERIES: [Double; 47] = {
    let mut table = [Double::ONE; 47];
    let mut factorial = Double::ONE;
    let mut n = 1;
    while n < 47 {
        factorial = factorial.over(Double::new(-(n as f64)));
        table[n] = factorial.over(Double::new((2 * n + 1) as f64));
        n += 1;
    }
    table
};

/// Up to here by the series, beyond by the continued fraction. The series loses 6 bits to cancellation at 2, and its
/// complement another 8.
const SWITCH: f64 = 2.0;

/// `erf x` for |x| ≤ 2.
fn erf_series(x: Double) -> Double {
    let square = x * x;
    // The first index from which the terms, of size x²ⁿ/n!, stay below the threshold.
    let terms_above = |threshold: f64| {
        let (mut n, mut size) = (1, square.hi);
        while n < SERIES.len() && size > threshold {
            n += 1;
            size *= square.hi / n as f64;
        }
        n
    };
    // Together the terms beyond are below twice the first: x² < n there.
    let head = terms_above(power_of_two(-30));
    let last = terms_above(power_of_two(-84)).max(head);
    let mut tail = 0.0;
    for term in SERIES[head..last].iter().rev() {
        tail = tail * square.hi + term.hi;
    }
    let mut sum = Double::new(tail);
    for &term in SERIES[..head].iter().rev() {
        sum = sum * square + term;
    }
    sum * x * Double::TWO_OVER_ROOT_PI
}

/// `√π·e^(x²)·erfc x` for `x ≥ 2`: Laplace's continued fraction `1/(x + ½/(x + 1/(x + 3⁄2/(x + …))))`.
///
/// Its convergents lie alternately above and below the value, so that two of them bound what is cut off: 2⁻⁷⁶ after 110
/// levels at 2, 2⁻⁷⁹ after 40 at 4, less further out. An error at depth 14 is damped by 2⁻²² or more on its way to the front:
/// from there on doubles are precise enough.
fn erfc_fraction(x: Double) -> Double {
    let mut deep = x.hi;
    for k in (15..=if x.hi < 4.0 { 110 } else { 40 }).rev() {
        deep = x.hi + 0.5 * f64::from(k) / deep;
    }
    let mut value = Double::new(deep);
    for k in (1..15).rev() {
        value = x + Double::new(0.5 * f64::from(k)) / value;
    }
    Double::ONE / value
}

/// `2ⁿ·value = e^(−x²)`; below 2⁻¹¹⁰⁰ for |x| > 40.
fn gaussian(square: Double) -> (Double, i32) {
    let (p, n) = exp_parts(-square);
    (Double::ONE + p, n)
}

/// `(value, n)` with `erfc x = 2ⁿ·value`, |x| ≤ 40.
fn erfc(x: Double) -> (Double, i32) {
    if x.hi.abs() <= SWITCH {
        return (Double::ONE - erf_series(x), 0);
    }
    let size = if x.hi < 0.0 { -x } else { x };
    let (g, n) = gaussian(size * size);
    let tail = g * erfc_fraction(size) * Double::TWO_OVER_ROOT_PI.scaled(0.5);
    if x.hi > 0.0 {
        (tail, n)
    } else {
        (Double::new(2.0) - if n < -200 { Double::new(0.0) } else { tail.scaled(power_of_two(n)) }, 0)
    }
}

/// Beyond it all tails are below the least double.
const FAR: f64 = 40.0;

fn erf_at(x: f64) -> Bounds {
    let size = x.abs().min(FAR);
    // Near 0, erf x = 2x/√π·(1 − x²/3 + …); scaled so that nothing underflows.
    let bounds = if size == 0.0 {
        (0.0, 0.0)
    } else if size < power_of_two(-60) {
        (Double::new(size * power_of_two(200)) * Double::TWO_OVER_ROOT_PI).bounds_scaled(-200)
    } else if size <= SWITCH {
        erf_series(Double::new(size)).bounds()
    } else {
        let (tail, n) = erfc(Double::new(size));
        let (lo, hi) = (Double::ONE - if n < -200 { Double::new(0.0) } else { tail.scaled(power_of_two(n)) }).bounds();
        (lo, hi.min(1.0))
    };
    if x < 0.0 { negated(bounds) } else { bounds }
}

fn cdf_at(x: f64) -> Bounds {
    // erfc(−x/√2)/2
    let (value, n) = erfc(Double::new(-x.clamp(-FAR, FAR)) * Double::FRAC_1_SQRT_2);
    let (lo, hi) = value.bounds();
    (scale(lo, n - 1, false), scale(hi, n - 1, true).min(1.0))
}

fn pdf_at(x: f64) -> Bounds {
    let x = x.min(FAR);
    let (g, n) = gaussian(Double::product(x, x).scaled(0.5));
    (g * Double::FRAC_1_SQRT_TAU).bounds_scaled(n)
}

impl Interval {
    /// The error function. Within 1 ulp of the range.
    pub fn erf(self) -> Self {
        increasing(self, erf_at)
    }

    /// Cumulative distribution function Φ of the standard normal law. Within 1 ulp of the range, in the tails too.
    pub fn normal_cdf(self) -> Self {
        increasing(self, cdf_at)
    }

    /// Density φ(x) = e^(−x²/2)/√2π of the standard normal law. Within 1 ulp of the range.
    pub fn normal_pdf(self) -> Self {
        super::monotone::decreasing(self.abs(), pdf_at)
    }
}
