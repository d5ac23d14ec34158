//! Programs as a person runs them: exit codes, arguments, from stdin, from `.mpy` files.

use std::fs::File;
use std::process::Command;

use insta::assert_snapshot;

use crate::support::{Sandbox, run};

#[test]
fn the_exit_code_of_the_program_is_ours() {
    let sandbox = Sandbox::new();
    let exit = |code: &str| {
        let outcome = sandbox.run_words(&["connect", "virtual", "exec", code]);
        (outcome.code, outcome.stdout(), outcome.stderr())
    };
    let silent = |code: i32| (Some(code), String::new(), String::new());
    assert_eq!(exit("import sys; sys.exit(3)"), silent(3));
    assert_eq!(exit("raise SystemExit(-1)"), silent(255));
    assert_eq!(
        exit("def f():\n try:\n  raise SystemExit(7)\n finally:\n  print(1)\nf()"),
        (Some(7), "1\r\n".into(), String::new())
    );
    assert_eq!(
        exit("raise SystemExit('no space\\nleft')"),
        (Some(1), String::new(), "no space\nleft\n".into())
    );
    for code in ["", "None", "256"] {
        assert_eq!(
            exit(&format!("raise SystemExit({code})")),
            silent(0),
            "{code}"
        );
    }
    // The line ends there, as after an exception. With 0 it goes on, after the reset that an exit is.
    assert_snapshot!(sandbox.show("connect virtual exec 'raise SystemExit(4)' eval 1"), @r"
    $ piton connect virtual exec 'raise SystemExit(4)' eval 1
    --- exit 4
    ");
    assert_snapshot!(sandbox.show("connect virtual exec 'x = 1' exec 'raise SystemExit' exec 'print(x)'"), @r#"
    $ piton connect virtual exec 'x = 1' exec 'raise SystemExit' exec 'print(x)'
    --- stdout
    Traceback (most recent call last):\r
      File "<exec>", line 1, in <module>\r
        print(x)\r
    NameError: name 'x' isn't defined\r
    --- exit 1
    "#);
    // In a module that the program imports, too.
    sandbox.write("deep.py", "import sys\n\ndef stop():\n    sys.exit(5)\n");
    let line = "connect virtual cp deep.py : + exec 'import deep; deep.stop()'";
    assert_eq!(sandbox.run(line).code, Some(5));
}

#[test]
fn a_program_too_large_for_a_try_runs_all_the_same() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "large.py",
        "y = 0\n".to_owned() + &"y = y + 300\n".repeat(5000) + "print(y)\n",
    );
    let outcome = sandbox.run("connect virtual run large.py");
    assert_eq!((outcome.code, &*outcome.stdout()), (Some(0), "1500000\r\n"));
}

#[test]
fn line_numbers_are_those_of_the_file() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "plain.py",
        "def f():\n    '''doc\n\n    '''\n    1/0\nf()\n",
    );
    assert_snapshot!(sandbox.show("connect virtual run plain.py"), @r#"
    $ piton connect virtual run plain.py
    --- stdout
    Traceback (most recent call last):\r
      File "plain.py", line 6, in <module>\r
        f()\r
      File "plain.py", line 5, in f\r
        1/0\r
    ZeroDivisionError: divide by zero\r
    --- exit 1
    "#);
    sandbox.write("header.py", "# header\n\ndef f():\n    1/0\n\nf()\n");
    assert_snapshot!(sandbox.show("connect virtual run header.py"), @r#"
    $ piton connect virtual run header.py
    --- stdout
    Traceback (most recent call last):\r
      File "header.py", line 6, in <module>\r
        f()\r
      File "header.py", line 4, in f\r
        1/0\r
    ZeroDivisionError: divide by zero\r
    --- exit 1
    "#);
    sandbox.write("syntax.py", "x = 1\ny = = 2\n");
    assert_snapshot!(sandbox.show("connect virtual run syntax.py"), @r#"
    $ piton connect virtual run syntax.py
    --- stdout
    Traceback (most recent call last):\r
      File "syntax.py", line 2\r
        y = = 2\r
    SyntaxError: invalid syntax\r
    --- exit 1
    "#);
}

#[test]
fn arguments() {
    let sandbox = Sandbox::new();
    sandbox.write("args.py", "import sys\nprint(sys.argv)\n");
    let line = "connect virtual run args.py -- one 'it s' -v --json + eval 1";
    assert_snapshot!(sandbox.show(line), @r"
    $ piton connect virtual run args.py -- one 'it s' -v --json + eval 1
    --- stdout
    ['args.py', 'one', 'it s', '-v', '--json']\r
    1\r
    --- exit 0
    ");
    let line = "connect virtual run args.py -- + exec 'import sys; print(sys.argv)' -- x";
    assert_snapshot!(sandbox.show(line), @r"
    $ piton connect virtual run args.py -- + exec 'import sys; print(sys.argv)' -- x
    --- stdout
    ['args.py']\r
    ['-c', 'x']\r
    --- exit 0
    ");
    // The next command, as for mpremote: what is after the `--` is not after the script's name.
    assert_snapshot!(sandbox.show("connect virtual run args.py eval -- 2"), @r"
    $ piton connect virtual run args.py eval -- 2
    --- stdout
    []\r
    2\r
    --- exit 0
    ");
    let line = "connect virtual exec 'import sys; sys.modules[\"sys\"] = 0' exec 1 -- x";
    assert_snapshot!(sandbox.show(line), @r#"
    $ piton connect virtual exec 'import sys; sys.modules["sys"] = 0' exec 1 -- x
    --- stderr
    piton: the board takes no arguments for programs: 'int' object has no attribute 'argv'
    --- exit 1
    "#);
}

#[test]
fn a_script_from_stdin() {
    let sandbox = Sandbox::new();
    sandbox.write("script", "import sys\nprint('from', sys.argv)\nsys.exit(9)");
    let mut command = sandbox.piton();
    command
        .args(["connect", "virtual", "run", "-", "--", "x"])
        .stdin(File::open(sandbox.path().join("script")).unwrap());
    let outcome = run(command);
    assert_eq!(outcome.stdout(), "from ['-', 'x']\r\n");
    assert_eq!(outcome.code, Some(9));
}

fn mpy_cross(sandbox: &Sandbox, words: &[&str]) {
    let mut command: Command = test_programs::mpy_cross();
    command.current_dir(sandbox.path()).args(words);
    assert!(command.status().unwrap().success());
}

#[test]
fn a_compiled_program_runs_from_memory() {
    let sandbox = Sandbox::new();
    let table = (0..600)
        .map(|number| format!("'{number:04}',"))
        .collect::<String>();
    let source = format!(
        "import sys, os, vfs\nprint(__name__, sys.argv[1:], len(vfs.mount()), sys.path)\ntable = [{table}]\n\
         def f():\n    raise SystemExit(len(table) // 100)\nprint(table[599])\n"
    );
    sandbox.write("main.py", &source);
    mpy_cross(&sandbox, &["main.py"]);
    assert!(sandbox.read("main.mpy").len() > 4000);
    let plain = sandbox.run("connect virtual run main.py -- x").stdout();
    let outcome = sandbox.run("connect virtual run main.mpy -- x + exec 'f()'");
    assert_eq!(
        outcome.stdout(),
        plain.replace("__main__", "_piton_program")
    );
    assert_eq!(outcome.code, Some(6), "{}", outcome.stderr());
    // Nothing of it stays.
    let line = "connect virtual run main.mpy exec 'import sys; print([name for name in list(globals()) + \
                list(sys.modules) if name.find(\"piton\") >= 0])'";
    let last = sandbox.run(line).stdout();
    assert_eq!(last.lines().last(), Some("[]"), "{last}");

    sandbox.write("fails.py", "def f():\n    1/0\nf()\n");
    mpy_cross(&sandbox, &["fails.py"]);
    assert_snapshot!(sandbox.show("connect virtual run fails.mpy eval 1"), @r#"
    $ piton connect virtual run fails.mpy eval 1
    --- stdout
    Traceback (most recent call last):\r
      File "fails.py", line 3, in <module>\r
      File "fails.py", line 2, in f\r
    ZeroDivisionError: divide by zero\r
    --- exit 1
    "#);
    sandbox.write("exits.py", "raise SystemExit(4)");
    mpy_cross(&sandbox, &["exits.py"]);
    assert_eq!(sandbox.run("connect virtual run exits.mpy").code, Some(4));
}

#[test]
fn a_compiled_program_that_does_not_fit_the_board() {
    let sandbox = Sandbox::new();
    sandbox.write("native.py", "@micropython.native\ndef f(): pass\n");
    mpy_cross(&sandbox, &["-march=xtensawin", "native.py"]);
    assert_snapshot!(sandbox.show("connect virtual run native.mpy"), @r"
    $ piton connect virtual run native.mpy
    --- stderr
    piton: `native.mpy` does not run on this board: the .mpy file is for machine code of xtensawin, the board loads bytecode only

    hint: `piton info` shows what the board loads; `piton compile` makes files for it from the sources
    --- exit 1
    ");
    sandbox.write("old.mpy", b"M\x05\x02\x1f\0\0");
    assert_snapshot!(sandbox.show("connect virtual run old.mpy"), @r"
    $ piton connect virtual run old.mpy
    --- stderr
    piton: `old.mpy` does not run on this board: the .mpy file is for .mpy version 5 (MicroPython 1.12 to 1.18), the board loads version 6

    hint: `piton info` shows what the board loads; `piton compile` makes files for it from the sources
    --- exit 1
    ");
    sandbox.write("cut.mpy", b"M\x06\0\x1f\x05");
    assert_snapshot!(sandbox.show("connect virtual run cut.mpy"), @r"
    $ piton connect virtual run cut.mpy
    --- stderr
    piton: `cut.mpy` does not run on this board: damaged .mpy file: byte 0x4: number of qstrs: expected 5 entries of 1 or more bytes each (0 left)

    hint: `piton info` shows what the board loads; `piton compile` makes files for it from the sources
    --- exit 1
    ");
    sandbox.write("fine.py", "x = 1\n");
    mpy_cross(&sandbox, &["fine.py"]);
    let line = "connect virtual exec 'import sys; sys.modules[\"io\"] = 0' run fine.mpy";
    assert_snapshot!(sandbox.show(line), @r#"
    $ piton connect virtual exec 'import sys; sys.modules["io"] = 0' run fine.mpy
    --- stderr
    piton: the board could not take `fine.mpy` into its memory: AttributeError: 'int' object has no attribute 'IOBase', <stdin> line 11 in _piton

    hint: copy it there: `piton cp FILE :`, then `piton exec 'import NAME'`
    --- exit 1
    "#);
}

#[test]
fn a_traceback_names_the_file_and_shows_its_lines() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path().join("app")).unwrap();
    sandbox.write(
        "app/err.py",
        "# comment\nimport sys\n\ndef outer():\n    def inner():\n        print('File \"<stdin>\", line 1')\n        \
         return 1 // 0\n    inner()\n\nouter()\n",
    );
    let shown = |words: &[&str]| {
        let outcome = sandbox.run_words(&[&["connect", "virtual"], words].concat());
        outcome.stdout().replace("\r\n", "\n")
    };
    const TRACEBACK: &str = "Traceback (most recent call last):\n";
    assert_eq!(
        shown(&["run", "app/err.py"]),
        format!(
            "File \"<stdin>\", line 1\n{TRACEBACK}  File \"app/err.py\", line 10, in <module>\n    outer()\n  File \
             \"app/err.py\", line 8, in outer\n    inner()\n  File \"app/err.py\", line 7, in inner\n    return 1 // \
             0\nZeroDivisionError: divide by zero\n"
        )
    );
    sandbox.write("bad.py", "x = 1\ny = = 2\n");
    assert_eq!(
        shown(&["run", "bad.py"]),
        format!("{TRACEBACK}  File \"bad.py\", line 2\n    y = = 2\nSyntaxError: invalid syntax\n")
    );
    assert_eq!(
        shown(&["exec", "def f():\n  raise OSError(2)\nf()"]),
        format!(
            "{TRACEBACK}  File \"<exec>\", line 3, in <module>\n    f()\n  File \"<exec>\", line 2, in f\n    raise \
             OSError(2)\nOSError: [Errno 2] ENOENT\n"
        )
    );
    assert_eq!(
        shown(&["eval", "[][1]"]),
        format!(
            "{TRACEBACK}  File \"<eval>\", line 1, in <module>\n    [][1]\nIndexError: list index out of range\n"
        )
    );
    // A function of an earlier program is in none of this one's lines, nor is a module of the board.
    assert_eq!(
        shown(&[
            "exec",
            "def before(): return 1//0\nb = before",
            "exec",
            "b()"
        ]),
        format!(
            "{TRACEBACK}  File \"<exec>\", line 1, in <module>\n    b()\n  File \"<stdin>\", line 1, in before\n\
             ZeroDivisionError: divide by zero\n"
        )
    );
    sandbox.write("module.py", "def call(f):\n    f()\n");
    sandbox.write(
        "calls.py",
        "import module\n\nmodule.call(lambda: nothing)\n",
    );
    assert_eq!(
        shown(&["cp", "module.py", ":", "+", "run", "calls.py"]),
        format!(
            "cp module.py :\n{TRACEBACK}  File \"calls.py\", line 3, in <module>\n    module.call(lambda: nothing)\n  File \
             \"module.py\", line 2, in call\n  File \"calls.py\", line 3, in <lambda>\n    module.call(lambda: \
             nothing)\nNameError: name 'nothing' isn't defined\n"
        )
    );
    // A script looks for what mpremote prints.
    let outcome = sandbox.run("mpremote connect virtual run app/err.py");
    let inner = "  File \"<stdin>\", line 7, in inner\r\nZeroDivisionError";
    assert!(outcome.stdout().contains(inner), "{}", outcome.stdout());
}
