//! The lines of the tool's texts, and its JSON of them (`mpy-tool.py -j`), which Compiler Explorer reads.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

/// A line of text, which may contain line ends itself, and what the JSON says of it.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Line {
    pub(super) text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<Source>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) disassembly: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) link: Option<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) labels: Option<Vec<Label>>,
    /// The labels that this line defines.
    #[serde(skip)]
    pub(super) defines: Vec<String>,
}

impl Line {
    /// Returns a line that is only text.
    pub(super) fn plain(text: impl Into<String>) -> Line {
        Line {
            text: text.into(),
            ..Line::default()
        }
    }
}

/// The line of the source that an instruction comes from.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Source {
    /// The tool names no file.
    pub(super) file: Option<&'static str>,
    pub(super) line: u64,
}

/// The operand of a jump, and where it goes.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Link {
    pub(super) offset: usize,
    pub(super) length: usize,
    pub(super) to: i64,
}

/// A part of a line that names a label.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Label {
    pub(super) name: String,
    pub(super) target: String,
    pub(super) range: Columns,
}

/// Columns of a line, from 1; the end does not belong to them.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Columns {
    pub(super) start_col: usize,
    pub(super) end_col: usize,
}

/// Labels with the lines that define them last, in the order of their first definitions.
struct Definitions(Vec<(String, usize)>);

impl Serialize for Definitions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(label, line)| (label, line)))
    }
}

impl Definitions {
    fn of(lines: &[Line]) -> Definitions {
        let mut places = std::collections::HashMap::new();
        let mut all: Vec<(String, usize)> = Vec::new();
        for (line, number) in lines.iter().zip(1..) {
            for label in &line.defines {
                let place = *places.entry(label.as_str()).or_insert(all.len());
                match all.get_mut(place) {
                    Some((_, known)) => *known = number,
                    None => all.push((label.clone(), number)),
                }
            }
        }
        Definitions(all)
    }
}

/// The whole document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    asm: &'a [Line],
    label_definitions: Definitions,
    language_id: &'a str,
}

/// Returns the JSON of lines, as Python's `json.dump` writes it.
pub(super) fn document(lines: &[Line], language: &str) -> String {
    let document = Document {
        asm: lines,
        label_definitions: Definitions::of(lines),
        language_id: language,
    };
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, AsPython);
    // Writing these types into memory cannot fail.
    let _ = document.serialize(&mut serializer);
    String::from_utf8(out).unwrap_or_default()
}

/// The form of Python's `json.dump`: spaces behind separators, and only ASCII.
struct AsPython;

impl Formatter for AsPython {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for letter in fragment.chars() {
            let mut units = [0; 2];
            // serde_json escapes the other control characters.
            if matches!(letter, ' '..='~') {
                write!(writer, "{letter}")?;
            } else {
                for unit in letter.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}
