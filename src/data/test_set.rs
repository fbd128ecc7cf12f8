//! What surrogates are tested on: the truth at random points.

use faer::Mat;
use rand::RngExt as _;

use crate::math::random::Streams;
use crate::math::statistics::Moments;
use crate::model::{ClosedForm, Model, Payoff};

/// Points from the model's test law with their labels: for reporting, from
/// [`Purpose::Test`](crate::math::random::Purpose::Test); for choosing between models, from
/// [`Purpose::HeldOut`](crate::math::random::Purpose::HeldOut). Never for training.
///
/// Labels are those of the payoff itself, never of its smoothing: by formula, or by [revaluation](Self::revalued) of simulated
/// paths with standard errors.
///
/// ```
/// use sobolev::data::TestSet;
/// use sobolev::math::random::{Purpose, Streams};
/// use sobolev::model::{Bachelier, Call};
/// let model = Bachelier::random(1, 7)?;
/// let test = TestSet::draw(&model, &Call::default(), &mut Streams::new(42, Purpose::Test), 4096).expect("Eq. (6)");
/// assert!(test.gammas.iter().all(|&gamma| gamma > 0.0));
/// # Ok::<(), sobolev::model::ModelError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct TestSet {
    /// n × inputs.
    pub inputs: Mat<f64>,
    /// How many inputs, from the first on, are spots.
    pub spots: usize,
    /// The inputs' names.
    pub names: Vec<String>,
    /// The basket's price, n.
    pub underlyings: Vec<f64>,
    /// n.
    pub values: Vec<f64>,
    /// By each input, n × inputs.
    pub deltas: Mat<f64>,
    /// `1ᵀH1` by the spots, n.
    pub gammas: Vec<f64>,
    /// Of labels that are simulated.
    pub errors: Option<StandardErrors>,
}

/// How far simulated labels may be off.
#[derive(Clone, Debug, PartialEq)]
pub struct StandardErrors {
    /// Antithetic pairs of paths behind each label.
    pub pairs: usize,
    /// n.
    pub values: Vec<f64>,
    /// n × inputs.
    pub deltas: Mat<f64>,
    /// n.
    pub gammas: Vec<f64>,
}

impl TestSet {
    /// `n` points from the next stream, labelled by formula; `None` where there is none.
    pub fn draw<P: Payoff>(model: &impl ClosedForm<P>, payoff: &P, streams: &mut Streams, n: usize) -> Option<Self> {
        let mut test = Self::points(model, streams, n);
        let (mut point, mut deltas) = (vec![0.0; model.inputs()], vec![0.0; model.inputs()]);
        for row in 0..n {
            test.point(row, &mut point);
            let greeks = model.greeks(payoff, &point, &mut deltas)?;
            (test.values[row], test.gammas[row]) = (greeks.price, greeks.gamma);
            deltas.iter().enumerate().for_each(|(j, &delta)| test.deltas[(row, j)] = delta);
        }
        Some(test)
    }

    /// `n` points from the next stream, not labelled yet.
    pub(super) fn points(model: &impl Model, streams: &mut Streams, n: usize) -> Self {
        let m = model.inputs();
        let mut generator = streams.next().expect("streams never end");
        let (mut uniforms, mut point) = (vec![0.0; m], vec![0.0; m]);
        let mut inputs = Mat::zeros(n, m);
        let mut underlyings = Vec::with_capacity(n);
        for row in 0..n {
            uniforms.iter_mut().for_each(|u| *u = generator.random());
            model.test_inputs(&uniforms, &mut point);
            point.iter().enumerate().for_each(|(j, &x)| inputs[(row, j)] = x);
            underlyings.push(model.underlying(&point));
        }
        let (values, gammas) = (vec![0.0; n], vec![0.0; n]);
        let (spots, names, deltas) = (model.spots(), model.input_names(), Mat::zeros(n, m));
        Self { inputs, spots, names, underlyings, values, deltas, gammas, errors: None }
    }

    pub(super) fn point(&self, row: usize, point: &mut [f64]) {
        point.iter_mut().zip(self.inputs.row(row).iter()).for_each(|(x, &input)| *x = input);
    }

    /// The direction that moves all spots alike and no parameter: gamma's.
    pub fn gamma_direction(&self) -> Vec<f64> {
        (0..self.names.len()).map(|j| f64::from(u8::from(j < self.spots))).collect()
    }

    /// The R² that the truth itself would have on labels so noisy, of values, all deltas by spots, and gammas: no surrogate can
    /// be shown to be better. 1 for labels by formula.
    pub fn ceilings(&self) -> [f64; 3] {
        let Some(errors) = &self.errors else { return [1.0; 3] };
        let ceiling = |labels: &[f64], errors: &[f64]| {
            let noise = errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64;
            1.0 - noise / Moments::of(labels).variance()
        };
        let flat = |m: &Mat<f64>| (0..self.spots).flat_map(|j| m.col_as_slice(j).to_vec()).collect::<Vec<_>>();
        [
            ceiling(&self.values, &errors.values),
            ceiling(&flat(&self.deltas), &flat(&errors.deltas)),
            ceiling(&self.gammas, &errors.gammas),
        ]
    }
}
