//! tract over the files that `networks` wrote, in single precision, since its Sigmoid has no other: values at one point and at 65 536.
//!
//! `cargo run --release --features tract --bin tract -- FOLDER`

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use tract_onnx::prelude::*;

const BLOCK: usize = 64;
const POINTS: usize = 65_536;

fn main() -> TractResult<()> {
    let folder = std::env::args().nth(1).expect("expected a folder");
    for name in ["7-3-3-1-2-2-2-1", "7-3-3-1", "7-8x6-1", "7-128x6-1"] {
        if let Err(error) = network(Path::new(&folder), name) {
            println!("{name:<18} tract: {error:#}");
        }
    }
    Ok(())
}

fn plan(path: &Path, points: usize) -> TractResult<TypedRunnableModel<TypedModel>> {
    let fact = InferenceFact::dt_shape(f32::datum_type(), [points, 7]);
    tract_onnx::onnx().model_for_path(path)?.with_input_fact(0, fact)?.into_optimized()?.into_runnable()
}

fn network(folder: &Path, name: &str) -> TractResult<()> {
    let path = folder.join(format!("{name}.f32.onnx"));
    let text = std::fs::read_to_string(folder.join(format!("{name}.csv")))?;
    let rows: Vec<Vec<f32>> =
        text.lines().map(|l| l.split(',').map(|v| v.parse().expect("a number")).collect()).collect();
    let one = plan(&path, 1)?;
    let value = |x: &[f32]| -> TractResult<f32> {
        let x = Tensor::from_shape(&[1, 7], x)?;
        Ok(one.run(tvec!(x.into()))?[0].as_slice::<f32>()?[0])
    };
    // Checked before timed.
    for row in &rows {
        let found = value(&row[..7])?;
        assert!((found - row[7]).abs() < 1e-5 * row[7].abs().max(1.0), "{name}: {found} ≠ {}", row[7]);
    }
    let block = || {
        let (start, mut y) = (Instant::now(), 0.0);
        let mut x: [f32; 7] = rows[0][..7].try_into().expect("seven inputs");
        for _ in 0..BLOCK {
            x[0] += y * 1e-30;
            y = value(&x).expect("it ran before");
        }
        black_box(y);
        start.elapsed().as_secs_f64() * 1e9 / BLOCK as f64
    };
    let mut times: Vec<f64> = (0..2000).map(|_| block()).collect();
    times.sort_by(f64::total_cmp);
    println!("{name:<18} tract f32 value       p50 {:>10.0} ns   p99 {:>10.0} ns", times[1000], times[1980]);

    let many = plan(&path, POINTS)?;
    let data: Vec<f32> = (0..POINTS).flat_map(|i| rows[i % 64][..7].iter().copied()).collect();
    let x: TValue = Tensor::from_shape(&[POINTS, 7], &data)?.into();
    let y = many.run(tvec!(x.clone()))?;
    let y = y[0].as_slice::<f32>()?;
    assert!((0..POINTS).all(|i| (y[i] - rows[i % 64][7]).abs() < 1e-5), "{name}: batch");
    let mut times: Vec<f64> = (0..9)
        .map(|_| {
            let start = Instant::now();
            black_box(many.run(tvec!(x.clone())).expect("it ran before"));
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:<18} tract f32 value       {:>10.3} M points/s", POINTS as f64 / times[4] * 1e-6);
    Ok(())
}
