//! Compiling files and folders of Python source to `.mpy` files, many at a time.
//!
//! [`sources`] finds the files, [`plan`] decides the output of each without touching a file, and [`run`] compiles
//! them and reports each file through a closure. A single string needs only the compiler: this compiles
//! one, puts the result on the virtual board, and imports it there:
//!
//! ```
//! use piton::deadline::Deadline;
//! use piton::repl::Entry;
//! use piton::{Board, compiler, fs::remote::RemoteFs, mpy};
//!
//! let options = compiler::Options::new("greeting.py");
//! let module = compiler::compile(b"def greet(name):\n    return 'hello ' + name\n", &options)?;
//! let file = mpy::writer::write(&module)?;
//!
//! let mut board = Board::connect(&"virtual".parse()?, &Default::default())?;
//! let mut raw = board.raw_repl(Entry::SoftReset, Deadline::NEVER)?;
//! RemoteFs::new(&mut raw).write(&"greeting.mpy".parse()?, &file, &mut |_| {}, Deadline::NEVER)?;
//! let said: String = raw.eval("__import__('greeting').greet('board')", Deadline::NEVER)?;
//! assert_eq!(said, "hello board");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! And this compiles a folder:
//!
//! ```
//! use piton::compile::{Output, Settings, Status, plan, run, sources};
//! use piton::{compiler::Options, deadline::Cancel};
//!
//! # let folder = tempfile::tempdir()?;
//! # let (project, build) = (folder.path().join("project"), folder.path().join("build"));
//! # std::fs::create_dir(&project)?;
//! std::fs::write(project.join("main.py"), "print('hello')\n")?;
//! let plan = plan(&sources(&[project])?, &Output::Folder(build.clone()))?;
//! let done = run(&plan, &Settings::new(Options::new("")), &Cancel::new(), &|_| {});
//! assert!(matches!(done[0].status, Status::Compiled { changed: true, .. }));
//! assert!(build.join("main.mpy").is_file());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod act;
mod cached;
pub mod hint;
pub(crate) mod native;
mod plan;
mod report;

use std::io;
use std::path::PathBuf;

use piton_board::error::ErrorKind;

pub use act::{CompileEvent, Outcome, Settings, Status, run};
pub use cached::{CompileError, Compiled, compile_cached};
pub use plan::{Job, Output, Plan, Source, plan, sources};
pub use report::{CompileReport, CompiledFile, SourceError};

/// Why the compilation did not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A file or folder cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// One output file was requested, but there is not exactly one source.
    #[error("an output file takes one source, not {count}")]
    NotOneSource {
        /// The number of sources.
        count: usize,
    },
    /// Two sources would be written to one file.
    #[error("`{}` and `{}` would both become `{}`", first.display(), second.display(), output.display())]
    SameOutput {
        /// One source.
        first: PathBuf,
        /// The other.
        second: PathBuf,
        /// The file.
        output: PathBuf,
    },
    /// A source would be overwritten.
    #[error("`{}` would overwrite the source `{}`", output.display(), source_path.display())]
    OverwritesSource {
        /// The source.
        source_path: PathBuf,
        /// The file.
        output: PathBuf,
    },
}

impl PlanError {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        match self {
            PlanError::NotOneSource { .. } => ErrorKind::Usage,
            _ => ErrorKind::Refused,
        }
    }
}
