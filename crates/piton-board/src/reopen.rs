//! Finding a board again that was unplugged and plugged in, or reset.

use crate::discovery::{SerialPortFacts, list_serial_ports};
use crate::error::Error;
use crate::selector::BoardSelector;

/// The properties by which a board is found again when its connection is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoardIdentity {
    /// A USB device, by its serial number. Its port may have another name afterwards.
    UsbDevice {
        /// The serial number.
        serial_number: String,
        /// The number of the port among the device's ports, from 0.
        port: usize,
    },
    /// A port whose device has no serial number, or an address on the network, by its name.
    Name(BoardSelector),
}

impl BoardIdentity {
    /// Returns the identity of the board that `selector` opened as `device_name`. The board must still be connected.
    ///
    /// Returns `None` for a board that ends with its connection: a process, the virtual board.
    pub fn of(selector: &BoardSelector, device_name: &str) -> Option<BoardIdentity> {
        match selector {
            BoardSelector::Auto | BoardSelector::Id(_) | BoardSelector::Port(_) => {
                Some(BoardIdentity::of_port(&list_serial_ports(), device_name))
            }
            BoardSelector::Socket { .. }
            | BoardSelector::Rfc2217 { .. }
            | BoardSelector::Telnet { .. }
            | BoardSelector::WebRepl { .. } => Some(BoardIdentity::Name(selector.clone())),
            BoardSelector::Exec(_) | BoardSelector::ExecPty(_) | BoardSelector::Virtual { .. } => {
                None
            }
        }
    }

    /// Returns whether the board is at a port of this computer. Then a lost connection means that the board was unplugged
    /// or reset. A connection over the network can be lost for other reasons.
    pub fn is_port(&self) -> bool {
        matches!(
            self,
            BoardIdentity::UsbDevice { .. } | BoardIdentity::Name(BoardSelector::Port(_))
        )
    }

    /// Returns a selector for the current port or address of the board.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchSerialNumber`] while no port has the board's serial number.
    pub fn find(&self) -> Result<BoardSelector, Error> {
        self.find_among(&list_serial_ports())
    }

    fn of_port(ports: &[SerialPortFacts], device_name: &str) -> BoardIdentity {
        let is_same = |port: &&SerialPortFacts| is_same_device(&port.path, device_name);
        let facts = ports.iter().find(is_same);
        let serial_number = facts.and_then(|facts| facts.serial_number.clone());
        let Some(serial_number) = serial_number else {
            let name = device_name.to_owned();
            return BoardIdentity::Name(BoardSelector::Port(name));
        };
        let port = with_serial_number(ports, &serial_number)
            .position(|port| is_same(&port))
            .unwrap_or(0);
        BoardIdentity::UsbDevice {
            serial_number,
            port,
        }
    }

    fn find_among(&self, ports: &[SerialPortFacts]) -> Result<BoardSelector, Error> {
        match self {
            BoardIdentity::Name(selector) => Ok(selector.clone()),
            BoardIdentity::UsbDevice {
                serial_number,
                port,
            } => {
                let found = with_serial_number(ports, serial_number).nth(*port);
                let path = found.map(|port| port.path.clone());
                path.map(BoardSelector::Port)
                    .ok_or_else(|| Error::NoSuchSerialNumber {
                        serial_number: serial_number.clone(),
                    })
            }
        }
    }
}

fn with_serial_number<'p>(
    ports: &'p [SerialPortFacts],
    serial_number: &'p str,
) -> impl Iterator<Item = &'p SerialPortFacts> {
    let has_number =
        move |port: &&SerialPortFacts| port.serial_number.as_deref() == Some(serial_number);
    ports.iter().filter(has_number)
}

/// Returns whether both names are of the same device, such as a port and a link `/dev/serial/by-id/...` to it.
fn is_same_device(one: &str, other: &str) -> bool {
    let resolve = |path: &str| std::fs::canonicalize(path).ok();
    one == other || resolve(one).is_some_and(|one| Some(one) == resolve(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(path: &str, serial_number: Option<&str>) -> SerialPortFacts {
        SerialPortFacts {
            path: path.to_owned(),
            serial_number: serial_number.map(str::to_owned),
            vid: Some(0x2e8a),
            pid: Some(5),
            manufacturer: None,
            product: None,
            location: None,
        }
    }

    /// Returns the identity of a board at one of `ports`, or elsewhere.
    fn identity(
        ports: &[SerialPortFacts],
        selector: &BoardSelector,
        device_name: &str,
    ) -> Option<BoardIdentity> {
        match selector {
            BoardSelector::Auto | BoardSelector::Id(_) | BoardSelector::Port(_) => {
                Some(BoardIdentity::of_port(ports, device_name))
            }
            _ => BoardIdentity::of(selector, device_name),
        }
    }

    /// Checks where a board is among the ports `after`, which `selector` opened at `path` among the ports `before`.
    #[track_caller]
    fn check(
        selector: &str,
        path: &str,
        before: &[SerialPortFacts],
        after: &[SerialPortFacts],
        expected: Option<&str>,
    ) {
        let selector = selector.parse().expect("a selector");
        let noted = identity(before, &selector, path);
        let found = noted.and_then(|identity| identity.find_among(after).ok());
        assert_eq!(found.map(|found| found.to_string()).as_deref(), expected);
    }

    #[test]
    fn a_usb_device_is_found_by_its_serial_number() {
        let before = [
            port("/dev/ttyACM0", Some("1")),
            port("/dev/ttyACM1", Some("2")),
        ];
        let after = [
            port("/dev/ttyACM0", Some("2")),
            port("/dev/ttyACM7", Some("1")),
        ];
        for selector in ["auto", "id:1", "/dev/ttyACM0"] {
            check(
                selector,
                "/dev/ttyACM0",
                &before,
                &after,
                Some("/dev/ttyACM7"),
            );
            // Another board has the old name of the port.
            check(selector, "/dev/ttyACM0", &before, &after[..1], None);
        }
        let two = [
            port("/dev/ttyACM0", Some("1")),
            port("/dev/ttyACM1", Some("1")),
        ];
        let moved = [
            port("/dev/ttyACM4", Some("1")),
            port("/dev/ttyACM5", Some("1")),
        ];
        check("auto", "/dev/ttyACM1", &two, &moved, Some("/dev/ttyACM5"));
        check("auto", "/dev/ttyACM1", &two, &moved[..1], None);
    }

    #[test]
    fn other_boards_are_found_by_their_names() {
        let adapter = [port("/dev/ttyUSB0", None)];
        check("u0", "/dev/ttyUSB0", &adapter, &[], Some("/dev/ttyUSB0"));
        check(
            "/dev/pts/3",
            "/dev/pts/3",
            &adapter,
            &[],
            Some("/dev/pts/3"),
        );
        check(
            "ws://board",
            "ws://board:8266",
            &[],
            &[],
            Some("ws://board:8266"),
        );
        check(
            "socket://h:1",
            "socket://h:1",
            &[],
            &[],
            Some("socket://h:1"),
        );
        check("virtual", "virtual", &[], &[], None);
        check("exec:cat", "exec:cat", &[], &[], None);
        for (selector, is_port) in [("u0", true), ("ws://board", false), ("socket://h:1", false)] {
            let selector = selector.parse().expect("a selector");
            let noted = identity(&adapter, &selector, "/dev/ttyUSB0");
            assert_eq!(noted.map(|identity| identity.is_port()), Some(is_port));
        }
    }
}
