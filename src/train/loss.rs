//! Eq. (1): the Sobolev loss and how its terms are weighed, with a third one for second derivatives.

use super::Losses;
use crate::data::Scaled;
use crate::nn::Packed;

/// What training minimises, in scaled units; means over the batch and the components:
///
/// `α·mean (f − y)² + β·mean ((∂ⱼf − tⱼ)²/sⱼ) + γ·mean (((Hv)ⱼ − uⱼ)²/qⱼ)`
///
/// The last mean is also over the `k` directions `v` that a batch has second-order labels for; a batch without any has no
/// such term.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// `α = 1, β = 0`: never reads a derivative.
    Values,
    /// Eq. (1). The paper sums over components where this takes means; `derivative_weight` is its λ, with `Dimensional`
    /// balance and in scaled units.
    Sobolev {
        /// λ ≥ 0.
        derivative_weight: f64,
        /// How α and β follow from λ.
        balance: Balance,
        /// What `sⱼ` is.
        scale: DerivativeScale,
    },
    /// Values, derivatives and products of the Hessian with directions.
    SecondOrder {
        /// λ ≥ 0.
        derivative_weight: f64,
        /// μ ≥ 0: 1 counts each second-order label of the balance like each other label.
        curvature_weight: f64,
        /// How α, β and γ follow from λ and μ.
        balance: Balance,
        /// What `sⱼ` and `qⱼ` are.
        scale: DerivativeScale,
    },
}

impl Loss {
    /// Sobolev with λ = 1, dimensional balance and normalised derivatives: the default of Huge and Savine.
    pub const SOBOLEV: Self =
        Self::Sobolev { derivative_weight: 1.0, balance: Balance::Dimensional, scale: DerivativeScale::MeanSquare };
    /// The same with second derivatives, μ = 1.
    pub const SECOND_ORDER: Self = Self::SecondOrder {
        derivative_weight: 1.0,
        curvature_weight: 1.0,
        balance: Balance::Dimensional,
        scale: DerivativeScale::MeanSquare,
    };

    /// Whether second-order labels are read.
    pub fn is_second_order(self) -> bool {
        matches!(self, Self::SecondOrder { .. })
    }
}

/// How the terms of the loss are balanced, for `n` inputs and, where there are second-order labels, `k` directions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Balance {
    /// `α = 1/s`, `β = λn/s`, `γ = ηn²/s` with `η = μ(k/n)²` and `s = 1 + λn + ηn²`: without second-order labels each of
    /// the `1 + n` labels counts alike at λ = 1.
    Dimensional,
    /// `α ∝ 1/L₀`, `β ∝ λ/L₁`, `γ ∝ μ/L₂`, sum 1, with the latest losses before the batch held fixed (detached).
    InverseLoss,
    /// `α = 1 − λ − μ`, `β = λ`, `γ = μ`, for λ + μ in [0, 1].
    Fixed,
}

/// What the squared error of a derivative column is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DerivativeScale {
    /// The column's mean square over the data (Huge and Savine).
    MeanSquare,
    /// 1: scaled units as they are (the paper's authors).
    Unnormalised,
}

/// The weights of one batch, and what they are divided by.
#[derive(Clone, Debug, PartialEq)]
pub struct LossWeights {
    /// α.
    pub value: f64,
    /// β, before the division by the columns' scales.
    pub derivative: f64,
    /// γ, before the division by the columns' scales; 0 where no second-order label is to be read.
    pub curvature: f64,
    /// `1/sⱼ` for each input; empty: values only.
    pub inverse_scale: Vec<f64>,
    /// `1/qⱼ` for each input; empty: no second order.
    pub inverse_curvature: Vec<f64>,
    /// The latest losses of each kind, of which the second-order one may be missing.
    latest: Option<(Losses, Option<f64>)>,
}

impl LossWeights {
    /// For the columns of `data`, and for batches without second-order labels until [`set`](Self::set) says otherwise.
    ///
    /// # Panics
    /// If the loss needs labels that the data has not: the stages check that first.
    #[track_caller]
    pub fn new<T: Packed>(loss: Loss, data: &Scaled<T>) -> Self {
        let mut weights = Self {
            value: 1.0,
            derivative: 0.0,
            curvature: 0.0,
            inverse_scale: Vec::new(),
            inverse_curvature: Vec::new(),
            latest: None,
        };
        let (Loss::Sobolev { scale, .. } | Loss::SecondOrder { scale, .. }) = loss else { return weights };
        let slopes = data.derivatives().expect("a Sobolev loss needs data with derivatives");
        let inverse = |scale, mean_square: &dyn Fn() -> f64| match scale {
            // An input without influence has nothing to be divided by.
            DerivativeScale::MeanSquare => Some(mean_square()).filter(|s| *s > 1e-12).map_or(1.0, f64::recip),
            DerivativeScale::Unnormalised => 1.0,
        };
        let mean_square = |j: usize| {
            let sum: f64 = (0..slopes.nrows()).map(|r| slopes[(r, j)].to_f64().powi(2)).sum();
            sum / slopes.nrows() as f64
        };
        weights.inverse_scale = (0..slopes.ncols()).map(|j| inverse(scale, &|| mean_square(j))).collect();
        if loss.is_second_order() {
            let labels = data.curvature().expect("a second-order loss needs data with second-order labels");
            // Over all directions, so that weak ones stay weak.
            let mean_square = |j: usize| {
                let (mut sum, mut count) = (0.0, 0);
                for (bundle, d) in labels.bundles().flat_map(|b| (0..b.count()).map(move |d| (b, d))) {
                    let column = bundle.column(d, j);
                    sum += column.iter().map(|u| u.to_f64().powi(2)).sum::<f64>();
                    count += column.len();
                }
                sum / f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX))
            };
            weights.inverse_curvature = (0..slopes.ncols()).map(|j| inverse(scale, &|| mean_square(j))).collect();
        }
        weights.set(loss, 0);
        weights
    }

    /// Weighs a batch with second-order labels in so many directions (0: none).
    pub fn set(&mut self, loss: Loss, directions: usize) {
        let (lambda, mu, balance) = match loss {
            Loss::Values => return,
            Loss::Sobolev { derivative_weight, balance, .. } => (derivative_weight, 0.0, balance),
            Loss::SecondOrder { derivative_weight, curvature_weight, balance, .. } => {
                (derivative_weight, curvature_weight, balance)
            }
        };
        let (n, k) = (self.inverse_scale.len() as f64, directions as f64);
        let used = f64::from(u8::from(directions > 0));
        let raw = match (balance, &self.latest) {
            (Balance::Fixed, _) => {
                (self.value, self.derivative, self.curvature) = (1.0 - lambda - mu, lambda, used * mu);
                return;
            }
            (Balance::InverseLoss, Some((losses, curvature))) => {
                let inverse = |loss: f64| loss.max(1e-12).recip();
                let slope = lambda * inverse(losses.derivative);
                // Before the first second-order loss is known it counts like that of the slopes.
                let third = curvature.map_or(mu * inverse(losses.derivative), |c| mu * inverse(c));
                [inverse(losses.value), slope, used * third]
            }
            // η n² = μ k².
            (Balance::Dimensional | Balance::InverseLoss, _) => [1.0, lambda * n, mu * k * k],
        };
        let sum: f64 = raw.iter().sum();
        [self.value, self.derivative, self.curvature] = raw.map(|w| w / sum);
    }

    /// Takes note of a batch's losses, for [`Balance::InverseLoss`].
    pub fn rebalance(&mut self, losses: &Losses) {
        let seen = Some(losses.curvature).filter(|_| self.curvature > 0.0);
        let before = self.latest.as_ref().and_then(|(_, curvature)| *curvature);
        self.latest = Some((*losses, seen.or(before)));
    }
}

#[cfg(test)]
mod tests {
    use faer::Mat;

    use super::*;
    use crate::data::{Bundle, Curvature};

    /// Two inputs; slopes of mean squares 4 and 9, products of mean squares 2 and 8 over both directions.
    fn data() -> Scaled<f64> {
        let slopes = Mat::from_fn(2, 2, |r, j| [[2.0, 3.0], [-2.0, -3.0]][r][j]);
        let mut bundle = Bundle::new(0..2, Mat::identity(2, 2));
        bundle.products = Mat::from_fn(2, 4, |_, c| [2.0, 4.0, 0.0, 0.0][c]);
        let mut curvature = Curvature::new(2, 2);
        curvature.put_scaled(bundle);
        let mut data = Scaled::new(Mat::zeros(2, 2), Mat::zeros(2, 1), Some(slopes));
        data.set_curvature(Some(curvature));
        data
    }

    fn loss(balance: Balance) -> Loss {
        Loss::SecondOrder {
            derivative_weight: 0.5,
            curvature_weight: 0.25,
            balance,
            scale: DerivativeScale::MeanSquare,
        }
    }

    #[track_caller]
    fn assert_weights(w: &LossWeights, want: [f64; 3]) {
        let got = [w.value, w.derivative, w.curvature];
        assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-15), "{got:?} ≠ {want:?}");
    }

    #[test]
    fn scales_are_mean_squares() {
        let weights = LossWeights::new(Loss::SECOND_ORDER, &data());
        assert_eq!(weights.inverse_scale, [0.25, 1.0 / 9.0]);
        assert_eq!(weights.inverse_curvature, [0.5, 0.125]);
        assert_eq!(weights.curvature, 0.0);
        let first = LossWeights::new(Loss::SOBOLEV, &data());
        assert!(first.inverse_curvature.is_empty());
        assert_weights(&first, [1.0 / 3.0, 2.0 / 3.0, 0.0]);
    }

    /// λ = ½, μ = ¼, n = 2, by hand: ηn² = μk².
    #[test]
    fn balances_by_hand() {
        let dimensional = loss(Balance::Dimensional);
        let mut weights = LossWeights::new(dimensional, &data());
        assert_weights(&weights, [0.5, 0.5, 0.0]);
        weights.set(dimensional, 1);
        assert_weights(&weights, [1.0 / 2.25, 1.0 / 2.25, 0.25 / 2.25]);
        weights.set(dimensional, 2);
        assert_weights(&weights, [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]);

        weights.set(loss(Balance::Fixed), 1);
        assert_weights(&weights, [0.25, 0.5, 0.25]);

        let inverse = loss(Balance::InverseLoss);
        let mut weights = LossWeights::new(inverse, &data());
        weights.rebalance(&Losses { value: 0.1, derivative: 0.05, curvature: 0.0 });
        weights.set(inverse, 0);
        assert_weights(&weights, [0.5, 0.5, 0.0]);
        // Not seen yet: like the slopes'.
        weights.set(inverse, 1);
        assert_weights(&weights, [0.4, 0.4, 0.2]);
        weights.rebalance(&Losses { value: 0.1, derivative: 0.05, curvature: 0.0125 });
        weights.set(inverse, 2);
        assert_weights(&weights, [0.25, 0.25, 0.5]);
        // A batch without second-order labels leaves what is known of them.
        weights.set(inverse, 0);
        weights.rebalance(&Losses { value: 0.1, derivative: 0.05, curvature: 0.0 });
        weights.set(inverse, 2);
        assert_weights(&weights, [0.25, 0.25, 0.5]);
    }
}
