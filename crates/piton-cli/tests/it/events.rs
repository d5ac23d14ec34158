//! Progress as JSON on stderr, and results as JSON on stdout: for programs, which know both from the documents.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::build::{piton, project};
use crate::mip::Place;
use crate::support::{Outcome, Sandbox};

fn document(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join("docs").join(name)).unwrap()
}

/// Returns the events on stderr, in their order, each once. Every line has to be one, with keys that docs/events.md has, and about
/// a board if `on_board`.
fn events(outcome: &Outcome, on_board: bool) -> Vec<String> {
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    let page = document("events.md");
    let mut names: Vec<String> = Vec::new();
    for line in outcome.stderr().lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        let event = event.as_object().unwrap();
        assert_eq!(event.contains_key("board"), on_board, "{line}");
        let name = event["event"].as_str().unwrap().to_owned();
        let of_name = format!("\"event\":\"{name}\"");
        let documented = page.lines().filter(|line| line.contains(&of_name));
        let documented = documented.collect::<Vec<&str>>();
        assert!(!documented.is_empty(), "{line}");
        for key in event.keys().filter(|key| *key != "board") {
            let key = format!("\"{key}\":");
            let is_known = documented.iter().any(|line| line.contains(&key));
            assert!(is_known, "{line}: {key}");
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[test]
fn copies_and_syncs_report_their_progress() {
    let sandbox = project();
    let large = "src/lib/large.bin";
    sandbox.write(large, vec![7; 40_000]);
    for (line, expected) in [
        ("cp src/main.py :", vec!["source"]),
        (
            "cp src/main.py : + cp src/main.py :",
            vec!["source", "unchanged"],
        ),
        ("cp -r src :", vec!["source", "begin", "moved", "end"]),
        (
            "cp src/lib/large.bin :x + cp :x y",
            vec!["source", "begin", "moved", "end"],
        ),
        ("sync src :", vec!["done", "moved"]),
    ] {
        let outcome = sandbox.run(&format!("--json connect virtual {line}"));
        assert_eq!(events(&outcome, true), expected, "{line}");
    }
    let quiet = sandbox.run("--json --quiet connect virtual cp -r src :");
    assert_eq!(quiet.stderr(), "");
    let text = sandbox.run("connect virtual cp -r src :");
    assert_eq!(text.stderr(), "", "without `--json` there are no events");
}

#[test]
fn copies_to_a_drive_report_each_step_with_its_folder() {
    let sandbox = project();
    std::fs::create_dir(sandbox.path().join("drive")).unwrap();
    sandbox.write(
        "drive/boot_out.txt",
        "Adafruit CircuitPython 10.0.3 on 2025-10-01; X with y\n",
    );
    piton(&sandbox, "build --target circuitpython-10", &[]);
    for line in ["deploy --to drive", "sync src drive"] {
        let outcome = piton(&sandbox, &format!("--json {line}"), &[]);
        assert!(
            events(&outcome, true).contains(&"done".to_owned()),
            "{line}"
        );
        assert!(outcome.stderr().contains(r#""board":"drive""#), "{line}");
        let steps: Value = serde_json::from_str(&outcome.stdout()).unwrap();
        let steps = steps
            .as_array()
            .or(steps["steps"].as_array())
            .unwrap()
            .len();
        let done = outcome.stderr().matches(r#""event":"done""#).count();
        assert_eq!(done, steps, "{line}");
    }
}

#[test]
fn compilations_and_builds_report_each_file() {
    let sandbox = project();
    sandbox.write("src/lib/answer.mpy", "");
    let compile = piton(&sandbox, "--json compile src --out-dir out", &[]);
    assert_eq!(events(&compile, false), ["done"]);
    assert_eq!(compile.stderr().lines().count(), 2, "one for each source");
    let build = piton(&sandbox, "--json build --target circuitpython-10", &[]);
    assert_eq!(events(&build, false), ["left_out", "done"]);
    let left_out = build.stderr();
    assert!(left_out.contains(r#""path":"src/lib/answer.mpy","why":"has_source""#));
    let text = piton(&sandbox, "build --target circuitpython-10", &[]).stderr();
    assert!(
        text.contains("`src/lib/answer.mpy` is left out: "),
        "{text}"
    );
}

#[test]
fn packages_report_each_step() {
    let place = Place::new();
    // Digits that are hard to compress, so that there is something to report in between.
    let mut state = 1_u64;
    let digits = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        format!("{state:016x}")
    });
    let large = digits.take(2000).collect::<String>();
    place
        .index
        .package("side", "0.1", &[("side.mpy", &large)], &["leaf"]);
    let install = place.run("--json mip install --index INDEX tree");
    assert_eq!(
        events(&install, true),
        [
            "looking",
            "fetched",
            "request",
            "package",
            "file",
            "wrote",
            "installed"
        ]
    );
    let again = place.run("--json mip install --index INDEX tree");
    assert_eq!(
        events(&again, true),
        ["looking", "request", "package", "file", "installed"]
    );
    // What somebody has changed stays: an event, and no remark.
    place.sandbox.write("flash/lib/side.mpy", "mine");
    place
        .index
        .package("side", "0.2", &[("other.mpy", "side")], &["leaf"]);
    let update = place.run("--json mip update --index INDEX tree");
    assert_eq!(
        events(&update, true),
        [
            "looking",
            "fetched",
            "request",
            "package",
            "file",
            "changed",
            "installed"
        ]
    );
    let uninstall = place.run("--json mip uninstall tree");
    assert_eq!(events(&uninstall, true), ["removed"]);
}

/// Adds all keys in `value` to `keys`, but those of a board's files.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                found.insert(key.clone());
                keys(value, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

/// Checks that the result of a line is one line of JSON, with keys that the page has.
fn check_result(outcome: &Outcome, page: &str, expected: &[&str]) {
    let text = outcome.stdout();
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    let mut found = BTreeSet::new();
    keys(&value, &mut found);
    let page = document(page);
    for key in &found {
        assert!(page.contains(&format!("`{key}`")), "{key}: {text}");
    }
    for key in expected {
        assert!(found.contains(*key), "{key}: {text}");
    }
}

#[test]
fn results_have_the_keys_that_their_pages_list() {
    let sandbox = Sandbox::new();
    sandbox.write("good.py", "x = 1\n");
    sandbox.write("bad.py", "def f():\n    match x:\n        pass\n");
    sandbox.write("late.py", "def f():\n    break\n");
    std::fs::create_dir(sandbox.path().join("good.mpy")).unwrap();
    let compile = sandbox.run("--json compile good.py bad.py late.py");
    assert_eq!(compile.code, Some(1));
    let expected = ["type", "code", "line", "scope", "hint", "failed", "output"];
    check_result(&compile, "compile.md", &expected);
    let place = Place::new();
    // Digits that are hard to compress, so that there is something to report in between.
    let mut state = 1_u64;
    let digits = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        format!("{state:016x}")
    });
    let large = digits.take(2000).collect::<String>();
    place
        .index
        .package("side", "0.1", &[("side.mpy", &large)], &["leaf"]);
    let install = place.run("--json mip install --index INDEX tree");
    check_result(&install, "mip.md", &["version_before", "files_removed"]);
    let uninstall = place.run("--json mip uninstall tree");
    check_result(&uninstall, "mip.md", &["orphans", "files_removed"]);
}
