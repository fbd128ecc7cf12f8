//! The simulator: the fast way against the tape, the same bits on any number of threads, no allocation, refusals.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use faer::Mat;
use sobolev::ad::Lanes;
use sobolev::data::{CHUNK, Samples, Simulator};
use sobolev::math::Scalar;
use sobolev::math::random::{Normals, Purpose, Streams};
use sobolev::math::statistics::Moments;
use sobolev::model::pathwise::{self, Workspace};
use sobolev::model::{
    AnyModel, Bachelier, Batch, BlackScholes, Call, Model, ModelError, Observed, Parameter, Payoff, Regularity,
    Smoothing,
};

const BASKET_SEED: u64 = 11;

fn streams() -> Streams {
    Streams::new(5, Purpose::Training)
}

fn draw(normals: &mut Normals) -> Batch {
    Lanes(normals.draw())
}

/// `n` samples at the point 1.
fn at_one(assets: usize, n: usize, derivatives: bool) -> Samples {
    let mut samples = Samples::zeros(n, assets, derivatives);
    samples.inputs_mut().fill(1.0);
    samples
}

/// Pulls adjoints back by the tape: the trait's default, with nothing overridden.
struct Plain<'a>(&'a Bachelier);

impl Model for Plain<'_> {
    fn inputs(&self) -> usize {
        self.0.inputs()
    }
    fn noise(&self) -> usize {
        self.0.noise()
    }
    fn observables(&self) -> usize {
        self.0.observables()
    }
    fn path<S: Scalar>(&self, inputs: &[S], noise: &[S], observables: &mut [S]) {
        self.0.path(inputs, noise, observables);
    }
    fn training_inputs<S: Scalar>(&self, normals: &[S], inputs: &mut [S]) {
        self.0.training_inputs(normals, inputs);
    }
    fn test_inputs(&self, uniforms: &[f64], inputs: &mut [f64]) {
        self.0.test_inputs(uniforms, inputs);
    }
}

/// The fast forms of a batch against one tape over the whole path, lane by lane, smoothed and not.
#[test]
fn fast_paths_are_the_taped_path() {
    for assets in [1, 2, 7, 20] {
        let model = Bachelier::random(BASKET_SEED, assets).unwrap();
        let call = Call::new(1.0).unwrap();
        let mut normals = Normals::new(&mut streams().next().unwrap());
        let mut workspace = Workspace::default();
        for _ in 0..50 {
            let inputs: Vec<Batch> =
                (0..assets).map(|_| Batch::splat(1.0) + Batch::splat(0.3) * draw(&mut normals)).collect();
            let noise: Vec<Batch> = (0..assets).map(|_| draw(&mut normals)).collect();
            let (mut fast, mut plain) = ([Batch::splat(0.0)], [Batch::splat(0.0)]);
            model.observe(&inputs, &noise, &mut fast);
            Plain(&model).observe(&inputs, &noise, &mut plain);
            let bar = [draw(&mut normals)];
            let (mut fast_bar, mut plain_bar) = (vec![Batch::splat(0.5); assets], vec![Batch::splat(0.5); assets]);
            model.pull_back(&inputs, &noise, &bar, &mut fast_bar, &mut workspace);
            Plain(&model).pull_back(&inputs, &noise, &bar, &mut plain_bar, &mut workspace);
            let tolerance = 4.0 * f64::EPSILON * assets as f64;
            for l in 0..8 {
                assert!((fast[0].0[l] - plain[0].0[l]).abs() < tolerance);
                for j in 0..assets {
                    assert!((fast_bar[j].0[l] - plain_bar[j].0[l]).abs() < tolerance);
                    assert!((fast_bar[j].0[l] - 0.5 - model.basket().weights()[j] * bar[0].0[l]).abs() < tolerance);
                }
            }
            // Over the batch and over single points: the same.
            let smoothing = Smoothing::of_width(0.1).unwrap();
            let (value, deltas) = pathwise::gradient(&model, &call, smoothing, &inputs, &noise);
            for l in 0..8 {
                let lane = |v: &[Batch]| v.iter().map(|b| b.0[l]).collect::<Vec<_>>();
                let single = pathwise::gradient(&model, &call, smoothing, &lane(&inputs), &lane(&noise));
                assert!((value.0[l] - single.0).abs() < 1e-14);
                assert!(lane(&deltas).iter().zip(&single.1).all(|(a, b)| (a - b).abs() < 1e-14));
            }
        }
    }
}

/// z and −z at once against one after the other: the same bits, signs of zeros included.
#[test]
fn both_paths_are_each_path() {
    let three = Observed::Basket { dates: 3 };
    for (assets, observed) in [(1, three), (7, Observed::Basket { dates: 1 }), (7, three), (7, Observed::Assets)] {
        for inputs in [&[][..], &Parameter::ALL] {
            let bachelier = Bachelier::random(BASKET_SEED, assets).unwrap().observing(observed).unwrap();
            check_both(&bachelier.with_inputs(inputs));
            let black_scholes = BlackScholes::random(BASKET_SEED, assets).unwrap().observing(observed).unwrap();
            check_both(&black_scholes.with_inputs(inputs));
        }
    }
}

fn check_both(model: &impl Model) {
    let mut normals = Normals::new(&mut streams().next().unwrap());
    let zero = Batch::splat(0.0);
    let observables = || vec![zero; model.observables()];
    for i in 0..20 {
        let inputs: Vec<Batch> = (0..model.inputs()).map(|_| (Batch::splat(0.2) * draw(&mut normals)).exp()).collect();
        // Once no noise at all.
        let noise: Vec<Batch> = (0..model.noise()).map(|_| if i == 0 { zero } else { draw(&mut normals) }).collect();
        let mirrored: Vec<Batch> = noise.iter().map(|&z| -z).collect();
        let (mut both, mut each) = ([observables(), observables()], [observables(), observables()]);
        let [one, other] = &mut both;
        model.observe_both(&inputs, &noise, &mirrored, one, other);
        model.observe(&inputs, &noise, &mut each[0]);
        model.observe(&inputs, &mirrored, &mut each[1]);
        let bits = |observables: &[Vec<Batch>; 2]| {
            observables.iter().flatten().map(|batch| batch.0.map(f64::to_bits)).collect::<Vec<_>>()
        };
        assert_eq!(bits(&both), bits(&each));
    }
}

/// The simulator against a plain loop over its own random numbers: antithetic pairs, each path on one whole tape.
#[test]
fn samples_are_the_means_of_taped_paths() {
    let model = Bachelier::random(BASKET_SEED, 7).unwrap();
    let call = Call::default();
    for (pairs, smoothing) in [(1, Smoothing::NONE), (3, Smoothing::NONE), (2, Smoothing::of_width(0.05).unwrap())] {
        let simulator = Simulator::smoothed(&model, &call, pairs, smoothing).unwrap();
        // Two chunks, the second ragged; the first two batches and the last are looked at.
        let n = CHUNK + 13;
        let samples = simulator.draw(&mut streams(), n);
        assert_eq!(samples.smoothing(), smoothing);
        let same_from_tape =
            Simulator::smoothed(&Plain(&model), &call, pairs, smoothing).unwrap().draw(&mut streams(), n);
        for (chunk, mut generator) in streams().take(2).enumerate() {
            let mut normals = Normals::new(&mut generator);
            for first in (chunk * CHUNK..n.min((chunk + 1) * CHUNK)).step_by(8) {
                let z: Vec<Batch> = (0..7).map(|_| draw(&mut normals)).collect();
                let noise: Vec<Vec<Batch>> = (0..pairs).map(|_| (0..7).map(|_| draw(&mut normals)).collect()).collect();
                for row in first..n.min(first + 8) {
                    let lane = |v: &[Batch]| v.iter().map(|b| b.0[row - first]).collect::<Vec<_>>();
                    let mut x = [0.0; 7];
                    model.training_inputs(&lane(&z), &mut x);
                    let (mut value, mut deltas) = (0.0, [0.0; 7]);
                    for noise in &noise {
                        for sign in [1.0, -1.0] {
                            let noise: Vec<f64> = lane(noise).iter().map(|z| sign * z).collect();
                            let (v, d) = pathwise::gradient(&model, &call, smoothing, &x, &noise);
                            value += v / (2 * pairs) as f64;
                            deltas.iter_mut().zip(d).for_each(|(sum, d)| *sum += d / (2 * pairs) as f64);
                        }
                    }
                    for samples in [&samples, &same_from_tape] {
                        assert!((samples.values()[row] - value).abs() < 1e-14);
                        for j in 0..7 {
                            assert_eq!(samples.inputs()[(row, j)], x[j]);
                            assert!((samples.derivatives().unwrap()[(row, j)] - deltas[j]).abs() < 1e-13);
                        }
                    }
                }
            }
        }
    }
}

/// Training inputs have mean 1 and 1.5 times the covariance root of one year.
#[test]
fn training_inputs_follow_their_law() {
    let model = Bachelier::random(BASKET_SEED, 3).unwrap();
    let call = Call::default();
    let n = 100_000;
    let samples = Simulator::values_only(&model, &call, 1).draw(&mut streams(), n);
    assert!(samples.derivatives().is_none());
    let column = |j| samples.inputs().col(j).try_as_col_major().unwrap().as_slice();
    let basket = model.basket();
    for i in 0..3 {
        let moments = Moments::of(column(i));
        assert!((moments.mean() - 1.0).abs() < 5.0 * moments.standard_error());
        for j in 0..3 {
            let products: Vec<f64> = column(i).iter().zip(column(j)).map(|(a, b)| (a - 1.0) * (b - 1.0)).collect();
            let moments = Moments::of(&products);
            let want = 2.25 * basket.correlation()[i][j] * basket.volatilities()[i] * basket.volatilities()[j];
            assert!((moments.mean() - want).abs() < 5.0 * moments.standard_error(), "covariance {i} {j}");
        }
    }
}

/// Where each asset matters, training inputs cover the whole box of test inputs and a twentieth more at either end.
#[test]
fn training_inputs_cover_the_box_where_assets_matter() {
    let (call, n) = (Call::default(), 40_000);
    let wide = 1.1 * (1.0 + 0.5 * (2.0_f64 / 12.0).sqrt());
    let check = |inputs: Mat<f64>, to_uniform: &dyn Fn(f64) -> f64| {
        let column = |i: usize| inputs.col(i).iter().map(|&x| to_uniform(x) / wide).collect::<Vec<f64>>();
        for i in 0..3 {
            let (own, other) = (column(i), column((i + 1) % 3));
            assert!(own.iter().all(|u| u.abs() <= 0.5 + 1e-12));
            for (power, want) in [(1, 0.0), (2, 1.0 / 12.0), (4, 1.0 / 80.0)] {
                let moments = Moments::of(&own.iter().map(|u| u.powi(power)).collect::<Vec<_>>());
                assert!((moments.mean() - want).abs() < 5.0 * moments.standard_error(), "moment {power} of input {i}");
            }
            let products = Moments::of(&own.iter().zip(&other).map(|(u, v)| u * v).collect::<Vec<_>>());
            assert!(products.mean().abs() < 5.0 * products.standard_error());
        }
    };
    let assets = Bachelier::random(BASKET_SEED, 3).unwrap().observing(Observed::Assets).unwrap();
    check(Simulator::values_only(&assets, &call, 1).inputs(&mut streams(), n), &|x| x - 1.0);
    let lognormal = BlackScholes::random(BASKET_SEED, 3).unwrap();
    check(Simulator::values_only(&lognormal, &call, 1).inputs(&mut streams(), n), &f64::ln);
    assert!(!assets.is_of_the_basket() && !lognormal.is_of_the_basket());
    assert!(BlackScholes::random(BASKET_SEED, 1).unwrap().is_of_the_basket(), "one asset is its basket");
    let basket = Bachelier::random(BASKET_SEED, 3).unwrap();
    assert!(AnyModel::from(basket.clone()).is_of_one_number() && !AnyModel::from(assets).is_of_one_number());
    let of_two_numbers = basket.with_inputs(&[Parameter::Maturity]);
    assert!(of_two_numbers.is_of_the_basket() && !AnyModel::from(of_two_numbers).is_of_one_number());
}

#[test]
fn inputs_are_those_of_samples() {
    let (model, call, n) = (Bachelier::random(BASKET_SEED, 7).unwrap(), Call::default(), 3 * CHUNK + 5);
    let simulator = Simulator::new(&model, &call, 3).unwrap();
    let (drawn, alone) = (&mut streams(), &mut streams());
    for _ in 0..2 {
        assert_eq!(simulator.draw(drawn, n).inputs(), simulator.inputs(alone, n).as_ref());
    }
}

#[test]
fn threads_do_not_change_the_bits() {
    let model = Bachelier::random(BASKET_SEED, 7).unwrap();
    let call = Call::default();
    let simulator = Simulator::new(&model, &call, 2).unwrap();
    let n = 9 * CHUNK + 100;
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| simulator.draw(&mut streams(), n))
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(3));
    // In two draws, the first of whole chunks: the same samples.
    let streams = &mut streams();
    let (head, tail) = (simulator.draw(streams, 4 * CHUNK), simulator.draw(streams, n - 4 * CHUNK));
    assert_eq!(one.values(), [head.values(), tail.values()].concat());
    assert_eq!(one.inputs().subrows(4 * CHUNK, n - 4 * CHUNK), tail.inputs());
    // Without derivatives: the same paths.
    let values = Simulator::values_only(&model, &call, 2).draw(&mut self::streams(), n);
    assert_eq!(values.values(), one.values());
}

/// The assets and the strike are inputs, and each is looked at: θ = (S₀, K), as in §5.2.1.
struct AssetsAndStrike(Bachelier);

impl Model for AssetsAndStrike {
    fn inputs(&self) -> usize {
        self.0.inputs() + 1
    }
    fn noise(&self) -> usize {
        self.0.noise()
    }
    fn observables(&self) -> usize {
        self.inputs()
    }
    fn path<S: Scalar>(&self, inputs: &[S], noise: &[S], observables: &mut [S]) {
        let (&strike, spots) = inputs.split_last().unwrap();
        for (i, &spot) in spots.iter().enumerate() {
            observables[i] = spot + self.0.basket().increment(i, noise);
        }
        observables[spots.len()] = strike;
    }
    fn training_inputs<S: Scalar>(&self, normals: &[S], inputs: &mut [S]) {
        let (strike, spots) = inputs.split_last_mut().unwrap();
        self.0.training_inputs(&normals[..spots.len()], spots);
        *strike = S::constant(1.1) + S::constant(0.05) * normals[spots.len()];
    }
    fn test_inputs(&self, uniforms: &[f64], inputs: &mut [f64]) {
        let (strike, spots) = inputs.split_last_mut().unwrap();
        self.0.test_inputs(uniforms, spots);
        *strike = 1.0 + 0.2 * uniforms[spots.len()];
    }
}

/// Call on the best asset, struck at the last observable.
struct BestOf;

impl Payoff for BestOf {
    fn pay<S: Scalar>(&self, observables: &[S], smoothing: Smoothing) -> S {
        let (&strike, assets) = observables.split_last().unwrap();
        let best = assets.iter().skip(1).fold(assets[0], |best, &asset| best.max(asset));
        smoothing.positive_part(best - strike)
    }
    fn regularity(&self) -> Regularity {
        Regularity::Lipschitz
    }
}

/// Several observables, and a parameter of the payoff among the inputs: the same means of taped paths, and a delta by the
/// strike that is the difference of revaluations with the same noise.
#[test]
fn any_model_and_payoff_will_do() {
    let model = AssetsAndStrike(Bachelier::random(BASKET_SEED, 3).unwrap());
    let simulator = Simulator::new(&model, &BestOf, 2).unwrap();
    let samples = simulator.draw(&mut streams(), 8);
    let mut normals = Normals::new(&mut streams().next().unwrap());
    let mut batch = |n: usize| (0..n).map(|_| draw(&mut normals)).collect::<Vec<_>>();
    let (mut x, noise) = (batch(4), [batch(3), batch(3)]);
    model.training_inputs(&x.clone(), &mut x);
    let mirrored = noise.clone().map(|z| z.iter().map(|&z| -z).collect());
    let (mut value, mut deltas) = (Batch::splat(0.0), [Batch::splat(0.0); 4]);
    let quarter = Batch::splat(0.25);
    for z in noise.iter().chain(&mirrored) {
        let (v, d) = pathwise::gradient(&model, &BestOf, Smoothing::NONE, &x, z);
        value = value + quarter * v;
        deltas.iter_mut().zip(d).for_each(|(sum, d)| *sum = *sum + quarter * d);
    }
    for row in 0..8 {
        assert!((samples.values()[row] - value.0[row]).abs() < 1e-15);
        for j in 0..4 {
            assert!((samples.derivatives().unwrap()[(row, j)] - deltas[j].0[row]).abs() < 1e-15);
        }
    }

    let (h, n) = (1e-4, 40_000);
    let revalue = |strike: f64| {
        let mut samples = at_one(4, n, true);
        samples.inputs_mut().col_mut(3).fill(strike);
        simulator.label_into(&mut streams(), &mut samples);
        let by_strike = Moments::of(samples.derivatives().unwrap().col(3).try_as_col_major().unwrap().as_slice());
        (Moments::of(samples.values()).mean(), by_strike)
    };
    let slope = (revalue(1.1 + h).0 - revalue(1.1 - h).0) / (2.0 * h);
    let by_strike = revalue(1.1).1;
    assert!((by_strike.mean() - slope).abs() < by_strike.standard_error(), "{by_strike:?} ≠ {slope}");
}

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator that counts cannot be written without")]
// SAFETY: every call goes to the system's allocator unchanged; the counter neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One chunk, which the calling thread does itself: its allocations are all there are.
#[test]
fn drawing_again_allocates_nothing() {
    let model = Bachelier::random(BASKET_SEED, 7).unwrap();
    let call = Call::default();
    let simulator = Simulator::new(&model, &call, 2).unwrap();
    let streams = &mut streams();
    let mut samples = simulator.draw(streams, CHUNK);
    let before = (ALLOCATIONS.get(), samples.values()[0]);
    simulator.draw_into(streams, &mut samples);
    assert_eq!(ALLOCATIONS.get(), before.0);
    assert_ne!(samples.values()[0], before.1);
}

/// Pays 1 above the strike: jumps, so that the pathwise delta of zero would be wrong.
#[derive(Debug)]
struct Digital(f64);

impl Payoff for Digital {
    fn pay<S: Scalar>(&self, observables: &[S], smoothing: Smoothing) -> S {
        smoothing.branch(observables[0] - S::constant(self.0), S::zero(), S::one())
    }
    fn regularity(&self) -> Regularity {
        Regularity::Discontinuous
    }
}

#[test]
fn a_payoff_that_jumps_is_refused_until_smoothed() {
    let model = Bachelier::random(BASKET_SEED, 2).unwrap();
    let digital = Digital(1.0);
    let error = Simulator::new(&model, &digital, 1).unwrap_err();
    assert!(matches!(error, ModelError::NotPathwise { order: 1, width: 0.02, .. }), "{error}");
    let mut values = at_one(2, 20_000, false);
    Simulator::values_only(&model, &digital, 1).label_into(&mut streams(), &mut values);
    assert_eq!(Moments::of(values.values()).mean(), 0.5); // one of each pair is in the money

    // Smoothed, its delta at the money is that of the digital to second order in the width: φ(0)/σ.
    let smoothing = Smoothing::of_width(0.01).unwrap();
    let mut samples = at_one(2, 100_000, true);
    let simulator = Simulator::smoothed(&model, &digital, 4, smoothing).unwrap();
    simulator.label_into(&mut streams(), &mut samples);
    let labels = samples.derivatives().unwrap();
    let deltas: Vec<f64> = labels.col(0).iter().zip(labels.col(1).iter()).map(|(a, b)| a + b).collect();
    let moments = Moments::of(&deltas);
    let truth = 0.398_942_280_401_432_7 / 0.2;
    // The kernel's variance is π²w²/3: a relative bias of π²w²/(6σ²) = 0.4 %.
    assert!((moments.mean() - truth).abs() < 5.0 * moments.standard_error() + 0.005 * truth, "{moments:?}");
}
