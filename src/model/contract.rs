//! The crate's payoffs ν, chosen at run time.

use serde::{Deserialize, Serialize};

use super::basket::require;
use super::{Call, ModelError, Observed, Payoff, PayoffVisitor, Regularity, Singularity, Smoothing};
use crate::math::Scalar;

/// What is paid at maturity, up to the strike K. `B` is the basket at maturity, `Bₖ` on date k, `Sᵢ` an asset at maturity.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Kind {
    /// `(B − K)⁺`
    Call,
    /// `(K − B)⁺`
    Put,
    /// 1 where `B ≥ K`: a cash-or-nothing call.
    Digital,
    /// 1 where `B < K`: a cash-or-nothing put.
    DigitalPut,
    /// `|B − K|`
    Straddle,
    /// `(B − K)⁺ − (B − K − width)⁺`
    CallSpread {
        /// From the first strike to the second.
        width: f64,
    },
    /// `(B − K)⁺` if no `Bₖ` exceeds the barrier.
    UpAndOut {
        /// Its level.
        barrier: f64,
    },
    /// `(B − K)⁺` if some `Bₖ` exceeds the barrier.
    UpAndIn {
        /// Its level.
        barrier: f64,
    },
    /// `(B − K)⁺` if no `Bₖ` is below the barrier.
    DownAndOut {
        /// Its level.
        barrier: f64,
    },
    /// `(B − K)⁺` if some `Bₖ` is below the barrier.
    DownAndIn {
        /// Its level.
        barrier: f64,
    },
    /// `(mean of the Bₖ − K)⁺`: an Asian call on the arithmetic average.
    Asian,
    /// `(max Sᵢ − K)⁺`
    BestOf,
    /// `(min Sᵢ − K)⁺`
    WorstOf,
}

impl Kind {
    /// The name in files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Put => "put",
            Self::Digital => "digital",
            Self::DigitalPut => "digital-put",
            Self::Straddle => "straddle",
            Self::CallSpread { .. } => "call-spread",
            Self::UpAndOut { .. } => "up-and-out",
            Self::UpAndIn { .. } => "up-and-in",
            Self::DownAndOut { .. } => "down-and-out",
            Self::DownAndIn { .. } => "down-and-in",
            Self::Asian => "asian",
            Self::BestOf => "best-of",
            Self::WorstOf => "worst-of",
        }
    }

    /// The barrier, and whether it lies above.
    pub const fn barrier(self) -> Option<(f64, bool)> {
        match self {
            Self::UpAndOut { barrier } | Self::UpAndIn { barrier } => Some((barrier, true)),
            Self::DownAndOut { barrier } | Self::DownAndIn { barrier } => Some((barrier, false)),
            _ => None,
        }
    }
}

/// A kind of payoff with its strike, which is fixed or an input of the surrogate.
///
/// ```
/// use sobolev::model::{Contract, Kind, Payoff, Smoothing};
/// let spread = Contract::new(Kind::CallSpread { width: 0.2 }, 1.0)?;
/// assert_eq!(spread.pay(&[1.1], Smoothing::NONE), 0.10000000000000009);
/// let error = Contract::new(Kind::UpAndOut { barrier: 0.9 }, 1.0).unwrap_err();
/// assert_eq!(error.to_string(), "the barrier of the up-and-out is 0.9, expected a finite number above the strike");
/// let error = Contract::new(Kind::Digital, 1.0)?.require_pathwise(1, Smoothing::NONE).unwrap_err();
/// assert!(error.to_string().contains("jumps by 1 where the basket is at the strike 1"));
/// # Ok::<(), sobolev::model::ModelError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Contract {
    /// The same payoff as a call by itself, where it is one.
    call: Call,
    kind: Kind,
    strike_is_input: bool,
}

/// A contract as files carry it.
#[derive(Serialize, Deserialize)]
struct Fields {
    #[serde(flatten)]
    kind: Kind,
    strike: f64,
    #[serde(default)]
    strike_is_input: bool,
}

impl TryFrom<Fields> for Contract {
    type Error = ModelError;
    fn try_from(fields: Fields) -> Result<Self, ModelError> {
        let contract = Self::new(fields.kind, fields.strike)?;
        Ok(if fields.strike_is_input { contract.with_strike_as_input() } else { contract })
    }
}

impl From<Contract> for Fields {
    fn from(c: Contract) -> Self {
        Self { kind: c.kind, strike: c.strike(), strike_is_input: c.strike_is_input }
    }
}

impl From<Call> for Contract {
    fn from(call: Call) -> Self {
        Self { call, kind: Kind::Call, strike_is_input: false }
    }
}

impl Contract {
    /// A contract struck at `strike`.
    ///
    /// # Errors
    /// A number that is not finite; a spread whose second strike is not above the first; a barrier on the wrong side of the
    /// strike, where the contract would pay nothing or be a call.
    pub fn new(kind: Kind, strike: f64) -> Result<Self, ModelError> {
        let call = Call::new(strike)?;
        if let Kind::CallSpread { width } = kind {
            let good = width.is_finite() && width > 0.0;
            let name = || "the second strike of the call-spread".to_owned();
            require(good, name, strike + width, "a finite number above the first strike")?;
        }
        if let Some((barrier, above)) = kind.barrier() {
            let name = || format!("the barrier of the {}", kind.name());
            let good = barrier.is_finite() && if above { barrier > strike } else { barrier < strike };
            let side = if above { "a finite number above the strike" } else { "a finite number below the strike" };
            require(good, name, barrier, side)?;
        }
        Ok(Self { call, kind, strike_is_input: false })
    }

    /// The same with the strike read from the last observable, where a model with the strike among its inputs puts it.
    pub fn with_strike_as_input(self) -> Self {
        Self { strike_is_input: true, ..self }
    }

    /// What is paid.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// K, where it is fixed.
    pub fn strike(&self) -> f64 {
        self.call.strike()
    }

    /// Whether the strike is an input.
    pub fn strike_is_input(&self) -> bool {
        self.strike_is_input
    }

    /// What a model must let it see, given the number of dates for the kinds that watch the basket on its way.
    pub fn observed(&self, dates: usize) -> Observed {
        match self.kind {
            Kind::BestOf | Kind::WorstOf => Observed::Assets,
            _ if self.watches_the_way() => Observed::Basket { dates },
            _ => Observed::Basket { dates: 1 },
        }
    }

    /// Whether it depends on the basket on several dates.
    pub fn watches_the_way(&self) -> bool {
        self.kind == Kind::Asian || self.kind.barrier().is_some()
    }
}

/// Struck at 1.10, as Huge and Savine's call.
impl Default for Contract {
    fn default() -> Self {
        Call::default().into()
    }
}

impl Payoff for Contract {
    #[inline(always)]
    fn pay<S: Scalar>(&self, observables: &[S], smoothing: Smoothing) -> S {
        let (strike, seen) = match observables.split_last() {
            Some((&strike, seen)) if self.strike_is_input => (strike, seen),
            _ => (S::constant(self.strike()), observables),
        };
        let (zero, one, last) = (S::zero(), S::one(), seen[seen.len() - 1]);
        let over = last - strike;
        let call = |x: S| smoothing.positive_part(x);
        // 1 if no date is beyond the barrier: above it, or below.
        let stays = |barrier: f64, above: bool| {
            seen.iter().fold(one, |all, &price| {
                let inside = if above { S::constant(barrier) - price } else { price - S::constant(barrier) };
                all * smoothing.branch(inside, zero, one)
            })
        };
        match self.kind {
            Kind::Call => call(over),
            Kind::Put => call(-over),
            Kind::Digital => smoothing.branch(over, zero, one),
            Kind::DigitalPut => smoothing.branch(over, one, zero),
            Kind::Straddle => smoothing.branch(over, -over, over),
            Kind::CallSpread { width } => call(over) - call(over - S::constant(width)),
            Kind::UpAndOut { barrier } => stays(barrier, true) * call(over),
            Kind::UpAndIn { barrier } => (one - stays(barrier, true)) * call(over),
            Kind::DownAndOut { barrier } => stays(barrier, false) * call(over),
            Kind::DownAndIn { barrier } => (one - stays(barrier, false)) * call(over),
            Kind::Asian => {
                let sum = seen.iter().fold(zero, |sum, &price| sum + price);
                call(sum * S::constant(1.0 / seen.len() as f64) - strike)
            }
            Kind::BestOf => call(seen[1..].iter().fold(seen[0], |best, &price| smoothing.max(best, price)) - strike),
            Kind::WorstOf => call(worst(seen, smoothing) - strike),
        }
    }

    fn regularity(&self) -> Regularity {
        match self.kind {
            Kind::Digital | Kind::DigitalPut => Regularity::Discontinuous,
            kind if kind.barrier().is_some() => Regularity::Discontinuous,
            _ => Regularity::Lipschitz,
        }
    }

    fn singularity(&self) -> Singularity {
        let strike = if self.strike_is_input { "the strike".into() } else { format!("the strike {}", self.strike()) };
        let (jumps, level) = match self.kind {
            Kind::Digital | Kind::DigitalPut => (format!("jumps by 1 where the basket is at {strike}"), self.strike()),
            Kind::UpAndOut { barrier } | Kind::UpAndIn { barrier } => {
                let by = "jumps by the call's payoff where the basket is at the barrier";
                (format!("{by} {barrier} on a date"), barrier)
            }
            Kind::DownAndOut { barrier } | Kind::DownAndIn { barrier } => {
                let by = "jumps by the call's payoff where the basket is at the barrier";
                (format!("{by} {barrier} on a date"), barrier)
            }
            Kind::CallSpread { .. } => {
                (format!("has kinks where the basket is at {strike} or the second"), self.strike())
            }
            Kind::Asian => (format!("has a kink where the average is at {strike}"), self.strike()),
            Kind::BestOf => {
                (format!("has kinks where two assets tie for the best, or it is at {strike}"), self.strike())
            }
            Kind::WorstOf => {
                (format!("has kinks where two assets tie for the worst, or it is at {strike}"), self.strike())
            }
            Kind::Call | Kind::Put | Kind::Straddle => {
                (format!("has a kink where the basket is at {strike}"), self.strike())
            }
        };
        Singularity { payoff: self.kind.name().into(), what: jumps, level }
    }

    /// The plain call is specialised for: the others share code that asks the kind for each batch of paths.
    fn visit<V: PayoffVisitor>(&self, visitor: V) -> V::Output {
        match self.kind {
            Kind::Call if !self.strike_is_input => visitor.visit(&self.call),
            _ => visitor.visit(self),
        }
    }
}

/// `min Sᵢ = −max(−Sᵢ)`, smoothed alike.
#[inline(always)]
fn worst<S: Scalar>(prices: &[S], smoothing: Smoothing) -> S {
    -prices[1..].iter().fold(-prices[0], |best, &price| smoothing.max(best, -price))
}
