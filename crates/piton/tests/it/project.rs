//! What a folder is taken for when nobody says what its sources are.

use std::fs;
use std::path::Path;

use piton::building::project::{Layout, Named, Sign, circuitpython_version, find};
use piton::building::{BuildError, BuildTarget};

use crate::support::folder;

/// Describes the project that a folder with these files is, in a few words: its layout, its folder of sources, what says that it
/// is for CircuitPython.
fn described(root: &Path, named: Named<'_>) -> String {
    let below = |path: &Path| {
        let path = path.strip_prefix(root).unwrap_or(path);
        path.to_string_lossy().replace('\\', "/")
    };
    let project = match find(root, named) {
        Ok(project) => project,
        Err(BuildError::NoFiles { path }) => return format!("no files in {}", below(&path)),
        Err(BuildError::UnclearSource { candidates, .. }) => {
            return format!("unclear: {}", candidates.join(" "));
        }
        Err(BuildError::List { path, .. }) => return format!("bad list {}", below(&path)),
        Err(error) => return error.to_string(),
    };
    let layout = match &project.layout {
        Layout::Folder => "folder".to_owned(),
        Layout::Program => "program".to_owned(),
        Layout::Package(name) => format!("package {name}"),
        Layout::Modules => "modules".to_owned(),
        Layout::List(path) => {
            let files = project.files.iter().flatten();
            let files = files.map(|file| format!("{}->{}", file.source, file.place));
            let mut text = format!("list {}", below(path));
            for part in files.chain(project.elsewhere.iter().map(|name| format!("-{name}"))) {
                text += " ";
                text += &part;
            }
            text
        }
    };
    let sign = project.circuitpython.as_ref().map(Sign::path);
    let sign = sign.map_or_else(String::new, |path| format!(", by {}", below(path)));
    format!("{layout} in `{}`{sign}", below(&project.source))
}

/// Compares what a folder with these files is taken for.
#[track_caller]
fn check(files: &[&str], expected: &str) {
    let files = files.iter().map(|name| (*name, ""));
    let folder = folder(&files.collect::<Vec<_>>());
    assert_eq!(described(folder.path(), Named::Nothing), expected);
}

#[test]
fn sources_are_in_src_or_the_project_is_a_program_or_a_library() {
    check(&["src/a.py", "main.py"], "folder in `src`");
    check(&["src/lib/a.py"], "folder in `src`");
    check(&["src/a.txt"], "no files in src");
    check(&["main.py", "a.py", "tests/test_a.py"], "program in ``");
    check(&["code.py"], "program in ``, by code.py");
    check(
        &["boot.py", "settings.toml"],
        "program in ``, by settings.toml",
    );
    check(&["a.py", "b.py", "setup.py"], "modules in ``");
    check(
        &["sensor/__init__.py", "setup.py", "tests/a.py"],
        "package sensor in ``",
    );
    // Which one is meant, nobody knows.
    check(&["sensor/__init__.py", "a.py"], "unclear: a.py sensor/");
    check(
        &["one/__init__.py", "two/__init__.py"],
        "unclear: one/ two/",
    );
    check(
        &["app/main.py", "venv/pyvenv.cfg", "venv/a.py"],
        "unclear: app/",
    );
    check(
        &["build/manifest.json", "build/mpy/a.py", "docs/a.txt"],
        "unclear: ",
    );
}

#[test]
fn a_folder_that_is_named_is_meant() {
    let folder = folder(&[
        ("app/a.py", ""),
        ("src/b.py", ""),
        ("app/lib/x.mpy", "C\u{6}"),
    ]);
    let app = folder.path().join("app");
    let expected = "folder in `app`, by app/lib/x.mpy";
    assert_eq!(described(folder.path(), Named::Argument(&app)), expected);
    assert_eq!(described(folder.path(), Named::Settings(&app)), expected);
    // The folder of the project itself holds files of tools as well.
    let project = find(folder.path(), Named::Argument(folder.path())).unwrap();
    assert!(project.exclude.covers("pyproject.toml", false));
    let project = find(folder.path(), Named::Settings(folder.path())).unwrap();
    assert!(!project.exclude.covers("pyproject.toml", false));
}

#[test]
fn a_list_names_the_files() {
    let check = |files: &[(&str, &str)], place: &str, expected: &str| {
        let folder = folder(files);
        let place = folder.path().join(place);
        assert_eq!(
            described(&place, Named::Nothing).replace("../", ""),
            expected
        );
    };
    let package = r#"{"urls": [["a.py", "a.py"], ["b.py", "no.py"], ["b/c.py", "github:me/it/c.py"]], "deps": [["time", "latest"]]}"#;
    check(
        &[("package.json", package), ("a.py", ""), ("c.py", "")],
        "",
        "list package.json a.py->a.py c.py->b/c.py -time -no.py in ``",
    );
    // Files of Node.
    check(
        &[("package.json", r#"{"name": "x"}"#), ("a.py", "")],
        "",
        "modules in ``",
    );
    check(
        &[("package.json", r#"{"urls": [["a.py"]]}"#)],
        "",
        "bad list package.json",
    );
    check(
        &[
            ("manifest.py", "module('a.py')\nrequire('time')\n"),
            ("a.py", ""),
        ],
        "",
        "list manifest.py a.py->a.py -time in ``",
    );
    // A module of that name.
    check(
        &[("manifest.py", "x = 1\n"), ("a.py", "")],
        "",
        "modules in ``",
    );
    check(&[("manifest.py", "module(\n")], "", "bad list manifest.py");
    // Two lists below: which package is meant is not clear.
    check(
        &[
            ("one/package.json", package),
            ("two/manifest.py", "module('a.py')\n"),
        ],
        "",
        "unclear: one/ two/",
    );
}

#[test]
fn a_part_of_a_repository_finds_the_files_that_are_named_from_its_top() {
    let list = r#"{"urls": [["a.py", "github:me/it/lib/a.py"], ["b.py", "github:me/it/drivers/x/b.py@main"]]}"#;
    let folder = folder(&[
        ("drivers/x/package.json", list),
        ("drivers/x/b.py", ""),
        ("lib/a.py", ""),
    ]);
    let place = folder.path().join("drivers/x");
    let project = find(&place, Named::Nothing).unwrap();
    let top = project.source.canonicalize().unwrap();
    assert_eq!(top, folder.path().canonicalize().unwrap());
    let files = project.files.unwrap();
    let files = files.iter().map(|file| file.source.as_str());
    assert_eq!(files.collect::<Vec<_>>(), ["lib/a.py", "drivers/x/b.py"]);
}

#[test]
fn a_board_says_which_circuitpython_it_runs() {
    for (text, version, target) in [
        (
            "Adafruit CircuitPython 10.0.3 on 2025-10-01; Board",
            "10.0.3",
            "circuitpython-10",
        ),
        (
            "Adafruit CircuitPython 9.2.1 on 2025-01-01\r\n",
            "9.2.1",
            "circuitpython-9",
        ),
        (
            "Adafruit CircuitPython 12.0.0-beta.1 on",
            "12.0.0-beta.1",
            "circuitpython-10",
        ),
        (
            "Adafruit CircuitPython 8.2.9 on",
            "8.2.9",
            "circuitpython-8",
        ),
        ("Adafruit CircuitPython 6.3.0 on", "6.3.0", ""),
        ("MicroPython v1.25", "", ""),
        ("CircuitPython next", "", ""),
        ("CircuitPython \u{1b}[31m", "", ""),
    ] {
        assert_eq!(
            circuitpython_version(text).unwrap_or_default(),
            version,
            "{text}"
        );
        let folder = folder(&[("main.py", ""), ("boot_out.txt", text)]);
        let sign = find(folder.path(), Named::Nothing).unwrap().circuitpython;
        let Some(sign) = sign else {
            assert_eq!(version, "", "{text}");
            continue;
        };
        match sign.target() {
            Ok(found) => assert_eq!(found.to_string(), target),
            Err(error) => {
                assert_eq!(target, "");
                assert!(
                    matches!(error, BuildError::OldCircuitPython { .. }),
                    "{error}"
                );
            }
        }
    }
    let newest = Sign::File("code.py".into()).target().unwrap();
    assert_eq!(newest, BuildTarget::newest_circuitpython());
}

#[test]
fn folders_that_are_deep_are_found_and_links_into_a_circle_end() {
    let folder = folder(&[("src/a/b/c/d.py", "")]);
    #[cfg(unix)]
    std::os::unix::fs::symlink("..", folder.path().join("src/a/up")).unwrap();
    assert_eq!(described(folder.path(), Named::Nothing), "folder in `src`");
    fs::remove_file(folder.path().join("src/a/b/c/d.py")).unwrap();
    assert_eq!(described(folder.path(), Named::Nothing), "no files in src");
}
