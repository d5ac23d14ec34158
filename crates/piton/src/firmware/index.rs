//! Builds the index of a library of packages, from which `mip` installs: the folders that tools/build.py of micropython-lib makes.
//!
//! `index.json` lists the packages; `package/6/NAME/VERSION.json` (for `.mpy` files) and `package/py/NAME/VERSION.json` (for sources) list the
//! files of each; `file/` has the files by the beginning of their SHA-256. Any static web server can serve the folder.
//!
//! Nothing is written before everything is compiled, and `index.json` comes last. A file that is there is not written again.

mod json;
mod search;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use piton_firmware::manifest::{Data, Evaluation, File, Mode, Request};
use piton_path::{PortablePath, Sha256Hex};

use super::compiling::{CompiledFile, Compiling, mpy_path};
use super::freezing::MakeError;
use super::{Error, Python, evaluate};
use crate::host_file;
use json::{Index, Package, PackageFile};

/// The folders of micropython-lib whose packages are in its index.
pub const FOLDERS: [&str; 3] = ["micropython", "python-stdlib", "python-ecosys"];

/// The fewest digits of a hash in the name of a file.
pub const SHORTEST_PREFIX: usize = 4;

/// The number of digits of a hash in the name of a file, if nothing else is said; `mip` expects it.
pub const PREFIX: usize = 8;

/// The version of the `.mpy` files, as `mip` asks for it.
const MPY_VERSION: &str = "6";

/// What an index is made of.
#[derive(Clone, Debug)]
pub struct IndexOptions {
    /// The folder with the libraries, as micropython-lib has them.
    pub library: PathBuf,
    /// The folders in it that are searched for packages.
    pub folders: Vec<String>,
    /// Where `require()` finds packages of micropython-lib; the library itself if it is one.
    pub micropython_lib: PathBuf,
    /// The folder of the index, which may have an older one.
    pub output: PathBuf,
    /// Digits of a hash in the name of a file, at least [`SHORTEST_PREFIX`].
    pub prefix: usize,
    /// When the index is made, in seconds since 1970.
    pub updated: u64,
    /// Whether folders are searched by name, and not in the order of the file system.
    pub sorted: bool,
}

/// What is remarkable on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexEvent {
    /// A package is in the index for the first time.
    Added {
        /// Its name.
        name: String,
    },
    /// A version of a package is in the index for the first time.
    NewVersion {
        /// The name of the package.
        name: String,
        /// Its version.
        version: String,
    },
    /// A package has no version: only its `latest.json` is written.
    NoVersion {
        /// The name of the package.
        name: String,
    },
    /// Two folders have a package of this name; the index has the later one.
    Twice {
        /// The name.
        name: String,
        /// The earlier folder.
        first: String,
        /// The later one.
        second: String,
    },
    /// The files of a version changed since it was published. Its description stays as it was; only `latest.json` is new.
    Locked {
        /// The name of the package.
        name: String,
        /// Its version.
        version: String,
    },
}

/// What was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct IndexReport {
    /// Packages in the library.
    pub packages: usize,
    /// Different files of these packages, sources and `.mpy` files.
    pub files: usize,
    /// Files and descriptions that were written; the others were there.
    pub written: usize,
}

/// Why there is no index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// No folder of the library has a manifest.
    #[error("`{}` has no package: no `manifest.py` in {}", library.display(), folders.join(", "))]
    Empty {
        /// The library.
        library: PathBuf,
        /// The folders that were searched.
        folders: Vec<String>,
    },
    /// A manifest cannot be evaluated.
    #[error("package `{package}`: {source}")]
    Manifest {
        /// The folder of the package.
        package: String,
        /// What is wrong.
        source: Error,
    },
    /// A source cannot be compiled.
    #[error("package `{package}`: {source}")]
    Make {
        /// The name of the package.
        package: String,
        /// What is wrong.
        source: MakeError,
    },
    /// A package has a file that is no Python source, or whose path leads out of the folder for packages.
    #[error(
        "package `{package}`: `{target}` is not a path of a `.py` file in the folder for packages"
    )]
    Target {
        /// The name of the package.
        package: String,
        /// The path of the file on the board.
        target: String,
    },
    /// A version, or the name of a package, cannot be the name of a file.
    #[error("package `{package}`: `{version}` cannot be the version of a package")]
    Version {
        /// The name of the package.
        package: String,
        /// The version.
        version: String,
    },
    /// Two different files have one name.
    #[error(
        "package `{package}`: `{target}` would be `{}`, which is another file", path.display()
    )]
    Collision {
        /// The name of the package.
        package: String,
        /// The path of the file on the board.
        target: String,
        /// The file that is there.
        path: PathBuf,
    },
    /// The older index cannot be understood.
    #[error("`{}` is not an index of packages: {reason}", path.display())]
    OldIndex {
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A folder or file cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Read {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("`{}` cannot be written: {source}", path.display())]
    Write {
        /// Its path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A package of the library.
struct Found {
    /// Its name: that of its folder.
    name: String,
    /// Its folder, below the library, with slashes.
    folder: String,
    evaluation: Evaluation,
}

/// Makes or renews an index.
///
/// # Errors
/// [`IndexError`]. Up to an error of writing, the folder of the index is as it was.
pub fn build(
    options: &IndexOptions,
    compiling: Compiling<'_>,
    python: &Python,
    announce: &mut dyn FnMut(&str),
    events: &mut dyn FnMut(IndexEvent),
) -> Result<IndexReport, IndexError> {
    let index_path = options.output.join("index.json");
    let mut index = read_index(&index_path)?;
    let packages = packages(options, python, announce)?;
    let compiled = compile(&packages, compiling)?;
    let mut store = Store {
        folder: options.output.join("file"),
        prefix: options.prefix.max(SHORTEST_PREFIX),
        files: BTreeMap::new(),
    };
    let mut descriptions: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    let mut folders: BTreeMap<&str, &str> = BTreeMap::new();
    for package in &packages {
        let name = &package.name;
        if let Some(first) = folders.insert(name, &package.folder) {
            events(IndexEvent::Twice {
                name: name.clone(),
                first: first.to_owned(),
                second: package.folder.clone(),
            });
        }
        let version = version(package)?;
        note(&mut index, package, version.as_deref(), events);
        let mut is_locked = false;
        for (channel, description) in describe(package, version.as_deref(), &compiled, &mut store)?
        {
            let folder = options.output.join("package").join(channel).join(name);
            let content = description.to_json();
            if let Some(version) = &version {
                let path = folder.join(format!("{version}.json"));
                is_locked |= !keep_first(&mut descriptions, path, &content);
            }
            descriptions.insert(folder.join("latest.json"), content);
        }
        if let (true, Some(version)) = (is_locked, version) {
            events(IndexEvent::Locked {
                name: name.clone(),
                version,
            });
        }
    }
    index.finish(options.updated);
    let files = store.files.len();
    let mut written = 0;
    let contents = store.files.into_iter();
    for (path, content) in contents.chain(descriptions) {
        written += usize::from(write(&path, &content)?);
    }
    write(&index_path, &index.to_json())?;
    Ok(IndexReport {
        packages: packages.len(),
        files,
        written,
    })
}

fn read_index(path: &Path) -> Result<Index, IndexError> {
    let wrong = |reason: String| IndexError::OldIndex {
        path: path.to_owned(),
        reason,
    };
    match fs::read(path) {
        Ok(bytes) => Index::from_json(&bytes).map_err(|error| wrong(error.to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Index::default()),
        Err(source) => Err(IndexError::Read {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Evaluates the manifests of all packages, in the order in which they are found.
fn packages(
    options: &IndexOptions,
    python: &Python,
    announce: &mut dyn FnMut(&str),
) -> Result<Vec<Found>, IndexError> {
    let mut packages = Vec::new();
    for folder in search::packages(&options.library, &options.folders, options.sorted)? {
        let manifest = options.library.join(&folder).join("manifest.py");
        let mut request = Request::new(
            Mode::Compile,
            vec![manifest.to_string_lossy().replace('\\', "/")],
        );
        let library = options.micropython_lib.to_string_lossy().replace('\\', "/");
        let library = piton_firmware::manifest::absolute(&library, &request.folder);
        request.variables = vec![("MPY_LIB_DIR".to_owned(), library)];
        request.environment = super::environment();
        request.sorted = options.sorted;
        let evaluation =
            evaluate(&request, python, announce).map_err(|source| IndexError::Manifest {
                package: folder.clone(),
                source,
            })?;
        let name = folder.rsplit('/').next().unwrap_or(&folder).to_owned();
        packages.push(Found {
            name,
            folder,
            evaluation,
        });
    }
    if packages.is_empty() {
        return Err(IndexError::Empty {
            library: options.library.clone(),
            folders: options.folders.clone(),
        });
    }
    Ok(packages)
}

/// What decides how a file is compiled: its source, its path on the board, the version at its end, and the level of optimization.
type FileKey = (String, String, String, String);

fn key(file: &File) -> FileKey {
    let (version, opt) = (&file.metadata.version, &file.opt);
    (
        file.source.clone(),
        file.target.clone(),
        format!("{version:?}"),
        format!("{opt:?}"),
    )
}

/// Compiles the files of all packages, each once: many packages contain those that they require.
fn compile(
    packages: &[Found],
    compiling: Compiling<'_>,
) -> Result<BTreeMap<FileKey, CompiledFile>, IndexError> {
    let mut seen = BTreeSet::new();
    let mut jobs = Vec::new();
    for package in packages {
        for file in &package.evaluation.files {
            let is_path = file.target.parse::<PortablePath>().is_ok();
            if !is_path || !file.target.ends_with(".py") {
                return Err(IndexError::Target {
                    package: package.name.clone(),
                    target: file.target.clone(),
                });
            }
            if seen.insert(key(file)) {
                jobs.push((file, mpy_path(file, "")));
            }
        }
    }
    let compiled = compiling.each(&jobs).map_err(|source| {
        let is_target = |file: &File| match &source {
            MakeError::Rejected { target, .. } | MakeError::Flags { target, .. } => {
                file.target == *target
            }
            MakeError::NotText { path } | MakeError::Read { path, .. } => file.source == *path,
            _ => false,
        };
        let package = packages
            .iter()
            .find(|package| package.evaluation.files.iter().any(is_target));
        IndexError::Make {
            package: package
                .map(|package| package.name.clone())
                .unwrap_or_default(),
            source,
        }
    })?;
    let keys = jobs.iter().map(|(file, _)| key(file));
    Ok(keys.zip(compiled).collect())
}

/// Adds the description of a version, unless it is there: a version is locked when it is first seen. Returns false if another is there.
fn keep_first(
    descriptions: &mut BTreeMap<PathBuf, Vec<u8>>,
    path: PathBuf,
    content: &[u8],
) -> bool {
    let before = descriptions.get(&path).cloned();
    match before.or_else(|| fs::read(&path).ok()) {
        Some(before) => before == content,
        None => {
            descriptions.insert(path, content.to_vec());
            true
        }
    }
}

/// Returns the version of a package, if it has one.
fn version(package: &Found) -> Result<Option<String>, IndexError> {
    let version = match &package.evaluation.metadata.version {
        Data::None => return Ok(None),
        Data::Text(text) if text.is_empty() => return Ok(None),
        Data::Text(text) => text.clone(),
        other => format!("{other:?}"),
    };
    let is_text = matches!(package.evaluation.metadata.version, Data::Text(_));
    let is_name = |name: &str| {
        name.parse::<PortablePath>()
            .is_ok_and(|path| path.names().count() == 1)
    };
    if is_text
        && is_name(&format!("{version}.json"))
        && is_name(&package.name)
        && version != "latest"
    {
        Ok(Some(version))
    } else {
        Err(IndexError::Version {
            package: package.name.clone(),
            version,
        })
    }
}

/// Notes a package in the index.
fn note(
    index: &mut Index,
    package: &Found,
    version: Option<&str>,
    events: &mut dyn FnMut(IndexEvent),
) {
    let name = &package.name;
    let entry = match index.packages.iter().position(|entry| entry.name == *name) {
        Some(place) => place,
        None => {
            events(IndexEvent::Added { name: name.clone() });
            index.packages.push(Package::new(name));
            index.packages.len() - 1
        }
    };
    let Some(entry) = index.packages.get_mut(entry) else {
        return;
    };
    let metadata = &package.evaluation.metadata;
    let or = |data: &Data, default: &str| match data {
        Data::Text(text) if !text.is_empty() => text.clone(),
        _ => default.to_owned(),
    };
    entry.version = version.unwrap_or_default().to_owned();
    entry.author = String::new();
    entry.description = or(&metadata.description, "");
    entry.license = or(&metadata.license, "MIT");
    entry.path = package.folder.clone();
    let Some(version) = version else {
        events(IndexEvent::NoVersion { name: name.clone() });
        return;
    };
    let mut is_new = false;
    for channel in ["py", MPY_VERSION] {
        is_new |= entry.versions.add(channel, version);
    }
    if is_new {
        events(IndexEvent::NewVersion {
            name: name.clone(),
            version: version.to_owned(),
        });
    }
}

/// Puts the files of a package into the store, and returns its descriptions, each with the folder that it goes into: with `.mpy` files, and
/// with sources.
fn describe(
    package: &Found,
    version: Option<&str>,
    compiled: &BTreeMap<FileKey, CompiledFile>,
    store: &mut Store,
) -> Result<[(&'static str, PackageFile); 2], IndexError> {
    let version = version.unwrap_or_default();
    let [mut mpy, mut py] = [PackageFile::new(version), PackageFile::new(version)];
    for file in &package.evaluation.files {
        let Some(done) = compiled.get(&key(file)) else {
            continue;
        };
        let stem = file.target.strip_suffix("py").unwrap_or(&file.target);
        let of = (package.name.as_str(), file.target.as_str());
        let hash = store.add(of, &done.mpy)?;
        mpy.hashes.push((format!("{stem}mpy"), hash));
        let hash = store.add(of, done.source.as_bytes())?;
        py.hashes.push((file.target.clone(), hash));
    }
    Ok([(MPY_VERSION, mpy), ("py", py)])
}

/// Files that are named by their hash.
struct Store {
    folder: PathBuf,
    prefix: usize,
    /// What is to be there.
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Store {
    /// Adds a file, and returns the hash that names it.
    fn add(
        &mut self,
        (package, target): (&str, &str),
        content: &[u8],
    ) -> Result<String, IndexError> {
        let hash = Sha256Hex::of(content);
        let name = hash.as_str().get(..self.prefix).unwrap_or(hash.as_str());
        let path = self
            .folder
            .join(name.get(..2).unwrap_or_default())
            .join(name);
        let is_same = match self.files.get(&path) {
            Some(other) => other == content,
            None => fs::read(&path).map_or(true, |other| other == content),
        };
        if !is_same {
            return Err(IndexError::Collision {
                package: package.to_owned(),
                target: target.to_owned(),
                path,
            });
        }
        self.files.entry(path).or_insert_with(|| content.to_vec());
        Ok(name.to_owned())
    }
}

/// Writes a file, if it has another content so far. Returns whether it had.
fn write(path: &Path, content: &[u8]) -> Result<bool, IndexError> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| host_file::write(path, content))
        .map_err(|source| IndexError::Write {
            path: path.to_owned(),
            source,
        })?;
    Ok(true)
}

#[cfg(test)]
mod tests;
