//! Serving a folder of this computer to a board, over the line of its REPL.
//!
//! [`mount`] sends a small file system to the board (device/mount.py), which passes each request of a program on to
//! the host. A service in the line's [`Slot`] answers whenever the line is read: while a program is followed, and in
//! a terminal. docs/mount.md has the protocol and its reasons.
//!
//! This is the only module of this crate that touches files of this computer, and only below the mounted folder: see
//! `root`.

mod codec;
mod errno;
mod file;
mod frame;
mod piece;
mod root;
mod server;
mod service;
mod space;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use piton_board::deadline::Deadline;
use piton_board::error::{Error as BoardError, ErrorKind};
use piton_board::literal::py_str;
use piton_board::repl::RawRepl;
use piton_board::transport::side_channel::Slot;

use crate::device;
use crate::transfer::agent;
use frame::Token;
use root::Root;
use server::Server;
use service::MountService;

/// A program that imports the modules that a mount needs. The oldest boards lack some of them.
const NEEDS: &[u8] = b"import sys,select\nsys.stdin.buffer\nselect.poll\ntry:\n from vfs import mount\nexcept ImportError:\n from os import mount\ndel mount,sys,select\n";

/// The path of the folder on the board, the same as mpremote's.
pub const MOUNT_POINT: &str = "/remote";

/// Length in bytes of the first answers. The smallest receive ring of boards that can mount holds 256 bytes, on UARTs
/// of the esp8266 and others (ports/esp8266/uart.c, `UART_RX_BUF`). Answers grow while they arrive.
const MODEST_WINDOW: usize = 240;

/// Number of attempts to start the board's program.
const TRIES: u32 = 3;

/// A module that a board is about to import.
#[derive(Debug)]
pub struct Source<'a> {
    /// The file on this computer.
    pub path: &'a Path,
    /// Its path below the mounted folder, with `/`, as tracebacks show it.
    pub name: &'a str,
    /// Its content.
    pub content: &'a [u8],
    /// The board's `sys.implementation._mpy`, which says which `.mpy` files it loads; 0 if it has no such attribute.
    pub mpy: u32,
    /// Whether the folder must not be changed.
    pub read_only: bool,
}

/// Makes an `.mpy` of a source; `None` if the board is to get the source.
pub type Translate = Arc<dyn Fn(&Source<'_>) -> Option<Vec<u8>> + Send + Sync>;

/// Options of a mount.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct MountOptions {
    /// Follow symbolic links that lead out of the folder.
    pub unsafe_links: bool,
    /// Refuse all changes by the board.
    pub read_only: bool,
    /// Compiles the sources that the board imports. Programs that open a source get the source.
    pub translate: Option<Translate>,
}

impl fmt::Debug for MountOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MountOptions")
            .field("unsafe_links", &self.unsafe_links)
            .field("read_only", &self.read_only)
            .field("translate", &self.translate.is_some())
            .finish()
    }
}

/// A folder that is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted {
    /// The folder, absolute and without links.
    pub folder: PathBuf,
    /// The board's `sys.implementation._mpy`, which says which `.mpy` files it loads; 0 if it has no such attribute.
    pub mpy: u32,
    /// The largest number of bytes that the line has carried at once so far. The first answers are not longer.
    pub window: usize,
}

/// Why a folder is not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// The folder does not exist, is not a folder, or cannot be read.
    #[error("could not mount `{}`: {source}", folder.display())]
    Folder {
        /// The folder as requested.
        folder: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The firmware lacks a function that a mount needs: file systems in Python, or reading unchanged bytes.
    #[error("the board's firmware can't mount a folder: {message}")]
    Unsupported {
        /// The board's message.
        message: String,
    },
    /// The exchange with the board failed.
    #[error(transparent)]
    Board(#[from] BoardError),
}

impl MountError {
    /// Returns the kind of the failure: that of the board's error, if it stems from one.
    pub fn kind(&self) -> ErrorKind {
        self.board().map_or(ErrorKind::Refused, BoardError::kind)
    }

    /// Returns the error of the exchange with the board, if this one stems from it.
    pub fn board(&self) -> Option<&BoardError> {
        match self {
            MountError::Board(error) => Some(error),
            MountError::Folder { .. } | MountError::Unsupported { .. } => None,
        }
    }
}

/// Serves `folder` to the board as [`MOUNT_POINT`], and makes that its current folder.
///
/// `slot` belongs to the line of `raw_repl`. The service stays there until [`Slot::detach`] or another mount;
/// a soft reset ends the mount on the board, and it must be repeated.
///
/// # Errors
///
/// [`MountError::Folder`] before anything is sent; [`MountError::Unsupported`] for MicroPython without `vfs`, `select`
/// or `binascii.crc32`; [`MountError::Board`].
pub fn mount(
    raw_repl: &mut RawRepl<'_>,
    slot: &Slot,
    folder: &Path,
    options: &MountOptions,
    deadline: Deadline,
) -> Result<Mounted, MountError> {
    let root = Root::new(folder, options.unsafe_links).map_err(|source| MountError::Folder {
        folder: folder.to_owned(),
        source,
    })?;
    let mounted_folder = root.folder().to_owned();
    let token = Token::random();
    slot.detach();
    let arguments = [&*py_str(token.text())];
    let mut tries = TRIES;
    let ran = loop {
        tries -= 1;
        let mut printed = Vec::new();
        let mut output = |bytes: &[u8]| printed.extend_from_slice(bytes);
        let loaded = agent::run(
            raw_repl,
            device::MOUNT,
            &[],
            &arguments,
            &mut output,
            deadline,
        );
        let ran = match loaded {
            // The oldest boards lack the modules and the memory to load the whole program, which would fail with
            // `MemoryError`. A short program gives the right error.
            Ok(false) => raw_repl
                .run(NEEDS, deadline)
                .and_then(|_| raw_repl.run(&device::MOUNT.call(&arguments), deadline)),
            Ok(true) => Ok(printed),
            Err(error) => Err(error),
        };
        match ran {
            // The program raised `KeyboardInterrupt`. A probe (Ctrl-C) that the loader sent to a silent board arrived
            // late, when the program ran already. Another attempt helps.
            Err(BoardError::Exception(exception))
                if tries > 0 && exception.type_name == "KeyboardInterrupt" => {}
            ran => break ran,
        }
    };
    let (mpy, inflates) = facts(&ran.map_err(refused)?)?;
    let window = raw_repl.learned().longest_burst.max(MODEST_WINDOW);
    let mut server = Server::new(root, options.clone());
    server.set_up(mpy, inflates);
    slot.attach(Box::new(MountService::new(token, server, window)));
    Ok(Mounted {
        folder: mounted_folder,
        mpy,
        window,
    })
}

/// Parses the output of the board's program: which `.mpy` files the board loads, and whether it can inflate.
fn facts(printed: &[u8]) -> Result<(u32, bool), BoardError> {
    let text = String::from_utf8_lossy(printed);
    let mut words = text.split_whitespace();
    let mpy = words.next().and_then(|word| word.parse().ok());
    match (mpy, words.next()) {
        (Some(mpy), Some(inflates)) => Ok((mpy, inflates == "1")),
        _ => Err(BoardError::Unexpected {
            expected: "which files the board can load",
            received: printed.to_vec(),
        }),
    }
}

/// Takes the mount off the board, and the service off the line.
///
/// # Errors
///
/// The board's error, for example if a reset has ended the mount. The service is removed in any case.
pub fn umount(
    raw_repl: &mut RawRepl<'_>,
    slot: &Slot,
    deadline: Deadline,
) -> Result<(), MountError> {
    let taken_off = raw_repl.run(&device::UMOUNT.call(&[]), deadline);
    slot.detach();
    taken_off?;
    Ok(())
}

fn refused(error: BoardError) -> MountError {
    match error {
        BoardError::Exception(exception)
            if matches!(
                exception.type_name.as_str(),
                "ImportError" | "AttributeError" | "NameError"
            ) =>
        {
            MountError::Unsupported {
                message: exception.message,
            }
        }
        error => error.into(),
    }
}
