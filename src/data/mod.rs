//! Floor 4: samples, where they come from, and what surrogates are tested on.

mod buffers;
mod bundle;
mod curvature;
mod directions;
mod error;
mod file;
mod fold;
mod fresh;
pub(crate) mod onnx;
mod revaluation;
mod samples;
mod scaling;
mod simulator;
mod specialise;
mod surrogate;
pub mod table;
mod test_set;

pub use bundle::{Bundle, Bundler, Curvature, CurvatureSource, SecondOrder, SmoothedCurvature};
pub use directions::Directions;
pub use error::DataError;
pub use file::{Metadata, spots, write_atomically};
pub use fresh::Fresh;
pub use onnx::{OnnxError, UnsupportedNode, load_network};
pub use samples::Samples;
pub use scaling::{Scaled, Scaling};
pub use simulator::{CHUNK, Simulator};
pub use surrogate::{Prediction, Surrogate};
pub use test_set::{StandardErrors, TestSet};
