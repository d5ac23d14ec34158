//! The bytes of the REPL's protocol, and the texts of the firmware that the host recognizes.
//!
//! All of them come from MicroPython's `shared/runtime/pyexec.c`, and from each port's `main.c` (the soft reset).

/// Ctrl-A: enters the raw REPL.
pub const CTRL_A: u8 = 0x01;

/// Ctrl-B: leaves the raw REPL. The friendly REPL prints its banner and a new prompt. A running program is not affected.
pub const CTRL_B: u8 = 0x02;

/// Ctrl-C: interrupts a program, and drops an incomplete line.
pub const CTRL_C: u8 = 0x03;

/// Ctrl-D: a soft reset at an empty prompt, else the end of a program. The board ends a program's output with the same byte.
pub const CTRL_D: u8 = 0x04;

/// The banner of the raw REPL, with its first prompt.
pub const RAW_BANNER: &[u8] = b"raw REPL; CTRL-B to exit\r\n>";

/// The end of the raw REPL's answer to a program: the end of the exception's text, and the next prompt.
pub const RAW_PROMPT: &[u8] = b"\x04>";

/// The prompt of the friendly REPL.
pub const FRIENDLY_PROMPT: &[u8] = b">>> ";

/// The prompt of the friendly REPL for the next line of a block.
pub const CONTINUATION_PROMPT: &[u8] = b"... ";

/// The end of the line that announces a soft reset, without its line end: `MPY: soft reboot`, in old ports `PYB: soft reboot`,
/// in CircuitPython only `soft reboot`.
pub const SOFT_REBOOT: &[u8] = b"soft reboot";

/// [`SOFT_REBOOT`] with its line end.
pub const SOFT_REBOOT_LINE: &[u8] = b"soft reboot\r\n";

/// The same, of a board that puts its name before it: only CircuitPython does not.
pub const NAMED_SOFT_REBOOT_LINE: &[u8] = b": soft reboot\r\n";

/// The start of the banners that a board prints when it starts.
const START_BANNERS: [&[u8]; 2] = [MICROPYTHON_BANNER, b"Adafruit CircuitPython"];

/// The start of MicroPython's banner.
pub const MICROPYTHON_BANNER: &[u8] = b"MicroPython v";

/// The last line of MicroPython's banner, with the prompt that follows it.
pub const BANNER_END: &[u8] = b"Type \"help()\" for more information.\r\n>>> ";

/// Number of bytes at the end of the output in which a board's banner is searched.
const START_LENGTH: usize = 512;

/// Returns whether `output` ends with the banner and friendly prompt of a board that has just started.
///
/// A board that is reset behind a USB-to-serial converter does not disconnect. Only this text shows the reset.
pub fn ends_with_board_start(output: &[u8]) -> bool {
    let from = output.len().saturating_sub(START_LENGTH);
    let last = output.get(from..).unwrap_or_default();
    let contains = |text: &&[u8]| last.windows(text.len()).any(|window| window == *text);
    // A build between two releases may have no `v` in its banner.
    last.ends_with(BANNER_END)
        || (last.ends_with(FRIENDLY_PROMPT) && START_BANNERS.iter().any(contains))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_board_is_recognized_only_at_the_end() {
        for (output, expected) in [
            (&b"MicroPython v1.29\r\nType\r\n>>> "[..], true),
            (b"Adafruit CircuitPython 9\r\n\r\n>>> ", true),
            (b"MicroPython v1.29\r\n>>> x", false),
            (
                b"MicroPython 9458e3a23f on 2026-07-05; linux\r\nType \"help()\" for more information.\r\n>>> ",
                true,
            ),
            (b"hello\r\n>>> ", false),
            (b"", false),
        ] {
            assert_eq!(ends_with_board_start(output), expected, "{output:?}");
        }
        let long_ago = [
            b"MicroPython v1.29".to_vec(),
            vec![b'.'; 600],
            b">>> ".to_vec(),
        ]
        .concat();
        assert!(!ends_with_board_start(&long_ago));
    }
}
