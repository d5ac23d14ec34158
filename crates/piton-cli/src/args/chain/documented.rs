//! Checks that `piton` parses each of its lines in the console blocks of the documents.

use super::*;

/// The documents with console blocks.
const DOCUMENTS: &[(&str, &str)] = &[
    ("README.md", include_str!("../../../../../README.md")),
    (
        "examples/README.md",
        include_str!("../../../../../examples/README.md"),
    ),
    (
        "docs/build.md",
        include_str!("../../../../../docs/build.md"),
    ),
    ("docs/cli.md", include_str!("../../../../../docs/cli.md")),
    (
        "docs/compile.md",
        include_str!("../../../../../docs/compile.md"),
    ),
    (
        "docs/connect.md",
        include_str!("../../../../../docs/connect.md"),
    ),
    ("docs/mip.md", include_str!("../../../../../docs/mip.md")),
    (
        "docs/mount.md",
        include_str!("../../../../../docs/mount.md"),
    ),
    (
        "docs/romfs.md",
        include_str!("../../../../../docs/romfs.md"),
    ),
    ("docs/sync.md", include_str!("../../../../../docs/sync.md")),
    (
        "docs/virtual-board.md",
        include_str!("../../../../../docs/virtual-board.md"),
    ),
];

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

#[test]
fn documented_lines_are_understood() {
    let mut count = 0;
    for (name, text) in DOCUMENTS {
        for line in lines(text) {
            let Some((_, rest)) = line
                .split_once("piton ")
                .filter(|(before, _)| before.is_empty())
            else {
                continue;
            };
            // `piton mpy-cross` has a parser of its own.
            if rest.starts_with("mpy-cross ") {
                continue;
            }
            let chain = parse(&words(rest), Compatibility::PITON, &Config::default());
            if let End::Invalid(error) = &chain.end {
                panic!("{name}: `{line}`: {error}");
            }
            count += 1;
        }
    }
    // A listed document without such lines means that this test looks at the wrong file.
    assert!(count > 35, "{count}");
}
