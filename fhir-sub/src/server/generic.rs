//! A server that follows the specification, and is otherwise unknown. `FHIR_SERVER=auto` falls back to it.
//!
//! | | |
//! |---|---|
//! | criteria | create and update, reported alike; R4 has no way to ask for deletions |
//! | topics | R4 and R4B by the backport guide, R5 |
//! | filters | `Type?parameter=value` |
//! | handshake, heartbeat, `$status`, `$events` | yes |
//! | signature | a gateway may sign |

use super::{
    Criteria, Events, FilterText, Kept, Registering, Resends, Room, Shows, Signature, TellsApart, Topics,
};
use crate::fhir::FhirVersion;

pub(crate) static ROOM: Room = Room {
    name: "generic",
    title: "the server",
    called: &[],
    holds_several_versions: false,
    registering: Registering {
        path: None,
        status: "requested",
        complete: |_subscription, _ask| {},
        extensions: &[],
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
        has_deletions: false,
        tells_apart: TellsApart::No,
        has_several_types: true,
        own_parameters: None,
        never_fires: |_filter| None,
        may_not_fire: |_filter| None,
    }),
    topics: Ok(Topics {
        native_in: &[FhirVersion::R5],
        compares_urls: false,
        filter: FilterText::AsWritten,
        kept: |version| match version {
            // R4 has no SubscriptionTopic, so each server keeps its topics in its own way.
            FhirVersion::R4 => None,
            FhirVersion::R4B | FhirVersion::R5 => Some(Kept::Topic),
        },
        filters_freely: true,
        shakes_hands: true,
        sends_heartbeats: true,
        numbers_go_on: true,
    }),
    events: Events { by_get: true, number_in_r5: "valueInteger64" },
    lists_deleted: false,
    signature: Signature::ByGateway,
    resends: Resends::Somehow("the server may send it again; the specification does not say when"),
    refuse: |_ask, _cannot| {},
    note: |_ask, _note| {},
};
