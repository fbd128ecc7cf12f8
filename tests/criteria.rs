//! Criteria where the answer is known: dead nodes, duplicates, losses in closed form.

use faer::linalg::solvers::SolveLstsq as _;
use faer::{Mat, MatRef};
use sobolev::interval::Interval;
use sobolev::math::Activation;
use sobolev::math::random::{Purpose, Streams};
use sobolev::nn::{Network, Stack};
use sobolev::prune::{CRITERIA, Samples, criterion};

fn net(inputs: usize, hidden: &[usize], outputs: usize, seed: u64) -> Network<Stack, f64> {
    let mut rng = Streams::new(seed, Purpose::Initialisation).next().unwrap();
    let mut net = Network::init(Stack::mlp(inputs, hidden, outputs, Activation::Tanh), &mut rng);
    // Bent enough that no node is nearly a mixture of the others.
    net.params_mut()[..inputs * hidden[0]].iter_mut().for_each(|w| *w *= 4.0);
    net
}

fn inputs(n: usize, columns: usize) -> Mat<f64> {
    Mat::from_fn(n, columns, |r, j| ((7 * r + 3 * j) as f64 * 0.37 + (r * j) as f64 * 0.11).sin())
}

fn samples<'a>(x: &'a Mat<f64>, targets: Option<MatRef<'a, f64>>) -> Samples<'a> {
    Samples { inputs: x.as_ref(), targets, domain: vec![Interval::new(-1.0, 1.0).unwrap(); x.ncols()] }
}

/// `outgoing[node] = 0` for the last layer of a network of one hidden layer.
fn outgoing(net: &mut Network<Stack, f64>, node: usize) -> &mut f64 {
    let nodes = net.chain().hidden()[0];
    let at = net.params().len() - nodes - 1 + node;
    &mut net.params_mut()[at]
}

#[test]
fn every_name_is_a_criterion_and_says_so() {
    let (net, x) = (net(3, &[6, 4], 2, 1), inputs(70, 3));
    let y = net.value(x.as_ref());
    for name in CRITERIA.into_iter().chain(["interval/4", "both/3", "edges-linear/2"]) {
        let mut c = criterion(name, 1).unwrap();
        if name != "edges" {
            assert_eq!(c.name(), name);
        }
        // Labels that are the outputs themselves leave nothing to explain to first order; others do.
        let targets = Mat::from_fn(70, 2, |r, o| 0.9 * y[(r, o)] + 0.1);
        for targets in [None, Some(targets.as_ref())] {
            let scores = c.scores(&net, &samples(&x, targets));
            assert_eq!(scores.iter().map(Vec::len).collect::<Vec<_>>(), [6, 4], "{name}");
            assert!(scores.iter().flatten().all(|s| s.is_finite() && *s >= 0.0), "{name}: {scores:?}");
            if name != "random" {
                for layer in 0..2 {
                    assert_eq!(c.layer_scores(&net, &samples(&x, targets), layer), scores[layer], "{name}");
                }
            }
        }
    }
    for (name, says) in [("both/0", "boxes"), ("hessian", "expected one of interval"), ("obs/3", "expected")] {
        let error = criterion(name, 1).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

/// Nothing comes from a node without weights out.
#[test]
fn dead_nodes_are_worth_least() {
    let (mut net, x) = (net(3, &[7], 1, 2), inputs(200, 3));
    *outgoing(&mut net, 4) = 0.0;
    let y = net.value(x.as_ref());
    let targets = Mat::from_fn(200, 1, |r, _| y[(r, 0)] + 0.3 * (r as f64).sin());
    for name in CRITERIA.into_iter().filter(|n| *n != "random") {
        let scores = criterion(name, 1).unwrap().scores(&net, &samples(&x, Some(targets.as_ref()))).swap_remove(0);
        let others = (0..7).filter(|&n| n != 4).map(|n| scores[n]).fold(f64::INFINITY, f64::min);
        // OBS sees next to no loss: as much as its damping hides.
        assert!(scores[4] < if name == "obs" { 1e-3 } else { 1e-6 } * others, "{name}: {scores:?}");
    }
}

/// OBD takes nodes one at a time, OBS knows that one of two equal nodes can stand in for the other.
#[test]
fn a_duplicate_costs_the_surgeon_nothing_once() {
    let (mut net, x) = (net(3, &[6], 1, 3), inputs(300, 3));
    for i in 0..3 {
        net.params_mut()[3 * 5 + i] = net.params()[3 * 2 + i];
    }
    *outgoing(&mut net, 2) = 0.8;
    *outgoing(&mut net, 5) = 0.8;
    let score = |name| criterion(name, 1).unwrap().scores(&net, &samples(&x, None)).swap_remove(0);
    let (damage, surgeon) = (score("obd"), score("obs"));
    assert!((damage[2] / damage[5] - 1.0).abs() < 1e-12);
    let (first, second) = (surgeon[2].min(surgeon[5]), surgeon[2].max(surgeon[5]));
    assert!(first < 1e-6 * damage[2], "the first is free: {surgeon:?}");
    assert!(second > 0.1 * damage[2], "the second is not: {surgeon:?}");
    assert!(surgeon.iter().all(|s| *s >= first), "{surgeon:?}");
}

/// With one hidden layer and a linear output the loss is quadratic in the gates. At its minimum OBS predicts exactly what the
/// least-squares fit without the removed nodes costs, however many are gone; OBD what zeroing a gate costs.
#[test]
fn predicted_losses_are_the_actual_ones_for_a_linear_least_squares_layer() {
    let (n, nodes) = (400, 5);
    let (mut net, x) = (net(2, &[nodes], 1, 4), inputs(n, 2));
    // Deviations of the hidden nodes from their means, by a network that ends there.
    let mut head = net.clone();
    head.truncate_after(0);
    let z = head.value(x.as_ref());
    let h = Mat::from_fn(n, nodes, |r, j| z[(r, j)].tanh());
    let mean = |j: usize| (0..n).map(|r| h[(r, j)]).sum::<f64>() / n as f64;
    let means: Vec<f64> = (0..nodes).map(mean).collect();
    let d = Mat::from_fn(n, nodes, |r, j| h[(r, j)] - means[j]);
    // Labels with a part that no gate can explain; the bias is theirs.
    let label = |r: usize| (x[(r, 0)] * 1.3).exp() - x[(r, 1)];
    let target_mean = (0..n).map(label).sum::<f64>() / n as f64;
    let t = Mat::from_fn(n, 1, |r, _| label(r) - target_mean);
    let fit = |columns: &[usize]| -> (Mat<f64>, f64) {
        let part = Mat::from_fn(n, columns.len(), |r, k| d[(r, columns[k])]);
        let w = part.qr().solve_lstsq(&t);
        let rest = &t - &part * &w;
        (w, (0..n).map(|r| 0.5 * rest[(r, 0)].powi(2)).sum::<f64>() / n as f64)
    };
    let all: Vec<usize> = (0..nodes).collect();
    let (w, least) = fit(&all);
    for j in 0..nodes {
        *outgoing(&mut net, j) = w[(j, 0)];
    }
    let score = |name| criterion(name, 1).unwrap().scores(&net, &samples(&x, None)).swap_remove(0);

    let obs = score("obs");
    let mut order = all.clone();
    order.sort_by(|&a, &b| obs[a].total_cmp(&obs[b]));
    for gone in 1..nodes {
        let left: Vec<usize> = order[gone..].to_vec();
        let actual = fit(&left).1 - least;
        let predicted = obs[order[gone - 1]];
        assert!((predicted - actual).abs() < 1e-4 * actual, "{gone} gone: {predicted} predicted, {actual} actual");
    }

    for (j, predicted) in score("obd").into_iter().enumerate() {
        // Zeroing one gate at the minimum: the cost is the quadratic term alone.
        let loss = (0..n).map(|r| {
            let y: f64 = (0..nodes).filter(|&k| k != j).map(|k| w[(k, 0)] * d[(r, k)]).sum();
            0.5 * (t[(r, 0)] - y).powi(2)
        });
        let actual = loss.sum::<f64>() / n as f64 - least;
        assert!((predicted - actual).abs() < 1e-9 * actual, "{predicted} predicted, {actual} actual");
    }
}

/// Taylor and SNIP against finite differences of the loss in a gate, by hand: `n ↦ n̄ + c(n − n̄)` is a change of the outgoing
/// weight and of the output's bias.
#[test]
fn first_order_terms_are_derivatives_by_a_gate() {
    let (n, nodes) = (65, 4);
    let (net, x) = (net(2, &[nodes], 1, 5), inputs(n, 2));
    let t = Mat::from_fn(n, 1, |r, _| (r as f64 * 0.3).cos());
    let sampled = sobolev::significance::Sampled::of(&net, x.as_ref());
    let losses = |node: usize, c: f64| -> Vec<f64> {
        let mut gated = net.clone();
        let w = *outgoing(&mut gated, node);
        *outgoing(&mut gated, node) = c * w;
        let bias = gated.params().len() - 1;
        gated.params_mut()[bias] += (1.0 - c) * w * sampled[1][node].mean;
        let y = gated.value(x.as_ref());
        (0..n).map(|r| 0.5 * (y[(r, 0)] - t[(r, 0)]).powi(2)).collect()
    };
    let step = 1e-5;
    let slopes = |node: usize| -> Vec<f64> {
        losses(node, 1.0 + step).iter().zip(losses(node, 1.0 - step)).map(|(a, b)| (a - b) / (2.0 * step)).collect()
    };
    let score = |name| criterion(name, 1).unwrap().scores(&net, &samples(&x, Some(t.as_ref()))).swap_remove(0);
    let (taylor, snip) = (score("taylor"), score("snip"));
    let total: f64 = (0..nodes).map(|j| (slopes(j).iter().sum::<f64>() / n as f64).abs()).sum();
    for j in 0..nodes {
        let mean = |f: fn(f64) -> f64| slopes(j).into_iter().map(f).sum::<f64>() / n as f64;
        assert!((taylor[j] - mean(f64::abs)).abs() < 1e-8, "node {j}");
        assert!((snip[j] - mean(|s| s).abs() / total).abs() < 1e-7, "node {j}");
    }
}
