//! A new project: `pyproject.toml` and what belongs to it, or the tables for a `pyproject.toml` that exists.
//!
//! ```
//! use piton::new_project::{self, Stubs};
//!
//! # let folder = tempfile::tempdir()?;
//! let created = new_project::create(&folder.path().join("my-lamp"), Stubs::Rp2)?;
//! assert!(created.files.iter().any(|file| file.ends_with("my_lamp/__init__.py")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod tables;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Serialize;

use crate::host_file;

/// The packages that Belay finds by itself when CPython runs the tests: those of the group `main`.
const PYTHON_PATH: &str = ".belay/dependencies/main";

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Created {
    /// The folder of the project.
    pub folder: PathBuf,
    /// The name of the project's package.
    pub package: String,
    /// The written files, relative to the folder. A `pyproject.toml` that existed is the only one then.
    pub files: Vec<PathBuf>,
    /// Files that existed, and stay as they were.
    pub kept: Vec<PathBuf>,
}

/// The board whose modules an editor shall know: packages `micropython-NAME-stubs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stubs {
    /// Raspberry Pi Pico and other boards with an RP2.
    #[default]
    Rp2,
    /// ESP32 and its successors.
    Esp32,
    /// ESP8266.
    Esp8266,
    /// Boards with an STM32.
    Stm32,
    /// SAMD21 and SAMD51.
    Samd,
    /// i.MX RT.
    Mimxrt,
    /// nRF.
    Nrf,
    /// What all boards have.
    Stdlib,
}

impl Stubs {
    /// All of them.
    pub const ALL: [Stubs; 8] = [
        Stubs::Rp2,
        Stubs::Esp32,
        Stubs::Esp8266,
        Stubs::Stm32,
        Stubs::Samd,
        Stubs::Mimxrt,
        Stubs::Nrf,
        Stubs::Stdlib,
    ];

    /// Returns MicroPython's name of the port, or `stdlib`.
    pub fn name(self) -> &'static str {
        match self {
            Stubs::Rp2 => "rp2",
            Stubs::Esp32 => "esp32",
            Stubs::Esp8266 => "esp8266",
            Stubs::Stm32 => "stm32",
            Stubs::Samd => "samd",
            Stubs::Mimxrt => "mimxrt",
            Stubs::Nrf => "nrf",
            Stubs::Stdlib => "stdlib",
        }
    }
}

/// There are no stubs of this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {}", Stubs::ALL.map(Stubs::name).join(", "))]
pub struct UnknownStubs;

impl FromStr for Stubs {
    type Err = UnknownStubs;

    fn from_str(name: &str) -> Result<Stubs, UnknownStubs> {
        let mut all = Stubs::ALL.into_iter();
        all.find(|stubs| stubs.name() == name).ok_or(UnknownStubs)
    }
}

/// Why no project was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NewProjectError {
    /// The folder's name cannot be that of a Python package.
    #[error(
        "`{name}` cannot be the name of a package: expected a letter, then letters, digits, `-` and `_`"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// The folder has no name: it is the root of a file system.
    #[error("`{}` has no name that the project could have", path.display())]
    NoName {
        /// The folder.
        path: PathBuf,
    },
    /// `pyproject.toml` has a table `[tool.belay]` already.
    #[error("`{}` has the table `[tool.belay]` already", path.display())]
    Configured {
        /// The file.
        path: PathBuf,
    },
    /// `pyproject.toml` is not TOML.
    #[error("`{}`: {source}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// The cause, with the line.
        source: Box<toml_edit::TomlError>,
    },
    /// `pyproject.toml` has something else in the place of a table.
    #[error("`{}`: `{name}` is not a table of its own", path.display())]
    NotATable {
        /// The file.
        path: PathBuf,
        /// The table, with dots.
        name: String,
    },
    /// A file or a folder cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
    /// A file or a folder cannot be written.
    #[error("could not write `{}`: {source}", path.display())]
    Write {
        /// Its path.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

/// Makes a project in `folder`: a program and a package that run on the virtual board, tests, and a workflow for GitHub that runs both.
/// Files that exist are kept. A `pyproject.toml` that exists gets the tables of Belay, and nothing else is written.
///
/// # Errors
///
/// [`NewProjectError`].
pub fn create(folder: &Path, stubs: Stubs) -> Result<Created, NewProjectError> {
    let folder = absolute(folder)?;
    let project = name_of(&folder)?;
    let package = project.replace('-', "_");
    if !is_identifier(&package) {
        return Err(NewProjectError::Name { name: package });
    }
    let stubs = format!("micropython-{}-stubs", stubs.name());
    let fill = |text: &str| {
        text.replace("PACKAGE", &package)
            .replace("PROJECT", &project)
            .replace("STUBS", &stubs)
    };
    let files = [
        (
            "README.md".to_owned(),
            fill(include_str!("new_project/template/README.md")),
        ),
        (
            "main.py".to_owned(),
            fill(include_str!("new_project/template/main.py")),
        ),
        (
            format!("{package}/__init__.py"),
            include_str!("new_project/template/__init__.py").to_owned(),
        ),
        (
            format!("tests/test_{package}.py"),
            fill(include_str!("new_project/template/test_package.py")),
        ),
        (
            ".github/workflows/test.yml".to_owned(),
            include_str!("new_project/template/workflow.yml").to_owned(),
        ),
        (
            ".gitignore".to_owned(),
            include_str!("new_project/template/gitignore").to_owned(),
        ),
        (
            "pyproject.toml".to_owned(),
            fill(include_str!("new_project/template/pyproject.toml")),
        ),
    ];
    write_all(folder, package, &files)
}

/// Makes a project in `folder` with the files of `belay new`: `pyproject.toml`, an empty `README.md`, `main.py` and a package. Files
/// that exist are kept. A `pyproject.toml` that exists gets the tables of Belay, and nothing else is written.
///
/// # Errors
///
/// [`NewProjectError`], but no [`NewProjectError::Name`].
pub fn create_as_belay(folder: &Path) -> Result<Created, NewProjectError> {
    let folder = absolute(folder)?;
    let package = name_of(&folder)?;
    // The name of a project may be none for `import`.
    let import = match is_identifier(&package) {
        true => format!("import {package}\n\n\n"),
        false => String::new(),
    };
    let files = [
        ("README.md".to_owned(), String::new()),
        (
            "main.py".to_owned(),
            format!(
                "{import}def main():\n    pass\n\n\nif __name__ == \"__main__\":\n    main()\n"
            ),
        ),
        (format!("{package}/__init__.py"), String::new()),
        (
            "pyproject.toml".to_owned(),
            format!(
                "[tool.belay]\nname = {}\n\n[tool.belay.dependencies]\n\n[tool.pytest.ini_options]\npythonpath = \"{PYTHON_PATH}\"\n",
                // A folder may have quotes in its name.
                toml_edit::Value::from(package.as_str())
            ),
        ),
    ];
    write_all(folder, package, &files)
}

/// Writes the files that do not exist, the last one last: with `pyproject.toml` a project is complete.
fn write_all(
    folder: PathBuf,
    package: String,
    files: &[(String, String)],
) -> Result<Created, NewProjectError> {
    let mut created = Created {
        folder,
        package,
        files: Vec::new(),
        kept: Vec::new(),
    };
    let pyproject = created.folder.join("pyproject.toml");
    if exists(&pyproject)? {
        tables::add(&pyproject, &created.package)?;
        created.files.push("pyproject.toml".into());
        return Ok(created);
    }
    for (name, text) in files {
        let path = created.folder.join(name);
        if exists(&path)? {
            created.kept.push(name.into());
            continue;
        }
        let parent = path.parent().unwrap_or(&created.folder);
        let written =
            fs::create_dir_all(parent).and_then(|()| host_file::create(&path, text.as_bytes()));
        written.map_err(|source| NewProjectError::Write { path, source })?;
        created.files.push(name.into());
    }
    Ok(created)
}

/// Whether there is anything at a path, a link without a target too.
fn exists(path: &Path) -> Result<bool, NewProjectError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(NewProjectError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

fn absolute(folder: &Path) -> Result<PathBuf, NewProjectError> {
    let not_read = |source| NewProjectError::Read {
        path: folder.to_owned(),
        source,
    };
    // `..` and `.` have no name; a folder that is there has one.
    match fs::canonicalize(folder) {
        Ok(found) => Ok(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            std::path::absolute(folder).map_err(not_read)
        }
        Err(error) => Err(not_read(error)),
    }
}

/// Returns the name of a project by its folder: in lower case, with one `-` for each run of `-`, `_` and `.` (PEP 503).
fn name_of(folder: &Path) -> Result<String, NewProjectError> {
    let Some(name) = folder.file_name() else {
        return Err(NewProjectError::NoName {
            path: folder.to_owned(),
        });
    };
    let name = name.to_str().ok_or_else(|| NewProjectError::Name {
        name: name.to_string_lossy().into_owned(),
    })?;
    let mut normal = String::new();
    for letter in name.to_lowercase().chars() {
        match letter {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            letter => normal.push(letter),
        }
    }
    Ok(normal)
}

/// Python's keywords (The Python Language Reference, 2.3.1) that a folder's name in lower case can be.
const KEYWORDS: [&str; 32] = [
    "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif",
    "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda",
    "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !KEYWORDS.contains(&name)
}

#[cfg(test)]
mod tests;
