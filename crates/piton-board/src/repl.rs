//! The protocol of the REPL: the friendly prompt, the raw REPL, raw-paste.
//!
//! MicroPython's `shared/runtime/pyexec.c` defines the protocol. In the raw REPL the answer to a program is
//! `stdout, 0x04, exception text, 0x04, ">"`.
//!
//! # One exchange
//!
//! Each step is one write and one wait for the expected answer. Slower steps follow only if this answer does not come. A
//! soft reset and one program take four turns:
//!
//! ```text
//! > \x03\x01                            interrupt, go to the raw REPL
//! < \r\n>>> \r\nraw REPL; CTRL-B to exit\r\n>
//! > \x04                                soft reset
//! < OK\r\nMPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>
//! > \x05A\x01                           request of raw-paste
//! < R\x01\x80\x00\x01
//! > print(1+1)\x04
//! < \x042\r\n\x04\x04>
//! ```
//!
//! The first program of a connection waits for the answer to the request of raw-paste. Later programs send request and
//! source together: one turn for each program that fits the board's two windows.
//!
//! # Flow control
//!
//! Raw-paste has a window: the board reports how many bytes it can receive, and sends 0x01 for each window that it has
//! read. Firmware that does not know raw-paste (MicroPython 1.13 and older) has no flow control, and a receive ring of 64
//! bytes. It gets a program of up to 60 bytes unchanged. A longer program is sent in pieces. Each piece is a short program
//! that the board answers, and the board joins them. Length and sum of the bytes show a loss, after which smaller pieces
//! are sent. Firmware that knows raw-paste and refuses it gets 256 bytes every 10 ms, as mpremote sends them.
//!
//! # The state of the board
//!
//! [`Repl`] owns the connection and the known state of the board. [`RawRepl`] exists only while the board is in the raw
//! REPL, and only it can run programs. After an error in an exchange the state is unknown: [`RawRepl::interrupt`] or
//! [`Repl::raw_repl`] restore it.

mod conversation;
mod entry;
mod follow;
pub mod learned;
mod link;
mod output;
mod own;
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

/// Timeout of one step of the protocol (never of a user's program), the same as mpremote's:
/// tools/mpremote/mpremote/transport_serial.py, `timeout_overall=10`.
const STEP: Duration = Duration::from_secs(10);

/// Returns `deadline`, or [`STEP`] from now if there is none.
fn bounded(deadline: Deadline) -> Deadline {
    match deadline.remaining() {
        Some(_) => deadline,
        None => Deadline::after(STEP),
    }
}

/// What happens to the interpreter when the board enters the raw REPL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Keep the board's variables and imported modules.
    KeepState,
    /// Start with a new interpreter: boot.py runs, main.py does not. Files are kept.
    SoftReset,
}

/// The known state of the board.
#[derive(Debug)]
enum State {
    /// Unknown: no exchange has taken place yet, or the board has left the raw REPL.
    Unknown,
    /// An exchange ended with an error: the board may have a part of a program.
    Broken,
    /// The board is at the raw REPL's prompt.
    Raw,
    /// A program runs that was started in the raw REPL.
    Running(Box<Program>),
    /// A program ended by `SystemExit`: the board makes a soft reset and returns to the raw REPL by itself.
    Restarting,
}

/// A connection to a board's REPL.
pub struct Repl {
    link: Link,
    state: State,
    sending: Sending,
    soft_resets: u64,
    /// The number of the last probe, and of the last one whose answer has come.
    probes: u32,
    answered_probes: u32,
    /// Whether the next program must not be sent to a board without raw-paste.
    only_raw_paste: bool,
    /// Whether the line to the board may have bytes that no program has read: see [`Conversation::write_padding`].
    has_padded: bool,
    learned: Learned,
}

impl Repl {
    /// Returns a connection over `transport`. The state of the board is unknown. Sends nothing.
    ///
    /// Every wait ends within 50 ms after `cancel` was raised, with [`Error::Cancelled`].
    pub fn new(transport: Box<dyn Transport>, cancel: Cancel) -> Repl {
        Repl {
            link: Link::new(transport, cancel),
            state: State::Unknown,
            sending: Sending::NotAsked,
            soft_resets: 0,
            probes: 0,
            answered_probes: 0,
            only_raw_paste: false,
            has_padded: false,
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

    /// Returns the number of observed starts of the interpreter on this connection. When the number has changed, the
    /// board's earlier definitions are gone.
    pub fn soft_resets(&self) -> u64 {
        self.soft_resets
    }

    /// Brings the board into the raw REPL from any state.
    ///
    /// Sends nothing if the board is in the raw REPL already and `entry` is [`Entry::KeepState`]. A running program is
    /// interrupted by Ctrl-C: once at first, so that its `finally` blocks can run for 3.5 seconds, then repeatedly with
    /// growing pauses, for programs that catch `KeyboardInterrupt`. The output of the board is dropped meanwhile.
    ///
    /// # Errors
    ///
    /// [`Error::NoRawRepl`] if the board did not enter the raw REPL by the deadline (or within 10 seconds if that is
    /// [`Deadline::NEVER`]), [`Error::Timeout`] if it did not return from the soft reset by then (boot.py may still run);
    /// [`Error::Cancelled`], [`Error::Disconnected`].
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

    /// Returns the conversation with the program that [`RawRepl::converse`] has started; `None` if no program runs.
    pub fn conversation(&mut self) -> Option<Conversation<'_>> {
        matches!(self.state, State::Running(_)).then(|| Conversation::new(self))
    }

    /// Brings the board to the raw REPL's prompt when answers to earlier requests may still come. When this returns, all
    /// of them have come and are dropped.
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
    /// Does nothing if the board is not known to be in the raw REPL. A running program is not stopped: the board enters
    /// the friendly REPL when the program ends. A program that was not sent completely is cancelled.
    ///
    /// # Errors
    ///
    /// [`Error::Disconnected`]; [`Error::Timeout`] if the line does not accept the byte.
    pub fn friendly(&mut self, deadline: Deadline) -> Result<(), Error> {
        let bytes: &[u8] = match self.state {
            State::Unknown => return Ok(()),
            // The Ctrl-C cancels a program that was sent in part.
            State::Broken => b"\x03\x02",
            State::Raw | State::Running(_) => b"\x02",
            State::Restarting => {
                // A board that is restarting loses the Ctrl-B, so it is sent after the soft reset. It is also sent if the
                // board does not report the end of the reset in time.
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

    /// Takes the bytes that were read and not used, so that a terminal can show them.
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
    /// Runs a program, and passes its output to the caller as it arrives.
    ///
    /// `source` is Python. Text output has CR LF line ends, `sys.stdout.buffer` gives raw bytes. A `SystemExit` is not an
    /// error; the board then makes a soft reset, see [`Repl::soft_resets`]. The output of background code (threads,
    /// timers) between programs is dropped.
    ///
    /// # 0x04 in output
    ///
    /// The board does not escape the byte that ends the output. A 0x04 is held back until the next bytes decide: it is
    /// output if neither an exception's text nor the end of the answer follows. Output that looks like the whole end of
    /// an answer (`0x04 0x04 ">"`, or with an exception's text in between), followed by a pause, cannot be distinguished
    /// from an end.
    ///
    /// # Errors
    ///
    /// [`Error::Exception`] if the program raised one. After [`Error::Timeout`] and [`Error::Cancelled`] the program still
    /// runs: [`RawRepl::interrupt`] stops it. [`Error::BoardReset`] and [`Error::Disconnected`] if the board was reset or
    /// the connection was lost; [`Error::UnsendableByte`] before anything is sent; [`Error::NotAtPrompt`] after an earlier
    /// exchange that ended with an error.
    pub fn exec(
        &mut self,
        source: &[u8],
        output: &mut dyn FnMut(&[u8]),
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.repl.start(source, deadline)?;
        self.repl.follow(output, deadline)
    }

    /// As [`RawRepl::exec`], for a program of the host that reads no input: if the line damages its end, a numbered probe
    /// finds out that the board is at its prompt.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`]; [`Error::Unexpected`] if the program has ended and nothing shows how.
    pub fn exec_probed(
        &mut self,
        source: &[u8],
        output: &mut dyn FnMut(&[u8]),
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.repl.start(source, deadline)?;
        self.repl.follow_probed(output, deadline)
    }

    /// As [`RawRepl::exec`], for a program that reads input: the bytes that `reply` returns are written to it at once.
    /// `reply` is called when the program has begun, after each piece of output, and each 50 ms.
    ///
    /// There is no flow control: the program must read its input in time. The raw REPL reads the bytes that the program
    /// leaves unread.
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

    /// Starts a program and returns as soon as the board has received it.
    ///
    /// A connection that is lost at that moment (`machine.reset()`) is not an error.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`], except the errors of a running program.
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

    /// Returns the value of a Python expression whose `repr()` is a literal.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`]; [`Error::Literal`] if the `repr()` is not a literal or the value not a `T`.
    pub fn eval<T: DeserializeOwned>(
        &mut self,
        expression: &str,
        deadline: Deadline,
    ) -> Result<T, Error> {
        let source = format!("print(repr({expression}))");
        let printed = self.run(source.as_bytes(), deadline)?;
        Ok(from_literal(printed.trim_ascii())?)
    }

    /// Interrupts the running program by Ctrl-C, passes on the rest of its output, and returns how it ended: usually
    /// [`Error::Exception`] with a `KeyboardInterrupt`.
    ///
    /// For use after [`Error::Cancelled`] or [`Error::Timeout`]: it clears the cancel flag first. A program that catches
    /// the interrupt is interrupted again, as in [`Repl::raw_repl`]. Does nothing if no program runs.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`]; [`Error::Timeout`] if the program did not stop by the deadline.
    pub fn interrupt(
        &mut self,
        output: &mut dyn FnMut(&[u8]),
        deadline: Deadline,
    ) -> Result<(), Error> {
        self.repl.interrupt(output, deadline)
    }

    /// Starts a program that has its own protocol with the host, and returns as soon as it runs.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`], except the errors of a running program.
    pub fn converse(
        &mut self,
        source: &[u8],
        deadline: Deadline,
    ) -> Result<Conversation<'_>, Error> {
        self.repl.start(source, deadline)?;
        Ok(Conversation::new(self.repl))
    }

    /// As [`RawRepl::converse`], but only on a board with raw-paste. Returns `None` on other boards and sends them no part
    /// of the program: firmware without raw-paste has too little memory for long programs.
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

    /// Returns the conversation with the program that [`RawRepl::converse`] has started, after the first one was dropped.
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

    /// Returns whether the board supports raw-paste; `None` before the first program.
    pub fn raw_paste(&self) -> Option<bool> {
        self.repl.sending.raw_paste()
    }

    /// Records that the line may have bytes which no program has read, and which the prompt may take for programs. They are
    /// dropped before the next program.
    pub fn expect_stray_input(&mut self) {
        self.repl.has_padded = true;
    }

    /// Returns whether the board is known to be at the raw REPL's prompt: no longer after an exchange that has failed.
    pub fn is_at_prompt(&self) -> bool {
        self.repl.is_raw()
    }

    /// Returns the number of observed starts of the interpreter: see [`Repl::soft_resets`].
    pub fn soft_resets(&self) -> u64 {
        self.repl.soft_resets
    }
}
