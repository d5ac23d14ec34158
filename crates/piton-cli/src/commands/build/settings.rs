//! The settings of a build: the command line, then `[tool.piton.build]` of `pyproject.toml`, then the defaults.

use std::env;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use piton::building::project::{Named, Project, find};
use piton::building::{BuildTarget, Settings, entry_files};
use piton::cache_folder::compiled_modules;
use piton::patterns::Patterns;
use piton::project::pyproject::PyProject;
use piton::shipment::keys::OpenedKey;

use crate::environment;
use crate::error::CommandError;
use crate::signing;

/// Arguments of `build`. What is not given comes from `[tool.piton.build]` in `pyproject.toml`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of the sources (default: `src`; else what is there: an entry file, package.json, one package,
    /// modules)
    source: Option<PathBuf>,
    /// The folder of the results (default: `build`)
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// A firmware to build for: micropython, circuitpython-9, circuitpython-10; several times for several (default:
    /// CircuitPython where there is code.py, settings.toml or boot_out.txt, else micropython)
    #[arg(long = "target", value_name = "TARGET")]
    targets: Vec<BuildTarget>,
    /// Optimisation level: from 1 without `assert`, from 3 without line numbers
    #[arg(short = 'O', long, value_name = "LEVEL", value_parser = clap::value_parser!(u32).range(0..=3))]
    optimise: Option<u32>,
    /// Bits of a small integer on the board (default: 31)
    #[arg(long, value_name = "BITS", value_parser = clap::value_parser!(u8).range(2..=64))]
    small_int_bits: Option<u8>,
    /// Leave line numbers out
    #[arg(long)]
    no_source_lines: bool,
    /// Version for the manifest (default: of `[project]`, else the tag of the commit, else 0.0.0)
    #[arg(long, value_name = "VERSION")]
    version: Option<String>,
    /// A file at the top that stays source (default: boot.py, main.py and code.py; for CircuitPython also safemode.py
    /// and repl.py)
    #[arg(long, value_name = "NAME")]
    entry: Vec<String>,
    /// Files other than sources to take along, as a pattern like those of `.gitignore` (default: none; for
    /// CircuitPython all, and these besides)
    #[arg(long, value_name = "PATTERN")]
    data: Vec<String>,
    /// Files and folders to leave out
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Leave out sources that do not compile (default, but not in CI)
    #[arg(long, conflicts_with = "strict")]
    keep_going: bool,
    /// Write nothing if a source does not compile (default in CI)
    #[arg(long)]
    strict: bool,
    /// Sources that may fail to compile
    #[arg(long, value_name = "PATTERN")]
    allow_fail: Vec<String>,
    /// Make no archives
    #[arg(long)]
    no_archives: bool,
    /// Sign the manifest with this secret key of `keygen` or minisign (its password: $PITON_SIGN_PASSWORD, else asked
    /// for)
    #[arg(long, value_name = "FILE")]
    sign: Option<PathBuf>,
    /// Compile everything again
    #[arg(long)]
    no_cache: bool,
    /// How many files to compile at the same time (default: one for each processor)
    #[arg(short, long, value_name = "COUNT")]
    jobs: Option<NonZeroUsize>,
    /// Build again when a source changes, until Ctrl-C
    #[arg(long)]
    pub(super) watch: bool,
    /// The folder with `pyproject.toml` (default: the current one)
    #[arg(long, value_name = "FOLDER")]
    project: Option<PathBuf>,
}

/// The settings of a build, and where they come from.
pub(super) struct Read {
    pub(super) settings: Settings,
    pub(super) project: Project,
    /// Whether the target was concluded from the files of the project.
    pub(super) is_target_found: bool,
}

/// Reads the settings. `opened` keeps the key to sign with for the next build.
pub(super) fn read(args: &Args, opened: &mut Option<OpenedKey>) -> Result<Read, CommandError> {
    let folder = args.project.clone().unwrap_or_default();
    let file = PyProject::read(&folder)?;
    let table = file.build;
    // Paths in the file are relative to its folder, those on the command line to the current folder.
    let source = table.source.map(|source| folder.join(source));
    let named = match (&args.source, &source) {
        (Some(source), _) => Named::Argument(source),
        (None, Some(source)) => Named::Settings(source),
        (None, None) => Named::Nothing,
    };
    let project = find(&folder, named)?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| folder.join(table.out.unwrap_or_else(|| "build".into())));
    let mut settings = Settings::new(project.source.clone(), out);
    settings.files.clone_from(&project.files);
    let mut is_target_found = false;
    if !args.targets.is_empty() {
        settings.targets.clone_from(&args.targets);
    } else if let Some(names) = table.targets {
        let targets = names.iter().map(|name| name.parse::<BuildTarget>());
        settings.targets = targets.collect::<Result<_, _>>()?;
    } else if let Some(sign) = &project.circuitpython {
        settings.targets = vec![sign.target()?];
        is_target_found = true;
    }
    let mut known = Vec::new();
    settings.targets.retain(|target| {
        let new = !known.contains(target);
        known.push(*target);
        new
    });
    if let Some(level) = args.optimise.or(table.optimise) {
        settings.optimise = level;
    }
    if let Some(bits) = args.small_int_bits.or(table.small_int_bits) {
        settings.small_int_bits = bits;
    }
    settings.source_lines = !args.no_source_lines && table.source_lines.unwrap_or(true);
    settings.version = args.version.clone().or(table.version).or(file.version);
    settings.entry = match given(&args.entry, table.entry) {
        Some(entry) => entry,
        None => entry_files(&settings.targets),
    };
    // A project that lists its data overrides the defaults of its kind. Patterns on the command line are added to them.
    let mut targets = settings.targets.iter();
    settings.all_data = table.data.is_none() && targets.all(|target| target.is_circuitpython());
    settings.data = patterns(given(&args.data, table.data));
    // After the patterns of the project's kind, so that `!NAME` can include one of them again.
    settings.exclude.clone_from(&project.exclude);
    let exclude = patterns(given(&args.exclude, table.exclude));
    settings.exclude.append(&exclude);
    settings.allow_fail = patterns(given(&args.allow_fail, table.allow_fail));
    settings.strict = args.strict || (!args.keep_going && table.strict.unwrap_or_else(in_ci));
    settings.archives = !args.no_archives && table.archives.unwrap_or(true);
    let key = match &args.sign {
        Some(path) => Some(path.clone()),
        None => table.sign.map(|path| folder.join(path)),
    };
    settings.key = key
        .map(|path| signing::read_key(&path, opened))
        .transpose()?;
    if !args.no_cache {
        settings.cache = compiled_modules();
    }
    if let Some(jobs) = args.jobs {
        settings.jobs = jobs;
    }
    Ok(Read {
        settings,
        project,
        is_target_found,
    })
}

/// Returns the words of the command line, else those of the file.
fn given(words: &[String], table: Option<Vec<String>>) -> Option<Vec<String>> {
    if words.is_empty() {
        table
    } else {
        Some(words.to_vec())
    }
}

fn patterns(lines: Option<Vec<String>>) -> Patterns {
    let mut patterns = Patterns::new();
    for line in lines.unwrap_or_default() {
        patterns.add(&line);
    }
    patterns
}

/// Returns whether this runs in continuous integration: all services set one variable.
fn in_ci() -> bool {
    env::var(environment::CI).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}
