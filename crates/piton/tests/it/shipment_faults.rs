//! Builds that somebody changed, servers that lack files, boards that go away while they get a build.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use piton::deadline::Deadline;
use piton::fs::remote::RemoteFs;
use piton::path::BoardPath;
use piton::repl::Entry;
use piton::shipment::signature::SecretKey;
use piton::shipment::to_board;
use piton::shipment::{Demands, Purpose, ShipmentError};
use piton::virtual_board::serve::tcp;
use piton::virtual_board::{BoardOptions, Fault, Outage, VirtualBoard, VmImage};
use piton::{Board, ConnectOptions};

use crate::shipment::{Project, names, try_load};

/// Replaces a text in a file, which must be there.
fn edit(path: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(old), "{old}");
    fs::write(path, text.replacen(old, new, 1)).unwrap();
}

/// Changes of a build in the folder that is given, and what is found then, with a key and without.
type Change = (
    &'static str,
    fn(&Path),
    &'static [&'static str],
    &'static [&'static str],
);

const CHANGES: &[Change] = &[
    ("nothing", |_| {}, &[], &[]),
    (
        "a file is gone",
        |build| fs::remove_file(build.join("mpy/font.bin")).unwrap(),
        &["font.bin missing"],
        &["font.bin missing"],
    ),
    (
        "a file is longer",
        |build| fs::write(build.join("mpy/font.bin"), "longer").unwrap(),
        &["font.bin size"],
        &["font.bin size"],
    ),
    (
        "a file has other bytes",
        |build| fs::write(build.join("mpy/font.bin"), "ab").unwrap(),
        &["font.bin changed"],
        &["font.bin changed"],
    ),
    (
        "a file is added",
        |build| fs::write(build.join("mpy/more.py"), "").unwrap(),
        &["more.py extra"],
        &["more.py extra"],
    ),
    (
        "the manifest sends downloads elsewhere",
        |build| {
            edit(
                &build.join("manifest.json"),
                "\"mpy/font.bin\"",
                "\"x/font.bin\"",
            )
        },
        &["signature", "font.bin download-path"],
        &["font.bin download-path"],
    ),
    (
        "the manifest has another header",
        |build| {
            edit(
                &build.join("manifest.json"),
                "\"header\": \"4d06",
                "\"header\": \"4d05",
            )
        },
        &["signature", "app.mpy header"],
        &["app.mpy header"],
    ),
    (
        "the manifest has another version",
        |build| edit(&build.join("manifest.json"), "\"1.0\"", "\"1.1\""),
        &["signature"],
        &[],
    ),
    (
        "the signature is gone",
        |build| fs::remove_file(build.join("manifest.json.minisig")).unwrap(),
        &["not-signed"],
        &[],
    ),
    (
        "another key has signed",
        |build| {
            let manifest = fs::read(build.join("manifest.json")).unwrap();
            let signature = SecretKey::generate().unwrap().sign(&manifest, "");
            fs::write(build.join("manifest.json.minisig"), signature).unwrap();
        },
        &["signature"],
        &[],
    ),
    #[cfg(unix)]
    (
        "a file is a link to the same bytes",
        |build| {
            fs::rename(build.join("mpy/font.bin"), build.join("font.bin")).unwrap();
            std::os::unix::fs::symlink(build.join("font.bin"), build.join("mpy/font.bin")).unwrap();
        },
        &["font.bin link"],
        &["font.bin link"],
    ),
];

#[test]
fn every_change_of_a_build_is_found() {
    for (change, make, with_key, without_key) in CHANGES {
        let project = Project::new();
        project.build("build", &["micropython"], |settings| {
            settings.key = Some(Arc::clone(&project.key));
        });
        make(&project.path("build"));
        let key = project.public_key();
        for (key, expected) in [(Some(&key), with_key), (None, without_key)] {
            let demands = Demands {
                key,
                ..Demands::default()
            };
            for purpose in [Purpose::Check, Purpose::Copy] {
                let shipments = try_load(&project.path("build"), purpose).unwrap();
                assert_eq!(names(&shipments[0].check(&demands)), **expected, "{change}");
            }
        }
    }
}

/// Serves the files of a folder, until the test ends. Returns the address.
fn serve(folder: &Path) -> String {
    let mut files = HashMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(below) = folders.pop() {
        for entry in below.read_dir().unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                    let name = format!("/{}", name.replace('\\', "/"));
                    files.insert(name, fs::read(&path).unwrap());
                }
            }
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut request = String::new();
            let mut line = String::new();
            while stream.read_line(&mut line).is_ok_and(|count| count > 2) {
                if request.is_empty() {
                    request.push_str(line.split(' ').nth(1).unwrap_or_default());
                }
                line.clear();
            }
            let (status, body) = match files.get(&request) {
                Some(body) => ("200 OK", body.as_slice()),
                None => ("404 Not Found", &b""[..]),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            // A client that has gone has its answer.
            let _ = stream
                .get_mut()
                .write_all(&[head.as_bytes(), body].concat());
        }
    });
    address
}

#[test]
fn a_build_on_a_server_is_checked_as_one_here() {
    let project = Project::new();
    project.build("build", &["micropython"], |settings| {
        settings.key = Some(Arc::clone(&project.key));
    });
    let here = project.load_one("build");
    let key = project.public_key();
    let demands = Demands {
        key: Some(&key),
        ..Demands::default()
    };
    let address = serve(&project.path("build"));
    for place in ["", "manifest.json", "mpy-files.zip", "mpy-files.tar.gz"] {
        let place = format!("{address}{place}");
        let shipments = try_load(Path::new(&place), Purpose::Copy).unwrap();
        assert_eq!(shipments[0].check(&demands), [], "{place}");
        let contents = shipments[0].files().zip(here.files());
        for ((path, content), (other_path, other)) in contents {
            assert_eq!(path, other_path, "{place}");
            assert_eq!(content.read().unwrap(), other.read().unwrap(), "{path}");
        }
        assert_eq!(shipments[0].files().count(), 4, "{place}");
    }
    // What the server lacks is found by the check, what leads to it is an error.
    fs::remove_file(project.path("build/mpy/app.mpy")).unwrap();
    let address = serve(&project.path("build"));
    let shipments = try_load(Path::new(&address), Purpose::Check).unwrap();
    assert_eq!(names(&shipments[0].check(&demands)), ["app.mpy missing"]);
    let error = try_load(Path::new(&format!("{address}nothing.zip")), Purpose::Check);
    assert!(matches!(error, Err(ShipmentError::Http(_))), "{error:?}");
}

/// Files come in the order of their imports, each old or new, and doing it again finishes it.
#[test]
fn a_board_that_goes_away_while_it_gets_a_build() {
    let project = Project::new();
    project.build("build", &["micropython"], |_| {});
    let shipment = project.load_one("build");
    for after_writes in [1, 2, 4, 8] {
        let image = VmImage::open(&test_programs::vm()).unwrap();
        let board = Arc::new(VirtualBoard::start(&image, BoardOptions::default()).unwrap());
        let server = tcp(Arc::clone(&board), "127.0.0.1:0").unwrap();
        let connect = || {
            let selector = format!("socket://{}", server.local_addr());
            Board::connect(&selector.parse().unwrap(), &ConnectOptions::default()).unwrap()
        };
        let deploy = || {
            let mut connection = connect();
            let deadline = Deadline::after(Duration::from_secs(120));
            let mut raw = connection.raw_repl(Entry::KeepState, deadline).unwrap();
            let mut remote = RemoteFs::new(&mut raw);
            let settings = to_board::Settings::default();
            let root = BoardPath::root();
            to_board::plan(&shipment, &mut remote, &root, settings)?
                .apply(&mut remote, &mut |_| ControlFlow::Continue(()))
        };
        board.inject(&Fault::PowerCut {
            after_writes,
            outage: Outage::Returns(Duration::from_millis(10)),
        });
        let cut = deploy();
        let until = Instant::now() + Duration::from_secs(60);
        while connect().run(b"").is_err() {
            assert!(Instant::now() < until, "the board stays away");
            std::thread::sleep(Duration::from_millis(50));
        }
        let mut connection = connect();
        let files: Vec<String> = connection.eval("__import__('os').listdir()").unwrap();
        if cut.is_err() {
            let has = |name: &str| files.iter().any(|file| file == name);
            assert!(!has("main.py") || has("app.mpy"), "{files:?}");
            assert!(!has("app.mpy") || has("lib_a.mpy"), "{files:?}");
        }
        drop(connection);
        deploy().unwrap();
        assert_eq!(connect().run(b"import main").unwrap(), b"42\r\n");
    }
}
