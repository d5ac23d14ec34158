//! What goes wrong outside: a clear message, the right exit code, and nothing left hanging.

use insta::assert_snapshot;

use crate::support::Sandbox;

#[test]
fn selectors_that_name_nothing() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.show("connect socket://host eval 1"), @r"
    $ piton connect socket://host eval 1
    --- stderr
    piton: `socket://host` does not name a board: expected `socket://HOST:PORT`
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("connect id:nobody eval 1"), @r"
    $ piton connect id:nobody eval 1
    --- stderr
    piton: no device with serial number nobody

    hint: `piton devs` lists the ports
    --- exit 3
    ");
    assert_snapshot!(sandbox.show("mpremote connect id:nobody eval 1"), @r"
    $ piton mpremote connect id:nobody eval 1
    --- stderr
    mpremote: no device with serial number nobody

    hint: `mpremote devs` lists the ports
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("connect virtual:missing-folder eval 1"), @r"
    $ piton connect virtual:missing-folder eval 1
    --- stderr
    piton: could not use `missing-folder` as the board's flash: No such file or directory (os error 2)

    hint: make the folder first: `mkdir missing-folder`; the board's files stay in it
    --- exit 1
    ");
    let outcome = sandbox.run("connect exec:/missing/program eval 1");
    assert_eq!(outcome.code, Some(3));
    let message = outcome.stderr();
    // What was waited for when the shell ended depends on how soon it did.
    assert!(
        message.contains("/missing/program: not found\npiton: lost the connection to the board"),
        "{message}"
    );
    assert!(
        message.ends_with("\n\nhint: the command ended (exit status: 127)\n"),
        "{message}"
    );
}

#[test]
fn places_that_are_none() {
    let sandbox = Sandbox::new();
    let all = [
        "connect virutal ls",
        "connect 192.168.4.1 ls",
        "connect foo.local ls",
        "connect ws:/foo ls",
        "connect esp32.local:8266 ls",
        "connect http://192.168.4.1/ ls",
    ]
    .map(|line| sandbox.show(line))
    .join("\n\n");
    // What is on USB here is another matter.
    let is_about_usb = |line: &&str| {
        line.starts_with("hint: no board is on USB") || line.starts_with("hint: the boards")
    };
    let lines: Vec<&str> = all.lines().filter(|line| !is_about_usb(line)).collect();
    assert_snapshot!(lines.join("\n"));
    let outcome = sandbox.run("--json connect 192.168.4.1 ls");
    assert!(
        outcome.stderr().contains("\"kind\":\"no_board\""),
        "{}",
        outcome.stderr()
    );
    // Under the other name nothing is guessed.
    let outcome = sandbox.run("mpremote connect 192.168.4.1 ls");
    assert!(!outcome.stderr().contains("ws://"), "{}", outcome.stderr());
}

/// A command that takes all arguments takes the next command for one of them.
#[test]
fn a_plus_that_was_forgotten() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.show("deploy exec print(1)"));
    assert_snapshot!(sandbox.show("deploy --no-such-option"));
}

#[cfg(unix)]
mod ports {
    use std::io::Read;
    use std::process::Stdio;
    use std::sync::Arc;
    use std::sync::mpsc::{self, RecvTimeoutError};
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process};
    use virtual_board::{BoardOptions, Fault, VirtualBoard, VmImage};

    use crate::support::{Sandbox, virtual_board, wait};
    use crate::terminal::Terminal;

    #[test]
    fn a_port_that_is_not_there() {
        let sandbox = Sandbox::new();
        let outcome = sandbox.run("connect /dev/ttyMISSING eval 1");
        assert_eq!(outcome.code, Some(3));
        let message = outcome.stderr();
        assert!(
            message.starts_with(
                "piton: failed to access /dev/ttyMISSING (there is no such port)\n\nhint: "
            ),
            "{message}"
        );
        assert_eq!(
            sandbox.run("mpremote connect /dev/ttyMISSING eval 1").code,
            Some(1)
        );
    }

    #[test]
    fn a_port_by_its_bare_name() {
        let sandbox = Sandbox::new();
        let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
        let port = server.path().to_str().unwrap();
        let name = port.strip_prefix("/dev/").unwrap();
        // `pts/3` has a slash, as no port of a board has: it is taken as it stands.
        assert_eq!(sandbox.run(&format!("connect {name} eval 1")).code, Some(3));
        let outcome = sandbox.run("connect null eval 1");
        assert!(
            outcome.stderr().contains("/dev/null"),
            "{}",
            outcome.stderr()
        );
        let outcome = sandbox.run("mpremote connect null eval 1");
        assert!(
            !outcome.stderr().contains("/dev/null"),
            "{}",
            outcome.stderr()
        );
    }

    #[test]
    fn a_port_that_is_busy() {
        let sandbox = Sandbox::new();
        let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
        let port = server.path().to_str().unwrap();
        let mut first = sandbox.piton();
        first.args(["connect", port, "repl"]);
        let mut first = Terminal::start(first);
        first.wait_for("exit this shell");
        let outcome = sandbox.run(&format!("connect {port} eval 1"));
        assert_eq!(outcome.code, Some(3));
        let message = outcome.stderr().replace(port, "PORT");
        assert!(
            message.starts_with(
                "piton: failed to access PORT (it may be in use by another program)\n\nhint: "
            ),
            "{message}"
        );
        first.type_keys(b"\x1d");
        assert!(first.wait_for_end().success());
        assert_eq!(
            sandbox.run(&format!("connect {port} eval 1")).stdout(),
            "1\r\n"
        );
    }

    #[test]
    fn a_port_that_is_no_board() {
        let sandbox = Sandbox::new();
        let programs = ["cat", "yes", "cat /dev/urandom", "sleep 100"];
        std::thread::scope(|scope| {
            for program in programs {
                let sandbox = &sandbox;
                scope.spawn(move || {
                    let outcome = sandbox.run(&format!("connect 'exec:{program}' eval 1"));
                    assert_eq!(outcome.code, Some(3), "{program}");
                    let message = outcome.stderr();
                    let expected = "piton: no answer from a raw REPL: not a MicroPython board";
                    assert!(message.starts_with(expected), "{program}: {message}");
                    // Few bytes of what came, none of them raw; `-vv` has them all.
                    let first = message.lines().next().unwrap_or_default();
                    assert!(first.len() < 240, "{program}: {first}");
                    assert!(
                        first.chars().all(|c| (' '..='~').contains(&c)),
                        "{program}: {first}"
                    );
                });
            }
        });
        let outcome = sandbox.run("connect exec:true eval 1");
        assert_eq!(outcome.code, Some(3));
        assert!(
            outcome
                .stderr()
                .starts_with("piton: lost the connection to the board"),
            "{}",
            outcome.stderr()
        );
    }

    #[test]
    fn a_board_unplugged_in_mid_output() {
        let sandbox = Sandbox::new();
        let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
        let mut command = sandbox.piton();
        // Another board may get the same pty any moment.
        command.args(["--no-reconnect", "connect", server.path().to_str().unwrap()]);
        command.args(["exec", "while True: print('x' * 60)"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut seen = vec![0; 50_000];
        stdout.read_exact(&mut seen).unwrap();
        drop(server);
        let rest = std::thread::spawn(move || stdout.read_to_end(&mut seen));
        let code = wait(&mut child).code();
        rest.join().unwrap().unwrap();
        let mut message = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut message)
            .unwrap();
        assert_eq!(code, Some(3), "{message}");
        assert!(
            message.starts_with("piton: lost the connection to the board"),
            "{message}"
        );
    }

    #[test]
    fn a_board_unplugged_under_a_repl() {
        let sandbox = Sandbox::new();
        for (face, code) in [("--no-reconnect", 3), ("mpremote", 0)] {
            let server = virtual_board::serve::pty(Arc::new(virtual_board())).unwrap();
            let mut command = sandbox.piton();
            command
                .arg(face)
                .args(["connect", server.path().to_str().unwrap(), "repl"]);
            let mut terminal = Terminal::start(command);
            terminal.wait_for("exit this shell");
            terminal.type_keys(b"\r");
            terminal.wait_for(">>> ");
            drop(server);
            assert_eq!(terminal.wait_for_end().code(), Some(code));
            terminal.wait_for("device disconnected");
        }
    }

    #[test]
    fn garbage_on_the_line() {
        // Every answer damaged at another place. Where the sign of a program's end is lost, only a person can know
        // that nothing comes any more; Ctrl-C twice always ends it, and nothing ever panics.
        let image = VmImage::open(&test_programs::vm()).unwrap();
        for at in (0..240).step_by(12) {
            let board = VirtualBoard::start(&image, BoardOptions::default()).unwrap();
            board.inject(&Fault::CorruptToHost { at, mask: 0x81 });
            let server = virtual_board::serve::pty(Arc::new(board)).unwrap();
            let sandbox = Sandbox::new();
            let mut command = sandbox.piton();
            command.args([
                "connect",
                server.path().to_str().unwrap(),
                "eval",
                "'intact'",
            ]);
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let pid = Pid::from_child(&child);
            let (ended, watch) = mpsc::channel::<()>();
            let impatient = std::thread::spawn(move || {
                while watch.recv_timeout(Duration::from_secs(3)) == Err(RecvTimeoutError::Timeout) {
                    let _ = kill_process(pid, Signal::INT);
                }
            });
            let code = wait(&mut child).code();
            drop(ended);
            impatient.join().unwrap();
            let mut message = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut message)
                .unwrap();
            assert!(matches!(code, Some(0 | 1 | 3)), "{at}: {code:?} {message}");
            assert!(!message.contains("panicked"), "{at}: {message}");
        }
    }
}
