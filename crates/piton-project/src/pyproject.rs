//! The tables of `pyproject.toml` that piton reads.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The settings of a `pyproject.toml` for builds. All are optional.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PyProject {
    /// `[tool.piton.build]`.
    pub build: BuildTable,
    /// `version` of `[project]`.
    pub version: Option<String>,
}

/// `[tool.piton.build]`. Paths are relative to the folder of the `pyproject.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[serde(expecting = "a table")]
pub struct BuildTable {
    /// The folder of the sources.
    pub source: Option<PathBuf>,
    /// The folder of the results.
    pub out: Option<PathBuf>,
    /// The firmwares to build for; at least one.
    #[serde(deserialize_with = "at_least_one")]
    pub targets: Option<Vec<String>>,
    /// Optimisation level, 0 to 3.
    #[serde(deserialize_with = "level")]
    pub optimise: Option<u32>,
    /// Bits of a small integer, 2 to 64.
    #[serde(deserialize_with = "bits")]
    pub small_int_bits: Option<u8>,
    /// Whether line numbers are kept.
    pub source_lines: Option<bool>,
    /// Version of what is built.
    pub version: Option<String>,
    /// Files in the folder of the sources that boards run by themselves. They are not compiled.
    pub entry: Option<Vec<String>>,
    /// Patterns of files to copy unchanged.
    pub data: Option<Vec<String>>,
    /// Patterns of files and folders to leave out.
    pub exclude: Option<Vec<String>>,
    /// Whether a file that does not compile ends the build.
    pub strict: Option<bool>,
    /// Patterns of files that may fail to compile.
    pub allow_fail: Option<Vec<String>>,
    /// Whether archives are made.
    pub archives: Option<bool>,
    /// The file of the secret key to sign with.
    pub sign: Option<PathBuf>,
}

fn at_least_one<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Vec<String>>, D::Error> {
    let targets = Vec::<String>::deserialize(value)?;
    match targets.is_empty() {
        true => Err(D::Error::custom(
            "there is no target, expected one at least",
        )),
        false => Ok(Some(targets)),
    }
}

fn level<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u32>, D::Error> {
    Ok(Some(in_range(i64::deserialize(value)?, 0..=3)?))
}

fn bits<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u8>, D::Error> {
    Ok(Some(in_range(i64::deserialize(value)?, 2..=64)?))
}

fn in_range<T: TryFrom<i64>, E: Error>(value: i64, range: RangeInclusive<i64>) -> Result<T, E> {
    let inside = Some(value).filter(|value| range.contains(value));
    inside
        .and_then(|value| T::try_from(value).ok())
        .ok_or_else(|| {
            let (first, last) = (range.start(), range.end());
            E::custom(format!("{value} is not from {first} to {last}"))
        })
}

/// Why a `pyproject.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PyProjectError {
    /// The file exists and cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file is not TOML, or our table has an unknown field or one of another type.
    #[error("`{}`: {source}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// The cause, with the line.
        source: Box<toml_edit::de::Error>,
    },
}

/// The parts of the file that are read.
#[derive(Default, Deserialize)]
#[serde(default, expecting = "a table")]
struct File {
    project: Project,
    tool: Tool,
}

#[derive(Default, Deserialize)]
#[serde(default, expecting = "a table")]
struct Project {
    version: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, expecting = "a table")]
struct Tool {
    piton: Piton,
}

#[derive(Default, Deserialize)]
#[serde(default, expecting = "a table")]
struct Piton {
    build: BuildTable,
}

impl PyProject {
    /// Returns the settings of `pyproject.toml` in this folder; the default if the file does not exist.
    ///
    /// # Errors
    ///
    /// [`PyProjectError`].
    pub fn read(folder: &Path) -> Result<PyProject, PyProjectError> {
        let path = folder.join("pyproject.toml");
        match std::fs::read_to_string(&path) {
            Ok(text) => PyProject::parse(&text).map_err(|source| PyProjectError::Toml {
                path,
                source: Box::new(source),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(PyProject::default()),
            Err(source) => Err(PyProjectError::Read { path, source }),
        }
    }

    fn parse(text: &str) -> Result<PyProject, toml_edit::de::Error> {
        let file: File = toml_edit::de::from_str(text)?;
        Ok(PyProject {
            build: file.tool.piton.build,
            version: file.project.version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_other_tools_are_ignored() {
        let text = "
[project]
name = 'x'
version = '2.1'
[tool.other]
source = 1
[tool.piton.build]
source = 'code'
targets = ['micropython', 'circuitpython-10']
allow-fail = ['tests/**']
strict = true
";
        let found = PyProject::parse(text).unwrap();
        assert_eq!(found.version.as_deref(), Some("2.1"));
        assert_eq!(found.build.source, Some("code".into()));
        assert_eq!(found.build.strict, Some(true));
        assert_eq!(found.build.allow_fail, Some(vec!["tests/**".to_owned()]));
        assert_eq!(PyProject::parse("").unwrap(), PyProject::default());
    }

    #[test]
    fn errors_in_settings_name_the_field() {
        for (text, message) in [
            ("[tool.piton.build]\nsorce = 'x'\n", "unknown field `sorce`"),
            ("[tool.piton.build]\nstrict = 1\n", "line 2"),
            ("[tool.piton.build\n", "line 1"),
            ("[tool]\npiton = 3\n", "expected a table"),
            ("[tool.piton.build]\noptimise = 4\n", "4 is not from 0 to 3"),
            ("[tool.piton.build]\noptimise = -1\n", "line 2"),
            (
                "[tool.piton.build]\nsmall-int-bits = 1\n",
                "1 is not from 2 to 64",
            ),
            (
                "[tool.piton.build]\ntargets = []\n",
                "expected one at least",
            ),
        ] {
            let error = PyProject::parse(text).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn all_settings_of_a_build_are_read() {
        let text = "
[tool.piton.build]
out = 'dist'
optimise = 3
small-int-bits = 64
source-lines = false
version = '3'
entry = ['boot.py']
data = ['*.txt']
exclude = ['tests']
archives = true
sign = 'piton.key'
";
        let build = PyProject::parse(text).unwrap().build;
        assert_eq!(build.out, Some("dist".into()));
        assert_eq!((build.optimise, build.small_int_bits), (Some(3), Some(64)));
        assert_eq!(
            (build.source_lines, build.archives),
            (Some(false), Some(true))
        );
        assert_eq!(build.entry, Some(vec!["boot.py".to_owned()]));
        assert_eq!(build.data, Some(vec!["*.txt".to_owned()]));
        assert_eq!(build.exclude, Some(vec!["tests".to_owned()]));
        assert_eq!(build.sign, Some("piton.key".into()));
        assert_eq!(build.version.as_deref(), Some("3"));
    }

    #[test]
    fn a_folder_without_the_file_has_no_settings_and_one_that_cannot_be_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            PyProject::read(folder.path()).unwrap(),
            PyProject::default()
        );
        let path = folder.path().join("pyproject.toml");
        std::fs::create_dir(&path).unwrap();
        let error = PyProject::read(folder.path()).unwrap_err();
        assert!(matches!(error, PyProjectError::Read { .. }), "{error}");
        std::fs::remove_dir(&path).unwrap();
        std::fs::write(&path, "[tool.piton.build]\nstrict = 1\n").unwrap();
        let error = PyProject::read(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("pyproject.toml") && error.contains("line 2"),
            "{error}"
        );
    }
}
