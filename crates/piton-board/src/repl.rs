//! What the bytes mean: the friendly prompt, the raw REPL, raw-paste.
//!
//! The protocol is fixed by MicroPython's `shared/runtime/pyexec.c`. In the raw REPL a program's answer
//! is `stdout, 0x04, exception text, 0x04, ">"`.
//!
//! # One exchange
//!
//! Everything is optimistic: one write and one wait for each step, and only when the expected answer
//! fails to come does something slower happen. A soft reset and one program take four turns:
//!
//! ```text
//! > \x03\x01                            interrupt, go to the raw REPL
//! < \r\n>>> \r\nraw REPL; CTRL-B to exit\r\n>
//! > \x04                                soft reset
//! < OK\r\nMPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>
//! > \x05A\x01                           may I paste?
//! < R\x01\x80\x00\x01
//! > print(1+1)\x04
//! < \x042\r\n\x04\x04>
//! ```
//!
//! The question "may I paste?" is asked once for each connection. From the second program on, question and
//! source go out together: one turn for each program that fits in the board's two windows.
//!
//! # Flow control
//!
//! Raw-paste has a window: the board says how many bytes it takes, and sends 0x01 for each window that it has
//! read. Firmware that does not even know the question (MicroPython 1.13 and older) has no flow control, and receive
//! rings of 64 bytes. A program of up to 60 bytes goes to it as it is. A longer one goes in pieces, each a program of
//! that length that the board answers, and is joined there: loss is noticed by length and sum, and made good with
//! smaller pieces. Firmware that knows the question and declines gets 256 bytes every 10 ms, as mpremote sends.
//!
//! # What is known of the board
//!
//! [`Repl`] owns the connection and what is known of the board's state. [`RawRepl`] exists only while the
//! board is in the raw REPL, and only it can run programs. After an error in the middle of an exchange the
//! state is not known any more: [`RawRepl::interrupt`] or [`Repl::raw_repl`] bring it back.

mod conversation;
mod entry;
mod follow;
pub mod learned;
mod link;
mod output;
mod pieces;
pub mod protocol;
mod send;

use std::ops::ControlFlow;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::deadline::{Cancel, Deadline};
use crate::error::Error;
use crate::literal::from_literal;
use crate::transport::Transport;
pub use conversation::Conversation;
use follow::Program;
use learned::Learned;
use link::Link;
use send::Sending;

/// How long a board may take for a step of the protocol itself (never for a user's program), as mpremote
/// allows: tools/mpremote/mpremote/transport_serial.py, `timeout_overall=10`.
const STEP: Duration = Duration::from_secs(10);

/// Returns `deadline`, or [`STEP`] from now if there is none.
fn bounded(deadline: Deadline) -> Deadline {
    match deadline.remaining() {
        Some(_) => deadline,
        None => Deadline::after(STEP),
    }
}

/// How to enter the raw REPL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Keep the board's variables and imported modules.
    KeepState,
    /// Start from a fresh interpreter: boot.py runs, main.py does not. Files are kept.
    SoftReset,
}

/// What is known of the board.
#[derive(Debug)]
enum State {
    /// Nothing: the board was not asked yet, or was left to itself.
    Unknown,
    /// An exchange broke off: the board may be in the middle of receiving a program.
    Broken,
    /// At the raw REPL's prompt.
    Raw,
    /// A program runs that was started in the raw REPL.
    Running(Box<Program>),
    /// A program left by `SystemExit`: the board soft-resets and comes back to the raw REPL by itself.
    Restarting,
}

/// A connection to a board's REPL.
pub struct Repl {
    link: Link,
    state: State,
    sending: Sending,
    soft_resets: u64,
    probes: u32,
    /// The next program is not for a board without raw-paste.
    only_raw_paste: bool,
    learned: Learned,
}

impl Repl {
    /// Returns a connection over `transport`, with nothing known of the board and nothing sent yet.
    ///
    /// Every wait ends within 50 ms after `cancel` was raised, with [`Error::Cancelled`].
    pub fn new(transport: Box<dyn Transport>, cancel: Cancel) -> Repl {
        Repl {
            link: Link::new(transport, cancel),
            state: State::Unknown,
            sending: Sending::NotAsked,
            soft_resets: 0,
            probes: 0,
            only_raw_paste: false,
            learned: Learned::default(),
        }
    }

    /// Returns the transport, for control lines and for a terminal.
    pub fn transport(&self) -> &dyn Transport {
        self.link.transport()
    }

    /// Returns whether the board is known to be at the raw REPL's prompt.
    pub fn is_raw(&self) -> bool {
        matches!(self.state, State::Raw)
    }

    /// Records that the board was reset by other means: its state is unknown from now on.
    pub fn forget(&mut self) {
        self.state = State::Unknown;
    }

    /// Returns how often the interpreter was seen to start afresh on this connection: what was defined on the
    /// board before the number changed is gone.
    pub fn soft_resets(&self) -> u64 {
        self.soft_resets
    }

    /// Brings the board into the raw REPL, whatever it is doing.
    ///
    /// Without wire traffic when it is there already and `entry` is [`Entry::KeepState`]. A running program
    /// is interrupted by Ctrl-C: once at first, so that its `finally` blocks can run for 3.5 seconds, then
    /// again and again with growing pauses, for programs that swallow `KeyboardInterrupt`. What the board
    /// prints meanwhile is dropped.
    ///
    /// # Errors
    ///
    /// [`Error::NoRawRepl`] when the board did not come to the raw REPL by the deadline (or within 10
    /// seconds if that is [`Deadline::NEVER`]), [`Error::Timeout`] when it did not come back from the soft
    /// reset by then (is boot.py still running?); [`Error::Cancelled`], [`Error::Disconnected`].
    pub fn raw_repl(&mut self, entry: Entry, deadline: Deadline) -> Result<RawRepl<'_>, Error> {
        let fresh = self.finish_restart(deadline)?;
        if !self.is_raw() {
            self.enter(deadline)?;
        }
        if entry == Entry::SoftReset && !fresh {
            self.soft_reset(deadline)?;
        }
        Ok(RawRepl { repl: self })
    }

    /// Returns the conversation with the program that [`RawRepl::converse`] has started and that runs on; `None` when none does.
    pub fn conversation(&mut self) -> Option<Conversation<'_>> {
        matches!(self.state, State::Running(_)).then(|| Conversation::new(self))
    }

    /// Brings the board to the raw REPL's prompt when it may still have to answer to what was sent before: all of that has come and is
    /// dropped when this returns.
    ///
    /// # Errors
    ///
    /// As for [`Repl::raw_repl`].
    pub fn settle(&mut self, deadline: Deadline) -> Result<(), Error> {
        self.enter(deadline)?;
        self.synchronize(bounded(deadline))
    }

    /// Leaves the raw REPL for the friendly one, without waiting for its prompt.
    ///
    /// Does nothing when the board is not known to be in the raw REPL. A program that is still running is
    /// not stopped: the board goes to the friendly REPL when it ends. A program that was not sent completely
    /// is taken back.
    ///
    /// # Errors
    ///
    /// [`Error::Disconnected`]; [`Error::Timeout`] when the board does not take the byte.
    pub fn friendly(&mut self, deadline: Deadline) -> Result<(), Error> {
        let bytes: &[u8] = match self.state {
            State::Unknown => return Ok(()),
            // The Ctrl-C cancels a program that was sent in part.
            State::Broken => b"\x03\x02",
            State::Raw | State::Running(_) => b"\x02",
            State::Restarting => {
                // A board that resets loses a Ctrl-B: it is sent after the reset. A board that does not come back gets it too.
                match self.finish_restart(deadline) {
                    Ok(_) | Err(Error::Timeout { .. } | Error::Cancelled) => b"\x02",
                    Err(error) => return Err(error),
                }
            }
        };
        self.state = State::Unknown;
        self.link.write(bytes, deadline)
    }

    /// Returns what was learned about the board on this connection.
    pub fn learned(&self) -> &Learned {
        &self.learned
    }

    /// Returns what was learned about the board on this connection, to add to it.
    pub fn learned_mut(&mut self) -> &mut Learned {
        &mut self.learned
    }

    /// Takes the bytes that were read ahead and used for nothing, for a terminal to show.
    pub fn take_pending(&mut self) -> Vec<u8> {
        self.link.take_pending()
    }
}

/// The answer to a piece of a program's output: the bytes that are written to the program, or `Break` to end the wait.
pub type Reply = ControlFlow<(), Vec<u8>>;

/// A board in the raw REPL.
pub struct RawRepl<'a> {
    repl: &'a mut Repl,
}

impl RawRepl<'_> {
    /// Runs a program, and hands on what it prints as it arrives.
    ///
    /// `source` is Python. Text output has CR LF line ends, `sys.stdout.buffer` gives raw bytes. A program
    /// that ends by `SystemExit` ends well; the board soft-resets then, see [`Repl::soft_resets`]. What
    /// background code (threads, timers) prints between programs is dropped.
    ///
    /// # 0x04 in output
    ///
    /// The board does not escape the byte that ends the output. A 0x04 is held back until the bytes after
    /// it tell what it is: output, if neither an exception's text nor the end of the answer follows. What
    /// cannot be told apart is output that looks like the whole end of an answer (`0x04 0x04 ">"`, or an
    /// exception's text in place of nothing between them), with a pause in the output right after it.
    ///
    /// # Errors
    ///
    /// [`Error::Exception`] for what the program raised. [`Error::Timeout`] and [`Error::Cancelled`] leave
    /// the program running: [`RawRepl::interrupt`] stops it. [`Error::BoardReset`] and
    /// [`Error::Disconnected`] when the board went away; [`Error::UnsendableByte`] before anything was
    /// sent; [`Error::NotAtPrompt`] when an earlier exchange broke off.
    pub fn exec(
        &mut self,
        source: &[u8],
        output: &mut dyn FnMut(&[u8]),
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.repl.start(source, deadline)?;
        self.repl.follow(output, deadline)
    }

    /// As [`RawRepl::exec`], for a program that reads: what `reply` gives is written to it at once. It is asked when the program has
    /// begun, after each piece of output, and each 50 ms.
    ///
    /// There is no flow control: the program must be reading what it is sent. Bytes that it leaves unread are what
    /// the raw REPL reads next.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`].
    pub fn exec_with_replies(
        &mut self,
        source: &[u8],
        exchange: &mut dyn FnMut(&[u8]) -> Reply,
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.repl.start(source, deadline)?;
        self.repl.follow_with_replies(exchange, deadline)
    }

    /// Returns the flag that ends the exchanges on this line.
    pub fn cancel(&self) -> &Cancel {
        &self.repl.link.cancel
    }

    /// Starts a program and returns as soon as the board has all of it.
    ///
    /// A board that goes away at that moment (`machine.reset()`) is no error.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`], without those of a running program.
    pub fn exec_no_follow(&mut self, source: &[u8], deadline: Deadline) -> Result<(), Error> {
        self.repl.start_unattended(source, deadline)
    }

    /// Runs a program and returns what it printed.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`].
    pub fn run(&mut self, source: &[u8], deadline: Deadline) -> Result<Vec<u8>, Error> {
        let mut stdout = Vec::new();
        self.exec(
            source,
            &mut |bytes| stdout.extend_from_slice(bytes),
            deadline,
        )?;
        Ok(stdout)
    }

    /// Returns the value of a Python expression, as far as its `repr()` is a literal.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`]; [`Error::Literal`] when the value is no literal or does not fit `T`.
    pub fn eval<T: DeserializeOwned>(
        &mut self,
        expression: &str,
        deadline: Deadline,
    ) -> Result<T, Error> {
        let source = format!("print(repr({expression}))");
        let printed = self.run(source.as_bytes(), deadline)?;
        Ok(from_literal(printed.trim_ascii())?)
    }

    /// Interrupts the running program by Ctrl-C, hands on the rest of its output, and reports how it ended: most
    /// often with [`Error::Exception`] holding a `KeyboardInterrupt`.
    ///
    /// For use after [`Error::Cancelled`] or [`Error::Timeout`]: takes the cancel flag down first. A
    /// program that swallows the interrupt gets more of them, as in [`Repl::raw_repl`]. Does nothing when
    /// no program runs.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`]; [`Error::Timeout`] when the program did not stop by the deadline.
    pub fn interrupt(
        &mut self,
        output: &mut dyn FnMut(&[u8]),
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.repl.interrupt(output, deadline)
    }

    /// Starts a program that talks with the host in bytes of its own, and returns as soon as it runs.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`], without those of a running program.
    pub fn converse(
        &mut self,
        source: &[u8],
        deadline: Deadline,
    ) -> Result<Conversation<'_>, Error> {
        self.repl.start(source, deadline)?;
        Ok(Conversation::new(self.repl))
    }

    /// As [`RawRepl::converse`], on a board that takes programs by raw-paste; `None` on others, which get nothing of it. Firmware
    /// without raw-paste has no room for longer programs.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::converse`].
    pub fn converse_by_raw_paste(
        &mut self,
        source: &[u8],
        deadline: Deadline,
    ) -> Result<Option<Conversation<'_>>, Error> {
        self.repl.only_raw_paste = true;
        let started = self.repl.start(source, deadline);
        self.repl.only_raw_paste = false;
        match started {
            Ok(()) => Ok(Some(Conversation::new(self.repl))),
            Err(Error::NoRawPaste) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the conversation with the program that [`RawRepl::converse`] has started, after it was let go of.
    pub fn conversation(&mut self) -> Conversation<'_> {
        Conversation::new(self.repl)
    }

    /// Returns what was learned about the board on this connection.
    pub fn learned(&self) -> &Learned {
        &self.repl.learned
    }

    /// Returns what was learned about the board on this connection, to add to it.
    pub fn learned_mut(&mut self) -> &mut Learned {
        &mut self.repl.learned
    }

    /// Returns whether the board takes programs by raw-paste; `None` before the first program.
    pub fn raw_paste(&self) -> Option<bool> {
        self.repl.sending.raw_paste()
    }

    /// Returns how often the interpreter was seen to start afresh: see [`Repl::soft_resets`].
    pub fn soft_resets(&self) -> u64 {
        self.repl.soft_resets
    }
}
