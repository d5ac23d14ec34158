//! The oldest board: MicroPython 1.9.2 on a micro:bit, without raw-paste, `os.stat` and much else.

use test_programs::Microbit;

use crate::support::{Sandbox, words};

#[test]
fn programs_files_and_facts() {
    let microbit = Microbit::start();
    let sandbox = Sandbox::new();
    let content = (0..600u32)
        .map(|byte| (byte * 11) as u8)
        .collect::<Vec<u8>>();
    sandbox.write("data.bin", &content);
    let run = |line: &str| {
        let outcome = sandbox.run_words(
            &[
                vec!["connect".to_owned(), microbit.port().to_owned()],
                words(line),
            ]
            .concat(),
        );
        (outcome.code, outcome.stdout(), outcome.stderr())
    };
    let done = |text: &str| (Some(0), text.to_owned(), String::new());
    assert_eq!(run("eval 6*7"), done("42\r\n"));
    assert_eq!(run("exec 'x = 1' resume eval x"), done("1\r\n"));
    let (code, _, stderr) = run("mount . exec 'print(1)'");
    assert_eq!(code, Some(1));
    assert!(
        stderr.starts_with("piton: the board's firmware can't mount a folder: "),
        "{stderr}"
    );
    let (code, stdout, _) = run("exec '1/0'");
    assert_eq!(code, Some(1));
    assert!(
        stdout.ends_with("ZeroDivisionError: division by zero\r\n"),
        "{stdout}"
    );

    assert_eq!(
        run("cp data.bin : + ls"),
        done("cp data.bin :\nls :\n         600 data.bin\n")
    );
    assert_eq!(
        run("cp :data.bin back.bin"),
        done("cp :data.bin back.bin\n")
    );
    assert_eq!(sandbox.read("back.bin"), content);
    assert_eq!(run("rm data.bin + ls"), done("rm :data.bin\nls :\n"));
    let (code, _, stderr) = run("rm data.bin");
    assert_eq!(code, Some(1));
    assert_eq!(stderr, "piton: rm: data.bin: No such file or directory.\n");

    sandbox.write("a.py", "print(1)\n");
    sandbox.run("compile a.py");
    let (code, _, stderr) = run("run a.mpy");
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("does not run on this board: the board loads no .mpy files\n"),
        "{stderr}"
    );

    let (code, stdout, stderr) = run("info");
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stdout.contains("\nfirmware       micropython 1.9.2\n"),
        "{stdout}"
    );
}
