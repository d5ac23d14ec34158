//! Checking names of a board as names of files on this computer.

use std::collections::HashMap;

use piton_path::RelativePath;

/// Returns whether each name of the path is valid on this computer, and names a file of its own.
pub(crate) fn is_valid(path: &RelativePath) -> bool {
    !cfg!(windows) || path.names().all(is_valid_on_windows)
}

/// Returns two of the paths that are the same file on this computer: on most computers with Windows and macOS, upper
/// and lower case do not distinguish names.
pub(crate) fn twins<'p>(
    paths: impl IntoIterator<Item = &'p RelativePath>,
) -> Option<(&'p RelativePath, &'p RelativePath)> {
    match cfg!(any(windows, target_os = "macos")) {
        true => twins_in_lower_case(paths),
        false => None,
    }
}

fn twins_in_lower_case<'p>(
    paths: impl IntoIterator<Item = &'p RelativePath>,
) -> Option<(&'p RelativePath, &'p RelativePath)> {
    let mut seen = HashMap::new();
    paths.into_iter().find_map(|path| {
        let first = seen.insert(path.as_str().to_lowercase(), path)?;
        Some((first, path))
    })
}

/// Returns whether the name is valid on Windows (learn.microsoft.com, "Naming Files, Paths, and Namespaces").
fn is_valid_on_windows(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let is_device = matches!(
        stem.to_uppercase().as_bytes(),
        b"CON"
            | b"PRN"
            | b"AUX"
            | b"NUL"
            | [b'C', b'O', b'M', b'0'..=b'9']
            | [b'L', b'P', b'T', b'0'..=b'9']
    );
    let is_special = |letter: char| letter.is_control() || "\\/:*?\"<>|".contains(letter);
    !is_device && !name.contains(is_special) && !name.ends_with(['.', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_windows_refuses_or_interprets_are_invalid() {
        for name in [
            "..\\boot.py",
            "C:",
            "a:b",
            "con",
            "NUL.txt",
            "COM1.py",
            "lpt9",
            "a.",
            "a ",
            "a?",
            "a\tb",
        ] {
            assert!(!is_valid_on_windows(name), "{name:?}");
        }
        for name in [
            "main.py",
            "console.py",
            "com10",
            "com.py10",
            "lpt1x",
            ".env",
            "a b",
            "ü.txt",
        ] {
            assert!(is_valid_on_windows(name), "{name:?}");
        }
    }

    #[test]
    fn names_that_differ_only_in_case_are_found() {
        let paths = ["lib/A.py", "lib/b.py", "Lib/a.py"].map(|path| path.parse().unwrap());
        let twins = twins_in_lower_case(&paths);
        assert_eq!(twins, Some((&paths[0], &paths[2])));
        assert_eq!(twins_in_lower_case(&paths[..2]), None);
    }
}
