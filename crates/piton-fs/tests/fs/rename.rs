//! Moving files and folders, also where the file system does not help.

use std::process::Stdio;

use piton_fs::error::Error;
use piton_fs::listing::Sizes;
use piton_fs::remote::RemoteFs;
use virtual_board::BoardOptions;

use crate::support::{Board, noise, path, soon};

/// Files, folders, replacing, and what is refused.
fn every_move(fs: &mut RemoteFs<'_, '_>) {
    let put = |fs: &mut RemoteFs<'_, '_>, name: &str, content: &[u8]| {
        fs.write(&path(name), content, &mut |_| {}, soon()).unwrap();
    };
    fs.make_dir(&path("/m"), soon()).unwrap();
    fs.make_dir(&path("/m/in"), soon()).unwrap();
    put(fs, "/m/a", b"a");
    put(fs, "/m/it's", b"old");
    fs.rename(&path("/m/a"), &path("/m/it's"), soon()).unwrap();
    fs.rename(&path("/m/it's"), &path("/m/in/b"), soon())
        .unwrap();
    let content = fs.read(&path("/m/in/b"), &mut |_| {}, soon()).unwrap();
    assert_eq!(content, b"a");
    fs.rename(&path("/m/in"), &path("/m/out"), soon()).unwrap();
    assert!(fs.exists(&path("/m/out/b"), soon()).unwrap());
    for (source, destination) in [
        ("/m/out", "/m/out"),
        ("/m/out", "/m/./out/deeper"),
        ("/m/out/b", "/m/out/../out/b"),
    ] {
        let refused = fs.rename(&path(source), &path(destination), soon());
        assert!(
            matches!(&refused, Err(Error::Os { error, .. }) if error.number == 22),
            "{source} {destination}: {refused:?}"
        );
    }
    for (source, destination) in [("/m/none", "/m/x"), ("/m/out/b", "/m/none/b")] {
        let refused = fs.rename(&path(source), &path(destination), soon());
        assert!(
            matches!(refused, Err(Error::NotFound { .. })),
            "{refused:?}"
        );
    }
    // A folder in the way stays what it is.
    fs.make_dir(&path("/m/full"), soon()).unwrap();
    put(fs, "/m/full/c", b"c");
    put(fs, "/m/d", b"d");
    assert!(fs.rename(&path("/m/d"), &path("/m/full"), soon()).is_err());
    assert_eq!(names(fs, "/m"), ["d", "full", "out"]);
    assert_eq!(names(fs, "/m/full"), ["c"]);
}

fn names(fs: &mut RemoteFs<'_, '_>, folder: &str) -> Vec<String> {
    let listed = fs.list(&path(folder), Sizes::AsListed, soon()).unwrap();
    let mut names: Vec<String> = listed.into_iter().map(|entry| entry.name).collect();
    names.sort();
    names
}

#[test]
fn renames_work_on_the_virtual_board() {
    let mut board = Board::start(BoardOptions::default());
    board.fs(every_move);
    // A stand-in for another file system in a folder.
    board.run(
        "import os\nreal = os.rename\ndef rename(old, new):\n if old.startswith('/disk') != new.startswith('/disk'):\n  \
         raise OSError(1)\n real(old, new)\nos.rename = rename\nos.mkdir('/disk')",
    );
    board.fs(|fs| {
        let content = noise(3000);
        for name in ["/three", "/disk/two"] {
            fs.write(&path(name), &content, &mut |_| {}, soon())
                .unwrap();
        }
        for (source, destination) in [("/three", "/disk/two"), ("/disk/two", "/four")] {
            fs.rename(&path(source), &path(destination), soon())
                .unwrap();
            let moved = fs.read(&path(destination), &mut |_| {}, soon()).unwrap();
            assert!(moved == content, "{destination}");
            assert!(!fs.exists(&path(source), soon()).unwrap());
        }
        assert_eq!(names(fs, "/disk"), [""; 0]);
        fs.make_dir(&path("/disk/folder"), soon()).unwrap();
        let refused = fs.rename(&path("/disk/folder"), &path("/folder"), soon());
        assert!(
            matches!(&refused, Err(Error::Os { error, .. }) if error.number == 18),
            "{refused:?}"
        );
    });
}

#[test]
fn files_move_between_real_fat_file_systems() {
    let program = concat!(
        include_str!("../../device/minified/rename.py"),
        include_str!("rename_on_fat.py")
    );
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, program.as_bytes()).unwrap();
    let output = test_programs::micropython_unix()
        .arg(file.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!((&*printed, &*errors), ("done\n", ""));
}
