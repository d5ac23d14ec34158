//! `build` in the projects that people have: what it takes for sources, for whom it builds, and what it never ships.

use crate::build::{piton, told};
use crate::support::Sandbox;

/// A project of these files.
fn project(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (path, content) in files {
        let folder = sandbox.path().join(path);
        std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
        sandbox.write(path, content);
    }
    sandbox
}

/// The files that a build without options makes, by name, and what it tells.
#[track_caller]
fn built(sandbox: &Sandbox, line: &str) -> (Vec<String>, String) {
    let text = told(sandbox, line);
    assert!(text.ends_with("exit 0"), "{text}");
    (files(sandbox), text)
}

fn files(sandbox: &Sandbox) -> Vec<String> {
    let manifest = manifest(sandbox);
    let files = manifest["files"].as_array().unwrap().iter();
    files
        .map(|file| file["path"].as_str().unwrap().to_owned())
        .collect()
}

fn manifest(sandbox: &Sandbox) -> serde_json::Value {
    serde_json::from_slice(&sandbox.read("build/manifest.json")).unwrap()
}

#[test]
fn entry_files_are_enough() {
    for source in ["src/", ""] {
        let sandbox = project(&[
            (&format!("{source}main.py"), "print('from main')\n"),
            (&format!("{source}boot.py"), "x = 1\n"),
            ("README.md", "for people"),
        ]);
        let (files, text) = built(&sandbox, "build");
        assert_eq!(files, ["boot.py", "main.py"], "{text}");
        assert!(
            text.contains("micropython: 2 files, 25 bytes, 0 compiled"),
            "{text}"
        );
        assert_eq!(piton(&sandbox, "verify", &[]).code, Some(0));
        std::fs::create_dir(sandbox.path().join("board")).unwrap();
        let deploy = piton(&sandbox, "connect virtual:board deploy", &[]);
        assert_eq!(deploy.code, Some(0), "{}", deploy.stderr());
        let line = "connect virtual:board exec 'import main'";
        assert_eq!(piton(&sandbox, line, &[]).stdout(), "from main\r\n");
    }
    let sandbox = project(&[("src/notes.txt", "no program")]);
    let text = told(&sandbox, "build src");
    assert!(text.contains("no Python source in `src`"), "{text}");
    assert!(text.ends_with("exit 1"), "{text}");
}

const DRIVER: &str = "import micropython\nimport helper\n@micropython.viper\ndef add(a: int, b: int) -> int:\n    return a + b\n";

#[test]
fn machine_code_goes_along_as_source() {
    let sandbox = project(&[
        ("src/main.py", "import app\n"),
        ("src/app.py", "import drv\n"),
        ("src/drv.py", DRIVER),
        ("src/helper.py", "x = 1\n"),
    ]);
    // In CI too: nothing is wrong with it.
    let outcome = piton(
        &sandbox,
        "build",
        &[("CI", "1"), ("GITHUB_ACTIONS", "true")],
    );
    let text = outcome.stderr();
    assert_eq!(outcome.code, Some(0), "{text}");
    assert!(text.contains("drv.py:3` asks for native code"), "{text}");
    let notice = "::notice file=src/drv.py,line=3,title=native code::";
    assert!(text.contains(notice), "{text}");
    assert_eq!(
        files(&sandbox),
        ["app.mpy", "drv.py", "helper.mpy", "main.py"]
    );
    let manifest = manifest(&sandbox);
    let driver = &manifest["files"][1];
    assert_eq!(driver["kind"], "source");
    assert_eq!(driver["entry"], false);
    assert_eq!(driver["source"], "drv.py");
    assert_eq!(driver["sha256"], driver["source_sha256"]);
    assert_eq!(sandbox.read("build/mpy/drv.py"), DRIVER.as_bytes());

    let json = piton(&sandbox, "--json build", &[]).stdout();
    let summary = serde_json::from_str::<serde_json::Value>(&json).unwrap();
    assert_eq!(summary["written"], "unchanged");
    assert_eq!(summary["as_source"][0]["source"], "drv.py");
    assert_eq!(summary["as_source"][0]["line"], 3);
    assert_eq!(summary["failures"].as_array().unwrap().len(), 0);
    assert_eq!(piton(&sandbox, "verify", &[]).code, Some(0));

    // It goes after what it imports, and nothing compiled of that name stays to be imported instead.
    std::fs::create_dir(sandbox.path().join("drive")).unwrap();
    sandbox.write("drive/drv.mpy", "M stale");
    let steps = piton(&sandbox, "--json deploy --to drive", &[]).stdout();
    let steps = serde_json::from_str::<serde_json::Value>(&steps).unwrap();
    let steps = steps.as_array().unwrap().iter();
    let steps = steps.map(|step| {
        format!(
            "{} {}",
            step["action"].as_str().unwrap(),
            step["path"].as_str().unwrap()
        )
    });
    assert_eq!(
        steps.collect::<Vec<_>>(),
        [
            "create helper.mpy",
            "create drv.py",
            "remove drv.mpy",
            "create app.mpy",
            "create main.py"
        ]
    );
    assert!(!sandbox.path().join("drive/drv.mpy").exists());
    // What else is wrong with such a source is an error as ever.
    sandbox.write("src/drv.py", format!("{DRIVER}x = {{**a}}\n"));
    let text = told(&sandbox, "build --strict");
    assert!(
        text.contains("src/drv.py:6") && text.ends_with("exit 1"),
        "{text}"
    );
}

#[test]
fn what_is_imported_is_in_the_build() {
    let sandbox = project(&[
        ("src/main.py", "import app\n"),
        ("src/app.py", "def f():\n    import lib.bad\n"),
        ("src/lib/bad.py", "x = {**a}\n"),
        ("src/other.py", "x = 1\n"),
    ]);
    assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
    let text = told(&sandbox, "build");
    let early = "app.mpy: it imports `lib/bad.py`, which is left out of the build as it did not compile; `deploy` refuses that";
    assert!(text.contains(early), "{text}");
    let left_out = serde_json::json!([{"path": "lib/bad.mpy", "source": "lib/bad.py"}]);
    assert_eq!(manifest(&sandbox)["left_out"], left_out);
    let text = told(&sandbox, "verify");
    let finding = "app.mpy: it imports `lib/bad.py`, which is left out of the build";
    assert!(text.contains(finding) && text.ends_with("exit 1"), "{text}");
    let json = piton(&sandbox, "--json verify", &[]).stdout();
    assert!(json.contains("\"problem\":\"left-out\""), "{json}");
    std::fs::create_dir(sandbox.path().join("board")).unwrap();
    for line in [
        "connect virtual:board deploy",
        "deploy --to board",
        "verify build/mpy-files.zip",
    ] {
        let text = told(&sandbox, line);
        assert!(text.contains(finding) && text.ends_with("exit 1"), "{text}");
    }
    assert_eq!(sandbox.path().join("board").read_dir().unwrap().count(), 0);
    // Whoever can do without it has said so.
    for source in [
        "try:\n    import lib.bad\nexcept ImportError:\n    bad = None\n",
        "import sys\nif sys.platform == 'esp32':\n    from lib import bad\n",
        "import nothing_of_ours, other\n",
    ] {
        sandbox.write("src/app.py", source);
        assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
        assert_eq!(piton(&sandbox, "verify", &[]).code, Some(0), "{source}");
    }
    // The entry files are asked as well, and what came another way is there.
    sandbox.write("src/main.py", "from lib import bad\n");
    assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
    assert!(told(&sandbox, "verify").contains("main.py: it imports `lib/bad.py`"));
}

#[test]
fn circuitpython_is_recognised() {
    let program = ("code.py", "import helper\n");
    let helper = ("helper.py", "x = 1\n");
    for (sign, content, target) in [
        (
            "boot_out.txt",
            "Adafruit CircuitPython 9.2.1 on 2024-11-20; X with y\n",
            "circuitpython-9",
        ),
        (
            "boot_out.txt",
            "Adafruit CircuitPython 11.0.0-alpha.1 on 2027-01-01; X with y\n",
            "circuitpython-10",
        ),
        ("settings.toml", "A = 1\n", "circuitpython-10"),
        ("safemode.py", "", "circuitpython-10"),
        (
            "lib/other.mpy",
            "C\x06\x00\x1f\x01\x00\x00",
            "circuitpython-10",
        ),
    ] {
        let sandbox = project(&[("main.py", "import helper\n"), helper, (sign, content)]);
        let (_, text) = built(&sandbox, "build");
        assert!(text.contains(&format!("building for {target}")), "{text}");
        assert_eq!(manifest(&sandbox)["target"], target);
        assert_eq!(sandbox.read("build/mpy/helper.mpy")[0], b'C');
    }
    let sandbox = project(&[program, helper, ("repl.py", ""), ("data/a.json", "{}")]);
    let (files, text) = built(&sandbox, "build");
    assert!(
        text.contains("`code.py` is for CircuitPython: building for circuitpython-10"),
        "{text}"
    );
    assert_eq!(files, ["code.py", "data/a.json", "helper.mpy", "repl.py"]);
    // Who names a target gets it, and no data then.
    let (files, _) = built(&sandbox, "build --target micropython");
    assert_eq!(files, ["code.py", "helper.mpy", "repl.mpy"]);
    sandbox.write(
        "boot_out.txt",
        "Adafruit CircuitPython 6.3.0 on 2021-06-02; X with y\n",
    );
    let text = told(&sandbox, "build");
    assert!(
        text.contains("CircuitPython 6.3.0, expected 7 or newer"),
        "{text}"
    );
}

#[test]
fn data_goes_along_or_is_told() {
    let files = [
        ("code.py", ""),
        ("settings.toml", "A = 1\n"),
        ("sounds/a.wav", "RIFF"),
        ("fonts/b.bdf", "FONT"),
        ("part.stl", "solid"),
        ("README.md", "for people"),
        (
            "boot_out.txt",
            "Adafruit CircuitPython 10.0.3 on 2025-10-01; X with y\n",
        ),
    ];
    let sandbox = project(&files);
    let (found, text) = built(&sandbox, "build");
    assert_eq!(
        found,
        ["code.py", "fonts/b.bdf", "settings.toml", "sounds/a.wav"]
    );
    assert!(
        text.contains("data files among these: 1 bdf, 1 toml, 1 wav"),
        "{text}"
    );
    assert!(text.contains("as no board reads them: 1 stl"), "{text}");
    let (found, _) = built(&sandbox, "build --data *.stl --exclude !README.md");
    // The rest goes along all the same, unless the project lists its data.
    let mut more = vec!["README.md", "code.py", "fonts/b.bdf", "part.stl"];
    more.extend(["settings.toml", "sounds/a.wav"]);
    assert_eq!(found, more);
    sandbox.write("pyproject.toml", "[tool.piton.build]\ndata = ['fonts/']\n");
    let (found, text) = built(&sandbox, "build");
    assert_eq!(found, ["code.py", "fonts/b.bdf"]);
    assert!(
        text.contains("data files are left out: `part.stl`, `settings.toml`"),
        "{text}"
    );

    let sandbox = project(&[
        ("src/main.py", ""),
        ("src/a.json", "{}"),
        ("src/b/c.bin", "x"),
    ]);
    let (found, text) = built(&sandbox, "build");
    assert_eq!(found, ["main.py"]);
    let told = "2 data files are left out: `a.json`, `b/c.bin`; `--data PATTERN` includes them";
    assert!(text.contains(told), "{text}");
    let json = piton(&sandbox, "--json build", &[]).stdout();
    assert!(
        json.contains("\"data_left_out\":[\"a.json\",\"b/c.bin\"]"),
        "{json}"
    );
    let (found, text) = built(&sandbox, "build --data *.json --data b/");
    assert_eq!(found, ["a.json", "b/c.bin", "main.py"]);
    assert!(!text.contains("left out"), "{text}");
}

#[test]
fn a_module_beside_its_source_is_left_out() {
    let sandbox = project(&[
        ("code.py", ""),
        ("lib/a.py", "x = 1\n"),
        ("lib/a.mpy", "C\x06\x00\x1f"),
    ]);
    let (files, text) = built(&sandbox, "build");
    assert_eq!(files, ["code.py", "lib/a.mpy"]);
    assert!(text.contains("its source is in the same folder"), "{text}");
    assert_eq!(manifest(&sandbox)["files"][1]["source"], "lib/a.py");
}

#[test]
fn a_package_json_names_the_sources() {
    let sandbox = project(&[
        (
            "package.json",
            r#"{"urls": [["pack/__init__.py", "pack/__init__.py"],
                         ["pack/a.py", "github:me/mine/pack/a.py"],
                         ["pack/b.py", "github:me/mine/deep/other_name.py"],
                         ["pack/b.py", "github:me/mine/deep/other_name.py"],
                         ["pack/font.bin", "pack/font.bin"],
                         ["far.py", "github:else/where/far.py"]],
                "deps": [["aioble", "latest"]], "version": "1.0"}"#,
        ),
        ("pack/__init__.py", "from . import a, b\n"),
        ("pack/a.py", "x = 1\n"),
        ("deep/other_name.py", "from .a import x\n"),
        (
            "deep/package.json",
            r#"{"urls": [["c.py", "github:me/mine@main/deep/other_name.py"], ["d.py", "github:me/mine/pack/a.py"]]}"#,
        ),
        ("pack/font.bin", "\x01"),
        ("tests/test_a.py", "import pack\n"),
        ("main.py", "import pack\n"),
    ]);
    for line in ["build", "build ."] {
        let (files, text) = built(&sandbox, line);
        assert_eq!(
            files,
            [
                "pack/__init__.mpy",
                "pack/a.mpy",
                "pack/b.mpy",
                "pack/font.bin"
            ]
        );
        assert!(text.contains("package.json` names"), "{text}");
        assert!(
            text.contains(
                "not on this computer, so not in the build: `aioble`, `github:else/where/far.py`"
            ),
            "{text}"
        );
    }
    assert_eq!(
        manifest(&sandbox)["files"][2]["source"],
        "deep/other_name.py"
    );
    // Names in a repository count from its top, which is above here.
    let (files, _) = built(&sandbox, "build deep");
    assert_eq!(files, ["c.mpy", "d.mpy"]);
    assert_eq!(manifest(&sandbox)["files"][1]["source"], "pack/a.py");
    // All of it, for whoever says so.
    sandbox.write("pyproject.toml", "[tool.piton.build]\nsource = '.'\n");
    let (files, _) = built(&sandbox, "build");
    assert!(files.contains(&"tests/test_a.mpy".to_owned()), "{files:?}");
    std::fs::remove_file(sandbox.path().join("pyproject.toml")).unwrap();
    sandbox.write("package.json", r#"{"urls": [["../a.py", "pack/a.py"]]}"#);
    let text = told(&sandbox, "build");
    assert!(
        text.contains("package.json`: ") && text.ends_with("exit 1"),
        "{text}"
    );
    // What Node calls so is none.
    sandbox.write("package.json", r#"{"name": "x", "dependencies": {}}"#);
    let (files, _) = built(&sandbox, "build");
    assert!(files.contains(&"main.py".to_owned()), "{files:?}");
}

#[test]
fn a_library_is_its_package_or_its_modules() {
    let sandbox = project(&[
        ("setup.py", "import setuptools\n"),
        ("pack/__init__.py", "x = 1\n"),
        ("pack/deep/a.py", "x = 1\n"),
        ("tests/test_pack.py", "x = 1\n"),
        ("docs/conf.py", "x = 1\n"),
    ]);
    let (files, text) = built(&sandbox, "build");
    assert_eq!(files, ["pack/__init__.mpy", "pack/deep/a.mpy"]);
    assert!(text.contains("building the package `pack`"), "{text}");

    let sandbox = project(&[
        ("one.py", "x = 1\n"),
        ("two.py", "x = 1\n"),
        ("conftest.py", "x = 1\n"),
        ("examples/a.py", "x = 1\n"),
    ]);
    let (files, text) = built(&sandbox, "build");
    assert_eq!(files, ["one.mpy", "two.mpy"]);
    assert!(
        text.contains("building the modules of this folder"),
        "{text}"
    );

    let sandbox = project(&[("one.py", ""), ("pack/__init__.py", ""), ("v3/x.py", "")]);
    let text = told(&sandbox, "build");
    assert!(
        text.contains("there is no folder `src` with sources"),
        "{text}"
    );
    assert!(
        text.contains("Python is in `one.py`, `pack/`, `v3/`"),
        "{text}"
    );
    assert!(text.ends_with("exit 1"), "{text}");
}

#[test]
fn a_manifest_py_names_the_sources() {
    let sandbox = project(&[
        (
            "manifest.py",
            "metadata(version='1.0')\nrequire('aioble')\nmodule('one.py')\npackage('pack', base_path='sub')\n",
        ),
        ("one.py", "import pack\n"),
        ("two.py", "x = 1\n"),
        ("sub/pack/__init__.py", "x = 1\n"),
    ]);
    for line in ["build", "build ."] {
        let (files, text) = built(&sandbox, line);
        assert_eq!(files, ["one.mpy", "pack/__init__.mpy"]);
        assert!(
            text.contains("building the 2 files that `manifest.py` names"),
            "{text}"
        );
        assert!(text.contains("not in the build: `aioble`"), "{text}");
    }
    assert_eq!(
        manifest(&sandbox)["files"][1]["source"],
        "sub/pack/__init__.py"
    );
    // One of a firmware.
    sandbox.write(
        "manifest.py",
        "include('$(PORT_DIR)/boards/manifest.py')\nfreeze('sub')\nfreeze('.', 'two.py')\n",
    );
    let (files, text) = built(&sandbox, "build");
    assert_eq!(files, ["pack/__init__.mpy", "two.mpy"]);
    let told_of = "parts of a firmware, so not in the build: `$(PORT_DIR)/boards/manifest.py`";
    assert!(text.contains(told_of), "{text}");
    sandbox.write(
        "manifest.py",
        "for name in ['one.py']:\n    module(name)\nmodule('two.py')\n",
    );
    let text = told(&sandbox, "build");
    assert!(
        text.contains("`manifest.py`: line 1: expected a call"),
        "{text}"
    );
    assert!(
        text.contains("hint: ") && text.ends_with("exit 1"),
        "{text}"
    );
    // A module of a program.
    sandbox.write("manifest.py", "def freeze(x): pass\n");
    let (files, _) = built(&sandbox, "build .");
    assert!(files.contains(&"two.mpy".to_owned()), "{files:?}");
}

#[test]
fn several_packages_are_not_one() {
    let list = |path: &str| format!(r#"{{"urls": [["{path}", "github:me/mine/v3/{path}"]]}}"#);
    let (a, b) = (list("a/x.py"), list("shared.py"));
    let sandbox = project(&[
        ("v3/__init__.py", ""),
        ("v3/a/x.py", "x = 1\n"),
        ("v3/a/package.json", &a),
        ("v3/shared.py", "x = 1\n"),
        ("v3/b/package.json", &b),
    ]);
    let text = told(&sandbox, "build");
    assert!(text.contains("Python is in `v3/a/`, `v3/b/`"), "{text}");
    let (files, _) = built(&sandbox, "build v3/a");
    assert_eq!(files, ["a/x.mpy"]);
    // As deep as its longest name.
    sandbox.write("v3/b/package.json", r#"{"urls": [["shared.py", "github:me/mine/v3/shared.py"], ["x.py", "github:me/mine/v3/a/x.py"]]}"#);
    let (files, text) = built(&sandbox, "build v3/b");
    assert_eq!(files, ["shared.mpy", "x.mpy"]);
    assert!(!text.contains("not here"), "{text}");
}

#[test]
fn secrets_are_not_shipped() {
    let sandbox = project(&[
        ("code.py", ""),
        ("settings.toml", "PASSWORD = 'for the board'\n"),
        (".env", "PASSWORD=x\n"),
        ("sub/.env.local", "PASSWORD=x\n"),
        ("id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\n"),
        ("certs/own.key", "-----BEGIN PRIVATE KEY-----\n"),
        (
            "certs/own.pem",
            "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n",
        ),
        ("certs/chain.pem", "text\n-----BEGIN CERTIFICATE-----\n"),
        (".git/config", ""),
        (".vscode/a.json", "{}"),
        ("node_modules/a/b.txt", ""),
        ("venv/pyvenv.cfg", ""),
        ("venv/lib/x.py", ""),
        ("Thumbs.db", ""),
        (".piton-sync", ""),
    ]);
    let expected = ["certs/chain.pem", "code.py", "settings.toml"];
    let (files, text) = built(&sandbox, "build");
    assert_eq!(files, expected);
    assert!(
        text.contains("`certs/own.key` is left out: such a file usually holds"),
        "{text}"
    );
    let (files, text) = built(&sandbox, "build --data * --data *.key");
    assert_eq!(files, expected);
    assert!(text.contains("`id_rsa` is left out"), "{text}");
    // Who writes the name out means it.
    let (files, _) = built(&sandbox, "build --data certs/own.key --data .env");
    let mut more = vec![".env", "certs/chain.pem", "certs/own.key", "code.py"];
    more.push("settings.toml");
    assert_eq!(files, more);
}

#[test]
fn a_key_that_signs_is_never_shipped() {
    let sandbox = project(&[("src/main.py", "")]);
    assert_eq!(
        piton(&sandbox, "keygen -W src/piton.key", &[]).code,
        Some(0)
    );
    let (files, text) = built(&sandbox, "build --data *.key");
    assert_eq!(files, ["main.py"]);
    assert!(text.contains("`src/piton.key` is left out"), "{text}");
    // By its content, whatever its name.
    std::fs::rename(
        sandbox.path().join("src/piton.key"),
        sandbox.path().join("src/a.txt"),
    )
    .unwrap();
    sandbox.write("src/mini.key", crate::signing::KEY);
    for line in [
        "build --data a.txt",
        "build --data *.txt",
        "build --data mini.key",
    ] {
        let text = told(&sandbox, line);
        assert!(
            text.contains("is a secret key to sign with, and is never shipped"),
            "{text}"
        );
        assert!(text.ends_with("exit 1"), "{text}");
    }
}

#[test]
fn a_sync_copies_no_secrets() {
    let sandbox = project(&[
        ("app/main.py", "x = 1\n"),
        ("app/settings.toml", "A = 1\n"),
        ("app/.env", "PASSWORD=x\n"),
        ("app/own.key", "x"),
        ("app/node_modules/a.py", ""),
        ("app/.venv/b.py", ""),
        ("board/.env", "of the board"),
    ]);
    let outcome = piton(
        &sandbox,
        "connect virtual:board sync --delete --dry-run app",
        &[],
    );
    assert_eq!(
        outcome.stdout(),
        "create   settings.toml\ncreate   main.py\n",
        "{}",
        outcome.stderr()
    );
    let told = "left out: `app/own.key` usually holds passwords or secret keys; `--ignore '!NAME'` copies it";
    assert!(outcome.stderr().contains(told), "{}", outcome.stderr());
    assert!(!outcome.stderr().contains("node_modules"));
    let line = "connect virtual:board sync --dry-run --ignore '!own.key' app";
    assert!(piton(&sandbox, line, &[]).stdout().contains("own.key"));
}

#[test]
fn targets_are_suggested() {
    let sandbox = project(&[("src/main.py", "")]);
    for (target, suggestion) in [
        (
            "circuitpython",
            "did you mean `circuitpython-10` or `circuitpython-9`?",
        ),
        ("esp32", "`micropython` is right for all of its boards"),
        ("rp2", "`micropython` is right for all of its boards"),
        ("micropyhton", "did you mean `micropython`?"),
    ] {
        let text = told(&sandbox, &format!("build --target {target}"));
        assert!(text.contains(suggestion), "{text}");
        assert!(text.ends_with("exit 2"), "{text}");
        sandbox.write(
            "pyproject.toml",
            format!("[tool.piton.build]\ntargets = ['{target}']\n"),
        );
        let text = told(&sandbox, "build");
        assert!(text.contains(suggestion), "{text}");
        std::fs::remove_file(sandbox.path().join("pyproject.toml")).unwrap();
    }
}
