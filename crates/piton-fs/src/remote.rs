//! A board's file system, and the operations on one file or folder.

use std::time::Duration;

use piton_board::deadline::{Cancel, Deadline};
use piton_board::error::Error as BoardError;
use piton_board::exception::{BoardException, OsError};
use piton_board::literal::{from_literal, py_str};
use piton_board::repl::RawRepl;
use piton_path::BoardPath;
use serde::de::DeserializeOwned;
use tracing::debug;

use crate::device::{self, Program};
use crate::error::Error;
use crate::listing::Kind;
use crate::transfer::agent;
use crate::transfer::load::checked;

/// Timeout of stopping a program, after a deadline or Ctrl-C.
const STOP: Duration = Duration::from_secs(6);

/// Number of attempts to get an undamaged answer.
pub(crate) const TRIES: u32 = 6;

/// Minimum length in bytes of a program that goes as bytecode. An RP2040 compiles a byte of source in 29 µs, and
/// needs 25 ms for the loader of bytecode.
const LONG_PROGRAM: usize = 1000;

/// The files of a board, over its raw REPL.
///
/// Each method is one exchange unless it says otherwise. After an error the board is at its prompt again, if it
/// still answers: the program of the operation is stopped, also at [`BoardError::Cancelled`].
pub struct RemoteFs<'r, 'b> {
    raw_repl: &'r mut RawRepl<'b>,
}

/// Facts about a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Metadata {
    /// File or folder.
    pub kind: Kind,
    /// Size in bytes; 0 for most folders.
    pub size: u64,
}

impl<'r, 'b> RemoteFs<'r, 'b> {
    /// Returns the files of the board at the other end of `raw_repl`. Sends nothing.
    pub fn new(raw_repl: &'r mut RawRepl<'b>) -> RemoteFs<'r, 'b> {
        RemoteFs { raw_repl }
    }

    /// Returns kind and size of a file or folder.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::Board`].
    pub fn stat(&mut self, path: &BoardPath, deadline: Deadline) -> Result<Metadata, Error> {
        let (mode, size): (u32, u64) =
            self.query(path, device::STAT, &[&quoted(path)], deadline)?;
        Ok(Metadata {
            kind: Kind::from_mode(mode),
            size,
        })
    }

    /// Returns whether a file or folder has this name.
    ///
    /// # Errors
    ///
    /// Any error except that the file does not exist.
    pub fn exists(&mut self, path: &BoardPath, deadline: Deadline) -> Result<bool, Error> {
        match self.stat(path, deadline) {
            Ok(_) => Ok(true),
            // Some file systems answer `ENOTDIR` for a path that leads through a file. Such a path does not exist.
            Err(Error::NotFound { .. } | Error::NotADirectory { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns whether this is a folder; `false` if it does not exist.
    ///
    /// # Errors
    ///
    /// As for [`RemoteFs::exists`].
    pub fn is_dir(&mut self, path: &BoardPath, deadline: Deadline) -> Result<bool, Error> {
        match self.stat(path, deadline) {
            Ok(metadata) => Ok(metadata.kind == Kind::Directory),
            Err(Error::NotFound { .. } | Error::NotADirectory { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a folder. Its parent must exist.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`], [`Error::NotFound`] (the parent), [`Error::NoSpace`], [`Error::ReadOnly`],
    /// [`Error::Unsupported`], [`Error::Board`].
    pub fn make_dir(&mut self, path: &BoardPath, deadline: Deadline) -> Result<(), Error> {
        self.call_os("mkdir", path, deadline)
    }

    /// Removes an empty folder.
    ///
    /// # Errors
    ///
    /// [`Error::NotEmpty`], [`Error::NotFound`], [`Error::NotADirectory`], [`Error::ReadOnly`],
    /// [`Error::Unsupported`], [`Error::Board`]; [`Error::Os`] with `EINVAL` for a mount point.
    pub fn remove_dir(&mut self, path: &BoardPath, deadline: Deadline) -> Result<(), Error> {
        match self.call_os("rmdir", path, deadline) {
            // FAT answers EACCES for a folder with entries: MicroPython's extmod/vfs_fat_diskio.c turns
            // FR_DENIED into EACCES.
            Err(Error::Os { error, path }) if error.number == 13 => Err(Error::NotEmpty { path }),
            other => other,
        }
    }

    /// Removes a file. On littlefs this removes an empty folder too, as `os.remove` does there.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::IsADirectory`], [`Error::ReadOnly`], [`Error::Board`].
    pub fn remove_file(&mut self, path: &BoardPath, deadline: Deadline) -> Result<(), Error> {
        self.call_os("remove", path, deadline)
    }

    /// Moves a file or folder, to another folder too. A file in its way is replaced.
    ///
    /// Within a file system this is a rename. A file is copied to another file system of the board, and through the
    /// host on boards that cannot rename; it is removed when the copy is complete.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], for the source or for the folder of the destination; [`Error::IsADirectory`] for a
    /// folder in the way of a file, and similar errors of the file system; [`Error::Os`] with `EINVAL` when the
    /// two are the same, or a folder would go into itself, and with `EXDEV` for a folder that would go to another
    /// file system; [`Error::NoSpace`], [`Error::ReadOnly`], [`Error::Board`].
    pub fn rename(
        &mut self,
        source: &BoardPath,
        destination: &BoardPath,
        deadline: Deadline,
    ) -> Result<(), Error> {
        // Boards without raw-paste (MicroPython 1.9 on a micro:bit) have too little memory to compile the program that
        // renames, which fails with `MemoryError`. They have no `os.rename` either.
        let renamed = match self.raw().raw_paste() {
            Some(false) if !self.can_rename(deadline)? => {
                return self.copy_over(source, destination, deadline);
            }
            _ => {
                let arguments = [&*quoted(source), &quoted(destination)];
                self.run_silently(source, device::RENAME, &arguments, deadline)
            }
        };
        match renamed {
            Err(Error::Unsupported { .. }) => self.copy_over(source, destination, deadline),
            other => other,
        }
    }

    /// Returns whether the board has `os.rename`.
    pub(crate) fn can_rename(&mut self, deadline: Deadline) -> Result<bool, Error> {
        match self.run(b"import os\nos.rename", deadline) {
            Ok(_) => Ok(true),
            Err(error) => match Error::new(&BoardPath::default(), error) {
                Error::Unsupported { .. } => Ok(false),
                error => Err(error),
            },
        }
    }

    /// Copies a file through the host, then removes it.
    fn copy_over(
        &mut self,
        source: &BoardPath,
        destination: &BoardPath,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let current = self.current_dir(deadline)?;
        if current.join(source).resolved() == current.join(destination).resolved() {
            let error = OsError {
                number: 22,
                name: Some("EINVAL".to_owned()),
                text: Some("invalid argument"),
            };
            let path = source.clone();
            return Err(Error::Os { path, error });
        }
        let content = self.read(source, &mut |_| {}, deadline)?;
        self.write(destination, &content, &mut |_| {}, deadline)?;
        self.remove_file(source, deadline)
    }

    /// Creates an empty file; an existing file is not changed.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] (the folder), [`Error::IsADirectory`], [`Error::NoSpace`], [`Error::ReadOnly`],
    /// [`Error::Board`].
    pub fn touch(&mut self, path: &BoardPath, deadline: Deadline) -> Result<(), Error> {
        self.run_silently(path, device::TOUCH, &[&quoted(path)], deadline)
    }

    /// Returns the board's current folder; the root on boards without folders.
    ///
    /// # Errors
    ///
    /// [`Error::Board`].
    pub fn current_dir(&mut self, deadline: Deadline) -> Result<BoardPath, Error> {
        let path = BoardPath::default();
        let source = b"import os\nprint(repr(os.getcwd() if hasattr(os, 'getcwd') else '/'))";
        let answer = self
            .run(source, deadline)
            .map_err(|error| Error::new(&path, error))?;
        self.read_answer::<String>(&path, &answer)?
            .parse()
            .map_err(|_| Error::Answer {
                path,
                received: answer,
            })
    }

    /// Makes a folder the board's current one.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`], [`Error::NotADirectory`], [`Error::Unsupported`], [`Error::Board`].
    pub fn change_dir(&mut self, path: &BoardPath, deadline: Deadline) -> Result<(), Error> {
        self.call_os("chdir", path, deadline)
    }

    /// Calls one function of the board's module `os` with the path.
    fn call_os(
        &mut self,
        function: &str,
        path: &BoardPath,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let source = format!("import os\nos.{function}({})", quoted(path));
        match self.run_short(source.as_bytes(), deadline) {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::new(path, error)),
        }
    }

    /// Runs a short program that sets no names. It is repeated if the line has damaged it.
    pub(crate) fn run_short(
        &mut self,
        source: &[u8],
        deadline: Deadline,
    ) -> Result<Vec<u8>, BoardError> {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let mut answer = Vec::new();
            let mut output = |bytes: &[u8]| answer.extend_from_slice(bytes);
            let sent = self.checked(source.to_vec());
            let ended = self.raw_repl.exec_probed(&sent, &mut output, deadline);
            match ended.map_err(|error| self.stop(error)) {
                Ok(()) => return Ok(answer),
                // It changed nothing: it raised before it printed.
                Err(error @ BoardError::Exception(_))
                    if tries > 0 && answer.is_empty() && self.may_repeat(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Runs a program that prints one literal, and reads it.
    pub(crate) fn query<T: DeserializeOwned>(
        &mut self,
        path: &BoardPath,
        program: Program,
        arguments: &[&str],
        deadline: Deadline,
    ) -> Result<T, Error> {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let answer = match self.run_program(program, arguments, deadline) {
                Err(error) if tries > 0 && self.may_repeat(&error) => continue,
                answer => answer.map_err(|error| Error::new(path, error))?,
            };
            match self.read_answer(path, &answer) {
                // The answer was damaged on its way.
                Err(Error::Answer { .. }) if tries > 0 => {}
                other => return other,
            }
        }
    }

    /// Runs a program that prints nothing.
    fn run_silently(
        &mut self,
        path: &BoardPath,
        program: Program,
        arguments: &[&str],
        deadline: Deadline,
    ) -> Result<(), Error> {
        match self.run_program(program, arguments, deadline) {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::new(path, error)),
        }
    }

    /// Runs a program of this crate; a long one as bytecode, if the board loads it.
    pub(crate) fn run_program(
        &mut self,
        program: Program,
        arguments: &[&str],
        deadline: Deadline,
    ) -> Result<Vec<u8>, BoardError> {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let mut answer = Vec::new();
            let mut output = |bytes: &[u8]| answer.extend_from_slice(bytes);
            match self.exec_program(program, arguments, &mut output, deadline) {
                Ok(()) => return Ok(answer),
                // It changed nothing: it raised before it printed.
                Err(error @ BoardError::Exception(_))
                    if tries > 0 && answer.is_empty() && self.may_repeat(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Does the work of [`RemoteFs::run_program`]; `output` gets what the program prints, also before it fails.
    pub(crate) fn exec_program(
        &mut self,
        program: Program,
        arguments: &[&str],
        output: &mut dyn FnMut(&[u8]),
        deadline: Deadline,
    ) -> Result<(), BoardError> {
        if program.source().len() >= LONG_PROGRAM {
            match agent::run(self.raw(), program, &[], arguments, output, deadline) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => return Err(self.stop(error)),
            }
        }
        let source = self.checked(program.call(arguments));
        let ended = self.raw_repl.exec_probed(&source, output, deadline);
        ended.map_err(|error| self.stop(error))
    }

    /// Returns a program of this crate as it is sent: with a checksum, if the line has damaged bytes. A board that has no
    /// CRC-32 gets it unchanged.
    pub(crate) fn checked(&mut self, source: Vec<u8>) -> Vec<u8> {
        let learned = self.raw_repl.learned();
        match learned.damages && learned.streams == Some(true) {
            true => checked(&source),
            false => source,
        }
    }

    /// Returns whether an exchange that failed with this error may be repeated: the line has damaged it, and the board is at
    /// its prompt again. Only for exchanges that have the same effect twice as once.
    pub(crate) fn may_repeat(&mut self, error: &BoardError) -> bool {
        let may_repeat = match error {
            BoardError::Exception(exception) => is_damage(exception),
            BoardError::Timeout { .. }
            | BoardError::Unexpected { .. }
            | BoardError::NotAtPrompt => self.raw_repl.is_at_prompt(),
            _ => false,
        };
        if may_repeat {
            debug!(%error, "the line has damaged an exchange, it is repeated");
            self.raw_repl.learned_mut().damages = true;
        }
        may_repeat
    }

    pub(crate) fn read_answer<T: DeserializeOwned>(
        &self,
        path: &BoardPath,
        answer: &[u8],
    ) -> Result<T, Error> {
        from_literal(answer).map_err(|_| Error::Answer {
            path: path.clone(),
            received: answer.to_vec(),
        })
    }

    pub(crate) fn run(&mut self, source: &[u8], deadline: Deadline) -> Result<Vec<u8>, BoardError> {
        let mut answer = Vec::new();
        self.exec(
            source,
            &mut |bytes| answer.extend_from_slice(bytes),
            deadline,
        )?;
        Ok(answer)
    }

    /// Runs a program. It is stopped if it exceeds the deadline or is cancelled.
    pub(crate) fn exec(
        &mut self,
        source: &[u8],
        output: &mut dyn FnMut(&[u8]),
        deadline: Deadline,
    ) -> Result<(), BoardError> {
        let ended = self.raw_repl.exec(source, output, deadline);
        ended.map_err(|error| self.stop(error))
    }

    /// Stops the program that still runs after this error, and returns the error.
    pub(crate) fn stop(&mut self, error: BoardError) -> BoardError {
        // An unexpected answer was damaged on its way: it does not show what the board does.
        if let BoardError::Cancelled
        | BoardError::Timeout { .. }
        | BoardError::Unexpected { .. }
        | BoardError::NotAtPrompt = error
        {
            self.interrupt();
        }
        error
    }

    /// Stops the running program.
    pub(crate) fn interrupt(&mut self) {
        // The exception of an interrupted program is its `KeyboardInterrupt`, which is not an error here.
        let _ = self.raw_repl.interrupt(&mut |_| {}, Deadline::after(STOP));
    }

    /// Returns the flag that ends the exchanges on the line to the board.
    pub fn cancel(&self) -> &Cancel {
        self.raw_repl.cancel()
    }

    pub(crate) fn raw(&mut self) -> &mut RawRepl<'b> {
        self.raw_repl
    }
}

/// Returns whether an exception of a program of this crate shows that the program or the text of the exception was damaged
/// on its way. What the firmware lacks raises other exceptions.
fn is_damage(exception: &BoardException) -> bool {
    match exception.type_name.as_str() {
        // The message names what the firmware lacks. A damaged name is in no program of this crate.
        "AttributeError" => missing_name(&exception.message).is_some_and(|name| !is_used(name)),
        "ImportError" | "MemoryError" | "KeyboardInterrupt" => false,
        "OSError" => exception.os_error().is_none(),
        _ => true,
    }
}

/// Returns the name in the message of an `AttributeError`: `'module' object has no attribute 'rename'`.
fn missing_name(message: &str) -> Option<&str> {
    let (before, _) = message.trim_end().rsplit_once('\'')?;
    before.rsplit_once('\'').map(|(_, name)| name)
}

/// Returns whether a program of this crate uses an attribute of this name.
fn is_used(name: &str) -> bool {
    let attribute = format!(".{name}");
    let programs = [
        device::HASH,
        device::LIST,
        device::PEEK,
        device::STAT,
        device::SURVEY,
        device::DISK_FREE,
        device::RENAME,
        device::TREE,
        device::TOUCH,
        device::SWAP,
    ];
    let is_in = |source: &str| {
        let mut found = source.match_indices(&attribute);
        found.any(|(at, _)| {
            let rest = source.get(at + attribute.len()..).unwrap_or_default();
            !rest.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '_')
        })
    };
    OS_FUNCTIONS.contains(&name) || programs.iter().any(|program| is_in(program.source()))
}

/// Functions of `os` that short programs call.
const OS_FUNCTIONS: [&str; 7] = [
    "chdir", "getcwd", "ilistdir", "mkdir", "remove", "rmdir", "stat",
];

/// Returns the path as a Python literal.
pub(crate) fn quoted(path: &BoardPath) -> String {
    py_str(path.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_attribute_is_damage_if_no_program_uses_it() {
        for (message, expected) in [
            ("'module' object has no attribute 'ilistdir'", false),
            ("module 'os' has no attribute 'rename'", false),
            ("module 'os' has no attribute 'statvfs'", false),
            ("module 'os' has no attribute 'stit'", true),
            ("module 'os' has no attribute 's'", true),
            ("no attribute", false),
        ] {
            let text = format!("AttributeError: {message}\r\n");
            let exception = BoardException::parse(text.as_bytes());
            assert_eq!(is_damage(&exception), expected, "{message}");
        }
    }
}
