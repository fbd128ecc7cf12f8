//! Floor 8: what a person meets at the terminal, over plain data: pictures, tables, progress, the key that interrupts.

mod analyse;
pub mod args;
mod canvas;
mod compare;
pub mod export;
mod figure8;
mod files;
pub mod interrupt;
pub mod plot;
mod price;
pub mod problem;
pub mod progress;
mod report;
mod run;
mod second_order;
pub mod sheet;
pub mod smoothing;
mod spread;
mod stages;
mod strips;
pub mod table;
mod widths;

pub use canvas::save;

use std::process::ExitCode;

use args::{Cli, Command};

use crate::error::Error;

/// Bad input and failed runs, as clap has it for bad arguments.
const FAILURE: u8 = 2;

/// Does what the command line says; errors are printed here and nowhere else.
pub fn main(cli: &Cli) -> ExitCode {
    // Without the handler Ctrl-C still stops the program; it only leaves no checkpoint.
    let _ = interrupt::install();
    let result = dispatch(cli);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            if matches!(error, Error::Interrupted) {
                ExitCode::from(interrupt::EXIT_CODE)
            } else {
                ExitCode::from(FAILURE)
            }
        }
    }
}

fn dispatch(cli: &Cli) -> crate::error::Result<()> {
    let command = cli.command.as_ref();
    let common = match command {
        None => &cli.run.common,
        Some(Command::Run(args)) => &args.common,
        Some(Command::Train(args)) => &args.common,
        Some(Command::Prune(args)) => &args.common,
        Some(Command::Finetune(args)) => &args.common,
        Some(Command::Figure8(args)) => &args.common,
        Some(Command::Evaluate(args)) => return stages::evaluate(args),
        Some(Command::Export(args)) => return export::export(args),
        Some(Command::Price(args)) => return price::price(args),
        Some(Command::Analyse(args)) => &args.common,
        Some(Command::Compare(args)) => &args.common,
    };
    use_threads(common.threads)?;
    // Within the pool: what starts there need not wake a thread to begin, which each step of training would do twice.
    rayon::scope(|_| match command {
        None => run::run(&cli.run),
        Some(Command::Run(args)) => run::run(args),
        Some(Command::Train(args)) => stages::train(args),
        Some(Command::Prune(args)) => stages::prune(args),
        Some(Command::Finetune(args)) => stages::finetune(args),
        Some(Command::Figure8(args)) => figure8::figure8(args),
        Some(Command::Evaluate(args)) => stages::evaluate(args),
        Some(Command::Export(args)) => export::export(args),
        Some(Command::Price(args)) => price::price(args),
        Some(Command::Analyse(args)) => analyse::analyse(args),
        Some(Command::Compare(args)) => compare::compare(args),
    })
}

/// All cores, if no number is given.
fn use_threads(threads: Option<usize>) -> crate::error::Result<()> {
    let Some(threads) = threads else { return Ok(()) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    pool.map_err(|e| Error::invalid("threads", e.to_string()))
}
