//! The unix port.

use std::io::Write;
use std::process::Stdio;

use crate::corpus::{check_corpus, check_printed};

/// Run a program from a file: the unix port's REPL has no raw mode in this version.
fn run(program: &str) -> Vec<u8> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(program.as_bytes()).unwrap();
    let output = test_programs::micropython_unix()
        .arg(file.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program}\n{errors}{}",
        output.stdout.escape_ascii()
    );
    output.stdout
}

#[test]
fn literals_agree_with_the_unix_port() {
    check_corpus(2000, 100, run);
    check_printed(run);
}
