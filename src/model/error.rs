//! What can be wrong with a model.

use core::fmt;

/// A model that does not exist, or a derivative of it that does not.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ModelError {
    /// A basket of no assets.
    Empty,
    /// A list of the wrong length.
    Length {
        /// Which list.
        what: String,
        /// How long it must be.
        expected: usize,
        /// How long it is.
        found: usize,
    },
    /// A number out of its range, or none at all.
    Value {
        /// Which number, as `correlation[1][2]`.
        what: String,
        /// The number.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
    /// A correlation matrix with a negative eigenvalue: no random variables are correlated so.
    NotPositiveSemidefinite {
        /// The asset at which the Cholesky factorisation meets it.
        asset: usize,
        /// The pivot there, negative, or zero in a row that is not.
        pivot: f64,
    },
    /// Parts that do not fit together.
    Mismatch(String),
    /// A payoff to which the pathwise method does not apply (§5.2.3).
    NotPathwise {
        /// The order of derivative that was asked for.
        order: usize,
        /// The payoff's name.
        payoff: String,
        /// What ν does, as "jumps by 1 where the basket is at the strike 1.1".
        what: String,
        /// A smoothing width in the payoff's units that the method holds with.
        width: f64,
    },
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a basket needs at least one asset"),
            Self::Length { what, expected, found } => write!(f, "{what} has length {found}, expected {expected}"),
            Self::Value { what, value, expected } => write!(f, "{what} is {value}, expected {expected}"),
            Self::NotPositiveSemidefinite { asset, pivot } => {
                write!(f, "the correlation matrix is not positive semidefinite: pivot {pivot:e} at asset {asset}")
            }
            Self::Mismatch(message) => write!(f, "{message}"),
            Self::NotPathwise { order, payoff, what, width } => {
                let failing = if *order <= 1 { "ν" } else { "ν′" };
                let (nth, power) = if *order <= 1 { ("first", "fourth power") } else { ("second", "square") };
                write!(
                    f,
                    "the pathwise {nth} derivative of the payoff {payoff} would be biased: ν {what}, so that {failing} is not \
                     Lipschitz (§5.2.3); smoothed by a sigmoid of a width as {width} (§5.2.4) it is, \
                     at a bias that falls with the {power} of the width"
                )
            }
        }
    }
}

impl core::error::Error for ModelError {}
