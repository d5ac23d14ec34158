//! The telnet layer (RFC 854, 855, 1143): commands between the data, and the negotiation of options.

// Command bytes, RFC 854.
const SE: u8 = 240;
const SB: u8 = 250;
const WILL: u8 = 251;
const WONT: u8 = 252;
const DO: u8 = 253;
const DONT: u8 = 254;
const IAC: u8 = 255;

/// Unchanged bytes, RFC 856. Without it a server may change carriage returns.
pub(super) const BINARY: u8 = 0;
/// Echo by the server, RFC 857. Servers for terminals offer it.
const ECHO: u8 = 1;
/// No "go ahead" after each line, RFC 858.
pub(super) const SUPPRESS_GO_AHEAD: u8 = 3;
/// The serial port behind the server, RFC 2217.
pub(super) const COM_PORT: u8 = 44;

/// Options that the client enables when the server requests them.
const OURS: [u8; 3] = [BINARY, SUPPRESS_GO_AHEAD, COM_PORT];
/// Options that the server may enable. Echo is allowed, because the board's REPL echoes anyway.
const THEIRS: [u8; 4] = [BINARY, ECHO, SUPPRESS_GO_AHEAD, COM_PORT];

/// Maximum length of a subnegotiation that is kept. The longest needed answer of the COM port option has 5 bytes; a
/// signature may be longer, and is not used.
const LONGEST_SUBNEGOTIATION: usize = 64;

/// The state of an option on one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OptionState {
    /// Not negotiated yet.
    #[default]
    Unknown,
    /// Requested by the client, without an answer yet.
    Requested,
    /// Enabled by both sides.
    On,
    /// Refused by one side.
    Off,
}

/// The receiving side of a telnet connection.
#[derive(Debug)]
pub(super) struct Telnet {
    state: State,
    subnegotiation: Vec<u8>,
    ours: [OptionState; 256],
    theirs: [OptionState; 256],
}

#[derive(Debug)]
enum State {
    Data,
    Command,
    Option(u8),
    Subnegotiation,
    SubnegotiationCommand,
}

/// The result of a chunk of received bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) data: Vec<u8>,
    /// Bytes to send to the server.
    pub(super) reply: Vec<u8>,
    /// Bodies of subnegotiations of the COM port option.
    pub(super) com_port: Vec<Vec<u8>>,
}

impl Telnet {
    pub(super) fn new() -> Telnet {
        Telnet {
            state: State::Data,
            subnegotiation: Vec::new(),
            ours: [OptionState::Unknown; 256],
            theirs: [OptionState::Unknown; 256],
        }
    }

    /// Returns the bytes that offer the options `ours` and request the options `theirs`.
    pub(super) fn request(&mut self, ours: &[u8], theirs: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for &option in ours {
            set(&mut self.ours, option, OptionState::Requested);
            bytes.extend([IAC, WILL, option]);
        }
        for &option in theirs {
            set(&mut self.theirs, option, OptionState::Requested);
            bytes.extend([IAC, DO, option]);
        }
        bytes
    }

    /// Returns the state of `option` on the client's side.
    pub(super) fn ours(&self, option: u8) -> OptionState {
        get(&self.ours, option)
    }

    /// Processes received bytes, which may be divided anywhere.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Received {
        let mut received = Received::default();
        for &byte in bytes {
            self.receive_byte(byte, &mut received);
        }
        received
    }

    fn receive_byte(&mut self, byte: u8, received: &mut Received) {
        self.state = match (&self.state, byte) {
            (State::Data, IAC) => State::Command,
            (State::Data, _) => {
                received.data.push(byte);
                State::Data
            }
            (State::Command, IAC) => {
                received.data.push(byte);
                State::Data
            }
            (State::Command, SB) => {
                self.subnegotiation.clear();
                State::Subnegotiation
            }
            (State::Command, WILL | WONT | DO | DONT) => State::Option(byte),
            // "No operation", "are you there" and similar commands are for terminals.
            (State::Command, _) => State::Data,
            (&State::Option(command), option) => {
                self.negotiate(command, option, &mut received.reply);
                State::Data
            }
            (State::Subnegotiation, IAC) => State::SubnegotiationCommand,
            (State::Subnegotiation, _) | (State::SubnegotiationCommand, IAC) => {
                if self.subnegotiation.len() < LONGEST_SUBNEGOTIATION {
                    self.subnegotiation.push(byte);
                }
                State::Subnegotiation
            }
            (State::SubnegotiationCommand, SE) => {
                if let Some((&COM_PORT, body)) = self.subnegotiation.split_first() {
                    received.com_port.push(body.to_vec());
                }
                State::Data
            }
            // The subnegotiation has no end. It is dropped, and the command is processed.
            (State::SubnegotiationCommand, _) => {
                self.state = State::Command;
                return self.receive_byte(byte, received);
            }
        };
    }

    /// Answers a command only if it changes a state (RFC 1143). Otherwise two sides could answer each other's answers
    /// without end.
    fn negotiate(&mut self, command: u8, option: u8, reply: &mut Vec<u8>) {
        let (side, supported, yes, no) = match command {
            DO | DONT => (&mut self.ours, OURS.as_slice(), WILL, WONT),
            _ => (&mut self.theirs, THEIRS.as_slice(), DO, DONT),
        };
        let wanted = matches!(command, DO | WILL);
        let old = get(side, option);
        let new = if wanted && supported.contains(&option) {
            OptionState::On
        } else {
            OptionState::Off
        };
        set(side, option, new);
        match (old, new) {
            (OptionState::Unknown, OptionState::Off) if !wanted => {}
            (OptionState::Requested, _) => {}
            _ if old == new => {}
            (_, OptionState::On) => reply.extend([IAC, yes, option]),
            _ => reply.extend([IAC, no, option]),
        }
    }
}

fn get(side: &[OptionState; 256], option: u8) -> OptionState {
    side.get(usize::from(option)).copied().unwrap_or_default()
}

fn set(side: &mut [OptionState; 256], option: u8, state: OptionState) {
    if let Some(slot) = side.get_mut(usize::from(option)) {
        *slot = state;
    }
}

/// Returns the data in the form of the wire, with escapes.
pub(super) fn escape(data: &[u8]) -> Vec<u8> {
    let mut escaped = Vec::with_capacity(data.len() + 8);
    for &byte in data {
        escaped.push(byte);
        if byte == IAC {
            escaped.push(IAC);
        }
    }
    escaped
}

/// Returns the bytes that must still be sent after `sent` bytes of the result of [`escape`]: the second half of a pair.
pub(super) fn owed(escaped: &[u8], sent: usize) -> &[u8] {
    let mut start = 0;
    while start < sent {
        start += if escaped.get(start) == Some(&IAC) {
            2
        } else {
            1
        };
    }
    escaped.get(sent..start).unwrap_or_default()
}

/// Returns a subnegotiation of the COM port option.
pub(super) fn com_port(command: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![IAC, SB, COM_PORT, command];
    bytes.extend(escape(value));
    bytes.extend([IAC, SE]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(data: &[u8], reply: &[u8], com_port: &[&[u8]]) -> Received {
        Received {
            data: data.to_vec(),
            reply: reply.to_vec(),
            com_port: com_port.iter().map(|body| body.to_vec()).collect(),
        }
    }

    /// Checks that the result is the same wherever the bytes are divided.
    fn check(bytes: &[u8], expected: &Received) {
        assert_eq!(&Telnet::new().receive(bytes), expected);
        for cut in 0..bytes.len() {
            let mut telnet = Telnet::new();
            let mut all = telnet.receive(&bytes[..cut]);
            let rest = telnet.receive(&bytes[cut..]);
            all.data.extend(rest.data);
            all.reply.extend(rest.reply);
            all.com_port.extend(rest.com_port);
            assert_eq!(&all, expected, "cut at {cut}");
        }
    }

    #[test]
    fn data_and_commands_are_separated() {
        check(b"a\xff\xffb\r\0\n", &received(b"a\xffb\r\0\n", b"", &[]));
        // NOP, AYT, GA, a stray SE.
        check(
            b"a\xff\xf1\xff\xf6b\xff\xf9\xff\xf0c",
            &received(b"abc", b"", &[]),
        );
        check(
            b"x\xff\xfa\x2c\x65\x00\x01\xff\xff\x00\xff\xf0y",
            &received(b"xy", b"", &[b"\x65\x00\x01\xff\x00"]),
        );
        // Other options' subnegotiations, and empty ones, are skipped.
        check(
            b"\xff\xfa\x18\x01\xff\xf0\xff\xfa\xff\xf0z",
            &received(b"z", b"", &[]),
        );
    }

    #[test]
    fn a_subnegotiation_without_end_is_dropped_at_the_next_command() {
        check(
            b"\xff\xfa\x2c\x65\xff\xfd\x03z",
            &received(b"z", b"\xff\xfb\x03", &[]),
        );
        check(
            b"\xff\xfa\x2c\x65\xff\xfa\x2c\x66\x08\xff\xf0",
            &received(b"", b"", &[b"\x66\x08"]),
        );
    }

    #[test]
    fn known_options_are_accepted_and_others_refused_once() {
        check(
            b"\xff\xfd\x00\xff\xfb\x01",
            &received(b"", b"\xff\xfb\x00\xff\xfd\x01", &[]),
        );
        check(
            b"\xff\xfd\x18\xff\xfb\x18",
            &received(b"", b"\xff\xfc\x18\xff\xfe\x18", &[]),
        );
        check(b"\xff\xfe\x18\xff\xfc\x18", &received(b"", b"", &[]));
        let flood = b"\xff\xfd\x18".repeat(1000);
        assert_eq!(Telnet::new().receive(&flood).reply, b"\xff\xfc\x18");
        // On, off again, and on again: three answers.
        check(
            b"\xff\xfd\x00\xff\xfe\x00\xff\xfd\x00",
            &received(b"", b"\xff\xfb\x00\xff\xfc\x00\xff\xfb\x00", &[]),
        );
    }

    #[test]
    fn an_answer_to_a_request_is_not_answered() {
        let mut telnet = Telnet::new();
        assert_eq!(
            telnet.request(&[COM_PORT], &[BINARY]),
            b"\xff\xfb\x2c\xff\xfd\x00"
        );
        assert_eq!(telnet.ours(COM_PORT), OptionState::Requested);
        assert_eq!(
            telnet.receive(b"\xff\xfd\x2c\xff\xfc\x00"),
            Received::default()
        );
        assert_eq!(telnet.ours(COM_PORT), OptionState::On);
        assert_eq!(telnet.receive(b"\xff\xfe\x2c").reply, b"\xff\xfc\x2c");
        assert_eq!(telnet.ours(COM_PORT), OptionState::Off);
    }

    #[test]
    fn a_subnegotiation_does_not_grow_without_end() {
        let mut telnet = Telnet::new();
        telnet.receive(b"\xff\xfa\x2c");
        telnet.receive(&[7; 100_000]);
        let end = telnet.receive(b"\xff\xf0a");
        assert_eq!(end.data, b"a");
        assert_eq!(end.com_port[0].len(), LONGEST_SUBNEGOTIATION - 1);
    }

    #[test]
    fn escaped_data_is_parsed_back() {
        let all: Vec<u8> = (0..=255).collect();
        let mut telnet = Telnet::new();
        assert_eq!(telnet.receive(&escape(&all)).data, all);
        let sub = com_port(1, &[0, 255, 240, 255]);
        assert_eq!(telnet.receive(&sub).com_port, [[1, 0, 255, 240, 255]]);
    }

    #[test]
    fn half_an_escaped_byte_is_completed() {
        let escaped = escape(b"a\xff\xffb");
        let halves: Vec<_> = (0..=escaped.len())
            .map(|sent| owed(&escaped, sent))
            .collect();
        assert_eq!(halves, [&b""[..], b"", b"\xff", b"", b"\xff", b"", b""]);
    }
}
