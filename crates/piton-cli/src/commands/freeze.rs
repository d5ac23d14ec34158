//! `freeze`: freezes what a manifest lists, and shows why each file is in and how large it is.

mod sizes;

use std::collections::BTreeSet;
use std::path::PathBuf;

use piton::building::BuildTarget;
use piton::cache_folder::compiled_modules;
use piton::compiler;
use piton::firmware::compiling::Compiling;
use piton::firmware::freezing::{
    FreezeEvent, FreezeOptions, MakeError, compile_all, depfile, freeze,
};
use piton::firmware::frozen::{ModuleSize, Modules, Target};
use piton::firmware::imports::{built_in, missing};
use piton::firmware::lints::lints;
use piton::firmware::{Evaluation, Mode};
use serde_json::json;

use super::manifest::{ManifestArgs, evaluate, text, warn};
use crate::context::Context;
use crate::error::{CommandError, FileError, FirmwareError};
use crate::firmware::{for_target, options_of};

/// Arguments of `freeze`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write the C file of the firmware's build (`frozen_content.c`)
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The folder of the build, which has `genhdr/qstrdefs.preprocessed.h`; compiled modules go there
    #[arg(short, long, value_name = "FOLDER", default_value = "build")]
    build_dir: String,
    /// The MicroPython whose firmware is built, from `micropython-1.23` on, as `compile --target` names it (default: the newest)
    #[arg(long, value_name = "NAME")]
    target: Option<BuildTarget>,
    /// Show why each file is in: the manifests that lead to it, and its package
    #[arg(long)]
    explain: bool,
    /// Show how large each module is, and its largest functions
    #[arg(long)]
    size: bool,
    /// Draw the sizes: SVG, or a page if the name ends in `.html`
    #[arg(long, value_name = "FILE")]
    draw: Option<PathBuf>,
    /// Show how the sizes differ from those of this manifest, or of a `.json` file that `--size --json` printed
    #[arg(long, value_name = "OLD")]
    diff: Option<String>,
    /// Fail if a module imports what neither the manifest nor the firmware of the build has
    #[arg(long)]
    check_imports: bool,
    /// Write the rule for make that names all manifests and sources
    #[arg(long, value_name = "FILE", requires = "output")]
    depfile: Option<PathBuf>,
    #[command(flatten)]
    manifest: ManifestArgs,
    /// The manifest: a `.py` file, its source, or the `pyproject.toml` of a project
    #[arg(value_name = "MANIFEST", required = true)]
    manifests: Vec<String>,
}

/// The first release whose firmware has frozen modules in the form that is written here: later ones only added to it.
const FIRST_RELEASE: compiler::Target = compiler::Target::MicroPython1_23;

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    if let Some(target) = args.target
        && (target.firmware().is_circuitpython() || target.firmware() < FIRST_RELEASE)
    {
        return Err(FirmwareError::NotFrozen { target }.into());
    }
    let evaluation = evaluate(&args.manifest, Mode::Freeze, &args.manifests, ctx)?;
    warn(&lints(&evaluation), ctx);
    if args.explain {
        explain(&evaluation, ctx)?;
    }
    let cache = compiled_modules();
    let compiling = Compiling {
        options_of: &|name, path, level| {
            let options = options_of(name, path, level, &[])?;
            Ok(for_target(options, args.target))
        },
        cache: cache.as_ref(),
    };
    if args.size || args.draw.is_some() || args.diff.is_some() || args.check_imports {
        look(args, &evaluation, compiling, ctx)?;
    }
    write(args, &evaluation, compiling, ctx)
}

/// Compiles everything, and prints the requested reports.
fn look(
    args: &Args,
    evaluation: &Evaluation,
    compiling: Compiling<'_>,
    ctx: &Context,
) -> Result<(), CommandError> {
    let modules =
        compile_all(evaluation, &args.build_dir, compiling).map_err(FirmwareError::Make)?;
    let new = sizes_of(&modules)?;
    if args.size {
        sizes::print(&new, ctx)?;
    }
    if let Some(path) = &args.draw {
        sizes::draw(&new, path)?;
    }
    match &args.diff {
        Some(old) if old.ends_with(".json") => {
            sizes::changes(&sizes::read(old)?, &sizes::by_name(&new), ctx)?;
        }
        Some(old) => {
            let old = evaluate(&args.manifest, Mode::Freeze, std::slice::from_ref(old), ctx)?;
            let old = compile_all(&old, &args.build_dir, compiling).map_err(FirmwareError::Make)?;
            let old = sizes::by_name(&sizes_of(&old)?);
            sizes::changes(&old, &sizes::by_name(&new), ctx)?;
        }
        None => {}
    }
    if args.check_imports {
        check_imports(args, evaluation, &modules, ctx)?;
    }
    Ok(())
}

fn sizes_of(modules: &[(String, Vec<u8>)]) -> Result<Vec<ModuleSize>, CommandError> {
    let read = Modules::read(
        modules
            .iter()
            .map(|(path, bytes)| (path.as_str(), bytes.as_slice())),
    );
    let modules = read.map_err(|error| FirmwareError::Make(MakeError::Freeze(error)))?;
    Ok(modules.sizes())
}

/// Looks for imports that find nothing. Those in a `try` or a branch are only pointed out.
fn check_imports(
    args: &Args,
    evaluation: &Evaluation,
    modules: &[(String, Vec<u8>)],
    ctx: &Context,
) -> Result<(), CommandError> {
    let path = format!("{}/genhdr/moduledefs.h", args.build_dir);
    let header =
        std::fs::read_to_string(&path).map_err(|source| FileError::Read { path, source })?;
    let targets: BTreeSet<String> = evaluation
        .files
        .iter()
        .map(|file| file.target.clone())
        .collect();
    let mut count = 0;
    for import in missing(modules, &targets, &built_in(&header)) {
        let text = format!("{}: `import {}` finds nothing", import.by, import.name);
        if import.optional {
            ctx.ui.note(&format!("{text}, and may do without"));
        } else {
            ctx.ui.note(&text);
            count += 1;
        }
    }
    match count {
        0 => Ok(()),
        count => Err(FirmwareError::Imports { count }.into()),
    }
}

/// Writes the C file, if it is asked for.
fn write(
    args: &Args,
    evaluation: &Evaluation,
    compiling: Compiling<'_>,
    ctx: &Context,
) -> Result<(), CommandError> {
    let Some(output) = &args.output else {
        return Ok(());
    };
    let mut target = Target::default();
    let header = format!("{}/genhdr/qstrdefs.preprocessed.h", args.build_dir);
    let header = std::fs::read_to_string(&header).map_err(|source| FirmwareError::Header {
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
    freeze(evaluation, &options, compiling, &mut events).map_err(FirmwareError::Make)?;
    if let Some(path) = &args.depfile {
        let rule = depfile(evaluation, output);
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
