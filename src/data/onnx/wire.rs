//! The protobuf wire format, as much of it as ONNX needs: read without trusting a length, written without a schema.

use super::OnnxError;

type Result<T> = std::result::Result<T, OnnxError>;

/// One field as it stands in the bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'a [u8]),
    Fixed32([u8; 4]),
}

/// The fields of one message, in the order of the bytes.
pub(super) struct Fields<'a> {
    /// The message's name in the ONNX schema, for errors.
    message: &'static str,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn new(message: &'static str, bytes: &'a [u8]) -> Self {
        Self { message, rest: bytes }
    }

    /// The next field's number and content; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Wire<'a>)>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let wire = match key & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(*self.take(8)?.first_chunk().expect("eight bytes were taken")),
            2 => {
                let length = self.varint()?;
                Wire::Bytes(self.take(usize::try_from(length).unwrap_or(usize::MAX))?)
            }
            5 => Wire::Fixed32(*self.take(4)?.first_chunk().expect("four bytes were taken")),
            other => return Err(self.bad(format!("field {} has the unknown wire type {other}", key >> 3))),
        };
        Ok(Some((key >> 3, wire)))
    }

    /// An error about this message.
    pub(super) fn bad(&self, what: impl std::fmt::Display) -> OnnxError {
        OnnxError::Malformed(format!("{}: {what}", self.message))
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or_else(|| {
            self.bad(format!("a field of {n} bytes where only {} are left: the file is cut short", self.rest.len()))
        })?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for (i, byte) in self.rest.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                self.rest = &self.rest[i + 1..];
                return Ok(value);
            }
        }
        Err(self.bad("a number has no end"))
    }

    pub(super) fn bytes(&self, field: &str, wire: Wire<'a>) -> Result<&'a [u8]> {
        match wire {
            Wire::Bytes(bytes) => Ok(bytes),
            _ => Err(self.bad(format!("`{field}` is not a string of bytes"))),
        }
    }

    pub(super) fn text(&self, field: &str, wire: Wire<'a>) -> Result<String> {
        let text = std::str::from_utf8(self.bytes(field, wire)?);
        text.map(str::to_owned).map_err(|_| self.bad(format!("`{field}` is not UTF-8")))
    }

    pub(super) fn integer(&self, field: &str, wire: Wire<'a>) -> Result<i64> {
        match wire {
            Wire::Varint(v) => Ok(v.cast_signed()),
            _ => Err(self.bad(format!("`{field}` is not an integer"))),
        }
    }

    pub(super) fn float(&self, field: &str, wire: Wire<'a>) -> Result<f32> {
        match wire {
            Wire::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(self.bad(format!("`{field}` is not a float"))),
        }
    }

    /// Adds one number, or a packed run of them.
    pub(super) fn integers(&self, field: &str, wire: Wire<'a>, out: &mut Vec<i64>) -> Result<()> {
        let Wire::Bytes(packed) = wire else {
            out.push(self.integer(field, wire)?);
            return Ok(());
        };
        let mut run = Fields::new(self.message, packed);
        while !run.rest.is_empty() {
            out.push(run.varint()?.cast_signed());
        }
        Ok(())
    }

    /// Adds one number of `N` bytes, or a packed run of them.
    pub(super) fn fixed<const N: usize>(
        &self,
        field: &str,
        wire: Wire<'a>,
        out: &mut Vec<f64>,
        decode: impl Fn([u8; N]) -> f64,
    ) -> Result<()> {
        let bytes = match &wire {
            Wire::Bytes(packed) => *packed,
            Wire::Fixed32(one) => one,
            Wire::Fixed64(one) => one,
            Wire::Varint(_) => &[0],
        };
        match bytes.as_chunks() {
            (numbers, []) => out.extend(numbers.iter().map(|b| decode(*b))),
            _ => return Err(self.bad(format!("`{field}` is not made of numbers of {N} bytes"))),
        }
        Ok(())
    }
}

/// A message being written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message(Vec<u8>);

impl Message {
    pub(crate) fn integer(mut self, field: u64, value: i64) -> Self {
        self.varint(field << 3);
        self.varint(value.cast_unsigned());
        self
    }
    pub(crate) fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
        self
    }
    pub(crate) fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, Message, Wire};

    /// The examples of the protobuf documentation: field 1 = 150, field 2 = "testing".
    #[test]
    fn documented_bytes() {
        let bytes = Message::default().integer(1, 150).bytes(2, b"testing").into_bytes();
        assert_eq!(bytes, b"\x08\x96\x01\x12\x07testing");
        let mut fields = Fields::new("Test", &bytes);
        assert_eq!(fields.next(), Ok(Some((1, Wire::Varint(150)))));
        assert_eq!(fields.next(), Ok(Some((2, Wire::Bytes(b"testing")))));
        assert_eq!(fields.next(), Ok(None));
    }

    #[test]
    fn negative_numbers_and_packed_runs() {
        let bytes = Message::default().integer(3, -1).bytes(4, &[1, 0x96, 1]).into_bytes();
        let (mut fields, mut out) = (Fields::new("Test", &bytes), vec![]);
        while let Some((_, wire)) = fields.next().unwrap() {
            fields.integers("numbers", wire, &mut out).unwrap();
        }
        assert_eq!(out, [-1, 1, 150]);
    }

    #[test]
    fn lengths_are_not_trusted() {
        for bytes in
            [&b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"[..], b"\x12\x05abc", b"\x80", b"\x0b", b"\x09\x01"]
        {
            assert!(Fields::new("Test", bytes).next().is_err(), "{bytes:?}");
        }
    }
}
