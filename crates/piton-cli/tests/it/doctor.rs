//! `doctor`: what keeps boards from being reached.

use crate::support::{Sandbox, run};

/// A line of `doctor` in a sandbox, whose cache folder is the given one.
fn doctor(sandbox: &Sandbox, words: &[&str], cache: &str) -> crate::support::Outcome {
    let mut command = sandbox.piton();
    command.args(words);
    command.env("PITON_CACHE_DIR", sandbox.path().join(cache));
    command.env("SHELL", "/bin/fish");
    command.env("XDG_CONFIG_HOME", sandbox.path());
    command.env_remove("PITON_VM");
    command.env("PATH", sandbox.path());
    run(command)
}

#[test]
fn a_computer_is_looked_at_without_a_board() {
    let sandbox = Sandbox::new();
    let outcome = doctor(&sandbox, &["doctor"], "cache");
    let stdout = outcome.stdout();
    let expected = [
        concat!("ok       this is piton ", env!("CARGO_PKG_VERSION"), ", `"),
        "\nnote     there is no command `piton`: no folder of `PATH` has the program\n         -> add `",
        "\nnote     the virtual board has no VM file 1.29.0-6 yet; it is fetched at the first `piton connect virtual`\n         -> ",
        "/cache` can be written",
        "\nnote     the Tab key does not complete lines of piton\n         -> run `piton completions --install`\n",
    ];
    for text in expected {
        assert!(stdout.contains(text), "{text:?} is not in {stdout}");
    }
    assert!(
        outcome
            .stderr()
            .contains("boards themselves were not examined")
    );
    assert!(!sandbox.path().join("cache").exists(), "nothing is written");
}

#[test]
fn a_damaged_vm_file_is_a_problem_with_its_remedy() {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path().join("cache/vm/1.29.0-6")).unwrap();
    sandbox.write("cache/vm/1.29.0-6/micropython.wasm", "damaged");
    let outcome = doctor(&sandbox, &["--json", "doctor"], "cache");
    let report: serde_json::Value =
        serde_json::from_str(outcome.stdout().lines().next().unwrap()).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let finding = findings
        .iter()
        .find(|found| found["topic"] == "virtual_board");
    let finding = finding.unwrap();
    assert_eq!(finding["severity"], "problem");
    let remedy = finding["remedy"].as_str().unwrap();
    assert!(remedy.starts_with("delete `"), "{remedy}");
    assert!(report["problems"].as_u64().unwrap() >= 1);
    assert_eq!(outcome.code, Some(1));
}

#[test]
fn a_board_that_is_connected_is_looked_at_too() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run("connect virtual doctor");
    let stdout = outcome.stdout();
    let expected = [
        "ok       board `virtual` runs micropython 1.29.0 on ",
        "ok       it loads compiled modules of .mpy version 6.3\n",
        " bytes of memory are free\n",
        "ok       file system `/` has ",
    ];
    for text in expected {
        assert!(stdout.contains(text), "{text:?} is not in {stdout}");
    }
    assert!(!outcome.stderr().contains("were not examined"));
}

/// The line that people type when a board can't be reached says what `doctor` knows all the same.
#[test]
fn a_board_that_is_not_there_does_not_keep_the_report_away() {
    let sandbox = Sandbox::new();
    let line = ["connect", "/dev/no-such-port", "doctor"];
    let outcome = doctor(&sandbox, &line, "cache");
    assert!(outcome.stdout().contains("can be written"));
    assert!(!outcome.stderr().contains("were not examined"));
    assert!(outcome.stderr().contains("there is no such port"));
    assert_eq!(outcome.code, Some(3));
}
