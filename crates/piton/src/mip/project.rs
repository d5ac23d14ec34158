//! A whole project onto a board: its packages, its own code and its main program, as one change.
//!
//! The record of installed packages has the packages of a project beside those of mip, so that `list` and `uninstall` know
//! them, and the files of the project's own code, so that the next installation removes what the project does not have any more.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use piton_board::deadline::Deadline;
use piton_board::stop::Stop;
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::Hashing;
use piton_path::{BoardPath, PortablePath, Sha256Hex};
use piton_project::mip::record::{FILE_NAME, Installed, ProjectFiles, Record};

use super::change::{Change, FileEvent, Found, Stale};
use super::library::is_same;
use super::{Library, MipError, MipEvent, Packages};
use crate::times::CONTENT_TIME;

/// A project as a board has it. All paths are below the folder that the board's folder for libraries is in.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ProjectImage {
    /// The name of the project.
    pub name: String,
    /// Its packages.
    pub packages: Vec<ProjectPackage>,
    /// All files, with their contents.
    pub files: BTreeMap<PortablePath, Vec<u8>>,
    /// Those of them that are the project's own code.
    pub own: BTreeSet<PortablePath>,
    /// Sources that hide a compiled file, with the hashes that they had when they were compiled.
    pub superseded: BTreeMap<PortablePath, Sha256Hex>,
}

/// A package of a project.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ProjectPackage {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// Its source.
    pub source: String,
    /// The packages that it needs.
    pub needs: Vec<String>,
    /// Whether the project's settings ask for it.
    pub requested: bool,
    /// Its files, below the board's folder for libraries.
    pub files: Vec<PortablePath>,
}

/// What the installation of a project has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct ProjectInstallation {
    /// The files that were written, or would be.
    pub written: Vec<String>,
    /// The files that were removed, or would be.
    pub removed: Vec<String>,
    /// Files that the project does not have any more, and that stay because somebody changed them.
    pub kept: Vec<String>,
    /// How many files were on the board already.
    pub unchanged: usize,
    /// The bytes of the written files.
    pub bytes: u64,
}

impl Packages<'_> {
    /// Makes the board have a project: one look, one stream, all or nothing. What the board has is not sent. Files that an
    /// earlier installation of the project brought and that it does not have any more are removed, unless somebody changed
    /// them. Packages and files of others stay. With `dry_run` nothing is changed, except that an interrupted change is settled.
    ///
    /// # Errors
    ///
    /// [`MipError::Unusable`] if the board does not load a compiled file, or cannot compile a source of the project's own code;
    /// [`MipError::Conflict`] if a package that is not the project's has another file of one name; others as for
    /// [`Packages::install`].
    pub fn install_project(
        &mut self,
        image: &ProjectImage,
        dry_run: bool,
        events: &mut dyn FnMut(MipEvent<'_>) -> ControlFlow<()>,
    ) -> Result<ProjectInstallation, MipError> {
        let Packages { repl, library } = self;
        check_usable(library, image)?;
        let mut stop = Stop::new(repl.cancel());
        let events = &mut |event: MipEvent<'_>| stop.report(|| events(event));
        let mut remote = RemoteFs::new(repl);
        let base = library.parent();
        let place = Place {
            library,
            base: &base,
            image,
        };
        let mut found = place.look(&mut remote, events)?;
        let old = library
            .read_record(&mut remote, &found)?
            .unwrap_or_default();
        let new = place.record(&old)?;
        let stale = place.stale(&old, &new)?;
        // The sources that hide compiled files were looked up with the rest.
        let known = image.files.keys().chain(image.superseded.keys());
        let looked = Stale::of(stale.iter(), known).wanted(&base)?;
        let stale = Stale::of(stale.iter(), image.files.keys());
        if !looked.is_empty() {
            found.extend(remote.look(&looked, Deadline::after(CONTENT_TIME))?);
        }
        let mut change = Change::new(&base);
        let mut done = place.put_missing(&mut change, &mut remote, &found)?;
        if new != old {
            let text = new.to_text().map_err(|source| MipError::Record {
                path: library.record_path().unwrap_or_default(),
                source,
            })?;
            let path = place.of_library(FILE_NAME);
            change.put(&path, Cow::Owned(text.into_bytes()))?;
        }
        change.make_missing_folders(&found);
        change.remove(&mut remote, &stale, &found)?;
        if !dry_run {
            let of = done.bytes;
            let written = done.written.clone();
            let ends = change.ends();
            let mut shown = 0;
            change.carry_out(&mut remote, &mut |event| match event {
                FileEvent::Moved { index, bytes, .. } => {
                    let before = index.checked_sub(1).and_then(|last| ends.get(last));
                    let sent = before.copied().unwrap_or(0) + bytes;
                    shown = sent.min(of).max(shown);
                    events(MipEvent::Wrote { bytes: shown, of });
                }
                FileEvent::Done { index } => {
                    if let Some(path) = written.get(index) {
                        events(MipEvent::File {
                            path,
                            same: false,
                            hashed: true,
                        });
                    }
                }
            })?;
        }
        change.report(&|_| true, &mut |event| match event {
            MipEvent::Removed { path } => done.removed.push(path.to_owned()),
            MipEvent::Changed { path } => done.kept.push(path.to_owned()),
            _ => {}
        });
        Ok(done)
    }
}

/// A project, and where it goes.
struct Place<'p> {
    library: &'p Library,
    /// The folder that the library is in.
    base: &'p Library,
    image: &'p ProjectImage,
}

impl<'p> Place<'p> {
    /// Returns a path below the library as one below the base.
    fn of_library(&self, path: &str) -> String {
        format!("{}/{path}", self.library.name())
    }

    fn below_base(&self, path: &PortablePath) -> Result<PortablePath, MipError> {
        let path = self.of_library(path.as_str());
        path.parse().map_err(|_| MipError::Target { target: path })
    }

    /// Asks the board for all files of the project, and settles an interrupted change.
    fn look(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        events: &mut dyn FnMut(MipEvent<'_>),
    ) -> Result<Found, MipError> {
        let mut wanted: Vec<(BoardPath, Hashing)> = Vec::new();
        let mut folders = BTreeSet::new();
        let record = self.library.record_path()?;
        folders.extend(self.base.folders(&record));
        wanted.push((record, Hashing::Never));
        for (path, content) in &self.image.files {
            let place = self.base.place(path.as_str())?;
            folders.extend(self.base.folders(&place));
            wanted.push((place, Hashing::IfSize(content.len() as u64)));
        }
        for path in self.image.superseded.keys() {
            wanted.push((self.base.place(path.as_str())?, Hashing::Always));
        }
        wanted.extend(folders.into_iter().map(|folder| (folder, Hashing::Never)));
        self.library.settled(remote, &wanted, events)
    }

    /// Returns the record with this project.
    fn record(&self, old: &Record) -> Result<Record, MipError> {
        let image = self.image;
        let mut new = old.clone();
        let is_ours = |package: &Installed| package.project.as_ref() == Some(&image.name);
        let has = |name: &str| image.packages.iter().any(|package| package.name == name);
        new.packages
            .retain(|package| !is_ours(package) || has(&package.name));
        for package in &image.packages {
            let mut files = Vec::new();
            for path in &package.files {
                let content = image.files.get(&self.below_base(path)?);
                let hash = Sha256Hex::of(content.map(Vec::as_slice).unwrap_or_default());
                files.push((path.clone(), hash.to_string()));
            }
            self.check_conflict(&new, &package.name, &files)?;
            new.put(Installed {
                name: package.name.clone(),
                version: package.version.clone(),
                source: package.source.clone(),
                index: None,
                mpy: false,
                requested: package.requested,
                needs: package.needs.clone(),
                files,
                project: Some(image.name.clone()),
            });
        }
        new.projects.retain(|project| project.name != image.name);
        if !image.own.is_empty() {
            let files = image.own.iter().map(|path| {
                let content = image.files.get(path);
                let hash = Sha256Hex::of(content.map(Vec::as_slice).unwrap_or_default());
                (path.clone(), hash.to_string())
            });
            new.projects.push(ProjectFiles {
                name: image.name.clone(),
                files: files.collect(),
            });
        }
        Ok(new)
    }

    /// Refuses files that a package of others has with another content.
    fn check_conflict(
        &self,
        record: &Record,
        name: &str,
        files: &[(PortablePath, String)],
    ) -> Result<(), MipError> {
        let image = self.image;
        let others = record.packages.iter().filter(|other| {
            let is_ours = other.project.as_ref() == Some(&image.name);
            !is_ours
                && !image
                    .packages
                    .iter()
                    .any(|package| package.name == other.name)
        });
        for other in others {
            let clash = files.iter().find(|(path, hash)| {
                let mut known = other.files.iter();
                known.any(|(known, known_hash)| known == path && known_hash != hash)
            });
            if let Some((path, _)) = clash {
                return Err(MipError::Conflict {
                    path: path.to_string(),
                    first: other.name.clone(),
                    second: name.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Returns the files that the old record has and the new one lacks, and the sources that hide compiled files.
    fn stale(&self, old: &Record, new: &Record) -> Result<Vec<(PortablePath, String)>, MipError> {
        let mut stale = Vec::new();
        let wanted: BTreeSet<&PortablePath> = new
            .packages
            .iter()
            .flat_map(|package| package.files.iter().map(|(path, _)| path))
            .collect();
        for package in &old.packages {
            for (path, hash) in package
                .files
                .iter()
                .filter(|(path, _)| !wanted.contains(path))
            {
                stale.push((self.below_base(path)?, hash.clone()));
            }
        }
        let own = old
            .projects
            .iter()
            .filter(|project| project.name == self.image.name);
        for (path, hash) in own.flat_map(|project| &project.files) {
            if !self.image.files.contains_key(path) {
                stale.push((path.clone(), hash.clone()));
            }
        }
        for (path, hash) in &self.image.superseded {
            if !stale.iter().any(|(known, _)| known == path) {
                stale.push((path.clone(), hash.to_string()));
            }
        }
        Ok(stale)
    }

    /// Puts the files that the board lacks into the change.
    fn put_missing(
        &self,
        change: &mut Change<'p>,
        remote: &mut RemoteFs<'_, '_>,
        found: &Found,
    ) -> Result<ProjectInstallation, MipError> {
        let mut done = ProjectInstallation::default();
        for (path, content) in &self.image.files {
            let entry = found.get(&self.base.place(path.as_str())?);
            let same_size = entry.filter(|entry| entry.size == content.len() as u64);
            let has = match same_size {
                Some(entry) => is_same(remote, entry, Sha256Hex::of(content).as_str())?,
                None => false,
            };
            if has {
                done.unchanged += 1;
                continue;
            }
            done.written.push(self.base.shown(path.as_str()));
            done.bytes += content.len() as u64;
            change.put(path.as_str(), Cow::Borrowed(content))?;
        }
        Ok(done)
    }
}

/// Checks that the board can use the files of a project.
fn check_usable(library: &Library, image: &ProjectImage) -> Result<(), MipError> {
    // What the person writes can be changed; in the packages of others native code may be optional.
    let own = image
        .files
        .iter()
        .filter(|(path, _)| image.own.contains(*path));
    for (path, content) in own {
        library.check_file(path.as_str(), content)?;
    }
    let all = image.files.iter();
    library.check_package(all.map(|(path, content)| (path.as_str(), &content[..])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mip::tests::{hash, installed, library, path};

    /// Returns a project with these files of its own, and a package for each other: `lib/NAME.py=CONTENT`.
    fn image(own: &[&str], packages: &[&str]) -> ProjectImage {
        let mut image = ProjectImage {
            name: "p".to_owned(),
            ..ProjectImage::default()
        };
        for (file, is_own) in own
            .iter()
            .map(|file| (file, true))
            .chain(packages.iter().map(|file| (file, false)))
        {
            let (place, text) = file.split_once('=').unwrap();
            image.files.insert(path(place), text.as_bytes().to_vec());
            if is_own {
                image.own.insert(path(place));
                continue;
            }
            let inner = path(place.strip_prefix("lib/").unwrap());
            image.packages.push(ProjectPackage {
                name: inner.as_str().trim_end_matches(".py").to_owned(),
                files: vec![inner],
                ..ProjectPackage::default()
            });
        }
        image
    }

    fn with_place<T>(image: &ProjectImage, work: impl FnOnce(&Place<'_>) -> T) -> T {
        let library = library();
        let base = library.parent();
        work(&Place {
            library: &library,
            base: &base,
            image,
        })
    }

    fn record(packages: Vec<Installed>, own: &[(&str, &[&str])]) -> Record {
        let projects = own.iter().map(|(name, files)| ProjectFiles {
            name: (*name).to_owned(),
            files: files.iter().map(|file| (path(file), hash("old"))).collect(),
        });
        Record {
            packages,
            projects: projects.collect(),
        }
    }

    fn names(record: &Record) -> String {
        let packages = record.packages.iter().map(|package| package.name.as_str());
        packages.collect::<Vec<_>>().join(" ")
    }

    fn stale(image: &ProjectImage, old: &Record) -> String {
        with_place(image, |place| {
            let new = place.record(old).unwrap();
            let stale = place.stale(old, &new).unwrap();
            let paths = stale.iter().map(|(path, _)| path.as_str());
            paths.collect::<Vec<_>>().join(" ")
        })
    }

    #[test]
    fn the_record_has_the_projects_packages_beside_those_of_mip() {
        let old = record(
            vec![
                installed("mine", &["mine.py=1"], None),
                installed("gone", &["gone.py=1"], Some("p")),
                installed("a", &["a.py=0"], Some("p")),
                installed("theirs", &["theirs.py=1"], Some("q")),
            ],
            &[("p", &["p/old.py"]), ("q", &["q/main.py"])],
        );
        let image = image(&["p/new.py=2"], &["lib/a.py=1", "lib/b.py=2"]);
        let new = with_place(&image, |place| place.record(&old).unwrap());
        assert_eq!(names(&new), "mine a theirs b");
        assert_eq!(new.packages[1].files, [(path("a.py"), hash("1"))]);
        assert_eq!(new.packages[3].project.as_deref(), Some("p"));
        let projects: Vec<&str> = new.projects.iter().map(|one| &*one.name).collect();
        assert_eq!(projects, ["q", "p"]);
        assert_eq!(new.projects[1].files, [(path("p/new.py"), hash("2"))]);
    }

    #[test]
    fn a_project_without_code_of_its_own_leaves_no_entry() {
        let old = record(Vec::new(), &[("p", &["p/old.py"])]);
        let image = image(&[], &["lib/a.py=1"]);
        let new = with_place(&image, |place| place.record(&old).unwrap());
        assert!(new.projects.is_empty());
        assert_eq!(stale(&image, &old), "p/old.py");
    }

    #[test]
    fn what_the_project_has_no_more_is_stale_and_what_moved_to_another_package_is_not() {
        let old = record(
            vec![
                installed("gone", &["gone.py=1", "shared.py=1"], Some("p")),
                installed("a", &["a.py=0", "a_old.py=0"], Some("p")),
                installed("theirs", &["theirs.py=1"], Some("q")),
            ],
            &[("p", &["p/main.py", "p/old.py"]), ("q", &["q/main.py"])],
        );
        let image = image(&["p/main.py=2"], &["lib/a.py=1", "lib/shared.py=1"]);
        assert_eq!(stale(&image, &old), "lib/gone.py lib/a_old.py p/old.py");
    }

    #[test]
    fn sources_that_hide_compiled_files_go_once() {
        let old = record(vec![installed("a", &["a.py=0"], Some("p"))], &[]);
        let mut image = image(&["p/x.mpy=2"], &[]);
        image.superseded.insert(path("p/x.py"), Sha256Hex::of(b"x"));
        image
            .superseded
            .insert(path("lib/a.py"), Sha256Hex::of(b"a"));
        assert_eq!(stale(&image, &old), "lib/a.py p/x.py");
    }

    #[test]
    fn another_file_of_a_package_of_others_is_a_conflict() {
        let check = |theirs: Installed| {
            let old = record(vec![theirs], &[]);
            let image = image(&[], &["lib/a.py=1"]);
            with_place(&image, |place| match place.record(&old) {
                Ok(new) => names(&new),
                Err(error) => error.to_string(),
            })
        };
        assert_eq!(
            check(installed("theirs", &["a.py=2"], None)),
            "theirs and a have different files `a.py`"
        );
        assert_eq!(
            check(installed("theirs", &["a.py=2"], Some("q"))),
            "theirs and a have different files `a.py`"
        );
        assert_eq!(check(installed("theirs", &["a.py=1"], None)), "theirs a");
        // Its own earlier package, under another name, is replaced; one of mip with the same name too.
        assert_eq!(check(installed("old", &["a.py=2"], Some("p"))), "a");
        assert_eq!(check(installed("a", &["a.py=2"], None)), "a");
    }

    #[test]
    fn paths_of_packages_are_below_the_library() {
        let image = image(&[], &[]);
        with_place(&image, |place| {
            assert_eq!(place.of_library("a/b.py"), "lib/a/b.py");
            assert_eq!(place.below_base(&path("a.py")).unwrap(), path("lib/a.py"));
        });
    }
}
