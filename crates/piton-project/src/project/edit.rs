//! Changing dependencies in a `pyproject.toml`. Comments, order and form of everything else stay.

use toml_edit::{DocumentMut, InlineTable, Item, Table, TableLike, Value};

use super::{MAIN, SchemaError};

/// Which table of the file is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `[tool.belay]`.
    Belay,
    /// `[tool.piton]`.
    Piton,
}

impl Tool {
    fn key(self) -> &'static str {
        match self {
            Tool::Belay => "belay",
            Tool::Piton => "piton",
        }
    }
}

/// A dependency to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDependency {
    /// The group.
    pub group: String,
    /// The key.
    pub name: String,
    /// The source, as text.
    pub uri: String,
    /// `develop = true`.
    pub develop: bool,
    /// `rename_to_init`, `true` by default.
    pub rename_to_init: bool,
}

/// Returns the table that a project uses: `[tool.piton]` if it has dependencies or a name there, else `[tool.belay]`.
///
/// # Errors
///
/// The text is not TOML.
pub fn tool_of(text: &str) -> Result<Tool, SchemaError> {
    let document = parse(text)?;
    let has = |key: &str| {
        let table = document.get("tool").and_then(|tool| tool.get("piton"));
        table.is_some_and(|table| table.get(key).is_some())
    };
    match has("dependencies") || has("group") || has("name") {
        true => Ok(Tool::Piton),
        false => Ok(Tool::Belay),
    }
}

/// Returns the text with one more dependency, or with another value of it.
///
/// # Errors
///
/// The text is not TOML, or something else is in the place of a table.
pub fn with_dependency(
    text: &str,
    tool: Tool,
    dependency: &NewDependency,
) -> Result<String, SchemaError> {
    let mut document = parse(text)?;
    let table = dependencies(document.as_table_mut(), tool, &dependency.group)?;
    let mut value = match dependency.develop || !dependency.rename_to_init {
        false => Value::from(dependency.uri.as_str()),
        true => {
            let mut detailed = InlineTable::new();
            detailed.insert("uri", dependency.uri.as_str().into());
            if dependency.develop {
                detailed.insert("develop", true.into());
            }
            if !dependency.rename_to_init {
                detailed.insert("rename_to_init", false.into());
            }
            Value::InlineTable(detailed)
        }
    };
    match table.get_mut(&dependency.name) {
        Some(item) => {
            // A comment after the old value stays.
            if let Some(old) = item.as_value() {
                *value.decor_mut() = old.decor().clone();
            }
            *item = Item::Value(value);
        }
        None => {
            table.insert(&dependency.name, Item::Value(value));
        }
    }
    Ok(document.to_string())
}

/// Returns the text without a dependency; `None` if it is not there.
///
/// # Errors
///
/// The text is not TOML.
pub fn without_dependency(
    text: &str,
    group: &str,
    name: &str,
) -> Result<Option<String>, SchemaError> {
    let mut document = parse(text)?;
    let mut is_changed = false;
    for tool in [Tool::Belay, Tool::Piton] {
        let mut table: Option<&mut dyn TableLike> = Some(document.as_table_mut());
        for key in path_of(tool, group) {
            let item = table.and_then(|table| table.get_mut(key));
            table = item.and_then(Item::as_table_like_mut);
        }
        is_changed |= table.is_some_and(|table| table.remove(name).is_some());
    }
    Ok(is_changed.then(|| document.to_string()))
}

fn parse(text: &str) -> Result<DocumentMut, SchemaError> {
    text.parse::<DocumentMut>().map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or(text);
        SchemaError {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            problem: error.message().to_owned(),
        }
    })
}

/// Returns the keys of the table of the dependencies of a group.
fn path_of(tool: Tool, group: &str) -> Vec<&str> {
    match group {
        MAIN => vec!["tool", tool.key(), "dependencies"],
        group => vec!["tool", tool.key(), "group", group, "dependencies"],
    }
}

/// Returns the table of the dependencies of a group, which is made if it is missing.
fn dependencies<'t>(
    root: &'t mut Table,
    tool: Tool,
    group: &str,
) -> Result<&'t mut dyn TableLike, SchemaError> {
    let path = path_of(tool, group);
    let last = path.len() - 1;
    let mut table: &mut dyn TableLike = root;
    for (depth, key) in path.iter().enumerate() {
        let item = table.entry(key).or_insert_with(|| {
            let mut table = Table::new();
            // A table that has only tables needs no header of its own.
            table.set_implicit(depth < last);
            Item::Table(table)
        });
        table = item.as_table_like_mut().ok_or_else(|| SchemaError {
            line: 1,
            problem: format!("`{key}` is not a table"),
        })?;
    }
    Ok(table)
}
