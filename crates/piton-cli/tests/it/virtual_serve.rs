//! `virtual serve`: a board for other programs.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Sandbox, run, wait, words};

/// A running `virtual serve`, and the name of what it serves.
struct Server {
    child: Child,
    name: String,
}

impl Server {
    fn start(sandbox: &Sandbox, arguments: &str) -> Server {
        let mut command = sandbox.piton();
        command
            .args(["--quiet", "virtual", "serve"])
            .args(words(arguments));
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut name = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut name)
            .unwrap();
        Server {
            child,
            name: name.trim_end().to_owned(),
        }
    }

    fn stop(mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        wait(&mut self.child).code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already, unless a test fails before it stops the server.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_board_on_a_pty_keeps_its_files_between_clients() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, "--pty");
    let mut first = sandbox.mpremote();
    first.args([
        "connect",
        &server.name,
        "exec",
        "open('kept', 'w').write('x')",
    ]);
    assert_eq!(run(first).code, Some(0));
    let mut second = sandbox.piton();
    second.args([
        "connect",
        &server.name,
        "eval",
        "__import__('os').listdir()",
    ]);
    assert_eq!(run(second).stdout(), "['kept']\r\n");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_board_on_tcp_with_its_files_in_a_folder() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path().join("flash")).unwrap();
    sandbox.write("flash/hello.py", "print('hello from a folder')");
    let server = Server::start(&sandbox, "--tcp 127.0.0.1:0 flash");
    assert!(
        server.name.starts_with("socket://127.0.0.1:"),
        "{}",
        server.name
    );
    let mut client: Command = sandbox.piton();
    client.args(["connect", &server.name, "exec", "import hello"]);
    assert_eq!(run(client).stdout(), "hello from a folder\r\n");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_board_behind_a_line_of_its_own_tells_what_went_over_it() {
    let sandbox = Sandbox::new();
    let mut server = sandbox.piton();
    server
        .args(words(
            "--json virtual serve --pty --baud 115200 --latency 500",
        ))
        .args(words("--receive-ring 256"));
    let mut server = server.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let served: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let source = format!("eval 'len(\"{}\")'", "x".repeat(1000));
    let outcome = sandbox.run(&format!(
        "connect {} resume {source}",
        served["name"].as_str().unwrap()
    ));
    assert_eq!(outcome.stdout(), "1000\r\n");
    kill_process(Pid::from_child(&server), Signal::INT).unwrap();
    assert_eq!(wait(&mut server).code(), Some(0));
    let counts: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert!(counts["bytes_to_board"].as_u64() > Some(1000), "{counts}");
    assert!(counts["bytes_to_host"].as_u64() > Some(10), "{counts}");
    assert!(counts["turns"].as_u64() > Some(3), "{counts}");

    let outcome = sandbox.run("virtual serve --pty --flow-control");
    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr().contains("--receive-ring"),
        "{}",
        outcome.stderr()
    );
}

#[test]
fn a_board_pauses_stalls_and_is_slow_on_request() {
    let sandbox = Sandbox::new();
    let server = Server::start(
        &sandbox,
        "--pty --queue 512 --slow 2 --pause to-board:50:20:3 --pause to-host:50:20:3 --stall 30:100 \
             --interrupt-keeps-ring --errors 0",
    );
    let started = Instant::now();
    let source =
        "with open('f', 'w') as f:\n for i in range(4): f.write('x' * 100)\nprint('y' * 200)";
    let mut client = sandbox.piton();
    client.args(["connect", &server.name, "exec", source]);
    assert_eq!(run(client).stdout(), format!("{}\r\n", "y".repeat(200)));
    // Three pauses each way, and four stalls.
    assert!(started.elapsed() >= Duration::from_millis(6 * 20 + 4 * 30));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn errors_of_a_served_line_come_at_their_rate() {
    let sandbox = Sandbox::new();
    let server = Server::start(&sandbox, "--tcp 127.0.0.1:0 --errors 1:5");
    let address = server.name.strip_prefix("socket://").unwrap();
    let mut client = std::net::TcpStream::connect(address).unwrap();
    let mut banner = [0; 9];
    client.read_exact(&mut banner).unwrap();
    assert_ne!(&banner, b"MicroPyth");
    drop(client);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn faults_that_make_no_sense_are_refused() {
    let sandbox = Sandbox::new();
    for (arguments, part) in [
        ("--pause sideways:1:1", "to-board"),
        ("--stall 45", "number of bytes is missing"),
        ("--errors 2", "1e-5"),
        ("--slow 0", "1..=10000"),
        ("--queue 5 --receive-ring 5", "do not go together"),
    ] {
        let outcome = sandbox.run(&format!("virtual serve --pty {arguments}"));
        assert_eq!(outcome.code, Some(2), "{arguments}");
        assert!(
            outcome.stderr().contains(part),
            "{arguments}: {}",
            outcome.stderr()
        );
    }
}

#[test]
fn what_cannot_be_served_is_told() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run("virtual serve");
    assert_eq!(outcome.code, Some(2));
    let outcome = sandbox.run("virtual serve --tcp nowhere");
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome
            .stderr()
            .starts_with("piton: could not serve the virtual board on `nowhere`: "),
        "{}",
        outcome.stderr()
    );
    let outcome = sandbox.run("virtual serve --pty missing-folder");
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr().contains("`missing-folder`"),
        "{}",
        outcome.stderr()
    );
}
