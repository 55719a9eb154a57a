//! For `tests/fuzz`: decodes any text as a notification.

use http::{HeaderMap, Method};
use serde_json::Value;

use super::by_serde::must_agree;
use super::{Decoded, Expected, Happened, Undecodable, decode};
use crate::declaration::{Content, Declaration, Order, Source, Topic, Trigger, Trust};
use crate::event::Event;
use crate::fhir::{FhirVersions, Reference, is_id};
use crate::interaction::{Interaction, Interactions};
use crate::json::Outline;
use crate::outcome::Outcome;
use crate::request::Head;
use crate::uses::Uses;

/// The most events that are accepted.
const MAXIMUM: usize = 100;

/// Decodes `body` as it may reach the endpoint of a topic, of a criteria with one type, and of a criteria
/// with any type.
///
/// # Panics
///
/// If the result breaks a promise to handlers.
pub fn notification(body: &[u8]) {
    if let Ok(text) = std::str::from_utf8(body) {
        must_agree(text);
    }
    let topic = Topic {
        url: "http://example.org/topic",
        filters: &[],
        heartbeat: None,
        timeout: None,
        max_count: None,
    };
    for trigger in [Trigger::Topic(topic), Trigger::Criteria("Encounter?"), Trigger::Criteria("[*]")] {
        let (headers, declaration) = (HeaderMap::new(), declaration(trigger));
        let head = Head { method: &Method::POST, path: "/e", query: None, headers: &headers };
        let base = "https://fhir.example.org";
        let expected = Expected { declaration: &declaration, base, maximum: MAXIMUM, provided: None };
        match decode(&head, &expected, None, body) {
            Ok(Decoded::Notice(..) | Decoded::NothingFound) => {}
            Ok(Decoded::Events(events, _)) => {
                assert!((1..=MAXIMUM).contains(&events.len()), "{} events", events.len());
                for happened in events {
                    can_be_relied_on(&happened, body);
                }
            }
            Err(Undecodable::Malformed(text) | Undecodable::Unprocessable(text)) => {
                assert!(text.len() < 200, "what is said of it grows with it: {text}");
            }
            Err(Undecodable::TooManyEvents { maximum }) => assert_eq!(maximum, MAXIMUM),
            Err(undecodable) => panic!("{undecodable:?}"),
        }
    }
}

/// The references of an event have the promised form, and its resource is a piece of the body.
fn can_be_relied_on(Happened { event, resource, .. }: &Happened<'_>, body: &[u8]) {
    let Event { focus, subscription, version_id, interaction, .. } = &**event;
    for text in [focus, subscription].into_iter().flatten() {
        let reference = Reference::parse(text).expect("a reference");
        assert_eq!(reference.to_string(), *text, "it is relative and has no version");
    }
    assert!(version_id.as_deref().is_none_or(is_id));
    let Some(resource) = resource else { return };
    assert!(body.as_ptr_range().contains(&resource.as_ptr()), "it is a piece of the body");
    assert_ne!(*interaction, Interaction::Delete);
    let Ok(Outline { resource_type, id, .. }) = Outline::read(resource) else { panic!("it is a resource") };
    // An event with another kind of name may have any resource: the entry has the same URL, or is the only
    // one of its type.
    let is_focus = |resource_type: &str, id: &str| {
        focus.as_deref().is_none_or(|focus| *focus == format!("{resource_type}/{id}"))
    };
    assert!(id.is_none_or(|id| is_focus(&resource_type, &id)), "it is what the event is about");
    // Also for a type that accepts repeated members: then the last one counts.
    if let Ok(value) = serde_json::from_str::<Value>(resource) {
        let said = |member: &str| value[member].as_str();
        assert_eq!(said("resourceType"), Some(&*resource_type));
        assert!(said("id").is_none_or(|id| is_focus(&resource_type, id)), "it is so for its handler");
    }
}

fn declaration(trigger: Trigger) -> Declaration {
    Declaration {
        handler: "handler",
        source: Source { package: "fuzz", file: "notification.rs", line: 1 },
        trigger,
        has_placeholders: false,
        endpoint: "e",
        reason: "",
        interactions: Interactions::DEFAULT,
        content: Content::FullResource,
        trust: Trust::Notification,
        order: Order::Any,
        end: None,
        versions: FhirVersions::of(&[]),
        parameter_types: &[],
        allowed: None,
        registration: None,
        uses: Uses::NOTHING,
        require: |_| {},
        run: |_| Box::pin(async { Outcome::Handled }),
    }
}
