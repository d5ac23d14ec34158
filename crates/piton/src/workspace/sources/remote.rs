//! Packages and files on servers: of repositories on a service, and at any address.

use piton_project::dependency::{DependencySource, PathKind};
use piton_project::mip::DESCRIPTION_LIMIT;

use super::paths::below;
use super::{Base, Described, Found, Sources, parse};
use crate::workspace::PackageError;
use crate::workspace::fetcher::{Events, Request};
use crate::workspace::gather::{FilePlace, WantedFile};

impl Sources<'_> {
    /// Reads a package of a repository on a service or of an address; a folder of a repository without a description is
    /// copied if `name` is that of a dependency.
    pub(super) fn package(
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

    /// Reads a package at an address.
    pub(super) fn addressed(
        &mut self,
        url: &str,
        events: &mut Events<'_>,
    ) -> Result<Found, PackageError> {
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
}

/// Returns a package that is one file.
pub(super) fn single_file(
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

/// Returns whether an address is that of one file, not of a package.
pub(super) fn url_is_file(url: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_a_file_if_its_last_name_has_an_extension() {
        for (url, is_file) in [
            ("https://x.org/a.py", true),
            ("https://x.org/a.py?raw=1#L1", true),
            ("https://x.org/b/font.bin", true),
            ("https://x.org/package.json", false),
            ("https://x.org/a", false),
            ("https://x.org/a.py/", false),
            ("https://x.org/.hidden", false),
            // The dot is in the name of the server.
            ("https://x.org", false),
            ("https://x.org/", false),
            ("", false),
        ] {
            assert_eq!(url_is_file(url), is_file, "{url}");
        }
    }

    #[test]
    fn a_single_file_keeps_the_last_name_of_its_address() {
        let of = |path: &str| {
            let found = single_file(path, "URL".to_owned(), true, Some("COMMIT".to_owned()));
            found.map(|described| {
                let [file] = described.files.as_slice() else {
                    panic!("{described:?}")
                };
                assert_eq!(
                    (&*described.source, described.commit.as_deref()),
                    ("URL", Some("COMMIT"))
                );
                assert!(
                    matches!(&file.place, FilePlace::Remote { url, is_fixed: true } if url == "URL")
                );
                file.path.to_string()
            })
        };
        assert_eq!(of("lib/a.py").unwrap(), "a.py");
        assert_eq!(of("https://x.org/b/a.py?x=/c.py#d").unwrap(), "a.py");
        for bad in ["", "lib/", "..", "lib/..", "a\\b"] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }
}
