//! Mounted folders on the virtual board.

use std::fs;
use std::path::Path;

use piton_fs::mount::{MountOptions, Mounted, mount, umount};
use virtual_board::{BoardOptions, Fault, LineOptions, VmImage};

use crate::support::{Board, noise, soon};

#[track_caller]
fn mounted(board: &mut Board, folder: &Path, options: &MountOptions) -> Mounted {
    let slot = board.slot.clone();
    mount(&mut board.raw(), &slot, folder, options, soon()).unwrap()
}

/// A folder that holds these files.
fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

/// What programs do with files, and what they print about it.
const PROGRAM: &str = r#"
import os
def fails(f, *args):
    try:
        f(*args)
    except OSError as e:
        return e.errno
print(os.getcwd(), sorted(os.listdir()), os.listdir('/remote/d'))
f = open('text')
print(f.read(3), f.read(2), repr(f.readline()), f.tell(), repr(f.read()), repr(f.read()))
print(f.seek(-3, 2), repr(f.read()), f.seek(1), repr(f.read(2)))
f.close()
print(fails(f.read), [line for line in open('text')])
with open('large', 'rb') as f:
    b = bytearray(300)
    n = s = 0
    while True:
        k = f.readinto(b)
        n += k
        s += sum(memoryview(b)[:k])
        if k < 300:
            break
    print(n, s)
    f.seek(1000)
    print(sum(f.read(3000)), sum(f.read()))
with open('new', 'w') as f:
    print(f.write('one\n'), f.write('\u00e4\u20ac\n'), f.tell())
    f.write('x' * 1000)
with open('new', 'a') as f:
    f.write('end')
with open('new', 'r+b') as f:
    print(f.read(4))
    f.write(b'TWO')
    f.flush()
    print(f.tell(), f.readline())
print(os.stat('new')[0] >> 12, os.stat('new')[6], os.stat('d')[0] >> 12)
import array
pairs = array.array('H', [1, 515, 65535])
unclosed = open('pairs', 'wb')
print(unclosed.write(pairs), os.stat('pairs')[6])
pairs = array.array('H', [0, 0])
print(open('pairs', 'rb').readinto(pairs), pairs)
os.remove('pairs')
os.mkdir('d/e')
os.mkdir('d/f')
open('d/e/x', 'w').close()
for entry in os.ilistdir('d'):
    print(entry, os.listdir('d/' + entry[0]) if entry[1] == 0x4000 else '')
os.chdir('d/e')
print(os.getcwd(), os.listdir(), fails(os.stat, '../nothing'))
os.chdir('..')
print(os.getcwd())
os.rename('e/x', 'f/y')
print(fails(os.rmdir, 'f'), os.remove('f/y'), os.rmdir('f'), os.rmdir('/remote/d/e'))
os.chdir('/remote')
print(fails(open, 'missing'), fails(open, 'd'), fails(os.mkdir, 'd'), fails(os.remove, 'd'),
    fails(os.rmdir, 'text'), fails(os.stat, '../..'), fails(os.listdir, 'missing'), fails(open, 'text', 'q'))
print(len(os.statvfs('/remote')), os.statvfs('/remote')[0] > 0)
"#;

const PRINTED: &str = r"/remote ['d', 'large', 'text'] ['inner']
abc de 'f\n' 7 'ä€z\nlast' ''
15 'ast' 1 'bc'
9 ['abcdef\n', 'ä€z\n', 'last']
5000 LARGE
TAIL
4 6 10
b'one\n'
7 b'\x82\xac\n'
8 1013 4
6 6
4 array('H', [1, 515])
('e', 16384, 0, 0) ['x']
('f', 16384, 0, 0) []
('inner', 32768, 0, 2) 
/remote/d/e ['x'] 2
/remote/d
39 None None None
2 21 17 21 20 1 2 22
10 True
";

#[test]
fn programs_use_mounted_files_like_other_files() {
    let large = noise(5000);
    let sum = |bytes: &[u8]| bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    let expected = PRINTED.replace("LARGE", &sum(&large).to_string()).replace(
        "TAIL",
        &format!("{} {}", sum(&large[1000..4000]), sum(&large[4000..])),
    );
    for version in test_programs::VM_VERSIONS {
        let folder = folder(&[
            ("text", "abcdef\n\u{e4}\u{20ac}z\nlast".as_bytes()),
            ("large", &large),
            ("d/inner", b"in"),
        ]);
        let image = VmImage::open(&test_programs::vm_version(version)).unwrap();
        let mut board = Board::with(&image, BoardOptions::default());
        let found = mounted(&mut board, folder.path(), &MountOptions::default());
        assert!(found.window > 1000, "{version}: {}", found.window);
        // Up to 1.28 repr() shows letters beyond ASCII by their numbers.
        let printed = board
            .run(PROGRAM)
            .replace('\r', "")
            .replace("\\xe4\\u20ac", "\u{e4}\u{20ac}");
        assert_eq!(printed, expected, "{version}");
        let new = fs::read(folder.path().join("new")).unwrap();
        assert!(
            new.starts_with(b"one\nTWO\x82\xac\nxxx") && new.ends_with(b"xend"),
            "{version}"
        );
        let slot = board.slot.clone();
        umount(&mut board.raw(), &slot, soon()).unwrap();
        assert!(!slot.is_attached());
        assert_eq!(board.run("import os; print(os.getcwd())"), "/\r\n");
    }
}

// The ring now loses what it should, and the first request for all of mount.py ends in the middle of a piece of 32 bytes.
// The board blocks in `readinto` until the piece is complete, and the service's fillers are 32 bytes long, too, so that
// the same part is missing again after each of them.
#[test]
fn a_slow_line_with_a_small_ring_loses_nothing() {
    let large = noise(3000);
    let folder = folder(&[("large", &large)]);
    let options = BoardOptions {
        line: LineOptions {
            bytes_per_second: Some(11_520),
            receive_ring: Some(256),
            ..LineOptions::default()
        },
        ..BoardOptions::default()
    };
    let mut board = Board::start(options);
    mounted(&mut board, folder.path(), &MountOptions::default());
    let sum = large.iter().map(|&byte| u64::from(byte)).sum::<u64>();
    assert_eq!(
        board.run("print(sum(open('large', 'rb').read()))"),
        format!("{sum}\r\n")
    );
}

#[test]
fn lost_and_damaged_bytes_are_sent_again() {
    let folder = folder(&[("a", b"The content of a file that is somewhat longer.")]);
    let mut board = Board::start(BoardOptions::default());
    mounted(&mut board, folder.path(), &MountOptions::default());
    let program = "print(open('a').read())";
    let expected = "The content of a file that is somewhat longer.\r\n";
    // After the program, in the answer.
    let at = program.len() as u64 + 3 + 1 + 20;
    board
        .board
        .inject(&Fault::CorruptToBoard { at, mask: 0x10 });
    assert_eq!(board.run(program), expected);
    board.board.inject(&Fault::DropToBoard { at });
    assert_eq!(board.run(program), expected);
}

#[test]
fn programs_may_print_anything_during_a_mount() {
    let folder = folder(&[("a", b"content")]);
    let mut board = Board::start(BoardOptions::default());
    mounted(&mut board, folder.path(), &MountOptions::default());
    let program = "
import sys
for part in bytes(range(256)), b'\\x18' * 30, b'\\x18abcdefgh\\x01\\x00\\x00\\x00\\x09\\x02\\x00/a\\x00\\x00':
    sys.stdout.buffer.write(part)
    open('a').read()
";
    let printed = board.raw().run(program.as_bytes(), soon()).unwrap();
    let expected = [
        (0..=255).collect::<Vec<u8>>(),
        b"\x18".repeat(30),
        b"\x18abcdefgh\x01\x00\x00\x00\x09\x02\x00/a\x00\x00".to_vec(),
    ]
    .concat();
    assert_eq!(printed, expected);
    assert!(folder.path().join("a").is_file());
}

#[test]
fn c_code_reads_mounted_files() {
    let folder = folder(&[("a.json", b"{\"key\": [1, 2]}")]);
    let mut board = Board::start(BoardOptions::default());
    mounted(&mut board, folder.path(), &MountOptions::default());
    assert_eq!(
        board.run("import json; print(json.load(open('a.json')))"),
        "{'key': [1, 2]}\r\n"
    );
}

#[test]
fn a_package_is_imported_with_its_modules() {
    let init = b"name = 'pack'\n".repeat(100);
    let folder = folder(&[("pack/__init__.py", &init), ("bare/x.py", b"")]);
    let options = MountOptions::default();
    let mut board = Board::start(BoardOptions::default());
    mounted(&mut board, folder.path(), &options);
    let program = "
import os
def size(path):
    try:
        return os.stat(path)[6]
    except OSError as e:
        return -e.errno
for path in 'pack', 'pack/__init__.py', 'pack/__init__.mpy', 'bare', 'bare/__init__.py', 'bare/__init__.mpy':
    print(size(path))
import pack, bare.x
print(pack.name)
";
    let printed = board.run(program).replace("\r\n", " ");
    assert_eq!(printed, "0 1400 -2 0 -2 -2 pack ");
}

#[test]
fn the_board_gives_up_a_mount_whose_host_is_gone() {
    let folder = folder(&[("a", b"content"), ("x.py", b"print('x')")]);
    let options = MountOptions::default();
    let mut board = Board::start(BoardOptions::default());
    mounted(&mut board, folder.path(), &options);
    board.slot.detach();
    // Nobody answers: the board asks three times.
    let program = "
import os, time
def fails():
    began = time.ticks_ms()
    try:
        os.stat('/remote/a')
    except OSError as e:
        return e.errno, time.ticks_diff(time.ticks_ms(), began) // 1000
print(fails())
time.sleep(1)
print(fails(), fails())
";
    let printed = board.raw().run(program.as_bytes(), soon()).unwrap();
    let printed = String::from_utf8_lossy(&printed);
    assert!(printed.contains("(110, 14)"), "{printed}");
    assert!(printed.ends_with("(110, 1) (19, 0)\r\n"), "{printed}");
    mounted(&mut board, folder.path(), &options);
    assert_eq!(board.run("import x"), "x\r\n");
}
