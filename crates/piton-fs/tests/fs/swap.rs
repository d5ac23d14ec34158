//! Several files at once into their places.

use std::time::Duration;

use piton_fs::error::Error;
use piton_fs::listing::{Kind, Sizes};
use piton_fs::remote::RemoteFs;
use piton_fs::swap::Swap;
use virtual_board::{BoardOptions, Fault, Outage, VmImage};

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

/// Changes in the folder `/s`: each of these files gets new content.
fn prepare(fs: &mut RemoteFs<'_, '_>, names: &[&str]) -> Swap {
    let mut swap = Swap::new(path("/s"));
    for name in names {
        let next = swap.put(&path(name)).unwrap();
        write(fs, next.as_str(), &format!("new {name}"));
    }
    swap
}

/// Put down the journal.
fn put_down(fs: &mut RemoteFs<'_, '_>, swap: &Swap) {
    let (journal, text) = swap.journal();
    fs.write(&journal, text, &mut |_| {}, soon()).unwrap();
}

fn carry_out(fs: &mut RemoteFs<'_, '_>, swap: &Swap) -> Result<(), Error> {
    put_down(fs, swap);
    fs.swap(&path("/s"), soon())
}

fn all_or_none(fs: &mut RemoteFs<'_, '_>) {
    fs.make_dir(&path("/s"), soon()).unwrap();
    write(fs, "/s/a", "old a");
    write(fs, "/s/z", "old z");
    // Of somebody else.
    write(fs, "/s/a.piton-old", "older a");
    write(fs, "/s/z.piton-old", "older z");
    fs.make_dir(&path("/s/dir"), soon()).unwrap();
    let mut swap = prepare(fs, &["a", "b", "dir", "z"]);
    swap.remove(&path("gone")).unwrap();
    let error = carry_out(fs, &swap).unwrap_err();
    assert!(
        matches!(&error, Error::IsADirectory { path } if path.as_str() == "/s/dir"),
        "{error:?}"
    );
    assert_eq!(content(fs, "/s"), "a=old a z=old z z.piton-old=older z");
    let error = fs.swap(&path("/s"), soon()).unwrap_err();
    assert!(matches!(&error, Error::NotFound { .. }), "{error:?}");

    let mut swap = prepare(fs, &["a", "b"]);
    swap.remove(&path("z")).unwrap();
    swap.remove(&path("gone")).unwrap();
    swap.remove_folder(&path("dir")).unwrap();
    carry_out(fs, &swap).unwrap();
    assert_eq!(content(fs, "/s"), "a=new a b=new b z.piton-old=older z");
    assert!(!fs.exists(&path("/s/dir"), soon()).unwrap());
    fs.remove_file(&path("/s/z.piton-old"), soon()).unwrap();

    let swap = prepare(fs, &["c"]);
    put_down(fs, &swap);
    assert!(!fs.settle_swap(&path("/s"), soon()).unwrap());
    assert_eq!(content(fs, "/s"), "a=new a b=new b");
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
fn a_failed_rename_undoes_all_changes() {
    let mut board = Board::start(BoardOptions::default());
    let names = ["a", "b", "c"];
    // The first is that of the journal.
    for failing in 2..=6 {
        for raised in ["OSError(5)", "KeyboardInterrupt"] {
            board.fs(|fs| {
                let _ = fs.make_dir(&path("/s"), soon());
                write(fs, "/s/a", "old a");
                write(fs, "/s/b", "old b");
                let swap = prepare(fs, &names);
                put_down(fs, &swap);
            });
            board.run(&format!(
                "import os\nreal=os.rename\ncalls=0\ndef rename(old,new):\n global calls\n calls+=1\n \
                 if calls=={failing}:\n  raise {raised}\n real(old,new)\nos.rename=rename"
            ));
            let error = board.fs(|fs| fs.swap(&path("/s"), soon())).unwrap_err();
            board.run("os.rename=real");
            assert!(!matches!(error, Error::NotFound { .. }), "{error:?}");
            let left = board.fs(|fs| content(fs, "/s"));
            assert_eq!(left, "a=old a b=old b", "{raised} at {failing}");
        }
    }
}

#[test]
fn a_power_cut_at_any_step_leaves_all_changes_or_none() {
    let old = "a=old a b=old b gone=old gone";
    let new = "a=new a b=new b c=new c";
    let mut outcomes = [0, 0];
    for after_writes in 0..90 {
        let mut board = Board::start(BoardOptions::default());
        board.fs(|fs| {
            fs.make_dir(&path("/s"), soon()).unwrap();
            for name in ["a", "b", "gone"] {
                write(fs, &format!("/s/{name}"), &format!("old {name}"));
            }
        });
        board.board.inject(&Fault::PowerCut {
            after_writes,
            outage: Outage::Returns(Duration::from_millis(1)),
        });
        let mut swap = Swap::new(path("/s"));
        let nexts =
            ["a", "b", "c"].map(|name| (swap.put(&path(name)).unwrap(), format!("new {name}")));
        swap.remove(&path("gone")).unwrap();
        let cut = board.fs(|fs| {
            let (journal, text) = swap.journal();
            let nexts = nexts.iter().map(|(next, text)| (next, text.as_bytes()));
            for (file, content) in [(&journal, text)].into_iter().chain(nexts) {
                fs.write(file, content, &mut |_| {}, soon())?;
            }
            fs.swap(&path("/s"), soon())
        });
        if cut.is_ok() {
            assert!(outcomes.iter().all(|count| *count > 8), "{outcomes:?}");
            return;
        }
        board.reconnect();
        let found = board.fs(|fs| fs.survey(&[path("/s")], &[], soon()).unwrap());
        let mut finished = None;
        for folder in &found.unfinished {
            finished = Some(board.fs(|fs| fs.settle_swap(folder, soon()).unwrap()));
        }
        // Of a journal that was never there, its beginning is all that can stay.
        let part = path("/s/.piton-swap.piton-next.piton-new");
        let _ = board.fs(|fs| fs.remove_file(&part, soon()));
        let left = board.fs(|fs| content(fs, "/s"));
        let is_new = left == new;
        assert!(is_new || left == old, "cut at {after_writes}: {left}");
        // Without a journal, either nothing was there yet or all is done.
        assert!(finished.is_none_or(|finished| finished == is_new));
        outcomes[usize::from(is_new)] += 1;
    }
    panic!("the change never came to its end");
}

/// What a board does with a file that has the name of a journal. All that is there must stay.
fn foreign_journal(fs: &mut RemoteFs<'_, '_>, begun: bool, text: &str) {
    let name = match begun {
        true => "/s/.piton-swap",
        false => "/s/.piton-swap.piton-next",
    };
    write(fs, name, text);
    let settled = fs.settle_swap(&path("/s"), soon());
    match begun {
        true => {
            let error = settled.unwrap_err();
            assert!(
                matches!(&error, Error::NotAJournal { path } if path.as_str() == name),
                "{text:?}: {error:?}"
            );
            assert_eq!(
                fs.read(&path(name), &mut |_| {}, soon()).unwrap(),
                text.as_bytes()
            );
        }
        false => assert!(!settled.unwrap(), "{text:?}"),
    }
    let _ = fs.remove_file(&path(name), soon());
    // Neither has a draft of somebody else begun anything.
    write(fs, "/s/.piton-swap.piton-next", text);
    let error = fs.swap(&path("/s"), soon()).unwrap_err();
    assert!(
        matches!(error, Error::NotAJournal { .. }),
        "{text:?}: {error:?}"
    );
    fs.remove_file(&path("/s/.piton-swap.piton-next"), soon())
        .unwrap();
    assert_eq!(content(fs, "/s"), "a=old a b.piton-next=next", "{text:?}");
    assert_eq!(
        content(fs, "/"),
        "main.py=main main.py.piton-next=forged",
        "{text:?}"
    );
    assert!(fs.is_dir(&path("/empty"), soon()).unwrap(), "{text:?}");
}

#[test]
fn no_other_file_is_carried_out_as_a_journal() {
    let versions = test_programs::VM_VERSIONS;
    for version in [versions.first(), versions.last()].into_iter().flatten() {
        let image = VmImage::open(&test_programs::vm_version(version)).unwrap();
        let mut board = Board::with(&image, BoardOptions::default());
        board.run("import os\nfor name in os.listdir('/'):\n os.remove('/'+name)");
        board.fs(|fs| {
            fs.make_dir(&path("/s"), soon()).unwrap();
            fs.make_dir(&path("/empty"), soon()).unwrap();
            write(fs, "/main.py", "main");
            write(fs, "/main.py.piton-next", "forged");
            write(fs, "/s/a", "old a");
            write(fs, "/s/b.piton-next", "next");
            for begun in [true, false] {
                for text in [
                    "",
                    "\0",
                    // The form of before, which said nothing of itself.
                    "-../main.py\0-a\0/../empty",
                    "-a\0+b",
                    // Cut off.
                    "piton swap 1",
                    "piton swap 1\0",
                    "piton swap 1\0-a",
                    "piton swap 1\0-a\0",
                    "piton swap 2\0-a\0.",
                    // Whole, and out of its folder.
                    "piton swap 1\0-a\0-../main.py\0.",
                    "piton swap 1\0-/main.py\0.",
                    "piton swap 1\0-x/../../main.py\0.",
                    "piton swap 1\0-.\0.",
                    "piton swap 1\0-a//b\0.",
                    "piton swap 1\0-\0.",
                    "piton swap 1\0\0.",
                    "piton swap 1\0-..\\main.py\0.",
                    "piton swap 1\0+../main.py\0-a\0.",
                    "piton swap 1\0/../empty\0-a\0.",
                    "piton swap 1\0?a\0.",
                ] {
                    foreign_journal(fs, begun, text);
                }
            }
        });
        // No text at all.
        board
            .run("with open('/s/.piton-swap','wb') as f:\n f.write(b'piton swap 1\\0-a\\0\\xff.')");
        board.fs(|fs| {
            assert!(fs.settle_swap(&path("/s"), soon()).is_err());
            assert!(fs.exists(&path("/s/a"), soon()).unwrap());
        });
    }
}

#[test]
fn many_files_with_long_names_are_swapped() {
    let mut board = Board::start(BoardOptions::default());
    board.fs(|fs| {
        fs.make_dir(&path("/s"), soon()).unwrap();
        let names: Vec<String> = (0..40)
            .map(|n| format!("a file with a name that is \u{e4} bit long {n:02}"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let swap = prepare(fs, &names);
        carry_out(fs, &swap).unwrap();
        let all: Vec<String> = names
            .iter()
            .map(|name| format!("{name}=new {name}"))
            .collect();
        assert_eq!(content(fs, "/s"), all.join(" "));
    });
}
