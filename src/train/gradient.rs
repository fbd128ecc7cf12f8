//! Loss and gradient over a batch: fixed parts of whole tiles over threads.

use std::ops::Range;

use super::LossWeights;
use super::parts::{Parts, Split};
use super::tile::{Memory, Tile};
use crate::data::{Bundle, Scaled};
use crate::nn::{Accum, Chain, Network, Packed, SLOTS, TILE, Workspace};

/// Which rows of the data a batch is.
#[derive(Clone, Debug)]
pub enum Rows<'a> {
    /// Consecutive rows: fresh samples need no shuffling.
    Range(Range<usize>),
    /// Rows in the given order.
    Index(&'a [usize]),
}

impl Rows<'_> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Range(range) => range.len(),
            Self::Index(rows) => rows.len(),
        }
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    #[inline]
    fn row(&self, at: usize) -> usize {
        match self {
            Self::Range(range) => range.start + at,
            Self::Index(rows) => rows[at],
        }
    }
    /// `lanes[r] = column[row(at + r)]`, lanes beyond the batch zero.
    pub(super) fn load<T: Packed, const R: usize>(&self, column: &[T], at: usize, lanes: &mut [T; R]) {
        let count = R.min(self.len() - at);
        match self {
            Self::Range(range) => lanes[..count].copy_from_slice(&column[range.start + at..][..count]),
            Self::Index(_) => (0..count).for_each(|r| lanes[r] = column[self.row(at + r)]),
        }
        lanes[count..].fill(T::ZERO);
    }
}

/// Mean losses of a batch, unweighted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// `mean (f − y)²`
    pub value: f64,
    /// `mean ((∂ⱼf − tⱼ)²/sⱼ)`; 0 for values only.
    pub derivative: f64,
    /// `mean (((Hv)ⱼ − uⱼ)²/qⱼ)`; 0 where no second-order label was read.
    pub curvature: f64,
}

impl Losses {
    /// `α·value + β·derivative + γ·curvature`.
    pub fn weighted(&self, weights: &LossWeights) -> f64 {
        weights.value * self.value + weights.derivative * self.derivative + weights.curvature * self.curvature
    }
}

/// At most so many partial gradients: enough for as many threads, few enough that their sum costs little.
const PARTS: usize = 16;
/// Parameters times samples below which threads cost more than they bring.
const PARALLEL: usize = 1 << 17;
/// Samples in a tile where nodes are many, or samples few.
const SHORT: usize = 32;
/// Samples in a tile where nodes are so few that what a tile costs whatever its length counts.
const LONG: usize = 128;
/// Bytes of a tape that leave the second-level cache room for weights and their gradient.
const TAPE: usize = 1 << 19;

/// Memory for gradients over batches of one network; lent workspaces, no allocation once warm.
///
/// A batch is cut into at most sixteen parts of whole tiles whatever the number of threads, and the parts are summed in an
/// order that does not depend on it either: the same bits on any number of threads.
pub struct BatchGradient<T> {
    parts: Parts<T>,
    lent: Lent<T>,
    parallel: bool,
}

/// Workspaces, as many as there are parts, of which those are touched that there are threads; with tiles that stay in the
/// cache and leave each thread some.
enum Lent<T> {
    Short(Vec<Memory<T, SHORT>>),
    Usual(Vec<Memory<T, TILE>>),
    Long(Vec<Memory<T, LONG>>),
}

impl<T: Packed> BatchGradient<T> {
    /// For batches of up to `batch` rows.
    pub fn new<C: Chain>(net: &Network<C, T>, batch: usize) -> Self {
        let parallel = net.params().len() * batch >= PARALLEL;
        let fits = |tile: usize| SLOTS * net.chain().nodes() * tile * size_of::<T>() <= TAPE;
        let parts = |tile: usize| batch.div_ceil(tile).clamp(1, PARTS);
        let (parts, lent) = if !parallel && batch.is_multiple_of(LONG) && fits(LONG) {
            (parts(LONG), Lent::Long(memory(net, parts(LONG))))
        } else if batch > SHORT && fits(TILE) {
            (parts(TILE), Lent::Usual(memory(net, parts(TILE))))
        } else {
            (parts(SHORT), Lent::Short(memory(net, parts(SHORT))))
        };
        Self { parts: Parts::new(net.params().len(), parts), lent, parallel }
    }

    /// Over the given instruction set instead of the best that the machine has.
    pub fn on(mut self, arch: pulp::Arch) -> Self {
        match &mut self.lent {
            Lent::Short(lent) => lent.iter_mut().for_each(|m| m.ws.set_arch(arch)),
            Lent::Usual(lent) => lent.iter_mut().for_each(|m| m.ws.set_arch(arch)),
            Lent::Long(lent) => lent.iter_mut().for_each(|m| m.ws.set_arch(arch)),
        }
        self
    }

    /// Whether batches of that size go over threads.
    pub fn parallel(&self) -> bool {
        self.parallel
    }

    /// Mean losses of the batch; leaves the gradient of their weighted sum in [`Self::parts`].
    ///
    /// Second-order labels are read where the weights say so and the rows are exactly those of a bundle.
    ///
    /// # Panics
    /// If data, weights and network disagree about inputs or outputs, or derivatives are asked of a network with several
    /// outputs.
    #[track_caller]
    pub fn compute<C: Chain>(
        &mut self,
        net: &Network<C, T>,
        data: &Scaled<T>,
        rows: &Rows<'_>,
        weights: &LossWeights,
    ) -> Losses {
        let chain = net.chain();
        assert_eq!((chain.inputs(), chain.outputs()), (data.inputs().ncols(), data.values().ncols()));
        assert!(weights.inverse_scale.is_empty() || chain.outputs() == 1, "the Sobolev loss is for one output");
        let bundle = match rows {
            Rows::Range(range) if weights.curvature > 0.0 => data.curvature().and_then(|c| c.of(range)),
            _ => None,
        };
        let threads = if self.parallel { rayon::current_num_threads() } else { 1 };
        let batch = Batch { net, data, rows, weights, bundle };
        match &mut self.lent {
            Lent::Short(lent) => batch.sum(&mut self.parts, threads, lent),
            Lent::Usual(lent) => batch.sum(&mut self.parts, threads, lent),
            Lent::Long(lent) => batch.sum(&mut self.parts, threads, lent),
        }
    }

    /// One or two partial gradients of the last batch, whose sum is the gradient.
    pub fn parts(&self) -> impl Iterator<Item = &[T]> {
        self.parts.sums()
    }
}

fn memory<C: Chain, T: Packed, const R: usize>(net: &Network<C, T>, count: usize) -> Vec<Memory<T, R>> {
    (0..count).map(|_| Memory { ws: Workspace::new(net.chain()), bent: None }).collect()
}

struct Batch<'a, C, T: Packed> {
    net: &'a Network<C, T>,
    data: &'a Scaled<T>,
    rows: &'a Rows<'a>,
    weights: &'a LossWeights,
    bundle: Option<&'a Bundle<T>>,
}

impl<C: Chain, T: Packed> Batch<'_, C, T> {
    fn sum<const R: usize>(&self, parts: &mut Parts<T>, threads: usize, lent: &mut [Memory<T, R>]) -> Losses {
        let &Self { net, data, rows, weights, bundle } = self;
        let tiles = rows.len().div_ceil(R);
        // Second-order labels make several sums a tile, which two tiles share.
        let least = if bundle.is_some() { 2 } else { 1 };
        let per_part = tiles.div_ceil(lent.len()).max(least);
        let split = Split { parts: tiles.div_ceil(per_part), threads, single: per_part == 1 };
        parts.sum(split, lent, |part, memory, grad, mut accum| {
            let mut losses = Losses::default();
            for tile in part * per_part..tiles.min((part + 1) * per_part) {
                let tile = Tile::<_, R> { data, rows, at: tile * R, weights };
                match bundle {
                    None => tile.first_order(memory, net, grad, accum, &mut losses),
                    Some(bundle) => tile.second_order(memory, net, grad, accum, bundle, &mut losses),
                }
                accum = Accum::Add;
            }
            losses
        })
    }
}
