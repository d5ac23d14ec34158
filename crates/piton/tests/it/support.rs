//! What several tests need: folders with files, and boards.

use std::fs;
use std::path::Path;
use std::time::Duration;

use piton::deadline::Deadline;
use piton::fs::remote::RemoteFs;
use piton::repl::Entry;
use piton::{Board, ConnectOptions};

/// Makes a folder with these files in it; a path that ends with a slash is a folder.
pub(crate) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), files);
    folder
}

/// Writes these files below a folder.
pub(crate) fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        if name.ends_with('/') {
            fs::create_dir_all(path).unwrap();
            continue;
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Returns the paths of all files below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(folder).unwrap();
                found.push(below.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// Starts a virtual board.
pub(crate) fn connect() -> Board {
    let mut options = ConnectOptions::default();
    options.vm = Some(test_programs::vm());
    Board::connect(&"virtual".parse().unwrap(), &options).unwrap()
}

/// Does something with the files of a board.
pub(crate) fn with_files<T>(board: &mut Board, act: impl FnOnce(&mut RemoteFs<'_, '_>) -> T) -> T {
    let mut raw = board.raw_repl(Entry::SoftReset, Deadline::NEVER).unwrap();
    act(&mut RemoteFs::new(&mut raw))
}

/// Returns the files and folders of a board, a line for each: the path, then the content of a file that is text.
pub(crate) fn board_files(board: &mut Board) -> String {
    let mut raw = board.raw_repl(Entry::KeepState, soon()).unwrap();
    let printed = raw.run(
        b"import os\n\
          def show(folder):\n \
           for name, mode, *_ in sorted(os.ilistdir(folder or '/')):\n  \
            path = folder + '/' + name\n  \
            if mode & 0x4000: print(path + '/'); show(path)\n  \
            else:\n   \
             try: text = open(path).read(99)\n   \
             except UnicodeError: text = '...'\n   \
             print(path, text.replace('\\n', ' '))\n\
          show('')",
        soon(),
    );
    String::from_utf8(printed.unwrap())
        .unwrap()
        .replace('\r', "")
}

/// Returns a deadline that only bounds a hang.
pub(crate) fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

/// Reads what the board prints until `marker` is in it.
#[track_caller]
pub(crate) fn output_until(board: &Board, marker: &str) -> String {
    let mut text = String::new();
    let deadline = soon();
    let mut buffer = [0; 1];
    while !text.contains(marker) {
        let bytes = board
            .read_output(&mut buffer, Duration::from_millis(50))
            .unwrap();
        text.push_str(&String::from_utf8_lossy(bytes));
        assert!(!deadline.has_passed(), "{marker:?} is not in {text:?}");
    }
    text
}
