//! Programs that run to their end, as `micropython` of the unix port runs them. Output is compared with what that one
//! prints where the two should agree.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use test_programs::micropython_unix;
use virtual_board::{Ending, Flash, HostFolder, Output, Program, ProgramOptions, Run, VmImage};

use super::support::{WATCHDOG, image};

/// A running program, and what it prints.
struct Running {
    program: Program,
    output: Receiver<(char, Vec<u8>)>,
}

fn folder(path: &Path, is_writable: bool) -> Flash {
    Flash::Folders(vec![HostFolder {
        at: "/work".into(),
        path: path.to_owned(),
        is_writable,
    }])
}

fn options(run: Run, files: Flash, output: Sender<(char, Vec<u8>)>) -> ProgramOptions {
    ProgramOptions {
        run,
        arguments: vec!["-c".into()],
        path: vec![String::new(), ".frozen".into()],
        inspect: false,
        files,
        current: "/work".into(),
        environment: BTreeMap::from([("SET".into(), "it".into())]),
        heap_limit: 64 << 20,
        unresponsive_after: 10_000_000,
        output: Box::new(move |piece| {
            let piece = match piece {
                Output::Stdout(bytes) => ('o', bytes.to_vec()),
                Output::Stderr(bytes) => ('e', bytes.to_vec()),
                Output::Prompt => ('p', Vec::new()),
            };
            output
                .send(piece)
                .map_err(|_| io::ErrorKind::BrokenPipe.into())
        }),
    }
}

fn start_in(image: &VmImage, run: Run, files: Flash) -> Running {
    let (sender, output) = channel();
    let program = Program::start(image, options(run, files, sender)).expect("the program starts");
    Running { program, output }
}

impl Running {
    fn end(mut self) -> (String, String, Ending) {
        let ending = self.program.wait(WATCHDOG).expect("the program ends");
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        for (stream, bytes) in self.output.try_iter() {
            match stream {
                'o' => stdout.extend(bytes),
                _ => stderr.extend(bytes),
            }
        }
        let text = |bytes| String::from_utf8(bytes).expect("output is text");
        (text(stdout), text(stderr), ending)
    }

    /// Waits for output that ends so.
    fn wait_for(&self, end: &str) {
        let mut seen = Vec::new();
        while !seen.ends_with(end.as_bytes()) {
            let piece = self.output.recv_timeout(WATCHDOG);
            seen.extend(
                piece
                    .unwrap_or_else(|error| panic!("{error} after {seen:?}"))
                    .1,
            );
        }
    }
}

fn start(source: &str) -> Running {
    let folder_of_test = tempfile::tempdir().expect("a folder");
    let files = folder(folder_of_test.path(), false);
    start_in(image(), Run::Source(source.into()), files)
}

/// Runs source with all its input.
fn run(source: &str, input: &[u8]) -> (String, String, Ending) {
    let running = start(source);
    running.program.console().send(input);
    running.program.console().end();
    running.end()
}

#[test]
fn programs_behave_as_with_the_unix_port() {
    for source in [
        "import sys; print(sys.argv, sys.path[0], __name__)",
        "import sys; sys.stderr.write('e\\n'); print('o'); sys.stdout.buffer.write(b'a\\nb\\xc3\\xa4')",
        "def f():\n    g()\ndef g():\n    raise ValueError('bad', 3)\nf()",
        "print('a\n",
        "raise KeyboardInterrupt",
        "import sys; print(1); sys.exit(3)",
        "import sys; sys.exit()",
        "import sys; sys.exit(None)",
        "raise SystemExit(300)",
        "import nothing",
        "import sys; print(repr(sys.stdin.read()), repr(sys.stdin.read()), sys.stdin.readline())",
        "import sys; print([line for line in sys.stdin], sys.stdin.buffer.read(3))",
        "import os\ntry: open('no')\nexcept OSError as e: print(e)",
        "import os; print(os.getenv('NO'), os.getenv('NO', 3)); os.putenv('A', 'b'); print(os.getenv('A'))",
    ] {
        let input = b"one\r\ntwo\x03\n";
        let (stdout, stderr, ending) = run(source, input);
        let mut peer = micropython_unix();
        let stdin = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(stdin.path(), input).expect("it is written");
        peer.stdin(stdin.reopen().expect("it opens"));
        let expected = peer.args(["-c", source]).output().expect("it runs");
        assert_eq!(
            stdout,
            String::from_utf8_lossy(&expected.stdout),
            "{source}"
        );
        assert_eq!(
            stderr,
            String::from_utf8_lossy(&expected.stderr),
            "{source}"
        );
        let code = expected
            .status
            .code()
            .and_then(|code| u8::try_from(code).ok());
        assert_eq!(ending, Ending::Exited(code.expect("a code")), "{source}");
    }
}

#[test]
fn input_ends_and_a_message_of_exit_is_shown() {
    let (stdout, stderr, ending) = run(
        "print(repr(input('? ')), repr(input()))\ntry:\n  input()\nexcept EOFError:\n  print('end')\n\
         import sys, os\nprint(os.getenv('SET'))\nsys.exit('no way')",
        b"one\r\ntwo\n",
    );
    assert_eq!(stdout, "? 'one' 'two'\nend\nit\n");
    assert_eq!((stderr.as_str(), ending), ("no way\n", Ending::Exited(1)));
}

#[test]
fn an_interrupt_is_a_keyboard_interrupt_wherever_the_program_waits() {
    for wait in [
        "while True: pass",
        "import time; time.sleep(1000)",
        "import sys; sys.stdin.read()",
        "import select, sys; p = select.poll(); p.register(sys.stdin, select.POLLIN); p.poll()",
    ] {
        let running = start(&format!(
            "try:\n  print('up')\n  exec({wait:?})\nexcept KeyboardInterrupt:\n  print('caught')\nprint('up')\nexec({wait:?})"
        ));
        running.wait_for("up\n");
        running.program.console().interrupt();
        running.wait_for("caught\nup\n");
        running.program.console().interrupt();
        let (_, stderr, ending) = running.end();
        assert!(
            stderr.ends_with("KeyboardInterrupt: \n"),
            "{wait}: {stderr}"
        );
        assert_eq!(ending, Ending::Exited(1), "{wait}");
    }
}

#[test]
fn stuck_crashed_reset_and_stopped_programs_end() {
    let running = start("print('up'); n = 10; 7 ** n ** 6");
    running.wait_for("up\n");
    let console = running.program.console().clone();
    assert_eq!(console.interrupt(), 1);
    let mut running = running;
    // Each further interrupt asks whether the first one has had enough time.
    while running.program.wait(Duration::from_millis(20)).is_none() {
        console.interrupt();
    }
    assert_eq!(running.end().2, Ending::Unresponsive);
    assert_eq!(run("import machine; machine.reset()", b"").2, Ending::Reset);
    let mut running = start("while True: pass");
    running.program.stop();
    assert_eq!(running.program.wait(WATCHDOG), Some(Ending::Stopped));
    // Nobody reads the output any more.
    let Running {
        mut program,
        output,
    } = start("while True: print(1)");
    drop(output);
    assert_eq!(program.wait(WATCHDOG), Some(Ending::Stopped));
}

#[test]
fn input_is_asked_for_when_the_program_reads() {
    let running = start("print('up'); import sys; print(repr(sys.stdin.readline()))");
    let console = running.program.console().clone();
    assert!(console.wait_wanted());
    console.send(b"typed\n");
    assert_eq!(running.end().0, "up\n'typed\\n'\n");
    // The end of a program that never reads ends the wait.
    let Running { mut program, .. } = start("pass");
    let console = program.console().clone();
    program.wait(WATCHDOG).expect("the end");
    drop(program);
    assert!(!console.wait_wanted());
}

#[test]
fn the_prompt_follows_with_the_variables_of_the_program() {
    let place = tempfile::tempdir().expect("a folder");
    let (sender, output) = channel();
    let run = Run::Source("x = 21\nprint('up')".into());
    let mut options = options(run, folder(place.path(), false), sender);
    options.inspect = true;
    let program = Program::start(image(), options).expect("it starts");
    let running = Running { program, output };
    running.wait_for(">>> ");
    running.program.console().send(b"x * 2\r");
    running.wait_for("\r\n42\r\n>>> ");
    running.program.console().send(b"while True: pass\r\r\r");
    running.program.console().send(b"\x03");
    running.wait_for("KeyboardInterrupt: \r\n>>> ");
    running.program.console().send(b"\x04");
    assert_eq!(running.end().2, Ending::Exited(0));
}

/// Runs source in a folder of the test, and returns its output.
fn in_folder(files: Flash, source: &str) -> String {
    let running = start_in(image(), Run::Source(source.into()), files);
    let (stdout, stderr, _) = running.end();
    stdout + &stderr
}

const CHANGES: &str = "
import os
def attempt(what, *args):
    try:
        print(args, what(*args))
    except OSError as error:
        print(args, 'Errno', error.errno)
def write(name, mode, text):
    with open(name, mode) as file:
        return file.write(text)
def read(name):
    with open(name) as file:
        return file.read()
attempt(write, 'old.txt', 'a', '+')
attempt(write, 'new.txt', 'w', 'new')
attempt(write, 'sub/new.txt', 'w', 'sub')
attempt(write, '/outside', 'w', '')
attempt(write, '/no/where', 'w', '')
attempt(os.mkdir, 'sub')
attempt(os.mkdir, 'made')
attempt(os.rename, 'sub/deep.txt', 'made/moved.txt')
attempt(os.rename, 'sub', 'other')
attempt(os.remove, 'gone.txt')
attempt(os.remove, 'none')
attempt(os.rmdir, 'sub')
attempt(read, 'old.txt')
attempt(read, 'made/moved.txt')
attempt(read, '../work/old.txt')
attempt(os.getcwd)
for folder in '/', '.', 'sub', 'made':
    attempt(os.listdir, folder)
";

fn place() -> tempfile::TempDir {
    let place = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(place.path().join("sub")).expect("a folder");
    for name in ["old.txt", "gone.txt", "sub/deep.txt"] {
        std::fs::write(place.path().join(name), name).expect("a file");
    }
    place
}

/// Returns the files of a folder with their contents.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("it is read") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            let inner = tree(&path).into_iter();
            found.extend(inner.map(|(inner, text)| (format!("{name}/{inner}"), text)));
        } else {
            found.insert(name, std::fs::read_to_string(&path).expect("text"));
        }
    }
    found
}

#[test]
fn folders_of_the_host_are_read_only_unless_they_are_writable() {
    let read_only = place();
    let before = tree(read_only.path());
    let output = in_folder(folder(read_only.path(), false), CHANGES);
    insta::assert_snapshot!("files_read_only", output);
    assert_eq!(tree(read_only.path()), before);
    let writable = place();
    let output = in_folder(folder(writable.path(), true), CHANGES);
    insta::assert_snapshot!("files_writable", output);
    insta::assert_debug_snapshot!("files_written", tree(writable.path()));
}

#[test]
fn changes_of_a_scratch_stay_in_memory() {
    let place = place();
    let before = tree(place.path());
    let Flash::Folders(folders) = folder(place.path(), true) else {
        unreachable!("the function returns folders");
    };
    let files = Flash::Scratch {
        folders,
        capacity: 1 << 20,
    };
    insta::assert_snapshot!("files_scratch", in_folder(files, CHANGES));
    assert_eq!(tree(place.path()), before);
}

#[test]
fn files_and_modules_run_as_main_and_a_machine_of_the_program_is_found() {
    let place = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write(
        "one.py",
        "print(__name__, __file__)\nimport machine\nprint(machine.which)\n1/0\n",
    );
    write("machine.py", "which = 'mine'\n");
    write("pack/__main__.py", "print(__name__, __file__)\n");
    write("pack/deep.py", "print(__name__, __file__)\n");
    let mut output = String::new();
    for run in [
        Run::File("one.py".into()),
        Run::File("no.py".into()),
        Run::Module("one".into()),
        Run::Module("pack".into()),
        Run::Module("pack.deep".into()),
        Run::Module("none".into()),
    ] {
        let name = format!("{run:?}");
        let (stdout, stderr, ending) = start_in(image(), run, folder(place.path(), false)).end();
        output += &format!("{name}\n{stdout}{stderr}{ending:?}\n\n");
    }
    insta::assert_snapshot!(output);
}

#[test]
fn all_versions_run_programs() {
    for version in ["1.28.0-6", "1.27.0", "1.26.0", "1.25.0"] {
        let image = VmImage::open(&test_programs::vm_version(version)).expect("it loads");
        let place = tempfile::tempdir().expect("a folder");
        let run = Run::Source("import sys\nprint(sys.version_info[:2], sys.argv)\n1/0".into());
        let (stdout, stderr, ending) = start_in(&image, run, folder(place.path(), false)).end();
        assert_eq!(stdout, "(3, 4) ['-c']\n", "{version}");
        let end = "line 3, in <module>\nZeroDivisionError: divide by zero\n";
        assert!(stderr.ends_with(end), "{version}: {stderr}");
        assert_eq!(ending, Ending::Exited(1));
    }
}
