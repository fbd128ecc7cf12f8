//! Our side of the comparisons in `benches/peers/jax`: a process that does a piece of work whenever a line on standard input
//! says how often, and answers with the seconds of each time, so that both sides can be timed in turns on the same cores.

#![allow(missing_docs)]

use std::io::BufRead as _;
use std::path::Path;
use std::time::Instant;

use faer::Mat;
use rayon::ThreadPoolBuilder;
use serde_json::json;
use sobolev::data::{Samples, Scaled, Simulator};
use sobolev::interval::kernel::Boxes;
use sobolev::math::Activation;
use sobolev::math::random::{Purpose, Streams};
use sobolev::math::statistics::Moments;
use sobolev::model::{AnyModel, Call};
use sobolev::nn::{Network, Packed, Stack};
use sobolev::significance::{Enclosure, Prepared};
use sobolev::train::Loss;
use step::{Step, flops};

#[allow(dead_code, reason = "other benches use the rest of it")]
mod step;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["step", hidden, batch, precision, loss, threads, folder] => {
            let hidden: Vec<usize> = hidden.split(',').map(number).collect();
            let loss = if loss == "values" { Loss::Values } else { Loss::SOBOLEV };
            let (batch, threads, folder) = (number(batch), number(threads), Path::new(folder));
            match precision {
                "f32" => train::<f32>(&hidden, batch, loss, threads, folder),
                _ => train::<f64>(&hidden, batch, loss, threads, folder),
            }
        }
        ["simulate", model, pairs, samples, threads] => {
            simulate(Path::new(model), number(pairs), number(samples), number(threads));
        }
        ["significance", hidden, boxes, folder] => {
            significance(&hidden.split(',').map(number).collect::<Vec<_>>(), number(boxes), Path::new(folder));
        }
        // `cargo bench` runs every bench: nothing to do without a partner.
        _ => eprintln!("peer: driven by benches/peers/jax/*.py"),
    }
}

fn number(text: &str) -> usize {
    text.parse().unwrap_or_else(|_| panic!("expected a number, found {text}"))
}

/// Does the work as often as each line says; answers with the seconds of each time.
fn serve(threads: usize, about: serde_json::Value, mut work: impl FnMut() + Send) {
    println!("{about}");
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    for line in std::io::stdin().lock().lines() {
        let times = number(line.expect("a line").trim());
        let seconds: Vec<f64> = pool.install(|| {
            let mut once = || {
                let start = Instant::now();
                work();
                start.elapsed().as_secs_f64()
            };
            (0..times).map(|_| once()).collect()
        });
        println!("{}", json!(seconds));
    }
}

/// Numbers in a file, eight bytes each.
fn read(folder: &Path, name: &str) -> Vec<f64> {
    let bytes = std::fs::read(folder.join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect()
}

fn train<T: Packed>(hidden: &[usize], batch: usize, loss: Loss, threads: usize, folder: &Path) {
    let [params, x, y, t] = ["params.f64", "x.f64", "y.f64", "t.f64"].map(|name| read(folder, name));
    let inputs = x.len() / batch;
    let wide = |v: &[f64]| Mat::from_fn(batch, inputs, |r, j| T::of(v[r * inputs + j]));
    let data = Scaled::new(wide(&x), Mat::from_fn(batch, 1, |r, _| T::of(y[r])), Some(wide(&t)));
    let chain = Stack::mlp(inputs, hidden, 1, Activation::Silu);
    let flops = flops(&chain, loss, batch);
    let net = Network::new(chain, params.into_iter().map(T::of).collect());
    let mut step = Step::of(net, loss, data, pulp::Arch::new());
    let (loss, gradient) = step.summed();
    let bytes: Vec<u8> = gradient.iter().flat_map(|g| g.to_le_bytes()).collect();
    std::fs::write(folder.join("gradient.f64"), bytes).expect("the gradient is written");
    let about = json!({ "loss": loss, "flops": flops, "peak": step::peak::<T>(pulp::Arch::new()) });
    serve(threads, about, || {
        step.run();
    });
}

fn simulate(model: &Path, pairs: usize, n: usize, threads: usize) {
    let text = std::fs::read_to_string(model).expect("a model file");
    let Ok(AnyModel::Bachelier(model)) = serde_json::from_str(&text) else { panic!("expected a Bachelier model") };
    let call = Call::default();
    let simulator = Simulator::new(&model, &call, pairs).expect("calls are Lipschitz");
    let mut streams = Streams::new(1, Purpose::Training);
    let mut samples = Samples::zeros(n, model.basket().weights().len(), true);
    simulator.draw_into(&mut streams, &mut samples);
    let (mut value, mut delta) = (Moments::default(), Moments::default());
    for i in 0..n {
        value.push(samples.values()[i]);
        delta.push(samples.derivatives().expect("drawn with derivatives")[(i, 0)]);
    }
    let moments = |m: Moments| json!([m.mean(), m.standard_error()]);
    let about = json!({ "value": moments(value), "delta": moments(delta) });
    serve(threads, about, || simulator.draw_into(&mut streams, &mut samples));
}

fn significance(hidden: &[usize], count: usize, folder: &Path) {
    /// Boxes side by side, as many as the library takes at once itself.
    const SIDE_BY_SIDE: usize = 64;
    let [params, lo, hi] = ["params.f64", "lo.f64", "hi.f64"].map(|name| read(folder, name));
    let inputs = lo.len() / count;
    let net = Network::new(Stack::mlp(inputs, hidden, 1, Activation::Silu), params);
    let prepared = Prepared::new(&net, Enclosure::Interval);
    let side_by_side = SIDE_BY_SIDE.min(count);
    let part = |all: &[f64], at: usize| -> Vec<f64> {
        (0..inputs).flat_map(|i| all[i * count + at..][..side_by_side].to_vec()).collect()
    };
    let parts: Vec<_> = (0..count).step_by(side_by_side).map(|at| (part(&lo, at), part(&hi, at))).collect();
    let mut bounds = prepared.bounds(side_by_side);
    let [mut low, mut high] = [(); 2].map(|()| vec![0.0; inputs * count]);
    for (p, (lo, hi)) in parts.iter().enumerate() {
        prepared.run(Boxes::new(lo, hi), 0, &mut bounds);
        for i in 0..inputs {
            for b in 0..side_by_side {
                let bar = bounds.adjoints(0).get(i * side_by_side + b);
                let at = i * count + p * side_by_side + b;
                (low[at], high[at]) = (bar.inf(), bar.sup());
            }
        }
    }
    for (name, numbers) in [("bar_lo.f64", low), ("bar_hi.f64", high)] {
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::write(folder.join(name), bytes).expect("the bounds are written");
    }
    serve(1, json!({}), || {
        for (lo, hi) in &parts {
            prepared.run(Boxes::new(lo, hi), 0, &mut bounds);
        }
    });
}
