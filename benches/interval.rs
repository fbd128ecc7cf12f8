//! Intervals: each operation over 4096 random pairs of mixed signs, and the slice kernels, against their naive twins.
//!
//! Peers that need compiler flags are measured over the same pairs in `benches/peers`.
#![expect(clippy::redundant_closure_call, reason = "the macro inlines each operation into its own loop")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sobolev::interval::kernel::{Boxes, BoxesMut, Weights, activation, adjoint, affine};
use sobolev::interval::{Interval, naive};
use sobolev::math::Activation;

const PAIRS: usize = 4096;

/// An operation over many pairs.
type OverPairs = dyn Fn(&[(Interval, Interval)], &mut [Interval]);

/// xorshift64*, so that every engine is given the same pairs.
struct Bits(u64);

impl Bits {
    /// Uniform in (−1, 1).
    fn signed(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 * (2.0 / (1_u64 << 53) as f64) - 1.0
    }
    fn interval(&mut self, scale: f64) -> Interval {
        Interval::between(scale * self.signed(), scale * self.signed()).expect("finite bounds")
    }
}

fn operations(c: &mut Criterion) {
    let mut bits = Bits(0x9e37_79b9_7f4a_7c15);
    let pairs: Vec<(Interval, Interval)> = (0..PAIRS).map(|_| (bits.interval(4.0), bits.interval(4.0))).collect();
    let mut out = vec![Interval::ZERO; PAIRS];
    let mut run = |name: &str, f: &OverPairs| {
        let mut group = c.benchmark_group(format!("interval/{name}"));
        group.throughput(Throughput::Elements(PAIRS as u64));
        group.bench_function("scalar", |b| b.iter(|| f(black_box(&pairs), black_box(&mut out))));
        group.finish();
    };
    macro_rules! over_pairs {
        ($name:literal, $f:expr) => {
            run($name, &|pairs, out| {
                for (out, &(x, y)) in out.iter_mut().zip(pairs) {
                    let f: fn(Interval, Interval) -> Interval = $f;
                    *out = f(x, y);
                }
            });
        };
    }
    over_pairs!("add", |x, y| x + y);
    over_pairs!("mul", |x, y| x * y);
    over_pairs!("div", |x, y| x / y);
    over_pairs!("sqr", |x, _| x.sqr());
    over_pairs!("sqrt", |x, _| x.sqrt());
    over_pairs!("exp", |x, _| x.exp());
    over_pairs!("ln", |x, _| x.ln());
    over_pairs!("sin", |x, _| x.sin());
    over_pairs!("atan", |x, _| x.atan());
    over_pairs!("tanh", |x, _| x.tanh());
    over_pairs!("normal_cdf", |x, _| x.normal_cdf());
    over_pairs!("silu", |x, _| x.activation(Activation::Silu, 0));
    over_pairs!("silu′", |x, _| x.activation(Activation::Silu, 1));
}

/// A layer of 128 nodes to 128: nanoseconds a multiply-add are the time over `elements`.
fn layers(c: &mut Criterion) {
    const N: usize = 128;
    let mut bits = Bits(0x2545_f491_4f6c_dd1d);
    let weights: Vec<f64> = (0..N * N).map(|_| 0.15 * bits.signed()).collect();
    let bias = vec![0.1; N];
    let points: Vec<Interval> = weights.iter().map(|&w| Interval::point(w)).collect();
    for boxes in [1, 64] {
        let x_lo: Vec<f64> = (0..N * boxes).map(|_| bits.signed()).collect();
        let x_hi: Vec<f64> = x_lo.iter().map(|x| x + 0.1).collect();
        let (x, w) = (Boxes::new(&x_lo, &x_hi), Weights::Points(&weights));
        let (mut lo, mut hi) = (vec![0.0; N * boxes], vec![0.0; N * boxes]);

        // The first box by definition, before anything is timed.
        let first: Vec<Interval> = (0..N).map(|i| x.get(i * boxes)).collect();
        let (mut expected, biases) = (vec![Interval::ZERO; N], vec![Interval::point(0.1); N]);
        naive::affine(&points, &biases, &first, &mut expected);
        affine(w, Some(&bias), x, BoxesMut::new(&mut lo, &mut hi), boxes);
        for (o, expected) in expected.iter().enumerate() {
            let got = Boxes::new(&lo, &hi).get(o * boxes);
            assert!((got.inf() - expected.inf()).abs() < 1e-12 && (got.sup() - expected.sup()).abs() < 1e-12);
        }

        let mut group = c.benchmark_group("interval/affine 128×128");
        group.throughput(Throughput::Elements((N * N * boxes) as u64));
        group.bench_function(BenchmarkId::new("simd", boxes), |b| {
            b.iter(|| affine(black_box(w), Some(&bias), black_box(x), BoxesMut::new(&mut lo, &mut hi), boxes));
        });
        group.bench_function(BenchmarkId::new("simd, interval weights", boxes), |b| {
            let w = Weights::Intervals(Boxes::new(&weights, &weights));
            b.iter(|| affine(black_box(w), Some(&bias), black_box(x), BoxesMut::new(&mut lo, &mut hi), boxes));
        });
        if boxes == 1 {
            group.bench_function(BenchmarkId::new("naive", boxes), |b| {
                b.iter(|| naive::affine(black_box(&points), &biases, black_box(&first), &mut expected));
            });
        }
        group.finish();
        let mut group = c.benchmark_group("interval/adjoint 128×128");
        group.throughput(Throughput::Elements((N * N * boxes) as u64));
        group.bench_function(BenchmarkId::new("simd", boxes), |b| {
            b.iter(|| adjoint(black_box(w), black_box(x), BoxesMut::new(&mut lo, &mut hi), boxes));
        });
        group.finish();
    }
}

/// Value and derivative of each activation over 4096 intervals.
fn activations(c: &mut Criterion) {
    let mut bits = Bits(0x9e37_79b9_7f4a_7c15);
    let x_lo: Vec<f64> = (0..PAIRS).map(|_| 4.0 * bits.signed()).collect();
    let x_hi: Vec<f64> = x_lo.iter().map(|x| x + 0.3).collect();
    let x = Boxes::new(&x_lo, &x_hi);
    let mut out = [const { Vec::new() }; 4].map(|_: Vec<f64>| vec![0.0; PAIRS]);
    for function in Activation::ALL {
        let [y_lo, y_hi, slope_lo, slope_hi] = &mut out;
        activation(function, x, BoxesMut::new(y_lo, y_hi), BoxesMut::new(slope_lo, slope_hi));
        for i in 0..PAIRS {
            let (x, y) = (x.get(i), Boxes::new(y_lo, y_hi).get(i));
            assert!(x.activation(function, 0).width() <= y.width() + 1e-300, "{function}{x} = {y}");
        }
        let mut group = c.benchmark_group(format!("interval/{function} and slope"));
        group.throughput(Throughput::Elements(PAIRS as u64));
        group.bench_function("simd", |b| {
            b.iter(|| activation(function, black_box(x), BoxesMut::new(y_lo, y_hi), BoxesMut::new(slope_lo, slope_hi)));
        });
        group.bench_function("scalar", |b| {
            b.iter(|| {
                for i in 0..PAIRS {
                    let x = black_box(x).get(i);
                    black_box((x.activation(function, 0), x.activation(function, 1)));
                }
            });
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_millis(700)).sample_size(20);
    targets = operations, layers, activations
}
criterion_main!(benches);
