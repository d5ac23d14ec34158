//! Finds the board that was meant by a word that does not name one.

use std::net::IpAddr;

use piton::discovery::SerialPortFacts;
use piton::transport::webrepl::DEFAULT_PORT;

use super::{did_you_mean, nearest, quoted};

/// Words of `connect` that do not name a port.
const WORDS: &[&str] = &["auto", "list", "virtual"];

/// Words for "any board that is plugged in".
const ANY: &[&str] = &["any", "board", "first", "serial", "usb"];

/// The beginnings of other programs' addresses, by the beginning of ours.
const SCHEMES: &[(&str, &[&str])] = &[
    ("http://", &["ws://"]),
    ("https://", &["ws://"]),
    ("wss://", &["ws://"]),
    ("webrepl://", &["ws://"]),
    ("tcp://", &["socket://"]),
    ("telnet://", &["rfc2217://", "socket://"]),
    ("serial://", &["port:"]),
    ("file://", &["port:"]),
];

/// Returns the hints for `word`, which does not name a board: a port that does not exist (`is_port`), or a text without
/// a valid form. `names` are the user's names of boards, `ports` the present ports.
pub(crate) fn hints(
    word: &str,
    is_port: bool,
    names: &[&str],
    ports: &[SerialPortFacts],
) -> Vec<String> {
    if let Some(hints) = address_hints(word) {
        return hints;
    }
    if !is_port {
        return Vec::new();
    }
    let lower = word.to_ascii_lowercase();
    let known = WORDS.iter().chain(names).copied();
    let boards = || ports.iter().filter(|port| port.is_usb());
    let paths = boards().map(|port| port.path.as_str());
    let mut hints = Vec::new();
    if let Some(port) = port_of_device(word, ports) {
        hints.push(did_you_mean(&format!("piton connect {}", quoted(&port))));
    } else if ANY.contains(&lower.as_str()) {
        hints.push("`piton connect auto` takes the first board on USB".to_owned());
    } else if let Some(name) = known.clone().find(|name| name.eq_ignore_ascii_case(word)) {
        hints.push(did_you_mean(&format!("piton connect {name}")));
    } else if let Some(near) = nearest(&lower, known)
        .or_else(|| nearest(word, paths.clone()))
        .or_else(|| nearest(&format!("/dev/{word}"), paths))
    {
        hints.push(did_you_mean(&format!("piton connect {}", quoted(&near))));
    }
    if !cfg!(windows) && is_windows_name(word) {
        hints.push("names like `COM3` are those of Windows".to_owned());
    } else if cfg!(windows) && is_windows_name(word.trim_end_matches(':')) && word.ends_with(':') {
        let name = word.trim_end_matches(':').to_ascii_uppercase();
        hints.push(did_you_mean(&format!("piton connect {name}")));
    }
    let paths: Vec<&str> = boards().map(|port| port.path.as_str()).collect();
    hints.push(match paths.is_empty() {
        true => {
            "no board is on USB: is it plugged in, with a cable that carries data? `piton connect virtual` needs none"
                .to_owned()
        }
        false => format!("the boards on USB are {}", paths.join(", ")),
    });
    hints
}

/// Returns the port, or the user's name, of a board that `word` names by its serial number, or by the numbers of vendor
/// and product.
fn port_of_device(word: &str, ports: &[SerialPortFacts]) -> Option<String> {
    let mut usb = ports.iter().filter(|port| port.is_usb());
    let ids = |port: &SerialPortFacts| {
        Some(format!("{:04x}:{:04x}", port.vid?, port.pid?))
            .filter(|ids| ids.eq_ignore_ascii_case(word))
    };
    let by_serial = ports.iter().find_map(|port| {
        let serial_number = port.serial_number.as_deref()?;
        serial_number
            .eq_ignore_ascii_case(word)
            .then(|| format!("id:{serial_number}"))
    });
    by_serial.or_else(|| {
        usb.find(|port| ids(port).is_some())
            .map(|port| port.path.clone())
    })
}

/// Returns whether a word has the form of a port on Windows: `COM3`.
fn is_windows_name(word: &str) -> bool {
    let Some(number) = word.get(3..) else {
        return false;
    };
    let is_com = word
        .get(..3)
        .is_some_and(|start| start.eq_ignore_ascii_case("com"));
    is_com && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the hints for a word in the form of a network address.
fn address_hints(word: &str) -> Option<Vec<String>> {
    let lower = word.to_ascii_lowercase();
    for (scheme, ours) in SCHEMES {
        if let Some(rest) = strip_start(word, &lower, scheme) {
            let rest = rest.trim_end_matches('/');
            let host = rest.split(['/', '?']).next().unwrap_or(rest);
            let lines = ours.iter().map(|ours| {
                let address = if *ours == "port:" { rest } else { host };
                did_you_mean(&format!(
                    "piton connect {}",
                    quoted(&format!("{ours}{address}"))
                ))
            });
            return Some(lines.collect());
        }
    }
    // An address with one slash, or without slashes.
    for scheme in ["ws", "socket", "rfc2217"] {
        let Some(rest) = strip_start(word, &lower, &format!("{scheme}:")) else {
            continue;
        };
        let host = rest.trim_matches('/');
        if rest.starts_with("//") || host.is_empty() {
            return None;
        }
        let address = quoted(&format!("{scheme}://{host}"));
        return Some(vec![did_you_mean(&format!("piton connect {address}"))]);
    }
    host_hints(word)
}

/// Returns what follows `start` in `word`; `lower` is `word` in lower case.
fn strip_start<'w>(word: &'w str, lower: &str, start: &str) -> Option<&'w str> {
    lower.starts_with(start).then(|| word.get(start.len()..))?
}

/// Returns the hints for a host without a scheme: an IP address, `localhost`, or a name with a dot in it; a port may
/// follow.
fn host_hints(word: &str) -> Option<Vec<String>> {
    let (host, port) = match word.rsplit_once(':') {
        Some((host, port)) if word.parse::<IpAddr>().is_err() => {
            (host, Some(port.parse::<u16>().ok()?))
        }
        _ => (word, None),
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().ok();
    if address.is_none() && !is_host_name(host) {
        return None;
    }
    let host = match address {
        Some(IpAddr::V6(_)) => format!("[{bare}]"),
        _ => host.to_owned(),
    };
    let webrepl =
        |address: String| format!("`piton connect ws://{address}` reaches the WebREPL of a board");
    Some(match port {
        None | Some(DEFAULT_PORT) => vec![webrepl(host)],
        Some(port) => vec![
            format!(
                "`piton connect socket://{host}:{port}` reaches a serial port that a server passes on"
            ),
            webrepl(format!("{host}:{port}")),
        ],
    })
}

/// Returns whether a word is `localhost`, or a name with a dot between letters of host names. Words with an ending like
/// `.py` are files.
fn is_host_name(word: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let has_ending = word.rsplit_once('.').is_some_and(|(start, ending)| {
        !start.is_empty()
            && ending.len() > 1
            && !matches!(ending, "py" | "mpy" | "uf2" | "bin" | "toml")
    });
    word.chars().all(is_plain) && (word == "localhost" || has_ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(path: &str, serial_number: Option<&str>, vid: Option<u16>) -> SerialPortFacts {
        SerialPortFacts {
            path: path.to_owned(),
            serial_number: serial_number.map(str::to_owned),
            vid,
            pid: vid.map(|_| 5),
            manufacturer: None,
            product: None,
            location: None,
        }
    }

    #[test]
    fn places_that_are_none() {
        let ports = [
            port("/dev/ttyACM0", Some("e661"), Some(0x2e8a)),
            port("/dev/ttyS0", None, None),
        ];
        let mut table = String::new();
        for word in [
            "virutal",
            "Virtual",
            "ato",
            "lst",
            "keller",
            "kitchn",
            "usb",
            "ttyACM1",
            "/dev/ttyACM1",
            "/dev/ttyS9",
            "e661",
            "E661",
            "2E8A:0005",
            "COM3",
            "com12",
            "192.168.4.1",
            "192.168.4.1:8266",
            "192.168.4.1:2217",
            "fe80::1",
            "[fe80::1]:8266",
            "foo.local",
            "esp32.local:8266",
            "localhost:2217",
            "ws:/foo",
            "ws:foo:81",
            "socket:host:23",
            "main.py",
            "x\x1b[31m",
            "",
        ] {
            let hints = hints(word, true, &["kitchen"], &ports);
            let word = word.escape_debug();
            table.push_str(&format!("{word}\n    {}\n", hints.join("\n    ")));
        }
        for word in [
            "http://192.168.4.1/",
            "HTTPS://foo.local:80/x",
            "wss://foo",
            "tcp://h:1",
            "telnet://h:23",
            "ws://",
            "loop://",
        ] {
            let hints = hints(word, false, &[], &ports);
            table.push_str(&format!("{word}\n    {}\n", hints.join("\n    ")));
        }
        insta::assert_snapshot!(table);
        let none = hints("/dev/ttyACM0", true, &[], &ports[1..]);
        insta::assert_snapshot!(none.join("\n"));
    }
}
