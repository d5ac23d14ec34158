//! Garbage never panics, never makes the reader allocate much, and errors say where and what.

use piton_mpy::disassembly::disassemble;
use piton_mpy::error::Error;
use piton_mpy::hexdump::hexdump;
use piton_mpy::merge::merge;
use piton_mpy::{reader, writer};

use crate::official::{SOURCES, compile, try_compile};

/// A fixed sequence that looks random (xorshift, George Marsaglia 2003).
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Does everything with a file that the crate can do. What can be read must come back unchanged.
fn try_everything(bytes: &[u8]) -> Result<(), Error> {
    let dump = hexdump(bytes);
    let named: usize = dump
        .fields
        .iter()
        .map(|field| field.bytes.len().div_ceil(3))
        .sum();
    assert_eq!(named, bytes.len());
    let module = reader::read(bytes)?;
    assert_eq!(writer::write(&module).unwrap(), bytes);
    assert!(!disassemble(&module).to_string().is_empty());
    if let Ok(merged) = merge(&[module.clone(), module]) {
        let written = writer::write(&merged).unwrap();
        assert_eq!(
            writer::write(&reader::read(&written).unwrap()).unwrap(),
            written
        );
    }
    Ok(())
}

fn official_outputs() -> Vec<Vec<u8>> {
    let arguments = [
        &[][..],
        &["-march=armv7m"],
        &["-march=x64"],
        &["-march=xtensa"],
    ];
    let all = SOURCES
        .iter()
        .flat_map(|(name, _)| arguments.map(|args| try_compile(name, args)));
    all.flatten().collect()
}

#[test]
fn every_truncation_is_refused() {
    for bytes in official_outputs() {
        for length in 0..bytes.len() {
            match reader::read(&bytes[..length]).unwrap_err() {
                Error::Truncated { at, left, .. } => assert!(at <= length && left <= length - at),
                other => panic!("{length} of {}: {other}", bytes.len()),
            }
        }
        try_everything(&bytes).unwrap();
    }
}

#[test]
fn changed_bytes_never_panic() {
    let mut sequence = Sequence(0x9e37_79b9_7f4a_7c15);
    let (mut accepted, mut refused) = (0, 0);
    for bytes in official_outputs() {
        for _ in 0..60 {
            let mut changed = bytes.clone();
            for _ in 0..1 + sequence.below(3) {
                let at = sequence.below(changed.len());
                match sequence.below(4) {
                    0 => changed[at] = sequence.next() as u8,
                    1 => changed[at] ^= 1 << sequence.below(8),
                    2 => changed.insert(at, sequence.next() as u8),
                    _ => drop(changed.remove(at)),
                }
            }
            match try_everything(&changed) {
                Ok(()) => accepted += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(
        accepted > 100 && refused > 100,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn random_bytes_never_panic() {
    let mut sequence = Sequence(0x0123_4567_89ab_cdef);
    for _ in 0..3000 {
        let mut bytes = vec![b'M', 6, sequence.next() as u8 & 0x7f, 31];
        let length = sequence.below(60);
        // Small numbers get further than large ones.
        bytes.extend((0..length).map(|_| sequence.next() as u8 & [0x07, 0x1f, 0xff][length % 3]));
        let _ = try_everything(&bytes);
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    let mut bytes = compile("small.py", &["-s", "a.py"]);
    let at = bytes.len();
    bytes.extend([0, 0]);
    assert_eq!(
        reader::read(&bytes),
        Err(Error::TrailingBytes { at, count: 2 })
    );
}

/// A file of a header and these bytes is refused with this message.
#[track_caller]
fn check(body: &[u8], message: &str) {
    let mut bytes = vec![b'M', 6, 0, 31];
    bytes.extend(body);
    assert_eq!(reader::read(&bytes).unwrap_err().to_string(), message);
}

#[test]
fn errors_have_the_offset_and_the_cause() {
    for (bytes, message) in [
        (&b""[..], "byte 0x0: letter: expected 1 byte (0 left)"),
        (
            b"\x7fELF",
            "byte 0x0: letter: expected 0x4d (M, MicroPython) or 0x43 (C, CircuitPython), found 0x7f",
        ),
        (b"M\x05", "byte 0x2: feature byte: expected 1 byte (0 left)"),
        (
            b"M\x04",
            "byte 0x1: version: expected 0x05 or 0x06, found 0x04",
        ),
        (
            b"M\x06\x38\x1f",
            "byte 0x2: feature byte: expected an architecture from 0 to 13, found 14",
        ),
    ] {
        assert_eq!(reader::read(bytes).unwrap_err().to_string(), message);
    }
    check(
        &[0x8f, 0xff, 0xff, 0xff, 0x7f, 0],
        "byte 0x4: number of qstrs: expected 4294967295 entries of 1 or more bytes each \
         (1 left)",
    );
    check(
        &[0x90, 0x80, 0x80, 0x80, 0x00],
        "byte 0x4: number of qstrs: expected a number below 2^32, found a larger one",
    );
    check(
        &[0x80, 0x01],
        "byte 0x4: number of qstrs: expected a number in its shortest form, found a leading 0x80",
    );
    check(
        &[1, 0, 1],
        "byte 0x6: qstr: expected a static qstr from 1 to 165, found 0",
    );
    check(
        &[1, 0, 2, b'a', 1],
        "byte 0x8: qstr text: expected a NUL behind the string, found 0x01",
    );
    check(
        &[1, 0, 20, b'a'],
        "byte 0x7: qstr text: expected 10 bytes (1 left)",
    );
    check(
        &[0, 1, 11],
        "byte 0x6: object tag: expected 0 to 10, found 11",
    );
    check(
        &[0, 1, 7, 2, b'1', b'x'],
        "byte 0x8: int: expected the decimal text of a number, found \"1x\"",
    );
    check(
        &[0, 1, 9, 4, b'(', b'1', b'j', b')'],
        "byte 0x8: complex: expected the decimal text of a number, found \"(1j)\"",
    );
    check(
        &[0, 0, 0x40, 0, 2, 0, 0, 0, 0, 0, 0],
        "byte 0x9: simple name: expected a qstr index below 0, found 0",
    );
    check(
        &[1, 0, 3, 0x08, 0x80],
        "byte 0x9: prelude signature: expected 1 byte (0 left)",
    );
    check(
        &[1, 0, 3, 0x20, 0, 4, 0, 0x80],
        "byte 0xb: line table: expected whole entries, found half an entry of two bytes at its end",
    );
    check(
        &[1, 0, 3, 0x1c, 0, 2, 0, 0],
        "byte 0xb: number of children: expected at least 1, found 0",
    );
    check(
        &[1, 0, 3, 9, 0x63, 2],
        "byte 0x9: prelude offset: expected at most 1, the length of the code, found 2",
    );
    check(
        &[1, 0, 3, 10, 0x63, 0x81, 0],
        "byte 0x9: scope flags: expected no bits but 0x7f (function, relocations, read-only data, zeroed \
         data), found 0x80",
    );
    check(
        &[1, 0, 3, 11, 0x63, 1],
        "byte 0x9: scope flags: expected 0 for an assembler function, found 0x1",
    );
}

#[test]
fn tuples_nested_too_deep_are_refused() {
    let mut body = vec![0, 1];
    body.extend([10, 1].repeat(16_385));
    body.push(1);
    check(
        &body,
        "byte 0x8006: tuple: expected at most 16384 tuples inside each other, found one more",
    );
}

#[test]
fn raw_codes_may_be_nested_to_any_depth() {
    let depth = 100_000;
    let mut bytes = vec![b'M', 6, 0, 31, 1, 0, 3];
    bytes.extend([0x24, 0, 2, 0, 0x63, 1].repeat(depth));
    bytes.extend([0x20, 0, 2, 0, 0x63]);
    let module = reader::read(&bytes).unwrap();
    assert_eq!(module.raw_codes.len(), depth + 1);
    assert_eq!(writer::write(&module).unwrap(), bytes);
    assert_eq!(module.clone(), module);
}
