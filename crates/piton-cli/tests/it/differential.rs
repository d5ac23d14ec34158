//! The same command lines through mpremote and through our drop-in face, each on a fresh virtual board behind a pty:
//! stdout, exit code, and the files on the board and here must be the same, and where a script may read stderr, that
//! too. What differs on purpose is listed in `docs/cli.md`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use test_programs::Microbit;
use virtual_board::serve::PtyServer;
use virtual_board::{BoardOptions, Flash, VirtualBoard};

use crate::support::{Outcome, Sandbox, run, words};

/// A package that lies in a folder.
const PACKAGE: &str = r#"{"urls": [["greet/__init__.py", "hello.py"], ["greet/deep/er.py", "hello.py"]], "version": "1"}"#;

/// What users may have in their `config.py`.
const SHORTCUTS: &str = r#"commands = {
    "double x=4": "eval x*2",
    "pair a b=2": ["eval", "(a,b)"],
    "hello": {"command": "exec 'print(1)'", "help": "say one"},
    "twice": "double 3 double x=5",
    "up": "cp a.txt : + ls",
}
"#;

/// One side: a command and the board that it talks to.
struct Side {
    sandbox: Sandbox,
    board: Board,
    command: fn(&Sandbox) -> Command,
}

/// The board of a side.
enum Board {
    Virtual(PtyServer),
    Microbit(Microbit),
}

impl Board {
    fn port(&self) -> &str {
        match self {
            Board::Virtual(server) => server.path().to_str().unwrap(),
            Board::Microbit(microbit) => microbit.port(),
        }
    }
}

/// What the boards are, and where they keep their files.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Virtual, with files where the test can look at them.
    FilesInFolder,
    /// Virtual, with a flash whose size is always the same.
    FilesInMemory,
    /// The oldest board.
    Microbit,
}

/// Paths below a folder, with the content of files.
type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

impl Side {
    fn new(command: fn(&Sandbox) -> Command, kind: Kind) -> Side {
        let sandbox = Sandbox::new();
        sandbox.write("a.txt", "first\nsecond\n");
        sandbox.write("main.py", "import sys\nprint('main', 1 + 1)\n");
        sandbox.write("fails.py", "def f():\n    raise ValueError('no')\nf()\n");
        sandbox.write(
            "large.bin",
            (0..5000u32)
                .map(|byte| (byte * 7) as u8)
                .collect::<Vec<u8>>(),
        );
        std::fs::create_dir_all(sandbox.path().join("tree/sub")).unwrap();
        sandbox.write("tree/one.py", "one = 1\n");
        sandbox.write("tree/sub/two.py", "two = 2\n");
        std::fs::create_dir(sandbox.path().join("package")).unwrap();
        sandbox.write("package/package.json", PACKAGE);
        sandbox.write("package/hello.py", "print('hello')\n");
        let config = sandbox
            .path()
            .with_file_name("home")
            .join(".config/mpremote");
        std::fs::create_dir_all(&config).unwrap();
        std::fs::write(config.join("config.py"), SHORTCUTS).unwrap();
        let flash = flash_of(&sandbox);
        std::fs::create_dir(&flash).unwrap();
        let board = if kind == Kind::Microbit {
            Board::Microbit(Microbit::start())
        } else {
            let mut options = BoardOptions::default();
            if kind == Kind::FilesInFolder {
                options.flash = Flash::Directory(flash);
            }
            let board = VirtualBoard::start(crate::support::image(), options).unwrap();
            Board::Virtual(virtual_board::serve::pty(Arc::new(board)).unwrap())
        };
        Side {
            sandbox,
            board,
            command,
        }
    }

    fn run(&self, line: &str) -> Outcome {
        let port = self.board.port();
        let mut command = (self.command)(&self.sandbox);
        command
            .args(["connect", port])
            .args(words(&line.replace("PORT", port)))
            .env("EDITOR", "sed -i s/first/edited/");
        let mut outcome = run(command);
        let rename = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes)
                .replace(port, "PORT")
                .into_bytes()
        };
        outcome.stdout = rename(&outcome.stdout);
        outcome.stderr = rename(&outcome.stderr);
        outcome
    }

    /// All files on the board, and all in the folder that the commands run in.
    fn files(&self) -> [Tree; 2] {
        [flash_of(&self.sandbox), self.sandbox.path()].map(|folder| {
            let mut tree = Tree::new();
            collect_files(&folder, Path::new(""), &mut tree);
            tree
        })
    }
}

fn flash_of(sandbox: &Sandbox) -> PathBuf {
    sandbox.path().with_file_name("flash")
}

fn collect_files(root: &Path, below: &Path, tree: &mut Tree) {
    for entry in std::fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            collect_files(root, &path, tree);
            tree.insert(path, None);
        } else {
            tree.insert(path, Some(std::fs::read(entry.path()).unwrap()));
        }
    }
}

fn sides(kind: Kind) -> [Side; 2] {
    let ours = |sandbox: &Sandbox| {
        let mut command = sandbox.piton();
        command.arg("mpremote");
        command
    };
    [Sandbox::mpremote, ours].map(|command| Side::new(command, kind))
}

/// Run the lines one after the other on both sides.
pub(crate) fn check(lines: &[&str]) {
    check_on(sides(Kind::FilesInFolder), lines);
}

fn check_on([mpremote, ours]: [Side; 2], lines: &[&str]) {
    for line in lines {
        let (expected, found) = std::thread::scope(|scope| {
            let expected = scope.spawn(|| mpremote.run(line));
            let found = ours.run(line);
            (expected.join().unwrap(), found)
        });
        assert_eq!(
            (found.stdout(), found.code),
            (expected.stdout(), expected.code),
            "`{line}`; stderr there: {:?}, here: {:?}",
            expected.stderr(),
            found.stderr()
        );
        compare_messages(line, &found, &expected);
        compare_files(line, &ours, &mpremote);
    }
}

fn compare_files(line: &str, ours: &Side, mpremote: &Side) {
    for ((found, expected), place) in
        std::iter::zip(ours.files(), mpremote.files()).zip(["board", "host"])
    {
        let differing: Vec<&PathBuf> = std::iter::chain(found.keys(), expected.keys())
            .filter(|path| found.get(*path) != expected.get(*path))
            .collect();
        assert!(
            differing.is_empty(),
            "after `{line}`, these differ on the {place}: {differing:?}\nhere {:?}\nthere {:?}",
            found.keys(),
            expected.keys()
        );
    }
}

/// The first part of stderr must be mpremote's, where mpremote has a message at all; hints are ours.
fn compare_messages(line: &str, found: &Outcome, expected: &Outcome) {
    let (found, expected) = (found.stderr(), expected.stderr());
    let message = found.split("\nhint: ").next().unwrap().trim_end();
    // What mpremote says about it helps nobody: a traceback of its own, the name of an error instead of the file's,
    // a guess.
    let ours = if expected.contains("Traceback (most recent call last)") {
        "mpremote: "
    } else if expected.ends_with("No such file or directory: No such file or directory.\n") {
        "mpremote: cp: "
    } else if expected.starts_with("mpremote: Error opening ") {
        "mpremote: No such file or directory"
    } else {
        return assert_eq!(message, expected.trim_end(), "`{line}`");
    };
    assert!(message.starts_with(ours), "`{line}`: {message}");
}

/// Run lines of which the last one has another outcome with mpremote, on purpose: what ours prints.
pub(crate) fn check_difference(lines: &[&str], stdout: &str) {
    let [mpremote, ours] = sides(Kind::FilesInFolder);
    let mut same = true;
    for line in lines {
        let (expected, found) = (mpremote.run(line), ours.run(line));
        assert!(same, "before `{line}`");
        same = (found.stdout(), found.code) == (expected.stdout(), expected.code)
            && ours.files() == mpremote.files();
        if !same {
            assert_eq!(found.stdout(), stdout, "`{line}`: {}", found.stderr());
        }
    }
    assert!(
        !same,
        "{lines:?} is no difference any more: test it among the others"
    );
}

#[test]
fn programs() {
    check(&[
        "eval 1+1",
        "eval 1/2 eval 3/4",
        "eval '\"caf\\u00e9 \\u2713\"'",
        "exec 'x = 5' eval x",
        "resume eval x",
        "eval x",
        "exec 'x = 6' resume eval x soft-reset eval x",
        "exec 'print(1, 2, end=\"\")' exec 'print(3)'",
        "exec 'import sys; sys.stdout.buffer.write(bytes(range(5, 128)))'",
        "exec 'print(\"x\" * 5000)'",
        "exec '1/0'",
        "exec 'if'",
        "exec 'raise OSError(2)' eval 1",
        "exec 'import sys; sys.exit(3)'",
        "exec 'import sys; sys.exit(3)' eval 4",
        "exec ''",
        "exec '# nothing'",
        "exec 'raise SystemExit'",
        "run main.py",
        "run fails.py run main.py",
        "run missing.py",
        "exec --no-follow 'y = 7'",
        "resume eval y",
        "eval 1 + eval 2",
        "eval 1 frobnicate",
        "sleep 0.01 eval 1",
        "eval 1 disconnect",
        "exec 'z = 1' disconnect connect PORT exec 'print(\"z\" in globals())'",
        "exec 'z = 2' disconnect resume connect PORT eval z",
        "exec 'z = 3' resume connect PORT exec 'print(\"z\" in globals())'",
    ]);
}

/// mpremote's commands for files end in a traceback of mpremote's own there, so there are only programs to compare.
#[test]
fn microbit_programs() {
    check_on(
        sides(Kind::Microbit),
        &[
            "eval 6*7",
            "exec 'x = 5' resume eval x",
            "eval x",
            "exec 'print(1, 2, end=\"\")' exec 'print(3)'",
            "exec '1/0'",
            "exec 'if'",
            "exec 'import sys; sys.exit(3)'",
            "run fails.py run main.py",
            "exec --no-follow 'y = 7'",
            "resume eval y",
            "soft-reset eval 1",
            "exec 'print(\"x\" * 500)'",
            "rm missing",
            "mkdir x",
        ],
    );
}

#[test]
fn files() {
    check(&[
        "ls",
        "ls :",
        "fs ls /",
        "cp a.txt :",
        "cp a.txt :",
        "cp -f a.txt :",
        "cp a.txt :b.txt + ls",
        "cp a.txt main.py :",
        "ls --no-verbose",
        "sha256sum a.txt main.py",
        "fs md5sum a.txt",
        "fs sha1sum :a.txt",
        "cp :a.txt back.txt",
        "cp :a.txt :c.txt + sha256sum c.txt",
        "mkdir lib",
        "mkdir lib",
        "cp a.txt :lib",
        "cp a.txt :lib/",
        "cp a.txt :nowhere/",
        "cp a.txt main.py :nowhere",
        "cp a.txt main.py :b.txt",
        "cp a.txt :nowhere/deep.txt",
        "cp :a.txt :lib",
        "cp large.bin : + sha256sum large.bin",
        "cp :large.bin back.bin",
        "ls :lib lib",
        "ls nowhere",
        "tree",
        "tree :lib",
        "tree -s",
        "tree -h -v",
        "tree nowhere",
        "tree a.txt",
        "touch new.txt + ls",
        "touch new.txt + touch lib/new.txt",
        "touch nowhere/x",
        "rmdir lib",
        "rm lib/a.txt lib/new.txt",
        "rmdir :lib",
        "rmdir lib",
        "rm nowhere",
        "rm a.txt b.txt -v",
        "cat nowhere",
        "cat -v nowhere",
        "cp :nowhere .",
        "cp a.txt",
        "cp tree :",
        "cp -r tree :",
        "cp -r tree :copy",
        "tree -h",
        "cp -r :tree back",
        "rm -rv tree",
        "rm -r copy",
        "rm -r nowhere",
        "cp -r a.txt :file",
        "ls",
    ]);
    // What came back is what was sent.
    let [mpremote, ours] = sides(Kind::FilesInFolder);
    for side in [mpremote, ours] {
        side.run("cp large.bin : + cp :large.bin back.bin");
        assert_eq!(
            side.sandbox.read("back.bin"),
            side.sandbox.read("large.bin")
        );
    }
}

#[test]
fn edited_files() {
    check(&[
        "edit a.txt",
        "cp a.txt : + edit a.txt",
        "edit :a.txt b.txt",
        "edit :tree/deep.txt",
        "edit",
        "mkdir d + edit :d",
        "ls",
    ]);
}

#[test]
fn packages() {
    check(&[
        "mip install package/package.json",
        "mip install ./package/package.json",
        "mip install --target /lib2 --no-mpy package/package.json",
        "mip install --target=lib3 package/package.json + ls lib3",
        "mip install missing/package.json",
        "mip install",
        "exec 'import greet; import greet.deep.er'",
    ]);
}

#[test]
fn shortcuts_of_users() {
    check(&[
        "double",
        "double 5",
        "double x=7 eval 1",
        "double 1 2",
        "double y=1",
        "double + double y=1",
        "eval 1 double y=1 eval 2",
        "pair",
        "pair b=1",
        "double + double 2",
        "double eval 3",
        "pair 1",
        "pair 1 b=7",
        "pair a=5 b=6",
        "hello",
        "twice",
        "up",
        "resume double",
    ]);
}

#[test]
fn helps() {
    let sandbox = Sandbox::new();
    let config = sandbox
        .path()
        .with_file_name("home")
        .join(".config/mpremote");
    std::fs::create_dir_all(&config).unwrap();
    let shortcuts = r#"commands = {
    "double x=4": "eval x*2",
    "a_long_name_of_a_shortcut": {"command": "exec 'print(1)'", "help": "say one"},
    "lines": {"command": "ls", "help": "  first\n    second\n  third"},
    "cat": {"command": "fs cat -v", "help": "takes the place of another"},
}
"#;
    std::fs::write(config.join("config.py"), shortcuts).unwrap();
    for line in [
        "help",
        "--help",
        "help cp",
        "help --help",
        "help -x",
        "version --help",
        "version -h eval 1",
        "connect --help",
        "connect -h",
        "disconnect --help",
        "edit --help",
        "eval --help",
        "exec --help",
        "exec -fh",
        "exec --no-follow --he",
        "fs --help",
        "fs cp --help",
        "fs ls --help",
        "cat --help",
        "cp -r --help",
        "sha256sum --help",
        "mip --help",
        "mip install --help",
        "mount --help",
        "repl --help",
        "resume --help",
        "romfs --help",
        "rtc -h",
        "run --help",
        "sleep --help",
        "soft-reset --help",
        "umount --help",
        "devs --help",
        "a1 --help",
    ] {
        check_without_board(&sandbox, line);
    }
}

#[test]
fn the_clock() {
    // The time itself differs: what is compared is the form of the answer.
    let [mpremote, ours] = sides(Kind::FilesInMemory);
    for line in ["rtc", "rtc --set", "rtc -s + rtc", "rtc + rtc"] {
        let form = |side: &Side| {
            let outcome = side.run(line);
            let text = outcome.stdout().replace(|c: char| c.is_ascii_digit(), "");
            (text, outcome.stderr(), outcome.code)
        };
        assert_eq!(form(&ours), form(&mpremote), "`{line}`");
    }
}

#[test]
fn space() {
    check_on(
        sides(Kind::FilesInMemory),
        &["df", "cp large.bin : + df", "df + ls"],
    );
}

#[test]
fn copies() {
    check(&[
        "cp --no-verbose a.txt :",
        "cp missing.txt :",
        "cp a.txt missing.txt :",
        "cp :a.txt :b.txt .",
        "cp large.bin :/",
        "cp a.txt :./x.txt",
        "cp a.txt :x.txt/",
        "cp a.txt ':a b.txt' + cp a.txt ':it\"s' + cp a.txt ':ü€.txt' + ls",
        "cp tree/one.py tree/sub/two.py :",
        "cp :one.py :two.py .",
        "cp :one.py :two.py nowhere",
        "cp :one.py nowhere/here.py",
        "cp -r tree a.txt :",
        "cp -rf tree :",
        "cp -r --no-verbose tree :quiet",
        "cp -r tree/ :slash",
        "cp -r tree :nowhere/deep",
        "cp -r :tree :again",
        "cp -r :tree :again",
        "cp -r :tree nowhere/deep",
        "cp -r :tree tree",
        "cp -r :a.txt :tree here",
        "cp :tree .",
        "cp : .",
        "cp -r :missing .",
        "cp -r missing :",
        "cp a.txt b.txt",
        "cp",
        "cp :one.py :one.py",
        "cp :one.py :again",
        "cp -r :again :again/inside",
        "exec 'import os; os.chdir(\"/tree\")' cp a.txt : + ls + cp :a.txt :../moved.txt",
        "resume ls",
        "cp a.txt :",
    ]);
}

#[test]
fn folders() {
    check(&[
        "mkdir a b c + ls",
        "mkdir a/b a/b/c d/e",
        "mkdir :",
        "cp -r tree :a",
        "rm a",
        "rm -r a/tree/sub",
        "rm -v -r :a",
        "rmdir b c",
        "cp -r tree : + rm -r tree/one.py tree/sub + ls : tree",
        "cp -r tree : + rm -rv :",
        "ls",
        "cp -r tree : + rm -rv :/",
        "ls",
        "touch x y + rm x missing y",
        "ls",
        "rm -r x y",
        "rm",
        "rmdir",
        "touch",
        "mkdir",
        "touch ':a b' + rm ':a b'",
        "cp -r tree : + tree tree : tree/sub",
        "tree -s tree",
        "tree -h :",
        "tree --size --no-verbose",
        "sha256sum missing",
        "sha256sum tree",
        "cat tree",
        "fs sha384sum tree/one.py",
        "fs sha512sum tree/one.py",
        "cat missing tree/one.py",
        "ls tree missing tree",
        "ls tree/one.py",
        "fs",
        "fs --no-verbose touch z + ls",
        "touch --verbose z + touch -v q",
    ]);
}

#[test]
fn sessions() {
    check(&[
        "exec --follow 'print(1)'",
        "exec -f 'print(2)' eval 3",
        "run --no-follow main.py",
        "run main.py main.py",
        "run main.py eval 1",
        "soft-reset",
        "soft-reset eval 1",
        "resume soft-reset eval 1",
        "connect PORT connect PORT eval 1",
        "connect PORT disconnect connect PORT eval 1",
        "connect port:PORT eval 1",
        "connect /nowhere eval 1",
        "eval",
        "exec",
        "run",
        "connect",
        "sleep",
        "sleep x",
        "sleep \"it's\"",
        "tree -s -h",
        "tree -h -s",
        "exec",
        "exec --follow --no-follow 1",
        "exec --nothing",
        "mount",
        "repl --inject-code",
        "romfs",
        "romfs -p",
        "romfs -p x query",
        "romfs build nowhere",
        "romfs deploy nowhere",
        "romfs build a.txt",
        "romfs deploy",
        "mip",
        "mip install",
        "mip install --target",
        "edit",
        "cat",
        "fs cp",
        "connect",
        "disconnect -x",
        "eval 1 rtc --sett",
        "sleep 0 eval 1",
        "eval ')'",
        "exec 'import missing_module'",
        "exec 'raise KeyboardInterrupt'",
        "exec 'raise OSError(5, \"text\")'",
        "exec 'import sys; sys.stdout.buffer.write(b\"\\xff\\xfe\")'",
        "exec 'import sys; print(sys.argv)'",
        "+ eval 1 + + eval 2 +",
        "eval 1 version",
        "reset",
        "eval 1",
        "exec 'import micropython; micropython.kbd_intr(-1)' eval 1",
    ]);
}

#[test]
fn differences_on_purpose() {
    // mpremote takes the byte for the end of what the program prints.
    check_difference(&["exec 'print(\"a\\x04b\")'"], "a\x04b\r\n");
    // mpremote copies into the folder that the board is in.
    check_difference(
        &[
            "mkdir :x + exec 'import os; os.chdir(\"/x\")'",
            "resume cp a.txt :/ + ls :/",
        ],
        "cp a.txt :/\nls :/\n          13 a.txt\n           0 x/\n",
    );
    check_difference(&["fs foo x"], "");
    check_difference(
        &["mkdir :flat + cp a.txt :flat/a.txt", "cp -r :flat new"],
        "cp :flat new\n",
    );
}

#[test]
fn files_are_printed_byte_by_byte_the_same() {
    // mpremote prints text with the line ends of a terminal, and stops at the first byte that is not text.
    let [mpremote, ours] = sides(Kind::FilesInFolder);
    for side in [&mpremote, &ours] {
        side.run("cp a.txt large.bin :");
    }
    assert_eq!(mpremote.run("cat a.txt").stdout(), "first\r\nsecond\r\n");
    assert_eq!(ours.run("cat a.txt").stdout(), "first\nsecond\n");
    assert_eq!(mpremote.run("cat large.bin").code, Some(1));
    let port = ours.board.port();
    let outcome = ours
        .sandbox
        .run_words(&["connect", port, "cat", "large.bin"]);
    assert_eq!(outcome.stdout, ours.sandbox.read("large.bin"));
}

#[test]
fn connections_that_fail() {
    let sandbox = Sandbox::new();
    for line in [
        "connect list",
        "devs",
        "eval 1",
        "connect id:nobody",
        "connect auto",
        "connect /nowhere eval 1",
        "connect port:/nowhere eval 1",
        "connect /dev/null eval 1",
        "connect socket://127.0.0.1:1 eval 1",
        "connect rfc2217://127.0.0.1:1 eval 1",
        "connect nonsense://here eval 1",
        "a0 eval 1",
        "romfs build nowhere",
        "romfs deploy nowhere",
        "romfs deploy",
        "version",
        "frobnicate",
        "resume frobnicate",
    ] {
        check_without_board(&sandbox, line);
    }
}

/// Run a line that ends before there is a board.
fn check_without_board(sandbox: &Sandbox, line: &str) {
    let mut mpremote = sandbox.mpremote();
    mpremote.args(words(line));
    let expected = run(mpremote);
    let found = sandbox.run(&format!("mpremote {line}"));
    assert_eq!(
        (found.stdout(), found.code),
        (expected.stdout(), expected.code),
        "`{line}`; stderr there: {:?}, here: {:?}",
        expected.stderr(),
        found.stderr()
    );
    compare_messages(line, &found, &expected);
}
