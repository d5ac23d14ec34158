//! The folder of files that Piton can fetch or make again.

use std::env;
use std::path::PathBuf;

use etcetera::BaseStrategy;
use piton_project::cache::{COMPILED_LIMIT, Cache};

use crate::environment::CACHE_FOLDER;

/// The limit of the cache of started firmware, in bytes: about forty entries.
const STARTED_LIMIT: u64 = 16_000_000;

/// The folder is unknown: the user has no home folder, and [`CACHE_FOLDER`] is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no folder for the cache: there is no home folder, and `{CACHE_FOLDER}` is not set")]
pub struct NoCacheFolder;

/// Returns the folder: the one that [`CACHE_FOLDER`] names, else `piton` in the user's cache folder (`~/.cache/piton`
/// on Linux). It need not exist.
///
/// # Errors
///
/// [`NoCacheFolder`].
pub fn cache_folder() -> Result<PathBuf, NoCacheFolder> {
    if let Some(folder) = env::var_os(CACHE_FOLDER).filter(|folder| !folder.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    let strategy = etcetera::choose_base_strategy().map_err(|_| NoCacheFolder)?;
    Ok(strategy.cache_dir().join("piton"))
}

/// Returns the folder in it for compiled modules, which all commands share.
///
/// # Errors
///
/// [`NoCacheFolder`].
pub fn compiled_folder() -> Result<PathBuf, NoCacheFolder> {
    Ok(cache_folder()?.join("mpy"))
}

/// Returns the cache of compiled modules; `None` if there is no cache folder. The folder is created with the first
/// write.
pub fn compiled_modules() -> Option<Cache> {
    let folder = compiled_folder().ok()?;
    Some(Cache::new(folder, COMPILED_LIMIT))
}

/// Returns the cache of firmware of the virtual board that has been started; `None` if there is no cache folder. The
/// folder is created with the first write.
pub fn started_firmware() -> Option<Cache> {
    let folder = cache_folder().ok()?.join("vm").join("started");
    Some(Cache::new(folder, STARTED_LIMIT))
}
