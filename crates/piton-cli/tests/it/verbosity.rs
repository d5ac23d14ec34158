//! `-v` and `-vv`: what the command writes about its own work.

use insta::assert_snapshot;

use crate::support::{Outcome, Sandbox, run};

/// Returns the decisions on stderr without their times, and without where the VM file of this machine lies.
fn decisions(outcome: &Outcome) -> String {
    let text = outcome.stderr();
    let decisions = text.lines().filter_map(|line| {
        let (seconds, decision) = line.trim_start().split_once(" - ")?;
        seconds.parse::<f64>().ok().map(|_| decision)
    });
    let decisions = decisions.filter(|decision| !decision.starts_with("the VM file is"));
    decisions.collect::<Vec<_>>().join("\n")
}

#[test]
fn v_shows_which_way_a_copy_takes() {
    let sandbox = Sandbox::new();
    sandbox.write("small.txt", "hello\n");
    sandbox.write("large.bin", vec![7; 20_000]);
    let outcome = sandbox.run("-v connect virtual cp small.txt : + cp large.bin :");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    assert_eq!(outcome.stdout(), "cp small.txt :\ncp large.bin :\n");
    assert_snapshot!(decisions(&outcome));
}

#[test]
fn v_shows_what_comes_from_the_cache() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path().join("src")).unwrap();
    sandbox.write("src/app.py", "print('app')\n");
    let build = || {
        let mut command = sandbox.piton();
        // A cache of its own: the modules of the other tests are in the shared one.
        command.env("PITON_CACHE_DIR", sandbox.path().join("cache"));
        command.args(["-v", "build"]);
        let decisions = decisions(&run(command));
        let about_modules = decisions.lines().filter(|line| line.contains("module"));
        about_modules.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(build(), "the module was compiled name=app.py bytes=35");
    std::fs::remove_dir_all(sandbox.path().join("build")).unwrap();
    assert_eq!(build(), "the compiled module is in the cache name=app.py");
}

#[test]
fn vv_shows_the_wire_too_and_one_v_does_not() {
    let sandbox = Sandbox::new();
    let is_wire = |line: &str| line.contains(" > ") || line.contains(" < ");
    for line in ["-v", "--verbose"] {
        let outcome = sandbox.run(&format!("{line} connect virtual eval 1+1"));
        assert!(!outcome.stderr().is_empty());
        assert!(!outcome.stderr().lines().any(is_wire), "{line}");
    }
    for line in ["-vv", "-v -v", "--verbose --verbose"] {
        let outcome = sandbox.run(&format!("{line} connect virtual eval 1+1"));
        let text = outcome.stderr();
        assert!(text.contains(r"print(1+1)\x04"), "{line}: {text}");
        assert!(text.contains(" - the board is in its raw REPL"), "{text}");
    }
}

#[test]
fn nothing_is_written_without_it() {
    let sandbox = Sandbox::new();
    sandbox.write("small.txt", "hello\n");
    let outcome = sandbox.run("connect virtual cp small.txt :");
    assert_eq!(outcome.stderr(), "");
}

#[cfg(unix)]
#[test]
fn a_name_in_the_log_does_not_steer_the_terminal() {
    let sandbox = Sandbox::new();
    let name = "red\u{1b}[31m\u{202e}.txt";
    sandbox.write(name, "hello\n");
    let outcome = sandbox.run_words(&["-v", "connect", "virtual", "cp", name, ":"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    let text = outcome.stderr();
    assert!(text.contains(r"path=red\x1b[31m\u202e.txt"), "{text:?}");
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
}
