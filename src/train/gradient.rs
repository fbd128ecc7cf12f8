//! Loss and gradient over a batch: fixed parts of whole tiles over threads, summed in the order of the parts.

use std::ops::Range;

use rayon::prelude::*;

use super::LossWeights;
use crate::data::Scaled;
use crate::nn::{Chain, Network, Packed, Slot, TILE, Workspace};

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
    fn load<T: Packed>(&self, column: &[T], at: usize, lanes: &mut [T; TILE]) {
        let count = TILE.min(self.len() - at);
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
}

impl Losses {
    /// `α·value + β·derivative`.
    pub fn weighted(&self, weights: &LossWeights) -> f64 {
        weights.value * self.value + weights.derivative * self.derivative
    }
}

/// At most so many partial gradients: enough for eight threads, few enough that their sum costs little.
const PARTS: usize = 8;
/// Parameters times samples below which threads cost more than they bring.
const PARALLEL: usize = 1 << 17;

/// Memory for gradients over batches of one network; lent workspaces, no allocation once warm.
///
/// A batch is cut into at most eight parts of whole tiles whatever the number of threads, and the parts are summed in
/// order: the same bits on any number of threads.
pub struct BatchGradient<T> {
    parts: Vec<Part<T>>,
    used: usize,
    parallel: bool,
}

struct Part<T> {
    ws: Workspace<T>,
    grad: Vec<T>,
    losses: Losses,
}

impl<T: Packed> BatchGradient<T> {
    /// For batches of up to `batch` rows.
    pub fn new<C: Chain>(net: &Network<C, T>, batch: usize) -> Self {
        let parts = batch.div_ceil(TILE).clamp(1, PARTS);
        let part = || Part { ws: net.workspace(), grad: vec![T::ZERO; net.params().len()], losses: Losses::default() };
        Self { parts: (0..parts).map(|_| part()).collect(), used: 0, parallel: net.params().len() * batch >= PARALLEL }
    }

    /// Whether batches of that size go over threads.
    pub fn parallel(&self) -> bool {
        self.parallel
    }

    /// Mean losses of the batch; leaves the gradient of their weighted sum in [`Self::parts`].
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
        let tiles = rows.len().div_ceil(TILE);
        let per_part = tiles.div_ceil(self.parts.len());
        self.used = tiles.div_ceil(per_part.max(1));
        let part = |(index, part): (usize, &mut Part<T>)| {
            part.grad.fill(T::ZERO);
            part.losses = Losses::default();
            for tile in index * per_part..tiles.min((index + 1) * per_part) {
                part.tile(net, data, rows, tile * TILE, weights);
            }
        };
        let used = &mut self.parts[..self.used];
        if self.parallel {
            used.par_iter_mut().enumerate().for_each(part);
        } else {
            used.iter_mut().enumerate().for_each(part);
        }
        let sum = |f: fn(&Losses) -> f64| used.iter().map(|p| f(&p.losses)).sum::<f64>();
        Losses { value: sum(|l| l.value), derivative: sum(|l| l.derivative) }
    }

    /// The partial gradients of the last batch, whose sum is the gradient.
    pub fn parts(&self) -> impl Iterator<Item = &[T]> {
        self.parts[..self.used].iter().map(|p| &p.grad[..])
    }
}

impl<T: Packed> Part<T> {
    fn tile<C: Chain>(
        &mut self,
        net: &Network<C, T>,
        data: &Scaled<T>,
        rows: &Rows<'_>,
        at: usize,
        weights: &LossWeights,
    ) {
        let Self { ws, grad, losses } = self;
        for (i, lanes) in ws.input_mut(Slot::Value).iter_mut().enumerate() {
            rows.load(data.input_column(i), at, lanes);
        }
        let count = TILE.min(rows.len() - at);
        if weights.inverse_scale.is_empty() {
            net.forward::<1>(ws);
            value_residuals(ws, Slot::Bar, data, rows, at, count, weights.value, losses);
            net.reverse_params(ws, grad);
            return;
        }
        // §2: ∇θ ½‖∇f − t‖² = ∇θ (r·∇f) with the residual r held fixed, so one tangent sweep along r and one more reverse
        // sweep, on which the value loss rides as the seed.
        net.forward::<2>(ws);
        ws.output_mut(Slot::Bar).as_flattened_mut().fill(T::ONE);
        net.reverse::<2>(ws);
        let slopes = data.derivatives().expect("checked with the weights");
        let share = 1.0 / (rows.len() * slopes.ncols()) as f64;
        let (bar, dot) = ws.input_bar_and_dot();
        for (j, (bar, dot)) in bar.iter().zip(dot).enumerate() {
            rows.load(data.derivative_column(j), at, dot);
            let (mut sum, each) = (T::ZERO, share * weights.inverse_scale[j]);
            let scale = T::of(2.0 * weights.derivative * each);
            for r in 0..TILE {
                let residual = if r < count { bar[r] - dot[r] } else { T::ZERO };
                sum += residual * residual;
                dot[r] = residual * scale;
            }
            losses.derivative += each * sum.to_f64();
        }
        net.tangent(ws);
        value_residuals(ws, Slot::BarDot, data, rows, at, count, weights.value, losses);
        net.second_reverse_params(ws, grad);
    }
}

/// The seed of the value loss, `2α(f − y)/(rows × outputs)`, into a slot of the outputs.
#[expect(clippy::too_many_arguments, reason = "the two callers share all of it")]
fn value_residuals<T: Packed>(
    ws: &mut Workspace<T>,
    seed: Slot,
    data: &Scaled<T>,
    rows: &Rows<'_>,
    at: usize,
    count: usize,
    weight: f64,
    losses: &mut Losses,
) {
    let share = 1.0 / (rows.len() * data.values().ncols()) as f64;
    let scale = T::of(2.0 * weight * share);
    let mut target = [T::ZERO; TILE];
    for o in 0..data.values().ncols() {
        rows.load(data.value_column(o), at, &mut target);
        let (mut sum, value) = (T::ZERO, ws.output(Slot::Value)[o]);
        let lanes = &mut ws.output_mut(seed)[o];
        for r in 0..TILE {
            let residual = if r < count { value[r] - target[r] } else { T::ZERO };
            sum += residual * residual;
            lanes[r] = residual * scale;
        }
        losses.value += share * sum.to_f64();
    }
}
