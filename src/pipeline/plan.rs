//! How much of everything: the numbers behind a run, each stage's in one place.

use crate::data::SecondOrder;
use crate::model::Smoothing;

/// Precision of training with Adam; everything else is in double precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// `f32`: twice as fast, and below the noise of the samples.
    #[default]
    Single,
    /// `f64`.
    Double,
}

/// One training run by Adam.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Samples an epoch.
    pub samples: usize,
    /// Epochs.
    pub epochs: usize,
    /// Antithetic pairs of paths behind each label.
    pub paths: usize,
    /// Samples a step.
    pub batch: usize,
    /// Peak of the learning rate.
    pub peak: f64,
    /// Whether every epoch draws fresh samples.
    pub fresh: bool,
}

/// Levenberg–Marquardt after Adam, for small networks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Polish {
    /// Samples.
    pub samples: usize,
    /// Samples of the held-out draw that stops it.
    pub held_out: usize,
    /// Antithetic pairs of paths behind each label.
    pub paths: usize,
    /// Most iterations; 0 leaves it out.
    pub iterations: usize,
    /// Iterations without a better held-out loss before it stops.
    pub patience: usize,
    /// Most parameters: a larger network is left as Adam left it.
    pub most_params: usize,
}

/// Second-order labels, where training sees derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curving {
    /// Of which batches, along which directions.
    pub choice: SecondOrder,
    /// How a model's payoff is smoothed for them (§5.2.4); its values and derivatives are labelled as ever.
    pub smoothing: Smoothing,
    /// Whether Levenberg–Marquardt sees them too.
    pub polish: bool,
}

/// Large networks between few simulated samples and a small network: each learns their values and derivatives, and the small
/// one learns the mean of all.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    /// Networks.
    pub members: usize,
    /// Hidden widths of each.
    pub hidden: Vec<usize>,
    /// Training of each.
    pub fit: Fit,
}

/// Rounds of pruning.
#[derive(Clone, Debug, PartialEq)]
pub struct Pruning {
    /// Share of the nodes a round keeps.
    pub keep: f64,
    /// Retraining of each round.
    pub retrain: Fit,
}

/// A whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Hidden widths of the large network.
    pub oversized: Vec<usize>,
    /// Hidden widths after pruning.
    pub pruned: Vec<usize>,
    /// Precision of Adam.
    pub precision: Precision,
    /// Training of the large network.
    pub train: Fit,
    /// Pruning with retraining.
    pub prune: Pruning,
    /// Last retraining of the pruned network on values.
    pub retrain: Fit,
    /// Fine-tuning on derivatives.
    pub finetune: Fit,
    /// What stands between the model and the network that is fine-tuned on it, where samples are few.
    pub ensemble: Option<Ensemble>,
    /// What follows the training of a small network on simulated samples.
    pub polish: Polish,
    /// Second-order labels; none: training sees values and first derivatives only.
    pub second_order: Option<Curving>,
    /// What follows its training on another network's labels, which carry no noise: fewer samples do, and no paths.
    pub imitation: Polish,
    /// How often the last rounds of pruning are run; the best is kept.
    pub attempts: usize,
}

impl Default for Plan {
    /// The paper's networks, on fresh samples.
    fn default() -> Self {
        let small = Fit { samples: 1 << 18, epochs: 8, paths: 16, batch: 1024, peak: 0.01, fresh: true };
        let polish =
            Polish { samples: 1 << 16, held_out: 1 << 14, paths: 64, iterations: 40, patience: 4, most_params: 400 };
        Self {
            oversized: vec![128; 6],
            pruned: Self::shape(true),
            precision: Precision::Single,
            // Second derivatives, which its loss never sees, suffer most from noise in labels and steps, the more so with more
            // assets: with half the samples, paths and batch at twice the peak, the large network misses 0.6 % of the
            // variance of 20 assets' gammas, with these less than 0.1 %.
            train: Fit { samples: 1 << 17, epochs: 72, paths: 64, batch: 512, peak: 0.0005, fresh: true },
            prune: Pruning { keep: 0.5, retrain: Fit { epochs: 1, peak: 0.003, batch: 512, ..small } },
            retrain: small,
            finetune: small,
            second_order: None,
            ensemble: None,
            polish,
            imitation: Polish { samples: 1 << 14, held_out: 1 << 14, iterations: 300, patience: 25, ..polish },
            attempts: 4,
        }
    }
}

impl Plan {
    /// The same stages in seconds: fewer samples, and scores to match.
    pub fn quick() -> Self {
        let plan = Self::default();
        let small = Fit { samples: 1 << 16, epochs: 4, ..plan.retrain };
        Self {
            // The fewer the steps, the longer each must be.
            train: Fit { samples: 1 << 15, epochs: 12, paths: 32, batch: 256, peak: 0.001, fresh: true },
            prune: Pruning { retrain: Fit { samples: 1 << 15, epochs: 1, ..plan.prune.retrain }, ..plan.prune },
            retrain: small,
            finetune: small,
            polish: Polish { samples: 1 << 14, held_out: 1 << 13, iterations: 20, ..plan.polish },
            imitation: Polish { samples: 1 << 13, held_out: 1 << 13, iterations: 40, ..plan.imitation },
            attempts: 2,
            ..plan
        }
    }

    /// Hidden widths after pruning: the paper's, whose one-node layer is made for a price that is a function of one number, as
    /// that of a basket of normal assets; else layers without one. Of a call as a function of strike, volatility and maturity
    /// too, 3-3-1-2-2-2 missed 3.6 % of the variance of the thetas, these 0.02 %. Two layers of 12 have as many parameters and
    /// do no better; the large network, which is as deep, then misses 2.9 % of the gammas instead of 0.7 %.
    pub fn shape(is_of_one_number: bool) -> Vec<usize> {
        if is_of_one_number { vec![3, 3, 1, 2, 2, 2] } else { vec![8; 4] }
    }

    /// What simulation a run rests on, in words.
    pub fn simulation(&self) -> String {
        let tuning = self.ensemble.as_ref().map_or(self.finetune, |ensemble| ensemble.fit);
        let pairs = |n: usize| format!("{n} antithetic {} of paths", if n == 1 { "pair" } else { "pairs" });
        if !self.train.fresh
            && !tuning.fresh
            && (self.train.samples, self.train.paths) == (tuning.samples, tuning.paths)
        {
            let (n, pairs) = (self.train.samples, pairs(self.train.paths));
            return format!("one set of {n} samples of {pairs} each, behind every column, held-out samples included");
        }
        let of = |fit: &Fit| match fit.fresh {
            true => format!("{} times {} samples of {}", fit.epochs, fit.samples, pairs(fit.paths)),
            false => format!("{} samples of {}", fit.samples, pairs(fit.paths)),
        };
        let mut text = format!("{} for the large network, {} for the last column", of(&self.train), of(&tuning));
        if self.ensemble.is_none() && self.finetune.fresh && self.polish.iterations > 0 {
            let Polish { samples, held_out, paths, .. } = self.polish;
            text += &format!(", then {samples} and {held_out} held out of {}", pairs(paths));
        }
        text
    }

    /// The paper's amount of data: every simulated label of every stage comes from the same 8192 samples, of one antithetic
    /// pair of paths each.
    ///
    /// Networks are asked for labels at other inputs than these, as §6.2 does: inputs cost no simulation.
    pub fn paper() -> Self {
        let plan = Self::default();
        let fixed = Fit { samples: 8192, epochs: 30, paths: 1, batch: 256, peak: 0.001, fresh: false };
        let ensemble = Ensemble { members: 6, hidden: vec![128; 6], fit: Fit { epochs: 20, ..fixed } };
        Self { train: fixed, ensemble: Some(ensemble), ..plan }
    }
}
