//! USB devices that boards come with, whether or not they have a serial port: Linux's list, `/sys/bus/usb/devices`.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::known::KNOWN_DEVICES;

/// A USB device that looks like a board, or like a converter that boards have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsbDevice {
    /// USB vendor.
    pub vid: u16,
    /// USB product.
    pub pid: u16,
    /// The product's name, as the device gives it, else what devices with these numbers are known as.
    pub name: String,
    /// Whether a serial port belongs to it.
    pub has_port: bool,
}

impl UsbDevice {
    /// Returns whether it is a board in the bootloader of its chip or its UF2 bootloader, where it waits for firmware and
    /// has no serial port of MicroPython.
    ///
    /// The numbers are those of the RP2040's and RP2350's data sheets (section "USB boot") and of the STM32's DFU mode
    /// (AN2606).
    pub fn is_bootloader(&self) -> bool {
        matches!(
            (self.vid, self.pid),
            (0x2e8a, 0x0003 | 0x000f) | (0x0483, 0xdf11)
        )
    }
}

/// Returns the USB devices that boards come with, in the order of the system's names. Empty where the system does not report them
/// (elsewhere than on Linux, or in a container without `/sys`).
pub fn list_usb_devices() -> Vec<UsbDevice> {
    list(Path::new("/sys/bus/usb/devices"))
}

fn list(folder: &Path) -> Vec<UsbDevice> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| device(path)).collect()
}

/// Returns the device of a folder; `None` for interfaces, hubs and what is no board.
fn device(folder: &Path) -> Option<UsbDevice> {
    let vid = number(folder, "idVendor")?;
    let pid = number(folder, "idProduct")?;
    let known = KNOWN_DEVICES
        .iter()
        .find(|known| known.vid == vid && known.pid.is_none_or(|known| known == pid));
    let is_dfu = (vid, pid) == (0x0483, 0xdf11);
    let known = match known {
        Some(known) => known.name,
        None if is_dfu => "STM32 board in DFU mode",
        None => return None,
    };
    let product = text(folder, "product").filter(|name| !name.is_empty());
    Some(UsbDevice {
        vid,
        pid,
        name: product.unwrap_or_else(|| known.to_owned()),
        has_port: has_port(folder),
    })
}

/// Returns whether one of a device's interfaces has a serial port: `DEVICE/DEVICE:1.0/ttyUSB0` of converters,
/// `DEVICE/DEVICE:1.0/tty/ttyACM0` of CDC-ACM.
fn has_port(folder: &Path) -> bool {
    let below = |folder: &Path| -> Vec<_> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    };
    let is_port = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("tty"))
    };
    let interfaces = below(folder);
    let interfaces = interfaces.iter().filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.contains(':'))
    });
    interfaces
        .flat_map(|interface| below(interface))
        .any(|path| is_port(&path))
}

fn text(folder: &Path, name: &str) -> Option<String> {
    let text = fs::read(folder.join(name)).ok()?;
    Some(String::from_utf8_lossy(text.trim_ascii()).into_owned())
}

fn number(folder: &Path, name: &str) -> Option<u16> {
    u16::from_str_radix(&text(folder, name)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists the devices of a folder with these files, and those that end with `/` as folders.
    fn listed(files: &[(&str, &str)]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let devices = list(folder.path()).into_iter().map(|device| {
            let kind = match (device.has_port, device.is_bootloader()) {
                (true, _) => "port",
                (false, true) => "bootloader",
                (false, false) => "no port",
            };
            format!(
                "{:04x}:{:04x} {}: {kind}",
                device.vid, device.pid, device.name
            )
        });
        devices.collect()
    }

    #[test]
    fn boards_are_told_from_other_devices() {
        let files = [
            ("1-1/idVendor", "2e8a\n"),
            ("1-1/idProduct", "0005\n"),
            ("1-1/product", "Board in FS mode\n"),
            ("1-1/1-1:1.0/tty/ttyACM0/dev", "166:0\n"),
            ("1-2/idVendor", "2e8a\n"),
            ("1-2/idProduct", "0003\n"),
            ("1-2/product", "RP2 Boot\n"),
            ("1-3/idVendor", "1a86\n"),
            ("1-3/idProduct", "7523\n"),
            ("1-3/1-3:1.0/bInterfaceClass", "ff\n"),
            ("1-4/idVendor", "046d\n"),
            ("1-4/idProduct", "c52b\n"),
            ("1-5/idVendor", "10c4\n"),
            ("1-5/idProduct", "ea60\n"),
            ("1-5/1-5:1.0/ttyUSB0/port_number", "0\n"),
            ("1-6/idVendor", "0483\n"),
            ("1-6/idProduct", "df11\n"),
            ("usb1/idVendor", "broken\n"),
        ];
        assert_eq!(
            listed(&files),
            [
                "2e8a:0005 Board in FS mode: port",
                "2e8a:0003 RP2 Boot: bootloader",
                "1a86:7523 WCH CH340: no port",
                "10c4:ea60 Silicon Labs CP210x: port",
                "0483:df11 STM32 board in DFU mode: bootloader",
            ]
        );
        assert!(listed(&[]).is_empty());
    }
}
