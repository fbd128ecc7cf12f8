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
    /// Of the derivatives by parameters that are inputs.
    #[serde(flatten)]
    pub parameters: ParameterScores,
}

/// R² of the derivatives by parameters, where they are inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ParameterScores {
    /// By the strike.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strike_deltas: Option<f64>,
    /// By the volatility.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vegas: Option<f64>,
    /// By the maturity: of theta, which is minus that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thetas: Option<f64>,
}

impl ParameterScores {
    /// The rows of the table, in order.
    pub fn rows(&self) -> [(&'static str, Option<f64>); 3] {
        [("Strike deltas", self.strike_deltas), ("Vegas", self.vegas), ("Thetas", self.thetas)]
    }
}

impl Scores {
    /// Of a surrogate on test points.
    pub fn of(surrogate: &Surrogate, test: &TestSet) -> Self {
        Self::of_prediction(&surrogate.predict_along(test.inputs.as_ref(), &test.gamma_direction()), test)
    }

    /// Of predictions at test points. Gammas are NaN where the truth has none.
    pub fn of_prediction(p: &Prediction, test: &TestSet) -> Self {
        let assets = test.spots;
        let parameter =
            |name: &str| test.names.iter().skip(assets).position(|n| n == name).map(|j| column_at(p, test, assets + j));
        let column = |j: usize| column_at(p, test, j);
        let flat = |m: &faer::Mat<f64>| (0..assets).flat_map(|j| m.col_as_slice(j).iter().copied()).collect::<Vec<_>>();
        Self {
            values: r_squared(&p.values, &test.values),
            deltas: r_squared(&flat(&p.deltas), &flat(&test.deltas)),
            deltas_by_column: (0..assets).map(column).sum::<f64>() / assets as f64,
            parameters: ParameterScores {
                strike_deltas: parameter("strike"),
                vegas: parameter("volatility"),
                thetas: parameter("maturity"),
            },
            gammas: if test.gammas.is_empty() { f64::NAN } else { r_squared(&p.gammas, &test.gammas) },
        }
    }

    /// The rows of the table, in order.
    pub fn rows(&self) -> [f64; 4] {
        [self.values, self.deltas, self.deltas_by_column, self.gammas]
    }
}

/// Of the derivatives by one input.
fn column_at(p: &Prediction, test: &TestSet, j: usize) -> f64 {
    r_squared(p.deltas.col_as_slice(j), test.deltas.col_as_slice(j))
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
    /// By the strike, if it is an input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strike_deltas: Option<Summary>,
    /// By the volatility, if it is an input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vegas: Option<Summary>,
    /// By the maturity, if it is an input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thetas: Option<Summary>,
}

impl ColumnSummary {
    /// Over the scores of several seeds.
    pub fn of(runs: &[Scores]) -> Self {
        let row = |i: usize| Summary::of(&runs.iter().map(|s| s.rows()[i]).collect::<Vec<_>>());
        let parameter = |i: usize| {
            let all: Option<Vec<f64>> = runs.iter().map(|s| s.parameters.rows()[i].1).collect();
            all.filter(|all| !all.is_empty()).map(|all| Summary::of(&all))
        };
        let [strike_deltas, vegas, thetas] = [0, 1, 2].map(parameter);
        Self { values: row(0), deltas: row(1), deltas_by_column: row(2), gammas: row(3), strike_deltas, vegas, thetas }
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
