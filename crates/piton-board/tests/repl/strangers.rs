//! Ports without a MicroPython.

use std::time::Duration;

use piton_board::deadline::Deadline;
use piton_board::error::Error;
use piton_board::repl::Entry;
use piton_board::transport::process::Process;

use crate::support::Connection;

/// The error of trying to enter the raw REPL of a process.
#[track_caller]
fn refused(command: &str) -> Error {
    let process = Process::start(command).expect("the shell starts");
    let mut connection = Connection::new(process);
    let limit = Deadline::after(Duration::from_secs(2));
    let result = connection.repl.raw_repl(Entry::SoftReset, limit);
    result.err().expect("no raw REPL")
}

#[test]
fn a_silent_port_is_reported() {
    let error = refused("sleep 60").to_string();
    assert_eq!(
        error,
        "no answer from a raw REPL: not a MicroPython board, busy with a program that ignores Ctrl-C, or not \
         ready; board sent nothing"
    );
}

#[test]
fn a_port_that_echoes_is_reported() {
    let error = refused("cat");
    let Error::NoRawRepl { sent, received } = error else {
        panic!("{error}");
    };
    assert_eq!(sent, received);
}

#[test]
fn a_port_that_closes_is_reported() {
    let error = refused("true");
    assert!(matches!(error, Error::Disconnected { .. }), "{error}");
}
