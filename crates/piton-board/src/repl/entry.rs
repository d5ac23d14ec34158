//! Entering the raw REPL from any state of the board.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use tracing::debug;

use super::link::{Link, Tail, Wait, find};
use super::protocol::{RAW_BANNER, SOFT_REBOOT, ends_with_board_start};
use super::{Repl, State, bounded};
use crate::deadline::Deadline;
use crate::error::Error;

/// A number of Ctrl-C with pauses between them, and the time to wait for their effect.
#[derive(Clone, Copy, Debug)]
pub(super) struct InterruptBurst {
    count: u32,
    /// The pause after the first Ctrl-C, which doubles with each further one. Without a pause they are sent in one write.
    gap: Duration,
    /// The time to wait for the board before the next burst.
    pub(super) patience: Duration,
}

/// The time for a program to clean up after the first Ctrl-C.
const FIRST_PATIENCE: Duration = Duration::from_millis(3500);

/// Returns the bursts of Ctrl-C to send one after the other until the program stops.
pub(super) fn interrupt_bursts() -> impl Iterator<Item = InterruptBurst> {
    // One Ctrl-C, with much time: a second one would interrupt a `finally` block of the program.
    let first = InterruptBurst {
        count: 1,
        gap: Duration::ZERO,
        patience: FIRST_PATIENCE,
    };
    // A program that catches `KeyboardInterrupt` and continues is stopped only by a Ctrl-C that comes while it handles the
    // previous one. So bursts follow: in one write, whose bytes a serial line spaces by itself (87 µs at 115200 baud), and
    // with pauses, because a USB board counts all Ctrl-C of one write as one.
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

/// First silence that follows the friendly prompt of an idle board.
const PROMPT_QUIET: Duration = Duration::from_millis(150);

/// Silence after which the board gets another Ctrl-A.
const CTRL_A_RETRY: Duration = Duration::from_secs(1);

/// Silence after which the host looks at bytes that do not complete an answer, or asks the board by a numbered probe. It
/// decides nothing by itself: a late answer is still recognized.
pub(super) const DAMAGE_QUIET: Duration = Duration::from_secs(1);

/// The factor of the numbers of probes: a number that a damaged or unrelated answer hardly contains.
const PROBE_FACTOR: u32 = 7919;

/// The program that asks a board at the raw REPL's prompt for a number. It is harmless in every state in which the host
/// sends it: behind a program that reads no input it waits until the prompt is there. The first byte ends an incomplete
/// line of input. The answer is not part of the program, so an echo of the program is not mistaken for it.
pub(super) fn probe_program(number: u32) -> Vec<u8> {
    format!("\nprint({PROBE_FACTOR}*{number})\x04").into_bytes()
}

/// The beginning of the answer to a probe.
pub(super) fn probe_answer(number: u32) -> Vec<u8> {
    format!("OK{}\r\n", PROBE_FACTOR * number).into_bytes()
}

/// The state of one entry into the raw REPL.
struct Attempt {
    sent: Vec<u8>,
    received: Tail,
    limit: Deadline,
    /// Silence that follows the friendly prompt of an idle board.
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
                // In an incomplete line, in paste mode, and in the raw-paste of a host that was killed, Ctrl-A is text. The
                // Ctrl-C in front of it ends these states. There is no carriage return, because it would run the incomplete
                // line of a person.
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
                    // After several attempts, or a banner that does not answer the first one, more banners may follow. They
                    // would be taken for answers to programs.
                    debug!("more answers of the board may follow, a probe waits for them");
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
                // The board stays at the friendly prompt: the Ctrl-A was lost, or CircuitPython has read it as the key that it
                // waits for when code.py has ended.
                debug!("the board stays at its friendly prompt, Ctrl-C and Ctrl-A are sent again");
                attempt.write(&self.link, b"\x03\x01")?;
                // A board that is still starting prints its prompt before it reads input, so the next attempt waits longer.
                attempt.prompt_quiet *= 2;
                quiet_since = Instant::now();
            } else if quiet >= CTRL_A_RETRY {
                // The board is silent: it was still starting and lost the bytes. No Ctrl-C is sent, because it could
                // interrupt boot.py.
                debug!("the board is silent, another Ctrl-A is sent");
                attempt.write(&self.link, b"\x01")?;
                quiet_since = Instant::now();
            }
        }
    }

    /// Waits until the board has answered everything that was sent before.
    ///
    /// The board answers in order, so when it has answered the last probe, no older answer can come.
    pub(super) fn synchronize(&mut self, limit: Deadline) -> Result<(), Error> {
        let mut wait = Wait::new("the raw REPL to settle", limit);
        let mut quiet = DAMAGE_QUIET;
        self.send_probe(limit)?;
        loop {
            if let Some(at) = find(self.link.pending(), b"\x04>") {
                let text = self.link.pending().get(..at).unwrap_or_default();
                let answers = |number: &u32| find(text, &probe_answer(*number)).is_some();
                let answered = self.open_probes().rfind(answers);
                self.link.consume(at + 2);
                match answered {
                    Some(number) if number == self.probes => {
                        self.answered_probes = number;
                        return Ok(());
                    }
                    // The answer to an earlier probe was late, not lost. That to the last one follows.
                    Some(_) => {}
                    // An older answer. Or the probe has failed with `KeyboardInterrupt`: MicroPython 1.9.2 keeps a Ctrl-C
                    // that came between two programs, and raises it in the next one.
                    None => self.send_probe(limit)?,
                }
            } else if !self.link.more_within(&mut wait, quiet)? {
                // The probe or its answer was damaged, or is late. In both cases another probe is harmless: the answer to the
                // earlier one is recognized by its number.
                debug!("no answer to the probe yet, another one is sent");
                quiet *= 2;
                self.send_probe(limit)?;
            }
        }
    }

    /// Returns the numbers of the probes whose answers may still come.
    pub(super) fn open_probes(&self) -> RangeInclusive<u32> {
        self.answered_probes + 1..=self.probes
    }

    /// Sends the next probe. Its number is `probes` then.
    pub(super) fn send_probe(&mut self, deadline: Deadline) -> Result<(), Error> {
        self.probes += 1;
        self.link.write(&probe_program(self.probes), deadline)
    }

    /// Soft-resets the board, which must be at the raw REPL's prompt.
    pub(super) fn soft_reset(&mut self, deadline: Deadline) -> Result<(), Error> {
        self.state = State::Broken;
        self.link.write(b"\x04", deadline)?;
        let limit = bounded(deadline);
        // The announcement and the banner are awaited separately, because boot.py may print between them.
        let mut wait = Wait::new("the soft reset", limit);
        let mut quiet = DAMAGE_QUIET;
        loop {
            let pending = self.link.pending();
            if let Some(at) = find(pending, SOFT_REBOOT) {
                self.link.consume(at + SOFT_REBOOT.len());
                break;
            }
            if let Some(at) = find(pending, b"\x04>") {
                // The answer to a program came instead of a reset. The raw REPL's line contained an earlier byte, such as a
                // newline that the board received while it started, and the Ctrl-D ran this line. Or the Ctrl-D was lost, and
                // this is the answer to a probe. Now the line is empty.
                debug!("the board ran a line instead of the soft reset, Ctrl-D is sent again");
                self.link.consume(at + 2);
                self.link.write(b"\x04", limit)?;
                continue;
            }
            if ends_with_board_start(pending) {
                // A board that is a process ends by Ctrl-D. What supervises it has started it again, at its friendly prompt.
                debug!("the board ended and was started again");
                self.soft_resets += 1;
                return self.enter(limit);
            }
            if !self.link.more_within(&mut wait, quiet)? {
                if resembles(self.link.pending(), RAW_BANNER) {
                    // The announcement was damaged. The banner of the raw REPL does not come without a reset.
                    break;
                }
                // The Ctrl-D was lost, or the answer is late. A board that lost it answers the probe; one that resets
                // itself drops the probe or answers it later.
                quiet *= 2;
                self.send_probe(limit)?;
            }
        }
        self.soft_resets += 1;
        debug!("the board was soft-reset");
        let mut wait = self.link.wait("the raw REPL after boot.py", limit);
        loop {
            let pending = self.link.pending();
            if let Some(at) = find(pending, RAW_BANNER) {
                self.link.consume(at + RAW_BANNER.len());
                break;
            }
            // boot.py may print without an end.
            let used = pending.len().saturating_sub(RAW_BANNER.len() + 2);
            self.link.consume(used);
            if !self.link.more_within(&mut wait, DAMAGE_QUIET)?
                && resembles(self.link.pending(), RAW_BANNER)
            {
                // If the rest of the banner is only late, it comes before the answer to the probe.
                debug!(
                    "the banner of the raw REPL was damaged, a probe shows whether the board is there"
                );
                self.synchronize(limit)?;
                break;
            }
        }
        if !self.open_probes().is_empty() {
            self.synchronize(limit)?;
        }
        self.state = State::Raw;
        Ok(())
    }
}

/// Returns whether `bytes` end as `text` does, but for a few bytes that the line lost or changed.
fn resembles(bytes: &[u8], text: &[u8]) -> bool {
    const PIECE: usize = 3;
    let from = bytes.len().saturating_sub(text.len() + 2);
    let last = bytes.get(from..).unwrap_or_default();
    let pieces = text
        .windows(PIECE)
        .filter(|piece| find(last, piece).is_some());
    // One damaged byte changes at most this number of pieces, two of them twice as many.
    pieces.count() + 2 * PIECE >= text.len() + 1 - PIECE
}

impl Attempt {
    /// Returns whether the banner came as the answer to the Ctrl-A: after a prompt, or alone.
    ///
    /// A board that was interrupted in boot.py enters the raw REPL by itself if it was there before its soft reset. It
    /// answers the Ctrl-A with a second banner.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_banner_resembles_a_banner() {
        for (bytes, expected) in [
            (&b"\r\nraw REPL; CTRL-B toexit\r\n>"[..], true),
            (b"\r\nraw REPL; CTRL-B to exit\r\n", true),
            (b"\r\nraw REXL; CTRL-B to exiu\r\n>", true),
            (b"hello\r\n>", false),
            (
                b"raw REPL; CTRL-B to exit\r\n>then boot.py prints more",
                false,
            ),
            (b"", false),
        ] {
            assert_eq!(resembles(bytes, RAW_BANNER), expected, "{bytes:?}");
        }
    }
}
