//! A project as a manifest: what its `pyproject.toml` says, in the words of a `manifest.py`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use piton_project::dependency::DependencySource;
use piton_project::project::{Dependency, FILE_NAME, MAIN, Project, ProjectError};
use toml_edit::{DocumentMut, Item};

/// Why a project gives no manifest.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectManifestError {
    /// The file cannot be used.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// The project has no code: there is neither a folder nor a module of its name.
    #[error("`{}` has no code: there is neither `{name}/` nor `{name}.py` beside it", file.display())]
    NoCode {
        /// The `pyproject.toml`.
        file: PathBuf,
        /// The name of the project's code.
        name: String,
    },
    /// A dependency is not one of an index, and is not installed.
    #[error("dependency `{name}` is not in `{}`", folder.display())]
    NotInstalled {
        /// The dependency.
        name: String,
        /// The folder of the dependencies.
        folder: PathBuf,
    },
}

/// Returns the manifest of the project of a `pyproject.toml`. Its paths begin with the folder of that file as it is given.
///
/// `metadata()` has the version, description, license and first author of `[project]`. The project's own code is the folder or module that
/// `name` of `[tool.belay]` or `[tool.piton]` names, else the name of `[project]`. Dependencies are taken from the folder that they are
/// installed in; those of an index that are not there are required from micropython-lib.
///
/// # Errors
/// [`ProjectManifestError`]
pub fn manifest_of(file: &Path) -> Result<String, ProjectManifestError> {
    let unreadable = |source| ProjectError::File {
        path: file.to_owned(),
        source,
    };
    let project = Project::read(file)?;
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    // `Project::read` has read the same text as TOML.
    let document: DocumentMut = text.parse().unwrap_or_default();
    let table = document.get("project");
    let folder = file.parent().unwrap_or(Path::new(""));
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let field = |name: &str| Some(table?.get(name)?.as_str()?.to_owned());
    let mut manifest = metadata(table);
    let name = project.name.clone().or_else(|| field("name"));
    let name = name.unwrap_or_default().replace('-', "_");
    let own = code(folder, &name).ok_or_else(|| ProjectManifestError::NoCode {
        file: file.to_owned(),
        name,
    })?;
    manifest.push_str(&own);
    let dependencies = folder.join(project.dependencies_path.as_str()).join(MAIN);
    let groups = project.groups.iter().filter(|group| group.name == MAIN);
    for dependency in groups.flat_map(|group| &group.dependencies) {
        manifest.push_str(&required(dependency, &dependencies)?);
    }
    Ok(manifest)
}

/// Returns the call of `metadata` for `[project]`; nothing without one.
fn metadata(table: Option<&Item>) -> String {
    let Some(table) = table else {
        return String::new();
    };
    let text = |item: Option<&Item>| Some(item?.as_str()?.to_owned());
    let license = table.get("license");
    let author = table.get("authors").and_then(|authors| {
        authors
            .as_array()?
            .get(0)?
            .as_inline_table()?
            .get("name")?
            .as_str()
    });
    let fields = [
        ("description", text(table.get("description"))),
        ("version", text(table.get("version"))),
        (
            "license",
            text(license).or_else(|| text(license?.get("text"))),
        ),
        ("author", author.map(str::to_owned)),
    ];
    let fields: Vec<String> = fields
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", quoted(&value?))))
        .collect();
    match fields.is_empty() {
        true => String::new(),
        false => format!("metadata({})\n", fields.join(", ")),
    }
}

/// Returns the call for a folder or module of this name, if there is one.
fn code(folder: &Path, name: &str) -> Option<String> {
    if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
        return None;
    }
    let base = quoted(&folder.to_string_lossy().replace('\\', "/"));
    let mut call = String::new();
    if folder.join(name).is_dir() {
        let _ = writeln!(call, "package({}, base_path={base})", quoted(name));
    } else if folder.join(format!("{name}.py")).is_file() {
        let _ = writeln!(
            call,
            "module({}, base_path={base})",
            quoted(&format!("{name}.py"))
        );
    } else {
        return None;
    }
    Some(call)
}

fn required(dependency: &Dependency, folder: &Path) -> Result<String, ProjectManifestError> {
    if let Some(call) = code(folder, &dependency.name) {
        return Ok(call);
    }
    let of_index = dependency.parts.iter().find_map(|part| match &part.source {
        DependencySource::Index { name, .. } => Some(name),
        _ => None,
    });
    match of_index {
        Some(name) => Ok(format!("require({})\n", quoted(name))),
        None => Err(ProjectManifestError::NotInstalled {
            name: dependency.name.clone(),
            folder: folder.to_owned(),
        }),
    }
}

/// Returns a text as a literal of Python.
fn quoted(text: &str) -> String {
    piton_board::literal::py_str(text)
}

/// Returns whether a path is that of a project's file, and not of a manifest.
#[must_use]
pub fn is_project(path: &str) -> bool {
    Path::new(path)
        .file_name()
        .is_some_and(|name| name == FILE_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_becomes_a_manifest() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            FILE_NAME,
            "[project]\nname = \"my-app\"\nversion = \"1.2\"\ndescription = \"It's\"\nlicense = {text = \"MIT\"}\nauthors = [{name = \"A\"}]\n\
             [tool.belay.dependencies]\naiohttp = \"*\"\nhere = \"github:a/b\"\n",
        );
        assert!(matches!(
            manifest_of(&file),
            Err(ProjectManifestError::NoCode { .. })
        ));
        write("my_app/__init__.py", "");
        assert!(matches!(
            manifest_of(&file),
            Err(ProjectManifestError::NotInstalled { .. })
        ));
        write(".belay/dependencies/main/here.py", "");
        let base = folder.path().to_string_lossy().replace('\\', "/");
        let expected = format!(
            "metadata(description=\"It's\", version='1.2', license='MIT', author='A')\npackage('my_app', base_path='{base}')\n\
             require('aiohttp')\nmodule('here.py', base_path='{base}/.belay/dependencies/main')\n"
        );
        assert_eq!(manifest_of(&file).unwrap(), expected);
    }
}
