//! Evaluates the manifests of a request.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::disk::Disk;
use super::state::{Frame, State};
use super::{
    Data, Error, ErrorKind, Evaluation, File, Metadata, Mode, Permissions, Place, Request, api,
};
use crate::python::interpreter::Interpreter;
use crate::python::value::{Dict, Throw, Value};

/// How much stack the interpreter may use, in bytes: a manifest can be nested deeply.
const STACK: usize = 512 << 20;

/// The libraries of micropython-lib that `require` searches.
const LIBRARIES: [&str; 3] = ["micropython", "python-stdlib", "python-ecosys"];

/// Evaluates manifests in the interpreter that is built in.
///
/// # Errors
/// [`Error`], with upstream's words.
pub fn evaluate(request: &Request) -> Result<Evaluation, Error> {
    in_thread(request, None)
}

/// Evaluates manifests with a program that runs Python, which refuses what `permissions` do not name.
///
/// What the manifests print goes to the standard error of the program.
///
/// # Errors
/// As [`evaluate`], and when the program cannot be started.
pub fn evaluate_with(
    request: &Request,
    python: &mut Command,
    permissions: &Permissions,
) -> Result<Evaluation, Error> {
    in_thread(request, Some((python, permissions)))
}

type Python<'a> = Option<(&'a mut Command, &'a Permissions)>;

fn in_thread(request: &Request, python: Python<'_>) -> Result<Evaluation, Error> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || run(request, python));
        let result = thread.ok().and_then(|thread| thread.join().ok());
        result.unwrap_or_else(|| {
            Err(Error {
                message: "the manifest could not be evaluated".to_owned(),
                manifest: String::new(),
                printed: String::new(),
                kind: ErrorKind::Unsupported,
            })
        })
    })
}

fn state(request: &Request) -> State {
    State {
        mode: request.mode,
        variables: request.variables.clone(),
        disk: Disk::new(&request.folder, request.sorted),
        environment: request.environment.clone(),
        module_path: request.module_path.clone(),
        printed: String::new(),
        line: 0,
        files: Vec::new(),
        pypi: Vec::new(),
        c_modules: Vec::new(),
        visited: BTreeSet::new(),
        manifests: Vec::new(),
        frames: vec![Frame::new(false)],
        libraries: Dict::default(),
        library_folders: Vec::new(),
        library_walks: BTreeMap::new(),
        chain: Vec::new(),
        packages: Vec::new(),
        ignored: Vec::new(),
        function: "",
    }
}

fn run(request: &Request, python: Python<'_>) -> Result<Evaluation, Error> {
    let mut interpreter = Interpreter::new(state(request));
    if let Some((command, permissions)) = python {
        interpreter
            .start(command, permissions)
            .map_err(|message| Error {
                message,
                manifest: String::new(),
                printed: String::new(),
                kind: ErrorKind::Python,
            })?;
    }
    let result = run_all(&mut interpreter, request);
    interpreter.stop();
    result
}

fn run_all(interpreter: &mut Interpreter, request: &Request) -> Result<Evaluation, Error> {
    let library_folder = request
        .variables
        .iter()
        .rev()
        .find(|(name, _)| name == "MPY_LIB_DIR");
    let has_libraries = library_folder.is_some_and(|(_, folder)| !folder.is_empty());
    let names = LIBRARIES
        .into_iter()
        .filter(|_| has_libraries)
        .map(|name| (name, false));
    for (name, prepend) in names.chain(request.unix_ffi.then_some(("unix-ffi", true))) {
        let path = Value::text(format!("$(MPY_LIB_DIR)/{name}"));
        api::add_library(interpreter, Value::text(name), &path, prepend)
            .map_err(|throw| failure(interpreter, throw, name))?;
    }
    for manifest in &request.manifests {
        execute(interpreter, manifest).map_err(|throw| failure(interpreter, throw, manifest))?;
    }
    Ok(result(interpreter))
}

/// Runs one argument of the command line: a file, or source.
fn execute(interpreter: &mut Interpreter, manifest: &str) -> Result<(), Throw> {
    if manifest.ends_with(".py") {
        return api::include(interpreter, &Value::text(manifest), false, Vec::new());
    }
    interpreter.state.chain.push(super::state::Running {
        path: "<argument>".into(),
        line: 0,
    });
    let result = interpreter.run_manifest(manifest, Vec::new());
    interpreter.state.chain.pop();
    let Err(throw) = result else { return Ok(()) };
    let raised = throw.clone();
    let (class, text) = interpreter.describe(throw)?;
    if class.is_below("Exception") {
        return Err(Throw::new(
            "ManifestFileError",
            format!("Error in manifest: {text}"),
        ));
    }
    Err(raised)
}

fn failure(interpreter: &mut Interpreter, throw: Throw, manifest: &str) -> Error {
    let mut error = Error {
        message: String::new(),
        manifest: manifest.to_owned(),
        printed: interpreter.state.printed.clone(),
        kind: ErrorKind::Manifest,
    };
    if let Some(message) = interpreter.child_failure() {
        error.message = message;
        error.kind = ErrorKind::Python;
        return error;
    }
    match throw {
        Throw::Unsupported { what, line } => {
            let place = interpreter
                .state
                .manifests
                .last()
                .map_or(manifest, String::as_str);
            error.message = format!("{place}, line {line}: {what}");
            error.kind = ErrorKind::Unsupported;
        }
        throw => {
            let argument = interpreter.first_argument(&throw);
            match interpreter.describe(throw) {
                Ok((class, text)) => {
                    if class.is_below("SystemExit") {
                        error.kind = ErrorKind::Exit(match argument {
                            Value::None => 0,
                            Value::Int(code) => i32::try_from(code & 0xff).unwrap_or(1),
                            _ => 1,
                        });
                    }
                    error.message = text;
                }
                Err(_) => error.kind = ErrorKind::Unsupported,
            }
        }
    }
    error
}

fn result(interpreter: &mut Interpreter) -> Evaluation {
    let top = interpreter.state.frame().borrow().fields();
    let metadata = metadata(interpreter, &top);
    let added = std::mem::take(&mut interpreter.state.files);
    let mut files = Vec::with_capacity(added.len());
    for file in added {
        let fields = file.frame.borrow().fields();
        files.push(File {
            source: file.source,
            target: interpreter.text(&file.target).unwrap_or_default(),
            modified: file.modified,
            kind: file.kind,
            opt: data(interpreter, &file.opt),
            metadata: self::metadata(interpreter, &fields),
            package: file.package.map(|package| package.to_string()),
            function: file.function,
            chain: file
                .chain
                .into_iter()
                .map(|running| Place {
                    manifest: running.path.to_string(),
                    line: running.line,
                })
                .collect(),
        });
    }
    let pypi = std::mem::take(&mut interpreter.state.pypi);
    let state = &mut interpreter.state;
    let (c_modules, printed) = (
        std::mem::take(&mut state.c_modules),
        std::mem::take(&mut state.printed),
    );
    let (manifests, ignored) = (
        std::mem::take(&mut state.manifests),
        std::mem::take(&mut state.ignored),
    );
    Evaluation {
        files,
        c_modules,
        pypi: pypi.iter().map(|name| data(interpreter, name)).collect(),
        metadata,
        printed,
        manifests,
        ignored,
    }
}

fn metadata(interpreter: &mut Interpreter, fields: &[Value; 6]) -> Metadata {
    let [version, description, license, author, pypi, pypi_publish] =
        fields.each_ref().map(|field| data(interpreter, field));
    Metadata {
        version,
        description,
        license,
        author,
        pypi,
        pypi_publish,
    }
}

fn data(interpreter: &mut Interpreter, value: &Value) -> Data {
    match value {
        Value::None => Data::None,
        Value::Bool(value) => Data::Bool(*value),
        Value::Int(value) => Data::Integer(*value),
        Value::Float(value) => Data::Float(*value),
        Value::Text(text) => Data::Text(text.to_string()),
        Value::List(items) => {
            let items = items.borrow().clone();
            Data::Sequence(items.iter().map(|item| data(interpreter, item)).collect())
        }
        Value::Tuple(items) => {
            Data::Sequence(items.iter().map(|item| data(interpreter, item)).collect())
        }
        Value::Dict(dict) => {
            let dict = dict.borrow().clone();
            let pair =
                |(key, value): &(Value, Value)| (data(interpreter, key), data(interpreter, value));
            Data::Mapping(dict.entries().map(pair).collect())
        }
        other => Data::Other(
            interpreter
                .text(other)
                .unwrap_or_else(|_| other.type_name()),
        ),
    }
}

impl Mode {
    /// Returns whether the functions that freeze are known.
    pub(crate) fn can_freeze(self) -> bool {
        matches!(self, Mode::Freeze | Mode::ListCModules)
    }
}
