//! Tables of numbers too long for memory: rows read in blocks from CSV or NumPy files, results written as they come.

mod csv;
mod npy;
#[cfg(feature = "parquet")]
mod parquet;

pub use csv::Lines;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Bytes of one block of input, about.
const BLOCK_BYTES: usize = 4 << 20;

/// Some consecutive rows of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Block {
    /// Row-major; a rejected row is NaN throughout.
    pub data: Vec<f64>,
    /// Where each row stands in the file: its line, or its number from 1 in files without lines.
    pub lines: Vec<u64>,
    /// The rows that hold something else than finite numbers.
    pub rejects: Vec<Reject>,
}

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Which row of the block, from 0.
    pub row: usize,
    /// Why, with the column's number from 1.
    pub reason: String,
}

impl Block {
    fn clear(&mut self) {
        self.data.clear();
        self.lines.clear();
        self.rejects.clear();
    }

    /// Rejects the rows with a number that is not finite; for files that hold numbers only.
    fn reject_not_finite(&mut self, columns: usize) {
        for (row, values) in self.data.chunks_mut(columns).enumerate() {
            if let Some(j) = values.iter().position(|v| !v.is_finite()) {
                self.rejects.push(Reject { row, reason: not_finite(j, values[j]) });
                values.fill(f64::NAN);
            }
        }
    }
}

fn not_finite(column: usize, value: f64) -> String {
    format!("column {} is {value}, expected a finite number", column + 1)
}

/// A table being read.
///
/// # Examples
/// ```
/// use sobolev::data::table::{Block, read};
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("spots.csv");
/// std::fs::write(&path, "a,b\n1,2\n3,x\n")?;
/// let (mut table, mut block) = (read(&path, 2, None)?, Block::default());
/// assert!(table.next(&mut block)?);
/// assert_eq!((&block.data[..2], &block.lines[..]), (&[1.0, 2.0][..], &[2, 3][..]));
/// assert_eq!(block.rejects[0].reason, "column 2 is `x`, expected a number");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Source {
    /// Replaces the block by the next rows; `false` at the end.
    ///
    /// # Errors
    /// If the file cannot be read or is damaged.
    fn next(&mut self, block: &mut Block) -> Result<bool>;
}

/// A table being written; it appears under its name when it is finished, whole or not at all.
pub trait Sink {
    /// Adds rows, row-major.
    ///
    /// # Errors
    /// If they cannot be written.
    fn write(&mut self, rows: &[f64]) -> Result<()>;

    /// Ends the table.
    ///
    /// # Errors
    /// If it cannot be written.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// The kinds of file, by their endings.
enum Format {
    Csv,
    Npy,
    Parquet,
}

fn format(path: &Path) -> Result<Format> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    match ending.as_deref() {
        _ if is_standard_stream(path) => Ok(Format::Csv),
        Some("csv" | "tsv" | "txt") => Ok(Format::Csv),
        Some("npy") => Ok(Format::Npy),
        Some("parquet") => Ok(Format::Parquet),
        _ => Err(Error::format(path, "unknown kind of table, expected a name that ends in .csv, .npy or .parquet")),
    }
}

/// `-` stands for standard input and output, which are CSV.
fn is_standard_stream(path: &Path) -> bool {
    path.as_os_str() == "-"
}

#[cfg(not(feature = "parquet"))]
fn no_parquet<T>(path: &Path) -> Result<T> {
    Err(Error::format(path, "this program was built without Parquet; build it with `--features parquet`"))
}

/// Opens a table of `inputs` columns: the first and only ones of the file, or the ones of these names (or numbers, from 0).
///
/// # Errors
/// If the file cannot be read, is of an unknown kind, or has other columns.
pub fn read(path: &Path, inputs: usize, columns: Option<&[String]>) -> Result<Box<dyn Source>> {
    if let Some(names) = columns.filter(|names| names.len() != inputs) {
        let message = format!("expected {inputs} for a network of {inputs} inputs, found {}", names.len());
        return Err(Error::invalid("columns", message));
    }
    match format(path)? {
        Format::Csv => csv::read(path, inputs, columns),
        Format::Npy => npy::read(path, inputs, columns),
        #[cfg(feature = "parquet")]
        Format::Parquet => parquet::read(path, inputs, columns),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => no_parquet(path),
    }
}

/// Begins a table with columns of these names.
///
/// # Errors
/// If the file is of an unknown kind or cannot be written.
pub fn write(path: &Path, names: &[String]) -> Result<Box<dyn Sink>> {
    match format(path)? {
        Format::Csv => csv::write(path, names),
        Format::Npy => npy::write(path, names),
        #[cfg(feature = "parquet")]
        Format::Parquet => parquet::write(path, names),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => no_parquet(path),
    }
}

/// What messages call a path.
fn name(path: &Path, standard: &str) -> PathBuf {
    if is_standard_stream(path) { standard.into() } else { path.into() }
}

/// Where the wanted columns stand among `names`, or among so many without names.
fn positions(path: &Path, names: Option<&[String]>, found: usize, wanted: &[String]) -> Result<Vec<usize>> {
    if let Some(twice) = wanted.iter().enumerate().find_map(|(i, want)| wanted[..i].contains(want).then_some(want)) {
        return Err(Error::invalid("columns", format!("`{twice}` is named twice")));
    }
    let find = |want: &String| {
        if names.is_some_and(|names| names.iter().filter(|name| *name == want).count() > 1) {
            return Err(Error::format(path, format!("several columns are named `{want}`; choose by number")));
        }
        let named = names.and_then(|names| names.iter().position(|name| name == want));
        named.or_else(|| want.parse().ok().filter(|&i| i < found)).ok_or_else(|| {
            let among = names.map_or_else(|| format!("{found} columns without names"), listed);
            Error::format(path, format!("there is no column `{want}` among {among}"))
        })
    };
    wanted.iter().map(find).collect()
}

/// Names for a message, not too many of them.
fn listed(names: &[String]) -> String {
    const MOST: usize = 20;
    let more = names.len().saturating_sub(MOST);
    let tail = if more > 0 { format!(", … ({more} more)") } else { String::new() };
    names[..names.len() - more].join(", ") + &tail
}

/// Every column in order, if there are as many as inputs.
fn in_order(path: &Path, inputs: usize, found: usize) -> Result<Vec<usize>> {
    if found == inputs {
        return Ok((0..inputs).collect());
    }
    let message =
        format!("expected {inputs} columns for a network of {inputs} inputs, found {found}; choose by --columns");
    Err(Error::format(path, message))
}
