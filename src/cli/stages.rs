//! `train`, `prune`, `finetune`, `evaluate`: the stages over files, each repeatable alone.

use std::path::Path;

use super::args::{CommonArgs, CriterionArgs, EvaluateArgs, FinetuneArgs, FoldArg, LossArg, PruneArgs, TrainArgs};
use super::files::{self, Loaded, State};
use super::progress::Progress;
use super::report;
use super::table::{Stage, StageTable};
use super::widths;
use crate::data::{Surrogate, write_atomically};
use crate::error::{Error, Result};
use crate::model::Smoothing;
use crate::pipeline::{Imitation, Inputs, Plan, Reference, Scores, Study, require_derivatives};
use crate::prune::{Criterion, Fold, criterion};
use crate::train::Loss;

pub(super) fn train(args: &TrainArgs) -> Result<()> {
    let mut plan = args.fit.plan();
    plan.oversized = match &args.widths {
        Some(widths) => widths.0.clone(),
        None => widths::oversized(&Plan::shape(args.problem.is_of_one_number(args.dims))),
    };
    args.fit.apply(&mut plan.train);
    plan.second_order = args.second_order.curving();
    let loss = match (args.loss, plan.second_order) {
        (Some(LossArg::Values), Some(_)) => {
            return Err(Error::invalid("--second-order", "needs --loss sobolev, found --loss values"));
        }
        (_, Some(_)) => Loss::SECOND_ORDER,
        (Some(LossArg::Sobolev), None) => Loss::SOBOLEV,
        (Some(LossArg::Values) | None, None) => Loss::Values,
    };
    if loss != Loss::Values {
        args.problem.require_derivatives()?;
    }
    let reference = Reference::from(args.problem.problem(args.dims, args.basket_seed)?);
    let mut study = Study::new(&reference, &plan, args.common.seed);
    let mut surrogate = study.initial(&plan.oversized)?;
    let mut progress = Progress::new(args.common.quiet);
    let done = study.train(&mut surrogate, loss, &mut progress);
    finish(done, &args.out, &surrogate, &study, &reference, &args.common, &plan)
}

pub(super) fn prune(args: &PruneArgs) -> Result<()> {
    let Loaded { surrogate: teacher, reference, .. } = files::load(&args.model, &args.reference, None)?;
    let mut plan = args.fit.plan();
    let is_of_one_number = reference.problem().map_or(true, |problem| problem.model.is_of_one_number());
    plan.pruned = widths::pruned(args.widths.as_ref(), is_of_one_number);
    plan.prune.keep = args.criterion.keep;
    args.fit.apply(&mut plan.prune.retrain);
    args.fit.apply(&mut plan.retrain);
    let mut study = Study::new(&reference, &plan, args.common.seed);
    let (mut surrogate, mut progress) = (teacher.clone(), Progress::new(args.common.quiet));
    let (mut criterion, fold) = criterion_and_fold(&args.criterion, args.common.seed);
    let done = study.prune(&mut surrogate, &teacher, &mut *criterion, fold, &mut progress);
    let done = done.and_then(|history| {
        let text = serde_json::to_string_pretty(&history).expect("plain numbers");
        write_atomically(&args.out.with_extension("history.json"), text.as_bytes())
    });
    finish(done, &args.out, &surrogate, &study, &reference, &args.common, &plan)
}

pub(super) fn finetune(args: &FinetuneArgs) -> Result<()> {
    let teacher = args.teacher.as_deref().map(|path| files::read(path, args.reference.output)).transpose()?;
    let named = args.teacher.as_deref().zip(teacher.as_ref());
    let Loaded { mut surrogate, mut reference, .. } = files::load(&args.model, &args.reference, named)?;
    if let (Reference::Model(problem), Some(width)) = (&mut reference, args.smoothing) {
        problem.smoothing = Smoothing::of_width(width).map_err(|e| Error::invalid("smoothing", e.to_string()))?;
    }
    if teacher.is_none() {
        // What cannot end well is not begun.
        let problem = reference.problem()?;
        require_derivatives(&problem.payoff, problem.smoothing)?;
    }
    let mut plan = args.fit.plan();
    args.fit.apply(&mut plan.finetune);
    args.fit.apply(&mut plan.retrain);
    plan.second_order = args.second_order.curving();
    let mut study = Study::new(&reference, &plan, args.common.seed);
    let mut progress = Progress::new(args.common.quiet);
    let (own, teacher) = (surrogate.clone(), teacher.map(|t| t.surrogate));
    let done = if args.collapse {
        study.collapse(&mut surrogate, teacher.as_ref().unwrap_or(&own), &mut progress)
    } else {
        Ok(())
    };
    let done = done.and_then(|()| match &teacher {
        None => study.finetune_from_model(&mut surrogate, &mut progress),
        Some(teacher) => study.finetune_from_network(&mut surrogate, teacher, &mut progress),
    });
    finish(done, &args.out, &surrogate, &study, &reference, &args.common, &plan)
}

pub(super) fn evaluate(args: &EvaluateArgs) -> Result<()> {
    let teacher = args.teacher.as_deref().map(|path| files::read(path, args.reference.output)).transpose()?;
    let named = args.teacher.as_deref().zip(teacher.as_ref());
    let Loaded { surrogate, mut reference, metadata } = files::load(&args.model, &args.reference, named)?;
    match (&reference, &teacher) {
        // Asked for by name, the teacher goes before the model that taught it.
        (Reference::Model(_), Some(teacher)) => {
            let inputs = Inputs::uniform(reference.domain())?;
            reference = Imitation::new(teacher.surrogate.clone(), inputs)?.into();
        }
        (Reference::Network(_), None) => {
            return Err(Error::invalid(
                "teacher",
                "the reference model is unknown: score against a network by --teacher",
            ));
        }
        _ => {}
    }
    let prediction = surrogate.predict_along(reference.test().inputs.as_ref(), &reference.test().gamma_direction());
    let scores = Scores::of_prediction(&prediction, reference.test());
    if let Some(path) = &args.picture {
        super::save(path, &report::picture(&args.model.display().to_string(), &prediction, scores, &reference))?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&scores).expect("plain numbers"));
        return Ok(());
    }
    println!("{}: {}", args.model.display(), surrogate.network.describe());
    let known = ["seed", "basket_seed", "teacher", "state"]
        .into_iter()
        .filter_map(|name| Some(format!("{} {}", name.replace('_', " "), metadata.get(name)?)));
    let known = known.collect::<Vec<_>>().join(", ");
    if !known.is_empty() {
        println!("{known}");
    }
    println!("{}", report::scores_table(&[(&report::title_of_scores(&reference), scores)]));
    let note = report::note_on_labels(reference.test());
    if !note.is_empty() {
        println!("{note}");
    }
    report::note_on_gammas(&reference);
    Ok(())
}

pub(super) fn criterion_and_fold(args: &CriterionArgs, seed: u64) -> (Box<dyn Criterion>, Fold) {
    let fold = match args.fold {
        FoldArg::Mean => Fold::Mean,
        FoldArg::Midpoint => Fold::Midpoint,
    };
    (criterion(&args.criterion, seed).expect("checked by the command line"), fold)
}

/// Writes what a stage left, finished or interrupted, and says what it is.
fn finish(
    done: Result<()>,
    path: &Path,
    surrogate: &Surrogate,
    study: &Study<'_>,
    reference: &Reference,
    common: &CommonArgs,
    plan: &Plan,
) -> Result<()> {
    let state = match &done {
        Ok(()) => State::Complete,
        Err(Error::Interrupted) => State::Interrupted,
        Err(_) => return done,
    };
    files::save(path, surrogate, reference, common.seed, state, &format!("{plan:?}"))?;
    let stages: Vec<Stage<'_>> = study.records.iter().map(report::stage).collect();
    if !common.quiet && !stages.is_empty() {
        println!("{}", StageTable::new(&stages));
    }
    println!(
        "{}",
        report::scores_table(&[(&report::title_of_scores(reference), Scores::of(surrogate, reference.test()))])
    );
    report::note_on_gammas(reference);
    println!("wrote {} ({})", path.display(), surrogate.network.describe());
    done
}
