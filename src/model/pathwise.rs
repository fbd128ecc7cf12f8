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
    second: Tape<Dual<Batch>>,
    /// Numbers and tangents of inputs and noise, and of what comes of them.
    dual: Vec<Dual<Batch>>,
    tangents: Vec<[Batch; 1]>,
    gradient: Vec<Batch>,
    products: Vec<[Batch; 1]>,
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

    /// The default of [`Model::push_forward`].
    #[inline(always)]
    pub(super) fn push_forward<M: Model + ?Sized>(
        &mut self,
        model: &M,
        inputs: &[Batch],
        noise: &[Batch],
        inputs_dot: &[Batch],
        observables_dot: &mut [Batch],
    ) {
        let fixed = Dual::fixed(Batch::splat(0.0));
        let seeded = inputs.iter().zip(inputs_dot).map(|(&value, &dot)| Dual { value, tangent: [dot] });
        self.dual.clear();
        self.dual.extend(seeded.chain(noise.iter().map(|&z| Dual::fixed(z))));
        self.dual.resize(self.dual.len() + observables_dot.len(), fixed);
        let (x, y) = self.dual.split_at_mut(inputs.len() + noise.len());
        let (x, z) = x.split_at(inputs.len());
        model.path(x, z, y);
        observables_dot.iter_mut().zip(y).for_each(|(dot, y)| *dot = y.tangent[0]);
    }

    /// Adds `(∂²ν/∂observables²)·dot` for one or more `dot` on end: forward over reverse, but for a single observable, where
    /// `ν″` by dual numbers serves all.
    #[inline(always)]
    pub(crate) fn bend<P: Payoff>(
        &mut self,
        payoff: &Smoothed<'_, P>,
        observables: &[Batch],
        dot: &[Batch],
        sums: &mut [Batch],
    ) {
        if let &[observable] = observables {
            let twice = Dual::<_, 1>::seed(Dual::<_, 1>::seed(observable, 0), 0);
            let curvature = payoff.eval(&[twice]).tangent[0].tangent[0];
            sums.iter_mut().zip(dot).for_each(|(sum, &dot)| *sum = *sum + curvature * dot);
            return;
        }
        let p = observables.len();
        self.gradient.resize(p, Batch::splat(0.0));
        self.products.resize(p, [Batch::splat(0.0)]);
        for (dot, sums) in dot.chunks_exact(p).zip(sums.chunks_exact_mut(p)) {
            let (gradient, products) = (&mut self.gradient, &mut self.products);
            self.second.hvp_into(payoff, observables, dot.as_chunks().0, gradient, products);
            sums.iter_mut().zip(products).for_each(|(sum, product)| *sum = *sum + product[0]);
        }
    }

    /// Adds the product with one direction of the Hessian of the payoff by the inputs, by one tape over path and payoff.
    pub(crate) fn hessian_product<M: Model, P: Payoff>(
        &mut self,
        model: &M,
        payoff: &Smoothed<'_, P>,
        inputs: &[Batch],
        noise: &[Batch],
        direction: &[Batch],
        sum: &mut [Batch],
    ) {
        let (zero, all) = (Batch::splat(0.0), inputs.len() + noise.len());
        self.joined.clear();
        self.joined.extend(inputs.iter().chain(noise));
        self.tangents.clear();
        self.tangents.extend(direction.iter().map(|&v| [v]));
        self.tangents.resize(all, [zero]);
        self.gradient.resize(all, zero);
        self.products.resize(all, [zero]);
        let path = Path { model, payoff: Smoothed { ..*payoff } };
        self.second.hvp_into(&path, &self.joined, &self.tangents, &mut self.gradient, &mut self.products);
        sum.iter_mut().zip(&self.products).for_each(|(sum, product)| *sum = *sum + product[0]);
    }
}
