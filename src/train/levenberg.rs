//! Levenberg–Marquardt on the residuals of the loss, for networks of few parameters.
//!
//! With the residuals `ρ` of all samples (values and derivatives, weighted as in Eq. (1)) and their Jacobian `J` in the
//! parameters, each iteration solves `(JᵀJ + μ·diag JᵀJ) s = Jᵀρ` and moves by `−s` if that lowers the loss. Rows of `J`
//! come from one reverse sweep (value) and one second reverse sweep an input (derivatives), tile by tile.

use faer::linalg::matmul::triangular::{BlockStructure, matmul as triangular_matmul};
use faer::linalg::solvers::Solve as _;
use faer::{Accum, Mat, MatRef, Par, Side};
use rayon::prelude::*;

use super::gradient::{BatchGradient, Rows};
use super::{Loss, LossWeights};
use crate::data::Scaled;
use crate::error::{Error, Result};
use crate::nn::{Chain, Network, Slot, TILE, Workspace};
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
    /// Iterations without a better held-out loss before it stops.
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
/// Damping beyond which no step is going to lower the loss.
const STUCK: f64 = 1e12;

impl LevenbergMarquardt {
    /// Trains in place on `data`; keeps the parameters that are best on `held_out`.
    ///
    /// # Errors
    /// [`Error::Diverged`] if the loss is not finite at the start; [`Error::Interrupted`] with the best parameters so far.
    ///
    /// # Panics
    /// If data and network disagree, or the loss needs derivatives that the data lacks.
    #[track_caller]
    pub fn run<C: Chain>(
        &self,
        net: &mut Network<C, f64>,
        data: &Scaled<f64>,
        held_out: &Scaled<f64>,
        observer: &mut dyn Observer,
    ) -> Result<LevenbergReport> {
        let weights = LossWeights::new(self.loss, data);
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
            let gained = (loss - new) / loss;
            loss = new;
            report.iterations += 1;
            let outside = loss_of(net, held_out);
            // What counts as better must exceed the noise of summation, or it would never stop.
            waited = if outside < best * (1.0 - 1e-7) { 0 } else { waited + 1 };
            if outside < best {
                best = outside;
                kept.copy_from_slice(net.params());
            }
            interrupted = observer.step(report.iterations, self.iterations, loss).is_break();
            if interrupted || gained < 1e-9 {
                break;
            }
        }
        observer.finish();
        net.params_mut().copy_from_slice(&kept);
        (report.training[1], report.held_out[1]) = (loss, best);
        if interrupted { Err(Error::Interrupted) } else { Ok(report) }
    }
}

/// `JᵀJ` (lower triangle) and `Jᵀρ`.
struct Normal {
    matrix: Mat<f64>,
    vector: Vec<f64>,
}

impl Normal {
    fn of<C: Chain>(net: &Network<C, f64>, data: &Scaled<f64>, weights: &LossWeights) -> Self {
        let blocks: Vec<usize> = (0..data.len()).step_by(BLOCK).collect();
        let partial = |&at: &usize| {
            let mut sum = BlockSum::new(net);
            for tile in (at..data.len().min(at + BLOCK)).step_by(TILE) {
                sum.tile(net, data, tile, weights);
            }
            sum.normal
        };
        // In order of the blocks, a bounded number of them in memory.
        let mut total: Option<Self> = None;
        for group in blocks.chunks(64) {
            for part in group.par_iter().map(partial).collect::<Vec<_>>() {
                total = Some(match total {
                    None => part,
                    Some(mut t) => {
                        t.matrix += part.matrix;
                        t.vector.iter_mut().zip(part.vector).for_each(|(a, b)| *a += b);
                        t
                    }
                });
            }
        }
        total.expect("at least one sample")
    }

    /// `(JᵀJ + μ·diag JᵀJ)⁻¹ Jᵀρ`; not a number if that matrix is singular in floating point, so that no step is taken.
    fn step(&self, damping: f64) -> Vec<f64> {
        let n = self.vector.len();
        let mut a = self.matrix.clone();
        let floor = 1e-14 * (0..n).map(|i| a[(i, i)]).fold(0.0, f64::max);
        for i in 0..n {
            a[(i, i)] += damping * a[(i, i)] + floor;
        }
        let rhs = Mat::from_fn(n, 1, |i, _| self.vector[i]);
        match a.llt(Side::Lower) {
            Ok(factor) => factor.solve(&rhs).col_as_slice(0).to_vec(),
            Err(_) => vec![f64::NAN; n],
        }
    }
}

struct BlockSum {
    ws: Workspace<f64>,
    saved: Vec<[f64; TILE]>,
    rows: Vec<[f64; TILE]>,
    normal: Normal,
}

impl BlockSum {
    fn new<C: Chain>(net: &Network<C, f64>) -> Self {
        let n = net.params().len();
        Self {
            ws: net.workspace(),
            saved: Vec::new(),
            rows: vec![[0.0; TILE]; n],
            normal: Normal { matrix: Mat::zeros(n, n), vector: vec![0.0; n] },
        }
    }

    fn tile<C: Chain>(&mut self, net: &Network<C, f64>, data: &Scaled<f64>, at: usize, weights: &LossWeights) {
        let count = TILE.min(data.len() - at);
        let range = at..at + count;
        let ws = &mut self.ws;
        crate::nn::load(data.inputs().subrows(at, count), ws.input_mut(Slot::Value));
        let sobolev = !weights.inverse_scale.is_empty();
        if sobolev {
            net.forward::<2>(ws)
        } else {
            net.forward::<1>(ws)
        }
        ws.output_mut(Slot::Bar).as_flattened_mut().fill(1.0);
        if sobolev {
            net.reverse::<2>(ws)
        } else {
            net.reverse::<1>(ws)
        }
        let mut residual = [0.0; TILE];
        for ((r, f), y) in residual.iter_mut().zip(ws.output(Slot::Value)[0]).zip(&data.value_column(0)[range.clone()])
        {
            *r = f - y;
        }
        net.param_jacobian(ws, false, &mut self.rows);
        Self::add(&mut self.normal, &mut self.rows, &residual, count, weights.value / data.len() as f64);
        if !sobolev {
            return;
        }
        self.saved.clear();
        self.saved.extend_from_slice(ws.tape());
        let inputs = net.chain().inputs();
        for j in 0..inputs {
            // Each direction starts from the first reverse sweep, whose curvatures the tangent sweep overwrites.
            ws.restore(&self.saved);
            ws.input_mut(Slot::Dot).iter_mut().for_each(|dot| dot.fill(0.0));
            ws.input_mut(Slot::Dot)[j].fill(1.0);
            net.tangent(ws);
            ws.output_mut(Slot::BarDot).as_flattened_mut().fill(0.0);
            net.second_reverse(ws);
            let mut residual = [0.0; TILE];
            let slopes = &data.derivative_column(j)[range.clone()];
            for ((r, d), t) in residual.iter_mut().zip(ws.input(Slot::Bar)[j]).zip(slopes) {
                *r = d - t;
            }
            net.param_jacobian(ws, true, &mut self.rows);
            let weight = weights.derivative * weights.inverse_scale[j] / (data.len() * inputs) as f64;
            Self::add(&mut self.normal, &mut self.rows, &residual, count, weight);
        }
    }

    /// `JᵀJ += w·rows·rowsᵀ`, `Jᵀρ += w·rows·residual` over the lanes in use.
    fn add(normal: &mut Normal, rows: &mut [[f64; TILE]], residual: &[f64; TILE], count: usize, weight: f64) {
        let n = rows.len();
        for (row, v) in rows.iter_mut().zip(&mut normal.vector) {
            row[count..].fill(0.0);
            *v += weight * row.iter().zip(residual).map(|(a, b)| a * b).sum::<f64>();
        }
        let lanes = MatRef::from_row_major_slice(rows.as_flattened(), n, TILE);
        triangular_matmul(
            normal.matrix.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Add,
            lanes,
            BlockStructure::Rectangular,
            lanes.transpose(),
            BlockStructure::Rectangular,
            weight,
            Par::Seq,
        );
    }
}
