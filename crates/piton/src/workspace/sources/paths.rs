//! Paths within a repository or a folder, as texts.

use std::path::Path;

use piton_path::PortablePath;

/// Returns the path of a file in a folder; an empty folder is the root.
pub(super) fn below(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

/// Returns a folder as a path below another; empty for that one itself.
pub(super) fn relative_to(folder: &Path, root: &Path) -> String {
    let whole = (folder.canonicalize(), root.canonicalize());
    let inner = match &whole {
        (Ok(folder), Ok(root)) => folder.strip_prefix(root).ok(),
        _ => folder.strip_prefix(root).ok(),
    };
    inner
        .map(|inner| inner.to_string_lossy().replace('\\', "/"))
        .unwrap_or_default()
}

/// Returns `path`, read from `folder`; `None` if it leads out of the root.
pub(super) fn join(folder: &str, path: &str) -> Option<String> {
    let mut names: Vec<&str> = folder.split('/').filter(|name| !name.is_empty()).collect();
    for name in path.split('/') {
        match name {
            "" => return None,
            "." => {}
            ".." => {
                names.pop()?;
            }
            name => names.push(name),
        }
    }
    let joined = names.join("/");
    joined.parse::<PortablePath>().ok()?;
    Some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_description_stays_in_its_repository() {
        for (folder, path, expected) in [
            ("", "a.py", Some("a.py")),
            ("lib", "a.py", Some("lib/a.py")),
            ("lib/x", "../a.py", Some("lib/a.py")),
            ("lib/x", "../../a.py", Some("a.py")),
            ("lib", "./b/../a.py", Some("lib/a.py")),
            ("/lib//x/", "a.py", Some("lib/x/a.py")),
            // Out of the repository, also on the way.
            ("lib", "../../a.py", None),
            ("", "../a.py", None),
            ("", "..", None),
            ("lib", "../../lib/a.py", None),
            // An absolute path, and names that are none.
            ("lib", "/a.py", None),
            ("lib", "a//b.py", None),
            ("lib", "", None),
            ("lib", "..", None),
            ("lib", "a\\b.py", None),
            ("lib", "c:a.py", None),
            ("lib", "a\0.py", None),
        ] {
            assert_eq!(
                join(folder, path).as_deref(),
                expected,
                "{folder:?} {path:?}"
            );
        }
    }

    #[test]
    fn a_folder_is_named_from_the_root_and_the_root_has_no_name() {
        assert_eq!(below("", "a.py"), "a.py");
        assert_eq!(below("lib", "a.py"), "lib/a.py");
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("lib/x");
        std::fs::create_dir_all(&inner).unwrap();
        assert_eq!(relative_to(&inner, root.path()), "lib/x");
        assert_eq!(relative_to(&inner.join("../x"), root.path()), "lib/x");
        assert_eq!(relative_to(root.path(), root.path()), "");
        assert_eq!(relative_to(root.path(), &inner), "");
        // Neither exists.
        assert_eq!(
            relative_to(Path::new("/none/a/b"), Path::new("/none")),
            "a/b"
        );
    }
}
