//! What packages are made of: what is fetched of them and what is not, and libraries that have a `manifest.py`.

use insta::assert_snapshot;
use serde_json::json;

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

/// A checkout of micropython-lib, as far as it goes.
fn checkout(place: &Place) {
    for (path, text) in [
        (
            "mpl/python-stdlib/unittest/manifest.py",
            "metadata(version=\"0.10.3\")\n\npackage(\"unittest\")\n",
        ),
        ("mpl/python-stdlib/unittest/unittest/__init__.py", "U = 1\n"),
        ("mpl/python-stdlib/unittest/unittest/sub/x.py", "X = 1\n"),
        (
            "mpl/python-stdlib/unittest/unittest/notes.txt",
            "no source\n",
        ),
        (
            "mpl/python-stdlib/unittest/tests/t.py",
            "not of the package\n",
        ),
        (
            "mpl/python-stdlib/unittest-discover/manifest.py",
            "# all of it\nmetadata(version=\"0.1\")\nrequire(\"unittest\")\nrequire(\"aioble-core\")\n\
             require(\"leaf\")\nmodule(\"unittest_discover.py\", opt=3)\n",
        ),
        (
            "mpl/python-stdlib/unittest-discover/unittest_discover.py",
            "D = 1\n",
        ),
        (
            "mpl/micropython/bluetooth/aioble-core/manifest.py",
            "package(\"aioble\", files=(\"__init__.py\", \"core.py\"), base_path=\"../shared/src\")\n",
        ),
        (
            "mpl/micropython/bluetooth/shared/src/aioble/__init__.py",
            "A = 1\n",
        ),
        (
            "mpl/micropython/bluetooth/shared/src/aioble/core.py",
            "C = 1\n",
        ),
        (
            "mpl/micropython/bluetooth/shared/src/aioble/other.py",
            "not named\n",
        ),
        ("mpl/python-ecosys/README.md", "\n"),
    ] {
        let whole = place.sandbox.path().join(path);
        std::fs::create_dir_all(whole.parent().unwrap()).unwrap();
        place.sandbox.write(path, text);
    }
}

#[test]
fn a_library_with_a_manifest_is_installed() {
    let place = Place::new();
    checkout(&place);
    assert_snapshot!(place.show("mip install mpl/python-stdlib/unittest"), @r"
    $ piton mip install mpl/python-stdlib/unittest
    Install mpl/python-stdlib/unittest
    Installing mpl/python-stdlib/unittest/manifest.py to /lib
    Installing: /lib/unittest/__init__.py
    Installing: /lib/unittest/sub/x.py
    Done
    --- exit 0
    ");
    assert_eq!(
        place.run("mip uninstall mpl/python-stdlib/unittest").code,
        Some(0)
    );
    // What it requires is taken from the same checkout, and else from the index.
    assert_snapshot!(
        place
            .show("mip install --index INDEX ./mpl/python-stdlib/unittest-discover")
            .replace(place.sandbox.path().to_str().unwrap(), "HERE"), @r"
    $ piton mip install --index INDEX ./mpl/python-stdlib/unittest-discover
    Install ./mpl/python-stdlib/unittest-discover
    Installing ./mpl/python-stdlib/unittest-discover/manifest.py to /lib
    Installing: /lib/unittest_discover.py
    Installing leaf (latest) from INDEX to /lib
    Installing: /lib/leaf.mpy
    Installing ./mpl/python-stdlib/unittest/manifest.py to /lib
    Installing: /lib/unittest/__init__.py
    Installing: /lib/unittest/sub/x.py
    Installing HERE/mpl/micropython/bluetooth/aioble-core/manifest.py to /lib
    Installing: /lib/aioble/__init__.py
    Installing: /lib/aioble/core.py
    Done
    --- exit 0
    "
    );
    assert_snapshot!(place.files(), @r"
    /lib/
    /lib/.piton-mip.json: ...
    /lib/aioble/
    /lib/aioble/__init__.py: A = 1

    /lib/aioble/core.py: C = 1

    /lib/leaf.mpy: leaf one
    /lib/unittest/
    /lib/unittest/__init__.py: U = 1

    /lib/unittest/sub/
    /lib/unittest/sub/x.py: X = 1

    /lib/unittest_discover.py: D = 1
    ");
    assert_eq!(
        place
            .run("exec 'import unittest, aioble.core, unittest_discover'")
            .code,
        Some(0)
    );
    // A description in the form of mip comes first.
    place
        .sandbox
        .write("mpl/python-stdlib/unittest/y.py", "Y = 1\n");
    place.sandbox.write(
        "mpl/python-stdlib/unittest/package.json",
        json!({"urls": [["y.py", "y.py"]]}).to_string(),
    );
    let outcome = place.run("mip install mpl/python-stdlib/unittest");
    assert!(
        outcome.stdout().contains("/lib/y.py"),
        "{}",
        outcome.stdout()
    );
}

#[test]
fn a_manifest_that_is_more_than_calls() {
    let place = Place::new();
    std::fs::create_dir_all(place.sandbox.path().join("p/sub")).unwrap();
    std::fs::create_dir(place.sandbox.path().join("q")).unwrap();
    place.sandbox.write("secret.py", "mine\n");
    place.sandbox.write("q/secret.py", "mine\n");
    let mut all = Vec::new();
    for text in [
        "include(\"../other\")\n",
        "module(\"a.py\")\nfor name in [1]:\n    module(name)\n",
        "module(\"../secret.py\")\n",
        "module(\"secret.py\", base_path=\"../\")\n",
        "package(\"q\", base_path=\"../\")\n",
        "package(\".piton-swap\")\n",
        "package(\"none\")\n",
        "module(\"none.py\")\n",
    ] {
        place.sandbox.write("p/manifest.py", text);
        let outcome = place.run("mip install ./p");
        assert_eq!(outcome.code, Some(1), "{text}");
        all.push(format!("{text}{}", outcome.stderr()));
    }
    assert_snapshot!(all.join("\n"), @r#"
    include("../other")
    piton: the package at ./p/manifest.py cannot be used: line 1: `include` is not understood here, except of MicroPython's own manifests (`$(...)`)

    hint: a manifest is understood here if it has only calls such as `module("NAME.py")`; `cp` copies the files as they are, and a `package.json` beside it comes first

    module("a.py")
    for name in [1]:
        module(name)
    piton: the package at ./p/manifest.py cannot be used: line 2: expected a call such as `module("NAME.py")`

    hint: a manifest is understood here if it has only calls such as `module("NAME.py")`; `cp` copies the files as they are, and a `package.json` beside it comes first

    module("../secret.py")
    piton: the package at ./p/manifest.py cannot be used: line 1: `../secret.py` is not a path below a folder: it has a part of dots only

    hint: a manifest is understood here if it has only calls such as `module("NAME.py")`; `cp` copies the files as they are, and a `package.json` beside it comes first

    module("secret.py", base_path="../")
    piton: the package at ./p/manifest.py cannot be used: `../secret.py`: it is not below the folder of its package.json

    package("q", base_path="../")
    piton: it is not in the folder of its library, nor in the same checkout of micropython-lib opening ./p/../q

    package(".piton-swap")
    piton: the package at ./p/manifest.py cannot be used: line 1: `.piton-swap` is refused: names with `.piton-` are reserved for records that piton keeps

    hint: a manifest is understood here if it has only calls such as `module("NAME.py")`; `cp` copies the files as they are, and a `package.json` beside it comes first

    package("none")
    piton: No such file or directory (os error 2) opening ./p/none

    module("none.py")
    piton: No such file or directory (os error 2) opening ./p/none.py
    "#);
    std::fs::remove_file(place.sandbox.path().join("p/manifest.py")).unwrap();
    assert_snapshot!(place.run("mip install ./p").stderr(), @r"
    piton: No such file or directory (os error 2) opening ./p/package.json

    hint: a package in a folder has a `package.json`, or a `manifest.py` as in micropython-lib
    ");
    assert_eq!(place.files(), "");
}
