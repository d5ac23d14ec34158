//! Describing, fetching and checking a package and its dependencies, without a board.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use piton_board::deadline::Cancel;
use piton_board::stop::Stop;
use piton_path::Sha256Hex;
use piton_project::mip::resolve::{
    File as PackageFile, Package, Resolution, ResolveOptions, Resolver,
};
use piton_project::mip::source::{Location, Source};
use piton_project::mip::{DESCRIPTION_LIMIT, FILE_LIMIT, INDEX};

use super::look::{Looked, place_of};
use super::manifest;
use super::{MipError, MipEvent};
use crate::board_format::BoardFormat;
use crate::http::{Client, ClientOptions, HttpError};
use crate::regular::{self, Links};

/// Maximum size of all files of a package and its dependencies, in bytes.
const TOTAL_LIMIT: u64 = 128 << 20;

/// Options of fetching packages.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FetchOptions {
    /// The index of package names.
    pub index: String,
    /// Whether to fetch compiled files, if the board loads them.
    pub mpy: bool,
    /// The format of the board: [`Library::format`](super::Library::format). Without it, sources are fetched.
    pub format: Option<BoardFormat>,
    /// The timeouts of servers.
    pub client: ClientOptions,
}

impl Default for FetchOptions {
    fn default() -> FetchOptions {
        FetchOptions {
            index: INDEX.to_owned(),
            mpy: true,
            format: None,
            client: ClientOptions::default(),
        }
    }
}

/// The descriptions of a package and its dependencies: their files, with addresses.
#[derive(Clone, Debug)]
pub struct Described {
    resolution: Resolution,
    index: String,
    mpy: bool,
    client: Client,
}

impl Described {
    /// Returns the files of all packages.
    pub(super) fn files(&self) -> impl Iterator<Item = &PackageFile> {
        let packages = self.resolution.packages.iter();
        packages.flat_map(|package| &package.files)
    }
}

/// The content of a package's file.
#[derive(Clone, Debug)]
pub(super) enum Content {
    /// It was fetched.
    Fetched { bytes: Vec<u8>, sha256: String },
    /// The board has it already. See [`Looked::sha256`].
    OnBoard { sha256: String },
}

impl Content {
    fn of(bytes: Vec<u8>) -> Content {
        Content::Fetched {
            sha256: Sha256Hex::of(&bytes).into(),
            bytes,
        }
    }

    pub(super) fn sha256(&self) -> &str {
        match self {
            Content::Fetched { sha256, .. } | Content::OnBoard { sha256 } => sha256,
        }
    }
}

/// A package and its dependencies, with the contents of their files.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub(super) resolution: Resolution,
    /// For each package, the content of each of its files.
    pub(super) contents: Vec<Vec<Content>>,
    /// The index, without a `/` at its end.
    pub(super) index: String,
    /// Whether compiled files were requested.
    pub(super) mpy: bool,
}

impl Fetched {
    /// Returns the packages. The first is the requested one.
    pub fn packages(&self) -> &[Package] {
        &self.resolution.packages
    }

    /// Returns the files of all packages, with their contents.
    pub(super) fn files(&self) -> impl Iterator<Item = (&PackageFile, &Content)> {
        let packages = self.packages().iter().zip(&self.contents);
        packages.flat_map(|(package, contents)| package.files.iter().zip(contents))
    }
}

/// Returns the files of a package and its dependencies.
///
/// # Errors
///
/// [`MipError`] if a description cannot be fetched or is invalid. [`Cancel`] and `events` end the wait with
/// [`HttpError::Cancelled`].
pub fn describe(
    source: &Source,
    options: &FetchOptions,
    cancel: &Cancel,
    events: &mut dyn FnMut(MipEvent<'_>) -> ControlFlow<()>,
) -> Result<Described, MipError> {
    let client = Client::new(&options.client);
    let index = options.index.trim_end_matches('/').to_owned();
    let format = options.format.as_ref().filter(|_| options.mpy);
    let resolve = ResolveOptions {
        index: index.clone(),
        mpy: format.and_then(BoardFormat::index_version),
    };
    let mut resolver = Resolver::new(source.clone(), resolve);
    while let Some(location) = resolver.wanted()? {
        if let Some(source) = resolver.asked_for() {
            let location = &location;
            if events(MipEvent::Looking { source, location }).is_break() {
                return Err(HttpError::Cancelled.into());
            }
        }
        match &location {
            Location::Local { file, .. } if let Some(library) = manifest::find(file) => {
                let (json, local) = manifest::read(&library)?;
                resolver.answer_as(manifest::location(library), json, local)?;
            }
            _ => resolver.answer(&description(&client, &location, cancel)?)?,
        }
    }
    Ok(Described {
        resolution: resolver.finish(),
        index,
        mpy: options.mpy,
        client,
    })
}

/// Fetches and checks the files of a package and its dependencies, except those that the board has.
///
/// # Errors
///
/// [`MipError`] if a file cannot be fetched, or differs from its package's hash. [`Cancel`] and `events` end the wait
/// with [`HttpError::Cancelled`].
pub fn fetch(
    described: Described,
    looked: &Looked,
    cancel: &Cancel,
    events: &mut dyn FnMut(MipEvent<'_>) -> ControlFlow<()>,
) -> Result<Fetched, MipError> {
    let mut stop = Stop::new(cancel);
    let events = &mut |event: MipEvent<'_>| stop.report(|| events(event));
    let contents = contents(&described, looked, cancel, events)?;
    check(&described.resolution, &contents)?;
    Ok(Fetched {
        resolution: described.resolution,
        contents,
        index: described.index,
        mpy: described.mpy,
    })
}

fn description(client: &Client, location: &Location, cancel: &Cancel) -> Result<Vec<u8>, MipError> {
    match location {
        Location::Local { file, within } => read(file, within.as_deref(), DESCRIPTION_LIMIT),
        Location::Remote { url, .. } => {
            let urls = [url.clone()];
            let limits = (DESCRIPTION_LIMIT, DESCRIPTION_LIMIT);
            match client.get_all(&urls, limits, cancel, &mut |_| {}) {
                Ok(documents) => Ok(documents.into_iter().next().unwrap_or_default()),
                Err(HttpError::NotFound { .. }) => Err(MipError::NoPackage {
                    location: location.clone(),
                }),
                Err(error) => Err(error.into()),
            }
        }
    }
}

fn contents(
    described: &Described,
    looked: &Looked,
    cancel: &Cancel,
    events: &mut dyn FnMut(MipEvent<'_>),
) -> Result<Vec<Vec<Content>>, MipError> {
    let missing = described
        .files()
        .filter(|file| looked.sha256(file).is_none());
    let urls: Vec<String> = missing
        .filter_map(|file| match &file.location {
            Location::Remote { url, .. } => Some(url.clone()),
            Location::Local { .. } => None,
        })
        .collect();
    let of = urls.len();
    let limits = (FILE_LIMIT, TOTAL_LIMIT);
    let fetched = described
        .client
        .get_all(&urls, limits, cancel, &mut |done| {
            events(MipEvent::Fetched { done, of });
        });
    let mut fetched = match fetched {
        Ok(documents) => documents.into_iter(),
        Err(HttpError::NotFound { url }) => return Err(MipError::NoFile { url }),
        Err(error) => return Err(error.into()),
    };
    let mut total = 0;
    let mut content_of = |file: &PackageFile| {
        if let Some(sha256) = looked.sha256(file) {
            let sha256 = sha256.to_owned();
            return Ok(Content::OnBoard { sha256 });
        }
        let bytes = match &file.location {
            Location::Remote { .. } => fetched.next().unwrap_or_default(),
            Location::Local { file, within } => read(file, within.as_deref(), FILE_LIMIT)?,
        };
        total += bytes.len() as u64;
        match total > TOTAL_LIMIT {
            true => Err(MipError::TooMuch { limit: TOTAL_LIMIT }),
            false => Ok(Content::of(bytes)),
        }
    };
    let packages = described.resolution.packages.iter();
    packages
        .map(|package| package.files.iter().map(&mut content_of).collect())
        .collect()
}

/// Checks that all files have the hashes of their packages, and that files with one name are the same.
fn check(resolution: &Resolution, contents: &[Vec<Content>]) -> Result<(), MipError> {
    let mut places: BTreeMap<String, (&Package, &str)> = BTreeMap::new();
    for (package, contents) in resolution.packages.iter().zip(contents) {
        for (file, content) in package.files.iter().zip(contents) {
            let found = content.sha256();
            let is_fetched = matches!(content, Content::Fetched { .. });
            let hash = file.hash.as_ref().filter(|_| is_fetched);
            if let Some(hash) = hash.filter(|hash| !hash.begins(found)) {
                return Err(MipError::Hash {
                    location: file.location.clone(),
                    expected: hash.to_string(),
                    found: found.to_owned(),
                });
            }
            match places.get(&place_of(file)) {
                Some((other, known)) if *known != found => {
                    return Err(MipError::Conflict {
                        path: file.path.to_string(),
                        first: other.source.name(),
                        second: package.source.name(),
                    });
                }
                Some(_) => {}
                None => {
                    places.insert(place_of(file), (package, found));
                }
            }
        }
    }
    Ok(())
}

/// Returns the content of a file of this computer. With `within` the file, with resolved links, must be below this
/// folder.
fn read(path: &Path, within: Option<&Path>, limit: u64) -> Result<Vec<u8>, MipError> {
    let failed = |source| MipError::Read {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = within {
        let folder = folder.canonicalize().map_err(failed)?;
        if !path.canonicalize().map_err(failed)?.starts_with(folder) {
            let outside = "it is a link that leads out of the folder of the package";
            return Err(failed(std::io::Error::other(outside)));
        }
    }
    // A name in a folder of somebody else may be a pipe, which would never end.
    regular::read(path, Links::Follow, limit).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mip::tests::{content, fetched, hash};

    /// Checks packages, `PATH=CONTENT` each. Returns the message of the error.
    fn checked(packages: &[(&str, &[&str])]) -> String {
        let fetched = fetched(packages);
        match check(&fetched.resolution, &fetched.contents) {
            Ok(()) => "fits".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn different_files_of_one_name_are_a_conflict_of_their_packages() {
        assert_eq!(checked(&[("a", &["x.py=1"]), ("b", &["y.py=2"])]), "fits");
        assert_eq!(checked(&[("a", &["x.py=1"]), ("b", &["x.py=1"])]), "fits");
        assert_eq!(
            checked(&[("a", &["x.py=1"]), ("b", &["x.py=2"])]),
            "a and b have different files `x.py`"
        );
        assert_eq!(
            checked(&[("a", &["x/y.py=1"]), ("b", &["X/Y.py=2"])]),
            "a and b have different files `X/Y.py`"
        );
    }

    #[test]
    fn a_file_with_another_hash_is_damaged() {
        let mut packages = fetched(&[("a", &["x.py=1"])]);
        let file = &mut packages.resolution.packages[0].files[0];
        let mut try_hash = |digits: &str, contents: &[Vec<Content>]| {
            file.hash = Some(digits.parse().unwrap());
            let resolution = Resolution {
                packages: vec![Package {
                    files: vec![file.clone()],
                    ..fetched(&[("a", &[])]).resolution.packages[0].clone()
                }],
                visits: Vec::new(),
            };
            check(&resolution, contents)
        };
        let right = hash("1");
        for digits in [&right[..8], &right, &right.to_uppercase()[..12]] {
            assert!(try_hash(digits, &packages.contents).is_ok(), "{digits}");
        }
        let error = try_hash(&hash("2")[..10], &packages.contents).unwrap_err();
        assert!(
            matches!(&error, MipError::Hash { found, expected, .. } if *found == right && expected.len() == 10),
            "{error}"
        );
        // What the board has was compared with the hash before.
        let on_board = vec![vec![Content::OnBoard { sha256: hash("1") }]];
        assert!(try_hash(&hash("2"), &on_board).is_ok());
    }

    #[test]
    fn contents_know_their_hash() {
        let Content::Fetched { bytes, sha256 } = Content::of(b"abc".to_vec()) else {
            panic!("fetched")
        };
        assert_eq!((bytes.as_slice(), sha256), (&b"abc"[..], hash("abc")));
        assert_eq!(content("abc").sha256(), hash("abc"));
    }

    #[test]
    fn files_of_this_computer_have_a_limit_and_stay_in_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("package");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(inner.join("a.py"), "12345").unwrap();
        std::fs::write(folder.path().join("b.py"), "1").unwrap();
        assert_eq!(read(&inner.join("a.py"), None, 5).unwrap(), b"12345");
        assert_eq!(
            read(&inner.join("a.py"), Some(&inner), 5).unwrap(),
            b"12345"
        );
        let refusal = |path: &Path, limit| read(path, Some(&inner), limit).unwrap_err().to_string();
        assert!(refusal(&inner.join("a.py"), 4).contains("more than 4 bytes"));
        assert!(refusal(&inner.join("../b.py"), 5).contains("leads out"));
        assert!(refusal(&inner.join("none.py"), 5).contains("none.py"));
        assert!(read(&inner, None, 5).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_or_a_link_in_a_package_is_refused_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("in")).unwrap();
        std::fs::write(path("out.py"), "1").unwrap();
        std::os::unix::fs::symlink(path("out.py"), path("in/link.py")).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(path("in/pipe.py"))
            .status();
        assert!(made.unwrap().success());
        let refusal = |name: &str| {
            read(&path(name), Some(&path("in")), 9)
                .unwrap_err()
                .to_string()
        };
        assert!(refusal("in/pipe.py").contains("a pipe"));
        assert!(refusal("in/link.py").contains("leads out"));
    }
}
