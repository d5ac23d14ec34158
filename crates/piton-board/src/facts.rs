//! The facts of a board, such as its firmware and its capabilities, which one exchange reads.

use std::fmt::Write as _;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::deadline::Deadline;
use crate::error::Error;
use crate::literal::{Value, from_literal};
use crate::repl::RawRepl;

/// device/facts.py, as `cargo xtask codegen` minifies it.
const PROGRAM: &str = include_str!("../device/minified/facts.py");

/// The facts that a board reports about itself. A fact that it does not report is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct BoardFacts {
    /// `sys.implementation.name`: `micropython` or `circuitpython`.
    pub implementation: Option<String>,
    /// `sys.implementation.version` as text: `1.29.0`, `1.30.0-preview`.
    pub release: Option<String>,
    /// `sys.version`: `3.4.0; MicroPython v1.29.0 on 2026-08-29`.
    pub version: Option<String>,
    /// `sys.platform`: `rp2`, `esp32`.
    pub platform: Option<String>,
    /// The board's name and chip: `Raspberry Pi Pico W with RP2040`.
    pub machine: Option<String>,
    /// `sys.implementation._build`: the board and variant that the firmware was built for.
    pub build: Option<String>,
    /// The chip's number, as hexadecimal digits.
    pub unique_id: Option<String>,
    /// The `.mpy` files that the board loads; `None` if it loads none.
    pub mpy: Option<MpyFacts>,
    /// Free bytes of the heap, after a collection.
    pub memory_free: Option<u64>,
    /// Used bytes of the heap, after a collection.
    pub memory_allocated: Option<u64>,
    /// The functions of the firmware.
    pub capabilities: Capabilities,
}

/// The `.mpy` files that a board loads: the parts of `sys.implementation._mpy` (py/persistentcode.h).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MpyFacts {
    /// The format's version: 6 since MicroPython 1.19.
    pub version: u8,
    /// The version of the native interface, which native code must have as well; 0 before version 6.
    pub sub_version: u8,
    /// Features that the bytecode must have, before version 6: bit 0 room for looked-up names, bit 1 Unicode.
    #[serde(skip)]
    pub features: u8,
    /// The architecture of native code that the board loads; `None` if it loads only bytecode.
    pub arch: Option<&'static str>,
    /// Extensions of that architecture, as the bits of the .mpy format.
    pub arch_flags: u32,
}

/// The functions of a firmware. The board's program checks each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// The raw REPL supports raw-paste, which has flow control.
    pub raw_paste: bool,
    /// `deflate.DeflateIO` decompresses.
    pub inflate: bool,
    /// `deflate.DeflateIO` compresses.
    pub deflate: bool,
    /// The algorithms in `hashlib`: of md5, sha1, sha256, sha512.
    pub hashlib: Vec<String>,
    /// `binascii.a2b_base64` exists.
    pub base64: bool,
    /// The compiler has the `@micropython.native` emitter.
    pub native: bool,
    /// The compiler has the `@micropython.viper` emitter.
    pub viper: bool,
    /// `sys.stdin.buffer` exists: programs can read unchanged bytes.
    pub stdin_buffer: bool,
    /// `select.poll` exists.
    pub poll: bool,
    /// `micropython.kbd_intr` exists: programs can read 0x03 as data.
    pub kbd_intr: bool,
    /// The functions for files in `os`, sorted.
    pub os: Vec<String>,
}

/// The output of device/facts.py.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    free: Option<u64>,
    allocated: Option<u64>,
    implementation: Option<String>,
    release: Vec<Value>,
    version: Option<String>,
    platform: Option<String>,
    machine: Option<String>,
    build: Option<String>,
    mpy: Option<u32>,
    unique_id: Option<Vec<u8>>,
    inflate: bool,
    deflate: bool,
    hashlib: Vec<String>,
    base64: bool,
    stdin_buffer: bool,
    poll: bool,
    kbd_intr: bool,
    os: Vec<String>,
    native: bool,
    viper: bool,
}

/// Reads all facts of a board in one exchange. Nothing stays on the board.
///
/// # Errors
///
/// As for [`RawRepl::exec`]; [`Error::Literal`] when the answer is garbled.
pub fn board_facts(repl: &mut RawRepl<'_>, deadline: Deadline) -> Result<BoardFacts, Error> {
    let printed = repl.run(PROGRAM.as_bytes(), deadline)?;
    let answer: Answer = from_literal(printed.trim_ascii())?;
    Ok(BoardFacts {
        implementation: answer.implementation,
        release: release_text(&answer.release),
        version: answer.version,
        platform: answer.platform,
        machine: answer.machine,
        build: answer.build,
        unique_id: answer.unique_id.as_deref().map(|id| HEXLOWER.encode(id)),
        mpy: answer.mpy.and_then(MpyFacts::decode),
        memory_free: answer.free,
        memory_allocated: answer.allocated,
        capabilities: Capabilities {
            raw_paste: repl.raw_paste().unwrap_or_default(),
            inflate: answer.inflate,
            deflate: answer.deflate,
            hashlib: known(&HASHLIB, &answer.hashlib),
            base64: answer.base64,
            native: answer.native,
            viper: answer.viper,
            stdin_buffer: answer.stdin_buffer,
            poll: answer.poll,
            kbd_intr: answer.kbd_intr,
            os: known(&OS, &answer.os),
        },
    })
}

/// The algorithms that [`Capabilities::hashlib`] can list.
const HASHLIB: [&str; 4] = ["md5", "sha1", "sha256", "sha512"];

/// The functions that [`Capabilities::os`] can list.
const OS: [&str; 10] = [
    "chdir", "getcwd", "ilistdir", "listdir", "mkdir", "remove", "rename", "rmdir", "stat",
    "statvfs",
];

/// Returns those of `names` that the board has.
fn known(names: &[&str], has: &[String]) -> Vec<String> {
    let found = names
        .iter()
        .filter(|name| has.iter().any(|has| has == *name));
    found.map(|&name| name.to_owned()).collect()
}

/// Returns `(1, 29, 0)` or `(1, 30, 0, 'preview')` as text.
fn release_text(parts: &[Value]) -> Option<String> {
    let numbers: Vec<String> = parts
        .iter()
        .take_while(|part| matches!(part, Value::Int(_)))
        .map(Value::to_string)
        .collect();
    if numbers.is_empty() {
        return None;
    }
    let mut text = numbers.join(".");
    if let Some(Value::Str(suffix)) = parts.get(numbers.len())
        && !suffix.is_empty()
    {
        let _ = write!(text, "-{suffix}");
    }
    Some(text)
}

impl MpyFacts {
    /// Decodes `sys.implementation._mpy`: bits 0-7 are the version, 8-9 the sub-version, 10-13 the architecture, and the
    /// bits from 16 on its flags.
    fn decode(bits: u32) -> Option<MpyFacts> {
        let version = u8::try_from(bits & 0xff)
            .ok()
            .filter(|&version| version > 0)?;
        // Before version 6 the two bits of the sub-version were features of the bytecode.
        let two_bits = (bits >> 8 & 3) as u8;
        let (sub_version, features) = if version >= 6 {
            (two_bits, 0)
        } else {
            (0, two_bits)
        };
        Some(MpyFacts {
            version,
            sub_version,
            features,
            arch: ARCHITECTURES
                .get((bits >> 10 & 0xf) as usize)
                .copied()
                .flatten(),
            arch_flags: bits >> 16,
        })
    }
}

/// Names of the native architectures by number (py/persistentcode.h), as in the options of mpy-cross.
const ARCHITECTURES: [Option<&str>; 13] = [
    None,
    Some("x86"),
    Some("x64"),
    Some("armv6"),
    Some("armv6m"),
    Some("armv7m"),
    Some("armv7em"),
    Some("armv7emsp"),
    Some("armv7emdp"),
    Some("xtensa"),
    Some("xtensawin"),
    Some("rv32imc"),
    Some("rv64imc"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bits: u32, expected: Option<(u8, u8, Option<&str>, u32)>) {
        let facts = MpyFacts::decode(bits);
        let found = facts.map(|mpy| (mpy.version, mpy.sub_version, mpy.arch, mpy.arch_flags));
        assert_eq!(found, expected, "{bits:#x}");
    }

    #[test]
    fn mpy_bits_are_decoded() {
        // webassembly 1.29, rp2 1.29, rv32imc with zba, pyboard 1.16.
        check(774, Some((6, 3, None, 0)));
        check(0x1306, Some((6, 3, Some("armv6m"), 0)));
        check(0x1_2f06, Some((6, 3, Some("rv32imc"), 1)));
        check(7685, Some((5, 0, Some("armv7emsp"), 0)));
        check(0x3c06, Some((6, 0, None, 0)));
        check(0, None);
    }

    #[test]
    fn releases_are_formatted_as_text() {
        let text =
            |literal: &str| release_text(&from_literal::<Vec<Value>>(literal.as_bytes()).unwrap());
        assert_eq!(text("(1, 9, 2)").as_deref(), Some("1.9.2"));
        assert_eq!(text("(1, 29, 0, '')").as_deref(), Some("1.29.0"));
        assert_eq!(
            text("(1, 30, 0, 'preview')").as_deref(),
            Some("1.30.0-preview")
        );
        assert_eq!(text("()"), None);
    }

    #[test]
    fn the_program_is_sent_without_comments() {
        assert!(
            PROGRAM.starts_with("def _piton(text):\n facts={"),
            "{PROGRAM}"
        );
        assert!(!PROGRAM.contains("# "), "{PROGRAM}");
    }
}
