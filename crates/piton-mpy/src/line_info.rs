//! The line table in a prelude: which bytecode offset belongs to which source line.
//!
//! Entries say how far to skip in bytecode bytes and source lines, from offset 0 and line 1. Two
//! forms exist (`emit_write_code_info_bytes_lines`, py/emitbc.c):
//! `0LLBBBBB` (up to 31 bytes, 3 lines) and `1LLLBBBB LLLLLLLL` (up to 15 bytes, 2047 lines).

use serde::Serialize;

/// A line table, as encoded in the file. Empty if the module was compiled without line numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineInfo {
    encoded: Vec<u8>,
}

/// One encoded step of a line table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Skip {
    /// Bytecode bytes to go forward, 0 to 31.
    pub bytes: u32,
    /// Source lines to go forward, 0 to 2047.
    pub lines: u32,
}

impl LineInfo {
    /// Returns a table without entries.
    pub fn new() -> LineInfo {
        LineInfo::default()
    }

    /// Returns the table with this encoding; `None` if it ends inside an entry of two bytes.
    pub fn from_encoded(encoded: &[u8]) -> Option<LineInfo> {
        let mut at = encoded.iter();
        while let Some(first) = at.next() {
            if first & 0x80 != 0 {
                at.next()?;
            }
        }
        Some(LineInfo {
            encoded: encoded.to_vec(),
        })
    }

    /// Appends as many entries as it takes to go `bytes` of bytecode and `lines` of source forward.
    pub fn push(&mut self, mut bytes: u32, mut lines: u32) {
        while bytes > 0 || lines > 0 {
            let (byte_step, line_step);
            if lines <= 6 || bytes > 15 {
                byte_step = bytes.min(31);
                // Lines count only from where all the bytes are skipped.
                line_step = if byte_step < bytes { 0 } else { lines.min(3) };
                self.encoded.push((line_step << 5 | byte_step) as u8);
            } else {
                byte_step = bytes;
                line_step = lines.min(2047);
                self.encoded
                    .push((0x80 | (line_step >> 4 & 0x70) | byte_step) as u8);
                self.encoded.push(line_step as u8);
            }
            bytes -= byte_step;
            lines -= line_step;
        }
    }

    /// Returns the bytes in the file.
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// Returns whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.encoded.is_empty()
    }

    /// Returns the entries, in order.
    pub fn skips(&self) -> impl Iterator<Item = Skip> + '_ {
        let mut at = self.encoded.iter().copied().map(u32::from);
        std::iter::from_fn(move || {
            let first = at.next()?;
            if first & 0x80 == 0 {
                return Some(Skip {
                    bytes: first & 0x1f,
                    lines: first >> 5,
                });
            }
            Some(Skip {
                bytes: first & 0xf,
                lines: (first & 0x70) << 4 | at.next()?,
            })
        })
    }

    /// Returns where each source line starts, as (bytecode offset, line), by rising offset. In front of the
    /// first stands line 1 (`mp_bytecode_get_source_line`, py/bc.h).
    pub fn starts(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.skips().scan((0_u32, 1_u32), |(offset, line), skip| {
            *offset = offset.saturating_add(skip.bytes);
            *line = line.saturating_add(skip.lines);
            Some((*offset, *line))
        })
    }

    /// Returns the source line of the instruction at a bytecode offset.
    pub fn line_at(&self, offset: u32) -> u32 {
        self.starts()
            .take_while(|(start, _)| *start <= offset)
            .last()
            .map_or(1, |(_, line)| line)
    }
}
