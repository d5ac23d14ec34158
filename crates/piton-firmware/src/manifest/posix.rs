//! Names of files, as Python's `posixpath` handles them: as texts, without looking at the disk.

/// Returns whether a path begins at the root.
pub(crate) fn is_absolute(path: &str) -> bool {
    path.starts_with('/')
        || (cfg!(windows)
            && path
                .get(1..3)
                .is_some_and(|rest| rest == ":/" || rest == ":\\"))
}

/// `os.path.join`
pub(crate) fn join(base: &str, path: &str) -> String {
    if is_absolute(path) {
        return path.to_owned();
    }
    if base.is_empty() || base.ends_with('/') {
        return format!("{base}{path}");
    }
    format!("{base}/{path}")
}

/// `os.path.normpath`
pub(crate) fn normalise(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    // Two slashes at the beginning stay, three or more are one.
    let roots = match path.len() - path.trim_start_matches('/').len() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if !roots.is_empty() => {}
            part => parts.push(part),
        }
    }
    let joined = format!("{roots}{}", parts.join("/"));
    if joined.is_empty() {
        ".".to_owned()
    } else {
        joined
    }
}

/// `os.path.abspath`
pub(crate) fn absolute(path: &str, folder: &str) -> String {
    normalise(&join(folder, path))
}

/// `os.path.relpath` of two paths in the same folder.
pub(crate) fn relative(path: &str, start: &str, folder: &str) -> String {
    let path = absolute(path, folder);
    let start = absolute(start, folder);
    let split = |text: &str| {
        text.split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (path, start) = (split(&path), split(&start));
    let shared = path
        .iter()
        .zip(&start)
        .take_while(|(one, two)| one == two)
        .count();
    let mut parts = vec!["..".to_owned(); start.len() - shared];
    parts.extend(path.into_iter().skip(shared));
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

/// `os.path.split`
pub(crate) fn split(path: &str) -> (&str, &str) {
    let at = path.rfind('/').map_or(0, |at| at + 1);
    let (head, tail) = path.split_at_checked(at).unwrap_or(("", path));
    let cut = head.trim_end_matches('/');
    (if cut.is_empty() { head } else { cut }, tail)
}

/// `os.path.splitext`
pub(crate) fn split_extension(path: &str) -> (&str, &str) {
    let name = path.rfind('/').map_or(0, |at| at + 1);
    let tail = path.get(name..).unwrap_or_default();
    let dots = tail.len() - tail.trim_start_matches('.').len();
    match tail.rfind('.') {
        Some(dot) if dot >= dots => path.split_at_checked(name + dot).unwrap_or((path, "")),
        _ => (path, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_handled_as_python_handles_them() {
        let cases = [
            (normalise("a//b/../c/."), "a/c"),
            (normalise("//a"), "//a"),
            (normalise("///a/../.."), "/"),
            (normalise("../x/.."), ".."),
            (join("/a/", "b"), "/a/b"),
            (join("/a", "/b"), "/b"),
            (join("", "b"), "b"),
            (relative("/a/b/c", "/a/d", "/"), "../b/c"),
            (relative("x", ".", "/w"), "x"),
            (absolute("$(X)/y", "/w"), "/w/$(X)/y"),
            (split_extension("/a.b/c").1.to_owned(), ""),
            (split_extension(".py").1.to_owned(), ""),
            (split_extension("..x.PY").1.to_owned(), ".PY"),
            (split("/a").0.to_owned(), "/"),
            (split("a/b/").1.to_owned(), ""),
        ];
        for (result, expected) in cases {
            assert_eq!(result, expected);
        }
    }
}
