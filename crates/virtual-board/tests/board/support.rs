//! What the tests share: a board, and the transcript of a talk with it.

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use virtual_board::{BoardOptions, Line, VirtualBoard, VmImage};

/// No wait of a test is longer; what is tested never depends on it.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(30);

pub(crate) fn image() -> &'static VmImage {
    static IMAGE: OnceLock<VmImage> = OnceLock::new();
    IMAGE.get_or_init(|| VmImage::open(&test_programs::vm()).expect("the VM file loads"))
}

pub(crate) fn start(options: BoardOptions) -> VirtualBoard {
    VirtualBoard::start(image(), options).expect("the board starts")
}

/// A talk with a board, written down: `>` is what the host sent, `<` what the board sent.
pub(crate) struct Talk {
    pub(crate) line: Line,
    transcript: String,
    /// What came in and was not asked for yet.
    pending: Vec<u8>,
}

impl Talk {
    pub(crate) fn with(board: &VirtualBoard) -> Talk {
        Talk::on(board.open().expect("the line opens"))
    }

    pub(crate) fn on(line: Line) -> Talk {
        Talk {
            line,
            transcript: String::new(),
            pending: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> &mut Self {
        self.note('>', bytes);
        self.line
            .write_all(bytes, Some(WATCHDOG))
            .expect("the board takes bytes");
        self
    }

    /// Wait for what the board sends, up to and with `end`.
    pub(crate) fn expect(&mut self, end: &[u8]) -> &mut Self {
        self.take(end);
        self
    }

    /// As [`Talk::expect`]; the bytes.
    pub(crate) fn take(&mut self, end: &[u8]) -> Vec<u8> {
        let deadline = Instant::now() + WATCHDOG;
        loop {
            if let Some(at) = self.pending.windows(end.len()).position(|part| part == end) {
                let taken: Vec<u8> = self.pending.drain(..at + end.len()).collect();
                self.note('<', &taken);
                return taken;
            }
            let mut buf = [0; 4096];
            let left = deadline.saturating_duration_since(Instant::now());
            match self.line.read(&mut buf, Some(left)) {
                Ok(count) => self.pending.extend(buf.iter().take(count)),
                Err(error) => panic!(
                    "waited for `{}`: {error}; board sent `{}` after\n{}",
                    end.escape_ascii(),
                    self.pending.escape_ascii(),
                    self.transcript
                ),
            }
        }
    }

    fn note(&mut self, who: char, bytes: &[u8]) {
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            writeln!(self.transcript, "{who} {}", line.escape_ascii()).expect("text grows");
        }
    }

    /// The talk so far; it starts anew.
    pub(crate) fn transcript(&mut self) -> String {
        std::mem::take(&mut self.transcript)
    }

    pub(crate) fn prompt(&mut self) -> &mut Self {
        self.expect(b">>> ")
    }

    /// Enter the raw REPL from the friendly one, and forget how.
    pub(crate) fn raw(&mut self) -> &mut Self {
        self.prompt().send(b"\x01").expect(b"CTRL-B to exit\r\n>");
        self.transcript.clear();
        self
    }

    /// Run source in the raw REPL: what it printed, and its traceback.
    pub(crate) fn exec(&mut self, source: &str) -> (Vec<u8>, String) {
        self.send(source.as_bytes()).send(b"\x04").expect(b"OK");
        let mut stdout = self.take(b"\x04");
        stdout.pop();
        let mut traceback = self.take(b"\x04>");
        traceback.truncate(traceback.len() - 2);
        (
            stdout,
            String::from_utf8(traceback).expect("tracebacks are text"),
        )
    }

    /// Run source in the raw REPL that must not raise: what it printed, LF for CR LF.
    pub(crate) fn run(&mut self, source: &str) -> String {
        let (stdout, traceback) = self.exec(source);
        assert_eq!(
            traceback,
            "",
            "of\n{source}\nwhich printed {}",
            stdout.escape_ascii()
        );
        String::from_utf8(stdout)
            .expect("text")
            .replace("\r\n", "\n")
    }

    /// Run source in the raw REPL that must raise: the last line of its traceback.
    pub(crate) fn raises(&mut self, source: &str) -> String {
        let (stdout, traceback) = self.exec(source);
        let last = traceback.trim_end().lines().last();
        last.unwrap_or_else(|| panic!("nothing raised, printed {}", stdout.escape_ascii()))
            .to_owned()
    }
}

/// A started board in the raw REPL.
pub(crate) fn raw_board(options: BoardOptions) -> (VirtualBoard, Talk) {
    let board = start(options);
    let mut talk = Talk::with(&board);
    talk.raw();
    (board, talk)
}

/// Read until the line ends: what was read.
pub(crate) fn wait_eof(line: &Line) -> Vec<u8> {
    let mut read = Vec::new();
    let mut buf = [0; 4096];
    loop {
        match line.read(&mut buf, Some(WATCHDOG)) {
            Ok(count) => read.extend(buf.iter().take(count)),
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
                return read;
            }
        }
    }
}

/// Open the line of a vanished board as soon as it is back.
pub(crate) fn reopen(board: &VirtualBoard) -> Line {
    let deadline = Instant::now() + WATCHDOG;
    loop {
        match board.open() {
            Ok(line) => return line,
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
                assert!(Instant::now() < deadline, "the board does not return");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}
