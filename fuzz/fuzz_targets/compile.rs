//! Any bytes as a source, from the lexer to the writer. What the compiler accepts, the reader must
//! read back to the same bytes.
//!
//! The first bytes of the input choose the options, the rest is the source. So a seed is a real
//! source with four bytes in front, for example `\0\0\x1f\0`: the defaults.

#![no_main]

use libfuzzer_sys::fuzz_target;
use piton_compiler::{Emitter, Optimisation, Options, Target};
use piton_mpy::{header::Arch, reader, writer};

fuzz_target!(|input: &[u8]| {
    let Some((choices, source)) = input.split_first_chunk() else {
        return;
    };
    match piton_compiler::compile(source, &options_of(*choices)) {
        Ok(module) => {
            let bytes = writer::write(&module).expect("the compiler makes consistent modules");
            let read = reader::read(&bytes).expect("the reader knows all that the writer writes");
            assert_eq!(writer::write(&read).as_ref(), Ok(&bytes));
        }
        Err(diagnostic) => assert!(diagnostic.traceback().ends_with(b"\n")),
    }
});

fn options_of([level, flags, small_int_bits, target]: [u8; 4]) -> Options {
    Options {
        embedded_name: (flags & 1 != 0).then(|| b"embedded.py".to_vec()),
        optimisation: Optimisation::from_level(u32::from(level % 4)),
        small_int_bits: small_int_bits.clamp(2, 63),
        source_lines: flags & 2 == 0,
        arch: (flags & 4 != 0).then_some(Arch::Rv32Imc),
        arch_flags: u32::from(flags >> 6),
        default_emitter: if flags & 8 != 0 {
            Emitter::Native
        } else {
            Emitter::Bytecode
        },
        target: match target % 3 {
            0 => Target::NEWEST,
            1 => Target::CircuitPython9,
            _ => Target::CircuitPython10,
        },
        ..Options::new("fuzz.py")
    }
}
