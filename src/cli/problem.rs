//! What is to be priced, on the command line: model, payoff, inputs.

use clap::{Args, ValueEnum};

use crate::error::{Error, Result};
use crate::model::{AnyModel, Basket, Contract, Kind, ModelError, Parameter, Smoothing};
use crate::pipeline::{Problem, require_derivatives};

/// The model, the payoff written on it, and what the network shall be a function of.
#[derive(Args, Clone, Debug)]
pub struct ProblemArgs {
    /// How the assets move: normal prices, dF = σ dW, or lognormal ones, dS = σ S dW; undiscounted forward prices both
    #[arg(long, value_enum, default_value_t = ModelArg::Bachelier, help_heading = "Model and payoff")]
    pub model: ModelArg,
    /// What is paid, on the basket or on its assets
    #[arg(long, value_enum, default_value_t = PayoffArg::Call, help_heading = "Model and payoff")]
    pub payoff: PayoffArg,
    /// Strike K, in units where spots are around 1 [default: 1.1]
    #[arg(long, value_parser = finite, help_heading = "Model and payoff")]
    pub strike: Option<f64>,
    /// Second strike of a call spread, above the first [default: the first plus 0.2]
    #[arg(long, value_parser = finite, help_heading = "Model and payoff")]
    pub strike2: Option<f64>,
    /// Barrier of up-and-… and down-and-… [default: 1.5 up, 0.8 down]
    #[arg(long, value_parser = finite, help_heading = "Model and payoff")]
    pub barrier: Option<f64>,
    /// Dates, at equal distances up to maturity, on which a barrier is watched or an average taken [default: 12]
    #[arg(long, value_parser = super::args::positive, help_heading = "Model and payoff")]
    pub dates: Option<usize>,
    /// Years from the date of the spots to the payoff [default: 1]
    #[arg(long, value_parser = above_zero, help_heading = "Model and payoff")]
    pub maturity: Option<f64>,
    /// The basket's volatility a year, all assets' in proportion [default: 0.2]
    #[arg(long, value_parser = above_zero, help_heading = "Model and payoff")]
    pub volatility: Option<f64>,
    /// Derivative labels from the payoff smoothed by a sigmoid of this width, in units of the price; values stay those of the
    /// payoff itself. Payoffs that jump need it [default: none]
    #[arg(long, value_name = "WIDTH", value_parser = above_zero, help_heading = "Model and payoff")]
    pub smoothing: Option<f64>,
    /// What the network is a function of. Parameters are trained a little beyond, and tested on, strike 0.8 to 1.4, volatility
    /// 0.1 to 0.3, maturity 0.25 to 2
    #[arg(long, value_enum, value_delimiter = ',', default_value = "spots", help_heading = "Model and payoff")]
    pub inputs: Vec<InputArg>,
}

/// How assets move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModelArg {
    /// Normal prices
    Bachelier,
    /// Lognormal prices
    BlackScholes,
}

/// What is paid. B is the basket at maturity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PayoffArg {
    /// (B − K)⁺
    Call,
    /// (K − B)⁺
    Put,
    /// 1 if B ≥ K: cash-or-nothing call; it jumps, so --smoothing is needed
    Digital,
    /// 1 if B < K: cash-or-nothing put; it jumps, so --smoothing is needed
    DigitalPut,
    /// |B − K|
    Straddle,
    /// (B − K)⁺ − (B − K₂)⁺
    CallSpread,
    /// The call, unless the basket is above the barrier on a date; needs --smoothing
    UpAndOut,
    /// The call, if the basket is above the barrier on some date; needs --smoothing
    UpAndIn,
    /// The call, unless the basket is below the barrier on a date; needs --smoothing
    DownAndOut,
    /// The call, if the basket is below the barrier on some date; needs --smoothing
    DownAndIn,
    /// (average of B over the dates − K)⁺
    Asian,
    /// (best asset − K)⁺
    BestOf,
    /// (worst asset − K)⁺
    WorstOf,
}

/// What a network is a function of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputArg {
    /// The assets' prices; always the first inputs
    Spots,
    /// The strike; a second strike stays at its distance from it
    Strike,
    /// The basket's volatility; its derivative is vega
    Volatility,
    /// Years to maturity; its derivative is minus theta
    Maturity,
}

const STRIKE: f64 = 1.1;
const SPREAD: f64 = 0.2;
const BARRIER_UP: f64 = 1.5;
const BARRIER_DOWN: f64 = 0.8;
const DATES: usize = 12;
/// The date of the spots: how far training inputs spread.
const EXPOSURE: f64 = 1.0;

impl ProblemArgs {
    /// The problem on the basket of so many assets that a seed stands for.
    ///
    /// # Errors
    /// Parameters that do not fit the payoff or that it does not take.
    pub(super) fn problem(&self, assets: usize, basket_seed: u64) -> Result<Problem> {
        let payoff = |e: ModelError| Error::invalid("payoff", e.to_string());
        let (contract, parameters) = (self.contract()?, self.parameters()?);
        let smoothing = self.smoothing()?;
        let basket = Basket::random(basket_seed, assets).map_err(|e| Error::invalid("dims", e.to_string()))?;
        let basket = self.volatility.map_or(Ok(basket.clone()), |v| basket.with_volatility(v)).map_err(payoff)?;
        let name = self.model.to_possible_value().expect("every model has a name");
        let model = AnyModel::new(name.get_name(), basket, EXPOSURE, EXPOSURE + self.maturity.unwrap_or(1.0));
        let dates = self.dates.unwrap_or(DATES);
        let model = model.and_then(|m| m.for_contract(&contract, dates, &parameters)).map_err(payoff)?;
        Problem::of(model, contract, smoothing, basket_seed)
    }

    /// Whether the payoff has derivative labels.
    ///
    /// # Errors
    /// Why not, and what to do about it.
    pub(super) fn require_derivatives(&self) -> Result<()> {
        require_derivatives(&self.contract()?, self.smoothing()?)
    }

    fn smoothing(&self) -> Result<Smoothing> {
        let smoothing = self.smoothing.map_or(Ok(Smoothing::NONE), Smoothing::of_width);
        smoothing.map_err(|e| Error::invalid("smoothing", e.to_string()))
    }

    /// Whether the paper has figures for it: the call on normal assets, unless told otherwise.
    pub(super) fn is_the_papers(&self) -> bool {
        let untouched = [self.strike, self.maturity, self.volatility, self.smoothing].iter().all(Option::is_none);
        (self.model, self.payoff) == (ModelArg::Bachelier, PayoffArg::Call) && untouched && self.is_of_spots()
    }

    fn is_of_spots(&self) -> bool {
        self.inputs.iter().all(|i| *i == InputArg::Spots)
    }

    /// Whether the price is a function of one number, as [`AnyModel::is_of_one_number`] knows it of the model.
    pub(super) fn is_of_one_number(&self, assets: usize) -> bool {
        let of_assets = matches!(self.payoff, PayoffArg::BestOf | PayoffArg::WorstOf);
        self.is_of_spots() && (assets == 1 || (self.model == ModelArg::Bachelier && !of_assets))
    }

    fn contract(&self) -> Result<Contract> {
        let strike = self.strike.unwrap_or(STRIKE);
        let up = self.barrier.unwrap_or(BARRIER_UP);
        let down = self.barrier.unwrap_or(BARRIER_DOWN);
        let kind = match self.payoff {
            PayoffArg::Call => Kind::Call,
            PayoffArg::Put => Kind::Put,
            PayoffArg::Digital => Kind::Digital,
            PayoffArg::DigitalPut => Kind::DigitalPut,
            PayoffArg::Straddle => Kind::Straddle,
            PayoffArg::CallSpread => Kind::CallSpread { width: self.strike2.map_or(SPREAD, |second| second - strike) },
            PayoffArg::UpAndOut => Kind::UpAndOut { barrier: up },
            PayoffArg::UpAndIn => Kind::UpAndIn { barrier: up },
            PayoffArg::DownAndOut => Kind::DownAndOut { barrier: down },
            PayoffArg::DownAndIn => Kind::DownAndIn { barrier: down },
            PayoffArg::Asian => Kind::Asian,
            PayoffArg::BestOf => Kind::BestOf,
            PayoffArg::WorstOf => Kind::WorstOf,
        };
        let contract = Contract::new(kind, strike).map_err(|e| Error::invalid("payoff", e.to_string()))?;
        let none = |flag: &str, given: bool, of: &str| match given {
            true => Err(Error::invalid(flag, format!("a {} has none, only {of}", kind.name()))),
            false => Ok(()),
        };
        let spread = matches!(kind, Kind::CallSpread { .. });
        none("--strike2", self.strike2.is_some() && !spread, "call-spread")?;
        none("--barrier", self.barrier.is_some() && kind.barrier().is_none(), "the up-and- and down-and- payoffs")?;
        none("--dates", self.dates.is_some() && !contract.watches_the_way(), "barriers and asian")?;
        Ok(if self.inputs.contains(&InputArg::Strike) { contract.with_strike_as_input() } else { contract })
    }

    fn parameters(&self) -> Result<Vec<Parameter>> {
        let mut parameters = Vec::new();
        for input in &self.inputs {
            let (parameter, fixed) = match input {
                InputArg::Spots => continue,
                // A strike may be given all the same: barriers and second strikes are placed by it.
                InputArg::Strike => (Parameter::Strike, false),
                InputArg::Volatility => (Parameter::Volatility, self.volatility.is_some()),
                InputArg::Maturity => (Parameter::Maturity, self.maturity.is_some()),
            };
            if fixed {
                let message = "it is an input, so that it has no fixed value; leave out the one or the other";
                return Err(Error::invalid(format!("--{}", parameter.name()), message));
            }
            parameters.push(parameter);
        }
        Ok(parameters)
    }
}

fn finite(text: &str) -> std::result::Result<f64, String> {
    text.parse().ok().filter(|x: &f64| x.is_finite()).ok_or_else(|| "expected a finite number".into())
}

pub(super) fn above_zero(text: &str) -> std::result::Result<f64, String> {
    finite(text).ok().filter(|x| *x > 0.0).ok_or_else(|| "expected a finite number above 0".into())
}
