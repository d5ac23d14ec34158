//! Failures about keys for signatures.

use std::path::PathBuf;

use piton::shipment::signature::SignatureError;

use crate::signing;

/// Why a key cannot be used or made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SigningError {
    /// A key cannot be used.
    #[error("`{}`: {source}", path.display())]
    Key {
        /// The file of the key.
        path: PathBuf,
        /// What is wrong.
        source: SignatureError,
    },
    /// A secret key has a password, and there is no terminal to prompt for it.
    #[error("`{}` has a password, and there is no terminal to ask for it", path.display())]
    NoPassword {
        /// The file of the key.
        path: PathBuf,
    },
    /// A new key needs a password, and there is no terminal to prompt for one.
    #[error("a new key needs a password, and there is no terminal to ask for it")]
    NoNewPassword,
    /// A new password is empty.
    #[error("an empty password protects nothing")]
    EmptyPassword,
    /// A new password was typed differently the second time.
    #[error("the two passwords are not the same")]
    TwoPasswords,
}

impl SigningError {
    /// Returns the hints.
    pub(super) fn hints(&self) -> Vec<String> {
        match self {
            SigningError::NoPassword { .. } => vec![signing::hint()],
            SigningError::NoNewPassword | SigningError::EmptyPassword => vec![
                signing::hint(),
                "`--no-password` makes a key without one".to_owned(),
            ],
            SigningError::Key {
                source: SignatureError::WrongPassword,
                ..
            } => signing::wrong_password_hints(),
            _ => Vec::new(),
        }
    }
}
