//! A connection to a board, by whatever way there is.

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
use crate::mount;
use crate::times::ENTRY_TIME;
use crate::vm;

/// Hears the [`ConnectEvent`]s of a connection that is made.
pub type Reporter = Arc<dyn Fn(&ConnectEvent) + Send + Sync>;

/// Hears each read and write on the wire.
pub type WireLogger = Arc<dyn Fn(WireEvent<'_>) + Send + Sync>;

/// Progress of a connection that is made.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectEvent {
    /// The way to the board is opened now.
    Connecting {
        /// The selector of the board.
        #[serde(serialize_with = "events::text")]
        selector: BoardSelector,
    },
    /// The VM file of the virtual board is looked for.
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

/// How to connect to a board. `ConnectOptions::default()` will do.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ConnectOptions {
    /// Ends every wait when it is raised.
    pub cancel: Cancel,
    /// Baud rate and the like of the way to the board.
    pub open: OpenOptions,
    /// The VM file of the virtual board, instead of where [`vm::locate`] looks by itself.
    pub vm: Option<PathBuf>,
    /// Hears what takes time.
    pub report: Option<Reporter>,
    /// Hears each read and write.
    pub wire_log: Option<WireLogger>,
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

/// A folder that the board has mounted, as long as it is not soft-reset.
struct Mount {
    folder: PathBuf,
    options: MountOptions,
    /// [`Repl::soft_resets`] when it was mounted.
    soft_resets: u64,
}

/// A mount of a connection that was lost: see [`Board::leave_mount`].
pub struct LeftMount(Mount);

/// A board and the connection to it.
///
/// Dropping it closes the connection and leaves the board as it is; [`Board::friendly`] gives it back its prompt
/// first. A virtual board ends with it.
pub struct Board {
    // Before the board: the line is closed before its other end goes.
    repl: Repl,
    /// Where the host's end of a mount sits.
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
    /// [`Error::Board`] when the way to the board cannot be opened; [`Error::VmFile`] and [`Error::Vm`] when a
    /// virtual board cannot be had.
    pub fn connect(selector: &BoardSelector, options: &ConnectOptions) -> Result<Board, Error> {
        Board::connect_asking(selector, options, &mut |_| None)
    }

    /// As [`Board::connect`]; `ask` is called with the address of a WebREPL that wants a password which `options` do not
    /// have.
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

    /// Opens the line to a virtual board that the caller holds, as `device_name`. Nothing is sent to it yet.
    ///
    /// # Errors
    ///
    /// [`Error::Board`] when the board has vanished, or another line to it is open.
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

    /// Returns the REPL of the board, for what this type has no short form of.
    pub fn repl(&mut self) -> &mut Repl {
        &mut self.repl
    }

    /// Returns the transport, for a terminal: it moves the bytes to and from the board unchanged.
    pub fn transport(&self) -> &dyn Transport {
        self.repl.transport()
    }

    /// Waits for output of the board, for at most `patience`, and reads it into `buffer`. Returns the part of `buffer` that was
    /// read; it is empty when the board was silent. For what a board prints by itself, outside of the raw REPL.
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
                waiting_for: "what the board prints",
                source,
            }
            .into()),
        }
    }

    /// Sends keys to the board as a person at its prompt types them. There is no flow control.
    ///
    /// # Errors
    ///
    /// [`BoardError::Timeout`] when the board does not take them by `deadline`; [`BoardError::Disconnected`].
    pub fn type_keys(&self, keys: &[u8], deadline: Deadline) -> Result<(), Error> {
        let waiting_for = "the board to take what was typed";
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

    /// Resets the board through the control lines of its serial port, where it is wired so: RTS to reset, as ESP boards
    /// have it. Others take no notice. What the board was doing is forgotten.
    ///
    /// # Errors
    ///
    /// [`BoardError::NoControlLines`] when there is no serial port on the way; [`BoardError::Disconnected`].
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
    /// When the board does not answer by `deadline`, or went away.
    pub fn raw_repl(&mut self, entry: Entry, deadline: Deadline) -> Result<RawRepl<'_>, Error> {
        Ok(self.repl.raw_repl(entry, deadline)?)
    }

    /// Gives the board back its friendly prompt: see [`Repl::friendly`].
    ///
    /// # Errors
    ///
    /// When the board does not take the byte by `deadline`, or went away.
    pub fn friendly(&mut self, deadline: Deadline) -> Result<(), Error> {
        if self.repl.is_raw() && keeps_programs(&self.repl) {
            let mut raw = self.repl.raw_repl(Entry::KeepState, deadline)?;
            // What the board says of it is no reason not to leave it.
            let _ = forget_programs(&mut raw, deadline);
        }
        Ok(self.repl.friendly(deadline)?)
    }

    /// Runs a program, without a time limit, and hands on what it prints as it arrives.
    ///
    /// The board keeps its variables. [`ConnectOptions::cancel`] ends the wait; [`Board::interrupt`] then ends the program.
    ///
    /// # Errors
    ///
    /// As for [`RawRepl::exec`].
    pub fn exec(&mut self, source: &[u8], output: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        let mut raw = self.keep_state()?;
        Ok(raw.exec(source, output, Deadline::NEVER)?)
    }

    /// Interrupts the program that [`Board::exec`] left running, and hands on the rest of its output: see [`RawRepl::interrupt`].
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

    /// Returns what kind of board this is, and what it can do.
    ///
    /// # Errors
    ///
    /// As for [`board_facts`].
    pub fn facts(&mut self) -> Result<BoardFacts, Error> {
        let mut raw = self.keep_state()?;
        Ok(board_facts(&mut raw, Deadline::after(ENTRY_TIME))?)
    }

    /// Serves a folder of this computer to the board, as [`mount::MOUNT_POINT`], its current folder from then on.
    ///
    /// It is served whenever the line is read: while a program is followed, and by [`Board::transport`]. One folder
    /// can be mounted at a time; the one before makes room.
    ///
    /// # Errors
    ///
    /// [`Error::Mount`] when the folder or the firmware is not up to it.
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

    /// Mounts the folder again, after a soft reset made the board forget it. Nothing happens when none was mounted.
    ///
    /// # Errors
    ///
    /// As for [`Board::mount`]; then nothing is mounted any more.
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

    /// Returns the folder that is mounted, as it was named.
    pub fn mounted(&self) -> Option<&Path> {
        self.mount.as_ref().map(|mount| mount.folder.as_path())
    }

    /// Returns whether the board was seen to start afresh since the folder was mounted: [`Board::remount`] is due.
    pub fn lost_mount(&self) -> bool {
        self.mount
            .as_ref()
            .is_some_and(|mount| mount.soft_resets != self.repl.soft_resets())
    }

    /// Records that the board started afresh, where only its output showed it: [`Board::lost_mount`] is true from now on.
    pub fn note_lost_mount(&mut self) {
        if let Some(mount) = &mut self.mount {
            mount.soft_resets = u64::MAX;
        }
    }

    /// Returns the mount of a board that went away, for [`Board::take_over_mount`] of the next connection to that board.
    pub fn leave_mount(&mut self) -> Option<LeftMount> {
        self.slot.detach();
        self.mount.take().map(LeftMount)
    }

    /// Takes over the mount of the connection before. The board has forgotten it: [`Board::remount`] is due.
    pub fn take_over_mount(&mut self, left: LeftMount) {
        self.mount = Some(left.0);
        self.note_lost_mount();
    }

    /// Takes the mount off the board. Nothing happens when there is none.
    ///
    /// # Errors
    ///
    /// When the board does not answer or refuses; the folder is not served any more all the same.
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

/// Returns whether a transport's error means that nothing came, or could be sent, within the deadline.
fn is_silence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
    )
}

/// Compiles a program of this library: see [`use_bytecode`]. Nobody sees its line numbers.
fn bytecode(source: &str) -> Option<Vec<u8>> {
    let options = Options {
        optimisation: Optimisation::NoLines,
        ..Options::new("piton")
    };
    // No cache: a program of ours compiles in less time than a file takes to open.
    let compiled = compile_cached(source.as_bytes(), &options, None).ok()?;
    Some(compiled.mpy)
}

/// Starts a virtual board with the properties in `board`.
///
/// # Errors
///
/// [`Error::VmFile`] when there is no VM file, [`Error::Vm`] when it does not run or its folder cannot be used.
pub fn start_virtual(board: BoardOptions, options: &ConnectOptions) -> Result<VirtualBoard, Error> {
    let file = vm::locate(options.vm.as_deref(), &mut |event| {
        if let Some(report) = &options.report {
            report(&ConnectEvent::Vm(event));
        }
    })?;
    let image = file.open().map_err(|source| Error::VmImage {
        path: PathBuf::from(file.to_string()),
        source,
    })?;
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
