//! A WebREPL in front of a board on TCP: MicroPython's own WebSocket, in the unix port.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::micropython_unix;

/// How often another port is tried, when somebody else takes the one that was free a moment ago.
const TRIES: usize = 5;

/// A running WebREPL. Dropping it ends it.
pub struct WebReplServer {
    micropython: Child,
    port: u16,
}

impl WebReplServer {
    /// Starts a WebREPL for the board that listens on `board_port` of this computer. `folder` holds the files of the
    /// file protocol.
    /// Panics: the unix port is not set up, or ends before it listens.
    #[track_caller]
    pub fn start(board_port: u16, password: &str, folder: &Path) -> WebReplServer {
        for _ in 0..TRIES {
            let port = free_port();
            let mut command = micropython_unix();
            command
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/device/webrepl.py"))
                .args([&port.to_string(), &board_port.to_string(), password])
                .arg(folder)
                .stdin(Stdio::null())
                .stdout(Stdio::piped());
            let micropython = match command.spawn() {
                Ok(micropython) => micropython,
                Err(error) => panic!("cannot start `{command:?}`: {error}"),
            };
            let mut server = WebReplServer { micropython, port };
            if server.is_ready() {
                return server;
            }
        }
        panic!("MicroPython's unix port does not serve a WebREPL");
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn is_ready(&mut self) -> bool {
        let Some(output) = self.micropython.stdout.take() else {
            return false;
        };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).is_ok() && line.trim_end() == "ready"
    }
}

impl Drop for WebReplServer {
    fn drop(&mut self) {
        // It may have ended by itself: then there is nothing left to do.
        let _ = self.micropython.kill();
        let _ = self.micropython.wait();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0");
    match listener.and_then(|listener| listener.local_addr()) {
        Ok(address) => address.port(),
        Err(error) => panic!("no free TCP port: {error}"),
    }
}
