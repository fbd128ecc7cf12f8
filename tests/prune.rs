//! Pruning: what goes and what stays, history, collapse, errors.

use faer::Mat;
use sobolev::error::Error;
use sobolev::interval::Interval;
use sobolev::math::Activation;
use sobolev::math::random::{Purpose, Streams};
use sobolev::nn::{Network, Stack};
use sobolev::prune::{Fold, Pruner, Samples, collapse, criterion};

const NAMES: [&str; 4] = ["interval", "sampled", "magnitude", "random"];

fn net(hidden: &[usize], seed: u64) -> Network<Stack, f64> {
    let mut rng = Streams::new(seed, Purpose::Initialisation).next().unwrap();
    Network::init(Stack::mlp(3, hidden, 1, Activation::Silu), &mut rng)
}

fn inputs(n: usize) -> Mat<f64> {
    Mat::from_fn(n, 3, |r, j| ((7 * r + 3 * j) as f64 * 0.37).sin())
}

fn samples(inputs: &Mat<f64>) -> Samples<'_> {
    Samples { inputs: inputs.as_ref(), targets: None, domain: vec![Interval::new(-1.0, 1.0).unwrap(); 3] }
}

fn pruner(widths: &[usize]) -> Pruner {
    Pruner { widths: widths.to_vec(), keep: 0.5, fold: Fold::Mean }
}

/// Nodes that do nothing (no weights out) are the first that every informed criterion removes.
#[test]
fn idle_nodes_go_first() {
    for name in ["interval", "sampled", "magnitude"] {
        let mut net = net(&[8, 4], 3);
        let idle = [1, 4, 6];
        for o in 0..4 {
            for n in idle {
                net.params_mut()[4 * 8 + o * 8 + n] = 0.0;
            }
        }
        let x = inputs(200);
        let before = net.value(x.as_ref());
        let mut criterion = criterion(name, 1).unwrap();
        let scores = criterion.scores(&net, &samples(&x));
        assert_eq!(scores.iter().map(Vec::len).collect::<Vec<_>>(), [8, 4]);
        // The interval kernels bound a sum of nothing by the least normal number.
        assert!(idle.iter().all(|&n| scores[0][n] < 1e-300), "{name}: {:?}", scores[0]);
        let pruner = Pruner { keep: 0.7, ..pruner(&[5, 4]) };
        let history = pruner.run(&mut net, &mut *criterion, &samples(&x), |_| 0.0, |_, _| Ok(())).unwrap();
        assert_eq!(history.remaining()[0], [0, 2, 3, 5, 7], "{name}");
        let after = net.value(x.as_ref());
        assert!((0..200).all(|r| (before[(r, 0)] - after[(r, 0)]).abs() < 1e-13), "{name}");
    }
}

/// Eq. (3) is no less than what samples show, node by node.
#[test]
fn interval_scores_bound_sampled_ones() {
    for seed in 1..6 {
        let (net, x) = (net(&[12, 9, 5], seed), inputs(500));
        let score = |name: &str| criterion(name, 1).unwrap().scores(&net, &samples(&x));
        for (bound, sampled) in score("interval").iter().flatten().zip(score("sampled").iter().flatten()) {
            assert!(*bound >= *sampled && *sampled > 0.0, "{bound} < {sampled}");
        }
    }
}

#[test]
fn rounds_reach_the_target_and_are_recorded_in_original_indices() {
    for name in NAMES {
        let original = net(&[20, 16, 6], 5);
        let (mut pruned, x) = (original.clone(), inputs(100));
        let mut rounds = Vec::new();
        let history = pruner(&[3, 1, 6])
            .run(
                &mut pruned,
                &mut *criterion(name, 9).unwrap(),
                &samples(&x),
                |_| 1.0,
                |net, round| {
                    rounds.push((round, net.chain().hidden()));
                    Ok(())
                },
            )
            .unwrap();
        assert_eq!(pruned.chain().hidden(), [3, 1, 6]);
        let widths = [vec![10, 8, 6], vec![5, 4, 6], vec![3, 2, 6], vec![3, 1, 6]];
        assert_eq!(rounds, widths.iter().cloned().enumerate().collect::<Vec<_>>(), "{name}");
        let mut gone: Vec<usize> = history
            .rounds
            .iter()
            .flat_map(|r| &r.cuts)
            .filter(|c| c.layer == 0)
            .flat_map(|c| &c.removed)
            .map(|r| r.0)
            .collect();
        gone.extend(&history.remaining()[0]);
        gone.sort_unstable();
        assert_eq!(gone, (0..20).collect::<Vec<_>>(), "{name}: every node goes once or stays");
        // Nothing was retrained, so that replaying the cuts on the original gives the same network.
        let mut replayed = original.clone();
        history.replay(&mut replayed);
        for (a, b) in replayed.params().iter().zip(pruned.params()) {
            assert!((a - b).abs() <= 1e-14 * a.abs().max(1.0), "{name}: {a} ≠ {b}");
        }
        // The nodes that stay kept their weights.
        let (w, _) = original.layer_params(0);
        let (kept, _) = pruned.layer_params(0);
        for (row, &n) in kept.chunks_exact(3).zip(&history.remaining()[0]) {
            assert_eq!(row, &w[3 * n..3 * n + 3]);
        }
    }
}

#[test]
fn midpoints_fold_the_middle_of_the_enclosure() {
    let mut net = net(&[4, 2], 2);
    let x = inputs(50);
    let trace = sobolev::significance::Trace::of(&net, &samples(&x).domain, 0);
    let pruner = Pruner { fold: Fold::Midpoint, keep: 0.75, widths: vec![3, 2] };
    let history =
        pruner.run(&mut net, &mut *criterion("interval", 1).unwrap(), &samples(&x), |_| 0.0, |_, _| Ok(())).unwrap();
    let (node, constant) = history.rounds[0].cuts[0].removed[0];
    assert_eq!(constant, trace.nodes[1][node].mid());
}

#[test]
fn impossible_targets_name_the_layer() {
    let x = inputs(10);
    for (widths, says) in [(vec![3, 0], "layer 1"), (vec![9, 2], "layer 0 has 8 nodes"), (vec![3], "2 hidden layers")] {
        let mut net = net(&[8, 4], 1);
        let before = net.clone();
        let run =
            pruner(&widths).run(&mut net, &mut *criterion("random", 1).unwrap(), &samples(&x), |_| 0.0, |_, _| Ok(()));
        let error = run.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        assert_eq!(net, before);
    }
    assert!(criterion("significance", 1).is_err());
}

#[test]
fn a_failing_retraining_stops_and_leaves_what_it_left() {
    let (mut net, x) = (net(&[8], 1), inputs(10));
    let run = pruner(&[1]).run(
        &mut net,
        &mut *criterion("magnitude", 1).unwrap(),
        &samples(&x),
        |_| 0.0,
        |_, round| {
            if round == 1 { Err(Error::Interrupted) } else { Ok(()) }
        },
    );
    assert!(matches!(run, Err(Error::Interrupted)));
    assert_eq!(net.chain().hidden(), [2]);
}

/// §6.1, Figure 7: behind a one-node layer the network is a function of one variable; where that is straight, nothing is
/// lost.
#[test]
fn collapsing_keeps_a_straight_tail() {
    let mut rng = Streams::new(4, Purpose::Initialisation).next().unwrap();
    let layers = {
        use sobolev::nn::Layer;
        let linear = Activation::Identity;
        vec![
            Layer::new(3, 4, Activation::Silu),
            Layer::new(4, 1, linear),
            Layer::new(1, 2, linear),
            Layer::new(2, 1, linear),
        ]
    };
    let mut net = Network::<_, f64>::init(Stack::from_layers(layers), &mut rng);
    let x = inputs(100);
    let before = net.value(x.as_ref());
    assert_eq!(collapse(&mut net, x.as_ref()).unwrap(), [4]);
    assert_eq!(net.describe(), "3 => 4 silu => 1 identity");
    let after = net.value(x.as_ref());
    assert!((0..100).all(|r| (before[(r, 0)] - after[(r, 0)]).abs() < 1e-12));
    assert!(collapse(&mut net, x.as_ref()).is_err(), "no hidden layer of one node is left");
}
