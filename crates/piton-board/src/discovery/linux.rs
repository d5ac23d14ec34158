//! Listing serial ports through `/dev` and sysfs.

use std::fs;
use std::path::Path;

use super::SerialPortFacts;

/// Device names that pyserial looks for (`tools/list_ports_linux.py`): built-in ports, USB adapters (own
/// drivers, Exar's, CDC-ACM), the Raspberry Pi's, Bluetooth, Advantech's.
const NAME_STARTS: [&str; 7] = [
    "ttyS", "ttyUSB", "ttyXRUSB", "ttyACM", "ttyAMA", "rfcomm", "ttyAP",
];

/// Returns the ports among the devices in `dev`, unsorted, with their facts in `class` (`/sys/class/tty`).
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

/// Returns the facts of a port; `None` if it has no hardware. The kernel creates `ttyS0` to `ttyS31` in advance.
fn facts(dev: &Path, class: &Path, name: &str) -> Option<SerialPortFacts> {
    let mut facts = SerialPortFacts {
        path: dev.join(name).to_string_lossy().into_owned(),
        serial_number: None,
        vid: None,
        pid: None,
        manufacturer: None,
        product: None,
        location: None,
    };
    let Ok(device) = class.join(name).join("device").canonicalize() else {
        return Some(facts);
    };
    let subsystem = device.join("subsystem").canonicalize().ok();
    let subsystem = subsystem.as_deref().and_then(Path::file_name);
    // The device of CDC-ACM is the USB interface; with other drivers it is one level below the interface. The interface
    // is below the USB device.
    let interface = match subsystem.and_then(|name| name.to_str()) {
        Some("platform") => return None,
        Some("usb-serial") => device.parent(),
        Some("usb") => Some(device.as_path()),
        _ => None,
    };
    if let Some(interface) = interface
        && let Some(usb_device) = interface.parent()
    {
        facts.vid = hex_attribute(usb_device, "idVendor");
        facts.pid = hex_attribute(usb_device, "idProduct");
        facts.serial_number = attribute(usb_device, "serial");
        facts.manufacturer = attribute(usb_device, "manufacturer");
        facts.product = attribute(usb_device, "product");
        let interfaces = attribute(usb_device, "bNumInterfaces").and_then(|text| text.parse().ok());
        let place = if interfaces.unwrap_or(1) == 1 {
            usb_device
        } else {
            interface
        };
        facts.location = place
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
    }
    Some(facts)
}

/// Returns whether the UART driver has found no chip at this port: its type is 0 (`PORT_UNKNOWN`, include/uapi/linux/serial_core.h
/// of Linux). Ports of other drivers have no type.
pub(super) fn is_without_hardware(class: &Path, path: &str) -> bool {
    let name = Path::new(path).file_name();
    name.and_then(|name| attribute(&class.join(name), "type"))
        .is_some_and(|kind| kind == "0")
}

/// Returns the first line of a sysfs file. The names of a USB device may be invalid UTF-8.
fn attribute(directory: &Path, name: &str) -> Option<String> {
    let content = fs::read(directory.join(name)).ok()?;
    let line = content.split(|&byte| byte == b'\n').next()?;
    Some(String::from_utf8_lossy(line.trim_ascii()).into_owned())
}

fn hex_attribute(directory: &Path, name: &str) -> Option<u16> {
    u16::from_str_radix(&attribute(directory, name)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A `/dev` and a `/sys`, laid out as kernels do.
    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Machine {
            let machine = Machine(tempfile::tempdir().expect("a folder"));
            for folder in ["dev", "sys/class/tty", "sys/bus/usb", "sys/bus/usb-serial"] {
                fs::create_dir_all(machine.path(folder)).expect("a folder");
            }
            machine
        }

        fn path(&self, path: &str) -> std::path::PathBuf {
            self.0.path().join(path)
        }

        fn write(&self, path: &str, content: &[u8]) {
            let path = self.path(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, content).expect("a file");
        }

        /// A tty whose device is `device` below `/sys/devices`, of `subsystem`.
        fn tty(&self, name: &str, device: &str, subsystem: &str) {
            self.write(&format!("dev/{name}"), b"");
            let device = self.path("sys/devices").join(device);
            fs::create_dir_all(&device).expect("a folder");
            let subsystem = self.path("sys/bus").join(subsystem);
            fs::create_dir_all(&subsystem).expect("a folder");
            symlink(subsystem, device.join("subsystem")).expect("a link");
            let class = self.path("sys/class/tty").join(name);
            fs::create_dir_all(&class).expect("a folder");
            symlink(device, class.join("device")).expect("a link");
        }

        fn list(&self) -> Vec<SerialPortFacts> {
            let mut ports = list(&self.path("dev"), &self.path("sys/class/tty"));
            ports.sort_by_key(|port| port.path.clone());
            let dev = self.path("dev/").to_str().expect("a path").to_owned();
            for port in &mut ports {
                port.path = port.path.strip_prefix(&dev).expect("in dev").to_owned();
            }
            ports
        }
    }

    fn facts(path: &str) -> SerialPortFacts {
        SerialPortFacts {
            path: path.to_owned(),
            serial_number: None,
            vid: None,
            pid: None,
            manufacturer: None,
            product: None,
            location: None,
        }
    }

    #[test]
    fn usb_boards_are_listed_with_cdc_acm_and_other_drivers() {
        let machine = Machine::new();
        machine.tty("ttyACM0", "pci0/usb1/1-2/1-2:1.0", "usb");
        machine.write("sys/devices/pci0/usb1/1-2/idVendor", b"2e8a\n");
        machine.write("sys/devices/pci0/usb1/1-2/idProduct", b"0005\n");
        machine.write("sys/devices/pci0/usb1/1-2/serial", b"e66164084373532b\n");
        machine.write("sys/devices/pci0/usb1/1-2/manufacturer", b"MicroPython\n");
        machine.write("sys/devices/pci0/usb1/1-2/product", b"Board in FS mode\n");
        // The kernel pads the number.
        machine.write("sys/devices/pci0/usb1/1-2/bNumInterfaces", b" 2\n");
        machine.tty("ttyUSB0", "pci0/usb1/1-3/1-3:1.0/ttyUSB0", "usb-serial");
        machine.write("sys/devices/pci0/usb1/1-3/idVendor", b"10c4\n");
        machine.write("sys/devices/pci0/usb1/1-3/idProduct", b"ea60\n");
        machine.write(
            "sys/devices/pci0/usb1/1-3/product",
            b"\xc2\xb5C \xff Bridge \nx",
        );
        let pico = SerialPortFacts {
            serial_number: Some("e66164084373532b".to_owned()),
            vid: Some(0x2e8a),
            pid: Some(5),
            manufacturer: Some("MicroPython".to_owned()),
            product: Some("Board in FS mode".to_owned()),
            location: Some("1-2:1.0".to_owned()),
            ..facts("ttyACM0")
        };
        let bridge = SerialPortFacts {
            vid: Some(0x10c4),
            pid: Some(0xea60),
            product: Some("\u{b5}C \u{fffd} Bridge".to_owned()),
            location: Some("1-3".to_owned()),
            ..facts("ttyUSB0")
        };
        assert!(pico.is_usb() && bridge.is_usb());
        assert_eq!(machine.list(), [pico, bridge]);
    }

    #[test]
    fn ports_without_hardware_are_recognized() {
        let machine = Machine::new();
        machine.write("sys/class/tty/ttyS0/type", b"4\n");
        machine.write("sys/class/tty/ttyS1/type", b"0\n");
        machine.write("sys/class/tty/ttyACM0/uevent", b"");
        let class = machine.path("sys/class/tty");
        let is_without = |path| is_without_hardware(&class, path);
        assert!(is_without("/dev/ttyS1"));
        assert!(!is_without("/dev/ttyS0"));
        assert!(!is_without("/dev/ttyACM0"));
        assert!(!is_without("/dev/ttyNOWHERE"));
    }

    #[test]
    fn built_in_ports_are_listed_if_they_have_hardware() {
        let machine = Machine::new();
        machine.tty("ttyS0", "pnp0/00:04", "pnp");
        machine.tty("ttyS1", "platform/serial8250", "platform");
        machine.tty("ttyAMA0", "soc/uart", "amba");
        machine.tty("tty1", "virtual/tty1", "none");
        machine.write("dev/rfcomm0", b"");
        // While a USB device is unplugged, some of its files in sysfs may be missing already.
        machine.tty("ttyACM1", "pci0/usb1/1-4/1-4:1.0", "usb");
        machine.write("sys/devices/pci0/usb1/1-4/idVendor", b"\n");
        let mut expected = ["rfcomm0", "ttyACM1", "ttyAMA0", "ttyS0"].map(facts);
        expected[1].location = Some("1-4".to_owned());
        assert_eq!(machine.list(), expected);
        assert!(!expected.iter().any(SerialPortFacts::is_usb));
        assert_eq!(list(Path::new("/no/dev"), Path::new("/no/sys")), []);
    }
}
