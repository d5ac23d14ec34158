//! What a board's own program prints, without what the firmware says before and after it.

/// How every port ends what it says at a soft reset (`MPY: soft reboot`; CircuitPython's has no prefix).
const RESTART: &[u8] = b"soft reboot\r\n";

/// How the firmware's own words begin when the program has ended, and go on, up to the prompt.
const BANNER: &[u8] = b"MicroPython v";
const HELP: &[u8] = b"Type \"help()\" for more information.\r\n>>> ";

/// A board that has said so much and no word of a soft reset says it in words of its own: all is shown.
const LONGEST_BEFORE: usize = 2048;

/// Cuts the program's output out of what a board prints from a soft reset on.
#[derive(Debug, Default)]
pub(super) struct ProgramOutput {
    begun: bool,
    /// The last line ended.
    in_line: bool,
    /// What is looked at still.
    held: Vec<u8>,
}

impl ProgramOutput {
    /// Take what the board printed, and hand on the program's.
    pub(super) fn take(&mut self, bytes: &[u8], show: &mut dyn FnMut(&[u8])) {
        self.held.extend_from_slice(bytes);
        if !self.begun {
            let restart = self
                .held
                .windows(RESTART.len())
                .position(|part| part == RESTART);
            match restart {
                Some(at) => drop(self.held.drain(..at + RESTART.len())),
                None if self.held.len() < LONGEST_BEFORE => return,
                None => {}
            }
            self.begun = true;
        }
        while !self.held.is_empty() {
            let (count, is_shown) = match (self.in_line, banner(&self.held)) {
                (false, Banner::Begun) => return,
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

    /// Nothing comes for a while: what may be the beginning of the firmware's words is the program's, unless it is all but
    /// certain.
    pub(super) fn rest(&mut self, show: &mut dyn FnMut(&[u8])) {
        if self.begun && !self.held.is_empty() && !self.held.starts_with(BANNER) {
            show(&std::mem::take(&mut self.held));
            self.in_line = true;
        }
    }
}

/// What stands at the beginning of a line.
enum Banner {
    /// The firmware's words, of this length.
    Whole(usize),
    /// What may become them.
    Begun,
    /// Something else.
    Not,
}

fn banner(bytes: &[u8]) -> Banner {
    let begins = |bytes: &[u8], text: &[u8]| {
        let count = bytes.len().min(text.len());
        bytes.get(..count) == text.get(..count)
    };
    if !begins(bytes, BANNER) {
        return Banner::Not;
    }
    let first = line(bytes);
    let rest = bytes.get(first..).unwrap_or_default();
    if bytes.get(first.saturating_sub(1)) != Some(&b'\n') || rest.len() < HELP.len() {
        return match begins(rest, HELP) {
            true => Banner::Begun,
            false => Banner::Not,
        };
    }
    match rest.starts_with(HELP) {
        true => Banner::Whole(first + HELP.len()),
        false => Banner::Not,
    }
}

/// The length of the first line, or of what there is of it.
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
            output.rest(&mut |bytes| shown.extend_from_slice(bytes));
            assert_eq!(String::from_utf8(shown).unwrap(), expected, "{step}");
        }
    }

    #[test]
    fn only_the_programs_output_is_shown() {
        check(&format!("{BEFORE}one\r\ntwo\r\n{AFTER}"), "one\r\ntwo\r\n");
        check(&format!("{BEFORE}no end{AFTER}"), &format!("no end{AFTER}"));
        check(&format!("{BEFORE}{AFTER}"), "");
    }

    #[test]
    fn what_only_looks_like_a_banner_is_the_programs() {
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
    fn a_board_with_words_of_its_own_is_shown_whole() {
        let text = "line\r\n".repeat(500);
        check(&text, &text);
    }
}
