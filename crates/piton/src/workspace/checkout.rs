//! Whole repositories: as archives where the service has them, else by the program `git`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use flate2::read::GzDecoder;
use piton_path::{PortablePath, Sha256Hex};
use piton_project::dependency::Repository;
use tempfile::TempDir;

use super::fetcher::{Events, Fetcher, Request};
use super::refs::{self, Refs};
use super::{PackageError, PackageEvent};

/// Maximum size of an archive, in bytes.
const ARCHIVE_LIMIT: u64 = 256 << 20;

/// Maximum size of everything that an archive unpacks to, in bytes.
const UNPACKED_LIMIT: u64 = 1 << 30;

/// Maximum number of entries of an archive.
const ENTRIES: usize = 100_000;

/// The files of a repository at a commit.
#[derive(Clone, Debug)]
pub(super) struct Checkout {
    pub(super) folder: PathBuf,
    pub(super) commit: String,
    /// The folder's existence, where it is not in the cache.
    pub(super) kept: Option<Arc<TempDir>>,
}

/// The repositories that were asked for.
pub(super) struct Checkouts<'f> {
    fetcher: &'f Fetcher,
    refs: BTreeMap<String, Refs>,
    folders: BTreeMap<String, Checkout>,
}

impl<'f> Checkouts<'f> {
    pub(super) fn new(fetcher: &'f Fetcher) -> Checkouts<'f> {
        Checkouts {
            fetcher,
            refs: BTreeMap::new(),
            folders: BTreeMap::new(),
        }
    }

    /// Returns the folders. They are removed with the last of them.
    pub(super) fn into_folders(self) -> Vec<Checkout> {
        self.folders.into_values().collect()
    }

    /// Returns the commit that a source names, and its path, of which the first names may have belonged to the branch.
    pub(super) fn resolve(
        &mut self,
        repository: &Repository,
        events: &mut Events<'_>,
    ) -> Result<(String, String), PackageError> {
        let reference = repository.reference.as_deref();
        if let Some(commit) = reference.filter(|reference| refs::is_commit(reference)) {
            return Ok((commit.to_ascii_lowercase(), repository.path.clone()));
        }
        let url = repository.git_url();
        if !self.refs.contains_key(&url) {
            let address = refs::url(&url);
            let document = self
                .fetcher
                .get(Request::new(&address, refs::LIMIT, false), events)?;
            let document = document.ok_or_else(|| PackageError::NoPackage {
                location: repository.to_string(),
            })?;
            let refs = Refs::parse(&document).ok_or_else(|| PackageError::Description {
                location: address,
                reason: "it is not a git server's list of branches and tags".to_owned(),
            })?;
            self.refs.insert(url.clone(), refs);
        }
        let refs = self.refs.get(&url);
        let found =
            refs.and_then(|refs| refs.find(reference, &repository.path, repository.is_unclear));
        match found {
            Some(found) => Ok((found.commit, found.path)),
            None => Err(PackageError::NoReference {
                repository: repository.without_reference(),
                reference: reference.unwrap_or("HEAD").to_owned(),
                names: refs.map(Refs::names).unwrap_or_default(),
            }),
        }
    }

    /// Returns all files of a repository on a service.
    pub(super) fn of_service(
        &mut self,
        repository: &Repository,
        commit: &str,
        events: &mut Events<'_>,
    ) -> Result<Checkout, PackageError> {
        let url = repository.archive_url(commit);
        if let Some(known) = self.folders.get(&url) {
            return Ok(known.clone());
        }
        if events(PackageEvent::Reading { package: &url }).is_break() {
            return Err(crate::http::HttpError::Cancelled.into());
        }
        let document = self
            .fetcher
            .get(Request::new(&url, ARCHIVE_LIMIT, true), events)?;
        let document = document.ok_or_else(|| PackageError::NoPackage {
            location: url.clone(),
        })?;
        let folder = TempDir::new().map_err(failed(Path::new("")))?;
        unpack(GzDecoder::new(&*document), folder.path(), 1).map_err(|error| {
            PackageError::Description {
                location: url.clone(),
                reason: error.to_string(),
            }
        })?;
        let checkout = Checkout {
            folder: folder.path().to_owned(),
            commit: commit.to_owned(),
            kept: Some(Arc::new(folder)),
        };
        self.folders.insert(url, checkout.clone());
        Ok(checkout)
    }

    /// Returns all files of any git repository. An address of this computer is read from the project's folder.
    pub(super) fn of_git(
        &mut self,
        url: &str,
        reference: Option<&str>,
        root: &Path,
        events: &mut Events<'_>,
    ) -> Result<Checkout, PackageError> {
        let key = format!("{url}@{}", reference.unwrap_or("HEAD"));
        if let Some(known) = self.folders.get(&key) {
            return Ok(known.clone());
        }
        if events(PackageEvent::Reading { package: &key }).is_break() {
            return Err(crate::http::HttpError::Cancelled.into());
        }
        let git = Git::of(self.fetcher, url, root)?;
        let commit = git.commit(url, reference, self.fetcher.settings().offline)?;
        let folder = TempDir::new().map_err(failed(Path::new("")))?;
        let archive = git.run(&["archive", "--format=tar", &commit])?;
        unpack(&*archive, folder.path(), 0).map_err(|error| PackageError::Git {
            url: url.to_owned(),
            reason: error.to_string(),
        })?;
        let checkout = Checkout {
            folder: folder.path().to_owned(),
            commit,
            kept: Some(Arc::new(folder)),
        };
        self.folders.insert(key, checkout.clone());
        Ok(checkout)
    }
}

/// A bare repository in the cache, or in a temporary folder.
struct Git {
    url: String,
    folder: PathBuf,
    address: String,
    _kept: Option<TempDir>,
}

impl Git {
    fn of(fetcher: &Fetcher, url: &str, root: &Path) -> Result<Git, PackageError> {
        let name = format!(
            "git-{}",
            Sha256Hex::of(url.as_bytes())
                .as_str()
                .get(..16)
                .unwrap_or_default()
        );
        let (folder, kept) = match &fetcher.settings().cache {
            Some(cache) => (cache.join(readable_name(url, &name)), None),
            None => {
                let folder = TempDir::new().map_err(failed(Path::new("")))?;
                (folder.path().join("repository"), Some(folder))
            }
        };
        let mirrored = fetcher.mirrored(url);
        let address = match mirrored
            .strip_prefix("file://")
            .filter(|path| !path.starts_with('/'))
        {
            Some(path) => format!("file://{}", root.join(path).display()),
            None => mirrored,
        };
        let git = Git {
            url: url.to_owned(),
            folder,
            address,
            _kept: kept,
        };
        if !git.folder.join("HEAD").is_file() {
            fs::create_dir_all(&git.folder).map_err(failed(&git.folder))?;
            git.run(&["init", "--quiet", "--bare"])?;
        }
        Ok(git)
    }

    /// Returns the commit that is asked for, after it was fetched.
    fn commit(
        &self,
        url: &str,
        reference: Option<&str>,
        offline: bool,
    ) -> Result<String, PackageError> {
        let has = |commit: &str| {
            let object = format!("{commit}^{{commit}}");
            self.run(&["cat-file", "-e", &object]).is_ok()
        };
        if let Some(commit) = reference.filter(|reference| refs::is_commit(reference)) {
            let commit = commit.to_ascii_lowercase();
            if !has(&commit) {
                self.online(url, offline)?;
                // Not every server gives a commit by its name: then all branches and tags are fetched.
                if self.fetch(&[&commit], true).is_err() {
                    self.fetch(&["+refs/*:refs/piton/*"], false)?;
                }
            }
            return match has(&commit) {
                true => Ok(commit),
                false => Err(self.no_reference(&commit, &Refs::default())),
            };
        }
        self.online(url, offline)?;
        let list = self.run(&["ls-remote", "--quiet", "--", &self.address])?;
        let refs = Refs::of_list(&String::from_utf8_lossy(&list));
        let found = refs.find(reference, "", false);
        let found = found.ok_or_else(|| self.no_reference(reference.unwrap_or("HEAD"), &refs))?;
        if !has(&found.commit) && self.fetch(&[&found.name], true).is_err() {
            // A server of plain files gives no part of a history.
            self.fetch(&[&found.name], false)?;
        }
        match has(&found.commit) {
            true => Ok(found.commit),
            false => Err(self.no_reference(&found.commit, &refs)),
        }
    }

    fn online(&self, url: &str, offline: bool) -> Result<(), PackageError> {
        match offline {
            true => Err(PackageError::Offline {
                url: url.to_owned(),
            }),
            false => Ok(()),
        }
    }

    fn no_reference(&self, reference: &str, refs: &Refs) -> PackageError {
        PackageError::NoReference {
            repository: self.url.clone(),
            reference: reference.to_owned(),
            names: refs.names(),
        }
    }

    fn fetch(&self, what: &[&str], shallow: bool) -> Result<(), PackageError> {
        let mut words = vec!["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"];
        if shallow {
            words.push("--depth=1");
        }
        words.extend(["--", &self.address]);
        words.extend(what);
        self.run(&words).map(drop)
    }

    /// Runs git in the repository. Returns what it prints.
    fn run(&self, words: &[&str]) -> Result<Vec<u8>, PackageError> {
        let failed = |reason: String| PackageError::Git {
            url: self.url.clone(),
            reason,
        };
        let output = Command::new("git")
            .arg("--git-dir")
            .arg(&self.folder)
            // Nothing of the user's may run, and nothing is asked.
            .args([
                "-c",
                "core.hooksPath=/dev/null",
                "-c",
                "protocol.ext.allow=never",
            ])
            .args(words)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", "https:http:ssh:file")
            .env("LC_ALL", "C")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => failed("the program `git` is not installed".to_owned()),
                _ => failed(error.to_string()),
            })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let line = said.lines().find(|line| !line.trim().is_empty());
        let line = line.map_or_else(|| output.status.to_string(), |line| line.trim().to_owned());
        Err(failed(line))
    }
}

/// Returns a name for the folder of a repository in the cache, as people know it: `git-github.com-org-repo-HASH`.
fn readable_name(url: &str, name: &str) -> String {
    let path = url.split_once("://").map_or(url, |(_, path)| path);
    let path = path.rsplit_once('@').map_or(path, |(_, path)| path);
    let path = path.trim_end_matches(".git");
    let letters = path.chars().map(|letter| match letter {
        letter if letter.is_ascii_alphanumeric() || letter == '.' => letter,
        _ => '-',
    });
    let short: String = letters.take(80).collect();
    let (kind, hash) = name.split_once('-').unwrap_or(("git", name));
    format!("{kind}-{}-{hash}", short.trim_matches(['-', '.']))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> PackageError {
    let path = path.to_owned();
    |source| PackageError::Write { path, source }
}

/// Unpacks the files of a tar archive into a folder, without the first `strip` names of their paths. Links, devices and files
/// with names that are not portable are left out: a repository may have them, and no package needs them.
fn unpack(tar: impl Read, folder: &Path, strip: usize) -> io::Result<()> {
    let mut archive = tar::Archive::new(tar.take(UNPACKED_LIMIT));
    let mut left = UNPACKED_LIMIT;
    for (count, entry) in archive.entries()?.enumerate() {
        let mut entry = entry?;
        let too_large =
            || io::Error::other("it unpacks to more than any repository of packages has");
        if count >= ENTRIES {
            return Err(too_large());
        }
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let Ok(name) = String::from_utf8(entry.path_bytes().into_owned()) else {
            continue;
        };
        let name = name.splitn(strip + 1, '/').nth(strip).unwrap_or_default();
        let Ok(path) = name.parse::<PortablePath>() else {
            continue;
        };
        left = left.checked_sub(entry.size()).ok_or_else(too_large)?;
        let path = folder.join(path.to_path());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = fs::File::create(&path)?;
        let size = entry.size();
        if io::copy(&mut entry, &mut file)? != size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_repositories_in_the_cache_are_readable() {
        for (url, expected) in [
            ("https://github.com/o/r.git", "git-github.com-o-r-01"),
            ("ssh://git@h:22/o/r", "git-h-22-o-r-01"),
            ("file:///../x", "git-x-01"),
        ] {
            assert_eq!(readable_name(url, "git-01"), expected, "{url}");
        }
    }

    #[test]
    fn an_archive_is_unpacked_below_its_folder_and_nowhere_else() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut add = |name: &str, kind: tar::EntryType, content: &[u8]| {
            let mut header = tar::Header::new_ustar();
            let field = &mut header.as_old_mut().name;
            field[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(kind);
            header.set_size(content.len() as u64);
            header.set_link_name("/etc/passwd").unwrap();
            header.set_cksum();
            builder.append(&header, content).unwrap();
        };
        add("r-1/a.py", tar::EntryType::Regular, b"a");
        add("r-1/x/../../../b.py", tar::EntryType::Regular, b"b");
        add("r-1/link", tar::EntryType::Symlink, b"");
        add("r-1/link/c.py", tar::EntryType::Regular, b"c");
        add("top.py", tar::EntryType::Regular, b"d");
        let bytes = builder.into_inner().unwrap();
        let parent = TempDir::new().unwrap();
        let folder = parent.path().join("in");
        fs::create_dir(&folder).unwrap();
        unpack(&*bytes, &folder, 1).unwrap();
        assert_eq!(fs::read(folder.join("a.py")).unwrap(), b"a");
        assert_eq!(fs::read(folder.join("link/c.py")).unwrap(), b"c");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
        assert!(unpack(&bytes[..700], &folder, 1).is_err());
    }
}
