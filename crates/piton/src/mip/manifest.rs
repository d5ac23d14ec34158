//! Libraries of this computer with a `manifest.py` and without a `package.json`: the layout of micropython-lib.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use piton_path::{PortablePath, PortablePathError};
use piton_project::mip::manifest_py::{ManifestPy, Part, PartFiles};
use piton_project::mip::package::{PackageError, PackageJson};
use piton_project::mip::resolve::ResolveError;
use piton_project::mip::source::{Location, Source};

use super::MipError;

/// Name of the manifest in the folder of a library.
const NAME: &str = "manifest.py";

/// The folders of micropython-lib with libraries: those of MicroPython's tools/manifestfile.py.
const FOLDERS: [&str; 3] = ["micropython", "python-stdlib", "python-ecosys"];

/// Maximum depth of a library's folder in one of these.
const DEEPEST: usize = 4;

/// Maximum number of files of a library.
const FILE_LIMIT: usize = 4096;

/// Returns the manifest that replaces a missing `package.json`.
pub(super) fn find(package_json: &Path) -> Option<PathBuf> {
    let manifest = package_json.with_file_name(NAME);
    let named = package_json
        .file_name()
        .is_some_and(|name| name == "package.json");
    (named && !package_json.exists() && manifest.is_file()).then_some(manifest)
}

pub(super) fn location(manifest: PathBuf) -> Location {
    Location::Local {
        within: manifest.parent().and_then(checkout),
        file: manifest,
    }
}

/// The content of a manifest.
pub(crate) struct Library {
    /// The package that it describes.
    pub(crate) package: PackageJson,
    /// The packages of this computer that it needs.
    pub(crate) near: Vec<Source>,
    /// The modules that it has from the sources of MicroPython.
    pub(crate) firmware: Vec<String>,
}

/// Reads a manifest of a library: the package that it describes, and those of this computer that it needs.
pub(super) fn read(manifest: &Path) -> Result<(PackageJson, Vec<Source>), MipError> {
    let library = read_any(manifest)?;
    Ok((library.package, library.near))
}

/// Reads a manifest, of a library or of a firmware.
pub(crate) fn read_any(manifest: &Path) -> Result<Library, MipError> {
    let refused = |source: PackageError| {
        let location = location(manifest.to_owned());
        MipError::from(ResolveError::Package { location, source })
    };
    let text = fs::read_to_string(manifest).map_err(failed(manifest))?;
    let library = ManifestPy::parse(&text).map_err(|error| refused(error.into()))?;
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let mut json = PackageJson {
        version: library.version,
        ..PackageJson::default()
    };
    for part in &library.parts {
        for path in files(folder, part)? {
            let path = path.map_err(|error| refused(error.into()))?;
            let base = part.base.iter().map(|base| format!("{base}/"));
            let url = "../".repeat(part.up) + &base.collect::<String>() + path.as_str();
            json.urls.push((path, url));
        }
    }
    if json.urls.len() > FILE_LIMIT {
        return Err(refused(PackageError::TooMany { unit: "files" }));
    }
    let mut local = Vec::new();
    for name in library.requires {
        match beside(folder, &name) {
            Some(folder) => local.push(Source::Local(folder)),
            None => json.deps.push((name, None)),
        }
    }
    Ok(Library {
        package: json,
        near: local,
        firmware: library.firmware,
    })
}

fn failed(path: &Path) -> impl Fn(io::Error) -> MipError {
    move |source| MipError::Read {
        path: path.to_owned(),
        source,
    }
}

/// Returns the files of a module or package, by their paths below the target.
fn files(
    folder: &Path,
    part: &Part,
) -> Result<Vec<Result<PortablePath, PortablePathError>>, MipError> {
    let join = |name: &str| match &part.path {
        Some(path) => format!("{path}/{name}").parse(),
        None => name.parse(),
    };
    match &part.files {
        PartFiles::Module => Ok(part.path.iter().cloned().map(Ok).collect()),
        PartFiles::Named(names) => Ok(names.iter().map(|name| join(name.as_str())).collect()),
        PartFiles::All => {
            let mut root = folder.to_owned();
            root.extend(std::iter::repeat_n("..", part.up));
            root.extend(part.base.iter().map(PortablePath::to_path));
            root.extend(part.path.iter().map(PortablePath::to_path));
            if part.up > 0 {
                stay_in_checkout(folder, &root).map_err(failed(&root))?;
            }
            let mut names = Vec::new();
            sources(&root, "", &mut names).map_err(failed(&root))?;
            names.sort();
            Ok(names.iter().map(|name| join(name)).collect())
        }
    }
}

/// Adds the Python sources below a folder. Links to folders are not followed.
fn sources(folder: &Path, below: &str, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{below}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            sources(&entry.path(), &format!("{name}/"), names)?;
        } else if name.ends_with(".py") && names.len() <= FILE_LIMIT {
            names.push(name);
        }
    }
    Ok(())
}

/// Returns the folder of another library of the same checkout of micropython-lib.
fn beside(folder: &Path, name: &str) -> Option<PathBuf> {
    let name = name.parse::<PortablePath>().ok();
    let name = name.filter(|name| name.names().count() == 1)?;
    let is_library = |folder: &PathBuf| folder.join(NAME).is_file();
    // The parent of `.` and `..` is unknown.
    if folder.file_name().is_some() {
        let near = folder.parent()?.join(name.as_str());
        if is_library(&near) {
            return Some(near);
        }
    }
    let checkout = checkout(folder)?;
    FOLDERS
        .iter()
        .find_map(|part| search(&checkout.join(part), name.as_str(), 1))
}

/// Returns the checkout of micropython-lib that a library is in.
fn checkout(folder: &Path) -> Option<PathBuf> {
    // A relative path does not have all parent folders.
    let folder = match folder == "" {
        true => Path::new("."),
        false => folder,
    };
    let whole = folder.canonicalize().ok()?;
    let mut above = whole.ancestors().skip(1);
    let checkout = above.find(|folder| FOLDERS.iter().all(|name| folder.join(name).is_dir()));
    checkout.map(Path::to_owned)
}

fn stay_in_checkout(folder: &Path, root: &Path) -> io::Result<()> {
    let root = root.canonicalize()?;
    match checkout(folder).is_some_and(|checkout| root.starts_with(checkout)) {
        true => Ok(()),
        false => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not in the folder of its library, nor in the same checkout of micropython-lib",
        )),
    }
}

fn search(folder: &Path, name: &str, depth: usize) -> Option<PathBuf> {
    let found = folder.join(name);
    if found.join(NAME).is_file() {
        return Some(found);
    }
    if depth == DEEPEST {
        return None;
    }
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)
        .ok()?
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
        .iter()
        .find_map(|folder| search(folder, name, depth + 1))
}
