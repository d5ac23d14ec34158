//! `inspect`: listings, dumps, damaged files, and files joined.

use insta::assert_snapshot;

use crate::support::Sandbox;

fn compiled() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("a.py", "x = 1\n");
    sandbox.write("b.py", "print('b')\n");
    assert_eq!(sandbox.run("compile a.py b.py").code, Some(0));
    sandbox
}

#[test]
fn what_is_in_a_file() {
    let sandbox = compiled();
    assert_snapshot!(sandbox.show("inspect a.mpy"));
    assert_snapshot!(sandbox.show("inspect a.mpy --hex"));
    assert_snapshot!(sandbox.show("inspect --json a.mpy"));
}

#[test]
fn a_damaged_file_has_an_address() {
    let sandbox = compiled();
    let whole = sandbox.read("a.mpy");
    sandbox.write("cut.mpy", &whole[..whole.len() - 1]);
    let outcome = sandbox.run("inspect cut.mpy");
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr().starts_with("piton: cut.mpy: byte 0x"),
        "{}",
        outcome.stderr()
    );
    let dump = sandbox.run("inspect --hex cut.mpy");
    assert_eq!(dump.code, Some(1));
    assert!(!dump.stdout.is_empty());
}

#[test]
fn joined_files_run_one_after_the_other() {
    let sandbox = compiled();
    let outcome = sandbox.run("inspect --merge -o both.mpy a.mpy b.mpy");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    let ran = sandbox.run("--quiet connect virtual cp both.mpy : + exec 'import both'");
    assert_eq!(ran.stdout(), "b\r\n", "{}", ran.stderr());
}

#[test]
fn machine_code_is_listed_as_instructions() {
    let sandbox = Sandbox::new();
    sandbox.write("a.py", "@micropython.native\ndef f():\n    return g\n");
    let listing = |arch: &str| {
        let line = format!("mpy-cross -march={arch} a.py");
        assert_eq!(sandbox.run(&line).code, Some(0), "{arch}");
        sandbox.run("inspect a.mpy").stdout().to_owned()
    };
    for arch in [
        "x64",
        "x86",
        "armv6",
        "armv6m",
        "armv7emsp",
        "xtensa",
        "xtensawin",
        "rv32imc",
    ] {
        let text = listing(arch);
        let names = ["; g\n", "; mp_load_global\n"];
        assert!(names.iter().all(|name| text.contains(name)), "{text}");
    }
}
