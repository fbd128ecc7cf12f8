//! What a Sobolev step costs against width, depth, inputs, samples and threads: a table on standard output, medians of 15
//! times on one core unless it says threads. `cargo bench --bench scaling`. Gradients are checked by `benches/train.rs`.

#![allow(missing_docs)]

use std::time::Instant;

use pulp::Arch;
use rayon::ThreadPoolBuilder;
use sobolev::nn::Packed;
use sobolev::train::Loss;
use step::{Step, flops};

#[allow(dead_code, reason = "other benches use the rest of it")]
mod step;

/// Seconds of a step.
fn time<T: Packed>(hidden: &[usize], inputs: usize, batch: usize, threads: usize) -> (f64, f64) {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let mut step = Step::<T>::new(hidden, Loss::SOBOLEV, step::data(batch, inputs), Arch::new());
    let flops = flops(step.net.chain(), Loss::SOBOLEV, batch);
    let mut once = || {
        let start = Instant::now();
        let mut steps = 0;
        while start.elapsed().as_secs_f64() < 0.01 {
            step.run();
            steps += 1;
        }
        start.elapsed().as_secs_f64() / f64::from(steps)
    };
    // Into the pool once: entering it takes as long as a small network's step.
    let mut times: Vec<f64> = pool.install(|| (0..15).map(|_| once()).collect());
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], flops)
}

fn table<T: Packed>() {
    let peak = step::peak::<T>(Arch::new());
    println!("\n{}: at most {:.1} GFLOP/s a core\n", T::NAME, peak / 1e9);
    println!(
        "| network | inputs | batch | threads | us a step | ns a sample | % of the limit |\n|---|---|---|---|---|---|---|"
    );
    let row = |width: usize, depth: usize, inputs: usize, batch: usize, threads: usize| {
        let (seconds, flops) = time::<T>(&vec![width; depth], inputs, batch, threads);
        let (us, ns) = (1e6 * seconds, 1e9 * seconds / batch as f64);
        let share = 100.0 * flops / seconds / peak / threads as f64;
        println!("| {depth}×{width} | {inputs} | {batch} | {threads} | {us:.1} | {ns:.0} | {share:.0} |");
    };
    [8, 16, 32, 64, 128, 256, 512].into_iter().for_each(|width| row(width, 6, 7, 256, 1));
    [1, 2, 4, 8, 12].into_iter().for_each(|depth| row(128, depth, 7, 256, 1));
    [1, 7, 20, 50, 100, 200].into_iter().for_each(|inputs| row(128, 6, inputs, 256, 1));
    [64, 128, 256, 512, 1024, 4096].into_iter().for_each(|batch| row(128, 6, 7, batch, 1));
    for batch in [64, 128, 256, 512, 1024] {
        row(128, 6, 7, batch, 2);
    }
}

fn main() {
    table::<f32>();
    table::<f64>();
}
