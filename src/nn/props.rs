//! Properties of the sweeps over random shapes, activations and parameters, against the naive network and by identities.

use proptest::prelude::*;

use super::{Chain, Layer, Network, Slot, Stack, TILE, naive};
use crate::math::Activation;

fn activation() -> impl Strategy<Value = Activation> {
    prop::sample::select(Activation::ALL.to_vec())
}

/// Shapes of up to four layers and 40 nodes, so that every remainder of the register kernels occurs.
pub(super) fn network(outputs: impl Strategy<Value = usize>) -> impl Strategy<Value = Network<Stack, f64>> {
    let hidden = prop::collection::vec((1_usize..40, activation()), 0..4);
    (1_usize..20, hidden, outputs, any::<u64>()).prop_map(|(inputs, hidden, outputs, seed)| {
        let mut layers = Vec::new();
        let mut width = inputs;
        for (next, function) in hidden.into_iter().chain([(outputs, Activation::Identity)]) {
            layers.push(Layer::new(width, next, function));
            width = next;
        }
        let stack = Stack::from_layers(layers);
        let params = numbers(seed, stack.params()).map(|u| 0.8 * u).collect();
        Network::new(stack, params)
    })
}

/// Uniform in (−1, 1), from a small generator of its own.
pub(super) fn numbers(seed: u64, n: usize) -> impl Iterator<Item = f64> {
    let mut state = seed | 1;
    (0..n).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    })
}

pub(super) fn batch(n: usize, columns: usize, seed: u64) -> faer::Mat<f64> {
    let mut numbers = numbers(seed, n * columns);
    faer::Mat::from_fn(n, columns, |_, _| numbers.next().expect("n × columns of them"))
}

/// All that this machine has.
pub(super) fn instruction_sets() -> Vec<pulp::Arch> {
    #[allow(unused_mut, reason = "other targets have no more")]
    let mut all = vec![pulp::Arch::Scalar, pulp::Arch::new()];
    #[cfg(target_arch = "x86_64")]
    all.extend(pulp::x86::V3::try_new().map(pulp::Arch::V3));
    all
}

pub(super) fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Batches of any length, ragged last tile included, give what the naive network gives; f32 gives it to f32 accuracy.
    #[test]
    fn values_are_the_naive_values(net in network(1_usize..4), n in 1_usize..150, seed in any::<u64>()) {
        let x = batch(n, net.chain().inputs(), seed);
        let y = net.value(x.as_ref());
        let single = net.cast::<f32>().value(faer::Mat::from_fn(n, x.ncols(), |r, j| x[(r, j)] as f32).as_ref());
        for r in [0, n / 2, n - 1] {
            let row: Vec<f64> = x.row(r).iter().copied().collect();
            for (o, want) in naive::forward(net.chain().layers(), net.params(), &row).into_iter().enumerate() {
                prop_assert!(close(y[(r, o)], want, 1e-12), "{} ≠ {want}", y[(r, o)]);
                prop_assert!(close(f64::from(single[(r, o)]), want, 2e-3), "{} ≠ {want} in f32", single[(r, o)]);
            }
        }
    }

    /// `uᵀHv = vᵀHu`, and gradient and Hessian product are the slopes of values and gradients.
    #[test]
    fn hessians_are_symmetric_and_slopes_agree(net in network(Just(1_usize)), seed in any::<u64>()) {
        // A kink has no slope to agree with.
        prop_assume!(net.chain().layers().iter().all(|l| l.activation != Activation::Relu));
        let inputs = net.chain().inputs();
        let (x, u, v) = (batch(3, inputs, seed), batch(1, inputs, seed ^ 5), batch(1, inputs, seed ^ 9));
        let (u, v): (Vec<f64>, Vec<f64>) = (u.row(0).iter().copied().collect(), v.row(0).iter().copied().collect());
        let (y, dy, hv) = net.hvp(x.as_ref(), &v);
        let (_, _, hu) = net.hvp(x.as_ref(), &u);
        let (h, dot) = (1e-5, |m: &faer::Mat<f64>, r: usize, w: &[f64]| (0..inputs).map(|j| m[(r, j)] * w[j]).sum::<f64>());
        let shifted = |s: f64| net.value_and_gradient(faer::Mat::from_fn(3, inputs, |r, j| x[(r, j)] + s * v[j]).as_ref());
        let ((y0, d0), (y1, d1)) = (shifted(-h), shifted(h));
        for r in 0..3 {
            prop_assert!(close(dot(&hv, r, &u), dot(&hu, r, &v), 1e-10));
            prop_assert!(close(dot(&dy, r, &v), (y1[(r, 0)] - y0[(r, 0)]) / (2.0 * h), 1e-7), "gradient at {}", y[(r, 0)]);
            for j in 0..inputs {
                prop_assert!(close(hv[(r, j)], (d1[(r, j)] - d0[(r, j)]) / (2.0 * h), 1e-6), "Hessian");
            }
        }
    }

    /// `⟨ȳ, J ẋ⟩ = ⟨Jᵀȳ, ẋ⟩` with several outputs.
    #[test]
    fn tangents_and_adjoints_are_dual(net in network(1_usize..4), seed in any::<u64>()) {
        let mut ws = net.workspace();
        let mut numbers = numbers(seed, usize::MAX);
        let mut fill = |columns: &mut [[f64; TILE]]| columns.as_flattened_mut().fill_with(|| numbers.next().expect("endless"));
        fill(ws.input_mut(Slot::Value));
        fill(ws.input_mut(Slot::Dot));
        fill(ws.output_mut(Slot::Bar));
        let y_bar = ws.output(Slot::Bar).to_vec();
        net.forward::<2, _>(&mut ws);
        net.reverse::<2, _>(&mut ws);
        net.tangent(&mut ws);
        for r in [0, TILE - 1] {
            let dot = |a: &[[f64; TILE]], b: &[[f64; TILE]]| a.iter().zip(b).map(|(a, b)| a[r] * b[r]).sum::<f64>();
            let forward = dot(&y_bar, ws.output(Slot::Dot));
            let reverse = dot(ws.input(Slot::Bar), ws.input(Slot::Dot));
            prop_assert!(close(forward, reverse, 1e-11), "{forward} ≠ {reverse}");
        }
    }

    /// A removed node that gives the same for every input changes nothing once folded.
    #[test]
    fn folding_a_constant_node_changes_nothing(mut net in network(1_usize..3), seed in any::<u64>()) {
        let layers = net.chain().layers().to_vec();
        prop_assume!(layers.len() > 1 && layers[0].fan_out.0 > 1);
        let (inputs, nodes) = (layers[0].fan_in.0, layers[0].fan_out.0);
        let gone = seed as usize % nodes;
        net.params_mut()[gone * inputs..(gone + 1) * inputs].fill(0.0);
        let bias = net.params()[nodes * inputs + gone];
        let mut fold = vec![f64::NAN; nodes];
        fold[gone] = naive::forward(&layers[..1], net.params(), &vec![0.3; inputs])[gone];
        let x = batch(5, inputs, seed);
        let before = net.value(x.as_ref());
        let keep: Vec<usize> = (0..nodes).filter(|&n| n != gone).collect();
        net.keep_nodes(0, &keep, &fold);
        prop_assert_eq!(net.chain().layers()[0].fan_out.0, nodes - 1);
        let after = net.value(x.as_ref());
        for r in 0..5 {
            prop_assert!(close(before[(r, 0)], after[(r, 0)], 1e-12), "node of bias {bias}: {} ≠ {}", before[(r, 0)], after[(r, 0)]);
        }
    }
}

mod typed {
    use super::*;
    use crate::nn::{Fixed, Frozen};

    crate::network!(Mixed: 3 => 5 silu => 4 tanh => 3 softplus => 2 sigmoid => 1);

    /// Typed, run-time and frozen forms of one network give the same value, gradient and Hessian product.
    #[test]
    fn typed_thawed_and_frozen_agree() {
        let params: Vec<f64> = numbers(3, Mixed::PARAMS).collect();
        let typed = Network::new(Mixed, params.clone());
        let frozen: Frozen<Mixed, f64> = typed.freeze();
        assert_eq!(size_of_val(&frozen), 8 * Mixed::PARAMS);
        let thawed = typed.clone().thaw();
        let (x, v) = ([0.3, -0.7, 1.1], [0.2, 0.5, -1.0]);
        let (y, dy, hv) = frozen.hvp(&x, &v);
        assert_eq!(y, frozen.value(&x));
        assert_eq!((y, dy), frozen.value_and_gradient(&x));
        for (y1, dy1, hv1) in [
            typed.hvp(faer::Mat::from_fn(1, 3, |_, j| x[j]).as_ref(), &v),
            thawed.hvp(faer::Mat::from_fn(1, 3, |_, j| x[j]).as_ref(), &v),
        ] {
            assert!(close(y, y1[(0, 0)], 1e-14));
            for j in 0..3 {
                assert!(close(dy[j], dy1[(0, j)], 1e-14) && close(hv[j], hv1[(0, j)], 1e-13));
            }
        }
        assert_eq!(thawed.fix::<Mixed>().expect("the same shape").params(), params);
    }

    #[test]
    fn another_shape_is_refused_in_words() {
        let mut rng = crate::math::random::Streams::new(1, crate::math::random::Purpose::Initialisation);
        let net = Network::<_, f64>::init(Stack::mlp(3, &[4], 1, Activation::Silu), &mut rng.next().expect("endless"));
        let error = net.fix::<Mixed>().expect_err("another shape");
        assert_eq!(
            error.to_string(),
            "expected a network 3 => 5 silu => 4 tanh => 3 softplus => 2 sigmoid => 1 identity, found 3 => 4 silu => 1 identity"
        );
    }
}
