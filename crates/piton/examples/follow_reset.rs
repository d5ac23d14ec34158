//! Runs a script that may reset the board, and shows what the board prints after its return:
//! `cargo run -p piton --example follow_reset -- a0 update.py`.

use std::error::Error;
use std::io::{Write as _, stderr, stdout};
use std::ops::ControlFlow;

use piton::deadline::Deadline;
use piton::error::BoardError;
use piton::session::ReturnEvent;
use piton::{Session, SessionOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(board), Some(path)) = (words.next(), words.next()) else {
        return Err("expected a board and the path of a script".into());
    };
    let source = std::fs::read(path)?;
    let mut session = Session::connect(&board.parse()?, SessionOptions::default())?;
    let show = |bytes: &[u8]| match stdout().write_all(bytes).and_then(|()| stdout().flush()) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    let mut raw_repl = session.raw_repl()?;
    let result = raw_repl.exec(&source, &mut |bytes| _ = show(bytes), Deadline::NEVER);
    match result {
        // The reset of a board with its own USB disconnects it. `identity` is `None` for boards that cannot return.
        Err(BoardError::Disconnected { .. }) if session.identity().is_some() => {}
        other => return Ok(other?),
    }
    session.follow_return(&mut |event| match event {
        ReturnEvent::Waiting => note("waiting for the board"),
        ReturnEvent::Reconnected { device_name } => note(&format!("reconnected at {device_name}")),
        ReturnEvent::Output { bytes } => show(bytes),
        _ => ControlFlow::Continue(()),
    })?;
    Ok(())
}

/// Writes a line to stderr, and ignores errors.
fn note(text: &str) -> ControlFlow<()> {
    let _ = writeln!(stderr(), "{text}");
    ControlFlow::Continue(())
}
