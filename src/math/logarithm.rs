//! The natural logarithm without a table and, for ordinary numbers, without a branch.

/// `ln 2` in two parts, the first so short that its product with an exponent is exact.
const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];

/// `ln x`, within 1 ulp.
///
/// `x = 2ᵏ(1 + f)` with `1 + f` between √½ and √2, and `s = f/(2 + f)`: `ln(1 + f) = 2 artanh s = 2s + s·R` with the odd
/// series `R = 2s²/3 + 2s⁴/5 + …`, of which ten terms are enough. `2s = f − f²/2 + s·f²/2` puts all roundings but the last into
/// terms that are small beside `f`.
#[inline]
pub(super) fn ln(x: f64) -> f64 {
    if !(f64::MIN_POSITIVE..f64::INFINITY).contains(&x) {
        return libm::log(x);
    }
    let above = x.to_bits().wrapping_sub(core::f64::consts::FRAC_1_SQRT_2.to_bits()) as i64 >> 52;
    let (k, f) = (above as f64, f64::from_bits(x.to_bits().wrapping_sub((above << 52) as u64)) - 1.0);
    let s = f / (2.0 + f);
    let q = s * s;
    let (q2, q4) = (q * q, q * q * (q * q));
    let pair = |i: f64| 2.0 / i + q * (2.0 / (i + 2.0));
    let series = (pair(3.0) + q2 * pair(7.0)) + q4 * ((pair(11.0) + q2 * pair(15.0)) + q4 * pair(19.0));
    let half_square = 0.5 * f * f;
    k * LN_2[0] - ((half_square - (s * (half_square + q * series) + k * LN_2[1])) - f)
}

#[cfg(test)]
mod tests {
    use super::ln;

    /// Against libm's, which is within 1 ulp: on a grid of mantissas at many exponents, near 1, and where there is none.
    #[test]
    fn it_is_within_an_ulp_of_another() {
        for i in 0..20_000_u32 {
            let m = 1.0 + f64::from(i) / 20_000.0;
            for x in [m, 0.5 * m, m * 1e-300, m * 1e300, 1.0 + (m - 1.5) * 1e-3, 1.0 + (m - 1.5) * 1e-12] {
                let (got, want) = (ln(x), libm::log(x));
                assert!(got.to_bits().abs_diff(want.to_bits()) <= 1, "ln {x:e} = {got:e}, not {want:e}");
            }
        }
        assert_eq!((ln(1.0), ln(0.0), ln(f64::INFINITY)), (0.0, f64::NEG_INFINITY, f64::INFINITY));
        assert!(ln(-1.0).is_nan() && ln(f64::NAN).is_nan());
        assert_eq!(ln(f64::from_bits(1)), libm::log(f64::from_bits(1)));
    }
}
