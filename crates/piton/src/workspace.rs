//! The packages of a project: what its `pyproject.toml` asks for, fetched and checked, written down in `piton.lock`, and kept in
//! a folder that goes with the project's sources.
//!
//! ```no_run
//! use std::ops::ControlFlow::Continue;
//! use std::path::Path;
//!
//! use piton::deadline::Cancel;
//! use piton::workspace::{Change, FetchSettings, LockOptions, Selection, Workspace};
//!
//! let mut workspace = Workspace::open(Path::new("."))?;
//! let settings = FetchSettings::of_user();
//! let cancel = Cancel::new();
//! let resolved = workspace.resolve(&LockOptions::default(), &settings, &cancel, &mut |_| Continue(()))?;
//! for change in &resolved.changes {
//!     if let Change::Added { name, .. } = change {
//!         println!("new: {name}");
//!     }
//! }
//! workspace.write(&resolved)?;
//! let image = workspace.image(&Selection::default())?;
//! println!("{} files for /lib", image.files.len());
//! # Ok::<(), piton::workspace::PackageError>(())
//! ```
//!
//! # Layout
//!
//! - [`Workspace`] is a project on this computer: its settings, its lock, its folder of dependencies.
//! - [`Workspace::resolve`] decides which packages there are and has their files; nothing is written. [`Workspace::write`] writes
//!   the lock and the folder, each at once. [`Workspace::fetch_locked`] has the files of the lock as it is.
//! - [`Workspace::image`] is what of it belongs on a board, [`Workspace::compare`] says where folder and lock differ.
//! - [`FetchSettings`] says how packages are fetched; [`cache`] is where they are kept.
//! - What is asked for and what is locked are [`piton_project::project`] and [`piton_project::lock`].
//!
//! # The folder of the dependencies
//!
//! `.belay/dependencies/GROUP/` is the content of a board's folder for libraries. A file or folder of the settings is in
//! `GROUP/NAME/`, as belay puts it. A package has its files where they are imported from: `GROUP/aiohttp/__init__.py`. (Belay
//! puts the files of an index's package one folder deeper, from where no board imports them.)

mod add;
pub mod cache;
mod checkout;
mod credentials;
mod error;
mod fetcher;
mod gather;
mod image;
mod index;
mod install;
mod refs;
mod resolve;
mod search;
mod sources;
mod tree;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_project::lock::{FILE_NAME as LOCK_NAME, Lock};
use piton_project::project::{self, Project};

use crate::folder_lock::{self, FolderLock};
use crate::host_file;

pub use add::AddOptions;
pub use credentials::Credentials;
pub use error::PackageError;
pub use fetcher::{FetchSettings, mirrors_of};
pub use image::{Image, ImageFile, Selection};
pub use install::InstallOptions;
pub use resolve::{Change, LockOptions, Resolved, Update};
pub use search::{FoundPackage, Outdated, search};
pub use tree::{Difference, Written};

pub use piton_project::lock;
pub use piton_project::project as settings;

/// How long another process may write to a project before this one gives up.
const BUSY_TIME: Duration = Duration::from_secs(30);

/// Progress of the functions of this module.
#[derive(Clone, Copy, Debug, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PackageEvent<'a> {
    /// A package, or a document about packages, is read.
    Reading {
        /// Its name or address.
        package: &'a str,
    },
    /// A document or file has arrived.
    Fetched {
        /// Its address.
        url: &'a str,
        /// The number of those that have arrived.
        done: usize,
        /// The number of all that were asked for with it.
        of: usize,
    },
    /// A server was busy, and is asked again.
    Retrying {
        /// The address.
        url: &'a str,
        /// The number of tries so far.
        attempt: u32,
    },
}

/// A project on this computer.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    /// The text of the `pyproject.toml`.
    text: String,
    /// Whether the text differs from the file.
    is_changed: bool,
    /// The text as the file had it.
    read: String,
    project: Project,
    lock: Option<Lock>,
}

impl Workspace {
    /// Opens the project that a folder is in: the nearest `pyproject.toml` in it or above it, and the `piton.lock` beside that.
    /// Nothing is written, except that a change of the dependencies that was interrupted is completed or undone.
    ///
    /// # Errors
    ///
    /// [`PackageError::Project`] without a `pyproject.toml`, or for one that cannot be used; [`PackageError::Lock`].
    pub fn open(folder: &Path) -> Result<Workspace, PackageError> {
        let path = project::find(folder)?;
        let workspace = Workspace::at(&path)?;
        // What another process is at work with is not interrupted.
        if let Some(_lock) = folder_lock::take(&workspace.root) {
            let settings = (path.as_path(), workspace.text.as_str());
            if tree::settle(&workspace.dependencies(), &workspace.lock_path(), settings)? {
                return Workspace::at(&path);
            }
        }
        Ok(workspace)
    }

    /// Reads the project of a `pyproject.toml`.
    fn at(path: &Path) -> Result<Workspace, PackageError> {
        let text = std::fs::read_to_string(path).map_err(|source| PackageError::Read {
            path: path.to_owned(),
            source,
        })?;
        let project = Project::parse(&text).map_err(|source| {
            PackageError::Project(project::ProjectError::Schema {
                path: path.to_owned(),
                source,
            })
        })?;
        let root = path.parent().unwrap_or(Path::new(".")).to_owned();
        let lock = read_lock(&root.join(LOCK_NAME))?;
        Ok(Workspace {
            root,
            read: text.clone(),
            text,
            is_changed: false,
            project,
            lock,
        })
    }

    /// Waits until no other process writes to the project, and keeps others from writing to it.
    ///
    /// # Errors
    ///
    /// [`PackageError::Busy`]; [`PackageError::Meanwhile`] if the settings are not those that were read.
    fn to_write(&self) -> Result<FolderLock, PackageError> {
        let deadline = Deadline::after(BUSY_TIME);
        let lock = loop {
            match folder_lock::take(&self.root) {
                Some(lock) => break lock,
                None if deadline.has_passed() => {
                    let folder = self.root.clone();
                    return Err(PackageError::Busy { folder });
                }
                None => thread::sleep(Duration::from_millis(20)),
            }
        };
        match std::fs::read_to_string(self.pyproject()) {
            Ok(text) if text == self.read => Ok(lock),
            _ => Err(PackageError::Meanwhile {
                path: self.pyproject(),
            }),
        }
    }

    /// Returns the folder of the `pyproject.toml`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the settings.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Returns the lock, if there is one.
    pub fn lock(&self) -> Option<&Lock> {
        self.lock.as_ref()
    }

    /// Returns the folder of the dependencies. It need not exist.
    pub fn dependencies(&self) -> PathBuf {
        let names = self.project.dependencies_path.names();
        names.fold(self.root.clone(), |folder, name| folder.join(name))
    }

    /// Returns the path of the `pyproject.toml`.
    pub fn pyproject(&self) -> PathBuf {
        self.root.join(project::FILE_NAME)
    }

    /// Returns the path of the lock.
    pub fn lock_path(&self) -> PathBuf {
        self.root.join(LOCK_NAME)
    }

    /// Writes the `pyproject.toml`, if it was changed here.
    fn save_settings(&mut self) -> Result<(), PackageError> {
        if !self.is_changed {
            return Ok(());
        }
        let path = self.pyproject();
        host_file::write_through(&path, self.text.as_bytes())
            .map_err(|source| PackageError::Write { path, source })?;
        self.is_changed = false;
        self.read.clone_from(&self.text);
        Ok(())
    }

    /// Returns the project with another text of its `pyproject.toml`, which is not written yet.
    fn with_text(&self, text: String) -> Result<Workspace, PackageError> {
        let project = Project::parse(&text).map_err(|source| {
            PackageError::Project(project::ProjectError::Schema {
                path: self.pyproject(),
                source,
            })
        })?;
        Ok(Workspace {
            is_changed: text != self.text,
            text,
            project,
            ..self.clone()
        })
    }
}

fn read_lock(path: &Path) -> Result<Option<Lock>, PackageError> {
    let bytes = match crate::regular::read(path, crate::regular::Links::Follow, lock::SIZE_LIMIT) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            let path = path.to_owned();
            return Err(PackageError::Read { path, source });
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    match Lock::parse(&text) {
        Ok(lock) => Ok(Some(lock)),
        Err(source) => Err(PackageError::Lock {
            path: path.to_owned(),
            source: Box::new(source),
        }),
    }
}

/// What takes events.
type Events<'e> = dyn FnMut(PackageEvent<'_>) -> ControlFlow<()> + 'e;
