//! Floor 3: reference models and payoffs, `E[ν(g(θ, z))]` (§4–5).
//!
//! A [`Model`] is the path `g(θ, z)`: from inputs θ and noise z to what a payoff looks at. A [`Payoff`] is ν. Both are
//! written once over [`Scalar`]; every derivative follows by algorithmic differentiation, see [`pathwise`].
//!
//! A model and a payoff of one's own:
//! ```
//! use sobolev::math::Scalar;
//! use sobolev::model::{Model, Payoff, Regularity, Smoothing};
//!
//! /// One asset, lognormal: S = x·exp(σz − σ²/2).
//! struct BlackScholes { volatility: f64 }
//!
//! impl Model for BlackScholes {
//!     fn inputs(&self) -> usize { 1 }
//!     fn noise(&self) -> usize { 1 }
//!     fn observables(&self) -> usize { 1 }
//!     #[inline(always)]
//!     fn path<S: Scalar>(&self, inputs: &[S], noise: &[S], observables: &mut [S]) {
//!         let drift = S::constant(-0.5 * self.volatility * self.volatility);
//!         observables[0] = inputs[0] * (S::constant(self.volatility) * noise[0] + drift).exp();
//!     }
//!     fn training_inputs<S: Scalar>(&self, normals: &[S], inputs: &mut [S]) {
//!         inputs[0] = (S::constant(0.3) * normals[0]).exp();
//!     }
//!     fn test_inputs(&self, uniforms: &[f64], inputs: &mut [f64]) { inputs[0] = 0.5 + uniforms[0]; }
//! }
//!
//! struct Put { strike: f64 }
//!
//! impl Payoff for Put {
//!     #[inline(always)]
//!     fn pay<S: Scalar>(&self, observables: &[S], smoothing: Smoothing) -> S {
//!         smoothing.positive_part(S::constant(self.strike) - observables[0])
//!     }
//!     fn regularity(&self) -> Regularity { Regularity::Lipschitz }
//! }
//!
//! use sobolev::data::Simulator;
//! use sobolev::math::random::{Purpose, Streams};
//! let (model, payoff) = (BlackScholes { volatility: 0.2 }, Put { strike: 1.0 });
//! let samples = Simulator::new(&model, &payoff, 8)?.draw(&mut Streams::new(1, Purpose::Training), 1000);
//! assert!(samples.derivatives().unwrap().col(0).iter().all(|&delta| (-1.5..=0.0).contains(&delta)));
//! # Ok::<(), sobolev::model::ModelError>(())
//! ```

mod any;
mod bachelier;
mod basket;
mod error;
pub mod pathwise;
pub(crate) mod payoff;

pub use any::{AnyModel, AnyPayoff};
pub use bachelier::{Bachelier, bachelier_call};
pub use basket::Basket;
pub use error::ModelError;
pub use payoff::{Call, Payoff, PayoffVisitor, Regularity, Smoothing};

use crate::ad::Lanes;
use crate::math::{Scalar, random::LANES};
use pathwise::Workspace;

/// One number of each of several samples.
pub type Batch = Lanes<f64, LANES>;

/// A stochastic model with its randomness made explicit: the path `g : Θ × Z → observables` of §5.2.1.
///
/// Observables are what the payoff looks at: a basket's price, several assets, one asset at several dates. Parameters of
/// the payoff that shall be inputs of the surrogate, as the strike in the paper's θ = (S₀, K), are passed through as
/// observables.
///
/// The path is the specification; [`observe`](Self::observe) and [`pull_back`](Self::pull_back) may be overridden for
/// speed, and a test should hold them to it, as this crate's do.
pub trait Model: Sync {
    /// Length of θ.
    fn inputs(&self) -> usize;
    /// Length of z, independent standard normals.
    fn noise(&self) -> usize;
    /// Length of `g(θ, z)`.
    fn observables(&self) -> usize;

    /// `g(θ, z)`. Mark it `#[inline(always)]`, so that it is compiled for the vectors that the machine has.
    ///
    /// # Shapes
    /// inputs, noise → observables
    fn path<S: Scalar>(&self, inputs: &[S], noise: &[S], observables: &mut [S]);

    /// The law of training inputs: a function of as many independent standard normals.
    ///
    /// # Shapes
    /// inputs → inputs
    fn training_inputs<S: Scalar>(&self, normals: &[S], inputs: &mut [S]);

    /// The law of test inputs: a function of as many independent uniforms on [0, 1).
    ///
    /// # Shapes
    /// inputs → inputs
    fn test_inputs(&self, uniforms: &[f64], inputs: &mut [f64]);

    /// `g(θ, z)` of a batch of samples; the path over [`Batch`] unless there is a faster way.
    ///
    /// # Shapes
    /// inputs, noise → observables
    #[inline(always)]
    fn observe(&self, inputs: &[Batch], noise: &[Batch], observables: &mut [Batch]) {
        self.path(inputs, noise, observables);
    }

    /// Adds `(∂g/∂θ)ᵀ·observables_bar` to `inputs_bar` for a batch of samples; by the tape unless there is a faster way.
    ///
    /// # Shapes
    /// inputs, noise, observables → inputs
    #[inline(always)]
    fn pull_back(
        &self,
        inputs: &[Batch],
        noise: &[Batch],
        observables_bar: &[Batch],
        inputs_bar: &mut [Batch],
        workspace: &mut Workspace,
    ) {
        workspace.pull_back(self, inputs, noise, observables_bar, inputs_bar);
    }

    /// How `∂g/∂θ` varies, which decides how second derivatives are computed: the less, the faster.
    fn jacobian(&self) -> Jacobian {
        Jacobian::General
    }

    /// Writes `(∂g/∂θ)·inputs_dot` for a batch of samples; by dual numbers unless there is a faster way.
    ///
    /// # Shapes
    /// inputs, noise, inputs → observables
    #[inline(always)]
    fn push_forward(
        &self,
        inputs: &[Batch],
        noise: &[Batch],
        inputs_dot: &[Batch],
        observables_dot: &mut [Batch],
        workspace: &mut Workspace,
    ) {
        workspace.push_forward(self, inputs, noise, inputs_dot, observables_dot);
    }

    /// Hands over the model under its own type: a choice among models names the one that it is, so that what follows is
    /// compiled for that one. The simulator asks once for each chunk of samples, not in its loops.
    fn visit<V: ModelVisitor>(&self, visitor: V) -> V::Output
    where
        Self: Sized,
    {
        visitor.visit(self)
    }
}

/// How the derivative of a path by its inputs, `∂g/∂θ`, varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jacobian {
    /// With inputs and noise.
    General,
    /// With the noise alone: the path is affine in its inputs.
    OfNoise,
    /// Not at all.
    Constant,
}

/// What is done with a model once its type is known.
pub trait ModelVisitor {
    /// What comes of it.
    type Output;
    /// Does it.
    fn visit<M: Model>(self, model: &M) -> Self::Output;
}

/// A model that prices a payoff in closed form: the truth that surrogates are tested against.
pub trait ClosedForm<P: Payoff>: Model {
    /// Writes the deltas `∂V/∂θ` and returns the other figures. They are those of the payoff itself, never of its smoothing.
    ///
    /// # Shapes
    /// inputs → inputs
    ///
    /// # Panics
    /// Lengths other than the model's.
    fn greeks(&self, payoff: &P, inputs: &[f64], deltas: &mut [f64]) -> Greeks;
}

/// Price and sensitivities at one point, deltas excepted. Undiscounted currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Greeks {
    /// What the option is written on: the basket's price.
    pub underlying: f64,
    /// `V`.
    pub price: f64,
    /// The directional second derivative `1ᵀ(∂²V/∂θ²)1`: with weights that sum to 1, `∂²V/∂B²`.
    pub gamma: f64,
    /// `∂V/∂σ` by the volatility of the underlying, currency per currency/√year.
    pub vega: f64,
}
