//! Writes the networks that latency and throughput are measured on as ONNX and safetensors files, each with the values, deltas and
//! gammas of 64 points as CSV, so that every peer computes the same and can be checked before it is timed.
//!
//! `cargo run --release --bin networks -- FOLDER`

use std::fmt::Write as _;
use std::path::Path;

use sobolev::data::{Metadata, Scaling, Surrogate, write_atomically};
use sobolev::export::onnx::write_onnx;
use sobolev::nn::{Fixed, Network};

#[path = "../../../../networks/mod.rs"]
mod networks;
use networks::{Collapsed, Eight, Pruned, Wide, normals, random};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("expected a folder")?;
    let folder = Path::new(&folder);
    write::<Pruned>(folder, "7-3-3-1-2-2-2-1")?;
    write::<Collapsed>(folder, "7-3-3-1")?;
    write::<Eight>(folder, "7-8x6-1")?;
    write::<Wide>(folder, "7-128x6-1")?;
    Ok(())
}

fn write<C: Fixed>(folder: &Path, name: &str) -> Result<(), Box<dyn std::error::Error>> {
    let net = random::<C>();
    let network = Network::new(C::default(), net.params().as_ref().to_vec()).thaw();
    let surrogate = Surrogate { network, scaling: Scaling::identity(7) };
    write_atomically(&folder.join(format!("{name}.onnx")), &write_onnx::<f64>(&surrogate, &Metadata::new()))?;
    write_atomically(&folder.join(format!("{name}.f32.onnx")), &write_onnx::<f32>(&surrogate, &Metadata::new()))?;
    surrogate.save(&folder.join(format!("{name}.safetensors")), &Metadata::new())?;
    let (mut normal, mut text) = (normals(2), String::new());
    let (mut x, mut ones) = (C::zero_inputs(), C::zero_inputs());
    ones.as_mut().fill(1.0);
    for _ in 0..64 {
        x.as_mut().iter_mut().for_each(|x| *x = normal());
        let (value, deltas, gamma) = net.gamma(&x, &ones);
        let numbers = [x.as_ref(), &[value], deltas.as_ref(), &[gamma]].concat();
        let line: Vec<String> = numbers.iter().map(f64::to_string).collect();
        writeln!(text, "{}", line.join(","))?;
    }
    write_atomically(&folder.join(format!("{name}.csv")), text.as_bytes())?;
    Ok(())
}
