//! From bounds to centre and radius, and back, each rounded to the safe side.

use pulp::Simd;

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

/// `(m, q)` with `x ∈ m ± ρ` and `q ≥ ρ + γ|m|`.
///
/// `ρ` is the greater distance of `m` from an end, so that any `m` will do. Each rounding of `q` loses at most `u` of it, and
/// the product half the least double. `m` is NaN for crossed bounds, and not finite where a bound is infinite.
#[inline(always)]
pub(super) fn centre_and_radius<S: Simd>(simd: S, lo: S::f64s, hi: S::f64s, gamma: f64) -> (S::f64s, S::f64s) {
    let constant = |x| simd.splat_f64s(x);
    let m = simd.mul_add_e_f64s(constant(0.5), lo, simd.mul_f64s(constant(0.5), hi));
    let radius = simd.max_f64s(simd.sub_f64s(hi, m), simd.sub_f64s(m, lo));
    let q = simd.mul_add_e_f64s(constant(gamma), simd.abs_f64s(m), radius);
    let q = simd.mul_add_e_f64s(q, constant(1.0 + 8.0 * U), constant(2.0 * ETA));
    // Crossed bounds, ∅, must not pass for an interval.
    (simd.select_f64s(simd.less_than_or_equal_f64s(lo, hi), m, constant(f64::NAN)), q)
}

/// `(w, ρ)` with `[lo, hi] ⊆ w ± ρ`.
#[inline(always)]
pub(super) fn weight_and_radius(lo: f64, hi: f64) -> (f64, f64) {
    let (m, radius) = centre_and_radius(pulp::Scalar::new(), lo, hi, 0.0);
    // A point is its own centre, unless halving it lost the last bit of a subnormal number.
    (m, if m == lo && m == hi { 0.0 } else { radius })
}

/// Bounds from the computed centre and the computed sum of radii: `c + b ± (r(1 + γ) + γ|b| + η)`, rounded outward. Not both
/// finite if anything overflowed or was not finite.
///
/// `r` is itself a computed sum of numbers that are not negative, so that `r(1 + γ)` is above the exact one; its products
/// may have lost less than 2⁻¹⁰²² in all to underflow.
#[inline(always)]
pub(super) fn bounds<S: Simd>(simd: S, c: S::f64s, r: S::f64s, bias: S::f64s, gamma: f64) -> (S::f64s, S::f64s) {
    let constant = |x| simd.splat_f64s(x);
    let c = simd.add_f64s(c, bias);
    let r = simd.mul_add_e_f64s(constant(gamma), simd.abs_f64s(bias), r);
    let r = simd.mul_add_e_f64s(r, constant(1.0 + 4.0 * gamma), constant(f64::MIN_POSITIVE));
    let outward = |x| simd.mul_add_e_f64s(simd.abs_f64s(x), constant(2.0 * U), constant(ETA));
    let (lo, hi) = (simd.sub_f64s(c, r), simd.add_f64s(c, r));
    (simd.sub_f64s(lo, outward(lo)), simd.add_f64s(hi, outward(hi)))
}

/// `check`, which is zero, or NaN from the first bound on that is not finite.
#[inline(always)]
pub(super) fn finite<S: Simd>(simd: S, lo: S::f64s, hi: S::f64s, check: S::f64s) -> S::f64s {
    simd.mul_add_e_f64s(simd.sub_f64s(hi, lo), simd.splat_f64s(0.0), check)
}
