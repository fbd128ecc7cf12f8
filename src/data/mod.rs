//! Floor 4: samples, where they come from, and what surrogates are tested on.

mod error;
mod samples;
mod simulator;
mod test_set;

pub use error::DataError;
pub use samples::Samples;
pub use simulator::{CHUNK, Simulator};
pub use test_set::{Scores, TestSet};
