//! A board as most people have one: a Pico W with MicroPython 1.27, emulated, with flash and littlefs. It is slow.

use std::time::Duration;

use test_programs::EmulatedPico;

use crate::support::{Sandbox, run_within, words};

/// No command may take longer: the emulator runs 20 times slower than the chip, and the host may be busy.
const LIMIT: Duration = Duration::from_secs(300);

/// How many times as long as usual the board may take: a host that gives it a tenth of a core makes it that much slower.
const PATIENCE: &str = "10";

/// Functions in the processor's code.
const NATIVE: &str = "@micropython.native
def total(n):
    s = 0
    for i in range(n):
        s += i
    return s
@micropython.viper
def double(n: int) -> int:
    return n * 2
";

/// What a line does on a board: its exit code, stdout and stderr.
fn run(sandbox: &Sandbox, pico: &EmulatedPico, line: &str) -> (Option<i32>, String, String) {
    let mut command = sandbox.piton();
    command
        .env("PITON_TIMEOUT", PATIENCE)
        .args(["connect", pico.port()])
        .args(words(line));
    let outcome = run_within(command, LIMIT);
    (outcome.code, outcome.stdout(), outcome.stderr())
}

fn done(text: &str) -> (Option<i32>, String, String) {
    (Some(0), text.to_owned(), String::new())
}

#[test]
fn programs() {
    let pico = EmulatedPico::start();
    let sandbox = Sandbox::new();
    assert_eq!(run(&sandbox, &pico, "eval 6*7"), done("42\r\n"));
    assert_eq!(
        run(&sandbox, &pico, "exec 'x = 1' resume eval x"),
        done("1\r\n")
    );
    let (code, stdout, _) = run(&sandbox, &pico, "exec '1/0'");
    assert_eq!(code, Some(1));
    assert!(
        stdout.ends_with("ZeroDivisionError: divide by zero\r\n"),
        "{stdout}"
    );
}

#[test]
fn files() {
    let pico = EmulatedPico::start();
    let sandbox = Sandbox::new();
    let content = (0..300u32)
        .map(|byte| (byte * 11) as u8)
        .collect::<Vec<u8>>();
    sandbox.write("data.bin", &content);
    assert_eq!(
        run(&sandbox, &pico, "fs cp data.bin :"),
        done("cp data.bin :\n")
    );
    assert_eq!(
        run(&sandbox, &pico, "resume fs ls"),
        done("ls :\n         300 data.bin\n")
    );
    assert_eq!(
        run(&sandbox, &pico, "resume fs cp :data.bin back.bin"),
        done("cp :data.bin back.bin\n")
    );
    assert_eq!(sandbox.read("back.bin"), content);
}

#[test]
fn larger_files_and_a_mount() {
    let pico = EmulatedPico::start();
    let sandbox = Sandbox::new();
    let content = (0..10_240u32)
        .map(|byte| (byte.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect::<Vec<u8>>();
    sandbox.write("data.bin", &content);
    assert_eq!(
        run(&sandbox, &pico, "fs cp data.bin :"),
        done("cp data.bin :\n")
    );
    assert_eq!(
        run(&sandbox, &pico, "resume fs cp data.bin :"),
        done("cp data.bin :\nUp to date: ./data.bin\n")
    );
    assert_eq!(
        run(&sandbox, &pico, "resume fs cp :data.bin back.bin"),
        done("cp :data.bin back.bin\n")
    );
    assert_eq!(sandbox.read("back.bin"), content);
    std::fs::create_dir(sandbox.path().join("modules")).unwrap();
    // Compiled for the board's processor, as the board has native code.
    let module = format!(
        "import micropython\n{NATIVE}{}",
        "def f(a, b):\n    return a + b\n".repeat(60)
    );
    sandbox.write("modules/mine.py", module.as_bytes());
    let (code, stdout, stderr) = run(
        &sandbox,
        &pico,
        "mount modules exec 'import mine; print(mine.__file__, mine.total(10), mine.double(21))'",
    );
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.ends_with("mine.mpy 45 42\r\n"), "{stdout}");
}
