//! Aidbox, by its documentation (`docs/modules/topic-based-subscriptions/fhir-topic-based-subscriptions.md`).
//!
//! | | |
//! |---|---|
//! | criteria | none |
//! | topics | R4 and R4B by the backport guide, R5 |
//! | filters | `parameter=value`, without the type; equality only |
//! | handshake, heartbeat, `$status` | yes |
//! | `$events` | by `POST` only |
//! | signature | none |

use super::{Events, FilterText, Registering, Resends, Room, Shows, Signature, Topics, filters_are_equal};
use crate::fhir::FhirVersion;

pub(super) static ROOM: Room = Room {
    name: "aidbox",
    title: "Aidbox",
    called: &["aidbox"],
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
    criteria: Err("evaluates topics, not criteria: it would store the Subscription and never fire it"),
    topics: Ok(Topics {
        native_in: &[FhirVersion::R5],
        compares_urls: false,
        filter: FilterText::UntypedDecoded,
        // It represents topics by resources of its own.
        kept: |_version| None,
        filters_freely: true,
        shakes_hands: true,
        sends_heartbeats: true,
        numbers_go_on: true,
    }),
    // The backport guide has a string for the number, and Aidbox uses it in R5 too.
    events: Events { by_get: false, number_in_r5: "valueString" },
    lists_deleted: false,
    signature: Signature::Nothing,
    resends: Resends::Somehow("Aidbox may send it again; its documentation does not say when"),
    refuse: |ask, cannot| filters_are_equal("Aidbox", ask, cannot),
    note: |_ask, _note| {},
};
