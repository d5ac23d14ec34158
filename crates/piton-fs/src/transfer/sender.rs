//! The host's end of the stream to a board: a state machine without clock and line. Its inputs are messages and the
//! time, its outputs bytes and decisions.
//!
//! One packet is in flight at a time. A loss is concluded from the board's messages, never from time: after a silence
//! the host sends Ctrl-C, which no packet contains and which is harmless in every state of a board, and the board
//! answers with what it has. A packet that the board lacks is sent again. A damaged one is sent again in smaller
//! packets, which grow while they arrive.

use std::time::Duration;

use tracing::debug;

use super::agent::Message;
use super::packet::{self, NUMBERS};
use super::source::{Source, Taken};
use crate::wire::deflate;

/// Requests the state of the board.
pub(crate) const PROBE: &[u8] = b"\x03";

/// Message: the capacity of the board. The stream begins after it.
pub(crate) const HELLO: u8 = b'S';
/// Message: a packet was taken.
const TAKEN: u8 = b'G';
/// Message: the state of the board, in answer to an interrupt.
const STATE: u8 = b'N';
/// Message: the packet was damaged. The board waits for an interrupt.
pub(crate) const DAMAGED: u8 = b'X';
/// Message: the number of steps carried out. Sent after each step, and as a sign of life while a long file is read
/// back. A packet may contain hundreds of small files, each of which takes an RP2040 about 50 ms.
pub(crate) const DONE: u8 = b'D';
/// Message: the step after those that are carried out has failed.
pub(crate) const FAILED: u8 = b'E';

/// Bit in the value of [`FAILED`]: the old file is removed, and the new one has its temporary name.
pub(crate) const IS_TORN: u32 = 1 << 23;

/// Bits of the next packet's number in the value of a message; the bits above count the taken bytes of the stream.
const NUMBER_BITS: u32 = 5;
/// Modulus of the count of taken bytes.
const POSITIONS: u32 = 1 << 19;

/// Minimum size of a packet, in bytes on the wire: the smallest receive rings hold this.
const SMALLEST_SIZE: usize = 64;
/// The payload of a packet of [`SMALLEST_SIZE`] where most of its bytes are 0x03.
const SMALLEST_PAYLOAD: usize = 16;
/// Size of the first packets, in bytes, on a line that has not carried more yet.
pub(crate) const MODEST_SIZE: usize = 1024;
/// Packets that must arrive after a loss before the size grows. The lost size needs more, twice as many with each
/// loss of it.
const GROWTH: u32 = 2;
const CEILING_RETRY: std::ops::RangeInclusive<u32> = 16..=512;

/// Minimum gain of deflating, in percent.
const GAIN: usize = 5;
/// Maximum ratio of content to packet size, when deflated: the board's window for inflating.
const WINDOW: usize = 4;
/// Packets without an attempt to deflate after content that does not deflate.
const RETRY: u32 = 16;

/// Silence before a probe: the initial value (minimum), and that for a board that is often late (maximum). Erasing flash
/// stops an RP2040 for up to 400 ms, and the host's own interrupt may clear its receive queue.
const TIMEOUT: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(600)..=Duration::from_secs(5);
/// Maximum of the silence before a probe, unless packets take longer. It fits twice into [`SILENCE`], so that one of two
/// interrupts may be lost.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(4);
/// Silence after which the board counts as lost, unless packets take longer: an SD card may be busy for seconds.
pub(crate) const SILENCE: Duration = Duration::from_secs(11);
/// Silence before a probe while no message has arrived yet.
const FIRST_TIMEOUT: Duration = Duration::from_secs(4);
/// The factor by which a packet may be slower than those before.
const SLOWER: f64 = 4.0;
/// Fixed cost of a packet, in bytes.
const OVERHEAD: usize = 200;
/// The fraction of the slowest packet's time that remains with each later packet.
const MEMORY: f64 = 0.9;
/// Sent after each packet on a line that loses bytes. It completes a packet that lacks bytes, so that the board sees
/// the damage at once. Between packets the board skips it.
const PADDING: [u8; 8] = [packet::PADDING; 8];
/// Maximum number of losses in a row.
const LOSSES: u32 = 60;

/// Bytes of the stream between pauses: the virtual board collects garbage only between programs.
const PAUSE: usize = 4 << 20;
/// Payload of the packet that requests a pause.
const PAUSE_PACKET: &[u8] = b"P";
/// Payload of the packet that makes the board drop the current file.
const ABORT_PACKET: &[u8] = b"";
/// Payload of a packet that has only the end of the stream.
const QUIT_PACKET: &[u8] = b"Q\0\0";

/// The next action of the sender.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NextAction {
    /// Write this.
    Write(Vec<u8>),
    /// Listen until this time.
    Listen(Duration),
    /// Give up: packets of all sizes are lost or damaged.
    GiveUp,
}

/// The content of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Stream,
    Pause,
    Abort,
    Quit,
}

/// The packet in flight.
#[derive(Debug)]
struct InFlight {
    content: Content,
    /// The contents that were sent under its number, with the bytes of the stream in each: a repeated packet may
    /// differ from the first, and either may have arrived.
    sent: Vec<(Content, u32)>,
    /// Whether the board reported damage.
    is_damaged: bool,
}

/// The host's end of one stream.
pub(crate) struct Sender<'s> {
    source: Source<'s>,
    /// Maximum payload of the board in bytes; 0 before its first message.
    largest: usize,
    inflates: bool,
    /// Size of the next packet, in bytes on the wire.
    size: usize,
    has_lost: bool,
    /// The last lost size, and the packets that must arrive before it is tried again.
    ceiling: usize,
    ceiling_retry: u32,
    /// Packets that arrived since the last change of the size, and losses since the last arrival.
    arrived: u32,
    losses: u32,
    /// Packets left that are sent without an attempt to deflate.
    plain: u32,
    /// The number of the next packet, and the position in the stream, modulo [`POSITIONS`].
    number: u8,
    position: u32,
    /// Whether the board waits for a packet.
    is_due: bool,
    in_flight: Option<InFlight>,
    /// Whether a probe must be written next.
    probe_due: bool,
    /// Probes since the last packet, and the time of the last write.
    probes: u32,
    written_at: Duration,
    /// Time of the last message about a finished step: the board is at work then and needs no probe.
    reported_at: Duration,
    /// The number of messages about a failed step.
    failures: u32,
    has_failed: bool,
    since_pause: usize,
    /// Bytes of the stream between pauses.
    pause: usize,
    timeout: Duration,
    /// Bytes of the last packet, and of the largest that has arrived.
    written: usize,
    carried: usize,
    /// Seconds for each byte, from a packet to its answer, of the slowest recent packet.
    pace: f64,
}

impl<'s> Sender<'s> {
    /// Returns a sender of this stream, to a board whose program was started now. The line has carried `size` bytes
    /// at once, each of them in `pace` seconds.
    pub(crate) fn new(source: Source<'s>, size: usize, pace: f64, now: Duration) -> Sender<'s> {
        Sender {
            source,
            largest: 0,
            inflates: false,
            size: size.max(SMALLEST_SIZE),
            has_lost: false,
            ceiling: usize::MAX,
            ceiling_retry: *CEILING_RETRY.start(),
            arrived: 0,
            losses: 0,
            plain: 0,
            number: 0,
            position: 0,
            is_due: false,
            in_flight: None,
            probe_due: false,
            probes: 0,
            written_at: now,
            reported_at: now,
            failures: 0,
            has_failed: false,
            since_pause: 0,
            pause: PAUSE,
            timeout: *TIMEOUT.start(),
            written: 0,
            carried: 0,
            pace,
        }
    }

    /// Takes the failure to read a file, if there is one: the index of its step, and the error.
    pub(crate) fn take_failure(&mut self) -> Option<(usize, std::io::Error)> {
        self.source.failure.take()
    }

    /// Returns whether the last packet requested a pause. Then the end of the board's program is that pause.
    pub(crate) fn is_pausing(&self) -> bool {
        let in_flight = self.in_flight.as_ref();
        in_flight.is_some_and(|in_flight| in_flight.content == Content::Pause)
    }

    /// Returns whether the board's program ends behind the packet in flight, without an answer.
    pub(crate) fn is_ending(&self) -> bool {
        let last = |in_flight: &InFlight| match in_flight.content {
            Content::Quit => true,
            Content::Stream => {
                let length = in_flight.sent.last().map_or(0, |(_, length)| *length);
                self.source.ends_after(length as usize)
            }
            Content::Pause | Content::Abort => false,
        };
        self.in_flight.as_ref().is_some_and(last)
    }

    /// Returns whether a step has failed: then the board's program raises its error.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Takes a message of the board. Returns what the board has taken.
    pub(crate) fn hear(&mut self, message: Message, now: Duration) -> Taken {
        match message.kind {
            HELLO if self.largest == 0 => {
                self.largest = 1 << (message.value & 0xf).clamp(6, 13);
                self.inflates = message.value & 0x100 != 0;
                self.size = self.size.min(self.largest);
                debug!(
                    largest = self.largest,
                    first = self.size,
                    inflates = self.inflates,
                    "the board is ready for packets"
                );
            }
            FAILED if !self.has_failed => {
                // A damaged message could look like this one, and the stream would end too early: so it must arrive
                // twice.
                self.failures += 1;
                self.has_failed = self.failures > 1;
                self.probe_due = !self.has_failed;
                if self.has_failed {
                    self.source.stop();
                }
            }
            TAKEN | STATE if self.largest > 0 => return self.report(message, now),
            DONE => self.reported_at = now,
            DAMAGED => {
                if let Some(in_flight) = &mut self.in_flight {
                    // The board waits for an interrupt, and does not repeat this message.
                    in_flight.is_damaged = true;
                    self.probe_due = true;
                    self.lose(true);
                }
            }
            _ => {}
        }
        Taken::default()
    }

    /// Takes the board's report of the packets that it has.
    fn report(&mut self, message: Message, now: Duration) -> Taken {
        let number = (message.value & u32::from(NUMBERS - 1)) as u8;
        let Some(in_flight) = &self.in_flight else {
            self.is_due |= number == self.number;
            return Taken::default();
        };
        if number == self.number {
            // After an interrupt this says that the packet did not arrive. Without one it answers a packet that
            // arrived twice, or it was on its way when the packet was sent again.
            if message.kind == STATE && self.probes > 0 {
                if !in_flight.is_damaged {
                    // A part was lost, or our own interrupt cleared the board's receive queue. The latter is likely
                    // for a size that has arrived before.
                    let usual = if self.written <= self.carried { 1 } else { 0 };
                    self.lose(self.losses > usual || self.size >= self.ceiling);
                }
                self.is_due = true;
            }
            return Taken::default();
        }
        let position = message.value >> NUMBER_BITS;
        let count = position.wrapping_sub(self.position) % POSITIONS;
        let mut sent = in_flight.sent.iter().copied();
        let sent = match sent.find(|(_, length)| *length == count) {
            // The step may have failed anywhere in the packet.
            None if self.has_failed => Some((Content::Stream, count)),
            sent => sent,
        };
        let Some((content, _)) = sent.filter(|_| number == (self.number + 1) % NUMBERS) else {
            // The position does not belong to any packet that was sent: the message is damaged although its check is
            // valid. If the board really has other bytes, the stream cannot continue.
            self.losses += 1;
            return Taken::default();
        };
        if message.kind == TAKEN && self.probes > 0 && self.losses == 0 {
            debug!(timeout = ?self.timeout, "the board was late but lost nothing, its timeout grows");
            // Nothing was lost: the board or the line was late. With the old timeout an answer to this probe could be
            // mistaken for an answer to the next one, and each packet would be sent twice on a line with a long latency.
            // (If only the answer to the probe arrives, this message was lost.)
            self.timeout = (self.timeout * 2).min(*TIMEOUT.end());
        }
        if self.probes == 0 && self.losses == 0 {
            // If a packet was sent twice, it is unknown which of them was answered.
            let took = now.saturating_sub(self.written_at).as_secs_f64();
            let pace = took / (self.written + OVERHEAD) as f64;
            self.pace = pace.max(self.pace * MEMORY);
        }
        let mut taken = Taken::default();
        match content {
            Content::Stream if !self.has_failed => {
                taken = self.source.take(count as usize);
                self.since_pause += count as usize;
            }
            Content::Pause => self.since_pause = 0,
            Content::Abort => self.source.has_aborted(),
            Content::Stream | Content::Quit => {}
        }
        self.carried = self.carried.max(self.written);
        self.position = position;
        self.number = number;
        self.in_flight = None;
        self.probe_due = false;
        self.losses = 0;
        self.grow();
        self.is_due = true;
        taken
    }

    /// Makes the next packet larger after one has arrived.
    fn grow(&mut self) {
        if self.size >= self.ceiling {
            self.ceiling = usize::MAX;
            self.ceiling_retry = *CEILING_RETRY.start();
        }
        self.arrived += 1;
        let next = (self.size * 2).min(self.largest);
        let needed = match self.has_lost {
            false => 1,
            true if next < self.ceiling => GROWTH,
            true => self.ceiling_retry,
        };
        if self.arrived >= needed {
            self.arrived = 0;
            self.size = next;
        }
    }

    /// Counts a packet that was lost; `shrink` makes the next one smaller.
    fn lose(&mut self, shrink: bool) {
        self.losses += 1;
        self.arrived = 0;
        debug!(
            losses = self.losses,
            size = self.size,
            shrink,
            "a packet was lost or damaged, it is sent again"
        );
        if shrink {
            self.has_lost = true;
            if self.size >= self.ceiling {
                self.ceiling_retry = (self.ceiling_retry * 2).min(*CEILING_RETRY.end());
            }
            self.ceiling = self.size;
            let divisor = if self.losses > 2 { 4 } else { 2 };
            self.size = (self.size / divisor).max(SMALLEST_SIZE);
            self.carried = self.carried.min(self.size);
        }
    }

    /// Returns the action for this time.
    pub(crate) fn next_action(&mut self, now: Duration) -> NextAction {
        if self.losses > LOSSES {
            return NextAction::GiveUp;
        }
        if self.is_due && !self.probe_due {
            self.is_due = false;
            return self.write_packet(now);
        }
        let at = self.written_at.max(self.reported_at) + self.current_timeout();
        if now < at && !self.probe_due {
            return NextAction::Listen(at);
        }
        self.probe_due = false;
        self.probes += 1;
        self.written_at = now;
        NextAction::Write(PROBE.to_vec())
    }

    /// Returns the silence after which the line counts as dead.
    pub(crate) fn longest_silence(&self) -> Duration {
        SILENCE.max(self.usual_time() * 3)
    }

    /// Returns the expected time of the packet in flight, from the pace of those before.
    fn usual_time(&self) -> Duration {
        let usual = self.pace * (self.written + OVERHEAD) as f64 * SLOWER;
        Duration::try_from_secs_f64(usual).unwrap_or(*TIMEOUT.end())
    }

    fn write_packet(&mut self, now: Duration) -> NextAction {
        let (content, length, mut bytes) = self.next_packet();
        if content == Content::Stream && length == 0 {
            // The board has taken the end of the stream and still waits for a packet, so its state is damaged.
            self.losses = LOSSES + 1;
            return NextAction::GiveUp;
        }
        self.written = bytes.len();
        // No padding after the last packet: the prompt would read it after the program ends.
        if self.is_padded() && matches!(content, Content::Stream | Content::Abort) {
            bytes.extend(PADDING);
        }
        let in_flight = self.in_flight.get_or_insert_with(|| InFlight {
            content,
            sent: Vec::new(),
            is_damaged: false,
        });
        in_flight.content = content;
        in_flight.is_damaged = false;
        in_flight.sent.push((content, length));
        self.probes = 0;
        self.written_at = now;
        NextAction::Write(bytes)
    }

    /// Returns the silence before the next probe. It grows each time: a probe in flight needs no second one, and a
    /// probe that was too early may itself have cleared the packet.
    fn current_timeout(&self) -> Duration {
        if self.largest == 0 {
            // Before the board's first message an interrupt would end its program.
            return FIRST_TIMEOUT * (1 << self.probes.min(4));
        }
        let usual = self.usual_time();
        let factor = 1 << (self.probes + self.losses.min(2)).min(4);
        let longest = LONGEST_TIMEOUT.max(usual);
        (self.timeout.max(usual) * factor).min(longest)
    }

    /// Returns the next packet, or again the one in flight, and the number of bytes of the stream in it.
    fn next_packet(&mut self) -> (Content, u32, Vec<u8>) {
        let again = self.in_flight.as_ref().map(|in_flight| in_flight.content);
        let control = if self.has_failed {
            Some((Content::Quit, QUIT_PACKET))
        } else if self.source.aborts() {
            Some((Content::Abort, ABORT_PACKET))
        } else if again == Some(Content::Pause)
            || (again.is_none() && self.since_pause >= self.pause)
        {
            Some((Content::Pause, PAUSE_PACKET))
        } else {
            None
        };
        if let Some((content, payload)) = control {
            let bytes = packet::packet(self.number, false, payload);
            return (content, 0, bytes.unwrap_or_default());
        }
        // The overhead of a packet, and the places for as many 0x03 as random bytes contain.
        let padding = if self.is_padded() { PADDING.len() } else { 0 };
        let mut size = self.size - self.size / 64 - 12 - padding;
        loop {
            let (is_deflated, length, payload) = self.payload(size);
            if self.source.aborts() && !self.has_failed {
                // The file could not be read to its end.
                let bytes = packet::packet(self.number, false, ABORT_PACKET);
                return (Content::Abort, 0, bytes.unwrap_or_default());
            }
            match packet::packet(self.number, is_deflated, &payload) {
                // More 0x03 than in random bytes: the packet would overrun a receive ring that holds this size. A
                // record cannot be divided.
                Some(bytes)
                    if bytes.len() + padding > self.size
                        && size > SMALLEST_PAYLOAD
                        && payload.len() <= size =>
                {
                    let excess = bytes.len() + padding - self.size;
                    size = size.saturating_sub(excess).max(SMALLEST_PAYLOAD);
                }
                // A packet has less than 64 KiB of the stream.
                Some(bytes) => return (Content::Stream, length as u32, bytes),
                // Very rare: more than 127 bytes 0x03, which is what a packet can name, in content that does not
                // deflate.
                None => size = (size / 2).max(100),
            }
        }
    }

    /// Returns whether padding follows each packet.
    fn is_padded(&self) -> bool {
        self.losses > 0 || self.has_lost
    }

    /// Returns the next payload: whether it is deflated, the number of bytes of the stream in it, and its bytes.
    fn payload(&mut self, size: usize) -> (bool, usize, Vec<u8>) {
        if self.inflates && self.plain == 0 {
            let mut count = size * WINDOW;
            for _ in 0..6 {
                let part = self.source.look(count);
                let deflated = deflate(&part);
                if deflated.len() * 100 > part.len() * (100 - GAIN) {
                    break;
                }
                if deflated.len() <= size {
                    return (true, part.len(), deflated);
                }
                count = part.len() * size / deflated.len() * 31 / 32;
            }
            debug!(
                packets = RETRY,
                "content does not deflate, the next packets are sent without compression"
            );
            self.plain = RETRY;
        } else {
            self.plain = self.plain.saturating_sub(1);
        }
        let part = self.source.look(size);
        (false, part.len(), part)
    }
}

#[cfg(test)]
mod tests;
