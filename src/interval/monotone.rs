//! From a function at a point to its range over an interval.

use super::Interval;

/// Lower and upper bound of a function's value at one double.
pub(super) type Bounds = (f64, f64);

/// Range of a function that nowhere decreases.
#[inline(always)]
pub(super) fn increasing(x: Interval, f: impl Fn(f64) -> Bounds) -> Interval {
    if x.is_empty() {
        Interval::EMPTY
    } else if x.is_point() {
        let (lo, hi) = f(x.lo);
        Interval { lo, hi }
    } else {
        Interval { lo: f(x.lo).0, hi: f(x.hi).1 }
    }
}
