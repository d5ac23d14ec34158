//! From the bytes of an image to its entries.

use super::{Content, Entry, MAGIC, MAX_DEPTH, kind};

/// What is wrong with an image. `at` is an offset in bytes from its start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The first bytes are not those of an image.
    #[error("not a romfs image: it begins with {found:02x?} instead of {MAGIC:02x?}")]
    NotAnImage {
        /// The first three bytes, as far as there are any.
        found: Vec<u8>,
    },
    /// A number or a record is longer than the record that contains it.
    #[error("damaged romfs image: byte {at:#x}: {what} is cut off")]
    Truncated {
        /// Where it begins.
        at: usize,
        /// What it is.
        what: &'static str,
    },
    /// A record at an invalid position.
    #[error("damaged romfs image: byte {at:#x}: {what}")]
    Invalid {
        /// Where it begins.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
}

/// How many bytes the image has that begins with `head`, its header included; `None` if that is no whole header.
pub fn image_size(head: &[u8]) -> Option<u64> {
    let mut cursor = Cursor {
        bytes: head,
        at: MAGIC.len(),
        end: head.len(),
    };
    if !head.starts_with(&MAGIC) {
        return None;
    }
    let length = cursor.number("length").ok()?;
    length.checked_add(cursor.at as u64)
}

/// Returns how many bytes of an image that begins with `head` come before its first record; `None` if that is no whole
/// header.
pub fn header_size(head: &[u8]) -> Option<u64> {
    if !head.starts_with(&MAGIC) {
        return None;
    }
    let mut cursor = Cursor {
        bytes: head,
        at: MAGIC.len(),
        end: head.len(),
    };
    cursor.number("length").ok()?;
    Some(cursor.at as u64)
}

/// The entries of an image, in its order. Records of unknown kinds are passed over, as boards do; bytes after the
/// image are not looked at.
///
/// # Errors
///
/// [`ReadError`], for what a board would stumble over.
pub fn read(image: &[u8]) -> Result<Vec<Entry>, ReadError> {
    if !image.starts_with(&MAGIC) {
        return Err(ReadError::NotAnImage {
            found: image.iter().take(MAGIC.len()).copied().collect(),
        });
    }
    let mut records = records(image)?;
    let mut reader = Reader {
        records: records.rest(),
        content: 0,
    };
    reader.entries(&mut records, 0)
}

/// The records of an image. An image that is cut off must not pass, nor may a pointer reach after it.
fn records(image: &[u8]) -> Result<Cursor<'_>, ReadError> {
    let mut cursor = Cursor {
        bytes: image,
        at: MAGIC.len(),
        end: image.len(),
    };
    cursor.payload()
}

/// Returns what follows `mark` in the last record of padding that begins with it, outside of folders.
pub(super) fn marked_padding<'i>(
    image: &'i [u8],
    mark: &[u8],
) -> Result<Option<&'i [u8]>, ReadError> {
    let mut records = records(image)?;
    let mut found = None;
    while records.at < records.end {
        let kind = records.number("kind")?;
        let payload = records.payload()?.rest();
        if kind == kind::PADDING {
            found = payload.strip_prefix(mark).or(found);
        }
    }
    Ok(found)
}

/// A part of the image that is being read.
struct Cursor<'i> {
    bytes: &'i [u8],
    at: usize,
    end: usize,
}

impl<'i> Cursor<'i> {
    fn number(&mut self, what: &'static str) -> Result<u64, ReadError> {
        let start = self.at;
        let mut value = 0u64;
        while self.at < self.end {
            let Some(&byte) = self.bytes.get(self.at) else {
                break;
            };
            self.at += 1;
            if value >> 57 != 0 {
                return Err(ReadError::Invalid {
                    at: start,
                    what: "number of more than 64 bits",
                });
            }
            value = value << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ReadError::Truncated { at: start, what })
    }

    /// The next so many bytes.
    fn take(&mut self, length: u64, what: &'static str) -> Result<Cursor<'i>, ReadError> {
        let start = self.at;
        let end = usize::try_from(length)
            .ok()
            .and_then(|length| start.checked_add(length))
            .filter(|end| *end <= self.end)
            .ok_or(ReadError::Truncated { at: start, what })?;
        self.at = end;
        Ok(Cursor {
            bytes: self.bytes,
            at: start,
            end,
        })
    }

    /// A length, and so many bytes.
    fn payload(&mut self) -> Result<Cursor<'i>, ReadError> {
        let length = self.number("length")?;
        self.take(length, "record")
    }

    fn rest(&self) -> &'i [u8] {
        self.bytes.get(self.at..self.end).unwrap_or_default()
    }

    fn name(&mut self) -> Result<String, ReadError> {
        let at = self.at;
        let length = self.number("length of a name")?;
        let name = self.take(length, "name")?.rest();
        match std::str::from_utf8(name) {
            Ok(name) if !matches!(name, "" | "." | "..") && !name.contains(['/', '\0']) => {
                Ok(name.to_owned())
            }
            _ => Err(ReadError::Invalid {
                at,
                what: "no name for a file",
            }),
        }
    }
}

/// Bytes that the files of an image may have in all. A few bytes of a hostile image can point to the same content many times.
const MAX_CONTENT: usize = 256 << 20;

/// The reading of an image.
struct Reader<'i> {
    /// All records: pointers count from the first.
    records: &'i [u8],
    /// Bytes of the files so far.
    content: usize,
}

impl Reader<'_> {
    fn entries(&mut self, records: &mut Cursor<'_>, depth: usize) -> Result<Vec<Entry>, ReadError> {
        let mut found = Vec::new();
        while records.at < records.end {
            let at = records.at;
            let kind = records.number("kind")?;
            if kind == kind::UNUSED {
                return Err(ReadError::Invalid {
                    at,
                    what: "record of kind 0",
                });
            }
            let mut payload = records.payload()?;
            let content = match kind {
                kind::FILE => {
                    let name = payload.name()?;
                    Some((name, Content::File(self.file(&mut payload)?)))
                }
                kind::DIRECTORY if depth >= MAX_DEPTH => {
                    return Err(ReadError::Invalid {
                        at,
                        what: "folders lie too deep",
                    });
                }
                kind::DIRECTORY => {
                    let name = payload.name()?;
                    let inside = self.entries(&mut payload, depth + 1)?;
                    Some((name, Content::Folder(inside)))
                }
                _ => None,
            };
            found.extend(content.map(|(name, content)| Entry::new(&name, content)));
        }
        Ok(found)
    }

    /// The content of a file: the first record of data in it, or what that points to.
    fn file(&mut self, records: &mut Cursor<'_>) -> Result<Vec<u8>, ReadError> {
        let start = records.at;
        while records.at < records.end {
            let at = records.at;
            let kind = records.number("kind")?;
            let mut payload = records.payload()?;
            let content = match kind {
                kind::DATA_VERBATIM => payload.rest(),
                kind::DATA_POINTER => {
                    let size = payload.number("size of data")?;
                    let from = payload.number("place of data")?;
                    let data = usize::try_from(from)
                        .ok()
                        .zip(usize::try_from(size).ok())
                        .and_then(|(from, size)| self.records.get(from..from.checked_add(size)?));
                    data.ok_or(ReadError::Invalid {
                        at,
                        what: "data lies behind the end of the image",
                    })?
                }
                _ => continue,
            };
            self.content = self.content.saturating_add(content.len());
            if self.content > MAX_CONTENT {
                return Err(ReadError::Invalid {
                    at,
                    what: "files of more than 256 MiB in all",
                });
            }
            return Ok(content.to_vec());
        }
        Err(ReadError::Invalid {
            at: start,
            what: "file without data",
        })
    }
}
