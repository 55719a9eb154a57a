//! HAPI FHIR's JPA server, and Smile CDR, which shares its code. By `tests/real/hapi/RECORDED.md` (8.8.0).
//!
//! | | |
//! |---|---|
//! | criteria | create and update, reported alike, but distinguished by the history of the resource; deletions by an extension |
//! | topics | R4 by the backport guide, with a filter; R4B, where it ignores filters; not R5, in which it sends no headers |
//! | filters | `Type?parameter=value`, of the changed resource alone |
//! | handshake, heartbeat, `$status`, `$events` | none |
//! | signature | none |

use std::time::Duration;

use fhir_sub_search::search::{Modifier, ParameterType};
use serde_json::json;

use super::{
    Ask, Cannot, Criteria, Events, Filter, FilterText, Kept, Registering, Resends, Room, Shows, Signature,
    TellsApart, Topics, by_other_means, filters_have_types,
};
use crate::fhir::{FhirVersion, Subscription};

pub(super) static ROOM: Room = Room {
    name: "hapi",
    title: "HAPI FHIR",
    // The first is in `RestfulServer`, the second in Smile CDR's documentation.
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
    // In its own memory, for 60 s in all.
    resends: Resends::After(|attempt| {
        let pause = 1.1_f64.powi(i32::from(attempt) - 1);
        (attempt <= 20).then(|| Duration::from_secs_f64(pause))
    }),
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

/// HAPI checks some criteria in its database, such as a chain, because the changed resource alone does not
/// decide them.
fn never_fires(filter: &Filter<'_>) -> Option<String> {
    by_other_means("HAPI FHIR", filter)
}

/// The behaviour of HAPI FHIR 8.8.0 with its default settings (`tests/real/hapi`).
fn may_not_fire(filter: &Filter<'_>) -> Option<String> {
    let setting = match filter.modifier() {
        Some(Modifier::Contains) => Some("allow_contains_searches"),
        Some(Modifier::Missing) => Some("index_missing_fields_enabled"),
        _ => None,
    };
    if let Some(setting) = setting {
        return Some(format!(
            "if `{setting}` is off, HAPI FHIR fails at it for each changed resource, and notifies no \
             Subscription of the change: check that it is on, or check it in the handler"
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

/// Whether a date or a quantity is compared for anything other than equality.
fn has_prefix(value: &str) -> bool {
    let is_equal = value.starts_with("eq");
    !is_equal && value.starts_with(|letter: char| letter.is_ascii_lowercase())
}

fn refuse(ask: &Ask<'_>, cannot: &mut Cannot<'_>) {
    let Some(filters) = &ask.filters else { return };
    match ask.version {
        FhirVersion::R5 => cannot(
            "HAPI FHIR sends no headers of a Subscription of R5, so every notification would come without \
             the secret and be refused: use HAPI FHIR with R4 or R4B, or another server",
        ),
        FhirVersion::R4B if !filters.is_empty() => cannot(
            "HAPI FHIR ignores the filters of R4B, so the handler would run for everything that the topic \
             fires for: take `filter` out and check it in the handler, or use HAPI FHIR with R4",
        ),
        FhirVersion::R4 if filters.is_empty() => {
            cannot("HAPI FHIR refuses a topic's Subscription of R4 that has no filter: write `filter`");
        }
        FhirVersion::R4 | FhirVersion::R4B => {
            filters_have_types("HAPI FHIR", ask, cannot);
            // HAPI compares them with the resource in memory, where no other resource is visible.
            for filter in filters {
                if filter.is_chained() {
                    cannot(&format!(
                        "its filter `{filter}` is about another resource, and HAPI FHIR looks at the \
                         changed one only, so the filter would never fire: check it in the handler"
                    ));
                } else if let Some(why) = never_fires(filter) {
                    cannot(&format!("its filter `{filter}` would never hold: {why}"));
                }
            }
        }
    }
}
