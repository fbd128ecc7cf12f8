//! `export`: a network as source to embed, or as a file for other programs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::args::PrecisionArg;
use crate::data::{load_network, write_atomically};
use crate::error::{Error, Result};
use crate::export::{About, c, onnx, rust};

/// `export`.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// The network to export, .safetensors or .onnx
    #[arg(long, short, default_value = "out/from_model.safetensors")]
    pub model: PathBuf,
    /// What to write
    #[arg(long, value_enum)]
    pub to: Format,
    /// Precision of an ONNX file [default: f64]; other exports are in double precision
    #[arg(long, value_enum)]
    pub precision: Option<PrecisionArg>,
    /// File to write; for C also the header beside it, as .h
    #[arg(long, short)]
    pub out: PathBuf,
}

/// What a network is exported to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A Rust file that needs only `core`
    Rust,
    /// Freestanding C99 and a header
    C,
    /// An ONNX file, with the scaling inside
    Onnx,
    /// The network's own file
    Safetensors,
}

pub(super) fn export(args: &ExportArgs) -> Result<()> {
    let (surrogate, metadata) = load_network(&args.model)?;
    if args.precision == Some(PrecisionArg::F32) && args.to != Format::Onnx {
        return Err(Error::invalid("precision", "only ONNX files can be in single precision"));
    }
    let about = || About::from_metadata(&metadata).map_err(|e| Error::format(&args.model, e.to_string()));
    match args.to {
        Format::Rust => write_atomically(&args.out, rust(&surrogate, &about()?)?.as_bytes())?,
        Format::C => {
            let header = args.out.with_extension("h");
            let stem = args.out.file_stem().and_then(|s| s.to_str()).filter(|_| header != args.out);
            let stem = stem.ok_or_else(|| Error::invalid("out", "expected the name of a C file, as pricer.c"))?;
            let files = c(&surrogate, &about()?, stem)?;
            write_atomically(&header, files.header.as_bytes())?;
            write_atomically(&args.out, files.source.as_bytes())?;
            println!("wrote {}", header.display());
        }
        Format::Onnx => {
            let bytes = match args.precision {
                Some(PrecisionArg::F32) => onnx::write_onnx::<f32>(&surrogate, &metadata),
                _ => onnx::write_onnx::<f64>(&surrogate, &metadata),
            };
            write_atomically(&args.out, &bytes)?;
        }
        Format::Safetensors => surrogate.save(&args.out, &metadata)?,
    }
    println!("wrote {} ({})", args.out.display(), surrogate.network.describe());
    Ok(())
}
