//! Frozen modules: `.mpy` files and Python sources as a C file, which is compiled into the firmware.
//!
//! The text is that of MicroPython 1.29's tools/mpy-tool.py and makemanifest.py, byte for byte.

mod c_file;
mod constant;
mod file;
mod json;
mod names;
mod prelude;
mod text;

use std::collections::BTreeSet;
use std::fmt;

use piton_mpy::qstr::StaticQstr;

pub(crate) use names::escape;

/// How the firmware holds integers that do not fit in a word (`MICROPY_LONGINT_IMPL`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongIntegers {
    /// Not at all.
    None,
    /// In 64 bits.
    LongLong,
    /// In as many digits as they need.
    Mpz,
}

impl LongIntegers {
    fn number(self) -> u8 {
        match self {
            LongIntegers::None => 0,
            LongIntegers::LongLong => 1,
            LongIntegers::Mpz => 2,
        }
    }
}

/// What is known of the firmware that modules are frozen into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// How it holds long integers.
    pub long_integers: LongIntegers,
    /// The bits of a digit of [`LongIntegers::Mpz`]: 16 or 32.
    pub mpz_digit_size: usize,
    /// The bytes that hold the length of an interned string.
    pub bytes_in_len: u32,
    /// The bytes that hold its hash; 0 if none is kept.
    pub bytes_in_hash: u32,
    /// The interned strings that it has, as they are named in C.
    firmware_qstrs: BTreeSet<String>,
}

impl Default for Target {
    /// Returns what tools/mpy-tool.py assumes without options.
    fn default() -> Target {
        let statics = (1..).map_while(StaticQstr::from_number);
        Target {
            long_integers: LongIntegers::Mpz,
            mpz_digit_size: 16,
            bytes_in_len: 1,
            bytes_in_hash: 1,
            firmware_qstrs: statics.map(|qstr| names::escape(qstr.text())).collect(),
        }
    }
}

impl Target {
    /// Takes in `genhdr/qstrdefs.preprocessed.h` of a build: the strings of the firmware, and the sizes of their fields.
    ///
    /// # Errors
    /// [`FreezeError::QstrHeader`] if it names no sizes.
    pub fn read_qstr_header(&mut self, header: &str) -> Result<(), FreezeError> {
        let mut sizes = [None, None];
        for line in header.lines().map(str::trim) {
            if let Some((name, value)) = line
                .strip_prefix("QCFG(")
                .and_then(|rest| rest.rsplit_once(')')?.0.split_once(", "))
            {
                let value = value
                    .trim_start_matches('(')
                    .trim_end_matches(')')
                    .parse()
                    .ok();
                match name {
                    "BYTES_IN_LEN" => sizes = [value, sizes[1]],
                    "BYTES_IN_HASH" => sizes = [sizes[0], value],
                    _ => {}
                }
            } else if let Some(text) = line
                .strip_prefix("Q(")
                .and_then(|rest| rest.strip_suffix(')'))
            {
                let text = match text {
                    "\\n" => "\n",
                    "\\r\\n" => "\r\n",
                    text => text,
                };
                self.firmware_qstrs.insert(names::escape(text));
            }
        }
        let [Some(bytes_in_len), Some(bytes_in_hash)] = sizes else {
            return Err(FreezeError::QstrHeader);
        };
        self.bytes_in_len = bytes_in_len;
        self.bytes_in_hash = bytes_in_hash;
        Ok(())
    }
}

/// Why modules cannot be frozen.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FreezeError {
    /// A file cannot be read as `.mpy`.
    #[error("{path}: {message}")]
    Read {
        /// The path, as it was given.
        path: String,
        /// What is wrong, in the tool's words.
        message: String,
    },
    /// Native code refers to its own data, which a C file cannot hold.
    #[error("error while freezing {scope}: unable to freeze code with relocations")]
    Relocations {
        /// The function.
        scope: String,
    },
    /// The firmware has no long integers, and a module needs them.
    #[error("target does not support long int")]
    NoLongIntegers,
    /// A float needs more than the 32 bits that some boards have. Upstream's tool ends with an exception there.
    #[error("float too large to pack with f format: {value:e}")]
    LargeFloat {
        /// The float.
        value: f64,
    },
    /// The header of interned strings is not complete.
    #[error("the header of interned strings names no BYTES_IN_LEN and BYTES_IN_HASH")]
    QstrHeader,
}

/// `.mpy` files that were read together, as they are frozen together.
pub struct Modules {
    modules: Vec<file::Module>,
    shared: file::Shared,
}

impl Modules {
    /// Reads `.mpy` files: the path of each, as it is shown, and its bytes.
    ///
    /// # Errors
    /// [`FreezeError::Read`].
    pub fn read<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Modules, FreezeError> {
        let mut shared = file::Shared::new();
        let mut modules = Vec::new();
        for (path, bytes) in files {
            modules.push(file::read(path, bytes, &mut shared)?.0);
        }
        Ok(Modules { modules, shared })
    }

    /// Returns the C file, as `mpy-tool.py -f` prints it.
    ///
    /// # Errors
    /// What of the modules the firmware cannot hold.
    pub fn to_c(&self, target: &Target) -> Result<String, FreezeError> {
        c_file::write(&self.modules, &self.shared, target)
    }

    /// Returns the bytecode as text, as `mpy-tool.py -d` prints it.
    #[must_use]
    pub fn disassembly(&self) -> Listing {
        let mut listing = Listing::default();
        for module in &self.modules {
            text::disassemble(module, &mut listing.lines);
        }
        listing
    }

    /// Returns the bytes of the files with their meanings, as `mpy-tool.py -x` prints them.
    #[must_use]
    pub fn hexdump(&self) -> Listing {
        let mut listing = Listing::default();
        for module in &self.modules {
            text::hexdump(module, &mut listing.lines);
        }
        listing
    }
}

/// Lines that mpy-tool prints, as text ([`fmt::Display`]) or as JSON.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    lines: Vec<json::Line>,
}

impl Listing {
    /// Returns a listing of lines that are only text.
    #[must_use]
    pub fn of_text(text: &str) -> Listing {
        let lines = text.split_terminator('\n').map(json::Line::plain);
        Listing {
            lines: lines.collect(),
        }
    }

    /// Adds the lines of another listing at the end.
    pub fn append(&mut self, mut other: Listing) {
        self.lines.append(&mut other.lines);
    }

    /// Returns the listing as `mpy-tool.py -j` prints it: the lines, with the source line, the target and the label of
    /// each instruction. `language` is the kind of text, for Compiler Explorer.
    #[must_use]
    pub fn to_json(&self, language: &str) -> String {
        json::document(&self.lines, language)
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines
            .iter()
            .try_for_each(|line| writeln!(f, "{}", line.text))
    }
}

/// Returns the part of `frozen_content.c` for modules that are frozen as source: target and source of each.
#[must_use]
pub fn frozen_strings<'a>(sources: impl Iterator<Item = (&'a str, &'a [u8])> + Clone) -> Vec<u8> {
    let mut out = b"#include <stdint.h>\n#define MP_FROZEN_STR_NAMES \\\n".to_vec();
    for (target, _) in sources.clone() {
        out.extend_from_slice(format!("\"{target}\\0\" \\\n").as_bytes());
    }
    out.extend_from_slice(b"\nconst uint32_t mp_frozen_str_sizes[] = { ");
    for (_, source) in sources.clone() {
        out.extend_from_slice(format!("{}, ", source.len()).as_bytes());
    }
    out.extend_from_slice(b"0 };\nconst char mp_frozen_str_content[] = {\n");
    for (_, source) in sources {
        out.push(b'"');
        // A hexadecimal escape takes all digits that follow: the string is cut before the next character.
        let mut cut = false;
        for &byte in source {
            match byte {
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'"' => out.extend_from_slice(b"\\\""),
                b'\\' => out.extend_from_slice(b"\\\\"),
                0x20..=0x7e => {
                    if std::mem::take(&mut cut) {
                        out.extend_from_slice(b"\" \"");
                    }
                    out.push(byte);
                }
                _ => {
                    out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
                    cut = true;
                }
            }
        }
        out.extend_from_slice(b"\\0\"\n");
    }
    out.extend_from_slice(b"\"\\0\"\n};\n\n");
    out
}

/// What `frozen_content.c` has in place of compiled modules, if there are none.
pub const NO_MODULES: &str = "#include \"py/emitglue.h\"\n\
    extern const qstr_pool_t mp_qstr_const_pool;\n\
    const qstr_pool_t mp_qstr_frozen_const_pool = {\n\
    \x20   #if MICROPY_QSTR_BYTES_IN_HASH\n\
    \x20   (qstr_pool_t*)&mp_qstr_const_pool, MP_QSTRnumber_of, 0, 0, 0, NULL, NULL, {},\n\
    \x20   #else\n\
    \x20   (qstr_pool_t*)&mp_qstr_const_pool, MP_QSTRnumber_of, 0, 0, 0, NULL, {},\n\
    \x20   #endif\n\
    };\n\
    const char mp_frozen_names[] = { MP_FROZEN_STR_NAMES \"\\0\"};\n\
    const mp_raw_code_t *const mp_frozen_mpy_content[] = {NULL};\n";

/// Returns `frozen_content.c` of both parts.
#[must_use]
pub fn frozen_content(strings: &[u8], modules: &str) -> Vec<u8> {
    [
        b"//\n// Content for MICROPY_MODULE_FROZEN_STR\n//\n",
        strings,
        b"//\n// Content for MICROPY_MODULE_FROZEN_MPY\n//\n",
        modules.as_bytes(),
    ]
    .concat()
}

/// Returns a source with the line that gives it its version, as makemanifest.py compiles it: unless it has one already.
#[must_use]
pub fn tagged_source(source: &str, version: Option<&str>) -> String {
    match version {
        Some(version) if !source.contains("__version__ =") => {
            format!(
                "{source}\n\n__version__ = {}\n",
                crate::python::text::text_repr(version)
            )
        }
        _ => source.to_owned(),
    }
}

/// A stretch of a `.mpy` file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The source name of its file.
    pub source: &'a str,
    /// `META`, `QSTR`, `OBJ` or `CODE`.
    pub kind: &'static str,
    /// The string, the constant, or the name of the function.
    pub name: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
}

impl Modules {
    /// Returns the stretches of all files, in order.
    #[must_use]
    pub fn segments(&self) -> Vec<Segment<'_>> {
        let mut segments = Vec::new();
        for module in &self.modules {
            for segment in &module.segments {
                segments.push(Segment {
                    source: module.qstrs.first().map_or("", |qstr| &qstr.text),
                    kind: match segment.kind {
                        file::SegmentKind::Meta => "META",
                        file::SegmentKind::Qstr => "QSTR",
                        file::SegmentKind::Object => "OBJ",
                        file::SegmentKind::Code => "CODE",
                    },
                    name: &segment.name,
                    bytes: module
                        .bytes
                        .get(segment.start..segment.end)
                        .unwrap_or_default(),
                });
            }
        }
        segments
    }
}

/// How large a module is, in bytes of its `.mpy` file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleSize {
    /// Its source name.
    pub name: String,
    /// All of it.
    pub total: usize,
    /// The code of its functions.
    pub code: usize,
    /// Its constants.
    pub constants: usize,
    /// The interned strings that it spells out.
    pub strings: usize,
    /// Its functions, each with the size of its code; the first one is the module itself.
    pub functions: Vec<(String, usize)>,
}

impl Modules {
    /// Returns how large the modules are.
    #[must_use]
    pub fn sizes(&self) -> Vec<ModuleSize> {
        self.modules.iter().map(size).collect()
    }
}

fn size(module: &file::Module) -> ModuleSize {
    let sum = |kind: file::SegmentKind| {
        let segments = module
            .segments
            .iter()
            .filter(|segment| segment.kind == kind);
        segments
            .map(|segment| segment.end - segment.start)
            .sum::<usize>()
    };
    let functions = module
        .segments
        .iter()
        .filter(|segment| segment.kind == file::SegmentKind::Code)
        .map(|segment| (segment.name.clone(), segment.end - segment.start));
    ModuleSize {
        name: module
            .qstrs
            .first()
            .map(|qstr| qstr.text.clone())
            .unwrap_or_default(),
        total: module.bytes.len(),
        code: sum(file::SegmentKind::Code),
        constants: sum(file::SegmentKind::Object),
        strings: sum(file::SegmentKind::Qstr),
        functions: functions.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `x = (1e300,)`
    const LARGE_FLOAT: &str =
        "4d06001f03010a6c662e7079000f0278000a01080631652b33303048000201230016025163";
    /// `x = 10**30`
    const LARGE_INTEGER: &str = "4d06001f03010a62692e7079000f027800071f31303030303030303030303030303030303030303030303030303030303030\
                                 48000201230016025163";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
        let pairs = digits.chunks_exact(2);
        pairs
            .map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap())
            .collect()
    }

    fn frozen(mpy: &[u8], target: &Target) -> Result<String, FreezeError> {
        Modules::read([("m.mpy", mpy)])?.to_c(target)
    }

    #[test]
    fn what_firmware_cannot_hold_is_an_error() {
        let target = Target::default();
        assert!(frozen(&bytes(LARGE_INTEGER), &target).is_ok());
        let without = Target {
            long_integers: LongIntegers::None,
            ..Target::default()
        };
        for (mpy, target, message) in [
            (
                LARGE_FLOAT,
                &target,
                "float too large to pack with f format: 1e300",
            ),
            (LARGE_INTEGER, &without, "target does not support long int"),
        ] {
            let error = frozen(&bytes(mpy), target).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn damaged_files_are_errors_that_name_them() {
        let whole = bytes(LARGE_INTEGER);
        for end in 0..whole.len() {
            let error = frozen(&whole[..end], &Target::default()).unwrap_err();
            assert!(error.to_string().starts_with("m.mpy: "), "{end}: {error}");
        }
        for (at, byte) in [(0, b'X'), (1, 5), (1, 7)] {
            let mut other = whole.clone();
            other[at] = byte;
            let error = frozen(&other, &Target::default()).unwrap_err();
            assert!(error.to_string().starts_with("m.mpy: "), "{at}: {error}");
        }
        // Any other byte gives a file or an error.
        for at in 2..whole.len() {
            for byte in [0, 0x7f, 0x80, 0xff] {
                let mut other = whole.clone();
                other[at] = byte;
                let _ = frozen(&other, &Target::default());
            }
        }
    }

    #[test]
    fn a_header_names_both_sizes_and_the_strings() {
        for header in [
            "",
            "QCFG(BYTES_IN_LEN, (1))\n",
            "QCFG(BYTES_IN_HASH, (x))\nQCFG(BYTES_IN_LEN, (1))\n",
        ] {
            let error = Target::default().read_qstr_header(header).unwrap_err();
            assert!(
                error.to_string().contains("BYTES_IN_LEN and BYTES_IN_HASH"),
                "{header}"
            );
        }
        let mut target = Target::default();
        let header = "QCFG(BYTES_IN_LEN, (2))\nQCFG(BYTES_IN_HASH, (0))\nQ(own_name)\nQ(\\n)\n";
        target.read_qstr_header(header).unwrap();
        assert_eq!((target.bytes_in_len, target.bytes_in_hash), (2, 0));
        assert!(target.firmware_qstrs.contains("own_name"));
        assert!(target.firmware_qstrs.contains("_0x0a_"));
    }
}
