//! Running a `.mpy` file from the board's RAM.

use data_encoding::BASE64;
use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::facts::BoardFacts;
use piton_board::literal::{from_literal, py_bytes};
use piton_board::repl::RawRepl;
use piton_mpy::header::{Arch, Dialect, FORMER_VERSION, Outline, VERSION};

use super::Guarded;
use crate::board_format::{BoardFormat, Mismatch, loaders};

/// Length of a piece of the file that is sent as base64, in bytes: 2048 letters.
const BASE64_PIECE: usize = 1536;

/// Length of a piece that is sent as a bytes literal, in bytes: at most four letters each.
const LITERAL_PIECE: usize = 512;

/// Why a board will not run a `.mpy` file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MpyError {
    /// The board's firmware loads no `.mpy` files at all.
    #[error("the board loads no .mpy files")]
    BoardLoadsNone,
    /// The file is damaged.
    #[error("damaged .mpy file: {0}")]
    Damaged(#[from] piton_mpy::error::Error),
    /// The file is for boards of another kind.
    #[error("the .mpy file is for {file}, the board loads {board}")]
    Mismatch {
        /// The format of the file.
        file: String,
        /// The format of the board.
        board: String,
    },
}

/// Returns whether these are the bytes of a `.mpy` file and not of a source: its letter, and a version that is not
/// text.
pub fn is_mpy(bytes: &[u8]) -> bool {
    matches!(bytes, [b'M' | b'C', 0..=8, ..])
}

/// Checks that the board loads this file, without running it.
///
/// # Errors
///
/// [`MpyError`] if the board would refuse the file, or crash.
pub fn check_mpy(file: &[u8], facts: &BoardFacts) -> Result<(), MpyError> {
    let board = BoardFormat::from(facts);
    let Some(version) = board.version else {
        return Err(MpyError::BoardLoadsNone);
    };
    if let Some(&found) = file.get(1) {
        board.accepts_version(found)?;
    }
    match version {
        VERSION => Ok(board.accepts(&piton_mpy::reader::read(file)?.header)?),
        // Machine code is not read.
        FORMER_VERSION => Ok(board.accepts(&piton_mpy::reader::header(file)?)?),
        // Older than what our reader knows: the board looks for itself.
        _ => Ok(()),
    }
}

/// Returns the releases of MicroPython that load files of this version, in parentheses.
fn made_for(version: u8) -> String {
    let outline = Outline {
        dialect: Dialect::MicroPython,
        version,
        features: 0,
        small_int_bits: 31,
    };
    loaders(&outline).map_or_else(String::new, |releases| format!(" ({releases})"))
}

impl From<Mismatch> for MpyError {
    fn from(mismatch: Mismatch) -> MpyError {
        let (file, board) = match mismatch {
            Mismatch::NoMpy => return MpyError::BoardLoadsNone,
            Mismatch::Version { file, board } => (
                format!(".mpy version {file}{}", made_for(file)),
                format!("version {board}"),
            ),
            Mismatch::Features => (
                "other features of bytecode".to_owned(),
                "its own".to_owned(),
            ),
            Mismatch::Dialect { file, board } => (file.name().to_owned(), board.name().to_owned()),
            Mismatch::MachineCode {
                file,
                file_version,
                board,
                board_version,
            } if Some(file) == board => (
                format!("machine code version {file_version}"),
                format!("version {board_version}"),
            ),
            Mismatch::MachineCode { file, board, .. } => (
                format!("machine code of {}", file.name()),
                board.map_or("bytecode only", Arch::name).to_owned(),
            ),
            Mismatch::Extensions { arch } => (
                format!("{} with more extensions", arch.name()),
                format!("{} without them", arch.name()),
            ),
        };
        MpyError::Mismatch { file, board }
    }
}

/// Sends a `.mpy` file into the board's RAM, piece by piece, and returns the program that runs it: the module's
/// `__name__` is `_piton_program`. Nothing of it stays when that has ended.
///
/// # Errors
///
/// As for [`RawRepl::exec`]: boards that cannot mount a file system written in Python raise an exception, and so do
/// those whose memory is too small.
pub fn send_mpy(
    raw: &mut RawRepl<'_>,
    file: &[u8],
    deadline: Deadline,
) -> Result<Guarded, BoardError> {
    let program = include_bytes!("../../device/minified/run_mpy.py");
    let takes_base64 = from_literal::<bool>(raw.run(program, deadline)?.trim_ascii())?;
    if let Err(error) = send_pieces(raw, file, takes_base64, deadline) {
        // The first error is returned, so this one is ignored.
        let _ = raw.run(b"_piton()", deadline);
        return Err(error);
    }
    let run = b"try:\n from _piton_program import *\nfinally:\n _piton()\n";
    Ok(Guarded::hidden(run))
}

fn send_pieces(
    raw: &mut RawRepl<'_>,
    file: &[u8],
    base64: bool,
    deadline: Deadline,
) -> Result<(), BoardError> {
    let size = if base64 { BASE64_PIECE } else { LITERAL_PIECE };
    for piece in file.chunks(size) {
        let call = match base64 {
            true => format!("_piton(b'{}',1)", BASE64.encode(piece)),
            false => format!("_piton({})", py_bytes(piece)),
        };
        raw.run(call.as_bytes(), deadline)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mpy_file_is_known_by_its_first_two_bytes() {
        for bytes in [&b"M\x06\x00\x1f"[..], b"C\x06", b"M\x00", b"M\x08"] {
            assert!(is_mpy(bytes), "{bytes:?}");
        }
        for source in [&b""[..], b"M", b"M = 6", b"C\n", b"M\x09", b"print(6)"] {
            assert!(!is_mpy(source), "{source:?}");
        }
    }

    #[test]
    fn a_mismatch_says_what_the_file_is_for_and_what_the_board_loads() {
        let code = |file, board, versions: (u8, u8)| Mismatch::MachineCode {
            file,
            file_version: versions.0,
            board,
            board_version: versions.1,
        };
        for (mismatch, file, board) in [
            (
                Mismatch::Version { file: 5, board: 6 },
                ".mpy version 5 (MicroPython 1.12 to 1.18)",
                "version 6",
            ),
            // No release of MicroPython has such files.
            (
                Mismatch::Version { file: 8, board: 6 },
                ".mpy version 8",
                "version 6",
            ),
            (Mismatch::Features, "other features of bytecode", "its own"),
            (
                Mismatch::Dialect {
                    file: Dialect::CircuitPython,
                    board: Dialect::MicroPython,
                },
                "CircuitPython",
                "MicroPython",
            ),
            (
                code(Arch::ArmV6M, Some(Arch::ArmV6M), (2, 3)),
                "machine code version 2",
                "version 3",
            ),
            (
                code(Arch::XtensaWin, Some(Arch::ArmV6M), (3, 3)),
                "machine code of xtensawin",
                "armv6m",
            ),
            (
                code(Arch::XtensaWin, None, (3, 3)),
                "machine code of xtensawin",
                "bytecode only",
            ),
            (
                Mismatch::Extensions {
                    arch: Arch::Rv32Imc,
                },
                "rv32imc with more extensions",
                "rv32imc without them",
            ),
        ] {
            let error = MpyError::from(mismatch).to_string();
            assert_eq!(
                error,
                format!("the .mpy file is for {file}, the board loads {board}")
            );
        }
        assert!(matches!(
            MpyError::from(Mismatch::NoMpy),
            MpyError::BoardLoadsNone
        ));
    }
}
