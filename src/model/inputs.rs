//! Which numbers a surrogate is a function of: the paper's θ, as (S₀, K).

use super::ModelError;
use crate::math::Scalar;

/// A parameter that may be an input besides the spots, with its pathwise derivative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parameter {
    /// K. Of several levels (a spread) the first, the others at their distances from it; a barrier stays.
    Strike,
    /// The basket's volatility a year, `|Lᵀω|`; all assets' in proportion. Its derivative is vega.
    Volatility,
    /// Years from the date of the spots to the payoff. Its derivative is minus theta.
    Maturity,
}

impl Parameter {
    /// All, in the order of inputs.
    pub const ALL: [Self; 3] = [Self::Strike, Self::Volatility, Self::Maturity];

    /// The name in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strike => "strike",
            Self::Volatility => "volatility",
            Self::Maturity => "maturity",
        }
    }

    /// Where surrogates are tested: strike 0.8 to 1.4, volatility 0.1 to 0.3, maturity 0.25 to 2.
    pub const fn range(self) -> (f64, f64) {
        match self {
            Self::Strike => (0.8, 1.4),
            Self::Volatility => (0.1, 0.3),
            Self::Maturity => (0.25, 2.0),
        }
    }

    /// The law of training: uniform on the [range](Self::range) widened by a twentieth at both ends, from a standard normal.
    #[inline(always)]
    pub(super) fn training<S: Scalar>(self, normal: S) -> S {
        let (low, high) = self.range();
        let (start, width) = (low - 0.05 * (high - low), 1.1 * (high - low));
        S::constant(start) + S::constant(width) * normal.normal_cdf()
    }
}

impl core::str::FromStr for Parameter {
    type Err = ModelError;
    fn from_str(name: &str) -> Result<Self, ModelError> {
        let message = || format!("`{name}` is no parameter, expected strike, volatility or maturity");
        Self::ALL.into_iter().find(|p| p.name() == name).ok_or_else(|| ModelError::Mismatch(message()))
    }
}

/// The inputs in order: spots, then parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    spots: usize,
    /// Where each of [`Parameter::ALL`] stands.
    places: [Option<usize>; 3],
}

impl Inputs {
    /// Spots alone.
    pub fn spots(spots: usize) -> Self {
        Self::new(spots, &[])
    }

    /// Spots and parameters, in the order of [`Parameter::ALL`].
    pub fn new(spots: usize, parameters: &[Parameter]) -> Self {
        let mut next = spots;
        let places = Parameter::ALL.map(|p| {
            let place = parameters.contains(&p).then_some(next);
            next += usize::from(place.is_some());
            place
        });
        Self { spots, places }
    }

    /// How many.
    #[inline(always)]
    #[expect(clippy::len_without_is_empty, reason = "a basket has assets")]
    pub fn len(&self) -> usize {
        self.spots + self.places.iter().flatten().count()
    }

    /// Where a parameter stands, if it is an input.
    #[inline(always)]
    pub fn place(&self, parameter: Parameter) -> Option<usize> {
        self.places[parameter as usize]
    }

    /// A parameter's value, if it is an input.
    #[inline(always)]
    pub(super) fn get<S: Scalar>(&self, parameter: Parameter, inputs: &[S]) -> Option<S> {
        self.place(parameter).map(|place| inputs[place])
    }

    /// The parameters with their places.
    #[inline(always)]
    pub fn parameters(&self) -> impl Iterator<Item = (Parameter, usize)> + '_ {
        Parameter::ALL.into_iter().filter_map(|p| self.place(p).map(|place| (p, place)))
    }

    /// `spot_0`, …, `strike`, `volatility`, `maturity`.
    pub fn names(&self) -> Vec<String> {
        let spots = (0..self.spots).map(|i| format!("spot_{i}"));
        spots.chain(self.parameters().map(|(p, _)| p.name().to_owned())).collect()
    }
}
