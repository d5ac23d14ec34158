//! Deployments to the drive of a board: what is planned for each state of the drive, and what is there afterwards.

use std::fs;
use std::path::Path;

use piton::deadline::Cancel;
use piton::shipment::Shipment;
use piton::shipment::to_drive::{DriveAction, ToDriveError, apply, plan};

use crate::shipment::Project;

/// Builds the sources of [`Project`] for MicroPython.
fn shipment() -> (Project, Shipment) {
    let project = Project::new();
    project.build("build", &["micropython"], |_| {});
    let shipment = project.load_one("build");
    (project, shipment)
}

/// Returns the plan as lines, without the files that are equal.
fn planned(shipment: &Shipment, drive: &Path) -> Result<Vec<String>, ToDriveError> {
    let steps = plan(shipment, drive)?.steps.into_iter();
    let steps = steps.filter(|step| step.action != DriveAction::Keep);
    Ok(steps
        .map(|step| format!("{} {}", step.action.name(), step.path))
        .collect())
}

/// Carries out the plan for the drive as it is now. Stops before the step with the index `stop`, if there is one.
fn deploy(shipment: &Shipment, drive: &Path, stop: Option<usize>) -> Result<usize, ToDriveError> {
    let plan = plan(shipment, drive)?;
    let cancel = Cancel::new();
    let mut count = 0;
    if stop == Some(0) {
        cancel.cancel();
    }
    apply(&plan, shipment, drive, &cancel, &mut |_, _| {
        count += 1;
        if stop == Some(count) {
            cancel.cancel();
        }
    })?;
    Ok(count)
}

/// Asserts that the drive has every file of the shipment, and returns the names of all of its files and folders.
#[track_caller]
fn check_deployed(shipment: &Shipment, drive: &Path) -> Vec<String> {
    for (path, content) in shipment.files() {
        assert_eq!(
            fs::read(drive.join(path.to_path())).unwrap(),
            content.read().unwrap(),
            "{path}"
        );
    }
    let entries = fs::read_dir(drive).unwrap();
    let mut names = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect::<Vec<String>>();
    names.sort();
    names
}

const ALL: [&str; 4] = [
    "create font.bin",
    "create lib_a.mpy",
    "create app.mpy",
    "create main.py",
];

/// A state of the drive, and what is planned for it.
type State = (&'static str, fn(&Path), &'static [&'static str]);

const STATES: &[State] = &[
    ("empty", |_| {}, &ALL),
    (
        "another file of the same size",
        |drive| fs::write(drive.join("font.bin"), "ab").unwrap(),
        &[
            "replace font.bin",
            "create lib_a.mpy",
            "create app.mpy",
            "create main.py",
        ],
    ),
    (
        "an equal file",
        |drive| fs::write(drive.join("font.bin"), "\x01\x02").unwrap(),
        &["create lib_a.mpy", "create app.mpy", "create main.py"],
    ),
    (
        "sources and modules that would be imported instead",
        |drive| {
            for name in ["lib_a.py", "app.py", "main.mpy", "font.py"] {
                fs::write(drive.join(name), "").unwrap();
            }
        },
        &[
            "create font.bin",
            "create lib_a.mpy",
            "remove lib_a.py",
            "create app.mpy",
            "remove app.py",
            "create main.py",
            "remove main.mpy",
        ],
    ),
    (
        "a folder with the name of a module is a package of the user",
        |drive| fs::create_dir(drive.join("app.py")).unwrap(),
        &ALL,
    ),
    #[cfg(unix)]
    (
        "a link is replaced, and its target stays",
        |drive| {
            fs::write(drive.join("kept.txt"), "kept").unwrap();
            std::os::unix::fs::symlink("kept.txt", drive.join("main.py")).unwrap();
        },
        &[
            "create font.bin",
            "create lib_a.mpy",
            "create app.mpy",
            "replace main.py",
        ],
    ),
];

#[test]
fn each_state_of_a_drive_has_its_plan_and_ends_equal() {
    let (_project, shipment) = shipment();
    for (state, prepare, expected) in STATES {
        let drive = tempfile::tempdir().unwrap();
        prepare(drive.path());
        assert_eq!(
            planned(&shipment, drive.path()).unwrap(),
            *expected,
            "{state}"
        );
        deploy(&shipment, drive.path(), None).unwrap();
        let names = check_deployed(&shipment, drive.path());
        assert!(
            !names.iter().any(|name| name.starts_with('.')),
            "{state}: {names:?}"
        );
        assert!(
            planned(&shipment, drive.path()).unwrap().is_empty(),
            "{state}"
        );
        if names.iter().any(|name| name == "kept.txt") {
            assert_eq!(fs::read(drive.path().join("kept.txt")).unwrap(), b"kept");
        }
    }
}

#[test]
fn a_drive_that_cannot_take_the_files_is_not_written_to() {
    let (project, shipment) = shipment();
    let missing = project.path("nothing");
    assert!(matches!(
        plan(&shipment, &missing),
        Err(ToDriveError::NoFolder { path }) if path == missing
    ));
    // A folder in the place of a file: removing it could remove the work of the user.
    let drive = project.path("drive");
    fs::create_dir_all(drive.join("font.bin")).unwrap();
    let error = plan(&shipment, &drive).unwrap_err();
    assert!(matches!(error, ToDriveError::Read { .. }), "{error}");
    assert_eq!(fs::read_dir(&drive).unwrap().count(), 1);
}

#[test]
fn a_file_in_the_place_of_a_folder_is_named() {
    let project = Project::new();
    fs::create_dir(project.path("src/net")).unwrap();
    fs::write(project.path("src/net/wifi.py"), "x = 1\n").unwrap();
    project.build("build", &["micropython"], |_| {});
    let shipment = project.load_one("build");
    let drive = project.path("drive");
    fs::create_dir(&drive).unwrap();
    fs::write(drive.join("net"), "").unwrap();
    let error = plan(&shipment, &drive).unwrap_err();
    assert!(
        matches!(&error, ToDriveError::NoFolderInside { path, found: "a file" } if *path == drive.join("net")),
        "{error}"
    );
    fs::remove_file(drive.join("net")).unwrap();
    deploy(&shipment, &drive, None).unwrap();
    let names = check_deployed(&shipment, &drive);
    assert_eq!(
        names,
        ["app.mpy", "font.bin", "lib_a.mpy", "main.py", "net"]
    );
}

/// Whatever step is the last one: no file is half written, a module never comes before those that it imports, nothing
/// hidden is left, and deploying again completes it.
#[test]
fn a_deployment_that_is_stopped_is_completed_by_the_next_one() {
    let (_project, shipment) = shipment();
    let old = |name: &str| format!("old {name}").into_bytes();
    for stop in 0..=5 {
        let drive = tempfile::tempdir().unwrap();
        for name in ["app.mpy", "main.py", "app.py"] {
            fs::write(drive.path().join(name), old(name)).unwrap();
        }
        let result = deploy(&shipment, drive.path(), Some(stop));
        match stop {
            5 => assert_eq!(result.unwrap(), 5),
            _ => assert!(matches!(result, Err(ToDriveError::Cancelled)), "{stop}"),
        }
        let mut is_new = Vec::new();
        for (path, content) in shipment.files() {
            let new = content.read().unwrap();
            match fs::read(drive.path().join(path.to_path())) {
                Ok(found) if found == new => is_new.push(path.to_string()),
                Ok(found) => assert_eq!(found, old(path.as_str()), "{stop}: {path}"),
                Err(_) => {}
            }
        }
        let has = |name: &str| is_new.iter().any(|path| path == name);
        assert!(!has("app.mpy") || has("lib_a.mpy"), "{stop}: {is_new:?}");
        assert!(!has("main.py") || has("app.mpy"), "{stop}: {is_new:?}");
        deploy(&shipment, drive.path(), None).unwrap();
        let names = check_deployed(&shipment, drive.path());
        assert_eq!(names, ["app.mpy", "font.bin", "lib_a.mpy", "main.py"]);
    }
}
