//! Passwords that are not on the command line: the question at the terminal, and the password of a WebREPL.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use piton::error::BoardError;
use piton::session::PasswordPrompt;
use piton::transport::webrepl::Password;

use crate::environment::WEBREPL_PASSWORD;
use crate::error::CommandError;
use crate::{terminal, ui};

/// Why a question at the terminal has no answer.
#[derive(Debug)]
pub(crate) enum AskError {
    /// The user pressed Ctrl-C.
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

/// Returns the function from which a session gets the password of a WebREPL: from the environment, else from the user
/// at the terminal.
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

/// Asks the user at the terminal for a secret, without showing what is typed. Returns `None` when there is no
/// terminal.
///
/// # Errors
///
/// [`AskError::Interrupted`] when the user pressed Ctrl-C, [`AskError::Terminal`].
pub(crate) fn ask(question: &str) -> Result<Option<String>, AskError> {
    if !io::stdin().is_terminal() || !ui::is_read_by_a_person() {
        return Ok(None);
    }
    let line = terminal::read_hidden_line(|| ui::question(question));
    // The terminal does not echo the Enter either.
    ui::question("\n");
    match line.map_err(AskError::Terminal)? {
        Some(text) => Ok(Some(text)),
        None => Err(AskError::Interrupted),
    }
}
