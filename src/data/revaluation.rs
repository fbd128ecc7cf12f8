//! Labels where there is no formula: differences of revaluations with common random numbers, which know nothing of pathwise
//! derivatives.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::TestSet;
use super::specialise::{Work, specialise};
use super::test_set::StandardErrors;
use crate::math::random::{LANES, Normals, Streams};
use crate::model::{Batch, Model, Payoff, Regularity, Smoothing};

/// Share of an input's range that it is bumped by, up and down, for deltas and for gamma: for payoffs that jump the noise falls
/// with wide bumps, for others it hardly depends on them.
const BUMPS: [(Regularity, f64, f64); 2] =
    [(Regularity::Discontinuous, 0.015, 0.04), (Regularity::Lipschitz, 0.004, 0.02)];

/// Path evaluations times what one costs, in units of one random number, that a test set may take: a few seconds.
const BUDGET: usize = 1 << 33;
/// Most pairs of paths a point.
const MOST_PAIRS: usize = 1 << 14;
const FEWEST_PAIRS: usize = 1 << 9;

impl TestSet {
    /// `n` points from the next stream, labelled by Monte Carlo: values are means over antithetic pairs of paths; derivatives
    /// are central differences, gamma a second difference along all spots, of payoffs over the same paths.
    ///
    /// Differences are biased by the square of the bump: 1.5 % of an input's range (of its test law) for deltas and 4 % for
    /// gammas of payoffs that jump, 0.4 % and 2 % for others.
    ///
    /// # Guarantee
    /// The same bits on any number of threads.
    ///
    /// # Panics
    /// Fewer than [`LANES`] pairs.
    #[track_caller]
    pub fn revalued(model: &impl Model, payoff: &impl Payoff, streams: &mut Streams, n: usize, pairs: usize) -> Self {
        assert!(pairs >= LANES, "at least {LANES} pairs of paths");
        let mut test = Self::points(model, streams, n);
        let (m, batches) = (model.inputs(), pairs / LANES);
        let (mut low, mut high) = (vec![0.0; m], vec![0.0; m]);
        model.test_inputs(&vec![0.0; m], &mut low);
        model.test_inputs(&vec![1.0; m], &mut high);
        let regularity = payoff.regularity();
        let &(_, small, wide) = BUMPS.iter().find(|b| regularity <= b.0).unwrap_or(&BUMPS[1]);
        let ranges: Vec<f64> = low.iter().zip(&high).map(|(l, h)| (h - l).abs()).collect();
        // Spots move together for gamma: by the least of their ranges.
        let spot_range = ranges[..model.spots()].iter().copied().fold(f64::INFINITY, f64::min);
        let bumps: Vec<f64> = ranges.iter().map(|r| small * r).collect();
        let gamma_bump = wide * spot_range;

        let generators = streams.batch(n).to_vec();
        let rows: Vec<Row> = (generators.into_par_iter().enumerate())
            .map(|(row, mut generator)| {
                let mut point = vec![0.0; m];
                test.point(row, &mut point);
                let mut sums = Row { means: vec![0.0; m + 2], errors: vec![0.0; m + 2] };
                let normals = Normals::new(&mut generator);
                specialise(model, payoff, Task { point, bumps: &bumps, gamma_bump, batches, normals, sums: &mut sums });
                sums
            })
            .collect();
        let mut errors = StandardErrors {
            pairs: batches * LANES,
            values: vec![0.0; n],
            deltas: faer::Mat::zeros(n, m),
            gammas: vec![0.0; n],
        };
        for (row, Row { means, errors: own }) in rows.iter().enumerate() {
            (test.values[row], errors.values[row]) = (means[m], own[m]);
            (test.gammas[row], errors.gammas[row]) = (means[m + 1], own[m + 1]);
            for j in 0..m {
                (test.deltas[(row, j)], errors.deltas[(row, j)]) = (means[j], own[j]);
            }
        }
        test.errors = Some(errors);
        test
    }

    /// Pairs of paths that `n` points of a model can have in a few seconds.
    pub fn affordable_pairs(model: &impl Model, n: usize) -> usize {
        let evaluations = 2 * (3 + 2 * model.inputs()) * n;
        (BUDGET / (evaluations * (model.noise() + 20))).clamp(FEWEST_PAIRS, MOST_PAIRS)
    }
}

/// Means and standard errors of the derivatives by each input, the value and gamma, at one point.
struct Row {
    means: Vec<f64>,
    errors: Vec<f64>,
}

/// One point.
struct Task<'a> {
    point: Vec<f64>,
    bumps: &'a [f64],
    gamma_bump: f64,
    batches: usize,
    normals: Normals,
    sums: &'a mut Row,
}

impl Work for Task<'_> {
    fn run<M: Model, P: Payoff>(self, model: &M, payoff: &P) {
        Arch::new().dispatch(Point { model, payoff, task: self });
    }
}

struct Point<'a, 't, M, P> {
    model: &'a M,
    payoff: &'a P,
    task: Task<'t>,
}

impl<M: Model, P: Payoff> WithSimd for Point<'_, '_, M, P> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { model, payoff, task } = self;
        let Task { point, bumps, gamma_bump, batches, mut normals, sums } = task;
        let (zero, half, m) = (Batch::splat(0.0), Batch::splat(0.5), point.len());
        let mut inputs: Vec<Batch> = point.iter().map(|&x| Batch::splat(x)).collect();
        let (mut noise, mut mirrored) = (vec![zero; model.noise()], vec![zero; model.noise()]);
        let mut observables = vec![zero; model.observables()];
        let (mut totals, mut squares) = (vec![zero; m + 2], vec![zero; m + 2]);
        for _ in 0..batches {
            for (z, mirrored) in noise.iter_mut().zip(&mut mirrored) {
                z.0 = normals.draw();
                *mirrored = -*z;
            }
            let mut value = |inputs: &[Batch]| {
                let mut sum = zero;
                for noise in [&noise, &mirrored] {
                    model.observe(inputs, noise, &mut observables);
                    sum = sum + payoff.pay(&observables, Smoothing::NONE);
                }
                half * sum
            };
            let mut add = |quantity: usize, x: Batch| {
                totals[quantity] = totals[quantity] + x;
                squares[quantity] = squares[quantity] + x * x;
            };
            let middle = value(&inputs);
            add(m, middle);
            for j in 0..m {
                let [up, down] = [bumps[j], -bumps[j]].map(|bump| {
                    inputs[j] = Batch::splat(point[j] + bump);
                    value(&inputs)
                });
                inputs[j] = Batch::splat(point[j]);
                add(j, (up - down) * Batch::splat(0.5 / bumps[j]));
            }
            let [up, down] = [gamma_bump, -gamma_bump].map(|bump| {
                (0..model.spots()).for_each(|j| inputs[j] = Batch::splat(point[j] + bump));
                value(&inputs)
            });
            (0..model.spots()).for_each(|j| inputs[j] = Batch::splat(point[j]));
            add(m + 1, (up + down - middle - middle) * Batch::splat(1.0 / (gamma_bump * gamma_bump)));
        }
        let pairs = (batches * LANES) as f64;
        for quantity in 0..m + 2 {
            let mean = totals[quantity].sum() / pairs;
            let variance = (squares[quantity].sum() / pairs - mean * mean).max(0.0);
            (sums.means[quantity], sums.errors[quantity]) = (mean, (variance / (pairs - 1.0)).sqrt());
        }
    }
}
