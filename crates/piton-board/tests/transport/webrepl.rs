//! WebREPL: MicroPython's own WebSocket in front of a virtual board, and servers that misbehave.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use piton_board::deadline::{Cancel, Deadline};
use piton_board::error::Error;
use piton_board::repl::{Entry, Repl};
use piton_board::transport::Transport;
use piton_board::transport::webrepl::{Password, WebRepl};
use piton_board::webrepl_files::WebReplFiles;
use test_programs::WebReplServer;
use virtual_board::serve::TcpServer;
use virtual_board::{BoardOptions, VirtualBoard, VmImage};

use crate::support::{every_byte, read_exactly, read_until, watchdog};

const PATIENCE: Duration = Duration::from_secs(30);

/// A board with a WebREPL, whose password is `secret`.
fn board(folder: &std::path::Path) -> (TcpServer, WebReplServer) {
    let image = VmImage::open(&test_programs::vm()).unwrap();
    let board = VirtualBoard::start(&image, BoardOptions::default()).unwrap();
    let board = virtual_board::serve::tcp(Arc::new(board), "127.0.0.1:0").unwrap();
    let webrepl = WebReplServer::start(board.local_addr().port(), "secret", folder);
    (board, webrepl)
}

fn connect(port: u16, password: &str, timeout: Duration) -> Result<WebRepl, Error> {
    WebRepl::connect("127.0.0.1", port, &Password::new(password), timeout)
}

/// The error of a connection that must not come about, with `PORT` in place of the port.
fn refusal(port: u16, password: &str, timeout: Duration) -> String {
    let error = connect(port, password, timeout).unwrap_err();
    error.to_string().replace(&port.to_string(), "PORT")
}

#[test]
fn a_board_works_over_webrepl() {
    let folder = tempfile::tempdir().unwrap();
    let (_board, server) = board(folder.path());
    let refused = "`ws://127.0.0.1:PORT` refuses the password";
    assert_eq!(refusal(server.port(), "wrong", PATIENCE), refused);
    assert_eq!(refusal(server.port(), "secret\r1+1", PATIENCE), refused);

    let transport = connect(server.port(), "secret", PATIENCE).unwrap();
    let busy = refusal(server.port(), "secret", PATIENCE);
    assert_eq!(
        busy,
        "could not open `ws://127.0.0.1:PORT`: the board closed the connection before it asked for the password: \
         is another WebREPL session open?"
    );

    let mut repl = Repl::new(Box::new(transport), Cancel::new());
    let mut raw = repl.raw_repl(Entry::KeepState, watchdog()).unwrap();
    // More than one frame, and more than one window of raw-paste.
    let source = format!("print(len({:?}))", "x".repeat(10_000));
    assert_eq!(
        raw.run(source.as_bytes(), watchdog()).unwrap(),
        b"10000\r\n"
    );
    let source = b"import sys\nsys.stdout.buffer.write(bytes(range(5, 256)) * 20)";
    let expected = (5..=255).collect::<Vec<u8>>().repeat(20);
    assert_eq!(raw.run(source, watchdog()).unwrap(), expected);
    drop(repl);
    // The board is free for the next one at once.
    connect(server.port(), "secret", PATIENCE).unwrap();
}

#[test]
fn files_are_transferred_without_the_repl() {
    let folder = tempfile::tempdir().unwrap();
    let (_board, server) = board(folder.path());
    let connect = || connect(server.port(), "secret", PATIENCE).unwrap();
    let transport = connect();
    let messages = transport.binary_messages().unwrap();
    let files = WebReplFiles::new(messages, Cancel::new());
    // The unix port behind the server is 1.25.
    assert_eq!(files.version(watchdog()).unwrap(), [1, 25, 0]);
    for size in [0, 1, 255, 256, 257, 100_000] {
        let content = every_byte(size);
        let mut steps = Vec::new();
        let mut progress = |sent| steps.push(sent);
        files
            .put("a.bin", &content, &mut progress, watchdog())
            .unwrap();
        assert_eq!(steps.last().copied().unwrap_or(0), size as u64);
        assert!(
            std::fs::read(folder.path().join("a.bin")).unwrap() == content,
            "{size}"
        );
        let mut back = Vec::new();
        let mut sink = |bytes: &[u8]| back.extend_from_slice(bytes);
        files.get("a.bin", &mut sink, watchdog()).unwrap();
        assert!(back == content, "{size}");
    }
    let long = "n".repeat(64);
    for name in [long.as_str(), "a\0b"] {
        let error = files.put(name, b"", &mut |_| {}, watchdog()).unwrap_err();
        assert!(matches!(error, Error::FileRecord { .. }), "{error}");
    }
    // The REPL works on the same connection, and the version is asked for in the middle.
    transport.write_all(b"\x03\r6 * 7\r", watchdog()).unwrap();
    read_until(&transport, b"42\r\n");
    assert_eq!(files.version(watchdog()).unwrap(), [1, 25, 0]);

    // A file that is not there ends the session.
    let error = files.get("missing", &mut |_| {}, watchdog()).unwrap_err();
    assert!(matches!(error, Error::Disconnected { .. }), "{error}");
    let cancel = Cancel::new();
    cancel.cancel();
    let transport = connect();
    let files = WebReplFiles::new(transport.binary_messages().unwrap(), cancel);
    assert!(matches!(files.version(watchdog()), Err(Error::Cancelled)));
}

#[test]
fn invalid_answers_are_errors() {
    let login = b"\x81\x0aPassword: \x81\x19\r\nWebREPL connected\r\n>>> ";
    for (answer, expected) in [
        (
            b"\x82\x04WB\x01\x00".as_slice(),
            "expected `WB` and two zeros, the sign that a file request is done; board sent WB\\x01\\x00",
        ),
        (
            b"\x82\x02WB",
            "timed out waiting for the answer to a file request; board sent nothing",
        ),
        (
            b"\x82\x04WB\x00\x00\x82\x05\x10\x00abc\x88\x00",
            "lost the connection to the board while waiting for a piece of the file",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let accept = accept_of(&mut stream);
            let right = format!(
                "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            stream
                .write_all(&[right.as_bytes(), login].concat())
                .unwrap();
            // The password and the request, each with six bytes of frame.
            stream.read_exact(&mut [0; 6 + 7 + 6 + 82]).unwrap();
            stream.write_all(answer).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let transport = connect(port, "secret", PATIENCE).unwrap();
        let files = WebReplFiles::new(transport.binary_messages().unwrap(), Cancel::new());
        let limit = Deadline::after(Duration::from_secs(2));
        let error = files.get("x", &mut |_| {}, limit).unwrap_err();
        assert_eq!(error.to_string(), expected);
        drop(transport);
        server.join().unwrap();
    }
}

#[test]
fn an_address_without_a_server_is_refused() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let Err(Error::Open { address, source }) = connect(port, "secret", PATIENCE) else {
        panic!();
    };
    assert_eq!(address, format!("ws://127.0.0.1:{port}"));
    assert_eq!(source.kind(), std::io::ErrorKind::ConnectionRefused);
}

/// A server for one connection: what it answers to the handshake, given the right answer. It says nothing more, and
/// stays until the client leaves.
fn stranger(answer: impl FnOnce(&str) -> Vec<u8> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let accept = accept_of(&mut stream);
        let right =
            format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {accept}\r\n\r\n");
        let _ = stream.write_all(&answer(&right));
        let _ = stream.read_to_end(&mut Vec::new());
    });
    port
}

/// Read the request, and have MicroPython compute the answer to its key.
fn accept_of(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        request.push(byte[0]);
    }
    let request = String::from_utf8(request).unwrap();
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let program = format!(
        "import hashlib, binascii\n\
         digest = hashlib.sha1(b'{}258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest()\n\
         print(binascii.b2a_base64(digest).decode(), end='')",
        key.unwrap()
    );
    let output = test_programs::micropython_unix()
        .args(["-c", &program])
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

#[test]
fn servers_without_webrepl_are_refused() {
    let soon = Duration::from_secs(2);
    let after = |text: &'static [u8]| move |right: &str| [right.as_bytes(), text].concat();
    let page = |text: &'static str| move |_: &str| text.as_bytes().to_vec();
    let servers = [
        (
            "a web page",
            stranger(page("HTTP/1.0 200 OK\r\nServer: x\r\n\r\n<html>")),
        ),
        (
            "a serial port",
            stranger(page("\r\nMicroPython v1.29\r\n>>> ")),
        ),
        ("silence", stranger(page(""))),
        ("half an answer", stranger(page("HTTP/1.1 101"))),
        (
            "another key",
            stranger(page("HTTP/1.1 101 x\r\nSec-WebSocket-Accept: aaaa\r\n\r\n")),
        ),
        (
            "an endless answer",
            stranger(|_| [b"HTTP/1.1 101 ".to_vec(), vec![b'x'; 20_000]].concat()),
        ),
        ("no prompt", stranger(after(b""))),
        ("no password", stranger(after(b"\x81\x04>>> "))),
        ("closed", stranger(after(b"\x88\x00"))),
        (
            "closed with words",
            stranger(after(b"\x81\x04busy\x88\x05\x03\xf0bye")),
        ),
        ("no frames", stranger(after(b"Password: "))),
        (
            "no end",
            stranger(|right| [right.as_bytes(), b"\x81\x7e\x20\x00", &[b'x'; 8192]].concat()),
        ),
        ("no answer", stranger(after(b"\x81\x0aPassword: "))),
        (
            "another answer",
            stranger(after(b"\x89\x00\x81\x0aPassword: \x81\x04what\x88\x00")),
        ),
    ];
    // At the same time: half of them are waited for until the time is up.
    let refusals = thread::scope(|scope| {
        let threads = servers.map(|(name, port)| {
            scope.spawn(move || format!("{name}: {}\n", refusal(port, "secret", soon)))
        });
        threads.map(|thread| thread.join().unwrap())
    });
    let table = refusals.concat();
    insta::assert_snapshot!(table);
}

#[test]
fn a_broken_connection_is_an_error() {
    let login = b"\x81\x0aPassword: \x81\x19\r\nWebREPL connected\r\n>>> \x82\x03abc\x81\x03xyz";
    for (end, expected) in [
        (b"\x88\x00".as_slice(), "the server closed the connection"),
        (
            b"\x88\x04\x03\xe9ab",
            "the server closed the connection (1001 ab)",
        ),
        (
            b"\xff\xff",
            "the server does not speak WebSocket: it sent a frame with reserved bits (0xff)",
        ),
    ] {
        let port = stranger(move |right| [right.as_bytes(), login, end].concat());
        let transport = connect(port, "secret", PATIENCE).unwrap();
        assert_eq!(read_exactly(&transport, 7), b">>> xyz");
        let binary = transport.binary_messages().unwrap();
        let mut buf = [0; 10];
        assert_eq!(binary.receive(&mut buf, watchdog()).unwrap(), 3);
        assert_eq!(&buf[..3], b"abc");
        let error = transport.read(&mut buf, watchdog()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn the_number_of_stored_binary_bytes_is_limited() {
    let port = stranger(|right| {
        let login = b"\x81\x0aPassword: \x81\x19\r\nWebREPL connected\r\n>>> ";
        let frame = [b"\x82\x7e\x40\x00".as_slice(), &every_byte(0x4000)].concat();
        [right.as_bytes(), login, &frame.repeat(8)].concat()
    });
    let transport = connect(port, "secret", PATIENCE).unwrap();
    read_exactly(&transport, 4);
    let error = transport.read(&mut [0], watchdog()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server sends binary messages without end"
    );
}
