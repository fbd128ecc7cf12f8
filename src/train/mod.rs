//! Floor 5: training on values, or on values and derivatives (Sobolev training, §2, Algorithm 1).
//!
//! [`Loss`] is Eq. (1); [`Trainer`] runs Adam over minibatches of fresh or fixed samples; [`LevenbergMarquardt`] finishes
//! small networks. All of it works on [`Scaled`](crate::data::Scaled) data, in units where every column has mean 0 and
//! deviation 1.

mod adam;
mod gradient;
mod levenberg;
mod loss;
mod parts;
mod schedule;
mod tile;
mod trainer;

pub use adam::Adam;
pub use gradient::{BatchGradient, Losses, Rows};
pub use levenberg::{LevenbergMarquardt, LevenbergReport};
pub use loss::{Balance, DerivativeScale, Loss, LossWeights};
pub use schedule::OneCycle;
pub use trainer::{Batches, Report, Trainer};
