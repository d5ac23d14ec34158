//! Applying faults to bytes before they are put on the line.

use std::collections::VecDeque;
use std::time::Instant;

use super::faults::DirectionFaults;
use super::flow::Flow;
use crate::options::LineOptions;

/// Puts bytes on the line in one direction, with the faults that hit them.
pub(super) fn transmit(
    bytes: &[u8],
    faults: &mut DirectionFaults,
    flow: &mut Flow,
    line: &LineOptions,
    now: Instant,
) {
    if faults.is_idle() {
        faults.skip(bytes.len());
        return flow.send(bytes.iter().copied().collect(), line, now);
    }
    let mut together = VecDeque::with_capacity(bytes.len());
    for &byte in bytes {
        let passed = faults.pass(byte);
        if !passed.late.is_zero() {
            flow.send(std::mem::take(&mut together), line, now);
            flow.delay(passed.late, line, now);
        }
        together.extend(passed.byte);
        if passed.twice {
            together.extend(passed.byte);
        }
        if !passed.pause.is_zero() {
            flow.send(std::mem::take(&mut together), line, now);
            flow.pause(passed.pause, line, now);
        }
    }
    flow.send(together, line, now);
}
