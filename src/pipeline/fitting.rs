//! How a stage fits a network: Adam on drawn or given samples, then Levenberg–Marquardt if the network is small.

use super::study::Draw;
use super::{Curving, Fit, Polish, Precision, Study, Teacher};
use crate::data::{Bundler, CHUNK, CurvatureSource, Fresh, Samples, Scaled, Scaling, SmoothedCurvature, Surrogate};
use crate::error::Result;
use crate::math::random::{Purpose, Streams};
use crate::model::{Model, Payoff};
use crate::nn::{Network, Packed, Stack};
use crate::observer::Observer;
use crate::train::{Batches, LevenbergMarquardt, LevenbergReport, Loss, OneCycle, Trainer};

/// Samples that a polish takes at least, however many labels each has.
const FEWEST: usize = 2048;
/// Of few samples, one in so many is held out.
const HELD_OUT_SHARE: usize = 8;

impl<M: Model, P: Payoff> Study<'_, M, P> {
    /// Fits a teacher's labels; gives the samples seen and, of a network small enough to be polished, the loss at points that
    /// it was not trained on.
    pub(super) fn imitate(
        &self,
        s: &mut Surrogate,
        teacher: &mut Teacher<'_>,
        name: &str,
        fit: &Fit,
        loss: Loss,
        observer: &mut dyn Observer,
    ) -> Result<(usize, Option<f64>)> {
        let (polish, derivatives) = (&self.plan.imitation, loss != Loss::Values);
        let drawn = self.teach(teacher, Draw::Retrain, fit.samples, derivatives)?;
        let seen = self.fit_set(&mut s.network, name, fit, loss, &s.scaling, &drawn, teacher, observer)?;
        drop(drawn);
        if !polish.is_for(&s.network) {
            return Ok((seen, None));
        }
        // What counts is the number of labels.
        let labels_each = if derivatives { 1 + s.scaling.inputs() } else { 1 };
        let samples = (polish.samples / labels_each).max(FEWEST).min(polish.samples);
        let loss = self.polished(loss);
        let mut labels = |draw, n| {
            let labels = self.teach(teacher, draw, n, derivatives)?;
            self.scaled(n, loss, &s.scaling, &labels, teacher)
        };
        let (training, held_out) = (labels(Draw::Polish, samples)?, labels(Draw::Inputs, polish.held_out)?);
        let report = polish.run(&mut s.network, name, loss, &training, &held_out, observer)?;
        Ok((seen + report.iterations * samples, Some(report.held_out[1])))
    }

    /// The same study with other draws to train on, for attempts counted from 0; what is held out stays the same.
    pub(super) fn attempt(&self, attempt: usize) -> Self {
        Self { reference: self.reference, plan: self.plan, seed: self.seed, attempt, records: Vec::new() }
    }

    /// Fits simulated values and derivatives. Where samples are fixed, a part of them is held out from the start: there are no
    /// others.
    pub(super) fn finetune_directly(
        &self,
        s: &mut Surrogate,
        name: &str,
        observer: &mut dyn Observer,
    ) -> Result<usize> {
        let (mut fit, polish) = (self.plan.finetune, &self.plan.polish);
        let held_out = match fit.samples / HELD_OUT_SHARE {
            // Whole chunks, so that two draws are the samples of one.
            share if fit.samples >= 2 * CHUNK => share.next_multiple_of(CHUNK),
            share => share,
        };
        if !fit.fresh {
            fit.samples -= held_out;
        }
        let seen = self.fit_model(s, name, &fit, self.sobolev(), Draw::Finetune, observer)?;
        if !polish.is_for(&s.network) {
            return Ok(seen);
        }
        let loss = self.polished(self.sobolev());
        let simulator = self.simulator(true, if fit.fresh { polish.paths } else { fit.paths })?;
        let mut source = SmoothedCurvature { simulator: &simulator, smoothing: self.curvature_smoothing() };
        let mut draw = |streams: &mut Streams, n| {
            let samples = simulator.draw(streams, n);
            self.scaled(n, loss, &s.scaling, &samples, &mut source)
        };
        let (training, held_out) = if fit.fresh {
            let held_out = &mut Streams::new(self.seed, Purpose::HeldOut);
            (draw(&mut self.streams(Draw::Polish), polish.samples)?, draw(held_out, polish.held_out)?)
        } else {
            let mut streams = self.streams(Draw::Finetune);
            (draw(&mut streams, fit.samples)?, draw(&mut streams, held_out)?)
        };
        let report = polish.run(&mut s.network, name, loss, &training, &held_out, observer)?;
        Ok(seen + report.iterations * training.len())
    }

    /// The loss of Levenberg–Marquardt.
    fn polished(&self, loss: Loss) -> Loss {
        let bends = self.plan.second_order.is_some_and(|curving| curving.polish);
        if loss.is_second_order() && !bends { Loss::SOBOLEV } else { loss }
    }

    /// Adam on simulated samples, in the plan's precision.
    pub(super) fn fit_model(
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

    /// Adam on a fixed set, in the plan's precision; `source` gives its second-order labels, if the loss reads any.
    #[expect(clippy::too_many_arguments, reason = "network and scaling are borrowed apart")]
    pub(super) fn fit_set(
        &self,
        network: &mut Network<Stack, f64>,
        name: &str,
        fit: &Fit,
        loss: Loss,
        scaling: &Scaling,
        samples: &Samples,
        source: &mut dyn CurvatureSource,
        observer: &mut dyn Observer,
    ) -> Result<usize> {
        match self.plan.precision {
            Precision::Single => {
                let data = self.scaled::<f32>(fit.batch, loss, scaling, samples, source)?;
                self.adam(network, name, fit, loss, &mut &data, observer)
            }
            Precision::Double => {
                let data = self.scaled::<f64>(fit.batch, loss, scaling, samples, source)?;
                self.adam(network, name, fit, loss, &mut &data, observer)
            }
        }
    }

    /// Samples in scaled units, with the source's second-order labels for each `block` of them if the loss reads any.
    fn scaled<T: Packed>(
        &self,
        block: usize,
        loss: Loss,
        scaling: &Scaling,
        samples: &Samples,
        source: &mut dyn CurvatureSource,
    ) -> Result<Scaled<T>> {
        let mut data = scaling.apply::<T>(samples, loss != Loss::Values);
        if let Some(Curving { choice, .. }) = self.plan.second_order.filter(|_| loss.is_second_order()) {
            data.set_curvature(Some(Bundler::new(choice, self.seed).label(samples, scaling, block, source)?));
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
}

impl Polish {
    /// Whether a network is small enough.
    pub(super) fn is_for(&self, network: &Network<Stack, f64>) -> bool {
        self.iterations > 0 && network.params().len() <= self.most_params
    }

    fn run(
        &self,
        network: &mut Network<Stack, f64>,
        name: &str,
        loss: Loss,
        training: &Scaled<f64>,
        held_out: &Scaled<f64>,
        observer: &mut dyn Observer,
    ) -> Result<LevenbergReport> {
        let name = format!("{name}: polish");
        LevenbergMarquardt { loss, iterations: self.iterations, damping: 1e-2, patience: self.patience, name }
            .run(network, training, held_out, observer)
    }
}
