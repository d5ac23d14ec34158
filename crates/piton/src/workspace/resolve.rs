//! From the settings to a lock: packages, versions, and the content of every file.

use std::collections::{BTreeMap, BTreeSet};

use piton_board::deadline::Cancel;
use piton_path::Sha256Hex;
use piton_project::lock::{Lock, LockedDependency, LockedFile, LockedPackage};
use piton_project::mip::FILE_LIMIT;
use piton_project::version::Version;
use serde::Serialize;

use super::checkout::Checkouts;
use super::fetcher::{FetchSettings, Fetcher, Request};
use super::gather::{FilePlace, Gathered, WantedFile, gather};
use super::sources::read_within;
use super::{Events, PackageError, Workspace, index};

/// Maximum size of all files of a project's packages, in bytes.
const TOTAL_LIMIT: u64 = 256 << 20;

/// Which packages may get other versions than in the lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// Only those whose version does not fit any more.
    #[default]
    Nothing,
    /// These dependencies or packages.
    Named(Vec<String>),
    /// All.
    Everything,
}

/// Options of [`Workspace::resolve`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LockOptions {
    /// Which packages may change.
    pub update: Update,
    /// The lock must be that of the settings already: [`PackageError::Stale`].
    pub locked: bool,
}

/// One difference between two locks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// A package is new.
    Added {
        /// The package.
        name: String,
        /// Its version.
        version: Option<String>,
    },
    /// A package is not needed any more.
    Removed {
        /// The package.
        name: String,
        /// Its version.
        version: Option<String>,
    },
    /// A package has another version, or other files.
    Updated {
        /// The package.
        name: String,
        /// Its version before.
        before: Option<String>,
        /// Its version now.
        version: Option<String>,
    },
}

/// A lock, and the content of its files.
#[derive(Clone, Debug, Default)]
pub struct Resolved {
    /// The lock.
    pub lock: Lock,
    /// What differs from the lock before.
    pub changes: Vec<Change>,
    /// The files by their hashes.
    pub(super) contents: BTreeMap<Sha256Hex, Vec<u8>>,
}

impl Workspace {
    /// Returns what differs between the lock and the settings, each as a clause; nothing if the lock is that of the settings.
    /// Files of this computer are compared by their content.
    ///
    /// # Errors
    ///
    /// [`PackageError::NotLocked`].
    pub fn stale(&self) -> Result<Vec<String>, PackageError> {
        let lock = self.lock.as_ref().ok_or(PackageError::NotLocked)?;
        let mut changed = Vec::new();
        if lock.mpy_version != self.project.mpy_version {
            changed.push("`mpy_version` was changed".to_owned());
        }
        if lock.indices != self.project.package_indices {
            changed.push("`package_indices` was changed".to_owned());
        }
        let text = |group: &str, name: &str, source: &str| format!("{group} {name} {source}");
        let asked = self.project.dependencies();
        let asked: BTreeMap<String, &str> = asked
            .map(|(group, one)| (text(&group.name, &one.name, &one.text()), one.name.as_str()))
            .collect();
        let locked = lock.dependencies.iter();
        let locked: BTreeMap<String, &str> = locked
            .map(|one| (text(&one.group, &one.name, &one.source), one.name.as_str()))
            .collect();
        let missing = asked.iter().filter(|(text, _)| !locked.contains_key(*text));
        let gone = locked.iter().filter(|(text, _)| !asked.contains_key(*text));
        let mut names: BTreeSet<&str> = missing.map(|(_, name)| *name).collect();
        names.extend(gone.map(|(_, name)| *name));
        changed.extend(names.iter().map(|name| format!("`{name}` was changed")));
        for package in &lock.packages {
            let is_changed = package.files.iter().any(|file| {
                let content = || std::fs::read(self.root.join(&file.url));
                is_local(file)
                    && content().map_or(true, |bytes| Sha256Hex::of(&bytes) != file.sha256)
            });
            if is_changed {
                changed.push(format!("the files of `{}` were changed", package.name));
            }
        }
        Ok(changed)
    }

    /// Decides which packages the project has, and fetches and checks their files. The versions of the lock stay where they fit,
    /// except those to update. Nothing is written; see [`Workspace::write`].
    ///
    /// If the lock is that of the settings and nothing is to be updated, no server is asked, and the result is the lock as it is.
    ///
    /// # Errors
    ///
    /// [`PackageError`]; [`PackageError::Changed`] if a package in the lock has other files now and the same version, and is not
    /// to be updated.
    pub fn resolve(
        &self,
        options: &LockOptions,
        settings: &FetchSettings,
        cancel: &Cancel,
        events: &mut Events<'_>,
    ) -> Result<Resolved, PackageError> {
        let stale = match &self.lock {
            Some(_) => self.stale()?,
            None if options.locked => return Err(PackageError::NotLocked),
            None => vec![String::new()],
        };
        if options.locked && !stale.is_empty() {
            return Err(PackageError::Stale { changed: stale });
        }
        if let (Some(lock), true, Update::Nothing) = (&self.lock, stale.is_empty(), &options.update)
        {
            return Ok(Resolved {
                lock: lock.clone(),
                ..Resolved::default()
            });
        }
        let updated = self.updated(&options.update)?;
        let fetcher = Fetcher::new(settings, cancel);
        let preferred = self.preferred(&updated);
        let gathered = gather(&self.project, &self.root, &preferred, &fetcher, events)?;
        let mut resolved = self.lock_of(gathered, &fetcher, events)?;
        self.check_unchanged(&resolved.lock, &updated)?;
        resolved.lock.check().map_err(|source| match source {
            piton_project::lock::LockError::Conflict(conflict) => conflict.into(),
            source => PackageError::Lock {
                path: self.lock_path(),
                source: Box::new(source),
            },
        })?;
        resolved.changes = changes(self.lock.as_ref(), &resolved.lock);
        Ok(resolved)
    }

    /// Fetches the files of the lock as it is, whatever the settings say.
    ///
    /// # Errors
    ///
    /// [`PackageError::NotLocked`]; [`PackageError::Hash`] for a file that is not the locked one any more.
    pub fn fetch_locked(
        &self,
        settings: &FetchSettings,
        cancel: &Cancel,
        events: &mut Events<'_>,
    ) -> Result<Resolved, PackageError> {
        let lock = self.lock.as_ref().ok_or(PackageError::NotLocked)?;
        let fetcher = Fetcher::new(settings, cancel);
        let mut contents = BTreeMap::new();
        let mut missing: Vec<&LockedFile> = Vec::new();
        for file in lock.packages.iter().flat_map(|package| &package.files) {
            if contents.contains_key(&file.sha256) {
                continue;
            }
            match fetcher.by_hash(&file.sha256) {
                Some(content) => {
                    contents.insert(file.sha256.clone(), content);
                }
                None => missing.push(file),
            }
        }
        let mut wanted = Vec::new();
        let mut checkouts = Checkouts::new(&fetcher);
        for file in &missing {
            wanted.push(WantedFile {
                path: file.path.clone(),
                place: self.place_of(file, &mut checkouts, events)?,
                hash: None,
            });
        }
        let fetched = contents_of(&wanted.iter().collect::<Vec<_>>(), &fetcher, events)?;
        for (file, content) in missing.into_iter().zip(fetched) {
            let found = Sha256Hex::of(&content);
            if found != file.sha256 {
                return Err(PackageError::Hash {
                    url: file.url.clone(),
                    expected: file.sha256.to_string(),
                    found: found.to_string(),
                });
            }
            contents.insert(found, content);
        }
        Ok(Resolved {
            lock: lock.clone(),
            changes: Vec::new(),
            contents,
        })
    }

    /// Returns where a file of the lock is.
    fn place_of(
        &self,
        file: &LockedFile,
        checkouts: &mut Checkouts<'_>,
        events: &mut Events<'_>,
    ) -> Result<FilePlace, PackageError> {
        let url = file.url.clone();
        if let Some((repository, path)) =
            url.strip_prefix("git+").and_then(|url| url.split_once('#'))
            && let Some((repository, commit)) = repository.rsplit_once('@')
        {
            let checkout = checkouts.of_git(repository, Some(commit), &self.root, events)?;
            return Ok(FilePlace::Disk {
                // Locks of earlier releases have a `/` in front of the path if the package is at the top of its repository.
                path: checkout.folder.join(path.trim_start_matches('/')),
                within: checkout.folder,
                url,
            });
        }
        if !is_local(file) {
            let is_fixed = true;
            return Ok(FilePlace::Remote { url, is_fixed });
        }
        let path = self.root.join(&url);
        Ok(FilePlace::Disk {
            within: path.parent().unwrap_or(&self.root).to_owned(),
            path,
            url,
        })
    }

    /// Returns the names of the packages that may change; `None` for all.
    fn updated(&self, update: &Update) -> Result<Option<BTreeSet<String>>, PackageError> {
        let names = match update {
            Update::Nothing => return Ok(Some(BTreeSet::new())),
            Update::Everything => return Ok(None),
            Update::Named(names) => names,
        };
        let mut packages = BTreeSet::new();
        for name in names {
            let asked = self
                .project
                .dependencies()
                .any(|(_, one)| one.name == *name);
            let locked = self.lock.iter().flat_map(|lock| &lock.dependencies);
            let of_dependency = locked.filter(|one| one.name == *name);
            let before = packages.len();
            packages.extend(of_dependency.flat_map(|one| one.packages.iter().cloned()));
            let is_package = self
                .lock
                .as_ref()
                .is_some_and(|lock| lock.package(name).is_some());
            if is_package {
                packages.insert(name.clone());
            }
            if packages.len() == before && !asked && !is_package {
                let known = self.project.dependencies().map(|(_, one)| one.name.clone());
                return Err(PackageError::Unknown {
                    kind: "dependency",
                    name: name.clone(),
                    known: known.collect(),
                });
            }
        }
        Ok(Some(packages))
    }

    /// Returns the versions that stay where they fit.
    fn preferred(&self, updated: &Option<BTreeSet<String>>) -> BTreeMap<String, Version> {
        let Some(updated) = updated else {
            return BTreeMap::new();
        };
        let packages = self.lock.iter().flat_map(|lock| &lock.packages);
        let kept = packages.filter(|package| !updated.contains(&package.name));
        kept.filter_map(|package| {
            let version = package.version.as_deref()?.parse().ok()?;
            Some((package.name.clone(), version))
        })
        .collect()
    }

    /// Refuses a package that has other files than in the lock, from the same source and with the same version.
    fn check_unchanged(
        &self,
        new: &Lock,
        updated: &Option<BTreeSet<String>>,
    ) -> Result<(), PackageError> {
        let (Some(old), Some(updated)) = (&self.lock, updated) else {
            return Ok(());
        };
        for before in &old.packages {
            let Some(after) = new.package(&before.name) else {
                continue;
            };
            let is_same = before.version == after.version
                && before.source == after.source
                && before.commit == after.commit
                && before.version.is_some()
                && new.mpy_version == old.mpy_version;
            if !is_same || updated.contains(&before.name) || before.files == after.files {
                continue;
            }
            if before.files.iter().any(is_local) {
                continue;
            }
            let differs = |one: &LockedPackage, other: &LockedPackage| {
                let files = one.files.iter().filter(|file| {
                    !other
                        .files
                        .iter()
                        .any(|same| same.path == file.path && same.sha256 == file.sha256)
                });
                files
                    .map(|file| file.path.to_string())
                    .collect::<BTreeSet<_>>()
            };
            let mut paths = differs(before, after);
            paths.extend(differs(after, before));
            if !paths.is_empty() {
                return Err(PackageError::Changed {
                    name: before.name.clone(),
                    version: before.version.clone().unwrap_or_default(),
                    paths: paths.into_iter().collect(),
                });
            }
        }
        Ok(())
    }

    /// Fetches the files of packages and makes a lock of them.
    fn lock_of(
        &self,
        gathered: Gathered,
        fetcher: &Fetcher,
        events: &mut Events<'_>,
    ) -> Result<Resolved, PackageError> {
        let files = gathered
            .packages
            .values()
            .flat_map(|package| &package.files);
        let files: Vec<&WantedFile> = files.collect();
        let mut fetched = contents_of(&files, fetcher, events)?.into_iter();
        let mut resolved = Resolved::default();
        for (name, package) in &gathered.packages {
            let mut locked = LockedPackage {
                name: name.clone(),
                version: package.version.clone(),
                source: package.source.clone(),
                commit: package.commit.clone(),
                needs: package.needs.clone(),
                files: Vec::new(),
            };
            for file in &package.files {
                let content = fetched.next().unwrap_or_default();
                let url = match &file.place {
                    FilePlace::Remote { url, .. } | FilePlace::Disk { url, .. } => url,
                };
                let sha256 = Sha256Hex::of(&content);
                if let Some(hash) = file
                    .hash
                    .as_ref()
                    .filter(|hash| !hash.begins(sha256.as_str()))
                {
                    return Err(PackageError::Hash {
                        url: url.clone(),
                        expected: hash.to_string(),
                        found: sha256.to_string(),
                    });
                }
                locked.files.push(LockedFile {
                    path: file.path.clone(),
                    size: content.len() as u64,
                    sha256: sha256.clone(),
                    url: url.clone(),
                });
                resolved.contents.insert(sha256, content);
            }
            resolved.lock.packages.push(locked);
        }
        let dependencies = self.project.dependencies().zip(gathered.dependencies);
        let dependencies = dependencies.map(|((group, one), packages)| LockedDependency {
            group: group.name.clone(),
            name: one.name.clone(),
            source: one.text(),
            packages,
        });
        resolved.lock.dependencies = dependencies.collect();
        resolved.lock.mpy_version = self.project.mpy_version;
        resolved.lock.indices = self.project.package_indices.clone();
        resolved.lock.sort();
        Ok(resolved)
    }
}

/// Returns whether a file of the lock is one of this computer: its address is a path.
fn is_local(file: &LockedFile) -> bool {
    !file.url.contains("://")
}

/// Reads or fetches files, many at a time. The result is in their order.
fn contents_of(
    files: &[&WantedFile],
    fetcher: &Fetcher,
    events: &mut Events<'_>,
) -> Result<Vec<Vec<u8>>, PackageError> {
    let is_member = |url: &str| url.contains(".zip#");
    let requests = files.iter().filter_map(|file| match &file.place {
        FilePlace::Remote { url, is_fixed } if !is_member(url) => {
            Some(Request::new(url, FILE_LIMIT, *is_fixed))
        }
        _ => None,
    });
    let mut documents = fetcher.get_all(requests.collect(), events)?.into_iter();
    let mut contents = Vec::new();
    let mut total = 0;
    for file in files {
        let content = match &file.place {
            FilePlace::Disk { path, within, .. } => {
                let content = read_within(path, within)?;
                fetcher.keep(&content);
                content
            }
            FilePlace::Remote { url, .. } => {
                let missing = || PackageError::NoPackage {
                    location: url.clone(),
                };
                match url.split_once('#').filter(|_| is_member(url)) {
                    Some((archive, member)) => {
                        let members = index::members(archive, fetcher, events)?;
                        let content = members.get(&member.parse()?);
                        let content = content.cloned().ok_or_else(missing)?;
                        fetcher.keep(&content);
                        content
                    }
                    None => documents.next().flatten().ok_or_else(missing)?.to_vec(),
                }
            }
        };
        total += content.len() as u64;
        if total > TOTAL_LIMIT {
            return Err(PackageError::TooMuch { limit: TOTAL_LIMIT });
        }
        contents.push(content);
    }
    Ok(contents)
}

/// Returns the differences between two locks, by name.
fn changes(old: Option<&Lock>, new: &Lock) -> Vec<Change> {
    let mut changes = Vec::new();
    for package in &new.packages {
        let (name, version) = (package.name.clone(), package.version.clone());
        match old.and_then(|old| old.package(&package.name)) {
            None => changes.push(Change::Added { name, version }),
            Some(before) if before.files != package.files || before.version != version => {
                changes.push(Change::Updated {
                    name,
                    before: before.version.clone(),
                    version,
                });
            }
            Some(_) => {}
        }
    }
    for package in old.iter().flat_map(|old| &old.packages) {
        if new.package(&package.name).is_none() {
            changes.push(Change::Removed {
                name: package.name.clone(),
                version: package.version.clone(),
            });
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, url: &str, content: &str) -> LockedFile {
        LockedFile {
            path: path.parse().unwrap(),
            size: content.len() as u64,
            sha256: Sha256Hex::of(content.as_bytes()),
            url: url.to_owned(),
        }
    }

    /// Returns a lock of packages, each `NAME VERSION CONTENT`.
    fn lock(packages: &[&str]) -> Lock {
        let packages = packages.iter().map(|text| {
            let words: Vec<&str> = text.split(' ').collect();
            let [name, version, content] = words.as_slice() else {
                panic!("{text}")
            };
            LockedPackage {
                name: (*name).to_owned(),
                version: Some((*version).to_owned()).filter(|version| version != "-"),
                source: "http://index".to_owned(),
                commit: None,
                needs: Vec::new(),
                files: vec![file("a.py", "http://index/a.py", content)],
            }
        });
        Lock {
            packages: packages.collect(),
            ..Lock::default()
        }
    }

    fn changed(old: Option<&[&str]>, new: &[&str]) -> String {
        let old = old.map(lock);
        let changes = changes(old.as_ref(), &lock(new))
            .into_iter()
            .map(|change| match change {
                Change::Added { name, .. } => format!("+{name}"),
                Change::Removed { name, .. } => format!("-{name}"),
                Change::Updated {
                    name,
                    before,
                    version,
                } => format!(
                    "{name}:{}>{}",
                    before.as_deref().unwrap_or("-"),
                    version.as_deref().unwrap_or("-")
                ),
            });
        changes.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_new_lock_is_compared_with_the_old_one_by_name_version_and_files() {
        assert_eq!(changed(None, &["a 1 x", "b 1 x"]), "+a +b");
        assert_eq!(changed(Some(&["a 1 x"]), &["a 1 x"]), "");
        assert_eq!(changed(Some(&["a 1 x"]), &["a 2 x"]), "a:1>2");
        // A file of a repository's branch changes without a version.
        assert_eq!(changed(Some(&["a - x"]), &["a - y"]), "a:->-");
        assert_eq!(
            changed(Some(&["a 1 x", "b 1 x"]), &["c 1 x", "a 1 x"]),
            "+c -b"
        );
        assert_eq!(changed(Some(&["a 1 x"]), &[]), "-a");
    }

    #[test]
    fn a_path_in_a_lock_is_a_file_of_this_computer() {
        for (url, expected) in [
            ("lib/a.py", true),
            ("../a.py", true),
            ("https://x.org/a.py", false),
            ("git+https://x.org/r@c#a.py", false),
            ("git+file:///r@c#a.py", false),
        ] {
            assert_eq!(is_local(&file("a.py", url, "")), expected, "{url}");
        }
    }
}
