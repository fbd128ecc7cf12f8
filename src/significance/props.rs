//! Soundness: whatever the shape, the weights and the enclosure, points stay inside, values and derivatives alike.

use proptest::prelude::*;

use super::lines::Lines;
use super::{Aggregate, Cover, Enclosure, Method, Prepared, Sampled, Trace, naive};
use crate::interval::Interval;
use crate::math::Activation;
use crate::nn::{Chain as _, Layer, Network, Stack};

/// A network of three inputs and two outputs, a box, and a point in it (as shares).
#[derive(Clone, Debug)]
struct Case {
    net: Network<Stack, f64>,
    domain: Vec<Interval>,
    at: Vec<f64>,
}

impl Case {
    fn point(&self) -> Vec<Interval> {
        let at = |(x, t): (&Interval, &f64)| (x.inf() + t * (x.sup() - x.inf())).clamp(x.inf(), x.sup());
        self.domain.iter().zip(&self.at).map(at).map(Interval::point).collect()
    }
}

fn activation() -> impl Strategy<Value = Activation> {
    prop::sample::select(Activation::ALL.to_vec())
}

/// Ordinary weights, and now and then ones that are zero, tiny, huge, or cancel each other.
fn weights() -> impl Strategy<Value = Vec<f64>> {
    let ordinary = prop::collection::vec(-1.5_f64..1.5, 400);
    (ordinary, prop_oneof![3 => Just(0), 1 => 1..4_usize], 0_usize..400).prop_map(|(mut w, kind, at)| {
        match kind {
            0 => {}
            1 => w[at] = 1e12,
            2 => w.iter_mut().step_by(3).for_each(|w| *w *= 1e9),
            _ => {
                for k in (0..398).step_by(2) {
                    (w[k], w[k + 1]) = (1e7 + w[k], -1e7);
                }
            }
        }
        w
    })
}

fn case() -> impl Strategy<Value = Case> {
    let shape = (prop::collection::vec(1_usize..7, 1..4), prop::collection::vec(activation(), 4));
    let domain = prop::collection::vec((-2.0_f64..2.0, prop_oneof![Just(0.0), 0.0_f64..0.1, 0.0_f64..2.0]), 3);
    (shape, weights(), domain, prop::collection::vec(0.0_f64..=1.0, 3)).prop_map(
        |((hidden, functions), w, corners, at)| {
            let widths = [&[3], &hidden[..], &[2]].concat();
            let layer = |(l, w): (usize, &[usize])| Layer::new(w[0], w[1], functions[l]);
            let stack = Stack::from_layers(widths.windows(2).enumerate().map(layer).collect());
            let params = w[..stack.params()].to_vec();
            let domain = corners.iter().map(|(c, w)| Interval::new(*c, c + w).expect("in order")).collect();
            Case { net: Network::new(stack, params), domain, at }
        },
    )
}

/// Every interval of a trace.
fn all(trace: &Trace) -> impl Iterator<Item = &Interval> {
    [&trace.nodes, &trace.pre_activations, &trace.adjoints, &trace.pre_adjoints].into_iter().flatten().flatten()
}

fn methods() -> Vec<Method> {
    let each = Enclosure::ALL.map(|enclosure| Method { enclosure, boxes: 1 });
    each.into_iter()
        .chain([Method { enclosure: Enclosure::Interval, boxes: 70 }, Method { enclosure: Enclosure::Both, boxes: 5 }])
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// At a point interval arithmetic gives thin intervals around the truth, which every enclosure must share.
    #[test]
    fn points_stay_inside_of_every_enclosure(case in case()) {
        let prepared = Prepared::new(&case.net, Enclosure::Both);
        for output in 0..2 {
            let truth = naive::trace(&case.net, &case.point(), output);
            for method in methods() {
                let trace = method.trace(&prepared, &case.domain, output);
                for (k, (enclosure, thin)) in all(&trace).zip(all(&truth)).enumerate() {
                    prop_assert!(!enclosure.is_disjoint(*thin), "{method}, interval {k}: {thin:?} outside of {enclosure:?}");
                }
            }
        }
    }

    /// The kernels give what interval operations one after the other give, up to the rounding of their sums.
    #[test]
    fn interval_arithmetic_is_the_specification(case in case()) {
        for output in 0..2 {
            let (fast, slow) = (Trace::of(&case.net, &case.domain, output), naive::trace(&case.net, &case.domain, output));
            let mut largest = 1.0_f64;
            let weight = case.net.params().iter().fold(0.0_f64, |most, w| most.max(w.abs()));
            for (fast, slow) in all(&fast).zip(all(&slow)) {
                // Rounding is relative to the terms of a sum, which may cancel: numbers of the layers before times weights.
                largest = largest.max(slow.mag());
                let slack = (1e-10 + 1e-13 * weight) * largest * largest;
                prop_assert!(fast.width() <= slow.width() + slack, "{fast:?} beside {slow:?}");
                prop_assert!(slow.inf() <= fast.sup() && fast.inf() <= slow.sup(), "{fast:?} beside {slow:?}");
            }
        }
    }

    /// The others only ever add knowledge to interval arithmetic, and all of them at once to each.
    #[test]
    fn enclosures_are_met_with_the_interval(case in case()) {
        let prepared = Prepared::new(&case.net, Enclosure::Both);
        let trace = |enclosure| Method { enclosure, boxes: 1 }.trace(&prepared, &case.domain, 1);
        let plain = trace(Enclosure::Interval);
        let weight = case.net.params().iter().fold(0.0_f64, |most, w| most.max(w.abs()));
        for enclosure in [Enclosure::Ball, Enclosure::Linear, Enclosure::Both] {
            let mut largest = 1.0_f64;
            for (tight, plain) in all(&trace(enclosure)).zip(all(&plain)) {
                // A tighter argument may round differently on the next layer, by so much of the terms of its sum, which may cancel: that much
                // is an activation off that vanishes as eˣ, relative to itself.
                largest = largest.max(plain.mag());
                let slack = (1e-9 + 1e-16 * weight * largest) * plain.mag().max(1e-300);
                prop_assert!(tight.inf() >= plain.inf() - slack && tight.sup() <= plain.sup() + slack, "{tight:?} ⊄ {plain:?}");
            }
        }
    }

    /// Over a part of a box, interval arithmetic gives a part of the result, up to rounding.
    #[test]
    fn interval_arithmetic_is_isotonic(case in case()) {
        let part: Vec<Interval> = case.domain.iter().zip(case.point()).map(|(x, p)| Interval::new(x.inf(), p.sup()).expect("in order")).collect();
        let (whole, part) = (Trace::of(&case.net, &case.domain, 0), Trace::of(&case.net, &part, 0));
        for (part, whole) in all(&part).zip(all(&whole)) {
            let slack = 1e-9 * whole.mag().max(1e-300);
            prop_assert!(part.inf() >= whole.inf() - slack && part.sup() <= whole.sup() + slack, "{part:?} ⊄ {whole:?}");
        }
    }

    /// Scores bound what samples show, of nodes and of the weights that leave them.
    #[test]
    fn scores_bound_samples(case in case()) {
        let point = case.point();
        let x = faer::Mat::from_fn(40, 3, |r, j| {
            let (x, t) = (case.domain[j], (r as f64 * 0.618 * (j + 1) as f64 + case.at[j]).fract());
            if r == 0 { point[j].inf() } else { (x.inf() + t * (x.sup() - x.inf())).clamp(x.inf(), x.sup()) }
        });
        let sampled = Sampled::of(&case.net, x.as_ref());
        for method in [Method::default(), Method { enclosure: Enclosure::Both, boxes: 2 }] {
            let nodes = method.scores(&case.net, &case.domain, Aggregate::Max);
            let weights = method.weight_scores(&case.net, &case.domain, Aggregate::Sum);
            for (level, (scores, sampled)) in nodes.iter().zip(&sampled).enumerate() {
                for (n, (score, sampled)) in scores.iter().zip(sampled).enumerate() {
                    // The samples' own rounding: relative to the numbers that were added up.
                    let tolerance = 1e-6 * sampled.score() + 1e-9 * sampled.slope * sampled.largest.abs().max(sampled.least.abs());
                    prop_assert!(*score >= sampled.score() - tolerance - 1e-12, "{method}, level {level}, node {n}: {score} < {sampled:?}");
                    if level < weights.len() {
                        let leaving: f64 = weights[level][n..].iter().step_by(scores.len()).sum();
                        prop_assert!(leaving >= sampled.score() - tolerance - 1e-12, "{method}, weights from node {n} of level {level}");
                    }
                }
            }
        }
    }

    /// Lines are below and above everywhere, over intervals of any place and width.
    #[test]
    fn lines_bound_activations(
        function in activation(),
        from in prop_oneof![-6.0_f64..6.0, -800.0_f64..800.0, Just(0.0), Just(2.3993572805154675), -1e14_f64..1e14],
        width in prop_oneof![Just(0.0), 0.0_f64..1e-6, 0.0_f64..8.0, 0.0_f64..2000.0],
        at in prop::collection::vec(0.0_f64..=1.0, 12),
    ) {
        let k = Interval::new(from, from + width).expect("in order");
        let lines = Lines::of_activation(function, k, k.activation(function, 0));
        for t in at.into_iter().chain([0.0, 1.0]) {
            let x = Interval::point((from + t * width).clamp(k.inf(), k.sup()));
            let (y, line) = (x.activation(function, 0), |(slope, offset): (f64, f64)| Interval::point(slope) * x + Interval::point(offset));
            prop_assert!(line(lines.below).inf() <= y.sup() && y.inf() <= line(lines.above).sup(), "{function} at {x}: {lines:?}");
        }
        // And no further apart than twice the range, so that they are worth something.
        let range = k.activation(function, 0).width();
        let apart = (lines.above.0 - lines.below.0) * k.mid() + (lines.above.1 - lines.below.1);
        prop_assert!(apart <= 2.0 * range + 1e-12 * (1.0 + k.mag()), "{function} over {k}: {lines:?} are {apart} apart");
    }

    #[test]
    fn lines_bound_products(ends in prop::array::uniform4(-3.0_f64..3.0), at in prop::array::uniform2(0.0_f64..=1.0)) {
        let [a, b, c, d] = ends;
        let (s, a) = (Interval::between(a, b).expect("finite"), Interval::between(c, d).expect("finite"));
        let inside = |x: Interval, t: f64| Interval::point((x.inf() + t * (x.sup() - x.inf())).clamp(x.inf(), x.sup()));
        let (factor, x) = (inside(s, at[0]), inside(a, at[1]));
        let lines = Lines::of_product(s, a);
        let line = |(slope, offset): (f64, f64)| Interval::point(slope) * x + Interval::point(offset);
        let y = factor * x;
        prop_assert!(line(lines.below).inf() <= y.sup() && y.inf() <= line(lines.above).sup(), "{factor}·{x}: {lines:?}");
    }

    /// Every point of the domain is in a box, and the boxes are no larger than the domain.
    #[test]
    fn covers_cover(case in case(), boxes in 1_usize..40) {
        let cover = Cover::split(&Prepared::new(&case.net, Enclosure::Interval), &case.domain, boxes);
        prop_assert!(cover.len() <= boxes);
        let holds = |b: &[Interval]| b.iter().zip(case.point()).all(|(x, p)| p.is_subset(*x));
        prop_assert!(cover.boxes().iter().any(|b| holds(b)));
        prop_assert!(cover.boxes().iter().all(|b| b.iter().zip(&case.domain).all(|(x, d)| x.is_subset(*d))));
        if case.domain.iter().all(|x| x.width() > 1e-6) {
            prop_assert_eq!(cover.len(), boxes);
        }
    }
}

/// Side by side or one by one, in one thread or several: the same bits.
#[test]
fn boxes_do_not_know_of_each_other() {
    use crate::math::random::{Purpose, Streams};
    let stack = Stack::mlp(4, &[17, 9, 5], 2, Activation::Silu);
    let net = Network::<_, f64>::init(stack, &mut Streams::new(3, Purpose::Test).next().expect("endless"));
    let domain = [Interval::new(-1.0, 1.0).expect("in order"); 4];
    for enclosure in Enclosure::ALL {
        let prepared = Prepared::new(&net, enclosure);
        let cover = Cover::split(&prepared, &domain, 150);
        let method = Method { enclosure, boxes: 150 };
        let together = method.trace(&prepared, &domain, 1);
        let whole = Method { boxes: 1, ..method };
        let one_by_one = cover.boxes().iter().map(|x| whole.trace(&prepared, x, 1));
        let hull = one_by_one.reduce(|a, b| a.hull(b)).expect("150 boxes");
        // A register holds one box or several: sums are formed in another order, the bounds differ by their rounding.
        for (a, b) in all(&together).zip(all(&hull)) {
            assert!(
                (a.inf() - b.inf()).abs() <= 1e-12 * b.mag() && (a.sup() - b.sup()).abs() <= 1e-12 * b.mag(),
                "{a:?}, {b:?}"
            );
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
        assert_eq!(together, pool.install(|| method.trace(&prepared, &domain, 1)));
    }
}
