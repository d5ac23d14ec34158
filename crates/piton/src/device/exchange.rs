//! One call, from its first byte to the board's prompt, or to where the board waits for the next line.

use std::time::{Duration, Instant};

use piton_board::deadline::{Deadline, scaled};
use piton_board::error::Error as BoardError;
use piton_board::exception::BoardException;
use piton_board::repl::protocol::RAW_BANNER;
use piton_board::repl::{Conversation, Entry, Repl};

use super::frame::{Answer, FrameReader, State, looks_like_an_end};
use super::session::END_TIME;
use super::start::is_a_start;
use crate::board::Board;

/// How long the board is silent before what looks like the end of a program counts as one, when no answer came before it.
const END_QUIET: Duration = Duration::from_millis(300);

/// How long the board is silent before what looks like its start counts as one.
const START_QUIET: Duration = Duration::from_millis(500);

/// How long the board may be silent in the middle of an answer. Then the program is interrupted, and the answer asked for again.
const ANSWER_QUIET: Duration = Duration::from_secs(5);

/// How much of the output is kept to recognize the start of a board.
const TAIL: usize = 512;

/// How long the board may be silent before it is asked whether it waits for a call, whose line or whose answer was lost then.
const LINE_PROBE: Duration = Duration::from_secs(1);

/// The same for a call that is a program.
const PROGRAM_PROBE: Duration = Duration::from_secs(10);

/// Ends device/session.py's loop, where that waits for a line.
const END_LOOP: &[u8] = b"\n";

/// Asks the raw REPL for its banner.
const ASK_BANNER: &[u8] = b"\x01";

/// What is sent for a call.
pub(super) enum Sent<'p> {
    Program {
        text: &'p str,
        /// Whether the board takes lines behind it.
        loops: bool,
    },
    /// A line for the loop that runs.
    Line(&'p str),
}

/// What hears the board besides the call.
pub(super) struct Sinks<'s> {
    pub(super) output: &'s mut dyn FnMut(&[u8]),
    pub(super) event: &'s mut dyn FnMut(String),
    /// The last bytes of the output: a board's start may come in the middle of a wait, or between two.
    pub(super) tail: &'s mut Vec<u8>,
}

/// How a call ended.
pub(super) enum Ended {
    /// Its program is at its end.
    Normally,
    /// The board waits for the next line.
    Serving,
    /// The loop had ended before: the line was not sent.
    NotSent,
    Raised(BoardException),
    /// The board did not come to its prompt, or said something unexpected.
    Unclear,
    /// The board was found reset, before it got the program.
    ResetBefore,
    ResetDuring,
    Interrupted,
    Late,
    Lost(BoardError),
}

/// Carries out a call to its end, whatever that is. Returns the answer as well, if one came.
pub(super) fn run<'l>(
    board: &mut Board,
    sent: &Sent<'_>,
    reader: FrameReader<'l>,
    sinks: Sinks<'l>,
    deadline: Deadline,
) -> (Ended, Option<Answer>) {
    let repl = board.repl();
    let mut listener = Listener::new(reader, sinks, sent);
    let started = match sent {
        Sent::Program { text, .. } => start_program(repl, text, deadline),
        Sent::Line(line) => listener.send_line(repl, line, deadline),
    };
    if let Err(ended) = started {
        return (ended, None);
    }
    let Some(conversation) = repl.conversation() else {
        return (Ended::Unclear, None);
    };
    let ended = match listener.listen(conversation, deadline) {
        Ok(Heard::Answer) if listener.is_serving() => Ended::Serving,
        // More than one probe is on its way, and the board answers them some time.
        Ok(Heard::Answer) if listener.probes > 1 => {
            // Where that fails the next call tries again.
            let _ = repl.settle(Deadline::after(END_TIME));
            Ended::Normally
        }
        Ok(Heard::Answer | Heard::End) => finish(repl, &mut listener),
        Ok(Heard::Prompt) => {
            let _ = repl.settle(Deadline::after(END_TIME));
            Ended::Unclear
        }
        Ok(Heard::Start) => {
            repl.forget();
            match listener.echoed_by_prompt(sent) {
                true => Ended::ResetBefore,
                false => Ended::ResetDuring,
            }
        }
        Ok(Heard::BrokenAnswer) => {
            // Whatever the program does then: the next one tells what became of it.
            let _ = repl.interrupt(&mut |_| {}, Deadline::after(END_TIME));
            Ended::Unclear
        }
        Err(error) => stop(repl, error),
    };
    (ended, listener.answer)
}

fn start_program(repl: &mut Repl, text: &str, deadline: Deadline) -> Result<(), Ended> {
    let mut raw = match repl.raw_repl(Entry::KeepState, deadline) {
        Ok(raw) => raw,
        Err(BoardError::Cancelled) => return Err(Ended::Interrupted),
        Err(error) => return Err(Ended::Lost(error)),
    };
    match raw.converse(text.as_bytes(), deadline).map(drop) {
        Ok(()) => Ok(()),
        Err(BoardError::BoardReset) => Err(Ended::ResetBefore),
        Err(BoardError::Timeout { .. }) if !deadline.has_passed() => Err(Ended::Unclear),
        Err(BoardError::Unexpected { .. } | BoardError::NotAtPrompt) => Err(Ended::Unclear),
        Err(error) => Err(stop(repl, error)),
    }
}

/// Ends the loop that waits for lines.
pub(super) fn end_loop<'l>(
    board: &mut Board,
    reader: FrameReader<'l>,
    sinks: Sinks<'l>,
) -> Result<(), BoardError> {
    let repl = board.repl();
    let Some(mut conversation) = repl.conversation() else {
        return Ok(());
    };
    conversation.write(END_LOOP, Deadline::after(END_TIME))?;
    let mut listener = Listener::new(reader, sinks, &Sent::Line(""));
    match finish(repl, &mut listener) {
        Ended::Lost(error) => Err(error),
        // A board that does not answer is interrupted by the next program.
        _ => Ok(()),
    }
}

/// What a look at a board that waits for lines found.
pub(super) enum Idle {
    Serving,
    /// The loop has ended.
    Ended,
    Reset,
}

/// Takes what the board sends while no call runs, for at most `time`.
pub(super) fn look<'l>(
    board: &mut Board,
    reader: FrameReader<'l>,
    sinks: Sinks<'l>,
    time: Duration,
) -> Result<Idle, BoardError> {
    let repl = board.repl();
    let mut listener = Listener::new(reader, sinks, &Sent::Line(""));
    let Some(mut conversation) = repl.conversation() else {
        return Ok(Idle::Ended);
    };
    conversation.poll("events", Deadline::NEVER.slice(time))?;
    listener.read(&mut conversation);
    if looks_like_an_end(conversation.pending()) {
        return match finish(repl, &mut listener) {
            Ended::Lost(error) => Err(error),
            _ => Ok(Idle::Ended),
        };
    }
    if is_a_start(listener.sinks.tail) {
        repl.forget();
        return Ok(Idle::Reset);
    }
    Ok(Idle::Serving)
}

/// What a wait for an answer ended with.
enum Heard {
    /// The answer.
    Answer,
    /// What is pending is the end of the program.
    End,
    /// The banner of the raw REPL, which was asked for: the end of the program was lost.
    Prompt,
    /// The board was reset, and started.
    Start,
    /// An answer that does not go on.
    BrokenAnswer,
}

struct Listener<'l> {
    reader: FrameReader<'l>,
    sinks: Sinks<'l>,
    answer: Option<Answer>,
    is_line: bool,
    /// Whether the board takes lines when it has answered.
    loops: bool,
    probes: u32,
    /// The silence after which the next probe goes out.
    probe_after: Duration,
}

impl<'l> Listener<'l> {
    fn new(reader: FrameReader<'l>, sinks: Sinks<'l>, sent: &Sent<'_>) -> Listener<'l> {
        let is_line = matches!(sent, Sent::Line(_));
        if !is_line {
            sinks.tail.clear();
        }
        Listener {
            reader,
            sinks,
            answer: None,
            is_line,
            loops: is_line || matches!(sent, Sent::Program { loops: true, .. }),
            probes: 0,
            probe_after: match is_line {
                true => LINE_PROBE,
                false => PROGRAM_PROBE,
            },
        }
    }

    /// Whether the board waits for the next line, now that it has answered.
    fn is_serving(&self) -> bool {
        let goes_on = match &self.answer {
            Some(answer @ (Answer::Traceback(_) | Answer::Value(_))) => !answer.is_interrupt(),
            _ => false,
        };
        self.loops && self.probes == 0 && goes_on
    }

    /// Sends a line to the loop, if that still runs.
    fn send_line(&mut self, repl: &mut Repl, line: &str, deadline: Deadline) -> Result<(), Ended> {
        let Some(mut conversation) = repl.conversation() else {
            return Err(Ended::NotSent);
        };
        match conversation.poll("a call", Deadline::NEVER.slice(Duration::ZERO)) {
            Ok(_) => {}
            Err(BoardError::Cancelled) => return Err(Ended::Interrupted),
            Err(error) => return Err(Ended::Lost(error)),
        }
        self.read(&mut conversation);
        if looks_like_an_end(conversation.pending()) {
            return Err(match finish(repl, self) {
                Ended::Lost(error) => Ended::Lost(error),
                Ended::ResetDuring => Ended::ResetBefore,
                _ => Ended::NotSent,
            });
        }
        if is_a_start(self.sinks.tail) {
            repl.forget();
            return Err(Ended::ResetBefore);
        }
        match conversation.write(line.as_bytes(), deadline) {
            Ok(()) => Ok(()),
            Err(error) => Err(stop(repl, error)),
        }
    }

    /// Whether the friendly prompt echoed the line: then the board was reset before, and the call was not carried out.
    fn echoed_by_prompt(&self, sent: &Sent<'_>) -> bool {
        let Sent::Line(line) = sent else {
            return false;
        };
        let echo = format!(">>> {}", line.trim_end());
        let mut windows = self.sinks.tail.windows(echo.len());
        windows.any(|window| window == echo.as_bytes())
    }

    fn listen(
        &mut self,
        mut conversation: Conversation<'_>,
        deadline: Deadline,
    ) -> Result<Heard, BoardError> {
        let mut quiet_since = Instant::now();
        loop {
            self.read(&mut conversation);
            if self.reader.state() == State::After {
                return Ok(Heard::Answer);
            }
            if conversation.poll("the answer to a call", deadline)? {
                quiet_since = Instant::now();
                continue;
            }
            let silence = quiet_since.elapsed();
            if let Some(heard) = self.after_silence(&mut conversation, silence) {
                return Ok(heard);
            }
            if deadline.has_passed() {
                return Err(BoardError::Timeout {
                    waiting_for: "the answer to a call",
                    received: self.sinks.tail.clone(),
                });
            }
            if silence >= scaled(self.probe_after) {
                self.probe(&mut conversation, deadline)?;
            }
        }
    }

    /// Asks a silent board whether the call is over. A board that still carries it out takes no notice, unless the call reads
    /// from `sys.stdin`: what is sent then is an empty line, or 0x01.
    fn probe(
        &mut self,
        conversation: &mut Conversation<'_>,
        deadline: Deadline,
    ) -> Result<(), BoardError> {
        // Where the end of the loop was lost as well, the raw REPL answers to the second one.
        let probe = match self.is_line && self.probes.is_multiple_of(2) {
            true => END_LOOP,
            false => ASK_BANNER,
        };
        self.probes += 1;
        self.probe_after *= 3;
        conversation.write(probe, deadline.sooner(END_TIME))
    }

    /// Takes what is pending, as far as it is known what it is.
    fn read(&mut self, conversation: &mut Conversation<'_>) {
        loop {
            let step = self.reader.step(conversation.pending());
            self.pass(conversation, step.output);
            conversation.consume(step.used - step.output);
            self.answer = self.answer.take().or(step.answer);
            if let Some(event) = step.event {
                (self.sinks.event)(event);
            }
            if step.used == 0 {
                break;
            }
        }
    }

    fn after_silence(
        &mut self,
        conversation: &mut Conversation<'_>,
        silence: Duration,
    ) -> Option<Heard> {
        let pending = conversation.pending();
        if looks_like_an_end(pending) {
            if silence < END_QUIET {
                return None;
            }
            self.answer = self.reader.read_to_end(pending);
            return Some(Heard::End);
        }
        let is_broken = silence >= scaled(ANSWER_QUIET);
        match self.reader.state() {
            State::Inside => return is_broken.then_some(Heard::BrokenAnswer),
            State::Event if is_broken => {
                let count = self.reader.give_up_event();
                conversation.consume(count);
            }
            State::Event => return None,
            State::Before | State::After => {}
        }
        // Output with an 0x04 in it: the program prints no more for now.
        self.pass(conversation, conversation.pending().len());
        if self.probes > 0 && self.sinks.tail.ends_with(RAW_BANNER) {
            return Some(Heard::Prompt);
        }
        (silence >= START_QUIET && is_a_start(self.sinks.tail)).then_some(Heard::Start)
    }

    /// Passes on the first pending bytes as output.
    fn pass(&mut self, conversation: &mut Conversation<'_>, count: usize) {
        let bytes = conversation.pending().get(..count).unwrap_or_default();
        if bytes.is_empty() {
            return;
        }
        (self.sinks.output)(bytes);
        self.sinks.tail.extend_from_slice(bytes);
        let excess = self.sinks.tail.len().saturating_sub(TAIL);
        self.sinks.tail.drain(..excess);
        conversation.consume(count);
    }
}

/// Waits for the end of the program, which is pending or follows at once.
fn finish(repl: &mut Repl, listener: &mut Listener<'_>) -> Ended {
    let Some(conversation) = repl.conversation() else {
        return Ended::Normally;
    };
    let deadline = Deadline::after(END_TIME);
    let mut reader = listener.reader.for_events();
    let mut rest = Vec::new();
    let event = &mut listener.sinks.event;
    // What threads of the board print behind the answer comes too late to belong to a call.
    let mut take_events = |bytes: &[u8]| {
        rest.extend_from_slice(bytes);
        loop {
            let step = reader.step(&rest);
            rest.drain(..step.used);
            if let Some(text) = step.event {
                event(text);
            }
            if step.used == 0 {
                break;
            }
        }
    };
    match conversation.finish(&mut take_events, deadline) {
        Ok(()) => Ended::Normally,
        Err(BoardError::Exception(exception)) => Ended::Raised(exception),
        Err(BoardError::BoardReset) => Ended::ResetDuring,
        Err(BoardError::Timeout { .. }) => {
            // The end of the program was damaged on the line.
            let _ = repl.interrupt(&mut |_| {}, Deadline::after(END_TIME));
            match listener.answer.is_some() {
                true => Ended::Normally,
                false => Ended::Unclear,
            }
        }
        Err(error) => stop(repl, error),
    }
}

/// Stops the program after an error of a wait for it.
fn stop(repl: &mut Repl, error: BoardError) -> Ended {
    let ended = match error {
        BoardError::Cancelled => Ended::Interrupted,
        BoardError::Timeout { .. } => Ended::Late,
        error => return Ended::Lost(error),
    };
    match repl.interrupt(&mut |_| {}, Deadline::after(END_TIME)) {
        Err(error @ BoardError::Disconnected { .. }) => Ended::Lost(error),
        // A program that does not stop is interrupted again by the next call.
        _ => ended,
    }
}
