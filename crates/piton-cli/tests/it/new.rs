//! `new`, `select` and `latency`.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Sandbox, run};

#[test]
fn a_new_project_runs_and_its_tests_pass() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run("--json new --for esp32 My-Lamp");
    let created: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    assert_eq!(created["package"], "my_lamp", "{created}");
    assert!(created["files"].as_array().unwrap().len() > 5, "{created}");
    let project = sandbox.path().join("My-Lamp");
    let text = |name: &str| std::fs::read_to_string(project.join(name)).unwrap();
    assert!(text("pyproject.toml").contains("micropython-esp32-stubs"));

    // What the workflow and the README run.
    let line = "connect virtual mount . run main.py";
    for name in [".github/workflows/test.yml", "README.md"] {
        assert!(text(name).contains(&format!("piton {line}\n")), "{name}");
    }
    let mut command = sandbox.piton();
    command.current_dir(&project).args(line.split(' '));
    let outcome = run(command);
    let lines = outcome.stdout().replace('\r', "");
    let expected = "Local directory . is mounted at /remote\non\noff\non\noff\non\noff\n";
    assert_eq!(
        (outcome.code, lines.as_str()),
        (Some(0), expected),
        "{}",
        outcome.stderr()
    );

    // On a board.
    std::fs::create_dir(sandbox.path().join("board")).unwrap();
    let mut command = sandbox.piton();
    command.current_dir(&project).args([
        "connect",
        "virtual:../board",
        "install",
        "--main",
        "main.py",
    ]);
    let outcome = run(command);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    for name in ["board/main.py", "board/my_lamp/__init__.mpy"] {
        assert!(sandbox.path().join(name).is_file(), "{name}");
    }

    let mut python = test_programs::belay_python();
    python.current_dir(&project).arg("-c").arg(
        "import sys\n\
         sys.dont_write_bytecode = True\n\
         sys.path[:0] = ['.', 'tests']\n\
         import test_my_lamp as tests\n\
         found = [name for name in vars(tests) if name.startswith('test_')]\n\
         for name in found:\n\
         \x20   getattr(tests, name)()\n\
         print(len(found))\n",
    );
    let outcome = run(python);
    assert_eq!(outcome.stdout(), "2\n", "{}", outcome.stderr());
    let yaml = yaml_rust2::YamlLoader::load_from_str(&text(".github/workflows/test.yml")).unwrap();
    assert!(yaml[0]["jobs"]["test"]["steps"].as_vec().is_some());
}

#[test]
fn a_second_project_is_not_made() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run("new lamp").code, Some(0));
    std::fs::remove_file(sandbox.path().join("lamp/main.py")).unwrap();
    let again = sandbox.run("new lamp");
    assert_eq!(again.code, Some(1));
    let message = "has the table `[tool.belay]` already\n\nhint: the project is configured";
    assert!(again.stderr().contains(message), "{}", again.stderr());
    assert!(!sandbox.path().join("lamp/main.py").exists());
    insta::assert_snapshot!(sandbox.show("new 2nd"), @r"
    $ piton new 2nd
    --- stderr
    piton: `2nd` cannot be the name of a package: expected a letter, then letters, digits, `-` and `_`
    --- exit 1
    ");
    assert!(!sandbox.path().join("2nd").exists());
}

#[test]
fn a_board_is_shown_by_an_led() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.piton();
    command
        .args(["connect", "virtual", "select"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A wrong pin is asked for again; the last line is the Enter that ends the blinking.
    let answers = b"nothing\n25\nn\n\n";
    child.stdin.take().unwrap().write_all(answers).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert_eq!(output.stdout, b"micropython v1.29.0 - webassembly\n");
    assert!(
        stderr.contains("expected the number of a pin, or one of LED"),
        "{stderr}"
    );
    assert!(stderr.contains("Is this a NeoPixel? [y/N] "), "{stderr}");
    // Without an answer nothing blinks.
    let outcome = sandbox.run("connect virtual select");
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr().contains("there was no answer"),
        "{}",
        outcome.stderr()
    );
}

#[test]
fn calls_are_measured() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run("--json connect virtual latency --count 3 --output times.csv");
    let report: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    let samples = report["samples"].as_array().unwrap();
    assert_eq!((samples.len(), &report["count"]), (3, &Value::from(3)));
    assert!(samples.iter().all(|time| time.as_f64().unwrap() > 0.0));
    let csv = String::from_utf8(sandbox.read("times.csv")).unwrap();
    let rows: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!((rows[0], rows.len()), ("latency_ms", 5));
    let outcome = sandbox.run("connect virtual latency");
    assert!(
        outcome
            .stdout()
            .starts_with("Statistics (10 samples):\n  Min:  "),
        "{}",
        outcome.stdout()
    );
    assert_eq!(
        sandbox.run("connect virtual latency --count 0").code,
        Some(2)
    );
}
