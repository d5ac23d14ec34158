//! Serial ports by `/dev` and sysfs.

use std::fs;
use std::path::Path;

use super::SerialPortFacts;

/// Device names that pyserial looks for (`tools/list_ports_linux.py`): built-in ports, USB adapters (own
/// drivers, Exar's, CDC-ACM), the Raspberry Pi's, Bluetooth, Advantech's.
const NAME_STARTS: [&str; 7] = [
    "ttyS", "ttyUSB", "ttyXRUSB", "ttyACM", "ttyAMA", "rfcomm", "ttyAP",
];

/// The ports among the devices in `dev`, with what `class` (`/sys/class/tty`) says of each; unsorted.
pub(super) fn list(dev: &Path, class: &Path) -> Vec<SerialPortFacts> {
    let Ok(devices) = fs::read_dir(dev) else {
        return Vec::new();
    };
    let names = devices
        .flatten()
        .filter_map(|device| device.file_name().into_string().ok());
    names
        .filter(|name| NAME_STARTS.iter().any(|start| name.starts_with(start)))
        .filter_map(|name| facts(dev, class, &name))
        .collect()
}

/// `None` for a port without hardware: the kernel makes `ttyS0` to `ttyS31` ahead of need.
fn facts(dev: &Path, class: &Path, name: &str) -> Option<SerialPortFacts> {
    let mut facts = SerialPortFacts {
        path: dev.join(name).to_string_lossy().into_owned(),
        serial_number: None,
        vid: None,
        pid: None,
        manufacturer: None,
        product: None,
    };
    let Ok(device) = class.join(name).join("device").canonicalize() else {
        return Some(facts);
    };
    let subsystem = device.join("subsystem").canonicalize().ok();
    let subsystem = subsystem.as_deref().and_then(Path::file_name);
    // A driver of its own sits one level below the USB interface, CDC-ACM is the interface itself; the
    // interface sits below the device.
    let usb_device = match subsystem.and_then(|name| name.to_str()) {
        Some("platform") => return None,
        Some("usb-serial") => device.parent().and_then(Path::parent),
        Some("usb") => device.parent(),
        _ => None,
    };
    if let Some(usb_device) = usb_device {
        facts.vid = hex_attribute(usb_device, "idVendor");
        facts.pid = hex_attribute(usb_device, "idProduct");
        facts.serial_number = attribute(usb_device, "serial");
        facts.manufacturer = attribute(usb_device, "manufacturer");
        facts.product = attribute(usb_device, "product");
    }
    Some(facts)
}

/// The first line of a sysfs file; what a USB device calls itself need not be UTF-8.
fn attribute(directory: &Path, name: &str) -> Option<String> {
    let content = fs::read(directory.join(name)).ok()?;
    let line = content.split(|&byte| byte == b'\n').next()?;
    Some(String::from_utf8_lossy(line.trim_ascii()).into_owned())
}

fn hex_attribute(directory: &Path, name: &str) -> Option<u16> {
    u16::from_str_radix(&attribute(directory, name)?, 16).ok()
}
