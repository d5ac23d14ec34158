//! The output of a board's own program, without the firmware's output before and after it.

use piton_board::repl::protocol::{BANNER_END, MICROPYTHON_BANNER, SOFT_REBOOT_LINE};

/// Length of output without an announced soft reset after which all output is shown: the board announces it with
/// another text.
const LONGEST_BEFORE: usize = 2048;

/// Length of the first line of a banner at most. A longer line that begins like one is the program's.
const LONGEST_LINE: usize = 256;

/// Extracts the output of main.py from the output of a board since a soft reset.
#[derive(Debug, Default)]
pub struct ProgramOutput {
    /// Whether the soft reset was announced.
    has_begun: bool,
    /// Whether the last shown line is incomplete.
    in_line: bool,
    /// Bytes that may belong to the firmware's output.
    held: Vec<u8>,
}

impl ProgramOutput {
    /// Takes output of the board, and calls `show` with the program's part.
    pub fn take(&mut self, bytes: &[u8], show: &mut dyn FnMut(&[u8])) {
        self.held.extend_from_slice(bytes);
        if !self.has_begun {
            let restart = self
                .held
                .windows(SOFT_REBOOT_LINE.len())
                .position(|part| part == SOFT_REBOOT_LINE);
            match restart {
                Some(at) => drop(self.held.drain(..at + SOFT_REBOOT_LINE.len())),
                None if self.held.len() < LONGEST_BEFORE => return,
                // CircuitPython translates its announcement.
                None => {}
            }
            self.has_begun = true;
        }
        while !self.held.is_empty() {
            let (count, is_shown) = match (self.in_line, banner(&self.held)) {
                (false, Banner::Partial) => return,
                (false, Banner::Whole(count)) => (count, false),
                _ => (line(&self.held), true),
            };
            let part = self.held.drain(..count).collect::<Vec<u8>>();
            self.in_line = is_shown && !part.ends_with(b"\n");
            if is_shown {
                show(&part);
            }
        }
    }

    /// Calls `show` with the held bytes after a silence of the board: they belong to the program, unless they
    /// are a long part of the firmware's banner.
    pub fn flush_quiet(&mut self, show: &mut dyn FnMut(&[u8])) {
        if self.has_begun && !self.held.is_empty() && !self.held.starts_with(MICROPYTHON_BANNER) {
            show(&std::mem::take(&mut self.held));
            self.in_line = true;
        }
    }
}

/// The result of comparing a line with the firmware's banner.
enum Banner {
    /// The line begins with the banner, which has this length.
    Whole(usize),
    /// More bytes are needed.
    Partial,
    /// The line does not begin with the banner.
    Absent,
}

fn banner(bytes: &[u8]) -> Banner {
    let begins = |bytes: &[u8], text: &[u8]| {
        let count = bytes.len().min(text.len());
        bytes.get(..count) == text.get(..count)
    };
    if !begins(bytes, MICROPYTHON_BANNER) {
        return Banner::Absent;
    }
    let first = line(bytes);
    if first > LONGEST_LINE {
        return Banner::Absent;
    }
    let rest = bytes.get(first..).unwrap_or_default();
    if bytes.get(first.saturating_sub(1)) != Some(&b'\n') || rest.len() < BANNER_END.len() {
        return match begins(rest, BANNER_END) {
            true => Banner::Partial,
            false => Banner::Absent,
        };
    }
    match rest.starts_with(BANNER_END) {
        true => Banner::Whole(first + BANNER_END.len()),
        false => Banner::Absent,
    }
}

/// Returns the length of the first line, or of the part of it that has come.
fn line(bytes: &[u8]) -> usize {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    end.map_or(bytes.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "\r\nMicroPython v1.29 on 2026; JS\r\nType \"help()\" for more information.\r\n>>> \r\nMPY: soft \
                          reboot\r\n";
    const AFTER: &str =
        "MicroPython v1.29 on 2026; JS\r\nType \"help()\" for more information.\r\n>>> ";

    #[track_caller]
    fn check(printed: &str, expected: &str) {
        let bytes = printed.as_bytes();
        for step in [1, 3, 1000] {
            let mut output = ProgramOutput::default();
            let mut shown = Vec::new();
            for piece in bytes.chunks(step) {
                output.take(piece, &mut |bytes| shown.extend_from_slice(bytes));
            }
            output.flush_quiet(&mut |bytes| shown.extend_from_slice(bytes));
            assert_eq!(String::from_utf8(shown).unwrap(), expected, "{step}");
        }
    }

    #[test]
    fn only_the_output_of_the_program_is_shown() {
        check(&format!("{BEFORE}one\r\ntwo\r\n{AFTER}"), "one\r\ntwo\r\n");
        check(&format!("{BEFORE}no end{AFTER}"), &format!("no end{AFTER}"));
        check(&format!("{BEFORE}{AFTER}"), "");
    }

    #[test]
    fn text_that_only_looks_like_a_banner_is_shown() {
        for text in [
            "MicroPython v1 is good\r\nsaid I\r\n",
            "Micro",
            "MPY",
            "M\r\n",
        ] {
            check(&format!("{BEFORE}{text}"), text);
        }
        check(&format!("{BEFORE}x\r\n{AFTER}later\r\n"), "x\r\nlater\r\n");
    }

    #[test]
    fn a_line_that_begins_like_a_banner_and_never_ends_is_shown() {
        // A progress bar in a program that prints its version first.
        let text = format!("MicroPython v1.29 loads {}", ".".repeat(300));
        check(&format!("{BEFORE}{text}"), &text);
        let mut output = ProgramOutput::default();
        output.take(BEFORE.as_bytes(), &mut |_| {});
        for _ in 0..1000 {
            output.take(b"MicroPython v", &mut |_| {});
        }
        assert!(output.held.len() <= LONGEST_LINE);
    }

    #[test]
    fn the_whole_output_of_a_board_with_another_announcement_is_shown() {
        let text = "line\r\n".repeat(500);
        check(&text, &text);
    }
}
