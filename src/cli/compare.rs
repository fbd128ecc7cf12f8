//! `compare`: every criterion prunes the same network.

use std::path::PathBuf;

use clap::Args;

use super::args::{CommonArgs, FitArgs, FoldArg, ReferenceArgs, Widths, criterion, positive, widths};
use super::files::{self, Loaded};
use super::plot::score;
use super::progress::Progress;
use super::strips::{Strips, strips};
use super::table::drawn;
use crate::data::{Surrogate, write_atomically};
use crate::error::{Error, Result};
use crate::model::{Bachelier, Basket, Call, Smoothing};
use crate::pipeline::{Comparison, Contestant, Problem, Reference, Row, Scores, Spread, Study};
use crate::prune::{CRITERIA, Fold, check_widths};
use crate::train::Loss;

/// `compare`.
#[derive(Args, Clone, Debug)]
pub struct CompareArgs {
    /// See [`CommonArgs`].
    #[command(flatten)]
    pub common: CommonArgs,
    /// See [`FitArgs`].
    #[command(flatten)]
    pub fit: FitArgs,
    /// The network to prune [default: one is trained for every seed]
    #[arg(long, short)]
    pub model: Option<PathBuf>,
    /// Hidden widths to prune to, once for each size [default: a half, an eighth and a thirty-second of every layer]
    #[arg(long, value_parser = widths)]
    pub widths: Vec<Widths>,
    /// Who competes: names as in --criterion, separated by commas [default: every criterion]
    #[arg(long, value_parser = criterion, value_delimiter = ',')]
    pub criteria: Vec<String>,
    /// What takes the place of a removed node, one or both
    #[arg(long, value_enum, value_delimiter = ',', default_value = "mean")]
    pub folds: Vec<FoldArg>,
    /// Runs over so many seeds, from --seed on
    #[arg(long, default_value_t = 3, value_parser = positive)]
    pub seeds: usize,
    /// Only cut
    #[arg(long)]
    pub no_retraining: bool,
    /// Folder of the results: comparison.json, comparison.md and a picture for each size
    #[arg(long, short, default_value = "out/compare")]
    pub out: PathBuf,
    /// Assets in the basket, where a network is trained
    #[arg(long, default_value_t = 7, value_parser = positive, conflicts_with = "model")]
    pub dims: usize,
    /// Further inputs that the payoff does not depend on, where a network is trained
    #[arg(long, default_value_t = 0, conflicts_with = "model")]
    pub idle: usize,
    /// Hidden widths of the network that is trained
    #[arg(long, value_parser = widths, default_value = "6x128", conflicts_with = "model")]
    pub hidden: Widths,
    /// See [`ReferenceArgs`].
    #[command(flatten)]
    pub reference: ReferenceArgs,
}

pub(super) fn compare(args: &CompareArgs) -> Result<()> {
    let mut plan = args.fit.plan();
    for fit in [&mut plan.retrain, &mut plan.prune.retrain] {
        fit.samples = fit.samples.min(1 << 16);
        fit.epochs = fit.epochs.min(4);
    }
    // Adam alone: how many iterations a polish takes would depend on the contestant.
    (plan.polish.iterations, plan.imitation.iterations) = (0, 0);
    let (given, reference) = match &args.model {
        Some(path) => {
            args.fit.apply(&mut plan.retrain);
            args.fit.apply(&mut plan.prune.retrain);
            let Loaded { surrogate, reference, .. } = files::load(path, &args.reference, None)?;
            (Some(surrogate), reference)
        }
        None => {
            args.fit.apply_to_all(&mut plan);
            (None, basket(args)?.into())
        }
    };
    let hidden = given.as_ref().map_or_else(|| args.hidden.0.clone(), |s| s.network.chain().hidden());
    let contestants = contestants(args, &hidden)?;
    let mut progress = Progress::new(args.common.quiet);
    let (mut large, mut entries) = (Vec::new(), Vec::new());
    for seed in args.common.seed..args.common.seed + args.seeds as u64 {
        let mut study = Study::new(&reference, &plan, seed);
        let network: Surrogate = match &given {
            Some(network) => network.clone(),
            None => {
                let mut network = study.initial(&args.hidden.0)?;
                study.train(&mut network, Loss::Values, &mut progress)?;
                network
            }
        };
        large.push(Scores::of(&network, reference.test()));
        for contestant in &contestants {
            entries.push(study.contest(&network, contestant, !args.no_retraining, &mut progress)?);
        }
    }
    let setting = setting(args, &hidden, &reference);
    finish(args, &Comparison::new(setting, &large, entries))
}

/// The problem of a network to be trained.
fn basket(args: &CompareArgs) -> Result<Problem> {
    let seed = args.reference.basket_seed.unwrap_or(1);
    if args.idle == 0 {
        return Problem::new(args.dims, seed);
    }
    let invalid = |e: crate::model::ModelError| Error::invalid("idle", e.to_string());
    let basket = Basket::with_idle(seed, args.dims, args.idle).map_err(invalid)?;
    let model = Bachelier::new(basket, 1.0, 2.0).map_err(invalid)?;
    Problem::of(model.into(), Call::default().into(), Smoothing::NONE, seed)
}

/// Sizes × folds × criteria.
fn contestants(args: &CompareArgs, hidden: &[usize]) -> Result<Vec<Contestant>> {
    let shrunk = |by: usize| hidden.iter().map(|w| w.div_ceil(by)).collect::<Vec<_>>();
    let mut sizes: Vec<Vec<usize>> = args.widths.iter().map(|w| w.0.clone()).collect();
    if sizes.is_empty() {
        sizes = [2, 8, 32].map(shrunk).to_vec();
        sizes.dedup();
    }
    let all = CRITERIA.map(str::to_owned).to_vec();
    let criteria = if args.criteria.is_empty() { &all } else { &args.criteria };
    let mut contestants = Vec::new();
    for widths in sizes {
        check_widths(hidden, &widths)?;
        for fold in &args.folds {
            let fold = match fold {
                FoldArg::Mean => Fold::Mean,
                FoldArg::Midpoint => Fold::Midpoint,
            };
            for criterion in criteria {
                contestants.push(Contestant { criterion: criterion.clone(), fold, widths: widths.clone() });
            }
        }
    }
    Ok(contestants)
}

fn setting(args: &CompareArgs, hidden: &[usize], reference: &Reference) -> String {
    let (inputs, seeds) = (reference.test().inputs.ncols(), args.seeds);
    let from = match &args.model {
        Some(path) => path.display().to_string(),
        None if args.idle > 0 => format!("{} assets and {} idle inputs", args.dims, args.idle),
        None => format!("{} assets", args.dims),
    };
    format!("{from}, {inputs}-{}-1, {seeds} seeds", super::table::network_name(hidden))
}

fn finish(args: &CompareArgs, comparison: &Comparison) -> Result<()> {
    let json = serde_json::to_string_pretty(comparison).expect("plain numbers");
    write_atomically(&args.out.join("comparison.json"), json.as_bytes())?;
    let markdown = format!("{}\n\n{}\n", comparison.setting, table(comparison, comfy_table::presets::ASCII_MARKDOWN));
    write_atomically(&args.out.join("comparison.md"), markdown.as_bytes())?;
    let mut sizes: Vec<&[usize]> = comparison.rows.iter().map(|r| &r.contestant.widths[..]).collect();
    sizes.dedup();
    for widths in sizes {
        let name = widths.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
        super::save(&args.out.join(format!("comparison-{name}.svg")), &picture(comparison, widths))?;
    }
    println!("{}", comparison.setting);
    println!("{}", table(comparison, comfy_table::presets::UTF8_FULL_CONDENSED));
    println!("wrote {}", args.out.display());
    Ok(())
}

/// Medians, with the range over seeds where there are several.
fn table(comparison: &Comparison, style: comfy_table::TableStyle) -> comfy_table::Table {
    let header =
        ["Widths", "Criterion", "Fold", "Values cut", "Deltas cut", "Gammas cut", "Values", "Deltas", "Gammas"];
    let header: Vec<String> = header.iter().chain(&["Cut s", "Retrain s"]).map(|h| (*h).to_owned()).collect();
    let mut table = drawn(&header, style, 3);
    let line = |row: &Row| {
        let who = &row.contestant;
        let mut line = vec![super::table::network_name(&who.widths), who.criterion.clone(), who.fold.name().to_owned()];
        line.extend(row.before.iter().map(cell));
        match &row.after {
            Some(after) => line.extend(after.iter().map(cell)),
            None => line.extend(["–"; 3].map(str::to_owned)),
        }
        line.extend(row.seconds.iter().map(|s| format!("{s:.2}")));
        line
    };
    let mut large = vec!["as trained".to_owned(), String::new(), String::new()];
    large.extend(comparison.large.iter().map(cell));
    table.add_row(large);
    comparison.rows.iter().for_each(|row| _ = table.add_row(line(row)));
    table
}

fn cell(spread: &Spread) -> String {
    let short = |x: f64| if x > -10.0 { format!("{x:.4}") } else { format!("{x:.0e}") };
    match spread.least == spread.largest {
        true => score(spread.median),
        false => format!("{} ({} … {})", short(spread.median), short(spread.least), short(spread.largest)),
    }
}

/// 1 − R² of every contestant of one size and every seed.
fn picture(comparison: &Comparison, widths: &[usize]) -> String {
    let rows: Vec<&Row> = comparison.rows.iter().filter(|r| r.contestant.widths == widths).collect();
    let several = rows.iter().any(|r| r.contestant.fold != rows[0].contestant.fold);
    let name = |row: &&Row| match several {
        true => format!("{}, {}", row.contestant.criterion, row.contestant.fold.name()),
        false => row.contestant.criterion.clone(),
    };
    let names: Vec<String> = rows.iter().map(name).collect();
    let quantities = [("1 − R², values", 0), ("1 − R², deltas", 1), ("1 − R², gammas", 3)];
    let panels = quantities.map(|(heading, row)| {
        let quantity = |s: &Scores| s.rows()[row];
        let line = |row: &&Row| {
            let mine = comparison.entries.iter().filter(|e| e.contestant == row.contestant);
            let before = mine.clone().map(|e| 1.0 - quantity(&e.before)).collect();
            [before, mine.filter_map(|e| e.after.as_ref()).map(|s| 1.0 - quantity(s)).collect()]
        };
        Strips { heading, lines: rows.iter().map(line).collect() }
    });
    let title = format!("Pruned to {}: {}", super::table::network_name(widths), comparison.setting);
    strips(&title, ["as cut", "retrained"], &names, &panels, (-6, 2))
}
