//! The format of a board: the `.mpy` files that it loads, and the options of the compiler for them.
//!
//! ```
//! use piton::board_format::{BoardFormat, Mismatch};
//! use piton::mpy::header::{Arch, Header};
//!
//! // What `sys.implementation._mpy` is on a Raspberry Pi Pico with MicroPython 1.29.
//! let pico = BoardFormat::micropython(0x1306);
//! assert_eq!(pico.accepts(&Header::bytecode()), Ok(()));
//! assert!(matches!(pico.accepts(&Header::native(Arch::Rv32Imc)), Err(Mismatch::MachineCode { .. })));
//! assert_eq!(pico.compiler_options("main.py")?.arch, Some(Arch::ArmV6M));
//! # Ok::<(), piton::board_format::NotCompilable>(())
//! ```

use std::path::Path;

use piton_board::facts::BoardFacts;
use piton_compiler::{Options, Target, makes_machine_code, processor_flags};
use piton_mpy::header::{
    Arch, Dialect, FEATURE_LOOKUP_CACHE, FEATURE_UNICODE, FORMER_VERSION, Header, VERSION,
};

use crate::building::project::circuitpython_version;
use crate::regular::{self, Links};

mod files;
mod loaders;

pub use files::Unusable;
pub use loaders::loaders;

/// What CircuitPython writes on its drive about itself.
pub const BOOT_OUT: &str = "boot_out.txt";

/// Maximum size of [`BOOT_OUT`] in bytes. The file has a few lines.
const BOOT_OUT_LIMIT: u64 = 64 << 10;

/// The name of CircuitPython in `sys.implementation`.
const CIRCUITPYTHON: &str = "circuitpython";

/// The `.mpy` files that a board loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardFormat {
    /// The kind of its firmware.
    pub dialect: Dialect,
    /// Version of the `.mpy` files that it loads; `None` if it loads none.
    pub version: Option<u8>,
    /// Version of the interface for machine code. For files of version 5 the features that their bytecode must have, as
    /// [`Header::sub_version`] has them.
    pub sub_version: u8,
    /// Its processor, if it runs machine code from `.mpy` files.
    pub arch: Option<Arch>,
    /// Extensions of that processor ([`Arch::flag_names`]).
    pub arch_flags: u32,
    /// The compiler's target for the firmware; `None` for a version of CircuitPython that the compiler does not know.
    pub target: Option<Target>,
    /// Whether `target` is the release that the board named; else it follows from the other facts.
    pub release_is_known: bool,
}

/// Why a board does not load a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The board loads no `.mpy` files at all.
    #[error("it loads no `.mpy` files")]
    NoMpy,
    /// The file is of another version.
    #[error("its format is {file}, the board's {board}")]
    Version {
        /// The file's.
        file: u8,
        /// The board's.
        board: u8,
    },
    /// The file's bytecode has other features than the board's: room for looked-up names, or Unicode.
    #[error("its bytecode has other features than the board's")]
    Features,
    /// The file is for another firmware.
    #[error("it is for {}, and the board runs {}", file.name(), board.name())]
    Dialect {
        /// The file's.
        file: Dialect,
        /// The board's.
        board: Dialect,
    },
    /// The file's machine code is for another processor, or for another version of its interface.
    #[error(
        "its machine code is for {}, {}",
        interface(*file, *file_version),
        board.map_or_else(
            || "and the board runs none".to_owned(),
            |board| format!("the board's for {}", interface(board, *board_version))
        )
    )]
    MachineCode {
        /// The processor of the file.
        file: Arch,
        /// Its interface; 0 in files of version 5, which do not say it.
        file_version: u8,
        /// The processor of the board; `None` if it runs no machine code.
        board: Option<Arch>,
        /// Its interface.
        board_version: u8,
    },
    /// The file's machine code needs extensions that the board's processor lacks.
    #[error("its machine code needs extensions of {} that the board lacks", arch.name())]
    Extensions {
        /// The processor.
        arch: Arch,
    },
}

/// Why the compiler cannot compile for a board.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotCompilable {
    /// The board loads no `.mpy` files.
    #[error("the board's firmware loads no .mpy files")]
    NoMpy,
    /// The board loads files of another version.
    #[error("the board's firmware loads .mpy files of version {version}, not 5 or 6")]
    Version {
        /// The version.
        version: u8,
    },
    /// The board runs a version of CircuitPython that the compiler does not know.
    #[error("the compiler does not know the board's version of CircuitPython")]
    UnknownFirmware,
}

/// Returns the name of a processor, with the version of its interface if that is known.
fn interface(arch: Arch, version: u8) -> String {
    match version {
        0 => arch.name().to_owned(),
        version => format!("{} {version}", arch.name()),
    }
}

impl BoardFormat {
    /// Returns the format of a board with MicroPython whose `sys.implementation._mpy` has this value; 0 if it has no
    /// such attribute.
    pub fn micropython(mpy: u32) -> BoardFormat {
        // Bits 0-7 version, 8-9 sub-version, 10-13 processor, 16 and up its extensions (py/persistentcode.h).
        let [version, features, ..] = mpy.to_le_bytes();
        let sub_version = features & 3;
        BoardFormat {
            dialect: Dialect::MicroPython,
            version: (version > 0).then_some(version),
            sub_version,
            arch: Arch::from_number(features >> 2 & 0xf),
            arch_flags: mpy >> 16,
            target: Some(micropython(version, sub_version, None)),
            release_is_known: false,
        }
    }

    /// Returns the format of a board whose `sys.implementation` has this name, this first number of its version, and
    /// this value of `_mpy`; 0 if it has none.
    pub(crate) fn of_implementation(name: &str, major: u32, mpy: u32) -> BoardFormat {
        let format = BoardFormat::micropython(mpy);
        match name {
            CIRCUITPYTHON => BoardFormat {
                dialect: Dialect::CircuitPython,
                target: circuitpython(major),
                release_is_known: true,
                ..format
            },
            _ => format,
        }
    }

    /// Returns the version of the compiled packages in an index of MicroPython that the board loads; `None` if it loads
    /// none of them and gets sources. CircuitPython is such a board: its format has the number of MicroPython's, and
    /// other bytecode.
    pub fn index_version(&self) -> Option<u8> {
        self.version
            .filter(|_| self.dialect == Dialect::MicroPython)
    }

    /// Returns the format of a CircuitPython board with this text of `boot_out.txt`; `None` if the text has no version.
    pub fn from_boot_out(text: &str) -> Option<BoardFormat> {
        let major = major(&circuitpython_version(text)?)?;
        Some(BoardFormat {
            dialect: Dialect::CircuitPython,
            // MPY_VERSION, py/persistentcode.h there.
            version: Some(if major >= 9 { VERSION } else { FORMER_VERSION }),
            sub_version: if major >= 9 { 0 } else { FEATURE_UNICODE },
            arch: None,
            arch_flags: 0,
            target: circuitpython(major),
            release_is_known: true,
        })
    }

    /// Returns the format of a drive's board; `None` if the drive has no valid `boot_out.txt`.
    pub fn of_drive(drive: &Path) -> Option<BoardFormat> {
        let text = regular::read(&drive.join(BOOT_OUT), Links::Refuse, BOOT_OUT_LIMIT).ok()?;
        BoardFormat::from_boot_out(std::str::from_utf8(&text).ok()?)
    }

    /// Checks that the board loads a file with this header (`mp_raw_code_load`, py/persistentcode.c).
    ///
    /// # Errors
    ///
    /// [`Mismatch`] if the board refuses the file or would crash.
    pub fn accepts(&self, header: &Header) -> Result<(), Mismatch> {
        if header.dialect != self.dialect {
            return Err(Mismatch::Dialect {
                file: header.dialect,
                board: self.dialect,
            });
        }
        self.accepts_version(header.version)?;
        if header.version == FORMER_VERSION && header.sub_version != self.sub_version {
            return Err(Mismatch::Features);
        }
        let Some(arch) = header.arch else {
            return Ok(());
        };
        let has_interface = header.sub_version == self.sub_version;
        if !self.runs(arch) || !has_interface {
            let interface = |version: u8| match header.version {
                FORMER_VERSION => 0,
                _ => version,
            };
            return Err(Mismatch::MachineCode {
                file: arch,
                file_version: interface(header.sub_version),
                board: self.arch,
                board_version: interface(self.sub_version),
            });
        }
        if header.arch_flags.unwrap_or(0) & !self.arch_flags != 0 {
            return Err(Mismatch::Extensions { arch });
        }
        Ok(())
    }

    /// Checks that the board loads files of this version. The rest of the header is not checked.
    ///
    /// # Errors
    ///
    /// [`Mismatch::NoMpy`], [`Mismatch::Version`].
    pub fn accepts_version(&self, version: u8) -> Result<(), Mismatch> {
        match self.version {
            None => Err(Mismatch::NoMpy),
            Some(board) if board != version => Err(Mismatch::Version {
                file: version,
                board,
            }),
            Some(_) => Ok(()),
        }
    }

    /// Returns whether its processor runs code for this one.
    fn runs(&self, code: Arch) -> bool {
        let Some(board) = self.arch else {
            return false;
        };
        // A Cortex-M runs the code of the smaller ones: `MPY_FEATURE_ARCH_TEST`, py/persistentcode.h.
        let cortex = Arch::ArmV6M.number()..=Arch::ArmV7EMDP.number();
        let is_smaller_cortex = [code, board]
            .iter()
            .all(|arch| cortex.contains(&arch.number()))
            && code.number() < board.number();
        code == board || is_smaller_cortex
    }

    /// Returns the options to compile a source of this name for the board: bytecode of its version, and machine code,
    /// with the extensions of its processor, if the compiler makes it for the release.
    ///
    /// # Errors
    ///
    /// [`NotCompilable`].
    pub fn compiler_options(&self, name: &str) -> Result<Options, NotCompilable> {
        let target = self.target.ok_or(NotCompilable::UnknownFirmware)?;
        match self.version {
            None => return Err(NotCompilable::NoMpy),
            Some(VERSION) => {}
            // All strings of the compiler are Unicode.
            Some(FORMER_VERSION) if self.sub_version & FEATURE_UNICODE != 0 => {}
            Some(version) => return Err(NotCompilable::Version { version }),
        }
        // In version 5 the number says what the bytecode has, and the interface for machine code changed from release
        // to release: the code of another one would crash the board.
        let has_interface = match self.version {
            Some(FORMER_VERSION) => self.release_is_known,
            _ => self.sub_version == target.mpy_sub_version(),
        };
        let arch = self
            .arch
            .filter(|&arch| has_interface && makes_machine_code(target, arch));
        let known = arch.map_or_else(Vec::new, |arch| processor_flags(target, arch));
        let known = known.iter().fold(0, |flags, (flag, _)| flags | flag);
        Ok(Options {
            target,
            arch,
            arch_flags: self.arch_flags & known,
            lookup_cache: self.version == Some(FORMER_VERSION)
                && self.sub_version & FEATURE_LOOKUP_CACHE != 0,
            ..Options::new(name)
        })
    }
}

impl From<&BoardFacts> for BoardFormat {
    fn from(facts: &BoardFacts) -> BoardFormat {
        let is_circuitpython = facts.implementation.as_deref() == Some(CIRCUITPYTHON);
        let release = facts.release.as_deref().unwrap_or_default();
        let mpy = facts.mpy.as_ref();
        let named = minor(release).and_then(Target::micropython);
        BoardFormat {
            dialect: match is_circuitpython {
                true => Dialect::CircuitPython,
                false => Dialect::MicroPython,
            },
            version: mpy.map(|mpy| mpy.version),
            sub_version: mpy.map_or(0, |mpy| mpy.sub_version | mpy.features),
            arch: mpy.and_then(|mpy| Arch::from_name(mpy.arch?)),
            arch_flags: mpy.map_or(0, |mpy| mpy.arch_flags),
            target: match is_circuitpython {
                true => major(release).and_then(circuitpython),
                false => Some(mpy.map_or(Target::NEWEST, |mpy| {
                    micropython(mpy.version, mpy.sub_version, minor(release))
                })),
            },
            release_is_known: is_circuitpython
                || named
                    .is_some_and(|named| mpy.is_some_and(|mpy| mpy.version == named.mpy_version())),
        }
    }
}

/// Returns the target of a MicroPython that loads this version of files: the release itself if its second number is known,
/// else the oldest one that is sure to load the same.
fn micropython(version: u8, sub_version: u8, minor: Option<u32>) -> Target {
    let named = minor
        .and_then(Target::micropython)
        .filter(|target| target.mpy_version() == version);
    named.unwrap_or(match (version, sub_version) {
        (FORMER_VERSION, _) => Target::MicroPython1_12,
        (VERSION, 0) => Target::MicroPython1_19,
        (VERSION, 1) => Target::MicroPython1_20,
        (VERSION, 2) => Target::MicroPython1_22,
        _ => Target::NEWEST,
    })
}

/// Returns the second number of a version of MicroPython 1.
fn minor(release: &str) -> Option<u32> {
    let (major, rest) = release.split_once('.')?;
    (major == "1").then(|| self::major(rest))?
}

/// Returns the first number of a version.
fn major(version: &str) -> Option<u32> {
    let digits = version.split(|letter: char| !letter.is_ascii_digit());
    digits.into_iter().next()?.parse().ok()
}

/// Returns the target of a CircuitPython with this first number. A newer one than the compiler knows is none: its
/// bytecode may differ.
fn circuitpython(major: u32) -> Option<Target> {
    Target::circuitpython(major)
}

#[cfg(test)]
mod tests {
    use piton_board::facts::BoardFacts;

    use super::*;

    /// A Raspberry Pi Pico and a Pico 2 with MicroPython 1.29, as `sys.implementation._mpy` has it.
    const PICO: u32 = 0x1306;
    const PICO_2: u32 = 0x1f06;

    #[test]
    fn sources_are_compiled_for_what_the_board_loads() {
        // webassembly 1.29, rp2 1.29, rp2 1.19, rp2 1.18, whose machine code no compiler made, a pyboard of an unknown release up to
        // 1.18, and a RISC-V of 1.22, which the official compiler of that release did not know.
        for (mpy, arch, target) in [
            (774, None, Target::NEWEST),
            (PICO, Some(Arch::ArmV6M), Target::NEWEST),
            (0x1006, Some(Arch::ArmV6M), Target::MicroPython1_19),
            (0x1205, None, Target::MicroPython1_12),
            (0x1e05, None, Target::MicroPython1_12),
            (0x2e06, None, Target::MicroPython1_22),
        ] {
            let options = BoardFormat::micropython(mpy).compiler_options("x.py");
            let options = options.unwrap();
            assert_eq!((options.arch, options.target), (arch, target));
            assert_eq!(options.input_name, b"x.py");
        }
        for (mpy, expected) in [
            (0, "the board's firmware loads no .mpy files"),
            (
                4,
                "the board's firmware loads .mpy files of version 4, not 5 or 6",
            ),
            // Without Unicode.
            (
                5,
                "the board's firmware loads .mpy files of version 5, not 5 or 6",
            ),
        ] {
            let refused = BoardFormat::micropython(mpy).compiler_options("x.py");
            assert_eq!(refused.unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn the_format_of_a_board_is_read_from_its_drive() {
        let text = |version: &str| {
            format!("Adafruit CircuitPython {version} on 2026-01-01; Raspberry Pi Pico\n")
        };
        for (version, mpy, target) in [
            ("6.3.0", 5, None),
            ("7.3.3", 5, Some(Target::CircuitPython7)),
            ("8.2.10", 5, Some(Target::CircuitPython8)),
            ("9.2.1", 6, Some(Target::CircuitPython9)),
            ("10.0.0-beta.2", 6, Some(Target::CircuitPython10)),
            ("11.0.0", 6, None),
            // Not version 1 of anything.
            ("100.0.0", 6, None),
        ] {
            let format = BoardFormat::from_boot_out(&text(version)).unwrap();
            assert_eq!((format.version, format.target), (Some(mpy), target));
            assert_eq!(format.compiler_options("").is_ok(), target.is_some());
            let header = Header {
                dialect: Dialect::CircuitPython,
                ..Header::bytecode()
            };
            assert_eq!(format.accepts(&header).is_ok(), mpy == VERSION, "{version}");
            let former = Header {
                version: FORMER_VERSION,
                sub_version: FEATURE_UNICODE,
                ..header
            };
            assert_eq!(format.accepts(&former).is_ok(), mpy != VERSION, "{version}");
        }
        for nothing in ["", "MicroPython 1.29", "CircuitPython ", "CircuitPython x"] {
            assert_eq!(BoardFormat::from_boot_out(nothing), None);
        }
        let drive = tempfile::tempdir().unwrap();
        assert_eq!(BoardFormat::of_drive(drive.path()), None);
        std::fs::write(drive.path().join(BOOT_OUT), text("9.0.0")).unwrap();
        assert!(BoardFormat::of_drive(drive.path()).is_some());
    }

    #[test]
    fn facts_and_the_number_give_the_same_format() {
        let mut facts = BoardFacts::default();
        assert_eq!(BoardFormat::from(&facts), BoardFormat::micropython(0));
        facts.implementation = Some("circuitpython".to_owned());
        facts.release = Some("10.0.3".to_owned());
        let format = BoardFormat::from(&facts);
        assert_eq!(format.dialect, Dialect::CircuitPython);
        assert_eq!(format.target, Some(Target::CircuitPython10));
        facts.release = None;
        assert_eq!(BoardFormat::from(&facts).target, None);
    }

    #[test]
    fn a_board_gets_the_bytecode_of_its_own_release() {
        let target = |release: &str, mpy: u32| {
            micropython(
                mpy.to_le_bytes()[0],
                mpy.to_le_bytes()[1] & 3,
                minor(release),
            )
        };
        for (release, mpy, expected) in [
            ("1.29.0", PICO, Target::NEWEST),
            ("1.25.0-preview", PICO, Target::MicroPython1_25),
            ("1.18", 0x1e05, Target::MicroPython1_18),
            ("1.12.0", 0x0205, Target::MicroPython1_12),
            // Newer than all, not a release, and one that does not fit its format.
            ("1.31.0", PICO, Target::NEWEST),
            ("", 0x1e05, Target::MicroPython1_12),
            ("", 0x106, Target::MicroPython1_20),
            ("3.4.0", PICO, Target::NEWEST),
            ("1.12.0", PICO, Target::NEWEST),
        ] {
            assert_eq!(target(release, mpy), expected, "{release} {mpy:#x}");
        }
        // The interface for machine code is that of the release.
        let named = BoardFormat {
            target: Some(Target::MicroPython1_18),
            release_is_known: true,
            ..BoardFormat::micropython(0x1e05)
        };
        let options = named.compiler_options("x.py").unwrap();
        assert_eq!(options.arch, Some(Arch::ArmV7EMSP));
        // A board of 1.16 whose build has room for looked-up names.
        let format = BoardFormat::micropython(0x1f05);
        let options = format.compiler_options("x.py").unwrap();
        assert!(options.lookup_cache && options.arch.is_none());
        assert!(
            !BoardFormat::micropython(0x1e05)
                .compiler_options("")
                .unwrap()
                .lookup_cache
        );
        let header = |sub_version| Header {
            version: FORMER_VERSION,
            sub_version,
            ..Header::bytecode()
        };
        assert_eq!(format.accepts(&header(3)), Ok(()));
        assert_eq!(format.accepts(&header(2)), Err(Mismatch::Features));
    }

    /// Compares the reason why a board with this number refuses a header; empty if it does not.
    fn check(mpy: u32, header: &Header, expected: &str) {
        let refused = BoardFormat::micropython(mpy).accepts(header);
        let said = refused.map_or_else(|mismatch| mismatch.to_string(), |()| String::new());
        assert_eq!(said, expected, "{mpy:#x} and {header:?}");
    }

    #[test]
    fn a_board_accepts_the_files_that_it_loads() {
        let bytecode = Header::bytecode();
        check(PICO, &bytecode, "");
        check(0, &bytecode, "it loads no `.mpy` files");
        check(5, &bytecode, "its format is 6, the board's 5");
        let circuitpython = Header {
            dialect: Dialect::CircuitPython,
            ..bytecode
        };
        check(
            PICO,
            &circuitpython,
            "it is for CircuitPython, and the board runs MicroPython",
        );
    }

    #[test]
    fn a_processor_runs_the_machine_code_of_smaller_ones_of_its_family() {
        check(PICO, &Header::native(Arch::ArmV6M), "");
        check(PICO_2, &Header::native(Arch::ArmV6M), "");
        check(
            PICO,
            &Header::native(Arch::ArmV7EMSP),
            "its machine code is for armv7emsp 3, the board's for armv6m 3",
        );
        // No Cortex-M, though its number is smaller.
        check(
            PICO,
            &Header::native(Arch::ArmV6),
            "its machine code is for armv6 3, the board's for armv6m 3",
        );
        check(
            0x306,
            &Header::native(Arch::X64),
            "its machine code is for x64 3, and the board runs none",
        );
        check(
            0x1206,
            &Header::native(Arch::ArmV6M),
            "its machine code is for armv6m 3, the board's for armv6m 2",
        );
    }

    #[test]
    fn machine_code_may_need_extensions() {
        // An ESP32-C3 without, and a board with the first extension.
        let (without, with) = (0x2f06, 0x1_2f06);
        let header = Header {
            arch_flags: Some(1),
            ..Header::native(Arch::Rv32Imc)
        };
        check(with, &header, "");
        check(with, &Header::native(Arch::Rv32Imc), "");
        check(
            without,
            &header,
            "its machine code needs extensions of rv32imc that the board lacks",
        );
    }
}
