//! Finding the sources of a project without settings, and whether they are for CircuitPython.
//!
//! ```
//! use piton::building::project::{Layout, Named, find};
//!
//! # let folder = tempfile::tempdir()?;
//! # let project = folder.path();
//! std::fs::write(project.join("code.py"), "print('hello')\n")?;
//! let found = find(project, Named::Nothing)?;
//! assert_eq!(found.layout, Layout::Program);
//! assert_eq!(found.source, project);
//! assert!(found.circuitpython.is_some(), "no other firmware runs `code.py`");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use piton_path::PortablePath;
use piton_project::mip::manifest_py::ManifestPy;
use piton_project::mip::package::PackageJson;
use tracing::debug;

use super::scan::is_environment;
use super::{BuildError, BuildTarget, MANIFEST, NamedFile};
use crate::left_out;
use crate::patterns::Patterns;
use crate::regular;

/// The description of a package for mip.
pub const PACKAGE: &str = "package.json";
/// MicroPython's list of the modules that are frozen into a firmware, or belong to a library.
pub const MANIFEST_PY: &str = "manifest.py";

/// Files at the top of a project for people and tools, not for boards. Lines of a `.gitignore` file.
const PROJECT_FILES: &str = "\
/README*
/LICENSE*
/LICENCE*
/COPYING*
/CHANGELOG*
/CONTRIBUTING*
/pyproject.toml
/setup.py
/setup.cfg
/tox.ini
/noxfile.py
/conftest.py
/MANIFEST.in
/Makefile
/requirements*.txt
/package.json
/package-lock.json
/manifest.py
";

/// Folders and files of a library that are not part of it.
const BESIDE_LIBRARY: &str = "\
/test/
/tests/
/docs/
/doc/
/examples/
/tools/
/test_*.py
/*_test.py
";

/// Maximum size of a file that describes a project or a board, in bytes.
const LONGEST: u64 = 1 << 20;

/// The entry files that make a folder a program.
const PROGRAM: [&str; 4] = ["main.py", "code.py", "code.txt", "boot.py"];

/// How the folder of the sources is named.
#[derive(Clone, Copy, Debug)]
pub enum Named<'a> {
    /// Not named: it is `src`, if there is one.
    Nothing,
    /// By the person who builds.
    Argument(&'a Path),
    /// By the settings of the project, including all of its files.
    Settings(&'a Path),
}

/// The sources of a project, and facts about them.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder of the sources.
    pub source: PathBuf,
    /// Why these are the sources.
    pub layout: Layout,
    /// The files, where a list names them.
    pub files: Option<Vec<NamedFile>>,
    /// Entries of the list that are not on this computer: addresses of files, and packages.
    pub elsewhere: Vec<String>,
    /// The files to leave out.
    pub exclude: Patterns,
    /// The sign that the project is for CircuitPython, if there is one.
    pub circuitpython: Option<Sign>,
}

/// Why these are the sources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The folder is for sources.
    Folder,
    /// There is an entry file at the top of the project.
    Program,
    /// This list names them: a `package.json`, or a `manifest.py`.
    List(PathBuf),
    /// The project is one package.
    Package(String),
    /// The project is some modules.
    Modules,
}

/// A sign that a project is for CircuitPython.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The board's own description.
    BootOut {
        /// The file.
        path: PathBuf,
        /// The version in it.
        version: String,
    },
    /// A file that only CircuitPython reads, or that is compiled for it.
    File(PathBuf),
}

impl Sign {
    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        match self {
            Sign::BootOut { path, .. } | Sign::File(path) => path,
        }
    }

    /// Returns the target to build for: the version of the board if it is known, else the newest.
    ///
    /// # Errors
    ///
    /// [`BuildError::OldCircuitPython`].
    pub fn target(&self) -> Result<BuildTarget, BuildError> {
        let Sign::BootOut { path, version } = self else {
            return Ok(BuildTarget::newest_circuitpython());
        };
        let major = version.split('.').next().and_then(|text| text.parse().ok());
        major
            .and_then(BuildTarget::circuitpython)
            .ok_or_else(|| BuildError::OldCircuitPython {
                path: path.clone(),
                version: version.clone(),
            })
    }
}

/// Finds the sources of the project in the folder `base`.
///
/// # Errors
///
/// [`BuildError::UnclearSource`], [`BuildError::List`].
pub fn find(base: &Path, named: Named<'_>) -> Result<Project, BuildError> {
    let base = here(base);
    let mut project = match named {
        Named::Settings(folder) => Project::of(folder, Layout::Folder),
        Named::Argument(folder) => match listed(folder)? {
            Some(project) => project,
            None => {
                let mut project = Project::of(folder, Layout::Folder);
                if is_same(folder, base) {
                    project.exclude.add_lines(PROJECT_FILES);
                }
                project
            }
        },
        Named::Nothing => find_unnamed(base)?,
    };
    project.circuitpython = sign(&project.source, base);
    debug!(
        source = %project.source.display(),
        layout = ?project.layout,
        circuitpython = ?project.circuitpython,
        "the project was examined"
    );
    Ok(project)
}

impl Project {
    fn of(folder: &Path, layout: Layout) -> Project {
        Project {
            source: folder.to_owned(),
            layout,
            files: None,
            elsewhere: Vec::new(),
            exclude: Patterns::new(),
            circuitpython: None,
        }
    }
}

fn find_unnamed(base: &Path) -> Result<Project, BuildError> {
    let source = match base == "." {
        true => PathBuf::from("src"),
        false => base.join("src"),
    };
    if source.is_dir() && has_python(&source) {
        return Ok(Project::of(&source, Layout::Folder));
    }
    if let Some(project) = listed(base)? {
        return Ok(project);
    }
    if PROGRAM.iter().any(|name| base.join(name).is_file()) {
        let mut project = Project::of(base, Layout::Program);
        project.exclude.add_lines(PROJECT_FILES);
        return Ok(project);
    }
    library(base).ok_or_else(|| match source.is_dir() {
        true => BuildError::NoFiles { path: source },
        false => BuildError::UnclearSource {
            candidates: candidates(base),
            path: source,
        },
    })
}

/// Returns `.` for the empty path, which is the current folder.
fn here(folder: &Path) -> &Path {
    if folder == "" { Path::new(".") } else { folder }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let places = [one, other].map(|path| here(path).canonicalize().ok());
    places[0].is_some() && places[0] == places[1]
}

/// Returns whether there is a Python source in a folder or below it.
fn has_python(folder: &Path) -> bool {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in entries(&folder) {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "py") {
                return true;
            }
        }
    }
    false
}

fn entries(folder: &Path) -> Vec<fs::DirEntry> {
    let entries = here(folder).read_dir().into_iter().flatten().flatten();
    let mut entries = entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let is_left_out = name.starts_with('.') || left_out::reason(&name, true).is_some();
            !is_left_out && !is_environment(&entry.path())
        })
        .collect::<Vec<fs::DirEntry>>();
    entries.sort_by_key(fs::DirEntry::file_name);
    entries
}

/// Returns the project whose files the list of a folder names: its `package.json`, else its `manifest.py`. `None` if
/// there is none, or `src` is the place to look.
fn listed(folder: &Path) -> Result<Option<Project>, BuildError> {
    if folder.join("src").is_dir() {
        return Ok(None);
    }
    let lists = [
        (PACKAGE, read_package as ReadList),
        (MANIFEST_PY, read_manifest),
    ];
    for (name, read) in lists {
        let path = match folder == "." {
            true => PathBuf::from(name),
            false => folder.join(name),
        };
        let text = regular::read_text(&path, LONGEST).ok();
        let Some(list) = text.and_then(|text| read(&path, &text)) else {
            continue;
        };
        let package = list.map_err(|problem| BuildError::List {
            path: path.clone(),
            problem,
        })?;
        return Ok(Some(with_files(folder, path, package)));
    }
    Ok(None)
}

/// Reads a list; the error is a message. Returns `None` if the file is another one of that name.
type ReadList = fn(&Path, &str) -> Option<Result<PackageJson, String>>;

fn read_package(_: &Path, text: &str) -> Option<Result<PackageJson, String>> {
    // Node's files of this name have no list of addresses.
    let value = serde_json::from_str::<serde_json::Value>(text).ok()?;
    value.get("urls").filter(|urls| urls.is_array())?;
    Some(PackageJson::parse(text.as_bytes()).map_err(|error| error.to_string()))
}

fn read_manifest(path: &Path, text: &str) -> Option<Result<PackageJson, String>> {
    const CALLS: [&str; 7] = [
        "metadata(",
        "module(",
        "package(",
        "require(",
        "include(",
        "freeze",
        "add_library(",
    ];
    // A program may have a module of this name.
    let mut lines = text
        .lines()
        .filter(|line| CALLS.iter().any(|call| line.starts_with(call)));
    lines.next()?;
    // Parsed first for its own message: the other error names only the package.
    if let Err(error) = ManifestPy::parse(text) {
        return Some(Err(error.to_string()));
    }
    let manifest = crate::mip::manifest::read_any(path).map_err(|error| error.to_string());
    Some(manifest.map(|library| {
        let mut package = library.package;
        // Libraries beside it in a checkout of micropython-lib, and what a firmware has.
        let near = library.near.iter().map(|source| (source.name(), None));
        package.deps.extend(near);
        let firmware = library.firmware.into_iter().map(|path| (path, None));
        package.deps.extend(firmware);
        package
    }))
}

/// Returns the project of the files that a list in `folder` names.
fn with_files(folder: &Path, path: PathBuf, package: PackageJson) -> Project {
    let mut project = Project::of(folder, Layout::List(path));
    project.elsewhere = package.deps.into_iter().map(|(name, _)| name).collect();
    let place = here(folder)
        .canonicalize()
        .unwrap_or_else(|_| folder.into());
    // A path in a repository has at least as many folders as there are between this folder and the top.
    let paths = package.urls.iter().map(|(_, address)| hosted_path(address));
    let deepest = paths.flatten().map(|path| path.names().count()).max();
    let mut local = Vec::new();
    for (on_board, address) in package.urls {
        match local_file(&place, &address, deepest.unwrap_or(0)) {
            Some(found) => local.push((on_board, found)),
            None => project.elsewhere.push(address),
        }
    }
    project.elsewhere.dedup();
    // The folder of the sources must contain all files.
    let above = local.iter().map(|(_, (above, _))| *above).max();
    let above = above.unwrap_or(0);
    project.source = ancestor(folder, &place, above);
    let mut files = Vec::new();
    for (on_board, (from, path)) in local {
        let below = prefix(&place, from, above);
        if let Some(source) = below.and_then(|below| format!("{below}{path}").parse().ok()) {
            files.push(NamedFile {
                source,
                place: on_board,
            });
        }
    }
    let mut known = BTreeSet::new();
    files.retain(|file| known.insert((file.source.clone(), file.place.clone())));
    project.files = Some(files);
    project
}

/// Returns the folder `above` folders above `folder`, as a part of the path that the person gave if that is long
/// enough.
fn ancestor(folder: &Path, place: &Path, above: usize) -> PathBuf {
    let is_named = |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
    let names = folder.components().rev().take_while(|part| is_named(*part));
    let ancestor = match names.count() >= above {
        true => folder.ancestors().nth(above),
        false => place.ancestors().nth(above),
    };
    here(ancestor.unwrap_or(folder)).to_owned()
}

/// Returns the names of the folders from the ancestor number `above` of `place` down to its ancestor number `from`.
fn prefix(place: &Path, from: usize, above: usize) -> Option<String> {
    let folders = place.ancestors().take(above).skip(from);
    let names = folders.map(|folder| folder.file_name()?.to_str());
    let names = names.collect::<Option<Vec<&str>>>()?;
    let names = names.into_iter().rev().map(|name| format!("{name}/"));
    Some(names.collect())
}

/// Returns the path of an address in a repository, from the top of that one: `a/b.py` of
/// `github:owner/name/a/b.py@main`.
fn hosted_path(address: &str) -> Option<PortablePath> {
    let path = ["github:", "gitlab:", "codeberg:"]
        .iter()
        .find_map(|host| address.strip_prefix(host))?;
    let path = path.splitn(3, '/').nth(2)?;
    let path = path.rsplit_once('@').map_or(path, |(path, _)| path);
    path.parse().ok()
}

/// Returns the local file that an address of a list in the folder `place` names: how many folders above that one its
/// path counts from, at most `deepest`, and the path.
///
/// An address in a repository names a file from the repository's top, and this is a copy of it or of a part of it.
fn local_file(place: &Path, address: &str, deepest: usize) -> Option<(usize, PortablePath)> {
    let Some(path) = hosted_path(address) else {
        let path = address.strip_prefix("./").unwrap_or(address);
        let path = path.parse::<PortablePath>().ok()?;
        return place.join(path.to_path()).is_file().then_some((0, path));
    };
    let mut tops = place.ancestors().take(deepest).enumerate();
    let (above, _) = tops.find(|(_, top)| top.join(path.to_path()).is_file())?;
    Some((above, path))
}

/// Returns the project as a library: one package, or modules, but not both.
fn library(base: &Path) -> Option<Project> {
    let mut beside = Patterns::new();
    beside.add_lines(PROJECT_FILES);
    beside.add_lines(BESIDE_LIBRARY);
    let (mut packages, mut modules) = (Vec::new(), 0);
    for entry in entries(base) {
        let name = entry.file_name().to_str()?.to_owned();
        let is_folder = entry.path().is_dir();
        if beside.covers(&name, is_folder) {
            continue;
        }
        if is_folder && entry.path().join("__init__.py").is_file() {
            packages.push(name);
        } else if !is_folder && name.ends_with(".py") {
            modules += 1;
        }
    }
    if !lists(base).is_empty() {
        return None;
    }
    let mut project = match (packages.as_slice(), modules) {
        ([package], 0) => {
            let mut project = Project::of(base, Layout::Package(package.clone()));
            project.exclude.add("/*");
            project.exclude.add(&format!("!/{package}/"));
            project
        }
        ([], 1..) => {
            let mut project = Project::of(base, Layout::Modules);
            project.exclude.add("/*/");
            project
        }
        _ => return None,
    };
    project.exclude.append(&beside);
    Some(project)
}

/// Returns the folders below this one that have their own list: several packages, of which none is selected.
fn lists(base: &Path) -> Vec<String> {
    const DEEPEST: usize = 3;
    let mut found = Vec::new();
    let mut folders = vec![(here(base).to_owned(), String::new(), 0)];
    while let Some((folder, name, depth)) = folders.pop() {
        for entry in entries(&folder) {
            let Ok(own) = entry.file_name().into_string() else {
                continue;
            };
            let (path, name) = (entry.path(), format!("{name}{own}/"));
            if depth >= DEEPEST || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if matches!(listed(&path), Ok(Some(_)) | Err(_)) {
                found.push(name.clone());
            }
            folders.push((path, name, depth + 1));
        }
    }
    found.sort();
    found
}

/// Returns the possible sources of a folder: folders with lists, else folders with Python sources, and modules.
fn candidates(base: &Path) -> Vec<String> {
    let lists = lists(base);
    if !lists.is_empty() {
        return lists;
    }
    let mut names = BTreeSet::new();
    for entry in entries(base) {
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if entry.path().is_dir() {
            let is_build = entry.path().join(MANIFEST).is_file();
            if !is_build && has_python(&entry.path()) {
                names.insert(format!("{name}/"));
            }
        } else if name.ends_with(".py") {
            names.insert(name);
        }
    }
    names.into_iter().collect()
}

/// Returns the sign that the sources, or their project, are for CircuitPython.
fn sign(source: &Path, base: &Path) -> Option<Sign> {
    for folder in [source, base] {
        let path = folder.join("boot_out.txt");
        let version = regular::read_text(&path, LONGEST)
            .ok()
            .and_then(|text| circuitpython_version(&text));
        if let Some(version) = version {
            return Some(Sign::BootOut { path, version });
        }
    }
    let mut files = ["code.py", "code.txt", "settings.toml", "safemode.py"]
        .map(|name| source.join(name))
        .into_iter()
        .chain([base.join("settings.toml")]);
    if let Some(path) = files.find(|path| path.is_file()) {
        return Some(Sign::File(path));
    }
    let mut libraries = entries(&source.join("lib")).into_iter();
    libraries
        .find(|entry| is_for_circuitpython(&entry.path()))
        .map(|entry| Sign::File(entry.path()))
}

/// Returns the version in the text of a `boot_out.txt`: `10.0.3` of `Adafruit CircuitPython 10.0.3 on 2025-10-01; ...`.
pub fn circuitpython_version(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("CircuitPython ")?;
    let version = rest.split_ascii_whitespace().next()?;
    let is_version = version.starts_with(|letter: char| letter.is_ascii_digit())
        && version.chars().all(|letter| letter.is_ascii_graphic());
    is_version.then(|| version.to_owned())
}

/// Returns whether a file is a compiled module for CircuitPython (`MP_PERSISTENT` header of its py/persistentcode.c).
fn is_for_circuitpython(path: &Path) -> bool {
    let is_mpy = path.extension().is_some_and(|ending| ending == "mpy");
    let mut first = [0];
    is_mpy
        && fs::File::open(path)
            .and_then(|mut file| file.read_exact(&mut first))
            .is_ok()
        && first == *b"C"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_folder::with as folder;

    /// Returns what a folder is taken for.
    fn found(files: &[&str]) -> String {
        let folder = folder(files);
        match find(folder.path(), Named::Nothing) {
            Err(BuildError::UnclearSource { candidates, .. }) => {
                format!("unclear: {}", candidates.join(" "))
            }
            Err(BuildError::NoFiles { .. }) => "nothing".to_owned(),
            Err(error) => error.to_string(),
            Ok(project) => match project.layout {
                Layout::Package(name) => format!("package {name}"),
                Layout::List(path) => {
                    let files = project.files.unwrap_or_default();
                    let files = files.iter().map(|file| match file.source == file.place {
                        true => file.place.to_string(),
                        false => format!("{}<{}", file.place, file.source),
                    });
                    let files: Vec<String> = files.chain(project.elsewhere).collect();
                    let list = path.file_name().unwrap().to_string_lossy();
                    format!("{list}: {}", files.join(" "))
                }
                layout => format!("{layout:?}"),
            },
        }
    }

    #[test]
    fn the_layout_follows_from_the_files() {
        assert_eq!(found(&["src/a.py", "main.py"]), "Folder");
        // An empty `src` is not what somebody wants to build.
        assert_eq!(found(&["src/a.txt", "main.py"]), "Program");
        assert_eq!(found(&["src/a.txt"]), "nothing");
        assert_eq!(found(&["code.txt"]), "Program");
        assert_eq!(
            found(&["a.py", "setup.py", "test_a.py", "docs/b.py"]),
            "Modules"
        );
        assert_eq!(found(&["pack/__init__.py", "tests/b.py"]), "package pack");
        assert_eq!(
            found(&["one/__init__.py", "two/__init__.py"]),
            "unclear: one/ two/"
        );
        assert_eq!(found(&["one/__init__.py", "a.py"]), "unclear: a.py one/");
        assert_eq!(
            found(&["deep/er/a.py", "build/manifest.json", "build/a.py"]),
            "unclear: deep/"
        );
        assert_eq!(found(&[]), "unclear: ");
    }

    #[test]
    fn several_packages_with_lists_are_for_the_user_to_choose_from() {
        let package = "{\"urls\": []}";
        assert_eq!(
            found(&[
                &format!("one/package.json={package}"),
                &format!("in/ner/two/package.json={package}"),
                &format!("in/ner/too/deep/three/package.json={package}"),
                "a.py",
            ]),
            "unclear: in/ner/two/ one/"
        );
    }

    #[test]
    fn a_list_names_the_files_and_what_is_elsewhere() {
        let json = "{\"urls\": [[\"a.py\", \"./a.py\"], [\"b/c.py\", \"src/c.py\"], \
                    [\"d.py\", \"https://x.org/d.py\"], [\"e.py\", \"gone.py\"]], \
                    \"deps\": [[\"umqtt\", \"1\"]]}";
        assert_eq!(
            found(&[&format!("package.json={json}"), "a.py"]),
            "package.json: a.py umqtt src/c.py https://x.org/d.py gone.py"
        );
        // The file of Node.js.
        assert_eq!(
            found(&["package.json={\"name\": \"x\"}", "a.py"]),
            "Modules"
        );
        assert_eq!(found(&["package.json={", "a.py"]), "Modules");
        assert_eq!(
            found(&["manifest.py=module(\"a.py\")\nrequire(\"x\")\n", "a.py"]),
            "manifest.py: a.py x"
        );
        // A module of that name, which calls nothing of a manifest.
        assert_eq!(found(&["manifest.py=x = 1\n", "a.py"]), "Modules");
        let broken = found(&["manifest.py=module(name)\n"]);
        assert!(broken.contains("line 1"), "{broken}");
    }

    #[test]
    fn an_address_in_a_repository_is_a_file_of_this_copy_of_it() {
        for (address, path) in [
            ("github:o/r/a/b.py", Some("a/b.py")),
            ("gitlab:o/r/b.py@v1", Some("b.py")),
            ("codeberg:o/r/b.py@feature/x", Some("b.py")),
            ("github:o/r", None),
            ("github:o", None),
            ("github:o/r/../b.py", None),
            ("b.py", None),
            ("https://github.com/o/r/b.py", None),
        ] {
            let found = hosted_path(address);
            assert_eq!(found.as_ref().map(PortablePath::as_str), path, "{address}");
        }
        let top = folder(&["lib/a/b.py", "b.py"]);
        let place = top.path().join("lib/a");
        let local = |address: &str, deepest| {
            let (above, path) = local_file(&place, address, deepest)?;
            Some(format!("{above} {path}"))
        };
        assert_eq!(local("b.py", 3).as_deref(), Some("0 b.py"));
        assert_eq!(local("./b.py", 3).as_deref(), Some("0 b.py"));
        assert_eq!(
            local("github:o/r/lib/a/b.py", 3).as_deref(),
            Some("2 lib/a/b.py")
        );
        // No higher than a path has folders.
        assert_eq!(local("github:o/r/lib/a/b.py", 2), None);
        assert_eq!(local("../../b.py", 3), None);
        assert_eq!(prefix(&place, 0, 2).as_deref(), Some("lib/a/"));
        assert_eq!(prefix(&place, 1, 2).as_deref(), Some("lib/"));
        assert_eq!(prefix(&place, 2, 2).as_deref(), Some(""));
    }

    #[test]
    fn the_firmware_follows_from_the_files_of_circuitpython() {
        let sign = |files: &[&str]| {
            let folder = folder(files);
            let found = sign(&folder.path().join("src"), folder.path());
            found.map(|sign| {
                let target = sign.target().map(|target| target.to_string());
                let path = sign
                    .path()
                    .strip_prefix(folder.path())
                    .unwrap()
                    .display()
                    .to_string();
                format!(
                    "{path} {}",
                    target.unwrap_or_else(|error| error.to_string())
                )
            })
        };
        let newest = BuildTarget::newest_circuitpython().to_string();
        assert_eq!(sign(&["src/main.py"]), None);
        assert_eq!(
            sign(&["src/code.py"]),
            Some(format!("src/code.py {newest}"))
        );
        assert_eq!(
            sign(&["settings.toml"]),
            Some(format!("settings.toml {newest}"))
        );
        // The board's own description has its version.
        let boot_out = "boot_out.txt=Adafruit CircuitPython 9.2.1 on 2024-11-20; X";
        assert_eq!(
            sign(&[boot_out, "src/code.py"]).as_deref(),
            Some("boot_out.txt circuitpython-9")
        );
        let old = sign(&["boot_out.txt=Adafruit CircuitPython 3.1.2 on 2019"]).unwrap();
        assert!(old.contains("3.1.2"), "{old}");
        assert_eq!(
            sign(&["src/lib/a.mpy=C\u{6}"]),
            Some(format!("src/lib/a.mpy {newest}"))
        );
        assert_eq!(sign(&["src/lib/a.mpy=M\u{6}", "src/lib/b.mpy"]), None);
    }

    #[test]
    fn the_version_of_circuitpython_is_the_word_after_its_name() {
        for (text, version) in [
            (
                "Adafruit CircuitPython 10.0.3 on 2025-10-01; X",
                Some("10.0.3"),
            ),
            ("CircuitPython 9.0.0-beta.1", Some("9.0.0-beta.1")),
            ("CircuitPython \n", None),
            ("CircuitPython on a board", None),
            ("CircuitPython 9\u{1b}[2J", None),
            ("MicroPython 1.29", None),
            ("", None),
        ] {
            assert_eq!(circuitpython_version(text).as_deref(), version, "{text:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_with_the_name_of_a_list_is_not_waited_for() {
        let folder = folder(&["a.py"]);
        for name in [PACKAGE, MANIFEST_PY, "boot_out.txt"] {
            let made = std::process::Command::new("mkfifo")
                .arg(folder.path().join(name))
                .status();
            assert!(made.unwrap().success());
        }
        let project = find(folder.path(), Named::Nothing).unwrap();
        assert_eq!(
            (project.layout, project.circuitpython),
            (Layout::Modules, None)
        );
    }
}
