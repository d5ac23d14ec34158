//! Reports: what programs get of an operation, made by the operation itself.

use std::fs;

use piton::building::project::{Named, find};
use piton::building::{Settings, build};
use piton::compile::{self, Output, plan, run, sources};
use piton::compiler::Options;
use piton::deadline::Cancel;
use piton::reports::{BuildReport, CompileReport, DriveAction, VerifyReport};
use piton::shipment::keys::{self, KeyError, NewKeyFiles};
use piton::shipment::signature::{KeyFile, Password, SecretKey, SignatureError};
use piton::shipment::{Demands, to_drive};
use serde_json::{Value, json};

use crate::shipment::Project;
use crate::support::{folder, write};

fn value(report: impl serde::Serialize) -> Value {
    serde_json::to_value(report).unwrap()
}

#[test]
fn of_files_that_are_compiled() {
    let root = folder(&[
        ("a.py", "x = 1\n"),
        ("b.py", "def f():\n    break\n"),
        ("c.py", "match x:\n    case 1: pass\n"),
        ("d.mpy/", ""),
        ("d.py", ""),
    ]);
    let path = |name: &str| root.path().join(name);
    let names = ["a.py", "b.py", "c.py", "d.py"].map(path);
    let plan = plan(&sources(&names).unwrap(), &Output::Beside).unwrap();
    let settings = compile::Settings::new(Options::new(""));
    let run = || run(&plan, &settings, &Cancel::new(), &|_| {});
    let first = CompileReport::new(&plan, &run());
    let second = CompileReport::new(&plan, &run());
    assert_eq!((first.compiled, first.unchanged, first.failed), (1, 0, 3));
    assert_eq!(
        (second.compiled, second.unchanged, second.failed),
        (1, 1, 3)
    );
    assert_eq!(first.files[0].changed, Some(true));
    assert_eq!(second.files[0].changed, Some(false));
    let json = value(&second);
    let size = fs::metadata(path("a.mpy")).unwrap().len();
    assert_eq!(json["size"], size);
    let shown = |name: &str| path(name).display().to_string();
    assert_eq!(
        json["files"][0],
        json!({"source": shown("a.py"), "output": shown("a.mpy"), "size": size, "changed": false})
    );
    assert_eq!(
        json["files"][1]["error"],
        json!({
            "type": "SyntaxError",
            "code": "outside-loop",
            "message": "'break'/'continue' outside loop",
            "line": 2,
            "scope": "f",
        })
    );
    let error = &json["files"][2]["error"];
    assert_eq!(
        (&error["code"], &error["line"]),
        (&json!("invalid-syntax"), &json!(1))
    );
    assert!(
        error["hint"].as_str().unwrap().contains("`match`"),
        "{error}"
    );
    let error = json["files"][3]["error"].as_object().unwrap();
    assert_eq!(error["type"], "OSError");
    assert_eq!(error.keys().collect::<Vec<_>>(), ["message", "type"]);
    // What did not begin has no report.
    let none = CompileReport::new(&plan, &[]);
    assert_eq!(none, CompileReport::default());
}

#[test]
fn of_a_build() {
    let root = folder(&[
        ("main.py", "import app\n"),
        ("app.py", "x = 1\n"),
        ("bad.py", "x = (1\n"),
        ("fast.py", "@micropython.native\ndef f():\n    pass\n"),
        ("font.bin", "x"),
    ]);
    let project = find(root.path(), Named::Nothing).unwrap();
    let mut settings = Settings::new(project.source.clone(), root.path().join("out"));
    settings.targets = ["micropython", "circuitpython-10"]
        .map(|name| name.parse().unwrap())
        .to_vec();
    settings.version = Some("1.0".to_owned());
    settings.allow_fail.add("bad.py");
    settings.key = Some(SecretKey::generate().unwrap().into());
    let report = || {
        let report = build(&settings, &Cancel::new(), &|_| {}).unwrap();
        value(BuildReport::new(&report, &project))
    };
    let first = report();
    assert_eq!(
        (&first["written"], &first["version"]),
        (&json!("replaced"), &json!("1.0"))
    );
    assert_eq!(report()["written"], "unchanged");
    assert_eq!(first["data_left_out"], json!(["font.bin"]));
    assert_eq!(first["project"]["layout"], "program");
    let targets = first["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 2);
    assert_eq!(targets[0]["target"], "micropython");
    assert_eq!(
        (&targets[0]["modules"], &targets[0]["files"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(targets[0]["archives"].as_array().unwrap().len(), 2);
    assert_eq!(
        first["signatures"].as_array().unwrap().len(),
        3,
        "{}",
        first["signatures"]
    );
    assert!(first["index"].as_str().unwrap().ends_with("index.json"));
    let failures = first["failures"].as_array().unwrap();
    assert_eq!(failures.len(), 2, "one for each target");
    for failure in failures {
        assert_eq!(failure["source"], "bad.py");
        assert_eq!(failure["type"], "SyntaxError");
        assert_eq!(failure["allowed"], true);
        assert_eq!(failure["hint"], "'(' in line 1 was never closed");
        assert!(
            failure.get("error").is_none(),
            "its keys stand beside the others"
        );
    }
    assert_eq!(
        first["as_source"][0],
        json!({"target": "micropython", "source": "fast.py", "line": 1, "reason": "native-code"})
    );
    settings.strict = true;
    settings.allow_fail = Default::default();
    let report = build(&settings, &Cancel::new(), &|_| {}).unwrap();
    assert_eq!(
        value(BuildReport::new(&report, &project))["written"],
        "refused"
    );
}

#[test]
fn of_what_a_project_is() {
    for (files, expected) in [
        (&["src/main.py"][..], json!({"layout": "folder"})),
        (&["main.py"], json!({"layout": "program"})),
        (
            &["code.py"],
            json!({"layout": "program", "circuitpython": "code.py"}),
        ),
        (&["app/__init__.py"], json!({"layout": "package"})),
        (&["a.py", "b.py"], json!({"layout": "modules"})),
    ] {
        let root = folder(&[]);
        for name in files {
            write(root.path(), &[(name, "")]);
        }
        let project = find(root.path(), Named::Nothing).unwrap();
        let settings = Settings::new(project.source.clone(), root.path().join("out"));
        let report = build(&settings, &Cancel::new(), &|_| {}).unwrap();
        let mut found = value(BuildReport::new(&report, &project))["project"].take();
        let source = found.as_object_mut().unwrap().remove("source").unwrap();
        assert_eq!(source, project.source.display().to_string());
        if let Some(path) = found.get_mut("circuitpython") {
            let name = path.as_str().unwrap().rsplit(['/', '\\']).next().unwrap();
            *path = json!(name);
        }
        assert_eq!(found, expected, "{files:?}");
    }
}

#[test]
fn of_a_check_and_of_a_drive() {
    let project = Project::new();
    project.build("build", &["micropython"], |_| {});
    let report = || {
        let shipment = project.load_one("build");
        let findings = shipment.check(&Demands::default());
        VerifyReport::new(&shipment, findings)
    };
    let good = value(report());
    assert_eq!(good["ok"], true);
    assert_eq!(
        (&good["target"], &good["files"]),
        (&json!("micropython"), &json!(4))
    );
    assert_eq!(good["findings"], json!([]));
    let drive = folder(&[("main.py", "old"), ("app.py", "")]);
    let shipment = project.load_one("build");
    let plan = to_drive::plan(&shipment, drive.path()).unwrap();
    assert_eq!(
        value(&plan),
        json!([
            {"path": "font.bin", "action": "create"},
            {"path": "lib_a.mpy", "action": "create"},
            {"path": "app.mpy", "action": "create"},
            {"path": "app.py", "action": "remove"},
            {"path": "main.py", "action": "replace"},
        ])
    );
    let counts = [DriveAction::Create, DriveAction::Remove, DriveAction::Keep];
    assert_eq!(counts.map(|action| plan.count(action)), [3, 1, 0]);
    write(&project.path("build/mpy"), &[("extra.txt", "")]);
    fs::write(project.path("build/mpy/font.bin"), "!").unwrap();
    let bad = value(report());
    assert_eq!(bad["ok"], false);
    assert_eq!(
        bad["findings"],
        json!([
            {"problem": "extra", "path": "extra.txt", "message": "extra.txt: extra: the manifest does not name it"},
            {"problem": "size", "path": "font.bin", "message": "font.bin: wrong size: 1 bytes, expected 2"},
        ])
    );
}

#[test]
fn of_new_keys() {
    let root = folder(&[("theirs.pub", "theirs"), ("sub/", "")]);
    let path = |name: &str| root.path().join(name);
    let files = NewKeyFiles::at(&path("release.key")).unwrap();
    let password = Password::new("a password".to_owned());
    let key = files.create(Some(&password)).unwrap();
    let json = value(&key);
    let keys = json.as_object().unwrap().keys();
    assert_eq!(
        keys.collect::<Vec<_>>(),
        ["id", "public_file", "public_key", "secret_file"]
    );
    // The file of the public key, and its text, are the same key.
    for text in [&key.public_file, &key.public_key] {
        keys::public_key(text).unwrap();
    }
    let text = fs::read_to_string(&key.secret_file).unwrap();
    let KeyFile::Protected(protected) = KeyFile::parse(&text).unwrap() else {
        panic!("it has a password");
    };
    let wrong = protected.open(&Password::new("another".to_owned()));
    assert!(matches!(wrong, Err(SignatureError::WrongPassword)));
    assert_eq!(protected.open(&password).unwrap().id(), key.id);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&key.secret_file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Neither of the two files is replaced, also when it comes after the look.
    for name in ["release.key", "release.other", "theirs.key", "sub"] {
        let refused = NewKeyFiles::at(&path(name));
        let is_taken = matches!(&refused, Err(KeyError::Write { .. }));
        assert!(is_taken, "{name}: {refused:?}");
    }
    let late = NewKeyFiles::at(&path("late.key")).unwrap();
    fs::write(path("late.pub"), "theirs").unwrap();
    let refused = late.create(None).unwrap_err();
    assert!(
        matches!(&refused, KeyError::Write { path, .. } if path.ends_with("late.pub")),
        "{refused}"
    );
    assert_eq!(fs::read(path("late.pub")).unwrap(), b"theirs");
    let nowhere = NewKeyFiles::at(&path("nowhere/x.key")).unwrap();
    assert!(matches!(nowhere.create(None), Err(KeyError::Write { .. })));
}
