//! `index`: builds an index of packages, from which `mip` installs.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use piton::building::epoch;
use piton::cache_folder::compiled_modules;
use piton::firmware::compiling::Compiling;
use piton::firmware::index::{FOLDERS, IndexEvent, IndexOptions, PREFIX, build};

use super::manifest::PythonArgs;
use crate::context::Context;
use crate::error::{CommandError, FirmwareError};
use crate::firmware::options_of;

/// Arguments of `index`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the index, which may have an older one
    #[arg(short, long, value_name = "FOLDER", required = true)]
    output: PathBuf,
    /// A folder of the library with packages (default: those of micropython-lib without unix-ffi)
    #[arg(long, value_name = "NAME")]
    folder: Vec<String>,
    /// Where `require()` finds packages of micropython-lib (default: the library)
    #[arg(long, value_name = "FOLDER")]
    micropython_lib: Option<PathBuf>,
    /// How many digits of a hash name a file
    #[arg(long, value_name = "DIGITS", default_value_t = PREFIX, value_parser = digits)]
    hash_prefix: usize,
    /// The time of the index in seconds since 1970 (default: `SOURCE_DATE_EPOCH`, else now)
    #[arg(long, value_name = "SECONDS")]
    updated: Option<u64>,
    /// Search folders by name, not in the order of the file system
    #[arg(long)]
    sorted: bool,
    #[command(flatten)]
    python: PythonArgs,
    /// What to do
    action: Action,
    /// The library: a folder as micropython-lib
    #[arg(value_name = "LIBRARY", default_value = ".")]
    library: PathBuf,
}

/// What to do with an index.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Action {
    /// Make or renew it.
    Build,
}

/// Parses the number of digits; SHA-256 has 64.
fn digits(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(digits @ piton::firmware::index::SHORTEST_PREFIX..=64) => Ok(digits),
        _ => Err("expected a number from 4 to 64".to_owned()),
    }
}

pub(super) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let Action::Build = args.action;
    let updated = match args.updated {
        Some(seconds) => seconds,
        None => epoch()?.unwrap_or_else(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            now.map_or(0, |now| now.as_secs())
        }),
    };
    let folders = match args.folder.is_empty() {
        true => FOLDERS.map(str::to_owned).to_vec(),
        false => args.folder.clone(),
    };
    let options = IndexOptions {
        library: args.library.clone(),
        folders,
        micropython_lib: args
            .micropython_lib
            .clone()
            .unwrap_or_else(|| args.library.clone()),
        output: args.output.clone(),
        prefix: args.hash_prefix,
        updated,
        sorted: args.sorted,
    };
    let cache = compiled_modules();
    let compiling = Compiling {
        options_of: &|target, path, level| options_of(target, path, level, &[]),
        cache: cache.as_ref(),
    };
    let mut announce = args.python.announcer(ctx);
    let mut events = |event: IndexEvent| ctx.ui.note(&text(&event));
    let report = build(
        &options,
        compiling,
        &args.python.python(),
        &mut announce,
        &mut events,
    )
    .map_err(FirmwareError::Index)?;
    if ctx.ui.json() {
        return ctx.ui.json_line(&report);
    }
    ctx.ui.step(&format!(
        "{} packages, {} files, {} written to {}",
        report.packages,
        report.files,
        report.written,
        args.output.display()
    ))
}

fn text(event: &IndexEvent) -> String {
    match event {
        IndexEvent::Added { name } => format!("{name}: new package"),
        IndexEvent::NewVersion { name, version } => format!("{name}: new version {version}"),
        IndexEvent::NoVersion { name } => {
            format!("{name} has no version: only its `latest.json` is written")
        }
        IndexEvent::Twice {
            name,
            first,
            second,
        } => {
            format!("`{first}` and `{second}` have one name, {name}: the later one is in the index")
        }
        IndexEvent::Locked { name, version } => format!(
            "{name} {version} has other files than when it was published: that version stays as it was; raise it"
        ),
    }
}
