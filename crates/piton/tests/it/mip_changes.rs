//! What an installation, an update and a removal change on a board, and what they leave alone.

use std::ops::ControlFlow::Continue;
use std::time::Duration;

use piton::deadline::Cancel;
use piton::error::{ErrorKind, FsError};
use piton::mip::record::Installed;
use piton::mip::{self, Installation, Looked, MipError, Packages, RecordUse, Removal};
use piton::virtual_board::{Fault, Outage};

use crate::mip::{Place, fetch, go_on, on_board, raw_repl};
use crate::package_index::Index;
use crate::support::{board_files, soon};

/// Files of a package: path and content.
type Files<'a> = &'a [(&'a str, &'a str)];

/// An index, and a board that its packages go to.
struct Bench {
    index: Index,
    place: Place,
}

impl Bench {
    fn new() -> Bench {
        Bench {
            index: Index::start(),
            place: Place::new(),
        }
    }

    fn publish(&self, name: &str, version: &str, files: Files<'_>, needs: &[&str]) {
        self.index.publish_files("6", name, version, files, needs);
    }

    fn with<T>(&self, work: impl FnOnce(&mut Packages<'_>) -> T) -> T {
        let mut board = self.place.connect();
        work(&mut on_board(&mut board))
    }

    fn run(&self, program: &str) {
        let mut board = self.place.connect();
        raw_repl(&mut board)
            .run(program.as_bytes(), soon())
            .unwrap();
    }

    /// Installs packages, and returns what changed, and each event that is not about time.
    fn install(
        &self,
        names: &[&str],
        record_use: RecordUse,
    ) -> (Result<Vec<Installation>, MipError>, Vec<String>) {
        let mut events = Vec::new();
        let installed = self.with(|packages| {
            let fetched = names.iter().map(|name| {
                let format = Some(packages.library().format.clone());
                fetch(&self.index, name, format)
            });
            let fetched = fetched.collect::<Result<Vec<_>, MipError>>()?;
            packages.install(&fetched, None, record_use, &mut |event| {
                let event = serde_json::to_value(event).unwrap();
                let name = event["event"].as_str().unwrap();
                if let ("removed" | "changed" | "finished", Some(path)) =
                    (name, event["path"].as_str().or(event["folder"].as_str()))
                {
                    events.push(format!("{name} {path}"));
                }
                Continue(())
            })
        });
        (installed, events)
    }

    fn list(&self) -> Result<Vec<Installed>, MipError> {
        self.with(|packages| packages.list())
    }

    fn uninstall(&self, name: &str) -> Result<Removal, MipError> {
        self.with(|packages| packages.uninstall(name, &mut go_on))
    }

    /// The files below `/lib`, without the record.
    fn files(&self) -> String {
        let mut board = self.place.connect();
        let all = board_files(&mut board);
        let below = all.lines().filter_map(|line| line.strip_prefix("/lib/"));
        let below = below.filter(|line| !line.is_empty() && !line.starts_with(".piton-mip.json"));
        below.collect::<Vec<&str>>().join("; ")
    }
}

/// Installs version 1 of a package with the files `before`, runs `meanwhile` on the board, and installs version 2 with
/// the files `after`.
#[track_caller]
fn check_update(
    before: Files<'_>,
    meanwhile: &str,
    after: Files<'_>,
    expected: (usize, usize, &str, &[&str]),
) {
    let bench = Bench::new();
    bench.publish("app", "1", before, &[]);
    bench.install(&["app"], RecordUse::Keep).0.unwrap();
    bench.run(meanwhile);
    bench.publish("app", "2", after, &[]);
    let (installed, events) = bench.install(&["app"], RecordUse::Keep);
    let installed = installed.unwrap();
    let (written, removed, files, reported) = expected;
    assert_eq!(
        (installed[0].written, installed[0].removed),
        (written, removed)
    );
    assert_eq!(bench.files(), files);
    assert_eq!(events, reported);
    let again = bench.install(&["app"], RecordUse::Keep).0.unwrap();
    assert_eq!((again[0].written, again[0].removed), (0, 0), "done again");
    assert_eq!(bench.files(), files, "done again");
}

#[test]
fn an_update_removes_what_the_new_version_lacks_and_nobody_changed() {
    let one = [("a.mpy", "a"), ("pkg/b.mpy", "b"), ("pkg/sub/c.mpy", "c")];
    check_update(
        &one,
        "",
        &one,
        (
            0,
            0,
            "a.mpy a; pkg/; pkg/b.mpy b; pkg/sub/; pkg/sub/c.mpy c",
            &[],
        ),
    );
    check_update(
        &one,
        "",
        &[("a.mpy", "new")],
        (
            1,
            2,
            "a.mpy new",
            &["removed /lib/pkg/b.mpy", "removed /lib/pkg/sub/c.mpy"],
        ),
    );
    // A folder stays as long as something is in it.
    check_update(
        &one,
        "open('/lib/pkg/sub/mine.txt', 'w').close()",
        &one[..1],
        (
            0,
            2,
            "a.mpy a; pkg/; pkg/sub/; pkg/sub/mine.txt ",
            &["removed /lib/pkg/b.mpy", "removed /lib/pkg/sub/c.mpy"],
        ),
    );
    check_update(
        &one,
        "with open('/lib/pkg/b.mpy', 'w') as f: f.write('mine')",
        &one[..1],
        (
            0,
            1,
            "a.mpy a; pkg/; pkg/b.mpy mine",
            &["changed /lib/pkg/b.mpy", "removed /lib/pkg/sub/c.mpy"],
        ),
    );
    // What is gone already is nothing to report.
    check_update(
        &one,
        "import os; os.remove('/lib/pkg/b.mpy')",
        &one[..1],
        (0, 1, "a.mpy a", &["removed /lib/pkg/sub/c.mpy"]),
    );
    // A file of the package is the package's again.
    check_update(
        &one,
        "with open('/lib/a.mpy', 'w') as f: f.write('mine')",
        &one,
        (
            1,
            0,
            "a.mpy a; pkg/; pkg/b.mpy b; pkg/sub/; pkg/sub/c.mpy c",
            &[],
        ),
    );
    // A file becomes a module of the same name in a folder.
    check_update(
        &[("x.mpy", "x")],
        "",
        &[("x/__init__.mpy", "x")],
        (1, 1, "x/; x/__init__.mpy x", &["removed /lib/x.mpy"]),
    );
}

#[test]
fn a_file_of_two_packages_stays_until_both_are_gone() {
    let bench = Bench::new();
    bench.publish("one", "1", &[("both.mpy", "both"), ("one.mpy", "1")], &[]);
    bench.publish("two", "1", &[("both.mpy", "both"), ("two.mpy", "2")], &[]);
    bench.install(&["one", "two"], RecordUse::Keep).0.unwrap();
    bench.publish("one", "2", &[("one.mpy", "1")], &[]);
    let (installed, events) = bench.install(&["one"], RecordUse::Keep);
    assert_eq!(installed.unwrap()[0].removed, 0);
    assert!(events.is_empty(), "{events:?}");
    assert_eq!(bench.files(), "both.mpy both; one.mpy 1; two.mpy 2");
    assert_eq!(bench.uninstall("two").unwrap().removed, 2);
    assert_eq!(bench.files(), "one.mpy 1");
    assert_eq!(bench.uninstall("one").unwrap().removed, 1);
    let mut board = bench.place.connect();
    let all = board_files(&mut board);
    assert!(
        !all.contains(".piton-mip.json"),
        "the record goes with the last package: {all}"
    );
}

#[test]
fn a_removal_is_refused_or_leaves_what_is_not_its_own() {
    let bench = Bench::new();
    bench.publish("app", "1", &[("app.mpy", "a")], &["base"]);
    bench.publish(
        "base",
        "1",
        &[("base/x.mpy", "x"), ("base/y.mpy", "y")],
        &[],
    );
    let refused = bench.uninstall("app").unwrap_err();
    assert!(
        matches!(&refused, MipError::NotInstalled { name, installed } if name == "app" && installed.is_empty()),
        "{refused}"
    );
    bench.install(&["app"], RecordUse::Keep).0.unwrap();
    let refused = bench.uninstall("base").unwrap_err();
    assert!(
        matches!(&refused, MipError::Needed { by, .. } if by == &["app"]),
        "{refused}"
    );
    let refused = bench.uninstall("ape").unwrap_err();
    assert!(
        matches!(&refused, MipError::NotInstalled { installed, .. } if installed == &["app", "base"]),
        "{refused}"
    );
    assert_eq!(refused.kind(), ErrorKind::Refused);
    let removal = bench.uninstall("app").unwrap();
    assert_eq!(
        (removal.removed, removal.orphans),
        (1, vec!["base".to_owned()])
    );
    bench.run("with open('/lib/base/x.mpy', 'w') as f: f.write('mine')");
    let removal = bench.uninstall("base").unwrap();
    assert_eq!((removal.removed, removal.orphans.len()), (1, 0));
    assert_eq!(bench.files(), "base/; base/x.mpy mine");
}

/// Each of these is in the place of the record. None may be taken for an empty record: what is installed would be forgotten.
#[test]
fn a_damaged_record_is_an_error_and_is_left_alone() {
    let write =
        |text: &str| format!("with open('/lib/.piton-mip.json', 'w') as f: f.write('{text}')");
    for (name, program) in [
        ("empty", write("")),
        ("cut", write("{\"version\": 1, \"pack")),
        ("a list", write("[]")),
        ("of the future", write("{\"version\": 9, \"packages\": []}")),
        ("leading out", write("{\"version\": 1, \"packages\": [{\"files\": [[\"../x\", \"00\"]]}]}")),
        (
            "too large",
            "with open('/lib/.piton-mip.json', 'w') as f:\n for _ in range(1025): f.write(' ' * 1024)".to_owned(),
        ),
        ("a folder", "import os; os.mkdir('/lib/.piton-mip.json')".to_owned()),
    ] {
        let bench = Bench::new();
        bench.publish("app", "1", &[("app.mpy", "a")], &[]);
        bench.run(&format!("import os; os.mkdir('/lib')\n{program}"));
        let listed = bench.list().unwrap_err();
        let installed = bench.install(&["app"], RecordUse::Keep).0.unwrap_err();
        let uninstalled = bench.uninstall("app").unwrap_err();
        for error in [&listed, &installed, &uninstalled] {
            let is_about_it = matches!(error, MipError::Record { .. })
                || error.fs().is_some_and(|error| error.board().is_none());
            assert!(is_about_it, "{name}: {error}");
            assert!(error.to_string().contains(".piton-mip.json"), "{name}: {error}");
            assert_eq!(error.kind(), ErrorKind::Refused, "{name}");
        }
        assert_eq!(bench.files().replace(".piton-mip.json/", ""), "", "{name}");
        if matches!(installed, MipError::Record { .. }) {
            // As mpremote: it knows of no record.
            let done = bench.install(&["app"], RecordUse::IfPresent).0.unwrap();
            assert_eq!(done[0].written, 1, "{name}");
            assert!(bench.list().is_err(), "{name}: it is left alone");
        }
    }
}

#[test]
fn without_a_record_none_is_made_and_one_that_is_there_is_kept_up_to_date() {
    let bench = Bench::new();
    bench.publish("app", "1", &[("app.mpy", "a")], &[]);
    bench.install(&["app"], RecordUse::IfPresent).0.unwrap();
    assert!(bench.list().unwrap().is_empty());
    bench.publish("other", "1", &[("other.mpy", "o")], &[]);
    bench.install(&["other"], RecordUse::Keep).0.unwrap();
    bench.install(&["app"], RecordUse::IfPresent).0.unwrap();
    let listed = bench.list().unwrap().into_iter();
    let names: Vec<String> = listed.map(|package| package.name).collect();
    assert_eq!(names, ["other", "app"]);
}

#[test]
fn packages_that_cannot_be_together_follow_each_other() {
    let bench = Bench::new();
    bench.publish("one", "1", &[("x.mpy", "one")], &[]);
    bench.publish("two", "1", &[("x.mpy", "two"), ("y.mpy", "y")], &[]);
    let installed = bench.install(&["one", "two"], RecordUse::Keep).0.unwrap();
    let written: Vec<usize> = installed.iter().map(|one| one.written).collect();
    assert_eq!(written, [1, 2]);
    assert_eq!(bench.files(), "x.mpy two; y.mpy y");
    // The board refuses a file of the second: the first is installed, of the second nothing is.
    let bench = Bench::new();
    bench.publish("one", "1", &[("one.mpy", "1")], &[]);
    bench.publish("two", "1", &[("a.mpy", "a"), ("z.mpy", "z")], &[]);
    bench.publish("three", "1", &[("three.mpy", "3")], &[]);
    bench.run("import os; os.mkdir('/lib'); os.mkdir('/lib/z.mpy')");
    let refused = bench
        .install(&["one", "two", "three"], RecordUse::Keep)
        .0
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused, "{refused}");
    assert!(refused.fs().is_some(), "{refused}");
    assert_eq!(bench.files(), "one.mpy 1; z.mpy/");
    let listed = bench.list().unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
}

#[test]
fn a_board_that_is_full_keeps_what_it_has() {
    let bench = Bench::new();
    bench.publish("app", "1", &[("app.mpy", "a")], &[]);
    bench.install(&["app"], RecordUse::Keep).0.unwrap();
    // As much room as fits is taken, then a little is given back.
    bench.run(
        "import os\nblock = b'x' * 4096\n\
         with open('/fill', 'wb') as f:\n try:\n  while True: f.write(block)\n except OSError: pass\n\
         with open('/little', 'wb') as f: pass",
    );
    let large = "x".repeat(50_000);
    bench.publish("app", "2", &[("app.mpy", &large), ("more.mpy", "m")], &[]);
    let full = bench.install(&["app"], RecordUse::Keep).0.unwrap_err();
    assert!(matches!(full.fs(), Some(FsError::NoSpace { .. })), "{full}");
    assert_eq!(bench.files(), "app.mpy a");
    bench.run("import os; os.remove('/fill')");
    bench.install(&["app"], RecordUse::Keep).0.unwrap();
    assert_eq!(bench.list().unwrap()[0].version.as_deref(), Some("2"));
}

#[test]
fn what_the_board_has_is_not_fetched_and_must_stay_until_it_is_installed() {
    let bench = Bench::new();
    bench.publish("app", "1", &[("app.mpy", "a"), ("b.mpy", "b")], &[]);
    bench.install(&["app"], RecordUse::Keep).0.unwrap();
    let cancel = Cancel::new();
    let mut options = mip::FetchOptions::default();
    bench.index.url().clone_into(&mut options.index);
    options.format = Some(bench.with(|packages| packages.library().format.clone()));
    let source = "app".parse().unwrap();
    let described = mip::describe(&source, &options, &cancel, &mut go_on).unwrap();
    let looked = bench.with(|packages| {
        let described = std::slice::from_ref(&described);
        packages.look(described, RecordUse::Keep, &mut go_on)
    });
    let looked = looked.unwrap();
    // Nothing has to be fetched, so it does not matter that the files are gone from the server.
    bench.index.remove_files();
    let fetched = [mip::fetch(described.clone(), &looked, &cancel, &mut go_on).unwrap()];
    let install = |looked: Option<Looked>| {
        bench.with(|packages| packages.install(&fetched, looked, RecordUse::Keep, &mut go_on))
    };
    assert_eq!(install(Some(looked)).unwrap()[0].written, 0);
    let unknown = mip::fetch(described, &Looked::default(), &cancel, &mut go_on);
    assert!(
        matches!(unknown, Err(MipError::NoFile { .. })),
        "{unknown:?}"
    );
    bench.run("import os; os.remove('/lib/b.mpy')");
    let gone = install(None);
    assert!(
        matches!(&gone, Err(MipError::Gone { path }) if path.as_str() == "/lib/b.mpy"),
        "{gone:?}"
    );
    assert_eq!(bench.files(), "app.mpy a");
}

/// An update with new, changed and stale files, cut off at every third write. After the next change everything is of the new version.
#[test]
fn an_update_that_is_cut_off_is_finished_or_undone_by_the_next_change() {
    let old = "app.mpy old; gone.mpy gone; pkg/; pkg/a.mpy a";
    let new = "app.mpy new; pkg/; pkg/a.mpy a; pkg/b.mpy b";
    let mut cuts = 0;
    for after_writes in (0..).step_by(3) {
        let bench = Bench::new();
        bench.publish(
            "app",
            "1",
            &[("app.mpy", "old"), ("gone.mpy", "gone"), ("pkg/a.mpy", "a")],
            &[],
        );
        bench.publish("other", "1", &[], &[]);
        bench.install(&["app"], RecordUse::Keep).0.unwrap();
        bench.publish(
            "app",
            "2",
            &[("app.mpy", "new"), ("pkg/a.mpy", "a"), ("pkg/b.mpy", "b")],
            &[],
        );
        let format = bench.with(|packages| packages.library().format.clone());
        let fetched = [fetch(&bench.index, "app", Some(format)).unwrap()];
        let installed = bench.with(|packages| {
            let outage = Outage::Returns(Duration::from_millis(1));
            bench.place.virtual_board.inject(&Fault::PowerCut {
                after_writes,
                outage,
            });
            packages.install(&fetched, None, RecordUse::Keep, &mut go_on)
        });
        let Err(error) = installed else {
            assert_eq!(bench.files(), new);
            break;
        };
        cuts += 1;
        assert_eq!(
            error.kind(),
            ErrorKind::NoConnection,
            "{after_writes}: {error}"
        );
        drop(bench.place.connect_again());
        // Any change of the library settles it; this one has no files of its own.
        let (other, _) = bench.install(&["other"], RecordUse::Keep);
        other.unwrap();
        let files = bench.files();
        assert!(
            [old, new].contains(&files.as_str()),
            "{after_writes}: {files}"
        );
        let version = bench.list().unwrap()[0].version.clone();
        let is_new = files == new;
        assert_eq!(
            version.as_deref(),
            Some(if is_new { "2" } else { "1" }),
            "{after_writes}"
        );
        bench.install(&["app"], RecordUse::Keep).0.unwrap();
        assert_eq!(bench.files(), new, "{after_writes}");
    }
    assert!(cuts > 2, "{cuts}");
}

#[test]
fn a_folder_that_is_named_is_made_and_has_a_record_of_its_own() {
    let bench = Bench::new();
    bench.publish("app", "1", &[("pkg/a.mpy", "a")], &[]);
    let install_to = |target: &str| {
        let mut board = bench.place.connect();
        let mut packages = Packages::open(raw_repl(&mut board), Some(target)).unwrap();
        assert_eq!(packages.library().target(), target);
        let format = Some(packages.library().format.clone());
        let fetched = [fetch(&bench.index, "app", format).unwrap()];
        let mut paths = Vec::new();
        let done = packages.install(&fetched, None, RecordUse::Keep, &mut |event| {
            if let mip::MipEvent::File { path, .. } = event {
                paths.push(path.to_owned());
            }
            Continue(())
        });
        let done = done.map(|done| (done[0].written, paths))?;
        assert_eq!(packages.list().unwrap().len(), 1, "{target}");
        Ok::<_, MipError>(done)
    };
    for (target, written) in [("/new/place", 1), ("/new/place/", 0), ("relative", 1)] {
        // With and without a slash it is one folder, whose name is shown as it was given.
        let paths = vec![format!("{target}/pkg/a.mpy")];
        assert_eq!(install_to(target).unwrap(), (written, paths));
    }
    assert!(bench.list().unwrap().is_empty());
    // A target below a file cannot be made.
    bench.run("open('/file', 'w').close()");
    let refused = install_to("/file/lib").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused, "{refused}");
}
