//! Running programs: output, exceptions, interruption, and boards that go away.

use std::io;
use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::error::Error;
use piton_board::facts::board_facts;
use piton_board::repl::Entry;
use piton_board::transport::Transport;
use virtual_board::{BoardOptions, Fault, Reset};

use crate::support::{
    Connection, VirtualLine, soon, virtual_board, virtual_board_of, virtual_board_with,
};

#[test]
fn the_second_program_takes_one_turn() {
    let (_board, mut connection) = virtual_board();
    connection.run("x = 1");
    connection.wire.clear();
    assert_eq!(connection.run("print(x)"), "1\r\n");
    assert_eq!(connection.run(""), "");
    insta::assert_snapshot!(connection.wire.transcript());
    assert_eq!(connection.wire.counts().0, 2);
}

#[test]
fn programs_of_every_length_around_the_window_run() {
    let (board, mut connection) = virtual_board();
    for length in [
        0, 1, 126, 127, 128, 129, 130, 252, 253, 254, 255, 256, 257, 258, 384, 511, 512, 513,
    ] {
        drop(connection);
        // The first program of a connection asks for the window, the second knows it.
        connection = Connection::new(VirtualLine(board.open().unwrap()));
        for _ in 0..2 {
            let output = connection.run(&program_of(length));
            assert_eq!(output, answer_of(length), "{length}");
        }
    }
}

fn program_of(length: usize) -> String {
    let print = "print('whole')";
    match length.checked_sub(print.len() + 1) {
        Some(padding) => format!("{}\n{print}", "#".repeat(padding)),
        None => "#".repeat(length),
    }
}

fn answer_of(length: usize) -> &'static str {
    if program_of(length).contains("whole") {
        "whole\r\n"
    } else {
        ""
    }
}

#[test]
fn a_long_program_does_not_exceed_the_window() {
    let (_board, mut connection) = virtual_board_with(BoardOptions {
        line: virtual_board::LineOptions {
            receive_ring: Some(260),
            ..Default::default()
        },
        ..BoardOptions::default()
    });
    let source = format!("x = {:?}\nprint(len(x))", "y".repeat(50_000));
    for _ in 0..2 {
        assert_eq!(connection.run(&source), "50000\r\n");
    }
}

#[test]
fn binary_output_is_unchanged() {
    let (_board, mut connection) = virtual_board();
    let output = connection
        .raw()
        .run(
            b"import sys\nfor i in range(3): sys.stdout.buffer.write(bytes(range(256)))",
            soon(),
        )
        .unwrap();
    let all: Vec<u8> = (0..=255).collect();
    assert_eq!(output, all.repeat(3));
}

#[test]
fn end_bytes_in_output_are_unchanged() {
    let (_board, mut connection) = virtual_board();
    for text in [
        r"\x04",
        r"\x04\x04",
        r"a\x04b\x04\x04c",
        r"\x04\x04>more",
        r"\x04ValueError: x\r\n\x04>more",
        r"\x04Traceback (most recent call last):\r\n\x04>more",
        r"\x04\x04MPY: soft drink",
        r"\x04Traceback (most recent call last):",
    ] {
        let source = format!("import sys\nw = sys.stdout.buffer.write(b'{text}')");
        let output = connection.raw().run(source.as_bytes(), soon()).unwrap();
        let expected: Vec<u8> = connection
            .raw()
            .eval::<Vec<u8>>(&format!("b'{text}'"), soon())
            .unwrap();
        assert_eq!(output, expected, "{text}");
    }
}

#[test]
fn ten_megabytes_of_output_are_unchanged() {
    let (_board, mut connection) = virtual_board();
    let mut count = 0;
    connection
        .raw()
        .exec(
            b"import sys\nb = bytes(range(256)) * 400\nfor i in range(100): w = sys.stdout.buffer.write(b)",
            &mut |bytes| count += bytes.len(),
            soon(),
        )
        .unwrap();
    assert_eq!(count, 256 * 400 * 100);
    assert_eq!(connection.run("print(1)"), "1\r\n");
}

#[test]
fn exceptions_are_values() {
    let (_board, mut connection) = virtual_board();
    let mut shown = String::new();
    for source in [
        "print('a')\n1/0",
        "x = 1\nif x\n y",
        "def f(n):\n if n: f(n-1)\n raise ValueError('deep', n)\nf(2)",
        "class MyError(OSError): pass\nraise MyError(2)",
        "open('missing')",
        "raise OSError(28)",
        "raise OSError(-2)",
        "raise ValueError('two\\nlines')",
        "raise KeyboardInterrupt",
        "raise ValueError('\\x04>')",
        "import nothing",
    ] {
        let (output, error) = connection.fail(source);
        let Error::Exception(exception) = error else {
            panic!("{source}: {error}");
        };
        let frames: Vec<String> = exception
            .frames
            .iter()
            .map(|frame| format!("{}:{} {:?}", frame.file, frame.line, frame.scope))
            .collect();
        shown.push_str(&format!(
            "{}\n  output  {output:?}\n  type    {}\n  message {:?}\n  frames  {}\n  shown   {exception}\n",
            source.escape_default(),
            exception.type_name,
            exception.message,
            frames.join(", "),
        ));
        assert_eq!(connection.run("print('fine')"), "fine\r\n");
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn eval_reads_values_back() {
    let (_board, mut connection) = virtual_board();
    let mut raw = connection.raw();
    assert_eq!(raw.eval::<u8>("1+1", soon()).unwrap(), 2);
    assert_eq!(
        raw.eval::<(String, Vec<u8>, Option<f64>)>("('a\\n', b'\\x00\\xff', None)", soon())
            .unwrap(),
        ("a\n".to_owned(), vec![0, 255], None)
    );
    let error = raw.eval::<u8>("object()", soon()).unwrap_err();
    assert!(matches!(error, Error::Literal(_)), "{error}");
    let error = raw.eval::<u8>("nothing", soon()).unwrap_err();
    assert!(matches!(error, Error::Exception(_)), "{error}");
}

#[test]
fn control_bytes_in_source_are_refused_before_anything_is_sent() {
    let (_board, mut connection) = virtual_board();
    connection.raw();
    connection.wire.clear();
    let (_, error) = connection.fail("x = '\x04'");
    assert_eq!(
        error.to_string(),
        "byte 0x04 at offset 5 of the program cannot be sent: write it as an escape, `\\x04`"
    );
    assert_eq!(connection.wire.transcript(), "");
    assert_eq!(
        connection.run("print('\x05\x06\x7f' == '\\x05\\x06\\x7f')"),
        "True\r\n"
    );
}

/// Start a program, raise the cancel flag when its output arrives while it runs, and interrupt it.
#[track_caller]
fn interrupt(connection: &mut Connection, source: &str) -> (String, Error) {
    let cancel = connection.cancel.clone();
    let mut output = Vec::new();
    let mut raw = connection.repl.raw_repl(Entry::KeepState, soon()).unwrap();
    let result = raw.exec(
        source.as_bytes(),
        &mut |bytes| {
            output.extend_from_slice(bytes);
            cancel.cancel();
        },
        Deadline::NEVER,
    );
    assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
    let error = raw.exec(b"1", &mut |_| (), soon()).unwrap_err();
    assert!(matches!(error, Error::NotAtPrompt), "{error}");
    let result = raw.interrupt(&mut |bytes| output.extend_from_slice(bytes), soon());
    (String::from_utf8(output).unwrap(), result.unwrap_err())
}

#[test]
fn a_cancelled_program_can_be_interrupted() {
    let (_board, mut connection) = virtual_board();
    let (output, error) = interrupt(
        &mut connection,
        "try:\n print('started')\n while True: pass\nfinally:\n print('cleaned up')",
    );
    assert_eq!(output, "started\r\ncleaned up\r\n");
    let Error::Exception(exception) = error else {
        panic!("{error}");
    };
    assert!(exception.is_keyboard_interrupt());
    assert_eq!(exception.frames.first().unwrap().line, 3);
    assert_eq!(connection.run("print('fine')"), "fine\r\n");
}

#[test]
fn a_program_that_catches_an_interrupt_is_interrupted_again() {
    let (_board, mut connection) = virtual_board();
    let (output, error) = interrupt(
        &mut connection,
        "print('started')\ntry:\n while True: pass\nexcept KeyboardInterrupt: print('no')\nwhile True: pass",
    );
    assert_eq!(output, "started\r\nno\r\n");
    assert!(matches!(error, Error::Exception(_)), "{error}");
}

#[test]
fn a_deadline_leaves_the_program_running() {
    let (_board, mut connection) = virtual_board();
    connection.run("");
    connection.wire.clear();
    let mut raw = connection.raw();
    let limit = Deadline::after(Duration::from_millis(1000));
    let error = raw.run(b"print('a')\nwhile True: pass", limit).unwrap_err();
    assert_eq!(
        error.to_string(),
        "timed out waiting for the end of the program; board sent a\\r\\n"
    );
    let error = raw.interrupt(&mut |_| (), soon()).unwrap_err();
    assert!(matches!(error, Error::Exception(_)), "{error}");
    insta::assert_snapshot!(connection.wire.transcript());
    assert_eq!(connection.run("print(1)"), "1\r\n");
}

#[test]
fn a_new_entry_ends_a_running_program() {
    let (_board, mut connection) = virtual_board();
    connection
        .raw()
        .exec_no_follow(b"print('started')\nwhile True: pass", soon())
        .unwrap();
    assert!(!connection.repl.is_raw());
    assert_eq!(connection.run("print(1)"), "1\r\n");
}

#[test]
fn a_raised_flag_ends_every_wait() {
    let (_board, mut connection) = virtual_board();
    connection.cancel.cancel();
    let error = connection
        .repl
        .raw_repl(Entry::SoftReset, soon())
        .err()
        .unwrap();
    assert!(matches!(error, Error::Cancelled), "{error}");
    connection.cancel.take();
    connection.raw();
    connection.cancel.cancel();
    let (_, error) = connection.fail(&"#".repeat(10_000));
    assert!(matches!(error, Error::Cancelled), "{error}");
    // Leaving works with the flag up, and takes the half-sent program back.
    connection.repl.friendly(soon()).unwrap();
    connection.wait_for(">>> ");
    connection.cancel.take();
    assert_eq!(connection.run("print(1)"), "1\r\n");
}

#[test]
fn a_program_that_was_not_sent_completely_can_be_interrupted() {
    let (_board, mut connection) = virtual_board();
    connection.run("");
    connection.cancel.cancel();
    let mut raw_result = connection.repl.raw_repl(Entry::KeepState, soon()).unwrap();
    let error = raw_result
        .run("#".repeat(10_000).as_bytes(), soon())
        .unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    raw_result.interrupt(&mut |_| (), soon()).unwrap();
    assert_eq!(raw_result.run(b"print(1)", soon()).unwrap(), b"1\r\n");
}

#[test]
fn system_exit_is_not_an_error_and_restarts_the_interpreter() {
    let (_board, mut connection) = virtual_board();
    connection.run("x = 1");
    for source in [
        "import sys\nprint('bye')\nsys.exit()",
        "print('bye')\nraise SystemExit(3)",
    ] {
        let before = connection.repl.soft_resets();
        assert_eq!(connection.run(source), "bye\r\n");
        assert_eq!(connection.repl.soft_resets(), before + 1);
        assert_eq!(connection.run("print('x' in globals())"), "False\r\n");
    }
    connection.run("raise SystemExit");
    connection.repl.friendly(soon()).unwrap();
    connection.wait_for(">>> ");
}

#[test]
fn programs_run_after_a_system_exit() {
    let (_board, mut connection) = virtual_board();
    connection.run("");
    connection.wire.clear();
    let mut raw = connection.raw();
    raw.run(b"raise SystemExit", soon()).unwrap();
    assert_eq!(raw.run(b"print(1)", soon()).unwrap(), b"1\r\n");
    insta::assert_snapshot!(connection.wire.transcript());
    let mut raw = connection.raw();
    raw.run(b"raise SystemExit", soon()).unwrap();
    connection.repl.raw_repl(Entry::SoftReset, soon()).unwrap();
    assert_eq!(connection.repl.soft_resets(), 2);
}

#[test]
fn a_hard_reset_without_follow_is_not_an_error() {
    for reset in [Reset::KeepLine, Reset::Vanish(Duration::from_millis(100))] {
        let (_board, mut connection) = virtual_board_with(BoardOptions {
            reset,
            ..BoardOptions::default()
        });
        connection
            .raw()
            .exec_no_follow(b"import machine\nmachine.reset()", soon())
            .unwrap();
    }
}

#[test]
fn a_hard_reset_while_the_host_follows_is_an_error() {
    let (_board, mut connection) = virtual_board();
    let (_, error) = connection.fail("import machine\nmachine.reset()");
    assert!(matches!(error, Error::BoardReset), "{error}");
    assert_eq!(connection.run("print(1)"), "1\r\n");
}

#[test]
fn a_board_that_vanishes_is_an_error() {
    let (board, mut connection) = virtual_board();
    connection.run("");
    board.inject(&Fault::Vanish {
        after_bytes_to_host: 100,
        returns_after: Duration::from_secs(3600),
    });
    let (output, error) = connection.fail("while True: print('hello')");
    assert!(output.starts_with("hello\r\nhello\r\n"), "{output}");
    assert!(
        error.to_string().starts_with(
            "lost the connection to the board while waiting for the end of the program"
        ),
        "{error}"
    );
}

/// A board with background code that prints whenever a program has ended.
struct Ticking<T>(T);

impl<T: Transport> Transport for Ticking<T> {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        let count = self.0.read(buf, deadline)?;
        if !buf[..count].ends_with(b"\x04>") {
            return Ok(count);
        }
        let tick = b"tick\r\n";
        buf[count..count + tick.len()].copy_from_slice(tick);
        Ok(count + tick.len())
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        self.0.write_all(bytes, deadline)
    }
}

#[test]
fn background_output_between_programs_is_dropped() {
    let (board, connection) = virtual_board();
    drop(connection);
    let mut connection = Connection::new(Ticking(VirtualLine(board.open().unwrap())));
    for at in 0..3 {
        assert_eq!(connection.run(&format!("print({at})")), format!("{at}\r\n"));
    }
    assert!(connection.wire.transcript().contains("\\x04\\x04>tick"));
}

#[test]
fn programs_run_while_a_timer_prints() {
    let (_board, mut connection) = virtual_board();
    connection.run(
        "from machine import Timer\nt = Timer(-1)\nt.init(period=5, callback=lambda t: print('tick'))",
    );
    for at in 0..20 {
        let output = connection.run(&format!(
            "import time\ntime.sleep_ms(10)\nprint('at', {at})"
        ));
        assert!(output.contains(&format!("at {at}\r\n")), "{output:?}");
    }
    connection.run("t.deinit()");
    assert_eq!(connection.run("print(1)"), "1\r\n");
    assert!(connection.wire.transcript().contains("tick"));
}

#[test]
fn a_thousand_programs_run() {
    let (_board, mut connection) = virtual_board();
    let mut raw = connection.raw();
    for at in 0..1000 {
        let output = raw.run(format!("print({at})").as_bytes(), soon()).unwrap();
        assert_eq!(output, format!("{at}\r\n").as_bytes());
    }
}

#[test]
fn the_virtual_board_has_facts() {
    for version in test_programs::VM_VERSIONS {
        let (_board, mut connection) = virtual_board_of(version);
        let facts = board_facts(&mut connection.raw(), soon()).unwrap();
        assert!(facts.memory_free.is_some() && facts.memory_allocated.is_some());
        let shown = format!(
            "{:?} {:?} {:?} {:?}\n{:?} {:?}\n{:#?}",
            facts.implementation,
            facts.release,
            facts.platform,
            facts.machine,
            facts.mpy,
            facts.unique_id,
            facts.capabilities,
        );
        insta::assert_snapshot!(format!("facts {version}"), shown);
        assert_eq!(connection.run("print('_piton' in globals())"), "False\r\n");
    }
}

#[test]
fn a_lost_byte_of_the_end_is_found_by_a_probe() {
    let (board, mut connection) = virtual_board();
    connection.run("pass");
    // The answer to the request, an acknowledgement, the output, and the three bytes of the end.
    for lost in [9, 10, 11] {
        board.inject(&Fault::DropToHost { at: lost });
        let mut output = Vec::new();
        let mut raw_repl = connection.repl.raw_repl(Entry::KeepState, soon()).unwrap();
        let mut take = |bytes: &[u8]| output.extend_from_slice(bytes);
        let ended = raw_repl.exec_probed(b"print(1)", &mut take, soon());
        assert!(ended.is_ok(), "{lost}: {ended:?}");
        assert!(output.starts_with(b"1\r\n"), "{lost}: {output:?}");
        // No answer to a probe is left on the line.
        assert_eq!(connection.run("print(2)"), "2\r\n", "{lost}");
    }
}

#[test]
fn a_program_that_is_silent_for_long_keeps_its_output() {
    let (_board, mut connection) = virtual_board();
    let mut output = Vec::new();
    let mut raw_repl = connection.repl.raw_repl(Entry::KeepState, soon()).unwrap();
    let mut take = |bytes: &[u8]| output.extend_from_slice(bytes);
    let source = b"import time\ntime.sleep(2.5)\nprint(1)\nraise ValueError";
    let ended = raw_repl.exec_probed(source, &mut take, soon());
    assert!(matches!(ended, Err(Error::Exception(_))), "{ended:?}");
    assert_eq!(output, b"1\r\n");
    assert_eq!(connection.run("print(2)"), "2\r\n");
}
