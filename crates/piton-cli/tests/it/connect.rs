//! `connect` by each kind of selector, and `disconnect`, `info`, `--json`.

use std::sync::Arc;

use serde_json::Value;

use crate::support::{Sandbox, virtual_board};

#[test]
fn a_virtual_board_can_have_its_files_in_a_folder() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path().join("flash")).unwrap();
    sandbox.write("flash/data", "from the host");
    let outcome = sandbox.run(
        "connect virtual:flash cat data + exec 'open(\"new\", \"w\").write(\"from the board\")'",
    );
    assert_eq!(
        (outcome.code, outcome.stdout().as_str()),
        (Some(0), "from the host"),
        "{}",
        outcome.stderr()
    );
    assert_eq!(sandbox.read("flash/new"), b"from the board");
}

#[test]
fn a_board_behind_a_socket() {
    let sandbox = Sandbox::new();
    let server = virtual_board::serve::tcp(Arc::new(virtual_board()), "127.0.0.1:0").unwrap();
    let outcome = sandbox.run(&format!(
        "connect socket://{} eval 1+1",
        server.local_addr()
    ));
    assert_eq!(
        (outcome.code, outcome.stdout().as_str()),
        (Some(0), "2\r\n"),
        "{}",
        outcome.stderr()
    );
}

#[cfg(unix)]
#[test]
fn a_board_that_is_a_process() {
    let sandbox = Sandbox::new();
    // The process: ourselves, as a terminal for a virtual board on a pipe.
    let line = format!(
        "connect 'exec:{} connect virtual repl' eval 1",
        env!("CARGO_BIN_EXE_piton")
    );
    let outcome = sandbox.run(&line);
    assert_eq!(
        (outcome.code, outcome.stdout().as_str()),
        (Some(0), "1\r\n"),
        "{}",
        outcome.stderr()
    );
}

#[test]
fn each_connection_starts_afresh() {
    let sandbox = Sandbox::new();
    let line =
        "connect virtual exec 'x = 1' disconnect connect virtual exec 'print(\"x\" in globals())'";
    assert_eq!(sandbox.run(line).stdout(), "False\r\n");
}

#[test]
fn facts_as_json() {
    let sandbox = Sandbox::new();
    let info: Value =
        serde_json::from_slice(&sandbox.run("connect virtual info --json").stdout).unwrap();
    assert_eq!(info["device"], "virtual");
    assert_eq!(info["implementation"], "micropython");
    assert_eq!(info["release"], "1.29.0");
    assert_eq!(info["capabilities"]["raw_paste"], true);

    sandbox.write("a.txt", "12345");
    let outcome = sandbox.run("--json connect virtual cp a.txt : + ls");
    let ls: Value = serde_json::from_slice(&outcome.stdout).unwrap();
    assert_eq!(
        ls,
        serde_json::json!([{ "name": "a.txt", "kind": "file", "size": 5 }])
    );

    let ports: Value = serde_json::from_slice(&sandbox.run("devs --json").stdout).unwrap();
    assert!(ports.is_array());
}

#[test]
fn facts_as_a_table() {
    let sandbox = Sandbox::new();
    let outcome = sandbox.run("connect virtual info");
    // The heap's figures change with the build.
    let table = outcome
        .stdout()
        .lines()
        .filter(|line| !line.starts_with("memory "))
        .collect::<Vec<&str>>()
        .join("\n");
    insta::assert_snapshot!(table, @r"
    device         virtual
    firmware       micropython 1.29.0
    version        3.4.0; MicroPython v1.29.0-6.gc763859f35 on 2026-08-25
    platform       webassembly
    machine        JS with Emscripten
    build          pyscript
    unique id      7669727475616c30
    mpy            6.3, bytecode only
    capabilities   raw-paste inflate deflate base64 stdin.buffer poll kbd_intr
    hashlib        sha256
    os             chdir getcwd ilistdir listdir mkdir remove rename rmdir stat statvfs
    ");
}
