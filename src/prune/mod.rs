//! Floor 6: structured pruning by rounds (§3.2, §6.1): score, cut, fold, retrain, again.
//!
//! A [`Criterion`] scores nodes; [`Pruner`] cuts the least of them towards the target widths and gives the network to a
//! closure that retrains it, so that this module knows nothing of training; [`History`] records every cut in the indices of
//! the network it began with. [`collapse`] removes whole layers behind a layer of one node (Figure 7).

mod collapse;
mod criterion;
mod history;
mod rounds;
mod saliency;

pub use collapse::collapse;
pub use criterion::{
    CRITERIA, Criterion, EdgeAdjoint, IntervalAdjoint, Magnitude, Random, SampledAdjoint, Samples, criterion,
};
pub use history::{Cut, History, Round};
pub use rounds::{Fold, Pruner, check_widths};
pub use saliency::{BrainDamage, BrainSurgeon, Snip, Taylor};
