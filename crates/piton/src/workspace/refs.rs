//! Branches and tags of a repository, as git servers announce them: the first document of git's protocol over HTTP (version 0,
//! `gitprotocol-http(5)` and `gitprotocol-pack(5)`), which every service has without a program and without a limit of requests.

use std::collections::BTreeMap;

/// Maximum size of the document, in bytes.
pub(super) const LIMIT: u64 = 64 << 20;

/// The references of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refs {
    /// Commits by full names: `HEAD`, `refs/heads/main`, `refs/tags/v1`.
    commits: BTreeMap<String, String>,
}

/// A reference that was found: its commit, and how much of a path belonged to its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) commit: String,
    pub(super) name: String,
    /// The path after the name.
    pub(super) path: String,
}

/// Returns the address of the document.
pub(super) fn url(repository: &str) -> String {
    format!("{repository}/info/refs?service=git-upload-pack")
}

impl Refs {
    /// Reads the document; `None` if it is not one.
    pub(super) fn parse(document: &[u8]) -> Option<Refs> {
        let mut commits = BTreeMap::new();
        let mut rest = document;
        let mut is_first = true;
        while !rest.is_empty() {
            let (line, after) = packet(rest)?;
            rest = after;
            let Some(line) = line else {
                continue;
            };
            let line = std::str::from_utf8(line).ok()?.trim_end_matches('\n');
            if is_first {
                is_first = false;
                if line.starts_with("# service=") {
                    continue;
                }
            }
            // After the first name come the server's capabilities.
            let line = line.split('\0').next().unwrap_or_default();
            let (commit, name) = line.split_once(' ')?;
            if !is_commit(commit) {
                return None;
            }
            // The commit of an annotated tag comes after the tag itself.
            let name = name.strip_suffix("^{}").unwrap_or(name);
            commits.insert(name.to_owned(), commit.to_ascii_lowercase());
        }
        Some(Refs { commits })
    }

    /// Reads what `git ls-remote` prints.
    pub(super) fn of_list(text: &str) -> Refs {
        let mut commits = BTreeMap::new();
        for line in text.lines() {
            if let Some((commit, name)) = line.split_once('\t')
                && is_commit(commit)
            {
                let name = name.strip_suffix("^{}").unwrap_or(name);
                commits.insert(name.to_owned(), commit.to_ascii_lowercase());
            }
        }
        Refs { commits }
    }

    /// Finds a branch, tag or commit; `None` names the default branch. If `is_unclear`, the first names of `path` may belong to
    /// the reference, and the longest name that exists counts.
    pub(super) fn find(
        &self,
        reference: Option<&str>,
        path: &str,
        is_unclear: bool,
    ) -> Option<Found> {
        let found = |commit: &str, name: &str, path: &str| Found {
            commit: commit.to_owned(),
            name: name.to_owned(),
            path: path.to_owned(),
        };
        let Some(reference) = reference else {
            return Some(found(self.commits.get("HEAD")?, "HEAD", path));
        };
        let whole = match is_unclear {
            true => format!("{reference}/{path}"),
            false => reference.to_owned(),
        };
        let mut end = whole.len();
        while end >= reference.len() {
            let (name, behind) = whole.split_at_checked(end)?;
            let rest = match is_unclear {
                true => behind.trim_start_matches('/'),
                false => path,
            };
            for kind in ["refs/heads/", "refs/tags/", ""] {
                if let Some(commit) = self.commits.get(&format!("{kind}{name}")) {
                    return Some(found(commit, name, rest));
                }
            }
            end = match name.rfind('/') {
                Some(end) => end,
                None => break,
            };
        }
        if is_commit(reference) {
            return Some(found(&reference.to_ascii_lowercase(), reference, path));
        }
        // The first digits of a commit, where a branch or tag is there.
        let is_short =
            reference.len() >= 7 && reference.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut matching = self
            .commits
            .values()
            .filter(|commit| is_short && commit.starts_with(&reference.to_ascii_lowercase()));
        let commit = matching.next()?;
        matching
            .all(|other| other == commit)
            .then(|| found(commit, reference, path))
    }

    /// Returns the names of all tags.
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        let names = self.commits.keys();
        names.filter_map(|name| name.strip_prefix("refs/tags/"))
    }

    /// Returns the names of branches and tags, for a message.
    pub(super) fn names(&self) -> Vec<String> {
        let names = self.commits.keys().filter_map(|name| {
            let branch = name.strip_prefix("refs/heads/");
            branch.or_else(|| name.strip_prefix("refs/tags/"))
        });
        names.map(ToOwned::to_owned).collect()
    }
}

/// Returns whether the text is the name of a commit: 40 digits, or 64 in a repository with SHA-256.
pub(super) fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Returns the content of the first packet, `None` for an empty one, and the rest.
fn packet(bytes: &[u8]) -> Option<(Option<&[u8]>, &[u8])> {
    let (length, rest) = bytes.split_at_checked(4)?;
    let length = std::str::from_utf8(length).ok()?;
    let length = usize::from_str_radix(length, 16).ok()?;
    match length {
        0 => Some((None, rest)),
        length => {
            let (line, rest) = rest.split_at_checked(length.checked_sub(4)?)?;
            Some((Some(line), rest))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const TWO: &str = "2222222222222222222222222222222222222222";

    fn document(lines: &[&str]) -> Vec<u8> {
        let mut text = "001e# service=git-upload-pack\n0000".to_owned();
        for line in lines {
            text.push_str(&format!("{:04x}{line}\n", line.len() + 5));
        }
        text.push_str("0000");
        text.into_bytes()
    }

    #[test]
    fn the_longest_name_that_exists_is_the_reference() {
        let refs = Refs::parse(&document(&[
            &format!("{ONE} HEAD\0multi_ack symref=HEAD:refs/heads/main"),
            &format!("{ONE} refs/heads/main"),
            &format!("{TWO} refs/heads/feature/x"),
            &format!("{ONE} refs/tags/v1"),
            &format!("{TWO} refs/tags/v1^{{}}"),
        ]))
        .unwrap();
        for (reference, path, is_unclear, expected) in [
            (None, "a.py", false, Some((ONE, "a.py"))),
            (Some("main"), "a.py", false, Some((ONE, "a.py"))),
            (Some("v1"), "a.py", false, Some((TWO, "a.py"))),
            (Some("feature"), "x/lib/a.py", true, Some((TWO, "lib/a.py"))),
            (Some("feature"), "x/lib/a.py", false, None),
            (Some("feature/x"), "a.py", false, Some((TWO, "a.py"))),
            (Some("main"), "x/a.py", true, Some((ONE, "x/a.py"))),
            (Some(TWO), "a", false, Some((TWO, "a"))),
            (Some("2222222"), "a", false, Some((TWO, "a"))),
            (Some("22"), "a", false, None),
            (Some("none"), "a", true, None),
        ] {
            let found = refs.find(reference, path, is_unclear);
            let found = found.map(|found| (found.commit, found.path));
            let expected = expected.map(|(commit, path)| (commit.to_owned(), path.to_owned()));
            assert_eq!(found, expected, "{reference:?} {path}");
        }
        assert_eq!(refs.tags().collect::<Vec<_>>(), ["v1"]);
        assert_eq!(refs.names(), ["feature/x", "main", "v1"]);
    }

    #[test]
    fn other_documents_are_refused() {
        for text in ["<html>", "00", "zzzz", "0003", "ffff", "0009 x y", "000bé"] {
            assert_eq!(Refs::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Refs::parse(b""), Some(Refs::default()));
        let list = format!("{ONE}\tHEAD\n{TWO}\trefs/tags/v1^{{}}\nwarning: x\n");
        assert_eq!(
            Refs::of_list(&list)
                .find(Some("v1"), "", false)
                .unwrap()
                .commit,
            TWO
        );
    }
}
