//! Faults of the line: lost, changed, doubled and late bytes, pauses, resets and a vanishing board.

use std::time::Duration;

use super::random::RandomErrors;
use crate::options::{ByteErrors, Direction, Fault, StallAfter};

/// The effect of a fault on a byte.
#[derive(Debug, Clone, Copy)]
enum Effect {
    /// Bits are flipped.
    Flip(u8),
    Lose,
    Double,
    /// It arrives later.
    Delay(Duration),
}

/// A fault of one byte.
#[derive(Debug)]
struct ByteFault {
    position: u64,
    effect: Effect,
}

/// A fault that lasts for a time, each time after so many counts.
#[derive(Debug)]
struct Recurring {
    every: u64,
    /// Counts left until the next time.
    left: u64,
    length: Duration,
    times: u32,
}

impl Recurring {
    fn new(every: u64, length: Duration, times: u32) -> Recurring {
        let every = every.max(1);
        Recurring {
            every,
            left: every,
            length,
            times,
        }
    }

    /// Counts, and returns how long the fault lasts now, 0 for not at all.
    fn count(&mut self, mut count: u64) -> Duration {
        let mut length = Duration::ZERO;
        while self.times > 0 && count >= self.left {
            count -= self.left;
            self.left = self.every;
            // `u32::MAX` means for ever.
            self.times -= u32::from(self.times < u32::MAX);
            length = length.saturating_add(self.length);
        }
        self.left -= count.min(self.left);
        length
    }
}

/// Counts for all faults, removes those that are over, and returns how long they last together.
fn count_all(all: &mut Vec<Recurring>, count: u64) -> Duration {
    let mut length = Duration::ZERO;
    all.retain_mut(|one| {
        length = length.saturating_add(one.count(count));
        one.times > 0
    });
    length
}

/// The fate of a byte.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Passed {
    /// The bytes that arrive: none, one, or the same one twice.
    pub(super) byte: Option<u8>,
    pub(super) twice: bool,
    /// The delay of this byte and those after it.
    pub(super) late: Duration,
    /// The pause of the direction after it.
    pub(super) pause: Duration,
}

/// The faults of one direction, and the number of bytes that have passed.
#[derive(Debug, Default)]
pub(super) struct DirectionFaults {
    bytes: u64,
    faults: Vec<ByteFault>,
    pauses: Vec<Recurring>,
    errors: Option<RandomErrors>,
}

impl DirectionFaults {
    fn arm(&mut self, at: u64, effect: Effect) {
        let position = self.bytes.saturating_add(at);
        self.faults.push(ByteFault { position, effect });
    }

    /// Returns whether no fault is armed, so that every byte passes unchanged.
    pub(super) fn is_idle(&self) -> bool {
        self.faults.is_empty() && self.pauses.is_empty() && self.errors.is_none()
    }

    /// Counts bytes that passed while no fault was armed.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Applies the faults to the next byte.
    pub(super) fn pass(&mut self, byte: u8) -> Passed {
        let position = self.bytes;
        self.bytes += 1;
        let mut passed = Passed {
            byte: Some(byte),
            ..Passed::default()
        };
        self.faults.retain(|fault| {
            if fault.position != position {
                return true;
            }
            match fault.effect {
                Effect::Flip(mask) => passed.byte = passed.byte.map(|byte| byte ^ mask),
                Effect::Lose => passed.byte = None,
                Effect::Double => passed.twice = true,
                Effect::Delay(by) => passed.late = passed.late.saturating_add(by),
            }
            false
        });
        if let Some(errors) = &mut self.errors {
            passed.byte = passed.byte.and_then(|byte| errors.pass(byte));
        }
        passed.pause = count_all(&mut self.pauses, 1);
        passed
    }
}

/// All faults of a line.
#[derive(Debug, Default)]
pub(super) struct LineFaults {
    pub(super) to_board: DirectionFaults,
    pub(super) to_host: DirectionFaults,
    /// The number of bytes to the host until the board vanishes, and for how long.
    vanish: Option<(u64, Duration)>,
    /// The number of bytes to the board until it resets.
    reset: Option<u64>,
    stalls_by_bytes_read: Vec<Recurring>,
    stalls_by_file_writes: Vec<Recurring>,
    stalls_by_file_bytes: Vec<Recurring>,
}

impl LineFaults {
    /// Arms a fault of the line. Faults of the flash are ignored.
    pub(super) fn arm(&mut self, fault: &Fault) {
        match *fault {
            Fault::DropToBoard { at } => self.to_board.arm(at, Effect::Lose),
            Fault::CorruptToBoard { at, mask } => self.to_board.arm(at, Effect::Flip(mask)),
            Fault::DropToHost { at } => self.to_host.arm(at, Effect::Lose),
            Fault::CorruptToHost { at, mask } => self.to_host.arm(at, Effect::Flip(mask)),
            Fault::Duplicate { direction, at } => self.direction(direction).arm(at, Effect::Double),
            Fault::Late { at, by } => self.to_host.arm(at, Effect::Delay(by)),
            Fault::Pause {
                direction,
                after,
                length,
                times,
            } => {
                let pause = Recurring::new(after, length, times);
                self.direction(direction).pauses.push(pause);
            }
            Fault::Stall {
                after,
                length,
                times,
            } => {
                let (stalls, every) = match after {
                    StallAfter::BytesRead(every) => (&mut self.stalls_by_bytes_read, every),
                    StallAfter::FileWrites(every) => (&mut self.stalls_by_file_writes, every),
                    StallAfter::FileBytes(every) => (&mut self.stalls_by_file_bytes, every),
                };
                stalls.push(Recurring::new(every, length, times));
            }
            Fault::Vanish {
                after_bytes_to_host,
                returns_after,
            } => self.vanish = Some((after_bytes_to_host, returns_after)),
            Fault::ResetAfter { bytes_to_board } => self.reset = Some(bytes_to_board),
            Fault::FlashFull { .. } | Fault::PowerCut { .. } => {}
        }
    }

    fn direction(&mut self, direction: Direction) -> &mut DirectionFaults {
        match direction {
            Direction::ToBoard => &mut self.to_board,
            Direction::ToHost => &mut self.to_host,
        }
    }

    /// Sets the random errors, which begin again, or ends them.
    pub(super) fn set_errors(&mut self, errors: Option<ByteErrors>) {
        for (direction, stream) in [(&mut self.to_board, 0), (&mut self.to_host, 1)] {
            direction.errors = errors.map(|errors| RandomErrors::new(errors, stream));
        }
    }

    /// Counts a byte that arrived at the board. Returns whether the board resets now.
    pub(super) fn resets_on_byte(&mut self) -> bool {
        count_down(&mut self.reset)
    }

    /// Counts bytes that leave the board. Returns how many of them come before it vanishes, and for how long it does.
    pub(super) fn vanishes_within(&mut self, bytes: usize) -> Option<(usize, Duration)> {
        let (left, duration) = self.vanish?;
        match usize::try_from(left).ok().filter(|left| *left < bytes) {
            Some(before) => {
                self.vanish = None;
                Some((before, duration))
            }
            None => {
                self.vanish = Some((left - bytes as u64, duration));
                None
            }
        }
    }

    /// Counts read bytes. Returns how long the processor stalls now.
    pub(super) fn stalls_on_read(&mut self, bytes: usize) -> Duration {
        count_all(&mut self.stalls_by_bytes_read, bytes as u64)
    }

    /// Counts a write to a file. Returns how long the processor stalls now.
    pub(super) fn stalls_on_write(&mut self, bytes: u32) -> Duration {
        let for_call = count_all(&mut self.stalls_by_file_writes, 1);
        for_call.saturating_add(count_all(&mut self.stalls_by_file_bytes, bytes.into()))
    }
}

/// Counts down by one. Returns true once, at zero.
fn count_down(left: &mut Option<u64>) -> bool {
    if let Some(count) = left {
        *count = count.saturating_sub(1);
        if *count == 0 {
            *left = None;
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(3);

    fn armed(faults: &[Fault]) -> LineFaults {
        let mut armed = LineFaults::default();
        for fault in faults {
            armed.arm(fault);
        }
        armed
    }

    #[test]
    fn pauses_recur_as_often_as_asked() {
        for (times, expected) in [(1, &[3][..]), (2, &[3, 6]), (u32::MAX, &[3, 6, 9])] {
            let mut faults = armed(&[Fault::Pause {
                direction: Direction::ToBoard,
                after: 3,
                length: SHORT,
                times,
            }]);
            let pauses: Vec<u32> = (1..=10)
                .filter(|_| faults.to_board.pass(0).pause == SHORT)
                .collect();
            assert_eq!(pauses, expected);
            assert_eq!(faults.to_board.is_idle(), times < u32::MAX);
            assert!(faults.to_host.is_idle());
        }
    }

    #[test]
    fn one_write_may_stall_more_than_once() {
        let mut faults = armed(&[
            Fault::Stall {
                after: StallAfter::FileBytes(4096),
                length: SHORT,
                times: 3,
            },
            Fault::Stall {
                after: StallAfter::FileWrites(2),
                length: SHORT,
                times: 1,
            },
        ]);
        let stalls = [4095, 1, 0, 8192, 100_000].map(|bytes| faults.stalls_on_write(bytes));
        let none = Duration::ZERO;
        assert_eq!(stalls, [none, SHORT * 2, none, SHORT * 2, none]);
    }

    #[test]
    fn all_faults_of_one_byte_occur() {
        let mut faults = armed(&[
            Fault::Duplicate {
                direction: Direction::ToHost,
                at: 1,
            },
            Fault::CorruptToHost { at: 1, mask: 3 },
            Fault::Late { at: 1, by: SHORT },
        ]);
        faults.to_host.pass(b'a');
        let expected = Passed {
            byte: Some(b'a' ^ 3),
            twice: true,
            late: SHORT,
            pause: Duration::ZERO,
        };
        assert_eq!(faults.to_host.pass(b'a'), expected);
        assert!(faults.to_host.is_idle());
    }

    #[test]
    fn the_board_vanishes_within_a_write_or_a_later_one() {
        let mut faults = armed(&[Fault::Vanish {
            after_bytes_to_host: 5,
            returns_after: SHORT,
        }]);
        assert_eq!(faults.vanishes_within(5), None);
        assert_eq!(faults.vanishes_within(1), Some((0, SHORT)));
        assert_eq!(faults.vanishes_within(1), None);
    }
}
