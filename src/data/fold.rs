//! The scaling moved into the parameters, so that a network takes and gives original units.

use super::Surrogate;
use crate::math::Activation;
use crate::nn::{Chain as _, Layer, Network, Stack};

impl Surrogate {
    /// The network in original units, its scaling folded into the first and the last layer:
    ///
    /// ```text
    /// W₁′ = W₁ diag(1/σₓ)    b₁′ = b₁ − W₁ (μₓ/σₓ)    W_L′ = σ_y W_L    b_L′ = σ_y b_L + μ_y
    /// ```
    ///
    /// A last layer that is not linear gets a linear one behind it. Nothing of the scaling is left to be done when pricing.
    ///
    /// # Guarantee
    /// The same function up to rounding.
    ///
    /// # Examples
    /// ```
    /// use sobolev::data::{Scaling, Surrogate};
    /// use sobolev::math::Activation;
    /// use sobolev::nn::{Network, Stack};
    ///
    /// // y′ = 2x′ in units where x = 10 + 4x′ and y = 1 + 3y′: y = 1 + 6 (x − 10)/4.
    /// let network = Network::new(Stack::mlp(1, &[], 1, Activation::Silu), vec![2.0, 0.0]);
    /// let scaling = Scaling { input_mean: vec![10.0], input_deviation: vec![4.0], value_mean: 1.0, value_deviation: 3.0 };
    /// assert_eq!(Surrogate { network, scaling }.folded().params(), [1.5, -14.0]);
    /// ```
    pub fn folded(&self) -> Network<Stack, f64> {
        let scaling = &self.scaling;
        let mut layers = self.network.chain().layers().to_vec();
        let mut params = self.network.params().to_vec();
        let first = layers[0];
        let (weights, biases) = params[..first.params()].split_at_mut(first.weights());
        for (row, b) in weights.chunks_exact_mut(first.fan_in.0).zip(biases) {
            for ((w, mean), deviation) in row.iter_mut().zip(&scaling.input_mean).zip(&scaling.input_deviation) {
                *w /= deviation;
                *b -= *w * mean;
            }
        }
        let last = layers[layers.len() - 1];
        let linear = last.activation == Activation::Identity;
        if !linear {
            let outputs = last.fan_out.0;
            layers.push(Layer::new(outputs, outputs, Activation::Identity));
            params.extend((0..outputs * outputs).map(|k| f64::from(u8::from(k % (outputs + 1) == 0))));
            params.resize(params.len() + outputs, 0.0);
        }
        let mut network = Network::new(Stack::from_layers(layers), params);
        network.rescale_output(scaling.value_deviation, scaling.value_mean);
        network
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Scaling;
    use crate::math::random::{Purpose, Streams};

    #[test]
    fn folding_changes_units_and_nothing_else() {
        for last in [Activation::Identity, Activation::Softplus] {
            let layers = vec![Layer::new(3, 4, Activation::Silu), Layer::new(4, 1, last)];
            let mut rng = Streams::new(3, Purpose::Test).next().expect("endless");
            let network = Network::init(Stack::from_layers(layers), &mut rng);
            let scaling = Scaling {
                input_mean: vec![1.0, -2.0, 100.0],
                input_deviation: vec![0.3, 5.0, 20.0],
                value_mean: 7.0,
                value_deviation: 0.25,
            };
            let surrogate = Surrogate { network, scaling };
            let x = faer::mat![[1.2, 0.0, 90.0], [0.5, -7.0, 140.0]];
            let want = surrogate.predict(x.as_ref());
            let (y, dy) = surrogate.folded().value_and_gradient(x.as_ref());
            for r in 0..2 {
                assert!((y[(r, 0)] - want.values[r]).abs() < 1e-14 * want.values[r].abs());
                (0..3).for_each(|j| assert!((dy[(r, j)] - want.deltas[(r, j)]).abs() < 1e-15));
            }
        }
    }
}
