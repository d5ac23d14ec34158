//! Sending a program to the board: by raw-paste, in pieces, or through the plain raw REPL with pauses.

use std::time::Duration;

use tracing::debug;

use super::entry::DAMAGE_QUIET;
use super::follow::Program;
use super::link::{Wait, find};
use super::protocol::{self, RAW_BANNER};
use super::{Repl, STEP, State};
use crate::deadline::Deadline;
use crate::error::Error;

/// The request of raw-paste: pyexec.c, `do_reader_stdin`.
const ASK: &[u8] = b"\x05A\x01";
const YES: &[u8] = b"R\x01";
const NO: &[u8] = b"R\x00";
/// Length of the answer that accepts raw-paste: two bytes, the window size (two bytes, little-endian), and the first credit.
const YES_LENGTH: usize = 5;

/// Maximum number of times that the request is sent for one program.
const ASK_TRIES: u32 = 5;

/// Number of silences of [`DAMAGE_QUIET`] after which the request is sent again. A board that starts is silent for seconds.
const SILENT_TIMES: u32 = 3;

/// The friendly REPL's answer to the first byte of the request. It shows that the board was reset.
const PASTE_MODE: &[u8] = b"\r\npaste mode; ";

/// In raw-paste: one more window is free.
const CREDIT: u8 = 0x01;
/// In raw-paste: the end of the source, from either side.
const END: u8 = protocol::CTRL_D;
/// Ctrl-C: cancels a program that is not sent completely.
const INTERRUPT: u8 = protocol::CTRL_C;

/// The way in which programs are sent on this connection. The first program finds it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    /// Not known yet: the first program requests raw-paste.
    NotAsked,
    /// By raw-paste, with windows of this number of bytes.
    RawPaste { window: u16 },
    /// In pieces that the board answers: see [`super::pieces`]. For firmware without raw-paste (MicroPython 1.13 and
    /// older), whose receive rings are small: the micro:bit's has 64 bytes.
    Pieces,
    /// Through the plain raw REPL without flow control, with pauses.
    Plain,
}

/// Number of bytes between two pauses, and the length of a pause, for the plain raw REPL. The same as mpremote's:
/// tools/mpremote/mpremote/transport_serial.py, `exec_raw_no_follow`.
const BURST: usize = 256;
const PAUSE: Duration = Duration::from_millis(10);

impl Sending {
    pub(super) fn raw_paste(self) -> Option<bool> {
        match self {
            Sending::NotAsked => None,
            Sending::RawPaste { .. } => Some(true),
            Sending::Pieces | Sending::Plain => Some(false),
        }
    }
}

/// The acknowledgement that the board must still send before the program runs.
#[derive(Clone, Copy)]
pub(super) enum Acknowledgement {
    /// None: the board ended the paste early because of an error in the source, which it reports as the outcome.
    None,
    /// 0x04, for the end of the paste.
    PasteEnd,
    /// `OK`, from the plain raw REPL.
    Ok,
    /// The same, and the program runs inside the one that joins its pieces.
    OkToPieces,
}

impl Repl {
    /// Sends a program. When this returns, the program runs.
    pub(super) fn start(&mut self, source: &[u8], deadline: Deadline) -> Result<(), Error> {
        let acknowledgement = self.transmit(source, deadline)?;
        self.acknowledge(acknowledgement, deadline)
    }

    /// Starts a program whose output is not read. A connection that is lost before the answer is not an error.
    pub(super) fn start_unattended(
        &mut self,
        source: &[u8],
        deadline: Deadline,
    ) -> Result<(), Error> {
        let acknowledgement = self.transmit(source, deadline)?;
        match self.acknowledge(acknowledgement, deadline) {
            Err(Error::Disconnected { .. }) => Ok(()),
            other => other,
        }
    }

    fn transmit(&mut self, source: &[u8], deadline: Deadline) -> Result<Acknowledgement, Error> {
        self.finish_restart(deadline)?;
        if !self.is_raw() {
            return Err(Error::NotAtPrompt);
        }
        check_source(source)?;
        self.state = State::Broken;
        let step = deadline.sooner(STEP);
        if std::mem::take(&mut self.has_padded) {
            self.settle(step)?;
            self.state = State::Broken;
        }
        let mut progress = Progress::default();
        if let Sending::RawPaste { window } = self.sending {
            // The board reads the request at once, so the source may follow without a wait. Request and source together fill
            // at most two windows, which is the size of the board's buffer.
            let room = (usize::from(window) * 2).saturating_sub(ASK.len());
            let burst = [ASK, &progress.next(source, room)].concat();
            self.link.write(&burst, step)?;
        } else if self.sending == Sending::NotAsked {
            self.link.write(ASK, step)?;
        }
        let known = self.sending;
        let mut tries = ASK_TRIES;
        while !matches!(known, Sending::Pieces | Sending::Plain)
            && !self.read_answer(!progress.ended, step)?
        {
            // A byte of the request was damaged. If its last byte, Ctrl-A, arrived, it has started the raw REPL again. If the
            // source was sent with its end, the board runs it. Otherwise a Ctrl-C cancels the part that was sent, and also
            // the paste of a board whose answer is only late: nothing of the program has run.
            debug!("the request of raw-paste was damaged, it is sent again");
            if progress.ended {
                return Ok(Acknowledgement::Ok);
            }
            tries -= 1;
            if tries == 0 {
                return Err(Error::Unexpected {
                    expected: "an answer to raw-paste",
                    received: self.link.take_pending(),
                });
            }
            progress = Progress::default();
            self.link.write(&[INTERRUPT], step)?;
            self.synchronize(step)?;
            self.link.write(ASK, step)?;
        }
        if known == Sending::NotAsked {
            debug!(sending = ?self.sending, "the way of sending programs is known");
        }
        if self.only_raw_paste && self.raw_paste_is_missing() {
            self.state = State::Raw;
            return Err(Error::NoRawPaste);
        }
        match (known, self.sending) {
            (_, Sending::Pieces) if progress.sent == 0 => self.send_pieces(source, deadline),
            (_, Sending::Plain) if progress.sent == 0 => self.send_plain(source, deadline),
            (_, Sending::RawPaste { window })
                if known == Sending::NotAsked || known == self.sending =>
            {
                self.paste(source, progress, window, deadline)
            }
            _ => Err(Error::Unexpected {
                expected: "the same answer to raw-paste as before",
                received: self.link.take_pending(),
            }),
        }
    }

    fn raw_paste_is_missing(&self) -> bool {
        matches!(self.sending, Sending::Pieces | Sending::Plain)
    }

    fn acknowledge(
        &mut self,
        acknowledgement: Acknowledgement,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let wait = Wait::new("the board to receive the program", deadline.sooner(STEP));
        let mut is_late = false;
        match acknowledgement {
            Acknowledgement::None => {}
            // The board ends the paste at the end byte, or earlier at an error in the source. It acknowledges both in the
            // same way, since the end byte was sent already.
            Acknowledgement::PasteEnd => is_late = !self.skip_paste_end(wait)?,
            Acknowledgement::Ok | Acknowledgement::OkToPieces => {
                self.link.skip_past(b"OK", wait)?;
            }
        }
        let mut program = Program::default();
        program.in_pieces = matches!(acknowledgement, Acknowledgement::OkToPieces);
        program.scanner.awaits_acknowledgement = is_late;
        self.state = State::Running(Box::new(program));
        Ok(())
    }

    /// Consumes the acknowledgement of the end of the paste. Returns false if output came without it.
    fn skip_paste_end(&mut self, mut wait: Wait) -> Result<bool, Error> {
        loop {
            let pending = self.link.pending();
            if let Some(at) = pending.iter().position(|&byte| byte == END) {
                self.link.consume(at + 1);
                return Ok(true);
            }
            let came = self.link.more_within(&mut wait, DAMAGE_QUIET)?;
            let has_printed = self.link.pending().iter().any(|&byte| byte != CREDIT);
            if !came && has_printed {
                // The output is from the program, whose acknowledgement was lost; or from background code, and the
                // acknowledgement is late. Then the scanner drops it.
                debug!("the board prints, the program is not acknowledged yet");
                return Ok(false);
            }
        }
    }

    /// Waits for the answer to [`ASK`], and stores it. Bytes before it are output of background code. Returns false if a
    /// board that supports raw-paste has started its raw REPL again instead, or is silent and `can_repeat` is set.
    fn read_answer(&mut self, can_repeat: bool, deadline: Deadline) -> Result<bool, Error> {
        let mut wait = Wait::new("the answer to raw-paste", deadline);
        let mut silences = 0;
        loop {
            let pending = self.link.pending();
            if let Some(at) = find(pending, YES) {
                if let Some(&[_, _, low, high, CREDIT]) = pending.get(at..at + YES_LENGTH) {
                    self.link.consume(at + YES_LENGTH);
                    let window = u16::from_le_bytes([low, high]);
                    if window == 0 {
                        return Err(Error::Unexpected {
                            expected: "a raw-paste window of at least one byte",
                            received: vec![low, high],
                        });
                    }
                    self.sending = Sending::RawPaste { window };
                    return Ok(true);
                }
            } else if let Some(at) = find(pending, b"R\x00>") {
                // The firmware knows the request and refuses it (a port without raw-paste).
                self.link.consume(at + NO.len() + 1);
                self.sending = Sending::Plain;
                return Ok(true);
            } else if let Some(at) = find(pending, RAW_BANNER) {
                self.link.consume(at + RAW_BANNER.len());
                // A board that has accepted raw-paste before did not read the whole request.
                if self.sending != Sending::NotAsked {
                    return Ok(false);
                }
                return self.probe_by_a_program(deadline);
            } else if find(pending, PASTE_MODE).is_some() {
                // The board was reset and is in the friendly REPL, where Ctrl-E starts the paste mode.
                self.state = State::Unknown;
                return Err(Error::BoardReset);
            }
            if self.link.more_within(&mut wait, DAMAGE_QUIET)? {
                continue;
            }
            if let Some(answered) = self.damaged_answer() {
                return Ok(answered);
            }
            silences += 1;
            if can_repeat && silences == SILENT_TIMES && self.link.pending().is_empty() {
                return Ok(false);
            }
        }
    }

    /// Judges bytes that are no answer to [`ASK`], of a board that has accepted raw-paste before and is silent now. Returns as
    /// [`Repl::read_answer`] does; `None` if they show nothing.
    fn damaged_answer(&mut self) -> Option<bool> {
        let Sending::RawPaste { window } = self.sending else {
            return None;
        };
        let [low, high] = window.to_le_bytes();
        match self.link.pending() {
            // The beginning of the whole answer: the rest is late.
            pending if [YES, &[low, high, CREDIT]].concat().starts_with(pending) => None,
            // The request was damaged, and the board has run it with the source as a program.
            pending if find(pending, b"OK").is_some() => Some(false),
            pending => {
                let is_short = pending.len() <= YES_LENGTH + 1;
                debug!(is_short, "the answer to raw-paste was damaged");
                self.link.take_pending();
                Some(is_short)
            }
        }
    }

    /// Finds out the meaning of a banner that came as the answer to the request. Firmware without raw-paste reads only the
    /// Ctrl-A of the request, and starts its raw REPL again. But the banner may also be the late answer to the Ctrl-A of a
    /// connection that was killed, and the real answer follows: then the board reads the next program by raw-paste, and
    /// its output shows that. Returns false as [`Repl::read_answer`] does.
    fn probe_by_a_program(&mut self, deadline: Deadline) -> Result<bool, Error> {
        self.link.write(b"print()\x04", deadline)?;
        let mut wait = Wait::new("the raw REPL to settle", deadline);
        loop {
            let pending = self.link.pending();
            if let Some(end) = find(pending, b"\x04>") {
                let answer = pending.get(..end).unwrap_or_default();
                let pasted = find(answer, YES).and_then(|at| answer.get(at + 2..at + 4));
                self.sending = match pasted {
                    Some(&[low, high]) if (low, high) != (0, 0) => Sending::RawPaste {
                        window: u16::from_le_bytes([low, high]),
                    },
                    _ => Sending::Pieces,
                };
                self.link.consume(end + 2);
                return Ok(self.sending == Sending::Pieces);
            }
            self.link.more(&mut wait)?;
        }
    }

    /// Sends the rest of `source` by raw-paste.
    fn paste(
        &mut self,
        source: &[u8],
        mut progress: Progress,
        window: u16,
        deadline: Deadline,
    ) -> Result<Acknowledgement, Error> {
        let window = usize::from(window);
        // Two windows are free at first: one by the protocol, the other one by the first credit.
        let mut free = (window * 2).saturating_sub(progress.sent);
        while !progress.ended {
            let step = deadline.sooner(STEP);
            match self.take_credits() {
                Credits::Windows(count) => free += count * window,
                Credits::Ended => {
                    self.link.write(&[END], step)?;
                    return Ok(Acknowledgement::None);
                }
            }
            let before = progress.sent;
            let piece = progress.next(source, free);
            if piece.is_empty() {
                let mut wait = Wait::new("the board to read more of the program", step);
                self.link.more(&mut wait)?;
                continue;
            }
            self.link.write(&piece, step)?;
            free -= progress.sent - before;
        }
        Ok(Acknowledgement::PasteEnd)
    }

    /// Consumes the pending bytes of the flow control. Other bytes are output of background code.
    fn take_credits(&mut self) -> Credits {
        let pending = self.link.pending();
        let end = pending.iter().position(|&byte| byte == END);
        if let Some(end) = end {
            self.link.consume(end + 1);
            return Credits::Ended;
        }
        let count = pending.iter().filter(|&&byte| byte == CREDIT).count();
        self.link.consume(pending.len());
        Credits::Windows(count)
    }

    /// Sends `source` into the raw REPL with pauses instead of flow control.
    pub(super) fn send_plain(
        &mut self,
        source: &[u8],
        deadline: Deadline,
    ) -> Result<Acknowledgement, Error> {
        for piece in source.chunks(BURST) {
            self.link.write(piece, deadline)?;
            self.link.pause(PAUSE)?;
        }
        self.link.write(&[END], deadline)?;
        Ok(Acknowledgement::Ok)
    }
}

/// The progress of sending a source.
#[derive(Default)]
struct Progress {
    sent: usize,
    /// Whether the end byte was sent too.
    ended: bool,
}

impl Progress {
    /// Returns the next piece to write: at most `room` bytes of `source`. The end byte follows the last piece and does not
    /// count, because the board does not store it.
    fn next(&mut self, source: &[u8], room: usize) -> Vec<u8> {
        let rest = source.get(self.sent..).unwrap_or_default();
        let mut piece = rest.get(..room).unwrap_or(rest).to_vec();
        self.sent += piece.len();
        if self.sent == source.len() {
            piece.push(END);
            self.ended = true;
        }
        piece
    }
}

enum Credits {
    /// This number of windows became free.
    Windows(usize),
    /// The board has ended the paste.
    Ended,
}

/// Refuses control bytes that the REPL would act on. In Python they can only be in literals and comments.
fn check_source(source: &[u8]) -> Result<(), Error> {
    // Raw-paste ends at 0x03 and 0x04, and the plain raw REPL acts on 0x01 and 0x02 too. All four are refused, so that a
    // source does not work on one board and fail on another.
    match source.iter().position(|byte| (1..=4).contains(byte)) {
        Some(offset) => Err(Error::UnsendableByte {
            byte: source.get(offset).copied().unwrap_or_default(),
            offset,
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
