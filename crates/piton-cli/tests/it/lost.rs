//! A board that is unplugged in the middle of a command: exit code 3, with a hint, whatever the command is about.

use std::fmt::Write as _;
use std::time::Duration;

use virtual_board::Fault;

use crate::mip::Place;
use crate::support::{Outcome, words};

/// Bytes that the board still sends when a command has done its work: its banner and its prompt.
const FAREWELL: u64 = 300;

/// Where the line is cut, in percent of the bytes that the board sends for the whole command.
const CUTS: [u64; 4] = [30, 55, 80, 95];

fn place() -> Place {
    let place = Place::new();
    place.index.package(
        "two",
        "1",
        &[("two/a.mpy", "a"), ("two/b.mpy", "b")],
        &["leaf"],
    );
    place
        .index
        .package("leaf", "1", &[("leaf.mpy", "leaf")], &[]);
    let here = place.sandbox.path();
    for (name, content) in [
        ("here/main.py", "print('here')\n"),
        ("here/lib/x.py", "x = 1\n"),
    ] {
        let path = here.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content.repeat(100)).unwrap();
    }
    for (name, content) in [("there/one.py", "one"), ("there/sub/two.py", "two")] {
        let path = here.join("flash").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content.repeat(300)).unwrap();
    }
    std::fs::create_dir_all(here.join("flash/empty")).unwrap();
    place
        .sandbox
        .write("partitions.py", include_str!("../rom_partitions.py"));
    std::fs::create_dir(here.join("tree")).unwrap();
    place.sandbox.write("tree/data.bin", vec![7; 20_000]);
    place
}

/// Runs a command, after others on the same board that have no fault yet. Returns how many bytes the board sent, too.
fn run(line: &str, before: &[&str], cut: Option<u64>) -> (Outcome, u64) {
    let place = place();
    for line in before {
        let outcome = place.run(line);
        assert_eq!(outcome.code, Some(0), "{line}: {}", outcome.stderr());
    }
    let start = place.board.traffic().to_host;
    if let Some(after_bytes_to_host) = cut {
        place.board.inject(&Fault::Vanish {
            after_bytes_to_host,
            returns_after: Duration::from_secs(3600),
        });
    }
    let line = format!("--no-reconnect {} {line}", place.connect());
    let line = line.replace("INDEX", &place.index.url());
    let mut command = place.sandbox.piton();
    command.args(words(&line)).env("EDITOR", "truncate -s 5");
    let outcome = crate::support::run(command);
    (outcome, place.board.traffic().to_host - start)
}

/// Cuts the line at several places of a command.
fn check(line: &str, before: &[&str]) -> String {
    let (whole, bytes) = run(line, before, None);
    assert_eq!(whole.code, Some(0), "{line}: {}", whole.stderr());
    let mut wrong = String::new();
    for percent in CUTS {
        let cut = bytes * percent / 100;
        let (outcome, _) = run(line, before, Some(cut));
        let is_over = cut + FAREWELL > bytes && outcome.code == Some(0);
        let is_right = outcome.code == Some(3) && outcome.stderr().contains("\nhint: ");
        if !is_over && !is_right {
            let (code, stderr) = (outcome.code, outcome.stderr());
            let _ = writeln!(
                wrong,
                "{line}: cut after {cut} of {bytes} bytes: exit {code:?}: {stderr}"
            );
        }
    }
    wrong
}

fn check_all(lines: &[&str], before: &[&str]) {
    let wrong: String = lines.iter().map(|line| check(line, before)).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn commands_that_look_at_a_board() {
    check_all(
        &[
            "info",
            "df",
            "rtc",
            "ls :there",
            "tree :there",
            "cat :there/one.py",
            "sha256sum :there/one.py",
        ],
        &[],
    );
}

#[test]
fn commands_that_run_programs() {
    check_all(
        &[
            "eval 'list(range(999))'",
            "exec 'print(list(range(999)))'",
            "run here/main.py",
            "mount here exec 'import main'",
        ],
        &[],
    );
}

#[test]
fn commands_that_change_files() {
    check_all(
        &[
            "cp here/main.py :",
            "cp -r here :",
            "cp :there/one.py .",
            "cp -r :there copy",
            "mv :there/one.py :three.py",
            "mkdir :new",
            "rmdir :empty",
            "touch :new",
            "rm :there/one.py",
            "rm -r :there",
            "edit :there/one.py",
        ],
        &[],
    );
}

#[test]
fn commands_that_change_folders() {
    check_all(
        &[
            "sync here :",
            "sync :there copy",
            "sync --delete here :there",
        ],
        &[],
    );
}

#[test]
fn packages() {
    check_all(&["mip install --index INDEX two"], &[]);
    check_all(
        &["mip list", "mip update --index INDEX", "mip uninstall two"],
        &["mip install --index INDEX two"],
    );
}

#[test]
fn builds() {
    check_all(
        &["verify --board", "deploy", "deploy --dry-run"],
        &["build here"],
    );
}

/// The partitions live in the board's memory: what makes them is on the same line, which is cut as late as in the deployment.
#[test]
fn images() {
    check_all(
        &[
            "run partitions.py romfs -p 0 query",
            "run partitions.py romfs deploy tree",
            "run partitions.py romfs -p 1 deploy tree",
        ],
        &[],
    );
}

#[test]
fn resets() {
    check_all(
        &[
            "soft-reset exec 'print(list(range(999)))'",
            "resume exec 'print(list(range(999)))'",
        ],
        &[],
    );
}
