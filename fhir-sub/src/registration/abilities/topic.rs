//! What servers cannot do of topics, or would leave undone without a word.
//!
//! `on` is not looked at: which interactions fire is the topic's own.

use crate::declaration::{Content, Declaration, Topic};
use crate::fhir::FhirVersion;
use crate::registration::wanted::filters;
use crate::settings::{FhirServer, Settings};

pub(super) fn check(
    topic: &Topic,
    declaration: &Declaration,
    settings: &Settings,
    cannot: &mut dyn FnMut(&str),
) {
    match (settings.fhir_server, settings.fhir_version) {
        (FhirServer::Medplum, _) => {
            cannot("FHIR_SERVER is medplum, which tells of topics over websockets only: write `criteria`");
        }
        (FhirServer::Firely, _) => {
            cannot("FHIR_SERVER is firely, which knows criteria, and no topics: write `criteria`");
        }
        (FhirServer::Hapi, version) => hapi(topic, version, cannot),
        (FhirServer::Helios, _) => {
            filters_are_equal(topic, "Helios", cannot);
            helios_filters(topic, declaration, cannot);
            if declaration.content == Content::FullResource && settings.base_url.url().scheme() != "https" {
                cannot(
                    "Helios sends whole resources to https endpoints only: write `content = \"id-only\"`, or give \
                     APP_BASE_URL as an https URL",
                );
            }
        }
        (FhirServer::Aidbox, _) => filters_are_equal(topic, "Aidbox", cannot),
        (FhirServer::Generic | FhirServer::Auto, _) => {}
    }
}

fn hapi(topic: &Topic, version: FhirVersion, cannot: &mut dyn FnMut(&str)) {
    match version {
        FhirVersion::R5 => cannot(
            "HAPI FHIR sends none of the headers that a Subscription of R5 names, so that every notification would come \
             without the secret, and be refused: use HAPI FHIR with R4 or R4B, or another server",
        ),
        FhirVersion::R4B if !topic.filters.is_empty() => cannot(
            "HAPI FHIR ignores the filters of R4B, so that the handler would run for everything that the topic fires \
             for: take `filter` out and look in the handler, or use HAPI FHIR with R4",
        ),
        FhirVersion::R4 if topic.filters.is_empty() => {
            cannot("HAPI FHIR refuses a topic's Subscription of R4 that has no filter: write `filter`")
        }
        FhirVersion::R4 | FhirVersion::R4B => {
            // They are held against the resource in memory, by which alone no other resource can be seen.
            for filter in filters(topic).filter(|filter| filter.is_chained()) {
                cannot(&format!(
                    "its filter `{filter}` asks for what another resource has, and HAPI FHIR looks at the changed one \
                     only, so that it would never fire: look in the handler"
                ));
            }
        }
    }
}

/// What Helios finds in a resource, by its source (`helios-subscriptions` 0.2.7, `evaluator/filter_match.rs`): four
/// parameters, and elements of one value that are called as the parameter is.
const HELIOS_PARAMETERS: [&str; 16] = [
    "patient",
    "code",
    "category",
    "identifier",
    "active",
    "description",
    "experimental",
    "gender",
    "intent",
    "language",
    "mode",
    "priority",
    "status",
    "title",
    "url",
    "version",
];

fn helios_filters(topic: &Topic, declaration: &Declaration, cannot: &mut dyn FnMut(&str)) {
    for filter in filters(topic).filter(|filter| !HELIOS_PARAMETERS.contains(&filter.parameter())) {
        cannot(&format!(
            "its filter `{filter}` would never hold: Helios looks at `patient`, `code`, `category`, `identifier` and at \
             elements of one value, such as `status`; look for the rest in the handler"
        ));
    }
    let mut types: Vec<_> = filters(topic).map(|filter| filter.resource_type()).collect();
    types.dedup();
    if types.len() > 1 {
        cannot(
            "it has filters of several types, and Helios wants all of them of each resource, so that they would never \
             hold: write a handler for each type",
        );
    }
    if declaration.interactions.delete && !types.is_empty() {
        cannot(
            "it wants deletions and has a filter, and Helios tells of deletions only where there is none: leave `delete` \
             out of `on`, or `filter` out, and look in the handler",
        );
    }
}

/// The server compares texts: anything else would be taken as part of the value, and never fire.
fn filters_are_equal(topic: &Topic, server: &str, cannot: &mut dyn FnMut(&str)) {
    for filter in filters(topic).filter(|filter| filter.is_chained() || filter.is_more_than_equal()) {
        cannot(&format!(
            "its filter `{filter}` asks for more than that a parameter has a value, and {server} does nothing else: \
             write `Type?parameter=value`, and look for the rest in the handler"
        ));
    }
}
