//! `piton.lock`: exactly which files the dependencies of a project are.
//!
//! The file is TOML, with one entry for each dependency and each package, in alphabetical order, and one line for each file:
//! changes in two branches merge where they do not touch the same package. It has no time and no name of a computer, so the
//! same packages always make the same file.
//!
//! ```toml
//! version = 1
//! mpy_version = "py"
//! indices = ["https://micropython.org/pi/v2"]
//!
//! [[dependency]]
//! group = "main"
//! name = "aiohttp"
//! source = "aiohttp ^0.0.5"
//! packages = ["aiohttp"]
//!
//! [[package]]
//! name = "aiohttp"
//! version = "0.0.6"
//! source = "https://micropython.org/pi/v2"
//! files = [
//!     { path = "aiohttp/__init__.py", size = 7921, sha256 = "...", url = "https://..." },
//! ]
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use piton_path::{PortablePath, Sha256Hex};
use serde::Deserialize;
use toml_edit::Value;

use crate::project::is_group;

/// Name of the file, in the folder of the `pyproject.toml`.
pub const FILE_NAME: &str = "piton.lock";

/// Maximum size of the file, in bytes.
pub const SIZE_LIMIT: u64 = 64 << 20;

/// The version of the format.
const VERSION: u32 = 1;

/// Maximum number of files of all packages.
const FILE_LIMIT: usize = 65_536;

/// The first lines of the file.
const HEAD: &str =
    "# Made by `piton lock`. Keep it with the project's sources, and do not edit it.\n";

/// The content of a lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// The version of the `.mpy` files that an index was asked for; `None` for sources.
    pub mpy_version: Option<u8>,
    /// The indexes that were asked.
    pub indices: Vec<String>,
    /// What the project's settings asked for.
    pub dependencies: Vec<LockedDependency>,
    /// The packages.
    pub packages: Vec<LockedPackage>,
}

/// A dependency in the project's settings, and the packages that it became.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedDependency {
    /// Its group.
    pub group: String,
    /// Its key.
    pub name: String,
    /// What it asked for, as [`crate::project::Dependency::text`].
    pub source: String,
    /// The names of the packages, in the order of the sources.
    pub packages: Vec<String>,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPackage {
    /// Its name: of the index, or its address without a reference, or the key of the dependency whose files it has.
    pub name: String,
    /// Its version, if it has one.
    pub version: Option<String>,
    /// The index, or the address.
    pub source: String,
    /// The commit, of a package of a repository.
    pub commit: Option<String>,
    /// The names of the packages that it needs.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Its files. A dependency in development has none: its source is read for each installation.
    #[serde(default)]
    pub files: Vec<LockedFile>,
}

/// A file of a package.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedFile {
    /// Its path below the folder for packages.
    pub path: PortablePath,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its content.
    pub sha256: Sha256Hex,
    /// Its address; a path relative to the project's folder for a file of this computer.
    pub url: String,
}

/// Why a lock cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// It is not TOML of this form.
    #[error("{0}")]
    Toml(#[from] Box<toml_edit::de::Error>),
    /// It has a later version.
    #[error("it has version {found}, and this piton reads version {VERSION}")]
    Version {
        /// The version in the file.
        found: i64,
    },
    /// Two packages have one name.
    #[error("there are two packages `{}`", name.escape_debug())]
    Twice {
        /// The name.
        name: String,
    },
    /// The name of a group is no name of a folder.
    #[error("`{}` is not a name for a group", name.escape_debug())]
    Group {
        /// The name.
        name: String,
    },
    /// A package that is named is missing.
    #[error("`{}` needs `{}`, which is not in it", by.escape_debug(), name.escape_debug())]
    Missing {
        /// The dependency or package.
        by: String,
        /// The missing package.
        name: String,
    },
    /// A package has too many files.
    #[error("it has more than {FILE_LIMIT} files")]
    TooMany,
    /// Two packages have different files at one path.
    #[error(transparent)]
    Conflict(#[from] Conflict),
}

/// Two packages have different files at one path, of which a board could have only one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{first} and {second} have different files `{path}`")]
pub struct Conflict {
    /// Its path below the folder for packages.
    pub path: String,
    /// A package.
    pub first: String,
    /// Another one.
    pub second: String,
}

#[derive(Deserialize)]
struct Head {
    version: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "version")]
    _version: i64,
    mpy_version: String,
    #[serde(default)]
    indices: Vec<String>,
    #[serde(default)]
    dependency: Vec<LockedDependency>,
    #[serde(default)]
    package: Vec<LockedPackage>,
}

impl Lock {
    /// Reads a lock.
    ///
    /// # Errors
    ///
    /// [`LockError`]. No part of an invalid lock is used.
    pub fn parse(text: &str) -> Result<Lock, LockError> {
        let head: Head = toml_edit::de::from_str(text).map_err(Box::new)?;
        if head.version != i64::from(VERSION) {
            return Err(LockError::Version {
                found: head.version,
            });
        }
        let file: File = toml_edit::de::from_str(text).map_err(Box::new)?;
        let lock = Lock {
            mpy_version: file.mpy_version.parse().ok(),
            indices: file.indices,
            dependencies: file.dependency,
            packages: file.package,
        };
        lock.check()?;
        Ok(lock)
    }

    /// Checks that groups are names of folders, that all names are there, each once, and that no two packages have different files at one path.
    ///
    /// # Errors
    ///
    /// [`LockError`].
    pub fn check(&self) -> Result<(), LockError> {
        let mut names = BTreeSet::new();
        for package in &self.packages {
            if !names.insert(&package.name) {
                let name = package.name.clone();
                return Err(LockError::Twice { name });
            }
        }
        let mut groups = self.dependencies.iter().map(|one| &one.group);
        if let Some(name) = groups.find(|name| !is_group(name)) {
            let name = name.clone();
            return Err(LockError::Group { name });
        }
        let dependencies = self.dependencies.iter();
        let asked = dependencies.map(|one| (&one.name, &one.packages));
        let needed = self.packages.iter().map(|one| (&one.name, &one.needs));
        for (by, needs) in asked.chain(needed) {
            if let Some(name) = needs.iter().find(|name| !names.contains(name)) {
                return Err(LockError::Missing {
                    by: by.clone(),
                    name: name.clone(),
                });
            }
        }
        if self
            .packages
            .iter()
            .map(|one| one.files.len())
            .sum::<usize>()
            > FILE_LIMIT
        {
            return Err(LockError::TooMany);
        }
        Ok(find_conflict(self.packages.iter())?)
    }

    /// Puts everything in its order, so that equal locks have equal texts.
    pub fn sort(&mut self) {
        self.dependencies.sort();
        self.packages
            .sort_by(|one, other| one.name.cmp(&other.name));
        for package in &mut self.packages {
            package.needs.sort();
            package.needs.dedup();
            let path = |file: &LockedFile| file.path.as_str().to_owned();
            package.files.sort_by_key(path);
        }
    }

    /// Returns the lock as text.
    pub fn to_text(&self) -> String {
        let mut text = HEAD.to_owned();
        let mpy = self
            .mpy_version
            .map_or_else(|| "py".to_owned(), |version| version.to_string());
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "version = {VERSION}");
        let _ = writeln!(text, "mpy_version = {}", quoted(&mpy));
        let _ = writeln!(text, "indices = {}", list(&self.indices));
        for one in &self.dependencies {
            let _ = writeln!(text, "\n[[dependency]]");
            let _ = writeln!(text, "group = {}", quoted(&one.group));
            let _ = writeln!(text, "name = {}", quoted(&one.name));
            let _ = writeln!(text, "source = {}", quoted(&one.source));
            let _ = writeln!(text, "packages = {}", list(&one.packages));
        }
        for package in &self.packages {
            let _ = writeln!(text, "\n[[package]]");
            let _ = writeln!(text, "name = {}", quoted(&package.name));
            if let Some(version) = &package.version {
                let _ = writeln!(text, "version = {}", quoted(version));
            }
            let _ = writeln!(text, "source = {}", quoted(&package.source));
            if let Some(commit) = &package.commit {
                let _ = writeln!(text, "commit = {}", quoted(commit));
            }
            if !package.needs.is_empty() {
                let _ = writeln!(text, "needs = {}", list(&package.needs));
            }
            if package.files.is_empty() {
                continue;
            }
            text.push_str("files = [\n");
            for file in &package.files {
                let _ = writeln!(
                    text,
                    "    {{ path = {}, size = {}, sha256 = {}, url = {} }},",
                    quoted(file.path.as_str()),
                    file.size,
                    quoted(file.sha256.as_str()),
                    quoted(&file.url)
                );
            }
            text.push_str("]\n");
        }
        text
    }

    /// Returns the package called `name`.
    pub fn package(&self, name: &str) -> Option<&LockedPackage> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// Returns the packages of these groups and all that they need, in the order of the lock.
    pub fn of_groups(&self, is_chosen: impl Fn(&str) -> bool) -> Vec<&LockedPackage> {
        let by_name: BTreeMap<&str, &LockedPackage> = self
            .packages
            .iter()
            .map(|one| (one.name.as_str(), one))
            .collect();
        let chosen = self.dependencies.iter().filter(|one| is_chosen(&one.group));
        let mut queue: Vec<&str> = chosen
            .flat_map(|one| &one.packages)
            .map(String::as_str)
            .collect();
        let mut reached = BTreeSet::new();
        while let Some(name) = queue.pop() {
            if reached.insert(name)
                && let Some(package) = by_name.get(name)
            {
                queue.extend(package.needs.iter().map(String::as_str));
            }
        }
        let packages = self.packages.iter();
        packages
            .filter(|package| reached.contains(package.name.as_str()))
            .collect()
    }

    /// Returns the shortest ways from the project's dependencies to a package: names, the dependency first.
    pub fn ways_to(&self, name: &str) -> Vec<Vec<&str>> {
        let mut ways = Vec::new();
        for dependency in &self.dependencies {
            let mut came_from: BTreeMap<&str, Option<&str>> = BTreeMap::new();
            let mut queue: std::collections::VecDeque<&str> = std::collections::VecDeque::new();
            for package in &dependency.packages {
                came_from.insert(package, None);
                queue.push_back(package);
            }
            while let Some(at) = queue.pop_front() {
                if at == name {
                    let mut way = vec![at];
                    let mut from = came_from.get(at).copied().flatten();
                    while let Some(before) = from {
                        way.push(before);
                        from = came_from.get(before).copied().flatten();
                    }
                    way.push(&dependency.name);
                    way.reverse();
                    ways.push(way);
                    break;
                }
                for need in self
                    .package(at)
                    .into_iter()
                    .flat_map(|package| &package.needs)
                {
                    if !came_from.contains_key(need.as_str()) {
                        came_from.insert(need, Some(at));
                        queue.push_back(need);
                    }
                }
            }
        }
        ways
    }
}

/// Returns the first path at which two of the packages have different files. Some file systems ignore the case of letters, and
/// no path can be both a file and a folder.
///
/// # Errors
///
/// [`Conflict`].
pub fn find_conflict<'p>(
    packages: impl Iterator<Item = &'p LockedPackage>,
) -> Result<(), Conflict> {
    let mut files: BTreeMap<String, (&str, &LockedFile)> = BTreeMap::new();
    let mut folders: BTreeMap<String, &str> = BTreeMap::new();
    for package in packages {
        let conflict = |path: &str, first: &str| Conflict {
            path: path.to_owned(),
            first: first.to_owned(),
            second: package.name.clone(),
        };
        for file in &package.files {
            let place = file.path.as_str().to_lowercase();
            let mut folder = file.path.parent();
            while let Some(path) = folder {
                let place = path.as_str().to_lowercase();
                if let Some((first, _)) = files.get(&place) {
                    return Err(conflict(path.as_str(), first));
                }
                folders.entry(place).or_insert(&package.name);
                folder = path.parent();
            }
            if let Some(first) = folders.get(&place) {
                return Err(conflict(file.path.as_str(), first));
            }
            match files.get(&place) {
                Some((first, known)) if known.sha256 != file.sha256 || known.path != file.path => {
                    return Err(conflict(file.path.as_str(), first));
                }
                Some(_) => {}
                None => {
                    files.insert(place, (&package.name, file));
                }
            }
        }
    }
    Ok(())
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn list(texts: &[String]) -> String {
    let texts = texts.iter().map(|text| quoted(text));
    format!("[{}]", texts.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
