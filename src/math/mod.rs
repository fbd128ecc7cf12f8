//! Floor 0: the [`Scalar`], [`Real`] and [`Number`] traits, elementary functions that vectorise, the activations, the normal law,
//! random streams and statistics.

mod activation;
mod contract;
mod elementary;
mod logarithm;
pub mod normal;
mod number;
mod real;
mod scalar;

#[cfg(feature = "std")]
pub mod random;
#[cfg(feature = "std")]
pub mod statistics;

pub use activation::Activation;
#[cfg(feature = "std")]
pub use contract::Fused;
pub use contract::{Contract, Separate};
pub use number::{Elementary, ExpParts, Logistic, Number};
pub use real::Real;
pub use scalar::Scalar;
