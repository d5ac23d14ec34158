//! What can be wrong with a file or a module.

/// Why a file could not be read, or a module not be written or merged.
///
/// `at` is always an offset in bytes from the start of the file (or of the bytes given).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The input ends inside a field.
    #[error("byte {at:#x}: {field}: expected {expected} ({left} left)")]
    Truncated {
        /// Where the field starts.
        at: usize,
        /// The expected value.
        field: &'static str,
        /// How much of it is needed.
        expected: String,
        /// Bytes left, in the file or in the part that the field belongs to.
        left: usize,
    },
    /// A field has a value that the format does not allow.
    #[error("byte {at:#x}: {field}: expected {expected}, found {found}")]
    Invalid {
        /// Where the field starts.
        at: usize,
        /// The value found.
        field: &'static str,
        /// What would be right.
        expected: String,
        /// What was found instead.
        found: String,
    },
    /// The first byte or the version says that this is no `.mpy` file of version 6.
    #[error("byte {at:#x}: {field}: expected {expected}, found {found:#04x}")]
    NotMpy {
        /// Where: 0 for the letter, 1 for the version.
        at: usize,
        /// `letter` or `version`.
        field: &'static str,
        /// What would be right.
        expected: &'static str,
        /// What was found instead.
        found: u8,
    },
    /// Bytes follow the last raw code.
    #[error("byte {at:#x}: expected the end of the file, found {count} more bytes")]
    TrailingBytes {
        /// Where they start.
        at: usize,
        /// How many.
        count: usize,
    },
    /// The raw codes of a module to be written do not form one tree with number 0 as its root.
    #[error("raw code {raw_code} is {problem}: raw codes must form one tree from number 0")]
    NotATree {
        /// Index of the raw code.
        raw_code: usize,
        /// `missing`, `reached twice` or `not reached`.
        problem: &'static str,
    },
    /// A part of a module to be written contradicts another.
    #[error("raw code {raw_code}: {field}: expected {expected}, found {found}")]
    Inconsistent {
        /// Index of the raw code.
        raw_code: usize,
        /// Which part.
        field: &'static str,
        /// What the other parts call for.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A count, length or number in a module to be written is above what the format can hold.
    #[error("{field} is {value}: expected at most {limit}")]
    TooLarge {
        /// Which one.
        field: &'static str,
        /// Its value.
        value: u64,
        /// The largest that fits.
        limit: u64,
    },
    /// A module can't be merged with the others.
    #[error("module {module}: {field}: expected {expected}, found {found}")]
    NotMergeable {
        /// Its place in the list of modules, from 0.
        module: usize,
        /// The reason.
        field: &'static str,
        /// What would be possible.
        expected: String,
        /// What it has.
        found: String,
    },
}

impl Error {
    /// Returns the same error for input that starts `base` bytes into a larger one.
    pub(crate) fn moved_by(mut self, base: usize) -> Error {
        match &mut self {
            Error::Truncated { at, .. }
            | Error::Invalid { at, .. }
            | Error::NotMpy { at, .. }
            | Error::TrailingBytes { at, .. } => *at += base,
            Error::NotATree { .. }
            | Error::Inconsistent { .. }
            | Error::TooLarge { .. }
            | Error::NotMergeable { .. } => {}
        }
        self
    }
}
