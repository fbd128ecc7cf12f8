//! Labels from a trained network: noise-free, values alone or with its exact derivatives.

use faer::Mat;

use crate::data::{Bundle, CurvatureSource, Samples, Surrogate, TestSet};
use crate::error::{Error, Result};
use crate::math::Activation;
use crate::nn::{Chain as _, Network, Packed, Stack};

/// A surrogate that labels inputs for another.
#[derive(Clone, Debug)]
pub struct Teacher<'a, T: Packed> {
    surrogate: &'a Surrogate,
    network: Network<Stack, T>,
}

impl<'a, T: Packed> Teacher<'a, T> {
    /// Labels in the precision `T`.
    pub fn new(surrogate: &'a Surrogate) -> Self {
        Self { surrogate, network: surrogate.network.cast() }
    }

    /// Labels `n × inputs` points, all in original units; derivatives only if asked for.
    pub fn label(&self, inputs: Mat<f64>, derivatives: bool) -> Samples {
        let scaling = &self.surrogate.scaling;
        let x = scaling.inputs_of::<T>(inputs.as_ref());
        let original = |y: T| y.to_f64() * scaling.value_deviation + scaling.value_mean;
        let (y, dy) = if derivatives {
            let (y, dy) = self.network.value_and_gradient(x.as_ref());
            let slope: Vec<f64> = (0..x.ncols()).map(|j| scaling.slope(j)).collect();
            (y, Some(Mat::from_fn(x.nrows(), x.ncols(), |r, j| dy[(r, j)].to_f64() * slope[j])))
        } else {
            (self.network.value(x.as_ref()), None)
        };
        let values = y.col_as_slice(0).iter().map(|y| original(*y)).collect();
        Samples::new(inputs, values, dy).expect("a finite network labels finite inputs with finite numbers")
    }

    /// What another network is judged by: values, deltas and gammas at `n × inputs` points, in double precision.
    ///
    /// A network of linear pieces has no gammas to learn: they are zero wherever they exist, and are left out.
    pub fn test_set(&self, inputs: Mat<f64>) -> TestSet {
        let p = self.surrogate.predict(inputs.as_ref());
        let mean = |r: usize| inputs.row(r).iter().sum::<f64>() / inputs.ncols() as f64;
        TestSet {
            underlyings: (0..inputs.nrows()).map(mean).collect(),
            values: p.values,
            deltas: p.deltas,
            gammas: if piecewise_linear(self.surrogate) { Vec::new() } else { p.gammas },
            vegas: Vec::new(),
            inputs,
        }
    }
}

/// Exact products of the teacher's own Hessian.
impl<T: Packed> CurvatureSource for Teacher<'_, T> {
    /// # Errors
    /// If a layer of the teacher has kinks, where all of its curvature would be.
    fn fill(&mut self, samples: &Samples, _block: usize, bundles: &mut [Bundle<f64>]) -> Result<()> {
        let kinked = self.network.chain().layers().iter().position(|l| l.activation == Activation::Relu);
        if let Some(layer) = kinked {
            let message = format!(
                "layer {layer} has relu, whose second derivative is zero almost everywhere, so that it has no second-order \
                 labels to give; expected a teacher of smooth activations"
            );
            return Err(Error::invalid("teacher", message));
        }
        let scaling = &self.surrogate.scaling;
        for Bundle { rows, directions, products } in bundles {
            let inputs = samples.inputs();
            let x = scaling.inputs_of::<T>(inputs.subrows(rows.start, rows.len()));
            let (m, deviation) = (directions.nrows(), &scaling.input_deviation);
            let v = Mat::from_fn(m, directions.ncols(), |j, d| T::of(directions[(j, d)] / deviation[j]));
            let scaled = self.network.hessian_products(x.as_ref(), v.as_ref());
            *products = Mat::from_fn(rows.len(), scaled.ncols(), |r, c| scaled[(r, c)].to_f64() * scaling.slope(c % m));
        }
        Ok(())
    }
}

/// Whether the function has a second derivative of zero wherever it has one.
pub fn piecewise_linear(surrogate: &Surrogate) -> bool {
    let layers = surrogate.network.chain().layers();
    layers.iter().all(|l| matches!(l.activation, Activation::Relu | Activation::Identity))
}
