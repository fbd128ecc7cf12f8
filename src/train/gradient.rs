//! Loss and gradient over a batch: fixed parts of whole tiles over threads, summed in the order of the parts.

use std::ops::Range;

use rayon::prelude::*;

use super::LossWeights;
use crate::data::{Bundle, Scaled};
use crate::nn::{Chain, CurvatureWorkspace, Network, Packed, Slot, TILE, Workspace};

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
    /// `mean (((Hv)ⱼ − uⱼ)²/qⱼ)`; 0 where no second-order label was read.
    pub curvature: f64,
}

impl Losses {
    /// `α·value + β·derivative + γ·curvature`.
    pub fn weighted(&self, weights: &LossWeights) -> f64 {
        weights.value * self.value + weights.derivative * self.derivative + weights.curvature * self.curvature
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
    /// As many as there are parts, of which those are touched that there are threads.
    memory: Vec<Memory<T>>,
    parallel: bool,
}

struct Part<T> {
    grad: Vec<T>,
    losses: Losses,
}

/// A thread's own: the parts of a batch come by one after the other, so that it stays in that core's cache.
struct Memory<T> {
    ws: Workspace<T>,
    /// Made for the first batch with second-order labels.
    bent: Option<CurvatureWorkspace<T>>,
}

impl<T: Packed> BatchGradient<T> {
    /// For batches of up to `batch` rows.
    pub fn new<C: Chain>(net: &Network<C, T>, batch: usize) -> Self {
        let parts = batch.div_ceil(TILE).clamp(1, PARTS);
        let part = |_| Part { grad: vec![T::ZERO; net.params().len()], losses: Losses::default() };
        let memory = |_| Memory { ws: net.workspace(), bent: None };
        Self {
            parts: (0..parts).map(part).collect(),
            used: 0,
            memory: (0..parts).map(memory).collect(),
            parallel: net.params().len() * batch >= PARALLEL,
        }
    }

    /// Over the given instruction set instead of the best that the machine has.
    pub fn on(mut self, arch: pulp::Arch) -> Self {
        self.memory = self.memory.into_iter().map(|m| Memory { ws: m.ws.on(arch), ..m }).collect();
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
        let tiles = rows.len().div_ceil(TILE);
        let per_part = tiles.div_ceil(self.parts.len());
        self.used = tiles.div_ceil(per_part.max(1));
        let used = &mut self.parts[..self.used];
        let threads = if self.parallel { rayon::current_num_threads() } else { 1 };
        let share = used.len().div_ceil(threads).max(1);
        let work = |(index, (parts, memory)): (usize, (&mut [Part<T>], &mut Memory<T>))| {
            for (part, index) in parts.iter_mut().zip(index * share..) {
                part.grad.fill(T::ZERO);
                part.losses = Losses::default();
                for tile in index * per_part..tiles.min((index + 1) * per_part) {
                    let tile = Tile { data, rows, at: tile * TILE, weights };
                    match bundle {
                        None => part.tile(memory, net, &tile),
                        Some(bundle) => part.bent_tile(memory, net, &tile, bundle),
                    }
                }
            }
        };
        if threads > 1 {
            used.par_chunks_mut(share).zip(&mut self.memory).enumerate().for_each(work);
        } else {
            used.chunks_mut(share).zip(&mut self.memory).enumerate().for_each(work);
        }
        let sum = |f: fn(&Losses) -> f64| used.iter().map(|p| f(&p.losses)).sum::<f64>();
        Losses { value: sum(|l| l.value), derivative: sum(|l| l.derivative), curvature: sum(|l| l.curvature) }
    }

    /// The partial gradients of the last batch, whose sum is the gradient.
    pub fn parts(&self) -> impl Iterator<Item = &[T]> {
        self.parts[..self.used].iter().map(|p| &p.grad[..])
    }
}

/// Some rows of a batch, and how their errors count.
struct Tile<'a, T: Packed> {
    data: &'a Scaled<T>,
    rows: &'a Rows<'a>,
    at: usize,
    weights: &'a LossWeights,
}

impl<T: Packed> Part<T> {
    fn tile<C: Chain>(&mut self, memory: &mut Memory<T>, net: &Network<C, T>, tile: &Tile<'_, T>) {
        let (Self { grad, losses }, ws) = (self, &mut memory.ws);
        tile.load_inputs(ws.input_mut(Slot::Value));
        if tile.weights.inverse_scale.is_empty() {
            net.forward::<1>(ws);
            tile.value_residuals(ws, Slot::Bar, losses);
            net.reverse_params(ws, grad);
            return;
        }
        // §2: ∇θ ½‖∇f − t‖² = ∇θ (r·∇f) with the residual r held fixed, so one tangent sweep along r and one more reverse
        // sweep, on which the value loss rides as the seed.
        net.forward::<2>(ws);
        ws.output_mut(Slot::Bar).as_flattened_mut().fill(T::ONE);
        net.reverse::<2>(ws);
        let (bar, dot) = ws.input_bar_and_dot();
        tile.slope_residuals(bar, dot, losses);
        net.tangent(ws);
        tile.value_residuals(ws, Slot::BarDot, losses);
        net.second_reverse_params(ws, grad);
    }

    /// The same with second-order labels: `6k + 6` products a layer, on which values and slopes ride.
    fn bent_tile<C: Chain>(
        &mut self,
        memory: &mut Memory<T>,
        net: &Network<C, T>,
        tile: &Tile<'_, T>,
        bundle: &Bundle<T>,
    ) {
        let Self { grad, losses } = self;
        let ws = memory.bent.get_or_insert_with(|| net.curvature_workspace());
        tile.load_inputs(ws.inputs_mut());
        net.lift(ws);
        for d in 0..bundle.count() {
            ws.direction_mut().iter_mut().enumerate().for_each(|(j, lanes)| lanes.fill(bundle.directions[(j, d)]));
            net.product(ws);
            let (products, residuals) = ws.product_and_residual();
            tile.curvature_residuals(products, residuals, bundle, d, losses);
            net.pull(ws, grad);
        }
        let (bar, residuals) = ws.gradient_and_residual();
        tile.slope_residuals(bar, residuals, losses);
        let value = *ws.value();
        tile.value_residual(0, &value, ws.value_residual_mut(), losses);
        net.total(ws, grad);
    }
}

impl<T: Packed> Tile<'_, T> {
    /// Rows of the tile.
    fn count(&self) -> usize {
        TILE.min(self.rows.len() - self.at)
    }

    fn load_inputs(&self, columns: &mut [[T; TILE]]) {
        for (i, lanes) in columns.iter_mut().enumerate() {
            self.rows.load(self.data.input_column(i), self.at, lanes);
        }
    }

    /// `lanes ← 2·weight·share·(f − lanes)`, zero beyond the rows; gives `share·Σ(f − lanes)²`.
    fn residual(&self, f: &[T; TILE], lanes: &mut [T; TILE], weight: f64, share: f64) -> f64 {
        let (mut sum, scale, count) = (T::ZERO, T::of(2.0 * weight * share), self.count());
        for r in 0..TILE {
            let residual = if r < count { f[r] - lanes[r] } else { T::ZERO };
            sum += residual * residual;
            lanes[r] = residual * scale;
        }
        share * sum.to_f64()
    }

    /// The seed of the value loss, `2α(f − y)/(rows × outputs)`.
    fn value_residual(&self, output: usize, value: &[T; TILE], lanes: &mut [T; TILE], losses: &mut Losses) {
        let share = 1.0 / (self.rows.len() * self.data.values().ncols()) as f64;
        self.rows.load(self.data.value_column(output), self.at, lanes);
        losses.value += self.residual(value, lanes, self.weights.value, share);
    }

    /// The same for all outputs, into a slot.
    fn value_residuals(&self, ws: &mut Workspace<T>, seed: Slot, losses: &mut Losses) {
        for o in 0..self.data.values().ncols() {
            let value = ws.output(Slot::Value)[o];
            self.value_residual(o, &value, &mut ws.output_mut(seed)[o], losses);
        }
    }

    /// The residuals of the derivatives, `2β(∂ⱼf − tⱼ)/(sⱼ × rows × inputs)`.
    fn slope_residuals(&self, bar: &[[T; TILE]], residuals: &mut [[T; TILE]], losses: &mut Losses) {
        let share = 1.0 / (self.rows.len() * bar.len()) as f64;
        for (j, (bar, lanes)) in bar.iter().zip(residuals).enumerate() {
            self.rows.load(self.data.derivative_column(j), self.at, lanes);
            let share = share * self.weights.inverse_scale[j];
            losses.derivative += self.residual(bar, lanes, self.weights.derivative, share);
        }
    }

    /// The residuals of the products with one direction, `2γ((Hv)ⱼ − uⱼ)/(qⱼ × rows × inputs × directions)`.
    fn curvature_residuals(
        &self,
        products: &[[T; TILE]],
        residuals: &mut [[T; TILE]],
        bundle: &Bundle<T>,
        d: usize,
        losses: &mut Losses,
    ) {
        let share = 1.0 / (self.rows.len() * products.len() * bundle.count()) as f64;
        for (j, (product, lanes)) in products.iter().zip(residuals).enumerate() {
            lanes[..self.count()].copy_from_slice(&bundle.column(d, j)[self.at..][..self.count()]);
            let share = share * self.weights.inverse_curvature[j];
            losses.curvature += self.residual(product, lanes, self.weights.curvature, share);
        }
    }
}
