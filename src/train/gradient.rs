//! Loss and gradient over a batch: fixed parts of whole tiles over threads.

use std::ops::Range;

use super::LossWeights;
use super::parts::{Parts, Split};
use super::tile::Tile;
use crate::data::{Bundle, Scaled};
use crate::nn::{
    Accum, Chain, Compiled, CurvaturePass, CurvatureWorkspace, NARROW, NarrowWorkspace, Network, Packed, Pass, SLOTS,
    TILE, Workspace, is_narrow,
};

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
/// Bytes of the widest layer's columns that leave the first-level cache room for the rows of a product.
const COLUMNS: usize = 1 << 15;

/// Memory for gradients over batches of one network; lent workspaces, no allocation once warm.
///
/// A batch is cut into at most sixteen parts of whole tiles whatever the number of threads, and the parts are summed in an
/// order that does not depend on it either: the same bits on any number of threads.
pub struct BatchGradient<T> {
    parts: Parts<T>,
    flat: Flat<T>,
    bent: Bent<T>,
    parallel: bool,
}

/// Workspaces, as many as there are parts, of which those are touched that there are threads: a thread's own stays in that
/// core's cache while parts come by. Tiles are as long as that allows, and leave each thread some.
enum Flat<T> {
    Short(Vec<Workspace<T, SHORT>>),
    Usual(Vec<Workspace<T, TILE>>),
    Long(Vec<Workspace<T, LONG>>),
    Narrow(Vec<NarrowWorkspace<T>>),
}

/// The same for second-order labels, made for the first batch that has some.
enum Bent<T> {
    Short(Vec<Option<CurvatureWorkspace<T, SHORT>>>),
    Usual(Vec<Option<CurvatureWorkspace<T, TILE>>>),
}

fn many<W>(count: usize, make: impl Fn() -> W) -> Vec<W> {
    (0..count).map(|_| make()).collect()
}

impl<T: Packed> BatchGradient<T> {
    /// For batches of up to `batch` rows.
    pub fn new<C: Chain>(net: &Network<C, T>, batch: usize) -> Self {
        let (chain, size) = (net.chain(), size_of::<T>());
        let parallel = net.params().len() * batch >= PARALLEL;
        let parts = |tile: usize| batch.div_ceil(tile).clamp(1, PARTS);
        let fits = |tile: usize| SLOTS * chain.nodes() * tile * size <= TAPE;
        let (parts, flat) = if is_narrow(chain) {
            (parts(NARROW), Flat::Narrow(many(parts(NARROW), || NarrowWorkspace::new(chain))))
        } else if !parallel && batch.is_multiple_of(LONG) && fits(LONG) {
            (parts(LONG), Flat::Long(many(parts(LONG), || Workspace::new(chain))))
        } else if batch > SHORT && fits(TILE) {
            (parts(TILE), Flat::Usual(many(parts(TILE), || Workspace::new(chain))))
        } else {
            (parts(SHORT), Flat::Short(many(parts(SHORT), || Workspace::new(chain))))
        };
        // A second-order tape of many nodes leaves the second-level cache whatever its tiles.
        let widest = chain.layers().iter().map(|l| l.fan_in.0).max().unwrap_or(0);
        let bent = match widest * TILE * size > COLUMNS {
            true => Bent::Short(many(parts, || None)),
            false => Bent::Usual(many(parts, || None)),
        };
        Self { parts: Parts::new(net.params().len(), parts), flat, bent, parallel }
    }

    /// Over the given instruction set instead of the best that the machine has.
    pub fn on(mut self, arch: pulp::Arch) -> Self {
        match &mut self.flat {
            Flat::Short(lent) => lent.iter_mut().for_each(|ws| ws.set_arch(arch)),
            Flat::Usual(lent) => lent.iter_mut().for_each(|ws| ws.set_arch(arch)),
            Flat::Long(lent) => lent.iter_mut().for_each(|ws| ws.set_arch(arch)),
            Flat::Narrow(lent) => lent.iter_mut().for_each(|ws| ws.set_arch(arch)),
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
        let batch = Batch { net, data, rows, weights };
        let parts = &mut self.parts;
        match (bundle, &mut self.flat, &mut self.bent) {
            (None, Flat::Short(lent), _) => batch.first_order(parts, threads, lent),
            (None, Flat::Usual(lent), _) => batch.first_order(parts, threads, lent),
            (None, Flat::Long(lent), _) => batch.first_order(parts, threads, lent),
            (None, Flat::Narrow(lent), _) => batch.narrow(parts, threads, lent),
            (Some(bundle), _, Bent::Short(lent)) => batch.second_order(parts, threads, lent, bundle),
            (Some(bundle), _, Bent::Usual(lent)) => batch.second_order(parts, threads, lent, bundle),
        }
    }

    /// One or two partial gradients of the last batch, whose sum is the gradient.
    pub fn parts(&self) -> impl Iterator<Item = &[T]> {
        self.parts.sums()
    }
}

struct Batch<'a, C, T: Packed> {
    net: &'a Network<C, T>,
    data: &'a Scaled<T>,
    rows: &'a Rows<'a>,
    weights: &'a LossWeights,
}

impl<C: Chain, T: Packed> Batch<'_, C, T> {
    fn first_order<const R: usize>(&self, parts: &mut Parts<T>, threads: usize, lent: &mut [Workspace<T, R>]) -> Losses
    where
        T: Compiled<Pass, R>,
    {
        self.sum(parts, threads, lent, None, |tile: Tile<'_, T, R>, ws, grad, accum, losses| {
            tile.first_order(ws, self.net, grad, accum, losses);
        })
    }

    fn narrow(&self, parts: &mut Parts<T>, threads: usize, lent: &mut [NarrowWorkspace<T>]) -> Losses {
        self.sum(parts, threads, lent, None, |tile: Tile<'_, T, NARROW>, ws, grad, accum, losses| {
            tile.narrow(ws, self.net, grad, accum, losses);
        })
    }

    /// Second-order labels make several sums a tile, which two tiles share where two parts are left.
    fn second_order<const R: usize>(
        &self,
        parts: &mut Parts<T>,
        threads: usize,
        lent: &mut [Option<CurvatureWorkspace<T, R>>],
        bundle: &Bundle<T>,
    ) -> Losses
    where
        T: Compiled<CurvaturePass, R>,
    {
        let least = (self.rows.len().div_ceil(R) / 2).clamp(1, 2);
        self.sum(parts, threads, lent, Some(least), |tile: Tile<'_, T, R>, ws, grad, accum, losses| {
            let ws = ws.get_or_insert_with(|| CurvatureWorkspace::new(self.net.chain()));
            tile.second_order(ws, self.net, grad, accum, bundle, losses);
        })
    }

    /// A tile is a single sum, or several that at least so many tiles share.
    fn sum<M: Send, const R: usize>(
        &self,
        parts: &mut Parts<T>,
        threads: usize,
        lent: &mut [M],
        least: Option<usize>,
        step: impl Fn(Tile<'_, T, R>, &mut M, &mut [T], Accum, &mut Losses) + Sync,
    ) -> Losses {
        let &Self { data, rows, weights, .. } = self;
        let tiles = rows.len().div_ceil(R);
        let per_part = tiles.div_ceil(lent.len()).max(least.unwrap_or(1));
        let split = Split { parts: tiles.div_ceil(per_part), threads, single: least.is_none() && per_part == 1 };
        parts.sum(split, lent, |part, lent, grad, mut accum| {
            let mut losses = Losses::default();
            for tile in part * per_part..tiles.min((part + 1) * per_part) {
                let tile = Tile { data, rows, at: tile * R, weights };
                step(tile, lent, grad, accum, &mut losses);
                accum = Accum::Add;
            }
            losses
        })
    }
}
