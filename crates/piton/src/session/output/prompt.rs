//! Prompts in the output of a board.

use piton_board::repl::protocol::{CONTINUATION_PROMPT, FRIENDLY_PROMPT, RAW_PROMPT};

/// Watches the output of a board for its prompts.
///
/// ```
/// use piton::session::output::PromptWatch;
///
/// let mut watch = PromptWatch::default();
/// watch.take(b"MicroPython v1.29\r\n>>> ");
/// assert!(watch.is_at_prompt());
/// watch.take(b"print(1)\r\n1\r\n");
/// assert!(!watch.is_at_prompt());
/// ```
#[derive(Debug, Default)]
pub struct PromptWatch {
    /// The start of the last line, as long as a prompt.
    line_start: Vec<u8>,
    /// The last bytes of all, as long as the raw REPL's prompt.
    end: Vec<u8>,
}

impl PromptWatch {
    /// Takes output of the board.
    pub fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte == b'\n' {
                self.line_start.clear();
            } else if self.line_start.len() < FRIENDLY_PROMPT.len() {
                self.line_start.push(byte);
            }
        }
        self.end.extend_from_slice(bytes);
        let excess = self.end.len().saturating_sub(RAW_PROMPT.len());
        self.end.drain(..excess);
    }

    /// Returns whether the board edits a line of code: the last line begins with a prompt.
    pub fn is_at_prompt(&self) -> bool {
        [FRIENDLY_PROMPT, CONTINUATION_PROMPT].contains(&self.line_start.as_slice())
    }

    /// Returns whether the output ends with the raw REPL's prompt; once for each prompt.
    pub fn take_raw_prompt(&mut self) -> bool {
        let is_raw = self.end == RAW_PROMPT;
        if is_raw {
            self.end.clear();
        }
        is_raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_recognized_in_pieces_of_any_size() {
        for (output, at_prompt) in [
            (&b">>> "[..], true),
            (b"x\r\n>>> print(", true),
            (b">>> if x:\r\n... ", true),
            (b"a >>> ", false),
            (b">>> \r\n", false),
        ] {
            for size in [1, 2, 100] {
                let mut watch = PromptWatch::default();
                output.chunks(size).for_each(|bytes| watch.take(bytes));
                assert_eq!(watch.is_at_prompt(), at_prompt, "{output:?} by {size}");
            }
        }
    }

    #[test]
    fn a_raw_prompt_counts_once() {
        let mut watch = PromptWatch::default();
        watch.take(b"42\r\n\x04\x04");
        assert!(!watch.take_raw_prompt());
        watch.take(b">");
        assert!(watch.take_raw_prompt());
        assert!(!watch.take_raw_prompt());
    }
}
