//! Floor 4: samples, where they come from, and what surrogates are tested on.

mod error;
mod samples;
mod scaling;
mod simulator;
mod test_set;

pub use error::DataError;
pub use samples::Samples;
pub use scaling::{Scaled, Scaling};
pub use simulator::{CHUNK, Simulator};
pub use test_set::TestSet;
