//! A session on a line that damages, loses and cuts: a correct value, or an error that says what happened, each time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use piton::deadline::set_timeout_factor;
use piton::device::{Device, DeviceError, Task};
use piton::virtual_board::{BoardOptions, Direction, Fault, VirtualBoard};

use crate::device::{open, start};

/// How long a call may take, whatever happens to it.
const LIMIT: Duration = Duration::from_secs(40);

/// A session, and a task that counts its calls on the board.
struct Counter {
    device: Device,
    board: Arc<VirtualBoard>,
    add: Task,
    count: i64,
    rounds: u32,
}

impl Counter {
    fn start() -> Counter {
        // The waits of the protocol are for boards that are slower than this one.
        set_timeout_factor(0.2);
        let board = start(None, BoardOptions::default());
        let device = open(&board).unwrap();
        let source = "count = 0\ndef add(text):\n    global count\n    count += 1\n    return count, text * 2\n";
        let add = device.task(source, "add").unwrap();
        let mut counter = Counter {
            device,
            board,
            add,
            count: 0,
            rounds: 0,
        };
        counter.call("the first").unwrap();
        counter
    }

    /// Calls the task. A value is checked: the text is right, and the board has carried out each call once, unless it was
    /// reset and counts from 0.
    fn call(&mut self, text: &str) -> Result<(), DeviceError> {
        let begin = Instant::now();
        let called = self.add.call::<(i64, String)>((text,));
        assert!(begin.elapsed() < LIMIT, "{:?}", begin.elapsed());
        let (count, doubled) = called?;
        assert_eq!(doubled, text.repeat(2));
        let is_next = count == self.count + 1 || count == 1;
        assert!(is_next, "{count} after {}", self.count);
        self.count = count;
        Ok(())
    }

    /// Calls while a fault is armed, and again afterwards: that must succeed.
    fn survives(&mut self, fault: &Fault) -> &'static str {
        self.rounds += 1;
        if self.rounds.is_multiple_of(2) {
            // The next call is a program, in the other rounds it is a line.
            self.device.exec_once("pass", Default::default()).unwrap();
        }
        self.board.inject(fault);
        let outcome = match self.call("with a fault") {
            Ok(()) => "a value",
            Err(DeviceError::Lost(_) | DeviceError::NotConnected(_)) => "lost",
            Err(DeviceError::BoardReset) => "reset",
            Err(DeviceError::Damaged(_)) => "damaged",
            Err(error) => panic!("{fault:?}: {error:?}"),
        };
        // A call that failed may have been carried out.
        self.count = match self.device.eval("count") {
            Ok(count) => count,
            // A fault that the call did not reach.
            Err(DeviceError::Lost(_) | DeviceError::BoardReset) => {
                self.device.eval("count").unwrap()
            }
            Err(error) => panic!("{fault:?}: {error:?}"),
        };
        match self.call("without a fault") {
            Ok(()) => {}
            // A fault that even the second call did not reach.
            Err(DeviceError::Lost(_) | DeviceError::BoardReset) if outcome == "a value" => {
                self.call("without a fault").unwrap();
            }
            Err(error) => panic!("after {fault:?} ({outcome}): {error:?}"),
        }
        outcome
    }
}

/// How many bytes a call has in each direction, at least.
fn length_of_a_call(counter: &mut Counter) -> (u64, u64) {
    let before = counter.board.traffic();
    counter.call("with a fault").unwrap();
    let after = counter.board.traffic();
    (
        after.to_board - before.to_board,
        after.to_host - before.to_host,
    )
}

/// Returns the places of faults, `step` bytes apart, since a lost byte is found by waiting. `PITON_FAULT_STEP=1` takes every
/// byte, for some minutes.
fn places(length: u64, step: usize) -> impl Iterator<Item = u64> {
    let chosen = std::env::var("PITON_FAULT_STEP").ok();
    let step = chosen.map_or(step, |step| step.parse().unwrap());
    (0..length).step_by(step)
}

#[test]
fn damage_to_the_board_all_over_a_call() {
    let mut counter = Counter::start();
    let (length, _) = length_of_a_call(&mut counter);
    for (index, at) in places(length, 31).enumerate() {
        // One kind at each place: the host finds each of them by waiting.
        counter.survives(&match index % 3 {
            0 => Fault::CorruptToBoard { at, mask: 1 },
            1 => Fault::CorruptToBoard { at, mask: 0x20 },
            _ => Fault::DropToBoard { at },
        });
    }
}

#[test]
fn damage_to_the_host_all_over_an_answer() {
    let mut counter = Counter::start();
    let (_, length) = length_of_a_call(&mut counter);
    for at in places(length, 11) {
        counter.survives(&Fault::CorruptToHost { at, mask: 1 });
        counter.survives(&Fault::DropToHost { at });
        let direction = Direction::ToHost;
        counter.survives(&Fault::Duplicate { direction, at });
    }
}

#[test]
fn resets_and_cuts_all_over_a_call() {
    let mut counter = Counter::start();
    let (out, back) = length_of_a_call(&mut counter);
    let mut outcomes = Vec::new();
    for after in places(out, 17) {
        outcomes.push(counter.survives(&Fault::ResetAfter {
            bytes_to_board: after,
        }));
    }
    for after in places(back, 17) {
        let away = Duration::from_millis(30);
        outcomes.push(counter.survives(&Fault::Vanish {
            after_bytes_to_host: after,
            returns_after: away,
        }));
    }
    assert!(outcomes.contains(&"lost"), "{outcomes:?}");
}

#[test]
fn an_answer_is_lost_as_the_board_begins_to_take_lines() {
    let mut counter = Counter::start();
    counter.call("a call that brings the loop").unwrap();
    let mut lengths = (0, 0);
    for _ in 0..2 {
        // The next call is a program, which goes on to the loop.
        counter
            .device
            .exec_once("pass", Default::default())
            .unwrap();
        if lengths.1 > 0 {
            // Two numbers stand between the mark and the answer.
            let answer = "R(1, 'with a faultwith a fault')".len() + "32 1234567890 ".len();
            let at = lengths.1 - answer as u64 - 6;
            counter.board.inject(&Fault::CorruptToHost { at, mask: 64 });
        }
        lengths = length_of_a_call(&mut counter);
    }
}
