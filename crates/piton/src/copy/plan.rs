//! Planning a copy: the sources, and their destinations.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use piton_fs::hash::HashAlgorithm;
use piton_fs::listing::Kind;
use piton_fs::put::LONGEST_PUT;
use piton_fs::remote::RemoteFs;
use piton_path::BoardPath;

use super::compare::{has_content, has_folder, survey};
use super::{Error, Options, Place, step, tree};

/// Maximum size in bytes of a file that a board can hash within the timeout of a step.
const LONGEST_PEEK: u64 = 16 << 20;

/// The steps of a copy, source by source.
#[derive(Debug)]
pub struct Plan {
    pub(super) sources: Vec<PlannedSource>,
    pub(super) destination: Place,
    pub(super) options: Options,
    pub(super) left_out: Vec<String>,
    pub(super) reserved: Vec<Place>,
    pub(super) failure: Option<Error>,
}

/// The steps for one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedSource {
    /// The source, as the caller named it.
    pub place: Place,
    /// The steps, in this order.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// Make a folder, unless there is one.
    MakeFolder {
        /// Its path.
        path: Place,
    },
    /// Copy a file.
    CopyFile {
        /// The source.
        from: Place,
        /// The exact destination.
        to: Place,
        /// Its size in bytes, if it is known. The size of a pipe is unknown before its end.
        size: Option<u64>,
        /// Whether the destination has this content already.
        is_unchanged: bool,
    },
    /// Send a small file of the host with a program that examines the destination itself. The whole
    /// copy is one exchange.
    Put {
        /// The file.
        from: PathBuf,
        /// The destination, if it is not a folder.
        path: BoardPath,
        /// The destination in this folder, if it is one.
        inside: BoardPath,
    },
}

impl Plan {
    /// Returns the sources, up to the first that cannot be copied.
    pub fn sources(&self) -> &[PlannedSource] {
        &self.sources
    }

    /// Returns the destination, without separators at its end.
    pub fn destination(&self) -> &Place {
        &self.destination
    }

    /// Returns the files that [`Options::ignore`] left out of folders of the host: paths below the folder.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Returns the files that are left out because of a [reserved](piton_path::is_reserved) name.
    pub fn reserved(&self) -> &[Place] {
        &self.reserved
    }

    /// Returns why the last of the [`Plan::sources`] cannot be copied. [`apply`](super::apply()) copies the others, and
    /// then fails with this error.
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }
}

/// Decides how to copy `sources` to `destination`. Nothing is changed.
///
/// A source that cannot be copied ends the plan: see [`Plan::failure`].
///
/// # Errors
///
/// [`Error::ReadBoard`], [`Error::ReadHost`] if the files at the destination could not be compared with the sources.
pub fn plan(
    remote: &mut RemoteFs<'_, '_>,
    sources: &[Place],
    destination: &Place,
    options: &Options,
) -> Result<Plan, Error> {
    plan_with(remote, sources, destination, options, true)
}

/// As [`plan`]. Without `may_put` it has no [`Step::Put`], which some boards do not support.
pub(super) fn plan_with(
    remote: &mut RemoteFs<'_, '_>,
    sources: &[Place],
    destination: &Place,
    options: &Options,
    may_put: bool,
) -> Result<Plan, Error> {
    let mut planner = Planner {
        remote,
        plan: Plan {
            sources: Vec::new(),
            destination: destination.without_end_separators(),
            options: options.clone(),
            left_out: Vec::new(),
            reserved: Vec::new(),
            failure: None,
        },
        is_one_of_several: sources.len() > 1,
        must_be_folder: destination.has_to_be_folder(),
        found: None,
    };
    if let [source] = sources
        && let Some(step) = planner.one_file(source, may_put)
    {
        planner.plan.sources.push(PlannedSource {
            place: source.clone(),
            steps: vec![step],
        });
        return Ok(planner.plan);
    }
    planner.all(sources)
}

struct Planner<'p, 'r, 'b> {
    remote: &'p mut RemoteFs<'r, 'b>,
    plan: Plan,
    is_one_of_several: bool,
    /// The destination has to be a folder.
    must_be_folder: bool,
    /// The kind of the destination when the next source begins, if it is known.
    found: Option<Option<Kind>>,
}

impl Planner<'_, '_, '_> {
    fn all(mut self, sources: &[Place]) -> Result<Plan, Error> {
        for source in sources {
            let planned = match self.plan.options.recursive {
                true => self.file_or_folder(source),
                false => self.file(source),
            };
            let steps = planned.unwrap_or_else(|error| {
                self.plan.failure = Some(error);
                Vec::new()
            });
            let place = source.clone();
            self.plan.sources.push(PlannedSource { place, steps });
            if self.plan.failure.is_some() {
                break;
            }
        }
        if !self.plan.options.force {
            self.mark_unchanged()?;
        }
        Ok(self.plan)
    }

    /// Returns the step for the only source, if that is a file of the host that goes to the board: with at most one
    /// exchange. `None` if it is something else, or the board needs more exchanges.
    fn one_file(&mut self, source: &Place, may_put: bool) -> Option<Step> {
        let (Place::Host(from), Place::Board(path)) = (source, &self.plan.destination) else {
            return None;
        };
        let is_root = matches!(path.as_str(), "" | "/");
        if self.plan.options.recursive || (self.must_be_folder && !is_root) {
            return None;
        }
        let metadata = fs::metadata(from).ok();
        let size = metadata.filter(fs::Metadata::is_file)?.len();
        let inside = source.name()?.below(path);
        let path = match is_root {
            true => inside.clone(),
            false => without_current_folder(path),
        };
        let inside = without_current_folder(&inside);
        let from = from.clone();
        if may_put && size <= LONGEST_PUT as u64 {
            return Some(Step::Put { from, path, inside });
        }
        if size > LONGEST_PEEK {
            return None;
        }
        // An error is not returned here, because the plan with more exchanges will report it.
        let Ok(Some(peek)) = self.remote.peek(&path, &inside, size, step()) else {
            return None;
        };
        let digest = peek.digest.filter(|_| !self.plan.options.force);
        // A file that cannot be read is reported when it is sent.
        let is_unchanged =
            digest.is_some_and(|digest| sha256_of(&from).is_ok_and(|sha256| sha256 == digest));
        Some(Step::CopyFile {
            from: Place::Host(from),
            to: Place::Board(if peek.in_folder { inside } else { path }),
            size: Some(size),
            is_unchanged,
        })
    }

    fn destination_kind(&mut self) -> Result<Option<Kind>, Error> {
        let kind = match self.found {
            Some(found) => found,
            None => self.plan.destination.kind(self.remote)?,
        };
        self.found = Some(kind);
        Ok(kind)
    }

    /// Returns the steps that copy one file.
    fn file(&mut self, source: &Place) -> Result<Vec<Step>, Error> {
        let found = self.destination_kind()?;
        match found {
            Some(Kind::Directory) => {}
            None if self.is_one_of_several => return Err(Error::NoDestination),
            _ if self.is_one_of_several || self.must_be_folder => {
                return Err(Error::DestinationNotAFolder);
            }
            _ => {}
        }
        let mut size = None;
        if let Place::Host(path) = source {
            let metadata = fs::metadata(path).map_err(|source| Error::ReadHost {
                path: path.clone(),
                source,
            })?;
            if metadata.is_dir() {
                return Err(Error::IsAFolder);
            }
            size = metadata.is_file().then_some(metadata.len());
        }
        let destination = &self.plan.destination;
        let to = match (found, source.name(), source) {
            (Some(Kind::Directory), Some(name), _) => {
                if let (Place::Board(path), Place::Host(_)) = (source, destination) {
                    tree::check_host_name(&name, path)?;
                }
                destination.below(&name)
            }
            (Some(Kind::Directory), None, Place::Host(path)) => {
                return Err(Error::NotText { path: path.clone() });
            }
            // A source without a name is a folder. Reading it returns the error.
            _ => destination.clone(),
        };
        Ok(vec![copy_file(source.clone(), to, size)])
    }

    /// Returns the steps that copy a file, or a folder with its contents.
    fn file_or_folder(&mut self, source: &Place) -> Result<Vec<Step>, Error> {
        let source = source.without_end_separators();
        if source.kind(self.remote)? != Some(Kind::Directory) {
            return self.file(&source);
        }
        let found = self.destination_kind()?;
        let target = match (found, source.name()) {
            (Some(_), Some(name)) => self.plan.destination.below(&name),
            _ => {
                // The next source finds the folder that this one makes.
                self.found = Some(Some(Kind::Directory));
                self.plan.destination.clone()
            }
        };
        let is_to_host = !target.is_on_board();
        let tree = tree::list(self.remote, &source, &self.plan.options.ignore, is_to_host)?;
        self.plan.left_out.extend(tree.left_out);
        self.plan.reserved.extend(tree.reserved);
        let folders = tree.folders.iter().map(|path| Step::MakeFolder {
            path: target.below(path),
        });
        let files = tree
            .files
            .iter()
            .map(|(path, size)| copy_file(source.below(path), target.below(path), *size));
        let top = Step::MakeFolder {
            path: target.clone(),
        };
        let steps = std::iter::once(top).chain(folders).chain(files);
        Ok(steps.filter(|step| !makes_what_is_there(step)).collect())
    }

    /// Marks the files that the board has already. One exchange.
    fn mark_unchanged(&mut self) -> Result<(), Error> {
        let steps = self.plan.sources.iter().flat_map(|source| &source.steps);
        let on_board = steps.filter_map(|step| match step {
            Step::MakeFolder {
                path: Place::Board(path),
            } => Some((path, None)),
            Step::CopyFile {
                to: Place::Board(path),
                size,
                ..
            } => Some((path, *size)),
            _ => None,
        });
        let entries = survey(self.remote, on_board)?;
        // An earlier step may write the same file, so the file of the board now does not count.
        let mut written = HashSet::new();
        for source in &mut self.plan.sources {
            source.steps.retain(|step| {
                !matches!(step, Step::MakeFolder { path: Place::Board(path) } if has_folder(&entries, path))
            });
            for step in &mut source.steps {
                let Step::CopyFile {
                    from,
                    to: Place::Board(to),
                    size,
                    is_unchanged,
                } = step
                else {
                    continue;
                };
                let is_first = written.insert(to.clone());
                if let (true, Place::Host(from), Some(size)) = (is_first, from, size) {
                    *is_unchanged = match entries.get(to) {
                        Some(entry) => has_content(entry, *size, || sha256_of(from))?,
                        None => false,
                    };
                }
            }
        }
        Ok(())
    }
}

fn copy_file(from: Place, to: Place, size: Option<u64>) -> Step {
    let to = match &to {
        Place::Board(path) => Place::Board(without_current_folder(path)),
        Place::Host(_) => to,
    };
    Step::CopyFile {
        from,
        to,
        size,
        is_unchanged: false,
    }
}

/// Returns the path without a `./` in front. On a board without folders it would be part of the name.
fn without_current_folder(path: &BoardPath) -> BoardPath {
    let rest = path.as_str().strip_prefix("./");
    // A part of a valid path has no NUL, so it is valid.
    rest.and_then(|rest| rest.parse().ok())
        .unwrap_or_else(|| path.clone())
}

/// Returns whether the step creates a folder that every board has.
fn makes_what_is_there(step: &Step) -> bool {
    matches!(
        step,
        Step::MakeFolder { path: Place::Board(path) } if matches!(path.as_str(), "" | "/")
    )
}

fn sha256_of(path: &Path) -> Result<Vec<u8>, Error> {
    fs::File::open(path)
        .and_then(|mut file| HashAlgorithm::Sha256.digest_of(&mut file))
        .map_err(|source| Error::ReadHost {
            path: path.to_owned(),
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(path: &str) -> Place {
        Place::Board(path.parse().unwrap())
    }

    #[test]
    fn a_file_is_written_without_the_current_folder_in_its_path() {
        // On a board without folders, such as the micro:bit, `./a.py` is the name of a file.
        for (path, expected) in [
            ("./a.py", "a.py"),
            ("a/./b.py", "a/./b.py"),
            (".hidden", ".hidden"),
            ("../a.py", "../a.py"),
        ] {
            let step = copy_file(board("from"), board(path), Some(1));
            let Step::CopyFile {
                to,
                size,
                is_unchanged,
                ..
            } = step
            else {
                panic!("{step:?}")
            };
            assert_eq!((to, size, is_unchanged), (board(expected), Some(1), false));
        }
        let host = Place::Host(PathBuf::from("./a.py"));
        let step = copy_file(board("from"), host.clone(), None);
        assert!(matches!(step, Step::CopyFile { to, .. } if to == host));
    }

    #[test]
    fn folders_that_every_board_has_are_not_made() {
        let make = |path| makes_what_is_there(&Step::MakeFolder { path });
        assert!(make(board("")) && make(board("/")));
        assert!(!make(board("lib")));
        assert!(!make(Place::Host(PathBuf::from("/"))));
        assert!(!makes_what_is_there(&copy_file(
            board("a"),
            board("/"),
            None
        )));
    }

    #[test]
    fn the_hash_of_a_file_that_cannot_be_read_is_an_error_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let error = sha256_of(&path).unwrap_err();
        assert!(matches!(error, Error::ReadHost { path: named, .. } if named == path));
        fs::write(&path, "abc").unwrap();
        let digest = sha256_of(&path).unwrap();
        assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf]);
    }
}
