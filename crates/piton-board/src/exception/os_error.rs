//! The numbers, names and meanings of operating-system errors.

use std::fmt;

/// The operating-system error in an `OSError`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsError {
    /// The number as the board prints it, 2. Network stacks use negative numbers.
    pub number: i32,
    /// The symbol, `ENOENT`, as the board printed it, else from the table.
    pub name: Option<String>,
    /// The meaning, `no such file or directory`.
    pub text: Option<&'static str>,
}

/// MicroPython's py/mperrno.h: number, name, meaning.
///
/// Ports that use the numbers of their C library (esp32: newlib) differ from 95 on. For them the name that the board
/// prints decides.
const TABLE: &[(i32, &str, &str)] = &[
    (1, "EPERM", "operation not permitted"),
    (2, "ENOENT", "no such file or directory"),
    (3, "ESRCH", "no such process"),
    (4, "EINTR", "interrupted system call"),
    (5, "EIO", "input/output error"),
    (6, "ENXIO", "no such device or address"),
    (7, "E2BIG", "argument list too long"),
    (8, "ENOEXEC", "not an executable format"),
    (9, "EBADF", "bad file number"),
    (10, "ECHILD", "no child processes"),
    (11, "EAGAIN", "try again"),
    (12, "ENOMEM", "out of memory"),
    (13, "EACCES", "permission denied"),
    (14, "EFAULT", "bad address"),
    (15, "ENOTBLK", "block device required"),
    (16, "EBUSY", "device or resource busy"),
    (17, "EEXIST", "file exists"),
    (18, "EXDEV", "cross-device link"),
    (19, "ENODEV", "no such device"),
    (20, "ENOTDIR", "not a directory"),
    (21, "EISDIR", "is a directory"),
    (22, "EINVAL", "invalid argument"),
    (23, "ENFILE", "file table overflow"),
    (24, "EMFILE", "too many open files"),
    (25, "ENOTTY", "not a terminal"),
    (26, "ETXTBSY", "text file busy"),
    (27, "EFBIG", "file too large"),
    (28, "ENOSPC", "no space left on device"),
    (29, "ESPIPE", "illegal seek"),
    (30, "EROFS", "read-only file system"),
    (31, "EMLINK", "too many links"),
    (32, "EPIPE", "broken pipe"),
    (33, "EDOM", "argument out of the function's domain"),
    (34, "ERANGE", "result not representable"),
    (39, "ENOTEMPTY", "directory not empty"),
    (95, "EOPNOTSUPP", "operation not supported"),
    (97, "EAFNOSUPPORT", "address family not supported"),
    (98, "EADDRINUSE", "address already in use"),
    (103, "ECONNABORTED", "connection aborted"),
    (104, "ECONNRESET", "connection reset by peer"),
    (105, "ENOBUFS", "no buffer space available"),
    (106, "EISCONN", "already connected"),
    (107, "ENOTCONN", "not connected"),
    (110, "ETIMEDOUT", "connection timed out"),
    (111, "ECONNREFUSED", "connection refused"),
    (113, "EHOSTUNREACH", "no route to host"),
    (114, "EALREADY", "operation already in progress"),
    (115, "EINPROGRESS", "operation now in progress"),
    (125, "ECANCELED", "operation cancelled"),
];

impl OsError {
    /// Returns the error in the text of an `OSError`: `[Errno 2] ENOENT`, `[Errno 2] ENOENT: name`, `2`,
    /// `(-202, 'EAI_FAIL')`. CircuitPython
    /// has a sentence in place of the name.
    pub fn from_message(message: &str) -> Option<OsError> {
        let message = message.trim();
        if let Some((number, rest)) = message
            .strip_prefix("[Errno ")
            .and_then(|rest| rest.split_once(']'))
        {
            return Some(OsError::named(number.parse().ok()?, rest.trim()));
        }
        if let Some((number, rest)) = message
            .strip_prefix('(')
            .and_then(|rest| rest.split_once(','))
        {
            let rest = rest.trim().trim_end_matches([')', ',']);
            let name = rest.trim_matches(['\'', '"']);
            return Some(OsError::named(number.parse().ok()?, name));
        }
        Some(OsError::named(message.parse().ok()?, ""))
    }

    /// Returns the error with this number, and with the words that the board printed after it.
    fn named(number: i32, words: &str) -> OsError {
        let symbol = words.split(':').next().unwrap_or_default();
        let is_symbol = symbol.len() > 1
            && symbol
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let known = if is_symbol {
            by_name(symbol)
        } else {
            // Without a name only the part of the table is used that is the same on every port.
            TABLE.iter().find(|row| row.0 == number)
        };
        let name = if is_symbol {
            Some(symbol)
        } else {
            known.map(|row| row.1)
        };
        OsError {
            number,
            name: name.map(str::to_owned),
            text: known.map(|row| row.2),
        }
    }
}

impl fmt::Display for OsError {
    /// Writes text such as `ENOENT (2): no such file or directory`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.number)?,
            None => write!(f, "error {}", self.number)?,
        }
        match self.text {
            Some(text) => write!(f, ": {text}"),
            None => Ok(()),
        }
    }
}

fn by_name(name: &str) -> Option<&'static (i32, &'static str, &'static str)> {
    TABLE.iter().find(|row| row.1 == name)
}
