//! What surrogates are tested on: the truth at random points.

use faer::{Mat, MatRef};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::math::random::Streams;
use crate::math::statistics::r_squared;
use crate::model::{ClosedForm, Payoff};

/// Points from the model's test law with their closed-form labels: for reporting, from
/// [`Purpose::Test`](crate::math::random::Purpose::Test); for choosing between models, from
/// [`Purpose::HeldOut`](crate::math::random::Purpose::HeldOut). Never for training.
///
/// ```
/// use sobolev::data::TestSet;
/// use sobolev::math::random::{Purpose, Streams};
/// use sobolev::model::{Bachelier, Call};
/// let model = Bachelier::random(1, 7)?;
/// let test = TestSet::draw(&model, &Call::default(), &mut Streams::new(42, Purpose::Test), 4096);
/// assert!(test.gammas.iter().all(|&gamma| gamma > 0.0));
/// # Ok::<(), sobolev::model::ModelError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TestSet {
    /// n × m.
    pub inputs: Mat<f64>,
    /// The basket's price, n.
    pub underlyings: Vec<f64>,
    /// n.
    pub values: Vec<f64>,
    /// By each input, n × m.
    pub deltas: Mat<f64>,
    /// `1ᵀH1`, n.
    pub gammas: Vec<f64>,
    /// By the basket's volatility, n.
    pub vegas: Vec<f64>,
}

impl TestSet {
    /// `n` points from the next stream.
    pub fn draw<P: Payoff>(model: &impl ClosedForm<P>, payoff: &P, streams: &mut Streams, n: usize) -> Self {
        let m = model.inputs();
        let mut generator = streams.next().expect("streams never end");
        let (mut uniforms, mut point, mut deltas) = (vec![0.0; m], vec![0.0; m], vec![0.0; m]);
        let list = || Vec::with_capacity(n);
        let mut test = Self {
            inputs: Mat::zeros(n, m),
            underlyings: list(),
            values: list(),
            deltas: Mat::zeros(n, m),
            gammas: list(),
            vegas: list(),
        };
        for row in 0..n {
            uniforms.iter_mut().for_each(|u| *u = generator.random());
            model.test_inputs(&uniforms, &mut point);
            let greeks = model.greeks(payoff, &point, &mut deltas);
            for column in 0..m {
                test.inputs[(row, column)] = point[column];
                test.deltas[(row, column)] = deltas[column];
            }
            test.underlyings.push(greeks.underlying);
            test.values.push(greeks.price);
            test.gammas.push(greeks.gamma);
            test.vegas.push(greeks.vega);
        }
        test
    }

    /// How well predictions at these points agree with the truth.
    ///
    /// # Shapes
    /// n, n × m, n
    ///
    /// # Panics
    /// Other shapes.
    #[track_caller]
    pub fn score(&self, values: &[f64], deltas: MatRef<'_, f64>, gammas: &[f64]) -> Scores {
        assert_eq!(deltas.shape(), self.deltas.shape(), "a delta for each input of each point");
        let flat =
            |matrix: MatRef<'_, f64>| -> Vec<f64> { matrix.col_iter().flat_map(|c| c.iter().copied()).collect() };
        let (predicted, truth) = (flat(deltas), flat(self.deltas.as_ref()));
        let n = self.values.len().max(1);
        let by_column = predicted.chunks(n).zip(truth.chunks(n)).map(|(p, t)| r_squared(p, t)).sum::<f64>();
        Scores {
            values: r_squared(values, &self.values),
            deltas: r_squared(&predicted, &truth),
            deltas_by_column: by_column / deltas.ncols() as f64,
            gammas: r_squared(gammas, &self.gammas),
        }
    }
}

/// R² of one surrogate: a column of Table 2.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Of values.
    pub values: f64,
    /// Of all deltas together, the paper's figure: with unlike weights, most of the variance is between columns.
    pub deltas: f64,
    /// Of each input's deltas, on average: stricter.
    pub deltas_by_column: f64,
    /// Of `1ᵀH1`.
    pub gammas: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::random::Purpose;
    use crate::model::{Bachelier, Call};

    /// The truth scores 1. Deltas that only know their columns' means explain what is between columns, and nothing within.
    #[test]
    fn scores_tell_columns_apart() {
        let model = Bachelier::random(1, 7).unwrap();
        let test = TestSet::draw(&model, &Call::default(), &mut Streams::new(1, Purpose::Test), 1000);
        let perfect = test.score(&test.values, test.deltas.as_ref(), &test.gammas);
        assert_eq!(perfect, Scores { values: 1.0, deltas: 1.0, deltas_by_column: 1.0, gammas: 1.0 });
        let means = Mat::from_fn(1000, 7, |_, j| test.deltas.col(j).sum() / 1000.0);
        let scores = test.score(&[0.0; 1000], means.as_ref(), &vec![f64::NAN; 1000]);
        assert!(scores.deltas_by_column.abs() < 1e-12 && scores.deltas > 0.1 && scores.values < 0.0);
        assert!(scores.gammas.is_nan());
    }
}
