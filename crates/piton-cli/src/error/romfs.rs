//! Failures of `romfs`.

/// Why an image cannot be made or deployed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RomfsError {
    /// A folder cannot become an image.
    #[error("romfs: {0}")]
    Folder(piton::romfs::FolderError),
    /// A source of an image cannot be compiled.
    #[error("romfs: {0}")]
    Compile(piton::romfs::CompileError),
    /// The content of a folder does not fit into an image.
    #[error("romfs: {0}")]
    Build(piton::romfs::BuildError),
    /// The file to deploy is not an image.
    #[error("romfs: `{path}`: {source}")]
    Image {
        /// Path as given.
        path: String,
        /// What is wrong with it.
        source: piton::romfs::ReadError,
    },
}
