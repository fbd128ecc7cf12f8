//! What surrogates are tested on: the truth at random points.

use faer::Mat;
use rand::RngExt as _;

use crate::math::random::Streams;
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
}
