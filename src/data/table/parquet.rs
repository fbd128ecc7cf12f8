//! Parquet: columns in groups of rows. Numbers of any physical type are read as doubles, nulls are rejected.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, Repetition, Type as Physical};
use parquet::column::reader::ColumnReader;
use parquet::data_type::DoubleType;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use tempfile::NamedTempFile;

use super::{BLOCK_BYTES, Block, Sink, Source, in_order, positions};
use crate::data::file::temporary_beside;
use crate::error::{Error, Result};

struct Parquet {
    path: PathBuf,
    file: SerializedFileReader<File>,
    positions: Vec<usize>,
    /// The next group of rows.
    group: usize,
    /// Readers of the wanted columns of the group that is being read, and its rows that are left.
    columns: Vec<ColumnReader>,
    left: usize,
    row: u64,
}

fn damaged(path: &Path) -> impl Fn(ParquetError) -> Error {
    move |e| Error::format(path, e.to_string())
}

pub(super) fn read(path: &Path, inputs: usize, columns: Option<&[String]>) -> Result<Box<dyn Source>> {
    let file = File::open(path).map_err(Error::io(path, "read"))?;
    let file = SerializedFileReader::new(file).map_err(damaged(path))?;
    let schema = file.metadata().file_metadata().schema_descr();
    let names: Vec<String> = schema.columns().iter().map(|c| c.path().string()).collect();
    let positions = match columns {
        Some(wanted) => positions(path, Some(&names), names.len(), wanted)?,
        None => in_order(path, inputs, names.len())?,
    };
    for &j in &positions {
        let column = schema.column(j);
        let numeric =
            matches!(column.physical_type(), Physical::DOUBLE | Physical::FLOAT | Physical::INT32 | Physical::INT64);
        if !numeric || column.max_rep_level() > 0 || column.max_def_level() > 1 {
            return Err(Error::format(path, format!("column `{}` is not made of numbers", names[j])));
        }
    }
    let (path, columns) = (path.into(), Vec::new());
    Ok(Box::new(Parquet { path, file, positions, group: 0, columns, left: 0, row: 0 }))
}

impl Parquet {
    /// Opens the next group of rows; `false` at the end.
    fn next_group(&mut self) -> Result<bool> {
        if self.group == self.file.num_row_groups() {
            return Ok(false);
        }
        let group = self.file.get_row_group(self.group).map_err(damaged(&self.path))?;
        let readers = self.positions.iter().map(|&j| group.get_column_reader(j)).collect();
        self.columns = std::result::Result::<_, ParquetError>::map_err(readers, damaged(&self.path))?;
        self.left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        self.group += 1;
        Ok(true)
    }
}

impl Source for Parquet {
    fn next(&mut self, block: &mut Block) -> Result<bool> {
        block.clear();
        while self.left == 0 {
            if !self.next_group()? {
                return Ok(false);
            }
        }
        let width = self.positions.len();
        let n = (BLOCK_BYTES / 8 / width).max(1).min(self.left);
        // What a null leaves behind.
        block.data.resize(n * width, f64::NAN);
        for (j, column) in self.columns.iter_mut().enumerate() {
            let read = numbers(column, n, |i, v| block.data[i * width + j] = v).map_err(damaged(&self.path))?;
            if read != n {
                let message = format!("column {} ends {} rows before its group", self.positions[j], n - read);
                return Err(Error::format(&self.path, message));
            }
        }
        block.lines.extend(self.row + 1..=self.row + n as u64);
        block.reject_not_finite(width);
        self.row += n as u64;
        self.left -= n;
        Ok(true)
    }
}

/// The next `n` rows of a column, nulls left out; gives the number of rows.
fn numbers(
    column: &mut ColumnReader,
    n: usize,
    mut put: impl FnMut(usize, f64),
) -> std::result::Result<usize, ParquetError> {
    macro_rules! read {
        ($reader:expr, $f:expr) => {{
            let (mut levels, mut values) = (Vec::new(), Vec::new());
            let (rows, found, _) = $reader.read_records(n, Some(&mut levels), None, &mut values)?;
            if found == rows {
                values.iter().enumerate().for_each(|(i, &v)| put(i, $f(v)));
            } else {
                let present = levels.iter().enumerate().filter(|(_, level)| **level > 0);
                present.zip(&values).for_each(|((i, _), &v)| put(i, $f(v)));
            }
            rows
        }};
    }
    Ok(match column {
        ColumnReader::DoubleColumnReader(reader) => read!(reader, f64::from),
        ColumnReader::FloatColumnReader(reader) => read!(reader, f64::from),
        ColumnReader::Int32ColumnReader(reader) => read!(reader, f64::from),
        ColumnReader::Int64ColumnReader(reader) => read!(reader, |v| v as f64),
        _ => 0,
    })
}

struct Writer {
    path: PathBuf,
    file: SerializedFileWriter<NamedTempFile>,
    columns: usize,
}

pub(super) fn write(path: &Path, names: &[String]) -> Result<Box<dyn Sink>> {
    let field = |name: &String| {
        let field = Type::primitive_type_builder(name, Physical::DOUBLE).with_repetition(Repetition::REQUIRED);
        field.build().map(Arc::new)
    };
    let fields = names.iter().map(field).collect::<std::result::Result<Vec<_>, _>>().map_err(damaged(path))?;
    let schema = Type::group_type_builder("results").with_fields(fields).build().map_err(damaged(path))?;
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let file = SerializedFileWriter::new(temporary_beside(path)?, Arc::new(schema), Arc::new(properties));
    Ok(Box::new(Writer { path: path.into(), file: file.map_err(damaged(path))?, columns: names.len() }))
}

impl Sink for Writer {
    fn write(&mut self, rows: &[f64]) -> Result<()> {
        self.group(rows).map_err(damaged(&self.path))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        let file = self.file.into_inner().map_err(damaged(&self.path))?;
        file.persist(&self.path).map_err(|e| Error::io(&self.path, "write")(e.error))?;
        Ok(())
    }
}

impl Writer {
    /// Each block becomes a group of rows.
    fn group(&mut self, rows: &[f64]) -> std::result::Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        let mut values = Vec::with_capacity(rows.len() / self.columns);
        for j in 0..self.columns {
            values.clear();
            values.extend(rows.iter().skip(j).step_by(self.columns));
            let mut column = group.next_column()?.expect("one column a name");
            column.typed::<DoubleType>().write_batch(&values, None, None)?;
            column.close()?;
        }
        group.close()?;
        Ok(())
    }
}
