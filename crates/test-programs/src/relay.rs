//! A pseudo-terminal in front of a board, which counts the bytes that pass.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, fcntl_getfl, fcntl_setfl};
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::pty::OpenptFlags;
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// Bytes that are passed on at once. The relay holds at most this many unread bytes, so that a sender is held back by
/// the line as without the relay.
const CHUNK: usize = 4096;

/// The bytes that passed a [`Relay`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes from the host to the board.
    pub to_board: u64,
    /// Bytes from the board to the host.
    pub to_host: u64,
    /// The number of times that the board answered after the host had sent.
    pub turns: u64,
}

/// A pseudo-terminal in front of a board. Dropping it removes the terminal; the board behind it stays.
pub struct Relay {
    port: String,
    traffic: Arc<Mutex<Counter>>,
    /// Closed to end the thread.
    wake: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Counter {
    traffic: Traffic,
    /// Whether the host sent the last bytes that passed.
    host_was_last: bool,
}

impl Relay {
    /// Returns a relay in front of a serial port or pseudo-terminal.
    /// Errors: it can't be opened, or the system has no pseudo-terminal left.
    pub fn in_front_of(port: &str) -> io::Result<Relay> {
        Relay::with_latency(port, Duration::ZERO)
    }

    /// Returns a relay in front of a serial port or pseudo-terminal which holds what passes for some time, in either direction.
    /// Errors: as for [`Relay::in_front_of`].
    pub fn with_latency(port: &str, latency: Duration) -> io::Result<Relay> {
        let board = open(port)?;
        Relay::between(board, latency)
    }

    /// Returns a relay in front of whatever a descriptor leads to.
    pub(crate) fn of(board: OwnedFd) -> io::Result<Relay> {
        Relay::between(board, Duration::ZERO)
    }

    fn between(board: OwnedFd, latency: Duration) -> io::Result<Relay> {
        let (host, terminal, port) = pseudo_terminal()?;
        let (woken, wake) = rustix::pipe::pipe()?;
        // Closing the pipe is the signal to stop. A child process that inherited it would keep it open.
        for end in [&woken, &wake] {
            fcntl_setfd(end, FdFlags::CLOEXEC)?;
        }
        for end in [&board, &host] {
            fcntl_setfl(end, fcntl_getfl(end)? | OFlags::NONBLOCK)?;
        }
        let traffic = Arc::new(Mutex::new(Counter::default()));
        let counter = Arc::clone(&traffic);
        let thread = std::thread::Builder::new().name("relay".to_owned());
        let thread = thread.spawn(move || {
            // Kept open between two clients: without a client, the master gets an error.
            let _terminal = terminal;
            // The board has gone, or the relay was dropped. Clients see that the terminal closes.
            let _ = pass(&board, &host, &woken, &counter, latency);
        })?;
        Ok(Relay {
            port,
            traffic,
            wake: Some(wake),
            thread: Some(thread),
        })
    }

    /// Returns the path of the pseudo-terminal, which clients open as a serial port.
    pub fn port(&self) -> &str {
        &self.port
    }

    /// Returns the traffic since the last call.
    pub fn take_traffic(&self) -> Traffic {
        std::mem::take(&mut *locked(&self.traffic)).traffic
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has printed its own message.
            let _ = thread.join();
        }
    }
}

fn locked(counter: &Mutex<Counter>) -> std::sync::MutexGuard<'_, Counter> {
    counter.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns a new pseudo-terminal in raw mode: the master, the slave, and the slave's path.
pub(crate) fn pseudo_terminal() -> io::Result<(OwnedFd, OwnedFd, String)> {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    fcntl_setfd(&master, FdFlags::CLOEXEC)?;
    rustix::pty::grantpt(&master)?;
    rustix::pty::unlockpt(&master)?;
    let path = rustix::pty::ptsname(&master, Vec::new())?;
    let path = path.into_string().map_err(|_| io::ErrorKind::InvalidData)?;
    let slave = open(&path)?;
    Ok((master, slave, path))
}

/// Opens a terminal and puts it into raw mode.
pub(crate) fn open(path: &str) -> io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let terminal = rustix::fs::open(path, flags, Mode::empty())?;
    let mut attributes = tcgetattr(&terminal)?;
    attributes.make_raw();
    tcsetattr(&terminal, OptionalActions::Now, &attributes)?;
    Ok(terminal)
}

/// One direction of a relay.
#[derive(Default)]
struct Direction {
    /// Bytes that were read and not written yet.
    waiting: Vec<u8>,
    /// How long they are held, and when they are due.
    latency: Duration,
    due: Option<Instant>,
}

impl Direction {
    /// Reads from `from` if nothing waits, and returns how many bytes came.
    fn read(&mut self, from: BorrowedFd<'_>) -> io::Result<usize> {
        let mut buffer = [0; CHUNK];
        match rustix::io::read(from, &mut buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                self.waiting.extend(buffer.get(..count).unwrap_or_default());
                self.due = Instant::now().checked_add(self.latency);
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns how long the waiting bytes are still held, if any are.
    fn held(&self) -> Option<Duration> {
        let left = self.due?.saturating_duration_since(Instant::now());
        (!self.waiting.is_empty() && !left.is_zero()).then_some(left)
    }

    /// Writes as many of the waiting bytes as `to` accepts, when they are due.
    fn write(&mut self, to: BorrowedFd<'_>) -> io::Result<()> {
        while !self.waiting.is_empty() && self.held().is_none() {
            match rustix::io::write(to, &self.waiting) {
                Ok(count) => drop(self.waiting.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Returns the events to wait for at the end that is read, and at the end that is written; `is_held` says that nothing is due.
    fn interest(&self, is_held: bool) -> (PollFlags, PollFlags) {
        if self.waiting.is_empty() {
            (PollFlags::IN, PollFlags::empty())
        } else if is_held {
            (PollFlags::empty(), PollFlags::empty())
        } else {
            (PollFlags::empty(), PollFlags::OUT)
        }
    }
}

/// Passes bytes on until `woken` is closed.
/// Errors: the board has gone.
fn pass(
    board: &OwnedFd,
    host: &OwnedFd,
    woken: &OwnedFd,
    counter: &Mutex<Counter>,
    latency: Duration,
) -> io::Result<()> {
    let direction = || Direction {
        latency,
        ..Direction::default()
    };
    let (mut up, mut down) = (direction(), direction());
    loop {
        let (up_held, down_held) = (up.held(), down.held());
        let (read_host, write_board) = up.interest(up_held.is_some());
        let (read_board, write_host) = down.interest(down_held.is_some());
        let mut ends = [
            PollFd::new(woken, PollFlags::IN),
            PollFd::new(host, read_host | write_host),
            PollFd::new(board, read_board | write_board),
        ];
        let held = up_held.into_iter().chain(down_held).min();
        // A time beyond what a timespec holds is not a latency.
        let held = held.and_then(|held| Timespec::try_from(held).ok());
        match poll(&mut ends, held.as_ref()) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        }
        if !ends[0].revents().is_empty() {
            return Ok(());
        }
        // A hung-up board is always ready: without this the loop would be busy while no client reads.
        if ends[2]
            .revents()
            .intersects(PollFlags::HUP | PollFlags::ERR)
        {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if up.waiting.is_empty() && up.read(host.as_fd())? > 0 {
            let mut counter = locked(counter);
            counter.traffic.to_board += up.waiting.len() as u64;
            counter.host_was_last = true;
        }
        up.write(board.as_fd())?;
        if down.waiting.is_empty() && down.read(board.as_fd())? > 0 {
            let mut counter = locked(counter);
            counter.traffic.to_host += down.waiting.len() as u64;
            counter.traffic.turns += u64::from(counter.host_was_last);
            counter.host_was_last = false;
        }
        down.write(host.as_fd())?;
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn bytes_pass_and_are_counted() {
        let (board, _slave, path) = pseudo_terminal().unwrap();
        let relay = Relay::in_front_of(&path).unwrap();
        let mut host = OpenOptions::new()
            .read(true)
            .write(true)
            .open(relay.port())
            .unwrap();
        let mut board = std::fs::File::from(board);
        let mut answer = [0; 4];
        for _ in 0..2 {
            host.write_all(b"ping\x03\r").unwrap();
            let mut request = [0; 6];
            board.read_exact(&mut request).unwrap();
            assert_eq!(&request, b"ping\x03\r");
            board.write_all(b"po").unwrap();
            board.write_all(b"ng").unwrap();
            host.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"pong");
        }
        let traffic = Traffic {
            to_board: 12,
            to_host: 8,
            turns: 2,
        };
        assert_eq!(relay.take_traffic(), traffic);
        assert_eq!(relay.take_traffic(), Traffic::default());
    }

    #[test]
    fn bytes_are_held_for_the_latency() {
        let (board, _slave, path) = pseudo_terminal().unwrap();
        let latency = Duration::from_millis(20);
        let relay = Relay::with_latency(&path, latency).unwrap();
        let mut host = OpenOptions::new().write(true).open(relay.port()).unwrap();
        let begin = Instant::now();
        host.write_all(b"x").unwrap();
        let mut received = [0];
        std::fs::File::from(board)
            .read_exact(&mut received)
            .unwrap();
        assert!(begin.elapsed() >= latency);
    }

    #[test]
    fn more_than_a_terminal_holds_passes_too() {
        let (board, _slave, path) = pseudo_terminal().unwrap();
        let relay = Relay::in_front_of(&path).unwrap();
        let mut host = OpenOptions::new().write(true).open(relay.port()).unwrap();
        let sent: Vec<u8> = (0..100_000_u32).map(|byte| (byte * 7) as u8).collect();
        let expected = sent.clone();
        let sender = std::thread::spawn(move || host.write_all(&sent).unwrap());
        let mut received = vec![0; expected.len()];
        std::fs::File::from(board)
            .read_exact(&mut received)
            .unwrap();
        sender.join().unwrap();
        assert!(received == expected);
    }
}
