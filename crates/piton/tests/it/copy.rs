//! Copies: the plan as data, what it does, and what is left when it breaks off.

use std::fmt::Write as _;
use std::fs;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use piton::copy::{self, CopyEvent, Error, Options, Place, Step};
use piton::deadline::Deadline;
use piton::error::{BoardError, ErrorKind, FsError};
use piton::fs::remote::RemoteFs;
use piton::left_out;
use piton::repl::Entry;
use piton::virtual_board::serve::{TcpServer, tcp};
use piton::virtual_board::{BoardOptions, Fault, Outage, VirtualBoard, VmImage};
use piton::{Board, ConnectOptions};

/// A folder of the host, and a board whose faults are scripted.
pub(crate) struct Bench {
    pub(crate) host: tempfile::TempDir,
    pub(crate) virtual_board: Arc<VirtualBoard>,
    server: TcpServer,
}

impl Bench {
    pub(crate) fn new(on_host: &[(&str, &str)], on_board: &[(&str, &str)]) -> Bench {
        let host = tempfile::tempdir().unwrap();
        for (path, content) in on_host {
            let path = host.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let image = VmImage::open(&test_programs::vm()).unwrap();
        let virtual_board = VirtualBoard::start(&image, BoardOptions::default()).unwrap();
        let virtual_board = Arc::new(virtual_board);
        let server = tcp(Arc::clone(&virtual_board), "127.0.0.1:0").unwrap();
        let bench = Bench {
            host,
            virtual_board,
            server,
        };
        let mut program = "import os\n".to_owned();
        for (path, content) in on_board {
            for (at, _) in path.match_indices('/').skip(1) {
                let folder = &path[..at];
                writeln!(program, "try: os.mkdir('{folder}')\nexcept OSError: pass").unwrap();
            }
            writeln!(
                program,
                "with open('{path}', 'wb') as f: f.write(b'{content}')"
            )
            .unwrap();
        }
        bench.run(&program);
        bench
    }

    fn connect(&self) -> Board {
        let selector = format!("socket://{}", self.server.local_addr());
        Board::connect(&selector.parse().unwrap(), &ConnectOptions::default()).unwrap()
    }

    pub(crate) fn with<T>(&self, operation: impl FnOnce(&mut RemoteFs<'_, '_>) -> T) -> T {
        let mut board = self.connect();
        let deadline = Deadline::after(Duration::from_secs(120));
        let mut raw = board.raw_repl(Entry::KeepState, deadline).unwrap();
        operation(&mut RemoteFs::new(&mut raw))
    }

    pub(crate) fn run(&self, program: &str) -> String {
        let output = self.connect().run(program.as_bytes()).unwrap();
        String::from_utf8(output).unwrap().replace('\r', "")
    }

    /// Waits until the board answers again.
    pub(crate) fn wait_for_boot(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.connect().run(b"").is_err() {
            assert!(Instant::now() < until, "the board stays away");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The files of the board and their content.
    pub(crate) fn on_board(&self) -> String {
        self.run(
            "import os\n\
             def show(folder):\n \
              for name, mode, *_ in sorted(os.ilistdir(folder)):\n  \
               path = folder + '/' + name\n  \
               if mode & 0x4000: print(path + '/'); show(path)\n  \
               else: print(path, open(path).read())\n\
             show('')",
        )
    }

    /// Writes a file of the host.
    pub(crate) fn write(&self, path: &str, content: &str) {
        fs::write(self.host.path().join(path), content).unwrap();
    }

    /// Removes a file of the host.
    pub(crate) fn remove(&self, path: &str) {
        fs::remove_file(self.host.path().join(path)).unwrap();
    }

    /// A place as `cp` writes it, on the host below the folder of this bench.
    pub(crate) fn place(&self, text: &str) -> Place {
        match text.strip_prefix(':') {
            Some(path) => Place::Board(path.parse().unwrap()),
            None => Place::Host(self.host.path().join(text)),
        }
    }

    fn shown(&self, place: &Place) -> String {
        match place {
            Place::Board(path) => format!(":{path}"),
            Place::Host(path) => {
                let path = path.strip_prefix(self.host.path()).unwrap();
                path.to_str().unwrap().replace('\\', "/")
            }
        }
    }

    pub(crate) fn plan(
        &self,
        sources: &[&str],
        destination: &str,
        options: &Options,
    ) -> copy::Plan {
        self.try_plan(sources, destination, options).unwrap()
    }

    fn try_plan(
        &self,
        sources: &[&str],
        destination: &str,
        options: &Options,
    ) -> Result<copy::Plan, Error> {
        let sources: Vec<Place> = sources.iter().map(|text| self.place(text)).collect();
        let destination = self.place(destination);
        self.with(|remote| copy::plan(remote, &sources, &destination, options))
    }

    /// Copies. Returns what was reported, and how it ended.
    pub(crate) fn copy(
        &self,
        sources: &[&str],
        destination: &str,
        options: &Options,
    ) -> (Vec<String>, Result<(), Error>) {
        let sources: Vec<Place> = sources.iter().map(|text| self.place(text)).collect();
        let destination = self.place(destination);
        let mut reported = Vec::new();
        let copied = self.with(|remote| {
            let plan = copy::plan(remote, &sources, &destination, options)?;
            copy::apply(plan, remote, &mut |event| {
                reported.extend(report(event));
                ControlFlow::Continue(())
            })
        });
        (reported, copied)
    }
}

/// The events that do not depend on time.
fn report(event: CopyEvent<'_>) -> Option<String> {
    match event {
        CopyEvent::Source { index } => Some(format!("source {index}")),
        CopyEvent::Unchanged { path } => Some(format!("unchanged {path}")),
        _ => None,
    }
}

pub(crate) fn recursive() -> Options {
    let mut options = Options::default();
    options.recursive = true;
    options
}

const PROJECT: &[(&str, &str)] = &[
    ("app/main.py", "import helper"),
    ("app/lib/helper.py", "answer = 42"),
    ("app/.env", "PASSWORD=1"),
    ("app/.git/config", ""),
    ("app/.piton-sync", "not ours"),
    ("a.py", "a"),
    ("b.py", "b"),
];

const BOARD: &[(&str, &str)] = &[
    ("/a.py", "a"),
    ("/lib/helper.py", "answer = 42"),
    ("/lib/.piton-mip.json", "{}"),
];

#[track_caller]
fn check_plan(sources: &[&str], destination: &str, options: &Options, expected: &str) {
    let bench = Bench::new(PROJECT, BOARD);
    let before = bench.on_board();
    let plan = bench.plan(sources, destination, options);
    let mut text = String::new();
    for source in plan.sources() {
        writeln!(text, "{}", bench.shown(&source.place)).unwrap();
        for step in &source.steps {
            let line = match step {
                Step::MakeFolder { path } => format!("folder {}", bench.shown(path)),
                Step::CopyFile {
                    from,
                    to,
                    size,
                    is_unchanged,
                } => {
                    let word = if *is_unchanged { "same" } else { "copy" };
                    let size = size.map_or(String::new(), |size| format!(" ({size})"));
                    format!("{word} {} -> {}{size}", bench.shown(from), bench.shown(to))
                }
                Step::Put { path, inside, .. } => format!("put :{path} or :{inside}"),
                other => format!("{other:?}"),
            };
            writeln!(text, "  {line}").unwrap();
        }
    }
    let mut left_out = plan.left_out().to_vec();
    left_out.sort();
    for path in left_out {
        writeln!(text, "left out: {path}").unwrap();
    }
    for place in plan.reserved() {
        writeln!(text, "reserved: {}", bench.shown(place)).unwrap();
    }
    if let Some(error) = plan.failure() {
        writeln!(text, "failure: {error}").unwrap();
    }
    assert_eq!(text, expected, "{sources:?} to {destination}");
    assert_eq!(bench.on_board(), before, "a plan changes nothing");
}

#[test]
fn plans_for_files() {
    let plain = Options::default();
    check_plan(&["a.py"], ":", &plain, "a.py\n  put :a.py or :a.py\n");
    check_plan(
        &["a.py"],
        ":./b.py",
        &plain,
        "a.py\n  put :b.py or :b.py/a.py\n",
    );
    check_plan(
        &["a.py", "b.py"],
        ":/",
        &plain,
        "a.py\n  same a.py -> :/a.py (1)\nb.py\n  copy b.py -> :/b.py (1)\n",
    );
    let mut force = Options::default();
    force.force = true;
    check_plan(
        &["a.py", "b.py"],
        ":/lib/",
        &force,
        "a.py\n  copy a.py -> :/lib/a.py (1)\nb.py\n  copy b.py -> :/lib/b.py (1)\n",
    );
    check_plan(
        &[":a.py"],
        "app",
        &plain,
        ":a.py\n  copy :a.py -> app/a.py\n",
    );
    check_plan(
        &[":/a.py"],
        ":new",
        &plain,
        ":/a.py\n  copy :/a.py -> :new\n",
    );
    check_plan(&["a.py"], "c.py", &plain, "a.py\n  copy a.py -> c.py (1)\n");
}

#[test]
fn plans_that_end_early() {
    let plain = Options::default();
    check_plan(
        &["a.py", "b.py"],
        ":nowhere",
        &plain,
        "a.py\nfailure: the destination does not exist\n",
    );
    for (sources, destination) in [(&["b.py", "a.py"][..], ":a.py"), (&["b.py"], ":nowhere/")] {
        check_plan(
            sources,
            destination,
            &plain,
            "b.py\nfailure: the destination is not a folder\n",
        );
    }
    check_plan(
        &["a.py", "app", "b.py"],
        ":/",
        &plain,
        "a.py\n  same a.py -> :/a.py (1)\napp\nfailure: a folder is copied only with its contents\n",
    );
}

#[test]
fn plans_for_folders() {
    let mut options = recursive();
    check_plan(
        &["app"],
        ":",
        &options,
        "app\n  folder :app\n  folder :app/.git\n  folder :app/lib\n  copy app/.env -> :app/.env (10)\n  \
         copy app/.git/config -> :app/.git/config (0)\n  copy app/lib/helper.py -> :app/lib/helper.py (11)\n  \
         copy app/main.py -> :app/main.py (13)\nreserved: app/.piton-sync\n",
    );
    options.ignore = left_out::patterns();
    // The folder itself becomes `new`; the second one goes into it.
    check_plan(
        &["app/lib", ":/lib"],
        ":/new",
        &options,
        "app/lib\n  folder :/new\n  copy app/lib/helper.py -> :/new/helper.py (11)\n\
         :/lib\n  folder :/new/lib\n  copy :/lib/helper.py -> :/new/lib/helper.py\nreserved: :/lib/.piton-mip.json\n",
    );
    // `lib` is there, and so is the file.
    check_plan(
        &["app/lib"],
        ":/",
        &options,
        "app/lib\n  same app/lib/helper.py -> :/lib/helper.py (11)\n",
    );
    check_plan(
        &["app"],
        ":",
        &options,
        "app\n  folder :app\n  folder :app/lib\n  copy app/lib/helper.py -> :app/lib/helper.py (11)\n  \
         copy app/main.py -> :app/main.py (13)\nleft out: .env\nleft out: .git\nreserved: app/.piton-sync\n",
    );
}

#[test]
fn folders_go_there_and_back() {
    let bench = Bench::new(PROJECT, BOARD);
    let mut options = recursive();
    options.ignore = left_out::patterns();
    let (reported, copied) = bench.copy(&["app", "a.py"], ":/", &options);
    copied.unwrap();
    assert_eq!(reported, ["source 0", "source 1", "unchanged /a.py"]);
    let (reported, copied) = bench.copy(&["app", ":/lib"], ":/", &options);
    copied.unwrap();
    assert_eq!(
        reported,
        [
            "source 0",
            "unchanged /app/lib/helper.py",
            "unchanged /app/main.py",
            "source 1",
            "unchanged /lib/helper.py"
        ]
    );
    let (reported, copied) = bench.copy(&[":/app", "a.py"], "back", &options);
    copied.unwrap();
    assert_eq!(reported, ["source 0", "source 1"]);
    let read = |path: &str| fs::read_to_string(bench.host.path().join(path)).unwrap();
    assert_eq!(read("back/lib/helper.py"), "answer = 42");
    assert_eq!(read("back/main.py"), "import helper");
    assert_eq!(read("back/a.py"), "a");
    assert_eq!(
        bench.on_board(),
        "/a.py a\n/app/\n/app/lib/\n/app/lib/helper.py answer = 42\n/app/main.py import helper\n\
         /lib/\n/lib/.piton-mip.json {}\n/lib/helper.py answer = 42\n"
    );
}

/// Of two sources with one name the later one counts, also if the board has its content before.
#[test]
fn the_last_of_several_sources_with_one_name_counts() {
    let files = [("1/x.py", "one"), ("2/x.py", "two"), ("3/x.py", "six")];
    let bench = Bench::new(&files, &[("/x.py", "two"), ("/old/x.py", "two")]);
    let plain = Options::default();
    bench.copy(&["1/x.py", "2/x.py"], ":/", &plain).1.unwrap();
    assert_eq!(bench.run("print(open('/x.py').read())"), "two\n");
    bench
        .copy(&["3/x.py", ":/old/x.py"], ":/", &plain)
        .1
        .unwrap();
    assert_eq!(bench.run("print(open('/x.py').read())"), "two\n");
}

#[test]
fn what_comes_before_a_failure_is_copied() {
    let bench = Bench::new(PROJECT, BOARD);
    let plain = Options::default();
    let (reported, copied) = bench.copy(&["b.py", "missing.py", "a.py"], ":/lib", &plain);
    assert!(matches!(copied, Err(Error::ReadHost { path, .. }) if path.ends_with("missing.py")));
    assert_eq!(reported, ["source 0", "source 1"]);
    let (reported, copied) = bench.copy(&[":/a.py", ":/missing.py", ":/lib"], "app", &plain);
    assert!(matches!(
        copied,
        Err(Error::ReadBoard(FsError::NotFound { path })) if path.as_str() == "/missing.py"
    ));
    assert_eq!(reported, ["source 0", "source 1"]);
    assert!(bench.host.path().join("app/a.py").is_file());
    let (_, copied) = bench.copy(&[":/a.py", ":/lib"], ":/lib", &plain);
    assert!(matches!(copied, Err(Error::IsAFolder)), "{copied:?}");
    let (_, copied) = bench.copy(&["b.py"], ":/nowhere/b.py", &plain);
    assert!(matches!(
        copied,
        Err(Error::WriteBoard(FsError::NotFound { .. }))
    ));
    assert_eq!(
        bench.on_board(),
        "/a.py a\n/lib/\n/lib/.piton-mip.json {}\n/lib/a.py a\n/lib/b.py b\n/lib/helper.py answer = 42\n"
    );
}

#[test]
fn a_break_of_the_event_handler_stops_the_copy() {
    let bench = Bench::new(PROJECT, BOARD);
    let places = ["a.py", "b.py", "app/main.py"].map(|text| bench.place(text));
    for destination in [":/lib", "app"] {
        let destination = bench.place(destination);
        let stopped = bench.with(|remote| {
            let plan = copy::plan(remote, &places, &destination, &Options::default())?;
            copy::apply(plan, remote, &mut |event| match event {
                CopyEvent::Source { index: 1.. } => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            })
        });
        assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
    }
    assert!(bench.host.path().join("app/a.py").is_file());
    assert!(!bench.host.path().join("app/b.py").exists());
}

/// Every file is old or new when the board goes away, and the error says that it did.
#[test]
fn a_board_that_goes_away_in_the_middle() {
    let large = "x".repeat(20_000);
    let files = [("new/1.py", large.as_str()), ("new/2.py", &large)];
    for after_writes in [1, 3, 5] {
        let bench = Bench::new(&files, &[("/new/1.py", "old"), ("/new/2.py", "old")]);
        let outage = Outage::Returns(Duration::from_millis(10));
        let sources = [bench.place("new")];
        let copied = bench.with(|remote| {
            let root = bench.place(":/");
            let plan = copy::plan(remote, &sources, &root, &recursive())?;
            bench.virtual_board.inject(&Fault::PowerCut {
                after_writes,
                outage,
            });
            copy::apply(plan, remote, &mut |_| ControlFlow::Continue(()))
        });
        let kind = copied.as_ref().err().map(Error::kind);
        assert_eq!(kind, Some(ErrorKind::NoConnection), "{copied:?}");
        match copied {
            Err(Error::WriteBoard(FsError::Board(BoardError::Disconnected { .. }))) => {}
            Err(Error::WriteBoard(FsError::Torn { source, .. })) => {
                assert!(matches!(
                    *source,
                    FsError::Board(BoardError::Disconnected { .. })
                ));
            }
            other => panic!("{other:?}"),
        }
        bench.wait_for_boot();
        for name in ["/new/1.py", "/new/2.py"] {
            let content = bench.run(&format!("print(open('{name}').read())"));
            assert!(
                ["old", &large].contains(&content.trim_end()),
                "{after_writes} {name}"
            );
        }
        let (_, copied) = bench.copy(&["new"], ":/", &recursive());
        copied.unwrap();
    }
}

/// A board that gives names such as `..` cannot write outside of the folder that is copied to.
#[test]
fn names_that_lead_out() {
    let bench = Bench::new(&[("in/here/keep.txt", "kept")], &[]);
    bench.run(
        "import os\nclass Disk:\n def mount(self, readonly, mkfs): pass\n def umount(self): pass\n \
         def stat(self, path): return (0x4000 if path in ('', '/') else 0x8000,) + (0,) * 9\n \
         def ilistdir(self, path): return iter([('../keep.txt', 0x8000, 0, 3)])\n\
         os.mount(Disk(), '/evil')",
    );
    let copied = bench.copy(&[":/evil"], "in/here", &recursive()).1;
    assert!(
        matches!(&copied, Err(Error::UnsafeName { path }) if path == "../keep.txt"),
        "{copied:?}"
    );
    assert_eq!(
        fs::read(bench.host.path().join("in/here/keep.txt")).unwrap(),
        b"kept"
    );
}

#[cfg(unix)]
#[test]
fn links_of_the_host_are_followed() {
    use std::os::unix::fs::symlink;
    let bench = Bench::new(&[("app/main.py", "1"), ("elsewhere/x.py", "2")], &[]);
    let app = bench.host.path().join("app");
    symlink("../elsewhere", app.join("folder")).unwrap();
    symlink("../elsewhere/x.py", app.join("file.py")).unwrap();
    bench.copy(&["app"], ":/", &recursive()).1.unwrap();
    assert_eq!(
        bench.on_board(),
        "/app/\n/app/file.py 2\n/app/folder/\n/app/folder/x.py 2\n/app/main.py 1\n"
    );
    for target in ["nothing", "../app"] {
        let link = app.join("link");
        symlink(target, &link).unwrap();
        let copied = bench.copy(&["app"], ":/", &recursive()).1;
        assert!(
            matches!(&copied, Err(Error::ReadHost { path, .. }) if *path == link),
            "{target}: {copied:?}"
        );
        fs::remove_file(&link).unwrap();
    }
}
