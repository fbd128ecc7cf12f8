//! Products element by element.

use pulp::{Arch, WithSimd};

use super::{Boxes, BoxesMut};

const U: f64 = f64::EPSILON / 2.0;
/// The least double, 2⁻¹⁰⁷⁴.
const ETA: f64 = f64::from_bits(1);

/// `z = x·y`, element by element.
///
/// # Shapes
/// Three equal lengths.
///
/// # Guarantee
/// Encloses; the bounds are those of the exact product, moved outward by 4u of themselves and the least double. Elements
/// that are not finite, or whose product is not, are those of scalar intervals.
///
/// # Panics
/// If the slices differ in length.
#[track_caller]
pub fn multiply(x: Boxes<'_>, y: Boxes<'_>, mut z: BoxesMut<'_>) {
    assert!(x.lo.len() == x.hi.len() && y.lo.len() == y.hi.len() && z.lo.len() == z.hi.len());
    assert!(x.len() == y.len() && x.len() == z.lo.len(), "as many results as factors");
    if Arch::new().dispatch(Product { x, y, z: &mut z }) {
        return;
    }
    for i in 0..x.len() {
        let finite = |b: Boxes<'_>| b.lo[i] <= b.hi[i] && b.lo[i].is_finite() && b.hi[i].is_finite();
        if !(finite(x) && finite(y) && z.lo[i].is_finite() && z.hi[i].is_finite()) {
            z.set(i, x.get(i) * y.get(i));
        }
    }
}

struct Product<'a, 'b> {
    x: Boxes<'a>,
    y: Boxes<'a>,
    z: &'a mut BoxesMut<'b>,
}

impl WithSimd for Product<'_, '_> {
    type Output = bool;

    /// Whether every element was finite and an interval. The exact product of two ends differs from the rounded one, `p`, by
    /// no more than `u(1 + 2u)|p| + η/2`; `p − 4u|p| − η` grows with `p`, so that the least of four needs but one step.
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> bool {
        let n = self.x.len();
        let (a, b) = (&self.x.lo[..n], &self.x.hi[..n]);
        let (c, d) = (&self.y.lo[..n], &self.y.hi[..n]);
        let (lo, hi) = (&mut self.z.lo[..n], &mut self.z.hi[..n]);
        let mut sound = true;
        for i in 0..n {
            let [ac, ad, bc, bd] = [a[i] * c[i], a[i] * d[i], b[i] * c[i], b[i] * d[i]];
            let least = min(min(ac, ad), min(bc, bd));
            let greatest = max(max(ac, ad), max(bc, bd));
            let below = least - (4.0 * U * least.abs() + ETA);
            let above = greatest + (4.0 * U * greatest.abs() + ETA);
            (lo[i], hi[i]) = (below, above);
            // Not finite anywhere makes one of these NaN or infinite, and nothing times zero finite.
            let spread = (b[i] - a[i]) + (d[i] - c[i]) + (above - below);
            sound &= (spread < f64::INFINITY) & (a[i] <= b[i]) & (c[i] <= d[i]);
        }
        sound
    }
}

#[inline(always)]
fn min(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

#[inline(always)]
fn max(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::Interval;

    /// Against the tightest product, on numbers of every size.
    #[test]
    fn products_contain_the_tightest_and_hardly_more() {
        let ends =
            [-1e300, -7.5, -1.0, -1e-200, -ETA, 0.0, ETA, 1e-160, 0.1, 3.0, 1e200, f64::INFINITY, f64::NEG_INFINITY];
        let mut all = vec![Interval::EMPTY, Interval::ENTIRE];
        for &a in &ends {
            all.extend(ends.iter().filter_map(|&b| Interval::new(a, b).ok()));
        }
        let pairs: Vec<_> = all.iter().flat_map(|&x| all.iter().map(move |&y| (x, y))).collect();
        let ends = |f: fn(&(Interval, Interval)) -> f64| pairs.iter().map(f).collect::<Vec<f64>>();
        let (a, b) = (ends(|p| p.0.inf()), ends(|p| p.0.sup()));
        let (c, d) = (ends(|p| p.1.inf()), ends(|p| p.1.sup()));
        let (mut lo, mut hi) = (vec![0.0; pairs.len()], vec![0.0; pairs.len()]);
        multiply(Boxes::new(&a, &b), Boxes::new(&c, &d), BoxesMut::new(&mut lo, &mut hi));
        for (i, (x, y)) in pairs.iter().enumerate() {
            let (got, tightest) = (Boxes::new(&lo, &hi).get(i), *x * *y);
            assert!(tightest.is_subset(got), "{x}·{y}: {got} ⊉ {tightest}");
            let slack = |bound: f64| 8.0 * U * bound.abs() + 4.0 * ETA;
            let close = |a: f64, b: f64| a == b || (a - b).abs() <= slack(b) || a.is_infinite() && b.abs() > 1e308;
            assert!(close(got.inf(), tightest.inf()) && close(got.sup(), tightest.sup()), "{x}·{y}: {got}, {tightest}");
        }
    }
}
