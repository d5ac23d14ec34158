//! Belay's rules for a folder of the board that becomes equal to one of this computer: those of `Device.sync` and `belay sync`.
//!
//! Facts: belay 0.30.1, `device_sync_support.py`.

use std::path::Path;

use piton_fs::remote::RemoteFs;
use piton_path::{BoardPath, RelativePath};

use super::{Error, HostTree, Options, Push, make, push_tree};
use crate::patterns::Patterns;

/// What stays in the root folder of the board unless a caller says otherwise.
const KEPT_IN_ROOT: [&str; 3] = ["boot.py", "webrepl_cfg.py", "lib"];

/// The patterns of what is not sent unless a caller says otherwise.
const UNSENT: [&str; 4] = ["*.pyc", "__pycache__", ".DS_Store", ".pytest_cache"];

/// What stays on the board although the folder of this computer does not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep<'a> {
    /// In the root folder boot.py, webrepl_cfg.py and lib; in others nothing.
    Usual,
    /// Everything.
    Everything,
    /// These paths: relative to the folder of the board, or paths of the board.
    Paths(&'a [String]),
}

/// Returns the options of a sync to the folder `root` of the board by Belay's rules. `unsent` has the patterns of what is not sent,
/// and is removed from the board; `None` for Belay's own. Interrupted changes of packages are settled before.
///
/// ```
/// use piton::sync::{Keep, belay_options};
///
/// let options = belay_options(&"/app".parse()?, Keep::Paths(&["/app/data".to_owned()]), None);
/// assert!(options.delete && options.keep.covers("data", true));
/// assert!(options.unsent.covers("old.pyc", false));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn belay_options(root: &BoardPath, keep: Keep<'_>, unsent: Option<&[String]>) -> Options {
    let mut options = Options {
        settle: true,
        delete: keep != Keep::Everything,
        ..Options::default()
    };
    match keep {
        Keep::Usual if root.as_str() == "/" => {
            for path in KEPT_IN_ROOT {
                options.keep.add(&format!("/{path}"));
            }
        }
        Keep::Usual | Keep::Everything => {}
        Keep::Paths(paths) => {
            for path in paths {
                // A path of the board that is elsewhere is not touched in any case.
                if let Some(below) = below(root.as_str(), path) {
                    options.keep.add(&format!("/{}", literal(below)));
                }
            }
        }
    }
    match unsent {
        Some(lines) => {
            options.unsent = patterns(lines);
            // Patterns of the caller replace those that hold by default.
            options.ignore = patterns(UNSENT.map(|pattern| format!("!{pattern}")));
        }
        None => options.unsent = patterns(UNSENT),
    }
    options
}

/// As [`super::push`], for one file, which gets `name` in the folder `root` of the board. Nothing else is changed there if the options have
/// no [`Options::delete`].
///
/// # Errors
///
/// As for [`super::push`].
pub fn push_file(
    remote: &mut RemoteFs<'_, '_>,
    file: &Path,
    name: &RelativePath,
    root: &BoardPath,
    options: &Options,
) -> Result<Push, Error> {
    let mut host = HostTree::of_file(file, name)?;
    let superseded = make::make(&mut host, &options.make)?;
    push_tree(remote, host, &superseded, root, options)
}

/// Returns a path of the board, or one relative to `folder`, as a path relative to `folder`; `None` if it is not below that folder.
fn below<'p>(folder: &str, path: &'p str) -> Option<&'p str> {
    if !path.starts_with('/') {
        return Some(path);
    }
    path.strip_prefix(folder.trim_end_matches('/'))?
        .strip_prefix('/')
}

/// Returns the pattern that fits only this path: a file `data[1].txt` is not one of `data1.txt`.
fn literal(path: &str) -> String {
    let mut pattern = String::new();
    for letter in path.chars() {
        if matches!(letter, '\\' | '*' | '?' | '[' | ' ') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

fn patterns(lines: impl IntoIterator<Item = impl AsRef<str>>) -> Patterns {
    let mut patterns = Patterns::new();
    for line in lines {
        patterns.add(line.as_ref());
    }
    patterns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(root: &str, keep: Keep<'_>, path: &str) -> bool {
        let options = belay_options(&root.parse().unwrap(), keep, None);
        !options.delete || options.keep.covers(path, false)
    }

    #[test]
    fn what_stays_depends_on_the_folder() {
        assert!(kept("/", Keep::Usual, "boot.py"));
        assert!(kept("/", Keep::Usual, "lib/x.py"));
        assert!(!kept("/", Keep::Usual, "main.py"));
        assert!(!kept("/lib", Keep::Usual, "boot.py"));
        assert!(kept("/lib", Keep::Everything, "x.py"));
        let paths = |path: &str| [path.to_owned()];
        assert!(kept("/app", Keep::Paths(&paths("data.txt")), "data.txt"));
        assert!(kept(
            "/app",
            Keep::Paths(&paths("/app/data.txt")),
            "data.txt"
        ));
        assert!(!kept("/app", Keep::Paths(&paths("/data.txt")), "data.txt"));
        assert!(!kept("/", Keep::Paths(&[]), "boot.py"));
        // A name is that of the folder's own file, not of one below.
        assert!(!kept("/", Keep::Usual, "app/boot.py"));
    }

    #[test]
    fn a_path_to_keep_is_not_a_pattern() {
        for name in ["data[1].txt", "a*b", "what?", "a\\b", "end ", "#1", "!1"] {
            let paths = [name.to_owned()];
            assert!(kept("/", Keep::Paths(&paths), name), "{name}");
        }
        let paths = ["data[1].txt".to_owned(), "a*b".to_owned()];
        assert!(!kept("/", Keep::Paths(&paths), "data1.txt"));
        assert!(!kept("/", Keep::Paths(&paths), "axb"));
        // A folder is kept with its content.
        assert!(kept("/", Keep::Paths(&["lib/".to_owned()]), "lib/x.py"));
    }

    #[test]
    fn patterns_of_a_caller_replace_the_usual_ones() {
        let root = "/".parse().unwrap();
        let options = belay_options(&root, Keep::Usual, Some(&["*.txt".to_owned()]));
        assert!(options.unsent.covers("a.txt", false));
        assert!(!options.unsent.covers("a.pyc", false));
        let options = belay_options(&root, Keep::Usual, None);
        assert!(options.unsent.covers("a.pyc", false));
    }
}
