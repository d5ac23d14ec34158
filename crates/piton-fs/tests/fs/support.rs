//! Boards for the tests.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use piton_board::deadline::{Cancel, Deadline};
use piton_board::repl::{Entry, RawRepl, Repl};
use piton_board::transport::Transport;
use piton_board::transport::side_channel::{SideChannel, Slot};
use piton_compiler::{Optimisation, Options};
use piton_fs::FileEvent;
use piton_fs::remote::RemoteFs;
use piton_fs::transfer::use_bytecode;
use piton_path::BoardPath;
use virtual_board::{BoardOptions, Line, VirtualBoard, VmImage};

/// A deadline that only bounds a hang.
pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(120))
}

pub(crate) fn path(text: &str) -> BoardPath {
    text.parse().unwrap()
}

/// Bytes without a pattern, the same on every run.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 24) as u8
        })
        .collect()
}

/// The firmware of the default version, compiled once.
pub(crate) fn image() -> &'static VmImage {
    static IMAGE: OnceLock<VmImage> = OnceLock::new();
    IMAGE.get_or_init(|| VmImage::open(&test_programs::vm()).unwrap())
}

/// What crossed a wire: how often the host sent and then listened, and how many bytes each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub(crate) turns: usize,
    pub(crate) to_board: usize,
    pub(crate) to_host: usize,
    host_spoke_last: bool,
}

impl Traffic {
    /// Bytes both ways.
    pub(crate) fn bytes(self) -> usize {
        self.to_board + self.to_host
    }
}

/// A transport over a virtual board's line.
struct Wire {
    line: Line,
    traffic: Arc<Mutex<Traffic>>,
}

impl Transport for Wire {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        let count = self.line.read(buf, deadline.remaining())?;
        let mut traffic = self.traffic.lock().unwrap();
        traffic.turns += usize::from(traffic.host_spoke_last);
        traffic.host_spoke_last = false;
        traffic.to_host += count;
        Ok(count)
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        let mut traffic = self.traffic.lock().unwrap();
        traffic.host_spoke_last = true;
        traffic.to_board += bytes.len();
        drop(traffic);
        self.line.write_all(bytes, deadline.remaining())
    }
}

/// A virtual board and a connection to it.
pub(crate) struct Board {
    pub(crate) repl: Repl,
    pub(crate) cancel: Cancel,
    /// Where a mount is served.
    pub(crate) slot: Slot,
    traffic: Arc<Mutex<Traffic>>,
    pub(crate) board: Arc<VirtualBoard>,
}

impl Board {
    pub(crate) fn start(options: BoardOptions) -> Board {
        Board::with(image(), options)
    }

    pub(crate) fn with(image: &VmImage, options: BoardOptions) -> Board {
        let board = Arc::new(VirtualBoard::start(image, options).unwrap());
        let traffic = Arc::default();
        let cancel = Cancel::new();
        let slot = Slot::default();
        let repl = connect(&board, &traffic, &cancel, &slot);
        Board {
            repl,
            cancel,
            slot,
            traffic,
            board,
        }
    }

    /// Connect anew: after the board was away, or another program had it.
    pub(crate) fn reconnect(&mut self) {
        self.disconnect();
        self.repl = connect(&self.board, &self.traffic, &self.cancel, &self.slot);
    }

    /// Leave the line to others.
    pub(crate) fn disconnect(&mut self) {
        self.repl = Repl::new(Box::new(Nothing), self.cancel.clone());
    }

    pub(crate) fn raw(&mut self) -> RawRepl<'_> {
        self.repl.raw_repl(Entry::KeepState, soon()).unwrap()
    }

    /// Use the board's files.
    pub(crate) fn fs<T>(&mut self, operation: impl FnOnce(&mut RemoteFs<'_, '_>) -> T) -> T {
        operation(&mut RemoteFs::new(&mut self.raw()))
    }

    pub(crate) fn run(&mut self, source: &str) -> String {
        let output = self.raw().run(source.as_bytes(), soon()).unwrap();
        String::from_utf8(output).unwrap()
    }

    pub(crate) fn write(
        &mut self,
        name: &str,
        content: &[u8],
    ) -> Result<(), piton_fs::error::Error> {
        self.fs(|fs| fs.write(&path(name), content, &mut |_: FileEvent| {}, soon()))
    }

    pub(crate) fn read(&mut self, name: &str) -> Result<Vec<u8>, piton_fs::error::Error> {
        self.fs(|fs| fs.read(&path(name), &mut |_: FileEvent| {}, soon()))
    }

    /// What `operation` puts on the wire; the board is at the raw REPL's prompt before it, and raw-paste is known.
    pub(crate) fn traffic<T>(
        &mut self,
        operation: impl FnOnce(&mut RemoteFs<'_, '_>) -> T,
    ) -> (T, Traffic) {
        self.run("pass");
        self.traffic_from_here(operation)
    }

    /// What `operation` and all that goes before it on this connection put on the wire.
    pub(crate) fn traffic_from_here<T>(
        &mut self,
        operation: impl FnOnce(&mut RemoteFs<'_, '_>) -> T,
    ) -> (T, Traffic) {
        *self.traffic.lock().unwrap() = Traffic::default();
        let result = self.fs(operation);
        let traffic = *self.traffic.lock().unwrap();
        (result, traffic)
    }
}

fn connect(
    board: &Arc<VirtualBoard>,
    traffic: &Arc<Mutex<Traffic>>,
    cancel: &Cancel,
    slot: &Slot,
) -> Repl {
    let deadline = soon();
    let line = loop {
        match board.open() {
            Ok(line) => break line,
            Err(error) if deadline.has_passed() => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let traffic = Arc::clone(traffic);
    let line = SideChannel::new(Box::new(Wire { line, traffic }), slot.clone());
    let mut repl = Repl::new(Box::new(line), cancel.clone());
    use_bytecode(&mut repl, bytecode);
    repl
}

/// As the library above does it.
fn bytecode(source: &str) -> Option<Vec<u8>> {
    let options = Options {
        optimisation: Optimisation::NoLines,
        ..Options::new("piton")
    };
    let module = piton_compiler::compile(source.as_bytes(), &options).ok()?;
    piton_mpy::writer::write(&module).ok()
}

/// A transport to nowhere.
struct Nothing;

impl Transport for Nothing {
    fn read(&self, _: &mut [u8], _: Deadline) -> io::Result<usize> {
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    fn write_all(&self, _: &[u8], _: Deadline) -> io::Result<()> {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}
