//! Packages, from an index that the test serves, beside mpremote where it has the command.

use std::sync::Arc;
use std::time::Duration;

use insta::assert_snapshot;
use serde_json::{Value, json};
use virtual_board::serve::TcpServer;
use virtual_board::{BoardOptions, Fault, Flash, Outage, VirtualBoard};

use crate::support::{Outcome, Sandbox, image, run, words};
use crate::web::{Answer, Web};

/// An index with the packages that the tests install.
pub(crate) struct Index {
    pub(crate) web: Web,
}

impl Index {
    fn new() -> Index {
        let index = Index { web: Web::start() };
        index.package("leaf", "1.0", &[("leaf.mpy", "leaf one")], &[]);
        index.package(
            "tree",
            "2.0",
            &[("tree/__init__.mpy", "tree"), ("tree/sub/deep.mpy", "deep")],
            &["leaf", "side"],
        );
        index.package("side", "0.1", &[("side.mpy", "side")], &["leaf"]);
        index.package("ring", "1", &[("ring.mpy", "ring")], &["chain"]);
        index.package("chain", "1", &[("chain.mpy", "chain")], &["ring"]);
        index
    }

    pub(crate) fn url(&self) -> String {
        self.web.url("/pi")
    }

    /// Serve a package, as newest version and under its number, compiled and as sources.
    pub(crate) fn package(&self, name: &str, version: &str, files: &[(&str, &str)], deps: &[&str]) {
        for (folder, suffix) in [("6", ""), ("py", " (source)")] {
            let mut hashes = Vec::new();
            for (path, content) in files {
                let content = format!("{content}{suffix}");
                let hash = &sha256(&content)[..8];
                let path = match folder {
                    "py" => path.replace(".mpy", ".py"),
                    _ => (*path).to_owned(),
                };
                self.web
                    .put_text(&format!("/pi/file/{}/{hash}", &hash[..2]), &*content);
                hashes.push(json!([path, hash]));
            }
            let deps: Vec<Value> = deps.iter().map(|name| json!([name, "latest"])).collect();
            self.describe(
                folder,
                name,
                version,
                &json!({"v": 1, "version": version, "hashes": hashes, "deps": deps}),
            );
        }
    }

    /// Serve a description.
    fn describe(&self, folder: &str, name: &str, version: &str, description: &Value) {
        for version in [version, "latest"] {
            self.web.put_text(
                &format!("/pi/package/{folder}/{name}/{version}.json"),
                description.to_string(),
            );
        }
    }
}

fn sha256(content: &str) -> String {
    let digest = piton::fs::hash::HashAlgorithm::Sha256.digest(content.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A sandbox, the index, and a board whose files are in the sandbox's folder `flash`.
pub(crate) struct Place {
    pub(crate) sandbox: Sandbox,
    pub(crate) index: Index,
    server: TcpServer,
    pub(crate) board: Arc<VirtualBoard>,
}

impl Place {
    pub(crate) fn new() -> Place {
        let sandbox = Sandbox::new();
        let flash = sandbox.path().join("flash");
        std::fs::create_dir(&flash).unwrap();
        let options = BoardOptions {
            flash: Flash::Directory(flash),
            ..BoardOptions::default()
        };
        let board = Arc::new(VirtualBoard::start(image(), options).unwrap());
        Place {
            sandbox,
            index: Index::new(),
            server: virtual_board::serve::tcp(Arc::clone(&board), "127.0.0.1:0").unwrap(),
            board,
        }
    }

    /// Run a line on the board; `INDEX` and `WEB` stand for the server's addresses.
    pub(crate) fn run(&self, line: &str) -> Outcome {
        let line = line
            .replace("INDEX", &self.index.url())
            .replace("WEB", &self.index.web.url(""));
        self.sandbox
            .run_words(&words(&format!("{} {line}", self.connect())))
    }

    pub(crate) fn connect(&self) -> String {
        format!("connect socket://{}", self.server.local_addr())
    }

    /// What a line prints, in words.
    pub(crate) fn show(&self, line: &str) -> String {
        let outcome = self.run(line);
        let mut text = format!("$ piton {line}\n{}", outcome.stdout());
        if !outcome.stderr.is_empty() {
            text.push_str("--- stderr\n");
            text.push_str(&outcome.stderr());
        }
        let text = text
            .replace(&self.index.url(), "INDEX")
            .replace(&self.index.web.url(""), "WEB");
        format!("{text}--- exit {}", outcome.code.unwrap())
    }

    /// The files on the board, with what is in them if it is short.
    pub(crate) fn files(&self) -> String {
        let mut lines = Vec::new();
        collect(&self.sandbox.path().join("flash"), "", &mut lines);
        lines.sort();
        lines.join("\n")
    }
}

fn collect(folder: &std::path::Path, below: &str, lines: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            lines.push(format!("{name}/"));
            collect(&entry.path(), &name, lines);
        } else {
            let content = std::fs::read_to_string(entry.path()).unwrap();
            let content = if content.len() < 50 {
                content
            } else {
                "...".to_owned()
            };
            lines.push(format!("{name}: {content}"));
        }
    }
}

#[test]
fn from_nothing_to_nothing() {
    let place = Place::new();
    assert_snapshot!(place.show("mip install --index INDEX tree"), @r"
    $ piton mip install --index INDEX tree
    Install tree
    Installing tree (latest) from INDEX to /lib
    Installing: /lib/tree/__init__.mpy
    Installing: /lib/tree/sub/deep.mpy
    Installing leaf (latest) from INDEX to /lib
    Installing: /lib/leaf.mpy
    Installing side (latest) from INDEX to /lib
    Installing: /lib/side.mpy
    Done
    --- exit 0
    ");
    assert_snapshot!(place.files(), @r"
    /lib/
    /lib/.piton-mip.json: ...
    /lib/leaf.mpy: leaf one
    /lib/side.mpy: side
    /lib/tree/
    /lib/tree/__init__.mpy: tree
    /lib/tree/sub/
    /lib/tree/sub/deep.mpy: deep
    ");
    // Again: nothing is sent.
    assert_snapshot!(place.show("mip install --index INDEX tree"), @r"
    $ piton mip install --index INDEX tree
    Install tree
    Installing tree (latest) from INDEX to /lib
    Exists: /lib/tree/__init__.mpy
    Exists: /lib/tree/sub/deep.mpy
    Installing leaf (latest) from INDEX to /lib
    Exists: /lib/leaf.mpy
    Installing side (latest) from INDEX to /lib
    Exists: /lib/side.mpy
    Done
    --- exit 0
    ");
    assert_snapshot!(place.show("mip list"), @r"
    $ piton mip list
    tree 2.0
    leaf 1.0  (needed)
    side 0.1  (needed)
    --- exit 0
    ");
    assert_snapshot!(place.show("--json mip list leaf"), @r#"
    $ piton --json mip list leaf
    [{"name":"leaf","version":"1.0","source":"leaf@latest","index":"INDEX","mpy":true,"requested":false,"needs":[],"files":[["leaf.mpy","bc076b11b82ea3c8f2e094f0b0d8b510b1a8aff0378f0832e7f6eafa32286ff2"]]}]
    --- exit 0
    "#);
    place
        .index
        .package("leaf", "1.1", &[("leaf/__init__.mpy", "leaf two")], &[]);
    assert_snapshot!(place.show("mip update"), @r"
    $ piton mip update
    Installing tree (latest) from INDEX to /lib
    Installing leaf (latest) from INDEX to /lib
    Installing: /lib/leaf/__init__.mpy
    Installing side (latest) from INDEX to /lib
    Removed: /lib/leaf.mpy
    tree: updated
    --- exit 0
    ");
    assert_snapshot!(place.show("mip update"), @r"
    $ piton mip update
    Installing tree (latest) from INDEX to /lib
    Installing leaf (latest) from INDEX to /lib
    Installing side (latest) from INDEX to /lib
    tree is up to date
    --- exit 0
    ");
    assert_snapshot!(place.show("mip uninstall leaf"), @r"
    $ piton mip uninstall leaf
    --- stderr
    piton: leaf is needed by tree, side

    hint: uninstall tree, side first
    --- exit 1
    ");
    // Somebody changes a file.
    std::fs::write(
        place.sandbox.path().join("flash/lib/tree/sub/deep.mpy"),
        "mine",
    )
    .unwrap();
    assert_snapshot!(place.show("mip uninstall tree"), @r"
    $ piton mip uninstall tree
    Removed: /lib/tree/__init__.mpy
    Uninstalled tree
    --- stderr
    /lib/tree/sub/deep.mpy was changed since its installation and is kept
    nothing needs these any more: side
    --- exit 0
    ");
    assert_snapshot!(place.show("mip uninstall side + mip uninstall leaf"), @r"
    $ piton mip uninstall side + mip uninstall leaf
    Removed: /lib/side.mpy
    Uninstalled side
    Removed: /lib/leaf/__init__.mpy
    Uninstalled leaf
    --- stderr
    nothing needs these any more: leaf
    --- exit 0
    ");
    assert_snapshot!(place.files(), @r"
    /lib/
    /lib/tree/
    /lib/tree/sub/
    /lib/tree/sub/deep.mpy: mine
    ");
    assert_snapshot!(place.show("mip list"), @r"
    $ piton mip list
    --- stderr
    no package is on record in /lib
    --- exit 0
    ");
    assert_snapshot!(place.show("mip uninstall tree"), @r"
    $ piton mip uninstall tree
    --- stderr
    piton: tree is not installed by piton

    hint: piton has installed nothing there; what mpremote installed is not on record
    --- exit 1
    ");
}

#[test]
fn an_install_asks_once_for_all_files() {
    let place = Place::new();
    let contents: Vec<(String, String)> = (0..10)
        .map(|n| (format!("ten/part{n}.mpy"), format!("{n}").repeat(300)))
        .collect();
    let contents: Vec<(&str, &str)> = contents.iter().map(|(a, b)| (&**a, &**b)).collect();
    place.index.package("ten", "1", &contents, &[]);
    let turns = || {
        let before = place.board.traffic().turns;
        let outcome = place.run("mip install --index INDEX ten");
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
        place.board.traffic().turns - before
    };
    turns();
    let turns = turns();
    assert!(turns <= 15, "{turns}");
}

#[test]
fn packages_of_one_command_are_one_change() {
    let place = Place::new();
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        let files = [(&*format!("{name}.mpy"), name)];
        place.index.package(name, "1", &files, &["leaf"]);
    }
    let turns = |line: &str| {
        let before = place.board.traffic().turns;
        let outcome = place.run(line);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
        place.board.traffic().turns - before
    };
    let one = turns("mip install --index INDEX a");
    place.run("rm -r :/lib");
    let five = turns("mip install --index INDEX a b c d e");
    assert!(five <= one + 2, "{five} {one}");
    assert_snapshot!(place.show("mip list"));
}

#[test]
fn a_package_that_fails_comes_after_those_before_it() {
    let place = Place::new();
    // One that cannot be had.
    assert_snapshot!(place.show("mip install --index INDEX leaf nowhere side"));
    // One that the board refuses.
    place
        .index
        .package("bad", "1", &[("first.mpy", "f"), ("new/x.mpy", "x")], &[]);
    let in_the_way = place.sandbox.path().join("flash/lib/new");
    std::fs::write(&in_the_way, "mine").unwrap();
    assert_snapshot!(place.show("mip install --index INDEX tree bad side"));
    assert_snapshot!(place.files());
    // Two with different files of one name: the last one wins, as there.
    place.run("mip uninstall leaf");
    place
        .index
        .package("other", "1", &[("leaf.mpy", "other leaf")], &[]);
    assert_snapshot!(place.show("mip install --index INDEX leaf other"));
    assert_snapshot!(place.show("cat :/lib/leaf.mpy"));
}

#[test]
fn a_power_cut_at_any_place_is_made_good() {
    let place = Place::new();
    let flash = place.sandbox.path().join("flash/lib");
    let publish = |version: &str, third: &str| {
        let contents = ["a", "b", third].map(|name| (format!("two/{name}.mpy"), version));
        let contents = contents.each_ref().map(|(path, text)| (&**path, *text));
        place.index.package("two", version, &contents, &[]);
    };
    let versions = || {
        let mut found = Vec::new();
        collect(&flash.join("two"), "", &mut found);
        found.sort();
        found.join(" ")
    };
    std::fs::create_dir(place.sandbox.path().join("here")).unwrap();
    place.sandbox.write("here/main.py", "main");
    let mut outcomes = [0, 0];
    for after_writes in (0..).step_by(5) {
        publish("1", "c");
        assert_eq!(place.run("mip install --index INDEX two").code, Some(0));
        publish("2", "d");
        place.board.inject(&Fault::PowerCut {
            after_writes,
            outage: Outage::Returns(Duration::from_millis(1)),
        });
        let cut = place.run("mip install --index INDEX two");
        // Anything that changes the library puts right what was cut off.
        let next = match (outcomes[0] + outcomes[1]) % 2 {
            0 => "mip install --index INDEX leaf",
            _ => "sync here :/lib",
        };
        let outcome = place.run(next);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
        let finished = outcome.stderr().contains("finished");
        if cut.code == Some(0) {
            break;
        }
        let version = match &*versions() {
            "/a.mpy: 1 /b.mpy: 1 /c.mpy: 1" => 0,
            "/a.mpy: 2 /b.mpy: 2 /d.mpy: 2" => 1,
            mixed => panic!("cut at {after_writes}: {mixed}"),
        };
        assert!(version == 1 || !finished, "cut at {after_writes}");
        let listed = place.run("mip list two").stdout();
        assert_eq!(listed, format!("two {}\n", version + 1));
        outcomes[version] += 1;
    }
    assert!(outcomes[0] > 1 && outcomes[1] > 1, "{outcomes:?}");
}

#[test]
fn other_sources() {
    let place = Place::new();
    let web = &place.index.web;
    web.put_text(
        "/p/package.json",
        r#"{"urls": [["p/a.py", "src/a.py"], ["b.py", "WEB/b.py"]], "version": "3"}"#
            .replace("WEB", &web.url("")),
    );
    web.put_text("/p/src/a.py", "a");
    web.put_text("/b.py", "b");
    web.put("/moved.py", Answer::Redirect("/b.py".to_owned()));
    assert_snapshot!(place.show("mip install --target /x WEB/p"), @r"
    $ piton mip install --target /x WEB/p
    Install WEB/p
    Installing WEB/p/package.json to /x
    Installing: /x/p/a.py
    Installing: /x/b.py
    Done
    --- exit 0
    ");
    assert_snapshot!(place.show("mip --target /x install WEB/p/package.json WEB/moved.py"), @r"
    $ piton mip --target /x install WEB/p/package.json WEB/moved.py
    Install WEB/p/package.json
    Installing WEB/p/package.json to /x
    Exists: /x/p/a.py
    Exists: /x/b.py
    Done
    Install WEB/moved.py
    Downloading WEB/moved.py to /x
    Installing: /x/moved.py
    Done
    --- exit 0
    ");
    std::fs::create_dir_all(place.sandbox.path().join("mine/src")).unwrap();
    place.sandbox.write(
        "mine/package.json",
        r#"{"urls": [["m.py", "src/m.py"]], "deps": [["leaf", "1.0"]]}"#,
    );
    place.sandbox.write("mine/src/m.py", "m");
    place.sandbox.write("single.py", "s");
    assert_snapshot!(place.show("mip install --no-mpy --index INDEX ./mine single.py"), @r"
    $ piton mip install --no-mpy --index INDEX ./mine single.py
    Install ./mine
    Installing ./mine/package.json to /lib
    Installing: /lib/m.py
    Installing leaf (1.0) from INDEX to /lib
    Installing: /lib/leaf.py
    Done
    Install single.py
    Downloading single.py to /lib
    Installing: /lib/single.py
    Done
    --- exit 0
    ");
    assert_snapshot!(place.files(), @r"
    /lib/
    /lib/.piton-mip.json: ...
    /lib/leaf.py: leaf one (source)
    /lib/m.py: m
    /lib/single.py: s
    /x/
    /x/.piton-mip.json: ...
    /x/b.py: b
    /x/moved.py: b
    /x/p/
    /x/p/a.py: a
    ");
    assert_snapshot!(place.show("mip list --target /x"), @r"
    $ piton mip list --target /x
    WEB/p        3
    WEB/moved.py -
    --- exit 0
    ");
    assert_snapshot!(place.show("mip update"), @r"
    $ piton mip update
    --- stderr
    ./mine came from this computer: `mip install` it again to update it
    single.py came from this computer: `mip install` it again to update it
    --- exit 0
    ");
    assert_snapshot!(place.show("--json --quiet mip install --no-mpy --index INDEX ./mine"), @r#"
    $ piton --json --quiet mip install --no-mpy --index INDEX ./mine
    {"target":"/lib","packages":[{"name":"./mine","version_before":null,"version":null},{"name":"leaf","version_before":"1.0","version":"1.0"}],"files_written":0,"files_removed":0}
    --- exit 0
    "#);
}

#[test]
fn what_the_board_does_not_load_is_not_installed() {
    let place = Place::new();
    let web = &place.index.web;
    web.put_text("/slow.py", "x = 1\n");
    web.put_text("/old.mpy", "M\x05\x02\x1f x");
    let package = |name: &str, file: &str| {
        let files = json!({"urls": [["slow.py", web.url("/slow.py")], [file, web.url(&format!("/{file}"))]]});
        place.index.describe("6", name, "1", &files);
    };
    package("old", "old.mpy");
    assert_snapshot!(place.show("--quiet mip install --index INDEX leaf old"));
    assert_eq!(place.files(), "");
    // Native code in a source may be optional: its package is for all boards.
    web.put_text("/fast.py", "@micropython.native\ndef f(): pass\n");
    package("fast", "fast.py");
    place.show("--quiet mip install --index INDEX fast");
    assert!(place.files().contains("fast.py"), "{}", place.files());
}

#[test]
fn nothing_is_installed_when_anything_is_wrong() {
    let place = Place::new();
    let web = &place.index.web;
    let package = |name: &str, description: Value| {
        place.index.describe("6", name, "1", &description);
    };
    let good = sha256("leaf one");
    package(
        "wrong",
        json!({"hashes": [["leaf.mpy", good[..8]], ["w.mpy", "00000000"]]}),
    );
    web.put_text("/pi/file/00/00000000", "not this");
    package(
        "missing",
        json!({"hashes": [["leaf.mpy", good[..8]], ["m.mpy", "11111111"]]}),
    );
    package(
        "broken",
        json!({"hashes": [["leaf.mpy", good[..8]], ["m.mpy", "22222222"]]}),
    );
    web.put("/pi/file/22/22222222", Answer::Truncated(b"half".to_vec()));
    package("failing", json!({"hashes": [["m.mpy", "33333333"]]}));
    web.put("/pi/file/33/33333333", Answer::Status(500));
    package("out", json!({"hashes": [["../main.py", good[..8]]]}));
    package("rooted", json!({"urls": [["/main.py", "x.py"]]}));
    package("drive", json!({"urls": [["C:/main.py", "x.py"]]}));
    package("file", json!({"urls": [["x.py", "file:///etc/passwd"]]}));
    package("types", json!({"hashes": {"a": 1}}));
    package("deps", json!({"deps": [["../leaf", "latest"]]}));
    package(
        "clash",
        json!({"hashes": [["leaf.mpy", sha256("side")[..8]]], "deps": [["leaf", "latest"]]}),
    );
    package("twice", json!({"deps": [["leaf", "1.0"], ["leaf", "0.9"]]}));
    package("old", json!({}));
    place
        .index
        .describe("6", "leaf", "0.9", &json!({"version": "0.9"}));
    place
        .index
        .package("leaf", "1.0", &[("leaf.mpy", "leaf one")], &[]);
    web.put_text("/pi/package/6/html/latest.json", "<html>Log in</html>");
    web.put(
        "/pi/package/6/big/latest.json",
        Answer::Body(vec![b' '; (1 << 20) + 1]),
    );
    web.put(
        "/pi/package/6/loop/latest.json",
        Answer::Redirect("/pi/package/6/loop/latest.json".to_owned()),
    );
    web.put(
        "/pi/package/6/nonsense/latest.json",
        Answer::Raw(b"\x00\x01\x02\r\n\r\n".to_vec()),
    );
    let mut all = Vec::new();
    for name in [
        "none", "wrong", "missing", "broken", "failing", "out", "rooted", "drive", "file", "types",
        "deps", "clash", "twice", "ring", "html", "big", "loop", "nonsense", "bad?name",
        "leaf@1@2", "github:x",
    ] {
        let outcome = place.run(&format!("mip install --index INDEX {name}"));
        assert_eq!(outcome.code, Some(1), "{name}");
        let stderr = outcome.stderr().replace(&place.index.url(), "INDEX");
        all.push(format!("{name}: {stderr}"));
    }
    assert_snapshot!(all.join("\n"), @r"
    none: piton: Package not found: INDEX/package/6/none/latest.json

    hint: is the name spelled right? A folder or file here is named with a `/`: `./NAME`

    wrong: piton: INDEX/file/00/00000000 is damaged: its SHA-256 is 48dd65c80ea3cfa8..., the package has 00000000

    hint: nothing was installed; try again later

    missing: piton: File not found: INDEX/file/11/11111111

    broken: piton: the connection was lost requesting INDEX/file/22/22222222

    failing: piton: Error 500 requesting INDEX/file/33/33333333

    out: piton: the package at INDEX/package/6/out/latest.json cannot be used: `../main.py` is not a path below a folder: it has a part of dots only

    rooted: piton: the package at INDEX/package/6/rooted/latest.json cannot be used: `/main.py` is not a path below a folder: it begins at the root

    drive: piton: the package at INDEX/package/6/drive/latest.json cannot be used: `C:/main.py` is not a path below a folder: it has a character that some file systems do not take for part of a name

    file: piton: the package at INDEX/package/6/file/latest.json cannot be used: `file:///etc/passwd`: files are fetched by http and https only

    types: piton: the package at INDEX/package/6/types/latest.json cannot be used: invalid type: map, expected a sequence at line 1 column 10

    deps: piton: the package at INDEX/package/6/deps/latest.json cannot be used: `../leaf`: a name has letters, digits, `-`, `_` and `.`

    clash: piton: clash and leaf have different files `leaf.mpy`

    twice: piton: leaf is needed in two versions: 1.0 by twice, 0.9 by twice

    ring: piton: the packages need each other: ring -> chain -> ring

    html: piton: the package at INDEX/package/6/html/latest.json cannot be used: expected value at line 1 column 1

    big: piton: INDEX/package/6/big/latest.json is longer than 1048576 bytes

    loop: piton: too many redirects requesting INDEX/package/6/loop/latest.json

    nonsense: piton: protocol: http parse fail: invalid HTTP version requesting INDEX/package/6/nonsense/latest.json

    bad?name: piton: `bad?name`: a name has letters, digits, `-`, `_` and `.`

    leaf@1@2: piton: `leaf@1@2`: a version has letters, digits, `-`, `_`, `+` and `.`

    github:x: piton: `github:x`: expected ORGANISATION/REPOSITORY
    ");
    assert_eq!(place.files(), "");
    assert_snapshot!(place.show("mip install --index http://127.0.0.1:9 leaf"), @r"
    $ piton mip install --index http://127.0.0.1:9 leaf
    Install leaf
    Installing leaf (latest) from http://127.0.0.1:9 to /lib
    --- stderr
    piton: Connection refused (os error 111) requesting http://127.0.0.1:9/package/6/leaf/latest.json

    hint: is this computer online? A proxy is named by HTTPS_PROXY or HTTP_PROXY; packages in folders of this computer need no network
    --- exit 1
    ");
    assert_snapshot!(place.show("mip frobnicate leaf"), @r"
    $ piton mip frobnicate leaf
    --- stderr
    piton: 'frobnicate' is not a command of `mip`

    hint: its commands are `install`, `list`, `uninstall` and `update`
    --- exit 2
    ");
    assert_snapshot!(place.show("mip install"), @r"
    $ piton mip install
    --- stderr
    piton: `mip install` needs PACKAGES...

    hint: the form is `piton mip [OPTIONS] <COMMAND> [PACKAGES]...`, for example `piton mip install aioble`; `piton help mip` has more
    --- exit 2
    ");
}

#[test]
fn a_board_that_refuses_keeps_what_it_has() {
    let place = Place::new();
    place.run("mip install --index INDEX leaf");
    let before = place.files();
    // A file where the new version has a folder: half of it is on the board when that comes out.
    place.index.package(
        "leaf",
        "1.1",
        &[
            ("leaf.mpy", "leaf two"),
            ("new/x.mpy", "x"),
            ("zzz.mpy", "z"),
        ],
        &[],
    );
    let in_the_way = place.sandbox.path().join("flash/lib/new");
    std::fs::write(&in_the_way, "mine").unwrap();
    assert_snapshot!(place.show("mip install --index INDEX leaf"), @r"
    $ piton mip install --index INDEX leaf
    Install leaf
    Installing leaf (latest) from INDEX to /lib
    Installing: /lib/leaf.mpy
    --- stderr
    piton: `/lib/new/x.mpy.piton-next` on the board is not a folder
    --- exit 1
    ");
    assert_eq!(std::fs::read_to_string(&in_the_way).unwrap(), "mine");
    std::fs::remove_file(&in_the_way).unwrap();
    assert_eq!(place.files(), before);
}

#[test]
fn a_hostile_record() {
    let place = Place::new();
    let record = place.sandbox.path().join("flash/lib/.piton-mip.json");
    std::fs::create_dir(place.sandbox.path().join("flash/lib")).unwrap();
    place.sandbox.write("flash/main.py", "main");
    place.sandbox.write("secret.py", "secret");
    for text in [
        "",
        r#"{"v": 9, "packages": []}"#,
        r#"{"v":1,"packages":[{"name":"a","version":null,"source":"a","mpy":true,"requested":true,"needs":[],"files":[["../main.py",""]]}]}"#,
    ] {
        std::fs::write(&record, text).unwrap();
        for line in [
            "mip list",
            "mip uninstall a",
            "mip update",
            "mip install --index INDEX leaf",
        ] {
            let outcome = place.run(line);
            assert_eq!(outcome.code, Some(1), "{line}");
            assert!(
                outcome
                    .stderr()
                    .contains(".piton-mip.json` on the board is not a record of packages"),
                "{}",
                outcome.stderr()
            );
        }
        // The other face does not need it.
        assert_eq!(
            place
                .sandbox
                .run_words(&words(&format!(
                    "mpremote {} mip install --index {} leaf",
                    place.connect(),
                    place.index.url()
                )))
                .code,
            Some(0)
        );
        assert_eq!(std::fs::read_to_string(&record).unwrap(), text);
    }
    // A board does not choose files of this computer.
    std::fs::write(&record, r#"{"v":1,"packages":[{"name":"a","version":null,"source":"./secret.py","mpy":true,"requested":true,"needs":[],"files":[]}]}"#).unwrap();
    assert_snapshot!(place.show("mip update a"), @r"
    $ piton mip update a
    --- stderr
    a came from this computer: `mip install` it again to update it
    --- exit 0
    ");
    assert!(!place.files().contains("secret.py:"), "{}", place.files());
}

#[test]
fn through_a_proxy() {
    let place = Place::new();
    let mut command = place.sandbox.piton();
    command
        .env("HTTP_PROXY", place.index.web.url(""))
        .args(words(&place.connect()))
        .args(words("mip install --index http://packages.invalid/pi leaf"));
    let outcome = run(command);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr());
    let requests = place.index.web.take_requests();
    assert!(
        requests
            .iter()
            .any(|request| request.contains("packages.invalid")),
        "{requests:?}"
    );
    assert!(place.files().contains("/lib/leaf.mpy: leaf one"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_a_server_is_silent() {
    let place = Place::new();
    let web = &place.index.web;
    web.put("/pi/package/6/leaf/latest.json", Answer::Stall);
    let mut command = place.sandbox.piton();
    command
        .args(words(&place.connect()))
        .args(["mip", "install", "--index", &place.index.url(), "leaf"])
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    while web.take_requests().is_empty() {
        std::thread::yield_now();
    }
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(crate::support::wait(&mut child).code(), Some(1));
    assert_eq!(place.files(), "");
    // The board is at its prompt.
    assert_eq!(place.run("eval 1").stdout(), "1\r\n");
}

#[cfg(unix)]
#[test]
fn a_server_that_trickles_does_not_hold_an_install() {
    let place = Place::new();
    let web = &place.index.web;
    for (name, trickle) in crate::http::trickles() {
        web.put("/p/a.py", trickle.clone());
        web.put_text(
            "/p/package.json",
            r#"{"urls": [["a.py", "a.py"]], "version": "1"}"#,
        );
        web.put("/q/package.json", trickle);
        for line in [
            "--timeout 0.1 mip install WEB/p",
            "--timeout 0.1 mip install WEB/q",
            "--timeout 0.1 verify WEB/q/package.json",
        ] {
            let outcome = place.run(line);
            let said = outcome.stderr();
            assert_eq!(outcome.code, Some(1), "{name}: {line}: {said}");
            let given_up = said.contains("too slowly") || said.contains("in time");
            assert!(
                given_up && said.contains("hint: try again later; `--timeout 3`"),
                "{said}"
            );
        }
    }
    assert_eq!(place.files(), "");
}

#[cfg(unix)]
#[test]
fn as_mpremote_does() {
    let index = Index::new();
    let web = &index.web;
    web.put_text(
        "/p/package.json",
        r#"{"urls": [["p/a.py", "src/a.py"], ["b.py", "b.py"]], "deps": [["leaf", "latest"]]}"#,
    );
    web.put_text("/p/src/a.py", "a");
    web.put_text("/p/b.py", "b");
    index.describe(
        "6",
        "failing",
        "1",
        &json!({"hashes": [["m.mpy", "33333333"]]}),
    );
    web.put("/pi/file/33/33333333", Answer::Status(500));
    let lines = [
        "mip install --index INDEX leaf",
        "mip install --index INDEX leaf",
        "mip install --index INDEX/ leaf@1.0 side",
        "mip install --index INDEX tree + ls :/lib/tree",
        "mip install --no-mpy --index INDEX tree",
        "mip install --target /x/y --index INDEX tree",
        "mip install --target /x/y/ --index INDEX side",
        "mip install --target rel --index INDEX leaf",
        "mip install --target / --index INDEX leaf",
        "mip install --index INDEX WEB/p/package.json",
        "mip install WEB/p/b.py",
        "mip install WEB/p/none.py",
        "mip install WEB/none",
        "mip install --index INDEX none",
        "mip install --index INDEX failing",
        "mip install --target /f --index INDEX leaf side none tree",
        "mip frobnicate x",
    ];
    let lines: Vec<String> = lines
        .iter()
        .map(|line| {
            line.replace("INDEX", &index.url())
                .replace("WEB", &web.url(""))
        })
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    crate::differential::check(&lines);
}
