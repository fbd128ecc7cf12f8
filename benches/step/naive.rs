//! The Sobolev gradient as one would first write it: one sample after the other, one loop a sum.

use sobolev::data::Scaled;
use sobolev::nn::{Chain, Layer, Network, Packed, Stack};
use sobolev::train::LossWeights;

/// Loss and gradient.
pub(crate) fn gradient<T: Packed + Exp>(
    net: &Network<Stack, T>,
    data: &Scaled<T>,
    weights: &LossWeights,
) -> (f64, Vec<T>) {
    let layers = net.chain().layers();
    let (mut loss, mut grad) = (0.0, vec![T::ZERO; net.params().len()]);
    for r in 0..data.len() {
        loss += sample(layers, net.params(), data, weights, r, &mut grad);
    }
    (loss, grad)
}

/// The exponential that a user would call.
pub(crate) trait Exp {
    fn exp(self) -> Self;
}
impl Exp for f32 {
    fn exp(self) -> Self {
        f32::exp(self)
    }
}
impl Exp for f64 {
    fn exp(self) -> Self {
        f64::exp(self)
    }
}

/// SiLU and two derivatives; the output layer is linear.
pub(crate) fn silu<T: Packed + Exp>(x: T, linear: bool) -> [T; 3] {
    if linear {
        return [x, T::ONE, T::ZERO];
    }
    let s = T::ONE / (T::ONE + Exp::exp(-x));
    let slope = s * (T::ONE - s);
    [x * s, s + x * slope, slope * (T::of(2.0) + x * (T::ONE - T::of(2.0) * s))]
}

fn sample<T: Packed + Exp>(
    layers: &[Layer],
    params: &[T],
    data: &Scaled<T>,
    weights: &LossWeights,
    r: usize,
    grad: &mut [T],
) -> f64 {
    let n = data.len() as f64;
    let starts: Vec<usize> = layers.iter().scan(0, |at, l| Some(std::mem::replace(at, *at + l.params()))).collect();
    let w = |l: usize, o: usize, i: usize| params[starts[l] + o * layers[l].fan_in.0 + i];
    let mut a: Vec<Vec<T>> = vec![(0..data.inputs().ncols()).map(|j| data.inputs()[(r, j)]).collect()];
    let mut jets = Vec::new();
    for (l, layer) in layers.iter().enumerate() {
        let jet: Vec<[T; 3]> = (0..layer.fan_out.0)
            .map(|o| {
                let mut z = params[starts[l] + layer.weights() + o];
                for i in 0..layer.fan_in.0 {
                    z += w(l, o, i) * a[l][i];
                }
                silu(z, l + 1 == layers.len())
            })
            .collect();
        a.push(jet.iter().map(|j| j[0]).collect());
        jets.push(jet);
    }
    let value = a[layers.len()][0] - data.values()[(r, 0)];
    // Adjoints of the value, down to the inputs.
    let mut bars = vec![Vec::new(); layers.len()];
    let mut bar = vec![T::ONE];
    for (l, layer) in layers.iter().enumerate().rev() {
        bars[l] = (0..layer.fan_out.0).map(|o| (bar[o], bar[o] * jets[l][o][1])).collect::<Vec<(T, T)>>();
        bar = vec![T::ZERO; layer.fan_in.0];
        for o in 0..layer.fan_out.0 {
            for i in 0..layer.fan_in.0 {
                bar[i] += w(l, o, i) * bars[l][o].1;
            }
        }
    }
    let inputs = bar.len();
    let (mut loss, mut dot) = (weights.value * value.to_f64().powi(2) / n, Vec::new());
    for j in 0..inputs {
        let residual = bar[j] - data.derivatives().expect("there are")[(r, j)];
        let each = weights.derivative * weights.inverse_scale[j] / (n * inputs as f64);
        loss += each * residual.to_f64().powi(2);
        dot.push(T::of(2.0 * each) * residual);
    }
    // Tangents along the weighted residual.
    let (mut dots, mut z_dots) = (vec![dot], Vec::new());
    for (l, layer) in layers.iter().enumerate() {
        let z_dot: Vec<T> = (0..layer.fan_out.0)
            .map(|o| (0..layer.fan_in.0).fold(T::ZERO, |sum, i| sum + w(l, o, i) * dots[l][i]))
            .collect();
        dots.push(z_dot.iter().zip(&jets[l]).map(|(&z, j)| z * j[1]).collect());
        z_dots.push(z_dot);
    }
    // Adjoints of value and tangent together.
    let mut bar_dot = vec![T::of(2.0 * weights.value / n) * value];
    for (l, layer) in layers.iter().enumerate().rev() {
        let mut below = vec![T::ZERO; layer.fan_in.0];
        for o in 0..layer.fan_out.0 {
            let (a_bar, z_bar) = bars[l][o];
            let [_, slope, curve] = jets[l][o];
            let z_bar_dot = bar_dot[o] * slope + a_bar * curve * z_dots[l][o];
            for i in 0..layer.fan_in.0 {
                grad[starts[l] + o * layer.fan_in.0 + i] += z_bar_dot * a[l][i] + z_bar * dots[l][i];
                below[i] += w(l, o, i) * z_bar_dot;
            }
            grad[starts[l] + layer.weights() + o] += z_bar_dot;
        }
        bar_dot = below;
    }
    loss
}
