//! Second-order labels: pathwise products of the Hessian with directions, for samples that were drawn.

use core::cell::Cell;

use faer::{Mat, MatMut, MatRef};
use pulp::{Arch, Simd, WithSimd};

use super::Samples;
use super::simulator::{CHUNK, Simulator, store};
use super::specialise::{Work, specialise};
use crate::math::random::{Generator, LANES, Normals};
use crate::model::pathwise::Workspace;
use crate::model::payoff::Smoothed;
use crate::model::{Batch, Jacobian, Model, ModelError, Payoff, Smoothing};

impl<M: Model, P: Payoff> Simulator<'_, M, P> {
    /// Products `Hv` of the Hessian of the price with k directions: pathwise, over the very paths behind the labels of
    /// `samples`, which may be those of the payoff itself while their curvature is that of its smoothing (§5.2.4): values and
    /// deltas stay unbiased so.
    ///
    /// Directions are constant over consecutive blocks of rows, as minibatches want them; the last block may be cut.
    /// Implements the second-order form of Eqs. (10)–(11), forward over reverse.
    ///
    /// # Shapes
    /// m inputs. `directions`: blocks × k·m, `products`: n × k·m; direction d takes the columns from d·m on.
    ///
    /// # Guarantee
    /// The same bits on any number of threads.
    ///
    /// # Errors
    /// [`ModelError::NotPathwise`] if the slope of the payoff so smoothed is not Lipschitz.
    ///
    /// # Panics
    /// Shapes that disagree; samples that no simulator drew.
    ///
    /// ```
    /// use faer::Mat;
    /// use sobolev::data::Simulator;
    /// use sobolev::math::random::{Purpose, Streams};
    /// use sobolev::model::{Bachelier, Call, Smoothing};
    ///
    /// let (model, call) = (Bachelier::random(1, 3)?, Call::default());
    /// let simulator = Simulator::new(&model, &call, 8)?; // labels of the call itself
    /// let samples = simulator.draw(&mut Streams::new(42, Purpose::Training), 256);
    /// // Two directions, other ones for each 64 samples: everything up; the first asset.
    /// let directions = Mat::from_fn(4, 6, |_, column| if column < 4 { 1.0 } else { 0.0 });
    /// let mut products = Mat::zeros(256, 6);
    /// let smoothing = Smoothing::of_width(0.05)?;
    /// simulator.hessian_products_into(&samples, smoothing, directions.as_ref(), 64, &mut products)?;
    /// // The Hessian is a multiple of ωωᵀ: so is every product, of ω.
    /// let weights = model.basket().weights();
    /// assert!((products[(0, 0)] * weights[1] - products[(0, 1)] * weights[0]).abs() < 1e-12);
    /// assert!(simulator.hessian_products_into(&samples, Smoothing::NONE, directions.as_ref(), 64, &mut products).is_err());
    /// # Ok::<(), sobolev::model::ModelError>(())
    /// ```
    #[track_caller]
    pub fn hessian_products_into(
        &self,
        samples: &Samples,
        smoothing: Smoothing,
        directions: MatRef<'_, f64>,
        block: usize,
        products: &mut Mat<f64>,
    ) -> Result<(), ModelError> {
        self.payoff.payoff.require_pathwise(2, smoothing)?;
        let (n, m) = (samples.len(), self.model.inputs());
        assert_eq!(samples.inputs().ncols(), m, "as many inputs as the model has");
        assert!(directions.ncols() % m == 0, "an entry of each direction for each input");
        assert_eq!((products.nrows(), products.ncols()), (n, directions.ncols()), "products as rows and directions");
        assert!(block > 0 && directions.nrows() >= n.div_ceil(block), "a row of directions for each block of samples");
        let origin = samples.origin.as_ref().expect("samples that a simulator labelled");
        let mut streams = origin.streams.clone();
        let generators = streams.batch(n.div_ceil(CHUNK));
        products.fill(0.0);
        let all = All { simulator: self, smoothing, inputs_were_drawn: origin.inputs_too, directions, block };
        all.halve(generators, 0, samples.inputs(), products.as_mut());
        Ok(())
    }
}

/// What is the same for every chunk.
struct All<'a, 'm, M, P> {
    simulator: &'a Simulator<'m, M, P>,
    smoothing: Smoothing,
    inputs_were_drawn: bool,
    directions: MatRef<'a, f64>,
    block: usize,
}

impl<M: Model, P: Payoff> All<'_, '_, M, P> {
    /// One chunk for each generator, as the draw had them.
    fn halve(&self, generators: &[Generator], row: usize, inputs: MatRef<'_, f64>, products: MatMut<'_, f64>) {
        match generators {
            [] => {}
            [generator] => {
                let &Self { smoothing, inputs_were_drawn, directions, block, .. } = self;
                let blocks = row / block..(row + inputs.nrows()).div_ceil(block);
                if directions.subrows(blocks.start, blocks.len()).norm_max() == 0.0 {
                    return; // Products with nothing are the zeros that stand there.
                }
                let mut scratch = SCRATCH.take();
                let (pairs, normals) = (self.simulator.pairs, Normals::new(&mut generator.clone()));
                let scratch_ref = &mut scratch;
                let task = Task {
                    smoothing,
                    pairs,
                    inputs_were_drawn,
                    directions,
                    block,
                    normals,
                    row,
                    inputs,
                    products,
                    scratch: scratch_ref,
                };
                specialise(self.simulator.model, self.simulator.payoff.payoff, task);
                SCRATCH.set(scratch);
            }
            _ => {
                let (first, second) = generators.split_at(generators.len() / 2);
                let rows = first.len() * CHUNK;
                let (x, x_below) = inputs.split_at_row(rows);
                let (y, y_below) = products.split_at_row_mut(rows);
                rayon::join(|| self.halve(first, row, x, y), || self.halve(second, row + rows, x_below, y_below));
            }
        }
    }
}

thread_local! {
    static SCRATCH: Cell<Scratch> = Cell::default();
}

/// Memory for one batch of samples, and a thread's own.
#[derive(Default)]
struct Scratch {
    inputs: Vec<Batch>,
    noise: Vec<Batch>,
    mirrored: Vec<Batch>,
    observables: Vec<Batch>,
    /// k × inputs.
    directions: Vec<Batch>,
    products: Vec<Batch>,
    /// k × observables: what the directions are to the observables, and products of the payoff's Hessian with that.
    pushed: Vec<Batch>,
    bent: Vec<Batch>,
    workspace: Workspace,
}

/// The work of one thread on one chunk.
struct Task<'a> {
    smoothing: Smoothing,
    pairs: usize,
    inputs_were_drawn: bool,
    directions: MatRef<'a, f64>,
    block: usize,
    normals: Normals,
    /// The chunk's first row among all.
    row: usize,
    inputs: MatRef<'a, f64>,
    products: MatMut<'a, f64>,
    scratch: &'a mut Scratch,
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

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { model, payoff, task } = self;
        let Task { pairs, mut normals, directions: all, block, row, inputs: points, mut products, scratch, .. } = task;
        let Scratch { inputs, noise, mirrored, observables, directions, products: sums, pushed, bent, workspace } =
            scratch;
        let (zero, m, p) = (Batch::splat(0.0), model.inputs(), model.observables());
        let k = all.ncols() / m;
        for (list, length) in [(&mut *inputs, m), (noise, model.noise()), (mirrored, model.noise()), (observables, p)] {
            list.resize(length, zero);
        }
        for (list, length) in [(&mut *directions, k * m), (sums, k * m), (pushed, k * p), (bent, k * p)] {
            list.resize(length, zero);
        }
        let scale = Batch::splat(0.5 / pairs as f64);

        for first in (0..points.nrows()).step_by(LANES) {
            if task.inputs_were_drawn {
                (0..m).for_each(|_| _ = normals.draw());
            }
            let lanes = (points.nrows() - first).min(LANES);
            for (j, x) in inputs.iter_mut().enumerate() {
                *x = Batch::splat(0.0);
                (0..lanes).for_each(|l| x.0[l] = points[(first + l, j)]);
            }
            for (j, v) in directions.iter_mut().enumerate() {
                *v = Batch::splat(0.0);
                (0..lanes).for_each(|l| v.0[l] = all[((row + first + l) / block, j)]);
            }
            sums.fill(zero);
            bent.fill(zero);
            if model.jacobian() == Jacobian::Constant {
                for (v, u) in directions.chunks_exact(m).zip(pushed.chunks_exact_mut(p)) {
                    model.push_forward(inputs, noise, v, u, workspace);
                }
            }
            for _ in 0..pairs {
                for (z, mirrored) in noise.iter_mut().zip(mirrored.iter_mut()) {
                    z.0 = normals.draw();
                    *mirrored = -*z;
                }
                for noise in [&*noise, &*mirrored] {
                    if model.jacobian() == Jacobian::General {
                        for (v, sum) in directions.chunks_exact(m).zip(sums.chunks_exact_mut(m)) {
                            workspace.hessian_product(model, &payoff, inputs, noise, v, sum);
                        }
                        continue;
                    }
                    model.observe(inputs, noise, observables);
                    if model.jacobian() == Jacobian::Constant {
                        workspace.bend(&payoff, observables, pushed, bent);
                        continue;
                    }
                    for ((v, sum), (u, bent)) in (directions.chunks_exact(m).zip(sums.chunks_exact_mut(m)))
                        .zip(pushed.chunks_exact_mut(p).zip(bent.chunks_exact_mut(p)))
                    {
                        model.push_forward(inputs, noise, v, u, workspace);
                        bent.fill(zero);
                        workspace.bend(&payoff, observables, u, bent);
                        model.pull_back(inputs, noise, bent, sum, workspace);
                    }
                }
            }
            if model.jacobian() == Jacobian::Constant {
                for (bent, sum) in bent.chunks_exact(p).zip(sums.chunks_exact_mut(m)) {
                    model.pull_back(inputs, noise, bent, sum, workspace);
                }
            }
            store(&mut products, first, sums, scale);
        }
    }
}
