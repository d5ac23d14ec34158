//! Libraries of this computer with a `manifest.py` and without a `package.json`: the layout of micropython-lib.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use piton_path::{PortablePath, PortablePathError};
use piton_project::mip::DESCRIPTION_LIMIT;
use piton_project::mip::manifest_py::{ManifestPy, Part, PartFiles};
use piton_project::mip::package::{PackageError, PackageJson};
use piton_project::mip::resolve::ResolveError;
use piton_project::mip::source::{Location, Source};

use super::MipError;
use crate::regular;

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
    let text = regular::read_text(manifest, DESCRIPTION_LIMIT).map_err(failed(manifest))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::with as folder;

    /// Reads the manifest at `path` in a folder. Returns the files, each with its address if that differs; what is
    /// needed from near with `near:`, what from an index; or the error.
    fn read_in(folder: &Path, path: &str) -> String {
        let library = match read_any(&folder.join(path)) {
            Ok(library) => library,
            Err(error) => return error.to_string(),
        };
        let files = library
            .package
            .urls
            .iter()
            .map(|(path, url)| match path.as_str() == url {
                true => url.clone(),
                false => format!("{path}<{url}"),
            });
        let near = library.near.iter().map(|source| match source {
            Source::Local(path) => format!("near:{}", path.file_name().unwrap().to_string_lossy()),
            other => other.to_string(),
        });
        let needs = library.package.deps.iter().map(|(name, _)| name.clone());
        let all: Vec<String> = files
            .chain(near)
            .chain(needs)
            .chain(library.firmware)
            .collect();
        all.join(" ")
    }

    #[test]
    fn modules_and_packages_become_files() {
        let folder = folder(&[
            "manifest.py=metadata(version='1')\nmodule('a.py')\npackage('p')\npackage('q', files=['x.py'])\n",
            "a.py",
            "p/__init__.py",
            "p/deep/er.py",
            "p/README.md",
            "q/x.py",
            "q/y.py",
        ]);
        assert_eq!(
            read_in(folder.path(), "manifest.py"),
            "a.py p/__init__.py p/deep/er.py q/x.py"
        );
        let library = read_any(&folder.path().join("manifest.py")).unwrap();
        assert_eq!(library.package.version.as_deref(), Some("1"));
    }

    #[test]
    fn a_library_beside_is_near_and_another_one_comes_from_the_index() {
        let folder = folder(&[
            "a/manifest.py=require('b')\nrequire('c')\nrequire('d')\n",
            "b/manifest.py=module('b.py')\n",
            // Without a manifest it is not a library.
            "c/c.py",
        ]);
        assert_eq!(read_in(folder.path(), "a/manifest.py"), "near:b c d");
    }

    #[test]
    fn a_library_of_the_same_checkout_is_found_in_its_folders() {
        let folder = folder(&[
            "micropython/net/umqtt/manifest.py=require('deep')\nrequire('deeper')\nrequire('../escape')\n",
            "python-stdlib/deep/manifest.py=",
            "python-ecosys/1/2/3/deep2/manifest.py=",
            "python-ecosys/1/2/3/4/deeper/manifest.py=",
            "escape/manifest.py=",
        ]);
        assert_eq!(
            read_in(folder.path(), "micropython/net/umqtt/manifest.py"),
            // `deeper` is below the depth that is searched.
            "near:deep deeper ../escape"
        );
        let near = |name: &str| beside(&folder.path().join("micropython/net/umqtt"), name);
        assert!(near("deep2").is_some());
        assert_eq!(near("a/b"), None);
        assert_eq!(near(""), None);
    }

    #[test]
    fn files_of_a_neighbour_are_read_only_in_the_same_checkout() {
        let text = "manifest.py=package('p', base_path='../other')\n";
        let alone = folder(&[&format!("a/{text}"), "other/p/x.py"]);
        let refusal = read_in(alone.path(), "a/manifest.py");
        assert!(refusal.contains("nor in the same checkout"), "{refusal}");
        let checkout = folder(&[
            &format!("micropython/a/{text}"),
            "micropython/other/p/x.py",
            "python-stdlib/x",
            "python-ecosys/x",
        ]);
        assert_eq!(
            read_in(checkout.path(), "micropython/a/manifest.py"),
            "p/x.py<../other/p/x.py"
        );
    }

    #[test]
    fn what_is_wrong_with_a_manifest_is_said_with_its_path() {
        let folder = folder(&[
            "bad/manifest.py=module(name)\n",
            "missing/manifest.py=package('p')\n",
            "big/manifest.py=#",
        ]);
        let refusal = |path: &str| read_in(folder.path(), path);
        assert!(
            refusal("bad/manifest.py").contains("line 1"),
            "{}",
            refusal("bad/manifest.py")
        );
        assert!(refusal("missing/manifest.py").contains("missing/p"));
        assert!(refusal("none/manifest.py").contains("none/manifest.py"));
        let long = "#".repeat(DESCRIPTION_LIMIT as usize + 1);
        fs::write(folder.path().join("big/manifest.py"), long).unwrap();
        assert!(refusal("big/manifest.py").contains("more than"));
        fs::write(folder.path().join("big/manifest.py"), b"\xff").unwrap();
        assert!(refusal("big/manifest.py").contains("big/manifest.py"));
    }

    #[test]
    fn a_manifest_stands_in_for_a_missing_package_json() {
        let folder = folder(&["a/manifest.py", "b/manifest.py", "b/package.json", "c/x.py"]);
        let at = |path: &str| find(&folder.path().join(path)).is_some();
        assert!(at("a/package.json"));
        assert!(!at("a/other.json"), "only that name");
        assert!(!at("b/package.json"), "it is there");
        assert!(!at("c/package.json"));
    }

    #[cfg(unix)]
    #[test]
    fn links_to_folders_are_not_followed() {
        let folder = folder(&["manifest.py=package('p')\n", "p/a.py", "out/b.py"]);
        let link = |to: &str, at: &str| {
            std::os::unix::fs::symlink(folder.path().join(to), folder.path().join(at)).unwrap();
        };
        link("out", "p/out");
        link("p", "p/again");
        assert_eq!(read_in(folder.path(), "manifest.py"), "p/a.py");
    }
}
