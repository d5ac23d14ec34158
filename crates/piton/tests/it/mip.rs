//! Packages through the library: fetched without a board, installed on a virtual one.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use piton::board_format::BoardFormat;
use piton::deadline::{Cancel, Deadline};
use piton::error::ErrorKind;
use piton::mip::{
    self, FetchOptions, Fetched, Installation, Library, Looked, MipError, MipEvent, Packages,
    RecordUse,
};
use piton::repl::{Entry, RawRepl};
use piton::virtual_board::{BoardOptions, Fault, VirtualBoard, VmImage, serve};
use piton::{Board, ConnectOptions};

use crate::package_index::Index;

pub(crate) fn go_on(_: MipEvent<'_>) -> ControlFlow<()> {
    Continue(())
}

fn options(index: &Index, format: Option<BoardFormat>) -> FetchOptions {
    let mut options = FetchOptions::default();
    index.url().clone_into(&mut options.index);
    options.format = format;
    options
}

/// A board with MicroPython 1.29.
fn micropython() -> Option<BoardFormat> {
    Some(BoardFormat::micropython(0x1306))
}

/// Fetches all files of a package, with no board in sight.
pub(crate) fn fetch(
    index: &Index,
    name: &str,
    format: Option<BoardFormat>,
) -> Result<Fetched, MipError> {
    let cancel = Cancel::new();
    let options = options(index, format);
    let described = mip::describe(&name.parse().unwrap(), &options, &cancel, &mut go_on)?;
    mip::fetch(described, &Looked::default(), &cancel, &mut go_on)
}

fn paths(fetched: &Fetched) -> Vec<&str> {
    let packages = fetched.packages().iter();
    packages
        .flat_map(|package| &package.files)
        .map(|file| file.path.as_str())
        .collect()
}

#[test]
fn a_package_is_fetched_without_a_board() {
    let index = Index::start();
    index.publish("app", "1", &["leaf"]);
    index.publish("leaf", "2", &[]);
    let compiled = fetch(&index, "app", micropython()).unwrap();
    assert_eq!(paths(&compiled), ["app.mpy", "leaf.mpy"]);
    let sources = fetch(&index, "app", None).unwrap();
    assert_eq!(paths(&sources), ["app.py", "leaf.py"]);
    // CircuitPython has the same number of the format, and cannot load MicroPython's bytecode.
    let circuitpython =
        BoardFormat::from_boot_out("Adafruit CircuitPython 10.0.3 on 2025-10-17; a board");
    assert_eq!(
        circuitpython.as_ref().and_then(|format| format.version),
        Some(6)
    );
    let sources = fetch(&index, "app", circuitpython).unwrap();
    assert_eq!(paths(&sources), ["app.py", "leaf.py"]);
}

#[test]
fn what_cannot_be_fetched_has_a_reason() {
    let index = Index::start();
    let [compiled, source] = index.publish("app", "1", &["leaf"]);
    let missing = fetch(&index, "app", micropython()).unwrap_err();
    assert!(
        matches!(&missing, MipError::NoPackage { location } if location.to_string().contains("leaf"))
    );
    index.publish("leaf", "1", &[]);
    index.remove(&compiled);
    let missing = fetch(&index, "app", micropython()).unwrap_err();
    assert!(matches!(&missing, MipError::NoFile { url } if url.ends_with(&compiled)));
    index.put(&source, "something else");
    let damaged = fetch(&index, "app", None).unwrap_err();
    assert!(matches!(damaged, MipError::Hash { .. }));
    for error in [missing, damaged] {
        assert_eq!(error.kind(), ErrorKind::Refused);
    }
}

#[test]
fn fetching_stops_when_nobody_listens() {
    let index = Index::start();
    index.publish("app", "1", &[]);
    let (cancel, options) = (Cancel::new(), options(&index, micropython()));
    let source = "app".parse().unwrap();
    let stopped = mip::describe(&source, &options, &cancel, &mut |_| Break(())).unwrap_err();
    assert_eq!(stopped.kind(), ErrorKind::Interrupted);
    assert!(!cancel.is_cancelled());
    // The same flag is good for the next try.
    mip::describe(&source, &options, &cancel, &mut go_on).unwrap();
}

/// A virtual board, and a connection to it.
pub(crate) struct Place {
    server: serve::TcpServer,
    pub(crate) virtual_board: Arc<VirtualBoard>,
}

impl Place {
    pub(crate) fn new() -> Place {
        let image = VmImage::open(&test_programs::vm()).unwrap();
        let board = VirtualBoard::start(&image, BoardOptions::default()).unwrap();
        let virtual_board = Arc::new(board);
        Place {
            server: serve::tcp(Arc::clone(&virtual_board), "127.0.0.1:0").unwrap(),
            virtual_board,
        }
    }

    pub(crate) fn connect(&self) -> Board {
        let selector = format!("socket://{}", self.server.local_addr());
        Board::connect(&selector.parse().unwrap(), &ConnectOptions::default()).unwrap()
    }
}

impl Place {
    /// Connects to a board that was away, when it answers again.
    pub(crate) fn connect_again(&self) -> Board {
        loop {
            let mut board = self.connect();
            let deadline = Deadline::after(Duration::from_secs(30));
            match board.raw_repl(Entry::KeepState, deadline) {
                Ok(_) => return board,
                Err(error) => assert_eq!(error.kind(), ErrorKind::NoConnection, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

pub(crate) fn raw_repl(board: &mut Board) -> RawRepl<'_> {
    let deadline = Deadline::after(Duration::from_secs(30));
    board.raw_repl(Entry::KeepState, deadline).unwrap()
}

/// Returns the packages in the board's own library.
pub(crate) fn on_board(board: &mut Board) -> Packages<'_> {
    Packages::open(raw_repl(board), None).unwrap()
}

fn install(
    packages: &mut Packages<'_>,
    index: &Index,
    name: &str,
    events: &mut dyn FnMut(MipEvent<'_>) -> ControlFlow<()>,
) -> Result<Installation, MipError> {
    let fetched = fetch(index, name, Some(packages.library().format.clone()))?;
    let done = packages.install(&[fetched], None, RecordUse::Keep, events)?;
    Ok(done.into_iter().next().unwrap())
}

/// Returns the names and versions of the packages on record.
fn listed(packages: &mut Packages<'_>) -> Vec<(String, Option<String>)> {
    let packages = packages.list().unwrap().into_iter();
    packages
        .map(|package| (package.name, package.version))
        .collect()
}

#[test]
fn from_an_index_to_a_board_and_off_it() {
    let index = Index::start();
    index.publish("app", "1", &["leaf"]);
    index.publish("leaf", "1", &[]);
    let place = Place::new();
    let mut board = place.connect();
    let mut packages = on_board(&mut board);
    let first = install(&mut packages, &index, "app", &mut go_on).unwrap();
    assert_eq!((first.written, first.removed), (2, 0));
    index.publish("app", "2", &["leaf"]);
    let second = install(&mut packages, &index, "app", &mut go_on).unwrap();
    assert_eq!((second.written, second.removed), (1, 0));
    let versions = |name: &str, version: &str| (name.to_owned(), Some(version.to_owned()));
    assert_eq!(
        listed(&mut packages),
        [versions("app", "2"), versions("leaf", "1")]
    );
    let needed = packages.uninstall("leaf", &mut go_on).unwrap_err();
    assert!(matches!(needed, MipError::Needed { .. }));
    let removal = packages.uninstall("app", &mut go_on).unwrap();
    assert_eq!(
        (removal.removed, removal.orphans),
        (1, vec!["leaf".to_owned()])
    );
}

#[test]
fn a_board_without_a_library_is_told_apart_from_a_bad_name() {
    let place = Place::new();
    let mut board = place.connect();
    let mut raw = raw_repl(&mut board);
    let bad = Library::find(&mut raw, Some("a\0b")).unwrap_err();
    assert!(matches!(bad, MipError::Target { .. }));
    let deadline = Deadline::after(Duration::from_secs(30));
    raw.run(b"import sys\nsys.path[:] = ['', '/rom/lib']", deadline)
        .unwrap();
    let none = Library::find(&mut raw, None).unwrap_err();
    assert!(matches!(none, MipError::NoLibrary), "{none}");
    assert!(!none.to_string().contains("--"), "{none}");
}

#[test]
fn an_install_that_is_stopped_leaves_the_board_as_it_was() {
    let index = Index::start();
    index.publish("app", "1", &[]);
    let place = Place::new();
    let mut board = place.connect();
    let mut packages = on_board(&mut board);
    install(&mut packages, &index, "app", &mut go_on).unwrap();
    index.publish("app", "2", &["leaf"]);
    index.publish("leaf", "1", &[]);
    let mut count = 0;
    let stopped = install(&mut packages, &index, "app", &mut |_| {
        count += 1;
        Break(())
    });
    // It breaks at the first event, and hears no other.
    assert_eq!(count, 1);
    let kind = stopped.map_err(|error| error.kind());
    let version = match kind {
        Err(kind) => {
            assert_eq!(kind, ErrorKind::Interrupted);
            "1"
        }
        // The last file was on the board before the first event came.
        Ok(_) => "2",
    };
    let listed_now = listed(&mut packages);
    let app = listed_now.iter().find(|(name, _)| name == "app").unwrap();
    assert_eq!(app.1.as_deref(), Some(version));
    // The connection is good for the next operation.
    install(&mut packages, &index, "app", &mut go_on).unwrap();
    assert_eq!(listed(&mut packages).len(), 2);
}

#[test]
fn a_lost_line_is_no_connection_at_every_place() {
    let index = Index::start();
    index.publish("app", "1", &["leaf"]);
    index.publish("leaf", "1", &[]);
    let place = Place::new();
    let mut lost = 0;
    for after_bytes_to_host in (0..).step_by(25) {
        let mut board = place.connect_again();
        let raw = raw_repl(&mut board);
        place.virtual_board.inject(&Fault::Vanish {
            after_bytes_to_host,
            returns_after: Duration::from_millis(1),
        });
        let installed = Packages::open(raw, None)
            .and_then(|mut packages| install(&mut packages, &index, "app", &mut go_on));
        match installed {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NoConnection, "{error}");
                assert!(error.board().is_some(), "{error}");
                lost += 1;
            }
            Ok(_) => break,
        }
        // Put it off again, so that each try has all to do.
        drop(board);
        let mut board = place.connect_again();
        let mut packages = on_board(&mut board);
        for name in ["app", "leaf"] {
            match packages.uninstall(name, &mut go_on) {
                Ok(_) | Err(MipError::NotInstalled { .. }) => {}
                Err(error) => panic!("after {after_bytes_to_host} bytes: {error}"),
            }
        }
    }
    assert!(lost > 4, "{lost}");
}

#[test]
fn events_are_flat_objects_in_json() {
    let index = Index::start();
    index.publish("app", "1", &[]);
    let place = Place::new();
    let mut board = place.connect();
    let mut packages = on_board(&mut board);
    let mut lines = Vec::new();
    install(&mut packages, &index, "app", &mut |event| {
        lines.push(serde_json::to_value(event).unwrap());
        Continue(())
    })
    .unwrap();
    let lines: Vec<_> = lines
        .into_iter()
        .filter(|line| line["event"] != "wrote")
        .collect();
    let expected = serde_json::json!([
        {"event": "request", "index": 0},
        {"event": "package", "package": "app"},
        {"event": "file", "path": "/lib/app.mpy", "same": false, "hashed": true},
        {
            "event": "installed",
            "index": 0,
            "installation": {"written": 1, "removed": 0, "packages": [["app", null, "1"]]},
        },
    ]);
    assert_eq!(serde_json::Value::from(lines), expected);
}
