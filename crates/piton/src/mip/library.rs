//! The folder of a board for packages.

use data_encoding::HEXLOWER;
use piton_board::deadline::Deadline;
use piton_board::literal::from_literal;
use piton_board::repl::RawRepl;
use piton_fs::error::Error as FsError;
use piton_fs::hash::HashAlgorithm;
use piton_fs::listing::Kind;
use piton_fs::remote::RemoteFs;
use piton_fs::swap::journals_of;
use piton_fs::transfer::{Hashing, SurveyEntry};
use piton_path::BoardPath;
use piton_project::mip::record::{self, Record};

use super::change::Found;
use super::{MipError, MipEvent};
use crate::board_format::{BoardFormat, Unusable};
use crate::times::{CONTENT_TIME, STEP_TIME};

/// A program that prints the board's implementation, the first number of its version, the value of `_mpy` (0 if it has
/// none) and the folders that it imports from.
const QUESTION: &[u8] = b"import sys\ni=sys.implementation\n\
    print((i[0],i[1][0],getattr(i,'_mpy',0),getattr(sys,'path',[])))";

/// The folder of a board for packages, and the format of the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Library {
    target: String,
    folder: BoardPath,
    /// The format of the board, for [`FetchOptions::format`](super::FetchOptions::format).
    pub format: BoardFormat,
}

impl Library {
    /// Finds the library of the board: `target`, else the first folder of its `sys.path` whose name ends in `/lib`,
    /// except in its ROM.
    ///
    /// # Errors
    ///
    /// [`MipError::NoLibrary`], [`MipError::Target`], [`MipError::Board`].
    pub fn find(repl: &mut RawRepl<'_>, target: Option<&str>) -> Result<Library, MipError> {
        let printed = repl.run(QUESTION, Deadline::after(STEP_TIME))?;
        Library::from_answer(&printed, target)
    }

    /// Returns the library of the board that printed this answer to [`QUESTION`].
    pub(super) fn from_answer(printed: &[u8], target: Option<&str>) -> Result<Library, MipError> {
        let (implementation, major, mpy, path): (String, u32, u32, Vec<String>) =
            from_literal(printed.trim_ascii()).map_err(piton_board::error::Error::from)?;
        let target = match target {
            Some(target) => target.to_owned(),
            None => path
                .into_iter()
                .find(|folder| folder.ends_with("/lib") && !folder.starts_with("/rom"))
                .ok_or(MipError::NoLibrary)?,
        };
        let trimmed = match target.trim_end_matches('/') {
            "" if target.starts_with('/') => "/",
            trimmed => trimmed,
        };
        let folder = trimmed.parse().map_err(|_| MipError::Target {
            target: target.clone(),
        })?;
        Ok(Library {
            folder,
            target,
            format: BoardFormat::of_implementation(&implementation, major, mpy),
        })
    }

    /// Returns the folder, as the caller or the board named it.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns its own name: `lib`.
    pub(crate) fn name(&self) -> &str {
        self.folder.file_name().unwrap_or_default()
    }

    /// Returns the folder that it is in, where the code of a project is too.
    pub(super) fn parent(&self) -> Library {
        let folder = self.folder.parent().unwrap_or_else(BoardPath::root);
        Library {
            target: folder.as_str().trim_end_matches('/').to_owned(),
            folder,
            format: self.format.clone(),
        }
    }

    /// Checks that the board can use a file.
    pub(super) fn check_file(&self, path: &str, content: &[u8]) -> Result<(), MipError> {
        let checked = self.format.check_file(path, content);
        checked.map_err(|source| unusable(path, source))
    }

    /// Checks that the board loads the compiled files of a package.
    pub(super) fn check_package<'a>(
        &self,
        files: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<(), MipError> {
        let checked = self.format.check_package(files);
        checked.map_err(|(path, source)| unusable(path, source))
    }

    /// Returns the path of a file below it, as mpremote prints it.
    pub(super) fn shown(&self, path: &str) -> String {
        format!("{}/{path}", self.target)
    }

    /// Returns the folder on the board.
    pub(super) fn folder(&self) -> &BoardPath {
        &self.folder
    }

    /// Returns the path of a file below it.
    pub(super) fn place(&self, path: &str) -> Result<BoardPath, MipError> {
        Ok(self.folder.join(&name(path)?))
    }

    /// Returns the folders that a file needs, the outermost first: those above the library, itself, and those below.
    pub(super) fn folders(&self, path: &BoardPath) -> Vec<BoardPath> {
        let mut folders = Vec::new();
        let mut folder = path.parent();
        while let Some(path) = folder.filter(|folder| folder.file_name().is_some()) {
            folder = path.parent();
            folders.push(path);
        }
        folders.reverse();
        folders
    }

    /// Returns the path of the record of installed packages.
    pub(super) fn record_path(&self) -> Result<BoardPath, MipError> {
        self.place(record::FILE_NAME)
    }

    /// Returns the record of installed packages; `None` if there is none.
    pub(super) fn record(&self, remote: &mut RemoteFs<'_, '_>) -> Result<Option<Record>, MipError> {
        let wanted = [(self.record_path()?, Hashing::Never)];
        let found = remote.look(&wanted, Deadline::after(STEP_TIME))?;
        self.read_record(remote, &found)
    }

    /// Returns the record of installed packages, after an interrupted change is completed or undone; `None` if there is
    /// none.
    pub(super) fn settled_record(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        events: &mut dyn FnMut(MipEvent<'_>),
    ) -> Result<Option<Record>, MipError> {
        let wanted = [(self.record_path()?, Hashing::Never)];
        let found = self.settled(remote, &wanted, events)?;
        self.read_record(remote, &found)
    }

    /// Surveys files of the board, after an interrupted change is completed or undone: one of this library, or of a project,
    /// which is in the folder that this one is in. One exchange, if there is none.
    pub(super) fn settled(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        wanted: &[(BoardPath, Hashing)],
        events: &mut dyn FnMut(MipEvent<'_>),
    ) -> Result<Found, MipError> {
        let parent = self.parent();
        let folders = [self, &parent]
            .into_iter()
            .take(match parent.folder == self.folder {
                true => 1,
                false => 2,
            });
        let folders: Vec<(&Library, [BoardPath; 2])> = folders
            .map(|library| (library, journals_of(&library.folder)))
            .collect();
        let journals = folders.iter().flat_map(|(_, journals)| journals);
        let all = journals.map(|name| (name.clone(), Hashing::Never));
        let all: Vec<(BoardPath, Hashing)> = all.chain(wanted.iter().cloned()).collect();
        let deadline = Deadline::after(CONTENT_TIME);
        let found = remote.look(&all, deadline)?;
        let is_left =
            |journals: &[BoardPath]| journals.iter().any(|journal| found.contains_key(journal));
        let mut is_settled = true;
        for (library, journals) in &folders {
            if !is_left(journals) {
                continue;
            }
            is_settled = false;
            if remote.settle_swap(&library.folder, deadline)? {
                events(MipEvent::Finished {
                    folder: &library.target,
                });
            }
        }
        match is_settled {
            true => Ok(found),
            false => Ok(remote.look(wanted, deadline)?),
        }
    }

    /// Reads the record, if the survey has it.
    pub(super) fn read_record(
        &self,
        remote: &mut RemoteFs<'_, '_>,
        found: &Found,
    ) -> Result<Option<Record>, MipError> {
        let path = self.record_path()?;
        let Some(found) = found.get(&path) else {
            return Ok(None);
        };
        if found.size > record::SIZE_LIMIT {
            return Err(FsError::Damaged {
                path,
                expected: format!("at most {} bytes", record::SIZE_LIMIT),
                found: format!("{} bytes", found.size),
            }
            .into());
        }
        let text = remote.read(&path, &mut |_| {}, Deadline::after(STEP_TIME))?;
        match Record::parse(&text) {
            Ok(record) => Ok(Some(record)),
            Err(source) => Err(MipError::Record { path, source }),
        }
    }
}

/// Returns a path below the library.
pub(super) fn name(path: &str) -> Result<BoardPath, MipError> {
    path.parse().map_err(|_| MipError::Target {
        target: path.to_owned(),
    })
}

/// Returns whether `found` is a file with this SHA-256, in hexadecimal. A board without SHA-256 sends its content.
pub(super) fn is_same(
    remote: &mut RemoteFs<'_, '_>,
    found: &SurveyEntry,
    sha256: &str,
) -> Result<bool, MipError> {
    match (found.kind, found.digest) {
        (Kind::Directory, _) => Ok(false),
        (Kind::File, Some(digest)) => Ok(digest.matches_text(sha256)),
        (Kind::File, None) => {
            let deadline = Deadline::after(CONTENT_TIME);
            let digest = remote.hash(&found.path, HashAlgorithm::Sha256, deadline)?;
            Ok(HEXLOWER.encode(&digest) == sha256)
        }
    }
}

fn unusable(path: &str, source: Unusable) -> MipError {
    MipError::Unusable {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a board answers, with or without a target: the library, and the version of compiled packages for it.
    fn check(answer: &str, target: Option<&str>, expected: &str) {
        let found = match Library::from_answer(answer.as_bytes(), target) {
            Ok(library) => format!("{} {:?}", library.target(), library.format.index_version()),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{answer}");
    }

    #[test]
    fn the_answer_of_a_board_has_its_library_and_format() {
        let paths = "['', '.frozen', '/lib']";
        check(
            &format!("('micropython', 1, 4870, {paths})\r\n"),
            None,
            "/lib Some(6)",
        );
        check(
            &format!("('micropython', 1, 5637, {paths})"),
            None,
            "/lib Some(5)",
        );
        check(
            &format!("('micropython', 1, 0, {paths})"),
            None,
            "/lib None",
        );
        // The same number of the format, but bytecode that only CircuitPython loads.
        check(
            &format!("('circuitpython', 10, 518, {paths})"),
            None,
            "/lib None",
        );
        check(
            "('micropython', 1, 0, ['', '/rom/lib', '/sd/lib'])",
            None,
            "/sd/lib None",
        );
        check(
            "('micropython', 1, 0, [])",
            Some("/flash//"),
            "/flash// None",
        );
        check("('micropython', 1, 0, [])", Some("/"), "/ None");
    }

    #[test]
    fn invalid_answers_are_errors() {
        for answer in [
            "",
            "('micropython',)",
            "('micropython', 1, -1, [])",
            "(0, 1, 0, [])",
        ] {
            let error = Library::from_answer(answer.as_bytes(), None).unwrap_err();
            assert!(matches!(error, MipError::Board(_)), "{answer}: {error}");
        }
        let nowhere = Library::from_answer(b"('micropython', 1, 0, ['/rom/lib'])", None);
        assert!(matches!(nowhere, Err(MipError::NoLibrary)));
    }
}
