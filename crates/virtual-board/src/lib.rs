//! A real MicroPython board without hardware: the official WebAssembly firmware in process, behind a byte
//! pipe, with the faults of serial lines and flash on request.
//!
//! The firmware is the `micropython.wasm` of the npm package `@micropython/micropython-webassembly-pyscript`,
//! versions 1.25.0 to 1.29.0, unchanged; it runs on the interpreter `wasmi`. Around it this crate builds what
//! makes a board: a line, a flash, a clock, and a `machine` module.
//!
//! ```no_run
//! use std::{path::Path, time::Duration};
//! use virtual_board::{BoardOptions, VirtualBoard, VmImage};
//!
//! let image = VmImage::open(Path::new("micropython.wasm"))?;
//! let board = VirtualBoard::start(&image, BoardOptions::default())?;
//! let line = board.open()?;
//! line.write_all(b"print(1 + 1)\r", None)?;
//! let mut output = Vec::new();
//! while !output.ends_with(b"2\r\n>>> ") {
//!     let mut buf = [0; 256];
//!     let count = line.read(&mut buf, Some(Duration::from_secs(1)))?;
//!     output.extend(buf.iter().take(count));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the board does
//!
//! Friendly, raw and raw-paste REPL, Ctrl-C into running code, sleeps and reads, soft reset with `boot.py` and
//! `main.py`, files and modules from the flash, all 256 byte values both ways. A crash of the firmware is
//! reported on the line, and the board boots again.
//!
//! # What the hardware does
//!
//! `machine`, `network`, `socket`, `bluetooth` and others are substitutes in Python that store what a program sets:
//! `device/machine.py`, and `device/modules/*.py`, which the board sees as `/.virtual-board`, the last folder of
//! `sys.path`. They are read when they are imported. `docs/virtual-board.md` describes each of them.
//!
//! Timers fire while the program sleeps, reads, polls, asks for the time, or is at the prompt: they do not interrupt
//! running Python code. Sockets reach the board itself.
//!
//! # What it does not do
//!
//! - No network outside the board, no threads, native code, and no `VfsFat` or `VfsLfs2`.
//! - The firmware collects garbage only when no Python runs: a program that allocates for hours fills its heap.
//! - `asyncio` is the firmware's own, made for JavaScript's event loop; `asyncio.run`, streams and `ThreadSafeFlag` are
//!   added.
//! - C code takes no Ctrl-C: a second one resets the board ([`BoardOptions::unresponsive_after`]).
//! - Up to 1.26 the firmware does not watch its C stack: some deep recursions crash it, and the board reboots.
//! - Raw-paste source is compiled when it has arrived as a whole, and can't have the bytes 1 to 5 in it.
//! - `print("\r\n")` sends CR LF, where hardware sends CR CR LF.
//! - In a folder of the host, the board does not see names that are not UTF-8.
//!
//! # How it works
//!
//! One thread per board owns the interpreter. The start-up code (`device/*.py`) runs once per
//! [`VmImage`]; every boot starts from a copy of the memory at that point. Three things depend on the layout of the
//! VM file, and each is checked when it is loaded: the stack pointer is its first global (else its own
//! functions are called); the pending exception is the word that a Ctrl-C sets (else a blocked read is not
//! interrupted); a file object has its number after its type (else no output is cooked to CR LF).

mod board;
mod device;
mod error;
mod flash;
mod host;
mod image;
mod line;
mod options;
mod program;
mod repl;
pub mod serve;
mod vm;
mod wire;

pub use board::VirtualBoard;
pub use error::VmError;
pub use image::VmImage;
pub use line::Line;
pub use options::{
    BoardOptions, ByteErrors, Direction, Fault, Flash, HostFolder, Interrupt, LineOptions, Outage,
    Overrun, Processor, Reset, StallAfter, Traffic,
};
pub use program::{Console, Ending, Output, OutputReceiver, Program, ProgramOptions, Run};
