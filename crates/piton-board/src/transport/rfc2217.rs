//! A serial port behind a telnet server: `rfc2217://`, for ser2net, esp_rfc2217_server, Wokwi and others.
//!
//! The client of RFC 2217, "Telnet Com Port Control Option". It is compatible with existing servers:
//!
//! - The server must agree to the option. Binary transmission is requested in both directions, but a refusal is accepted,
//!   because a server that does not know this option passes bytes on unchanged as well.
//! - Baud rate, data bits, parity and stop bits are set, and their answers awaited. Answers to the control lines are not
//!   awaited, because those of some servers are wrong (pyserial's `rfc2217.py` lists them).
//! - Reports of line and modem states and of flow control are ignored, because TCP has its own flow control.
//! - Data that comes before the port is open (such as a greeting) is dropped, as in pyserial.
//!
//! There is no authentication and no encryption: anyone who reaches the server can run code on the board.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::transport::tcp::{self, Endpoint};
use crate::transport::{ControlLines, LineStates, Transport};

mod telnet;

use telnet::{BINARY, COM_PORT, OptionState, SUPPRESS_GO_AHEAD, Telnet};

/// Default timeout of each answer of the server while the port is opened; pyserial's value.
pub const DEFAULT_ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

// Commands of the COM port option. The server answers with the number plus `ANSWER`.
const SET_BAUD_RATE: u8 = 1;
const SET_DATA_SIZE: u8 = 2;
const SET_PARITY: u8 = 3;
const SET_STOP_SIZE: u8 = 4;
const SET_CONTROL: u8 = 5;
const PURGE_DATA: u8 = 12;
const ANSWER: u8 = 100;

// Values of SET_CONTROL.
const NO_FLOW_CONTROL: u8 = 1;
const DTR_ON: u8 = 8;
const DTR_OFF: u8 = 9;
const RTS_ON: u8 = 11;
const RTS_OFF: u8 = 12;

/// 8 data bits, no parity, one stop bit: command, value, name for people.
const LINE_SETTINGS: [(u8, u8, &str); 3] = [
    (SET_DATA_SIZE, 8, "8 data bits"),
    (SET_PARITY, 1, "no parity"),
    (SET_STOP_SIZE, 1, "one stop bit"),
];

/// Purge both the server's receive and its transmit buffer.
const PURGE_BOTH: u8 = 3;

/// Timeout of sending the change of a control line.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection to a serial port behind a server.
#[derive(Debug)]
pub struct Rfc2217 {
    stream: TcpStream,
    incoming: Mutex<Incoming>,
    outgoing: Mutex<Outgoing>,
    lines: LineStates,
    /// Whether the server has agreed to the COM port option, and so to changes of control lines.
    is_agreed: bool,
}

#[derive(Debug)]
struct Incoming {
    telnet: Telnet,
    /// Received data that is not read yet.
    data: VecDeque<u8>,
    /// The last answer to each command.
    answers: BTreeMap<u8, Vec<u8>>,
}

#[derive(Debug, Default)]
struct Outgoing {
    /// The rest of a command that was sent in part when the deadline passed. It must be sent before other bytes.
    owed: Vec<u8>,
}

/// Options of opening a port behind a server.
#[derive(Clone, Copy, Debug)]
pub struct Rfc2217Options {
    /// Bits per second.
    pub baud_rate: u32,
    /// The states of DTR and RTS.
    pub lines: LineStates,
    /// Timeout of the TCP connection.
    pub connect_timeout: Duration,
    /// Timeout of each answer of the server.
    pub answer_timeout: Duration,
}

impl Rfc2217 {
    /// Connects to `host` (a name, or an address without brackets) and sets the port up: 8 data bits, no
    /// parity, one stop bit, no flow control.
    ///
    /// # Errors
    ///
    /// [`Error::Open`] if there is no connection, no agreement with the server, or no answer.
    pub fn connect(host: &str, port: u16, options: Rfc2217Options) -> Result<Rfc2217, Error> {
        let open = || {
            let deadline = Deadline::after(options.connect_timeout);
            let stream = tcp::connect(host, port, deadline)?;
            let mut opened = Rfc2217::over(stream, options.lines);
            opened.agree(options.answer_timeout)?;
            opened.is_agreed = true;
            opened.set_up(options.baud_rate, options.answer_timeout)?;
            Ok(opened)
        };
        open().map_err(|source| Error::Open {
            address: format!("rfc2217://{}", Endpoint { host, port }),
            source,
        })
    }

    /// Connects to a telnet server without a serial port. The connection has no control lines.
    ///
    /// # Errors
    ///
    /// [`Error::Open`], with `address`, if there is no connection.
    pub(crate) fn connect_plain(
        host: &str,
        port: u16,
        address: &str,
        timeout: Duration,
    ) -> Result<Rfc2217, Error> {
        let stream =
            tcp::connect(host, port, Deadline::after(timeout)).map_err(|source| Error::Open {
                address: address.to_owned(),
                source,
            })?;
        Ok(Rfc2217::over(stream, LineStates::default()))
    }

    fn over(stream: TcpStream, lines: LineStates) -> Rfc2217 {
        Rfc2217 {
            stream,
            incoming: Mutex::new(Incoming {
                telnet: Telnet::new(),
                data: VecDeque::new(),
                answers: BTreeMap::new(),
            }),
            outgoing: Mutex::default(),
            lines,
            is_agreed: false,
        }
    }

    /// Negotiates the COM port option with the server.
    fn agree(&self, timeout: Duration) -> io::Result<()> {
        let deadline = Deadline::after(timeout);
        let mut incoming = lock(&self.incoming);
        let both_ways = [BINARY, SUPPRESS_GO_AHEAD];
        let ours = [COM_PORT, BINARY, SUPPRESS_GO_AHEAD];
        let request = incoming.telnet.request(&ours, &both_ways);
        let is_settled =
            |incoming: &Incoming| incoming.telnet.ours(COM_PORT) != OptionState::Requested;
        let complaint = "does not speak RFC 2217";
        self.ask(&mut incoming, &request, is_settled, complaint, deadline)?;
        if incoming.telnet.ours(COM_PORT) != OptionState::On {
            let message = "the server refuses the COM port option (RFC 2217)";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        Ok(())
    }

    /// Sets the port up, and drops the data that came before.
    fn set_up(&self, baud_rate: u32, timeout: Duration) -> io::Result<()> {
        let deadline = Deadline::after(timeout);
        let mut incoming = lock(&self.incoming);
        let mut request = telnet::com_port(SET_BAUD_RATE, &baud_rate.to_be_bytes());
        for (command, value, _) in LINE_SETTINGS {
            request.extend(telnet::com_port(command, &[value]));
        }
        request.extend(telnet::com_port(SET_CONTROL, &[NO_FLOW_CONTROL]));
        request.extend(telnet::com_port(PURGE_DATA, &[PURGE_BOTH]));

        let is_answered = |incoming: &Incoming| {
            let line_settings = LINE_SETTINGS.iter().map(|(command, ..)| *command);
            let mut commands = line_settings.chain([SET_BAUD_RATE, PURGE_DATA]);
            commands.all(|command| incoming.answers.contains_key(&command))
        };
        let complaint = "does not answer the port's settings";
        self.ask(&mut incoming, &request, is_answered, complaint, deadline)?;
        check_answers(&incoming.answers, baud_rate)?;
        incoming.data.clear();
        self.lines.open(self)
    }

    /// Sends `request` and receives until `is_done`. If the server is silent before, the error has the `complaint`.
    fn ask(
        &self,
        incoming: &mut Incoming,
        request: &[u8],
        is_done: impl Fn(&Incoming) -> bool,
        complaint: &str,
        deadline: Deadline,
    ) -> io::Result<()> {
        let mut result = match self.send_whole(request, deadline) {
            // The server may have sent a message before it closed the connection.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            other => other,
        };
        while result.is_ok() && !is_done(incoming) {
            result = match deadline.has_passed() {
                false => self.receive(incoming, deadline),
                true => Err(io::ErrorKind::TimedOut.into()),
            };
            // The data will be dropped. Its first bytes are kept for the error message.
            incoming.data.truncate(200);
        }
        result.map_err(|error| {
            let what = match error.kind() {
                io::ErrorKind::TimedOut => complaint,
                io::ErrorKind::UnexpectedEof => "closed the connection",
                _ => return error,
            };
            let said = incoming.data.make_contiguous().trim_ascii();
            let message = match said {
                [] => format!("the server {what}"),
                _ => format!("the server {what}; it said: {}", said.escape_ascii()),
            };
            io::Error::new(error.kind(), message)
        })
    }

    /// Receives once, and answers the server's requests.
    fn receive(&self, incoming: &mut Incoming, deadline: Deadline) -> io::Result<()> {
        let mut buf = [0; 4096];
        let count = tcp::read(&self.stream, &mut buf, deadline)?;
        let received = incoming
            .telnet
            .receive(buf.get(..count).unwrap_or_default());
        incoming.data.extend(received.data);
        for body in received.com_port {
            if let Some((command, value)) = body.split_first() {
                let command = command.wrapping_sub(ANSWER);
                incoming.answers.insert(command, value.to_vec());
            }
        }
        self.send_whole(&received.reply, deadline)
    }

    fn set_control(&self, value: u8) -> io::Result<()> {
        let request = telnet::com_port(SET_CONTROL, &[value]);
        self.send_whole(&request, Deadline::after(CONTROL_TIMEOUT))
    }

    /// Sends telnet commands. If the deadline passes, a later write completes them.
    fn send_whole(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        let mut outgoing = lock(&self.outgoing);
        outgoing.owed.extend_from_slice(bytes);
        outgoing.pay(&self.stream, deadline)
    }
}

impl Outgoing {
    fn pay(&mut self, stream: &TcpStream, deadline: Deadline) -> io::Result<()> {
        while !self.owed.is_empty() {
            let count = tcp::write(stream, &self.owed, deadline)?;
            self.owed.drain(..count.min(self.owed.len()));
        }
        Ok(())
    }
}

impl Transport for Rfc2217 {
    fn read(&self, buf: &mut [u8], deadline: Deadline) -> io::Result<usize> {
        let mut incoming = lock(&self.incoming);
        while incoming.data.is_empty() && !buf.is_empty() {
            self.receive(&mut incoming, deadline)?;
            // A server that sends commands without pause must not extend the wait beyond the deadline.
            if incoming.data.is_empty() && deadline.has_passed() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        io::Read::read(&mut incoming.data, buf)
    }

    fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        let escaped = telnet::escape(bytes);
        let mut outgoing = lock(&self.outgoing);
        outgoing.pay(&self.stream, deadline)?;
        let mut sent = 0;
        while let Some(rest @ [_, ..]) = escaped.get(sent..) {
            match tcp::write(&self.stream, rest, deadline) {
                Ok(count) => sent += count,
                Err(error) => {
                    outgoing.owed = telnet::owed(&escaped, sent).to_vec();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn control_lines(&self) -> Option<&dyn ControlLines> {
        self.is_agreed.then_some(self as &dyn ControlLines)
    }
}

impl ControlLines for Rfc2217 {
    fn set_dtr(&self, asserted: bool) -> io::Result<()> {
        self.set_control(if asserted { DTR_ON } else { DTR_OFF })
    }

    fn set_rts(&self, asserted: bool) -> io::Result<()> {
        self.set_control(if asserted { RTS_ON } else { RTS_OFF })
    }
}

impl Drop for Rfc2217 {
    fn drop(&mut self) {
        if self.is_agreed {
            // An error is ignored, because the server may have closed the connection.
            let _ = self.lines.close(self);
        }
        tcp::close(&self.stream);
    }
}

/// Checks that the server has applied the settings.
fn check_answers(answers: &BTreeMap<u8, Vec<u8>>, baud_rate: u32) -> io::Result<()> {
    let refusal = |what: &str| {
        let message = format!("the server does not set {what}");
        io::Error::new(io::ErrorKind::Unsupported, message)
    };
    // sredird appends zeros to its answer, so only the first four bytes count.
    let answer = answers
        .get(&SET_BAUD_RATE)
        .and_then(|value| value.first_chunk());
    let actual = answer.map_or(0, |bytes| u32::from_be_bytes(*bytes));
    // A UART divides its clock, so the actual rate may differ. A difference of up to 2.5% works.
    if actual.abs_diff(baud_rate) > baud_rate / 40 {
        return Err(refusal(&format!("{baud_rate} baud, but {actual}")));
    }
    for (command, value, name) in LINE_SETTINGS {
        if answers.get(&command).and_then(|answer| answer.first()) != Some(&value) {
            return Err(refusal(name));
        }
    }
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic does not leave the data in an invalid state.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
