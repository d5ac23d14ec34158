//! What a build made, on its way to a board: read from a folder or an archive, and checked.
//!
//! [`read`] takes whatever is there, [`download::fetch`] what is on a server, [`Shipment::check`] says what is wrong with it, [`deploy`] copies it to a drive.
//! Nothing is trusted: not the paths, not the sizes, not the archive.

pub mod deploy;
pub mod download;
mod needs;
mod order;
pub(crate) mod parts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use piton_fs::plan::{Node, TreePath};
use piton_mpy::header::{Dialect, Header};
use piton_project::archive::{ArchiveError, Files, Kind, unpack};
use piton_project::manifest::{
    FileKind, Found, Manifest, ManifestError, Problem, Sha256Hex, compare, hexadecimal,
};
use piton_project::relative_path::{RelativePath, RelativePathError};
use piton_project::signature::{PublicKey, SignatureError};
use serde::Deserialize;

use crate::build::{FILES, INDEX, MANIFEST, SIGNATURE};
use crate::sync::{Content, HostTree};

/// Files with the manifest that lists them.
#[derive(Debug)]
pub struct Shipment {
    /// What the manifest says.
    pub manifest: Manifest,
    /// The bytes of the manifest, which are what is signed.
    manifest_bytes: Vec<u8>,
    /// Its signature, if there is one.
    signature: Option<String>,
    /// What is there, by path below the folder `mpy`.
    files: Files,
    /// Hash that the index of several targets asks for.
    indexed: Option<Sha256Hex>,
}

/// Why there is nothing to check.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShipmentError {
    /// A file or folder cannot be read.
    #[error("could not read `{}`: {source}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is no manifest.
    #[error("there is no `{MANIFEST}` in `{}`", path.display())]
    NoManifest {
        /// The folder or archive.
        path: PathBuf,
    },
    /// The manifest is none.
    #[error("`{}`: {source}", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// The archive is none, or damaged.
    #[error("`{}`: {source}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        source: ArchiveError,
    },
    /// A file has a name that no manifest has.
    #[error("`{}`: {source}", path.display())]
    Name {
        /// The file.
        path: PathBuf,
        /// What is wrong with the name.
        source: RelativePathError,
    },
    /// A server does not give it.
    #[error(transparent)]
    Http(#[from] crate::http::HttpError),
    /// A build on a server is larger than any that is fetched.
    #[error(
        "{url} lists more than {} bytes of files, or more than 100 targets",
        piton_project::archive::MAXIMUM_SIZE
    )]
    TooLarge {
        /// The address of its manifest.
        url: String,
    },
    /// The list of targets is none.
    #[error("`{}`: {source}", path.display())]
    Index {
        /// The list.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// Where to find what.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The manifest, where it is not in the folder or archive.
    pub manifest: Option<PathBuf>,
    /// The folder with the files, where it is not `mpy` beside the manifest.
    pub files: Option<PathBuf>,
}

/// The list of targets, as far as it is looked at.
#[derive(Deserialize)]
struct Index {
    targets: Vec<IndexTarget>,
}

#[derive(Deserialize)]
struct IndexTarget {
    manifest: RelativePath,
    sha256: Sha256Hex,
}

/// Read the results of a build: the folder with its manifest, one with several targets, an archive, a manifest, or the
/// list of several targets.
///
/// # Errors
///
/// [`ShipmentError`]: there is nothing that could be checked.
pub fn read(path: &Path, places: &Places) -> Result<Vec<Shipment>, ShipmentError> {
    let unreadable = |source| ShipmentError::Read {
        path: path.to_owned(),
        source,
    };
    if !path.metadata().map_err(unreadable)?.is_dir() {
        let folder = path.parent().unwrap_or(Path::new(""));
        let folder = if folder == "" { Path::new(".") } else { folder };
        if path.file_name().is_some_and(|name| name == INDEX) && places.manifest.is_none() {
            return read(folder, places);
        }
        let bytes = fs::read(path).map_err(unreadable)?;
        if Kind::of(&bytes).is_none() && path.extension().is_some_and(|ending| ending == "json") {
            let manifest = places.manifest.clone();
            let files = places.files.clone();
            let places = Places {
                manifest: manifest.or_else(|| Some(path.to_owned())),
                files: files.or_else(|| Some(folder.join(FILES))),
            };
            return Ok(vec![from_folder(folder, &places)?]);
        }
        return Ok(vec![from_archive(path, &bytes, places)?]);
    }
    let index = path.join(INDEX);
    if places.manifest.is_some() || !index.is_file() {
        return Ok(vec![from_folder(path, places)?]);
    }
    let bytes = fs::read(&index).map_err(unreadable)?;
    let targets = serde_json::from_slice::<Index>(&bytes)
        .map_err(|source| ShipmentError::Index {
            path: index,
            source,
        })?
        .targets;
    let shipments = targets.into_iter().map(|target| {
        let manifest = path.join(target.manifest.to_path());
        let folder = manifest.parent().unwrap_or(path).to_owned();
        let mut shipment = from_folder(&folder, &Places::default())?;
        shipment.indexed = Some(target.sha256);
        Ok(shipment)
    });
    shipments.collect()
}

fn from_folder(folder: &Path, places: &Places) -> Result<Shipment, ShipmentError> {
    let path = places
        .manifest
        .clone()
        .unwrap_or_else(|| folder.join(MANIFEST));
    let beside = |name: &str| {
        let mut path = path.clone().into_os_string();
        path.push(name);
        PathBuf::from(path)
    };
    let manifest = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound && places.manifest.is_none() => {
            return Err(ShipmentError::NoManifest {
                path: folder.to_owned(),
            });
        }
        Err(source) => return Err(ShipmentError::Read { path, source }),
    };
    let signature = fs::read(beside(SIGNATURE)).ok();
    let files = match &places.files {
        Some(files) => files.clone(),
        // The folder of the files itself, as the script that people know takes it.
        None if places.manifest.is_some() && !folder.join(FILES).is_dir() => folder.to_owned(),
        None => folder.join(FILES),
    };
    if places.files.is_some() {
        // One that somebody names is there.
        let read = files.read_dir();
        read.map_err(|source| ShipmentError::Read {
            path: files.clone(),
            source,
        })?;
    }
    let files = walk(&files)?;
    Shipment::new(&path, manifest, signature, files)
}

fn from_archive(path: &Path, bytes: &[u8], places: &Places) -> Result<Shipment, ShipmentError> {
    let mut files = unpack(bytes).map_err(|source| ShipmentError::Archive {
        path: path.to_owned(),
        source,
    })?;
    let mut take = |name: &str| {
        let name = name.parse::<RelativePath>().ok()?;
        files.remove(&name)
    };
    let (manifest, signature) = (take(MANIFEST), take(&format!("{MANIFEST}{SIGNATURE}")));
    let manifest = match &places.manifest {
        Some(path) => read_file(path)?,
        None => manifest.ok_or_else(|| ShipmentError::NoManifest {
            path: path.to_owned(),
        })?,
    };
    let prefix = format!("{FILES}/");
    let below = files.into_iter().map(|(name, content)| {
        // What is beside the folder keeps its name, and is found to be extra.
        let inside = name.as_str().strip_prefix(&prefix);
        let name = inside
            .and_then(|inside| inside.parse().ok())
            .unwrap_or(name);
        (name, content)
    });
    Shipment::new(path, manifest, signature, below.collect())
}

fn read_file(path: &Path) -> Result<Vec<u8>, ShipmentError> {
    fs::read(path).map_err(|source| ShipmentError::Read {
        path: path.to_owned(),
        source,
    })
}

/// All files below a folder. Links are not followed: what they name is not part of the build.
fn walk(root: &Path) -> Result<Files, ShipmentError> {
    let mut files = Files::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let path = root.join(&folder);
        let unreadable = |source| ShipmentError::Read {
            path: path.clone(),
            source,
        };
        let entries = match path.read_dir() {
            // All files are missing, then.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(unreadable)?,
        };
        for entry in entries {
            let entry = entry.map_err(unreadable)?;
            let below = folder.join(entry.file_name());
            if entry.file_type().map_err(unreadable)?.is_dir() {
                folders.push(below);
                continue;
            }
            let parts = below.iter().map(|part| part.to_string_lossy());
            let name = parts.collect::<Vec<_>>().join("/");
            let name = name.parse().map_err(|source| ShipmentError::Name {
                path: entry.path(),
                source,
            })?;
            let content = if entry.file_type().map_err(unreadable)?.is_file() {
                fs::read(entry.path()).map_err(unreadable)?
            } else {
                Vec::new()
            };
            files.insert(name, content);
        }
    }
    Ok(files)
}

/// What a board takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoardFormat {
    /// Whose firmware it runs.
    pub dialect: Dialect,
    /// Version of the `.mpy` files that it loads; `None` if it loads none.
    pub version: Option<u8>,
    /// Sub-version for native code.
    pub sub_version: u8,
    /// Its processor, if it runs native code.
    pub arch: Option<String>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, by path below the folder `mpy`; `None` for the manifest.
    pub path: Option<RelativePath>,
    /// What is wrong.
    pub what: What,
}

/// What can be wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// The file is not the one that the manifest names.
    File(Problem),
    /// The header of a `.mpy` file is not the one that the manifest has.
    Header {
        /// Bytes that the manifest has, in hexadecimal.
        expected: String,
        /// Bytes that are there.
        found: String,
    },
    /// The file is no `.mpy` file.
    NotMpy(String),
    /// The board cannot load it.
    Board(String),
    /// The manifest is not the one that the list of targets names.
    Index,
    /// There is no signature.
    NotSigned,
    /// The signature is not good.
    Signature(String),
    /// It imports a module of the project that is not in the build, as its source did not compile.
    LeftOut {
        /// The source, by path below the folder of the sources.
        source: RelativePath,
    },
}

impl What {
    /// A word for it, for programs.
    pub fn name(&self) -> &'static str {
        match self {
            What::File(Problem::Missing) => "missing",
            What::File(Problem::Size { .. }) => "size",
            What::File(Problem::Changed { .. }) => "changed",
            What::File(Problem::Extra) => "extra",
            What::Header { .. } => "header",
            What::NotMpy(_) => "not-mpy",
            What::Board(_) => "board",
            What::Index => "index",
            What::NotSigned => "not-signed",
            What::Signature(_) => "signature",
            What::LeftOut { .. } => "left-out",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "{path}: ")?,
            None => write!(f, "{MANIFEST}: ")?,
        }
        match &self.what {
            What::File(problem) => problem.fmt(f),
            What::Header { expected, found } => {
                write!(f, "wrong header: {found}, expected {expected}")
            }
            What::NotMpy(why) => write!(f, "no `.mpy` file: {why}"),
            What::Board(why) => write!(f, "the board cannot load it: {why}"),
            What::Index => write!(f, "changed: `{INDEX}` names another one"),
            What::NotSigned => f.write_str("not signed"),
            What::Signature(why) => f.write_str(why),
            What::LeftOut { source } => write!(
                f,
                "it imports `{source}`, which is left out of the build as it did not compile"
            ),
        }
    }
}

impl Shipment {
    fn new(
        path: &Path,
        manifest_bytes: Vec<u8>,
        signature: Option<Vec<u8>>,
        files: Files,
    ) -> Result<Shipment, ShipmentError> {
        let manifest =
            Manifest::parse(&manifest_bytes).map_err(|source| ShipmentError::Manifest {
                path: path.to_owned(),
                source,
            })?;
        Ok(Shipment {
            manifest,
            manifest_bytes,
            signature: signature.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            files,
            indexed: None,
        })
    }

    /// The files that the manifest names and their content, in its order. Call [`Shipment::check`] first.
    pub fn files(&self) -> impl Iterator<Item = (&RelativePath, &[u8])> {
        self.manifest.files.iter().filter_map(|file| {
            let content = self.files.get(&file.path)?;
            Some((&file.path, content.as_slice()))
        })
    }

    /// Everything that is wrong: files that are missing, changed, or extra; headers; with `key`, the signature; with
    /// `board`, files that it cannot load.
    pub fn check(&self, key: Option<&PublicKey>, board: Option<&BoardFormat>) -> Vec<Finding> {
        let mut findings = Vec::new();
        let of_manifest = |what| Finding { path: None, what };
        if let Some(key) = key {
            findings.extend(self.check_signature(key).map(of_manifest));
        }
        if let Some(indexed) = &self.indexed
            && *indexed != Sha256Hex::of(&self.manifest_bytes)
        {
            findings.push(of_manifest(What::Index));
        }
        let found = self.files.iter().map(|(path, content)| {
            let found = Found {
                size: content.len() as u64,
                sha256: Sha256Hex::of(content),
            };
            (path.clone(), found)
        });
        let problems = compare(&self.manifest, &found.collect::<BTreeMap<_, _>>());
        findings.extend(problems.into_iter().map(|(path, problem)| Finding {
            path: Some(path),
            what: What::File(problem),
        }));
        for file in &self.manifest.files {
            let is_mpy = match file.kind {
                Some(kind) => kind == FileKind::Mpy,
                // A manifest of the workflow that ours follows.
                None => file.path.extension() == Some("mpy"),
            };
            if let Some(content) = self.files.get(&file.path).filter(|_| is_mpy) {
                let expected = file.mpy.as_ref().map(|mpy| mpy.header.as_str());
                findings.extend(check_mpy(content, expected, board).map(|what| Finding {
                    path: Some(file.path.clone()),
                    what,
                }));
            }
        }
        findings.extend(needs::check(&self.manifest, &self.files));
        findings
    }

    /// The files as a tree to push to a board, and the paths whose files there would be imported instead.
    pub fn tree(&self) -> (HostTree, BTreeSet<TreePath>) {
        let mut host = HostTree::default();
        let mut superseded = BTreeSet::new();
        for (path, content) in self.files() {
            let Ok(place) = path.as_str().parse::<TreePath>() else {
                continue;
            };
            let node = Node::File {
                size: Some(content.len() as u64),
                digest: None,
            };
            // Folders on the way come first, and are there already but for the first file in them.
            let mut parents = std::iter::successors(path.parent(), RelativePath::parent)
                .filter_map(|parent| parent.as_str().parse().ok())
                .collect::<Vec<TreePath>>();
            parents.reverse();
            for parent in parents {
                if host.tree.get(&parent).is_none() {
                    let _ = host.tree.insert(parent, Node::Folder);
                }
            }
            if host.tree.insert(place.clone(), node).is_ok() {
                host.contents.insert(place, Content::Made(content.to_vec()));
            }
            let twin = deploy::twin(path).filter(|twin| !self.files.contains_key(twin));
            superseded.extend(twin.and_then(|twin| twin.as_str().parse().ok()));
        }
        (host, superseded)
    }

    /// The paths of the files in the order in which a board should get them: a module after the modules that it
    /// imports, `boot.py`, `main.py` and `code.py` last.
    pub fn order(&self) -> Vec<TreePath> {
        let files = order::order(self).into_iter();
        files
            .filter_map(|(path, _)| path.as_str().parse().ok())
            .collect()
    }

    fn check_signature(&self, key: &PublicKey) -> Option<What> {
        let Some(signature) = &self.signature else {
            return Some(What::NotSigned);
        };
        let error: SignatureError = key.check(&self.manifest_bytes, signature).err()?;
        Some(What::Signature(error.to_string()))
    }
}

fn check_mpy(content: &[u8], expected: Option<&str>, board: Option<&BoardFormat>) -> Option<What> {
    let header = match piton_mpy::reader::header(content) {
        Ok(header) => header,
        Err(error) => return Some(What::NotMpy(error.to_string())),
    };
    let found = hexadecimal(content.get(..4).unwrap_or_default());
    if let Some(expected) = expected
        && expected != found
    {
        return Some(What::Header {
            expected: expected.to_owned(),
            found,
        });
    }
    board?.refuses(&header).map(What::Board)
}

impl BoardFormat {
    /// Why the board does not load a module with this header (`mp_raw_code_load`, py/persistentcode.c).
    pub fn refuses(&self, header: &Header) -> Option<String> {
        if header.dialect != self.dialect {
            return Some(format!(
                "it is for {}, and the board runs {}",
                header.dialect.name(),
                self.dialect.name()
            ));
        }
        let ours = piton_mpy::header::VERSION;
        match self.version {
            None => return Some("it loads no `.mpy` files".to_owned()),
            Some(version) if version != ours => {
                return Some(format!("its format is {ours}, the board's {version}"));
            }
            Some(_) => {}
        }
        let arch = header.arch?;
        if self.arch.as_deref() != Some(arch.name()) || header.sub_version != self.sub_version {
            return Some(format!(
                "its machine code is for {} {}, the board's for {} {}",
                arch.name(),
                header.sub_version,
                self.arch.as_deref().unwrap_or("nothing"),
                self.sub_version
            ));
        }
        None
    }
}

impl From<&piton_board::facts::BoardFacts> for BoardFormat {
    fn from(facts: &piton_board::facts::BoardFacts) -> BoardFormat {
        let circuitpython = facts.implementation.as_deref() == Some("circuitpython");
        BoardFormat {
            dialect: match circuitpython {
                true => Dialect::CircuitPython,
                false => Dialect::MicroPython,
            },
            version: facts.mpy.as_ref().map(|mpy| mpy.version),
            sub_version: facts.mpy.as_ref().map_or(0, |mpy| mpy.sub_version),
            arch: facts
                .mpy
                .as_ref()
                .and_then(|mpy| Some(mpy.arch?.to_owned())),
        }
    }
}
