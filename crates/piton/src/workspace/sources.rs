//! Files and packages that do not come from an index.
//!
//! This file says which kind a source is of, and reads descriptions of packages; how each kind is read is in `sources/`: on a
//! server (`remote.rs`), in a checkout (`repository.rs`), on this computer (`local.rs`).

mod local;
mod paths;
mod remote;
mod repository;

use std::path::{Path, PathBuf};

use piton_project::dependency::{DependencySource, PathKind, Repository};
use piton_project::mip::package::PackageJson;
use piton_project::project::Part;
use piton_project::solve::Need;

use super::PackageError;
use super::checkout::{Checkout, Checkouts};
use super::fetcher::{Events, Fetcher};
use super::gather::{FilePlace, WantedFile};
use paths::join;
use remote::{single_file, url_is_file};

pub(super) use local::{read, read_within};

/// What a package is.
#[derive(Clone, Debug, Default)]
pub(super) struct Described {
    pub(super) version: Option<String>,
    pub(super) source: String,
    pub(super) commit: Option<String>,
    pub(super) files: Vec<WantedFile>,
    /// The packages that it needs.
    pub(super) sources: Vec<DependencySource>,
    /// The same, as the solver knows them.
    pub(super) needs: Vec<Need>,
}

/// What a source of the settings is.
pub(super) enum Found {
    /// A file, or a folder that is copied.
    Files(Vec<WantedFile>),
    /// A package that is known by its name.
    Named,
    /// A package with a description.
    Package(Box<Described>),
}

/// Where a description is, and how the addresses in it are read.
enum Base<'b> {
    /// In a repository, at a commit, in this folder of it.
    Repository(&'b Repository, &'b str, &'b str),
    /// At this address, which ends before the last `/`.
    Url(&'b str),
    /// In this folder of a checkout, whose files have addresses that begin like this.
    Checkout(&'b Checkout, &'b str),
    /// In this folder of this computer.
    Local(&'b Path),
}

/// Reads sources.
pub(super) struct Sources<'f> {
    fetcher: &'f Fetcher,
    /// The project's folder.
    root: PathBuf,
    /// The index of files that a description names by hash.
    index: String,
    pub(super) checkouts: Checkouts<'f>,
}

impl<'f> Sources<'f> {
    pub(super) fn new(fetcher: &'f Fetcher, root: &Path, indices: &[String]) -> Sources<'f> {
        Sources {
            fetcher,
            root: root.to_owned(),
            index: indices.first().cloned().unwrap_or_default(),
            checkouts: Checkouts::new(fetcher),
        }
    }

    /// Reads a source of the dependency `name`.
    pub(super) fn find(
        &mut self,
        name: &str,
        part: &Part,
        events: &mut Events<'_>,
    ) -> Result<Found, PackageError> {
        let own = |file: &str, place: FilePlace| {
            let files = vec![own_file(name, file, part.rename_to_init, place)?];
            Ok(Found::Files(files))
        };
        match &part.source {
            DependencySource::Index { .. } | DependencySource::Bundle { .. } => Ok(Found::Named),
            DependencySource::Repository(repository) if repository.kind == PathKind::File => {
                let (commit, path) = self.checkouts.resolve(repository, events)?;
                let url = repository.file_url(&commit, &path);
                own(
                    &path,
                    FilePlace::Remote {
                        url,
                        is_fixed: true,
                    },
                )
            }
            DependencySource::Url(url) if url_is_file(url) => own(
                url.split(['?', '#']).next().unwrap_or_default(),
                FilePlace::Remote {
                    url: url.clone(),
                    is_fixed: false,
                },
            ),
            DependencySource::Local(text) => {
                let path = self.root.join(text);
                match path.is_dir() || text.ends_with(".json") {
                    false => own(
                        &path.to_string_lossy().replace('\\', "/"),
                        FilePlace::Disk {
                            within: path.parent().unwrap_or(&path).to_owned(),
                            path: path.clone(),
                            url: text.clone(),
                        },
                    ),
                    true => self.local(name, text, &path),
                }
            }
            DependencySource::Git { .. } => self.git(name, part, events),
            source @ (DependencySource::Repository(_) | DependencySource::Url(_)) => {
                self.package(source, Some(name), events)
            }
        }
    }

    /// Reads a package that another package needs.
    pub(super) fn describe(
        &mut self,
        source: &DependencySource,
        events: &mut Events<'_>,
    ) -> Result<Described, PackageError> {
        let found = match source {
            DependencySource::Git { .. } => {
                let part = Part {
                    source: source.clone(),
                    develop: false,
                    rename_to_init: false,
                };
                self.git("", &part, events)?
            }
            // A single file is a package of that file, as mip has it.
            DependencySource::Repository(repository) if repository.kind == PathKind::File => {
                let (commit, path) = self.checkouts.resolve(repository, events)?;
                let url = repository.file_url(&commit, &path);
                return single_file(&path, url, true, Some(commit));
            }
            DependencySource::Url(url) if url_is_file(url) => {
                return single_file(url, url.clone(), false, None);
            }
            source => self.package(source, None, events)?,
        };
        match found {
            Found::Package(described) => Ok(*described),
            Found::Files(_) | Found::Named => Err(PackageError::NoPackage {
                location: source.to_string(),
            }),
        }
    }

    /// Reads the files and needs of a description.
    fn described(
        &mut self,
        json: PackageJson,
        base: &Base<'_>,
        events: &mut Events<'_>,
    ) -> Result<Described, PackageError> {
        let mut described = Described {
            version: json.version,
            ..Described::default()
        };
        for (path, hash) in json.hashes {
            described.files.push(WantedFile {
                path,
                place: FilePlace::Remote {
                    url: hash.url(&self.index),
                    is_fixed: true,
                },
                hash: Some(hash),
            });
        }
        for (path, url) in json.urls {
            let place = self.place(&url, base, events)?;
            described.files.push(WantedFile {
                path,
                place,
                hash: None,
            });
        }
        for (name, version) in &json.deps {
            let source = match base {
                Base::Repository(repository, ..) => {
                    DependencySource::Repository((*repository).clone())
                }
                _ => DependencySource::Url(String::new()),
            };
            described
                .sources
                .push(needed(&source, name, version.as_deref())?);
        }
        Ok(described)
    }

    /// Returns where a file of a description is.
    fn place(
        &mut self,
        url: &str,
        base: &Base<'_>,
        events: &mut Events<'_>,
    ) -> Result<FilePlace, PackageError> {
        let refused = || PackageError::Outside {
            url: url.to_owned(),
        };
        if url.contains("://")
            || ["github:", "gitlab:", "codeberg:"]
                .iter()
                .any(|start| url.starts_with(start))
        {
            let source: DependencySource = url.parse()?;
            return match source {
                DependencySource::Repository(mut repository) => {
                    // Without a reference of its own, it is one of the same state of the same repository.
                    if let (Base::Repository(own, commit, _), None) = (base, &repository.reference)
                        && own.host == repository.host
                        && own.name == repository.name
                    {
                        repository.reference = Some((*commit).to_owned());
                    }
                    let (commit, path) = self.checkouts.resolve(&repository, events)?;
                    Ok(FilePlace::Remote {
                        url: repository.file_url(&commit, &path),
                        is_fixed: true,
                    })
                }
                DependencySource::Url(url) => Ok(FilePlace::Remote {
                    url,
                    is_fixed: false,
                }),
                _ => Err(refused()),
            };
        }
        let is_plain = !url.contains(['\\', ':', '?', '#']) && !url.starts_with('/');
        let disk = |folder: &Path, within: &Path, shown: String| FilePlace::Disk {
            path: folder.join(url),
            within: within.to_owned(),
            url: shown,
        };
        match base {
            _ if !is_plain => Err(refused()),
            Base::Repository(repository, commit, folder) => {
                let path = join(folder, url).ok_or_else(refused)?;
                Ok(FilePlace::Remote {
                    url: repository.file_url(commit, &path),
                    is_fixed: true,
                })
            }
            Base::Url(folder) => {
                let path = join("", url).ok_or_else(refused)?;
                Ok(FilePlace::Remote {
                    url: format!("{folder}/{path}"),
                    is_fixed: false,
                })
            }
            Base::Checkout(checkout, prefix) => {
                join("", url).ok_or_else(refused)?;
                Ok(disk(
                    &checkout.folder,
                    &checkout.folder,
                    format!("{prefix}{url}"),
                ))
            }
            Base::Local(folder) => {
                join("", url).ok_or_else(refused)?;
                Ok(disk(
                    folder,
                    folder,
                    folder.join(url).to_string_lossy().replace('\\', "/"),
                ))
            }
        }
    }
}

/// Returns a file of a dependency's folder. `file` is a path or an address.
fn own_file(
    name: &str,
    file: &str,
    rename_to_init: bool,
    place: FilePlace,
) -> Result<WantedFile, PackageError> {
    let last = file.rsplit('/').next().unwrap_or_default();
    let last = match last.rsplit_once('.') {
        Some((_, end @ ("py" | "mpy"))) if rename_to_init => format!("__init__.{end}"),
        _ => last.to_owned(),
    };
    let path = match name {
        "" => last.parse()?,
        name => format!("{name}/{last}").parse()?,
    };
    Ok(WantedFile {
        path,
        place,
        hash: None,
    })
}

/// Returns what a package needs.
fn needed(
    by: &DependencySource,
    name: &str,
    version: Option<&str>,
) -> Result<DependencySource, PackageError> {
    DependencySource::of_package(name, version).map_err(|error| PackageError::Description {
        location: by.to_string(),
        reason: error.to_string(),
    })
}

fn parse(location: &str, document: &[u8]) -> Result<PackageJson, PackageError> {
    PackageJson::parse(document).map_err(|error| PackageError::Description {
        location: location.to_owned(),
        reason: error.to_string(),
    })
}
