//! What a sync refuses, and what it leaves as it is.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use piton::Board;
use piton::deadline::Cancel;
use piton::patterns::Patterns;
use piton::sync::{self, Error, Options};

use crate::support::{connect, files, folder, with_files, write};

fn patterns(lines: &str) -> Patterns {
    let mut patterns = Patterns::new();
    patterns.add_lines(lines);
    patterns
}

fn options(adjust: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    adjust(&mut options);
    options
}

/// Makes these files on a board, with their names as their content; a path that ends with a slash is a folder.
fn board_with(paths: &[&str]) -> Board {
    let mut board = connect();
    let mut program = "import os\n".to_owned();
    for path in paths {
        let mut folder = String::new();
        for name in path.split('/').take(path.matches('/').count()) {
            folder += &format!("/{name}");
            program += &format!("try: os.mkdir('{folder}')\nexcept OSError: pass\n");
        }
        if !path.ends_with('/') {
            program += &format!("open('/{path}', 'w').write('{path}')\n");
        }
    }
    board.run(program.as_bytes()).unwrap();
    board
}

/// Pulls `/app` and returns the plan, or the error's message without the folder.
fn pull(board: &mut Board, into: &Path, options: &Options) -> String {
    let pulled = with_files(board, |remote| -> Result<String, Error> {
        let pull = sync::pull(remote, &"/app".parse().unwrap(), into, options)?;
        let plan = pull.plan().to_string();
        pull.apply(remote, &mut |_| ControlFlow::Continue(()))?;
        Ok(plan)
    });
    let text = pulled.unwrap_or_else(|error| error.to_string());
    text.replace(&into.display().to_string(), "FOLDER")
}

fn try_push(board: &mut Board, from: &Path, options: &Options) -> Result<String, Error> {
    with_files(board, |remote| {
        let push = sync::push(remote, from, &"/app".parse().unwrap(), options)?;
        push.apply(remote, &mut |_| ControlFlow::Continue(()))?;
        Ok(push.plan().to_string())
    })
}

fn on_board(board: &mut Board, folder: &str) -> Vec<String> {
    board
        .eval(&format!("sorted(__import__('os').listdir('{folder}'))"))
        .unwrap()
}

#[test]
fn a_pull_removes_only_copies() {
    let mut board = board_with(&["app/a.py", "app/lib/b.py"]);
    let copy = folder(&[]);
    let delete = options(|options| options.delete = true);
    assert_eq!(
        pull(&mut board, copy.path(), &delete),
        "mkdir    lib/\ncreate   lib/b.py\ncreate   a.py\n"
    );
    board
        .run(b"import os\nos.remove('/app/lib/b.py')\nos.rmdir('/app/lib')")
        .unwrap();
    write(copy.path(), &[("mine.py", "mine")]);
    let lost = "1 file on this computer is not a copy of the board's and would be lost: mine.py";
    assert_eq!(pull(&mut board, copy.path(), &delete), lost);
    assert_eq!(
        files(copy.path()),
        [".piton-sync", "a.py", "lib/b.py", "mine.py"]
    );
    let keep = options(|options| {
        options.delete = true;
        options.keep = patterns("mine.py");
    });
    let plan = pull(&mut board, copy.path(), &keep);
    assert!(
        plan.contains("delete   lib/b.py") && !plan.contains("delete   mine.py"),
        "{plan}"
    );
    assert_eq!(files(copy.path()), [".piton-sync", "a.py", "mine.py"]);
}

#[test]
fn names_that_are_reserved_stay_where_they_are() {
    let mut board = board_with(&[
        "app/a.py",
        "app/.PITONIGNORE",
        "app/.piton-sync",
        "app/.piton-mip.json",
    ]);
    let copy = folder(&[]);
    let reserved = with_files(&mut board, |remote| {
        let pull = sync::pull(
            remote,
            &"/app".parse().unwrap(),
            copy.path(),
            &Options::default(),
        )?;
        let reserved = pull
            .reserved()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>();
        pull.apply(remote, &mut |_| ControlFlow::Continue(()))?;
        Ok::<_, Error>(reserved)
    });
    // The record of packages is no news; the others are.
    assert_eq!(reserved.unwrap(), ["/app/.PITONIGNORE"]);
    assert_eq!(files(copy.path()), [".piton-sync", "a.py"]);
    // Nor does a push remove them.
    let empty = folder(&[("a.py", "app/a.py")]);
    let delete = options(|options| options.delete = true);
    try_push(&mut board, empty.path(), &delete).unwrap();
    assert!(on_board(&mut board, "/app").contains(&".piton-mip.json".to_owned()));
}

#[test]
fn a_file_is_no_folder_and_a_folder_no_file() {
    let mut board = board_with(&["app", "lib/a.py/"]);
    let here = folder(&[("a.py", "")]);
    let expected = "`/app` on the board is not a folder";
    let error = try_push(&mut board, here.path(), &Options::default()).unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert_eq!(pull(&mut board, here.path(), &Options::default()), expected);
    let mut board = board_with(&["app/a.py/b.py"]);
    let error = try_push(&mut board, here.path(), &Options::default()).unwrap_err();
    assert!(
        matches!(error, Error::InTheWay { ref conflicts } if conflicts.len() == 1),
        "{error}"
    );
    assert!(pull(&mut board, here.path(), &Options::default()).contains("in the way"));
}

#[test]
fn the_order_of_files_is_that_of_the_caller() {
    let mut board = connect();
    let here = folder(&[
        ("a.py", ""),
        ("b.py", ""),
        ("lib/c.py", ""),
        ("main.py", ""),
    ]);
    let plan = with_files(&mut board, |remote| {
        let mut push = sync::push(
            remote,
            here.path(),
            &"/app".parse().unwrap(),
            &Options::default(),
        )?;
        push.arrange(&["lib/c.py", "b.py", "main.py"].map(|path| path.parse().unwrap()));
        Ok::<_, Error>(push.plan().to_string())
    });
    assert_eq!(
        plan.unwrap(),
        "mkdir    lib/\ncreate   a.py\ncreate   lib/c.py\ncreate   b.py\ncreate   main.py\n"
    );
}

#[test]
fn an_event_closure_can_stop_a_sync() {
    let mut board = connect();
    // More than the board can have taken before the flag is looked at.
    let names = (10..50).map(|number| format!("{number}.py"));
    let names: Vec<String> = names.collect();
    let text = "x = 1\n".repeat(2000);
    let files: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), text.as_str()))
        .collect();
    let here = folder(&files);
    let stopped = with_files(&mut board, |remote| {
        let push = sync::push(
            remote,
            here.path(),
            &"/app".parse().unwrap(),
            &Options::default(),
        )?;
        push.apply(remote, &mut |_| ControlFlow::Break(()))
    });
    let error = stopped.unwrap_err();
    assert_eq!(
        error.kind(),
        piton::error::ErrorKind::Interrupted,
        "{error}"
    );
    // The next one finishes it.
    try_push(&mut board, here.path(), &Options::default()).unwrap();
    assert_eq!(on_board(&mut board, "/app"), names);
}

#[test]
fn sources_can_be_minified_on_their_way() {
    let mut board = connect();
    let here = folder(&[("a.py", "# A comment.\nx  =  1\n"), ("b.txt", "# text\n")]);
    let minify = options(|options| options.make.minify = true);
    try_push(&mut board, here.path(), &minify).unwrap();
    let read = |board: &mut Board, path: &str| -> String {
        board.eval(&format!("open('/app/{path}').read()")).unwrap()
    };
    assert_eq!(
        read(&mut board, "a.py"),
        "\nx=1\n",
        "lines keep their numbers"
    );
    assert_eq!(read(&mut board, "b.txt"), "# text\n");
    write(here.path(), &[("a.py", "x = '''\n")]);
    let rejected = try_push(&mut board, here.path(), &minify);
    assert!(
        matches!(rejected, Err(Error::NotCompiled { .. })),
        "{rejected:?}"
    );
}

/// A drive of CircuitPython with these files.
fn drive(files: &[(&str, &str)]) -> tempfile::TempDir {
    let drive = folder(files);
    write(
        drive.path(),
        &[(
            "boot_out.txt",
            "Adafruit CircuitPython 10.0.3 on 2026-01-01; Board\n",
        )],
    );
    drive
}

fn push_to_drive(from: &Path, drive: &Path, options: &Options) -> Result<String, Error> {
    let push = sync::push_to_drive(from, drive, options)?;
    let plan = push.plan().to_string();
    push.apply(&Cancel::new(), &mut |_| ControlFlow::Continue(()))?;
    Ok(plan)
}

#[test]
fn a_drive_keeps_what_no_sync_has_put_there() {
    let here = folder(&[("code.py", "1"), ("lib/a.py", "2")]);
    let drive = drive(&[
        ("theirs.py", "x"),
        ("lib/theirs.py", "x"),
        ("code.py", "old"),
    ]);
    let delete = options(|options| options.delete = true);
    push_to_drive(here.path(), drive.path(), &delete).unwrap();
    let expected = [
        ".piton-sync",
        "boot_out.txt",
        "code.py",
        "lib/a.py",
        "lib/theirs.py",
        "theirs.py",
    ];
    assert_eq!(files(drive.path()), expected);
    assert_eq!(
        fs::read_to_string(drive.path().join("code.py")).unwrap(),
        "1"
    );
    // What the board's program has changed since is its own.
    fs::write(drive.path().join("lib/a.py"), "changed there").unwrap();
    fs::remove_file(here.path().join("lib/a.py")).unwrap();
    assert_eq!(
        push_to_drive(here.path(), drive.path(), &delete).unwrap(),
        ""
    );
    assert_eq!(files(drive.path()), expected);
}

#[test]
fn names_that_a_drive_has_once_are_an_error() {
    let here = folder(&[("a.py", ""), ("A.py", "")]);
    if files(here.path()).len() == 2 {
        let error = push_to_drive(here.path(), drive(&[]).path(), &Options::default()).unwrap_err();
        assert!(matches!(error, Error::Drive(_)), "{error}");
    }
    let cancel = Cancel::new();
    cancel.cancel();
    let (here, drive) = (folder(&[("a.py", "")]), drive(&[]));
    let push = sync::push_to_drive(here.path(), drive.path(), &Options::default()).unwrap();
    let error = push
        .apply(&cancel, &mut |_| ControlFlow::Continue(()))
        .unwrap_err();
    assert_eq!(error.kind(), piton::error::ErrorKind::Interrupted);
    assert!(!drive.path().join("a.py").exists());
}

#[cfg(unix)]
#[test]
fn nothing_on_a_drive_is_written_through_a_link() {
    let here = folder(&[("lib/a.py", "new")]);
    let drive = drive(&[("elsewhere/a.py", "old")]);
    std::os::unix::fs::symlink("elsewhere", drive.path().join("lib")).unwrap();
    let error = push_to_drive(here.path(), drive.path(), &Options::default()).unwrap_err();
    assert!(matches!(error, Error::InTheWay { .. }), "{error}");
    // A link that is made between the plan and the writing.
    fs::remove_file(drive.path().join("lib")).unwrap();
    let push = sync::push_to_drive(here.path(), drive.path(), &Options::default()).unwrap();
    std::os::unix::fs::symlink("elsewhere", drive.path().join("lib")).unwrap();
    let error = push
        .apply(&Cancel::new(), &mut |_| ControlFlow::Continue(()))
        .unwrap_err();
    assert!(error.to_string().contains("is a link"), "{error}");
    assert_eq!(
        fs::read_to_string(drive.path().join("elsewhere/a.py")).unwrap(),
        "old"
    );
}
