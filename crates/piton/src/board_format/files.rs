//! Files that are of no use on a board.

use piton_mpy::header::Outline;

use super::{BoardFormat, Mismatch, loaders};
use crate::compile::native;

/// Why a file is of no use on a board.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// The board does not load the compiled file.
    #[error("{mismatch}{}", in_parentheses(releases.as_deref()))]
    Compiled {
        /// Why it does not.
        mismatch: Mismatch,
        /// The releases that load the file, if that is the difference.
        releases: Option<String>,
    },
    /// A source asks for machine code, and the board's firmware has no compiler for it.
    #[error("its line {line} asks for native code, and the board has none")]
    NativeSource {
        /// The first such line, from 1.
        line: u32,
    },
}

fn in_parentheses(releases: Option<&str>) -> String {
    releases.map_or_else(String::new, |releases| format!(" ({releases} can load it)"))
}

impl BoardFormat {
    /// Checks that a file with this name is of use on the board: that the board loads it if it is a `.mpy` file, and that the board
    /// compiles it if it is a source. Other files are of use on any board, and what is no `.mpy` file in spite of its name
    /// is not looked at.
    ///
    /// # Errors
    ///
    /// [`Unusable`].
    pub fn check_file(&self, name: &str, content: &[u8]) -> Result<(), Unusable> {
        match name.rsplit_once('.') {
            Some((_, "mpy")) => self.check_compiled(content),
            Some((_, "py")) => self.check_source(content),
            _ => Ok(()),
        }
    }

    /// Checks the compiled files of a package. Files with machine code for other processors are of use beside one that the board runs:
    /// the package has the same for several processors, and its code chooses. Sources are not looked at: one with native code
    /// may be optional, and the package's author, not its user, can change that.
    ///
    /// # Errors
    ///
    /// The first file that the board does not load, and why.
    pub fn check_package<'a>(
        &self,
        files: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<(), (&'a str, Unusable)> {
        let mut other_processor = None;
        let mut runs_one = false;
        for (name, content) in files.filter(|(name, _)| name.ends_with(".mpy")) {
            match self.check_compiled(content) {
                Ok(()) => runs_one |= has_machine_code(content),
                Err(
                    unusable @ Unusable::Compiled {
                        mismatch: Mismatch::MachineCode { .. },
                        ..
                    },
                ) => other_processor = other_processor.or(Some((name, unusable))),
                Err(unusable) => return Err((name, unusable)),
            }
        }
        other_processor.filter(|_| !runs_one).map_or(Ok(()), Err)
    }

    fn check_compiled(&self, content: &[u8]) -> Result<(), Unusable> {
        let outline = Outline::of(content);
        let refused = match (piton_mpy::reader::header(content), outline) {
            (Ok(header), _) => self.accepts(&header),
            // Too old for our reader.
            (Err(_), Some(outline)) if outline.dialect == self.dialect => {
                self.accepts_version(outline.version)
            }
            (Err(_), _) => Ok(()),
        };
        refused.map_err(|mismatch| Unusable::Compiled {
            releases: outline
                .as_ref()
                .and_then(loaders)
                .filter(|_| mismatch.is_of_release()),
            mismatch,
        })
    }

    /// Each board that has a compiler for machine code loads machine code too, but those with the inline assembler only.
    fn check_source(&self, content: &[u8]) -> Result<(), Unusable> {
        if self.version.is_none() || self.arch.is_some() {
            return Ok(());
        }
        match native::first_native_line(content) {
            Some(line) => Err(Unusable::NativeSource { line }),
            None => Ok(()),
        }
    }
}

fn has_machine_code(content: &[u8]) -> bool {
    piton_mpy::reader::header(content).is_ok_and(|header| header.arch.is_some())
}

impl Mismatch {
    /// Returns whether the board would load the file if it ran another release.
    fn is_of_release(&self) -> bool {
        match self {
            Mismatch::Version { .. } | Mismatch::Dialect { .. } => true,
            Mismatch::MachineCode { file, board, .. } => Some(*file) == *board,
            Mismatch::NoMpy | Mismatch::Features | Mismatch::Extensions { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `sys.implementation._mpy` is on the virtual board, and on a Pico with MicroPython 1.29.
    const VIRTUAL: u32 = 0x306;
    const PICO: u32 = 0x1306;

    #[test]
    fn files_that_a_board_cannot_use_are_named_with_the_reason() {
        let native = "import micropython\n@micropython.native\ndef f(): pass\n";
        let check = |board: u32, name: &str, content: &[u8]| {
            let checked = BoardFormat::micropython(board).check_file(name, content);
            checked.map_or_else(|unusable| unusable.to_string(), |()| "fine".to_owned())
        };
        for (board, name, content, expected) in [
            (VIRTUAL, "a.mpy", &b"M\x06\0\x1f"[..], "fine"),
            (PICO, "a.mpy", b"M\x06\x13\x1f", "fine"),
            (
                VIRTUAL,
                "a.mpy",
                b"M\x06\x13\x1f",
                "its machine code is for armv6m 3, and the board runs none",
            ),
            (
                PICO,
                "a.mpy",
                b"M\x06\x12\x1f",
                "its machine code is for armv6m 2, the board's for armv6m 3 (MicroPython 1.22 can load it)",
            ),
            (
                VIRTUAL,
                "a.mpy",
                b"M\x05\x02\x1f ",
                "its format is 5, the board's 6 (MicroPython 1.12 to 1.18 can load it)",
            ),
            (
                VIRTUAL,
                "a.mpy",
                b"M\x03\x02\x1f",
                "its format is 3, the board's 6 (MicroPython 1.9.3 to 1.10, and CircuitPython 5 and 6 can load it)",
            ),
            (
                VIRTUAL,
                "a.mpy",
                b"C\x06\0\x1f",
                "it is for CircuitPython, and the board runs MicroPython (CircuitPython 9 to 10 can load it)",
            ),
            (VIRTUAL, "a.mpy", b"no such file", "fine"),
            (VIRTUAL, "a.bin", b"M\x05\x02\x1f", "fine"),
            (PICO, "a.py", native.as_bytes(), "fine"),
            // Not known to have a compiler without machine code.
            (0, "a.py", native.as_bytes(), "fine"),
            (
                VIRTUAL,
                "a.py",
                native.as_bytes(),
                "its line 2 asks for native code, and the board has none",
            ),
            (
                VIRTUAL,
                "a.py",
                b"@micropython.asm_thumb\ndef f(): pass\n",
                "fine",
            ),
        ] {
            assert_eq!(check(board, name, content), expected, "{name} {content:?}");
        }
    }

    #[test]
    fn a_package_may_have_code_for_several_processors() {
        let armv6m: (&str, &[u8]) = ("a_armv6m.mpy", b"M\x06\x13\x1f");
        let armv7m: (&str, &[u8]) = ("a_armv7m.mpy", b"M\x06\x17\x1f");
        let old: (&str, &[u8]) = ("old.mpy", b"M\x05\x02\x1f ");
        let native: (&str, &[u8]) = ("a.py", b"@micropython.native\ndef f(): pass\n");
        let refused = |board: u32, files: &[(&'static str, &'static [u8])]| {
            let board = BoardFormat::micropython(board);
            let checked = board.check_package(files.iter().copied());
            checked.err().map(|(name, _)| name)
        };
        assert_eq!(refused(PICO, &[armv7m, armv6m]), None);
        assert_eq!(refused(PICO, &[armv7m]), Some("a_armv7m.mpy"));
        assert_eq!(refused(VIRTUAL, &[armv7m, armv6m]), Some("a_armv7m.mpy"));
        assert_eq!(refused(PICO, &[armv6m, old]), Some("old.mpy"));
        assert_eq!(refused(VIRTUAL, &[native]), None);
    }

    #[test]
    fn machine_code_of_version_5_is_named_without_its_features() {
        let board = BoardFormat::micropython(0x1605);
        let refused = board.check_file("a.mpy", b"M\x05\x0a\x1f ").unwrap_err();
        let expected = "its machine code is for x64, the board's for armv7m";
        assert_eq!(refused.to_string(), expected);
    }
}
