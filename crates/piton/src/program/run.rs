//! Runs a program on the board of a session: starts it, or follows it to its end.

use std::ops::ControlFlow;
use std::time::Duration;

use piton_board::deadline::{Cancel, Deadline};
use piton_board::error::{Error as BoardError, ErrorKind};
use piton_board::exception::BoardException;
use piton_board::facts::board_facts;
use piton_board::reopen::BoardIdentity;
use piton_board::repl::RawRepl;

use super::{
    Exit, ExitValue, Guarded, Input, Line, MpyError, check_mpy, located, reads_input, send_mpy,
    set_argv,
};
use crate::error::Error;
use crate::session::Session;
use crate::times::FACTS_TIME;

/// How long a program may take to end after a Ctrl-C, since its `finally` blocks run.
const INTERRUPT_TIME: Duration = Duration::from_secs(10);

/// How long a board may take to receive a program that is not followed, its arguments, or its `input()`.
const HAND_OVER_TIME: Duration = Duration::from_secs(10);

/// How long a board may take for each piece of a `.mpy` file.
const SEND_TIME: Duration = Duration::from_secs(300);

/// A program, and how it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program<'a> {
    /// The program.
    pub code: Code<'a>,
    /// Its name in tracebacks.
    pub name: &'a str,
    /// Its `sys.argv`; `None` leaves the board's as it is.
    pub argv: Option<Vec<String>>,
    /// Whether it is run like a program of this computer: `sys.exit()` gives an exit value, `input()` asks for lines, and
    /// tracebacks show the lines of the source. Without this, `sys.exit()` ends it as any end does.
    pub extended: bool,
    /// Whether an interruption stops it; else it ends only the wait, and the program runs on.
    pub interrupt: bool,
}

/// The code of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code<'a> {
    /// Source, whose `sys.exit()` counts.
    Source(&'a [u8]),
    /// Source of a caller that knows it: it neither exits nor asks for input.
    Snippet(&'a [u8]),
    /// A call of `print` with an expression, which does not exit.
    Expression {
        /// The expression, for tracebacks.
        text: &'a str,
        /// The call.
        source: &'a [u8],
    },
    /// A `.mpy` file, which runs from the board's memory.
    Mpy(&'a [u8]),
}

/// Why a program did not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// The board has no `sys.argv` to hold its arguments.
    #[error("the board takes no arguments for programs: {message}")]
    NoArguments {
        /// The message of the board's exception.
        message: String,
    },
    /// The board does not load a `.mpy` file.
    #[error(transparent)]
    Mpy(#[from] MpyError),
    /// The board cannot load a `.mpy` file from its memory.
    #[error("the board could not take the file into its memory: {message}")]
    NoMpyFromMemory {
        /// The board's exception.
        message: String,
    },
}

impl ProgramError {
    /// Returns the kind of the failure.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Refused
    }
}

/// How a program ended that was followed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// At its end.
    AtEnd,
    /// By `sys.exit()`. The board is to be soft-reset, by [`Session::soft_reset`]: that is what its REPL does.
    Exited(ExitValue),
    /// By an exception.
    Raised {
        /// The traceback, as it is to be shown.
        traceback: Vec<u8>,
    },
    /// By an interruption, or the output could not be shown. With [`Program::interrupt`] it was stopped, else it may run on.
    Interrupted,
    /// The port of the board is gone: it was reset, or unplugged. [`Session::follow_return`] waits for it. Over a network a lost
    /// line is an error, since the program may still run.
    Away,
}

/// This computer's side of a program that is followed.
pub struct Following<'w> {
    /// Shows a piece of output. A `Break` stops the program: what follows is not shown.
    pub output: &'w mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    /// Returns the next line for the program's `input()`; `None` as long as it is not complete. Nothing is asked for before the
    /// program waits for a line.
    pub line: &'w mut dyn FnMut() -> Option<Line>,
}

impl<'a> Program<'a> {
    /// Returns the program as one of this computer, without arguments.
    pub fn new(code: Code<'a>, name: &'a str) -> Program<'a> {
        Program {
            code,
            name,
            argv: None,
            extended: true,
            interrupt: true,
        }
    }

    /// Returns whether it may call `input()`.
    fn reads(&self) -> bool {
        match self.code {
            Code::Snippet(_) => false,
            Code::Source(source) | Code::Expression { source, .. } | Code::Mpy(source) => {
                reads_input(source)
            }
        }
    }

    /// Returns the exception's text, with the lines of the source in it.
    fn traceback(&self, exception: BoardException) -> Vec<u8> {
        match self.code {
            _ if !self.extended => exception.traceback,
            Code::Source(source) => located(&exception, self.name, source),
            Code::Expression { text, .. } => located(&exception, self.name, text.as_bytes()),
            // A `.mpy` file holds the names of its sources.
            Code::Mpy(_) | Code::Snippet(_) => located(&exception, "<stdin>", &[]),
        }
    }

    /// Sends what the program needs beside its source. Returns the program with a guard, if it `exits` by a value or runs from
    /// memory.
    fn prepare(&self, raw: &mut RawRepl<'_>, exits: bool) -> Result<Option<Guarded>, Error> {
        if let Some(argv) = &self.argv {
            set_argv(raw, argv, Deadline::after(HAND_OVER_TIME)).map_err(|error| match error {
                BoardError::Exception(exception) => Error::from(ProgramError::NoArguments {
                    message: exception.message,
                }),
                error => error.into(),
            })?;
        }
        match self.code {
            Code::Source(source) if exits => Ok(Some(Guarded::new(source))),
            Code::Source(_) | Code::Snippet(_) | Code::Expression { .. } => Ok(None),
            Code::Mpy(file) => {
                let facts = board_facts(raw, Deadline::after(FACTS_TIME))?;
                check_mpy(file, &facts).map_err(ProgramError::from)?;
                match send_mpy(raw, file, Deadline::after(SEND_TIME)) {
                    Ok(guarded) => Ok(Some(guarded)),
                    Err(BoardError::Exception(exception)) => Err(ProgramError::NoMpyFromMemory {
                        message: exception.to_string(),
                    }
                    .into()),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Returns what is sent to the board to run it.
    fn source<'s>(&self, guarded: Option<&'s Guarded>) -> &'s [u8]
    where
        'a: 's,
    {
        match (guarded, self.code) {
            (Some(guarded), _) => guarded.source(),
            (None, Code::Source(source) | Code::Snippet(source)) => source,
            (None, Code::Expression { source, .. }) => source,
            // One that runs from memory has a guard.
            (None, Code::Mpy(_)) => &[],
        }
    }
}

impl Session {
    /// Starts a program, and leaves it running.
    ///
    /// # Errors
    ///
    /// As for [`Session::raw_repl`]; [`Error::Program`] for arguments or a `.mpy` file that the board cannot take.
    pub fn start_program(&mut self, program: &Program<'_>) -> Result<(), Error> {
        let mut raw = self.raw_repl()?;
        let guarded = program.prepare(&mut raw, false)?;
        let source = program.source(guarded.as_ref());
        raw.exec_no_follow(source, Deadline::after(HAND_OVER_TIME))?;
        Ok(())
    }

    /// Runs a program to its end. Its output goes to `following` as it arrives.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    ///
    /// use piton::program::{Code, Ended, Following, Line, Program};
    /// use piton::session::{Session, SessionOptions};
    ///
    /// let mut session = Session::connect(&"virtual".parse()?, SessionOptions::default())?;
    /// let source = b"import sys\nprint('hello', input())\nsys.exit(3)\n";
    /// let mut printed = Vec::new();
    /// let ended = session.run_program(
    ///     &Program::new(Code::Source(source), "hello.py"),
    ///     &mut Following {
    ///         output: &mut |bytes| {
    ///             printed.extend_from_slice(bytes);
    ///             ControlFlow::Continue(())
    ///         },
    ///         line: &mut || Some(Line::Text(b"world".to_vec())),
    ///     },
    /// )?;
    /// assert_eq!(printed, b"hello world\r\n");
    /// assert!(matches!(ended, Ended::Exited(value) if value.code == 3));
    /// # Ok::<(), piton::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Session::start_program`]; the error of a line that is lost.
    pub fn run_program(
        &mut self,
        program: &Program<'_>,
        following: &mut Following<'_>,
    ) -> Result<Ended, Error> {
        self.board()?;
        let returns = self.identity().is_some_and(BoardIdentity::is_port);
        let cancel = self.cancel().clone();
        let mut raw = self.raw_repl()?;
        let guarded = program.prepare(&mut raw, program.extended)?;
        let input = match program.extended && program.reads() {
            true => Input::install(&mut raw, Deadline::after(HAND_OVER_TIME))?,
            false => None,
        };
        let mut watch = Watch {
            input,
            following,
            has_failed: false,
        };
        let (outcome, interrupted) = follow(&mut raw, program, guarded, &mut watch, &cancel);
        if watch.input.is_some() && matches!(outcome, Ok(Exit::End) | Err(BoardError::Exception(_)))
        {
            // If the board is gone by now, the next command that needs it reports it.
            let _ = Input::remove(&mut raw, Deadline::after(HAND_OVER_TIME));
        }
        Ok(match outcome {
            Err(BoardError::Exception(exception)) => Ended::Raised {
                traceback: program.traceback(exception),
            },
            Err(BoardError::Disconnected { .. }) if returns => Ended::Away,
            Err(BoardError::Cancelled) => Ended::Interrupted,
            Ok(Exit::Exited(value)) => Ended::Exited(value),
            Ok(Exit::End) if interrupted => Ended::Interrupted,
            Ok(Exit::End) => Ended::AtEnd,
            Err(error) => return Err(error.into()),
        })
    }
}

/// A program that is followed, and its `input()`.
struct Watch<'w, 'f> {
    /// The program's `input()`, where it has one.
    input: Option<Input>,
    following: &'f mut Following<'w>,
    /// Whether the output could not be shown.
    has_failed: bool,
}

impl Watch<'_, '_> {
    fn show(&mut self, bytes: &[u8]) -> ControlFlow<()> {
        if bytes.is_empty() {
            return ControlFlow::Continue(());
        }
        let shown = (self.following.output)(bytes);
        self.has_failed |= shown.is_break();
        shown
    }

    /// Shows a piece of output, and returns what the program gets for it. Stops the program when the output cannot be shown.
    fn exchange(&mut self, bytes: &[u8]) -> ControlFlow<(), Vec<u8>> {
        let Some(input) = &mut self.input else {
            return self.show(bytes).map_continue(|()| Vec::new());
        };
        let mut text = Vec::new();
        input.take(bytes, &mut |bytes| text.extend_from_slice(bytes));
        let reply = input.reply(&mut self.following.line);
        self.show(&text).map_continue(|()| reply)
    }

    /// Shows what was held back until the program has ended.
    fn flush(&mut self) {
        let mut text = Vec::new();
        if let Some(input) = &mut self.input {
            input.flush(&mut |bytes| text.extend_from_slice(bytes));
        }
        // The program has ended: there is nothing to stop.
        let _ = self.show(&text);
    }
}

/// Shows the output of the program until it ends, and gives it lines. Returns how it ended, and whether an interruption ended it.
fn follow(
    raw: &mut RawRepl<'_>,
    program: &Program<'_>,
    mut guarded: Option<Guarded>,
    watch: &mut Watch<'_, '_>,
    cancel: &Cancel,
) -> (Result<Exit, BoardError>, bool) {
    let source = program.source(guarded.as_ref());
    let mut exchange = |bytes: &[u8]| watch.exchange(bytes);
    let mut result = raw.exec_with_replies(source, &mut exchange, Deadline::NEVER);
    if let (Some(large), Code::Source(plain)) = (&guarded, program.code)
        && large.is_too_large(&result)
    {
        // The guard made the program too large for the board's memory. Without it the program runs, and its exit value stays
        // unknown.
        guarded = None;
        result = raw.exec_with_replies(plain, &mut exchange, Deadline::NEVER);
    }
    let interrupted = matches!(result, Err(BoardError::Cancelled));
    if interrupted {
        cancel.take();
        if program.interrupt || watch.has_failed {
            let mut show = |bytes: &[u8]| {
                // The program is being stopped already.
                let _ = watch.exchange(bytes);
            };
            result = raw.interrupt(&mut show, Deadline::after(INTERRUPT_TIME));
        }
    }
    watch.flush();
    let outcome = match &guarded {
        Some(guarded) => guarded.outcome(result),
        None => result.map(|()| Exit::End),
    };
    (outcome, interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_program_that_may_ask_for_a_line_gets_an_input() {
        let reads = |code| Program::new(code, "p").reads();
        assert!(reads(Code::Source(b"x = input()")));
        assert!(!reads(Code::Source(b"print(1)")));
        assert!(reads(Code::Expression {
            text: "input()",
            source: b"print(input())",
        }));
        // Its caller knows that it does not ask.
        assert!(!reads(Code::Snippet(b"input()")));
    }

    #[test]
    fn a_program_is_sent_as_it_is_unless_it_has_a_guard() {
        let sent = |code| String::from_utf8(Program::new(code, "p").source(None).to_vec()).unwrap();
        assert_eq!(sent(Code::Source(b"x = 1")), "x = 1");
        assert_eq!(sent(Code::Snippet(b"x = 1")), "x = 1");
        let expression = Code::Expression {
            text: "1",
            source: b"print(1)",
        };
        assert_eq!(sent(expression), "print(1)");
        // It runs from the board's memory, and only the guard has the program that starts it.
        assert_eq!(sent(Code::Mpy(b"M\x06")), "");
        let guarded = Guarded::new(b"x = 1");
        let program = Program::new(Code::Source(b"x = 1"), "p");
        assert_eq!(program.source(Some(&guarded)), guarded.source());
    }

    #[test]
    fn tracebacks_show_lines_of_the_source_only_for_extended_programs() {
        let text = b"Traceback (most recent call last):\r\n  File \"<stdin>\", line 2, in <module>\r\nValueError: x\r\n";
        let traceback = |code, extended| {
            let mut program = Program::new(code, "own.py");
            program.extended = extended;
            let exception = BoardException::parse(text);
            String::from_utf8(program.traceback(exception)).unwrap()
        };
        let source = Code::Source(b"pass\nraise ValueError('x')\n");
        let shown = traceback(source, true);
        assert!(shown.contains("\"own.py\", line 2"), "{shown}");
        assert!(shown.contains("raise ValueError('x')"), "{shown}");
        assert_eq!(traceback(source, false).as_bytes(), text);
        let snippet = traceback(Code::Snippet(b"pass\nraise x\n"), true);
        assert!(snippet.contains("\"<stdin>\", line 2"), "{snippet}");
        assert!(!snippet.contains("raise"), "{snippet}");
    }
}
