//! The names that no command ships or copies by default: `build`, `sync`, `cp -r` and every other command that walks a folder.
//!
//! ```
//! use piton::left_out::{self, Reason};
//!
//! assert_eq!(left_out::reason("app/__pycache__", true), Some(Reason::Tools));
//! assert_eq!(left_out::reason("certs/client.key", false), Some(Reason::Private));
//! assert_eq!(left_out::reason("settings.toml", false), None, "CircuitPython reads it");
//!
//! // A pattern after them takes a name back.
//! let mut patterns = left_out::patterns();
//! patterns.add("!client.key");
//! assert!(!patterns.covers("certs/client.key", false));
//! assert!(patterns.covers("app/.git/config", false));
//! ```

use std::sync::LazyLock;

use piton_path::is_reserved;

use crate::patterns::Patterns;

/// What version control, editors, Python, package managers and operating systems leave in folders, and what a
/// CircuitPython board writes for itself. Lines of a `.gitignore` file.
///
/// `.git` is a file where the folder is a submodule or a worktree.
pub const TOOLS: &str = "\
.git
.gitignore
.gitattributes
.gitmodules
.github/
.hg/
.svn/
.idea/
.vscode/
.venv/
.tox/
.nox/
.mypy_cache/
.pytest_cache/
.ruff_cache/
__pycache__/
node_modules/
*.pyc
*.swp
*~
.DS_Store
._*
Thumbs.db
desktop.ini
.Spotlight-V100/
.Trashes/
.Trash-*/
.fseventsd/
.metadata_never_index
System Volume Information/
/boot_out.txt
";

/// What usually holds passwords or secret keys. Lines of a `.gitignore` file.
///
/// `settings.toml` and `secrets.py` are not here: programs read them on the board.
pub const PRIVATE: &str = "\
.env
.env.*
*.key
*.pem
*.p12
*.pfx
id_rsa
id_dsa
id_ecdsa
id_ed25519
.ssh/
.gnupg/
.aws/
.netrc
.pypirc
";

/// What Piton itself leaves in folders, [reserved](is_reserved) names among them. Lines of a `.gitignore` file.
pub const OWN: &str = "\
.piton*
*.piton-*
";

/// Why a name is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is in [`TOOLS`].
    Tools,
    /// It is in [`PRIVATE`]: callers report it, since the program on the board may want it.
    Private,
    /// It is in [`OWN`].
    Own,
}

/// Returns all names that are left out, as patterns. Patterns added after them leave out more, or take names back.
pub fn patterns() -> Patterns {
    let mut patterns = Patterns::new();
    for lines in [TOOLS, PRIVATE, OWN] {
        patterns.add_lines(lines);
    }
    patterns
}

/// Returns why this path is left out by default, itself or with a folder that it is in.
///
/// `path` is made of names and `/`, from the folder that is shipped or copied.
pub fn reason(path: &str, is_folder: bool) -> Option<Reason> {
    static LISTS: LazyLock<[(Patterns, Reason); 3]> = LazyLock::new(|| {
        let lists = [
            (TOOLS, Reason::Tools),
            (PRIVATE, Reason::Private),
            (OWN, Reason::Own),
        ];
        lists.map(|(lines, reason)| {
            let mut patterns = Patterns::new();
            patterns.add_lines(lines);
            (patterns, reason)
        })
    });
    let mut lists = LISTS.iter();
    let fitting = lists.find(|(patterns, _)| patterns.covers(path, is_folder));
    let reserved = || path.split('/').any(is_reserved).then_some(Reason::Own);
    fitting.map(|(_, reason)| *reason).or_else(reserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_has_its_reason() {
        for (path, reason_expected) in [
            (".git", Some(Reason::Tools)),
            ("lib/.git/config", Some(Reason::Tools)),
            ("boot_out.txt", Some(Reason::Tools)),
            ("logs/boot_out.txt", None),
            (".env", Some(Reason::Private)),
            ("app/.env.local", Some(Reason::Private)),
            ("minisign.key", Some(Reason::Private)),
            ("certs/server.pem", Some(Reason::Private)),
            (".piton-part-build", Some(Reason::Own)),
            (".pitonignore", Some(Reason::Own)),
            ("lib/.piton-mip.json", Some(Reason::Own)),
            ("lib/a.py.piton-next", Some(Reason::Own)),
            ("settings.toml", None),
            ("secrets.py", None),
            ("environment.py", None),
            ("keyboard/key.py", None),
        ] {
            assert_eq!(reason(path, false), reason_expected, "{path}");
            assert_eq!(
                patterns().covers(path, false),
                reason_expected.is_some(),
                "{path}"
            );
        }
        assert_eq!(reason("node_modules", true), Some(Reason::Tools));
        assert_eq!(reason("node_modules", false), None, "a file of that name");
    }
}
