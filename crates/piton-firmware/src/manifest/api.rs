//! The functions that a manifest calls, as tools/manifestfile.py of MicroPython has them: order, recovery and messages.

use std::rc::Rc;

use super::arguments::{file_extension, joined, listed, path_text, resolved};
use super::binding::{Bound, Signature};
use super::state::{Added, Frame};
use super::{Ignored, Kind, Mode, posix};
use crate::python::interpreter::Interpreter;
use crate::python::value::{Arguments, Outcome, Throw, Value};

/// The functions of every mode.
pub(crate) const FUNCTIONS: [&str; 7] = [
    "metadata",
    "include",
    "require",
    "add_library",
    "package",
    "module",
    "c_module",
];

/// The functions of [`Mode::Freeze`] and [`Mode::ListCModules`].
pub(crate) const FREEZE_FUNCTIONS: [&str; 4] =
    ["freeze", "freeze_as_str", "freeze_as_mpy", "freeze_mpy"];

/// What decides the kind of a file that a function adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// `module` and `package`: the mode and the extension.
    Auto,
    /// `freeze`: the extension.
    FreezeAuto,
    /// The function itself.
    Fixed(Kind),
}

fn signature(name: &'static str) -> Signature {
    let (parameters, required, keywords): (&[&str], usize, bool) = match name {
        "metadata" => (&[], 0, true),
        "include" => (&["manifest_path", "is_require"], 1, true),
        "require" => (&["name", "version", "pypi", "library"], 1, true),
        "add_library" => (&["library", "library_path", "prepend"], 2, false),
        "package" => (&["package_path", "files", "base_path", "opt"], 1, false),
        "module" => (&["module_path", "base_path", "opt"], 1, false),
        "c_module" => (&["module_path"], 1, false),
        "freeze_as_str" => (&["path"], 1, false),
        _ => (&["path", "script", "opt"], 1, false),
    };
    Signature {
        name,
        parameters,
        required,
        keywords,
    }
}

/// Calls a function of the manifest.
///
/// # Errors
/// What the function raises.
pub(crate) fn call(
    interpreter: &mut Interpreter,
    name: &'static str,
    arguments: Arguments,
) -> Outcome {
    let mut bound = signature(name).bind(arguments)?;
    let outer = std::mem::replace(&mut interpreter.state.function, name);
    let result = match name {
        "metadata" => metadata(interpreter, bound),
        "include" => {
            let path = bound.take(0).unwrap_or(Value::None);
            let is_require = bound.take(1).is_some_and(|value| value.is_true());
            include(interpreter, &path, is_require, bound.keywords).map(|()| Value::None)
        }
        "require" => require(interpreter, bound).map(|()| Value::None),
        "add_library" => {
            let library = bound.take(0).unwrap_or(Value::None);
            let path = bound.take(1).unwrap_or(Value::None);
            let prepend = bound.take(2).is_some_and(|value| value.is_true());
            add_library(interpreter, library, &path, prepend).map(|()| Value::None)
        }
        "package" => package(interpreter, bound).map(|()| Value::None),
        "module" => module(interpreter, bound).map(|()| Value::None),
        "c_module" => c_module(interpreter, bound).map(|()| Value::None),
        _ => freeze(interpreter, name, bound).map(|()| Value::None),
    };
    interpreter.state.function = outer;
    result
}

fn manifest_error(message: impl Into<String>) -> Throw {
    Throw::new("ManifestFileError", message)
}

/// `package`, `module` and `require` need metadata first, in the modes that make packages.
fn check_initialised(interpreter: &Interpreter) -> Result<(), Throw> {
    let mode = interpreter.state.mode;
    if matches!(mode, Mode::Compile | Mode::Pyproject)
        && !interpreter.state.frame().borrow().initialised
    {
        return Err(manifest_error(
            "metadata() must be the first command in a manifest file.",
        ));
    }
    Ok(())
}

fn metadata(interpreter: &mut Interpreter, bound: Bound) -> Outcome {
    const FIELDS: [&str; 7] = [
        "description",
        "version",
        "license",
        "author",
        "stdlib",
        "pypi",
        "pypi_publish",
    ];
    let frame = interpreter.state.frame();
    if bound.keywords.is_empty() {
        return Ok(Value::Metadata(frame));
    }
    for (name, _) in &bound.keywords {
        let function = "ManifestPackageMetadata.update()";
        if &**name == "mode" {
            return Err(Throw::type_error(format!(
                "{function} got multiple values for argument 'mode'"
            )));
        }
        if !FIELDS.contains(&&**name) {
            return Err(Throw::type_error(format!(
                "{function} got an unexpected keyword argument '{name}'"
            )));
        }
    }
    if frame.borrow().initialised {
        return Err(manifest_error("Duplicate call to metadata()."));
    }
    let given = |field: &str| {
        bound
            .keywords
            .iter()
            .find(|(name, _)| &**name == field)
            .map(|(_, value)| value.clone())
    };
    if interpreter.state.mode == Mode::Pyproject && frame.borrow().is_require {
        if given("stdlib").is_some_and(|value| value.is_true()) {
            return Err(Throw::Object(
                interpreter.make("ManifestIgnoreException", Vec::new()),
            ));
        }
        let publish = given("pypi_publish").filter(Value::is_true);
        if let Some(name) = publish.or_else(|| given("pypi").filter(Value::is_true)) {
            return Err(Throw::Object(
                interpreter.make("ManifestUsePyPIException", vec![name]),
            ));
        }
    }
    let mut fields = frame.borrow_mut();
    for name in [
        "description",
        "version",
        "license",
        "author",
        "pypi",
        "pypi_publish",
    ] {
        fields.set_field(name, given(name).unwrap_or(Value::None));
    }
    fields.initialised = true;
    drop(fields);
    Ok(Value::Metadata(frame))
}

/// Runs another manifest.
pub(crate) fn include(
    interpreter: &mut Interpreter,
    path: &Value,
    is_require: bool,
    options: Vec<(Rc<str>, Value)>,
) -> Result<(), Throw> {
    if is_require {
        check_initialised(interpreter)?;
    }
    if path.as_text().is_none() {
        interpreter.iterator(path)?;
        for item in interpreter.collect(path)? {
            include(interpreter, &item, false, options.clone())?;
        }
        return Ok(());
    }
    let mut path = resolved(interpreter, path)?;
    if interpreter.state.disk.is_folder(&path) {
        path = posix::join(&path, "manifest.py");
    }
    if !interpreter.state.visited.insert(path.clone()) {
        return Ok(());
    }
    if is_require {
        interpreter.state.frames.push(Frame::new(true));
    }
    if let Err(throw) = run_file(interpreter, &path, options) {
        let raised = throw.clone();
        let (class, text) = interpreter.describe(throw)?;
        if class.is_below("ManifestUsePyPIException") {
            let name = interpreter.first_argument(&raised);
            interpreter.state.pypi.push(name);
        } else if class.is_below("ManifestIgnoreException") {
            // The package is part of CPython.
        } else if class.is_below("Exception") {
            return Err(manifest_error(format!(
                "Error in manifest file: {path}: {text}"
            )));
        } else {
            return Err(raised);
        }
    }
    if is_require {
        interpreter.state.frames.pop();
    }
    Ok(())
}

fn run_file(
    interpreter: &mut Interpreter,
    path: &str,
    options: Vec<(Rc<str>, Value)>,
) -> Result<(), Throw> {
    let source = interpreter.state.disk.read(path)?;
    interpreter.state.manifests.push(path.to_owned());
    let folder = interpreter.state.disk.folder();
    interpreter.state.disk.change(posix::split(path).0)?;
    let line = interpreter.state.line;
    if let Some(running) = interpreter.state.chain.last_mut() {
        running.line = line;
    }
    interpreter.state.chain.push(super::state::Running {
        path: path.into(),
        line: 0,
    });
    let result = crate::python::files::decode(&source)
        .and_then(|text| interpreter.run_manifest(&text, options));
    interpreter.state.chain.pop();
    interpreter.state.line = line;
    interpreter.state.disk.restore(folder);
    result
}

fn require(interpreter: &mut Interpreter, mut bound: Bound) -> Result<(), Throw> {
    check_initialised(interpreter)?;
    let name = bound.take(0).unwrap_or(Value::None);
    let version = bound.take(1);
    let pypi = bound.take(2).filter(Value::is_true);
    let library = bound
        .take(3)
        .filter(|library| !matches!(library, Value::None));
    if let (Mode::Pyproject, Some(pypi)) = (interpreter.state.mode, pypi) {
        interpreter.state.pypi.push(pypi);
        return Ok(());
    }
    note_ignored(interpreter, version.is_some(), &bound.keywords);
    if let Some(library) = library {
        let shown = interpreter.text(&library)?;
        let Some(Value::Text(folder)) = interpreter.state.libraries.get(&library)? else {
            let name = interpreter.text(&name)?;
            return Err(Throw::new(
                "ValueError",
                format!("Unknown library '{shown}' for require('{name}')."),
            ));
        };
        if require_from(interpreter, &folder, &name, &bound.keywords)? {
            return Ok(());
        }
        let name = interpreter.text(&name)?;
        let message =
            format!("Package '{name}' not found in external library '{shown}' ({folder}).");
        return Err(Throw::new("ValueError", message));
    }
    for folder in interpreter.state.library_folders.clone() {
        if require_from(interpreter, &folder, &name, &bound.keywords)? {
            return Ok(());
        }
    }
    let name = interpreter.text(&name)?;
    Err(Throw::new(
        "ValueError",
        format!("Package '{name}' not found in any known library."),
    ))
}

/// Keeps the arguments that look as if they did something: `version=`, and keywords that only become options.
fn note_ignored(interpreter: &mut Interpreter, version: bool, keywords: &[(Rc<str>, Value)]) {
    let place = interpreter.state.place();
    let Some(last) = place.last() else { return };
    let names = version.then(|| "version".to_owned()).into_iter();
    for argument in names.chain(keywords.iter().map(|(name, _)| name.to_string())) {
        interpreter.state.ignored.push(Ignored {
            manifest: last.path.to_string(),
            line: last.line,
            argument,
        });
    }
}

/// Includes the package `name` of a library, if it has one.
fn require_from(
    interpreter: &mut Interpreter,
    folder: &str,
    name: &Value,
    options: &[(Rc<str>, Value)],
) -> Result<bool, Throw> {
    let Value::Text(name) = name else {
        return Ok(false);
    };
    let Some(root) = find_package(interpreter, folder, name)? else {
        return Ok(false);
    };
    if options.iter().any(|(option, _)| &**option == "is_require") {
        let message = "manifestfile.ManifestFile.include() got multiple values for keyword argument 'is_require'";
        return Err(Throw::type_error(message));
    }
    if options
        .iter()
        .any(|(option, _)| &**option == "manifest_path")
    {
        return Err(Throw::type_error(
            "ManifestFile.include() got multiple values for argument 'manifest_path'",
        ));
    }
    interpreter.state.packages.push(name.clone());
    let result = include(
        interpreter,
        &Value::Text(root.into()),
        true,
        options.to_vec(),
    );
    interpreter.state.packages.pop();
    result.map(|()| true)
}

/// Returns the first folder called `name` with a manifest in a library, in the order of the walk.
fn find_package(
    interpreter: &mut Interpreter,
    folder: &str,
    name: &str,
) -> Result<Option<String>, Throw> {
    let state = &mut interpreter.state;
    let library = state
        .library_walks
        .entry(folder.to_owned())
        .or_insert_with(|| super::state::LibraryWalk {
            walk: crate::python::files::Walk::new(folder, false),
            found: Vec::new(),
        });
    let fits = |root: &String| posix::split(root).1 == name;
    if let Some(root) = library.found.iter().find(|root| fits(root)) {
        return Ok(Some(root.clone()));
    }
    while let Some((root, has_manifest)) = library.walk.next_folder(&state.disk)? {
        if has_manifest {
            library.found.push(root.clone());
            if fits(&root) {
                return Ok(Some(root));
            }
        }
    }
    Ok(None)
}

/// Adds a library to those that `require` searches.
pub(crate) fn add_library(
    interpreter: &mut Interpreter,
    library: Value,
    path: &Value,
    prepend: bool,
) -> Result<(), Throw> {
    let path = resolved(interpreter, path)?;
    interpreter
        .state
        .libraries
        .insert(library, Value::text(&path))?;
    let folders = &mut interpreter.state.library_folders;
    let at = if prepend { 0 } else { folders.len() };
    folders.insert(at, path);
    Ok(())
}

fn package(interpreter: &mut Interpreter, mut bound: Bound) -> Result<(), Throw> {
    check_initialised(interpreter)?;
    if interpreter.state.mode == Mode::ListCModules {
        return Ok(());
    }
    let package = bound.take(0).unwrap_or(Value::None);
    let files = bound.take(1).unwrap_or(Value::None);
    let base = bound.take(2).unwrap_or_else(|| Value::text("."));
    let opt = bound.take(3).unwrap_or(Value::None);
    search(
        interpreter,
        &base,
        &package,
        &files,
        &[".py"],
        Wanted::Auto,
        &opt,
    )
}

fn module(interpreter: &mut Interpreter, mut bound: Bound) -> Result<(), Throw> {
    check_initialised(interpreter)?;
    if interpreter.state.mode == Mode::ListCModules {
        return Ok(());
    }
    let module = bound.take(0).unwrap_or(Value::None);
    let base = bound.take(1).unwrap_or_else(|| Value::text("."));
    let opt = bound.take(2).unwrap_or(Value::None);
    let base = resolved(interpreter, &base)?;
    if file_extension(&module)?.to_lowercase() != ".py" {
        return Err(manifest_error("module must be .py file"));
    }
    let source = joined(&base, &module)?;
    add_file(interpreter, source, module, Wanted::Auto, &opt)
}

fn c_module(interpreter: &mut Interpreter, mut bound: Bound) -> Result<(), Throw> {
    if !matches!(interpreter.state.mode, Mode::Freeze | Mode::ListCModules) {
        return Ok(());
    }
    let path = resolved(interpreter, &bound.take(0).unwrap_or(Value::None))?;
    if let Some(variable) = unresolved(&path) {
        return Err(manifest_error(format!(
            "Unresolved variable in c_module() path: {variable}"
        )));
    }
    let disk = &interpreter.state.disk;
    if disk.status(&path).is_err() {
        return Err(manifest_error(format!(
            "C module path does not exist: {path}"
        )));
    }
    if !disk.is_folder(&path) {
        return Err(manifest_error(format!(
            "C module path must be a directory: {path}"
        )));
    }
    let has = |name: &str| disk.is_file(&posix::join(&path, name));
    if !has("micropython.mk") && !has("micropython.cmake") {
        return Err(manifest_error(format!(
            "C module directory must contain micropython.mk or micropython.cmake: {path}"
        )));
    }
    interpreter.state.c_modules.push(path);
    Ok(())
}

/// Returns the first `$(NAME)` in a path.
fn unresolved(path: &str) -> Option<&str> {
    let mut rest = path;
    while let Some(at) = rest.find("$(") {
        let here = rest.get(at..)?;
        let end = here.find(')')?;
        if end > 2 {
            return here.get(..=end);
        }
        // "$()" has no name, and the name of "$()x)" begins after it.
        rest = here.get(2..)?;
    }
    None
}

fn freeze(interpreter: &mut Interpreter, name: &str, mut bound: Bound) -> Result<(), Throw> {
    if interpreter.state.mode == Mode::ListCModules {
        return Ok(());
    }
    let path = bound.take(0).unwrap_or(Value::None);
    let script = bound.take(1).unwrap_or(Value::None);
    let opt = bound.take(2).unwrap_or(Value::None);
    let (extensions, wanted): (&[&str], Wanted) = match name {
        "freeze_as_str" => (&[".py"], Wanted::Fixed(Kind::FreezeAsStr)),
        "freeze_as_mpy" => (&[".py"], Wanted::Fixed(Kind::FreezeAsMpy)),
        "freeze_mpy" => (&[".mpy"], Wanted::Fixed(Kind::FreezeMpy)),
        _ => (&[".py", ".mpy"], Wanted::FreezeAuto),
    };
    let (package, files) = match &script {
        Value::None => (Value::None, Value::None),
        Value::Text(_) => {
            // The variables are not replaced here, so "$(X)" is never a folder.
            let folder = listed(&path, &script)?;
            let folder = path_text(&folder)?;
            if interpreter.state.disk.is_folder(&folder) {
                (script, Value::None)
            } else {
                (Value::None, Value::Tuple([script].into()))
            }
        }
        _ => (Value::None, script),
    };
    search(
        interpreter,
        &path,
        &package,
        &files,
        extensions,
        wanted,
        &opt,
    )
}

/// Adds the named files of a folder, or all that have one of the extensions.
fn search(
    interpreter: &mut Interpreter,
    base: &Value,
    package: &Value,
    files: &Value,
    extensions: &[&str],
    wanted: Wanted,
    opt: &Value,
) -> Result<(), Throw> {
    let base = resolved(interpreter, base)?;
    if !matches!(files, Value::None) {
        interpreter.iterator(files)?;
        for file in interpreter.collect(files)? {
            let target = if package.is_true() {
                listed(package, &file)?
            } else {
                file
            };
            let source = joined(&base, &target)?;
            add_file(interpreter, source, target, wanted, opt)?;
        }
        return Ok(());
    }
    let kept = interpreter.state.disk.folder();
    interpreter.state.disk.change(&base)?;
    let top = if package.is_true() {
        path_text(package)?
    } else {
        ".".to_owned()
    };
    let mut walk = crate::python::files::Walk::new(&top, true);
    while let Some((folder, names)) = walk.next_files(&interpreter.state.disk)? {
        let current = interpreter.state.disk.folder();
        for name in names {
            let file = posix::relative(&posix::join(&folder, &name), ".", &current);
            let extension = posix::split_extension(&file).1.to_lowercase();
            if extensions.contains(&&*extension) {
                let source = posix::join(&base, &file);
                add_file(interpreter, source, Value::text(file), wanted, opt)?;
            }
        }
    }
    // Upstream does not come back from an error here either.
    interpreter.state.disk.restore(kept);
    Ok(())
}

/// Adds one file, if it exists and its kind fits the mode.
fn add_file(
    interpreter: &mut Interpreter,
    source: String,
    target: Value,
    wanted: Wanted,
    opt: &Value,
) -> Result<(), Throw> {
    let status = match interpreter.state.disk.status(&source) {
        Ok(status) => status,
        Err(Throw::Os { .. }) => return Err(manifest_error(format!("Cannot stat {source}"))),
        Err(other) => return Err(other),
    };
    let extension = posix::split_extension(&source).1.to_lowercase();
    let kind = if interpreter.state.mode == Mode::Freeze {
        match (wanted, extension.as_str()) {
            (Wanted::Fixed(kind), _) => kind,
            (_, ".py") => Kind::FreezeAsMpy,
            (_, ".mpy") => Kind::FreezeMpy,
            (Wanted::Auto, _) => Kind::Auto,
            (Wanted::FreezeAuto, _) => Kind::FreezeAuto,
        }
    } else if wanted != Wanted::Auto {
        return Err(manifest_error("Not in freeze mode"));
    } else if extension != ".py" {
        return Err(manifest_error("Expected .py file"));
    } else {
        Kind::CompileAsMpy
    };
    let state = &mut interpreter.state;
    let added = Added {
        source,
        target,
        modified: status.modified,
        kind,
        frame: state.frame(),
        opt: opt.clone(),
        chain: state.place(),
        function: state.function,
        package: state.packages.last().cloned(),
    };
    state.files.push(added);
    Ok(())
}
