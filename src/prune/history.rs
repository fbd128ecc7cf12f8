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
    /// This history and then another one, of what it left.
    ///
    /// # Panics
    /// If the other begins with other widths.
    #[must_use]
    #[track_caller]
    pub fn followed_by(mut self, mut next: Self) -> Self {
        let left = self.remaining();
        assert!(left.iter().map(Vec::len).eq(next.widths.iter().copied()), "a history goes on where another ends");
        for cut in next.rounds.iter_mut().flat_map(|round| &mut round.cuts) {
            cut.removed.iter_mut().for_each(|(node, _)| *node = left[cut.layer][*node]);
        }
        self.rounds.append(&mut next.rounds);
        self
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_goes_on_in_the_first_ones_indices() {
        let cut = |removed: &[usize]| Cut { layer: 0, removed: removed.iter().map(|&n| (n, 0.5)).collect() };
        let round = |width, removed| Round { widths: vec![width], cuts: vec![cut(removed)], loss: [0.0; 3] };
        let first = History { widths: vec![5], rounds: vec![round(3, &[0, 3])] };
        // Nodes 1, 2 and 4 are left; the second history calls them 0, 1 and 2.
        let next = History { widths: vec![3], rounds: vec![round(2, &[1]), round(1, &[2])] };
        let whole = first.followed_by(next);
        assert_eq!(whole.rounds[1..], [round(2, &[2]), round(1, &[4])]);
        assert_eq!((whole.widths.clone(), whole.remaining()), (vec![5], vec![vec![1]]));
    }
}
