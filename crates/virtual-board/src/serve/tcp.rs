//! A virtual board on TCP.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::board::VirtualBoard;
use crate::line::Line;

/// A virtual board on TCP. Dropping it closes all connections; the board runs on.
pub struct TcpServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    board: Arc<VirtualBoard>,
    stopping: AtomicBool,
    client: Mutex<Option<Client>>,
}

/// A connected client with its line.
struct Client {
    stream: TcpStream,
    line: Arc<Line>,
}

/// Offers a board on TCP until the result is dropped: raw bytes, one client at a time.
///
/// A client that comes while another one is connected, or while the board has vanished, is disconnected at
/// once. Port 0 takes a free port. Every program that can reach the port can run code on the board: an address
/// other than the loopback one offers it to the whole network.
///
/// # Errors
///
/// The address can't be listened on.
pub fn tcp(board: Arc<VirtualBoard>, address: impl ToSocketAddrs) -> io::Result<TcpServer> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let shared = Arc::new(Shared {
        board,
        stopping: AtomicBool::new(false),
        client: Mutex::new(None),
    });
    let for_thread = Arc::clone(&shared);
    let thread = std::thread::Builder::new()
        .name("virtual board on TCP".into())
        .spawn(move || accept(&listener, &for_thread))?;
    Ok(TcpServer {
        address,
        shared,
        thread: Some(thread),
    })
}

impl TcpServer {
    /// Returns the address that clients connect to, with the port that was taken.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for TcpServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        if let Some(client) = &*self.shared.client() {
            client.line.close();
            let _ = client.stream.shutdown(Shutdown::Both);
        }
        // `accept` has no timeout: a connection to itself wakes the listener.
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        let woken = TcpStream::connect(address).is_ok();
        if let Some(thread) = self.thread.take().filter(|_| woken) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn client(&self) -> std::sync::MutexGuard<'_, Option<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut session: Option<JoinHandle<()>> = None;
    for stream in listener.incoming() {
        if shared.stopping.load(Ordering::SeqCst) {
            break;
        }
        // Both errors disconnect the client: it has gone, or the line is in use.
        let Ok(stream) = stream else { continue };
        let Ok(line) = shared.board.open() else {
            continue;
        };
        if let Some(ended) = session.take() {
            let _ = ended.join();
        }
        session = serve(stream, line, shared).ok();
    }
    if let Some(session) = session {
        let _ = session.join();
    }
}

/// Starts serving a client: one thread for each direction.
fn serve(stream: TcpStream, line: Line, shared: &Arc<Shared>) -> io::Result<JoinHandle<()>> {
    stream.set_nodelay(true)?;
    let line = Arc::new(line);
    let client = Client {
        stream: stream.try_clone()?,
        line: Arc::clone(&line),
    };
    *shared.client() = Some(client);
    let shared = Arc::clone(shared);
    let session = move || {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                board_to_client(&line, &stream);
                let _ = stream.shutdown(Shutdown::Both);
            });
            client_to_board(&line, &stream);
            line.close();
        });
        *shared.client() = None;
    };
    std::thread::Builder::new()
        .name("virtual board's TCP client".into())
        .spawn(session)
}

fn board_to_client(line: &Line, mut stream: &TcpStream) {
    let mut buf = [0; 4096];
    while let Ok(count) = line.read(&mut buf, None) {
        if stream
            .write_all(buf.get(..count).unwrap_or_default())
            .is_err()
        {
            return;
        }
    }
}

fn client_to_board(line: &Line, mut stream: &TcpStream) {
    let mut buf = [0; 4096];
    loop {
        match stream.read(&mut buf) {
            Ok(0) => return,
            Ok(count) => {
                if line
                    .write_all(buf.get(..count).unwrap_or_default(), None)
                    .is_err()
                {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
