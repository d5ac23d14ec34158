//! Compiling the files of a plan, on several threads.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use piton_board::deadline::Cancel;
use piton_compiler::{Diagnostic, Options};
use piton_project::cache::Cache;

use super::cached::{CompileError, compile_cached};
use super::plan::{Job, Plan};
use crate::{host_file, workers};

/// The result of one job.
#[derive(Debug)]
pub struct Outcome {
    /// The index of the job in [`Plan::jobs`].
    pub job: usize,
    /// The status.
    pub status: Status,
}

/// The status of a job.
#[derive(Debug)]
#[non_exhaustive]
pub enum Status {
    /// The `.mpy` file exists.
    Compiled {
        /// Size of the `.mpy` file, in bytes.
        size: usize,
        /// Whether it was written. A file that has these bytes already is not written.
        changed: bool,
    },
    /// The compiler does not accept the source.
    Rejected {
        /// The reason.
        diagnostic: Diagnostic,
        /// The source.
        source: Vec<u8>,
    },
    /// The source cannot be read.
    Unreadable(io::Error),
    /// The `.mpy` file cannot be written.
    Unwritable(io::Error),
}

/// Progress of carrying out a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum CompileEvent {
    /// One more job has ended.
    Done {
        /// The number of jobs that have ended.
        done: usize,
        /// The number of all jobs.
        of: usize,
    },
}

/// Settings of [`run`].
#[derive(Debug)]
pub struct Settings {
    /// The options of all sources, except their names, which are those of the plan.
    pub options: Options,
    /// Maximum number of files that are compiled at the same time.
    pub threads: NonZeroUsize,
    /// The cache of compiled files.
    pub cache: Option<Cache>,
}

impl Settings {
    /// Returns the settings for these options: one thread for each processor, and no cache.
    pub fn new(options: Options) -> Settings {
        Settings {
            options,
            threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            cache: None,
        }
    }
}

/// Compiles the files of a plan, and reports each file to `events`.
///
/// The outcomes are in the order of the plan. After `cancel` no further job begins, and those that did not begin have
/// no outcome.
pub fn run(
    plan: &Plan,
    settings: &Settings,
    cancel: &Cancel,
    events: &(dyn Fn(CompileEvent) + Sync),
) -> Vec<Outcome> {
    let of = plan.jobs.len();
    let folders = plan.within.as_deref().map(Folders::new);
    let work = |job: &Job| compile(job, folders.as_ref(), settings);
    let report = |done| events(CompileEvent::Done { done, of });
    let statuses = workers::each(&plan.jobs, settings.threads, cancel, work, report);
    let outcomes = statuses
        .into_iter()
        .enumerate()
        .filter_map(|(job, status)| {
            let status = status?;
            Some(Outcome { job, status })
        });
    outcomes.collect()
}

/// Maximum length of a name for the compiler, in bytes.
const LONGEST_NAME: usize = 255;

fn compile(job: &Job, folders: Option<&Folders>, settings: &Settings) -> Status {
    let source = match fs::read(&job.source) {
        Ok(source) => source,
        Err(error) => return Status::Unreadable(error),
    };
    let options = Options {
        input_name: input_name(job, &settings.options),
        ..settings.options.clone()
    };
    let compiled = match compile_cached(&source, &options, settings.cache.as_ref()) {
        Ok(compiled) => compiled,
        Err(CompileError::Rejected(diagnostic)) => return Status::Rejected { diagnostic, source },
        Err(error @ CompileError::Unwritable(_)) => {
            return Status::Unwritable(io::Error::other(error));
        }
    };
    let size = compiled.mpy.len();
    match put(job, folders, &compiled.mpy) {
        Ok(changed) => Status::Compiled { size, changed },
        Err(error) => Status::Unwritable(error),
    }
}

/// Returns the input name for the compiler. If another name is embedded it is the path, as in `mpy-cross -s NAME PATH`:
/// a string in the source that is equal to it becomes a qstr.
fn input_name(job: &Job, options: &Options) -> Vec<u8> {
    let path = job.source.as_os_str().as_encoded_bytes();
    if options.embedded_name.is_none() || path.len() > LONGEST_NAME {
        return job.name.clone();
    }
    let slashed = |&byte: &u8| if byte == b'\\' { b'/' } else { byte };
    path.iter().map(slashed).collect()
}

/// Writes the file unless it has these bytes already. Returns whether it was written.
fn put(job: &Job, folders: Option<&Folders>, mpy: &[u8]) -> io::Result<bool> {
    if let Some(folders) = folders {
        folders.make(&job.output)?;
    }
    let existing = match job.output.symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            host_file::create(&job.output, mpy)?;
            return Ok(true);
        }
        existing => existing?,
    };
    if existing.is_symlink() && folders.is_some() {
        return Err(leads_out(&job.output));
    }
    let size = u64::try_from(mpy.len()).unwrap_or(u64::MAX);
    let same_size = existing.is_symlink() || existing.len() == size;
    if same_size
        && job.output.is_file()
        && fs::read(&job.output).is_ok_and(|existing| existing == mpy)
    {
        return Ok(false);
    }
    host_file::write(&job.output, mpy)?;
    Ok(true)
}

/// The folders below the folder of the outputs that are known to exist.
struct Folders<'a> {
    within: &'a Path,
    made: Mutex<HashSet<PathBuf>>,
}

impl Folders<'_> {
    fn new(within: &Path) -> Folders<'_> {
        Folders {
            within,
            made: Mutex::default(),
        }
    }

    /// Creates the parent folders of `output`. Below [`Folders::within`] no folder may be a link.
    fn make(&self, output: &Path) -> io::Result<()> {
        let folder = output.parent().unwrap_or(self.within);
        let mut made = self
            .made
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if made.contains(folder) {
            return Ok(());
        }
        fs::create_dir_all(self.within)?;
        let mut path = self.within.to_path_buf();
        let below = folder.strip_prefix(self.within).unwrap_or(folder);
        for part in below.components() {
            let Component::Normal(part) = part else {
                return Err(leads_out(output));
            };
            path.push(part);
            if path.is_symlink() {
                return Err(leads_out(&path));
            }
            if let Err(error) = fs::create_dir(&path)
                && !path.is_dir()
            {
                return Err(error);
            }
        }
        made.insert(folder.to_path_buf());
        Ok(())
    }
}

fn leads_out(path: &Path) -> io::Error {
    let text = format!("`{}` is a link, which may lead elsewhere", path.display());
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(folder: &Path, output: &str) -> Job {
        Job {
            source: folder.join("a.py"),
            output: folder.join(output),
            name: b"a.py".to_vec(),
        }
    }

    #[test]
    fn a_file_with_these_bytes_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path(), "a.mpy");
        assert!(put(&job, None, b"one").unwrap());
        assert!(!put(&job, None, b"one").unwrap());
        assert!(put(&job, None, b"two").unwrap());
        assert_eq!(fs::read(&job.output).unwrap(), b"two");
        // Without a folder of outputs, none is made.
        let deep = Job {
            output: folder.path().join("none/a.mpy"),
            ..job
        };
        assert!(put(&deep, None, b"one").is_err());
    }

    #[test]
    fn folders_are_made_below_the_folder_of_outputs_only() {
        let folder = tempfile::tempdir().unwrap();
        let within = folder.path().join("out");
        let folders = Folders::new(&within);
        let in_folder = |output: &str| put(&job(&within, output), Some(&folders), b"one");
        assert!(in_folder("a/b/c.mpy").unwrap());
        assert!(in_folder("a/b/d.mpy").unwrap());
        assert!(in_folder("../c.mpy").is_err());
        assert!(in_folder("a/../../c.mpy").is_err());
        assert!(!folder.path().join("c.mpy").exists());
        // A file is where a folder has to be.
        assert!(in_folder("a/b/c.mpy/e.mpy").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn no_link_leads_out_of_the_folder_of_outputs() {
        let folder = tempfile::tempdir().unwrap();
        let within = folder.path().join("out");
        fs::create_dir_all(&within).unwrap();
        let link = |to: &str, at: &str| {
            std::os::unix::fs::symlink(folder.path().join(to), within.join(at)).unwrap();
        };
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        fs::write(folder.path().join("file"), "theirs").unwrap();
        link("elsewhere", "folder");
        link("file", "a.mpy");
        let folders = Folders::new(&within);
        for output in ["folder/a.mpy", "a.mpy"] {
            let error = put(&job(&within, output), Some(&folders), b"one").unwrap_err();
            assert!(error.to_string().contains("is a link"), "{output}: {error}");
        }
        assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"theirs");
        assert_eq!(
            fs::read_dir(folder.path().join("elsewhere"))
                .unwrap()
                .count(),
            0
        );
        // A file that the user names is written through a link.
        assert!(put(&job(&within, "a.mpy"), None, b"one").unwrap());
        assert_eq!(fs::read(folder.path().join("file")).unwrap(), b"one");
    }

    #[test]
    fn the_compiler_gets_the_path_where_another_name_is_embedded() {
        let name = |source: &str, embedded: Option<&str>| {
            let options = Options {
                embedded_name: embedded.map(|name| name.as_bytes().to_vec()),
                ..Options::new("")
            };
            let job = Job {
                source: source.into(),
                ..job(Path::new(""), "a.mpy")
            };
            String::from_utf8(input_name(&job, &options)).unwrap()
        };
        assert_eq!(name("src/a.py", None), "a.py");
        assert_eq!(name("src/a.py", Some("x.py")), "src/a.py");
        assert_eq!(name("src\\a.py", Some("x.py")), "src/a.py");
        // A qstr has at most 255 bytes.
        assert_eq!(
            name(&format!("{}.py", "a".repeat(252)), Some("x.py")).len(),
            255
        );
        assert_eq!(
            name(&format!("{}.py", "a".repeat(253)), Some("x.py")),
            "a.py"
        );
    }
}
