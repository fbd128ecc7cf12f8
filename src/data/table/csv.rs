//! Text with one row a line. Blocks of text are cut at line ends and parsed, or formatted, by all threads.

use std::fs::File;
use std::io::{BufWriter, Read, Stdout, Write, stdin, stdout};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tempfile::NamedTempFile;

use super::{BLOCK_BYTES, Block, Reject, Sink, Source, in_order, is_standard_stream, name, not_finite, positions};
use crate::data::file::temporary_beside;
use crate::error::{Error, Result};

/// Text that one thread parses at a time.
const PIECE_BYTES: usize = 128 << 10;
/// Rows that one thread formats at a time.
const PIECE_ROWS: usize = 1024;

struct Csv {
    path: PathBuf,
    input: Box<dyn Read>,
    /// What was read and not parsed yet.
    text: Vec<u8>,
    end_of_file: bool,
    /// The number of the next line, from 1.
    line: u64,
    shape: Shape,
}

/// How a line is read.
struct Shape {
    separator: u8,
    /// Columns in the file, and which of them are wanted.
    found: usize,
    positions: Vec<usize>,
}

pub(super) fn read(path: &Path, inputs: usize, columns: Option<&[String]>) -> Result<Box<dyn Source>> {
    let input: Box<dyn Read> = match is_standard_stream(path) {
        true => Box::new(stdin()),
        false => Box::new(File::open(path).map_err(Error::io(path, "read"))?),
    };
    let path = name(path, "standard input");
    let shape = Shape { separator: b',', found: inputs, positions: Vec::new() };
    let mut csv = Csv { path, input, text: Vec::new(), end_of_file: false, line: 1, shape };
    csv.fill()?;
    csv.begin(inputs, columns)?;
    Ok(Box::new(csv))
}

impl Csv {
    /// Reads until a block of text is there or the file ends.
    fn fill(&mut self) -> Result<()> {
        let missing = BLOCK_BYTES.saturating_sub(self.text.len()) as u64;
        let read = self.input.by_ref().take(missing).read_to_end(&mut self.text);
        let read = read.map_err(Error::io(&self.path, "read"))?;
        self.end_of_file |= (read as u64) < missing;
        Ok(())
    }

    /// Finds separator and columns from the first line, which is a header if nothing in it is a number, or if it counts the columns
    /// from 0 as tables without names do when some programs write them.
    fn begin(&mut self, inputs: usize, columns: Option<&[String]>) -> Result<()> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        let bad = |message: &str| Error::format(&self.path, message);
        match self.text.as_slice() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(bad("the text is UTF-16, expected UTF-8")),
            [0x1f, 0x8b, ..] => return Err(bad("the file is compressed; pipe it through `gzip -dc` and read `-`")),
            _ => {}
        }
        if self.text.starts_with(BYTE_ORDER_MARK) {
            self.text.drain(..BYTE_ORDER_MARK.len());
        }
        let (mut skipped, mut first) = (0, None);
        for line in self.text.split_inclusive(|&b| b == b'\n') {
            if !is_passed_over(line) {
                first = Some(line);
                break;
            }
            skipped += line.len();
            self.line += 1;
        }
        let first = first.ok_or_else(|| bad("the table is empty"))?;
        let separator = [b',', b';', b'\t', b' '].into_iter().find(|s| first.trim_ascii().contains(s)).unwrap_or(b',');
        let mut fields = Vec::new();
        split(first, separator, &mut fields);
        let names: Vec<String> = fields.iter().map(|f| String::from_utf8_lossy(trim(f)).into_owned()).collect();
        // Row numbers in front have no name.
        let numbers = names.strip_prefix(&[String::new()]).unwrap_or(&names);
        let counted = numbers.len() > 1 && numbers.iter().enumerate().all(|(i, name)| *name == i.to_string());
        let header = counted || fields.iter().all(|field| number(trim(field)).is_none());
        let found = fields.len();
        // A separator at the end of every line makes no column.
        let named = if names.last().is_some_and(String::is_empty) { found - 1 } else { found };
        let positions = match columns {
            Some(wanted) => positions(&self.path, header.then_some(&names[..named]), named, wanted)?,
            None => in_order(&self.path, inputs, named)?,
        };
        let header_length = if header { first.len() } else { 0 };
        self.shape = Shape { separator, found, positions };
        self.text.drain(..skipped + header_length);
        self.line += u64::from(header);
        Ok(())
    }
}

impl Source for Csv {
    fn next(&mut self, block: &mut Block) -> Result<bool> {
        block.clear();
        while block.lines.is_empty() {
            self.fill()?;
            if self.text.is_empty() {
                return Ok(false);
            }
            let end = match self.end_of_file {
                true => self.text.len(),
                false => self.text.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1),
            };
            if end == 0 {
                let message = format!("line {} is longer than {BLOCK_BYTES} bytes", self.line);
                return Err(Error::format(&self.path, message));
            }
            let pieces: Vec<(Block, u64)> =
                cut(&self.text[..end]).into_par_iter().map(|piece| self.shape.parse(piece)).collect();
            for (piece, lines) in pieces {
                let row = block.lines.len();
                block.data.extend(piece.data);
                block.lines.extend(piece.lines.iter().map(|line| line + self.line));
                block.rejects.extend(piece.rejects.into_iter().map(|r| Reject { row: r.row + row, ..r }));
                self.line += lines;
            }
            self.text.drain(..end);
        }
        Ok(true)
    }
}

/// Pieces of whole lines.
fn cut(mut text: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while text.len() > PIECE_BYTES {
        let Some(end) = text[PIECE_BYTES..].iter().position(|&b| b == b'\n') else { break };
        let (piece, rest) = text.split_at(PIECE_BYTES + end + 1);
        pieces.push(piece);
        text = rest;
    }
    pieces.push(text);
    pieces
}

impl Shape {
    /// The rows of a piece, their lines counted from 0, and the number of its lines.
    fn parse(&self, text: &[u8]) -> (Block, u64) {
        let (mut block, mut lines) = (Block::default(), 0);
        let mut spans = Vec::with_capacity(self.found);
        for line in text.split_inclusive(|&b| b == b'\n') {
            if !is_passed_over(line) {
                spans.clear();
                split(line, self.separator, &mut spans);
                let start = block.data.len();
                if let Err(reason) = self.row(&spans, &mut block.data) {
                    block.data.resize(start, 0.0);
                    block.data.resize(start + self.positions.len(), f64::NAN);
                    block.rejects.push(Reject { row: block.lines.len(), reason });
                }
                block.lines.push(lines);
            }
            lines += 1;
        }
        (block, lines)
    }

    fn row(&self, fields: &[&[u8]], out: &mut Vec<f64>) -> std::result::Result<(), String> {
        if fields.len() != self.found {
            return Err(format!("{} fields, expected {}", fields.len(), self.found));
        }
        for &j in &self.positions {
            let field = trim(fields[j]);
            let value = number(field).ok_or_else(|| match field {
                [] => format!("column {} is empty", j + 1),
                _ => format!("column {} is `{}`, expected a number", j + 1, shortened(field)),
            })?;
            if !value.is_finite() {
                return Err(not_finite(j, value));
            }
            out.push(value);
        }
        Ok(())
    }
}

/// Empty lines and comments, which begin with `#`.
fn is_passed_over(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start(), [] | [b'#', ..])
}

/// The fields of a line; a separator inside of quotes separates nothing, and several blanks in a row separate once.
fn split<'a>(line: &'a [u8], separator: u8, fields: &mut Vec<&'a [u8]>) {
    if separator == b' ' {
        fields.extend(line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()));
    } else if line.contains(&b'"') {
        let mut quoted = false;
        fields.extend(line.split(|&b| {
            quoted ^= b == b'"';
            b == separator && !quoted
        }));
    } else {
        fields.extend(line.split(|&b| b == separator));
    }
}

/// A field without blanks, line end and quotes.
fn trim(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    field.strip_prefix(b"\"").and_then(|f| f.strip_suffix(b"\"")).map_or(field, <[u8]>::trim_ascii)
}

fn number(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

fn shortened(field: &[u8]) -> String {
    String::from_utf8_lossy(&field[..field.len().min(40)]).into_owned()
}

/// Lines of text on their way to a file, which appears when they are finished, or to standard output.
pub struct Lines {
    path: PathBuf,
    output: Output,
}

enum Output {
    File(Box<BufWriter<NamedTempFile>>),
    Standard(Stdout),
}

impl Lines {
    /// Begins with a header.
    ///
    /// # Errors
    /// If it cannot be written; so do the other methods.
    pub fn begin(path: &Path, header: &str) -> Result<Self> {
        let output = match is_standard_stream(path) {
            true => Output::Standard(stdout()),
            false => Output::File(Box::new(BufWriter::new(temporary_beside(path)?))),
        };
        let mut lines = Self { path: name(path, "standard output"), output };
        lines.add(header)?;
        Ok(lines)
    }

    /// Adds a line.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, line: &str) -> Result<()> {
        self.put(line.as_bytes())?;
        self.put(b"\n")
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        match &mut self.output {
            Output::File(file) => file.write_all(bytes),
            Output::Standard(out) => out.lock().write_all(bytes),
        }
        .map_err(Error::io(&self.path, "write"))
    }

    /// Ends the file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(self) -> Result<()> {
        match self.output {
            Output::Standard(mut out) => out.flush().map_err(Error::io(&self.path, "write")),
            Output::File(file) => {
                let file = file.into_inner().map_err(|e| Error::io(&self.path, "write")(e.into_error()))?;
                file.persist(&self.path).map_err(|e| Error::io(&self.path, "write")(e.error))?;
                Ok(())
            }
        }
    }
}

struct Writer {
    lines: Lines,
    columns: usize,
}

pub(super) fn write(path: &Path, names: &[String]) -> Result<Box<dyn Sink>> {
    Ok(Box::new(Writer { lines: Lines::begin(path, &names.join(","))?, columns: names.len() }))
}

impl Sink for Writer {
    fn write(&mut self, rows: &[f64]) -> Result<()> {
        let columns = self.columns;
        let pieces: Vec<Vec<u8>> = rows.par_chunks(PIECE_ROWS * columns).map(|piece| text(piece, columns)).collect();
        pieces.iter().try_for_each(|piece| self.lines.put(piece))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.lines.finish()
    }
}

/// Rows as text, each number in the fewest digits that give it back.
fn text(rows: &[f64], columns: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(rows.len() * 22);
    let mut digits = zmij::Buffer::new();
    for row in rows.chunks(columns) {
        for (j, &v) in row.iter().enumerate() {
            text.extend(digits.format(v).as_bytes());
            text.push(if j + 1 == columns { b'\n' } else { b',' });
        }
    }
    text
}
