//! The host's end of the stream to a board, as a machine without a clock and without a line: messages and times in, bytes and
//! decisions out.
//!
//! One packet is on its way at a time. That bytes were lost is concluded from what the board says of itself, never from
//! time: after a silence the host sends a Ctrl-C, which is no part of any packet and harmless in every state of a board, and the
//! board answers it with what it has. A packet that the board lacks goes again; one that was damaged goes again in smaller
//! ones, which grow again while they arrive.

use std::time::Duration;

use tracing::debug;

use super::agent::Message;
use super::packet::{self, NUMBERS};
use super::source::{Source, Taken};
use crate::wire::deflate;

/// Makes the board say what it has.
pub(crate) const PROBE: &[u8] = b"\x03";

/// What the board can take; then the stream begins.
pub(crate) const HELLO: u8 = b'S';
/// A packet was taken.
const TAKEN: u8 = b'G';
/// The answer to an interrupt.
const HERE: u8 = b'N';
/// What came was damaged. The board waits for an interrupt.
const DAMAGED: u8 = b'X';
/// So many steps are carried out: after each of them, and as a sign of life while a long file is read back. A packet may hold
/// hundreds of small files, each of which takes an RP2040 some 50 ms.
pub(crate) const DONE: u8 = b'D';
/// The step after those that are carried out has failed.
pub(crate) const FAILED: u8 = b'E';

/// Set in the value of [`FAILED`]: the old file is removed, and the new one stands under its temporary name.
pub(crate) const IS_TORN: u32 = 1 << 23;

/// In the value of a message: the number of the packet that comes next, and behind it the bytes of the stream that were taken.
const NUMBER_BITS: u32 = 5;
/// The bytes that were taken are counted modulo this.
const POSITIONS: u32 = 1 << 19;

/// Packets are not made smaller, in bytes on the wire: this is what the smallest receive rings hold.
const SMALLEST_SIZE: usize = 64;
/// The payload of a packet of [`SMALLEST_SIZE`] where most of its bytes are 0x03.
const SMALLEST_PAYLOAD: usize = 16;
/// What a line is taken to hold, in bytes, before it has shown more.
pub(crate) const MODEST_SIZE: usize = 1024;
/// After a loss, packets grow when so many have arrived; and to the size that was lost after many more, which double each
/// time it is lost again.
const GROWTH: u32 = 2;
const CEILING_RETRY: std::ops::RangeInclusive<u32> = 16..=512;

/// Content is not deflated where it gains less than this, in percent.
const GAIN: usize = 5;
/// A packet of deflated content holds at most so many times its size: the window that the board inflates with.
const WINDOW: usize = 4;
/// After content that does not deflate, so many packets go as they are before it is tried again.
const RETRY: u32 = 16;

/// How long the board may be silent before it is asked what it has, at least: at first, and on a board that is often late.
/// Flash that is erased holds an RP2040 for 400 ms, and our own interrupt may clear what its queue holds.
const TIMEOUT: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(600)..=Duration::from_secs(5);
/// The same at most, unless packets take longer: one of two interrupts may be lost before [`SILENCE`] is over.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(4);
/// How long the board may say nothing at all, unless packets take longer: a card that is written may be busy for seconds.
pub(crate) const SILENCE: Duration = Duration::from_secs(11);
/// The same before it has said anything.
const FIRST_TIMEOUT: Duration = Duration::from_secs(4);
/// It may take so many times as long as packets took before.
const SLOWER: f64 = 4.0;
/// What a packet costs besides its bytes, in bytes.
const OVERHEAD: usize = 200;
/// How much of the slowest packet's time is remembered with each later one.
const MEMORY: f64 = 0.9;
/// Goes behind each packet on a line that loses bytes: it completes a packet that lacks some, so that the board sees at once
/// that it is damaged. Between packets the board skips it.
const PADDING: [u8; 8] = [packet::PADDING; 8];
/// So often in a row a packet may be damaged or lost.
const LOSSES: u32 = 60;

/// After so many bytes of the stream comes a pause: the virtual board collects garbage only between programs.
const PAUSE: usize = 4 << 20;
/// The payload of the packet that asks for it.
const PAUSE_PACKET: &[u8] = b"P";
/// The payload of the packet that makes the board drop the file under way.
const ABORT_PACKET: &[u8] = b"";
/// The end, alone.
const QUIT_PACKET: &[u8] = b"Q\0\0";

/// What the sender wants.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NextAction {
    /// Write this.
    Write(Vec<u8>),
    /// Listen; nothing is to be done before this time.
    Listen(Duration),
    /// The line is of no use: packets of any size are lost or damaged.
    GiveUp,
}

/// What a packet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Stream,
    Pause,
    Abort,
    Quit,
}

/// The packet that is on its way.
#[derive(Debug)]
struct InFlight {
    content: Content,
    /// What went out under its number: a packet that goes again may be another one, and the first may be the one that arrived. With
    /// the bytes of the stream that each holds.
    sent: Vec<(Content, u32)>,
    /// The board has said that it came damaged.
    is_damaged: bool,
}

/// The host's end of one stream.
pub(crate) struct Sender<'s> {
    source: Source<'s>,
    /// The longest payload that the board takes; 0 before it has said so.
    largest: usize,
    inflates: bool,
    /// The next packet, in bytes on the wire.
    size: usize,
    has_lost: bool,
    /// The size that was lost last, and how many packets must arrive before it is tried again.
    ceiling: usize,
    ceiling_retry: u32,
    /// Packets that arrived since the size has changed, and packets that did not since one arrived.
    arrived: u32,
    losses: u32,
    /// So many packets go without trying to deflate.
    plain: u32,
    /// The number of the next packet, and the position in the stream, modulo [`POSITIONS`].
    number: u8,
    position: u32,
    /// The board waits for a packet.
    is_due: bool,
    in_flight: Option<InFlight>,
    /// The next thing to be written is a probe.
    probe_due: bool,
    /// Probes since a packet was written, and when the last thing was.
    probes: u32,
    asked: Duration,
    /// When the board has told of a step that it carried out: it is at work, and needs no probe.
    worked: Duration,
    /// How often the board has said that a step has failed.
    failures: u32,
    has_failed: bool,
    since_pause: usize,
    /// How much of the stream goes between pauses.
    pause: usize,
    timeout: Duration,
    /// Bytes of the packet that was written last, and of the longest that has arrived.
    written: usize,
    carried: usize,
    /// Seconds for each byte, from a packet to its answer, of the slowest of late.
    pace: f64,
}

impl<'s> Sender<'s> {
    /// Returns a sender of this stream, to a board whose program was started now. The line has carried `size` bytes at once, each of
    /// them in `pace` seconds.
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
            asked: now,
            worked: now,
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

    /// Returns why a file could not be read, if one could not: the index of its step, and what the system said.
    pub(crate) fn take_failure(&mut self) -> Option<(usize, std::io::Error)> {
        self.source.failure.take()
    }

    /// Returns whether a pause is what the board was asked for last: then the end of its program is one.
    pub(crate) fn is_pausing(&self) -> bool {
        let in_flight = self.in_flight.as_ref();
        in_flight.is_some_and(|in_flight| in_flight.content == Content::Pause)
    }

    /// Takes a message of the board. Gives what the board has taken.
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
                // The end of a stream that has not failed would pass for success: so it is heard twice.
                self.failures += 1;
                self.has_failed = self.failures > 1;
                self.probe_due = !self.has_failed;
                if self.has_failed {
                    self.source.stop();
                }
            }
            TAKEN | HERE if self.largest > 0 => return self.report(message, now),
            DONE => self.worked = now,
            DAMAGED => {
                if let Some(in_flight) = &mut self.in_flight {
                    // The board waits for an interrupt, and says the same only once.
                    in_flight.is_damaged = true;
                    self.probe_due = true;
                    self.lose(true);
                }
            }
            _ => {}
        }
        Taken::default()
    }

    /// Takes what the board says that it has.
    fn report(&mut self, message: Message, now: Duration) -> Taken {
        let number = (message.value & u32::from(NUMBERS - 1)) as u8;
        let Some(in_flight) = &self.in_flight else {
            self.is_due |= number == self.number;
            return Taken::default();
        };
        if number == self.number {
            // An answer to an interrupt says that the packet is not there. Without one it is the answer to a packet that
            // came twice; and a second one was on its way when the packet went out again.
            if message.kind == HERE && self.probes > 0 {
                if !in_flight.is_damaged {
                    // Some of it was lost, or our own interrupt has cleared the board's queue: that of several pauses in a row,
                    // where such packets have arrived. A size that was lost before was only tried.
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
            // It may have failed anywhere in the packet.
            None if self.has_failed => Some((Content::Stream, count)),
            sent => sent,
        };
        let Some((content, _)) = sent.filter(|_| number == (self.number + 1) % NUMBERS) else {
            // Damage that looks whole. Where the board really has something else there is no way on.
            self.losses += 1;
            return Taken::default();
        };
        if message.kind == TAKEN && self.probes > 0 && self.losses == 0 {
            debug!(timeout = ?self.timeout, "the board was only late, it gets more time");
            // Nothing was lost: the board was late, or the line. Else an answer to this probe could pass for one to the next, and
            // each packet would go twice on a line with a long way. (An answer to the probe alone says that this message was lost.)
            self.timeout = (self.timeout * 2).min(*TIMEOUT.end());
        }
        if self.probes == 0 && self.losses == 0 {
            // Of a packet that went twice it is not known which one was answered.
            let took = now.saturating_sub(self.asked).as_secs_f64();
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
            "a packet did not arrive whole, it is sent again"
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

    /// Returns what is to be done at this time.
    pub(crate) fn next_action(&mut self, now: Duration) -> NextAction {
        if self.losses > LOSSES {
            return NextAction::GiveUp;
        }
        if self.is_due && !self.probe_due {
            self.is_due = false;
            return self.write_packet(now);
        }
        let at = self.asked.max(self.worked) + self.current_timeout();
        if now < at && !self.probe_due {
            return NextAction::Listen(at);
        }
        self.probe_due = false;
        self.probes += 1;
        self.asked = now;
        NextAction::Write(PROBE.to_vec())
    }

    /// After which silence the line is dead.
    pub(crate) fn longest_silence(&self) -> Duration {
        SILENCE.max(self.usual_time() * 3)
    }

    /// Returns how long the packet on its way may take, as others took before.
    fn usual_time(&self) -> Duration {
        let usual = self.pace * (self.written + OVERHEAD) as f64 * SLOWER;
        Duration::try_from_secs_f64(usual).unwrap_or(*TIMEOUT.end())
    }

    fn write_packet(&mut self, now: Duration) -> NextAction {
        let (content, length, mut bytes) = self.next_packet();
        if content == Content::Stream && length == 0 {
            // The end has been taken, and the board still waits: it has lost count.
            self.losses = LOSSES + 1;
            return NextAction::GiveUp;
        }
        self.written = bytes.len();
        // What comes behind the end of the program would be read by the prompt.
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
        self.asked = now;
        NextAction::Write(bytes)
    }

    /// Returns how long the board may be silent now. Longer each time: an interrupt that is on its way needs no other, and one that came
    /// too early may have done the harm.
    fn current_timeout(&self) -> Duration {
        if self.largest == 0 {
            // Before the board has said hello an interrupt would end its program.
            return FIRST_TIMEOUT * (1 << self.probes.min(4));
        }
        let usual = self.usual_time();
        let factor = 1 << (self.probes + self.losses.min(2)).min(4);
        let longest = LONGEST_TIMEOUT.max(usual);
        (self.timeout.max(usual) * factor).min(longest)
    }

    /// Returns the packet that comes next, or the one that is on its way, again; and the bytes of the stream in it.
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
        // What is around the payload, and as many 0x03 as there are in noise.
        let padding = if self.is_padded() { PADDING.len() } else { 0 };
        let mut size = self.size - self.size / 64 - 12 - padding;
        loop {
            let (is_deflated, length, payload) = self.payload(size);
            if self.source.aborts() && !self.has_failed {
                // Reading on has failed.
                let bytes = packet::packet(self.number, false, ABORT_PACKET);
                return (Content::Abort, 0, bytes.unwrap_or_default());
            }
            match packet::packet(self.number, is_deflated, &payload) {
                // More 0x03 than in noise: a receive ring that holds packets of this size would overrun. A record that is
                // longer can't be parted.
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
                // As good as never: so many 0x03 in content that does not deflate. A packet names 127 of them.
                None => size = (size / 2).max(100),
            }
        }
    }

    /// Returns whether padding follows each packet.
    fn is_padded(&self) -> bool {
        self.losses > 0 || self.has_lost
    }

    /// Returns the payload of the next packet: whether it is deflated, the bytes of the stream in it, and the payload.
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
                "content does not deflate, the next packets go as they are"
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
