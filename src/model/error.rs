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
    /// A payoff to which the pathwise method does not apply (§5.2.3).
    NotPathwise {
        /// The order of derivative that was asked for.
        order: usize,
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
            Self::NotPathwise { order } => {
                let what = if *order <= 1 { "it" } else { "its slope" };
                write!(
                    f,
                    "pathwise derivatives of order {order} of this payoff are biased, for {what} jumps (§5.2.3); \
                     smooth it with a positive width, or do without them"
                )
            }
        }
    }
}

impl core::error::Error for ModelError {}
