//! `compile`: the files that it writes, what it says, and what boards make of the result.

use insta::assert_snapshot;

use crate::support::{Sandbox, run};

fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path().join("src/lib/.hidden")).unwrap();
    sandbox.write(
        "src/main.py",
        "from lib.answer import answer\nprint('the answer is', answer(6))\n",
    );
    sandbox.write("src/lib/answer.py", "def answer(n):\n    return n * 7\n");
    sandbox.write("src/lib/.hidden/other.py", "= no source\n");
    sandbox.write("src/notes.txt", "no source");
    sandbox
}

#[test]
fn a_folder_keeps_its_tree() {
    let sandbox = project();
    assert_snapshot!(sandbox.show("compile src --out-dir build -j 2"), @r"
    $ piton compile src --out-dir build -j 2
    --- stderr
    compiled 2 files, 140 bytes
    --- exit 0
    ");
    assert!(sandbox.path().join("build/main.mpy").is_file());
    assert!(sandbox.path().join("build/lib/answer.mpy").is_file());
    assert!(!sandbox.path().join("build/lib/.hidden").exists());
    assert!(!sandbox.path().join("src/main.mpy").exists());
    assert!(
        sandbox
            .show("compile src --out-dir build")
            .contains("2 unchanged")
    );
    let quiet = sandbox.run("compile --quiet src");
    assert_eq!((quiet.code, quiet.stderr()), (Some(0), String::new()));
    assert_eq!(
        sandbox.read("src/lib/answer.mpy"),
        sandbox.read("build/lib/answer.mpy")
    );
}

#[test]
fn the_bytes_are_those_of_the_official_compiler() {
    let sandbox = project();
    let cases = [
        ("", ""),
        ("-O3", "-O3"),
        ("--small-int-bits 63", "-msmall-int-bits=63"),
        ("--no-source-lines", "-X no-source-lines"),
        ("--march armv7m", "-march=armv7m"),
        ("--target micropython:armv7m", "-march=armv7m"),
        (
            "--target micropython:x64 --emit native",
            "-march=x64 -X emit=native",
        ),
        (
            "--target micropython:rv32imc --march-flags zba",
            "-march=rv32imc -march-flags=zba",
        ),
        ("--embed-name other.py", "-s other.py"),
    ];
    for (ours, official) in cases {
        let outcome = sandbox.run(&format!("compile src/lib/answer.py {ours} -o ours.mpy"));
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
        let mut command = test_programs::mpy_cross();
        command
            .current_dir(sandbox.path().join("src/lib"))
            .args(official.split_whitespace())
            .args(["answer.py", "-o", "../../official.mpy"]);
        assert_eq!(run(command).code, Some(0));
        assert_eq!(
            sandbox.read("ours.mpy"),
            sandbox.read("official.mpy"),
            "{ours}"
        );
    }
    sandbox.run("compile src/lib/answer.py --target circuitpython-10 -o circuit.mpy");
    assert_eq!(sandbox.read("circuit.mpy").first(), Some(&b'C'));
}

#[test]
fn machine_code_is_for_a_processor() {
    let sandbox = project();
    sandbox.write(
        "native.py",
        "@micropython.native\ndef f(a):\n    return a\n@micropython.viper\ndef g(a: int) -> int:\n    return a + 1\n",
    );
    for arch in ["x86", "x64"] {
        let line = format!("compile native.py --target micropython:{arch} -o ours.mpy");
        assert_eq!(sandbox.run(&line).code, Some(0));
        let mut command = test_programs::mpy_cross();
        command.current_dir(sandbox.path());
        command.args([&format!("-march={arch}"), "native.py", "-o", "official.mpy"]);
        assert_eq!(run(command).code, Some(0));
        assert_eq!(sandbox.read("ours.mpy"), sandbox.read("official.mpy"));
    }
    for line in [
        "compile native.py",
        "compile native.py --emit native",
        "compile native.py --target micropython:x64 --march armv6m",
        "compile native.py --march x64 --march-flags zba",
        "compile native.py --march rv32imc --march-flags zbb",
        "compile native.py --march-flags zba",
        "compile native.py --target micropython:z80",
    ] {
        assert_snapshot!(sandbox.show(line));
    }
}

#[test]
fn a_rejected_source_is_shown() {
    let sandbox = project();
    sandbox.write(
        "src/bad.py",
        "def f(x):\n    match x:\n        case 1: pass\n",
    );
    sandbox.write("src/late.py", "def g():\n    import a\n\tbreak\n");
    sandbox.write("src/scope.py", "def g():\n    break\n");
    assert_snapshot!(sandbox.show("compile src --out-dir build"));
    assert!(sandbox.path().join("build/main.mpy").is_file());
    assert!(!sandbox.path().join("build/bad.mpy").exists());
    assert_snapshot!(sandbox.show("compile src --out-dir build --json"));
}

#[test]
fn what_would_lose_a_file_is_refused() {
    let sandbox = project();
    std::fs::create_dir(sandbox.path().join("more")).unwrap();
    sandbox.write("more/main.py", "pass\n");
    assert_snapshot!(sandbox.show("compile src more --out-dir build"), @r"
    $ piton compile src more --out-dir build
    --- stderr
    piton: `src/main.py` and `more/main.py` would both become `build/main.mpy`
    --- exit 1
    ");
    assert_snapshot!(sandbox.show("compile src -o one.mpy"), @r"
    $ piton compile src -o one.mpy
    --- stderr
    piton: an output file takes one source, not 2
    --- exit 2
    ");
    assert_snapshot!(sandbox.show("compile nowhere"), @r"
    $ piton compile nowhere
    --- stderr
    piton: could not read `nowhere`: No such file or directory (os error 2)
    --- exit 1
    ");
}

#[cfg(unix)]
#[test]
fn no_link_leads_out_of_the_output_folder() {
    let sandbox = project();
    std::fs::create_dir(sandbox.path().join("build")).unwrap();
    std::fs::create_dir(sandbox.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink("../elsewhere", sandbox.path().join("build/lib")).unwrap();
    let outcome = sandbox.run("compile src --out-dir build");
    assert_eq!(outcome.code, Some(1));
    assert!(!sandbox.path().join("elsewhere/answer.mpy").exists());
    assert!(sandbox.path().join("build/main.mpy").is_file());
}

#[test]
fn the_virtual_board_runs_the_result() {
    let sandbox = project();
    assert_eq!(sandbox.run("compile src --out-dir build").code, Some(0));
    let outcome = sandbox.run(
        "--quiet connect virtual mkdir :lib + cp build/main.mpy : + cp build/lib/answer.mpy :lib/ + exec 'import main'",
    );
    assert_eq!(
        outcome.stdout(),
        "the answer is 42\r\n",
        "{}",
        outcome.stderr()
    );
}

#[cfg(unix)]
#[test]
fn the_unix_port_runs_the_result() {
    let sandbox = project();
    assert_eq!(sandbox.run("compile src --out-dir build").code, Some(0));
    let mut command = test_programs::micropython_unix();
    command
        .current_dir(sandbox.path().join("build"))
        .args(["-c", "import main"]);
    let outcome = run(command);
    assert_eq!(
        outcome.stdout(),
        "the answer is 42\n",
        "{}",
        outcome.stderr()
    );
}

#[test]
fn a_bracket_that_is_never_closed_is_shown() {
    let sandbox = Sandbox::new();
    sandbox.write("a.py", "def f():\n\tprint(\"a\"\nx = 1\n");
    assert_snapshot!(sandbox.show("compile a.py"), @r#"
    $ piton compile a.py
    --- stderr
    error: SyntaxError: invalid syntax
     --> a.py:3
      |
    3 | x = 1
      | ^^^^^
      |
    2 |     print("a"
      |          ^ '(' was never closed

    compiled 0 files, 0 bytes; 1 failed
    --- exit 1
    "#);
    assert_snapshot!(sandbox.show("minify a.py"), @r#"
    $ piton minify a.py
    --- stderr
    error: SyntaxError: invalid syntax
     --> a.py:4
      |
    2 |     print("a"
      |          ^ '(' was never closed

    --- exit 1
    "#);
    let json = sandbox.run("--json compile a.py");
    assert!(
        json.stdout()
            .contains(r#""hint":"'(' in line 2 was never closed""#)
    );
    // The official compiler's words stay as they are.
    assert_snapshot!(sandbox.show("mpy-cross a.py"), @r#"
    $ piton mpy-cross a.py
    --- stderr
    Traceback (most recent call last):
      File "a.py", line 3
    SyntaxError: invalid syntax
    --- exit 1
    "#);
}

#[test]
fn limits_of_the_bytecode_are_errors_with_a_line() {
    let sandbox = Sandbox::new();
    let locals = (0..300).map(|number| format!("    v{number} = 0\n"));
    let source = format!(
        "def f():\n{}    def g(): return v299\n    return g\n",
        locals.collect::<String>()
    );
    sandbox.write("a.py", &source);
    assert_snapshot!(sandbox.show("compile a.py"), @r#"
    $ piton compile a.py
    --- stderr
    error: RuntimeError: an inner function uses a local variable numbered above 255
     --> a.py:1
      |
    1 | def f():
      | ^^^^^^^^
      = note: in `f`
      = hint: give the function fewer local variables: keep some in a `list`, or split it

    compiled 0 files, 0 bytes; 1 failed
    --- exit 1
    "#);
    assert_snapshot!(sandbox.show("mpy-cross a.py"), @r#"
    $ piton mpy-cross a.py
    --- stderr
    Traceback (most recent call last):
      File "a.py", line 1, in f
    RuntimeError: an inner function uses a local variable numbered above 255
    --- exit 1
    "#);
    assert!(!sandbox.path().join("a.mpy").exists());
}
