//! Floor 7: the stages composed.
//!
//! [`Reference`] is what is learnt, a model ([`Problem`]) or a network ([`Imitation`]); [`Plan`] says how much of everything; [`Study`] runs the stages of Figure 1 on one problem
//! with one seed; [`Scores`] is a column of Table 2 and [`Table2`] the file of all.

mod analysis;
mod comparison;
mod fitting;
mod inputs;
mod labels;
mod plan;
mod problem;
mod reference;
mod scores;
mod study;

pub use analysis::{Analysis, LevelReport, NodeReport, Tightness};
pub use comparison::{Comparison, Contestant, Entry, Row, Spread};
pub use inputs::{Inputs, Use};
pub use labels::Teacher;
pub use plan::{Curving, Ensemble, Fit, Plan, Polish, Precision, Pruning};
pub use problem::{Problem, require_derivatives};
pub use reference::{Imitation, Reference};
pub use scores::{ColumnSummary, Method, ParameterScores, Scores, Summary, Table2};
pub use study::{StageRecord, Study};
