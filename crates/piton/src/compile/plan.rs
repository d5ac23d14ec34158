//! Finding sources, and deciding the output of each.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use super::PlanError;
use crate::host_tree::{self, Kind, Links, Rules};

/// A Python source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its path.
    pub path: PathBuf,
    /// Its path below the folder of the argument; its name, if the file itself was an argument.
    pub relative: PathBuf,
}

/// The place of the `.mpy` files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// In the folder of each source.
    Beside,
    /// In this folder, in the same tree as the sources.
    Folder(PathBuf),
    /// In this file, for a single source.
    File(PathBuf),
}

/// The sources and their outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// One job for each source, in the order of the sources.
    pub jobs: Vec<Job>,
    /// The folder outside of which nothing is written.
    pub(super) within: Option<PathBuf>,
}

/// One source to compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Path of the source.
    pub source: PathBuf,
    /// Name of the source in tracebacks on the board: its path below the folder of the argument, with `/`.
    pub name: Vec<u8>,
    /// Path of the `.mpy` file.
    pub output: PathBuf,
}

/// Returns the sources of these paths: the files, and each `.py` file below each folder, by name.
/// Folders whose names start with a dot are left out, and links to folders are not followed.
///
/// # Errors
///
/// [`PlanError::Read`] if a path or a folder cannot be read.
pub fn sources(paths: &[PathBuf]) -> Result<Vec<Source>, PlanError> {
    let mut found = Vec::new();
    for path in paths {
        let unreadable = |source| PlanError::Read {
            path: path.clone(),
            source,
        };
        if path.metadata().map_err(unreadable)?.is_dir() {
            walk(path, &mut found)?;
        } else {
            let relative = path.file_name().map_or_else(|| path.clone(), PathBuf::from);
            found.push(Source {
                path: path.clone(),
                relative,
            });
        }
    }
    Ok(found)
}

/// Adds the sources below `root`.
fn walk(root: &Path, found: &mut Vec<Source>) -> Result<(), PlanError> {
    let rules = Rules {
        links: Links::FollowToFiles,
        hidden_folders: false,
        ..Rules::default()
    };
    for entry in host_tree::walk(root, rules) {
        let entry = entry.map_err(|error| {
            let (path, source) = error.into_io();
            PlanError::Read { path, source }
        })?;
        let is_python = entry.path.extension().is_some_and(|end| end == "py");
        if is_python && matches!(entry.kind, Kind::File) {
            found.push(Source {
                relative: entry.relative(),
                path: entry.path,
            });
        }
    }
    Ok(())
}

/// Decides the output of each source. A source that is given twice counts once.
///
/// # Errors
///
/// [`PlanError`] for two sources with one output, an output that would overwrite a source, or [`Output::File`] without
pub fn plan(sources: &[Source], output: &Output) -> Result<Plan, PlanError> {
    let mut known = HashSet::new();
    let jobs = sources
        .iter()
        .filter(|source| known.insert((plain(&source.path), source.relative.clone())))
        .map(|source| Job {
            source: source.path.clone(),
            name: name(&source.relative),
            output: match output {
                Output::Beside => source.path.with_extension("mpy"),
                Output::Folder(folder) => folder.join(source.relative.with_extension("mpy")),
                Output::File(file) => file.clone(),
            },
        })
        .collect::<Vec<Job>>();
    if matches!(output, Output::File(_)) && jobs.len() != 1 {
        return Err(PlanError::NotOneSource { count: jobs.len() });
    }
    check(&jobs)?;
    let within = match output {
        Output::Folder(folder) => Some(folder.clone()),
        Output::Beside | Output::File(_) => None,
    };
    Ok(Plan { jobs, within })
}

fn check(jobs: &[Job]) -> Result<(), PlanError> {
    let sources = jobs
        .iter()
        .map(|job| (plain(&job.source), job))
        .collect::<HashMap<PathBuf, &Job>>();
    let mut outputs = HashMap::new();
    for job in jobs {
        let output = plain(&job.output);
        if let Some(overwritten) = sources.get(&output) {
            return Err(PlanError::OverwritesSource {
                source_path: overwritten.source.clone(),
                output: job.output.clone(),
            });
        }
        if let Some(first) = outputs.insert(output, &job.source) {
            return Err(PlanError::SameOutput {
                first: first.clone(),
                second: job.source.clone(),
                output: job.output.clone(),
            });
        }
    }
    Ok(())
}

/// Returns the path without `.` parts; in lower case on systems whose file systems ignore case.
fn plain(path: &Path) -> PathBuf {
    let path = path
        .components()
        .filter(|part| !matches!(part, Component::CurDir))
        .collect::<PathBuf>();
    if cfg!(any(windows, target_os = "macos")) {
        return PathBuf::from(path.to_string_lossy().to_lowercase());
    }
    path
}

fn name(relative: &Path) -> Vec<u8> {
    let parts = relative.iter().map(|part| part.as_encoded_bytes());
    parts.collect::<Vec<&[u8]>>().join(&b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sources: &[(&str, &str)], output: &Output) -> Result<Vec<(String, String)>, String> {
        let sources = sources
            .iter()
            .map(|(path, relative)| Source {
                path: path.into(),
                relative: relative.into(),
            })
            .collect::<Vec<_>>();
        let plan = plan(&sources, output).map_err(|error| error.to_string())?;
        let jobs = plan.jobs.into_iter().map(|job| {
            let name = String::from_utf8(job.name).unwrap();
            (name, job.output.to_string_lossy().replace('\\', "/"))
        });
        Ok(jobs.collect())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Result<Vec<(String, String)>, String> {
        Ok(pairs
            .iter()
            .map(|(one, other)| ((*one).to_owned(), (*other).to_owned()))
            .collect())
    }

    #[test]
    fn each_source_has_its_output() {
        let tree = [("src/a.py", "a.py"), ("src/lib/b.py", "lib/b.py")];
        assert_eq!(
            check(&tree, &Output::Folder("out".into())),
            pairs(&[("a.py", "out/a.mpy"), ("lib/b.py", "out/lib/b.mpy")])
        );
        assert_eq!(
            check(&tree, &Output::Beside),
            pairs(&[("a.py", "src/a.mpy"), ("lib/b.py", "src/lib/b.mpy")])
        );
        assert_eq!(
            check(&tree[..1], &Output::File("x.mpy".into())),
            pairs(&[("a.py", "x.mpy")])
        );
        assert_eq!(
            check(&[("a.py", "a.py"), ("./a.py", "a.py")], &Output::Beside),
            pairs(&[("a.py", "a.mpy")])
        );
    }

    #[test]
    fn outputs_that_would_lose_a_file_are_refused() {
        assert_eq!(
            check(
                &[("x/a.py", "a.py"), ("y/a.py", "a.py")],
                &Output::Folder("out".into())
            ),
            Err("`x/a.py` and `y/a.py` would both become `out/a.mpy`".to_owned())
        );
        assert_eq!(
            check(&[("a.mpy", "a.mpy")], &Output::Beside),
            Err("`a.mpy` would overwrite the source `a.mpy`".to_owned())
        );
        assert_eq!(
            check(&[("a.py", "a.py")], &Output::File("./a.py".into())),
            Err("`./a.py` would overwrite the source `a.py`".to_owned())
        );
        assert_eq!(
            check(
                &[("a.py", "a.py"), ("b.py", "b.py")],
                &Output::File("x".into())
            ),
            Err("an output file takes one source, not 2".to_owned())
        );
    }
}
