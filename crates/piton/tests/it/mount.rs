//! A mounted folder whose modules are compiled when they are imported.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use piton::deadline::Deadline;
use piton::mount::{MountEvent, Settings};
use piton::repl::Entry;
use piton::wire_log::Direction;
use piton::{Board, ConnectOptions};

/// A folder, a cache, and a board that has the folder mounted.
struct Mounted {
    folder: tempfile::TempDir,
    cache: tempfile::TempDir,
    board: Board,
    events: Arc<Mutex<Vec<MountEvent>>>,
}

fn connect(options: &mut ConnectOptions) -> Board {
    options.vm = Some(test_programs::vm());
    Board::connect(&"virtual".parse().unwrap(), options).unwrap()
}

fn mounted(files: &[(&str, &str)], adjust: impl FnOnce(&mut Settings)) -> Mounted {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let cache = tempfile::tempdir().unwrap();
    let mut mounted = Mounted {
        folder,
        cache,
        board: connect(&mut ConnectOptions::default()),
        events: Arc::default(),
    };
    mounted.mount(adjust);
    mounted
}

impl Mounted {
    fn mount(&mut self, adjust: impl FnOnce(&mut Settings)) {
        let events = Arc::clone(&self.events);
        let mut settings = Settings::default();
        settings.cache = Some(self.cache.path().to_owned());
        settings.report = Some(Arc::new(move |event: &MountEvent| {
            events.lock().unwrap().push(event.clone());
        }));
        adjust(&mut settings);
        self.board.mount(self.folder.path(), &settings).unwrap();
    }

    /// What a program prints, with the text of an exception after it.
    fn run(&mut self, source: &str) -> String {
        let mut printed = Vec::new();
        let result = self
            .board
            .exec(source.as_bytes(), &mut |bytes| printed.extend(bytes));
        if let Err(error) = result {
            printed.extend(&error.exception().unwrap().traceback);
        }
        String::from_utf8(printed).unwrap().replace('\r', "")
    }

    /// What became of modules since the last question: `c` compiled, `k` kept from before, `-` source.
    fn compiled(&self) -> Vec<String> {
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        events
            .into_iter()
            .map(|event| match event {
                MountEvent::Compiled { name, cached, .. } => {
                    format!("{} {name}", if cached { "k" } else { "c" })
                }
                MountEvent::NotCompiled { name, .. } => format!("- {name}"),
                other => other.to_string(),
            })
            .collect()
    }

    fn host_files(&self) -> Vec<String> {
        let mut names = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect::<Vec<_>>();
        names.sort();
        names
    }
}

#[test]
fn imports_are_compiled_once_and_nothing_is_written_beside() {
    let mut mounted = mounted(
        &[
            ("one.py", "x = 1\nprint('one', __file__)\n"),
            ("two.py", "import one\nprint('two', one.x)\n"),
        ],
        |_| {},
    );
    assert_eq!(mounted.run("import two"), "one one.mpy\ntwo 1\n");
    assert_eq!(mounted.compiled(), ["c two.py", "c one.py"]);
    assert_eq!(mounted.host_files(), ["one.py", "two.py"]);
    // From the cache, also in another session.
    mounted
        .board
        .raw_repl(Entry::SoftReset, Deadline::NEVER)
        .unwrap();
    assert!(mounted.board.lost_mount());
    mounted.board.remount().unwrap();
    assert_eq!(mounted.run("import two"), "one one.mpy\ntwo 1\n");
    assert_eq!(mounted.compiled(), ["k two.py", "k one.py"]);
    // A change counts, whatever its time says.
    let path = mounted.folder.path().join("one.py");
    let time = path.metadata().unwrap().modified().unwrap();
    fs::write(&path, "x = 3\nprint('one', __file__)\n").unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(time)
        .unwrap();
    let again = "import sys\nfor name in 'one', 'two':\n    del sys.modules[name]\nimport two";
    assert_eq!(mounted.run(again), "one one.mpy\ntwo 3\n");
    assert_eq!(mounted.compiled(), ["k two.py", "c one.py"]);
}

#[test]
fn packages_and_relative_imports() {
    let long = "# A comment that makes the file long enough to be worth compiling.\n".repeat(10);
    let mut mounted = mounted(
        &[
            ("empty/__init__.py", ""),
            ("empty/part.py", "name = __name__\n"),
            (
                "pack/__init__.py",
                &format!("{long}from . import inner\nfrom .sub.deep import depth\n"),
            ),
            ("pack/inner.py", "from empty import part\n"),
            ("pack/sub/__init__.py", ""),
            (
                "pack/sub/deep.py",
                "from .. import inner\ndepth = inner.part.name\n",
            ),
        ],
        |_| {},
    );
    assert_eq!(
        mounted.run("import empty.part, pack\nprint(empty.part.name, pack.depth)"),
        "empty.part empty.part\n"
    );
    assert_eq!(
        mounted.compiled(),
        ["c empty/part.py", "c pack/inner.py", "c pack/sub/deep.py"]
    );
    assert_eq!(
        mounted.run("try:\n    import pack.missing\nexcept ImportError as e: print(e)"),
        "no module named 'pack.missing'\n"
    );
}

#[test]
fn sources_stay_visible() {
    let mut mounted = mounted(
        &[
            ("x.py", "print('x')\n"),
            ("p/__init__.py", ""),
            ("q/__init__.py", &"# long\n".repeat(100)),
        ],
        |_| {},
    );
    let program = "
import os
def exists(path):
    try:
        return os.stat(path)[6]
    except OSError as e:
        return e.errno
print(exists('x'), exists('x.py'), exists('x.mpy'))
try:
    os.stat('x')
except OSError:
    print(os.stat('x.py')[6])
os.stat('p')
print(exists('p/__init__.py'))
os.stat('q')
print(exists('q/__init__.py'), exists('q/__init__.mpy'))
print(open('x.py').read(), os.listdir())
import x
print(exists('x'), exists('x.py'), exists('x.mpy'), exists('/remote/x.py'))
for name in 'x.mpy', '/remote/x.mpy':
    try:
        open(name, 'rb')
    except OSError as e:
        print(e.errno)
";
    assert_eq!(
        mounted.run(program),
        "2 11 2\n11\n0\n700 2\nprint('x')\n ['p', 'q', 'x.py']\nx\n2 11 2 11\n2\n2\n"
    );
}

#[test]
fn errors_show_the_source() {
    let mut mounted = mounted(
        &[
            ("fails.py", "def f():\n\n    raise ValueError('no')\n"),
            ("broken.py", "x = 1\nif x\n    pass\n"),
            ("lib/deep.py", "1 / 0\n"),
        ],
        |_| {},
    );
    let traceback = mounted.run("import fails\nfails.f()");
    assert!(
        traceback.contains("File \"fails.py\", line 3, in f"),
        "{traceback}"
    );
    let traceback = mounted.run("import lib.deep");
    assert!(
        traceback.contains("File \"lib/deep.py\", line 1"),
        "{traceback}"
    );
    mounted.compiled();
    // The board says it in its own words.
    let traceback = mounted.run("import broken");
    assert!(
        traceback.contains("File \"broken.py\", line 2"),
        "{traceback}"
    );
    assert!(traceback.contains("SyntaxError"), "{traceback}");
    let reasons = mounted.events.lock().unwrap().clone();
    assert!(
        matches!(&reasons[..], [MountEvent::NotCompiled { name, reason }]
            if name == "broken.py" && reason.starts_with("broken.py:2: SyntaxError")),
        "{reasons:?}"
    );
}

#[test]
fn compiling_can_be_turned_off() {
    let mut mounted = mounted(&[("x.py", "print(__file__)\n")], |settings| {
        settings.auto_mpy = false;
    });
    assert_eq!(mounted.run("import x"), "x.py\n");
    assert!(mounted.compiled().is_empty());
}

#[test]
fn write_mpy_leaves_modules_that_work_without_their_source() {
    let mut mounted = mounted(&[("x.py", "print('x')\n")], |settings| {
        settings.write_mpy = true;
    });
    assert_eq!(mounted.run("import x"), "x\n");
    assert_eq!(mounted.host_files(), ["x.mpy", "x.py"]);
    fs::remove_file(mounted.folder.path().join("x.py")).unwrap();
    let again = "import sys\ndel sys.modules['x']\nimport x\nprint(x.__file__)";
    assert_eq!(mounted.run(again), "x\nx.mpy\n");
}

#[test]
fn many_modules() {
    let files = (0..12)
        .map(|number| (format!("m{number}.py"), format!("value = {number}\n")))
        .collect::<Vec<_>>();
    let files = files
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_str()))
        .collect::<Vec<_>>();
    let mut mounted = mounted(&files, |_| {});
    let program = "print(sum(__import__('m%d' % n).value for n in range(12)))";
    assert_eq!(mounted.run(program), "66\n");
    assert_eq!(mounted.compiled().len(), 12);
}

/// A module of about so many bytes, as people write them.
fn module(size: usize) -> String {
    let mut text = String::from("\"\"\"A driver for the sensor.\"\"\"\nimport time\n\n");
    let mut number = 0;
    while text.len() < size {
        number += 1;
        text.push_str(&format!(
            "REGISTER_{number} = const(0x{:02x})\n\n\ndef read_{number}(bus, address, retries={}):\n    \
             \"\"\"Read register {number} of the chip.\"\"\"\n    for attempt in range(retries):\n        \
             value = bus.readfrom_mem(address, REGISTER_{number}, {})\n        if value[0] & 0x{:02x}:\n            \
             return (value[0] << {}) | value[-1]\n        time.sleep_ms({} + attempt)\n    raise OSError({})\n\n\n",
            number * 7 % 256,
            number % 5 + 2,
            number % 4 + 1,
            1 << (number % 8),
            number % 9,
            number * 13 % 50,
            number * 3 % 100 + 5,
        ));
    }
    text.push_str(&format!("print('loaded', {number})\n"));
    text.replacen(
        "import time\n",
        "import time\nfrom micropython import const\n",
        1,
    )
}

/// Turns, bytes to the board and bytes to the host for `mount . exec "import x"` on a fresh connection.
fn import_traffic(source: &str) -> (usize, usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let cache = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.py"), source).unwrap();
    // Whether the host spoke last, turns, to board, to host.
    let counts = Arc::new(Mutex::new((false, 0, 0, 0)));
    let mut options = ConnectOptions::default();
    let shared = Arc::clone(&counts);
    options.wire_log = Some(Arc::new(move |event| {
        let mut counts = shared.lock().unwrap();
        match event.direction {
            Direction::ToBoard => {
                counts.0 = true;
                counts.2 += event.bytes.len();
            }
            Direction::ToHost => {
                counts.1 += usize::from(std::mem::take(&mut counts.0));
                counts.3 += event.bytes.len();
            }
        }
    }));
    let mut board = connect(&mut options);
    let mut settings = Settings::default();
    settings.cache = Some(cache.path().to_owned());
    board.raw_repl(Entry::SoftReset, Deadline::NEVER).unwrap();
    board.mount(folder.path(), &settings).unwrap();
    let printed = board.run(b"import x").unwrap();
    assert!(printed.starts_with(b"loaded"), "{printed:?}");
    board.umount().unwrap();
    board.friendly(Deadline::NEVER).unwrap();
    let counts = counts.lock().unwrap();
    (counts.1, counts.2, counts.3)
}

/// mpremote 1.29 takes 78 turns and 7.6 KB for a module of 1.6 KiB, 204 turns and 23.6 KB for one of 17 KiB.
#[test]
fn an_import_takes_few_turns() {
    for (size, most_bytes) in [(2 * 1024, 6400), (17 * 1024, 14_400)] {
        let (turns, to_board, to_host) = import_traffic(&module(size));
        println!("{size}: {turns} turns, {to_board} to the board, {to_host} to the host");
        assert!(turns <= 16, "{size}: {turns} turns");
        assert!(to_board <= most_bytes, "{size}: {to_board} bytes");
    }
}

#[test]
fn a_folder_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let mut board = connect(&mut ConnectOptions::default());
    for path in [file.as_path(), Path::new("missing/folder")] {
        let error = board.mount(path, &Settings::default()).unwrap_err();
        assert!(error.to_string().starts_with("could not mount"), "{error}");
        assert_eq!(board.mounted(), None);
    }
}
