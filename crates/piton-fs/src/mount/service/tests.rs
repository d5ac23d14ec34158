//! The machine against a model of what device/mount.py does, under a simulated clock, over lines of every kind.

use std::collections::VecDeque;
use std::fs;

use super::super::MountOptions;
use super::super::root::Root;
use super::*;

const TOKEN: Token = Token(*b"\x18abcdefgh");

const STAT: u8 = 2;
const OPEN: u8 = 4;
const READ: u8 = 5;
const MAKE_FOLDER: u8 = 11;
const REMOVE_FOLDER: u8 = 12;

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn machine(folder: &std::path::Path) -> Machine {
    let root = Root::new(folder, false).unwrap();
    let mut server = Server::new(root, MountOptions::default());
    server.set_up(0, false);
    Machine::new(TOKEN, server, 300)
}

fn frame(sequence: u32, kind: u8, attempt: u8, trouble: u8, content: &[u8]) -> Vec<u8> {
    Frame {
        sequence,
        kind,
        attempt,
        trouble,
        content: content.to_vec(),
    }
    .bytes(TOKEN)
}

/// What passes, and the reply.
fn feed(machine: &mut Machine, bytes: &[u8], now: u64) -> (Vec<u8>, Vec<u8>) {
    let (mut passed, mut reply) = (Vec::new(), Vec::new());
    machine.receive(bytes, millis(now), &mut passed, &mut reply);
    (passed, reply)
}

#[test]
fn an_old_request_is_passed_on_as_output() {
    let folder = tempfile::tempdir().unwrap();
    let mut machine = machine(folder.path());
    let make = frame(1, MAKE_FOLDER, 0, 0, b"/made");
    let (passed, reply) = feed(&mut machine, &make, 0);
    assert!(passed.is_empty());
    assert!(!reply.is_empty());
    assert!(machine.is_busy(millis(0)));
    let (_, reply) = feed(&mut machine, &frame(1, CLOSING, 0, 0, b"typed\x03"), 1);
    assert_eq!(reply, b"typed\x03");
    assert!(!machine.is_busy(millis(1)));
    feed(&mut machine, &frame(2, REMOVE_FOLDER, 0, 0, b"/made"), 2);
    feed(&mut machine, &frame(2, CLOSING, 0, 0, b""), 3);
    assert!(!folder.path().join("made").exists());
    // The program prints what it sent before.
    assert_eq!(feed(&mut machine, &make, 4), (make, Vec::new()));
    assert!(!folder.path().join("made").exists());
}

#[test]
fn a_repeated_request_is_carried_out_once_and_answered_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut machine = machine(folder.path());
    feed(&mut machine, &frame(1, MAKE_FOLDER, 0, 0, b"/made"), 0);
    let (_, again) = feed(&mut machine, &frame(1, MAKE_FOLDER, 1, 16, b"/made"), 1);
    // Not that the folder exists.
    assert_eq!(again[10..13], [flag::CONFIRM, 0, 0]);
    let (_, twice) = feed(&mut machine, &frame(1, MAKE_FOLDER, 1, 16, b"/made"), 1);
    assert!(twice.is_empty());
    let (_, leave) = feed(&mut machine, &frame(1, COMPLETE, 2, 16, b""), 2);
    assert_eq!(leave, [go(2, false)]);
    assert!(machine.is_busy(millis(2)));
    assert!(!machine.is_busy(millis(3100)));
}

#[test]
fn a_silent_board_is_interrupted_and_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut machine = machine(folder.path());
    feed(&mut machine, &frame(1, STAT, 0, 0, b"/"), 0);
    let mut probes = Vec::new();
    for now in (0..26_000).step_by(100) {
        let (_, reply) = feed(&mut machine, b"", now);
        if !reply.is_empty() {
            assert!(reply.iter().all(|byte| *byte == PROBE));
            probes.push(now);
        }
    }
    assert_eq!(probes, [2500, 7500, 15_000]);
    assert!(!machine.is_busy(millis(26_000)));
    // It was there all the time.
    let (_, reply) = feed(&mut machine, &frame(1, STAT, 1, 1, b"/"), 30_000);
    assert_eq!(reply[10] & flag::RAISE, 0);
    assert!(machine.is_busy(millis(30_000)));
}

#[test]
fn an_interrupt_by_the_person_is_raised() {
    let folder = tempfile::tempdir().unwrap();
    let mut machine = machine(folder.path());
    feed(&mut machine, &frame(1, STAT, 0, 0, b"/"), 0);
    let (_, reply) = feed(&mut machine, &frame(1, STAT, 1, 1, b"/"), 1);
    assert_eq!(reply[10] & flag::RAISE, flag::RAISE);
    let (_, reply) = feed(&mut machine, &frame(1, COMPLETE, 2, 1, b""), 2);
    assert_eq!(reply, [go(2, true)]);
}

/// Numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }

    fn one_in(&mut self, count: u64) -> bool {
        count > 0 && self.below(count) == 0
    }
}

/// One direction of a line.
#[derive(Default)]
struct Wire {
    /// Bytes, and when they arrive.
    bytes: VecDeque<(u64, u8)>,
    /// In milliseconds; one of so many writes takes that long, all others two.
    delay: u64,
    delays: u64,
    /// One of so many bytes is lost, damaged, or one of so many writes comes twice.
    lost: u64,
    damaged: u64,
    doubled: u64,
}

impl Wire {
    fn write(&mut self, bytes: &[u8], now: u64, random: &mut Random) {
        let times = 1 + u64::from(random.one_in(self.doubled));
        // A delay may begin anywhere in what is written.
        let from = match random.one_in(self.delays) {
            true => random.below(bytes.len() as u64 + 1) as usize,
            false => usize::MAX,
        };
        for _ in 0..times {
            for (at, byte) in bytes.iter().enumerate() {
                let delay = if at >= from { self.delay } else { 2 };
                let last = self.bytes.back().map_or(0, |(at, _)| *at);
                if random.one_in(self.lost) {
                    continue;
                }
                let byte = match random.one_in(self.damaged) {
                    true => byte ^ (1 << random.below(8)),
                    false => *byte,
                };
                self.bytes.push_back((last.max(now + delay), byte));
            }
        }
    }

    fn read(&mut self, now: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while let Some((at, byte)) = self.bytes.front() {
            if *at > now {
                break;
            }
            bytes.push(*byte);
            self.bytes.pop_front();
        }
        bytes
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Answer(i16, Vec<u8>),
    Interrupted,
    TimedOut,
}

/// One `call` of device/mount.py.
#[derive(Debug)]
struct Call {
    sequence: u32,
    kind: u8,
    data: Vec<u8>,
    attempt: u8,
    trouble: u8,
    wait: u64,
    began: u64,
    asked: u64,
    head: Vec<u8>,
    /// What of the body has come, and its length, once the head is there.
    body: Option<(Vec<u8>, usize)>,
    answer: Option<(u8, i16, Vec<u8>)>,
    outcome: Option<Outcome>,
}

impl Call {
    fn new(sequence: u32, kind: u8, data: Vec<u8>, now: u64) -> Call {
        Call {
            sequence,
            kind,
            data,
            attempt: 0,
            trouble: 0,
            wait: 2000,
            began: now,
            asked: now,
            head: Vec::new(),
            body: None,
            answer: None,
            outcome: None,
        }
    }

    fn ask(&mut self, now: u64) -> Vec<u8> {
        self.asked = now;
        self.head.clear();
        self.body = None;
        let kind = if self.answer.is_some() {
            COMPLETE
        } else {
            self.kind
        };
        frame(self.sequence, kind, self.attempt, self.trouble, &self.data)
    }

    fn again(&mut self, now: u64) -> Vec<u8> {
        self.attempt += 1;
        if self.attempt > 99 {
            self.outcome = Some(Outcome::TimedOut);
            return Vec::new();
        }
        self.ask(now)
    }

    fn interrupt(&mut self, now: u64) -> Vec<u8> {
        self.trouble += 1;
        if self.trouble & 15 > 5 {
            self.outcome = Some(Outcome::Interrupted);
            return Vec::new();
        }
        self.again(now)
    }

    fn tick(&mut self, now: u64) -> Vec<u8> {
        let polls = self.body.is_none() && (self.attempt > 0 || self.head.is_empty());
        if polls && now >= self.asked + self.wait {
            self.wait *= 2;
            if self.wait > 9000 {
                self.outcome = Some(Outcome::TimedOut);
                return Vec::new();
            }
            return self.again(now);
        }
        Vec::new()
    }

    /// Take a byte other than an interrupt.
    fn take(&mut self, byte: u8, now: u64) -> Vec<u8> {
        self.asked = now;
        if let Some((body, end)) = &mut self.body {
            body.push(byte);
            if body.len() == *end {
                return self.finish(now);
            }
            return Vec::new();
        }
        if self.attempt > 0 && [1, 13].contains(&byte) {
            self.outcome = Some(Outcome::Interrupted);
            return Vec::new();
        }
        if let Some((flags, status, content)) = &self.answer {
            if byte | 64 == self.attempt & 63 | 192 {
                let raises = flags & flag::RAISE != 0 || byte < 192;
                self.outcome = Some(match raises {
                    true => Outcome::Interrupted,
                    false => Outcome::Answer(*status, content.clone()),
                });
            }
            return Vec::new();
        }
        self.head.push(byte);
        if self.head.len() < 10 {
            if self.attempt == 0 && self.head[0] != b'a' | 128 {
                self.head.remove(0);
            }
            return Vec::new();
        }
        let number = |at: usize| {
            usize::from(self.head[at] & 127) | usize::from(self.head[at + 1] & 127) << 7
        };
        let expected: Vec<u8> = b"abcd"
            .iter()
            .copied()
            .chain([self.attempt, self.sequence as u8])
            .map(|byte| byte | 128)
            .collect();
        if self.head[..6] != expected {
            self.head.remove(0);
            return Vec::new();
        }
        let end = number(6) + 2 * number(8);
        if end > 9999 {
            return self.damage(now);
        }
        self.body = Some((Vec::new(), end));
        match end {
            0 => self.finish(now),
            _ => Vec::new(),
        }
    }

    fn damage(&mut self, now: u64) -> Vec<u8> {
        self.trouble = self.trouble.wrapping_add(16);
        self.again(now)
    }

    fn finish(&mut self, now: u64) -> Vec<u8> {
        let (mut body, mut end) = self.body.take().unwrap();
        let size = usize::from(self.head[6] & 127) | usize::from(self.head[7] & 127) << 7;
        while end > size {
            end -= 2;
            let place = usize::from(body[end] & 127) | usize::from(body[end + 1] & 127) << 7;
            let Some(byte) = body.get_mut(place) else {
                return self.damage(now);
            };
            *byte &= 127;
        }
        body.truncate(size);
        let mut crc = flate2::Crc::new();
        let Some((content, check)) = body.split_last_chunk::<4>() else {
            return self.damage(now);
        };
        crc.update(&self.head[..8]);
        crc.update(content);
        if crc.sum().to_le_bytes() != *check || content.len() < 3 {
            return self.damage(now);
        }
        let status = i16::from_le_bytes([content[1], content[2]]);
        let (flags, content) = (content[0], content[3..].to_vec());
        if self.attempt > 0 || flags & flag::CONFIRM != 0 || now > self.began + 100 {
            self.answer = Some((flags, status, content));
            self.data.clear();
            return self.again(now);
        }
        self.outcome = Some(Outcome::Answer(status, content));
        Vec::new()
    }
}

/// What a schedule has come to.
#[derive(Debug, Default)]
struct Report {
    /// The file arrived.
    complete: bool,
    /// Interrupts that came when no exchange was under way.
    stray: u32,
    took: u64,
}

/// Read a file through the machine.
fn run(
    machine: &mut Machine,
    content: &[u8],
    mut down: Wire,
    mut up: Wire,
    random: &mut Random,
) -> Report {
    let mut report = Report::default();
    let clears = random.one_in(2);
    let mut read = Vec::new();
    let mut sequence = 1;
    let mut number = 0;
    let mut idle_until = 0;
    let mut now = 0;
    let mut call: Option<Call> = None;
    loop {
        let next = [&down, &up]
            .into_iter()
            .filter_map(|wire| wire.bytes.front())
            .map(|(at, _)| *at)
            .min();
        now = next.unwrap_or(u64::MAX).clamp(now + 2, now + 40);
        assert!(
            now < 600_000,
            "an endless wait: {:?} {call:?}",
            machine.exchange
        );
        if call.is_none() && now >= idle_until {
            let (kind, data) = match number {
                0 => (OPEN, b"\0rb\0/file".to_vec()),
                _ => (READ, vec![number - 1]),
            };
            let mut next = Call::new(sequence, kind, data, now);
            up.write(&next.ask(now), now, random);
            call = Some(next);
        }
        // Interrupts act when they arrive, before what came before them is read.
        let mut bytes = down.read(now);
        let last = bytes.iter().rposition(|byte| *byte == PROBE);
        match &mut call {
            None => report.stray += u32::from(last.is_some()),
            Some(call) => {
                if let Some(last) = last {
                    let count = bytes.iter().filter(|byte| **byte == PROBE).count();
                    for _ in 0..count.min(2) {
                        if call.outcome.is_none() {
                            up.write(&call.interrupt(now), now, random);
                        }
                    }
                    if clears {
                        bytes.drain(..=last);
                    }
                    bytes.retain(|byte| *byte != PROBE);
                }
                for byte in bytes {
                    if call.outcome.is_none() {
                        up.write(&call.take(byte, now), now, random);
                    }
                }
                if call.outcome.is_none() {
                    up.write(&call.tick(now), now, random);
                }
            }
        }
        if let Some(outcome) = call.as_mut().and_then(|call| call.outcome.take()) {
            let closing = frame(sequence, CLOSING, 0, 0, b"");
            up.write(&closing, now, random);
            call = None;
            sequence += 1;
            idle_until = now + random.below(3) * 20;
            let Outcome::Answer(status, answer) = outcome else {
                report.took = now;
                return report;
            };
            assert!(status >= 0, "{status}");
            let (ended, part) = match number {
                0 => (answer[0] == 1, &answer[1..]),
                _ => (status == 1, &answer[..]),
            };
            number = number.max(1);
            read.extend(part);
            if ended {
                assert!(read == content, "{} of {} bytes", read.len(), content.len());
                report.complete = true;
                report.took = now;
                return report;
            }
            assert!(content.starts_with(&read));
        }
        let (mut passed, mut reply) = (Vec::new(), Vec::new());
        machine.receive(&up.read(now), millis(now), &mut passed, &mut reply);
        down.write(&reply, now, random);
    }
}

/// Lines that differ in what they do, so many of them.
#[track_caller]
fn sweep(schedules: u64, wire: impl Fn(&mut Random) -> Wire) -> Vec<Report> {
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0..1500_u32)
        .map(|at| ((at * at) >> 5) as u8 % 40)
        .collect();
    fs::write(folder.path().join("file"), &content).unwrap();
    (0..schedules)
        .map(|seed| {
            let mut random = Random(seed * 2 + 1);
            let (down, up) = (wire(&mut random), wire(&mut random));
            run(&mut machine(folder.path()), &content, down, up, &mut random)
        })
        .collect()
}

#[test]
fn the_service_waits_for_late_bytes() {
    let reports = sweep(4000, |random| Wire {
        delay: random.below(2200),
        delays: 1 + random.below(6),
        ..Wire::default()
    });
    for (seed, report) in reports.iter().enumerate() {
        assert!(report.complete && report.stray == 0, "{seed}: {report:?}");
    }
}

#[test]
fn lost_and_damaged_bytes_are_repeated_or_an_error() {
    let reports = sweep(4000, |random| Wire {
        delay: random.below(3000),
        delays: random.below(3) * 10,
        lost: random.below(4) * 500,
        damaged: random.below(4) * 500,
        doubled: random.below(2) * 20,
        ..Wire::default()
    });
    let complete = reports.iter().filter(|report| report.complete).count();
    let slowest = reports.iter().map(|report| report.took).max();
    println!(
        "{complete} of {} files arrived; the slowest took {slowest:?} ms",
        reports.len()
    );
    assert!(complete * 10 > reports.len() * 6, "{complete}");
}
