//! [`Instant`]: a moment as FHIR writes it.

use std::fmt;
use std::time::{Duration, SystemTime};

/// A FHIR `instant`, to the millisecond: <https://hl7.org/fhir/R4/datatypes.html#instant>.
///
/// `Display` writes it in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[doc(hidden)]
pub struct Instant {
    /// Since 1970, in UTC; negative before 1970.
    milliseconds: i64,
}

const DAY: i64 = 24 * 60 * 60 * 1000;

/// In minutes: no time zone of FHIR is farther from UTC than 14 hours.
const FARTHEST_ZONE: i64 = 14 * 60;

impl Instant {
    /// Earlier than every date; `MAX` is later.
    #[doc(hidden)]
    pub const MIN: Self = Self { milliseconds: i64::MIN };
    #[doc(hidden)]
    pub const MAX: Self = Self { milliseconds: i64::MAX };

    /// Parses an instant; `None` for all else, such as a date alone. Digits below the millisecond are
    /// dropped.
    #[doc(hidden)]
    pub fn parse(text: &str) -> Option<Self> {
        let (date, time) = text.split_once('T')?;
        let mut parts = date.splitn(3, '-');
        let year = digits(parts.next()?, 4)?;
        let month = digits(parts.next()?, 2)?;
        let day = digits(parts.next()?, 2)?;
        let midnight = Self::midnight(year, month, day)?;

        let zone_at = time.find(['Z', '+', '-'])?;
        let (time, zone) = time.split_at(zone_at);
        let offset = match zone.as_bytes() {
            b"Z" => 0,
            [sign @ (b'+' | b'-'), ..] => {
                let (hours, minutes) = zone[1..].split_once(':')?;
                let minutes = digits(hours, 2)? * 60 + digits(minutes, 2)?;
                if minutes > FARTHEST_ZONE {
                    return None;
                }
                if *sign == b'-' { -minutes } else { minutes }
            }
            _ => return None,
        };
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let mut parts = time.splitn(3, ':');
        let hours = digits(parts.next()?, 2)?;
        let minutes = digits(parts.next()?, 2)?;
        let seconds = digits(parts.next()?, 2)?;
        if hours > 23 || minutes > 59 || seconds > 60 || fraction.is_empty() {
            return None;
        }
        let mut milliseconds = 0;
        for (place, byte) in fraction.bytes().enumerate() {
            let digit = i64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
            milliseconds += digit * [100, 10, 1].get(place).copied().unwrap_or(0);
        }
        let seconds = (hours * 60 + minutes - offset) * 60 + seconds;
        Some(Self { milliseconds: midnight.milliseconds + seconds * 1000 + milliseconds })
    }

    /// The beginning of a day in UTC; `None` if the month has no such day.
    #[doc(hidden)]
    pub fn midnight(year: i64, month: i64, day: i64) -> Option<Self> {
        let days = days(year, month, day);
        (date(days) == (year, month, day)).then_some(Self { milliseconds: days * DAY })
    }

    #[doc(hidden)]
    pub fn before(self, time: Duration) -> Self {
        Self { milliseconds: self.milliseconds.saturating_sub(milliseconds(time)) }
    }

    /// How many milliseconds this is later than `other`; negative if it is earlier.
    #[doc(hidden)]
    pub fn ahead_of(self, other: Self) -> i64 {
        self.milliseconds.saturating_sub(other.milliseconds)
    }

    /// The instant this many milliseconds later.
    #[doc(hidden)]
    pub fn shifted(self, milliseconds: i64) -> Self {
        Self { milliseconds: self.milliseconds.saturating_add(milliseconds) }
    }

    #[doc(hidden)]
    pub fn after(self, time: Duration) -> Self {
        Self { milliseconds: self.milliseconds.saturating_add(milliseconds(time)) }
    }

    /// How much later this is than `other`; zero if it is earlier.
    #[doc(hidden)]
    pub fn since(self, other: Self) -> Duration {
        Duration::from_millis(self.milliseconds_since(other))
    }

    /// The same in milliseconds.
    #[doc(hidden)]
    pub fn milliseconds_since(self, other: Self) -> u64 {
        u64::try_from(self.milliseconds.saturating_sub(other.milliseconds)).unwrap_or_default()
    }
}

impl From<SystemTime> for Instant {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { milliseconds: milliseconds(since) }
    }
}

impl From<Instant> for SystemTime {
    /// An instant before 1970 becomes 1970.
    fn from(instant: Instant) -> Self {
        let since = u64::try_from(instant.milliseconds).unwrap_or_default();
        SystemTime::UNIX_EPOCH + Duration::from_millis(since)
    }
}

impl serde::Serialize for Instant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Instant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not an instant"))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = date(self.milliseconds.div_euclid(DAY));
        let milliseconds = self.milliseconds.rem_euclid(DAY);
        let (seconds, milliseconds) = (milliseconds / 1000, milliseconds % 1000);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(
            formatter,
            "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}Z"
        )
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// The number in a text of exactly this many digits.
#[doc(hidden)]
pub fn digits(text: &str, count: usize) -> Option<i64> {
    // `parse` would also accept a sign.
    let is_number = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// The days from 1970-01-01 to a date of the Gregorian calendar.
///
/// Years begin in March here, so that a leap day is the last of its year; 400 years have 146,097 days.
/// <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date this many days after 1970-01-01: the reverse of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests;
