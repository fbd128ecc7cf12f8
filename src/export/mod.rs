//! Floor 6: a surrogate as source that anything can embed: Rust that needs only `core`, C99 that needs only a compiler.
//!
//! Both give price, deltas and the directional gamma `1ᵀH1` in original units, at a point and over columns, without
//! allocating, failing or calling anything. The network is cut as [`crate::nn::Frozen`] cuts it, and every sum and product
//! stands in the same order: the Rust file has the bits of the frozen network.
//!
//! # A build script
//! The network is pruned and fine-tuned at development time and its file kept under version control; the build writes the source.
//! ```standalone_crate
//! // build.rs
//! use sobolev::data::load_network;
//! use sobolev::export::{About, rust};
//!
//! # fn build() -> Result<(), Box<dyn std::error::Error>> {
//! println!("cargo::rerun-if-changed=pricer.safetensors");
//! let (surrogate, metadata) = load_network("pricer.safetensors".as_ref())?;
//! let source = rust(&surrogate, &About::from_metadata(&metadata)?)?;
//! std::fs::write(std::env::var("OUT_DIR")? + "/pricer.rs", source)?;
//! # Ok(())
//! # }
//! # use sobolev::{data::{Metadata, Scaling, Surrogate}, math::Activation, nn::{Network, Stack}};
//! # let folder = tempfile::tempdir()?;
//! # std::env::set_current_dir(&folder)?;
//! # // Alone in its process, as a build script is.
//! # unsafe { std::env::set_var("OUT_DIR", folder.path()) };
//! # let mut network = Network::new(Stack::mlp(1, &[2], 1, Activation::Silu), vec![2.0, 1e-9, 0.5, 0.0, 3.0, 1e-9, -1.0]);
//! # network.keep_nodes(0, &[0], &[0.0, 0.0]);
//! # let surrogate = Surrogate { network, scaling: Scaling::identity(1) };
//! # surrogate.save("pricer.safetensors".as_ref(), &Metadata::new())?;
//! # build()?;
//! # assert!(std::fs::read_to_string("pricer.rs")?.contains("1 => 1 silu => 1"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! The program prices in a loop:
//! ```ignore
//! mod pricer {
//!     include!(concat!(env!("OUT_DIR"), "/pricer.rs"));
//! }
//! for spots in &points {
//!     let (price, deltas, gamma) = pricer::price_delta_gamma(spots);
//! }
//! ```

mod c;
mod formula;
pub mod onnx;
mod plan;
mod rust;

pub use c::{CSource, c};
pub use plan::About;
pub use rust::rust;
