//! Belay's tables for a `pyproject.toml` that exists.

use std::fs;
use std::path::Path;

use toml_edit::{Array, DocumentMut, Item, Table, Value, value};

use super::{NewProjectError, PYTHON_PATH};
use crate::host_file;

/// Adds `[tool.belay]` with the name of the package, `[tool.belay.dependencies]`, and pytest's `pythonpath`. Everything else in the file stays as
/// it was written.
pub(super) fn add(path: &Path, package: &str) -> Result<(), NewProjectError> {
    let text = fs::read_to_string(path).map_err(|source| NewProjectError::Read {
        path: path.to_owned(),
        source,
    })?;
    let mut document: DocumentMut = text.parse().map_err(|source| NewProjectError::Toml {
        path: path.to_owned(),
        source: Box::new(source),
    })?;
    let not_a_table = |name: &str| NewProjectError::NotATable {
        path: path.to_owned(),
        name: name.to_owned(),
    };
    let tool = table(document.as_table_mut(), "tool").ok_or_else(|| not_a_table("tool"))?;
    if tool.contains_key("belay") {
        return Err(NewProjectError::Configured {
            path: path.to_owned(),
        });
    }
    let mut belay = Table::new();
    belay.insert("name", value(package));
    belay.insert("dependencies", Item::Table(Table::new()));
    tool.insert("belay", Item::Table(belay));
    let pytest = table(tool, "pytest").ok_or_else(|| not_a_table("tool.pytest"))?;
    let options =
        table(pytest, "ini_options").ok_or_else(|| not_a_table("tool.pytest.ini_options"))?;
    add_to_python_path(options);
    host_file::write(path, document.to_string().as_bytes()).map_err(|source| {
        NewProjectError::Write {
            path: path.to_owned(),
            source,
        }
    })
}

/// Returns a table, and makes one that has no heading if there is none; `None` if something else has its name, or if it can hold no
/// tables with headings.
fn table<'t>(parent: &'t mut Table, name: &str) -> Option<&'t mut Table> {
    if !parent.contains_key(name) {
        let mut table = Table::new();
        table.set_implicit(true);
        parent.insert(name, Item::Table(table));
    }
    parent.get_mut(name)?.as_table_mut()
}

/// Adds the folder of the packages to what CPython's tests import from, if it is not there.
fn add_to_python_path(options: &mut Table) {
    match options.get_mut("pythonpath") {
        None => {
            options.insert("pythonpath", value(PYTHON_PATH));
            options.set_implicit(false);
        }
        Some(Item::Value(Value::Array(folders))) => {
            if !folders
                .iter()
                .any(|folder| folder.as_str() == Some(PYTHON_PATH))
            {
                folders.push(PYTHON_PATH);
            }
        }
        Some(Item::Value(Value::String(folders))) => {
            // Folders in a text are separated by spaces.
            let words = folders.value().split_whitespace();
            if !words.clone().any(|folder| folder == PYTHON_PATH) {
                let mut all: Array = words.chain([PYTHON_PATH]).collect();
                // A comment after the text stays.
                *all.decor_mut() = folders.decor().clone();
                options.insert("pythonpath", value(all));
            }
        }
        // Nothing that pytest takes.
        Some(_) => {}
    }
}
