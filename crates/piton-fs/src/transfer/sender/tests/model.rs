//! A model of device/send.py, of the port that it runs on, and of the line to it, under a clock of its own.
//!
//! Times are nanoseconds. The board is a machine that stops wherever the program would block.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read as _;

pub(super) const MS: u64 = 1_000_000;
pub(super) const SECOND: u64 = 1000 * MS;

/// A generator of random numbers: xorshift.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Random {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        random.next();
        random.next();
        random
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// At least 0, below `limit`.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(super) fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// One of these.
    pub(super) fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u64) as usize]
    }

    /// With this probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        (self.next() % (1 << 40)) as f64 / ((1_u64 << 40) as f64) < probability
    }
}

/// What a port makes of Ctrl-C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interrupts {
    /// It is seen when it arrives, and clears what is not read: USB of the rp2.
    Clears,
    /// It is seen when it arrives, before what is not read: UARTs.
    Overtakes,
    /// It is seen when it is read.
    InOrder,
    /// It is a byte, and a read gives what there is: unix.
    Byte,
}

/// What a port does with bytes for which its queue has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overflow {
    Holds,
    Drops,
}

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It returned.
    Returned,
    /// It raised what has failed.
    Raised,
    /// It raised KeyboardInterrupt after too many of them.
    Interrupted,
    /// The same, for a byte that looked like another program of the host.
    Stray,
    /// It returned for a pause.
    Paused,
}

/// What leaves the board.
#[derive(Clone, Copy, Debug)]
pub(super) enum Out {
    Message([u8; 5]),
    End(End),
    /// Banner and prompt.
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Say,
    /// Dropping what comes after damage.
    Drain,
    First,
    Head,
    Rest,
    Work,
    /// At the prompt.
    Prompt,
}

/// How a read went.
enum Read {
    Whole,
    Blocked,
    Interrupt,
}

/// What a board's program reads from.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub(super) interrupts: Interrupts,
    pub(super) overflow: Overflow,
    pub(super) capacity: usize,
    /// How long it takes until an interrupt is raised.
    pub(super) lateness: u64,
    /// What has no room in the queue yet.
    held: VecDeque<u8>,
    pub(super) queue: VecDeque<u8>,
    /// 0x03 is an interrupt.
    pub(super) is_listening: bool,
    pub(super) interrupt_at: Option<u64>,
}

impl Port {
    pub(super) fn new(interrupts: Interrupts) -> Port {
        Port {
            interrupts,
            overflow: Overflow::Holds,
            capacity: usize::MAX,
            lateness: 0,
            held: VecDeque::new(),
            queue: VecDeque::new(),
            is_listening: true,
            interrupt_at: None,
        }
    }

    /// Bytes come from the line.
    pub(super) fn deliver(&mut self, bytes: &[u8], now: u64) {
        self.held.extend(bytes);
        self.pump(now);
    }

    /// Into the queue goes what has room.
    pub(super) fn pump(&mut self, now: u64) {
        while let Some(byte) = self.held.front().copied() {
            let is_full = self.queue.len() >= self.capacity;
            if is_full && self.overflow == Overflow::Holds {
                break;
            }
            self.held.pop_front();
            let at_once = matches!(self.interrupts, Interrupts::Clears | Interrupts::Overtakes);
            if byte == 3 && self.is_listening && at_once {
                if self.interrupts == Interrupts::Clears {
                    self.queue.clear();
                }
                self.interrupt_at.get_or_insert(now + self.lateness);
            } else if !is_full {
                self.queue.push_back(byte);
            }
        }
    }

    /// Nothing is left of what came.
    pub(super) fn clear(&mut self) {
        self.queue.clear();
        self.held.clear();
        self.interrupt_at = None;
    }

    /// Whether an interrupt is to be raised by now.
    pub(super) fn is_interrupted(&self, now: u64) -> bool {
        self.interrupt_at.is_some_and(|at| at <= now)
    }
}

/// A board, as a line sees it.
pub(super) trait Device {
    fn port(&mut self) -> &mut Port;
    /// What the program says before anything can be lost.
    fn hello(&self) -> Option<Out>;
    /// When there is something to be done without bytes from the line.
    fn next_time(&self) -> Option<u64>;
    /// Go on as far as possible.
    fn run(&mut self, now: u64, out: &mut Vec<Out>);
    fn is_at_prompt(&self) -> bool;
    /// How long it takes at most for the packets that have come.
    fn slowness(&self) -> u64;
    /// The host calls the program again after a pause.
    fn resume(&mut self, now: u64);
    /// Everything in memory is gone.
    fn reset(&mut self, out: &mut Vec<Out>);

    /// Bytes come from the line.
    fn deliver(&mut self, bytes: &[u8], now: u64) {
        if !self.is_at_prompt() {
            self.port().deliver(bytes, now);
        }
    }
}

/// A model of the program, and its port.
#[derive(Clone, Debug)]
pub(super) struct Board {
    pub(super) port: Port,
    /// Nanoseconds that reading a byte takes, and that a packet takes.
    pub(super) byte_time: u64,
    pub(super) packet_time: u64,
    /// Nanoseconds that a step takes.
    pub(super) step_time: u64,
    /// The port has `select.poll`.
    pub(super) polls: bool,
    pub(super) bits: u32,
    pub(super) inflates: bool,
    /// The step, of all, that fails.
    pub(super) failing: Option<u32>,
    pub(super) files: BTreeMap<String, Vec<u8>>,
    pub(super) end: Option<End>,
    /// Packets with new content, and those that came before.
    pub(super) packets: u32,
    pub(super) repeated: u32,
    busy_until: u64,
    /// What is left of the packet that is carried out.
    rest: Option<VecDeque<u8>>,
    phase: Phase,
    view: Vec<u8>,
    at: usize,
    last: usize,
    size: usize,
    reply: u8,
    interrupted: u32,
    /// The last interrupt came between packets.
    between: bool,
    number: u8,
    taken: usize,
    left: usize,
    done: u32,
    file: Option<(String, Vec<u8>)>,
    has_failed: bool,
}

impl Device for Board {
    fn port(&mut self) -> &mut Port {
        &mut self.port
    }

    fn hello(&self) -> Option<Out> {
        Some(self.abilities())
    }

    fn next_time(&self) -> Option<u64> {
        if self.phase == Phase::Prompt {
            return None;
        }
        if self.phase == Phase::Work || self.phase == Phase::Say || !self.port.queue.is_empty() {
            return Some(self.busy_until);
        }
        self.port.interrupt_at.map(|at| at.max(self.busy_until))
    }

    fn run(&mut self, now: u64, out: &mut Vec<Out>) {
        while self.phase != Phase::Prompt && self.busy_until <= now {
            if self.phase == Phase::Work {
                if self.rest.is_none() {
                    self.work(out);
                }
                self.go_on(now, out);
                continue;
            }
            if self.phase == Phase::Say {
                if self.port.is_interrupted(now) {
                    self.interrupt(End::Interrupted, out);
                    continue;
                }
                if self.polls && !self.between && !self.port.queue.is_empty() {
                    let count = self.port.queue.len() as u64;
                    self.port.queue.clear();
                    self.port.pump(now);
                    self.busy_until = now + self.byte_time * count;
                    continue;
                }
                self.between |= self.polls;
                self.say(out);
                continue;
            }
            match self.read(now) {
                Read::Whole => self.has_read(now, out),
                Read::Blocked => return,
                Read::Interrupt => self.interrupt(End::Interrupted, out),
            }
        }
    }

    fn slowness(&self) -> u64 {
        5000 * self.byte_time + 2 * self.packet_time + self.port.lateness
    }

    fn is_at_prompt(&self) -> bool {
        self.phase == Phase::Prompt
    }

    fn resume(&mut self, now: u64) {
        if self.is_at_prompt() && self.end == Some(End::Paused) {
            self.end = None;
            self.reply = b'G';
            self.interrupted = 0;
            self.between = true;
            self.phase = Phase::Say;
            self.busy_until = now;
            self.port.is_listening = true;
        }
    }

    fn reset(&mut self, out: &mut Vec<Out>) {
        self.phase = Phase::Prompt;
        self.end = None;
        self.file = None;
        self.port.clear();
        out.push(Out::Reset);
    }
}

impl Board {
    pub(super) fn new(interrupts: Interrupts) -> Board {
        Board {
            port: Port::new(interrupts),
            byte_time: 0,
            packet_time: MS,
            step_time: 0,
            rest: None,
            polls: true,
            bits: 13,
            inflates: true,
            failing: None,
            files: BTreeMap::new(),
            end: None,
            packets: 0,
            repeated: 0,
            busy_until: 0,
            phase: Phase::Say,
            view: Vec::new(),
            at: 0,
            last: 0,
            size: 0,
            reply: b'G',
            interrupted: 0,
            between: true,
            number: 0,
            taken: 0,
            left: 0,
            done: 0,
            file: None,
            has_failed: false,
        }
    }

    /// What it can take.
    fn abilities(&self) -> Out {
        message(b'S', self.bits | u32::from(self.inflates) << 8)
    }

    /// `fill`.
    fn read(&mut self, now: u64) -> Read {
        let end = match self.phase {
            Phase::Head => 4,
            Phase::Rest => self.last,
            _ => 1,
        };
        let start = self.at;
        while self.at < end {
            if self.port.is_interrupted(now) {
                return Read::Interrupt;
            }
            if self.port.queue.is_empty() {
                return Read::Blocked;
            }
            let mut count = self.port.queue.len().min(end - self.at);
            if self.byte_time > 0 {
                count = count.min(16);
            }
            let from = self.at;
            for _ in 0..count {
                let byte = self.port.queue.pop_front().unwrap();
                let is_first = match self.port.interrupts {
                    Interrupts::InOrder => true,
                    Interrupts::Byte => self.at == from,
                    _ => self.at == start,
                };
                if byte == 3 && is_first {
                    return Read::Interrupt;
                }
                self.view.push(byte);
                self.at += 1;
            }
            self.port.pump(now);
            if self.byte_time > 0 {
                self.busy_until = now + self.byte_time * count as u64;
                return if self.at < end {
                    Read::Blocked
                } else {
                    Read::Whole
                };
            }
        }
        Read::Whole
    }

    fn interrupt(&mut self, why: End, out: &mut Vec<Out>) {
        self.port.interrupt_at = None;
        self.interrupted += 1;
        if self.interrupted > 8 || (why == End::Stray && self.between) {
            return self.finish(why, out);
        }
        self.between = self.reply != b'X';
        self.reply = b'N';
        self.phase = Phase::Say;
    }

    fn finish(&mut self, end: End, out: &mut Vec<Out>) {
        if end != End::Paused {
            self.file = None;
        }
        self.end = Some(end);
        self.phase = Phase::Prompt;
        self.port.clear();
        out.push(Out::End(end));
    }

    fn say(&mut self, out: &mut Vec<Out>) {
        if self.has_failed {
            out.push(message(b'E', self.done));
        } else if self.done > 0 {
            out.push(message(b'D', self.done));
        }
        if self.reply == b'N' {
            out.push(self.abilities());
        }
        let position = (self.taken as u32) << 5;
        out.push(message(self.reply, u32::from(self.number & 31) | position));
        self.begin(if self.reply == b'X' {
            Phase::Drain
        } else {
            Phase::First
        });
    }

    fn begin(&mut self, phase: Phase) {
        self.phase = phase;
        self.view.clear();
        self.at = 0;
    }

    /// A read is complete.
    fn has_read(&mut self, now: u64, out: &mut Vec<Out>) {
        let seven = |view: &[u8], at: usize| {
            usize::from(view[at] & 127) | usize::from(view[at + 1] & 127) << 7
        };
        match self.phase {
            Phase::Drain => self.begin(Phase::Drain),
            Phase::First if self.view[0] == 255 => self.begin(Phase::First),
            Phase::First if self.interrupted > 0 && b"\x01\x02\x04\r\n".contains(&self.view[0]) => {
                self.interrupt(End::Stray, out);
            }
            Phase::First => {
                self.reply = b'X';
                self.phase = Phase::Head;
            }
            Phase::Head => {
                self.size = seven(&self.view, 1);
                self.last = self.size + 8 + usize::from(self.view[3] & 127) * 2;
                self.phase = if self.last > (1 << self.bits) + 272 {
                    Phase::Say
                } else {
                    Phase::Rest
                };
            }
            Phase::Rest => {
                let end = self.size + 8;
                let mut last = self.last;
                self.view.resize((1 << self.bits) + 272, 0);
                self.phase = Phase::Say;
                while last > end {
                    last -= 2;
                    let place = seven(&self.view, last);
                    // Else an IndexError.
                    let Some(byte) = self.view.get_mut(place) else {
                        return;
                    };
                    *byte = 3;
                }
                let mut crc = flate2::Crc::new();
                crc.update(&self.view[..self.size + 4]);
                if crc.sum().to_le_bytes() != self.view[self.size + 4..end] {
                    return;
                }
                self.reply = b'G';
                self.interrupted = 0;
                self.port.is_listening = false;
                self.phase = Phase::Work;
                self.busy_until = self.busy_until.max(now) + self.packet_time;
            }
            _ => {}
        }
    }

    /// Begin to carry out the packet.
    fn work(&mut self, out: &mut Vec<Out>) {
        if (self.view[0] ^ self.number) & 31 != 0 {
            self.repeated += 1;
            return;
        }
        if self.has_failed {
            if self.size == 3 {
                self.finish(End::Raised, out);
            }
            return;
        }
        self.packets += 1;
        self.number = (self.number + 1) & 31;
        let payload = self.view[4..self.size + 4].to_vec();
        match payload.len() {
            0 => {
                self.left = 0;
                self.file = None;
            }
            1 => self.finish(End::Paused, out),
            _ => {
                let content = if self.view[0] & 64 == 0 {
                    payload
                } else {
                    let mut content = Vec::new();
                    let mut decoder = flate2::read::DeflateDecoder::new(&payload[..]);
                    decoder.read_to_end(&mut content).unwrap();
                    content
                };
                self.rest = Some(content.into());
            }
        }
    }

    /// Carry out the packet up to the next step.
    fn go_on(&mut self, now: u64, out: &mut Vec<Out>) {
        if self.phase != Phase::Work {
            return;
        }
        let mut stream = self.rest.take().unwrap_or_default();
        let before = self.done;
        let is_end = self.carry(stream.make_contiguous(), out);
        if is_end {
            return self.finish(End::Returned, out);
        }
        if self.done > before {
            self.busy_until = now + self.step_time;
        }
        if self.rest.is_none() {
            self.port.is_listening = true;
            self.phase = Phase::Say;
        }
    }

    /// Whether it is the end.
    fn carry(&mut self, mut stream: &[u8], out: &mut Vec<Out>) -> bool {
        let before = self.done;
        while !stream.is_empty() {
            if self.done > before {
                self.rest = Some(stream.iter().copied().collect());
                return false;
            }
            if self.left > 0 {
                let count = stream.len().min(self.left);
                let (content, rest) = stream.split_at(count);
                self.file.as_mut().unwrap().1.extend(content);
                self.left -= count;
                self.taken += count;
                stream = rest;
                continue;
            }
            let (head, rest) = stream.split_at(3);
            self.taken += 3;
            if head[0] == b'Q' {
                return true;
            }
            let (data, rest) = rest.split_at(usize::from(head[1]) | usize::from(head[2]) << 8);
            self.taken += data.len();
            stream = rest;
            if head[0] != b'F' && self.failing == Some(self.done) {
                self.has_failed = true;
                return false;
            }
            match head[0] {
                b'F' => {
                    self.left = u32::from_le_bytes(*data.first_chunk().unwrap()) as usize;
                    let path = String::from_utf8(data[4..].to_vec()).unwrap();
                    self.file = Some((path, Vec::new()));
                }
                b'H' => {
                    let (path, content) = self.file.take().unwrap();
                    self.files.insert(path, content);
                    self.step(out);
                }
                _ => self.step(out),
            }
        }
        false
    }

    /// A step is carried out.
    fn step(&mut self, out: &mut Vec<Out>) {
        self.done += 1;
        out.push(message(b'D', self.done));
    }
}

/// `say`.
fn message(kind: u8, value: u32) -> Out {
    let [low, middle, high, _] = value.to_le_bytes();
    let sum = [kind, low, middle, high]
        .iter()
        .fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    Out::Message([kind, low, middle, high, sum ^ 90])
}

/// What the line makes of what is written at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Arrives,
    /// The line stands still for so long, and then brings it.
    Late(u64),
    Lost,
    /// One byte of it is another.
    Damaged,
    /// One byte of it is lost.
    Cut,
    Duplicated,
    /// A message is another one that looks whole.
    Forged,
}

/// What travels.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Bytes(Vec<u8>),
    End(End),
    Reset,
    Resume,
}

/// One direction of the line: it keeps the order.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    pub(super) latency: u64,
    pub(super) byte_time: u64,
    /// Times from which on, and up to which, nothing arrives.
    pub(super) pauses: Vec<(u64, u64)>,
    /// The probability that a byte is another one, or is lost.
    pub(super) error_rate: f64,
    pub(super) free_at: u64,
    last_at: u64,
    pub(super) items: VecDeque<(u64, Item)>,
}

impl Line {
    /// So many bytes arrive at once: a packet of USB.
    const PIECE: usize = 64;

    pub(super) fn write(&mut self, item: Item, fate: Fate, now: u64, random: &mut Random) {
        let mut item = item;
        self.free_at = self.free_at.max(now);
        if let Fate::Late(time) = fate {
            self.free_at += time;
        }
        if let Item::Bytes(bytes) = &mut item {
            let at = random.below(bytes.len() as u64) as usize;
            match fate {
                Fate::Damaged => bytes[at] ^= random.below(255) as u8 + 1,
                Fate::Cut => drop(bytes.remove(at)),
                Fate::Forged if bytes.len() == 5 => {
                    let kind = random.of(b"GNXG");
                    let value = random.below(32) | random.below(200) << 5;
                    if let Out::Message(forged) = message(kind, value as u32) {
                        bytes.copy_from_slice(&forged);
                    }
                }
                _ => {}
            }
            if self.error_rate > 0.0 {
                self.wear(bytes, random);
            }
        } else if matches!(fate, Fate::Damaged | Fate::Cut) {
            return;
        }
        match fate {
            Fate::Lost => {}
            Fate::Duplicated => {
                self.push(item.clone());
                self.push(item);
            }
            _ => self.push(item),
        }
    }

    /// Single bytes are changed or lost.
    fn wear(&self, bytes: &mut Vec<u8>, random: &mut Random) {
        let mut worn = Vec::with_capacity(bytes.len());
        for byte in bytes.iter() {
            if !random.chance(self.error_rate) {
                worn.push(*byte);
            } else if random.one_in(2) {
                worn.push(byte ^ (random.below(255) as u8 + 1));
            }
        }
        *bytes = worn;
    }

    fn push(&mut self, item: Item) {
        match item {
            Item::Bytes(bytes) => {
                for piece in bytes.chunks(Line::PIECE) {
                    self.free_at += self.byte_time * piece.len() as u64;
                    self.arrive(Item::Bytes(piece.to_vec()));
                }
            }
            other => self.arrive(other),
        }
    }

    fn arrive(&mut self, item: Item) {
        let mut at = self.free_at + self.latency;
        for (from, to) in &self.pauses {
            if (*from..*to).contains(&at) {
                at = *to;
            }
        }
        self.last_at = self.last_at.max(at);
        self.items.push_back((self.last_at, item));
    }

    pub(super) fn next_time(&self) -> Option<u64> {
        self.items.front().map(|(at, _)| *at)
    }
}
