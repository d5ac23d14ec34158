//! The sizes of jumps.
//!
//! Jumps take two or three bytes, and which of them depends on the distance. So jumps, labels and
//! lines are looked at until no size changes any more. In files of version 5 all take three.

use piton_mpy::line_info::LineInfo;
use piton_mpy::opcode::Opcode;
use piton_syntax::diagnostic::{DiagnosticCode, Failure};

use super::Label;

/// Something that later passes look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    /// Number of fixed bytes before it.
    pub(super) position: u32,
    pub(super) kind: EventKind,
}

impl Event {
    fn is_jump(&self) -> bool {
        matches!(self.kind, EventKind::Jump(..))
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum EventKind {
    Jump(Opcode, Label),
    Label(Label),
    Line(u32),
}

/// Finds the size of every jump. Returns line numbers and bytecode.
///
/// All jumps begin with three bytes and shrink while one is in reach with the layout as it is. The
/// official compiler does the same with offsets that are partly one pass old; jumps only ever
/// shrink, so both end at the same layout.
pub(super) fn settle(
    bytes: &[u8],
    events: &[Event],
    labels: u32,
    is_former: bool,
) -> Result<(LineInfo, Vec<u8>), Failure> {
    let mut layout = Layout::new(events, labels);
    if is_former {
        // All jumps have three bytes.
        layout.place(events);
        return Ok((
            layout.lines(events),
            layout.link(bytes, events, former_operand)?,
        ));
    }
    loop {
        layout.place(events);
        if !layout.shrink(events) {
            break;
        }
    }
    Ok((
        layout.lines(events),
        layout.link(bytes, events, long_operand)?,
    ))
}

/// The size of a jump with an offset of one byte, and of one with two.
const SHORT_JUMP: u8 = 2;
const LONG_JUMP: u8 = 3;

/// Where everything is.
#[derive(Debug)]
struct Layout {
    /// Size of each jump.
    sizes: Vec<u8>,
    /// Offset of each event.
    offsets: Vec<u32>,
    /// Offset of each label.
    labels: Vec<u32>,
}

impl Layout {
    fn new(events: &[Event], labels: u32) -> Layout {
        let jumps = events.iter().filter(|event| event.is_jump()).count();
        Layout {
            sizes: vec![LONG_JUMP; jumps],
            offsets: vec![0; events.len()],
            labels: vec![0; labels as usize],
        }
    }

    /// Works out all offsets.
    fn place(&mut self, events: &[Event]) {
        let mut sizes = self.sizes.iter();
        let mut jump_bytes = 0_u32;
        for (event, offset) in events.iter().zip(&mut self.offsets) {
            *offset = event.position.saturating_add(jump_bytes);
            match event.kind {
                EventKind::Jump(..) => {
                    let size = sizes.next().copied().unwrap_or(LONG_JUMP);
                    jump_bytes = jump_bytes.saturating_add(size.into());
                }
                EventKind::Label(label) => {
                    if let Some(place) = self.labels.get_mut(label.0 as usize) {
                        *place = *offset;
                    }
                }
                EventKind::Line(_) => {}
            }
        }
    }

    /// Returns the distance from a jump of two bytes at `offset` to its label.
    fn distance(labels: &[u32], offset: u32, label: Label) -> i64 {
        let target = labels.get(label.0 as usize).copied().unwrap_or(0);
        i64::from(target) - i64::from(offset) - i64::from(SHORT_JUMP)
    }

    /// Shortens jumps whose label is near. Returns whether there were any.
    fn shrink(&mut self, events: &[Event]) -> bool {
        let mut sizes = self.sizes.iter_mut();
        let mut any = false;
        for (event, offset) in events.iter().zip(&self.offsets) {
            let EventKind::Jump(opcode, label) = event.kind else {
                continue;
            };
            let Some(size) = sizes.next() else { break };
            let distance = Layout::distance(&self.labels, *offset, label);
            if *size == LONG_JUMP && short_range(opcode).contains(&distance) {
                *size = SHORT_JUMP;
                any = true;
            }
        }
        any
    }

    fn lines(&self, events: &[Event]) -> LineInfo {
        let mut lines = LineInfo::new();
        let (mut start, mut line) = (0, 1);
        for (event, &offset) in events.iter().zip(&self.offsets) {
            if let EventKind::Line(next) = event.kind {
                lines.push(offset - start, next - line);
                (start, line) = (offset, next);
            }
        }
        lines
    }

    /// Returns the fixed bytes with the jumps between them.
    fn link(
        &self,
        bytes: &[u8],
        events: &[Event],
        long_operand: fn(Opcode, i64) -> Option<[u8; 2]>,
    ) -> Result<Vec<u8>, Failure> {
        let mut code = Vec::with_capacity(bytes.len() + self.sizes.len() * 3);
        let mut sizes = self.sizes.iter();
        let mut done = 0;
        for (event, &offset) in events.iter().zip(&self.offsets) {
            let EventKind::Jump(opcode, label) = event.kind else {
                continue;
            };
            let position = event.position as usize;
            code.extend_from_slice(bytes.get(done..position).unwrap_or_default());
            done = position;
            code.push(opcode.byte());
            let distance = Layout::distance(&self.labels, offset, label);
            if sizes.next() == Some(&SHORT_JUMP) {
                let operand = distance - short_range(opcode).start;
                code.push(operand.to_le_bytes()[0]);
            } else {
                let operand = long_operand(opcode, distance - 1)
                    .ok_or_else(|| Failure::nowhere(DiagnosticCode::JumpTooFar))?;
                code.extend_from_slice(&operand);
            }
        }
        code.extend_from_slice(bytes.get(done..).unwrap_or_default());
        Ok(code)
    }
}

/// Returns the operand of a jump of three bytes over a distance, if it has one.
fn long_operand(opcode: Opcode, distance: i64) -> Option<[u8; 2]> {
    let operand = distance + if is_signed(opcode) { 0x4000 } else { 0 };
    let in_range = (0..0x8000).contains(&operand);
    let high = (operand >> 7).to_le_bytes()[0];
    in_range.then(|| [operand.to_le_bytes()[0] | 0x80, high])
}

/// Returns the operand of a jump in a file of version 5, if it has one. There the jumps of `and` and `or` go in both
/// directions, too.
fn former_operand(opcode: Opcode, distance: i64) -> Option<[u8; 2]> {
    let is_signed = opcode.byte() <= Opcode::JUMP_IF_FALSE_OR_POP.byte();
    let operand = distance + if is_signed { 0x8000 } else { 0 };
    u16::try_from(operand).ok().map(u16::to_le_bytes)
}

/// Returns whether an opcode jumps in both directions.
fn is_signed(opcode: Opcode) -> bool {
    opcode.byte() <= Opcode::POP_JUMP_IF_FALSE.byte()
}

/// Returns the distances an offset of one byte can hold.
fn short_range(opcode: Opcode) -> std::ops::Range<i64> {
    if is_signed(opcode) {
        -0x40..0x40
    } else {
        0..0x80
    }
}
