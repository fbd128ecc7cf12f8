//! Widths of hidden layers, as typed, and what they are where none were.

use crate::pipeline::Plan;

/// Widths of hidden layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widths(pub Vec<usize>);

/// No layer needs more.
const MOST_NODES: usize = 4096;

pub(super) fn widths(text: &str) -> Result<Widths, String> {
    let number = |s: &str| s.trim().parse::<usize>().map_err(|_| format!("`{s}` is not a number of nodes"));
    let mut all = Vec::new();
    for part in text.split([',', '-']) {
        match part.split_once(['x', '×']) {
            Some((layers, nodes)) => all.extend(std::iter::repeat_n(number(nodes)?, number(layers)?.min(1000))),
            None => all.push(number(part)?),
        }
    }
    match all.iter().position(|w| !(1..=MOST_NODES).contains(w)) {
        Some(layer) => Err(format!("hidden layer {layer} would have {} nodes, expected 1 to {MOST_NODES}", all[layer])),
        None if all.is_empty() || all.len() > 64 => Err(format!("expected 1 to 64 hidden layers, found {}", all.len())),
        None => Ok(Widths(all)),
    }
}

/// Those typed after pruning, or the plan's for a price that is a function of one number, or is not.
pub(super) fn pruned(typed: Option<&Widths>, is_of_one_number: bool) -> Vec<usize> {
    typed.map_or_else(|| Plan::shape(is_of_one_number), |widths| widths.0.clone())
}

/// One layer as large as the paper's, or as what is to be left, for each layer after pruning.
pub(super) fn oversized(pruned: &[usize]) -> Vec<usize> {
    pruned.iter().map(|&w| w.max(128)).collect()
}

#[cfg(test)]
mod tests {
    use super::widths;

    #[test]
    fn widths_in_every_spelling() {
        for (text, want) in
            [("6x128", vec![128; 6]), ("3-3-1-2-2-2", vec![3, 3, 1, 2, 2, 2]), ("8, 2x3", vec![8, 3, 3])]
        {
            assert_eq!(widths(text).expect(text).0, want);
        }
        for bad in ["", "0", "3,,3", "3-0-1", "a", "-1", "0x5", "99999", "1000x9"] {
            assert!(widths(bad).is_err(), "{bad}");
        }
    }
}
