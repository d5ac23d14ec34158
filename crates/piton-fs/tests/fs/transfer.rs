//! Streams of files: what they carry, and what they cost on the wire.

use piton_fs::error::Error;
use piton_fs::hash::HashAlgorithm;
use piton_fs::transfer::{Arrival, Candidate, Hashing, Outgoing, SendOptions, Step, TransferEvent};
use virtual_board::{BoardOptions, LineOptions, Overrun};

use crate::support::{Board, noise, path, soon};

/// A line like USB, whose board has so many bytes for what it has not read.
fn ring(bytes: usize) -> BoardOptions {
    BoardOptions {
        line: LineOptions {
            receive_ring: Some(bytes),
            overrun: Overrun::Wait,
            ..LineOptions::default()
        },
        ..BoardOptions::default()
    }
}

fn write<'c>(name: &str, content: &'c [u8]) -> Step<'c> {
    Step::Write(Outgoing::from_bytes(path(name), content))
}

/// Send on a fresh connection: it may take so many bytes both ways for each byte of
/// content, and so many turns.
#[track_caller]
fn check_cost(contents: &[Vec<u8>], bytes: f64, turns: usize) {
    let payload: usize = contents.iter().map(Vec::len).sum();
    let names: Vec<String> = (0..contents.len())
        .map(|index| format!("/f{index}"))
        .collect();
    let mut board = Board::start(ring(512));
    let (_, traffic) = board.traffic_from_here(|fs| {
        let files = names.iter().zip(contents);
        let steps = files.map(|(name, content)| write(name, content)).collect();
        fs.send(steps, &SendOptions::default(), &mut |_| {}, soon())
            .unwrap()
    });
    for (name, content) in names.iter().zip(contents).step_by(16) {
        assert!(board.read(name).unwrap() == *content, "{name}");
    }
    let cost = traffic.bytes() as f64 / payload as f64;
    assert!(
        cost <= bytes && traffic.turns <= turns,
        "{cost} {}",
        traffic.turns
    );
}

#[test]
fn the_cost_of_a_large_file_is_bounded() {
    check_cost(&[noise(100 * 1024)], 1.06, 60);
}

#[test]
fn the_cost_of_many_files_is_bounded() {
    let contents: Vec<Vec<u8>> = (0..50).map(|index| noise(2048 + index)).collect();
    check_cost(&contents, 1.10, 80);
}

#[test]
fn the_cost_of_sending_programs_as_source_is_bounded() {
    // 20 kB, beside which the board's program counts for a sixth.
    let source = concat!(
        include_str!("../../device/send.py"),
        include_str!("../../device/mount.py")
    );
    check_cost(&[source.as_bytes().to_vec()], 0.52, 20);
}

#[test]
fn the_cost_of_receiving_is_bounded() {
    let mut board = Board::start(ring(2048));
    let contents = [noise(100 * 1024), noise(0), noise(5000)];
    for (name, content) in ["/f0", "/f1", "/f2"].iter().zip(&contents) {
        board.write(name, content).unwrap();
    }
    board.reconnect();
    let paths = ["/f0", "/f1", "/f2"].map(path);
    let mut received = vec![Vec::new(); 3];
    let mut ended = Vec::new();
    let (summary, traffic) = board.traffic_from_here(|fs| {
        let mut sink = |arrival: Arrival<'_>| {
            match arrival {
                Arrival::Begin { index, size } => {
                    assert_eq!(size, Some(contents[index].len() as u64));
                    received[index].clear();
                }
                Arrival::Content { index, bytes } => received[index].extend_from_slice(bytes),
                Arrival::End { index } => ended.push(index),
            }
            Ok(())
        };
        fs.receive(&paths, &mut sink, &mut |_| {}, soon()).unwrap()
    });
    assert!(received == contents);
    assert_eq!(ended, [0, 1, 2]);
    assert_eq!((summary.files, summary.bytes), (3, 107_400));
    let cost = traffic.bytes() as f64 / 107_400.0;
    assert!(cost <= 1.06, "{cost}");
}

/// 50 files of 2 KiB that are on the board already.
fn fifty_files(board: &mut Board) -> Vec<Candidate> {
    let contents: Vec<Vec<u8>> = (0..50).map(|index| noise(2048 + index)).collect();
    let names: Vec<String> = (0..50)
        .map(|index| format!("/lib/file_{index}.py"))
        .collect();
    let mut steps = vec![Step::MakeDir(path("/lib"))];
    steps.extend(
        names
            .iter()
            .zip(&contents)
            .map(|(name, content)| write(name, content)),
    );
    board
        .fs(|fs| fs.send(steps, &SendOptions::default(), &mut |_| {}, soon()))
        .unwrap();
    let sizes = contents.iter().map(|content| content.len() as u64);
    names
        .iter()
        .zip(sizes)
        .map(|(name, size)| Candidate {
            path: path(name),
            size,
        })
        .collect()
}

#[test]
fn the_cost_of_an_unchanged_tree_is_bounded() {
    let mut board = Board::start(ring(2048));
    let candidates = fifty_files(&mut board);
    let mut found = Vec::new();
    for _ in 0..6 {
        board.run("pass");
        board.repl.friendly(soon()).unwrap();
        board.reconnect();
        let (survey, traffic) =
            board.traffic_from_here(|fs| fs.survey(&[path("/lib")], &candidates, soon()).unwrap());
        assert_eq!(survey.entries.len(), 51);
        for (index, candidate) in candidates.iter().enumerate() {
            let mut entries = survey.entries.iter();
            let entry = entries.find(|entry| entry.path == candidate.path).unwrap();
            let digest = HashAlgorithm::Sha256.digest(&noise(2048 + index));
            assert!(entry.digest.unwrap().matches(&digest), "{candidate:?}");
        }
        found.push((traffic.bytes(), traffic.turns));
        if traffic.bytes() <= 4096 && traffic.turns <= 4 {
            return;
        }
    }
    panic!("{found:?}");
}

#[test]
fn a_survey_lists_files_folders_and_leftovers() {
    let mut board = Board::start(BoardOptions::default());
    let steps = vec![
        Step::MakeDir(path("/a")),
        Step::MakeDir(path("/a")),
        Step::MakeDir(path("/a/b c")),
        write("/a/it's.py", b"print(1)\n"),
        write("/a/b c/\u{fc}.txt", b"12345"),
        write("/main.py", b"12345"),
        write("/gone", b""),
        Step::Remove(path("/gone")),
        Step::Remove(path("/never")),
        Step::MakeDir(path("/e")),
        Step::RemoveDir(path("/e")),
    ];
    board
        .fs(|fs| fs.send(steps, &SendOptions::default(), &mut |_| {}, soon()))
        .unwrap();
    board.run("open('/a/x.piton-new', 'w').close()");
    let candidate = |name: &str, size| Candidate {
        path: path(name),
        size,
    };
    let candidates = [
        candidate("/a/it's.py", 9),
        candidate("/a/b c/\u{fc}.txt", 6),
        candidate("/main.py", 5),
    ];
    let roots = [path("/a"), path("/nowhere"), path("/main.py")];
    let survey = board.fs(|fs| fs.survey_with_space(&roots, &candidates, soon()).unwrap());
    let listed: Vec<(&str, u64, bool)> = survey
        .entries
        .iter()
        .map(|entry| (entry.path.as_str(), entry.size, entry.digest.is_some()))
        .collect();
    assert_eq!(
        listed,
        [
            ("/a", 0, false),
            ("/a/b c", 0, false),
            ("/a/b c/\u{fc}.txt", 5, false),
            ("/a/it's.py", 9, true),
            ("/main.py", 5, true),
        ]
    );
    assert_eq!(survey.leftovers, [path("/a/x.piton-new")]);
    let space = survey.space.unwrap();
    assert!(space.block > 0 && space.free > 1 << 20, "{space:?}");
    // Relative to the current folder, too.
    board.run("import os\nos.chdir('/a')");
    let survey = board.fs(|fs| {
        fs.survey(&[path("")], &[candidate("it's.py", 9)], soon())
            .unwrap()
    });
    let names: Vec<&str> = survey
        .entries
        .iter()
        .map(|entry| entry.path.as_str())
        .collect();
    assert_eq!(names, ["", "b c", "b c/\u{fc}.txt", "it's.py"]);
    assert!(survey.entries[3].digest.is_some());
}

#[test]
fn looked_up_names_have_size_and_digest() {
    let mut board = Board::start(BoardOptions::default());
    board.write("/it's.py", b"12345").unwrap();
    board.write("/main.py", b"123").unwrap();
    let mut wanted = vec![
        (path("/it's.py"), Hashing::IfSize(5)),
        (path("/main.py"), Hashing::IfSize(4)),
        (path("/"), Hashing::Never),
    ];
    // More than one exchange takes.
    let long = "x".repeat(200);
    wanted.extend((0..40).map(|n| (path(&format!("/nowhere/{n}{long}")), Hashing::Always)));
    wanted.push((path("main.py"), Hashing::Always));
    let found = board.fs(|fs| fs.look(&wanted, soon()).unwrap());
    let shown: Vec<(&str, u64, bool)> = found
        .values()
        .map(|entry| (entry.path.as_str(), entry.size, entry.digest.is_some()))
        .collect();
    assert_eq!(
        shown,
        [
            ("/", 0, false),
            ("/it's.py", 5, true),
            ("/main.py", 3, false),
            ("main.py", 3, true),
        ]
    );
    let digest = HashAlgorithm::Sha256.digest(b"12345");
    assert!(found[&path("/it's.py")].digest.unwrap().matches(&digest));
    assert!(board.fs(|fs| fs.look(&[], soon()).unwrap()).is_empty());
}

#[test]
fn steps_after_a_failed_step_are_not_carried_out() {
    let mut board = Board::start(BoardOptions::default());
    let mut done = Vec::new();
    let steps = vec![
        write("/a", b"1"),
        Step::MakeDir(path("/d")),
        write("/nowhere/b", b"2"),
        write("/c", b"3"),
    ];
    let mut events = |event| {
        if let TransferEvent::Done { step } = event {
            done.push(step);
        }
    };
    let mut options = SendOptions::default();
    options.verify = true;
    let error = board
        .fs(|fs| fs.send(steps, &options, &mut events, soon()))
        .unwrap_err();
    assert!(
        matches!(&error, Error::NotFound { path } if path.as_str() == "/nowhere/b"),
        "{error:?}"
    );
    assert_eq!(done, [0, 1]);
    assert_eq!(
        board.run("import os\nprint(sorted(os.listdir('/')))"),
        "['a', 'd']\r\n"
    );
    // A file of the host that has changed.
    let mut file = Outgoing::from_bytes(path("/a"), b"22");
    file.size = 3;
    let error = board
        .fs(|fs| {
            fs.send(
                vec![Step::Write(file)],
                &SendOptions::default(),
                &mut |_| {},
                soon(),
            )
        })
        .unwrap_err();
    assert!(matches!(error, Error::Source { .. }), "{error:?}");
    assert_eq!(board.read("/a").unwrap(), b"1");
}

#[test]
fn a_small_file_is_peeked_at_and_put() {
    let text = "line = 1  # of a text that deflates\n"
        .repeat(300)
        .into_bytes();
    for content in [noise(300), noise(3000), text] {
        look_and_put(&content);
    }
}

fn look_and_put(content: &[u8]) {
    let mut board = Board::start(BoardOptions::default());
    let size = content.len() as u64;
    board.run("import os\nos.mkdir('/d')");
    let mut put = |to: &str, inside: &str, force: bool| {
        board
            .fs(|fs| fs.put(&path(to), &path(inside), content, force, soon()))
            .unwrap()
            .map(|put| (put.in_folder, put.unchanged))
    };
    assert_eq!(put("/f", "/f/f", false), Some((false, false)));
    assert_eq!(put("/f", "/f/f", false), Some((false, true)));
    assert_eq!(put("/f", "/f/f", true), Some((false, false)));
    assert_eq!(put("/d", "/d/f", false), Some((true, false)));
    let digest = HashAlgorithm::Sha256.digest(content);
    let mut peek = |to: &str, inside: &str, size: u64| {
        let peek = board.fs(|fs| fs.peek(&path(to), &path(inside), size, soon()).unwrap());
        let peek = peek.unwrap();
        let digest_matches = peek.digest.map(|found| found.as_slice() == digest);
        (peek.in_folder, digest_matches)
    };
    assert_eq!(peek("/f", "/f/f", size), (false, Some(true)));
    assert_eq!(peek("/f", "/f/f", size - 1), (false, None));
    assert_eq!(peek("/d", "/d/f", size), (true, Some(true)));
    assert_eq!(peek("/d", "/d/none", size), (true, None));
    assert_eq!(peek("/none", "/none/f", size), (false, None));
    assert_eq!(board.read("/d/f").unwrap(), content);
}
