//! Any bytes as a `.mpy` file: read, list, dump. What the reader accepts, the writer must write again,
//! byte for byte.

#![no_main]

use libfuzzer_sys::fuzz_target;
use piton_mpy::{disassembly, hexdump, merge, reader, writer};

fuzz_target!(|file: &[u8]| {
    let dump = hexdump::hexdump(file).to_string();
    assert!(file.is_empty() || !dump.is_empty());
    let Ok(module) = reader::read(file) else {
        return;
    };
    let listing = disassembly::disassemble(&module).to_string();
    assert!(!listing.is_empty());
    assert_eq!(writer::write(&module).as_deref(), Ok(file));
    // Not every module can be merged; none may panic.
    let _ = merge::merge(&[module.clone(), module]);
});
