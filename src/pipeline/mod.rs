//! Floor 7: the stages composed.
//!
//! [`Problem`] is what is learnt; [`Plan`] says how much of everything; [`Study`] runs the stages of Figure 1 on one problem
//! with one seed; [`Scores`] is a column of Table 2 and [`Table2`] the file of all.

mod labels;
mod plan;
mod problem;
mod scores;
mod study;

pub use labels::Teacher;
pub use plan::{Fit, Plan, Polish, Precision, Pruning};
pub use problem::Problem;
pub use scores::{ColumnSummary, Method, Scores, Summary, Table2};
pub use study::{StageRecord, Study};
