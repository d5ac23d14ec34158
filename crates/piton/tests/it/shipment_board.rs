//! Builds that go to a connected board in many states.

use std::ops::ControlFlow::{Break, Continue};

use piton::Board;
use piton::error::ErrorKind;
use piton::path::BoardPath;
use piton::shipment::Shipment;
use piton::shipment::record::{DowngradeError, DowngradeRule, FILE_NAME, Last};
use piton::shipment::to_board::{self, Settings, ToBoardError};

use crate::shipment::Project;
use crate::support::{board_files, connect, soon, with_files};

/// A build of version 1.0 with `main.py`, `app.mpy`, `lib_a.mpy` and `font.bin`.
fn shipment() -> (Project, Shipment) {
    let project = Project::new();
    project.build("build", &["micropython"], |_| {});
    let shipment = project.load_one("build");
    (project, shipment)
}

fn signed() -> Settings {
    Settings {
        is_signed: true,
        downgrade: DowngradeRule::Refuse,
        settle: true,
    }
}

/// Returns what is planned for the folder `root` of the board.
fn planned(
    board: &mut Board,
    shipment: &Shipment,
    root: &BoardPath,
    settings: Settings,
) -> Result<String, ToBoardError> {
    with_files(board, |remote| {
        let deployment = to_board::plan(shipment, remote, root, settings)?;
        Ok(deployment.plan().to_string())
    })
}

fn deploy(
    board: &mut Board,
    shipment: &Shipment,
    root: &BoardPath,
    settings: Settings,
) -> Result<(), ToBoardError> {
    with_files(board, |remote| {
        let deployment = to_board::plan(shipment, remote, root, settings)?;
        deployment.apply(remote, &mut |_| Continue(()))
    })
}

/// Returns the answer of the deployed program.
fn answer(board: &mut Board) -> String {
    let printed = board.run(b"import main").unwrap();
    String::from_utf8(printed).unwrap().trim_end().to_owned()
}

const ALL: &str = "create   font.bin\ncreate   lib_a.mpy\ncreate   app.mpy\ncreate   main.py\n";

#[test]
fn each_state_of_a_board_has_its_plan_and_ends_with_the_new_program() {
    let (_project, shipment) = shipment();
    for (state, expected) in [
        ("", ALL),
        // Other files stay.
        ("open('/notes.txt', 'w').close()", ALL),
        // What would be imported in place of a new file goes.
        (
            "open('/app.py', 'w').close(); open('/lib_a.py', 'w').close()",
            "create   font.bin\ncreate   lib_a.mpy\ncreate   app.mpy\ncreate   main.py\ndelete   lib_a.py\ndelete   app.py\n",
        ),
        (
            "with open('/app.mpy', 'w') as f: f.write('old')",
            "create   font.bin\ncreate   lib_a.mpy\nreplace  app.mpy\ncreate   main.py\n",
        ),
        // The start files come last, also where they are older.
        (
            "with open('/main.py', 'w') as f: f.write('old')",
            "create   font.bin\ncreate   lib_a.mpy\ncreate   app.mpy\nreplace  main.py\n",
        ),
    ] {
        let mut board = connect();
        board.run(state.as_bytes()).unwrap();
        let root = BoardPath::default();
        let before = board_files(&mut board);
        let plan = planned(&mut board, &shipment, &root, Settings::default()).unwrap();
        assert_eq!(plan, expected, "{state}");
        assert_eq!(board_files(&mut board), before, "a plan changes nothing");
        deploy(&mut board, &shipment, &root, Settings::default()).unwrap();
        assert_eq!(answer(&mut board), "42", "{state}");
        let files = board_files(&mut board);
        assert!(
            !files.contains("/app.py") && !files.contains(FILE_NAME),
            "{files}"
        );
        assert_eq!(files.contains("/notes.txt"), state.contains("notes"));
        let again = planned(&mut board, &shipment, &root, Settings::default()).unwrap();
        assert_eq!(again, "", "{state}");
    }
}

/// The folder may be any, and its record is in there. The board's current folder is the empty path.
#[test]
fn a_build_and_its_record_go_to_one_folder() {
    let (_project, shipment) = shipment();
    for (enter, root, below) in [
        (
            "import os; os.mkdir('/flash'); os.chdir('/flash')",
            "",
            "/flash",
        ),
        ("", "/flash", "/flash"),
        ("import os; os.mkdir('/x'); os.chdir('/x')", "y/z", "/x/y/z"),
    ] {
        let mut board = connect();
        let root: BoardPath = root.parse().unwrap();
        let mut raw = board
            .raw_repl(piton::repl::Entry::KeepState, soon())
            .unwrap();
        raw.run(enter.as_bytes(), soon()).unwrap();
        let mut remote = piton::fs::remote::RemoteFs::new(&mut raw);
        let deployment = to_board::plan(&shipment, &mut remote, &root, signed()).unwrap();
        deployment
            .apply(&mut remote, &mut |_| Continue(()))
            .unwrap();
        let last = Last::of_board(&mut remote, &root).unwrap();
        assert!(
            matches!(&last, Last::Known(record) if record.version == "1.0"),
            "{last:?}"
        );
        let files = board_files(&mut board);
        let is_outside = |line: &&str| !line.starts_with(&format!("{below}/"));
        let outside: Vec<&str> = files.lines().filter(is_outside).collect();
        assert!(
            outside.iter().all(|line| line.ends_with('/')),
            "{outside:?}"
        );
        for name in ["main.py", "app.mpy", FILE_NAME] {
            assert!(
                files.contains(&format!("{below}/{name}")),
                "{name}: {files}"
            );
        }
    }
}

#[test]
fn what_is_in_the_way_is_an_error_and_nothing_is_written() {
    let (_project, shipment) = shipment();
    for (state, root, expected) in [
        ("import os; os.mkdir('/app.mpy')", "", "app.mpy"),
        ("import os; os.mkdir('/main.py')", "/", "main.py"),
        ("open('/file', 'w').close()", "/file", "file"),
    ] {
        let mut board = connect();
        board.run(state.as_bytes()).unwrap();
        let before = board_files(&mut board);
        let root = root.parse().unwrap();
        let error = deploy(&mut board, &shipment, &root, signed()).unwrap_err();
        // The record is what is looked for first.
        let is_of_record = matches!(error, ToBoardError::Record(_));
        assert!(
            matches!(error, ToBoardError::Sync(_)) || (is_of_record && expected == "file"),
            "{state}: {error}"
        );
        assert!(error.to_string().contains(expected), "{state}: {error}");
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.board().is_none());
        assert_eq!(board_files(&mut board), before, "{state}");
    }
}

/// Only under [`DowngradeRule::Refuse`] does a record count that says nothing.
#[test]
fn each_record_has_its_meaning() {
    let (_project, shipment) = shipment();
    let write = |text: &str| format!("with open('{FILE_NAME}', 'w') as f: f.write({text:?})");
    let record = |version: &str, time: &str| {
        write(&format!(
            "{{\"version\": \"{version}\", \"build_timestamp\": \"{time}\"}}"
        ))
    };
    enum Expected {
        Taken,
        Older,
        Unknown,
    }
    use Expected::{Older, Taken, Unknown};
    for (state, expected) in [
        (String::new(), Taken),
        (record("0.9", "2099-01-01T00:00:00Z"), Taken),
        (record("1.0", "2000-01-01T00:00:00Z"), Taken),
        (record("1.0", "2099-01-01T00:00:00Z"), Older),
        (record("1.0.1", "2000-01-01T00:00:00Z"), Older),
        (record("10", "2000-01-01T00:00:00Z"), Older),
        (write(""), Unknown),
        (write("{}"), Unknown),
        (record("9\\u001b[2J", "2000-01-01T00:00:00Z"), Unknown),
        (write(&" ".repeat(5000)), Unknown),
        (format!("import os; os.mkdir('{FILE_NAME}')"), Unknown),
    ] {
        let mut board = connect();
        board.run(state.as_bytes()).unwrap();
        let root = BoardPath::root();
        let refused = planned(&mut board, &shipment, &root, signed());
        let state = state.get(..60).unwrap_or(&state);
        match (expected, refused) {
            (Taken, Ok(plan)) => assert_eq!(plan, ALL),
            (Older, Err(ToBoardError::Downgrade(DowngradeError::Older { new, .. }))) => {
                assert_eq!(new.version, "1.0", "{state}");
            }
            (Unknown, Err(ToBoardError::Downgrade(DowngradeError::LastUnknown))) => {}
            (_, other) => panic!("{state}: {other:?}"),
        }
        // Without a signature any build is taken, and the record stays.
        let before = board_files(&mut board);
        let record_of = |files: &str| {
            let lines = files.lines().filter(|line| line.contains(FILE_NAME));
            lines.map(str::to_owned).collect::<Vec<String>>()
        };
        deploy(&mut board, &shipment, &root, Settings::default()).unwrap();
        assert_eq!(
            record_of(&board_files(&mut board)),
            record_of(&before),
            "{state}"
        );
    }
}

/// Whoever hears the events may stop: no module comes before those that it imports, and nothing is recorded before all is there.
#[test]
fn a_deployment_that_is_stopped_is_completed_by_the_next_one() {
    let project = Project::new();
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    // Long enough that there is something to stop.
    std::fs::write(
        project.path("src/noise.bin"),
        noise.take(60_000).collect::<Vec<u8>>(),
    )
    .unwrap();
    project.build("build", &["micropython"], |_| {});
    let shipment = project.load_one("build");
    let root = BoardPath::root();
    let mut interrupted = 0;
    for stop_at in (0..).step_by(4) {
        let mut board = connect();
        let mut heard = 0;
        let stopped = with_files(&mut board, |remote| {
            let deployment = to_board::plan(&shipment, remote, &root, signed())?;
            deployment.apply(remote, &mut |_| {
                heard += 1;
                match heard > stop_at {
                    true => Break(()),
                    false => Continue(()),
                }
            })
        });
        let files = board_files(&mut board);
        let has = |name: &str| files.contains(&format!("/{name} "));
        assert!(!has("main.py") || has("app.mpy"), "{files}");
        assert!(!has("app.mpy") || has("lib_a.mpy"), "{files}");
        assert!(!has(FILE_NAME) || has("main.py"), "{files}");
        let Err(error) = stopped else {
            assert!(has(FILE_NAME), "{stop_at}: {files}");
            break;
        };
        interrupted += 1;
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
        assert!(!has(FILE_NAME), "{stop_at}: {files}");
        deploy(&mut board, &shipment, &root, signed()).unwrap();
        assert_eq!(answer(&mut board), "42");
    }
    assert!(interrupted > 0);
}

#[test]
fn a_board_that_is_full_keeps_the_old_program() {
    let project = Project::new();
    std::fs::write(project.path("src/large.bin"), vec![7; 100_000]).unwrap();
    project.build("build", &["micropython"], |_| {});
    let shipment = project.load_one("build");
    let mut board = connect();
    board
        .run(
            b"with open('/main.py', 'w') as f: f.write('print(\"old\")')\n\
              block = b'x' * 4096\n\
              with open('/fill', 'wb') as f:\n try:\n  while True: f.write(block)\n except OSError: pass",
        )
        .unwrap();
    let full = deploy(&mut board, &shipment, &BoardPath::root(), signed()).unwrap_err();
    assert_eq!(full.kind(), ErrorKind::Refused, "{full}");
    assert!(full.fs().is_some(), "{full}");
    assert_eq!(answer(&mut board), "old");
    board.run(b"import os; os.remove('/fill')").unwrap();
    deploy(&mut board, &shipment, &BoardPath::root(), signed()).unwrap();
    assert_eq!(answer(&mut board), "42");
}
