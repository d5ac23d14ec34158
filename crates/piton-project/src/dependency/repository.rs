//! Addresses of files and packages in repositories on GitHub, GitLab and Codeberg.

use std::fmt;

use piton_path::PortablePath;

use super::host_of;
use crate::mip::source::{Host, SourceError, check_address, refused};

/// A file, folder or package of a repository on a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The service.
    pub host: Host,
    /// `org/repo`; on GitLab maybe with more groups before it.
    pub name: String,
    /// A branch, tag or commit; `None` for the repository's default branch.
    pub reference: Option<String>,
    /// The path in the repository; empty for all of it.
    pub path: String,
    /// What is at the path, as far as the address says.
    pub kind: PathKind,
    /// Whether the first names of the path may belong to the reference: in the address of a page, a branch `a/b` is not told
    /// from the folder `b` of the branch `a`.
    pub is_unclear: bool,
}

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// One file.
    File,
    /// A `package.json`, whatever its name.
    Description,
    /// A folder with a `package.json` or a `manifest.py`, or one to copy.
    Package,
}

impl Repository {
    /// Reads the address of a repository, or of something in one; `None` if the text is another address.
    pub(super) fn of_text(text: &str) -> Result<Option<Repository>, SourceError> {
        let Some((scheme, rest)) = text.split_once(':') else {
            return Ok(None);
        };
        if let Some(host) = host_of(scheme) {
            return Repository::of_shorthand(text, host, rest).map(Some);
        }
        let Some(rest) = rest
            .strip_prefix("//")
            .filter(|_| scheme.starts_with("http"))
        else {
            return Ok(None);
        };
        let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = path.trim_end_matches('/');
        let host = match server.strip_prefix("www.").unwrap_or(server) {
            "github.com" | "raw.githubusercontent.com" => Host::Github,
            "gitlab.com" => Host::Gitlab,
            "codeberg.org" => Host::Codeberg,
            _ => return Ok(None),
        };
        check_address(text)?;
        Repository::of_page(text, host, server, path)
    }

    fn of_shorthand(text: &str, host: Host, rest: &str) -> Result<Repository, SourceError> {
        check_address(text)?;
        let (path, reference) = match rest.split_once('@') {
            Some((path, reference)) => (path, Some(self::reference(text, reference)?)),
            None => (rest, None),
        };
        let (name, path) = name_and_path(text, path)?;
        Ok(Repository {
            host,
            name,
            reference,
            kind: kind_of(&path),
            path,
            is_unclear: false,
        })
    }

    /// Reads the path of a page of a service.
    fn of_page(
        text: &str,
        host: Host,
        server: &str,
        path: &str,
    ) -> Result<Option<Repository>, SourceError> {
        if server == "raw.githubusercontent.com" {
            let (name, rest) = name_and_path(text, path)?;
            let rest = rest.strip_prefix("refs/heads/").unwrap_or(&rest);
            let rest = rest.strip_prefix("refs/tags/").unwrap_or(rest);
            return Repository::at(text, host, name, rest, Some(PathKind::File)).map(Some);
        }
        let (name, rest) = match (host, path.split_once("/-/")) {
            (Host::Gitlab, Some((name, rest))) => (name.to_owned(), rest.to_owned()),
            (Host::Gitlab, None) => (path.to_owned(), String::new()),
            _ => name_and_path(text, path)?,
        };
        let name = name.strip_suffix(".git").unwrap_or(&name).to_owned();
        if name.split('/').count() < 2 || name.split('/').any(is_no_name) {
            return Err(refused(text, REPOSITORY));
        }
        let (word, rest) = rest.split_once('/').unwrap_or((&rest, ""));
        let rest = match (host, rest.split_once('/')) {
            (Host::Codeberg, Some(("branch" | "tag" | "commit", rest))) => rest,
            _ => rest,
        };
        let kind = match word {
            "" => {
                let name = name.clone();
                return Ok(Some(Repository {
                    host,
                    name,
                    reference: None,
                    path: String::new(),
                    kind: PathKind::Package,
                    is_unclear: false,
                }));
            }
            "blob" | "raw" => Some(PathKind::File),
            "tree" => Some(PathKind::Package),
            "src" => None,
            // A release, an archive: an address like any other.
            _ => return Ok(None),
        };
        Repository::at(text, host, name, rest, kind).map(Some)
    }

    /// Reads `reference/path`.
    fn at(
        text: &str,
        host: Host,
        name: String,
        rest: &str,
        kind: Option<PathKind>,
    ) -> Result<Repository, SourceError> {
        let (reference, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = checked_path(text, path)?;
        let kind = match kind {
            Some(PathKind::File) if !path.ends_with(".json") => PathKind::File,
            Some(PathKind::Package) => PathKind::Package,
            _ => kind_of(&path),
        };
        Ok(Repository {
            host,
            name,
            reference: Some(self::reference(text, reference)?),
            kind,
            is_unclear: path.contains('/') || (kind == PathKind::Package && !path.is_empty()),
            path,
        })
    }

    /// Returns the same without its reference, as text: what identifies it.
    pub fn without_reference(&self) -> String {
        let path = match self.path.as_str() {
            "" => String::new(),
            path => format!("/{path}"),
        };
        format!("{}{}{path}", self.host.prefix(), self.name)
    }

    /// Returns the last name of the path, or of the repository.
    pub(super) fn last_name(&self) -> &str {
        match self.path.as_str() {
            "" => &self.name,
            path => path,
        }
    }

    /// Returns the address of the repository for `git`.
    pub fn git_url(&self) -> String {
        format!("https://{}/{}.git", self.host.server(), self.name)
    }

    /// Returns the address of a file at a commit.
    pub fn file_url(&self, commit: &str, path: &str) -> String {
        match self.host {
            Host::Github => format!(
                "https://raw.githubusercontent.com/{}/{commit}/{path}",
                self.name
            ),
            Host::Gitlab => format!("https://gitlab.com/{}/-/raw/{commit}/{path}", self.name),
            Host::Codeberg => {
                format!(
                    "https://codeberg.org/{}/raw/commit/{commit}/{path}",
                    self.name
                )
            }
        }
    }

    /// Returns the address of an archive, `.tar.gz`, of all files at a commit.
    pub fn archive_url(&self, commit: &str) -> String {
        let last = self.name.rsplit('/').next().unwrap_or_default();
        match self.host {
            Host::Github => format!("https://codeload.github.com/{}/tar.gz/{commit}", self.name),
            Host::Gitlab => format!(
                "https://gitlab.com/{}/-/archive/{commit}/{last}-{commit}.tar.gz",
                self.name
            ),
            Host::Codeberg => {
                format!("https://codeberg.org/{}/archive/{commit}.tar.gz", self.name)
            }
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without_reference())?;
        match &self.reference {
            Some(reference) => write!(f, "@{reference}"),
            None => Ok(()),
        }
    }
}

const REPOSITORY: &str = "expected ORGANISATION/REPOSITORY";

fn is_no_name(name: &str) -> bool {
    name.is_empty() || name.bytes().all(|byte| byte == b'.')
}

fn name_and_path(text: &str, path: &str) -> Result<(String, String), SourceError> {
    let mut parts = path.trim_end_matches('/').splitn(3, '/');
    let mut part = || parts.next().unwrap_or_default();
    let (organisation, repository, path) = (part(), part(), part());
    if is_no_name(organisation) || is_no_name(repository) {
        return Err(refused(text, REPOSITORY));
    }
    Ok((
        format!("{organisation}/{repository}"),
        checked_path(text, path)?,
    ))
}

/// Returns a path in a repository: portable, or empty.
pub(super) fn checked_path(text: &str, path: &str) -> Result<String, SourceError> {
    let path = path.trim_end_matches('/');
    match path.is_empty() || path.parse::<PortablePath>().is_ok() {
        true => Ok(path.to_owned()),
        false => Err(refused(
            text,
            "a path in a repository has no `.`, `..` or empty names",
        )),
    }
}

/// Returns a branch, tag or commit. One that begins with `-` would be an option of git.
pub(super) fn reference(text: &str, reference: &str) -> Result<String, SourceError> {
    let is_plain = check_address(reference).is_ok()
        && !reference.starts_with(['-', '/', '.'])
        && !reference.contains("..")
        && !reference.contains(['?', '#', '%', ':', '^', '~', '*', '[', '@']);
    match is_plain && !reference.is_empty() {
        true => Ok(reference.to_owned()),
        false => Err(refused(text, "after `@` comes a branch, tag or commit")),
    }
}

fn kind_of(path: &str) -> PathKind {
    let last = path.rsplit('/').next().unwrap_or_default();
    match last.rsplit_once('.') {
        Some((stem, "json")) if !stem.is_empty() => PathKind::Description,
        Some((stem, _)) if !stem.is_empty() => PathKind::File,
        _ => PathKind::Package,
    }
}
