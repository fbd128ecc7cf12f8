//! From bounds to centre and radius, and back, each rounded to the safe side.

/// Half an ulp of 1: 2⁻⁵³.
const U: f64 = f64::EPSILON / 2.0;
/// The least double, 2⁻¹⁰⁷⁴.
const ETA: f64 = f64::from_bits(1);

/// A bound of the relative rounding error of a sum of `terms` products and a bias, in any order and in any number of partial
/// sums (no more than the terms), fused or not: `γ_k = ku/(1 − ku)` with `k = 2·terms + 8`, which leaves room for
/// the rounding of the radius itself.
///
/// # Panics
/// Beyond 2³² terms.
pub(super) fn gamma(terms: usize) -> f64 {
    assert!(terms <= 1 << 32, "a layer of no more than 2³² nodes");
    let k = (2 * terms + 8) as f64 * U;
    k * (1.0 + 2.0 * k)
}

/// `(m, q)` with `x ∈ m ± ρ` and `q ≥ ρ + γ|m|`, and `a ≥ |m| + ρ`.
///
/// `m` lies within `[lo, hi]`, since rounding is monotone. Each rounding of `q` loses at most `u` of it, and the product
/// half the least double. NaN where a bound is infinite.
#[inline(always)]
pub(super) fn centre_and_radius(lo: f64, hi: f64, gamma: f64) -> (f64, f64, f64) {
    let m = 0.5 * lo + 0.5 * hi;
    let (above, below) = (hi - m, m - lo);
    let radius = if above > below { above } else { below };
    let q = (radius + gamma * m.abs()) * (1.0 + 8.0 * U) + 2.0 * ETA;
    let magnitude = (radius + m.abs()) * (1.0 + 8.0 * U);
    // Crossed bounds, ∅, must not pass for an interval.
    if lo <= hi { (m, q, magnitude) } else { (f64::NAN, f64::NAN, f64::NAN) }
}

/// `(w, ρ)` with `[lo, hi] ⊆ w ± ρ`.
#[inline(always)]
pub(super) fn weight_and_radius(lo: f64, hi: f64) -> (f64, f64) {
    let (m, radius, _) = centre_and_radius(lo, hi, 0.0);
    // A point is its own centre, unless halving it lost the last bit of a subnormal number.
    (m, if m == lo && m == hi { 0.0 } else { radius })
}

/// Bounds from the computed centre and the computed sum of radii: `c + b ± (r(1 + γ) + γ|b| + η)`, rounded outward. Not both
/// finite if anything overflowed or was not finite.
///
/// `r` is itself a computed sum of numbers that are not negative, so that `r(1 + γ)` is above the exact one; its products
/// may have lost less than 2⁻¹⁰²² in all to underflow.
#[inline(always)]
pub(super) fn bounds(c: f64, r: f64, bias: f64, gamma: f64) -> (f64, f64) {
    let c = c + bias;
    let r = (r + gamma * bias.abs()) * (1.0 + 4.0 * gamma) + f64::MIN_POSITIVE;
    let (lo, hi) = (c - r, c + r);
    (lo - (lo.abs() * (2.0 * U) + ETA), hi + (hi.abs() * (2.0 * U) + ETA))
}
