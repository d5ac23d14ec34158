//! Reading the tables of a `pyproject.toml`, with the line of each problem.

use std::collections::BTreeSet;
use std::ops::Range;

use piton_path::{PortablePath, RelativePath};
use toml_edit::{Document, Item, TableLike, Value};

use super::{Dependency, Group, MAIN, Part, Project, SchemaError, is_group};
use crate::dependency::{DependencySource, is_identifier};

/// The keys of `[tool.piton]` and `[tool.belay]`.
pub const KEYS: [&str; 7] = [
    "name",
    "ignore",
    "dependencies_path",
    "dependencies",
    "group",
    "mpy_version",
    "package_indices",
];

/// Tables of `[tool.piton]` that other modules read.
const OTHERS: [&str; 1] = ["build"];

/// Maximum number of dependencies of a project.
const DEPENDENCY_LIMIT: usize = 4096;

pub(super) fn project(text: &str) -> Result<Project, SchemaError> {
    let document = Document::parse(text).map_err(|error| SchemaError {
        line: line_of(text, error.span()),
        problem: error.message().to_owned(),
    })?;
    let mut reader = Reader {
        text,
        project: Project::default(),
        seen: BTreeSet::new(),
    };
    let Some(tool) = document.get("tool") else {
        return Ok(reader.project);
    };
    let tool = reader.table(tool, "tool")?;
    for name in ["belay", "piton"] {
        if let Some(item) = tool.get(name) {
            let table = reader.table(item, &format!("tool.{name}"))?;
            reader.settings(name, table)?;
        }
    }
    let groups = &reader.project.groups;
    match groups
        .iter()
        .map(|group| group.dependencies.len())
        .sum::<usize>()
        > DEPENDENCY_LIMIT
    {
        true => Err(SchemaError {
            line: 1,
            problem: format!("there are more than {DEPENDENCY_LIMIT} dependencies"),
        }),
        false => Ok(reader.project),
    }
}

/// Returns the folder of the dependencies, which is below the project's.
pub(super) fn dependencies_path(text: &str) -> Result<RelativePath, String> {
    let trimmed = text
        .strip_prefix("./")
        .unwrap_or(text)
        .trim_end_matches('/');
    trimmed.parse().map_err(|_| {
        format!(
            "`dependencies_path` is `{}`, expected a folder below the project's",
            text.escape_debug()
        )
    })
}

struct Reader<'t> {
    text: &'t str,
    project: Project,
    /// The keys that were read, of one table or the other.
    seen: BTreeSet<String>,
}

/// Returns the line of a place in the text, from 1.
fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let start = span.map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or(text);
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

impl Reader<'_> {
    fn error(&self, span: Option<Range<usize>>, problem: impl Into<String>) -> SchemaError {
        SchemaError {
            line: line_of(self.text, span),
            problem: problem.into(),
        }
    }

    fn table<'i>(&self, item: &'i Item, name: &str) -> Result<&'i dyn TableLike, SchemaError> {
        item.as_table_like()
            .ok_or_else(|| self.error(item.span(), format!("`{name}` is not a table")))
    }

    fn settings(&mut self, tool: &str, table: &dyn TableLike) -> Result<(), SchemaError> {
        if tool == "belay" {
            self.project.is_configured = true;
        }
        for (key, item) in table.iter() {
            if !KEYS.contains(&key) {
                if !(tool == "piton" && OTHERS.contains(&key)) {
                    let line = line_of(self.text, item.span());
                    self.project
                        .unknown
                        .push((format!("tool.{tool}.{key}"), line));
                }
                continue;
            }
            self.project.is_configured = true;
            self.once(item, key)?;
            self.setting(key, item)?;
        }
        Ok(())
    }

    /// Refuses a key that is in both tables, unless it is a table whose keys are compared one by one.
    fn once(&mut self, item: &Item, key: &str) -> Result<(), SchemaError> {
        if matches!(key, "dependencies" | "group") || self.seen.insert(key.to_owned()) {
            return Ok(());
        }
        let problem = format!("`{key}` is both in `[tool.belay]` and `[tool.piton]`");
        Err(self.error(item.span(), problem))
    }

    fn setting(&mut self, key: &str, item: &Item) -> Result<(), SchemaError> {
        match key {
            "name" => {
                let name = self.string(item, key)?;
                if name
                    .parse::<PortablePath>()
                    .map_or(true, |path| path.parent().is_some())
                {
                    let problem = format!("`{}` is not the name of a folder", name.escape_debug());
                    return Err(self.error(item.span(), problem));
                }
                self.project.name = Some(name);
            }
            "ignore" => self.project.ignore = self.strings(item, key)?,
            "dependencies_path" => {
                let text = self.string(item, key)?;
                self.project.dependencies_path =
                    dependencies_path(&text).map_err(|problem| self.error(item.span(), problem))?;
            }
            "dependencies" => self.group(MAIN, false, Some(item))?,
            "group" => {
                let groups = self.table(item, "group")?;
                for (name, item) in groups.iter() {
                    self.named_group(name, item)?;
                }
            }
            "mpy_version" => self.project.mpy_version = self.mpy_version(item)?,
            _ => {
                let indices = self.strings(item, key)?;
                let is_address =
                    |text: &&String| !(text.starts_with("http://") || text.starts_with("https://"));
                if let Some(text) = indices.iter().find(is_address) {
                    let problem = format!(
                        "`{}` is not the address of an index: expected http:// or https://",
                        text.escape_debug()
                    );
                    return Err(self.error(item.span(), problem));
                }
                if indices.is_empty() {
                    return Err(self.error(item.span(), "there is no index, expected one at least"));
                }
                let indices = indices
                    .iter()
                    .map(|text| text.trim_end_matches('/').to_owned());
                self.project.package_indices = indices.collect();
            }
        }
        Ok(())
    }

    fn mpy_version(&self, item: &Item) -> Result<Option<u8>, SchemaError> {
        let text = match item.as_integer() {
            Some(number) => number.to_string(),
            None => self.string(item, "mpy_version")?,
        };
        match (text.as_str(), text.parse()) {
            ("py", _) => Ok(None),
            (_, Ok(version)) => Ok(Some(version)),
            _ => {
                let problem = format!(
                    "`mpy_version` is `{}`, expected \"py\" or the version of `.mpy` files, such as \"6\"",
                    text.escape_debug()
                );
                Err(self.error(item.span(), problem))
            }
        }
    }

    fn named_group(&mut self, name: &str, item: &Item) -> Result<(), SchemaError> {
        if name == MAIN {
            let problem = "the group `main` is `[tool.belay.dependencies]`, \
                not `[tool.belay.group.main.dependencies]`";
            return Err(self.error(item.span(), problem));
        }
        if !is_group(name) {
            let problem = format!("`{}` is not a name for a group", name.escape_debug());
            return Err(self.error(item.span(), problem));
        }
        let table = self.table(item, &format!("group.{name}"))?;
        let mut optional = false;
        let mut dependencies = None;
        for (key, item) in table.iter() {
            match key {
                "optional" => {
                    optional = item.as_bool().ok_or_else(|| {
                        self.error(item.span(), "`optional` is not `true` or `false`")
                    })?;
                }
                "dependencies" => dependencies = Some(item),
                _ => {
                    let line = line_of(self.text, item.span());
                    self.project
                        .unknown
                        .push((format!("group.{name}.{key}"), line));
                }
            }
        }
        self.group(name, optional, dependencies)
    }

    /// Adds the dependencies of a table to a group.
    fn group(
        &mut self,
        name: &str,
        optional: bool,
        item: Option<&Item>,
    ) -> Result<(), SchemaError> {
        let mut dependencies = Vec::new();
        if let Some(item) = item {
            let table = self.table(item, "dependencies")?;
            for (key, item) in table.iter() {
                dependencies.push(self.dependency(table, key, item)?);
            }
        }
        let known = self
            .project
            .groups
            .iter()
            .position(|group| group.name == name);
        let at = known.unwrap_or_else(|| {
            self.project.groups.push(Group {
                name: name.to_owned(),
                optional: false,
                dependencies: Vec::new(),
            });
            self.project.groups.len() - 1
        });
        let Some(group) = self.project.groups.get_mut(at) else {
            return Ok(());
        };
        group.optional |= optional;
        let twice = dependencies.iter().find(|one| {
            group
                .dependencies
                .iter()
                .any(|known| known.name == one.name)
        });
        if let Some(Dependency { name, line, .. }) = twice {
            return Err(SchemaError {
                line: *line,
                problem: format!("`{name}` is both in `[tool.belay]` and `[tool.piton]`"),
            });
        }
        group.dependencies.extend(dependencies);
        Ok(())
    }

    fn dependency(
        &self,
        table: &dyn TableLike,
        key: &str,
        item: &Item,
    ) -> Result<Dependency, SchemaError> {
        let span = table.get_key_value(key).and_then(|(key, _)| key.span());
        let span = span.or_else(|| item.span());
        let is_name = is_identifier(key) && key.parse::<PortablePath>().is_ok();
        if !is_name {
            let problem = format!(
                "`{}` is not a Python identifier, which the name of a dependency is",
                key.escape_debug()
            );
            return Err(self.error(span, problem));
        }
        let parts = match item.as_value() {
            Some(Value::Array(array)) => {
                let parts = array.iter().map(|value| self.part(key, value, false));
                parts.collect::<Result<Vec<Part>, SchemaError>>()?
            }
            Some(value) => vec![self.part(key, value, true)?],
            // `[tool.belay.dependencies.NAME]`
            None => vec![self.detailed(key, self.table(item, key)?, item.span(), true)?],
        };
        if parts.is_empty() {
            return Err(self.error(span, format!("`{key}` has no source")));
        }
        if parts.iter().filter(|part| part.rename_to_init).count() > 1 {
            let problem = format!("`{key}` has more than one source with `rename_to_init`");
            return Err(self.error(span, problem));
        }
        Ok(Dependency {
            name: key.to_owned(),
            parts,
            line: line_of(self.text, span),
        })
    }

    /// Reads a source of the dependency `key`; `alone` if it is the only one.
    fn part(&self, key: &str, value: &Value, alone: bool) -> Result<Part, SchemaError> {
        match value {
            Value::String(text) => Ok(Part {
                source: self.source(key, text.value(), value.span(), alone)?,
                develop: false,
                rename_to_init: alone,
            }),
            Value::InlineTable(table) => self.detailed(key, table, value.span(), alone),
            Value::Array(_) => Err(self.error(
                value.span(),
                format!("`{key}` has a list in a list, expected texts and tables"),
            )),
            _ => Err(self.error(
                value.span(),
                format!(
                    "`{key}` is {}, expected a text, a table or a list",
                    with_article(value.type_name())
                ),
            )),
        }
    }

    fn detailed(
        &self,
        key: &str,
        table: &dyn TableLike,
        span: Option<Range<usize>>,
        alone: bool,
    ) -> Result<Part, SchemaError> {
        let mut uri = None;
        let (mut develop, mut rename_to_init) = (false, alone);
        for (field, item) in table.iter() {
            let truth = || {
                item.as_bool().ok_or_else(|| {
                    self.error(item.span(), format!("`{field}` is not `true` or `false`"))
                })
            };
            match field {
                "uri" => uri = Some(self.string(item, field)?),
                "develop" => develop = truth()?,
                "rename_to_init" => rename_to_init = truth()?,
                _ => {
                    let problem = format!(
                        "`{key}` has an unknown field `{}`, expected `uri`, `develop` or `rename_to_init`",
                        field.escape_debug()
                    );
                    return Err(self.error(item.span(), problem));
                }
            }
        }
        let uri = uri.ok_or_else(|| self.error(span.clone(), format!("`{key}` has no `uri`")))?;
        let source = self.source(key, &uri, span.clone(), alone)?;
        if develop && !matches!(source, DependencySource::Local(_)) {
            let problem =
                format!("`{key}` is not a file or folder of this computer, as `develop` needs");
            return Err(self.error(span, problem));
        }
        Ok(Part {
            source,
            develop,
            rename_to_init,
        })
    }

    fn source(
        &self,
        key: &str,
        text: &str,
        span: Option<Range<usize>>,
        alone: bool,
    ) -> Result<DependencySource, SchemaError> {
        let source = match alone {
            true => DependencySource::of_value(key, text),
            false => text.parse(),
        };
        source.map_err(|error| self.error(span, format!("`{key}`: {error}")))
    }

    fn string(&self, item: &Item, key: &str) -> Result<String, SchemaError> {
        let text = item.as_str().map(ToOwned::to_owned);
        text.ok_or_else(|| {
            let kind = with_article(item.type_name());
            let problem = format!("`{key}` is {kind}, expected a text");
            self.error(item.span(), problem)
        })
    }

    fn strings(&self, item: &Item, key: &str) -> Result<Vec<String>, SchemaError> {
        let texts = item.as_array().and_then(|array| {
            let texts = array
                .iter()
                .map(|value| value.as_str().map(ToOwned::to_owned));
            texts.collect::<Option<Vec<String>>>()
        });
        texts.ok_or_else(|| self.error(item.span(), format!("`{key}` is not a list of texts")))
    }
}

/// Returns the name of a type with `a` or `an` before it.
fn with_article(name: &str) -> String {
    match name.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => format!("an {name}"),
        false => format!("a {name}"),
    }
}
