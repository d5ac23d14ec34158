//! A project's settings for packages: `[tool.belay]` and `[tool.piton]` of its `pyproject.toml`. Both tables have the same keys,
//! and a key may be in one of them.
//!
//! ```
//! use piton_project::project::Project;
//!
//! let project = Project::parse(r#"
//! [tool.belay]
//! name = "thermometer"
//! [tool.belay.dependencies]
//! aiohttp = "^0.0.5"
//! [tool.belay.group.dev.dependencies]
//! unittest = "*"
//! "#)?;
//! assert_eq!(project.groups[0].dependencies[0].parts[0].source.to_string(), "aiohttp ^0.0.5");
//! assert_eq!(project.groups[1].name, "dev");
//! # Ok::<(), piton_project::project::SchemaError>(())
//! ```
//!
//! # Layout
//!
//! - [`Project`] is what the tables say, [`find()`] looks for the file.
//! - [`edit`] changes dependencies in the file and keeps everything else of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use piton_path::{PortablePath, RelativePath};

use crate::dependency::DependencySource;
use crate::mip::INDEX;

pub mod edit;
mod read;

pub use read::KEYS;

/// Name of the file.
pub const FILE_NAME: &str = "pyproject.toml";

/// Name of the group of `[tool.belay.dependencies]`.
pub const MAIN: &str = "main";

/// Returns whether a text can name a group: the group has a folder of this name.
pub fn is_group(name: &str) -> bool {
    let path = name.parse::<PortablePath>();
    path.is_ok_and(|path| path.parent().is_none())
}

/// The folder of the dependencies, if the project does not name another.
pub const DEPENDENCIES_PATH: &str = ".belay/dependencies";

/// The settings of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Whether there is a `[tool.belay]`, or a key of it in `[tool.piton]`.
    pub is_configured: bool,
    /// The folder of the project's own code, which is installed under its name.
    pub name: Option<String>,
    /// Files of that folder that are not installed: lines of a `.gitignore`, besides the usual ones.
    pub ignore: Vec<String>,
    /// The folder of the dependencies, below the project's folder.
    pub dependencies_path: RelativePath,
    /// The groups: [`MAIN`] first, then the others in the order of the file.
    pub groups: Vec<Group>,
    /// The version of the `.mpy` files to take from an index; `None` for sources.
    pub mpy_version: Option<u8>,
    /// The indexes of package names. The first that has a package counts.
    pub package_indices: Vec<String>,
    /// Keys that are not known, with their lines. Belay ignores them.
    pub unknown: Vec<(String, usize)>,
}

/// A group of dependencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Whether it is installed only if it is asked for.
    pub optional: bool,
    /// Its dependencies, in the order of the file.
    pub dependencies: Vec<Dependency>,
}

/// A dependency of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Its key: a Python identifier.
    pub name: String,
    /// Where its files come from. There is at least one part.
    pub parts: Vec<Part>,
    /// The line of the file that it is on, from 1.
    pub line: usize,
}

/// One source of a dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The source.
    pub source: DependencySource,
    /// Whether the source is read again for each installation, instead of being locked.
    pub develop: bool,
    /// Whether a single module becomes the `__init__` of the dependency's folder.
    pub rename_to_init: bool,
}

impl Group {
    /// Returns the names of the dependencies of which all sources are in development.
    pub fn in_development(&self) -> BTreeSet<&str> {
        let dependencies = self.dependencies.iter();
        let own = dependencies.filter(|one| one.parts.iter().all(|part| part.develop));
        own.map(|one| one.name.as_str()).collect()
    }
}

impl Dependency {
    /// Returns the dependency as one line of text, which shows changes of the file.
    pub fn text(&self) -> String {
        let parts = self.parts.iter().map(|part| {
            let mut text = part.source.to_string();
            if part.develop {
                text.push_str("; develop");
            }
            if !part.rename_to_init && self.parts.len() == 1 {
                text.push_str("; own name");
            }
            if part.rename_to_init && self.parts.len() > 1 {
                text.push_str("; as __init__");
            }
            text
        });
        parts.collect::<Vec<_>>().join(" | ")
    }
}

/// Why the settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct SchemaError {
    /// The line, from 1.
    pub line: usize,
    /// The reason.
    pub problem: String,
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// Neither the folder nor one above it has the file.
    #[error("there is no `{FILE_NAME}` in `{}` or above it", folder.display())]
    NoProject {
        /// The folder.
        folder: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("could not use `{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The file says something else than expected.
    #[error("`{}`, {source}", path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// The cause, with its line.
        source: SchemaError,
    },
}

impl Default for Project {
    fn default() -> Project {
        let main = Group {
            name: MAIN.to_owned(),
            optional: false,
            dependencies: Vec::new(),
        };
        Project {
            is_configured: false,
            name: None,
            ignore: Vec::new(),
            // The text is a relative path.
            dependencies_path: read::dependencies_path(DEPENDENCIES_PATH)
                .unwrap_or_else(|_| unreachable!("a constant")),
            groups: vec![main],
            mpy_version: None,
            package_indices: vec![INDEX.to_owned()],
            unknown: Vec::new(),
        }
    }
}

impl Project {
    /// Reads the text of a `pyproject.toml`. A file without our tables has the settings of [`Project::default`].
    ///
    /// # Errors
    ///
    /// The text is not TOML, or a value is not of the expected form.
    pub fn parse(text: &str) -> Result<Project, SchemaError> {
        read::project(text)
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// [`ProjectError::File`], [`ProjectError::Schema`].
    pub fn read(path: &Path) -> Result<Project, ProjectError> {
        let text = std::fs::read_to_string(path).map_err(|source| ProjectError::File {
            path: path.to_owned(),
            source,
        })?;
        Project::parse(&text).map_err(|source| ProjectError::Schema {
            path: path.to_owned(),
            source,
        })
    }

    /// Returns the dependency `name` of a group.
    pub fn dependency(&self, group: &str, name: &str) -> Option<&Dependency> {
        let group = self.groups.iter().find(|one| one.name == group)?;
        group.dependencies.iter().find(|one| one.name == name)
    }

    /// Returns all dependencies with their groups.
    pub fn dependencies(&self) -> impl Iterator<Item = (&Group, &Dependency)> {
        let groups = self.groups.iter();
        groups.flat_map(|group| group.dependencies.iter().map(move |one| (group, one)))
    }
}

/// Returns the `pyproject.toml` of this folder, or of the nearest one above it.
///
/// # Errors
///
/// [`ProjectError::NoProject`]; [`ProjectError::File`] if the current folder is not known.
pub fn find(folder: &Path) -> Result<PathBuf, ProjectError> {
    let whole = std::path::absolute(folder).map_err(|source| ProjectError::File {
        path: folder.to_owned(),
        source,
    })?;
    let mut candidates = whole.ancestors().map(|folder| folder.join(FILE_NAME));
    candidates
        .find(|path| path.is_file())
        .ok_or(ProjectError::NoProject { folder: whole })
}

#[cfg(test)]
mod tests;
