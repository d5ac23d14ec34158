//! Facts about a board that this connection has found out.

use std::collections::{BTreeMap, BTreeSet};

/// Compiles a program of the host to bytecode: an `.mpy` of version 6 without native code, which MicroPython 1.19 and later
/// load. Returns `None` if it cannot be compiled.
///
/// Loading bytecode is much faster than compiling source on the board: 7 ms instead of 149 ms for the longest program on
/// an RP2040.
pub type Compile = fn(source: &str) -> Option<Vec<u8>>;

/// Facts about a board that were found out on this connection, so that each is tried only once.
///
/// The layers above [`super::Repl`] set them. They are stored here because they are valid as long as the connection.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    /// Compiles the programs of the host to bytecode. Without it they are sent as source.
    pub compile: Option<Compile>,
    /// Whether the board loads bytecode from memory.
    pub loads_bytecode: Option<bool>,
    /// Whether the board runs programs that read bytes from `sys.stdin`.
    pub streams: Option<bool>,
    /// The length in bytes of the longest program that arrived in one write.
    pub longest_burst: usize,
    /// The time that each byte of the last program took to arrive, in seconds; 0 if no program was sent.
    pub seconds_per_byte: f64,
    /// Whether the line has damaged or lost bytes: short programs carry a checksum then.
    pub damages: bool,
    /// The programs that were loaded, by the checksum of their sources.
    pub loaded_programs: BTreeSet<u32>,
    /// The programs that are kept in the board's memory, by the checksum of their sources, with the value of
    /// [`super::Repl::soft_resets`] at that time: a soft reset removes them.
    pub kept_programs: BTreeMap<u32, u64>,
}

impl Learned {
    /// Returns whether the board has the program with this checksum in its memory. `soft_resets` is the current value.
    pub fn keeps(&self, checksum: u32, soft_resets: u64) -> bool {
        self.kept_programs.get(&checksum) == Some(&soft_resets)
    }

    /// Returns whether the board has any program in its memory. `soft_resets` is the current value.
    pub fn keeps_any(&self, soft_resets: u64) -> bool {
        self.kept_programs
            .values()
            .any(|before| *before == soft_resets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_soft_reset_removes_kept_programs() {
        let mut learned = Learned::default();
        assert!(!learned.keeps_any(0));
        learned.kept_programs.insert(7, 2);
        assert!(learned.keeps(7, 2) && learned.keeps_any(2));
        assert!(!learned.keeps(7, 3) && !learned.keeps_any(3) && !learned.keeps(8, 2));
    }
}
