//! Dates: every value is a stretch of time, as long as its precision.

use jiff::{SignedDuration, Timestamp, ToSpan, civil, tz::TimeZone};
use serde_json::Value;

use crate::sandbox::clock;

/// A date with its comparison ([FHIR R4 §3.1.1.4.7](https://hl7.org/fhir/R4/search.html#date)).
#[derive(Debug)]
pub(crate) struct DateOperand {
    prefix: Prefix,
    range: Range,
}

#[derive(Clone, Copy, Debug)]
enum Prefix {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    StartsAfter,
    EndsBefore,
    Approximately,
}

/// From the start on, and up to but without the end. A date without a zone is one of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
}

impl DateOperand {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (prefix, date) = match text.get(..2) {
            Some("eq") => (Prefix::Equal, &text[2..]),
            Some("ne") => (Prefix::NotEqual, &text[2..]),
            Some("gt") => (Prefix::Greater, &text[2..]),
            Some("lt") => (Prefix::Less, &text[2..]),
            Some("ge") => (Prefix::GreaterOrEqual, &text[2..]),
            Some("le") => (Prefix::LessOrEqual, &text[2..]),
            Some("sa") => (Prefix::StartsAfter, &text[2..]),
            Some("eb") => (Prefix::EndsBefore, &text[2..]),
            Some("ap") => (Prefix::Approximately, &text[2..]),
            _ => (Prefix::Equal, text),
        };
        Some(Self { prefix, range: Range::parse(date)? })
    }

    pub(crate) fn matches(&self, value: &Value, now: Timestamp) -> bool {
        if let Some(events) = value["event"].as_array() {
            return events.iter().any(|event| self.matches(event, now));
        }
        let Some(there) = Range::of(value) else { return false };
        let wanted = self.range;
        let within = wanted.start <= there.start && there.end <= wanted.end;
        match self.prefix {
            Prefix::Equal => within,
            Prefix::NotEqual => !within,
            Prefix::Greater => there.end > wanted.end,
            Prefix::Less => there.start < wanted.start,
            Prefix::GreaterOrEqual => within || there.end > wanted.end,
            Prefix::LessOrEqual => within || there.start < wanted.start,
            Prefix::StartsAfter => there.start >= wanted.end,
            Prefix::EndsBefore => there.end <= wanted.start,
            Prefix::Approximately => {
                // The specification recommends a tenth of the distance to now.
                let slack =
                    SignedDuration::try_from(clock::distance(now, wanted.start) / 10).unwrap_or_default();
                let start = wanted.start.saturating_sub(slack).unwrap_or(Timestamp::MIN);
                let end = wanted.end.saturating_add(slack).unwrap_or(Timestamp::MAX);
                there.start < end && there.end > start
            }
        }
    }
}

impl Range {
    /// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, and with `Thh:mm`, seconds, fractions and a zone.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits =
            |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        let Some((date, time)) = text.split_once('T') else {
            let mut parts = text.split('-');
            let year = parts.next().filter(|part| digits(part, 4))?.parse().ok()?;
            let mut part = || match parts.next() {
                Some(part) if digits(part, 2) => part.parse().ok().map(Some),
                Some(_) => None,
                None => Some(None),
            };
            let (month, day) = (part()?, part()?);
            if parts.next().is_some() {
                return None;
            }
            let first = civil::Date::new(year, month.unwrap_or(1), day.unwrap_or(1)).ok()?;
            let length = match (month, day) {
                (None, _) => 1.year(),
                (Some(_), None) => 1.month(),
                (Some(_), Some(_)) => 1.day(),
            };
            return Some(Self { start: midnight(first)?, end: midnight(first.checked_add(length).ok()?)? });
        };
        let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
        let (time, zone) = time.split_at(zone_at);
        let (seconds, length) = match time.len() {
            5 => (":00", SignedDuration::from_mins(1)),
            8 => ("", SignedDuration::from_secs(1)),
            length @ 10..=18 => {
                ("", SignedDuration::from_nanos(10_i64.pow(18 - u32::try_from(length).ok()?)))
            }
            _ => return None,
        };
        let zone = if zone.is_empty() { "Z" } else { zone };
        let start: Timestamp = format!("{date}T{time}{seconds}{zone}").parse().ok()?;
        Some(Self { start, end: start.checked_add(length).ok()? })
    }

    /// The stretch that a date, an instant or a Period in a resource covers.
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Object(period) => {
                let bound = |name| period.get(name).and_then(Value::as_str);
                let (start, end) = (bound("start"), bound("end"));
                start.or(end)?;
                Some(Self {
                    start: start.map_or(Some(Timestamp::MIN), |text| Some(Self::parse(text)?.start))?,
                    end: end.map_or(Some(Timestamp::MAX), |text| Some(Self::parse(text)?.end))?,
                })
            }
            _ => None,
        }
    }
}

fn midnight(date: civil::Date) -> Option<Timestamp> {
    Some(date.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
}
