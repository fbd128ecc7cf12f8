//! `price`: a network over the rows of a file, in blocks, so that the file may be longer than memory.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use faer::{Mat, MatRef};
use rayon::prelude::*;

use super::args::positive;
use super::progress::Progress;
use super::table::count;
use super::{interrupt, use_threads};
use crate::data::table::{self, Block, Lines};
use crate::data::{Metadata, Surrogate, load_network, spots};
use crate::error::{Error, Result};

/// Rows that are named on the terminal before it is left at their number.
const NAMED_REJECTS: u64 = 10;
const SAY_EVERY: Duration = Duration::from_secs(5);

/// `price`.
#[derive(Args, Clone, Debug)]
pub struct PriceArgs {
    /// The network, .safetensors or .onnx
    #[arg(long, short, default_value = "out/from_model.safetensors")]
    pub model: PathBuf,
    /// Table of inputs, one point a row: .csv (or .tsv, .txt; separated by comma, semicolon, tab or blanks, with or without a header,
    /// comments after #), .npy or .parquet, or - for CSV from standard input
    #[arg(long = "in", short, value_name = "FILE")]
    pub input: PathBuf,
    /// Table of results: .csv, .npy or .parquet, or - for CSV to standard output
    #[arg(long, short, value_name = "FILE")]
    pub out: PathBuf,
    /// What to give besides the value: delta by each input, gamma 1ᵀH1 along the direction that moves all spots alike
    /// while parameters stay, the whole hessian, or none
    #[arg(long, value_enum, value_delimiter = ',', default_value = "delta,gamma")]
    pub greeks: Vec<GreekArg>,
    /// Columns of the inputs, by name or by number from 0, in the network's order [default: all columns, in order]
    #[arg(long, value_delimiter = ',')]
    pub columns: Option<Vec<String>>,
    /// What to do with a row that holds something else than finite numbers
    #[arg(long, value_enum, default_value_t = InvalidArg::Nan)]
    pub invalid: InvalidArg,
    /// What to do with a row outside of the box that the network was made for, if its file names it
    #[arg(long, value_enum, default_value_t = OutsideArg::Flag)]
    pub outside: OutsideArg,
    /// Write line and reason of every rejected or flagged row into this CSV file
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,
    /// Threads [default: all cores]
    #[arg(long, value_parser = positive)]
    pub threads: Option<usize>,
    /// Say nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}

/// Derivatives to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GreekArg {
    /// First derivatives by each input
    Delta,
    /// Second derivative along (1, …, 1)
    Gamma,
    /// Second derivatives by each pair of inputs
    Hessian,
    /// Values alone
    None,
}

/// What becomes of rows that cannot be priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InvalidArg {
    /// NaN throughout, so that result and input keep the same rows
    Nan,
    /// Left out of the result
    Skip,
    /// The end: an error, and no result
    Stop,
}

/// What becomes of rows outside of the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutsideArg {
    /// Priced, and reported
    Flag,
    /// Treated as an invalid row
    Refuse,
    /// Priced
    Ignore,
}

pub(super) fn price(args: &PriceArgs) -> Result<()> {
    use_threads(args.threads)?;
    different_files(args)?;
    match run(args) {
        // Whoever read the results has enough of them.
        Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Results over the table that they come from would be the end of that table.
fn different_files(args: &PriceArgs) -> Result<()> {
    let stream = |file: &Path| file == Path::new("-");
    let same = |a: &Path, b: &Path| {
        let there = || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
        !stream(a) && !stream(b) && (a == b || there())
    };
    let mut pairs = vec![("out", &args.out, "in", &args.input)];
    if let Some(rejects) = &args.rejects {
        pairs.extend([("rejects", rejects, "out", &args.out), ("rejects", rejects, "in", &args.input)]);
    }
    for (name, file, other, taken) in pairs {
        if same(file, taken) {
            return Err(Error::invalid(name, format!("expected another file than that of --{other}")));
        }
    }
    Ok(())
}

fn run(args: &PriceArgs) -> Result<()> {
    let (surrogate, metadata) = load_network(&args.model)?;
    let wrong = |message| Error::format(&args.model, message);
    let spots = spots(&metadata, surrogate.widths()[0]).map_err(|e| wrong(e.to_string()))?;
    let pricer = Pricer::new(&surrogate, &args.greeks, spots).map_err(wrong)?;
    let domain = domain(args, &metadata, pricer.inputs)?;
    let mut source = table::read(&args.input, pricer.inputs, args.columns.as_deref())?;
    let mut sink = table::write(&args.out, &pricer.names())?;
    let mut report = Report::new(args)?;
    let (mut block, mut results) = (Block::default(), Vec::new());
    while source.next(&mut block)? {
        if interrupt::requested() {
            return Err(Error::Interrupted);
        }
        let rejected = report.block(&block, domain.as_deref(), pricer.inputs)?;
        pricer.rows(&block.data, &mut results);
        let width = pricer.width();
        match args.invalid {
            InvalidArg::Skip if !rejected.is_empty() => results = without(&results, width, &rejected),
            _ => rejected.iter().for_each(|row| results[row * width..][..width].fill(f64::NAN)),
        }
        sink.write(&results)?;
        report.progress();
    }
    sink.finish()?;
    report.finish()
}

/// The box that the network was made for, as its file says.
fn domain(args: &PriceArgs, metadata: &Metadata, inputs: usize) -> Result<Option<Vec<[f64; 2]>>> {
    let bad = |message: String| Error::format(&args.model, message);
    match (args.outside, metadata.get("domain")) {
        (OutsideArg::Ignore, _) | (OutsideArg::Flag, None) => Ok(None),
        (OutsideArg::Refuse, None) => {
            Err(bad("metadata field `domain` is missing: nothing is known to be outside".into()))
        }
        (_, Some(text)) => {
            let domain: Vec<[f64; 2]> =
                serde_json::from_str(text).map_err(|e| bad(format!("metadata field `domain`: {e}")))?;
            if domain.len() != inputs {
                let message = format!("metadata field `domain`: expected {inputs} ranges, found {}", domain.len());
                return Err(bad(message));
            }
            Ok(Some(domain))
        }
    }
}

/// What is computed of each point.
struct Pricer<'a> {
    surrogate: &'a Surrogate,
    inputs: usize,
    /// Inputs that gamma is taken along, the first ones.
    spots: usize,
    delta: bool,
    gamma: bool,
    hessian: bool,
}

impl<'a> Pricer<'a> {
    fn new(surrogate: &'a Surrogate, greeks: &[GreekArg], spots: usize) -> std::result::Result<Self, String> {
        let wants = |greek| greeks.contains(&greek);
        let widths = surrogate.widths();
        if widths.last() != Some(&1) {
            return Err(format!("expected a network with one output, found widths {widths:?}"));
        }
        Ok(Self {
            surrogate,
            inputs: widths[0],
            spots,
            delta: wants(GreekArg::Delta),
            gamma: wants(GreekArg::Gamma),
            hessian: wants(GreekArg::Hessian),
        })
    }

    /// `value,delta_0,…,gamma,hessian_0_0,…`
    fn names(&self) -> Vec<String> {
        let all = 0..if self.delta { self.inputs } else { 0 };
        let pairs = 0..if self.hessian { self.inputs * self.inputs } else { 0 };
        let mut names = vec!["value".to_owned()];
        names.extend(all.map(|j| format!("delta_{j}")));
        names.extend(self.gamma.then(|| "gamma".to_owned()));
        names.extend(pairs.map(|p| format!("hessian_{}_{}", p / self.inputs, p % self.inputs)));
        names
    }

    fn width(&self) -> usize {
        let n = self.inputs;
        1 + if self.delta { n } else { 0 } + usize::from(self.gamma) + if self.hessian { n * n } else { 0 }
    }

    /// The results of each row, row-major.
    fn rows(&self, inputs: &[f64], results: &mut Vec<f64>) {
        /// Rows that one thread takes at a time: inputs, derivatives and results stay in its cache.
        const ROWS: usize = 2048;
        let width = self.width();
        results.resize(inputs.len() / self.inputs * width, 0.0);
        let pieces = results.par_chunks_mut(ROWS * width).zip(inputs.par_chunks(ROWS * self.inputs));
        pieces.for_each(|(results, inputs)| {
            self.piece(MatRef::from_row_major_slice(inputs, inputs.len() / self.inputs, self.inputs), results);
        });
    }

    fn piece(&self, inputs: MatRef<'_, f64>, results: &mut [f64]) {
        let Surrogate { network, scaling } = self.surrogate;
        let mut table = Columns { rows: results, width: self.width(), next: 0 };
        let scaled = scaling.inputs_of::<f64>(inputs);
        let unit: Vec<f64> = scaling.input_deviation.iter().map(|d| 1.0 / d).collect();
        let mut direction = unit.clone();
        direction[self.spots..].fill(0.0);
        let (values, deltas, curvature) = if self.gamma {
            network.hvp(scaled.as_ref(), &direction)
        } else if self.delta {
            let (values, deltas) = network.value_and_gradient(scaled.as_ref());
            (values, deltas, Mat::new())
        } else {
            (network.value(scaled.as_ref()), Mat::new(), Mat::new())
        };
        let (deviation, mean) = (scaling.value_deviation, scaling.value_mean);
        table.put(values.col_as_slice(0), |y| y * deviation + mean);
        for j in 0..if self.delta { self.inputs } else { 0 } {
            let slope = scaling.slope(j);
            table.put(deltas.col_as_slice(j), |d| d * slope);
        }
        if self.gamma {
            let mut along = vec![0.0; inputs.nrows()];
            for (j, slope) in direction.iter().enumerate() {
                along.iter_mut().zip(curvature.col_as_slice(j)).for_each(|(sum, c)| *sum += c * slope);
            }
            table.put(&along, |g| g * deviation);
        }
        for i in 0..if self.hessian { self.inputs } else { 0 } {
            let mut axis = vec![0.0; self.inputs];
            axis[i] = unit[i];
            let (.., row) = network.hvp(scaled.as_ref(), &axis);
            for j in 0..self.inputs {
                let slope = scaling.slope(j);
                table.put(row.col_as_slice(j), |h| h * slope);
            }
        }
    }
}

/// Rows that are filled column by column.
struct Columns<'a> {
    rows: &'a mut [f64],
    width: usize,
    next: usize,
}

impl Columns<'_> {
    fn put(&mut self, values: &[f64], f: impl Fn(f64) -> f64) {
        let column = self.rows.iter_mut().skip(self.next).step_by(self.width);
        column.zip(values).for_each(|(to, &v)| *to = f(v));
        self.next += 1;
    }
}

/// The rows but those.
fn without(rows: &[f64], width: usize, rejected: &[usize]) -> Vec<f64> {
    let mut rejected = rejected.iter().copied().peekable();
    let kept = rows.chunks(width).enumerate().filter(|(i, _)| rejected.next_if_eq(i).is_none());
    kept.flat_map(|(_, row)| row).copied().collect()
}

/// What a person is told, and the file of rejects.
struct Report<'a> {
    args: &'a PriceArgs,
    progress: Progress,
    file: Option<Lines>,
    began: Instant,
    said: Instant,
    rows: u64,
    rejected: u64,
    outside: u64,
}

impl<'a> Report<'a> {
    fn new(args: &'a PriceArgs) -> Result<Self> {
        let file = args.rejects.as_deref().map(|path| Lines::begin(path, "line,reason")).transpose()?;
        let (progress, now) = (Progress::new(args.quiet), Instant::now());
        Ok(Self { args, progress, file, began: now, said: now, rows: 0, rejected: 0, outside: 0 })
    }

    /// Reports the rows of a block that are invalid or outside; gives those that get no price, in order.
    fn block(&mut self, block: &Block, domain: Option<&[[f64; 2]]>, inputs: usize) -> Result<Vec<usize>> {
        self.rows += block.lines.len() as u64;
        let mut refused: Vec<usize> = Vec::new();
        let mut invalid = block.rejects.iter().peekable();
        for (row, point) in block.data.chunks(inputs).enumerate() {
            let (reason, priced) = if let Some(reject) = invalid.next_if(|reject| reject.row == row) {
                (reject.reason.clone(), false)
            } else if let Some(reason) = domain.and_then(|domain| outside(point, domain)) {
                self.outside += 1;
                (reason, self.args.outside == OutsideArg::Flag)
            } else {
                continue;
            };
            let line = block.lines[row];
            if !priced {
                if self.args.invalid == InvalidArg::Stop {
                    return Err(Error::format(&self.args.input, format!("line {line}: {reason}")));
                }
                self.rejected += 1;
                refused.push(row);
            }
            if let Some(file) = &mut self.file {
                // Reasons quote fields, and fields may hold anything.
                file.add(&format!("{line},\"{}\"", reason.replace('"', "\"\"")))?;
            }
            if self.rejected + self.outside <= NAMED_REJECTS {
                self.progress.note(&format!("line {line}: {reason}"));
            }
        }
        Ok(refused)
    }

    fn progress(&mut self) {
        if self.said.elapsed() >= SAY_EVERY {
            self.said = Instant::now();
            let words = self.speed();
            self.progress.note(&words);
        }
    }

    /// `price: 1,200,000 rows, 3,100,000/s`
    fn speed(&self) -> String {
        let rate = self.rows as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
        format!("price: {} rows, {}/s", count(self.rows), count(rate as u64))
    }

    fn finish(mut self) -> Result<()> {
        self.file.take().map_or(Ok(()), Lines::finish)?;
        let mut words = self.speed();
        if self.rejected + self.outside > 0 {
            words += &format!("; {} rejected, {} outside of the domain", count(self.rejected), count(self.outside));
        }
        self.progress.note(&words);
        Ok(())
    }
}

/// Which input leaves the domain first, if one does.
fn outside(point: &[f64], domain: &[[f64; 2]]) -> Option<String> {
    let j = point.iter().zip(domain).position(|(x, [low, high])| x < low || x > high)?;
    let [low, high] = domain[j];
    Some(format!("input {j} is {}, outside of [{low}, {high}]", point[j]))
}

#[cfg(test)]
mod tests {
    use super::{outside, without};

    #[test]
    fn rows_are_left_out_and_domains_are_closed() {
        let rows = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(without(&rows, 2, &[1]), [1.0, 2.0, 5.0, 6.0]);
        assert_eq!(without(&rows, 2, &[0, 2]), [3.0, 4.0]);
        let domain = [[0.0, 1.0], [2.0, 3.0]];
        assert_eq!(outside(&[1.0, 2.0], &domain), None);
        assert_eq!(outside(&[0.5, 3.5], &domain).as_deref(), Some("input 1 is 3.5, outside of [2, 3]"));
    }
}
