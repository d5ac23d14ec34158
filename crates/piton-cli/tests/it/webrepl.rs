//! A board on the network: `connect ws://...`.

use std::sync::Arc;

use test_programs::WebReplServer;
use virtual_board::serve::TcpServer;

use crate::support::{Sandbox, run, virtual_board};
use crate::terminal::Terminal;

/// A board with a WebREPL, whose password is `secret`, and its address.
fn board(sandbox: &Sandbox) -> (TcpServer, WebReplServer, String) {
    let board = virtual_board::serve::tcp(Arc::new(virtual_board()), "127.0.0.1:0").unwrap();
    let port = board.local_addr().port();
    let server = WebReplServer::start(port, "secret", &sandbox.path());
    let address = format!("ws://127.0.0.1:{}", server.port());
    (board, server, address)
}

#[test]
fn commands_work_over_webrepl() {
    let sandbox = Sandbox::new();
    let (_board, _server, address) = board(&sandbox);
    sandbox.write("a.txt", [0, 255, 3, 4, 10, 13].repeat(500));
    let line = format!(
        "--password secret connect {address} exec 'x = 5' exec 'print(x)' cp a.txt : + cp :a.txt b.txt \
         + soft-reset exec 'print(\"x\" in globals())' ls"
    );
    let outcome = sandbox.run(&line);
    // The connection is no reason to reset the board; `soft-reset` does, and finds it again.
    assert_eq!(
        outcome.stdout(),
        "5\r\ncp a.txt :\ncp :a.txt b.txt\nFalse\r\nls :\n        3000 a.txt\n",
        "{}",
        outcome.stderr()
    );
    assert_eq!(outcome.code, Some(0));
    assert_eq!(sandbox.read("b.txt"), sandbox.read("a.txt"));

    let mut command = sandbox.piton();
    command.env("PITON_WEBREPL_PASSWORD", "secret");
    command.args(["mpremote", "connect", &address, "resume", "eval", "1+1"]);
    assert_eq!(run(command).stdout(), "2\r\n");
}

#[test]
fn a_password_that_is_missing_or_wrong() {
    let sandbox = Sandbox::new();
    let (_board, _server, address) = board(&sandbox);
    let outcomes = [
        sandbox.show(&format!("connect {address} eval 1")),
        sandbox.show(&format!("--password wrong connect {address} eval 1")),
        sandbox.show("connect ws://127.0.0.1:1 eval 1 --password x"),
        sandbox.show("connect wss://board eval 1"),
        sandbox.show("--password"),
    ];
    let port = address.rsplit(':').next().unwrap();
    insta::assert_snapshot!(outcomes.join("\n\n").replace(port, "PORT"));
}

#[test]
fn a_person_is_asked_for_the_password() {
    let sandbox = Sandbox::new();
    let (_board, _server, address) = board(&sandbox);
    let mut command = sandbox.piton();
    command.args(["connect", &address, "repl"]);
    let mut terminal = Terminal::start(command);
    let at = terminal.wait_for(&format!("Password for {address}: "));
    terminal.type_keys("secrö\x7fet\r".as_bytes());
    let at = terminal.wait_for_after(at, &format!("Connected to MicroPython at {address}"));
    assert!(!terminal.shown().contains("secr"), "{}", terminal.shown());
    terminal.type_keys(b"\r6 * 7\r");
    terminal.wait_for_after(at, "42\r\n>>> ");
    terminal.type_keys(b"\x1d");
    assert!(terminal.wait_for_end().success());

    let mut command = sandbox.piton();
    command.args(["connect", &address, "eval", "1"]);
    let mut terminal = Terminal::start(command);
    terminal.wait_for("Password for");
    terminal.type_keys(b"secret\x03");
    assert_eq!(terminal.wait_for_end().code(), Some(1));
}

/// Where no WebREPL answers, a person is told so before a password is typed.
#[test]
fn nobody_is_asked_for_a_password_in_vain() {
    let sandbox = Sandbox::new();
    // A server that is no WebREPL, and a port at which nothing listens.
    let board = virtual_board::serve::tcp(Arc::new(virtual_board()), "127.0.0.1:0").unwrap();
    for port in [board.local_addr().port(), 1] {
        let mut command = sandbox.piton();
        command.args(["connect", &format!("ws://127.0.0.1:{port}"), "eval", "1"]);
        let mut terminal = Terminal::start(command);
        assert_eq!(terminal.wait_for_end().code(), Some(3));
        terminal.wait_for("piton: could not open `ws://127.0.0.1:");
        assert!(
            !terminal.shown().contains("Password"),
            "{}",
            terminal.shown()
        );
    }
}

#[test]
fn a_connection_that_is_lost_in_mid_program_says_so() {
    let sandbox = Sandbox::new();
    let (_board, server, address) = board(&sandbox);
    let mut command = sandbox.piton();
    command.args(["--password", "secret", "connect", &address]);
    command.args(["exec", "print('up')\nwhile True: pass"]);
    let mut terminal = Terminal::start(command);
    terminal.wait_for("up\r");
    drop(server);
    assert_eq!(terminal.wait_for_end().code(), Some(3));
    terminal.wait_for("piton: lost the connection to the board");
    assert!(
        !terminal.shown().contains("waiting for the board"),
        "{}",
        terminal.shown()
    );
}
