//! `makemanifest` and `mpy-tool`: their output is that of MicroPython's tools. The hashes are those of upstream's output for the same
//! files (MicroPython 1.29, mpy-cross 1.29.0).

use piton::path::Sha256Hex;

use crate::support::Sandbox;

/// One of each kind of constant, and of each kind of function.
const CONSTANTS: &str = "a = 1.5\nb = 1e30\nc = -2.5e-10\nd = 123456789012345678901234567890\ne = -98765432109876543210\nf = 65536\n\
    g = 'a long text that is certainly more than twenty-five letters'\nh = '\\u00e4\\u20ac \\U0001f600 long enough to stay a constant'\n\
    i = b'bytes \\x00\\xff'\nj = (1, 2.5, 'x', (None, True, False, ...), b'y', 10**20)\nk = 1.5j\nl = 'quote\"\\'\\\\'\nm = ()\nn = ''\n\
    o = b''\np = 0.1\nq = '\\x7f\\xad\\u2028'\n\
    def function(a, b=1, *c, d, e=2, **f):\n    x = lambda: (yield a)\n    return [y for y in range(10) if x]\n\
    class C:\n    def m(self):\n        return self.value\n    async def n(self):\n        await self\n";

const HEADER: &str =
    "QCFG(BYTES_IN_LEN, (1))\nQCFG(BYTES_IN_HASH, (2))\nQ(function)\nQ(\\n)\nQ(value)\n";

fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("constants.py", CONSTANTS);
    sandbox.write("second.py", "x = 1\n");
    std::fs::create_dir_all(sandbox.path().join("text")).unwrap();
    std::fs::create_dir_all(sandbox.path().join("build/genhdr")).unwrap();
    sandbox.write("text/source.py", "# \u{e4}bc \"quoted\" \\\r\nx = 1\n");
    sandbox.write("build/genhdr/qstrdefs.preprocessed.h", HEADER);
    sandbox.write(
        "manifest.py",
        "metadata(version='1.2')\nmodule('constants.py', opt=1)\nfreeze_as_str('text')\nmodule('second.py')\n",
    );
    sandbox
}

fn line(flags: &str) -> String {
    format!(
        "makemanifest -o build/frozen_content.c -b build -v MPY_DIR=. -v PORT_DIR=.{flags} manifest.py"
    )
}

#[test]
fn frozen_content_is_that_of_upstream() {
    let sandbox = project();
    let first = sandbox.run(&line(""));
    assert_eq!(first.stderr(), "");
    assert_eq!(
        first.stdout(),
        "MPY constants.py\nMPY second.py\nSTR source.py\nGEN build/frozen_content.c\n"
    );
    let content = sandbox.read("build/frozen_content.c");
    assert_eq!(Sha256Hex::of(&content).as_str(), FROZEN);
    // Nothing is new: nothing is made, and nothing said.
    assert_eq!(sandbox.run(&line("")).stdout(), "");
    // Neither a cut output nor a changed source passes as the one that was made, though the cache knows the content.
    sandbox.write("build/frozen_content.c", &content[..100]);
    assert_eq!(
        sandbox.run(&line("")).stdout(),
        "STR source.py\nGEN build/frozen_content.c\n"
    );
    assert_eq!(sandbox.read("build/frozen_content.c"), content);
    sandbox.write("second.py", "x = 2\n");
    assert_eq!(
        sandbox.run(&line("")).stdout(),
        "MPY second.py\nSTR source.py\nGEN build/frozen_content.c\n"
    );
    // A change of the manifest counts, though no source is newer.
    sandbox.write("manifest.py", "module('second.py', opt=3)\n");
    let changed = sandbox.run(&line(
        " --mpy-cross-flags=-O2 --mpy-tool-flags=-mlongint-impl=none",
    ));
    assert_eq!(
        changed.stdout(),
        "MPY second.py\nGEN build/frozen_content.c\n"
    );
}

#[test]
fn mpy_tool_prints_what_upstream_prints() {
    let sandbox = project();
    assert_eq!(sandbox.run(&line("")).code, Some(0));
    for (option, hash) in [
        ("-d", DISASSEMBLY),
        ("-x", HEXDUMP),
        ("-x -d -j", JSON),
        ("-f -j", FROZEN_JSON),
    ] {
        let outcome = sandbox.run(&format!("mpy-tool {option} build/frozen_mpy/constants.mpy"));
        assert_eq!(Sha256Hex::of(&outcome.stdout).as_str(), hash, "{option}");
    }
    let broken = sandbox.run("mpy-tool -d constants.py");
    assert_eq!(broken.code, Some(1));
    assert_eq!(broken.stderr(), "constants.py: not a valid .mpy file\n");
    assert_eq!(sandbox.run("mpy-tool -d").code, Some(2));
}

#[test]
fn what_the_c_compiler_would_stumble_over_is_an_error() {
    let sandbox = project();
    for (manifest, message) in [
        (
            "module('missing.py')\n",
            "manifest error executing \"manifest.py\": Error in manifest file: ",
        ),
        (
            "module('second.py')\nmodule('second.py')\n",
            "`second.py` is listed twice",
        ),
        (
            "module('../second.py', base_path='text')\n",
            "outside of the build's folder",
        ),
        (
            "package('text', files=['source.txt'])\n",
            "neither a `.py` nor a `.mpy` file",
        ),
    ] {
        sandbox.write("text/source.txt", "");
        sandbox.write("manifest.py", manifest);
        let outcome = sandbox.run(&line(""));
        assert_eq!(outcome.code, Some(1), "{manifest}");
        assert!(outcome.stderr().contains(message), "{}", outcome.stderr());
        assert!(!sandbox.path().join("build/frozen_content.c").exists());
    }
    sandbox.write("second.py", "x = (\n");
    sandbox.write("manifest.py", "module('second.py')\n");
    let outcome = sandbox.run(&line(""));
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome
            .stdout()
            .starts_with("error compiling second.py:\nTraceback"),
        "{}",
        outcome.stdout()
    );
    let outcome = sandbox.run("makemanifest -o a -b b -v X=1 manifest.py");
    assert_eq!(
        outcome.stdout(),
        "MPY_DIR and PORT_DIR variables must be specified\n"
    );
}

#[cfg(unix)]
#[test]
fn a_build_with_cmake_gets_our_makemanifest_and_the_systems_python() {
    let sandbox = project();
    let link = sandbox.path().join("piton-python3");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_piton"), &link).unwrap();
    let start = |words: &[&str]| {
        let mut command = sandbox.piton();
        let mut linked = std::process::Command::new(&link);
        let variables = command.get_envs();
        for (name, value) in variables {
            match value {
                Some(value) => linked.env(name, value),
                None => linked.env_remove(name),
            };
        }
        linked.current_dir(sandbox.path()).args(words);
        command = linked;
        crate::support::run(command)
    };
    // As FindPython3 and py/mkrules.cmake start it.
    let version = start(&["-c", "import sys; print(sys.version_info[0])"]);
    assert_eq!(version.stdout(), "3\n");
    assert_eq!(start(&["-c", "raise SystemExit(7)"]).code, Some(7));
    let words = format!("/micropython/tools/{}", line(""));
    let words: Vec<&str> = words.split_whitespace().collect();
    let script = words[0].replace("makemanifest", "makemanifest.py");
    let made = start(&[&[script.as_str()], &words[1..]].concat());
    assert_eq!(made.code, Some(0), "{}", made.stderr());
    let content = sandbox.read("build/frozen_content.c");
    assert_eq!(Sha256Hex::of(&content).as_str(), FROZEN);
}

#[test]
fn freeze_compares_draws_and_looks_for_what_is_imported() {
    let sandbox = project();
    sandbox.write("manifest.py", "module('second.py')\n");
    let old = sandbox.run("freeze manifest.py --size --json");
    sandbox.write("old.json", &old.stdout);
    sandbox.write("old.py", "module('second.py')\n");
    sandbox.write(
        "second.py",
        "import time, gone\nx = 'a text that makes it larger'\n",
    );
    sandbox.write(
        "third.py",
        "try:\n    import perhaps\nexcept ImportError:\n    pass\nimport second\n",
    );
    sandbox.write("manifest.py", "module('second.py')\nmodule('third.py')\n");
    let changed = sandbox.run("freeze manifest.py --diff old.json --draw sizes.html");
    assert_eq!(changed.code, Some(0), "{}", changed.stderr());
    let lines = changed.stdout();
    let ends: Vec<&str> = lines
        .lines()
        .filter_map(|line| line.rsplit(' ').next())
        .collect();
    assert_eq!(ends, ["second.py", "third.py", "all"], "{lines}");
    assert!(lines.contains("       -  "), "{lines}");
    // Both manifests are of now: only a module came.
    let json = sandbox.run("freeze manifest.py --diff old.py --json");
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(json["changes"].as_array().unwrap().len(), 1);
    assert_eq!(json["changes"][0]["old"], serde_json::Value::Null);
    let page = String::from_utf8(sandbox.read("sizes.html")).unwrap();
    assert!(
        page.starts_with("<!DOCTYPE html>") && page.contains("<td>third.py</td>"),
        "{page}"
    );
    let wrong = sandbox.run("freeze manifest.py --diff missing.json");
    assert_eq!(wrong.code, Some(1), "{}", wrong.stderr());
    sandbox.write(
        "build/genhdr/moduledefs.h",
        "{ MP_ROM_QSTR(MP_QSTR_time), MP_ROM_PTR(&mp_module_time) },\n",
    );
    let imports = sandbox.run("freeze manifest.py --check-imports");
    assert_eq!(imports.code, Some(1));
    for text in [
        "second.mpy: `import gone` finds nothing",
        "`import perhaps` finds nothing, and may do without",
        "1 import finds nothing",
    ] {
        assert!(imports.stderr().contains(text), "{}", imports.stderr());
    }
}

#[test]
fn freeze_says_what_a_foreign_project_lacks() {
    let sandbox = Sandbox::new();
    sandbox.write("fast.py", "@micropython.native\ndef f():\n    return 1\n");
    sandbox.write("manifest.py", "module('fast.py')\n");
    for line in [
        "freeze manifest.py --size",
        "romfs --manifest manifest.py -o image.romfs build",
    ] {
        let outcome = sandbox.run(line);
        let stderr = outcome.stderr();
        assert_eq!(outcome.code, Some(1), "{line}");
        assert!(stderr.contains("SyntaxError: invalid arch\n"), "{stderr}");
        assert!(
            stderr.contains("hint: a function in machine code needs a processor"),
            "{stderr}"
        );
    }
    let sizes = sandbox.run("freeze manifest.py --size --target micropython:armv7m");
    assert_eq!(sizes.code, Some(0), "{}", sizes.stderr());
    let outcome = sandbox.run("freeze manifest.py -o frozen.c --target micropython:armv7m");
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome
            .stderr()
            .contains("hint: the build of the firmware makes it"),
        "{}",
        outcome.stderr()
    );
    assert!(!sandbox.path().join("frozen.c").exists());
}

#[test]
fn freeze_tells_why_files_are_in_and_how_large_they_are() {
    let sandbox = project();
    sandbox.write("inner.py", "module('second.py')\n");
    sandbox.write(
        "manifest.py",
        "\ninclude('inner.py')\nmodule('constants.py')\nmodule('constants.py')\n",
    );
    let outcome = sandbox.run("freeze manifest.py --explain");
    let text = outcome.stdout();
    assert!(text.starts_with("second.py: `module`\n    /"), "{text}");
    assert!(
        text.contains("inner.py:1\n") && text.contains("manifest.py:2\n"),
        "{text}"
    );
    assert!(
        outcome.stderr().contains("`constants.py` is listed twice"),
        "{}",
        outcome.stderr()
    );
    sandbox.write(
        "manifest.py",
        "include('inner.py')\nmodule('constants.py')\n",
    );
    let json = sandbox.run("freeze manifest.py --size --json");
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    let module = &json["modules"][0];
    assert_eq!(module["name"], "second.py");
    assert_eq!(module["functions"][0]["name"], "<module>");
    assert!(module["bytes"].as_u64().unwrap() > module["code"].as_u64().unwrap());
    let words = "freeze manifest.py -b build -o build/frozen_content.c --depfile build/frozen.d";
    assert_eq!(sandbox.run(words).code, Some(0));
    let rule = String::from_utf8(sandbox.read("build/frozen.d")).unwrap();
    assert!(
        rule.starts_with("build/frozen_content.c: \\\n  /"),
        "{rule}"
    );
    assert!(rule.trim_end().ends_with("/constants.py"), "{rule}");
}

#[test]
fn c_modules_are_listed_one_a_line() {
    let sandbox = project();
    std::fs::create_dir_all(sandbox.path().join("driver")).unwrap();
    sandbox.write("driver/micropython.mk", "");
    sandbox.write(
        "manifest.py",
        "c_module('driver')\nmodule('not-there.py')\n",
    );
    let outcome =
        sandbox.run("makemanifest --list-c-modules -v MPY_DIR=. -v PORT_DIR=. manifest.py");
    assert!(
        outcome.stdout().ends_with("/driver\n"),
        "{}",
        outcome.stderr()
    );
    assert_eq!(outcome.code, Some(0));
}

/// The hash of `frozen_content.c`.
const FROZEN: &str = "33434b8bc58768a55b11b5c8e82155781d3d1ec8f812add5c4cf987b66b032b4";

/// The hashes of what `mpy-tool.py` prints of `constants.mpy` with these options.
const DISASSEMBLY: &str = "94a982422e3bff92b3592ae9e339aa030284096891d9d5d399939c7bf0185b87";
const HEXDUMP: &str = "d4f26b9d2be582e870cab524dac5598ffee42cd64e8d5236d1a7eb9e6b997c5e";
const JSON: &str = "4b80d89856ab454c9d91b67177228e50abdd30e6c9e32168eeea706fe1fb29e7";
const FROZEN_JSON: &str = "f81a82ebeb704178008e2e2274688602aefaf203f020bc54b537c64a545717c1";

#[test]
fn mpy_ld_links_as_upstream() {
    let sandbox = Sandbox::new();
    let bytes = |digits: &str| -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
        (0..digits.len()).step_by(2).map(digit).collect()
    };
    std::fs::write(sandbox.path().join("tiny.o"), bytes(OBJECT)).unwrap();
    let linked = sandbox.run("mpy-ld tiny.o -vv");
    assert_eq!(linked.stderr(), "");
    assert_eq!(linked.stdout(), LINKED);
    assert_eq!(
        sandbox.read("tiny.mpy"),
        b"M\x06\x0b\x1f\x01\0\x10tiny.mpy\0\x42\xeb\x01\x90\xc3\0\0\0\0\x10\xff"
    );

    sandbox.write("a.c", "MP_QSTR_b MP_QSTR_append MP_QSTR_a\n");
    assert_eq!(sandbox.run("mpy-ld --preprocess a.c").stdout(), "");
    let header = String::from_utf8(sandbox.read("a.config.h")).unwrap();
    assert!(header.contains("#define MP_QSTR_b (mp_native_qstr_table[2])\n"));
    sandbox.run("mpy-ld --qstrs a.config.h --source-name s -o b.mpy tiny.o");
    assert!(
        sandbox
            .read("b.mpy")
            .starts_with(b"M\x06\x0b\x1f\x03\0\x02s\0\x02a\0\x02b\0")
    );
}

#[test]
fn mpy_ld_refuses_as_upstream() {
    let sandbox = Sandbox::new();
    sandbox.write("text.o", "text");
    for (line, code, stdout, stderr) in [
        (
            "text.o",
            1,
            "",
            "mpy_ld.py: text.o: not an ELF object that can be linked: ",
        ),
        ("missing.o", 1, "", "mpy_ld.py: missing.o: "),
        (
            "text.txt",
            1,
            "",
            "mpy_ld.py: `text.txt` does not end with `.o`: name the output with `-o`\n",
        ),
        (
            "--arch z80 text.o",
            1,
            "",
            "mpy_ld.py: no objects are linked for `z80`: expected one of x86, x64, armv6m, ",
        ),
        (
            "--arch-flags zba text.o",
            1,
            "",
            "ValueError: Architecture \"x64\" does not support extra flags\n",
        ),
        (
            "--arch rv32imc --arch-flags zbb text.o",
            1,
            "",
            "ValueError: Invalid architecture flags value \"zbb\"\n",
        ),
        ("-e missing.ld text.o", 2, "", "usage: mpy_ld.py [-h] "),
        ("-vx text.o", 2, "", "usage: mpy_ld.py [-h] "),
        ("", 2, "", "usage: mpy_ld.py [-h] "),
    ] {
        let outcome = sandbox.run(&format!("mpy-ld {line}"));
        assert_eq!(outcome.code, Some(code), "{line}");
        assert_eq!(outcome.stdout(), stdout, "{line}");
        let found = outcome.stderr();
        assert!(found.starts_with(stderr), "{line}: {found}");
    }
}

/// `nop`, and `ret` with the name `mpy_init`, assembled for x64.
const OBJECT: &str = "7f454c4602010100000000000000000001003e000100000000000000000000000000000000000000a800000000000000000000004000000000004000\
    0500040090c3000000000000000000000000000000000000000000000000000000000000010000001000010001000000000000000000000000000000\
    006d70795f696e697400002e73796d746162002e737472746162002e7368737472746162002e74657874000000000000000000000000000000000000\
    000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000001b00000001000000\
    060000000000000000000000000000004000000000000000020000000000000000000000000000000100000000000000000000000000000001000000\
    020000000000000000000000000000000000000048000000000000003000000000000000030000000100000008000000000000001800000000000000\
    09000000030000000000000000000000000000000000000078000000000000000a000000000000000000000000000000010000000000000000000000\
    000000001100000003000000000000000000000000000000000000008200000000000000210000000000000000000000000000000100000000000000\
    0000000000000000";

/// The report of MicroPython 1.29's tools/mpy_ld.py for it.
const LINKED: &str = "qstr vals: \n\
    Generating trampoline jumping to mpy_init at address 00000002 to fit in 1 byte(s)\n\
    Generating trampoline jumping to mpy_init at address 00000003 to fit in 2 byte(s)\n\
    sections:\n\
    \x20 00000002 .text size=2\n\
    \x20 00000008 GOT size=0\n\
    GOT: 00000008\n\
    arch:         EM_X86_64\n\
    text size:    8\n\
    bss size:     0\n\
    GOT entries:  0\n";
