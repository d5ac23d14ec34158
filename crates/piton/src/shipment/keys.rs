//! The keys that sign and check builds, in the user's files.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use piton_shipment::signature::{KeyFile, Password, PublicKey, SecretKey, SignatureError};
use serde::Serialize;

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
    /// The file of a new key cannot be written. One that exists is never replaced.
    #[error("could not write `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
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

/// The files of a pair of keys that is to be made.
///
/// ```
/// use piton::shipment::keys::{NewKeyFiles, public_key};
///
/// # let folder = tempfile::tempdir()?;
/// let files = NewKeyFiles::at(&folder.path().join("release.key"))?;
/// let key = files.create(None)?;
/// assert!(public_key(&key.public_key).is_ok());
/// assert!(NewKeyFiles::at(&folder.path().join("release.key")).is_err(), "a key is never replaced");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKeyFiles {
    /// The file of the secret key.
    pub secret: PathBuf,
    /// The file of the public key: the same name with the ending `.pub`.
    pub public: PathBuf,
}

/// A pair of keys that was made: what `piton keygen --json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct NewKey {
    /// The public key, as one line of text.
    pub public_key: String,
    /// The identifier of the key, in hexadecimal.
    pub id: String,
    /// The path of the secret key. What is not UTF-8 in it is replaced by U+FFFD, here and below.
    pub secret_file: String,
    /// The path of the public key.
    pub public_file: String,
}

impl NewKeyFiles {
    /// Returns the files for a secret key at `path`, before a person is asked for a password.
    ///
    /// # Errors
    ///
    /// [`KeyError::Write`] if one of them exists, or if both would be one file: `release.pub`.
    pub fn at(path: &Path) -> Result<NewKeyFiles, KeyError> {
        let public = path.with_extension("pub");
        if public == path {
            let text = "the public key would have this name, so the secret key needs another";
            return Err(unwritable(path)(io::Error::other(text)));
        }
        for path in [path, &public] {
            if path.symlink_metadata().is_ok() {
                return Err(unwritable(path)(io::ErrorKind::AlreadyExists.into()));
            }
        }
        Ok(NewKeyFiles {
            secret: path.to_owned(),
            public,
        })
    }

    /// Makes the keys and writes both files, which only their owner can read. With a password the secret key is of no use
    /// without it.
    ///
    /// # Errors
    ///
    /// [`KeyError::Invalid`] if the system gives no random numbers, [`KeyError::Write`].
    pub fn create(&self, password: Option<&Password>) -> Result<NewKey, KeyError> {
        let key = SecretKey::generate().map_err(invalid(&self.secret))?;
        let text = match password {
            Some(password) => key.protect(password).map_err(invalid(&self.secret))?,
            None => key.to_text(),
        };
        create(&self.secret, &text)?;
        let public_text = key.public_text();
        if let Err(error) = create(&self.public, &public_text) {
            // Half of a pair is of no use, and its name would be taken. The first error is the one to return.
            let _ = std::fs::remove_file(&self.secret);
            return Err(error);
        }
        Ok(NewKey {
            // After a comment.
            public_key: public_text.lines().nth(1).unwrap_or_default().to_owned(),
            id: key.id(),
            secret_file: self.secret.display().to_string(),
            public_file: self.public.display().to_string(),
        })
    }
}

/// Creates a file that only its owner can read. An existing one is never replaced.
fn create(path: &Path, text: &str) -> Result<(), KeyError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path).map_err(unwritable(path))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| {
            // The disk is full: a part of a key is not a key.
            let _ = std::fs::remove_file(path);
            unwritable(path)(error)
        })
}

fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> KeyError {
    let path = path.to_owned();
    |source| KeyError::Write { path, source }
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Opens a key file. Returns the identifier of the key and whether a password was asked for.
    fn opened(path: &Path, kept: &mut Option<OpenedKey>) -> Result<(String, bool), KeyError> {
        let mut is_asked = false;
        let key = secret_key(path, kept, || {
            is_asked = true;
            Ok::<Password, KeyError>(Password::new("secret".to_owned()))
        })?;
        Ok((key.id(), is_asked))
    }

    #[test]
    fn the_files_of_a_pair_are_two_and_never_replace_others() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| NewKeyFiles::at(&folder.path().join(name));
        let refusal = |name: &str| match at(name) {
            Err(KeyError::Write { path, source }) => {
                (path == folder.path().join(name), source.to_string())
            }
            other => panic!("{name}: {other:?}"),
        };
        let files = at("release.key").unwrap();
        assert_eq!(files.public, folder.path().join("release.pub"));
        assert_eq!(
            at("release").unwrap().public,
            folder.path().join("release.pub")
        );
        // Both keys in one file would make the secret one public.
        let (is_named, why) = refusal("release.pub");
        assert!(is_named && why.contains("needs another"), "{why}");
        fs::write(folder.path().join("release.pub"), "").unwrap();
        assert!(at("release.key").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_pair_whose_public_half_cannot_be_written_leaves_no_secret_half() {
        let folder = tempfile::tempdir().unwrap();
        let files = NewKeyFiles::at(&folder.path().join("a.key")).unwrap();
        // Another process made the file since.
        fs::write(&files.public, "theirs").unwrap();
        assert!(
            matches!(files.create(None), Err(KeyError::Write { path, .. }) if path == files.public)
        );
        assert!(!files.secret.exists());
        assert_eq!(fs::read_to_string(&files.public).unwrap(), "theirs");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_a_secret_key() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let files = NewKeyFiles::at(&folder.path().join("a.key")).unwrap();
        files.create(None).unwrap();
        let mode = fs::metadata(&files.secret).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_public_key_is_a_file_or_the_text_itself() {
        let folder = tempfile::tempdir().unwrap();
        let files = NewKeyFiles::at(&folder.path().join("a.key")).unwrap();
        let made = files.create(None).unwrap();
        let of_file = public_key(&files.public.to_string_lossy()).unwrap();
        let of_text = public_key(&made.public_key).unwrap();
        let secret = KeyFile::parse(&fs::read_to_string(&files.secret).unwrap()).unwrap();
        let KeyFile::Open(secret) = secret else {
            panic!("there is no password")
        };
        let signature = secret.sign(b"content", "comment");
        for key in [of_file, of_text] {
            assert!(key.check(b"content", &signature).is_ok());
            assert!(key.check(b"contents", &signature).is_err());
        }
        for text in ["", "RWQ", "no such file.pub", &made.id] {
            assert!(
                matches!(public_key(text), Err(KeyError::Invalid { path, .. }) if path == Path::new(text)),
                "{text}"
            );
        }
        // A secret key does not verify anything.
        assert!(public_key(&files.secret.to_string_lossy()).is_err());
    }

    #[test]
    fn a_secret_key_is_read_again_only_when_its_file_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one.key"), folder.path().join("two.key"));
        let first = NewKeyFiles::at(&one).unwrap().create(None).unwrap();
        let second = NewKeyFiles::at(&two).unwrap().create(None).unwrap();
        let mut kept = None;
        assert_eq!(opened(&one, &mut kept).unwrap(), (first.id.clone(), false));
        assert_eq!(opened(&one, &mut kept).unwrap().0, first.id);
        assert_eq!(opened(&two, &mut kept).unwrap().0, second.id);
        fs::copy(&two, &one).unwrap();
        assert_eq!(opened(&one, &mut kept).unwrap().0, second.id);
        fs::write(&one, "no key").unwrap();
        assert!(matches!(
            opened(&one, &mut kept),
            Err(KeyError::Invalid { .. })
        ));
        fs::remove_file(&one).unwrap();
        assert!(matches!(
            opened(&one, &mut kept),
            Err(KeyError::Read { .. })
        ));
    }
}
