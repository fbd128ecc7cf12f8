//! The Bachelier basket (§4): prices of a basket of normal assets.

use std::hint::black_box;

use serde::{Deserialize, Serialize};

use super::basket::{require, weigh};
use super::pathwise::Workspace;
use super::{Basket, Batch, Call, ClosedForm, Greeks, Jacobian, Model, ModelError};
use crate::math::{Scalar, normal};

/// How much wider than the law at the exposure date training inputs are: the wings are learned too.
const WIDENING: f64 = 1.5;

/// Correlated Bachelier assets `dF = σ dW` (Eq. 7) from the exposure date to maturity, undiscounted.
///
/// The inputs are the assets' prices on the exposure date, the observable is the basket's price at maturity,
/// `B = ω·(x + √τ·L z)` with `τ = maturity − exposure`.
///
/// ```
/// use sobolev::model::{Bachelier, Call, ClosedForm};
/// let model = Bachelier::random(1, 7)?;
/// let mut deltas = [0.0; 7];
/// let at_the_money = model.greeks(&Call::new(1.0)?, &[1.0; 7], &mut deltas);
/// assert!((at_the_money.price - 0.2 * 0.3989422804).abs() < 1e-10); // σ·φ(0)
/// assert!((deltas.iter().sum::<f64>() - 0.5).abs() < 1e-12);
/// # Ok::<(), sobolev::model::ModelError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parameters", into = "Parameters")]
pub struct Bachelier {
    basket: Basket,
    exposure: f64,
    maturity: f64,
    /// `√τ·Lᵀω`: the basket's dependence on the noise.
    loadings: Vec<f64>,
}

/// A model as files carry it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    basket: Basket,
    exposure: f64,
    maturity: f64,
}

impl TryFrom<Parameters> for Bachelier {
    type Error = ModelError;
    fn try_from(p: Parameters) -> Result<Self, ModelError> {
        Self::new(p.basket, p.exposure, p.maturity)
    }
}

impl From<Bachelier> for Parameters {
    fn from(model: Bachelier) -> Self {
        Self { basket: model.basket, exposure: model.exposure, maturity: model.maturity }
    }
}

impl Bachelier {
    /// The model of a basket between two dates.
    ///
    /// # Units
    /// Years
    ///
    /// # Errors
    /// Dates that are not `0 ≤ exposure < maturity < ∞`.
    pub fn new(basket: Basket, exposure: f64, maturity: f64) -> Result<Self, ModelError> {
        let good = exposure.is_finite() && exposure >= 0.0;
        require(good, || "the exposure date".into(), exposure, "a finite number not below 0")?;
        let good = maturity.is_finite() && maturity > exposure;
        require(good, || "the maturity".into(), maturity, "a finite number above the exposure date")?;
        let root = (maturity - exposure).sqrt();
        let loadings = basket.loadings().iter().map(|a| root * a).collect();
        Ok(Self { basket, exposure, maturity, loadings })
    }

    /// Huge and Savine's set-up, the paper's: a [random basket](Basket::random), exposure date 1, maturity 2.
    ///
    /// # Errors
    /// No assets.
    pub fn random(basket_seed: u64, assets: usize) -> Result<Self, ModelError> {
        Self::new(Basket::random(basket_seed, assets)?, 1.0, 2.0)
    }

    /// The basket.
    pub fn basket(&self) -> &Basket {
        &self.basket
    }

    /// The date of the inputs, years.
    pub fn exposure(&self) -> f64 {
        self.exposure
    }

    /// The date of the payoff, years.
    pub fn maturity(&self) -> f64 {
        self.maturity
    }

    /// τ, from exposure to maturity: the paper's T in Eq. (6), years.
    pub fn horizon(&self) -> f64 {
        self.maturity - self.exposure
    }
}

impl Model for Bachelier {
    #[inline(always)]
    fn inputs(&self) -> usize {
        self.basket.assets()
    }
    #[inline(always)]
    fn noise(&self) -> usize {
        self.basket.assets()
    }
    #[inline(always)]
    fn observables(&self) -> usize {
        1
    }

    #[inline(always)]
    fn path<S: Scalar>(&self, inputs: &[S], noise: &[S], observables: &mut [S]) {
        let root = S::constant(self.horizon().sqrt());
        let mut price = S::zero();
        for (i, (&x, &w)) in inputs.iter().zip(self.basket.weights()).enumerate() {
            price = price + S::constant(w) * (x + root * self.basket.increment(i, noise));
        }
        observables[0] = price;
    }

    /// `x = 1 + 1.5·√exposure·L z`.
    #[inline(always)]
    fn training_inputs<S: Scalar>(&self, normals: &[S], inputs: &mut [S]) {
        let scale = S::constant(WIDENING * self.exposure.sqrt());
        for (i, x) in inputs.iter_mut().enumerate() {
            *x = S::one() + scale * self.basket.increment(i, normals);
        }
    }

    /// Uniform on `1 ± ½·(1 + ½√((m−1)/12))`: wider with more assets, so that the basket's range is kept.
    fn test_inputs(&self, uniforms: &[f64], inputs: &mut [f64]) {
        let spread = 1.0 + 0.5 * ((self.basket.assets() - 1) as f64 / 12.0).sqrt();
        inputs.iter_mut().zip(uniforms).for_each(|(x, u)| *x = 1.0 + (u - 0.5) * spread);
    }

    /// `ω·x + √τ Lᵀω·z`: m products instead of m².
    #[inline(always)]
    fn observe(&self, inputs: &[Batch], noise: &[Batch], observables: &mut [Batch]) {
        observables[0] = self.basket.price(inputs) + weigh(&self.loadings, noise);
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Constant
    }

    #[inline(always)]
    fn push_forward(&self, _: &[Batch], _: &[Batch], dot: &[Batch], observables_dot: &mut [Batch], _: &mut Workspace) {
        observables_dot[0] = self.basket.price(dot);
    }

    /// `∂B/∂x = ω`.
    #[inline(always)]
    fn pull_back(
        &self,
        _: &[Batch],
        _: &[Batch],
        observables_bar: &[Batch],
        inputs_bar: &mut [Batch],
        _: &mut Workspace,
    ) {
        for (bar, &w) in inputs_bar.iter_mut().zip(self.basket.weights()) {
            // The loop is fast as it stands; LLVM would vectorise it across assets and gather lanes, which makes
            // the whole simulation of 50 assets 1.5 times slower. What it cannot see through it leaves alone.
            *bar = *bar + Batch::splat(black_box(w)) * observables_bar[0];
        }
    }
}

/// Price of the call, Eq. (6): `V = (F − K)Φ(z) + s φ(z)`, `z = (F − K)/s`, with `s = σ√τ` the deviation at maturity.
///
/// Over [`Scalar`], so that any sensitivity follows by algorithmic differentiation.
///
/// ```
/// use sobolev::ad::{Function, gradient};
/// use sobolev::math::Scalar;
/// struct Price;
/// impl Function for Price {
///     fn eval<S: Scalar>(&self, x: &[S]) -> S { sobolev::model::bachelier_call(x[0], S::constant(1.1), x[1]) }
/// }
/// let (price, greeks) = gradient(&Price, &[1.1, 0.2]);
/// assert!((price - 0.2 * greeks[1]).abs() < 1e-15 && greeks[0] == 0.5);
/// ```
#[inline]
pub fn bachelier_call<S: Scalar>(forward: S, strike: S, deviation: S) -> S {
    let over = forward - strike;
    let z = over / deviation;
    over * z.normal_cdf() + deviation * z.normal_pdf()
}

/// Delta `∂V/∂F = Φ(z)`, Eq. (8), whose middle line carries stray factors 1/√2π, a slip; its result is right.
/// Gamma `φ(z)/s`, vega `√τ φ(z)`. By the assets: `∂V/∂x = Φ(z)·ω`, and the Hessian is `φ(z)/s·ωωᵀ`, of rank one.
impl ClosedForm<Call> for Bachelier {
    fn greeks(&self, call: &Call, inputs: &[f64], deltas: &mut [f64]) -> Greeks {
        let m = self.basket.assets();
        assert_eq!((inputs.len(), deltas.len()), (m, m), "one input and one delta for each asset");
        let root = self.horizon().sqrt();
        let deviation = self.basket.volatility() * root;
        let underlying = self.basket.price(inputs);
        let z = (underlying - call.strike()) / deviation;
        let delta = normal::cdf(z);
        deltas.iter_mut().zip(self.basket.weights()).for_each(|(d, w)| *d = delta * w);
        // 1ᵀωωᵀ1 is 1 but for the rounding of weights.
        let sum: f64 = self.basket.weights().iter().sum();
        Greeks {
            underlying,
            price: bachelier_call(underlying, call.strike(), deviation),
            gamma: normal::pdf(z) / deviation * sum * sum,
            vega: root * normal::pdf(z),
        }
    }
}
