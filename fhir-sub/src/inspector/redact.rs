//! [`Redactor`]: replaces names, dates and ids. Equal texts get equal replacements.

mod known;
mod own;

use http::HeaderMap;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::{Map, Value};

use self::known::{
    CODES, CONTACTS, COUNTED, COUNTS, MEDIA_TYPES, PARAMETERS, POSITION, RELATIONS, is_code, is_dated,
    is_digits, is_public, is_time, is_type, is_uri, is_version, media_type,
};
use self::own::Own;
use crate::app::App;
use crate::fhir::reference::entity_tag_version;
use crate::fhir::{Instant, is_id};
use crate::recorded::{Recorded, Seen, Sent};
use crate::signature::hex;

/// Replaces every text that is not known to be harmless. In all files of one run, the same text gets the same
/// replacement. Nobody can find the text from its replacement.
///
/// A replacement has the form of its text: a date stays a date, a URL stays a URL. So a handler can still read a
/// redacted resource.
#[derive(Debug)]
pub(crate) struct Redactor {
    key: hmac::Key,
    /// How far each date is moved: whole weeks into the past, so that intervals and weekdays stay.
    milliseconds: i64,
}

/// The most segments of a FHIR server's base URL.
const LONGEST_BASE: usize = 16;

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

    /// A recorded delivery to `app`, with everything replaced that may identify a patient. The names in the program's
    /// own settings and handlers stay.
    pub(crate) fn redacted(&self, app: &App, sent: &Sent, recorded: Recorded) -> Recorded {
        let own = &Own::of(app);
        let body = match serde_json::from_slice::<Value>(&sent.body) {
            Ok(mut json) => {
                self.value(own, &mut json, "", "");
                json.to_string()
            }
            Err(_) if sent.body.is_empty() => String::new(),
            // The body is not JSON, so nothing is known about its parts.
            Err(_) => self.word(&String::from_utf8_lossy(&sent.body)),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &sent.headers {
            let text = self.header(own, name.as_str(), value.to_str().unwrap_or_default());
            if let Ok(value) = text.parse() {
                headers.insert(name.clone(), value);
            }
        }
        let path = self.path(own, &sent.path);
        let seen =
            recorded.seen.map(|seen| Seen { at: self.date(&seen.at, false).unwrap_or_default(), ..seen });
        Recorded::new(&Sent { method: sent.method.clone(), path, headers, body: body.into() }, seen)
    }

    fn header(&self, own: &Own<'_>, name: &str, text: &str) -> String {
        match name {
            "content-type" => media_type(text).map_or_else(|| self.word(text), str::to_owned),
            "if-match" | "if-none-match" => self.entity_tag(text),
            "x-medplum-interaction" if matches!(text, "create" | "update" | "delete") => text.to_owned(),
            "x-medplum-subscription" => self.id(text),
            _ => self.reference(own, text).unwrap_or_else(|| self.word(text)),
        }
    }

    fn value(&self, own: &Own<'_>, value: &mut Value, parent: &str, member: &str) {
        match value {
            Value::String(text) => *text = self.text(own, text, parent, member),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(own, item, parent, member)),
            Value::Object(members) => self.members(own, members, member),
            Value::Number(number) if POSITION.contains(&member) => *number = 0.into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn members(&self, own: &Own<'_>, members: &mut Map<String, Value>, parent: &str) {
        let text = |member: &str| members.get(member).and_then(Value::as_str);
        let is_count = text("name").is_some_and(|name| COUNTS.contains(&name));
        let is_position = text("url").is_some_and(|url| POSITION.contains(&url));
        // Users write tags, and a user's tag may be a name.
        let is_users_tag = parent == "tag" && !text("system").is_some_and(|system| is_known(own, system));
        let old = std::mem::take(members);
        for (member, mut value) in old {
            match &value {
                Value::String(text) if is_count && member == "valueString" && is_digits(text) => {}
                Value::String(text) if is_users_tag && member == "code" && !own.names(text) => {
                    value = self.word(text).into();
                }
                Value::Number(_) if is_position => value = 0.into(),
                _ => self.value(own, &mut value, parent, &member),
            }
            // A name of FHIR is at most 64 letters and digits, after a small letter or `_`. Nothing is known about
            // other names.
            let is_name = member.len() <= 64
                && member.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
                && member.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            members.insert(if is_name { member } else { self.word(&member) }, value);
        }
    }

    /// The replacement for the text of an element, whose parent has this name.
    fn text(&self, own: &Own<'_>, text: &str, parent: &str, member: &str) -> String {
        match member {
            "id" => return self.id(text),
            "div" => return format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{}</div>", self.word(text)),
            "versionId" => return self.version(text),
            "etag" if parent == "response" => return self.entity_tag(text),
            _ => {}
        }
        // A whole date may stand in any element. A year or a month is a date only in an element for dates.
        if member != "version"
            && let Some(date) = self.date(text, is_dated(member))
        {
            return date;
        }
        self.kept(own, text, parent, member)
            .or_else(|| self.reference(own, text))
            .unwrap_or_else(|| self.word(text))
    }

    /// The text of an element if the text is harmless, without the parts that are not. `None` if it is not harmless.
    fn kept(&self, own: &Own<'_>, text: &str, parent: &str, member: &str) -> Option<String> {
        let is_harmless = match member {
            "resourceType" => is_type(text) || own.names(text),
            // A parameter's name in the R4 form of a topic's notification.
            "name" => matches!(parent, "parameter" | "part") && PARAMETERS.contains(&text),
            "relation" => RELATIONS.contains(&text),
            "status" if parent == "response" => {
                // `201 Created`
                return text.get(..3).filter(|code| is_digits(code)).map(str::to_owned);
            }
            "system" if CONTACTS.contains(&text) => true,
            "system" | "profile" | "topic" | "valueCanonical" => return self.system(own, text),
            // The URL of an extension says its kind. Elsewhere, a URL may name a patient.
            "url" if matches!(parent, "extension" | "modifierExtension") => return self.code(own, text),
            "version" if is_uri(text) => return self.system(own, text),
            "version" => is_version(text),
            _ if MEDIA_TYPES.contains(&member) => return media_type(text).map(str::to_owned),
            _ if COUNTED.contains(&member) => is_digits(text),
            _ if member.ends_with("Integer64") && is_digits(text) => {
                return Some((self.number(text) % 1_000_000_000).to_string());
            }
            _ if CODES.contains(&member) => return self.code(own, text),
            _ => is_time(text),
        };
        is_harmless.then(|| text.to_owned())
    }

    /// A code, which stays; or a URI in the place of a code. `None` if the text is neither.
    fn code(&self, own: &Own<'_>, text: &str) -> Option<String> {
        if is_uri(text) { self.system(own, text) } else { is_code(text).then(|| text.to_owned()) }
    }

    /// The URI of a system, a profile, an extension or a topic. It stays if it is public, or if the program names it.
    /// `None` if the text is no URI.
    fn system(&self, own: &Own<'_>, text: &str) -> Option<String> {
        if is_known(own, text) { Some(text.to_owned()) } else { self.reference(own, text) }
    }

    /// A path, in a request or in a URL. The types and the program's own segments stay.
    fn path(&self, own: &Own<'_>, path: &str) -> String {
        let mut before = "";
        let segments = path.split('/').map(|segment| {
            let replaced = match segment {
                "" | "_history" | "$status" | "$events" => segment.to_owned(),
                _ if is_type(segment) => segment.to_owned(),
                _ if is_type(before) => self.id(segment),
                _ if before == "_history" => self.version(segment),
                _ if own.has_segment(segment) => segment.to_owned(),
                _ => self.word(segment),
            };
            before = segment;
            replaced
        });
        segments.collect::<Vec<_>>().join("/")
    }

    /// `Type/id`, with a version or without; an absolute URL; `urn:uuid:…`, `urn:oid:…`; `#id`.
    fn reference(&self, own: &Own<'_>, text: &str) -> Option<String> {
        if let Some(id) = text.strip_prefix('#') {
            return is_id(id).then(|| format!("#{}", self.id(id)));
        }
        self.urn(text).or_else(|| self.url(own, text)).or_else(|| {
            // The values of a query may name a patient.
            let path = text.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
            let mut segments = path.trim_start_matches('/').split('/');
            let is_relative = segments.next().is_some_and(is_type) && segments.next().is_some_and(is_id);
            is_relative.then(|| self.path(own, path))
        })
    }

    /// An absolute URL without its query. The base URL stays if the program's settings have it. Another host is
    /// replaced by a host that does not exist.
    fn url(&self, own: &Own<'_>, text: &str) -> Option<String> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = ["http", "https"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
        if rest.is_empty() || rest.contains(char::is_whitespace) {
            return None;
        }
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (rest, version) = match rest.split_once('|') {
            Some((rest, version)) => (rest, format!("|{}", self.version(version))),
            None => (rest, String::new()),
        };
        let ends = rest.match_indices('/').map(|(end, _)| end).chain([rest.len()]).take(LONGEST_BASE);
        let known = ends.filter_map(|end| Some((own.base(&format!("{scheme}://{}", &rest[..end]))?, end)));
        let (base, path) = match known.last() {
            Some((base, end)) => (base, &rest[end..]),
            None => {
                let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                let host = self.word(&host.to_ascii_lowercase());
                (format!("{scheme}://r{host}.invalid"), path)
            }
        };
        Some(format!("{base}{}{version}", self.path(own, path)))
    }

    /// A UUID or an OID as a URN.
    fn urn(&self, text: &str) -> Option<String> {
        if let Some(uuid) = text.strip_prefix("urn:uuid:") {
            let digits = hex(self.hash(uuid).as_ref());
            let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..15]);
            return Some(format!("urn:uuid:{a}-{b}-4{c}-8{}-{}", &digits[15..18], &digits[18..30]));
        }
        // Below 2.25, anybody may use a random number.
        text.strip_prefix("urn:oid:").map(|oid| format!("urn:oid:2.25.{}", self.number(oid)))
    }

    /// The moved date, exact to the day. A year or a month counts as a date only if it `may_be_partial`.
    fn date(&self, text: &str, may_be_partial: bool) -> Option<String> {
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
            [year] if time.is_empty() && may_be_partial => (year, "01", "01"),
            [year, month] if time.is_empty() && may_be_partial => (year, month, "01"),
            [year, month, day] => (year, month, day),
            _ => return None,
        };
        if !is_part(year, 4) || !is_part(month, 2) || !is_part(day, 2) {
            return None;
        }
        let day = Instant::midnight(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
        let moved = day.shifted(self.milliseconds);
        // FHIR has no year 0. Some systems write a date of the year 1 for a date that they do not know.
        let moved = if Some(moved) < Instant::midnight(1, 1, 1) { day } else { moved };
        Some(format!("{}{time}", moved.to_string().get(..date.len())?))
    }

    fn id(&self, id: &str) -> String {
        format!("r{}", self.word(id))
    }

    /// A version of a resource. A number stays, because servers count versions.
    fn version(&self, version: &str) -> String {
        if version.split('.').all(is_digits) { version.to_owned() } else { self.id(version) }
    }

    /// `W/"2"`
    fn entity_tag(&self, tag: &str) -> String {
        match entity_tag_version(tag) {
            "*" => "*".to_owned(),
            version => format!("W/\"{}\"", self.version(version)),
        }
    }

    /// Twelve hexadecimal digits, which are valid as an id, as base64 and as a name.
    fn word(&self, text: &str) -> String {
        hex(&self.hash(text).as_ref()[..6])
    }

    fn number(&self, text: &str) -> u64 {
        let tag = self.hash(text);
        let bytes: &[u8] = tag.as_ref();
        bytes.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte))
    }

    fn hash(&self, text: &str) -> hmac::Tag {
        hmac::sign(&self.key, text.as_bytes())
    }
}

/// Whether the program or a publisher has this system, profile, extension or topic, with a version or without.
fn is_known(own: &Own<'_>, uri: &str) -> bool {
    let (name, version) = uri.split_once('|').unwrap_or((uri, ""));
    (own.names(name) || is_public(name)) && (version.is_empty() || is_version(version))
}

#[cfg(test)]
mod tests;
