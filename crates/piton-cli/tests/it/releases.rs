//! Firmware of other releases: the commands that compile for it, and files that a board refuses.

use insta::assert_snapshot;

use crate::support::Sandbox;

/// A target, and how its files begin.
const HEADERS: [(&str, &[u8]); 5] = [
    ("micropython-1.12", b"M\x05\x02\x1f"),
    ("micropython-1.19", b"M\x06\0\x1f"),
    ("micropython-1.22:armv7m", b"M\x06\x16\x1f"),
    ("circuitpython-8", b"C\x05\x02\x1f"),
    ("circuitpython-10", b"C\x06\0\x1f"),
];

/// Machine code where the target has a processor.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path().join("src")).unwrap();
    sandbox.write("src/a.py", "def f(x): return x + 1.5\n");
    sandbox.write("manifest.py", "module('a.py', base_path='src')\n");
    sandbox
}

#[test]
fn each_command_that_compiles_takes_a_release() {
    let sandbox = sandbox();
    for (target, header) in HEADERS {
        if target.contains(':') {
            let native = "import micropython\n@micropython.native\ndef f(x): return x\n";
            sandbox.write("src/a.py", native);
        } else {
            sandbox.write("src/a.py", "def f(x): return x + 1.5\n");
        }
        let begins = |content: &[u8], command: &str| {
            assert!(
                content.starts_with(header),
                "{command} {target}: {content:?}"
            );
        };
        for (line, file) in [
            (
                format!("compile src/a.py -o a.mpy --target {target}"),
                "a.mpy",
            ),
            (format!("build src --target {target}"), "build/mpy/a.mpy"),
        ] {
            let outcome = sandbox.run(&line);
            assert_eq!(outcome.code, Some(0), "{line}: {}", outcome.stderr());
            begins(&sandbox.read(file), &line);
        }
        for words in ["build src", "--manifest manifest.py build"] {
            let line = format!("--quiet romfs --target {target} -o i.romfs {words}");
            let outcome = sandbox.run(&line);
            assert_eq!(outcome.code, Some(0), "{line}: {}", outcome.stderr());
            begins(&sandbox.run("romfs cat i.romfs a.mpy").stdout, &line);
        }
    }
}

#[test]
fn frozen_modules_are_those_of_the_releases_that_have_their_form() {
    let sandbox = sandbox();
    sandbox.write("src/a.py", "x = f\"{f'{1}'}\"\n");
    for (target, code) in [
        ("micropython-1.29", 0),
        // No f-strings in f-strings.
        ("micropython-1.23", 1),
    ] {
        let line = format!("freeze manifest.py --size --target {target}");
        assert_eq!(sandbox.run(&line).code, Some(code), "{line}");
    }
    assert_snapshot!(sandbox.show("freeze manifest.py --size --target micropython-1.22"));
    std::fs::create_dir(sandbox.path().join("old")).unwrap();
    sandbox.write("src/a.py", "x = 1\n");
    sandbox.run("compile src/a.py -o old/a.mpy --target micropython-1.18");
    sandbox.write("old.py", "freeze_mpy('old')\n");
    let refused = sandbox.run("freeze old.py --size");
    let stderr = refused.stderr();
    for part in [
        "a.mpy: incompatible .mpy version",
        "only files of MicroPython 1.19 on are frozen",
    ] {
        assert!(stderr.contains(part), "{stderr}");
    }
}

#[test]
fn an_image_for_another_release_is_not_written() {
    let sandbox = sandbox();
    assert_snapshot!(
        sandbox.show("connect virtual --quiet romfs --target micropython-1.18 deploy src")
    );
}

#[test]
fn files_say_which_release_they_are_for() {
    let sandbox = sandbox();
    sandbox.run("compile src/a.py -o a.mpy --target micropython-1.18");
    let shown = sandbox.run("inspect a.mpy");
    let first = shown.stdout().lines().next().unwrap_or_default().to_owned();
    assert!(
        first.ends_with(
            "MicroPython .mpy version 5, 31-bit small ints, no machine code, Unicode strings"
        ),
        "{first}"
    );
    assert!(
        shown
            .stderr()
            .contains("MicroPython 1.12 to 1.18 can load it"),
        "{}",
        shown.stderr()
    );
    let hex = sandbox.run("inspect --hex a.mpy").stdout();
    assert!(
        hex.contains("feature byte: no machine code, Unicode strings"),
        "{hex}"
    );
}
