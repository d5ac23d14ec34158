//! Times in manifests and archives: seconds since 1970, shown as dates.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::DateTime;

/// A moment in UTC, to the second, between 1970 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// The beginning of 1970.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl Timestamp {
    /// Returns the moment this many seconds after the beginning of 1970; the end of 9999 for more.
    pub fn from_seconds(seconds: u64) -> Timestamp {
        Timestamp(seconds.min(LAST))
    }

    /// Returns the seconds since the beginning of 1970.
    pub fn seconds(self) -> u64 {
        self.0
    }

    /// Returns date and time in UTC. This is not a [`jiff::Timestamp`], whose range ends a day before the year 9999
    /// does.
    pub(crate) fn date_time(self) -> DateTime {
        let seconds = i64::try_from(self.0).unwrap_or(i64::MAX);
        EPOCH.saturating_add(SignedDuration::from_secs(seconds))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}Z", self.date_time())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_dates() {
        // As `date --utc --date @SECONDS +%FT%TZ` has them.
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_770_374_762, "2026-02-06T10:46:02Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Timestamp::from_seconds(seconds).to_string(), text);
        }
        assert_eq!(Timestamp::from_seconds(u64::MAX), Timestamp(LAST));
    }
}
