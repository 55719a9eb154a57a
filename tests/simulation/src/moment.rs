//! Moments by the clocks of the servers, and their written form.

use std::time::{Duration, SystemTime};

use crate::plan::Ms;

/// The beginning of 2026, in milliseconds since 1970.
const BEGINNING: u64 = 1_767_225_600_000;

/// A moment of the schedule, by a correct clock.
pub(crate) fn moment(at: Ms) -> SystemTime {
    shifted(at, 0)
}

/// The same by a clock that is so many seconds ahead.
pub(crate) fn shifted(at: Ms, seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(stamp(at, seconds))
}

/// The same as milliseconds since 1970.
pub(crate) fn stamp(at: Ms, seconds: i64) -> u64 {
    (BEGINNING + at).saturating_add_signed(seconds * 1_000)
}

/// A stamp as a FHIR instant.
pub(crate) fn instant(stamp: u64) -> String {
    let (days, rest) = (stamp / 86_400_000, stamp % 86_400_000);
    // By Howard Hinnant's `civil_from_days`.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute) = (rest / 3_600_000, rest / 60_000 % 60);
    let (second, millisecond) = (rest / 1_000 % 60, rest % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
}

/// The stamp of an instant that the program wrote, in UTC.
pub(crate) fn parse(instant: &str) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| instant.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let fraction: String = instant[19..].chars().filter(char::is_ascii_digit).take(3).collect();
    let millisecond = format!("{fraction:0<3}").parse::<u64>().ok()?;
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, of_era) = (year / 400, year % 400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60_000 + second * 1_000 + millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for stamp in [0, BEGINNING, BEGINNING + 59 * 86_400_000 + 12_345_678, 1_709_164_800_000] {
            assert_eq!(parse(&instant(stamp)), Some(stamp));
        }
        assert_eq!(instant(1_709_164_800_123), "2024-02-29T00:00:00.123Z");
        assert_eq!(parse("2026-01-01T00:00:01Z"), Some(BEGINNING + 1_000));
    }
}
