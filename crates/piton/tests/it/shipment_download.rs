//! Builds on a server that are larger than what is kept in memory, and servers that fail in the middle.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use piton::error::ErrorKind;
use piton::http::HttpError;
use piton::shipment::choose::{self, ChooseError};
use piton::shipment::{Demands, Purpose, ShipmentError};

use crate::shipment::{Project, names, try_load};

/// Serves the files of a folder; `answer` may replace the status of an address. Returns the address of the server, and
/// how many requests it has answered.
fn serve(
    folder: PathBuf,
    answer: impl Fn(&str) -> Option<u16> + Send + 'static,
) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
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
            counter.fetch_add(1, Ordering::Relaxed);
            let file = fs::read(folder.join(request.trim_start_matches('/')));
            let (status, body) = match (answer(&request), file) {
                (Some(status), _) => (status, Vec::new()),
                (None, Ok(body)) => (200, body),
                (None, Err(_)) => (404, Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            // A client that has gone has its answer.
            let _ = stream
                .get_mut()
                .write_all(&[head.as_bytes(), body.as_slice()].concat());
        }
    });
    (address, count)
}

/// Three files of data: an empty one, one of a byte more than a mebibyte, and one of several blocks.
fn large_project() -> Project {
    let project = Project::new();
    let content = |size: usize| (0..size).map(|at| (at / 7) as u8).collect::<Vec<u8>>();
    for (name, size) in [
        ("empty.bin", 0),
        ("large.bin", (1 << 20) + 1),
        ("some.bin", 200_000),
    ] {
        fs::write(project.path("src").join(name), content(size)).unwrap();
    }
    project.build("build", &["micropython"], |_| {});
    project
}

#[test]
fn large_files_and_archives_come_from_a_server_as_from_a_folder() {
    let project = large_project();
    let local = project.load_one("build");
    let (address, _) = serve(project.path("build"), |_| None);
    for path in ["/", "/mpy-files.zip", "/mpy-files.tar.gz"] {
        let url = format!("{address}{path}");
        let shipment = try_load(Path::new(&url), Purpose::Copy).unwrap().remove(0);
        assert_eq!(shipment.check(&Demands::default()), [], "{url}");
        let mut count = 0;
        for ((path, content), (local_path, local_content)) in shipment.files().zip(local.files()) {
            assert_eq!(path, local_path, "{url}");
            assert!(
                content.read().unwrap() == local_content.read().unwrap(),
                "{url}: {path}"
            );
            count += 1;
        }
        assert_eq!(count, 7, "{url}");
        // A check keeps no contents.
        let checked = try_load(Path::new(&url), Purpose::Check).unwrap().remove(0);
        assert_eq!(checked.check(&Demands::default()), [], "{url}");
        assert_eq!(checked.files().count(), 0, "{url}");
    }
}

#[test]
fn a_changed_large_file_on_a_server_is_found() {
    let project = large_project();
    let path = project.path("build/mpy/large.bin");
    let mut content = fs::read(&path).unwrap();
    *content.last_mut().unwrap() ^= 1;
    fs::write(&path, &content).unwrap();
    fs::write(project.path("build/mpy/some.bin"), "shorter").unwrap();
    let (address, _) = serve(project.path("build"), |_| None);
    let url = format!("{address}/manifest.json");
    let shipment = try_load(Path::new(&url), Purpose::Copy).unwrap().remove(0);
    let mut found = names(&shipment.check(&Demands::default()));
    found.sort();
    assert_eq!(found, ["large.bin changed", "some.bin size"]);
    // A file of another size has no content. One of the same size has it: only the check tells them apart.
    let copied = shipment.files().map(|(path, _)| path.to_string());
    assert!(
        !copied
            .collect::<Vec<String>>()
            .contains(&"some.bin".to_owned())
    );
    let error = choose::choose(vec![shipment], &Demands::default()).unwrap_err();
    assert!(matches!(error, ChooseError::Rejected { .. }), "{error}");
}

#[test]
fn a_server_that_fails_is_an_error_and_one_that_lacks_a_file_is_not() {
    let project = large_project();
    // Servers of objects answer 403 for a file that they do not have.
    for status in [403, 404, 410] {
        let (address, _) = serve(project.path("build"), move |request| {
            request.ends_with("some.bin").then_some(status)
        });
        let url = format!("{address}/");
        let shipment = try_load(Path::new(&url), Purpose::Copy).unwrap().remove(0);
        let found = names(&shipment.check(&Demands::default()));
        assert_eq!(found, ["some.bin missing"], "{status}");
    }
    // Of several failures the one of the first file is reported, in the order of the manifest.
    let (address, _) = serve(project.path("build"), |request| match request {
        "/mpy/large.bin" => Some(500),
        "/mpy/some.bin" => Some(502),
        _ => None,
    });
    let error = try_load(Path::new(&format!("{address}/")), Purpose::Copy).unwrap_err();
    let expected = format!("{address}/mpy/large.bin");
    assert!(
        matches!(&error, ShipmentError::Http(HttpError::Status { status: 500, url }) if *url == expected),
        "{error}"
    );
    assert_eq!(error.kind(), ErrorKind::Refused);
}

#[test]
fn a_document_that_leads_nowhere_ends_before_any_file_is_fetched() {
    let project = Project::new();
    project.build("build", &["micropython"], |_| {});
    for (name, text) in [
        ("manifest.json", "not JSON"),
        ("manifest.json", "{}"),
        ("index.json", "[]"),
        ("mpy-files.zip", "PK\x03\x04 and no more"),
    ] {
        fs::write(project.path("build").join(name), text).unwrap();
        let (address, count) = serve(project.path("build"), |_| None);
        let url = format!("{address}/{name}");
        let error = try_load(Path::new(&url), Purpose::Copy).unwrap_err();
        let is_expected = match name {
            "manifest.json" => matches!(error, ShipmentError::Manifest { .. }),
            "index.json" => matches!(error, ShipmentError::Index { .. }),
            _ => matches!(error, ShipmentError::Archive { .. }),
        };
        assert!(is_expected, "{name}: {error:?}");
        assert!(error.to_string().contains(&url), "{error}");
        // At most the document and its signature.
        assert!(count.load(Ordering::Relaxed) <= 2, "{name}");
    }
}
