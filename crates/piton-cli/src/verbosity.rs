//! `-v` and `-vv`: what the program writes to stderr about its own work.
//!
//! `-v` shows decisions: the method of a transfer and its reason, hits of the cache, retries. The library reports them
//! as [`tracing`] events. `-vv` also shows the library's details and every byte on the wire. Without either, no
//! subscriber is installed, and an event costs one comparison.

use std::fmt;
use std::io;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::{DefaultFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields as _};
use tracing_subscriber::registry::LookupSpan;

use crate::ui;

/// How much the program writes about its own work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Nothing.
    #[default]
    Normal,
    /// `-v`: decisions.
    Decisions,
    /// `-vv`: also details, and every byte on the wire.
    Wire,
}

impl Verbosity {
    /// Returns the verbosity after one more `-v`.
    pub(crate) fn raised(self) -> Verbosity {
        match self {
            Verbosity::Normal => Verbosity::Decisions,
            Verbosity::Decisions | Verbosity::Wire => Verbosity::Wire,
        }
    }

    /// Returns the most detailed level of events that are shown.
    fn level(self) -> Option<Level> {
        match self {
            Verbosity::Normal => None,
            Verbosity::Decisions => Some(Level::DEBUG),
            Verbosity::Wire => Some(Level::TRACE),
        }
    }
}

/// The start of the log, from which events and the wire log count their time.
static START: OnceLock<Instant> = OnceLock::new();

/// Returns the time since the log began.
pub(crate) fn elapsed() -> Duration {
    START.get_or_init(Instant::now).elapsed()
}

/// Shows the library's events on stderr from now on.
pub(crate) fn install(verbosity: Verbosity) {
    let Some(level) = verbosity.level() else {
        return;
    };
    START.get_or_init(Instant::now);
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .event_format(Line)
        .with_writer(Stderr::default)
        .finish();
    // It fails only if a subscriber is installed already.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// The form of a line: the seconds since the start, a dash where the wire log has `>` or `<`, the message and its fields.
struct Line;

impl<S> FormatEvent<S, DefaultFields> for Line
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, DefaultFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        write!(writer, "{:>9.6} - ", elapsed().as_secs_f64())?;
        context.format_fields(writer.by_ref(), event)?;
        writer.write_char('\n')
    }
}

/// Collects one event, and writes it to stderr in one piece.
#[derive(Default)]
struct Stderr {
    text: Vec<u8>,
}

impl io::Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Stderr {
    fn drop(&mut self) {
        ui::log_line(&String::from_utf8_lossy(&self.text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_v_raises_the_verbosity_up_to_the_wire() {
        let once = Verbosity::default().raised();
        assert_eq!(once, Verbosity::Decisions);
        assert_eq!(once.raised(), Verbosity::Wire);
        assert_eq!(once.raised().raised(), Verbosity::Wire);
    }
}
