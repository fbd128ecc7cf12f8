//! The training loop (Algorithm 1): batches of fresh or fixed samples, Adam, one cycle of learning rates.

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{Adam, BatchGradient, Loss, LossWeights, Losses, OneCycle, Rows};
use crate::data::{Bundle, Fresh, Scaled};
use crate::error::{Error, Result};
use crate::math::Activation;
use crate::model::{Model, Payoff};
use crate::nn::{Chain, Layer, Network, Packed};
use crate::observer::Observer;

/// Where the samples of each epoch come from.
pub trait Batches<T: Packed> {
    /// Samples an epoch.
    fn len(&self) -> usize;
    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The samples of the next epoch.
    fn next_epoch(&mut self) -> Result<&Scaled<T>>;
    /// Whether the same samples come again, so that their order should be shuffled.
    fn repeats(&self) -> bool;
}

/// A fixed set, shuffled each epoch.
impl<T: Packed> Batches<T> for &Scaled<T> {
    fn len(&self) -> usize {
        Scaled::len(self)
    }
    fn next_epoch(&mut self) -> Result<&Scaled<T>> {
        Ok(self)
    }
    fn repeats(&self) -> bool {
        true
    }
}

impl<M: Model, P: Payoff, T: Packed> Batches<T> for Fresh<'_, M, P, T> {
    fn len(&self) -> usize {
        Fresh::len(self)
    }
    fn next_epoch(&mut self) -> Result<&Scaled<T>> {
        self.draw()
    }
    fn repeats(&self) -> bool {
        !self.renews()
    }
}

/// How a network is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Trainer {
    /// What is minimised.
    pub loss: Loss,
    /// Passes over the samples, or draws of fresh ones.
    pub epochs: usize,
    /// Samples a step.
    pub batch: usize,
    /// Learning rates.
    pub schedule: OneCycle,
    /// Seed of the shuffling.
    pub seed: u64,
    /// What errors and progress call this run.
    pub name: String,
}

/// What a training run did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    /// Optimiser steps.
    pub steps: usize,
    /// Samples seen, repeats counted.
    pub samples: usize,
    /// Mean losses over the last epoch.
    pub losses: Losses,
}

/// A batch loss that no healthy run in scaled units reaches.
const EXPLODED: f64 = 1e6;
/// Predicting the mean costs 1 in scaled units; a run that ends above twice that has not learnt but diverged.
const USELESS: f64 = 2.0;

impl Trainer {
    /// Trains in place.
    ///
    /// # Errors
    /// [`Error::Diverged`], the network as it was at the end of the last good epoch; [`Error::Interrupted`] when the observer
    /// breaks, the network as it is; [`Error::Invalid`] for a second-order loss of a network with ReLU; whatever the source of
    /// samples reports.
    ///
    /// # Panics
    /// If the batch size is zero or the samples do not fit the network, or if a second-order loss lacks its labels or finds
    /// them for blocks of another size than the batch.
    #[track_caller]
    pub fn run<C: Chain, T: Packed>(
        &self,
        net: &mut Network<C, T>,
        batches: &mut impl Batches<T>,
        observer: &mut dyn Observer,
    ) -> Result<Report> {
        assert!(self.batch > 0, "a step needs at least one sample");
        require_smooth(self.loss, net)?;
        let batch = self.batch.min(batches.len()).max(1);
        let per_epoch = batches.len().div_ceil(batch);
        let steps = per_epoch * self.epochs;
        let mut gradient = BatchGradient::new(net, batch);
        let mut adam = Adam::new(net.params().len());
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed);
        let mut order: Vec<usize> = Vec::new();
        let mut weights = None;
        let mut good = net.params().to_vec();
        let mut report = Report::default();
        observer.start(&self.name, steps);
        for _ in 0..self.epochs {
            let repeats = batches.repeats();
            let data = batches.next_epoch()?;
            // Second-order labels belong to whole batches, which then change places as they are.
            let labels = data.curvature().filter(|_| self.loss.is_second_order());
            assert!(labels.is_none_or(|l| l.block() == batch), "second-order labels need blocks of {batch} rows");
            let whole = labels.is_some();
            if repeats && order.is_empty() {
                order = (0..if whole { per_epoch } else { data.len() }).collect();
            }
            order.shuffle(&mut rng);
            let weights = weights.get_or_insert_with(|| LossWeights::new(self.loss, data));
            let (mut total, mut labelled) = (Losses::default(), 0);
            for step in 0..per_epoch {
                let at = batch * if whole && repeats { order[step] } else { step };
                let range = at..data.len().min(at + batch);
                let directions = labels.and_then(|l| l.of(&range)).map_or(0, Bundle::count);
                weights.set(self.loss, directions);
                let rows = if repeats && !whole { Rows::Index(&order[range]) } else { Rows::Range(range) };
                let rate = self.schedule.rate(report.steps, steps);
                let losses = gradient.compute(net, data, &rows, weights);
                let loss = losses.weighted(weights);
                if !(loss.is_finite() && loss < EXPLODED) {
                    return Err(self.diverged(net, &good, report.steps, loss, rate));
                }
                let parts: Vec<&[T]> = gradient.parts().collect();
                adam.step(net.params_mut(), &parts, rate, gradient.parallel());
                weights.rebalance(&losses);
                let share = rows.len() as f64 / data.len() as f64;
                total.value += share * losses.value;
                total.derivative += share * losses.derivative;
                if directions > 0 {
                    labelled += rows.len();
                    total.curvature += (losses.curvature - total.curvature) * rows.len() as f64 / labelled as f64;
                }
                report.steps += 1;
                report.samples += rows.len();
                if observer.step(report.steps, steps, loss).is_break() {
                    observer.finish();
                    return Err(Error::Interrupted);
                }
            }
            if !net.params().iter().all(|p| p.is_finite()) {
                return Err(self.diverged(net, &good, report.steps, f64::NAN, self.schedule.rate(report.steps, steps)));
            }
            good.copy_from_slice(net.params());
            report.losses = total;
        }
        let end = weights.map_or(0.0, |w| report.losses.weighted(&w));
        if end > USELESS {
            return Err(self.diverged(net, &good, report.steps, end, self.schedule.peak));
        }
        observer.finish();
        Ok(report)
    }

    fn diverged<C: Chain, T: Packed>(
        &self,
        net: &mut Network<C, T>,
        good: &[T],
        step: usize,
        loss: f64,
        learning_rate: f64,
    ) -> Error {
        let layer = first_bad_layer(net);
        net.params_mut().copy_from_slice(good);
        Error::Diverged { stage: self.name.clone(), step, loss, learning_rate, layer }
    }
}

/// Refuses to fit second derivatives where a network has none: those of ReLU are zero almost everywhere.
///
/// # Errors
/// [`Error::Invalid`], naming the first such layer.
pub(super) fn require_smooth<C: Chain, T: Packed>(loss: Loss, net: &Network<C, T>) -> Result<()> {
    let kinked = |l: &Layer| l.activation == Activation::Relu;
    match net.chain().layers().iter().position(kinked) {
        Some(layer) if loss.is_second_order() => Err(Error::invalid(
            format!("layer {layer}"),
            "has relu, whose second derivative is zero almost everywhere, so that second-order training has nothing to fit; \
             expected a smooth activation, as silu",
        )),
        _ => Ok(()),
    }
}

/// The first layer with a parameter that is not finite.
fn first_bad_layer<C: Chain, T: Packed>(net: &Network<C, T>) -> Option<usize> {
    let bad = net.params().iter().position(|p| !p.is_finite())?;
    let ends = net.chain().layers().iter().map(Layer::params).scan(0, |end, n| {
        *end += n;
        Some(*end)
    });
    ends.into_iter().position(|end| bad < end)
}
