//! `ln x` and its relatives: one Newton step on the double logarithm, in double-double.

use super::Interval;
use super::double::Double;
use super::exponential::exp_parts;
use super::exponential::power_of_two;
use super::monotone::increasing;

/// `ln(1 + u)` for −½ ≤ u ≤ 1.
///
/// With `y` near it, `δ = (1 + u)e^(−y) − 1` is small and `ln(1 + u) = y + ln(1 + δ)`. That holds for any `y`: how good the
/// guess is decides only the size of δ, whose fourth power is neglected.
pub(super) fn ln_1p(u: Double) -> Double {
    let y = libm::log1p(u.hi);
    let (p, n) = exp_parts(Double::new(-y));
    let scale = power_of_two(n);
    let em1 = p.scaled(scale) + Double::sum(scale, -1.0);
    let delta = u + em1 + u * em1;
    debug_assert!(delta.hi.abs() <= 1e-12, "the guess is no logarithm");
    let correction = delta.hi * delta.hi * (delta.hi * (1.0 / 3.0) - 0.5);
    Double::new(y) + (delta + Double::new(correction))
}

/// `ln x` of a positive finite double.
pub(super) fn ln(x: f64) -> Double {
    // x = 2ⁿ·m with m in [√½, √2]: then n·ln 2 and ln m do not cancel.
    let (m, n) = libm::frexp(x);
    let (m, n) = if m < core::f64::consts::FRAC_1_SQRT_2 { (2.0 * m, n - 1) } else { (m, n) };
    Double::new(f64::from(n)) * Double::LN_2 + ln_1p(Double::new(m - 1.0))
}

impl Interval {
    /// `ln x` over the positive numbers of `self`. Within 1 ulp of the range.
    pub fn ln(self) -> Self {
        let x = self.intersection(Self { lo: 0.0, hi: f64::INFINITY });
        if !(x.hi > 0.0) {
            return Self::EMPTY;
        }
        increasing(x, |x| match x {
            0.0 => (f64::NEG_INFINITY, f64::MIN),
            f64::INFINITY => (f64::MAX, f64::INFINITY),
            _ => {
                let y = ln(x);
                (y.down(), y.up())
            }
        })
    }
}
