//! Reads a shipment from this computer: a folder, an archive, a manifest, a list of targets.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use piton_board::deadline::Cancel;
use piton_path::PortablePath;
use piton_path::Sha256Hex;
use piton_shipment::archive::{self, ArchiveError, Format, visit};
use piton_shipment::index::{self, Index};
use piton_shipment::manifest::{self, ActualFile, Manifest};
use sha2::{Digest, Sha256};

use super::{Indexed, Item, Items, Listed, Places, Purpose, Shipment, ShipmentError};
use crate::building::{FILES, INDEX, MANIFEST, SIGNATURE};
use crate::host_tree::{self, Rules, WalkError};
use crate::regular::{self, Links};
use crate::spool::Spool;

/// Maximum size of a signature in bytes.
pub(super) const SIGNATURE_LIMIT: u64 = 16 << 10;

/// Maximum size of a manifest in bytes.
pub(super) const MANIFEST_LIMIT: u64 = manifest::MAXIMUM_SIZE as u64;

/// Maximum size of a list of targets in bytes.
pub(super) const INDEX_LIMIT: u64 = index::MAXIMUM_SIZE as u64;

/// Maximum size in bytes of a module whose content is kept only for its imports.
const MODULE_LIMIT: u64 = 256 << 10;

/// Number of bytes of a file that are kept to check its header.
const HEAD: usize = 64;

/// Options of reading a shipment.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The paths of documents and files.
    pub places: &'a Places,
    /// The purpose.
    pub purpose: Purpose,
    /// Cancels the reading.
    pub cancel: &'a Cancel,
}

/// Reads the results of a build: the folder with its manifest, a folder with several targets, an archive, a manifest,
/// or the list of several targets. Devices and pipes are not opened.
///
/// # Errors
///
/// [`ShipmentError`]: there is nothing that could be checked.
pub fn read(path: &Path, reading: &Reading<'_>) -> Result<Vec<Shipment>, ShipmentError> {
    let places = reading.places;
    let metadata = path.metadata().map_err(unreadable(path))?;
    if metadata.is_dir() {
        let is_there = |name: &str| path.join(name).symlink_metadata().is_ok();
        // A manifest beside a list comes from the unpacked archive of one target.
        if places.manifest.is_some() || is_there(MANIFEST) || !is_there(INDEX) {
            let is_laid_out = places.files.is_none();
            return Ok(vec![from_folder(path, places, is_laid_out, reading)?]);
        }
        return from_index(path, reading);
    }
    let folder = match path.parent() {
        Some(folder) if folder != "" => folder,
        _ => Path::new("."),
    };
    if path.file_name().is_some_and(|name| name == INDEX) && places.manifest.is_none() {
        return read(folder, reading);
    }
    let mut file = regular::open(path, Links::Follow).map_err(unreadable(path))?;
    let mut start = Vec::new();
    let read = (&mut file).take(4).read_to_end(&mut start);
    let read = read.and_then(|_| file.seek(SeekFrom::Start(0)));
    read.map_err(unreadable(path))?;
    if Format::of(&start).is_none() && path.extension().is_some_and(|ending| ending == "json") {
        let (manifest, files) = (places.manifest.clone(), places.files.clone());
        let is_laid_out = files.is_none();
        let places = Places {
            manifest: manifest.or_else(|| Some(path.to_owned())),
            files: files.or_else(|| Some(folder.join(FILES))),
        };
        return Ok(vec![from_folder(folder, &places, is_laid_out, reading)?]);
    }
    let listed = listed_above(&folder.join(MANIFEST));
    Ok(vec![from_archive(path, file, listed, reading)?])
}

/// Reads all targets of a list.
fn from_index(folder: &Path, reading: &Reading<'_>) -> Result<Vec<Shipment>, ShipmentError> {
    let path = folder.join(INDEX);
    let index = read_index(&path)?.ok_or_else(|| ShipmentError::NoManifest {
        path: folder.to_owned(),
    })?;
    let index = Arc::new(index);
    let targets = index.index.targets.iter();
    let shipments = targets.map(|target| {
        let manifest = folder.join(target.manifest.to_path());
        let places = Places::default();
        let of_target = manifest.parent().unwrap_or(folder);
        let mut shipment = from_folder(of_target, &places, true, reading)?;
        shipment.listed = Some(Listed {
            sha256: Some(target.sha256.clone()),
            index: Arc::clone(&index),
        });
        Ok(shipment)
    });
    shipments.collect()
}

/// Reads one target, or a build with only one. `is_laid_out`: the files are where `build` puts them.
fn from_folder(
    folder: &Path,
    places: &Places,
    is_laid_out: bool,
    reading: &Reading<'_>,
) -> Result<Shipment, ShipmentError> {
    let path = places.manifest.clone();
    let path = path.unwrap_or_else(|| folder.join(MANIFEST));
    let bytes = match regular::read(&path, Links::Follow, MANIFEST_LIMIT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && places.manifest.is_none() => {
            let path = folder.to_owned();
            return Err(ShipmentError::NoManifest { path });
        }
        read => read.map_err(unreadable(&path))?,
    };
    let manifest = parse(&path, &bytes)?;
    let files = match &places.files {
        Some(files) => files.clone(),
        // The manifest may be in the folder of the files itself, as the GitHub workflow's script has it.
        None if places.manifest.is_some() && !folder.join(FILES).is_dir() => folder.to_owned(),
        None => folder.join(FILES),
    };
    if places.files.is_some() {
        // A named folder must exist: all of its files would be missing otherwise.
        files.read_dir().map_err(unreadable(&files))?;
    }
    let items = walk(&files, &manifest, reading)?;
    let signature = read_signature(&path)?;
    let listed = match listed_beside(&path, &manifest)? {
        Some(listed) => Some(listed),
        None => listed_above(&path),
    };
    Ok(Shipment {
        listed,
        is_laid_out,
        ..Shipment::new(manifest, bytes, signature, items)
    })
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> ShipmentError {
    let path = path.to_owned();
    |source| match source.kind() {
        io::ErrorKind::Interrupted => ShipmentError::Interrupted,
        _ => ShipmentError::Read { path, source },
    }
}

/// Reads a file that the caller names.
pub(super) fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, ShipmentError> {
    regular::read(path, Links::Follow, limit).map_err(unreadable(path))
}

pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Manifest, ShipmentError> {
    Manifest::parse(bytes).map_err(|source| ShipmentError::Manifest {
        path: path.to_owned(),
        source,
    })
}

pub(super) fn parse_index(
    path: &Path,
    bytes: Vec<u8>,
    signature: Option<Vec<u8>>,
) -> Result<Indexed, ShipmentError> {
    let index = Index::parse(&bytes).map_err(|source| ShipmentError::Index {
        path: path.to_owned(),
        source,
    })?;
    Ok(Indexed {
        index,
        bytes,
        signature: signature.map(text),
    })
}

pub(super) fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Reads the signature of a file; `None` if it has no signature.
fn read_signature(of: &Path) -> Result<Option<Vec<u8>>, ShipmentError> {
    let mut path = of.as_os_str().to_owned();
    path.push(SIGNATURE);
    let path = PathBuf::from(path);
    match regular::read(&path, Links::Follow, SIGNATURE_LIMIT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => Ok(Some(read.map_err(unreadable(&path))?)),
    }
}

/// Reads a list of targets; `None` if it does not exist.
fn read_index(path: &Path) -> Result<Option<Indexed>, ShipmentError> {
    match regular::read(path, Links::Follow, INDEX_LIMIT) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => {
            let bytes = read.map_err(unreadable(path))?;
            Ok(Some(parse_index(path, bytes, read_signature(path)?)?))
        }
    }
}

/// Reads the list of targets beside a manifest, as in the archive of one of them. An invalid list is ignored if the
/// manifest is in no list.
fn listed_beside(
    manifest_path: &Path,
    manifest: &Manifest,
) -> Result<Option<Listed>, ShipmentError> {
    match read_index(&manifest_path.with_file_name(INDEX)) {
        Ok(index) => Ok(index.map(|index| Listed::by_target(index, manifest))),
        Err(_) if manifest.targets.is_none() => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the list of targets in the folder above that of a manifest, if it names this path. Another program's
/// `index.json` may be there.
fn listed_above(manifest_path: &Path) -> Option<Listed> {
    let folder = match manifest_path.parent() {
        Some(folder) if folder != "" => folder,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().ok()?;
    let above = folder.parent()?;
    let index = read_index(&above.join(INDEX)).ok()??;
    let entry = index.index.targets.iter().find(|entry| {
        let of_entry = entry.manifest.parent();
        of_entry.is_some_and(|of_entry| above.join(of_entry.to_path()) == folder)
    })?;
    Some(Listed {
        sha256: Some(entry.sha256.clone()),
        index: Arc::new(index),
    })
}

/// The documents of an archive.
#[derive(Default)]
struct Documents {
    manifest: Option<Vec<u8>>,
    signature: Option<Vec<u8>>,
    index: Option<Vec<u8>>,
    index_signature: Option<Vec<u8>>,
}

impl Documents {
    /// Returns the field for the document of this name, and the most bytes of the document.
    fn field(&mut self, name: &str) -> Option<(&mut Option<Vec<u8>>, u64)> {
        let (document, is_signature) = match name.strip_suffix(SIGNATURE) {
            Some(document) => (document, true),
            None => (name, false),
        };
        match (document, is_signature) {
            (MANIFEST, false) => Some((&mut self.manifest, MANIFEST_LIMIT)),
            (MANIFEST, true) => Some((&mut self.signature, SIGNATURE_LIMIT)),
            (INDEX, false) => Some((&mut self.index, INDEX_LIMIT)),
            (INDEX, true) => Some((&mut self.index_signature, SIGNATURE_LIMIT)),
            _ => None,
        }
    }

    fn read<R: Read + Seek>(source: &mut R, cancel: &Cancel) -> Result<Documents, ArchiveError> {
        let mut documents = Documents::default();
        visit(source, &mut |path, size, content| {
            if cancel.is_cancelled() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let Some((field, limit)) = documents.field(path.as_str()) else {
                return Ok(());
            };
            if size > limit {
                let message = format!("it has {size} bytes, at most {limit} are read");
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
            }
            let mut bytes = Vec::new();
            content.read_to_end(&mut bytes)?;
            *field = Some(bytes);
            Ok(())
        })?;
        Ok(documents)
    }
}

/// Reads an archive, twice: with the manifest known, no content larger than the manifest says is unpacked.
pub(super) fn from_archive<R: Read + Seek>(
    path: &Path,
    mut source: R,
    listed: Option<Listed>,
    reading: &Reading<'_>,
) -> Result<Shipment, ShipmentError> {
    let failed = |source| match source {
        ArchiveError::Interrupted => ShipmentError::Interrupted,
        source => ShipmentError::Archive {
            path: path.to_owned(),
            source,
        },
    };
    let mut documents = Documents::read(&mut source, reading.cancel).map_err(failed)?;
    let bytes = match &reading.places.manifest {
        Some(path) => {
            let signature = read_signature(path)?;
            documents.signature = signature.or(documents.signature);
            read_file(path, MANIFEST_LIMIT)?
        }
        None => documents
            .manifest
            .ok_or_else(|| ShipmentError::NoManifest {
                path: path.to_owned(),
            })?,
    };
    let manifest = parse(path, &bytes)?;
    let sizes = Sizes::new(path, &manifest, reading)?;
    let (mut items, mut beside) = (Items::new(), Vec::new());
    let prefix = format!("{FILES}/");
    let result = visit(&mut source, &mut |name, size, content| {
        if Documents::default().field(name.as_str()).is_some() {
            return Ok(());
        }
        let inside = name.as_str().strip_prefix(&prefix);
        match inside.and_then(|inside| inside.parse::<PortablePath>().ok()) {
            Some(inside) => {
                let item = sizes.look(&inside, size, content)?;
                items.insert(inside, item);
            }
            None => beside.push(name.clone()),
        }
        Ok(())
    });
    result.map_err(failed)?;
    let listed = match (listed, documents.index) {
        (None, Some(bytes)) => {
            let index = parse_index(path, bytes, documents.index_signature)?;
            Some(Listed::by_target(index, &manifest))
        }
        (listed, _) => listed,
    };
    Ok(Shipment {
        listed,
        beside,
        is_laid_out: reading.places.manifest.is_none(),
        ..Shipment::new(manifest, bytes, documents.signature, items)
    })
}

/// Reads everything below a folder. Links are not followed: their targets are not part of the build.
pub(super) fn walk(
    root: &Path,
    manifest: &Manifest,
    reading: &Reading<'_>,
) -> Result<Items, ShipmentError> {
    let sizes = Sizes::new(root, manifest, reading)?;
    let mut items = Items::new();
    let rules = Rules {
        links: host_tree::Links::Keep,
        ..Rules::default()
    };
    for entry in host_tree::walk(root, rules) {
        let entry = match entry {
            // The folder does not exist: all of its files are missing, which is a finding.
            Err(WalkError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                continue;
            }
            Err(error) => {
                let (path, source) = error.into_io();
                return Err(unreadable(&path)(source));
            }
            Ok(entry) => entry,
        };
        if matches!(entry.kind, host_tree::Kind::Folder) {
            continue;
        }
        let name = entry.lossy_text().parse();
        let name = name.map_err(|source| ShipmentError::Name {
            path: entry.path.clone(),
            source,
        })?;
        let item = match entry.kind {
            host_tree::Kind::File => sizes.open(&name, &entry.path)?,
            host_tree::Kind::Special => Item::of(ActualFile::Special),
            _ => Item::of(ActualFile::Link),
        };
        items.insert(name, item);
    }
    Ok(items)
}

/// The sizes of a manifest's files: only files of these sizes are read whole.
pub(super) struct Sizes<'a> {
    sizes: BTreeMap<&'a PortablePath, u64>,
    /// Whether the imports of modules are read.
    imports_count: bool,
    /// The spool that keeps contents.
    spool: Spool,
    reading: &'a Reading<'a>,
}

impl<'a> Sizes<'a> {
    /// # Errors
    ///
    /// [`ShipmentError::TooLarge`] if the contents are to be kept, and the manifest lists too many bytes.
    pub(super) fn new(
        path: &Path,
        manifest: &'a Manifest,
        reading: &'a Reading<'a>,
    ) -> Result<Sizes<'a>, ShipmentError> {
        if reading.purpose == Purpose::Copy && manifest.size() > archive::MAXIMUM_SIZE {
            let path = path.to_owned();
            return Err(ShipmentError::TooLarge { path });
        }
        let files = manifest.files.iter();
        Ok(Sizes {
            sizes: files.map(|file| (&file.path, file.size)).collect(),
            imports_count: !manifest.left_out.is_empty(),
            spool: Spool::new(),
            reading,
        })
    }

    /// Reads a file of a folder.
    fn open(&self, name: &PortablePath, path: &Path) -> Result<Item, ShipmentError> {
        let look = |mut file: File| {
            let size = file.metadata()?.len();
            self.look(name, size, &mut file)
        };
        let file = regular::open(path, Links::Refuse);
        file.and_then(look).map_err(unreadable(path))
    }

    /// Reads content of `size` bytes: all of it if the manifest has this size, else only its beginning. Never reads
    /// more than `size` bytes.
    pub(super) fn look(
        &self,
        name: &PortablePath,
        size: u64,
        content: &mut dyn Read,
    ) -> io::Result<Item> {
        let is_wanted = self.sizes.get(name) == Some(&size);
        let is_kept =
            self.reading.purpose == Purpose::Copy || self.imports_count && size <= MODULE_LIMIT;
        let mut kept = match is_wanted && is_kept {
            true => Some(self.spool.begin()?),
            false => None,
        };
        let mut item = Item::of(ActualFile::Sized { size });
        let mut head = Vec::new();
        let (mut found, mut hash) = (0, Sha256::new());
        let mut block = vec![0; 64 << 10];
        while is_wanted || head.len() < HEAD {
            if self.reading.cancel.is_cancelled() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let bytes = match content.read(&mut block) {
                Ok(count) => block.get(..count).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            found += bytes.len() as u64;
            let missing = HEAD.saturating_sub(head.len()).min(bytes.len());
            head.extend_from_slice(bytes.get(..missing).unwrap_or_default());
            if bytes.is_empty() || found > size {
                break;
            }
            if is_wanted {
                hash.update(bytes);
                if let Some(kept) = &mut kept {
                    kept.push(bytes)?;
                }
            }
        }
        item.head = Some(head);
        if is_wanted {
            item.found = match found == size {
                true => ActualFile::File {
                    size,
                    sha256: Sha256Hex::from_digest(&hash.finalize().into()),
                },
                // The file changed its size while it was read.
                false => ActualFile::Sized { size: found },
            };
            item.content = kept.filter(|_| found == size);
        }
        Ok(item)
    }
}
