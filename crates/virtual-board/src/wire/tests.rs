use super::*;
use crate::options::{Interrupt, StallAfter};

const WATCHDOG: Duration = Duration::from_secs(30);

/// Both ends of a line, each as its side holds it.
fn line(options: LineOptions) -> (Arc<Wire>, HostEnd, BoardEnd) {
    let wire = Wire::new(options, Processor::default());
    let host = HostEnd::open(&wire).expect("the line is free");
    let board = BoardEnd::new(Arc::clone(&wire));
    (wire, host, board)
}

fn send(host: &HostEnd, bytes: &[u8]) {
    host.write_all(bytes, Some(WATCHDOG)).expect("it is sent");
}

fn read(board: &BoardEnd) -> Vec<u8> {
    let mut buf = [0; 4096];
    let count = board.read(&mut buf);
    buf[..count].to_vec()
}

#[test]
fn a_sleeping_program_receives_no_more_than_the_ring() {
    let (wire, host, board) = line(LineOptions {
        bytes_per_second: Some(100_000),
        receive_ring: Some(32),
        ..LineOptions::default()
    });
    send(&host, &[b'z'; 500]);
    while wire.lock().to_board.len() > 0 {
        let deadline = Instant::now() + Duration::from_millis(5);
        if board.wait_unsearched(Some(deadline)) == Wake::Input {
            assert!(!board.take_interrupt(CTRL_C.into()));
        }
    }
    assert_eq!(read(&board), [b'z'; 32]);
}

#[test]
fn a_stall_at_the_prompt_fills_the_ring_at_the_rate_of_the_line() {
    let options = LineOptions {
        bytes_per_second: Some(1000),
        receive_ring: Some(8),
        ..LineOptions::default()
    };
    for (overrun, expected) in [
        (Overrun::Lose, &b"abcdefghu"[..]),
        (Overrun::Wait, b"abcdefghi"),
    ] {
        let (wire, _host, _board) = line(LineOptions { overrun, ..options });
        let start = Instant::now();
        let after = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut state = wire.lock();
        state.at_prompt = true;
        state.stalled_until = Some(after(20));
        state
            .to_board
            .send((b'a'..=b'z').collect(), &options, start);
        // One byte in a millisecond: at the end of the stall `t` has come in.
        state.program_clock = ProgramClock::new(start);
        state.program_clock.wait(Duration::from_millis(3));
        state.settle_board(after(3), false);
        assert_eq!(state.ring, b"abc");
        state.program_clock.wait(Duration::from_millis(12));
        state.settle_board(after(15), true);
        assert_eq!(state.ring, b"abcdefgh");
        // This thread is late, but the stall was over in time, and the prompt reads on.
        state.program_clock.wait(Duration::from_millis(5));
        state.settle_board(after(100), false);
        if overrun == Overrun::Lose {
            assert_eq!(state.ring, b"abcdefgh");
        }
        state.stalled_until = None;
        state.program_clock.wait(Duration::from_millis(1));
        state.settle_board(after(101), false);
        assert_eq!(
            state.ring.range(..9).copied().collect::<Vec<u8>>(),
            expected
        );
    }
}

#[test]
fn a_full_queue_blocks_the_host() {
    let (_wire, host, board) = line(LineOptions {
        receive_ring: Some(512),
        overrun: Overrun::Wait,
        in_flight: Some(64),
        ..LineOptions::default()
    });
    send(&host, &[b'a'; 512 + 64]);
    let error = host.write_all(b"b", Some(Duration::from_millis(5)));
    assert_eq!(
        error.map_err(|error| error.kind()),
        Err(std::io::ErrorKind::TimedOut)
    );
    assert!(!board.take_interrupt(3));
    assert_eq!(read(&board), [b'a'; 512]);
    send(&host, b"b");
    assert!(!board.take_interrupt(3));
    assert_eq!(read(&board), [&[b'a'; 64][..], b"b"].concat());
}

#[test]
fn an_interrupt_clears_the_ring_or_keeps_it() {
    for (interrupt, left) in [
        (Interrupt::ClearsRing, &b"ef"[..]),
        (Interrupt::KeepsRing, b"abcdef"),
    ] {
        let (_wire, host, board) = line(LineOptions {
            interrupt,
            ..LineOptions::default()
        });
        send(&host, b"ab");
        assert!(!board.take_interrupt(3));
        send(&host, b"c\x03\x03d\x03ef");
        assert!(board.has_unsearched());
        assert!(board.take_interrupt(3));
        assert!(!board.take_interrupt(3));
        assert_eq!(read(&board), left);
        // A program that has switched it off reads it.
        send(&host, b"\x03");
        assert!(!board.take_interrupt(-1));
        assert_eq!(read(&board), b"\x03");
    }
}

#[test]
fn a_read_gets_no_byte_that_may_be_an_interrupt() {
    let (_wire, host, board) = line(LineOptions::default());
    send(&host, b"ab");
    assert!(!board.take_interrupt(3));
    // Between the search and the read.
    send(&host, b"c\x03d");
    assert!(board.has_searched_input());
    assert_eq!(read(&board), b"ab");
    assert!(board.has_input() && !board.has_searched_input());
    assert_eq!(read(&board), b"");
    assert!(board.take_interrupt(3));
    assert_eq!(read(&board), b"d");
}

#[test]
fn an_interrupt_passes_a_full_ring_only_where_the_line_does_not_wait() {
    for (overrun, interrupt, passes, left) in [
        (Overrun::Lose, Interrupt::ClearsRing, true, &b""[..]),
        (Overrun::Lose, Interrupt::KeepsRing, true, b"abcd"),
        (Overrun::Wait, Interrupt::ClearsRing, false, b"abcd"),
        (Overrun::Wait, Interrupt::KeepsRing, false, b"abcd"),
    ] {
        let (_wire, host, board) = line(LineOptions {
            receive_ring: Some(4),
            overrun,
            interrupt,
            ..LineOptions::default()
        });
        send(&host, b"abcd\x03");
        assert!(board.has_unsearched());
        assert_eq!(board.take_interrupt(3), passes, "{overrun:?}");
        assert_eq!(read(&board), left, "{overrun:?} {interrupt:?}");
        assert_eq!(board.has_unsearched(), !passes);
        assert_eq!(board.take_interrupt(3), !passes);
    }
}

#[test]
fn a_stall_ends_with_an_event() {
    let (wire, host, board) = line(LineOptions::default());
    wire.arm(&Fault::Stall {
        after: StallAfter::BytesRead(2),
        length: Duration::MAX,
        times: 1,
    });
    send(&host, b"abc");
    wire.raise(Event::Shutdown);
    assert_eq!(board.take_event(), Some(Event::Shutdown));
    assert_eq!(board.stall_on_write(1), Duration::ZERO);
    // A host that shuts the board down is not waited for.
    board.stall(Duration::MAX);
    board.rest(Duration::MAX);
}

#[cfg(unix)]
#[test]
fn a_program_that_the_host_keeps_waiting_is_not_overrun() {
    let options = LineOptions {
        bytes_per_second: Some(1000),
        receive_ring: Some(8),
        ..LineOptions::default()
    };
    let (wire, _host, _board) = line(options);
    let start = Instant::now();
    let after = |milliseconds| start + Duration::from_millis(milliseconds);
    let mut state = wire.lock();
    state.settle_board(start, false);
    state
        .to_board
        .send((b'a'..=b'z').collect(), &options, start);
    // In all this time the thread did nothing.
    let hour = 3_600_000;
    state.settle_board(after(hour), false);
    let had = state.ring.len();
    assert!(had < 8, "{had}");
    // Then it had five milliseconds, and then it waits for input.
    state.program_clock.wait(Duration::from_millis(5));
    state.settle_board(after(hour + 5), false);
    assert!((had + 4..=had + 6).contains(&state.ring.len()));
    // The next byte ends the wait; what follows has to wait for the program's time.
    state.ring.clear();
    state.settle_board(after(hour + 6), true);
    assert_eq!(state.ring.len(), 1);
    state.program_clock.wait(Duration::from_millis(3));
    state.settle_board(after(hour + 100), false);
    assert!((3..=5).contains(&state.ring.len()));
}
