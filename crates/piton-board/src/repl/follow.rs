//! Following a running program: its output, its end, and stopping it.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::link::{Link, Tail, Wait};
use super::output::{End, Scanner};
use super::pieces;
use super::protocol::{RAW_BANNER, RAW_PROMPT, ends_with_board_start};
use super::{Repl, Reply, State, bounded, entry, own};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::exception::BoardException;
use crate::stop::Stop;

/// The time in which bytes after an end are searched for another end: see [`settle`].
const SETTLE: Duration = Duration::from_millis(200);

/// Silence that follows the end of a program: shorter ones may be inside its output.
const QUIET: Duration = Duration::from_millis(500);

/// A program that runs in the raw REPL.
#[derive(Debug, Default)]
pub(super) struct Program {
    pub(super) scanner: Scanner,
    printed: Tail,
    /// All bytes that came, with those of the end.
    received: Tail,
    /// The number of these bytes.
    received_bytes: u64,
    /// The beginnings of the answers to the probes that follow the program.
    pub(super) probe_answers: Vec<Vec<u8>>,
    /// Whether it was sent in pieces, and runs inside the program that joins them.
    pub(super) in_pieces: bool,
}

impl Program {
    fn feed(&mut self, bytes: &[u8], output: &mut dyn FnMut(&[u8])) -> Option<(End, usize)> {
        let Program {
            scanner,
            printed,
            received,
            received_bytes,
            ..
        } = self;
        received.push(bytes);
        *received_bytes += bytes.len() as u64;
        scanner.feed(bytes, &mut |bytes| {
            printed.push(bytes);
            output(bytes);
        })
    }

    /// Returns the number of bytes that have come.
    pub(super) fn received_bytes(&self) -> u64 {
        self.received_bytes
    }

    /// Returns whether the last bytes may be an end of which the line has lost a byte: the board is at its prompt then, and
    /// Ctrl-C has no effect.
    fn has_damaged_end(&self) -> bool {
        self.received.bytes().ends_with(RAW_PROMPT)
    }

    /// Returns whether the output ends with the banner and prompt of a board that has restarted.
    ///
    /// A board that is reset behind a USB-to-serial converter does not disconnect. Only its output shows the reset.
    fn printed_a_start(&self) -> bool {
        let printed = self.printed.bytes();
        // A program may print `>>> ` itself, but rarely at the start of a line after a banner.
        printed.ends_with(b"\n>>> ") && ends_with_board_start(printed)
    }
}

impl Repl {
    /// Passes the output of the running program to the caller until it ends.
    pub(super) fn follow(
        &mut self,
        output: &mut dyn FnMut(&[u8]),
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut exchange = |bytes: &[u8]| {
            output(bytes);
            ControlFlow::Continue(Vec::new())
        };
        self.follow_with_replies(&mut exchange, deadline)
    }

    /// As [`Repl::follow`], and writes the bytes that `reply` returns to the program.
    pub(super) fn follow_with_replies(
        &mut self,
        exchange: &mut dyn FnMut(&[u8]) -> Reply,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let mut exchange = Exchange::new(exchange, &self.link);
        let State::Running(program) = &mut self.state else {
            return Err(Error::NotAtPrompt);
        };
        let in_pieces = program.in_pieces;
        let end = match read_to_end(&mut self.link, program, &mut exchange, deadline) {
            Ok(end) => end,
            Err(error) => {
                if !matches!(error, Error::Timeout { .. } | Error::Cancelled) {
                    self.state = State::Unknown;
                }
                return Err(error);
            }
        };
        match end {
            End::Prompt { exception } => {
                self.state = State::Raw;
                if exception.is_empty() {
                    Ok(())
                } else {
                    let exception = match in_pieces {
                        true => pieces::without_joiner(exception),
                        false => exception,
                    };
                    Err(Error::Exception(BoardException::parse(&exception)))
                }
            }
            End::SoftReset => {
                self.soft_resets += 1;
                self.state = State::Restarting;
                Ok(())
            }
        }
    }

    /// Waits for the raw REPL after a `SystemExit`. Returns false if the board was not restarting.
    pub(super) fn finish_restart(&mut self, deadline: Deadline) -> Result<bool, Error> {
        if !matches!(self.state, State::Restarting) {
            return Ok(false);
        }
        let wait = Wait::new("the raw REPL after SystemExit", bounded(deadline));
        self.link.skip_past(RAW_BANNER, wait)?;
        self.state = State::Raw;
        Ok(true)
    }

    /// Interrupts the running program: see [`super::RawRepl::interrupt`].
    ///
    /// # Errors
    ///
    /// As for [`super::RawRepl::interrupt`].
    pub fn interrupt(
        &mut self,
        output: &mut dyn FnMut(&[u8]),
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.link.cancel.take();
        match self.state {
            State::Raw | State::Restarting => return Ok(()),
            // The program was not sent completely: it does not run, and the board may wait for the rest of it.
            State::Unknown | State::Broken => return self.enter(deadline),
            State::Running(ref program) if program.has_damaged_end() => {
                return self.enter(deadline);
            }
            State::Running(_) => {}
        }
        for (round, burst) in entry::interrupt_bursts().enumerate() {
            entry::send_burst(&self.link, burst, deadline)?;
            if round > 0 {
                // The end of the program may have been lost, and the board is at its prompt, where Ctrl-C has no effect.
                self.probe_after_interrupt(deadline)?;
            }
            let patience = deadline.slice(burst.patience);
            match self.follow(output, patience) {
                Err(Error::Timeout { .. }) if !deadline.has_passed() => {}
                ended => return self.after_interrupt(ended, deadline),
            }
            if matches!(&self.state, State::Running(program) if program.has_damaged_end()) {
                return self.enter(deadline);
            }
        }
        let ended = self.follow(output, deadline);
        self.after_interrupt(ended, deadline)
    }

    /// Waits for the answers to the probes of [`Repl::interrupt`], and returns how the program has ended, if that is known.
    fn after_interrupt(
        &mut self,
        ended: Result<(), Error>,
        deadline: Deadline,
    ) -> Result<(), Error> {
        match self.drop_open_probes(ended, deadline) {
            Err(Error::Unexpected { .. }) if self.is_raw() => Ok(()),
            ended => ended,
        }
    }
}

/// The closure that receives the output of a program, and the replies that it has returned.
struct Exchange<'e> {
    exchange: &'e mut dyn FnMut(&[u8]) -> Reply,
    /// Replies that are not written to the program yet.
    replies: Vec<u8>,
    stop: Stop,
}

impl<'e> Exchange<'e> {
    fn new(exchange: &'e mut dyn FnMut(&[u8]) -> Reply, link: &Link) -> Exchange<'e> {
        Exchange {
            exchange,
            replies: Vec::new(),
            stop: Stop::new(&link.cancel),
        }
    }

    /// Passes on a piece of output.
    fn output(&mut self, bytes: &[u8]) {
        let Exchange {
            exchange,
            replies,
            stop,
        } = self;
        stop.report(|| exchange(bytes).map_continue(|reply| replies.extend_from_slice(&reply)));
    }

    /// Returns the bytes to write to the program now.
    fn reply(&mut self) -> Vec<u8> {
        self.output(&[]);
        std::mem::take(&mut self.replies)
    }
}

fn read_to_end(
    link: &mut Link,
    program: &mut Program,
    exchange: &mut Exchange<'_>,
    deadline: Deadline,
) -> Result<End, Error> {
    let mut quiet_since = Instant::now();
    let mut received = Tail::default();
    loop {
        let mut pending = link.take_pending();
        received.push(&pending);
        let output = &mut |bytes: &[u8]| exchange.output(bytes);
        let answer = own::split_at_answer(&pending, &program.probe_answers);
        let answer_bytes = answer.map(|(at, _)| pending.split_off(at));
        let end = program.feed(&pending, output);
        link.put_back(answer_bytes.as_deref().unwrap_or_default());
        if let Some((end, used)) = end {
            link.put_back(pending.get(used..).unwrap_or_default());
            return match program.probe_answers.as_slice() {
                [] => settle(link, end, output),
                _ => Ok(end),
            };
        }
        if let Some((_, true)) = answer {
            let received = program.received.bytes();
            return own::damaged_end(received).ok_or_else(|| Error::Unexpected {
                expected: "the end of the program",
                received: received.to_vec(),
            });
        }
        let bytes = exchange.reply();
        if !bytes.is_empty() {
            link.write(&bytes, deadline)?;
        }
        match link.poll("the end of the program", deadline) {
            Ok(true) => quiet_since = Instant::now(),
            Ok(false) if deadline.has_passed() => {
                // While a program is interrupted, the deadline is short: it passes before the silence of the check below.
                if program.printed_a_start() {
                    return Err(Error::BoardReset);
                }
                return Err(Error::Timeout {
                    waiting_for: "the end of the program",
                    received: received.bytes().to_vec(),
                });
            }
            Ok(false) => {
                if quiet_since.elapsed() >= QUIET {
                    // The board printed its banner and is silent at its prompt. It was reset behind a USB-to-serial
                    // converter, which does not disconnect.
                    if program.printed_a_start() {
                        return Err(Error::BoardReset);
                    }
                    // The program printed the beginning of a traceback as output, which hides the end after it.
                    if let Some(end) = program
                        .scanner
                        .end_here(&mut |bytes| exchange.output(bytes))
                    {
                        return Ok(end);
                    }
                }
            }
            // The connection is lost right after the end of the output: a board that is a process ends with `SystemExit`.
            Err(Error::Disconnected { .. }) if program.scanner.is_at_empty_end() => {
                return Ok(End::SoftReset);
            }
            Err(error) => {
                if matches!(error, Error::Disconnected { .. }) {
                    program.scanner.flush(&mut |bytes| exchange.output(bytes));
                }
                return Err(error);
            }
        }
    }
}

/// Checks an end that is followed by other bytes at once, and returns the real end.
///
/// A board at its prompt is silent, unless background code prints. A program whose output looks like an end continues,
/// and its real end follows. So another end within a short time means that the first one was output.
fn settle(link: &mut Link, mut end: End, output: &mut dyn FnMut(&[u8])) -> Result<End, Error> {
    let limit = Deadline::after(SETTLE);
    while let End::Prompt { exception } = &end {
        if link.pending().is_empty() {
            break;
        }
        let mut later = Vec::new();
        let mut scanner = Scanner::default();
        let mut seen = 0;
        let next = loop {
            let fresh = link.pending().get(seen..).unwrap_or_default();
            let found = scanner.feed(fresh, &mut |bytes| later.extend_from_slice(bytes));
            if let Some((next, used)) = found {
                link.consume(seen + used);
                break Some(next);
            }
            seen = link.pending().len();
            if limit.has_passed() {
                break None;
            }
            // An error here does not matter, because the first end has come.
            if link.poll("another end of the program", limit).is_err() {
                break None;
            }
        };
        let Some(next) = next else {
            break;
        };
        // The first end was output of the program, so it is passed on with the bytes up to the next one.
        output(&[b"\x04", exception.as_slice(), b"\x04>", &later].concat());
        end = next;
    }
    Ok(end)
}
