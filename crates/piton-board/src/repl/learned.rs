//! What was learned about a board on this connection, by trying.

use std::collections::{BTreeMap, BTreeSet};

/// Makes bytecode of the programs that the host itself sends to boards: `.mpy` of version 6 without native code, as MicroPython
/// 1.19 and later load it. Returns `None` where it cannot.
///
/// A board compiles a line of Python in the time in which it loads thirty of bytecode: 149 ms against 7 ms for the longest program
/// on an RP2040.
pub type Compile = fn(source: &str) -> Option<Vec<u8>>;

/// What was learned about a board on this connection, by trying, so that it is tried once.
///
/// The layers above [`super::Repl`] fill it in. It lives here because it lasts as long as the connection.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    /// How the programs of the host become bytecode; without it they go to the board as source.
    pub compile: Option<Compile>,
    /// Whether the board loads bytecode from memory.
    pub loads_bytecode: Option<bool>,
    /// Whether the board runs programs that read bytes from `sys.stdin`.
    pub streams: Option<bool>,
    /// The longest program that arrived in one piece, in bytes.
    pub longest_burst: usize,
    /// How long each byte of a program took to arrive, in seconds; 0 if no program was sent.
    pub seconds_per_byte: f64,
    /// The programs that were loaded, by the checksum of their sources.
    pub loaded_programs: BTreeSet<u32>,
    /// The programs that stay in the board's memory for their next use, with [`super::Repl::soft_resets`] at that time: a soft reset
    /// removes them.
    pub kept_programs: BTreeMap<u32, u64>,
}

impl Learned {
    /// Returns whether the board has the program with this checksum in its memory, after so many soft resets.
    pub fn keeps(&self, checksum: u32, soft_resets: u64) -> bool {
        self.kept_programs.get(&checksum) == Some(&soft_resets)
    }

    /// Returns whether the board has any program in its memory, after so many soft resets.
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
    fn a_soft_reset_removes_what_was_kept() {
        let mut learned = Learned::default();
        assert!(!learned.keeps_any(0));
        learned.kept_programs.insert(7, 2);
        assert!(learned.keeps(7, 2) && learned.keeps_any(2));
        assert!(!learned.keeps(7, 3) && !learned.keeps_any(3) && !learned.keeps(8, 2));
    }
}
