//! Samples from a reference model (§5): random inputs, antithetic paths, pathwise derivatives.

use core::cell::Cell;

use faer::{Mat, MatMut};
use pulp::{Arch, Simd, WithSimd};

use super::Samples;
use super::buffers::Buffers;
use super::samples::Origin;
use super::specialise::{Work, specialise};
use crate::math::random::{Generator, LANES, Normals, Streams};
use crate::model::pathwise::Workspace;
use crate::model::payoff::Smoothed;
use crate::model::{Batch, Jacobian, Model, ModelError, Payoff, Smoothing, keep_lanes};

/// Samples that share a random stream, and are computed by one thread.
pub const CHUNK: usize = 512;

/// Draws labelled samples: inputs from the model's training law, and for each of them the mean payoff and the mean pathwise
/// derivatives over `paths` antithetic pairs of paths `g(x, ±z)`.
///
/// More pairs mean less noise in each label, at the cost of the simulation only.
///
/// # Guarantee
/// The same streams give the same bits on any number of threads; two draws in a row of multiples of [`CHUNK`] give the
/// samples of one.
///
/// ```
/// use sobolev::data::Simulator;
/// use sobolev::math::random::{Purpose, Streams};
/// use sobolev::model::{Bachelier, Call};
///
/// let (model, call) = (Bachelier::random(1, 7)?, Call::default());
/// let simulator = Simulator::new(&model, &call, 8)?;
/// let mut streams = Streams::new(42, Purpose::Training);
/// let mut samples = simulator.draw(&mut streams, 1024);
/// assert_eq!((samples.len(), samples.derivatives().unwrap().ncols()), (1024, 7));
/// simulator.draw_into(&mut streams, &mut samples); // fresh ones in the same memory
/// # Ok::<(), sobolev::model::ModelError>(())
/// ```
#[derive(Debug)]
pub struct Simulator<'a, M, P> {
    pub(super) model: &'a M,
    pub(super) payoff: Smoothed<'a, P>,
    pub(super) pairs: usize,
    derivatives: bool,
    /// Whether values are those of the payoff itself though derivatives are not.
    sharp_values: bool,
}

impl<'a, M: Model, P: Payoff> Simulator<'a, M, P> {
    /// Values and derivatives of the payoff itself.
    ///
    /// # Errors
    /// [`ModelError::NotPathwise`] for a payoff that jumps.
    ///
    /// # Panics
    /// No paths.
    #[track_caller]
    pub fn new(model: &'a M, payoff: &'a P, paths: usize) -> Result<Self, ModelError> {
        payoff.require_pathwise(1, Smoothing::NONE)?;
        Ok(Self { derivatives: true, ..Self::values_only(model, payoff, paths) })
    }

    /// Values and derivatives of the smoothed payoff (§5.2.4), which are biased the more, the larger the width.
    ///
    /// # Errors
    /// [`ModelError::NotPathwise`] for a payoff that jumps, if there is no smoothing.
    ///
    /// # Panics
    /// No paths.
    #[track_caller]
    pub fn smoothed(model: &'a M, payoff: &'a P, paths: usize, smoothing: Smoothing) -> Result<Self, ModelError> {
        if smoothing.is_none() {
            return Self::new(model, payoff, paths);
        }
        Ok(Self {
            payoff: Smoothed { payoff, smoothing },
            derivatives: true,
            ..Self::values_only(model, payoff, paths)
        })
    }

    /// The same with values of the payoff itself, unbiased, beside derivatives of its smoothing.
    pub fn with_sharp_values(self) -> Self {
        Self { sharp_values: !self.payoff.smoothing.is_none(), ..self }
    }

    /// Values alone, of any payoff.
    ///
    /// # Panics
    /// No paths.
    #[track_caller]
    pub fn values_only(model: &'a M, payoff: &'a P, paths: usize) -> Self {
        assert!(paths > 0, "each sample needs at least one pair of paths");
        Self {
            model,
            payoff: Smoothed { payoff, smoothing: Smoothing::NONE },
            pairs: paths,
            derivatives: false,
            sharp_values: false,
        }
    }

    /// `n` fresh samples.
    pub fn draw(&self, streams: &mut Streams, n: usize) -> Samples {
        let mut samples = Samples::zeros(n, self.model.inputs(), self.derivatives);
        self.draw_into(streams, &mut samples);
        samples
    }

    /// The inputs that [`draw`](Self::draw) would give samples, from the same streams: no path is simulated.
    pub fn inputs(&self, streams: &mut Streams, n: usize) -> Mat<f64> {
        let mut samples = Samples::zeros(n, self.model.inputs(), false);
        let generators = streams.batch(n.div_ceil(CHUNK));
        let (inputs, values, _) = samples.parts_mut();
        self.halve(generators, Rows { inputs, values, derivatives: None }, Part::Inputs);
        samples.inputs().to_owned()
    }

    /// Fresh samples in place of `samples`: as many, with derivatives if there is room for them. Once each thread has done
    /// one chunk, nothing is allocated.
    ///
    /// # Panics
    /// Another number of inputs than the model's; room for derivatives that are not simulated.
    #[track_caller]
    pub fn draw_into(&self, streams: &mut Streams, samples: &mut Samples) {
        self.fill(streams, samples, Part::Both);
    }

    /// Fresh labels for the inputs that `samples` has.
    ///
    /// # Panics
    /// As [`draw_into`](Self::draw_into).
    #[track_caller]
    pub fn label_into(&self, streams: &mut Streams, samples: &mut Samples) {
        self.fill(streams, samples, Part::Labels);
    }

    #[track_caller]
    fn fill(&self, streams: &mut Streams, samples: &mut Samples, part: Part) {
        assert_eq!(samples.inputs().ncols(), self.model.inputs(), "as many inputs as the model has");
        assert!(self.derivatives || samples.derivatives().is_none(), "this simulator draws values only");
        samples.smoothing = self.payoff.smoothing;
        samples.origin = Some(Origin { streams: streams.mark(), inputs_too: part == Part::Both });
        let generators = streams.batch(samples.len().div_ceil(CHUNK));
        let (inputs, values, derivatives) = samples.parts_mut();
        self.halve(generators, Rows { inputs, values, derivatives }, part);
    }

    /// One chunk for each generator. Halving needs no list of chunks.
    fn halve(&self, generators: &[Generator], rows: Rows<'_>, part: Part) {
        match generators {
            [] => {}
            [generator] => self.chunk(generator, rows, part),
            _ => {
                let (first, second) = generators.split_at(generators.len() / 2);
                let (above, below) = rows.split_at(first.len() * CHUNK);
                rayon::join(|| self.halve(first, above, part), || self.halve(second, below, part));
            }
        }
    }

    fn chunk(&self, generator: &Generator, rows: Rows<'_>, part: Part) {
        // Taken, not borrowed: a model that simulates within its own path gets a workspace of its own.
        let mut scratch = SCRATCH.take();
        let mut normals = Normals::new(&mut generator.clone());
        let task = Task {
            smoothing: self.payoff.smoothing,
            sharp_values: self.sharp_values,
            pairs: self.pairs,
            normals: &mut normals,
            rows,
            scratch: &mut scratch,
            part,
        };
        specialise(self.model, self.payoff.payoff, task);
        SCRATCH.set(scratch);
    }
}

thread_local! {
    static SCRATCH: Cell<Scratch> = Cell::default();
}

/// A thread's own memory.
#[derive(Default)]
struct Scratch {
    buffers: Buffers<Vec<Batch>, Vec<Batch>>,
    workspace: Workspace,
}

/// What of its samples a draw makes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Inputs,
    Labels,
    Both,
}

/// Some rows of samples.
struct Rows<'a> {
    inputs: MatMut<'a, f64>,
    values: &'a mut [f64],
    derivatives: Option<MatMut<'a, f64>>,
}

impl Rows<'_> {
    fn split_at(self, row: usize) -> (Self, Self) {
        let (inputs, inputs_below) = self.inputs.split_at_row_mut(row);
        let (values, values_below) = self.values.split_at_mut(row);
        let (derivatives, derivatives_below) = self.derivatives.map(|d| d.split_at_row_mut(row)).unzip();
        (
            Self { inputs, values, derivatives },
            Self { inputs: inputs_below, values: values_below, derivatives: derivatives_below },
        )
    }
}

/// The work of one thread on one chunk.
struct Task<'a> {
    smoothing: Smoothing,
    sharp_values: bool,
    pairs: usize,
    normals: &'a mut Normals,
    rows: Rows<'a>,
    scratch: &'a mut Scratch,
    part: Part,
}

impl Work for Task<'_> {
    fn run<M: Model, P: Payoff>(self, model: &M, payoff: &P) {
        Arch::new().dispatch(Chunk { model, payoff: Smoothed { payoff, smoothing: self.smoothing }, task: self });
    }
}

/// The work, compiled for the vectors that the machine has.
struct Chunk<'a, 't, M, P> {
    model: &'a M,
    payoff: Smoothed<'a, P>,
    task: Task<'t>,
}

impl<M: Model, P: Payoff> WithSimd for Chunk<'_, '_, M, P> {
    type Output = ();

    /// Of the paper's baskets, one asset and seven, the compiler knows the lengths of all loops, for a seventh and a twelfth more
    /// speed. Other counts are not worth a copy each of the code for every model and payoff.
    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        match [self.model.inputs(), self.model.noise(), self.model.observables()] {
            [1, 1, 1] => self.run(&mut Buffers::<[Batch; 1], _>::small()),
            [7, 7, 1] => self.run(&mut Buffers::<[Batch; 7], _>::small()),
            _ => {
                let mut buffers = core::mem::take(&mut self.task.scratch.buffers);
                buffers.resize(self.model);
                self.run(&mut buffers);
                self.task.scratch.buffers = buffers;
            }
        }
    }
}

impl<M: Model, P: Payoff> Chunk<'_, '_, M, P> {
    /// One batch of samples after the other.
    #[inline(always)]
    fn run<I: AsMut<[Batch]>, O: AsMut<[Batch]>>(&mut self, buffers: &mut Buffers<I, O>) {
        let Self { model, payoff, task } = self;
        let Task { sharp_values, pairs, normals, rows, scratch, part, .. } = task;
        let (pairs, part, workspace) = (*pairs, *part, &mut scratch.workspace);
        let (inputs, inputs_bar) = (buffers.inputs.as_mut(), buffers.inputs_bar.as_mut());
        let (noise, mirrored) = (buffers.noise.as_mut(), buffers.mirrored.as_mut());
        let (observables, mirrored_observables) = (buffers.observables.as_mut(), buffers.mirrored_observables.as_mut());
        let (observables_bar, sums) = (buffers.observables_bar.as_mut(), buffers.sums.as_mut());
        let zero = Batch::splat(0.0);
        // What all paths have in common can wait until they are done.
        let constant = model.jacobian() == Jacobian::Constant;
        let scale = Batch::splat(0.5 / pairs as f64);

        for first in (0..rows.values.len()).step_by(LANES) {
            if part != Part::Labels {
                normals.draw_each(inputs_bar.iter_mut().map(|z| &mut z.0));
                model.training_inputs(inputs_bar, inputs);
                store(&mut rows.inputs, first, inputs, Batch::splat(1.0));
            } else {
                load(&rows.inputs, first, inputs);
            }
            if part == Part::Inputs {
                // The noise that goes with them: the next inputs are those of a draw with labels.
                (0..pairs * model.noise()).for_each(|_| _ = normals.draw());
                continue;
            }

            let mut value = zero;
            inputs_bar.fill(zero);
            sums.fill(zero);
            for _ in 0..pairs {
                normals.draw_each(noise.iter_mut().map(|z| &mut z.0));
                for (mirrored, &z) in mirrored.iter_mut().zip(&*noise) {
                    keep_lanes();
                    *mirrored = -z;
                }
                model.observe_both(inputs, noise, mirrored, observables, mirrored_observables);
                for (noise, observables) in [(&*noise, &*observables), (&*mirrored, &*mirrored_observables)] {
                    if rows.derivatives.is_some() {
                        let paid = workspace.payoff(payoff, observables, observables_bar);
                        value =
                            value + if *sharp_values { payoff.payoff.pay(observables, Smoothing::NONE) } else { paid };
                        if constant {
                            sums.iter_mut().zip(&*observables_bar).for_each(|(sum, &bar)| *sum = *sum + bar);
                        } else {
                            model.pull_back(inputs, noise, observables_bar, inputs_bar, workspace);
                        }
                    } else {
                        value = value + payoff.payoff.pay(observables, payoff.smoothing);
                    }
                }
            }
            write(&mut rows.values[first..], value * scale);
            if let Some(derivatives) = &mut rows.derivatives {
                if constant {
                    model.pull_back(inputs, noise, sums, inputs_bar, workspace);
                }
                store(derivatives, first, inputs_bar, scale);
            }
        }
    }
}

/// A batch into the next rows of a column; fewer where the column ends.
#[inline(always)]
fn write(column: &mut [f64], batch: Batch) {
    match column.first_chunk_mut() {
        Some(full) => *full = batch.0,
        None => write_rest(column, &{ batch }),
    }
}

/// Apart, or the compiler makes one call of `memcpy` of both cases, which costs more than the sample.
#[cold]
#[inline(never)]
fn write_rest(column: &mut [f64], batch: &Batch) {
    column.copy_from_slice(&batch.0[..column.len()]);
}

/// One batch for each column, scaled.
#[inline(always)]
pub(super) fn store(matrix: &mut MatMut<'_, f64>, first: usize, batches: &[Batch], scale: Batch) {
    for (j, &batch) in batches.iter().enumerate() {
        let column = matrix.as_mut().col_mut(j).try_as_col_major_mut().expect("columns are contiguous");
        write(&mut column.as_slice_mut()[first..], batch * scale);
    }
}

/// One batch from each column; zeros where the column ends.
#[inline(always)]
fn load(matrix: &MatMut<'_, f64>, first: usize, batches: &mut [Batch]) {
    for (j, batch) in batches.iter_mut().enumerate() {
        let column = matrix.as_ref().col(j).try_as_col_major().expect("columns are contiguous");
        let rest = &column.as_slice()[first..];
        *batch = Batch::splat(0.0);
        let rows = rest.len().min(LANES);
        batch.0[..rows].copy_from_slice(&rest[..rows]);
    }
}
