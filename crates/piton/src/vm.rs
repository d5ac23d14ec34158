//! Finding and fetching the VM file of the virtual board.
//!
//! The virtual board runs the official WebAssembly build of MicroPython. The file is not in Piton's repository.
//! It is searched in this order:
//!
//! 1. the file named by the caller,
//! 2. the file named by the environment variable `PITON_VM`,
//! 3. inside the program, where it was built with `PITON_EMBED_VM=FILE` as release builds are,
//! 4. `vm/VERSION/micropython.wasm` in the [cache folder](crate::cache_folder),
//! 5. fetched once into that cache folder: from [`URL`] (or the address in `PITON_VM_URL`), else by the npm
//!    client where one is installed.
//!
//! Files of 1 and 2 may be any version; those of 3 to 5 have the pinned [`SHA512`]. A [`Release`] that is asked for by
//! its version is searched in 3 to 5 only.

mod fetch;
mod pinned;
mod releases;

pub use pinned::{FILE_NAME, SHA512, VERSION};
pub use releases::{PINNED, RELEASES, Release};

use std::env;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Arc;

use data_encoding::HEXLOWER;
use piton_project::cache::Key;
use sha2::{Digest, Sha512};
use tracing::{debug, trace};
use virtual_board::{VmError, VmImage};

use crate::cache_folder::{NoCacheFolder, cache_folder, started_firmware};
use crate::environment;
use crate::events;

/// The npm package that holds the VM file.
pub const PACKAGE: &str = "@micropython/micropython-webassembly-pyscript";

/// The address of the VM file: a public network that mirrors npm packages file by file.
pub const URL: &str = "https://cdn.jsdelivr.net/npm/@micropython/micropython-webassembly-pyscript@1.29.0-6/micropython.wasm";

/// Why there is no VM file to run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VmFileError {
    /// The named file cannot be used.
    #[error("VM file `{}` (named by {named_by}) cannot be read: {source}", path.display())]
    Named {
        /// The path as given.
        path: PathBuf,
        /// What names it.
        named_by: NamedBy,
        /// The operating system's error.
        source: io::Error,
    },
    /// The file in the cache was changed.
    #[error("VM file `{}` is damaged: it is not version {version} (SHA-512 {found:.16}..., expected {sha512:.16}...)", path.display(), version = release.version, sha512 = release.sha512)]
    Damaged {
        /// The expected version.
        release: Release,
        /// Path of the file in the cache.
        path: PathBuf,
        /// The SHA-512 of its content.
        found: String,
    },
    /// This system has no home folder to keep a cache in.
    #[error(
        "no folder to keep the VM file in: there is no home folder, and `PITON_CACHE_DIR` is not set"
    )]
    NoCacheFolder,
    /// No way to fetch the file worked.
    #[error("could not fetch the VM file `{FILE_NAME}` {}: {}", release.version, attempts.join("; "))]
    Fetch {
        /// The version.
        release: Release,
        /// The path of the file in the cache.
        place: PathBuf,
        /// The failed attempts: one sentence each.
        attempts: Vec<String>,
    },
    /// The file was fetched, but could not be kept, or the cache could not be read.
    #[error("VM file `{}`: {source}", path.display())]
    Cache {
        /// Path in the cache.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

/// The source of a VM file's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// The options of the caller.
    Options,
    /// The environment variable [`VM`](environment::VM).
    Environment,
}

impl fmt::Display for NamedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NamedBy::Options => "the options",
            NamedBy::Environment => environment::VM,
        })
    }
}

/// A step of [`locate`] that takes time.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum VmEvent {
    /// The VM file is being fetched.
    Fetching {
        /// The address, or the npm command.
        from: String,
        /// The path in the cache.
        #[serde(serialize_with = "events::path")]
        to: PathBuf,
    },
}

impl From<NoCacheFolder> for VmFileError {
    fn from(_: NoCacheFolder) -> VmFileError {
        VmFileError::NoCacheFolder
    }
}

/// The VM file that a virtual board runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VmFile {
    /// A file of this computer, of any version.
    Path(PathBuf),
    /// The file of a release in the cache, which was read and checked.
    Cached {
        /// The path.
        path: PathBuf,
        /// The release.
        release: Release,
        /// All its bytes.
        content: Arc<Vec<u8>>,
    },
    /// The file inside this program: all its bytes.
    Embedded(&'static [u8]),
}

impl VmFile {
    /// Starts the firmware in the file. The memory of the started firmware is kept in the
    /// [cache folder](crate::cache_folder), so that the next process does not start it again; a damaged entry is
    /// ignored and replaced.
    ///
    /// # Errors
    ///
    /// As [`VmImage::open`].
    pub fn open(&self) -> Result<VmImage, VmError> {
        match self {
            VmFile::Path(path) => {
                let bytes = fs_err::read(path).map_err(VmError::Read)?;
                started(&bytes, Key::new("started firmware").with(&bytes))
            }
            VmFile::Cached {
                release, content, ..
            } => started(content, release_key(*release)),
            // The build script has checked it.
            VmFile::Embedded(bytes) if embedded().is_some_and(|own| ptr::eq(own, *bytes)) => {
                started(bytes, release_key(PINNED))
            }
            VmFile::Embedded(bytes) => started(bytes, Key::new("started firmware").with(bytes)),
        }
    }
}

/// Returns the key of a release's firmware. The hash of its file is known, so the file is not hashed again.
fn release_key(release: Release) -> Key {
    Key::new("started firmware of a release").with(release.sha512.as_bytes())
}

/// The path of the file, or `(in the program)`.
impl fmt::Display for VmFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VmFile::Path(path) | VmFile::Cached { path, .. } => path.display().fmt(f),
            VmFile::Embedded(_) => f.write_str("(in the program)"),
        }
    }
}

/// Returns the VM file that this program was built with, if it was.
pub fn embedded() -> Option<&'static [u8]> {
    #[cfg(embedded_vm)]
    return Some(include_bytes!(concat!(
        env!("OUT_DIR"),
        "/micropython.wasm"
    )));
    #[cfg(not(embedded_vm))]
    None
}

/// Returns the image of a VM file, from the cache if it was started before. `file` is the key for the file.
fn started(wasm: &[u8], file: Key) -> Result<VmImage, VmError> {
    let Some(cache) = started_firmware() else {
        return VmImage::from_bytes(wasm);
    };
    let key = VmImage::start_inputs().fold(file, Key::with);
    if let Some(start) = cache.get(&key) {
        // An image of this file was made when the entry was, so an error would be a new one.
        if let Some(image) = VmImage::resume(wasm, &start)? {
            trace!("the started firmware is in the cache");
            return Ok(image);
        }
    }
    trace!("the firmware is started, and kept in the cache");
    let image = VmImage::from_bytes(wasm)?;
    if let Err(error) = cache.put(&key, &image.started()) {
        debug!(%error, "the started firmware cannot be kept");
    }
    Ok(image)
}

/// Finds the VM file, and fetches it if it does not exist. `report` is called before the file is fetched.
///
/// # Errors
///
/// - [`VmFileError::Named`]: `explicit` or `PITON_VM` names a file that does not exist.
/// - [`VmFileError::Damaged`]: the file in the cache has another checksum. It is not replaced, because the user
///   may have put it there.
/// - [`VmFileError::Fetch`], [`VmFileError::Cache`], [`VmFileError::NoCacheFolder`]: the file could not be fetched or
///   stored.
pub fn locate(
    explicit: Option<&Path>,
    report: &mut dyn FnMut(VmEvent),
) -> Result<VmFile, VmFileError> {
    Places::of_system(explicit).locate(&mut |place| fetch::fetch(PINNED, place, report))
}

/// Finds the VM file of a version, and fetches it if it does not exist. `report` is called before the file is fetched.
///
/// # Errors
///
/// As [`locate`], without [`VmFileError::Named`].
pub fn locate_release(
    release: Release,
    report: &mut dyn FnMut(VmEvent),
) -> Result<VmFile, VmFileError> {
    let places = Places {
        release,
        explicit: None,
        environment: None,
        embedded: embedded().filter(|_| release == PINNED),
        cache: cache_folder(),
    };
    places.locate(&mut |place| fetch::fetch(release, place, report))
}

/// Looks for the VM file as [`locate`] does, but fetches nothing: `None` where it would have to be fetched.
///
/// # Errors
///
/// As [`locate`], without [`VmFileError::Fetch`].
pub fn look(explicit: Option<&Path>) -> Result<Option<VmFile>, VmFileError> {
    let mut is_nowhere = false;
    let found = Places::of_system(explicit).locate(&mut |place| {
        is_nowhere = true;
        Err(VmFileError::Fetch {
            release: PINNED,
            place: place.to_owned(),
            attempts: Vec::new(),
        })
    });
    match found {
        Err(VmFileError::Fetch { .. }) if is_nowhere => Ok(None),
        found => found.map(Some),
    }
}

/// The possible places of the VM file, in the order of the search.
struct Places {
    release: Release,
    explicit: Option<PathBuf>,
    environment: Option<PathBuf>,
    embedded: Option<&'static [u8]>,
    cache: Result<PathBuf, NoCacheFolder>,
}

/// Fetches the bytes of the VM file for this place.
type Fetch<'a> = dyn FnMut(&Path) -> Result<Vec<u8>, VmFileError> + 'a;

impl Places {
    fn of_system(explicit: Option<&Path>) -> Places {
        Places {
            release: PINNED,
            explicit: explicit.map(Path::to_owned),
            environment: env::var_os(environment::VM).map(PathBuf::from),
            embedded: embedded(),
            cache: cache_folder(),
        }
    }

    fn locate(self, fetch: &mut Fetch<'_>) -> Result<VmFile, VmFileError> {
        if let Some(path) = self.explicit {
            debug!(path = %path.display(), "the VM file is the one of the options");
            return readable(path, NamedBy::Options);
        }
        // An empty variable counts as unset.
        let named = self.environment.filter(|path| path.as_os_str() != "");
        if let Some(path) = named {
            debug!(path = %path.display(), "the VM file is the one of the environment");
            return readable(path, NamedBy::Environment);
        }
        if let Some(bytes) = self.embedded {
            debug!("the VM file is the one in the program");
            return Ok(VmFile::Embedded(bytes));
        }
        let place = self
            .cache?
            .join("vm")
            .join(self.release.version)
            .join(FILE_NAME);
        let release = self.release;
        let cached = |path: PathBuf, bytes: Vec<u8>| VmFile::Cached {
            path,
            release,
            content: Arc::new(bytes),
        };
        match std::fs::read(&place) {
            Ok(bytes) => {
                let found = sha512(&bytes);
                if found == self.release.sha512 {
                    debug!(path = %place.display(), "the VM file is in the cache");
                    Ok(cached(place, bytes))
                } else {
                    Err(VmFileError::Damaged {
                        release: self.release,
                        path: place,
                        found,
                    })
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                debug!(path = %place.display(), "the VM file is not in the cache, so it is fetched");
                let bytes = fetch(&place)?;
                store(&place, &bytes).map_err(|source| VmFileError::Cache {
                    path: place.clone(),
                    source,
                })?;
                Ok(cached(place, bytes))
            }
            Err(source) => Err(VmFileError::Cache {
                path: place,
                source,
            }),
        }
    }
}

fn readable(path: PathBuf, named_by: NamedBy) -> Result<VmFile, VmFileError> {
    match std::fs::File::open(&path).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_file() => Ok(VmFile::Path(path)),
        Ok(_) => Err(VmFileError::Named {
            path,
            named_by,
            source: io::Error::other("it is not a file"),
        }),
        Err(source) => Err(VmFileError::Named {
            path,
            named_by,
            source,
        }),
    }
}

/// Writes the file under a temporary name and renames it, so that two processes that fetch it at once leave a complete
/// file.
fn store(place: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = place
        .parent()
        .ok_or_else(|| io::Error::other("the cache folder has no parent"))?;
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(place).map_err(|error| error.error)?;
    Ok(())
}

/// Returns the SHA-512 of `bytes` in lower-case hexadecimal.
fn sha512(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha512::digest(bytes))
}

#[cfg(test)]
mod tests;
