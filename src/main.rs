//! The command `sobolev`; see `sobolev --help`.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    sobolev::cli::main(&sobolev::cli::args::Cli::parse())
}
