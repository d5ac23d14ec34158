//! The file system, on both kinds of flash.

use std::path::Path;

use virtual_board::{BoardOptions, Flash, VirtualBoard, VmError};

use crate::support::{Talk, image, raw_board};

fn memory(capacity: u64) -> BoardOptions {
    BoardOptions {
        flash: Flash::Memory { capacity },
        ..BoardOptions::default()
    }
}

fn directory(path: &Path) -> BoardOptions {
    BoardOptions {
        flash: Flash::Directory(path.to_owned()),
        ..BoardOptions::default()
    }
}

/// Run a check on both kinds of flash.
fn check(run: impl Fn(&mut Talk)) {
    let (_board, mut talk) = raw_board(memory(1 << 20));
    run(&mut talk);
    let folder = tempfile::tempdir().expect("a folder");
    let (_board, mut talk) = raw_board(directory(folder.path()));
    run(&mut talk);
}

#[test]
fn files_are_written_read_and_sought() {
    check(|talk| {
        let source = "\
f = open('a.bin', 'wb')
print(f.write(bytes(range(10))))
f.close()
f = open('/a.bin', 'r+b')
print(f.seek(-3, 2), f.read(), f.seek(2), f.write(b'xy'), f.tell(), f.read(2))
f.close()
f = open('a.bin', 'ab'); f.write(b'end'); f.close()
f = open('a.bin', 'rb'); print(f.read(), f.read()); f.close()
f = open('a.bin', 'w'); f.close()
import os
print(os.stat('a.bin')[6], os.stat('/')[0] == 0x4000 | 0o755 or os.stat('/')[0] & 0x4000)
with open('t.txt', 'w') as f: f.write('one\\ntwo\\n')
with open('t.txt') as f: print(f.readlines())
";
        let expected = "10\n7 b'\\x07\\x08\\t' 2 2 4 b'\\x04\\x05'\nb'\\x00\\x01xy\\x04\\x05\\x06\\x07\\x08\\tend' b''\n";
        let output = talk.run(source);
        assert!(output.starts_with(expected), "{output}");
        assert!(output.ends_with("['one\\n', 'two\\n']\n"), "{output}");
    });
}

#[test]
fn folders() {
    check(|talk| {
        let source = "\
import os
os.mkdir('d'); os.mkdir('/d/e')
open('d/f', 'w').close()
print(os.listdir('/'), sorted(os.listdir('d')), list(os.ilistdir('d/e')))
os.chdir('d')
print(os.getcwd(), sorted(os.listdir()), os.stat('f')[6])
os.rename('f', 'e/g'); os.chdir('..')
with open('d/e/g', 'w') as f: f.write('hello')
print(list(os.ilistdir('/d/e')), list(os.ilistdir('d')))
os.remove('d/e/g'); os.rmdir('d/e'); os.rmdir('d')
print(os.listdir())
";
        let expected = "\
['d'] ['e', 'f'] []
/d ['e', 'f'] 0
[('g', 32768, 0, 5)] [('e', 16384, 0, 0)]
[]
";
        assert_eq!(talk.run(source), expected);
    });
}

#[test]
fn errors_have_the_numbers_of_micropython() {
    check(|talk| {
        talk.run("import os\nos.mkdir('d')\nopen('d/f', 'w').close()\nopen('f', 'w').close()");
        let cases = [
            ("open('none')", "ENOENT"),
            ("open('none/f', 'w')", "ENOENT"),
            ("os.stat('none')", "ENOENT"),
            ("os.remove('none')", "ENOENT"),
            ("os.rmdir('none')", "ENOENT"),
            ("os.rename('none', 'x')", "ENOENT"),
            ("os.listdir('none')", "ENOENT"),
            ("os.chdir('none')", "ENOENT"),
            ("os.ilistdir('none')", "ENOENT"),
            ("os.mkdir('d')", "EEXIST"),
            ("os.mkdir('f')", "EEXIST"),
            ("os.mkdir('/')", "EEXIST"),
            ("open('d', 'w')", "EISDIR"),
            ("os.remove('d')", "EISDIR"),
            ("os.rename('f', 'd')", "EISDIR"),
            ("os.rmdir('f')", "20"),
            ("os.listdir('f')", "20"),
            ("os.chdir('f')", "20"),
            ("os.stat('f/g')", "20"),
            ("os.rename('d', 'f')", "20"),
            ("os.rmdir('d')", "39"),
            ("os.rename('d', 'd/x')", "EINVAL"),
        ];
        for (source, name) in cases {
            let raised = talk.raises(source);
            assert!(raised.starts_with("OSError: "), "{source}: {raised}");
            assert!(raised.contains(name), "{source}: {raised}");
        }
        assert_eq!(
            talk.run("print(os.listdir(), os.listdir('d'))"),
            "['d', 'f'] ['f']\n"
        );
    });
}

#[test]
fn modules_are_imported_from_the_flash() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = folder.path().join("compiled.py");
    std::fs::write(&source, "def f():\n    return 'from mpy'\n").expect("a file");
    let compiled = test_programs::mpy_cross()
        .arg(&source)
        .output()
        .expect("mpy-cross runs");
    assert!(compiled.status.success());
    let mpy = std::fs::read(folder.path().join("compiled.mpy")).expect("the .mpy");
    check(|talk| {
        let source = format!(
            "\
import os
os.mkdir('lib'); os.mkdir('lib/package')
with open('lib/in_lib.py', 'w') as f: f.write('x = 1')
with open('lib/package/__init__.py', 'w') as f: f.write('from .inner import y')
with open('lib/package/inner.py', 'w') as f: f.write('y = 2')
with open('in_root.py', 'w') as f: f.write('z = 3')
with open('compiled.mpy', 'wb') as f: f.write(b'{}')
import in_lib, package, in_root, compiled
print(in_lib.x, package.y, in_root.z, compiled.f())
",
            mpy.escape_ascii()
        );
        assert_eq!(talk.run(&source), "1 2 3 from mpy\n");
    });
}

#[test]
fn the_flash_has_a_size() {
    let (_board, mut talk) = raw_board(memory(10_000));
    let source = "\
import os
f = open('big', 'wb')
n = 0
try:
    while True: n += f.write(bytes(999))
except OSError as error: print(error.errno)
f.close()
print(os.stat('big')[6])
os.remove('big')
f = open('big', 'wb'); print(f.write(bytes(9000))); f.close()
";
    assert_eq!(talk.run(source), "28\n10000\n9000\n");
    let (_board, mut talk) = raw_board(memory(2 << 20));
    let source = "import os\ns = os.statvfs('/')\nprint(s[0] * s[2], s[1] * s[3])\nf = open('x', 'wb'); f.write(bytes(4096 * 5)); f.close()\ns = os.statvfs('/')\nprint(s[1] * s[3])";
    assert_eq!(talk.run(source), "2097152 2097152\n2076672\n");
}

#[test]
fn a_removed_file_lives_until_it_is_closed() {
    check(|talk| {
        let source = "\
import os
f = open('a', 'w+'); f.write('still here'); os.remove('a')
f.seek(0); print(os.listdir(), f.read()); f.close()
";
        if cfg!(unix) {
            assert_eq!(talk.run(source), "[] still here\n");
        }
    });
}

#[test]
fn too_many_open_files_are_an_error() {
    check(|talk| {
        let raised = talk.raises("l = []\nwhile True: l.append(open('f', 'w'))");
        assert!(raised.starts_with("OSError: "), "{raised}");
    });
}

#[test]
fn programs_cannot_access_the_start_up_code() {
    let (_board, mut talk) = raw_board(memory(10_000));
    assert!(
        talk.raises("open('/.virtual-board/control', 'r+b')")
            .contains("ENOENT")
    );
    assert!(
        talk.raises("open('/.virtual-board/machine.py')")
            .contains("ENOENT")
    );
    assert_eq!(
        talk.run("import os\nprint(os.listdir('/'), 'startup' in dir())"),
        "[] False\n"
    );
}

#[test]
fn files_in_a_folder_are_the_hosts_files() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("main.py"), "print('from the host')\n").expect("a file");
    let board = VirtualBoard::start(image(), directory(folder.path())).expect("the board starts");
    let mut talk = Talk::with(&board);
    talk.expect(b"from the host\r\n").raw();
    talk.run("with open('made.txt', 'w') as f: f.write('on the board')");
    let made = std::fs::read_to_string(folder.path().join("made.txt"));
    assert_eq!(made.expect("the file"), "on the board");
    assert_eq!(
        talk.run("import os\nprint(os.statvfs('/')[3] > 0)"),
        "True\n"
    );
}

#[test]
fn a_missing_folder_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["missing", "file"] {
        std::fs::write(folder.path().join("file"), "").expect("a file");
        let result = VirtualBoard::start(image(), directory(&folder.path().join(name)));
        assert!(
            matches!(result.err(), Some(VmError::Flash { .. })),
            "{name}"
        );
    }
}

#[cfg(unix)]
#[test]
fn nothing_outside_the_folder_can_be_reached() {
    use std::os::unix::fs::symlink;
    let outer = tempfile::tempdir().expect("a folder");
    let outside = outer.path().join("outside");
    let root = outer.path().join("root");
    std::fs::create_dir_all(root.join("inside/deep")).expect("folders");
    std::fs::create_dir(&outside).expect("a folder");
    std::fs::write(outside.join("secret"), "secret").expect("a file");
    std::fs::write(root.join("inside/file"), "inside").expect("a file");
    symlink(outside.join("secret"), root.join("absolute")).expect("a link");
    symlink("../outside/secret", root.join("relative")).expect("a link");
    symlink("../outside", root.join("folder")).expect("a link");
    symlink("../../../outside", root.join("inside/deep/up")).expect("a link");
    symlink("inside/../../outside", root.join("around")).expect("a link");
    symlink("folder/secret", root.join("twice")).expect("a link");
    symlink("loop", root.join("loop")).expect("a link");
    symlink("/", root.join("slash")).expect("a link");
    symlink("..", root.join("parent")).expect("a link");
    symlink("inside/file", root.join("good")).expect("a link");
    symlink("../inside/deep/..", root.join("inside/good")).expect("a link");
    let (_board, mut talk) = raw_board(directory(&root));
    talk.run("import os");
    let hostile = [
        "absolute",
        "relative",
        "folder",
        "folder/secret",
        "inside/deep/up",
        "inside/deep/up/secret",
        "around",
        "around/secret",
        "twice",
        "loop",
        "loop/x",
        "slash",
        "slash/etc/passwd",
        "parent",
        "parent/outside/secret",
        "/../outside/secret",
        "../../outside/secret",
        "inside/../../outside/secret",
        "/etc/passwd",
        "inside/deep/../../../outside/secret",
        "//etc/passwd",
        "./../outside/secret",
        "parent/../outside/secret",
    ];
    for path in hostile {
        for source in [
            format!("open('{path}').read()"),
            format!("open('{path}', 'w')"),
            format!("open('{path}/new', 'w')"),
            format!("os.stat('{path}')"),
            format!("os.listdir('{path}')"),
            format!("os.chdir('{path}')"),
            format!("os.mkdir('{path}/new')"),
            format!("os.rename('good', '{path}/good')"),
            format!("os.rename('{path}/secret', 'stolen')"),
            format!("os.remove('{path}/secret')"),
            format!("os.rmdir('{path}/outside')"),
        ] {
            let raised = talk.raises(&source);
            assert!(raised.starts_with("OSError: "), "{source}: {raised}");
        }
    }
    assert_eq!(
        talk.run("print(open('good').read(), open('inside/good/file').read())"),
        "inside inside\n"
    );
    let listed = "['good', 'inside']\n";
    assert_eq!(talk.run("print(os.listdir())"), listed);
    // A link itself can be removed and renamed; what it leads to stays.
    talk.run("os.rename('absolute', 'renamed'); os.remove('renamed'); os.remove('folder')");
    assert_eq!(
        std::fs::read_to_string(outside.join("secret")).expect("still there"),
        "secret"
    );
    assert_eq!(std::fs::read_dir(&outside).expect("the folder").count(), 1);
    assert_eq!(
        std::fs::read_dir(outer.path()).expect("the folder").count(),
        2
    );
}

#[cfg(unix)]
#[test]
fn only_files_can_be_opened() {
    let folder = tempfile::tempdir().expect("a folder");
    let _socket =
        std::os::unix::net::UnixListener::bind(folder.path().join("socket")).expect("a socket");
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("fifo"))
        .status();
    assert!(made.expect("mkfifo runs").success());
    let (_board, mut talk) = raw_board(directory(folder.path()));
    for name in ["socket", "fifo"] {
        for mode in ["r", "w", "r+"] {
            let raised = talk.raises(&format!("open('{name}', '{mode}').read(1)"));
            assert!(raised.starts_with("OSError: "), "{name}: {raised}");
        }
    }
    assert_eq!(talk.run("import os\nprint(os.listdir())"), "[]\n");
}

#[cfg(unix)]
#[test]
fn a_link_created_during_access_never_leaves_the_folder() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let outer = tempfile::tempdir().expect("a folder");
    let root = outer.path().join("root");
    let outside = outer.path().join("outside");
    std::fs::create_dir_all(root.join("d")).expect("a folder");
    std::fs::create_dir(&outside).expect("a folder");
    std::fs::write(root.join("d/f"), "inside").expect("a file");
    std::fs::write(outside.join("f"), "outside").expect("a file");
    let (_board, mut talk) = raw_board(directory(&root));
    let stop = AtomicBool::new(false);
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                let _ = std::fs::rename(root.join("d"), root.join("kept"));
                let _ = std::os::unix::fs::symlink("../outside", root.join("d"));
                let _ = std::fs::remove_file(root.join("d"));
                let _ = std::fs::rename(root.join("kept"), root.join("d"));
            }
        });
        let source = "\
seen = set()
for i in range(3000):
    try:
        with open('d/f') as f: seen.add(f.read())
        with open('d/new', 'w') as f: pass
    except OSError: pass
print(seen <= {'inside'})
";
        let output = talk.run(source);
        stop.store(true, Ordering::SeqCst);
        output
    });
    assert_eq!(output, "True\n");
    assert_eq!(std::fs::read_dir(&outside).expect("the folder").count(), 1);
}
