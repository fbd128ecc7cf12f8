//! `train`, `prune`, `finetune`, `evaluate`: the stages over files, each repeatable alone.

use std::path::Path;

use super::args::{
    CommonArgs, CriterionArg, CriterionArgs, EvaluateArgs, FinetuneArgs, FoldArg, LossArg, PruneArgs, TrainArgs,
};
use super::files::{self, State};
use super::progress::Progress;
use super::report;
use super::table::{Stage, StageTable};
use crate::data::{Surrogate, write_atomically};
use crate::error::{Error, Result};
use crate::pipeline::{Plan, Problem, Scores, Study};
use crate::prune::{Criterion, Fold, criterion};
use crate::train::Loss;

pub(super) fn train(args: &TrainArgs) -> Result<()> {
    let mut plan = args.fit.plan();
    plan.oversized = args.widths.0.clone();
    args.fit.apply(&mut plan.train);
    let problem = Problem::new(args.dims, args.basket_seed)?;
    let loss = match args.loss {
        LossArg::Values => Loss::Values,
        LossArg::Sobolev => Loss::SOBOLEV,
    };
    let mut study = Study::new(&problem, &plan, args.common.seed);
    let mut surrogate = study.initial(&plan.oversized)?;
    let mut progress = Progress::new(args.common.quiet);
    let done = study.train(&mut surrogate, loss, &mut progress);
    finish(done, &args.out, &surrogate, &study, &problem, &args.common, &plan)
}

pub(super) fn prune(args: &PruneArgs) -> Result<()> {
    let (teacher, problem, _) = files::load(&args.model, &args.reference)?;
    let mut plan = args.fit.plan();
    plan.pruned = args.widths.0.clone();
    plan.prune.keep = args.criterion.keep;
    args.fit.apply(&mut plan.prune.retrain);
    args.fit.apply(&mut plan.retrain);
    let mut study = Study::new(&problem, &plan, args.common.seed);
    let (mut surrogate, mut progress) = (teacher.clone(), Progress::new(args.common.quiet));
    let (mut criterion, fold) = criterion_and_fold(&args.criterion, args.common.seed);
    let done = study.prune(&mut surrogate, &teacher, &mut *criterion, fold, &mut progress);
    let done = done.and_then(|history| {
        let text = serde_json::to_string_pretty(&history).expect("plain numbers");
        write_atomically(&args.out.with_extension("history.json"), text.as_bytes())
    });
    finish(done, &args.out, &surrogate, &study, &problem, &args.common, &plan)
}

pub(super) fn finetune(args: &FinetuneArgs) -> Result<()> {
    let (mut surrogate, problem, _) = files::load(&args.model, &args.reference)?;
    let teacher = args.teacher.as_deref().map(|path| files::load_teacher(path, &problem)).transpose()?;
    let mut plan = args.fit.plan();
    args.fit.apply(&mut plan.finetune);
    args.fit.apply(&mut plan.retrain);
    let mut study = Study::new(&problem, &plan, args.common.seed);
    let mut progress = Progress::new(args.common.quiet);
    let own = surrogate.clone();
    let done = if args.collapse {
        study.collapse(&mut surrogate, teacher.as_ref().unwrap_or(&own), &mut progress)
    } else {
        Ok(())
    };
    let done = done.and_then(|()| match &teacher {
        None => study.finetune_from_model(&mut surrogate, &mut progress),
        Some(teacher) => study.finetune_from_network(&mut surrogate, teacher, &mut progress),
    });
    finish(done, &args.out, &surrogate, &study, &problem, &args.common, &plan)
}

pub(super) fn evaluate(args: &EvaluateArgs) -> Result<()> {
    let (surrogate, problem, metadata) = files::load(&args.model, &args.reference)?;
    let prediction = surrogate.predict(problem.test.inputs.as_ref());
    let scores = Scores::of_prediction(&prediction, &problem);
    if let Some(path) = &args.picture {
        super::save(path, &report::picture(&args.model.display().to_string(), &prediction, scores, &problem))?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&scores).expect("plain numbers"));
        return Ok(());
    }
    let of = |name: &str| metadata.get(name).map_or("unknown", String::as_str);
    println!("{}: {}", args.model.display(), surrogate.network.describe());
    println!("seed {}, basket seed {}, {}", of("seed"), of("basket_seed"), of("state"));
    println!("{}", report::scores_table(&[("R² on 4096 test points", scores)]));
    Ok(())
}

pub(super) fn criterion_and_fold(args: &CriterionArgs, seed: u64) -> (Box<dyn Criterion>, Fold) {
    let name = match args.criterion {
        CriterionArg::Interval => "interval",
        CriterionArg::Sampled => "sampled",
        CriterionArg::Magnitude => "magnitude",
        CriterionArg::Random => "random",
    };
    let fold = match args.fold {
        FoldArg::Mean => Fold::Mean,
        FoldArg::Midpoint => Fold::Midpoint,
    };
    (criterion(name, seed).expect("every name above is known"), fold)
}

/// Writes what a stage left, finished or interrupted, and says what it is.
fn finish(
    done: Result<()>,
    path: &Path,
    surrogate: &Surrogate,
    study: &Study<'_>,
    problem: &Problem,
    common: &CommonArgs,
    plan: &Plan,
) -> Result<()> {
    let state = match &done {
        Ok(()) => State::Complete,
        Err(Error::Interrupted) => State::Interrupted,
        Err(_) => return done,
    };
    files::save(path, surrogate, problem, common.seed, state, &format!("{plan:?}"))?;
    let stages: Vec<Stage<'_>> = study.records.iter().map(report::stage).collect();
    if !common.quiet && !stages.is_empty() {
        println!("{}", StageTable::new(&stages));
    }
    println!("{}", report::scores_table(&[(&path.display().to_string(), Scores::of(surrogate, problem))]));
    println!("wrote {} ({})", path.display(), surrogate.network.describe());
    done
}
