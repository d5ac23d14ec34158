//! Usage and help in lines, as `HelpFormatter` of Python 3.11 breaks them.

use super::parsers::{Count, Flag, NEXT_COMMAND, Parser, Positional};
use super::wrap::wrap;

/// The least width that argparse gives to a text, in columns.
const MIN_WIDTH: usize = 11;

/// The right-most column where the texts of options begin.
const MAX_HELP_COLUMN: usize = 24;

/// The text before each usage.
const USAGE: &str = "usage: ";

/// The indentation of options, in columns.
const INDENT: usize = 2;

impl Parser {
    /// Returns what `--help` prints on a terminal of `columns` columns.
    pub(super) fn help(&self, columns: usize) -> String {
        let width = columns.saturating_sub(2);
        let positionals = self
            .positionals
            .iter()
            .chain([&NEXT_COMMAND])
            .map(|positional| (positional.name.to_owned(), positional.help))
            .collect::<Vec<_>>();
        let options = self
            .groups
            .iter()
            .flat_map(|group| group.iter())
            .map(|flag| (flag.invocation(), flag.help))
            .collect::<Vec<_>>();
        let longest = positionals
            .iter()
            .chain(&options)
            .map(|(name, _)| name.len() + INDENT)
            .max()
            .unwrap_or(0);
        let column =
            (longest + 2).min(MAX_HELP_COLUMN.min(width.saturating_sub(20).max(2 * INDENT)));
        let description = wrap(self.description, width.max(MIN_WIDTH)).join("\n");
        format!(
            "{}\n{description}\n\npositional arguments:\n{}\noptions:\n{}",
            self.usage(columns),
            rows(&positionals, column, width),
            rows(&options, column, width)
        )
    }

    /// Returns the usage on a terminal of `columns` columns.
    pub(super) fn usage(&self, columns: usize) -> String {
        let options = self
            .groups
            .iter()
            .map(|group| usage_of_group(group))
            .collect::<Vec<_>>();
        let positionals = self
            .positionals
            .iter()
            .chain([&NEXT_COMMAND])
            .flat_map(Positional::usage)
            .collect::<Vec<_>>();
        let parts = [options.as_slice(), positionals.as_slice()].concat();
        let start = format!("{USAGE}{}", self.name);
        let width = columns.saturating_sub(2).max(MIN_WIDTH);
        let whole = format!("{start} {}", parts.join(" "));
        if whole.len() <= width {
            return format!("{whole}\n");
        }
        let lines = if 4 * start.len() <= 3 * width {
            // Options are beside the name, arguments below them.
            let indent = start.len() + 1;
            let mut lines = fill(vec![start], &options, indent, width);
            lines.extend(fill(Vec::new(), &positionals, indent, width));
            lines
        } else {
            // A long name has a line of its own.
            let indent = USAGE.len();
            let mut lines = fill(Vec::new(), &parts, indent, width);
            if lines.len() > 1 {
                lines = fill(Vec::new(), &options, indent, width);
                lines.extend(fill(Vec::new(), &positionals, indent, width));
            }
            lines.insert(0, start);
            lines
        };
        lines.join("\n") + "\n"
    }
}

/// Appends the parts of a usage to `lines`, which are at most `width` columns wide. A part that does not fit goes to a
/// further line, indented; a part that is wider than a line has its own.
fn fill(mut lines: Vec<String>, parts: &[String], indent: usize, width: usize) -> Vec<String> {
    for part in parts {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + part.len() <= width => {
                line.push(' ');
                line.push_str(part);
            }
            _ => lines.push(format!("{:indent$}{part}", "")),
        }
    }
    lines
}

impl Flag {
    /// Returns the option as the list of options shows it.
    fn invocation(&self) -> String {
        let names = self.names.iter().map(|name| match self.value {
            Some(value) => format!("{name} {value}"),
            None => (*name).to_owned(),
        });
        names.collect::<Vec<_>>().join(", ")
    }
}

impl Positional {
    /// Returns the parts of the usage. Lines are broken between them only.
    fn usage(&self) -> Vec<String> {
        let name = self.name;
        match self.count {
            Count::One => vec![name.to_owned()],
            Count::Optional => vec![format!("[{name}]")],
            Count::Many => vec![name.to_owned(), format!("[{name} ...]")],
            Count::Rest => vec!["...".to_owned()],
        }
    }
}

/// Returns the usage of options that exclude each other.
fn usage_of_group(group: &[Flag]) -> String {
    let flags = group.iter().map(|flag| {
        let name = flag.names.first().copied().unwrap_or_default();
        match flag.value {
            Some(value) => format!("{name} {value}"),
            None => name.to_owned(),
        }
    });
    format!("[{}]", flags.collect::<Vec<_>>().join(" | "))
}

/// Returns a list of names and texts; the texts begin at `column`, in a new line where the name is too long.
fn rows(rows: &[(String, &str)], column: usize, width: usize) -> String {
    let mut text = String::new();
    let for_names = column.saturating_sub(INDENT + 2);
    let for_texts = width.saturating_sub(column).max(MIN_WIDTH);
    for (name, help) in rows {
        let mut lines = wrap(help, for_texts).into_iter();
        text.push_str(&" ".repeat(INDENT));
        if name.len() <= for_names
            && let Some(line) = lines.next()
        {
            text.push_str(&format!("{name:for_names$}  {line}\n"));
        } else {
            text.push_str(&format!("{name}\n"));
        }
        for line in lines {
            text.push_str(&format!("{:column$}{line}\n", ""));
        }
    }
    text
}
