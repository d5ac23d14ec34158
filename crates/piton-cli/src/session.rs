//! The connection to a board across the commands of a line, with mpremote's rules of when it is made and when the
//! board is soft-reset.

use std::path::PathBuf;
use std::time::Duration;

use piton::deadline::Deadline;
use piton::error::BoardError;
use piton::repl::{Entry, RawRepl};
use piton::selector::BoardSelector;
use piton::virtual_board::VirtualBoard;
use piton::{Board, ConnectOptions};

use crate::error::CommandError;
use crate::interrupt;

/// How long a board may take to give its prompt, and, after a soft reset, to run its boot.py.
pub(crate) const ENTRY_TIME: Duration = Duration::from_secs(10);

/// How long a board may take to answer when we are about to leave it.
const LEAVE_TIME: Duration = Duration::from_secs(3);

/// The connection to a board.
pub(crate) struct Session {
    options: ConnectOptions,
    /// The board to connect to when none was named.
    default_board: BoardSelector,
    board: Option<Board>,
    /// Whether the next entry into the raw REPL soft-resets the board: once for each connection, and not after
    /// `resume`.
    auto_soft_reset: bool,
}

impl Session {
    /// A session with no board.
    pub(crate) fn new(options: ConnectOptions, default_board: BoardSelector) -> Session {
        Session {
            options,
            default_board,
            board: None,
            auto_soft_reset: true,
        }
    }

    /// Connect to the board that `selector` names, leaving the one before.
    pub(crate) fn connect(&mut self, selector: &BoardSelector) -> Result<(), CommandError> {
        self.disconnect()?;
        // From here on Ctrl-C has something to tidy up.
        interrupt::install(&self.options.cancel);
        self.board = Some(Board::connect(selector, &self.options)?);
        Ok(())
    }

    /// Leave the board at its friendly prompt and close the connection. Nothing happens when there is none.
    pub(crate) fn disconnect(&mut self) -> Result<(), CommandError> {
        let Some(mut board) = self.board.take() else {
            // A `resume` before the first connection holds for that one.
            return Ok(());
        };
        self.auto_soft_reset = true;
        // A Ctrl-C ends what was being done, not the tidying up after it.
        let interrupted = self.options.cancel.take();
        // A board that is gone cannot be left tidy, and was complained about when it went.
        let _ = board.friendly(Deadline::after(LEAVE_TIME));
        if interrupted {
            self.options.cancel.cancel();
        }
        Ok(())
    }

    /// Do not soft-reset the board on the next entry into its raw REPL.
    pub(crate) fn resume(&mut self) {
        self.auto_soft_reset = false;
    }

    /// Soft-reset the board now, and not again.
    pub(crate) fn soft_reset(&mut self) -> Result<(), CommandError> {
        self.auto_soft_reset = true;
        self.raw_repl().map(|_| ())
    }

    /// The board's raw REPL, connecting to a board first if there is none.
    pub(crate) fn raw_repl(&mut self) -> Result<RawRepl<'_>, CommandError> {
        let entry = if self.auto_soft_reset {
            Entry::SoftReset
        } else {
            Entry::KeepState
        };
        self.board()?;
        let Session {
            options,
            board: Some(board),
            auto_soft_reset,
            ..
        } = self
        else {
            return Err(no_board());
        };
        // Asked beforehand, because the raw REPL that is given back keeps the board borrowed.
        if options.cancel.is_cancelled() {
            return Err(CommandError::Interrupted);
        }
        if let Err(error) = board.raw_repl(entry, Deadline::after(ENTRY_TIME)) {
            if options.cancel.take() {
                // Half-way into the raw REPL: stop what may run, and leave.
                let leave = board
                    .transport()
                    .write_all(b"\x03\x02", Deadline::after(LEAVE_TIME));
                return Err(leave.map_or(error.into(), |()| CommandError::Interrupted));
            }
            return Err(error.into());
        }
        *auto_soft_reset = false;
        // Free of wire traffic: it is there already.
        Ok(board.raw_repl(Entry::KeepState, Deadline::after(ENTRY_TIME))?)
    }

    /// The board, connecting to one first if there is none.
    pub(crate) fn board(&mut self) -> Result<&mut Board, CommandError> {
        if self.board.is_none() {
            let selector = self.default_board.clone();
            self.connect(&selector)?;
        }
        self.board.as_mut().ok_or_else(no_board)
    }

    /// Start a virtual board, to serve instead of to connect to.
    pub(crate) fn start_virtual(
        &self,
        directory: Option<PathBuf>,
    ) -> Result<VirtualBoard, CommandError> {
        Ok(piton::start_virtual(directory, &self.options)?)
    }
}

fn no_board() -> CommandError {
    BoardError::NoBoard {
        skipped: Vec::new(),
    }
    .into()
}
