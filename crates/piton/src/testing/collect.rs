//! The files of tests.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::host_tree::{Kind, Links, Rules, walk};
use crate::interpreter::InterpreterError;

/// A file of tests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TestFile {
    /// Its path, as it was named or found.
    pub path: PathBuf,
    /// The name of its module.
    pub module: String,
}

impl TestFile {
    /// Returns the file at this path; `None` if its name is not that of a module.
    fn at(path: &Path) -> Option<TestFile> {
        let is_python = path.extension().is_some_and(|extension| extension == "py");
        let module = path.file_stem()?.to_str().filter(|_| is_python)?;
        Some(TestFile {
            path: path.to_owned(),
            module: module.to_owned(),
        })
    }

    fn has_name_of_tests(&self) -> bool {
        self.module.starts_with("test_") || self.module.ends_with("_test")
    }
}

/// Folders that hold no tests of the project.
const OTHER_FOLDERS: [&str; 4] = ["__pycache__", "node_modules", "venv", "target"];

/// Returns the files of tests at these paths, sorted, each once: of a folder and the folders in it the files `test_*.py` and
/// `*_test.py`; a file that is named itself may have any name. Hidden folders, `venv`, `node_modules`, `target` and
/// `__pycache__` are left out.
///
/// # Errors
///
/// [`InterpreterError::Folder`] if a path cannot be read, or is a file but no Python source.
pub fn collect(paths: &[PathBuf]) -> Result<Vec<TestFile>, Error> {
    let mut files = Vec::new();
    for path in paths {
        let refuse = |source| InterpreterError::Folder {
            path: path.clone(),
            source,
        };
        if !std::fs::metadata(path).map_err(refuse)?.is_dir() {
            let no_source = || refuse(std::io::Error::other("it is not a Python source"));
            files.push(TestFile::at(path).ok_or_else(no_source)?);
            continue;
        }
        let rules = Rules {
            links: Links::FollowToFiles,
            hidden_folders: false,
            ..Rules::default()
        };
        let mut entries = walk(path, rules);
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(|error| {
                let (path, source) = error.into_io();
                InterpreterError::Folder { path, source }
            })?;
            let name = entry.path.file_name().and_then(|name| name.to_str());
            match entry.kind {
                Kind::Folder if name.is_some_and(|name| OTHER_FOLDERS.contains(&name)) => {
                    entries.skip_folder();
                }
                Kind::File => {
                    // `./test_x.py` is shown as `test_x.py`.
                    let plain = entry.path.strip_prefix(".").unwrap_or(&entry.path);
                    files.extend(TestFile::at(plain).filter(TestFile::has_name_of_tests));
                }
                _ => {}
            }
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_tests_are_found_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "test_a.py",
            "b_test.py",
            "testing.py",
            "test_c.txt",
            "deep/er/test_d.py",
            "venv/test_no.py",
            ".hidden/test_no.py",
            "__pycache__/test_no.py",
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found = |names: &[&str]| {
            let paths = names.iter().map(|name| folder.path().join(name));
            let files = collect(&paths.collect::<Vec<_>>()).unwrap().into_iter();
            files.map(|file| file.module).collect::<Vec<_>>()
        };
        assert_eq!(found(&[""]), ["b_test", "test_d", "test_a"]);
        // A file that is named has any name, and is run once.
        assert_eq!(found(&["testing.py", "testing.py"]), ["testing"]);
        for name in ["none", "test_c.txt"] {
            assert!(collect(&[folder.path().join(name)]).is_err(), "{name}");
        }
    }
}
