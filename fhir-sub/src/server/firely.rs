//! Firely Server, by its documentation (`features_data_exchange/subscription.rst`).
//!
//! | | |
//! |---|---|
//! | Subscriptions | below `/administration` |
//! | criteria | create and update, reported alike; no deletions |
//! | topics | none |
//! | versions | several under one URL |
//! | signature | none |

use std::time::Duration;

use super::{Criteria, Events, Registering, Resends, Room, Shows, Signature, TellsApart};

pub(super) static ROOM: Room = Room {
    name: "firely",
    title: "Firely Server",
    // Its earlier name was Vonk.
    called: &["firely server", "vonk"],
    holds_several_versions: true,
    registering: Registering {
        path: Some("administration"),
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
    topics: Err("knows criteria, and no topics"),
    events: Events { by_get: true, number_in_r5: "valueInteger64" },
    lists_deleted: false,
    signature: Signature::Nothing,
    resends: Resends::After(|attempt| (attempt <= 3).then(|| Duration::from_secs(60))),
    refuse: |_ask, _cannot| {},
    note: |_ask, _note| {},
};
