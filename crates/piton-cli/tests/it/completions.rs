//! Completion in a real shell, and of the paths on a board.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::{Sandbox, run, virtual_board};

/// What Bash would offer for `line`, one candidate a line.
fn bash(sandbox: &Sandbox, line: &str) -> String {
    let script = sandbox.run("completions bash");
    sandbox.write("completions.bash", script.stdout);
    let program = env!("CARGO_BIN_EXE_piton");
    let mut command = Command::new("bash");
    // The environment is that of our own commands.
    for (name, value) in sandbox.piton().get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.current_dir(sandbox.path()).args([
        "--noprofile",
        "--norc",
        "-c",
        ". ./completions.bash; COMP_LINE=$1; COMP_POINT=${#1}; _piton \"$0\"; printf '%s\\n' \"${COMPREPLY[@]}\"",
        program,
        line,
    ]);
    let outcome = run(command);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    outcome.stdout()
}

#[test]
fn bash_completes_commands_ports_and_paths_on_the_board() {
    let sandbox = Sandbox::new();
    let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
    let port = server.path().to_str().unwrap();
    sandbox.write("a.txt", "");
    let line = format!(
        "connect {port} mkdir lib + cp a.txt ':my file' + cp a.txt :lib/a.py + cp a.txt ':$(reboot)'"
    );
    let outcome = sandbox.run(&line);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());

    assert_eq!(bash(&sandbox, "piton soft"), "soft-reset\n");
    assert_eq!(bash(&sandbox, "piton connect rfc"), "rfc2217://\n");
    assert_eq!(
        bash(&sandbox, &format!("piton connect {port} ls :l")),
        "lib/\n"
    );
    assert_eq!(
        bash(&sandbox, &format!("piton connect {port} cat lib/")),
        "lib/a.py\n"
    );
    // What the board says is no shell's to run.
    assert_eq!(
        bash(&sandbox, &format!("piton connect {port} resume rm ")),
        "\\$\\(reboot\\)\nlib/\nmy\\ file\n"
    );
    // The board was not reset, and is at its prompt again.
    let outcome = sandbox.run(&format!("connect {port} resume exec 'x = 5'"));
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    bash(&sandbox, &format!("piton connect {port} ls :"));
    let outcome = sandbox.run(&format!("connect {port} resume eval x"));
    assert_eq!(outcome.stdout(), "5\r\n", "{}", outcome.stderr());
}

#[test]
fn a_board_that_is_busy_or_away_is_left_alone() {
    let sandbox = Sandbox::new();
    let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
    let port = server.path().to_str().unwrap();
    let program = "import time; end = time.time() + 600\nwhile time.time() < end: pass";
    let words = ["connect", port, "exec", "--no-follow", program];
    assert_eq!(sandbox.run_words(&words).code, Some(0));
    let start = Instant::now();
    assert_eq!(bash(&sandbox, &format!("piton connect {port} ls :")), "\n");
    // Far from what entering a board's REPL takes, and from the test's limit.
    assert!(start.elapsed() < Duration::from_secs(20));
    assert_eq!(bash(&sandbox, "piton connect /no/such/port ls :"), "\n");
    assert_eq!(bash(&sandbox, "piton connect virtual ls :"), "\n");
    let mark = sandbox.path().join("mark");
    let line = format!("piton connect 'exec:touch {}' ls :", mark.display());
    assert_eq!(bash(&sandbox, &line), "\n");
    assert!(!mark.exists());
    // The program still runs: it was not interrupted.
    let outcome = sandbox.run_words(&[
        "connect",
        port,
        "resume",
        "exec",
        "print(end > time.time())",
    ]);
    assert_eq!(outcome.stdout(), "True\r\n", "{}", outcome.stderr());
}

#[test]
fn each_shell_has_a_script() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let outcome = sandbox.run(&format!("completions {shell}"));
        assert_eq!(outcome.code, Some(0));
        let call = format!("__complete {shell}");
        assert!(outcome.stdout().contains(&call), "{}", outcome.stdout());
    }
    assert_eq!(sandbox.run("completions tcsh").code, Some(2));
}
