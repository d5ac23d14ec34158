//! Passwords that the command line does not have: asking for one, and where a WebREPL's comes from.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use piton::error::BoardError;
use piton::session::PasswordPrompt;
use piton::transport::webrepl::Password;

use crate::environment::WEBREPL_PASSWORD;
use crate::error::CommandError;
use crate::{terminal, ui};

/// Why a person at the terminal gave no answer.
#[derive(Debug)]
pub(crate) enum AskError {
    /// The person pressed Ctrl-C.
    Interrupted,
    /// The terminal cannot be used.
    Terminal(io::Error),
}

impl From<AskError> for CommandError {
    fn from(error: AskError) -> CommandError {
        match error {
            AskError::Interrupted => CommandError::Interrupted,
            AskError::Terminal(source) => CommandError::Terminal(source),
        }
    }
}

/// Returns how a session gets the password of a WebREPL: from the environment, else from the person at the terminal.
pub(crate) fn prompt() -> PasswordPrompt {
    Arc::new(|address| {
        if let Ok(text) = std::env::var(WEBREPL_PASSWORD) {
            return Ok(Some(Password::new(text)));
        }
        match ask(&format!("Password for {address}: ")) {
            Ok(answer) => Ok(answer.map(Password::new)),
            Err(AskError::Interrupted) => Err(BoardError::Cancelled.into()),
            Err(AskError::Terminal(source)) => Err(piton::Error::Password {
                address: address.to_owned(),
                source,
            }),
        }
    })
}

/// Asks the person at the terminal for a secret, without showing what is typed. Returns `None` when there is no person.
///
/// # Errors
///
/// [`AskError::Interrupted`] when the person pressed Ctrl-C, [`AskError::Terminal`].
pub(crate) fn ask(question: &str) -> Result<Option<String>, AskError> {
    if !io::stdin().is_terminal() || !ui::is_read_by_a_person() {
        return Ok(None);
    }
    let line = terminal::read_hidden_line(|| ui::question(question));
    // The terminal does not show the Enter either.
    ui::question("\n");
    match line.map_err(AskError::Terminal)? {
        Some(text) => Ok(Some(text)),
        None => Err(AskError::Interrupted),
    }
}
