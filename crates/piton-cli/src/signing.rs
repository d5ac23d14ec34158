//! The passwords of secret keys: from the environment, else from the user at the terminal.

use std::path::Path;
use std::sync::Arc;

use piton::shipment::keys::{self, KeyError, OpenedKey};
use piton::shipment::signature::{Password, SecretKey};

use crate::environment::SIGN_PASSWORD;
use crate::error::{CommandError, FileError, SigningError};
use crate::password;

/// Reads the secret key at `path`, and prompts for its password if it has one; `opened` keeps the key for the next
/// call.
///
/// # Errors
///
/// [`FileError::Read`], [`SigningError::Key`]; [`SigningError::NoPassword`] without a terminal to ask at, and
/// [`CommandError::Interrupted`] if the user ended the question.
pub(crate) fn read_key(
    path: &Path,
    opened: &mut Option<OpenedKey>,
) -> Result<Arc<SecretKey>, CommandError> {
    keys::secret_key(path, opened, || {
        if let Some(password) = from_environment() {
            return Ok(password);
        }
        let password = password::ask(&format!("Password of `{}`: ", path.display()))?;
        password.map(Password::new).ok_or_else(|| {
            CommandError::from(SigningError::NoPassword {
                path: path.to_owned(),
            })
        })
    })
}

/// Returns a password for a new key at `path`: from the environment, else from the user at the terminal, who types it
/// twice.
///
/// # Errors
///
/// [`SigningError::NoNewPassword`] without a terminal to ask at, [`SigningError::EmptyPassword`],
/// [`SigningError::TwoPasswords`]; [`CommandError::Interrupted`] if the user ended the question.
pub(crate) fn new_password(path: &Path) -> Result<Password, CommandError> {
    if let Some(password) = from_environment() {
        return Ok(password);
    }
    let ask = |question: &str| match password::ask(question)? {
        Some(text) => Ok(Password::new(text)),
        None => Err(CommandError::from(SigningError::NoNewPassword)),
    };
    let password = ask(&format!("New password of `{}`: ", path.display()))?;
    if password.is_empty() {
        return Err(SigningError::EmptyPassword.into());
    }
    if ask("Once more: ")? != password {
        return Err(SigningError::TwoPasswords.into());
    }
    Ok(password)
}

impl From<KeyError> for CommandError {
    fn from(error: KeyError) -> CommandError {
        match error {
            KeyError::Read { path, source } => CommandError::from(FileError::Read {
                path: path.display().to_string(),
                source,
            }),
            KeyError::Write { path, source } => CommandError::from(FileError::Write {
                path: path.display().to_string(),
                source,
            }),
            KeyError::Invalid { path, source } => {
                CommandError::from(SigningError::Key { path, source })
            }
        }
    }
}

fn from_environment() -> Option<Password> {
    let mut text = std::env::var(SIGN_PASSWORD).ok()?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    let password = Password::new(text);
    (!password.is_empty()).then_some(password)
}

/// Returns the hint for a password without a terminal to prompt for it.
pub(crate) fn hint() -> String {
    format!("set the environment variable {SIGN_PASSWORD} to the password")
}

/// Returns the source of a wrong password, if it was not typed.
pub(crate) fn wrong_password_hints() -> Vec<String> {
    match from_environment() {
        Some(_) => vec![format!(
            "it came from the environment variable {SIGN_PASSWORD}"
        )],
        None => Vec::new(),
    }
}
