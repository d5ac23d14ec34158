//! `manifest`: prints what a `manifest.py` lists.

use std::path::{Path, PathBuf};

use piton::cache_folder::compiled_modules;
use piton::firmware::compiling::Compiling;
use piton::firmware::lints::{Lint, lints};
use piton::firmware::project::{is_project, manifest_of};
use piton::firmware::shipping::{Form, write_folder};
use piton::firmware::{
    self, Data, ErrorKind, Evaluation, File, Metadata, Mode, Permissions, Python, Request,
};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::error::{CommandError, FirmwareError};
use crate::firmware::options_of;

/// Arguments that all commands for manifests share.
#[derive(Debug, clap::Args)]
pub(crate) struct ManifestArgs {
    /// A variable of paths, `$(NAME)` in the manifest
    #[arg(short, long, value_name = "NAME=VALUE")]
    var: Vec<String>,
    /// Search `unix-ffi` of micropython-lib first
    #[arg(long)]
    unix_ffi: bool,
    /// List folders by name, not in the order of the file system
    #[arg(long)]
    sorted: bool,
    #[command(flatten)]
    python: PythonArgs,
}

/// Arguments for manifests that need Python.
#[derive(Debug, clap::Args)]
pub(crate) struct PythonArgs {
    /// Refuse manifests that only Python itself can run
    #[arg(long)]
    strict: bool,
    /// Let a manifest that Python runs write below this folder
    #[arg(long, value_name = "FOLDER")]
    allow_write: Vec<String>,
    /// Let a manifest that Python runs start programs and use the network
    #[arg(long)]
    allow_programs: bool,
    /// The Python for manifests that the interpreter of this program cannot run
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: String,
}

impl PythonArgs {
    /// Returns the Python, and what it permits.
    pub(super) fn python(&self) -> Python {
        if self.strict {
            return Python::Forbidden;
        }
        Python::Program {
            name: self.python.clone(),
            permissions: Permissions {
                writable: self.allow_write.clone(),
                programs: self.allow_programs,
            },
        }
    }

    /// Returns what says why Python runs a manifest.
    pub(super) fn announcer<'a>(&'a self, ctx: &'a Context) -> impl FnMut(&str) + 'a {
        move |reason| {
            ctx.ui.note(&format!(
                "note: the manifest is run by `{}` ({reason})",
                self.python
            ));
        }
    }
}

/// Arguments of `manifest`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What the manifest is evaluated for
    #[arg(long, value_name = "MODE", default_value = "freeze")]
    mode: ModeName,
    /// Print the manifest itself, for a `pyproject.toml`
    #[arg(long)]
    source: bool,
    /// Write the files to this folder, which is new or empty: sources for `build`
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Write `.mpy` files to it, for `sync` or `cp`
    #[arg(long, requires = "folder")]
    compiled: bool,
    /// Write a `package.json` to it, from which `mip` installs
    #[arg(long, requires = "folder")]
    package: bool,
    #[command(flatten)]
    manifest: ManifestArgs,
    /// The manifest: a `.py` file, its source, or the `pyproject.toml` of a project
    #[arg(value_name = "MANIFEST", required = true)]
    manifests: Vec<String>,
}

/// A mode, as it is named on the command line.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ModeName {
    /// For firmware
    Freeze,
    /// For `.mpy` files of a package
    Compile,
    /// For a package on PyPI
    Pyproject,
    /// For the list of C modules
    ListCModules,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let mode = match args.mode {
        ModeName::Freeze => Mode::Freeze,
        ModeName::Compile => Mode::Compile,
        ModeName::Pyproject => Mode::Pyproject,
        ModeName::ListCModules => Mode::ListCModules,
    };
    if args.source {
        return ctx.ui.text(&sources(&args.manifests)?.concat());
    }
    match evaluate(&args.manifest, mode, &args.manifests, ctx) {
        Ok(evaluation) if args.folder.is_some() => write(&evaluation, args, ctx),
        Ok(evaluation) if ctx.ui.json() => ctx.ui.json_line(&json(&evaluation)),
        Ok(evaluation) => ctx.ui.text(&table(&evaluation)),
        Err(CommandError::Firmware(FirmwareError::Manifest(error))) if ctx.ui.json() => {
            ctx.ui.json_line(&json!({"error": error.message}))?;
            let code = match error.kind {
                ErrorKind::Exit(code) if code != 0 => u8::try_from(code).unwrap_or(1),
                _ => 1,
            };
            Err(FirmwareError::Printed { code }.into())
        }
        Err(other) => Err(other),
    }
}

/// Writes the files to a folder.
fn write(evaluation: &Evaluation, args: &Args, ctx: &Context) -> Result<(), CommandError> {
    let Some(folder) = &args.folder else {
        return Ok(());
    };
    warn(&lints(evaluation), ctx);
    let cache = compiled_modules();
    let compiling = Compiling {
        options_of: &|target, path, level| options_of(target, path, level, &[]),
        cache: cache.as_ref(),
    };
    let form = match args.compiled {
        true => Form::Compiled,
        false => Form::Sources,
    };
    let count = write_folder(evaluation, form, args.package, compiling, folder)
        .map_err(FirmwareError::Ship)?;
    if ctx.ui.json() {
        return ctx.ui.json_line(&json!({"files": count, "folder": folder}));
    }
    ctx.ui
        .step(&format!("{count} files in {}", folder.display()))
}

/// Prints remarks about manifests.
pub(super) fn warn(lints: &[Lint], ctx: &Context) {
    for lint in lints {
        ctx.ui.note(&format!(
            "{}:{}: {}",
            lint.manifest, lint.line, lint.message
        ));
    }
}

/// Puts the manifests of projects in the place of their `pyproject.toml`.
fn sources(manifests: &[String]) -> Result<Vec<String>, CommandError> {
    let sources = manifests.iter().map(|manifest| match is_project(manifest) {
        true => manifest_of(Path::new(manifest)).map_err(FirmwareError::Project),
        false => Ok(manifest.clone()),
    });
    Ok(sources.collect::<Result<_, _>>()?)
}

/// Evaluates manifests, and prints what they print to stderr.
pub(super) fn evaluate(
    args: &ManifestArgs,
    mode: Mode,
    manifests: &[String],
    ctx: &Context,
) -> Result<Evaluation, CommandError> {
    let mut request = Request::new(mode, sources(manifests)?);
    request.environment = firmware::environment();
    request.unix_ffi = args.unix_ffi;
    request.sorted = args.sorted;
    for text in &args.var {
        let Some((name, value)) = firmware::variable(text, &request.folder) else {
            return Err(FirmwareError::Variable { text: text.clone() }.into());
        };
        match request
            .variables
            .iter_mut()
            .find(|(known, _)| *known == name)
        {
            Some((_, old)) => *old = value,
            None => request.variables.push((name, value)),
        }
    }
    let mut announce = args.python.announcer(ctx);
    let result = firmware::evaluate(&request, &args.python.python(), &mut announce);
    let printed = match &result {
        Ok(evaluation) => &evaluation.printed,
        Err(error) => &error.printed,
    };
    ctx.ui.failure(printed);
    result.map_err(|error| FirmwareError::Manifest(error).into())
}

/// Returns the table that a person reads.
fn table(evaluation: &Evaluation) -> String {
    let mut rows: Vec<[String; 4]> = Vec::new();
    for file in &evaluation.files {
        let opt = if file.opt == Data::None {
            String::new()
        } else {
            format!("-O{}", text(&file.opt))
        };
        rows.push([
            file.target.clone(),
            file.kind.name().to_owned(),
            opt,
            file.source.clone(),
        ]);
    }
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths = [width(0), width(1), width(2)];
    let mut output = String::new();
    for [target, kind, opt, source] in &rows {
        let [first, second, third] = widths;
        let gap = if third > 0 { "  " } else { "" };
        output.push_str(&format!(
            "{target:first$}  {kind:second$}{gap}{opt:third$}  {source}\n"
        ));
    }
    for module in &evaluation.c_modules {
        output.push_str(&format!("C module  {module}\n"));
    }
    for name in &evaluation.pypi {
        output.push_str(&format!("PyPI  {}\n", text(name)));
    }
    output
}

/// Returns a value as a person reads it.
pub(super) fn text(data: &Data) -> String {
    match data {
        Data::Text(text) | Data::Other(text) => text.clone(),
        other => value(other).to_string(),
    }
}

fn json(evaluation: &Evaluation) -> Value {
    json!({
        "files": evaluation.files.iter().map(file).collect::<Vec<_>>(),
        "c_modules": evaluation.c_modules,
        "pypi": evaluation.pypi.iter().map(value).collect::<Vec<_>>(),
        "metadata": metadata(&evaluation.metadata),
    })
}

fn file(file: &File) -> Value {
    json!({
        "target": file.target,
        "source": file.source,
        "kind": file.kind.name(),
        "opt": value(&file.opt),
        "metadata": metadata(&file.metadata),
    })
}

fn metadata(metadata: &Metadata) -> Value {
    json!({
        "version": value(&metadata.version),
        "description": value(&metadata.description),
        "license": value(&metadata.license),
        "author": value(&metadata.author),
        "pypi": value(&metadata.pypi),
        "pypi_publish": value(&metadata.pypi_publish),
    })
}

fn value(data: &Data) -> Value {
    match data {
        Data::None => Value::Null,
        Data::Bool(value) => json!(value),
        Data::Integer(value) => json!(value),
        Data::Float(value) => json!(value),
        Data::Text(text) | Data::Other(text) => json!(text),
        Data::Sequence(items) => Value::Array(items.iter().map(value).collect()),
        Data::Mapping(pairs) => {
            let pairs = pairs.iter().map(|(key, item)| (text(key), value(item)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
}
