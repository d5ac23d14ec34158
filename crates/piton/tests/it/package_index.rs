//! A server for packages on this computer, which answers what a test puts there.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use piton::path::Sha256Hex;

/// A package index that runs as long as the process.
pub(crate) struct Index {
    address: String,
    documents: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Index {
    pub(crate) fn start() -> Index {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let documents = Arc::new(Mutex::new(BTreeMap::new()));
        let served = Arc::clone(&documents);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let documents = Arc::clone(&served);
                thread::spawn(move || serve(&stream, &documents));
            }
        });
        Index { address, documents }
    }

    pub(crate) fn url(&self) -> &str {
        &self.address
    }

    pub(crate) fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.documents
            .lock()
            .unwrap()
            .insert(path.to_owned(), content.into());
    }

    /// Returns a document.
    pub(crate) fn get(&self, path: &str) -> Vec<u8> {
        self.documents.lock().unwrap()[path].clone()
    }

    /// Takes a document away.
    pub(crate) fn remove(&self, path: &str) {
        self.documents.lock().unwrap().remove(path);
    }

    /// Publishes a package with one file, as bytecode of version 6 and as a source. Returns the paths of the two files.
    pub(crate) fn publish(&self, name: &str, version: &str, needs: &[&str]) -> [String; 2] {
        [("6", "mpy"), ("py", "py")].map(|(folder, ending)| {
            let content = format!("{name} {version} {ending}");
            let file = (&*format!("{name}.{ending}"), &*content);
            self.publish_files(folder, name, version, &[file], needs)
                .remove(0)
        })
    }

    /// Publishes a package with these files, given by path and content, for one `folder` of the index. Returns their paths on the
    /// server.
    pub(crate) fn publish_files(
        &self,
        folder: &str,
        name: &str,
        version: &str,
        files: &[(&str, &str)],
        needs: &[&str],
    ) -> Vec<String> {
        let mut hashes = Vec::new();
        let mut paths = Vec::new();
        for (path, content) in files {
            let hash = Sha256Hex::of(content.as_bytes()).to_string();
            let hash = hash[..8].to_owned();
            let file = format!("/file/{}/{hash}", &hash[..2]);
            self.put(&file, *content);
            hashes.push([(*path).to_owned(), hash]);
            paths.push(file);
        }
        let needs: Vec<[&str; 2]> = needs.iter().map(|name| [*name, "latest"]).collect();
        let description = serde_json::json!({
            "v": 1,
            "version": version,
            "hashes": hashes,
            "deps": needs,
        });
        let path = format!("/package/{folder}/{name}/latest.json");
        self.put(&path, description.to_string());
        paths
    }

    /// Takes all files of packages away, and leaves their descriptions.
    pub(crate) fn remove_files(&self) {
        let mut documents = self.documents.lock().unwrap();
        documents.retain(|path, _| !path.starts_with("/file/"));
    }
}

/// Answers one request after the other.
fn serve(stream: &TcpStream, documents: &Mutex<BTreeMap<String, Vec<u8>>>) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(request) = lines.next() {
        let _ = lines.by_ref().take_while(|line| !line.is_empty()).count();
        let path = request.split(' ').nth(1).unwrap_or_default();
        let content = documents.lock().unwrap().get(path).cloned();
        let status = if content.is_some() {
            "200 OK"
        } else {
            "404 Not Found"
        };
        let content = content.unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
            content.len()
        );
        let mut stream = stream;
        if stream
            .write_all(&[head.as_bytes(), &content].concat())
            .is_err()
        {
            return;
        }
    }
}
