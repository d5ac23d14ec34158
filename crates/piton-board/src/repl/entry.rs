//! The way into the raw REPL, from whatever the board is doing.

use std::time::{Duration, Instant};

use tracing::debug;

use super::link::{Link, Tail, Wait, find};
use super::protocol::{RAW_BANNER, SOFT_REBOOT};
use super::{Repl, State, bounded};
use crate::deadline::Deadline;
use crate::error::Error;

/// A number of Ctrl-C with pauses between them, and the time to wait for their effect.
#[derive(Clone, Copy, Debug)]
pub(super) struct InterruptBurst {
    count: u32,
    /// The pause after the first one. It doubles from one to the next; without a pause they are sent in one piece.
    gap: Duration,
    /// How long to wait for the board before the next burst.
    pub(super) patience: Duration,
}

/// How long a program may take to clean up after the first Ctrl-C.
const FIRST_PATIENCE: Duration = Duration::from_millis(3500);

/// Returns the bursts of Ctrl-C to send one after the other while the program does not stop.
///
/// The first is a single one, with much time to act: a second would interrupt a `finally` block. A program that catches
/// `KeyboardInterrupt` and goes on is stopped only by a Ctrl-C that comes while it handles the one before. So later they come in
/// bursts: in one piece, which a serial line spaces by itself (87 µs at 115200 baud), and with pauses, because a USB board counts
/// all that come in one piece as one.
pub(super) fn interrupt_bursts() -> impl Iterator<Item = InterruptBurst> {
    let first = InterruptBurst {
        count: 1,
        gap: Duration::ZERO,
        patience: FIRST_PATIENCE,
    };
    let later = [(16, 0), (6, 400), (6, 50), (6, 3200), (16, 0), (6, 12_800)];
    let later = later
        .into_iter()
        .cycle()
        .map(|(count, micros)| InterruptBurst {
            count,
            gap: Duration::from_micros(micros),
            patience: Duration::from_millis(500),
        });
    std::iter::once(first).chain(later)
}

/// Sends the Ctrl-C of a burst.
pub(super) fn send_burst(
    link: &Link,
    burst: InterruptBurst,
    deadline: Deadline,
) -> Result<(), Error> {
    let mut gap = burst.gap;
    if gap.is_zero() {
        return link.write(&b"\x03".repeat(burst.count as usize), deadline);
    }
    for at in 0..burst.count {
        if at > 0 {
            link.pause(gap)?;
            gap *= 2;
        }
        link.write(b"\x03", deadline)?;
    }
    Ok(())
}

/// How long the friendly prompt must stand at first before it counts as idle.
const PROMPT_QUIET: Duration = Duration::from_millis(150);

/// How long a board may be silent before it gets another Ctrl-A.
const CTRL_A_RETRY: Duration = Duration::from_secs(1);

/// The bytes that were exchanged on the way into the raw REPL.
struct Attempt {
    sent: Vec<u8>,
    received: Tail,
    limit: Deadline,
    /// How long the friendly prompt must stand before it counts as idle.
    prompt_quiet: Duration,
}

impl Repl {
    /// Brings the board into the raw REPL from any state.
    pub(super) fn enter(&mut self, deadline: Deadline) -> Result<(), Error> {
        self.state = State::Broken;
        let limit = bounded(deadline);
        self.link.discard_input()?;
        let mut attempt = Attempt {
            sent: Vec::new(),
            received: Tail::default(),
            limit,
            prompt_quiet: PROMPT_QUIET,
        };
        for burst in interrupt_bursts() {
            if burst.count == 1 {
                // A half-typed line, paste mode, and a raw-paste that a host left when it died all take a Ctrl-A as text:
                // the Ctrl-C first ends them. No carriage return: it would run a line that a person has half typed.
                attempt.write(&self.link, b"\x03\x01")?;
            } else {
                send_burst(&self.link, burst, limit)?;
                attempt
                    .sent
                    .resize(attempt.sent.len() + burst.count as usize, 0x03);
                attempt.write(&self.link, b"\x01")?;
            }
            if self.await_raw(&mut attempt, limit.slice(burst.patience))? {
                if attempt.sent.len() > 2 || !attempt.is_plain() {
                    // Several tries, or a banner that was not the answer to the first: more banners may follow, and would be
                    // taken for answers to programs.
                    debug!("more answers of the board may be on their way, a probe waits for them");
                    self.synchronize(limit)?;
                }
                self.state = State::Raw;
                debug!(
                    control_bytes = attempt.sent.len(),
                    "the board is in its raw REPL"
                );
                return Ok(());
            }
            if limit.has_passed() {
                break;
            }
            debug!("the board does not answer Ctrl-C and Ctrl-A, they are sent again");
        }
        Err(Error::NoRawRepl {
            sent: attempt.sent,
            received: attempt.received.bytes().to_vec(),
        })
    }

    /// Waits for the raw REPL's banner. Returns whether it came in time.
    fn await_raw(&mut self, attempt: &mut Attempt, until: Deadline) -> Result<bool, Error> {
        let mut quiet_since = Instant::now();
        loop {
            let pending = self.link.pending();
            if let Some(at) = find(pending, RAW_BANNER) {
                self.link.consume(at + RAW_BANNER.len());
                return Ok(true);
            }
            let used = pending.len().saturating_sub(RAW_BANNER.len() - 1);
            self.link.consume(used);
            if until.has_passed() {
                return Ok(false);
            }
            let before = self.link.pending().len();
            if self.link.poll("the raw REPL", until)? {
                attempt
                    .received
                    .push(self.link.pending().get(before..).unwrap_or_default());
                quiet_since = Instant::now();
                continue;
            }
            let quiet = quiet_since.elapsed();
            if quiet >= attempt.prompt_quiet && attempt.received.bytes().ends_with(b">>> ") {
                // The friendly prompt stays: the Ctrl-A was lost on its way, or CircuitPython took it as the "any key" that it
                // asks for when code.py has ended.
                debug!("the board stays at its friendly prompt, Ctrl-C and Ctrl-A are sent again");
                attempt.write(&self.link, b"\x03\x01")?;
                // A board that is still starting prints its prompt before it listens.
                attempt.prompt_quiet *= 2;
                quiet_since = Instant::now();
            } else if quiet >= CTRL_A_RETRY {
                // Silence: a board that was still starting lost the bytes. No Ctrl-C, which could interrupt boot.py.
                debug!("the board is silent, another Ctrl-A is sent");
                attempt.write(&self.link, b"\x01")?;
                quiet_since = Instant::now();
            }
        }
    }

    /// Makes sure that the board has answered all that was sent before.
    ///
    /// After several tries more banners may be on their way. The board answers in order, so when it has
    /// run a program of ours nothing older can come. That program may fail: MicroPython 1.9.2 keeps a Ctrl-C
    /// that came at a bad moment, and raises it in whatever runs next.
    pub(super) fn synchronize(&mut self, limit: Deadline) -> Result<(), Error> {
        let mut wait = Wait::new("the raw REPL to settle", limit);
        loop {
            self.probes += 1;
            let factor = 7919;
            let program = format!("print({factor}*{})\x04", self.probes);
            // The answer is not in the question: an echo would not pass for it.
            let answer = format!("OK{}", factor * self.probes);
            self.link.write(program.as_bytes(), limit)?;
            let end = loop {
                if let Some(at) = find(self.link.pending(), b"\x04>") {
                    break at + 2;
                }
                self.link.more(&mut wait)?;
            };
            let text = self.link.pending().get(..end).unwrap_or_default();
            let answered = find(text, answer.as_bytes()).is_some();
            self.link.consume(end);
            if answered {
                return Ok(());
            }
        }
    }

    /// Soft-resets the board, which must be at the raw REPL's prompt.
    pub(super) fn soft_reset(&mut self, deadline: Deadline) -> Result<(), Error> {
        self.state = State::Broken;
        self.link.write(b"\x04", deadline)?;
        let limit = bounded(deadline);
        // One after the other: boot.py may print between them.
        let mut wait = Wait::new("the soft reset", limit);
        loop {
            let pending = self.link.pending();
            if let Some(at) = find(pending, SOFT_REBOOT) {
                self.link.consume(at + SOFT_REBOOT.len());
                break;
            }
            if let Some(at) = find(pending, b"\x04>") {
                // The answer to a program came instead of a reset: the raw REPL's line held a byte from before the Ctrl-D, such as
                // a newline that a starting board received, and the Ctrl-D ran it. Now the line is empty.
                debug!("the board ran a line instead of the soft reset, Ctrl-D is sent again");
                self.link.consume(at + 2);
                self.link.write(b"\x04", limit)?;
                continue;
            }
            self.link.more(&mut wait)?;
        }
        self.soft_resets += 1;
        debug!("the board was soft-reset");
        let wait = Wait::new("the raw REPL after boot.py", limit);
        self.link.skip_past(RAW_BANNER, wait)?;
        self.state = State::Raw;
        Ok(())
    }
}

impl Attempt {
    /// Returns whether the banner came as the answer to our Ctrl-A: after a prompt, or alone.
    ///
    /// A board that we interrupted in boot.py enters the raw REPL by itself, if it was there before its
    /// soft reset, and answers the Ctrl-A with a second banner.
    fn is_plain(&self) -> bool {
        let received = self.received.bytes();
        let before = find(received, RAW_BANNER).and_then(|at| received.get(..at));
        before.is_some_and(|before| {
            before.is_empty() || before.ends_with(b">") || before.ends_with(b">>> \r\n")
        })
    }

    fn write(&mut self, link: &Link, bytes: &[u8]) -> Result<(), Error> {
        self.sent.extend_from_slice(bytes);
        link.write(bytes, self.limit)
    }
}
