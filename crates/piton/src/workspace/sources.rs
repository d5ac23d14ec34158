// tidy: one place for each kind of source, which call each other; to be split into packages and paths
//! Files and packages that do not come from an index: of repositories, of any address, of this computer.

use std::path::{Path, PathBuf};

use piton_path::PortablePath;
use piton_project::dependency::{DependencySource, PathKind, Repository};
use piton_project::mip::package::PackageJson;
use piton_project::mip::source::Source;
use piton_project::mip::{DESCRIPTION_LIMIT, FILE_LIMIT};
use piton_project::project::Part;
use piton_project::solve::Need;

use super::PackageError;
use super::checkout::{Checkout, Checkouts};
use super::fetcher::{Events, Fetcher, Request};
use super::gather::{FilePlace, WantedFile};
use crate::host_tree::{self, Kind, Rules};
use crate::left_out;
use crate::mip::manifest;
use crate::regular::{self, Links};

/// Maximum number of files of a folder.
const FILES: usize = 4096;

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

    /// Reads a package of a repository on a service or of an address; a folder of a repository without a description is
    /// copied if `name` is that of a dependency.
    fn package(
        &mut self,
        source: &DependencySource,
        name: Option<&str>,
        events: &mut Events<'_>,
    ) -> Result<Found, PackageError> {
        let repository = match source {
            DependencySource::Repository(repository) => repository,
            DependencySource::Url(url) => return self.addressed(url, events),
            source => {
                return Err(PackageError::NoPackage {
                    location: source.to_string(),
                });
            }
        };
        let (commit, path) = self.checkouts.resolve(repository, events)?;
        let (folder, file) = match repository.kind {
            PathKind::Description => {
                let (folder, _) = path.rsplit_once('/').unwrap_or(("", &path));
                (folder.to_owned(), path.clone())
            }
            _ => (path.clone(), below(&path, "package.json")),
        };
        let url = repository.file_url(&commit, &file);
        let document = self
            .fetcher
            .get(Request::new(&url, DESCRIPTION_LIMIT, true), events)?;
        if let Some(document) = document {
            let json = parse(&url, &document)?;
            let base = Base::Repository(repository, &commit, &folder);
            let mut described = self.described(json, &base, events)?;
            described.source = repository.to_string();
            described.commit = Some(commit);
            return Ok(Found::Package(Box::new(described)));
        }
        if repository.kind == PathKind::Description {
            return Err(PackageError::NoPackage { location: url });
        }
        let checkout = self.checkouts.of_service(repository, &commit, events)?;
        let prefix = repository.file_url(&commit, "");
        self.folder_of_checkout(&checkout, &path, &prefix, name, source, events)
    }

    /// Reads a folder of any git repository, or a file of it.
    fn git(
        &mut self,
        name: &str,
        part: &Part,
        events: &mut Events<'_>,
    ) -> Result<Found, PackageError> {
        let DependencySource::Git {
            url,
            reference,
            path,
        } = &part.source
        else {
            return Ok(Found::Named);
        };
        let checkout = self
            .checkouts
            .of_git(url, reference.as_deref(), &self.root, events)?;
        let prefix = format!("git+{url}@{}#", checkout.commit);
        let whole = checkout.folder.join(path);
        if whole.is_file() && !path.ends_with(".json") {
            let place = FilePlace::Disk {
                path: whole,
                within: checkout.folder.clone(),
                url: format!("{prefix}{path}"),
            };
            let file = own_file(name, path, part.rename_to_init, place)?;
            return Ok(Found::Files(vec![file]));
        }
        let name = Some(name).filter(|name| !name.is_empty());
        self.folder_of_checkout(&checkout, path, &prefix, name, &part.source, events)
    }

    /// Reads a folder of a checkout: its `package.json`, its `manifest.py`, or all of its files.
    fn folder_of_checkout(
        &mut self,
        checkout: &Checkout,
        path: &str,
        prefix: &str,
        name: Option<&str>,
        source: &DependencySource,
        events: &mut Events<'_>,
    ) -> Result<Found, PackageError> {
        let folder = checkout.folder.join(path);
        let location = || PackageError::NoPackage {
            location: source.to_string(),
        };
        let (folder, file) = match path.ends_with(".json") && folder.is_file() {
            true => (
                folder.parent().unwrap_or(&folder).to_owned(),
                folder.clone(),
            ),
            false => (folder.clone(), folder.join("package.json")),
        };
        if !folder.is_dir() {
            return Err(location());
        }
        let commit = Some(checkout.commit.clone());
        let relative = relative_to(&folder, &checkout.folder);
        if file.is_file() {
            let json = parse(&source.to_string(), &read(&file, DESCRIPTION_LIMIT)?)?;
            let at = Checkout {
                folder: folder.clone(),
                commit: checkout.commit.clone(),
                kept: checkout.kept.clone(),
            };
            let prefix = below(&format!("{prefix}{relative}"), "");
            let mut described = self.described(json, &Base::Checkout(&at, &prefix), events)?;
            described.source = source.to_string();
            described.commit = commit;
            return Ok(Found::Package(Box::new(described)));
        }
        let list = folder.join("manifest.py");
        if list.is_file() {
            let library = manifest::read_any(&list)?;
            let mut described = Described {
                version: library.package.version,
                source: source.to_string(),
                commit,
                ..Described::default()
            };
            for (path, url) in library.package.urls {
                let inner = join(&relative, &url).ok_or_else(|| outside(source, &url))?;
                described.files.push(WantedFile {
                    path,
                    place: FilePlace::Disk {
                        path: checkout.folder.join(&inner),
                        within: checkout.folder.clone(),
                        url: format!("{prefix}{inner}"),
                    },
                    hash: None,
                });
            }
            for near in library.near {
                if let Source::Local(folder) = near {
                    let inner = relative_to(&folder, &checkout.folder);
                    described.sources.push(beside(source, &inner));
                }
            }
            for (name, version) in &library.package.deps {
                described
                    .sources
                    .push(needed(source, name, version.as_deref())?);
            }
            return Ok(Found::Package(Box::new(described)));
        }
        let name = name.ok_or_else(location)?;
        let url = |inner: &str| format!("{prefix}{}", below(&relative, inner));
        Ok(Found::Files(copied(name, &folder, &checkout.folder, &url)?))
    }

    /// Reads a package at an address.
    fn addressed(&mut self, url: &str, events: &mut Events<'_>) -> Result<Found, PackageError> {
        let file = match url
            .split(['?', '#'])
            .next()
            .unwrap_or(url)
            .ends_with(".json")
        {
            true => url.to_owned(),
            false => format!("{}/package.json", url.trim_end_matches('/')),
        };
        let request = Request::new(&file, DESCRIPTION_LIMIT, false);
        let document = self.fetcher.get(request, events)?;
        let document = document.ok_or_else(|| PackageError::NoPackage {
            location: file.clone(),
        })?;
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let json = parse(&file, &document)?;
        let mut described = self.described(json, &Base::Url(folder), events)?;
        described.source = url.to_owned();
        Ok(Found::Package(Box::new(described)))
    }

    /// Reads a folder of this computer, or a description in one.
    fn local(&mut self, name: &str, text: &str, path: &Path) -> Result<Found, PackageError> {
        let mut events = |_: super::PackageEvent<'_>| std::ops::ControlFlow::Continue(());
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
    fn relative_to_root(&self, path: &Path) -> String {
        let path = match path.strip_prefix(&self.root) {
            Ok(inner) => Path::new(".").join(inner),
            Err(_) => path.to_owned(),
        };
        path.to_string_lossy().replace('\\', "/")
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

/// Returns a package that is one file.
fn single_file(
    path: &str,
    url: String,
    is_fixed: bool,
    commit: Option<String>,
) -> Result<Described, PackageError> {
    let name = path.split(['?', '#']).next().unwrap_or_default();
    let name = name.rsplit('/').next().unwrap_or_default();
    Ok(Described {
        source: url.clone(),
        commit,
        files: vec![WantedFile {
            path: name.parse()?,
            place: FilePlace::Remote { url, is_fixed },
            hash: None,
        }],
        ..Described::default()
    })
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

/// Returns all files of a folder, for the folder of the dependency `name`. What tools leave there is left out.
fn copied(
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

/// Returns the source of a library that is beside `source` in the same repository, at the same reference.
fn beside(source: &DependencySource, path: &str) -> DependencySource {
    let mut other = source.clone();
    match &mut other {
        DependencySource::Repository(repository) => {
            path.clone_into(&mut repository.path);
            repository.kind = PathKind::Package;
            repository.is_unclear = false;
        }
        DependencySource::Git { path: own, .. } => path.clone_into(own),
        _ => {}
    }
    other
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

fn outside(source: &DependencySource, url: &str) -> PackageError {
    PackageError::Outside {
        url: format!("{source}: {url}"),
    }
}

fn parse(location: &str, document: &[u8]) -> Result<PackageJson, PackageError> {
    PackageJson::parse(document).map_err(|error| PackageError::Description {
        location: location.to_owned(),
        reason: error.to_string(),
    })
}

/// Reads a file of this computer.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, PackageError> {
    regular::read(path, Links::Follow, limit).map_err(|source| PackageError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Reads a file that must be below a folder, with links resolved.
pub(super) fn read_within(path: &Path, within: &Path) -> Result<Vec<u8>, PackageError> {
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

/// Returns whether an address is that of one file, not of a package.
fn url_is_file(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    match last.rsplit_once('.') {
        Some((stem, end)) => {
            let is_server = path.matches('/').count() < 3;
            !stem.is_empty() && end != "json" && !is_server
        }
        None => false,
    }
}

fn below(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// Returns a folder as a path below another; empty for that one itself.
fn relative_to(folder: &Path, root: &Path) -> String {
    let whole = (folder.canonicalize(), root.canonicalize());
    let inner = match &whole {
        (Ok(folder), Ok(root)) => folder.strip_prefix(root).ok(),
        _ => folder.strip_prefix(root).ok(),
    };
    inner
        .map(|inner| inner.to_string_lossy().replace('\\', "/"))
        .unwrap_or_default()
}

/// Returns `path`, read from `folder`; `None` if it leads out of the root.
fn join(folder: &str, path: &str) -> Option<String> {
    let mut names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    for name in path.split('/') {
        match name {
            "" => return None,
            "." => {}
            ".." => {
                names.pop()?;
            }
            name => names.push(name),
        }
    }
    let joined = names.join("/");
    joined.parse::<PortablePath>().ok()?;
    Some(joined)
}

/// Returns the folder that a path with `..` at its beginning starts from.
fn above(folder: &Path, path: &str) -> PathBuf {
    let up = path.split('/').take_while(|name| *name == "..").count();
    (0..up).fold(folder.to_owned(), |folder, _| folder.join(".."))
}
