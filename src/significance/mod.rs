//! Floor 5: interval adjoint significance analysis (§3).
//!
//! [`Trace::of`] evaluates a network over a box in interval arithmetic, forward and reverse, and so encloses every node and
//! every derivative of the output in every node, for all inputs in the box. [`scores`] is Eq. (3) on top of it.

mod score;
mod trace;

#[cfg(test)]
mod props;

pub use score::{Aggregate, scores};
pub use trace::Trace;
