//! The folder of the results of a build: what is replaced, what stays, and what a cut leaves.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

use piton::building::{BuildError, BuildEvent, Report, Settings, Written, build};
use piton::deadline::Cancel;
use piton::shipment::signature::SecretKey;

use crate::support::{files, folder, write};

/// Builds `src` into `out`. Returns the report and whether the time of the commit was not known.
fn try_build(
    root: &Path,
    adjust: impl FnOnce(&mut Settings),
) -> Result<(Report, bool), BuildError> {
    let mut settings = Settings::new(root.join("src"), root.join("out"));
    settings.archives = false;
    adjust(&mut settings);
    let no_commit = Mutex::new(false);
    let report = build(&settings, &Cancel::new(), &|event| {
        if matches!(event, BuildEvent::NoCommitTime { .. }) {
            *no_commit.lock().unwrap() = true;
        }
    })?;
    Ok((report, no_commit.into_inner().unwrap()))
}

fn try_written(root: &Path) -> Result<Written, BuildError> {
    try_build(root, |_| {}).map(|(report, _)| report.written)
}

/// The files below the folder, without the sources.
fn results(root: &Path) -> Vec<String> {
    let files = files(root).into_iter();
    files.filter(|name| !name.starts_with("src/")).collect()
}

#[test]
fn what_no_build_made_stays() {
    let root = folder(&[
        ("src/a.py", ""),
        ("out/README.md", "theirs"),
        ("out/docs/a.txt", "theirs"),
    ]);
    assert_eq!(try_written(root.path()).unwrap(), Written::Replaced);
    let expected = [
        "out/README.md",
        "out/docs/a.txt",
        "out/manifest.json",
        "out/mpy/a.mpy",
    ];
    assert_eq!(results(root.path()), expected);
    // What is ours and has no source any more goes.
    fs::rename(root.path().join("src/a.py"), root.path().join("src/b.py")).unwrap();
    try_written(root.path()).unwrap();
    let expected = [
        "out/README.md",
        "out/docs/a.txt",
        "out/manifest.json",
        "out/mpy/b.mpy",
    ];
    assert_eq!(results(root.path()), expected);
}

#[test]
fn a_folder_that_no_build_made_is_not_replaced() {
    for (files, is_theirs) in [
        (&[("out/mpy/a.mpy", "x")][..], true),
        (&[("out/mpy/", "")], false),
        (&[("out/manifest.json", "{}")], true),
        (&[("out/manifest.json", "nonsense")], true),
        (
            &[
                (
                    "out/manifest.json",
                    r#"{"version": "1", "build_timestamp": "x", "files": []}"#,
                ),
                ("out/mpy/a.mpy", "x"),
            ],
            false,
        ),
    ] {
        let root = folder(files);
        write(root.path(), &[("src/a.py", "")]);
        match try_written(root.path()) {
            Err(BuildError::NotOurs { .. }) => assert!(is_theirs, "{files:?}"),
            written => assert!(!is_theirs, "{files:?}: {written:?}"),
        }
    }
    let file = folder(&[("src/a.py", ""), ("out", "x")]);
    let error = try_written(file.path()).unwrap_err();
    assert!(
        matches!(error, BuildError::OutIsNotAFolder { .. }),
        "{error}"
    );
    let above = try_build(file.path(), |settings| {
        settings.out = file.path().to_owned()
    });
    assert!(
        matches!(above, Err(BuildError::OutHoldsSource { .. })),
        "{above:?}"
    );
}

#[test]
fn a_build_that_was_cut_is_put_right_by_the_next() {
    let fresh = || {
        let root = folder(&[("src/a.py", ""), ("out/theirs.txt", "theirs")]);
        try_written(root.path()).unwrap();
        root
    };
    let expected = ["out/manifest.json", "out/mpy/a.mpy", "out/theirs.txt"];
    // Cut while the new results were written.
    let root = fresh();
    write(
        root.path(),
        &[
            (".out.piton-new/mpy/a.mpy", "half"),
            ("src/a.py", "x = 1\n"),
        ],
    );
    try_written(root.path()).unwrap();
    assert_eq!(results(root.path()), expected);
    // Cut between the two renames, where names cannot be exchanged.
    let root = fresh();
    let (out, old) = (root.path().join("out"), root.path().join(".out.piton-old"));
    fs::rename(&out, &old).unwrap();
    write(
        root.path(),
        &[(".out.piton-new/mpy/a.mpy", "new"), ("src/a.py", "x = 2\n")],
    );
    try_written(root.path()).unwrap();
    assert_eq!(results(root.path()), expected);
    // Cut after the exchange: the old results still have what is not ours.
    let root = fresh();
    fs::create_dir(root.path().join(".out.piton-new")).unwrap();
    fs::rename(
        out_file(root.path()),
        root.path().join(".out.piton-new/theirs.txt"),
    )
    .unwrap();
    assert_eq!(try_written(root.path()).unwrap(), Written::Unchanged);
    assert_eq!(results(root.path()), expected);
}

fn out_file(root: &Path) -> std::path::PathBuf {
    root.join("out/theirs.txt")
}

#[cfg(unix)]
#[test]
fn a_link_in_the_place_of_a_hidden_folder_is_not_followed() {
    let root = folder(&[("src/a.py", ""), ("elsewhere/precious.txt", "x")]);
    let link = root.path().join(".out.piton-new");
    std::os::unix::fs::symlink("elsewhere", &link).unwrap();
    let error = try_written(root.path()).unwrap_err();
    assert!(error.to_string().contains("is a link"), "{error}");
    assert!(root.path().join("elsewhere/precious.txt").is_file());
}

#[test]
fn a_key_that_signs_is_never_shipped() {
    let key = SecretKey::generate().unwrap().to_text();
    let root = folder(&[("src/a.py", ""), ("src/notes.txt", &key)]);
    let result = try_build(root.path(), |settings| settings.all_data = true);
    assert!(
        matches!(result, Err(BuildError::SecretKey { .. })),
        "{result:?}"
    );
    assert!(!root.path().join("out").exists());
    // The public key is for everybody.
    let public = SecretKey::generate().unwrap().public_text();
    write(root.path(), &[("src/notes.txt", &public)]);
    try_build(root.path(), |settings| settings.all_data = true).unwrap();
}

/// Runs git in a folder, without the settings of the user.
fn git(root: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .current_dir(root)
        .args([
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@example.org",
            "-c",
            "commit.gpgsign=false",
        ])
        .args(arguments)
        .env("GIT_COMMITTER_DATE", "1600000000 +0000")
        .env("GIT_AUTHOR_DATE", "1500000000 +0000")
        .output()
        .unwrap();
    assert!(status.status.success(), "{status:?}");
}

#[test]
fn time_and_version_are_those_of_the_commit() {
    let root = folder(&[("src/a.py", "")]);
    let age = || {
        let (report, no_commit) = try_build(root.path(), |_| {}).unwrap();
        (report.timestamp, report.version, no_commit)
    };
    let (time, version, no_commit) = age();
    assert!(
        time > 1_600_000_000 && !no_commit,
        "that of the newest source"
    );
    assert_eq!(version, "0.0.0");
    git(root.path(), &["init", "-q"]);
    assert_eq!(age(), (time, "0.0.0".to_owned(), true));
    git(root.path(), &["add", "src"]);
    git(root.path(), &["commit", "-q", "-m", "first"]);
    assert_eq!(age(), (1_600_000_000, "0.0.0".to_owned(), false));
    for tag in ["v1.9", "v1.10"] {
        git(root.path(), &["tag", tag]);
    }
    assert_eq!(age(), (1_600_000_000, "1.10".to_owned(), false));
    let (report, _) = try_build(root.path(), |settings| {
        settings.version = Some("7".to_owned())
    })
    .unwrap();
    assert_eq!(report.version, "7");
    let odd = try_build(root.path(), |settings| {
        settings.version = Some("\u{1b}[31m".to_owned())
    });
    assert!(matches!(odd, Err(BuildError::Version { .. })), "{odd:?}");
}
