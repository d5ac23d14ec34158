//! Selectors: one word that names a board.
//!
//! | text | board |
//! |---|---|
//! | `auto` | the first USB serial port, by name, that opens |
//! | `id:SERIAL` | the port whose USB device has this serial number |
//! | `port:PATH`, or any other text | the serial port (or pty) with this path or name |
//! | `a0` to `a3` | `/dev/ttyACM0` to `/dev/ttyACM3` |
//! | `u0` to `u3` | `/dev/ttyUSB0` to `/dev/ttyUSB3` |
//! | `c0` to `c3` | `COM0` to `COM3` |
//! | `socket://HOST:PORT` | a TCP server that passes bytes on as they are |
//! | `rfc2217://HOST:PORT` | a serial port behind a telnet server, such as ser2net |
//! | `ws://HOST`, `ws://HOST:PORT` | MicroPython's WebREPL; the port is 8266 unless given |
//! | `exec:COMMAND` | the standard input and output of a command |
//! | `execpty:COMMAND` | the pty that a command makes and names in its output |
//! | `virtual`, `virtual:DIR` | the virtual board, with its files in memory or in a folder |
//!
//! The first seven are mpremote's, `exec:` and `execpty:` are pyboard.py's. mpremote's `list` is not a selector but part
//! of the command line.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::error::Error;
use crate::transport::tcp::Endpoint;
use crate::transport::{telnet, webrepl};

/// A named board.
///
/// Its text form parses back to itself:
///
/// ```
/// use piton_board::selector::BoardSelector;
///
/// let selector: BoardSelector = "u1".parse()?;
/// assert_eq!(selector, BoardSelector::Port("/dev/ttyUSB1".into()));
/// assert_eq!(selector.to_string(), "/dev/ttyUSB1");
///
/// let selector: BoardSelector = "socket://[::1]:2217".parse()?;
/// assert_eq!(selector, BoardSelector::Socket { host: "::1".into(), port: 2217 });
/// assert_eq!(selector.to_string(), "socket://[::1]:2217");
///
/// let error = "socket://board".parse::<BoardSelector>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`socket://board` does not name a board: expected `socket://HOST:PORT`",
/// );
/// # Ok::<(), piton_board::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BoardSelector {
    /// The first USB serial port that opens.
    Auto,
    /// The serial port whose USB device has this serial number.
    Id(String),
    /// The serial port or pty with this path or name.
    Port(String),
    /// The standard input and output of this command.
    Exec(String),
    /// The pty that this command names in its output.
    ExecPty(String),
    /// A TCP server that passes bytes on as they are.
    Socket {
        /// Name or address; an IPv6 address without its brackets.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// A serial port behind a telnet server with the COM port option of RFC 2217.
    Rfc2217 {
        /// Name or address; an IPv6 address without its brackets.
        host: String,
        /// TCP port.
        port: u16,
        /// Timeout of each answer of the server while connecting, if it is not the default.
        timeout: Option<Duration>,
    },
    /// The telnet server of a board.
    Telnet {
        /// Name or address; an IPv6 address without its brackets.
        host: String,
        /// TCP port.
        port: u16,
        /// The user to log in as.
        user: String,
    },
    /// MicroPython's WebREPL.
    WebRepl {
        /// Name or address; an IPv6 address without its brackets.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// The virtual board, which the `piton` crate opens.
    Virtual {
        /// The host folder with its files. Without it the files are in memory, and there are none at first.
        directory: Option<PathBuf>,
    },
}

/// Shortcuts, the same as mpremote's: the letter, and the path that it replaces. A digit from 0 to 3 follows.
const SHORTCUTS: [(char, &str); 3] = [('a', "/dev/ttyACM"), ('u', "/dev/ttyUSB"), ('c', "COM")];

const EXPECTED: &str = "expected `auto`, `id:SERIAL`, `port:PATH`, a path such as `/dev/ttyACM0` or a \
    name such as `COM3`, a shortcut (`a0`, `u0`, `c0`), `socket://HOST:PORT`, `rfc2217://HOST:PORT`, \
    `telnet://HOST`, `ws://HOST`, `exec:COMMAND`, `execpty:COMMAND`, `virtual` or `virtual:DIR`";
const EXPECTED_SOCKET: &str = "expected `socket://HOST:PORT`";
const EXPECTED_RFC2217: &str =
    "expected `rfc2217://HOST:PORT`, if need be followed by `?timeout=SECONDS`";
const EXPECTED_TELNET: &str =
    "expected `telnet://HOST`, `telnet://HOST:PORT` or `telnet://USER@HOST:PORT`";
const EXPECTED_WEBREPL: &str = "expected `ws://HOST` or `ws://HOST:PORT`";
const NO_TLS: &str =
    "MicroPython's WebREPL has no encryption: expected `ws://HOST` or `ws://HOST:PORT`";
const UNKNOWN_SCHEME: &str = "of addresses with `://` only `socket://HOST:PORT`, `rfc2217://HOST:PORT`, `telnet://HOST` and `ws://HOST` are supported";

impl FromStr for BoardSelector {
    type Err = Error;

    fn from_str(text: &str) -> Result<BoardSelector, Error> {
        let parsed = if let Some((scheme, address)) = split_scheme(text) {
            parse_address(scheme, address)
        } else {
            parse_word(text)
        };
        parsed.map_err(|expected| Error::Selector {
            text: text.to_owned(),
            expected,
        })
    }
}

fn parse_word(text: &str) -> Result<BoardSelector, &'static str> {
    if text.contains('\0') {
        return Err(EXPECTED);
    }
    let (kind, rest) = match text.split_once(':') {
        Some((kind, rest)) => (kind, Some(rest)),
        None => (text, None),
    };
    let selector = match (kind, rest) {
        ("auto", None) => BoardSelector::Auto,
        ("virtual", None) => BoardSelector::Virtual { directory: None },
        ("" | "id" | "port" | "exec" | "execpty" | "virtual", Some("")) | ("", None) => {
            return Err(EXPECTED);
        }
        ("id", Some(serial_number)) => BoardSelector::Id(serial_number.to_owned()),
        ("port", Some(path)) => BoardSelector::Port(path.to_owned()),
        ("exec", Some(command)) => BoardSelector::Exec(command.to_owned()),
        ("execpty", Some(command)) => BoardSelector::ExecPty(command.to_owned()),
        ("virtual", Some(directory)) => BoardSelector::Virtual {
            directory: Some(directory.into()),
        },
        _ => BoardSelector::Port(expand_shortcut(text).unwrap_or_else(|| text.to_owned())),
    };
    Ok(selector)
}

fn expand_shortcut(text: &str) -> Option<String> {
    let mut letters = text.chars();
    let (letter, digit) = (letters.next()?, letters.next()?);
    if letters.next().is_some() || !('0'..='3').contains(&digit) {
        return None;
    }
    let (_, start) = SHORTCUTS.iter().find(|(name, _)| *name == letter)?;
    Some(format!("{start}{digit}"))
}

/// Splits `scheme://address`, if the scheme has the letters of a URL. Other text may be a path.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, address) = text.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    is_scheme.then_some((scheme, address))
}

fn parse_address(scheme: &str, address: &str) -> Result<BoardSelector, &'static str> {
    let (endpoint, query) = address.split_once('?').unwrap_or((address, ""));
    match scheme.to_ascii_lowercase().as_str() {
        "socket" => {
            let (host, port) = split_endpoint(endpoint).ok_or(EXPECTED_SOCKET)?;
            // The only option of pyserial is about logging. It has no effect, because Piton has its wire log.
            let known = options(query).all(|(name, _)| name == "logging");
            if !known {
                return Err(EXPECTED_SOCKET);
            }
            Ok(BoardSelector::Socket { host, port })
        }
        "rfc2217" => {
            let (host, port) = split_endpoint(endpoint).ok_or(EXPECTED_RFC2217)?;
            let mut timeout = None;
            for (name, value) in options(query) {
                match name {
                    "timeout" => timeout = Some(parse_seconds(value).ok_or(EXPECTED_RFC2217)?),
                    // Options of pyserial without effect: Piton has its wire log, never waits for the answer to a control
                    // line, and does not use the incoming lines.
                    "logging" | "ign_set_control" | "poll_modem" => {}
                    _ => return Err(EXPECTED_RFC2217),
                }
            }
            Ok(BoardSelector::Rfc2217 {
                host,
                port,
                timeout,
            })
        }
        "telnet" => {
            let (user, endpoint) = endpoint
                .split_once('@')
                .unwrap_or((telnet::DEFAULT_USER, endpoint));
            let is_user =
                !user.is_empty() && !user.contains(|c: char| ":/@".contains(c) || c.is_control());
            let (host, port) = split_host(endpoint).ok_or(EXPECTED_TELNET)?;
            if !is_user || !query.is_empty() {
                return Err(EXPECTED_TELNET);
            }
            Ok(BoardSelector::Telnet {
                host,
                port: port.unwrap_or(telnet::DEFAULT_PORT),
                user: user.to_owned(),
            })
        }
        "ws" => {
            let (host, port) = split_host(endpoint).ok_or(EXPECTED_WEBREPL)?;
            if !query.is_empty() {
                return Err(EXPECTED_WEBREPL);
            }
            let port = port.unwrap_or(webrepl::DEFAULT_PORT);
            Ok(BoardSelector::WebRepl { host, port })
        }
        "wss" => Err(NO_TLS),
        _ => Err(UNKNOWN_SCHEME),
    }
}

/// Splits `HOST:PORT` or `[IPV6]:PORT`; one slash may follow, as in a URL.
fn split_endpoint(endpoint: &str) -> Option<(String, u16)> {
    let (host, port) = split_host(endpoint)?;
    Some((host, port?))
}

/// As [`split_endpoint`], for addresses that may have no port.
fn split_host(endpoint: &str) -> Option<(String, Option<u16>)> {
    let endpoint = endpoint.strip_suffix('/').unwrap_or(endpoint);
    let (host, port) = match endpoint.rsplit_once(':') {
        // If the text ends with a bracket, the last colon is part of the address.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (endpoint, None),
    };
    let host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').filter(|host| host.contains(':'))?,
        // The end of an IPv6 address without brackets is unknown.
        None => Some(host).filter(|host| !host.contains(':'))?,
    };
    let is_host = !host.is_empty()
        && !host.contains(|c: char| "[]/@".contains(c) || c.is_whitespace() || c.is_control());
    let port = match port {
        None => None,
        // `parse` alone would accept "+1".
        Some(port) => {
            let digits = Some(port).filter(|port| port.chars().all(|c| c.is_ascii_digit()))?;
            Some(digits.parse().ok().filter(|&port| port != 0)?)
        }
    };
    is_host.then(|| (host.to_owned(), port))
}

/// Returns the `name=value` or `name` parts of a URL's query.
fn options(query: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts.map(|part| part.split_once('=').unwrap_or((part, "")))
}

/// Parses a time of more than zero, whose printed form parses back to the same.
fn parse_seconds(text: &str) -> Option<Duration> {
    let seconds = text.parse().ok()?;
    let timeout = Duration::try_from_secs_f64(seconds).ok()?;
    Some(timeout).filter(|timeout| !timeout.is_zero())
}

impl fmt::Display for BoardSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BoardSelector::Auto => f.write_str("auto"),
            BoardSelector::Id(serial_number) => write!(f, "id:{serial_number}"),
            BoardSelector::Port(path) => {
                // `port:` is written only if the path alone would be another selector.
                let is_plain = path
                    .parse()
                    .is_ok_and(|parsed: BoardSelector| parsed == *self);
                f.write_str(if is_plain { "" } else { "port:" })?;
                f.write_str(path)
            }
            BoardSelector::Exec(command) => write!(f, "exec:{command}"),
            BoardSelector::ExecPty(command) => write!(f, "execpty:{command}"),
            BoardSelector::Socket { host, port } => {
                write!(f, "socket://{}", Endpoint { host, port: *port })
            }
            BoardSelector::Rfc2217 {
                host,
                port,
                timeout,
            } => {
                write!(f, "rfc2217://{}", Endpoint { host, port: *port })?;
                match timeout {
                    Some(timeout) => write!(f, "?timeout={}", timeout.as_secs_f64()),
                    None => Ok(()),
                }
            }
            BoardSelector::Telnet { host, port, user } => {
                write!(f, "telnet://{user}@{}", Endpoint { host, port: *port })
            }
            BoardSelector::WebRepl { host, port } => {
                write!(f, "ws://{}", Endpoint { host, port: *port })
            }
            BoardSelector::Virtual { directory: None } => f.write_str("virtual"),
            BoardSelector::Virtual {
                directory: Some(directory),
            } => write!(f, "virtual:{}", directory.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that `text` names `selector`, and that the printed form of `selector` names it too.
    fn check(text: &str, selector: &BoardSelector) {
        let parsed: BoardSelector = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(&parsed, selector, "{text}");
        let printed = selector.to_string();
        let again: BoardSelector = printed.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(&again, selector, "{text} -> {printed}");
    }

    fn port(path: &str) -> BoardSelector {
        BoardSelector::Port(path.to_owned())
    }

    #[test]
    fn words_name_boards_as_in_mpremote() {
        check("auto", &BoardSelector::Auto);
        check("id:E6616407E3", &BoardSelector::Id("E6616407E3".into()));
        check("id:a:b", &BoardSelector::Id("a:b".into()));
        for (text, path) in [
            ("/dev/ttyACM0", "/dev/ttyACM0"),
            ("port:/dev/ttyACM0", "/dev/ttyACM0"),
            ("COM10", "COM10"),
            (r"\\.\COM10", r"\\.\COM10"),
            (
                "/dev/serial/by-path/pci-0000:00:14.0-usb",
                "/dev/serial/by-path/pci-0000:00:14.0-usb",
            ),
            ("a0", "/dev/ttyACM0"),
            ("u3", "/dev/ttyUSB3"),
            ("c2", "COM2"),
            ("a4", "a4"),
            ("a00", "a00"),
            ("port:a0", "a0"),
            ("port:auto", "auto"),
            ("port:port:x", "port:x"),
            ("port:ws://x", "ws://x"),
            ("./a0", "./a0"),
            ("list", "list"),
            ("\u{e9}0", "\u{e9}0"),
        ] {
            check(text, &port(path));
        }
    }

    #[test]
    fn commands_and_the_virtual_board_are_selectors() {
        check(
            "exec:cat -u | cat",
            &BoardSelector::Exec("cat -u | cat".into()),
        );
        check(
            "exec:nc ws://x:1",
            &BoardSelector::Exec("nc ws://x:1".into()),
        );
        check("execpty:qemu", &BoardSelector::ExecPty("qemu".into()));
        check("virtual", &BoardSelector::Virtual { directory: None });
        let directory = Some(PathBuf::from("C:/board"));
        check("virtual:C:/board", &BoardSelector::Virtual { directory });
    }

    #[test]
    fn addresses_are_parsed() {
        let socket = |host: &str, port| BoardSelector::Socket {
            host: host.into(),
            port,
        };
        check("socket://board.local:23", &socket("board.local", 23));
        check("SOCKET://127.0.0.1:65535/", &socket("127.0.0.1", 65535));
        check("socket://[fe80::1%eth0]:1", &socket("fe80::1%eth0", 1));
        check("socket://h:1?logging=debug", &socket("h", 1));
        let rfc2217 = |timeout| BoardSelector::Rfc2217 {
            host: "::1".into(),
            port: 2217,
            timeout,
        };
        check("rfc2217://[::1]:2217", &rfc2217(None));
        check(
            "rfc2217://[::1]:2217?ign_set_control&poll_modem",
            &rfc2217(None),
        );
        let timeout = Some(Duration::from_millis(1500));
        check("rfc2217://[::1]:2217?timeout=1.5", &rfc2217(timeout));

        let telnet = |host: &str, port, user: &str| BoardSelector::Telnet {
            host: host.to_owned(),
            port,
            user: user.to_owned(),
        };
        check("telnet://192.168.4.1", &telnet("192.168.4.1", 23, "micro"));
        check("telnet://me@[::1]:24", &telnet("::1", 24, "me"));

        let webrepl = |host: &str, port| BoardSelector::WebRepl {
            host: host.to_owned(),
            port,
        };
        check("ws://192.168.4.1", &webrepl("192.168.4.1", 8266));
        check("ws://board.local:80/", &webrepl("board.local", 80));
        check("ws://[fe80::1]", &webrepl("fe80::1", 8266));
        check("WS://[fe80::1]:81", &webrepl("fe80::1", 81));
    }

    #[test]
    fn texts_that_name_no_board_say_what_is_expected() {
        let mut table = String::new();
        for text in [
            "",
            ":",
            "id:",
            "port:",
            "exec:",
            "execpty:",
            "virtual:",
            "a\0b",
            "ws://",
            "ws://h:",
            "ws://h:x",
            "ws://h/path",
            "ws://:secret@h",
            "ws://h?password=x",
            "wss://x",
            "telnet://",
            "telnet://@h",
            "telnet://user:secret@h",
            "telnet://h?password=x",
            "loop://",
            "socket://",
            "socket://:1",
            "socket://host",
            "socket://host:",
            "socket://host:0",
            "socket://host:65536",
            "socket://host:+1",
            "socket://::1:80",
            "socket://[::1]",
            "socket://[host]:1",
            "socket://user@host:1",
            "socket://a b:1",
            "socket://h:1?x",
            "rfc2217://h",
            "rfc2217://h:1?timeout",
            "rfc2217://h:1?timeout=-1",
            "rfc2217://h:1?timeout=nan",
            "rfc2217://h:1?timeout=0",
            "rfc2217://h:1?x=1",
        ] {
            let error = text.parse::<BoardSelector>().expect_err(text);
            table.push_str(&format!("{}\n", error.to_string().escape_debug()));
        }
        insta::assert_snapshot!(table);
    }
}
