//! Angles: the inverse trigonometric functions.

use super::Interval;
use super::double::Double;
use super::exponential::power_of_two;
use super::monotone::{Bounds, decreasing, increasing, near_diagonal, negated};
use super::reduction::Reduced;
use super::trigonometric::{cos_reduced, sin_reduced};

/// The angle of the point `(x, y)`, near `guess`.
///
/// `angle = guess + atan((y cos g − x sin g)/(x cos g + y sin g))`, whatever the guess; the arctangent's fifth power is
/// neglected.
fn angle(y: Double, x: Double, guess: f64) -> Double {
    let at = Reduced::of(guess);
    let (s, c) = (sin_reduced(at.rest), cos_reduced(at.rest));
    let (s, c) = if at.quadrant.is_multiple_of(2) { (s, c) } else { (c, -s) };
    let (s, c) = if at.quadrant < 2 { (s, c) } else { (-s, -c) };
    let tangent = (y * c - x * s) / (x * c + y * s);
    debug_assert!(tangent.hi.abs() <= 1e-12, "the guess is no such angle");
    Double::new(guess) + (tangent - Double::new(tangent.hi * tangent.hi * tangent.hi / 3.0))
}

/// `√(1 − x²)` for |x| ≤ 1.
fn cathetus(x: f64) -> Double {
    (Double::sum(1.0, -x) * Double::sum(1.0, x)).sqrt()
}

/// The angle of a direction in the upper half-plane: `y ≥ 0`, not both zero, not both infinite.
fn direction(y: f64, x: f64) -> Bounds {
    let ((my, ny), (mx, nx)) = (libm::frexp(y), libm::frexp(x.abs()));
    if y == 0.0 || x.is_infinite() {
        return if x > 0.0 { (0.0, 0.0) } else { Double::FRAC_PI_2.scaled(2.0).bounds() };
    } else if x == 0.0 || y.is_infinite() {
        return Double::FRAC_PI_2.bounds();
    } else if x > 0.0 && ny - nx < -40 {
        // The arctangent of the quotient is that itself, less a third of its cube.
        return (Double::new(my) / Double::new(mx)).bounds_scaled(ny - nx);
    }
    // The larger is brought near 1; 2⁻²⁰⁰ of it is as good as nothing.
    let beside = |m: f64, n: i32| match n - ny.max(nx) {
        n if n < -200 => 0.0,
        n => m * power_of_two(n),
    };
    let (y, x) = (beside(my, ny), beside(mx, nx).copysign(x));
    angle(Double::new(y), Double::new(x), libm::atan2(y, x)).bounds()
}

impl Interval {
    /// Arcsine over the numbers of `self` in [−1, 1]. Within 1 ulp of the range.
    pub fn asin(self) -> Self {
        increasing(self.intersection(Self::raw(-1.0, 1.0)), |x| {
            near_diagonal(x, true, |x| angle(Double::new(x), cathetus(x), libm::asin(x)).bounds())
        })
    }

    /// Arccosine over the numbers of `self` in [−1, 1]. Within 1 ulp of the range.
    pub fn acos(self) -> Self {
        decreasing(self.intersection(Self::raw(-1.0, 1.0)), |x| match x {
            1.0 => (0.0, 0.0),
            _ => angle(cathetus(x), Double::new(x), libm::acos(x)).bounds(),
        })
    }

    /// Arctangent. Within 1 ulp of the range.
    pub fn atan(self) -> Self {
        increasing(self, |x| {
            near_diagonal(x, false, |x| {
                let size = x.abs();
                // Beyond 2⁶⁰⁰ the angle is a right one up to far less than the margin.
                let inverse = Double::ONE / Double::new(size.clamp(1.0, 1e180));
                let (y, x_side) = if size > 1.0 { (Double::ONE, inverse) } else { (Double::new(size), Double::ONE) };
                let bounds = angle(y, x_side, libm::atan(size)).bounds();
                if x < 0.0 { negated(bounds) } else { bounds }
            })
        })
    }

    /// The angle of the direction `(x, self)`, in (−π, π], where `self` is the ordinate `y` and the two are not both zero.
    /// Within 1 ulp of the range; `[−π, π]` across the negative half of the `x` axis, where the angle jumps.
    ///
    /// # Examples
    /// ```
    /// use sobolev::interval::Interval;
    /// let angle = Interval::new(1.0, 3.0)?.atan2(Interval::new(-2.0, 2.0)?);
    /// assert!(angle.contains(0.4636476090008061 /* of (2, 1) */) && angle.contains(2.677945044588987 /* of (−2, 1) */));
    /// # Ok::<(), sobolev::interval::InvalidInterval>(())
    /// ```
    pub fn atan2(self, x: Self) -> Self {
        let y = self;
        if y.is_empty() || x.is_empty() || (y == Self::ZERO && x == Self::ZERO) {
            Self::EMPTY
        } else if y.hi < 0.0 || (y.hi == 0.0 && y.lo < 0.0 && x.lo >= 0.0) {
            // The mirror image, which does not touch the cut.
            -(-y).atan2(x)
        } else if y.lo < 0.0 && x.lo < 0.0 {
            let (_, pi) = Double::FRAC_PI_2.scaled(2.0).bounds();
            Self::raw(-pi, pi)
        } else if y.lo < 0.0 {
            // Both sides of the positive half of the x axis.
            Self { lo: 0.0, ..y }.atan2(x).hull(-Self { lo: 0.0, hi: -y.lo }.atan2(x))
        } else {
            // In the upper half-plane the angle grows to the left; upward it grows on the right and falls on the left.
            let (least, greatest) = if y.hi > 0.0 {
                (
                    if x.hi > 0.0 { (y.lo, x.hi) } else { (y.hi, x.hi) },
                    if x.lo < 0.0 { (y.lo, x.lo) } else { (y.hi, x.lo) },
                )
            } else {
                // On the axis, without the origin.
                ((0.0, if x.hi == 0.0 { x.lo } else { x.hi }), (0.0, if x.lo == 0.0 { x.hi } else { x.lo }))
            };
            Self { lo: direction(least.0, least.1).0, hi: direction(greatest.0, greatest.1).1 }
        }
    }
}
