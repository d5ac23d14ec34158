//! What goes wrong on the line: bytes lost, bytes changed, and the moments something breaks.

use std::time::Duration;

use crate::options::Fault;

/// A byte that will not come through as it was sent.
#[derive(Debug)]
struct ByteFault {
    position: u64,
    /// The bits to flip; `None` loses the byte.
    mask: Option<u8>,
}

/// The faults of one direction, and how many bytes went through it.
#[derive(Debug, Default)]
pub(super) struct DirectionFaults {
    bytes: u64,
    faults: Vec<ByteFault>,
}

impl DirectionFaults {
    fn arm(&mut self, at: u64, mask: Option<u8>) {
        let position = self.bytes.saturating_add(at);
        self.faults.push(ByteFault { position, mask });
    }

    /// What becomes of the next byte.
    pub(super) fn pass(&mut self, byte: u8) -> Option<u8> {
        let position = self.bytes;
        self.bytes += 1;
        if self.faults.is_empty() {
            return Some(byte);
        }
        let mut result = Some(byte);
        self.faults.retain(|fault| {
            if fault.position != position {
                return true;
            }
            result = result.and_then(|byte| fault.mask.map(|mask| byte ^ mask));
            false
        });
        result
    }
}

/// All faults of a line.
#[derive(Debug, Default)]
pub(super) struct LineFaults {
    pub(super) to_board: DirectionFaults,
    pub(super) to_host: DirectionFaults,
    /// After how many more bytes to the host the board vanishes, and for how long.
    vanish: Option<(u64, Duration)>,
    /// After how many more bytes to the board it resets.
    reset: Option<u64>,
}

impl LineFaults {
    /// Arm a fault of the line. Faults of the flash are none of its business.
    pub(super) fn arm(&mut self, fault: &Fault) {
        match *fault {
            Fault::DropToBoard { at } => self.to_board.arm(at, None),
            Fault::CorruptToBoard { at, mask } => self.to_board.arm(at, Some(mask)),
            Fault::DropToHost { at } => self.to_host.arm(at, None),
            Fault::CorruptToHost { at, mask } => self.to_host.arm(at, Some(mask)),
            Fault::Vanish {
                after_bytes_to_host,
                returns_after,
            } => self.vanish = Some((after_bytes_to_host, returns_after)),
            Fault::ResetAfter { bytes_to_board } => self.reset = Some(bytes_to_board),
            Fault::FlashFull { .. } | Fault::PowerCut { .. } => {}
        }
    }

    /// One byte has come in at the board: does it reset now?
    pub(super) fn resets_on_byte(&mut self) -> bool {
        count_down(&mut self.reset)
    }

    /// One byte leaves the board: does it vanish before it, and for how long?
    pub(super) fn vanishes_before_byte(&mut self) -> Option<Duration> {
        match &mut self.vanish {
            Some((0, duration)) => {
                let duration = *duration;
                self.vanish = None;
                Some(duration)
            }
            Some((left, _)) => {
                *left -= 1;
                None
            }
            None => None,
        }
    }
}

/// Count one of something down; true once, when the last one is gone.
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
