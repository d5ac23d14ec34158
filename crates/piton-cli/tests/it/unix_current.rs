//! MicroPython's unix port of 2026, as a process and behind a serial port. A soft reset ends it, so each line resumes.

use test_programs::{UnixBoard, micropython_unix_current};

use crate::support::{Outcome, Sandbox, words};

/// The exit code of a line, what it printed, and its messages.
fn all(outcome: &Outcome) -> (Option<i32>, String, String) {
    (outcome.code, outcome.stdout(), outcome.stderr())
}

fn done(text: &str) -> (Option<i32>, String, String) {
    (Some(0), text.to_owned(), String::new())
}

/// The selector of a unix port as a process, whose files are those of the folder that `piton` runs in.
fn as_a_process() -> String {
    let command = micropython_unix_current();
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words
        .map(|word| format!("\"{}\"", word.display()))
        .collect();
    format!("exec:exec {} -i", words.join(" "))
}

/// Copies a file to a board whose files are in the sandbox, and back.
fn copy_there_and_back(sandbox: &Sandbox, run: impl Fn(&str) -> (Option<i32>, String, String)) {
    let content = (0..300u32)
        .map(|byte| (byte * 11) as u8)
        .collect::<Vec<u8>>();
    sandbox.write("data.bin", &content);
    assert_eq!(
        run("fs cp data.bin :copy.bin"),
        done("cp data.bin :copy.bin\n")
    );
    assert_eq!(sandbox.read("copy.bin"), content);
    assert_eq!(
        run("fs cp :copy.bin back.bin"),
        done("cp :copy.bin back.bin\n")
    );
    assert_eq!(sandbox.read("back.bin"), content);
}

#[test]
fn a_process() {
    let sandbox = Sandbox::new();
    let selector = as_a_process();
    let run = |line: &str| {
        let connect = ["connect", &selector, "resume"].map(ToOwned::to_owned);
        all(&sandbox.run_words(&[connect.to_vec(), words(line)].concat()))
    };
    assert_eq!(run("eval 6*7"), done("42\n"));
    assert_eq!(run("exec 'x = 1' eval x"), done("1\n"));
    copy_there_and_back(&sandbox, run);
}

#[test]
fn a_serial_port() {
    let sandbox = Sandbox::new();
    let board = UnixBoard::start(&sandbox.path());
    let run = |line: &str| {
        let connect = ["connect", board.port(), "resume"].map(ToOwned::to_owned);
        all(&sandbox.run_words(&[connect.to_vec(), words(line)].concat()))
    };
    assert_eq!(run("eval 6*7"), done("42\n"));
    assert_eq!(run("exec 'x = 1'"), done(""));
    // The board is the same for the next command.
    assert_eq!(run("eval x"), done("1\n"));
    let (code, stdout, _) = run("exec '1/0'");
    assert_eq!(code, Some(1));
    assert!(
        stdout.ends_with("ZeroDivisionError: divide by zero\n"),
        "{stdout}"
    );
    assert_eq!(run("fs ls"), done("ls :\n"));
    copy_there_and_back(&sandbox, run);
}

/// What the compiler leaves to the board.
#[test]
fn native_code_of_a_build() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path().join("src")).unwrap();
    sandbox.write(
        "src/app.py",
        "from driver import double\nprint(double(21))\n",
    );
    sandbox.write(
        "src/driver.py",
        "import micropython\n@micropython.viper\ndef double(n: int) -> int:\n    return n * 2\n",
    );
    let built = sandbox.run("build");
    assert_eq!(built.code, Some(0), "{}", built.stderr());
    let selector = as_a_process();
    let run = |line: &str| {
        let connect = ["connect", &selector, "resume"].map(ToOwned::to_owned);
        sandbox.run_words(&[connect.to_vec(), words(line)].concat())
    };
    // Its files are those of the folder that it runs in.
    let deployed = sandbox.run("deploy --to .");
    assert_eq!(deployed.code, Some(0), "{}", deployed.stderr());
    assert_eq!(all(&run("exec 'import app'")), done("42\n"));
}

/// The folder of a unix port that is like a board's `/` is the one that it runs in, not the computer's root folder.
#[test]
fn a_deployment() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path().join("src/lib")).unwrap();
    sandbox.write("src/main.py", "import lib.answer\n");
    sandbox.write("src/lib/answer.py", "print(42)\n");
    std::fs::create_dir(sandbox.path().join("board")).unwrap();
    for line in ["keygen --no-password", "build --sign piton.key"] {
        let made = sandbox.run(line);
        assert_eq!(made.code, Some(0), "{}", made.stderr());
    }
    let selector = as_a_process();
    let run = |line: &str| {
        let selector = selector.replacen("exec:exec ", "exec:cd board && exec ", 1);
        let connect = ["connect", &selector, "resume"].map(ToOwned::to_owned);
        all(&sandbox.run_words(&[connect.to_vec(), words(line)].concat()))
    };
    let (code, stdout, stderr) = run("deploy --key piton.pub");
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(
        stdout,
        "mkdir    lib/\ncreate   lib/answer.mpy\ncreate   main.py\n"
    );
    let names = |folder: &str| {
        let entries = sandbox.path().join(folder).read_dir().unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("board"), [".piton-deployed", "lib", "main.py"]);
    assert_eq!(run("exec 'import main'"), done("42\n"));
    let (code, stdout, _) = run("deploy --key piton.pub");
    assert_eq!((code, stdout.as_str()), (Some(0), ""));
}

/// A source with native functions becomes machine code for the processor that the board names.
#[test]
fn native_code_runs_from_a_partition() {
    let sandbox = Sandbox::new();
    sandbox.write("partitions.py", include_str!("../rom_partitions.py"));
    let source = "import micropython\n@micropython.native\ndef f(x):\n    return x * 2\n\
                  @micropython.viper\ndef g(x: int) -> int:\n    return x + 3\n";
    std::fs::create_dir(sandbox.path().join("src")).unwrap();
    sandbox.write("src/fast.py", source);
    let board = UnixBoard::start(&sandbox.path());
    let import = "import vfs, sys\nvfs.mount(vfs.VfsRom(vfs.rom_ioctl(2, 0)), '/rom')\nsys.path.append('/rom')\n\
                  import fast\nprint(fast.__file__, fast.f(21), fast.g(4))";
    let outcome = sandbox.run_words(&[
        "--quiet",
        "connect",
        board.port(),
        "run",
        "partitions.py",
        "romfs",
        "deploy",
        "src",
        "exec",
        import,
    ]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    let stdout = outcome.stdout();
    assert!(stdout.ends_with("/rom/fast.mpy 42 7\n"), "{stdout}");
}
