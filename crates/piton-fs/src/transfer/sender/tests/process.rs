//! The real program of device/send.py under the schedules of the model: on MicroPython's unix port, with the model's ports and
//! lines, and files on this computer.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use super::model::{Device, End, Fate, Interrupts, MS, Out, Overflow, Port, Random, SECOND};
use super::{MODES, Outcome, Run, Sender, Source, content, steps};
use crate::device;

/// What the program waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    Read(usize),
    Poll,
}

/// The program in a process.
struct Process {
    port: Port,
    packet_time: u64,
    child: Child,
    requests: ChildStdout,
    answers: ChildStdin,
    request: Option<Request>,
    /// What a read that is not complete has.
    read: Vec<u8>,
    busy_until: u64,
    end: Option<End>,
}

impl Process {
    /// The program, with the folder as its current one.
    fn start(interrupts: Interrupts, heap: u64, verify: bool, folder: &Path) -> Process {
        let platform = match interrupts {
            Interrupts::Byte => "linux",
            _ => "rp2",
        };
        let script = folder.join("program.py");
        let program = [
            include_str!("../../../../tests/fs/port.py"),
            device::SEND.source(),
            match verify {
                true => "_run(lambda: _piton(True, ('',)))\n",
                false => "_run(lambda: _piton(False, ('',)))\n",
            },
        ];
        fs::write(&script, program.concat()).unwrap();
        let inside = folder.join("board");
        fs::create_dir(&inside).unwrap();
        let mut child = test_programs::micropython_unix()
            .args(["-X", &format!("heapsize={heap}k")])
            .arg(&script)
            .arg(platform)
            .current_dir(inside)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Process {
            port: Port::new(interrupts),
            packet_time: 0,
            requests: child.stdout.take().unwrap(),
            answers: child.stdin.take().unwrap(),
            child,
            request: None,
            read: Vec::new(),
            busy_until: 0,
            end: None,
        }
    }

    fn bytes<const COUNT: usize>(&mut self) -> [u8; COUNT] {
        let mut bytes = [0; COUNT];
        self.requests.read_exact(&mut bytes).unwrap();
        bytes
    }

    fn text(&mut self, length: usize) -> Vec<u8> {
        let mut text = vec![0; length];
        self.requests.read_exact(&mut text).unwrap();
        text
    }

    fn answer(&mut self, kind: u8, data: &[u8]) {
        let mut answer = vec![kind];
        if kind == b'D' {
            answer.extend((data.len() as u16).to_le_bytes());
            answer.extend(data);
        }
        self.answers.write_all(&answer).unwrap();
        self.request = None;
        self.read.clear();
    }

    fn interrupt(&mut self) {
        self.port.interrupt_at = None;
        self.answer(b'I', b"");
    }

    /// What the program does next, up to a request that it waits for.
    fn listen(&mut self, now: u64, out: &mut Vec<Out>) {
        match self.bytes::<1>() {
            [b'R'] => self.request = Some(Request::Read(u16::from_le_bytes(self.bytes()).into())),
            [b'P'] => self.request = Some(Request::Poll),
            [b'K'] => {
                self.port.is_listening = self.bytes::<1>() == [3];
                if !self.port.is_listening {
                    self.busy_until = now + self.packet_time;
                }
            }
            [b'W'] => {
                let length = u16::from_le_bytes(self.bytes());
                let said = self.text(length.into());
                out.push(Out::Message(said.try_into().unwrap()));
            }
            _ => {
                let [length] = self.bytes();
                let end = match self.text(length.into()).as_slice() {
                    b"" => End::Returned,
                    b"pause" => End::Paused,
                    b"KeyboardInterrupt" => End::Interrupted,
                    b"OSError" => End::Raised,
                    other => panic!("{}", String::from_utf8_lossy(other)),
                };
                self.end = Some(end);
                self.port.clear();
                out.push(Out::End(end));
            }
        }
    }

    /// Answer a read as far as possible; false where more is needed.
    fn read(&mut self, length: usize) -> bool {
        while self.read.len() < length {
            let Some(byte) = self.port.queue.pop_front() else {
                break;
            };
            let is_interrupt =
                self.port.interrupts == Interrupts::InOrder && self.port.is_listening;
            if byte == 3 && is_interrupt {
                self.interrupt();
                return true;
            }
            self.read.push(byte);
        }
        let is_whole = match self.port.interrupts {
            // It gives what there is.
            Interrupts::Byte => !self.read.is_empty(),
            _ => self.read.len() == length,
        };
        if is_whole {
            let read = std::mem::take(&mut self.read);
            self.answer(b'D', &read);
        }
        is_whole
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Device for Process {
    fn port(&mut self) -> &mut Port {
        &mut self.port
    }

    fn hello(&self) -> Option<Out> {
        None
    }

    fn next_time(&self) -> Option<u64> {
        if self.is_at_prompt() {
            return None;
        }
        if self.request.is_none() || !self.port.queue.is_empty() {
            return Some(self.busy_until);
        }
        self.port.interrupt_at.map(|at| at.max(self.busy_until))
    }

    fn run(&mut self, now: u64, out: &mut Vec<Out>) {
        while self.end.is_none() && self.busy_until <= now {
            match self.request {
                None => self.listen(now, out),
                Some(_) if self.port.is_interrupted(now) => self.interrupt(),
                Some(Request::Poll) => {
                    let is_ready = !self.port.queue.is_empty();
                    self.answer(if is_ready { b'Y' } else { b'N' }, b"");
                }
                Some(Request::Read(length)) => {
                    let goes_on = self.read(length);
                    self.port.pump(now);
                    if !goes_on && self.port.queue.is_empty() {
                        return;
                    }
                }
            }
        }
    }

    fn slowness(&self) -> u64 {
        2 * self.packet_time + self.port.lateness
    }

    fn is_at_prompt(&self) -> bool {
        self.end.is_some()
    }

    fn resume(&mut self, now: u64) {
        if self.end == Some(End::Paused) {
            self.end = None;
            self.busy_until = now;
            self.port.is_listening = true;
            self.answer(b'G', b"");
        }
    }

    fn reset(&mut self, out: &mut Vec<Out>) {
        self.child.kill().unwrap();
        self.end = Some(End::Interrupted);
        out.push(Out::Reset);
    }
}

/// One schedule with the real program; what the board has at its end.
fn play(seed: u64, folder: &Path) -> Outcome {
    let mut random = Random::new(seed);
    let count = random.below(4);
    let longest = random.of(&[10, 600, 6000]);
    let sizes: Vec<usize> = (0..=count)
        .map(|_| random.below(longest) as usize)
        .collect();
    let mut files = content(&sizes, &mut random);
    let failing = random.one_in(8).then(|| random.below(count + 1) as usize);
    if let Some((path, _)) = failing.and_then(|failing| files.get_mut(failing)) {
        *path = format!("no-folder/{path}");
    }
    let mode = random.of(&MODES);
    let heap = random.of(&[64, 128, 1024]);
    let verify = random.one_in(2);
    let mut process = Process::start(mode, heap, verify, folder);
    process.packet_time = random.of(&[0, MS, 900 * MS]);
    if random.one_in(4) {
        process.port.capacity = random.of(&[64, 260]);
        process.port.overflow = random.of(&[Overflow::Holds, Overflow::Drops]);
    }
    let mut run = Run::new(Vec::new(), process, 64, 0.0001);
    let (source, size) = (Source::new(steps(&files), verify), random.of(&[64, 1024]));
    run.sender = Sender::new(source, size, 0.0001, Duration::ZERO);
    run.sender.pause = random.of(&[usize::MAX, usize::MAX, 300]);
    for line in [&mut run.up, &mut run.down] {
        line.latency = random.of(&[0, MS, 400 * MS]);
        line.byte_time = random.of(&[1000, 86_805]);
        if random.one_in(4) {
            let at = random.below(3 * SECOND);
            line.pauses.push((at, at + 2 * SECOND));
        }
    }
    run.fates = vec![Fate::Arrives; 4];
    let mut faults = 0;
    if random.one_in(2) {
        for _ in 0..random.below(20) {
            let fate = random.of(&[
                Fate::Arrives,
                Fate::Late(700 * MS),
                Fate::Lost,
                Fate::Damaged,
                Fate::Cut,
                Fate::Duplicated,
            ]);
            faults += usize::from(!matches!(fate, Fate::Arrives | Fate::Late(_)));
            run.fates.push(fate);
        }
    }
    let time = random.below(4 * SECOND);
    match random.below(16) {
        0 => run.reset_at = Some(time),
        1 | 2 => run.kill_at = Some(time),
        _ => {}
    }
    let may_end = run.reset_at.is_some() || run.kill_at.is_some();
    run.random = random;
    let outcome = run.follow();
    let what = format!("schedule {seed} ({mode:?}, {outcome:?})");
    let done = check(&folder.join("board"), &files, &what);
    let all = failing.unwrap_or(files.len());
    assert!(done <= all, "{what}");
    match outcome {
        Outcome::Sent | Outcome::Refused => {
            assert_eq!(done, all, "{what}");
            assert_eq!(outcome == Outcome::Refused, failing.is_some(), "{what}");
        }
        _ => assert!(may_end || run.is_end_lost || faults > 3, "{what}"),
    }
    outcome
}

/// The first files are on the board, whole, and nothing else but one that is not complete. Gives how many there are.
fn check(board: &Path, files: &[(String, Vec<u8>)], what: &str) -> usize {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(board).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if !name.ends_with(".piton-new") {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    let count = found.len();
    let expected = files.iter().take(count).cloned().collect();
    assert!(found == expected, "{what}: wrong files");
    count
}

/// The board's program itself, in schedules that the seed determines.
#[test]
fn the_board_program_agrees_in_random_schedules() {
    let count = std::env::var("PITON_PROGRAMS").ok();
    let count: u64 = count.map_or(300, |count| count.parse().unwrap());
    let mut outcomes = BTreeMap::new();
    for seed in 0..count {
        let folder = tempfile::tempdir().unwrap();
        *outcomes.entry(play(seed, folder.path())).or_insert(0) += 1;
    }
    println!("{outcomes:?}");
}
