//! A board's own telnet server: `telnet://`, for the WiPy and other boards whose firmware has one.
//!
//! Such a server requests a user and a password:
//!
//! ```text
//! < Login as: > micro
//! < Password: > python
//! < Login succeeded!
//! < Type "help()" for more information.
//! < >>>
//! ```
//!
//! Other servers, for example a serial port behind ser2net, request none. There is no encryption.

use std::time::{Duration, Instant};

use super::Transport;
use super::rfc2217::Rfc2217;
use super::webrepl::Password;
use crate::deadline::Deadline;
use crate::error::Error;

/// TCP port of telnet.
pub const DEFAULT_PORT: u16 = 23;

/// The default user: that of the WiPy.
pub const DEFAULT_USER: &str = "micro";

/// Silence after which the server counts as one without a login.
const QUIET: Duration = Duration::from_secs(1);

/// Timeout of each step of the login.
const STEP: Duration = Duration::from_secs(10);

const LOGIN: &[u8] = b"ogin as:";
const PASSWORD: &[u8] = b"assword:";
/// A part of the greeting after a successful login.
const GREETING: &[u8] = b"more information";
const PROMPT: &[u8] = b">>>";

/// Number of bytes at the end of the server's output that are examined.
const TAIL: usize = 256;

/// Logs in to a telnet server, if it requests a login. `address` names the server in errors.
///
/// # Errors
///
/// [`Error::PasswordNeeded`], [`Error::PasswordRefused`]; [`Error::Disconnected`] if the server closes the connection.
pub(crate) fn log_in(
    connection: &Rfc2217,
    address: &str,
    user: &str,
    password: Option<&Password>,
) -> Result<(), Error> {
    let greeting = wait_for(connection, &[LOGIN, PROMPT], Some(QUIET))?;
    if greeting != Some(LOGIN) {
        return Ok(());
    }
    let password = password.ok_or_else(|| Error::PasswordNeeded {
        address: address.to_owned(),
    })?;
    let refused = || Error::PasswordRefused {
        address: address.to_owned(),
    };
    send(connection, user)?;
    wait_for(connection, &[PASSWORD], None)?.ok_or_else(refused)?;
    send(connection, password.as_str())?;
    match wait_for(connection, &[GREETING, PROMPT, LOGIN], None)? {
        Some(found) if found != LOGIN => Ok(()),
        // The server requests the login again, or its answer is unknown.
        _ => Err(refused()),
    }
}

/// Waits until the server has sent one of `texts`, and returns its index. Returns `None` after `quiet` without a byte, or
/// after [`STEP`].
fn wait_for(
    connection: &Rfc2217,
    texts: &[&'static [u8]],
    quiet: Option<Duration>,
) -> Result<Option<&'static [u8]>, Error> {
    let mut tail: Vec<u8> = Vec::new();
    let mut buffer = [0; 64];
    let end = Instant::now() + STEP;
    loop {
        let limit = quiet.unwrap_or(STEP);
        let left = end.saturating_duration_since(Instant::now()).min(limit);
        match connection.read(&mut buffer, Deadline::after(left)) {
            Ok(count) => tail.extend_from_slice(buffer.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => return Ok(None),
            Err(source) => return Err(lost(source)),
        }
        let found = texts
            .iter()
            .find(|text| tail.windows(text.len()).any(|window| window == **text));
        if let Some(found) = found {
            return Ok(Some(found));
        }
        let excess = tail.len().saturating_sub(TAIL);
        tail.drain(..excess);
    }
}

fn send(connection: &Rfc2217, line: &str) -> Result<(), Error> {
    connection
        .write_all(format!("{line}\r\n").as_bytes(), Deadline::after(STEP))
        .map_err(lost)
}

fn lost(source: std::io::Error) -> Error {
    Error::Disconnected {
        waiting_for: "the login",
        source,
    }
}
