//! Pathwise derivatives by adjoint AD, Eqs. (10)–(12).
//!
//! Where ν is Lipschitz, `∂/∂θ E[ν(g(θ, z))] = E[(∂g/∂θ)ᵀ ∇ν(g(θ, z))]`. The reference is [`gradient`], which records path
//! and payoff whole on the tape. The simulator takes the two factors apart: `∇ν` over the few observables by the tape, and
//! the model's own [`pull_back`](Model::pull_back), which by default is the tape again.

use super::payoff::Smoothed;
use super::{Batch, Model, Payoff, Smoothing};
use crate::ad::{Dual, Function, Map, Tape};
use crate::math::Scalar;

/// Payoff of one path and its derivative by each input, by one tape over path and payoff. Simple and general: what every
/// faster way is held to.
///
/// # Shapes
/// inputs, noise → 1, inputs
///
/// # Panics
/// Lengths other than the model's.
///
/// ```
/// use sobolev::model::{Bachelier, Call, Model, Smoothing, pathwise};
/// let model = Bachelier::random(1, 3)?;
/// let (payoff, deltas) = pathwise::gradient(&model, &Call::new(0.9)?, Smoothing::NONE, &[1.0_f64; 3], &[0.0; 3]);
/// assert!((payoff - 0.1).abs() < 1e-15);
/// assert_eq!(deltas, model.basket().weights()); // in the money: the indicator of Eq. (12) is 1
/// # Ok::<(), sobolev::model::ModelError>(())
/// ```
#[track_caller]
pub fn gradient<S: Scalar>(
    model: &impl Model,
    payoff: &impl Payoff,
    smoothing: Smoothing,
    inputs: &[S],
    noise: &[S],
) -> (S, Vec<S>) {
    assert_eq!((inputs.len(), noise.len()), (model.inputs(), model.noise()), "one number for each input and noise");
    let path = Path { model, payoff: Smoothed { payoff, smoothing } };
    let (value, mut bar) = crate::ad::gradient(&path, &[inputs, noise].concat());
    bar.truncate(inputs.len());
    (value, bar)
}

/// `ν(g(θ, z))` of the inputs and the noise, one after the other.
struct Path<'a, M, P> {
    model: &'a M,
    payoff: Smoothed<'a, P>,
}

impl<M: Model, P: Payoff> Function for Path<'_, M, P> {
    fn eval<S: Scalar>(&self, x: &[S]) -> S {
        let (inputs, noise) = x.split_at(self.model.inputs());
        let mut observables = vec![S::zero(); self.model.observables()];
        self.model.path(inputs, noise, &mut observables);
        self.payoff.eval(&observables)
    }
}

/// `g(θ, z)` of the inputs and the noise, one after the other.
struct Observables<'a, M: ?Sized>(&'a M);

impl<M: Model + ?Sized> Map for Observables<'_, M> {
    fn outputs(&self) -> usize {
        self.0.observables()
    }
    #[inline(always)]
    fn eval_into<S: Scalar>(&self, x: &[S], y: &mut [S]) {
        let (inputs, noise) = x.split_at(self.0.inputs());
        self.0.path(inputs, noise, y);
    }
}

/// Memory for the pathwise derivatives of one thread: tapes and buffers, lent from call to call.
#[derive(Debug, Default)]
pub struct Workspace {
    payoff: Tape<Batch>,
    path: Tape<Batch>,
    joined: Vec<Batch>,
    joined_bar: Vec<Batch>,
    observables: Vec<Batch>,
}

impl Workspace {
    /// Payoffs of a batch of samples, and their derivatives by the observables: by the tape, but for a single observable,
    /// where a dual number gives the same without a recording.
    #[inline(always)]
    pub(crate) fn payoff<P: Payoff>(
        &mut self,
        payoff: &Smoothed<'_, P>,
        observables: &[Batch],
        observables_bar: &mut [Batch],
    ) -> Batch {
        if let (&[observable], [bar]) = (observables, &mut *observables_bar) {
            let Dual { value, tangent } = payoff.eval(&[Dual::<_, 1>::seed(observable, 0)]);
            *bar = tangent[0];
            return value;
        }
        self.payoff.gradient_into(payoff, observables, observables_bar)
    }

    /// The default of [`Model::pull_back`].
    pub(super) fn pull_back<M: Model + ?Sized>(
        &mut self,
        model: &M,
        inputs: &[Batch],
        noise: &[Batch],
        observables_bar: &[Batch],
        inputs_bar: &mut [Batch],
    ) {
        let zero = Batch::splat(0.0);
        self.joined.clear();
        self.joined.extend(inputs.iter().chain(noise));
        self.joined_bar.resize(self.joined.len(), zero);
        self.observables.resize(observables_bar.len(), zero);
        let (y, bar) = (&mut self.observables, &mut self.joined_bar);
        self.path.vjp_into(&Observables(model), &self.joined, observables_bar, y, bar);
        inputs_bar.iter_mut().zip(bar).for_each(|(sum, bar)| *sum = *sum + *bar);
    }
}
