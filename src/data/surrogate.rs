//! A network together with the scaling it was trained in: what prices in original units, and what files hold.

use faer::{Mat, MatRef};

use super::Scaling;
use crate::nn::{Chain as _, Network, Stack};

/// A trained network with the units of its inputs and value.
#[derive(Clone, Debug, PartialEq)]
pub struct Surrogate {
    /// In scaled units.
    pub network: Network<Stack, f64>,
    /// From original units to those.
    pub scaling: Scaling,
}

/// Prices and Greeks of a batch in original units.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// n.
    pub values: Vec<f64>,
    /// n × inputs.
    pub deltas: Mat<f64>,
    /// `1ᵀH1`, the second derivative along the direction that moves every input alike; n.
    pub gammas: Vec<f64>,
}

impl Surrogate {
    /// Prices, deltas and directional gammas at `n × inputs` points.
    ///
    /// # Panics
    /// If the number of columns is not that of the inputs.
    ///
    /// # Examples
    /// ```
    /// use sobolev::data::{Scaling, Surrogate};
    /// use sobolev::math::Activation;
    /// use sobolev::nn::{Network, Stack};
    ///
    /// // y' = 2x' in units where x = 10 + 4x' and y = 1 + 3y'.
    /// let network = Network::new(Stack::mlp(1, &[], 1, Activation::Silu), vec![2.0, 0.0]);
    /// let scaling = Scaling { input_mean: vec![10.0], input_deviation: vec![4.0], value_mean: 1.0, value_deviation: 3.0 };
    /// let p = Surrogate { network, scaling }.predict(faer::mat![[14.0]].as_ref());
    /// assert_eq!((p.values[0], p.deltas[(0, 0)], p.gammas[0]), (7.0, 1.5, 0.0));
    /// ```
    #[track_caller]
    pub fn predict(&self, inputs: MatRef<'_, f64>) -> Prediction {
        self.predict_along(inputs, &vec![1.0; self.scaling.inputs()])
    }

    /// The same with `gammas` the second derivatives `vᵀHv` along a direction in original units: where parameters stand among
    /// the inputs, 1 for spots and 0 for them.
    ///
    /// # Panics
    /// Another number of columns, or another length of the direction, than there are inputs.
    #[track_caller]
    pub fn predict_along(&self, inputs: MatRef<'_, f64>, direction: &[f64]) -> Prediction {
        let s = &self.scaling;
        assert_eq!(direction.len(), s.inputs(), "an entry for each input");
        let direction: Vec<f64> = direction.iter().zip(&s.input_deviation).map(|(v, d)| v / d).collect();
        let (y, mut deltas, hv) = self.network.hvp(s.inputs_of(inputs).as_ref(), &direction);
        for j in 0..deltas.ncols() {
            let slope = s.slope(j);
            deltas.col_mut(j).iter_mut().for_each(|d| *d *= slope);
        }
        let gamma = |r: usize| (0..hv.ncols()).map(|j| hv[(r, j)] * direction[j]).sum::<f64>() * s.value_deviation;
        Prediction {
            values: (0..y.nrows()).map(|r| y[(r, 0)] * s.value_deviation + s.value_mean).collect(),
            gammas: (0..y.nrows()).map(gamma).collect(),
            deltas,
        }
    }

    /// Nodes of every layer, inputs and outputs included.
    pub fn widths(&self) -> Vec<usize> {
        let layers = self.network.chain().layers();
        std::iter::once(layers[0].fan_in.0).chain(layers.iter().map(|l| l.fan_out.0)).collect()
    }
}
