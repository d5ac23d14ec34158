//! Projects whose servers are hostile or silent, bundles of CircuitPython, and several processes at work on one project.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow::Continue;
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
