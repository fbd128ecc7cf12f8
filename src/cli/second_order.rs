//! `--second-order` and what goes with it.

use clap::Args;

use super::args::positive;
use crate::data::{Directions, SecondOrder};
use crate::model::Smoothing;
use crate::pipeline::Curving;

/// Learning second derivatives too.
#[derive(Args, Clone, Debug)]
pub struct SecondOrderArgs {
    /// Learn second derivatives too, as products of the Hessian with directions
    #[arg(long)]
    pub second_order: bool,
    /// Directions, chosen anew for each batch: pca or pca:SHARE (principal components of its gradients that reach this share of
    /// their variance), random or random:K, cartesian or cartesian:K (all axes, or K in turn)
    #[arg(long, value_name = "CHOICE", requires = "second_order", default_value_t = Directions::PRINCIPAL)]
    pub directions: Directions,
    /// Second derivatives in one batch of so many
    #[arg(long, value_name = "K", requires = "second_order", default_value_t = 1, value_parser = positive)]
    pub every: usize,
    /// Width by which a reference model's payoff is smoothed for its second derivatives; 0 for payoffs that need none
    #[arg(long, value_name = "W", requires = "second_order", default_value_t = DEFAULT_SMOOTHING,
        value_parser = width, allow_negative_numbers = true)]
    pub curvature_smoothing: f64,
}

/// A sigmoid of width w sharpens a call's gamma by the variance 3.3w²: at 0.05 a fifth of the paper's basket's own, at 0.02
/// 3 %. Measured with `benches/second_order.rs`: R² of gammas .994 and .9988; less than 0.02 brings nothing more.
const DEFAULT_SMOOTHING: f64 = 0.02;

fn width(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(w) if w.is_finite() && w >= 0.0 => Ok(w),
        _ => Err("expected a width of at least 0".into()),
    }
}

impl SecondOrderArgs {
    /// What the plan needs, if it was asked for.
    pub(super) fn curving(&self) -> Option<Curving> {
        self.second_order.then(|| Curving {
            choice: SecondOrder { directions: self.directions, every: self.every },
            smoothing: Smoothing::of_width(self.curvature_smoothing).expect("checked when it was read"),
            // Measured to do harm: with labels from a smoothed model the last step ends in their bias.
            polish: false,
        })
    }
}
