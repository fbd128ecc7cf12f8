//! What was typed: the command line, by clap.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use super::analyse::AnalyseArgs;
pub use super::compare::CompareArgs;
use super::export::ExportArgs;
pub use super::price::PriceArgs;
pub use super::problem::ProblemArgs;
pub use super::second_order::SecondOrderArgs;
pub use super::widths::Widths;
pub(super) use super::widths::widths;
use crate::error::Error;
use crate::interval::Interval;
use crate::pipeline::{Fit, Plan, Polish, Precision};

/// Tiny neural surrogates of stochastic models, right in value and in derivatives.
///
/// Without a command: `run`, the whole pipeline.
#[derive(Debug, Parser)]
#[command(name = "sobolev", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// The stage to run; the whole pipeline if none is given.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Arguments of `run`, when no command is given.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The stages, in the order of Figure 1.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole pipeline: train, prune, fine-tune twice, compare (the default)
    Run(RunArgs),
    /// Train a large network on simulated samples
    Train(TrainArgs),
    /// Prune a trained network round by round, retraining on its own values
    Prune(PruneArgs),
    /// Fine-tune a network with the Sobolev loss, from the model or from a teacher network
    Finetune(FinetuneArgs),
    /// Score a network against the closed form, or against another network
    Evaluate(EvaluateArgs),
    /// Train the pruned shape from random weights over many seeds, beside pruning (Figure 8)
    Figure8(Figure8Args),
    /// Write a network as source to embed
    Export(ExportArgs),
    /// Price the rows of a file: values, deltas, gammas, Hessians
    Price(PriceArgs),
    /// Measure the significance of every node, and how far its bounds are from what samples show
    Analyse(AnalyseArgs),
    /// Prune one network by every criterion and compare what is left
    Compare(CompareArgs),
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
pub struct CommonArgs {
    /// Seed of samples and initial weights
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads [default: all cores]
    #[arg(long, value_parser = positive)]
    pub threads: Option<usize>,
    /// Say nothing but the result
    #[arg(long, short)]
    pub quiet: bool,
}

/// How much training.
#[derive(Args, Clone, Debug)]
pub struct FitArgs {
    /// Samples an epoch [in `run`: of the large network; later stages draw at most as many]
    #[arg(long, value_parser = positive)]
    pub samples: Option<usize>,
    /// Epochs, each of fresh samples [in `run`: of the large network]
    #[arg(long, value_parser = positive)]
    pub epochs: Option<usize>,
    /// Draw the samples once and go over them again in every epoch
    #[arg(long)]
    pub fixed: bool,
    /// Antithetic pairs of paths behind each label
    #[arg(long, value_parser = positive)]
    pub paths: Option<usize>,
    /// Samples a step
    #[arg(long, value_parser = positive)]
    pub batch: Option<usize>,
    /// Peak of the one-cycle learning rate [in `run`: of the large network]
    #[arg(long, value_parser = rate)]
    pub learning_rate: Option<f64>,
    /// Precision of training
    #[arg(long, value_enum, default_value_t = PrecisionArg::F32)]
    pub precision: PrecisionArg,
    /// Leave small networks as Adam leaves them: no Levenberg–Marquardt, and a single attempt at pruning
    #[arg(long)]
    pub no_polish: bool,
    /// Everything small: seconds instead of a minute, less accurate
    #[arg(long)]
    pub quick: bool,
}

/// Precision of training with Adam, or of an exported file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PrecisionArg {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

/// How nodes are scored and folded.
#[derive(Args, Clone, Debug)]
pub struct CriterionArgs {
    /// What ranks the nodes: interval, ball, linear, both, edges (interval adjoint significance, Eq. (3), each also over many
    /// boxes, as both/64), sampled, taylor, snip, obd, obs, magnitude, magnitude-l1 or random
    #[arg(long, value_parser = criterion, default_value = "both")]
    pub criterion: String,
    /// What takes the place of a removed node
    #[arg(long, value_enum, default_value_t = FoldArg::Mean)]
    pub fold: FoldArg,
    /// Share of its nodes that a layer keeps in each round
    #[arg(long, default_value_t = 0.5, value_parser = share)]
    pub keep: f64,
}

/// What replaces removed nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FoldArg {
    /// Its mean over samples
    Mean,
    /// The midpoint of its interval
    Midpoint,
}

/// `run`.
#[derive(Args, Clone, Debug)]
pub struct RunArgs {
    /// See [`CommonArgs`].
    #[command(flatten)]
    pub common: CommonArgs,
    /// See [`FitArgs`].
    #[command(flatten)]
    pub fit: FitArgs,
    /// See [`CriterionArgs`].
    #[command(flatten)]
    pub criterion: CriterionArgs,
    /// See [`SecondOrderArgs`].
    #[command(flatten)]
    pub second_order: SecondOrderArgs,
    /// As few data as the paper: one set of 8192 samples, of one antithetic pair of paths each, behind every column
    #[arg(long, conflicts_with_all = ["quick", "fixed", "samples", "epochs", "paths"])]
    pub paper: bool,
    /// Folder of the results
    #[arg(long, short, default_value = "out")]
    pub out: PathBuf,
    /// See [`ProblemArgs`].
    #[command(flatten)]
    pub problem: ProblemArgs,
    /// Assets in the basket
    #[arg(long, default_value_t = 7, value_parser = positive)]
    pub dims: usize,
    /// Hidden widths of the large network, as 6x128 or 128,128,64 [default: one layer of 128 for each of --widths]
    #[arg(long, value_parser = widths)]
    pub hidden: Option<Widths>,
    /// Hidden widths after pruning, as 3-3-1-2-2-2 or 3,3 [default: 3-3-1-2-2-2; 8-8-8-8 where the price is no function of the
    /// basket's alone: lognormal assets, best-of, worst-of, parameters among --inputs]
    #[arg(long, value_parser = widths)]
    pub widths: Option<Widths>,
    /// Runs over so many seeds, from --seed on, and prints median and worst
    #[arg(long, default_value_t = 1, value_parser = positive)]
    pub seeds: usize,
    /// Seed of the basket's weights, volatilities and correlation
    #[arg(long, default_value_t = 1)]
    pub basket_seed: u64,
    /// Runs over so many baskets, from --basket-seed on
    #[arg(long, default_value_t = 1, value_parser = positive)]
    pub baskets: usize,
    /// Go on from the networks that an earlier run with the same arguments left in the folder
    #[arg(long)]
    pub resume: bool,
}

/// `train`.
#[derive(Args, Clone, Debug)]
pub struct TrainArgs {
    /// See [`CommonArgs`].
    #[command(flatten)]
    pub common: CommonArgs,
    /// See [`FitArgs`].
    #[command(flatten)]
    pub fit: FitArgs,
    /// See [`SecondOrderArgs`].
    #[command(flatten)]
    pub second_order: SecondOrderArgs,
    /// File of the trained network
    #[arg(long, short, default_value = "out/oversized.safetensors")]
    pub out: PathBuf,
    /// See [`ProblemArgs`].
    #[command(flatten)]
    pub problem: ProblemArgs,
    /// Assets in the basket
    #[arg(long, default_value_t = 7, value_parser = positive)]
    pub dims: usize,
    /// Hidden widths, as 6x128 or 128,128,64 [default: one layer of 128 for each that `prune` expects]
    #[arg(long, value_parser = widths)]
    pub widths: Option<Widths>,
    /// What is minimised [default: values, or sobolev with --second-order]
    #[arg(long, value_enum)]
    pub loss: Option<LossArg>,
    /// Seed of the basket's weights, volatilities and correlation
    #[arg(long, default_value_t = 1)]
    pub basket_seed: u64,
}

/// What training minimises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LossArg {
    /// Squared errors of values
    Values,
    /// Squared errors of values and pathwise derivatives, Eq. (1)
    Sobolev,
}

/// What a network is compared with, when its file does not say it, as one from another program: a reference model, or the
/// inputs at which a network alone is asked for its values and derivatives.
#[derive(Args, Clone, Debug, Default)]
pub struct ReferenceArgs {
    /// Seed of the basket that the network prices, with the model and payoff that its file names, if any, else the paper's
    /// [default: the basket that the network's file names]
    #[arg(long, conflicts_with_all = ["reference", "domain", "inputs_file"])]
    pub basket_seed: Option<u64>,
    /// A file that names the reference model: another network's, or JSON with `model` and `strike`
    #[arg(long, conflicts_with_all = ["domain", "inputs_file"])]
    pub reference: Option<PathBuf>,
    /// No reference model: ask the network at points that fill this box, as 0.5:1.5 for all inputs or one range for each,
    /// 0.5:1.5,90:110
    #[arg(long, value_parser = domain, allow_hyphen_values = true, value_name = "LO:HI,…", conflicts_with = "inputs_file")]
    pub domain: Option<Domain>,
    /// No reference model: ask the network at the rows of this table, .csv, .npy or .parquet
    #[arg(long, value_name = "FILE")]
    pub inputs_file: Option<PathBuf>,
    /// Columns of that table, by name or by number from 0, in the network's order [default: all columns, in order]
    #[arg(long, value_delimiter = ',', requires = "inputs_file")]
    pub columns: Option<Vec<String>>,
    /// Which output of a network with several is meant, counted from 0
    #[arg(long)]
    pub output: Option<usize>,
}

/// Ranges of inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Domain(pub Vec<Interval>);

fn domain(text: &str) -> Result<Domain, String> {
    let range = |part: &str| {
        let ends =
            part.split_once(':').and_then(|(low, high)| Some((low.trim().parse().ok()?, high.trim().parse().ok()?)));
        let bounded = |&(low, high): &(f64, f64)| low.is_finite() && high.is_finite() && low <= high;
        let (low, high) = ends.filter(bounded).ok_or_else(|| format!("`{part}` is not a range, as 0.5:1.5"))?;
        Interval::new(low, high).map_err(|e| e.to_string())
    };
    text.split(',').map(range).collect::<Result<_, _>>().map(Domain)
}

/// `prune`.
#[derive(Args, Clone, Debug)]
pub struct PruneArgs {
    /// See [`CommonArgs`].
    #[command(flatten)]
    pub common: CommonArgs,
    /// See [`FitArgs`].
    #[command(flatten)]
    pub fit: FitArgs,
    /// See [`CriterionArgs`].
    #[command(flatten)]
    pub criterion: CriterionArgs,
    /// The network to prune
    #[arg(long, short, default_value = "out/oversized.safetensors")]
    pub model: PathBuf,
    /// File of the pruned network; the history goes beside it, as .history.json
    #[arg(long, short, default_value = "out/pruned.safetensors")]
    pub out: PathBuf,
    /// Hidden widths to prune to, as 3-3-1-2-2-2 or 3,3 [default: as of `run`]
    #[arg(long, value_parser = widths)]
    pub widths: Option<Widths>,
    /// See [`ReferenceArgs`].
    #[command(flatten)]
    pub reference: ReferenceArgs,
}

/// `finetune`.
#[derive(Args, Clone, Debug)]
pub struct FinetuneArgs {
    /// See [`CommonArgs`].
    #[command(flatten)]
    pub common: CommonArgs,
    /// See [`FitArgs`].
    #[command(flatten)]
    pub fit: FitArgs,
    /// See [`SecondOrderArgs`].
    #[command(flatten)]
    pub second_order: SecondOrderArgs,
    /// The network to fine-tune
    #[arg(long, short, default_value = "out/pruned.safetensors")]
    pub model: PathBuf,
    /// The network to learn values and derivatives from, instead of the reference model
    #[arg(long, short)]
    pub teacher: Option<PathBuf>,
    /// Derivative labels from the payoff smoothed by a sigmoid of this width [default: what the network's file says]
    #[arg(long, value_name = "WIDTH", value_parser = super::problem::above_zero, conflicts_with = "teacher")]
    pub smoothing: Option<f64>,
    /// Remove the layers behind the first one-node layer before
    #[arg(long)]
    pub collapse: bool,
    /// File of the fine-tuned network
    #[arg(long, short, default_value = "out/finetuned.safetensors")]
    pub out: PathBuf,
    /// See [`ReferenceArgs`].
    #[command(flatten)]
    pub reference: ReferenceArgs,
}

/// `evaluate`.
#[derive(Args, Clone, Debug)]
pub struct EvaluateArgs {
    /// The network to score
    #[arg(long, short, default_value = "out/from_model.safetensors")]
    pub model: PathBuf,
    /// Score against this network's values, deltas and gammas, instead of the closed form
    #[arg(long, short)]
    pub teacher: Option<PathBuf>,
    /// Draw the three-panel picture into this SVG file
    #[arg(long)]
    pub picture: Option<PathBuf>,
    /// Print the scores as JSON
    #[arg(long)]
    pub json: bool,
    /// See [`ReferenceArgs`].
    #[command(flatten)]
    pub reference: ReferenceArgs,
}

/// `figure8`.
#[derive(Args, Clone, Debug)]
pub struct Figure8Args {
    /// See [`CommonArgs`].
    #[command(flatten)]
    pub common: CommonArgs,
    /// See [`FitArgs`].
    #[command(flatten)]
    pub fit: FitArgs,
    /// The large network, whose values both learn
    #[arg(long, short, default_value = "out/oversized.safetensors")]
    pub model: PathBuf,
    /// Folder of figure8.svg and figure8.json
    #[arg(long, short, default_value = "out")]
    pub out: PathBuf,
    /// Hidden widths, as 3-3-1-2-2-2 or 3,3
    #[arg(long, value_parser = widths, default_value = "3-3-1-2-2-2")]
    pub widths: Widths,
    /// How the prunings are done: see [`CriterionArgs`].
    #[command(flatten)]
    pub criterion: CriterionArgs,
    /// So many draws of random weights, from --seed on
    #[arg(long, default_value_t = 20, value_parser = positive)]
    pub seeds: usize,
    /// So many prunings of the large network to compare with, from --seed on
    #[arg(long, default_value_t = 5, value_parser = positive)]
    pub prunings: usize,
    /// See [`ReferenceArgs`].
    #[command(flatten)]
    pub reference: ReferenceArgs,
}

pub(super) fn positive(text: &str) -> Result<usize, String> {
    match text.replace('_', "").parse::<usize>() {
        Ok(n) if (1..=1 << 32).contains(&n) => Ok(n),
        _ => Err("expected a whole number of at least 1".into()),
    }
}

/// The name of a criterion.
pub(super) fn criterion(text: &str) -> Result<String, String> {
    match crate::prune::criterion(text, 0) {
        Ok(_) => Ok(text.to_owned()),
        Err(Error::Invalid { message, .. }) => Err(message),
        Err(other) => Err(other.to_string()),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x.is_finite() && x > 0.0 => Ok(x),
        _ => Err("expected a positive number".into()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(x) if x > 0.0 && x < 1.0 => Ok(x),
        _ => Err("expected a share between 0 and 1".into()),
    }
}

impl FitArgs {
    /// The plan of that size.
    pub(super) fn plan(&self) -> Plan {
        self.adapted(if self.quick { Plan::quick() } else { Plan::default() })
    }

    /// That plan in the precision asked for.
    pub(super) fn adapted(&self, mut plan: Plan) -> Plan {
        plan.precision = match self.precision {
            PrecisionArg::F32 => Precision::Single,
            PrecisionArg::F64 => Precision::Double,
        };
        if self.no_polish {
            (plan.polish.iterations, plan.imitation.iterations) = (0, 0);
        }
        plan
    }

    /// Changes a whole run as asked for: the large network's training takes it all; later stages draw as many samples an
    /// epoch at most, of as many paths, fresh or fixed alike.
    pub(super) fn apply_to_all(&self, plan: &mut Plan) {
        self.apply(&mut plan.train);
        for fit in [&mut plan.prune.retrain, &mut plan.retrain, &mut plan.finetune] {
            fit.samples = fit.samples.min(self.samples.unwrap_or(usize::MAX));
            fit.paths = self.paths.unwrap_or(fit.paths);
            fit.fresh &= !self.fixed;
        }
        plan.polish.samples = plan.polish.samples.min(self.samples.unwrap_or(usize::MAX));
        plan.polish.paths = self.paths.unwrap_or(plan.polish.paths);
        self.limit(&mut plan.imitation);
    }

    /// Draws no more samples than asked for.
    pub(super) fn limit(&self, polish: &mut Polish) {
        polish.samples = polish.samples.min(self.samples.unwrap_or(usize::MAX));
    }

    /// Changes one stage's training as asked for.
    pub(super) fn apply(&self, fit: &mut Fit) {
        fit.samples = self.samples.unwrap_or(fit.samples);
        fit.epochs = self.epochs.unwrap_or(fit.epochs);
        fit.paths = self.paths.unwrap_or(fit.paths);
        fit.batch = self.batch.unwrap_or(fit.batch);
        fit.peak = self.learning_rate.unwrap_or(fit.peak);
        fit.fresh &= !self.fixed;
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::{Cli, domain};

    #[test]
    fn the_declaration_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn domains_have_two_ends() {
        let ends = |text| domain(text).map(|d| d.0.iter().map(|x| (x.inf(), x.sup())).collect::<Vec<_>>());
        assert_eq!(ends("0.5:1.5, -3:-1e2").unwrap_err(), "` -3:-1e2` is not a range, as 0.5:1.5");
        assert_eq!(ends("-1:2.5,90:90"), Ok(vec![(-1.0, 2.5), (90.0, 90.0)]));
        for bad in ["", "1", "1:", "a:b", "0:inf", "nan:1", "0:1,,2:3", "0:1:2"] {
            assert!(ends(bad).is_err(), "{bad}");
        }
    }
}
