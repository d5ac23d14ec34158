//! Building a folder of Python sources: compiled files, a manifest, archives and signatures.
//!
//! [`build`] reads the sources once and compiles each for every target. The folder of the results does not change
//! until everything is done; then the whole folder is replaced at once. If the results are the same, nothing is
//! written. The results depend on the sources, the settings and the version of Piton only: not on the time, the
//! user, the folder or the order in which a file system lists its files.
//!
//! ```
//! use piton::building::{Settings, Written, build};
//! use piton::deadline::Cancel;
//!
//! # let folder = tempfile::tempdir()?;
//! # let project = folder.path();
//! std::fs::create_dir(project.join("src"))?;
//! std::fs::write(project.join("src/main.py"), "import greeting\n")?;
//! std::fs::write(project.join("src/greeting.py"), "print('hello')\n")?;
//!
//! let settings = Settings { cache: None, ..Settings::new(project.join("src"), project.join("build")) };
//! let report = build(&settings, &Cancel::new(), &|_| {})?;
//! assert_eq!(report.written, Written::Replaced);
//! assert!(project.join("build/mpy/greeting.mpy").is_file());
//! assert!(project.join("build/mpy/main.py").is_file(), "no board runs `main.mpy` after a reset");
//! assert_eq!(build(&settings, &Cancel::new(), &|_| {})?.written, Written::Unchanged);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod age;
mod fat;
mod make;
mod place;
pub mod project;
mod report;
mod scan;
mod swap;
mod target;

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use piton_board::error::ErrorKind;
use piton_compiler::Diagnostic;
use piton_fs::start_files;
use piton_path::{PortablePath, PortablePathError};
use piton_project::cache::Cache;
use piton_shipment::signature::SecretKey;

use crate::events;
use crate::patterns::Patterns;

pub use age::epoch;
pub use make::build;
pub use report::{BuildFailure, BuildReport, BuiltTarget, ProjectReport, SourceAsIs};
pub use scan::fingerprint;
pub use target::{BuildTarget, UnknownTarget};

/// Name of the folder with the files of a target.
pub const FILES: &str = "mpy";
/// Name of the list of these files.
pub const MANIFEST: &str = "manifest.json";
/// Name of the list of targets, where there are several.
pub const INDEX: &str = "index.json";
/// The ending of the name of a signature.
pub const SIGNATURE: &str = ".minisig";
/// Name of the tar archive.
pub const TAR: &str = "mpy-files.tar.gz";
/// Name of the zip archive.
pub const ZIP: &str = "mpy-files.zip";

/// Returns the files that stay source by default on boards with these firmwares.
pub fn entry_files(targets: &[BuildTarget]) -> Vec<String> {
    let for_circuitpython = targets.iter().any(|target| target.is_circuitpython());
    let names = start_files::sources(for_circuitpython);
    names.map(str::to_owned).collect()
}

/// The pause between two checks of the sources in a build that watches them.
pub const WATCH_INTERVAL: Duration = Duration::from_millis(300);

/// Settings of a build.
#[derive(Debug)]
pub struct Settings {
    /// The folder of the sources.
    pub source: PathBuf,
    /// The folder of the results. Other files in it are kept.
    pub out: PathBuf,
    /// The firmwares to build for; by default one, `micropython`.
    pub targets: Vec<BuildTarget>,
    /// Optimisation level, 0 to 3.
    pub optimise: u32,
    /// Bits of a small integer on the board, sign included.
    pub small_int_bits: u8,
    /// Whether line numbers are kept.
    pub source_lines: bool,
    /// Version of the build; `None` for the tag of the commit, if it has one, else `0.0.0`.
    pub version: Option<String>,
    /// Names of the files at the top of the sources that stay source.
    pub entry: Vec<String>,
    /// Files other than sources to include.
    pub data: Patterns,
    /// Whether all files are included, except those for other programs.
    pub all_data: bool,
    /// The files to build; `None` for all files of the folder.
    pub files: Option<Vec<NamedFile>>,
    /// Files and folders to leave out.
    pub exclude: Patterns,
    /// Whether a source that does not compile ends the build, with nothing written.
    pub strict: bool,
    /// Sources that may fail to compile in spite of [`Settings::strict`].
    pub allow_fail: Patterns,
    /// Whether archives are made.
    pub archives: bool,
    /// The key to sign with.
    pub key: Option<Arc<SecretKey>>,
    /// The cache of compiled files.
    pub cache: Option<Cache>,
    /// How many files are compiled at the same time.
    pub jobs: NonZeroUsize,
}

impl Settings {
    /// Returns the default settings: all sources, for MicroPython, into `out`.
    pub fn new(source: impl Into<PathBuf>, out: impl Into<PathBuf>) -> Settings {
        Settings {
            source: source.into(),
            out: out.into(),
            targets: vec![BuildTarget::default()],
            optimise: 0,
            small_int_bits: 31,
            source_lines: true,
            version: None,
            entry: entry_files(&[BuildTarget::default()]),
            data: Patterns::new(),
            all_data: false,
            files: None,
            exclude: Patterns::new(),
            strict: false,
            allow_fail: Patterns::new(),
            archives: true,
            key: None,
            cache: None,
            jobs: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}

impl Settings {
    /// Returns the path of a source for messages.
    fn path_of(&self, below: &Path) -> PathBuf {
        match self.source == Path::new(".") {
            true => below.to_owned(),
            false => self.source.join(below),
        }
    }
}

/// A file that a list names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamedFile {
    /// Path below the folder of the sources.
    pub source: PortablePath,
    /// Path on the board, before a compiled file gets its ending.
    pub place: PortablePath,
}

/// The result of a build.
#[derive(Debug)]
pub struct Report {
    /// What happened to the folder of the results.
    pub written: Written,
    /// The result for each target, in the order of the settings.
    pub targets: Vec<TargetReport>,
    /// The list of the targets, where there are several.
    pub index: Option<PathBuf>,
    /// The signatures of the manifests and of the list of targets.
    pub signatures: Vec<PathBuf>,
    /// Version of what was built, as the manifests have it.
    pub version: String,
    /// The sources that did not compile, by target and path.
    pub failures: Vec<Failure>,
    /// The sources that are included unchanged, because only the board can compile them, by target and path.
    pub native: Vec<NativeSource>,
    /// The included files that are not sources, by path.
    pub data: Vec<PortablePath>,
    /// The files that no setting includes, by path.
    pub other: Vec<PortablePath>,
    /// When the sources were current, in seconds since 1970.
    pub timestamp: u64,
}

/// What happened to the folder of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The folder was replaced by the results.
    Replaced,
    /// The folder had the same content already.
    Unchanged,
    /// The folder is unchanged: a source did not compile.
    Refused(Refusal),
}

/// Why nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// [`Settings::strict`], and a source did not compile.
    Strict,
    /// For one of the targets no source compiled.
    Nothing,
}

/// The results for one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetReport {
    /// Name of the target.
    pub name: String,
    /// The folder with the files.
    pub folder: PathBuf,
    /// The manifest.
    pub manifest: PathBuf,
    /// The archives.
    pub archives: Vec<PathBuf>,
    /// The number of files in the manifest.
    pub files: usize,
    /// The number of compiled modules among them.
    pub modules: usize,
    /// The number of modules that this run compiled.
    pub compiled: usize,
    /// The size of all files, in bytes.
    pub size: u64,
}

/// A source that did not compile.
#[derive(Debug)]
pub struct Failure {
    /// Name of the target.
    pub target: String,
    /// Path below the folder of the sources.
    pub source: PortablePath,
    /// Path of the source.
    pub path: PathBuf,
    /// The reason.
    pub diagnostic: Diagnostic,
    /// The source's bytes.
    pub content: Vec<u8>,
    /// Whether [`Settings::allow_fail`] covers it.
    pub allowed: bool,
}

/// A source with functions in machine code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeSource {
    /// Name of the target.
    pub target: String,
    /// Path below the folder of the sources.
    pub source: PortablePath,
    /// Path of the source.
    pub path: PathBuf,
    /// The line of the first decorator for machine code, from 1.
    pub line: Option<u32>,
}

/// Why an entry of the folder of the sources is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeftOut {
    /// It usually holds passwords or secret keys.
    Private,
    /// It is for other programs than those of boards.
    ForOthers,
    /// It is a compiled module whose source is in the same folder: a board imports the source.
    HasSource,
    /// It is a link to a folder.
    FolderLink,
    /// It is a link whose target does not exist.
    DanglingLink,
    /// It is neither a file nor a folder.
    Special,
}

/// Progress of a build.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum BuildEvent {
    /// An entry that looks like a source, or like a folder of sources, is left out.
    LeftOut {
        /// Its path.
        #[serde(serialize_with = "events::path")]
        path: PathBuf,
        /// The reason.
        why: LeftOut,
    },
    /// One more source is done, for all targets.
    Done {
        /// How many are done.
        done: usize,
        /// How many there are.
        of: usize,
    },
    /// The time of the commit is unknown, so the time of the newest source is used.
    NoCommitTime {
        /// The error of git.
        why: String,
    },
}

/// Why a build failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// There is no folder of sources, or it is not a folder.
    #[error("there is no folder `{}` with sources", path.display())]
    NoSource {
        /// Its path.
        path: PathBuf,
    },
    /// The folder has no Python source.
    #[error("there is no Python source in `{}`", path.display())]
    NoFiles {
        /// Its path.
        path: PathBuf,
    },
    /// A list names a file that does not exist.
    #[error("there is no file `{}`", path.display())]
    NoNamedFile {
        /// Its path.
        path: PathBuf,
    },
    /// A list of files cannot be used.
    #[error("`{}`: {problem}", path.display())]
    List {
        /// The list.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file to include is a secret key.
    #[error("`{}` is a secret key to sign with, and is never shipped", path.display())]
    SecretKey {
        /// Its path.
        path: PathBuf,
    },
    /// The board of the project runs a CircuitPython that is too old.
    #[error("`{}` is of CircuitPython {version}, expected 7 or newer", path.display())]
    OldCircuitPython {
        /// The `boot_out.txt` with the version.
        path: PathBuf,
        /// The version.
        version: String,
    },
    /// There is no folder `src`, and the folder of the sources is ambiguous.
    #[error("there is no folder `{}` with sources", path.display())]
    UnclearSource {
        /// The folder that does not exist.
        path: PathBuf,
        /// Folders and files with Python sources, which could be meant.
        candidates: Vec<String>,
    },
    /// A file or folder cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file's name does not fit into a manifest.
    #[error("`{}` has a name that cannot be shipped: {source}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What is wrong with the name.
        source: PortablePathError,
    },
    /// Two files would be written to one.
    #[error("`{first}` and `{second}` would both become `{output}`{}", if *case_only { " on a FAT file system" } else { "" })]
    SameOutput {
        /// One file.
        first: PortablePath,
        /// The other.
        second: PortablePath,
        /// The result.
        output: PortablePath,
        /// Whether the names differ in upper and lower case.
        case_only: bool,
    },
    /// `SOURCE_DATE_EPOCH` is set to something else than a number of seconds.
    #[error("`SOURCE_DATE_EPOCH` is `{value}`, expected seconds since 1970")]
    Epoch {
        /// Its value.
        value: String,
    },
    /// The results cannot be written. The folder is as it was.
    #[error("could not write `{}`: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// The folder of the results contains the sources, or is one of them.
    #[error("the results cannot be written to `{}`: the sources are in it", path.display())]
    OutHoldsSource {
        /// The folder.
        path: PathBuf,
    },
    /// The results would replace a file.
    #[error("the results cannot be written to `{}`: it is not a folder", path.display())]
    OutIsNotAFolder {
        /// The file.
        path: PathBuf,
    },
    /// The results would replace a file or folder that no build made.
    #[error("`{}` would be replaced, and no build made it", path.display())]
    NotOurs {
        /// The file or folder.
        path: PathBuf,
    },
    /// The version has a character that controls a terminal.
    #[error("the version `{}` has a control character", version.escape_debug())]
    Version {
        /// The version.
        version: String,
    },
    /// A build was interrupted so that two names are one folder on the drive. Nothing was written.
    #[error("an interrupted build left `{}`, which is the same folder on the drive as `{}`", left.display(), path.display())]
    Shared {
        /// The folder of the interrupted build.
        left: PathBuf,
        /// The folder of the results.
        path: PathBuf,
    },
    /// Another build for the same folder is running.
    #[error("another build is writing to `{}`", path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The build was interrupted.
    #[error("interrupted; `{}` is as it was", path.display())]
    Cancelled {
        /// The folder of the results.
        path: PathBuf,
    },
}

impl BuildError {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            BuildError::Cancelled { .. } => ErrorKind::Interrupted,
            _ => ErrorKind::Refused,
        }
    }
}
