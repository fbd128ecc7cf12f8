//! Endless samples for training: simulated anew for each epoch, or drawn once.

use super::{Bundler, Samples, Scaled, Scaling, Simulator, SmoothedCurvature};
use crate::error::Result;
use crate::math::random::Streams;
use crate::model::{Model, Payoff, Smoothing};
use crate::nn::Packed;

/// Samples of a simulator in scaled units, drawn anew each time or once and for all.
pub struct Fresh<'a, M, P, T: Packed> {
    simulator: &'a Simulator<'a, M, P>,
    scaling: &'a Scaling,
    streams: Streams,
    samples: Samples,
    scaled: Scaled<T>,
    /// Whether each draw replaces the one before.
    renew: bool,
    drawn: bool,
    second_order: Option<(Bundler, Smoothing, usize)>,
}

impl<'a, M: Model, P: Payoff, T: Packed> Fresh<'a, M, P, T> {
    /// `n` samples a draw, from the given streams; with derivatives only if asked for, so that a value loss cannot see any.
    pub fn new(
        simulator: &'a Simulator<'a, M, P>,
        scaling: &'a Scaling,
        streams: Streams,
        n: usize,
        derivatives: bool,
        renew: bool,
    ) -> Self {
        let (samples, scaled) =
            (Samples::zeros(n, scaling.inputs(), derivatives), Scaled::zeros(n, scaling.inputs(), derivatives));
        Self { simulator, scaling, streams, samples, scaled, renew, drawn: false, second_order: None }
    }

    /// The same with second-order labels for batches of so many rows: those of the payoff so smoothed, over the same paths.
    #[must_use]
    pub fn with_second_order(mut self, bundler: Bundler, smoothing: Smoothing, batch: usize) -> Self {
        self.second_order = Some((bundler, smoothing, batch));
        self
    }

    /// Samples a draw.
    pub fn len(&self) -> usize {
        self.samples.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
    /// Whether each draw replaces the one before.
    pub fn renews(&self) -> bool {
        self.renew
    }

    /// The next samples.
    ///
    /// # Errors
    /// If there are to be second-order labels and the payoff, so smoothed, has none.
    pub fn draw(&mut self) -> Result<&Scaled<T>> {
        if self.renew || !self.drawn {
            self.simulator.draw_into(&mut self.streams, &mut self.samples);
            self.scaling.apply_into(&self.samples, &mut self.scaled);
            if let Some((bundler, smoothing, batch)) = &mut self.second_order {
                let mut source = SmoothedCurvature { simulator: self.simulator, smoothing: *smoothing };
                let labels = bundler.label(&self.samples, self.scaling, *batch, &mut source)?;
                self.scaled.set_curvature(Some(labels));
            }
            self.drawn = true;
        }
        Ok(&self.scaled)
    }
}
