//! The notifications of servers, and the events that they are decoded into.

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::{Decoded, Expected, Undecodable, decode, decode_queried};
use crate::declaration::{Declaration, Topic, Trigger};
use crate::event::Event;
use crate::fixtures::{Succeed, declaration};
use crate::request::Head;

mod aidbox;
mod cost;
mod entries;
mod frame;
#[cfg(any(test, feature = "testing"))]
mod kit;
mod many;
mod payload_search;
mod refused;
mod shared;
mod unlisted;
mod variants;

const MAXIMUM: usize = 1_000;

const STATUS: &str = "/entry/0/resource";
const R4_EVENT: &str = "/entry/0/resource/parameter/5/part";
const R5_EVENT: &str = "/entry/0/resource/notificationEvent/0";

/// The events of every variant of [`r4`] and [`r5`], unless a variant changes exactly this.
const USUAL: &str = "#7 update Encounter/1@3 {…}";

/// A name, the edits, and the events.
type Case<'a> = (&'a str, &'a [(&'a str, Value)], &'a [&'a str]);

#[track_caller]
fn check(base: &Value, cases: &[Case<'_>]) {
    for (name, edits, events) in cases {
        assert_eq!(told(&topic(), &with(base, edits).to_string()), *events, "{name}");
    }
}

fn at(base: &str, rest: &str) -> String {
    format!("{base}/{rest}")
}

/// The NHS identifies an event by the id of its Bundle. The answer to `$events` has another Bundle than the notification.
#[test]
fn an_event_that_the_program_asked_for_keeps_its_number() {
    let status = json!({
        "resourceType": "SubscriptionStatus", "type": "query-event",
        "subscription": { "reference": "Subscription/s1" },
        "notificationEvent": [{ "eventNumber": "1", "focus": { "reference": "Encounter/1" } }],
    });
    let body = json!({
        "resourceType": "Bundle", "id": "b", "type": "subscription-notification", "entry": [{ "resource": status }],
    });
    let (topic, body) = (topic(), body.to_string());
    let numbers: Vec<_> = decode_queried(&expected(&topic), &body).iter().map(|it| it.event.number).collect();
    assert_eq!(numbers, [Some(1)]);
}

/// The result of a request: a notice, its events, or the status of the answer.
///
/// An event is written `#2 create Encounter/1@3 {…}`, with `-` for unknown parts; the braces stand for a
/// resource. If there is no focus, the text of the reference stands in its place.
fn told(declaration: &Declaration, body: &str) -> Vec<String> {
    told_to(&expected(declaration), body)
}

fn told_to(expected: &Expected<'_>, body: &str) -> Vec<String> {
    let headers = HeaderMap::new();
    let head = Head { method: &Method::POST, path: "/e", query: None, headers: &headers };
    match decode(&head, expected, None, body.as_bytes()) {
        Ok(Decoded::Notice(notice, _)) => vec![notice.to_owned()],
        Ok(Decoded::NothingFound) => vec!["nothing found".to_owned()],
        Ok(Decoded::Events(events, _)) => events
            .iter()
            .map(|happened| {
                if let Some(mistake) = happened.mistake {
                    assert!(!mistake.contains("canary") && happened.resource.is_none(), "{mistake}");
                    return "422".to_owned();
                }
                let Event { interaction, focus, version_id, number, .. } = &*happened.event;
                let number = number.map_or("-".to_owned(), |number| number.to_string());
                let version_id = version_id.as_deref().unwrap_or("-");
                let focus = focus.as_deref().or(happened.event.reference()).unwrap_or("-");
                let resource = if happened.resource.is_some() { " {…}" } else { "" };
                if let (Some(resource), Some((resource_type, id))) =
                    (happened.resource, happened.event.focus().and_then(|focus| focus.split_once('/')))
                {
                    let resource: Value = serde_json::from_str(resource).unwrap();
                    assert_eq!(
                        (&resource["resourceType"], &resource["id"]),
                        (&json!(resource_type), &json!(id))
                    );
                }
                format!("#{number} {interaction} {focus}@{version_id}{resource}")
            })
            .collect(),
        Err(undecodable) => {
            assert!(!format!("{undecodable:?}").contains("canary"), "{undecodable:?}");
            vec![status(&undecodable).to_string()]
        }
    }
}

/// The status of the answer.
fn status(undecodable: &Undecodable) -> u16 {
    match undecodable {
        Undecodable::Malformed(_) => 400,
        Undecodable::NamesResource => 405,
        Undecodable::NotJson | Undecodable::Compressed => 415,
        Undecodable::Unprocessable(_) | Undecodable::TooManyEvents { .. } => 422,
    }
}

/// The app's knowledge of a notification, if its server is the one of the examples.
fn expected(declaration: &Declaration) -> Expected<'_> {
    Expected { declaration, base: "https://fhir.example.org", maximum: MAXIMUM, provided: None }
}

fn events(declaration: &Declaration, body: &str) -> Vec<Event> {
    let headers = HeaderMap::new();
    let head = Head { method: &Method::POST, path: "/e", query: None, headers: &headers };
    match decode(&head, &expected(declaration), None, body.as_bytes()) {
        Ok(Decoded::Events(events, _)) => events.into_iter().map(|happened| *happened.event).collect(),
        other => panic!("{other:?}"),
    }
}

/// A declaration of a topic subscription.
fn topic() -> Declaration {
    let url = "http://example.org/topic";
    let topic = Topic { url, filters: &[], heartbeat: None, timeout: None, max_count: None };
    Declaration { trigger: Trigger::Topic(topic), ..declaration::<Event, Succeed>("", "e") }
}

/// An R4 notification of one event, as HAPI sends it.
fn r4() -> Value {
    json!({
        "resourceType": "Bundle",
        "type": "history",
        "entry": [
            {
                "fullUrl": "urn:uuid:0a0e0f6c-0000-4000-8000-000000000001",
                "resource": {
                    "resourceType": "Parameters",
                    "parameter": [
                        { "name": "subscription", "valueReference": { "reference": "Subscription/1" } },
                        { "name": "topic", "valueCanonical": "http://example.org/topic" },
                        { "name": "status", "valueCode": "active" },
                        { "name": "type", "valueCode": "event-notification" },
                        { "name": "events-since-subscription-start", "valueString": "7" },
                        {
                            "name": "notification-event",
                            "part": [
                                { "name": "event-number", "valueString": "7" },
                                { "name": "timestamp", "valueInstant": "2026-01-31T12:00:00Z" },
                                { "name": "focus", "valueReference": { "reference": "Encounter/1" } },
                                { "name": "additional-context", "valueReference": { "reference": "Patient/9" } },
                            ],
                        },
                    ],
                },
                "request": { "method": "GET", "url": "Subscription/1/$status" },
                "response": { "status": "200" },
            },
            full("Encounter", "1", "PUT"),
            full("Patient", "9", "GET"),
        ],
    })
}

/// An R5 notification of one event, as in the specification.
fn r5() -> Value {
    json!({
        "resourceType": "Bundle",
        "type": "subscription-notification",
        "entry": [
            {
                "fullUrl": "urn:uuid:0a0e0f6c-0000-4000-8000-000000000001",
                "resource": {
                    "resourceType": "SubscriptionStatus",
                    "status": "active",
                    "type": "event-notification",
                    "eventsSinceSubscriptionStart": "7",
                    "notificationEvent": [{
                        "eventNumber": "7",
                        "timestamp": "2026-01-31T12:00:00Z",
                        "focus": { "reference": "https://fhir.example.org/Encounter/1" },
                    }],
                    "subscription": { "reference": "https://fhir.example.org/Subscription/1" },
                    "topic": "http://example.org/topic",
                },
            },
            full("Encounter", "1", "PUT"),
        ],
    })
}

/// An entry of version 3 of a resource.
fn full(resource_type: &str, id: &str, method: &str) -> Value {
    let reference = format!("{resource_type}/{id}");
    json!({
        "fullUrl": format!("https://fhir.example.org/{reference}"),
        "resource": { "resourceType": resource_type, "id": id, "meta": { "versionId": "3" }, "text": "canary" },
        "request": { "method": method, "url": reference },
        "response": { "status": "200" },
    })
}

/// `base` with the value at `pointer` replaced, or removed if the new value is `null`.
#[track_caller]
fn with(base: &Value, edits: &[(&str, Value)]) -> Value {
    let mut body = base.clone();
    for (pointer, value) in edits {
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap_or_else(|| panic!("nothing is at {pointer}"));
        match (parent, value) {
            (Value::Object(members), Value::Null) => drop(members.remove(member)),
            (Value::Object(members), value) => drop(members.insert(member.to_owned(), value.clone())),
            (Value::Array(items), Value::Null) => drop(items.remove(member.parse().unwrap())),
            (Value::Array(items), value) if member == "-" => items.push(value.clone()),
            (Value::Array(items), value) => items[member.parse::<usize>().unwrap()] = value.clone(),
            _ => panic!("nothing is at {pointer}"),
        }
    }
    body
}

#[test]
fn how_many_events_there_have_been() {
    let counted = |body: &Value| {
        let (headers, declaration) = (HeaderMap::new(), topic());
        let head = Head { method: &Method::POST, path: "/e", query: None, headers: &headers };
        match decode(&head, &expected(&declaration), None, body.to_string().as_bytes()) {
            Ok(Decoded::Events(_, counted) | Decoded::Notice(_, counted)) => {
                (counted.subscription, counted.events, counted.is_handshake)
            }
            other => panic!("{other:?}"),
        }
    };
    let r5 = |value: Value| {
        let mut body = r5();
        body["entry"][0]["resource"]["eventsSinceSubscriptionStart"] = value;
        counted(&body).1
    };
    let r4 = |name: &str, value: Value| {
        let mut body = r4();
        let parameters = body["entry"][0]["resource"]["parameter"].as_array_mut().unwrap();
        parameters.retain(|parameter| parameter["name"] != "events-since-subscription-start");
        parameters.push(json!({ "name": "events-since-subscription-start", name: value }));
        counted(&body).1
    };
    assert_eq!((r5(json!(7)), r5(json!("7"))), (Some(7), Some(7)));
    assert_eq!((r4("valueString", json!("7")), r4("valueInteger64", json!("7"))), (Some(7), Some(7)));
    assert_eq!(r4("valueUnsignedInt", json!(7)), Some(7));
    // With any other value, the events are still read.
    for value in [json!(-7), json!("seven"), json!(null), json!({ "value": [7] }), json!(7.5), json!("")] {
        assert_eq!(r5(value.clone()), None, "{value}");
    }
    let mut handshake = r5_body_of("handshake");
    handshake["entry"][0]["resource"]["eventsSinceSubscriptionStart"] = json!("0");
    assert_eq!(counted(&handshake), (Some("Subscription/1".to_owned()), Some(0), true));
}

fn r5_body_of(kind: &str) -> Value {
    let mut body = r5();
    body["entry"][0]["resource"]["type"] = json!(kind);
    body["entry"][0]["resource"]["subscription"] = json!({ "reference": "https://h/fhir/Subscription/1" });
    body
}
