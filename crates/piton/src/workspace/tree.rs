//! The folder of the dependencies: what it should have, what it has, and writing it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use piton_path::{PortablePath, Sha256Hex};
use piton_project::lock::{Lock, LockedDependency, LockedFile, SIZE_LIMIT, find_conflict};
use piton_project::mip::FILE_LIMIT;
use piton_project::project::Project;
use serde::{Deserialize, Serialize};
use tracing::debug;

use super::{PackageError, Resolved, Workspace, read_lock};
use crate::host_file;
use crate::host_folder::{Replacement, hard_copy, sync_all};
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
        self.differences(&wanted(lock, &self.project)?)
    }

    /// Writes the settings, if they were changed, the lock and the folder of the dependencies. All of it is one change, which is
    /// made when the lock is written: after a cut before that everything is old, and after a cut behind it the next
    /// [`Workspace::open`] completes the rest. One process at a time writes to a project.
    ///
    /// # Errors
    ///
    /// [`PackageError::Different`] for files that neither `resolved` nor the folder has: [`Workspace::fetch_locked`] has them.
    /// [`PackageError::Busy`], [`PackageError::Meanwhile`], [`PackageError::Write`].
    pub fn write(&mut self, resolved: &Resolved) -> Result<Written, PackageError> {
        let _lock = self.to_write()?;
        let folder = self.dependencies();
        // Another process may have written, or may have been cut off.
        settle(&folder, &self.lock_path(), (&self.pyproject(), &self.read))?;
        self.lock = read_lock(&self.lock_path())?;
        let project = self.project.clone();
        let wanted = wanted(&resolved.lock, &project)?;
        let differences = self.differences(&wanted)?;
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
        let mut written = Written {
            lock: self.lock.as_ref() != Some(&resolved.lock),
            files: differences,
        };
        let gone = self.gone_groups(self.lock.as_ref(), &folder);
        let text = resolved.lock.to_text();
        let has_tree = !written.files.is_empty() || !gone.is_empty() || self.is_changed;
        let pending = match has_tree {
            true => {
                let lock = match written.lock {
                    true => Sha256Hex::of(text.as_bytes()),
                    // The file may be written in another way, with the same meaning.
                    false => Sha256Hex::of(&fs::read(self.lock_path()).unwrap_or_default()),
                };
                let change = Pending::new(self, lock);
                Some(prepare(&folder, &wanted, &gone, resolved, &change)?)
            }
            false => None,
        };
        if written.lock {
            let path = self.lock_path();
            host_file::write_through(&path, text.as_bytes())
                .map_err(|source| PackageError::Write { path, source })?;
        }
        self.save_settings()?;
        self.lock = Some(resolved.lock.clone());
        if let Some(replacement) = pending {
            put_in_place(&folder, &replacement)?;
        }
        written.files.sort();
        Ok(written)
    }

    /// Compares the folder of the dependencies. Copies of dependencies in development count as little as what tools leave there.
    fn differences(&self, wanted: &Wanted<'_>) -> Result<Vec<Difference>, PackageError> {
        let mut differences = differences(&self.dependencies(), wanted)?;
        differences.retain(|difference| {
            let Difference::Extra { path } = difference else {
                return true;
            };
            let mut names = path.split('/');
            let (group, name) = (names.next(), names.next().unwrap_or_default());
            let mut groups = self.project.groups.iter();
            let group = groups.find(|one| Some(one.name.as_str()) == group);
            group.is_none_or(|group| !group.in_development().contains(name))
        });
        Ok(differences)
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

/// A change that is prepared: what it makes of the lock and the settings. It is a file in the new folder of the dependencies.
#[derive(Debug, Serialize, Deserialize)]
struct Pending {
    /// The hash of the new lock's text.
    lock: Sha256Hex,
    /// The hash of the old settings' text.
    settings: Sha256Hex,
    /// The new settings' text, if it is another one.
    text: Option<String>,
}

/// The name of the file of a [`Pending`].
const PENDING: &str = ".piton-pending.json";

impl Pending {
    fn new(workspace: &Workspace, lock: Sha256Hex) -> Pending {
        Pending {
            lock,
            settings: Sha256Hex::of(workspace.read.as_bytes()),
            text: workspace.is_changed.then(|| workspace.text.clone()),
        }
    }

    /// Reads the change that a folder was prepared for.
    fn read(new: &Path) -> Option<Pending> {
        let path = new.join(PENDING);
        let bytes = regular::read(&path, Links::Refuse, FILE_LIMIT).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

/// Completes or undoes a change that was interrupted. Returns whether the settings were written.
pub(super) fn settle(
    folder: &Path,
    lock: &Path,
    settings: (&Path, &str),
) -> Result<bool, PackageError> {
    let replacement = Replacement::of(folder);
    let failed = |source| PackageError::Write {
        path: folder.to_owned(),
        source,
    };
    for path in [lock, settings.0] {
        host_file::remove_unfinished(path).map_err(failed)?;
    }
    let pending = Pending::read(replacement.new_folder());
    let is_made = |pending: &Pending| {
        let lock = regular::read(lock, Links::Follow, SIZE_LIMIT);
        lock.is_ok_and(|lock| Sha256Hex::of(&lock) == pending.lock)
    };
    let Some(pending) = pending.filter(is_made) else {
        replacement.settle().map_err(failed)?;
        remove_mark(folder).map_err(failed)?;
        return Ok(false);
    };
    debug!("an interrupted change of the project is completed");
    let (path, text) = settings;
    let is_old = Sha256Hex::of(text.as_bytes()) == pending.settings;
    let new_text = pending.text.filter(|_| is_old);
    if let Some(text) = &new_text {
        let written = host_file::write_through(path, text.as_bytes());
        written.map_err(|source| PackageError::Write {
            path: path.to_owned(),
            source,
        })?;
    }
    put_in_place(folder, &replacement)?;
    Ok(new_text.is_some())
}

/// Exchanges the old folder and the new one.
fn put_in_place(folder: &Path, replacement: &Replacement) -> Result<(), PackageError> {
    let done = replacement.finish().and_then(|()| remove_mark(folder));
    done.map_err(|source| PackageError::Write {
        path: folder.to_owned(),
        source,
    })
}

/// Removes what says that a folder was prepared: it is in its place.
fn remove_mark(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(PENDING)) {
        Err(error) if folder.is_dir() && error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes the folder beside its place, with the change that it belongs to. Entries that are of no group of the lock, nor in `gone`,
/// stay.
fn prepare(
    folder: &Path,
    wanted: &Wanted<'_>,
    gone: &BTreeSet<String>,
    resolved: &Resolved,
    change: &Pending,
) -> Result<Replacement, PackageError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| PackageError::Write { path, source }
    };
    let replacement = Replacement::of(folder);
    let new = replacement.begin().map_err(failed(folder))?;
    for name in entries(folder)? {
        let is_ours = wanted.contains_key(name.as_str()) || gone.contains(&name);
        if !is_ours && name != PENDING {
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
    // The mark makes the folder whole, so everything else is on the disk before it.
    sync_all(&new).map_err(failed(&new))?;
    let mark = serde_json::to_vec(change).map_err(io::Error::other);
    let marked = mark.and_then(|mark| host_file::write_through(&new.join(PENDING), &mark));
    marked.map_err(failed(&new))?;
    Ok(replacement)
}

fn inner(folder: &Path, path: &PortablePath) -> PathBuf {
    folder.join(path.to_path())
}
