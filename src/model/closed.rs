//! Prices in closed form, each written once over any scalar: every Greek follows by differentiation.

use super::diffusion::{Diffusion, Dynamics, Lognormal, Normal};
use super::inputs::Parameter;
use super::{Call, ClosedForm, Contract, Kind, Observed};
use crate::math::Scalar;
use crate::math::normal::bivariate_cdf;

/// Price of the call, Eq. (6): `V = (F − K)Φ(z) + s φ(z)`, `z = (F − K)/s`, with `s = σ√τ` the deviation at maturity.
///
/// Over [`Scalar`], so that any sensitivity follows by algorithmic differentiation: delta `∂V/∂F = Φ(z)`, Eq. (8), whose middle
/// line carries stray factors 1/√2π, a slip (its result is right), gamma `φ(z)/s`, vega `√τ φ(z)`.
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

/// Price of the call of Black and Scholes, undiscounted: `F Φ(d₊) − K Φ(d₋)`, `d± = ln(F/K)/s ± s/2`, `s = σ√τ`.
#[inline]
pub fn black_scholes_call<S: Scalar>(forward: S, strike: S, deviation: S) -> S {
    let [above, below] = moneyness(forward, strike, deviation);
    forward * above.normal_cdf() - strike * below.normal_cdf()
}

/// d₊ and d₋.
fn moneyness<S: Scalar>(forward: S, strike: S, deviation: S) -> [S; 2] {
    let (middle, half) = ((forward / strike).ln() / deviation, S::constant(0.5) * deviation);
    [middle + half, middle - half]
}

/// What follows from the law of one price at maturity: its mean, its calls, and how likely it is above a level.
struct OneDimensional<S, C, T> {
    forward: S,
    call: C,
    tail: T,
}

impl<S: Scalar, C: Fn(S) -> S, T: Fn(S) -> S> OneDimensional<S, C, T> {
    fn price(&self, kind: Kind, strike: S, dates: usize) -> Option<S> {
        let Self { forward, call, tail } = self;
        let over = *forward - strike;
        let up_and_out = |barrier: f64| {
            let barrier = S::constant(barrier);
            call(strike) - call(barrier) - (barrier - strike) * tail(barrier)
        };
        match kind {
            Kind::Call => Some(call(strike)),
            Kind::Put => Some(call(strike) - over),
            Kind::Digital => Some(tail(strike)),
            Kind::DigitalPut => Some(S::one() - tail(strike)),
            Kind::Straddle => Some(S::constant(2.0) * call(strike) - over),
            Kind::CallSpread { width } => Some(call(strike) - call(strike + S::constant(width))),
            // Watched at maturity alone, a barrier is a matter of the price there.
            Kind::UpAndOut { barrier } if dates == 1 => Some(up_and_out(barrier)),
            Kind::UpAndIn { barrier } if dates == 1 => Some(call(strike) - up_and_out(barrier)),
            Kind::DownAndOut { .. } if dates == 1 => Some(call(strike)),
            Kind::DownAndIn { .. } if dates == 1 => Some(S::zero()),
            Kind::Asian if dates == 1 => Some(call(strike)),
            _ => None,
        }
    }
}

/// What prices depend on, at one point.
struct At<'a, S> {
    spots: &'a [S],
    strike: S,
    /// Factor on all volatilities.
    scale: S,
    horizon: S,
}

impl<D: Dynamics> Diffusion<D> {
    fn at<'a, S: Scalar>(&self, contract: &Contract, inputs: &'a [S]) -> At<'a, S> {
        let (scale, horizon) = self.scale_and_horizon(inputs);
        let strike = self.inputs_are().place(Parameter::Strike).map(|place| inputs[place]);
        let spots = &inputs[..self.basket().assets()];
        At { spots, strike: strike.unwrap_or(S::constant(contract.strike())), scale, horizon }
    }

    /// The two assets' volatilities, which must be there, and their correlation, which must not be perfect.
    fn pair(&self) -> Option<([f64; 2], f64)> {
        let (&[a, b], correlation) = (self.basket().volatilities(), self.basket().correlation()) else { return None };
        let rho = correlation[0][1];
        (a > 0.0 && b > 0.0 && rho.abs() < 1.0).then_some(([a, b], rho))
    }
}

/// A basket of normal assets is normal, and so is its average over dates: all but barriers on the way and, of more than two
/// assets, the best and the worst.
impl ClosedForm<Contract> for Diffusion<Normal> {
    fn price<S: Scalar>(&self, contract: &Contract, inputs: &[S]) -> Option<S> {
        let at = self.at(contract, inputs);
        let root = at.scale * at.horizon.sqrt();
        let price = |forward: S, volatility: f64, kind: Kind, dates: usize| {
            let deviation = S::constant(volatility) * root;
            let call = |k: S| bachelier_call(forward, k, deviation);
            let tail = |k: S| ((forward - k) / deviation).normal_cdf();
            OneDimensional { forward, call, tail }.price(kind, at.strike, dates)
        };
        let volatility = self.basket().volatility();
        match (self.observed(), contract.kind()) {
            (Observed::Assets, kind) => match at.spots {
                [spot] => price(*spot, self.basket().volatilities()[0], Kind::Call, 1),
                [_, _] => self.best_or_worst(&at, kind == Kind::BestOf),
                _ => None,
            },
            (Observed::Basket { dates }, Kind::Asian) => {
                // The deviation of the mean of n equidistant points of a Brownian path.
                let n = dates as f64;
                let factor = ((n + 1.0) * (2.0 * n + 1.0) / (6.0 * n * n)).sqrt();
                price(self.basket().price(at.spots), volatility * factor, Kind::Call, 1)
            }
            (Observed::Basket { dates }, kind) => price(self.basket().price(at.spots), volatility, kind, dates),
        }
    }
}

impl Diffusion<Normal> {
    /// Call on the better or the worse of two normal prices X, Y, deviations s, t: by Stein's lemma, with `D = X − Y` and d its
    /// deviation,
    ///
    /// ```text
    /// E(max(X, Y) − K)⁺ = (x − K) P(X > Y, X > K) + (y − K) P(Y > X, Y > K)
    ///                   + d² p_D(0) P(X > K | D = 0) + s² p_X(K) P(Y < K | X = K) + t² p_Y(K) P(X < K | Y = K)
    /// ```
    ///
    /// and the worse by `max + min = X + Y` applied to calls.
    fn best_or_worst<S: Scalar>(&self, at: &At<'_, S>, best: bool) -> Option<S> {
        let ([a, b], rho) = self.pair()?;
        let root = at.scale * at.horizon.sqrt();
        let (&[x, y], strike) = (at.spots, at.strike) else { return None };
        let gap = (a * a - 2.0 * rho * a * b + b * b).sqrt();
        let constant = S::constant;
        let (s, t, d) = (constant(a) * root, constant(b) * root, constant(gap) * root);
        let (above_x, above_y, ahead) = ((x - strike) / s, (y - strike) / t, (x - y) / d);
        let wins_x = bivariate_cdf(ahead, above_x, (a - rho * b) / gap);
        let wins_y = bivariate_cdf(-ahead, above_y, (b - rho * a) / gap);
        // Given D = 0, X = Y has the mean and the deviation of the best unbiased mixture of the two.
        let share = b * (b - rho * a) / (gap * gap);
        let tied = constant(share) * x + constant(1.0 - share) * y;
        let tied_deviation = constant(a * b * (1.0 - rho * rho).sqrt() / gap) * root;
        let tie = d * ahead.normal_pdf() * ((tied - strike) / tied_deviation).normal_cdf();
        let rest = constant(1.0 / (1.0 - rho * rho).sqrt());
        let behind = |z: S, other: S| ((constant(rho) * other - z) * rest).normal_cdf();
        let at_strike =
            s * above_x.normal_pdf() * behind(above_y, above_x) + t * above_y.normal_pdf() * behind(above_x, above_y);
        let better = (x - strike) * wins_x + (y - strike) * wins_y + tie + at_strike;
        let calls = || bachelier_call(x, strike, s) + bachelier_call(y, strike, t);
        Some(if best { better } else { calls() - better })
    }
}

/// One lognormal asset; the best and the worst of two.
impl ClosedForm<Contract> for Diffusion<Lognormal> {
    fn price<S: Scalar>(&self, contract: &Contract, inputs: &[S]) -> Option<S> {
        let at = self.at(contract, inputs);
        match (at.spots, self.observed()) {
            (&[forward], observed) => {
                let (kind, dates) = match observed {
                    Observed::Assets => (Kind::Call, 1),
                    Observed::Basket { dates } => (contract.kind(), dates),
                };
                let deviation = S::constant(self.basket().volatility()) * at.scale * at.horizon.sqrt();
                let call = |k: S| black_scholes_call(forward, k, deviation);
                let tail = |k: S| moneyness(forward, k, deviation)[1].normal_cdf();
                OneDimensional { forward, call, tail }.price(kind, at.strike, dates)
            }
            (&[_, _], Observed::Assets) => self.best_or_worst(&at, contract.kind() == Kind::BestOf),
            _ => None,
        }
    }
}

impl Diffusion<Lognormal> {
    /// Stulz's formula of 1982, undiscounted: with a the volatility of X, `σ² = a² − 2ρab + b²`,
    ///
    /// ```text
    /// E(max(X, Y) − K)⁺ = x Φ₂(d₊(x/y, σ), d₊(x/K, a); (a − ρb)/σ) + y Φ₂(d₊(y/x, σ), d₊(y/K, b); (b − ρa)/σ)
    ///                   − K (1 − Φ₂(−d₋(x/K, a), −d₋(y/K, b); ρ))
    /// ```
    fn best_or_worst<S: Scalar>(&self, at: &At<'_, S>, best: bool) -> Option<S> {
        let ([a, b], rho) = self.pair()?;
        let root = at.scale * at.horizon.sqrt();
        let (&[x, y], strike) = (at.spots, at.strike) else { return None };
        let gap = (a * a - 2.0 * rho * a * b + b * b).sqrt();
        let deviation = |volatility: f64| S::constant(volatility) * root;
        let (s, t, d) = (deviation(a), deviation(b), deviation(gap));
        let ([x_above, x_below], [y_above, y_below]) = (moneyness(x, strike, s), moneyness(y, strike, t));
        let wins_x = bivariate_cdf(moneyness(x, y, d)[0], x_above, (a - rho * b) / gap);
        let wins_y = bivariate_cdf(moneyness(y, x, d)[0], y_above, (b - rho * a) / gap);
        let pays = S::one() - bivariate_cdf(-x_below, -y_below, rho);
        let better = x * wins_x + y * wins_y - strike * pays;
        let calls = || black_scholes_call(x, strike, s) + black_scholes_call(y, strike, t);
        Some(if best { better } else { calls() - better })
    }
}

impl<D: Dynamics> ClosedForm<Call> for Diffusion<D>
where
    Self: ClosedForm<Contract>,
{
    fn price<S: Scalar>(&self, call: &Call, inputs: &[S]) -> Option<S> {
        ClosedForm::<Contract>::price(self, &(*call).into(), inputs)
    }
}
