//! `run`: the whole of Figure 1, over seeds and baskets.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::args::RunArgs;
use super::files::{self, State};
use super::progress::Progress;
use super::report::{self, Outcome};
use super::stages::criterion_and_fold;
use super::table::{self, Stage, StageTable};
use super::widths;
use crate::data::{Surrogate, write_atomically};
use crate::error::{Error, Result};
use crate::pipeline::{ColumnSummary, Method, Plan, Reference, Scores, StageRecord, Study, Table2};
use crate::train::Loss;

pub(super) fn run(args: &RunArgs) -> Result<()> {
    let plan = plan(args)?;
    // What cannot end well is not begun.
    args.problem.require_derivatives()?;
    std::fs::create_dir_all(&args.out).map_err(Error::io(&args.out, "make the folder"))?;
    let mut progress = Progress::new(args.common.quiet);
    let mut runs: BTreeMap<Method, Vec<Scores>> = BTreeMap::new();
    let mut records: Vec<StageRecord> = Vec::new();
    let (mut points, mut note) = (0, String::new());
    let seeds: Vec<u64> = (0..args.seeds as u64).map(|i| args.common.seed.wrapping_add(i)).collect();
    let baskets: Vec<u64> = (0..args.baskets as u64).map(|i| args.basket_seed.wrapping_add(i)).collect();
    for (b, &basket) in baskets.iter().enumerate() {
        let reference = Reference::from(args.problem.problem(args.dims, basket)?);
        (points, note) = (reference.test().values.len(), report::note_on_labels(reference.test()));
        for (s, &seed) in seeds.iter().enumerate() {
            progress.note(&format!("basket seed {basket}, seed {seed}: {} assets", args.dims));
            let first = b + s == 0;
            let folder = if first { args.out.clone() } else { args.out.join(format!("basket-{basket}-seed-{seed}")) };
            let mut one = One { args, plan: &plan, reference: &reference, seed, folder, progress: &mut progress };
            let (outcomes, new) = one.run()?;
            records = add(records, new);
            if first {
                report::pictures(&args.out, &outcomes, reference.test())?;
            }
            for outcome in outcomes {
                runs.entry(outcome.method).or_default().push(outcome.scores);
            }
            // After every run, so that a later failure loses nothing.
            write_table(args, &plan, &seeds[..=s], &baskets[..=b], &runs, &records)?;
        }
    }
    print(args, &plan, &runs, &records, points, &note);
    Ok(())
}

fn plan(args: &RunArgs) -> Result<Plan> {
    let mut plan = if args.paper { args.fit.adapted(Plan::paper()) } else { args.fit.plan() };
    args.fit.apply_to_all(&mut plan);
    plan.prune.keep = args.criterion.keep;
    plan.second_order = args.second_order.curving();
    plan.pruned = widths::pruned(args.widths.as_ref(), args.problem.is_of_one_number(args.dims));
    plan.oversized = args.hidden.as_ref().map_or_else(|| widths::oversized(&plan.pruned), |widths| widths.0.clone());
    // Impossible targets are found before anything is trained.
    crate::prune::check_widths(&plan.oversized, &plan.pruned)?;
    Ok(plan)
}

/// One run with one seed on one basket.
struct One<'a> {
    args: &'a RunArgs,
    plan: &'a Plan,
    reference: &'a Reference,
    seed: u64,
    folder: PathBuf,
    progress: &'a mut Progress,
}

impl One<'_> {
    fn run(&mut self) -> Result<(Vec<Outcome>, Vec<StageRecord>)> {
        let mut study = Study::new(self.reference, self.plan, self.seed);
        let mut outcomes = Vec::new();
        let initial = study.initial(&self.plan.oversized)?;
        let large = self.stage(&mut study, Method::Oversized, &initial, |study, s, progress| {
            study.train(s, Loss::Values, progress)
        })?;
        let path = self.folder.join("history.json");
        let (mut criterion, fold) = criterion_and_fold(&self.args.criterion, self.seed);
        let pruned = self.stage(&mut study, Method::Pruned, &large, |study, s, progress| {
            let history = study.prune(s, &large, &mut *criterion, fold, progress)?;
            write_atomically(&path, serde_json::to_string_pretty(&history).expect("plain numbers").as_bytes())
        })?;
        let network = self.stage(&mut study, Method::FromNetwork, &pruned, |study, s, progress| {
            study.finetune_from_network(s, &large, progress)
        })?;
        let model = self.stage(&mut study, Method::FromModel, &pruned, |study, s, progress| {
            study.finetune_from_model(s, progress)
        })?;
        let mut add = |method, surrogate: Surrogate| {
            let scores = Scores::of(&surrogate, self.reference.test());
            outcomes.push(Outcome { method, surrogate, scores });
        };
        if self.plan.pruned.contains(&1) {
            let collapsed = self.stage(&mut study, Method::Collapsed, &pruned, |study, s, progress| {
                study.collapse(s, &large, progress)
            })?;
            let tuned = self.stage(&mut study, Method::CollapsedFromModel, &collapsed, |study, s, progress| {
                study.finetune_from_model(s, progress)
            })?;
            add(Method::Collapsed, collapsed);
            add(Method::CollapsedFromModel, tuned);
        }
        add(Method::Oversized, large);
        add(Method::Pruned, pruned);
        add(Method::FromNetwork, network);
        add(Method::FromModel, model);
        outcomes.sort_by_key(|o| o.method);
        Ok((outcomes, study.records))
    }

    /// Runs one stage from a copy of `start` and saves what it left, or takes up what an earlier run left.
    fn stage(
        &mut self,
        study: &mut Study<'_>,
        method: Method,
        start: &Surrogate,
        stage: impl FnOnce(&mut Study<'_>, &mut Surrogate, &mut Progress) -> Result<()>,
    ) -> Result<Surrogate> {
        let path = self.folder.join(format!("{}.safetensors", method.key()));
        let plan = format!("{:?} {:?}", self.plan, self.args.criterion);
        if self.args.resume
            && let Some(done) = files::resume(&path, self.reference.problem()?, self.seed, &plan)
        {
            self.progress.note(&format!("{}: taken from {}", report::title(method), path.display()));
            return Ok(done);
        }
        let mut surrogate = start.clone();
        let done = stage(study, &mut surrogate, self.progress);
        let state = match &done {
            Ok(()) => State::Complete,
            Err(Error::Interrupted) => State::Interrupted,
            Err(_) => return done.map(|()| surrogate),
        };
        files::save(&path, &surrogate, self.reference, self.seed, state, &plan)?;
        if state == State::Interrupted {
            self.progress
                .note(&format!("wrote {} as it was; `--resume` goes on after the last finished stage", path.display()));
        }
        done.map(|()| surrogate)
    }
}

/// Adds up stages of the same name.
fn add(mut total: Vec<StageRecord>, new: Vec<StageRecord>) -> Vec<StageRecord> {
    for record in new {
        match total.iter_mut().find(|r| r.name == record.name) {
            Some(r) => {
                r.samples += record.samples;
                r.seconds += record.seconds;
            }
            None => total.push(record),
        }
    }
    total
}

/// The columns of Table 2, or those beside it.
fn methods<'a>(args: &RunArgs, runs: &'a BTreeMap<Method, Vec<Scores>>, in_paper: bool) -> Vec<table::Method<'a>> {
    let published = args.problem.is_the_papers();
    let column = |(method, runs): (&Method, &'a Vec<Scores>)| table::Method {
        name: report::title(*method),
        runs,
        paper: report::published(*method).filter(|_| published),
    };
    runs.iter().filter(|(m, _)| m.in_paper() == in_paper).map(column).collect()
}

fn write_table(
    args: &RunArgs,
    plan: &Plan,
    seeds: &[u64],
    baskets: &[u64],
    runs: &BTreeMap<Method, Vec<Scores>>,
    records: &[StageRecord],
) -> Result<()> {
    let table = Table2 {
        seeds: seeds.to_vec(),
        basket_seeds: baskets.to_vec(),
        widths: plan.pruned.clone(),
        simulation: plan.simulation(),
        columns: runs.iter().map(|(m, runs)| (m.key(), ColumnSummary::of(runs))).collect(),
        seconds: records.iter().map(|r| (r.name.clone(), r.seconds)).collect(),
    };
    let json = serde_json::to_string_pretty(&table).expect("plain numbers");
    write_atomically(&args.out.join("table2.json"), json.as_bytes())?;
    let stages: Vec<Stage<'_>> = records.iter().map(report::stage).collect();
    let mut text =
        format!("{}\nSimulated: {}.\n", table::Table2::new(&methods(args, runs, true)).markdown(), plan.simulation());
    let beside = methods(args, runs, false);
    if !beside.is_empty() {
        text += &format!("\n{}", table::Table2::new(&beside).markdown());
    }
    text += &format!("\n{}", StageTable::new(&stages).markdown());
    write_atomically(&args.out.join("table2.md"), text.as_bytes())
}

fn print(
    args: &RunArgs,
    plan: &Plan,
    runs: &BTreeMap<Method, Vec<Scores>>,
    records: &[StageRecord],
    points: usize,
    note: &str,
) {
    let stages: Vec<Stage<'_>> = records.iter().map(report::stage).collect();
    if !args.common.quiet && !stages.is_empty() {
        println!("{}\n", StageTable::new(&stages));
    }
    let beside = if args.problem.is_the_papers() { ", ours above the paper's" } else { "" };
    println!("R² on {points} test points{beside} (basket seed {}, seed {})", args.basket_seed, args.common.seed);
    println!("{}", table::Table2::new(&methods(args, runs, true)));
    println!("Simulated: {}.\n", plan.simulation());
    let beside = methods(args, runs, false);
    if !beside.is_empty() {
        println!("Layers behind the one-node layer removed (Figure 7), and that fine-tuned (§6.2)");
        println!("{}", table::Table2::new(&beside));
    }
    if !note.is_empty() {
        println!("{note}");
    }
    println!("wrote {}", folder_contents(&args.out));
}

fn folder_contents(folder: &Path) -> String {
    format!("networks, pictures, history.json and table2.json to {}", folder.display())
}
