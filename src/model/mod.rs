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
mod basket;
mod closed;
mod contract;
mod diffusion;
mod error;
mod inputs;
pub mod pathwise;
pub(crate) mod payoff;

pub use any::AnyModel;
pub use basket::Basket;
pub use closed::{bachelier_call, black_scholes_call};
pub use contract::{Contract, Kind};
pub use diffusion::{Diffusion, Dynamics, Lognormal, Normal, Observed};
pub use error::ModelError;
pub use inputs::{Inputs, Parameter};
pub use payoff::{Call, Payoff, PayoffVisitor, Regularity, Singularity, Smoothing};

/// Correlated normal assets, `dF = σ dW` (§4): [`Diffusion`] of [`Normal`] prices.
///
/// ```
/// use sobolev::model::{Bachelier, Call, ClosedForm};
/// let model = Bachelier::random(1, 7)?;
/// let mut deltas = [0.0; 7];
/// let at_the_money = model.greeks(&Call::new(1.0)?, &[1.0; 7], &mut deltas).expect("there is a formula");
/// assert!((at_the_money.price - 0.2 * 0.3989422804).abs() < 1e-10); // σ·φ(0)
/// assert!((deltas.iter().sum::<f64>() - 0.5).abs() < 1e-12);
/// # Ok::<(), sobolev::model::ModelError>(())
/// ```
pub type Bachelier = Diffusion<Normal>;

/// Correlated lognormal assets, `dS = σ S dW`: [`Diffusion`] of [`Lognormal`] prices.
///
/// ```
/// use sobolev::model::{Basket, BlackScholes, Contract, ClosedForm, Kind, Model, Observed, Parameter};
/// let basket = Basket::new(&[0.5, 0.5], &[vec![1.0, 0.3], vec![0.3, 1.0]], &[0.2, 0.25])?;
/// let model = BlackScholes::new(basket, 1.0, 2.0)?.observing(Observed::Assets)?.with_inputs(&[Parameter::Maturity]);
/// assert_eq!(model.input_names(), ["spot_0", "spot_1", "maturity"]);
/// let best = Contract::new(Kind::BestOf, 1.0)?;
/// let mut slopes = [0.0; 3];
/// let greeks = model.greeks(&best, &[1.0, 1.0, 1.0], &mut slopes).expect("Stulz's formula");
/// assert!(greeks.price > 0.12 && slopes[2] > 0.0); // minus theta
/// # Ok::<(), sobolev::model::ModelError>(())
/// ```
pub type BlackScholes = Diffusion<Lognormal>;

use crate::ad::Lanes;
use crate::math::{Scalar, random::LANES};
use pathwise::Workspace;

/// One number of each of several samples.
pub type Batch = Lanes<f64, LANES>;

/// Stands in loops over batches that do little to each. They are fast as they stand, a batch a vector; LLVM would vectorise
/// them across batches and gather lanes, which makes the whole simulation of 50 assets 1.5 times slower. Loops with what it
/// cannot see through it leaves alone.
#[inline(always)]
pub(crate) fn keep_lanes() {
    std::hint::black_box(());
}

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

    /// How many inputs, from the first on, are prices of assets; behind them stand parameters. Gamma is by the spots.
    fn spots(&self) -> usize {
        self.inputs()
    }

    /// The names of the inputs, as files carry them.
    fn input_names(&self) -> Vec<String> {
        (0..self.inputs()).map(|i| format!("input_{i}")).collect()
    }

    /// What prices are drawn over in pictures: the basket's price, or else the mean of the spots.
    fn underlying(&self, inputs: &[f64]) -> f64 {
        inputs[..self.spots()].iter().sum::<f64>() / self.spots() as f64
    }

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

    /// `g(θ, z)` and `g(θ, −z)` of a batch of samples, given z and −z: observed one after the other unless there is a faster way.
    ///
    /// # Shapes
    /// inputs, noise, noise → observables, observables
    #[inline(always)]
    fn observe_both(
        &self,
        inputs: &[Batch],
        noise: &[Batch],
        mirrored: &[Batch],
        observables: &mut [Batch],
        mirrored_observables: &mut [Batch],
    ) {
        // In a loop, so that the path is compiled into it once.
        for (noise, observables) in [(noise, observables), (mirrored, mirrored_observables)] {
            self.observe(inputs, noise, observables);
        }
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

/// A model that prices payoffs in closed form: the truth that surrogates are tested against.
pub trait ClosedForm<P: Payoff>: Model {
    /// The price, where there is a formula: of the payoff itself, never of its smoothing.
    ///
    /// # Shapes
    /// inputs → 1
    fn price<S: Scalar>(&self, payoff: &P, inputs: &[S]) -> Option<S>;

    /// Price and gamma, with the derivatives by each input in `deltas`, by differentiation of the formula.
    ///
    /// # Shapes
    /// inputs → inputs
    ///
    /// # Panics
    /// Lengths other than the model's.
    #[track_caller]
    fn greeks(&self, payoff: &P, inputs: &[f64], deltas: &mut [f64]) -> Option<Greeks>
    where
        Self: Sized,
    {
        let n = self.inputs();
        assert_eq!((inputs.len(), deltas.len()), (n, n), "a number and a delta for each input");
        self.price(payoff, inputs)?;
        let formula = Formula { model: self, payoff };
        let direction: Vec<[f64; 1]> = (0..n).map(|i| [f64::from(u8::from(i < self.spots()))]).collect();
        let mut product = vec![[0.0]; n];
        let price = crate::ad::Tape::new().hvp_into(&formula, inputs, &direction, deltas, &mut product);
        let gamma = product[..self.spots()].iter().flatten().sum();
        Some(Greeks { price, gamma })
    }
}

/// The formula as a function of the inputs.
struct Formula<'a, M, P> {
    model: &'a M,
    payoff: &'a P,
}

impl<P: Payoff, M: ClosedForm<P>> crate::ad::Function for Formula<'_, M, P> {
    fn eval<S: Scalar>(&self, inputs: &[S]) -> S {
        self.model.price(self.payoff, inputs).expect("a formula was asked for only where there is one")
    }
}

/// Price and gamma at one point. Undiscounted currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Greeks {
    /// `V`.
    pub price: f64,
    /// The directional second derivative `1ᵀ(∂²V/∂x²)1` by the spots x: with weights that sum to 1, `∂²V/∂B²`.
    pub gamma: f64,
}
