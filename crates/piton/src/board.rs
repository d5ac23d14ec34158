//! A connection to a board, by any selector.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use piton_board::deadline::{Cancel, Deadline};
use piton_board::error::Error as BoardError;
use piton_board::facts::{BoardFacts, board_facts};
use piton_board::open::{self, OpenOptions};
use piton_board::repl::{Entry, RawRepl, Repl};
use piton_board::selector::BoardSelector;
use piton_board::transport::side_channel::{SideChannel, Slot};
use piton_board::transport::webrepl::Password;
use piton_board::transport::{LineStates, Transport};
use piton_board::wire_log::{WireEvent, WireLog};
use piton_compiler::{Optimisation, Options};
use piton_fs::mount::{self as server, MountOptions, Mounted};
use piton_fs::transfer::{forget_programs, keeps_programs, use_bytecode};
use serde::de::DeserializeOwned;
use virtual_board::{BoardOptions, Flash, Line, VirtualBoard};

use crate::compile::compile_cached;
use crate::error::Error;
use crate::events;
use crate::interpreter;
use crate::mount;
use crate::times::ENTRY_TIME;
use crate::vm;

/// Receives the [`ConnectEvent`]s of a new connection.
pub type Reporter = Arc<dyn Fn(&ConnectEvent) + Send + Sync>;

/// Receives each read and write on the wire.
pub type WireLogger = Arc<dyn Fn(WireEvent<'_>) + Send + Sync>;

/// Progress of making a connection.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectEvent {
    /// The connection is being opened.
    Connecting {
        /// The selector of the board.
        #[serde(serialize_with = "events::text")]
        selector: BoardSelector,
    },
    /// Progress of finding the VM file of the virtual board.
    #[serde(untagged)]
    Vm(vm::VmEvent),
}

impl fmt::Display for ConnectEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectEvent::Connecting { selector } => write!(f, "connecting to `{selector}`"),
            ConnectEvent::Vm(vm::VmEvent::Fetching { from, to }) => {
                write!(
                    f,
                    "fetching the VM file, once, from {from} into `{}`",
                    to.display()
                )
            }
        }
    }
}

/// Options of a connection. `ConnectOptions::default()` suits most callers.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// Ends every wait when it is raised.
    pub cancel: Cancel,
    /// Options of the transport, such as the baud rate.
    pub open: OpenOptions,
    /// The VM file of the virtual board. Without it [`vm::locate`] finds the file.
    pub vm: Option<PathBuf>,
    /// Receives the progress of slow steps.
    pub report: Option<Reporter>,
    /// Receives each read and write.
    pub wire_log: Option<WireLogger>,
}

impl ConnectOptions {
    /// Returns the receiver of the events of finding a VM file.
    pub(crate) fn vm_reporter(&self) -> impl FnMut(vm::VmEvent) + '_ {
        |event| {
            if let Some(report) = &self.report {
                report(&ConnectEvent::Vm(event));
            }
        }
    }
}

impl fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("cancel", &self.cancel)
            .field("open", &self.open)
            .field("vm", &self.vm)
            .field("report", &self.report.is_some())
            .field("wire_log", &self.wire_log.is_some())
            .finish()
    }
}

/// A folder that the board has mounted. A soft reset ends the mount.
struct Mount {
    folder: PathBuf,
    options: MountOptions,
    /// The value of [`Repl::soft_resets`] when the folder was mounted.
    soft_resets: u64,
}

/// A mount of a connection that was lost: see [`Board::leave_mount`].
pub struct LeftMount(Mount);

/// A board and the connection to it.
///
/// Dropping it closes the connection and does not change the state of the board; use [`Board::friendly`] to leave the
/// board at its prompt. A virtual board ends with it.
pub struct Board {
    // Dropped before the virtual board, so that the line is closed before its other end.
    repl: Repl,
    /// The slot of the line for the service of a mount.
    slot: Slot,
    mount: Option<Mount>,
    device_name: String,
    _virtual_board: Option<VirtualBoard>,
}

impl Board {
    /// Connects to the board that `selector` names. Nothing is sent to it yet.
    ///
    /// # Errors
    ///
    /// [`Error::Board`] if the connection cannot be opened; [`Error::VmFile`] and [`Error::Vm`] if the virtual board
    /// cannot be started.
    pub fn connect(selector: &BoardSelector, options: &ConnectOptions) -> Result<Board, Error> {
        Board::connect_asking(selector, options, &mut |_| None)
    }

    /// As [`Board::connect`]. `ask` is called with the address of a WebREPL if it requires a password and `options`
    /// have none.
    ///
    /// # Errors
    ///
    /// As for [`Board::connect`].
    pub fn connect_asking(
        selector: &BoardSelector,
        options: &ConnectOptions,
        ask: &mut dyn FnMut(&str) -> Option<Password>,
    ) -> Result<Board, Error> {
        if let Some(report) = &options.report {
            report(&ConnectEvent::Connecting {
                selector: selector.clone(),
            });
        }
        let (transport, device_name, virtual_board) = match selector {
            BoardSelector::Virtual { directory } => {
                let flash = directory.clone().map(Flash::Directory);
                let default = BoardOptions::default();
                let board = BoardOptions {
                    flash: flash.unwrap_or(default.flash),
                    ..default
                };
                let board = start_virtual(board, options)?;
                let line = board.open().map_err(|source| BoardError::Open {
                    address: selector.to_string(),
                    source,
                })?;
                let transport: Box<dyn Transport> = Box::new(VirtualLine(line));
                (transport, selector.to_string(), Some(board))
            }
            _ => {
                let (transport, device_name) = open::open_asking(selector, &options.open, ask)?;
                (transport, device_name, None)
            }
        };
        Ok(Board::over(transport, device_name, virtual_board, options))
    }

    /// Opens the line to a virtual board of the caller, as `device_name`. Nothing is sent to it yet.
    ///
    /// # Errors
    ///
    /// [`Error::Board`] if the virtual board has ended, or another line to it is open.
    pub fn open_virtual(
        board: &VirtualBoard,
        device_name: &str,
        options: &ConnectOptions,
    ) -> Result<Board, Error> {
        let line = board.open().map_err(|source| BoardError::Open {
            address: device_name.to_owned(),
            source,
        })?;
        let transport = Box::new(VirtualLine(line));
        Ok(Board::over(
            transport,
            device_name.to_owned(),
            None,
            options,
        ))
    }

    fn over(
        transport: Box<dyn Transport>,
        device_name: String,
        virtual_board: Option<VirtualBoard>,
        options: &ConnectOptions,
    ) -> Board {
        let transport = match &options.wire_log {
            None => transport,
            Some(log) => {
                let log = Arc::clone(log);
                Box::new(WireLog::new(transport, move |event: WireEvent<'_>| {
                    log(event)
                }))
            }
        };
        let slot = Slot::default();
        let transport = Box::new(SideChannel::new(transport, slot.clone()));
        let mut repl = Repl::new(transport, options.cancel.clone());
        use_bytecode(&mut repl, bytecode);
        Board {
            repl,
            slot,
            mount: None,
            device_name,
            _virtual_board: virtual_board,
        }
    }

    /// Returns the name of the board: the path of its port, or the selector's text.
    pub fn device_name(&self) -> &str {
        &self.device_name
    }

    /// Returns the REPL of the board, for operations that this type does not have.
    pub fn repl(&mut self) -> &mut Repl {
        &mut self.repl
    }

    /// Returns the transport, for a terminal: it moves the bytes to and from the board unchanged.
    pub fn transport(&self) -> &dyn Transport {
        self.repl.transport()
    }

    /// Waits for output of the board, for at most `patience`, and reads it into `buffer`. Returns the part of `buffer`
    /// that was read, which is empty if the board was silent. For output of the board outside of the raw REPL.
    ///
    /// # Errors
    ///
    /// [`BoardError::Disconnected`].
    pub fn read_output<'b>(
        &self,
        buffer: &'b mut [u8],
        patience: Duration,
    ) -> Result<&'b [u8], Error> {
        match self.transport().read(buffer, Deadline::after(patience)) {
            Ok(count) => Ok(buffer.get(..count).unwrap_or_default()),
            Err(error) if is_silence(&error) => Ok(&[]),
            Err(source) => Err(BoardError::Disconnected {
                waiting_for: "output of the board",
                source,
            }
            .into()),
        }
    }

    /// Sends keys to the board, as a terminal does. There is no flow control.
    ///
    /// # Errors
    ///
    /// [`BoardError::Timeout`] if the line does not accept them by `deadline`; [`BoardError::Disconnected`].
    pub fn type_keys(&self, keys: &[u8], deadline: Deadline) -> Result<(), Error> {
        let waiting_for = "the line to accept the typed keys";
        let written = self.transport().write_all(keys, deadline);
        Ok(written.map_err(|source| match is_silence(&source) {
            true => BoardError::Timeout {
                waiting_for,
                received: Vec::new(),
            },
            false => BoardError::Disconnected {
                waiting_for,
                source,
            },
        })?)
    }

    /// Resets the board through the control lines of its serial port. This works for boards whose RTS is wired to
    /// reset, such as ESP boards. Other boards are not affected. The known state of the board is dropped.
    ///
    /// # Errors
    ///
    /// [`BoardError::NoControlLines`] if the connection has no serial port; [`BoardError::Disconnected`].
    pub fn reset_by_lines(&mut self, lines: LineStates) -> Result<(), Error> {
        let Some(control) = self.repl.transport().control_lines() else {
            let address = self.device_name.clone();
            return Err(BoardError::NoControlLines { address }.into());
        };
        lines
            .pulse_reset(control)
            .map_err(|source| BoardError::Disconnected {
                waiting_for: "the reset through the control lines",
                source,
            })?;
        self.repl.forget();
        Ok(())
    }

    /// Brings the board into the raw REPL: see [`Repl::raw_repl`].
    ///
    /// # Errors
    ///
    /// As for [`Repl::raw_repl`].
    pub fn raw_repl(&mut self, entry: Entry, deadline: Deadline) -> Result<RawRepl<'_>, Error> {
        Ok(self.repl.raw_repl(entry, deadline)?)
    }

    /// Brings the board to its friendly prompt: see [`Repl::friendly`].
    ///
    /// # Errors
    ///
    /// As for [`Repl::friendly`].
    pub fn friendly(&mut self, deadline: Deadline) -> Result<(), Error> {
        if self.repl.is_raw() && keeps_programs(&self.repl) {
            let mut raw = self.repl.raw_repl(Entry::KeepState, deadline)?;
            // An error is ignored: the prompt is more important than the kept programs.
            let _ = forget_programs(&mut raw, deadline);
        }
        Ok(self.repl.friendly(deadline)?)
    }

    /// Runs a program, without a time limit, and passes its output to `output` as it arrives.
    ///
    /// The board keeps its variables. [`ConnectOptions::cancel`] ends the wait, and [`Board::interrupt`] then ends the
    /// program.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`].
    pub fn exec(&mut self, source: &[u8], output: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        let mut raw = self.keep_state()?;
        Ok(raw.exec(source, output, Deadline::NEVER)?)
    }

    /// Interrupts the program that still runs after [`Board::exec`], and passes on the rest of its output: see
    /// [`RawRepl::interrupt`].
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::interrupt`].
    pub fn interrupt(&mut self, output: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        Ok(self.repl.interrupt(output, Deadline::after(ENTRY_TIME))?)
    }

    /// Runs a program, without a time limit, and returns what it printed.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::run`].
    pub fn run(&mut self, source: &[u8]) -> Result<Vec<u8>, Error> {
        let mut raw = self.keep_state()?;
        Ok(raw.run(source, Deadline::NEVER)?)
    }

    /// Evaluates a Python expression, without a time limit, and returns its value.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::eval`].
    pub fn eval<T: DeserializeOwned>(&mut self, expression: &str) -> Result<T, Error> {
        let mut raw = self.keep_state()?;
        Ok(raw.eval(expression, Deadline::NEVER)?)
    }

    /// Returns the facts of the board, such as its firmware and its functions.
    ///
    /// # Errors
    ///
    /// As for [`board_facts`].
    pub fn facts(&mut self) -> Result<BoardFacts, Error> {
        let mut raw = self.keep_state()?;
        Ok(board_facts(&mut raw, Deadline::after(ENTRY_TIME))?)
    }

    /// Mounts a folder of this computer on the board as [`mount::MOUNT_POINT`], and makes it the board's current
    /// folder.
    ///
    /// The folder is served whenever the line is read: while a program is followed, and through [`Board::transport`].
    /// One folder can be mounted at a time; a new mount replaces the old one.
    ///
    /// # Errors
    ///
    /// [`Error::Mount`] if the folder cannot be read, or the firmware lacks a function.
    pub fn mount(&mut self, folder: &Path, settings: &mount::Settings) -> Result<Mounted, Error> {
        if self.mount.is_some() {
            self.umount()?;
        }
        let mount = Mount {
            folder: folder.to_owned(),
            options: mount::options(settings),
            soft_resets: 0,
        };
        self.put_mount(mount)
    }

    /// Mounts the folder again after a soft reset has ended the mount. Does nothing if no folder was mounted.
    ///
    /// # Errors
    ///
    /// As for [`Board::mount`]. Then no folder is mounted any more.
    pub fn remount(&mut self) -> Result<Option<Mounted>, Error> {
        match self.mount.take() {
            Some(mount) => self.put_mount(mount).map(Some),
            None => Ok(None),
        }
    }

    fn put_mount(&mut self, mut mount: Mount) -> Result<Mounted, Error> {
        let slot = self.slot.clone();
        let mut raw = self.keep_state()?;
        let deadline = Deadline::after(ENTRY_TIME);
        let mounted = server::mount(&mut raw, &slot, &mount.folder, &mount.options, deadline)?;
        mount.soft_resets = raw.soft_resets();
        self.mount = Some(mount);
        Ok(mounted)
    }

    /// Returns the mounted folder, as the caller named it.
    pub fn mounted(&self) -> Option<&Path> {
        self.mount.as_ref().map(|mount| mount.folder.as_path())
    }

    /// Returns whether the interpreter has restarted since the folder was mounted. Then [`Board::remount`] is needed.
    pub fn lost_mount(&self) -> bool {
        self.mount
            .as_ref()
            .is_some_and(|mount| mount.soft_resets != self.repl.soft_resets())
    }

    /// Records that the interpreter has restarted, if only the output showed it: [`Board::lost_mount`] is true from now
    /// on.
    pub fn note_lost_mount(&mut self) {
        if let Some(mount) = &mut self.mount {
            mount.soft_resets = u64::MAX;
        }
    }

    /// Returns the mount of a lost connection, for [`Board::take_over_mount`] of the next connection to the same board.
    pub fn leave_mount(&mut self) -> Option<LeftMount> {
        self.slot.detach();
        self.mount.take().map(LeftMount)
    }

    /// Takes over the mount of the previous connection. The board does not have it any more: [`Board::remount`] is
    /// needed.
    pub fn take_over_mount(&mut self, left: LeftMount) {
        self.mount = Some(left.0);
        self.note_lost_mount();
    }

    /// Unmounts the folder. Does nothing if no folder is mounted.
    ///
    /// # Errors
    ///
    /// The board's error. The folder is not served any more in any case.
    pub fn umount(&mut self) -> Result<(), Error> {
        if self.mount.is_none() {
            return Ok(());
        }
        let forgotten = self.lost_mount();
        self.mount = None;
        if forgotten {
            self.slot.detach();
            return Ok(());
        }
        let slot = self.slot.clone();
        let done = self.keep_state().and_then(|mut raw| {
            let deadline = Deadline::after(ENTRY_TIME);
            Ok(server::umount(&mut raw, &slot, deadline)?)
        });
        slot.detach();
        done
    }

    fn keep_state(&mut self) -> Result<RawRepl<'_>, Error> {
        self.raw_repl(Entry::KeepState, Deadline::after(ENTRY_TIME))
    }
}

/// Returns whether a transport's error is a timeout.
fn is_silence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

/// Compiles a program of this library without line numbers: see [`use_bytecode`].
fn bytecode(source: &str) -> Option<Vec<u8>> {
    let options = Options {
        optimisation: Optimisation::NoLines,
        ..Options::new("piton")
    };
    // Without the cache, because compiling such a program is faster than opening a file.
    let compiled = compile_cached(source.as_bytes(), &options, None).ok()?;
    Some(compiled.mpy)
}

/// Starts a virtual board with the properties in `board`.
///
/// # Errors
///
/// [`Error::VmFile`] if there is no VM file, [`Error::Vm`] if it does not run or the folder of the board cannot be
/// used.
pub fn start_virtual(board: BoardOptions, options: &ConnectOptions) -> Result<VirtualBoard, Error> {
    let image = interpreter::image(None, options)?;
    Ok(VirtualBoard::start(&image, board)?)
}

/// The line to a virtual board, as a transport.
struct VirtualLine(Line);

impl Transport for VirtualLine {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        self.0.read(buf, deadline.remaining())
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        self.0.write_all(bytes, deadline.remaining())
    }
}
