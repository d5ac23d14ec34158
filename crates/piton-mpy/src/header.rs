//! The first bytes of a file: who may load it.

use serde::Serialize;

/// The container version of MicroPython 1.19 to 1.29 and CircuitPython 9 and 10 (`MPY_VERSION`, py/persistentcode.h).
pub const VERSION: u8 = 6;

/// The container version of MicroPython 1.12 to 1.18 and CircuitPython 7 and 8.
pub const FORMER_VERSION: u8 = 5;

/// Feature of a file of version 5, in [`Header::sub_version`]: the bytecode has room for the board to remember where names
/// were found (`-mcache-lookup-bc`).
pub const FEATURE_LOOKUP_CACHE: u8 = 1;

/// Feature of a file of version 5, in [`Header::sub_version`]: strings are Unicode.
pub const FEATURE_UNICODE: u8 = 2;

/// The native-code sub-version of MicroPython 1.23 to 1.29 (`MPY_SUB_VERSION`, py/persistentcode.h).
pub const SUB_VERSION: u8 = 3;

/// Bit of the feature byte: the architecture flags follow the header (py/persistentcode.h).
pub(crate) const FEATURE_ARCH_FLAGS: u8 = 0x40;

/// The header of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Header {
    /// Whose firmware loads the file.
    pub dialect: Dialect,
    /// Version of the container: [`VERSION`] or [`FORMER_VERSION`].
    #[serde(skip)]
    pub version: u8,
    /// Native-code sub-version, 0 to 3. Zero in a file without machine code, where a board does not
    /// look at it. In a file of version 5: the features of its bytecode ([`FEATURE_LOOKUP_CACHE`],
    /// [`FEATURE_UNICODE`]).
    pub sub_version: u8,
    /// The machine code in the file; `None` if there is none.
    pub arch: Option<Arch>,
    /// Extensions of the architecture that the machine code needs ([`Arch::flag_names`]). `None`
    /// leaves the field out, which is what the official compiler does when no flag is set.
    pub arch_flags: Option<u32>,
    /// Bits of a small int that the bytecode assumes, sign included: a board with fewer refuses the
    /// file. 31 unless asked otherwise.
    pub small_int_bits: u8,
}

impl Header {
    /// Returns the header of a bytecode module for MicroPython with the usual 31-bit small ints.
    pub fn bytecode() -> Header {
        Header {
            dialect: Dialect::MicroPython,
            version: VERSION,
            sub_version: 0,
            arch: None,
            arch_flags: None,
            small_int_bits: 31,
        }
    }

    /// Returns whether the bytecode has room for the board to remember where names were found: only in version 5.
    pub fn has_lookup_cache(&self) -> bool {
        self.version == FORMER_VERSION && self.sub_version & FEATURE_LOOKUP_CACHE != 0
    }

    /// Returns the header of a module with machine code: current sub-version, 31-bit small ints.
    pub fn native(arch: Arch) -> Header {
        Header {
            sub_version: SUB_VERSION,
            arch: Some(arch),
            ..Header::bytecode()
        }
    }
}

/// The first four bytes of a file of any version from 2 on, 0 included: what each version has in the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Outline {
    /// Whose firmware loads the file.
    pub dialect: Dialect,
    /// Version of the container.
    pub version: u8,
    /// The feature byte.
    pub features: u8,
    /// Bits of a small int that the bytecode assumes.
    pub small_int_bits: u8,
}

impl Outline {
    /// Returns the outline of a file; `None` for something else than a `.mpy` file.
    pub fn of(bytes: &[u8]) -> Option<Outline> {
        // A letter that text can begin with, too, is followed by no such number there.
        let [letter, version @ 0..0x20, features, small_int_bits, ..] = *bytes else {
            return None;
        };
        Some(Outline {
            dialect: Dialect::from_letter(letter)?,
            version,
            features,
            small_int_bits,
        })
    }

    /// Returns the number of the architecture of machine code in the file, 0 if there is none: from version 4 on.
    pub fn arch_number(&self) -> u8 {
        match self.version {
            0..4 => 0,
            VERSION => self.features >> 2 & 0xf,
            _ => self.features >> 2 & 0x3f,
        }
    }

    /// Returns the version of the interface for machine code: from version 6 on.
    pub fn sub_version(&self) -> u8 {
        if self.version < VERSION {
            0
        } else {
            self.features & 3
        }
    }
}

impl std::fmt::Display for Outline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (firmware, version) = (self.dialect.name(), self.version);
        let bits = self.small_int_bits;
        write!(
            f,
            "{firmware} .mpy version {version}, {bits}-bit small ints"
        )?;
        match self.arch_number() {
            0 => Ok(()),
            number => match Arch::from_number(number) {
                Some(arch) => write!(f, ", machine code for {}", arch.name()),
                None => write!(f, ", machine code for architecture {number}"),
            },
        }
    }
}

/// Whose firmware loads the file: the letter in byte 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Dialect {
    /// `M`.
    MicroPython,
    /// `C` (CircuitPython 7 and later, its py/persistentcode.c).
    CircuitPython,
}

impl Dialect {
    /// Returns the byte at the start of the file.
    pub fn letter(self) -> u8 {
        match self {
            Dialect::MicroPython => b'M',
            Dialect::CircuitPython => b'C',
        }
    }

    /// Returns the dialect of a file that starts with this byte.
    pub fn from_letter(letter: u8) -> Option<Dialect> {
        [Dialect::MicroPython, Dialect::CircuitPython]
            .into_iter()
            .find(|d| d.letter() == letter)
    }

    /// Returns the name of the firmware.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::MicroPython => "MicroPython",
            Dialect::CircuitPython => "CircuitPython",
        }
    }
}

/// A native architecture; the discriminant is its number in the feature byte (`MP_NATIVE_ARCH_*`,
/// py/persistentcode.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// 32-bit x86.
    X86 = 1,
    /// 64-bit x86.
    X64 = 2,
    /// ARMv6 in ARM state.
    ArmV6 = 3,
    /// Thumb, Cortex-M0 and M0+.
    ArmV6M = 4,
    /// Thumb-2, Cortex-M3.
    ArmV7M = 5,
    /// Thumb-2 with DSP instructions, Cortex-M4 without a floating-point unit.
    ArmV7EM = 6,
    /// Thumb-2 with single-precision floating point.
    ArmV7EMSP = 7,
    /// Thumb-2 with double-precision floating point.
    ArmV7EMDP = 8,
    /// Xtensa, call0 convention: ESP8266.
    Xtensa = 9,
    /// Xtensa, windowed convention: ESP32.
    XtensaWin = 10,
    /// 32-bit RISC-V.
    Rv32Imc = 11,
    /// 64-bit RISC-V.
    Rv64Imc = 12,
    /// The listing pseudo-architecture of the official compiler.
    Debug = 13,
}

impl Arch {
    /// Every architecture, by rising number.
    pub const ALL: [Arch; 13] = [
        Arch::X86,
        Arch::X64,
        Arch::ArmV6,
        Arch::ArmV6M,
        Arch::ArmV7M,
        Arch::ArmV7EM,
        Arch::ArmV7EMSP,
        Arch::ArmV7EMDP,
        Arch::Xtensa,
        Arch::XtensaWin,
        Arch::Rv32Imc,
        Arch::Rv64Imc,
        Arch::Debug,
    ];

    /// Returns the number in the feature byte, 1 to 13.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Returns the architecture with this number.
    pub fn from_number(number: u8) -> Option<Arch> {
        Arch::ALL.into_iter().find(|arch| arch.number() == number)
    }

    /// Returns the name that `-march` takes.
    pub fn name(self) -> &'static str {
        match self {
            Arch::X86 => "x86",
            Arch::X64 => "x64",
            Arch::ArmV6 => "armv6",
            Arch::ArmV6M => "armv6m",
            Arch::ArmV7M => "armv7m",
            Arch::ArmV7EM => "armv7em",
            Arch::ArmV7EMSP => "armv7emsp",
            Arch::ArmV7EMDP => "armv7emdp",
            Arch::Xtensa => "xtensa",
            Arch::XtensaWin => "xtensawin",
            Arch::Rv32Imc => "rv32imc",
            Arch::Rv64Imc => "rv64imc",
            Arch::Debug => "debug",
        }
    }

    /// Returns the architecture with this `-march` name.
    pub fn from_name(name: &str) -> Option<Arch> {
        Arch::ALL.into_iter().find(|arch| arch.name() == name)
    }

    /// Bytes of a machine word, which relocations count in.
    pub fn word_size(self) -> u32 {
        match self {
            Arch::X64 | Arch::Rv64Imc | Arch::Debug => 8,
            Arch::X86
            | Arch::ArmV6
            | Arch::ArmV6M
            | Arch::ArmV7M
            | Arch::ArmV7EM
            | Arch::ArmV7EMSP
            | Arch::ArmV7EMDP
            | Arch::Xtensa
            | Arch::XtensaWin
            | Arch::Rv32Imc => 4,
        }
    }

    /// Returns the flags of [`Header::arch_flags`] that have a name here, as (bit mask, `-march-flags` name).
    /// Only `rv32imc` has any (mpy-cross/main.c).
    pub fn flag_names(self) -> &'static [(u32, &'static str)] {
        if self == Arch::Rv32Imc {
            &[(1, "zba"), (2, "zcmp")]
        } else {
            &[]
        }
    }
}
