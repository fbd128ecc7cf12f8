//! The same function by other parameters: the scaling moved into them, or changed; one output of several.

use super::{Scaling, Surrogate};
use crate::error::{Error, Result};
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
        let mut layers = self.network.chain().layers().to_vec();
        let mut params = self.network.params().to_vec();
        let last = layers[layers.len() - 1];
        if last.activation != Activation::Identity {
            let outputs = last.fan_out.0;
            layers.push(Layer::new(outputs, outputs, Activation::Identity));
            params.extend((0..outputs * outputs).map(|k| f64::from(u8::from(k % (outputs + 1) == 0))));
            params.resize(params.len() + outputs, 0.0);
        }
        let network = Network::new(Stack::from_layers(layers), params);
        Self { network, scaling: self.scaling.clone() }.rescaled(Scaling::identity(self.scaling.inputs())).network
    }
}

impl Surrogate {
    /// The same function with a network in other units:
    ///
    /// ```text
    /// W₁′ = W₁ diag(σₓ′/σₓ)    b₁′ = b₁ + W₁ ((μₓ′ − μₓ)/σₓ)    W_L′ = W_L σ_y/σ_y′    b_L′ = (σ_y b_L + μ_y − μ_y′)/σ_y′
    /// ```
    ///
    /// A last layer that is not linear keeps the units of its value.
    ///
    /// # Guarantee
    /// The same function up to rounding.
    ///
    /// # Panics
    /// If the scaling is for another number of inputs.
    #[track_caller]
    pub fn rescaled(&self, mut scaling: Scaling) -> Self {
        assert_eq!(scaling.inputs(), self.scaling.inputs(), "one mean and deviation an input");
        let old = &self.scaling;
        let mut network = self.network.clone();
        let (layers, count) = (network.chain().layers(), network.chain().layers().len());
        let (first, linear) = (layers[0], layers[count - 1].activation == Activation::Identity);
        let (weights, biases) = network.params_mut()[..first.params()].split_at_mut(first.weights());
        for (row, b) in weights.chunks_exact_mut(first.fan_in.0).zip(biases) {
            for (j, w) in row.iter_mut().enumerate() {
                *b += *w * ((scaling.input_mean[j] - old.input_mean[j]) / old.input_deviation[j]);
                *w *= scaling.input_deviation[j] / old.input_deviation[j];
            }
        }
        if linear {
            let deviation = scaling.value_deviation;
            network.rescale_output(old.value_deviation / deviation, (old.value_mean - scaling.value_mean) / deviation);
        } else {
            (scaling.value_mean, scaling.value_deviation) = (old.value_mean, old.value_deviation);
        }
        Self { network, scaling }
    }

    /// One of several outputs, counted from 0, as a network of its own.
    ///
    /// # Errors
    /// If there is no such output.
    pub fn output(&self, output: usize) -> Result<Self> {
        let (layers, count) = (self.network.chain().layers(), self.network.chain().layers().len());
        let last = layers[count - 1];
        let (inputs, outputs) = (last.fan_in.0, last.fan_out.0);
        if output >= outputs {
            return Err(Error::invalid("output", format!("expected one of 0 to {}, found {output}", outputs - 1)));
        }
        let (w, b) = self.network.layer_params(count - 1);
        let mut params = self.network.params()[..self.network.params().len() - last.params()].to_vec();
        params.extend_from_slice(&w[output * inputs..][..inputs]);
        params.push(b[output]);
        let mut layers = layers.to_vec();
        layers[count - 1] = Layer::new(inputs, 1, last.activation);
        Ok(Self { network: Network::new(Stack::from_layers(layers), params), scaling: self.scaling.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn other_units_and_single_outputs_are_the_same_function() {
        for last in [Activation::Identity, Activation::Softplus] {
            let layers = vec![Layer::new(2, 4, Activation::Tanh), Layer::new(4, 3, last)];
            let mut rng = Streams::new(5, Purpose::Test).next().expect("endless");
            let network = Network::init(Stack::from_layers(layers), &mut rng);
            let of = |m: [f64; 2], d: [f64; 2], value_mean, value_deviation| Scaling {
                input_mean: m.to_vec(),
                input_deviation: d.to_vec(),
                value_mean,
                value_deviation,
            };
            let all = Surrogate { network, scaling: of([1.0, -200.0], [0.3, 50.0], 7.0, 0.25) };
            let x = faer::mat![[1.2, -190.0], [0.5, -270.0]];
            let y = all.network.value(all.scaling.inputs_of(x.as_ref()).as_ref());
            for k in 0..3 {
                let one = all.output(k).expect("three outputs");
                let want = one.predict(x.as_ref());
                let got = one.rescaled(of([0.9, 3.0], [2.0, 17.0], -4.0, 11.0)).predict(x.as_ref());
                for r in 0..2 {
                    assert!((want.values[r] - (7.0 + 0.25 * y[(r, k)])).abs() < 1e-14);
                    assert!((got.values[r] - want.values[r]).abs() < 1e-13);
                    (0..2).for_each(|j| assert!((got.deltas[(r, j)] - want.deltas[(r, j)]).abs() < 1e-14));
                    assert!((got.gammas[r] - want.gammas[r]).abs() < 1e-13);
                }
            }
            assert!(all.output(3).expect_err("none").to_string().contains("expected one of 0 to 2, found 3"));
        }
    }
}
