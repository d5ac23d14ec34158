//! Progress of a long operation: a line on the terminal, which is removed at the operation's end.
//!
//! `indicatif` draws all of these lines here. A [`Progress`] belongs to one operation. A [`ProgressLine`] is for
//! operations that only report their progress: the line appears with the first event.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Transfers of fewer bytes end before a line can be read.
const LEAST_BYTES: u64 = 2048;

/// How often a line is drawn at most, in times a second.
const DRAWS_PER_SECOND: u8 = 10;

/// The content of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Bytes, in units of 1024, with rate and time left.
    Transfer,
    /// The same in mpremote's look.
    MpremoteCopy,
    /// The number of items that are done, after a word for the operation.
    Count(&'static str),
}

impl Style {
    fn template(self) -> Cow<'static, str> {
        match self {
            Style::Transfer => {
                "[{bar:20}] {percent:>3}% {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left"
                    .into()
            }
            Style::MpremoteCopy => " ... copying {percent:>3}% [{bar:20}]".into(),
            Style::Count(verb) => format!(" ... {verb} {{pos}}/{{len}}").into(),
        }
    }

    /// Returns the least length that gets a line.
    fn least(self) -> u64 {
        match self {
            Style::Transfer | Style::MpremoteCopy => LEAST_BYTES,
            Style::Count(_) => 1,
        }
    }
}

/// A line that shows the progress of an operation until it is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    style: Style,
    is_shown: bool,
}

impl Progress {
    /// Returns a line for a transfer of `bytes`. Nothing is drawn unless `is_shown`.
    pub(crate) fn new(bytes: u64, is_shown: bool) -> Progress {
        Progress::with_style(Style::Transfer, bytes, is_shown)
    }

    /// Returns a line for an operation of `length` bytes or items. Nothing is drawn unless `is_shown`.
    fn with_style(style: Style, length: u64, is_shown: bool) -> Progress {
        let bar = ProgressBar::hidden();
        // The templates are constants; a test draws each.
        if let Ok(drawn) = ProgressStyle::with_template(&style.template()) {
            bar.set_style(drawn.progress_chars("#-"));
        }
        let progress = Progress {
            bar,
            style,
            is_shown,
        };
        progress.expect(length);
        progress
    }

    /// Sets the length, which may be unknown at the start.
    pub(crate) fn expect(&self, length: u64) {
        self.bar.set_length(length);
        if self.is_shown && length >= self.style.least() && self.bar.is_hidden() {
            let target = ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND);
            self.bar.set_draw_target(target);
            if self.style == Style::Transfer {
                // Redrawn by time, so that the time left counts down while a slow board is silent.
                self.bar.enable_steady_tick(Duration::from_millis(500));
            }
        }
    }

    /// Sets how many bytes or items are done.
    pub(crate) fn at(&self, done: u64) {
        self.bar.set_position(done);
    }

    /// Removes the line, prints something, and draws the line again.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Removes the line.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

/// The line of an operation that only reports its progress.
#[derive(Default)]
pub(crate) struct ProgressLine {
    current: Mutex<Option<Progress>>,
}

impl ProgressLine {
    /// Shows that `done` of `length` are done. Another length starts a new line.
    pub(crate) fn show(&self, style: Style, done: u64, length: u64, is_shown: bool) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let progress = match current.take() {
            Some(progress) if progress.style == style && progress.bar.length() == Some(length) => {
                progress
            }
            _ => Progress::with_style(style, length, is_shown),
        };
        progress.at(done);
        *current = Some(progress);
    }

    /// Removes the line.
    pub(crate) fn clear(&self) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = None;
    }
}

/// The lines of several boards, one below the other.
pub(crate) struct BoardLines {
    lines: MultiProgress,
}

/// The line of one board, until it is dropped.
pub(crate) struct BoardLine {
    bar: ProgressBar,
}

impl BoardLines {
    /// Returns lines for boards. Nothing is drawn unless `is_shown`.
    pub(crate) fn new(is_shown: bool) -> BoardLines {
        BoardLines::drawn_on(match is_shown {
            true => ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND),
            false => ProgressDrawTarget::hidden(),
        })
    }

    fn drawn_on(target: ProgressDrawTarget) -> BoardLines {
        BoardLines {
            lines: MultiProgress::with_draw_target(target),
        }
    }

    /// Adds the line of a board. Its name must be printable.
    pub(crate) fn add(&self, name: &str) -> BoardLine {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{prefix}: {msg}") {
            bar.set_style(style);
        }
        let bar = self.lines.add(bar.with_prefix(name.to_owned()));
        bar.set_message("connecting");
        BoardLine { bar }
    }

    /// Removes the lines, prints something, and draws them again.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.lines.suspend(print)
    }
}

impl BoardLine {
    /// Shows that `done` of `length` bytes have arrived.
    pub(crate) fn at(&self, done: u64, length: u64) {
        let template = format!("{{prefix}}: {}", Style::Transfer.template());
        if self.bar.length() != Some(length)
            && let Ok(style) = ProgressStyle::with_template(&template)
        {
            self.bar.set_style(style.progress_chars("#-"));
            self.bar.set_length(length);
        }
        self.bar.set_position(done);
    }
}

impl Drop for BoardLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;

    use super::*;

    /// A terminal that keeps what is written to it.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<String>>);

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            80
        }

        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }

        fn clear_line(&self) -> io::Result<()> {
            self.0.lock().unwrap().clear();
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Draws the line of `done` of `length`, and clears it again.
    fn check(style: Style, done: u64, length: u64, expected: &str) {
        let paper = Paper::default();
        let progress = Progress::with_style(style, length, false);
        let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
        progress.bar.set_draw_target(target);
        progress.at(done);
        progress.bar.tick();
        let drawn = paper.0.lock().unwrap().clone();
        assert!(drawn.starts_with(expected), "{drawn:?}");
        progress.end();
        assert_eq!(*paper.0.lock().unwrap(), "");
    }

    #[test]
    fn each_board_has_its_line() {
        let paper = Paper::default();
        let target = ProgressDrawTarget::term_like(Box::new(paper.clone()));
        let lines = BoardLines::drawn_on(target);
        let one = lines.add("a0");
        let two = lines.add("a1");
        one.at(2048, 4096);
        one.bar.tick();
        let drawn = paper.0.lock().unwrap().clone();
        let is_drawn =
            drawn.contains("a0: [##########----------]  50% ") && drawn.contains("a1: connecting");
        assert!(is_drawn, "{drawn:?}");
        drop(one);
        two.bar.tick();
        let drawn = paper.0.lock().unwrap().clone();
        assert!(drawn.starts_with("a1: connecting"), "{drawn:?}");
    }

    #[test]
    fn each_style_has_its_look() {
        check(
            Style::Transfer,
            2048,
            4096,
            "[##########----------]  50% 2.00 KiB of 4.00 KiB, ",
        );
        check(
            Style::MpremoteCopy,
            1024,
            4096,
            " ... copying  25% [#####---------------]",
        );
        check(Style::Count("compiling"), 3, 7, " ... compiling 3/7");
    }
}
