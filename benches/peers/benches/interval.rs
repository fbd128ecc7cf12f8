//! `sobolev`, `inari` and `maryada`: operations over 4096 random pairs of mixed signs, and the bounds and adjoints of a network of
//! six layers of 128 nodes.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use maryada::IntervalOps as _;
use sobolev::interval::kernel::{Boxes, BoxesMut, Weights, activation, adjoint, affine};
use sobolev::math::Activation;

const PAIRS: usize = 4096;

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
    fn ends(&mut self) -> (f64, f64) {
        let (a, b) = (4.0 * self.signed(), 4.0 * self.signed());
        (a.min(b), a.max(b))
    }
}

fn operations(c: &mut Criterion) {
    let mut bits = Bits(0x9e37_79b9_7f4a_7c15);
    let ends: Vec<_> = (0..PAIRS).map(|_| (bits.ends(), bits.ends())).collect();
    macro_rules! engine {
        ($name:literal, $new:expr, $(($operation:literal, $f:expr)),*) => {
            let new = $new;
            let pairs: Vec<_> = ends.iter().map(|&(a, b)| (new(a), new(b))).collect();
            let mut out: Vec<_> = pairs.iter().map(|p| p.0).collect();
            $(
                let mut group = c.benchmark_group(concat!("interval/", $operation));
                group.throughput(Throughput::Elements(PAIRS as u64));
                group.bench_function($name, |b| b.iter(|| {
                    for (out, &(x, y)) in out.iter_mut().zip(black_box(&pairs)) {
                        *out = $f(x, y);
                    }
                    black_box(&out);
                }));
                group.finish();
            )*
        };
    }
    use inari::Interval as Inari;
    use maryada::Interval as Maryada;
    use sobolev::interval::Interval;
    engine!(
        "sobolev",
        |(a, b)| Interval::new(a, b).expect("ordered"),
        ("add", |x: Interval, y| x + y),
        ("mul", |x: Interval, y| x * y),
        ("div", |x: Interval, y| x / y),
        ("exp", |x: Interval, _| x.exp()),
        ("tanh", |x: Interval, _| x.tanh())
    );
    engine!(
        "inari",
        |ends: (f64, f64)| Inari::try_from(ends).expect("ordered"),
        ("add", |x: Inari, y| x + y),
        ("mul", |x: Inari, y| x * y),
        ("div", |x: Inari, y| x / y)
    );
    engine!(
        "maryada",
        |(a, b)| Maryada::new(a, b),
        ("add", maryada::add::<Maryada>),
        ("mul", maryada::mul::<Maryada>),
        ("div", maryada::div::<Maryada>),
        ("exp", |x: Maryada, _| maryada::exp(x)),
        ("tanh", |x: Maryada, _| maryada::tanh(x))
    );
}

const N: usize = 128;
const LAYERS: usize = 6;

/// Bounds of all nodes forward, of all adjoints back, with ReLU (inari has no exponential without GMP).
fn network(c: &mut Criterion) {
    let mut bits = Bits(7);
    let weights: Vec<f64> = (0..LAYERS * N * N).map(|_| 0.15 * bits.signed()).collect();
    let x: Vec<(f64, f64)> = (0..N).map(|_| bits.signed()).map(|x| (x, x + 0.1)).collect();
    let mut group = c.benchmark_group("interval/forward and adjoint 6×128");

    let (lo, hi): (Vec<f64>, Vec<f64>) = x.iter().copied().unzip();
    let mut slopes = vec![(vec![0.0; N], vec![0.0; N]); LAYERS];
    let [mut y_lo, mut y_hi, mut z_lo, mut z_hi] = [(); 4].map(|()| vec![0.0; N]);
    let mut run = || {
        y_lo.copy_from_slice(&lo);
        y_hi.copy_from_slice(&hi);
        for (w, (slope_lo, slope_hi)) in weights.chunks(N * N).zip(&mut slopes) {
            affine(Weights::Points(w), None, Boxes::new(&y_lo, &y_hi), BoxesMut::new(&mut z_lo, &mut z_hi), 1);
            let (y, slope) = (BoxesMut::new(&mut y_lo, &mut y_hi), BoxesMut::new(slope_lo, slope_hi));
            activation(Activation::Relu, Boxes::new(&z_lo, &z_hi), y, slope);
        }
        y_lo.fill(1.0);
        y_hi.fill(1.0);
        for (w, (slope_lo, slope_hi)) in weights.chunks(N * N).zip(&slopes).rev() {
            let (slope, mut y) = (Boxes::new(slope_lo, slope_hi), BoxesMut::new(&mut y_lo, &mut y_hi));
            for i in 0..N {
                let product = Boxes::new(y.lo, y.hi).get(i) * slope.get(i);
                y.set(i, product);
            }
            adjoint(Weights::Points(w), Boxes::new(y.lo, y.hi), BoxesMut::new(&mut z_lo, &mut z_hi), 1);
            y.lo.copy_from_slice(&z_lo);
            y.hi.copy_from_slice(&z_hi);
        }
        (y_lo[0], y_hi[0])
    };
    let ours = run();
    group.bench_function("sobolev", |b| b.iter(|| black_box(run())));

    let new = |ends: (f64, f64)| inari::Interval::try_from(ends).expect("ordered");
    let points: Vec<_> = weights.iter().map(|&w| new((w, w))).collect();
    let (zero, one, unit) = (new((0.0, 0.0)), new((1.0, 1.0)), new((0.0, 1.0)));
    let input: Vec<_> = x.iter().map(|&ends| new(ends)).collect();
    let mut slopes = vec![vec![zero; N]; LAYERS];
    let mut run = || {
        let mut y = input.clone();
        for (w, slope) in points.chunks(N * N).zip(&mut slopes) {
            let z: Vec<_> = w.chunks(N).map(|row| row.iter().zip(&y).fold(zero, |sum, (&w, &y)| sum + w * y)).collect();
            for i in 0..N {
                slope[i] = if z[i].inf() > 0.0 {
                    one
                } else if z[i].sup() < 0.0 {
                    zero
                } else {
                    unit
                };
                y[i] = z[i].max(zero);
            }
        }
        let mut y = vec![one; N];
        for (w, slope) in points.chunks(N * N).zip(&slopes).rev() {
            let mut x = vec![zero; N];
            for ((row, &y), &slope) in w.chunks(N).zip(&y).zip(slope) {
                let y = y * slope;
                for (x, &w) in x.iter_mut().zip(row) {
                    *x = *x + w * y;
                }
            }
            y = x;
        }
        (y[0].inf(), y[0].sup())
    };
    let theirs = run();
    let tolerance = 1e-9 * theirs.0.abs().max(theirs.1.abs());
    assert!(
        (ours.0 - theirs.0).abs() < tolerance && (ours.1 - theirs.1).abs() < tolerance,
        "{ours:?} beside {theirs:?}"
    );
    group.bench_function("inari", |b| b.iter(|| black_box(run())));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_secs(1)).sample_size(20);
    targets = operations, network
}
criterion_main!(benches);
