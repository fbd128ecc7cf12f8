//! Example 3.1 and Table 1: the first golden test. Weights and biases follow from the printed trace.
#![expect(clippy::approx_constant, reason = "1.0472 is what the trace prints, not π/3")]

use sobolev::interval::Interval;
use sobolev::math::Activation;
use sobolev::nn::{Network, Stack};
use sobolev::significance::{Aggregate, Trace, scores};

/// Figure 3's network: x → 2 relu → 2 relu → 1.
fn figure3() -> Network<Stack, f64> {
    let first = [0.12544, 0.0277, 0.11213, -0.0023, 0.16196, 0.2786];
    let second = [0.15737, 0.26657, 0.49374, 0.84829, 0.0936, 0.2990];
    let output = [0.4287, 1.3663, 0.2183];
    Network::new(Stack::mlp(2, &[2, 2], 1, Activation::Relu), [&first[..], &second, &output].concat())
}

fn domain() -> [Interval; 2] {
    [Interval::new(1.0, 10.0).expect("in order"); 2]
}

#[track_caller]
fn is(what: Interval, inf: f64, sup: f64) {
    // The paper prints three or four digits, rounded, of numbers that its own rounded parameters moved.
    assert!((what.inf() - inf).abs() < 1.1e-3 && (what.sup() - sup).abs() < 1.1e-3, "{what} is not [{inf}, {sup}]");
}

#[test]
fn every_interval_of_table_1() {
    let (net, x) = (figure3(), domain());
    let trace = Trace::of(&net, &x, 0);
    let products = |layer: usize| -> Vec<Interval> {
        let (w, _) = net.layer_params(layer);
        let n = &trace.nodes[layer];
        w.iter().enumerate().map(|(i, w)| n[i % n.len()] * Interval::point(*w)).collect()
    };
    let (t0, t1, t2) = (products(0), products(1), products(2));
    is(t0[0], 0.12544, 1.2544);
    is(t0[1], 0.0277, 0.277);
    is(t0[2], 0.1121, 1.1213);
    is(t0[3], -0.023, -0.002);
    is(trace.pre_activations[0][0], 0.315, 1.693);
    is(trace.pre_activations[0][1], 0.368, 1.397);
    is(trace.nodes[1][0], 0.3151, 1.6934);
    is(trace.nodes[1][1], 0.3677, 1.3974);
    is(t1[0], 0.0496, 0.2665);
    is(t1[1], 0.098, 0.3725);
    is(t1[2], 0.1556, 0.8361);
    is(t1[3], 0.3119, 1.1854);
    is(trace.pre_activations[1][0], 0.241, 0.733);
    is(trace.pre_activations[1][1], 0.766, 2.321);
    is(trace.nodes[2][0], 0.241, 0.733);
    is(trace.nodes[2][1], 0.7664, 2.3205);
    is(t2[0], 0.1034, 0.3141);
    is(t2[1], 1.0472, 3.1706);
    is(trace.nodes[3][0], 1.369, 3.703);

    // Adjoints. Of a sum, t̄ = k̄ of the node it enters.
    is(trace.adjoints[3][0], 1.0, 1.0);
    is(trace.pre_adjoints[2][0], 1.0, 1.0);
    is(trace.adjoints[2][0], 0.4287, 0.4287);
    is(trace.adjoints[2][1], 1.3663, 1.3663);
    is(trace.pre_adjoints[1][0], 0.4287, 0.4287);
    is(trace.pre_adjoints[1][1], 1.3663, 1.3663);
    is(trace.adjoints[1][0], 0.7421, 0.7421);
    is(trace.adjoints[1][1], 1.2733, 1.2733);
    is(trace.pre_adjoints[0][0], 0.7421, 0.7421);
    is(trace.pre_adjoints[0][1], 1.2733, 1.2733);
}

#[test]
fn scores_of_example_3_1() {
    let scores = scores(&figure3(), &domain(), Aggregate::Max);
    let printed = |layer: usize| -> Vec<String> { scores[layer].iter().map(|s| format!("{s:.2}")).collect() };
    assert_eq!(printed(1), ["1.02", "1.31"]);
    assert_eq!(printed(2), ["0.21", "2.12"]);
}

/// §3.2: node (1, 0) goes, the midpoint of what it sent on goes into the next bias.
#[test]
fn folding_the_midpoint() {
    let (mut net, x) = (figure3(), domain());
    let trace = Trace::of(&net, &x, 0);
    let fold: Vec<f64> = trace.nodes[2].iter().map(|n| n.mid()).collect();
    net.keep_nodes(1, &[1], &fold);
    let (weights, bias) = net.layer_params(2);
    assert_eq!(weights, [1.3663]);
    let sent = trace.nodes[2][0] * Interval::point(0.4287);
    assert!((bias[0] - (0.2183 + sent.mid())).abs() < 1e-15);
}

#[test]
fn several_outputs_by_maximum_or_sum() {
    let (mut params, stack) = (figure3().params().to_vec(), Stack::mlp(2, &[2, 2], 2, Activation::Relu));
    // A second output that is −½ the first.
    params.splice(12.., [0.4287, 1.3663, -0.21435, -0.68315, 0.2183, -0.10915]);
    let net = Network::new(stack, params);
    let (max, sum) = (scores(&net, &domain(), Aggregate::Max), scores(&net, &domain(), Aggregate::Sum));
    let one = scores(&figure3(), &domain(), Aggregate::Max);
    for (max, (sum, one)) in max[..3].iter().flatten().zip(sum[..3].iter().flatten().zip(one[..3].iter().flatten())) {
        assert!((max / one - 1.0).abs() < 1e-14 && (sum / (1.5 * one) - 1.0).abs() < 1e-14);
    }
}
