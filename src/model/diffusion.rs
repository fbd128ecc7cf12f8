//! Correlated assets from the exposure date to maturity (§4): the path `g(θ, z)` of both of the crate's dynamics.

use core::fmt::Debug;
use core::marker::PhantomData;

use super::basket::{require, weigh};
use super::inputs::{Inputs, Parameter};
use super::pathwise::Workspace;
use super::{Basket, Batch, Jacobian, Model, ModelError, keep_lanes};
use crate::math::Scalar;

/// How much wider than the law at the exposure date training inputs are: the wings are learned too.
const WIDENING: f64 = 1.5;

/// How an asset moves. Its shock is the sum of `√Δt·(L z)ᵢ` over time steps of an Euler scheme, its variance that of the shock;
/// the scheme is that of the price where it is normal, of its logarithm where that is, and exact at the dates in both.
pub trait Dynamics: Copy + Debug + Default + PartialEq + Send + Sync + 'static {
    /// The name in files and on the command line.
    const NAME: &'static str;
    /// Whether shocks add to the price: then a basket is itself such an asset.
    const ADDITIVE: bool;

    /// The price after a shock.
    fn price<S: Scalar>(spot: S, shock: S, variance: S) -> S;
    /// Its derivatives by spot, shock and variance.
    fn slopes<S: Scalar>(spot: S, shock: S, variance: S) -> [S; 3];
    /// A spot as far out as a normal number says, around 1.
    fn spread<S: Scalar>(normal: S) -> S;
}

/// `F + shock`: Bachelier's `dF = σ dW` (Eq. 7).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Normal;

impl Dynamics for Normal {
    const NAME: &'static str = "bachelier";
    const ADDITIVE: bool = true;

    #[inline(always)]
    fn price<S: Scalar>(spot: S, shock: S, _: S) -> S {
        spot + shock
    }
    #[inline(always)]
    fn slopes<S: Scalar>(_: S, _: S, _: S) -> [S; 3] {
        [S::one(), S::one(), S::zero()]
    }
    #[inline(always)]
    fn spread<S: Scalar>(normal: S) -> S {
        S::one() + normal
    }
}

/// `S·exp(shock − variance/2)`: Black and Scholes' `dS = σ S dW`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lognormal;

impl Dynamics for Lognormal {
    const NAME: &'static str = "black-scholes";
    const ADDITIVE: bool = false;

    #[inline(always)]
    fn price<S: Scalar>(spot: S, shock: S, variance: S) -> S {
        spot * (shock - S::constant(0.5) * variance).exp()
    }
    #[inline(always)]
    fn slopes<S: Scalar>(spot: S, shock: S, variance: S) -> [S; 3] {
        let growth = Self::price(S::one(), shock, variance);
        [growth, spot * growth, S::constant(-0.5) * spot * growth]
    }
    #[inline(always)]
    fn spread<S: Scalar>(normal: S) -> S {
        normal.exp()
    }
}

/// What a payoff sees of the assets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observed {
    /// The basket's price on so many dates, at equal distances, the last at maturity.
    Basket {
        /// How many, at least 1.
        dates: usize,
    },
    /// The price of each asset at maturity.
    Assets,
}

/// Correlated assets of given dynamics from the exposure date to maturity, undiscounted: prices are forward prices, and what
/// is paid at maturity is not discounted, as in the paper.
///
/// The inputs are the assets' prices on the exposure date, then the [`Parameter`]s that are inputs. The observables are the
/// basket's price `B = Σ ωᵢ Sᵢ` on each date or each asset at maturity, then the strike if it is an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Diffusion<D> {
    basket: Basket,
    exposure: f64,
    maturity: f64,
    observed: Observed,
    inputs: Inputs,
    /// The basket's volatility a year.
    volatility: f64,
    /// `√Δt·Lᵀω`: how the basket depends on the noise of one time step, where shocks add.
    loadings: Vec<f64>,
    dynamics: PhantomData<D>,
}

impl<D: Dynamics> Diffusion<D> {
    /// The model of a basket between two dates: seen at maturity, a function of spots alone.
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
        let (inputs, volatility) = (Inputs::spots(basket.assets()), basket.volatility());
        let (observed, loadings) = (Observed::Basket { dates: 1 }, Vec::new());
        let model = Self { basket, exposure, maturity, observed, inputs, volatility, loadings, dynamics: PhantomData };
        model.observing(observed)
    }

    /// Huge and Savine's set-up, the paper's: a [random basket](Basket::random), exposure date 1, maturity 2.
    ///
    /// # Errors
    /// No assets.
    pub fn random(basket_seed: u64, assets: usize) -> Result<Self, ModelError> {
        Self::new(Basket::random(basket_seed, assets)?, 1.0, 2.0)
    }

    /// The same model, seen otherwise.
    ///
    /// # Errors
    /// No dates.
    pub fn observing(mut self, observed: Observed) -> Result<Self, ModelError> {
        let dates = if let Observed::Basket { dates } = observed { dates } else { 1 };
        require(dates > 0, || "the number of dates".into(), dates as f64, "at least 1")?;
        self.observed = observed;
        let root = (self.horizon() / dates as f64).sqrt();
        self.loadings = self.basket.loadings().iter().map(|a| root * a).collect();
        Ok(self)
    }

    /// The same model with parameters among its inputs, behind the spots, in the order of [`Parameter::ALL`].
    pub fn with_inputs(mut self, parameters: &[Parameter]) -> Self {
        self.inputs = Inputs::new(self.basket.assets(), parameters);
        self
    }

    /// The basket.
    pub fn basket(&self) -> &Basket {
        &self.basket
    }

    /// The date of the inputs, years.
    pub fn exposure(&self) -> f64 {
        self.exposure
    }

    /// The date of the payoff, years; where it is an input, the date that the input is not.
    pub fn maturity(&self) -> f64 {
        self.maturity
    }

    /// τ, from exposure to maturity: the paper's T in Eq. (6), years.
    pub fn horizon(&self) -> f64 {
        self.maturity - self.exposure
    }

    /// What payoffs see.
    pub fn observed(&self) -> Observed {
        self.observed
    }

    /// What the inputs are.
    pub fn inputs_are(&self) -> &Inputs {
        &self.inputs
    }

    /// The factor on all volatilities, and τ: what inputs say or else what the model says.
    #[inline(always)]
    pub(super) fn scale_and_horizon<S: Scalar>(&self, inputs: &[S]) -> (S, S) {
        let unit = S::constant(1.0 / self.volatility);
        let scale = self.inputs.get(Parameter::Volatility, inputs).map_or(S::one(), |v| v * unit);
        (scale, self.inputs.get(Parameter::Maturity, inputs).unwrap_or(S::constant(self.horizon())))
    }

    /// Whether prices depend on the spots through the basket's price alone, whatever the payoff: what is one number calls for a
    /// layer of one node. Of lognormal assets the basket is no such asset itself.
    #[inline(always)]
    pub fn is_of_the_basket(&self) -> bool {
        self.basket.assets() == 1 || (D::ADDITIVE && matches!(self.observed, Observed::Basket { .. }))
    }

    /// From end to end of the test inputs of each asset.
    #[inline(always)]
    fn box_width(&self) -> f64 {
        1.0 + 0.5 * ((self.basket.assets() - 1) as f64 / 12.0).sqrt()
    }

    /// How many time steps there are.
    #[inline(always)]
    fn dates(&self) -> usize {
        if let Observed::Basket { dates } = self.observed { dates } else { 1 }
    }

    /// Whether inputs other than spots and strike make paths curved.
    #[inline(always)]
    fn has_curved_inputs(&self) -> bool {
        [Parameter::Volatility, Parameter::Maturity].iter().any(|&p| self.inputs.place(p).is_some())
    }

    /// Calls `each(asset, date, shock, variance)` along the path of every asset.
    #[inline(always)]
    fn walk<S: Scalar>(&self, inputs: &[S], noise: &[S], mut each: impl FnMut(usize, usize, S, S)) {
        let (scale, horizon) = self.scale_and_horizon(inputs);
        let (m, step) = (self.basket.assets(), horizon * S::constant(1.0 / self.dates() as f64));
        let (root, square) = (scale * step.sqrt(), scale.sqr() * step);
        for (i, &volatility) in self.basket.volatilities().iter().enumerate() {
            let (mut shock, mut variance) = (S::zero(), S::zero());
            for (date, noise) in noise.chunks_exact(m).enumerate() {
                shock = shock + root * self.basket.increment(i, noise);
                variance = variance + S::constant(volatility * volatility) * square;
                each(i, date, shock, variance);
            }
        }
    }
}

impl<D: Dynamics> Model for Diffusion<D> {
    #[inline(always)]
    fn inputs(&self) -> usize {
        self.inputs.len()
    }
    #[inline(always)]
    fn noise(&self) -> usize {
        self.basket.assets() * self.dates()
    }
    #[inline(always)]
    fn observables(&self) -> usize {
        let strike = usize::from(self.inputs.place(Parameter::Strike).is_some());
        strike
            + match self.observed {
                Observed::Basket { dates } => dates,
                Observed::Assets => self.basket.assets(),
            }
    }
    fn spots(&self) -> usize {
        self.basket.assets()
    }
    fn input_names(&self) -> Vec<String> {
        self.inputs.names()
    }
    fn underlying(&self, inputs: &[f64]) -> f64 {
        self.basket.price(&inputs[..self.basket.assets()])
    }

    #[inline(always)]
    fn path<S: Scalar>(&self, inputs: &[S], noise: &[S], observables: &mut [S]) {
        let weights = self.basket.weights();
        observables.fill(S::zero());
        self.walk(inputs, noise, |i, date, shock, variance| {
            let price = D::price(inputs[i], shock, variance);
            match self.observed {
                Observed::Basket { .. } => observables[date] = observables[date] + S::constant(weights[i]) * price,
                Observed::Assets => observables[i] = price,
            }
        });
        if let (Some(strike), Some(last)) = (self.inputs.get(Parameter::Strike, inputs), observables.last_mut()) {
            *last = strike;
        }
    }

    /// Spots `1 + 1.5·√exposure·L z` where all that matters is the basket's price; where each asset's does, which that law
    /// leaves out of much of the box of test inputs, independent and uniform on that box widened by a twentieth at both ends
    /// (their logarithms where prices are lognormal). Parameters as their law of training says.
    #[inline(always)]
    fn training_inputs<S: Scalar>(&self, normals: &[S], inputs: &mut [S]) {
        let m = self.basket.assets();
        let scale =
            S::constant(if self.is_of_the_basket() { WIDENING * self.exposure.sqrt() } else { self.box_width() });
        let spots = &mut inputs[..m];
        if self.is_of_the_basket() {
            self.basket.increments(normals, spots);
            for x in spots {
                keep_lanes();
                *x = D::spread(scale * *x);
            }
        } else {
            for (x, z) in spots.iter_mut().zip(normals) {
                *x = D::spread(scale * S::constant(1.1) * (z.normal_cdf() - S::constant(0.5)));
            }
        }
        for (parameter, place) in self.inputs.parameters() {
            inputs[place] = parameter.training(normals[place]);
        }
    }

    /// Spots uniform on `1 ± ½·(1 + ½√((m−1)/12))`, wider with more assets, so that the basket's range is kept; their logarithms
    /// on `0 ± …` where prices are lognormal. Parameters uniform on [`Parameter::range`].
    fn test_inputs(&self, uniforms: &[f64], inputs: &mut [f64]) {
        let width = self.box_width();
        inputs.iter_mut().zip(uniforms).for_each(|(x, u)| *x = D::spread((u - 0.5) * width));
        for (parameter, place) in self.inputs.parameters() {
            let (low, high) = parameter.range();
            inputs[place] = low + (high - low) * uniforms[place];
        }
    }

    /// Where shocks add, the basket's are `√Δt Lᵀω·z`: m products a date instead of m².
    #[inline(always)]
    fn observe(&self, inputs: &[Batch], noise: &[Batch], observables: &mut [Batch]) {
        let (true, Observed::Basket { dates }) = (D::ADDITIVE, self.observed) else {
            return self.path(inputs, noise, observables);
        };
        let prices = &mut observables[..dates];
        self.shocks(inputs, noise, prices);
        let mut price = self.basket.price(&inputs[..self.basket.assets()]);
        for shock in prices {
            price = price + *shock;
            *shock = price;
        }
        if let Some(strike) = self.inputs.get(Parameter::Strike, inputs) {
            observables[dates] = strike;
        }
    }

    /// Where shocks add, those of −z are minus those of z, to the last bit.
    #[inline(always)]
    fn observe_both(
        &self,
        inputs: &[Batch],
        noise: &[Batch],
        mirrored: &[Batch],
        observables: &mut [Batch],
        mirrored_observables: &mut [Batch],
    ) {
        let (true, Observed::Basket { dates }) = (D::ADDITIVE, self.observed) else {
            for (noise, observables) in [(noise, observables), (mirrored, mirrored_observables)] {
                self.path(inputs, noise, observables);
            }
            return;
        };
        let prices = &mut observables[..dates];
        self.shocks(inputs, noise, prices);
        let mut price = self.basket.price(&inputs[..self.basket.assets()]);
        let mut mirrored_price = price;
        for (shock, mirrored) in prices.iter_mut().zip(&mut *mirrored_observables) {
            (price, mirrored_price) = (price + *shock, mirrored_price - *shock);
            (*shock, *mirrored) = (price, mirrored_price);
        }
        if let Some(strike) = self.inputs.get(Parameter::Strike, inputs) {
            (observables[dates], mirrored_observables[dates]) = (strike, strike);
        }
    }

    fn jacobian(&self) -> Jacobian {
        match (self.has_curved_inputs(), D::ADDITIVE) {
            (true, _) => Jacobian::General,
            (false, false) => Jacobian::OfNoise,
            (false, true) => Jacobian::Constant,
        }
    }

    /// By hand: `∂S/∂x`, and by volatility v and horizon τ through shocks `∝ v√τ` and variances `∝ v²τ`. Where shocks add and
    /// only spots are inputs, `∂B/∂x = ω` on every date.
    #[inline(always)]
    fn pull_back(
        &self,
        inputs: &[Batch],
        noise: &[Batch],
        observables_bar: &[Batch],
        inputs_bar: &mut [Batch],
        _: &mut Workspace,
    ) {
        let (m, weights) = (self.basket.assets(), self.basket.weights());
        if let Some(place) = self.inputs.place(Parameter::Strike) {
            inputs_bar[place] = inputs_bar[place] + observables_bar[observables_bar.len() - 1];
        }
        if let (true, false, Observed::Basket { dates }) = (D::ADDITIVE, self.has_curved_inputs(), self.observed) {
            let mut bar = observables_bar[0];
            for &later in &observables_bar[1..dates] {
                bar = bar + later;
            }
            for (sum, &w) in inputs_bar.iter_mut().zip(weights) {
                keep_lanes();
                *sum = *sum + Batch::splat(w) * bar;
            }
            return;
        }
        let (zero, two, half) = (Batch::splat(0.0), Batch::splat(2.0), Batch::splat(0.5));
        let (mut by_scale, mut by_horizon) = (zero, zero);
        self.walk(inputs, noise, |i, date, shock, variance| {
            let bar = match self.observed {
                Observed::Basket { .. } => Batch::splat(weights[i]) * observables_bar[date],
                Observed::Assets => observables_bar[i],
            };
            let [by_spot, by_shock, by_variance] = D::slopes(inputs[i], shock, variance);
            inputs_bar[i] = inputs_bar[i] + bar * by_spot;
            let (moved, spread) = (by_shock * shock, by_variance * variance);
            by_scale = by_scale + bar * (moved + two * spread);
            by_horizon = by_horizon + bar * (half * moved + spread);
        });
        debug_assert!(inputs_bar.len() >= m);
        for (parameter, sum) in [(Parameter::Volatility, by_scale), (Parameter::Maturity, by_horizon)] {
            if let Some(place) = self.inputs.place(parameter) {
                inputs_bar[place] = inputs_bar[place] + sum / inputs[place];
            }
        }
    }

    #[inline(always)]
    fn push_forward(
        &self,
        inputs: &[Batch],
        noise: &[Batch],
        inputs_dot: &[Batch],
        observables_dot: &mut [Batch],
        workspace: &mut Workspace,
    ) {
        let Observed::Basket { dates } = self.observed else {
            return workspace.push_forward(self, inputs, noise, inputs_dot, observables_dot);
        };
        if !D::ADDITIVE || self.has_curved_inputs() {
            return workspace.push_forward(self, inputs, noise, inputs_dot, observables_dot);
        }
        observables_dot[..dates].fill(self.basket.price(&inputs_dot[..self.basket.assets()]));
        if let Some(place) = self.inputs.place(Parameter::Strike) {
            observables_dot[dates] = inputs_dot[place];
        }
    }
}

impl<D: Dynamics> Diffusion<D> {
    /// The basket's shocks where they add, one a date.
    #[inline(always)]
    fn shocks(&self, inputs: &[Batch], noise: &[Batch], shocks: &mut [Batch]) {
        let curved = self.has_curved_inputs().then(|| self.stretch(inputs));
        let mut later = noise;
        for shock in shocks {
            // Cut off one after the other: chunks of a length that is not known would be counted by a division.
            let (noise, rest) = later.split_at(self.loadings.len());
            later = rest;
            *shock = weigh(&self.loadings, noise);
            if let Some(stretch) = curved {
                *shock = stretch * *shock;
            }
        }
    }

    /// What inputs multiply the model's own shocks by.
    #[inline(always)]
    fn stretch(&self, inputs: &[Batch]) -> Batch {
        let (scale, horizon) = self.scale_and_horizon(inputs);
        scale * (horizon * Batch::splat(1.0 / self.horizon())).sqrt()
    }
}
