//! Fetching a build from a web server: its archive, or its manifest with the files beside it.
//!
//! Documents are processed as they arrive: an archive is read from a temporary file, and each file goes to the spool.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read as _, Seek as _};
use std::path::Path;
use std::sync::Arc;

use piton_board::deadline::Cancel;
use piton_shipment::archive::{self, Format};
use piton_shipment::manifest::Manifest;

use super::read::{
    INDEX_LIMIT, MANIFEST_LIMIT, Reading, SIGNATURE_LIMIT, Sizes, from_archive, parse, parse_index,
    read_file, walk,
};
use super::{Indexed, Items, Listed, Shipment, ShipmentError};
use crate::building::{INDEX, MANIFEST, SIGNATURE};
use crate::http::{Client, Document, HttpError};

/// Maximum size of an archive or manifest on a server, in bytes.
const DOCUMENT_LIMIT: u64 = 256 << 20;

/// Number of bytes that are fetched beyond the size of a file in the manifest, so that its real size can be
/// reported.
const EXCESS: u64 = 64 << 10;

/// Returns the address if `path` is one of a web server; `None` for a path of files.
pub fn is_url(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    let is = |scheme| {
        text.get(..8)
            .unwrap_or(text)
            .to_ascii_lowercase()
            .starts_with(scheme)
    };
    (is("http://") || is("https://")).then_some(text)
}

/// Fetches a build from a server: an archive, a `manifest.json`, an `index.json` of several targets, or a folder with
/// a manifest, whose address ends in `/`. The files are fetched by their `download_path` beside the manifest; other
/// files on the server are not found. The `index.json` of a manifest that is in one is looked for in the folder
/// above, then beside it.
///
/// # Errors
///
/// [`ShipmentError`]: there is nothing that could be checked. A missing file is a finding, not an error.
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
    let mut document = server.get(&url)?;
    if is_archive(&mut document).map_err(|source| not_kept(&url, source))? {
        let shipment = from_archive(Path::new(&url), document, None, reading)?;
        return Ok(vec![shipment]);
    }
    let document = server.bytes(&url, document, DOCUMENT_LIMIT)?;
    if !bare(&url).ends_with(&format!("/{INDEX}")) {
        return Ok(vec![server.listed_manifest(&url, document)?]);
    }
    let index = Arc::new(server.index(&url, document)?);
    let targets = index.index.targets.iter();
    let shipments = targets.map(|target| {
        let url = beside(&url, target.manifest.as_str());
        let document = server.bytes(&url, server.get(&url)?, DOCUMENT_LIMIT)?;
        let mut shipment = server.manifest(&url, document)?;
        shipment.listed = Some(Listed {
            sha256: Some(target.sha256.clone()),
            index: Arc::clone(&index),
        });
        Ok(shipment)
    });
    shipments.collect()
}

/// Returns whether a document is an archive, by its first bytes. The next read begins at its start.
fn is_archive(document: &mut Document) -> io::Result<bool> {
    let mut start = Vec::new();
    document.by_ref().take(4).read_to_end(&mut start)?;
    document.rewind()?;
    Ok(Format::of(&start).is_some())
}

/// Returns the error for a document that cannot be read back or kept.
fn not_kept(url: &str, source: io::Error) -> HttpError {
    match source.kind() {
        io::ErrorKind::Interrupted => HttpError::Cancelled,
        _ => HttpError::Store {
            url: url.to_owned(),
            source,
        },
    }
}

/// The server of a build.
struct Server<'a> {
    reading: &'a Reading<'a>,
    client: &'a Client,
    cancel: &'a Cancel,
}

impl Server<'_> {
    fn get(&self, url: &str) -> Result<Document, HttpError> {
        let mut fetched = Err(HttpError::Cancelled);
        let requests = vec![(url.to_owned(), DOCUMENT_LIMIT)];
        self.client
            .get_each(requests, DOCUMENT_LIMIT, self.cancel, &mut |_, answer| {
                fetched = answer;
                Ok(())
            })?;
        fetched
    }

    fn bytes(&self, url: &str, document: Document, limit: u64) -> Result<Vec<u8>, HttpError> {
        document
            .into_bytes(limit)
            .map_err(|source| not_kept(url, source))
    }

    /// Returns a document; `None` if the server does not have it.
    fn find(&self, url: String, limit: u64) -> Result<Option<Vec<u8>>, HttpError> {
        let mut bytes = None;
        self.each(vec![(url.clone(), limit)], &mut |_, document| {
            bytes = Some(self.bytes(&url, document, limit)?);
            Ok(())
        })?;
        Ok(bytes)
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
        let mut items = Items::new();
        self.each(requests.collect(), &mut |index, mut document| {
            if let Some(file) = manifest.files.get(index) {
                let size = document.size();
                let item = sizes.look(&file.path, size, &mut document);
                let item = item.map_err(|source| not_kept(url, source))?;
                items.insert(file.path.clone(), item);
            }
            Ok(())
        })?;
        Ok(items)
    }

    /// Fetches the documents that exist, and passes each to `take` as it arrives, with the index of its request. Of
    /// several failures the one of the first request is returned, whichever arrives first.
    fn each(
        &self,
        requests: Vec<(String, u64)>,
        take: &mut dyn FnMut(usize, Document) -> Result<(), HttpError>,
    ) -> Result<(), HttpError> {
        let mut failures = BTreeMap::new();
        self.client.get_each(
            requests,
            archive::MAXIMUM_SIZE,
            self.cancel,
            &mut |index, answer| {
                match answer {
                    Ok(document) => take(index, document)?,
                    // Some servers (object stores) answer 403 for a file that they do not have.
                    Err(HttpError::NotFound { .. } | HttpError::Status { status: 403, .. }) => {}
                    Err(error) => {
                        failures.insert(index, error);
                    }
                }
                Ok(())
            },
        )?;
        failures.into_values().next().map_or(Ok(()), Err)
    }
}

/// Returns an address without its query.
fn bare(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// Returns the address of a path in the folder of `url`.
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
        for (path, expected) in [
            ("http://h", true),
            ("HTTPS://h/x", true),
            ("http", false),
            ("build", false),
            ("./http://h", false),
        ] {
            assert_eq!(is_url(Path::new(path)).is_some(), expected, "{path}");
        }
    }
}
