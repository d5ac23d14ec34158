//! Starts the board's own program, and shows its output until it prints a line:
//! `cargo run -p piton --example watch_output -- a0 ready`.

use std::error::Error;
use std::io::{Write as _, stdout};
use std::time::Duration;

use piton::deadline::Deadline;
use piton::session::output::ProgramOutput;
use piton::{Session, SessionOptions};

/// Timeout of the line.
const PATIENCE: Duration = Duration::from_secs(60);

/// Maximum duration of one read.
const SLICE: Duration = Duration::from_millis(50);

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(board), Some(expected)) = (words.next(), words.next()) else {
        return Err("expected a board and the line to wait for".into());
    };
    let mut session = Session::connect(&board.parse()?, SessionOptions::default())?;
    session.start_main()?;
    // The firmware's own output before and after the program is left out.
    let mut program = ProgramOutput::default();
    let mut printed = Vec::new();
    let mut buffer = [0; 1024];
    let deadline = Deadline::after(PATIENCE);
    while !deadline.has_passed() {
        let before = printed.len();
        let mut keep = |bytes: &[u8]| printed.extend_from_slice(bytes);
        match session.board()?.read_output(&mut buffer, SLICE)? {
            [] => program.flush_quiet(&mut keep),
            bytes => program.take(bytes, &mut keep),
        }
        stdout().write_all(printed.get(before..).unwrap_or_default())?;
        let text = String::from_utf8_lossy(&printed);
        if text.lines().any(|line| line == expected) {
            return Ok(());
        }
    }
    Err(format!("`{expected}` was not printed").into())
}
