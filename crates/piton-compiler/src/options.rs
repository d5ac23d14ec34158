//! The options of the compiler.

use piton_mpy::header::Arch;
use piton_syntax::Target;

/// How a module is compiled. [`Options::new`] has the defaults of `mpy-cross`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The name of the source as the compiler was given it; parse errors show it.
    pub input_name: Vec<u8>,
    /// The name to embed, if it is another one (`-s`); it is what tracebacks on the board show.
    pub embedded_name: Option<Vec<u8>>,
    /// How much to leave out.
    pub optimisation: Optimisation,
    /// Bits of a small integer on the board, sign included (`-msmall-int-bits`): 31 on 32-bit
    /// boards. Integers that need more become objects.
    pub small_int_bits: u8,
    /// Whether line numbers are kept. Never from [`Optimisation::NoLines`] on.
    pub source_lines: bool,
    /// The processor for native code (`-march`). Bytecode does not depend on it.
    pub arch: Option<Arch>,
    /// Extensions of the processor (`-march-flags`), as the official tool numbers them; 0 for none.
    /// They go into the header even of bytecode.
    pub arch_flags: u32,
    /// What functions without a decorator of their own become.
    pub default_emitter: Emitter,
    /// The firmware release that will run the module.
    pub target: Target,
    /// Whether the bytecode has room for the board to remember where names were found (`-mcache-lookup-bc`): a choice of
    /// the firmware's build up to MicroPython 1.17. Nothing else looks at it.
    pub lookup_cache: bool,
}

impl Options {
    /// Returns the defaults, for a source of this name.
    #[must_use]
    pub fn new(input_name: impl Into<Vec<u8>>) -> Options {
        Options {
            input_name: input_name.into(),
            embedded_name: None,
            optimisation: Optimisation::None,
            small_int_bits: 31,
            source_lines: true,
            arch: None,
            arch_flags: 0,
            default_emitter: Emitter::Bytecode,
            target: Target::NEWEST,
            lookup_cache: false,
        }
    }
}

/// The optimisation levels of `mpy-cross -O`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Optimisation {
    /// `-O0`: keeps `assert`; `__debug__` is true.
    #[default]
    None,
    /// `-O1`: drops `assert`; `__debug__` is false.
    NoAssert,
    /// `-O2`: the same.
    NoAssert2,
    /// `-O3`: also drops line numbers.
    NoLines,
}

impl Optimisation {
    /// Returns the level with this number; greater numbers mean the highest level.
    #[must_use]
    pub fn from_level(level: u32) -> Optimisation {
        match level {
            0 => Optimisation::None,
            1 => Optimisation::NoAssert,
            2 => Optimisation::NoAssert2,
            _ => Optimisation::NoLines,
        }
    }
}

/// What a function is compiled to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Emitter {
    /// Bytecode for the virtual machine.
    #[default]
    Bytecode,
    /// Machine code with Python semantics.
    Native,
    /// Machine code with the types of viper.
    Viper,
    /// Inline assembler.
    Assembler,
}
