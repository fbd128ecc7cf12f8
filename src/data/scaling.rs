//! Scaling to mean 0 and deviation 1 by column, aware of the chain rule, and its exact inverse.

use faer::{Mat, MatRef};
use serde::{Deserialize, Serialize};

use super::{Curvature, Samples};
use crate::error::{Error, Result};
use crate::interval::Interval;
use crate::nn::Packed;

/// Shifts and scales of every input and of the value: `x' = (x − μₓ)/σₓ`, `y' = (y − μ_y)/σ_y`, so that
/// `∂y'/∂x' = ∂y/∂x · σₓ/σ_y` and `H' = H · σₓσₓᵀ/σ_y`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// μₓ, one an input.
    pub input_mean: Vec<f64>,
    /// σₓ, one an input; 1 for a constant column.
    pub input_deviation: Vec<f64>,
    /// μ_y.
    pub value_mean: f64,
    /// σ_y; 1 for constant values.
    pub value_deviation: f64,
}

impl Scaling {
    /// No scaling.
    pub fn identity(inputs: usize) -> Self {
        Self {
            input_mean: vec![0.0; inputs],
            input_deviation: vec![1.0; inputs],
            value_mean: 0.0,
            value_deviation: 1.0,
        }
    }

    /// Mean and deviation of every column.
    ///
    /// # Errors
    /// If there are fewer than two samples.
    pub fn fit(samples: &Samples) -> Result<Self> {
        if samples.len() < 2 {
            return Err(Error::invalid("samples", format!("scaling needs at least 2, found {}", samples.len())));
        }
        let moments = |column: &mut dyn Iterator<Item = f64>| {
            let values: Vec<f64> = column.collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64;
            // A column that does not vary (up to rounding) carries nothing to scale by.
            let constant = variance.sqrt() <= 1e-12 * mean.abs().max(1e-300);
            (mean, if constant { 1.0 } else { variance.sqrt() })
        };
        let x = samples.inputs();
        let (input_mean, input_deviation) =
            (0..x.ncols()).map(|j| moments(&mut (0..x.nrows()).map(|r| x[(r, j)]))).unzip();
        let (value_mean, value_deviation) = moments(&mut samples.values().iter().copied());
        Ok(Self { input_mean, input_deviation, value_mean, value_deviation })
    }

    /// Checks numbers that come from a file.
    ///
    /// # Errors
    /// What is wrong, if the number of inputs is another or a number is not finite or a deviation not positive.
    pub fn check(&self, inputs: usize) -> std::result::Result<(), String> {
        let (means, deviations) = (self.input_mean.len(), self.input_deviation.len());
        if (means, deviations) != (inputs, inputs) {
            return Err(format!("expected {inputs} means and deviations, found {means} and {deviations}"));
        }
        let finite = self.input_mean.iter().chain([&self.value_mean]).all(|m| m.is_finite());
        let positive = |d: &f64| d.is_finite() && *d > 0.0;
        if !finite || !self.input_deviation.iter().chain([&self.value_deviation]).all(positive) {
            return Err("expected finite means and positive deviations".into());
        }
        Ok(())
    }

    /// Whether every mean is within a tenth of the other's deviation, and every deviation within a tenth.
    pub fn is_near(&self, other: &Self) -> bool {
        let near = |m: f64, d: f64, mean: f64, deviation: f64| {
            (m - mean).abs() <= 0.1 * deviation && (d - deviation).abs() <= 0.1 * deviation
        };
        let (own, others) = (self.input_mean.iter().zip(&self.input_deviation), &other.input_mean);
        own.zip(others.iter().zip(&other.input_deviation))
            .all(|((&m, &d), (&mean, &deviation))| near(m, d, mean, deviation))
            && near(self.value_mean, self.value_deviation, other.value_mean, other.value_deviation)
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.input_mean.len()
    }

    /// What a derivative in scaled units is multiplied by: `σ_y/σₓ` for input `j`.
    pub fn slope(&self, j: usize) -> f64 {
        self.value_deviation / self.input_deviation[j]
    }

    /// A range of input `j` in scaled units: an enclosure, rounded outward.
    pub fn interval(&self, j: usize, x: Interval) -> Interval {
        (x - Interval::point(self.input_mean[j])) / Interval::point(self.input_deviation[j])
    }

    /// Scaled inputs, `n × inputs`.
    pub fn inputs_of<T: Packed>(&self, x: MatRef<'_, f64>) -> Mat<T> {
        let mut out = Mat::zeros(x.nrows(), x.ncols());
        self.inputs_into(x, &mut out);
        out
    }
    fn inputs_into<T: Packed>(&self, x: MatRef<'_, f64>, out: &mut Mat<T>) {
        for j in 0..x.ncols() {
            let (mean, scale) = (self.input_mean[j], 1.0 / self.input_deviation[j]);
            for r in 0..x.nrows() {
                out[(r, j)] = T::of((x[(r, j)] - mean) * scale);
            }
        }
    }

    /// Everything scaled; derivatives too if `derivatives` and there are any.
    pub fn apply<T: Packed>(&self, samples: &Samples, derivatives: bool) -> Scaled<T> {
        let derivatives = derivatives && samples.derivatives().is_some();
        let mut scaled = Scaled::zeros(samples.len(), self.inputs(), derivatives);
        self.apply_into(samples, &mut scaled);
        scaled
    }

    /// The same into memory of the right shape.
    ///
    /// # Panics
    /// If shapes disagree, or `out` wants derivatives that the samples lack.
    #[track_caller]
    pub fn apply_into<T: Packed>(&self, samples: &Samples, out: &mut Scaled<T>) {
        assert_eq!((samples.len(), samples.inputs().ncols()), (out.len(), self.inputs()));
        self.inputs_into(samples.inputs(), &mut out.inputs);
        for (r, y) in samples.values().iter().enumerate() {
            out.values[(r, 0)] = T::of((y - self.value_mean) / self.value_deviation);
        }
        if let Some(scaled) = &mut out.derivatives {
            let slopes = samples.derivatives().expect("derivatives to scale");
            for j in 0..slopes.ncols() {
                let scale = 1.0 / self.slope(j);
                for r in 0..slopes.nrows() {
                    scaled[(r, j)] = T::of(slopes[(r, j)] * scale);
                }
            }
        }
    }
}

/// Samples in scaled units and training precision, one contiguous column an input.
#[derive(Clone, Debug)]
pub struct Scaled<T: Packed> {
    inputs: Mat<T>,
    values: Mat<T>,
    derivatives: Option<Mat<T>>,
    curvature: Option<Curvature<T>>,
}

impl<T: Packed> Scaled<T> {
    /// Memory for `samples` rows.
    pub fn zeros(samples: usize, inputs: usize, derivatives: bool) -> Self {
        Self {
            inputs: Mat::zeros(samples, inputs),
            values: Mat::zeros(samples, 1),
            derivatives: derivatives.then(|| Mat::zeros(samples, inputs)),
            curvature: None,
        }
    }
    /// Takes data already in scaled units: `n × inputs`, `n × outputs`, and `n × inputs` derivatives of one output.
    ///
    /// # Panics
    /// If the numbers of rows or inputs disagree.
    #[track_caller]
    pub fn new(inputs: Mat<T>, values: Mat<T>, derivatives: Option<Mat<T>>) -> Self {
        assert_eq!(inputs.nrows(), values.nrows(), "one value a sample");
        if let Some(d) = &derivatives {
            assert_eq!((inputs.nrows(), inputs.ncols()), (d.nrows(), d.ncols()), "one derivative an input");
        }
        Self { inputs, values, derivatives, curvature: None }
    }
    /// Number of samples.
    pub fn len(&self) -> usize {
        self.inputs.nrows()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// `n × inputs`.
    pub fn inputs(&self) -> MatRef<'_, T> {
        self.inputs.as_ref()
    }
    /// `n × outputs`.
    pub fn values(&self) -> MatRef<'_, T> {
        self.values.as_ref()
    }
    /// `n × inputs`, if there are any.
    pub fn derivatives(&self) -> Option<MatRef<'_, T>> {
        self.derivatives.as_ref().map(Mat::as_ref)
    }
    /// Second-order labels, if there are any.
    pub fn curvature(&self) -> Option<&Curvature<T>> {
        self.curvature.as_ref()
    }
    /// Replaces the second-order labels.
    pub fn set_curvature(&mut self, curvature: Option<Curvature<T>>) {
        self.curvature = curvature;
    }
    pub(crate) fn input_column(&self, j: usize) -> &[T] {
        self.inputs.col_as_slice(j)
    }
    pub(crate) fn value_column(&self, j: usize) -> &[T] {
        self.values.col_as_slice(j)
    }
    pub(crate) fn derivative_column(&self, j: usize) -> &[T] {
        self.derivatives.as_ref().expect("derivatives were asked for").col_as_slice(j)
    }
}
