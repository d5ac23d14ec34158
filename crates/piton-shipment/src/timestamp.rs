//! Seconds since 1970 as the dates that manifests and archives hold.

/// A moment in UTC, to the second, between 1970 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// A date and time of the Gregorian calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Calendar {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
    pub(crate) hour: u8,
    pub(crate) minute: u8,
    pub(crate) second: u8,
}

impl Timestamp {
    /// This many seconds after the beginning of 1970; the end of 9999 for more.
    pub fn from_seconds(seconds: u64) -> Timestamp {
        Timestamp(seconds.min(LAST))
    }

    /// Seconds since the beginning of 1970.
    pub fn seconds(self) -> u64 {
        self.0
    }

    /// Days and seconds to a date: years begin in March here, so that leap days come last.
    pub(crate) fn calendar(self) -> Calendar {
        let part = |value: u64| u8::try_from(value).unwrap_or_default();
        let (days, rest) = (self.0 / 86_400, self.0 % 86_400);
        // Since 1 March of the year 0; 400 years have 146,097 days.
        let days = days + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = era * 400 + year + u64::from(month <= 2);
        Calendar {
            year: u16::try_from(year).unwrap_or(9999),
            month: part(month),
            day: part(day),
            hour: part(rest / 3_600),
            minute: part(rest / 60 % 60),
            second: part(rest % 60),
        }
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.calendar();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            at.year, at.month, at.day, at.hour, at.minute, at.second
        )
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
