//! Values and adjoints of 7-128×6-1 over one box and over 1024, against one interval operation after the other; and what the
//! tighter enclosures cost.
//!
//! Nanoseconds a multiply-add are the time over `elements`. The peers (inari, numpy) are in `benches/peers`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sobolev::interval::Interval;
use sobolev::interval::kernel::Boxes;
use sobolev::math::Activation;
use sobolev::math::random::{Purpose, Streams};
use sobolev::nn::{Chain as _, Network, Stack};
use sobolev::significance::{Enclosure, Method, Prepared, naive};

const INPUTS: usize = 7;
/// Boxes side by side, as many as the library takes at once itself.
const SIDE_BY_SIDE: usize = 64;

fn network() -> Network<Stack, f64> {
    let mut rng = Streams::new(1, Purpose::Initialisation).next().expect("streams never end");
    Network::init(Stack::mlp(INPUTS, &[128; 6], 1, Activation::Silu), &mut rng)
}

/// Small boxes all over ±1.
fn boxes(count: usize) -> (Vec<f64>, Vec<f64>) {
    let lo: Vec<f64> = (0..INPUTS * count).map(|k| 2.0 * (k as f64 * 0.618_033_988_749_895).fract() - 1.0).collect();
    let hi = lo.iter().map(|x| x + 0.05).collect();
    (lo, hi)
}

fn significance(c: &mut Criterion) {
    let net = network();
    let multiply_adds: usize = 2 * net.chain().layers().iter().map(|l| l.weights()).sum::<usize>();
    let prepared = Prepared::new(&net, Enclosure::Interval);

    // One box, held to the specification before anything is timed.
    let (lo, hi) = boxes(1);
    let mut bounds = prepared.bounds(1);
    prepared.run(Boxes::new(&lo, &hi), 0, &mut bounds);
    let domain: Vec<Interval> = lo.iter().zip(&hi).map(|(lo, hi)| Interval::new(*lo, *hi).expect("in order")).collect();
    let expected = naive::trace(&net, &domain, 0);
    for (level, (nodes, adjoints)) in expected.nodes.iter().zip(&expected.adjoints).enumerate() {
        for (i, (n, bar)) in nodes.iter().zip(adjoints).enumerate() {
            for (got, want) in [(bounds.nodes(level).get(i), n), (bounds.adjoints(level).get(i), bar)] {
                let slack = 1e-9 * want.mag();
                assert!((got.inf() - want.inf()).abs() <= slack && (got.sup() - want.sup()).abs() <= slack);
            }
        }
    }

    let mut group = c.benchmark_group("significance/forward and adjoint 6×128");
    group.throughput(Throughput::Elements(multiply_adds as u64));
    group.bench_function(BenchmarkId::new("simd", 1), |b| {
        b.iter(|| prepared.run(black_box(Boxes::new(&lo, &hi)), 0, &mut bounds));
    });
    group.bench_function(BenchmarkId::new("naive", 1), |b| b.iter(|| naive::trace(&net, black_box(&domain), 0)));

    // 1024 boxes, 64 side by side, on one thread.
    const MANY: usize = 1024;
    let parts: Vec<_> = (0..MANY / SIDE_BY_SIDE).map(|_| boxes(SIDE_BY_SIDE)).collect();
    let mut bounds = prepared.bounds(SIDE_BY_SIDE);
    group.throughput(Throughput::Elements((MANY * multiply_adds) as u64));
    group.bench_function(BenchmarkId::new("simd", MANY), |b| {
        b.iter(|| {
            for (lo, hi) in &parts {
                prepared.run(black_box(Boxes::new(lo, hi)), 0, &mut bounds);
            }
        });
    });
    group.finish();

    // The whole analysis of a domain, as pruning asks for it, on all threads.
    let domain = [Interval::new(-1.5, 1.5).expect("in order"); INPUTS];
    let mut group = c.benchmark_group("significance/trace 6×128");
    let methods = Enclosure::ALL.map(|enclosure| (enclosure, 1)).into_iter().chain([(Enclosure::Interval, 1024)]);
    for (enclosure, boxes) in methods {
        let (method, prepared) = (Method { enclosure, boxes }, Prepared::new(&net, enclosure));
        let plain = Method { enclosure: Enclosure::Interval, boxes: 1 }.trace(&prepared, &domain, 0);
        let (tight, loose) = (method.trace(&prepared, &domain, 0).nodes[6][0], plain.nodes[6][0]);
        assert!(tight.width() <= loose.width() * (1.0 + 1e-9));
        group.bench_function(BenchmarkId::new(enclosure.name(), boxes), |b| {
            b.iter(|| method.trace(&prepared, black_box(&domain), 0));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2)).sample_size(20);
    targets = significance
}
criterion_main!(benches);
