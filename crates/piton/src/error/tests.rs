//! A failure of the board is found below each error that can wrap it.

use std::io;

use piton_fs::error::FileState;

use super::*;
use crate::http::HttpError;

/// Returns `error` in each wrapping that the library has for a board's error.
fn wrapped(error: fn() -> BoardError) -> Vec<(&'static str, Error)> {
    let torn = |error| FsError::Torn {
        path: "main.py".parse().unwrap(),
        state: FileState::Unknown,
        source: Box::new(FsError::Board(error)),
    };
    vec![
        ("board", error().into()),
        ("fs", FsError::from(error()).into()),
        ("torn", torn(error()).into()),
        ("mount", MountError::from(error()).into()),
        ("rom", RomError::from(error()).into()),
        ("sync", SyncError::from(error()).into()),
        ("sync, fs", SyncError::from(FsError::from(error())).into()),
        ("sync, torn", SyncError::from(torn(error())).into()),
        ("copy, read", CopyError::ReadBoard(error().into()).into()),
        ("copy, torn", CopyError::WriteBoard(torn(error())).into()),
        (
            "deploy",
            ToBoardError::from(SyncError::from(error())).into(),
        ),
        ("deploy, record", ToBoardError::Record(torn(error())).into()),
        ("mip", MipError::from(error()).into()),
        ("mip, fs", MipError::from(FsError::from(error())).into()),
        ("mip, torn", MipError::from(torn(error())).into()),
    ]
}

#[test]
fn every_wrapping_keeps_the_kind_of_a_board_error() {
    let disconnected = || BoardError::Disconnected {
        waiting_for: "an answer",
        source: io::ErrorKind::BrokenPipe.into(),
    };
    let selector = || BoardError::Selector {
        text: "?".to_owned(),
        expected: "a port",
    };
    let cases: [(fn() -> BoardError, ErrorKind); 4] = [
        (disconnected, ErrorKind::NoConnection),
        (selector, ErrorKind::Usage),
        (|| BoardError::Cancelled, ErrorKind::Interrupted),
        (|| BoardError::BoardReset, ErrorKind::Refused),
    ];
    for (error, kind) in cases {
        for (wrapping, error) in wrapped(error) {
            assert_eq!(error.kind(), kind, "{wrapping}");
            assert_eq!(
                error.board().map(BoardError::kind),
                Some(kind),
                "{wrapping}"
            );
        }
    }
}

#[test]
fn every_wrapping_keeps_the_exception() {
    let raised = || {
        let traceback = b"Traceback (most recent call last):\r\n  File \"<stdin>\", line 1, in <module>\r\nZeroDivisionError: divide by zero\r\n";
        BoardError::Exception(BoardException::parse(traceback))
    };
    for (wrapping, error) in wrapped(raised) {
        let name = error.exception().map(|raised| raised.type_name.as_str());
        assert_eq!(name, Some("ZeroDivisionError"), "{wrapping}");
        assert_eq!(error.kind(), ErrorKind::Refused, "{wrapping}");
    }
}

#[test]
fn an_interruption_without_a_board_is_one() {
    let path = std::path::PathBuf::from("build");
    assert_eq!(CopyError::Stopped.kind(), ErrorKind::Interrupted);
    let interrupted = [
        Error::from(MipError::from(HttpError::Cancelled)),
        Error::from(ShipmentError::from(HttpError::Cancelled)),
        Error::from(ShipmentError::Interrupted),
        Error::from(ToDriveError::Cancelled),
        Error::from(SyncError::from(ToDriveError::Cancelled)),
        Error::from(BuildError::Cancelled { path }),
    ];
    for error in interrupted {
        assert_eq!(error.kind(), ErrorKind::Interrupted, "{error:?}");
        assert!(error.board().is_none(), "{error:?}");
        assert!(error.to_string().starts_with("interrupted"), "{error}");
    }
}

#[test]
fn a_server_that_is_out_of_reach_is_no_lost_board() {
    let (url, reason) = ("http://example/".to_owned(), "no route".to_owned());
    let error = Error::from(MipError::from(HttpError::Unreachable { url, reason }));
    assert_eq!(error.kind(), ErrorKind::Refused);
}
