//! One call, from its first byte to the board's prompt, or to where the board waits for the next line.

use std::time::{Duration, Instant};

use piton_board::deadline::{Deadline, scaled};
use piton_board::error::Error as BoardError;
use piton_board::exception::BoardException;
use piton_board::repl::protocol::{CTRL_C, RAW_BANNER, ends_with_board_start};
use piton_board::repl::{Conversation, Entry, Repl};

use super::frame::{Answer, FrameReader, State, looks_like_an_end};
use super::payload::{PIECES, Payload};
use super::session::END_TIME;
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
        /// Whether the board takes lines after it.
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
    /// The board was interrupted while it waited for a part of the call: it was not carried out.
    Undelivered,
    /// The board was found reset, before it got the program.
    ResetBefore,
    ResetDuring,
    Interrupted,
    Late,
    Lost(BoardError),
}

/// A payload that the board asks for, piece by piece.
pub(super) struct Delivery<'p> {
    payload: &'p Payload,
    /// Which of [`PIECES`] are sent.
    piece: usize,
    /// From where the board asked for more the last time.
    asked: Option<usize>,
    state: Delivering,
    /// How often the board was interrupted since, because it did not ask for the next piece.
    interrupts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivering {
    /// The board has not asked.
    NotBegun,
    /// A piece was sent.
    Sent,
    /// The board has everything.
    Done,
}

impl<'p> Delivery<'p> {
    /// The pieces begin with this one of [`PIECES`].
    pub(super) fn new(payload: &'p Payload, piece: usize) -> Delivery<'p> {
        Delivery {
            payload,
            piece,
            asked: None,
            state: Delivering::NotBegun,
            interrupts: 0,
        }
    }

    /// How long the pieces are, in bytes.
    fn length(&self) -> usize {
        PIECES
            .get(self.piece)
            .or(PIECES.last())
            .copied()
            .unwrap_or(1)
    }
}

/// How long the board may be silent before it asks for the first piece.
const BEGIN_TIME: Duration = Duration::from_secs(5);

/// How long the board may be silent after it was sent a piece, besides the time that the piece takes on the line.
const PIECE_TIME: Duration = Duration::from_millis(1200);

/// How long each byte of a piece may take: twice as long as at 115200 baud.
const BYTE_TIME: Duration = Duration::from_micros(180);

/// So many Ctrl-C are sent then, one time after the other: where that is a byte like others, it completes what was lost.
const INTERRUPTS: [usize; 3] = [1, 64, 8192];

/// Carries out a call to its end, whatever that is. Returns the answer as well, if one came.
pub(super) fn run<'l>(
    board: &mut Board,
    sent: &Sent<'_>,
    delivery: Option<Delivery<'l>>,
    reader: FrameReader<'l>,
    sinks: Sinks<'l>,
    deadline: Deadline,
) -> (Ended, Option<Answer>) {
    let repl = board.repl();
    let mut listener = Listener::new(reader, sinks, sent);
    listener.delivery = delivery;
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
            // Whatever the program does then, the next exchange shows its result.
            let _ = repl.interrupt(&mut |_| {}, Deadline::after(END_TIME));
            Ended::Unclear
        }
        Err(error) => stop(repl, error),
    };
    let was_interrupted = match (&listener.answer, &ended) {
        (Some(answer), _) => answer.is_interrupt(),
        (None, Ended::Raised(exception)) => exception.type_name == "KeyboardInterrupt",
        _ => false,
    };
    match ended {
        ended if !listener.is_delivering() => (ended, listener.answer),
        // The board had not everything of the call: it was not carried out.
        Ended::ResetDuring => (Ended::ResetBefore, None),
        _ if was_interrupted => (Ended::Undelivered, None),
        ended => (ended, listener.answer),
    }
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
    if ends_with_board_start(listener.sinks.tail) {
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
    /// Whether the board takes lines when it has answered.
    loops: bool,
    probes: u32,
    /// The silence after which the next probe goes out.
    probe_after: Duration,
    delivery: Option<Delivery<'l>>,
    /// The place from which the board asks for more of the payload.
    request: Option<usize>,
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
            loops: is_line || matches!(sent, Sent::Program { loops: true, .. }),
            probes: 0,
            probe_after: match is_line {
                true => LINE_PROBE,
                false => PROGRAM_PROBE,
            },
            delivery: None,
            request: None,
        }
    }

    /// Whether the board has not everything of the payload: then it cannot have begun to carry out the call.
    fn is_delivering(&self) -> bool {
        let mut delivery = self.delivery.iter();
        delivery.any(|delivery| delivery.state != Delivering::Done)
    }

    /// Answers the request of the board, if it asks for something.
    fn deliver(
        &mut self,
        conversation: &mut Conversation<'_>,
        deadline: Deadline,
    ) -> Result<(), BoardError> {
        let (Some(at), Some(delivery)) = (self.request.take(), &mut self.delivery) else {
            return Ok(());
        };
        if delivery.asked.replace(at) == Some(at) {
            // The piece was damaged: a shorter one is less often.
            delivery.piece += 1;
        }
        match delivery.payload.piece(at, delivery.length()) {
            Some(piece) => {
                delivery.state = Delivering::Sent;
                delivery.interrupts = 0;
                conversation.write(&piece, deadline)
            }
            None if at == delivery.payload.length() => {
                delivery.state = Delivering::Done;
                Ok(())
            }
            // A damaged number: the board waits for a piece, until it is interrupted.
            None => Ok(()),
        }
    }

    /// Interrupts a board that does not ask for the next piece, if it has been silent for long enough. Returns whether it did.
    fn interrupt_piece(
        &mut self,
        conversation: &mut Conversation<'_>,
        silence: Duration,
        deadline: Deadline,
    ) -> Result<bool, BoardError> {
        let Some(delivery) = &mut self.delivery else {
            return Ok(false);
        };
        let bytes = u32::try_from(delivery.length()).unwrap_or(u32::MAX);
        let patience = match delivery.state {
            Delivering::NotBegun => scaled(BEGIN_TIME),
            Delivering::Sent => scaled(PIECE_TIME) + BYTE_TIME * bytes,
            Delivering::Done => return Ok(false),
        };
        if silence < patience {
            return Ok(false);
        }
        let count = INTERRUPTS.get(delivery.interrupts).copied().unwrap_or(1);
        delivery.interrupts += 1;
        conversation.write(&vec![CTRL_C; count], deadline.sooner(END_TIME))?;
        Ok(true)
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
        if ends_with_board_start(self.sinks.tail) {
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
            if self.request.is_some() {
                self.deliver(&mut conversation, deadline)?;
                quiet_since = Instant::now();
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
            if self.is_delivering() {
                if self.interrupt_piece(&mut conversation, silence, deadline)? {
                    quiet_since = Instant::now();
                }
            } else if silence >= scaled(self.probe_after) {
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
        // A program whose answer was lost may have gone on to the loop, which takes lines alone. Where the end of the loop was lost
        // as well, the raw REPL answers to the second one.
        let probe = match self.loops && self.probes.is_multiple_of(2) {
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
            // Of several requests the last one counts: the board has got something for the others.
            self.request = step.request.or(self.request);
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
        if looks_like_an_end(pending) && !self.reader.is_in_bytes(pending) {
            if silence < END_QUIET {
                return None;
            }
            return Some(Heard::End);
        }
        let is_broken = silence >= scaled(ANSWER_QUIET);
        match self.reader.state() {
            State::Inside => return is_broken.then_some(Heard::BrokenAnswer),
            State::Event | State::Request if is_broken => {
                let count = self.reader.give_up_event();
                conversation.consume(count);
            }
            State::Event | State::Request => return None,
            State::Before | State::After => {}
        }
        // Output with an 0x04 in it: the program prints no more for now.
        self.pass(conversation, conversation.pending().len());
        if self.probes > 0 && self.sinks.tail.ends_with(RAW_BANNER) {
            return Some(Heard::Prompt);
        }
        (silence >= START_QUIET && ends_with_board_start(self.sinks.tail)).then_some(Heard::Start)
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
    // What threads of the board print after the answer comes too late to belong to a call.
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
