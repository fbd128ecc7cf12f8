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
    /// What follows each training of a small network.
    pub polish: Polish,
    /// Second-order labels; none: training sees values and first derivatives only.
    pub second_order: Option<Curving>,
}

impl Default for Plan {
    /// The paper's networks, on fresh samples.
    fn default() -> Self {
        let small = Fit { samples: 1 << 18, epochs: 8, paths: 16, batch: 1024, peak: 0.01, fresh: true };
        Self {
            oversized: vec![128; 6],
            pruned: vec![3, 3, 1, 2, 2, 2],
            precision: Precision::Single,
            train: Fit { samples: 1 << 16, epochs: 72, paths: 32, batch: 256, peak: 0.001, fresh: true },
            prune: Pruning { keep: 0.5, retrain: Fit { epochs: 1, peak: 0.003, batch: 512, ..small } },
            retrain: small,
            finetune: small,
            polish: Polish { samples: 1 << 16, held_out: 1 << 14, paths: 64, iterations: 40, most_params: 400 },
            second_order: None,
        }
    }
}

impl Plan {
    /// The same stages in seconds: fewer samples, and scores to match.
    pub fn quick() -> Self {
        let plan = Self::default();
        let small = Fit { samples: 1 << 16, epochs: 4, ..plan.retrain };
        Self {
            train: Fit { samples: 1 << 15, epochs: 12, batch: 256, ..plan.train },
            prune: Pruning { retrain: Fit { samples: 1 << 15, epochs: 1, ..plan.prune.retrain }, ..plan.prune },
            retrain: small,
            finetune: small,
            polish: Polish { samples: 1 << 14, held_out: 1 << 13, iterations: 20, ..plan.polish },
            ..plan
        }
    }
}
