//! NumPy's array files: a short header, then the numbers. Rows are read in blocks from either memory order.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{BLOCK_BYTES, Block, Sink, Source, in_order, positions};
use crate::data::file::temporary_beside;
use crate::error::{Error, Result};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// A header has a few hundred bytes.
const LONGEST_HEADER: usize = 1 << 16;

struct Npy {
    path: PathBuf,
    file: File,
    header: Header,
    /// Where the numbers begin.
    data: u64,
    positions: Vec<usize>,
    /// Rows read.
    row: usize,
    bytes: Vec<u8>,
}

/// What the header says.
#[derive(Debug, PartialEq)]
struct Header {
    kind: Kind,
    fortran: bool,
    rows: usize,
    columns: usize,
}

/// The type of an element: a letter and its bytes, as NumPy has them, and their order.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Kind {
    letter: u8,
    size: usize,
    big_endian: bool,
}

impl Kind {
    /// From `<f8` and the like.
    fn parse(text: &str) -> Option<Self> {
        let (&[order, letter, digit], "") = (text.as_bytes().first_chunk()?, text.get(3..)?) else { return None };
        let known = matches!(order, b'<' | b'>' | b'=' | b'|') && matches!((letter, digit), (b'f' | b'i', b'4' | b'8'));
        known.then_some(Self { letter, size: usize::from(digit - b'0'), big_endian: order == b'>' })
    }

    /// Hands out the numbers of a run of bytes.
    fn numbers(self, bytes: &[u8], put: impl FnMut(usize, f64)) {
        fn each<const N: usize>(bytes: &[u8], big: bool, of: impl Fn([u8; N]) -> f64, mut put: impl FnMut(usize, f64)) {
            for (i, &(mut number)) in bytes.as_chunks().0.iter().enumerate() {
                if big {
                    number.reverse();
                }
                put(i, of(number));
            }
        }
        match (self.letter, self.size) {
            (b'f', 4) => each(bytes, self.big_endian, |b| f64::from(f32::from_le_bytes(b)), put),
            (b'f', _) => each(bytes, self.big_endian, f64::from_le_bytes, put),
            (_, 4) => each(bytes, self.big_endian, |b| f64::from(i32::from_le_bytes(b)), put),
            (_, _) => each(bytes, self.big_endian, |b| i64::from_le_bytes(b) as f64, put),
        }
    }
}

pub(super) fn read(path: &Path, inputs: usize, columns: Option<&[String]>) -> Result<Box<dyn Source>> {
    let io = || Error::io(path, "read");
    let bad = |message: String| Error::format(path, message);
    let mut file = File::open(path).map_err(io())?;
    let mut start = [0; 10];
    let short = |_| bad("not a NumPy file: it ends within its header".into());
    file.read_exact(&mut start).map_err(short)?;
    if !start.starts_with(MAGIC) {
        return Err(bad("not a NumPy file".into()));
    }
    let mut length = usize::from(u16::from_le_bytes([start[8], start[9]]));
    let mut data = start.len() as u64;
    if start[6] > 1 {
        // Later versions have two more bytes of length.
        let mut more = [0; 2];
        file.read_exact(&mut more).map_err(short)?;
        length |= usize::from(u16::from_le_bytes(more)) << 16;
        data += 2;
    }
    if length > LONGEST_HEADER {
        return Err(bad(format!("a header of {length} bytes")));
    }
    let mut text = vec![0; length];
    file.read_exact(&mut text).map_err(short)?;
    data += length as u64;
    let header = Header::parse(&String::from_utf8_lossy(&text), inputs).map_err(bad)?;
    let wanted = (header.rows as u128) * (header.columns as u128) * header.kind.size as u128 + u128::from(data);
    let found = file.metadata().map_err(io())?.len();
    if u128::from(found) < wanted {
        return Err(bad(format!("cut short: {wanted} bytes expected, {found} found")));
    }
    let positions = match columns {
        Some(wanted) => positions(path, None, header.columns, wanted)?,
        None => in_order(path, inputs, header.columns)?,
    };
    Ok(Box::new(Npy { path: path.into(), file, header, data, positions, row: 0, bytes: Vec::new() }))
}

impl Header {
    /// From `{'descr': '<f8', 'fortran_order': False, 'shape': (3, 7), }`. A list is one row of `inputs`, or one column.
    fn parse(text: &str, inputs: usize) -> std::result::Result<Self, String> {
        let field = |name: &str| {
            let at = text.find(&format!("'{name}'")).ok_or_else(|| format!("the header has no `{name}`"))?;
            let rest = text[at + name.len() + 2..].trim_start();
            rest.strip_prefix(':').map(str::trim_start).ok_or_else(|| format!("`{name}` has no value"))
        };
        let kind = field("descr")?;
        let quoted = kind.strip_prefix('\'').and_then(|k| k.split_once('\'')).map(|(k, _)| k);
        let kind = quoted.and_then(Kind::parse).ok_or_else(|| {
            let kind = quoted.map_or(kind, |k| k).trim_end();
            format!("element type {kind} is not supported, expected f8, f4, i8 or i4")
        })?;
        let shape = field("shape")?;
        let wrong = || "`shape` is no list of extents".to_owned();
        let inside = shape.strip_prefix('(').and_then(|s| s.split_once(')')).ok_or_else(wrong)?.0;
        let extents = inside.split(',').map(str::trim).filter(|s| !s.is_empty());
        let extents: Vec<usize> =
            extents.map(|s| s.parse().map_err(|_| wrong())).collect::<std::result::Result<_, _>>()?;
        let (rows, columns) = match extents[..] {
            [n] if inputs > 1 && n == inputs => (1, n),
            [n] => (n, 1),
            [rows, columns] => (rows, columns),
            _ => return Err(format!("an array of {} dimensions, expected rows and columns", extents.len())),
        };
        Ok(Self { kind, fortran: field("fortran_order")?.starts_with("True"), rows, columns })
    }
}

impl Npy {
    /// Reads `n` numbers from number `first` of the array on.
    fn numbers(&mut self, first: usize, n: usize, put: impl FnMut(usize, f64)) -> Result<()> {
        let kind = self.header.kind;
        self.bytes.resize(n * kind.size, 0);
        let at = self.data + first as u64 * kind.size as u64;
        let read = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(&mut self.bytes));
        read.map_err(Error::io(&self.path, "read"))?;
        kind.numbers(&self.bytes, put);
        Ok(())
    }
}

impl Source for Npy {
    fn next(&mut self, block: &mut Block) -> Result<bool> {
        let Header { rows, columns, fortran, .. } = self.header;
        let width = self.positions.len();
        let n = (BLOCK_BYTES / 8 / columns.max(1)).max(1).min(rows - self.row);
        block.clear();
        block.data.resize(n * width, 0.0);
        let (first, positions) = (self.row, self.positions.clone());
        if fortran {
            for (j, p) in positions.iter().enumerate() {
                self.numbers(p * rows + first, n, |i, v| block.data[i * width + j] = v)?;
            }
        } else if positions.iter().copied().eq(0..columns) {
            self.numbers(first * columns, n * columns, |i, v| block.data[i] = v)?;
        } else {
            let mut rows = vec![0.0; n * columns];
            self.numbers(first * columns, n * columns, |i, v| rows[i] = v)?;
            for (to, from) in block.data.chunks_mut(width).zip(rows.chunks(columns)) {
                to.iter_mut().zip(&positions).for_each(|(to, &p)| *to = from[p]);
            }
        }
        block.lines.extend((first + 1..=first + n).map(|row| row as u64));
        block.reject_not_finite(width);
        self.row += n;
        Ok(n > 0)
    }
}

struct Writer {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    columns: usize,
    rows: usize,
}

pub(super) fn write(path: &Path, names: &[String]) -> Result<Box<dyn Sink>> {
    let file = BufWriter::new(temporary_beside(path)?);
    let mut writer = Writer { path: path.into(), file, columns: names.len(), rows: 0 };
    writer.header()?;
    Ok(Box::new(writer))
}

impl Writer {
    /// Writes the header with the rows so far; always of the same length.
    fn header(&mut self) -> Result<()> {
        const LENGTH: usize = 118;
        let shape = format!("({}, {})", self.rows, self.columns);
        let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((LENGTH as u16).to_le_bytes());
        bytes.extend(format!("{text:<width$}\n", width = LENGTH - 1).as_bytes());
        self.file.write_all(&bytes).map_err(Error::io(&self.path, "write"))
    }
}

impl Sink for Writer {
    fn write(&mut self, rows: &[f64]) -> Result<()> {
        self.rows += rows.len() / self.columns;
        let bytes: Vec<u8> = rows.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.file.write_all(&bytes).map_err(Error::io(&self.path, "write"))
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.file.rewind().map_err(Error::io(&self.path, "write"))?;
        self.header()?;
        let file = self.file.into_inner().map_err(|e| Error::io(&self.path, "write")(e.into_error()))?;
        file.persist(&self.path).map_err(|e| Error::io(&self.path, "write")(e.error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Header, Kind};

    #[test]
    fn headers_as_numpy_writes_them() {
        let of = |kind: &str, order: &str, shape: &str| {
            let text = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}      \n");
            Header::parse(&text, 7)
        };
        let header = |size, big_endian, fortran, rows, columns| {
            Ok(Header { kind: Kind { letter: b'f', size, big_endian }, fortran, rows, columns })
        };
        assert_eq!(of("<f8", "False", "(3, 7)"), header(8, false, false, 3, 7));
        assert_eq!(of("<f4", "True", "(3, 7)"), header(4, false, true, 3, 7));
        assert_eq!(of(">f8", "False", "(7,)"), header(8, true, false, 1, 7));
        assert_eq!(of("<f8", "False", "(9,)"), header(8, false, false, 9, 1));
        assert!(of("<f8", "False", "(3, 7, 2)").is_err());
        assert_eq!(
            of("<c16", "False", "(3, 7)").unwrap_err(),
            "element type <c16 is not supported, expected f8, f4, i8 or i4"
        );
        assert!(Header::parse("{}", 7).is_err());
    }

    #[test]
    fn numbers_of_every_type() {
        let of = |kind: &str, bytes: &[u8]| {
            let mut all = Vec::new();
            Kind::parse(kind).unwrap().numbers(bytes, |_, v| all.push(v));
            all
        };
        assert_eq!(of("<f8", &[1.5_f64.to_le_bytes(), (-2.0_f64).to_le_bytes()].concat()), [1.5, -2.0]);
        assert_eq!(of(">f8", &1.5_f64.to_be_bytes()), [1.5]);
        assert_eq!(of(">f4", &[1.5_f32.to_be_bytes(), 0.25_f32.to_be_bytes()].concat()), [1.5, 0.25]);
        assert_eq!(of("<i8", &(-7_i64).to_le_bytes()), [-7.0]);
        assert_eq!(of(">i4", &7_i32.to_be_bytes()), [7.0]);
        assert_eq!(
            (Kind::parse("<f2"), Kind::parse("<f16"), Kind::parse("f8"), Kind::parse("")),
            (None, None, None, None)
        );
    }
}
