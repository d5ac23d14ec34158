//! A virtual board on a pseudo-terminal, which programs open as a serial port.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pty::OpenptFlags;
use rustix::termios::OptionalActions;

use crate::board::VirtualBoard;
use crate::line::Line;

/// Time after which output is dropped because no client reads. A slow client cannot be distinguished from one that has closed
/// the terminal, because the server keeps the terminal open. On a busy computer a client may read nothing for some
/// seconds.
const CLIENT_PATIENCE: Duration = Duration::from_secs(10);
/// Interval of looking for a vanished board.
const RETRY: Duration = Duration::from_millis(5);

/// A virtual board on a pseudo-terminal. Dropping it takes the terminal away; the board runs on.
pub struct PtyServer {
    path: PathBuf,
    shared: Arc<Shared>,
    /// Closed to wake the threads.
    wake: Option<OwnedFd>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    board: Arc<VirtualBoard>,
    line: Mutex<Option<Arc<Line>>>,
    stopping: AtomicBool,
    /// Whether the last output was dropped. Then output does not wait until a client reads.
    unread: AtomicBool,
    master: OwnedFd,
    /// Kept open, so that the master gets no error (EIO on Linux) between two clients.
    slave: OwnedFd,
    /// Readable when the server stops.
    woken: OwnedFd,
}

/// Offers a board on a pseudo-terminal until the result is dropped.
///
/// The terminal is in raw mode, and clients may come and go. While one is connected, output waits for it. If no byte
/// is read for ten seconds, output is dropped until a client reads or writes. While the board has vanished, the
/// terminal stays, and bytes written to it are lost. The server holds the board's only [`Line`].
///
/// # Errors
///
/// The system gives no pseudo-terminal, or the board's line is open already.
pub fn pty(board: Arc<VirtualBoard>) -> io::Result<PtyServer> {
    let line = Arc::new(board.open()?);
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    let name = rustix::pty::ptsname(&master, Vec::new())?;
    let name = name.into_string().map_err(|_| io::ErrorKind::InvalidData)?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(name.as_str(), flags, Mode::empty())?;
    let mut attributes = rustix::termios::tcgetattr(&slave)?;
    attributes.make_raw();
    rustix::termios::tcsetattr(&slave, OptionalActions::Now, &attributes)?;
    fcntl_setfl(&master, fcntl_getfl(&master)? | OFlags::NONBLOCK)?;
    let (woken, wake) = rustix::pipe::pipe()?;
    // Closing the pipe is the signal to stop. A child process that inherited it would keep it open.
    for end in [&woken, &wake] {
        rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
    }
    let shared = Arc::new(Shared {
        board,
        line: Mutex::new(Some(line)),
        stopping: AtomicBool::new(false),
        unread: AtomicBool::new(false),
        master,
        slave,
        woken,
    });
    let mut server = PtyServer {
        path: PathBuf::from(name),
        shared,
        wake: Some(wake),
        threads: Vec::new(),
    };
    server.spawn("virtual board to pty", Shared::board_to_client)?;
    server.spawn("pty to virtual board", Shared::client_to_board)?;
    Ok(server)
}

impl PtyServer {
    /// Returns the path that clients open as a serial port.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn spawn(&mut self, name: &str, body: fn(&Shared)) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let thread = std::thread::Builder::new().name(name.into());
        self.threads.push(thread.spawn(move || body(&shared))?);
        Ok(())
    }
}

impl Drop for PtyServer {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.wake = None;
        if let Some(line) = self.shared.line() {
            line.close();
        }
        for thread in self.threads.drain(..) {
            // A thread that panicked has printed its own message.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn line(&self) -> Option<Arc<Line>> {
        self.line
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    fn board_to_client(&self) {
        let mut buf = [0; 4096];
        while !self.is_stopping() {
            let Some(line) = self.line() else {
                self.find_board();
                continue;
            };
            match line.read(&mut buf, None) {
                Ok(count) => self.send(buf.get(..count).unwrap_or_default()),
                // The board has vanished. Drop this end, so that the line can be opened again when the board is back.
                Err(_) => *self.line.lock().unwrap_or_else(PoisonError::into_inner) = None,
            }
        }
    }

    fn find_board(&self) {
        match self.board.open() {
            Ok(line) => {
                let line = Some(Arc::new(line));
                *self.line.lock().unwrap_or_else(PoisonError::into_inner) = line;
            }
            Err(_) => std::thread::sleep(RETRY),
        }
    }

    /// Sends output of the board to the client.
    fn send(&self, mut bytes: &[u8]) {
        let mut deadline = Instant::now() + CLIENT_PATIENCE;
        while !bytes.is_empty() && !self.is_stopping() {
            match rustix::io::write(&self.master, bytes) {
                Ok(count) => {
                    bytes = bytes.get(count..).unwrap_or_default();
                    // A client reads, even if slowly: the patience begins again.
                    deadline = Instant::now() + CLIENT_PATIENCE;
                    self.unread.store(false, Ordering::SeqCst);
                }
                Err(rustix::io::Errno::AGAIN) => {
                    let patience = deadline.saturating_duration_since(Instant::now());
                    if patience.is_zero() || self.unread.load(Ordering::SeqCst) {
                        self.unread.store(true, Ordering::SeqCst);
                        return;
                    }
                    self.wait(PollFlags::OUT, Some(patience));
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    fn client_to_board(&self) {
        let mut buf = [0; 4096];
        while !self.is_stopping() {
            match rustix::io::read(&self.master, &mut buf[..]) {
                Ok(count) => self.receive(buf.get(..count).unwrap_or_default()),
                Err(rustix::io::Errno::AGAIN) => self.wait(PollFlags::IN, None),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => std::thread::sleep(RETRY),
            }
        }
    }

    fn receive(&self, bytes: &[u8]) {
        // A client that writes is connected and will read.
        self.unread.store(false, Ordering::SeqCst);
        // A client that asked for the terminal alone (TIOCEXCL) can't give it back by closing it, because
        // the server still has it open.
        let _ = rustix::termios::ioctl_tiocnxcl(&self.slave);
        if let Some(line) = self.line() {
            // On an error the board has vanished, and the bytes are lost as on hardware.
            let _ = line.write_all(bytes, None);
        }
    }

    /// Waits until the terminal is ready, or the server stops.
    fn wait(&self, flags: PollFlags, timeout: Option<Duration>) {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut waits = [
            PollFd::new(&self.master, flags),
            PollFd::new(&self.woken, PollFlags::IN),
        ];
        // An error (EINTR) means only that the caller checks again.
        let _ = poll(&mut waits, timeout.as_ref());
    }
}
