//! Frozen networks against an independent automatic differentiation; their dispatched and batch forms against them.
#![cfg(feature = "std")]

use num_dual::{DualNum, HyperDual64};
use rand_distr::{Distribution, StandardNormal};
use sobolev::math::Activation;
use sobolev::math::random::{Purpose, Streams};
use sobolev::nn::{Fixed, Frozen, Greeks, Layer, Native, Network, Packed, Tabulated};

sobolev::network!(Pruned: 7 => 3 silu => 3 silu => 1 silu => 2 silu => 2 silu => 2 silu => 1);
sobolev::network!(Collapsed: 7 => 3 silu => 3 silu => 1);
sobolev::network!(Wider: 3 => 5 tanh => 4 softplus => 2 sigmoid => 1);
sobolev::network!(Bottle: 4 => 1 silu => 3 tanh => 1 silu => 1);
sobolev::network!(Several: 3 => 2 silu => 1 sigmoid => 2);
sobolev::network!(Line: 2 => 1);
sobolev::network!(Blocked: 3 => 20 silu => 1 silu);

/// Rounding of a handful of layers, relative to the largest entry of a result.
const TOLERANCE: f64 = 1e-13;

/// Normal numbers under a fixed seed.
fn normals(seed: u64) -> impl FnMut() -> f64 {
    let mut rng = Streams::new(seed, Purpose::Test).next().expect("endless");
    move || StandardNormal.sample(&mut rng)
}

fn random<C: Fixed, T: Packed>(seed: u64) -> Frozen<C, T> {
    let mut normal = normals(seed);
    let params = (0..C::PARAMS).map(|_| T::of(0.7 * normal())).collect();
    Network::new(C::default(), params).freeze()
}

/// The network by its definition, over hyper-dual numbers.
fn naive(layers: &[Layer], mut params: &[f64], x: &[HyperDual64]) -> HyperDual64 {
    let mut a = x.to_vec();
    for l in layers {
        let (w, rest) = params.split_at(l.weights());
        let (b, rest) = rest.split_at(l.fan_out.0);
        params = rest;
        a = (0..l.fan_out.0)
            .map(|o| {
                let z = a.iter().zip(&w[o * l.fan_in.0..]).fold(HyperDual64::from(b[o]), |z, (a, &w)| z + *a * w);
                let sigmoid = (-z).exp() + 1.0;
                match l.activation {
                    Activation::Identity => z,
                    Activation::Silu => z / sigmoid,
                    Activation::Sigmoid => sigmoid.recip(),
                    Activation::Tanh => z.tanh(),
                    Activation::Softplus => (z.exp() + 1.0).ln(),
                    Activation::Relu => unreachable!("not smooth"),
                }
            })
            .collect();
    }
    a.swap_remove(0)
}

/// Value, gradient, Hessian row by row.
fn oracle<C: Fixed>(params: &[f64], x: &[f64]) -> (f64, Vec<f64>, Vec<f64>) {
    let at = |i: usize, j: usize| {
        let mut dual: Vec<HyperDual64> = x.iter().map(|&x| HyperDual64::from(x)).collect();
        dual[i] = dual[i].derivative1();
        dual[j] = dual[j].derivative2();
        naive(C::LAYERS, params, &dual)
    };
    let n = x.len();
    let hessian = (0..n * n).map(|k| at(k / n, k % n).eps1eps2).collect();
    (at(0, 0).re, (0..n).map(|i| at(i, i).eps1).collect(), hessian)
}

#[track_caller]
fn close(got: &[f64], want: &[f64], what: &str) {
    let scale = want.iter().fold(1.0, |m: f64, v| m.max(v.abs()));
    assert_eq!(got.len(), want.len());
    for (k, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((g - w).abs() <= TOLERANCE * scale, "{what}, entry {k}: {g} ≠ {w}");
    }
}

fn hold<C: Fixed>(seed: u64)
where
    C::Inputs<f64>: PartialEq + std::fmt::Debug,
    C::Square<f64>: PartialEq + std::fmt::Debug,
{
    const POINTS: usize = 133; // two tiles and a ragged one
    let net = random::<C, f64>(seed);
    let native = Native::new(net);
    let mut normal = normals(seed + 100);
    let n = C::INPUTS;
    let columns: Vec<Vec<f64>> = (0..n).map(|_| (0..POINTS).map(|_| normal()).collect()).collect();
    let mut v = C::zero_inputs();
    v.as_mut().iter_mut().for_each(|v| *v = normal());
    let x_columns: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let batch = |greeks: Greeks<C::Inputs<f64>>, parallel: bool| {
        let mut out = vec![vec![f64::NAN; POINTS]; greeks.columns(n)];
        let mut refs: Vec<&mut [f64]> = out.iter_mut().map(Vec::as_mut_slice).collect();
        if parallel {
            native.batch_par(greeks, &x_columns, &mut refs)
        } else {
            native.batch(greeks, &x_columns, &mut refs)
        };
        out
    };
    let all = [Greeks::Value, Greeks::Gradient, Greeks::Gamma(v), Greeks::Hessian, Greeks::Hvp(v)].map(|g| {
        let out = batch(g, false);
        assert_eq!(out, batch(g, true), "threads change nothing");
        out
    });
    for p in 0..POINTS {
        let mut x = C::zero_inputs();
        x.as_mut().iter_mut().zip(&columns).for_each(|(x, c)| *x = c[p]);
        let (y, dy, h) = oracle::<C>(net.params().as_ref(), x.as_ref());
        let product: Vec<f64> = h.chunks(n).map(|row| row.iter().zip(v.as_ref()).map(|(h, v)| h * v).sum()).collect();
        let gamma: f64 = product.iter().zip(v.as_ref()).map(|(h, v)| h * v).sum();
        let flat = |h: &C::Square<f64>| h.as_ref().iter().flat_map(|r| r.as_ref().to_vec()).collect::<Vec<_>>();

        // The scalar path against the oracle; each richer form repeats the bits of the poorer.
        let (value, gradient) = net.value_and_gradient(&x);
        close(&[value], &[y], "value");
        close(gradient.as_ref(), &dy, "gradient");
        assert_eq!(net.value(&x), value);
        let (_, g, along) = net.gamma(&x, &v);
        assert_eq!(g, gradient);
        close(&[along], &[gamma], "gamma");
        let (_, g, hv) = net.hvp(&x, &v);
        assert_eq!(g, gradient);
        close(hv.as_ref(), &product, "hvp");
        let (_, g, square) = net.hessian(&x);
        assert_eq!(g, gradient);
        close(&flat(&square), &h, "hessian");
        for i in 0..n {
            for j in 0..n {
                assert_eq!(square.as_ref()[i].as_ref()[j].to_bits(), square.as_ref()[j].as_ref()[i].to_bits());
            }
        }

        // Dispatched.
        close(&[native.value(&x)], &[y], "native value");
        close(native.value_and_gradient(&x).1.as_ref(), &dy, "native gradient");
        close(&[native.gamma(&x, &v).2], &[gamma], "native gamma");
        close(native.hvp(&x, &v).2.as_ref(), &product, "native hvp");
        close(&flat(&native.hessian(&x).2), &h, "native hessian");

        // Batches.
        let row = |k: usize| all[k].iter().map(|c| c[p]).collect::<Vec<f64>>();
        close(&row(0), &[y], "batch value");
        for k in 1..5 {
            close(&row(k)[..1], &[y], "batch value");
            close(&row(k)[1..=n], &dy, "batch gradient");
        }
        close(&row(2)[n + 1..], &[gamma], "batch gamma");
        close(&row(3)[n + 1..], &h, "batch hessian");
        close(&row(4)[n + 1..], &product, "batch hvp");
    }
}

#[test]
fn every_form_agrees_with_hyper_dual_numbers() {
    hold::<Pruned>(1);
    hold::<Collapsed>(2);
    hold::<Wider>(3);
    hold::<Bottle>(4);
    hold::<Several>(5);
    hold::<Line>(6);
    hold::<Blocked>(7);
}

/// What the dispatched forms promise beside the scalar one, in either precision, also where exponentials are clamped.
fn hold_to_the_bits<C: Fixed, T: Packed>(seed: u64) {
    const ULPS: f64 = 64.0;
    const POINTS: usize = 200;
    let net = random::<C, T>(seed);
    let native = Native::new(net);
    let mut normal = normals(seed + 50);
    let mut points: Vec<C::Inputs<T>> = (0..POINTS)
        .map(|p| {
            let mut x = C::inputs_of(T::ZERO);
            let size = [0.01, 1.0, 5.0, 300.0][p % 4];
            x.as_mut().iter_mut().for_each(|x| *x = T::of(size * normal()));
            x
        })
        .collect();
    for (at, extreme) in [1e6, -1e6, 0.0, -0.0, 1e-300, 1e30].into_iter().enumerate() {
        points[at] = C::inputs_of(T::of(extreme));
    }
    let v = C::inputs_of(T::of(0.75));
    let columns: Vec<Vec<T>> = (0..C::INPUTS).map(|j| points.iter().map(|p| p.as_ref()[j]).collect()).collect();
    let x: Vec<&[T]> = columns.iter().map(Vec::as_slice).collect();
    let batch = |greeks: Greeks<C::Inputs<T>>| {
        let mut out = vec![vec![T::ZERO; POINTS]; greeks.columns(C::INPUTS)];
        native.batch(greeks, &x, &mut out.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>());
        out
    };
    let [value, gamma, hvp, hessian] = [Greeks::Value, Greeks::Gamma(v), Greeks::Hvp(v), Greeks::Hessian].map(batch);
    for (p, x) in points.iter().enumerate() {
        let held = |got: &[T], want: &[T], what: &str| {
            let scale = want.iter().fold(1.0, |m: f64, v| m.max(v.to_f64().abs()));
            assert_eq!(got.len(), want.len());
            for (got, want) in got.iter().zip(want) {
                let ulps = (got.to_f64() - want.to_f64()).abs() / (scale * T::EPSILON.to_f64());
                assert!(ulps <= ULPS, "{} {what} at {:?}: {got:?} ≠ {want:?}, {ulps} ulp", T::NAME, x.as_ref());
            }
        };
        let row = |columns: &[Vec<T>]| columns.iter().map(|c| c[p]).collect::<Vec<T>>();
        let flat = |h: &C::Square<T>| h.as_ref().iter().flat_map(|r| r.as_ref().to_vec()).collect::<Vec<_>>();
        let (y, dy, along) = net.gamma(x, &v);
        let want = [&[y], dy.as_ref(), &[along]].concat();
        let (native_y, native_dy, native_along) = native.gamma(x, &v);
        held(&[native_y], &[y], "value");
        held(&[native.value(x)], &[y], "value");
        held(native_dy.as_ref(), dy.as_ref(), "gradient");
        held(&[native_along], &[along], "gamma");
        held(&row(&value), &[y], "batch of values");
        held(&row(&gamma), &want, "batch of gammas");
        let (_, _, product) = net.hvp(x, &v);
        held(native.hvp(x, &v).2.as_ref(), product.as_ref(), "hvp");
        held(&row(&hvp)[1 + C::INPUTS..], product.as_ref(), "batch of products");
        let square = flat(&net.hessian(x).2);
        held(&flat(&native.hessian(x).2), &square, "Hessian");
        held(&row(&hessian)[1 + C::INPUTS..], &square, "batch of Hessians");
    }
}

#[test]
fn dispatched_forms_keep_their_ulps() {
    for seed in 1..4 {
        hold_to_the_bits::<Pruned, f64>(seed);
        hold_to_the_bits::<Pruned, f32>(seed);
        hold_to_the_bits::<Wider, f32>(seed);
    }
}

/// Half the digits, the same answers.
#[test]
fn single_precision_follows_double() {
    let (double, single) = (random::<Pruned, f64>(1), random::<Pruned, f32>(1));
    let mut normal = normals(9);
    for _ in 0..50 {
        let x: [f64; 7] = std::array::from_fn(|_| normal());
        let (y, dy, gamma) = double.gamma(&x, &[1.0; 7]);
        let want = [&[y, gamma], dy.as_slice()].concat();
        for (y, dy, gamma) in
            [single.gamma(&x.map(|x| x as f32), &[1.0; 7]), Native::new(single).gamma(&x.map(|x| x as f32), &[1.0; 7])]
        {
            for (got, want) in [&[y, gamma], dy.as_slice()].concat().into_iter().zip(&want) {
                assert!((f64::from(got) - want).abs() < 1e-5 * want.abs().max(1.0), "{got} ≠ {want}");
            }
        }
    }
}

/// More points than one thread takes: parts meet where they should.
#[test]
fn threads_give_the_same_bits() {
    let native = Native::new(random::<Collapsed, f64>(3));
    let mut normal = normals(4);
    let columns: Vec<Vec<f64>> = (0..7).map(|_| (0..20_011).map(|_| normal()).collect()).collect();
    let x: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let [mut one, mut many] = [(); 2].map(|()| vec![vec![0.0; 20_011]; 8]);
    native.batch(Greeks::Gradient, &x, &mut one.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>());
    native.batch_par(Greeks::Gradient, &x, &mut many.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>());
    assert_eq!(one, many);
}

const CONSTANT: Frozen<Line, f64> = Frozen::new([3.0, -1.0, 0.5]);

#[test]
fn a_constant_is_shared_between_threads() {
    fn shared<T: Send + Sync + Copy>(x: T) -> T {
        x
    }
    assert_eq!(shared(CONSTANT).hessian(&[1.0, 2.0]), (1.5, [3.0, -1.0], [[0.0; 2]; 2]));
    shared(Native::new(CONSTANT));
}

#[test]
#[should_panic(expected = "differ in length")]
fn ragged_columns_are_refused() {
    Native::new(CONSTANT).batch(Greeks::Value, &[&[1.0, 2.0], &[1.0]], &mut [&mut [0.0; 2]]);
}

/// A table stays within its proved errors of the network, up to the rounding of both, and beyond its reach is the network.
#[test]
fn tables_keep_their_bounds() {
    fn hold<C: Fixed>(seed: u64, tolerance: f64) {
        let net = random::<C, f64>(seed);
        let fast = Tabulated::new(net, &C::inputs_of([-2.0, 2.0]), tolerance).expect("smooth");
        let errors = fast.table().errors();
        assert!(errors.iter().all(|e| *e > 0.0 && *e < 100.0 * tolerance), "{errors:?}");
        let (mut normal, ones) = (normals(seed + 7), C::inputs_of(1.0));
        let (mut worst, mut far) = ([0.0_f64; 3], 0);
        for k in 0..20_000 {
            let mut x = C::zero_inputs();
            let wide = if k % 10 == 0 { 50.0 } else { 1.0 };
            x.as_mut().iter_mut().for_each(|x| *x = wide * normal());
            let (y, dy, gamma) = net.gamma(&x, &ones);
            let (value, gradient, bend) = fast.gamma(&x, &ones);
            assert_eq!((value, gradient.as_ref()), (fast.value(&x), fast.value_and_gradient(&x).1.as_ref()));
            if (value, bend) == (y, gamma) && gradient.as_ref() == dy.as_ref() {
                far += 1;
            }
            worst[0] = worst[0].max((value - y).abs());
            worst[2] = worst[2].max((bend - gamma).abs());
            for (a, b) in gradient.as_ref().iter().zip(dy.as_ref()) {
                worst[1] = worst[1].max((a - b).abs());
            }
        }
        // The head's slopes and curvatures are of order 1 to 30 at these weights.
        for (k, (worst, error)) in worst.iter().zip(errors).enumerate() {
            assert!(*worst <= 40.0 * (error + errors[1]) + 1e-12, "order {k}: {worst:e} against {error:e}");
        }
        assert!(worst[0] <= errors[0] + 1e-13, "{worst:?} {errors:?}");
        assert!((1..10_000).contains(&far), "{far} points beyond the table");
        let mut x = C::inputs_of(f64::NAN);
        assert!(fast.value(&x).is_nan());
        for extreme in [1e300, -1e300, f64::INFINITY] {
            // The head may saturate there within reach of the table.
            x = C::inputs_of(extreme);
            let (got, want) = (fast.value(&x), net.value(&x));
            assert!(got.to_bits() == want.to_bits() || (got - want).abs() <= errors[0] + 1e-13, "{got} at {extreme}");
        }
    }
    hold::<Pruned>(1, 1e-10);
    hold::<Pruned>(2, 1e-12);
    hold::<Bottle>(4, 1e-8);
    assert!(Tabulated::new(random::<Collapsed, f64>(1), &[[-1.0, 1.0]; 7], 1e-9).is_err(), "no tail");
    assert!(Tabulated::new(random::<Pruned, f64>(1), &[[1.0, -1.0]; 7], 1e-9).is_err(), "no range");
    assert!(Tabulated::new(random::<Pruned, f64>(1), &[[-1.0, 1.0]; 7], 0.0).is_err(), "no tolerance");
}
