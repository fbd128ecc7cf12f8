//! The hyperbolic functions and their inverses.

use super::Interval;
use super::double::Double;
use super::exponential::{FAR, exp_parts, expm1, power_of_two};
use super::logarithm::{ln, ln_1p, ln_double};
use super::monotone::{Bounds, increasing, near_diagonal, negated, on_side};

/// Beyond it the 1 under the root of an inverse function is below 2⁻¹²⁰ of its square.
const LARGE: f64 = power_of_two(60);

/// `ln(1 + u)` for any `u ≥ 0`.
fn ln_of_one_and(u: Double) -> Double {
    if u.hi <= 1.0 { ln_1p(u) } else { ln_double(Double::ONE + u) }
}

/// `ln 2x`, which the inverse functions are for large `x`, also where `2x` overflows.
fn ln_twice(x: f64) -> Bounds {
    match x {
        f64::INFINITY => (x, x),
        _ => (ln(x) + Double::LN_2).bounds(),
    }
}

impl Interval {
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
            on_side(mirrored.bounds_scaled(n - 1), true, 1.0)
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

    /// Inverse hyperbolic sine. Within 1 ulp of the range.
    pub fn asinh(self) -> Self {
        increasing(self, |x| {
            near_diagonal(x, false, |x| {
                let size = x.abs();
                let bounds = if size > LARGE {
                    ln_twice(size)
                } else {
                    // x + √(1 + x²) = 1 + x + x²/(1 + √(1 + x²))
                    let square = Double::product(size, size);
                    let root = (Double::ONE + square).sqrt();
                    ln_of_one_and(Double::new(size) + square / (Double::ONE + root)).bounds()
                };
                if x < 0.0 { negated(bounds) } else { bounds }
            })
        })
    }

    /// Inverse hyperbolic cosine, from 0 up, over the numbers of `self` that are at least 1. Within 1 ulp of the range.
    pub fn acosh(self) -> Self {
        increasing(self.intersection(Self { lo: 1.0, hi: f64::INFINITY }), |x| {
            if x == 1.0 {
                (0.0, 0.0)
            } else if x > LARGE {
                ln_twice(x)
            } else {
                // x + √(x² − 1) = 1 + t + √(t(t + 2)) with t = x − 1.
                let t = Double::sum(x, -1.0);
                ln_of_one_and(t + (t * (t + Double::new(2.0))).sqrt()).bounds()
            }
        })
    }

    /// Inverse hyperbolic tangent over the numbers of `self` between −1 and 1. Within 1 ulp of the range.
    pub fn atanh(self) -> Self {
        let x = self.intersection(Self::raw(-1.0, 1.0));
        if x.lo == 1.0 || x.hi == -1.0 {
            return Self::EMPTY;
        }
        increasing(x, |x| {
            near_diagonal(x, true, |x| {
                let size = x.abs();
                let bounds = if size == 1.0 {
                    (f64::INFINITY, f64::INFINITY)
                } else {
                    // (1 + x)/(1 − x) = 1 + 2x/(1 − x)
                    ln_of_one_and(Double::new(2.0 * size) / Double::sum(1.0, -size)).scaled(0.5).bounds()
                };
                if x < 0.0 { negated(bounds) } else { bounds }
            })
        })
    }
}
