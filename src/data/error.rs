//! What can be wrong with data.

use core::fmt;

/// Data that nothing can be learned from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DataError {
    /// Different numbers of samples or inputs.
    Shape {
        /// Of what.
        what: &'static str,
        /// Rows and columns that it must have.
        expected: (usize, usize),
        /// Rows and columns that it has.
        found: (usize, usize),
    },
    /// A number that is infinite or NaN.
    NotFinite {
        /// In what.
        what: &'static str,
        /// The sample, from 0.
        row: usize,
        /// The column, from 0.
        column: usize,
        /// The number.
        value: f64,
    },
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Shape { what, expected: (rows, columns), found: (r, c) } => {
                write!(f, "{what} have {r} rows and {c} columns, expected {rows} and {columns}")
            }
            Self::NotFinite { what, row, column, value } => {
                write!(f, "{what} have {value} in row {row}, column {column}, expected a finite number")
            }
        }
    }
}

impl core::error::Error for DataError {}
