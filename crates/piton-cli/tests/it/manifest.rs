//! `manifest`: the table, JSON, errors, and manifests that need Python.

use crate::support::Sandbox;

#[test]
fn a_manifest_is_listed_with_its_metadata_in_json() {
    let sandbox = Sandbox::new();
    sandbox.write("main.py", "");
    sandbox.write(
        "manifest.py",
        "metadata(version='1.2')\nprint('hello')\nmodule('main.py', opt=2)\n",
    );
    let table = sandbox.run("manifest manifest.py");
    assert_eq!(table.code, Some(0));
    assert!(table.stdout().starts_with("main.py  freeze_as_mpy  -O2  /"));
    assert_eq!(table.stderr(), "hello\n");
    let json = sandbox.run("manifest --mode compile --json manifest.py");
    let json: serde_json::Value = serde_json::from_str(&json.stdout()).unwrap();
    assert_eq!(json["files"][0]["target"], "main.py");
    assert_eq!(json["files"][0]["kind"], "compile_as_mpy");
    assert_eq!(json["files"][0]["opt"], 2);
    assert_eq!(json["metadata"]["version"], "1.2");
    assert_eq!(json["metadata"]["license"], serde_json::Value::Null);
}

#[test]
fn an_error_has_upstreams_words() {
    let sandbox = Sandbox::new();
    sandbox.write("manifest.py", "module('missing.py')\n");
    let json = sandbox.run("manifest --json manifest.py");
    assert_eq!(json.code, Some(1));
    let json: serde_json::Value = serde_json::from_str(&json.stdout()).unwrap();
    let message = json["error"].as_str().unwrap();
    assert!(
        message.starts_with("Error in manifest file: /"),
        "{message}"
    );
    assert!(message.contains("manifest.py: Cannot stat /"), "{message}");
    let plain = sandbox.run("manifest manifest.py");
    assert_eq!((plain.code, plain.stdout().as_str()), (Some(1), ""));
    assert!(plain.stderr().contains(message));
}

#[test]
fn python_runs_what_needs_it_and_does_not_let_it_write() {
    let sandbox = Sandbox::new();
    sandbox.write("main.py", "");
    sandbox.write("inner.py", "module('main.py', opt=options.level)\n");
    sandbox.write(
        "manifest.py",
        "def names():\n    yield 'inner.py'\ninclude(names(), level=3)\nprint(metadata().version)\n",
    );
    let strict = sandbox.run("manifest --strict manifest.py");
    assert_eq!(strict.code, Some(1));
    assert!(strict.stderr().contains("yield"), "{}", strict.stderr());
    let table = sandbox.run("manifest manifest.py");
    assert!(
        table.stdout().starts_with("main.py  freeze_as_mpy  -O3"),
        "{}",
        table.stderr()
    );
    assert!(
        table.stderr().contains("is run by `python3`"),
        "{}",
        table.stderr()
    );
    for attempt in [
        "open('new.txt', 'w')",
        "__import__('os').system('touch new.txt')",
    ] {
        sandbox.write("manifest.py", format!("{attempt}\nmodule('main.py')\n"));
        let refused = sandbox.run("manifest manifest.py");
        assert_eq!(refused.code, Some(1), "{attempt}");
        assert!(refused.stderr().contains("may not"), "{}", refused.stderr());
        assert!(!sandbox.path().join("new.txt").exists());
    }
}

#[test]
fn one_list_becomes_a_folder_and_a_package() {
    let sandbox = Sandbox::new();
    sandbox.write("main.py", "def f():\n    return 1\n");
    std::fs::create_dir_all(sandbox.path().join("app/inner")).unwrap();
    sandbox.write("app/inner/x.py", "x = 1\n");
    sandbox.write(
        "manifest.py",
        "metadata(version='1.2')\nmodule('main.py')\npackage('app', opt=3)\n",
    );
    let written = sandbox.run("manifest --folder out --package manifest.py");
    assert_eq!(written.stdout(), "3 files in out\n", "{}", written.stderr());
    assert_eq!(
        sandbox.read("out/main.py"),
        b"def f():\n    return 1\n\n\n__version__ = '1.2'\n"
    );
    let package: serde_json::Value =
        serde_json::from_slice(&sandbox.read("out/package.json")).unwrap();
    assert_eq!(package["version"], "1.2");
    assert_eq!(
        package["urls"][0],
        serde_json::json!(["app/inner/x.py", "app/inner/x.py"])
    );
    // It installs as any package, and builds as any folder.
    let import = "import sys; sys.path.append('/lib'); import main; print(main.__version__)";
    let installed = sandbox.run_words(&[
        "connect", "virtual", "mip", "--no-mpy", "--target", "/lib", "install", "./out", "+",
        "exec", import,
    ]);
    assert!(
        installed.stdout().ends_with("1.2\r\n"),
        "{}{}",
        installed.stdout(),
        installed.stderr()
    );
    let again = sandbox.run("manifest --folder out manifest.py");
    assert!(
        again.stderr().contains("`out` is not empty"),
        "{}",
        again.stderr()
    );
    let compiled = sandbox.run("manifest --folder mpy --compiled manifest.py");
    assert_eq!(compiled.code, Some(0), "{}", compiled.stderr());
    assert!(sandbox.read("mpy/app/inner/x.mpy").starts_with(b"M\x06"));
    sandbox.write("manifest.py", "module('../main.py', base_path='app')\n");
    let escaped = sandbox.run("manifest --folder other manifest.py");
    assert_eq!(escaped.code, Some(1));
    assert!(!sandbox.path().join("other").exists());
}

#[test]
fn a_project_gives_a_manifest() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path().join("app")).unwrap();
    sandbox.write("app/__init__.py", "x = 1\n");
    sandbox.write(
        "pyproject.toml",
        "[project]\nname = \"app\"\nversion = \"1.2\"\n",
    );
    let source = sandbox.run("manifest --source pyproject.toml");
    assert_eq!(
        source.stdout(),
        "metadata(version='1.2')\npackage('app', base_path='.')\n"
    );
    let table = sandbox.run("manifest pyproject.toml");
    assert!(
        table
            .stdout()
            .starts_with("app/__init__.py  freeze_as_mpy  /"),
        "{}",
        table.stderr()
    );
    let image = sandbox.run("romfs --manifest pyproject.toml -o app.romfs build");
    assert_eq!(image.code, Some(0), "{}", image.stderr());
    assert!(
        sandbox
            .run("romfs ls app.romfs")
            .stdout()
            .ends_with(" app/__init__.mpy\n")
    );
    sandbox.write("pyproject.toml", "[project]\nname = \"gone\"\n");
    let missing = sandbox.run("manifest pyproject.toml");
    assert_eq!(missing.code, Some(1));
    assert!(
        missing.stderr().contains("has no code"),
        "{}",
        missing.stderr()
    );
}
