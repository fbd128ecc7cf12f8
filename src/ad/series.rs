//! Taylor coefficients of a function of one variable, to any order.

use crate::math::{Activation, Scalar};

/// `f(c + t) = f₀ + f₁t + … + f₍ₙ₋₁₎t⁽ⁿ⁻¹⁾ + …`: the first `N` coefficients, `fₖ = f⁽ᵏ⁾(c)/k!`.
///
/// Over an interval of centres `c`, coefficient `k` encloses `f⁽ᵏ⁾/k!` all over it: with the coefficients at a point below
/// it, that is Taylor's theorem with its remainder.
///
/// # Guarantee
/// As [`Dual`](super::Dual): enclosures over intervals.
///
/// # Examples
/// ```
/// use sobolev::ad::Series;
/// use sobolev::math::Activation;
///
/// // tanh t = t − t³/3 + 2t⁵/15 − …
/// let tanh = Series::<f64, 6>::variable(0.0).activation(Activation::Tanh).unwrap();
/// assert!((tanh.0[3] + 1.0 / 3.0).abs() < 1e-15 && (tanh.0[5] - 2.0 / 15.0).abs() < 1e-15);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Series<T, const N: usize>(pub [T; N]);

impl<T: Scalar, const N: usize> Series<T, N> {
    /// `c`, whatever `t`.
    pub fn fixed(c: T) -> Self {
        let mut out = [T::zero(); N];
        out[0] = c;
        Self(out)
    }
    /// `c + t`.
    ///
    /// # Panics
    /// If there are fewer than two coefficients.
    pub fn variable(c: T) -> Self {
        let mut out = Self::fixed(c);
        out.0[1] = T::one();
        out
    }
    /// `self + w·other`.
    #[must_use]
    pub fn plus(mut self, w: T, other: &Self) -> Self {
        for (a, &b) in self.0.iter_mut().zip(&other.0) {
            *a = *a + w * b;
        }
        self
    }

    /// An activation function of the series; none for ReLU, which has no series at its kink.
    ///
    /// From the differential equations `s′ = s(1 − s)z′` of the sigmoid and `y′ = (1 − y²)z′` of tanh, coefficient by
    /// coefficient.
    pub fn activation(&self, function: Activation) -> Option<Self> {
        Some(match function {
            Activation::Identity => *self,
            Activation::Relu => return None,
            Activation::Sigmoid => {
                self.logistic(function, |y, k| (1..k).fold(y[k] * (T::one() - y[0] - y[0]), |q, i| q - y[i] * y[k - i]))
            }
            Activation::Tanh => self.logistic(function, |y, k| -product(y, y, k)),
            Activation::Silu => {
                let s = self.activation(Activation::Sigmoid)?;
                let mut out: [T; N] = core::array::from_fn(|k| product(&self.0, &s.0, k));
                out[0] = self.0[0].activation(function, 0);
                Self(out)
            }
            Activation::Softplus => {
                let s = self.activation(Activation::Sigmoid)?;
                let mut out = [self.0[0].activation(function, 0); N];
                for k in 1..N {
                    out[k] = self.integral(&s.0, k);
                }
                Self(out)
            }
        })
    }

    /// `y′ = q(y)·z′` from `y₀` and `q₀`; `q(y, k)` gives coefficient `k` of `q` from those of `y` up to `k`.
    fn logistic(&self, function: Activation, q: impl Fn(&[T; N], usize) -> T) -> Self {
        let z = self.0[0];
        let (mut y, mut slope) = ([z.activation(function, 0); N], [z.activation(function, 1); N]);
        for k in 1..N {
            y[k] = self.integral(&slope, k);
            slope[k] = q(&y, k);
        }
        Self(y)
    }

    /// Coefficient `k` of `∫ q z′`, from those of `q` below `k`.
    fn integral(&self, q: &[T; N], k: usize) -> T {
        let sum = (1..=k).fold(T::zero(), |sum, j| sum + T::constant(j as f64) * self.0[j] * q[k - j]);
        sum / T::constant(k as f64)
    }
}

/// Coefficient `k` of a product.
fn product<T: Scalar, const N: usize>(a: &[T; N], b: &[T; N], k: usize) -> T {
    (0..=k).fold(T::zero(), |sum, i| sum + a[i] * b[k - i])
}

#[cfg(test)]
mod tests {
    use super::Series;
    use crate::interval::Interval;
    use crate::math::{Activation, Scalar};

    const SMOOTH: [Activation; 5] =
        [Activation::Identity, Activation::Tanh, Activation::Sigmoid, Activation::Softplus, Activation::Silu];

    /// The first four coefficients are the derivatives that the activations state; the rest sum to the function.
    #[test]
    fn coefficients_are_those_of_the_function() {
        for f in SMOOTH {
            for c in [-3.1, -0.4, 0.0, 0.7, 2.9] {
                let series = Series::<f64, 16>::variable(c).activation(f).expect("smooth");
                for (k, factorial) in [1.0, 1.0, 2.0, 6.0].into_iter().enumerate() {
                    let want = c.activation(f, k);
                    assert!((series.0[k] * factorial - want).abs() < 1e-14, "{f} {k} at {c}");
                }
                // The nearest pole is tanh's, 1.6 away from −0.4: sixteen terms leave (t/1.6)¹⁶ = 10⁻¹⁸.
                let t = 0.125;
                let sum = series.0.iter().rev().fold(0.0, |sum, a| sum * t + a);
                let want = (c + t).activation(f, 0);
                assert!((sum - want).abs() < 2e-14, "{f} at {c}: {sum} ≠ {want}");
            }
        }
        assert_eq!(Series::<f64, 4>::variable(0.0).activation(Activation::Relu), None);
    }

    /// Of a function of a function, over intervals: coefficients at points lie in those over the interval around them.
    #[test]
    fn intervals_enclose_points() {
        for (f, g) in SMOOTH.into_iter().zip(SMOOTH.into_iter().rev()) {
            let of = |c: Interval| {
                let z = Series::<Interval, 9>::variable(c).activation(f).expect("smooth");
                let shifted = Series::fixed(Interval::constant(0.3)).plus(Interval::constant(-1.7), &z);
                shifted.activation(g).expect("smooth").0
            };
            for i in -20..20 {
                let (low, high) = (f64::from(i) * 0.25, f64::from(i) * 0.25 + 0.0625);
                let wide = of(Interval::new(low, high).expect("ordered"));
                for j in 0..=4 {
                    let point = of(Interval::constant(low + f64::from(j) * 0.015625));
                    for k in 0..9 {
                        assert!(point[k].is_subset(wide[k]), "{f}, {g}, {k}: {} ⊄ {}", point[k], wide[k]);
                    }
                }
            }
        }
    }
}
