//! Numbers of operating system errors, as the C library of Linux has them.

use std::io::{Error, ErrorKind};

/// Errors that a file can give, where the system's own number says something else.
const NUMBERS: &[(ErrorKind, i32)] = &[
    (ErrorKind::NotFound, 2),
    (ErrorKind::PermissionDenied, 13),
    (ErrorKind::AlreadyExists, 17),
    (ErrorKind::NotADirectory, 20),
    (ErrorKind::IsADirectory, 21),
    (ErrorKind::InvalidInput, 22),
    (ErrorKind::InvalidFilename, 22),
    (ErrorKind::StorageFull, 28),
    (ErrorKind::ReadOnlyFilesystem, 30),
];

/// EIO, for whatever has no number of its own.
const INPUT_OUTPUT: i32 = 5;

/// Returns the number to print for an error.
pub(super) fn of(error: &Error) -> i32 {
    if cfg!(unix)
        && let Some(number) = error.raw_os_error()
    {
        return number;
    }
    NUMBERS
        .iter()
        .find(|(kind, _)| *kind == error.kind())
        .map_or(INPUT_OUTPUT, |(_, number)| *number)
}
