//! `build`, `verify`, `deploy` and `keygen`: from sources to a board.

use insta::assert_snapshot;

use crate::support::{Outcome, Sandbox, run, words};

/// A folder of sources with an entry file, a package, data, and a source that MicroPython does not take.
pub(crate) fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path().join("src/lib")).unwrap();
    sandbox.write(
        "src/main.py",
        "from lib.answer import answer\nprint('the answer is', answer(6))\n",
    );
    sandbox.write("src/lib/answer.py", "def answer(n):\n    return n * 7\n");
    sandbox.write("src/lib/font.bin", [0, 1, 2, 255]);
    sandbox.write("src/notes.txt", "no source");
    sandbox
}

/// Run `piton` away from whatever the tests themselves run in.
pub(crate) fn piton(sandbox: &Sandbox, line: &str, environment: &[(&str, &str)]) -> Outcome {
    let mut command = sandbox.piton();
    for name in [
        "CI",
        "GITHUB_ACTIONS",
        "GITHUB_OUTPUT",
        "GITHUB_STEP_SUMMARY",
    ] {
        command.env_remove(name);
    }
    // A cache of its own: what is compiled depends on nobody else.
    command.env("PITON_CACHE_DIR", sandbox.path().join("../cache"));
    command.env("PITON_VM", test_programs::vm());
    command.env("SOURCE_DATE_EPOCH", "1770374762");
    command.envs(environment.iter().copied());
    command.args(words(line));
    run(command)
}

/// The lines on stderr and the exit code.
pub(crate) fn told(sandbox: &Sandbox, line: &str) -> String {
    let outcome = piton(sandbox, line, &[]);
    let place = sandbox.path().display().to_string();
    let text = format!("{}{}", outcome.stdout(), outcome.stderr()).replace(&place, "[HERE]");
    format!("$ piton {line}\n{text}--- exit {}", outcome.code.unwrap())
}

#[test]
fn a_folder_of_sources_needs_no_settings() {
    let sandbox = project();
    assert_snapshot!(told(&sandbox, "build --data *.bin"), @r"
    $ piton build --data *.bin
    micropython: 3 files, 122 bytes, 1 compiled
    built
    1 data file is left out: `notes.txt`; `--data PATTERN` includes them
    --- exit 0
    ");
    assert_snapshot!(String::from_utf8(sandbox.read("build/manifest.json")).unwrap());
    assert_eq!(
        sandbox.read("build/mpy/main.py"),
        sandbox.read("src/main.py")
    );
    let official = {
        let mut command = test_programs::mpy_cross();
        command.current_dir(sandbox.path().join("src"));
        command.args(["lib/answer.py", "-o", "../official.mpy"]);
        run(command)
    };
    assert_eq!(official.code, Some(0));
    assert_eq!(
        sandbox.read("build/mpy/lib/answer.mpy"),
        sandbox.read("official.mpy")
    );
}

/// The manifest as a reader written from the workflow's description takes it.
#[test]
fn the_fields_of_the_reference_are_there() {
    let sandbox = project();
    assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
    sandbox.write(
        "reader.py",
        "import hashlib, json, os\n\
         manifest = json.load(open('build/manifest.json'))\n\
         assert list(manifest)[:3] == ['version', 'build_timestamp', 'files']\n\
         assert manifest['build_timestamp'] == '2026-02-06T10:46:02Z'\n\
         for file in manifest['files']:\n\
         \x20   assert list(file)[:4] == ['path', 'download_path', 'sha256', 'size'], file\n\
         \x20   content = open(os.path.join('build', file['download_path']), 'rb').read()\n\
         \x20   assert content == open('build/mpy/' + file['path'], 'rb').read()\n\
         \x20   assert hashlib.sha256(content).hexdigest() == file['sha256']\n\
         \x20   assert len(content) == file['size']\n\
         print(len(manifest['files']))\n",
    );
    let mut command = test_programs::belay_python();
    command.current_dir(sandbox.path()).arg("reader.py");
    let outcome = run(command);
    assert_eq!(outcome.stdout(), "2\n", "{}", outcome.stderr());
}

/// The reader in the workflow's description, to the letter.
#[test]
fn the_reader_of_the_reference_runs_unchanged() {
    let sandbox = project();
    sandbox.write("src/boot.py", "x = 1\n");
    // It asks for `boot.mpy`.
    let line = "build --entry main.py --no-archives";
    assert_eq!(piton(&sandbox, line, &[]).code, Some(0));
    let read = || {
        let mut command = test_programs::belay_python();
        command.current_dir(sandbox.path().join("build"));
        command.arg("-c").arg(include_str!("reference_reader.py"));
        run(command)
    };
    let outcome = read();
    assert_eq!(
        outcome.stdout(),
        "File verified successfully!\n",
        "{}",
        outcome.stderr()
    );
    let mut mpy = sandbox.read("build/mpy/boot.mpy");
    *mpy.last_mut().unwrap() ^= 1;
    sandbox.write("build/mpy/boot.mpy", mpy);
    assert_eq!(read().stdout(), "File verification failed!\n");
}

#[test]
fn nothing_changed_means_nothing_written() {
    let sandbox = project();
    let times = |sandbox: &Sandbox| {
        [
            "manifest.json",
            "mpy/lib/answer.mpy",
            "mpy/main.py",
            "mpy-files.zip",
        ]
        .map(|name| {
            let path = sandbox.path().join("build").join(name);
            path.metadata().unwrap().modified().unwrap()
        })
    };
    assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
    sandbox.write("build/kept.txt", "not ours");
    let first = times(&sandbox);
    assert!(told(&sandbox, "build").contains("unchanged"));
    assert_eq!(times(&sandbox), first);
    sandbox.write("src/main.py", "print('other')\n");
    assert!(told(&sandbox, "build").contains("\nbuilt\n"));
    assert_eq!(times(&sandbox)[1], first[1], "an equal file keeps its time");
    assert_eq!(sandbox.read("build/kept.txt"), b"not ours");
    // What somebody else left among the files goes.
    sandbox.write("build/mpy/stale.mpy", "M");
    assert!(told(&sandbox, "build").contains("\nbuilt\n"));
    assert!(!sandbox.path().join("build/mpy/stale.mpy").exists());
}

#[test]
fn what_does_not_compile() {
    let sandbox = project();
    sandbox.write("src/bad.py", "x = {**a}\n");
    assert_snapshot!(told(&sandbox, "build --strict"));
    assert!(!sandbox.path().join("build").exists());
    assert_snapshot!(told(&sandbox, "build --strict --allow-fail bad.py"));
    assert!(told(&sandbox, "build").contains("unchanged; 1 source did not compile, left out"));
    let strict = piton(&sandbox, "build", &[("CI", "true")]);
    assert_eq!(strict.code, Some(1), "strict in CI");
    std::fs::remove_dir_all(sandbox.path().join("src/lib")).unwrap();
    assert!(told(&sandbox, "build").contains("no source compiled"));
    assert_eq!(piton(&sandbox, "build", &[]).code, Some(1));
    assert!(
        sandbox.path().join("build/mpy/lib/answer.mpy").exists(),
        "as it was"
    );
}

#[test]
fn github_is_told() {
    let sandbox = project();
    sandbox.write("src/bad.py", "\nx = {**a}\n");
    let [output, summary] = ["output", "summary"].map(|name| sandbox.path().join(name));
    let environment = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_OUTPUT", output.to_str().unwrap()),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
    ];
    let outcome = piton(&sandbox, "build --keep-going", &environment);
    assert_eq!(outcome.code, Some(0));
    let warning = "::warning file=src/bad.py,line=2,title=SyntaxError::invalid syntax%0Ahint: ";
    assert!(outcome.stderr().contains(warning), "{}", outcome.stderr());
    let text = String::from_utf8([sandbox.read("output"), sandbox.read("summary")].concat());
    assert_snapshot!(text.unwrap());
    let outcome = piton(&sandbox, "build --strict", &environment);
    assert!(outcome.stderr().contains("::error file=src/bad.py,line=2"));
}

/// Build as somebody else on a computer that is set up otherwise.
#[cfg(unix)]
fn build_elsewhere(sandbox: &Sandbox, line: &str) {
    use std::os::unix::fs::PermissionsExt;
    for name in ["src/lib/answer.py", "src/lib/font.bin"] {
        let path = sandbox.path().join(name);
        let content = std::fs::read(&path).unwrap();
        // Made anew, it may come at another place in its folder.
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
    }
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "umask 077; exec \"$0\" \"$@\""]);
    command.arg(env!("CARGO_BIN_EXE_piton")).args(words(line));
    command.current_dir(sandbox.path());
    command.env_clear().env("SOURCE_DATE_EPOCH", "1770374762");
    command.envs([
        ("TZ", "Asia/Kathmandu"),
        ("LC_ALL", "tr_TR.UTF-8"),
        ("USER", "other"),
    ]);
    command.env("HOME", sandbox.path().join("../other"));
    assert_eq!(run(command).code, Some(0));
}

#[cfg(windows)]
fn build_elsewhere(sandbox: &Sandbox, line: &str) {
    assert_eq!(piton(sandbox, line, &[("TZ", "NPT-05:45")]).code, Some(0));
}

#[test]
fn the_same_bytes_wherever_and_whenever() {
    let [one, other] = [project(), project()];
    let late = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(2_000_000_000);
    let file = std::fs::File::options()
        .write(true)
        .open(other.path().join("src/main.py"))
        .unwrap();
    file.set_modified(late).unwrap();
    let line = "build --data *.bin --no-cache";
    assert_eq!(piton(&one, line, &[]).code, Some(0));
    build_elsewhere(&other, &format!("{line} --out else/where"));
    for name in [
        "manifest.json",
        "mpy-files.tar.gz",
        "mpy-files.zip",
        "mpy/lib/answer.mpy",
    ] {
        assert!(
            one.read(&format!("build/{name}")) == other.read(&format!("else/where/{name}")),
            "{name} differs"
        );
    }
}

#[test]
fn settings_come_from_the_project() {
    let sandbox = project();
    sandbox.write(
        "pyproject.toml",
        "[project]\nname = 'x'\nversion = '2.1'\n[tool.piton.build]\nout = 'dist'\nexclude = ['main.py']\n\
         targets = ['micropython', 'circuitpython-10']\narchives = false\n",
    );
    assert_snapshot!(told(&sandbox, "build"));
    assert_snapshot!(String::from_utf8(sandbox.read("dist/index.json")).unwrap());
    assert_eq!(
        sandbox.read("dist/circuitpython-10/mpy/lib/answer.mpy")[0],
        b'C'
    );
    assert_eq!(sandbox.read("dist/micropython/mpy/lib/answer.mpy")[0], b'M');
    assert!(
        !sandbox
            .path()
            .join("dist/micropython/mpy-files.zip")
            .exists()
    );
    assert!(told(&sandbox, "build").contains("unchanged"));
    assert_eq!(piton(&sandbox, "verify dist", &[]).code, Some(0));
    sandbox.write("pyproject.toml", "[tool.piton.build]\nsorce = 'x'\n");
    assert_snapshot!(told(&sandbox, "build"));
}

#[test]
fn every_damage_is_named() {
    let sandbox = project();
    assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
    assert_snapshot!(told(&sandbox, "verify"), @r"
    $ piton verify
    micropython: version 0.0.0 of 2026-02-06T10:46:02Z, 2 files, all right
    --- exit 0
    ");
    for archive in ["build/mpy-files.zip", "build/mpy-files.tar.gz"] {
        assert_eq!(
            piton(&sandbox, &format!("verify {archive}"), &[]).code,
            Some(0)
        );
        let bytes = sandbox.read(archive);
        sandbox.write("cut", &bytes[..bytes.len() - 10]);
        let outcome = piton(&sandbox, "verify cut", &[]);
        assert_eq!(outcome.code, Some(1));
        assert!(outcome.stderr().contains("damaged"), "{}", outcome.stderr());
    }
    let mut mpy = sandbox.read("build/mpy/lib/answer.mpy");
    *mpy.last_mut().unwrap() ^= 1;
    sandbox.write("build/mpy/lib/answer.mpy", mpy);
    sandbox.write("build/mpy/extra.mpy", "M");
    std::fs::remove_file(sandbox.path().join("build/mpy/main.py")).unwrap();
    assert_snapshot!(told(&sandbox, "verify"));
    assert_snapshot!(told(&sandbox, "verify nowhere"));
    assert_snapshot!(told(&sandbox, "verify src"));
}

#[test]
fn signatures_hold_what_was_signed() {
    let sandbox = project();
    let public = piton(&sandbox, "keygen --no-password", &[]).stdout();
    let public = public.trim();
    assert_eq!(
        piton(&sandbox, "keygen --no-password", &[]).code,
        Some(1),
        "a key is not replaced"
    );
    assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
    assert!(told(&sandbox, "verify --key piton.pub").contains("manifest.json: not signed"));
    assert_eq!(piton(&sandbox, "build --sign piton.key", &[]).code, Some(0));
    for place in ["build", "build/mpy-files.zip", "build/mpy-files.tar.gz"] {
        for key in ["piton.pub", public] {
            let outcome = piton(&sandbox, &format!("verify {place} --key {key}"), &[]);
            assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
        }
    }
    assert!(told(&sandbox, "build --sign piton.key").contains("unchanged"));
    assert_eq!(piton(&sandbox, "keygen -W other.key", &[]).code, Some(0));
    assert!(told(&sandbox, "verify --key other.pub").contains("made with another key"));
    let manifest = String::from_utf8(sandbox.read("build/manifest.json")).unwrap();
    sandbox.write("build/manifest.json", manifest.replace("0.0.0", "0.0.1"));
    assert!(told(&sandbox, "verify --key piton.pub").contains("does not match the content"));
    assert!(told(&sandbox, "build --sign piton.pub").contains("not a minisign secret key"));
}

#[test]
fn a_build_reaches_a_board() {
    let sandbox = project();
    std::fs::create_dir_all(sandbox.path().join("board/lib")).unwrap();
    // It would be imported instead of the compiled one.
    sandbox.write("board/lib/answer.py", "def answer(n): return 'stale'\n");
    assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
    assert_snapshot!(told(&sandbox, "connect virtual:board deploy --dry-run"));
    assert_eq!(
        piton(&sandbox, "connect virtual:board deploy", &[]).code,
        Some(0)
    );
    assert!(!sandbox.path().join("board/lib/answer.py").exists());
    let outcome = piton(&sandbox, "connect virtual:board run build/mpy/main.py", &[]);
    assert_eq!(outcome.stdout(), "the answer is 42\r\n");
    assert_snapshot!(told(&sandbox, "connect virtual:board deploy --dry-run"));
    assert_eq!(
        piton(&sandbox, "build --target circuitpython-10", &[]).code,
        Some(0)
    );
    assert_snapshot!(told(&sandbox, "connect virtual:board deploy"));
    assert_snapshot!(told(&sandbox, "connect virtual:board verify --board"));
}

#[test]
fn a_build_reaches_a_drive() {
    let sandbox = project();
    let drive = sandbox.path().join("CIRCUITPY");
    std::fs::create_dir_all(drive.join("lib")).unwrap();
    sandbox.write("src/code.py", "import main\n");
    sandbox.write("CIRCUITPY/lib/answer.py", "stale\n");
    std::fs::create_dir_all(drive.join(".piton-part/new")).unwrap();
    sandbox.write(
        "CIRCUITPY/.piton-part/new/0123456789abcdef",
        "left by a power cut",
    );
    sandbox.write("CIRCUITPY/.piton-made", "");
    sandbox.write("CIRCUITPY/lib/.piton-part.answer.mpy", "");
    sandbox.write(
        "CIRCUITPY/boot_out.txt",
        "Adafruit CircuitPython 10.0.3 on 2025-10-01; Raspberry Pi Pico with rp2040\n",
    );
    let line = "build --target micropython";
    assert_eq!(piton(&sandbox, line, &[]).code, Some(0));
    assert_snapshot!(told(&sandbox, "deploy --to CIRCUITPY"));
    assert!(!drive.join("code.py").exists());
    let both = "build --target micropython --target circuitpython-10";
    assert_eq!(piton(&sandbox, both, &[]).code, Some(0));
    assert_snapshot!(told(&sandbox, "deploy --to CIRCUITPY --dry-run"));
    assert_snapshot!(told(&sandbox, "deploy --to CIRCUITPY"));
    assert!(!drive.join("lib/answer.py").exists());
    assert!(!drive.join(".piton-part").exists());
    assert!(!drive.join(".piton-made").exists());
    assert!(!drive.join("lib/.piton-part.answer.mpy").exists());
    assert_eq!(sandbox.read("CIRCUITPY/lib/answer.mpy")[0], b'C');
    assert!(told(&sandbox, "deploy --to CIRCUITPY").contains("3 unchanged"));
    assert_snapshot!(told(&sandbox, "deploy --to nowhere"));
}
