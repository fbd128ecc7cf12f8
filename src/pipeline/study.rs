//! The stages of Figure 1 on one problem with one seed.

use std::time::Instant;

use faer::Mat;

use super::{Ensemble, Plan, Problem, Reference, Teacher, Use, require_derivatives};
use crate::data::{Samples, Scaled, Scaling, Simulator, SmoothedCurvature, Surrogate};
use crate::error::{Error, Result};
use crate::interval::Interval;
use crate::math::Activation;
use crate::math::random::{Purpose, Streams};
use crate::model::{AnyModel, Contract, Model, Payoff, Smoothing};
use crate::nn::{Chain as _, Layer, Network, Stack};
use crate::observer::Observer;
use crate::prune::{Criterion, Fold, History, Pruner, check_widths, collapse};
use crate::train::Loss;

/// What one stage took.
#[derive(Clone, Debug, PartialEq)]
pub struct StageRecord {
    /// Its name, as in progress lines and in `table2.json`.
    pub name: String,
    /// Nodes of every layer at its end.
    pub widths: Vec<usize>,
    /// Training samples seen, repeats counted.
    pub samples: usize,
    /// Wall clock.
    pub seconds: f64,
}

/// One run of the pipeline: what is learnt, a plan, a seed. Stages change a surrogate in place; if one fails or is interrupted,
/// the surrogate is left in its last good state, ready to be saved.
///
/// Any model and payoff go through it. A put on the product of two lognormal assets:
/// ```
/// use sobolev::{data::TestSet, math::{Scalar, random::{Purpose, Streams}}, observer::Unobserved, train::Loss};
/// use sobolev::model::{Model, Payoff, Regularity, Smoothing};
/// use sobolev::pipeline::{Plan, Problem, Reference, Scores, Study};
/// use sobolev::prune::{Fold, IntervalAdjoint};
///
/// struct Product;
/// impl Model for Product {
///     fn inputs(&self) -> usize { 2 }
///     fn noise(&self) -> usize { 2 }
///     fn observables(&self) -> usize { 1 }
///     fn path<S: Scalar>(&self, spots: &[S], noise: &[S], observables: &mut [S]) {
///         let shock = S::constant(0.2) * (noise[0] + noise[1]) - S::constant(0.04);
///         observables[0] = spots[0] * spots[1] * shock.exp();
///     }
///     fn training_inputs<S: Scalar>(&self, normals: &[S], spots: &mut [S]) { // a little beyond the test inputs
///         spots.iter_mut().zip(normals).for_each(|(x, z)| *x = S::constant(0.65) + S::constant(0.7) * z.normal_cdf());
///     }
///     fn test_inputs(&self, uniforms: &[f64], spots: &mut [f64]) {
///         spots.iter_mut().zip(uniforms).for_each(|(x, u)| *x = 0.7 + 0.6 * u);
///     }
/// }
/// struct Put;
/// impl Payoff for Put {
///     fn pay<S: Scalar>(&self, observables: &[S], smoothing: Smoothing) -> S {
///         smoothing.positive_part(S::one() - observables[0])
///     }
///     fn regularity(&self) -> Regularity { Regularity::Lipschitz }
/// }
///
/// let test = TestSet::revalued(&Product, &Put, &mut Streams::new(1, Purpose::Test), 200, 4096);
/// let problem = Problem { model: Product, payoff: Put, smoothing: Smoothing::NONE, test, basket_seed: 0 };
/// let reference = Reference::Model(Box::new(problem));
/// let mut plan = Plan { oversized: vec![32, 32], pruned: vec![4, 2], ..Plan::quick() };
/// # plan.train.samples = 1 << 13;
/// # (plan.retrain.samples, plan.finetune.samples, plan.polish.samples) = (1 << 13, 1 << 13, 1 << 12);
/// plan.train.paths = 16;
/// let (mut study, observer) = (Study::new(&reference, &plan, 1), &mut Unobserved);
/// let mut large = study.initial(&plan.oversized)?;
/// study.train(&mut large, Loss::Values, observer)?;
/// let mut small = large.clone();
/// study.prune(&mut small, &large, &mut IntervalAdjoint::default(), Fold::Mean, observer)?;
/// study.finetune_from_model(&mut small, observer)?;
/// let scores = Scores::of(&small, reference.test());
/// assert!(scores.values > 0.999 && scores.deltas > 0.99, "{scores:?}");
/// # Ok::<(), sobolev::error::Error>(())
/// ```
#[derive(Debug)]
pub struct Study<'a, M = AnyModel, P = Contract> {
    pub(super) reference: &'a Reference<M, P>,
    pub(super) plan: &'a Plan,
    pub(super) seed: u64,
    pub(super) attempt: usize,
    /// The stages that ran.
    pub records: Vec<StageRecord>,
}

/// Draws behind the scaling.
const SCALING_SAMPLES: usize = 1 << 16;
/// Widths down to which pruning has one way only: below, rounds cost next to nothing, and several are tried.
const FORK: usize = 16;
/// How fast each attempt cuts: the share that a round keeps, to this power. Other samples alone lead to the same minimum.
const PACES: [f64; 4] = [1.0, 0.5, 2.0, 1.5];
/// Points at which nodes are measured for pruning.
const PRUNING_SAMPLES: usize = 4096;

/// Each stage draws from streams of its own.
#[derive(Clone, Copy)]
pub(super) enum Draw {
    Scaling,
    Train,
    Prune,
    Retrain,
    Finetune,
    Polish,
    Inputs,
}

impl<'a, M: Model, P: Payoff> Study<'a, M, P> {
    /// Nothing runs yet.
    pub fn new(reference: &'a Reference<M, P>, plan: &'a Plan, seed: u64) -> Self {
        Self { reference, plan, seed, attempt: 0, records: Vec::new() }
    }

    pub(super) fn reference(&self) -> &'a Reference<M, P> {
        self.reference
    }
    pub(super) fn plan(&self) -> &'a Plan {
        self.plan
    }
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// The large network with random weights, and the scaling of a first draw of samples.
    ///
    /// # Errors
    /// If the labels do not vary or are not finite.
    pub fn initial(&self, hidden: &[usize]) -> Result<Surrogate> {
        let simulator = self.simulator(false, self.plan.train.paths)?;
        let samples = if self.plan.train.fresh { SCALING_SAMPLES } else { self.plan.train.samples };
        let scaling = Scaling::fit(&simulator.draw(&mut self.streams(Draw::Scaling), samples))?;
        let mut rng = Streams::new(self.seed, Purpose::Initialisation).next().expect("streams never end");
        let stack = Stack::mlp(scaling.inputs(), hidden, 1, Activation::Silu);
        Ok(Surrogate { network: Network::init(stack, &mut rng), scaling })
    }

    /// Trains on simulated samples.
    ///
    /// # Errors
    /// As [`Trainer::run`](crate::train::Trainer::run).
    pub fn train(&mut self, surrogate: &mut Surrogate, loss: Loss, observer: &mut dyn Observer) -> Result<()> {
        let fit = self.plan.train;
        self.stage("train", surrogate, |study, s| study.fit_model(s, "train", &fit, loss, Draw::Train, observer))
    }

    /// Prunes to the plan's widths, retraining on the teacher's values; sees no derivative label.
    ///
    /// The last rounds, which are cheap and may end in a poor minimum, are run as often as the plan says, each time with other
    /// samples; kept is the network with the least loss on the teacher's values at points that none was trained on.
    ///
    /// # Errors
    /// Impossible widths; as [`Trainer::run`](crate::train::Trainer::run).
    pub fn prune(
        &mut self,
        surrogate: &mut Surrogate,
        teacher: &Surrogate,
        criterion: &mut dyn Criterion,
        fold: Fold,
        observer: &mut dyn Observer,
    ) -> Result<History> {
        let mut history = History::default();
        self.stage("prune", surrogate, |study, s| {
            let target = &study.plan.pruned;
            check_widths(&s.network.chain().hidden(), target)?;
            study.adopt(s, teacher)?;
            let trunk = target.iter().zip(s.network.chain().hidden()).map(|(&goal, width)| goal.max(FORK.min(width)));
            let (trunk, mut seen) = study.rounds(s, trunk.collect(), teacher, criterion, fold, observer)?;
            let mut branches = Vec::new();
            let (attempt, tried) = study.best_of(s, |study, candidate| {
                let (branch, pruned) = study.rounds(candidate, target.clone(), teacher, criterion, fold, observer)?;
                branches.push(branch);
                let (retrained, loss) = study.retrain(candidate, teacher, observer)?;
                Ok((pruned + retrained, loss))
            })?;
            history = trunk.followed_by(branches.swap_remove(attempt));
            seen += tried;
            Ok(seen)
        })?;
        Ok(history)
    }

    /// Several attempts from the same start, each with samples of its own; kept is the one with the least held-out loss. Gives
    /// its number and the samples that all have seen.
    ///
    /// What is too large to be polished has no such loss, and is attempted once.
    fn best_of(
        &self,
        s: &mut Surrogate,
        mut attempt: impl FnMut(&Self, &mut Surrogate) -> Result<(usize, Option<f64>)>,
    ) -> Result<(usize, usize)> {
        let (start, mut best, mut total) = (s.clone(), (0, f64::INFINITY), 0);
        for number in 0..self.plan.attempts.max(1) {
            let mut candidate = start.clone();
            let (seen, loss) = attempt(&self.attempt(number), &mut candidate)?;
            total += seen;
            if loss.is_none_or(|loss| loss < best.1) {
                (best, *s) = ((number, loss.unwrap_or(f64::NEG_INFINITY)), candidate);
            }
            if loss.is_none() {
                break;
            }
        }
        Ok((best.0, total))
    }

    /// Rounds of cutting and retraining on the teacher's values.
    fn rounds(
        &self,
        s: &mut Surrogate,
        widths: Vec<usize>,
        teacher: &Surrogate,
        criterion: &mut dyn Criterion,
        fold: Fold,
        observer: &mut dyn Observer,
    ) -> Result<(History, usize)> {
        let (plan, total) = (self.plan, std::cell::Cell::new(0));
        let measured = self.measured(&s.scaling)?;
        let samples = measured.samples();
        let (retrain, mut teacher) = (plan.prune.retrain, self.teacher(teacher));
        let labels = self.teach(&teacher, Draw::Prune, retrain.samples, false)?;
        let check = s.scaling.apply::<f64>(&self.teach(&teacher, Draw::Inputs, PRUNING_SAMPLES, false)?, false);
        let loss = |net: &Network<Stack, f64>| mean_square(net, &check);
        let scaling = s.scaling.clone();
        let keep = plan.prune.keep.powf(PACES[self.attempt % PACES.len()]);
        let pruner = Pruner { widths, keep, fold };
        let history = pruner.run(&mut s.network, criterion, &samples, loss, |net, _| {
            let name = format!("prune to {}", widths_name(&net.chain().hidden()));
            let seen = self.fit_set(net, &name, &retrain, Loss::Values, &scaling, &labels, &mut teacher, observer)?;
            total.set(total.get() + seen);
            Ok(())
        })?;
        Ok((history, total.get()))
    }

    /// Fine-tunes on a teacher's values and derivatives: the reference model is not asked.
    ///
    /// # Errors
    /// As [`Trainer::run`](crate::train::Trainer::run).
    pub fn finetune_from_network(
        &mut self,
        surrogate: &mut Surrogate,
        teacher: &Surrogate,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        self.stage("finetune from network", surrogate, |study, s| {
            study.adopt(s, teacher)?;
            let mut labels = study.teacher(teacher);
            let (name, fit) = ("finetune from network", &study.plan.finetune);
            Ok(study.imitate(s, &mut labels, name, fit, study.sobolev(), observer)?.0)
        })
    }

    /// Fine-tunes on simulated values and pathwise derivatives.
    ///
    /// Samples that are not fresh are few: a part of them, never trained on, says when to stop; or, if the plan has an
    /// [`Ensemble`](super::Ensemble), large networks learn from all of them first.
    ///
    /// # Errors
    /// As [`Trainer::run`](crate::train::Trainer::run).
    pub fn finetune_from_model(&mut self, surrogate: &mut Surrogate, observer: &mut dyn Observer) -> Result<()> {
        self.stage("finetune from model", surrogate, |study, s| match &study.plan.ensemble {
            Some(ensemble) => study.finetune_through(ensemble, s, observer),
            None => study.finetune_directly(s, "finetune from model", observer),
        })
    }

    /// Trains several large networks on the same simulated values and derivatives; their mean, whose noise is less than any
    /// one's, teaches the small one.
    fn finetune_through(&self, ensemble: &Ensemble, s: &mut Surrogate, observer: &mut dyn Observer) -> Result<usize> {
        let (fit, mut seen) = (&ensemble.fit, 0);
        let simulator = self.simulator(true, fit.paths)?;
        let samples = simulator.draw(&mut self.streams(Draw::Finetune), fit.samples);
        let mut source = SmoothedCurvature { simulator: &simulator, smoothing: self.curvature_smoothing() };
        let mut generators = Streams::new(self.seed, Purpose::Initialisation);
        let mut members = Vec::new();
        for member in 1..=ensemble.members {
            let stack = Stack::mlp(s.scaling.inputs(), &ensemble.hidden, 1, Activation::Silu);
            let mut network = Network::init(stack, &mut generators.next().expect("streams never end"));
            let name = format!("teacher {member}/{}", ensemble.members);
            seen +=
                self.fit_set(&mut network, &name, fit, self.sobolev(), &s.scaling, &samples, &mut source, observer)?;
            members.push(Surrogate { network, scaling: s.scaling.clone() });
        }
        let mut labels = Teacher::mean_of(&members, self.plan.precision);
        let (name, fit) = ("finetune from model", &self.plan.finetune);
        Ok(seen + self.imitate(s, &mut labels, name, fit, self.sobolev(), observer)?.0)
    }

    /// Retrains the pruned shape from random weights, as pruning retrains its last round (Figure 8).
    ///
    /// # Errors
    /// As [`Trainer::run`](crate::train::Trainer::run).
    pub fn from_random_weights(&mut self, teacher: &Surrogate, observer: &mut dyn Observer) -> Result<Surrogate> {
        let mut rng = Streams::new(self.seed, Purpose::Initialisation).next().expect("streams never end");
        let layers = teacher.network.chain().layers();
        let (inputs, activation) = (layers[0].fan_in.0, layers[0].activation);
        let stack = Stack::mlp(inputs, &self.plan.pruned, 1, activation);
        let mut surrogate = Surrogate { network: Network::init(stack, &mut rng), scaling: teacher.scaling.clone() };
        self.stage("random weights", &mut surrogate, |study, s| Ok(study.retrain(s, teacher, observer)?.0))?;
        Ok(surrogate)
    }

    /// Removes the layers behind the first one-node layer and retrains on the teacher's values (Figure 7).
    ///
    /// # Errors
    /// If there is no such layer; as [`Trainer::run`](crate::train::Trainer::run).
    pub fn collapse(
        &mut self,
        surrogate: &mut Surrogate,
        teacher: &Surrogate,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        self.stage("collapse", surrogate, |study, s| {
            study.adopt(s, teacher)?;
            let points = study.inputs(Draw::Inputs, PRUNING_SAMPLES);
            collapse(&mut s.network, s.scaling.inputs_of(points.as_ref()).as_ref())?;
            let (_, seen) = study.best_of(s, |study, candidate| {
                shrink(&mut candidate.network, 0.5f64.powi(study.attempt as i32));
                study.retrain(candidate, teacher, observer)
            })?;
            Ok(seen)
        })
    }

    /// As [`imitate`](Self::imitate), on values.
    fn retrain(
        &self,
        s: &mut Surrogate,
        teacher: &Surrogate,
        observer: &mut dyn Observer,
    ) -> Result<(usize, Option<f64>)> {
        let name = match self.attempt {
            0 => "retrain".to_owned(),
            more => format!("retrain, attempt {}", more + 1),
        };
        self.imitate(s, &mut self.teacher(teacher), &name, &self.plan.retrain, Loss::Values, observer)
    }

    /// A teacher's labels at inputs of the training law.
    pub(super) fn teach(&self, teacher: &Teacher<'_>, draw: Draw, n: usize, derivatives: bool) -> Result<Samples> {
        Ok(teacher.label(self.inputs(draw, n), derivatives))
    }

    fn teacher<'t>(&self, surrogate: &'t Surrogate) -> Teacher<'t> {
        Teacher::new(surrogate, self.plan.precision)
    }

    /// The loss of fine-tuning.
    pub(super) fn sobolev(&self) -> Loss {
        if self.plan.second_order.is_some() { Loss::SECOND_ORDER } else { Loss::SOBOLEV }
    }

    /// How a payoff is smoothed for second-order labels.
    pub(super) fn curvature_smoothing(&self) -> Smoothing {
        self.plan.second_order.map_or(Smoothing::NONE, |c| c.smoothing)
    }

    /// Inputs of the training law.
    fn inputs(&self, draw: Draw, n: usize) -> Mat<f64> {
        let part = if matches!(draw, Draw::Inputs) { Use::HeldOut } else { Use::Training };
        self.reference.inputs(part, &mut self.streams(draw), n)
    }

    /// Puts a network in units in which it is well trained, if its own are far from them: one from another program may
    /// know no scaling, or have been made for other inputs.
    fn adopt(&self, s: &mut Surrogate, teacher: &Surrogate) -> Result<()> {
        let labels = match self.reference {
            // A teacher that has not learnt much says little of the units.
            Reference::Model(_) => {
                let simulator = self.simulator(false, self.plan.train.paths)?;
                simulator.draw(&mut self.streams(Draw::Scaling), PRUNING_SAMPLES)
            }
            Reference::Network(_) => self.teach(&self.teacher(teacher), Draw::Scaling, PRUNING_SAMPLES, false)?,
        };
        let scaling = Scaling::fit(&labels)?;
        if !s.scaling.is_near(&scaling) {
            *s = s.rescaled(scaling);
        }
        Ok(())
    }

    /// What nodes are measured by.
    ///
    /// # Errors
    /// As the simulation.
    pub(super) fn measured(&self, scaling: &Scaling) -> Result<Measured> {
        let (inputs, targets) = match self.reference {
            Reference::Model(_) if self.plan.train.fresh => {
                let samples = self.simulator(false, 1)?.draw(&mut self.streams(Draw::Inputs), PRUNING_SAMPLES);
                let labels = scaling.apply::<f64>(&samples, false);
                (labels.inputs().to_owned(), Some(labels.values().to_owned()))
            }
            // A plan of fixed samples has none to spend on this.
            _ => (scaling.inputs_of(self.inputs(Draw::Inputs, PRUNING_SAMPLES).as_ref()), None),
        };
        let domain = self.reference.domain();
        let domain = domain.iter().enumerate().map(|(j, x)| scaling.interval(j, *x)).collect();
        Ok(Measured { inputs, targets, domain })
    }

    pub(super) fn simulator(&self, derivatives: bool, paths: usize) -> Result<Simulator<'a, M, P>> {
        let problem = self.reference.problem()?;
        let Problem { model, payoff, smoothing, .. } = problem;
        if !derivatives {
            return Ok(Simulator::values_only(model, payoff, paths));
        }
        require_derivatives(payoff, *smoothing)?;
        let simulator = Simulator::smoothed(model, payoff, paths, smoothing.fourth_order());
        Ok(simulator.map_err(|e| Error::invalid("payoff", e.to_string()))?.with_sharp_values())
    }

    /// Streams of a draw. A plan of fixed samples has one set of them for all stages.
    pub(super) fn streams(&self, draw: Draw) -> Streams {
        let draw = match draw {
            Draw::Scaling | Draw::Finetune | Draw::Polish if !self.plan.train.fresh => Draw::Train,
            other => other,
        };
        let attempt = if matches!(draw, Draw::Prune | Draw::Retrain | Draw::Polish) { self.attempt as u64 } else { 0 };
        Streams::new(self.seed.wrapping_mul(64).wrapping_add(draw as u64) ^ (attempt << 48), Purpose::Training)
    }

    fn stage(
        &mut self,
        name: &str,
        surrogate: &mut Surrogate,
        run: impl FnOnce(&Self, &mut Surrogate) -> Result<usize>,
    ) -> Result<()> {
        let start = Instant::now();
        let samples = run(self, surrogate)?;
        let (name, seconds) = (name.to_owned(), start.elapsed().as_secs_f64());
        self.records.push(StageRecord { name, widths: surrogate.widths(), samples, seconds });
        Ok(())
    }
}

/// Points at which nodes are measured for pruning, with the model's labels where there is a model to be asked for fresh ones,
/// and the domain; in scaled units.
pub(super) struct Measured {
    pub(super) inputs: Mat<f64>,
    pub(super) targets: Option<Mat<f64>>,
    pub(super) domain: Vec<Interval>,
}

impl Measured {
    pub(super) fn samples(&self) -> crate::prune::Samples<'_> {
        let targets = self.targets.as_ref().map(Mat::as_ref);
        crate::prune::Samples { inputs: self.inputs.as_ref(), targets, domain: self.domain.clone() }
    }
}

/// `3-3-1-2-2-2`.
pub(super) fn widths_name(widths: &[usize]) -> String {
    widths.iter().map(ToString::to_string).collect::<Vec<_>>().join("-")
}

/// Makes the parameters of the hidden layers smaller: what is left of a network after a collapse may be saturated, and then
/// learns nothing.
fn shrink(net: &mut Network<Stack, f64>, factor: f64) {
    let last = net.chain().layers().last().map_or(0, Layer::params);
    let hidden = net.params().len() - last;
    net.params_mut()[..hidden].iter_mut().for_each(|p| *p *= factor);
}

fn mean_square(net: &Network<Stack, f64>, data: &Scaled<f64>) -> f64 {
    let y = net.value(data.inputs());
    (0..data.len()).map(|r| (y[(r, 0)] - data.values()[(r, 0)]).powi(2)).sum::<f64>() / data.len() as f64
}
