//! Transports against real ends: pseudo-terminals, processes, sockets, ser2net, pyserial.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the lint spares test functions only, not their helpers"
)]

#[cfg(unix)]
mod discovery;
#[cfg(unix)]
mod process;
#[cfg(unix)]
mod rfc2217;
#[cfg(unix)]
mod serial;
mod support;
mod tcp;
mod telnet;
#[cfg(unix)]
mod webrepl;
#[cfg(unix)]
mod wire_log;
