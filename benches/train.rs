//! One optimiser step, Adam included: `train/step`, and beside each time its share of what the machine's multiply-adds
//! allow, the peak measured in the same run. Every gradient is checked against the naive twin's before it is timed.
//!
//! `cargo bench --bench train -- 6x128/sobolev` picks rows by name.

#![allow(missing_docs)]

use std::cell::RefCell;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pulp::Arch;
use rayon::{ThreadPool, ThreadPoolBuilder};
use sobolev::nn::Packed;
use sobolev::train::Loss;
use step::naive::Exp;
use step::{Step, distance, flops};

mod step;

const LARGE: &[usize] = &[128; 6];
const SMALL: &[&[usize]] = &[&[3, 3, 1, 2, 2, 2], &[8; 6]];

/// Times `run` within the pool, which it enters once, not once a step, and says how much of the limit it reached.
fn row(
    c: &mut Criterion,
    pool: &ThreadPool,
    name: String,
    batch: usize,
    flops: f64,
    peak: f64,
    mut run: impl FnMut() + Send,
) {
    let times = RefCell::new(Vec::new());
    let mut group = c.benchmark_group("train/step");
    group.throughput(Throughput::Elements(batch as u64));
    group.bench_function(&name, |b| {
        b.iter_custom(|iterations| {
            let elapsed = pool.install(|| {
                let start = Instant::now();
                (0..iterations).for_each(|_| run());
                start.elapsed()
            });
            times.borrow_mut().push(elapsed.as_secs_f64() / iterations as f64);
            elapsed
        });
    });
    group.finish();
    let mut times = times.into_inner();
    if !times.is_empty() {
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        println!("{name}: {:.1} % of the limit, {:.1} GFLOP/s at most", 100.0 * flops / median / peak, peak / 1e9);
    }
}

fn steps<T: Packed + Exp>(c: &mut Criterion) {
    let (best, peak) = (Arch::new(), step::peak::<T>(Arch::new()));
    for (hidden, name) in [(LARGE, "6x128"), (SMALL[0], "3-3-1-2-2-2"), (SMALL[1], "8x6")] {
        for (loss, kind) in [(Loss::Values, "values"), (Loss::SOBOLEV, "sobolev"), (Loss::SECOND_ORDER, "second-order")]
        {
            for batch in [256, 512] {
                for threads in [1, 2] {
                    if threads > 1 && hidden.len() * hidden[0] < 100 {
                        continue;
                    }
                    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
                    let mut step = Step::<T>::new(hidden, loss, step::data(batch, 7), best);
                    // Second-order gradients are held to differences and to another crate by the unit tests.
                    if loss == Loss::SOBOLEV {
                        check(&mut step);
                    }
                    let flops = flops(step.net.chain(), loss, batch);
                    let id = format!("{name}/{kind}/{}/{batch}/{threads}", T::NAME);
                    let peak = peak * threads as f64;
                    row(c, &pool, id, batch, flops, peak, || _ = step.run());
                }
            }
        }
    }
    let sobolev = |hidden: &[usize], arch| Step::<T>::new(hidden, Loss::SOBOLEV, step::data(256, 7), arch);
    let pool = ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = pulp::x86::V3::try_new().map(Arch::V3) {
        let mut step = sobolev(LARGE, avx2);
        check(&mut step);
        let (flops, peak) = (flops(step.net.chain(), Loss::SOBOLEV, 256), step::peak::<T>(avx2));
        let id = format!("6x128/sobolev, AVX2/{}/256/1", T::NAME);
        row(c, &pool, id, 256, flops, peak, || _ = step.run());
    }
    let step = sobolev(LARGE, best);
    let flops = flops(step.net.chain(), Loss::SOBOLEV, 256);
    let id = |twin: &str| format!("6x128/sobolev, {twin}, no Adam/{}/256/1", T::NAME);
    row(c, &pool, id("layer by layer through faer"), 256, flops, peak, || {
        std::hint::black_box(step::layers::gradient(&step.net, &step.data, &step.weights));
    });
    row(c, &pool, id("naive"), 256, flops, peak, || {
        std::hint::black_box(step::naive::gradient(&step.net, &step.data, &step.weights));
    });
}

/// Our gradient and the layered twin's are the naive twin's.
fn check<T: Packed + Exp>(step: &mut Step<T>) {
    let (loss, gradient) = step.summed();
    let f64s = |g: Vec<T>| g.into_iter().map(T::to_f64).collect::<Vec<_>>();
    let (naive_loss, naive) = step::naive::gradient(&step.net, &step.data, &step.weights);
    let (layered_loss, layered) = step::layers::gradient(&step.net, &step.data, &step.weights);
    let (naive, layered) = (f64s(naive), f64s(layered));
    let tolerance = 2000.0 * T::EPSILON.to_f64();
    for (loss, gradient) in [(loss, &gradient), (layered_loss, &layered)] {
        assert!((loss - naive_loss).abs() <= tolerance * naive_loss, "loss {loss}, the naive twin's is {naive_loss}");
        let apart = distance(gradient, &naive);
        assert!(apart <= tolerance, "gradients are {apart} apart, which is more than {tolerance}");
    }
}

fn benches(c: &mut Criterion) {
    steps::<f32>(c);
    steps::<f64>(c);
}

criterion_group! {
    name = all;
    config = Criterion::default().sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(1500));
    targets = benches
}
criterion_main!(all);
