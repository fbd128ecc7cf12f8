//! The reference model: simulation against the closed form, the closed form against independent mathematics.

use num_dual::DualNum;
use sobolev::data::{Samples, Simulator, TestSet};
use sobolev::math::Scalar;
use sobolev::math::random::{Purpose, Streams};
use sobolev::math::statistics::Moments;
use sobolev::model::{
    AnyModel, Bachelier, Basket, Call, ClosedForm, Contract, Model, Observed, Parameter, bachelier_call,
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
            let greeks = model.greeks(&call, &point, &mut deltas).expect("a formula");
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
    let by_all = model.clone().with_inputs(&Parameter::ALL).observing(Observed::Basket { dates: 1 }).unwrap();
    let struck = Contract::from(call).with_strike_as_input();
    for i in -8..=8 {
        let point: Vec<f64> = (0..7).map(|j| 1.05 + 0.1 * f64::from(i) + 0.03 * f64::from(j - 3)).collect();
        let mut deltas = [0.0; 7];
        let greeks = model.greeks(&call, &point, &mut deltas).expect("a formula");
        let forward: f64 = point.iter().zip(model.basket().weights()).map(|(x, w)| x * w).sum();
        assert!((model.underlying(&point) - forward).abs() < 1e-15);

        let (price, delta, gamma) =
            num_dual::second_derivative(|f| printed_price(f, num_dual::Dual2_64::from(sigma), 1.05, tau), forward);
        let (_, vega) =
            num_dual::first_derivative(|s| printed_price(num_dual::Dual64::from(forward), s, 1.05, tau), sigma);
        let close = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(close(greeks.price, price), "price {} ≠ {price}", greeks.price);
        assert!(close(greeks.gamma, gamma), "{greeks:?} ≠ {gamma}");

        // The strike, the volatility and the maturity as inputs: the same price, and its derivatives by those.
        // The price depends on forward minus strike.
        let by_strike = -delta;
        let theta = 0.5 * sigma * vega / tau;
        let mut slopes = [0.0; 10];
        let all = by_all.greeks(&struck, &[&point[..], &[1.05, sigma, tau]].concat(), &mut slopes).unwrap();
        assert!(close(all.price, price) && close(all.gamma, gamma), "{all:?}");
        assert!(close(slopes[7], by_strike) && close(slopes[8], vega) && close(slopes[9], theta), "{slopes:?}");
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

#[test]
fn test_sets_are_the_truth_on_the_papers_box() {
    let model = Bachelier::random(BASKET_SEED, 7).unwrap();
    let call = Call::default();
    let test = TestSet::draw(&model, &call, &mut streams(Purpose::Test), 4096).expect("a formula");
    // adj = 1 + ½√(6/12), from the definition by hand.
    let half = 0.5 * 1.353_553_390_593_273_8;
    let all = test.inputs.as_ref();
    let (low, high) =
        all.col_iter().flat_map(|c| c.iter().copied()).fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(x), h.max(x)));
    assert!(low >= 1.0 - half && low < 1.0 - 0.999 * half && high <= 1.0 + half && high > 1.0 + 0.999 * half);
    for row in [0, 1, 4095] {
        let point: Vec<f64> = test.inputs.row(row).iter().copied().collect();
        let mut deltas = [0.0; 7];
        let greeks = model.greeks(&call, &point, &mut deltas).expect("a formula");
        assert_eq!((test.underlyings[row], test.values[row]), (model.underlying(&point), greeks.price));
        assert_eq!(test.gammas[row], greeks.gamma);
        assert!(test.deltas.row(row).iter().eq(&deltas));
    }
    assert_ne!(
        test.inputs,
        TestSet::draw(&model, &call, &mut streams(Purpose::HeldOut), 4096).expect("a formula").inputs
    );
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
    let model = AnyModel::from(model);
    let text = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<AnyModel>(&text).unwrap(), model);
    // As the first files had it.
    let basket = serde_json::to_string(model.basket()).unwrap();
    let old = format!(r#"{{"basket":{basket},"exposure":0.25,"maturity":1.5}}"#);
    assert_eq!(serde_json::from_str::<AnyModel>(&old).unwrap(), model);
    let strange = text.replace("bachelier", "heston");
    let error = serde_json::from_str::<AnyModel>(&strange).unwrap_err().to_string();
    assert!(error.contains("`heston`, expected `bachelier` or `black-scholes`"), "{error}");
}
