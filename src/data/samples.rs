//! Labelled samples.

use faer::{Mat, MatMut, MatRef};

use super::DataError;
use crate::math::random::Streams;
use crate::model::Smoothing;

/// `n` samples of a function of `m` inputs: inputs, values, and derivatives by each input where they are known.
///
/// ```
/// use faer::mat;
/// use sobolev::data::Samples;
/// let inputs = mat![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
/// let samples = Samples::new(inputs.clone(), vec![0.1, 0.2, 0.3], None)?;
/// assert_eq!((samples.len(), samples.inputs().ncols()), (3, 2));
/// let error = Samples::new(inputs, vec![0.1, f64::NAN, 0.3], None).unwrap_err();
/// assert_eq!(error.to_string(), "values have NaN in row 1, column 0, expected a finite number");
/// # Ok::<(), sobolev::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    inputs: Mat<f64>,
    values: Vec<f64>,
    derivatives: Option<Mat<f64>>,
    pub(super) smoothing: Smoothing,
    pub(super) origin: Option<Origin>,
}

/// The randomness behind simulated samples, from which the same paths can be had again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Origin {
    /// As they were before the draw.
    pub(super) streams: Streams,
    /// Whether the inputs were drawn with the labels.
    pub(super) inputs_too: bool,
}

impl Samples {
    /// Samples from given data.
    ///
    /// # Shapes
    /// n × m, n, n × m
    ///
    /// # Errors
    /// Different numbers of rows or columns; a number that is not finite, by row and column.
    pub fn new(inputs: Mat<f64>, values: Vec<f64>, derivatives: Option<Mat<f64>>) -> Result<Self, DataError> {
        let shape = (inputs.nrows(), inputs.ncols());
        same("values", (shape.0, 1), (values.len(), 1))?;
        if let Some(derivatives) = &derivatives {
            same("derivatives", shape, (derivatives.nrows(), derivatives.ncols()))?;
        }
        let samples = Self { inputs, values, derivatives, smoothing: Smoothing::NONE, origin: None };
        samples.check()?;
        Ok(samples)
    }

    /// Room for `n` samples of `m` inputs, all zero, with or without derivatives: memory for a simulator to draw into.
    pub fn zeros(n: usize, m: usize, with_derivatives: bool) -> Self {
        let derivatives = with_derivatives.then(|| Mat::zeros(n, m));
        Self { inputs: Mat::zeros(n, m), values: vec![0.0; n], derivatives, smoothing: Smoothing::NONE, origin: None }
    }

    /// Whether every number is finite, as a model of one's own may fail to ensure.
    ///
    /// # Errors
    /// The first number that is not.
    pub fn check(&self) -> Result<(), DataError> {
        finite("inputs", self.inputs())?;
        finite("values", MatRef::from_column_major_slice(&self.values, self.values.len(), 1))?;
        self.derivatives().map_or(Ok(()), |derivatives| finite("derivatives", derivatives))
    }

    /// n.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// n × m, columns contiguous.
    pub fn inputs(&self) -> MatRef<'_, f64> {
        self.inputs.as_ref()
    }

    /// n × m, to be overwritten before labels are drawn.
    pub fn inputs_mut(&mut self) -> MatMut<'_, f64> {
        self.inputs.as_mut()
    }

    /// n.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// n × m, columns contiguous; `None` where derivatives are unknown.
    pub fn derivatives(&self) -> Option<MatRef<'_, f64>> {
        self.derivatives.as_ref().map(Mat::as_ref)
    }

    /// The smoothing of the payoff that these are labels of.
    pub fn smoothing(&self) -> Smoothing {
        self.smoothing
    }

    /// Inputs, values and derivatives, all at once.
    pub(super) fn parts_mut(&mut self) -> (MatMut<'_, f64>, &mut [f64], Option<MatMut<'_, f64>>) {
        (self.inputs.as_mut(), &mut self.values, self.derivatives.as_mut().map(Mat::as_mut))
    }
}

fn same(what: &'static str, expected: (usize, usize), found: (usize, usize)) -> Result<(), DataError> {
    if found == expected { Ok(()) } else { Err(DataError::Shape { what, expected, found }) }
}

fn finite(what: &'static str, matrix: MatRef<'_, f64>) -> Result<(), DataError> {
    for column in 0..matrix.ncols() {
        for (row, &value) in matrix.col(column).iter().enumerate() {
            if !value.is_finite() {
                return Err(DataError::NotFinite { what, row, column, value });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use faer::Mat;

    use super::Samples;

    #[test]
    fn errors_name_what_and_where() {
        let fill = |rows, columns| Mat::from_fn(rows, columns, |i, j| (i + j) as f64);
        let message = |x, y, d| Samples::new(x, y, d).unwrap_err().to_string();
        assert_eq!(message(fill(3, 2), vec![0.0; 2], None), "values have 2 rows and 1 columns, expected 3 and 1");
        assert_eq!(
            message(fill(3, 2), vec![0.0; 3], Some(fill(2, 3))),
            "derivatives have 2 rows and 3 columns, expected 3 and 2"
        );
        let mut broken = fill(3, 2);
        broken[(2, 1)] = f64::INFINITY;
        assert_eq!(
            message(broken.clone(), vec![0.0; 3], None),
            "inputs have inf in row 2, column 1, expected a finite number"
        );
        assert_eq!(
            message(fill(3, 2), vec![0.0; 3], Some(broken)),
            "derivatives have inf in row 2, column 1, expected a finite number"
        );
        assert!(Samples::new(fill(0, 2), vec![], None).unwrap().is_empty());
    }
}
