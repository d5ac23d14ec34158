//! Packages and files in a checkout of a git repository.

use piton_project::dependency::{DependencySource, PathKind};
use piton_project::mip::DESCRIPTION_LIMIT;
use piton_project::mip::source::Source;
use piton_project::project::Part;

use super::local::{copied, read};
use super::paths::{below, join, relative_to};
use super::{Base, Described, Found, Sources, needed, own_file, parse};
use crate::mip::manifest;
use crate::workspace::PackageError;
use crate::workspace::checkout::Checkout;
use crate::workspace::fetcher::Events;
use crate::workspace::gather::{FilePlace, WantedFile};

impl Sources<'_> {
    /// Reads a folder of any git repository, or a file of it.
    pub(super) fn git(
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
    pub(super) fn folder_of_checkout(
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
            // The lock's `git+URL@COMMIT#PATH` has no `/` in front of the path.
            let prefix = match relative.as_str() {
                "" => prefix.to_owned(),
                folder => format!("{prefix}{folder}/"),
            };
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

fn outside(source: &DependencySource, url: &str) -> PackageError {
    PackageError::Outside {
        url: format!("{source}: {url}"),
    }
}
