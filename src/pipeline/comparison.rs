//! Which criterion is best: one network pruned by each of them to the same widths, over seeds.

use std::time::Instant;

use serde::Serialize;

use super::{Plan, Scores, Study};
use crate::data::Surrogate;
use crate::error::Result;
use crate::math::statistics::median;
use crate::model::{Model, Payoff};
use crate::observer::Observer;
use crate::prune::{Fold, Pruner, criterion};

/// Who competes: a criterion, and what takes the place of what it removes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contestant {
    /// The criterion's name, see [`criterion`].
    pub criterion: String,
    /// The fold's name: `mean` or `midpoint`.
    #[serde(serialize_with = "fold_name")]
    pub fold: Fold,
    /// Hidden widths to prune to.
    pub widths: Vec<usize>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn fold_name<S: serde::Serializer>(fold: &Fold, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(fold.name())
}

/// What came of it with one seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Who.
    pub contestant: Contestant,
    /// The seed of samples, of the network if it was trained for this, and of chance.
    pub seed: u64,
    /// R² as cut: in rounds, each scored anew, without any training.
    pub before: Scores,
    /// R² when pruned as the pipeline does it, by [`Study::prune`]: retrained on the large network's values after each round and
    /// at the end. None if that was not asked for.
    pub after: Option<Scores>,
    /// Scoring and cutting, without training.
    pub cut_seconds: f64,
    /// Pruning with retraining.
    pub retrain_seconds: f64,
}

impl<M: Model, P: Payoff> Study<'_, M, P> {
    /// Prunes a copy of the large network as the contestant would, without any training, and another with retraining if asked
    /// to.
    ///
    /// # Errors
    /// An unknown criterion, impossible widths; as [`Trainer::run`](crate::train::Trainer::run).
    pub fn contest(
        &self,
        large: &Surrogate,
        contestant: &Contestant,
        retrain: bool,
        observer: &mut dyn Observer,
    ) -> Result<Entry> {
        let test = self.reference().test();
        let mut pruned = large.clone();
        let measured = self.measured(&large.scaling)?;
        let mut criterion = criterion(&contestant.criterion, self.seed())?;
        let pruner = Pruner { widths: contestant.widths.clone(), keep: self.plan().prune.keep, fold: contestant.fold };
        let start = Instant::now();
        pruner.run(&mut pruned.network, &mut *criterion, &measured.samples(), |_| 0.0, |_, _| Ok(()))?;
        let cut_seconds = start.elapsed().as_secs_f64();
        let before = Scores::of(&pruned, test);
        let start = Instant::now();
        let after = match retrain {
            true => {
                let plan = Plan { pruned: contestant.widths.clone(), ..self.plan().clone() };
                let (mut study, mut retrained) = (Study::new(self.reference(), &plan, self.seed()), large.clone());
                let mut chooser = crate::prune::criterion(&contestant.criterion, self.seed())?;
                study.prune(&mut retrained, large, &mut *chooser, contestant.fold, observer)?;
                Some(Scores::of(&retrained, test))
            }
            false => None,
        };
        let (contestant, seed) = (contestant.clone(), self.seed());
        Ok(Entry { contestant, seed, before, after, cut_seconds, retrain_seconds: start.elapsed().as_secs_f64() })
    }
}

/// Median and range over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Median.
    pub median: f64,
    /// Least.
    pub least: f64,
    /// Largest.
    pub largest: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        Self {
            median: median(values),
            least: values.iter().copied().fold(f64::INFINITY, f64::min),
            largest: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

/// One contestant over seeds: values, deltas, gammas.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Who.
    pub contestant: Contestant,
    /// R² as cut.
    pub before: [Spread; 3],
    /// R² after retraining.
    pub after: Option<[Spread; 3]>,
    /// Medians of seconds: cutting, retraining.
    pub seconds: [f64; 2],
}

/// All contestants over all seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What was pruned on what, in words.
    pub setting: String,
    /// R² of the networks that were pruned: values, deltas, gammas.
    pub large: [Spread; 3],
    /// Summaries, one a contestant, in the order given.
    pub rows: Vec<Row>,
    /// Everything.
    pub entries: Vec<Entry>,
}

impl Comparison {
    /// Puts the entries of several seeds together, in the order in which contestants appear.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn new(setting: String, large: &[Scores], entries: Vec<Entry>) -> Self {
        let mut order: Vec<&Contestant> = Vec::new();
        for entry in &entries {
            if !order.contains(&&entry.contestant) {
                order.push(&entry.contestant);
            }
        }
        let row = |contestant: &Contestant| {
            let mine: Vec<&Entry> = entries.iter().filter(|e| e.contestant == *contestant).collect();
            let after: Option<Vec<Scores>> = mine.iter().map(|e| e.after).collect();
            let seconds = |f: fn(&Entry) -> f64| median(&mine.iter().map(|e| f(e)).collect::<Vec<_>>());
            Row {
                contestant: contestant.clone(),
                before: spreads(&mine.iter().map(|e| e.before).collect::<Vec<_>>()),
                after: after.map(|all| spreads(&all)),
                seconds: [seconds(|e| e.cut_seconds), seconds(|e| e.retrain_seconds)],
            }
        };
        let rows = order.into_iter().map(row).collect();
        Self { setting, large: spreads(large), rows, entries }
    }
}

/// Values, deltas, gammas.
fn spreads(scores: &[Scores]) -> [Spread; 3] {
    let of = |f: fn(&Scores) -> f64| Spread::of(&scores.iter().map(f).collect::<Vec<_>>());
    [of(|s| s.values), of(|s| s.deltas), of(|s| s.gammas)]
}
