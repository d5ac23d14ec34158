//! A TCP server that passes bytes on unchanged: `socket://`.
//!
//! There is no authentication and no encryption: anyone who reaches the server can run code on the board.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::transport::Transport;

/// Timeout of the other side for closing its end.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(300);

/// A connection to a TCP server.
#[derive(Debug)]
pub struct Tcp(TcpStream);

impl Tcp {
    /// Connects to `host` (a name, or an address without brackets), trying each address that it has.
    ///
    /// `timeout` is for all addresses together. The time to look up the name is not included.
    ///
    /// # Errors
    ///
    /// [`Error::Open`], with the error of the last address.
    pub fn connect(host: &str, port: u16, timeout: Duration) -> Result<Tcp, Error> {
        connect(host, port, Deadline::after(timeout))
            .map(Tcp)
            .map_err(|source| Error::Open {
                address: format!("socket://{}", Endpoint { host, port }),
                source,
            })
    }
}

impl Transport for Tcp {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        read(&self.0, buf, deadline)
    }

    fn write_all(&self, mut bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = write(&self.0, bytes, deadline)?;
            bytes = bytes.get(count..).unwrap_or_default();
        }
        Ok(())
    }
}

impl Drop for Tcp {
    fn drop(&mut self) {
        close(&self.0);
    }
}

/// A host and port in the form of addresses, IPv6 in brackets.
pub(crate) struct Endpoint<'a> {
    pub(crate) host: &'a str,
    pub(crate) port: u16,
}

impl fmt::Display for Endpoint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Endpoint { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

/// Connects to the first address of `host` that answers. Each address gets an equal share of the remaining time.
pub(super) fn connect(host: &str, port: u16, deadline: Deadline) -> io::Result<TcpStream> {
    let addresses: Vec<_> = (host, port).to_socket_addrs()?.collect();
    let mut last_error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for (index, address) in addresses.iter().enumerate() {
        let left = deadline.remaining().unwrap_or(Duration::MAX);
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        match TcpStream::connect_timeout(address, share.max(Duration::from_millis(1))) {
            Ok(stream) => {
                // The REPL exchanges few bytes and waits for answers, so they must be sent at once.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last_error = error,
        }
    }
    Err(last_error)
}

/// Enables keep-alive packets, so that a connection which was not closed (Wi-Fi or power lost) ends within half a minute.
/// Errors are ignored, because the connection works without them.
pub(super) fn keep_alive(stream: &TcpStream) {
    #[cfg(unix)]
    {
        use rustix::net::sockopt;
        let _ = sockopt::set_socket_keepalive(stream, true);
        let _ = sockopt::set_tcp_keepidle(stream, Duration::from_secs(10));
        let _ = sockopt::set_tcp_keepintvl(stream, Duration::from_secs(5));
        let _ = sockopt::set_tcp_keepcnt(stream, 4);
    }
    #[cfg(not(unix))]
    let _ = stream;
}

/// Makes the system acknowledge received bytes at once. Linux resets this option from time to time.
///
/// MicroPython writes header and payload of a WebSocket frame separately, and its network stack holds the payload back
/// until the header is acknowledged. Without this option each answer takes 40 ms longer.
pub(super) fn acknowledge_at_once(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    let _ = rustix::net::sockopt::set_tcp_quickack(stream, true);
    #[cfg(not(target_os = "linux"))]
    let _ = stream;
}

/// Reads at least one byte, as [`Transport::read`] promises.
pub(super) fn read(
    mut stream: &TcpStream,
    buf: &mut [u8],
    deadline: Deadline,
) -> io::Result<usize> {
    if buf.is_empty() {
        return Ok(0);
    }
    loop {
        stream.set_read_timeout(socket_timeout(deadline))?;
        match stream.read(buf) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => return Ok(count),
            Err(error) => retry_or_fail(error, deadline)?,
        }
    }
}

/// Writes some of `bytes`, at least one.
pub(super) fn write(mut stream: &TcpStream, bytes: &[u8], deadline: Deadline) -> io::Result<usize> {
    loop {
        stream.set_write_timeout(socket_timeout(deadline))?;
        match stream.write(bytes) {
            Ok(count) => return Ok(count),
            Err(error) => retry_or_fail(error, deadline)?,
        }
    }
}

/// Closes the connection so that the last sent bytes arrive.
///
/// A socket that is closed with unread bytes, or gets bytes after that, resets the connection. Then the other side loses
/// the bytes that it has not read yet. So only the sending side is closed first, and received bytes are read until the
/// other side closes too.
pub(super) fn close(stream: &TcpStream) {
    let deadline = Deadline::after(CLOSE_TIMEOUT);
    let mut is_open = stream.shutdown(Shutdown::Write).is_ok();
    while is_open && !deadline.has_passed() {
        is_open = read(stream, &mut [0; 4096], deadline).is_ok();
    }
}

/// Returns the time until the deadline, at least a minimum: zero would mean "for ever" to a socket.
fn socket_timeout(deadline: Deadline) -> Option<Duration> {
    let left = deadline.remaining()?;
    Some(left.max(Duration::from_millis(1)))
}

fn retry_or_fail(error: io::Error, deadline: Deadline) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        // On Unix the end of a wait is `WouldBlock`. `TimedOut` is the system's ETIMEDOUT: the other side does not answer.
        io::ErrorKind::TimedOut if cfg!(unix) => {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, error))
        }
        // The end of a wait is `WouldBlock` on Unix and `TimedOut` on Windows. It may come a little early.
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut if !deadline.has_passed() => Ok(()),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Err(io::ErrorKind::TimedOut.into()),
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NotConnected => Err(io::Error::new(io::ErrorKind::UnexpectedEof, error)),
        _ => Err(error),
    }
}
