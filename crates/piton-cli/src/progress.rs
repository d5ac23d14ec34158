//! How far a transfer is: a line for a person who looks at a terminal, with rate and time left.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Transfers of fewer bytes are over before a bar is read.
const SHOWN_FROM: u64 = 2048;

/// How often the line is drawn at most, in times a second.
const DRAWN: u8 = 10;

/// What the line shows. Bytes are counted in units of 1024.
const TEMPLATE: &str =
    "[{bar:20}] {percent:>3}% {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";

/// A line that shows how far a transfer is, and is gone when the transfer is.
pub(crate) struct Progress {
    bar: ProgressBar,
    shown: bool,
}

impl Progress {
    /// A line for `bytes` in all; none at all unless `shown`.
    pub(crate) fn new(bytes: u64, shown: bool) -> Progress {
        let bar = ProgressBar::hidden();
        // The template is right, or else the library's own will do.
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("#-"));
        }
        let progress = Progress { bar, shown };
        progress.expect(bytes);
        progress
    }

    /// It is known by now that there will be so many bytes in all.
    pub(crate) fn expect(&self, bytes: u64) {
        self.bar.set_length(bytes);
        if self.shown && bytes >= SHOWN_FROM && self.bar.is_hidden() {
            let target = ProgressDrawTarget::stderr_with_hz(DRAWN);
            self.bar.set_draw_target(target);
            // So that the time left is counted down while a slow board is silent.
            self.bar.enable_steady_tick(Duration::from_millis(500));
        }
    }

    /// So many bytes are done.
    pub(crate) fn at(&self, bytes: u64) {
        self.bar.set_position(bytes);
    }

    /// Print something while the line is away.
    pub(crate) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Take the line away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
