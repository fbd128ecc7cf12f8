//! What was cut, when, and what it cost; in the indices of the network that pruning began with.

use serde::{Deserialize, Serialize};

use crate::nn::{Network, Stack};

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
    /// Makes the same cuts, with the constants folded then, in a network of the original shape: what pruning would have
    /// left without retraining.
    ///
    /// # Panics
    /// If the network has not the hidden widths that the history began with.
    #[track_caller]
    pub fn replay(&self, net: &mut Network<Stack, f64>) {
        assert_eq!(net.chain().hidden(), self.widths, "a history replays on the shape that it began with");
        let mut left: Vec<Vec<usize>> = self.widths.iter().map(|&w| (0..w).collect()).collect();
        for cut in self.rounds.iter().flat_map(|r| &r.cuts) {
            let here = &mut left[cut.layer];
            let constant = |n: &usize| cut.removed.iter().find(|(gone, _)| gone == n).map(|(_, c)| *c);
            let fold: Vec<f64> = here.iter().map(|n| constant(n).unwrap_or(0.0)).collect();
            let keep: Vec<usize> = (0..here.len()).filter(|&i| constant(&here[i]).is_none()).collect();
            net.keep_nodes(cut.layer, &keep, &fold);
            here.retain(|n| constant(n).is_none());
        }
    }

    /// The original indices of the nodes that are left, layer by layer.
    pub fn remaining(&self) -> Vec<Vec<usize>> {
        let mut left: Vec<Vec<usize>> = self.widths.iter().map(|&w| (0..w).collect()).collect();
        for cut in self.rounds.iter().flat_map(|r| &r.cuts) {
            left[cut.layer].retain(|n| !cut.removed.iter().any(|(gone, _)| gone == n));
        }
        left
    }
}
