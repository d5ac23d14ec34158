//! Documents from a server on this computer.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use piton::deadline::Cancel;
use piton::http::{Client, ClientOptions, HttpError};

/// What a server answers to a path.
#[derive(Clone, Copy)]
enum Answer {
    Document(&'static str),
    Status(u16),
    /// Nothing, for as long as the other side waits.
    Silence,
    /// A byte now and then, for ever.
    Trickle,
    /// Less than was announced.
    Cut,
    /// Another address, as the server writes it.
    Redirect(&'static str),
    /// A line that is not HTTP.
    Nonsense,
    /// 128 KiB of zeros, packed.
    Packed,
}

/// Starts a server. Returns the beginning of its addresses.
fn server(answers: &[(&'static str, Answer)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answers = answers.iter().copied().collect::<BTreeMap<_, _>>();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, answers) = (stream.unwrap(), answers.clone());
            thread::spawn(move || serve(stream, &answers));
        }
    });
    format!("http://{address}")
}

fn serve(mut stream: TcpStream, answers: &BTreeMap<&str, Answer>) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        request.push(byte[0]);
    }
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap();
    let head = |length: usize| {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")
    };
    // The client may have gone.
    let _ = match answers.get(path).copied().unwrap_or(Answer::Status(404)) {
        Answer::Document(text) => write!(stream, "{}{text}", head(text.len())),
        Answer::Status(status) => {
            write!(
                stream,
                "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
        Answer::Redirect(to) => {
            write!(
                stream,
                "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        }
        Answer::Nonsense => write!(stream, "SSH-2.0-server\r\n\r\n"),
        Answer::Packed => pack(stream),
        Answer::Cut => write!(stream, "{}half", head(100)),
        Answer::Silence => stream.read(&mut byte).map(drop),
        Answer::Trickle => trickle(stream, &head(1 << 20)),
    };
}

fn trickle(mut stream: TcpStream, head: &str) -> std::io::Result<()> {
    stream.write_all(head.as_bytes())?;
    loop {
        stream.write_all(b"x")?;
        thread::sleep(Duration::from_millis(20));
    }
}

fn pack(mut stream: TcpStream) -> std::io::Result<()> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![0; 1 << 17])?;
    let packed = encoder.finish()?;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        packed.len()
    )?;
    stream.write_all(&packed)
}

fn client() -> Client {
    Client::new(&ClientOptions::default())
}

/// A client that waits for less than a busy computer may take for an answer.
fn impatient_client() -> Client {
    let mut options = ClientOptions::default();
    options.stall = Duration::from_millis(400);
    Client::new(&options)
}

#[test]
fn a_document_comes_whole_or_not_at_all() {
    let server = server(&[
        ("/a", Answer::Document("hello")),
        ("/gone", Answer::Status(410)),
        ("/broken", Answer::Status(500)),
        ("/cut", Answer::Cut),
    ]);
    let get = |path: &str, limit| client().get(&format!("{server}{path}"), limit);
    assert_eq!(get("/a", 5).unwrap(), b"hello");
    assert!(matches!(
        get("/a", 4),
        Err(HttpError::TooLong { limit: 4, .. })
    ));
    assert!(matches!(get("/no", 5), Err(HttpError::NotFound { .. })));
    assert!(matches!(get("/gone", 5), Err(HttpError::NotFound { .. })));
    assert!(matches!(
        get("/broken", 5),
        Err(HttpError::Status { status: 500, .. })
    ));
    assert!(get("/cut", 1000).is_err());
    let nobody = client().get("http://127.0.0.1:1/", 5);
    assert!(
        matches!(nobody, Err(HttpError::Unreachable { .. })),
        "{nobody:?}"
    );
}

#[test]
fn many_documents_come_in_the_order_of_their_addresses() {
    let names = [
        "/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9", "/10", "/11",
    ];
    let answers = names.map(|name| (name, Answer::Document(name)));
    let server = server(&answers);
    let urls = names.map(|name| format!("{server}{name}"));
    let mut counts = Vec::new();
    let cancel = Cancel::new();
    let documents = client().get_all(&urls, (10, 1000), &cancel, &mut |count| counts.push(count));
    let expected = names.map(|name| name.as_bytes().to_vec());
    assert_eq!(documents.unwrap(), expected);
    assert_eq!(counts, (1..=names.len()).collect::<Vec<_>>());
    // All together are more than that.
    let too_long = client().get_all(&urls, (10, 20), &cancel, &mut |_| {});
    assert!(matches!(
        too_long,
        Err(HttpError::TooLong { limit: 20, .. })
    ));
    assert!(
        client()
            .get_all(&[], (10, 20), &cancel, &mut |_| {})
            .unwrap()
            .is_empty()
    );
}

#[test]
fn one_that_is_missing_does_not_end_the_others() {
    let server = server(&[("/a", Answer::Document("a")), ("/b", Answer::Document("b"))]);
    let request = |path: &str| (format!("{server}{path}"), 10);
    let requests = vec![request("/a"), request("/no"), request("/b")];
    let mut answers = BTreeMap::new();
    client()
        .get_each(requests, 100, &Cancel::new(), &mut |index, answer| {
            let bytes = answer.map(|document| document.into_bytes(10).unwrap());
            answers.insert(index, bytes);
            Ok(())
        })
        .unwrap();
    assert_eq!(answers[&0].as_deref().unwrap(), b"a");
    assert!(matches!(answers[&1], Err(HttpError::NotFound { .. })));
    assert_eq!(answers[&2].as_deref().unwrap(), b"b");
    let all = client().get_all(
        &[format!("{server}/no")],
        (10, 10),
        &Cancel::new(),
        &mut |_| {},
    );
    assert!(matches!(all, Err(HttpError::NotFound { .. })));
}

#[test]
fn a_silent_server_holds_nobody_who_is_interrupted() {
    let server = server(&[("/silent", Answer::Silence)]);
    let mut options = ClientOptions::default();
    options.stall = Duration::from_secs(60);
    let cancel = Cancel::new();
    let urls = [format!("{server}/silent")];
    let start = Instant::now();
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(200));
            cancel.cancel();
        });
        Client::new(&options).get_all(&urls, (10, 10), &cancel, &mut |_| {})
    });
    assert!(matches!(result, Err(HttpError::Cancelled)), "{result:?}");
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_server_that_sends_nothing_or_next_to_nothing_is_given_up() {
    let server = server(&[("/silent", Answer::Silence), ("/slow", Answer::Trickle)]);
    let get = |path: &str| {
        let urls = [format!("{server}{path}")];
        let document =
            impatient_client().get_all(&urls, (1 << 21, 1 << 21), &Cancel::new(), &mut |_| {});
        document.unwrap_err()
    };
    assert!(matches!(get("/silent"), HttpError::Timeout { .. }));
    // Each byte comes in time, but the document would take hours.
    assert!(matches!(get("/slow"), HttpError::TooSlow { .. }));
}

#[test]
fn other_addresses_are_followed_unless_they_lead_round() {
    let server = server(&[
        ("/a", Answer::Document("hello")),
        ("/moved", Answer::Redirect("/a")),
        ("/twice", Answer::Redirect("/moved")),
        ("/round", Answer::Redirect("/round")),
        ("/gone", Answer::Redirect("/no")),
    ]);
    let get = |path: &str| client().get(&format!("{server}{path}"), 100);
    assert_eq!(get("/moved").unwrap(), b"hello");
    assert_eq!(get("/twice").unwrap(), b"hello");
    assert!(matches!(get("/round"), Err(HttpError::Broken { .. })));
    assert!(matches!(get("/gone"), Err(HttpError::NotFound { .. })));
}

#[test]
fn what_is_not_an_answer_is_an_error_that_names_the_address() {
    let server = server(&[("/odd", Answer::Nonsense)]);
    let error = client().get(&format!("{server}/odd"), 100).unwrap_err();
    assert!(matches!(error, HttpError::Broken { .. }), "{error:?}");
    assert!(error.to_string().contains("/odd"), "{error}");
    for url in ["", "nonsense", "ftp://127.0.0.1/a", "http://"] {
        let error = client().get(url, 100).unwrap_err();
        assert!(
            matches!(error, HttpError::Broken { .. }),
            "{url}: {error:?}"
        );
    }
}

#[test]
fn the_limit_is_that_of_the_unpacked_document() {
    let server = server(&[("/zeros", Answer::Packed)]);
    let get = |limit| client().get(&format!("{server}/zeros"), limit);
    let error = get(100_000).unwrap_err();
    assert!(
        matches!(error, HttpError::TooLong { limit: 100_000, .. }),
        "{error:?}"
    );
    assert_eq!(get(1 << 17).unwrap().len(), 1 << 17);
}
