//! `TensorProto`: numbers as they are stored, in one of many types, in the file or beside it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Component, Path};

use super::OnnxError;
use super::proto::{BFLOAT16, BOOL, DOUBLE, FLOAT, FLOAT16, INT32, INT64, entry};
use super::tensor::{Tensor, elements};
use super::wire::Fields;
use crate::data::Metadata;

/// A tensor, its numbers as doubles (exact for every type that is read, integers up to 2⁵³); or what is wrong with it, which
/// matters only if something needs it.
pub(super) type Stored = Result<Tensor, String>;

/// Reads a tensor and its name. `folder` is where other files of numbers lie.
pub(super) fn tensor(bytes: &[u8], folder: Option<&Path>) -> Result<(String, Stored), OnnxError> {
    let mut fields = Fields::new("TensorProto", bytes);
    let (mut name, mut dims, mut kind) = (String::new(), Vec::new(), 0);
    let (mut floats, mut integers, mut raw) = (Vec::new(), Vec::new(), None);
    let (mut place, mut external) = (Metadata::new(), false);
    while let Some((number, wire)) = fields.next()? {
        match number {
            1 => fields.integers("dims", wire, &mut dims)?,
            2 => kind = fields.integer("data_type", wire)?,
            4 => fields.fixed("float_data", wire, &mut floats, |b| f64::from(f32::from_le_bytes(b)))?,
            5 | 7 => fields.integers("int32_data or int64_data", wire, &mut integers)?,
            8 => name = fields.text("name", wire)?,
            9 => raw = Some(fields.bytes("raw_data", wire)?),
            10 => fields.fixed("double_data", wire, &mut floats, f64::from_le_bytes)?,
            13 => place.extend([entry(fields.bytes("external_data", wire)?)?]),
            14 => external = fields.integer("data_location", wire)? == 1,
            _ => {}
        }
    }
    let read = || -> Stored {
        let Some(size) = size(kind) else {
            return Err(format!(
                "element type {kind} is not supported, expected float, double, float16, bfloat16, int32, int64 or bool"
            ));
        };
        let data = if external {
            decode(kind, &outside(&place, folder, elements_of(&dims)? * size)?)
        } else if let Some(raw) = raw {
            decode(kind, raw)
        } else if matches!(kind, FLOAT | DOUBLE) {
            Some(floats)
        } else {
            Some(integers.iter().map(|&i| typed(kind, i)).collect())
        };
        Tensor::checked(&dims, data.ok_or("the data do not hold a whole number of elements")?)
    };
    let stored = read().map_err(|e| format!("tensor `{name}`: {e}"));
    Ok((name, stored))
}

fn elements_of(dims: &[i64]) -> Result<usize, String> {
    let dims: Option<Vec<usize>> = dims.iter().map(|&d| usize::try_from(d).ok()).collect();
    elements(&dims.ok_or("a dimension is negative")?)
}

/// Bytes of an element.
fn size(kind: i64) -> Option<usize> {
    match kind {
        DOUBLE | INT64 => Some(8),
        FLOAT | INT32 => Some(4),
        FLOAT16 | BFLOAT16 => Some(2),
        BOOL => Some(1),
        _ => None,
    }
}

fn decode(kind: i64, raw: &[u8]) -> Option<Vec<f64>> {
    fn chunks<const N: usize>(raw: &[u8], number: impl Fn([u8; N]) -> f64) -> Option<Vec<f64>> {
        match raw.as_chunks() {
            (numbers, []) => Some(numbers.iter().map(|b| number(*b)).collect()),
            _ => None,
        }
    }
    match kind {
        DOUBLE => chunks(raw, f64::from_le_bytes),
        FLOAT => chunks(raw, |b| f64::from(f32::from_le_bytes(b))),
        INT64 => chunks(raw, |b| i64::from_le_bytes(b) as f64),
        INT32 => chunks(raw, |b| f64::from(i32::from_le_bytes(b))),
        FLOAT16 | BFLOAT16 => chunks(raw, |b| typed(kind, i64::from(u16::from_le_bytes(b)))),
        _ => chunks(raw, |[b]| f64::from(b)),
    }
}

/// A number from a list of integers, which holds half precision by its bits.
fn typed(kind: i64, integer: i64) -> f64 {
    match kind {
        FLOAT16 => half(integer as u16),
        BFLOAT16 => f64::from(f32::from_bits(u32::from(integer as u16) << 16)),
        _ => integer as f64,
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * f64::powi(2.0, -24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * f64::powi(2.0, exponent - 25),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

/// `bytes` bytes from the file that `location` names, which must lie in the model's folder.
fn outside(place: &Metadata, folder: Option<&Path>, bytes: usize) -> Result<Vec<u8>, String> {
    let location = place.get("location").ok_or("its numbers are in another file that is not named")?;
    let Some(folder) = folder else {
        return Err(format!("its numbers are in another file, `{location}`; read the model by its path"));
    };
    let inside = Path::new(location).components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    if !inside {
        return Err(format!("its numbers are in `{location}`, which is not in the model's folder"));
    }
    let number = |name: &str, default: usize| match place.get(name) {
        Some(text) => text.parse().map_err(|_| format!("the {name} `{text}` of its numbers is no number")),
        None => Ok(default),
    };
    let (offset, length) = (number("offset", 0)?, number("length", bytes)?);
    if length != bytes {
        return Err(format!("{length} bytes in `{location}`, expected {bytes}"));
    }
    let mut read = Vec::new();
    File::open(folder.join(location))
        .and_then(|mut file| {
            file.seek(SeekFrom::Start(offset as u64))?;
            file.take(length as u64).read_to_end(&mut read)
        })
        .map_err(|e| format!("cannot read `{location}`: {e}"))?;
    if read.len() < bytes {
        return Err(format!("`{location}` is cut short: {bytes} bytes from {offset} expected, {} found", read.len()));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn half_precision_is_read_by_its_bits() {
        for (bits, value) in [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333251953125), (0x0001, 5.960464477539063e-8)] {
            assert_eq!(half(bits), value);
        }
        assert_eq!((half(0x7bff), half(0xfc00)), (65504.0, f64::NEG_INFINITY));
        assert!(half(0x7e00).is_nan());
    }
}
