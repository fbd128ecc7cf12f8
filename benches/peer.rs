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
use sobolev::math::Activation;
use sobolev::math::random::{Purpose, Streams};
use sobolev::math::statistics::Moments;
use sobolev::model::{AnyModel, Call};
use sobolev::nn::{Network, Packed, Stack};
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
