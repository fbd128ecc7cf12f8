//! Floor 1: intervals that certainly contain what they bound.

mod activation;
mod arith;
mod directed;
mod double;
mod exact;
mod exponential;
mod logarithm;
mod monotone;
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
