//! The standard normal law.

/// Density φ(x) = e^(−x²/2)/√2π.
#[inline]
pub fn pdf(x: f64) -> f64 {
    const INVERSE_ROOT_TAU: f64 = 0.398_942_280_401_432_7;
    INVERSE_ROOT_TAU * libm::exp(-0.5 * x * x)
}

/// Cumulative distribution function Φ(x), with relative accuracy kept in the lower tail.
#[inline]
pub fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x * core::f64::consts::FRAC_1_SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::{cdf, pdf};

    /// Φ and φ, computed in arbitrary precision and rounded.
    #[test]
    fn agrees_with_tabulated_values() {
        for (x, phi, density) in [
            (0.0, 0.5, 0.398_942_280_401_432_7),
            (1.0, 0.841_344_746_068_542_9, 0.241_970_724_519_143_35),
            (-2.5, 0.006_209_665_325_776_135, 0.017_528_300_493_568_537),
            (-8.0, 6.220_960_574_271_784e-16, 5.052_271_083_536_892e-15),
        ] {
            // A rounding of the argument is amplified by x², the condition number of the tail.
            let tolerance = 2.0 * f64::EPSILON * (1.0 + x * x);
            assert!((cdf(x) / phi - 1.0).abs() < tolerance, "Φ({x}) = {} ≠ {phi}", cdf(x));
            assert!((pdf(x) / density - 1.0).abs() < tolerance, "φ({x}) = {} ≠ {density}", pdf(x));
        }
    }
}
