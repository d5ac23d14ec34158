//! The modules of Python that are built in here, as far as manifests use them.

mod glob;
mod json;
mod os;
mod path;
pub(super) mod pathlib;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::interpreter::Interpreter;
use super::value::{Dict, Module, Native, Outcome, Scope, Throw, Value};

/// Makes `os.environ`.
pub(super) fn environment(variables: &[(String, String)]) -> Value {
    let mut dict = Dict::default();
    for (name, value) in variables {
        let _ = dict.insert(Value::text(name), Value::text(value));
    }
    Value::dict(dict)
}

fn module(name: &str, own: bool, attributes: Vec<(&str, Value)>) -> Rc<Module> {
    Rc::new(Module {
        name: name.into(),
        own,
        attributes: RefCell::new(
            attributes
                .into_iter()
                .map(|(name, value)| (Rc::from(name), value))
                .collect(),
        ),
    })
}

fn functions(natives: &'static [Native]) -> Vec<(&'static str, Value)> {
    natives
        .iter()
        .map(|native| (native.name, Value::Native(native)))
        .collect()
}

impl Interpreter {
    /// Returns the module of a path with dots; the first one of the path without `whole`.
    pub(super) fn import(&mut self, path: &str, whole: bool) -> Outcome {
        let mut found = Value::None;
        let mut first = None;
        let mut prefix = String::new();
        for part in path.split('.') {
            if !prefix.is_empty() {
                prefix.push('.');
            }
            prefix.push_str(part);
            found = Value::Module(self.load_module(&prefix)?);
            first.get_or_insert_with(|| found.clone());
        }
        Ok(if whole {
            found
        } else {
            first.unwrap_or(Value::None)
        })
    }

    pub(super) fn import_from(
        &mut self,
        path: &str,
        dots: usize,
        names: &[(Rc<str>, Option<Rc<str>>)],
        scope: &Rc<Scope>,
    ) -> Result<(), Throw> {
        if dots > 0 {
            return Err(Throw::new(
                "ImportError",
                "attempted relative import with no known parent package",
            ));
        }
        if path == "__future__" {
            return Ok(());
        }
        let Value::Module(module) = self.import(path, true)? else {
            return Ok(());
        };
        if names.is_empty() {
            if !module.own {
                return Err(Throw::unsupported(format!("from {path} import *")));
            }
            let all = module.attributes.borrow().clone();
            for (name, value) in all.into_iter().filter(|(name, _)| !name.starts_with('_')) {
                self.store(&name, value, scope);
            }
            return Ok(());
        }
        for (name, alias) in names {
            let found = module.attributes.borrow().get(name).cloned();
            let value = match found {
                Some(value) => value,
                None => match self.load_module(&format!("{path}.{name}")) {
                    Ok(inner) => Value::Module(inner),
                    Err(_) if module.own => {
                        let message = format!("cannot import name '{name}' from '{path}'");
                        return Err(Throw::unsupported(message));
                    }
                    Err(_) => return Err(Throw::unsupported(format!("{path}.{name}"))),
                },
            };
            self.store(alias.as_ref().unwrap_or(name), value, scope);
        }
        Ok(())
    }

    fn load_module(&mut self, path: &str) -> Result<Rc<Module>, Throw> {
        if let Some(module) = self.modules.get(path) {
            return Ok(module.clone());
        }
        let module = match path {
            "os" => {
                let inner = self.load_module("os.path")?;
                let os = os::make(self);
                os.attributes
                    .borrow_mut()
                    .insert("path".into(), Value::Module(inner));
                os
            }
            "os.path" | "posixpath" => path::make(),
            "sys" => self.sys(),
            "glob" => glob::make(),
            "fnmatch" => glob::make_fnmatch(),
            "json" => json::make(),
            "pathlib" => module(
                "pathlib",
                false,
                vec![
                    ("Path", Value::Type("PosixPath")),
                    ("PosixPath", Value::Type("PosixPath")),
                ],
            ),
            _ => self.own_module(path)?,
        };
        self.modules.insert(path.into(), module.clone());
        Ok(module)
    }

    fn sys(&mut self) -> Rc<Module> {
        let version = [
            Value::Int(3),
            Value::Int(11),
            Value::Int(7),
            Value::text("final"),
            Value::Int(0),
        ];
        let version = Value::Tuple(version.into());
        let stream = Value::Tuple([].into());
        module(
            "sys",
            false,
            vec![
                ("path", Value::List(self.module_path.clone())),
                ("argv", Value::list(vec![Value::text("makemanifest.py")])),
                ("version_info", version),
                (
                    "platform",
                    Value::text(if cfg!(target_os = "macos") {
                        "darwin"
                    } else {
                        "linux"
                    }),
                ),
                ("stderr", stream.clone()),
                ("stdout", stream),
                ("maxsize", Value::Int(i64::MAX)),
                ("byteorder", Value::text("little")),
                ("exit", self.builtin("exit").unwrap_or(Value::None)),
            ],
        )
    }

    /// Runs a Python file of the manifest's own as a module.
    fn own_module(&mut self, path: &str) -> Result<Rc<Module>, Throw> {
        let file = path.replace('.', "/");
        let folders = self.module_path.borrow().clone();
        for folder in folders {
            let Value::Text(folder) = folder else {
                continue;
            };
            let folder = if folder.is_empty() { "." } else { &*folder };
            let base = crate::manifest::posix::join(folder, &file);
            for candidate in [format!("{base}/__init__.py"), format!("{base}.py")] {
                if !self.state.disk.is_file(&candidate) {
                    continue;
                }
                let source = super::files::decode(&self.state.disk.read(&candidate)?)?;
                let scope = Scope::module();
                let absolute = self.state.disk.absolute(&candidate);
                scope
                    .names
                    .borrow_mut()
                    .insert("__name__".into(), Value::text(path));
                scope
                    .names
                    .borrow_mut()
                    .insert("__file__".into(), Value::text(absolute));
                self.run_source(&source, &scope)?;
                let attributes: BTreeMap<Rc<str>, Value> = scope
                    .names
                    .borrow()
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                return Ok(Rc::new(Module {
                    name: path.into(),
                    own: true,
                    attributes: RefCell::new(attributes),
                }));
            }
        }
        // It can be a part of Python, or installed beside it.
        Err(Throw::unsupported(format!("import {path}")))
    }
}
