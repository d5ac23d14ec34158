//! What keeps objects from becoming a module.

use piton_mpy::header::Arch;

/// Why objects cannot be linked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// An object is for another processor.
    #[error("incompatible arch")]
    IncompatibleArch {
        /// The object.
        file: String,
    },
    /// No object has the function that the module starts with.
    #[error("unknown symbol: {name}")]
    UnknownSymbol {
        /// The name.
        name: String,
    },
    /// Two objects define the same names.
    #[error("{}", lines(names.iter().map(|name| format!("duplicate symbol: {name}"))))]
    DuplicateSymbols {
        /// The names.
        names: Vec<String>,
    },
    /// Nothing defines names that objects use.
    #[error("{}", lines(symbols.iter().map(|(file, name)| format!("{file}: undefined symbol: {name}"))))]
    UndefinedSymbols {
        /// The objects and the names.
        symbols: Vec<(String, String)>,
    },
    /// An object has data that can be written. A module has none but zeroed data.
    #[error("{file}: {section} non-empty")]
    WritableData {
        /// The object.
        file: String,
        /// Its section.
        section: String,
    },
    /// The module starts too far from its first byte.
    #[error("jumps larger than {limit} are not supported")]
    JumpTooFar {
        /// What a jump can reach.
        limit: &'static str,
    },
    /// Code refers to constants by distance, where the architecture loads them somewhere else.
    #[error("fixed relocation to rodata with rodata referenced via GOT")]
    FixedToRodata,
    /// Code refers to zeroed data by distance: a variable is `static`.
    #[error("{file}: fixed relocation to bss (bss variables can't be static)")]
    FixedToBss {
        /// The object.
        file: String,
    },
    /// Code refers by distance to what the firmware has.
    #[error("{file}: fixed relocation to external symbol: {name}")]
    FixedToExternal {
        /// The object.
        file: String,
        /// The name.
        name: String,
    },
    /// A kind of relocation of RISC-V that no module can have.
    #[error("{file}: RISC-V {kind} relocation: {name}")]
    Riscv {
        /// The object.
        file: String,
        /// The kind.
        kind: &'static str,
        /// The symbol.
        name: String,
    },
    /// No objects can be linked for this architecture.
    #[error("no objects are linked for `{}`", arch.name())]
    UnknownArch {
        /// The architecture.
        arch: Arch,
    },
    /// A file is neither an ELF object nor an archive, or is damaged.
    #[error("{file}: {what}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
    },
    /// An object has something that the linker has no rule for. The official one ends with an assertion.
    #[error("{file}: {what}")]
    Unsupported {
        /// The object.
        file: String,
        /// What it is.
        what: String,
    },
    /// Two objects of archives define the same name.
    #[error("Multiple definitions for {name}")]
    MultipleDefinitions {
        /// The name.
        name: String,
    },
    /// A script for linkers has something else than a list of archives.
    #[error("Invalid instruction found in the ld script:{text}")]
    Script {
        /// What is left of it.
        text: String,
    },
    /// A script gives a symbol two addresses, or none.
    #[error("{what}")]
    FixedAddress {
        /// What is wrong.
        what: String,
    },
    /// The module cannot be written.
    #[error("the module cannot be written: {0}")]
    Module(#[from] piton_mpy::error::Error),
}

impl LinkError {
    /// Returns whether the official linker knows this problem (and prints it as `LinkError`).
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            LinkError::IncompatibleArch { .. }
                | LinkError::UnknownSymbol { .. }
                | LinkError::DuplicateSymbols { .. }
                | LinkError::UndefinedSymbols { .. }
                | LinkError::WritableData { .. }
                | LinkError::JumpTooFar { .. }
                | LinkError::FixedToRodata
                | LinkError::FixedToBss { .. }
                | LinkError::FixedToExternal { .. }
                | LinkError::Riscv { .. }
        )
    }
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}
