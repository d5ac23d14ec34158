//! Reading position in the bytes of a file, with an account of what was read if wanted.

use std::ops::Range;

use crate::error::Error;

/// One field of a file, as recorded for the hexdump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// Where its bytes are.
    pub(crate) range: Range<usize>,
    /// What it is.
    pub(crate) name: &'static str,
    /// What its value means, for a person.
    pub(crate) meaning: String,
}

/// A part of the input that is read from front to back.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
    fields: Option<Vec<Field>>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor {
            bytes,
            at: 0,
            end: bytes.len(),
            fields: None,
        }
    }

    /// Returns a cursor that keeps an account of the fields.
    pub(crate) fn recording(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor {
            fields: Some(Vec::new()),
            ..Cursor::new(bytes)
        }
    }

    /// Returns the account, empty unless it was asked for.
    pub(crate) fn into_fields(self) -> Vec<Field> {
        self.fields.unwrap_or_default()
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.fields.is_some()
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn left(&self) -> usize {
        self.end - self.at
    }

    /// Records the field from `start` to here.
    pub(crate) fn note(&mut self, start: usize, name: &'static str, meaning: impl Fn() -> String) {
        let end = self.at;
        self.note_range(start..end, name, meaning);
    }

    pub(crate) fn note_range(
        &mut self,
        range: Range<usize>,
        name: &'static str,
        meaning: impl Fn() -> String,
    ) {
        if let Some(fields) = &mut self.fields {
            fields.push(Field {
                range,
                name,
                meaning: meaning(),
            });
        }
    }

    /// Returns where the last recorded field ends.
    pub(crate) fn noted_end(&self) -> usize {
        self.fields
            .as_ref()
            .and_then(|fields| fields.last())
            .map_or(0, |field| field.range.end)
    }

    /// Makes the next `length` bytes all there is; returns what [`Cursor::leave`] takes.
    pub(crate) fn enter(&mut self, length: usize, field: &'static str) -> Result<usize, Error> {
        self.check_left(length, field)?;
        Ok(std::mem::replace(&mut self.end, self.at + length))
    }

    /// Ends a part begun by [`Cursor::enter`]; the rest of it must have been read.
    pub(crate) fn leave(&mut self, outer_end: usize) {
        self.end = outer_end;
    }

    /// Reads the bytes of `range` again with `read`, then goes on where it was.
    pub(crate) fn revisit<T>(
        &mut self,
        range: Range<usize>,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let here = (self.at, self.end);
        (self.at, self.end) = (range.start, range.end.min(self.bytes.len()));
        let value = read(self);
        (self.at, self.end) = here;
        value
    }

    fn check_left(&self, length: usize, field: &'static str) -> Result<(), Error> {
        if length <= self.left() {
            return Ok(());
        }
        let expected = if length == 1 {
            "1 byte".into()
        } else {
            format!("{length} bytes")
        };
        Err(Error::Truncated {
            at: self.at,
            field,
            expected,
            left: self.left(),
        })
    }

    pub(crate) fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], Error> {
        self.check_left(length, field)?;
        let taken = self
            .bytes
            .get(self.at..self.at + length)
            .unwrap_or_default();
        self.at += length;
        Ok(taken)
    }

    /// Returns all that is left.
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        let taken = self.bytes.get(self.at..self.end).unwrap_or_default();
        self.at = self.end;
        taken
    }

    pub(crate) fn byte(&mut self, field: &'static str) -> Result<u8, Error> {
        Ok(self.take(1, field)?.first().copied().unwrap_or_default())
    }

    /// Returns a vuint in its shortest form, below 2^32.
    pub(crate) fn vuint(&mut self, field: &'static str) -> Result<u32, Error> {
        let start = self.at;
        let mut value = 0_u32;
        loop {
            let byte = self.byte(field)?;
            if value == 0 && byte == 0x80 {
                return Err(invalid(
                    start,
                    field,
                    "a number in its shortest form",
                    "a leading 0x80",
                ));
            }
            if value >> 25 != 0 {
                return Err(invalid(start, field, "a number below 2^32", "a larger one"));
            }
            value = value << 7 | u32::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
    }

    /// Returns a vuint that counts things of at least `size` bytes each, so that it can't be more than fit.
    pub(crate) fn count(&mut self, field: &'static str, size: usize) -> Result<usize, Error> {
        let start = self.at;
        let count = self.vuint(field)? as usize;
        if count > self.left() / size {
            let expected = format!("{count} entries of {size} or more bytes each");
            return Err(Error::Truncated {
                at: start,
                field,
                expected,
                left: self.left(),
            });
        }
        Ok(count)
    }

    /// Reads the NUL after a string.
    pub(crate) fn nul(&mut self, field: &'static str) -> Result<(), Error> {
        let start = self.at;
        match self.byte(field)? {
            0 => Ok(()),
            byte => Err(invalid(
                start,
                field,
                "a NUL behind the string",
                format!("{byte:#04x}"),
            )),
        }
    }
}

pub(crate) fn invalid(
    at: usize,
    field: &'static str,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Error {
    Error::Invalid {
        at,
        field,
        expected: expected.into(),
        found: found.into(),
    }
}
