//! Commands as boards.

use std::io;

use piton_board::deadline::Deadline;
use piton_board::error::Error;
use piton_board::transport::Transport;
use piton_board::transport::process::{Process, PtyProcess};

use crate::support::{Pty, check_echo, end_of, read_exactly, read_until, soon, watchdog};

fn start(command: &str) -> Process {
    Process::start(command).unwrap_or_else(|error| panic!("{error}"))
}

/// Read a process number from a line.
fn read_number(process: &dyn Transport) -> i32 {
    let line = String::from_utf8(read_until(process, b"\n")).unwrap();
    line.trim().parse().unwrap()
}

fn is_alive(number: i32) -> bool {
    let pid = rustix::process::Pid::from_raw(number).unwrap();
    rustix::process::test_kill_process(pid).is_ok()
}

/// A process that was told to end may take its time.
fn check_ends(number: i32) {
    let deadline = watchdog();
    while is_alive(number) {
        assert!(!deadline.has_passed(), "process {number} does not end");
        std::thread::yield_now();
    }
}

#[test]
fn bytes_travel_in_both_directions_at_once() {
    check_echo(&start("cat"), 500_000);
}

#[test]
fn the_shell_runs_the_command() {
    let process = start(r#"x='a  b'; printf '%s|' "$x" $((1+2)) | tr a-z A-Z"#);
    assert_eq!(read_exactly(&process, 7), b"A  B|3|");
}

#[test]
fn the_end_of_the_command_is_an_unexpected_eof_with_its_status() {
    for (command, expected) in [
        ("exit 3", "the command ended (exit status: 3)"),
        ("printf bye", "the command ended (exit status: 0)"),
        ("kill -9 $$", "the command ended (signal: 9 (SIGKILL))"),
        (
            "/no/such/command 2>/dev/null",
            "the command ended (exit status: 127)",
        ),
        ("exec >&-; sleep 1000", "the command closed its output"),
    ] {
        let error = end_of(&start(command));
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{command}");
        assert_eq!(error.to_string(), expected, "{command}");
    }
    let process = start("exec <&-; echo closed; sleep 1000");
    read_until(&process, b"closed\n");
    let error = process.write_all(b"x", watchdog()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn silence_and_a_full_pipe_end_at_the_deadline() {
    let process = start("sleep 1000");
    let error = process.read(&mut [0], soon()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let error = process.write_all(&[0; 1_000_000], soon()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[test]
fn all_processes_end_when_the_transport_is_dropped() {
    let process = start("sleep 1000 & echo $!; echo $$; wait");
    let numbers = [read_number(&process), read_number(&process)];
    assert!(numbers.into_iter().all(is_alive));
    drop(process);
    numbers.into_iter().for_each(check_ends);
}

#[test]
fn the_command_may_clean_up_when_the_transport_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let command = format!(
        "trap 'echo tidy >{}; exit' TERM; echo ready; while :; do sleep 0.01; done",
        trace.display()
    );
    let process = start(&command);
    read_until(&process, b"ready\n");
    drop(process);
    assert_eq!(std::fs::read(trace).unwrap(), b"tidy\n");
}

#[test]
fn a_command_that_ignores_sigterm_is_killed() {
    let process = start("trap '' TERM; echo $$; while :; do sleep 0.01; done");
    let number = read_number(&process);
    drop(process);
    check_ends(number);
}

#[test]
fn a_pty_is_found_in_the_output_of_its_command() {
    let pty = Pty::new();
    pty.echo();
    let command = format!(
        "echo starting; echo 'char device redirected to {} (label serial0)' >&2; \
         echo $$ >&2; sleep 1000",
        pty.path
    );
    let process = PtyProcess::start(&command, watchdog()).unwrap_or_else(|e| panic!("{e}"));
    check_echo(&process, 10_000);
    assert!(process.control_lines().is_some());
}

#[test]
fn a_pty_command_may_print_more_output() {
    let pty = Pty::new();
    let command = format!(
        "echo {} .; head -c 1000000 /dev/zero; printf done >{}; sleep 1000",
        pty.path, pty.path
    );
    let process = PtyProcess::start(&command, watchdog()).unwrap();
    // The command writes to the terminal's side: the controller sees it once the output was drained.
    assert_eq!(pty.read_exactly(4), b"done");
    drop(pty);
    let error = end_of(&process);
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn commands_without_a_pty_are_refused() {
    for (command, deadline, expected) in [
        (
            "echo no pty here; exit 4",
            watchdog(),
            "the command ended (exit status: 4)",
        ),
        ("echo /dev/pts/; sleep 1000", soon(), "timed out"),
        ("yes", watchdog(), "the command names no pty in its output"),
    ] {
        let error = PtyProcess::start(command, deadline).unwrap_err();
        let Error::Open { source, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!(source.to_string(), expected);
    }
    let command = "echo /dev/pts/999999999 .; sleep 1000";
    let error = PtyProcess::start(command, Deadline::NEVER).unwrap_err();
    assert!(matches!(error, Error::NoSuchPort { .. }), "{error}");
}

#[test]
fn micropythons_unix_port_answers() {
    let micropython = test_programs::micropython_unix();
    let words = std::iter::once(micropython.get_program()).chain(micropython.get_args());
    let words: Vec<_> = words.map(|word| format!("'{}'", word.display())).collect();
    let process = start(&format!("{} -c 'print(input() * 2)'", words.join(" ")));
    process.write_all(b"board\n", watchdog()).unwrap();
    let answer = read_until(&process, b"boardboard\n");
    assert!(answer.ends_with(b"boardboard\n"));
}
