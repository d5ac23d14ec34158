//! `build` and `deploy` onto a FAT drive that loses its power, is full, or may not be written.
//!
//! Linux's own driver writes to an image of a drive and each write is logged (`test_programs::vfat`); MicroPython's own
//! file system makes the image, and reads every state of it that a power cut could leave.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::process::Stdio;

use insta::assert_snapshot;

use test_programs::vfat::{self, Outcome, SECTOR, Step, Write};

use crate::support::{Sandbox, run, words};

/// How many steps a guest takes within its time.
const STEPS: usize = 40;

/// Files by path, with the hash of their content, or with why it cannot be read. Folders end with a slash.
type Listing = BTreeMap<String, String>;

/// Whether a command is run again after each cut, which takes minutes, instead of after some.
const EVERY_CUT: bool = false;

/// Size of the drives, as small as those of the smallest boards.
const SIZE: usize = 256 << 10;

/// Orders to MicroPython, as `fat.py` takes them.
#[derive(Default)]
struct Orders(Vec<u8>);

impl Orders {
    fn number(&mut self, number: usize) {
        self.0.extend(u32::try_from(number).unwrap().to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.extend(bytes);
    }

    fn load(&mut self, image: &[u8]) {
        self.0.push(b'I');
        self.bytes(image);
    }

    fn folder(&mut self, path: &str) {
        self.0.push(b'D');
        self.bytes(path.as_bytes());
    }

    fn file(&mut self, path: &str, content: &[u8]) {
        self.0.push(b'F');
        self.bytes(path.as_bytes());
        self.bytes(content);
    }

    fn sector(&mut self, at: usize, bytes: &[u8]) {
        self.0.push(b'W');
        self.number(at);
        self.bytes(bytes);
    }

    /// Fill the drive up to this many bytes.
    fn fill(&mut self, left: usize) {
        self.0.push(b'L');
        self.number(left);
    }

    fn survey(&mut self) {
        self.0.push(b'S');
    }

    /// What MicroPython answers.
    fn send(self) -> Vec<u8> {
        let sandbox = Sandbox::new();
        sandbox.write("orders", &self.0);
        let mut command = test_programs::micropython_unix();
        command.args(["-X", "heapsize=64m"]);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fat.py"));
        command.stdin(Stdio::from(
            File::open(sandbox.path().join("orders")).unwrap(),
        ));
        let outcome = run(command);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
        outcome.stdout
    }

    /// The answers to all surveys.
    fn listings(self) -> Vec<Listing> {
        let text = String::from_utf8(self.send()).unwrap();
        let mut known: Vec<Listing> = Vec::new();
        let mut listings = Vec::new();
        for answer in text.split_terminator("\n\n") {
            let answer = answer.trim_start_matches('\n');
            let listing = match answer.strip_prefix('=') {
                Some(number) => known[number.parse::<usize>().unwrap()].clone(),
                None => {
                    let lines = answer.strip_prefix('+').unwrap().lines();
                    let pairs = lines.filter_map(|line| line.split_once('\t'));
                    let pairs = pairs.map(|(path, hash)| (path.to_owned(), hash.to_owned()));
                    known.push(pairs.collect());
                    known.last().unwrap().clone()
                }
            };
            listings.push(listing);
        }
        listings
    }
}

/// A drive of this size with these files; a path with a slash at its end is a folder. Where nothing is, there is what
/// was deleted once, and looks like the entries of a folder.
fn drive(size: usize, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut orders = Orders(vec![b'N']);
    orders.number(size);
    orders.file("garbage", &vec![b'x'; size - 40 * 1024]);
    orders.0.push(b'R');
    orders.bytes(b"garbage");
    for (path, content) in files {
        match path.strip_suffix('/') {
            Some(folder) => orders.folder(folder),
            None => orders.file(path, content),
        }
    }
    orders.0.push(b'O');
    let image = orders.send();
    assert_eq!(image.len(), size);
    image
}

/// What MicroPython finds on drives.
fn survey(images: &[&[u8]]) -> Vec<Listing> {
    let mut orders = Orders::default();
    for image in images {
        orders.load(image);
        orders.survey();
    }
    orders.listings()
}

/// A command of piton, with the drive mounted.
fn step(sandbox: &Sandbox, image: &[u8], options: &str, line: &str) -> Step {
    let mut command = sandbox.piton();
    command.args(words(line));
    command.env("SOURCE_DATE_EPOCH", "1770000000");
    Step {
        image: image.to_vec(),
        options: options.to_owned(),
        command,
        logged: false,
    }
}

fn run_guest(steps: &[Step]) -> Vec<Outcome> {
    steps.chunks(STEPS).flat_map(vfat::run).collect()
}

/// One state that a power cut can leave.
struct State {
    listing: Listing,
    /// How many sectors were written, if it is the first ones.
    written: Option<usize>,
    /// The command had ended before.
    ended: bool,
    /// How it came to be, for a message.
    how: String,
}

/// Every state that a power cut can leave: after each sector of each write; and, since a drive may reorder what lies
/// between two flushes, with each of these sectors written before all others there, or after them.
fn states(before: &[u8], outcome: &Outcome) -> Vec<State> {
    let mut orders = Orders::default();
    orders.load(before);
    orders.survey();
    let mut marks = vec![(false, String::from("before"), Some(0))];
    let mut image = before.to_vec();
    let (mut ended, mut written) = (false, 0);
    for (number, epoch) in epochs(&outcome.writes).into_iter().enumerate() {
        let base = image.clone();
        let put = |orders: &mut Orders, image: &mut Vec<u8>, at: usize, bytes: &[u8]| {
            image[at * SECTOR..(at + 1) * SECTOR].copy_from_slice(bytes);
            orders.sector(at, bytes);
        };
        let places: BTreeSet<usize> = epoch.sectors.iter().map(|(at, _)| *at).collect();
        for late in &places {
            let mut early = base.clone();
            for (at, bytes) in epoch.sectors.iter().filter(|(at, _)| at == late) {
                put(&mut orders, &mut early, *at, bytes);
                orders.survey();
                marks.push((ended, format!("epoch {number}: only {at}"), None));
            }
            put(&mut orders, &mut early, *late, sector(&base, *late));
        }
        for (at, bytes) in &epoch.sectors {
            put(&mut orders, &mut image, *at, bytes);
            orders.survey();
            written += 1;
            marks.push((ended, format!("epoch {number}: up to {at}"), Some(written)));
        }
        for late in &places {
            let last = sector(&image, *late).to_vec();
            put(&mut orders, &mut image, *late, sector(&base, *late));
            orders.survey();
            marks.push((ended, format!("epoch {number}: all but {late}"), None));
            put(&mut orders, &mut image, *late, &last);
        }
        ended |= epoch.ended;
    }
    let listings = orders.listings();
    assert_eq!(listings.len(), marks.len());
    let states = marks.into_iter().zip(listings);
    states
        .map(|((ended, how, written), listing)| State {
            listing,
            written,
            ended,
            how,
        })
        .collect()
}

fn sector(image: &[u8], at: usize) -> &[u8] {
    &image[at * SECTOR..(at + 1) * SECTOR]
}

/// What is written between two flushes.
#[derive(Default)]
struct Epoch<'a> {
    sectors: Vec<(usize, &'a [u8])>,
    /// The command ended after it.
    ended: bool,
}

fn epochs(writes: &[Write]) -> Vec<Epoch<'_>> {
    let mut epochs = vec![Epoch::default()];
    for write in writes {
        let last = epochs.last_mut().unwrap();
        match write {
            Write::Sectors { at, bytes } => {
                last.sectors.extend((*at..).zip(bytes.chunks(SECTOR)));
            }
            Write::Flush => epochs.push(Epoch::default()),
            Write::Ended => {
                last.ended = true;
                epochs.push(Epoch::default());
            }
        }
    }
    epochs
}

/// A module of about this many bytes.
fn module(name: &str, lines: usize) -> String {
    let line = |number| format!("def {name}_{number}(x):\n    return x + {number}\n");
    (0..lines).map(line).collect()
}

/// Build what is in `src`.
fn build(sandbox: &Sandbox) {
    let line = "build --target micropython --data *.toml";
    let outcome = run(step(sandbox, &[], "", line).command);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
}

/// A built version of a program, and a drive with an older one.
fn program() -> (Sandbox, Vec<u8>) {
    let sandbox = Sandbox::new();
    std::fs::create_dir_all(sandbox.path().join("src/lib/package")).unwrap();
    for (name, content) in [
        ("code.py", String::from("import foo\nprint('new')\n")),
        ("boot.py", String::from("print('new boot')\n")),
        ("settings.toml", String::from("version = 'new'\n")),
        ("helper.py", module("helper", 4)),
        ("more.toml", String::from("more = 1\n")),
        ("lib/foo.py", module("foo", 40)),
        ("lib/larger.py", module("larger", 60)),
        ("lib/smaller.py", module("smaller", 2)),
        ("lib/same.py", module("same", 20)),
        ("lib/a_module_with_a_long_name.py", module("long", 10)),
        ("lib/package/__init__.py", String::new()),
        ("lib/package/inner.py", module("inner", 5)),
    ] {
        sandbox.write(&format!("src/{name}"), content);
    }
    build(&sandbox);
    let same = sandbox.read("build/mpy/lib/same.mpy");
    let image = drive(
        SIZE,
        &[
            ("code.py", b"print('old')\n"),
            ("boot.py", b"print('old boot')\n"),
            ("settings.toml", &[b'#'; 3000]),
            ("lib/", b""),
            ("lib/foo.py", &[b'o'; 2500]),
            ("lib/larger.mpy", &[b'l'; 700]),
            ("lib/smaller.mpy", &[b's'; 6000]),
            ("lib/same.mpy", &same),
            ("lib/mine.py", &[b'm'; 2000]),
            ("LOG.TXT", &[b't'; 4000]),
        ],
    );
    (sandbox, image)
}

/// What the drive has to hold when `deploy` has done its work.
fn deployed(before: &Listing, sandbox: &Sandbox) -> Listing {
    let manifest: serde_json::Value =
        serde_json::from_slice(&sandbox.read("build/manifest.json")).unwrap();
    let mut after = before.clone();
    for file in manifest["files"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap();
        after.insert(path.to_owned(), file["sha256"].as_str().unwrap().to_owned());
        for (at, _) in path.match_indices('/') {
            after.insert(path[..=at].to_owned(), String::new());
        }
    }
    after.remove("lib/foo.py");
    after
}

/// What is wrong with a state between two listings.
fn torn(state: &Listing, old: &Listing, new: &Listing) -> Vec<String> {
    let mut wrong = Vec::new();
    for (path, hash) in state {
        let hidden = path.split('/').any(|part| part.starts_with(".piton"));
        if !hidden && old.get(path) != Some(hash) && new.get(path) != Some(hash) {
            wrong.push(format!("`{path}` is neither old nor new: {hash}"));
        }
    }
    for path in old.keys().filter(|path| !state.contains_key(*path)) {
        if new.contains_key(path) || path != "lib/foo.py" {
            wrong.push(format!("`{path}` is lost"));
        } else if state.get("lib/foo.mpy") != new.get("lib/foo.mpy") {
            wrong.push(format!("`{path}` went before the other came"));
        }
    }
    let is_new = |path: &String| state.get(path) == new.get(path);
    let program = String::from("code.py");
    if is_new(&program) {
        for path in new.keys().filter(|path| !is_new(path)) {
            wrong.push(format!("`code.py` is new, `{path}` is not"));
        }
    }
    wrong
}

/// The drive after the first sectors that were written.
fn cut(before: &[u8], writes: &[Write], written: usize) -> Vec<u8> {
    let mut image = before.to_vec();
    let epochs = epochs(writes);
    let sectors = epochs.iter().flat_map(|epoch| &epoch.sectors);
    for (at, bytes) in sectors.take(written) {
        image[at * SECTOR..(at + 1) * SECTOR].copy_from_slice(bytes);
    }
    image
}

fn told(outcome: &Outcome) -> String {
    String::from_utf8_lossy(&outcome.stderr).into_owned()
}

/// What the kernel's driver says when it finds a file system that is damaged.
fn complaints(outcome: &Outcome) -> Vec<&str> {
    let lines = outcome.kernel.lines();
    lines.filter(|line| line.contains("error")).collect()
}

/// A logged `deploy`, and the states that cutting it leaves.
fn cut_deploy(sandbox: &Sandbox, before: &[u8], options: &str) -> (Outcome, Vec<State>) {
    let mut step = step(sandbox, before, options, "deploy --to /drive");
    step.logged = true;
    let outcome = run_guest(&[step]).remove(0);
    assert_eq!(outcome.code, 0, "{}", told(&outcome));
    assert_eq!(complaints(&outcome), [""; 0]);
    let states = states(before, &outcome);
    (outcome, states)
}

/// Cut a `deploy` everywhere, look at what is there, and do it again after some of the cuts: `edges` at the start and at
/// the end, where the hidden folder comes and goes, and every 24th.
fn check_deploy(options: &str, edges: usize) {
    let (sandbox, before) = program();
    let old = survey(&[&before]).remove(0);
    let new = deployed(&old, &sandbox);
    let (outcome, states) = cut_deploy(&sandbox, &before, options);
    for state in &states {
        assert_eq!(torn(&state.listing, &old, &new), [""; 0], "{}", state.how);
        assert!(
            !state.ended || state.listing == new,
            "{}: not there yet",
            state.how
        );
    }
    let all: Vec<usize> = states.iter().filter_map(|state| state.written).collect();
    let is_edge = |written: &usize| *written < edges || written + edges > all.len();
    let cuts: Vec<usize> = all
        .iter()
        .copied()
        .filter(|written| EVERY_CUT || is_edge(written) || written % 24 == 0)
        .collect();
    let again: Vec<Step> = cuts
        .iter()
        .map(|written| {
            let image = cut(&before, &outcome.writes, *written);
            step(&sandbox, &image, options, "deploy --to /drive")
        })
        .collect();
    let outcomes = run_guest(&again);
    let images: Vec<&[u8]> = outcomes
        .iter()
        .map(|outcome| outcome.image.as_slice())
        .collect();
    for ((outcome, mut listing), written) in outcomes.iter().zip(survey(&images)).zip(cuts) {
        assert_eq!(
            (outcome.code, complaints(outcome)),
            (0, vec![]),
            "{written} sectors written: {}",
            told(outcome)
        );
        // A hidden folder that the cut damaged is left alone.
        listing.retain(|path, _| !path.starts_with(".piton-part/"));
        assert_eq!(listing, new, "{written} sectors written");
    }
}

#[test]
fn a_deploy_survives_a_power_cut() {
    check_deploy("rw", 8);
}

/// As desktops mount drives that are plugged in (udisks).
#[test]
fn a_deploy_survives_a_power_cut_where_files_are_flushed_when_closed() {
    check_deploy("rw,flush", 0);
}

/// Linux then writes each change at once, in an order that nobody can choose, and without flushes between: a new file is
/// empty for a moment, and a part has the place of its file for another one.
#[test]
fn a_deploy_to_a_drive_that_is_written_at_once() {
    let (sandbox, before) = program();
    let old = survey(&[&before]).remove(0);
    let new = deployed(&old, &sandbox);
    let (outcome, states) = cut_deploy(&sandbox, &before, "rw,sync");
    let empty = survey(&[&drive(SIZE, &[("empty", b"")])]).remove(0);
    let empty = empty.values().next().unwrap();
    let mut shared = Vec::new();
    for state in states.iter().filter(|state| state.written.is_some()) {
        let mut listing = state.listing.clone();
        listing.retain(|path, hash| old.contains_key(path) || hash != empty);
        assert_eq!(torn(&listing, &old, &new), [""; 0], "{}", state.how);
        let part = |path: &str| path.starts_with(".piton-part/new/") && path.len() > 16;
        let part = state.listing.iter().find(|(path, _)| part(path));
        let is_shared = part.is_some_and(|(path, hash)| {
            let mut others = state.listing.iter().filter(|(other, _)| *other != path);
            hash != empty && others.any(|(_, other)| other == hash)
        });
        shared.extend(state.written.filter(|_| is_shared));
    }
    let again: Vec<Step> = shared
        .iter()
        .step_by(7)
        .map(|written| {
            let image = cut(&before, &outcome.writes, *written);
            step(&sandbox, &image, "rw,sync", "deploy --to /drive")
        })
        .collect();
    assert!(again.len() > 1);
    for (outcome, step) in run_guest(&again).iter().zip(&again) {
        let told = told(outcome);
        assert!(
            told.contains("which may have the same place on the drive as"),
            "{told}"
        );
        assert!(
            told.contains("hint: unmount the drive and have its file system mended"),
            "{told}"
        );
        assert_eq!(survey(&[&outcome.image]), survey(&[&step.image]));
    }
}

/// Either all of it is there, or nothing has changed and the message says what to do.
#[test]
fn a_deploy_to_a_drive_that_is_full() {
    let (sandbox, before) = program();
    let old = survey(&[&before]).remove(0);
    let new = deployed(&old, &sandbox);
    let steps = [0, 3072, 3584, 4096, 6656].map(|left| {
        let mut orders = Orders::default();
        orders.load(&before);
        orders.fill(left);
        orders.0.push(b'O');
        step(&sandbox, &orders.send(), "rw", "deploy --to /drive")
    });
    let outcomes = run_guest(&steps);
    let images: Vec<&[u8]> = outcomes
        .iter()
        .map(|outcome| outcome.image.as_slice())
        .collect();
    let mut shown = String::new();
    for (outcome, mut listing) in outcomes.iter().zip(survey(&images)) {
        assert_eq!(complaints(outcome), [""; 0]);
        assert!(listing.remove("FULL.BIN").is_some());
        assert_eq!(listing, if outcome.code == 0 { &new } else { &old }.clone());
        let _ = write!(shown, "--- exit {}\n{}", outcome.code, told(outcome));
    }
    assert_snapshot!(shown);
}

/// What only the file system itself knows, or refuses: nothing changes, or each file is old or new, and the message
/// says what to do.
#[test]
fn a_deploy_that_the_drive_refuses() {
    let (sandbox, before) = program();
    let mut orders = Orders::default();
    orders.load(&before);
    for number in 0..600 {
        // The folder at the top has a fixed size. It may be full before that many.
        orders.0.push(b'T');
        orders.bytes(format!("FILE{number:03}.TXT").as_bytes());
    }
    orders.0.push(b'O');
    let crowded = orders.send();
    let deploy = |image: &[u8], options: &str| step(&sandbox, image, options, "deploy --to /drive");
    let steps = [deploy(&before, "ro"), deploy(&crowded, "rw")];
    let mut shown = String::new();
    for (outcome, step) in run_guest(&steps).iter().zip(&steps) {
        assert_eq!(complaints(outcome), [""; 0]);
        assert_eq!(survey(&[&outcome.image]), survey(&[&step.image]));
        let _ = write!(shown, "--- exit {}\n{}", outcome.code, told(outcome));
    }
    assert_snapshot!(shown);
}

/// Names on FAT have no case, and some are none.
#[test]
fn a_deploy_of_names_that_fat_takes_otherwise() {
    let (sandbox, _) = program();
    let before = drive(
        SIZE,
        &[
            ("LIB/", b""),
            ("LIB/FOO.PY", b"stale"),
            ("LIB/LARGER.MPY", b"old"),
            ("CODE.PY", b"old"),
        ],
    );
    let mut steps = vec![step(&sandbox, &before, "rw", "deploy --to /drive")];
    let mut sandboxes = Vec::new();
    let names = ["Settings.toml", "what?.toml", "dot./x.toml"];
    for name in names {
        let (sandbox, before) = program();
        let path = sandbox.path().join("src").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "x = 1\n").unwrap();
        build(&sandbox);
        steps.push(step(&sandbox, &before, "rw", "deploy --to /drive"));
        sandboxes.push(sandbox);
    }
    let mut outcomes = run_guest(&steps);
    let outcome = outcomes.remove(0);
    assert_eq!(outcome.code, 0, "{}", told(&outcome));
    let lower = |listing: &Listing| -> Listing {
        listing
            .iter()
            .map(|(path, hash)| (path.to_lowercase(), hash.clone()))
            .collect()
    };
    let old = lower(&survey(&[&before]).remove(0));
    let new = deployed(&old, &sandbox);
    assert_eq!(lower(&survey(&[&outcome.image]).remove(0)), new);

    let mut shown = String::new();
    for ((outcome, step), name) in outcomes.iter().zip(&steps[1..]).zip(names) {
        assert!(outcome.image == step.image);
        let _ = write!(
            shown,
            "--- {name}: exit {}\n{}",
            outcome.code,
            told(outcome)
        );
    }
    assert_snapshot!(shown);
}

/// The line that builds onto the drive, without what takes most of the time of a guest: the machine's cache.
const BUILD: &str = "build --data *.toml --out /drive/build --no-cache --no-archives";

/// A drive with the results of an older version, and with a file and a folder beside them that are not ours.
fn built() -> (Sandbox, Vec<u8>, Listing) {
    let (sandbox, image) = program();
    sandbox.write("src/code.py", "print('old')\n");
    sandbox.write("src/lib/larger.py", module("larger", 3));
    sandbox.write("src/lib/gone.py", module("gone", 3));
    let outcome = run_guest(&[step(&sandbox, &image, "rw", BUILD)]).remove(0);
    assert_eq!(outcome.code, 0, "{}", told(&outcome));
    let mut orders = Orders::default();
    orders.load(&outcome.image);
    orders.file("build/notes.txt", &[b'n'; 1500]);
    orders.folder("build/mine");
    orders.file("build/mine/inner.txt", &[b'i'; 600]);
    orders.0.push(b'O');
    let image = orders.send();
    sandbox.write("src/code.py", "print('new')\n");
    sandbox.write("src/lib/larger.py", module("larger", 60));
    std::fs::remove_file(sandbox.path().join("src/lib/gone.py")).unwrap();
    let listing = survey(&[&image]).remove(0);
    (sandbox, image, listing)
}

/// What is below a folder.
fn below(listing: &Listing, folder: &str) -> Listing {
    let inside = listing.iter().filter_map(|(path, hash)| {
        let path = path.strip_prefix(folder)?;
        (!path.is_empty()).then(|| (path.to_owned(), hash.clone()))
    });
    inside.collect()
}

/// Everything but the results and what is hidden.
fn beside(listing: &Listing) -> Listing {
    let mut others = listing.clone();
    others.retain(|path, _| !path.starts_with("build/") && !path.starts_with(".piton-"));
    others
}

/// Cut a `build` everywhere, look at what is there, and do it again after some of the cuts.
fn check_build(options: &str) {
    let (sandbox, before, listing) = built();
    let old = below(&listing, "build/");
    let mut logged = step(&sandbox, &before, options, BUILD);
    logged.logged = true;
    let outcome = run_guest(&[logged]).remove(0);
    assert_eq!(
        (outcome.code, complaints(&outcome)),
        (0, vec![]),
        "{}",
        told(&outcome)
    );
    let after = survey(&[&outcome.image]).remove(0);
    let new = below(&after, "build/");
    assert_ne!(old, new);
    assert_eq!(new.get("notes.txt"), old.get("notes.txt"));
    assert_eq!(new.get("mine/inner.txt"), old.get("mine/inner.txt"));
    assert!(
        !after.keys().any(|path| path.starts_with(".piton")),
        "{after:#?}"
    );
    let states = states(&before, &outcome);
    let mut absent = Vec::new();
    for state in &states {
        assert_eq!(beside(&state.listing), beside(&listing), "{}", state.how);
        let results = below(&state.listing, "build/");
        if !state.listing.contains_key("build/") {
            let hidden = |name| below(&state.listing, &format!(".piton-part-build/new/{name}/"));
            assert!(
                hidden("old") == old || hidden("new") == new,
                "{}: nothing is whole",
                state.how
            );
            absent.extend(state.written);
        } else {
            assert!(
                results == old || results == new,
                "{}: mixed\n{results:#?}",
                state.how
            );
        }
        assert!(
            !state.ended || results == new,
            "{}: not there yet",
            state.how
        );
    }
    let mut cuts: Vec<usize> = states.iter().filter_map(|state| state.written).collect();
    if !EVERY_CUT {
        cuts = cuts.into_iter().step_by(41).chain(absent).collect();
    }
    let again: Vec<Step> = cuts
        .iter()
        .map(|written| {
            step(
                &sandbox,
                &cut(&before, &outcome.writes, *written),
                options,
                BUILD,
            )
        })
        .collect();
    let outcomes = run_guest(&again);
    let images: Vec<&[u8]> = outcomes
        .iter()
        .map(|outcome| outcome.image.as_slice())
        .collect();
    for ((outcome, mut listing), written) in outcomes.iter().zip(survey(&images)).zip(cuts) {
        assert_eq!(
            (outcome.code, complaints(outcome)),
            (0, vec![]),
            "{written} sectors written: {}",
            told(outcome)
        );
        listing.retain(|path, _| !path.starts_with(".piton-part-build/"));
        assert_eq!(listing, after, "{written} sectors written");
    }
}

#[test]
fn a_build_survives_a_power_cut() {
    check_build("rw");
}

/// The old results stay, nothing else does, and the message says what to do.
#[test]
fn a_build_onto_a_drive_that_does_not_take_it() {
    let (sandbox, before, old) = built();
    let full = |left| {
        let mut orders = Orders::default();
        orders.load(&before);
        orders.fill(left);
        orders.0.push(b'O');
        orders.send()
    };
    let steps = [
        (full(0), "rw"),
        (full(2048), "rw"),
        (full(8192), "rw"),
        (before.clone(), "ro"),
    ]
    .map(|(image, options)| step(&sandbox, &image, options, BUILD));
    for outcome in run_guest(&steps) {
        assert_eq!(
            (outcome.code, complaints(&outcome)),
            (1, vec![]),
            "{}",
            told(&outcome)
        );
        assert!(
            told(&outcome).contains("hint: the last results are unchanged; "),
            "{}",
            told(&outcome)
        );
        let mut listing = survey(&[&outcome.image]).remove(0);
        listing.remove("FULL.BIN");
        assert_eq!(listing, old);
    }
}
