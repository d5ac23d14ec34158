//! What of a project's dependencies belongs on a board.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use piton_board::deadline::Cancel;
use piton_path::{PortablePath, Sha256Hex};
use piton_project::lock::{Conflict, LockedPackage};
use piton_project::mip::FILE_LIMIT;
use piton_project::project::{Group, MAIN};

use super::fetcher::{FetchSettings, Fetcher};
use super::gather::{FilePlace, WantedFile};
use super::sources::{Found, Sources, read_within};
use super::tree::files_of;
use super::{PackageError, Workspace};
use crate::host_file;
use crate::regular::{self, Links};

/// Which groups are chosen: those that are not optional, and `with`, but not `without`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Optional groups to choose.
    pub with: Vec<String>,
    /// Groups to leave out.
    pub without: Vec<String>,
}

/// The files of the chosen groups, by their paths below a board's folder for libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The files, sorted by path.
    pub files: Vec<ImageFile>,
    /// The packages that they belong to, without their files' content; empty for a project without a lock.
    pub packages: Vec<LockedPackage>,
}

/// A file for a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    /// Its path below the folder for libraries.
    pub path: PortablePath,
    /// Its content.
    pub content: Vec<u8>,
    /// The group that it is of.
    pub group: String,
}

impl Selection {
    /// Returns whether a group is chosen.
    pub fn has(&self, group: &Group) -> bool {
        let named = |names: &[String]| names.contains(&group.name);
        !named(&self.without) && (!group.optional || named(&self.with))
    }
}

impl Workspace {
    /// Returns the names of the chosen groups, in their order.
    ///
    /// # Errors
    ///
    /// [`PackageError::Unknown`] for a group that the settings lack.
    pub fn chosen(&self, selection: &Selection) -> Result<Vec<&Group>, PackageError> {
        let groups = &self.project.groups;
        for name in selection.with.iter().chain(&selection.without) {
            if name != MAIN && !groups.iter().any(|group| group.name == *name) {
                return Err(PackageError::Unknown {
                    kind: "group",
                    name: name.clone(),
                    known: groups.iter().map(|group| group.name.clone()).collect(),
                });
            }
        }
        Ok(groups.iter().filter(|group| selection.has(group)).collect())
    }

    /// Returns the files of the chosen groups: those in the folder of the dependencies, which must be as in the lock if there is
    /// one, and those of dependencies in development as they are now.
    ///
    /// # Errors
    ///
    /// [`PackageError::Different`]; [`PackageError::Conflict`] if two groups have different files at one path;
    /// [`PackageError::Unknown`], [`PackageError::Read`].
    pub fn image(&self, selection: &Selection) -> Result<Image, PackageError> {
        let chosen = self.chosen(selection)?;
        if self.lock.is_some() {
            let differences = self.compare()?;
            let is_chosen = |path: &str| {
                let group = path.split('/').next();
                chosen.iter().any(|one| Some(one.name.as_str()) == group)
            };
            let differences: Vec<_> = differences
                .into_iter()
                .filter(|one| is_chosen(one.path()))
                .collect();
            if !differences.is_empty() {
                return Err(PackageError::Different { differences });
            }
        }
        let mut files = BTreeMap::new();
        for group in &chosen {
            let folder = self.dependencies().join(&group.name);
            let (copies, locked) = (group.in_development(), self.locked_paths(&group.name));
            for path in files_of(&folder)? {
                // A copy of what is in development may be an old one.
                let first = path.split('/').next().unwrap_or_default();
                if copies.contains(first) && !locked.contains(path.as_str()) {
                    continue;
                }
                let whole = folder.join(&path);
                let content =
                    regular::read(&whole, Links::Follow, FILE_LIMIT).map_err(|source| {
                        PackageError::Read {
                            path: whole.clone(),
                            source,
                        }
                    })?;
                put(&mut files, path.parse()?, content, &group.name)?;
            }
        }
        for (group, path, content) in self.in_development(&chosen)? {
            // What is in development replaces what was copied of it before.
            files.remove(&path.as_str().to_lowercase());
            put(&mut files, path, content, &group)?;
        }
        let is_chosen = |name: &str| chosen.iter().any(|group| group.name == name);
        let packages = self.lock.iter().flat_map(|lock| lock.of_groups(is_chosen));
        Ok(Image {
            packages: packages.cloned().collect(),
            files: files.into_values().collect(),
        })
    }

    /// Writes copies of the dependencies in development into the folder of the dependencies, as belay has them: tools of this
    /// computer find them there. Returns the paths of the files that changed, as `GROUP/PATH`.
    ///
    /// # Errors
    ///
    /// [`PackageError::Read`], [`PackageError::Folder`], [`PackageError::Write`].
    pub fn copy_development(&self) -> Result<Vec<String>, PackageError> {
        let groups: Vec<&Group> = self.project.groups.iter().collect();
        let folder = self.dependencies();
        let mut wanted = BTreeMap::new();
        for (group, path, content) in self.in_development(&groups)? {
            // A package with a description may have files anywhere.
            let mut names = path.names();
            let is_own = names.next().is_some_and(|first| {
                let mut groups = groups.iter().filter(|one| one.name == group);
                groups.any(|one| one.in_development().contains(first))
            });
            if is_own {
                wanted.insert(format!("{group}/{path}"), content);
            }
        }
        let mut changed = Vec::new();
        for group in groups {
            let locked = self.locked_paths(&group.name);
            for name in group.in_development() {
                for inner in files_of(&folder.join(&group.name).join(name))? {
                    let path = format!("{name}/{inner}");
                    let whole = format!("{}/{path}", group.name);
                    if wanted.contains_key(&whole) || locked.contains(path.as_str()) {
                        continue;
                    }
                    let place = folder.join(&whole);
                    std::fs::remove_file(&place).map_err(failed(&place))?;
                    changed.push(whole);
                }
            }
        }
        for (path, content) in wanted {
            let place = folder.join(&path);
            if std::fs::read(&place).is_ok_and(|old| old == content) {
                continue;
            }
            let parent = place.parent().unwrap_or(&folder);
            std::fs::create_dir_all(parent).map_err(failed(parent))?;
            host_file::write(&place, &content).map_err(failed(&place))?;
            changed.push(path);
        }
        Ok(changed)
    }

    /// Returns the paths of the files that the lock has for a group.
    fn locked_paths(&self, group: &str) -> BTreeSet<&str> {
        let packages = self.lock.iter();
        let packages = packages.flat_map(|lock| lock.of_groups(|name| name == group));
        let files = packages.flat_map(|package| &package.files);
        files.map(|file| file.path.as_str()).collect()
    }

    /// Returns the files of the dependencies in development: group, path and content of each.
    fn in_development(
        &self,
        groups: &[&Group],
    ) -> Result<Vec<(String, PortablePath, Vec<u8>)>, PackageError> {
        let offline = FetchSettings {
            offline: true,
            ..FetchSettings::default()
        };
        let fetcher = Fetcher::new(&offline, &Cancel::new());
        let mut sources = Sources::new(&fetcher, &self.root, &[]);
        let mut files = Vec::new();
        for group in groups {
            for dependency in &group.dependencies {
                for part in dependency.parts.iter().filter(|part| part.develop) {
                    let quiet =
                        &mut |_: super::PackageEvent<'_>| std::ops::ControlFlow::Continue(());
                    let wanted: Vec<WantedFile> =
                        match sources.find(&dependency.name, part, quiet)? {
                            Found::Files(files) => files,
                            Found::Package(described) => described.files,
                            Found::Named => Vec::new(),
                        };
                    for file in wanted {
                        if let FilePlace::Disk { path, within, .. } = &file.place {
                            let content = read_within(path, within)?;
                            files.push((group.name.clone(), file.path, content));
                        }
                    }
                }
            }
        }
        Ok(files)
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> PackageError {
    let path = path.to_owned();
    |source| PackageError::Write { path, source }
}

/// Adds a file; one of another group with the same content stays.
fn put(
    files: &mut BTreeMap<String, ImageFile>,
    path: PortablePath,
    content: Vec<u8>,
    group: &str,
) -> Result<(), PackageError> {
    let place = path.as_str().to_lowercase();
    match files.get(&place) {
        Some(known) if Sha256Hex::of(&known.content) != Sha256Hex::of(&content) => Err(Conflict {
            path: path.to_string(),
            first: format!("the group `{}`", known.group),
            second: format!("the group `{group}`"),
        }
        .into()),
        Some(_) => Ok(()),
        None => {
            let group = group.to_owned();
            files.insert(
                place,
                ImageFile {
                    path,
                    content,
                    group,
                },
            );
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn optional_groups_are_chosen_by_name_and_others_unless_they_are_left_out() {
        let has = |group: &str, optional, with: &[&str], without: &[&str]| {
            let group = Group {
                name: group.to_owned(),
                optional,
                dependencies: Vec::new(),
            };
            let selection = Selection {
                with: names(with),
                without: names(without),
            };
            selection.has(&group)
        };
        assert!(has("main", false, &[], &[]));
        assert!(!has("main", false, &[], &["main"]));
        assert!(has("main", false, &["dev"], &[]));
        assert!(!has("dev", true, &[], &[]));
        assert!(has("dev", true, &["dev"], &[]));
        // What is left out wins.
        assert!(!has("dev", true, &["dev"], &["dev"]));
    }

    #[test]
    fn two_groups_may_share_a_file_but_not_have_different_ones_of_one_name() {
        let mut files = BTreeMap::new();
        let mut add = |path: &str, content: &str, group: &str| {
            let added = put(
                &mut files,
                path.parse().unwrap(),
                content.as_bytes().to_vec(),
                group,
            );
            added.map_err(|error| error.to_string())
        };
        assert_eq!(add("a.py", "1", "main"), Ok(()));
        assert_eq!(add("a.py", "1", "dev"), Ok(()));
        assert_eq!(add("b.py", "2", "dev"), Ok(()));
        let conflict = add("a.py", "2", "dev").unwrap_err();
        assert!(
            conflict.contains("the group `main`") && conflict.contains("the group `dev`"),
            "{conflict}"
        );
        // FAT ignores the case.
        assert!(add("A.py", "2", "dev").is_err());
        let found: Vec<(&str, &str)> = files
            .values()
            .map(|file| (file.path.as_str(), &*file.group))
            .collect();
        assert_eq!(found, [("a.py", "main"), ("b.py", "dev")]);
    }
}
