//! Python sources that a host gives a session, and where their lines stand on the host.

use std::ops::RangeInclusive;
use std::sync::Arc;

/// Python code for a board, with the place that it has on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    text: Arc<str>,
    file: Option<Arc<str>>,
    first_line: u32,
}

impl Source {
    /// Code that stands in no file.
    pub fn new(text: impl Into<Arc<str>>) -> Source {
        Source {
            text: text.into(),
            file: None,
            first_line: 1,
        }
    }

    /// Code whose first line is line `first_line` of `file`, for tracebacks.
    pub fn in_file(
        text: impl Into<Arc<str>>,
        file: impl Into<Arc<str>>,
        first_line: u32,
    ) -> Source {
        Source {
            text: text.into(),
            file: Some(file.into()),
            first_line,
        }
    }

    /// The code.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file that it stands in.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// The line of the host's file for line `line` of the code.
    pub(super) fn host_line(&self, line: u32) -> u32 {
        self.first_line.saturating_add(line.saturating_sub(1))
    }

    /// The text of line `line`, from 1.
    pub(super) fn line(&self, line: u32) -> Option<&str> {
        let index = usize::try_from(line.checked_sub(1)?).ok()?;
        self.text.lines().nth(index)
    }

    /// Whether the code defines a function of this name that line `line` is a part of.
    pub(super) fn has_function_at(&self, name: &str, line: u32) -> bool {
        functions(&self.text)
            .any(|function| function.name == name && function.lines.contains(&line))
    }

    /// Whether the code defines a function of this name outside of others.
    pub(super) fn defines(&self, name: &str) -> bool {
        functions(&self.text).any(|function| function.name == name && function.indent == 0)
    }

    /// Whether the code has so many lines.
    pub(super) fn has_line(&self, line: u32) -> bool {
        self.line(line).is_some()
    }
}

impl From<&str> for Source {
    fn from(text: &str) -> Source {
        Source::new(text)
    }
}

/// A function or class of a source: both are scopes in a traceback.
struct Function<'s> {
    name: &'s str,
    indent: usize,
    lines: RangeInclusive<u32>,
}

/// The functions of a source, as far as its lines and their indents show. The one that a line belongs to is found even where a
/// string with lines of less indent ends it too early: the board's line then just stays as it is.
fn functions(text: &str) -> impl Iterator<Item = Function<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    let found: Vec<Function<'_>> = lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| {
            let trimmed = line.trim_start();
            let indent = line.len() - trimmed.len();
            let rest = ["def ", "async def ", "class "]
                .iter()
                .find_map(|word| trimmed.strip_prefix(word))?
                .trim_start();
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
            let following = lines.iter().skip(index + 1);
            let count = following.take_while(|line| is_inside(line, indent)).count();
            let first = u32::try_from(index + 1).ok()?;
            let last = u32::try_from(index + 1 + count).ok()?;
            Some(Function {
                name: rest.get(..end)?,
                indent,
                lines: first..=last,
            })
        })
        .collect();
    found.into_iter()
}

/// Whether a line belongs to a block whose head has this indent: an empty line, a comment, or one of more indent. A closing
/// bracket at the head's own indent ends its parameters.
fn is_inside(line: &str, indent: usize) -> bool {
    let trimmed = line.trim_start();
    trimmed.is_empty()
        || trimmed.starts_with(['#', ')', ']', '}'])
        || line.len() - trimmed.len() > indent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_with_their_lines() {
        let source = Source::in_file(
            "import a\n\ndef f(x,\n    y\n):\n    def g():\n        boom()\n\n    return g()\nasync def h(): return 1\nx = 1\n",
            "host.py",
            10,
        );
        for (name, line, is_there) in [
            ("f", 3, true),
            ("f", 9, true),
            ("f", 10, false),
            ("g", 7, true),
            ("g", 9, false),
            ("h", 10, true),
            ("h", 11, false),
        ] {
            assert_eq!(
                source.has_function_at(name, line),
                is_there,
                "{name} {line}"
            );
        }
        assert!(source.defines("f") && source.defines("h") && !source.defines("g"));
        assert_eq!(source.host_line(7), 16);
        assert_eq!(source.line(7), Some("        boom()"));
        assert_eq!(source.line(0), None);
    }
}
