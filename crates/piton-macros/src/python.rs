//! Loads Python sources, and checks their syntax.

use std::path::Path;

use piton_syntax::{Diagnostic, Function, MinifyOptions, functions, minify};
use proc_macro2::Span;
use syn::{Error, LitStr, Result};

use crate::signature::SourceName;

/// A source without syntax errors.
pub(crate) struct Python {
    /// The code for the board. Its lines have the numbers that they have in the source.
    pub(crate) minified: String,
    pub(crate) functions: Vec<Function>,
    pub(crate) place: Place,
    /// The literal that names the source, or has it.
    pub(crate) span: Span,
}

/// Where the lines of a source are on the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file.
    File {
        /// As the attribute names it.
        name: String,
        /// The whole path.
        path: String,
    },
    /// A literal whose first line is this line of the Rust file.
    Rust(u32),
    /// A literal with escapes: its lines are not those of a file.
    Escaped,
}

impl Python {
    /// Loads a source, and parses it. Paths are relative to `folder`.
    pub(crate) fn load(name: &SourceName, folder: &Path) -> Result<Python> {
        let (text, place, span) = match name {
            SourceName::File(name) => {
                let (text, place) = load_file(name, folder)?;
                (text, place, name.span())
            }
            SourceName::Literal(code) => (dedent(&code.value()), literal_place(code), code.span()),
        };
        let failure = |diagnostic: Diagnostic| Error::new(span, message(&diagnostic, &place, span));
        let functions = functions(text.as_bytes(), b"").map_err(failure)?;
        let minified = minify(text.as_bytes(), &MinifyOptions::default()).map_err(failure)?;
        let minified = String::from_utf8(minified)
            .map_err(|_| Error::new(span, "the minified source is not UTF-8"))?;
        Ok(Python {
            minified,
            functions,
            place,
            span,
        })
    }

    /// Returns the function of this name: the last one, as on the board.
    pub(crate) fn function(&self, name: &str) -> Option<&Function> {
        let mut functions = self.functions.iter().rev();
        functions.find(|function| function.name == name)
    }

    /// Describes the source for a message.
    pub(crate) fn describe(&self) -> String {
        match &self.place {
            Place::File { name, .. } => format!("`{name}`"),
            Place::Rust(_) | Place::Escaped => "the Python code".to_owned(),
        }
    }
}

fn load_file(name: &LitStr, folder: &Path) -> Result<(String, Place)> {
    let path = folder.join(name.value());
    let failure = |reason: String| {
        let message = format!("can't read `{}`: {reason}", path.display());
        Error::new(name.span(), message)
    };
    let text = std::fs::read_to_string(&path).map_err(|error| failure(error.to_string()))?;
    let path = path
        .to_str()
        .ok_or_else(|| failure("the path is not UTF-8".to_owned()))?
        .to_owned();
    let name = name.value();
    Ok((text, Place::File { name, path }))
}

/// Returns where the lines of a literal are. In a raw literal, and in one without a backslash, each line of the code is a line
/// of the Rust file.
fn literal_place(code: &LitStr) -> Place {
    let token = code.token().to_string();
    if token.starts_with('r') || !token.contains('\\') {
        let line = code.span().start().line;
        u32::try_from(line).map_or(Place::Escaped, Place::Rust)
    } else {
        Place::Escaped
    }
}

/// Removes the white space that all lines begin with. Lines of nothing but white space do not count.
fn dedent(code: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let lines = || code.lines().filter(|line| !line.trim().is_empty());
    let mut common = lines()
        .next()
        .map_or("", |line| line.get(..indent(line)).unwrap_or_default());
    for line in lines() {
        while !line.starts_with(common) {
            common = common.get(..common.len() - 1).unwrap_or_default();
        }
    }
    let dedented = code
        .lines()
        .map(|line| line.strip_prefix(common).unwrap_or_default());
    let mut text = dedented.collect::<Vec<_>>().join("\n");
    text.push('\n');
    text
}

/// Writes what is wrong with a source, with file and line where they are known.
fn message(diagnostic: &Diagnostic, place: &Place, span: Span) -> String {
    let text = format!("{}: {}", diagnostic.error_type().name(), diagnostic.message);
    let line = diagnostic.location.as_ref().map(|location| location.line);
    let Some(line) = line.filter(|line| *line > 0) else {
        return text;
    };
    match place {
        Place::File { name, .. } => format!("{name}:{line}: {text}"),
        Place::Rust(first) => format!("{}:{}: {text}", span.file(), first + line - 1),
        Place::Escaped => format!("line {line} of the Python code: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_indent_that_all_lines_have_is_removed() {
        for (code, expected) in [
            ("", "\n"),
            ("x = 1", "x = 1\n"),
            (
                "\n    def f():\n        pass\n\n  \n    ",
                "\ndef f():\n    pass\n\n\n\n",
            ),
            ("\n\tif x:\n\t\ty\n", "\nif x:\n\ty\n"),
            ("\n\tx\n  y\n", "\n\tx\n  y\n"),
            ("def f():\n    pass", "def f():\n    pass\n"),
        ] {
            assert_eq!(dedent(code), expected, "{code:?}");
        }
    }
}
