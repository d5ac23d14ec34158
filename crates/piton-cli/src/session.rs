//! The connection to a board across the commands of a line, with mpremote's rules of when it is made and when the
//! board is soft-reset.

use std::time::Duration;

use piton::deadline::Deadline;
use piton::error::BoardError;
use piton::facts::{BoardFacts, board_facts};
use piton::reopen::Whereabouts;
use piton::repl::{Entry, RawRepl};
use piton::selector::BoardSelector;
use piton::transport::serial::Unread;
use piton::virtual_board::{BoardOptions, VirtualBoard};
use piton::{Board, ConnectOptions};

use crate::error::CommandError;
use crate::{interrupt, password};

/// How long a board may take to give its prompt, and, after a soft reset, to run its boot.py.
pub(crate) const ENTRY_TIME: Duration = Duration::from_secs(10);

/// How long a board may take to answer when we are about to leave it.
const LEAVE_TIME: Duration = Duration::from_secs(3);

/// How long a board may be away when it resets.
const RETURN_TIME: Duration = Duration::from_secs(30);

/// Between two tries to reach a board that is away on the network.
const NETWORK_PAUSE: Duration = Duration::from_millis(250);

/// The same at a port: many boards print only while somebody listens, and what they print first is of interest.
const PORT_PAUSE: Duration = Duration::from_millis(50);

/// How long to wait between two tries to reach a board that is away.
pub(crate) fn retry_pause(whereabouts: &Whereabouts) -> Duration {
    match whereabouts.is_port() {
        true => PORT_PAUSE,
        false => NETWORK_PAUSE,
    }
}

/// The connection to a board.
pub(crate) struct Session {
    options: ConnectOptions,
    /// The board to connect to when none was named.
    default_board: BoardSelector,
    board: Option<Board>,
    /// What the board was connected by.
    selector: Option<BoardSelector>,
    /// Whether the next entry into the raw REPL soft-resets the board: once for each connection, and not after
    /// `resume`.
    auto_soft_reset: bool,
    manner: Manner,
}

/// How a session treats its connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// Each one begins with a reset through the control lines.
    pub(crate) reset_on_connect: bool,
    /// One that is lost is made again, where a person watches.
    pub(crate) reconnects: bool,
}

impl Session {
    /// A session with no board.
    pub(crate) fn new(
        options: ConnectOptions,
        default_board: BoardSelector,
        manner: Manner,
    ) -> Session {
        Session {
            options,
            default_board,
            board: None,
            selector: None,
            auto_soft_reset: true,
            manner,
        }
    }

    /// Connect to the board that `selector` names, leaving the one before.
    pub(crate) fn connect(&mut self, selector: &BoardSelector) -> Result<(), CommandError> {
        self.disconnect()?;
        // From here on Ctrl-C has something to tidy up.
        interrupt::install(&self.options.cancel);
        // Asked for when a WebREPL has answered: nobody types a password for nothing. It is kept for when the board comes
        // back.
        let mut asked = Ok(None);
        let board = Board::connect_asking(selector, &self.options, &mut |address| {
            asked = password::find(address);
            asked.as_ref().ok().cloned().flatten()
        });
        if let Some(password) = asked? {
            self.options.open.password = Some(password);
        }
        let mut board = board?;
        if self.manner.reset_on_connect {
            board.reset_by_lines(self.options.open.lines)?;
        }
        self.board = Some(board);
        self.selector = Some(selector.clone());
        Ok(())
    }

    /// Reset the board through the control lines of its port. It starts afresh, so nothing else has to reset it.
    pub(crate) fn reset_by_lines(&mut self) -> Result<(), CommandError> {
        let lines = self.options.open.lines;
        self.board()?.reset_by_lines(lines)?;
        self.auto_soft_reset = false;
        Ok(())
    }

    /// By what the board is found again if it goes away; `None` for one that ends with its connection.
    fn whereabouts(&self) -> Option<Whereabouts> {
        let board = self.board.as_ref()?;
        Whereabouts::note(self.selector.as_ref()?, board.device_name())
    }

    /// The same, where a lost connection is to be made again.
    pub(crate) fn comeback(&self) -> Option<Whereabouts> {
        self.whereabouts().filter(|_| self.manner.reconnects)
    }

    /// Connect again to the board that went away. Between two tries `go_on` waits a moment, and says whether anybody
    /// still wants the board. A folder that was mounted is to be mounted again, when the board is next at its prompt.
    ///
    /// # Errors
    ///
    /// What became of the last try.
    pub(crate) fn await_return(
        &mut self,
        whereabouts: &Whereabouts,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<(), CommandError> {
        let mount = self.board.as_mut().and_then(Board::leave_mount);
        // What is left of the old connection must be gone before there is a new one.
        self.board = None;
        let mut last = no_board();
        let mut options = self.options.clone();
        options.open.unread = Unread::Keep;
        while go_on() {
            let found = whereabouts.find().map_err(piton::Error::from);
            match found.and_then(|selector| Board::connect(&selector, &options)) {
                Ok(mut board) => {
                    if let Some(mount) = mount {
                        board.take_over_mount(mount);
                    }
                    self.board = Some(board);
                    return Ok(());
                }
                // Asking again would not help.
                Err(error @ piton::Error::Board(BoardError::PasswordRefused { .. })) => {
                    return Err(error.into());
                }
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }

    /// The same for a board that is back soon or never: within [`RETURN_TIME`].
    pub(crate) fn await_quick_return(
        &mut self,
        whereabouts: &Whereabouts,
    ) -> Result<(), CommandError> {
        let cancel = self.options.cancel.clone();
        let deadline = Deadline::after(RETURN_TIME);
        self.await_return(whereabouts, &mut || {
            std::thread::sleep(retry_pause(whereabouts));
            !cancel.is_cancelled() && !deadline.has_passed()
        })
        .map_err(|error| match cancel.is_cancelled() {
            true => CommandError::Interrupted,
            false => error,
        })
    }

    /// Whether a soft reset ends the connection: MicroPython forgets its WebREPL sessions with all else.
    fn is_webrepl(&self) -> bool {
        matches!(self.selector, Some(BoardSelector::WebRepl { .. }))
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
        let _ = board.umount();
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
        self.board()?;
        if self.is_webrepl() {
            return self.soft_reset_webrepl();
        }
        self.auto_soft_reset = true;
        self.raw_repl().map(|_| ())
    }

    /// Soft-reset a board on the network: the reset takes it off, and its boot.py puts it on again.
    fn soft_reset_webrepl(&mut self) -> Result<(), CommandError> {
        self.raw_repl()?;
        let whereabouts = self.whereabouts();
        let board = self.board()?;
        match board.raw_repl(Entry::SoftReset, Deadline::after(ENTRY_TIME)) {
            Ok(_) => Ok(()),
            Err(
                error @ piton::Error::Board(
                    BoardError::Disconnected { .. } | BoardError::Timeout { .. },
                ),
            ) => match whereabouts {
                Some(whereabouts) => self.await_quick_return(&whereabouts),
                None => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The board's raw REPL, connecting to a board first if there is none.
    pub(crate) fn raw_repl(&mut self) -> Result<RawRepl<'_>, CommandError> {
        self.board()?;
        let entry = if self.auto_soft_reset && !self.is_webrepl() {
            Entry::SoftReset
        } else {
            Entry::KeepState
        };
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
        if board.lost_mount() {
            board.remount()?;
        }
        // Free of wire traffic: it is there already.
        Ok(board.raw_repl(Entry::KeepState, Deadline::after(ENTRY_TIME))?)
    }

    /// What kind of board this is.
    pub(crate) fn facts(&mut self) -> Result<BoardFacts, CommandError> {
        let mut raw = self.raw_repl()?;
        Ok(board_facts(&mut raw, Deadline::after(ENTRY_TIME))?)
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
    pub(crate) fn start_virtual(&self, board: BoardOptions) -> Result<VirtualBoard, CommandError> {
        Ok(piton::start_virtual(board, &self.options)?)
    }
}

fn no_board() -> CommandError {
    BoardError::NoBoard {
        skipped: Vec::new(),
    }
    .into()
}
