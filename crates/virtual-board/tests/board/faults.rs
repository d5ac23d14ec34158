//! What goes wrong on request, and the limits of the line.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use virtual_board::{BoardOptions, Fault, LineOptions, Outage, Overrun};

use crate::support::{Talk, WATCHDOG, raw_board, reopen, start, wait_eof};

const WRITE_AND_READ_BACK: &str = "\
import os
for i in range(4):
    with open('f%d' % i, 'w') as f: f.write('x')
";

fn with_line(line: LineOptions) -> BoardOptions {
    BoardOptions {
        line,
        ..BoardOptions::default()
    }
}

#[test]
fn bytes_are_lost_and_changed_on_their_way_to_the_board() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    board.inject(&Fault::DropToBoard { at: 7 });
    assert_eq!(talk.run("print(123)"), "13\n");
    board.inject(&Fault::CorruptToBoard { at: 6, mask: 0x08 });
    assert_eq!(talk.run("print(123)"), "923\n");
    assert_eq!(talk.run("print(123)"), "123\n");
}

#[test]
fn bytes_are_lost_and_changed_on_their_way_to_the_host() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    board.inject(&Fault::DropToHost { at: 3 });
    board.inject(&Fault::CorruptToHost { at: 4, mask: 0x01 });
    // "OK1234": the 2 is lost, the 3 becomes a 2.
    assert_eq!(talk.run("print(1234)"), "124\n");
}

#[test]
fn faults_of_the_options_are_armed_from_the_first_byte() {
    let board = start(BoardOptions {
        faults: vec![
            Fault::DropToHost { at: 0 },
            Fault::CorruptToHost { at: 1, mask: 0x20 },
        ],
        ..BoardOptions::default()
    });
    let banner = Talk::with(&board).take(b">>> ");
    assert!(
        banner.starts_with(b"IcroPython v"),
        "{}",
        banner.escape_ascii()
    );
}

#[test]
fn the_board_vanishes_in_the_middle_of_its_output_and_returns() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    talk.run("open('kept', 'w').close()\nx = 1");
    board.inject(&Fault::Vanish {
        after_bytes_to_host: 7,
        returns_after: Duration::from_millis(30),
    });
    talk.send(b"print('0123456789')\x04");
    assert_eq!(wait_eof(&talk.line), b"OK01234");
    let error = talk
        .line
        .write_all(b"x", Some(WATCHDOG))
        .expect_err("it is gone");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    // The old end stays dead when the board is back; it must be opened anew.
    let mut again = Talk::on(reopen(&board));
    assert_eq!(
        talk.line
            .read(&mut [0], Some(WATCHDOG))
            .expect_err("dead")
            .kind(),
        ErrorKind::UnexpectedEof
    );
    again.raw();
    assert_eq!(
        again.run("import os\nprint(os.listdir(), 'x' in dir())"),
        "['kept'] False\n"
    );
}

#[test]
fn the_board_resets_in_the_middle_of_a_command() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    talk.run("x = 1");
    board.inject(&Fault::ResetAfter { bytes_to_board: 5 });
    talk.send(b"print('never')\x04").prompt();
    talk.send(b"'x' in dir()\r").expect(b"False\r\n").prompt();
}

#[test]
fn the_flash_fills_up() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    board.inject(&Fault::FlashFull { after_bytes: 10 });
    let source = "\
import os
f = open('f', 'wb')
print(f.write(b'1234567'))
try: f.write(b'89abcdef')
except OSError as error: print(error.errno)
f.close(); print(os.stat('f')[6]); os.remove('f'); f = open('f', 'wb')
try: f.write(b'x')
except OSError as error: print(error.errno)
";
    assert_eq!(talk.run(source), "7\n28\n10\n28\n");
}

#[test]
fn the_power_fails_while_the_flash_is_written() {
    // Each file is two operations: it is created, and it is written.
    let files = ["[]", "[('f0', 0)]", "[('f0', 1)]", "[('f0', 1), ('f1', 0)]"];
    for (after_writes, files) in (0..).zip(files) {
        let (board, mut talk) = raw_board(BoardOptions::default());
        board.inject(&Fault::PowerCut {
            after_writes,
            outage: Outage::Brownout,
        });
        talk.send(WRITE_AND_READ_BACK.as_bytes())
            .send(b"\x04")
            .raw();
        let left =
            talk.run("import os\nprint([(name, os.stat(name)[6]) for name in os.listdir()])");
        assert_eq!(left, format!("{files}\n"));
    }
}

#[test]
fn a_power_cut_can_take_the_line_away_for_a_while_or_until_it_is_switched_on() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    board.inject(&Fault::PowerCut {
        after_writes: 1,
        outage: Outage::Returns(Duration::from_millis(10)),
    });
    talk.send(WRITE_AND_READ_BACK.as_bytes()).send(b"\x04");
    assert_eq!(wait_eof(&talk.line), b"OK");
    let mut talk = Talk::on(reopen(&board));
    talk.raw();
    board.inject(&Fault::PowerCut {
        after_writes: 1,
        outage: Outage::Dead,
    });
    talk.send(WRITE_AND_READ_BACK.as_bytes()).send(b"\x04");
    assert_eq!(wait_eof(&talk.line), b"OK");
    assert!(!board.is_there());
    assert_eq!(
        board.open().err().map(|error| error.kind()),
        Some(ErrorKind::NotFound)
    );
    board.power_on();
    let mut talk = Talk::on(reopen(&board));
    talk.raw();
    assert_eq!(talk.run("import os\nprint(os.listdir())"), "['f0']\n");
}

#[test]
fn a_receive_ring_loses_what_it_can_not_hold() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    talk.send(b"import sys, time\nprint('go')\ntime.sleep_ms(100)\nd = sys.stdin.buffer.read(64); print(d)\n");
    talk.send(b"\x04").expect(b"go\r\n");
    board.set_line(LineOptions {
        receive_ring: Some(64),
        ..LineOptions::default()
    });
    talk.send(&[b'a'; 60]).send(b"bcdefghij");
    let answer = talk.take(b"\x04\x04>");
    let expected = [&[b'a'; 60][..], b"bcde"].concat();
    assert_eq!(
        answer,
        format!("b'{}'\r\n\x04\x04>", expected.escape_ascii()).as_bytes()
    );
    // The prompt, too: of this burst the end is lost, and with it the Ctrl-D.
    let mut burst = vec![b' '; 200];
    burst.extend_from_slice(b"print('lost')\x04");
    talk.send(&burst);
    board.set_line(LineOptions::default());
    talk.send(b"\nprint('alive')\x04")
        .expect(b"OKalive\r\n\x04\x04>");
}

#[test]
fn ctrl_c_is_seen_although_the_ring_is_full() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    talk.send(b"print('go')\nwhile 1: pass\x04")
        .expect(b"go\r\n");
    board.set_line(LineOptions {
        receive_ring: Some(16),
        ..LineOptions::default()
    });
    talk.send(&[b'a'; 100])
        .send(b"\x03")
        .expect(b"KeyboardInterrupt: \r\n\x04>");
}

#[test]
fn a_slow_line_takes_its_time_and_loses_nothing() {
    let started = Instant::now();
    let (board, mut talk) = raw_board(with_line(LineOptions {
        bytes_per_second: Some(20_000),
        latency: Duration::from_millis(2),
        // Room for all of it, however long the host's scheduler keeps the board waiting.
        receive_ring: Some(4096),
        ..LineOptions::default()
    }));
    let long = "a".repeat(1000);
    assert_eq!(talk.run(&format!("print('{long}')")), format!("{long}\n"));
    // 1000 bytes there and 1000 back at 20 bytes in a millisecond: never less than that.
    assert!(started.elapsed() >= Duration::from_millis(100));
    board.set_line(LineOptions::default());
    assert_eq!(talk.run("print(1)"), "1\n");
}

#[test]
fn a_slow_line_overruns_a_board_that_is_busy() {
    let (board, mut talk) = raw_board(with_line(LineOptions {
        bytes_per_second: Some(100_000),
        latency: Duration::ZERO,
        receive_ring: Some(32),
        ..LineOptions::default()
    }));
    let source = "import sys, time, micropython\nprint('go')\ntime.sleep_ms(100)\nmicropython.kbd_intr(-1)\nd = sys.stdin.buffer.read(32)\nprint('got', len(d))";
    talk.send(source.as_bytes()).send(b"\x04").expect(b"go\r\n");
    talk.send(&[b'z'; 500]).expect(b"got 32\r\n\x04\x04>");
    // On a busy machine the host may have been late, and more than the ring holds is still to come: Ctrl-C
    // forgets it, but must not be lost itself.
    board.set_line(LineOptions::default());
    talk.send(b"\x03print('alive')\x04")
        .expect(b"alive\r\n\x04\x04>");
}

#[test]
fn with_flow_control_a_full_ring_loses_nothing() {
    for bytes_per_second in [None, Some(1_000_000)] {
        let (_board, mut talk) = raw_board(with_line(LineOptions {
            bytes_per_second,
            latency: Duration::from_micros(500),
            receive_ring: Some(16),
            overrun: Overrun::Wait,
        }));
        let source = "import sys, time, micropython\nmicropython.kbd_intr(-1)\nprint('go')\ntime.sleep_ms(20)\nd = sys.stdin.buffer.read(500)\nmicropython.kbd_intr(3)\nprint('got', sum(d))";
        talk.send(source.as_bytes()).send(b"\x04").expect(b"go\r\n");
        talk.send(&[3; 250])
            .send(&[4; 250])
            .expect(b"got 1750\r\n\x04\x04>");
        // The prompt reads on, through the same ring.
        let long = "a".repeat(1000);
        assert_eq!(talk.run(&format!("print('{long}')")), format!("{long}\n"));
    }
}

#[test]
fn traffic_is_counted_by_bytes_and_turns() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    let before = board.traffic();
    for _ in 0..3 {
        talk.send(b"print(1)")
            .send(b"\x04")
            .expect(b"OK1\r\n\x04\x04>");
    }
    talk.send(b"never read");
    let after = board.traffic();
    assert_eq!(after.to_board - before.to_board, 3 * 9 + 10);
    assert_eq!(after.to_host - before.to_host, 3 * 8);
    assert_eq!(after.turns - before.turns, 3);
    drop(talk);
    assert_eq!(board.traffic(), after);
}

#[test]
fn without_a_ring_the_host_waits() {
    let (_board, mut talk) = raw_board(BoardOptions::default());
    talk.send(b"import time\nprint('go')\ntime.sleep(1000)\x04")
        .expect(b"go\r\n");
    let much = vec![b'x'; 200_000];
    let error = talk
        .line
        .write_all(&much, Some(Duration::from_millis(20)))
        .expect_err("no room");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn only_one_line_at_a_time() {
    let board = start(BoardOptions::default());
    let line = board.open().expect("the first");
    assert_eq!(
        board.open().err().map(|error| error.kind()),
        Some(ErrorKind::ResourceBusy)
    );
    let error = line.read(&mut [0; 0], Some(Duration::ZERO));
    assert_eq!(error.expect("nothing asked for"), 0);
    drop(line);
    let mut talk = Talk::with(&board);
    talk.send(b"1 + 1\r").expect(b"2\r\n");
}

#[test]
fn the_board_runs_on_while_nobody_listens() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    let source = "for i in range(20): print('x' * 10000)\nopen('done', 'w').close()\ninput()";
    talk.send(source.as_bytes()).send(b"\x04").expect(b"OK");
    drop(talk);
    let mut talk = Talk::with(&board);
    talk.send(b"answer\r").expect(b"\x04\x04>");
    assert_eq!(talk.run("import os\nprint(os.listdir())"), "['done']\n");
}

#[test]
fn a_board_in_an_endless_loop_ends_when_dropped() {
    for program in [
        "while True: pass",
        "while True: print('x' * 1000)",
        "import time\ntime.sleep(1000)",
        "input()",
    ] {
        let (board, mut talk) = raw_board(BoardOptions::default());
        talk.send(program.as_bytes()).send(b"\x04").expect(b"OK");
        drop(board);
        wait_eof(&talk.line);
    }
}
