//! Every failure that ends the program: its message, its hints, its exit code. They are decided here only.

mod hints;
mod json;
mod mpremote;
mod ship;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io;
use std::process::ExitStatus;

use piton::error::{BoardError, ErrorKind, FsError, VmError};
use piton::shipment::signature::SignatureError;
use piton::vm::{NamedBy, VmFileError};

use crate::compatibility::{Compatibility, Wording};
use crate::config::ConfigError;
use crate::signing;
use crate::usage::UsageError;
pub(crate) use ship::ShipError;

use hints::{library_hints, usage_hints};

/// The board or the input refused.
const REFUSED: u8 = 1;
/// The command line is not valid.
const USAGE: u8 = 2;
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
    /// A program on the board ended with an exception, whose traceback is printed already.
    #[error("the program on the board raised an exception")]
    ProgramRaised,
    /// A program on the board gave this exit code to `sys.exit()`.
    #[error("the program on the board ended with exit code {code}")]
    ProgramExited {
        /// The code, not 0.
        code: u8,
    },
    /// The board has no `sys.argv` to hold a program's arguments.
    #[error("the board takes no arguments for programs: {message}")]
    NoArguments {
        /// The board's message about what it lacks.
        message: String,
    },
    /// The board cannot run a `.mpy` file.
    #[error("`{path}` does not run on this board: {source}")]
    RunMpy {
        /// Path as given.
        path: String,
        /// Why.
        source: piton::program::MpyError,
    },
    /// The board cannot load a `.mpy` file from its memory.
    #[error("the board could not take `{path}` into its memory: {message}")]
    NoMpyFromMemory {
        /// Path as given.
        path: String,
        /// What the board raised.
        message: String,
    },
    /// The user pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// stdout cannot be written.
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    /// The keyboard cannot be read, or the terminal cannot be set up.
    #[error("cannot use the terminal: {0}")]
    Terminal(io::Error),
    /// A local file cannot be read.
    #[error("could not read file '{path}'")]
    ReadFile {
        /// Path as given.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A local file cannot be written.
    #[error("could not write file '{path}'")]
    WriteFile {
        /// Path as given.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A folder cannot become an image.
    #[error("romfs: {0}")]
    RomfsFolder(piton::romfs::FolderError),
    /// A source of an image cannot be compiled.
    #[error("romfs: {0}")]
    RomfsCompile(piton::romfs::CompileError),
    /// The content of a folder does not fit into an image.
    #[error("romfs: {0}")]
    RomfsBuild(piton::romfs::BuildError),
    /// The file to deploy is not an image.
    #[error("romfs: `{path}`: {source}")]
    RomfsImage {
        /// Path as given.
        path: String,
        /// What is wrong with it.
        source: piton::romfs::ReadError,
    },
    /// There is no editor.
    #[error("edit: $EDITOR not set")]
    NoEditor,
    /// The editor cannot be started.
    #[error("edit: could not start the editor `{editor}`: {source}")]
    Editor {
        /// The command line of the editor.
        editor: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The editor ended with a failure.
    #[error("edit: the editor `{editor}` failed ({status}); `:{path}` stays as it was")]
    EditorFailed {
        /// The command line of the editor.
        editor: String,
        /// How it ended.
        status: ExitStatus,
        /// The file on the board.
        path: String,
    },
    /// An edited file did not reach the board.
    #[error("{error}")]
    NotUploaded {
        /// Why.
        error: Box<CommandError>,
        /// The path of the edited copy on this computer.
        copy: String,
    },
    /// The board's firmware has no clock for Python.
    #[error("rtc: the board has no `machine.RTC`: {message}")]
    NoClock {
        /// The board's message about what it lacks.
        message: String,
    },
    /// A file operation was refused.
    #[error("{command}: {path}: {reason}.")]
    File {
        /// The file command.
        command: String,
        /// The path that it was about.
        path: String,
        /// Why, in the words of the C library.
        reason: String,
        /// More about it.
        detail: Option<String>,
    },
    /// The arguments of a file command do not fit the files.
    #[error("{command}: {problem}")]
    Refused {
        /// The command.
        command: &'static str,
        /// What does not fit.
        problem: &'static str,
    },
    /// A path that must be a folder is not one.
    #[error("{command}: '{path}' is not a directory")]
    NotADirectory {
        /// The command.
        command: &'static str,
        /// The path on the board.
        path: String,
    },
    /// A name on the board or on this computer that cannot be copied.
    #[error("cp: {0}")]
    Copy(piton::copy::Error),
    /// A mounted folder is not removed from the board.
    #[error("rm -r not permitted on /remote directory")]
    MountedFolder,
    /// A folder of a tree that is being removed stays.
    #[error("rm -r: cannot remove :{path} {reason}")]
    CannotRemove {
        /// The path on the board.
        path: String,
        /// Why, in the words of the C library.
        reason: String,
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
    /// Some files were not compiled; their errors are printed already.
    #[error("some files were not compiled")]
    NotCompiled,
    /// Nothing was built; the reasons are printed already.
    #[error("nothing was built")]
    NotBuilt,
    /// A build is not what was asked for.
    #[error(transparent)]
    Ship(#[from] ShipError),
    /// `pyproject.toml` cannot be used.
    #[error(transparent)]
    PyProject(#[from] piton::project::pyproject::PyProjectError),
    /// `pyproject.toml` names an unknown target.
    #[error("`pyproject.toml`: {0}")]
    Target(#[from] piton::building::UnknownTarget),
    /// A key cannot be used.
    #[error("`{}`: {source}", path.display())]
    Key {
        /// The file of the key.
        path: std::path::PathBuf,
        /// What is wrong.
        source: SignatureError,
    },
    /// A secret key has a password, and nobody can be asked for it.
    #[error("`{}` has a password, and there is no terminal to ask for it", path.display())]
    NoPassword {
        /// The file of the key.
        path: std::path::PathBuf,
    },
    /// A new key needs a password, and nobody can be asked for one.
    #[error("a new key needs a password, and there is no terminal to ask for it")]
    NoNewPassword,
    /// A new password is empty.
    #[error("an empty password protects nothing")]
    EmptyPassword,
    /// A new password was typed differently the second time.
    #[error("the two passwords are not the same")]
    TwoPasswords,
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
    piton::shipment::to_drive::ToDriveError,
    piton::sync::Error
);

impl CommandError {
    /// Returns the board's error that this one stems from, if any.
    pub(crate) fn board(&self) -> Option<&BoardError> {
        match self {
            CommandError::Piton(error) => error.board(),
            CommandError::WrongPlace { error, .. } => Some(error),
            CommandError::NotUploaded { error, .. } => error.board(),
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
            CommandError::Usage(_) | CommandError::OneNameForMany { .. } => USAGE,
            CommandError::ProgramExited { code } => return *code,
            CommandError::ReplLost => NO_CONNECTION,
            CommandError::NotUploaded { error, .. } => return error.exit_code(compatibility),
            // mpremote ends with a traceback and exit code 1.
            CommandError::Piton(piton::Error::Board(BoardError::Selector { .. }))
                if !compatibility.own_exit_codes =>
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
            CommandError::ProgramRaised
            | CommandError::ProgramExited { .. }
            | CommandError::NotCompiled
            | CommandError::NotBuilt => return None,
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

    /// Returns the message, in mpremote's words where it has some: scripts look for them.
    fn text(&self) -> String {
        match self {
            CommandError::Piton(error) => library_text(error),
            CommandError::WrongPlace { error, .. } => board_text(error),
            CommandError::NotUploaded { error, .. } => error.text(),
            other => other.to_string(),
        }
    }

    fn hints(&self, compatibility: &Compatibility) -> Vec<String> {
        let name = compatibility.program;
        match self {
            CommandError::Usage(error) => usage_hints(error),
            CommandError::WrongPlace { hints, .. } => hints.clone(),
            CommandError::RunMpy { .. } => vec![format!(
                "`{name} info` shows what the board loads; `{name} compile` makes files for it from the sources"
            )],
            CommandError::NoMpyFromMemory { .. } => {
                vec![format!(
                    "copy it there: `{name} cp FILE :`, then `{name} exec 'import NAME'`"
                )]
            }
            CommandError::NoEditor => {
                vec!["set EDITOR or VISUAL to the editor's command".to_owned()]
            }
            CommandError::NotUploaded { error, copy } => {
                let mut hints = error.hints(compatibility);
                hints.push(format!("the edited file is kept as `{copy}`"));
                hints
            }
            CommandError::Piton(error) => library_hints(error, compatibility),
            CommandError::ReadFile { source, .. } | CommandError::WriteFile { source, .. } => {
                vec![source.to_string()]
            }
            CommandError::File {
                detail: Some(detail),
                ..
            } => vec![detail.clone()],
            CommandError::Ship(error) => error.hints(name),
            CommandError::NoPassword { .. } => vec![signing::hint()],
            CommandError::NoNewPassword | CommandError::EmptyPassword => vec![
                signing::hint(),
                "`--no-password` makes a key without one".to_owned(),
            ],
            CommandError::Key {
                source: SignatureError::WrongPassword,
                ..
            } => signing::wrong_password_hints(),
            CommandError::ReplLost => vec!["the board was unplugged, or it was reset".to_owned()],
            _ => Vec::new(),
        }
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

/// Returns the message for a board that cannot be reached, in mpremote's words where it has some.
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
