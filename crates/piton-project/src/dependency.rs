//! Where a dependency of a project comes from, as people write it in `pyproject.toml`.
//!
//! ```
//! use piton_project::dependency::DependencySource;
//!
//! let source: DependencySource = "https://github.com/o/r/blob/main/lib/x.py".parse()?;
//! assert_eq!(source.to_string(), "github:o/r/lib/x.py@main");
//! let named = DependencySource::of_value("aiohttp", "^0.0.5")?;
//! assert_eq!(named.to_string(), "aiohttp ^0.0.5");
//! # Ok::<(), piton_project::mip::source::SourceError>(())
//! ```

use std::fmt;
use std::str::FromStr;

use crate::mip::source::{Host, SourceError, check_address, is_word, refused};
use crate::version::VersionRange;

mod repository;

pub use repository::{PathKind, Repository};

/// The source of a dependency.
///
/// | text | source |
/// |---|---|
/// | `name`, `mip:name`, `name@1.2`, `name==1.2`, `name>=1,<2`, `name^1.2` | a package of the index |
/// | `github:org/repo[/path][@ref]`, also `gitlab:` and `codeberg:` | a package or file of a repository |
/// | `https://github.com/org/repo/blob/ref/path`, `tree`, `raw`, and those of GitLab and Codeberg | the same |
/// | `git+https://host/repo.git[@ref][#path]`, also `git+ssh` and `git+file` | the same, of any git server |
/// | `circuitpython:name` | a library of Adafruit's bundle |
/// | other `http://` and `https://` addresses | a `package.json`, or one file |
/// | `./path`, `../path`, `/path`, `file:...`, what ends with `.py`, `.mpy` or `.json` | a file or folder of this computer |
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DependencySource {
    /// A package of the index.
    Index {
        /// Its name.
        name: String,
        /// The accepted versions.
        range: VersionRange,
    },
    /// A file, folder or package of a repository on a service.
    Repository(Repository),
    /// A file, folder or package of any git repository.
    Git {
        /// The address that `git` understands.
        url: String,
        /// A branch, tag or commit; `None` for the repository's default branch.
        reference: Option<String>,
        /// The path in the repository; empty for all of it.
        path: String,
    },
    /// A `package.json` or a file at an address.
    Url(String),
    /// A file or folder of this computer, as it was written: relative to the project's folder.
    Local(String),
    /// A library of the CircuitPython bundle.
    Bundle {
        /// Its name in the bundle.
        name: String,
        /// The accepted versions.
        range: VersionRange,
    },
}

impl FromStr for DependencySource {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<DependencySource, SourceError> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("mip:") {
            let (name, range) = name_and_range(text, rest)?;
            return Ok(DependencySource::Index { name, range });
        }
        if let Some(rest) = text.strip_prefix("circuitpython:") {
            let (name, range) = name_and_range(text, rest)?;
            return Ok(DependencySource::Bundle { name, range });
        }
        if let Some(rest) = text.strip_prefix("git+") {
            return git(text, rest);
        }
        if let Some(repository) = Repository::of_text(text)? {
            return Ok(DependencySource::Repository(repository));
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            check_address(text)?;
            return match text.ends_with(".git") {
                true => git(text, text),
                false => Ok(DependencySource::Url(text.to_owned())),
            };
        }
        if let Some(path) = text.strip_prefix("file://").or(text.strip_prefix("file:")) {
            return local(text, path);
        }
        if text.contains("://") {
            return Err(refused(text, "packages come by http, https or git"));
        }
        let is_path = text.contains(['/', '\\'])
            || matches!(text, "." | "..")
            || [".py", ".mpy", ".json"]
                .iter()
                .any(|end| text.ends_with(end));
        match is_path {
            true => local(text, text),
            false => {
                let (name, range) = name_and_range(text, text)?;
                Ok(DependencySource::Index { name, range })
            }
        }
    }
}

impl DependencySource {
    /// Reads the value of the dependency `key`: a version or range is one of the index's package of this name.
    ///
    /// # Errors
    ///
    /// The value is neither a range nor a source.
    pub fn of_value(key: &str, text: &str) -> Result<DependencySource, SourceError> {
        let trimmed = text.trim();
        let is_range = trimmed == "latest"
            || trimmed.starts_with(['^', '~', '>', '<', '=', '!', '*'])
            || (trimmed.starts_with(|letter: char| letter.is_ascii_digit())
                && !trimmed.contains(['/', '\\'])
                && !trimmed.ends_with(".py")
                && !trimmed.ends_with(".mpy"));
        if !is_range {
            return trimmed.parse();
        }
        let range = trimmed.parse().map_err(|_| refused(text, RANGE_PROBLEM))?;
        Ok(DependencySource::Index {
            name: key.to_owned(),
            range,
        })
    }

    /// Reads what a package needs: a name or an address, and a version or range. It is never on this computer.
    ///
    /// # Errors
    ///
    /// It is not a source, or it names a file of this computer.
    pub fn of_package(name: &str, version: Option<&str>) -> Result<DependencySource, SourceError> {
        let is_address = name.contains([':', '/', '\\']);
        if !is_address {
            if !is_word(name) {
                return Err(refused(name, NAME_PROBLEM));
            }
            let version = version.unwrap_or("*");
            let range = version
                .parse()
                .map_err(|_| refused(version, RANGE_PROBLEM))?;
            return Ok(DependencySource::Index {
                name: name.to_owned(),
                range,
            });
        }
        let source = match name.parse()? {
            DependencySource::Repository(mut repository) => {
                let version = version.filter(|version| *version != "latest");
                if repository.reference.is_none()
                    && let Some(version) = version
                {
                    repository.reference = Some(repository::reference(name, version)?);
                }
                DependencySource::Repository(repository)
            }
            source => source,
        };
        match source.is_local() {
            true => Err(refused(
                name,
                "a package cannot name files of this computer",
            )),
            false => Ok(source),
        }
    }

    /// Returns whether it is on this computer.
    pub fn is_local(&self) -> bool {
        match self {
            DependencySource::Local(_) => true,
            DependencySource::Git { url, .. } => url.starts_with("file:"),
            _ => false,
        }
    }

    /// Returns a name for the dependency: a Python identifier, made of the last part of the source as belay does.
    ///
    /// # Errors
    ///
    /// The last part is not a name.
    pub fn inferred_name(&self) -> Result<String, SourceError> {
        let whole = self.to_string();
        let last = match self {
            DependencySource::Index { name, .. } | DependencySource::Bundle { name, .. } => name,
            DependencySource::Repository(repository) => repository.last_name(),
            DependencySource::Git { url, path, .. } => match path.as_str() {
                "" => url.trim_end_matches('/').trim_end_matches(".git"),
                path => path,
            },
            DependencySource::Url(url) => {
                url.trim_end_matches('/').trim_end_matches("/package.json")
            }
            DependencySource::Local(path) => path.trim_end_matches(['/', '\\']),
        };
        let last = last.rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = [".py", ".mpy", ".json"]
            .iter()
            .find_map(|end| last.strip_suffix(end));
        let name = stem.unwrap_or(last).replace(['-', '.'], "_");
        match is_identifier(&name) {
            true => Ok(name),
            false => Err(refused(
                &whole,
                "there is no name in it: give one before it",
            )),
        }
    }
}

impl fmt::Display for DependencySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_range = |f: &mut fmt::Formatter<'_>, name: &str, range: &VersionRange| {
            f.write_str(name)?;
            match range.is_any() {
                true => Ok(()),
                false => write!(f, " {range}"),
            }
        };
        match self {
            DependencySource::Index { name, range } => with_range(f, name, range),
            DependencySource::Bundle { name, range } => {
                with_range(f, &format!("circuitpython:{name}"), range)
            }
            DependencySource::Repository(repository) => repository.fmt(f),
            DependencySource::Git {
                url,
                reference,
                path,
            } => {
                write!(f, "git+{url}")?;
                if let Some(reference) = reference {
                    write!(f, "@{reference}")?;
                }
                match path.as_str() {
                    "" => Ok(()),
                    path => write!(f, "#{path}"),
                }
            }
            DependencySource::Url(text) | DependencySource::Local(text) => f.write_str(text),
        }
    }
}

const NAME_PROBLEM: &str = "a name has letters, digits, `-`, `_` and `.`";
const RANGE_PROBLEM: &str =
    "it is neither a source nor a range of versions, such as `1.2.0`, `^1.2`, `>=1,<2` or `*`";

/// Returns whether Python takes the text for a name.
pub fn is_identifier(text: &str) -> bool {
    let mut letters = text.chars();
    let first = letters.next();
    first.is_some_and(|letter| letter.is_alphabetic() || letter == '_')
        && letters.all(|letter| letter.is_alphanumeric() || letter == '_')
}

/// Reads `name`, `name@1.2`, `name==1.2`, `name >=1,<2`.
fn name_and_range(whole: &str, text: &str) -> Result<(String, VersionRange), SourceError> {
    let end = text
        .find(|letter| "@=<>!~^ *".contains(letter))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let range = rest.trim().trim_start_matches('@').trim_start();
    if !is_word(name) {
        return Err(refused(whole, NAME_PROBLEM));
    }
    let has_sign = rest
        .trim_start()
        .starts_with(|letter| "@=<>!~^*".contains(letter));
    if !rest.trim().is_empty() && (range.is_empty() || !has_sign) {
        return Err(refused(whole, RANGE_PROBLEM));
    }
    let range = range.parse().map_err(|_| refused(whole, RANGE_PROBLEM))?;
    Ok((name.to_owned(), range))
}

fn local(whole: &str, path: &str) -> Result<DependencySource, SourceError> {
    match path.is_empty() || path.contains('\0') {
        true => Err(refused(whole, "it is not a path")),
        false => Ok(DependencySource::Local(path.to_owned())),
    }
}

/// Reads `https://host/repo.git@ref#path`.
fn git(whole: &str, text: &str) -> Result<DependencySource, SourceError> {
    check_address(text)?;
    let schemes = ["https://", "http://", "ssh://", "file://"];
    if !schemes.iter().any(|scheme| text.starts_with(scheme)) {
        return Err(refused(
            whole,
            "after `git+` comes an address that begins with https, http, ssh or file",
        ));
    }
    let (rest, path) = text.split_once('#').unwrap_or((text, ""));
    let path = path.strip_prefix("subdirectory=").unwrap_or(path);
    let last = rest.rfind('/').unwrap_or(0);
    // A user may be named before the host: `ssh://git@host/repo`.
    let (url, reference) = match rest.get(last..).and_then(|name| name.split_once('@')) {
        Some((name, reference)) => {
            let url = rest.get(..last + name.len()).unwrap_or(rest);
            (url, Some(repository::reference(whole, reference)?))
        }
        None => (rest, None),
    };
    Ok(DependencySource::Git {
        url: url.to_owned(),
        reference,
        path: repository::checked_path(whole, path)?,
    })
}

/// Returns the service of a prefix such as `github:`.
fn host_of(prefix: &str) -> Option<Host> {
    match prefix {
        "github" => Some(Host::Github),
        "gitlab" => Some(Host::Gitlab),
        "codeberg" => Some(Host::Codeberg),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = match text.parse::<DependencySource>() {
            Err(error) => error.problem.to_owned(),
            Ok(source) => {
                let kind = match &source {
                    DependencySource::Index { .. } => "index".to_owned(),
                    DependencySource::Repository(repository) => format!("{:?}", repository.kind),
                    DependencySource::Git { .. } => "git".to_owned(),
                    DependencySource::Url(_) => "url".to_owned(),
                    DependencySource::Local(_) => "local".to_owned(),
                    DependencySource::Bundle { .. } => "bundle".to_owned(),
                };
                format!("{kind} {source}")
            }
        };
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn sources_of_each_kind() {
        for (text, expected) in [
            ("aiohttp", "index aiohttp"),
            ("mip:umqtt.simple", "index umqtt.simple"),
            ("aiohttp@1.0", "index aiohttp 1.0"),
            ("aiohttp==1.0", "index aiohttp ==1.0"),
            ("aiohttp >=1, <2", "index aiohttp >=1, <2"),
            ("aiohttp@latest", "index aiohttp"),
            ("a^1.2", "index a ^1.2"),
            (
                "circuitpython:adafruit_bme280",
                "bundle circuitpython:adafruit_bme280",
            ),
            ("github:o/r", "Package github:o/r"),
            (
                "github:o/r/lib@feature/x",
                "Package github:o/r/lib@feature/x",
            ),
            ("gitlab:o/r/a.py@v1", "File gitlab:o/r/a.py@v1"),
            ("codeberg:o/r/p.json", "Description codeberg:o/r/p.json"),
            ("https://github.com/o/r", "Package github:o/r"),
            ("https://github.com/o/r.git", "Package github:o/r"),
            (
                "https://github.com/o/r/tree/main/a/b",
                "Package github:o/r/a/b@main",
            ),
            (
                "https://github.com/o/r/blob/main/a/b.py",
                "File github:o/r/a/b.py@main",
            ),
            (
                "https://github.com/o/r/raw/main/a.py?raw=true",
                "File github:o/r/a.py@main",
            ),
            (
                "https://raw.githubusercontent.com/o/r/main/a.py",
                "File github:o/r/a.py@main",
            ),
            (
                "https://raw.githubusercontent.com/o/r/refs/heads/x/a.py",
                "File github:o/r/a.py@x",
            ),
            (
                "https://gitlab.com/g/s/r/-/blob/main/a.py",
                "File gitlab:g/s/r/a.py@main",
            ),
            (
                "https://gitlab.com/o/r/-/tree/v1/lib",
                "Package gitlab:o/r/lib@v1",
            ),
            (
                "https://codeberg.org/o/r/src/branch/main/a.py",
                "File codeberg:o/r/a.py@main",
            ),
            (
                "https://codeberg.org/o/r/raw/tag/v1/a.py",
                "File codeberg:o/r/a.py@v1",
            ),
            (
                "git+https://h/o/r.git@v1#lib/x",
                "git git+https://h/o/r.git@v1#lib/x",
            ),
            ("git+ssh://git@h/o/r", "git git+ssh://git@h/o/r"),
            ("https://h/o/r.git", "git git+https://h/o/r.git"),
            ("https://h/x.py", "url https://h/x.py"),
            ("../lib/pathlib.py", "local ../lib/pathlib.py"),
            ("file:///a/b", "local /a/b"),
            ("x.py", "local x.py"),
            (".", "local ."),
            ("C:\\x", "local C:\\x"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn invalid_sources_are_refused() {
        for (text, problem) in [
            ("", NAME_PROBLEM),
            ("a b", RANGE_PROBLEM),
            ("a@", RANGE_PROBLEM),
            ("a==", RANGE_PROBLEM),
            ("é", NAME_PROBLEM),
            ("ftp://h/x.py", "packages come by http, https or git"),
            ("github:o", "expected ORGANISATION/REPOSITORY"),
            ("github:o/..", "expected ORGANISATION/REPOSITORY"),
            (
                "github:o/r/../../x",
                "a path in a repository has no `.`, `..` or empty names",
            ),
            ("github:o/r@", "after `@` comes a branch, tag or commit"),
            (
                "github:o/r@--upload-pack=x",
                "after `@` comes a branch, tag or commit",
            ),
            (
                "git+ext::sh -c x",
                "an address has only ASCII letters, digits and signs; others are written as %XX",
            ),
            (
                "git+ext::x",
                "after `git+` comes an address that begins with https, http, ssh or file",
            ),
            (
                "https://h/a b",
                "an address has only ASCII letters, digits and signs; others are written as %XX",
            ),
        ] {
            check(text, problem);
        }
    }

    #[test]
    fn a_value_may_be_a_range_and_a_package_needs_nothing_of_this_computer() {
        for (value, expected) in [
            ("*", "x"),
            ("latest", "x"),
            ("1.0.0", "x 1.0.0"),
            (">=1,<2", "x >=1,<2"),
            ("./a.py", "./a.py"),
            ("1/a.py", "1/a.py"),
        ] {
            assert_eq!(
                DependencySource::of_value("x", value).unwrap().to_string(),
                expected
            );
        }
        assert!(DependencySource::of_value("x", "^^1").is_err());
        for name in [
            "./x",
            "x/y.py",
            "/etc",
            "file:///etc",
            "git+file:///x",
            "C:\\x",
            "",
            "a b",
        ] {
            assert!(
                DependencySource::of_package(name, None).is_err(),
                "{name:?}"
            );
        }
        let hosted = DependencySource::of_package("github:o/r", Some("v1")).unwrap();
        assert_eq!(hosted.to_string(), "github:o/r@v1");
        let ranged = DependencySource::of_package("a", Some("^1")).unwrap();
        assert_eq!(ranged.to_string(), "a ^1");
    }

    #[test]
    fn names_are_inferred_from_the_last_part() {
        for (text, name) in [
            ("mip:umqtt.simple@1", "umqtt_simple"),
            ("github:o/micropython-x", "micropython_x"),
            ("github:o/r/lib/my-sensor.py@v1", "my_sensor"),
            ("https://h/p/package.json", "p"),
            ("./path/to/lib/", "lib"),
            ("git+https://h/o/r.git", "r"),
        ] {
            let source: DependencySource = text.parse().unwrap();
            assert_eq!(source.inferred_name().unwrap(), name, "{text}");
        }
        let source: DependencySource = "./1".parse().unwrap();
        assert!(source.inferred_name().is_err());
    }
}
