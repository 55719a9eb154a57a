//! Topics for a program that is tried out: the real ones are on the real server.

use fhir_sub_search::search;
use serde_json::{Value, json};

use super::basic;
use crate::declaration::{Declaration, Topic, Trigger};
use crate::fhir::FhirVersion;
use crate::sandbox::search::types;

/// A topic that stands in for one that handlers name.
#[derive(Debug)]
pub(crate) struct StandIn {
    /// The canonical URL, as the handlers have it.
    pub(crate) url: &'static str,
    /// The types of resources for whose every change it fires.
    pub(crate) types: Vec<&'static str>,
    /// Whether nothing that the program says names a type.
    pub(crate) is_guess: bool,
}

/// What fires where nothing says what: most topics are about encounters.
const GUESS: &str = "Encounter";

/// One topic for each URL that the handlers name. It fires for every change of the types that their filters are of; where
/// there is no filter, of the type that the URL names, as `…/appointment-booked` does, or else of those that the other
/// handlers watch. Never of all types, or a handler that writes would make itself run for ever.
pub(crate) fn stand_ins(declarations: &[&'static Declaration], version: FhirVersion) -> Vec<StandIn> {
    let mut found: Vec<StandIn> = Vec::new();
    for topic in declarations.iter().filter_map(|declaration| topic(declaration)) {
        if found.iter().any(|stand_in| stand_in.url == topic.url) {
            continue;
        }
        let of_the_same =
            declarations.iter().filter_map(|it| self::topic(it)).filter(|it| it.url == topic.url);
        let mut types: Vec<_> = of_the_same.flat_map(|topic| filtered(topic, version)).collect();
        if types.is_empty() {
            types.extend(named_by(topic.url, version));
        }
        if types.is_empty() {
            types = declarations.iter().flat_map(|declaration| watched(declaration, version)).collect();
        }
        let is_guess = types.is_empty();
        if is_guess {
            types.push(GUESS);
        }
        types.sort_unstable();
        types.dedup();
        found.push(StandIn { url: topic.url, types, is_guess });
    }
    found
}

impl StandIn {
    /// The topic as servers of the version keep it, with an id that it keeps.
    pub(crate) fn resource(&self, index: usize, version: FhirVersion) -> Value {
        let topic = self.topic(index);
        if version == FhirVersion::R4 { basic::of_topic(&topic) } else { topic }
    }

    fn topic(&self, index: usize) -> Value {
        let (url, version) = match self.url.split_once('|') {
            Some((url, version)) => (url, Some(version)),
            None => (self.url, None),
        };
        let trigger = |resource: &&str| json!({ "resource": resource, "supportedInteraction": ["create", "update", "delete"] });
        let mut topic = json!({
            "resourceType": "SubscriptionTopic",
            "id": format!("stand-in-{}", index + 1),
            "url": url,
            "title": "Made by the sandbox for a handler that names it",
            "status": "active",
            "resourceTrigger": self.types.iter().map(trigger).collect::<Vec<_>>(),
        });
        if let Some(version) = version {
            topic["version"] = version.into();
        }
        topic
    }
}

fn topic(declaration: &'static Declaration) -> Option<&'static Topic> {
    match &declaration.trigger {
        Trigger::Topic(topic) => Some(topic),
        Trigger::Criteria(_) => None,
    }
}

/// The types of a topic's filters.
fn filtered(topic: &'static Topic, version: FhirVersion) -> impl Iterator<Item = &'static str> {
    let written = topic.filters.iter().flat_map(|filter| search::split_filter(filter));
    written.filter_map(move |filter| known(filter.resource_type?, version))
}

fn watched(declaration: &'static Declaration, version: FhirVersion) -> Vec<&'static str> {
    match &declaration.trigger {
        Trigger::Topic(topic) => filtered(topic, version).collect(),
        Trigger::Criteria(_) => {
            declaration.trigger.resource_type().and_then(|name| known(name, version)).into_iter().collect()
        }
    }
}

fn known(name: &str, version: FhirVersion) -> Option<&'static str> {
    types(version).into_iter().find(|kind| *kind == name)
}

/// The type whose name, in whatever case, is a part of the URL's last segment; of several the longest.
fn named_by(url: &str, version: FhirVersion) -> Option<&'static str> {
    let url = url.split('|').next().unwrap_or_default();
    let segment = url.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let letters: String = segment.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_named = |kind: &&str| letters.contains(&kind.to_ascii_lowercase());
    types(version).into_iter().filter(is_named).max_by_key(|kind| kind.len())
}

#[cfg(test)]
mod tests;
