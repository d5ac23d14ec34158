//! Ctrl-C while the firmware is busy in C code, where it does not look for one.

use std::time::{Duration, Instant};

use test_programs::{VM_VERSIONS, vm_version};
use virtual_board::{BoardOptions, VirtualBoard, VmImage};

use crate::support::{Talk, WATCHDOG, raw_board};

/// More than the firmware of these tests works between two looks at the line, less than a blink.
const SOON: u64 = 20_000_000;

const STUCK: &[u8] = b"stuck in C code, where Ctrl-C does nothing, and was reset\r\n";

fn impatient(unresponsive_after: u64) -> BoardOptions {
    BoardOptions {
        unresponsive_after,
        ..BoardOptions::default()
    }
}

/// Press Ctrl-C again and again until the board says that it was stuck; then go to its raw REPL.
fn press_until_reset(talk: &mut Talk) {
    let deadline = Instant::now() + WATCHDOG;
    let mut said = Vec::new();
    let mut buf = [0; 4096];
    let has = |said: &[u8], what: &[u8]| said.windows(what.len()).any(|part| part == what);
    // The prompt is the last thing that a board says which boots.
    while !(has(&said, STUCK) && said.ends_with(b">>> ")) {
        assert!(Instant::now() < deadline, "the board is not reset");
        if !has(&said, STUCK) {
            let pressed = talk.line.write_all(b"\x03", Some(WATCHDOG));
            pressed.expect("the board takes bytes");
        }
        if let Ok(count) = talk.line.read(&mut buf, Some(Duration::from_millis(5))) {
            said.extend(buf.iter().take(count));
        }
    }
    talk.send(b"\x01").expect(b"CTRL-B to exit\r\n>");
}

#[test]
fn a_later_ctrl_c_resets_a_stuck_board_of_every_version() {
    for version in VM_VERSIONS {
        let image = VmImage::open(&vm_version(version)).expect(version);
        let board = VirtualBoard::start(&image, impatient(SOON)).expect(version);
        let mut talk = Talk::with(&board);
        talk.raw();
        talk.run("open('kept', 'w').close()");
        for program in [
            // While it runs, and while it is compiled: the folding of constants works out the number.
            "print('go')\nx = 7\ny = 10 ** 6\nx ** y",
            "print('go')\nexec('(' * 100000)",
            "7 ** 10 ** 6",
        ] {
            talk.send(program.as_bytes()).send(b"\x04");
            press_until_reset(&mut talk);
            assert_eq!(
                talk.run("import machine, os\nprint(machine.reset_cause() == machine.WDT_RESET, os.listdir())"),
                "True ['kept']\n",
                "{version}: {program}"
            );
        }
    }
}

#[test]
fn an_interrupt_waits_for_the_end_of_c_code() {
    // More steps than in `SOON`: the board above would be reset.
    let long = "print('go')\nsum(range(20_000))\nprint('ended')\nwhile True: pass";
    let (_board, mut talk) = raw_board(impatient(u64::MAX));
    talk.send(long.as_bytes())
        .send(b"\x04")
        .expect(b"go\r\n")
        .send(b"\x03")
        .send(b"\x03\x03")
        .expect(b"KeyboardInterrupt: \r\n\x04>");
    assert_eq!(talk.run("print('alive')"), "alive\n");
}

#[test]
fn python_code_that_catches_each_ctrl_c_is_not_stuck() {
    let (_board, mut talk) = raw_board(impatient(1));
    let stubborn = "n = 0\nwhile n < 20:\n try:\n  print('round', n)\n  while True: pass\n except KeyboardInterrupt:\n  n += 1";
    talk.send(stubborn.as_bytes()).send(b"\x04");
    for round in 0..20 {
        talk.expect(format!("round {round}\r\n").as_bytes())
            .send(b"\x03");
    }
    talk.expect(b"\x04\x04>");
}

#[test]
fn a_program_that_disables_ctrl_c_is_not_stuck() {
    let (_board, mut talk) = raw_board(impatient(1));
    let deaf = "import micropython\nmicropython.kbd_intr(-1)\nprint('go')\nfor i in range(20_000): pass\nprint('ended')";
    talk.send(deaf.as_bytes()).send(b"\x04").expect(b"go\r\n");
    for _ in 0..20 {
        talk.send(b"\x03");
        std::thread::sleep(Duration::from_millis(2));
    }
    talk.expect(b"ended\r\n\x04\x04>");
}

#[test]
fn a_program_that_reads_ctrl_c_as_data_is_not_stuck() {
    let (_board, mut talk) = raw_board(impatient(1));
    let reads = "import micropython, sys\nmicropython.kbd_intr(-1)\nprint('go')\nfor i in range(20):\n print(sys.stdin.buffer.read(1), sum(range(2_000)) > 0)";
    talk.send(reads.as_bytes()).send(b"\x04").expect(b"go\r\n");
    for _ in 0..20 {
        talk.send(b"\x03").expect(b"b'\\x03' True\r\n");
    }
    talk.expect(b"\x04\x04>");
}
