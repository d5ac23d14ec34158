//! What people and pipes see: stdout is data, stderr is talk.
//!
//! The one door to the terminal. Text goes through [`Ui::line`], [`Ui::step`], [`Ui::text`] (stdout) and [`Ui::note`],
//! [`Ui::failure`], [`Ui::report`] (stderr): there, what steers a terminal is escaped ([`printable`]), since any text may
//! hold a name that is not ours. On a stdout that is no terminal text stays as it is, for scripts. Only what a person's own program
//! prints, or their own file holds, goes through [`Ui::bytes`]; `cargo xtask tidy` holds the list of those places, and clippy
//! (`disallowed_methods`) keeps stdout and stderr to this file.
#![expect(clippy::disallowed_methods, reason = "this is the door")]

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use piton::wire_log::{Direction, WireEvent};
use serde::Serialize;

use crate::args::GlobalOptions;
use crate::compatibility::{Compatibility, Wording};
use crate::config::{Remark, UNREAD_HINT};
use crate::error::CommandError;
use crate::progress::{Progress, ProgressLine, Style};
use crate::usage::UsageError;
use crate::verbosity::{self, Verbosity};

/// The two output streams of the program.
pub(crate) struct Ui {
    compatibility: &'static Compatibility,
    json: bool,
    quiet: bool,
    verbosity: Verbosity,
    /// Whether a person looks at stdout.
    is_terminal: bool,
    /// Lines that mpremote would still hold in its buffer.
    late: Mutex<String>,
    /// The line of an operation whose events say only how far it is.
    progress: ProgressLine,
}

impl Ui {
    /// Output under these rules, with these options.
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

    /// Whether facts are to be printed as JSON.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Whether a person looks at stdout.
    pub(crate) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// What a person's program prints or their file holds, at once, byte by byte the same: on a terminal too.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Result<(), CommandError> {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(bytes)
            .and_then(|()| stdout.flush())
            .map_err(CommandError::Output)
    }

    /// One line of data.
    pub(crate) fn line(&self, text: &str) -> Result<(), CommandError> {
        self.flush_late()?;
        let text = match self.is_terminal {
            true => printable::line(text),
            false => text.into(),
        };
        self.bytes(format!("{text}\n").as_bytes())
    }

    /// Lines of data, with their line ends.
    pub(crate) fn text(&self, text: &str) -> Result<(), CommandError> {
        let text = match self.is_terminal {
            true => printable::lines(text),
            false => text.into(),
        };
        self.bytes(text.as_bytes())
    }

    /// A line as [`Ui::step`] has it, but where mpremote's stays in Python's buffer while a program's output passes it
    /// by, it comes as late as there: with the next line, or at the end.
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

    /// Print what came late.
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

    /// What becomes of modules that a board imports, for who wants to see everything.
    pub(crate) fn mount_reporter(&self) -> Option<piton::mount::MountReporter> {
        let compatibility = self.compatibility;
        (self.verbosity >= Verbosity::Decisions).then(|| {
            let report: piton::mount::MountReporter =
                Arc::new(move |event: &piton::mount::Event| {
                    talk(compatibility, &format!("{event}\n"))
                });
            report
        })
    }

    /// One line of what is being done, which mpremote prints among the data (`cp a :b`, `ls :`).
    pub(crate) fn step(&self, text: &str) -> Result<(), CommandError> {
        if self.quiet || self.json {
            return Ok(());
        }
        self.line(text)
    }

    /// One line of JSON.
    pub(crate) fn json_line(&self, value: &impl Serialize) -> Result<(), CommandError> {
        let text = serde_json::to_string(value)
            .map_err(|error| CommandError::Output(io::Error::other(error)))?;
        self.line(&printable::json(&text))
    }

    /// A remark for a person.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            talk(self.compatibility, &format!("{text}\n"));
        }
    }

    /// The same while the terminal is raw, between the board's lines.
    pub(crate) fn note_in_raw_mode(&self, text: &str) {
        if !self.quiet {
            draw(&format!("\r\n({})\r\n", printable::line(text)));
        }
    }

    /// What was not understood of what a person has set up.
    pub(crate) fn remarks(&self, remarks: &[Remark]) {
        for remark in remarks {
            self.note(&format!("{}: {remark}", self.compatibility.program));
        }
        if !remarks.is_empty() {
            self.note(&format!("\nhint: {UNREAD_HINT}"));
        }
    }

    /// Shows that `done` bytes of a copy are done; [`Ui::clear_progress`] takes the line away.
    pub(crate) fn progress(&self, done: u64, of: u64) {
        let style = match self.compatibility.wording {
            Wording::Piton => Style::Transfer,
            Wording::Mpremote => Style::MpremoteCopy,
        };
        self.progress.show(style, done, of, self.shows_progress());
    }

    /// Shows that `done` files are compiled; [`Ui::clear_progress`] takes the line away.
    pub(crate) fn count(&self, done: usize, of: usize) {
        self.show_count("compiling", done, of);
    }

    /// Shows that `done` files are fetched; [`Ui::clear_progress`] takes the line away.
    pub(crate) fn fetched(&self, done: usize, of: usize) {
        self.show_count("fetching", done, of);
    }

    fn show_count(&self, verb: &'static str, done: usize, of: usize) {
        let style = Style::Count(verb);
        self.progress
            .show(style, done as u64, of as u64, self.shows_progress());
    }

    /// Takes the line of [`Ui::progress`], [`Ui::count`] or [`Ui::fetched`] away.
    pub(crate) fn clear_progress(&self) {
        self.progress.clear();
    }

    /// Returns a line that shows how far a transfer of so many bytes is.
    pub(crate) fn transfer(&self, bytes: u64) -> Progress {
        Progress::new(bytes, self.shows_progress())
    }

    /// What is wrong with one of many things, while the others go on.
    pub(crate) fn failure(&self, text: &str) {
        talk(self.compatibility, text);
    }

    fn shows_progress(&self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal()
    }

    /// The help that somebody asked a command for.
    pub(crate) fn help(&self, text: &clap::Error) -> Result<(), CommandError> {
        let text = text.render();
        if io::stdout().is_terminal() {
            write!(anstream::stdout(), "{}", text.ansi()).map_err(CommandError::Output)
        } else {
            self.bytes(text.to_string().as_bytes())
        }
    }

    /// Tell what went wrong, and give the exit code for it.
    pub(crate) fn report(&self, error: &CommandError) -> ExitCode {
        if let Some(output) = error.output(self.compatibility) {
            // The exit code says that something is wrong, whether or not the words arrive.
            let _ = raw_stdout(output.as_bytes());
        } else if self.json {
            if let Some(line) = error.json(self.compatibility) {
                talk(self.compatibility, &line);
            }
        } else if let Some(message) = error.message(self.compatibility) {
            match error {
                // With clap's own colours. It has nothing to tell but of the words of this line.
                CommandError::Usage(UsageError::Arguments(_)) => draw(&message),
                _ => talk(self.compatibility, &message),
            }
        }
        ExitCode::from(error.exit_code(self.compatibility))
    }

    /// What the library tells while it works, as remarks.
    pub(crate) fn event_reporter(&self) -> piton::Reporter {
        let (quiet, compatibility) = (self.quiet, self.compatibility);
        Arc::new(move |event: &piton::Event| {
            if !quiet {
                talk(compatibility, &format!("{event}\n"));
            }
        })
    }
}

/// Whether a person looks at stderr.
pub(crate) fn is_read_by_a_person() -> bool {
    io::stderr().is_terminal()
}

/// Ask a person for something, on the line where they type it.
pub(crate) fn question(text: &str) {
    talk(Compatibility::PITON, text);
}

/// Bytes for stdout of the programs that draw nothing.
pub(crate) fn raw_stdout(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush())
}

/// Bytes for stderr of the programs that draw nothing, where a failure to write can be told to nobody.
pub(crate) fn raw_stderr(bytes: &[u8]) {
    let mut stderr = io::stderr().lock();
    let _ = match stderr.is_terminal() {
        true => stderr.write_all(printable::lines(&String::from_utf8_lossy(bytes)).as_bytes()),
        false => stderr.write_all(bytes),
    };
}

/// Tell something on stderr. Where scripts compare it with what mpremote says, it stays as it is.
fn talk(compatibility: &Compatibility, text: &str) {
    if !compatibility.escapes_piped_stderr && !io::stderr().is_terminal() {
        return draw(text);
    }
    draw(&printable::lines(text));
}

/// Write to stderr, where a failure to write can be told to nobody. The text has nothing in it that is not ours.
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
