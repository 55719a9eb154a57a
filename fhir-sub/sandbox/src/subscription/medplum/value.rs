//! The values that Medplum compares: `packages/core/src/search/ir.ts` and `format.ts`.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::Value;

use crate::fhir::Instant;
use crate::search::Range;

/// A code with its system, if it has one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Token<'v> {
    pub(super) system: Option<&'v str>,
    pub(super) value: Option<Cow<'v, str>>,
}

/// A stretch of time. Its end is included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Instant,
    pub(super) end: Instant,
}

const MILLISECOND: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Span {
    /// A year, a month, a day, or a moment with seconds, but no other form that FHIR allows in a search.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let time = text.split_once('T').map(|(_, time)| time.trim_end_matches('Z'));
        // A time has an hour, a minute and a second.
        if time.is_some_and(|time| time.split(['+', '-']).next().is_none_or(|time| time.len() < 8)) {
            return None;
        }
        let range = Range::parse(text)?;
        // Medplum completes a month to 31 days.
        let end = if text.len() == 7 { range.start.after(31 * DAY) } else { range.end };
        Some(Self { start: range.start, end: end.before(MILLISECOND) })
    }

    /// The stretch of a date or of a Period, which may have an open end; none for a Timing.
    pub(super) fn of(value: &Value) -> Option<Self> {
        if let Some(text) = value.as_str() {
            return Self::parse(text);
        }
        let bound = |name: &str| value[name].as_str().and_then(Self::parse);
        let (start, end) = (bound("start"), bound("end"));
        start.or(end)?;
        Some(Self {
            start: start.map_or(Instant::MIN, |span| span.start),
            end: end.map_or(Instant::MAX, |span| span.end),
        })
    }
}

/// The codes of an element of one of these types. Texts and displays count as codes without a system.
pub(super) fn tokens<'v>(value: &'v Value, types: &[&str]) -> Vec<Token<'v>> {
    let text = |value: &'v Value| value.as_str().filter(|text| !text.is_empty());
    let plain = |value: &'v Value| Token { system: None, value: text(value).map(Cow::Borrowed) };
    let coded = |value: &'v Value, member: &str| Token {
        system: text(&value["system"]),
        value: text(&value[member]).map(Cow::Borrowed),
    };
    let mut tokens = match value {
        Value::Object(_) if types.contains(&"Identifier") => {
            vec![plain(&value["type"]["text"]), coded(value, "value")]
        }
        Value::Object(_) if types.contains(&"ContactPoint") => vec![coded(value, "value")],
        Value::Object(_) if types.contains(&"Coding") && value["coding"].is_null() => {
            vec![plain(&value["display"]), coded(value, "code")]
        }
        Value::Object(_) => {
            let codings = value["coding"].as_array().into_iter().flatten();
            let codings = codings.flat_map(|coding| [plain(&coding["display"]), coded(coding, "code")]);
            [plain(&value["text"])].into_iter().chain(codings).collect()
        }
        Value::String(_) => vec![plain(value)],
        other => vec![Token { system: None, value: Some(Cow::Owned(other.to_string())) }],
    };
    tokens.retain(|token| token.system.is_some() || token.value.is_some());
    tokens
}

/// The text of a reference, as written.
pub(super) fn references(value: &Value) -> Option<Cow<'_, str>> {
    if let Some(text) = value.as_str().or_else(|| value["reference"].as_str()) {
        return Some(Cow::Borrowed(text));
    }
    // An inline resource.
    let (kind, id) = (value["resourceType"].as_str()?, value["id"].as_str()?);
    Some(Cow::Owned(format!("{kind}/{id}")))
}

/// Whether the reference is to a resource of the type. Only its text before the first slash decides.
pub(super) fn is_to(value: &Value, target: &str) -> bool {
    let Some(text) = value.as_str().or_else(|| value["reference"].as_str()) else {
        return value["type"] == target;
    };
    text.split(['/', '?']).next() == Some(target)
}

/// The text in which Medplum searches a string.
pub(super) fn strings<'v>(value: &'v Value, types: &[&str]) -> Cow<'v, str> {
    if let Some(text) = value.as_str() {
        return Cow::Borrowed(text);
    }
    let of = |value: &'v Value, members: &[&str]| -> Vec<&'v str> {
        let parts = members.iter().flat_map(|member| match &value[*member] {
            Value::Array(parts) => parts.iter().collect(),
            part => vec![part],
        });
        parts.filter_map(Value::as_str).collect()
    };
    let joined = if types.contains(&"HumanName") {
        let parts = of(value, &["prefix", "given", "family", "suffix"]);
        let parts = if parts.is_empty() { of(value, &["text"]) } else { parts };
        parts.join(" ")
    } else if types.contains(&"Address") {
        of(value, &["line", "city", "state", "postalCode"]).join(", ")
    } else if types.contains(&"ContactPoint") {
        of(value, &["value"]).concat()
    } else if value["coding"].is_array() || value["text"].is_string() {
        match value["text"].as_str().filter(|text| !text.is_empty()) {
            Some(text) => text.to_owned(),
            None => {
                let codings = value["coding"].as_array().into_iter().flatten();
                let shown =
                    codings.map(|it| it["display"].as_str().or(it["code"].as_str()).unwrap_or_default());
                shown.collect::<Vec<_>>().join(", ")
            }
        }
    } else if value.is_object() {
        // JavaScript's text of an object.
        "[object Object]".to_owned()
    } else {
        value.to_string()
    };
    Cow::Owned(joined)
}
