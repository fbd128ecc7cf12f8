//! Floor 6: a surrogate as source that anything can embed: Rust that needs only `core`, C99 that needs only a compiler.
//!
//! Both give price, deltas and the directional gamma `1ᵀH1` in original units, at a point and over columns, without
//! allocating, failing or calling anything. The network is cut as [`crate::nn::Frozen`] cuts it, and every sum and product
//! stands in the same order: the Rust file has the bits of the frozen network.

mod c;
mod formula;
pub mod onnx;
mod plan;
mod rust;

pub use c::{CSource, c};
pub use plan::About;
pub use rust::rust;
