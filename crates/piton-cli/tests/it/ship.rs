//! What stands around `build`: its documents, its schema, and builds that lie on a server.

use std::path::{Path, PathBuf};

use insta::assert_snapshot;

use crate::build::{piton, project, told};
use crate::support::{Sandbox, run};
use crate::web::{Answer, Web};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// What the schema says of each of these documents, a line for each.
fn against_the_schema(sandbox: &Sandbox, documents: &[String]) -> Vec<String> {
    let mut command = test_programs::belay_python();
    command.current_dir(sandbox.path());
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schema.py"));
    command.arg(root().join("docs/manifest.schema.json"));
    command.args(documents);
    let outcome = run(command);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    outcome.stdout().lines().map(str::to_owned).collect()
}

#[test]
fn manifests_are_those_of_the_schema() {
    let sandbox = project();
    let line = "build --data *.bin --target micropython:armv7m --target circuitpython-10";
    assert_eq!(piton(&sandbox, line, &[]).code, Some(0));
    let manifest =
        String::from_utf8(sandbox.read("build/micropython-armv7m/manifest.json")).unwrap();
    let hash = "\"sha256\": \"";
    let changes = [
        ("\"version\": \"0.0.0\",", "", ": lacks version"),
        (
            "\"version\": \"0.0.0\"",
            "\"version\": 1",
            "/version: expected string",
        ),
        ("02:46:02Z", "02:46:02", "/build_timestamp: does not match"),
        (
            "\"path\": \"lib/",
            "\"path\": \"../",
            "/files/0/path: does not match",
        ),
        (
            "\"path\": \"lib/",
            "\"path\": \"/",
            "/files/0/path: does not match",
        ),
        (
            "\"path\": \"main.py\"",
            "\"path\": \"a/./b\"",
            "/files/2/path: does not match",
        ),
        (hash, "\"sha256\": \"0", "/files/0/sha256: does not match"),
        ("\"size\": 54", "\"size\": -1", "/files/0/size: too small"),
        (
            "\"kind\": \"data\"",
            "\"kind\": \"date\"",
            "/files/1/kind: expected one of ['mpy', 'source', 'data']",
        ),
        (
            "\"entry\": true",
            "\"entry\": 1",
            "/files/2/entry: expected boolean",
        ),
        ("\"arch\":", "\"ark\":", "/files/0/mpy: lacks arch"),
        ("\"schema\": 1", "\"schema\": 2", "/schema: expected 1"),
        ("\"target\": ", "\"goal\": ", ": lacks target"),
        ("\"options\": [", "\"flags\": [", "/compiler: lacks options"),
        (
            "\"kind\": \"data\"",
            "\"sort\": \"data\"",
            "not described: ['sort']",
        ),
    ];
    let mut documents = vec![
        "build/micropython-armv7m/manifest.json".to_owned(),
        "build/circuitpython-10/manifest.json".to_owned(),
    ];
    let mut expected = vec!["valid".to_owned(); 2];
    let timestamp = manifest.replace("10:46:02Z", "02:46:02Z");
    for (index, (old, new, answer)) in changes.into_iter().enumerate() {
        assert!(timestamp.contains(old), "{old}");
        let name = format!("changed-{index}.json");
        sandbox.write(&name, timestamp.replacen(old, new, 1));
        documents.push(name);
        expected.push(answer.to_owned());
    }
    // What the workflow itself wrote.
    sandbox.write(
        "reference.json",
        "{\"version\": \"1.0.0\", \"build_timestamp\": \"2026-02-06T10:46:02Z\", \"files\": []}",
    );
    documents.push("reference.json".to_owned());
    expected.push("valid".to_owned());
    assert_eq!(against_the_schema(&sandbox, &documents), expected);
}

/// The rows of the tables of a document that begin with a word in backticks, whole.
fn rows(document: &str) -> Vec<&str> {
    let lines = document.lines();
    lines.filter(|line| line.starts_with("| `")).collect()
}

#[test]
fn every_setting_is_documented() {
    let document = text("docs/build.md");
    let rows = rows(&document);
    let sandbox = project();
    // The message names all fields that there are.
    sandbox.write("pyproject.toml", "[tool.piton.build]\nno-setting = 1\n");
    let message = told(&sandbox, "build");
    let (_, names) = message.split_once("expected one of ").unwrap();
    let names = names.lines().next().unwrap();
    let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
    assert!(
        names.contains(&"allow-fail") && names.contains(&"sign"),
        "{message}"
    );
    for name in names {
        let row = format!("| `{name}` | ");
        assert!(rows.iter().any(|line| line.starts_with(&row)), "{name}");
    }
    for command in ["build", "verify", "deploy"] {
        let help = piton(&sandbox, &format!("help {command}"), &[]).stdout();
        assert!(
            help.contains("  --key ") || help.contains("--sign"),
            "{help}"
        );
        let options = help.split_whitespace().filter_map(|word| {
            let name = word.trim_matches([',', '`']).strip_prefix("--")?;
            Some(format!("--{name}"))
        });
        for option in options.filter(|option| {
            !["--help", "--jobs", "--no-cache", "--optimise", "--json"].contains(&option.as_str())
        }) {
            assert!(document.contains(&option), "{command} {option}");
        }
    }
}

/// All names in a line of JSON.
fn names_in(json: &str) -> Vec<String> {
    let strings = json.split('"').skip(1).step_by(2);
    let names = strings.filter(|name| json.contains(&format!("\"{name}\":")));
    names.map(str::to_owned).collect()
}

#[test]
fn what_programs_read_is_documented() {
    let document = text("docs/build.md");
    let (_, section) = document.split_once("\n## For programs\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let sandbox = project();
    std::fs::create_dir(sandbox.path().join("drive")).unwrap();
    sandbox.write("src/bad.py", "x = {**a}\n");
    let both = "--target micropython --target circuitpython-10";
    for (line, some) in [
        ("--json keygen --no-password".to_owned(), "secret_file"),
        (
            format!("--json build --sign piton.key {both}"),
            "signatures",
        ),
        ("--json verify --key piton.pub".to_owned(), "findings"),
        (
            "--json deploy --to drive --dry-run --target micropython".to_owned(),
            "action",
        ),
        (
            "--json connect virtual deploy --dry-run".to_owned(),
            "unchanged",
        ),
    ] {
        let extra = sandbox.path().join("build/micropython/mpy/extra");
        if line.contains("verify") {
            std::fs::write(&extra, "").unwrap();
        } else {
            let _ = std::fs::remove_file(&extra);
        }
        let json = piton(&sandbox, &line, &[]).stdout();
        assert_eq!(json.lines().count(), 1, "{line}: {json}");
        let names = names_in(&json);
        assert!(names.iter().any(|name| name == some), "{line}: {json}");
        for name in names {
            assert!(section.contains(&format!("`{name}`")), "{line}: {name}");
        }
    }
}

#[test]
fn the_three_uses_of_the_reference_script() {
    let sandbox = project();
    std::fs::create_dir(sandbox.path().join("CIRCUITPY")).unwrap();
    sandbox.write(
        "CIRCUITPY/boot_out.txt",
        "Adafruit CircuitPython 10.0.3 on 2025-10-01; Raspberry Pi Pico with rp2040\n",
    );
    let line = "build --target circuitpython-10";
    assert_eq!(piton(&sandbox, line, &[]).code, Some(0));
    // As the artifacts of the workflow are unpacked.
    for name in ["manifest.json", "mpy"] {
        std::fs::rename(
            sandbox.path().join("build").join(name),
            sandbox.path().join(name),
        )
        .unwrap();
    }
    let document = text("docs/build.md");
    for line in [
        "verify .",
        "verify . --output-dir ./mpy",
        "deploy . --copy-to-circuitpy CIRCUITPY",
    ] {
        let outcome = piton(&sandbox, line, &[]);
        assert_eq!(outcome.code, Some(0), "{line}: {}", outcome.stderr());
        let (begin, _) = line.split_once("CIRCUITPY").unwrap_or((line, ""));
        assert!(document.contains(&format!("`piton {begin}")), "{line}");
    }
    assert_eq!(
        sandbox.read("CIRCUITPY/lib/answer.mpy"),
        sandbox.read("mpy/lib/answer.mpy")
    );
}

/// A board may start at any moment: what a module imports is there before it.
#[test]
fn files_come_after_what_they_import() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path().join("src/lib/net")).unwrap();
    std::fs::create_dir(sandbox.path().join("drive")).unwrap();
    sandbox.write("src/code.py", "import app\n");
    sandbox.write("src/app.py", "import zero\nfrom net import http\n");
    sandbox.write("src/zero.py", "x = 0\n");
    sandbox.write("src/lib/net/__init__.py", "");
    sandbox.write("src/lib/net/http.py", "from . import ssl\n");
    sandbox.write("src/lib/net/ssl.py", "import json\n");
    sandbox.write("src/lib/net/roots.pem", "-----BEGIN CERTIFICATE-----\n");
    // It would be imported instead of a file that comes, until it is gone.
    sandbox.write("drive/zero.py", "old\n");
    assert_eq!(
        piton(&sandbox, "build --target micropython --data *.pem", &[]).code,
        Some(0)
    );
    assert_snapshot!(told(&sandbox, "deploy --dry-run --to drive"));
    assert_snapshot!(told(&sandbox, "connect virtual deploy --dry-run"));
}

/// A board's files need not be in `/`: a pyboard's are in `/flash`, its current folder after a reset.
#[test]
fn a_deployment_goes_to_the_current_folder() {
    let sandbox = project();
    for line in ["keygen --no-password", "build --sign piton.key"] {
        assert_eq!(piton(&sandbox, line, &[]).code, Some(0), "{line}");
    }
    let moved = "exec 'import os; os.mkdir(\"flash\"); os.chdir(\"flash\")'";
    let deploy = "deploy --key piton.pub";
    assert_snapshot!(told(
        &sandbox,
        &format!("connect virtual {moved} {deploy} + {deploy} + exec 'import main' fs tree :/")
    ));
}

/// Put all files below this folder of the sandbox on a server, below `/`.
fn serve(sandbox: &Sandbox, web: &Web, folder: &str) {
    let root = sandbox.path().join(folder);
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap();
            let name = name.to_str().unwrap().replace('\\', "/");
            let name = name.replace(' ', "%20");
            web.put(
                &format!("/{name}"),
                Answer::Body(std::fs::read(&path).unwrap()),
            );
        }
    }
}

#[test]
fn a_build_on_a_server() {
    let sandbox = project();
    sandbox.write("src/two words.py", "x = 2\n");
    assert_eq!(piton(&sandbox, "keygen --no-password", &[]).code, Some(0));
    let build = |line: &str| assert_eq!(piton(&sandbox, line, &[]).code, Some(0), "{line}");
    build("build --sign piton.key");
    build("build --target micropython --target circuitpython-10 --out both");
    let web = Web::start();
    serve(&sandbox, &web, "both");
    serve(&sandbox, &web, "build");
    let check = |line: &str| told(&sandbox, &line.replace("WEB", &web.url("")));
    let show = |line: &str| check(line).replace(&web.url(""), "WEB");
    for place in [
        "manifest.json",
        "manifest.json?token=1/2",
        "",
        "mpy-files.zip",
        "mpy-files.tar.gz",
    ] {
        if let Some(query) = place.strip_prefix("manifest.json?") {
            let path = format!("/manifest.json?{query}");
            web.put(&path, Answer::Body(sandbox.read("build/manifest.json")));
        }
        let text = check(&format!("verify WEB/{place} --key piton.pub"));
        assert!(
            text.ends_with("3 files, all right\n--- exit 0"),
            "{place}: {text}"
        );
    }
    assert_snapshot!(show("verify WEB/index.json"));
    let text = check("verify WEB/manifest.json --files build/mpy");
    assert!(text.ends_with("--- exit 0"), "{text}");
    std::fs::create_dir(sandbox.path().join("drive")).unwrap();
    let text = check("deploy WEB/mpy-files.zip --to drive");
    assert!(text.contains("3 created"), "{text}");
    assert_eq!(
        sandbox.read("drive/lib/answer.mpy"),
        sandbox.read("build/mpy/lib/answer.mpy")
    );
    let mut mpy = sandbox.read("build/mpy/lib/answer.mpy");
    *mpy.last_mut().unwrap() ^= 1;
    web.put("/mpy/lib/answer.mpy", Answer::Body(mpy));
    web.put("/mpy/main.py", Answer::Status(404));
    web.put("/mpy/two%20words.mpy", Answer::Body(vec![b'M'; 99]));
    web.put("/manifest.json.minisig", Answer::Status(403));
    assert_snapshot!(show("verify WEB/manifest.json --key piton.pub"));
    // A server that is hostile, or not there.
    web.put("/mpy/main.py", Answer::Body(vec![b'x'; 70_000]));
    let manifest = String::from_utf8(sandbox.read("build/manifest.json")).unwrap();
    let huge = manifest.replacen("\"size\": ", "\"size\": 9000000000", 1);
    web.put_text("/huge/manifest.json", huge);
    let out = manifest.replacen("\"mpy/lib", "\"mpy/../../lib", 1);
    web.put_text("/out/manifest.json", out);
    web.put_text("/page", "<html>");
    for place in [
        "manifest.json",
        "huge/",
        "out/manifest.json",
        "page",
        "nowhere/",
    ] {
        assert_snapshot!(
            format!("server_{}", place.replace('/', "_")),
            show(&format!("verify WEB/{place}"))
        );
    }
}

/// Everything below a folder, by path.
#[cfg(unix)]
fn content(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut content = std::collections::BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                content.insert(path, bytes);
            }
        }
    }
    content
}

/// A limit on the size of files makes every write beyond it fail, as on a full disk, or end the program in the middle
/// of it, as a power cut does.
#[cfg(unix)]
#[test]
fn a_disk_that_takes_no_more() {
    let sandbox = project();
    // Longer than what is there before, and hard to compress: each of the results has its limit.
    let noise = |seed: u32| {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..6000).map(|_| next()).collect::<Vec<u8>>()
    };
    let drive = sandbox.path().join("drive");
    std::fs::create_dir(&drive).unwrap();
    sandbox.write("src/lib/font.bin", &noise(1)[..100]);
    let line = "build --data *.bin";
    assert_eq!(piton(&sandbox, line, &[]).code, Some(0));
    let deploy = "deploy --to drive";
    assert_eq!(piton(&sandbox, deploy, &[]).code, Some(0));
    let limited = |line: &str, trap: &str, blocks: u32| {
        let mut command = std::process::Command::new("bash");
        let script = format!("{trap} ulimit -c 0; ulimit -f {blocks}; exec \"$PITON\" {line}");
        command.arg("-c").arg(script).current_dir(sandbox.path());
        command.env("PITON", env!("CARGO_BIN_EXE_piton"));
        command.env("PITON_CACHE_DIR", sandbox.path().join("../cache"));
        command.env("SOURCE_DATE_EPOCH", "1770374762");
        command.env_remove("CI").env_remove("GITHUB_ACTIONS");
        command
            .env_remove("GITHUB_OUTPUT")
            .env_remove("GITHUB_STEP_SUMMARY");
        run(command)
    };
    let out = sandbox.path().join("build");
    let old = content(&out);
    sandbox.write("src/main.py", "print('new')\n");
    sandbox.write("src/lib/font.bin", noise(2));
    let (full, cut) = ("trap '' XFSZ;", "");
    // A block is 1024 bytes: the manifest, then the data, then the archives are too long.
    for blocks in [1, 3, 6] {
        let outcome = limited(&format!("{line} --no-cache"), full, blocks);
        let told = outcome.stderr();
        assert_eq!(outcome.code, Some(1), "{told}");
        assert!(told.contains("could not write `"), "{told}");
        assert_eq!(content(&out), old, "{blocks}");
        assert_eq!(
            limited(&format!("{line} --no-cache"), cut, blocks).code,
            None
        );
        assert_eq!(content(&out), old, "{blocks}");
    }
    let entries = || sandbox.path().read_dir().unwrap().count();
    let left = entries();
    assert_eq!(piton(&sandbox, line, &[]).code, Some(0));
    assert_eq!(entries(), left - 1, "what the cut left is gone");
    assert_eq!(piton(&sandbox, "verify", &[]).code, Some(0));
    let new = out.join("mpy");
    let either = |drive: &Path, old: &std::collections::BTreeMap<PathBuf, Vec<u8>>| {
        for (path, bytes) in content(drive) {
            let name = path.strip_prefix(drive).unwrap();
            let first = name.iter().next().unwrap().to_str().unwrap();
            let last = name.file_name().unwrap().to_str().unwrap();
            let hidden =
                [".piton-part", ".piton-made"].contains(&first) || last.starts_with(".piton-part.");
            let whole = std::fs::read(new.join(name)).is_ok_and(|new| new == bytes);
            assert!(
                hidden || whole || old.get(&path) == Some(&bytes),
                "{}",
                path.display()
            );
        }
        for path in old.keys() {
            assert!(path.exists(), "{}", path.display());
        }
    };
    let before = content(&drive);
    let outcome = limited(deploy, full, 1);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr().contains("this file is as it was"),
        "{}",
        outcome.stderr()
    );
    either(&drive, &before);
    assert_eq!(content(&drive), before, "`main.py` comes after its modules");
    assert_eq!(limited(deploy, cut, 1).code, None);
    either(&drive, &before);
    assert_eq!(piton(&sandbox, deploy, &[]).code, Some(0));
    assert_eq!(
        content(&drive).len(),
        before.len(),
        "what the cut left is gone"
    );
    either(&drive, &std::collections::BTreeMap::new());
}
