//! What the simulation of one batch of samples is computed in.

use crate::model::{Batch, Model};

/// Memory for one batch of samples: by inputs and noise `I`, by observables `O`. Of arrays the compiler knows the lengths.
#[derive(Default)]
pub(super) struct Buffers<I, O> {
    pub(super) inputs: I,
    pub(super) inputs_bar: I,
    pub(super) noise: I,
    pub(super) mirrored: I,
    pub(super) observables: O,
    pub(super) mirrored_observables: O,
    pub(super) observables_bar: O,
    pub(super) sums: O,
}

impl<const N: usize> Buffers<[Batch; N], [Batch; 1]> {
    /// For as many inputs as noise and a single observable.
    #[inline(always)]
    pub(super) fn small() -> Self {
        let (many, one) = ([Batch::splat(0.0); N], [Batch::splat(0.0)]);
        Self {
            inputs: many,
            inputs_bar: many,
            noise: many,
            mirrored: many,
            observables: one,
            mirrored_observables: one,
            observables_bar: one,
            sums: one,
        }
    }
}

impl Buffers<Vec<Batch>, Vec<Batch>> {
    /// As the model says.
    pub(super) fn resize(&mut self, model: &impl Model) {
        let Self { inputs, inputs_bar, noise, mirrored, observables, mirrored_observables, observables_bar, sums } =
            self;
        let zero = Batch::splat(0.0);
        for buffer in [inputs, inputs_bar] {
            buffer.resize(model.inputs(), zero);
        }
        for buffer in [noise, mirrored] {
            buffer.resize(model.noise(), zero);
        }
        for buffer in [observables, mirrored_observables, observables_bar, sums] {
            buffer.resize(model.observables(), zero);
        }
    }
}
