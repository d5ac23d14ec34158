//! `sync` in both directions, on a virtual board whose files are in a folder of the sandbox.

use insta::assert_snapshot;

use crate::support::{Outcome, Sandbox, words};

/// A sandbox with a project in it, and a board whose files are in `board`.
struct Place {
    sandbox: Sandbox,
}

impl Place {
    fn new() -> Place {
        let place = Place {
            sandbox: Sandbox::new(),
        };
        for (path, text) in [
            ("app/main.py", "import helper\n"),
            ("app/boot.py", "print('booted')\n"),
            ("app/lib/helper.py", "print('helped')\n"),
            ("app/.git/config", "secret"),
            ("app/__pycache__/main.pyc", "x"),
            ("app/notes.txt", "not for the board\n"),
            ("app/.pitonignore", "# what stays here\n*.txt\n"),
        ] {
            place.write(path, text);
        }
        std::fs::create_dir(place.sandbox.path().join("app/empty")).unwrap();
        std::fs::create_dir(place.sandbox.path().join("board")).unwrap();
        place
    }

    fn read(&self, path: &str) -> String {
        String::from_utf8(self.sandbox.read(path)).unwrap()
    }

    fn write(&self, path: &str, text: &str) {
        let whole = self.sandbox.path().join(path);
        std::fs::create_dir_all(whole.parent().unwrap()).unwrap();
        self.sandbox.write(path, text);
    }

    fn show(&self, line: &str) -> String {
        self.sandbox
            .show(&format!("connect virtual:board {line}"))
            .replace(" connect virtual:board", "")
    }

    fn run(&self, line: &str) -> Outcome {
        let mut all = words("connect virtual:board");
        all.extend(words(line));
        self.sandbox.run_words(&all)
    }

    /// What is below a folder: paths, folders with a slash.
    fn files(&self, folder: &str) -> Vec<String> {
        let root = self.sandbox.path().join(folder);
        let mut found = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
                let name = name.replace('\\', "/");
                if path.is_dir() && !path.is_symlink() {
                    found.push(format!("{name}/"));
                    folders.push(path);
                } else {
                    found.push(name);
                }
            }
        }
        found.sort();
        found
    }
}

#[test]
fn a_folder_goes_to_the_board_and_then_only_what_changed() {
    let place = Place::new();
    assert_snapshot!(place.show("sync -n app"), @r"
    $ piton sync -n app
    --- stdout
    mkdir    empty/
    mkdir    lib/
    create   lib/helper.py
    create   boot.py
    create   main.py
    --- exit 0
    ");
    assert!(place.files("board").is_empty());
    assert_snapshot!(place.show("sync app"), @r"
    $ piton sync app
    --- stdout
    mkdir    empty/
    mkdir    lib/
    create   lib/helper.py
    create   boot.py
    create   main.py
    --- stderr
    copied 3 files, 46 bytes
    --- exit 0
    ");
    assert_eq!(
        place.files("board"),
        ["boot.py", "empty/", "lib/", "lib/helper.py", "main.py"]
    );
    assert_eq!(
        place.sandbox.read("board/lib/helper.py"),
        b"print('helped')\n"
    );
    assert_snapshot!(place.show("sync app :"), @r"
    $ piton sync app :
    --- stderr
    copied 0 files, 0 bytes; 3 unchanged
    --- exit 0
    ");

    // A change of one byte, and files that only the board has.
    place.write("app/lib/helper.py", "print('Helped')\n");
    place.write("board/old.py", "old");
    place.write("board/data/log.csv", "1,2\n");
    place.write("board/notes.txt", "the board's own");
    assert_snapshot!(place.show("--json sync app --dry-run --delete --keep data/"), @r#"
    $ piton --json sync app --dry-run --delete --keep data/
    --- stdout
    {"steps":[{"action":"replace","path":"lib/helper.py","size":16},{"action":"delete","path":"old.py"}],"kept":["data"],"unchanged":["boot.py","main.py"]}
    --- exit 0
    "#);
    assert_snapshot!(place.show("sync app --delete --keep data/"), @r"
    $ piton sync app --delete --keep data/
    --- stdout
    replace  lib/helper.py
    delete   old.py
    keep     data
    --- stderr
    copied 1 file, 16 bytes; 1 removed; 2 unchanged
    --- exit 0
    ");
    assert_eq!(
        place.files("board"),
        [
            "boot.py",
            "data/",
            "data/log.csv",
            "empty/",
            "lib/",
            "lib/helper.py",
            "main.py",
            "notes.txt"
        ]
    );
}

#[test]
fn what_is_in_the_way_stays_unless_it_may_be_removed() {
    let place = Place::new();
    place.write("board/lib", "a file");
    place.write("board/main.py/inside", "a folder");
    assert_snapshot!(place.show("sync app"), @r"
    $ piton sync app
    --- stderr
    piton: 2 things are in the way: `lib` is a file at the destination, and a folder at the source, `main.py` is a folder at the destination, and a file at the source

    hint: `--delete` removes the entries in the way
    --- exit 1
    ");
    assert_eq!(place.files("board"), ["lib", "main.py/", "main.py/inside"]);
    assert_snapshot!(place.show("sync --delete --keep inside app"), @r"
    $ piton sync --delete --keep inside app
    --- stderr
    piton: 1 thing is in the way: `main.py` at the destination is protected and in the way
    --- exit 1
    ");
    assert_snapshot!(place.show("sync --delete --verify app"), @r"
    $ piton sync --delete --verify app
    --- stdout
    delete   lib
    delete   main.py/inside
    rmdir    main.py/
    mkdir    empty/
    mkdir    lib/
    create   lib/helper.py
    create   boot.py
    create   main.py
    --- stderr
    copied 3 files, 46 bytes; 2 removed
    --- exit 0
    ");
    assert_eq!(place.sandbox.read("board/main.py"), b"import helper\n");
}

#[test]
fn patterns_of_the_command_line_come_last_and_folders_are_made() {
    let place = Place::new();
    place.write("app/deep/.pitonignore", "/a.log\n");
    place.write("app/deep/a.log", "");
    place.write("app/deep/b.log", "");
    let outcome = place.run(
        "sync --ignore boot.py --ignore /empty --ignore '!notes.txt' --ignore '!__pycache__/' app :a/b",
    );
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    assert_eq!(
        place.files("board"),
        [
            "a/",
            "a/b/",
            "a/b/__pycache__/",
            "a/b/deep/",
            "a/b/deep/b.log",
            "a/b/lib/",
            "a/b/lib/helper.py",
            "a/b/main.py",
            "a/b/notes.txt"
        ]
    );
}

#[test]
fn sources_are_compiled_for_the_board_and_take_the_place_of_their_twins() {
    let place = Place::new();
    place.write("app/helper.py", "print('helped twice')\n");
    place.write("board/helper.py", "print('old')\n");
    assert_snapshot!(place.show("sync --compile --ignore lib app + exec 'import main'"), @r"
    $ piton sync --compile --ignore lib app + exec 'import main'
    --- stdout
    mkdir    empty/
    create   helper.mpy
    create   boot.py
    create   main.py
    delete   helper.py
    helped twice\r
    --- stderr
    copied 3 files, 78 bytes; 1 removed
    --- exit 0
    ");
    assert_eq!(
        place.files("board"),
        ["boot.py", "empty/", "helper.mpy", "main.py"]
    );
    // The compiler makes the same file again.
    assert_snapshot!(place.show("sync --compile --ignore lib app"), @r"
    $ piton sync --compile --ignore lib app
    --- stderr
    copied 0 files, 0 bytes; 3 unchanged
    --- exit 0
    ");
    place.write("app/helper.py", "def f(:\n");
    assert_snapshot!(place.show("sync --compile --ignore lib app"), @r"
    $ piton sync --compile --ignore lib app
    --- stderr
    error: SyntaxError: invalid syntax
     --> app/helper.py:1
      |
    1 | def f(:
      |      ^ '(' was never closed

    --- exit 1
    ");
}

#[test]
fn sources_are_minified_and_stay_sources() {
    let place = Place::new();
    place.write(
        "app/lib/helper.py",
        "\"\"\"What it is for.\"\"\"\n\ndef help( x ):  # a comment\n    return x + 1\n",
    );
    let outcome = place.run("sync --minify --ignore empty app");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    assert_eq!(
        place.sandbox.read("board/lib/helper.py"),
        b"\n\ndef help(x):\n return x+1\n"
    );
    assert_snapshot!(place.show("sync --minify app + exec 'import lib.helper; print(lib.helper.help(1))'"), @r"
    $ piton sync --minify app + exec 'import lib.helper; print(lib.helper.help(1))'
    --- stdout
    mkdir    empty/
    2\r
    --- stderr
    copied 0 files, 0 bytes; 3 unchanged
    --- exit 0
    ");
}

/// How many bytes a wire log counts each way.
fn traffic(log: &str) -> (usize, usize) {
    let (mut to_board, mut to_host) = (0, 0);
    for line in log.lines() {
        let mut words = line.split_whitespace().skip(1);
        let (sign, count) = (words.next(), words.next());
        let bytes = count.map_or(0, |count| count.parse::<usize>().unwrap_or_default());
        match sign {
            Some(">") => to_board += bytes,
            Some("<") => to_host += bytes,
            _ => {}
        }
    }
    (to_board, to_host)
}

#[test]
fn many_files_take_few_bytes() {
    let place = Place::new();
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    for number in 0..50 {
        let content = (0..2048).map(|_| {
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            (noise >> 24) as u8
        });
        let content = content.collect::<Vec<u8>>();
        std::fs::create_dir_all(place.sandbox.path().join("many")).unwrap();
        place.sandbox.write(&format!("many/{number}.bin"), content);
    }
    let payload = 50 * 2048;
    for (line, most_bytes) in [
        ("cp -r many :", payload * 114 / 100),
        ("cp -r many :", 4096),
        ("sync --delete many :many", 4096),
        ("sync :many kept", payload * 114 / 100),
        ("sync :many kept", 4096),
    ] {
        let outcome = place.run(&format!("-vv {line}"));
        assert_eq!(outcome.code, Some(0), "{line}");
        let (to_board, to_host) = traffic(&outcome.stderr());
        assert!(
            to_board + to_host <= most_bytes,
            "{line}: {to_board} and {to_host} bytes"
        );
    }
    for number in [0, 49] {
        let name = format!("many/{number}.bin");
        let sent = place.sandbox.read(&name);
        assert_eq!(place.sandbox.read(&format!("board/{name}")), sent);
        assert_eq!(place.sandbox.read(&format!("kept/{number}.bin")), sent);
    }
}

#[cfg(unix)]
#[test]
fn a_change_is_sent_and_the_new_program_runs() {
    let place = Place::new();
    let mut command = place.sandbox.piton();
    command.args(words("connect virtual:board sync --watch --follow app"));
    let mut terminal = crate::terminal::Terminal::start(command);
    let first = terminal.wait_for("watching for changes");
    let first = terminal.wait_for_after(first, "helped\r");
    place.write("app/lib/helper.py", "print('Helped again')\n");
    let second = terminal.wait_for_after(first, "sent lib/helper.py\r\n");
    let end = terminal.wait_for_after(second, "Helped again\r");
    // Nothing but the program's output is between.
    let between = terminal.shown()[second..end].to_owned();
    assert!(
        !between.contains("MicroPython") && !between.contains(">>>"),
        "{between:?}"
    );
    // A source that is no Python stays here, and the program there runs on.
    place.write("app/lib/helper.py", "print('Helped\n");
    let third = terminal.wait_for_after(end, "not sent: lib/helper.py\r\n");
    let message = terminal.shown()[end..third].to_owned();
    assert!(
        message.contains("helper.py:1") && message.contains("SyntaxError"),
        "{message:?}"
    );
    assert_eq!(place.read("board/lib/helper.py"), "print('Helped again')\n");
    place.write("app/lib/helper.py", "print('And again')\n");
    let third = terminal.wait_for_after(third, "sent lib/helper.py\r\n");
    let third = terminal.wait_for_after(third, "And again\r");
    // What cannot be sent is for the person to put right.
    place.write("board/new", "in the way");
    place.write("app/new/file.py", "print('new')\n");
    let third = terminal.wait_for_after(third, "`new` is a file at the destination");
    std::fs::remove_dir_all(place.sandbox.path().join("app/new")).unwrap();
    let last = terminal.wait_for_after(third, "And again\r");
    rustix::process::kill_process(terminal.pid(), rustix::process::Signal::INT).unwrap();
    terminal.wait_for_after(last, "piton: interrupted\r\n");
    assert_eq!(terminal.wait_for_end().code(), Some(1));
    // Once, and no banner, prompt or announcement of the firmware.
    let shown = terminal.shown();
    assert_eq!(shown.matches("watching").count(), 1, "{shown}");
    assert!(
        !shown.contains("soft reboot") && !shown.contains(">>>"),
        "{shown}"
    );
}

#[test]
fn a_folder_goes_to_a_drive_and_nothing_else_is_touched() {
    let place = Place::new();
    place.write("app/code.py", "import lib.x\n");
    place.write(
        "drive/boot_out.txt",
        "Adafruit CircuitPython 9.2.1 on 2026-01-01; Board\n",
    );
    place.write("drive/code.py", "print('Hello World!')\n");
    place.write("drive/own/notes.txt", "mine");
    std::fs::create_dir(place.sandbox.path().join("drive/sd")).unwrap();
    let sync = |words: &str| place.sandbox.run(&format!("sync {words} app drive"));
    assert_eq!(sync("-n").code, Some(0));
    assert_eq!(place.read("drive/code.py"), "print('Hello World!')\n");
    let outcome = sync("--delete");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    assert_eq!(place.read("drive/code.py"), "import lib.x\n");
    let written = |path: &str| {
        let path = place.sandbox.path().join(path);
        std::fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .unwrap()
    };
    let before = written("drive/lib/helper.py");
    // What is the same stays untouched, and what no sync has written stays.
    assert!(sync("--delete").stderr().starts_with("copied 0 files"));
    assert_eq!(written("drive/lib/helper.py"), before);
    std::fs::remove_dir_all(place.sandbox.path().join("app/lib")).unwrap();
    place.write("drive/lib/added.py", "mine");
    assert_eq!(sync("--delete").code, Some(0));
    assert_eq!(
        place.files("drive"),
        [
            ".piton-sync",
            "boot.py",
            "boot_out.txt",
            "code.py",
            "empty/",
            "lib/",
            "lib/added.py",
            "main.py",
            "own/",
            "own/notes.txt",
            "sd/"
        ]
    );
    // The compiler goes by what the drive says.
    place.write("app/lib/x.py", "x = 1\n");
    assert_eq!(sync("--compile").code, Some(0));
    assert!(place.sandbox.read("drive/lib/x.mpy").starts_with(b"C\x06"));
    // Any other folder is a forgotten colon.
    let outcome = place.sandbox.run("sync app other");
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr().contains("mounted drive"),
        "{}",
        outcome.stderr()
    );
    assert_eq!(
        place.sandbox.run("sync --watch --follow app drive").code,
        Some(2)
    );
}

#[cfg(unix)]
#[test]
fn a_drive_is_not_written_through_links() {
    let place = Place::new();
    place.write("drive/boot_out.txt", "Adafruit CircuitPython 9.2.1\n");
    place.write("elsewhere/helper.py", "theirs");
    std::os::unix::fs::symlink("../elsewhere", place.sandbox.path().join("drive/lib")).unwrap();
    let outcome = place.sandbox.run("sync --delete app drive");
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr().contains("lib"), "{}", outcome.stderr());
    assert_eq!(place.read("elsewhere/helper.py"), "theirs");
}

#[cfg(unix)]
#[test]
fn a_drive_follows_the_folder() {
    let place = Place::new();
    place.write("drive/boot_out.txt", "Adafruit CircuitPython 9.2.1\n");
    let mut command = place.sandbox.piton();
    command.args(words("sync --watch app drive"));
    let mut terminal = crate::terminal::Terminal::start(command);
    let at = terminal.wait_for("sent ");
    place.write("app/main.py", "x = (\n");
    let at = terminal.wait_for_after(at, "not sent: main.py\r\n");
    place.write("app/main.py", "x = 1\n");
    terminal.wait_for_after(at, "sent main.py\r\n");
    assert_eq!(place.read("drive/main.py"), "x = 1\n");
    rustix::process::kill_process(terminal.pid(), rustix::process::Signal::INT).unwrap();
    assert_eq!(terminal.wait_for_end().code(), Some(1));
}

#[test]
fn a_folder_comes_from_the_board_and_loses_nothing_here() {
    let place = Place::new();
    place.write("board/main.py", "print(1)\n");
    place.write("board/lib/x.py", "x = 1\n");
    assert_snapshot!(place.show("sync : backup"), @r"
    $ piton sync : backup
    --- stdout
    mkdir    lib/
    create   lib/x.py
    create   main.py
    --- stderr
    copied 2 files, 15 bytes
    --- exit 0
    ");
    assert_eq!(
        place.files("backup"),
        [".piton-sync", "lib/", "lib/x.py", "main.py"]
    );

    // Copies of the board's files follow them; a file of one's own is not touched.
    place.write("board/main.py", "print(2)\n");
    std::fs::remove_file(place.sandbox.path().join("board/lib/x.py")).unwrap();
    place.write("backup/own.py", "mine");
    assert_snapshot!(place.show("sync --delete : backup"), @r"
    $ piton sync --delete : backup
    --- stderr
    piton: 1 file on this computer is not a copy of the board's and would be lost: own.py

    hint: `--force` replaces and removes them, `--keep PATTERN` keeps them
    --- exit 1
    ");
    assert_snapshot!(place.show("sync --delete --keep own.py : backup"), @r"
    $ piton sync --delete --keep own.py : backup
    --- stdout
    replace  main.py
    delete   lib/x.py
    keep     own.py
    --- stderr
    copied 1 file, 9 bytes; 1 removed
    --- exit 0
    ");
    assert_eq!(
        place.files("backup"),
        [".piton-sync", "lib/", "main.py", "own.py"]
    );

    // One that was changed here is lost only by force.
    place.write("backup/main.py", "print('changed here')\n");
    assert_snapshot!(place.show("sync : backup"), @r"
    $ piton sync : backup
    --- stderr
    piton: 1 file on this computer is not a copy of the board's and would be lost: main.py

    hint: `--force` replaces and removes them, `--keep PATTERN` keeps them
    --- exit 1
    ");
    assert_eq!(
        place.sandbox.read("backup/main.py"),
        b"print('changed here')\n"
    );
    let outcome = place.run("sync --force : backup");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    assert_eq!(place.sandbox.read("backup/main.py"), b"print(2)\n");
}

#[test]
fn an_empty_board_does_not_empty_a_folder_here() {
    let place = Place::new();
    let before = place.files("app");
    assert_snapshot!(place.show("sync --delete : app"), @r"
    $ piton sync --delete : app
    --- stderr
    piton: 3 files on this computer are not copies of the board's and would be lost: boot.py, lib/helper.py, main.py

    hint: `--force` replaces and removes them, `--keep PATTERN` keeps them
    --- exit 1
    ");
    let home = place.run("sync --delete --force : ..");
    assert_eq!(home.code, Some(1));
    assert!(
        home.stderr().contains("nothing is removed from it"),
        "{}",
        home.stderr()
    );
    assert_eq!(place.files("app"), before);
}

#[test]
fn what_is_mounted_on_the_board_is_no_part_of_its_folder() {
    let place = Place::new();
    place.write("board/old.py", "old");
    // A file system with one file, which must not be removed, on `/sd`.
    let mount = "import os\nclass Card:\n def mount(self, readonly, mkfs): pass\n def ilistdir(self, path): \
                 return iter([(\"photo\", 0x8000, 0, 5)])\n def stat(self, path): \
                 return (0x4000 if path == \"/\" else 0x8000,0,0,0,0,0,5,0,0,0)\nos.mount(Card(), \"/sd\")";
    assert_snapshot!(
        place.show(&format!("exec '{mount}' sync --delete app + sync : back")).replace(mount, "MOUNT"),
        @r"
    $ piton exec 'MOUNT' sync --delete app + sync : back
    --- stdout
    mkdir    empty/
    mkdir    lib/
    create   lib/helper.py
    create   boot.py
    create   main.py
    delete   old.py
    mkdir    empty/
    mkdir    lib/
    create   lib/helper.py
    create   boot.py
    create   main.py
    --- stderr
    copied 3 files, 46 bytes; 1 removed
    copied 3 files, 46 bytes
    --- exit 0
    "
    );
}

#[cfg(unix)]
#[test]
fn links_are_followed_or_left_out_and_nothing_is_written_through_them() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    let work = place.sandbox.path();
    place.write("outside/shared.py", "shared = 1\n");
    symlink("../outside", work.join("app/linked")).unwrap();
    symlink("nowhere", work.join("app/broken")).unwrap();
    assert_snapshot!(place.show("sync -n --links skip app"), @r"
    $ piton sync -n --links skip app
    --- stdout
    mkdir    empty/
    mkdir    lib/
    create   lib/helper.py
    create   boot.py
    create   main.py
    --- exit 0
    ");
    assert_snapshot!(place.show("sync app"), @r"
    $ piton sync app
    --- stdout
    mkdir    empty/
    mkdir    lib/
    mkdir    linked/
    create   lib/helper.py
    create   linked/shared.py
    create   boot.py
    create   main.py
    --- stderr
    left out: `app/broken` names nothing
    copied 4 files, 57 bytes
    --- exit 0
    ");
    symlink("..", work.join("app/lib/up")).unwrap();
    assert_snapshot!(place.show("sync app"), @r"
    $ piton sync app
    --- stderr
    piton: `app/lib/up` leads back to a folder that it is in

    hint: `--links skip` leaves links out
    --- exit 1
    ");

    symlink("outside", work.join("lib")).unwrap();
    std::fs::create_dir(work.join("back")).unwrap();
    symlink("../outside", work.join("back/lib")).unwrap();
    assert_snapshot!(place.show("sync --delete --force : back"), @r"
    $ piton sync --delete --force : back
    --- stderr
    piton: 1 thing is in the way: `lib` at the destination is protected and in the way
    --- exit 1
    ");
    assert_eq!(place.files("outside"), ["shared.py"]);
}

#[test]
fn folders_that_are_not_there_or_on_one_side() {
    let place = Place::new();
    assert_snapshot!(place.show("sync :nowhere back"), @r"
    $ piton sync :nowhere back
    --- stderr
    piton: no such folder on the board: `nowhere`
    --- exit 1
    ");
    assert_snapshot!(place.show("sync nowhere"), @r"
    $ piton sync nowhere
    --- stderr
    piton: could not read `nowhere`: No such file or directory (os error 2)
    --- exit 1
    ");
    assert_snapshot!(place.show("sync app/main.py"), @r"
    $ piton sync app/main.py
    --- stderr
    piton: could not read `app/main.py`: not a directory

    hint: `sync` takes a folder; `piton cp app/main.py :` copies a file
    --- exit 1
    ");
    assert_snapshot!(place.show("sync app back"), @r"
    $ piton sync app back
    --- stderr
    piton: sync: one of the two folders is on the board: `sync DIR [:DIR]`, `sync :DIR DIR`, or `sync DIR DRIVE` with the board's mounted drive
    --- exit 2
    ");
    assert_snapshot!(place.show("sync --compile : back"), @r"
    $ piton sync --compile : back
    --- stderr
    piton: sync: `--compile`, `--minify` and `--watch` are for what goes to the board
    --- exit 2
    ");
    place.write("board/file", "");
    assert_snapshot!(place.show("sync app :file"), @r"
    $ piton sync app :file
    --- stderr
    piton: `file` on the board is not a folder
    --- exit 1
    ");
    assert_snapshot!(place.show("sync :file back"), @r"
    $ piton sync :file back
    --- stderr
    piton: `file` on the board is not a folder
    --- exit 1
    ");
    assert!(!place.sandbox.path().join("back").exists());
}
