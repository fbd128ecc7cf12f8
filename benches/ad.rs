//! Derivatives of one function against a peer and against what one writes by hand; all answers are checked first.
//!
//! `f(x) = h ln(1 + exp((w·x − K)/h)) + Σ wᵢ xᵢ ln xᵢ`: a smoothed basket call, which couples all inputs, and a term in each.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nalgebra::SVector;
use num_dual::{Dual as PeerDual, DualNum};
use sobolev::ad::{Dual, Function, Lanes, Tape, forward};
use sobolev::math::Scalar;

const STRIKE: f64 = 1.1;
const WIDTH: f64 = 0.05;
/// Points in a batch.
const LANES: usize = 8;

struct Basket<const N: usize> {
    weights: [f64; N],
}

impl<const N: usize> Basket<N> {
    fn new() -> Self {
        let total: f64 = (1..=N).map(|i| i as f64).sum();
        Self { weights: std::array::from_fn(|i| (i + 1) as f64 / total) }
    }

    fn by_peer<D: DualNum<Primitive = f64> + Copy>(&self, x: &[D]) -> D {
        let (mut basket, mut entropy) = (D::from(-STRIKE), D::from(0.0));
        for (&x, &weight) in x.iter().zip(&self.weights) {
            basket += x * weight;
            entropy += x * x.ln() * weight;
        }
        ((basket / WIDTH).exp() + 1.0).ln() * WIDTH + entropy
    }

    /// Value, slope and curvature of the smoothed call, and the rest of the value; with std's functions, as one would.
    #[inline]
    fn parts(&self, x: &[f64; N], logs: &mut [f64; N]) -> ([f64; 3], f64) {
        let (mut basket, mut entropy) = (-STRIKE, 0.0);
        for ((&x, weight), log) in x.iter().zip(&self.weights).zip(logs) {
            *log = x.ln();
            basket += weight * x;
            entropy += weight * x * *log;
        }
        let e = (basket / WIDTH).exp();
        let s = e / (1.0 + e);
        ([WIDTH * (1.0 + e).ln(), s, s * (1.0 - s) / WIDTH], entropy)
    }

    fn gradient_by_hand(&self, x: &[f64; N], gradient: &mut [f64; N]) -> f64 {
        let mut logs = [0.0; N];
        let ([call, slope, _], entropy) = self.parts(x, &mut logs);
        for i in 0..N {
            gradient[i] = self.weights[i] * (slope + logs[i] + 1.0);
        }
        call + entropy
    }

    fn hvp_by_hand(&self, x: &[f64; N], v: &[f64; N], gradient: &mut [f64; N], hv: &mut [f64; N]) -> f64 {
        let mut logs = [0.0; N];
        let ([call, slope, curvature], entropy) = self.parts(x, &mut logs);
        let along: f64 = self.weights.iter().zip(v).map(|(w, v)| w * v).sum();
        for i in 0..N {
            gradient[i] = self.weights[i] * (slope + logs[i] + 1.0);
            hv[i] = self.weights[i] * (curvature * along + v[i] / x[i]);
        }
        call + entropy
    }

    fn hessian_by_hand(&self, x: &[f64; N], gradient: &mut [f64; N], hessian: &mut [[f64; N]; N]) -> f64 {
        let mut logs = [0.0; N];
        let ([call, slope, curvature], entropy) = self.parts(x, &mut logs);
        for i in 0..N {
            gradient[i] = self.weights[i] * (slope + logs[i] + 1.0);
            for j in 0..N {
                hessian[i][j] = curvature * self.weights[i] * self.weights[j];
            }
            hessian[i][i] += self.weights[i] / x[i];
        }
        call + entropy
    }
}

impl<const N: usize> Function for Basket<N> {
    fn eval<S: Scalar>(&self, x: &[S]) -> S {
        let (mut basket, mut entropy) = (S::constant(-STRIKE), S::zero());
        for (&x, &weight) in x.iter().zip(&self.weights) {
            basket = basket + x.scale(weight);
            entropy = entropy + (x * x.ln()).scale(weight);
        }
        (basket.scale(1.0 / WIDTH).exp().shift(1.0)).ln().scale(WIDTH) + entropy
    }
}

fn assert_close(a: &[f64], b: &[f64]) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() <= 1e-11 * (1.0 + b.abs()), "{a} ≠ {b}");
    }
}

fn point<const N: usize>(shift: f64) -> [f64; N] {
    std::array::from_fn(|i| 0.8 + shift + 0.6 * i as f64 / N as f64)
}

fn gradients<const N: usize>(c: &mut Criterion) {
    let (f, x) = (Basket::<N>::new(), point::<N>(0.0));
    let (mut expected, mut gradient, mut tape) = ([0.0; N], [0.0; N], Tape::new());
    let value = f.gradient_by_hand(&x, &mut expected);
    assert_close(&[tape.gradient_into(&f, &x, &mut gradient)], &[value]);
    assert_close(&gradient, &expected);
    assert_close(&forward::gradient(&f, &x).1, &expected);
    let by_peer = |x: &[f64; N]| num_dual::gradient(|x| f.by_peer(x.as_slice()), &SVector::from(*x));
    assert_close(by_peer(&x).1.as_slice(), &expected);

    let mut group = c.benchmark_group("ad/gradient");
    group.throughput(Throughput::Elements(1));
    let mut row = |name: &str, call: &mut dyn FnMut()| {
        group.bench_function(BenchmarkId::new(name, N), |b| b.iter(&mut *call));
    };
    row("value only", &mut || _ = black_box(f.eval(black_box(&x))));
    row("by hand", &mut || _ = black_box(f.gradient_by_hand(black_box(&x), &mut expected)));
    row("tape", &mut || _ = black_box(tape.gradient_into(&f, black_box(&x), &mut gradient)));
    row("forward", &mut || _ = black_box(forward::gradient(&f, black_box(&x))));
    row("num-dual", &mut || _ = black_box(by_peer(black_box(&x))));
    group.finish();
}

/// Eight points a call, by lanes and one by one.
fn batches<const N: usize>(c: &mut Criterion) {
    let f = Basket::<N>::new();
    let points: [[f64; N]; LANES] = std::array::from_fn(|lane| point(0.01 * lane as f64));
    let x: [Lanes<f64, LANES>; N] = std::array::from_fn(|i| Lanes(points.map(|point| point[i])));
    let (mut gradient, mut one, mut expected) = ([Lanes::splat(0.0); N], [0.0; N], [0.0; N]);
    let (mut tape, mut single) = (Tape::new(), Tape::new());
    tape.gradient_into(&f, &x, &mut gradient);
    for (lane, point) in points.iter().enumerate() {
        f.gradient_by_hand(point, &mut expected);
        assert_close(&gradient.map(|g| g.0[lane]), &expected);
    }

    let mut group = c.benchmark_group("ad/gradient of 8 points");
    group.throughput(Throughput::Elements(LANES as u64));
    group.bench_function(BenchmarkId::new("tape over lanes", N), |b| {
        b.iter(|| tape.gradient_into(&f, black_box(&x), &mut gradient));
    });
    group.bench_function(BenchmarkId::new("tape, one by one", N), |b| {
        b.iter(|| points.each_ref().map(|x| single.gradient_into(&f, black_box(x), &mut one)));
    });
    group.bench_function(BenchmarkId::new("by hand, one by one", N), |b| {
        b.iter(|| points.each_ref().map(|x| f.gradient_by_hand(black_box(x), &mut expected)));
    });
    group.finish();
}

fn hvps<const N: usize>(c: &mut Criterion) {
    let (f, x) = (Basket::<N>::new(), point::<N>(0.0));
    let v: [f64; N] = std::array::from_fn(|i| 1.0 - 0.1 * i as f64);
    let (mut gradient, mut expected) = ([0.0; N], [0.0; N]);
    f.hvp_by_hand(&x, &v, &mut gradient, &mut expected);
    let (mut tape, mut hv) = (Tape::<Dual<f64>>::new(), [[0.0]; N]);
    tape.hvp_into(&f, &x, v.as_chunks().0, &mut gradient, &mut hv);
    assert_close(hv.as_flattened(), &expected);
    assert_close(&forward::hvp(&f, &x, &v).2, &expected);
    let by_peer = |x: &[f64; N]| {
        let x: SVector<_, N> = SVector::from_fn(|i, _| PeerDual::new(x[i], v[i]));
        num_dual::gradient(|x| f.by_peer(x.as_slice()), &x)
    };
    assert_close(by_peer(&x).1.map(|g| g.eps).as_slice(), &expected);

    let mut group = c.benchmark_group("ad/hvp");
    let mut row = |name: &str, call: &mut dyn FnMut()| {
        group.bench_function(BenchmarkId::new(name, N), |b| b.iter(&mut *call));
    };
    row("by hand", &mut || _ = black_box(f.hvp_by_hand(black_box(&x), &v, &mut gradient, &mut expected)));
    row("tape", &mut || {
        black_box(tape.hvp_into(&f, black_box(&x), v.as_chunks().0, &mut gradient, &mut hv));
    });
    row("forward", &mut || _ = black_box(forward::hvp(&f, black_box(&x), &v)));
    row("num-dual", &mut || _ = black_box(by_peer(black_box(&x))));
    group.finish();
}

fn hessians<const N: usize>(c: &mut Criterion) {
    let (f, x) = (Basket::<N>::new(), point::<N>(0.0));
    let (mut gradient, mut expected) = ([0.0; N], Box::new([[0.0; N]; N]));
    f.hessian_by_hand(&x, &mut gradient, &mut expected);
    let (mut tape, mut hessian) = (Tape::<Dual<f64, 8>>::new(), vec![0.0; N * N]);
    tape.hessian_into(&f, &x, &mut gradient, &mut hessian);
    assert_close(&hessian, expected.as_flattened());
    assert_close(forward::hessian(&f, &x).2.as_flattened(), expected.as_flattened());
    let by_peer = |x: &[f64; N]| num_dual::hessian(|x| f.by_peer(x.as_slice()), &SVector::from(*x));
    assert_close(by_peer(&x).2.as_slice(), expected.as_flattened());

    let mut group = c.benchmark_group("ad/hessian");
    group.sample_size(20);
    let mut row = |name: &str, call: &mut dyn FnMut()| {
        group.bench_function(BenchmarkId::new(name, N), |b| b.iter(&mut *call));
    };
    row("by hand", &mut || _ = black_box(f.hessian_by_hand(black_box(&x), &mut gradient, &mut expected)));
    row("tape", &mut || _ = black_box(tape.hessian_into(&f, black_box(&x), &mut gradient, &mut hessian)));
    row("forward", &mut || _ = black_box(forward::hessian(&f, black_box(&x))));
    row("num-dual", &mut || _ = black_box(by_peer(black_box(&x))));
    group.finish();
}

criterion_group! {
    name = derivatives;
    config = Criterion::default().warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_secs(1));
    targets = gradients::<7>, gradients::<50>, batches::<7>, batches::<50>, hvps::<7>, hvps::<50>, hessians::<7>, hessians::<50>
}
criterion_main!(derivatives);
