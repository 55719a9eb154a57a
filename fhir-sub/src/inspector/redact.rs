//! [`Redactor`]: replaces names, dates and ids. Equal texts get equal replacements.

mod known;

use http::HeaderMap;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value};

use self::known::{COUNTS, HARMLESS, POSITION, is_code, is_dated, is_digits, is_system, is_time, is_type};
use crate::fhir::{Instant, is_id};
use crate::recorded::{Recorded, Seen, Sent};
use crate::signature::hex;

/// Replaces every text that is not known to be harmless. In all files of one run, the same text gets the same
/// replacement. Nobody can find the text from its replacement.
#[derive(Debug)]
pub(crate) struct Redactor {
    key: hmac::Key,
    /// How far each date is moved: whole weeks into the past, so that intervals and weekdays stay.
    milliseconds: i64,
}

/// Headers that reveal nothing about a patient.
const HARMLESS_HEADERS: [&str; 5] =
    ["content-type", "if-match", "if-none-match", "x-medplum-interaction", "x-medplum-subscription"];

impl Redactor {
    /// A redactor with a random key, which it never reveals.
    ///
    /// # Errors
    ///
    /// The system gives no random bytes.
    pub(crate) fn new() -> Result<Self, &'static str> {
        let mut random = [0; 34];
        SystemRandom::new().fill(&mut random).map_err(|_| "the system gives no random bytes")?;
        let weeks = 52 + i64::from(u16::from_be_bytes([random[32], random[33]])) % 1_000;
        let milliseconds = -weeks * 7 * 24 * 60 * 60 * 1_000;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &random[..32]), milliseconds })
    }

    /// A recorded delivery, with everything replaced that may identify a patient.
    pub(crate) fn redacted(&self, sent: &Sent, recorded: Recorded) -> Recorded {
        let body = match serde_json::from_slice::<Value>(&sent.body) {
            Ok(mut json) => {
                self.value(&mut json, "", "");
                json.to_string()
            }
            Err(_) if sent.body.is_empty() => String::new(),
            // The body is not JSON, so nothing is known about its parts.
            Err(_) => self.word(&String::from_utf8_lossy(&sent.body)),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &sent.headers {
            let text = value.to_str().unwrap_or_default();
            let text = match name.as_str() {
                name if HARMLESS_HEADERS.contains(&name) => text.to_owned(),
                _ => self.reference(text).unwrap_or_else(|| self.word(text)),
            };
            if let Ok(value) = text.parse() {
                headers.insert(name.clone(), value);
            }
        }
        let path = self.path(&sent.path);
        let seen = recorded.seen.map(|seen| Seen { at: self.date(&seen.at, "").unwrap_or_default(), ..seen });
        Recorded::new(&Sent { method: sent.method.clone(), path, headers, body: body.into() }, seen)
    }

    fn value(&self, value: &mut Value, parent: &str, member: &str) {
        match value {
            Value::String(text) => *text = self.text(text, parent, member),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, parent, member)),
            Value::Object(members) => self.members(members, member),
            Value::Number(number) if POSITION.contains(&member) => *number = 0.into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn members(&self, members: &mut Map<String, Value>, parent: &str) {
        let names =
            |member: &str, known: &[&str]| members[member].as_str().is_some_and(|name| known.contains(&name));
        let is_count = members.contains_key("name") && names("name", &COUNTS);
        let is_position = members.contains_key("url") && names("url", &POSITION);
        let old = std::mem::take(members);
        for (member, mut value) in old {
            match &value {
                Value::String(text) if is_count && member == "valueString" && is_digits(text) => {}
                Value::Number(_) if is_position => value = 0.into(),
                _ => self.value(&mut value, parent, &member),
            }
            // FHIR's own names consist of letters, digits and `_`. Nothing is known about other names.
            let is_name =
                member.len() <= 64 && member.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            members.insert(if is_name { member } else { self.word(&member) }, value);
        }
    }

    /// The replacement for the text of an element, whose parent has this name.
    fn text(&self, text: &str, parent: &str, member: &str) -> String {
        let is_word = is_code(text);
        match member {
            "id" => return self.id(text),
            "div" => return format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{}</div>", self.word(text)),
            // The URL of an extension says its kind. Elsewhere, a URL may name a patient.
            "url" if matches!(parent, "extension" | "modifierExtension") && (is_word || is_system(text)) => {
                return text.to_owned();
            }
            // A parameter's name in the R4 form of a topic's notification.
            "name" if matches!(parent, "parameter" | "part") && is_word => return text.to_owned(),
            "method" if parent == "request" => return text.to_owned(),
            "status" if parent == "response" && is_word => return text.to_owned(),
            // Some elements with codes contain dates, too: Timing.event and Signature.when.
            _ if HARMLESS.contains(&member)
                && !matches!(member, "version" | "versionId")
                && text.len() >= 10 =>
            {
                if let Some(date) = self.date(text, "") {
                    return date;
                }
                if is_word && !text.contains("://") || is_system(text) {
                    return text.to_owned();
                }
            }
            _ if HARMLESS.contains(&member) && is_word => return text.to_owned(),
            _ if is_time(text) => return text.to_owned(),
            _ => {}
        }
        self.date(text, member).or_else(|| self.reference(text)).unwrap_or_else(|| self.word(text))
    }

    /// The path of a request: each id after a type is replaced.
    fn path(&self, path: &str) -> String {
        let mut is_after_type = false;
        let replaced = path.split('/').map(|segment| {
            let is_of_type = is_type(segment);
            let replaced = match is_after_type && !is_of_type && !segment.is_empty() {
                true => self.id(segment),
                false => segment.to_owned(),
            };
            is_after_type = is_of_type;
            replaced
        });
        replaced.collect::<Vec<_>>().join("/")
    }

    /// `Type/id`, with a version or without, by itself or at the end of a URL; `urn:uuid:…`; `#id`.
    fn reference(&self, text: &str) -> Option<String> {
        if let Some(uuid) = text.strip_prefix("urn:uuid:") {
            let digits = hex(self.hash(uuid).as_ref());
            let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..15]);
            return Some(format!("urn:uuid:{a}-{b}-4{c}-8{}-{}", &digits[15..18], &digits[18..30]));
        }
        if let Some(id) = text.strip_prefix('#') {
            return is_id(id).then(|| format!("#{}", self.id(id)));
        }
        // The values of a query may name a patient.
        let text = text.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
        let (name, version) = match text.split_once("/_history/") {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        let mut parts = name.rsplitn(3, '/');
        let (id, kind, before) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
        if !is_type(kind) || !is_id(id) {
            return None;
        }
        let before = match before {
            "" if name.starts_with(kind) => String::new(),
            "" => "/".to_owned(),
            url => format!("{}/", self.base(url)?),
        };
        let version = version.filter(|version| is_id(version));
        let version = version.map(|version| format!("/_history/{version}")).unwrap_or_default();
        Some(format!("{before}{kind}/{}{version}", self.id(id)))
    }

    /// The base URL of a server. A segment that is not a plain word may identify somebody, and is replaced.
    fn base(&self, url: &str) -> Option<String> {
        let (scheme, rest) =
            url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https"))?;
        let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
        let is_host = |letter: char| letter.is_ascii_alphanumeric() || ".-_:[]".contains(letter);
        if !host.chars().all(is_host) {
            return None;
        }
        let is_plain = |segment: &str| {
            let digits = segment.bytes().filter(u8::is_ascii_digit).count();
            segment.len() <= 20
                && digits <= 2
                && segment.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it))
        };
        let segment = |segment: &str| match is_plain(segment) {
            true => segment.to_owned(),
            false => self.word(segment),
        };
        let path = path.map(|path| path.split('/').map(|it| format!("/{}", segment(it))).collect::<String>());
        Some(format!("{scheme}://{host}{}", path.unwrap_or_default()))
    }

    /// The moved date, exact to the day. A year or a month counts as a date only in an element for dates.
    fn date(&self, text: &str, member: &str) -> Option<String> {
        let (date, time) = match text.split_once('T') {
            Some((date, _)) => (date, &text[date.len()..]),
            None => (text, ""),
        };
        let is_of_a_time = |letter: char| letter.is_ascii_digit() || "T:.+-Z".contains(letter);
        if time.len() > 24 || !time.chars().all(is_of_a_time) {
            return None;
        }
        let is_part = |part: &str, length| part.len() == length && is_digits(part);
        let parts: Vec<_> = date.split('-').collect();
        let (year, month, day) = match parts[..] {
            [year] if time.is_empty() && is_dated(member) => (year, "01", "01"),
            [year, month] if time.is_empty() && is_dated(member) => (year, month, "01"),
            [year, month, day] => (year, month, day),
            _ => return None,
        };
        if !is_part(year, 4) || !is_part(month, 2) || !is_part(day, 2) {
            return None;
        }
        let day = Instant::midnight(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
        let moved = day.shifted(self.milliseconds).to_string();
        Some(format!("{}{time}", moved.get(..date.len())?))
    }

    fn id(&self, id: &str) -> String {
        format!("r{}", self.word(id))
    }

    /// Twelve hexadecimal digits, which are valid as an id, as base64 and as a name.
    fn word(&self, text: &str) -> String {
        hex(&self.hash(text).as_ref()[..6])
    }

    fn hash(&self, text: &str) -> hmac::Tag {
        hmac::sign(&self.key, text.as_bytes())
    }
}

#[cfg(test)]
mod tests;
