//! Table 2: accuracy by column, over seeds.

use serde::Serialize;
use std::collections::BTreeMap;

use crate::data::{Prediction, Surrogate, TestSet};
use crate::math::statistics::{median, r_squared};

/// R² on the test points, as the rows of Table 2.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// Of prices.
    pub values: f64,
    /// Of all deltas in one column, the paper's figure.
    pub deltas: f64,
    /// Mean over assets of each asset's own, which is stricter.
    pub deltas_by_column: f64,
    /// Of `1ᵀH1`.
    pub gammas: f64,
}

impl Scores {
    /// Of a surrogate on test points.
    pub fn of(surrogate: &Surrogate, test: &TestSet) -> Self {
        Self::of_prediction(&surrogate.predict(test.inputs.as_ref()), test)
    }

    /// Of predictions at test points. Gammas are NaN where the truth has none.
    pub fn of_prediction(p: &Prediction, test: &TestSet) -> Self {
        let assets = test.deltas.ncols();
        let column = |j: usize| r_squared(p.deltas.col_as_slice(j), test.deltas.col_as_slice(j));
        let flat = |m: &faer::Mat<f64>| (0..assets).flat_map(|j| m.col_as_slice(j).iter().copied()).collect::<Vec<_>>();
        Self {
            values: r_squared(&p.values, &test.values),
            deltas: r_squared(&flat(&p.deltas), &flat(&test.deltas)),
            deltas_by_column: (0..assets).map(column).sum::<f64>() / assets as f64,
            gammas: if test.gammas.is_empty() { f64::NAN } else { r_squared(&p.gammas, &test.gammas) },
        }
    }

    /// The rows of the table, in order.
    pub fn rows(&self) -> [f64; 4] {
        [self.values, self.deltas, self.deltas_by_column, self.gammas]
    }
}

/// The columns of Table 2, and those of the collapsed network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// The large network, trained on values.
    Oversized,
    /// Pruned, retrained on values.
    Pruned,
    /// Fine-tuned on the large network's values and derivatives.
    FromNetwork,
    /// Fine-tuned on the reference model's values and pathwise derivatives.
    FromModel,
    /// Pruned, layers behind the one-node layer removed, retrained on values (Figure 7).
    Collapsed,
    /// That, fine-tuned like `FromModel` (§6.2).
    CollapsedFromModel,
}

impl Method {
    /// All, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::Oversized, Self::Pruned, Self::FromNetwork, Self::FromModel, Self::Collapsed, Self::CollapsedFromModel];

    /// Whether Table 2 of the paper has the column.
    pub const fn in_paper(self) -> bool {
        !matches!(self, Self::Collapsed | Self::CollapsedFromModel)
    }

    /// The name that files use.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Oversized => "oversized",
            Self::Pruned => "pruned",
            Self::FromNetwork => "from_network",
            Self::FromModel => "from_model",
            Self::Collapsed => "collapsed",
            Self::CollapsedFromModel => "collapsed_from_model",
        }
    }
}

/// Median and worst over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Median.
    pub median: f64,
    /// Least.
    pub worst: f64,
}

impl Summary {
    fn of(values: &[f64]) -> Self {
        Self {
            median: median(values),
            worst: values.iter().copied().fold(f64::INFINITY, |a, b| if b >= a { a } else { b }),
        }
    }
}

/// One column over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ColumnSummary {
    /// Of prices.
    pub values: Summary,
    /// Flattened.
    pub deltas: Summary,
    /// Mean over assets.
    pub deltas_by_column: Summary,
    /// Of `1ᵀH1`.
    pub gammas: Summary,
}

impl ColumnSummary {
    /// Over the scores of several seeds.
    pub fn of(runs: &[Scores]) -> Self {
        let row = |i: usize| Summary::of(&runs.iter().map(|s| s.rows()[i]).collect::<Vec<_>>());
        Self { values: row(0), deltas: row(1), deltas_by_column: row(2), gammas: row(3) }
    }
}

/// What `table2.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table2 {
    /// Training seeds.
    pub seeds: Vec<u64>,
    /// Baskets, by their seeds.
    pub basket_seeds: Vec<u64>,
    /// Hidden widths of the pruned network.
    pub widths: Vec<usize>,
    /// What simulation the columns rest on.
    pub simulation: String,
    /// Column by column.
    pub columns: BTreeMap<&'static str, ColumnSummary>,
    /// Wall clock of each stage, summed over seeds.
    pub seconds: BTreeMap<String, f64>,
}
