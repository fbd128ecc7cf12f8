//! Integer and real powers.

use super::Interval;
use super::double::Double;
use super::exponential::{exp_bounds, exp_parts};
use super::logarithm::ln;
use super::monotone::{Bounds, decreasing, increasing, negated, on_side};

/// Bounds of `xʸ` for `x ≥ 0`, both possibly infinite, limits where it is undefined, and 1 for `y = 0`.
fn power(x: f64, y: f64) -> Bounds {
    if y == 0.0 || x == 1.0 {
        (1.0, 1.0)
    } else if x == 0.0 || x.is_infinite() || y.is_infinite() {
        let limit = if (x > 1.0) == (y > 0.0) { f64::INFINITY } else { 0.0 };
        (limit, limit)
    } else {
        let logarithm = ln(x);
        // |ln x| ≥ 2⁻⁵³; beyond ±1200 the power over- or underflows, and so does a product too large to form.
        let near = y.clamp(-1e20, 1e20);
        let product = logarithm * Double::new(near);
        let product = if product.hi.abs() > FAR { Double::new(FAR.copysign(product.hi)) } else { product };
        let (p, n) = exp_parts(product);
        let p = if p.hi == 0.0 { Double::new(f64::MIN_POSITIVE) } else { p };
        on_side(exp_bounds((p, n)), (x > 1.0) == (y > 0.0), 1.0)
    }
}

/// Beyond it `eˣ` is above `MAX` or below the least double.
const FAR: f64 = 1200.0;

/// Bounds of `xⁿ` for `x ≥ 0`.
fn integer_power(x: f64, n: i32) -> Bounds {
    let significant = 53 - ((x.to_bits() | 1 << 52) & ((1 << 53) - 1)).trailing_zeros();
    if n > 0 && x.is_normal() && significant.saturating_mul(n.unsigned_abs()) <= 53 {
        // The power has no more bits than a double: all products are exact, unless one over- or underflows.
        let exact = (0..n).fold(1.0, |power, _| power * x);
        if exact.is_normal() {
            return (exact, exact);
        }
    }
    power(x, f64::from(n))
}

impl Interval {
    /// `xⁿ`. Tightest for `n` of −1, 0, 1 and 2, exact where the powers of the ends have no more than 53 bits, otherwise
    /// within 1 ulp of the range.
    ///
    /// `x⁰ = 1`, also at 0. A negative power is not defined at 0.
    pub fn powi(self, n: i32) -> Self {
        if self.is_empty() {
            return Self::EMPTY;
        }
        match n {
            -1 => self.recip(),
            0 => Self::ONE,
            1 => self,
            2 => self.sqr(),
            _ if n < 0 && self == Self::ZERO => Self::EMPTY,
            _ if n % 2 == 0 && n > 0 => increasing(self.abs(), |x| integer_power(x, n)),
            _ if n % 2 == 0 => decreasing(self.abs(), |x| integer_power(x, n)),
            _ if n > 0 => increasing(self, |x| odd_power(x, n)),
            _ if self.lo < 0.0 && self.hi > 0.0 => Self::ENTIRE,
            // The pole is at the lower or at the upper end.
            _ if self.lo >= 0.0 => decreasing(self, |x| integer_power(x, n)),
            _ => decreasing(self, |x| negated(integer_power(-x, n))),
        }
    }

    /// `xʸ` for `x > 0`, and `0ʸ = 0` for `y > 0`. Within 1 ulp of the range.
    ///
    /// With `x = eˡ` the exponent `y·l` is bilinear, so that its extremes lie at the corners.
    pub fn powf(self, exponent: Self) -> Self {
        let x = self.intersection(Self { lo: 0.0, hi: f64::INFINITY });
        if x.is_empty() || exponent.is_empty() {
            return Self::EMPTY;
        }
        if x == Self::ZERO {
            return if exponent.hi > 0.0 { Self::ZERO } else { Self::EMPTY };
        }
        let corners = [(x.lo, exponent.lo), (x.lo, exponent.hi), (x.hi, exponent.lo), (x.hi, exponent.hi)];
        let bounds = corners.map(|(x, y)| power(x, y));
        Self {
            lo: bounds.iter().map(|b| b.0).fold(f64::INFINITY, f64::min),
            hi: bounds.iter().map(|b| b.1).fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

fn odd_power(x: f64, n: i32) -> Bounds {
    let bounds = integer_power(x.abs(), n);
    if x < 0.0 { negated(bounds) } else { bounds }
}
