//! `ln x` and its relatives: one Newton step on the double logarithm, in double-double.

use super::Interval;
use super::double::Double;
use super::exponential::{expm1, power_of_two};
use super::monotone::{Bounds, increasing};

/// `ln(1 + u)` for −½ ≤ u ≤ 1.
///
/// With `y` near it, `δ = (1 + u)e^(−y) − 1` is small and `ln(1 + u) = y + ln(1 + δ)`. That holds for any `y`: how good the
/// guess is decides only the size of δ, whose third power is neglected.
pub(super) fn ln_1p(u: Double) -> Double {
    let y = libm::log1p(u.hi);
    let e = expm1(Double::new(-y));
    let delta = u + e + u * e;
    debug_assert!(delta.hi.abs() <= 1e-12 * y.abs(), "the guess is no logarithm");
    Double::new(y) + (delta - Double::new(0.5 * delta.hi * delta.hi))
}

/// `ln(2ⁿm)`, for which `m` is within [√½, √2], so that the two terms do not cancel.
fn ln_scaled(m: Double, n: i32) -> Double {
    Double::new(f64::from(n)) * Double::LN_2 + ln_1p(m - Double::ONE)
}

/// `ln x` of a positive finite double.
pub(super) fn ln(x: f64) -> Double {
    let (m, n) = libm::frexp(x);
    if m < core::f64::consts::FRAC_1_SQRT_2 {
        ln_scaled(Double::new(2.0 * m), n - 1)
    } else {
        ln_scaled(Double::new(m), n)
    }
}

/// `ln x` for `x` between 2⁻⁹⁰⁰ and 2⁹⁰⁰.
pub(super) fn ln_double(x: Double) -> Double {
    let (m, n) = libm::frexp(x.hi);
    let n = if m < core::f64::consts::FRAC_1_SQRT_2 { n - 1 } else { n };
    ln_scaled(x.scaled(power_of_two(-n)), n)
}

/// Limits at 0 and ∞, `f` between.
fn logarithm(x: Interval, f: impl Fn(f64) -> Bounds) -> Interval {
    let x = x.intersection(Interval { lo: 0.0, hi: f64::INFINITY });
    if x.hi <= 0.0 {
        return Interval::EMPTY;
    }
    increasing(x, |x| match x {
        0.0 => (f64::NEG_INFINITY, f64::NEG_INFINITY),
        f64::INFINITY => (f64::INFINITY, f64::INFINITY),
        _ => f(x),
    })
}

impl Interval {
    /// `ln x` over the positive numbers of `self`. Within 1 ulp of the range.
    pub fn ln(self) -> Self {
        logarithm(self, |x| ln(x).bounds())
    }

    /// `log₂ x` over the positive numbers of `self`. Within 1 ulp of the range, exact at powers of two.
    pub fn log2(self) -> Self {
        logarithm(self, |x| {
            let (m, n) = libm::frexp(x);
            if m == 0.5 {
                (f64::from(n - 1), f64::from(n - 1))
            } else {
                // Between two powers of two.
                let (lo, hi) = (ln(x) / Double::LN_2).bounds();
                (lo.max(f64::from(n - 1)), hi.min(f64::from(n)))
            }
        })
    }

    /// `log₁₀ x` over the positive numbers of `self`. Within 1 ulp of the range.
    pub fn log10(self) -> Self {
        logarithm(self, |x| (ln(x) / Double::LN_10).bounds())
    }

    /// `ln(1 + x)` over the numbers of `self` above −1. Within 1 ulp of the range.
    pub fn ln1p(self) -> Self {
        let x = self.intersection(Self { lo: -1.0, hi: f64::INFINITY });
        if x.hi <= -1.0 {
            return Self::EMPTY;
        }
        increasing(x, |x| {
            // x²/2 is below a quarter of an ulp of x.
            const SMALL: f64 = power_of_two(-55);
            match x {
                -1.0 => (f64::NEG_INFINITY, f64::NEG_INFINITY),
                f64::INFINITY => (f64::INFINITY, f64::INFINITY),
                0.0 => (0.0, 0.0),
                _ if x.abs() < SMALL => (x.next_down(), x),
                _ if (-0.5..=1.0).contains(&x) => ln_1p(Double::new(x)).bounds(),
                // 1 beside 2²⁰⁰.
                _ if x > power_of_two(200) => ln(x).bounds(),
                _ => ln_double(Double::sum(1.0, x)).bounds(),
            }
        })
    }
}
