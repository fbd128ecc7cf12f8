//! The reference model: simulation against the closed form, the closed form against independent mathematics, the fast way
//! against the tape, and the same bits on any number of threads.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use num_dual::DualNum;
use sobolev::data::{CHUNK, Samples, Simulator, TestSet};
use sobolev::math::Scalar;
use sobolev::math::random::{Normals, Purpose, Streams};
use sobolev::math::statistics::Moments;
use sobolev::model::pathwise::{self, Workspace};
use sobolev::model::{
    Bachelier, Basket, Batch, Call, ClosedForm, Model, ModelError, Payoff, Regularity, Smoothing, bachelier_call,
};

const BASKET_SEED: u64 = 11;

fn streams(purpose: Purpose) -> Streams {
    Streams::new(5, purpose)
}

/// `n` samples at one point.
fn repeated(model: &impl Model, point: &[f64], n: usize, derivatives: bool) -> Samples {
    let mut samples = Samples::zeros(n, model.inputs(), derivatives);
    let mut inputs = samples.inputs_mut();
    for (j, &x) in point.iter().enumerate() {
        inputs.as_mut().col_mut(j).fill(x);
    }
    samples
}

/// Values and deltas at five points of each basket: 170 means, each within five standard errors of the closed form. A right
/// simulator fails one seed in 10⁴.
#[test]
fn monte_carlo_means_are_the_closed_form() {
    let call = Call::default();
    for assets in [1, 2, 7, 20] {
        let model = Bachelier::random(BASKET_SEED, assets).unwrap();
        let simulator = Simulator::new(&model, &call, 4).unwrap();
        let streams = &mut streams(Purpose::Training);
        for shift in [-0.3, -0.1, 0.0, 0.1, 0.4] {
            let point: Vec<f64> = (0..assets).map(|i| 1.1 + shift + 0.01 * i as f64).collect();
            let mut samples = repeated(&model, &point, 100_000, true);
            simulator.label_into(streams, &mut samples);
            let mut deltas = vec![0.0; assets];
            let greeks = model.greeks(&call, &point, &mut deltas);
            let within = |what: &str, labels: &[f64], truth: f64| {
                let moments = Moments::of(labels);
                let (off, error) = ((moments.mean() - truth).abs(), moments.standard_error());
                assert!(
                    off <= 5.0 * error + 1e-12,
                    "{what} at {shift}, {assets} assets: off by {off:e}, standard error {error:e}"
                );
                // The bound says something: 400 000 pairs are not vague.
                assert!(error < 1e-2 * truth + 1e-4, "standard error {error} of {truth}");
            };
            within("value", samples.values(), greeks.price);
            let labels = samples.derivatives().unwrap();
            for (j, &delta) in deltas.iter().enumerate() {
                within(&format!("delta {j}"), labels.col(j).try_as_col_major().unwrap().as_slice(), delta);
            }
        }
    }
}

/// Φ by its everywhere convergent series `½ + φ(x) Σ x^(2k+1)/(2k+1)!!`, over any dual number: no error function involved.
fn series_cdf<D: DualNum<Primitive = f64> + Copy>(x: D) -> D {
    let (mut term, mut sum) = (x, x);
    for k in 1..200 {
        term = term * x * x / f64::from(2 * k + 1);
        sum += term;
    }
    series_pdf(x) * sum + 0.5
}

fn series_pdf<D: DualNum<Primitive = f64> + Copy>(x: D) -> D {
    (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

/// Eq. (6) as printed, over any dual number.
fn printed_price<D: DualNum<Primitive = f64> + Copy>(forward: D, volatility: D, strike: f64, tau: f64) -> D {
    let deviation = volatility * tau.sqrt();
    let z = (forward - strike) / deviation;
    (forward - strike) * series_cdf(z) + deviation * series_pdf(z)
}

#[test]
fn greeks_are_the_derivatives_of_the_price() {
    let basket = Basket::random(BASKET_SEED, 7).unwrap();
    let (model, call) = (Bachelier::new(basket, 0.5, 2.75).unwrap(), Call::new(1.05).unwrap());
    let (sigma, tau) = (model.basket().volatility(), 2.25);
    for i in -8..=8 {
        let point: Vec<f64> = (0..7).map(|j| 1.05 + 0.1 * f64::from(i) + 0.03 * f64::from(j - 3)).collect();
        let mut deltas = [0.0; 7];
        let greeks = model.greeks(&call, &point, &mut deltas);
        let forward: f64 = point.iter().zip(model.basket().weights()).map(|(x, w)| x * w).sum();
        assert!((greeks.underlying - forward).abs() < 1e-15);

        let (price, delta, gamma) =
            num_dual::second_derivative(|f| printed_price(f, num_dual::Dual2_64::from(sigma), 1.05, tau), forward);
        let (_, vega) =
            num_dual::first_derivative(|s| printed_price(num_dual::Dual64::from(forward), s, 1.05, tau), sigma);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(greeks.price, price), "price {} ≠ {price}", greeks.price);
        assert!(close(greeks.gamma, gamma) && close(greeks.vega, vega), "{greeks:?} ≠ {gamma}, {vega}");
        for (d, w) in deltas.iter().zip(model.basket().weights()) {
            assert!(close(*d, w * delta), "delta {d} ≠ {}", w * delta);
        }

        // The full Hessian of the price by the spots, forward over reverse; its sum is the gamma that is reported.
        struct Price<'a>(&'a Bachelier, f64);
        impl sobolev::ad::Function for Price<'_> {
            fn eval<S: Scalar>(&self, x: &[S]) -> S {
                bachelier_call(self.0.basket().price(x), S::constant(1.05), S::constant(self.1))
            }
        }
        let (_, gradient, hessian) = sobolev::ad::hessian(&Price(&model, sigma * tau.sqrt()), &point);
        assert!(gradient.iter().zip(deltas).all(|(a, b)| close(*a, b)));
        assert!(close(hessian.iter().sum(), greeks.gamma));
    }
}

/// The price is the expectation: Simpson's rule over the density, split at the kink, knows nothing of Eq. (6).
#[test]
fn the_price_is_the_expectation_of_the_payoff() {
    for (forward, strike, deviation) in [(1.0, 1.1, 0.2), (1.1, 1.1, 0.2), (1.6, 1.1, 0.3), (0.5, 1.1, 0.2)] {
        let from: f64 = (strike - forward) / deviation;
        let (to, n) = (from.max(0.0) + 12.0, 20_000);
        let h = (to - from) / f64::from(n);
        let f = |i: i32| {
            let u = from + h * f64::from(i);
            (forward + deviation * u - strike) * (-u * u / 2.0).exp() / std::f64::consts::TAU.sqrt()
        };
        let inner: f64 = (1..n).map(|i| f(i) * if i % 2 == 1 { 4.0 } else { 2.0 }).sum();
        let integral = (f(0) + f(n) + inner) * h / 3.0;
        let price = bachelier_call(forward, strike, deviation);
        assert!((price - integral).abs() < 1e-12, "{price} ≠ {integral}");
    }
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
        let mut normals = Normals::new(&mut streams(Purpose::Test).next().unwrap());
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

fn draw(normals: &mut Normals) -> Batch {
    sobolev::ad::Lanes(normals.draw())
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
        let samples = simulator.draw(&mut streams(Purpose::Training), n);
        assert_eq!(samples.smoothing(), smoothing);
        let same_from_tape = Simulator::smoothed(&Plain(&model), &call, pairs, smoothing)
            .unwrap()
            .draw(&mut streams(Purpose::Training), n);
        for (chunk, mut generator) in streams(Purpose::Training).take(2).enumerate() {
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
    let samples = Simulator::values_only(&model, &call, 1).draw(&mut streams(Purpose::Training), n);
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

#[test]
fn threads_do_not_change_the_bits() {
    let model = Bachelier::random(BASKET_SEED, 7).unwrap();
    let call = Call::default();
    let simulator = Simulator::new(&model, &call, 2).unwrap();
    let n = 9 * CHUNK + 100;
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| simulator.draw(&mut streams(Purpose::Training), n))
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(3));
    // In two draws, the first of whole chunks: the same samples.
    let streams = &mut streams(Purpose::Training);
    let (head, tail) = (simulator.draw(streams, 4 * CHUNK), simulator.draw(streams, n - 4 * CHUNK));
    assert_eq!(one.values(), [head.values(), tail.values()].concat());
    assert_eq!(one.inputs().subrows(4 * CHUNK, n - 4 * CHUNK), tail.inputs());
    // Without derivatives: the same paths.
    let values = Simulator::values_only(&model, &call, 2).draw(&mut self::streams(Purpose::Training), n);
    assert_eq!(values.values(), one.values());
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
    let streams = &mut streams(Purpose::Training);
    let mut samples = simulator.draw(streams, CHUNK);
    let before = (ALLOCATIONS.get(), samples.values()[0]);
    simulator.draw_into(streams, &mut samples);
    assert_eq!(ALLOCATIONS.get(), before.0);
    assert_ne!(samples.values()[0], before.1);
}

#[test]
fn test_sets_are_the_truth_on_the_papers_box() {
    let model = Bachelier::random(BASKET_SEED, 7).unwrap();
    let call = Call::default();
    let test = TestSet::draw(&model, &call, &mut streams(Purpose::Test), 4096);
    // adj = 1 + ½√(6/12), from the definition by hand.
    let half = 0.5 * 1.353_553_390_593_273_8;
    let all = test.inputs.as_ref();
    let (low, high) =
        all.col_iter().flat_map(|c| c.iter().copied()).fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(x), h.max(x)));
    assert!(low >= 1.0 - half && low < 1.0 - 0.999 * half && high <= 1.0 + half && high > 1.0 + 0.999 * half);
    for row in [0, 1, 4095] {
        let point: Vec<f64> = test.inputs.row(row).iter().copied().collect();
        let mut deltas = [0.0; 7];
        let greeks = model.greeks(&call, &point, &mut deltas);
        assert_eq!((test.underlyings[row], test.values[row]), (greeks.underlying, greeks.price));
        assert_eq!((test.gammas[row], test.vegas[row]), (greeks.gamma, greeks.vega));
        assert!(test.deltas.row(row).iter().eq(&deltas));
    }
    assert_ne!(test.inputs, TestSet::draw(&model, &call, &mut streams(Purpose::HeldOut), 4096).inputs);
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
    assert_eq!(Simulator::new(&model, &digital, 1).unwrap_err(), ModelError::NotPathwise { order: 1 });
    let mut values = repeated(&model, &[1.0, 1.0], 20_000, false);
    Simulator::values_only(&model, &digital, 1).label_into(&mut streams(Purpose::Training), &mut values);
    assert_eq!(Moments::of(values.values()).mean(), 0.5); // one of each pair is in the money

    // Smoothed, its delta at the money is that of the digital to second order in the width: φ(0)/σ.
    let smoothing = Smoothing::of_width(0.01).unwrap();
    let mut samples = repeated(&model, &[1.0, 1.0], 100_000, true);
    let simulator = Simulator::smoothed(&model, &digital, 4, smoothing).unwrap();
    simulator.label_into(&mut streams(Purpose::Training), &mut samples);
    let labels = samples.derivatives().unwrap();
    let deltas: Vec<f64> = labels.col(0).iter().zip(labels.col(1).iter()).map(|(a, b)| a + b).collect();
    let moments = Moments::of(&deltas);
    let truth = 0.398_942_280_401_432_7 / 0.2;
    // The kernel's variance is π²w²/3: a relative bias of π²w²/(6σ²) = 0.4 %.
    assert!((moments.mean() - truth).abs() < 5.0 * moments.standard_error() + 0.005 * truth, "{moments:?}");
}

#[test]
fn dates_are_checked_and_files_carry_the_model() {
    let basket = Basket::random(BASKET_SEED, 2).unwrap();
    let message = |exposure, maturity| Bachelier::new(basket.clone(), exposure, maturity).unwrap_err().to_string();
    assert_eq!(message(-1.0, 2.0), "the exposure date is -1, expected a finite number not below 0");
    assert_eq!(message(1.0, 1.0), "the maturity is 1, expected a finite number above the exposure date");
    assert_eq!(message(1.0, f64::INFINITY), "the maturity is inf, expected a finite number above the exposure date");
    assert!(Bachelier::random(1, 0).is_err());
    let model = Bachelier::new(basket, 0.25, 1.5).unwrap();
    let text = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<Bachelier>(&text).unwrap(), model);
}
