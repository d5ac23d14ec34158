//! Pages of the commands, as Markdown, from the program's own help.

use super::summary::COMMANDS;
use crate::help::{Described, Help, OptionHelp, Topic};

/// Returns path and text of each page.
pub(super) fn pages(help: &Help) -> Vec<(String, String)> {
    let mut pages = vec![(COMMANDS.to_owned(), overview(help))];
    let topics = help.topics();
    pages.extend(topics.map(|topic| (format!("commands/{}.md", topic.name), command(topic))));
    pages
}

fn overview(help: &Help) -> String {
    let mut text = format!(
        "# Commands\n\n`{}`\n\nSeveral commands on one line run from left to right; [the command line](../cli.md) has the \
         rules. This is the help of Piton {}.\n",
        help.usage, help.version
    );
    for group in &help.groups {
        text.push_str(&format!("\n## {}\n\n| | |\n|---|---|\n", group.title));
        for topic in &group.commands {
            let about = topic.about.lines().next().unwrap_or_default();
            let name = &topic.name;
            text.push_str(&format!("| [`{name}`]({name}.md) | {} |\n", cell(about)));
        }
    }
    described(&mut text, "Boards by their port", &help.shortcuts);
    options(&mut text, "Options of every command", &help.options);
    text
}

fn command(topic: &Topic) -> String {
    let mut text = format!("# `piton {}`\n\n{}\n\n", topic.name, prose(&topic.about));
    text.push_str(&format!("```text\n{}\n```\n", topic.usage));
    if !topic.details.is_empty() {
        text.push_str(&format!("\n{}\n", prose(&topic.details)));
    }
    described(&mut text, "Arguments", &topic.arguments);
    described(&mut text, "Commands", &topic.subcommands);
    options(&mut text, "Options", &topic.options);
    described(&mut text, "Examples", &topic.examples);
    text.push_str("\nAll commands: [list](README.md).\n");
    text
}

fn described(text: &mut String, title: &str, rows: &[Described]) {
    if rows.is_empty() {
        return;
    }
    text.push_str(&format!("\n## {title}\n\n| | |\n|---|---|\n"));
    for row in rows {
        text.push_str(&format!("| {} | {} |\n", code(&row.name), cell(&row.help)));
    }
}

fn options(text: &mut String, title: &str, rows: &[OptionHelp]) {
    if rows.is_empty() {
        return;
    }
    text.push_str(&format!("\n## {title}\n\n| | |\n|---|---|\n"));
    for row in rows {
        let help = cell(&row.whole_help());
        text.push_str(&format!("| {} | {help} |\n", code(&row.typed())));
    }
}

/// Returns a word for a cell of a table, as code.
fn code(word: &str) -> String {
    format!("`{}`", word.replace('|', "\\|"))
}

/// Returns a text for a cell of a table.
fn cell(text: &str) -> String {
    prose(&text.replace('\n', " ")).replace('|', "\\|")
}

/// Returns plain text, with code in backticks, as Markdown: nothing else in it has a meaning.
fn prose(text: &str) -> String {
    let mut result = String::new();
    let mut is_code = false;
    for letter in text.chars() {
        is_code ^= letter == '`';
        if !is_code && matches!(letter, '<' | '*' | '_' | '[' | '#' | '&' | '\\') {
            result.push('\\');
        }
        result.push(letter);
    }
    result
}
