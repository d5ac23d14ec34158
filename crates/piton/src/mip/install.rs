//! Fetched packages onto a board: which of them are one change. `plan` decides what a change is, `apply` carries
//! it out.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use piton_board::stop::Stop;
use piton_fs::error::Error as FsError;
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::Hashing;
use piton_project::mip::record::Record;

use super::change::Found;
use super::fetch::Content;
use super::look::{Looked, place_of, survey};
use super::plan::plan;
use super::{Fetched, Library, MipError, MipEvent, Packages};

/// Whether the board gets a record of the installed packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordUse {
    /// It does: [`Packages::list`], updating and [`Packages::uninstall`] need one.
    Keep,
    /// Only if it has one already. A damaged record is not changed.
    IfPresent,
}

/// The changes of an installation.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Installation {
    /// The number of written files.
    pub written: usize,
    /// The number of removed files of earlier versions.
    pub removed: usize,
    /// Each package: its name, the earlier version in the record, and its version now.
    pub packages: Vec<(String, Option<String>, Option<String>)>,
}

impl Packages<'_> {
    /// Puts packages and all they need on the board. Files that it has already are not sent. Files of an earlier version
    /// that the new one lacks are removed, if they are on record and unchanged.
    ///
    /// All packages are one change where they can be: one look at the board, one stream, all or nothing. Packages that bring
    /// different files of one name follow each other, and so do all of them when the board refuses a file: then those before
    /// the refused one are installed.
    ///
    /// `looked` is what [`Packages::look`] found for these packages before they were fetched; without it, the board is looked at
    /// now. An interrupted change of this library is finished first. The result has an entry for each of `fetched`.
    ///
    /// # Errors
    ///
    /// [`MipError::Unusable`] if the board does not load a compiled file: nothing is written then. When the board refuses a file, or the
    /// line breaks: then the packages of this change are as they were. If the line breaks, or the power goes, while the new files take their places, the rest is done by the next change of this library.
    /// When `events` breaks while files are sent, the packages of this change are as they were; later, they are installed.
    pub fn install(
        &mut self,
        fetched: &[Fetched],
        looked: Option<Looked>,
        record_use: RecordUse,
        events: &mut dyn FnMut(MipEvent<'_>) -> ControlFlow<()>,
    ) -> Result<Vec<Installation>, MipError> {
        let Packages { repl, library } = self;
        let library = &*library;
        for package in fetched {
            let files = package.files();
            library.check_package(files.filter_map(|(file, content)| match content {
                Content::Fetched { bytes, .. } => Some((file.path.as_str(), &bytes[..])),
                _ => None,
            }))?;
        }
        let mut stop = Stop::new(repl.cancel());
        let events = &mut |event: MipEvent<'_>| stop.report(|| events(event));
        let mut looked = looked;
        let mut remote = RemoteFs::new(repl);
        let mut installations = Vec::new();
        let mut first = 0;
        while let Some(rest) = fetched.get(first..).filter(|rest| !rest.is_empty()) {
            let (together, _) = rest.split_at(count_without_conflict(rest));
            let mut job = Job {
                library,
                all: fetched,
                fetched: together,
                first,
                record_use,
            };
            let mut announced = 0;
            match job.carry_out(&mut remote, looked.take(), &mut announced, events) {
                Ok(done) => installations.extend(done),
                Err(error) if together.len() > 1 && is_refusal(&error) => {
                    for (index, one) in together.iter().enumerate() {
                        job.fetched = std::slice::from_ref(one);
                        job.first = first + index;
                        installations.extend(job.carry_out(
                            &mut remote,
                            None,
                            &mut announced,
                            events,
                        )?);
                        announced = 0;
                    }
                }
                Err(error) => return Err(error),
            }
            first += together.len();
        }
        Ok(installations)
    }
}

/// Returns the number of packages, from the first on, that have no different files with one name.
fn count_without_conflict(fetched: &[Fetched]) -> usize {
    let mut contents: BTreeMap<String, &str> = BTreeMap::new();
    let clashes = fetched.iter().position(|fetched| {
        fetched.files().any(|(file, content)| {
            let known = contents.insert(place_of(file), content.sha256());
            known.is_some_and(|known| known != content.sha256())
        })
    });
    clashes.unwrap_or(fetched.len()).max(1)
}

/// Returns whether the board has refused one file.
fn is_refusal(error: &MipError) -> bool {
    error.board().is_none() && !matches!(error, MipError::Fs(FsError::Torn { .. }))
}

/// Packages that are installed by one change.
#[derive(Clone, Copy)]
pub(super) struct Job<'j> {
    pub(super) library: &'j Library,
    /// All that were asked for.
    pub(super) all: &'j [Fetched],
    /// Those of them.
    pub(super) fetched: &'j [Fetched],
    /// The number of the first of them among all that were asked for.
    pub(super) first: usize,
    pub(super) record_use: RecordUse,
}

impl Job<'_> {
    /// Looks at the board, unless it was `looked` at. `announced` is how many lines an earlier try has announced, and becomes how
    /// many are announced now.
    fn carry_out(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        looked: Option<Looked>,
        announced: &mut usize,
        events: &mut dyn FnMut(MipEvent<'_>),
    ) -> Result<Vec<Installation>, MipError> {
        let (found, old) = match looked {
            Some(looked) => (looked.found, looked.record),
            None => self.look(remote, events)?,
        };
        plan(self, remote, found, old)?.carry_out(remote, announced, events)
    }

    /// Surveys the files of the packages on the board, and reads the record, in one exchange. An interrupted change is
    /// completed first.
    fn look(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        events: &mut dyn FnMut(MipEvent<'_>),
    ) -> Result<(Found, Option<Record>), MipError> {
        let files = self.fetched.iter().flat_map(Fetched::files);
        let files = files.map(|(file, content)| match content {
            Content::Fetched { bytes, .. } => (file, Hashing::IfSize(bytes.len() as u64)),
            Content::OnBoard { .. } => (file, Hashing::Always),
        });
        survey(remote, self.library, files, self.record_use, events)
    }
}

#[cfg(test)]
mod tests {
    use piton_board::error::Error as BoardError;
    use piton_fs::error::FileState;

    use super::*;
    use crate::mip::tests::fetched;

    #[track_caller]
    fn check(packages: &[&[&str]], together: usize) {
        let packages: Vec<Fetched> = packages
            .iter()
            .map(|files| fetched(&[("a", *files)]))
            .collect();
        assert_eq!(count_without_conflict(&packages), together);
    }

    #[test]
    fn packages_are_one_change_up_to_the_first_with_another_file_of_one_name() {
        check(&[&["x.py=1"], &["y.py=1"], &["z.py=1"]], 3);
        // The same file may come twice.
        check(&[&["x.py=1"], &["x.py=1"]], 2);
        check(&[&["x.py=1"], &["y.py=1"], &["x.py=2"], &["z.py=1"]], 2);
        // FAT ignores the case of names.
        check(&[&["x.py=1"], &["X.PY=2"]], 1);
        check(&[&["x.py=1"], &["X.PY=1"]], 2);
    }

    #[test]
    fn a_package_that_contradicts_itself_is_still_tried() {
        // Otherwise nothing would ever be installed, and the loop would not end.
        check(&[&["x.py=1", "X.py=2"], &["y.py=1"]], 1);
        check(&[&[]], 1);
    }

    #[test]
    fn after_a_refusal_packages_are_tried_one_by_one_but_not_after_a_lost_line() {
        let path = || "/lib/a.py".parse().unwrap();
        let gone = || BoardError::Disconnected {
            waiting_for: "an answer",
            source: std::io::ErrorKind::BrokenPipe.into(),
        };
        assert!(is_refusal(&FsError::NotFound { path: path() }.into()));
        assert!(is_refusal(&MipError::Gone { path: path() }));
        assert!(!is_refusal(&MipError::Board(gone())));
        assert!(!is_refusal(&FsError::Board(gone()).into()));
        // Nobody knows what the board has now.
        let torn = FsError::Torn {
            path: path(),
            state: FileState::Unknown,
            source: Box::new(FsError::NotFound { path: path() }),
        };
        assert!(!is_refusal(&torn.into()));
    }
}
