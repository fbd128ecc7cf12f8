//! Training: the gradient of the Sobolev loss against finite differences and an independent AD crate, the same bits on any
//! number of threads, divergence as an error, Levenberg–Marquardt to the noise floor.

use faer::Mat;
use num_dual::{DualNum, HyperDual64};
use sobolev::data::Scaled;
use sobolev::error::Error;
use sobolev::math::Activation;
use sobolev::math::random::{Purpose, Streams};
use sobolev::nn::{Layer, Network, Packed, Stack};
use sobolev::observer::Unobserved;
use sobolev::train::{
    Balance, BatchGradient, DerivativeScale, LevenbergMarquardt, Loss, LossWeights, OneCycle, Rows, Trainer,
};

/// A smooth function of three inputs with its gradient.
fn target(x: &[f64]) -> (f64, [f64; 3]) {
    let (s, c) = (x[0] * x[1]).sin_cos();
    (s + 0.5 * x[2] * x[2], [c * x[1], c * x[0], x[2]])
}

fn numbers(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

fn data<T: Packed>(n: usize, seed: u64) -> Scaled<T> {
    let mut next = numbers(seed);
    let x = Mat::from_fn(n, 3, |_, _| next());
    let at = |r: usize| target(&[x[(r, 0)], x[(r, 1)], x[(r, 2)]]);
    Scaled::new(
        Mat::from_fn(n, 3, |r, j| T::of(x[(r, j)])),
        Mat::from_fn(n, 1, |r, _| T::of(at(r).0)),
        Some(Mat::from_fn(n, 3, |r, j| T::of(at(r).1[j]))),
    )
}

fn net(hidden: &[usize], activation: Activation) -> Network<Stack, f64> {
    let mut rng = Streams::new(5, Purpose::Initialisation).next().expect("endless");
    let mut net = Network::init(Stack::mlp(3, hidden, 1, activation), &mut rng);
    let mut next = numbers(17);
    net.params_mut().iter_mut().for_each(|p| *p += 0.1 * next());
    net
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
                Activation::Sigmoid => (-z).exp().add_one().recip(),
                Activation::Softplus => z.exp().ln_1p(),
                Activation::Silu => z / (-z).exp().add_one(),
                Activation::Relu => unreachable!("not smooth"),
            }
        };
        a = (0..l.fan_out.0).map(node).collect();
        rest = next;
    }
    a[0]
}

trait AddOne {
    fn add_one(self) -> Self;
}
impl<D: DualNum + Copy> AddOne for D {
    fn add_one(self) -> Self {
        self + D::one()
    }
}

fn gradient_of(net: &Network<Stack, f64>, data: &Scaled<f64>, weights: &LossWeights) -> (f64, Vec<f64>) {
    let mut engine = BatchGradient::new(net, data.len());
    let losses = engine.compute(net, data, &Rows::Range(0..data.len()), weights);
    let mut sum = vec![0.0; net.params().len()];
    for part in engine.parts() {
        sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
    }
    (losses.weighted(weights), sum)
}

/// dL/dθ along a direction is `Σ 2(f−y)·∂f/∂d + Σ 2(∂ⱼf−tⱼ)·∂²f/∂xⱼ∂d`: hyper-dual numbers give every factor exactly.
#[test]
fn sobolev_gradient_is_the_other_crates() {
    let thin: &[usize] = &[5, 4];
    for (hidden, activation, lambda, scale) in [
        (thin, Activation::Silu, 1.0, DerivativeScale::MeanSquare),
        (thin, Activation::Tanh, 0.3, DerivativeScale::Unnormalised),
        (thin, Activation::Softplus, 5.0, DerivativeScale::MeanSquare),
        (thin, Activation::Sigmoid, 1.0, DerivativeScale::MeanSquare),
        // All nodes of a layer in registers.
        (&[8, 8, 8, 8], Activation::Silu, 1.0, DerivativeScale::MeanSquare),
        (&[8, 8, 8], Activation::Softplus, 1.0, DerivativeScale::MeanSquare),
        // So many nodes that tiles are short.
        (&[131, 90, 70], Activation::Silu, 1.0, DerivativeScale::MeanSquare),
    ] {
        let (net, data) = (net(hidden, activation), data::<f64>(70, 3));
        let loss = Loss::Sobolev { derivative_weight: lambda, balance: Balance::Dimensional, scale };
        let weights = LossWeights::new(loss, &data);
        assert!((weights.value + weights.derivative - 1.0).abs() < 1e-15);
        let (value, gradient) = gradient_of(&net, &data, &weights);
        let mut next = numbers(23);
        let direction: Vec<f64> = gradient.iter().map(|_| next()).collect();
        let params: Vec<HyperDual64> =
            net.params().iter().zip(&direction).map(|(&p, &d)| HyperDual64::new(p, 0.0, d, 0.0)).collect();
        let (mut loss, mut slope, n) = (0.0, 0.0, data.len() as f64);
        let slopes = data.derivatives().expect("there are");
        for r in 0..data.len() {
            for j in 0..3 {
                let x: Vec<HyperDual64> = (0..3)
                    .map(|i| HyperDual64::new(data.inputs()[(r, i)], f64::from(u8::from(i == j)), 0.0, 0.0))
                    .collect();
                let f = forward(net_layers(&net), &params, &x);
                let residual = f.eps1 - slopes[(r, j)];
                let weight = weights.derivative * weights.inverse_scale[j] / (3.0 * n);
                loss += weight * residual * residual;
                slope += weight * 2.0 * residual * f.eps1eps2;
                if j == 0 {
                    let residual = f.re - data.values()[(r, 0)];
                    loss += weights.value / n * residual * residual;
                    slope += weights.value / n * 2.0 * residual * f.eps2;
                }
            }
        }
        let got: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
        assert!((got - slope).abs() < 1e-12 * slope.abs().max(1.0), "{activation}: {got} ≠ {slope}");
        assert!((value - loss).abs() < 1e-13 * loss, "{activation}: {value} ≠ {loss}");
    }
}

fn net_layers(net: &Network<Stack, f64>) -> &[Layer] {
    use sobolev::nn::Chain as _;
    net.chain().layers()
}

#[test]
fn gradients_are_finite_differences_whatever_the_shape() {
    for (hidden, n) in
        [(vec![37, 5], 100), (vec![3, 3, 1, 2, 2, 2], 64), (vec![130], 7), (vec![8; 4], 300), (vec![], 200)]
    {
        for loss in [Loss::Values, Loss::SOBOLEV] {
            let (mut net, data) = (net(&hidden, Activation::Silu), data::<f64>(n, 9));
            let weights = LossWeights::new(loss, &data);
            let (_, gradient) = gradient_of(&net, &data, &weights);
            let mut next = numbers(31);
            let direction: Vec<f64> = gradient.iter().map(|_| next()).collect();
            let start = net.params().to_vec();
            let mut at = |s: f64| {
                for ((p, start), d) in net.params_mut().iter_mut().zip(&start).zip(&direction) {
                    *p = start + s * d;
                }
                gradient_of(&net, &data, &weights).0
            };
            // Fourth-order differences.
            let h = 1e-3;
            let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
            let got: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
            assert!((got - slope).abs() < 1e-8 * slope.abs().max(1.0), "{hidden:?} {loss:?}: {got} ≠ {slope}");
        }
    }
}

#[test]
fn single_precision_follows_double() {
    let (net, data64, data32) = (net(&[20, 9], Activation::Silu), data::<f64>(300, 4), data::<f32>(300, 4));
    let weights = LossWeights::new(Loss::SOBOLEV, &data64);
    let (_, exact) = gradient_of(&net, &data64, &weights);
    let mut engine = BatchGradient::new(&net.cast::<f32>(), 300);
    engine.compute(&net.cast::<f32>(), &data32, &Rows::Range(0..300), &weights);
    let size = exact.iter().map(|g| g * g).sum::<f64>().sqrt();
    let mut sum = vec![0.0; exact.len()];
    for part in engine.parts() {
        sum.iter_mut().zip(part).for_each(|(s, &p)| *s += f64::from(p));
    }
    let off = exact.iter().zip(&sum).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
    assert!(off < 1e-5 * size, "relative error {}", off / size);
}

/// What a diverged network left in the memory of a larger batch does not reach the next one.
#[test]
fn memory_of_a_diverged_batch_is_like_new() {
    for hidden in [&[8, 8, 8, 8][..], &[20, 9], &[3]] {
        for loss in [Loss::Values, Loss::SOBOLEV] {
            let (net, data) = (net(hidden, Activation::Silu), data::<f64>(300, 5));
            let weights = LossWeights::new(loss, &data);
            let mut diverged = net.clone();
            diverged.params_mut().fill(f64::NAN);
            let (mut used, mut fresh) = (BatchGradient::new(&net, 300), BatchGradient::new(&net, 300));
            assert!(used.compute(&diverged, &data, &Rows::Range(0..300), &weights).value.is_nan());
            let few = Rows::Range(3..8);
            let losses = [&mut used, &mut fresh].map(|engine| engine.compute(&net, &data, &few, &weights));
            assert_eq!(losses[0], losses[1], "{hidden:?}");
            assert!(losses[0].value.is_finite() && used.parts().eq(fresh.parts()), "{hidden:?}");
        }
    }
}

fn trainer(loss: Loss, epochs: usize, peak: f64) -> Trainer {
    Trainer { loss, epochs, batch: 256, schedule: OneCycle::with_peak(peak), seed: 1, name: "test".into() }
}

/// Tiles of either length, one or several of them a part, parts that threads share out evenly or not.
#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for hidden in [&[96, 96][..], &[180, 170], &[8, 8, 8, 8]] {
        for batch in [100, 256, 300, 3000] {
            let (net, data) = (net(hidden, Activation::Silu).cast::<f32>(), data::<f32>(batch, 2));
            let weights = LossWeights::new(Loss::SOBOLEV, &data);
            let gradient = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
                let mut engine = BatchGradient::new(&net, batch);
                let losses = pool.install(|| engine.compute(&net, &data, &Rows::Range(0..batch), &weights));
                let bits = |part: &[f32]| part.iter().map(|g| g.to_bits()).collect::<Vec<_>>();
                (losses, engine.parts().map(bits).collect::<Vec<_>>())
            };
            let one = gradient(1);
            for threads in [2, 3, 4, 7, 16] {
                assert!(one == gradient(threads), "{hidden:?}, batches of {batch}, {threads} threads");
            }
        }
    }
    let data = data::<f32>(3000, 2);
    let trained = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let mut net = net(&[96, 96], Activation::Silu).cast::<f32>();
            trainer(Loss::SOBOLEV, 3, 0.003).run(&mut net, &mut &data, &mut Unobserved).expect("trains");
            net.params().iter().map(|p| p.to_bits()).collect::<Vec<_>>()
        })
    };
    let one = trained(1);
    assert_eq!(one, trained(2));
    assert_eq!(one, trained(3));
}

/// At equal samples the Sobolev loss gets slopes that the value loss misses.
#[test]
fn sobolev_training_learns_slopes() {
    let (data, test) = (data::<f64>(24, 2), data::<f64>(512, 77));
    let slopes = test.derivatives().expect("there are");
    let errors = |loss: Loss| {
        let mut net = net(&[16, 16], Activation::Silu);
        let trainer = Trainer { batch: 24, ..trainer(loss, 2000, 0.02) };
        let report = trainer.run(&mut net, &mut &data, &mut Unobserved).expect("trains");
        assert_eq!((report.steps, report.samples), (2000, 2000 * 24));
        let (y, dy) = net.value_and_gradient(test.inputs());
        let mean = |f: &dyn Fn(usize) -> f64| (0..test.len()).map(f).sum::<f64>() / test.len() as f64;
        (
            mean(&|r| (y[(r, 0)] - test.values()[(r, 0)]).powi(2)),
            mean(&|r| (0..3).map(|j| (dy[(r, j)] - slopes[(r, j)]).powi(2)).sum()),
        )
    };
    let (values, sobolev) = (errors(Loss::Values), errors(Loss::SOBOLEV));
    assert!(sobolev.0 < 1e-2 && sobolev.1 < 1e-1, "{sobolev:?}");
    assert!(sobolev.1 < 0.5 * values.1, "{sobolev:?} against {values:?}");
}

#[test]
fn a_diverging_rate_is_an_error_that_keeps_the_network_finite() {
    let data = data::<f32>(1024, 2);
    for peak in [1e3, 1e30] {
        let mut net = net(&[32, 32], Activation::Silu).cast::<f32>();
        let error = trainer(Loss::Values, 5, peak).run(&mut net, &mut &data, &mut Unobserved).expect_err("diverges");
        let Error::Diverged { stage, loss, .. } = &error else { panic!("{error}") };
        assert_eq!(stage, "test");
        assert!(loss.is_nan() || *loss > 2.0, "{error}");
        assert!(net.params().iter().all(|p| p.is_finite()));
    }
}

/// Noise-free labels of a network of the same shape: the loss goes to rounding, not to a plateau.
#[test]
fn levenberg_marquardt_recovers_a_teacher() {
    let teacher = net(&[3, 2], Activation::Silu);
    let label = |n: usize, seed: u64| {
        let x = data::<f64>(n, seed);
        let (y, dy) = teacher.value_and_gradient(x.inputs());
        Scaled::new(x.inputs().to_owned(), y, Some(dy))
    };
    let (training, held_out) = (label(2000, 2), label(500, 3));
    let mut student = teacher.clone();
    let mut next = numbers(99);
    student.params_mut().iter_mut().for_each(|p| *p += 0.1 * next());
    let levenberg =
        LevenbergMarquardt { loss: Loss::SOBOLEV, iterations: 400, damping: 1e-2, patience: 5, name: "test".into() };
    let report = levenberg.run(&mut student, &training, &held_out, &mut Unobserved).expect("runs");
    assert!(report.held_out[0] > 1e-4 && report.held_out[1] < 1e-15, "{report:?}");
}

/// Few samples of pure noise: the held-out loss stops it before it has learnt them by heart.
#[test]
fn levenberg_marquardt_stops_on_held_out_loss() {
    let noisy = |n: usize, seed: u64| {
        let clean = data::<f64>(n, seed);
        let mut next = numbers(seed ^ 1234);
        Scaled::new(clean.inputs().to_owned(), Mat::from_fn(n, 1, |_, _| 3.0 * next()), None)
    };
    let (training, held_out) = (noisy(60, 5), noisy(2000, 6));
    let mut student = net(&[6, 6], Activation::Tanh);
    let run = |patience| LevenbergMarquardt {
        loss: Loss::Values,
        iterations: 200,
        damping: 1e-2,
        patience,
        name: "t".into(),
    };
    let report = run(3).run(&mut student, &training, &held_out, &mut Unobserved).expect("runs");
    assert!(report.iterations < 100, "{report:?}");
    assert!(report.held_out[1] <= report.held_out[0] && report.training[1] < report.training[0], "{report:?}");
}
