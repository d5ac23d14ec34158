//! Projects whose servers are hostile or silent, bundles of CircuitPython, and several processes at work on one project.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow::Continue;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use piton::deadline::Cancel;
use piton::workspace::{LockOptions, PackageError, PackageEvent, Resolved, Update};
use serde_json::json;

use crate::workspace::{COMMIT, Place};

/// Starts a server that treats each connection so, after the head of its first request. Returns its address.
fn server(answer: fn(&mut TcpStream)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let copy = stream.try_clone().unwrap();
                let lines = BufReader::new(copy).lines().map_while(Result::ok);
                let _ = lines.take_while(|line| !line.is_empty()).count();
                answer(&mut stream);
            });
        }
    });
    address
}

/// Resolves a project with one dependency on a package at this address, whose server may be silent for so long.
fn resolve_of(address: &str, silence: Duration) -> Result<Resolved, PackageError> {
    let place = Place::new(&format!(
        "[tool.belay.dependencies]\na = '{address}/a/package.json'\n"
    ));
    let mut settings = place.fetch_settings();
    settings.client.stall = silence;
    let events = &mut |_: PackageEvent<'_>| Continue(());
    let options = LockOptions::default();
    place
        .workspace()
        .resolve(&options, &settings, &Cancel::new(), events)
}

#[test]
fn a_server_that_falls_silent_is_given_up() {
    let says_nothing = server(|_| thread::sleep(Duration::from_secs(60)));
    let stops_in_the_middle = server(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"urls\"");
        thread::sleep(Duration::from_secs(60));
    });
    for address in [says_nothing, stops_in_the_middle] {
        let error = resolve_of(&address, Duration::from_millis(150))
            .unwrap_err()
            .to_string();
        assert!(error.contains("no answer in time"), "{error}");
    }
}

#[test]
fn a_document_that_is_small_only_on_the_line_is_refused() {
    // 8 MiB of spaces in 36 kB.
    let bomb = server(|stream| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        for _ in 0..8 {
            packed.write_all(&vec![b' '; 1 << 20]).unwrap();
        }
        let packed = packed.finish().unwrap();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
            packed.len()
        );
        let _ = stream.write_all(&[head.as_bytes(), &packed].concat());
    });
    let error = resolve_of(&bomb, Duration::from_secs(60))
        .unwrap_err()
        .to_string();
    assert!(error.contains("is longer than"), "{error}");
}

#[test]
fn an_archive_that_unpacks_to_more_than_a_disk_has_is_refused() {
    let place =
        Place::new("[tool.belay.dependencies]\nx = 'https://github.com/o/r/tree/main/lib'\n");
    place.repository("o/r", "main", &[("lib/a.py", "a")]);
    let mut header = tar::Header::new_ustar();
    header.set_path("r-1/lib/a.py").unwrap();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(7 << 30);
    header.set_cksum();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(header.as_bytes()).unwrap();
    let archive = format!("/codeload.github.com/o/r/tar.gz/{COMMIT}");
    place.index.put(&archive, packed.finish().unwrap());
    let said = place.lock(Update::Nothing);
    assert!(said.contains("it unpacks to more than"), "{said}");
    assert_eq!(place.tree(), "");
}

/// Publishes a bundle with these files of its zip archive.
fn bundle(place: &Place, list: &serde_json::Value, files: &[(&str, &str)]) {
    let base = "/github.com/adafruit/Adafruit_CircuitPython_Bundle";
    let mut refs = "001e# service=git-upload-pack\n0000".to_owned();
    for line in [
        format!("{COMMIT} HEAD\0symref=HEAD:refs/heads/main"),
        format!("{COMMIT} refs/tags/20260101"),
        format!("{COMMIT} refs/tags/20260315"),
        format!("{COMMIT} refs/tags/nightly"),
    ] {
        refs.push_str(&format!("{:04x}{line}\n", line.len() + 5));
    }
    refs.push_str("0000");
    place.index.put(
        &format!("{base}.git/info/refs?service=git-upload-pack"),
        refs,
    );
    let file = |kind: &str, end: &str| {
        format!(
            "{base}/releases/download/20260315/adafruit-circuitpython-bundle{kind}-20260315.{end}"
        )
    };
    place.index.put(&file("", "json"), list.to_string());
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, content) in files {
        let options = zip::write::SimpleFileOptions::default();
        archive
            .start_file(format!("bundle-20260315/{path}"), options)
            .unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    place
        .index
        .put(&file("-py", "zip"), archive.finish().unwrap().into_inner());
}

#[test]
fn libraries_of_circuitpython_come_from_the_newest_bundle_with_what_they_need() {
    let place = Place::new("[tool.belay.dependencies]\nled = 'circuitpython:neopixel'\n");
    let list = json!({
        "neopixel": {"version": "6.3.1", "dependencies": ["pixelbuf"], "path": "lib/neopixel"},
        "pixelbuf": {"version": "2.0.0", "package": true, "path": "lib/pixelbuf"},
        "other": {"version": "1.0.0", "path": "lib/other"},
    });
    let files = [
        ("lib/neopixel.py", "import pixelbuf"),
        ("lib/pixelbuf/__init__.py", "x = 1"),
        ("lib/other.py", ""),
        ("examples/neopixel.py", ""),
    ];
    bundle(&place, &list, &files);
    assert_eq!(
        place.lock(Update::Nothing),
        "+circuitpython:neopixel 6.3.1 +circuitpython:pixelbuf 2.0.0"
    );
    assert_eq!(
        place.tree(),
        "main/neopixel.py: import pixelbuf\nmain/pixelbuf/__init__.py: x = 1"
    );
    let lock = fs::read_to_string(place.root().join("piton.lock")).unwrap();
    assert!(
        lock.contains("20260315.zip#bundle-20260315/lib/neopixel.py"),
        "{lock}"
    );
    place.settings(
        "[tool.belay.dependencies]\nled = 'circuitpython:neopixel'\nx = 'circuitpython:none'\n",
    );
    let said = place.lock(Update::Nothing);
    assert!(
        said.contains("there is no package circuitpython:none"),
        "{said}"
    );
}

/// Writes another size of the unpacked content into all headers of a zip archive.
fn claim(archive: &mut [u8], size: u32) {
    for (mark, place) in [(b"PK\x01\x02", 24), (b"PK\x03\x04", 22)] {
        let at: Vec<usize> = (0..archive.len() - 4)
            .filter(|at| archive[*at..].starts_with(mark))
            .collect();
        for at in at {
            archive[at + place..at + place + 4].copy_from_slice(&size.to_le_bytes());
        }
    }
}

#[test]
fn a_bundle_that_unpacks_to_more_than_it_may_is_refused() {
    let list = json!({"led": {"version": "1", "path": "lib/led"}});
    let content = " ".repeat(2 << 20);
    for (claimed, problem) in [
        (10, "is damaged"),
        (1 << 20, "is damaged"),
        (100 << 20, "at most 67108864 are taken"),
    ] {
        let place = Place::new("[tool.belay.dependencies]\nled = 'circuitpython:led'\n");
        bundle(&place, &list, &[("lib/led.py", &content)]);
        let path = "/github.com/adafruit/Adafruit_CircuitPython_Bundle/releases/download/20260315/adafruit-circuitpython-bundle-py-20260315.zip";
        let mut archive = place.index.get(path);
        assert!(archive.len() < 1 << 16);
        claim(&mut archive, claimed);
        place.index.put(path, archive);
        let said = place.lock(Update::Nothing);
        assert!(said.contains(problem), "{claimed}: {said}");
        assert_eq!(place.tree(), "");
    }
}

#[test]
fn names_in_a_bundle_lead_nowhere_else() {
    for path in ["lib/../../led", "../led", "/lib/led"] {
        let place = Place::new("[tool.belay.dependencies]\nled = 'circuitpython:led'\n");
        let list = json!({"led": {"version": "1", "path": path}});
        bundle(&place, &list, &[("lib/other.py", "x")]);
        let said = place.lock(Update::Nothing);
        assert!(said.contains("the bundle has no files of it"), "{said}");
        assert_eq!(place.tree(), "");
    }
}

#[test]
fn names_in_an_archive_lead_nowhere_else() {
    let list = json!({"led": {"version": "1", "path": "lib/led"}});
    for name in ["lib/../../../led.py", "lib/led/../../x.py", "lib\\led.py"] {
        let place = Place::new("[tool.belay.dependencies]\nled = 'circuitpython:led'\n");
        bundle(&place, &list, &[("lib/led.py", "x"), (name, "x")]);
        let said = place.lock(Update::Nothing);
        assert!(
            said.contains("is not a path below a folder"),
            "{name}: {said}"
        );
        assert_eq!(place.tree(), "");
    }
}

#[test]
fn names_in_the_settings_lead_nowhere_else() {
    let place = Place::new("");
    for settings in [
        "name = '../x'",
        "name = '/x'",
        "dependencies_path = '../x'",
        "dependencies_path = '/x'",
        "[tool.belay.dependencies]\n'../x' = '*'",
        "[tool.belay.group.'../x'.dependencies]\na = '*'",
        "[tool.belay.group.'a/b'.dependencies]\na = '*'",
        "[tool.belay.dependencies]\na = 'mip:../x'",
        "[tool.belay.dependencies]\na = 'x==../1'",
        "[tool.belay.dependencies]\na = 'circuitpython:../x'",
        "[tool.belay.dependencies]\na = 'github:../x'",
        "[tool.belay.dependencies]\na = 'github:o/r/../../x.py'",
        "[tool.belay.dependencies]\na = 'https://github.com/o/r/blob/main/../x.py'",
    ] {
        place.settings(settings);
        let refused = match piton::workspace::Workspace::open(&place.root()) {
            Err(error) => error.to_string(),
            Ok(_) => place.lock(Update::Nothing),
        };
        assert!(
            refused.len() > 10 && !refused.starts_with('+'),
            "{settings}: {refused}"
        );
        assert!(!place.root().join("piton.lock").exists(), "{settings}");
    }
}

#[test]
fn names_in_a_lock_lead_nowhere_else() {
    let place = Place::new("[tool.belay.dependencies]\na = '*'\n");
    place.publish(&[("a", "1", &[])]);
    place.lock(Update::Nothing);
    let path = place.root().join("piton.lock");
    let lock = fs::read_to_string(&path).unwrap();
    for (name, other) in [
        ("path = \"a.py\"", "path = \"../a.py\""),
        ("path = \"a.py\"", "path = \"/a.py\""),
        ("group = \"main\"", "group = \"../main\""),
    ] {
        let changed = lock.replace(name, other);
        assert_ne!(changed, lock, "{name}");
        fs::write(&path, changed).unwrap();
        let opened = piton::workspace::Workspace::open(&place.root());
        let refused = opened.map(|_| ()).unwrap_err();
        assert!(
            matches!(refused, PackageError::Lock { .. }),
            "{other}: {refused}"
        );
    }
}

#[test]
fn an_address_has_one_content_in_one_run_and_in_the_lock() {
    static REQUESTS: AtomicUsize = AtomicUsize::new(0);
    // The description the first time, then another text each time.
    let address = server(|stream| {
        let body = match REQUESTS.fetch_add(1, Ordering::Relaxed) {
            0 => r#"{"urls": [["x.py", "same.py"], ["y.py", "same.py"]]}"#.to_owned(),
            count => format!("count = {count}"),
        };
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(format!("{head}{body}").as_bytes());
    });
    let place = Place::new(&format!(
        "[tool.belay.dependencies]\na = '{address}/a/package.json'\n"
    ));
    place.lock(Update::Nothing);
    assert_eq!(place.tree(), "main/x.py: count = 1\nmain/y.py: count = 1");
    // Without the folder and the cache, the lock finds out that the server has something else now.
    fs::remove_dir_all(place.root().join(".belay")).unwrap();
    let mut settings = place.fetch_settings();
    settings.cache = None;
    let events = &mut |_: PackageEvent<'_>| Continue(());
    let fetched = place
        .workspace()
        .fetch_locked(&settings, &Cancel::new(), events);
    let error = fetched.unwrap_err();
    assert!(matches!(error, PackageError::Hash { .. }), "{error}");
}

#[test]
fn a_chain_of_ten_thousand_packages_and_a_ring_of_urls_end() {
    let place = Place::new("[tool.belay.dependencies]\nc0 = '*'\n");
    let entries = (0..10_000).map(|at| json!({"name": format!("c{at}"), "version": "1"}));
    let packages: Vec<_> = entries.collect();
    let list = json!({"v": 2, "packages": packages}).to_string();
    place.index.put("/pi/index.json", list);
    for at in 0..10_000 {
        let next = format!("c{}", at + 1);
        let description = format!(r#"{{"version": "1", "deps": [["{next}", "*"]]}}"#);
        let path = format!("/pi/package/py/c{at}/1.json");
        place.index.put(&path, description);
    }
    let error = place.resolve(Update::Nothing).unwrap_err();
    assert!(matches!(error, PackageError::TooDeep { .. }), "{error}");
    let address = |name: &str| format!("{}/{name}/package.json", place.index.url());
    for (name, next) in [("one", "two"), ("two", "one")] {
        let description = json!({"deps": [[address(next), "latest"]]});
        place
            .index
            .put(&format!("/{name}/package.json"), description.to_string());
    }
    place.settings(&format!(
        "[tool.belay.dependencies]\na = '{}'\n",
        address("one")
    ));
    assert_eq!(
        place.lock(Update::Nothing),
        format!("+{0}/one - +{0}/two -", place.index.url())
    );
}

#[test]
fn processes_that_write_at_once_leave_one_whole_state() {
    let place = Place::new("[tool.belay.dependencies]\na = '*'\n");
    place.publish(&[("a", "1", &[("b", "*")]), ("b", "1", &[])]);
    let first = place.resolve(Update::Nothing).unwrap();
    place.publish(&[("a", "2", &[("b", "*")]), ("b", "2", &[])]);
    let second = place.resolve(Update::Everything).unwrap();
    thread::scope(|scope| {
        for resolved in [&first, &second, &first, &second] {
            scope.spawn(|| {
                for _ in 0..2 {
                    place.workspace().write(resolved).unwrap();
                }
            });
        }
    });
    let workspace = place.workspace();
    assert_eq!(workspace.compare().unwrap(), []);
    let lock = workspace.lock().unwrap();
    assert!(*lock == first.lock || *lock == second.lock);
    let left = fs::read_dir(place.root().join(".belay")).unwrap().count();
    assert_eq!(left, 1, "nothing is left beside the folder");
}

#[test]
fn settings_that_were_changed_meanwhile_are_not_written_over() {
    let place = Place::new("[tool.belay.dependencies]\na = '*'\n");
    place.publish(&[("a", "1", &[])]);
    let resolved = place.resolve(Update::Nothing).unwrap();
    let mut workspace = place.workspace();
    place.settings("[tool.belay.dependencies]\n");
    let error = workspace.write(&resolved).unwrap_err();
    assert!(matches!(error, PackageError::Meanwhile { .. }), "{error}");
    assert_eq!(place.tree(), "");
    assert!(!place.root().join("piton.lock").exists());
}
