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
