//! Opening the transport of the board that a selector names.

use std::time::Duration;

use tracing::debug;

use crate::deadline::Deadline;
use crate::discovery::{SerialPortFacts, list_serial_ports};
use crate::error::Error;
use crate::selector::BoardSelector;
use crate::transport::process::Process;
use crate::transport::rfc2217::{DEFAULT_ANSWER_TIMEOUT, Rfc2217, Rfc2217Options};
use crate::transport::serial::{DEFAULT_BAUD_RATE, SerialPort, Unread};
use crate::transport::tcp::Tcp;
use crate::transport::telnet;
use crate::transport::webrepl::{Login, Password};
use crate::transport::{LineStates, Transport};

/// Options of opening a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenOptions {
    /// Bits per second of a serial port, here or behind an RFC 2217 server; USB ports and ptys ignore it.
    pub baud_rate: u32,
    /// The states of DTR and RTS of a serial port.
    pub lines: LineStates,
    /// The treatment of bytes that a serial port has received before.
    pub unread: Unread,
    /// Timeout of a connection over the network, or of the pty of an `execpty:` command.
    pub connect_timeout: Duration,
    /// The password of a WebREPL or a telnet server.
    pub password: Option<Password>,
}

impl Default for OpenOptions {
    /// Returns 115200 baud, both lines asserted, old bytes dropped, 10 seconds, no password.
    fn default() -> OpenOptions {
        OpenOptions {
            baud_rate: DEFAULT_BAUD_RATE,
            lines: LineStates::default(),
            unread: Unread::Drop,
            connect_timeout: Duration::from_secs(10),
            password: None,
        }
    }
}

/// Opens the board that `selector` names. The returned text is the board's name for people: the path of its port, else
/// the selector.
///
/// # Errors
///
/// - [`Error::NoBoard`], [`Error::NoSuchSerialNumber`] if no board matches.
/// - [`Error::NoSuchPort`], [`Error::PortBusy`], [`Error::PortPermission`], [`Error::Open`] if the board cannot be opened.
/// - [`Error::PasswordNeeded`], [`Error::PasswordRefused`] from a WebREPL or a telnet server.
/// - [`Error::Selector`] for [`BoardSelector::Virtual`], which the `piton` crate opens, and for
///   [`BoardSelector::ExecPty`] on Windows.
pub fn open(
    selector: &BoardSelector,
    options: &OpenOptions,
) -> Result<(Box<dyn Transport>, String), Error> {
    open_asking(selector, options, &mut |_| None)
}

/// As [`open`]. If `options` have no password and a WebREPL has answered, `ask` is called with the board's address and
/// may return the password. The board waits during the call.
///
/// # Errors
///
/// As for [`open`].
pub fn open_asking(
    selector: &BoardSelector,
    options: &OpenOptions,
    ask: &mut dyn FnMut(&str) -> Option<Password>,
) -> Result<(Box<dyn Transport>, String), Error> {
    let transport: Box<dyn Transport> = match selector {
        BoardSelector::Auto => return open_first(&list_serial_ports(), options),
        BoardSelector::Id(serial_number) => {
            let port = find_serial_number(&list_serial_ports(), serial_number)?;
            return open_serial(port, options);
        }
        BoardSelector::Port(port) => return open_serial(port.clone(), options),
        BoardSelector::Exec(command) => Box::new(Process::start(command)?),
        BoardSelector::ExecPty(command) => open_pty_process(selector, command, options)?,
        BoardSelector::Socket { host, port } => {
            Box::new(Tcp::connect(host, *port, options.connect_timeout)?)
        }
        BoardSelector::Rfc2217 {
            host,
            port,
            timeout,
        } => {
            let options = Rfc2217Options {
                baud_rate: options.baud_rate,
                lines: options.lines,
                connect_timeout: options.connect_timeout,
                answer_timeout: timeout.unwrap_or(DEFAULT_ANSWER_TIMEOUT),
            };
            Box::new(Rfc2217::connect(host, *port, options)?)
        }
        BoardSelector::Telnet { host, port, user } => {
            let address = selector.to_string();
            let timeout = options.connect_timeout;
            let connection = Rfc2217::connect_plain(host, *port, &address, timeout)?;
            telnet::log_in(&connection, &address, user, options.password.as_ref())?;
            Box::new(connection)
        }
        BoardSelector::WebRepl { host, port } => {
            let deadline = || Deadline::after(options.connect_timeout);
            let login = Login::reach(host, *port, deadline())?;
            let address = selector.to_string();
            let asked = match &options.password {
                None => ask(&address),
                Some(_) => None,
            };
            let password = options.password.as_ref().or(asked.as_ref());
            let password = password.ok_or(Error::PasswordNeeded { address })?;
            Box::new(login.log_in(password, deadline())?)
        }
        BoardSelector::Virtual { .. } => {
            return Err(Error::Selector {
                text: selector.to_string(),
                expected: "the virtual board is opened by the `piton` crate",
            });
        }
    };
    Ok((transport, selector.to_string()))
}

fn open_serial(port: String, options: &OpenOptions) -> Result<(Box<dyn Transport>, String), Error> {
    let OpenOptions {
        baud_rate,
        lines,
        unread,
        ..
    } = options;
    let transport = SerialPort::open_with(&port, *baud_rate, *lines, *unread)?;
    Ok((Box::new(transport), port))
}

/// Opens the first USB port that can be opened, as mpremote's `auto` does.
fn open_first(
    ports: &[SerialPortFacts],
    options: &OpenOptions,
) -> Result<(Box<dyn Transport>, String), Error> {
    let mut skipped = Vec::new();
    for port in ports.iter().filter(|port| port.is_usb()) {
        match open_serial(port.path.clone(), options) {
            Ok(opened) => return Ok(opened),
            // The port is busy, or without permission, or was unplugged after it was listed. The next port may be the
            // board.
            Err(error) => {
                debug!(port = %port.path, %error, "the port is skipped");
                skipped.push(error);
            }
        }
    }
    Err(Error::NoBoard { skipped })
}

fn find_serial_number(ports: &[SerialPortFacts], serial_number: &str) -> Result<String, Error> {
    let mut ports = ports.iter();
    let port = ports.find(|port| port.serial_number.as_deref() == Some(serial_number));
    port.map(|port| port.path.clone())
        .ok_or_else(|| Error::NoSuchSerialNumber {
            serial_number: serial_number.to_owned(),
        })
}

#[cfg(unix)]
fn open_pty_process(
    _selector: &BoardSelector,
    command: &str,
    options: &OpenOptions,
) -> Result<Box<dyn Transport>, Error> {
    use crate::transport::process::PtyProcess;
    let deadline = Deadline::after(options.connect_timeout);
    Ok(Box::new(PtyProcess::start(command, deadline)?))
}

#[cfg(not(unix))]
fn open_pty_process(
    selector: &BoardSelector,
    _command: &str,
    _options: &OpenOptions,
) -> Result<Box<dyn Transport>, Error> {
    Err(Error::Selector {
        text: selector.to_string(),
        expected: "there are no ptys on Windows",
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::fd::OwnedFd;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    /// Returns a pty that replaces the port of a USB board. The pty exists as long as the descriptor.
    fn board(serial_number: &str) -> (OwnedFd, SerialPortFacts) {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pty");
        grantpt(&controller).expect("a pty");
        unlockpt(&controller).expect("a pty");
        let path = ptsname(&controller, Vec::new()).expect("a pty's name");
        let facts = SerialPortFacts {
            path: path.into_string().expect("a pty's name is ASCII"),
            serial_number: Some(serial_number.to_owned()),
            vid: Some(0x2e8a),
            pid: Some(5),
            manufacturer: None,
            product: None,
            location: None,
        };
        (controller, facts)
    }

    fn name(result: Result<(Box<dyn Transport>, String), Error>) -> Result<String, String> {
        result
            .map(|(_, name)| name)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn auto_takes_the_first_usb_port_that_opens() {
        let options = OpenOptions::default();
        let (_first, first) = board("1");
        let (_second, second) = board("2");
        let not_usb = SerialPortFacts {
            vid: None,
            ..first.clone()
        };
        let missing = SerialPortFacts {
            path: "/no/such/port".to_owned(),
            ..first.clone()
        };
        let none = Err("no board found".to_owned());
        assert_eq!(name(open_first(&[], &options)), none);
        assert_eq!(
            name(open_first(std::slice::from_ref(&not_usb), &options)),
            none
        );

        let ports = [not_usb, missing.clone(), first.clone(), second.clone()];
        let opened = open_first(&ports, &options).expect("the first board");
        assert_eq!(opened.1, first.path);
        let next = open_first(&ports, &options).expect("the second board");
        assert_eq!(next.1, second.path);
        let error = name(open_first(&ports, &options)).expect_err("all are busy");
        let start = "no board found: no such port: `/no/such/port`; port `/dev/";
        assert!(error.starts_with(start), "{error}");
        drop(opened);
        assert_eq!(name(open_first(&ports, &options)), Ok(first.path));
    }

    #[test]
    fn a_serial_number_picks_its_port() {
        let (_first, first) = board("1");
        let (_second, second) = board("2");
        let ports = [first, second.clone()];
        let found = find_serial_number(&ports, "2").expect("the second board");
        assert_eq!(found, second.path);
        let error = find_serial_number(&ports, "3").expect_err("no third board");
        assert_eq!(error.to_string(), "no board with serial number `3`");
    }
}
