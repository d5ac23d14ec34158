//! What goes wrong on request, and the limits of the line.

use std::io::ErrorKind;
#[cfg(unix)]
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use virtual_board::{
    BoardOptions, ByteErrors, Direction, Fault, Interrupt, LineOptions, Outage, Overrun, Processor,
    StallAfter,
};

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
    // The first prompt is lost if the board was faster.
    again.send(b"\r").raw();
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
fn a_power_cut_can_disconnect_the_line_for_a_time_or_until_power_on() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    board.inject(&Fault::PowerCut {
        after_writes: 1,
        outage: Outage::Returns(Duration::from_millis(10)),
    });
    talk.send(WRITE_AND_READ_BACK.as_bytes()).send(b"\x04");
    assert_eq!(wait_eof(&talk.line), b"OK");
    let mut talk = Talk::on(reopen(&board));
    talk.send(b"\r").raw();
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
    talk.send(b"\r").raw();
    assert_eq!(talk.run("import os\nprint(os.listdir())"), "['f0']\n");
}

#[test]
fn a_full_receive_ring_loses_bytes() {
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
fn ctrl_c_interrupts_although_the_ring_is_full() {
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
            ..LineOptions::default()
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
fn the_board_continues_without_a_client() {
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

/// Longer than any test waits.
const FOR_EVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Nothing comes in. Whether this waits long enough to be sure does not matter to the tests that ask: what they
/// wait for is held back for ever.
fn expect_silence(talk: &Talk) {
    let read = talk
        .line
        .read(&mut [0; 16], Some(Duration::from_millis(20)));
    assert_eq!(read.expect_err("silence").kind(), ErrorKind::TimedOut);
}

#[test]
fn a_byte_can_be_received_twice() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    let direction = Direction::ToBoard;
    board.inject(&Fault::Duplicate { direction, at: 7 });
    assert_eq!(talk.run("print(123)"), "1223\n");
    let direction = Direction::ToHost;
    board.inject(&Fault::Duplicate { direction, at: 4 });
    assert_eq!(talk.run("print(123)"), "1233\n");
    assert_eq!(talk.run("print(123)"), "123\n");
}

#[test]
fn a_pause_in_either_direction_loses_nothing() {
    let length = Duration::from_millis(15);
    for direction in [Direction::ToBoard, Direction::ToHost] {
        for bytes_per_second in [None, Some(1_000_000)] {
            let (board, mut talk) = raw_board(with_line(LineOptions {
                bytes_per_second,
                ..LineOptions::default()
            }));
            board.inject(&Fault::Pause {
                direction,
                after: 100,
                length,
                times: 3,
            });
            let started = Instant::now();
            let text: String = (0..100).map(|number| format!("{number:04}")).collect();
            assert_eq!(talk.run(&format!("print('{text}')")), format!("{text}\n"));
            assert!(started.elapsed() >= 3 * length, "{direction:?}");
            assert_eq!(talk.run("print(1)"), "1\n");
        }
    }
}

#[test]
fn no_byte_arrives_during_a_pause_to_the_host() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    board.inject(&Fault::Pause {
        direction: Direction::ToHost,
        after: 4,
        length: FOR_EVER,
        times: 1,
    });
    talk.send(b"print(123)\x04").expect(b"OK12");
    expect_silence(&talk);
}

#[test]
fn a_pause_to_the_board_blocks_the_board_and_then_the_host() {
    let (board, mut talk) = raw_board(with_line(LineOptions {
        in_flight: Some(100),
        ..LineOptions::default()
    }));
    board.inject(&Fault::Pause {
        direction: Direction::ToBoard,
        after: 6,
        length: FOR_EVER,
        times: 1,
    });
    talk.send(b"pass\x04p").expect(b"OK\x04\x04>");
    talk.send(&[b'x'; 100]);
    let error = talk.line.write_all(b"x", Some(Duration::from_millis(20)));
    assert_eq!(error.expect_err("no room").kind(), ErrorKind::TimedOut);
    // A reset ends it.
    board.reset();
    talk.raw();
    assert_eq!(talk.run("print(1)"), "1\n");
}

#[test]
fn one_answer_is_late() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    let started = Instant::now();
    let by = Duration::from_millis(60);
    board.inject(&Fault::Late { at: 0, by });
    assert_eq!(talk.run("print(1)"), "1\n");
    assert!(started.elapsed() >= by);
    assert_eq!(talk.run("print(2)"), "2\n");
    // From the middle on.
    board.inject(&Fault::Late {
        at: 3,
        by: FOR_EVER,
    });
    talk.send(b"print(123)\x04").expect(b"OK1");
    expect_silence(&talk);
}

#[test]
fn a_slow_processor_takes_longer_and_does_the_same() {
    let program = "n = 0\nfor i in range(2000): n += i & 3\nprint(n)";
    // A round takes some 70,000.
    let least_steps = 2000 * 20_000;
    let rate = 400_000_000;
    let (board, mut talk) = raw_board(BoardOptions {
        processor: Processor::StepsPerSecond(rate),
        ..BoardOptions::default()
    });
    let started = Instant::now();
    assert_eq!(talk.run(program), "3000\n");
    assert!(started.elapsed() >= Duration::from_millis(1000 * least_steps / rate));
    for processor in [Processor::TimesSlower(3), Processor::Unlimited] {
        board.set_processor(processor);
        assert_eq!(talk.run(program), "3000\n");
    }
}

#[test]
fn a_very_slow_processor_is_interrupted_and_ends() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    talk.send(b"print('go')\nwhile 1: pass\x04")
        .expect(b"go\r\n");
    board.set_processor(Processor::StepsPerSecond(100_000_000));
    talk.send(b"\x03").expect(b"KeyboardInterrupt: \r\n\x04>");
    board.set_processor(Processor::StepsPerSecond(1));
    talk.send(b"while 1: pass\x04");
    drop(board);
    wait_eof(&talk.line);
}

#[test]
fn a_full_usb_queue_blocks_the_host_until_the_program_reads() {
    let (_board, mut talk) = raw_board(with_line(LineOptions {
        receive_ring: Some(512),
        overrun: Overrun::Wait,
        in_flight: Some(512),
        ..LineOptions::default()
    }));
    let program = "import sys\nd = sys.stdin.buffer.read(1)\nwhile d != b'!': d = sys.stdin.buffer.read(1)\nprint('end')";
    // While the program runs the host gets rid of any amount, however slowly the program reads.
    talk.send(program.as_bytes()).send(b"\x04").expect(b"OK");
    talk.send(&[b'a'; 5000])
        .send(b"!")
        .expect(b"end\r\n\x04\x04>");
    talk.send(b"import time\nprint('go')\ntime.sleep(1000)\x04")
        .expect(b"go\r\n");
    talk.send(&[b'a'; 1024]);
    let error = talk.line.write_all(b"a", Some(Duration::from_millis(20)));
    assert_eq!(error.expect_err("no room").kind(), ErrorKind::TimedOut);
}

#[test]
fn an_interrupt_behind_a_full_usb_queue_waits_until_the_program_reads() {
    let (board, mut talk) = raw_board(with_line(LineOptions {
        receive_ring: Some(512),
        overrun: Overrun::Wait,
        ..LineOptions::default()
    }));
    let program = "import sys\nfor i in range(100000): pass\nprint('not yet')\nfor i in range(1000): sys.stdin.buffer.read(1)\nwhile 1: pass\x04";
    talk.send(&[program.as_bytes(), &[b'a'; 1300], b"\x03"].concat());
    talk.expect(b"OKnot yet\r\n")
        .expect(b"KeyboardInterrupt: \r\n\x04>");
    // What was left in the queue before it is gone.
    board.set_line(LineOptions::default());
    assert_eq!(talk.run("print('alive')"), "alive\n");
}

#[test]
fn an_interrupt_keeps_earlier_input_if_the_options_request_it() {
    let (_board, mut talk) = raw_board(with_line(LineOptions {
        interrupt: Interrupt::KeepsRing,
        ..LineOptions::default()
    }));
    talk.send(b"print('go')\nwhile 1: pass\x04")
        .expect(b"go\r\n");
    talk.send(b"typed = \x035")
        .expect(b"KeyboardInterrupt: \r\n\x04>");
    assert_eq!(talk.run("7\nprint(typed)"), "57\n");
}

#[test]
fn the_processor_stops_while_the_flash_is_written() {
    let length = Duration::from_millis(25);
    for (after, stalls) in [
        (StallAfter::FileWrites(2), 2),
        (StallAfter::FileBytes(4096), 4),
    ] {
        let (board, mut talk) = raw_board(BoardOptions::default());
        board.inject(&Fault::Stall {
            after,
            length,
            times: u32::MAX,
        });
        let started = Instant::now();
        let program = "import os\nwith open('f', 'wb') as f:\n    for i in range(4): f.write(bytes([i]) * 4096)\nprint(os.stat('f')[6])";
        assert_eq!(talk.run(program), "16384\n");
        assert!(started.elapsed() >= stalls * length, "{after:?}");
    }
}

#[test]
fn bytes_during_a_stop_of_the_processor_overrun_the_ring() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    let length = Duration::from_millis(100);
    board.inject(&Fault::Stall {
        after: StallAfter::FileWrites(1),
        length,
        times: 1,
    });
    let program = "import sys\nf = open('f', 'wb')\nsys.stdin.buffer.read(1)\nprint('go')\nf.write(b'x')\nprint(sys.stdin.buffer.read(16))\x04";
    talk.send(program.as_bytes()).expect(b"OK");
    board.set_line(LineOptions {
        receive_ring: Some(16),
        ..LineOptions::default()
    });
    let started = Instant::now();
    talk.send(b"x").expect(b"go\r\n");
    talk.send(&(b'a'..=b'z').collect::<Vec<u8>>());
    talk.expect(b"b'abcdefghijklmnop'\r\n\x04\x04>");
    assert!(started.elapsed() >= length);
}

#[test]
fn a_stopped_processor_blocks_the_host() {
    let (board, mut talk) = raw_board(with_line(LineOptions {
        receive_ring: Some(64),
        overrun: Overrun::Wait,
        in_flight: Some(64),
        ..LineOptions::default()
    }));
    // Everything but the last byte of the program, and nothing of what follows it.
    board.inject(&Fault::Stall {
        after: StallAfter::BytesRead(4),
        length: FOR_EVER,
        times: 1,
    });
    talk.send(b"pass");
    talk.send(&[b' '; 128]);
    let error = talk.line.write_all(b" ", Some(Duration::from_millis(20)));
    assert_eq!(error.expect_err("no room").kind(), ErrorKind::TimedOut);
    board.reset();
    talk.raw();
    assert_eq!(talk.run("print(1)"), "1\n");
}

#[test]
fn random_errors_come_again_with_their_seed() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    let mut noise = |seed| {
        board.set_line(LineOptions {
            errors: Some(ByteErrors {
                per_billion: 1_000_000,
                seed,
            }),
            ..LineOptions::default()
        });
        let (stdout, traceback) = talk.exec("print('a' * 10000)");
        board.set_line(LineOptions::default());
        assert_eq!(traceback, "");
        stdout
    };
    let first = noise(1);
    // Ten errors are expected.
    let damaged = first.iter().filter(|&&byte| byte != b'a').count() - 2;
    let lost = 10_002 - first.len();
    assert!((1..20).contains(&damaged) && (1..20).contains(&lost));
    assert_eq!(noise(1), first);
    assert_ne!(noise(2), first);
}

/// Threads that keep every processor of the host busy for as long as `work` takes.
#[cfg(unix)]
fn on_a_busy_host<T>(work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    let processors = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..2 * processors {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

#[cfg(unix)]
#[test]
fn a_program_that_reads_fast_enough_is_not_overrun_on_a_busy_host() {
    let (board, mut talk) = raw_board(BoardOptions::default());
    let program = "import sys, micropython\nmicropython.kbd_intr(-1)\nread = sys.stdin.buffer.read\nn = 0\nprint('go')\nfor i in range(1000): n += read(1)[0]\nprint(n)\x04";
    talk.send(program.as_bytes()).expect(b"go\r\n");
    board.set_line(LineOptions {
        bytes_per_second: Some(11_520),
        receive_ring: Some(64),
        ..LineOptions::default()
    });
    on_a_busy_host(|| {
        talk.send(&[7; 1000]).expect(b"7000\r\n\x04\x04>");
    });
}
