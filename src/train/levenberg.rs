//! Levenberg–Marquardt on the residuals of the loss, for networks of few parameters.
//!
//! With the residuals `ρ` of all samples (values, derivatives and products of the Hessian, weighted as in Eq. (1)) and their
//! Jacobian `J` in the parameters, each iteration solves `(JᵀJ + μ·diag JᵀJ) s = Jᵀρ` and moves by `−s` if that lowers the
//! loss. Rows of `J` come from one reverse sweep (value), one second reverse sweep an input (derivatives), and the
//! second-order sweeps of one input and direction (products), tile by tile.

use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::linalg::solvers::Solve as _;
use faer::{Accum, Mat, MatRef, Par, Side};
use rayon::prelude::*;

use super::gradient::{BatchGradient, Rows};
use super::trainer::require_smooth;
use super::{Loss, LossWeights};
use crate::data::{Bundle, Scaled};
use crate::error::{Error, Result};
use crate::nn::{Chain, CurvatureWorkspace, Network, Slot, TILE, Workspace};
use crate::observer::Observer;

/// How Levenberg–Marquardt is run.
#[derive(Clone, Debug, PartialEq)]
pub struct LevenbergMarquardt {
    /// What is minimised.
    pub loss: Loss,
    /// Most iterations.
    pub iterations: usize,
    /// First damping μ.
    pub damping: f64,
    /// Iterations without a held-out loss better by a part in 10⁵ before it stops: few where labels are noisy, many where they
    /// are not and a plateau may be followed by a fall.
    pub patience: usize,
    /// What errors and progress call this run.
    pub name: String,
}

/// What a run did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevenbergReport {
    /// Accepted iterations.
    pub iterations: usize,
    /// Training loss before and after.
    pub training: [f64; 2],
    /// Held-out loss before and at its best, which is the network that is kept.
    pub held_out: [f64; 2],
}

/// Samples whose products are summed by one task: fixed, so that the sums are the same on any number of threads.
const BLOCK: usize = 16 * TILE;
/// Relative decrease of the held-out loss that is worth an iteration.
const WORTH: f64 = 1e-5;
/// Damping beyond which no step is going to lower the loss.
const STUCK: f64 = 1e12;

impl LevenbergMarquardt {
    /// Trains in place on `data`; keeps the parameters that are best on `held_out`.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the loss is not finite at the start; [`Error::Interrupted`] with the best parameters so far;
    /// [`Error::Invalid`] for a second-order loss of a network with ReLU.
    ///
    /// # Panics
    /// If data and network disagree, or the loss needs labels that the data lacks: second-order ones for all samples as one
    /// block, of the training data; the held-out data may be without.
    #[track_caller]
    pub fn run<C: Chain>(
        &self,
        net: &mut Network<C, f64>,
        data: &Scaled<f64>,
        held_out: &Scaled<f64>,
        observer: &mut dyn Observer,
    ) -> Result<LevenbergReport> {
        require_smooth(self.loss, net)?;
        let mut weights = LossWeights::new(self.loss, data);
        if self.loss.is_second_order() {
            let bundle = bundle(data).expect("second-order labels of all samples, as one block");
            weights.set(self.loss, bundle.count());
        }
        let weights = weights;
        let loss_of = |net: &Network<C, f64>, data: &Scaled<f64>| {
            let all = Rows::Range(0..data.len());
            BatchGradient::new(net, data.len()).compute(net, data, &all, &weights).weighted(&weights)
        };
        let (mut loss, mut best) = (loss_of(net, data), loss_of(net, held_out));
        let mut report = LevenbergReport { iterations: 0, training: [loss; 2], held_out: [best; 2] };
        if !loss.is_finite() {
            return Err(Error::Diverged { stage: self.name.clone(), step: 0, loss, learning_rate: 0.0, layer: None });
        }
        let (mut kept, mut damping, mut waited) = (net.params().to_vec(), self.damping, 0);
        let mut interrupted = false;
        observer.start(&self.name, self.iterations);
        while report.iterations < self.iterations && waited < self.patience {
            let normal = Normal::of(net, data, &weights);
            let before = net.params().to_vec();
            let accepted = loop {
                let step = normal.step(damping);
                for ((p, b), s) in net.params_mut().iter_mut().zip(&before).zip(&step) {
                    *p = b - s;
                }
                let new = loss_of(net, data);
                if new < loss {
                    damping = (damping / 5.0).max(1e-14);
                    break Some(new);
                }
                damping *= 4.0;
                if damping > STUCK {
                    net.params_mut().copy_from_slice(&before);
                    break None;
                }
            };
            let Some(new) = accepted else { break };
            loss = new;
            report.iterations += 1;
            let outside = loss_of(net, held_out);
            waited = if outside < best * (1.0 - WORTH) { 0 } else { waited + 1 };
            if outside < best {
                best = outside;
                kept.copy_from_slice(net.params());
            }
            interrupted = observer.step(report.iterations, self.iterations, loss).is_break();
            if interrupted {
                break;
            }
        }
        observer.finish();
        net.params_mut().copy_from_slice(&kept);
        (report.training[1], report.held_out[1]) = (loss, best);
        if interrupted { Err(Error::Interrupted) } else { Ok(report) }
    }
}

/// The lower triangle of `[J ρ]ᵀ[J ρ]`: `JᵀJ`, and `Jᵀρ` as its last row.
struct Normal {
    products: Mat<f64>,
}

impl Normal {
    fn of<C: Chain>(net: &Network<C, f64>, data: &Scaled<f64>, weights: &LossWeights) -> Self {
        let blocks: Vec<usize> = (0..data.len()).step_by(BLOCK).collect();
        let partial = |&at: &usize| {
            let mut sum = BlockSum::new(net, data, weights);
            for tile in (at..data.len().min(at + BLOCK)).step_by(TILE) {
                sum.tile(net, data, tile, weights);
            }
            sum.normal
        };
        let n = net.params().len() + 1;
        let mut total = Self { products: Mat::zeros(n, n) };
        // In order of the blocks, a bounded number of them in memory.
        for group in blocks.chunks(64) {
            for part in group.par_iter().map(partial).collect::<Vec<_>>() {
                total.products += part.products;
            }
        }
        total
    }

    /// `(JᵀJ + μ·diag JᵀJ)⁻¹ Jᵀρ`; not a number if that matrix is singular in floating point, so that no step is taken.
    fn step(&self, damping: f64) -> Vec<f64> {
        let n = self.products.nrows() - 1;
        let mut a = self.products.submatrix(0, 0, n, n).to_owned();
        let floor = 1e-14 * (0..n).map(|i| a[(i, i)]).fold(0.0, f64::max);
        for i in 0..n {
            a[(i, i)] += damping * a[(i, i)] + floor;
        }
        let rhs = Mat::from_fn(n, 1, |i, _| self.products[(n, i)]);
        match a.llt(Side::Lower) {
            Ok(factor) => factor.solve(&rhs).col_as_slice(0).to_vec(),
            Err(_) => vec![f64::NAN; n],
        }
    }
}

/// The second-order labels of all samples.
fn bundle(data: &Scaled<f64>) -> Option<&Bundle<f64>> {
    data.curvature()?.of(&(0..data.len()))
}

/// Products over a block of samples, and the memory for them.
struct BlockSum {
    ws: Workspace<f64>,
    bent: Option<CurvatureWorkspace<f64>>,
    saved: Vec<[f64; TILE]>,
    /// Residuals a sample: its value, its derivative in each input and each product if those count.
    residuals: usize,
    /// Weighted rows of `J` for one tile, one row of `residuals × TILE` numbers a parameter, and one more for `ρ`.
    rows: Vec<f64>,
    /// One residual's part of them.
    part: Vec<[f64; TILE]>,
    normal: Normal,
}

impl BlockSum {
    fn new<C: Chain>(net: &Network<C, f64>, data: &Scaled<f64>, weights: &LossWeights) -> Self {
        let bundle = bundle(data).filter(|_| weights.curvature > 0.0);
        let products = bundle.map_or(0, |b| b.products.ncols());
        let (n, residuals) = (net.params().len(), 1 + weights.inverse_scale.len() + products);
        Self {
            ws: net.workspace(),
            bent: bundle.map(|_| net.curvature_workspace()),
            saved: Vec::new(),
            residuals,
            rows: vec![0.0; (n + 1) * residuals * TILE],
            part: vec![[0.0; TILE]; n],
            normal: Normal { products: Mat::zeros(n + 1, n + 1) },
        }
    }

    fn tile<C: Chain>(&mut self, net: &Network<C, f64>, data: &Scaled<f64>, at: usize, weights: &LossWeights) {
        let range = at..data.len().min(at + TILE);
        let inputs = weights.inverse_scale.len();
        let sobolev = inputs > 0;
        let ws = &mut self.ws;
        crate::nn::load(data.inputs().subrows(at, range.len()), ws.input_mut(Slot::Value));
        if sobolev {
            net.forward::<2, _>(ws)
        } else {
            net.forward::<1, _>(ws)
        }
        ws.output_mut(Slot::Bar).as_flattened_mut().fill(1.0);
        if sobolev {
            net.reverse::<2, _>(ws)
        } else {
            net.reverse::<1, _>(ws)
        }
        net.param_jacobian(ws, false, &mut self.part);
        let value = ws.output(Slot::Value)[0];
        self.put(0, &value, &data.value_column(0)[range.clone()], weights.value / data.len() as f64);
        self.saved.clear();
        self.saved.extend_from_slice(self.ws.tape());
        for j in 0..inputs {
            // Each direction starts from the first reverse sweep, whose curvatures the tangent sweep overwrites.
            let ws = &mut self.ws;
            ws.restore(&self.saved);
            ws.input_mut(Slot::Dot).iter_mut().for_each(|dot| dot.fill(0.0));
            ws.input_mut(Slot::Dot)[j].fill(1.0);
            net.tangent(ws);
            ws.output_mut(Slot::BarDot).as_flattened_mut().fill(0.0);
            net.second_reverse(ws);
            net.param_jacobian(ws, true, &mut self.part);
            let slope = ws.input(Slot::Bar)[j];
            let weight = weights.derivative * weights.inverse_scale[j] / (data.len() * inputs) as f64;
            self.put(1 + j, &slope, &data.derivative_column(j)[range.clone()], weight);
        }
        if let Some(mut ws) = self.bent.take() {
            let bundle = bundle(data).expect("it was there when the memory was made");
            self.products(net, &mut ws, data, bundle, range, weights);
            self.bent = Some(ws);
        }
        let (n, k) = (self.part.len() + 1, self.residuals * TILE);
        let rows = MatRef::from_row_major_slice(&self.rows, n, k);
        triangular_matmul(
            self.normal.products.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Add,
            rows,
            BlockStructure::Rectangular,
            rows.transpose(),
            BlockStructure::Rectangular,
            1.0,
            Par::Seq,
        );
    }

    /// The residuals of the products of the Hessian with each direction.
    fn products<C: Chain>(
        &mut self,
        net: &Network<C, f64>,
        ws: &mut CurvatureWorkspace<f64>,
        data: &Scaled<f64>,
        bundle: &Bundle<f64>,
        range: std::ops::Range<usize>,
        weights: &LossWeights,
    ) {
        let inputs = data.inputs().ncols();
        let share = weights.curvature / (data.len() * bundle.products.ncols()) as f64;
        crate::nn::load(data.inputs().subrows(range.start, range.len()), ws.inputs_mut());
        net.lift(ws);
        for d in 0..bundle.count() {
            for j in 0..inputs {
                let directions = ws.direction_mut().iter_mut().zip(bundle.directions.col(d).iter());
                directions.for_each(|(lanes, v)| lanes.fill(*v));
                net.product(ws);
                let product = ws.product_and_residual().0[j];
                net.product_jacobian(ws, j, &mut self.part);
                let target = &bundle.column(d, j)[range.clone()];
                self.put(1 + inputs * (1 + d) + j, &product, target, share * weights.inverse_curvature[j]);
            }
        }
    }

    /// One residual of the tile, `√w·(f − target)`, with its row of `J`; lanes beyond the target are zero.
    fn put(&mut self, residual: usize, f: &[f64; TILE], target: &[f64], weight: f64) {
        let (root, count, stride) = (weight.sqrt(), target.len(), self.residuals * TILE);
        let rows = self.rows.chunks_exact_mut(stride).map(|row| &mut row[residual * TILE..][..TILE]);
        for (row, part) in rows.zip(self.part.iter().chain([f])) {
            for (out, x) in row[..count].iter_mut().zip(part) {
                *out = root * x;
            }
            row[count..].fill(0.0);
        }
        let last = &mut self.rows[self.part.len() * stride + residual * TILE..][..count];
        for (out, t) in last.iter_mut().zip(target) {
            *out -= root * t;
        }
    }
}
