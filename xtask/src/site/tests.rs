use std::process::Command;

use super::*;
use crate::help::sample;
use crate::processes::output_of;

fn site() -> BTreeMap<String, String> {
    build(&root().join("docs"), &sample(), None).unwrap()
}

/// Makes a site of a summary, a first page and two others. Beside the documents is a file `x.txt`.
fn site_of(summary: &str, home: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let folder = tempfile::tempdir()?;
    let docs = folder.path().join("docs");
    fs_err::create_dir_all(docs.join("sub"))?;
    fs_err::write(folder.path().join("x.txt"), "")?;
    for (path, text) in [
        ("SUMMARY.md", summary),
        ("index.md", home),
        // The pages of the commands link to it.
        ("cli.md", "# Line\n"),
        ("sub/README.md", "# Sub\n\n[home](../index.md)\n"),
    ] {
        fs_err::write(docs.join(path), text)?;
    }
    build(&docs, &sample(), Some("https://example.com/tree/"))
}

const SUMMARY: &str =
    "# Summary\n\n[Home](index.md)\n\n# Reference\n\n- [Line](cli.md)\n- [Sub](sub/README.md)\n";

#[test]
fn links_and_headings_are_those_of_the_document() {
    let home = "# Home\n\n## A `b` & \\<c>\n\n## Twice\n\n## Twice\n\n[sub](sub/README.md#sub) [here](#a-b--c) [x](../x.txt)\n";
    let site = site_of(SUMMARY, home).unwrap();
    let page = &site["index.html"];
    for part in [
        "<h2 id=\"a-b--c\">A <code>b</code> &amp; &lt;c&gt; ",
        "<h2 id=\"twice-1\">",
        "<a href=\"sub/index.html#sub\">sub</a>",
        "<a href=\"index.html#a-b--c\">here</a>",
        "<a href=\"https://example.com/tree/x.txt\">x</a>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    assert!(site["sub/index.html"].contains("<a href=\"../index.html\">home</a>"));
}

#[test]
fn what_is_wrong_with_a_document_is_an_error() {
    let check = |summary: &str, home: &str, expected: &str| {
        let error = format!("{:#}", site_of(summary, home).unwrap_err());
        assert!(error.contains(expected), "{home}: {error}");
    };
    check(SUMMARY, "# Home\n[a](b.md)\n", "index.md: b.html#");
    check(SUMMARY, "# Home\n[a](cli.md#no)\n", "index.md: cli.html#no");
    check(
        SUMMARY,
        "# Home\n[a](y.txt)\n",
        "to a file that does not exist",
    );
    check(
        SUMMARY,
        "# Home\n[a](../../x)\n",
        "leads out of the repository",
    );
    check(SUMMARY, "# Home\n<b>x</b>\n", "HTML is not allowed: `<b>`");
    check(SUMMARY, "text\n", "it has no title");
    let other = SUMMARY.replace("index", "other");
    check(&other, "# Home\n", "has `other.md`");
    let shorter = SUMMARY.replace("- [Line](cli.md)\n", "");
    check(&shorter, "# Home\n", "does not have `cli.md`");
}

/// How people ask, and the page that answers.
const QUESTIONS: [(&str, &str); 20] = [
    ("how do I flash a board", "flash-firmware"),
    ("find the port of my board", "find-the-port"),
    ("copy a folder", "copy-a-folder"),
    ("install a library", "install-a-package"),
    ("run a program at boot", "run-at-boot"),
    ("hot reload on save", "reload-on-save"),
    ("several boards at once", "several-boards"),
    ("GitHub Actions without hardware", "ci-without-hardware"),
    ("OTA update", "update-over-the-air"),
    ("plot sensor values", "plot-a-sensor"),
    ("connect over wifi webrepl", "webrepl"),
    ("visual studio code", "vs-code"),
    ("stubs autocomplete", "type-hints"),
    ("unit tests on the virtual board", "unit-tests"),
    ("how much RAM is free", "memory-use"),
    ("frozen modules", "freeze-modules"),
    ("CIRCUITPY drive", "circuitpython-drive"),
    ("where to put the wifi password", "secrets"),
    ("log the output to a file", "logs"),
    ("set the clock", "set-the-time"),
];

/// The search of the page, run by Node (npm needs it, so set-up does too): what people ask leads to the page, which is one of the
/// first three.
#[test]
fn the_words_of_twenty_questions_find_their_pages() {
    let site = site();
    let questions: Vec<&str> = QUESTIONS.iter().map(|(question, _)| *question).collect();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("search.js");
    let end = format!(
        "const all = pitonSearch.prepare(pitonIndex);\n\
         for (const question of {}) console.log(pitonSearch.find(all, question, 3).map(found => found.address).join(' '));\n",
        serde_json::to_string(&questions).unwrap()
    );
    let text = [site["search-index.js"].as_str(), &site["search.js"], &end].concat();
    fs_err::write(&script, text).unwrap();
    let answers = output_of(Command::new("node").arg(&script)).unwrap();
    assert_eq!(answers.lines().count(), QUESTIONS.len());
    let missed = QUESTIONS.iter().zip(answers.lines());
    let missed = missed.filter(|((_, page), answer)| {
        let page = format!("tasks/{page}.html");
        !answer.split(' ').any(|found| found.starts_with(&page))
    });
    let missed: Vec<_> = missed.collect();
    assert!(missed.is_empty(), "{missed:#?}");
}
