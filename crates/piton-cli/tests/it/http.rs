//! The library's HTTP client, with servers that behave and servers that do not.

use std::io::Write as _;
use std::time::Duration;

use piton::deadline::Cancel;
use piton::http::{Client, ClientOptions, HttpError};

use crate::web::{Answer, Web};

/// What comes of fetching `path` with a limit of 1000 bytes, in words.
fn check(web: &Web, path: &str) -> String {
    let mut options = ClientOptions::default();
    options.stall = Duration::from_millis(300);
    let answer = Client::new(&options).get(&web.url(path), 1000);
    let text = match answer {
        Ok(bytes) => format!("{} bytes", bytes.len()),
        Err(HttpError::Broken { reason, .. }) if reason.contains("header is too big") => {
            // How much of it was read by then is left to chance.
            "response header is too big".to_owned()
        }
        Err(error) => format!("{error}"),
    };
    text.replace(&web.url(""), "WEB")
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn answers_and_what_becomes_of_them() {
    let web = Web::start();
    let body = |length: usize| vec![b'x'; length];
    let announced = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
    let endless = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), body(1_000_000)].concat();
    let answers = [
        ("/empty", Answer::Body(Vec::new())),
        ("/full", Answer::Body(body(1000))),
        ("/long", Answer::Body(body(1001))),
        ("/moved", Answer::Redirect("/full".to_owned())),
        ("/none", Answer::Status(404)),
        ("/fails", Answer::Status(503)),
        ("/away", Answer::Redirect("ftp://127.0.0.1/".to_owned())),
        ("/gzip", Answer::Gzip(gzipped(&body(1000)))),
        ("/bomb", Answer::Gzip(gzipped(&body(10_000_000)))),
        ("/damaged", Answer::Gzip(b"this is no gzip".to_vec())),
        ("/short", Answer::Truncated(body(10))),
        ("/silent", Answer::Stall),
        ("/half", Answer::Raw(announced.to_vec())),
        ("/headers", Answer::Raw(endless)),
        ("/closed", Answer::Raw(Vec::new())),
    ];
    let lines = answers.map(|(path, answer)| {
        web.put(path, answer);
        format!("{path}: {}", check(&web, path))
    });
    insta::assert_snapshot!(lines.join("\n"), @r"
    /empty: 0 bytes
    /full: 1000 bytes
    /long: WEB/long is longer than 1000 bytes
    /moved: 1000 bytes
    /none: WEB/none does not exist
    /fails: Error 503 requesting WEB/fails
    /away: bad uri: unknown scheme: ftp requesting WEB/away
    /gzip: 1000 bytes
    /bomb: WEB/bomb is longer than 1000 bytes
    /damaged: gzip decompression failed: invalid gzip header requesting WEB/damaged
    /short: the connection was lost requesting WEB/short
    /silent: no answer in time (receive response) requesting WEB/silent
    /half: the connection was lost requesting WEB/half
    /headers: response header is too big
    /closed: the connection was lost requesting WEB/closed
    ");
}

#[test]
fn many_at_a_time_in_their_order() {
    let web = Web::start();
    let urls: Vec<String> = (0..40)
        .map(|number| {
            let path = format!("/{number}");
            web.put_text(&path, number.to_string());
            web.url(&path)
        })
        .collect();
    let client = Client::new(&ClientOptions::default());
    let mut counts = Vec::new();
    let documents = client
        .get_all(&urls, (10, 100), &Cancel::new(), &mut |done| {
            counts.push(done)
        })
        .unwrap();
    let texts: Vec<String> = documents
        .into_iter()
        .map(|document| String::from_utf8(document).unwrap())
        .collect();
    let expected: Vec<String> = (0..40).map(|number: i32| number.to_string()).collect();
    assert_eq!(texts, expected);
    assert_eq!(counts, (1..=40).collect::<Vec<usize>>());
    let error = client
        .get_all(&urls, (10, 50), &Cancel::new(), &mut |_| {})
        .unwrap_err();
    assert!(
        matches!(error, HttpError::TooLong { limit: 50, .. }),
        "{error}"
    );
    web.put("/7", Answer::Status(404));
    let error = client
        .get_all(&urls, (10, 100), &Cancel::new(), &mut |_| {})
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} does not exist", web.url("/7"))
    );
}

#[test]
fn a_silent_server_does_not_hold_whoever_is_interrupted() {
    let web = Web::start();
    web.put("/silent", Answer::Stall);
    let cancel = Cancel::new();
    cancel.cancel();
    let error = Client::new(&ClientOptions::default())
        .get_all(&[web.url("/silent")], (10, 10), &cancel, &mut |_| {})
        .unwrap_err();
    assert!(matches!(error, HttpError::Cancelled), "{error}");
}

/// Answers of which something comes all the time, and that never end.
pub(crate) fn trickles() -> [(&'static str, Answer); 4] {
    let head = |lines: &str| format!("HTTP/1.1 200 OK\r\n{lines}\r\n").into_bytes();
    [
        (
            "/body",
            Answer::Trickle(head("Content-Length: 1000000\r\n"), b"x".to_vec()),
        ),
        (
            "/head",
            Answer::Trickle(b"HTTP/1.1 200 OK\r\nX: ".to_vec(), b"x".to_vec()),
        ),
        // Neither gives a single byte of the document.
        (
            "/chunk",
            Answer::Trickle(head("Transfer-Encoding: chunked\r\n"), b"0".to_vec()),
        ),
        (
            "/gzip",
            Answer::Trickle(
                [
                    head("Content-Encoding: gzip\r\n"),
                    // With the name of a file, which has no end.
                    b"\x1f\x8b\x08\x08\0\0\0\0\0\x03".to_vec(),
                ]
                .concat(),
                b"x".to_vec(),
            ),
        ),
    ]
}

#[test]
fn a_trickle_is_not_waited_for() {
    let web = Web::start();
    for (path, answer) in trickles() {
        web.put(path, answer);
        let mut options = ClientOptions::default();
        options.stall = Duration::from_secs(1);
        let client = Client::new(&options);
        let error = client.get(&web.url(path), 1 << 20).unwrap_err();
        // Where this computer holds the server up for so long, it is silent.
        let given_up = matches!(error, HttpError::TooSlow { .. } | HttpError::Timeout { .. });
        assert!(given_up, "{path}: {error}");
    }
}
