//! Every failure that ends the program: its message, its hints, its exit code. They are decided here only.

mod edit;
mod file;
mod firmware;
mod hints;
mod json;
mod mpremote;
mod program;
mod release;
mod romfs;
mod select;
mod ship;
mod signing;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;

use piton::cache_folder::NoCacheFolder;
use piton::compiler::{Target, processor_flags};
use piton::device::DeviceError;
use piton::error::{BoardError, ErrorKind, FsError, VmError};
use piton::mpy::header::Arch;
use piton::new_project::NewProjectError;
use piton::vm::{NamedBy, VmFileError};

use crate::compatibility::{Compatibility, Wording};
use crate::config::ConfigError;
use crate::usage::UsageError;

pub(crate) use edit::EditError;
pub(crate) use file::FileError;
pub(crate) use firmware::FirmwareError;
pub(crate) use program::ProgramError;
pub(crate) use release::ReleaseError;
pub(crate) use romfs::RomfsError;
pub(crate) use select::SelectError;
pub(crate) use ship::ShipError;
pub(crate) use signing::SigningError;

use hints::{library_hints, usage_hints};

/// The board or the input refused.
const REFUSED: u8 = 1;
/// The command line is not valid.
const USAGE: u8 = 2;
/// There are no tests: pytest's code for that.
const NO_TESTS: u8 = 5;
/// There is no connection to a board, or it was lost.
const NO_CONNECTION: u8 = 3;

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// A word of the command line is not UTF-8.
    #[error("argument `{}` is not UTF-8 text", word.display())]
    NotText {
        /// The word.
        word: OsString,
    },
    /// The command line is not valid.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(ConfigError),
    /// The library or the board refused.
    #[error(transparent)]
    Piton(#[from] piton::Error),
    /// The argument of `connect` does not name a board.
    #[error("{error}")]
    WrongPlace {
        /// What is wrong with it.
        error: BoardError,
        /// What may have been meant.
        hints: Vec<String>,
    },
    /// A program on the board did not run, or did not end well.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// stdout cannot be written.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// The keyboard cannot be read, or the terminal cannot be set up.
    #[error("cannot use the terminal: {0}")]
    Terminal(io::Error),
    /// A file, here or on the board.
    #[error(transparent)]
    File(#[from] FileError),
    /// An image cannot be made or deployed.
    #[error(transparent)]
    Romfs(#[from] RomfsError),
    /// A manifest, or what it lists, cannot be used.
    #[error(transparent)]
    Firmware(#[from] FirmwareError),
    /// The newest release is not known.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// A file was not edited.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The board's firmware has no clock for Python.
    #[error("rtc: the board has no `machine.RTC`: {message}")]
    NoClock {
        /// The board's message about what it lacks.
        message: String,
    },
    /// The REPL's connection was lost.
    #[error("device disconnected")]
    ReplLost,
    /// A name for one source was given with several sources.
    #[error("`--embed-name` names one source, not {count}")]
    OneNameForMany {
        /// How many there are.
        count: usize,
    },
    /// Machine code was asked for, and no processor.
    #[error("`--emit` of machine code needs the processor that it is for")]
    NeedsProcessor,
    /// Two options name different processors.
    #[error("`--march` names {}, `--target` {}", option.name(), target.name())]
    TwoProcessors {
        /// That of `--march`.
        option: Arch,
        /// That of `--target`.
        target: Arch,
    },
    /// `--march-flags` names something that the processor does not have.
    #[error("`{name}` is not an extension of {}", arch.map_or("any processor that is named", Arch::name))]
    NoSuchExtension {
        /// The name.
        name: String,
        /// The processor, if one is named.
        arch: Option<Arch>,
        /// The firmware release.
        target: Target,
    },
    /// Some files were not compiled; their errors are printed already.
    #[error("some files were not compiled")]
    NotCompiled,
    /// `doctor` found problems; they are printed already.
    #[error("{0} problems found")]
    Problems(usize),
    /// `test` found failures; they are printed already.
    #[error("tests failed")]
    TestsFailed,
    /// There is nothing to test.
    #[error("there are no tests")]
    NoTests,
    /// Nothing was built; the reasons are printed already.
    #[error("nothing was built")]
    NotBuilt,
    /// A build does not meet the requirements.
    #[error(transparent)]
    Ship(#[from] ShipError),
    /// `pyproject.toml` cannot be used.
    #[error(transparent)]
    PyProject(#[from] piton::project::pyproject::PyProjectError),
    /// `pyproject.toml` names an unknown target.
    #[error("`pyproject.toml`: {0}")]
    Target(#[from] piton::building::UnknownTarget),
    /// A key for signatures cannot be used or made.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// A call to the board failed.
    #[error(transparent)]
    Device(DeviceError),
    /// A board was not chosen.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// A project was not made.
    #[error(transparent)]
    NewProject(#[from] NewProjectError),
    /// There is no folder for the cache.
    #[error(transparent)]
    NoCacheFolder(#[from] NoCacheFolder),
    /// The command did not do what was asked; the reason is printed already, where scripts for Belay look for it.
    #[error("nothing was done")]
    Printed,
    /// A `.mpy` file is damaged, or cannot be joined with the others.
    #[error("{path}: {source}")]
    Mpy {
        /// Path as given.
        path: String,
        /// What is wrong, and where.
        source: piton::mpy::error::Error,
    },
    /// A server for the virtual board could not be started.
    #[error("could not serve the virtual board on {address}: {source}")]
    Serve {
        /// Address, or "a pty".
        address: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Converts errors of the library to [`piton::Error`], whichever of its modules they come from.
macro_rules! from_library {
    ($($error:ty),*) => {
        $(impl From<$error> for CommandError {
            fn from(error: $error) -> CommandError {
                CommandError::Piton(error.into())
            }
        })*
    };
}

from_library!(
    BoardError,
    FsError,
    piton::building::BuildError,
    piton::compile::PlanError,
    piton::error::MountError,
    piton::error::RomError,
    piton::mip::MipError,
    piton::shipment::ShipmentError,
    piton::shipment::to_board::ToBoardError,
    piton::shipment::to_drive::ToDriveError,
    piton::sync::Error,
    piton::workspace::PackageError
);

impl CommandError {
    /// Returns the board's error that this one stems from, if any.
    pub(crate) fn board(&self) -> Option<&BoardError> {
        match self {
            CommandError::Piton(error) => error.board(),
            CommandError::WrongPlace { error, .. } => Some(error),
            CommandError::Edit(EditError::NotUploaded { error, .. }) => error.board(),
            CommandError::File(error) => error.board(),
            _ => None,
        }
    }

    /// Returns whether the user stopped the command.
    pub(crate) fn is_interrupted(&self) -> bool {
        match self {
            CommandError::Interrupted => true,
            CommandError::Piton(error) => error.kind() == ErrorKind::Interrupted,
            _ => false,
        }
    }

    /// Returns the process's exit code: 1 refused by the board or the input, 2 usage, 3 no or lost connection. mpremote
    /// has no 3, and for an unknown command no 2.
    pub(crate) fn exit_code(&self, compatibility: &Compatibility) -> u8 {
        let code = match self {
            // The reader of our output (`head`, say) has closed it: that is not a failure.
            CommandError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            CommandError::NotText { .. } => USAGE,
            CommandError::Usage(UsageError::UnreadShortcut { .. }) => REFUSED,
            CommandError::Usage(
                UsageError::NotACommand { .. }
                | UsageError::NotAMipCommand { .. }
                | UsageError::NotARomfsCommand { .. }
                | UsageError::ShortcutArguments { .. }
                | UsageError::ShortcutLoop { .. },
            ) if !compatibility.own_exit_codes => REFUSED,
            CommandError::Usage(_)
            | CommandError::OneNameForMany { .. }
            | CommandError::NeedsProcessor
            | CommandError::TwoProcessors { .. }
            | CommandError::NoSuchExtension { .. } => USAGE,
            CommandError::Program(ProgramError::Exited { code }) => return *code,
            CommandError::NoTests => return NO_TESTS,
            CommandError::Firmware(error) => return error.exit_code(),
            CommandError::ReplLost => NO_CONNECTION,
            CommandError::Edit(EditError::NotUploaded { error, .. }) => {
                return error.exit_code(compatibility);
            }
            CommandError::File(FileError::Copy(error)) => exit_code(error.kind()),
            // mpremote ends with a traceback and exit code 1.
            CommandError::Piton(error)
                if error.kind() == ErrorKind::Usage && !compatibility.own_exit_codes =>
            {
                REFUSED
            }
            CommandError::Piton(error) => exit_code(error.kind()),
            CommandError::WrongPlace { error, .. } => exit_code(error.kind()),
            _ => REFUSED,
        };
        match code {
            NO_CONNECTION if !compatibility.own_exit_codes => REFUSED,
            code => code,
        }
    }

    /// Returns the text for stdout instead of a message on stderr.
    pub(crate) fn output(&self, compatibility: &Compatibility) -> Option<String> {
        match compatibility.wording {
            Wording::Piton => None,
            Wording::Mpremote => mpremote::output(self),
        }
    }

    /// Returns the text for stderr: prefix, message and hints, each on lines of their own. `None` when the failure is
    /// printed already.
    pub(crate) fn message(&self, compatibility: &Compatibility) -> Option<String> {
        match self {
            CommandError::Program(ProgramError::Raised | ProgramError::Exited { .. })
            | CommandError::Firmware(FirmwareError::Printed { .. })
            | CommandError::NotCompiled
            | CommandError::Problems(_)
            | CommandError::NotBuilt
            | CommandError::TestsFailed
            | CommandError::Printed => return None,
            CommandError::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                return None;
            }
            CommandError::Usage(UsageError::Arguments(error)) => {
                return Some(error.render().ansi().to_string());
            }
            CommandError::Usage(UsageError::Argparse { text }) => return Some(text.clone()),
            _ => {}
        }
        let text = match compatibility.wording {
            Wording::Piton => None,
            Wording::Mpremote => mpremote::message(self),
        };
        let mut text =
            text.unwrap_or_else(|| format!("{}: {}\n", compatibility.program, self.text()));
        for (index, hint) in self.hints(compatibility).into_iter().enumerate() {
            // Writing to a `String` cannot fail. A blank line parts the first hint from the message.
            let _ = writeln!(text, "{}hint: {hint}", if index == 0 { "\n" } else { "" });
        }
        Some(text)
    }

    /// Returns the message, in mpremote's words if it has the message: scripts search for them.
    fn text(&self) -> String {
        match self {
            CommandError::Piton(error) => library_text(error),
            CommandError::WrongPlace { error, .. } => board_text(error),
            CommandError::Edit(EditError::NotUploaded { error, .. }) => error.text(),
            other => other.to_string(),
        }
    }

    fn hints(&self, compatibility: &Compatibility) -> Vec<String> {
        let name = compatibility.program;
        match self {
            CommandError::Usage(error) => usage_hints(error),
            CommandError::WrongPlace { hints, .. } => hints.clone(),
            CommandError::Piton(error) => library_hints(error, compatibility),
            CommandError::Program(error) => error.hints(name),
            CommandError::File(error) => error.hints(),
            CommandError::Firmware(error) => error.hints(name),
            CommandError::Romfs(error) => error.hints(),
            CommandError::Edit(EditError::NoEditor) => {
                vec!["set EDITOR or VISUAL to the editor's command".to_owned()]
            }
            CommandError::Edit(EditError::NotUploaded { error, copy }) => {
                let mut hints = error.hints(compatibility);
                hints.push(format!("the edited file is kept as `{copy}`"));
                hints
            }
            CommandError::Ship(error) => error.hints(name),
            CommandError::Signing(error) => error.hints(),
            CommandError::Select(error) => error.hints(name),
            CommandError::NewProject(NewProjectError::Configured { .. }) => {
                vec!["the project is configured; remove the table to begin anew".to_owned()]
            }
            CommandError::Release(error) => error.hints(),
            CommandError::NeedsProcessor | CommandError::NoSuchExtension { arch: None, .. } => {
                vec![format!(
                    "select it, for example with `--target micropython:armv7m`; `{name} info` shows that of a board"
                )]
            }
            CommandError::NoSuchExtension {
                arch: Some(arch),
                target,
                ..
            } => extension_hints(*arch, *target),
            CommandError::ReplLost => vec!["the board was unplugged, or it was reset".to_owned()],
            _ => Vec::new(),
        }
    }
}

/// Returns the hint for a name that is not an extension of this processor in the compiler of this release.
fn extension_hints(arch: Arch, target: Target) -> Vec<String> {
    let known = processor_flags(target, arch);
    let names: Vec<String> = known.iter().map(|(_, name)| format!("`{name}`")).collect();
    let compiler = match arch.flag_names().len() == known.len() {
        true => "the compiler".to_owned(),
        false => format!("the compiler of {}", target.name()),
    };
    match names.is_empty() {
        true => vec![format!("{compiler} knows no extensions of this processor")],
        false => vec![format!("{compiler} knows {}", names.join(" and "))],
    }
}

/// Returns the exit code for a failure of the library.
fn exit_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Usage => USAGE,
        ErrorKind::NoConnection => NO_CONNECTION,
        ErrorKind::Refused | ErrorKind::Interrupted => REFUSED,
    }
}

/// Returns the message for a failure of the library.
fn library_text(error: &piton::Error) -> String {
    use piton::Error;
    match error {
        Error::Board(error) => board_text(error),
        // Printed with its traceback: no file system answers with this exception, so the cause is in the code that ran.
        Error::Fs(_) | Error::Sync(_) | Error::Rom(_)
            if let Some(exception) = error.exception() =>
        {
            let traceback = String::from_utf8_lossy(&exception.traceback);
            format!("Error with transport:\n{traceback}")
        }
        Error::VmImage {
            path,
            source: VmError::NotWasm(_),
        } => format!("VM file `{}` is not a WebAssembly module", path.display()),
        Error::VmFile(VmFileError::Named {
            path,
            named_by: NamedBy::Options,
            source,
        }) => format!(
            "VM file `{}` (named by --vm) cannot be read: {source}",
            path.display()
        ),
        error => error.to_string(),
    }
}

/// Returns the message for a board that cannot be connected, in mpremote's words if it has the message.
fn board_text(error: &BoardError) -> String {
    match error {
        BoardError::NoBoard { .. } => "no device found".to_owned(),
        BoardError::NoSuchSerialNumber { serial_number } => {
            format!("no device with serial number {serial_number}")
        }
        BoardError::NoSuchPort { port, .. } => {
            format!("failed to access {port} (there is no such port)")
        }
        BoardError::PortBusy { port, .. } => {
            format!("failed to access {port} (it may be in use by another program)")
        }
        BoardError::PortPermission { port } => {
            format!("failed to access {port} (permission denied)")
        }
        error => error.to_string(),
    }
}
