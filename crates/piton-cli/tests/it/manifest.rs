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
