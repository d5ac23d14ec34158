//! Raw codes: what the compiler makes of one function, class body, lambda, comprehension or module.

use serde::Serialize;

use crate::prelude::Prelude;

/// Scope flag of a viper raw code in a file: relocations follow (py/runtime0.h).
pub(crate) const VIPER_RELOCATIONS: u32 = 0x10;
/// Scope flag of a viper raw code in a file: constant data follow.
pub(crate) const VIPER_RODATA: u32 = 0x20;
/// Scope flag of a viper raw code in a file: the size of its zeroed data follows.
pub(crate) const VIPER_BSS: u32 = 0x40;
/// Scope flags of a viper raw code that say what the function is.
pub(crate) const VIPER_FUNCTION: u32 = 0x0f;
/// Ends a list of relocations.
pub(crate) const RELOCATIONS_END: u8 = 0xff;
/// The highest entry of the function table that a relocation can name.
pub(crate) const MAX_RELOCATION_FUN: u8 = 118;

/// One raw code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawCode {
    /// What runs.
    pub code: Code,
    /// The raw codes that this one makes functions of, as indices into
    /// [`Module::raw_codes`](crate::module::Module::raw_codes).
    pub children: Vec<usize>,
}

/// The code of a raw code, by kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// For the virtual machine (kind 0).
    Bytecode(Bytecode),
    /// Machine code of a function with Python semantics, `@micropython.native` (kind 1).
    Native(NativeCode),
    /// Machine code of a viper function or of a linked C module (kind 2).
    Viper(ViperCode),
    /// Machine code of an inline-assembler function (kind 3).
    Asm(AsmCode),
}

impl Code {
    /// Returns the kind's number in the file.
    pub fn kind(&self) -> Kind {
        match self {
            Code::Bytecode(_) => Kind::Bytecode,
            Code::Native(_) => Kind::Native,
            Code::Viper(_) => Kind::Viper,
            Code::Asm(_) => Kind::Asm,
        }
    }
}

/// The kind of a raw code; the discriminant is its number in the file (`MP_CODE_*` minus
/// `MP_CODE_BYTECODE`, py/emitglue.h).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// See [`Code::Bytecode`].
    Bytecode = 0,
    /// See [`Code::Native`].
    Native = 1,
    /// See [`Code::Viper`].
    Viper = 2,
    /// See [`Code::Asm`].
    Asm = 3,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 4] = [Kind::Bytecode, Kind::Native, Kind::Viper, Kind::Asm];

    /// Returns the two bits in the file.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// Returns the kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bytecode => "bytecode",
            Kind::Native => "native",
            Kind::Viper => "viper",
            Kind::Asm => "asm",
        }
    }
}

/// Code for the virtual machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bytecode {
    /// What the virtual machine needs to know before it starts.
    pub prelude: Prelude,
    /// The instructions.
    pub opcodes: Vec<u8>,
    /// In a file of version 5 the function's own objects, as indices into
    /// [`Module::objects`](crate::module::Module::objects); empty in version 6, where all functions share them.
    pub objects: Vec<u32>,
}

/// Machine code with a prelude after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeCode {
    /// Machine code, then the prelude, then the bytes that the assembler put after it.
    pub code: Vec<u8>,
    /// Where in `code` the prelude starts.
    pub prelude_offset: u32,
    /// What a file of version 5 has beside the code; none in version 6.
    pub links: Option<NativeLinks>,
}

/// What a native function has in a file of version 5. The prelude in the code has numbers of strings that mean nothing
/// outside of the compiler.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NativeLinks {
    /// The function's own strings and objects.
    pub own: Links,
    /// The function's name: index into the module's qstr table.
    pub simple_name: u32,
    /// The names of its arguments, positional ones first.
    pub arg_names: Vec<u32>,
}

/// What a native or viper function has of its own in a file of version 5.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// Places in the code that get numbers of strings.
    pub strings: Vec<StringLink>,
    /// The objects, as indices into [`Module::objects`](crate::module::Module::objects).
    pub objects: Vec<u32>,
}

/// A place in machine code that gets the number of a string when the file is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StringLink {
    /// Where the place starts, in bytes.
    pub offset: u32,
    /// What is put there.
    pub kind: LinkKind,
    /// The string: index into the module's qstr table.
    pub string: u32,
}

/// What is put into machine code for a string; the discriminant is its number in the file (`load_raw_code`,
/// py/persistentcode.c of MicroPython 1.18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// The number, in two bytes.
    HalfWord = 0,
    /// The number, in the instruction of the processor that loads it.
    Number = 1,
    /// The string as an object, in the instructions of the processor that load it.
    Object = 2,
    /// The string as an object, in a word.
    Word = 3,
}

impl LinkKind {
    /// Returns the kind that the two low bits of a number say.
    pub(crate) fn of(number: u32) -> LinkKind {
        match number & 3 {
            0 => LinkKind::HalfWord,
            1 => LinkKind::Number,
            2 => LinkKind::Object,
            _ => LinkKind::Word,
        }
    }
}

/// Machine code of a viper function, or of a C module linked by mpy_ld.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViperCode {
    /// The machine code.
    pub code: Vec<u8>,
    /// What the function is, in the low four bits as in a [`Signature`](crate::prelude::Signature): of no meaning to a
    /// board. The official compiler writes 0 from 1.23 on.
    pub scope_flags: u8,
    /// Read-only data of a linked C module.
    pub rodata: Option<Vec<u8>>,
    /// Bytes of zeroed data of a linked C module.
    pub bss_size: Option<u32>,
    /// Places to patch when loading. `Some` with an empty list is not the same file as `None`.
    pub relocations: Option<Vec<Relocation>>,
    /// What a file of version 5 has beside the code; none in version 6.
    pub links: Option<Links>,
}

/// Machine code of an inline-assembler function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsmCode {
    /// The machine code.
    pub code: Vec<u8>,
    /// Number of positional arguments, 0 to 4.
    pub n_pos_args: u32,
    /// What the function returns: 0 object, 1 bool, 2 int, 3 uint (py/compile.c).
    pub return_type: u32,
}

/// One entry of the relocation list: add an address to one or more words of the code
/// (`mp_native_relocate`, py/persistentcode.c).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Relocation {
    /// The first word to patch. `None` continues after the last patched word.
    pub place: Option<Place>,
    /// The address to add.
    pub target: Target,
    /// How many words in a row to patch, if the entry says so. Only [`Target::Text`],
    /// [`Target::Rodata`] and [`Target::Bss`] have the field; without it one word is patched.
    pub count: Option<u32>,
}

/// A word of the loaded code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Which part.
    pub section: Section,
    /// Index of the machine word in it.
    pub word: u32,
}

/// A part of the loaded code that can be patched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Section {
    /// The machine code.
    Text,
    /// The read-only data.
    Rodata,
}

/// An address known only when loading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Start of the machine code.
    Text,
    /// Start of the read-only data.
    Rodata,
    /// Start of the zeroed data.
    Bss,
    /// The module's qstr table.
    QstrTable,
    /// The module's object table.
    ObjectTable,
    /// The firmware's table of runtime functions.
    FunTable,
    /// An entry of that table, 0 to 118.
    Fun(u8),
}
