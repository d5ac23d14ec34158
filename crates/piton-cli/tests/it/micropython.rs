//! `micropython`: programs on this computer.

use crate::support::{Outcome, Sandbox, run};

/// Runs `piton` with these arguments and this stdin.
fn run_with(sandbox: &Sandbox, input: &str, words: &[&str]) -> Outcome {
    sandbox.write("stdin", input);
    let mut command = sandbox.piton();
    command.args(words);
    command.stdin(std::fs::File::open(sandbox.path().join("stdin")).unwrap());
    run(command)
}

fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    for folder in [".belay/dependencies/main/pack", "sub"] {
        std::fs::create_dir_all(sandbox.path().join(folder)).unwrap();
    }
    sandbox.write("pyproject.toml", "[tool.belay]\nname = 'x'\n");
    sandbox.write(".belay/dependencies/main/pack/__init__.py", "value = 7\n");
    sandbox.write(
        "sub/x.py",
        "import sys, helper\nprint(sys.argv, helper.name, __file__)\nimport pack\nraise ValueError(pack.value)\n",
    );
    sandbox.write("sub/helper.py", "name = __name__\n");
    sandbox
}

#[test]
fn scripts_code_and_modules_run_with_their_arguments() {
    let sandbox = project();
    let lines = [
        "micropython sub/x.py a -b + --json",
        "run micropython sub/x.py a",
        "micropython -c 'import sys; print(sys.argv); sys.exit(3)' -c + d",
        "micropython -m sub.helper",
        "micropython -X heapsize=64K -c 'a = bytearray(2 << 20)'",
        "micropython -c 'open(\"new\", \"w\")'",
        "micropython none.py",
        "micropython --firmware 1.24 -c 1",
        "micropython --firmware 1.27 -c 'import sys; print(sys.implementation.version[:2])'",
        "micropython -q",
        "micropython -c",
    ];
    let shown = lines.map(|line| sandbox.show(line)).join("\n\n");
    insta::assert_snapshot!(shown);
    let outcome = sandbox.run("micropython --write -c 'open(\"new\", \"w\").write(\"it\")'");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    assert_eq!(sandbox.read("new"), b"it");
}

#[test]
fn stdin_is_the_program_or_its_input() {
    let sandbox = Sandbox::new();
    let source = "print(input('? '), 1)\n";
    let outcome = run_with(&sandbox, "print(6 * 7)\n1/0\n", &["micropython"]);
    assert_eq!(outcome.stdout(), "42\n");
    assert!(outcome.stderr().contains("File \"<stdin>\", line 2"));
    assert_eq!(outcome.code, Some(1));
    let outcome = run_with(&sandbox, "typed\nrest\n", &["micropython", "-c", source]);
    assert_eq!(outcome.stdout(), "? typed 1\n");
    // Input that ends in the middle of a line, and bytes that are not text.
    let source = "import sys\nsys.stdout.buffer.write(b'\\xff\\x00' + sys.stdin.buffer.read())";
    let outcome = run_with(&sandbox, "a\r\nb", &["micropython", "-c", source]);
    assert_eq!(outcome.stdout, b"\xff\x00a\r\nb");
}

#[cfg(unix)]
#[test]
fn each_ctrl_c_is_a_keyboard_interrupt() {
    use rustix::process::{Pid, Signal, kill_process};
    use std::io::Read as _;
    use std::process::Stdio;

    let sandbox = Sandbox::new();
    let mut command = sandbox.piton();
    command.args([
        "micropython",
        "-c",
        "for n in range(3):\n  try:\n    print('ready')\n    while True: pass\n  except KeyboardInterrupt:\n    \
         print('caught', n)\nprint('ready')\nimport time\ntime.sleep(1000)",
    ]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.clear();
        while !seen.ends_with(b"ready\n") {
            let mut byte = [0];
            stdout.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
        }
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    }
    assert_eq!(seen, b"caught 2\nready\n");
    let status = crate::support::wait(&mut child);
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert!(stderr.ends_with("KeyboardInterrupt: \n"), "{stderr}");
    assert_eq!(status.code(), Some(1));
}

#[cfg(unix)]
#[test]
fn a_terminal_gets_the_prompt_and_is_restored() {
    use crate::terminal::Terminal;

    let sandbox = Sandbox::new();
    let mut command = sandbox.piton();
    command.args(["micropython", "-i", "-c", "x = 5; print(input('name? '))"]);
    let mut terminal = Terminal::start(command);
    terminal.wait_for("name? ");
    terminal.type_keys(b"Ada\n");
    terminal.wait_for(">>> ");
    terminal.type_keys(b"x * 3\r");
    terminal.wait_for("15\r\n>>> ");
    terminal.type_keys(b"while True: pass\r\r");
    terminal.wait_for("... \r\n");
    terminal.type_keys(b"\x03");
    terminal.wait_for("KeyboardInterrupt: \r\n>>> ");
    terminal.type_keys(b"\x04");
    assert_eq!(terminal.wait_for_end().code(), Some(0));
}
