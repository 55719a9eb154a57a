//! Topics for trying out a program, because the real topics are on the real server.

use fhir_sub_search::search;
use serde_json::{Value, json};

use super::basic;
use crate::fhir::FhirVersion;
use crate::search::types;

/// The resources that a handler of the program watches.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Watched {
    /// The resources for which a topic fires.
    Topic {
        /// The canonical URL.
        url: &'static str,
        /// The searches that narrow the topic.
        filters: &'static [&'static str],
    },
    /// The resources of a type; `None` if there are several.
    Type(Option<&'static str>),
}

/// A topic in place of one that handlers name.
#[derive(Debug)]
#[doc(hidden)]
pub struct StandIn {
    /// The canonical URL, as the handlers name it.
    #[doc(hidden)]
    pub url: &'static str,
    /// The resource types; the topic fires for each change of them.
    #[doc(hidden)]
    pub types: Vec<&'static str>,
    /// Whether the types are a guess, because nothing in the program names one.
    #[doc(hidden)]
    pub is_guess: bool,
}

/// The type if the program names none: most topics are about encounters.
const GUESS: &str = "Encounter";

/// One topic for each URL that the handlers name. It fires for every change of these types, the first that
/// are known:
///
/// 1. the types of the handlers' filters
/// 2. the type in the URL, such as `…/appointment-booked`
/// 3. the types that the other handlers watch
///
/// It never fires for all types: a handler that writes could then trigger itself without end.
#[doc(hidden)]
pub fn stand_ins(watched: &[Watched], version: FhirVersion) -> Vec<StandIn> {
    let mut found: Vec<StandIn> = Vec::new();
    for watch in watched {
        let &Watched::Topic { url, .. } = watch else { continue };
        if found.iter().any(|stand_in| stand_in.url == url) {
            continue;
        }
        let of_the_same =
            watched.iter().filter(|it| matches!(it, Watched::Topic { url: its, .. } if *its == url));
        let mut types: Vec<_> = of_the_same.flat_map(|watch| watch.types(version)).collect();
        if types.is_empty() {
            types.extend(named_by(url, version));
        }
        if types.is_empty() {
            types = watched.iter().flat_map(|watch| watch.types(version)).collect();
        }
        let is_guess = types.is_empty();
        if is_guess {
            types.push(GUESS);
        }
        types.sort_unstable();
        types.dedup();
        found.push(StandIn { url, types, is_guess });
    }
    found
}

impl Watched {
    /// The watched type, or the types of a topic's filters.
    fn types(&self, version: FhirVersion) -> Vec<&'static str> {
        match *self {
            Self::Topic { filters, .. } => {
                let written = filters.iter().flat_map(|filter| search::split_filter(filter));
                written.filter_map(|filter| known(filter.resource_type?, version)).collect()
            }
            Self::Type(name) => name.and_then(|name| known(name, version)).into_iter().collect(),
        }
    }
}

impl StandIn {
    /// The topic in the form of the version's servers, with a fixed id.
    #[doc(hidden)]
    pub fn resource(&self, index: usize, version: FhirVersion) -> Value {
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

fn known(name: &str, version: FhirVersion) -> Option<&'static str> {
    types(version).into_iter().find(|kind| *kind == name)
}

/// The type whose name is a part of the URL's last segment, in any case; the longest, if there are several.
fn named_by(url: &str, version: FhirVersion) -> Option<&'static str> {
    let url = url.split('|').next().unwrap_or_default();
    let segment = url.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let letters: String = segment.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_named = |kind: &&str| letters.contains(&kind.to_ascii_lowercase());
    types(version).into_iter().filter(is_named).max_by_key(|kind| kind.len())
}

#[cfg(test)]
mod tests;
