//! The specification: Table 1, one interval operation after the other.

use super::Trace;
use crate::interval::Interval;
use crate::nn::{Chain, Network, Packed};

/// Interval forward and interval adjoint of an output over one box.
///
/// # Panics
/// If the box has not one interval an input, or there is no such output.
#[track_caller]
pub fn trace<C: Chain, T: Packed>(net: &Network<C, T>, inputs: &[Interval], output: usize) -> Trace {
    let layers = net.chain().layers();
    assert_eq!(inputs.len(), net.chain().inputs(), "expected one interval an input");
    let point = |x: &T| Interval::point(x.to_f64());
    let (mut nodes, mut pre_activations) = (vec![inputs.to_vec()], Vec::new());
    for (l, layer) in layers.iter().enumerate() {
        let (w, b) = net.layer_params(l);
        let below = &nodes[l];
        let sum = |(row, b): (&[T], &T)| row.iter().zip(below).fold(point(b), |sum, (w, n)| sum + point(w) * *n);
        let k: Vec<Interval> = w.chunks_exact(below.len()).zip(b).map(sum).collect();
        nodes.push(k.iter().map(|k| k.activation(layer.activation, 0)).collect());
        pre_activations.push(k);
    }
    let mut seed = vec![Interval::ZERO; net.chain().outputs()];
    seed[output] = Interval::ONE;
    let (mut adjoints, mut pre_adjoints) = (vec![seed], Vec::new());
    for (l, layer) in layers.iter().enumerate().rev() {
        let ((w, _), above) = (net.layer_params(l), &adjoints[adjoints.len() - 1]);
        let slopes = pre_activations[l].iter().map(|k: &Interval| k.activation(layer.activation, 1));
        let pre: Vec<Interval> = slopes.zip(above).map(|(slope, bar)| slope * *bar).collect();
        let inputs = layer.fan_in.0;
        let sum = |i: usize| {
            let column = w[i..].iter().step_by(inputs);
            column.zip(&pre).fold(Interval::ZERO, |sum, (w, bar)| sum + point(w) * *bar)
        };
        adjoints.push((0..inputs).map(sum).collect());
        pre_adjoints.push(pre);
    }
    adjoints.reverse();
    pre_adjoints.reverse();
    Trace { nodes, pre_activations, adjoints, pre_adjoints }
}
