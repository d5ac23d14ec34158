//! RFC 2217 against ser2net, pyserial's server, and servers that misbehave.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use piton_board::error::Error;
use piton_board::open::{OpenOptions, open};
use piton_board::transport::rfc2217::{Rfc2217, Rfc2217Options};
use piton_board::transport::{LineState, LineStates, Transport};

use crate::support::{
    Pty, check_echo, end_of, every_byte, read_exactly, read_until, soon, watchdog,
};

fn options() -> Rfc2217Options {
    Rfc2217Options {
        baud_rate: 57_600,
        lines: LineStates::default(),
        connect_timeout: Duration::from_secs(30),
        answer_timeout: Duration::from_secs(30),
    }
}

fn connect(port: u16) -> Rfc2217 {
    Rfc2217::connect("127.0.0.1", port, options()).unwrap_or_else(|error| panic!("{error}"))
}

/// A server program, ended when dropped.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// `command` makes a server of a port number; it is started until it listens at the number it got.
    fn start(command: impl Fn(u16) -> Command) -> Server {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = port.unwrap().port();
        let mut child = command(port).stdin(Stdio::null()).spawn().unwrap();
        let deadline = watchdog();
        // Looking must not count as a connection: these servers take one at a time.
        while !is_listening(port) {
            assert!(child.try_wait().unwrap().is_none(), "the server ended");
            assert!(!deadline.has_passed(), "the server does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        Server { child, port }
    }
}

/// Whether someone has the port, seen from a failing attempt to have it too.
fn is_listening(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_err()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// ser2net serving a pty.
fn ser2net(path: &str, directory: &tempfile::TempDir) -> Server {
    Server::start(|port| {
        let config = format!(
            "connection: &board\n  accepter: telnet(rfc2217),tcp,127.0.0.1,{port}\n  \
             connector: serialdev,{path},9600n81\n"
        );
        let file = directory.path().join("ser2net.yaml");
        std::fs::write(&file, config).unwrap();
        let mut command = test_programs::ser2net();
        // -n: stay in the foreground; -u: no lock files outside our folder.
        command.args(["-n", "-u", "-c"]).arg(file);
        command
    })
}

#[test]
fn every_byte_passes_ser2net_and_the_port_is_set_up() {
    let pty = Pty::new();
    let directory = tempfile::tempdir().unwrap();
    let server = ser2net(&pty.path, &directory);
    let board = connect(server.port);
    assert_eq!(pty.settings().output_speed(), 57_600);
    board.write_all(&every_byte(1000), watchdog()).unwrap();
    assert_eq!(pty.read_exactly(1000), every_byte(1000));
    pty.controller.write_all(&every_byte(1000)).unwrap();
    assert_eq!(read_exactly(&board, 1000), every_byte(1000));
    let lines = board.control_lines().expect("a serial port has lines");
    lines.set_lines(false, true).unwrap();
    lines.set_lines(true, false).unwrap();
    pty.echo();
    check_echo(&board, 100_000);

    // It serves one connection at a time, and says so; the first gone, the next one is served.
    let error = Rfc2217::connect("127.0.0.1", server.port, options()).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("closed the connection; it said: "),
        "{error}"
    );
    drop(board);
    check_echo(&connect(server.port), 1000);
}

#[test]
fn a_real_micropython_answers_through_ser2net() {
    let microbit = test_programs::Microbit::start();
    let directory = tempfile::tempdir().unwrap();
    let server = ser2net(microbit.port(), &directory);
    let text = format!("rfc2217://127.0.0.1:{}", server.port);
    let selector = text.parse().unwrap();
    let (board, name) = open(&selector, &OpenOptions::default()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(name, text);
    board.write_all(b"\r", watchdog()).unwrap();
    read_until(&*board, b">>> ");
    board.write_all(b"print(b'\\xff')\r", watchdog()).unwrap();
    read_until(&*board, b"\r\nb'\\xff'\r\n>>> ");
}

/// pyserial's server around pyserial's loop-back port; it tells each change of the lines.
const PYSERIAL_SERVER: &str = "
import socket, sys, threading
import serial.rfc2217
from serial.urlhandler import protocol_loop

class Port(protocol_loop.Serial):
    def _update_dtr_state(self):
        print('dtr', self._dtr_state, flush=True)
        super()._update_dtr_state()
    def _update_rts_state(self):
        print('rts', self._rts_state, flush=True)
        super()._update_rts_state()

port = Port('loop://', timeout=0.01)
listener = socket.create_server(('127.0.0.1', int(sys.argv[1])))
connection, _ = listener.accept()
print('connected', flush=True)
lock = threading.Lock()
class Connection:
    def write(self, data):
        with lock:
            connection.sendall(data)
manager = serial.rfc2217.PortManager(port, Connection())

def to_client():
    while True:
        data = port.read(port.in_waiting or 1)
        if data:
            Connection().write(b''.join(manager.escape(data)))

threading.Thread(target=to_client, daemon=True).start()
while data := connection.recv(1024):
    port.write(b''.join(manager.filter(data)))
print('gone', port.baudrate, port.bytesize, port.parity, port.stopbits, flush=True)
";

/// What pyserial's server tells of the lines, from the connection to its end.
fn lines_told(lines: LineStates, talk: impl FnOnce(&Rfc2217)) -> Vec<String> {
    let mut server = Server::start(|port| {
        let mut python = test_programs::belay_python();
        python.args(["-c", PYSERIAL_SERVER, &port.to_string()]);
        python.stdout(Stdio::piped());
        python
    });
    let options = Rfc2217Options { lines, ..options() };
    let board = Rfc2217::connect("127.0.0.1", server.port, options).unwrap();
    talk(&board);
    drop(board);
    let mut told = String::new();
    let mut stdout = server.child.stdout.take().unwrap();
    stdout.read_to_string(&mut told).unwrap();
    let (_, told) = told.split_once("connected\n").unwrap();
    told.lines().map(str::to_owned).collect()
}

#[test]
fn pyserials_server_sees_the_lines_change_in_the_order_that_resets_nothing() {
    let told = lines_told(LineStates::default(), |board| {
        check_echo(board, 10_000);
        let lines = board.control_lines().expect("a serial port has lines");
        lines.set_lines(false, true).unwrap();
        lines.set_lines(true, false).unwrap();
    });
    let expected = [
        "dtr True",
        "rts True", // open
        "dtr False",
        "rts True", // asked for
        "rts False",
        "dtr True", // asked for
        "rts False",
        "dtr False", // close
        "gone 57600 8 N 1",
    ];
    assert_eq!(told, expected);
}

#[test]
fn the_control_lines_are_set() {
    let off = LineStates {
        dtr: LineState::Off,
        rts: LineState::Off,
    };
    let told = lines_told(off, |_| {});
    let expected = ["rts False", "dtr False", "rts False", "dtr False"];
    assert_eq!(told[..4], expected);

    let kept = LineStates {
        dtr: LineState::Keep,
        rts: LineState::Keep,
    };
    let told = lines_told(kept, |board| kept.pulse_reset(board).unwrap());
    let expected = [
        "dtr False",
        "rts True", // reset
        "rts False",
        "dtr False", // and go
        "gone 57600 8 N 1",
    ];
    assert_eq!(told, expected);

    let told = lines_told(
        LineStates {
            dtr: LineState::Keep,
            rts: LineState::On,
        },
        |_| {},
    );
    assert_eq!(told, ["rts True", "rts False", "gone 57600 8 N 1"]);
}

/// A server that does as it likes with the first connection.
fn serve(
    serve: impl FnOnce(&mut TcpStream) -> io::Result<()> + Send + 'static,
) -> (u16, thread::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // The client may be gone before the server has said all.
        let _ = serve(&mut stream);
        let _ = stream.shutdown(Shutdown::Write);
        let mut received = Vec::new();
        let _ = stream.read_to_end(&mut received);
        received
    });
    (port, server)
}

/// All answers that a client wants to hear, ahead of its questions.
const AGREEABLE: &[u8] = b"\xff\xfd\x2c\xff\xfb\x00\xff\xfd\x00\
    \xff\xfa\x2c\x65\x00\x00\xe1\x00\xff\xf0\xff\xfa\x2c\x66\x08\xff\xf0\
    \xff\xfa\x2c\x67\x01\xff\xf0\xff\xfa\x2c\x68\x01\xff\xf0\xff\xfa\x2c\x70\x03\xff\xf0";

/// Why a server that says this is not taken.
fn refusal(said: &'static [u8], then: fn(&mut TcpStream) -> io::Result<()>) -> String {
    let (port, _server) = serve(move |stream| {
        stream.write_all(said)?;
        then(stream)
    });
    let options = Rfc2217Options {
        answer_timeout: Duration::from_millis(100),
        ..options()
    };
    match Rfc2217::connect("127.0.0.1", port, options) {
        Ok(_) => panic!("connected to {}", said.escape_ascii()),
        Err(Error::Open { source, .. }) => source.to_string(),
        Err(error) => panic!("{error}"),
    }
}

fn keep_silent(stream: &mut TcpStream) -> io::Result<()> {
    io::copy(stream, &mut io::sink()).map(drop)
}

fn close(_: &mut TcpStream) -> io::Result<()> {
    Ok(())
}

#[test]
fn servers_without_rfc2217_are_refused() {
    let silent = "the server does not speak RFC 2217";
    let dumb = "the server does not answer the port's settings";
    assert_eq!(refusal(b"", keep_silent), silent);
    let said = format!("{silent}; it said: >>> \\xc3");
    assert_eq!(refusal(b"\r\n>>> \xc3\xff", keep_silent), said);
    assert_eq!(refusal(b"", close), "the server closed the connection");
    let said = "the server closed the connection; it said: Port already in use";
    assert_eq!(refusal(b"Port already in use\r\n", close), said);
    let refused = "the server refuses the COM port option (RFC 2217)";
    assert_eq!(refusal(b"\xff\xfe\x2c", keep_silent), refused);
    assert_eq!(refusal(b"\xff\xfd\x2c", keep_silent), dumb);
    // Everything but the last answer; half an answer.
    assert_eq!(
        refusal(&AGREEABLE[..AGREEABLE.len() - 7], keep_silent),
        dumb
    );
    assert_eq!(
        refusal(&AGREEABLE[..AGREEABLE.len() - 1], keep_silent),
        dumb
    );
    let other_baud_rate = b"\xff\xfd\x2c\xff\xfa\x2c\x65\x00\x00\x25\x80\xff\xf0\
        \xff\xfa\x2c\x66\x08\xff\xf0\xff\xfa\x2c\x67\x01\xff\xf0\
        \xff\xfa\x2c\x68\x01\xff\xf0\xff\xfa\x2c\x70\x03\xff\xf0";
    let wrong = "the server does not set 57600 baud, but 9600";
    assert_eq!(refusal(other_baud_rate, keep_silent), wrong);
    let empty_answers = b"\xff\xfd\x2c\xff\xfa\x2c\x65\xff\xf0\xff\xfa\x2c\x66\xff\xf0\
        \xff\xfa\x2c\x67\xff\xf0\xff\xfa\x2c\x68\xff\xf0\xff\xfa\x2c\x70\xff\xf0";
    let wrong = "the server does not set 57600 baud, but 0";
    assert_eq!(refusal(empty_answers, keep_silent), wrong);
}

#[test]
fn servers_that_send_without_pause_are_refused() {
    fn flood(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
        let bytes = bytes.repeat(1000);
        loop {
            stream.write_all(&bytes)?;
        }
    }
    let silent = "the server does not speak RFC 2217";
    assert_eq!(refusal(b"", |stream| flood(stream, b"\xff\xf1")), silent);
    assert_eq!(
        refusal(b"", |stream| flood(stream, b"\xff\xfd\x18\xff\xfb\x18")),
        silent
    );
    assert_eq!(
        refusal(b"", |stream| flood(stream, b"\xff\xfa\x2c")),
        silent
    );
    assert_eq!(
        refusal(b"\xff\xfa\x2c", |stream| flood(stream, b"abc")),
        silent
    );
    let said = refusal(b"", |stream| flood(stream, b"spam"));
    assert!(said.len() < 300, "{said}");
    assert!(
        said.starts_with("the server does not speak RFC 2217; it said: spam"),
        "{said}"
    );
}

#[test]
fn commands_without_pause_end_at_the_deadline() {
    let (port, server) = serve(|stream| {
        stream.write_all(AGREEABLE)?;
        loop {
            stream.write_all(&b"\xff\xf1\xff\xfa\x2c\x6b\x30\xff\xf0".repeat(1000))?;
        }
    });
    let board = connect(port);
    let error = board.read(&mut [0], soon()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    drop(board);
    server.join().unwrap();
}

#[test]
fn invalid_telnet_is_data_and_its_end_an_unexpected_eof() {
    let (port, _server) = serve(|stream| {
        stream.write_all(AGREEABLE)?;
        let mut state = 1_u64;
        for _ in 0..1_000_000 {
            // Knuth's generator; half of the bytes are telnet's.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let byte = (state >> 56) as u8;
            stream.write_all(&[if byte.is_multiple_of(2) {
                byte | 0xf0
            } else {
                byte
            }])?;
        }
        Ok(())
    });
    let board = connect(port);
    assert_eq!(end_of(&board).kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn the_line_is_usable_after_a_write_that_timed_out() {
    let (start, go) = channel();
    let (port, server) = serve(move |stream| {
        stream.write_all(AGREEABLE)?;
        // It reads nothing until it is told to.
        go.recv().map_err(io::Error::other)
    });
    let board = connect(port);
    let bytes = vec![0xff; 30_000_000];
    let error = board.write_all(&bytes, soon()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    start.send(()).unwrap();
    board.write_all(b"after", watchdog()).unwrap();
    drop(board);
    let received = server.join().unwrap();
    let at = received
        .windows(5)
        .position(|window| window == b"after")
        .unwrap();
    let data = received[..at]
        .iter()
        .rev()
        .take_while(|&&byte| byte == 0xff)
        .count();
    assert!(
        data > 0 && data.is_multiple_of(2),
        "{data} bytes: half a pair"
    );
}

/// One line for each telnet command.
fn transcript(bytes: &[u8]) -> String {
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!(" {byte:02x}"))
            .collect::<String>()
    };
    let mut lines = String::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let end = match rest {
            [0xff, 0xfa, ..] => {
                rest.windows(2)
                    .position(|pair| pair == [0xff, 0xf0])
                    .unwrap()
                    + 2
            }
            [0xff, 0xff, ..] => 2,
            [0xff, ..] => 3,
            _ => 1,
        };
        let (command, tail) = rest.split_at(end);
        lines.push_str(&format!("{}\n", hex(command).trim()));
        rest = tail;
    }
    lines
}

#[test]
fn a_session_has_this_wire_log() {
    let (port, server) = serve(|stream| stream.write_all(AGREEABLE));
    let board = connect(port);
    board.write_all(b"a\xff\r", watchdog()).unwrap();
    drop(board);
    insta::assert_snapshot!(transcript(&server.join().unwrap()));
}
