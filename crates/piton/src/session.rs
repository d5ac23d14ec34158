//! A session with a board: a connection that is kept over resets and restored when it is lost.
//!
//! A [`Session`] owns a [`Board`] and applies these rules:
//!
//! - It connects when the board is first needed.
//! - The first entry into the raw REPL of each connection makes a soft reset, so that a program starts with a new
//!   interpreter. [`Session::resume`] keeps the state; a board behind a WebREPL always keeps it, since a soft reset
//!   ends that connection.
//! - A folder that was mounted is mounted again after a soft reset, and after a lost connection.
//! - A board that was disconnected is found again, also under another name: [`Session::reconnect`].
//! - When the session ends, the board is at its friendly prompt.
//!
//! ```
//! use piton::session::{Session, SessionOptions};
//!
//! let mut session = Session::connect(&"virtual".parse()?, SessionOptions::default())?;
//! session.raw_repl()?.run(b"x = 6", Default::default())?;
//! assert_eq!(session.raw_repl()?.eval::<u32>("x * 7", Default::default())?, 42);
//!
//! // A fresh interpreter, which has forgotten `x`.
//! session.soft_reset()?;
//! assert!(!session.board()?.eval::<bool>("'x' in globals()")?);
//! # Ok::<(), piton::Error>(())
//! ```

pub mod output;
pub mod prompt;
mod returned;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use piton_board::deadline::{Cancel, Deadline};
use piton_board::error::Error as BoardError;
use piton_board::facts::{BoardFacts, board_facts};
use piton_board::reopen::BoardIdentity;
use piton_board::repl::protocol::CTRL_D;
use piton_board::repl::{Entry, RawRepl};
use piton_board::selector::BoardSelector;
use piton_board::transport::serial::Unread;
use piton_board::transport::webrepl::Password;
use piton_fs::remote::RemoteFs;

use crate::board::{Board, ConnectOptions, LeftMount};
use crate::error::Error;
use crate::times::{ENTRY_TIME, FACTS_TIME};

pub use returned::ReturnEvent;

/// Timeout of the board's answer when the session ends.
const LEAVE_TIME: Duration = Duration::from_secs(3);

/// Timeout of [`Session::reconnect_soon`].
const RETURN_TIME: Duration = Duration::from_secs(30);

/// The pause between two attempts to connect to a board on the network.
const NETWORK_PAUSE: Duration = Duration::from_millis(250);

/// The pause between two attempts to open a port. It is short, because many boards lose their output while the port is
/// closed.
const PORT_PAUSE: Duration = Duration::from_millis(50);

/// Asks for the password of the WebREPL at an address. `None` means that there is no password, an error ends the
/// connection.
pub type PasswordPrompt = Arc<dyn Fn(&str) -> Result<Option<Password>, Error> + Send + Sync>;

/// Options of a session. `SessionOptions::default()` does not reset the board when it connects, and reconnects.
#[derive(Clone)]
#[non_exhaustive]
pub struct SessionOptions {
    /// Options of the connection. Its [`ConnectOptions::cancel`] ends the waits of this session only.
    pub connect: ConnectOptions,
    /// Each connection begins with a reset through the control lines of the port.
    pub reset_on_connect: bool,
    /// A lost connection may be made again: see [`Session::identity`].
    pub reconnects: bool,
    /// Asks for the password of a WebREPL that requires one. It is called only when the WebREPL has answered, and the
    /// password is kept for when the board is reached again.
    pub ask_password: Option<PasswordPrompt>,
}

impl Default for SessionOptions {
    fn default() -> SessionOptions {
        SessionOptions {
            connect: ConnectOptions::default(),
            reset_on_connect: false,
            reconnects: true,
            ask_password: None,
        }
    }
}

impl fmt::Debug for SessionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionOptions")
            .field("connect", &self.connect)
            .field("reset_on_connect", &self.reset_on_connect)
            .field("reconnects", &self.reconnects)
            .field("ask_password", &self.ask_password.is_some())
            .finish()
    }
}

/// A session with a board: see the [module](self).
///
/// Dropping it leaves the board at its friendly prompt, as [`Session::disconnect`] does.
pub struct Session {
    options: SessionOptions,
    /// The board to connect to when no other was named.
    default_board: BoardSelector,
    board: Option<Board>,
    /// The selector of the connection; of the previous one if there is none now.
    selector: Option<BoardSelector>,
    /// The identity by which the board is found again when the connection is lost.
    identity: Option<BoardIdentity>,
    /// Whether the next entry into the raw REPL soft-resets the board.
    auto_soft_reset: bool,
    /// What is left of a connection that was lost and could not be made again.
    lost: Option<Lost>,
}

/// A connection that was lost, until the next one.
struct Lost {
    mount: Option<LeftMount>,
}

impl Session {
    /// Returns a session that connects to the board of `default_board` when a board is first needed.
    pub fn new(default_board: BoardSelector, options: SessionOptions) -> Session {
        Session {
            options,
            default_board,
            board: None,
            selector: None,
            identity: None,
            auto_soft_reset: true,
            lost: None,
        }
    }

    /// Connects to the board that `selector` names. Nothing is sent to it yet.
    ///
    /// # Errors
    ///
    /// As for [`Board::connect`]; the error of [`SessionOptions::ask_password`].
    pub fn connect(selector: &BoardSelector, options: SessionOptions) -> Result<Session, Error> {
        let mut session = Session::new(selector.clone(), options);
        session.connect_to(selector)?;
        Ok(session)
    }

    /// Connects to the board that `selector` names, after [`Session::disconnect`] from the previous one.
    ///
    /// # Errors
    ///
    /// As for [`Session::connect`].
    pub fn connect_to(&mut self, selector: &BoardSelector) -> Result<(), Error> {
        self.disconnect();
        let mut asked = Ok(None);
        let ask = self.options.ask_password.clone();
        let connected =
            Board::connect_asking(selector, &self.options.connect, &mut |address| match &ask {
                Some(ask) => {
                    asked = ask(address);
                    asked.as_ref().ok().cloned().flatten()
                }
                None => None,
            });
        if let Some(password) = asked? {
            self.options.connect.open.password = Some(password);
        }
        let mut board = connected?;
        let is_webrepl = matches!(selector, BoardSelector::WebRepl { .. });
        self.identity = match self.options.reconnects || is_webrepl {
            true => BoardIdentity::of(selector, board.device_name()),
            // Listing the ports of Windows takes time.
            false => None,
        };
        if self.options.reset_on_connect {
            board.reset_by_lines(self.options.connect.open.lines)?;
        }
        self.board = Some(board);
        self.selector = Some(selector.clone());
        Ok(())
    }

    /// Leaves the board at its friendly prompt, unmounts a mounted folder, and closes the connection. Does nothing if
    /// there is no connection; a [`Session::resume`] before the first one counts for that one.
    pub fn disconnect(&mut self) {
        self.lost = None;
        let Some(mut board) = self.board.take() else {
            return;
        };
        self.auto_soft_reset = true;
        // A raised flag has ended the current operation. It must not prevent the exchange that leaves the board.
        let interrupted = self.options.connect.cancel.take();
        // The errors of a lost connection were reported before.
        let _ = board.umount();
        let _ = board.friendly(Deadline::after(LEAVE_TIME));
        if interrupted {
            self.options.connect.cancel.cancel();
        }
    }

    /// Returns the board, and connects to it first if there is no connection. After a connection that was lost it is the
    /// same board, with its mount.
    ///
    /// # Errors
    ///
    /// As for [`Session::connect`].
    pub fn board(&mut self) -> Result<&mut Board, Error> {
        if self.board.is_none() {
            self.connect_again()?;
        }
        self.board.as_mut().ok_or_else(no_board)
    }

    fn connect_again(&mut self) -> Result<(), Error> {
        // A board that was unplugged and did not come back: the default board may be another one by now, and must not get
        // what was meant for the lost one.
        let selector = match &self.selector {
            Some(selector) if self.lost.is_some() => selector.clone(),
            _ => self.default_board.clone(),
        };
        let lost = self.lost.take();
        match self.connect_to(&selector) {
            Err(error) => {
                self.lost = lost;
                Err(error)
            }
            Ok(()) => {
                let mount = lost.and_then(|lost| lost.mount);
                if let (Some(board), Some(mount)) = (&mut self.board, mount) {
                    board.take_over_mount(mount);
                }
                Ok(())
            }
        }
    }

    /// Returns the selector of the connection, or of the previous one if there is none now.
    pub fn selector(&self) -> Option<&BoardSelector> {
        self.selector.as_ref()
    }

    /// Returns whether there is a board: nothing is tried.
    pub fn is_connected(&self) -> bool {
        self.board.is_some()
    }

    /// Returns the flag that ends the waits of this session.
    pub fn cancel(&self) -> &Cancel {
        &self.options.connect.cancel
    }

    /// Returns the options of the connection.
    pub fn connect_options(&self) -> &ConnectOptions {
        &self.options.connect
    }

    /// Keeps the state of the board: the next entry into its raw REPL does not soft-reset it.
    pub fn resume(&mut self) {
        self.auto_soft_reset = false;
    }

    /// Brings the board into its raw REPL, by the rules of the [module](self): connected, soft-reset once, with a lost
    /// mount mounted again.
    ///
    /// # Errors
    ///
    /// As for [`Session::connect`], [`Board::raw_repl`] and [`Board::remount`]. After [`BoardError::Cancelled`] the
    /// board was interrupted and is on its way to its friendly prompt.
    pub fn raw_repl(&mut self) -> Result<RawRepl<'_>, Error> {
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
        let cancel = &options.connect.cancel;
        // This is done here, because the returned raw REPL borrows the board.
        if cancel.is_cancelled() {
            return Err(BoardError::Cancelled.into());
        }
        if let Err(error) = board.raw_repl(entry, Deadline::after(ENTRY_TIME)) {
            if cancel.take() {
                // The board may still run a program, so it is interrupted and left.
                board.friendly(Deadline::after(LEAVE_TIME))?;
                return Err(BoardError::Cancelled.into());
            }
            return Err(error);
        }
        *auto_soft_reset = false;
        if board.lost_mount() {
            board.remount()?;
        }
        // The board is there already: this sends nothing.
        board.raw_repl(Entry::KeepState, Deadline::after(ENTRY_TIME))
    }

    /// Calls `work` with the files of the board.
    ///
    /// ```
    /// use piton::fs::listing::Sizes;
    /// use piton::session::{Session, SessionOptions};
    ///
    /// let mut session = Session::connect(&"virtual".parse()?, SessionOptions::default())?;
    /// session.board()?.run(b"open('hello.txt', 'w').close()")?;
    /// let root = "/".parse().expect("a path");
    /// let entries = session.with_fs(|fs| fs.list(&root, Sizes::AsListed, Default::default()))?;
    /// assert!(entries.iter().any(|entry| entry.name == "hello.txt"));
    /// # Ok::<(), piton::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Session::raw_repl`]; the error of `work`.
    pub fn with_fs<T, E: Into<Error>>(
        &mut self,
        work: impl FnOnce(&mut RemoteFs<'_, '_>) -> Result<T, E>,
    ) -> Result<T, Error> {
        let mut raw_repl = self.raw_repl()?;
        work(&mut RemoteFs::new(&mut raw_repl)).map_err(Into::into)
    }

    /// Returns the facts of the board, such as its firmware and its functions.
    ///
    /// # Errors
    ///
    /// As for [`Session::raw_repl`] and [`board_facts`].
    pub fn facts(&mut self) -> Result<BoardFacts, Error> {
        let mut raw_repl = self.raw_repl()?;
        Ok(board_facts(&mut raw_repl, Deadline::after(FACTS_TIME))?)
    }

    /// Brings the board to its friendly prompt, without waiting for it. The connection stays.
    ///
    /// # Errors
    ///
    /// As for [`Session::connect`] and [`Board::friendly`].
    pub fn friendly(&mut self) -> Result<(), Error> {
        self.board()?.friendly(Deadline::after(ENTRY_TIME))
    }

    /// Resets the board through the control lines of its port. The next entry into the raw REPL makes no soft reset.
    ///
    /// # Errors
    ///
    /// As for [`Board::reset_by_lines`].
    pub fn reset_by_lines(&mut self) -> Result<(), Error> {
        let lines = self.options.connect.open.lines;
        self.board()?.reset_by_lines(lines)?;
        self.auto_soft_reset = false;
        Ok(())
    }

    /// Soft-resets the board now: boot.py runs, main.py does not. The next entry into the raw REPL does not do it
    /// again.
    ///
    /// # Errors
    ///
    /// As for [`Session::raw_repl`] and, for a WebREPL, [`Session::reconnect_soon`].
    pub fn soft_reset(&mut self) -> Result<(), Error> {
        self.board()?;
        if self.is_webrepl() {
            return self.soft_reset_webrepl();
        }
        self.auto_soft_reset = true;
        self.raw_repl().map(|_| ())
    }

    /// Makes a soft reset as by Ctrl-D at the prompt: boot.py and main.py run. Their output can be read afterwards.
    ///
    /// # Errors
    ///
    /// As for [`Board::friendly`].
    pub fn start_main(&mut self) -> Result<(), Error> {
        let board = self.board()?;
        board.friendly(Deadline::after(LEAVE_TIME))?;
        board.type_keys(&[CTRL_D], Deadline::after(LEAVE_TIME))
    }

    /// Makes a soft reset of a board behind a WebREPL. MicroPython drops its WebREPL connections at a soft reset, and
    /// boot.py makes the board reachable again.
    fn soft_reset_webrepl(&mut self) -> Result<(), Error> {
        self.raw_repl()?;
        let can_return = self.identity.is_some();
        let board = self.board()?;
        match board.raw_repl(Entry::SoftReset, Deadline::after(ENTRY_TIME)) {
            Ok(_) => Ok(()),
            // Disconnected: the board has closed the connection. Timeout: it has dropped the connection without closing
            // it.
            Err(Error::Board(BoardError::Disconnected { .. } | BoardError::Timeout { .. }))
                if can_return =>
            {
                self.reconnect_soon()
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the identity by which the board is found again when the connection is lost. `None` if this session does
    /// not reconnect, and for a board that ends with its connection: a process, the virtual board.
    pub fn identity(&self) -> Option<&BoardIdentity> {
        let identity = self.identity.as_ref();
        identity.filter(|_| self.options.reconnects)
    }

    /// Connects again to a board whose connection was lost, with repeated attempts. Before each attempt it calls `wait`
    /// with the pause for this kind of board: `wait` sleeps for about this time, and returns whether to try again.
    ///
    /// A folder that was mounted is mounted again at the next [`Session::raw_repl`].
    ///
    /// # Errors
    ///
    /// The error of the last attempt. [`BoardError::NoBoard`] if the board has no identity.
    pub fn reconnect(&mut self, wait: &mut dyn FnMut(Duration) -> bool) -> Result<(), Error> {
        let identity = self.identity.clone().ok_or_else(no_board)?;
        let pause = match identity.is_port() {
            true => PORT_PAUSE,
            false => NETWORK_PAUSE,
        };
        let mount = match &mut self.board {
            Some(board) => board.leave_mount(),
            None => self.lost.take().and_then(|lost| lost.mount),
        };
        self.lost = Some(Lost { mount });
        // The old connection is closed first, because a port can be opened only once.
        self.board = None;
        let mut last = no_board();
        let mut options = self.options.connect.clone();
        // The board may have printed output while it started, which is kept.
        options.open.unread = Unread::Keep;
        while wait(pause) {
            let selector = identity.find().map_err(Error::from);
            match selector.and_then(|selector| Board::connect(&selector, &options)) {
                Ok(mut board) => {
                    if let Some(mount) = self.lost.take().and_then(|lost| lost.mount) {
                        board.take_over_mount(mount);
                    }
                    self.board = Some(board);
                    return Ok(());
                }
                // Another attempt with the same password would be refused again.
                Err(error @ Error::Board(BoardError::PasswordRefused { .. })) => return Err(error),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Connects again to a board that is resetting, within 30 seconds.
    ///
    /// # Errors
    ///
    /// As for [`Session::reconnect`]; [`BoardError::Cancelled`].
    pub fn reconnect_soon(&mut self) -> Result<(), Error> {
        let cancel = self.options.connect.cancel.clone();
        let deadline = Deadline::after(RETURN_TIME);
        let reconnected = self.reconnect(&mut |pause| {
            std::thread::sleep(pause);
            !cancel.is_cancelled() && !deadline.has_passed()
        });
        reconnected.map_err(|error| match cancel.is_cancelled() {
            true => BoardError::Cancelled.into(),
            false => error,
        })
    }

    /// Returns whether the board is behind a WebREPL, whose connection a soft reset ends.
    fn is_webrepl(&self) -> bool {
        matches!(self.selector, Some(BoardSelector::WebRepl { .. }))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.disconnect();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("options", &self.options)
            .field("selector", &self.selector)
            .field("is_connected", &self.board.is_some())
            .field("auto_soft_reset", &self.auto_soft_reset)
            .finish()
    }
}

fn no_board() -> Error {
    BoardError::NoBoard {
        skipped: Vec::new(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Returns a server that accepts connections, and the selector for it.
    fn server() -> (TcpListener, BoardSelector) {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let selector = format!("socket://{}", server.local_addr().unwrap());
        server.set_nonblocking(true).unwrap();
        (server, selector.parse().unwrap())
    }

    #[test]
    fn after_a_lost_connection_no_other_board_takes_the_place_of_the_lost_one() {
        let (other, default) = server();
        let (lost, selector) = server();
        let mut session = Session::new(default.clone(), SessionOptions::default());
        session.connect_to(&selector).unwrap();
        assert!(lost.accept().is_ok());
        drop(lost);
        let mut is_first = true;
        let given_up = session.reconnect(&mut |_| std::mem::take(&mut is_first));
        assert!(given_up.is_err() && !session.is_connected());
        assert!(session.board().is_err());
        assert!(
            other.accept().is_err(),
            "nobody connects to the default board"
        );
        // It is back.
        let again = TcpListener::bind(selector.to_string().trim_start_matches("socket://"));
        if let Ok(again) = again {
            assert!(session.board().is_ok());
            assert!(again.accept().is_ok());
            assert_eq!(session.selector(), Some(&selector));
        }
        // After a deliberate end the default board is meant again.
        session.disconnect();
        session.board().unwrap();
        assert_eq!(session.selector(), Some(&default));
    }

    #[test]
    fn a_connection_that_comes_back_is_the_same_session() {
        let (server, selector) = server();
        let mut session = Session::connect(&selector, SessionOptions::default()).unwrap();
        assert!(
            session
                .identity()
                .is_some_and(|identity| !identity.is_port())
        );
        session.resume();
        let mut pauses = Vec::new();
        session
            .reconnect(&mut |pause| {
                pauses.push(pause);
                true
            })
            .unwrap();
        assert_eq!(pauses, [NETWORK_PAUSE]);
        assert!(session.is_connected() && session.lost.is_none());
        assert!(
            !session.auto_soft_reset,
            "the state of the board is still to be kept"
        );
        assert!(server.accept().is_ok() && server.accept().is_ok());
    }

    #[test]
    fn a_session_without_an_identity_does_not_reconnect() {
        let mut session = Session::new(BoardSelector::Auto, SessionOptions::default());
        let error = session
            .reconnect(&mut |_| panic!("nothing is tried"))
            .unwrap_err();
        assert!(matches!(error, Error::Board(BoardError::NoBoard { .. })));
        let (_server, selector) = server();
        let options = SessionOptions {
            reconnects: false,
            ..SessionOptions::default()
        };
        let session = Session::connect(&selector, options).unwrap();
        assert!(session.identity().is_none());
    }

    #[test]
    fn a_raised_flag_ends_a_session_before_it_sends_anything() {
        let (server, selector) = server();
        let options = SessionOptions::default();
        let cancel = options.connect.cancel.clone();
        let mut session = Session::connect(&selector, options).unwrap();
        cancel.cancel();
        let error = session.raw_repl().err().unwrap();
        assert!(
            matches!(error, Error::Board(BoardError::Cancelled)),
            "{error}"
        );
        let (stream, _) = server.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let mut byte = [0];
        let read = std::io::Read::read(&mut &stream, &mut byte);
        assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
        let error = session.reconnect_soon().unwrap_err();
        assert!(
            matches!(error, Error::Board(BoardError::Cancelled)),
            "{error}"
        );
        cancel.take();
    }
}
