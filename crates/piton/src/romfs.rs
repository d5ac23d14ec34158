//! Building images of read-only file systems from folders of this computer; the images themselves are made by
//! [`piton_firmware::romfs`], and written to boards by [`piton_fs::rom`].

use std::io;
use std::path::{Path, PathBuf};

pub use piton_firmware::romfs::{
    BuildError, CompileError, Content, Entry, MAX_DEPTH, ReadError, build, compile_sources,
    image_size, read,
};

/// A folder that cannot become an image.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// A file or folder cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A name that is not UTF-8.
    #[error("the name of `{}` is not UTF-8", path.display())]
    Name {
        /// Its path.
        path: PathBuf,
    },
    /// Folders in folders, more than [`MAX_DEPTH`]; a link that leads back, maybe.
    #[error("`{}` lies deeper than {MAX_DEPTH} folders", path.display())]
    TooDeep {
        /// Its path.
        path: PathBuf,
    },
}

/// What is in `folder`, sorted by name. Links are followed.
///
/// # Errors
///
/// [`FolderError`], for the first thing that cannot be read.
pub fn read_folder(folder: &Path) -> Result<Vec<Entry>, FolderError> {
    read_below(folder, 0)
}

fn read_below(folder: &Path, depth: usize) -> Result<Vec<Entry>, FolderError> {
    if depth > MAX_DEPTH {
        return Err(FolderError::TooDeep {
            path: folder.to_owned(),
        });
    }
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |source| FolderError::Read { path, source }
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
        let entry = entry.map_err(unreadable(folder))?;
        let name = entry.file_name().into_string();
        names.push(name.map_err(|_| FolderError::Name { path: entry.path() })?);
    }
    names.sort();
    let mut entries = Vec::with_capacity(names.len());
    for name in names {
        let path = folder.join(&name);
        let metadata = std::fs::metadata(&path).map_err(unreadable(&path))?;
        let content = if metadata.is_dir() {
            Content::Folder(read_below(&path, depth + 1)?)
        } else {
            Content::File(std::fs::read(&path).map_err(unreadable(&path))?)
        };
        entries.push(Entry::new(&name, content));
    }
    Ok(entries)
}
