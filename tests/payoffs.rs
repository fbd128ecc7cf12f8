//! Every payoff on every model: simulated labels against closed forms, closed forms against integrals, revaluation against
//! closed forms, pathwise derivatives against the tape and against revaluation, refusals.

use sobolev::data::{Samples, Simulator, TestSet};
use sobolev::math::random::{Normals, Purpose, Streams};
use sobolev::math::statistics::Moments;
use sobolev::model::pathwise::{self, Workspace};
use sobolev::model::{
    AnyModel, Basket, Batch, ClosedForm, Contract, Kind, Model, ModelError, Parameter, Payoff, Smoothing,
};

fn streams() -> Streams {
    Streams::new(5, Purpose::Training)
}

const KINDS: [Kind; 13] = [
    Kind::Call,
    Kind::Put,
    Kind::Digital,
    Kind::DigitalPut,
    Kind::Straddle,
    Kind::CallSpread { width: 0.2 },
    Kind::UpAndOut { barrier: 1.4 },
    Kind::UpAndIn { barrier: 1.4 },
    Kind::DownAndOut { barrier: 0.8 },
    Kind::DownAndIn { barrier: 0.8 },
    Kind::Asian,
    Kind::BestOf,
    Kind::WorstOf,
];

fn basket(assets: usize) -> Basket {
    match assets {
        1 => Basket::new(&[1.0], &[vec![1.0]], &[0.25]),
        2 => Basket::new(&[0.4, 0.6], &[vec![1.0, 0.3], vec![0.3, 1.0]], &[0.25, 0.35]),
        m => Basket::random(11, m),
    }
    .unwrap()
}

fn model(name: &str, assets: usize, contract: &Contract, dates: usize, inputs: &[Parameter]) -> AnyModel {
    let plain = AnyModel::new(name, basket(assets), 1.0, 1.8).unwrap();
    plain.for_contract(contract, dates, inputs).unwrap()
}

/// `n` samples at one point.
fn repeated(point: &[f64], n: usize, derivatives: bool) -> Samples {
    let mut samples = Samples::zeros(n, point.len(), derivatives);
    let mut inputs = samples.inputs_mut();
    for (j, &x) in point.iter().enumerate() {
        inputs.as_mut().col_mut(j).fill(x);
    }
    samples
}

/// All parameters are inputs; spots lie apart.
fn point(assets: usize) -> Vec<f64> {
    let spots = (0..assets).map(|i| 1.02 + 0.06 * i as f64);
    spots.chain([1.05, 0.22, 0.7]).collect()
}

/// Values and the derivatives by spots, strike, volatility and maturity: means within five standard errors of the closed form,
/// where there is one and the pathwise method holds; about 150 means.
#[test]
fn labels_are_the_closed_form() {
    let mut formulas = 0;
    for name in ["bachelier", "black-scholes"] {
        for kind in KINDS {
            for (assets, dates) in [(1, 1), (2, 1), (3, 5)] {
                let contract = Contract::new(kind, 1.05).unwrap().with_strike_as_input();
                let model = model(name, assets, &contract, dates, &Parameter::ALL);
                let (point, mut slopes) = (point(assets), vec![0.0; assets + 3]);
                let Some(greeks) = model.greeks(&contract, &point, &mut slopes) else { continue };
                formulas += 1;
                let simulator = Simulator::new(&model, &contract, 4);
                let pathwise = simulator.is_ok();
                let simulator = simulator.unwrap_or_else(|_| Simulator::values_only(&model, &contract, 4));
                let mut samples = repeated(&point, 20_000, pathwise);
                simulator.label_into(&mut streams(), &mut samples);
                let within = |what: &str, labels: &[f64], truth: f64| {
                    let moments = Moments::of(labels);
                    let (off, error) = ((moments.mean() - truth).abs(), moments.standard_error());
                    assert!(
                        off <= 5.0 * error + 1e-12,
                        "{name} {kind:?}, {assets} assets: {what} off by {off:e}, {error:e}"
                    );
                    assert!(error < 0.01, "the bound says something");
                };
                within("value", samples.values(), greeks.price);
                for (j, &slope) in slopes.iter().enumerate().filter(|_| pathwise) {
                    let labels = samples.derivatives().unwrap().col(j).try_as_col_major().unwrap().as_slice().to_vec();
                    within(&format!("derivative {j}"), &labels, slope);
                }
            }
        }
    }
    // Normal: 13 kinds on one asset on one date, 13 on two, 7 on three on five dates; lognormal: 13 on one, 2 on two.
    assert_eq!(formulas, 13 + 13 + 7 + 13 + 2);
}

/// Smoothed, payoffs that jump have derivatives too: within five standard errors and the bias of the kernel.
#[test]
fn smoothed_digitals_have_the_closed_forms_delta() {
    let smoothing = Smoothing::of_width(0.01).unwrap();
    for name in ["bachelier", "black-scholes"] {
        for kind in [Kind::Digital, Kind::DigitalPut] {
            let contract = Contract::new(kind, 1.05).unwrap().with_strike_as_input();
            let model = model(name, 1, &contract, 1, &Parameter::ALL);
            let mut slopes = [0.0; 4];
            let truth = model.greeks(&contract, &point(1), &mut slopes).unwrap();
            let simulator = Simulator::smoothed(&model, &contract, 8, smoothing).unwrap().with_sharp_values();
            let mut samples = repeated(&point(1), 40_000, true);
            simulator.label_into(&mut streams(), &mut samples);
            assert_eq!(samples.smoothing(), smoothing);
            let values = Moments::of(samples.values());
            assert!((values.mean() - truth.price).abs() < 5.0 * values.standard_error(), "values are not smoothed");
            for (j, slope) in slopes.iter().enumerate() {
                let labels = samples.derivatives().unwrap().col(j).try_as_col_major().unwrap().as_slice();
                let moments = Moments::of(labels);
                let off = (moments.mean() - slope).abs();
                // The kernel's variance, π²w²/3, beside that of the price: a share of 0.4 %, times a curvature of order one.
                let bias = 0.01 * slopes[0].abs();
                assert!(off < 5.0 * moments.standard_error() + bias, "{name} {kind:?} {j}: {moments:?} ≠ {slope}");
            }
        }
    }
}

/// Labels for training: at a third of the deviation the sigmoid's are far off, those of fourth order within noise and 1 %.
#[test]
fn labels_of_fourth_order_are_all_but_unbiased() {
    let wide = Smoothing::of_width(0.06).unwrap();
    for (kind, dates) in [(Kind::Digital, 1), (Kind::UpAndOut { barrier: 1.4 }, 1)] {
        let contract = Contract::new(kind, 1.05).unwrap();
        let model = model("bachelier", 1, &contract, dates, &[]);
        for spot in [0.95, 1.05, 1.25] {
            let mut slopes = [0.0];
            model.greeks(&contract, &[spot], &mut slopes).unwrap();
            let off = |smoothing| {
                let simulator = Simulator::smoothed(&model, &contract, 8, smoothing).unwrap();
                let mut samples = repeated(&[spot], 40_000, true);
                simulator.label_into(&mut streams(), &mut samples);
                let labels = Moments::of(samples.derivatives().unwrap().col(0).try_as_col_major().unwrap().as_slice());
                ((labels.mean() - slopes[0]).abs(), labels.standard_error())
            };
            let ((sigmoid, _), (fourth, error)) = (off(wide), off(wide.fourth_order()));
            assert!(fourth < 5.0 * error + 0.01 * slopes[0].abs().max(0.5), "{kind:?} {spot}: {fourth} of {slopes:?}");
            assert!(fourth < 0.5 * sigmoid, "{kind:?} {spot}: {fourth}, {sigmoid}");
        }
    }
}

/// What the formulas for two assets give, by integrals over the densities that know nothing of them.
#[test]
fn best_and_worst_are_their_integrals() {
    for name in ["bachelier", "black-scholes"] {
        for (kind, best) in [(Kind::BestOf, true), (Kind::WorstOf, false)] {
            for strike in [0.9, 1.05, 1.3] {
                let contract = Contract::new(kind, strike).unwrap();
                let model = model(name, 2, &contract, 1, &[]);
                let (spots, root) = ([1.05, 0.95], 0.8_f64.sqrt());
                let price = |i: usize, z: f64| match name {
                    "bachelier" => spots[i] + [0.25, 0.35][i] * root * z,
                    _ => spots[i] * ([0.25, 0.35][i] * root * z - 0.5 * ([0.25, 0.35][i] * root).powi(2)).exp(),
                };
                // The trapezoidal rule on a grid; kinks cost it the square of the step.
                let (n, h) = (1200, 16.0 / 1200.0);
                let mut integral = 0.0;
                for i in 0..=n {
                    let u = -8.0 + h * f64::from(i);
                    let first = price(0, u);
                    for j in 0..=n {
                        let v = -8.0 + h * f64::from(j);
                        let second = price(1, 0.3 * u + (1.0_f64 - 0.09).sqrt() * v);
                        let of = if best { first.max(second) } else { first.min(second) };
                        integral += (of - strike).max(0.0) * (-0.5 * (u * u + v * v)).exp();
                    }
                }
                integral *= h * h / std::f64::consts::TAU;
                let got = model.greeks(&contract, &spots, &mut [0.0; 2]).unwrap().price;
                assert!((got - integral).abs() < 1e-5, "{name} {kind:?} {strike}: {got} ≠ {integral}");
            }
        }
    }
}

/// Revaluation labels against formulas, as if there were none: within five standard errors and the bias of the bumps.
#[test]
fn revaluation_is_the_closed_form() {
    for (name, assets, kind, dates, bias) in [
        ("bachelier", 2, Kind::Call, 1, 0.003),
        ("bachelier", 2, Kind::Asian, 4, 0.003),
        ("black-scholes", 2, Kind::WorstOf, 1, 0.003),
        ("bachelier", 1, Kind::Digital, 1, 0.02),
    ] {
        let contract = Contract::new(kind, 1.05).unwrap().with_strike_as_input();
        let model = model(name, assets, &contract, dates, &Parameter::ALL);
        let (n, test) = (24, || Streams::new(3, Purpose::Test));
        let truth = TestSet::draw(&model, &contract, &mut test(), n).unwrap();
        let found = TestSet::revalued(&model, &contract, &mut test(), n, 4096);
        assert_eq!((&found.inputs, &found.underlyings), (&truth.inputs, &truth.underlyings));
        let errors = found.errors.as_ref().unwrap();
        let mut off = [0.0_f64; 3];
        let mut within = |which: usize, got: f64, want: f64, error: f64, scale: f64| {
            off[which] = off[which].max((got - want).abs() / (error + bias * scale / 5.0));
        };
        let largest = |values: &[f64]| values.iter().fold(1e-3_f64, |m, v| m.max(v.abs()));
        for row in 0..n {
            // Far out of the money no path may pay at all.
            within(0, found.values[row], truth.values[row], errors.values[row] + 1e-6, 0.0);
            for j in 0..assets + 3 {
                let scale = largest(truth.deltas.col_as_slice(j));
                within(1, found.deltas[(row, j)], truth.deltas[(row, j)], errors.deltas[(row, j)] + 1e-12, scale);
            }
            within(2, found.gammas[row], truth.gammas[row], errors.gammas[row], 10.0 * largest(&truth.gammas));
        }
        assert!(off.iter().all(|&o| o < 5.0), "{name} {kind:?}: {off:?} standard errors");
        assert!(found.ceilings().iter().all(|c| (0.3..=1.0).contains(c)), "{:?}", found.ceilings());
        assert_eq!(truth.ceilings(), [1.0; 3]);
    }
}

/// Where no formula exists: pathwise labels against bumped revaluation. Means over both, within five joint errors.
#[test]
fn pathwise_is_revaluation() {
    for (name, assets, kind, dates) in [
        ("black-scholes", 3, Kind::Call, 1),
        ("black-scholes", 2, Kind::Asian, 6),
        ("bachelier", 3, Kind::BestOf, 1),
        ("black-scholes", 3, Kind::WorstOf, 1),
    ] {
        let contract = Contract::new(kind, 1.05).unwrap().with_strike_as_input();
        let model = model(name, assets, &contract, dates, &Parameter::ALL);
        let test = TestSet::revalued(&model, &contract, &mut Streams::new(3, Purpose::Test), 6, 8192);
        let errors = test.errors.as_ref().unwrap();
        for row in 0..6 {
            let point: Vec<f64> = test.inputs.row(row).iter().copied().collect();
            assert!(model.greeks(&contract, &point, &mut vec![0.0; assets + 3]).is_none(), "no formula");
            let mut samples = repeated(&point, 4096, true);
            Simulator::new(&model, &contract, 4).unwrap().label_into(&mut streams(), &mut samples);
            for j in 0..assets + 3 {
                let moments = Moments::of(samples.derivatives().unwrap().col(j).try_as_col_major().unwrap().as_slice());
                let error = moments.standard_error().hypot(errors.deltas[(row, j)]);
                let off = (moments.mean() - test.deltas[(row, j)]).abs();
                assert!(
                    off < 5.0 * error + 1e-3 * moments.mean().abs(),
                    "{name} {kind:?} {row} {j}: {off:e}, {error:e}"
                );
            }
        }
    }
}

/// Fast forms of a batch against one tape over the whole path, for every model, payoff and choice of inputs, smoothed.
#[test]
fn fast_forms_are_the_taped_path() {
    let smoothing = Smoothing::of_width(0.05).unwrap();
    let mut normals = Normals::new(&mut streams().next().unwrap());
    let mut batch = |n: usize| (0..n).map(|_| sobolev::ad::Lanes(normals.draw())).collect::<Vec<Batch>>();
    let choices: [&[Parameter]; 4] = [&[], &[Parameter::Strike], &[Parameter::Volatility], &Parameter::ALL];
    for name in ["bachelier", "black-scholes"] {
        for (kind, parameters) in KINDS.iter().flat_map(|k| choices.map(|c| (*k, c))) {
            let contract = Contract::new(kind, 1.05).unwrap();
            let struck = parameters.contains(&Parameter::Strike);
            let contract = if struck { contract.with_strike_as_input() } else { contract };
            let model = model(name, 3, &contract, 4, parameters);
            let mut inputs = batch(model.inputs());
            model.training_inputs(&inputs.clone(), &mut inputs);
            let noise = batch(model.noise());
            let (value, slopes) = pathwise::gradient(&model, &contract, smoothing, &inputs, &noise);

            let mut observables = vec![Batch::splat(0.0); model.observables()];
            model.observe(&inputs, &noise, &mut observables);
            let smoothed = Smooth(contract, smoothing);
            let (paid, bar) = sobolev::ad::gradient(&smoothed, &observables);
            let mut fast = vec![Batch::splat(0.0); model.inputs()];
            let mut workspace = Workspace::default();
            model.pull_back(&inputs, &noise, &bar, &mut fast, &mut workspace);
            for l in 0..8 {
                assert!((paid.0[l] - value.0[l]).abs() < 1e-12 * (1.0 + value.0[l].abs()), "{name} {kind:?}");
                for (fast, slope) in fast.iter().zip(&slopes) {
                    let tolerance = 1e-11 * (1.0 + slope.0[l].abs());
                    assert!((fast.0[l] - slope.0[l]).abs() < tolerance, "{name} {kind:?} {parameters:?}");
                }
            }
            // ⟨Jv, u⟩ = ⟨v, Jᵀu⟩.
            let v = batch(model.inputs());
            let mut forward = vec![Batch::splat(0.0); model.observables()];
            model.push_forward(&inputs, &noise, &v, &mut forward, &mut workspace);
            let dot = |a: &[Batch], b: &[Batch]| a.iter().zip(b).map(|(a, b)| (*a * *b).sum()).sum::<f64>();
            let (one, other) = (dot(&forward, &bar), dot(&v, &fast));
            assert!((one - other).abs() < 1e-10 * (1.0 + one.abs()), "{name} {kind:?}: {one} ≠ {other}");
        }
    }
}

struct Smooth(Contract, Smoothing);

impl sobolev::ad::Function for Smooth {
    fn eval<S: sobolev::math::Scalar>(&self, observables: &[S]) -> S {
        self.0.pay(observables, self.1)
    }
}

/// In and out make the call, date by date, smoothed or not.
#[test]
fn in_and_out_are_the_call() {
    for smoothing in [Smoothing::NONE, Smoothing::of_width(0.05).unwrap()] {
        for path in [[0.7, 1.0, 1.3], [1.5, 1.2, 1.1], [1.0, 1.1, 1.2], [0.7, 1.6, 1.4]] {
            let pay = |kind| -> f64 { Contract::new(kind, 1.0).unwrap().pay(&path, smoothing) };
            let call = pay(Kind::Call);
            for [inward, out] in [
                [Kind::UpAndIn { barrier: 1.4 }, Kind::UpAndOut { barrier: 1.4 }],
                [Kind::DownAndIn { barrier: 0.8 }, Kind::DownAndOut { barrier: 0.8 }],
            ] {
                assert!((pay(inward) + pay(out) - call).abs() < 1e-15);
                if smoothing.is_none() {
                    let beyond = path.iter().any(|&b| if kind_is_up(out) { b > 1.4 } else { b < 0.8 });
                    assert_eq!(pay(out), if beyond { 0.0 } else { call });
                }
            }
        }
    }
}

fn kind_is_up(kind: Kind) -> bool {
    kind.barrier().unwrap().1
}

#[test]
fn refusals_say_why_and_what_would_do() {
    let refused = |kind, order| {
        let contract = Contract::new(kind, 1.1).unwrap();
        let error = contract.require_pathwise(order, Smoothing::NONE).unwrap_err();
        assert!(contract.require_pathwise(order, Smoothing::of_width(0.02).unwrap()).is_ok());
        error.to_string()
    };
    for kind in KINDS {
        let text = refused(kind, 2);
        assert!(text.contains("second derivative") && text.contains("§5.2.3") && text.contains(kind.name()), "{text}");
    }
    let text = refused(Kind::Digital, 1);
    assert!(
        text.contains("jumps by 1 where the basket is at the strike 1.1") && text.contains("width as 0.02"),
        "{text}"
    );
    let text = refused(Kind::UpAndOut { barrier: 150.0 }, 1);
    assert!(text.contains("at the barrier 150 on a date") && text.contains("width as 3 "), "{text}");
    assert!(Contract::new(Kind::Asian, 1.1).unwrap().require_pathwise(1, Smoothing::NONE).is_ok());

    let bad = |kind, strike| Contract::new(kind, strike).unwrap_err().to_string();
    assert_eq!(bad(Kind::Call, f64::NAN), "the strike is NaN, expected a finite number");
    let spread = "the second strike of the call-spread is 0.9, expected a finite number above the first strike";
    assert_eq!(bad(Kind::CallSpread { width: -0.1 }, 1.0), spread);
    let barrier = "the barrier of the down-and-in is 1.2, expected a finite number below the strike";
    assert_eq!(bad(Kind::DownAndIn { barrier: 1.2 }, 1.0), barrier);

    let asian = Contract::new(Kind::Asian, 1.1).unwrap();
    let assets = AnyModel::new("bachelier", basket(2), 1.0, 2.0).unwrap();
    let best = assets.clone().for_contract(&Contract::new(Kind::BestOf, 1.1).unwrap(), 1, &[]).unwrap();
    assert!(matches!(best.fit(&asian), Err(ModelError::Mismatch(_))));
    assert!(assets.clone().for_contract(&asian, 0, &[]).is_err(), "no dates");
    assert!(assets.for_contract(&asian, 3, &[Parameter::Strike]).is_err(), "the strike of one only");
    let lognormal = AnyModel::new("black-scholes", basket(1), 1.0, 2.0).unwrap();
    let error = lognormal.for_contract(&Contract::new(Kind::Put, -1.0).unwrap(), 1, &[]).unwrap_err();
    assert!(error.to_string().contains("-1, expected a number above 0"), "{error}");
}

#[test]
fn files_carry_contracts() {
    for kind in KINDS {
        for contract in [Contract::new(kind, 1.1).unwrap(), Contract::new(kind, 1.1).unwrap().with_strike_as_input()] {
            let text = serde_json::to_string(&contract).unwrap();
            assert!(text.contains(kind.name()), "{text}");
            assert_eq!(serde_json::from_str::<Contract>(&text).unwrap(), contract);
        }
    }
    let error = serde_json::from_str::<Contract>(r#"{"kind":"up-and-out","barrier":1,"strike":1.1}"#).unwrap_err();
    assert!(error.to_string().contains("above the strike"), "{error}");
}
