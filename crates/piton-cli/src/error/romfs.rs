//! Failures of `romfs`.

use piton::compiler::DiagnosticCode;
use piton::romfs::CompileError;

/// Why an image cannot be made or deployed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RomfsError {
    /// A folder cannot become an image.
    #[error("romfs: {0}")]
    Folder(piton::romfs::FolderError),
    /// A source of an image cannot be compiled.
    #[error("romfs: {0}")]
    Compile(CompileError),
    /// The content of a folder does not fit into an image.
    #[error("romfs: {0}")]
    Build(piton::romfs::BuildError),
    /// Two folders have the same file.
    #[error("romfs: {0}")]
    Conflict(piton::romfs::Conflict),
    /// An image is larger than it may be.
    #[error("romfs: the image has {size} bytes, {} more than the {room} that it may have", size - room)]
    TooLarge {
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        room: u64,
        /// The largest files, each with its size in bytes.
        largest: Vec<(String, usize)>,
    },
    /// An image is not unpacked.
    #[error("romfs: {0}")]
    Extract(piton::romfs::ExtractError),
    /// An image has no file of this path.
    #[error("romfs: `{image}` has no file `{path}`")]
    NoFile {
        /// The image.
        image: String,
        /// The path in it.
        path: String,
    },
    /// The board cannot use a file of the image.
    #[error("romfs: the board cannot use `{path}`: {source}")]
    Unusable {
        /// The path in the image.
        path: String,
        /// Why it cannot.
        source: piton::board_format::Unusable,
    },
    /// The file to deploy is not an image.
    #[error("romfs: `{path}`: {source}")]
    Image {
        /// Path as given.
        path: String,
        /// What is wrong with it.
        source: piton::romfs::ReadError,
    },
}

impl RomfsError {
    /// Returns what a person can do.
    pub(super) fn hints(&self) -> Vec<String> {
        match self {
            RomfsError::TooLarge { largest, .. } => {
                let largest: Vec<String> = largest
                    .iter()
                    .map(|(path, size)| format!("{path} ({size})"))
                    .collect();
                vec![format!(
                    "the largest files are {}; `--exclude` leaves some out, `--share` stores equal ones once",
                    largest.join(", ")
                )]
            }
            RomfsError::Compile(CompileError::Rejected { diagnostic, .. })
                if diagnostic.code == DiagnosticCode::InvalidArchitecture =>
            {
                vec![
                    "machine code is for one processor: `--target micropython:armv7m`, for example, selects it; where `piton info` shows \
                     none, remove the decorator"
                        .to_owned(),
                ]
            }
            RomfsError::Unusable { .. } => {
                vec![
                    "nothing was written; make the image of the sources, for this board".to_owned(),
                ]
            }
            RomfsError::Conflict(_) => {
                vec!["`--exclude` leaves one of them out".to_owned()]
            }
            RomfsError::Extract(piton::romfs::ExtractError::Path { .. }) => {
                vec!["`romfs cat` prints such a file".to_owned()]
            }
            _ => Vec::new(),
        }
    }
}
