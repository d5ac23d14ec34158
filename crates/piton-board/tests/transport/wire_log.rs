//! The wire log around a real transport, and opening by name.

use std::io;
use std::sync::{Arc, Mutex};

use piton_board::error::Error;
use piton_board::open::{OpenOptions, open};
use piton_board::selector::BoardSelector;
use piton_board::transport::Transport;
use piton_board::wire_log::{WireCounter, WireLog, WireTotals};

use crate::support::{Pty, end_of, read_exactly, soon, watchdog};

fn open_text(text: &str) -> (Box<dyn Transport>, String) {
    let selector: BoardSelector = text.parse().unwrap();
    open(&selector, &OpenOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn each_read_and_write_is_reported_in_order() {
    let text = r#"exec:for i in 1 2; do read -r line; printf '%s\n' "$line"; done"#;
    let (transport, name) = open_text(text);
    assert_eq!(name, text);
    let lines = Arc::new(Mutex::new(Vec::new()));
    let counter = Arc::new(WireCounter::default());
    let (sink, count) = (lines.clone(), counter.clone());
    let log = WireLog::new(transport, move |event| {
        count.count(event);
        let bytes = event.bytes.escape_ascii().to_string();
        sink.lock()
            .unwrap()
            .push((event.at, event.direction, bytes));
    });
    log.write_all(b"a", watchdog()).unwrap();
    log.write_all(b"", watchdog()).unwrap();
    assert_eq!(
        log.read(&mut [0], soon()).unwrap_err().kind(),
        io::ErrorKind::TimedOut
    );
    log.write_all(b"\xff\n", watchdog()).unwrap();
    assert_eq!(read_exactly(&log, 1), b"a");
    assert_eq!(read_exactly(&log, 2), b"\xff\n");
    log.write_all(b"bc\n", watchdog()).unwrap();
    assert_eq!(read_exactly(&log, 3), b"bc\n");
    assert_eq!(end_of(&log).kind(), io::ErrorKind::UnexpectedEof);
    assert!(log.control_lines().is_none());

    let lines = lines.lock().unwrap();
    assert!(lines.is_sorted_by_key(|(at, ..)| *at));
    let lines: Vec<_> = lines
        .iter()
        .map(|(_, way, bytes)| format!("{way:?} {bytes}"))
        .collect();
    let expected = [
        "ToBoard a",
        r"ToBoard \xff\n",
        "ToHost a",
        r"ToHost \xff\n",
        r"ToBoard bc\n",
        r"ToHost bc\n",
    ];
    assert_eq!(lines, expected);
    let totals = WireTotals {
        to_board: 6,
        to_host: 6,
        turns: 2,
    };
    assert_eq!(counter.totals(), totals);
}

#[test]
fn the_lines_of_a_logged_port_can_be_driven() {
    let pty = Pty::new();
    let (transport, name) = open_text(&pty.path);
    assert_eq!(name, pty.path);
    let log = WireLog::new(transport, |_| {});
    log.control_lines()
        .unwrap()
        .set_lines(false, false)
        .unwrap();
}

#[test]
fn a_pty_command_is_opened_by_its_selector() {
    let pty = Pty::new();
    pty.echo();
    let text = format!("execpty:echo {} .; sleep 1000", pty.path);
    let (transport, name) = open_text(&text);
    assert_eq!(name, text);
    crate::support::check_echo(&*transport, 100);
}

#[test]
fn selectors_without_a_board_are_refused() {
    let check = |text: &str| {
        let selector: BoardSelector = text.parse().unwrap();
        let result = open(&selector, &OpenOptions::default());
        result.map(|(_, name)| name).unwrap_err()
    };
    let error = check("id:no such serial number");
    assert!(matches!(error, Error::NoSuchSerialNumber { .. }), "{error}");
    let error = check("/no/such/port");
    assert!(matches!(error, Error::NoSuchPort { .. }), "{error}");
    let error = check("virtual");
    assert!(matches!(error, Error::Selector { .. }), "{error}");
    let error = check("execpty:true");
    assert!(matches!(error, Error::Open { .. }), "{error}");
}
