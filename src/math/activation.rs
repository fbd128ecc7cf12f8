//! The activation functions, each with its first three derivatives, written once for every use of them at a point.

use core::fmt;
use core::str::FromStr;

use super::{Contract, Logistic, Number};

/// What a layer applies to each of its nodes.
///
/// Sigmoidal smoothing of ReLU gives SiLU (§5.2.4), the paper's choice. ReLU has the derivatives 0 or 1 and 0 at a point,
/// 0 at the kink itself; their enclosures over intervals are another matter, see [`crate::interval`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// `x`
    #[default]
    Identity,
    /// `max(x, 0)`
    Relu,
    /// `tanh x`
    Tanh,
    /// `1/(1 + e⁻ˣ)`
    Sigmoid,
    /// `ln(1 + eˣ)`
    Softplus,
    /// `x/(1 + e⁻ˣ)`
    Silu,
}

impl Activation {
    /// All of them, in the order of the declaration.
    pub const ALL: [Self; 6] = [Self::Identity, Self::Relu, Self::Tanh, Self::Sigmoid, Self::Softplus, Self::Silu];

    /// The name that files, messages and [`network!`](crate::network) use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Relu => "relu",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::Softplus => "softplus",
            Self::Silu => "silu",
        }
    }

    /// Value and first three derivatives at `x`; what the caller does not read is not computed once this is inlined.
    ///
    /// # Guarantee
    /// Within 4 ulp or 4 units of `EPSILON`, whichever is larger, for |x| ≤ 80 (`f32`) and 700 (`f64`). Beyond, up to a quarter of the
    /// largest number, all are finite; e^(−|x|) stays at e⁻⁸⁷ and e⁻⁷⁰⁸ there, so that SiLU and its derivatives are off by another
    /// 2|x| times that at most: 4·10⁻³⁸·|x| in `f32`, 7·10⁻³⁰⁸·|x| in `f64`, of the size of 1 at the end.
    #[inline(always)]
    pub fn jet<N: Number, C: Contract>(self, c: C, x: N) -> [N; 4] {
        let [zero, one, two] = [x.like(0.0), x.like(1.0), x.like(2.0)];
        match self {
            Self::Identity => [x, one, zero, zero],
            Self::Relu => {
                // NaN passes: a diverged network must not look healthy.
                [x.if_negative(zero, x), x.if_positive(one, zero), zero, zero]
            }
            Self::Tanh => tanh(c, x),
            Self::Sigmoid => {
                let [s, p, q] = sigmoid(x.logistic(c));
                [s, p, p * q, p * c.mul_add(x.like(-6.0), p, one)]
            }
            Self::Softplus => {
                let [s, p, q] = sigmoid(x.logistic(c));
                let positive = x.if_negative(zero, x);
                [positive + (-x.magnitude()).exp_parts(c).exp(c).ln_1p_unit(c), s, p, p * q]
            }
            Self::Silu => {
                let parts = x.logistic(c);
                let [s, p, q] = sigmoid(parts);
                let third = c.mul_add(x.like(3.0), q, x * c.mul_add(x.like(-6.0), p, one));
                let value = x * parts.above * parts.inverse;
                [value, c.mul_add(x, p, s), p * c.mul_add(x, q, two), p * third]
            }
        }
    }
}

/// `s`, `s′ = s(1−s)` and `1−2s`: a complement of its own keeps the relative accuracy of `s′` where `s` is near 1.
#[inline(always)]
fn sigmoid<N: Number>(Logistic { above, below, inverse }: Logistic<N>) -> [N; 3] {
    let (s, complement) = (above * inverse, below * inverse);
    [s, s * complement, complement - s]
}

/// Through `t = e^(−2|x|) − 1`, so that small arguments keep their relative accuracy.
#[inline(always)]
fn tanh<N: Number, C: Contract>(c: C, x: N) -> [N; 4] {
    let [one, two] = [x.like(1.0), x.like(2.0)];
    let parts = (-two * x.magnitude()).exp_parts(c);
    let t = parts.exp_m1(c);
    let size = -t / (two + t);
    let y = x.if_negative(-size, size);
    // 1 − y² = 4e/(1 + e)² with e = 1 + t.
    let e = parts.exp(c);
    let slope = (two * two) * e / ((one + e) * (one + e));
    [y, slope, -two * y * slope, slope * c.mul_add(two * two * y, y, -two * slope)]
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownActivation;

impl fmt::Display for UnknownActivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown activation; expected identity, relu, tanh, sigmoid, softplus or silu")
    }
}

impl core::error::Error for UnknownActivation {}

impl FromStr for Activation {
    type Err = UnknownActivation;
    fn from_str(s: &str) -> Result<Self, UnknownActivation> {
        Self::ALL.into_iter().find(|a| a.name() == s).ok_or(UnknownActivation)
    }
}

#[cfg(test)]
mod tests {
    use super::Activation;
    use crate::math::Separate;

    /// Derivatives against central differences of the order below; values against the textbook formula over libm.
    #[test]
    fn derivatives_match_differences() {
        for f in Activation::ALL {
            for i in -300..=300 {
                let x = f64::from(i) * 0.05 + 0.013;
                let h = 1e-5;
                let (low, at, high) = (f.jet(Separate, x - h), f.jet(Separate, x), f.jet(Separate, x + h));
                for k in 0..3 {
                    let slope = (high[k] - low[k]) / (2.0 * h);
                    assert!((slope - at[k + 1]).abs() < 1e-9, "{f} order {} at {x}: {} ≠ {slope}", k + 1, at[k + 1]);
                }
                let s = 1.0 / (1.0 + libm::exp(-x));
                let value = match f {
                    Activation::Identity => x,
                    Activation::Relu => libm::fmax(x, 0.0),
                    Activation::Tanh => libm::tanh(x),
                    Activation::Sigmoid => s,
                    Activation::Softplus => libm::fmax(x, 0.0) + libm::log1p(libm::exp(-libm::fabs(x))),
                    Activation::Silu => x * s,
                };
                assert!((at[0] - value).abs() <= 4.0 * f64::EPSILON * value.abs(), "{f}({x}) = {} ≠ {value}", at[0]);
                let single = f.jet(Separate, x as f32);
                for k in 0..4 {
                    let (got, want) = (f64::from(single[k]), f.jet(Separate, f64::from(x as f32))[k]);
                    assert!(
                        (got - want).abs() <= 4.0 * f64::from(f32::EPSILON) * want.abs().max(1.0),
                        "{f} order {k} at {x}"
                    );
                }
            }
        }
    }

    #[test]
    fn far_arguments_stay_finite_and_nan_is_kept() {
        for f in Activation::ALL {
            for x in [-1e6_f64, -800.0, 800.0, 1e6] {
                assert!(f.jet(Separate, x).iter().all(|v| v.is_finite()), "{f}({x})");
                assert!(f.jet(Separate, x as f32).iter().all(|v: &f32| v.is_finite()), "{f}({x}) in f32");
            }
            assert!(f.jet(Separate, f64::NAN)[0].is_nan(), "{f}(NaN)");
        }
    }
}
