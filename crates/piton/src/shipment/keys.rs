//! The keys that sign and check builds, in the user's files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use piton_shipment::signature::{KeyFile, Password, PublicKey, SecretKey, SignatureError};

/// Why there is no key to sign or to check with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file, or the text itself, is not a valid key.
    #[error("`{}`: {source}", path.display())]
    Invalid {
        /// The file, or the text.
        path: PathBuf,
        /// What is wrong with it.
        source: SignatureError,
    },
}

/// Returns the public key in the file called `text`, or `text` itself as a key.
///
/// # Errors
///
/// [`KeyError`].
pub fn public_key(text: &str) -> Result<PublicKey, KeyError> {
    let path = Path::new(text);
    let content = match path.is_file() {
        true => read(path)?,
        false => text.to_owned(),
    };
    PublicKey::parse(&content).map_err(invalid(path))
}

/// A secret key that was read from a file. Its password is needed again only when the file has changed.
pub struct OpenedKey {
    path: PathBuf,
    text: String,
    key: Arc<SecretKey>,
}

/// Returns the secret key in the file at `path`; `ask` returns its password if it has one. `opened` keeps the key: `ask` is
/// not called again while the file is the same.
///
/// # Errors
///
/// [`KeyError`], and what `ask` returns.
pub fn secret_key<E: From<KeyError>>(
    path: &Path,
    opened: &mut Option<OpenedKey>,
    ask: impl FnOnce() -> Result<Password, E>,
) -> Result<Arc<SecretKey>, E> {
    let text = read(path)?;
    if let Some(opened) = opened
        && opened.path == path
        && opened.text == text
    {
        return Ok(Arc::clone(&opened.key));
    }
    let key = match KeyFile::parse(&text).map_err(invalid(path))? {
        KeyFile::Open(key) => key,
        KeyFile::Protected(key) => key.open(&ask()?).map_err(invalid(path))?,
    };
    let key = Arc::new(key);
    *opened = Some(OpenedKey {
        path: path.to_owned(),
        text,
        key: Arc::clone(&key),
    });
    Ok(key)
}

fn read(path: &Path) -> Result<String, KeyError> {
    // Not `regular::read`: the path may be a pipe, as in `--key <(pass show key)`.
    std::fs::read_to_string(path).map_err(|source| KeyError::Read {
        path: path.to_owned(),
        source,
    })
}

fn invalid(path: &Path) -> impl FnOnce(SignatureError) -> KeyError {
    let path = path.to_owned();
    |source| KeyError::Invalid { path, source }
}
