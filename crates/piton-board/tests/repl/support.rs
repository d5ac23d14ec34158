//! Real boards for the tests, and a record of what went over their wires.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use piton_board::deadline::{Cancel, Deadline};
use piton_board::error::Error;
use piton_board::repl::{Entry, RawRepl, Repl};
use piton_board::transport::{Transport, serial::SerialPort};
#[cfg(unix)]
use test_programs::EmulatedPico;
use test_programs::Microbit;
use virtual_board::{BoardOptions, Line, VirtualBoard, VmImage};

/// A deadline that only bounds a hang.
pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Host,
    Board,
}

/// Bytes that one side sent without the other between them.
type Run = (Side, Vec<u8>);

/// What went over a wire, in order.
#[derive(Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<Vec<Run>>>);

impl Wire {
    fn record(&self, side: Side, bytes: &[u8]) {
        let mut runs = self.0.lock().unwrap();
        match runs.last_mut() {
            Some((last, run)) if *last == side => run.extend_from_slice(bytes),
            _ => runs.push((side, bytes.to_vec())),
        }
    }

    /// Forget everything so far.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// `> ` what the host sent, `< ` what the board sent, one line of the board at a time.
    pub(crate) fn transcript(&self) -> String {
        let mut text = String::new();
        for (side, run) in self.0.lock().unwrap().iter() {
            for line in run.split_inclusive(|&byte| byte == b'\n') {
                let sign = if *side == Side::Host { '>' } else { '<' };
                text.push_str(&format!("{sign} {}\n", line.escape_ascii()));
            }
        }
        text
    }

    /// Turns (the host sent, then got an answer), bytes to the board, bytes to the host.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let runs = self.0.lock().unwrap();
        let sum = |wanted| {
            let of_side = runs.iter().filter(|(side, _)| *side == wanted);
            of_side.map(|(_, run)| run.len()).sum()
        };
        let turns = runs
            .windows(2)
            .filter(|pair| pair[0].0 == Side::Host && pair[1].0 == Side::Board)
            .count();
        (turns, sum(Side::Host), sum(Side::Board))
    }
}

/// A transport that records.
pub(crate) struct Recorder<T> {
    inner: T,
    wire: Wire,
}

impl<T: Transport> Transport for Recorder<T> {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        let count = self.inner.read(buf, deadline)?;
        self.wire.record(Side::Board, &buf[..count]);
        Ok(count)
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        self.wire.record(Side::Host, bytes);
        self.inner.write_all(bytes, deadline)
    }
}

/// A connection to a test board.
pub(crate) struct Connection {
    pub(crate) repl: Repl,
    pub(crate) wire: Wire,
    pub(crate) cancel: Cancel,
}

impl Connection {
    pub(crate) fn new(transport: impl Transport + 'static) -> Connection {
        let wire = Wire::default();
        let cancel = Cancel::new();
        let recorder = Recorder {
            inner: transport,
            wire: wire.clone(),
        };
        Connection {
            repl: Repl::new(Box::new(recorder), cancel.clone()),
            wire,
            cancel,
        }
    }

    /// The raw REPL with the state kept.
    #[track_caller]
    pub(crate) fn raw(&mut self) -> RawRepl<'_> {
        self.repl.raw_repl(Entry::KeepState, soon()).unwrap()
    }

    /// Write to the board, past the REPL layer: what somebody typed before us.
    #[track_caller]
    pub(crate) fn write(&self, bytes: &[u8]) {
        self.repl.transport().write_all(bytes, soon()).unwrap();
    }

    /// Read until the board has sent `marker`, past the REPL layer.
    #[track_caller]
    pub(crate) fn wait_for(&self, marker: &str) {
        let mut seen = Vec::new();
        while !seen.ends_with(marker.as_bytes()) {
            let mut byte = [0];
            self.repl.transport().read(&mut byte, soon()).unwrap();
            seen.extend_from_slice(&byte);
        }
    }

    /// Start a program in the raw REPL, past the REPL layer, and wait until it runs.
    #[track_caller]
    pub(crate) fn start(&self, program: &str) {
        self.write(format!("\x01print('started')\n{program}\x04").as_bytes());
        self.wait_for("OKstarted\r\n");
    }

    /// Put a file on the board.
    #[track_caller]
    pub(crate) fn write_file(&mut self, name: &str, text: &str) {
        let source = format!("with open({name:?}, 'w') as f: f.write({text:?})");
        self.run(&source);
    }

    /// Wait until a board that is still starting is at its friendly prompt, and begin the record there.
    #[track_caller]
    pub(crate) fn settle(&mut self) {
        self.raw();
        self.repl.friendly(soon()).unwrap();
        self.wait_for(">>> ");
        self.wire.clear();
    }

    /// What a program prints.
    #[track_caller]
    pub(crate) fn run(&mut self, source: &str) -> String {
        let output = self.raw().run(source.as_bytes(), soon()).unwrap();
        String::from_utf8(output).unwrap()
    }

    /// What a program printed, and the exception that ended it.
    #[track_caller]
    pub(crate) fn fail(&mut self, source: &str) -> (String, Error) {
        let mut output = Vec::new();
        let result = self.raw().exec(
            source.as_bytes(),
            &mut |bytes| output.extend_from_slice(bytes),
            soon(),
        );
        (String::from_utf8(output).unwrap(), result.unwrap_err())
    }
}

/// A micro:bit with MicroPython 1.9.2 under QEMU.
pub(crate) fn microbit() -> (Microbit, Connection) {
    let board = Microbit::start();
    let port = SerialPort::open(board.port(), 115_200).unwrap();
    (board, Connection::new(port))
}

/// A Pico W with MicroPython 1.27, emulated.
#[cfg(unix)]
pub(crate) fn pico() -> (EmulatedPico, Connection) {
    let board = EmulatedPico::start();
    let port = SerialPort::open(board.port(), 115_200).unwrap();
    (board, Connection::new(port))
}

/// The line of a virtual board.
pub(crate) struct VirtualLine(pub(crate) Line);

impl Transport for VirtualLine {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        self.0.read(buf, deadline.remaining())
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        self.0.write_all(bytes, deadline.remaining())
    }
}

/// A virtual board at its friendly prompt.
pub(crate) fn virtual_board() -> (VirtualBoard, Connection) {
    virtual_board_with(BoardOptions::default())
}

/// A virtual board that has just been started.
pub(crate) fn virtual_board_with(options: BoardOptions) -> (VirtualBoard, Connection) {
    start(&test_programs::vm(), options)
}

/// A virtual board with one of [`test_programs::VM_VERSIONS`].
pub(crate) fn virtual_board_of(version: &str) -> (VirtualBoard, Connection) {
    start(&test_programs::vm_version(version), BoardOptions::default())
}

fn start(vm: &Path, options: BoardOptions) -> (VirtualBoard, Connection) {
    let image = VmImage::open(vm).unwrap();
    let board = VirtualBoard::start(&image, options).unwrap();
    let connection = Connection::new(VirtualLine(board.open().unwrap()));
    (board, connection)
}
