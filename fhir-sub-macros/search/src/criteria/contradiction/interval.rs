//! Combines the prefixes of one date or one number, and decides whether any value can fulfil all of them.

use crate::definitions::DateForm;
use crate::search::{Prefix, Text};

/// The condition on a date, which covers as much time as its precision: `2023` is a year. Times are
/// milliseconds since the year 0, and the end is excluded. If servers interpret a prefix differently, this
/// takes the weaker condition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dates {
    form: DateForm,
    /// The start is this or later.
    start_from: i64,
    /// The start is earlier than this.
    start_before: i64,
    /// The end is later than this.
    end_after: i64,
    /// The end is this or earlier.
    end_until: i64,
    /// The date is not within this stretch.
    not_within: Option<(i64, i64)>,
    /// Whether the dates have a zone; `None` if some have one, and others not.
    has_zone: Option<bool>,
}

const SECOND: i64 = 1000;
const DAY: i64 = 24 * 60 * 60 * SECOND;

impl Dates {
    const ANY: Self = Self {
        form: DateForm::Date,
        start_from: i64::MIN,
        start_before: i64::MAX,
        end_after: i64::MIN,
        end_until: i64::MAX,
        not_within: None,
        has_zone: None,
    };

    /// Reads the condition in a value, such as `ge2030-12-31`, for an element of this form.
    pub(super) fn read(value: &Text, form: DateForm) -> Option<Self> {
        let (prefix, date) = Prefix::split(value);
        let Stretch { start, end, has_zone } = Stretch::read(&date.to_string())?;
        let any = Self { form, has_zone: Some(has_zone), ..Self::ANY };
        Some(match prefix.unwrap_or(Prefix::Eq) {
            Prefix::Eq => Self { start_from: start, end_until: end, ..any },
            Prefix::Gt => Self { end_after: end, ..any },
            Prefix::Ge => Self { end_after: start, ..any },
            Prefix::Lt => Self { start_before: start, ..any },
            Prefix::Le => Self { start_before: end, ..any },
            Prefix::Sa => Self { start_from: end, ..any },
            Prefix::Eb => Self { end_until: start, ..any },
            Prefix::Ne => Self { not_within: Some((start, end)), ..any },
            // The server decides what counts as approximate.
            Prefix::Ap => return None,
        })
    }

    /// The combination of both; `None` if no date fulfils it.
    pub(super) fn and(&self, other: &Self) -> Option<Self> {
        // A time without a zone is in the server's zone.
        let has_zone = self.has_zone.filter(|_| self.has_zone == other.has_zone);
        let slack = if has_zone.is_some() { 0 } else { DAY };
        let both = Self {
            form: self.form,
            start_from: self.start_from.max(other.start_from),
            start_before: self.start_before.min(other.start_before),
            end_after: self.end_after.max(other.end_after),
            end_until: self.end_until.min(other.end_until),
            // Keeps only the first: a condition that is left out makes the rest weaker, which is safe.
            not_within: self.not_within.or(other.not_within),
            has_zone,
        };
        both.loosened(slack).is_possible().then_some(both)
    }

    fn loosened(&self, slack: i64) -> Self {
        Self {
            start_from: self.start_from.saturating_sub(slack),
            start_before: self.start_before.saturating_add(slack),
            end_after: self.end_after.saturating_sub(slack),
            end_until: self.end_until.saturating_add(slack),
            not_within: self.not_within.filter(|_| slack == 0),
            ..*self
        }
    }

    fn is_possible(&self) -> bool {
        let Self { start_from, start_before, end_after, end_until, .. } = *self;
        if start_from >= start_before || end_after >= end_until || start_from >= end_until {
            return false;
        }
        if self.not_within.is_some_and(|(start, end)| start_from >= start && end_until <= end) {
            return false;
        }
        if end_after < start_before {
            return true;
        }
        match self.form {
            DateForm::Instant => return false,
            DateForm::Period => return true,
            DateForm::Date => {}
        }
        // Only a time that reaches from before one moment to after the other is left: a year, a month or a
        // day.
        let last = start_before - 1;
        let (year, month, day) = civil(last.div_euclid(DAY));
        [
            (days(year, 1, 1), days(year + 1, 1, 1)),
            (days(year, month, 1), days(year + month / 12, month % 12 + 1, 1)),
            (days(year, month, day), days(year, month, day) + 1),
        ]
        .into_iter()
        .map(|(start, end)| (start * DAY, end * DAY))
        .any(|(start, end)| {
            start >= start_from && start < start_before && end > end_after && end <= end_until
        })
    }
}

/// The time that a date covers.
struct Stretch {
    start: i64,
    end: i64,
    has_zone: bool,
}

impl Stretch {
    /// A date in a form that was checked already; `%today` has no known time.
    fn read(text: &str) -> Option<Self> {
        let (date, time) = text.split_once('T').map_or((text, None), |(date, time)| (date, Some(time)));
        let mut parts = date.split('-').map(number);
        let (year, month, day) = (parts.next()??, parts.next().flatten(), parts.next().flatten());
        let Some(time) = time else {
            let (start, end) = match (month, day) {
                (None, _) => (days(year, 1, 1), days(year + 1, 1, 1)),
                (Some(month), None) => (days(year, month, 1), days(year + month / 12, month % 12 + 1, 1)),
                (Some(month), Some(day)) => (days(year, month, day), days(year, month, day) + 1),
            };
            return Some(Self { start: start * DAY, end: end * DAY, has_zone: false });
        };
        let (time, zone) = time.split_at(time.find(['Z', '+', '-']).unwrap_or(time.len()));
        let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
        let mut parts = time.split(':').map(number);
        let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().flatten());
        let offset = match zone.split_at_checked(1) {
            Some((sign @ ("+" | "-"), offset)) => {
                let (hours, minutes) = offset.split_once(':')?;
                let seconds = number(hours)? * 3600 + number(minutes)? * 60;
                if sign == "+" { seconds } else { -seconds }
            }
            _ => 0,
        };
        let seconds = hour * 3600 + minute * 60 + second.unwrap_or(0) - offset;
        // The length depends on the digits that are written.
        let length = match (second, fraction.len()) {
            (None, _) => 60 * SECOND,
            (Some(_), 0) => SECOND,
            (Some(_), 1) => 100,
            (Some(_), 2) => 10,
            (Some(_), _) => 1,
        };
        let milliseconds: i64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
        let start = days(year, month?, day?) * DAY + seconds * SECOND + milliseconds;
        Some(Self { start, end: start + length, has_zone: !zone.is_empty() })
    }
}

/// A part of a date. None has more than four digits, so no sum of them overflows.
fn number(part: &str) -> Option<i64> {
    if part.len() > 4 { None } else { part.parse().ok() }
}

/// The days since 0000-03-01: <https://howardhinnant.github.io/date_algorithms.html>.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
}

/// The inverse of [`days`].
fn civil(days: i64) -> (i64, i64, i64) {
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The condition on a number: it is between the two bounds, and not within a range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    least: Bound,
    most: Bound,
    not_within: Option<(f64, f64)>,
}

/// A number, and whether the number itself is included.
#[derive(Clone, Copy, Debug)]
struct Bound {
    number: f64,
    is_within: bool,
}

impl Numbers {
    /// The condition of a value, `ge5.4`.
    pub(super) fn read(value: &Text) -> Option<Self> {
        let (prefix, number) = Prefix::split(value);
        let number = number.to_string();
        let exact: f64 = number.parse().ok()?;
        let half = half_of_last_digit(&number);
        let bound = |number, is_within| Bound { number, is_within };
        let (below, above) = (bound(f64::NEG_INFINITY, true), bound(f64::INFINITY, true));
        let (least, most) = match prefix.unwrap_or(Prefix::Eq) {
            Prefix::Eq => (bound(exact - half, true), bound(exact + half, true)),
            Prefix::Gt | Prefix::Sa => (bound(exact, false), above),
            Prefix::Ge => (bound(exact, true), above),
            Prefix::Lt | Prefix::Eb => (below, bound(exact, false)),
            Prefix::Le => (below, bound(exact, true)),
            Prefix::Ne => (below, above),
            Prefix::Ap => return None,
        };
        let not_within = (prefix == Some(Prefix::Ne)).then_some((exact - half, exact + half));
        Some(Self { least, most, not_within })
    }

    /// The combination of both; `None` if no number fulfils it.
    pub(super) fn and(&self, other: &Self) -> Option<Self> {
        let stricter = |one: Bound, other: Bound, is_stricter: bool| {
            if one.number == other.number {
                Bound { number: one.number, is_within: one.is_within && other.is_within }
            } else if is_stricter {
                one
            } else {
                other
            }
        };
        let least = stricter(self.least, other.least, self.least.number > other.least.number);
        let most = stricter(self.most, other.most, self.most.number < other.most.number);
        let not_within = self.not_within.or(other.not_within);
        let is_excluded = not_within.is_some_and(|(from, to)| least.number >= from && most.number <= to);
        let is_possible =
            least.number < most.number || least.number == most.number && least.is_within && most.is_within;
        (is_possible && !is_excluded).then_some(Self { least, most, not_within })
    }
}

/// `5.4` means any number from 5.35 to 5.45, by its digits: <https://hl7.org/fhir/R4/search.html#number>.
fn half_of_last_digit(number: &str) -> f64 {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let digits = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let exponent: i32 = exponent.parse().unwrap_or(0);
    0.5 * 10_f64.powi(exponent - i32::try_from(digits).unwrap_or(0))
}

#[cfg(test)]
mod tests;
