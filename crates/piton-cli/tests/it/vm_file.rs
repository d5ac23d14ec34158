//! Where the VM file of the virtual board comes from.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread;

use crate::support::{Outcome, Sandbox, run};

/// `piton eval 1` on the virtual board with an empty cache, a PATH without npm, and `url` to fetch from.
fn evaluate(sandbox: &Sandbox, cache: &Path, url: &str) -> Outcome {
    let mut command = without_npm(sandbox, cache);
    command
        .env("PITON_VM_URL", url)
        .args(["connect", "virtual", "eval", "1"]);
    run(command)
}

fn without_npm(sandbox: &Sandbox, cache: &Path) -> Command {
    let mut command = sandbox.piton();
    command.env("PITON_CACHE_DIR", cache).env("PATH", "");
    command
}

/// Serve `body` for each request, over HTTP, and give the address.
fn serve(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&body);
        }
    });
    format!("http://{address}/micropython.wasm")
}

#[test]
fn it_is_fetched_once_into_the_cache() {
    let sandbox = Sandbox::new();
    let cache = sandbox.path().join("cache");
    let url = serve(std::fs::read(test_programs::vm()).unwrap());
    let outcome = evaluate(&sandbox, &cache, &url);
    assert_eq!(
        (outcome.code, outcome.stdout().as_str()),
        (Some(0), "1\r\n"),
        "{}",
        outcome.stderr()
    );
    assert!(
        outcome
            .stderr()
            .starts_with("fetching the VM file, once, from `http://127.0.0.1:"),
        "{}",
        outcome.stderr()
    );
    let file = cache.join("vm/1.29.0-6/micropython.wasm");
    assert_eq!(
        std::fs::read(file).unwrap(),
        std::fs::read(test_programs::vm()).unwrap()
    );
    // No more network.
    let outcome = evaluate(&sandbox, &cache, "http://127.0.0.1:9/");
    assert_eq!((outcome.code, outcome.stderr().as_str()), (Some(0), ""));
}

/// Damage must cost a start, never an answer: the next process replaces the entry.
#[test]
fn the_started_firmware_is_kept_and_a_damaged_one_is_replaced() {
    let sandbox = Sandbox::new();
    let cache = sandbox.path().join("cache");
    let run_program = || {
        let mut command = without_npm(&sandbox, &cache);
        command.env("PITON_VM", test_programs::vm());
        command.args(["micropython", "-c", "print(6 * 7)"]);
        let outcome = run(command);
        let answer = (outcome.code, outcome.stdout(), outcome.stderr());
        assert_eq!(answer, (Some(0), "42\n".to_owned(), String::new()));
    };
    let entry = || {
        let folder = std::fs::read_dir(cache.join("vm/started")).unwrap();
        let folders = folder.map(|entry| entry.unwrap().path());
        let mut files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap());
        let path = files.next().expect("an entry").unwrap().path();
        assert!(files.next().is_none());
        path
    };
    run_program();
    let path = entry();
    let whole = std::fs::read(&path).unwrap();
    run_program();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for damaged in [&flipped, &whole[..middle], b""] {
        std::fs::write(&path, damaged).unwrap();
        run_program();
        assert_eq!(entry(), path);
        assert_eq!(std::fs::read(&path).unwrap().len(), whole.len());
    }
}

#[test]
fn what_comes_with_another_checksum_is_not_used() {
    let sandbox = Sandbox::new();
    let cache = sandbox.path().join("cache");
    let outcome = evaluate(&sandbox, &cache, &serve(b"<html>login</html>".to_vec()));
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr().contains("came with the wrong SHA-512 ("),
        "{}",
        outcome.stderr()
    );
    assert!(!cache.exists());
}

#[test]
fn offline_the_message_tells_what_to_do() {
    let sandbox = Sandbox::new();
    let cache = sandbox.path().join("cache");
    let outcome = evaluate(&sandbox, &cache, "http://127.0.0.1:9/vm");
    assert_eq!(outcome.code, Some(1));
    let place = cache
        .join("vm/1.29.0-6/micropython.wasm")
        .display()
        .to_string();
    let message = outcome.stderr().replace(&place, "[PLACE]");
    insta::assert_snapshot!(message, @r"
    fetching the VM file, once, from `http://127.0.0.1:9/vm` into `[PLACE]`
    fetching the VM file, once, from the npm client into `[PLACE]`
    piton: could not fetch the VM file `micropython.wasm` 1.29.0-6: Connection refused (os error 111) requesting http://127.0.0.1:9/vm; npm client: not installed

    hint: on a computer with network: `npm pack @micropython/micropython-webassembly-pyscript@1.29.0-6`, then `tar xzf *.tgz package/micropython.wasm`
    hint: put `micropython.wasm` to `[PLACE]`, or name it with `--vm FILE`
    ");
}

#[test]
fn a_damaged_file_in_the_cache_is_named_and_left_alone() {
    let sandbox = Sandbox::new();
    let cache = sandbox.path().join("cache");
    let file = cache.join("vm/1.29.0-6/micropython.wasm");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut bytes = std::fs::read(test_programs::vm()).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let mut command = without_npm(&sandbox, &cache);
    command.args(["connect", "virtual", "eval", "1"]);
    let outcome = run(command);
    assert_eq!(outcome.code, Some(1));
    let message = outcome
        .stderr()
        .replace(&file.display().to_string(), "[FILE]");
    insta::assert_snapshot!(message, @r"
    piton: VM file `[FILE]` is damaged: it is not version 1.29.0-6 (SHA-512 f32906171453fcdc..., expected afd89d219d2e2dc9...)

    hint: delete `[FILE]`, and the next run fetches it again
    ");
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn a_file_can_be_named() {
    let sandbox = Sandbox::new();
    let cache = sandbox.path().join("cache");
    let vm = test_programs::vm_version("1.27.0");
    let mut command = without_npm(&sandbox, &cache);
    command.args([
        "--vm",
        vm.to_str().unwrap(),
        "connect",
        "virtual",
        "eval",
        "__import__('sys').implementation[1][1]",
    ]);
    assert_eq!(run(command).stdout(), "27\r\n");
    let mut command = without_npm(&sandbox, &cache);
    command
        .env("PITON_VM", &vm)
        .args(["connect", "virtual", "eval", "1"]);
    assert_eq!(run(command).stdout(), "1\r\n");
    assert!(!cache.join("vm/1.29.0-6").exists());
}

#[test]
fn a_named_file_that_does_not_fit_is_told() {
    let sandbox = Sandbox::new();
    sandbox.write("text.wasm", "not a module");
    insta::assert_snapshot!(sandbox.show("--vm text.wasm connect virtual eval 1"), @r"
    $ piton --vm text.wasm connect virtual eval 1
    --- stderr
    piton: VM file `text.wasm` is not a WebAssembly module

    hint: the VM file is `micropython.wasm` of the npm package `@micropython/micropython-webassembly-pyscript`; without `--vm` and PITON_VM, piton fetches it
    --- exit 1
    ");
    insta::assert_snapshot!(sandbox.show("--vm missing.wasm connect virtual eval 1"), @r"
    $ piton --vm missing.wasm connect virtual eval 1
    --- stderr
    piton: VM file `missing.wasm` (named by --vm) cannot be read: No such file or directory (os error 2)

    hint: without `--vm` and PITON_VM, piton uses version 1.29.0-6, and fetches it once
    --- exit 1
    ");
}
