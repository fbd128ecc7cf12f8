//! The stages of Figure 1 on one problem with one seed.

use std::time::Instant;

use faer::Mat;

use super::labels::Teacher;
use super::{Curving, Fit, Plan, Precision, Reference, Use};
use crate::data::{Bundler, CurvatureSource, Fresh, Samples, Scaled, Scaling, Simulator, SmoothedCurvature, Surrogate};
use crate::error::{Error, Result};
use crate::math::Activation;
use crate::math::random::{Purpose, Streams};
use crate::model::{AnyModel, AnyPayoff, Model, Payoff, Smoothing};
use crate::nn::{Network, Packed, Stack};
use crate::observer::Observer;
use crate::prune::{Criterion, Fold, History, Pruner, collapse};
use crate::train::{Batches, LevenbergMarquardt, Loss, OneCycle, Trainer};

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
#[derive(Debug)]
pub struct Study<'a, M = AnyModel, P = AnyPayoff> {
    reference: &'a Reference<M, P>,
    plan: &'a Plan,
    seed: u64,
    /// The stages that ran.
    pub records: Vec<StageRecord>,
}

/// Draws behind the scaling.
const SCALING_SAMPLES: usize = 1 << 16;
/// Points at which nodes are measured for pruning.
const PRUNING_SAMPLES: usize = 4096;

/// Each stage draws from streams of its own.
#[derive(Clone, Copy)]
enum Draw {
    Scaling,
    Train,
    Prune,
    Retrain,
    Distil,
    Finetune,
    Polish,
    Inputs,
}

impl<'a, M: Model, P: Payoff> Study<'a, M, P> {
    /// Nothing runs yet.
    pub fn new(reference: &'a Reference<M, P>, plan: &'a Plan, seed: u64) -> Self {
        Self { reference, plan, seed, records: Vec::new() }
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
    /// As [`Trainer::run`].
    pub fn train(&mut self, surrogate: &mut Surrogate, loss: Loss, observer: &mut dyn Observer) -> Result<()> {
        let fit = self.plan.train;
        self.stage("train", surrogate, |study, s| study.fit_model(s, "train", &fit, loss, Draw::Train, observer))
    }

    /// Prunes to the plan's widths, retraining on the teacher's values; sees no derivative label.
    ///
    /// # Errors
    /// Impossible widths; as [`Trainer::run`].
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
            study.adopt(s, teacher)?;
            let (plan, total) = (study.plan, std::cell::Cell::new(0));
            let points = study.inputs(Draw::Inputs, PRUNING_SAMPLES);
            let inputs = s.scaling.inputs_of::<f64>(points.as_ref());
            let domain = study.scaled_domain(&s.scaling);
            let samples = crate::prune::Samples { inputs: inputs.as_ref(), domain };
            let retrain = plan.prune.retrain;
            let labels = study.teach(teacher, Draw::Prune, retrain.samples, false)?;
            let check = s.scaling.apply::<f64>(&study.teach(teacher, Draw::Inputs, PRUNING_SAMPLES, false)?, false);
            let loss = |net: &Network<Stack, f64>| mean_square(net, &check);
            let scaling = s.scaling.clone();
            let pruner = Pruner { widths: plan.pruned.clone(), keep: plan.prune.keep, fold };
            history = pruner.run(&mut s.network, criterion, &samples, loss, |net, _| {
                let name = format!("prune to {}", widths_name(&net.chain().hidden()));
                total.set(
                    total.get()
                        + study.fit_set(net, &name, &retrain, Loss::Values, &scaling, &labels, teacher, observer)?,
                );
                Ok(())
            })?;
            drop(labels);
            let samples = total.get() + study.retrain(s, teacher, observer)?;
            Ok(samples)
        })?;
        Ok(history)
    }

    /// Fine-tunes on a teacher's values and derivatives: the reference model is not asked.
    ///
    /// # Errors
    /// As [`Trainer::run`].
    pub fn finetune_from_network(
        &mut self,
        surrogate: &mut Surrogate,
        teacher: &Surrogate,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        self.stage("finetune from network", surrogate, |study, s| {
            study.adopt(s, teacher)?;
            let (fit, loss) = (study.plan.finetune, study.sobolev());
            let labels = study.teach(teacher, Draw::Distil, fit.samples, true)?;
            let scaling = s.scaling.clone();
            let name = "finetune from network";
            let seen = study.fit_set(&mut s.network, name, &fit, loss, &scaling, &labels, teacher, observer)?;
            drop(labels);
            Ok(seen + study.polish_from_teacher(s, teacher, name, loss, observer)?)
        })
    }

    /// Fine-tunes on simulated values and pathwise derivatives.
    ///
    /// # Errors
    /// As [`Trainer::run`].
    pub fn finetune_from_model(&mut self, surrogate: &mut Surrogate, observer: &mut dyn Observer) -> Result<()> {
        self.stage("finetune from model", surrogate, |study, s| {
            let (name, fit, polish) = ("finetune from model", study.plan.finetune, study.plan.polish);
            let loss = study.sobolev();
            let seen = study.fit_model(s, name, &fit, loss, Draw::Finetune, observer)?;
            let simulator = study.simulator(true, polish.paths)?;
            let held_out = Streams::new(study.seed, Purpose::HeldOut);
            let mut streams = [study.streams(Draw::Polish), held_out].into_iter();
            let smoothing = study.plan.second_order.map_or(Smoothing::NONE, |c| c.smoothing);
            let mut source = SmoothedCurvature { simulator: &simulator, smoothing };
            let draw = |n| Ok(simulator.draw(&mut streams.next().expect("training and held-out"), n));
            Ok(seen + study.polish(s, name, loss, observer, draw, &mut source)?)
        })
    }

    /// Removes the layers behind the first one-node layer and retrains on the teacher's values (Figure 7).
    ///
    /// # Errors
    /// If there is no such layer; as [`Trainer::run`].
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
            study.retrain(s, teacher, observer)
        })
    }

    /// The loss of fine-tuning.
    fn sobolev(&self) -> Loss {
        if self.plan.second_order.is_some() { Loss::SECOND_ORDER } else { Loss::SOBOLEV }
    }

    fn retrain(&self, s: &mut Surrogate, teacher: &Surrogate, observer: &mut dyn Observer) -> Result<usize> {
        let fit = self.plan.retrain;
        let labels = self.teach(teacher, Draw::Retrain, fit.samples, false)?;
        let scaling = s.scaling.clone();
        let seen = self.fit_set(&mut s.network, "retrain", &fit, Loss::Values, &scaling, &labels, teacher, observer)?;
        drop(labels);
        Ok(seen + self.polish_from_teacher(s, teacher, "retrain", Loss::Values, observer)?)
    }

    fn polish_from_teacher(
        &self,
        s: &mut Surrogate,
        teacher: &Surrogate,
        name: &str,
        loss: Loss,
        observer: &mut dyn Observer,
    ) -> Result<usize> {
        let mut draws = [Draw::Polish, Draw::Inputs].into_iter();
        let draw = |n| {
            let draw = draws.next().expect("training and held-out");
            self.teach(teacher, draw, n, loss != Loss::Values)
        };
        self.polish(s, name, loss, observer, draw, &mut Teacher::<f64>::new(teacher))
    }

    /// Levenberg–Marquardt, if the network is small enough. `draw` gives the training samples, then the held-out ones;
    /// `source` their second-order labels, if there are to be any.
    fn polish(
        &self,
        s: &mut Surrogate,
        name: &str,
        loss: Loss,
        observer: &mut dyn Observer,
        mut draw: impl FnMut(usize) -> Result<Samples>,
        source: &mut dyn CurvatureSource,
    ) -> Result<usize> {
        let polish = self.plan.polish;
        if polish.iterations == 0 || s.network.params().len() > polish.most_params {
            return Ok(0);
        }
        let bend = self.plan.second_order.filter(|c| c.polish && loss.is_second_order());
        let loss = if loss.is_second_order() && bend.is_none() { Loss::SOBOLEV } else { loss };
        let mut scaled = |n: usize| -> Result<Scaled<f64>> {
            let samples = draw(n)?;
            let mut data = s.scaling.apply(&samples, loss != Loss::Values);
            if let Some(Curving { choice, .. }) = bend {
                let mut bundler = Bundler::new(choice, self.seed);
                data.set_curvature(Some(bundler.label(&samples, &s.scaling, n, source)?));
            }
            Ok(data)
        };
        let (training, held_out) = (scaled(polish.samples)?, scaled(polish.held_out)?);
        let levenberg = LevenbergMarquardt {
            loss,
            iterations: polish.iterations,
            damping: 1e-2,
            patience: 4,
            name: format!("{name}: polish"),
        };
        let report = levenberg.run(&mut s.network, &training, &held_out, observer)?;
        Ok(report.iterations * polish.samples)
    }

    /// Adam on simulated samples, in the plan's precision.
    fn fit_model(
        &self,
        s: &mut Surrogate,
        name: &str,
        fit: &Fit,
        loss: Loss,
        draw: Draw,
        observer: &mut dyn Observer,
    ) -> Result<usize> {
        match self.plan.precision {
            Precision::Single => self.fit_model_in::<f32>(s, name, fit, loss, draw, observer),
            Precision::Double => self.fit_model_in::<f64>(s, name, fit, loss, draw, observer),
        }
    }

    fn fit_model_in<T: Packed>(
        &self,
        s: &mut Surrogate,
        name: &str,
        fit: &Fit,
        loss: Loss,
        draw: Draw,
        observer: &mut dyn Observer,
    ) -> Result<usize> {
        let derivatives = loss != Loss::Values;
        let simulator = self.simulator(derivatives, fit.paths)?;
        let Surrogate { network, scaling } = s;
        let mut source =
            Fresh::<_, _, T>::new(&simulator, scaling, self.streams(draw), fit.samples, derivatives, fit.fresh);
        if let Some(Curving { choice, smoothing, .. }) = self.plan.second_order.filter(|_| loss.is_second_order()) {
            source = source.with_second_order(Bundler::new(choice, self.seed), smoothing, fit.batch);
        }
        self.adam(network, name, fit, loss, &mut source, observer)
    }

    /// Adam on a fixed set that a teacher labelled, in the plan's precision.
    #[expect(clippy::too_many_arguments, reason = "network and scaling are borrowed apart")]
    fn fit_set(
        &self,
        network: &mut Network<Stack, f64>,
        name: &str,
        fit: &Fit,
        loss: Loss,
        scaling: &Scaling,
        samples: &Samples,
        teacher: &Surrogate,
        observer: &mut dyn Observer,
    ) -> Result<usize> {
        match self.plan.precision {
            Precision::Single => {
                let data = self.scaled::<f32>(fit, loss, scaling, samples, teacher)?;
                self.adam(network, name, fit, loss, &mut &data, observer)
            }
            Precision::Double => {
                let data = self.scaled::<f64>(fit, loss, scaling, samples, teacher)?;
                self.adam(network, name, fit, loss, &mut &data, observer)
            }
        }
    }

    /// Samples that a teacher labelled, with its second-order labels for batches if the loss reads any.
    fn scaled<T: Packed>(
        &self,
        fit: &Fit,
        loss: Loss,
        scaling: &Scaling,
        samples: &Samples,
        teacher: &Surrogate,
    ) -> Result<Scaled<T>> {
        let mut data = scaling.apply::<T>(samples, loss != Loss::Values);
        if let Some(Curving { choice, .. }) = self.plan.second_order.filter(|_| loss.is_second_order()) {
            let mut bundler = Bundler::new(choice, self.seed);
            let labels = bundler.label(samples, scaling, fit.batch, &mut Teacher::<T>::new(teacher))?;
            data.set_curvature(Some(labels));
        }
        Ok(data)
    }

    fn adam<T: Packed>(
        &self,
        network: &mut Network<Stack, f64>,
        name: &str,
        fit: &Fit,
        loss: Loss,
        source: &mut impl Batches<T>,
        observer: &mut dyn Observer,
    ) -> Result<usize> {
        let trainer = Trainer {
            loss,
            epochs: fit.epochs,
            batch: fit.batch,
            schedule: OneCycle::with_peak(fit.peak),
            seed: self.seed,
            name: name.to_owned(),
        };
        let mut trained = network.cast::<T>();
        let report = trainer.run(&mut trained, source, observer);
        // Also when it failed: what is left is the last good state.
        *network = trained.cast();
        Ok(report?.samples)
    }

    /// A teacher's labels at inputs of the training law.
    fn teach(&self, teacher: &Surrogate, draw: Draw, n: usize, derivatives: bool) -> Result<Samples> {
        let inputs = self.inputs(draw, n);
        Ok(match self.plan.precision {
            Precision::Single => Teacher::<f32>::new(teacher).label(inputs, derivatives),
            Precision::Double => Teacher::<f64>::new(teacher).label(inputs, derivatives),
        })
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
            Reference::Network(_) => self.teach(teacher, Draw::Scaling, PRUNING_SAMPLES, false)?,
        };
        let scaling = Scaling::fit(&labels)?;
        if !s.scaling.is_near(&scaling) {
            *s = s.rescaled(scaling);
        }
        Ok(())
    }

    fn scaled_domain(&self, scaling: &Scaling) -> Vec<crate::interval::Interval> {
        let domain = self.reference.domain();
        domain.iter().enumerate().map(|(j, x)| scaling.interval(j, *x)).collect()
    }

    fn simulator(&self, derivatives: bool, paths: usize) -> Result<Simulator<'a, M, P>> {
        let problem = self.reference.problem()?;
        if derivatives {
            Simulator::smoothed(&problem.model, &problem.payoff, paths, problem.smoothing)
                .map_err(|e| Error::invalid("payoff", e.to_string()))
        } else {
            Ok(Simulator::values_only(&problem.model, &problem.payoff, paths))
        }
    }

    /// Streams of a draw. A plan of fixed samples has one set of them for all stages.
    fn streams(&self, draw: Draw) -> Streams {
        let draw = match draw {
            Draw::Scaling | Draw::Finetune | Draw::Polish if !self.plan.train.fresh => Draw::Train,
            other => other,
        };
        Streams::new(self.seed.wrapping_mul(64).wrapping_add(draw as u64), Purpose::Training)
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

/// `3-3-1-2-2-2`.
pub(super) fn widths_name(widths: &[usize]) -> String {
    widths.iter().map(ToString::to_string).collect::<Vec<_>>().join("-")
}

fn mean_square(net: &Network<Stack, f64>, data: &Scaled<f64>) -> f64 {
    let y = net.value(data.inputs());
    (0..data.len()).map(|r| (y[(r, 0)] - data.values()[(r, 0)]).powi(2)).sum::<f64>() / data.len() as f64
}
