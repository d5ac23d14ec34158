//! Passwords that the command line does not have: asking for one, and where a WebREPL's comes from.

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
    Ok(ask(&format!("Password for {address}: "))?.map(Password::new))
}

/// Ask the person at the terminal for something that nobody must see. `None` when there is no person.
///
/// # Errors
///
/// [`CommandError::Interrupted`] when the person would not tell.
pub(crate) fn ask(question: &str) -> Result<Option<String>, CommandError> {
    if !io::stdin().is_terminal() || !ui::is_read_by_a_person() {
        return Ok(None);
    }
    let line = terminal::read_hidden_line(|| ui::question(question));
    // Enter was not shown either.
    ui::question("\n");
    match line.map_err(CommandError::Terminal)? {
        Some(text) => Ok(Some(text)),
        None => Err(CommandError::Interrupted),
    }
}
