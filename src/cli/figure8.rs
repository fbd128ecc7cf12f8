//! `figure8`: is it pruning, or would any small network do? The pruned shape from random weights, over seeds (§6.1, Figure 8).

use faer::Mat;
use serde::Serialize;

use super::args::Figure8Args;
use super::files::{self, Loaded};
use super::plot::score;
use super::progress::Progress;
use super::spread::{Spread, spread};
use super::stages::criterion_and_fold;
use super::table::drawn;
use crate::data::{Prediction, Surrogate, TestSet, write_atomically};
use crate::error::Result;
use crate::math::statistics::{Moments, median};
use crate::pipeline::{Scores, Study};

/// A run fails if it is worse than the paper's pruned network in values or in gammas.
const FAILED: [f64; 2] = [super::table::PRUNED[0], super::table::PRUNED[2]];

pub(super) fn figure8(args: &Figure8Args) -> Result<()> {
    let Loaded { surrogate: teacher, reference, .. } = files::load(&args.model, &args.reference, None)?;
    let mut plan = args.fit.plan();
    args.fit.apply(&mut plan.retrain);
    args.fit.limit(&mut plan.imitation);
    plan.pruned = args.widths.0.clone();
    plan.prune.keep = args.criterion.keep;
    // One network a seed on both sides: the better of several would be an advantage.
    plan.attempts = 1;
    crate::prune::check_widths(&teacher.network.chain().hidden(), &plan.pruned)?;
    let (mut progress, test) = (Progress::new(args.common.quiet), reference.test());
    let seed = |i: usize| args.common.seed.wrapping_add(i as u64);
    let mut random = Runs::default();
    for i in 0..args.seeds {
        progress.note(&format!("random weights, seed {}", seed(i)));
        let mut study = Study::new(&reference, &plan, seed(i));
        random.add(&study.from_random_weights(&teacher, &mut progress)?, test);
    }
    let mut pruned = Runs::default();
    for i in 0..args.prunings {
        progress.note(&format!("pruned, seed {}", seed(i)));
        let (mut study, mut surrogate) = (Study::new(&reference, &plan, seed(i)), teacher.clone());
        let (mut criterion, fold) = criterion_and_fold(&args.criterion, seed(i));
        study.prune(&mut surrogate, &teacher, &mut *criterion, fold, &mut progress)?;
        pruned.add(&surrogate, test);
    }
    let title = format!("{} from random weights: mean and deviation of {} seeds", network(&plan.pruned), args.seeds);
    super::save(&args.out.join("figure8.svg"), &random.picture(&title, test))?;
    let report = Report { widths: &plan.pruned, random: random.summary(), pruned: pruned.summary() };
    let json = serde_json::to_string_pretty(&report).expect("plain numbers");
    write_atomically(&args.out.join("figure8.json"), json.as_bytes())?;
    println!("{}", report.table());
    println!("failed: values under {} or gammas under {}, the paper's pruned network", FAILED[0], FAILED[1]);
    println!("wrote figure8.svg and figure8.json to {}", args.out.display());
    Ok(())
}

/// What several networks of one shape predict at the test points, and how well.
#[derive(Default)]
struct Runs {
    predictions: Vec<Prediction>,
    scores: Vec<Scores>,
}

impl Runs {
    fn add(&mut self, surrogate: &Surrogate, test: &TestSet) {
        let prediction = surrogate.predict_along(test.inputs.as_ref(), &test.gamma_direction());
        self.scores.push(Scores::of_prediction(&prediction, test));
        self.predictions.push(prediction);
    }

    fn picture(&self, title: &str, test: &TestSet) -> String {
        let rows = |m: &Mat<f64>| (0..m.nrows()).flat_map(|r| m.row(r).iter().copied().collect::<Vec<_>>()).collect();
        let of = |name, label, truth: Vec<f64>, quantity: &dyn Fn(&Prediction) -> Vec<f64>| {
            let predictions: Vec<Vec<f64>> = self.predictions.iter().map(quantity).collect();
            let at = |i: usize| Moments::of(&predictions.iter().map(|p| p[i]).collect::<Vec<_>>());
            let (mean, deviation) = (0..truth.len()).map(|i| (at(i).mean(), at(i).standard_deviation())).unzip();
            Spread { name, label, truth, mean, deviation }
        };
        let panels = [
            of("Values", "Value", test.values.clone(), &|p| p.values.clone()),
            of("Deltas", "Delta of each asset", rows(&test.deltas), &|p| rows(&p.deltas)),
            of("Gammas", "Gamma", test.gammas.clone(), &|p| p.gammas.clone()),
        ];
        spread(title, &test.underlyings, &panels)
    }

    fn summary(&self) -> Summary {
        let of = |row: usize| {
            let all: Vec<f64> = self.scores.iter().map(|s| s.rows()[row]).collect();
            let moments = Moments::of(&all);
            let (worst, best) = all.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(w, b), &r| (r.min(w), r.max(b)));
            Row { mean: moments.mean(), deviation: moments.standard_deviation(), median: median(&all), worst, best }
        };
        let bad = |s: &&Scores| !(s.values >= FAILED[0] && s.gammas >= FAILED[1]);
        Summary {
            runs: self.scores.len(),
            failed: self.scores.iter().filter(bad).count(),
            values: of(0),
            deltas: of(1),
            deltas_by_column: of(2),
            gammas: of(3),
            scores: self.scores.clone(),
        }
    }
}

/// R² over seeds.
#[derive(Serialize)]
struct Row {
    mean: f64,
    deviation: f64,
    median: f64,
    worst: f64,
    best: f64,
}

#[derive(Serialize)]
struct Summary {
    runs: usize,
    failed: usize,
    values: Row,
    deltas: Row,
    deltas_by_column: Row,
    gammas: Row,
    /// One for each seed.
    scores: Vec<Scores>,
}

/// What `figure8.json` holds.
#[derive(Serialize)]
struct Report<'a> {
    widths: &'a [usize],
    random: Summary,
    pruned: Summary,
}

impl Report<'_> {
    fn table(&self) -> comfy_table::Table {
        let title = |name: &str, s: &Summary| format!("{name}, {} of {} failed", s.failed, s.runs);
        let header = ["R²".into(), String::new(), title("Random weights", &self.random), title("Pruned", &self.pruned)];
        let mut table = drawn(&header, comfy_table::presets::UTF8_FULL, 2);
        type Of = fn(&Summary) -> &Row;
        let rows: [(&str, Of); 4] = [
            ("Values", |s| &s.values),
            ("Deltas", |s| &s.deltas),
            ("Deltas by column", |s| &s.deltas_by_column),
            ("Gammas", |s| &s.gammas),
        ];
        for (name, row) in rows {
            let cell = |s: &Summary| {
                let Row { mean, deviation, median, worst, best } = row(s);
                let spread = if deviation.is_nan() { "–".into() } else { format!("{deviation:.1e}") };
                [score(*mean), spread, score(*median), score(*worst), score(*best)].join("\n")
            };
            table.add_row([
                name.into(),
                "mean\ndeviation\nmedian\nworst\nbest".into(),
                cell(&self.random),
                cell(&self.pruned),
            ]);
        }
        table
    }
}

fn network(hidden: &[usize]) -> String {
    hidden.iter().map(ToString::to_string).collect::<Vec<_>>().join("-")
}
