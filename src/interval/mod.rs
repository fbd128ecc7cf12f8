//! Floor 1: intervals that certainly contain what they bound.

mod activation;
mod arith;
mod decimal;
mod directed;
mod double;
mod exact;
mod exponential;
#[cfg(feature = "std")]
pub mod kernel;
mod logarithm;
mod monotone;
pub mod naive;
mod normal;
mod pair;
mod power;
mod reduction;
mod relation;
mod scalar;
mod set;
mod text;
mod trigonometric;

pub use scalar::Tri;
pub use set::{Interval, InvalidInterval};
pub use text::ParseIntervalError;

#[cfg(test)]
mod props;
