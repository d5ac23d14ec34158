//! A soft reset, seen in what the board prints: it takes a mounted folder off the board. So does a board's absence.

use std::time::{Duration, Instant};

/// What every port prints at a soft reset (`MPY: soft reboot`; `PYB: soft reboot` in old ones).
const ANNOUNCEMENT: &[u8] = b": soft reboot\r\n";

/// How a prompt ends what a board prints.
const PROMPT: &[u8] = b">>> ";

/// How long the board is quiet behind its prompt before the prompt counts.
const QUIET: Duration = Duration::from_millis(100);

/// How long boot.py and main.py may take before the prompt comes: as in mpremote, which waits for five seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// Watches the output of a board.
#[derive(Debug, Default)]
pub(super) struct Restart {
    /// The end of the output, as far as it matters.
    tail: Vec<u8>,
    announced: Option<Instant>,
    last: Option<Instant>,
}

impl Restart {
    /// A board that has just started, as far as is known.
    pub(super) fn just_now() -> Restart {
        Restart {
            announced: Some(Instant::now()),
            ..Restart::default()
        }
    }

    /// Take what the board printed.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        self.last = Some(Instant::now());
        self.tail.extend_from_slice(bytes);
        let found = self
            .tail
            .windows(ANNOUNCEMENT.len())
            .position(|window| window == ANNOUNCEMENT);
        if let Some(at) = found {
            self.announced = Some(Instant::now());
            self.tail.drain(..at + ANNOUNCEMENT.len());
        }
        let excess = self.tail.len().saturating_sub(ANNOUNCEMENT.len());
        self.tail.drain(..excess);
    }

    /// Whether the board restarted and is at its prompt, or takes too long to get there. Asked when it is quiet.
    pub(super) fn is_over(&self) -> bool {
        let Some(announced) = self.announced else {
            return false;
        };
        let is_quiet = self.last.is_some_and(|last| last.elapsed() > QUIET);
        announced.elapsed() > PATIENCE || (self.at_prompt() && is_quiet)
    }

    /// Whether the output ends with a prompt.
    pub(super) fn at_prompt(&self) -> bool {
        self.tail.ends_with(PROMPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[&[u8]], announced: bool, at_prompt: bool) {
        let mut restart = Restart::default();
        for piece in pieces {
            restart.take(piece);
        }
        assert_eq!(
            (restart.announced.is_some(), restart.at_prompt()),
            (announced, at_prompt)
        );
        // Not before it is quiet.
        assert!(!restart.is_over());
    }

    #[test]
    fn a_soft_reset_is_seen() {
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
    fn a_board_that_came_back_gets_its_time() {
        let mut restart = Restart::just_now();
        assert!(!restart.is_over());
        restart.take(b"main.py runs");
        assert!(!restart.at_prompt() && !restart.is_over());
        restart.announced = Instant::now().checked_sub(PATIENCE * 2);
        assert!(restart.announced.is_none() || restart.is_over());
    }
}
