//! Man pages: one for `piton`, one for each command, from the program's own help.

use roff::{Inline, Roff, bold, italic, roman};

use crate::help::{Described, Help, OptionHelp, Topic};

const EXIT_CODES: [(&str, &str); 4] = [
    ("0", "done"),
    (
        "1",
        "the operation failed: an exception on the board, a missing file, Ctrl-C",
    ),
    ("2", "the command line was wrong; nothing was run"),
    ("3", "no connection to a board, or it was lost"),
];

/// Returns file name and text of each page.
pub(crate) fn pages(help: &Help) -> Vec<(String, String)> {
    let mut pages = vec![("piton.1".to_owned(), overview(help))];
    let topics = help.topics();
    pages.extend(topics.map(|topic| (format!("piton-{}.1", topic.name), command(topic, help))));
    pages
}

/// Begins a page. Its date is left out: the same program gives the same page.
fn page(name: &str, about: &str, usage: &str, help: &Help) -> Roff {
    let source = format!("Piton {}", help.version);
    let mut page = Roff::new();
    // An empty argument would be left out.
    page.control("TH", [name, "1", " ", &source, "Piton"]);
    page.control("SH", ["NAME"]);
    page.text([roman(format!(
        "{} - {}",
        name.to_lowercase(),
        about.lines().next().unwrap_or_default()
    ))]);
    page.control("SH", ["SYNOPSIS"]);
    page.text([bold(usage)]);
    page
}

fn overview(help: &Help) -> String {
    let about = "program MicroPython and CircuitPython boards";
    let mut page = page("PITON", about, &help.usage, help);
    page.control("SH", ["DESCRIPTION"]);
    paragraphs(
        &mut page,
        "Several commands on one line run from left to right. A `+` ends the arguments of a command that takes many. The \
         connection is made by itself; without a command that does something, the prompt of the board opens.",
    );
    page.control("SH", ["COMMANDS"]);
    for group in &help.groups {
        page.control("SS", [group.title.as_str()]);
        for topic in &group.commands {
            let about = topic.about.lines().next().unwrap_or_default();
            item(&mut page, &format!("piton-{}(1)", topic.name), about);
        }
    }
    described(&mut page, "BOARDS BY THEIR PORT", &help.shortcuts);
    options(&mut page, &help.options);
    page.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in EXIT_CODES {
        item(&mut page, code, meaning);
    }
    page.render()
}

fn command(topic: &Topic, help: &Help) -> String {
    let name = format!("PITON-{}", topic.name.to_uppercase());
    let mut page = page(&name, &topic.about, &topic.usage, help);
    let more: Vec<&str> = topic.about.split("\n\n").skip(1).collect();
    let text = [more.join("\n\n").as_str(), &topic.details].join("\n\n");
    if !text.trim().is_empty() {
        page.control("SH", ["DESCRIPTION"]);
        paragraphs(&mut page, text.trim());
    }
    described(&mut page, "ARGUMENTS", &topic.arguments);
    described(&mut page, "COMMANDS", &topic.subcommands);
    options(&mut page, &topic.options);
    described(&mut page, "EXAMPLES", &topic.examples);
    page.control("SH", ["SEE ALSO"]);
    page.text([bold("piton"), roman("(1)")]);
    page.render()
}

fn options(page: &mut Roff, options: &[OptionHelp]) {
    if options.is_empty() {
        return;
    }
    page.control("SH", ["OPTIONS"]);
    for option in options {
        item(page, &option.typed(), &option.whole_help());
    }
}

fn described(page: &mut Roff, title: &str, rows: &[Described]) {
    if rows.is_empty() {
        return;
    }
    page.control("SH", [title]);
    for row in rows {
        item(page, &row.name, &row.help);
    }
}

/// Appends a word in bold, and its meaning below.
fn item(page: &mut Roff, name: &str, help: &str) {
    page.control("TP", []);
    page.text([bold(name)]);
    page.text(inlines(&help.replace("\n\n", " ")));
}

fn paragraphs(page: &mut Roff, text: &str) {
    for paragraph in text.split("\n\n") {
        page.control("PP", []);
        page.text(inlines(paragraph));
    }
}

/// Returns a text with the words in backticks in italics.
fn inlines(text: &str) -> Vec<Inline> {
    let text = text.replace('\n', " ");
    let parts = text.split('`').enumerate();
    let parts = parts.filter(|(_, part)| !part.is_empty());
    parts
        .map(|(index, part)| match index % 2 {
            1 => italic(part),
            _ => roman(part),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::help::sample;

    #[test]
    fn a_page_has_all_parts_of_the_help() {
        let pages = pages(&sample());
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["piton.1", "piton-cp.1"]);
        let (_, text) = &pages[1];
        for part in [
            ".TH PITON-CP 1 \" \" \"Piton 1.2.3\" Piton",
            "piton\\-cp \\- Copy files",
            ".SH OPTIONS",
            "\\fB\\-r, \\-\\-recursive\\fR",
            "A \\fI:\\fR marks a path on the board.",
            ".SH EXAMPLES",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(pages[0].1.contains("piton\\-cp(1)"), "{}", pages[0].1);
    }

    #[test]
    fn a_line_of_text_is_never_a_command_of_roff() {
        let mut help = sample();
        help.groups[0].commands[0].details = ".so /etc/passwd\n\n'tis".to_owned();
        let (_, text) = pages(&help).remove(1);
        assert!(!text.contains("\n.so"), "{text}");
        assert!(!text.contains("\n'tis"), "{text}");
    }
}
