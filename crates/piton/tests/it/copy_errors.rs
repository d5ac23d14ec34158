//! Copies that fail: why, what was copied before, and that nothing is half.

use std::fs;
use std::ops::ControlFlow::Continue;
use std::time::Duration;

use piton::copy::{self, CopyEvent, Error, Options, Place};
use piton::error::{ErrorKind, FsError};
use piton::virtual_board::Fault;

use crate::copy::{Bench, recursive};

const FILES: &[(&str, &str)] = &[("a.py", "new a"), ("b.py", "new b"), ("app/c.py", "new c")];

/// The facts of an error that do not depend on the system's words.
fn told(error: &Error) -> String {
    let (what, fs) = match error {
        Error::ReadBoard(error) => ("read :", error),
        Error::WriteBoard(error) => ("write :", error),
        Error::ReadHost { path, .. } => return format!("read {}", name(path)),
        Error::WriteHost { path, .. } => return format!("write {}", name(path)),
        Error::NotText { .. } => return "not text".to_owned(),
        error => return error.to_string(),
    };
    let path = fs.path().map(ToString::to_string).unwrap_or_default();
    let why = match fs {
        FsError::NotFound { .. } => "not found",
        FsError::IsADirectory { .. } => "a folder",
        FsError::NotADirectory { .. } => "not a folder",
        FsError::NoSpace { .. } => "no space",
        FsError::ReadOnly { .. } => "read-only",
        FsError::Exists { .. } => "exists",
        other => return format!("{what}{path}: {other}"),
    };
    format!("{what}{path}: {why}")
}

fn name(path: &std::path::Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Copies between [`FILES`] on this computer and a board that has run `setup`. Compares the error, the events before it and the
/// files of the board after it.
#[track_caller]
fn check(
    setup: &str,
    (sources, destination): (&[&str], &str),
    options: &Options,
    (error, reported, on_board): (&str, &[&str], &str),
) {
    let bench = Bench::new(FILES, &[]);
    bench.run(setup);
    let (events, copied) = bench.copy(sources, destination, options);
    let found = copied.as_ref().err().map(told).unwrap_or_default();
    assert_eq!(found, error, "{sources:?} to {destination}");
    let kinds = [ErrorKind::Refused, ErrorKind::NoConnection];
    let kind = copied.err().map(|error| error.kind());
    assert_eq!(kind, Some(kinds[0]), "the board and its line are well");
    assert_eq!(events, reported, "{sources:?} to {destination}");
    assert_eq!(bench.on_board(), on_board, "{sources:?} to {destination}");
}

#[test]
fn something_else_is_in_the_way_on_the_board() {
    let plain = Options::default();
    let folder = "import os; os.mkdir('/a.py')";
    check(
        folder,
        (&["b.py", "a.py"], ":/"),
        &plain,
        (
            "write :/a.py: a folder",
            &["source 0", "source 1"],
            "/a.py/\n/b.py new b\n",
        ),
    );
    let file = "with open('/app', 'w') as f: f.write('mine')";
    check(
        file,
        (&["app"], ":/"),
        &recursive(),
        ("write :/app: not a folder", &["source 0"], "/app mine\n"),
    );
    check(
        file,
        (&["a.py"], ":/app/a.py"),
        &plain,
        (
            "write :/app/a.py: not a folder",
            &["source 0"],
            "/app mine\n",
        ),
    );
    check(
        file,
        (&["a.py", "b.py"], ":/app"),
        &plain,
        (
            "the destination is not a folder",
            &["source 0"],
            "/app mine\n",
        ),
    );
}

#[test]
fn a_board_that_refuses_to_write() {
    let full = "block = b'x' * 4096\n\
                with open('/old', 'w') as f: f.write('old')\n\
                with open('/fill', 'wb') as f:\n try:\n  while True: f.write(block)\n except OSError: pass";
    let bench = Bench::new(&[("large", &"x".repeat(30_000))], &[]);
    bench.run(full);
    for (sources, destination) in [(&["large"][..], ":/old"), (&["large"], ":/new")] {
        let (_, copied) = bench.copy(sources, destination, &Options::default());
        let error = copied.unwrap_err();
        assert!(
            matches!(error.fs(), Some(FsError::NoSpace { .. })),
            "{destination}: {error}"
        );
        assert_eq!(bench.run("print(open('/old').read())"), "old\n");
    }
    let names = bench.run("import os; print(sorted(os.listdir('/')))");
    assert_eq!(names, "['fill', 'old']\n", "nothing is left of the tries");
    // A file system that can only be read.
    let read_only = "import os\nclass Disk:\n def mount(self, readonly, mkfs): pass\n def umount(self): pass\n \
                     def stat(self, path): return (0x4000,) + (0,) * 9\n \
                     def ilistdir(self, path): return iter([])\n \
                     def open(self, path, mode): raise OSError(30)\n\
                     os.mount(Disk(), '/ro')";
    bench.run(read_only);
    let (_, copied) = bench.copy(&["large"], ":/ro/large", &Options::default());
    let error = copied.unwrap_err();
    assert!(matches!(error, Error::WriteBoard(_)), "{error}");
    assert_eq!(error.fs().unwrap().os_error_number(), Some(30), "{error}");
}

#[test]
fn what_cannot_be_read_or_written_here() {
    let bench = Bench::new(
        &[("a.py", "a"), ("file", "mine")],
        &[("/x.py", "x"), ("/d/y.py", "y")],
    );
    let plain = Options::default();
    for (sources, destination, options, expected) in [
        (&["missing"][..], ":/", &plain, "read missing"),
        (&["missing"], ":/", &recursive(), "read missing"),
        (&[":/missing"], "here", &plain, "read :/missing: not found"),
        (
            &[":/missing"],
            "here",
            &recursive(),
            "read :/missing: not found",
        ),
        (
            &[":/missing"],
            ":/there",
            &plain,
            "read :/missing: not found",
        ),
        (
            &[":/d"],
            "here",
            &plain,
            "a folder is copied only with its contents",
        ),
        (&[":/x.py"], "nowhere/x.py", &plain, "write x.py"),
        (&[":/x.py"], "file/x.py", &plain, "write x.py"),
        (&[":/d"], "file", &recursive(), "write d"),
        (
            &[":/x.py", ":/d/y.py"],
            "file",
            &plain,
            "the destination is not a folder",
        ),
        (
            &[":/x.py", ":/d/y.py"],
            "nowhere",
            &plain,
            "the destination does not exist",
        ),
        (&["a.py"], "nowhere/a.py", &plain, "write a.py"),
    ] {
        let (_, copied) = bench.copy(sources, destination, options);
        let error = copied.unwrap_err();
        assert_eq!(
            told(&error),
            expected,
            "{sources:?} to {destination}: {error}"
        );
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.board().is_none());
    }
    assert_eq!(fs::read(bench.host.path().join("file")).unwrap(), b"mine");
    assert_eq!(bench.on_board(), "/d/\n/d/y.py y\n/x.py x\n");
}

/// Files come and go between the plan and the copy: what is copied is what is there then.
#[test]
fn what_changes_between_the_plan_and_the_copy() {
    /// Sources, destination, the change in between, and the content or the error.
    type Case<'a> = (&'a [&'a str], &'a str, fn(&Bench), Result<&'a str, &'a str>);
    let grown = "y".repeat(40_000);
    let cases: &[Case<'_>] = &[
        // One small file goes with a program of its own.
        (
            &["a.py"],
            ":/x",
            |bench| bench.write("a.py", "other"),
            Ok("other"),
        ),
        (
            &["a.py"],
            ":/x",
            |bench| bench.write("a.py", &"y".repeat(40_000)),
            Ok(&grown),
        ),
        (
            &["a.py"],
            ":/x",
            |bench| bench.remove("a.py"),
            Err("read a.py"),
        ),
        (
            &["a.py"],
            ":/x",
            |bench| drop(bench.run("import os; os.mkdir('/x')")),
            Ok("in a folder"),
        ),
        // Several go in a stream.
        (
            &["a.py", "b.py"],
            ":/d",
            |bench| bench.remove("b.py"),
            Err("read b.py"),
        ),
        (
            &["a.py", "b.py"],
            ":/d",
            |bench| bench.write("b.py", "much longer"),
            Err("read b.py"),
        ),
        (
            &["a.py", "b.py"],
            ":/d",
            |bench| drop(bench.run("import os; os.rmdir('/d')")),
            Err("write :/d/a.py: not found"),
        ),
        (
            &[":/y"],
            "here",
            |bench| drop(bench.run("import os; os.remove('/y')")),
            Err("read :/y: not found"),
        ),
        (
            &[":/y"],
            ":/x",
            |bench| drop(bench.run("import os; os.remove('/y')")),
            Err("read :/y: not found"),
        ),
    ];
    for (number, (sources, destination, change, expected)) in cases.iter().enumerate() {
        let bench = Bench::new(FILES, &[("/y", "y")]);
        bench.run("import os; os.mkdir('/d')");
        let plan = bench.plan(sources, destination, &Options::default());
        change(&bench);
        let copied = bench.with(|remote| copy::apply(plan, remote, &mut |_| Continue(())));
        match (copied, expected) {
            (Err(error), Err(expected)) => assert_eq!(told(&error), *expected, "{number}"),
            (Ok(()), Ok("in a folder")) => {
                assert_eq!(bench.run("print(open('/x/a.py').read())"), "new a\n");
            }
            (Ok(()), Ok(expected)) => {
                let found = bench.run("print(open('/x').read())");
                assert_eq!(found.trim_end(), *expected, "{number}");
            }
            (copied, _) => panic!("{number}: {copied:?}"),
        }
    }
}

/// Whatever byte the line breaks at, a file here is the old one or the new one, and the error says that the board is gone.
#[test]
fn a_line_that_breaks_leaves_whole_files_here() {
    let text = "0123456789abcdef".repeat(600);
    let bench = Bench::new(
        &[("here/1", "old"), ("here/2", "old")],
        &[("/from/1", &text), ("/from/2", "two")],
    );
    let sources = [bench.place(":/from/1"), bench.place(":/from/2")];
    let destination = bench.place("here");
    let mut broken = 0;
    for after_bytes_to_host in (0..).step_by(150) {
        for name in ["1", "2"] {
            bench.write(&format!("here/{name}"), "old");
        }
        let copied = bench.with(|remote| {
            let plan = copy::plan(remote, &sources, &destination, &Options::default())?;
            bench.virtual_board.inject(&Fault::Vanish {
                after_bytes_to_host,
                returns_after: Duration::from_millis(1),
            });
            copy::apply(plan, remote, &mut |_| Continue(()))
        });
        let read =
            |name: &str| fs::read_to_string(bench.host.path().join("here").join(name)).unwrap();
        let files = [read("1"), read("2")];
        let Err(error) = copied else {
            assert_eq!(files, [text.as_str(), "two"]);
            break;
        };
        broken += 1;
        assert_eq!(error.kind(), ErrorKind::NoConnection, "{error}");
        assert!(error.board().is_some(), "{error}");
        assert!(
            ["old", &text].contains(&files[0].as_str()),
            "{after_bytes_to_host}"
        );
        assert!(
            ["old", "two"].contains(&files[1].as_str()),
            "{after_bytes_to_host}"
        );
        let names = fs::read_dir(bench.host.path().join("here"))
            .unwrap()
            .count();
        assert_eq!(names, 2, "nothing is left of the try");
        bench.wait_for_boot();
    }
    assert!(broken > 5, "{broken}");
}

#[test]
fn the_events_add_up() {
    let bench = Bench::new(
        &[
            ("1", &"x".repeat(5000)),
            ("2", &"y".repeat(3000)),
            ("3", ""),
        ],
        &[("/big", &"z".repeat(4000))],
    );
    for (sources, destination, total) in [
        (&["1", "2", "3"][..], ":/", 8000),
        (&[":/big", ":/1"], "here", 9000),
        (&[":/big"], ":/copy", 4000),
    ] {
        let sources: Vec<Place> = sources.iter().map(|text| bench.place(text)).collect();
        if destination == "here" {
            fs::create_dir(bench.host.path().join("here")).unwrap();
        }
        let destination = bench.place(destination);
        let (mut streams, mut open, mut most, mut last) = (0, false, 0, 0);
        bench.with(|remote| {
            let plan = copy::plan(remote, &sources, &destination, &Options::default()).unwrap();
            let copied = copy::apply(plan, remote, &mut |event| {
                match event {
                    CopyEvent::Begin { .. } => {
                        assert!(!open);
                        (open, last, streams) = (true, 0, streams + 1);
                    }
                    CopyEvent::Moved { bytes, of } => {
                        assert!(open && bytes <= of && bytes >= last, "{event:?}");
                        last = bytes;
                        most = most.max(bytes);
                    }
                    CopyEvent::End => {
                        assert!(open);
                        open = false;
                    }
                    _ => {}
                }
                Continue(())
            });
            copied.unwrap();
        });
        assert!(!open && streams > 0, "{destination:?}");
        assert_eq!(most, total, "{destination:?}");
    }
}

#[cfg(unix)]
mod on_unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_name_that_no_board_has() {
        let bench = Bench::new(&[("app/a.py", "a")], &[]);
        let bad = bench
            .host
            .path()
            .join("app")
            .join(OsStr::from_bytes(b"\xff.py"));
        fs::write(&bad, "b").unwrap();
        let (_, copied) = bench.copy(&["app"], ":/", &recursive());
        assert!(
            matches!(&copied, Err(Error::NotText { path }) if *path == bad),
            "{copied:?}"
        );
        let sources = [Place::Host(bad)];
        bench.run("import os; os.mkdir('/d')");
        let destination = bench.place(":/d/");
        let plan =
            bench.with(|remote| copy::plan(remote, &sources, &destination, &Options::default()));
        let plan = plan.unwrap();
        assert!(
            matches!(plan.failure(), Some(Error::NotText { .. })),
            "{plan:?}"
        );
        assert_eq!(bench.on_board(), "/d/\n");
    }

    fn pipe(bench: &Bench, name: &str) {
        let made = Command::new("mkfifo")
            .arg(bench.host.path().join(name))
            .status();
        assert!(made.unwrap().success());
    }

    /// A pipe has no size before its end, so that it is read before anything is sent. What the board has is not sent again.
    #[test]
    fn a_pipe_is_copied_when_it_is_named_and_refused_in_a_folder() {
        let bench = Bench::new(&[("app/a.py", "a")], &[("/pipe", "old")]);
        pipe(&bench, "pipe");
        for expected in [&["source 0"][..], &["source 0", "unchanged /pipe"]] {
            let path = bench.host.path().join("pipe");
            let writer = std::thread::spawn(move || fs::write(path, "piped").unwrap());
            let (events, copied) = bench.copy(&["pipe"], ":/", &Options::default());
            copied.unwrap();
            writer.join().unwrap();
            assert_eq!(events, expected);
            assert_eq!(bench.on_board(), "/pipe piped\n");
        }
        pipe(&bench, "app/pipe");
        let (_, copied) = bench.copy(&["app"], ":/", &recursive());
        let error = copied.unwrap_err();
        assert!(error.to_string().contains("a pipe or a device"), "{error}");
        assert_eq!(
            bench.on_board(),
            "/pipe piped\n",
            "nothing of the folder is copied"
        );
    }
}
