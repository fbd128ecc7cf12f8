//! The layers found in a graph, in the order they were found, and what they make together: a surrogate.

use super::OnnxError;
use super::tensor::{MOST_HELD, Result};
use super::value::{Affine, Function, Value};
use crate::data::{Scaling, Surrogate};
use crate::math::Activation;
use crate::nn::{Layer, Network, Stack};

/// What affine functions are functions of.
enum Base {
    /// The graph's input.
    Input,
    /// The input, shifted and scaled.
    Scaled { mean: Vec<f64>, deviation: Vec<f64> },
    /// The nodes of a layer.
    Layer { argument: Affine, activation: Activation },
}

/// Every base met so far; the first is the input.
pub(super) struct Chain(Vec<Base>);

impl Chain {
    pub(super) fn new() -> Self {
        Self(vec![Base::Input])
    }

    /// The nodes `activation(argument)`. A layer that is there already is not made twice, since its nodes may be used twice.
    pub(super) fn layer(&mut self, argument: Affine, activation: Activation) -> Result<Affine> {
        let dims = argument.dims.clone();
        let same = |base: &Base| matches!(base, Base::Layer { argument: a, activation: f } if (f, &a.planes, a.base) == (&activation, &argument.planes, argument.base));
        let base = match self.0.iter().position(same) {
            Some(base) => base,
            None => {
                let size = |base: &Base| if let Base::Layer { argument, .. } = base { argument.size() } else { 0 };
                if self.0.iter().map(size).sum::<usize>() + argument.size() > MOST_HELD {
                    return Err("the layers are larger than any network here has".into());
                }
                self.0.push(Base::Layer { argument, activation });
                self.0.len() - 1
            }
        };
        Affine::identity(base, dims)
    }

    /// Inputs that are only shifted and scaled, each by itself, as a base of their own: a layer for scaling. Anything else
    /// stays as it is.
    pub(super) fn scaled(&mut self, value: &Value) -> Result<Value> {
        let x = &value.argument;
        let n = x.len();
        let linear = value.function == Function::Apply(Activation::Identity);
        if !linear || !matches!(self.0[x.base], Base::Input) || x.planes.len() != n + 1 {
            return Ok(value.clone());
        }
        let diagonal = (0..n).all(|j| (0..n).all(|i| i == j || x.planes[j][i] == 0.0));
        let slope = |j: usize| value.scale[j] * x.planes[j][j];
        if !diagonal || !(0..n).all(|j| slope(j) > 0.0 && slope(j).is_finite()) {
            return Ok(value.clone());
        }
        // scale·(a·x + offset) + shift
        let mean: Vec<f64> =
            (0..n).map(|j| -(x.constants()[j] + value.shift[j] / value.scale[j]) / x.planes[j][j] + 0.0).collect();
        let deviation: Vec<f64> = (0..n).map(|j| 1.0 / slope(j)).collect();
        if mean.iter().all(|&m| m == 0.0) && deviation.iter().all(|&d| d == 1.0) {
            return Ok(value.clone());
        }
        let same =
            |base: &Base| matches!(base, Base::Scaled { mean: m, deviation: d } if (m, d) == (&mean, &deviation));
        let base = self.0.iter().position(same).unwrap_or_else(|| {
            self.0.push(Base::Scaled { mean, deviation });
            self.0.len() - 1
        });
        Ok(Value::linear(Affine::identity(base, x.dims.clone())?, value.batch))
    }

    /// The network that ends in `output`.
    pub(super) fn surrogate(mut self, output: &Value, inputs: usize) -> std::result::Result<Surrogate, OnnxError> {
        let bad = |message: String| OnnxError::Malformed(message);
        let mut scaling = Scaling::identity(inputs);
        let last = match output.function {
            Function::Apply(Activation::Identity) => output.argument.clone(),
            Function::Apply(activation) => self.layer(output.argument.clone(), activation).map_err(bad)?,
            part => return Err(bad(format!("the output is {}", part.incomplete()))),
        };
        let mut tail = Value { scale: output.scale.clone(), shift: output.shift.clone(), ..Value::linear(last, None) };
        if tail.scale.len() == 1 && tail.scale[0] > 0.0 {
            (scaling.value_deviation, scaling.value_mean) = (tail.scale[0], tail.shift[0]);
            tail = Value::linear(tail.argument, None);
        }
        let last = tail.settle(&mut self).map_err(bad)?;

        // From the output back to the input.
        let mut layers: Vec<(Affine, Activation)> = Vec::new();
        let mut base = last.base;
        if !(last.is_identity() && matches!(self.0[base], Base::Layer { .. })) {
            layers.push((last, Activation::Identity));
        }
        loop {
            match &self.0[base] {
                Base::Input => break,
                Base::Scaled { mean, deviation } => {
                    scaling.input_mean.clone_from(mean);
                    scaling.input_deviation.clone_from(deviation);
                    break;
                }
                Base::Layer { argument, activation } => {
                    base = argument.base;
                    layers.push((argument.clone(), *activation));
                }
            }
        }
        layers.reverse();
        let mut params = Vec::new();
        for (layer, (affine, _)) in layers.iter().enumerate() {
            let (coefficients, constants) = affine.planes.split_at(affine.planes.len() - 1);
            if affine.len() == 0 || coefficients.is_empty() {
                return Err(bad(format!("layer {layer} has no nodes")));
            }
            let at = params.len();
            params.extend((0..affine.len()).flat_map(|o| coefficients.iter().map(move |plane| plane[o])));
            params.extend(&constants[0]);
            if params[at..].iter().any(|v| !v.is_finite()) {
                return Err(bad(format!("layer {layer} has a weight that is not finite")));
            }
        }
        scaling.check(inputs).map_err(|e| bad(format!("the scaling: {e}")))?;
        let shapes = layers.iter().map(|(a, f)| Layer::new(a.planes.len() - 1, a.len(), *f)).collect();
        Ok(Surrogate { network: Network::new(Stack::from_layers(shapes), params), scaling })
    }
}
