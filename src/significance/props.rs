//! Soundness: whatever the shape, samples stay inside, values and derivatives alike.

use proptest::prelude::*;

use super::{Aggregate, Trace, scores};
use crate::interval::Interval;
use crate::math::{Activation, Scalar as _};
use crate::nn::{Chain as _, Network, Stack};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn samples_stay_inside(
        hidden in prop::collection::vec(1_usize..7, 1..4),
        function in prop::sample::select(Activation::ALL.to_vec()),
        params in prop::collection::vec(-1.5_f64..1.5, 400),
        corners in prop::collection::vec((-2.0_f64..2.0, 0.0_f64..1.0), 3),
        at in prop::collection::vec(0.0_f64..=1.0, 3),
    ) {
        let stack = Stack::mlp(3, &hidden, 2, function);
        let net = Network::new(stack.clone(), params[..stack.params()].to_vec());
        let inputs: Vec<Interval> = corners.iter().map(|(c, w)| Interval::new(*c, c + w).expect("in order")).collect();
        let x: Vec<f64> = inputs.iter().zip(&at).map(|(i, t)| (i.inf() + t * (i.sup() - i.inf())).clamp(i.inf(), i.sup())).collect();
        let significance = scores(&net, &inputs, Aggregate::Max);
        for output in 0..2 {
            let trace = Trace::of(&net, &inputs, output);
            // The point evaluated layer by layer, then its adjoints, with a margin for its own rounding.
            let mut nodes = vec![x.clone()];
            for (l, layer) in net.chain().layers().iter().enumerate() {
                let (w, b) = net.layer_params(l);
                let below = &nodes[l];
                let k: Vec<f64> = (0..layer.fan_out.0).map(|o| b[o] + below.iter().zip(&w[o * below.len()..]).map(|(x, w)| x * w).sum::<f64>()).collect();
                nodes.push(k.iter().map(|k| k.activation(layer.activation, 0)).collect());
                for (k, enclosure) in k.iter().zip(&trace.pre_activations[l]) {
                    prop_assert!(near(*enclosure, *k));
                }
            }
            let mut bar = vec![0.0; 2];
            bar[output] = 1.0;
            for (l, layer) in net.chain().layers().iter().enumerate().rev() {
                for ((n, bar), (n_box, bar_box)) in nodes[l + 1].iter().zip(&bar).zip(trace.nodes[l + 1].iter().zip(&trace.adjoints[l + 1])) {
                    prop_assert!(near(*n_box, *n) && near(*bar_box, *bar), "{n} in {n_box}, {bar} in {bar_box}");
                }
                let (w, b) = net.layer_params(l);
                let below = &nodes[l];
                let pre: Vec<f64> = (0..layer.fan_out.0).map(|o| {
                    let k = b[o] + below.iter().zip(&w[o * below.len()..]).map(|(x, w)| x * w).sum::<f64>();
                    bar[o] * k.activation(layer.activation, 1)
                }).collect();
                bar = (0..below.len()).map(|i| pre.iter().enumerate().map(|(o, p)| p * w[o * below.len() + i]).sum()).collect();
                for (i, bar) in bar.iter().enumerate() {
                    prop_assert!(significance[l][i] >= 0.999_999 * bar.abs() * trace.nodes[l][i].width() - 1e-12);
                }
            }
        }
    }
}

fn near(enclosure: Interval, x: f64) -> bool {
    let margin = 1e-12 * (1.0 + x.abs());
    enclosure.inf() - margin <= x && x <= enclosure.sup() + margin
}
