//! `repl`: shows the board's prompt on this terminal.

mod inject;
mod letters;
mod reconnect;
mod screen;
mod talk;

use std::io::{self, IsTerminal};

use piton::Session;
use piton::error::BoardError;
use piton::literal::py_bytes;
use piton::mount::MOUNT_POINT;
use piton::session::output::RestartWatch;

use crate::context::Context;
use crate::error::CommandError;
use crate::terminal::RawMode;
use screen::Screen;
use talk::Outcome;

/// Arguments of `repl`.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Args {
    /// Show bytes that are not printable as `[hh]`
    #[arg(short, long, conflicts_with = "no_escape_non_printable")]
    pub(crate) escape_non_printable: bool,
    /// Show all bytes unchanged (default)
    #[arg(long)]
    no_escape_non_printable: bool,
    /// Save what is shown to this file
    #[arg(long, value_name = "FILE")]
    pub(crate) capture: Option<String>,
    /// Code that Ctrl-J types; `\n` in it is Enter
    #[arg(long, value_name = "CODE")]
    pub(crate) inject_code: Option<String>,
    /// Script that Ctrl-K runs on the board
    #[arg(long, value_name = "FILE")]
    pub(crate) inject_file: Option<String>,
}

impl Args {
    /// Returns the bytes that Ctrl-J types.
    fn typed_code(&self) -> Option<Vec<u8>> {
        let code = self.inject_code.as_ref()?;
        Some(code.replace("\\n", "\r\n").into_bytes())
    }
}

/// Runs the REPL at the end of a line without an action.
pub(crate) fn run_at_end(ctx: &mut Context) -> Result<(), CommandError> {
    run(&Args::default(), ctx)
}

pub(crate) fn run(args: &Args, ctx: &mut Context) -> Result<(), CommandError> {
    let Context {
        session,
        ui,
        cancel,
        compatibility,
        ..
    } = ctx;
    session.board()?;
    let interactive = io::stdin().is_terminal();
    // Piped input was written for the program before the restart: it must not reach the new one.
    let reconnects = interactive && session.identity().is_some();
    session.friendly()?;
    let board = session.board()?;
    for line in greeting(args, board.device_name()) {
        ui.step(&line)?;
    }
    let screen = Screen::new(ui, args.escape_non_printable, args.capture.as_deref())?;
    let typed = args.typed_code();

    let raw_mode = if interactive {
        Some(RawMode::enter().map_err(CommandError::Terminal)?)
    } else {
        None
    };
    let mut pending = board.repl().take_pending();
    if !interactive && compatibility.extended_repl {
        pending = board.await_prompt(pending)?;
    }
    screen.write(&pending)?;
    let mut keys = talk::Keyboard::new(interactive, compatibility);
    let mut watch = board.mounted().map(|_| RestartWatch::default());
    let outcome = loop {
        let injections = talk::Injections {
            code: typed.as_deref(),
            has_file: args.inject_file.is_some(),
        };
        let board = session.board()?;
        let mut outcome = talk::talk(board, &screen, &mut keys, &injections, watch, cancel)?;
        if outcome == Outcome::InjectFile {
            let path = args.inject_file.as_deref().unwrap_or_default();
            match inject::inject_file(path, session, &screen, &mut keys, cancel) {
                Err(error)
                    if matches!(error.board(), Some(BoardError::Disconnected { .. }))
                        && reconnects =>
                {
                    outcome = Outcome::Lost;
                }
                other => other?,
            }
        }
        match outcome {
            Outcome::InjectFile => {}
            Outcome::Restarted { at_prompt } => remount(session, &screen, at_prompt)?,
            Outcome::Lost if reconnects => {
                let is_back = reconnect::wait(session, &screen, &mut keys, cancel);
                if !is_back {
                    break outcome;
                }
                watch = reconnect::expect_prompt(session.board()?);
                continue;
            }
            _ => break outcome,
        }
        watch = session.board()?.mounted().map(|_| RestartWatch::default());
    };
    drop(raw_mode);
    if interactive && ui.is_terminal() {
        // The cursor may be after the board's prompt: the shell's prompt needs its own line.
        ui.line("")?;
    }
    match outcome {
        Outcome::Lost if compatibility.speaks_mpremote() => ui.text("\ndevice disconnected\n"),
        Outcome::Lost => Err(CommandError::ReplLost),
        Outcome::Signal => Err(CommandError::Interrupted),
        Outcome::Left | Outcome::InjectFile | Outcome::Restarted { .. } => Ok(()),
    }
}

/// Mounts the folder again that a soft reset took off the board, and goes back to the prompt.
///
/// A board that did not reach its prompt runs a program, which is not disturbed.
fn remount(
    session: &mut Session,
    screen: &Screen<'_>,
    at_prompt: bool,
) -> Result<(), CommandError> {
    const WARNING: &str = "Warning: Could not remount local filesystem";
    let board = session.board()?;
    board.note_lost_mount();
    let Some(folder) = board.mounted().filter(|_| at_prompt) else {
        return screen.write(format!("{WARNING}\r\n").as_bytes());
    };
    let folder = folder.display().to_string();
    let folder = folder.trim_end_matches('/');
    screen
        .write(format!("\r\nRemount local directory {folder}/ at {MOUNT_POINT}\r\n").as_bytes())?;
    let remounted = session.board()?.remount();
    session.friendly()?;
    match remounted {
        Ok(_) => Ok(()),
        Err(error) => {
            let error = error.to_string();
            screen.write(format!("{WARNING}: {}\r\n", printable::line(&error)).as_bytes())
        }
    }
}

/// Returns mpremote's lines on entry.
fn greeting(args: &Args, device_name: &str) -> Vec<String> {
    let mut lines = vec![
        format!("Connected to MicroPython at {device_name}"),
        "Use Ctrl-] or Ctrl-x to exit this shell".to_owned(),
    ];
    if args.escape_non_printable {
        lines.push("Escaping non-printable bytes/characters by printing their hex code".to_owned());
    }
    if let Some(path) = &args.capture {
        lines.push(format!("Capturing session to file \"{path}\""));
    }
    if let Some(code) = &args.inject_code {
        let typed = code.replace("\\n", "\r\n");
        lines.push(format!(
            "Use Ctrl-J to inject {}",
            py_bytes(typed.as_bytes())
        ));
    }
    if let Some(path) = &args.inject_file {
        lines.push(format!("Use Ctrl-K to inject file \"{path}\""));
    }
    lines
}
