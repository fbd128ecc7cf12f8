//! The kernels on every instruction set of the machine, against exact sums and against scalar intervals.

use astro_float::{BigFloat, RoundingMode};
use proptest::prelude::*;
use pulp::WithSimd;

use super::activation::Sweep;
use super::product::Product;
use super::{Boxes, BoxesMut, Weights};
use crate::interval::Interval;
use crate::math::{Activation, Separate};

/// A dispatch path and its name.
type Path = (&'static str, fn(Product<'_>));

/// The instruction sets that this machine can run, the portable one always, for a product wrapped into a task.
macro_rules! paths_of {
    ($task:expr) => {{
        let mut paths: Vec<Path> = vec![("portable", |p| $task(p).with_simd(pulp::Scalar))];
        #[cfg(target_arch = "x86_64")]
        {
            if pulp::x86::V3::try_new().is_some() {
                paths.push(("x86-64-v3", |p| {
                    pulp::Simd::vectorize(pulp::x86::V3::try_new().expect("asked before"), $task(p));
                }));
            }
            if pulp::x86::V4::try_new().is_some() {
                paths.push(("x86-64-v4", |p| {
                    pulp::Simd::vectorize(pulp::x86::V4::try_new().expect("asked before"), $task(p));
                }));
            }
        }
        paths
    }};
}

fn paths() -> Vec<Path> {
    paths_of!(std::convert::identity)
}

/// The mutant: a product that takes its sums for exact.
struct Careless<'a>(Product<'a>);

impl WithSimd for Careless<'_> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        self.0.run_with(simd, 0.0);
    }
}

/// Exactly; subnormal doubles by way of normal ones, which is all that the library converts exactly.
fn big(x: f64) -> BigFloat {
    if x.is_subnormal() {
        let (x, scale) = (x * 2.0_f64.powi(200), BigFloat::from_f64(2.0_f64.powi(-200), 64));
        BigFloat::from_f64(x, 64).mul(&scale, 64, RoundingMode::None)
    } else {
        BigFloat::from_f64(x, 64)
    }
}

/// A layer and boxes for it.
#[derive(Clone, Debug)]
struct Layer {
    outputs: usize,
    inputs: usize,
    boxes: usize,
    weights: Vec<(f64, f64)>,
    bias: Vec<f64>,
    x: Vec<(f64, f64)>,
}

fn unzip(pairs: &[(f64, f64)]) -> (Vec<f64>, Vec<f64>) {
    pairs.iter().copied().unzip()
}

impl Layer {
    /// `y` on one path, forward or adjoint; the adjoint takes its arguments from `x` too, as many as there are outputs.
    fn run(&self, path: fn(Product<'_>), transposed: bool, points: bool) -> (Vec<f64>, Vec<f64>) {
        let (w_lo, w_hi) = unzip(&self.weights);
        let (x_lo, x_hi) = unzip(&self.x);
        let (outputs, inputs) = if transposed { (self.inputs, self.outputs) } else { (self.outputs, self.inputs) };
        let (mut lo, mut hi) = (vec![f64::NAN; outputs * self.boxes], vec![f64::NAN; outputs * self.boxes]);
        let (row, column) = if transposed { (1, self.inputs) } else { (self.inputs, 1) };
        let count = inputs * self.boxes;
        path(Product {
            weights: if points { Weights::Points(&w_lo) } else { Weights::Intervals(Boxes::new(&w_lo, &w_hi)) },
            outputs,
            inputs,
            row,
            column,
            bias: (!transposed).then_some(&self.bias),
            x: Boxes::new(&x_lo[..count], &x_hi[..count]),
            y: BoxesMut::new(&mut lo, &mut hi),
            boxes: self.boxes,
        });
        (lo, hi)
    }

    /// Exact range of an output: each term takes the ends that make it least and greatest.
    fn exact(&self, output: usize, b: usize, transposed: bool, points: bool) -> (BigFloat, BigFloat) {
        const BITS: usize = 4400; // any sum of products of doubles
        let start = big(if transposed { 0.0 } else { self.bias[output] });
        let (mut least, mut most) = (start.clone(), start);
        for i in 0..if transposed { self.outputs } else { self.inputs } {
            let (w_lo, w_hi) =
                self.weights[if transposed { i * self.inputs + output } else { output * self.inputs + i }];
            let (x_lo, x_hi) = self.x[i * self.boxes + b];
            let products: Vec<BigFloat> = [w_lo, if points { w_lo } else { w_hi }]
                .iter()
                .flat_map(|&w| [x_lo, x_hi].map(|x| big(w).mul_full_prec(&big(x))))
                .collect();
            let low = products.iter().skip(1).fold(products[0].clone(), |a, p| a.min(p));
            let high = products.iter().skip(1).fold(products[0].clone(), |a, p| a.max(p));
            least = least.add(&low, BITS, RoundingMode::None);
            most = most.add(&high, BITS, RoundingMode::None);
        }
        (least, most)
    }

    fn check(&self) {
        for path in paths() {
            assert_eq!(self.failure(path), None);
        }
    }

    /// What a path leaves out, if anything.
    fn failure(&self, (name, path): Path) -> Option<String> {
        for transposed in [false, true] {
            for points in [false, true] {
                let (lo, hi) = self.run(path, transposed, points);
                for at in 0..lo.len() {
                    let (least, most) = self.exact(at / self.boxes, at % self.boxes, transposed, points);
                    let below = lo[at] == f64::NEG_INFINITY || big(lo[at]) <= least;
                    let above = hi[at] == f64::INFINITY || big(hi[at]) >= most;
                    if !(below && above) {
                        let kind = format!("transposed {transposed}, point weights {points}, output and box {at}");
                        return Some(format!("{name}, {kind}: [{:e}, {:e}]", lo[at], hi[at]));
                    }
                }
            }
        }
        None
    }

    /// One output from terms and their negatives, far apart: a sum of nothing but rounding errors.
    fn ill_conditioned(terms: &[(i64, i64)], boxes: usize) -> Self {
        let inputs = 2 * terms.len() + 1;
        let mut weights = vec![(1.0, 1.0); inputs];
        let mut x = vec![(1.0, 1.0); inputs * boxes];
        for (k, &(w, v)) in terms.iter().enumerate() {
            for (i, sign) in [(k, 1.0), (inputs - 2 - k, -1.0)] {
                weights[i] = (sign * w as f64, sign * w as f64);
                x[i * boxes..(i + 1) * boxes].fill((v as f64, v as f64));
            }
        }
        Self { outputs: 1, inputs, boxes, weights, bias: vec![0.0], x }
    }
}

/// Any finite double, with an emphasis on the ordinary, the equal, the tiny and the huge.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => -4.0..4.0_f64,
        1 => Just(0.0),
        1 => (-40_i32..40).prop_map(|k| f64::from(k) * f64::from_bits(1)),
        1 => (-1.0..1.0_f64).prop_map(|x| x * 1e-160),
        1 => (-1.0..1.0_f64).prop_map(|x| x * 1e160),
        1 => (-1.0..1.0_f64).prop_map(|x| x * f64::MAX),
        1 => (-1_i64 << 52..1 << 52).prop_map(|k| k as f64),
    ]
}

fn ends() -> impl Strategy<Value = (f64, f64)> {
    prop_oneof![
        3 => (number(), number()).prop_map(|(a, b)| (a.min(b), a.max(b))),
        1 => number().prop_map(|a| (a, a)),
        1 => number().prop_map(|a| (a, a.next_up().min(f64::MAX))),
    ]
}

fn layer() -> impl Strategy<Value = Layer> {
    (1_usize..12, 1_usize..20, prop_oneof![Just(1_usize), 2_usize..20]).prop_flat_map(|(outputs, inputs, boxes)| {
        let most = outputs.max(inputs);
        (
            proptest::collection::vec(ends(), outputs * inputs),
            proptest::collection::vec(number(), outputs),
            proptest::collection::vec(ends(), most * boxes),
        )
            .prop_map(move |(weights, bias, x)| Layer { outputs, inputs, boxes, weights, bias, x })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn layers_contain_the_exact_range_on_every_path(layer in layer()) {
        layer.check();
    }

    /// Sums that cancel to nothing: the value is a rounding error of its terms.
    #[test]
    fn ill_conditioned_layers_are_enclosed(
        terms in proptest::collection::vec((-1_i64 << 52..1 << 52, -1_i64 << 52..1 << 52), 1..80),
        boxes in 1_usize..4,
    ) {
        Layer::ill_conditioned(&terms, boxes).check();
    }
}

/// The mutation check of the layers: without the bound of the roundings of a sum every path must fail.
#[test]
fn careless_sums_are_noticed() {
    let term = |k: i64| ((k * 7_919_777_777_333) % (1 << 52), (k * k * 104_729_000_111 + 5) % (1 << 52));
    let terms: Vec<_> = (1..40).map(term).collect();
    for boxes in [1, 3] {
        let layer = Layer::ill_conditioned(&terms, boxes);
        layer.check();
        for path in paths_of!(Careless) {
            assert!(layer.failure(path).is_some(), "{}, {boxes} boxes: unnoticed", path.0);
        }
    }
}

#[test]
fn blocks_of_inputs_and_ragged_edges_agree_with_scalar_intervals() {
    // 300 inputs are three blocks, 21 outputs leave a remainder in every register blocking, so do 37 boxes.
    let (outputs, inputs) = (21, 300);
    let value = |k: usize| ((k * 7919 % 1000) as f64 - 499.5) / 321.0;
    for boxes in [1, 37, 64] {
        let layer = Layer {
            outputs,
            inputs,
            boxes,
            weights: (0..outputs * inputs).map(|k| (value(k), value(k) + 0.01)).collect(),
            bias: (0..outputs).map(value).collect(),
            x: (0..inputs * boxes).map(|k| (value(k + 17), value(k + 17) + 0.25)).collect(),
        };
        for (name, path) in paths() {
            for (transposed, points) in [(false, false), (false, true), (true, false), (true, true)] {
                let (lo, hi) = layer.run(path, transposed, points);
                let (count, depth) = if transposed { (inputs, outputs) } else { (outputs, inputs) };
                for o in (0..count).step_by(5) {
                    for b in (0..boxes).step_by(7) {
                        let mut sum = Interval::point(if transposed { 0.0 } else { layer.bias[o] });
                        for i in 0..depth {
                            let (l, h) = layer.weights[if transposed { i * inputs + o } else { o * inputs + i }];
                            let w = Interval::new(l, if points { l } else { h }).expect("ordered");
                            let (l, h) = layer.x[i * boxes + b];
                            sum = sum + w * Interval::new(l, h).expect("ordered");
                        }
                        let got = Interval::new(lo[o * boxes + b], hi[o * boxes + b]).expect("ordered");
                        // Interval weights: centre and radius overestimate a product's radius by half at most (Rump).
                        let slack = if points { 1.0 + 1e-9 } else { 1.5 };
                        assert!(got.width() < sum.width() * slack, "{name}: {got} beside {sum}");
                        assert!(sum.width() < got.width() * (1.0 + 1e-9), "{name}: {got} inside of {sum}");
                    }
                }
            }
        }
    }
}

#[test]
fn unbounded_and_empty_boxes_give_what_scalar_intervals_give() {
    let one = Interval::new(-1.0, 1.0).expect("ordered");
    for (first, expected) in [(Interval::ENTIRE, one), (Interval::EMPTY, Interval::EMPTY)] {
        // 0·x₀ + 2·[−1, 0] − 1·0 + 1
        let (lo, hi) = ([first.inf(), -1.0, 0.0], [first.sup(), 0.0, 0.0]);
        let (mut y_lo, mut y_hi) = ([0.0], [0.0]);
        let (x, y) = (Boxes::new(&lo, &hi), BoxesMut::new(&mut y_lo, &mut y_hi));
        super::affine(Weights::Points(&[0.0, 2.0, -1.0]), Some(&[1.0]), x, y, 1);
        assert_eq!(Boxes::new(&y_lo, &y_hi).get(0), expected);
    }
}

/// Value and slope of an activation on every path.
fn activate(function: Activation, lo: &[f64], hi: &[f64]) -> Vec<(&'static str, [Vec<f64>; 4])> {
    let mut results = Vec::new();
    let mut run = |name, path: &dyn Fn(Sweep<'_, '_, '_>)| {
        let mut out = [(); 4].map(|()| vec![f64::NAN; lo.len()]);
        let [a, b, c, d] = &mut out;
        let (mut y, mut slope) = (BoxesMut::new(a, b), BoxesMut::new(c, d));
        path(Sweep { function, x: Boxes::new(lo, hi), y: &mut y, slope: &mut slope });
        results.push((name, out));
    };
    run("portable", &|sweep| sweep.run(Separate));
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(v3) = pulp::x86::V3::try_new() {
            run("x86-64-v3", &|sweep| pulp::Simd::vectorize(v3, sweep));
        }
        if let Some(v4) = pulp::x86::V4::try_new() {
            run("x86-64-v4", &|sweep| pulp::Simd::vectorize(v4, sweep));
        }
    }
    results
}

/// Where a path's enclosure, moved inward by so many units of 2⁻⁵³, leaves out a part of the range, or is wider than stated.
/// The scalar enclosures are within 1 ulp of the range, the margins of the kernels 4 ulp and more.
fn failures(function: Activation, x: &[(f64, f64)], inward: f64) -> Vec<String> {
    let (lo, hi) = unzip(x);
    let mut found = Vec::new();
    for (name, [y_lo, y_hi, slope_lo, slope_hi]) in activate(function, &lo, &hi) {
        let moved = |x: f64, up: bool| if up { x + inward * U * x.abs() } else { x - inward * U * x.abs() };
        let failure = (0..x.len()).find_map(|i| {
            let x = Interval::new(lo[i], hi[i]).expect("ordered");
            [(0, y_lo[i], y_hi[i]), (1, slope_lo[i], slope_hi[i])].into_iter().find_map(|(order, lo, hi)| {
                let got = Interval::new(moved(lo, true), moved(hi, false)).unwrap_or(Interval::EMPTY);
                let range = x.activation(function, order);
                let slack = 64.0 * U * range.mag().max(got.mag()).max(if order == 1 { 1.0 } else { 0.0 });
                let slack = slack + 4.0 * f64::from_bits(1);
                let right = range.is_subset(got) && got.width() <= range.width() + slack;
                (!right).then(|| format!("{name}: {function} order {order} of {x:?}: {got:?}, not {range:?}"))
            })
        });
        found.extend(failure);
    }
    found
}

const U: f64 = f64::EPSILON / 2.0;

fn check_activations(x: &[(f64, f64)]) {
    for function in Activation::ALL {
        assert_eq!(failures(function, x, 0.0), Vec::<String>::new());
    }
}

/// The mutation check of the activations: without their margins, of at most 16 units of 2⁻⁵³, every path must fail.
#[test]
fn activations_without_their_margins_are_noticed() {
    let grid: Vec<(f64, f64)> = (0..400).map(|k| f64::from(k - 200) * 0.0311 + 0.001).map(|x| (x, x)).collect();
    for function in [Activation::Tanh, Activation::Sigmoid, Activation::Softplus, Activation::Silu] {
        let count = activate(function, &[0.0], &[0.0]).len();
        assert_eq!(failures(function, &grid, 16.0).len(), count, "{function}: unnoticed on some path");
    }
}

#[test]
fn activations_contain_the_range_on_every_path() {
    // 200 is no multiple of a tile.
    let grid: Vec<(f64, f64)> = (0..200).map(|k| f64::from(k - 100) * 0.0773).map(|x| (x, x + 0.3)).collect();
    check_activations(&grid);
    check_activations(&grid.iter().map(|&(x, _)| (x, x)).collect::<Vec<_>>());
    check_activations(&[(-349.0, 349.0), (-1e-300, 1e-300), (0.0, 0.0), (-350.0, -349.0), (340.0, 350.0), (-5.0, 5.0)]);
}

/// Where halving rounds and margins underflow.
#[test]
fn activations_of_subnormal_numbers_contain_the_range() {
    let steps: Vec<f64> = (-20_i64..20).map(|k| k as f64 * f64::from_bits(1)).collect();
    check_activations(&steps.iter().map(|&x| (x, x)).collect::<Vec<_>>());
    check_activations(&steps.iter().map(|&x| (x, x + 3e-310)).collect::<Vec<_>>());
}

#[test]
fn activations_beyond_the_proved_range_are_those_of_scalar_intervals() {
    let sets = [
        Interval::EMPTY,
        Interval::ENTIRE,
        Interval::point(-1e300),
        Interval::new(3.0, f64::INFINITY).expect("half-line"),
        Interval::new(-699.0, 2.0).expect("ordered"),
    ];
    let (lo, hi): (Vec<f64>, Vec<f64>) = sets.iter().map(|x| (x.inf(), x.sup())).unzip();
    for function in Activation::ALL {
        let mut out = [[0.0; 5]; 4];
        let [a, b, c, d] = &mut out;
        super::activation(function, Boxes::new(&lo, &hi), BoxesMut::new(a, b), BoxesMut::new(c, d));
        for (i, x) in sets.iter().enumerate() {
            assert_eq!(Boxes::new(&out[0], &out[1]).get(i), x.activation(function, 0), "{function}{x}");
            assert_eq!(Boxes::new(&out[2], &out[3]).get(i), x.activation(function, 1), "{function}′{x}");
        }
    }
}

proptest! {
    #[test]
    fn random_activations_contain_the_range(
        x in proptest::collection::vec((-30.0..30.0_f64, prop_oneof![Just(0.0), 0.0..4.0_f64, 0.0..1e-9_f64]), 1..70),
    ) {
        check_activations(&x.into_iter().map(|(x, width)| (x, x + width)).collect::<Vec<_>>());
    }
}
