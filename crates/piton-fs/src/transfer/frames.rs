//! The frames that go to the board, and those that may have to go again.
//!
//! A frame is `kind, number (2 bytes), length (2 bytes), payload, CRC-32 (4 bytes)`, numbers with the lowest byte first.

use std::collections::VecDeque;

/// What a frame wants: `act` in device/send.py.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Begin a file: its size in 4 bytes, its path.
    Open = b'F' as isize,
    /// Content as it is.
    Content = b'B' as isize,
    /// Content as a deflate stream.
    Deflated = b'C' as isize,
    /// The file is complete: its SHA-256.
    Commit = b'H' as isize,
    /// Drop the file.
    Abort = b'A' as isize,
    MakeDir = b'M' as isize,
    Remove = b'N' as isize,
    RemoveDir = b'O' as isize,
    /// The end.
    Quit = b'Q' as isize,
}

#[derive(Debug)]
struct Frame {
    number: u16,
    bytes: Vec<u8>,
    note: Note,
}

/// What it means that a frame has gone out.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Note {
    /// Nothing to tell.
    Nothing,
    /// A file has got further.
    Progress(Progress),
    /// The file of this step may be in its place from now on.
    Commits(usize),
}

/// How far a file is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    pub(crate) step: usize,
    pub(crate) bytes: u64,
    pub(crate) of: u64,
}

/// How many bytes of frames that went out are kept. The board has checked a frame before it takes more than its window
/// (2 KiB) and one more frame (4 KiB and 9 bytes) after it.
const KEPT: usize = 8192;

/// The frames of a stream that may still be asked for, and the place up to which they have gone out.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    kept: VecDeque<Frame>,
    /// Index into `kept` of the frame that goes out now, and how much of it has.
    at: (usize, usize),
    next_number: u16,
    /// Bytes of the kept frames before `at`.
    behind: usize,
}

impl Frames {
    /// Add a frame to the end of the stream.
    pub(crate) fn push(&mut self, kind: Kind, payload: &[u8], note: Note) {
        let mut bytes = Vec::with_capacity(payload.len() + 9);
        bytes.push(kind as u8);
        bytes.extend(self.next_number.to_le_bytes());
        // No payload is longer than the board's buffer of 4 KiB.
        bytes.extend((payload.len() as u16).to_le_bytes());
        bytes.extend(payload);
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        bytes.extend(crc.sum().to_le_bytes());
        self.kept.push_back(Frame {
            number: self.next_number,
            bytes,
            note,
        });
        self.next_number = self.next_number.wrapping_add(1);
    }

    /// Whether all frames have gone out.
    pub(crate) fn is_drained(&self) -> bool {
        self.at.0 >= self.kept.len()
    }

    /// Take up to `room` bytes of what goes out next, to the end of `burst`. `gone` hears of each frame that has gone
    /// out completely.
    pub(crate) fn take(&mut self, room: usize, burst: &mut Vec<u8>, gone: &mut dyn FnMut(Note)) {
        let mut room = room;
        while room > 0 {
            let Some(frame) = self.kept.get(self.at.0) else {
                return;
            };
            let rest = frame.bytes.get(self.at.1..).unwrap_or_default();
            let piece = rest.get(..room).unwrap_or(rest);
            burst.extend(piece);
            room -= piece.len();
            self.at.1 += piece.len();
            if self.at.1 == frame.bytes.len() {
                gone(frame.note);
                self.behind += frame.bytes.len();
                self.at = (self.at.0 + 1, 0);
            }
        }
        while let Some(first) = self.kept.front()
            && self.behind > KEPT + first.bytes.len()
        {
            self.behind -= first.bytes.len();
            self.at.0 -= 1;
            self.kept.pop_front();
        }
    }

    /// Go on with the frame of this number. False: it is not there any more, or never was.
    pub(crate) fn rewind(&mut self, number: u16) -> bool {
        let known = self.kept.iter().position(|frame| frame.number == number);
        let at = match known {
            Some(at) => at,
            None if number == self.next_number => self.kept.len(),
            None => return false,
        };
        self.at = (at, 0);
        self.behind = self
            .kept
            .iter()
            .take(at)
            .map(|frame| frame.bytes.len())
            .sum();
        true
    }
}
