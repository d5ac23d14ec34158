//! Finding packages in indexes, and newer versions of those of a project.

use piton_board::deadline::Cancel;
use piton_project::version::Version;
use serde::Serialize;

use super::fetcher::{FetchSettings, Fetcher};
use super::index::{BUNDLE, Indices};
use super::resolve::{LockOptions, Update};
use super::{Events, PackageError, Workspace};

/// A package of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct FoundPackage {
    /// Its name.
    pub name: String,
    /// Its latest version.
    pub version: String,
    /// What it is for, in a few words.
    pub description: String,
    /// The index.
    pub index: String,
}

/// A package of a project of which there is a newer version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Outdated {
    /// Its name.
    pub name: String,
    /// The version, or the beginning of the commit, in the lock.
    pub locked: Option<String>,
    /// What `update` would choose.
    pub fitting: Option<String>,
    /// The newest version.
    pub newest: Option<String>,
}

/// Returns the packages of the indexes with all of these words in their name or description, in upper or lower case. Without words,
/// all. Those with the words in their names come first.
///
/// # Errors
///
/// An index cannot be read; [`PackageError::NoPackage`] if it has no list of its packages.
pub fn search(
    indices: &[String],
    words: &[String],
    settings: &FetchSettings,
    cancel: &Cancel,
    events: &mut Events<'_>,
) -> Result<Vec<FoundPackage>, PackageError> {
    let fetcher = Fetcher::new(settings, cancel);
    let mut read = Indices::new(indices, None);
    let lists = read.lists(&fetcher, events)?;
    let mut found: Vec<FoundPackage> = Vec::new();
    for (index, list) in indices.iter().zip(lists) {
        let list = list.as_ref().ok_or_else(|| PackageError::NoPackage {
            location: format!("{index}/index.json"),
        })?;
        let new = list.values().filter(|entry| {
            let text = format!("{} {}", entry.name, entry.description).to_lowercase();
            words.iter().all(|word| text.contains(&word.to_lowercase()))
        });
        for entry in new {
            if found.iter().any(|known| known.name == entry.name) {
                continue;
            }
            found.push(FoundPackage {
                name: entry.name.clone(),
                version: entry.version.clone(),
                description: entry.description.clone(),
                index: index.clone(),
            });
        }
    }
    let in_name = |one: &FoundPackage| {
        let name = one.name.to_lowercase();
        words.iter().all(|word| name.contains(&word.to_lowercase()))
    };
    found.sort_by_key(|one| (!in_name(one), one.name.clone()));
    Ok(found)
}

impl Workspace {
    /// Returns the packages of which there is a newer version than the locked one, by name.
    ///
    /// # Errors
    ///
    /// As for [`Workspace::resolve`].
    pub fn outdated(
        &self,
        settings: &FetchSettings,
        cancel: &Cancel,
        events: &mut Events<'_>,
    ) -> Result<Vec<Outdated>, PackageError> {
        let lock = self.lock.as_ref().ok_or(PackageError::NotLocked)?;
        let options = LockOptions {
            update: Update::Everything,
            ..LockOptions::default()
        };
        let updated = self.resolve(&options, settings, cancel, events)?.lock;
        let fetcher = Fetcher::new(settings, cancel);
        let mut indices = Indices::new(&self.project.package_indices, self.project.mpy_version);
        let mut outdated = Vec::new();
        for package in &lock.packages {
            let short = |commit: &str| commit.chars().take(10).collect::<String>();
            let shown = |version: &Option<String>, commit: &Option<String>| match commit {
                Some(commit) => Some(short(commit)),
                None => version.clone(),
            };
            let locked = shown(&package.version, &package.commit);
            let new = updated.package(&package.name);
            let fitting = new.and_then(|new| shown(&new.version, &new.commit));
            let is_named = package.commit.is_none()
                && (self.project.package_indices.contains(&package.source)
                    || package.name.starts_with(BUNDLE));
            let newest = match is_named {
                true => {
                    let versions = indices.versions(&package.name, &fetcher, events)?;
                    let released = |version: &&Version| !version.is_early();
                    let newest = versions.iter().filter(released).max();
                    newest.or(versions.iter().max()).map(Version::to_string)
                }
                false => fitting.clone(),
            };
            let is_newer = newest.is_some() && newest != locked;
            let is_changed = new.is_some_and(|new| new.files != package.files);
            if is_newer || is_changed {
                outdated.push(Outdated {
                    name: package.name.clone(),
                    locked,
                    fitting,
                    newest,
                });
            }
        }
        Ok(outdated)
    }
}
