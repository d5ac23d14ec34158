//! A web server on this computer, as small as it can be: it answers what a test puts there, well or badly.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A server that runs as long as the process.
pub(crate) struct Web {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    answers: Mutex<BTreeMap<String, Answer>>,
    /// The first lines of the requests.
    requests: Mutex<Vec<String>>,
    /// The lines of their heads, joined.
    heads: Mutex<Vec<String>>,
    /// Connections that are left without an answer.
    stalled: Mutex<Vec<TcpStream>>,
}

/// What a path answers.
#[derive(Clone)]
pub(crate) enum Answer {
    /// 200, and this.
    Body(Vec<u8>),
    /// A status and nothing.
    Status(u16),
    /// 302 to this address.
    Redirect(String),
    /// 200 and this, but 100 bytes more are announced.
    Truncated(Vec<u8>),
    /// 200, gzipped content.
    Gzip(Vec<u8>),
    /// The request is read, and that is all.
    Stall,
    /// These bytes.
    Raw(Vec<u8>),
    /// These bytes, then one more of the others, again and again, every 20 ms, without end.
    Trickle(Vec<u8>, Vec<u8>),
}

impl Web {
    pub(crate) fn start() -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        let ours = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&ours);
                thread::spawn(move || shared.serve(stream));
            }
        });
        Web { address, shared }
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    pub(crate) fn put(&self, path: &str, answer: Answer) {
        let mut answers = self.shared.answers.lock().unwrap();
        answers.insert(path.to_owned(), answer);
    }

    pub(crate) fn put_text(&self, path: &str, text: impl Into<String>) {
        self.put(path, Answer::Body(text.into().into_bytes()));
    }

    /// The heads of the requests since the last call.
    pub(crate) fn take_heads(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.heads.lock().unwrap())
    }

    /// The requests since the last call.
    pub(crate) fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.requests.lock().unwrap())
    }
}

impl Shared {
    /// Answer the requests of one connection.
    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        loop {
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 {
                    return;
                }
                if line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_owned());
            }
            let first = head.first().cloned().unwrap_or_default();
            self.requests.lock().unwrap().push(first.clone());
            self.heads.lock().unwrap().push(head.join("\n"));
            let mut words = first.split(' ');
            let method = words.next().unwrap_or_default();
            if method == "CONNECT" {
                // As a proxy, this server stands for every other one.
                let _ = stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n");
                continue;
            }
            let path = words.next().unwrap_or_default();
            // A proxy is asked for whole addresses.
            let path = match path.strip_prefix("http://") {
                Some(rest) => &rest[rest.find('/').unwrap_or(rest.len())..],
                None => path,
            };
            let answer = self.answers.lock().unwrap().get(path).cloned();
            let answer = answer.unwrap_or(Answer::Status(404));
            if matches!(answer, Answer::Stall) {
                self.stalled.lock().unwrap().push(stream);
                return;
            }
            if let Answer::Trickle(start, rest) = &answer {
                let mut sent = stream.write_all(start);
                for byte in rest.iter().cycle() {
                    thread::sleep(std::time::Duration::from_millis(20));
                    sent = sent.and_then(|()| stream.write_all(&[*byte]));
                    if sent.is_err() {
                        break;
                    }
                }
                return;
            }
            let _ = stream.write_all(&answer.bytes());
            return;
        }
    }
}

impl Answer {
    fn bytes(self) -> Vec<u8> {
        let (status, headers, body, announced) = match self {
            Answer::Body(body) => (200, String::new(), body, 0),
            Answer::Status(status) => (status, String::new(), Vec::new(), 0),
            Answer::Redirect(to) => (302, format!("Location: {to}\r\n"), Vec::new(), 0),
            Answer::Truncated(body) => (200, String::new(), body, 100),
            Answer::Gzip(body) => (200, "Content-Encoding: gzip\r\n".to_owned(), body, 0),
            Answer::Raw(bytes) => return bytes,
            Answer::Stall | Answer::Trickle(..) => return Vec::new(),
        };
        let mut bytes = format!(
            "HTTP/1.1 {status} Whatever\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len() + announced
        )
        .into_bytes();
        bytes.extend(body);
        bytes
    }
}
