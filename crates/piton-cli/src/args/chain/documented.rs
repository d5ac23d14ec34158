//! Checks that `piton` parses each of its lines in the console blocks of the documents.

use std::path::{Path, PathBuf};

use super::*;

/// Returns the path and the text of each document: the README, and all of `docs/`.
fn documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pending = vec![root.join("README.md"), root.join("examples/README.md")];
    pending.push(root.join("docs"));
    let mut documents = Vec::new();
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).unwrap();
            pending.extend(entries.map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let text = std::fs::read_to_string(&path).unwrap();
            documents.push((path, text));
        }
    }
    documents
}

/// Returns the command lines in the console blocks of a document, without comments.
fn lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut is_console = false;
    for line in text.lines() {
        match line {
            "```console" => is_console = true,
            "```" => is_console = false,
            _ if is_console => {
                let command = line.strip_prefix("$ ").unwrap_or_default();
                let command = command.split(" #").next().unwrap_or_default();
                // What a shell does with the output.
                let command = command.split(" > ").next().unwrap_or_default();
                lines.extend(command.split(" && ").map(str::trim));
            }
            _ => {}
        }
    }
    lines
}

/// Splits a line as a shell does: at spaces outside double quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.split('"').enumerate() {
        match index % 2 {
            1 => words.push(part.to_owned()),
            _ => words.extend(part.split_whitespace().map(ToOwned::to_owned)),
        }
    }
    words
}

/// Returns the command lines in the tables of the pages for people who come from other tools.
fn table_lines<'a>(path: &Path, text: &'a str) -> Vec<&'a str> {
    if !path.parent().unwrap().ends_with("from") {
        return Vec::new();
    }
    let rows = text.lines().filter(|line| line.starts_with('|'));
    rows.flat_map(|row| row.split('`').skip(1).step_by(2))
        .collect()
}

#[test]
fn documented_lines_are_understood() {
    let mut count = 0;
    for (path, text) in documents() {
        for line in lines(&text).into_iter().chain(table_lines(&path, &text)) {
            let Some((_, rest)) = line
                .split_once("piton ")
                .filter(|(before, _)| before.is_empty())
            else {
                continue;
            };
            // `piton mpy-cross` and `mpy-ld` have parsers of their own, and `double` is a shortcut of a configuration file.
            if ["mpy-cross ", "mpy-ld ", "double"]
                .iter()
                .any(|own| rest.starts_with(own))
            {
                continue;
            }
            if let Some(rest) = rest.strip_prefix("belay ") {
                let understood = crate::belay::understands(&words(rest));
                assert!(understood, "{}: `{line}`", path.display());
                count += 1;
                continue;
            }
            let chain = parse(&words(rest), Compatibility::PITON, &Config::default());
            if let End::Invalid(error) = &chain.end {
                panic!("{}: `{line}`: {error}", path.display());
            }
            count += 1;
        }
    }
    // Fewer lines mean that this test looks at the wrong files.
    assert!(count > 80, "{count}");
}

/// Returns the targets of the links `[...](TARGET)` in a document, outside of code.
fn links(text: &str) -> Vec<&str> {
    let mut links = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        }
        if !is_code {
            let parts = line.split("](").skip(1);
            links.extend(parts.filter_map(|part| part.split(')').next()));
        }
    }
    links
}

/// Returns the names by which links reach the headings of a document: lower case, with dashes, without signs.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter_map(|line| {
        let title = line.trim_start_matches('#');
        (title.len() < line.len()).then(|| title.trim().to_lowercase())
    });
    let anchors = headings.map(|heading| {
        let kept = heading.chars().filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ => letter.is_alphanumeric().then_some(letter),
        });
        kept.collect()
    });
    anchors.collect()
}

#[test]
fn every_link_in_the_documents_leads_somewhere() {
    let mut count = 0;
    for (path, text) in documents() {
        for link in links(&text) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            assert!(target.exists(), "{}: `{link}`", path.display());
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                let anchors = anchors(&text);
                assert!(
                    anchors.iter().any(|known| known == anchor),
                    "{}: `{link}` is none of {anchors:?}",
                    path.display()
                );
            }
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}
