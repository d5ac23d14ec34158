//! A real MicroPython board without hardware: the official WebAssembly firmware in process, behind a byte
//! pipe, with everything that a serial line and a flash can do wrong on request.

mod board;
mod device;
mod error;
mod flash;
mod host;
mod image;
mod line;
mod options;
mod repl;
pub mod serve;
mod vm;
mod wire;

pub use board::VirtualBoard;
pub use error::VmError;
pub use image::VmImage;
pub use line::Line;
pub use options::{BoardOptions, Fault, Flash, LineOptions, Outage, Reset};
