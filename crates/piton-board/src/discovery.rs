//! Listing the serial ports of this computer, and the boards at them.
//!
//! The rules are those of pyserial 3.5's `list_ports`, which mpremote prints. On Linux the built-in ports (`ttyS*`) are
//! listed too, except those for which the kernel found no hardware.

use serde::Serialize;

pub mod access;
pub mod known;
#[cfg(target_os = "linux")]
mod linux;
pub mod usb;

/// The facts that the system reports about a serial port and the USB device behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SerialPortFacts {
    /// Path or name to open the port with, such as `/dev/ttyACM0` or `COM3`.
    pub path: String,
    /// The USB device's serial number, which distinguishes boards of the same kind.
    pub serial_number: Option<String>,
    /// USB vendor; `None` for a port that is not on USB.
    pub vid: Option<u16>,
    /// USB product; `None` for a port that is not on USB.
    pub pid: Option<u16>,
    /// The vendor's name, as the USB device gives it.
    pub manufacturer: Option<String>,
    /// The product's name, as the USB device gives it.
    pub product: Option<String>,
    /// The place where the device is plugged in, `1-1.4` for port 4 of a hub at port 1 of bus 1, with the number of the interface
    /// if the device has several, `1-1.4:1.0`: as pyserial has it. `None` where the system does not report it.
    pub location: Option<String>,
}

impl SerialPortFacts {
    /// Returns whether this is a USB port. Only USB ports count as boards when no port is named.
    pub fn is_usb(&self) -> bool {
        self.vid.is_some() && self.pid.is_some()
    }
}

/// Returns whether this port, such as `/dev/ttyS1`, has no hardware. The kernel creates such ports in advance, and they
/// can be opened. Returns false if the system does not report it.
pub fn is_without_hardware(path: &str) -> bool {
    #[cfg(target_os = "linux")]
    return linux::is_without_hardware(std::path::Path::new("/sys/class/tty"), path);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        false
    }
}

/// Returns all serial ports, sorted by path with numbers by their value (`ttyACM2` before `ttyACM10`).
///
/// The list is empty if the system cannot report them (a container without `/sys`).
pub fn list_serial_ports() -> Vec<SerialPortFacts> {
    let mut ports = system_list();
    ports.sort_by_cached_key(|port| natural_key(&port.path));
    ports
}

#[cfg(target_os = "linux")]
fn system_list() -> Vec<SerialPortFacts> {
    use std::path::Path;
    linux::list(Path::new("/dev"), Path::new("/sys/class/tty"))
}

#[cfg(not(target_os = "linux"))]
fn system_list() -> Vec<SerialPortFacts> {
    use serialport::SerialPortType;
    let ports = serialport::available_ports().unwrap_or_default();
    ports
        .into_iter()
        // macOS lists each port twice. Opening the dial-in device (`tty.`) would wait for a carrier signal.
        .filter(|port| !port.port_name.starts_with("/dev/tty."))
        .map(|port| {
            let usb = match port.port_type {
                SerialPortType::UsbPort(usb) => Some(usb),
                SerialPortType::PciPort
                | SerialPortType::BluetoothPort
                | SerialPortType::Unknown => None,
            };
            SerialPortFacts {
                path: port.port_name,
                vid: usb.as_ref().map(|usb| usb.vid),
                pid: usb.as_ref().map(|usb| usb.pid),
                serial_number: usb.as_ref().and_then(|usb| usb.serial_number.clone()),
                manufacturer: usb.as_ref().and_then(|usb| usb.manufacturer.clone()),
                product: usb.and_then(|usb| usb.product),
                location: None,
            }
        })
        .collect()
}

/// A piece of a path: digits compare by value.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Number(u64),
    Text(String),
}

fn natural_key(path: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let is_number = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_number);
        let (piece, tail) = rest.split_at(end.unwrap_or(rest.len()));
        pieces.push(match piece.parse() {
            Ok(number) if is_number => Piece::Number(number),
            _ => Piece::Text(piece.to_owned()),
        });
        rest = tail;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_paths_sort_by_value() {
        let mut paths = [
            "/dev/ttyUSB1",
            "/dev/ttyACM10",
            "/dev/ttyACM2",
            "COM9",
            "/dev/ttyS0",
        ];
        paths.sort_by_cached_key(|path| natural_key(path));
        let expected = [
            "/dev/ttyACM2",
            "/dev/ttyACM10",
            "/dev/ttyS0",
            "/dev/ttyUSB1",
            "COM9",
        ];
        assert_eq!(paths, expected);
    }

    #[test]
    fn digits_beyond_any_number_are_text() {
        assert!(natural_key("tty99999999999999999999999") > natural_key("tty9"));
    }
}
