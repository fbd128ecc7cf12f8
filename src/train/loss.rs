//! Eq. (1): the Sobolev loss and how its two terms are weighed.

use crate::data::Scaled;
use crate::nn::Packed;

/// What training minimises, in scaled units; means over the batch and the components:
///
/// `α·mean (f − y)² + β·mean ((∂ⱼf − tⱼ)²/sⱼ)`
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
}

impl Loss {
    /// Sobolev with λ = 1, dimensional balance and normalised derivatives: the default of Huge and Savine.
    pub const SOBOLEV: Self =
        Self::Sobolev { derivative_weight: 1.0, balance: Balance::Dimensional, scale: DerivativeScale::MeanSquare };
}

/// How the terms of the Sobolev loss are balanced, for `n` inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Balance {
    /// `α = 1/(1+λn)`, `β = λn/(1+λn)`: each of the `1 + n` labels counts alike at λ = 1.
    Dimensional,
    /// `α ∝ 1/Lᵥ`, `β ∝ λ/L_d`, `α + β = 1`, with the losses of the batch before held fixed (detached).
    InverseLoss,
    /// `α = 1 − λ`, `β = λ`, for λ in [0, 1].
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

/// `α`, and `β/sⱼ` for each input (empty: values only).
#[derive(Clone, Debug, PartialEq)]
pub struct LossWeights {
    /// α.
    pub value: f64,
    /// β, before the division by the columns' scales.
    pub derivative: f64,
    /// `1/sⱼ`.
    pub inverse_scale: Vec<f64>,
}

impl LossWeights {
    /// For the columns of `data`.
    ///
    /// # Panics
    /// If the loss needs derivatives and the data has none: the stages check that first.
    #[track_caller]
    pub fn new<T: Packed>(loss: Loss, data: &Scaled<T>) -> Self {
        let Loss::Sobolev { derivative_weight: lambda, balance, scale } = loss else {
            return Self { value: 1.0, derivative: 0.0, inverse_scale: Vec::new() };
        };
        let slopes = data.derivatives().expect("a Sobolev loss needs data with derivatives");
        let n = slopes.ncols() as f64;
        let (value, derivative) = match balance {
            Balance::Fixed => (1.0 - lambda, lambda),
            Balance::Dimensional | Balance::InverseLoss => (1.0 / (1.0 + lambda * n), lambda * n / (1.0 + lambda * n)),
        };
        let mean_square = |j: usize| {
            let sum: f64 = (0..slopes.nrows()).map(|r| slopes[(r, j)].to_f64().powi(2)).sum();
            sum / slopes.nrows() as f64
        };
        let inverse_scale = (0..slopes.ncols())
            .map(|j| match scale {
                // An input without influence has nothing to be divided by.
                DerivativeScale::MeanSquare => Some(mean_square(j)).filter(|s| *s > 1e-12).map_or(1.0, f64::recip),
                DerivativeScale::Unnormalised => 1.0,
            })
            .collect();
        Self { value, derivative, inverse_scale }
    }

    /// Rebalances after a batch with the given mean losses, if the loss asks for it.
    pub fn rebalance(&mut self, loss: Loss, value_loss: f64, derivative_loss: f64) {
        if let Loss::Sobolev { derivative_weight, balance: Balance::InverseLoss, .. } = loss {
            let (v, d) = (1.0 / value_loss.max(1e-12), derivative_weight / derivative_loss.max(1e-12));
            (self.value, self.derivative) = (v / (v + d), d / (v + d));
        }
    }
}
