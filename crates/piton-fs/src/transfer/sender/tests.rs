//! The sender against a model of the board, on lines that do all that lines do, under a simulated clock.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::agent::Message;
use super::super::source::Source;
use super::super::{Outgoing, Step};
use super::{NextAction, Sender};

mod model;
#[cfg(unix)]
mod process;

use model::{Board, Device, End, Fate, Interrupts, Item, Line, MS, Out, Overflow, Random, SECOND};

/// How the run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The program returned.
    Sent,
    /// It raised what has failed.
    Refused,
    /// It raised KeyboardInterrupt.
    Interrupted,
    /// The sender gave up.
    GaveUp,
    /// The driver heard nothing for too long.
    Silent,
    Reset,
    /// The host was killed, and the next connection has got its prompt.
    Killed,
}

/// One run: the host, the line, the board.
struct Run<'s, D> {
    now: u64,
    sender: Sender<'s>,
    board: D,
    up: Line,
    down: Line,
    /// What becomes of what is written, in either direction, one after the other. Then all arrives.
    fates: Vec<Fate>,
    /// Fates that were used.
    decided: usize,
    random: Random,
    reset_at: Option<u64>,
    kill_at: Option<u64>,
    /// Bytes from the board that are no message yet.
    heard: Vec<u8>,
    heard_at: u64,
    has_begun: bool,
    /// The end of the program was lost on the way to the host.
    is_end_lost: bool,
    /// Packets and probes that were written, and bytes.
    packets: u32,
    probes: u32,
    bytes: usize,
    wishes: u32,
    /// How long the next connection waited for its prompt.
    prompt_time: u64,
    trace: Option<Vec<String>>,
}

impl<'s, D: Device> Run<'s, D> {
    fn new(steps: Vec<Step<'s>>, board: D, size: usize, pace: f64) -> Run<'s, D> {
        Run {
            now: 0,
            sender: Sender::new(Source::new(steps, false), size, pace, Duration::ZERO),
            board,
            up: Line::default(),
            down: Line::default(),
            fates: Vec::new(),
            decided: 0,
            random: Random::new(7),
            reset_at: None,
            kill_at: None,
            heard: Vec::new(),
            heard_at: 0,
            has_begun: false,
            is_end_lost: false,
            packets: 0,
            probes: 0,
            bytes: 0,
            wishes: 0,
            prompt_time: 0,
            trace: None,
        }
    }

    fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>9.3} {}", self.now as f64 / 1e6, text()));
        }
    }

    fn fate(&mut self) -> Fate {
        let fate = self.fates.get(self.decided).copied();
        self.decided += 1;
        fate.unwrap_or(Fate::Arrives)
    }

    fn write_up(&mut self, item: Item) {
        let fate = self.fate();
        self.note(|| format!("host {} {fate:?}", shown(&item)));
        self.up.write(item, fate, self.now, &mut self.random);
    }

    fn write_down(&mut self, out: Vec<Out>) {
        for out in out {
            let item = match out {
                Out::Message(bytes) => Item::Bytes(bytes.to_vec()),
                Out::End(end) => Item::End(end),
                Out::Reset => Item::Reset,
            };
            let fate = self.fate();
            let is_end = !matches!(item, Item::Bytes(_));
            self.is_end_lost |= is_end && matches!(fate, Fate::Lost | Fate::Damaged | Fate::Cut);
            self.note(|| format!("                 board {} {fate:?}", shown(&item)));
            self.down.write(item, fate, self.now, &mut self.random);
        }
    }

    /// Let the board and the lines do what they do up to this time.
    fn pass(&mut self, until: u64) -> Option<Outcome> {
        self.now = until;
        if self.reset_at.is_some_and(|at| at <= until) {
            self.reset_at = None;
            let mut out = Vec::new();
            self.board.reset(&mut out);
            self.write_down(out);
        }
        // What arrives at one time, after a pause, is there before the program looks.
        while self.up.next_time().is_some_and(|at| at <= until) {
            match self.up.items.pop_front() {
                Some((_, Item::Bytes(bytes))) => self.board.deliver(&bytes, until),
                Some((_, Item::Resume)) => self.board.resume(until),
                _ => {}
            }
        }
        self.run_board();
        while self.down.next_time().is_some_and(|at| at <= until) {
            let outcome = match self.down.items.pop_front() {
                Some((_, Item::Bytes(bytes))) => {
                    self.heard.extend(bytes);
                    self.hear();
                    None
                }
                Some((_, Item::Reset)) => Some(Outcome::Reset),
                Some((_, Item::End(end))) => self.has_ended(end),
                _ => None,
            };
            if outcome.is_some() {
                return outcome;
            }
        }
        None
    }

    fn run_board(&mut self) {
        let mut out = Vec::new();
        self.board.run(self.now, &mut out);
        if !out.is_empty() {
            self.write_down(out);
        }
    }

    fn has_ended(&mut self, end: End) -> Option<Outcome> {
        match end {
            End::Paused if self.sender.is_pausing() => {
                self.heard_at = self.now;
                self.note(|| "host resumes".to_owned());
                self.up
                    .write(Item::Resume, Fate::Arrives, self.now, &mut self.random);
                None
            }
            End::Returned | End::Paused => Some(Outcome::Sent),
            End::Raised => Some(Outcome::Refused),
            End::Interrupted | End::Stray => Some(Outcome::Interrupted),
        }
    }

    /// As the driver's listener does.
    fn hear(&mut self) {
        let mut from = 0;
        loop {
            let pending = &self.heard[from..];
            if let Some(message) = parse(pending) {
                from += 5;
                self.heard_at = self.now;
                self.has_begun |= message.kind == super::HELLO;
                if self.has_begun {
                    self.sender.hear(message, Duration::from_nanos(self.now));
                }
                // The driver asks for a next_action after each message.
                self.heard.drain(..from);
                from = 0;
                self.act();
                continue;
            }
            match pending {
                [] => break,
                [first, ..] if pending.len() < 5 && first.is_ascii_uppercase() => break,
                _ => from += 1,
            }
        }
        self.heard.drain(..from);
    }

    /// Write what the sender wishes. Gives until when it listens; `None` when it gives up.
    fn act(&mut self) -> Option<u64> {
        if !self.has_begun {
            return Some(u64::MAX);
        }
        loop {
            self.wishes += 1;
            assert!(self.wishes < 400_000, "an endless stream");
            match self.sender.next_action(Duration::from_nanos(self.now)) {
                NextAction::Write(bytes) => {
                    if bytes == super::PROBE {
                        self.probes += 1;
                    } else {
                        self.packets += 1;
                    }
                    self.bytes += bytes.len();
                    self.write_up(Item::Bytes(bytes));
                }
                NextAction::Listen(at) => return Some(at.as_nanos() as u64),
                NextAction::GiveUp => return None,
            }
        }
    }

    /// How long the driver lets the board be silent, in nanoseconds.
    fn silence(&self) -> u64 {
        self.sender.longest_silence().as_nanos() as u64
    }

    /// From the program's start to an end.
    fn follow(&mut self) -> Outcome {
        // The first word is part of the program's start, and as sure as all of it; its loss is tested apart.
        let hello = self.board.hello();
        self.write_down(hello.into_iter().collect());
        self.run_board();
        loop {
            let Some(until) = self.act() else {
                return Outcome::GaveUp;
            };
            let limit = until.min(self.heard_at + self.silence());
            let times = [
                self.board.next_time(),
                self.up.next_time(),
                self.down.next_time(),
                self.reset_at,
                self.kill_at,
                Some(limit),
            ];
            let at = times.into_iter().flatten().min().unwrap().max(self.now);
            if self.kill_at.is_some_and(|kill| kill <= at) {
                return self.take_over();
            }
            if let Some(outcome) = self.pass(at) {
                return outcome;
            }
            if self.now >= self.heard_at + self.silence() {
                return Outcome::Silent;
            }
            assert!(self.now < 4000 * SECOND, "endless");
        }
    }

    /// The host is gone, with the rest of what it was writing. The next connection wants a prompt.
    fn take_over(&mut self) -> Outcome {
        let killed = self.now;
        let rest = self.random.below(self.up.items.len() as u64 + 1) as usize;
        self.up.items.truncate(rest);
        self.fates.clear();
        self.up.error_rate = 0.0;
        // As the raw REPL is entered: once, then a Ctrl-A each second, and after 3.5 seconds more interrupts.
        let mut knocks = 0;
        while !self.board.is_at_prompt() {
            let knock_at = killed + knocks * SECOND;
            if knock_at <= self.now {
                let knock: &[u8] = match knocks {
                    0 => b"\x03\x01",
                    1..4 => b"\x01",
                    _ => b"\x03\x03\x03\x03\x01",
                };
                let knock = Item::Bytes(knock.to_vec());
                self.up
                    .write(knock, Fate::Arrives, self.now, &mut self.random);
                knocks += 1;
                continue;
            }
            let times = [self.board.next_time(), self.up.next_time(), Some(knock_at)];
            self.now = times.into_iter().flatten().min().unwrap().max(self.now);
            while self.up.next_time().is_some_and(|at| at <= self.now) {
                if let Some((_, Item::Bytes(bytes))) = self.up.items.pop_front() {
                    self.board.deliver(&bytes, self.now);
                }
            }
            self.board.run(self.now, &mut Vec::new());
            assert!(self.now < killed + 60 * SECOND, "no prompt");
        }
        // A line that stands still, a packet on its way, and work under way, are no lateness of the program.
        let pauses = self.up.pauses.iter().map(|(_, to)| *to);
        let began = pauses.chain([killed, self.up.free_at]).max().unwrap();
        let allowed = self.up.latency + 5000 * self.up.byte_time + self.board.slowness();
        self.prompt_time = self.now.saturating_sub(began + allowed);
        Outcome::Killed
    }
}

/// As agent.rs does.
fn parse(bytes: &[u8]) -> Option<Message> {
    let &[kind, low, middle, high, check] = bytes.first_chunk()?;
    let sum = [kind, low, middle, high]
        .iter()
        .fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    (kind.is_ascii_uppercase() && sum ^ 90 == check).then(|| Message {
        kind,
        value: u32::from_le_bytes([low, middle, high, 0]),
    })
}

fn shown(item: &Item) -> String {
    match item {
        Item::Bytes(bytes) if bytes.len() == 5 => format!("{} {bytes:?}", bytes[0] as char),
        Item::Bytes(bytes) => format!("{} bytes {:?}", bytes.len(), &bytes[..bytes.len().min(4)]),
        other => format!("{other:?}"),
    }
}

/// Files of these sizes; every third is easily deflated.
fn content(sizes: &[usize], random: &mut Random) -> Vec<(String, Vec<u8>)> {
    let content = |(index, size): (usize, &usize)| {
        let range = if index % 3 == 2 { 4 } else { 256 };
        let bytes = (0..*size).map(|_| random.below(range) as u8);
        (format!("f{index}"), bytes.collect())
    };
    sizes.iter().enumerate().map(content).collect()
}

fn steps(files: &[(String, Vec<u8>)]) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for (path, content) in files {
        let file = Outgoing::from_bytes(path.parse().unwrap(), content);
        steps.push(Step::Write(file));
    }
    steps
}

/// Nothing is on the board but files that were sent, whole and in their order.
fn check(run: &Run<'_, Board>, outcome: Outcome, files: &[(String, Vec<u8>)], what: &str) {
    let count = run.board.files.len();
    let expected: BTreeMap<_, _> = files.iter().take(count).cloned().collect();
    assert!(run.board.files == expected, "{what}: wrong files");
    if outcome == Outcome::Sent {
        assert_eq!(count, files.len(), "{what}: files are missing");
    }
}

const MODES: [Interrupts; 4] = [
    Interrupts::Clears,
    Interrupts::Overtakes,
    Interrupts::InOrder,
    Interrupts::Byte,
];

/// How many random schedules: PITON_SCHEDULES, or what takes some seconds in a debug build.
fn schedules() -> u64 {
    let count = std::env::var("PITON_SCHEDULES").ok();
    count.map_or(20_000, |count| count.parse().unwrap())
}

/// One schedule that the seed determines.
struct Schedule {
    files: Vec<(String, Vec<u8>)>,
    board: Board,
    size: usize,
    pace: f64,
    /// The file that can't be read to its end.
    unreadable: Option<usize>,
    /// How often there is a pause of the program, in bytes of the stream.
    pause: usize,
    random: Random,
    /// Faults on the line that are no mere lateness.
    faults: usize,
    /// What lets a run end otherwise than with the files on the board.
    may_end: bool,
}

impl Schedule {
    fn new(seed: u64) -> Schedule {
        let mut random = Random::new(seed);
        let count = random.below(4);
        let longest = random.of(&[10, 100, 600]);
        let sizes: Vec<usize> = (0..=count)
            .map(|_| random.below(longest) as usize)
            .collect();
        let files = content(&sizes, &mut random);
        let mut board = Board::new(random.of(&MODES));
        board.bits = random.of(&[6, 7, 9, 9, 13]);
        board.inflates = random.one_in(4);
        if random.one_in(4) {
            board.port.capacity = random.of(&[64, 128, 260, 1024]);
            board.port.overflow = random.of(&[Overflow::Holds, Overflow::Drops]);
        }
        if random.one_in(4) {
            board.byte_time = random.of(&[10_000, 100_000, MS]);
        }
        board.packet_time = random.of(&[0, MS, 30 * MS, 900 * MS, 4 * SECOND]);
        if random.one_in(8) {
            board.port.lateness = random.of(&[MS, 50 * MS, 700 * MS]);
        }
        if random.one_in(8) {
            board.failing = Some(random.below(count + 1) as u32);
        }
        Schedule {
            files,
            unreadable: random.one_in(8).then(|| random.below(count + 1) as usize),
            size: random.of(&[64, 256, 1024, 4096]),
            pace: random.of(&[0.000_001, 0.0001, 0.0005]),
            pause: random.of(&[usize::MAX, usize::MAX, usize::MAX, 50, 300]),
            board,
            random,
            faults: 0,
            may_end: false,
        }
    }

    fn run(&mut self) -> Run<'_, Board> {
        let random = &mut self.random;
        let mut steps = steps(&self.files);
        if let Some(Step::Write(file)) = self.unreadable.and_then(|index| steps.get_mut(index)) {
            file.size += 1;
        }
        let mut run = Run::new(steps, self.board.clone(), self.size, self.pace);
        run.sender.pause = self.pause;
        let latency = random.of(&[0, MS, 20 * MS, 400 * MS]);
        let byte_time = random.of(&[1000, 86_805, 500_000]);
        for line in [&mut run.up, &mut run.down] {
            line.latency = latency;
            line.byte_time = byte_time;
            if random.one_in(4) {
                let mut at = 0;
                for _ in 0..=random.below(3) {
                    at += random.below(3 * SECOND);
                    let time = random.of(&[100 * MS, 700 * MS, 2 * SECOND, 3 * SECOND]);
                    line.pauses.push((at, at + time));
                    at += time;
                }
            }
        }
        let may_forge = random.one_in(8);
        if random.one_in(2) {
            for _ in 0..random.below(20) {
                let time = random.of(&[100 * MS, 700 * MS, 2 * SECOND]);
                let fate = random.of(&[
                    Fate::Arrives,
                    Fate::Arrives,
                    Fate::Late(time),
                    Fate::Lost,
                    Fate::Damaged,
                    Fate::Cut,
                    Fate::Duplicated,
                    if may_forge { Fate::Forged } else { Fate::Lost },
                ]);
                let is_fault = !matches!(fate, Fate::Arrives | Fate::Late(_));
                self.faults += usize::from(is_fault);
                run.fates.push(fate);
            }
            // Mostly the program starts.
            if let (Some(first), false) = (run.fates.first_mut(), random.one_in(16)) {
                *first = Fate::Arrives;
            }
        }
        if random.one_in(8) {
            let rate = random.of(&[0.0001, 0.001, 0.01]);
            run.up.error_rate = rate;
            run.down.error_rate = rate;
            self.faults += 100;
        }
        let time = random.below(4 * SECOND);
        if random.one_in(16) {
            run.reset_at = Some(time);
            self.may_end = true;
        } else if random.one_in(8) {
            run.kill_at = Some(time);
            self.may_end = true;
        }
        run.random = random.clone();
        run
    }
}

/// Run one schedule; `trace` prints it.
fn play(seed: u64, trace: bool) -> (Outcome, u64) {
    let mut schedule = Schedule::new(seed);
    let failing = schedule.board.failing;
    let is_late = schedule.board.port.lateness > 0;
    let readable = schedule.unreadable.unwrap_or(schedule.files.len());
    // The run borrows the files.
    let (files, mode) = (schedule.files.clone(), schedule.board.port.interrupts);
    let mut run = schedule.run();
    if trace {
        run.trace = Some(Vec::new());
    }
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run.follow()));
    if trace {
        for line in run.trace.take().unwrap() {
            println!("{line}");
        }
    }
    let what = format!("schedule {seed} ({mode:?}, {outcome:?})");
    let Ok(outcome) = outcome else {
        panic!("{what}");
    };
    let files = files.get(..readable).unwrap_or_default();
    check(&run, outcome, files, &what);
    assert!(run.prompt_time <= 2 * SECOND, "{what}: prompt late");
    let now = run.now;
    let is_unread = run.sender.take_failure().is_some();
    let is_deaf = run.is_end_lost || !run.has_begun;
    let is_noisy = run.up.error_rate > 0.0;
    drop(run);
    // Four probes go in the time that the driver waits.
    let may_end = schedule.may_end || is_deaf || is_noisy || schedule.faults > 3;
    let is_clean = schedule.faults == 0 && !may_end;
    match (outcome, failing) {
        (Outcome::Sent, None) | (Outcome::Refused, Some(_)) => {}
        (Outcome::Sent, _) if is_unread => {}
        (Outcome::Sent, Some(_)) => panic!("{what}: a failure was not heard"),
        (Outcome::Refused, None) => panic!("{what}: nothing has failed"),
        (Outcome::Silent | Outcome::GaveUp, _) => assert!(may_end, "{what}"),
        // A late interrupt may hit the next packet, and another program of the host begin with the same byte as its rest.
        (Outcome::Interrupted, _) if is_late => {}
        // A line that only waits loses nothing.
        _ => assert!(!is_clean, "{what}"),
    }
    (outcome, now)
}

#[test]
fn random_schedules_end_with_complete_files_or_an_error() {
    let mut outcomes = BTreeMap::new();
    let mut longest = (0, 0);
    let only = std::env::var("PITON_SCHEDULE").ok();
    if let Some(seed) = only {
        println!("{:?}", play(seed.parse().unwrap(), true));
        return;
    }
    let mut failures = Vec::new();
    for seed in 0..schedules() {
        let played = std::panic::catch_unwind(|| play(seed, false));
        let Ok((outcome, time)) = played else {
            failures.push(seed);
            continue;
        };
        *outcomes.entry(outcome).or_insert(0) += 1;
        longest = longest.max((time, seed));
    }
    println!(
        "{outcomes:?}, the longest {} s: schedule {}",
        longest.0 / SECOND,
        longest.1
    );
    failures.truncate(20);
    assert!(failures.is_empty(), "schedules {failures:?} and more");
}

/// A stream of one file of 44 kB at 115200 baud, with errors at this rate: seconds that it took, and packets and bytes up.
fn with_errors(rate: f64, seed: u64, mode: Interrupts) -> (f64, u32, usize) {
    let mut random = Random::new(seed);
    let files = content(&[22_000, 0, 22_000], &mut random);
    let mut run = Run::new(steps(&files), Board::new(mode), 1024, 1.0 / 11_520.0);
    for line in [&mut run.up, &mut run.down] {
        line.latency = 2 * MS;
        line.byte_time = 86_805;
        line.error_rate = rate;
    }
    run.random = random;
    let outcome = run.follow();
    let what = format!("{mode:?}, rate {rate}, seed {seed}");
    assert_eq!(outcome, Outcome::Sent, "{what}");
    check(&run, outcome, &files, &what);
    (run.now as f64 / SECOND as f64, run.packets, run.bytes)
}

#[test]
fn streams_finish_with_any_damaged_bytes() {
    for rate in [0.0, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3] {
        let runs = (0..20).map(|seed| with_errors(rate, seed, MODES[seed as usize % 4]));
        let runs: Vec<_> = runs.collect();
        let mean = runs.iter().map(|run| run.0).sum::<f64>() / 20.0;
        let longest = runs.iter().map(|run| run.0).fold(0.0, f64::max);
        let packets = runs.iter().map(|run| run.1).sum::<u32>() / 20;
        let bytes = runs.iter().map(|run| run.2).sum::<usize>() / 20;
        println!(
            "{rate:>7}: {mean:6.2} s, at most {longest:6.2} s; {packets} packets, {bytes} bytes"
        );
    }
}

/// A stream of so many packets of 64 bytes at most.
fn short_stream(packets: usize) -> Vec<(String, Vec<u8>)> {
    let size = [10, 60, 100][packets - 1];
    content(&[size], &mut Random::new(3))
}

/// All the fates that the first `depth` packets, probes and messages can have. Gives how many runs that took.
fn all_fates(packets: usize, mode: Interrupts, depth: usize) -> u64 {
    const FATES: [Fate; 5] = [
        Fate::Arrives,
        Fate::Late(1500 * MS),
        Fate::Lost,
        Fate::Damaged,
        Fate::Duplicated,
    ];
    let files = short_stream(packets);
    let mut choices = vec![0_usize; depth];
    let mut count = 0;
    loop {
        let mut board = Board::new(mode);
        board.bits = 6;
        board.inflates = false;
        let mut run = Run::new(steps(&files), board, 64, 0.0001);
        run.up.latency = MS;
        run.down.latency = MS;
        // The first word is as sure as the program's start.
        run.fates.push(Fate::Arrives);
        run.fates
            .extend(choices.iter().map(|choice| FATES[*choice]));
        let outcome = run.follow();
        let what = format!("{packets} packets, {mode:?}, {choices:?}");
        check(&run, outcome, &files, &what);
        let faults = choices.iter().filter(|choice| **choice > 1).count();
        // Four probes go in the time that the driver waits.
        let is_fine = outcome == Outcome::Sent
            || outcome == Outcome::Silent && (run.is_end_lost || faults > 3)
            // A damaged probe after another one may look like another program of the host.
            || run.board.end == Some(End::Stray) && faults > 1;
        assert!(is_fine, "{what}: {outcome:?}");
        if choices.iter().all(|choice| *choice == 0) {
            assert_eq!(run.packets as usize, packets, "{what}");
        }
        count += 1;
        // What the run did not come to makes no difference.
        let used = run.decided.saturating_sub(1).min(depth);
        choices[used..].fill(0);
        let Some(last) = (0..used).rev().find(|at| choices[*at] + 1 < FATES.len()) else {
            return count;
        };
        choices[last] += 1;
        choices[last + 1..].fill(0);
    }
}

#[test]
fn short_streams_survive_every_combination_of_losses() {
    let depth = std::env::var("PITON_FATES").ok();
    let depth: Option<usize> = depth.map(|depth| depth.parse().unwrap());
    for (packets, usual) in [(1, 5), (2, 5), (3, 5)] {
        for mode in MODES {
            let count = all_fates(packets, mode, depth.unwrap_or(usual));
            println!("{packets} packets, {mode:?}: {count} runs");
        }
    }
}

/// Lossless, with pauses of so many milliseconds: packets that were written, turns, and seconds.
fn with_pauses(time: u64, mode: Interrupts, is_up: bool, seed: u64) -> (u32, u32, f64) {
    let mut random = Random::new(seed);
    let files = content(&[22_000, 22_000], &mut random);
    let mut run = Run::new(steps(&files), Board::new(mode), 1024, 1.0 / 11_520.0);
    for line in [&mut run.up, &mut run.down] {
        line.latency = 2 * MS;
        line.byte_time = 86_805;
    }
    run.board.bits = 10;
    let line = if is_up { &mut run.up } else { &mut run.down };
    let mut at = 0;
    for _ in 0..4 {
        at += random.below(SECOND);
        line.pauses.push((at, at + time * MS));
        at += time * MS;
    }
    let outcome = run.follow();
    let what = format!("pauses of {time} ms, {mode:?}, {is_up}, {seed}");
    assert_eq!(outcome, Outcome::Sent, "{what}");
    check(&run, outcome, &files, &what);
    (run.packets, run.probes, run.now as f64 / SECOND as f64)
}

#[test]
fn pauses_need_no_additional_packets() {
    for mode in MODES {
        let (usual, probes, time) = with_pauses(0, mode, true, 0);
        assert_eq!(probes, 0);
        let mut shown = vec![format!("{mode:?}: {usual} packets, {time:.2} s")];
        for pause in [300, 700, 1500, 3000, 6000, 10_000] {
            let mut most = 0;
            let mut asked = 0;
            for seed in 0..8 {
                let (packets, probes, _) = with_pauses(pause, mode, seed % 2 == 0, seed);
                most = most.max(packets);
                asked = asked.max(probes);
                let again = with_pauses(pause, mode, seed % 2 == 0, seed).0;
                assert_eq!(packets, again, "the same each time");
            }
            shown.push(format!("{pause} ms: {most} packets, {asked} probes"));
            assert!(most * 10 <= usual * 12, "{shown:?}");
        }
        println!("{}", shown.join("; "));
    }
}

#[test]
fn the_sender_waits_for_a_packet_of_hundreds_of_files() {
    let files = content(&[1; 600], &mut Random::new(7));
    let mut board = Board::new(Interrupts::Clears);
    // A file takes an RP2040 about so long: flash is erased for its name.
    board.step_time = 60 * MS;
    let mut run = Run::new(steps(&files), board, 4096, 0.0001);
    let outcome = run.follow();
    check(&run, outcome, &files, "600 files");
    assert_eq!(outcome, Outcome::Sent);
    assert!(run.board.packets < 20, "{}", run.board.packets);
    // The board has said that it is at work.
    assert_eq!(run.probes, 0);
}
