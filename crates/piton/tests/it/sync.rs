//! Folders of this computer, of a board and of a drive that become alike.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use piton::Board;
use piton::compiler::Options as CompilerOptions;
use piton::deadline::{Cancel, Deadline};
use piton::facts::BoardFacts;
use piton::patterns::Patterns;
use piton::repl::Entry;
use piton::sync::{self, Error, HostTree, Links, Options};
use piton::syntax::Target;

use crate::support::{connect, files, folder, with_files, write};

fn patterns(lines: &str) -> Patterns {
    let mut patterns = Patterns::new();
    patterns.add_lines(lines);
    patterns
}

fn walk(root: &Path, links: Links) -> Result<HostTree, Error> {
    sync::walk(root, &Patterns::new(), links)
}

/// The paths of a tree.
fn paths(host: &HostTree) -> Vec<String> {
    host.tree.iter().map(|(path, _)| path.to_string()).collect()
}

/// Pushes, and returns the plan.
fn push(board: &mut Board, root: &Path, options: &Options) -> Result<String, Error> {
    with_files(board, |remote| {
        let push = sync::push(remote, root, &"/app".parse().unwrap(), options)?;
        push.apply(remote, &mut |_| ControlFlow::Continue(()))?;
        Ok(push.plan().to_string())
    })
}

/// Pulls, and returns the plan.
fn pull(board: &mut Board, root: &Path, options: &Options) -> Result<String, Error> {
    with_files(board, |remote| {
        let pull = sync::pull(remote, &"/app".parse().unwrap(), root, options)?;
        let plan = pull.plan().to_string();
        pull.apply(remote, &mut |_| ControlFlow::Continue(()))?;
        Ok(plan)
    })
}

#[test]
fn machine_code_is_refused_before_anything_is_written_to_a_board_without_it() {
    let folder = folder(&[
        ("a.py", "x = 1\n"),
        (
            "fast.py",
            "import micropython\n@micropython.viper\ndef f() -> int:\n    return 1\n",
        ),
    ]);
    let mut board = connect();
    let facts = board.facts().unwrap();
    let mut options = Options::default();
    options.make.compile = Some(sync::compiler_options(&facts).unwrap());
    let refused = push(&mut board, folder.path(), &options).unwrap_err();
    assert!(matches!(&refused, Error::NotCompiled { rejected } if rejected.len() == 1));
    let mut raw = board.raw_repl(Entry::KeepState, Deadline::NEVER).unwrap();
    let is_there = "'app' in __import__('os').listdir('/')";
    assert!(!raw.eval::<bool>(is_there, Deadline::NEVER).unwrap());
}

#[test]
fn a_tree_is_what_is_not_ignored() {
    let folder = folder(&[
        ("main.py", ""),
        ("lib/a.py", ""),
        ("lib/a.log", ""),
        ("lib/.pitonignore", "*.log\n"),
        ("b.log", ""),
        (".git/config", ""),
        ("app.key", ""),
        ("lib/.piton-mip.json", "{}"),
    ]);
    let host = walk(folder.path(), Links::Follow).unwrap();
    assert_eq!(paths(&host), ["b.log", "lib", "lib/a.py", "main.py"]);
    assert_eq!(host.private, [folder.path().join("app.key")]);
    // The caller's patterns come last, so they can take back what a file leaves out.
    let host = sync::walk(folder.path(), &patterns("!*.log\n/b.log\n"), Links::Follow).unwrap();
    assert_eq!(paths(&host), ["lib", "lib/a.log", "lib/a.py", "main.py"]);
}

#[test]
fn what_is_no_folder_is_an_error() {
    let folder = folder(&[("a.py", ""), ("odd/.pitonignore/", "")]);
    for name in ["a.py", "nowhere", "odd"] {
        let error = walk(&folder.path().join(name), Links::Follow).unwrap_err();
        assert!(matches!(error, Error::Read { .. }), "{name}: {error}");
    }
}

#[cfg(unix)]
mod links {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_or_left_out() {
        let folder = folder(&[("lib/a.py", "x"), ("app/b.py", "")]);
        let app = folder.path().join("app");
        symlink("../lib", app.join("lib")).unwrap();
        symlink("../lib/a.py", app.join("a.py")).unwrap();
        symlink("nowhere", app.join("c.py")).unwrap();
        let host = walk(&app, Links::Follow).unwrap();
        assert_eq!(paths(&host), ["a.py", "b.py", "lib", "lib/a.py"]);
        assert_eq!(host.dangling, [app.join("c.py")]);
        let host = walk(&app, Links::Skip).unwrap();
        assert_eq!(paths(&host), ["b.py"]);
        assert!(host.dangling.is_empty());
    }

    #[test]
    fn a_circle_is_an_error_unless_it_is_left_out() {
        let folder = folder(&[("lib/a.py", "")]);
        symlink("..", folder.path().join("lib/up")).unwrap();
        let error = walk(folder.path(), Links::Follow).unwrap_err();
        assert!(matches!(error, Error::Circle { ref path } if path.ends_with("lib/up")));
        assert!(walk(folder.path(), Links::Skip).is_ok());
        let ignored = sync::walk(folder.path(), &patterns("up"), Links::Follow).unwrap();
        assert_eq!(paths(&ignored), ["lib", "lib/a.py"]);
    }

    #[test]
    fn a_name_that_no_board_has_is_an_error_unless_it_is_left_out() {
        let folder = folder(&[("a.py", "")]);
        let name = std::ffi::OsStr::from_bytes(b"b\xff.bin");
        // Not every file system takes such a name.
        if fs::write(folder.path().join(name), "").is_err() {
            return;
        }
        let error = walk(folder.path(), Links::Follow).unwrap_err();
        assert!(matches!(error, Error::NotText { .. }), "{error}");
        let host = sync::walk(folder.path(), &patterns("*.bin"), Links::Follow).unwrap();
        assert_eq!(paths(&host), ["a.py"]);
    }

    #[test]
    fn a_pull_writes_through_no_link() {
        let mut board = connect();
        let source = folder(&[("a.py", "new\n")]);
        push(&mut board, source.path(), &Options::default()).unwrap();
        let here = folder(&[("outside.py", "old\n"), ("copy/", "")]);
        let copy = here.path().join("copy");
        symlink("../outside.py", copy.join("a.py")).unwrap();
        let result = pull(&mut board, &copy, &Options::default());
        assert!(matches!(result, Err(Error::InTheWay { .. })), "{result:?}");
        let outside = fs::read_to_string(here.path().join("outside.py"));
        assert_eq!(outside.unwrap(), "old\n");
    }
}

#[test]
fn a_push_sends_what_is_new_and_removes_what_it_may() {
    let mut board = connect();
    let folder = folder(&[("main.py", "1\n"), ("lib/a.py", "2\n"), ("lib/b.py", "3\n")]);
    let mut options = Options::default();
    let first = push(&mut board, folder.path(), &options).unwrap();
    let created = ["create   lib/a.py", "create   lib/b.py", "create   main.py"];
    for line in created {
        assert!(first.contains(line), "{first}");
    }
    assert!(first.ends_with("create   main.py\n"), "{first}");
    assert_eq!(push(&mut board, folder.path(), &options).unwrap(), "");
    write(folder.path(), &[("lib/a.py", "20\n")]);
    fs::remove_file(folder.path().join("lib/b.py")).unwrap();
    let changed = push(&mut board, folder.path(), &options).unwrap();
    assert_eq!(changed, "replace  lib/a.py\n");
    options.delete = true;
    options.keep = patterns("lib/b.py");
    // What is kept is said, and stays.
    push(&mut board, folder.path(), &options).unwrap();
    options.keep = Patterns::new();
    let removed = push(&mut board, folder.path(), &options).unwrap();
    assert_eq!(removed, "delete   lib/b.py\n");
}

#[test]
fn sources_are_compiled_on_their_way_and_take_the_place_of_the_old_ones() {
    let mut board = connect();
    let folder = folder(&[("main.py", "import a\n"), ("a.py", "print('compiled')\n")]);
    push(&mut board, folder.path(), &Options::default()).unwrap();
    let cache = tempfile::tempdir().unwrap();
    let mut options = Options::default();
    options.make.compile = Some(CompilerOptions::new(""));
    options.make.cache = Some(cache.path().to_owned());
    let plan = push(&mut board, folder.path(), &options).unwrap();
    assert_eq!(plan, "create   a.mpy\ndelete   a.py\n");
    assert_eq!(files(cache.path()).len(), 1);
    let said = board.run(b"import os\nos.chdir('/app')\nimport a").unwrap();
    assert_eq!(said, b"compiled\r\n");
    write(folder.path(), &[("a.py", "x = = 1\n")]);
    let rejected = push(&mut board, folder.path(), &options);
    assert!(matches!(rejected, Err(Error::NotCompiled { ref rejected }) if rejected.len() == 1));
}

#[test]
fn a_pull_loses_nothing_of_this_computer() {
    let mut board = connect();
    let source = folder(&[("a.py", "1\n"), ("lib/b.py", "2\n")]);
    push(&mut board, source.path(), &Options::default()).unwrap();
    let copy = folder(&[]);
    let mut options = Options::default();
    pull(&mut board, copy.path(), &options).unwrap();
    assert_eq!(
        fs::read_to_string(copy.path().join("lib/b.py")).unwrap(),
        "2\n"
    );
    assert_eq!(pull(&mut board, copy.path(), &options).unwrap(), "");
    write(copy.path(), &[("a.py", "changed here\n")]);
    let lost = pull(&mut board, copy.path(), &options);
    assert!(matches!(lost, Err(Error::WouldBeLost { .. })), "{lost:?}");
    options.force = true;
    pull(&mut board, copy.path(), &options).unwrap();
    assert_eq!(fs::read_to_string(copy.path().join("a.py")).unwrap(), "1\n");
    let missing = with_files(&mut board, |remote| {
        let pulled = sync::pull(remote, &"/no".parse().unwrap(), copy.path(), &options);
        pulled.map(drop)
    });
    assert!(matches!(missing, Err(Error::NoFolder { .. })));
}

#[test]
fn a_drive_gets_compiled_modules_and_keeps_what_its_board_runs() {
    let drive = folder(&[
        (
            "boot_out.txt",
            "Adafruit CircuitPython 10.0.3 on 2026-01-01; Board\n",
        ),
        ("theirs.txt", "theirs"),
    ]);
    assert!(sync::is_drive(drive.path()));
    let project = folder(&[
        ("code.py", "import a\n"),
        ("repl.py", "print(1)\n"),
        ("safemode.py", ""),
        ("a.py", "x = 1\n"),
        ("old.py", "x = 1\n"),
    ]);
    let mut options = Options::default();
    options.delete = true;
    options.make.compile = Some(sync::drive_compiler_options(drive.path()).unwrap());
    let apply = |options: &Options| {
        let push = sync::push_to_drive(project.path(), drive.path(), options).unwrap();
        let plan = push.plan().to_string();
        push.apply(&Cancel::new(), &mut |_| ControlFlow::Continue(()))
            .unwrap();
        plan
    };
    apply(&options);
    let visible = |name: &String| !name.starts_with(".piton");
    let found = || files(drive.path()).into_iter().filter(visible);
    let expected = [
        "a.mpy",
        "boot_out.txt",
        "code.py",
        "old.mpy",
        "repl.py",
        "safemode.py",
        "theirs.txt",
    ];
    assert!(found().eq(expected), "{:?}", found().collect::<Vec<_>>());
    assert_eq!(fs::read(drive.path().join("a.mpy")).unwrap()[0], b'C');
    assert_eq!(apply(&options), "");
    // Only what a sync has put there, and nobody has changed, is removed.
    fs::remove_file(project.path().join("old.py")).unwrap();
    assert_eq!(apply(&options), "delete   old.mpy\n");
    assert!(drive.path().join("theirs.txt").exists());
    // What the compiler does not know is not guessed.
    write(
        drive.path(),
        &[("boot_out.txt", "Adafruit CircuitPython 12.0.0\n")],
    );
    let unknown = sync::drive_compiler_options(drive.path());
    assert!(matches!(unknown, Err(Error::NoMpy { version: None })));
}

#[test]
fn a_board_says_how_sources_are_compiled_for_it() {
    let mut board = connect();
    let facts = piton::facts::board_facts(
        &mut board
            .raw_repl(
                piton::repl::Entry::KeepState,
                piton::deadline::Deadline::NEVER,
            )
            .unwrap(),
        piton::deadline::Deadline::NEVER,
    );
    let options = sync::compiler_options(&facts.unwrap()).unwrap();
    assert_eq!(options.target, Target::NEWEST);
    let unknown = sync::compiler_options(&BoardFacts::default());
    assert!(matches!(unknown, Err(Error::NoMpy { version: None })));
}

#[test]
fn a_check_finds_what_a_board_would_refuse() {
    let folder = folder(&[
        ("good.py", "x = 1\n"),
        ("bad.py", "x = = 1\n"),
        ("indent.py", "if x:\nreturn\n"),
        (
            "native.py",
            "import micropython\n@micropython.native\ndef f():\n    pass\n",
        ),
        ("text.txt", "x = = 1\n"),
    ]);
    let options = Options::default();
    let found = sync::check(folder.path(), &options, &CompilerOptions::new("")).unwrap();
    let names = found.iter().map(|(path, _)| path.as_str());
    assert_eq!(names.collect::<Vec<_>>(), ["bad.py", "indent.py"]);
}
