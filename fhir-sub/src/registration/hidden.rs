//! The parts of a Subscription that a server hides: the values of headers, and extensions with a secret. And the parts that a
//! server sets or limits itself, such as `end`.
//!
//! A hidden value is unknown, and no difference. Whether a value is hidden is decided by these rules, in this order:
//!
//! 1. If the program remembers its last write, a value that the server showed right after that write stands for what was
//!    written ([`Written`]).
//! 2. A value that is absent, empty or a mask, such as `******` or `[REDACTED]`, is hidden.
//! 3. A part of the wanted value, such as `a-sec…` or `Bearer ****`, is the wanted value, hidden in part.
//! 4. Any other value is shown, and compared.

mod mask;
mod token;

use std::borrow::Cow;

use serde_json::{Map, Value};

use self::mask::{is_mask, may_be};
use super::difference::shown_differences;
use crate::fhir::Subscription;
use crate::memory::Written;
use crate::server::is_secret;
use crate::signature::sign;

/// The elements that a server may hide in part, by the names that
/// [`differences`](super::difference::differences) uses.
const HIDEABLE: [&str; 7] = [
    "channel.header",
    "parameter",
    "extension",
    "channel.extension",
    "_criteria",
    "channel._payload",
    "channel._type",
];

/// The elements that a server may set or limit itself.
pub(super) const LIMITED: [&str; 4] = ["end", "timeout", "maxCount", "heartbeatPeriod"];

/// `found` with its hidden values replaced by the values of `wanted`, and the names of the hidden elements.
pub(super) fn reveal<'f>(
    wanted: &Subscription,
    found: &'f Subscription,
) -> (Cow<'f, Subscription>, Vec<&'static str>) {
    let (mut revealed, mut hidden) = (Cow::Borrowed(found), Vec::new());
    if let Some(headers) = wanted.channel().and_then(|channel| channel.get("header")) {
        let shown = found.channel().and_then(|channel| channel.get("header"));
        match compare(headers, shown) {
            Headers::Equal | Headers::Different => {}
            Headers::Respelt => {
                drop(revealed.to_mut().channel_mut().insert("header".into(), headers.clone()))
            }
            Headers::Hidden => {
                revealed.to_mut().channel_mut().insert("header".into(), headers.clone());
                hidden.push("channel.header");
            }
        }
    }
    if let Some(headers) = wanted.get("parameter") {
        match compare(headers, found.get("parameter")) {
            Headers::Equal | Headers::Different => {}
            Headers::Respelt => revealed.to_mut().set("parameter", headers.clone()),
            Headers::Hidden => {
                revealed.to_mut().set("parameter", headers.clone());
                hidden.push("parameter");
            }
        }
    }
    for secret in extensions(wanted).filter(|extension| is_secret(url(extension))) {
        // If a server shows the header, which is a secret too, but no extension, it does not know yet that it
        // must sign.
        if extensions(found).next().is_none() && !hidden.is_empty() {
            let all: Vec<_> = extensions(wanted).cloned().collect();
            revealed.to_mut().set("extension", all);
            hidden.push("extension");
        } else if is_hidden(secret, found) {
            let others = extensions(found).filter(|extension| url(extension) != url(secret)).cloned();
            let all: Vec<_> = others.chain([secret.clone()]).collect();
            revealed.to_mut().set("extension", all);
            hidden.push("extension");
        }
    }
    if let Some(token) = token::reveal(wanted, found) {
        revealed.to_mut().channel_mut().insert("_type".into(), token);
        hidden.push("channel._type");
    }
    (revealed, hidden)
}

/// Whether `found` has the extension `secret` without its value. If a server shows other extensions but not
/// this one, it does not have this one.
fn is_hidden(secret: &Value, found: &Subscription) -> bool {
    let mut shown = extensions(found).filter(|extension| url(extension) == url(secret));
    let (Some(only), None) = (shown.next(), shown.next()) else { return false };
    match (only["valueString"].as_str(), secret["valueString"].as_str()) {
        (Some(shown), Some(secret)) => shown != secret && may_be(shown, secret),
        (shown, _) => shown.is_none(),
    }
}

/// The program's memory of a Subscription that it wrote as `wanted`, and that the server then shows as
/// `shown`.
pub(super) fn written(wanted: &Subscription, shown: &Subscription) -> Written {
    let is_plain = hideable(&shown_differences(wanted, shown)).is_empty();
    Written { wrote: digest(wanted), shown: digest(shown), is_plain }
}

/// The evidence of the last write about the elements that differ.
pub(super) enum Verdict {
    /// The server shows the same as right after that write: these elements are hidden, and do not differ.
    Hidden(Vec<&'static str>),
    /// Another secret was written, or the server showed everything after that write: so the difference is a
    /// change.
    Different,
    /// The last write tells nothing.
    Unknown,
}

/// The evidence of the last write about the elements of `found` with these names.
pub(super) fn judge(
    last: &Written,
    wanted: &Subscription,
    found: &Subscription,
    differences: &[String],
) -> Verdict {
    let wrote_this = last.wrote == digest(wanted);
    if wrote_this && last.shown == digest(found) {
        return Verdict::Hidden(hideable(differences));
    }
    if wrote_this && !last.is_plain { Verdict::Unknown } else { Verdict::Different }
}

/// The names of elements that a server may hide or limit.
fn hideable(names: &[String]) -> Vec<&'static str> {
    HIDEABLE.into_iter().chain(LIMITED).filter(|name| names.iter().any(|other| other == name)).collect()
}

/// A digest of everything that may be hidden or limited. The text contains secrets, so it serves as the key, which
/// cannot be recovered.
fn digest(subscription: &Subscription) -> String {
    let mut hideable = Map::new();
    let mut take = |prefix: &str, elements: Option<&Map<String, Value>>| {
        for (name, value) in elements.into_iter().flatten() {
            let path = format!("{prefix}{name}");
            if HIDEABLE.contains(&path.as_str()) || LIMITED.contains(&path.as_str()) {
                hideable.insert(path, value.clone());
            }
        }
    };
    take("", Some(subscription.elements()));
    take("channel.", subscription.channel());
    sign(&Value::Object(hideable).to_string(), b"fhir-sub: what a server shows of a Subscription")
}

enum Headers {
    Equal,
    /// Equal except for the case of a name, a space, or the order.
    Respelt,
    Hidden,
    Different,
}

/// Compares the wanted headers with the headers that a server shows: lines in R4, names and values in R5.
fn compare(wanted: &Value, shown: Option<&Value>) -> Headers {
    let Some(shown) = shown.filter(|shown| !shown.is_null()) else { return Headers::Hidden };
    if shown == wanted {
        return Headers::Equal;
    }
    let one = [shown.clone()];
    let mut shown: Vec<_> = shown.as_array().map_or(&one[..], Vec::as_slice).iter().map(Header::of).collect();
    if shown.iter().all(|header| header.name.is_none()) {
        return Headers::Hidden;
    }
    let mut is_hidden = false;
    let mut left = Vec::new();
    for wanted in wanted.as_array().into_iter().flatten().map(Header::of) {
        let of_same_name = || shown.iter().enumerate().filter(|(_, header)| header.has_name_of(&wanted));
        let equal = of_same_name().find(|(_, header)| header.value == wanted.value).map(|(at, _)| at);
        let hidden = || of_same_name().find(|(_, header)| header.may_be(&wanted)).map(|(at, _)| at);
        match equal.or_else(|| {
            is_hidden |= hidden().is_some();
            hidden()
        }) {
            Some(at) => drop(shown.swap_remove(at)),
            None => left.push(wanted),
        }
    }
    // A line that is only a mask may be any header.
    let masked = shown.iter().filter(|header| header.name.is_none()).count();
    if shown.len() != masked || left.len() != masked {
        return Headers::Different;
    }
    if is_hidden || masked > 0 { Headers::Hidden } else { Headers::Respelt }
}

/// A header as a Subscription has it.
struct Header<'v> {
    /// `None` if the whole header is a mask.
    name: Option<&'v str>,
    value: Option<&'v str>,
}

impl<'v> Header<'v> {
    fn of(header: &'v Value) -> Self {
        let (name, value) = match header {
            Value::Object(parts) => {
                let text = |name| parts.get(name).and_then(Value::as_str).map(str::trim);
                (text("name"), text("value"))
            }
            Value::String(line) => match line.split_once(':') {
                Some((name, value)) => (Some(name.trim()), Some(value.trim())),
                None => (Some(line.trim()), None),
            },
            _ => (None, None),
        };
        Self { name: name.filter(|name| !is_mask(name)), value }
    }

    fn has_name_of(&self, other: &Self) -> bool {
        matches!((self.name, other.name), (Some(one), Some(other)) if one.eq_ignore_ascii_case(other))
    }

    /// Whether it may be `wanted` with a hidden value.
    fn may_be(&self, wanted: &Self) -> bool {
        match (self.value, wanted.value) {
            (None, _) => true,
            (Some(shown), Some(wanted)) => may_be(shown, wanted),
            (Some(_), None) => false,
        }
    }
}

fn extensions(subscription: &Subscription) -> impl Iterator<Item = &Value> {
    subscription.get("extension").and_then(Value::as_array).into_iter().flatten()
}

fn url(extension: &Value) -> &str {
    extension["url"].as_str().unwrap_or_default()
}

/// The value of an extension, whatever its type.
pub(super) fn value(extension: &Value) -> Option<&Value> {
    let mut members = extension.as_object()?.iter();
    members.find(|(name, _)| name.starts_with("value")).map(|(_, value)| value)
}

#[cfg(test)]
mod tests;
