//! Integer and real powers, and roots.

use super::Interval;
use super::double::Double;
use super::exponential::{exp_bounds, exp_parts, power_of_two};
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

/// `xⁿ`, `n > 0`, if its significant digits are so few that it certainly is a double.
fn exact_power(x: f64, n: i32) -> Option<f64> {
    let significant = 53 - ((x.to_bits() | 1 << 52) & ((1 << 53) - 1)).trailing_zeros();
    if n > 0 && x.is_normal() && significant.saturating_mul(n.unsigned_abs()) <= 53 {
        // The power has no more bits than a double: all products are exact, unless one over- or underflows.
        Some((0..n).fold(1.0, |power, _| power * x)).filter(|power| power.is_normal())
    } else {
        None
    }
}

/// Bounds of `xⁿ` for `x ≥ 0`.
fn integer_power(x: f64, n: i32) -> Bounds {
    match exact_power(x, n) {
        Some(exact) => (exact, exact),
        None => power(x, f64::from(n)),
    }
}

/// Bounds of `x^(1/n)` for `x ≥ 0`, `n ≠ 0`.
fn integer_root(x: f64, n: i32) -> Bounds {
    if x == 0.0 || x.is_infinite() {
        let limit = if (x == 0.0) == (n > 0) { 0.0 } else { f64::INFINITY };
        return (limit, limit);
    } else if x == 1.0 {
        return (1.0, 1.0);
    }
    let parts = exp_parts(ln(x) / Double::new(f64::from(n)));
    let (lo, hi) = on_side(exp_bounds(parts), (x > 1.0) == (n > 0), 1.0);
    // A root that is a double lies inside; its neighbours' powers have too many bits to be checked, and need not be.
    for root in [lo, hi, lo.next_up()] {
        if exact_power(root, n) == Some(x) {
            return (root, root);
        }
    }
    (lo, hi)
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
            _ if n > 0 => increasing(self, |x| signed(x, |x| integer_power(x, n))),
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

    /// The `n`-th root: what has `self` as its `n`-th power, the one ≥ 0 if `n` is even. Tightest for `n` = ±1 and 2, exact
    /// where the root is a double of few bits, otherwise within 1 ulp of the range. ∅ for `n = 0`.
    ///
    /// # Examples
    /// ```
    /// use sobolev::interval::Interval;
    /// assert_eq!(Interval::new(-8.0, 27.0)?.rootn(3), Interval::new(-2.0, 3.0)?);
    /// assert_eq!(Interval::new(-8.0, 16.0)?.rootn(4), Interval::new(0.0, 2.0)?);
    /// # Ok::<(), sobolev::interval::InvalidInterval>(())
    /// ```
    pub fn rootn(self, n: i32) -> Self {
        let positive = Self { lo: 0.0, hi: f64::INFINITY };
        match n {
            0 => Self::EMPTY,
            1 => self,
            2 => self.sqrt(),
            -1 => self.recip(),
            _ if n % 2 == 0 && n > 0 => increasing(self.intersection(positive), |x| integer_root(x, n)),
            _ if n > 0 => increasing(self, |x| signed(x, |x| integer_root(x, n))),
            _ if self == Self::ZERO => Self::EMPTY,
            _ if n % 2 == 0 && self.hi <= 0.0 => Self::EMPTY,
            _ if n % 2 == 0 => decreasing(self.intersection(positive), |x| integer_root(x, n)),
            _ if self.lo < 0.0 && self.hi > 0.0 => Self::ENTIRE,
            // The pole is at the lower or at the upper end.
            _ if self.lo >= 0.0 => decreasing(self, |x| integer_root(x, n)),
            _ => decreasing(self, |x| negated(integer_root(-x, n))),
        }
    }

    /// `√(x² + y²)`. Within 1 ulp of the range, exact where one of the two is 0.
    pub fn hypot(self, other: Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return Self::EMPTY;
        }
        Self { lo: hypotenuse(self.mig(), other.mig()).0, hi: hypotenuse(self.mag(), other.mag()).1 }
    }
}

/// Bounds of an odd function from those at `x ≥ 0`.
fn signed(x: f64, f: impl Fn(f64) -> Bounds) -> Bounds {
    if x < 0.0 { negated(f(-x)) } else { f(x) }
}

/// Bounds of `√(x² + y²)` for `x, y ≥ 0`.
fn hypotenuse(x: f64, y: f64) -> Bounds {
    let (large, small) = if x > y { (x, y) } else { (y, x) };
    if small == 0.0 || large.is_infinite() {
        return (large, large);
    }
    let ((a, n), (b, m)) = (libm::frexp(large), libm::frexp(small));
    if m - n < -100 {
        // √(1 + q²) − 1 is below 2⁻²⁰⁰.
        return (large, large.next_up());
    }
    let b = b * power_of_two(m - n);
    (Double::product(a, a) + Double::product(b, b)).sqrt().bounds_scaled(n)
}
