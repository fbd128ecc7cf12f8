//! From results to pictures, tables and files.

use std::path::Path;

use super::plot::{Column, Panel, panels_over, score, three_panels};
use super::sheet::{Step, figure_one};
use super::table::{self, Stage};
use crate::data::{Prediction, Surrogate, TestSet};
use crate::error::Result;
use crate::pipeline::{Method, Reference, Scores, StageRecord};

/// A column of Table 2 as one run left it.
pub(super) struct Outcome {
    pub(super) method: Method,
    pub(super) surrogate: Surrogate,
    pub(super) scores: Scores,
}

/// What pictures and tables call a column.
pub(super) fn title(method: Method) -> &'static str {
    match method {
        Method::Oversized => "Oversized",
        Method::Pruned => "Pruned",
        Method::FromNetwork => "From network",
        Method::FromModel => "From model",
        Method::Collapsed => "Collapsed",
        Method::CollapsedFromModel => "Collapsed, from model",
    }
}

/// The paper's figures of a column.
pub(super) fn published(method: Method) -> Option<table::Published> {
    match method {
        Method::Oversized => Some(table::OVERSIZED),
        Method::Pruned => Some(table::PRUNED),
        Method::FromNetwork => Some(table::FROM_NETWORK),
        Method::FromModel => Some(table::FROM_MODEL),
        Method::Collapsed | Method::CollapsedFromModel => None,
    }
}

pub(super) fn stage(record: &StageRecord) -> Stage<'_> {
    Stage { name: &record.name, widths: &record.widths, samples: record.samples as u64, seconds: record.seconds }
}

/// Lines of `name  values  deltas  by column  gammas`.
pub(super) fn scores_table(rows: &[(&str, Scores)]) -> comfy_table::Table {
    let parameters = |scores: &Scores| scores.parameters.rows().into_iter().filter_map(|(name, r)| Some((name, r?)));
    let names = ["", "Values", "Deltas", "Deltas by column", "Gammas"].into_iter();
    let more = rows.first().into_iter().flat_map(|(_, scores)| parameters(scores).map(|(name, _)| name));
    let header: Vec<String> = names.chain(more).map(str::to_owned).collect();
    let mut table = table::drawn(&header, comfy_table::presets::UTF8_FULL_CONDENSED, 1);
    for (name, scores) in rows {
        let mut row = vec![(*name).to_owned()];
        let all = scores.rows().into_iter().chain(parameters(scores).map(|(_, r)| r));
        row.extend(all.map(|r| if r.is_nan() { "–".into() } else { score(r) }));
        table.add_row(row);
    }
    table
}

/// A prediction in the layout that panels want.
struct Drawn {
    deltas: [Vec<f64>; 2],
}

impl Drawn {
    fn of(p: &Prediction, test: &TestSet) -> Self {
        let rows = |m: &faer::Mat<f64>| {
            (0..m.nrows()).flat_map(|r| m.row(r).iter().copied().take(test.spots).collect::<Vec<_>>()).collect()
        };
        Self { deltas: [rows(&test.deltas), rows(&p.deltas)] }
    }

    fn column<'a>(&'a self, title: &'a str, p: &'a Prediction, scores: Scores, test: &'a TestSet) -> Column<'a> {
        // Gammas that the truth lacks are zero wherever they exist, as the prediction's are.
        let gammas = if test.gammas.is_empty() { &p.gammas } else { &test.gammas };
        Column {
            title,
            basket: &test.underlyings,
            values: Panel { truth: &test.values, predicted: &p.values, r2: scores.values },
            deltas: Panel { truth: &self.deltas[0], predicted: &self.deltas[1], r2: scores.deltas },
            gammas: Panel { truth: gammas, predicted: &p.gammas, r2: scores.gammas },
        }
    }
}

/// The three-panel picture of one network.
pub(super) fn picture(title: &str, p: &Prediction, scores: Scores, reference: &Reference) -> String {
    let (test, axis) = (
        reference.test(),
        match reference {
            Reference::Model(_) => "Basket price",
            Reference::Network(_) => "Mean of the inputs",
        },
    );
    panels_over(axis, &Drawn::of(p, test).column(title, p, scores, test))
}

/// What the scores of a network are of.
pub(super) fn title_of_scores(reference: &Reference) -> String {
    let points = reference.test().values.len();
    match reference {
        Reference::Model(_) => format!("R² on {points} test points"),
        Reference::Network(_) => format!("R² against the teacher, {points} test points"),
    }
}

/// How far the labels of the test may be off, where no formula gives them; nothing where one does.
pub(super) fn note_on_labels(test: &TestSet) -> String {
    let Some(errors) = &test.errors else { return String::new() };
    let mean = |errors: &[f64]| errors.iter().sum::<f64>() / errors.len() as f64;
    let deltas = (0..test.spots).map(|j| mean(errors.deltas.col_as_slice(j))).sum::<f64>() / test.spots as f64;
    let [values, slopes, gammas] = test.ceilings();
    format!(
        "No formula prices this: test labels are means over {} pairs of paths at each of {} points, derivatives by bumped \
         revaluation with the same paths.\nMean standard errors: values {:.1e}, deltas {deltas:.1e}, gammas {:.1e}; that noise alone keeps the R² of a perfect \
         network at about {values:.5}, {slopes:.5}, {gammas:.5}.",
        errors.pairs,
        test.values.len(),
        mean(&errors.values),
        mean(&errors.gammas)
    )
}

/// Says why there are no gammas, if there are none.
pub(super) fn note_on_gammas(reference: &Reference) {
    if reference.test().gammas.is_empty() {
        println!("The teacher is piecewise linear: its gammas are zero wherever they exist, and none are scored.");
    }
}

/// All pictures of a run: Figs. 1, 4, 5, 6, 7, 9, 10.
pub(super) fn pictures(folder: &Path, outcomes: &[Outcome], test: &TestSet) -> Result<()> {
    super::save(&folder.join("figure5-smoothing.svg"), &super::smoothing::smoothing(0.05))?;
    let predictions: Vec<Prediction> =
        outcomes.iter().map(|o| o.surrogate.predict_along(test.inputs.as_ref(), &test.gamma_direction())).collect();
    let drawn: Vec<Drawn> = predictions.iter().map(|p| Drawn::of(p, test)).collect();
    let mut steps: Vec<(Method, Step<'_>)> = Vec::new();
    let widths: Vec<Vec<usize>> = outcomes.iter().map(|o| o.surrogate.widths()).collect();
    for (((outcome, p), drawn), widths) in outcomes.iter().zip(&predictions).zip(&drawn).zip(&widths) {
        let column = drawn.column(title(outcome.method), p, outcome.scores, test);
        let (number, stage, from) = match outcome.method {
            Method::Oversized => (4, "train on values", None),
            Method::Pruned => (6, "prune by significance", Some(Method::Oversized)),
            Method::FromNetwork => (9, "Sobolev, from the network", Some(Method::Pruned)),
            Method::FromModel => (10, "Sobolev, from the model", Some(Method::Pruned)),
            Method::Collapsed => (7, "remove layers", Some(Method::Pruned)),
            // §6.2 speaks of this one without a figure.
            Method::CollapsedFromModel => continue,
        };
        let name = format!("figure{number}-{}.svg", outcome.method.key());
        super::save(&folder.join(name), &three_panels(&column))?;
        if outcome.method.in_paper() {
            let from = from.and_then(|f| steps.iter().position(|(method, _)| *method == f));
            steps.push((outcome.method, Step { column, widths, from, stage }));
        }
    }
    let steps: Vec<Step<'_>> = steps.into_iter().map(|(_, step)| step).collect();
    super::save(&folder.join("figure1.svg"), &figure_one(&steps))
}
