//! Where a WebREPL's password comes from, when the command line does not have it.

use std::io::{self, IsTerminal};

use piton::transport::webrepl::Password;

use crate::error::CommandError;
use crate::{terminal, ui};

/// The environment variable with the password.
pub(crate) const VARIABLE: &str = "PITON_WEBREPL_PASSWORD";

/// The password for the board at `address`: from the environment, else from the person at the terminal. `None` when
/// there is neither.
///
/// # Errors
///
/// [`CommandError::Interrupted`] when the person would not tell.
pub(crate) fn find(address: &str) -> Result<Option<Password>, CommandError> {
    if let Ok(text) = std::env::var(VARIABLE) {
        return Ok(Some(Password::new(text)));
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(None);
    }
    ui::question(&format!("Password for {address}: "));
    let line = terminal::read_hidden_line().map_err(CommandError::Terminal);
    // Enter was not shown either.
    ui::question("\n");
    match line? {
        Some(text) => Ok(Some(Password::new(text))),
        None => Err(CommandError::Interrupted),
    }
}
