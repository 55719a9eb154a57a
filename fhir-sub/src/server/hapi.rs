//! HAPI FHIR's JPA server, and Smile CDR, which is of the same code. Seen to do so in `tests/real/hapi/RECORDED.md` (8.8.0).
//!
//! | | |
//! |---|---|
//! | criteria | create and update, told alike, and told apart by the history of the resource; deletions by an extension |
//! | topics | R4 by the backport guide, with a filter; R4B, where it ignores filters; not R5, in which it sends no headers |
//! | filters | `Type?parameter=value`, of the changed resource alone |
//! | handshake, heartbeat, `$status`, `$events` | none |
//! | signature | none |

use fhir_sub_search::search::{Modifier, ParameterType};
use serde_json::json;

use super::{
    Ask, Cannot, Criteria, Events, Filter, FilterText, Kept, Registering, Room, Shows, Signature, TellsApart,
    Topics, by_other_means, filters_have_types,
};
use crate::fhir::{FhirVersion, Subscription};

pub(super) static ROOM: Room = Room {
    name: "hapi",
    title: "HAPI FHIR",
    // `RestfulServer` has the first, Smile CDR's documentation the second.
    called: &["hapi fhir", "smile cdr"],
    holds_several_versions: false,
    registering: Registering {
        path: None,
        status: "requested",
        complete: ask_for_deletions,
        extensions: &[SEND_DELETES],
        is_searched_by_url: true,
        is_changeable: true,
        keeps_two: true,
        media_type: "application/fhir+json",
        shows: Shows::Header,
        pace: None,
        turns_off: None,
        audits: false,
    },
    criteria: Ok(Criteria {
        has_deletions: true,
        tells_apart: TellsApart::ByHistory,
        has_several_types: true,
        own_parameters: None,
        never_fires,
        may_not_fire,
    }),
    topics: Ok(Topics {
        native_in: &[FhirVersion::R5],
        compares_urls: true,
        filter: FilterText::Typed,
        kept: |version| match version {
            FhirVersion::R4 => Some(Kept::Basic),
            FhirVersion::R4B | FhirVersion::R5 => Some(Kept::Topic),
        },
        filters_freely: true,
        shakes_hands: false,
        sends_heartbeats: false,
        numbers_go_on: true,
    }),
    events: Events { by_get: true, number_in_r5: "valueInteger64" },
    lists_deleted: false,
    signature: Signature::Nothing,
    refuse,
    note: |_ask, _note| {},
};

const SEND_DELETES: &str = "http://hapifhir.io/fhir/StructureDefinition/subscription-send-delete-messages";

/// The extension moved to the channel in HAPI 6.1: each version reads its own.
fn ask_for_deletions(subscription: &mut Subscription, ask: &Ask<'_>) {
    if ask.is_criteria() && ask.interactions.delete {
        subscription.add_extension(json!({ "url": SEND_DELETES, "valueBoolean": true }));
        subscription.add_channel_extension(json!({ "url": SEND_DELETES, "valueBoolean": true }));
    }
}

/// What cannot be seen in the changed resource alone, such as a chain, HAPI looks for in its database.
fn never_fires(filter: &Filter<'_>) -> Option<String> {
    by_other_means("HAPI FHIR", filter)
}

/// What HAPI FHIR 8.8.0 was seen to do with its settings as they come (`tests/real/hapi`).
fn may_not_fire(filter: &Filter<'_>) -> Option<String> {
    let setting = match filter.modifier() {
        Some(Modifier::Contains) => Some("allow_contains_searches"),
        Some(Modifier::Missing) => Some("index_missing_fields_enabled"),
        _ => None,
    };
    if let Some(setting) = setting {
        return Some(format!(
            "unless `{setting}` is on, HAPI FHIR fails at it for each changed resource, and then tells no Subscription of \
             that one: see that it is on, or look in the handler"
        ));
    }
    let (name, equals) = (filter.name(), |value: &String| !has_prefix(value));
    match filter.kind() {
        ParameterType::Date
            if filter.values().any(|value| equals(&value) && value.len() < "2030-01-01".len()) =>
        {
            Some(format!(
                "HAPI FHIR does not find a day by its year or month alone: write both ends, as in \
                 `{name}=ge1990-01-01&{name}=lt1991-01-01`"
            ))
        }
        ParameterType::Quantity if filter.values().any(|value| equals(&value)) => Some(format!(
            "HAPI FHIR finds no quantity that is equal: write both ends, as in `{name}=ge5.35&{name}=lt5.45`"
        )),
        _ => None,
    }
}

/// Whether the value of a date or a quantity is compared for more than equality.
fn has_prefix(value: &str) -> bool {
    let is_equal = value.starts_with("eq");
    !is_equal && value.starts_with(|letter: char| letter.is_ascii_lowercase())
}

fn refuse(ask: &Ask<'_>, cannot: &mut Cannot<'_>) {
    let Some(filters) = &ask.filters else { return };
    match ask.version {
        FhirVersion::R5 => cannot(
            "HAPI FHIR sends none of the headers that a Subscription of R5 names, so that every notification would come \
             without the secret, and be refused: use HAPI FHIR with R4 or R4B, or another server",
        ),
        FhirVersion::R4B if !filters.is_empty() => cannot(
            "HAPI FHIR ignores the filters of R4B, so that the handler would run for everything that the topic fires \
             for: take `filter` out and look in the handler, or use HAPI FHIR with R4",
        ),
        FhirVersion::R4 if filters.is_empty() => {
            cannot("HAPI FHIR refuses a topic's Subscription of R4 that has no filter: write `filter`");
        }
        FhirVersion::R4 | FhirVersion::R4B => {
            filters_have_types("HAPI FHIR", ask, cannot);
            // They are held against the resource in memory, by which alone no other resource can be seen.
            for filter in filters {
                if filter.is_chained() {
                    cannot(&format!(
                        "its filter `{filter}` asks for what another resource has, and HAPI FHIR looks at the changed one \
                         only, so that it would never fire: look in the handler"
                    ));
                } else if let Some(why) = never_fires(filter) {
                    cannot(&format!("its filter `{filter}` would never hold: {why}"));
                }
            }
        }
    }
}
