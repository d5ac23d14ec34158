//! Serial ports, with pseudo-terminals in their place.

use std::io::{self, Read, Write};
use std::process::Stdio;
use std::thread;

use piton_board::deadline::Deadline;
use piton_board::error::Error;
use piton_board::transport::Transport;
use piton_board::transport::serial::SerialPort;
use rustix::termios::{ControlModes, InputModes, LocalModes, OutputModes};

use crate::support::{Pty, check_echo, every_byte, read_exactly, read_until, soon, watchdog};

fn open(path: &str) -> SerialPort {
    SerialPort::open(path, 115_200).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_byte_is_unchanged_in_both_directions() {
    let pty = Pty::new();
    let port = open(&pty.path);
    port.write_all(&every_byte(1000), watchdog()).unwrap();
    assert_eq!(pty.read_exactly(1000), every_byte(1000));
    pty.controller.write_all(&every_byte(1000)).unwrap();
    assert_eq!(read_exactly(&port, 1000), every_byte(1000));
}

#[test]
fn one_thread_reads_while_another_writes() {
    let pty = Pty::new();
    pty.echo();
    check_echo(&open(&pty.path), 200_000);
}

#[test]
fn the_port_is_raw_at_its_baud_rate() {
    let pty = Pty::new();
    let _port = SerialPort::open(&pty.path, 230_400).unwrap();
    let settings = pty.settings();
    assert_eq!(settings.output_speed(), 230_400);
    let controls = settings.control_modes;
    assert!(controls.contains(ControlModes::CS8 | ControlModes::CLOCAL | ControlModes::CREAD));
    assert!(!controls.intersects(ControlModes::PARENB | ControlModes::CSTOPB));
    let local = LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG | LocalModes::IEXTEN;
    assert!(!settings.local_modes.intersects(local));
    assert!(!settings.output_modes.contains(OutputModes::OPOST));
    let input = InputModes::ICRNL | InputModes::IXON | InputModes::ISTRIP;
    assert!(!settings.input_modes.intersects(input));
}

#[test]
fn silence_ends_at_the_deadline_but_received_bytes_are_read_after_it() {
    let pty = Pty::new();
    let port = open(&pty.path);
    let error = port.read(&mut [0], soon()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);

    pty.controller.write_all(b"x").unwrap();
    // The pty hands bytes over in its own time: wait for them without taking them.
    assert_eq!(read_exactly(&port, 1), b"x");
    pty.controller.write_all(b"yz").unwrap();
    assert_eq!(read_exactly(&port, 1), b"y");
    let passed = Deadline::after(std::time::Duration::ZERO);
    let mut buf = [0; 2];
    assert_eq!(port.read(&mut buf, passed).unwrap(), 1);
    assert_eq!(buf[0], b'z');
    let error = port.read(&mut buf, passed).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(port.read(&mut [], watchdog()).unwrap(), 0);
}

#[test]
fn a_write_to_a_board_that_reads_no_bytes_ends_at_the_deadline() {
    let pty = Pty::new();
    let port = open(&pty.path);
    let error = port.write_all(&[b'x'; 1_000_000], soon()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    // Reading still works.
    pty.controller.write_all(b"y").unwrap();
    assert_eq!(read_exactly(&port, 1), b"y");
}

#[test]
fn a_lost_port_is_an_unexpected_eof() {
    let pty = Pty::new();
    let port = open(&pty.path);
    thread::scope(|scope| {
        let reader = scope.spawn(|| port.read(&mut [0], watchdog()));
        drop(pty);
        let error = reader.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    });
    let error = port.read(&mut [0], watchdog()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let error = port.write_all(b"x", watchdog()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    drop(port);
}

#[test]
fn setting_the_lines_of_a_pty_succeeds() {
    let pty = Pty::new();
    let port = open(&pty.path);
    let lines = port.control_lines().expect("a serial port has lines");
    for (dtr, rts) in [(true, false), (false, true), (false, false)] {
        lines.set_lines(dtr, rts).unwrap();
    }
}

#[test]
fn bytes_from_before_the_port_was_opened_are_dropped() {
    let pty = Pty::new();
    drop(open(&pty.path));
    pty.controller.write_all(b"old\n").unwrap();
    let port = open(&pty.path);
    pty.controller.write_all(b"new").unwrap();
    assert_eq!(read_exactly(&port, 3), b"new");
}

#[test]
fn a_port_is_opened_once_at_a_time() {
    let pty = Pty::new();
    let port = SerialPort::open(&pty.path, 9600).unwrap();
    let error = SerialPort::open(&pty.path, 115_200).unwrap_err();
    let Error::PortBusy {
        port: named,
        holder,
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(named, &pty.path);
    if cfg!(target_os = "linux") {
        let own = format!("(process {})", std::process::id());
        assert!(
            holder.as_ref().is_some_and(|holder| holder.ends_with(&own)),
            "{error}"
        );
    }
    // The one who failed changed nothing.
    assert_eq!(pty.settings().output_speed(), 9600);
    drop(port);
    open(&pty.path);
}

/// pyserial is what mpremote opens ports with.
const PYSERIAL: &str = "
import sys, serial
try:
    port = serial.Serial(sys.argv[1], 115200, exclusive=True)
except serial.SerialException as error:
    print('busy', error.errno)
else:
    print('open', flush=True)
    sys.stdin.read()
";

#[test]
fn pyserial_and_piton_exclude_each_other() {
    let pty = Pty::new();
    let pyserial = || {
        let mut python = test_programs::belay_python();
        python.args(["-c", PYSERIAL, &pty.path]);
        python.stdin(Stdio::piped()).stdout(Stdio::piped());
        python
    };
    let port = open(&pty.path);
    let output = pyserial().output().unwrap();
    assert_eq!(output.stdout, b"busy 11\n", "EAGAIN from flock");
    drop(port);

    let mut python = pyserial().spawn().unwrap();
    let mut line = [0; 5];
    python
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut line)
        .unwrap();
    assert_eq!(&line, b"open\n");
    let error = SerialPort::open(&pty.path, 115_200).unwrap_err();
    if cfg!(target_os = "linux") {
        let holder = format!("(process {})", python.id());
        assert!(error.to_string().ends_with(&holder), "{error}");
    }
    assert!(matches!(error, Error::PortBusy { .. }));
    drop(python.stdin.take());
    python.wait().unwrap();
    open(&pty.path);
}

#[test]
fn mpremote_gets_the_port_after_it_is_closed() {
    let pty = Pty::new();
    let mut mpremote = test_programs::mpremote();
    mpremote
        .args(["connect", &pty.path, "sleep", "0"])
        .stdin(Stdio::null());
    let port = open(&pty.path);
    let output = mpremote.output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        message.contains("it may be in use by another program"),
        "{message}"
    );
    drop(port);
    // The REPL that mpremote would start fails without a terminal: opening is what counts here.
    mpremote.arg("disconnect");
    let output = mpremote.output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!message.contains("it may be in use"), "{message}");
}

#[test]
fn paths_that_are_not_ports_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let missing = SerialPort::open(&path("ttyACM9"), 115_200).unwrap_err();
    let Error::NoSuchPort { port, available } = missing else {
        panic!("{missing}");
    };
    assert_eq!(port, path("ttyACM9"));
    let listed = piton_board::discovery::list_serial_ports();
    let listed: Vec<_> = listed.into_iter().map(|facts| facts.path).collect();
    assert_eq!(available, listed);

    let file = std::fs::File::create(path("main.py")).unwrap();
    (&file).write_all(b"print(1)\n").unwrap();
    let error = SerialPort::open(&path("main.py"), 115_200).unwrap_err();
    assert!(matches!(error, Error::Open { .. }), "{error}");
    assert_eq!(std::fs::read(path("main.py")).unwrap(), b"print(1)\n");
    let error = SerialPort::open(&path(""), 115_200).unwrap_err();
    assert!(matches!(error, Error::Open { .. }), "{error}");
    let error = SerialPort::open(&path("main.py/x"), 115_200).unwrap_err();
    assert!(matches!(error, Error::NoSuchPort { .. }), "{error}");

    let pty = Pty::new();
    let error = SerialPort::open(&pty.path, 0).unwrap_err();
    assert!(matches!(error, Error::Open { .. }), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_port_without_permission_is_refused() {
    // A file that not even root may write to.
    let path = "/sys/kernel/uevent_seqnum";
    let error = SerialPort::open(path, 115_200).unwrap_err();
    assert!(
        matches!(&error, Error::PortPermission { port } if port == path),
        "{error}"
    );
}

#[test]
fn a_real_micropython_answers() {
    let microbit = test_programs::Microbit::start();
    let port = open(microbit.port());
    port.write_all(b"\r", watchdog()).unwrap();
    read_until(&port, b">>> ");
    port.write_all(b"1+1\r", watchdog()).unwrap();
    read_until(&port, b"1+1\r\n2\r\n>>> ");
}
