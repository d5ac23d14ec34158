//! The USB devices of known boards and converters.

/// A kind of USB device that is a board, or a converter of boards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownDevice {
    /// USB vendor.
    pub vid: u16,
    /// USB product; `None` for all products of this vendor.
    pub pid: Option<u16>,
    /// The name for people.
    pub name: &'static str,
}

const fn device(vid: u16, pid: Option<u16>, name: &'static str) -> KnownDevice {
    KnownDevice { vid, pid, name }
}

/// Boards with their own USB port, and the converters of other boards. From the ports' `mpconfigport.h` and
/// `mpconfigboard.h` in MicroPython, and from the converters' data sheets.
pub const KNOWN_DEVICES: &[KnownDevice] = &[
    device(0x2e8a, None, "Raspberry Pi Pico and other RP2 boards"),
    device(0xf055, None, "pyboard and other STM32 boards"),
    device(0x303a, None, "Espressif chips with USB"),
    device(0x239a, None, "Adafruit boards"),
    device(0x2341, None, "Arduino boards"),
    device(0x0d28, Some(0x0204), "micro:bit and other DAPLink boards"),
    device(0x0483, Some(0x374b), "STM32 boards with ST-LINK/V2-1"),
    device(0x0483, Some(0x374e), "STM32 boards with STLINK-V3"),
    device(0x1366, None, "boards with SEGGER J-Link"),
    device(0x16c0, Some(0x0483), "Teensy boards"),
    device(0x10c4, Some(0xea60), "Silicon Labs CP210x"),
    device(0x1a86, Some(0x7523), "WCH CH340"),
    device(0x1a86, Some(0x55d3), "WCH CH343"),
    device(0x1a86, Some(0x55d4), "WCH CH9102"),
    device(0x0403, Some(0x6001), "FTDI FT232R"),
    device(0x0403, Some(0x6010), "FTDI FT2232"),
    device(0x0403, Some(0x6015), "FTDI FT231X"),
    device(0x067b, Some(0x2303), "Prolific PL2303"),
];
