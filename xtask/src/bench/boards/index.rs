//! A package index on this computer: a web server that answers what `mip` asks.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde_json::json;
use test_programs::cache::sha256_hex;

use crate::bench::content::random_bytes;

/// The packages in it.
pub(super) const PACKAGES: [&str; 5] = ["apple", "birch", "cedar", "damson", "elder"];
/// Bytes of the two files of a package.
const SIZES: [(&str, usize); 2] = [("__init__", 400), ("core", 1600)];

/// A server that runs as long as the process.
pub(super) struct Index {
    /// The address to give to `mip install --index`.
    pub(super) url: String,
}

impl Index {
    pub(super) fn start() -> anyhow::Result<Index> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/pi", listener.local_addr()?);
        let answers = Arc::new(answers());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answers = Arc::clone(&answers);
                // The server ignores clients that disconnect.
                thread::spawn(move || drop(answer(&stream, &answers)));
            }
        });
        Ok(Index { url })
    }

    /// Returns the files of all packages, by their path under the folder for packages.
    pub(super) fn files() -> impl Iterator<Item = (String, Vec<u8>)> {
        PACKAGES.iter().flat_map(|package| files_of(package))
    }
}

fn files_of(package: &str) -> impl Iterator<Item = (String, Vec<u8>)> {
    SIZES.iter().map(move |(module, size)| {
        let path = format!("{package}/{module}.mpy");
        let content = random_bytes(&path, *size);
        (path, content)
    })
}

/// Returns the answer to each path. Layout: <https://docs.micropython.org/en/latest/reference/packages.html>.
fn answers() -> BTreeMap<String, Vec<u8>> {
    let mut answers = BTreeMap::new();
    for package in PACKAGES {
        let mut hashes = Vec::new();
        for (path, content) in files_of(package) {
            let hash: String = sha256_hex(&content).chars().take(8).collect();
            let folder: String = hash.chars().take(2).collect();
            answers.insert(format!("/pi/file/{folder}/{hash}"), content);
            hashes.push(json!([path, hash]));
        }
        let description = json!({"v": 1, "version": "1.0", "hashes": hashes, "deps": []});
        answers.insert(
            format!("/pi/package/6/{package}/latest.json"),
            description.to_string().into_bytes(),
        );
    }
    answers
}

/// Answers the one request of a connection.
fn answer(mut stream: &TcpStream, answers: &BTreeMap<String, Vec<u8>>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, body) = match answers.get(path) {
        Some(body) => ("200 OK", body.as_slice()),
        None => ("404 Not Found", [].as_slice()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn descriptions_and_files_are_served() {
        let index = Index::start().unwrap();
        let address = index.url.trim_start_matches("http://");
        let address = address.trim_end_matches("/pi");
        let get = |path: &str| {
            let mut stream = TcpStream::connect(address).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).unwrap();
            answer
        };
        let description = get("/pi/package/6/cedar/latest.json");
        assert!(description.ends_with(b"\"version\":\"1.0\"}"));
        assert!(get("/pi/package/6/oak/latest.json").starts_with(b"HTTP/1.1 404"));
    }
}
