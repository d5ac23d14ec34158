//! The clock of a board: `machine.RTC`.
//!
//! ```
//! use piton::clock::{self, ClockTime};
//! use piton::session::{Session, SessionOptions};
//!
//! let mut session = Session::connect(&"virtual".parse()?, SessionOptions::default())?;
//! let mut raw_repl = session.raw_repl()?;
//! clock::set_to_local_time(&mut raw_repl).expect("the virtual board has a clock");
//! let time: ClockTime = clock::read(&mut raw_repl).expect("the virtual board has a clock");
//! assert!(time.year >= 2026);
//! # Ok::<(), piton::Error>(())
//! ```

use std::fmt;
use std::time::Duration;

use jiff::Zoned;
use piton_board::deadline::Deadline;
use piton_board::error::Error as BoardError;
use piton_board::literal::from_literal;
use piton_board::repl::RawRepl;

/// device/clock.py, as `cargo xtask codegen` minifies it.
const PROGRAM: &str = include_str!("../device/minified/clock.py");

/// Timeout of the board's answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);

/// Why a board's clock was not read or set.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// The firmware has no `machine.RTC`.
    #[error("the board has no `machine.RTC`: {message}")]
    NoClock {
        /// The message of the board's exception.
        message: String,
    },
    /// The exchange with the board failed, or its clock raised an exception.
    #[error(transparent)]
    Board(#[from] BoardError),
}

/// A time in the form of `machine.RTC().datetime()`. Boards know no time zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockTime {
    /// The year, such as 2026.
    pub year: i64,
    /// The month, from 1.
    pub month: i64,
    /// The day of the month, from 1.
    pub day: i64,
    /// The day of the week: Monday is 0.
    pub weekday: i64,
    /// The hour, from 0 to 23.
    pub hour: i64,
    /// The minute.
    pub minute: i64,
    /// The second.
    pub second: i64,
    /// Fractions of the second, in units of the port: microseconds on most ports.
    pub subsecond: i64,
}

impl ClockTime {
    /// Returns the local time of this computer.
    pub fn local_now() -> ClockTime {
        let now = Zoned::now();
        ClockTime {
            year: now.year().into(),
            month: now.month().into(),
            day: now.day().into(),
            weekday: now.weekday().to_monday_zero_offset().into(),
            hour: now.hour().into(),
            minute: now.minute().into(),
            second: now.second().into(),
            subsecond: i64::from(now.subsec_nanosecond()) / 1000,
        }
    }

    /// Returns the fields in the order of the board's tuple.
    pub fn fields(&self) -> [i64; 8] {
        [
            self.year,
            self.month,
            self.day,
            self.weekday,
            self.hour,
            self.minute,
            self.second,
            self.subsecond,
        ]
    }

    fn from_fields(fields: [i64; 8]) -> ClockTime {
        let [year, month, day, weekday, hour, minute, second, subsecond] = fields;
        ClockTime {
            year,
            month,
            day,
            weekday,
            hour,
            minute,
            second,
            subsecond,
        }
    }
}

/// Writes the board's tuple: `(2026, 12, 1, 1, 13, 45, 0, 0)`.
impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.fields().map(|field| field.to_string());
        write!(f, "({})", fields.join(", "))
    }
}

/// Reads the clock of a board.
///
/// # Errors
///
/// [`ClockError::NoClock`]; [`ClockError::Board`], as for [`RawRepl::exec`].
pub fn read(raw_repl: &mut RawRepl<'_>) -> Result<ClockTime, ClockError> {
    query(raw_repl, "None")
}

/// Sets the clock of a board.
///
/// # Errors
///
/// As for [`read`].
pub fn set(raw_repl: &mut RawRepl<'_>, time: &ClockTime) -> Result<(), ClockError> {
    query(raw_repl, &time.to_string()).map(|_| ())
}

/// Sets the clock of a board to the local time of this computer.
///
/// # Errors
///
/// As for [`read`].
pub fn set_to_local_time(raw_repl: &mut RawRepl<'_>) -> Result<(), ClockError> {
    // The first exchange with a board may take long, because it finds out how to send programs. So the time is read
    // after it.
    read(raw_repl)?;
    set(raw_repl, &ClockTime::local_now())
}

fn query(raw_repl: &mut RawRepl<'_>, time: &str) -> Result<ClockTime, ClockError> {
    let source = format!("{PROGRAM}\n_piton({time})\ndel _piton");
    let answer = raw_repl.run(source.as_bytes(), Deadline::after(ANSWER_TIME));
    let printed = answer.map_err(|error| match error {
        BoardError::Exception(exception)
            if matches!(
                exception.type_name.as_str(),
                "ImportError" | "AttributeError"
            ) =>
        {
            ClockError::NoClock {
                message: exception.message,
            }
        }
        error => ClockError::Board(error),
    })?;
    let fields = from_literal(printed.trim_ascii()).map_err(BoardError::from)?;
    Ok(ClockTime::from_fields(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order() {
        let fields = [2026, 12, 1, 1, 13, 45, 6, 7];
        let time = ClockTime::from_fields(fields);
        assert_eq!(time.fields(), fields);
        assert_eq!(time.to_string(), "(2026, 12, 1, 1, 13, 45, 6, 7)");
        assert_eq!((time.weekday, time.hour, time.subsecond), (1, 13, 7));
    }
}
