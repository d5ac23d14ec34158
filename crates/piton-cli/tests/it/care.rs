//! `build`, `verify` and `deploy` where something is not as it should be: what is in the way, what lies, what is not
//! known.

use insta::assert_snapshot;

use crate::build::{piton, project, told};

#[test]
fn what_no_build_made_is_not_replaced() {
    let sandbox = project();
    for folder in ["files/mpy", "lists", "targets/micropython", "index"] {
        std::fs::create_dir_all(sandbox.path().join(folder)).unwrap();
    }
    let theirs = [
        ("plain", "a file"),
        ("files/mpy/mine.mpy", "M"),
        ("lists/manifest.json", "{\"manifest_version\": 3}"),
        ("targets/micropython/port.c", "int x;"),
        ("index/index.json", "{}"),
    ];
    for (path, content) in theirs {
        sandbox.write(path, content);
    }
    let both = "--target micropython --target circuitpython-10";
    let lines = [
        "build --out plain".to_owned(),
        "build --out files".to_owned(),
        "build --out lists".to_owned(),
        format!("build --out targets {both}"),
        format!("build --out index {both}"),
        "build --out src".to_owned(),
        "build --out .".to_owned(),
        "build --version 'a\n'".to_owned(),
    ];
    let text = lines.map(|line| told(&sandbox, &line)).join("\n\n");
    assert_snapshot!(text);
    for (path, content) in theirs {
        assert_eq!(sandbox.read(path), content.as_bytes(), "{path}");
    }
    let mut there = sandbox.path().read_dir().unwrap();
    assert!(!there.any(|entry| {
        entry
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.')
    }));
    // What is beside the results may stay, and an empty folder may be filled.
    std::fs::remove_file(sandbox.path().join("files/mpy/mine.mpy")).unwrap();
    sandbox.write("files/readme", "mine");
    assert_eq!(piton(&sandbox, "build --out files", &[]).code, Some(0));
    assert_eq!(sandbox.read("files/readme"), b"mine");
    // From one target to several and back, all of it is ours.
    for line in ["build", &format!("build {both}"), "build"] {
        assert_eq!(piton(&sandbox, line, &[]).code, Some(0), "{line}");
    }
    assert!(!sandbox.path().join("build/micropython").exists());
    assert_eq!(piton(&sandbox, "verify", &[]).code, Some(0));
}

#[cfg(unix)]
#[test]
fn what_is_left_out_is_told() {
    use std::os::unix::fs::symlink;
    let sandbox = project();
    let src = sandbox.path().join("src");
    std::fs::create_dir(sandbox.path().join("shared")).unwrap();
    sandbox.write("shared/one.py", "x = 1\n");
    symlink("../shared", src.join("shared")).unwrap();
    symlink(".", src.join("lib/loop")).unwrap();
    symlink("nowhere", src.join("gone.py")).unwrap();
    symlink("nowhere", src.join("gone.txt")).unwrap();
    symlink("../shared/one.py", src.join("one.py")).unwrap();
    assert_snapshot!(told(&sandbox, "build"));
}

#[test]
fn a_manifest_is_a_place_as_well() {
    let sandbox = project();
    let build = |line: &str| assert_eq!(piton(&sandbox, line, &[]).code, Some(0), "{line}");
    build("build");
    build("build --out both --target micropython --target circuitpython-10");
    sandbox.write("other.json", sandbox.read("build/manifest.json"));
    let lines = [
        "verify build/manifest.json",
        "verify both/index.json",
        "verify both/micropython/manifest.json",
        "verify other.json --files build/mpy",
        "verify other.json",
        "verify --manifest nowhere.json",
        "verify --files nowhere",
        "verify src/notes.txt",
    ];
    assert_snapshot!(lines.map(|line| told(&sandbox, line)).join("\n\n"));
}

/// A manifest of a stranger: nothing of it is believed.
#[test]
fn manifests_that_lie() {
    let sandbox = project();
    assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
    std::fs::create_dir(sandbox.path().join("drive")).unwrap();
    let manifest = String::from_utf8(sandbox.read("build/manifest.json")).unwrap();
    let path = "\"path\": \"lib/answer.mpy\"";
    let mut text = String::new();
    for (old, new) in [
        (path, "\"path\": \"../answer.mpy\""),
        (path, "\"path\": \"/answer.mpy\""),
        (path, "\"path\": \"C:answer.mpy\""),
        (path, "\"path\": \"main.py\""),
        ("\"size\": 54", "\"size\": -1"),
        ("\"size\": 54", "\"size\": 99999999999999999999"),
        ("\"size\": 54", "\"size\": 9223372036854775807"),
        ("\"size\": 54", "\"size\": \"54\""),
        ("\"kind\": \"mpy\"", "\"kind\": \"\\u001b[2J\""),
        ("\"0.0.0\"", "\"\\u001b[2J\""),
        ("\"micropython\"", "\"\\u009b2J\""),
        ("{", "[{"),
    ] {
        assert!(manifest.contains(old), "{old}");
        sandbox.write("build/manifest.json", manifest.replacen(old, new, 1));
        let verify = told(&sandbox, "verify");
        assert!(!verify.contains(['\u{1b}', '\u{9b}']), "{verify}");
        assert!(verify.ends_with("--- exit 1"), "{verify}");
        text += &format!("{old} -> {new}\n{verify}\n\n");
        assert_eq!(piton(&sandbox, "deploy --to drive", &[]).code, Some(1));
    }
    assert_eq!(sandbox.path().join("drive").read_dir().unwrap().count(), 0);
    assert_snapshot!(text);
}

#[test]
fn a_target_that_is_not_known() {
    let sandbox = project();
    std::fs::create_dir(sandbox.path().join("drive")).unwrap();
    let both = "build --target micropython --target circuitpython-10";
    assert_eq!(piton(&sandbox, both, &[]).code, Some(0));
    let lines = [
        "deploy --to drive",
        "deploy --to drive --target esp32",
        "deploy --to drive --target circuitpython-10 --dry-run",
    ];
    assert_snapshot!(lines.map(|line| told(&sandbox, line)).join("\n\n"));
}

#[test]
fn a_board_without_native_code_gets_none() {
    let sandbox = crate::support::Sandbox::new();
    for folder in ["src", "board"] {
        std::fs::create_dir(sandbox.path().join(folder)).unwrap();
    }
    let fast = "import micropython\n@micropython.native\ndef f(): pass\n";
    sandbox.write("src/fast.py", fast);
    sandbox.write("src/slow.py", "x = 1\n");
    for line in ["build", "build --target micropython:armv6m"] {
        assert_eq!(piton(&sandbox, line, &[]).code, Some(0));
        assert_snapshot!(told(&sandbox, "connect virtual:board deploy"));
    }
    let line = "connect virtual:board sync --compile src :";
    assert_snapshot!(told(&sandbox, line));
    assert_eq!(sandbox.path().join("board").read_dir().unwrap().count(), 0);
}

/// Two files on this computer, one on the FAT of a drive.
#[cfg(target_os = "linux")]
#[test]
fn names_that_differ_in_case() {
    let sandbox = crate::support::Sandbox::new();
    for folder in ["src/lib", "src/LIB", "drive"] {
        std::fs::create_dir_all(sandbox.path().join(folder)).unwrap();
    }
    sandbox.write("src/lib/a.py", "x = 1\n");
    sandbox.write("src/LIB/A.py", "x = 1\n");
    assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
    assert_snapshot!(told(&sandbox, "deploy --to drive"));
    assert_eq!(sandbox.path().join("drive").read_dir().unwrap().count(), 0);
}

/// A build that watches goes on, whatever is wrong at a time.
#[cfg(unix)]
#[test]
fn a_build_that_watches() {
    use std::io::{BufRead, BufReader};

    use rustix::process::{Pid, Signal, kill_process};

    let sandbox = project();
    let mut command = sandbox.piton();
    command.args(["build", "--watch", "--keep-going", "--no-archives"]);
    command.env("PITON_CACHE_DIR", sandbox.path().join("../cache"));
    command.env_remove("GITHUB_ACTIONS");
    command.env_remove("GITHUB_STEP_SUMMARY");
    command.env_remove("GITHUB_OUTPUT");
    command.stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut wait_for = |what: &str| {
        let mut seen = Vec::new();
        let found = lines.by_ref().map(Result::unwrap).any(|line| {
            seen.push(line.clone());
            line.contains(what)
        });
        assert!(found, "{what}: {seen:?}");
        seen
    };
    // At once: a file that is still empty would be built as well.
    let put = |name: &str, content: &str| {
        sandbox.write("beside", content);
        std::fs::rename(sandbox.path().join("beside"), sandbox.path().join(name)).unwrap();
    };
    wait_for("watching for changes");
    put("src/bad.py", "x = (\n");
    wait_for("built; 1 source did not compile");
    put("pyproject.toml", "[bad");
    wait_for("expected `]`");
    std::fs::remove_file(sandbox.path().join("pyproject.toml")).unwrap();
    std::fs::remove_file(sandbox.path().join("src/lib/answer.py")).unwrap();
    wait_for("nothing written: no source compiled");
    put("src/other.py", "x = 1\n");
    wait_for("built");
    std::fs::rename(sandbox.path().join("src"), sandbox.path().join("away")).unwrap();
    wait_for("there is no folder `src`");
    std::fs::rename(sandbox.path().join("away"), sandbox.path().join("src")).unwrap();
    wait_for("unchanged");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(crate::support::wait(&mut child).code(), Some(0));
    assert!(sandbox.path().join("build/mpy/other.mpy").exists());
}
