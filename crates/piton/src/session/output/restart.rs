//! Soft resets in the output of a board. A soft reset, like a lost connection, ends a mount.

use std::time::{Duration, Instant};

use piton_board::repl::protocol::{FRIENDLY_PROMPT, NAMED_SOFT_REBOOT_LINE};

/// Silence that follows the prompt of a restart.
const QUIET: Duration = Duration::from_millis(100);

/// Maximum time of boot.py and main.py before the prompt, the same as mpremote's.
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches the output of a board for a soft reset, and for the prompt after it.
#[derive(Debug, Default)]
pub struct RestartWatch {
    /// The end of the output, as long as the announcement of a soft reset.
    tail: Vec<u8>,
    /// The time of the announcement.
    announced: Option<Instant>,
    /// The time of the last output.
    last_output: Option<Instant>,
}

impl RestartWatch {
    /// Returns a watch for a board that may have started just now, before its output was watched.
    pub fn just_started() -> RestartWatch {
        RestartWatch {
            announced: Some(Instant::now()),
            ..RestartWatch::default()
        }
    }

    /// Takes output of the board.
    pub fn take(&mut self, bytes: &[u8]) {
        self.last_output = Some(Instant::now());
        self.tail.extend_from_slice(bytes);
        let found = self
            .tail
            .windows(NAMED_SOFT_REBOOT_LINE.len())
            .position(|window| window == NAMED_SOFT_REBOOT_LINE);
        if let Some(at) = found {
            self.announced = Some(Instant::now());
            self.tail.drain(..at + NAMED_SOFT_REBOOT_LINE.len());
        }
        let excess = self.tail.len().saturating_sub(NAMED_SOFT_REBOOT_LINE.len());
        self.tail.drain(..excess);
    }

    /// Returns whether the board restarted and is at its prompt, or takes too long to reach it. To be called while the
    /// board is quiet.
    pub fn is_over(&self) -> bool {
        let Some(announced) = self.announced else {
            return false;
        };
        let is_quiet = self.last_output.is_some_and(|last| last.elapsed() > QUIET);
        announced.elapsed() > PATIENCE || (self.at_prompt() && is_quiet)
    }

    /// Returns whether the output ends with a prompt.
    pub fn at_prompt(&self) -> bool {
        self.tail.ends_with(FRIENDLY_PROMPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[&[u8]], announced: bool, at_prompt: bool) {
        let mut restart = RestartWatch::default();
        for piece in pieces {
            restart.take(piece);
        }
        assert_eq!(
            (restart.announced.is_some(), restart.at_prompt()),
            (announced, at_prompt)
        );
        // The prompt counts only after silence.
        assert!(!restart.is_over());
    }

    #[test]
    fn a_soft_reset_is_recognized() {
        check(
            &[b"\r\nMPY: soft reboot\r\nMicroPython v1.29\r\n>>> "],
            true,
            true,
        );
        check(
            &[b"MPY: soft re", b"boot\r", b"\n", b">>", b"> "],
            true,
            true,
        );
        check(&[b"MPY: soft reboot\r\nrunning"], true, false);
        check(&[b">>> 'soft reboot'\r\n>>> "], false, true);
    }

    #[test]
    fn a_board_that_was_reconnected_has_time_to_start() {
        let mut restart = RestartWatch::just_started();
        assert!(!restart.is_over());
        restart.take(b"main.py runs");
        assert!(!restart.at_prompt() && !restart.is_over());
        restart.announced = Instant::now().checked_sub(PATIENCE * 2);
        assert!(restart.announced.is_none() || restart.is_over());
    }
}
