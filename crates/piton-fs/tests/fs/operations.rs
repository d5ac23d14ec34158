//! Each operation, where all goes well and where the board says no.

use piton_fs::FileEvent;
use piton_fs::error::Error;
use piton_fs::hash::HashAlgorithm;
use piton_fs::listing::{Kind, Sizes};
use piton_fs::remote::{Metadata, RemoteFs};
use virtual_board::{BoardOptions, Flash, VmImage};

use crate::support::{Board, noise, path, soon};

/// Names that would be code if they were pasted instead of quoted, and others that are hard to quote.
const NAMES: [&str; 8] = [
    "plain.py",
    "it's.py",
    "\"; raise SystemExit #.py",
    "back\\slash\\n.py",
    "line\nbreak.py",
    "\u{fc}ml\u{e4}ut \u{20ac} \u{1f600}.py",
    "(a, b)=[1] {}.py",
    ".hidden",
];

fn every_operation(fs: &mut RemoteFs<'_, '_>) {
    let file = Kind::File;
    let folder = Kind::Directory;
    fs.make_dir(&path("/d"), soon()).unwrap();
    fs.make_dir(&path("/d/sub"), soon()).unwrap();
    for (index, name) in NAMES.iter().enumerate() {
        let file = path("/d").join(&path(name));
        let content = noise(index * 300);
        fs.write(&file, &content, &mut |_| {}, soon()).unwrap();
        assert_eq!(
            fs.read(&file, &mut |_| {}, soon()).unwrap(),
            content,
            "{name}"
        );
        let size = content.len() as u64;
        assert_eq!(
            fs.stat(&file, soon()).unwrap(),
            Metadata {
                kind: Kind::File,
                size
            }
        );
        for algorithm in [
            HashAlgorithm::Md5,
            HashAlgorithm::Sha1,
            HashAlgorithm::Sha256,
        ] {
            let digest = fs.hash(&file, algorithm, soon()).unwrap();
            assert_eq!(
                digest,
                algorithm.digest(&content),
                "{} of {name}",
                algorithm.name()
            );
        }
    }
    let mut listed: Vec<(String, Kind, Option<u64>)> = fs
        .list(&path("/d"), Sizes::Measured, soon())
        .unwrap()
        .into_iter()
        // What a folder's size is, is the file system's own business.
        .map(|entry| {
            (
                entry.name,
                entry.kind,
                entry.size.filter(|_| entry.kind == file),
            )
        })
        .collect();
    listed.sort();
    let mut expected: Vec<(String, Kind, Option<u64>)> = (0..)
        .zip(NAMES)
        .map(|(index, name)| (name.to_owned(), file, Some(index * 300)))
        .collect();
    expected.push(("sub".to_owned(), folder, None));
    expected.sort();
    assert_eq!(listed, expected);

    fs.touch(&path("/d/sub/new"), soon()).unwrap();
    fs.touch(&path("/d/plain.py"), soon()).unwrap();
    assert!(fs.exists(&path("/d/sub/new"), soon()).unwrap());
    assert!(!fs.exists(&path("/d/sub/new/below"), soon()).unwrap());
    assert!(fs.is_dir(&path("/d/sub"), soon()).unwrap());
    assert!(!fs.is_dir(&path("/d/plain.py"), soon()).unwrap());
    assert!(!fs.is_dir(&path("/nope"), soon()).unwrap());

    fs.change_dir(&path("/d/sub"), soon()).unwrap();
    assert_eq!(fs.current_dir(soon()).unwrap(), path("/d/sub"));
    assert_eq!(fs.stat(&path(""), soon()).unwrap().kind, folder);
    fs.write(&path("relative"), b"here", &mut |_| {}, soon())
        .unwrap();
    assert_eq!(
        fs.read(&path("/d/sub/relative"), &mut |_| {}, soon())
            .unwrap(),
        b"here"
    );
    assert_eq!(
        fs.list(&path(""), Sizes::AsListed, soon()).unwrap().len(),
        2
    );
    fs.change_dir(&path("/"), soon()).unwrap();

    fs.remove_file(&path("/d/sub/new"), soon()).unwrap();
    fs.remove_file(&path("/d/sub/relative"), soon()).unwrap();
    fs.remove_dir(&path("/d/sub"), soon()).unwrap();
    assert!(!fs.exists(&path("/d/sub"), soon()).unwrap());

    let rows = fs.disk_free(soon()).unwrap();
    assert_eq!(rows.iter().filter(|row| row.mounted_on == "/").count(), 1);
    for row in rows {
        assert_eq!(row.used + row.available, row.size);
        assert!(row.used_percent <= 100);
    }
}

#[test]
fn operations_work_on_every_firmware_version() {
    for version in test_programs::VM_VERSIONS {
        let image = VmImage::open(&test_programs::vm_version(version)).unwrap();
        let mut board = Board::with(&image, BoardOptions::default());
        board.fs(every_operation);
        // Nothing of ours stays on the board.
        assert_eq!(
            board.run("print([name for name in globals() if 'piton' in name])"),
            "[]\r\n"
        );
    }
}

#[test]
fn operations_work_in_a_folder_of_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let flash = Flash::Directory(folder.path().to_owned());
    let mut board = Board::start(BoardOptions {
        flash,
        ..BoardOptions::default()
    });
    board.fs(every_operation);
    board.write("/d/main.py", b"print(1)\n").unwrap();
    let written = std::fs::read(folder.path().join("d").join("main.py")).unwrap();
    assert_eq!(written, b"print(1)\n");
}

#[test]
fn contents_of_every_kind_and_size_are_read_back_unchanged() {
    let mut board = Board::start(BoardOptions::default());
    let all_bytes: Vec<u8> = (0..=255).cycle().take(3000).collect();
    let source = "def f(x):\n    return 'it\\'s' + \"\u{fc}\"  # comment\n"
        .repeat(500)
        .into_bytes();
    let controls = [3, 4, 0, 1, 2, 10, 13, 24, 27, 255].repeat(100);
    for content in [
        all_bytes,
        source,
        controls,
        noise(100_000),
        vec![0; 10_000],
        Vec::new(),
        vec![4],
    ] {
        board.write("/content", &content).unwrap();
        assert!(
            board.read("/content").unwrap() == content,
            "{} bytes differ",
            content.len()
        );
    }
    for size in [1, 2, 3, 255, 256, 257, 4095, 4096, 4097] {
        let content = noise(size);
        board.write("/content", &content).unwrap();
        assert!(
            board.read("/content").unwrap() == content,
            "{size} bytes differ"
        );
    }
    assert_eq!(
        board.run("import os\nprint(os.listdir('/'))"),
        "['content']\r\n"
    );
}

#[test]
fn a_tree_is_listed_in_order() {
    let mut board = Board::start(BoardOptions::default());
    board.run("import os\nfor d in 'lib', 'lib/a', 'lib/a/b', 'lib-b', 'empty': os.mkdir(d)");
    for name in [
        "/main.py",
        "/lib/z.py",
        "/lib/a/b/deep.py",
        "/lib-b/x.py",
        "/lib/a.py",
    ] {
        board.write(name, name.as_bytes()).unwrap();
    }
    let tree = board
        .fs(|fs| fs.tree(&path("/"), Sizes::Measured, soon()))
        .unwrap();
    let drawn: Vec<String> = tree
        .iter()
        .map(|entry| {
            let last = if entry.is_last { " (last)" } else { "" };
            let size = if entry.kind == Kind::File {
                entry.size
            } else {
                None
            };
            format!("{}{} {size:?}{last}", "  ".repeat(entry.depth), entry.path)
        })
        .collect();
    insta::assert_snapshot!(drawn.join("\n"));
    for (folder, first) in [("lib", "a"), ("/lib", "a"), ("/lib/", "a"), ("", "empty")] {
        let tree = board
            .fs(|fs| fs.tree(&path(folder), Sizes::AsListed, soon()))
            .unwrap();
        assert_eq!(tree[0].path, path(first), "in {folder:?}");
    }
}

/// What `operation` fails with.
fn check_error<T: std::fmt::Debug>(
    board: &mut Board,
    operation: impl FnOnce(&mut RemoteFs<'_, '_>) -> Result<T, Error>,
    message: &str,
) {
    let error = board.fs(operation).unwrap_err();
    assert_eq!(error.to_string(), message);
}

#[test]
fn refusals_are_named() {
    let mut board = Board::start(BoardOptions::default());
    board.run("import os\nos.mkdir('/d')\nos.mkdir('/d/e')");
    board.write("/f", b"content").unwrap();
    let nope = "no such file or folder on the board: `/nope`";
    check_error(&mut board, |fs| fs.stat(&path("/nope"), soon()), nope);
    check_error(
        &mut board,
        |fs| fs.list(&path("/nope"), Sizes::Measured, soon()),
        nope,
    );
    check_error(
        &mut board,
        |fs| fs.tree(&path("/nope"), Sizes::Measured, soon()),
        nope,
    );
    check_error(
        &mut board,
        |fs| fs.read(&path("/nope"), &mut |_| {}, soon()),
        nope,
    );
    check_error(
        &mut board,
        |fs| fs.hash(&path("/nope"), HashAlgorithm::Md5, soon()),
        nope,
    );
    check_error(
        &mut board,
        |fs| fs.remove_file(&path("/nope"), soon()),
        nope,
    );
    check_error(&mut board, |fs| fs.remove_dir(&path("/nope"), soon()), nope);
    check_error(&mut board, |fs| fs.change_dir(&path("/nope"), soon()), nope);
    let below = "no such file or folder on the board: `/nope/x`";
    check_error(
        &mut board,
        |fs| fs.write(&path("/nope/x"), b"x", &mut |_| {}, soon()),
        below,
    );
    check_error(
        &mut board,
        |fs| fs.write(&path("/nope/x"), &noise(5000), &mut |_| {}, soon()),
        below,
    );
    check_error(
        &mut board,
        |fs| fs.make_dir(&path("/nope/x"), soon()),
        below,
    );
    check_error(&mut board, |fs| fs.touch(&path("/nope/x"), soon()), below);
    let folder = "`/d` on the board is a folder";
    check_error(
        &mut board,
        |fs| fs.read(&path("/d"), &mut |_| {}, soon()),
        folder,
    );
    check_error(
        &mut board,
        |fs| fs.write(&path("/d"), b"x", &mut |_| {}, soon()),
        folder,
    );
    check_error(
        &mut board,
        |fs| fs.write(&path("/d"), &noise(5000), &mut |_| {}, soon()),
        folder,
    );
    check_error(&mut board, |fs| fs.remove_file(&path("/d"), soon()), folder);
    check_error(
        &mut board,
        |fs| fs.hash(&path("/d"), HashAlgorithm::Sha256, soon()),
        folder,
    );
    let file = "`/f` on the board is not a folder";
    check_error(
        &mut board,
        |fs| fs.list(&path("/f"), Sizes::Measured, soon()),
        file,
    );
    check_error(
        &mut board,
        |fs| fs.tree(&path("/f"), Sizes::Measured, soon()),
        file,
    );
    check_error(&mut board, |fs| fs.remove_dir(&path("/f"), soon()), file);
    check_error(
        &mut board,
        |fs| fs.remove_dir(&path("/d"), soon()),
        "folder `/d` on the board is not empty",
    );
    check_error(
        &mut board,
        |fs| fs.make_dir(&path("/d"), soon()),
        "`/d` exists on the board",
    );
    assert_eq!(
        board.run("print(sorted(os.listdir('/')))"),
        "['d', 'f']\r\n"
    );
    assert_eq!(board.read("/f").unwrap(), b"content");
    // Each exchange tidied up after itself.
    assert_eq!(
        board.run("print([name for name in globals() if 'piton' in name])"),
        "[]\r\n"
    );
}

#[test]
fn progress_grows_to_the_whole() {
    let mut board = Board::start(BoardOptions::default());
    let content = noise(20_000);
    let mut events = Vec::new();
    board
        .fs(|fs| {
            fs.write(
                &path("/f"),
                &content,
                &mut |event| events.push(event),
                soon(),
            )
        })
        .unwrap();
    let written: Vec<u64> = events
        .iter()
        .map(|event| match event {
            FileEvent::Wrote { bytes, of: 20_000 } => *bytes,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(
        written.is_sorted() && written.len() > 2 && written.last() == Some(&20_000),
        "{written:?}"
    );
    let mut events = Vec::new();
    board
        .fs(|fs| fs.read(&path("/f"), &mut |event| events.push(event), soon()))
        .unwrap();
    let read: Vec<u64> = events
        .iter()
        .map(|event| match event {
            FileEvent::Read {
                bytes,
                of: Some(20_000),
            } => *bytes,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(
        read.is_sorted() && read.len() > 2 && read.last() == Some(&20_000),
        "{read:?}"
    );
}
