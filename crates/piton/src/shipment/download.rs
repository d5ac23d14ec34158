//! A build that lies on a web server: its archive, or its manifest with the files beside it.

use std::fmt::Write as _;
use std::path::Path;

use piton_board::deadline::Cancel;
use piton_project::archive::{self, Files, Kind};
use piton_project::manifest::Manifest;

use super::{Index, Places, Shipment, ShipmentError, from_archive, read_file, walk};
use crate::build::{INDEX, MANIFEST, SIGNATURE};
use crate::http::{Client, HttpError};

/// Most bytes of an archive or manifest on a server.
const DOCUMENT_LIMIT: u64 = 256 << 20;

/// Most bytes of a signature.
const SIGNATURE_LIMIT: u64 = 16 << 10;

/// By how many bytes a file may be longer than the manifest says, and still be fetched to tell its size.
const EXCESS: u64 = 64 << 10;

/// Most targets of a list.
const MAXIMUM_TARGETS: usize = 100;

/// Whether this is an address on a web server, and no path.
pub fn is_url(place: &Path) -> Option<&str> {
    let text = place.to_str()?;
    let is = |scheme| {
        text.get(..8)
            .unwrap_or(text)
            .to_ascii_lowercase()
            .starts_with(scheme)
    };
    (is("http://") || is("https://")).then_some(text)
}

/// Fetch a build from a server: an archive, a `manifest.json`, an `index.json` of several targets, or a folder with a
/// manifest, whose address ends in `/`. The files are looked for by their `download_path` beside the manifest.
/// What else lies on the server is not found.
///
/// # Errors
///
/// [`ShipmentError`]: there is nothing that could be checked. A file that is not there is a finding, not an error.
pub fn fetch(
    url: &str,
    places: &Places,
    client: &Client,
    cancel: &Cancel,
) -> Result<Vec<Shipment>, ShipmentError> {
    let mut url = url.to_owned();
    if url.ends_with('/') {
        url.push_str(MANIFEST);
    }
    let server = Server {
        places,
        client,
        cancel,
    };
    let document = server.get(&url)?;
    if Kind::of(&document).is_some() {
        return Ok(vec![from_archive(Path::new(&url), &document, places)?]);
    }
    if !bare(&url).ends_with(&format!("/{INDEX}")) {
        return Ok(vec![server.manifest(&url, document)?]);
    }
    let targets = serde_json::from_slice::<Index>(&document)
        .map_err(|source| ShipmentError::Index {
            path: (&url).into(),
            source,
        })?
        .targets;
    if targets.len() > MAXIMUM_TARGETS {
        return Err(ShipmentError::TooLarge { url });
    }
    let shipments = targets.into_iter().map(|target| {
        let url = beside(&url, target.manifest.as_str());
        let mut shipment = server.manifest(&url, server.get(&url)?)?;
        shipment.indexed = Some(target.sha256);
        Ok(shipment)
    });
    shipments.collect()
}

/// What is needed to ask.
struct Server<'a> {
    places: &'a Places,
    client: &'a Client,
    cancel: &'a Cancel,
}

impl Server<'_> {
    fn get(&self, url: &str) -> Result<Vec<u8>, HttpError> {
        let limits = (DOCUMENT_LIMIT, DOCUMENT_LIMIT);
        let urls = [url.to_owned()];
        let documents = self
            .client
            .get_all(&urls, limits, self.cancel, &mut |_| {})?;
        Ok(documents.into_iter().next().unwrap_or_default())
    }

    /// The files that a manifest names, and its signature.
    fn manifest(&self, url: &str, document: Vec<u8>) -> Result<Shipment, ShipmentError> {
        let bytes = match &self.places.manifest {
            Some(path) => read_file(path)?,
            None => document,
        };
        let manifest = Manifest::parse(&bytes).map_err(|source| ShipmentError::Manifest {
            path: url.into(),
            source,
        })?;
        let signature_url = format!("{}{SIGNATURE}", bare(url));
        let signature = self.each(vec![(signature_url, SIGNATURE_LIMIT)])?.pop();
        let files = match &self.places.files {
            Some(folder) => walk(folder)?,
            None => self.files(url, &manifest)?,
        };
        Shipment::new(Path::new(url), bytes, signature.flatten(), files)
    }

    fn files(&self, url: &str, manifest: &Manifest) -> Result<Files, ShipmentError> {
        let size = manifest
            .files
            .iter()
            .try_fold(0_u64, |size, file| size.checked_add(file.size));
        if size.is_none_or(|size| size > archive::MAXIMUM_SIZE) {
            return Err(ShipmentError::TooLarge {
                url: url.to_owned(),
            });
        }
        let requests = manifest.files.iter().map(|file| {
            let address = beside(url, file.download_path.as_str());
            (address, file.size + EXCESS)
        });
        let contents = self.each(requests.collect())?;
        let found = manifest.files.iter().zip(contents);
        Ok(found
            .filter_map(|(file, content)| Some((file.path.clone(), content?)))
            .collect())
    }

    /// Fetch what is there. Some servers refuse what they do not have, to not tell what they have.
    fn each(&self, requests: Vec<(String, u64)>) -> Result<Vec<Option<Vec<u8>>>, HttpError> {
        let answers = self
            .client
            .get_each(requests, archive::MAXIMUM_SIZE, self.cancel)?;
        let found = answers.into_iter().map(|answer| match answer {
            Ok(bytes) => Ok(Some(bytes)),
            Err(HttpError::NotFound { .. } | HttpError::Status { status: 403, .. }) => Ok(None),
            Err(error) => Err(error),
        });
        found.collect()
    }
}

/// An address without its query.
fn bare(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// The address of what lies at this path in the folder of `url`.
fn beside(url: &str, path: &str) -> String {
    let url = bare(url);
    let folder = url.rsplit_once('/').map_or(url, |(folder, _)| folder);
    let mut address = format!("{folder}/");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (url, path, expected) in [
            (
                "http://h/a/manifest.json",
                "mpy/x.mpy",
                "http://h/a/mpy/x.mpy",
            ),
            (
                "https://h/m?token=a/b",
                "mpy/x y%.mpy",
                "https://h/mpy/x%20y%25.mpy",
            ),
            ("https://h/m#/x", "\u{e4}?", "https://h/%C3%A4%3F"),
        ] {
            assert_eq!(beside(url, path), expected);
        }
        for (place, expected) in [
            ("http://h", true),
            ("HTTPS://h/x", true),
            ("http", false),
            ("build", false),
            ("./http://h", false),
        ] {
            assert_eq!(is_url(Path::new(place)).is_some(), expected, "{place}");
        }
    }
}
