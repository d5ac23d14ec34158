//! Patterns for paths, with the rules of `.gitignore` files.
//!
//! ```
//! use piton::patterns::Patterns;
//!
//! let mut patterns = Patterns::new();
//! patterns.add_lines("*.log\n!keep.log\n/build/\n");
//! assert!(patterns.covers("lib/debug.log", false));
//! assert!(!patterns.covers("lib/keep.log", false));
//! assert!(patterns.covers("build/out.mpy", false));
//! assert!(!patterns.covers("lib/build/out.mpy", false));
//! ```
//!
//! The rules, as gitignore(5) has them: a pattern without a slash, or with one at its end only, fits a name in any
//! folder; any other is a path from the folder that the patterns belong to. `*` and `?` stay within a name, `[a-z]`
//! and `[!a-z]` are one character, `**` between slashes is any number of folders, `\` takes the meaning from the next
//! character. A slash at the end fits folders only. `!` takes a path back that an earlier pattern covers, but not
//! one whose folder is covered; of several patterns the last one counts. `#` begins a comment line.

mod glob;

/// A list of patterns. The last one that matches a path decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patterns {
    patterns: Vec<Pattern>,
}

/// One pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    /// The names of the folder that it belongs to.
    base: Vec<String>,
    /// The pattern of each name; `None` for `**`.
    parts: Vec<Option<String>>,
    /// Whether it begins with `!`, which excludes paths that earlier patterns cover.
    takes_back: bool,
    /// Whether it ends with a slash.
    folders_only: bool,
}

impl Patterns {
    /// Returns an empty list, which covers no path.
    pub fn new() -> Patterns {
        Patterns::default()
    }

    /// Returns whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Adds one pattern. Blank lines and comments add nothing.
    pub fn add(&mut self, line: &str) {
        self.add_below("", line);
    }

    /// Adds the lines of a file such as `.gitignore`.
    pub fn add_lines(&mut self, text: &str) {
        self.add_lines_below("", text);
    }

    /// Adds the lines of a file in the folder `base`. They apply to paths below that folder.
    pub fn add_lines_below(&mut self, base: &str, text: &str) {
        // Editors on Windows begin a file with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for line in text.lines() {
            self.add_below(base, line);
        }
    }

    /// Adds all patterns of `other` at the end.
    pub fn append(&mut self, other: &Patterns) {
        self.patterns.extend_from_slice(&other.patterns);
    }

    fn add_below(&mut self, base: &str, line: &str) {
        self.patterns.extend(Pattern::parse(base, line));
    }

    /// Returns whether the patterns cover a path: they match it or one of its parent folders.
    ///
    /// `path` is made of names and `/`, from the folder that the patterns belong to.
    pub fn covers(&self, path: &str, is_folder: bool) -> bool {
        let names = names(path);
        (1..=names.len()).any(|count| {
            let is_folder = is_folder || count < names.len();
            self.fits(names.get(..count).unwrap_or_default(), is_folder)
        })
    }

    /// Returns whether the patterns match this path itself, without its parent folders. This is enough for
    /// a walk that does not enter covered folders.
    pub fn cover_entry(&self, path: &str, is_folder: bool) -> bool {
        self.fits(&names(path), is_folder)
    }

    /// Returns whether a pattern has this file's exact name, and no later one excludes it: `certs/client.key`
    /// and `client.key` do, `*.key` and `certs/` do not.
    pub fn names_file(&self, path: &str) -> bool {
        let names = names(path);
        let patterns = self.patterns.iter().rev();
        let deciding = patterns
            .filter(|pattern| pattern.takes_back || pattern.is_literal())
            .find(|pattern| pattern.fits(&names, false));
        deciding.is_some_and(|pattern| !pattern.takes_back)
    }

    fn fits(&self, names: &[&str], is_folder: bool) -> bool {
        let deciding = self
            .patterns
            .iter()
            .rev()
            .find(|pattern| pattern.fits(names, is_folder));
        deciding.is_some_and(|pattern| !pattern.takes_back)
    }
}

impl Pattern {
    fn parse(base: &str, line: &str) -> Option<Pattern> {
        let line = without_end_spaces(line);
        if line.starts_with('#') {
            return None;
        }
        let (takes_back, line) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let (folders_only, path) = match line.strip_suffix('/') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        if path.is_empty() {
            return None;
        }
        let mut parts = path
            .strip_prefix('/')
            .unwrap_or(path)
            .split('/')
            .map(|part| (!is_stars(part)).then(|| part.to_owned()))
            .collect::<Vec<Option<String>>>();
        if !path.contains('/') {
            parts.insert(0, None);
        }
        Some(Pattern {
            base: names(base).into_iter().map(ToOwned::to_owned).collect(),
            parts,
            takes_back,
            folders_only,
        })
    }

    /// Returns whether the last name of the pattern has no special characters.
    fn is_literal(&self) -> bool {
        let last = self.parts.last().and_then(Option::as_ref);
        last.is_some_and(|name| !name.contains(['*', '?', '[', '\\']))
    }

    fn fits(&self, names: &[&str], is_folder: bool) -> bool {
        if self.folders_only && !is_folder {
            return false;
        }
        let Some((base, below)) = names.split_at_checked(self.base.len()) else {
            return false;
        };
        base == self.base && glob::path_fits(&self.parts, below)
    }
}

/// Returns whether the part matches any number of folders.
fn is_stars(part: &str) -> bool {
    part.len() > 1 && part.bytes().all(|byte| byte == b'*')
}

fn names(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !name.is_empty()).collect()
}

/// Returns the line without the spaces at its end, except one after a backslash, and without the CR of a Windows file.
fn without_end_spaces(line: &str) -> &str {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let trimmed = line.trim_end_matches(' ');
    let backslashes = trimmed
        .bytes()
        .rev()
        .take_while(|byte| *byte == b'\\')
        .count();
    match backslashes % 2 {
        1 if trimmed.len() < line.len() => line.get(..=trimmed.len()).unwrap_or(line),
        _ => trimmed,
    }
}

#[cfg(test)]
mod tests;
