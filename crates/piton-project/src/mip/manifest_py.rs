//! `manifest.py` of a library, MicroPython's list of frozen files, if it consists of calls with literals.
//!
//! Most libraries of micropython-lib use only `metadata()`, `module()`, `package()` and `require()`. Everything else in
//! a manifest needs a Python interpreter, and is refused with its line. The calls and their arguments are those of
//! MicroPython's docs/reference/manifest.rst.

use piton_path::{PortablePath, PortablePathError};
use piton_syntax::script::{self, Call, Names, Problem, Statement, StatementKind, Value};

/// Maximum size of a manifest, in bytes.
pub const SIZE_LIMIT: usize = 1 << 20;

/// The description of a library.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestPy {
    /// Its version.
    pub version: Option<String>,
    /// The modules and packages to install, in the order of the calls.
    pub parts: Vec<Part>,
    /// The names of the libraries that it needs.
    pub requires: Vec<String>,
    /// Paths in the sources of MicroPython, such as `$(PORT_DIR)/modules`: a firmware has these files.
    pub firmware: Vec<String>,
}

/// A module or package of a library.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The number of folders from the manifest's folder up to the one of `base`: a library may have files of a
    /// neighbour.
    pub up: usize,
    /// The folder of the part, below that one; `None` for that one itself.
    pub base: Option<PortablePath>,
    /// Its path below that folder, and below the target; `None` for that folder and the target themselves.
    pub path: Option<PortablePath>,
    /// The files of the part.
    pub files: PartFiles,
}

/// The files of a module or package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartFiles {
    /// One file.
    Module,
    /// All Python sources below its folder.
    All,
    /// The files with these paths below its folder.
    Named(Vec<PortablePath>),
}

/// Why a manifest cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct ManifestPyError {
    /// The line, from 1 on.
    pub line: usize,
    /// The reason.
    pub problem: String,
}

impl ManifestPy {
    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// The manifest has something other than known calls with literals, or names a file outside of its folder.
    pub fn parse(text: &str) -> Result<ManifestPy, ManifestPyError> {
        if text.len() > SIZE_LIMIT {
            return Err(ManifestPyError {
                line: 1,
                problem: format!("it has more than {SIZE_LIMIT} bytes"),
            });
        }
        let mut manifest = ManifestPy::default();
        for statement in script::read(text.as_bytes()) {
            let line = line_number(statement.line);
            let Some(call) = call_of(&statement)? else {
                continue;
            };
            let arguments = Arguments::of(call)?;
            manifest
                .take(arguments)
                .map_err(|problem| ManifestPyError { line, problem })?;
        }
        Ok(manifest)
    }

    fn take(&mut self, mut arguments: Arguments) -> Result<(), String> {
        match arguments.function.as_str() {
            "metadata" => self.version = arguments.text("version", None)?.or(self.version.take()),
            "module" => {
                let path = arguments.path("module_path")?;
                if path.extension() != Some("py") {
                    return Err(format!("`{path}` is not a Python source"));
                }
                let (up, base) = arguments.base()?;
                self.parts.push(Part {
                    up,
                    base,
                    path: Some(path),
                    files: PartFiles::Module,
                });
            }
            "package" => {
                let path = arguments.path("package_path")?;
                let files = arguments.files("files")?;
                let (up, base) = arguments.base()?;
                self.parts.push(Part {
                    up,
                    base,
                    path: Some(path),
                    files,
                });
            }
            "freeze" => {
                let path = arguments.text("path", Some(0))?;
                let path = path.ok_or("`freeze` lacks a path")?;
                if path.starts_with("$(") {
                    self.firmware.push(path);
                    return Ok(());
                }
                let (up, base) = base_of(&path)?;
                self.parts.push(Part {
                    up,
                    base,
                    path: None,
                    files: arguments.files("script")?,
                });
            }
            "include" => {
                let path = arguments.text("manifest_path", Some(0))?;
                let path = path.filter(|path| path.starts_with("$("));
                let path = path.ok_or(
                    "`include` is not understood here, except of MicroPython's own manifests (`$(...)`)",
                )?;
                self.firmware.push(path);
            }
            "require" => {
                let name = arguments.text("name", Some(0))?;
                self.requires
                    .push(name.ok_or("`require` lacks the name of a library")?);
            }
            other => {
                return Err(format!(
                    "`{other}` is not understood here: only `metadata`, `module`, `package`, `require` and `freeze` are"
                ));
            }
        }
        Ok(())
    }
}

impl From<Problem> for ManifestPyError {
    fn from(problem: Problem) -> ManifestPyError {
        ManifestPyError {
            line: line_number(problem.line),
            problem: problem.kind.to_string(),
        }
    }
}

fn line_number(line: u32) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}

/// Returns the call of a statement; `None` for a docstring.
fn call_of(statement: &Statement) -> Result<Option<&Call>, ManifestPyError> {
    match &statement.kind {
        StatementKind::Unreadable(problem) => return Err(problem.clone().into()),
        StatementKind::Expression(expression) => {
            if let Some(call) = expression.call()
                && call.function.as_name().is_some()
            {
                return Ok(Some(call));
            }
            if matches!(expression.value(&Names::new()), Ok(Value::Text(_))) {
                return Ok(None);
            }
        }
        _ => {}
    }
    Err(ManifestPyError {
        line: line_number(statement.line),
        problem: "expected a call such as `module(\"NAME.py\")`".to_owned(),
    })
}

/// The arguments of a call that were not read yet.
struct Arguments {
    function: String,
    positional: Vec<Option<Value>>,
    named: Vec<(String, Value)>,
}

impl Arguments {
    fn of(call: &Call) -> Result<Arguments, ManifestPyError> {
        let mut arguments = Arguments {
            function: call.function.as_name().unwrap_or_default().to_owned(),
            positional: Vec::new(),
            named: Vec::new(),
        };
        for argument in &call.arguments {
            let value = argument.value.value(&Names::new())?;
            let Some(name) = &argument.name else {
                arguments.positional.push(Some(value));
                continue;
            };
            if arguments.named.iter().any(|(known, _)| known == name) {
                return Err(ManifestPyError {
                    line: line_number(argument.value.line),
                    problem: format!("`{name}` is given twice"),
                });
            }
            arguments.named.push((name.clone(), value));
        }
        Ok(arguments)
    }

    /// Returns the argument with this name, or at this position. Other arguments (`opt`, `author`) are ignored.
    fn take(&mut self, name: &str, place: Option<usize>) -> Option<Value> {
        let named = self.named.iter().position(|(known, _)| known == name);
        match named {
            Some(at) => Some(self.named.swap_remove(at).1),
            None => self.positional.get_mut(place?)?.take(),
        }
    }

    fn text(&mut self, name: &str, place: Option<usize>) -> Result<Option<String>, String> {
        match self.take(name, place) {
            None | Some(Value::None) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(format!("`{name}` of `{}` is a text", self.function)),
        }
    }

    fn path(&mut self, name: &str) -> Result<PortablePath, String> {
        let path = self.text(name, Some(0))?;
        path_of(&path.ok_or_else(|| format!("`{}` lacks a path", self.function))?)
    }

    fn base(&mut self) -> Result<(usize, Option<PortablePath>), String> {
        let place = if self.function == "package" { 2 } else { 1 };
        match self.text("base_path", Some(place))? {
            None => Ok((0, None)),
            Some(base) => base_of(&base),
        }
    }

    /// Returns the second argument: the files of a package or of a frozen folder.
    fn files(&mut self, name: &str) -> Result<PartFiles, String> {
        let function = self.function.clone();
        let named = |names: Vec<Value>| {
            let names = names.into_iter().map(|file| match file {
                Value::Text(text) => path_of(&text),
                _ => Err(format!("`{name}` of `{function}` are texts")),
            });
            names.collect::<Result<Vec<PortablePath>, String>>()
        };
        match self.take(name, Some(1)) {
            None | Some(Value::None) => Ok(PartFiles::All),
            Some(Value::List(names) | Value::Tuple(names)) => Ok(PartFiles::Named(named(names)?)),
            Some(Value::Text(script)) if self.function == "freeze" && script.ends_with(".py") => {
                Ok(PartFiles::Named(vec![path_of(&script)?]))
            }
            Some(_) => Err(format!("`{name}` of `{}` is a list", self.function)),
        }
    }
}

/// Returns the number of `..` at the beginning of a path, and the rest; `None` if there is no rest.
fn base_of(text: &str) -> Result<(usize, Option<PortablePath>), String> {
    let mut rest = text.strip_prefix("./").unwrap_or(text);
    let mut up = 0;
    while let Some(above) = rest.strip_prefix("../") {
        rest = above;
        up += 1;
    }
    match rest {
        "" | "." => Ok((up, None)),
        rest => Ok((up, Some(path_of(rest)?))),
    }
}

fn path_of(text: &str) -> Result<PortablePath, String> {
    let trimmed = text.trim_end_matches('/');
    trimmed
        .parse()
        .map_err(|error: PortablePathError| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_of_libraries() {
        let text = r#"
"""A library."""
metadata(
    description="Unit tests, with \"quotes\"\n",  # ) not the end
    version='0.10.3',
    pypi=None, stdlib_extension=True, size=-1, ratio=1.5e3,
)

require("argparse"); require('fnmatch',)
package("unittest", opt=3)
package("aioble", files=("__init__.py", "core.py"), base_path="./sub")
module("unittest_discover.py")
module("a" "b.py", "lib/")
freeze("modules")
freeze(".", ("x.py", "y/z.py"))
freeze("more", script="x.py", opt=3)
include("$(PORT_DIR)/boards/manifest.py")
freeze("$(PORT_DIR)/modules")
"#;
        let manifest = ManifestPy::parse(text).unwrap();
        assert_eq!(manifest.version.as_deref(), Some("0.10.3"));
        assert_eq!(manifest.requires, ["argparse", "fnmatch"]);
        let shown = manifest.parts.iter().map(|part| {
            let base = part.base.as_ref().map_or(".", PortablePath::as_str);
            let base = "../".repeat(part.up) + base;
            let files = match &part.files {
                PartFiles::Module => "module".to_owned(),
                PartFiles::All => "all".to_owned(),
                PartFiles::Named(files) => {
                    let files = files.iter().map(PortablePath::as_str);
                    files.collect::<Vec<&str>>().join("+")
                }
            };
            let path = part.path.as_ref().map_or("-", PortablePath::as_str);
            format!("{base} {path} {files}")
        });
        assert_eq!(
            shown.collect::<Vec<String>>(),
            [
                ". unittest all",
                "sub aioble __init__.py+core.py",
                ". unittest_discover.py module",
                "lib ab.py module",
                "modules - all",
                ". - x.py+y/z.py",
                "more - x.py",
            ]
        );
        assert_eq!(
            manifest.firmware,
            ["$(PORT_DIR)/boards/manifest.py", "$(PORT_DIR)/modules"]
        );
        assert_eq!(
            ManifestPy::parse("# nothing\r\n\r\n").unwrap(),
            ManifestPy::default()
        );
    }

    #[test]
    fn invalid_manifests_are_refused() {
        for (text, expected) in [
            (
                "import os\n",
                "line 1: expected a call such as `module(\"NAME.py\")`",
            ),
            (
                "\nif True:\n  module('a.py')\n",
                "line 2: expected a call such as `module(\"NAME.py\")`",
            ),
            (
                "x = 1",
                "line 1: expected a call such as `module(\"NAME.py\")`",
            ),
            ("module(name)", "line 1: expected a value, found `name`"),
            ("module(f'{x}.py')", "line 1: an f-string needs Python"),
            (
                "module('a' + '.py')",
                "line 1: expected nothing more after the literal, found `+ '.py'`",
            ),
            ("module('a.py'", "line 1: this bracket is not closed"),
            (
                "module('a.py') module('b.py')",
                "line 1: expected a call such as `module(\"NAME.py\")`",
            ),
            ("module('a.py", "line 1: this string is not closed"),
            ("\n\nmodule('''a\n\nb", "line 3: this string is not closed"),
            ("module('\\N{DASH}.py')", "line 1: `\\N{...}` needs Python"),
            ("module()", "line 1: `module` lacks a path"),
            ("module(1)", "line 1: `module_path` of `module` is a text"),
            ("module('a')", "line 1: `a` is not a Python source"),
            (
                "module('../a.py')",
                "line 1: `../a.py` is not a path below a folder: it has a part of dots only",
            ),
            (
                "module('a.py', base_path='$(MPY_LIB_DIR)/../x')",
                "line 1: `$(MPY_LIB_DIR)/../x` is not a path below a folder: it has a part of dots only",
            ),
            (
                "package('.piton-swap')",
                "line 1: `.piton-swap` is refused: names with `.piton-` are reserved for records that piton keeps",
            ),
            (
                "package('a', files=['/x'])",
                "line 1: `/x` is not a path below a folder: it begins at the root",
            ),
            (
                "package('a', files='x')",
                "line 1: `files` of `package` is a list",
            ),
            ("require()", "line 1: `require` lacks the name of a library"),
            (
                "require('a', name='b', name='c')",
                "line 1: `name` is given twice",
            ),
            (
                "include('x.py')",
                "line 1: `include` is not understood here, except of MicroPython's own manifests (`$(...)`)",
            ),
            (
                "freeze_mpy('x.mpy')",
                "line 1: `freeze_mpy` is not understood here: only `metadata`, `module`, `package`, `require` and \
                 `freeze` are",
            ),
            ("freeze()", "line 1: `freeze` lacks a path"),
            (
                "freeze('a', 'sub')",
                "line 1: `script` of `freeze` is a list",
            ),
            (
                "a.b('x')",
                "line 1: expected a call such as `module(\"NAME.py\")`",
            ),
        ] {
            let found = ManifestPy::parse(text).unwrap_err().to_string();
            assert_eq!(found, expected, "{text}");
        }
        let deep = format!("module({}", "(".repeat(100_000));
        assert!(ManifestPy::parse(&deep).is_err());
    }
}
