//! The properties and faults of a virtual board.

use std::path::PathBuf;
use std::time::Duration;

/// The properties of a virtual board.
///
/// `BoardOptions::default()` is a board with an empty 2 MiB flash, a perfect line and 256 MiB of heap.
#[derive(Debug, Clone)]
pub struct BoardOptions {
    /// The storage of the board's files.
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
    /// The speed of the processor; see
    /// [`VirtualBoard::set_processor`](crate::VirtualBoard::set_processor) for a later one.
    pub processor: Processor,
    /// Faults that are armed when the board starts; see [`VirtualBoard::inject`](crate::VirtualBoard::inject)
    /// for later ones.
    pub faults: Vec<Fault>,
    /// The result of `machine.unique_id()`.
    pub unique_id: Vec<u8>,
    /// The effect of `machine.reset()` on the line.
    pub reset: Reset,
    /// How many steps of the WebAssembly interpreter ("fuel" of `wasmi`) the firmware may work after a Ctrl-C without
    /// reacting, before another Ctrl-C resets the board. `u64::MAX`: never.
    ///
    /// The firmware looks for a Ctrl-C between two bytecodes; `7 ** 10 ** 6` is one bytecode, and works for minutes.
    /// Hardware that is stuck so needs its reset button. The cause of the reset is the watchdog.
    pub unresponsive_after: u64,
}

impl Default for BoardOptions {
    fn default() -> Self {
        Self {
            flash: Flash::Memory { capacity: 2 << 20 },
            heap_limit: 256 << 20,
            line: LineOptions::default(),
            processor: Processor::default(),
            faults: Vec::new(),
            unique_id: b"virtual0".to_vec(),
            reset: Reset::KeepLine,
            unresponsive_after: 2_000_000_000,
        }
    }
}

/// The storage of a virtual board's files.
#[derive(Debug, Clone)]
pub enum Flash {
    /// In memory: empty at the start, kept over soft and hard resets, gone with the board.
    Memory {
        /// How many bytes of file content fit, before `OSError: 28` (`ENOSPC`).
        capacity: u64,
    },
    /// In a folder of the host, which must exist. The board can't reach anything outside of it.
    Directory(PathBuf),
    /// In several folders of the host, each at its own path.
    Folders(Vec<HostFolder>),
    /// In several folders of the host, which are only read: what the board changes stays in memory.
    Scratch {
        /// The folders.
        folders: Vec<HostFolder>,
        /// How many bytes of file content fit into the memory, before `OSError: 28` (`ENOSPC`).
        capacity: u64,
    },
}

/// A folder of the host at a path of the board. A folder inside of another one hides what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFolder {
    /// The path on the board, from its root, with `/` between names.
    pub at: String,
    /// The folder, which must exist. The board can't reach anything outside of it.
    pub path: PathBuf,
    /// Whether the board may change it. If not, a change is `OSError: 30` (`EROFS`).
    pub is_writable: bool,
}

/// The speed of the line between host and board, the same in both directions, and the room at its board end.
///
/// The default is a line that is as fast as memory and never loses a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineOptions {
    /// Bytes per second, or no limit. 115200 baud is 11520.
    pub bytes_per_second: Option<u32>,
    /// The time that a byte is in flight.
    pub latency: Duration,
    /// How many received bytes the board can hold until the running program reads them. `None`: any number,
    /// but the host's writes wait while 64 KiB are on their way or unread.
    ///
    /// On a line with a speed it is the program's own time that decides whether the ring overruns: what the host's
    /// scheduler takes from the board's thread does not count (on Windows it does).
    pub receive_ring: Option<usize>,
    /// The fate of a byte that arrives while the ring is full.
    pub overrun: Overrun,
    /// How many bytes each direction holds on their way until its sender has to wait. `None`: 64 KiB; 0 is as 1.
    ///
    /// The host's writes wait when `receive_ring` and this are full. Without [`Overrun::Wait`] the board takes
    /// each byte that arrives, and a line without a speed never fills.
    pub in_flight: Option<usize>,
    /// The effect of a received interrupt character on the bytes before it.
    pub interrupt: Interrupt,
    /// Bytes that are lost or changed at random.
    pub errors: Option<ByteErrors>,
}

/// The fate of a byte that arrives while the board's receive ring is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overrun {
    /// It is lost, as on a UART without flow control.
    #[default]
    Lose,
    /// It waits on the line with all that follow it, as on USB, and comes in when there is room.
    Wait,
}

/// The effect of a received interrupt character (Ctrl-C, unless the program sets another) on the receive ring of a
/// running program.
///
/// With either, it is seen only when it is taken from the line. With [`Overrun::Wait`] a full ring keeps it on the
/// line until the program reads, as on boards whose own USB is the line: they take bytes out of the USB queue only
/// while the ring has room (`tud_cdc_rx_cb` in `shared/tinyusb/mp_usbd_cdc.c`, `usb_serial_jtag_handle_rx` in
/// `ports/esp32/usb_serial_jtag.c`). With [`Overrun::Lose`] it is seen although the ring is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interrupt {
    /// Everything before it is lost: the USB of the rp2 port and of all others that use `tud_cdc_rx_cb`.
    #[default]
    ClearsRing,
    /// It alone is taken out: the UART of the ESP32 (`uart_irq_handler` in `ports/esp32/uart.c`), its serial JTAG,
    /// and the USB of the stm32 port (`usbd_cdc_receive` in `ports/stm32/usbd_cdc_interface.c`).
    KeepsRing,
}

/// Random errors of a line, in both directions: half of them lose a byte, half of them flip one of its bits.
///
/// Which bytes are hit depends on the seed and on the position of a byte in its direction, counted since the board
/// was started or its line was set; not on time, nor on how the bytes are divided into writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteErrors {
    /// How many of 1,000,000,000 bytes are hit on average. 1e-5 per byte is 10,000.
    pub per_billion: u32,
    /// Selects one of the possible sequences of errors. Each direction has its own.
    pub seed: u64,
}

/// The speed of a board's processor.
///
/// It changes when something happens, not what is sent. A slow processor rests after each short piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Processor {
    /// As fast as the host allows.
    #[default]
    Unlimited,
    /// Rests so that a program takes so many times as long. 0 and 1 are [`Processor::Unlimited`].
    TimesSlower(u32),
    /// At most so many steps of the WebAssembly interpreter ("fuel" of `wasmi`) in a second, whatever the host; 0 is
    /// as 1. A round of `for i in range(n): pass` takes some 40,000 steps, and a host does some 8,000,000,000 in a
    /// second.
    StepsPerSecond(u64),
}

/// One of the two directions of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the host to the board.
    ToBoard,
    /// From the board to the host.
    ToHost,
}

/// The trigger of a [`Fault::Stall`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StallAfter {
    /// So many received bytes were read, by a program or by the REPL.
    BytesRead(u64),
    /// So many write calls on files were made.
    FileWrites(u64),
    /// So many bytes were written to files. At 4096, a stall of 45 ms is the flash erase of an ESP32.
    FileBytes(u64),
}

/// The bytes on the line of a board since its start, counted at the host's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Bytes that the host sent, lost ones included.
    pub to_board: u64,
    /// Bytes that the host has received.
    pub to_host: u64,
    /// The number of times that the host received after it had sent. A tool that waits for each answer makes one turn
    /// for each request; acknowledgements that arrive while more is sent count too.
    pub turns: u64,
}

/// The effect on the line when the board resets itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The line stays, and shows the boot: a board behind a USB-to-serial converter.
    KeepLine,
    /// The line vanishes and returns after this time: a board whose own USB is the line.
    Vanish(Duration),
}

/// A fault, which happens once unless it has a number of times. Counts and positions start at 0 when the fault is
/// armed.
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
    /// The byte at this position arrives twice.
    Duplicate {
        /// The direction.
        direction: Direction,
        /// Position of the byte.
        at: u64,
    },
    /// A direction of the line pauses: bytes sent meanwhile wait in order, and none is lost.
    ///
    /// The pause begins when a byte has come in, so that a direction where nothing else is sent for as long shows
    /// nothing of it. A reset of the board or the loss of the line ends it.
    Pause {
        /// The direction.
        direction: Direction,
        /// After how many bytes it pauses, and again after as many more; 0 is as 1.
        after: u64,
        /// How long it pauses.
        length: Duration,
        /// How many times it pauses. `u32::MAX`: for ever.
        times: u32,
    },
    /// The board's bytes arrive late from this one on: it and all that follow wait, from the moment when it is sent.
    ///
    /// With position 0 it is the next answer that is late. A byte that is always late is [`LineOptions::latency`].
    Late {
        /// Position of the first byte that is late, in what the board sends.
        at: u64,
        /// How late it is.
        by: Duration,
    },
    /// The processor stops for a while, as it does while the flash is erased or written. What is received meanwhile
    /// has to fit the receive ring; then it is the line's [`Overrun`] that decides. The REPL is no exception.
    Stall {
        /// When it stops: after this, and again after as many more; 0 is as 1. The call that has the last byte
        /// takes as much longer.
        after: StallAfter,
        /// How long it stops.
        length: Duration,
        /// How many times it stops. `u32::MAX`: for ever.
        times: u32,
    },
    /// The board is unplugged after it has sent so many bytes, and plugged in again later: it boots again.
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
        /// The kind of the outage.
        outage: Outage,
    },
}

/// The kind of a power failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// A brown-out: the board boots at once, and the line stays.
    Brownout,
    /// The line vanishes, and the board boots after this time.
    Returns(Duration),
    /// The line vanishes, and the board stays dead until [`VirtualBoard::power_on`](crate::VirtualBoard::power_on).
    Dead,
}
