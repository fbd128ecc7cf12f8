//! Directed rounding of the basic operations without touching the rounding mode.
//!
//! The operation is done to nearest; an error-free transform gives the sign of what was rounded away; one step to the
//! neighbour follows where that sign asks for it. Where the transform itself could over- or underflow, [`Exact`] decides.
//! `_down` is the largest double not above the exact result, `_up` the smallest not below.
//!
//! The rounding mode of the processor is not an alternative: changing it is undefined behaviour in Rust.

use super::exact::Exact;

/// +1 for the positive, −1 for the negative: what takes the bits of a double one step away from zero.
#[inline(always)]
const fn outward(x: f64) -> u64 {
    ((x.to_bits() as i64 >> 63) | 1) as u64
}

/// `x` or its neighbour below, when the exact value is `x + error` and |error| is less than their distance. Branch-free: the
/// sign of an error is as good as random. A zero error takes no step, NaN neither; `x` is not 0 when there is an error.
#[inline(always)]
pub(super) const fn below(x: f64, error: f64) -> f64 {
    let step = ((error < 0.0) as u64).wrapping_neg() & outward(x);
    f64::from_bits(x.to_bits().wrapping_sub(step))
}

/// `x` or its neighbour above; as [`below`].
#[inline(always)]
pub(super) const fn above(x: f64, error: f64) -> f64 {
    let step = ((error > 0.0) as u64).wrapping_neg() & outward(x);
    f64::from_bits(x.to_bits().wrapping_add(step))
}

/// `(s, e)` with `s` the rounded sum and `s + e = a + b` exactly (Dekker; exact in all cases without overflow).
/// On overflow to ±∞ `e` points back; with an infinite operand it is NaN, which asks for no step.
#[inline(always)]
pub(super) const fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let swap = b.abs() > a.abs();
    let (large, small) = if swap { (b, a) } else { (a, b) };
    let sum = large + small;
    (sum, small - (sum - large))
}

/// `x = high + low` exactly, 26 bits each (Veltkamp); |x| < 2⁹⁹⁶.
#[inline(always)]
pub(super) const fn split(x: f64) -> (f64, f64) {
    let scaled = x * 134_217_729.0;
    let high = scaled - (scaled - x);
    (high, x - high)
}

/// `(p, e)` with `p` the rounded product and `p + e = a·b` exactly (Dekker), for operands below 2⁹⁹⁶ whose product is zero
/// because one of them is, or at least 2⁻⁹⁶⁰ and finite.
#[inline(always)]
pub(super) const fn two_product(a: f64, b: f64) -> (f64, f64) {
    let ((ah, al), (bh, bl)) = (split(a), split(b));
    let p = a * b;
    (p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
}

/// The error of a product is exact from here…
pub(super) const SMALL: f64 = f64::from_bits((1023 - 960) << 52);
/// …to here, whatever its factors, if they are split by their bits.
pub(super) const LARGE: f64 = f64::from_bits((1023 + 1000) << 52);

/// Magnitudes for which [`two_product`] is exact for any two of them: 2⁻⁴⁵⁰ to 2⁴⁵⁰.
const SAFE: (f64, f64) = (f64::from_bits((1023 - 450) << 52), f64::from_bits((1023 + 450) << 52));

/// Zero or of a magnitude for which the transforms of products, quotients and roots are exact.
#[inline(always)]
pub(super) const fn is_safe(x: f64) -> bool {
    let size = x.abs();
    (size >= SAFE.0 && size <= SAFE.1) || x == 0.0
}

/// `a + b` rounded down.
#[inline(always)]
pub(super) const fn add_down(a: f64, b: f64) -> f64 {
    let (s, e) = two_sum(a, b);
    below(s, e)
}

/// `a + b` rounded up.
#[inline(always)]
pub(super) const fn add_up(a: f64, b: f64) -> f64 {
    let (s, e) = two_sum(a, b);
    above(s, e)
}

/// `a − b` rounded up.
#[inline(always)]
pub(super) const fn sub_up(a: f64, b: f64) -> f64 {
    add_up(a, -b)
}

/// `a·b` rounded down; the product of 0 and ∞ is 0, since no number of an interval is infinite.
#[inline]
pub(super) fn mul_down(a: f64, b: f64) -> f64 {
    if is_safe(a) && is_safe(b) {
        let (p, e) = two_product(a, b);
        below(p, e)
    } else if a == 0.0 || b == 0.0 {
        0.0
    } else if a.is_finite() && b.is_finite() {
        Exact::product(a, b).down()
    } else {
        a * b
    }
}

/// `a·b` rounded up; as [`mul_down`].
#[inline]
pub(super) fn mul_up(a: f64, b: f64) -> f64 {
    -mul_down(-a, b)
}

/// `a/b` rounded down, `b ≠ 0`; a quotient by ±∞ is 0.
#[inline]
pub(super) fn div_down(a: f64, b: f64) -> f64 {
    if is_safe(a) && is_safe(b) {
        let q = a / b;
        let (p, e) = two_product(q, b);
        // a − q·b has the sign of (a/b − q)·b, and p differs from a by a rounding: both differences are exact.
        let rest = (a - p) - e;
        below(q, if b < 0.0 { -rest } else { rest })
    } else if b.is_infinite() {
        0.0
    } else if a.is_finite() {
        Exact::quotient(a, b).down()
    } else {
        a / b
    }
}

/// `a/b` rounded up; as [`div_down`].
#[inline]
pub(super) fn div_up(a: f64, b: f64) -> f64 {
    -div_down(-a, b)
}

/// `√a` rounded down, `a ≥ 0`.
#[inline]
pub(super) fn sqrt_down(a: f64) -> f64 {
    if is_safe(a) {
        let root = libm::sqrt(a);
        below(root, root_error(a, root))
    } else if a.is_finite() {
        Exact::root(a).down()
    } else {
        a
    }
}

/// `√a` rounded up, `a ≥ 0`.
#[inline]
pub(super) fn sqrt_up(a: f64) -> f64 {
    if is_safe(a) {
        let root = libm::sqrt(a);
        above(root, root_error(a, root))
    } else if a.is_finite() {
        Exact::root(a).up()
    } else {
        a
    }
}

/// `a − root²`, which has the sign of `√a − root`.
#[inline(always)]
fn root_error(a: f64, root: f64) -> f64 {
    let (p, e) = two_product(root, root);
    (a - p) - e
}

/// `a·b + c` rounded down, the product of 0 and ∞ being 0; an infinite term decides.
pub(super) fn fma_down(a: f64, b: f64, c: f64) -> f64 {
    if a.is_finite() && b.is_finite() && c.is_finite() {
        Exact::product_sum(a, b, c).down()
    } else if a == 0.0 || b == 0.0 {
        c
    } else {
        // Rounded down an infinite product and an infinite term of opposite sign cannot meet except as −∞ wins.
        let sum = a * b + c;
        if sum.is_nan() { f64::NEG_INFINITY } else { sum }
    }
}

/// `a·b + c` rounded up; as [`fma_down`].
pub(super) fn fma_up(a: f64, b: f64, c: f64) -> f64 {
    -fma_down(-a, b, -c)
}
