//! Intervals: each operation over 4096 random pairs of mixed signs, and the slice kernels, against their naive twins.
//!
//! Peers that need compiler flags are measured over the same pairs in `benches/peers`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use sobolev::interval::Interval;
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
    fn interval(&mut self, scale: f64) -> Interval {
        Interval::between(scale * self.signed(), scale * self.signed()).expect("finite bounds")
    }
}

fn operations(c: &mut Criterion) {
    let mut bits = Bits(0x9e37_79b9_7f4a_7c15);
    let pairs: Vec<(Interval, Interval)> = (0..PAIRS).map(|_| (bits.interval(4.0), bits.interval(4.0))).collect();
    let mut out = vec![Interval::ZERO; PAIRS];
    let mut run = |name: &str, f: &dyn Fn(&[(Interval, Interval)], &mut [Interval])| {
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

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_millis(700)).sample_size(20);
    targets = operations
}
criterion_main!(benches);
