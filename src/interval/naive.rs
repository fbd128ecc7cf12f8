//! The specification: each operation as its definition says, slowly. Tests and benches hold the fast code to it.

use super::Interval;
use super::exact::Exact;

/// Hull of correctly rounded results at all pairs of ends, by integers; for bounded intervals.
fn hull_of_ends(a: Interval, b: Interval, f: impl Fn(f64, f64) -> Exact) -> Interval {
    let mut hull = Interval::EMPTY;
    for x in [a.inf(), a.sup()] {
        for y in [b.inf(), b.sup()] {
            let exact = f(x, y);
            hull = hull.hull(Interval::raw(exact.down(), exact.up()));
        }
    }
    hull
}

/// `a + b` of bounded intervals.
pub fn add(a: Interval, b: Interval) -> Interval {
    hull_of_ends(a, b, |x, y| Exact::product_sum(x, 1.0, y))
}

/// `a − b` of bounded intervals.
pub fn sub(a: Interval, b: Interval) -> Interval {
    hull_of_ends(a, b, |x, y| Exact::product_sum(y, -1.0, x))
}

/// `a·b` of bounded intervals.
pub fn mul(a: Interval, b: Interval) -> Interval {
    hull_of_ends(a, b, Exact::product)
}

/// `a/b` of bounded intervals, `0 ∉ b`.
pub fn div(a: Interval, b: Interval) -> Interval {
    hull_of_ends(a, b, Exact::quotient)
}

/// `√a` of a bounded interval, `a ≥ 0`.
pub fn sqrt(a: Interval) -> Interval {
    Interval::raw(Exact::root(a.inf()).down(), Exact::root(a.sup()).up())
}

/// `W·x + b` for one box, one operation after the other; `W` row-major.
///
/// # Panics
/// If the slices do not fit together.
pub fn affine(weights: &[Interval], bias: &[Interval], x: &[Interval], y: &mut [Interval]) {
    assert!(weights.len() == x.len() * y.len() && bias.len() == y.len(), "as many weights as pairs of nodes");
    for ((y, &bias), row) in y.iter_mut().zip(bias).zip(weights.chunks(x.len().max(1))) {
        *y = row.iter().zip(x).fold(bias, |sum, (&w, &x)| sum + w * x);
    }
}
