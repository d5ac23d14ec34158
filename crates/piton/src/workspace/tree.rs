//! The folder of the dependencies: what it should have, what it has, and writing it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use piton_path::{PortablePath, Sha256Hex};
use piton_project::lock::{Lock, LockedDependency, LockedFile, find_conflict};
use piton_project::mip::FILE_LIMIT;
use piton_project::project::Project;
use serde::Serialize;

use super::{PackageError, Resolved, Workspace};
use crate::host_file;
use crate::host_folder::{Replacement, hard_copy};
use crate::host_tree::{self, Kind, Rules};
use crate::left_out;
use crate::regular::{self, Links};

/// A file of the folder of the dependencies that is not as in the lock.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Difference {
    /// It is missing.
    Missing {
        /// `GROUP/PATH`.
        path: String,
    },
    /// It has another content.
    Changed {
        /// `GROUP/PATH`.
        path: String,
    },
    /// The lock does not have it.
    Extra {
        /// `GROUP/PATH`.
        path: String,
    },
}

impl Difference {
    /// Returns the path of the file, as `GROUP/PATH`.
    pub fn path(&self) -> &str {
        match self {
            Difference::Missing { path }
            | Difference::Changed { path }
            | Difference::Extra { path } => path,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Missing { path } => write!(f, "`{path}` is missing"),
            Difference::Changed { path } => write!(f, "`{path}` was changed"),
            Difference::Extra { path } => write!(f, "`{path}` is not in the lock"),
        }
    }
}

/// What [`Workspace::write`] wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Written {
    /// Whether the lock was written.
    pub lock: bool,
    /// The differences of the folder of the dependencies that are no more.
    pub files: Vec<Difference>,
}

/// The wanted files of each group, by their paths.
type Wanted<'l> = BTreeMap<&'l str, BTreeMap<&'l str, &'l LockedFile>>;

impl Workspace {
    /// Returns where the folder of the dependencies differs from the lock. What tools leave there (`__pycache__`) does not count.
    ///
    /// # Errors
    ///
    /// [`PackageError::NotLocked`], [`PackageError::Folder`], [`PackageError::Conflict`].
    pub fn compare(&self) -> Result<Vec<Difference>, PackageError> {
        let lock = self.lock.as_ref().ok_or(PackageError::NotLocked)?;
        differences(&self.dependencies(), &wanted(lock, &self.project)?)
    }

    /// Writes the settings, if they were changed, the lock and the folder of the dependencies. Each of them is old or new at any
    /// moment, in this order; after a cut, the next call writes the rest from the cache. One process at a time writes to a project.
    ///
    /// # Errors
    ///
    /// [`PackageError::Different`] for files that neither `resolved` nor the folder has: [`Workspace::fetch_locked`] has them.
    /// [`PackageError::Busy`], [`PackageError::Meanwhile`], [`PackageError::Write`].
    pub fn write(&mut self, resolved: &Resolved) -> Result<Written, PackageError> {
        let _lock = self.to_write()?;
        let folder = self.dependencies();
        let project = self.project.clone();
        let wanted = wanted(&resolved.lock, &project)?;
        let differences = differences(&folder, &wanted)?;
        let lacking: Vec<Difference> = differences
            .iter()
            .filter(|difference| !resolved.can_mend(difference, &wanted))
            .cloned()
            .collect();
        if !lacking.is_empty() {
            return Err(PackageError::Different {
                differences: lacking,
            });
        }
        self.save_settings()?;
        let mut written = Written {
            lock: self.lock.as_ref() != Some(&resolved.lock),
            files: differences,
        };
        if written.lock {
            let path = self.lock_path();
            host_file::write(&path, resolved.lock.to_text().as_bytes())
                .map_err(|source| PackageError::Write { path, source })?;
        }
        let old = self.lock.replace(resolved.lock.clone());
        let gone = self.gone_groups(old.as_ref(), &folder);
        if !written.files.is_empty() || !gone.is_empty() {
            write_tree(&folder, &wanted, &gone, resolved)?;
        }
        written.files.sort();
        Ok(written)
    }

    /// Returns the folders of groups that the lock had and the settings lack.
    fn gone_groups(&self, old: Option<&Lock>, folder: &Path) -> BTreeSet<String> {
        let groups = old.into_iter().flat_map(|lock| &lock.dependencies);
        let groups: BTreeSet<&str> = groups.map(|one| one.group.as_str()).collect();
        let is_known = |name: &str| self.project.groups.iter().any(|group| group.name == name);
        let gone = groups
            .into_iter()
            .filter(|name| !is_known(name) && folder.join(name).is_dir());
        gone.map(ToOwned::to_owned).collect()
    }

    /// Removes what the settings do not have from the folder of the dependencies: folders of groups that are not theirs, and
    /// entries that are neither of a dependency nor of the lock. Returns the paths, as `GROUP/NAME` or `GROUP`. With `dry_run`
    /// nothing is removed.
    ///
    /// # Errors
    ///
    /// [`PackageError::Folder`], [`PackageError::Write`].
    pub fn clean(&self, dry_run: bool) -> Result<Vec<String>, PackageError> {
        let folder = self.dependencies();
        let mut kept: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for group in &self.project.groups {
            let names = group.dependencies.iter().map(|one| one.name.clone());
            kept.entry(&group.name).or_default().extend(names);
        }
        if let Some(lock) = &self.lock {
            // A lock from before the last change of the settings may list what they do not name any more.
            let mut lock = lock.clone();
            let is_named = |one: &LockedDependency| {
                let dependency = self.project.dependency(&one.group, &one.name);
                dependency.is_some()
            };
            lock.dependencies.retain(is_named);
            for (group, files) in wanted(&lock, &self.project)? {
                if let Some(names) = kept.get_mut(group) {
                    let first = files.keys().filter_map(|path| path.split('/').next());
                    names.extend(first.map(ToOwned::to_owned));
                }
            }
        }
        let mut removed = Vec::new();
        for group in entries(&folder)? {
            let path = folder.join(&group);
            if !path.is_dir() {
                continue;
            }
            let Some(names) = kept.get(group.as_str()) else {
                removed.push(group);
                continue;
            };
            let unknown = entries(&path)?
                .into_iter()
                .filter(|name| !names.contains(name));
            removed.extend(unknown.map(|name| format!("{group}/{name}")));
        }
        for name in removed.iter().filter(|_| !dry_run) {
            let path = folder.join(name);
            let is_folder = path.is_dir() && !path.is_symlink();
            let done = match is_folder {
                true => fs::remove_dir_all(&path),
                false => fs::remove_file(&path),
            };
            done.map_err(|source| PackageError::Write { path, source })?;
        }
        Ok(removed)
    }
}

impl Resolved {
    /// Returns whether the content for a difference is here.
    fn can_mend(&self, difference: &Difference, wanted: &Wanted<'_>) -> bool {
        let (Difference::Missing { path } | Difference::Changed { path }) = difference else {
            return true;
        };
        let file = path
            .split_once('/')
            .and_then(|(group, path)| wanted.get(group)?.get(path));
        file.is_some_and(|file| self.contents.contains_key(&file.sha256))
    }
}

/// Returns the names in a folder, sorted; none if it does not exist.
fn entries(folder: &Path) -> Result<Vec<String>, PackageError> {
    let failed = |error: io::Error| PackageError::Folder {
        folder: folder.to_owned(),
        reason: error.to_string(),
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        if let Some(name) = entry.map_err(failed)?.file_name().to_str() {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Returns the wanted files of each group of a lock; none for a group of the settings that has no dependencies.
fn wanted<'l>(lock: &'l Lock, project: &'l Project) -> Result<Wanted<'l>, PackageError> {
    let mut wanted = Wanted::new();
    for group in lock.dependencies.iter().map(|one| one.group.as_str()) {
        if wanted.contains_key(group) {
            continue;
        }
        let packages = lock.of_groups(|name| name == group);
        find_conflict(packages.iter().copied())?;
        let files = packages.iter().flat_map(|package| &package.files);
        let files = files.map(|file| (file.path.as_str(), file));
        wanted.insert(group, files.collect());
    }
    for group in &project.groups {
        wanted.entry(&group.name).or_default();
    }
    Ok(wanted)
}

fn differences(folder: &Path, wanted: &Wanted<'_>) -> Result<Vec<Difference>, PackageError> {
    let mut differences = Vec::new();
    for (group, files) in wanted {
        let mut found = BTreeSet::new();
        for path in files_of(&folder.join(group))? {
            let shown = format!("{group}/{path}");
            let Some(file) = files.get(path.as_str()) else {
                differences.push(Difference::Extra { path: shown });
                continue;
            };
            let content = regular::read(&folder.join(group).join(&path), Links::Refuse, FILE_LIMIT);
            match content {
                Ok(content) if Sha256Hex::of(&content) == file.sha256 => {}
                _ => differences.push(Difference::Changed { path: shown }),
            }
            found.insert(path);
        }
        let missing = files.keys().filter(|path| !found.contains(**path));
        differences.extend(missing.map(|path| Difference::Missing {
            path: format!("{group}/{path}"),
        }));
    }
    Ok(differences)
}

/// Returns the files below a folder, as paths with `/`. What tools leave is left out.
pub(super) fn files_of(folder: &Path) -> Result<Vec<String>, PackageError> {
    let failed = |error: host_tree::WalkError| PackageError::Folder {
        folder: folder.to_owned(),
        reason: error.to_string(),
    };
    let mut files = Vec::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    let rules = Rules {
        links: host_tree::Links::Keep,
        ..Rules::default()
    };
    let mut entries = host_tree::walk(folder, rules);
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(failed)?;
        let path = entry.text().map_err(failed)?.to_owned();
        let is_folder = matches!(entry.kind, Kind::Folder);
        if left_out::reason(&path, is_folder).is_some() {
            if is_folder {
                entries.skip_folder();
            }
        } else if !is_folder {
            files.push(path);
        }
    }
    Ok(files)
}

/// Completes or undoes a change that was interrupted.
pub(super) fn settle(folder: &Path) -> Result<(), PackageError> {
    let replacement = Replacement::of(folder);
    replacement.settle().map_err(|source| PackageError::Write {
        path: folder.to_owned(),
        source,
    })
}

/// Writes the folder beside its place, and exchanges the two. Entries that are of no group of the lock, nor in `gone`, stay.
fn write_tree(
    folder: &Path,
    wanted: &Wanted<'_>,
    gone: &BTreeSet<String>,
    resolved: &Resolved,
) -> Result<(), PackageError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| PackageError::Write { path, source }
    };
    let replacement = Replacement::of(folder);
    let new = replacement.begin().map_err(failed(folder))?;
    for name in entries(folder)? {
        if !wanted.contains_key(name.as_str()) && !gone.contains(&name) {
            hard_copy(&folder.join(&name), &new.join(&name)).map_err(failed(&new))?;
        }
    }
    for (group, files) in wanted {
        for (path, file) in files {
            let place = inner(&new.join(group), &file.path);
            let parent = place.parent().unwrap_or(&new);
            fs::create_dir_all(parent).map_err(failed(parent))?;
            let old = inner(&folder.join(group), &file.path);
            let written = match resolved.contents.get(&file.sha256) {
                Some(content) => fs::write(&place, content),
                None => fs::copy(&old, &place).map(drop),
            };
            written.map_err(failed(&folder.join(group).join(path)))?;
        }
    }
    replacement.finish().map_err(failed(folder))
}

fn inner(folder: &Path, path: &PortablePath) -> PathBuf {
    folder.join(path.to_path())
}
