//! Floor 5: interval adjoint significance analysis (§3).
//!
//! [`Trace::of`] evaluates a network over a box in interval arithmetic, forward and reverse, and so encloses every node and
//! every derivative of the output in every node, for all inputs in the box. [`scores`] is Eq. (3) on top of it.
//!
//! Interval arithmetic overestimates, by orders of magnitude in deep networks over wide boxes. A [`Method`] says how to do
//! better: by tighter [`Enclosure`]s, over a [`Cover`] of smaller boxes, or both. [`Sampled`] is the estimate from inside that
//! all of them are held against. For many boxes at once there are [`Prepared`] networks and [`Bounds`], memory lent by the
//! caller.

mod ball;
mod bounds;
mod cover;
mod enclosure;
mod linear;
mod lines;
pub mod naive;
mod norms;
mod sampled;
mod score;
mod slab;
mod trace;

#[cfg(test)]
mod props;

pub use bounds::{Bounds, Prepared};
pub use cover::Cover;
pub use enclosure::{Enclosure, Method};
pub use sampled::{At, Lanes, Sampled, Seed, visit};
pub use score::{Aggregate, scores};
pub use trace::Trace;
