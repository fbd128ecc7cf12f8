//! From a function at a point to its range over an interval.

use super::Interval;

/// Lower and upper bound of a function's value at one double.
pub(super) type Bounds = (f64, f64);

/// Range of a function that nowhere decreases.
#[inline(always)]
pub(super) fn increasing(x: Interval, f: impl Fn(f64) -> Bounds) -> Interval {
    if x.is_empty() {
        return Interval::EMPTY;
    }
    let (lo, hi) = f(x.lo);
    Interval { lo, hi: if x.is_point() { hi } else { f(x.hi).1 } }
}

/// Range of a function that nowhere increases.
#[inline(always)]
pub(super) fn decreasing(x: Interval, f: impl Fn(f64) -> Bounds) -> Interval {
    if x.is_empty() {
        return Interval::EMPTY;
    }
    let (lo, hi) = f(x.hi);
    Interval { lo, hi: if x.is_point() { hi } else { f(x.lo).1 } }
}

/// The bounds of the opposite value.
#[inline(always)]
pub(super) fn negated((lo, hi): Bounds) -> Bounds {
    (-hi, -lo)
}

/// Bounds of an odd function with `f(x) = x + O(x³)`, |f(x) − x| ≤ |x³|/2, that lies outside of the diagonal (|f(x)| ≥ |x|)
/// or inside it; `f` is asked only where its value is well above the underflow.
#[inline(always)]
pub(super) fn near_diagonal(x: f64, outside: bool, f: impl Fn(f64) -> Bounds) -> Bounds {
    // x²/2 < 2⁻⁵⁵: less than a quarter of an ulp.
    const SMALL: f64 = f64::from_bits((1023 - 27) << 52);
    if x == 0.0 {
        (0.0, 0.0)
    } else if x.abs() >= SMALL {
        f(x)
    } else if (x > 0.0) == outside {
        (x, x.next_up())
    } else {
        (x.next_down(), x)
    }
}

/// Bounds of a value that is at least `limit` if `above`, and at most if not: where a function passes a double exactly, its
/// bounds nearby must not reach over it.
#[inline(always)]
pub(super) fn on_side((lo, hi): Bounds, above: bool, limit: f64) -> Bounds {
    if above { (lo.max(limit), hi) } else { (lo, hi.min(limit)) }
}
