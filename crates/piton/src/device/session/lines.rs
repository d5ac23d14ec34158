//! Calls as lines for the loop on the board, and events between calls.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::literal::LiteralError;
use piton_board::repl::Entry;

use super::{Prepared, Request, Session, State, programs};
use crate::device::arguments::inlined;
use crate::device::error::DeviceError;
use crate::device::exchange::{self, Delivery, Ended, Idle, Sent, Sinks};
use crate::device::frame::{Answer, FrameReader, Framing};
use crate::device::payload::Payload;
use crate::device::source::Source;

/// The longest text of a line: the receive rings of boards without flow control hold 256 bytes.
const LONGEST_LINE: usize = 202;

/// The longest expression that is a part of the line.
const LONGEST_EXPRESSION: usize = 200;

/// How often in a row the loop may end by itself before calls are programs for the rest of the session.
const LOOP_FAILURES: u32 = 3;

/// How long no call came before the line is read for events.
const IDLE_TIME: Duration = Duration::from_millis(3);

/// How long the line is read for events before somebody else has a turn.
const IDLE_SLICE: Duration = Duration::from_millis(5);

/// How long a board may take to begin to send events.
const LISTEN_TIME: Duration = Duration::from_secs(10);

/// How many calls in a row are lines before one is a program again. The virtual board collects garbage only when no program runs.
const LINES: u32 = 1000;

impl Session {
    /// Brings a call into the form in which it crosses the line. Where the board has device/serve.py, what is long goes beside it.
    pub(super) fn prepare<'r>(&self, request: Request<'r>) -> Result<Prepared<'r>, DeviceError> {
        let expression = request.expression;
        let plain = Prepared {
            text: inlined(expression, request.data),
            source: request.source,
            payload: None,
        };
        if !self.has_server {
            return Ok(plain);
        }
        let is_plain = expression.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        let is_short = expression.len() <= LONGEST_EXPRESSION && is_plain;
        if is_short && request.source.is_none() && request.data.is_empty() {
            return Ok(match request.is_own {
                true => Prepared {
                    text: format!("!{expression}"),
                    ..plain
                },
                false => plain,
            });
        }
        let source = request.source.map(Source::text).unwrap_or_default();
        let mut parts = vec![expression.as_bytes(), source.as_bytes()];
        parts.extend(request.data.iter().map(Vec::as_slice));
        let payload = Payload::new(&parts, self.inflates).ok_or_else(|| {
            let message = "there is too much of it for one call".to_owned();
            DeviceError::Argument(LiteralError::Unsupported { message })
        })?;
        Ok(Prepared {
            text: payload.text(),
            source: None,
            payload: Some(payload),
        })
    }

    /// Sends a call as a line where the board takes lines, and otherwise as a program.
    pub(super) fn exchange(
        &mut self,
        number: u32,
        call: &Prepared<'_>,
        deadline: Deadline,
    ) -> Result<(Ended, Option<Answer>), DeviceError> {
        if self.lines >= LINES {
            self.leave_loop()?;
        }
        let is_able = self.has_server && self.loop_failures < LOOP_FAILURES;
        let line = line(&self.framing, number, call).filter(|_| is_able && self.serves);
        let mut program = String::new();
        let sent = match &line {
            Some(line) => {
                self.lines += 1;
                Sent::Line(line)
            }
            None => {
                self.leave_loop()?;
                self.lines = 0;
                program.push_str(&programs::program(&self.framing, number, call));
                if is_able {
                    program.push_str(" and _piton_loop()");
                }
                let text = &program;
                Sent::Program {
                    text,
                    loops: is_able,
                }
            }
        };
        let Some(board) = &mut self.board else {
            return Err(DeviceError::Closed);
        };
        let payload = call.payload.as_ref();
        let delivery = payload.map(|payload| Delivery::new(payload, self.piece));
        let reader = FrameReader::new(&self.framing, number);
        let sinks = Sinks {
            output: &mut *self.output,
            event: &mut send_to(self.events.as_ref()),
            tail: &mut self.tail,
        };
        let (ended, answer) = exchange::run(board, &sent, delivery, reader, sinks, deadline);
        self.serves = matches!(ended, Ended::Serving);
        self.loop_failures = match ended {
            Ended::NotSent => self.loop_failures + 1,
            Ended::Serving if matches!(sent, Sent::Line(_)) => 0,
            _ => self.loop_failures,
        };
        self.last_call = Instant::now();
        Ok((ended, answer))
    }

    /// Ends the loop on the board, if one waits for lines.
    pub(in crate::device) fn leave_loop(&mut self) -> Result<(), DeviceError> {
        let Some(board) = self.board.as_mut().filter(|_| self.serves) else {
            return Ok(());
        };
        self.serves = false;
        let reader = FrameReader::new(&self.framing, 0);
        let sinks = Sinks {
            output: &mut *self.output,
            event: &mut send_to(self.events.as_ref()),
            tail: &mut self.tail,
        };
        match exchange::end_loop(board, reader, sinks) {
            Err(error @ BoardError::Disconnected { .. }) => {
                self.lose();
                Err(DeviceError::lost(error))
            }
            // The next program brings the board to its prompt.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Takes the events that the board sends while no call runs, for a few milliseconds. Returns how long to leave the line alone
    /// then.
    pub(in crate::device) fn listen(&mut self) -> Duration {
        const SOON: Duration = Duration::from_millis(1);
        const LATER: Duration = Duration::from_millis(500);
        if self.last_call.elapsed() < IDLE_TIME {
            return SOON;
        }
        let is_able = self.loop_failures < LOOP_FAILURES;
        if !is_able || !matches!(self.state, State::Ready { .. }) {
            return LATER;
        }
        if !self.serves {
            // The board sends events while it waits for lines.
            let deadline = Deadline::after(LISTEN_TIME);
            return match self.call(Request::evaluate("None"), deadline) {
                Ok(_) => SOON,
                Err(_) => LATER,
            };
        }
        let Some(board) = &mut self.board else {
            return LATER;
        };
        let reader = FrameReader::new(&self.framing, 0);
        let sinks = Sinks {
            output: &mut *self.output,
            event: &mut send_to(self.events.as_ref()),
            tail: &mut self.tail,
        };
        let looked = exchange::look(board, reader, sinks, IDLE_SLICE);
        match looked {
            Ok(Idle::Serving) => return Duration::ZERO,
            Ok(Idle::Ended) => {
                self.serves = false;
                self.loop_failures += 1;
            }
            Ok(Idle::Reset) => {
                self.serves = false;
                self.state = State::Fresh(Entry::KeepState);
                // When that fails the next call tries again.
                let _ = self.ensure_ready();
            }
            Err(BoardError::Disconnected { .. }) => self.lose(),
            Err(_) => return LATER,
        }
        SOON
    }
}

/// The line of a call for the loop on the board, where it fits in one.
fn line(framing: &Framing, number: u32, call: &Prepared<'_>) -> Option<String> {
    if call.text.len() > LONGEST_LINE || call.source.is_some() {
        return None;
    }
    let check = framing.check(number, &[call.text.as_bytes(), b"\n"]);
    Some(format!("{number} {check} {}\n", call.text))
}

/// Returns what takes events to `events`. Without a receiver they are dropped.
fn send_to(events: Option<&Sender<String>>) -> impl FnMut(String) + use<> {
    let events = events.cloned();
    move |text| {
        if let Some(events) = &events {
            let _ = events.send(text);
        }
    }
}
