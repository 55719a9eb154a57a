//! FHIR Works on AWS, from its source (`src/subscriptions/restHookLambda/restHook.ts`). Not tried with a server.
//!
//! | | |
//! |---|---|
//! | version | R4 |
//! | criteria | create and update, reported alike; no deletions |
//! | notification | an empty `PUT` that names the resource, which the program then reads; two tries in all |
//! | topics | none |
//! | `end` | deletes the Subscription |
//! | endpoints | only endpoints on the deployment's allow-list |
//! | signature | none |

use super::{Ask, Cannot, Criteria, Events, Registering, Resends, Room, Shows, Signature, TellsApart};
use crate::fhir::FhirVersion;

pub(super) static ROOM: Room = Room {
    name: "fhir-works",
    title: "FHIR Works on AWS",
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
    topics: Err("knows criteria, and no topics"),
    events: Events { by_get: true, number_in_r5: "valueInteger64" },
    lists_deleted: false,
    signature: Signature::Nothing,
    resends: Resends::Somehow("FHIR Works tries once more, then keeps it as a dead letter for 14 days"),
    refuse,
    note,
};

fn refuse(ask: &Ask<'_>, cannot: &mut Cannot<'_>) {
    if ask.is_criteria() && ask.version != FhirVersion::R4 {
        cannot("FHIR_SERVER is fhir-works, which is of FHIR R4: set FHIR_VERSION=R4");
    }
}

fn note(ask: &Ask<'_>, note: &mut Cannot<'_>) {
    if ask.has_end {
        note("FHIR Works deletes the Subscription at its `end`: take the handler out of the program then");
    }
}
