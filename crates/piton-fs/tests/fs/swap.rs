//! Several files at once into their places.

use piton_fs::error::Error;
use piton_fs::listing::{Kind, Sizes};
use piton_fs::path::BoardPath;
use piton_fs::remote::RemoteFs;

use virtual_board::{BoardOptions, VmImage};

use crate::support::{Board, path, soon};

fn write(fs: &mut RemoteFs<'_, '_>, name: &str, content: &str) {
    fs.write(&path(name), content.as_bytes(), &mut |_| {}, soon())
        .unwrap();
}

/// All files below the folder, with their content.
fn content(fs: &mut RemoteFs<'_, '_>, folder: &str) -> String {
    let mut names: Vec<String> = fs
        .list(&path(folder), Sizes::AsListed, soon())
        .unwrap()
        .into_iter()
        .filter(|entry| entry.kind == Kind::File)
        .map(|entry| entry.name)
        .collect();
    names.sort();
    let show = |name: String| {
        let file = path(folder).join(&path(&name));
        let content = fs.read(&file, &mut |_| {}, soon()).unwrap();
        format!("{name}={}", String::from_utf8(content).unwrap())
    };
    names.into_iter().map(show).collect::<Vec<_>>().join(" ")
}

fn pairs(folder: &str, names: &[&str]) -> Vec<(BoardPath, BoardPath)> {
    let place = |name: &str| path(&format!("{folder}/{name}"));
    let pairs = names.iter();
    pairs
        .map(|name| (place(&format!("{name}.new")), place(name)))
        .collect()
}

fn all_or_none(fs: &mut RemoteFs<'_, '_>) {
    fs.make_dir(&path("/s"), soon()).unwrap();
    write(fs, "/s/a", "old a");
    // Left by a swap that was cut off.
    write(fs, "/s/a.piton-old", "older a");
    write(fs, "/s/a.new", "new a");
    write(fs, "/s/b.new", "new b");
    fs.make_dir(&path("/s/dir"), soon()).unwrap();
    write(fs, "/s/dir.new", "new dir");
    let before = content(fs, "/s");
    assert_eq!(
        before,
        "a=old a a.new=new a a.piton-old=older a b.new=new b dir.new=new dir"
    );

    let error = fs
        .swap(&pairs("/s", &["a", "b", "dir"]), soon())
        .unwrap_err();
    assert!(
        matches!(&error, Error::IsADirectory { path } if path.as_str() == "/s/dir"),
        "{error:?}"
    );
    let untouched = "a=old a a.new=new a b.new=new b dir.new=new dir";
    assert_eq!(content(fs, "/s"), untouched);

    let error = fs.swap(&pairs("/s", &["a", "b", "c"]), soon()).unwrap_err();
    assert!(
        matches!(&error, Error::NotFound { path } if path.as_str() == "/s/c"),
        "{error:?}"
    );
    assert_eq!(content(fs, "/s"), untouched);

    fs.swap(&pairs("/s", &["a", "b"]), soon()).unwrap();
    assert_eq!(content(fs, "/s"), "a=new a b=new b dir.new=new dir");
    fs.swap(&[], soon()).unwrap();
}

#[test]
fn all_files_are_replaced_or_none() {
    for version in test_programs::VM_VERSIONS {
        let image = VmImage::open(&test_programs::vm_version(version)).unwrap();
        let mut board = Board::with(&image, BoardOptions::default());
        board.fs(all_or_none);
        assert_eq!(board.run("print('_piton' in globals())"), "False\r\n");
    }
}

#[test]
fn a_long_list_goes_in_parts() {
    let mut board = Board::start(BoardOptions::default());
    board.fs(|fs| {
        fs.make_dir(&path("/s"), soon()).unwrap();
        let names: Vec<String> = (0..40)
            .map(|n| format!("a file with a name that is rather long {n:02}"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for name in &names {
            write(fs, &format!("/s/{name}.new"), name);
        }
        let mut all = pairs("/s", &names);
        all.push((path("/s/missing"), path("/s/x")));
        let before = content(fs, "/s");
        let error = fs.swap(&all, soon()).unwrap_err();
        assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
        assert_eq!(content(fs, "/s"), before);
        all.pop();
        fs.swap(&all, soon()).unwrap();
        assert_eq!(content(fs, "/s"), before.replace(".new=", "="));
    });
}
