//! From the results of a build to a board: reading, checking, choosing, copying.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow::Continue;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use piton::Board;
use piton::board_format::BoardFormat;
use piton::building::{Settings, build};
use piton::deadline::Cancel;
use piton::http::{Client, ClientOptions};
use piton::path::BoardPath;
use piton::shipment::choose::{self, ChooseError};
use piton::shipment::keys::{self, KeyError, OpenedKey};
use piton::shipment::record::{DowngradeError, DowngradeRule, FILE_NAME, Last, Record};
use piton::shipment::signature::{Password, PublicKey, SecretKey};
use piton::shipment::to_board::{self, ToBoardError};
use piton::shipment::to_drive::{DriveAction, apply, plan};
use piton::shipment::{Demands, Finding, Places, Purpose, Reading, Shipment, ShipmentError};

use crate::support::{connect, with_files};

/// Sources in a folder, and what is built of them.
pub(crate) struct Project {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) key: Arc<SecretKey>,
}

const SOURCES: [(&str, &str); 4] = [
    ("main.py", "import app\nprint(app.answer())\n"),
    (
        "app.py",
        "from lib_a import base\ndef answer():\n    return base() * 2\n",
    ),
    ("lib_a.py", "def base():\n    return 21\n"),
    ("font.bin", "\x01\x02"),
];

impl Project {
    pub(crate) fn new() -> Project {
        let project = Project {
            folder: tempfile::tempdir().unwrap(),
            key: Arc::new(SecretKey::generate().unwrap()),
        };
        fs::create_dir(project.path("src")).unwrap();
        for (name, text) in SOURCES {
            fs::write(project.path("src").join(name), text).unwrap();
        }
        project
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Builds into the folder `out` for these targets.
    pub(crate) fn build(&self, out: &str, targets: &[&str], adjust: impl FnOnce(&mut Settings)) {
        let mut settings = Settings::new(self.path("src"), self.path(out));
        settings.targets = targets.iter().map(|name| name.parse().unwrap()).collect();
        settings.version = Some("1.0".to_owned());
        settings.all_data = true;
        adjust(&mut settings);
        build(&settings, &Cancel::new(), &|_| {}).unwrap();
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        PublicKey::parse(&self.key.public_text()).unwrap()
    }

    fn load(&self, place: &str) -> Vec<Shipment> {
        try_load(&self.path(place), Purpose::Copy).unwrap()
    }

    pub(crate) fn load_one(&self, place: &str) -> Shipment {
        let mut shipments = self.load(place);
        assert_eq!(shipments.len(), 1);
        shipments.remove(0)
    }
}

pub(crate) fn try_load(place: &Path, purpose: Purpose) -> Result<Vec<Shipment>, ShipmentError> {
    let reading = Reading {
        places: &Places::default(),
        purpose,
        cancel: &Cancel::new(),
    };
    choose::load(place, &reading, &Client::new(&ClientOptions::default()))
}

/// Deploys, and returns what was planned.
fn deploy(
    board: &mut Board,
    shipment: &Shipment,
    settings: to_board::Settings,
) -> Result<String, ToBoardError> {
    with_files(board, |remote| {
        let deployment = to_board::plan(shipment, remote, &BoardPath::root(), settings)?;
        deployment.apply(remote, &mut |_| Continue(()))?;
        Ok(deployment.plan().to_string())
    })
}

pub(crate) fn names(findings: &[Finding]) -> Vec<String> {
    let line = |finding: &Finding| match &finding.path {
        Some(path) => format!("{path} {}", finding.kind.name()),
        None => finding.kind.name().to_owned(),
    };
    findings.iter().map(line).collect()
}

#[test]
fn the_target_of_a_board_is_chosen_and_runs_there() {
    let project = Project::new();
    project.build("build", &["circuitpython-10", "micropython"], |_| {});
    let shipments = project.load("build");
    assert_eq!(
        choose::targets(&shipments),
        ["circuitpython-10", "micropython"]
    );
    let mut board = connect();
    let format = BoardFormat::from(&board.facts().unwrap());
    let demands = Demands {
        board: Some(&format),
        ..Demands::default()
    };
    let shipment = choose::choose(shipments, &demands).unwrap();
    assert_eq!(shipment.manifest.target.as_deref(), Some("micropython"));

    // A source there would be imported instead of the module.
    board.run(b"open('app.py', 'w').close()").unwrap();
    let planned = deploy(&mut board, &shipment, to_board::Settings::default()).unwrap();
    // A module comes after those that it imports, and the program last.
    let expected = "create   font.bin\ncreate   lib_a.mpy\ncreate   app.mpy\ncreate   main.py\ndelete   app.py\n";
    let sorted = |text: &str| {
        let mut lines = text.lines().map(str::to_owned).collect::<Vec<_>>();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&planned), sorted(expected), "{planned}");
    let places = ["font.bin", "lib_a.mpy", "app.mpy", "main.py"].map(|name| planned.find(name));
    assert!(places.is_sorted(), "{planned}");
    assert_eq!(board.run(b"import main").unwrap(), b"42\r\n");
    // What was not signed is not recorded.
    let last = with_files(&mut board, |remote| {
        Last::of_board(remote, &BoardPath::root()).unwrap()
    });
    assert_eq!(last, Last::Nothing);
    let again = deploy(&mut board, &shipment, to_board::Settings::default()).unwrap();
    assert_eq!(again, "");
}

#[test]
fn nothing_is_chosen_when_each_target_has_a_problem() {
    let project = Project::new();
    project.build("build", &["circuitpython-10", "micropython"], |_| {});
    fs::write(project.path("build/micropython/mpy/lib_a.mpy"), "changed").unwrap();
    let format = BoardFormat::from(&connect().facts().unwrap());
    let demands = Demands {
        board: Some(&format),
        min_version: Some("1.1"),
        ..Demands::default()
    };
    let error = choose::choose(project.load("build"), &demands).unwrap_err();
    let ChooseError::Rejected { findings } = &error else {
        panic!("{error}");
    };
    let found = names(findings);
    for name in [
        "version",
        "app.mpy board",
        "lib_a.mpy board",
        "lib_a.mpy size",
        "lib_a.mpy not-mpy",
    ] {
        assert!(found.iter().any(|found| found == name), "{name}: {found:?}");
    }

    let error = choose::of_target(project.load("build"), "micropython:xtensa").unwrap_err();
    let ChooseError::NoSuchTarget { targets, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(*targets, ["circuitpython-10", "micropython"]);
    let chosen = choose::of_target(project.load("build"), "micropython").unwrap();
    assert_eq!(choose::targets(&chosen), ["micropython"]);
}

#[test]
fn a_drive_says_what_its_board_loads() {
    let project = Project::new();
    project.build("build", &["micropython", "circuitpython-10"], |_| {});
    let drive = project.path("drive");
    let shipments = project.load("build");
    // What is not there has an error of its own, later.
    assert_eq!(choose::drive_format(&drive, &shipments).unwrap(), None);
    fs::create_dir(&drive).unwrap();
    let error = choose::drive_format(&drive, &shipments).unwrap_err();
    assert!(
        matches!(&error, ChooseError::UnknownBoard { targets, .. } if targets.len() == 2),
        "{error}"
    );
    assert_eq!(choose::drive_format(&drive, &shipments[..1]).unwrap(), None);
    fs::write(
        drive.join("boot_out.txt"),
        "Adafruit CircuitPython 10.0.3 on 2025-10-17; Adafruit QT Py with samd21e18\r\n",
    )
    .unwrap();
    let format = choose::drive_format(&drive, &shipments).unwrap();
    let demands = Demands {
        board: format.as_ref(),
        ..Demands::default()
    };
    let shipment = choose::choose(shipments, &demands).unwrap();
    assert_eq!(
        shipment.manifest.target.as_deref(),
        Some("circuitpython-10")
    );
    fs::write(drive.join("app.py"), "").unwrap();
    let planned = plan(&shipment, &drive).unwrap();
    let mut done = Vec::new();
    apply(
        &planned,
        &shipment,
        &drive,
        &Cancel::new(),
        &mut |path, action| {
            done.push(format!("{} {path}", action.name()));
        },
    )
    .unwrap();
    assert_eq!(
        done,
        [
            "create font.bin",
            "create lib_a.mpy",
            "create app.mpy",
            "remove app.py",
            "create main.py",
        ]
    );
    let again = plan(&shipment, &drive).unwrap();
    assert!(
        again
            .steps
            .iter()
            .all(|step| step.action == DriveAction::Keep)
    );
}

#[test]
fn an_older_build_does_not_replace_a_signed_one() {
    let project = Project::new();
    let sign = |version: &str| {
        let (key, version) = (Arc::clone(&project.key), version.to_owned());
        move |settings: &mut Settings| {
            settings.key = Some(key);
            settings.version = Some(version);
        }
    };
    project.build("new", &["micropython"], sign("1.10"));
    project.build("old", &["micropython"], sign("1.9"));
    let key = project.public_key();
    let demands = Demands {
        key: Some(&key),
        ..Demands::default()
    };
    let take = |place: &str| choose::choose(project.load(place), &demands).unwrap();
    let (new, old) = (take("new"), take("old"));
    let settings = to_board::Settings {
        is_signed: true,
        downgrade: DowngradeRule::Refuse,
        settle: true,
    };
    let mut board = connect();
    deploy(&mut board, &new, settings).unwrap();
    let last = |board: &mut Board| {
        with_files(board, |remote| {
            Last::of_board(remote, &BoardPath::root()).unwrap()
        })
    };
    assert_eq!(last(&mut board), Last::Known(Record::of(&new.manifest)));
    let error = deploy(&mut board, &old, settings).unwrap_err();
    assert!(
        matches!(&error, ToBoardError::Downgrade(DowngradeError::Older { last, .. }) if last.version == "1.10"),
        "{error}"
    );
    // Reported only, and then remembered as the last one.
    let report = to_board::Settings {
        downgrade: DowngradeRule::Report,
        ..settings
    };
    let newer = with_files(&mut board, |remote| {
        let deployment = to_board::plan(&old, remote, &BoardPath::root(), report).unwrap();
        deployment.apply(remote, &mut |_| Continue(())).unwrap();
        deployment.newer().cloned()
    });
    assert_eq!(newer, Some(Record::of(&new.manifest)));
    assert_eq!(last(&mut board), Last::Known(Record::of(&old.manifest)));
    // A record that cannot be read may hide a newer version.
    board
        .run(format!("with open({FILE_NAME:?}, 'w') as file: file.write('x')").as_bytes())
        .unwrap();
    let error = deploy(&mut board, &new, settings).unwrap_err();
    assert!(
        matches!(error, ToBoardError::Downgrade(DowngradeError::LastUnknown)),
        "{error}"
    );
}

/// What is there: each file by its path, with its content.
fn contents(shipment: &Shipment) -> BTreeMap<String, Vec<u8>> {
    let files = shipment.files();
    files
        .map(|(path, content)| (path.to_string(), content.read().unwrap()))
        .collect()
}

#[test]
fn a_build_is_the_same_wherever_it_is_read_from() {
    let project = Project::new();
    project.build("build", &["micropython"], |_| {});
    let expected = contents(&project.load_one("build"));
    assert_eq!(
        expected.keys().collect::<Vec<_>>(),
        ["app.mpy", "font.bin", "lib_a.mpy", "main.py"]
    );
    for place in ["manifest.json", "mpy-files.zip", "mpy-files.tar.gz"] {
        let shipment = project.load_one(&format!("build/{place}"));
        assert_eq!(shipment.check(&Demands::default()), [], "{place}");
        assert_eq!(contents(&shipment), expected, "{place}");
    }
}

#[test]
fn what_is_copied_is_what_was_checked() {
    let project = Project::new();
    project.build("build", &["micropython"], |_| {});
    let shipment = project.load_one("build");
    assert_eq!(shipment.check(&Demands::default()), []);
    let checked = contents(&shipment);
    // Somebody else writes to the folder between the check and the copy.
    fs::write(project.path("build/mpy/main.py"), "import evil\n").unwrap();
    fs::remove_file(project.path("build/mpy/font.bin")).unwrap();
    assert_eq!(contents(&shipment), checked);
    let drive = project.path("drive");
    fs::create_dir(&drive).unwrap();
    let planned = plan(&shipment, &drive).unwrap();
    apply(&planned, &shipment, &drive, &Cancel::new(), &mut |_, _| {}).unwrap();
    let main = fs::read_to_string(drive.join("main.py")).unwrap();
    assert_eq!(main, SOURCES[0].1);
    assert_eq!(fs::read(drive.join("font.bin")).unwrap(), b"\x01\x02");
    let again = try_load(&project.path("build"), Purpose::Check).unwrap();
    assert_eq!(
        names(&again[0].check(&Demands::default())),
        ["font.bin missing", "main.py size"]
    );
}

#[test]
fn a_place_without_a_build_is_an_error_that_names_it() {
    let project = Project::new();
    fs::write(project.path("text.zip"), "not an archive").unwrap();
    fs::write(project.path("manifest.json"), "{").unwrap();
    for (place, expected) in [
        ("nowhere", "could not read `[FOLDER]nowhere`: "),
        ("src", "there is no `manifest.json` in `[FOLDER]src`"),
        ("text.zip", "`[FOLDER]text.zip`: "),
        ("manifest.json", "`[FOLDER]manifest.json`: "),
    ] {
        let error = try_load(&project.path(place), Purpose::Check).unwrap_err();
        let folder = format!(
            "{}{}",
            project.folder.path().display(),
            std::path::MAIN_SEPARATOR
        );
        let message = error.to_string().replace(&folder, "[FOLDER]");
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn keys_are_given_as_files_or_as_themselves() {
    let project = Project::new();
    let text = project.key.public_text();
    fs::write(project.path("key.pub"), &text).unwrap();
    let file = project.path("key.pub").display().to_string();
    let line = text.lines().nth(1).unwrap();
    for given in [file.as_str(), text.as_str(), line] {
        let key = keys::public_key(given).unwrap();
        let signature = project.key.sign(b"content", "");
        assert!(key.check(b"content", &signature).is_ok(), "{given}");
        assert!(key.check(b"changed", &signature).is_err(), "{given}");
    }
    let error = keys::public_key("no key").err().unwrap();
    assert!(matches!(error, KeyError::Invalid { .. }), "{error}");
}

#[test]
fn a_password_is_asked_for_once_while_the_file_is_the_same() {
    let project = Project::new();
    let path = project.path("secret.key");
    let password = || Password::new("correct horse".to_owned());
    let mut opened: Option<OpenedKey> = None;
    let mut asked = 0;
    let mut read = |opened: &mut Option<OpenedKey>| {
        keys::secret_key(&path, opened, || {
            asked += 1;
            Ok::<_, KeyError>(password())
        })
        .map(|key| key.id())
    };
    assert!(matches!(read(&mut opened), Err(KeyError::Read { .. })));
    fs::write(&path, project.key.protect(&password()).unwrap()).unwrap();
    assert_eq!(read(&mut opened).unwrap(), project.key.id());
    assert_eq!(read(&mut opened).unwrap(), project.key.id());
    // A key without a password replaces it.
    let other = SecretKey::generate().unwrap();
    fs::write(&path, other.to_text()).unwrap();
    assert_eq!(read(&mut opened).unwrap(), other.id());
    assert_eq!(asked, 1);
}
