//! Packages, folders and files of this computer.

use std::path::{Path, PathBuf};

use piton_project::dependency::DependencySource;
use piton_project::mip::source::Source;
use piton_project::mip::{DESCRIPTION_LIMIT, FILE_LIMIT};

use super::paths::below;
use super::{Base, Described, Found, Sources, needed, parse};
use crate::host_tree::{self, Kind, Rules};
use crate::left_out;
use crate::mip::manifest;
use crate::regular::{self, Links};
use crate::workspace::PackageError;
use crate::workspace::gather::{FilePlace, WantedFile};

/// Maximum number of files of a folder.
const FILES: usize = 4096;

impl Sources<'_> {
    /// Reads a folder of this computer, or a description in one.
    pub(super) fn local(
        &mut self,
        name: &str,
        text: &str,
        path: &Path,
    ) -> Result<Found, PackageError> {
        let mut events =
            |_: crate::workspace::PackageEvent<'_>| std::ops::ControlFlow::Continue(());
        let (folder, file) = match path.is_dir() {
            true => (path, path.join("package.json")),
            false => (path.parent().unwrap_or(path), path.to_owned()),
        };
        if file.is_file() {
            let json = parse(text, &read(&file, DESCRIPTION_LIMIT)?)?;
            let mut described = self.described(json, &Base::Local(folder), &mut events)?;
            described.source = text.to_owned();
            return Ok(Found::Package(Box::new(described)));
        }
        let list = folder.join("manifest.py");
        if !list.is_file() {
            let text = text.trim_end_matches('/').to_owned();
            let url = |inner: &str| below(&text, inner);
            return Ok(Found::Files(copied(name, folder, folder, &url)?));
        }
        let library = manifest::read_any(&list)?;
        let source = DependencySource::Local(text.to_owned());
        let mut described = Described {
            version: library.package.version,
            source: text.to_owned(),
            ..Described::default()
        };
        for (path, url) in library.package.urls {
            described.files.push(WantedFile {
                path,
                place: FilePlace::Disk {
                    path: folder.join(&url),
                    // `manifest::read_any` has checked that it is in the checkout.
                    within: above(folder, &url),
                    url: below(text.trim_end_matches('/'), &url),
                },
                hash: None,
            });
        }
        for near in library.near {
            described.sources.push(match near {
                Source::Local(path) => DependencySource::Local(self.relative_to_root(&path)),
                other => needed(&source, &other.to_string(), None)?,
            });
        }
        for (name, version) in &library.package.deps {
            described
                .sources
                .push(needed(&source, name, version.as_deref())?);
        }
        Ok(Found::Package(Box::new(described)))
    }

    /// Returns a folder of this computer as the settings would name it.
    pub(super) fn relative_to_root(&self, path: &Path) -> String {
        let path = match path.strip_prefix(&self.root) {
            Ok(inner) => Path::new(".").join(inner),
            Err(_) => path.to_owned(),
        };
        path.to_string_lossy().replace('\\', "/")
    }
}

/// Returns all files of a folder, for the folder of the dependency `name`. What tools leave there is left out.
pub(super) fn copied(
    name: &str,
    folder: &Path,
    within: &Path,
    url: &dyn Fn(&str) -> String,
) -> Result<Vec<WantedFile>, PackageError> {
    let failed = |error: host_tree::WalkError| PackageError::Folder {
        folder: folder.to_owned(),
        reason: error.to_string(),
    };
    let rules = Rules {
        links: host_tree::Links::FollowToFiles,
        ..Rules::default()
    };
    let mut files = Vec::new();
    let mut entries = host_tree::walk(folder, rules);
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(failed)?;
        let inner = entry.text().map_err(failed)?.to_owned();
        let is_folder = matches!(entry.kind, Kind::Folder);
        if left_out::reason(&inner, is_folder).is_some() {
            if is_folder {
                entries.skip_folder();
            }
            continue;
        }
        if !matches!(entry.kind, Kind::File) {
            continue;
        }
        if files.len() == FILES {
            return Err(PackageError::Folder {
                folder: folder.to_owned(),
                reason: format!("it has more than {FILES} files"),
            });
        }
        files.push(WantedFile {
            path: format!("{name}/{inner}").parse()?,
            place: FilePlace::Disk {
                path: folder.join(&inner),
                within: within.to_owned(),
                url: url(&inner),
            },
            hash: None,
        });
    }
    Ok(files)
}

/// Reads a file of this computer.
pub(in crate::workspace) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, PackageError> {
    regular::read(path, Links::Follow, limit).map_err(|source| PackageError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Reads a file that must be below a folder, with links resolved.
pub(in crate::workspace) fn read_within(
    path: &Path,
    within: &Path,
) -> Result<Vec<u8>, PackageError> {
    let failed = |source| PackageError::Read {
        path: path.to_owned(),
        source,
    };
    let whole = path.canonicalize().map_err(failed)?;
    let folder = within.canonicalize().map_err(failed)?;
    match whole.starts_with(&folder) {
        true => read(&whole, FILE_LIMIT),
        false => Err(failed(std::io::Error::other(
            "it is a link that leads out of the folder of the package",
        ))),
    }
}

/// Returns the folder that a path with `..` at its beginning starts from.
fn above(folder: &Path, path: &str) -> PathBuf {
    let up = path.split('/').take_while(|name| *name == "..").count();
    (0..up).fold(folder.to_owned(), |folder, _| folder.join(".."))
}
