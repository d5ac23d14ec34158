//! Sources of packages, as people write them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use piton_path::PortablePath;

/// Maximum length of an address or a name, in bytes.
const MAXIMUM: usize = 2048;

/// A package or a file, as a person or another package names it.
///
/// | text | source |
/// |---|---|
/// | `name`, `name@version` | a package of the index |
/// | `github:org/repo`, `.../folder`, `.../file.py`, `...@reference` | files of a repository; also `gitlab:` and `codeberg:` |
/// | `http://...`, `https://...` | a `package.json`, a folder that has one, or a `.py` or `.mpy` file |
/// | `./folder`, `folder/package.json`, `file.py`, `file.mpy` | files of this computer |
///
/// A text that ends with `.json`, `.py` or `.mpy`, or contains `/`, is on this computer unless it begins like one of
/// the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A package of the index.
    Index {
        /// Its name.
        name: String,
        /// The requested version.
        version: Option<String>,
    },
    /// Files of a repository.
    Hosted {
        /// The service.
        host: Host,
        /// `org/repo`, and the path below it.
        path: String,
        /// A branch, tag or commit.
        reference: Option<String>,
    },
    /// Any address.
    Url(String),
    /// A file or folder of this computer.
    Local(PathBuf),
}

/// A service that hosts repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// GitHub.
    Github,
    /// GitLab.
    Gitlab,
    /// Codeberg.
    Codeberg,
}

/// The services by their prefix.
const HOSTS: [(&str, Host); 3] = [
    ("github:", Host::Github),
    ("gitlab:", Host::Gitlab),
    ("codeberg:", Host::Codeberg),
];

/// The location of one document or file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// On a server.
    Remote {
        /// The address.
        url: String,
        /// The address as a person would write it: `github:org/repo/file.py`.
        shown: String,
    },
    /// On this computer.
    Local {
        /// The file.
        file: PathBuf,
        /// The folder that the file must be in, with links resolved. Of a description: the folder that its files must
        /// be in, if that is not the description's own.
        within: Option<PathBuf>,
    },
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Remote { shown, .. } => f.write_str(shown),
            Location::Local { file, .. } => write!(f, "{}", file.display()),
        }
    }
}

/// A text that does not name a package.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}`: {problem}", text.escape_debug())]
pub struct SourceError {
    /// The text, cut where it is very long.
    pub text: String,
    /// The reason, as a clause.
    pub problem: &'static str,
}

pub(crate) fn refused(text: &str, problem: &'static str) -> SourceError {
    SourceError {
        text: text.chars().take(200).collect(),
        problem,
    }
}

impl FromStr for Source {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Source, SourceError> {
        if is_remote(text) {
            return Source::remote(text, None);
        }
        let names_file = [".json", ".py", ".mpy"]
            .iter()
            .any(|ending| text.ends_with(ending));
        if names_file || text.contains(['/', '\\']) || matches!(text, "." | "..") {
            return Ok(Source::Local(PathBuf::from(text)));
        }
        match text.split_once('@') {
            Some((name, version)) => Source::index(text, name, Some(version)),
            None => Source::index(text, text, None),
        }
    }
}

impl Source {
    /// Returns the source of a package that another one needs. It is never on this computer.
    ///
    /// # Errors
    ///
    /// The name or the version is invalid.
    pub fn dependency(name: &str, version: Option<&str>) -> Result<Source, SourceError> {
        match is_remote(name) {
            true => Source::remote(name, version),
            false => Source::index(name, name, version),
        }
    }

    fn index(text: &str, name: &str, version: Option<&str>) -> Result<Source, SourceError> {
        if !is_word(name) {
            return Err(refused(
                text,
                "a name has letters, digits, `-`, `_` and `.`",
            ));
        }
        if version.is_some_and(|version| !is_word(version)) {
            return Err(refused(
                text,
                "a version has letters, digits, `-`, `_`, `+` and `.`",
            ));
        }
        Ok(Source::Index {
            name: name.to_owned(),
            version: version.map(ToOwned::to_owned),
        })
    }

    fn remote(text: &str, version: Option<&str>) -> Result<Source, SourceError> {
        check_address(text)?;
        let Some((host, path)) = hosted(text) else {
            return Ok(Source::Url(text.to_owned()));
        };
        let (path, reference) = match path.split_once('@') {
            Some((path, reference)) => (path, Some(reference)),
            None => (path, version),
        };
        if reference
            .is_some_and(|reference| reference.is_empty() || check_address(reference).is_err())
        {
            return Err(refused(text, "after `@` comes a branch, tag or commit"));
        }
        let mut parts = path.trim_end_matches('/').split('/');
        let is_repository = parts.next().is_some_and(|part| !part.is_empty())
            && parts.next().is_some_and(|part| !part.is_empty());
        if !is_repository {
            return Err(refused(text, "expected ORGANISATION/REPOSITORY"));
        }
        Ok(Source::Hosted {
            host,
            path: path.trim_end_matches('/').to_owned(),
            reference: reference.map(ToOwned::to_owned),
        })
    }

    /// Returns the name of the source without its version. It is the same for a folder and its `package.json`.
    pub fn name(&self) -> String {
        let folder = |text: &str| {
            let text = text.strip_suffix("/package.json").unwrap_or(text);
            text.trim_end_matches('/').to_owned()
        };
        match self {
            Source::Index { name, .. } => name.clone(),
            Source::Hosted { host, path, .. } => format!("{}{}", host.prefix(), folder(path)),
            Source::Url(url) => folder(url),
            Source::Local(path) => path.display().to_string(),
        }
    }

    /// Returns the requested version or reference.
    pub fn version(&self) -> Option<&str> {
        match self {
            Source::Index { version, .. } => version.as_deref(),
            Source::Hosted { reference, .. } => reference.as_deref(),
            Source::Url(_) | Source::Local(_) => None,
        }
    }

    /// Returns whether this is a single file, to be installed under its own name.
    pub fn is_file(&self) -> bool {
        let is_module = |text: &str| text.ends_with(".py") || text.ends_with(".mpy");
        match self {
            Source::Index { .. } => false,
            Source::Hosted { path, .. } => is_module(path),
            Source::Url(url) => is_module(url),
            Source::Local(path) => path.to_str().is_some_and(is_module),
        }
    }

    /// Returns the location of the file, or of the package's description. `mpy` is the version of the `.mpy` files
    /// that a board loads; `None` requests sources.
    pub fn location(&self, index: &str, mpy: Option<u8>) -> Location {
        let described = |text: &str| match self.is_file() || text.ends_with(".json") {
            true => text.to_owned(),
            false => format!("{}/package.json", text.trim_end_matches('/')),
        };
        match self {
            Source::Index { name, version } => {
                let folder = mpy.map_or_else(|| "py".to_owned(), |version| version.to_string());
                let version = version.as_deref().unwrap_or("latest");
                let url = format!(
                    "{}/package/{folder}/{name}/{version}.json",
                    index.trim_end_matches('/')
                );
                Location::Remote {
                    shown: url.clone(),
                    url,
                }
            }
            Source::Hosted {
                host,
                path,
                reference,
            } => {
                let path = described(path);
                Location::Remote {
                    url: host.url(&path, reference.as_deref()),
                    shown: format!("{}{path}", host.prefix()),
                }
            }
            Source::Url(url) => {
                let url = described(url);
                Location::Remote {
                    shown: url.clone(),
                    url,
                }
            }
            Source::Local(path) => {
                let is_named = self.is_file() || path.extension().is_some_and(|end| end == "json");
                Location::Local {
                    file: match is_named {
                        true => path.clone(),
                        false => path.join("package.json"),
                    },
                    within: None,
                }
            }
        }
    }

    /// Returns the location of a file that the package at `description` lists as `url`: an address, or a path
    /// relative to the description.
    ///
    /// # Errors
    ///
    /// The address is invalid, or leads out of the folder of a package on this computer.
    pub fn file(&self, description: &Location, url: &str) -> Result<Location, SourceError> {
        if url.contains('\\') {
            return Err(refused(
                url,
                "use `/` instead of `\\` in the address of a file",
            ));
        }
        if is_remote(url) {
            check_address(url)?;
            return Ok(addressed(url.to_owned(), self.version()));
        }
        match description {
            Location::Remote { shown, .. } => {
                check_address(url)?;
                if url.split('/').next().is_some_and(|part| part.contains(':')) {
                    return Err(refused(url, "files are fetched by http and https only"));
                }
                let folder = shown.rsplit_once('/').map_or("", |(folder, _)| folder);
                Ok(addressed(format!("{folder}/{url}"), self.version()))
            }
            Location::Local { file, within } => {
                // The reader of the file checks that it is in `within`, with links resolved.
                let (up, rest) = match within {
                    Some(_) => folders_above(url),
                    None => (0, url),
                };
                let below: PortablePath = rest
                    .parse()
                    .map_err(|_| refused(url, "it is not below the folder of its package.json"))?;
                let folder = file.parent().filter(|folder| *folder != Path::new(""));
                let folder = folder.unwrap_or(Path::new("."));
                let within = within.clone().unwrap_or_else(|| folder.to_owned());
                let folder = (0..up).fold(folder.to_owned(), |folder, _| folder.join(".."));
                Ok(Location::Local {
                    file: folder.join(below.to_path()),
                    within: Some(within),
                })
            }
        }
    }
}

/// Returns the number of `..` that a path begins with, and the rest of it.
fn folders_above(path: &str) -> (usize, &str) {
    let mut rest = path;
    let mut up = 0;
    while let Some(above) = rest.strip_prefix("../") {
        rest = above;
        up += 1;
    }
    (up, rest)
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Index { name, .. } => f.write_str(name)?,
            Source::Hosted { host, path, .. } => write!(f, "{}{path}", host.prefix())?,
            Source::Url(url) => f.write_str(url)?,
            Source::Local(path) => write!(f, "{}", path.display())?,
        }
        match self.version() {
            Some(version) => write!(f, "@{version}"),
            None => Ok(()),
        }
    }
}

impl Host {
    /// Returns the prefix of the service's repositories.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Host::Github => "github:",
            Host::Gitlab => "gitlab:",
            Host::Codeberg => "codeberg:",
        }
    }

    /// Returns the name of the service's server.
    pub(crate) fn server(self) -> &'static str {
        match self {
            Host::Github => "github.com",
            Host::Gitlab => "gitlab.com",
            Host::Codeberg => "codeberg.org",
        }
    }

    /// Returns the address of a file, by the rules of mpremote's mip.py.
    fn url(self, path: &str, reference: Option<&str>) -> String {
        let reference = reference.unwrap_or("HEAD");
        let mut parts = path.splitn(3, '/');
        let mut part = || parts.next().unwrap_or_default();
        let (organisation, repository, file) = (part(), part(), part());
        match self {
            Host::Github => format!(
                "https://raw.githubusercontent.com/{organisation}/{repository}/{reference}/{file}"
            ),
            Host::Gitlab => {
                format!("https://gitlab.com/{organisation}/{repository}/-/raw/{reference}/{file}")
            }
            Host::Codeberg => format!(
                "https://codeberg.org/api/v1/repos/{organisation}/{repository}/raw/{file}?ref={reference}"
            ),
        }
    }
}

/// Returns the location of an address that may begin with the prefix of a service.
fn addressed(shown: String, reference: Option<&str>) -> Location {
    Location::Remote {
        url: match hosted(&shown) {
            Some((host, path)) => host.url(path, reference),
            None => shown.clone(),
        },
        shown,
    }
}

fn hosted(text: &str) -> Option<(Host, &str)> {
    HOSTS
        .iter()
        .find_map(|(prefix, host)| Some((*host, text.strip_prefix(prefix)?)))
}

fn is_remote(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://") || hosted(text).is_some()
}

/// Returns whether a name or version needs no escapes in an address.
pub(crate) fn is_word(text: &str) -> bool {
    let letters = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte));
    letters && !text.is_empty() && text.len() <= 100 && !text.bytes().all(|byte| byte == b'.')
}

/// Checks that an address has only ASCII letters, digits and signs: no spaces, nothing that controls a terminal.
pub(crate) fn check_address(text: &str) -> Result<(), SourceError> {
    if text.len() > MAXIMUM {
        return Err(refused(text, "it is too long"));
    }
    match text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    {
        true => Ok(()),
        false => Err(refused(
            text,
            "an address has only ASCII letters, digits and signs; others are written as %XX",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match text.parse::<Source>() {
            Err(error) => error.problem.to_owned(),
            Ok(source) => match source.location("http://index", Some(6)) {
                Location::Remote { url, .. } => url,
                Location::Local { file, .. } => file.display().to_string().replace('\\', "/"),
            },
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn locations_of_packages() {
        check("x", "http://index/package/6/x/latest.json");
        check("x-y.z@1.2", "http://index/package/6/x-y.z/1.2.json");
        check(
            "github:o/r",
            "https://raw.githubusercontent.com/o/r/HEAD/package.json",
        );
        check(
            "github:o/r/sub/dir@feature/x",
            "https://raw.githubusercontent.com/o/r/feature/x/sub/dir/package.json",
        );
        check(
            "github:o/r/a.py@v1",
            "https://raw.githubusercontent.com/o/r/v1/a.py",
        );
        check(
            "gitlab:o/r/p.json",
            "https://gitlab.com/o/r/-/raw/HEAD/p.json",
        );
        check(
            "codeberg:o/r@v1",
            "https://codeberg.org/api/v1/repos/o/r/raw/package.json?ref=v1",
        );
        check("http://h/p", "http://h/p/package.json");
        check("http://h/p/", "http://h/p/package.json");
        check("https://u@h/p@1/x.mpy", "https://u@h/p@1/x.mpy");
        check("./x", "./x/package.json");
        check("x.py", "x.py");
        check("a/b.json", "a/b.json");
    }

    #[test]
    fn invalid_sources_are_refused() {
        let name = "a name has letters, digits, `-`, `_` and `.`";
        let version = "a version has letters, digits, `-`, `_`, `+` and `.`";
        let repository = "expected ORGANISATION/REPOSITORY";
        for (text, problem) in [
            ("", name),
            ("a b", name),
            ("a?b", name),
            ("é", name),
            ("..", "../package.json"),
            ("@1", name),
            ("a@", version),
            ("a@1@2", version),
            ("a@1?x", version),
            ("github:", repository),
            ("github:o", repository),
            ("github:o/", repository),
            ("github:o/r@", "after `@` comes a branch, tag or commit"),
            (
                "http://h/a b",
                "an address has only ASCII letters, digits and signs; others are written as %XX",
            ),
        ] {
            check(text, problem);
        }
    }

    #[test]
    fn locations_of_package_files() {
        for (source, url, expected) in [
            (
                "github:o/r/p@v1",
                "a/b.py",
                "https://raw.githubusercontent.com/o/r/v1/p/a/b.py",
            ),
            (
                "github:o/r",
                "github:x/y/b.py",
                "https://raw.githubusercontent.com/x/y/HEAD/b.py",
            ),
            ("http://h/p/package.json", "b.py", "http://h/p/b.py"),
            ("http://h/p", "https://other/b.py", "https://other/b.py"),
            (
                "http://h/p",
                "file:///etc/passwd",
                "files are fetched by http and https only",
            ),
            (
                "http://h/p",
                "a\\b.py",
                "use `/` instead of `\\` in the address of a file",
            ),
            (
                "http://h/p",
                "a\nb.py",
                "an address has only ASCII letters, digits and signs; others are written as %XX",
            ),
            ("./p", "a/b.py", "./p/a/b.py"),
            ("p.json", "b.py", "./b.py"),
            (
                "./p",
                "../b.py",
                "it is not below the folder of its package.json",
            ),
            (
                "./p",
                "/etc/passwd",
                "it is not below the folder of its package.json",
            ),
            (
                "./p",
                "file:///etc/passwd",
                "it is not below the folder of its package.json",
            ),
        ] {
            let source: Source = source.parse().unwrap();
            let description = source.location("http://index", None);
            let found = match source.file(&description, url) {
                Ok(Location::Remote { url, .. }) => url,
                Ok(Location::Local { file, .. }) => file.display().to_string().replace('\\', "/"),
                Err(error) => error.problem.to_owned(),
            };
            assert_eq!(found, expected, "{source} {url}");
        }
    }

    #[test]
    fn names_versions_and_texts_of_sources() {
        for (text, name, version, is_file) in [
            ("x", "x", None, false),
            ("x-y@1.2", "x-y", Some("1.2"), false),
            ("github:o/r@v1", "github:o/r", Some("v1"), false),
            ("github:o/r/p/package.json", "github:o/r/p", None, false),
            (
                "gitlab:o/r/a.py@main",
                "gitlab:o/r/a.py",
                Some("main"),
                true,
            ),
            ("http://h/p/", "http://h/p", None, false),
            ("http://h/p/package.json", "http://h/p", None, false),
            ("https://h/a.mpy", "https://h/a.mpy", None, true),
            ("./p", "./p", None, false),
            ("a.py", "a.py", None, true),
        ] {
            let source: Source = text.parse().unwrap();
            assert_eq!(source.name(), name);
            assert_eq!(source.version(), version, "{text}");
            assert_eq!(source.is_file(), is_file, "{text}");
            assert_eq!(source.to_string(), text);
        }
    }

    #[test]
    fn a_dependency_is_never_a_local_file() {
        for name in ["./x", "x/y", "../x", "/etc", "a b", "C:\\x", ""] {
            assert!(Source::dependency(name, None).is_err(), "{name:?}");
        }
        let hosted = Source::dependency("github:o/r", Some("v1")).unwrap();
        assert_eq!(hosted, "github:o/r@v1".parse().unwrap());
        let pinned = Source::dependency("github:o/r@v2", Some("v1")).unwrap();
        assert_eq!(pinned.version(), Some("v2"), "its own reference goes first");
        assert!(Source::dependency("x", Some("1/../2")).is_err());
    }

    #[test]
    fn a_board_without_bytecode_gets_sources() {
        let source: Source = "x@1".parse().unwrap();
        let location = source.location("http://index/", None);
        assert_eq!(location.to_string(), "http://index/package/py/x/1.json");
    }

    /// A library of micropython-lib may name files of its neighbours; the top of their folders is the limit.
    #[test]
    fn a_library_may_contain_files_of_a_neighbouring_folder() {
        let source: Source = "lib/p".parse().unwrap();
        let description = Location::Local {
            file: "lib/p/manifest.py".into(),
            within: Some("lib".into()),
        };
        let located = source.file(&description, "../q/b.py").unwrap();
        let expected = Location::Local {
            file: ["lib", "p", "..", "q", "b.py"].iter().collect(),
            within: Some("lib".into()),
        };
        assert_eq!(located, expected);
        for url in ["a/../b.py", "../../a/../b.py", "..", "/b.py"] {
            assert!(source.file(&description, url).is_err(), "{url}");
        }
    }
}
