//! [`Delivery`]: a request, and its outcome.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde::Serialize;
use serde_json::Value;

use super::reads::Reads;
use crate::app::App;
use crate::delivery::{DeskRecord, Record};
use crate::fhir::Instant;
use crate::recorded::{Recorded, Seen, Sent};
use crate::request::Headers;
use crate::server::{Resends, Room};
use crate::service::Answered;

/// A request, and its outcome.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Counted from 1, in the order of the answers.
    pub(crate) id: u64,
    pub(crate) at: Instant,
    pub(crate) origin: Origin,
    pub(crate) sent: Sent,
    /// The outcome of each event; for a request without events, the outcome of the request.
    pub(crate) events: Vec<DeskRecord>,
    pub(crate) status: StatusCode,
    /// The body of the answer.
    pub(crate) answer: String,
    /// The resources that the handlers got from the FHIR server meanwhile.
    pub(crate) reads: Reads,
    pub(crate) elapsed: Duration,
}

/// The sender of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The FHIR server.
    Server,
    /// A person at the desk. `again` is the delivery that this person changed or repeated.
    Desk { again: Option<u64> },
}

/// The entry of a delivery in a list, without its body.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary<'a> {
    pub(crate) id: u64,
    at: String,
    origin: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    again: Option<u64>,
    method: &'a str,
    path: &'a str,
    events: &'a [DeskRecord],
    status: u16,
    milliseconds: u64,
    /// The sender's next step, in words.
    next: String,
}

/// Headers that say what a notification is, and carry no secret.
const TELLING: [&str; 10] = [
    "content-type",
    "if-match",
    "if-none-match",
    "traceparent",
    "x-amzn-trace-id",
    "x-medplum-deleted-resource",
    "x-medplum-interaction",
    "x-medplum-subscription",
    "x-request-id",
    "x-trace-id",
];

impl Delivery {
    /// A request that is about to be answered.
    pub(crate) fn draft(app: &App, origin: Origin, head: (&Method, &str, &HeaderMap), body: Bytes) -> Draft {
        let (method, path, headers) = head;
        let allowed = app.provided().allowed_headers(headers);
        let own = allowed.iter().map(|(name, _)| name.as_str());
        let mut kept = HeaderMap::new();
        for name in TELLING.into_iter().chain(own) {
            if let (Ok(name), Some(value)) = (name.parse::<HeaderName>(), Headers::get(headers, name).text())
                && let Ok(value) = value.parse()
            {
                kept.insert(name, value);
            }
        }
        let sent = Sent { method: method.clone(), path: path.to_owned(), headers: kept, body };
        Draft { at: app.now(), origin, sent }
    }

    /// Its entry in a list of the program's deliveries.
    pub(crate) fn summary(&self, app: &App) -> Summary<'_> {
        let room = app.serving(&self.sent.path).settings().fhir_server;
        let milliseconds = self.elapsed.as_millis() as u64;
        let (origin, again) = match self.origin {
            Origin::Server => ("server", None),
            Origin::Desk { again } => ("desk", again),
        };
        Summary {
            id: self.id,
            at: self.at.to_string(),
            origin,
            again,
            method: self.sent.method.as_str(),
            path: &self.sent.path,
            events: &self.events,
            status: self.status.as_u16(),
            milliseconds,
            next: self.next(room),
        }
    }

    /// Its sender's next step.
    pub(crate) fn next(&self, room: &Room) -> String {
        if self.origin != Origin::Server {
            return "nothing: it was sent from the desk".to_owned();
        }
        if self.status.is_success() {
            return "nothing: the notification is done".to_owned();
        }
        match (&room.resends, self.pause(room)) {
            (Resends::Somehow(text), _) => (*text).to_owned(),
            (Resends::UnlessRefused(_), _) if self.status.is_client_error() => {
                format!("nothing: {} takes a {} as final", room.title, self.status.as_u16())
            }
            (_, Some(pause)) => format!("{} sends it again in {} s", room.title, seconds(pause)),
            (_, None) => format!("nothing more: {} has given it up after {} tries", room.title, self.tries()),
        }
    }

    /// The pause before the sender retries; `None` if it does not retry, or if the pause is unknown.
    pub(crate) fn pause(&self, room: &Room) -> Option<Duration> {
        match room.resends {
            _ if self.origin != Origin::Server || self.status.is_success() => None,
            Resends::Somehow(_) => None,
            Resends::UnlessRefused(_) if self.status.is_client_error() => None,
            Resends::After(pause) | Resends::UnlessRefused(pause) => pause(self.tries()),
        }
    }

    fn tries(&self) -> u16 {
        self.events.iter().map(|event| event.tries).max().unwrap_or(1)
    }

    /// The delivery as a file.
    pub(crate) fn recorded(&self) -> Recorded {
        let outcomes = self.events.iter().map(|event| event.outcome.to_owned()).collect();
        let seen = Seen { at: self.at.to_string(), status: self.status.as_u16(), outcomes };
        Recorded::new(&self.sent, Some(seen))
    }

    /// The endpoint of the delivery, if there is such a subscription.
    pub(crate) fn endpoint(&self) -> Option<&'static str> {
        self.events.iter().find_map(|event| event.endpoint)
    }

    /// Whether its sender was refused because it did not show the secret or the signature.
    pub(super) fn is_of_stranger(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// The approximate number of bytes that it takes in memory.
    pub(super) fn size(&self) -> usize {
        let events = self.events.len() * size_of::<DeskRecord>();
        size_of::<Self>()
            + self.sent.body.len()
            + self.sent.path.len()
            + self.answer.len()
            + self.reads.size()
            + events
    }
}

/// A delivery that is not answered yet.
pub(crate) struct Draft {
    at: Instant,
    origin: Origin,
    pub(crate) sent: Sent,
}

impl Draft {
    /// The delivery, once it is answered; `None` for a request that is not for a handler.
    pub(crate) fn answered(
        self,
        app: &App,
        answered: &Answered,
        mut reads: Reads,
        elapsed: Duration,
    ) -> Option<Delivery> {
        let Self { at, origin, mut sent } = self;
        let events: Vec<_> = answered.records().filter_map(Record::told).collect();
        let is_own =
            |event: &DeskRecord| event.endpoint.is_none_or(|name| app.registry().find(name).is_some());
        if events.is_empty() || !events.iter().all(is_own) {
            return None;
        }
        // The body may be a Subscription, which contains the secret.
        let hide = |text: &str| app.settings().secrets.hide_in(text);
        if let Some(hidden) = hidden_in(&sent.body, hide) {
            sent.body = hidden;
        }
        reads.hide(|json| hidden(json, hide));
        for value in sent.headers.values_mut() {
            let hidden = value.to_str().ok().and_then(|text| hidden(text, hide));
            if let Some(hidden) = hidden.and_then(|hidden| HeaderValue::from_bytes(hidden.as_bytes()).ok()) {
                *value = hidden;
            }
        }
        let (status, answer) = (answered.answer.status, answered.answer.body.clone());
        Some(Delivery { id: 0, at, origin, sent, events, status, answer, reads, elapsed })
    }
}

/// `text` without the secrets that `hide` hides, even if a JSON string writes them with escapes; `None` if `text` has
/// none.
fn hidden(text: &str, hide: impl Fn(&str) -> String) -> Option<String> {
    let plain = hide(text);
    let (mut told, mut rest) = (String::with_capacity(plain.len()), &*plain);
    while let Some(begin) = rest.find('"') {
        let inner = &rest[begin + 1..];
        let mut letters = inner.char_indices();
        let mut end = None;
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    end = Some(at);
                    break;
                }
                '\\' => drop(letters.next()),
                _ => {}
            }
        }
        let Some(end) = end else { break };
        let (before, string) = (&rest[..begin], &rest[begin..begin + end + 2]);
        told.push_str(before);
        let escaped = string.contains('\\').then(|| serde_json::from_str::<String>(string).ok()).flatten();
        match escaped.map(|value| (hide(&value), value)) {
            Some((hidden, value)) if hidden != value => told.push_str(&Value::from(hidden).to_string()),
            _ => told.push_str(string),
        }
        rest = &rest[begin + end + 2..];
    }
    told.push_str(rest);
    (told != text).then_some(told)
}

/// The same for a body, even if not all of it is UTF-8.
fn hidden_in(body: &[u8], hide: impl Fn(&str) -> String) -> Option<Bytes> {
    hidden(&String::from_utf8_lossy(body), hide).map(Bytes::from)
}

/// The seconds, rounded to a tenth.
fn seconds(pause: Duration) -> String {
    let tenths = (pause.as_secs_f64() * 10.0).round() / 10.0;
    format!("{tenths}")
}

#[cfg(test)]
mod tests {
    use super::{hidden, hidden_in};

    #[test]
    fn a_secret_is_hidden_however_json_writes_it() {
        let secret = "se/cr\"et\\of 32";
        let hide = |text: &str| text.replace(secret, "…");
        let json = serde_json::json!({ "header": [format!("X-Auth: {secret}")], "n": 1.50 }).to_string();
        for text in [
            json.clone(),
            json.replace('/', "\\/"),
            json.replace('s', "\\u0073"),
            format!("{{\"a\":\"\\\\\",{}", &json[1..]),
        ] {
            let told = hidden(&text, hide).unwrap_or_else(|| panic!("{text}"));
            let value: serde_json::Value = serde_json::from_str(&told).unwrap();
            assert_eq!(value["header"][0], "X-Auth: …", "{text}");
        }
        for text in ["", "{\"a\":\"b\\\"c\"}", "\"", "no \" json \\", "\"\\"] {
            assert_eq!(hidden(text, hide), None, "{text}");
        }
    }

    #[test]
    fn a_secret_is_hidden_in_a_body_that_is_not_utf_8() {
        let hide = |text: &str| text.replace("secret-of-32", "…");
        let body = b"{\"header\":[\"X-Auth: secret-of-32\"],\"reason\":\"M\xfcnchen\"}";
        let told = hidden_in(body, hide).unwrap();
        assert!(!told.windows(12).any(|window| window == b"secret-of-32"), "{told:?}");
        assert_eq!(hidden_in(b"{\"reason\":\"M\xfcnchen\"}", hide), None);
    }
}
