//! The host's end of the mount: a state machine without clock and line. Its inputs are bytes and the time, its
//! outputs bytes.
//!
//! An exchange begins with a request of the board and ends with its closing frame. The board reports losses in
//! between: it repeats the request when nothing arrives for two seconds, when an answer is damaged, and after each
//! interrupt. A board that is silent for longer has a part of an answer and waits for the rest; then the host
//! interrupts it.

use std::time::{Duration, Instant};

use piton_board::transport::side_channel::Service;
use tracing::debug;

use super::frame::{Answer, Frame, Parser, Token, flag, go};
use super::server::Server;

/// The kind of the closing frame of an exchange. It carries the keys that were typed before the answer arrived.
const CLOSING: u8 = 255;

/// The kind of the frame that confirms an answer and asks whether the board may leave the exchange.
const COMPLETE: u8 = 254;

/// Ctrl-C. No answer contains this byte.
const PROBE: u8 = 0x03;

/// Silence after an answer before the first interrupt. It is longer than the two seconds after which the board repeats
/// its request.
const TIMEOUT: Duration = Duration::from_millis(2500);

/// Limits of this silence: the minimum on a line that has lost bytes, the maximum on a line that is often late.
const TIMEOUT_RANGE: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(300)..=Duration::from_secs(5);

/// Maximum of the silence with twice the slowest answer added.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(8);

/// Unanswered interrupts after which an exchange is given up. The wait grows with each.
const PROBES: u32 = 3;

/// Time that keys wait for the closing frame after the host has allowed the board to leave the exchange.
const CLOSING_TIME: Duration = Duration::from_secs(3);

/// Number of exchanges after a problem in which the board must confirm its answer before it leaves, so that no interrupt
/// of the host arrives after the exchange.
const CAUTION: u32 = 64;

/// Maximum and minimum of the window, in bytes.
const LARGEST: usize = 2400;
const SMALLEST: usize = 64;

/// Answers that must arrive after a loss before answers of the lost length are tried again; doubles with each loss.
const CEILING_RETRY: std::ops::RangeInclusive<u32> = 32..=1024;

/// The bits of a frame's trouble that count interrupts; the bits above count damaged answers.
const INTERRUPTS: u8 = 0x0f;

/// The maximum length of answers, adapted to the line.
#[derive(Debug)]
struct Window {
    size: usize,
    /// The last length that was lost.
    ceiling: usize,
    ceiling_retry: u32,
    /// Long answers that arrived since the last change of the size.
    arrived: u32,
}

impl Window {
    fn new(size: usize) -> Window {
        Window {
            size: size.clamp(SMALLEST, LARGEST),
            ceiling: usize::MAX,
            ceiling_retry: *CEILING_RETRY.start(),
            arrived: 0,
        }
    }

    /// Grows the window after an answer of this length has arrived.
    fn grow(&mut self, length: usize) {
        if length * 2 < self.size {
            return;
        }
        self.arrived += 1;
        let next = (self.size * 2).min(LARGEST);
        if next < self.ceiling || self.arrived >= self.ceiling_retry {
            self.size = next;
            self.arrived = 0;
        }
    }

    /// Shrinks the window after an answer was lost.
    fn shrink(&mut self) {
        if self.size >= self.ceiling {
            self.ceiling_retry = (self.ceiling_retry * 2).min(*CEILING_RETRY.end());
        }
        self.ceiling = self.size;
        self.size = (self.size / 2).max(SMALLEST);
        self.arrived = 0;
    }
}

/// An exchange, from a request to its closing frame.
#[derive(Debug)]
struct Exchange {
    sequence: u32,
    kind: u8,
    content: Vec<u8>,
    answer: Answer,
    /// The length of the answer on the wire.
    length: usize,
    /// The last attempt of the board, and its count of problems.
    attempt: u8,
    trouble: u8,
    /// Answers that were lost.
    losses: u32,
    /// Whether the person typed Ctrl-C during the exchange.
    raises: bool,
    /// Interrupts sent in all, and since the last answer.
    probes: u32,
    unanswered: u32,
    /// Time of the last answer, and of the last write.
    answered_at: Duration,
    written_at: Duration,
    /// Whether the host has allowed the board to leave the exchange.
    leaves: bool,
    is_given_up: bool,
}

/// The state machine.
struct Machine {
    token: Token,
    parser: Parser,
    server: Server,
    window: Window,
    /// The sequence number of the last request.
    last: u32,
    exchange: Option<Exchange>,
    /// Time of the last received byte.
    heard_at: Duration,
    timeout: Duration,
    /// The longest time from an answer to the board's reaction.
    slowest: Duration,
    caution: u32,
}

impl Machine {
    fn new(token: Token, server: Server, window: usize) -> Machine {
        Machine {
            token,
            parser: Parser::new(token),
            server,
            window: Window::new(window),
            last: 0,
            exchange: None,
            heard_at: Duration::ZERO,
            timeout: TIMEOUT,
            slowest: Duration::ZERO,
            caution: 0,
        }
    }

    /// Takes received bytes, maybe none. Output that is not a frame goes to `passed`, bytes to write to `reply`.
    fn receive(&mut self, bytes: &[u8], now: Duration, passed: &mut Vec<u8>, reply: &mut Vec<u8>) {
        if !bytes.is_empty() {
            self.heard_at = now;
        }
        let mut bytes = bytes;
        loop {
            self.parser.expects_frames = self.is_busy(now);
            let Some(frame) = self.parser.next(bytes, now, passed) else {
                break;
            };
            self.take(frame, now, passed, reply);
            bytes = b"";
        }
        self.probe_if_silent(now, reply);
    }

    /// Returns whether keys must wait for the end of an exchange.
    fn is_busy(&self, now: Duration) -> bool {
        self.exchange.as_ref().is_some_and(|exchange| {
            let leaves = exchange.leaves && now >= exchange.written_at + CLOSING_TIME;
            !exchange.is_given_up && !leaves
        })
    }

    fn take(&mut self, frame: Frame, now: Duration, passed: &mut Vec<u8>, reply: &mut Vec<u8>) {
        let is_open = |exchange: &&mut Exchange| exchange.sequence == frame.sequence;
        let exchange = self.exchange.as_mut().filter(is_open);
        match (frame.kind, exchange) {
            (CLOSING, Some(exchange)) => {
                let length = exchange.length;
                let was_late = exchange.unanswered > 0 && !exchange.leaves;
                let is_clean = exchange.attempt == 0;
                let waited = now.saturating_sub(exchange.answered_at);
                self.exchange = None;
                if was_late {
                    self.extend_timeouts(waited);
                } else if is_clean {
                    self.slowest = self.slowest.max(waited);
                    self.caution = self.caution.saturating_sub(1);
                    self.window.grow(length);
                }
                reply.extend(&frame.content);
            }
            // The repeated closing frame of an exchange that has ended.
            (CLOSING, None) => {}
            (kind, Some(exchange)) if frame.attempt > exchange.attempt => {
                exchange.attempt = frame.attempt;
                exchange.is_given_up = false;
                if kind == COMPLETE {
                    self.permit_leaving(&frame, now, reply);
                } else {
                    self.answer_again(&frame, now, reply);
                }
            }
            // The line has delivered the request of the open exchange twice.
            (_, Some(_)) => {}
            (kind, None) if kind != COMPLETE && frame.sequence > self.last => {
                self.last = frame.sequence;
                if self.exchange.take().is_some_and(|before| !before.leaves) {
                    // A new request while an exchange is open: the closing frame of the old one was lost.
                    self.caution = CAUTION;
                }
                self.begin(frame, now, reply);
            }
            // An old sequence number: the frame is output of a program, which repeats one that it has read.
            (_, None) => passed.extend(frame.bytes(self.token)),
        }
    }

    /// Serves a request.
    fn begin(&mut self, frame: Frame, now: Duration, reply: &mut Vec<u8>) {
        self.server.set_window(self.window.size);
        let Some(answer) = self.server.serve(frame.kind, &frame.content) else {
            return;
        };
        let interrupts = u32::from(frame.trouble & INTERRUPTS);
        self.exchange = Some(Exchange {
            sequence: frame.sequence,
            kind: frame.kind,
            content: frame.content,
            answer,
            length: 0,
            attempt: frame.attempt,
            trouble: frame.trouble,
            losses: 0,
            raises: interrupts > 0,
            probes: 0,
            unanswered: 0,
            answered_at: now,
            written_at: now,
            leaves: false,
            is_given_up: false,
        });
        self.write_answer(now, reply);
    }

    /// Answers a request that the board repeats.
    fn answer_again(&mut self, frame: &Frame, now: Duration, reply: &mut Vec<u8>) {
        self.caution = CAUTION;
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        let was_damaged = (frame.trouble ^ exchange.trouble) & !INTERRUPTS != 0;
        exchange.raises |= u32::from(frame.trouble & INTERRUPTS) > exchange.probes;
        let was_lost = was_damaged || exchange.unanswered > 0;
        exchange.trouble = frame.trouble;
        exchange.leaves = false;
        exchange.unanswered = 0;
        if was_lost {
            exchange.losses += 1;
        }
        // The answer may be late instead of lost: an interrupt clears the receive ring of some boards (rp2's USB), and
        // with it the answer. So the first loss does not shrink the window.
        if !was_damaged && exchange.losses == 1 {
            let waited = now.saturating_sub(exchange.answered_at);
            self.write_answer(now, reply);
            self.extend_timeouts(waited);
            return;
        }
        if was_damaged || was_lost {
            self.window.shrink();
            debug!(
                was_damaged,
                window = self.window.size,
                "an answer to the mounted board was lost or damaged, answers get shorter"
            );
            self.timeout = (self.timeout / 2).max(*TIMEOUT_RANGE.start());
            self.server.set_window(self.window.size);
            if exchange.length > self.window.size
                && let Some(answer) = self.server.serve_again(exchange.kind, &exchange.content)
            {
                exchange.answer = answer;
            }
        }
        self.write_answer(now, reply);
    }

    fn write_answer(&mut self, now: Duration, reply: &mut Vec<u8>) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        let raise = if exchange.raises { flag::RAISE } else { 0 };
        let confirm = if self.caution > 0 { flag::CONFIRM } else { 0 };
        let bytes = exchange.answer.bytes(
            self.token,
            exchange.sequence,
            exchange.attempt,
            raise | confirm,
        );
        exchange.length = bytes.len();
        exchange.answered_at = now;
        exchange.written_at = now;
        reply.extend(bytes);
    }

    /// Allows the board, which has confirmed the answer, to leave the exchange. When the board reads this byte, it has
    /// received everything that was written before.
    fn permit_leaving(&mut self, frame: &Frame, now: Duration, reply: &mut Vec<u8>) {
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        let was_late = exchange.unanswered > 0;
        let raises = exchange.raises || u32::from(frame.trouble & INTERRUPTS) > exchange.probes;
        let is_first = !exchange.leaves;
        let waited = now.saturating_sub(exchange.answered_at);
        let has_lost = exchange.losses > 0;
        let length = exchange.length;
        reply.push(go(frame.attempt, raises));
        exchange.leaves = true;
        exchange.unanswered = 0;
        exchange.written_at = now;
        if was_late {
            self.extend_timeouts(waited);
        } else if is_first && !has_lost {
            self.slowest = self.slowest.max(waited);
            self.caution = self.caution.saturating_sub(1);
            self.window.grow(length);
        }
    }

    /// Extends the timeouts: the board was interrupted, but was only late. `waited` is the time from the answer to its
    /// reaction.
    fn extend_timeouts(&mut self, waited: Duration) {
        debug!(
            ?waited,
            "the mounted board was late but lost nothing, its timeout grows"
        );
        self.caution = CAUTION;
        self.slowest = self.slowest.max(waited).min(*TIMEOUT_RANGE.end());
        self.timeout = (self.timeout * 2).min(*TIMEOUT_RANGE.end());
    }

    /// Interrupts a board that is silent for too long.
    fn probe_if_silent(&mut self, now: Duration, reply: &mut Vec<u8>) {
        let timeout = (self.timeout + self.slowest * 2).min(LONGEST_TIMEOUT);
        let heard = self.heard_at;
        let Some(exchange) = &mut self.exchange else {
            return;
        };
        // A board that may leave the exchange may run the program again, which an interrupt would end. If the host's
        // permission was lost, the board repeats its confirmation.
        if exchange.leaves || exchange.is_given_up {
            return;
        }
        let silent = now.saturating_sub(heard.max(exchange.written_at));
        if silent < timeout * (exchange.unanswered + 1) {
            return;
        }
        if exchange.unanswered == PROBES {
            debug!("the mounted board does not answer interrupts, its request is given up");
            exchange.is_given_up = true;
            return;
        }
        exchange.unanswered += 1;
        // The board is silent because it waits for lost bytes of the answer. There 0x03 is an ordinary byte, so the last
        // attempt sends as many as the answer has bytes: they complete it, and the board sees the damage.
        let count = match exchange.unanswered {
            PROBES => exchange.length,
            _ => 1,
        };
        reply.resize(reply.len() + count, PROBE);
        exchange.probes += count as u32;
        exchange.written_at = now;
    }
}

/// The state machine with a clock, as a service of the line.
pub(super) struct MountService {
    machine: Machine,
    began: Instant,
}

impl MountService {
    /// Returns the service of a mount. The first answers have at most `window` bytes.
    pub(super) fn new(token: Token, server: Server, window: usize) -> MountService {
        MountService {
            machine: Machine::new(token, server, window),
            began: Instant::now(),
        }
    }
}

impl Service for MountService {
    fn receive(&mut self, bytes: &[u8], passed: &mut Vec<u8>, reply: &mut Vec<u8>) {
        let now = self.began.elapsed();
        self.machine.receive(bytes, now, passed, reply);
    }

    fn is_busy(&self) -> bool {
        self.machine.is_busy(self.began.elapsed())
    }
}

#[cfg(test)]
mod tests;
