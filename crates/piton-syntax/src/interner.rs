//! Interned strings.
//!
//! The numbers matter: those of the official compiler's built-in strings decide what is written as
//! a static qstr, and whether a string was known when its token was read decides between a qstr and
//! a constant object. So strings are numbered in the order they are first met.

use crate::byte_table::{ByteTable, FixedTable};
use crate::diagnostic::{DiagnosticCode, Failure};
use crate::target::Target;

/// The version of files in whose machine code the numbers of strings are.
const FORMER_VERSION: u8 = 5;

/// The number of an interned string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Qstr(pub u32);

/// The strings built into `mpy-cross` 1.29 in the order of their numbers from 1, one a line, with
/// `\n` for a newline. The first 165 are the static qstrs of the `.mpy` format
/// (`py/makeqstrdata.py`); the others exist in the program only.
const ROM_QSTRS: &str = include_str!("rom_qstrs.txt");

/// What the programs of 1.12 to 1.18 have behind the static qstrs, in the order of their numbers. Those of 1.18; two came
/// later than 1.12.
const FORMER_ROM_QSTRS: &str = include_str!("former_rom_qstrs.txt");

/// How many static qstrs there are.
const STATIC_QSTRS: usize = 165;

/// The most bytes a qstr can have.
const MAXIMUM_LENGTH: usize = 255;

macro_rules! known_qstrs {
    ($($name:ident = $text:literal;)*) => {
        /// Strings the compiler itself asks for.
        #[derive(Clone, Copy, Debug)]
        pub struct Known {
            $(
                #[doc = concat!("`", stringify!($name), "`")]
                pub $name: Qstr,
            )*
        }

        impl Known {
            fn find(interner: &Interner) -> Known {
                Known { $($name: interner.find($text).unwrap_or(Qstr::EMPTY),)* }
            }
        }
    };
}

known_qstrs! {
    star = b"*";
    module = b"<module>";
    lambda = b"<lambda>";
    list_comprehension = b"<listcomp>";
    dict_comprehension = b"<dictcomp>";
    set_comprehension = b"<setcomp>";
    generator_expression = b"<genexpr>";
    assertion_error = b"AssertionError";
    base_exception = b"BaseException";
    stop_async_iteration = b"StopAsyncIteration";
    aenter = b"__aenter__";
    aexit = b"__aexit__";
    aiter = b"__aiter__";
    anext = b"__anext__";
    await_method = b"__await__";
    class = b"__class__";
    enter = b"__enter__";
    exit = b"__exit__";
    module_attribute = b"__module__";
    name_attribute = b"__name__";
    qualname = b"__qualname__";
    asm_rv32 = b"asm_rv32";
    asm_thumb = b"asm_thumb";
    asm_xtensa = b"asm_xtensa";
    bool_ = b"bool";
    bytecode = b"bytecode";
    constant = b"const";
    int = b"int";
    math = b"math";
    micropython = b"micropython";
    native = b"native";
    object = b"object";
    ptr = b"ptr";
    ptr8 = b"ptr8";
    ptr16 = b"ptr16";
    ptr32 = b"ptr32";
    range = b"range";
    super_ = b"super";
    uint = b"uint";
    viper = b"viper";
}

impl Qstr {
    /// The empty string.
    pub const EMPTY: Qstr = Qstr(1);
    /// The last number that fits into 16 bits.
    pub const LAST_SHORT: Qstr = Qstr(0xffff);
}

/// Interned strings and their numbers.
#[derive(Clone, Debug)]
pub struct Interner {
    strings: ByteTable,
    /// Built-in strings that are not known before the source has them.
    hidden: Vec<Qstr>,
}

/// What CircuitPython's compilers 9.2.9 and 10.2.0 have built in, and MicroPython's has not; and the other way
/// round. Shorter strings are known as soon as they are met.
const CIRCUITPYTHON_ONLY: [&[u8]; 6] = [
    b"__await__",
    b"BrokenPipeError",
    b"ConnectionError",
    b"ReloadException",
    b"TimeoutError",
    b"__context__",
];
const MICROPYTHON_ONLY: [&[u8]; 2] = [b"heap_unlock", b"maximum recursion depth exceeded"];

/// Strings of more than 10 bytes that a release of MicroPython added, with the second number of that release.
const ADDED: [(u8, &[u8]); 7] = [
    (20, b"__complex__"),
    (28, b"Interpolation"),
    (28, b"__template__"),
    (28, b"format_spec"),
    (28, b"interpolations"),
    (28, b"string.templatelib"),
    (28, b"templatelib"),
];

/// The built-in strings, and the string of number 0.
const BUILT_IN_ENTRIES: usize = 582;

static BUILT_IN: FixedTable<BUILT_IN_ENTRIES, 2048> = FixedTable::of_lines(ROM_QSTRS);

impl Default for Interner {
    /// Returns an interner that knows the built-in strings.
    fn default() -> Interner {
        Interner {
            strings: BUILT_IN.to_table(),
            hidden: Vec::new(),
        }
    }
}

impl Interner {
    /// Returns an interner that knows the built-in strings of the compiler for this release. In releases with files of version
    /// 5 their numbers are those of that compiler, because they are in its machine code.
    ///
    /// # Errors
    /// A [`Failure`] if there are more strings than the tables hold.
    pub fn of(target: Target) -> Result<Interner, Failure> {
        if target.mpy_version() != FORMER_VERSION || target.is_circuitpython() {
            return Ok(Interner::default());
        }
        let mut interner = Interner {
            strings: ByteTable::with_capacity(1 << 9),
            hidden: Vec::new(),
        };
        for line in ROM_QSTRS.lines().take(STATIC_QSTRS) {
            let text = if line == r"\n" { "\n" } else { line };
            interner.intern(text.as_bytes())?;
        }
        let base = target.base();
        for line in FORMER_ROM_QSTRS.lines() {
            if !matches!((line, base), ("__ne__", ..=12) | ("errno", ..=15)) {
                interner.intern(line.as_bytes())?;
            }
        }
        Ok(interner)
    }

    /// Turns the built-in strings of an interner from [`Interner::of`] into those of the compiler for this release.
    ///
    /// # Errors
    /// A [`Failure`] if there are more strings than the tables hold.
    pub fn follow(&mut self, target: Target) -> Result<(), Failure> {
        if target.mpy_version() == FORMER_VERSION && !target.is_circuitpython() {
            return Ok(());
        }
        let base = target.base();
        let later = ADDED.into_iter().filter(|(added, _)| *added > base);
        let mut hidden: Vec<&[u8]> = later.map(|(_, text)| text).collect();
        if target.is_circuitpython() {
            for text in CIRCUITPYTHON_ONLY {
                self.intern(text)?;
            }
            hidden.extend(MICROPYTHON_ONLY);
        }
        let numbers = hidden
            .into_iter()
            .map(|text| self.strings.find(text).map(Qstr));
        self.hidden = numbers.flatten().collect();
        Ok(())
    }

    /// Returns the strings that the compiler asks for.
    pub fn known(&self) -> Known {
        Known::find(self)
    }

    /// Returns the number of `text`, if it is known.
    pub fn find(&self, text: &[u8]) -> Option<Qstr> {
        let qstr = self.strings.find(text).map(Qstr);
        qstr.filter(|qstr| !self.hidden.contains(qstr))
    }

    /// Returns the number of `text`, which is added if it is new.
    ///
    /// # Errors
    /// A [`Failure`] if `text` has more than 255 bytes, or there are more strings than the tables hold.
    pub fn intern(&mut self, text: &[u8]) -> Result<Qstr, Failure> {
        if text.len() > MAXIMUM_LENGTH {
            return Err(Failure::nowhere(DiagnosticCode::NameTooLong));
        }
        let qstr = Qstr(self.strings.add(text)?);
        if !self.hidden.is_empty() {
            self.hidden.retain(|hidden| *hidden != qstr);
        }
        Ok(qstr)
    }

    /// Returns the bytes of an interned string, none for a number that was never given.
    pub fn text(&self, qstr: Qstr) -> &[u8] {
        self.strings.text(qstr.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_strings_have_the_official_numbers() {
        let mut interner = Interner::default();
        assert_eq!(interner.find(b""), Some(Qstr::EMPTY));
        assert_eq!(interner.find(b"\n"), Some(Qstr(3)));
        assert_eq!(interner.find(b"zip"), Some(Qstr(165)));
        assert_eq!(interner.find(b"{:#b}"), Some(Qstr(581)));
        assert_eq!(interner.find(b"not there"), None);
        assert_eq!(interner.intern(b"not there").unwrap(), Qstr(582));
    }

    #[test]
    fn a_qstr_has_at_most_255_bytes() {
        let mut interner = Interner::default();
        assert!(interner.intern(&[b'a'; 255]).is_ok());
        assert!(interner.intern(&[b'a'; 256]).is_err());
    }

    #[test]
    fn every_name_that_the_compiler_uses_is_built_in() {
        let mut interner = Interner::default();
        // Only CircuitPython awaits through `__await__`.
        assert_eq!(interner.known().await_method, Qstr::EMPTY);
        interner.follow(Target::CircuitPython10).unwrap();
        let known = format!("{:?}", interner.known());
        // A name that is not found would be the empty string.
        assert!(!known.contains("Qstr(1)"), "{known}");
        assert_eq!(interner.text(interner.known().module), b"<module>");
        assert_eq!(interner.text(interner.known().super_), b"super");
    }

    #[test]
    fn strings_are_numbered_in_the_order_they_are_met() {
        let mut interner = Interner::default();
        for (text, number) in [
            (&b"first"[..], 582),
            (b"second", 583),
            (b"first", 582),
            (b"\xff\0", 584),
            (b"second", 583),
            (b"zip", 165),
        ] {
            assert_eq!(interner.intern(text).unwrap(), Qstr(number));
            assert_eq!(interner.find(text), Some(Qstr(number)));
            assert_eq!(interner.text(Qstr(number)), text);
        }
        assert_eq!(interner.text(Qstr(585)), b"");
    }

    #[test]
    fn circuitpython_has_other_built_in_strings() {
        let mut interner = Interner::default();
        assert_eq!(interner.find(b"BrokenPipeError"), None);
        let template = interner.find(b"__template__").unwrap();
        interner.follow(Target::CircuitPython10).unwrap();
        assert!(interner.find(b"BrokenPipeError").is_some());
        // Not known until a source has it; its number is then the one it had.
        assert_eq!(interner.find(b"__template__"), None);
        assert_eq!(interner.intern(b"__template__").unwrap(), template);
        assert_eq!(interner.find(b"__template__"), Some(template));
    }
}
