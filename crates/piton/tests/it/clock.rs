//! The clock of a board.

use piton::clock::{self, ClockError, ClockTime};
use piton::session::{Session, SessionOptions};

use crate::support::soon;

fn session() -> Session {
    let mut options = SessionOptions::default();
    options.connect.vm = Some(test_programs::vm());
    Session::connect(&"virtual".parse().unwrap(), options).unwrap()
}

#[test]
fn a_time_is_set_and_read_back() {
    let mut session = session();
    let mut raw_repl = session.raw_repl().unwrap();
    let mut time = ClockTime::local_now();
    (time.year, time.month, time.day, time.weekday) = (2001, 2, 3, 5);
    (time.hour, time.minute, time.second, time.subsecond) = (4, 5, 6, 7);
    clock::set(&mut raw_repl, &time).unwrap();
    let read = clock::read(&mut raw_repl).unwrap();
    assert_eq!(read.fields()[..6], [2001, 2, 3, 5, 4, 5]);
    clock::set_to_local_time(&mut raw_repl).unwrap();
    let read = clock::read(&mut raw_repl).unwrap();
    let now = ClockTime::local_now();
    assert!(read.year >= 2026 && read <= now, "{read} is after {now}");
    // Nothing of it stays on the board.
    let names = raw_repl.eval::<bool>("'_piton' in globals()", soon());
    assert!(!names.unwrap());
}

#[test]
fn a_board_without_a_clock_says_so() {
    let mut session = session();
    let mut raw_repl = session.raw_repl().unwrap();
    raw_repl
        .run(b"import machine\ndel machine.RTC", soon())
        .unwrap();
    let error = clock::read(&mut raw_repl).unwrap_err();
    assert!(matches!(error, ClockError::NoClock { .. }), "{error}");
    let expected = "the board has no `machine.RTC`: module 'machine' has no attribute 'RTC'";
    assert_eq!(error.to_string(), expected);
}
