//! A build that lies on a web server: its archive, or its manifest with the files beside it.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use piton_board::deadline::Cancel;
use piton_shipment::archive::{self, Kind};
use piton_shipment::manifest::Manifest;

use super::read::{
    INDEX_LIMIT, MANIFEST_LIMIT, Reading, SIGNATURE_LIMIT, Sizes, from_archive_bytes, parse,
    parse_index, read_file, walk,
};
use super::{Indexed, Items, Listed, Shipment, ShipmentError};
use crate::building::{INDEX, MANIFEST, SIGNATURE};
use crate::http::{Client, HttpError};

/// Most bytes of an archive or manifest on a server.
const DOCUMENT_LIMIT: u64 = 256 << 20;

/// By how many bytes a file may be longer than the manifest says, and still be fetched to tell its size.
const EXCESS: u64 = 64 << 10;

/// Returns the address on a web server that this is; `None` for a path.
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

/// Fetches a build from a server: an archive, a `manifest.json`, an `index.json` of several targets, or a folder with a
/// manifest, whose address ends in `/`. The files are looked for by their `download_path` beside the manifest.
/// What else lies on the server is not found. The `index.json` of a manifest that is in one is looked for in the folder
/// above, then beside it.
///
/// # Errors
///
/// [`ShipmentError`]: there is nothing that could be checked. A file that is not there is a finding, not an error.
pub fn fetch(
    url: &str,
    reading: &Reading<'_>,
    client: &Client,
) -> Result<Vec<Shipment>, ShipmentError> {
    let mut url = url.to_owned();
    if url.ends_with('/') {
        url.push_str(MANIFEST);
    }
    let cancel = reading.cancel;
    let server = Server {
        reading,
        client,
        cancel,
    };
    let document = server.get(&url)?;
    if Kind::of(&document).is_some() {
        let shipment = from_archive_bytes(Path::new(&url), &document, reading)?;
        return Ok(vec![shipment]);
    }
    if !bare(&url).ends_with(&format!("/{INDEX}")) {
        return Ok(vec![server.listed_manifest(&url, document)?]);
    }
    let index = Arc::new(server.index(&url, document)?);
    let targets = index.index.targets.iter();
    let shipments = targets.map(|target| {
        let url = beside(&url, target.manifest.as_str());
        let mut shipment = server.manifest(&url, server.get(&url)?)?;
        shipment.listed = Some(Listed {
            sha256: Some(target.sha256.clone()),
            index: Arc::clone(&index),
        });
        Ok(shipment)
    });
    shipments.collect()
}

/// What is needed to ask.
struct Server<'a> {
    reading: &'a Reading<'a>,
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

    /// Returns a document; `None` if the server does not have it.
    fn find(&self, url: String, limit: u64) -> Result<Option<Vec<u8>>, HttpError> {
        Ok(self.each(vec![(url, limit)])?.pop().flatten())
    }

    fn signature(&self, url: &str) -> Result<Option<Vec<u8>>, HttpError> {
        self.find(format!("{}{SIGNATURE}", bare(url)), SIGNATURE_LIMIT)
    }

    fn index(&self, url: &str, document: Vec<u8>) -> Result<Indexed, ShipmentError> {
        parse_index(Path::new(url), document, self.signature(url)?)
    }

    /// Returns a manifest, with the list of targets if it is in one: in the folder above, or beside it.
    fn listed_manifest(&self, url: &str, document: Vec<u8>) -> Result<Shipment, ShipmentError> {
        let mut shipment = self.manifest(url, document)?;
        if shipment.manifest.targets.is_none() {
            return Ok(shipment);
        }
        let above = beside(url, "");
        let above = above.strip_suffix('/').unwrap_or(&above);
        for url in [beside(above, INDEX), beside(url, INDEX)] {
            if let Some(document) = self.find(url.clone(), INDEX_LIMIT)? {
                let index = self.index(&url, document)?;
                shipment.listed = Some(Listed::by_target(index, &shipment.manifest));
                break;
            }
        }
        Ok(shipment)
    }

    /// Returns the files that a manifest names, and its signature.
    fn manifest(&self, url: &str, document: Vec<u8>) -> Result<Shipment, ShipmentError> {
        let places = self.reading.places;
        let bytes = match &places.manifest {
            Some(path) => read_file(path, MANIFEST_LIMIT)?,
            None => document,
        };
        let manifest = parse(Path::new(url), &bytes)?;
        let signature = self.signature(url)?;
        let files = match &places.files {
            Some(folder) => walk(folder, &manifest, self.reading)?,
            None => self.files(url, &manifest)?,
        };
        Ok(Shipment::new(manifest, bytes, signature, files))
    }

    fn files(&self, url: &str, manifest: &Manifest) -> Result<Items, ShipmentError> {
        if manifest.size() > archive::MAXIMUM_SIZE {
            let path = url.into();
            return Err(ShipmentError::TooLarge { path });
        }
        let sizes = Sizes::new(Path::new(url), manifest, self.reading)?;
        let requests = manifest.files.iter().map(|file| {
            let address = beside(url, file.download_path.as_str());
            (address, file.size + EXCESS)
        });
        let contents = self.each(requests.collect())?;
        let mut items = Items::new();
        for (file, content) in manifest.files.iter().zip(contents) {
            let Some(content) = content else { continue };
            let size = content.len() as u64;
            let item = sizes.look(&file.path, size, &mut content.as_slice());
            let item = item.map_err(|_| ShipmentError::Interrupted)?;
            items.insert(file.path.clone(), item);
        }
        Ok(items)
    }

    /// Fetches the documents that are there. Some servers answer 403 for what they do not have.
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

/// Returns an address without its query.
fn bare(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// Returns the address of what lies at this path in the folder of `url`.
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
