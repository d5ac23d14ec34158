//! `cargo xtask setup`: brings the pinned test programs into the cache folder.
//!
//! Each program is made in a folder of its own and counts only when complete, so an interrupted set-up
//! is simply run again. What is there already is neither fetched nor touched: the second run makes no
//! network call.

mod debian;
mod npm;
mod python;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use test_programs::{Program, cache};

use debian::Apt;

/// Name of the prefix of folders that are still being made.
const UNFINISHED: &str = ".unfinished-";

/// Bring the pinned test programs into the cache folder
#[derive(Default, clap::Args)]
pub(crate) struct Args {
    /// Only these programs, for example `vm`, `vm@1.27.0` or `mpremote`
    programs: Vec<String>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    set_up(&selected(&args.programs)?)
}

/// The pinned programs that some names mean; all of them for no names.
/// Errors: a name that means none.
fn selected(names: &[String]) -> anyhow::Result<Vec<Program>> {
    let all = Program::all();
    if names.is_empty() {
        return Ok(all);
    }
    for name in names {
        if !all.iter().any(|program| program.is_called(name)) {
            let mut known: Vec<&str> = all.iter().map(|program| program.name()).collect();
            known.dedup();
            bail!(
                "no test program is called `{name}`; there are: {}",
                known.join(", ")
            );
        }
    }
    let is_named = |program: &Program| names.iter().any(|name| program.is_called(name));
    Ok(all.into_iter().filter(is_named).collect())
}

/// Brings some programs into the cache folder. One that can't be had does not keep the others away.
/// Errors: the list of what is missing, and why.
pub(crate) fn set_up(programs: &[Program]) -> anyhow::Result<()> {
    let cache = cache::cache_dir()?;
    println!("Test programs in `{}`", cache.display());
    let (present, absent): (Vec<Program>, Vec<Program>) = programs
        .iter()
        .copied()
        .partition(|program| is_present(*program, &cache));
    for program in present {
        report("have", program);
    }
    if absent.is_empty() {
        return Ok(());
    }

    let folder = cache.join("test-programs");
    fs_err::create_dir_all(&folder)?;
    let _lock = lock(&folder)?;
    remove_unfinished(&folder)?;
    let mut apt = Apt::new(&folder);
    let mut failures = Vec::new();
    for program in absent {
        if let Err(error) = make_present(program, &cache, &mut apt) {
            report("missing", program);
            failures.push(format!(
                "`{}` {}: {error:#}",
                program.name(),
                program.version()
            ));
        }
    }
    if failures.is_empty() {
        // Its indexes are of no use any more, and out of date next time.
        return apt.remove();
    }
    bail!(
        "{} of {} test programs are missing:\n\n{}\n\nhint: the others are set up; run the same \
         command again for these",
        failures.len(),
        programs.len(),
        failures.join("\n\n")
    );
}

fn is_present(program: Program, cache: &Path) -> bool {
    let Ok(path) = program.locate() else {
        return false;
    };
    match program {
        Program::Vm(vm) => npm::is_pinned_vm(&path, vm),
        Program::Debian(_) => true,
        Program::Peer(_) => python::works(cache),
    }
}

/// Fetches a program unless it has appeared in the meantime.
fn make_present(program: Program, cache: &Path, apt: &mut Apt) -> anyhow::Result<()> {
    if is_present(program, cache) {
        report("have", program);
        return Ok(());
    }
    report("fetching", program);
    let start = Instant::now();
    let notices = match program {
        Program::Vm(vm) => npm::fetch_vm(vm, cache).map(|()| Vec::new()),
        Program::Debian(package) => apt.fetch(package, cache),
        Program::Peer(_) => python::make_environment(cache).map(|()| Vec::new()),
    }?;
    for notice in notices {
        println!("  notice    {notice}");
    }
    let (name, version) = (program.name(), program.version());
    println!(
        "  done      {name} {version} ({:.1} s)",
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn report(what: &str, program: Program) {
    println!("  {what:<9} {} {}", program.name(), program.version());
}

/// Keeps two set-ups from writing into the same folder. It ends with the returned file.
fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join(".lock");
    let file =
        File::create(&path).with_context(|| format!("cannot create `{}`", path.display()))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => println!("  waiting for another set-up to end"),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    file.lock()?;
    Ok(file)
}

/// Removes what an interrupted set-up left. Only for the holder of the lock.
fn remove_unfinished(folder: &Path) -> anyhow::Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs_err::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// A new folder beside the finished ones, removed when dropped.
fn unfinished_folder(beside: &Path) -> anyhow::Result<tempfile::TempDir> {
    fs_err::create_dir_all(beside)?;
    Ok(tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(beside)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &[&str]) -> anyhow::Result<Vec<String>> {
        let given: Vec<String> = given.iter().map(|name| (*name).to_owned()).collect();
        let programs = selected(&given)?;
        Ok(programs
            .iter()
            .map(|program| format!("{}@{}", program.name(), program.version()))
            .collect())
    }

    #[test]
    fn one_build_or_all_builds_of_the_vm_can_be_named() {
        assert_eq!(names(&["vm@1.27.0"]).unwrap(), ["vm@1.27.0"]);
        assert_eq!(
            names(&["vm"]).unwrap().len(),
            test_programs::VM_VERSIONS.len()
        );
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        let error = names(&["vm", "mpremotes"]).unwrap_err().to_string();
        assert!(
            error.starts_with("no test program is called `mpremotes`; there are: vm, "),
            "{error}"
        );
    }

    #[test]
    fn only_unfinished_folders_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".unfinished-abc", "finished"] {
            fs_err::create_dir(folder.path().join(name)).unwrap();
        }
        remove_unfinished(folder.path()).unwrap();
        assert!(!folder.path().join(".unfinished-abc").exists());
        assert!(folder.path().join("finished").exists());
    }
}
