//! What was cut, when, and what it cost; in the indices of the network that pruning began with.

use serde::{Deserialize, Serialize};

/// One cut of one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cut {
    /// Hidden layer, counted from 0.
    pub layer: usize,
    /// The nodes removed, by their index in the original network, with the constant folded for each.
    pub removed: Vec<(usize, f64)>,
}

/// One round: cuts in every layer that has not reached its target, then retraining.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Widths of the hidden layers after the round.
    pub widths: Vec<usize>,
    /// The cuts, in order.
    pub cuts: Vec<Cut>,
    /// Loss before the cuts, after them, and after retraining.
    pub loss: [f64; 3],
}

/// All rounds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Widths of the hidden layers at the start.
    pub widths: Vec<usize>,
    /// Round by round.
    pub rounds: Vec<Round>,
}

impl History {
    /// The original indices of the nodes that are left, layer by layer.
    pub fn remaining(&self) -> Vec<Vec<usize>> {
        let mut left: Vec<Vec<usize>> = self.widths.iter().map(|&w| (0..w).collect()).collect();
        for cut in self.rounds.iter().flat_map(|r| &r.cuts) {
            left[cut.layer].retain(|n| !cut.removed.iter().any(|(gone, _)| gone == n));
        }
        left
    }
}
