//! A board's partitions for images of read-only file systems: listing them, and writing one.
//!
//! The calls of `vfs.rom_ioctl` are those of MicroPython's `extmod/vfs.h`, with two additions that mpremote uses too
//! if the board has them: 6 for the size of a block, and an offset for 3, so that erasing can report progress.

use std::io::Write as _;
use std::ops::ControlFlow;
use std::time::Duration;

use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use piton_board::deadline::Deadline;
use piton_board::error::{Error as BoardError, ErrorKind};
use piton_board::literal::{from_literal, py_bytes};
use piton_board::repl::RawRepl;
use piton_board::stop::Stop;
use sha2::{Digest, Sha256};

use crate::device;
use crate::hash::DigestBytes;
use crate::read::{Fault, Hex, Incoming};
use crate::remote::RemoteFs;
use crate::write::TIDY_TIME;

/// Maximum number of partitions that are read. Boards have one or two.
const PARTITIONS: u32 = 16;

/// Bytes erased in one step.
const ERASED: u64 = 32 * 1024;

/// Bytes written in one step, unless the board requires more.
const WRITTEN: u64 = 4096;

/// Maximum of bytes that a board may require in one write.
const WRITTEN_AT_MOST: u64 = 32 * 1024;

/// Bytes of a SHA-256 by which the board's blocks are compared.
const COMPARED: usize = 8;

/// Bytes read in one step.
const READ: u64 = 64 * 1024;

/// Number of attempts to read one step.
const TRIES: u32 = 4;

/// Timeout of one step. Some boards erase the whole partition in one.
const STEP_TIME: Duration = Duration::from_secs(120);

/// One partition. Sizes are in bytes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Partition {
    /// Capacity.
    pub size: u64,
    /// Size of an erase block; the size of the partition if the board cannot report one.
    pub block_size: u64,
    /// Its first 12 bytes, or fewer if it is smaller.
    pub head: Vec<u8>,
}

/// Progress of [`deploy`] and [`read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RomEvent {
    /// The board begins to erase.
    Erase {
        /// The offset in bytes from the start of the partition.
        offset: u64,
    },
    /// This many bytes of the partition have the right content already, and are not written.
    Unchanged {
        /// How many.
        bytes: u64,
    },
    /// The board begins to write a part.
    Write {
        /// Bytes that are right so far.
        bytes: u64,
        /// Bytes in all.
        of: u64,
    },
    /// A part of the partition was read.
    Read {
        /// Bytes so far.
        bytes: u64,
        /// Bytes in all.
        of: u64,
    },
}

/// Why an image could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RomError {
    /// The board's firmware has no partitions for images.
    #[error("the board's firmware has no ROMFS partitions")]
    NotEnabled,
    /// There is no partition of this number.
    #[error("the board has no partition ROMFS{number}")]
    NoPartition {
        /// The number asked for.
        number: u32,
    },
    /// The image does not fit. Nothing was changed.
    #[error("the image has {size} bytes, but partition ROMFS{number} has only {room}")]
    TooBig {
        /// The partition.
        number: u32,
        /// Size of the image in bytes.
        size: u64,
        /// Size of the partition in bytes.
        room: u64,
    },
    /// The content of the partition differs from the image.
    #[error(
        "partition ROMFS{number} differs from the image: SHA-256 {expected} expected, {found} found"
    )]
    Damaged {
        /// The partition.
        number: u32,
        /// SHA-256 of the image.
        expected: String,
        /// SHA-256 of the content that the board reads.
        found: String,
    },
    /// What arrived differs from what the board read, at each attempt.
    #[error(
        "the content of partition ROMFS{number} arrived damaged: {expected} expected, {found} found"
    )]
    Arrived {
        /// The partition.
        number: u32,
        /// Size or SHA-256 of what the board read.
        expected: String,
        /// Size or SHA-256 of what arrived.
        found: String,
    },
    /// The board's answer is not what its program should print.
    #[error("unexpected answer about ROMFS partitions: {}", received.escape_ascii())]
    Answer {
        /// The answer.
        received: Vec<u8>,
    },
    /// The exchange with the board failed, or the board could not erase or write.
    #[error(transparent)]
    Board(#[from] BoardError),
}

impl RomError {
    /// Returns the kind of the failure: that of the board's error, if it stems from one.
    pub fn kind(&self) -> ErrorKind {
        self.board().map_or(ErrorKind::Refused, BoardError::kind)
    }

    /// Returns the error of the exchange with the board, if this one stems from it.
    pub fn board(&self) -> Option<&BoardError> {
        match self {
            RomError::Board(error) => Some(error),
            _ => None,
        }
    }
}

/// Returns the partitions of a board by number, at most 16. A number that the board counts without having the partition
/// is `None`.
///
/// # Errors
///
/// [`RomError::NotEnabled`], [`RomError::Answer`], [`RomError::Board`].
pub fn partitions(
    raw_repl: &mut RawRepl<'_>,
    deadline: Deadline,
) -> Result<Vec<Option<Partition>>, RomError> {
    let answer = RemoteFs::new(raw_repl).run(
        &device::ROM_QUERY.call(&[&PARTITIONS.to_string()]),
        deadline,
    )?;
    type PartitionsAnswer = Option<(i64, Vec<Option<(u64, u64, Vec<u8>)>>)>;
    let answer: PartitionsAnswer =
        from_literal(&answer).map_err(|_| RomError::Answer { received: answer })?;
    let (_, partitions) = answer.ok_or(RomError::NotEnabled)?;
    let to_partition = |(size, block_size, head)| Partition {
        size,
        block_size,
        head,
    };
    Ok(partitions
        .into_iter()
        .map(|partition| partition.map(to_partition))
        .collect())
}

/// Returns the first `size` bytes of a partition. Each part is compared with the SHA-256 that the board computes, if it has
/// the algorithm, and is read again if it arrived damaged.
///
/// # Errors
///
/// [`RomError::Arrived`], [`RomError::Answer`], [`RomError::Board`]. When `events` breaks, the error is that of an interruption:
/// see [`piton_board::stop`].
pub fn read(
    raw_repl: &mut RawRepl<'_>,
    number: u32,
    size: u64,
    events: &mut dyn FnMut(RomEvent) -> ControlFlow<()>,
    deadline: Deadline,
) -> Result<Vec<u8>, RomError> {
    let mut stop = Stop::new(raw_repl.cancel());
    let mut remote = RemoteFs::new(raw_repl);
    let mut content = Vec::new();
    let mut start = 0;
    while start < size {
        let end = size.min(start + READ);
        content.extend(read_part(&mut remote, number, (start, end), deadline)?);
        start = end;
        let event = RomEvent::Read {
            bytes: start,
            of: size,
        };
        stop.report(|| events(event));
    }
    Ok(content)
}

/// Reads one part of a partition.
fn read_part(
    remote: &mut RemoteFs<'_, '_>,
    number: u32,
    (start, end): Span,
    deadline: Deadline,
) -> Result<Vec<u8>, RomError> {
    let arguments = [number.to_string(), start.to_string(), end.to_string()];
    let source = device::ROM_READ.call(&arguments.each_ref().map(String::as_str));
    let mut tries = TRIES;
    loop {
        let mut part = Vec::new();
        let mut incoming = Incoming::new();
        let mut output = |bytes: &[u8]| {
            incoming.take(
                bytes,
                &mut |bytes| part.extend_from_slice(bytes),
                &mut |_| {},
            );
        };
        remote.exec(&source, &mut output, deadline.sooner(STEP_TIME))?;
        let fault = match incoming.finish() {
            Ok(()) if part.len() as u64 == end - start => return Ok(part),
            Ok(()) => Fault::Damaged {
                expected: format!("{} bytes", end - start),
                found: format!("{} bytes", part.len()),
            },
            Err(fault) => fault,
        };
        tries -= 1;
        if tries == 0 {
            return Err(match fault {
                Fault::Answer(received) => RomError::Answer { received },
                Fault::Damaged { expected, found } => RomError::Arrived {
                    number,
                    expected,
                    found,
                },
            });
        }
    }
}

/// An image, and where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Deployment<'d> {
    /// The partition.
    pub number: u32,
    /// What is known of it.
    pub partition: &'d Partition,
    /// The image.
    pub image: &'d [u8],
    /// Whether blocks with the right content are neither erased nor written. Boards that cannot erase single blocks, or have no SHA-256,
    /// write all of them.
    pub only_changes: bool,
}

/// Writes an image into a partition, after unmounting `/rom`. The content is read back and compared. The board mounts it
/// after its next soft reset.
///
/// If anything changes, the block with the image's first bytes is erased first and its first part is written last: after an interruption, the board finds a complete image or
/// no image.
///
/// # Errors
///
/// [`RomError::TooBig`] before anything is sent. After [`RomError::Answer`] and [`RomError::Board`] the partition has
/// no image, unless the last part was written already; after [`RomError::Damaged`] it has one that reads back wrong.
/// When `events` breaks, the error is that of an interruption: see [`piton_board::stop`].
pub fn deploy(
    raw_repl: &mut RawRepl<'_>,
    deployment: &Deployment<'_>,
    events: &mut dyn FnMut(RomEvent) -> ControlFlow<()>,
    deadline: Deadline,
) -> Result<(), RomError> {
    let &Deployment {
        number,
        partition,
        image,
        only_changes,
    } = deployment;
    let size = image.len() as u64;
    if size > partition.size {
        return Err(RomError::TooBig {
            number,
            size,
            room: partition.size,
        });
    }
    let mut stop = Stop::new(raw_repl.cancel());
    let mut remote = RemoteFs::new(raw_repl);
    let mut job = Job {
        remote: &mut remote,
        number,
        partition,
        image,
        only_changes,
        deadline,
    };
    let written = job.write(&mut |event| stop.report(|| events(event)));
    drop(stop);
    // This raises `NameError` if the program did not define its function. Then there is nothing to delete.
    let _ = remote.run(b"del _piton\n", Deadline::after(TIDY_TIME));
    written
}

/// The writing of an image.
struct Job<'j, 'r, 'b> {
    remote: &'j mut RemoteFs<'r, 'b>,
    number: u32,
    partition: &'j Partition,
    image: &'j [u8],
    only_changes: bool,
    deadline: Deadline,
}

/// A part of the partition: offsets in bytes, the end excluded.
type Span = (u64, u64);

/// The encodings of bytes that the board decodes.
#[derive(Clone, Copy)]
struct Encodings {
    base64: bool,
    hex: bool,
    deflate: bool,
}

impl Job<'_, '_, '_> {
    fn write(&mut self, events: &mut dyn FnMut(RomEvent)) -> Result<(), RomError> {
        let start = format!("{}_piton({})\n", device::ROM_DEPLOY.source(), self.number);
        let (is_device, base64, hex, deflate, in_steps) = self.query(&start)?;
        let encodings = Encodings {
            base64,
            hex,
            deflate,
        };
        let size = self.image.len() as u64;
        let unit = self.unit();
        let mut spans = match self.only_changes && (is_device || in_steps) {
            true => self.changed(unit)?,
            false => vec![(0, size)],
        };
        let mut bytes = size - spans.iter().map(|(start, end)| end - start).sum::<u64>();
        if bytes > 0 {
            events(RomEvent::Unchanged { bytes });
        }
        let mut least = self.erase(&spans, is_device, in_steps, events)?;
        if least > unit && bytes > 0 {
            // One write is more than one of the blocks that were compared.
            spans = vec![(0, size)];
            bytes = 0;
            least = self.erase(&spans, is_device, in_steps, events)?;
        }
        let step = match is_device {
            true => WRITTEN.min(self.block_size()),
            false => WRITTEN.max(least),
        };
        let parts = spans
            .iter()
            .flat_map(|(start, end)| {
                (*start..*end).step_by(usize::try_from(step).unwrap_or(usize::MAX))
            })
            .collect::<Vec<u64>>();
        // The image's first bytes come last.
        for offset in parts.iter().skip(1).chain(parts.first()) {
            events(RomEvent::Write { bytes, of: size });
            let end = (offset + step).min(self.partition.size);
            self.write_part(*offset, end, encodings)?;
            bytes += step;
        }
        let digest: Option<DigestBytes> = self.query(&format!("_piton({size},None)\n"))?;
        let expected = Sha256::digest(self.image);
        match digest {
            Some(DigestBytes(digest)) if digest != expected.as_slice() => Err(RomError::Damaged {
                number: self.number,
                expected: Hex(&expected).to_string(),
                found: Hex(&digest).to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// Returns the size of a block in bytes, as the board reports it, within limits.
    fn block_size(&self) -> u64 {
        self.partition
            .block_size
            .clamp(1, self.partition.size.max(1))
    }

    /// Returns how many bytes are compared at a time: whole blocks.
    fn unit(&self) -> u64 {
        let block = self.block_size();
        WRITTEN.div_ceil(block).saturating_mul(block)
    }

    /// Returns the parts of the partition that differ from the image; the first one among them, if any does.
    fn changed(&mut self, unit: u64) -> Result<Vec<Span>, RomError> {
        let size = self.image.len() as u64;
        let answer: Option<DigestBytes> = self.query(&format!("_piton({size},None,{unit})\n"))?;
        let Some(DigestBytes(digests)) = answer else {
            return Ok(vec![(0, size)]);
        };
        let length = usize::try_from(unit).unwrap_or(usize::MAX);
        let parts = self.image.chunks(length);
        if digests.len() != parts.len() * COMPARED {
            return Err(RomError::Answer { received: digests });
        }
        let differs = |(part, found): (&[u8], &[u8])| !Sha256::digest(part).starts_with(found);
        let mut differing: Vec<bool> = parts.zip(digests.chunks(COMPARED)).map(differs).collect();
        let any = differing.contains(&true);
        if let Some(first) = differing.first_mut() {
            *first |= any;
        }
        let mut spans: Vec<Span> = Vec::new();
        for (start, _) in (0..size)
            .step_by(length)
            .zip(differing)
            .filter(|(_, differs)| *differs)
        {
            let end = (start + unit).min(size);
            match spans.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => spans.push((start, end)),
            }
        }
        Ok(spans)
    }

    /// Erases the blocks of these parts. Returns the minimum size of a write in bytes.
    fn erase(
        &mut self,
        spans: &[Span],
        is_device: bool,
        in_steps: bool,
        events: &mut dyn FnMut(RomEvent),
    ) -> Result<u64, RomError> {
        let size = self.image.len() as u64;
        let block = self.block_size();
        let step = match (is_device, in_steps) {
            (true, _) => block,
            (false, true) => ERASED.div_ceil(block).saturating_mul(block),
            (false, false) => size.max(1),
        };
        let mut least = 0;
        for &(start, end) in spans {
            let last = end.next_multiple_of(block).min(self.partition.size);
            for offset in (start..end).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
                events(RomEvent::Erase { offset });
                let length = step.min(last - offset);
                least = self.query(&format!("_piton({offset},{length})\n"))?;
            }
        }
        match least {
            0..=WRITTEN_AT_MOST => Ok(least),
            _ => Err(RomError::Answer {
                received: least.to_string().into_bytes(),
            }),
        }
    }

    /// Writes the bytes from `offset` to `end`, zeros after the image.
    fn write_part(&mut self, offset: u64, end: u64, encodings: Encodings) -> Result<(), RomError> {
        let part: Vec<u8> = (offset..end)
            .map(|at| usize::try_from(at).ok().and_then(|at| self.image.get(at)))
            .map(|byte| byte.copied().unwrap_or_default())
            .collect();
        let packed = literal(&part, encodings);
        match self.send(offset, &packed) {
            // The board raises `MemoryError` if it has too little memory to inflate the part. It has written nothing
            // then, so the part can be sent without compression.
            Err(BoardError::Exception(exception))
                if encodings.deflate && exception.type_name == "MemoryError" =>
            {
                let deflate = false;
                Ok(self.send(
                    offset,
                    &literal(
                        &part,
                        Encodings {
                            deflate,
                            ..encodings
                        },
                    ),
                )?)
            }
            sent => Ok(sent?),
        }
    }

    fn send(&mut self, offset: u64, literal: &str) -> Result<(), BoardError> {
        let source = format!("_piton({offset},{literal})\n");
        let deadline = self.deadline.sooner(STEP_TIME);
        self.remote.run(source.as_bytes(), deadline).map(|_| ())
    }

    fn query<T: serde::de::DeserializeOwned>(&mut self, source: &str) -> Result<T, RomError> {
        let deadline = self.deadline.sooner(STEP_TIME);
        let answer = self.remote.run(source.as_bytes(), deadline)?;
        from_literal(&answer).map_err(|_| RomError::Answer { received: answer })
    }
}

/// Returns the shortest literal for these bytes that the board can decode, and the number of its encoding. The literal is
/// always of bytes: a `binascii` that is written in Python does not accept `str`.
fn literal(part: &[u8], encodings: Encodings) -> String {
    if encodings.deflate {
        // The board allocates the window, which need not be larger than the content.
        let bits = part.len().next_power_of_two().trailing_zeros().clamp(9, 15);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        // Writing to memory does not fail.
        if let Ok(packed) = encoder.write_all(part).and_then(|()| encoder.finish())
            && packed.len() < part.len()
        {
            return format!("b'{}',{bits}", BASE64.encode(&packed));
        }
    }
    if encodings.base64 {
        return format!("b'{}',2", BASE64.encode(part));
    }
    let text = py_bytes(part);
    if encodings.hex && text.len() > part.len() * 2 {
        return format!("b'{}',1", Hex(part));
    }
    format!("{text},0")
}
