//! `freeze`: freezes what a manifest lists, and tells why each file is in and how large it is.

use std::path::PathBuf;

use piton::cache_folder::compiled_modules;
use piton::firmware::compiling::Compiling;
use piton::firmware::freezing::{
    FreezeEvent, FreezeOptions, MakeError, compile_all, depfile, freeze,
};
use piton::firmware::frozen::{ModuleSize, Modules, Target};
use piton::firmware::lints::lints;
use piton::firmware::{Evaluation, Mode};
use serde_json::json;

use super::manifest::{ManifestArgs, evaluate, text};
use crate::context::Context;
use crate::error::{CommandError, FileError, FirmwareError};
use crate::firmware::options_of;

/// Arguments of `freeze`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write the C file of the firmware's build (`frozen_content.c`)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The folder of the build, which has `genhdr/qstrdefs.preprocessed.h`; compiled modules go there
    #[arg(short, long, value_name = "FOLDER", default_value = "build")]
    build_dir: String,
    /// Tell why each file is in: the manifests that lead to it, and its package
    #[arg(long)]
    explain: bool,
    /// Tell how large each module is, and its largest functions
    #[arg(long)]
    size: bool,
    /// Write the rule for make that names all manifests and sources
    #[arg(long, value_name = "FILE", requires = "output")]
    depfile: Option<PathBuf>,
    #[command(flatten)]
    manifest: ManifestArgs,
    /// The manifest: a `.py` file, or its source
    #[arg(value_name = "MANIFEST", required = true)]
    manifests: Vec<String>,
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let evaluation = evaluate(&args.manifest, Mode::Freeze, &args.manifests, ctx)?;
    for lint in lints(&evaluation) {
        ctx.ui.note(&format!(
            "{}:{}: {}",
            lint.manifest, lint.line, lint.message
        ));
    }
    if args.explain {
        explain(&evaluation, ctx)?;
    }
    let cache = compiled_modules();
    let compiling = Compiling {
        options_of: &|target, path, level| options_of(target, path, level, &[]),
        cache: cache.as_ref(),
    };
    if args.size {
        let modules =
            compile_all(&evaluation, &args.build_dir, compiling).map_err(FirmwareError::Make)?;
        let read = Modules::read(
            modules
                .iter()
                .map(|(path, bytes)| (path.as_str(), bytes.as_slice())),
        );
        let modules = read.map_err(|error| FirmwareError::Make(MakeError::Freeze(error)))?;
        sizes(&modules.sizes(), ctx)?;
    }
    let Some(output) = &args.output else {
        return Ok(());
    };
    let mut target = Target::default();
    let header = format!("{}/genhdr/qstrdefs.preprocessed.h", args.build_dir);
    let header = std::fs::read_to_string(&header).map_err(|source| FileError::Read {
        path: header,
        source,
    })?;
    target
        .read_qstr_header(&header)
        .map_err(|error| FirmwareError::Make(MakeError::Freeze(error)))?;
    let options = FreezeOptions {
        output: output.clone(),
        build_folder: args.build_dir.clone(),
        target,
    };
    let mut events = |event: FreezeEvent| match event {
        FreezeEvent::Compiled { target } => ctx.ui.note(&format!("compiled {target}")),
        FreezeEvent::Source { target } => ctx.ui.note(&format!("took {target} as source")),
        FreezeEvent::Written { output } => ctx.ui.note(&format!("wrote {}", output.display())),
    };
    freeze(&evaluation, &options, compiling, &mut events).map_err(FirmwareError::Make)?;
    if let Some(path) = &args.depfile {
        let rule = depfile(&evaluation, output);
        piton::host_file::write(path, rule.as_bytes()).map_err(|source| FileError::Write {
            path: path.display().to_string(),
            source,
        })?;
    }
    Ok(())
}

/// Prints why each file is in.
fn explain(evaluation: &Evaluation, ctx: &Context) -> Result<(), CommandError> {
    if ctx.ui.json() {
        let files: Vec<_> = evaluation
            .files
            .iter()
            .map(|file| {
                let chain: Vec<_> = file
                    .chain
                    .iter()
                    .map(|place| json!({"manifest": place.manifest, "line": place.line}))
                    .collect();
                json!({
                    "target": file.target,
                    "source": file.source,
                    "function": file.function,
                    "package": file.package,
                    "version": text(&file.metadata.version),
                    "chain": chain,
                })
            })
            .collect();
        return ctx.ui.json_line(&json!({"files": files}));
    }
    let mut lines = String::new();
    for file in &evaluation.files {
        let package = file
            .package
            .as_ref()
            .map(|name| format!(" of package {name} {}", text(&file.metadata.version)))
            .unwrap_or_default();
        lines.push_str(&format!("{}: `{}`{package}\n", file.target, file.function));
        for place in file.chain.iter().rev() {
            lines.push_str(&format!("    {}:{}\n", place.manifest, place.line));
        }
    }
    ctx.ui.text(&lines)
}

/// Prints how large modules are, in bytes of their `.mpy` files.
fn sizes(sizes: &[ModuleSize], ctx: &Context) -> Result<(), CommandError> {
    if ctx.ui.json() {
        let modules: Vec<_> = sizes
            .iter()
            .map(|size| {
                let functions: Vec<_> = size.functions.iter().map(|(name, bytes)| json!({"name": name, "bytes": bytes})).collect();
                json!({
                    "name": size.name, "bytes": size.total, "code": size.code, "constants": size.constants,
                    "strings": size.strings, "functions": functions,
                })
            })
            .collect();
        return ctx.ui.json_line(&json!({"modules": modules}));
    }
    let mut sorted: Vec<&ModuleSize> = sizes.iter().collect();
    sorted.sort_by_key(|size| std::cmp::Reverse(size.total));
    let width = sorted
        .iter()
        .map(|size| size.name.chars().count())
        .max()
        .unwrap_or(0)
        .max(6);
    let mut lines = format!(
        "{:width$}  {:>7}  {:>7}  {:>9}  {:>7}  largest function\n",
        "module", "bytes", "code", "constants", "strings"
    );
    for size in &sorted {
        let largest = size.functions.iter().max_by_key(|(_, bytes)| *bytes);
        let largest = largest
            .map(|(name, bytes)| format!("{name} {bytes}"))
            .unwrap_or_default();
        lines.push_str(&format!(
            "{:width$}  {:>7}  {:>7}  {:>9}  {:>7}  {largest}\n",
            size.name, size.total, size.code, size.constants, size.strings
        ));
    }
    let total: usize = sizes.iter().map(|size| size.total).sum();
    lines.push_str(&format!("{:width$}  {total:>7}\n", "all"));
    ctx.ui.text(&lines)
}
