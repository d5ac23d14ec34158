//! What `verify` and `deploy` refuse of builds that somebody else had in hand: signatures, old builds, links, pipes,
//! bombs.

use std::fs;
use std::path::Path;

use insta::assert_snapshot;

use crate::build::{piton, project, told};
use crate::support::Sandbox;
use crate::web::{Answer, Web};

const BOTH: &str = "--target micropython --target circuitpython-10 --sign piton.key";

/// A build of version 2 for two targets in `build`, of version 1 in `old`; the key; an empty drive.
fn signed() -> Sandbox {
    let sandbox = project();
    let run = |line: &str| assert_eq!(piton(&sandbox, line, &[]).code, Some(0), "{line}");
    run("keygen --no-password");
    run(&format!("build {BOTH} --version 1.0 --out old"));
    sandbox.write("src/lib/answer.py", "def answer(n):\n    return n * 8\n");
    run(&format!("build {BOTH} --version 2.0"));
    fs::create_dir(sandbox.path().join("drive")).unwrap();
    sandbox
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in from.read_dir().unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

/// `build` again as it was, in `try`.
fn fresh(sandbox: &Sandbox) -> std::path::PathBuf {
    let place = sandbox.path().join("try");
    let _ = fs::remove_dir_all(&place);
    copy(&sandbox.path().join("build"), &place);
    place
}

/// What `verify` and `deploy` say, without what is the same always. Neither may let anything through, or write.
fn refused(sandbox: &Sandbox, place: &str, options: &str) -> String {
    let verified = told(sandbox, &format!("verify {place} {options}"));
    assert!(verified.ends_with("--- exit 1"), "{verified}");
    let line = format!("deploy {place} {options} --to drive --target micropython");
    let deployed = told(sandbox, &line);
    assert!(deployed.ends_with("--- exit 1"), "{deployed}");
    let drive = sandbox.path().join("drive");
    assert_eq!(drive.read_dir().unwrap().count(), 0, "{deployed}");
    let lines = verified.lines().skip(1);
    let found =
        lines.take_while(|line| !line.ends_with(" problem") && !line.ends_with(" problems"));
    let found = found.filter(|line| !line.ends_with("all right"));
    found.collect::<Vec<_>>().join("\n")
}

fn taken(sandbox: &Sandbox, place: &str, options: &str) {
    let drive = sandbox.path().join("drive");
    for line in [
        format!("verify {place} {options}"),
        format!("deploy {place} {options} --to drive --target micropython"),
    ] {
        let said = told(sandbox, &line);
        assert!(said.ends_with("--- exit 0"), "{said}");
    }
    fs::remove_dir_all(&drive).unwrap();
    fs::create_dir(&drive).unwrap();
}

/// The places of the same build that can be checked by themselves.
const PLACES: [&str; 7] = [
    "build",
    "build/index.json",
    "build/micropython",
    "build/micropython/manifest.json",
    "build/micropython/mpy-files.zip",
    "build/micropython/mpy-files.tar.gz",
    "unpacked",
];

/// As a person does it, in `folder`.
fn unpack(sandbox: &Sandbox, archive: &str, folder: &str) {
    let folder = sandbox.path().join(folder);
    fs::create_dir(&folder).unwrap();
    let mut command = test_programs::belay_python();
    command.args(["-m", "tarfile", "-e"]);
    command.arg(sandbox.path().join(archive)).arg(folder);
    assert_eq!(crate::support::run(command).code, Some(0));
}

#[test]
fn what_is_signed_is_checked_wherever_it_lies() {
    let sandbox = signed();
    unpack(&sandbox, "build/micropython/mpy-files.tar.gz", "unpacked");
    for place in PLACES {
        taken(&sandbox, place, "--key piton.pub");
        taken(&sandbox, place, "");
    }
    // With the folder alone goes the list.
    let alone = sandbox.path().join("alone");
    copy(&sandbox.path().join("build/micropython"), &alone.join("x"));
    assert_snapshot!(refused(&sandbox, "alone/x", "--key piton.pub"));
    taken(&sandbox, "alone/x", "");
    for name in ["index.json", "index.json.minisig"] {
        copy(
            &sandbox.path().join("build").join(name),
            &alone.join("x").join(name),
        );
    }
    taken(&sandbox, "alone/x", "--key piton.pub");
}

#[test]
fn a_list_of_targets_that_was_changed() {
    let sandbox = signed();
    let key = "--key piton.pub";
    let index = String::from_utf8(sandbox.read("build/index.json")).unwrap();
    let changed = index.replace("\"version\": \"2.0\"", "\"version\": \"2.1\"");
    assert_ne!(index, changed);
    let mut said = String::new();
    for place in ["try", "try/micropython", "try/micropython/mpy-files.zip"] {
        fresh(&sandbox);
        sandbox.write("try/index.json", &changed);
        said += &format!("{place}, changed: {}\n", refused(&sandbox, place, key));
        fs::remove_file(sandbox.path().join("try/index.json.minisig")).unwrap();
        said += &format!(
            "{place}, changed, not signed: {}\n",
            refused(&sandbox, place, key)
        );
        sandbox.write("try/index.json", &index);
        said += &format!("{place}, not signed: {}\n", refused(&sandbox, place, key));
        if !place.ends_with("zip") {
            fs::remove_file(sandbox.path().join("try/index.json")).unwrap();
            said += &format!("{place}, removed: {}\n", refused(&sandbox, place, key));
        }
    }
    assert_snapshot!(said);
}

/// Each is signed, and was right once.
#[test]
fn an_old_target_among_new_ones() {
    let sandbox = signed();
    let mut said = String::new();
    for (name, options) in [
        ("micropython", "--key piton.pub"),
        ("micropython", ""),
        ("micropython/manifest.json", ""),
        ("index.json", "--key piton.pub"),
        ("index.json", ""),
    ] {
        let place = fresh(&sandbox).join(name);
        let _ = fs::remove_dir_all(&place);
        copy(&sandbox.path().join("old").join(name), &place);
        if options.is_empty() {
            // Files, and signatures, that fit.
            for name in ["micropython/mpy", "micropython/manifest.json.minisig"] {
                if !place.ends_with("index.json") {
                    let place = sandbox.path().join("try").join(name);
                    copy(&sandbox.path().join("old").join(name), &place);
                }
            }
        } else if name == "index.json" {
            let signature = "index.json.minisig";
            copy(
                &sandbox.path().join("old").join(signature),
                &sandbox.path().join("try").join(signature),
            );
        }
        said += &format!("{name} {options}: {}\n", refused(&sandbox, "try", options));
    }
    // Of a build for one target, put where a reader looks first.
    let line = "build --sign piton.key --version 1.0 --out single";
    assert_eq!(piton(&sandbox, line, &[]).code, Some(0));
    fresh(&sandbox);
    for name in ["manifest.json", "manifest.json.minisig", "mpy"] {
        let place = sandbox.path().join("try").join(name);
        copy(&sandbox.path().join("single").join(name), &place);
    }
    said += &format!("single: {}\n", refused(&sandbox, "try", "--key piton.pub"));
    assert_snapshot!(said);
    // One target's folder and its archives know where they lie.
    fresh(&sandbox);
    let place = sandbox.path().join("try/micropython");
    fs::remove_dir_all(&place).unwrap();
    copy(&sandbox.path().join("old/micropython"), &place);
    for place in ["try/micropython", "try/micropython/mpy-files.zip"] {
        let said = refused(&sandbox, place, "--key piton.pub");
        assert!(said.contains("`index.json` names another one"), "{said}");
    }
}

/// What builds looked like before their manifests said that there is a list.
#[test]
fn a_list_of_an_older_piton() {
    let sandbox = signed();
    let text = String::from_utf8(sandbox.read("piton.key")).unwrap();
    let Ok(piton::shipment::signature::KeyFile::Open(key)) =
        piton::shipment::signature::KeyFile::parse(&text)
    else {
        panic!("it has a password");
    };
    fresh(&sandbox);
    let mut index = String::from_utf8(sandbox.read("build/index.json")).unwrap();
    for target in ["micropython", "circuitpython-10"] {
        let name = format!("try/{target}/manifest.json");
        let manifest = String::from_utf8(sandbox.read(&name)).unwrap();
        let (before, _) = manifest.split_once(",\n  \"targets\": [").unwrap();
        let old = format!("{before}\n}}\n");
        let hash = |text: &str| piton::path::Sha256Hex::of(text.as_bytes());
        index = index.replace(hash(&manifest).as_str(), hash(&old).as_str());
        sandbox.write(&format!("{name}.minisig"), key.sign(old.as_bytes(), ""));
        sandbox.write(&name, old);
    }
    let index = index.replace("\"schema\": 2", "\"schema\": 1");
    sandbox.write("try/index.json.minisig", key.sign(index.as_bytes(), ""));
    sandbox.write("try/index.json", index);
    taken(&sandbox, "try", "");
    taken(&sandbox, "try/micropython", "");
    refused(&sandbox, "try/micropython", "--key piton.pub");
    refused(&sandbox, "try", "--key piton.pub");
    assert_snapshot!(told(&sandbox, "verify try --key piton.pub"));
    assert_snapshot!(told(
        &sandbox,
        "deploy try --key piton.pub --to drive --target micropython"
    ));
}

#[test]
fn signatures_that_were_tampered_with() {
    let sandbox = signed();
    let signature =
        String::from_utf8(sandbox.read("build/micropython/manifest.json.minisig")).unwrap();
    let lines = signature.lines().collect::<Vec<_>>();
    let [_, first, trusted, second] = lines[..] else {
        panic!("{signature}");
    };
    let of_index = String::from_utf8(sandbox.read("build/index.json.minisig")).unwrap();
    let of_index = of_index.lines().collect::<Vec<_>>();
    assert_eq!(
        piton(&sandbox, "keygen --no-password other.key", &[]).code,
        Some(0)
    );
    let mut said = String::new();
    let untrusted = "untrusted comment: x";
    for (name, text) in [
        (
            "trusted comment",
            format!(
                "{untrusted}\n{first}\n{}\n{second}\n",
                trusted.replace(':', ": ")
            ),
        ),
        (
            "time",
            format!(
                "{untrusted}\n{first}\n{}\n{second}\n",
                trusted.replace("1770374762", "1970374762")
            ),
        ),
        ("that of the list", of_index.join("\n")),
        (
            "halves",
            format!("{untrusted}\n{first}\n{}\n{}\n", of_index[2], of_index[3]),
        ),
        ("no trusted comment", format!("{untrusted}\n{first}\n")),
        ("empty", String::new()),
        ("long", "x".repeat(20_000)),
        ("no text", "\u{0}\u{fffd}".to_owned()),
    ] {
        fresh(&sandbox);
        sandbox.write("try/micropython/manifest.json.minisig", text);
        said += &format!("{name}: {}\n", refused(&sandbox, "try", "--key piton.pub"));
    }
    said += &format!(
        "other key: {}\n",
        refused(&sandbox, "build", "--key other.pub")
    );
    assert_snapshot!(said);
    // What stands around the signature is not signed, and is not looked at.
    fresh(&sandbox);
    let text = format!("{untrusted}\n{first}\n{trusted}\n{second}\nand more\n");
    sandbox.write("try/micropython/manifest.json.minisig", text);
    taken(&sandbox, "try", "--key piton.pub");
}

#[test]
fn a_build_on_a_server_is_checked_as_one_here() {
    let sandbox = signed();
    let web = Web::start();
    let serve = |from: &str, to: &str| {
        for name in ["index.json", "index.json.minisig"] {
            web.put(
                &format!("/{to}/{name}"),
                Answer::Body(sandbox.read(&format!("{from}/{name}"))),
            );
        }
        for name in [
            "manifest.json",
            "manifest.json.minisig",
            "mpy-files.zip",
            "mpy/main.py",
            "mpy/lib/answer.mpy",
        ] {
            for target in ["micropython", "circuitpython-10"] {
                let name = format!("{target}/{name}");
                web.put(
                    &format!("/{to}/{name}"),
                    Answer::Body(sandbox.read(&format!("{from}/{name}"))),
                );
            }
        }
    };
    serve("build", "a");
    let key = "--key piton.pub";
    for place in [
        "index.json",
        "micropython/manifest.json",
        "micropython/",
        "micropython/mpy-files.zip",
    ] {
        taken(&sandbox, &web.url(&format!("/a/{place}")), key);
    }
    for name in [
        "manifest.json",
        "manifest.json.minisig",
        "mpy/main.py",
        "mpy/lib/answer.mpy",
    ] {
        let name = format!("micropython/{name}");
        web.put(
            &format!("/a/{name}"),
            Answer::Body(sandbox.read(&format!("old/{name}"))),
        );
    }
    let mut said = String::new();
    let index = web.url("/a/index.json");
    let target = web.url("/a/micropython/");
    for (place, options) in [(&index, key), (&index, ""), (&target, key), (&target, "")] {
        said += &format!("mixed {options}: {}\n", refused(&sandbox, place, options));
    }
    serve("build", "a");
    web.put("/a/index.json.minisig", Answer::Status(404));
    for place in [&index, &target] {
        said += &format!("not signed: {}\n", refused(&sandbox, place, key));
    }
    web.put("/a/index.json", Answer::Status(404));
    said += &format!("no list: {}\n", refused(&sandbox, &target, key));
    assert_snapshot!(said.replace(&web.url(""), "WEB"));
}

/// What `deploy` says, and what is on the drive then.
fn deployed(sandbox: &Sandbox, options: &str) -> String {
    format!(
        "{}\nversion there: {}\nrecord: {}\n",
        told(sandbox, &format!("deploy --to drive {options}")),
        String::from_utf8_lossy(
            &fs::read(sandbox.path().join("drive/version.txt")).unwrap_or_default()
        ),
        String::from_utf8_lossy(
            &fs::read(sandbox.path().join("drive/.piton-deployed")).unwrap_or_default()
        ),
    )
}

/// Builds of these versions, each in a folder of its name, signed.
fn versions(versions: &[&str]) -> Sandbox {
    let sandbox = project();
    assert_eq!(piton(&sandbox, "keygen --no-password", &[]).code, Some(0));
    for version in versions {
        sandbox.write("src/version.txt", version);
        let line =
            format!("build --sign piton.key --data *.txt --version {version} --out {version}");
        assert_eq!(piton(&sandbox, &line, &[]).code, Some(0));
    }
    fs::create_dir(sandbox.path().join("drive")).unwrap();
    sandbox
}

#[test]
fn an_old_build_as_a_whole() {
    let sandbox = versions(&["1.9", "1.10", "2.0-rc1", "2.0"]);
    for (line, code) in [
        ("verify 1.10 --min-version 1.9", 0),
        ("verify 1.10 --min-version v1.10.0", 0),
        ("verify 1.9 --min-version 1.10", 1),
        ("verify 2.0-rc1 --min-version 2.0 --key piton.pub", 1),
        ("verify 1.9/mpy-files.zip --min-version 1.10", 1),
        ("deploy 1.9 --min-version 1.10 --to drive", 1),
        ("verify 1.9 --min-version latest", 2),
        ("verify 1.9 --min-version ''", 2),
    ] {
        let outcome = piton(&sandbox, line, &[]);
        assert_eq!(outcome.code, Some(code), "{line}: {}", outcome.stderr());
    }
    assert_snapshot!(told(&sandbox, "verify 1.9 --min-version 1.10"));
    assert_eq!(sandbox.path().join("drive").read_dir().unwrap().count(), 0);
    let key = "--key piton.pub";
    let mut said = deployed(&sandbox, "1.9");
    // The first time, nothing is known; then each later one is taken.
    for version in ["1.9", "2.0-rc1", "2.0"] {
        said += &deployed(&sandbox, &format!("{version} {key}"));
    }
    // The same again, an older one, an older one by will, one that nobody asked a signature of.
    said += &deployed(&sandbox, &format!("2.0 {key}"));
    said += &deployed(&sandbox, &format!("1.10 {key}"));
    said += &deployed(&sandbox, &format!("1.10 {key} --dry-run"));
    said += &deployed(&sandbox, &format!("1.10 {key} --allow-downgrade"));
    said += &deployed(&sandbox, "1.9");
    said += &deployed(&sandbox, &format!("1.10 {key}"));
    assert_snapshot!(said);
    // A record that says nothing is no way round it.
    for text in ["", "{}", "{\"version\":\"0\"}"] {
        sandbox.write("drive/.piton-deployed", text);
        let said = deployed(&sandbox, &format!("1.9 {key}"));
        assert!(
            said.contains("--- exit 1") && said.contains("--allow-downgrade"),
            "{said}"
        );
    }
    let said = deployed(&sandbox, &format!("1.9 {key} --allow-downgrade"));
    assert!(
        said.contains("--- exit 0") && said.contains("version there: 1.9"),
        "{said}"
    );
    #[cfg(unix)]
    {
        let record = sandbox.path().join("drive/.piton-deployed");
        sandbox.write("elsewhere", "{\"version\":\"0\",\"build_timestamp\":\"\"}");
        fs::remove_file(&record).unwrap();
        std::os::unix::fs::symlink(sandbox.path().join("elsewhere"), &record).unwrap();
        let said = deployed(&sandbox, &format!("1.9 {key}"));
        assert!(said.contains("does not say which version"), "{said}");
        let said = deployed(&sandbox, &format!("1.9 {key} --allow-downgrade"));
        assert!(said.contains("--- exit 0"), "{said}");
        assert!(record.symlink_metadata().unwrap().is_file());
        assert!(!sandbox.read("elsewhere").is_empty());
    }
}

/// Two builds of one version are told apart by their time.
#[test]
fn an_old_build_of_the_same_version() {
    let sandbox = versions(&["1.0"]);
    let time = [("SOURCE_DATE_EPOCH", "1770374000")];
    let line = "build --sign piton.key --version 1.0 --out before";
    assert_eq!(piton(&sandbox, line, &time).code, Some(0));
    let key = "--key piton.pub";
    let said = deployed(&sandbox, &format!("1.0 {key}"));
    assert!(said.contains("--- exit 0"), "{said}");
    assert_snapshot!(deployed(&sandbox, &format!("before {key}")));
}

#[test]
fn an_old_build_on_a_board() {
    let sandbox = versions(&["1.0", "1.1"]);
    let on_board = |options: &str| {
        let line = format!("connect virtual:board deploy {options}");
        format!(
            "{}\nrecord: {}\n",
            told(&sandbox, &line),
            String::from_utf8_lossy(
                &fs::read(sandbox.path().join("board/.piton-deployed")).unwrap_or_default()
            ),
        )
    };
    fs::create_dir(sandbox.path().join("board")).unwrap();
    let key = "--key piton.pub";
    let mut said = String::new();
    for options in [
        "1.0".to_owned(),
        format!("1.1 {key} --dry-run"),
        format!("1.1 {key}"),
        format!("1.1 {key}"),
        format!("1.0 {key}"),
        "1.0".to_owned(),
        format!("1.0 {key} --allow-downgrade"),
    ] {
        said += &on_board(&options);
    }
    assert_snapshot!(said);
    sandbox.write("board/.piton-deployed", "x".repeat(5000));
    let said = on_board(&format!("1.1 {key}"));
    assert!(said.contains("does not say which version"), "{said}");
}

/// Who downloads a file by its `download_path` gets the file that was checked.
#[test]
fn a_download_path_that_leads_elsewhere() {
    let sandbox = project();
    assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
    fs::create_dir(sandbox.path().join("drive")).unwrap();
    let manifest = String::from_utf8(sandbox.read("build/manifest.json")).unwrap();
    let path = "\"download_path\": \"mpy/lib/answer.mpy\"";
    let mut said = String::new();
    for other in ["mpy/main.py", "lib/answer.mpy", "evil"] {
        let changed = manifest.replace(path, &format!("\"download_path\": \"{other}\""));
        assert_ne!(changed, manifest);
        sandbox.write("build/manifest.json", &changed);
        for place in ["build", "build/manifest.json"] {
            said += &format!("{}\n", refused(&sandbox, place, ""));
        }
    }
    assert_snapshot!(said);
    // Files that lie where somebody says are held to the manifest by their paths.
    taken_files(&sandbox, "verify build --files build/mpy");
}

fn taken_files(sandbox: &Sandbox, line: &str) {
    let said = told(sandbox, line);
    assert!(said.ends_with("--- exit 0"), "{said}");
}

/// A name that Piton keeps for itself, and one that a folder has as well.
#[test]
fn names_that_no_build_has() {
    let sandbox = project();
    assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
    fs::create_dir(sandbox.path().join("drive")).unwrap();
    let manifest = String::from_utf8(sandbox.read("build/manifest.json")).unwrap();
    let build = sandbox.path().join("build/mpy");
    let mut said = String::new();
    for (name, place) in [
        (".piton-deployed", "build/mpy/.piton-deployed"),
        ("lib/.Piton-swap", "build/mpy/lib/.Piton-swap"),
        ("main.py/x", ""),
        ("Main.py", "build/mpy/Main.py"),
        ("lib\u{202e}yp.a", "build/mpy/lib\u{202e}yp.a"),
    ] {
        let content = sandbox.read("build/mpy/main.py");
        if !place.is_empty() {
            sandbox.write(place, &content);
        }
        let (before, entry) = manifest.rsplit_once("    {\n").unwrap();
        let (entry, after) = entry.split_once("    }").unwrap();
        let other = entry.replace("\"main.py\"", &format!("\"{name}\""));
        let other = other.replace("\"mpy/main.py\"", &format!("\"mpy/{name}\""));
        let changed = format!("{before}    {{\n{other}    }},\n    {{\n{entry}    }}{after}");
        sandbox.write("build/manifest.json", changed);
        for command in ["verify", "deploy --to drive"] {
            said += &format!("{}\n", told(&sandbox, command));
        }
        if !place.is_empty() {
            fs::remove_file(sandbox.path().join(place)).unwrap();
        }
        let _ = fs::remove_dir_all(sandbox.path().join("drive"));
        fs::create_dir(sandbox.path().join("drive")).unwrap();
    }
    assert!(build.is_dir());
    assert_snapshot!(said);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::time::Duration;

    use super::*;
    use crate::support::{run, wait};

    fn pipe(path: &Path) {
        let mut command = std::process::Command::new("mkfifo");
        assert!(command.arg(path).status().unwrap().success());
    }

    /// Nobody writes to the pipes: whoever opened one would wait for ever, and the watchdog would end the test.
    #[test]
    fn pipes_and_devices_are_not_opened() {
        let sandbox = signed();
        let mut said = String::new();
        for name in [
            "micropython/manifest.json",
            "micropython/manifest.json.minisig",
            "micropython/mpy/main.py",
            "micropython/mpy/extra",
            "index.json",
            "index.json.minisig",
        ] {
            let place = fresh(&sandbox).join(name);
            let _ = fs::remove_file(&place);
            pipe(&place);
            said += &format!("{name}: {}\n", refused(&sandbox, "try", "--key piton.pub"));
        }
        fresh(&sandbox);
        pipe(&sandbox.path().join("archive.zip"));
        said += &format!("archive: {}\n", refused(&sandbox, "archive.zip", ""));
        let _ = fs::remove_file(sandbox.path().join("try/micropython/mpy/main.py"));
        let _socket =
            UnixListener::bind(sandbox.path().join("try/micropython/mpy/main.py")).unwrap();
        said += &format!("socket: {}\n", refused(&sandbox, "try", ""));
        let _ = fs::remove_file(sandbox.path().join("try/index.json"));
        symlink("/dev/zero", sandbox.path().join("try/index.json")).unwrap();
        said += &format!("device: {}\n", refused(&sandbox, "try", ""));
        assert_snapshot!(said);
        // On the drive: the file takes its place.
        let drive = sandbox.path().join("drive");
        for name in ["main.py", "boot_out.txt"] {
            pipe(&drive.join(name));
        }
        let line = "deploy build --to drive --target micropython";
        assert!(told(&sandbox, line).ends_with("--- exit 0"));
        assert!(drive.join("main.py").symlink_metadata().unwrap().is_file());
        let line = "build --target micropython --target circuitpython-10 --out try";
        fs::remove_file(sandbox.path().join("try/index.json")).unwrap();
        pipe(&sandbox.path().join("try/index.json"));
        assert!(told(&sandbox, line).contains("no build made it"));
    }

    /// A file without an end that the manifest says: checking takes years.
    #[test]
    fn the_first_signal_ends_it() {
        let sandbox = project();
        assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
        let manifest = String::from_utf8(sandbox.read("build/manifest.json")).unwrap();
        let (before, after) = manifest.split_once("\"size\": ").unwrap();
        let (_, after) = after.split_once(',').unwrap();
        let size = 1_u64 << 42;
        sandbox.write(
            "build/manifest.json",
            format!("{before}\"size\": {size},{after}"),
        );
        let file = fs::File::options()
            .write(true)
            .open(sandbox.path().join("build/mpy/lib/answer.mpy"))
            .unwrap();
        file.set_len(size).unwrap();
        for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
            let mut command = sandbox.piton();
            let mut child = command.args(["verify", "build"]).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(300));
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            let id = rustix::process::Pid::from_child(&child);
            rustix::process::kill_process(id, signal).unwrap();
            assert!(!wait(&mut child).success());
        }
    }

    #[test]
    fn a_link_is_called_one() {
        let sandbox = project();
        assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
        fs::create_dir(sandbox.path().join("drive")).unwrap();
        let place = sandbox.path().join("build/mpy/lib/answer.mpy");
        fs::rename(&place, sandbox.path().join("answer.mpy")).unwrap();
        symlink(sandbox.path().join("answer.mpy"), &place).unwrap();
        symlink("nowhere", sandbox.path().join("build/mpy/extra")).unwrap();
        assert_snapshot!(refused(&sandbox, "build", ""));
        let json = piton(&sandbox, "--json verify build", &[]).stdout();
        assert!(json.contains("\"problem\":\"link\""), "{json}");
    }

    #[test]
    fn nothing_is_written_through_a_link_on_a_drive() {
        let sandbox = project();
        assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
        let drive = sandbox.path().join("drive");
        let elsewhere = sandbox.path().join("elsewhere");
        fs::create_dir(&drive).unwrap();
        fs::create_dir_all(elsewhere.join("new")).unwrap();
        let deploy = || {
            let said = told(&sandbox, "deploy --to drive");
            let there = elsewhere.join("new").read_dir().unwrap().count();
            assert_eq!(there, 0, "{said}");
            assert_eq!(elsewhere.read_dir().unwrap().count(), 1, "{said}");
            said
        };
        symlink(&elsewhere, drive.join("lib")).unwrap();
        let mut all = deploy();
        fs::remove_file(drive.join("lib")).unwrap();
        fs::write(drive.join("lib"), "a file").unwrap();
        all += &deploy();
        fs::remove_file(drive.join("lib")).unwrap();
        // The hidden folder, as an interrupted copy leaves it.
        symlink(&elsewhere, drive.join(".piton-part")).unwrap();
        fs::write(drive.join(".piton-made"), "").unwrap();
        all += &deploy();
        assert_snapshot!(all);
        fs::remove_file(drive.join(".piton-part")).unwrap();
        fs::remove_file(drive.join(".piton-made")).unwrap();
        // A linked file is not written to: the file takes its place.
        fs::write(sandbox.path().join("file"), "old").unwrap();
        symlink(sandbox.path().join("file"), drive.join("main.py")).unwrap();
        assert!(deploy().ends_with("--- exit 0"));
        assert_eq!(sandbox.read("file"), b"old");
        assert_eq!(sandbox.read("drive/main.py"), sandbox.read("src/main.py"));
        // The drive itself may be named by a link.
        symlink(&drive, sandbox.path().join("link")).unwrap();
        assert!(told(&sandbox, "deploy --to link").ends_with("--- exit 0"));
    }

    /// The most memory that a program may take: it would not start with less, and a bomb has a hundred times more.
    const MEMORY_KIB: u32 = 100 << 10;

    #[test]
    fn a_bomb_does_not_go_off() {
        let sandbox = project();
        assert_eq!(piton(&sandbox, "build", &[]).code, Some(0));
        fs::create_dir(sandbox.path().join("drive")).unwrap();
        let script = sandbox.path().join("bombs.py");
        fs::write(&script, include_str!("bombs.py")).unwrap();
        let mut command = test_programs::belay_python();
        command.current_dir(sandbox.path()).arg(&script);
        let made = run(command);
        assert_eq!(made.code, Some(0), "{}", made.stderr());
        let mut said = String::new();
        for name in made.stdout().lines() {
            let size = sandbox.path().join(name).metadata().unwrap().len();
            assert!(size < 4 << 20, "{name}");
            for command in ["verify", "deploy --to drive"] {
                let mut shell = std::process::Command::new("bash");
                let line = command.replacen("deploy", &format!("deploy {name}"), 1);
                let line = line.replacen("verify", &format!("verify {name}"), 1);
                let script = format!("ulimit -v {MEMORY_KIB}; exec \"$PITON\" {line}");
                shell.arg("-c").arg(script).current_dir(sandbox.path());
                shell.env("PITON", env!("CARGO_BIN_EXE_piton"));
                let outcome = run(shell);
                assert_eq!(outcome.code, Some(1), "{name}: {}", outcome.stderr());
                said += &format!("{line}:\n{}{}", outcome.stdout(), outcome.stderr());
            }
        }
        assert_eq!(sandbox.path().join("drive").read_dir().unwrap().count(), 0);
        assert_snapshot!(said);
    }
}
