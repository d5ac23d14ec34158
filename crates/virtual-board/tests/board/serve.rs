//! Boards on TCP and on pseudo-terminals.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(unix)]
use std::time::Duration;

use virtual_board::{BoardOptions, Fault, serve};
#[cfg(unix)]
use virtual_board::{LineOptions, Overrun};

use crate::support::{WATCHDOG, start};

/// Read from a client until `end` has come.
fn expect(client: &mut impl Read, end: &[u8]) -> Vec<u8> {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(end) {
        match client.read(&mut byte) {
            Ok(1) => read.extend(byte),
            result => panic!("{result:?} after `{}`", read.escape_ascii()),
        }
    }
    read
}

fn connect(server: &serve::TcpServer) -> TcpStream {
    let client = TcpStream::connect(server.local_addr()).expect("a connection");
    client.set_read_timeout(Some(WATCHDOG)).expect("a timeout");
    client
}

#[test]
fn tcp_clients_come_and_go_one_at_a_time() {
    let board = Arc::new(start(BoardOptions::default()));
    let server = serve::tcp(Arc::clone(&board), "127.0.0.1:0").expect("a port");
    let mut first = connect(&server);
    expect(&mut first, b">>> ");
    first.write_all(b"x = 41\r").expect("sent");
    expect(&mut first, b">>> ");
    let mut second = connect(&server);
    assert_eq!(second.read(&mut [0]).expect("an end"), 0);
    drop(first);
    // The line is free when the server has seen the end of its client.
    let mut third = loop {
        let mut client = connect(&server);
        if client.write_all(b"x + 1\r").is_ok()
            && client.peek(&mut [0]).is_ok_and(|count| count > 0)
        {
            break client;
        }
    };
    expect(&mut third, b"42\r\n");
    drop(server);
    let mut rest = Vec::new();
    let _ = third.read_to_end(&mut rest);
    assert!(board.open().is_ok());
}

#[test]
fn a_vanished_board_disconnects_its_tcp_client() {
    let board = Arc::new(start(BoardOptions::default()));
    let server = serve::tcp(Arc::clone(&board), "127.0.0.1:0").expect("a port");
    let mut client = connect(&server);
    expect(&mut client, b">>> ");
    board.inject(&Fault::Vanish {
        after_bytes_to_host: 3,
        returns_after: WATCHDOG,
    });
    client.write_all(b"12345\r").expect("sent");
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).expect("an end");
    assert_eq!(rest, b"123");
    let mut again = connect(&server);
    assert_eq!(again.read(&mut [0]).expect("an end"), 0);
}

#[cfg(unix)]
#[test]
fn pty_clients_come_and_go() {
    let board = Arc::new(start(BoardOptions::default()));
    let server = serve::pty(Arc::clone(&board)).expect("a pty");
    assert_eq!(
        board.open().err().map(|error| error.kind()),
        Some(std::io::ErrorKind::ResourceBusy)
    );
    let open = || {
        std::fs::File::options()
            .read(true)
            .write(true)
            .open(server.path())
            .expect("the terminal")
    };
    let mut client = open();
    expect(&mut client, b">>> ");
    client.write_all(b"x = 41\r").expect("sent");
    expect(&mut client, b">>> ");
    drop(client);
    let mut client = open();
    client.write_all(b"x + 1\r").expect("sent");
    expect(&mut client, b"42\r\n>>> ");
    // A board that resets with its line gone is there again for the same terminal.
    board.inject(&Fault::Vanish {
        after_bytes_to_host: 0,
        returns_after: Duration::from_millis(10),
    });
    client.write_all(b"y\r").expect("sent");
    let mut client = open();
    let mut keyboard = open();
    let has_prompt = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // The first prompt is lost if the board was faster than the server, and then a key as well.
        scope.spawn(|| {
            while !has_prompt.load(Ordering::SeqCst) {
                keyboard.write_all(b"\r").expect("sent");
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        expect(&mut client, b">>> ");
        has_prompt.store(true, Ordering::SeqCst);
    });
    drop(server);
    assert!(board.open().is_ok());
}

/// A client that reads nothing for a while, and then slowly, gets all of it; so does the board.
#[cfg(unix)]
#[test]
fn a_pty_loses_nothing_in_either_direction() {
    let board = Arc::new(start(BoardOptions {
        line: LineOptions {
            receive_ring: Some(512),
            overrun: Overrun::Wait,
            in_flight: Some(512),
            ..LineOptions::default()
        },
        ..BoardOptions::default()
    }));
    let server = serve::pty(board).expect("a pty");
    let mut client = std::fs::File::options()
        .read(true)
        .write(true)
        .open(server.path())
        .expect("the terminal");
    expect(&mut client, b">>> ");
    client.write_all(b"\x01").expect("sent");
    expect(&mut client, b"CTRL-B to exit\r\n>");
    let program = "import sys, micropython\nmicropython.kbd_intr(-1)\nprint(sum(sys.stdin.buffer.read(100000)))\nfor i in range(20000): print('%05d' % i)\n\x04";
    client.write_all(program.as_bytes()).expect("sent");
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|i| (i.wrapping_mul(40_503) >> 7) as u8)
        .collect();
    client.write_all(&noise).expect("sent");
    let sum: u64 = noise.iter().map(|&byte| u64::from(byte)).sum();
    assert_eq!(
        expect(&mut client, b"\r\n"),
        format!("OK{sum}\r\n").as_bytes()
    );
    // The terminal holds less than is printed, and waits.
    std::thread::sleep(Duration::from_millis(2500));
    let printed = expect(&mut client, b"\x04\x04>");
    let lines: String = (0..20_000).map(|i| format!("{i:05}\r\n")).collect();
    let expected = format!("{lines}\x04\x04>");
    assert!(printed == expected.as_bytes(), "{} bytes", printed.len());
}
