//! Secret keys to sign with, and where their passwords come from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use piton::shipment::signature::{KeyFile, Password, SecretKey};

use crate::error::CommandError;
use crate::password;

/// The environment variable with the password of a secret key, with or without a line end. Empty is as good as not
/// set: so a secret that a CI service does not hand out looks.
pub(crate) const VARIABLE: &str = "PITON_SIGN_PASSWORD";

/// A key that was read. Its password is needed again only when the file has changed.
pub(crate) struct Opened {
    path: PathBuf,
    text: String,
    key: Arc<SecretKey>,
}

/// Read the key at `path`, and open it where it has a password; nothing is done where `before` is the same.
///
/// # Errors
///
/// [`CommandError::ReadFile`], [`CommandError::Key`]; [`CommandError::NoPassword`] where nobody can be asked, and
/// [`CommandError::Interrupted`] when the person would not tell.
pub(crate) fn read_key(
    path: &Path,
    before: &mut Option<Opened>,
) -> Result<Arc<SecretKey>, CommandError> {
    let text = std::fs::read_to_string(path).map_err(|source| CommandError::ReadFile {
        path: path.display().to_string(),
        source,
    })?;
    if let Some(before) = before
        && before.path == path
        && before.text == text
    {
        return Ok(Arc::clone(&before.key));
    }
    let failed = |source| CommandError::Key {
        path: path.to_owned(),
        source,
    };
    let key = match KeyFile::parse(&text).map_err(failed)? {
        KeyFile::Open(key) => key,
        KeyFile::Protected(key) => {
            let question = format!("Password of `{}`: ", path.display());
            let password = match from_environment() {
                Some(password) => Some(password),
                None => password::ask(&question)?.map(Password::new),
            };
            let password = password.ok_or_else(|| CommandError::NoPassword {
                path: path.to_owned(),
            })?;
            key.open(&password).map_err(failed)?
        }
    };
    let key = Arc::new(key);
    *before = Some(Opened {
        path: path.to_owned(),
        text,
        key: Arc::clone(&key),
    });
    Ok(key)
}

/// A password for a new key at `path`: from the environment, else from the person at the terminal, who types it twice.
///
/// # Errors
///
/// [`CommandError::NoNewPassword`] where nobody can be asked, [`CommandError::EmptyPassword`],
/// [`CommandError::TwoPasswords`]; [`CommandError::Interrupted`] when the person thought better of it.
pub(crate) fn new_password(path: &Path) -> Result<Password, CommandError> {
    if let Some(password) = from_environment() {
        return Ok(password);
    }
    let ask = |question: &str| match password::ask(question)? {
        Some(text) => Ok(Password::new(text)),
        None => Err(CommandError::NoNewPassword),
    };
    let password = ask(&format!("New password of `{}`: ", path.display()))?;
    if password.is_empty() {
        return Err(CommandError::EmptyPassword);
    }
    if ask("Once more: ")? != password {
        return Err(CommandError::TwoPasswords);
    }
    Ok(password)
}

fn from_environment() -> Option<Password> {
    let mut text = std::env::var(VARIABLE).ok()?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    let password = Password::new(text);
    (!password.is_empty()).then_some(password)
}

/// How a password is given where nobody can be asked.
pub(crate) fn hint() -> String {
    format!("set the environment variable {VARIABLE} to the password")
}

/// What a person can do about a password that is wrong.
pub(crate) fn wrong_password_hints() -> Vec<String> {
    match from_environment() {
        Some(_) => vec![format!("it came from the environment variable {VARIABLE}")],
        None => Vec::new(),
    }
}
