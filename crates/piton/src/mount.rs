//! Serving a folder to a board, and compiling its modules when the board imports them.
//!
//! [`Board::mount`](crate::Board::mount) joins three crates: the file server of [`crate::fs::mount`], the compiler,
//! and the cache of compiled modules. The board's programs read the unchanged sources; only an import gets the
//! `.mpy`, from memory.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use piton_fs::mount::{MountOptions, Source, Translate};
use piton_project::cache::{COMPILED_LIMIT, Cache};

use crate::board_format::BoardFormat;
use crate::cache_folder::compiled_folder;
use crate::compile::compile_cached;
use crate::host_file;

pub use piton_fs::mount::{MOUNT_POINT, MountError, Mounted};

/// Receives the events of a mount.
pub type MountReporter = Arc<dyn Fn(&MountEvent) + Send + Sync>;

/// Settings of a mount. `Settings::default()` compiles, and refuses links that lead out of the folder.
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Follow symbolic links that lead out of the folder.
    pub unsafe_links: bool,
    /// Refuse all changes by the board.
    pub read_only: bool,
    /// Compile modules when they are imported.
    pub auto_mpy: bool,
    /// Also write each compiled module to the folder of its source.
    pub write_mpy: bool,
    /// The cache folder of compiled modules; `None` for no cache.
    pub cache: Option<PathBuf>,
    /// Receives the events.
    pub report: Option<MountReporter>,
}

impl Default for Settings {
    /// Returns settings that compile, refuse links that lead out, and keep compiled modules in the folder of
    /// [`compiled_folder`].
    fn default() -> Settings {
        Settings {
            unsafe_links: false,
            read_only: false,
            auto_mpy: true,
            write_mpy: false,
            cache: compiled_folder().ok(),
            report: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("unsafe_links", &self.unsafe_links)
            .field("read_only", &self.read_only)
            .field("auto_mpy", &self.auto_mpy)
            .field("write_mpy", &self.write_mpy)
            .field("cache", &self.cache)
            .field("report", &self.report.is_some())
            .finish()
    }
}

/// A module that a board imports from a mounted folder.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum MountEvent {
    /// The board gets a compiled module.
    Compiled {
        /// The path of the source below the mounted folder.
        name: String,
        /// Size of the `.mpy`, in bytes.
        size: usize,
        /// Whether it came from the cache.
        cached: bool,
    },
    /// The board gets the source.
    NotCompiled {
        /// The path of the source below the mounted folder.
        name: String,
        /// The reason.
        reason: String,
    },
    /// The board has its module, but the module could not be stored.
    NotKept {
        /// The path of the source below the mounted folder.
        name: String,
        /// The operating system's error.
        reason: String,
    },
}

impl fmt::Display for MountEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MountEvent::Compiled { name, size, cached } => {
                let origin = if *cached {
                    "from the cache"
                } else {
                    "compiled"
                };
                write!(f, "mount: `{name}` {origin}, {size} bytes")
            }
            MountEvent::NotCompiled { name, reason } => {
                write!(f, "mount: `{name}` is imported as source: {reason}")
            }
            MountEvent::NotKept { name, reason } => {
                write!(f, "mount: the compiled `{name}` is not kept: {reason}")
            }
        }
    }
}

/// Returns the options of the file server for these settings.
pub(crate) fn options(settings: &Settings) -> MountOptions {
    let mut options = MountOptions::default();
    options.unsafe_links = settings.unsafe_links;
    options.read_only = settings.read_only;
    options.translate = settings.auto_mpy.then(|| translate(settings.clone()));
    options
}

fn translate(settings: Settings) -> Translate {
    let cache = settings
        .cache
        .as_ref()
        .map(|folder| Cache::new(folder, COMPILED_LIMIT));
    Arc::new(move |source: &Source<'_>| {
        let report = |event: MountEvent| {
            if let Some(report) = &settings.report {
                report(&event);
            }
        };
        let name = source.name.to_owned();
        match compile(source, cache.as_ref(), &report) {
            Ok(module) => {
                if settings.write_mpy
                    && !source.read_only
                    && let Err(error) =
                        host_file::write(&source.path.with_extension("mpy"), &module)
                {
                    let reason = error.to_string();
                    report(MountEvent::NotKept { name, reason });
                }
                Some(module)
            }
            Err(reason) => {
                report(MountEvent::NotCompiled { name, reason });
                None
            }
        }
    })
}

/// Returns the `.mpy` of a source, or why there is none.
fn compile(
    source: &Source<'_>,
    cache: Option<&Cache>,
    report: &dyn Fn(MountEvent),
) -> Result<Vec<u8>, String> {
    // The file server needs `vfs.mount`, which CircuitPython does not have, so the board runs MicroPython.
    let options = BoardFormat::micropython(source.mpy).compiler_options(source.name);
    let options = options.map_err(|error| error.to_string())?;
    let name = source.name.to_owned();
    let compiled =
        compile_cached(source.content, &options, cache).map_err(|error| error.to_string())?;
    if let Some(error) = compiled.not_kept {
        report(MountEvent::NotKept {
            name: name.clone(),
            reason: error.to_string(),
        });
    }
    report(MountEvent::Compiled {
        name,
        size: compiled.mpy.len(),
        cached: compiled.cached,
    });
    Ok(compiled.mpy)
}
