//! Everything that is printed: data on stdout, messages on stderr.
//!
//! Text goes through [`Ui::line`], [`Ui::step`], [`Ui::text`] (stdout) and [`Ui::note`], [`Ui::failure`],
//! [`Ui::report`] (stderr). These escape control characters ([`printable`]), since any text may contain a name that is
//! not ours; a stdout that is not a terminal gets text unchanged, for scripts. Only the output of a person's own
//! program, or the content of their own file, goes through [`Ui::bytes`]. `cargo xtask tidy` holds the list of the
//! callers of that, and clippy (`disallowed_methods`) keeps stdout and stderr to this file.
#![expect(
    clippy::disallowed_methods,
    reason = "all other modules print through this one"
)]

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use piton::wire_log::{Direction, WireEvent};
use serde::Serialize;

use crate::args::GlobalOptions;
use crate::compatibility::{Compatibility, Wording};
use crate::config::{Remark, UNREAD_HINT};
use crate::error::CommandError;
use crate::progress::{BoardLines, Progress, ProgressLine, Style};
use crate::usage::UsageError;
use crate::verbosity::{self, Verbosity};

/// The two output streams of the program.
pub(crate) struct Ui {
    compatibility: &'static Compatibility,
    json: bool,
    quiet: bool,
    verbosity: Verbosity,
    /// Whether stdout is a terminal.
    is_terminal: bool,
    /// Lines that would still be in mpremote's buffer.
    late: Mutex<String>,
    /// The line of an operation that only reports its progress.
    progress: ProgressLine,
}

impl Ui {
    /// Returns the output under these rules, with these options.
    pub(crate) fn new(compatibility: &'static Compatibility, options: &GlobalOptions) -> Ui {
        Ui {
            compatibility,
            json: options.json,
            quiet: options.quiet,
            verbosity: options.verbosity,
            is_terminal: io::stdout().is_terminal(),
            late: Mutex::default(),
            progress: ProgressLine::default(),
        }
    }

    /// Returns whether facts are to be printed as JSON.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Returns whether stdout is a terminal.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Prints the output of a user's program, or the content of their file, unchanged and immediately.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), CommandError> {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(bytes)
            .and_then(|()| stdout.flush())
            .map_err(CommandError::Output)
    }

    /// Prints one line of data.
    pub(crate) fn line(&self, text: &str) -> Result<(), CommandError> {
        self.flush_late()?;
        let text = match self.is_terminal {
            true => printable::line(text),
            false => text.into(),
        };
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Prints lines of data, with their line ends.
    pub(crate) fn text(&self, text: &str) -> Result<(), CommandError> {
        let text = match self.is_terminal {
            true => printable::lines(text),
            false => text.into(),
        };
        self.bytes(text.as_bytes())
    }

    /// Prints a line as [`Ui::step`] does, but as late as mpremote: there the line stays in Python's buffer while the
    /// output of a program overtakes it, until the next line or the end.
    pub(crate) fn late_step(&self, text: &str) -> Result<(), CommandError> {
        if self.compatibility.unbuffered_steps || self.quiet || self.json || self.is_terminal {
            return self.step(text);
        }
        if let Ok(mut late) = self.late.lock() {
            late.push_str(text);
            late.push('\n');
        }
        Ok(())
    }

    /// Prints the lines of [`Ui::late_step`].
    pub(crate) fn flush_late(&self) -> Result<(), CommandError> {
        let late = match self.late.lock() {
            Ok(mut late) => std::mem::take(&mut *late),
            Err(_) => return Ok(()),
        };
        match late.is_empty() {
            true => Ok(()),
            false => self.bytes(late.as_bytes()),
        }
    }

    /// Returns a reporter that prints the modules that a board imports from a mounted folder, under `--verbose`.
    pub(crate) fn mount_reporter(&self) -> Option<piton::mount::MountReporter> {
        let compatibility = self.compatibility;
        (self.verbosity >= Verbosity::Decisions).then(|| {
            let report: piton::mount::MountReporter =
                Arc::new(move |event: &piton::mount::MountEvent| {
                    print_message(compatibility, &format!("{event}\n"))
                });
            report
        })
    }

    /// Prints one line about the current step, which mpremote prints among the data (`cp a :b`, `ls :`).
    pub(crate) fn step(&self, text: &str) -> Result<(), CommandError> {
        if self.quiet || self.json {
            return Ok(());
        }
        self.line(text)
    }

    /// Prints one line of JSON.
    pub(crate) fn json_line(&self, value: &impl Serialize) -> Result<(), CommandError> {
        let text = serde_json::to_string(value)
            .map_err(|error| CommandError::Output(io::Error::other(error)))?;
        self.line(&printable::json(&text))
    }

    /// Returns whether events are printed for programs: then a program reads them in place of the remarks for people.
    pub(crate) fn prints_events(&self) -> bool {
        self.json && !self.quiet && !is_read_by_a_person()
    }

    /// Prints an event of the library for programs: one line of JSON on stderr, under `--json`. A person who looks on
    /// gets none.
    pub(crate) fn event(&self, event: &impl Serialize) {
        if !self.prints_events() {
            return;
        }
        // The library's events have no form that JSON lacks.
        if let Ok(text) = serde_json::to_string(event) {
            draw(&format!("{}\n", printable::json(&text)));
        }
    }

    /// Prints a remark for the user, unless `--quiet` is given.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            print_message(self.compatibility, &format!("{text}\n"));
        }
    }

    /// Prints the same while the terminal is raw, between the lines of the board.
    pub(crate) fn note_in_raw_mode(&self, text: &str) {
        if !self.quiet {
            draw(&format!("\r\n({})\r\n", printable::line(text)));
        }
    }

    /// Prints the lines of the configuration that were not read.
    pub(crate) fn remarks(&self, remarks: &[Remark]) {
        for remark in remarks {
            self.note(&format!("{}: {remark}", self.compatibility.program));
        }
        if !remarks.is_empty() {
            self.note(&format!("\nhint: {UNREAD_HINT}"));
        }
    }

    /// Shows that `done` bytes of a copy are done; [`Ui::clear_progress`] removes the line.
    pub(crate) fn progress(&self, done: u64, total: u64) {
        let style = match self.compatibility.wording {
            Wording::Piton => Style::Transfer,
            Wording::Mpremote => Style::MpremoteCopy,
        };
        self.progress
            .show(style, done, total, self.shows_progress());
    }

    /// Shows that `done` files are compiled; [`Ui::clear_progress`] removes the line.
    pub(crate) fn count(&self, done: usize, total: usize) {
        self.show_count("compiling", done, total);
    }

    /// Shows that `done` files are fetched; [`Ui::clear_progress`] removes the line.
    pub(crate) fn fetched(&self, done: usize, total: usize) {
        self.show_count("fetching", done, total);
    }

    fn show_count(&self, verb: &'static str, done: usize, total: usize) {
        let style = Style::Count(verb);
        self.progress
            .show(style, done as u64, total as u64, self.shows_progress());
    }

    /// Removes the line of [`Ui::progress`], [`Ui::count`] or [`Ui::fetched`].
    pub(crate) fn clear_progress(&self) {
        self.progress.clear();
    }

    /// Returns a progress line for a transfer of `bytes`.
    pub(crate) fn transfer(&self, bytes: u64) -> Progress {
        Progress::new(bytes, self.shows_progress())
    }

    /// Returns the lines of an operation on several boards.
    pub(crate) fn board_lines(&self) -> BoardLines {
        BoardLines::new(self.shows_progress())
    }

    /// Prints the failure of one of several items, while the others continue.
    pub(crate) fn failure(&self, text: &str) {
        print_message(self.compatibility, text);
    }

    fn shows_progress(&self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal()
    }

    /// Prints the help of a command.
    pub(crate) fn help(&self, text: &clap::Error) -> Result<(), CommandError> {
        let text = text.render();
        if io::stdout().is_terminal() {
            write!(anstream::stdout(), "{}", text.ansi()).map_err(CommandError::Output)
        } else {
            self.bytes(text.to_string().as_bytes())
        }
    }

    /// Prints a failure, and returns its exit code.
    pub(crate) fn report(&self, error: &CommandError) -> ExitCode {
        if let Some(output) = error.output(self.compatibility) {
            // The exit code reports the failure even if stdout is closed.
            let _ = raw_stdout(output.as_bytes());
        } else if self.json {
            if let Some(line) = error.json(self.compatibility) {
                print_message(self.compatibility, &line);
            }
        } else if let Some(message) = error.message(self.compatibility) {
            match error {
                // Printed with clap's own colors. The text consists of Piton's help and the words of the line.
                CommandError::Usage(UsageError::Arguments(_)) => draw(&message),
                _ => print_message(self.compatibility, &message),
            }
        }
        ExitCode::from(error.exit_code(self.compatibility))
    }

    /// Returns a reporter that prints the events of the library as remarks.
    pub(crate) fn event_reporter(&self) -> piton::Reporter {
        let (quiet, compatibility) = (self.quiet, self.compatibility);
        Arc::new(move |event: &piton::ConnectEvent| {
            if !quiet {
                print_message(compatibility, &format!("{event}\n"));
            }
        })
    }
}

/// Returns whether stderr is a terminal.
pub(crate) fn is_read_by_a_person() -> bool {
    io::stderr().is_terminal()
}

/// Prints a question, on the line where the answer is typed.
pub(crate) fn question(text: &str) {
    print_message(Compatibility::PITON, text);
}

/// Prints bytes on stdout for programs that have no [`Ui`].
pub(crate) fn raw_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush())
}

/// Prints what a user's program writes to stderr, unchanged.
pub(crate) fn program_stderr(bytes: &[u8]) -> io::Result<()> {
    io::stderr().lock().write_all(bytes)
}

/// Prints bytes on stderr for programs that have no [`Ui`]. A failure to write is ignored: there is nowhere to report
/// it.
pub(crate) fn raw_stderr(bytes: &[u8]) {
    let mut stderr = io::stderr().lock();
    let _ = match stderr.is_terminal() {
        true => stderr.write_all(printable::lines(&String::from_utf8_lossy(bytes)).as_bytes()),
        false => stderr.write_all(bytes),
    };
}

/// Prints a message on stderr, with control characters escaped, unless scripts compare it with mpremote's.
fn print_message(compatibility: &Compatibility, text: &str) {
    if !compatibility.escapes_piped_stderr && !io::stderr().is_terminal() {
        return draw(text);
    }
    draw(&printable::lines(text));
}

/// Writes a text of ours to stderr. A failure to write is ignored: there is nowhere to report it.
fn draw(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}

/// Writes one line of the log of `-v` to stderr. It may hold names that are not ours.
pub(crate) fn log_line(line: &str) {
    draw(&format!(
        "{}\n",
        printable::line(line.trim_end_matches('\n'))
    ));
}

/// Returns the wire log of `-vv`: one line for each read and write, with the seconds since the start.
pub(crate) fn wire_log() -> piton::WireLogger {
    Arc::new(|event: WireEvent<'_>| {
        let sign = match event.direction {
            Direction::ToBoard => '>',
            Direction::ToHost => '<',
        };
        draw(&format!(
            "{:>9.6} {sign} {:>4} {}\n",
            verbosity::elapsed().as_secs_f64(),
            event.bytes.len(),
            event.bytes.escape_ascii()
        ));
    })
}
