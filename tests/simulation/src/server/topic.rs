//! The events of a topic: their numbers, `$status`, `$events`, and the Bundles of notifications.

use serde_json::{Value, json};

use super::answer::{Reply, refusal, reply};
use super::search::parameter;
use super::{Change, Kind, Server};
use crate::moment::instant;
use crate::plan::{Dialect, Endpoint, Fault, Plan, Quirk, Trait};
use crate::world::World;

const TOPIC: &str = "https://example.org/topics/encounters";

/// An event with its number in the Subscription.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbered {
    pub(crate) number: u64,
    pub(crate) serial: usize,
}

impl Server {
    /// Gives numbers to the events of these changes.
    pub(crate) fn number(&mut self, serials: &[usize]) -> Vec<Numbered> {
        let mut number = self.events.last().map_or(0, |last| last.number);
        let mut give = |serial: &usize| {
            number += 1;
            Numbered { number, serial: *serial }
        };
        let events: Vec<_> = serials.iter().map(&mut give).collect();
        self.events.extend(&events);
        self.all_events.extend(&events);
        events
    }

    /// Restarts the counter.
    pub(crate) fn restart(&mut self) {
        self.events.clear();
    }

    pub(super) fn status(&self, world: &World) -> Reply {
        if !world.plan.setup.dialect.has_topics() {
            return refusal(404);
        }
        reply(200, self.bundle_of("query-status", &[], &world.plan))
    }

    pub(super) fn queried(&self, world: &World, query: &[(String, String)]) -> Reply {
        let Plan { setup, .. } = world.plan;
        if setup.dialect != Dialect::Generic || world.has(Trait::NoEvents) {
            return refusal(404);
        }
        if world.does(Quirk::FailsEvents) {
            return refusal(500);
        }
        let number = |name| parameter(query, name).and_then(|number| number.parse::<u64>().ok());
        let (since, until) = (number("eventsSinceNumber").unwrap_or(0), number("eventsUntilNumber"));
        let kept = if world.has(Trait::FewEvents) { 2 } else { usize::MAX };
        let first = self.events.len().saturating_sub(kept);
        let asked: Vec<_> = self.events[first..]
            .iter()
            .filter(|event| event.number >= since && until.is_none_or(|until| event.number <= until))
            .copied()
            .collect();
        reply(200, self.bundle_of("query-event", &asked, &world.plan))
    }

    /// A notification of these events, with the content of the Subscription.
    pub(crate) fn bundle_of(&self, kind: &str, events: &[Numbered], plan: &Plan) -> Value {
        let (endpoint, base) = (plan.setup.endpoint, self.base);
        let is_empty = endpoint == Endpoint::TopicEmpty && kind == "event-notification";
        let event = |event: &Numbered| {
            let change = &self.changes[event.serial];
            let mut told = json!({ "eventNumber": event.number.to_string() });
            if !plan.faults.contains(&Fault::Trait(Trait::NoTimes)) {
                told["timestamp"] = json!(instant(change.stamp));
            }
            if !is_empty {
                told["focus"] = json!({ "reference": format!("{base}/Encounter/e{}", change.id) });
            }
            told
        };
        let count = self.events.last().map_or(0, |last| last.number);
        let status = json!({
            "resourceType": "SubscriptionStatus",
            "status": "active",
            "type": kind,
            "eventsSinceSubscriptionStart": count.to_string(),
            "notificationEvent": events.iter().map(event).collect::<Vec<_>>(),
            "subscription": { "reference": format!("{base}/Subscription/s1") },
            "topic": TOPIC,
        });
        let mut entries = vec![json!({ "resource": status })];
        for event in events.iter().filter(|_| !is_empty) {
            let change = &self.changes[event.serial];
            let mut entry = json!({
                "fullUrl": format!("{base}/Encounter/e{}", change.id),
                "request": { "method": method(plan, change), "url": format!("Encounter/e{}", change.id) },
            });
            if endpoint == Endpoint::Topic {
                let mut resource = self.resource(change);
                if plan.faults.contains(&Fault::Trait(Trait::Strips)) {
                    resource["meta"].as_object_mut().map(|meta| meta.remove("versionId"));
                }
                entry["resource"] = resource;
            }
            entries.push(entry);
        }
        json!({ "resourceType": "Bundle", "type": "subscription-notification", "entry": entries })
    }
}

/// The method by which a resource was changed. Some servers, as Helios, do not say it.
fn method(plan: &Plan, change: &Change) -> &'static str {
    let is_stripped = plan.faults.contains(&Fault::Trait(Trait::Strips));
    let is_silent = plan.setup.dialect == Dialect::Helios
        || (is_stripped && plan.setup.endpoint == Endpoint::TopicDeletions);
    match change.kind {
        _ if is_silent => "GET",
        Kind::Delete => "DELETE",
        Kind::Create | Kind::Update => "PUT",
    }
}
