//! Second-order training: the gradient of its loss against an independent AD crate and against differences, in every
//! precision and on any number of threads; its labels, refusals and Levenberg–Marquardt.

use faer::Mat;
use num_dual::{DualNum, HyperHyperDual64};
use sobolev::data::{Bundle, Bundler, Curvature, Directions, Scaled, Scaling, SecondOrder, Surrogate};
use sobolev::math::Activation;
use sobolev::nn::{Chain as _, Layer, Network, Packed, Stack};
use sobolev::observer::Unobserved;
use sobolev::pipeline::{Precision, Teacher};
use sobolev::train::{
    Balance, BatchGradient, DerivativeScale, LevenbergMarquardt, Loss, LossWeights, OneCycle, Rows, Trainer,
};

const INPUTS: usize = 3;

fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

/// `f(x) = sin(x₀x₁) + x₂²/2`, its gradient and its Hessian, by hand.
fn target(x: &[f64]) -> (f64, [f64; 3], [[f64; 3]; 3]) {
    let (s, c) = (x[0] * x[1]).sin_cos();
    let mixed = c - s * x[0] * x[1];
    let hessian = [[-s * x[1] * x[1], mixed, 0.0], [mixed, -s * x[0] * x[0], 0.0], [0.0, 0.0, 1.0]];
    (s + 0.5 * x[2] * x[2], [c * x[1], c * x[0], x[2]], hessian)
}

/// Labels of the target in blocks of so many rows, of which every `every`-th has directions: one more each time.
fn data<T: Packed>(n: usize, block: usize, every: usize, seed: u64) -> Scaled<T> {
    let mut next = numbers(seed);
    let x = Mat::from_fn(n, INPUTS, |_, _| next());
    let at = |r: usize| target(&[x[(r, 0)], x[(r, 1)], x[(r, 2)]]);
    let mut data = Scaled::new(
        Mat::from_fn(n, INPUTS, |r, j| T::of(x[(r, j)])),
        Mat::from_fn(n, 1, |r, _| T::of(at(r).0)),
        Some(Mat::from_fn(n, INPUTS, |r, j| T::of(at(r).1[j]))),
    );
    let mut labels = Curvature::new(n, block);
    for (i, start) in (0..n).step_by(block).enumerate().step_by(every) {
        let (rows, k) = (start..n.min(start + block), 1 + i % INPUTS);
        let v = Mat::from_fn(INPUTS, k, |_, _| next());
        let mut bundle = Bundle::new(rows.clone(), Mat::from_fn(INPUTS, k, |j, d| T::of(v[(j, d)])));
        bundle.products = Mat::from_fn(rows.len(), k * INPUTS, |r, c| {
            let (hessian, d, j) = (at(rows.start + r).2, c / INPUTS, c % INPUTS);
            T::of((0..INPUTS).map(|i| hessian[j][i] * v[(i, d)]).sum())
        });
        labels.put_scaled(bundle);
    }
    data.set_curvature(Some(labels));
    data
}

fn net(hidden: &[usize], activation: Activation) -> Network<Stack, f64> {
    let stack = Stack::mlp(INPUTS, hidden, 1, activation);
    let (mut next, count) = (numbers(17), stack.params());
    Network::new(stack, (0..count).map(|_| 0.8 * next()).collect())
}

fn gradient_of<T: Packed>(net: &Network<Stack, T>, data: &Scaled<T>, weights: &LossWeights) -> (f64, Vec<f64>) {
    let mut engine = BatchGradient::new(net, data.len());
    let losses = engine.compute(net, data, &Rows::Range(0..data.len()), weights);
    let mut sum = vec![0.0; net.params().len()];
    for part in engine.parts() {
        sum.iter_mut().zip(part).for_each(|(s, p)| *s += p.to_f64());
    }
    (losses.weighted(weights), sum)
}

/// The network over the other crate's numbers.
fn forward<D: DualNum + Copy>(layers: &[Layer], params: &[D], x: &[D]) -> D {
    let (mut a, mut rest) = (x.to_vec(), params);
    for l in layers {
        let (here, next) = rest.split_at(l.params());
        let (w, b) = here.split_at(l.weights());
        let node = |o: usize| {
            let z = a.iter().zip(&w[o * l.fan_in.0..]).fold(b[o], |z, (a, w)| z + *a * *w);
            match l.activation {
                Activation::Identity => z,
                Activation::Tanh => z.tanh(),
                Activation::Sigmoid => ((-z).exp() + D::one()).recip(),
                Activation::Softplus => z.exp().ln_1p(),
                Activation::Silu => z / ((-z).exp() + D::one()),
                Activation::Relu => unreachable!("not smooth"),
            }
        };
        a = (0..l.fan_out.0).map(node).collect();
        rest = next;
    }
    a[0]
}

/// One term of the loss after the other by third-order hyper-dual numbers: along the first part the components of the
/// product, along the second its direction, along the third the parameters.
#[test]
fn the_gradient_is_the_other_crates() {
    for (activation, balance, scale) in [
        (Activation::Silu, Balance::Dimensional, DerivativeScale::MeanSquare),
        (Activation::Tanh, Balance::Fixed, DerivativeScale::Unnormalised),
        (Activation::Softplus, Balance::Dimensional, DerivativeScale::MeanSquare),
        (Activation::Sigmoid, Balance::Fixed, DerivativeScale::MeanSquare),
    ] {
        // Two directions, and a ragged last tile.
        let (net, n) = (net(&[5, 4], activation), 70);
        let mut data = data::<f64>(n, n, 1, 3);
        let mut two = Bundle::new(0..n, Mat::from_fn(INPUTS, 2, |j, d| 0.3 * (j as f64) - 0.5 * (d as f64) + 0.2));
        two.products = Mat::from_fn(n, 2 * INPUTS, |r, c| ((r * 7 + c * 3) as f64).sin());
        let mut labels = Curvature::new(n, n);
        labels.put_scaled(two.clone());
        data.set_curvature(Some(labels));
        let loss = Loss::SecondOrder { derivative_weight: 0.4, curvature_weight: 0.3, balance, scale };
        let mut weights = LossWeights::new(loss, &data);
        weights.set(loss, 2);
        let (value, gradient) = gradient_of(&net, &data, &weights);
        let mut next = numbers(23);
        let towards: Vec<f64> = gradient.iter().map(|_| next()).collect();
        let number = |re: f64, e1: f64, e2: f64, e3: f64| HyperHyperDual64::new(re, e1, e2, e3, 0.0, 0.0, 0.0, 0.0);
        let params: Vec<_> = net.params().iter().zip(&towards).map(|(&p, &d)| number(p, 0.0, 0.0, d)).collect();
        let (mut sum, mut slope, rows, slopes) = (0.0, 0.0, n as f64, data.derivatives().unwrap());
        let mut add = |weight: f64, residual: f64, change: f64| {
            sum += weight * residual * residual;
            slope += 2.0 * weight * residual * change;
        };
        for r in 0..n {
            for j in 0..INPUTS {
                for d in 0..2 {
                    let x: Vec<_> = (0..INPUTS)
                        .map(|i| {
                            number(data.inputs()[(r, i)], f64::from(u8::from(i == j)), two.directions[(i, d)], 0.0)
                        })
                        .collect();
                    let f = forward(net.chain().layers(), &params, &x);
                    let weight = weights.curvature * weights.inverse_curvature[j] / (rows * 6.0);
                    add(weight, f.eps1eps2 - two.products[(r, d * INPUTS + j)], f.eps1eps2eps3);
                    if d == 0 {
                        let weight = weights.derivative * weights.inverse_scale[j] / (rows * 3.0);
                        add(weight, f.eps1 - slopes[(r, j)], f.eps1eps3);
                    }
                    if d + j == 0 {
                        add(weights.value / rows, f.re - data.values()[(r, 0)], f.eps3);
                    }
                }
            }
        }
        let got: f64 = gradient.iter().zip(&towards).map(|(g, d)| g * d).sum();
        assert!((got - slope).abs() < 1e-12 * slope.abs().max(1.0), "{activation}: {got} ≠ {slope}");
        assert!((value - sum).abs() < 1e-13 * sum, "{activation}: {value} ≠ {sum}");
    }
}

#[test]
fn gradients_are_finite_differences_whatever_the_shape() {
    for (hidden, n) in [(vec![37, 5], 100), (vec![3, 3, 1, 2, 2, 2], 64), (vec![130], 7), (vec![], 600)] {
        let (mut net, data, loss) = (net(&hidden, Activation::Silu), data::<f64>(n, n, 1, 9), Loss::SECOND_ORDER);
        let mut weights = LossWeights::new(loss, &data);
        weights.set(loss, 1);
        let (_, gradient) = gradient_of(&net, &data, &weights);
        let mut next = numbers(31);
        let towards: Vec<f64> = gradient.iter().map(|_| next()).collect();
        let start = net.params().to_vec();
        let mut at = |s: f64| {
            net.params_mut().iter_mut().zip(&start).zip(&towards).for_each(|((p, start), d)| *p = start + s * d);
            gradient_of(&net, &data, &weights).0
        };
        let h = 5e-4;
        let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        let got: f64 = gradient.iter().zip(&towards).map(|(g, d)| g * d).sum();
        assert!((got - slope).abs() < 1e-7 * slope.abs().max(1.0), "{hidden:?}: {got} ≠ {slope}");
    }
}

#[test]
fn single_precision_follows_double() {
    let (net, loss) = (net(&[20, 9], Activation::Silu), Loss::SECOND_ORDER);
    let mut weights = LossWeights::new(loss, &data::<f64>(300, 300, 1, 4));
    weights.set(loss, 1);
    let (_, exact) = gradient_of(&net, &data::<f64>(300, 300, 1, 4), &weights);
    let (_, single) = gradient_of(&net.cast::<f32>(), &data::<f32>(300, 300, 1, 4), &weights);
    let size = exact.iter().map(|g| g * g).sum::<f64>().sqrt();
    let off = exact.iter().zip(&single).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    assert!(off < 1e-5 * size, "relative error {}", off / size);
}

fn trainer(loss: Loss, epochs: usize, peak: f64) -> Trainer {
    Trainer { loss, epochs, batch: 256, schedule: OneCycle::with_peak(peak), seed: 1, name: "test".into() }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let data = data::<f32>(1900, 256, 2, 2);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut net = net(&[96, 64], Activation::Silu).cast::<f32>();
            net.params_mut().iter_mut().for_each(|p| *p *= 0.1); // a start that three epochs can mend
            let report = trainer(Loss::SECOND_ORDER, 3, 0.003).run(&mut net, &mut &data, &mut Unobserved).unwrap();
            assert!(report.losses.curvature > 0.0);
            net.params().iter().map(|p| p.to_bits()).collect::<Vec<_>>()
        })
    };
    let one = run(1);
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
}

/// At equal samples and steps, few of both, second-order labels get curvatures that first-order ones miss.
#[test]
fn second_order_training_learns_curvature() {
    let (training, test) = (data::<f64>(24, 24, 1, 2), data::<f64>(512, 512, 1, 77));
    let error = |loss: Loss| {
        let mut net = net(&[16, 16], Activation::Silu);
        let trainer = Trainer { batch: 24, ..trainer(loss, 2000, 0.02) };
        let mut training = training.clone();
        // All axes, so that the whole Hessian is known.
        let mut bundle = Bundle::new(0..24, Mat::identity(INPUTS, INPUTS));
        bundle.products = Mat::from_fn(24, INPUTS * INPUTS, |r, c| {
            let x: Vec<f64> = training.inputs().row(r).iter().copied().collect();
            target(&x).2[c % INPUTS][c / INPUTS]
        });
        let mut labels = Curvature::new(24, 24);
        labels.put_scaled(bundle);
        training.set_curvature(Some(labels));
        trainer.run(&mut net, &mut &training, &mut Unobserved).unwrap();
        let products = net.hessian_products(test.inputs(), Mat::<f64>::identity(INPUTS, INPUTS).as_ref());
        let mut sum = 0.0;
        for r in 0..test.len() {
            let x: Vec<f64> = test.inputs().row(r).iter().copied().collect();
            let hessian = target(&x).2;
            sum += (0..9).map(|c| (products[(r, c)] - hessian[c % 3][c / 3]).powi(2)).sum::<f64>();
        }
        sum / test.len() as f64
    };
    let (first, second) = (error(Loss::SOBOLEV), error(Loss::SECOND_ORDER));
    assert!(second < 0.3 * first, "{second} against {first}");
}

#[test]
fn relu_is_refused_by_name() {
    let data = data::<f64>(64, 64, 1, 1);
    let mut kinked = net(&[4, 3], Activation::Relu);
    let levenberg =
        LevenbergMarquardt { loss: Loss::SECOND_ORDER, iterations: 3, damping: 1e-2, patience: 2, name: "test".into() };
    let errors = [
        trainer(Loss::SECOND_ORDER, 1, 0.01).run(&mut kinked, &mut &data, &mut Unobserved).unwrap_err(),
        levenberg.run(&mut kinked, &data, &data, &mut Unobserved).unwrap_err(),
    ];
    for error in errors {
        assert!(error.to_string().starts_with("layer 0: has relu, whose second derivative is zero"), "{error}");
    }
    trainer(Loss::SOBOLEV, 1, 0.001).run(&mut kinked, &mut &data, &mut Unobserved).expect("first order is fine");
}

/// Noise-free labels of a network of the same shape, their products included: down to rounding.
#[test]
fn levenberg_marquardt_recovers_a_teacher() {
    let teacher = net(&[3, 2], Activation::Silu);
    let label = |n: usize, seed: u64| {
        let x = data::<f64>(n, n, 1, seed).inputs().to_owned();
        let (y, dy) = teacher.value_and_gradient(x.as_ref());
        let mut bundle = Bundle::new(0..n, Mat::from_fn(INPUTS, 2, |j, d| ((3 * j + d) as f64).cos()));
        bundle.products = teacher.hessian_products(x.as_ref(), bundle.directions.as_ref());
        let mut labels = Curvature::new(n, n);
        labels.put_scaled(bundle);
        let mut data = Scaled::new(x, y, Some(dy));
        data.set_curvature(Some(labels));
        data
    };
    let (training, held_out) = (label(1500, 2), label(500, 3));
    let mut student = teacher.clone();
    let mut next = numbers(99);
    student.params_mut().iter_mut().for_each(|p| *p += 0.1 * next());
    let levenberg = LevenbergMarquardt {
        loss: Loss::SECOND_ORDER,
        iterations: 300,
        damping: 1e-2,
        patience: 5,
        name: "test".into(),
    };
    let report = levenberg.run(&mut student, &training, &held_out, &mut Unobserved).unwrap();
    assert!(report.held_out[0] > 1e-4 && report.held_out[1] < 1e-15, "{report:?}");
    // The step is Newton's near the end only if the rows of the Jacobian are right: that takes few iterations.
    assert!(report.iterations < 300, "{report:?}");
}

/// Labels pass through original units, of the teacher and of the student, and must come out as the network's own products in
/// scaled ones; one batch in two has some, along unit directions.
#[test]
fn a_teachers_labels_are_its_own_products() {
    let scaling = Scaling {
        input_mean: vec![1.0, -2.0, 0.5],
        input_deviation: vec![0.5, 3.0, 0.1],
        value_mean: 4.0,
        value_deviation: 0.25,
    };
    let teacher = Surrogate { network: net(&[6, 5], Activation::Silu), scaling: scaling.clone() };
    let mut next = numbers(8);
    let labelled = |teacher: &Surrogate, next: &mut dyn FnMut() -> f64| {
        Teacher::new(teacher, Precision::Double).label(Mat::from_fn(250, INPUTS, |_, _| 1.5 * next()), true)
    };
    let samples = labelled(&teacher, &mut next);
    for directions in [Directions::PRINCIPAL, Directions::Random { count: 2 }, Directions::Cartesian { count: Some(2) }]
    {
        let mut bundler = Bundler::new(SecondOrder { directions, every: 2 }, 1);
        let labels: Curvature<f64> =
            bundler.label(&samples, &scaling, 64, &mut Teacher::new(&teacher, Precision::Double)).expect("smooth");
        assert_eq!(labels.bundles().map(|b| b.rows.clone()).collect::<Vec<_>>(), [0..64, 128..192]);
        let x = scaling.inputs_of::<f64>(samples.inputs());
        for bundle in labels.bundles() {
            for d in 0..bundle.count() {
                assert!((bundle.directions.col(d).norm_l2() - 1.0).abs() < 1e-12);
            }
            let own = teacher
                .network
                .hessian_products(x.subrows(bundle.rows.start, bundle.rows.len()), bundle.directions.as_ref());
            assert!((&own - &bundle.products).norm_max() < 1e-12 * own.norm_max());
        }
    }
    let kinked = Surrogate { network: net(&[6, 5], Activation::Relu), scaling: scaling.clone() };
    let samples = labelled(&kinked, &mut next);
    let error = Bundler::new(SecondOrder::default(), 1)
        .label::<f64>(&samples, &scaling, 64, &mut Teacher::new(&kinked, Precision::Double))
        .unwrap_err();
    assert!(error.to_string().starts_with("teacher: layer 0 has relu"), "{error}");
}
