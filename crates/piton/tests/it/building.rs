//! A project that becomes a build.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use piton::building::{
    BuildError, BuildEvent, LeftOut, NamedFile, Refusal, Report, Settings, Written, build,
    entry_files, fingerprint,
};
use piton::deadline::Cancel;
use piton::patterns::Patterns;
use piton::project::cache::Cache;

use crate::support::{files, folder, write};

/// Sources in the folder `src`, and settings to build them into `out`.
struct Project {
    folder: tempfile::TempDir,
    settings: Mutex<Settings>,
}

impl Project {
    fn new(sources: &[(&str, &str)]) -> Project {
        let folder = folder(&[("src/", "")]);
        let (src, out) = (folder.path().join("src"), folder.path().join("out"));
        write(&src, sources);
        let mut settings = Settings::new(src, out);
        settings.version = Some("1.0".to_owned());
        settings.archives = false;
        Project {
            folder,
            settings: Mutex::new(settings),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn set(&self, adjust: impl FnOnce(&mut Settings)) {
        adjust(&mut self.settings.lock().unwrap());
    }

    fn set_targets(&self, names: &[&str]) {
        self.set(|settings| {
            settings.targets = names.iter().map(|name| name.parse().unwrap()).collect();
            settings.entry = entry_files(&settings.targets);
        });
    }

    fn try_build(&self) -> Result<(Report, Vec<(String, LeftOut)>), BuildError> {
        let remarks = Mutex::new(Vec::new());
        let report = build(&self.settings.lock().unwrap(), &Cancel::new(), &|event| {
            if let BuildEvent::LeftOut { path, why } = event {
                let below = path.strip_prefix(self.path("src")).unwrap();
                let below = below.to_string_lossy().into_owned();
                remarks.lock().unwrap().push((below, why));
            }
        })?;
        Ok((report, remarks.into_inner().unwrap()))
    }

    fn build(&self) -> Report {
        self.try_build().unwrap().0
    }

    /// The files of a target, or of the only one.
    fn built(&self, target: &str) -> Vec<String> {
        files(&self.path("out").join(target).join("mpy"))
    }
}

fn patterns(lines: &str) -> Patterns {
    let mut patterns = Patterns::new();
    patterns.add_lines(lines);
    patterns
}

#[test]
fn sources_are_compiled_and_start_files_are_not() {
    let project = Project::new(&[
        ("main.py", "import helper\n"),
        ("boot.py", ""),
        ("repl.py", ""),
        ("helper.py", "x = 1\n"),
        ("lib/main.py", ""),
        ("font.bin", "x"),
    ]);
    let report = project.build();
    assert_eq!(report.written, Written::Replaced);
    let for_micropython = [
        "boot.py",
        "helper.mpy",
        "lib/main.mpy",
        "main.py",
        "repl.mpy",
    ];
    assert_eq!(project.built(""), for_micropython);
    let other = report.other.iter().map(ToString::to_string);
    assert_eq!(other.collect::<Vec<_>>(), ["font.bin"]);
    // CircuitPython runs a `repl.py`, so it has to stay one.
    project.set_targets(&["circuitpython-10"]);
    project.build();
    let for_circuitpython = [
        "boot.py",
        "helper.mpy",
        "lib/main.mpy",
        "main.py",
        "repl.py",
    ];
    assert_eq!(project.built(""), for_circuitpython);
}

#[test]
fn a_build_that_changes_nothing_writes_nothing() {
    let project = Project::new(&[("a.py", "x = 1\n"), ("b.py", "y = 2\n")]);
    assert_eq!(project.build().targets[0].compiled, 2);
    let manifest = project.path("out/manifest.json");
    let before = fs::metadata(&manifest).unwrap().modified().unwrap();
    let again = project.build();
    assert_eq!(again.written, Written::Unchanged);
    assert_eq!(again.targets[0].compiled, 0);
    assert_eq!(fs::metadata(&manifest).unwrap().modified().unwrap(), before);
    // One source changes: the other result is taken from the last build.
    write(&project.path("src"), &[("b.py", "y = 3\n")]);
    let third = project.build();
    assert_eq!(third.written, Written::Replaced);
    assert_eq!(
        (third.targets[0].compiled, third.targets[0].modules),
        (1, 2)
    );
    // A result that somebody damaged is made anew.
    fs::write(project.path("out/mpy/a.mpy"), "broken").unwrap();
    assert_eq!(project.build().targets[0].compiled, 1);
}

#[test]
fn builds_share_the_cache() {
    let sources = [("a.py", "x = 1\n"), ("lib/b.py", "y = 2\n")];
    let cache = tempfile::tempdir().unwrap();
    let compiled = |names: &[&str]| {
        let project = Project::new(&sources);
        project.set_targets(names);
        project.set(|settings| settings.cache = Some(Cache::new(cache.path(), 1 << 20)));
        let targets = project.build().targets;
        let counts = targets.iter().map(|target| target.compiled);
        counts.collect::<Vec<usize>>()
    };
    assert_eq!(compiled(&["micropython"]), [2]);
    assert_eq!(compiled(&["micropython"]), [0]);
    assert_eq!(compiled(&["micropython", "circuitpython-10"]), [0, 2]);
}

#[test]
fn data_is_taken_along_but_for_what_is_private_or_for_others() {
    let project = Project::new(&[
        ("main.py", ""),
        ("font.bin", "x"),
        ("secret.key", "x"),
        ("server.pem", "-----BEGIN CERTIFICATE-----\nx\n"),
        ("case.stl", "x"),
        ("a.py", ""),
        ("a.mpy", "x"),
        (".env", "x"),
        ("__pycache__/a.pyc", "x"),
        (".hidden/b.py", ""),
        ("venv/pyvenv.cfg", ""),
        ("venv/c.py", ""),
    ]);
    project.set(|settings| settings.all_data = true);
    let (_, remarks) = project.try_build().unwrap();
    let expected = ["a.mpy", "font.bin", "main.py", "server.pem"];
    assert_eq!(project.built(""), expected);
    let remarks_expected = [
        (".env", LeftOut::Private),
        ("a.mpy", LeftOut::HasSource),
        ("case.stl", LeftOut::ForOthers),
        ("secret.key", LeftOut::Private),
    ];
    let mut remarks = remarks;
    remarks.sort_by(|one, other| one.0.cmp(&other.0));
    let remarks = remarks.iter().map(|(path, why)| (path.as_str(), *why));
    assert_eq!(remarks.collect::<Vec<_>>(), remarks_expected);
    // A name that is written out is meant.
    project.set(|settings| {
        settings.all_data = false;
        settings.data = patterns("/secret.key\n");
    });
    project.build();
    assert_eq!(project.built(""), ["a.mpy", "main.py", "secret.key"]);
}

#[test]
fn excluded_files_and_the_results_themselves_are_no_sources() {
    let project = Project::new(&[
        ("main.py", ""),
        ("tests/test_a.py", ""),
        ("a.py", ""),
        ("old_a.py", ""),
    ]);
    project.set(|settings| {
        settings.exclude = patterns("tests/\nold_*\n");
        settings.out = settings.source.join("results");
        settings.all_data = true;
    });
    for _ in 0..2 {
        project.build();
        let built = files(&project.path("src/results/mpy"));
        assert_eq!(built, ["a.mpy", "main.py"]);
    }
}

#[test]
fn a_source_that_does_not_compile_is_left_out_or_ends_the_build() {
    let project = Project::new(&[("main.py", ""), ("a.py", "x = = 1\n"), ("b.py", "")]);
    let report = project.build();
    assert_eq!(report.written, Written::Replaced);
    assert_eq!(project.built(""), ["b.mpy", "main.py"]);
    let failure = &report.failures[0];
    assert_eq!((failure.source.as_str(), failure.allowed), ("a.py", false));
    project.set(|settings| settings.strict = true);
    assert_eq!(project.build().written, Written::Refused(Refusal::Strict));
    project.set(|settings| settings.allow_fail = patterns("a.py"));
    assert_ne!(project.build().written, Written::Refused(Refusal::Strict));
    // Where nothing compiles, there is nothing to ship.
    let nothing = Project::new(&[("a.py", "x = = 1\n")]);
    assert_eq!(nothing.build().written, Written::Refused(Refusal::Nothing));
    assert!(!nothing.path("out").exists());
}

#[test]
fn machine_code_stays_source() {
    let project = Project::new(&[(
        "fast.py",
        "import micropython\n\n@micropython.native\ndef f():\n    return 1\n",
    )]);
    let report = project.build();
    assert_eq!(project.built(""), ["fast.py"]);
    assert_eq!(report.native[0].line, Some(3));
    assert!(report.failures.is_empty());
}

#[test]
fn machine_code_is_made_for_each_processor_in_one_run() {
    let project = Project::new(&[
        (
            "fast.py",
            "import micropython\n\n@micropython.native\ndef f():\n    return 1\n",
        ),
        ("slow.py", "x = 1\n"),
    ]);
    project.set_targets(&["micropython", "micropython:x64", "micropython:x86"]);
    let report = project.build();
    assert!(report.failures.is_empty());
    assert_eq!(project.built("micropython"), ["fast.py", "slow.mpy"]);
    for (target, features) in [("micropython-x64", 0x0b), ("micropython-x86", 0x07)] {
        assert_eq!(project.built(target), ["fast.mpy", "slow.mpy"]);
        let header = |name: &str| {
            let path = project.path("out").join(target).join("mpy").join(name);
            fs::read(path).unwrap()[2]
        };
        // Only the module with machine code is for this processor.
        assert_eq!((header("fast.mpy"), header("slow.mpy")), (features, 0));
    }
    assert_eq!(report.native.len(), 1);
}

#[test]
fn several_targets_have_a_folder_each_and_a_list() {
    let project = Project::new(&[("code.py", ""), ("a.py", "")]);
    project.set_targets(&["micropython", "circuitpython-9"]);
    let report = project.build();
    assert_eq!(project.built("micropython"), ["a.mpy", "code.py"]);
    assert_eq!(project.built("circuitpython-9"), ["a.mpy", "code.py"]);
    assert_eq!(report.index, Some(project.path("out/index.json")));
    let first = |target: &str| fs::read(project.path("out").join(target).join("mpy/a.mpy"));
    assert_eq!(first("micropython").unwrap()[0], b'M');
    assert_eq!(first("circuitpython-9").unwrap()[0], b'C');
    // With one target, the folders of both go.
    project.set_targets(&["micropython"]);
    project.build();
    assert_eq!(
        files(&project.path("out")),
        ["manifest.json", "mpy/a.mpy", "mpy/code.py"]
    );
}

#[test]
fn a_list_of_files_is_all_that_is_taken() {
    let project = Project::new(&[("app/a.py", ""), ("app/b.py", ""), ("x.txt", "x")]);
    let named = |source: &str, place: &str| NamedFile {
        source: source.parse().unwrap(),
        place: place.parse().unwrap(),
    };
    project.set(|settings| {
        settings.files = Some(vec![
            named("app/a.py", "a.py"),
            named("app/a.py", "main.py"),
            named("x.txt", "data/x.txt"),
        ]);
    });
    project.build();
    assert_eq!(project.built(""), ["a.mpy", "data/x.txt", "main.py"]);
    project.set(|settings| settings.files = Some(vec![named("no.py", "no.py")]));
    assert!(matches!(
        project.try_build(),
        Err(BuildError::NoNamedFile { .. })
    ));
}

#[test]
fn two_sources_for_one_file_are_an_error() {
    let project = Project::new(&[("A.py", ""), ("a.py", "")]);
    if fs::read_dir(project.path("src")).unwrap().count() < 2 {
        // This file system takes both for one.
        return;
    }
    // MicroPython's own file systems tell them apart, CircuitPython's FAT does not.
    project.build();
    project.set_targets(&["circuitpython-10"]);
    assert!(matches!(
        project.try_build(),
        Err(BuildError::SameOutput {
            case_only: true,
            ..
        })
    ));
}

#[test]
fn what_cannot_be_built_is_an_error_and_writes_nothing() {
    let project = Project::new(&[("font.bin", "x")]);
    assert!(matches!(
        project.try_build(),
        Err(BuildError::NoFiles { .. })
    ));
    project.set(|settings| settings.source = project.path("nowhere"));
    assert!(matches!(
        project.try_build(),
        Err(BuildError::NoSource { .. })
    ));
    let cancelled = Project::new(&[("a.py", "")]);
    let cancel = Cancel::new();
    cancel.cancel();
    let result = build(&cancelled.settings.lock().unwrap(), &cancel, &|_| {});
    assert!(matches!(result, Err(BuildError::Cancelled { .. })));
    for project in [&project, &cancelled] {
        assert!(!project.path("out").exists());
    }
}

#[cfg(unix)]
#[test]
fn links_are_remarked_where_they_are_not_followed() {
    use std::os::unix::fs::symlink;
    let project = Project::new(&[("main.py", ""), ("../lib/a.py", "x = 1\n")]);
    let link = |to: &str, name: &str| symlink(to, project.path("src").join(name)).unwrap();
    link("../lib", "lib");
    link("../lib/a.py", "a.py");
    link("nowhere.py", "b.py");
    let made = std::process::Command::new("mkfifo")
        .arg(project.path("src/pipe.py"))
        .status();
    assert!(made.unwrap().success());
    let (_, remarks) = project.try_build().unwrap();
    assert_eq!(project.built(""), ["a.mpy", "main.py"]);
    let remarks = remarks.iter().map(|(path, why)| (path.as_str(), *why));
    let expected = [
        ("b.py", LeftOut::DanglingLink),
        ("lib", LeftOut::FolderLink),
        ("pipe.py", LeftOut::Special),
    ];
    assert_eq!(remarks.collect::<Vec<_>>(), expected);
}

#[test]
fn the_fingerprint_changes_with_sources_and_settings() {
    let project = Project::new(&[("a.py", "x = 1\n")]);
    let now = |project: &Project| fingerprint(&project.settings.lock().unwrap());
    let first = now(&project);
    assert_eq!(now(&project), first);
    write(&project.path("src"), &[("a.py", "x = 1234\n")]);
    let second = now(&project);
    assert_ne!(second, first);
    write(&project.path("src"), &[("b.py", "")]);
    let third = now(&project);
    assert_ne!(third, second);
    project.set(|settings| settings.optimise = 3);
    assert_ne!(now(&project), third);
}

#[test]
fn archives_hold_what_the_folder_holds() {
    let project = Project::new(&[("main.py", "print(1)\n"), ("a.py", "")]);
    project.set(|settings| settings.archives = true);
    let report = project.build();
    let names = report.targets[0].archives.iter();
    let names = names.map(|path: &PathBuf| path.file_name().and_then(|name| name.to_str()));
    assert_eq!(
        names.collect::<Vec<_>>(),
        [Some("mpy-files.tar.gz"), Some("mpy-files.zip")]
    );
    for archive in &report.targets[0].archives {
        assert!(is_in(&project.path("out"), archive));
        assert!(fs::metadata(archive).unwrap().len() > 0);
    }
}

fn is_in(folder: &Path, path: &Path) -> bool {
    path.starts_with(folder) && path.is_file()
}
