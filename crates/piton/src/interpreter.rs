//! MicroPython on this computer: programs that run on the VM of the virtual board as with the unix port's `micropython`.
//!
//! A program sees the current folder, the folder of the script, and the project's dependencies, each at its own path, and
//! nothing else of the computer. It may change the current folder if it is allowed to.

mod layout;

use std::collections::BTreeMap;
use std::path::PathBuf;

use piton_project::project::ProjectError;
use virtual_board::{BoardOptions, OutputReceiver, Program, ProgramOptions, VmImage};

use crate::board::ConnectOptions;
use crate::error::Error;
use crate::vm::{self, Release};

pub use layout::{Access, Layout, board_path};
pub use virtual_board::{Console, Ending, Output, Run};

/// The default heap of a program, in bytes. The firmware collects garbage only between programs, so that
/// this is the garbage of a whole run, too. Memory that is not used is not taken.
pub const HEAP: usize = 1 << 30;

/// Why a program cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterpreterError {
    /// The settings of the project cannot be read.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The current folder is not known, or a folder cannot be read.
    #[error("could not use the folder `{}`: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// A path is not Unicode, which all paths of a board are.
    #[error("the name of `{}` is not Unicode", path.display())]
    NotText {
        /// The path.
        path: PathBuf,
    },
    /// There is no such version of the firmware.
    #[error(
        "there is no firmware `{version}` for the virtual board, expected one of {}",
        known_versions()
    )]
    UnknownFirmware {
        /// The text that was given.
        version: String,
    },
}

/// Returns the known versions as a list for people.
fn known_versions() -> String {
    let versions = vm::RELEASES.iter().map(|release| release.micropython());
    versions.collect::<Vec<_>>().join(", ")
}

/// A program to run.
#[derive(Debug)]
pub struct Invocation {
    /// What is run.
    pub run: Run,
    /// `sys.argv`.
    pub arguments: Vec<String>,
    /// Whether the prompt follows the program.
    pub inspect: bool,
    /// Its files.
    pub layout: Layout,
    /// The heap in bytes, beyond 1 MiB that is always there.
    pub heap: usize,
}

/// Returns the compiled VM of the virtual board: of the version `firmware`, else the one that `options` or the
/// environment choose. All programs of a process can share it.
///
/// # Errors
///
/// [`Error::VmFile`], [`Error::VmImage`]; [`InterpreterError::UnknownFirmware`].
pub fn image(firmware: Option<&str>, options: &ConnectOptions) -> Result<VmImage, Error> {
    let mut report = options.vm_reporter();
    let file = match firmware {
        None => vm::locate(options.vm.as_deref(), &mut report)?,
        Some(version) => {
            let unknown = || InterpreterError::UnknownFirmware {
                version: version.to_owned(),
            };
            vm::locate_release(Release::named(version).ok_or_else(unknown)?, &mut report)?
        }
    };
    file.open().map_err(|source| Error::VmImage {
        path: PathBuf::from(file.to_string()),
        source,
    })
}

/// Starts a program. `output` gets what it prints, in a thread of the program; an error of `output` ends the program.
///
/// # Errors
///
/// [`Error::Vm`] if a folder of the layout cannot be used.
pub fn start(
    image: &VmImage,
    invocation: Invocation,
    output: OutputReceiver,
) -> Result<Program, Error> {
    let layout = invocation.layout;
    let options = ProgramOptions {
        run: invocation.run,
        arguments: invocation.arguments,
        path: layout.path,
        inspect: invocation.inspect,
        files: layout.files,
        current: layout.current,
        environment: environment(),
        heap_limit: invocation.heap,
        unresponsive_after: BoardOptions::default().unresponsive_after,
        output,
    };
    Ok(Program::start(image, options)?)
}

/// Returns the environment variables that are Unicode.
fn environment() -> BTreeMap<String, String> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}
