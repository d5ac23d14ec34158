//! Runs manifests in a Python that a caller names.
//!
//! The functions of manifests stay here: the program in `child.py` sends each call, and gets its result or exception. It refuses to
//! write files and to start programs, through Python's audit hooks: a guard against manifests that do so, and no wall against
//! one that is made to get around it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;

use serde_json::{Value as Json, json};

use super::interpreter::Interpreter;
use super::value::{Arguments, Dict, Throw, Value};
use crate::manifest::Permissions;
use crate::manifest::api::{FREEZE_FUNCTIONS, FUNCTIONS};

/// The program that runs in Python.
const PROGRAM: &str = include_str!("child.py");

/// A Python that runs.
pub(crate) struct Python {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    failure: Option<String>,
}

impl Python {
    fn send(&mut self, message: &Json) -> Result<(), String> {
        let result = writeln!(self.input, "{message}").and_then(|()| self.input.flush());
        result.map_err(|error| format!("Python does not read any more: {error}"))
    }

    fn receive(&mut self) -> Result<Json, String> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line);
        let length = read.map_err(|error| format!("Python cannot be read: {error}"))?;
        if length == 0 {
            return Err("Python ended before the manifest was evaluated".to_owned());
        }
        serde_json::from_str(&line)
            .map_err(|error| format!("Python sent what is not understood: {error}"))
    }
}

impl Interpreter {
    /// Starts Python, and sends it what it may do.
    ///
    /// # Errors
    /// Why it could not be started.
    pub(crate) fn start(
        &mut self,
        command: &mut Command,
        permissions: &Permissions,
    ) -> Result<(), String> {
        let name = command.get_program().to_string_lossy().into_owned();
        command
            .args(["-B", "-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        command.current_dir(self.state.disk.folder());
        let mut process = command
            .spawn()
            .map_err(|error| format!("`{name}` cannot be started: {error}"))?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(format!("`{name}` has no pipes"));
        };
        let mut python = Python {
            process,
            input,
            output: BufReader::new(output),
            failure: None,
        };
        let guard = json!({"writable": permissions.writable, "programs": permissions.programs});
        python.send(&json!({"path": self.state.module_path, "guard": guard}))?;
        self.child = Some(python);
        Ok(())
    }

    /// Ends Python.
    pub(crate) fn stop(&mut self) {
        if let Some(mut python) = self.child.take() {
            drop(python.input);
            let _ = python.process.wait();
        }
    }

    pub(super) fn has_child(&self) -> bool {
        self.child.is_some()
    }

    /// Returns why Python can no longer be used.
    pub(crate) fn child_failure(&self) -> Option<String> {
        self.child.as_ref()?.failure.clone()
    }

    fn exchange(&mut self, message: Option<Json>) -> Result<Json, Throw> {
        let Some(python) = &mut self.child else {
            return Err(Throw::unsupported("Python"));
        };
        let sent = message.map_or(Ok(()), |message| python.send(&message));
        sent.and_then(|()| python.receive()).map_err(|problem| {
            python.failure.get_or_insert(problem);
            Throw::unsupported("Python")
        })
    }

    /// Runs one manifest in Python, and answers what it calls.
    pub(super) fn run_in_child(
        &mut self,
        source: &str,
        options: Vec<(Rc<str>, Value)>,
    ) -> Result<(), Throw> {
        let freeze = FREEZE_FUNCTIONS
            .iter()
            .filter(|_| self.state.mode.can_freeze());
        let names: Vec<&str> = FUNCTIONS.iter().chain(freeze).copied().collect();
        let options: Vec<Json> = options
            .iter()
            .map(|(name, value)| json!([&**name, encode(value)]))
            .collect();
        let folder = self.state.disk.folder();
        let mut answer =
            Some(json!({"run": source, "names": names, "options": options, "folder": folder}));
        loop {
            let message = self.exchange(answer.take())?;
            if let Some(folder) = message.get("folder").and_then(Json::as_str) {
                self.state.disk.restore(folder.to_owned());
            }
            if message.get("done").is_some() {
                return Ok(());
            }
            if let Some(classes) = message.get("failed") {
                return Err(self.failed(classes, &message));
            }
            answer = Some(self.answer(&message)?);
        }
    }

    fn answer(&mut self, message: &Json) -> Result<Json, Throw> {
        let text = message
            .get("call")
            .and_then(Json::as_str)
            .unwrap_or_default();
        let name = FUNCTIONS
            .into_iter()
            .chain(FREEZE_FUNCTIONS)
            .find(|known| *known == text);
        let Some(name) = name else {
            return Err(Throw::unsupported("a message of Python"));
        };
        let line = message.get("line").and_then(Json::as_u64).unwrap_or(0);
        self.state.line = u32::try_from(line).unwrap_or(0);
        let list = |key: &str| {
            message
                .get(key)
                .and_then(Json::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let mut arguments = Arguments::of(list("positional").iter().map(decode).collect());
        for pair in list("named") {
            if let Some([Json::String(name), value]) = pair.as_array().map(Vec::as_slice) {
                arguments.named.push((name.as_str().into(), decode(value)));
            }
        }
        let result = self.call(&Value::Api(name), arguments);
        let folder = self.state.disk.folder();
        let throw = match result {
            Ok(value) => return Ok(json!({"value": encode(&value), "folder": folder})),
            Err(throw @ Throw::Unsupported { .. }) => return Err(throw),
            Err(throw) => throw,
        };
        let Value::Instance(instance) = self.exception(throw) else {
            return Err(Throw::unsupported("an exception"));
        };
        let arguments = match instance.attributes.borrow().get("args") {
            Some(Value::Tuple(arguments)) => arguments.iter().map(encode).collect(),
            _ => Vec::new(),
        };
        Ok(json!({"raise": [&*instance.class.name, arguments], "folder": folder}))
    }

    /// Makes the exception that a manifest ended with.
    fn failed(&self, classes: &Json, message: &Json) -> Throw {
        let names = classes.as_array().cloned().unwrap_or_default();
        let known = names
            .iter()
            .filter_map(Json::as_str)
            .find_map(|name| self.exceptions.class(name));
        let class = known.map_or_else(|| "Exception".to_owned(), |class| class.name.to_string());
        if matches!(
            class.as_str(),
            "SystemExit" | "ManifestUsePyPIException" | "ManifestIgnoreException"
        ) {
            let arguments = message
                .get("arguments")
                .and_then(Json::as_array)
                .cloned()
                .unwrap_or_default();
            return Throw::Object(self.make(&class, arguments.iter().map(decode).collect()));
        }
        // The text is complete: no class may format it again.
        let class = if class == "KeyError" {
            "LookupError"
        } else {
            &class
        };
        let text = message
            .get("text")
            .and_then(Json::as_str)
            .unwrap_or_default();
        Throw::Object(self.make(class, vec![Value::text(text)]))
    }
}

fn encode(value: &Value) -> Json {
    let all = |items: &[Value]| items.iter().map(encode).collect::<Vec<_>>();
    match value {
        Value::None => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Float(value) => json!(value),
        Value::Text(text) => json!(&**text),
        Value::List(items) => json!({"list": all(&items.borrow())}),
        Value::Tuple(items) => json!({"tuple": all(items)}),
        Value::Set(set) => json!({"set": all(&set.borrow().keys())}),
        Value::Dict(dict) => {
            let pairs: Vec<Json> = dict
                .borrow()
                .entries()
                .map(|(key, value)| json!([encode(key), encode(value)]))
                .collect();
            json!({"dict": pairs})
        }
        Value::Bytes(bytes) => json!({"bytes": bytes.to_vec()}),
        Value::Path(path) => json!({"path": &**path}),
        Value::Metadata(frame) => {
            let frame = frame.borrow();
            let names = [
                "version",
                "description",
                "license",
                "author",
                "pypi",
                "pypi_publish",
                "stdlib",
            ];
            let fields: Vec<Json> = names
                .iter()
                .map(|name| json!([name, encode(&frame.field(name).unwrap_or(Value::None))]))
                .collect();
            json!({"metadata": fields})
        }
        Value::Foreign(foreign) => json!({"foreign": [foreign.0, foreign.1]}),
        other => json!({"foreign": [other.type_name(), other.type_name()]}),
    }
}

fn decode(value: &Json) -> Value {
    let (kind, content) = match value {
        Json::Null => return Value::None,
        Json::Bool(value) => return Value::Bool(*value),
        Json::Number(number) => {
            return number
                .as_i64()
                .map_or_else(|| Value::Float(number.as_f64().unwrap_or(0.0)), Value::Int);
        }
        Json::String(text) => return Value::text(text),
        Json::Object(object) => match object.iter().next() {
            Some(pair) => pair,
            None => return Value::None,
        },
        Json::Array(_) => return Value::None,
    };
    let items = || {
        content
            .as_array()
            .map(|items| items.iter().map(decode).collect::<Vec<_>>())
            .unwrap_or_default()
    };
    match kind.as_str() {
        "list" => Value::list(items()),
        "tuple" => Value::Tuple(items().into()),
        "items" => Value::iterator("generator", items()),
        "set" => Value::set(Dict::set(items()).unwrap_or_default()),
        "path" => Value::Path(content.as_str().unwrap_or_default().into()),
        "bytes" => {
            let bytes = content
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Json::as_u64);
            Value::Bytes(bytes.filter_map(|byte| u8::try_from(byte).ok()).collect())
        }
        "dict" => {
            let mut dict = Dict::default();
            for pair in content.as_array().into_iter().flatten() {
                if let Some([key, value]) = pair.as_array().map(Vec::as_slice) {
                    let _ = dict.insert(decode(key), decode(value));
                }
            }
            Value::dict(dict)
        }
        _ => {
            let text = |index: usize| {
                content
                    .get(index)
                    .and_then(Json::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            Value::Foreign(Rc::new((text(0), text(1))))
        }
    }
}
