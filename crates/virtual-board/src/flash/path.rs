//! Paths on the board.

/// A path from the root of the flash: plain names, without `.`, `..` or empty ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct FlashPath {
    names: Vec<String>,
}

impl FlashPath {
    pub(crate) fn root() -> Self {
        Self::default()
    }

    /// Returns the path that `text` means in the folder `self`. `..` at the root stays there.
    pub(crate) fn join(&self, text: &str) -> FlashPath {
        let mut names = if text.starts_with('/') {
            Vec::new()
        } else {
            self.names.clone()
        };
        for name in text.split('/') {
            match name {
                "" | "." => {}
                ".." => {
                    names.pop();
                }
                name => names.push(name.to_owned()),
            }
        }
        FlashPath { names }
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Returns the folder of the path and its last name; `None` for the root.
    pub(crate) fn split(&self) -> Option<(&[String], &str)> {
        let (name, folder) = self.names.split_last()?;
        Some((folder, name))
    }

    /// Returns the folder of the path; `None` for the root.
    pub(crate) fn parent(&self) -> Option<FlashPath> {
        let (folder, _) = self.split()?;
        Some(FlashPath {
            names: folder.to_vec(),
        })
    }

    /// Returns the path as seen from the folder `other`; `None` if it is not in it.
    pub(crate) fn below(&self, other: &FlashPath) -> Option<FlashPath> {
        let names = self.names.strip_prefix(other.names.as_slice())?;
        Some(FlashPath {
            names: names.to_vec(),
        })
    }

    /// Returns whether the path is `other` or inside of it.
    pub(crate) fn is_in(&self, other: &FlashPath) -> bool {
        self.names.starts_with(&other.names)
    }
}

impl std::fmt::Display for FlashPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "/{}", self.names.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_leave_the_root() {
        let check = |folder: &str, text: &str, expected: &str| {
            let path = FlashPath::root().join(folder).join(text);
            assert_eq!(path.to_string(), expected, "{folder} + {text}");
        };
        check("/", "a/b", "/a/b");
        check("/lib", "a", "/lib/a");
        check("/lib", "/a", "/a");
        check("/lib", "../a", "/a");
        check("/lib", "../../../a", "/a");
        check("/lib", "./..//b/./c/", "/b/c");
        check("/", "../../etc/passwd", "/etc/passwd");
        check("/", "", "/");
    }
}
