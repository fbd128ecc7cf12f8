//! Simulation on one core, against a naive scalar twin. A sample is an input with its label, the mean over antithetic pairs;
//! throughput counts simulated paths, two to a pair.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand_distr::{Distribution, StandardNormal};
use sobolev::data::{Samples, Simulator};
use sobolev::math::random::{Generator, Normals, Purpose, Streams};
use sobolev::math::statistics::Moments;
use sobolev::model::{Bachelier, Call, ClosedForm, Model};

fn generator() -> Generator {
    Streams::new(1, Purpose::Training).next().expect("streams never end")
}

/// Standard normals: the crate's own against rand_distr's ziggurat. Their laws are checked in the crate's tests.
fn normals(c: &mut Criterion) {
    let mut group = c.benchmark_group("random/normals");
    let mut out = vec![0.0; 4096];
    group.throughput(Throughput::Elements(out.len() as u64));
    let mut fast = Normals::new(&mut generator());
    group.bench_function("simd", |b| b.iter(|| fast.fill(std::hint::black_box(&mut out))));
    let mut generator = generator();
    group.bench_function("ziggurat", |b| {
        b.iter(|| out.iter_mut().for_each(|z| *z = StandardNormal.sample(&mut generator)));
    });
    group.finish();
}

/// The simulation as one would first write it: one sample, one pair, one asset after the other, the derivative by hand.
fn naive(model: &Bachelier, strike: f64, pairs: usize, random: &mut Generator, samples: &mut Naive) {
    let (m, weights) = (model.inputs(), model.basket().weights());
    let mut z = vec![0.0; m];
    for ((x, value), deltas) in samples.inputs.chunks_mut(m).zip(&mut samples.values).zip(samples.deltas.chunks_mut(m))
    {
        z.iter_mut().for_each(|z| *z = StandardNormal.sample(random));
        model.training_inputs(&z, x);
        (*value, _) = (0.0, deltas.fill(0.0));
        for _ in 0..pairs {
            z.iter_mut().for_each(|z| *z = StandardNormal.sample(random));
            for sign in [1.0, -1.0] {
                let asset = |i| x[i] + sign * model.basket().increment(i, &z);
                let basket: f64 = (0..m).map(|i| weights[i] * asset(i)).sum();
                if basket > strike {
                    *value += (basket - strike) / (2 * pairs) as f64;
                    deltas.iter_mut().zip(weights).for_each(|(d, w)| *d += w / (2 * pairs) as f64);
                }
            }
        }
    }
}

struct Naive {
    inputs: Vec<f64>,
    values: Vec<f64>,
    deltas: Vec<f64>,
}

/// Both draw labels whose mean distance from the truth is within five standard errors of zero.
fn check(model: &Bachelier, call: &Call, labels: impl Iterator<Item = (Vec<f64>, f64, f64)>) {
    let (mut value, mut delta, mut truth) = (Moments::default(), Moments::default(), vec![0.0; model.inputs()]);
    for (x, y, d) in labels {
        let greeks = model.greeks(call, &x, &mut truth).expect("a formula");
        value.push(y - greeks.price);
        delta.push(d - truth[0]);
    }
    for moments in [value, delta] {
        assert!(moments.mean().abs() < 5.0 * moments.standard_error(), "{moments:?}");
    }
}

fn simulate(c: &mut Criterion) {
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool of one thread");
    let call = Call::default();
    let n = 8192;
    let mut group = c.benchmark_group("simulate/bachelier");
    for (assets, pairs) in [(7, 1), (7, 8), (7, 64), (1, 8), (20, 8), (50, 8)] {
        let model = Bachelier::random(1, assets).expect("a basket of at least one asset");
        let simulator = Simulator::new(&model, &call, pairs).expect("calls are Lipschitz");
        let mut streams = Streams::new(1, Purpose::Training);
        let mut samples = Samples::zeros(n, assets, true);
        let mut values = Samples::zeros(n, assets, false);
        let mut twin = Naive { inputs: vec![0.0; n * assets], values: vec![0.0; n], deltas: vec![0.0; n * assets] };
        let mut random = generator();

        simulator.draw_into(&mut streams, &mut samples);
        let derivatives = samples.derivatives().expect("drawn with derivatives");
        let row = |i| (samples.inputs().row(i).iter().copied().collect(), samples.values()[i], derivatives[(i, 0)]);
        check(&model, &call, (0..n).map(row));
        naive(&model, call.strike(), pairs, &mut random, &mut twin);
        let row = |i: usize| (twin.inputs[i * assets..][..assets].to_vec(), twin.values[i], twin.deltas[i * assets]);
        check(&model, &call, (0..n).map(row));

        let id = format!("{assets} assets, {pairs} pairs");
        group.throughput(Throughput::Elements((2 * n * pairs) as u64));
        group.bench_function(BenchmarkId::new("simd", &id), |b| {
            b.iter(|| one_thread.install(|| simulator.draw_into(&mut streams, &mut samples)));
        });
        group.bench_function(BenchmarkId::new("simd, values only", &id), |b| {
            b.iter(|| one_thread.install(|| simulator.draw_into(&mut streams, &mut values)));
        });
        group.bench_function(BenchmarkId::new("naive", &id), |b| {
            b.iter(|| naive(&model, call.strike(), pairs, &mut random, &mut twin));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(std::time::Duration::from_millis(500)).measurement_time(std::time::Duration::from_secs(2));
    targets = normals, simulate
}
criterion_main!(benches);
