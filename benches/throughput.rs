//! Points a second on one core: 65 536 points streamed through, columns in, columns out.
//!
//! `cargo bench --bench throughput`; the last figure of a row times 10⁻⁶ is M points/s.

use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use faer::Mat;
use pulp::Arch;
use sobolev::nn::{Fixed, Greeks, Native, Network};

#[path = "networks/mod.rs"]
mod networks;
#[path = "step/peak.rs"]
mod peak;
use networks::{ClosedForm, Collapsed, Dense, Eight, Pruned, Wide, normals, random};

const POINTS: usize = 65_536;

fn network<C: Fixed>(c: &mut Criterion, name: &str, points: usize) {
    let net = random::<C>();
    let native = Native::new(net);
    let tiled = Network::new(C::default(), net.params().as_ref().to_vec()).thaw();
    let dense = Dense::new(&net);
    let mut normal = normals(1);
    let x = Mat::from_fn(points, 7, |_, _| normal());
    let columns: Vec<&[f64]> = (0..7).map(|j| x.col_as_slice(j)).collect();
    let mut ones = C::zero_inputs();
    ones.as_mut().fill(1.0);

    let mut group = c.benchmark_group(format!("throughput/{name}"));
    group.throughput(Throughput::Elements(points as u64));
    let forms = [
        ("value", Greeks::Value),
        ("deltas", Greeks::Gradient),
        ("gamma", Greeks::Gamma(ones)),
        ("hessian", Greeks::Hessian),
    ];
    for (form, greeks) in forms {
        if form == "hessian" && C::PARAMS > 1000 {
            continue;
        }
        let mut results = vec![vec![0.0; points]; greeks.columns(7)];
        let mut out: Vec<&mut [f64]> = results.iter_mut().map(Vec::as_mut_slice).collect();
        native.batch(greeks, &columns, &mut out);
        // Checked before timed.
        for p in [0, points / 2, points - 1] {
            let mut point = C::zero_inputs();
            point.as_mut().iter_mut().zip(&columns).for_each(|(v, c)| *v = c[p]);
            let (y, dy, gamma) = net.gamma(&point, &ones);
            let want = [&[y], dy.as_ref(), &[gamma]].concat();
            let close = |(got, want): (&&mut [f64], &f64)| (got[p] - want).abs() < 1e-11 * want.abs().max(1.0);
            let columns = if form == "hessian" { 8 } else { out.len() };
            assert!(out[..columns].iter().zip(&want).all(close), "{name} {form} at point {p}");
        }
        group.bench_function(format!("{form}/native"), |b| b.iter(|| native.batch(greeks, &columns, &mut out)));
        if form == "value" && C::PARAMS > 1000 {
            share_of_peak::<C>(points, || native.batch(greeks, &columns, &mut out));
        }
    }
    group.bench_function("value/run-time widths", |b| b.iter(|| tiled.value(x.as_ref())));
    group.bench_function("deltas/run-time widths", |b| b.iter(|| tiled.value_and_gradient(x.as_ref())));
    group.bench_function("gamma/run-time widths", |b| b.iter(|| tiled.hvp(x.as_ref(), ones.as_ref())));
    group.bench_function("value/faer", |b| b.iter(|| dense.batch(x.as_ref())));
    group.finish();
}

/// What part of the core's multiply-adds the weights of a wide network use.
fn share_of_peak<C: Fixed>(points: usize, mut batch: impl FnMut()) {
    let weights: usize = C::LAYERS.iter().map(|l| l.weights()).sum();
    let best = (0..20).map(|_| {
        let start = Instant::now();
        batch();
        start.elapsed().as_secs_f64()
    });
    let (best, peak) = (best.fold(f64::MAX, f64::min), peak::peak::<f64>(Arch::new()));
    let share = (2 * weights * points) as f64 / best / peak;
    println!("value/native: {:.1} % of {:.1} GFLOP/s", 100.0 * share, peak / 1e9);
}

fn closed_form(c: &mut Criterion) {
    let basket = ClosedForm::example();
    let mut normal = normals(1);
    let x: Vec<[f64; 7]> = (0..POINTS).map(|_| std::array::from_fn(|_| normal())).collect();
    let mut out = vec![[0.0; 9]; POINTS];
    let mut group = c.benchmark_group("throughput/closed form");
    group.throughput(Throughput::Elements(POINTS as u64));
    group.bench_function("gamma/libm", |b| b.iter(|| out.iter_mut().zip(&x).for_each(|(o, x)| *o = basket.greeks(x))));
    group.finish();
}

fn benches(c: &mut Criterion) {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first pool");
    closed_form(c);
    network::<Pruned>(c, "7-3-3-1-2-2-2-1", POINTS);
    network::<Collapsed>(c, "7-3-3-1", POINTS);
    network::<Eight>(c, "7-8x6-1", POINTS);
    network::<Wide>(c, "7-128x6-1", POINTS / 16);
}

criterion_group!(all, benches);
criterion_main!(all);
