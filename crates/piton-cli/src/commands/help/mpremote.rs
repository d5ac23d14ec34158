//! The list of commands under mpremote's name: what mpremote 1.29 prints, with the shortcuts of its `config.py`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::args::argparse::PARSERS;
use crate::args::shortcuts::SHORTCUTS;
use crate::config::UserShortcut;

/// Shortcuts of ours that mpremote lacks.
const OURS: &[&str] = &["mv"];

/// Shortcuts of mpremote that are commands here, and the shortcuts for which its list has a text.
const TEXTS: &[(&str, &str)] = &[
    ("bootloader", "make the device enter its bootloader"),
    ("devs", "list available serial ports"),
    ("df", ""),
    ("reset", "hard reset the device"),
];

/// Returns the text of `mpremote help`: commands and shortcuts, sorted by name.
pub(super) fn overview(shortcuts: &[UserShortcut]) -> String {
    let mut text = "mpremote -- MicroPython remote control\n\
                    See https://docs.micropython.org/en/latest/reference/mpremote.html\n"
        .to_owned();
    let commands = PARSERS
        .iter()
        .map(|parser| (parser.name, parser.description.to_owned()));
    section(&mut text, "commands", &commands.collect());
    let mut rows: BTreeMap<&str, String> = SHORTCUTS
        .iter()
        .filter(|shortcut| !OURS.contains(&shortcut.name))
        .map(|shortcut| (shortcut.name, port_text(shortcut.words)))
        .collect();
    rows.extend(TEXTS.iter().map(|(name, help)| (*name, (*help).to_owned())));
    // A user's shortcut replaces a built-in one of the same name.
    let own = shortcuts
        .iter()
        .map(|shortcut| (shortcut.name.as_str(), dedent(&shortcut.help)));
    rows.extend(own);
    section(&mut text, "shortcuts", &rows);
    text
}

/// Returns the text for a shortcut that stands for a port; empty for others.
fn port_text(words: &[&str]) -> String {
    match words {
        ["connect", port] if *port != "list" => format!("connect to serial port \"{port}\""),
        _ => String::new(),
    }
}

/// Appends a list of names and texts, sorted by name. Further lines of a text are aligned with its first.
fn section(text: &mut String, title: &str, rows: &BTreeMap<&str, String>) {
    let width = rows
        .keys()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        + 2;
    let below = format!("\n{:1$}", "", width + 2);
    // Writing to a `String` cannot fail.
    let _ = writeln!(text, "\nList of {title}:");
    for (name, help) in rows {
        let _ = writeln!(text, "  {name:width$}{}", help.replace('\n', &below));
    }
}

/// Returns `text` without the spaces that all its lines begin with, as Python's `textwrap.dedent` does.
pub(crate) fn dedent(text: &str) -> String {
    let blank = |line: &str| line.chars().all(|letter| matches!(letter, ' ' | '\t'));
    let margin_of = |line: &str| {
        let text = line.trim_start_matches([' ', '\t']);
        line.len() - text.len()
    };
    let mut margin: Option<&str> = None;
    for line in text.split('\n').filter(|line| !blank(line)) {
        let own = line.get(..margin_of(line)).unwrap_or_default();
        margin = Some(margin.map_or(own, |margin| common_start(margin, own)));
    }
    let margin = margin.unwrap_or_default();
    let lines = text.split('\n').map(|line| match blank(line) {
        true => "",
        false => line.strip_prefix(margin).unwrap_or(line),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns what two texts of spaces and tabs both begin with.
fn common_start<'t>(one: &'t str, other: &str) -> &'t str {
    let same = std::iter::zip(one.bytes(), other.bytes()).take_while(|(one, other)| one == other);
    one.get(..same.count()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_lines_begin_with_is_taken_off() {
        assert_eq!(dedent("one\n  two"), "one\n  two");
        assert_eq!(dedent("  one\n    two\n \n"), "one\n  two\n\n");
        assert_eq!(dedent(" \tone\n  two"), "\tone\n two");
        assert_eq!(dedent(""), "");
    }
}
