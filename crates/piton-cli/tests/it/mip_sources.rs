//! What packages are made of: what is fetched of them and what is not.

use insta::assert_snapshot;

use crate::mip::Place;
use crate::support::words;

/// The files that were asked for since the last call, without descriptions.
fn fetched(place: &Place) -> usize {
    let requests = place.index.web.take_requests();
    let files = requests.iter().filter(|line| !line.contains(".json"));
    files.count()
}

#[test]
fn what_the_board_has_is_not_fetched() {
    let place = Place::new();
    let install = "mip install --index INDEX tree";
    assert_eq!(place.run(install).code, Some(0));
    assert_eq!(fetched(&place), 4);
    let record = |place: &Place| place.sandbox.read("flash/lib/.piton-mip.json");
    let before = record(&place);
    assert_eq!(place.run(install).code, Some(0));
    assert_eq!(fetched(&place), 0);
    assert_eq!(record(&place), before);
    let outcome = place.run("mip update --index INDEX");
    assert!(
        outcome.stdout().contains("tree is up to date"),
        "{}",
        outcome.stdout()
    );
    assert_eq!(fetched(&place), 0);

    // What is damaged or gone comes again, and nothing else.
    place.sandbox.write("flash/lib/leaf.mpy", "leaf two");
    std::fs::remove_file(place.sandbox.path().join("flash/lib/side.mpy")).unwrap();
    let outcome = place.run(install);
    assert_snapshot!(outcome.stdout().replace(&place.index.url(), "INDEX"), @r"
    Install tree
    Installing tree (latest) from INDEX to /lib
    Exists: /lib/tree/__init__.mpy
    Exists: /lib/tree/sub/deep.mpy
    Installing leaf (latest) from INDEX to /lib
    Installing: /lib/leaf.mpy
    Installing side (latest) from INDEX to /lib
    Installing: /lib/side.mpy
    Done
    ");
    assert_eq!(fetched(&place), 2);
    assert_eq!(place.sandbox.read("flash/lib/leaf.mpy"), b"leaf one");

    // A record that is lost is made again, of what is there.
    std::fs::remove_file(place.sandbox.path().join("flash/lib/.piton-mip.json")).unwrap();
    assert_eq!(place.run(install).code, Some(0));
    assert_eq!(fetched(&place), 0);
    assert_eq!(record(&place), before);
}

#[test]
fn mpremote_and_its_namesake_fetch_the_same() {
    let place = Place::new();
    let line = format!("{} mip install --index INDEX tree", place.connect());
    let line = line.replace("INDEX", &place.index.url());
    let mpremote = |place: &Place| {
        let outcome = place.sandbox.run_words(&words(&format!("mpremote {line}")));
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
        fetched(place)
    };
    assert_eq!(mpremote(&place), 4);
    assert_eq!(mpremote(&place), 0);
    assert!(
        !place
            .sandbox
            .path()
            .join("flash/lib/.piton-mip.json")
            .exists()
    );
    place.sandbox.write("flash/lib/leaf.mpy", "leaf two");
    assert_eq!(mpremote(&place), 1);
    assert_eq!(place.sandbox.read("flash/lib/leaf.mpy"), b"leaf one");
}

#[test]
fn two_packages_with_one_name_for_different_files() {
    let place = Place::new();
    place
        .index
        .package("one", "1", &[("same.mpy", "of one"), ("x.mpy", "x")], &[]);
    place
        .index
        .package("two", "1", &[("same.mpy", "of two"), ("y.mpy", "y")], &[]);
    for _ in 0..2 {
        let outcome = place.run("mip install --index INDEX one two");
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
        assert_eq!(place.sandbox.read("flash/lib/same.mpy"), b"of two");
    }
    // Whatever the board has, the file is needed both ways; the others are there.
    fetched(&place);
    assert_eq!(place.run("mip install --index INDEX two one").code, Some(0));
    assert_eq!(fetched(&place), 2);
    assert_eq!(place.sandbox.read("flash/lib/same.mpy"), b"of one");
}

#[test]
fn a_file_that_moves_to_another_package_stays() {
    let place = Place::new();
    place
        .index
        .package("old", "1", &[("a.mpy", "a"), ("b.mpy", "b")], &[]);
    assert_eq!(place.run("mip install --index INDEX old").code, Some(0));
    place.index.package("old", "2", &[("a.mpy", "a")], &[]);
    place.index.package("new", "1", &[("b.mpy", "b")], &[]);
    // A folder is in the way: the two are installed one by one.
    place.index.package("bad", "1", &[("c.mpy", "c")], &[]);
    std::fs::create_dir(place.sandbox.path().join("flash/lib/c.mpy")).unwrap();
    fetched(&place);
    let outcome = place.run("mip install --index INDEX old new bad");
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr());
    assert_eq!(fetched(&place), 1);
    assert_eq!(place.sandbox.read("flash/lib/b.mpy"), b"b");
    let listed = place.run("mip list").stdout();
    assert!(
        listed.contains("old 2") && listed.contains("new 1"),
        "{listed}"
    );
}

#[test]
fn a_look_before_fetching_is_the_only_one() {
    let place = Place::new();
    let turns = |line: &str| {
        let before = place.board.traffic().turns;
        let outcome = place.run(line);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
        place.board.traffic().turns - before
    };
    let first = turns("mip install --index INDEX leaf");
    let again = turns("mip install --index INDEX leaf");
    assert!(again <= first, "{again} {first}");
    assert!(again <= 13, "{again}");
}
