//! What a virtual board takes: `cargo bench --package virtual-board`.
//!
//! Times on a shared machine drift: medians are printed, and the worst.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its figures, and stops when the board does not do as it should"
)]

use std::time::{Duration, Instant};

use virtual_board::{BoardOptions, Line, VirtualBoard, VmImage};

/// How often each thing is done.
const ROUNDS: usize = 21;

/// How long a board may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    let path = test_programs::vm();
    report("cold start to the prompt", || {
        let started = Instant::now();
        let image = VmImage::open(&path).unwrap();
        prompt(&image);
        started.elapsed()
    });
    let image = VmImage::open(&path).unwrap();
    report("a further board in the same process", || {
        let started = Instant::now();
        prompt(&image);
        started.elapsed()
    });
    let (_board, line) = prompt(&image);
    exchange(&line, b"\x01", b"raw REPL; CTRL-B to exit\r\n>");
    report("soft reset", || {
        exchange(&line, b"\x04", b"raw REPL; CTRL-B to exit\r\n>")
    });
    report("1,000 programs `print(1)`", || {
        (0..1000)
            .map(|_| exchange(&line, b"print(1)\x04", b"OK1\r\n\x04\x04>"))
            .sum()
    });
    report("Ctrl-C on `while True: pass`", || {
        exchange(&line, b"print('go')\nwhile True: pass\x04", b"go\r\n");
        exchange(&line, b"\x03", b"KeyboardInterrupt: \r\n\x04>")
    });
}

/// Prints the median and the worst of some rounds.
fn report(what: &str, mut round: impl FnMut() -> Duration) {
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    times.sort();
    let milliseconds = |at: usize| {
        times
            .get(at)
            .map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    };
    println!(
        "{what:<36} median {:>8.2} ms, worst {:>8.2} ms",
        milliseconds(ROUNDS / 2),
        milliseconds(ROUNDS - 1)
    );
}

/// Returns a board at its prompt.
fn prompt(image: &VmImage) -> (VirtualBoard, Line) {
    let board = VirtualBoard::start(image, BoardOptions::default()).unwrap();
    let line = board.open().unwrap();
    exchange(&line, b"", b">>> ");
    (board, line)
}

/// Sends something. Returns how long it took until the board had said `end`.
fn exchange(line: &Line, bytes: &[u8], end: &[u8]) -> Duration {
    let started = Instant::now();
    line.write_all(bytes, Some(PATIENCE)).unwrap();
    let mut received = Vec::new();
    let mut buf = [0; 4096];
    while !received.ends_with(end) {
        let count = line.read(&mut buf, Some(PATIENCE)).unwrap();
        received.extend(buf.iter().take(count));
    }
    started.elapsed()
}
