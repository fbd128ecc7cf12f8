//! The standard normal law.

use super::Scalar;

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

/// `P(X ≤ h, Y ≤ k)` of two standard normals of correlation ρ, over any scalar, so that it can be differentiated:
///
/// ```text
/// Φ₂(h, k; ρ) = Φ(h) Φ(k) + 1/2π ∫₀^{asin ρ} exp(−(h² + k² − 2hk sin θ)/(2 cos² θ)) dθ
/// ```
///
/// # Guarantee
/// Within 10⁻¹² for |ρ| ≤ 0.99, by Gauss–Legendre quadrature of order 20 on eight pieces; less near perfect correlation.
///
/// ```
/// use sobolev::math::normal::bivariate_cdf;
/// assert!((bivariate_cdf(0.0, 0.0, 0.5) - 1.0_f64 / 3.0).abs() < 1e-15); // 1/4 + asin ρ/2π
/// ```
pub fn bivariate_cdf<S: Scalar>(h: S, k: S, correlation: f64) -> S {
    const PIECES: usize = 8;
    const NODES: [(f64, f64); 10] = [
        (0.076_526_521_133_497_33, 0.152_753_387_130_725_85),
        (0.227_785_851_141_645_08, 0.149_172_986_472_603_75),
        (0.373_706_088_715_419_56, 0.142_096_109_318_382_05),
        (0.510_867_001_950_827_1, 0.131_688_638_449_176_63),
        (0.636_053_680_726_515, 0.118_194_531_961_518_42),
        (0.746_331_906_460_150_8, 0.101_930_119_817_240_44),
        (0.839_116_971_822_218_8, 0.083_276_741_576_704_75),
        (0.912_234_428_251_326, 0.062_672_048_334_109_06),
        (0.963_971_927_277_913_8, 0.040_601_429_800_386_94),
        (0.993_128_599_185_094_9, 0.017_614_007_139_152_12),
    ];
    let half = 0.5 * libm::asin(correlation) / PIECES as f64;
    let (squares, product) = (h.sqr() + k.sqr(), S::constant(2.0) * h * k);
    let mut sum = S::zero();
    for piece in 0..PIECES {
        for (node, weight) in NODES {
            for node in [-node, node] {
                let angle = half * (2.0 * piece as f64 + 1.0 + node);
                let (sine, cosine) = (libm::sin(angle), libm::cos(angle));
                let exponent = (product * S::constant(sine) - squares) * S::constant(0.5 / (cosine * cosine));
                sum = sum + S::constant(weight * half / core::f64::consts::TAU) * exponent.exp();
            }
        }
    }
    h.normal_cdf() * k.normal_cdf() + sum
}

#[cfg(test)]
mod tests {
    use super::{bivariate_cdf, cdf, pdf};

    /// `Φ₂(h, k; ρ) = ∫_{−∞}^{h} φ(x) Φ((k − ρx)/√(1 − ρ²)) dx`, by Simpson's rule: another integral.
    #[test]
    fn two_normals_by_conditioning() {
        for rho in [-0.99, -0.7, -0.1, 0.0, 0.3, 0.9, 0.99] {
            for (h, k) in [(0.0, 0.0), (0.5, -1.0), (-2.0, 1.5), (2.5, 2.0), (-1.0, -1.2)] {
                let n = 40_000;
                let step = (h + 12.0) / f64::from(n);
                let at = |i: i32| {
                    let x = -12.0 + step * f64::from(i);
                    pdf(x) * cdf((k - rho * x) / libm::sqrt(1.0 - rho * rho))
                };
                let inner: f64 = (1..n).map(|i| at(i) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
                let want = (at(0) + at(n) + inner) * step / 3.0;
                let got = bivariate_cdf(h, k, rho);
                assert!((got - want).abs() < 1e-12, "Φ₂({h}, {k}; {rho}) = {got} ≠ {want}");
            }
        }
    }

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
