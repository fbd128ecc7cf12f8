//! Labels from trained networks: noise-free, values alone or with their exact derivatives.

use faer::Mat;

use super::Precision;
use crate::data::{Bundle, CurvatureSource, Samples, Surrogate, TestSet};
use crate::error::{Error, Result};
use crate::math::Activation;
use crate::nn::{Chain as _, Packed};

/// A network that labels inputs for another, or the mean of several: what each has made of the noise in its samples
/// averages out.
#[derive(Clone, Copy, Debug)]
pub struct Teacher<'a> {
    members: &'a [Surrogate],
    precision: Precision,
}

impl<'a> Teacher<'a> {
    /// One network, asked in that precision.
    pub fn new(surrogate: &'a Surrogate, precision: Precision) -> Self {
        Self::mean_of(std::slice::from_ref(surrogate), precision)
    }

    /// The mean of these.
    ///
    /// # Panics
    /// If there are none.
    #[track_caller]
    pub fn mean_of(members: &'a [Surrogate], precision: Precision) -> Self {
        assert!(!members.is_empty(), "a mean needs at least one network");
        Self { members, precision }
    }

    /// Labels `n × inputs` points, all in original units; derivatives only if asked for.
    pub fn label(&self, inputs: Mat<f64>, derivatives: bool) -> Samples {
        match self.precision {
            Precision::Single => self.label_in::<f32>(inputs, derivatives),
            Precision::Double => self.label_in::<f64>(inputs, derivatives),
        }
    }

    fn label_in<T: Packed>(&self, inputs: Mat<f64>, derivatives: bool) -> Samples {
        let (n, columns) = (inputs.nrows(), inputs.ncols());
        let mut values = vec![0.0; n];
        let mut slopes = derivatives.then(|| Mat::<f64>::zeros(n, columns));
        let share = 1.0 / self.members.len() as f64;
        for Surrogate { network, scaling } in self.members {
            let (network, x) = (network.cast::<T>(), scaling.inputs_of::<T>(inputs.as_ref()));
            let y = if let Some(slopes) = &mut slopes {
                let (y, dy) = network.value_and_gradient(x.as_ref());
                for j in 0..columns {
                    let slope = share * scaling.slope(j);
                    slopes.col_mut(j).iter_mut().zip(dy.col(j).iter()).for_each(|(sum, d)| *sum += d.to_f64() * slope);
                }
                y
            } else {
                network.value(x.as_ref())
            };
            let original = |y: T| y.to_f64() * scaling.value_deviation + scaling.value_mean;
            values.iter_mut().zip(y.col(0).iter()).for_each(|(sum, y)| *sum += share * original(*y));
        }
        Samples::new(inputs, values, slopes).expect("a finite network labels finite inputs with finite numbers")
    }

    fn curve<T: Packed>(&self, samples: &Samples, Bundle { rows, directions, products }: &mut Bundle<f64>) {
        let (m, inputs) = (directions.nrows(), samples.inputs().subrows(rows.start, rows.len()));
        let share = 1.0 / self.members.len() as f64;
        *products = Mat::zeros(rows.len(), m * directions.ncols());
        for Surrogate { network, scaling } in self.members {
            let (x, deviation) = (scaling.inputs_of::<T>(inputs), &scaling.input_deviation);
            let v = Mat::from_fn(m, directions.ncols(), |j, d| T::of(directions[(j, d)] / deviation[j]));
            let scaled = network.cast::<T>().hessian_products(x.as_ref(), v.as_ref());
            for c in 0..scaled.ncols() {
                let slope = share * scaling.slope(c % m);
                products.col_mut(c).iter_mut().zip(scaled.col(c).iter()).for_each(|(p, s)| *p += s.to_f64() * slope);
            }
        }
    }
}

/// Exact products of the teacher's own Hessian.
impl CurvatureSource for Teacher<'_> {
    /// # Errors
    /// If a layer of the teacher has kinks, where all of its curvature would be.
    fn fill(&mut self, samples: &Samples, _block: usize, bundles: &mut [Bundle<f64>]) -> Result<()> {
        let mut layers = self.members.iter().flat_map(|s| s.network.chain().layers().iter().enumerate());
        if let Some((layer, _)) = layers.find(|(_, l)| l.activation == Activation::Relu) {
            let message = format!(
                "layer {layer} has relu, whose second derivative is zero almost everywhere, so that it has no second-order \
                 labels to give; expected a teacher of smooth activations"
            );
            return Err(Error::invalid("teacher", message));
        }
        for bundle in bundles {
            match self.precision {
                Precision::Single => self.curve::<f32>(samples, bundle),
                Precision::Double => self.curve::<f64>(samples, bundle),
            }
        }
        Ok(())
    }
}

impl Surrogate {
    /// What another network is judged by: values, deltas and gammas at `n × inputs` points, in double precision.
    ///
    /// A network of linear pieces has no gammas to learn: they are zero wherever they exist, and are left out.
    pub(super) fn test_set(&self, inputs: Mat<f64>) -> TestSet {
        let p = self.predict(inputs.as_ref());
        let mean = |r: usize| inputs.row(r).iter().sum::<f64>() / inputs.ncols() as f64;
        TestSet {
            underlyings: (0..inputs.nrows()).map(mean).collect(),
            values: p.values,
            deltas: p.deltas,
            gammas: if piecewise_linear(self) { Vec::new() } else { p.gammas },
            spots: inputs.ncols(),
            names: (0..inputs.ncols()).map(|j| format!("input_{j}")).collect(),
            errors: None,
            inputs,
        }
    }
}

/// Whether the function has a second derivative of zero wherever it has one.
fn piecewise_linear(surrogate: &Surrogate) -> bool {
    let layers = surrogate.network.chain().layers();
    layers.iter().all(|l| matches!(l.activation, Activation::Relu | Activation::Identity))
}
