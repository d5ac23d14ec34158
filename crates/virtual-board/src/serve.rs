//! A virtual board for other programs: on a pseudo-terminal, or on TCP.

#[cfg(unix)]
mod pty;
mod tcp;

#[cfg(unix)]
pub use pty::{PtyServer, pty};
pub use tcp::{TcpServer, tcp};
