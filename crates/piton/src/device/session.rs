//! One session: a connection, the program on the board that answers calls, and what to restore after a reset.
//!
//! The first calls are programs in the raw REPL, for which the firmware does the flow control, and a short program on the board
//! answers them (`device/session.py` says what crosses the line). The second short call in a row, the first long one and the first
//! object that is kept bring `device/serve.py`, which takes calls as lines, and what is long as bytes beside them. The number of a call
//! makes repeating safe: the board carries out each number once, and repeats its last answer.

mod lines;
mod objects;
mod programs;
mod request;
mod server;

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use piton_board::deadline::{Cancel, Deadline};
use piton_board::error::Error as BoardError;
use piton_board::exception::BoardException;
use piton_board::literal::py_str;
use piton_board::repl::Entry;

use super::error::DeviceError;
use super::exchange::Ended;
use super::frame::{Answer, Framing, Sums};
use super::options::{Connector, DeviceOptions, OutputSink};
use super::payload::PIECES;
use super::raised::{Code, Raised};
use super::returned::Returned;
use super::source::Source;
use super::start;
use super::startup::startup_code;
use crate::board::Board;
use crate::error::Error;
use programs::installer;
use request::Prepared;
pub(super) use request::{Declared, Handle, Released, Request, closing};

/// How often a call is sent, at most, when the board gives no answer to it.
const TRIES: u32 = 4;

/// How long the board may take to leave a program that has answered, or that was interrupted.
pub(super) const END_TIME: Duration = Duration::from_secs(5);

/// Evaluates to `micropython` or `circuitpython`.
const IMPLEMENTATION_NAME: &str = "__import__('sys').implementation.name";

/// The pause between two tries to connect.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The board is there, and its interpreter knows nothing of the session.
    Fresh(Entry),
    /// The board answers calls, as long as it is not reset.
    Ready {
        /// [`piton_board::repl::Repl::soft_resets`] when the session was installed.
        soft_resets: u64,
    },
    Lost,
    Closed,
}

/// How one try of a call ended.
enum Attempt {
    Answered(Answer),
    /// The board was reset before: it did not get the call.
    NotRun,
    /// The board does not take lines at the moment: it did not get the call.
    NotSent,
    /// A part of the call did not arrive, and it was not carried out.
    Undelivered,
    /// The board does not know the session's program, unless the call was damaged on its way.
    Unknown,
    /// No answer: the call may have been carried out. The exception that ended its program, if one did.
    Unanswered(Option<BoardException>),
}

/// See the module.
pub(super) struct Session {
    connector: Connector,
    cancel: Cancel,
    board: Option<Board>,
    state: State,
    framing: Framing,
    number: u32,
    options: DeviceOptions,
    output: OutputSink,
    declared: Vec<Declared>,
    sources: Vec<Source>,
    released: Released,
    /// Counts the restarts of the board's interpreter: objects of an earlier one are gone.
    epoch: u64,
    /// Whether device/serve.py is on the board, and whether it inflates.
    has_server: bool,
    inflates: bool,
    /// Which of [`payload::PIECES`](super::payload::PIECES) are sent.
    piece: usize,
    /// Whether the board waits for lines.
    serves: bool,
    /// How many lines it was sent since it began to.
    lines: u32,
    /// How often in a row the loop has ended by itself.
    loop_failures: u32,
    /// Whether the last call was short.
    is_frequent: bool,
    last_call: Instant,
    events: Option<Sender<String>>,
    /// Whether the imports of [`startup_code`] must be executed before the next call.
    imports_due: bool,
    /// The last bytes of the board's output.
    tail: Vec<u8>,
}

impl Session {
    /// Connects, and installs the session on the board.
    pub(super) fn open(
        mut connector: Connector,
        cancel: Cancel,
        options: DeviceOptions,
    ) -> Result<Session, DeviceError> {
        let board = connector().map_err(|error| DeviceError::NotConnected(Box::new(error)))?;
        let entry = first_entry(&options);
        let imports_due = options.usual_imports;
        let mut session = Session {
            connector,
            cancel,
            board: Some(board),
            state: State::Fresh(entry),
            framing: Framing::random(Sums::Crc32),
            number: 0,
            options,
            output: Box::new(|_| {}),
            declared: Vec::new(),
            sources: Vec::new(),
            released: Released::default(),
            epoch: 0,
            has_server: false,
            inflates: false,
            piece: 0,
            serves: false,
            lines: 0,
            loop_failures: 0,
            is_frequent: false,
            last_call: Instant::now(),
            events: None,
            imports_due,
            tail: Vec::new(),
        };
        session.ensure_ready()?;
        Ok(session)
    }

    pub(super) fn set_output(&mut self, output: OutputSink) {
        self.output = output;
    }

    /// Has events of the board go to `events`, from now on.
    pub(super) fn send_events(&mut self, events: Sender<String>) {
        self.events = Some(events);
    }

    /// Adds an event after those that the board has sent.
    pub(super) fn send_event(&self, event: String) {
        if let Some(events) = &self.events {
            // There is no receiver any more.
            let _ = events.send(event);
        }
    }

    pub(super) fn has_events(&self) -> bool {
        self.events.is_some()
    }

    pub(super) fn mark(&self) -> &str {
        self.framing.mark()
    }

    pub(super) fn released(&self) -> Released {
        Arc::clone(&self.released)
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Whether the board can have device/serve.py.
    pub(super) fn can_serve(&self) -> bool {
        self.framing.sums() == Sums::Crc32
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// The board, for operations other than calls. The interpreter may know nothing of the session afterwards.
    pub(super) fn board(&mut self) -> Result<&mut Board, DeviceError> {
        self.ensure_ready()?;
        self.leave_loop()?;
        self.board.as_mut().ok_or(DeviceError::Closed)
    }

    /// Adds to what is restored after a reset. What is there already keeps its place.
    pub(super) fn declare(&mut self, declared: Declared) {
        if !self.declared.contains(&declared) {
            self.declared.push(declared);
        }
    }

    pub(super) fn has_declared(&self, declared: &Declared) -> bool {
        self.declared.contains(declared)
    }

    /// Starts the interpreter afresh, and restores what was declared.
    pub(super) fn soft_reset(&mut self) -> Result<(), DeviceError> {
        self.ensure_ready()?;
        self.state = State::Fresh(Entry::SoftReset);
        self.ensure_ready()
    }

    /// Starts the interpreter afresh as a person at its prompt does, and waits for main.py to end, at most until `deadline`.
    /// A main.py that goes on is stopped by the next call, which also restores what was declared.
    pub(super) fn start_main(&mut self, deadline: Deadline) -> Result<(), DeviceError> {
        self.ensure_ready()?;
        self.leave_loop()?;
        let Some(board) = &mut self.board else {
            return Err(DeviceError::Closed);
        };
        self.state = State::Fresh(Entry::KeepState);
        if let Err(error) = start::start_main(board, &self.cancel, &mut *self.output, deadline) {
            self.lose();
            return Err(DeviceError::Lost(Box::new(error)));
        }
        match self.cancel.take() {
            true => Err(DeviceError::Interrupted),
            false => Ok(()),
        }
    }

    /// Carries out a call, and returns its value.
    pub(super) fn call(
        &mut self,
        request: Request<'_>,
        deadline: Deadline,
    ) -> Result<Returned, DeviceError> {
        if self.imports_due {
            self.import_as_usual()?;
        }
        let mut may_have_run = false;
        let mut is_unknown = false;
        let mut failure = None;
        let epoch = self.epoch;
        self.be_ready_for(request)?;
        let number = self.next_number();
        let mut call = self.prepare(request)?;
        let mut is_for_server = self.has_server;
        for _ in 0..TRIES {
            self.ensure_ready()?;
            if self.epoch != epoch && request.needs_object() {
                return Err(DeviceError::ObjectLost);
            }
            if is_for_server != self.has_server {
                // The board was reset.
                self.be_ready_for(request)?;
                call = self.prepare(request)?;
                is_for_server = self.has_server;
            }
            match self.attempt(number, &call, deadline)? {
                Attempt::Answered(answer) if may_have_run && answer.is_interrupt() => {
                    // The session itself interrupted it, when its answer did not go on.
                    return Err(DeviceError::Damaged("the answer was lost"));
                }
                Attempt::Answered(answer) => return self.value_of(answer, request),
                Attempt::NotSent => {}
                Attempt::Undelivered => self.piece = (self.piece + 1).min(PIECES.len() - 1),
                Attempt::Unanswered(exception) => {
                    may_have_run = true;
                    failure = exception.or(failure);
                }
                Attempt::Unknown if !is_unknown => is_unknown = true,
                Attempt::NotRun | Attempt::Unknown => {
                    self.state = State::Fresh(Entry::KeepState);
                    if may_have_run {
                        return Err(DeviceError::BoardReset);
                    }
                }
            }
        }
        match failure {
            // The board is not able to: there is no memory for the call, say.
            Some(exception) => {
                let traceback = String::from_utf8_lossy(&exception.traceback);
                Err(self.raised(&traceback, request))
            }
            None => Err(DeviceError::Damaged("the board did not answer the call")),
        }
    }

    /// Executes the imports of [`startup_code`], and declares them. At the first call, not at the connect, which is two exchanges
    /// shorter: many sessions only copy files.
    fn import_as_usual(&mut self) -> Result<(), DeviceError> {
        self.imports_due = false;
        let imported = self.import_now();
        // Imports that raise would raise at every call.
        self.imports_due = !matches!(imported, Ok(()) | Err(DeviceError::Raised(_)));
        imported
    }

    fn import_now(&mut self) -> Result<(), DeviceError> {
        let deadline = Deadline::after(self.options.restore_time);
        let name = self.call(Request::evaluate(IMPLEMENTATION_NAME), deadline)?;
        let Some(code) = startup_code(&name.read::<String>()?) else {
            return Ok(());
        };
        let declared = Declared::code("None", Source::from(code));
        self.call(declared.request(), deadline)?;
        self.declare(declared);
        Ok(())
    }

    fn next_number(&mut self) -> u32 {
        // 0 is the number that the board has before the first call.
        self.number = self.number.checked_add(1).unwrap_or(1);
        self.number
    }

    fn value_of(&mut self, answer: Answer, request: Request<'_>) -> Result<Returned, DeviceError> {
        if let Some(source) = request.source
            && !self.sources.contains(source)
        {
            self.sources.push(source.clone());
        }
        match answer {
            Answer::Value(value) => Ok(value),
            Answer::Lost | Answer::Raises => Err(DeviceError::Damaged("the answer was lost")),
            Answer::Traceback(text) => {
                let text: String = piton_board::literal::from_literal(text.as_bytes())
                    .map_err(|source| DeviceError::Value { text, source })?;
                Err(self.raised(&text, request))
            }
        }
    }

    /// The error of a call whose code raised the exception of `traceback`.
    pub(super) fn raised(&self, traceback: &str, request: Request<'_>) -> DeviceError {
        let code = Code {
            current: request.source.or(request.written),
            called: request.called,
            declared: &self.sources,
        };
        DeviceError::Raised(Box::new(Raised::read(traceback, &code)))
    }

    /// Sends a call once, and waits for its answer.
    fn attempt(
        &mut self,
        number: u32,
        call: &Prepared<'_>,
        deadline: Deadline,
    ) -> Result<Attempt, DeviceError> {
        let (ended, answer) = self.exchange(number, call, deadline)?;
        let Some(board) = &mut self.board else {
            return Err(DeviceError::Closed);
        };
        let soft_resets = board.repl().soft_resets();
        let was_reset =
            !matches!(self.state, State::Ready { soft_resets: then } if then == soft_resets);
        match (ended, answer) {
            (Ended::Lost(_), Some(answer)) => {
                self.lose();
                Ok(Attempt::Answered(answer))
            }
            (Ended::Lost(error), _) => {
                self.lose();
                Err(DeviceError::lost(error))
            }
            (Ended::Interrupted, _) => {
                self.cancel.take();
                Err(DeviceError::Interrupted)
            }
            (Ended::NotSent, _) => Ok(Attempt::NotSent),
            (Ended::Undelivered, _) => Ok(Attempt::Undelivered),
            (Ended::Late, _) => Err(DeviceError::Timeout),
            (Ended::ResetBefore, _) => Ok(Attempt::NotRun),
            (Ended::Raised(exception), Some(Answer::Raises)) => Ok(Attempt::Answered(
                Answer::Traceback(py_str(&String::from_utf8_lossy(&exception.traceback))),
            )),
            // A SystemExit ends the program, and the board starts afresh.
            (Ended::ResetDuring, None | Some(Answer::Raises)) => {
                self.state = State::Fresh(Entry::KeepState);
                Err(DeviceError::BoardReset)
            }
            (Ended::Normally, None | Some(Answer::Raises)) if was_reset => {
                self.state = State::Fresh(Entry::KeepState);
                Err(DeviceError::BoardReset)
            }
            (_, Some(answer)) => Ok(Attempt::Answered(answer)),
            (Ended::Raised(exception), None) if is_about_the_session(&exception) => {
                Ok(Attempt::Unknown)
            }
            (Ended::Raised(exception), None) => Ok(Attempt::Unanswered(Some(exception))),
            (Ended::Normally | Ended::Serving | Ended::Unclear, None) => {
                Ok(Attempt::Unanswered(None))
            }
        }
    }

    fn lose(&mut self) {
        self.board = None;
        self.serves = false;
        self.has_server = false;
        self.state = State::Lost;
    }

    /// Brings the board to where it answers calls: connects, installs the session's program, restores what was declared.
    pub(super) fn ensure_ready(&mut self) -> Result<(), DeviceError> {
        match self.state {
            State::Closed => return Err(DeviceError::Closed),
            State::Ready { soft_resets } => {
                let now = self.board.as_mut().map(|board| board.repl().soft_resets());
                if now == Some(soft_resets) {
                    return Ok(());
                }
                self.state = State::Fresh(Entry::KeepState);
            }
            State::Lost => self.connect(self.options.reconnect_attempts)?,
            State::Fresh(_) => {}
        }
        let State::Fresh(entry) = self.state else {
            return Ok(());
        };
        self.install(entry)?;
        self.epoch += 1;
        if let Err(error) = self.restore() {
            // The next call restores from the start.
            if matches!(self.state, State::Ready { .. }) {
                self.state = State::Fresh(Entry::SoftReset);
            }
            return Err(error);
        }
        // The loop that runs may be the one from before events were restored.
        if self.events.is_some() {
            self.leave_loop()?;
        }
        Ok(())
    }

    /// Closes the connection, and opens it anew with up to so many tries.
    pub(super) fn reconnect(&mut self, attempts: u32) -> Result<(), DeviceError> {
        if self.state == State::Closed {
            return Err(DeviceError::Closed);
        }
        self.lose();
        self.connect(attempts.max(1))?;
        self.ensure_ready()
    }

    fn connect(&mut self, attempts: u32) -> Result<(), DeviceError> {
        let mut failure = Error::Board(BoardError::NoBoard {
            skipped: Vec::new(),
        });
        for attempt in 0..attempts {
            if attempt > 0 {
                thread::sleep(RECONNECT_PAUSE);
            }
            match (self.connector)() {
                Ok(board) => {
                    self.board = Some(board);
                    self.state = State::Fresh(first_entry(&self.options));
                    return Ok(());
                }
                Err(error) => failure = error,
            }
        }
        Err(DeviceError::NotConnected(Box::new(failure)))
    }

    fn install(&mut self, entry: Entry) -> Result<(), DeviceError> {
        self.leave_loop()?;
        self.has_server = false;
        let Some(board) = &mut self.board else {
            return Err(DeviceError::Closed);
        };
        let mut failure = None;
        for attempt in 0..TRIES {
            let entry = if attempt == 0 {
                entry
            } else {
                Entry::KeepState
            };
            let deadline = Deadline::after(self.options.step_time);
            let program = installer(&self.framing);
            let installed = board
                .repl()
                .raw_repl(entry, deadline)
                .and_then(|mut raw| raw.run(program.as_bytes(), deadline));
            match installed {
                Ok(_) => {
                    let soft_resets = board.repl().soft_resets();
                    self.state = State::Ready { soft_resets };
                    return Ok(());
                }
                Err(error @ BoardError::Disconnected { .. }) => {
                    self.lose();
                    return Err(DeviceError::lost(error));
                }
                Err(BoardError::Cancelled) => {
                    self.cancel.take();
                    return Err(DeviceError::Interrupted);
                }
                Err(error) => {
                    if let BoardError::Exception(exception) = &error
                        && ["ImportError", "AttributeError"].contains(&&*exception.type_name)
                    {
                        self.framing = Framing::random(Sums::Two);
                    }
                    failure = Some(error);
                }
            }
        }
        Err(match failure {
            Some(error) => DeviceError::lost(error),
            None => DeviceError::Damaged("the session's program did not arrive"),
        })
    }

    fn restore(&mut self) -> Result<(), DeviceError> {
        for declared in self.declared.clone() {
            self.restore_one(declared.request())?;
        }
        Ok(())
    }

    fn restore_one(&mut self, request: Request<'_>) -> Result<(), DeviceError> {
        if !self.serve_if_needed(request)? {
            return Err(DeviceError::BoardReset);
        }
        let number = self.next_number();
        let deadline = Deadline::after(self.options.restore_time);
        let call = self.prepare(request)?;
        for _ in 0..TRIES {
            match self.attempt(number, &call, deadline)? {
                Attempt::Answered(answer) => {
                    return self.value_of(answer, request).map(drop);
                }
                Attempt::NotRun => break,
                Attempt::Undelivered => self.piece = (self.piece + 1).min(PIECES.len() - 1),
                Attempt::Unanswered(_) | Attempt::Unknown | Attempt::NotSent => {}
            }
        }
        Err(DeviceError::Damaged("the board could not be restored"))
    }

    /// Gives the board back its prompt, and lets go of it.
    pub(super) fn close(&mut self) {
        // A board that is gone needs no end.
        let _ = self.leave_loop();
        if let Some(board) = &mut self.board {
            // Whatever the board says, it is left alone from now on.
            let _ = board.friendly(Deadline::after(END_TIME));
        }
        self.board = None;
        self.state = State::Closed;
    }
}

/// Whether an exception says that the board does not know the session's program.
fn is_about_the_session(exception: &BoardException) -> bool {
    const NAME: &str = "_piton_call";
    (exception.type_name == "NameError" && exception.message.contains(NAME))
        // The installer's text stands under the name, and was not executed.
        || (exception.type_name == "TypeError" && exception.message.contains("callable"))
}

/// How a new connection comes to the raw REPL.
fn first_entry(options: &DeviceOptions) -> Entry {
    match options.keep_state {
        true => Entry::KeepState,
        false => Entry::SoftReset,
    }
}
