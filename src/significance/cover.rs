//! Boxes that cover a domain, cut finest where it matters.

use std::ops::Range;

use super::slab::Slab;
use super::{Enclosure, Prepared};
use crate::interval::Interval;

/// Boxes whose union is the domain.
///
/// # Guarantee
/// Every point of the domain is in one of them: neighbours share the face at which they were cut.
#[derive(Clone, Debug)]
pub struct Cover {
    /// One a box, one interval an input.
    boxes: Vec<Vec<Interval>>,
}

impl Cover {
    /// One box.
    ///
    /// # Panics
    /// If an interval is empty.
    #[track_caller]
    pub fn whole(domain: &[Interval]) -> Self {
        assert!(domain.iter().all(|x| !x.is_empty()), "no input's interval is empty");
        Self { boxes: vec![domain.to_vec()] }
    }

    /// Bisects the domain into `count` boxes, each time along the input that is most significant in its box: where
    /// `width([x])·max|∂y/∂[x]|`, Eq. (2), by interval arithmetic, is largest over the outputs. Round by round every box is
    /// cut, in the last one those where that significance is largest.
    ///
    /// There are fewer boxes than asked for where nothing is left to cut: inputs that are points or unbounded stay whole.
    ///
    /// # Panics
    /// If an interval is empty, or `domain` has not one an input.
    #[track_caller]
    pub fn split(prepared: &Prepared, domain: &[Interval], count: usize) -> Self {
        let mut cover = Self::whole(domain);
        if count <= 1 {
            return cover;
        }
        loop {
            let room = count - cover.len();
            // The most significant input of each box that can be cut.
            let cuts: Vec<(usize, f64)> = prepared
                .over(&cover, Enclosure::Interval, |bounds| {
                    let (boxes, inputs) = (bounds.boxes(), prepared.inputs());
                    let mut best = vec![(inputs, 0.0); boxes];
                    for output in 0..prepared.outputs() {
                        prepared.adjoints(output, bounds);
                        for (b, best) in best.iter_mut().enumerate() {
                            for j in 0..inputs {
                                let (x, bar) =
                                    (bounds.nodes(0).get(j * boxes + b), bounds.adjoints(0).get(j * boxes + b));
                                // 0·∞ is 0.
                                let significance = (x.width() * bar.mag()).max(0.0);
                                if halves(x).is_some() && (best.0 == inputs || significance > best.1) {
                                    *best = (j, significance);
                                }
                            }
                        }
                    }
                    best
                })
                .into_iter()
                .flatten()
                .collect();
            let mut order: Vec<usize> = (0..cover.len()).filter(|&b| cuts[b].0 < prepared.inputs()).collect();
            order.sort_by(|&a, &b| cuts[b].1.total_cmp(&cuts[a].1));
            order.truncate(room);
            if order.is_empty() {
                return cover;
            }
            for b in order {
                let (low, high) = halves(cover.boxes[b][cuts[b].0]).expect("asked before");
                let mut other = cover.boxes[b].clone();
                (cover.boxes[b][cuts[b].0], other[cuts[b].0]) = (low, high);
                cover.boxes.push(other);
            }
        }
    }

    /// How many boxes.
    pub fn len(&self) -> usize {
        self.boxes.len()
    }
    /// Never: a domain is covered by one box at least.
    pub fn is_empty(&self) -> bool {
        self.boxes.is_empty()
    }
    /// The boxes, one interval an input.
    pub fn boxes(&self) -> &[Vec<Interval>] {
        &self.boxes
    }

    /// Some of the boxes, input by input.
    pub(super) fn gather(&self, range: Range<usize>, into: &mut Slab) {
        let (boxes, inputs) = (&self.boxes[range], self.boxes[0].len());
        into.resize(inputs * boxes.len());
        for (b, x) in boxes.iter().enumerate() {
            for (j, x) in x.iter().enumerate() {
                (into.lo[j * boxes.len() + b], into.hi[j * boxes.len() + b]) = (x.inf(), x.sup());
            }
        }
    }
}

/// `[lo, m]` and `[m, hi]`, if there is a double between.
fn halves(x: Interval) -> Option<(Interval, Interval)> {
    let m = x.mid();
    (x.is_bounded() && x.inf() < m && m < x.sup()).then(|| (Interval::raw(x.inf(), m), Interval::raw(m, x.sup())))
}
