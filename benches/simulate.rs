//! Simulation.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand_distr::{Distribution, StandardNormal};
use sobolev::math::random::{Normals, Purpose, Streams};

/// Standard normals: the crate's own against rand_distr's ziggurat.
fn normals(c: &mut Criterion) {
    let mut group = c.benchmark_group("random/normals");
    let mut out = vec![0.0; 4096];
    group.throughput(Throughput::Elements(out.len() as u64));
    let mut generator = Streams::new(1, Purpose::Training).next().expect("streams never end");
    let mut fast = Normals::new(&mut generator);
    group.bench_function("simd", |b| b.iter(|| fast.fill(std::hint::black_box(&mut out))));
    group.bench_function("ziggurat", |b| {
        b.iter(|| out.iter_mut().for_each(|z| *z = StandardNormal.sample(&mut generator)));
    });
    group.finish();
}

criterion_group!(benches, normals);
criterion_main!(benches);
