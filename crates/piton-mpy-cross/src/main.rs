//! The program `mpy-cross`: what `piton mpy-cross` does, without the rest of Piton, which takes time to load.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_default();
    piton_mpy_cross::main(program, &words.collect::<Vec<OsString>>(), talk)
}

/// Bytes for stderr, where a failure to write can't be reported.
fn talk(bytes: &[u8]) {
    let mut stderr = io::stderr().lock();
    let _ = if stderr.is_terminal() {
        stderr.write_all(printable::lines(&String::from_utf8_lossy(bytes)).as_bytes())
    } else {
        stderr.write_all(bytes)
    };
}
