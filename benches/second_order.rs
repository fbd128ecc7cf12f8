//! What second-order labels add at equal time: the pruned 3-3-1-2-2-2 fine-tuned on the model with and without them, by Adam
//! alone and by Adam and Levenberg–Marquardt, on a Bachelier basket with several payoffs. Prints R² against closed forms.
//!
//! ```sh
//! cargo bench --bench second_order -- --payoff call --seeds 5 --seconds 2
//! ```
//!
//! Every run gets the same wall clock: the time of an epoch and of an iteration is measured first, simulation and labels
//! included, and the number of epochs, and of samples for Levenberg–Marquardt, follows. Fewer epochs are the price of
//! second-order labels.

use std::time::Instant;

use sobolev::data::{Directions, SecondOrder, Surrogate};
use sobolev::math::statistics::median;
use sobolev::model::{Bachelier, Contract, Kind, Payoff, Regularity, Smoothing};
use sobolev::observer::Unobserved;
use sobolev::pipeline::{Curving, Fit, Plan, Polish, Problem, Reference, Scores, Study};
use sobolev::prune::{Fold, criterion};
use sobolev::train::Loss;

/// What is compared.
#[derive(Clone, Copy)]
struct Way {
    name: &'static str,
    /// Adam sees second-order labels, and so does Levenberg–Marquardt.
    adam: bool,
    /// `None`: Adam has all the time; else half of it.
    levenberg: Option<bool>,
}

const WAYS: [Way; 5] = [
    Way { name: "Adam, first order", adam: false, levenberg: None },
    Way { name: "Adam, second order", adam: true, levenberg: None },
    Way { name: "Adam + LM, first order", adam: false, levenberg: Some(false) },
    Way { name: "Adam second, LM first order", adam: true, levenberg: Some(false) },
    Way { name: "Adam + LM, second order", adam: true, levenberg: Some(true) },
];

/// Iterations of Levenberg–Marquardt.
const ITERATIONS: usize = 12;

struct Arguments {
    payoff: String,
    seeds: u64,
    seconds: f64,
    width: f64,
    /// Of the labels of first derivatives, for payoffs that need it.
    label_width: f64,
    directions: Directions,
    every: usize,
    dims: usize,
}

fn arguments() -> Arguments {
    let mut a = Arguments {
        payoff: "call".into(),
        seeds: 3,
        seconds: 2.0,
        width: 0.05,
        label_width: 0.05,
        directions: Directions::PRINCIPAL,
        every: 1,
        dims: 7,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match &word[..] {
            "--payoff" => a.payoff = value(),
            "--seeds" => a.seeds = value().parse().expect("a number of seeds"),
            "--seconds" => a.seconds = value().parse().expect("seconds"),
            "--curvature-smoothing" => a.width = value().parse().expect("a width"),
            "--smoothing" => a.label_width = value().parse().expect("a width"),
            "--directions" => a.directions = value().parse().expect("directions"),
            "--every" => a.every = value().parse().expect("a number of batches"),
            "--dims" => a.dims = value().parse().expect("a number of assets"),
            // What cargo says to every bench.
            "--bench" => {}
            _ => panic!("unknown argument {word}"),
        }
    }
    a
}

fn main() {
    let a = arguments();
    let (kind, strike) = match &a.payoff[..] {
        "call" => (Kind::Call, 1.1),
        "straddle" => (Kind::Straddle, 1.1),
        "spread" => (Kind::CallSpread { width: 0.2 }, 1.0),
        "digital" => (Kind::Digital, 1.1),
        other => panic!("expected call, straddle, spread or digital, found {other}"),
    };
    compare(&a, Contract::new(kind, strike).expect("a contract"));
}

fn compare(a: &Arguments, payoff: Contract) {
    let model = Bachelier::random(1, a.dims).expect("a basket");
    let jumps = payoff.regularity() == Regularity::Discontinuous;
    let smoothing = Smoothing::of_width(if jumps { a.label_width } else { 0.0 }).expect("a width");
    let reference: Reference = Problem::of(model.into(), payoff, smoothing, 1).expect("they fit").into();
    let curving = Curving {
        choice: SecondOrder { directions: a.directions, every: a.every },
        smoothing: Smoothing::of_width(a.width).expect("a width"),
        polish: true,
    };
    let starts: Vec<Surrogate> = (1..=a.seeds).map(|seed| start(&reference, seed)).collect();
    // Seconds an epoch, and an iteration, each without and with second-order labels; the fastest of three.
    let cost = |seconds: &dyn Fn() -> f64| (0..3).map(|_| seconds()).fold(f64::INFINITY, f64::min);
    let time = |plan: &Plan| {
        let begin = Instant::now();
        _ = tune(&reference, &starts[0], plan, 1);
        begin.elapsed().as_secs_f64()
    };
    let adam = [false, true].map(|second| cost(&|| time(&plan(second.then_some(curving), 2, None))) / 2.0);
    let levenberg = [false, true]
        .map(|second| cost(&|| time(&plan(second.then_some(curving), 0, Some(1 << 14)))) / f64::from(1 << 14));
    println!("\n{}, {} assets: medians of R² (worst) over {} seeds", a.payoff, a.dims, a.seeds);
    println!("directions {}, every {}, curvature smoothing {}\n", a.directions, a.every, a.width);
    println!("| | values | deltas | gammas | epochs | LM samples | seconds |\n|---|---|---|---|---|---|---|");
    let row = |name: &str, scores: &[Scores], rest: &str| {
        let column = |i: usize| {
            let all: Vec<f64> = scores.iter().map(|s| s.rows()[i]).collect();
            let worst = all.iter().copied().fold(f64::INFINITY, f64::min);
            format!("{:.6} ({worst:.6})", median(&all))
        };
        println!("| {name} | {} | {} | {} | {rest} |", column(0), column(1), column(3));
    };
    let scores =
        |networks: &[Surrogate]| -> Vec<Scores> { networks.iter().map(|s| Scores::of(s, reference.test())).collect() };
    row("before", &scores(&starts), "| |");
    for way in WAYS {
        let share = if way.levenberg.is_some() { 0.5 } else { 1.0 };
        let epochs = ((share * a.seconds / adam[usize::from(way.adam)]).round() as usize).max(1);
        let samples = way.levenberg.map(|second| (0.5 * a.seconds / levenberg[usize::from(second)]) as usize);
        let mut plan = plan(way.adam.then_some(curving), epochs, samples);
        if let Some(curving) = &mut plan.second_order {
            curving.polish = way.levenberg == Some(true);
        }
        let begin = Instant::now();
        let tuned: Vec<Surrogate> =
            starts.iter().zip(1..).map(|(start, seed)| tune(&reference, start, &plan, seed)).collect();
        let seconds = begin.elapsed().as_secs_f64() / starts.len() as f64;
        let samples = samples.map_or("–".into(), |n| n.to_string());
        row(way.name, &scores(&tuned), &format!("{epochs} | {samples} | {seconds:.2}"));
    }
}

/// Pruned in seconds, never having seen a derivative.
fn start(reference: &Reference, seed: u64) -> Surrogate {
    // A single attempt at pruning may end where no tuning leads anywhere, as on the straddle.
    let plan = Plan { attempts: 4, ..Plan::quick() };
    let mut study = Study::new(reference, &plan, seed);
    let mut network = study.initial(&plan.oversized).expect("labels that vary");
    study.train(&mut network, Loss::Values, &mut Unobserved).expect("trains");
    let teacher = network.clone();
    let mut ranking = criterion("interval", seed).expect("known");
    study.prune(&mut network, &teacher, &mut *ranking, Fold::Mean, &mut Unobserved).expect("prunes");
    network
}

/// Short epochs, so that their number follows the time closely.
fn plan(second_order: Option<Curving>, epochs: usize, levenberg: Option<usize>) -> Plan {
    let plan = Plan::default();
    let samples = levenberg.unwrap_or(0);
    Plan {
        finetune: Fit { samples: 1 << 15, epochs, ..plan.finetune },
        polish: Polish {
            samples,
            held_out: samples / 4,
            iterations: if samples > 0 { ITERATIONS } else { 0 },
            ..plan.polish
        },
        second_order,
        ..plan
    }
}

fn tune(reference: &Reference, start: &Surrogate, plan: &Plan, seed: u64) -> Surrogate {
    let mut network = start.clone();
    let mut study = Study::new(reference, plan, seed);
    study.finetune_from_model(&mut network, &mut Unobserved).expect("tunes");
    network
}
