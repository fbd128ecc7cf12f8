//! Intervals of many nodes in many boxes, bounds apart: `[node·boxes + box]`, as the slice kernels want them.

use crate::interval::Interval;
use crate::interval::kernel::{Boxes, BoxesMut};

/// Nodes × boxes intervals.
#[derive(Clone, Debug, Default)]
pub(super) struct Slab {
    pub(super) lo: Vec<f64>,
    pub(super) hi: Vec<f64>,
}

impl Slab {
    pub(super) fn zeros(len: usize) -> Self {
        Self { lo: vec![0.0; len], hi: vec![0.0; len] }
    }

    pub(super) fn resize(&mut self, len: usize) {
        self.lo.resize(len, 0.0);
        self.hi.resize(len, 0.0);
    }

    pub(super) fn view(&self) -> Boxes<'_> {
        Boxes::new(&self.lo, &self.hi)
    }

    pub(super) fn view_mut(&mut self) -> BoxesMut<'_> {
        BoxesMut::new(&mut self.lo, &mut self.hi)
    }

    pub(super) fn copy_from(&mut self, other: Boxes<'_>) {
        self.lo.copy_from_slice(other.lo);
        self.hi.copy_from_slice(other.hi);
    }

    pub(super) fn fill(&mut self, x: f64) {
        self.lo.fill(x);
        self.hi.fill(x);
    }

    /// The intersection with `[lo, hi]`, both of which contain the same number: a bound that is NaN says nothing.
    #[inline(always)]
    pub(super) fn meet(&mut self, index: usize, lo: f64, hi: f64) {
        if lo > self.lo[index] {
            self.lo[index] = lo;
        }
        if hi < self.hi[index] {
            self.hi[index] = hi;
        }
        debug_assert!(self.lo[index] <= self.hi[index], "two enclosures of the same number meet");
    }

    pub(super) fn get(&self, index: usize) -> Interval {
        self.view().get(index)
    }

    /// For each node the hull over all boxes.
    pub(super) fn hulls(&self, boxes: usize) -> Vec<Interval> {
        let nodes = 0..self.lo.len() / boxes;
        nodes.map(|n| (0..boxes).fold(Interval::EMPTY, |hull, b| hull.hull(self.get(n * boxes + b)))).collect()
    }
}
