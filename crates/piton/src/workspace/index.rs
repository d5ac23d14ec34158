//! Packages of indexes in the format of micropython-lib (`tools/build.py` there), and of Adafruit's CircuitPython bundle.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use piton_project::dependency::DependencySource;
use piton_project::mip::DESCRIPTION_LIMIT;
use piton_project::mip::package::PackageJson;
use piton_project::version::Version;
use piton_shipment::archive;
use serde::Deserialize;

use super::fetcher::{Events, Fetcher, Members, Request};
use super::gather::{FilePlace, WantedFile};
use super::refs::{self, Refs};
use super::sources::Described;
use super::{PackageError, PackageEvent};

/// How the names of the bundle's libraries begin.
pub(super) const BUNDLE: &str = "circuitpython:";

/// The repository whose releases are the bundle.
const BUNDLE_URL: &str = "https://github.com/adafruit/Adafruit_CircuitPython_Bundle";

/// Maximum size of the list of an index's packages, in bytes.
const INDEX_LIMIT: u64 = 32 << 20;

/// Maximum size of the bundle, in bytes.
const BUNDLE_LIMIT: u64 = 256 << 20;

/// The list of all packages.
#[derive(Deserialize)]
struct List {
    packages: Vec<Entry>,
}

/// A package in the list of an index.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    #[serde(default)]
    pub(super) version: String,
    #[serde(default)]
    pub(super) description: String,
    /// All versions, by the version of the `.mpy` files.
    #[serde(default)]
    versions: BTreeMap<String, Vec<String>>,
}

/// A library in the bundle's list.
#[derive(Clone, Debug, Deserialize)]
struct Library {
    version: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
    /// `lib/adafruit_x`, without the extension of a module.
    path: Option<String>,
}

/// The bundle of one day.
struct Bundle {
    tag: String,
    libraries: BTreeMap<String, Library>,
}

/// The indexes of a project, as far as they were read.
pub(super) struct Indices {
    urls: Vec<String>,
    /// `py`, or the version of the `.mpy` files.
    folder: String,
    /// The packages of each index; `None` for one without a list.
    lists: Option<Vec<Option<BTreeMap<String, Entry>>>>,
    /// The index that has a package.
    found: BTreeMap<String, String>,
    bundle: Option<Bundle>,
}

impl Indices {
    pub(super) fn new(urls: &[String], mpy_version: Option<u8>) -> Indices {
        Indices {
            urls: urls.to_vec(),
            folder: mpy_version.map_or_else(|| "py".to_owned(), |version| version.to_string()),
            lists: None,
            found: BTreeMap::new(),
            bundle: None,
        }
    }

    /// Returns the lists of all indexes, in their order.
    pub(super) fn lists(
        &mut self,
        fetcher: &Fetcher,
        events: &mut Events<'_>,
    ) -> Result<&[Option<BTreeMap<String, Entry>>], PackageError> {
        if self.lists.is_none() {
            let requests = self.urls.iter();
            let requests =
                requests.map(|url| Request::new(format!("{url}/index.json"), INDEX_LIMIT, false));
            let documents = fetcher.get_all(requests.collect(), events)?;
            let mut lists = Vec::new();
            for (url, document) in self.urls.iter().zip(documents) {
                let Some(document) = document else {
                    lists.push(None);
                    continue;
                };
                let list: List = serde_json::from_slice(&document).map_err(|error| {
                    PackageError::Description {
                        location: format!("{url}/index.json"),
                        reason: error.to_string(),
                    }
                })?;
                let entries = list.packages.into_iter();
                lists.push(Some(
                    entries.map(|entry| (entry.name.clone(), entry)).collect(),
                ));
            }
            self.lists = Some(lists);
        }
        Ok(self.lists.as_deref().unwrap_or_default())
    }

    /// Returns the versions of a package, in the first index that has it. Of an index without a list of its packages, the
    /// latest one is known.
    pub(super) fn versions(
        &mut self,
        id: &str,
        fetcher: &Fetcher,
        events: &mut Events<'_>,
    ) -> Result<Vec<Version>, PackageError> {
        if let Some(name) = id.strip_prefix(BUNDLE) {
            let bundle = self.bundle(fetcher, events)?;
            let library = bundle.libraries.get(name);
            let version = library.map(|library| library.version.as_deref().unwrap_or("0"));
            return Ok(version
                .and_then(|version| version.parse().ok())
                .into_iter()
                .collect());
        }
        self.lists(fetcher, events)?;
        let lists = self.lists.take().unwrap_or_default();
        let mut versions = Vec::new();
        for (url, list) in self.urls.iter().zip(&lists) {
            versions = match list {
                Some(list) => list.get(id).map_or_else(Vec::new, |entry| {
                    let listed = entry.versions.get(&self.folder).into_iter().flatten();
                    let all =
                        listed.chain(Some(&entry.version).filter(|_| entry.versions.is_empty()));
                    all.filter_map(|version| version.parse().ok()).collect()
                }),
                None => latest(url, &self.folder, id, fetcher, events)?,
            };
            if !versions.is_empty() {
                self.found.insert(id.to_owned(), url.clone());
                break;
            }
        }
        self.lists = Some(lists);
        Ok(versions)
    }

    /// Reads the descriptions of versions of packages, many at a time; the reason as a clause for one that cannot be used.
    pub(super) fn describe(
        &mut self,
        wanted: &[(String, Version)],
        fetcher: &Fetcher,
        events: &mut Events<'_>,
    ) -> Result<Vec<Result<Described, String>>, PackageError> {
        let mut requests = Vec::new();
        for (id, version) in wanted.iter().filter(|(id, _)| !id.starts_with(BUNDLE)) {
            let url = self.description_url(id, version.as_str());
            // The versions of an index may change: mip's index keeps their names.
            requests.push(Request::new(url, DESCRIPTION_LIMIT, false));
        }
        let mut documents = fetcher.get_all(requests, events)?.into_iter();
        let mut described = Vec::new();
        for (id, version) in wanted {
            described.push(match id.strip_prefix(BUNDLE) {
                Some(name) => self.library(name, fetcher, events)?,
                None => {
                    let index = self.found.get(id).cloned().unwrap_or_default();
                    let url = self.description_url(id, version.as_str());
                    match documents.next().flatten() {
                        None => Err(format!("the index has no {url}")),
                        Some(document) => of_index(&index, version, &document),
                    }
                }
            });
        }
        Ok(described)
    }

    fn description_url(&self, id: &str, version: &str) -> String {
        let index = self.found.get(id).map_or("", String::as_str);
        format!("{index}/package/{}/{id}/{version}.json", self.folder)
    }

    fn bundle(
        &mut self,
        fetcher: &Fetcher,
        events: &mut Events<'_>,
    ) -> Result<&Bundle, PackageError> {
        let bundle = match self.bundle.take() {
            Some(bundle) => bundle,
            None => read_bundle(fetcher, events)?,
        };
        Ok(self.bundle.insert(bundle))
    }

    /// Describes a library of the bundle.
    fn library(
        &mut self,
        name: &str,
        fetcher: &Fetcher,
        events: &mut Events<'_>,
    ) -> Result<Result<Described, String>, PackageError> {
        let bundle = self.bundle(fetcher, events)?;
        let Some(library) = bundle.libraries.get(name) else {
            return Ok(Err("the bundle does not have it".to_owned()));
        };
        let url = bundle_file(&bundle.tag, "-py", "zip");
        let path = library
            .path
            .clone()
            .unwrap_or_else(|| format!("lib/{name}"));
        let (version, dependencies) = (library.version.clone(), library.dependencies.clone());
        let members = members(&url, fetcher, events)?;
        let within = format!("{path}/");
        let files = members.keys().filter_map(|member| {
            // The first folder has the bundle's name.
            let (_, inner) = member.as_str().split_once('/')?;
            let is_its = inner == format!("{path}.py") || inner.starts_with(&within);
            let below = inner.strip_prefix("lib/").filter(|_| is_its)?;
            Some(WantedFile {
                path: below.parse().ok()?,
                place: FilePlace::Remote {
                    url: format!("{url}#{member}"),
                    is_fixed: true,
                },
                hash: None,
            })
        });
        let files: Vec<WantedFile> = files.collect();
        if files.is_empty() {
            return Ok(Err(format!("the bundle has no files of it at `{path}`")));
        }
        let sources = dependencies
            .iter()
            .map(|name| format!("{BUNDLE}{name}").parse());
        let sources = sources.collect::<Result<Vec<DependencySource>, _>>();
        Ok(sources
            .map(|sources| Described {
                version,
                source: BUNDLE_URL.to_owned(),
                files,
                sources,
                ..Described::default()
            })
            .map_err(|error| error.to_string()))
    }
}

/// Returns the latest version of a package of an index that has no list.
fn latest(
    url: &str,
    folder: &str,
    id: &str,
    fetcher: &Fetcher,
    events: &mut Events<'_>,
) -> Result<Vec<Version>, PackageError> {
    let address = format!("{url}/package/{folder}/{id}/latest.json");
    let request = Request::new(&address, DESCRIPTION_LIMIT, false);
    let Some(document) = fetcher.get(request, events)? else {
        return Ok(Vec::new());
    };
    let refused = |reason: String| PackageError::Description {
        location: address.clone(),
        reason,
    };
    let json = PackageJson::parse(&document).map_err(|error| refused(error.to_string()))?;
    let version = json.version.as_deref().unwrap_or("latest");
    let version = version
        .parse()
        .map_err(|_| refused("its version is invalid".to_owned()))?;
    Ok(vec![version])
}

/// Describes a package by its document in an index.
fn of_index(index: &str, version: &Version, document: &[u8]) -> Result<Described, String> {
    let json = PackageJson::parse(document).map_err(|error| error.to_string())?;
    let mut described = Described {
        version: Some(version.to_string()),
        source: index.to_owned(),
        ..Described::default()
    };
    for (path, hash) in json.hashes {
        described.files.push(WantedFile {
            path,
            place: FilePlace::Remote {
                url: hash.url(index),
                is_fixed: true,
            },
            hash: Some(hash),
        });
    }
    if let Some((path, _)) = json.urls.first() {
        return Err(format!("`{path}` is not a file of the index"));
    }
    for (name, version) in &json.deps {
        let source = DependencySource::of_package(name, version.as_deref());
        described
            .sources
            .push(source.map_err(|error| error.to_string())?);
    }
    Ok(described)
}

fn bundle_file(tag: &str, kind: &str, end: &str) -> String {
    format!("{BUNDLE_URL}/releases/download/{tag}/adafruit-circuitpython-bundle{kind}-{tag}.{end}")
}

/// Reads the list of the newest bundle.
fn read_bundle(fetcher: &Fetcher, events: &mut Events<'_>) -> Result<Bundle, PackageError> {
    let url = refs::url(&format!("{BUNDLE_URL}.git"));
    let document = fetcher.get(Request::new(&url, refs::LIMIT, false), events)?;
    let refs = document.as_deref().and_then(Refs::parse);
    let refused = |location: &str, reason: &str| PackageError::Description {
        location: location.to_owned(),
        reason: reason.to_owned(),
    };
    let refs =
        refs.ok_or_else(|| refused(&url, "it is not a git server's list of branches and tags"))?;
    // The tags are days: 20260315.
    let is_day = |tag: &&str| tag.len() == 8 && tag.bytes().all(|byte| byte.is_ascii_digit());
    let tag = refs.tags().filter(is_day).max().map(ToOwned::to_owned);
    let tag = tag.ok_or_else(|| refused(&url, "there is no bundle"))?;
    let list = bundle_file(&tag, "", "json");
    if events(PackageEvent::Reading { package: &list }).is_break() {
        return Err(crate::http::HttpError::Cancelled.into());
    }
    let document = fetcher.get(Request::new(&list, INDEX_LIMIT, true), events)?;
    let document = document.ok_or_else(|| PackageError::NoPackage {
        location: list.clone(),
    })?;
    let libraries =
        serde_json::from_slice(&document).map_err(|error| refused(&list, &error.to_string()))?;
    Ok(Bundle { tag, libraries })
}

/// Returns the files of a zip archive on a server. An archive is unpacked once in the life of a fetcher.
pub(super) fn members(
    url: &str,
    fetcher: &Fetcher,
    events: &mut Events<'_>,
) -> Result<Arc<Members>, PackageError> {
    if let Some(members) = fetcher.unpacked(url) {
        return Ok(members);
    }
    let document = fetcher.get(Request::new(url, BUNDLE_LIMIT, true), events)?;
    let document = document.ok_or_else(|| PackageError::NoPackage {
        location: url.to_owned(),
    })?;
    let mut members = Members::new();
    let visited = archive::visit(Cursor::new(&*document), &mut |path, _, content| {
        let mut bytes = Vec::new();
        // To the end: only there the size and the check sum are compared.
        content.read_to_end(&mut bytes)?;
        members.insert(path.clone(), bytes);
        Ok(())
    });
    visited.map_err(|error| PackageError::Description {
        location: url.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(fetcher.keep_unpacked(url, members))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(document: &str) -> Result<String, String> {
        let version: Version = "1.2".parse().unwrap();
        let described = of_index("http://index", &version, document.as_bytes())?;
        assert_eq!(described.version.as_deref(), Some("1.2"));
        assert_eq!(described.source, "http://index");
        let files = described.files.iter().map(|file| match &file.place {
            FilePlace::Remote {
                url,
                is_fixed: true,
            } => format!("{}<{url}", file.path),
            place => panic!("{place:?}"),
        });
        let needs = described.sources.iter().map(ToString::to_string);
        Ok(files.chain(needs).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_document_of_an_index_names_files_by_hash_and_needs_by_range() {
        assert_eq!(
            described(
                r#"{"hashes": [["a/b.py", "01234567"]], "deps": [["c", "1"], ["github:o/r", "v1"]], "version": "9"}"#
            ),
            Ok("a/b.py<http://index/file/01/01234567 c 1 github:o/r@v1".to_owned())
        );
        assert_eq!(described("{}"), Ok(String::new()));
    }

    #[test]
    fn a_document_that_cannot_be_used_is_described_by_a_clause() {
        for (document, part) in [
            ("", "EOF"),
            (r#"{"hashes": [["../a.py", "01234567"]]}"#, "../a.py"),
            (r#"{"hashes": [["a.py", "0123456"]]}"#, "0123456"),
            (
                r#"{"urls": [["a.py", "x/a.py"]]}"#,
                "is not a file of the index",
            ),
            (r#"{"deps": [["./local", "1"]]}"#, "this computer"),
            (r#"{"deps": [["a b", "1"]]}"#, "a b"),
        ] {
            let error = described(document).unwrap_err();
            assert!(error.contains(part), "{document}: {error}");
        }
    }

    #[test]
    fn the_files_of_the_bundle_are_named_by_its_day() {
        assert_eq!(
            bundle_file("20260315", "-py", "zip"),
            "https://github.com/adafruit/Adafruit_CircuitPython_Bundle/releases/download/20260315/\
             adafruit-circuitpython-bundle-py-20260315.zip"
        );
    }

    #[test]
    fn descriptions_of_an_index_are_in_the_folder_of_the_boards_format() {
        let url = |version| {
            let mut indices = Indices::new(&["http://index".to_owned()], version);
            indices
                .found
                .insert("a".to_owned(), "http://index".to_owned());
            indices.description_url("a", "1.0")
        };
        assert_eq!(url(None), "http://index/package/py/a/1.0.json");
        assert_eq!(url(Some(6)), "http://index/package/6/a/1.0.json");
    }
}
