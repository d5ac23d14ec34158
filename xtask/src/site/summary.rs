//! The order of the pages: `SUMMARY.md`, in mdBook's format.

use anyhow::Context;

/// The page with the list of commands, which is made from the program's help.
pub(super) const COMMANDS: &str = "commands/README.md";

/// A part of the menu.
pub(super) struct Part {
    /// Empty for the first.
    pub(super) title: String,
    pub(super) entries: Vec<Entry>,
}

/// A page in the menu.
pub(super) struct Entry {
    pub(super) title: String,
    /// The document, relative to the folder of the documents.
    pub(super) path: String,
}

/// Reads a summary: headings, and below them lines `- [TITLE](PATH)`.
pub(super) fn parse(text: &str) -> anyhow::Result<Vec<Part>> {
    let mut parts = vec![Part {
        title: String::new(),
        entries: Vec::new(),
    }];
    // The first line is the title.
    for line in text.lines().skip(1).filter(|line| !line.trim().is_empty()) {
        if let Some(title) = line.strip_prefix("# ") {
            parts.push(Part {
                title: title.to_owned(),
                entries: Vec::new(),
            });
            continue;
        }
        let entry = line.trim_start_matches("- ").strip_prefix('[');
        let entry = entry.and_then(|rest| rest.strip_suffix(')')?.split_once("]("));
        let (title, path) =
            entry.with_context(|| format!("`{line}` is not a line of a summary"))?;
        let part = parts.last_mut().context("no part")?;
        part.entries.push(Entry {
            // The menu has plain text, without the marks of code.
            title: title.replace('`', ""),
            path: path.to_owned(),
        });
    }
    Ok(parts)
}

/// Adds the list of commands at the top of the part `Reference`.
pub(super) fn add_reference(parts: &mut [Part]) -> anyhow::Result<()> {
    let part = parts.iter_mut().find(|part| part.title == "Reference");
    let part = part.context("`docs/SUMMARY.md` has no part `Reference`")?;
    let entry = Entry {
        title: "Commands".to_owned(),
        path: COMMANDS.to_owned(),
    };
    part.entries.insert(0, entry);
    Ok(())
}
