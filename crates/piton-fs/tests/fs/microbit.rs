//! The oldest boards: one folder, no `os.stat`, no `os.rename`, no `hashlib`, no `binascii`, 9 KB of heap.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use piton_board::deadline::{Cancel, Deadline};
use piton_board::repl::{Entry, Repl};
use piton_board::transport::Transport;
use piton_board::transport::serial::SerialPort;
use piton_fs::FileEvent;
use piton_fs::error::{Error, FileState};
use piton_fs::hash::HashAlgorithm;
use piton_fs::listing::{DirEntry, Kind, Sizes};
use piton_fs::remote::{Metadata, RemoteFs};
use piton_path::BoardPath;
use test_programs::Microbit;

use crate::support::{noise, path, soon};

fn on_microbit(test: impl FnOnce(&mut RemoteFs<'_, '_>)) {
    let microbit = Microbit::start();
    let port = SerialPort::open(microbit.port(), 115_200).unwrap();
    on_port(Box::new(port), b"pass", test);
}

/// Run a program, then the test.
fn on_port(port: Box<dyn Transport>, program: &[u8], test: impl FnOnce(&mut RemoteFs<'_, '_>)) {
    let mut repl = Repl::new(port, Cancel::new());
    let mut raw = repl.raw_repl(Entry::SoftReset, soon()).unwrap();
    raw.run(program, soon()).unwrap();
    test(&mut RemoteFs::new(&mut raw));
    let left = b"print([name for name in globals() if 'piton' in name])";
    assert_eq!(raw.run(left, soon()).unwrap(), b"[]\r\n");
}

#[test]
fn files_are_written_read_and_removed() {
    on_microbit(|fs| {
        assert_eq!(fs.list(&path(""), Sizes::Measured, soon()).unwrap(), []);
        let text = b"from microbit import *\r\ndisplay.scroll('it\\'s')\n".to_vec();
        let all_bytes: Vec<u8> = (0..=255).collect();
        for (name, content) in [
            ("main.py", &text),
            ("it's \"quoted\"", &all_bytes),
            ("large", &noise(3000)),
            ("empty", &Vec::new()),
            ("main.py", &noise(700)),
        ] {
            fs.write(&path(name), content, &mut |_| {}, soon()).unwrap();
            assert!(
                fs.read(&path(name), &mut |_| {}, soon()).unwrap() == *content,
                "{name}"
            );
            let size = content.len() as u64;
            let metadata = Metadata {
                kind: Kind::File,
                size,
            };
            assert_eq!(fs.stat(&path(name), soon()).unwrap(), metadata);
            for algorithm in [
                HashAlgorithm::Md5,
                HashAlgorithm::Sha1,
                HashAlgorithm::Sha256,
            ] {
                let digest = fs.hash(&path(name), algorithm, soon()).unwrap();
                assert_eq!(digest, algorithm.digest(content));
            }
        }
        let mut listed = fs
            .list(&BoardPath::root(), Sizes::AsListed, soon())
            .unwrap();
        listed.sort_by(|left, right| left.name.cmp(&right.name));
        let sizes = [
            ("empty", 0),
            ("it's \"quoted\"", 256),
            ("large", 3000),
            ("main.py", 700),
        ];
        let expected = sizes.map(|(name, size)| DirEntry {
            name: name.to_owned(),
            kind: Kind::File,
            size: Some(size),
        });
        assert_eq!(listed, expected);
        let tree = fs.tree(&path("."), Sizes::Measured, soon()).unwrap();
        let names: Vec<&str> = tree.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(names, ["empty", "it's \"quoted\"", "large", "main.py"]);
        fs.touch(&path("touched"), soon()).unwrap();
        fs.touch(&path("large"), soon()).unwrap();
        assert_eq!(fs.stat(&path("large"), soon()).unwrap().size, 3000);
        assert!(fs.exists(&path("touched"), soon()).unwrap());
        fs.remove_file(&path("touched"), soon()).unwrap();
        assert!(!fs.exists(&path("touched"), soon()).unwrap());
        assert!(fs.is_dir(&path("/"), soon()).unwrap());
        assert_eq!(fs.current_dir(soon()).unwrap(), BoardPath::root());
    });
}

/// A line that loses the middle byte of some writes, among those that are longer than 20 bytes.
struct Lossy {
    port: SerialPort,
    writes: AtomicUsize,
}

impl Transport for Lossy {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        self.port.read(buf, deadline)
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        if bytes.len() > 20
            && [5, 100, 104, 105, 120].contains(&self.writes.fetch_add(1, Ordering::Relaxed))
        {
            let (before, after) = bytes.split_at(bytes.len() / 2);
            return self
                .port
                .write_all(&[before, &after[1..]].concat(), deadline);
        }
        self.port.write_all(bytes, deadline)
    }
}

#[test]
fn lost_bytes_are_sent_again() {
    let microbit = Microbit::start();
    let lossy = Lossy {
        port: SerialPort::open(microbit.port(), 115_200).unwrap(),
        writes: AtomicUsize::default(),
    };
    on_port(Box::new(lossy), b"pass", |fs| {
        let content = noise(3000);
        let mut moved = Vec::new();
        fs.write(&path("f"), &content, &mut |event| moved.push(event), soon())
            .unwrap();
        let taken: Vec<u64> = moved
            .iter()
            .map(|event| match event {
                FileEvent::Wrote { bytes, .. } => *bytes,
                other => panic!("{other:?}"),
            })
            .collect();
        // Blocks of 54 bytes; of a quarter of that when two in a row were damaged; and then of more again.
        let blocks: Vec<u64> = taken.windows(2).map(|two| two[1] - two[0]).collect();
        let small = blocks.iter().position(|block| *block <= 13).unwrap();
        assert_eq!(blocks[0], 54, "{taken:?}");
        assert!(blocks[small..].iter().any(|block| *block > 13), "{taken:?}");
        assert!(fs.read(&path("f"), &mut |_| {}, soon()).unwrap() == content);
    });
}

#[test]
fn refusals_are_named() {
    on_microbit(|fs| {
        let nope = || path("nope");
        let not_found = |error: Error| {
            assert_eq!(
                error.to_string(),
                "no such file or folder on the board: `nope`"
            );
        };
        not_found(fs.stat(&nope(), soon()).unwrap_err());
        not_found(fs.read(&nope(), &mut |_| {}, soon()).unwrap_err());
        not_found(fs.remove_file(&nope(), soon()).unwrap_err());
        not_found(fs.list(&nope(), Sizes::Measured, soon()).unwrap_err());
        not_found(fs.hash(&nope(), HashAlgorithm::Sha256, soon()).unwrap_err());
        fs.touch(&path("file"), soon()).unwrap();
        let error = fs.list(&path("file"), Sizes::Measured, soon()).unwrap_err();
        assert!(matches!(error, Error::NotADirectory { .. }), "{error}");
        for error in [
            fs.make_dir(&path("d"), soon()).unwrap_err(),
            fs.remove_dir(&path("d"), soon()).unwrap_err(),
            fs.change_dir(&path("d"), soon()).unwrap_err(),
            fs.disk_free(soon()).unwrap_err(),
        ] {
            assert!(matches!(error, Error::Unsupported { .. }), "{error:?}");
        }
    });
}

#[test]
fn a_full_flash_is_reported_with_the_missing_file() {
    let microbit = Microbit::start();
    let port = SerialPort::open(microbit.port(), 115_200).unwrap();
    let fill = b"f=open('fill','w')\nfor i in range(120):f.write('x'*100)\nf.close()";
    on_port(Box::new(port), fill, |fs| {
        fs.write(&path("f"), b"old", &mut |_| {}, soon()).unwrap();
        let error = fs
            .write(&path("f"), &noise(14_000), &mut |_| {}, soon())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "no space for `f` on the board, 14000 bytes needed; `f` is gone"
        );
        assert_eq!(error.os_error_number(), Some(28));
        let Error::Torn { state, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(state, FileState::Missing);
        assert!(!fs.exists(&path("f"), soon()).unwrap());
        // The board is usable, and the space is back.
        fs.write(&path("f"), &noise(3000), &mut |_| {}, soon())
            .unwrap();
    });
}

#[test]
fn a_board_without_rename_copies() {
    on_microbit(|fs| {
        let (old, new) = (path("old"), path("it's new"));
        fs.write(&old, &noise(600), &mut |_| {}, soon()).unwrap();
        fs.touch(&new, soon()).unwrap();
        fs.rename(&old, &new, soon()).unwrap();
        assert!(fs.read(&new, &mut |_| {}, soon()).unwrap() == noise(600));
        assert!(matches!(
            fs.rename(&old, &path("x"), soon()),
            Err(Error::NotFound { .. })
        ));
        assert_eq!(
            fs.list(&path(""), Sizes::AsListed, soon()).unwrap().len(),
            1
        );
        let onto_itself = fs.rename(&new, &path("./it's new"), soon()).unwrap_err();
        assert_eq!(onto_itself.os_error_number(), Some(22));
        assert!(fs.read(&new, &mut |_| {}, soon()).unwrap() == noise(600));
    });
}
