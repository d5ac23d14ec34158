//! What a virtual board is made of, and what may go wrong with it.

use std::path::PathBuf;
use std::time::Duration;

/// The properties of a virtual board.
///
/// `BoardOptions::default()` is a board with an empty 2 MiB flash, a perfect line and 256 MiB of heap.
#[derive(Debug, Clone)]
pub struct BoardOptions {
    /// Where the board keeps its files.
    pub flash: Flash,
    /// How many bytes the Python heap may grow by, beyond the 1 MiB that are always there, before
    /// `MemoryError`.
    ///
    /// The firmware collects garbage only when no Python is running, so that a long loop that allocates
    /// needs much more than it would on hardware. It doubles the heap when that is full, and can't allocate
    /// one object that is larger than the heap is at that moment.
    pub heap_limit: usize,
    /// The speed and the losses of the line.
    pub line: LineOptions,
    /// Faults that are armed when the board starts; see [`VirtualBoard::inject`](crate::VirtualBoard::inject)
    /// for later ones.
    pub faults: Vec<Fault>,
    /// What `machine.unique_id()` returns.
    pub unique_id: Vec<u8>,
    /// What the host sees of the line when the program calls `machine.reset()`.
    pub reset: Reset,
}

impl Default for BoardOptions {
    fn default() -> Self {
        Self {
            flash: Flash::Memory { capacity: 2 << 20 },
            heap_limit: 256 << 20,
            line: LineOptions::default(),
            faults: Vec::new(),
            unique_id: b"virtual0".to_vec(),
            reset: Reset::KeepLine,
        }
    }
}

/// Where a virtual board keeps its files.
#[derive(Debug, Clone)]
pub enum Flash {
    /// In memory: empty at the start, kept over soft and hard resets, gone with the board.
    Memory {
        /// How many bytes of file content fit, before `OSError: 28` (`ENOSPC`).
        capacity: u64,
    },
    /// In a folder of the host, which must exist. The board can't reach anything outside of it.
    Directory(PathBuf),
}

/// The speed of the line between host and board, the same in both directions, and the room at its board end.
///
/// The default is a line that is as fast as memory and never loses a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineOptions {
    /// How many bytes go over the line in a second, or no limit. 115200 baud is 11520.
    pub bytes_per_second: Option<u32>,
    /// How long a byte travels.
    pub latency: Duration,
    /// How many received bytes the board can hold until the running program reads them. `None`: any number,
    /// but the host's writes wait while 64 KiB are on their way or unread.
    pub receive_ring: Option<usize>,
    /// What becomes of a byte that finds the ring full.
    pub overrun: Overrun,
}

/// What becomes of a byte that finds the board's receive ring full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overrun {
    /// It is lost, as on a UART without flow control.
    #[default]
    Lose,
    /// It waits on the line with all that follow it, as on USB, and comes in when there is room.
    Wait,
}

/// What went over the line of a board since it was started, counted at the host's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Bytes that the host sent, lost ones included.
    pub to_board: u64,
    /// Bytes that the host has received.
    pub to_host: u64,
    /// How often something came in at the host after it had sent something. A tool that waits for each
    /// answer makes as many turns as it has questions; acknowledgements that come in while more is being
    /// sent count, too.
    pub turns: u64,
}

/// What the host sees of the line when the board resets itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The line stays, and shows the boot: a board behind a USB-to-serial converter.
    KeepLine,
    /// The line vanishes and returns after this time: a board whose own USB is the line.
    Vanish(Duration),
}

/// One thing that goes wrong, once. Counts and positions start at 0 when the fault is armed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The byte at this position is lost on its way to the board.
    DropToBoard {
        /// Position of the byte.
        at: u64,
    },
    /// The byte at this position has bits flipped on its way to the board.
    CorruptToBoard {
        /// Position of the byte.
        at: u64,
        /// The bits to flip.
        mask: u8,
    },
    /// The byte at this position is lost on its way to the host.
    DropToHost {
        /// Position of the byte.
        at: u64,
    },
    /// The byte at this position has bits flipped on its way to the host.
    CorruptToHost {
        /// Position of the byte.
        at: u64,
        /// The bits to flip.
        mask: u8,
    },
    /// The board is unplugged after it has sent so many bytes, and plugged in again later: it boots anew.
    Vanish {
        /// How many bytes the host still gets.
        after_bytes_to_host: u64,
        /// How long the board is away.
        returns_after: Duration,
    },
    /// The board resets when it has received so many bytes; what is on the line at that moment is lost.
    /// The line stays.
    ResetAfter {
        /// How many bytes the board still gets.
        bytes_to_board: u64,
    },
    /// The flash has no more room (`ENOSPC`) after so many bytes were written, whatever is deleted.
    FlashFull {
        /// How many bytes can still be written.
        after_bytes: u64,
    },
    /// The power fails at a flash operation: it and everything later is lost.
    ///
    /// A flash operation is one write call, or the creation, truncation, renaming or removal of a file or
    /// folder.
    PowerCut {
        /// How many flash operations still succeed.
        after_writes: u64,
        /// What happens then.
        outage: Outage,
    },
}

/// How long the power stays away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// A brown-out: the board boots at once, and the line stays.
    Brownout,
    /// The line vanishes, and the board boots after this time.
    Returns(Duration),
    /// The line vanishes, and the board stays dead until [`VirtualBoard::power_on`](crate::VirtualBoard::power_on).
    Dead,
}
