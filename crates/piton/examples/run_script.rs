//! Runs a script on a board, and shows what it prints:
//! `cargo run -p piton --example run_script -- virtual hello.py`.

use std::error::Error;
use std::io::{Write as _, stdout};

use piton::deadline::Deadline;
use piton::error::BoardError;
use piton::{Session, SessionOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(board), Some(path)) = (words.next(), words.next()) else {
        return Err("expected a board and the path of a script".into());
    };
    let source = std::fs::read(path)?;
    let mut session = Session::connect(&board.parse()?, SessionOptions::default())?;
    // The first entry into the raw REPL makes a soft reset, so the script starts with a new interpreter.
    let mut raw_repl = session.raw_repl()?;
    let mut written = Ok(());
    let mut show = |bytes: &[u8]| {
        if written.is_ok() {
            written = stdout().write_all(bytes);
        }
    };
    let result = raw_repl.exec(&source, &mut show, Deadline::NEVER);
    written?;
    match result {
        Err(BoardError::Exception(exception)) => {
            stdout().write_all(&exception.traceback)?;
            Err(exception.type_name.into())
        }
        // The session brings the board to its prompt when it is dropped.
        other => Ok(other?),
    }
}
