//! Dates: every value is a stretch of time, as long as its precision.

use std::time::Duration;

use fhir_sub_search::search::{Prefix, Text};
use serde_json::Value;

use crate::{
    clock,
    fhir::{Instant, digits},
};

/// A date with a prefix ([FHIR R4 §3.1.1.4.7](https://hl7.org/fhir/R4/search.html#date)).
#[derive(Debug)]
pub(crate) struct DateOperand {
    prefix: Prefix,
    when: When,
}

#[derive(Clone, Copy, Debug)]
enum When {
    Then(Range),
    /// `%now`, HAPI's own.
    Now,
    /// `%today`, HAPI's own.
    Today,
}

/// The stretch from the start up to, but without, the end. A date without a zone is in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: Instant,
    pub(crate) end: Instant,
}

impl DateOperand {
    pub(crate) fn read(text: &Text) -> Option<Self> {
        let (prefix, date) = Prefix::split(text);
        let date = date.to_string();
        let when = match date.to_ascii_lowercase().as_str() {
            "%now" => When::Now,
            "%today" => When::Today,
            _ => When::Then(Range::parse(&date)?),
        };
        Some(Self { prefix: prefix.unwrap_or(Prefix::Eq), when })
    }

    pub(crate) fn matches(&self, value: &Value, now: Instant) -> bool {
        if let Some(events) = value["event"].as_array() {
            return events.iter().any(|event| self.matches(event, now));
        }
        // A Timing without events may have bounds.
        if value["repeat"]["boundsPeriod"].is_object() {
            return self.matches(&value["repeat"]["boundsPeriod"], now);
        }
        let Some(there) = Range::of(value) else { return false };
        let wanted = match self.when {
            When::Then(range) => range,
            When::Now => Range { start: now, end: now.after(Duration::from_millis(1)) },
            When::Today => match Range::parse(now.to_string().get(..10).unwrap_or_default()) {
                Some(today) => today,
                None => return false,
            },
        };
        let within = wanted.start <= there.start && there.end <= wanted.end;
        match self.prefix {
            Prefix::Eq => within,
            Prefix::Ne => !within,
            Prefix::Gt => there.end > wanted.end,
            Prefix::Lt => there.start < wanted.start,
            Prefix::Ge => within || there.end > wanted.end,
            Prefix::Le => within || there.start < wanted.start,
            Prefix::Sa => there.start >= wanted.end,
            Prefix::Eb => there.end <= wanted.start,
            Prefix::Ap => {
                // The specification recommends a tenth of the distance to now.
                let slack = clock::distance(now, wanted.start) / 10;
                there.start < wanted.end.after(slack) && there.end > wanted.start.before(slack)
            }
        }
    }
}

impl Range {
    /// Reads `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, optionally with `Thh:mm`, seconds, fractions and a zone.
    ///
    /// The shortest stretch is a millisecond.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.split_once('T') {
            None => Self::of_date(text),
            Some((date, time)) => Self::of_time(date, time),
        }
    }

    fn of_date(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let year = digits(parts[0], 4)?;
        let (start, end) = match parts[1..] {
            [] => (Instant::midnight(year, 1, 1)?, Instant::midnight(year + 1, 1, 1)?),
            [month] => {
                let month = digits(month, 2)?;
                let next = Instant::midnight(year + month / 12, month % 12 + 1, 1)?;
                (Instant::midnight(year, month, 1)?, next)
            }
            [month, day] => {
                let start = Instant::midnight(year, digits(month, 2)?, digits(day, 2)?)?;
                (start, start.after(Duration::from_secs(24 * 60 * 60)))
            }
            _ => return None,
        };
        Some(Self { start, end })
    }

    fn of_time(date: &str, time: &str) -> Option<Self> {
        let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
        let (time, zone) = time.split_at(zone_at);
        let (seconds, length) = match time.len() {
            5 => (":00", Duration::from_secs(60)),
            8 => ("", Duration::from_secs(1)),
            10 => ("", Duration::from_millis(100)),
            11 => ("", Duration::from_millis(10)),
            _ => ("", Duration::from_millis(1)),
        };
        let zone = if zone.is_empty() { "Z" } else { zone };
        let start = Instant::parse(&format!("{date}T{time}{seconds}{zone}"))?;
        Some(Self { start, end: start.after(length) })
    }

    /// The stretch of a date, an instant or a Period in a resource.
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Self::parse(text),
            Value::Object(period) => {
                let bound = |name| period.get(name).and_then(Value::as_str);
                let (start, end) = (bound("start"), bound("end"));
                start.or(end)?;
                Some(Self {
                    start: start.map_or(Some(Instant::MIN), |text| Some(Self::parse(text)?.start))?,
                    end: end.map_or(Some(Instant::MAX), |text| Some(Self::parse(text)?.end))?,
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
