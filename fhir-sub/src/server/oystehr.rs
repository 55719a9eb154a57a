//! Oystehr (once Zapehr), from documentation (<https://docs.oystehr.com>). Not tried with a server.
//!
//! | | |
//! |---|---|
//! | version | R4B |
//! | criteria | create and update, or just one of the two by an extension; no deletions |
//! | topics | none |
//! | interactions | not reported |
//! | signature | none |

use serde_json::json;

use super::{Ask, Cannot, Criteria, Events, Registering, Resends, Room, Shows, Signature, TellsApart};
use crate::fhir::{FhirVersion, Subscription};
use crate::interaction::Interactions;

pub(super) static ROOM: Room = Room {
    name: "oystehr",
    title: "Oystehr",
    called: &[],
    holds_several_versions: false,
    registering: Registering {
        path: None,
        status: "active",
        complete: ask_for_one_event,
        extensions: &[TRIGGER_EVENT, EARLIER_TRIGGER_EVENT],
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
        tells_apart: TellsApart::Itself,
        has_several_types: true,
        own_parameters: None,
        never_fires: |_filter| None,
        may_not_fire: |_filter| None,
    }),
    topics: Err("knows criteria, and no topics"),
    events: Events { by_get: true, number_in_r5: "valueInteger64" },
    lists_deleted: false,
    signature: Signature::Nothing,
    resends: Resends::Somehow("Oystehr may send it again; its documentation does not say when"),
    refuse,
    note: |_ask, _note| {},
};

const TRIGGER_EVENT: &str = "http://zapehr.com/fhir/extension/SubscriptionTriggerEvent";
/// Code from the time of the name Zapehr writes this URL.
const EARLIER_TRIGGER_EVENT: &str = "http://zapehr.com/fhir/r4/extension/SubscriptionTriggerEvent";

/// Without the extension, creates and updates arrive. The extension has one value.
fn ask_for_one_event(subscription: &mut Subscription, ask: &Ask<'_>) {
    let event = match ask.interactions {
        Interactions { create: true, update: false, .. } => "create",
        Interactions { create: false, update: true, .. } => "update",
        _ => return,
    };
    subscription.add_extension(json!({ "url": TRIGGER_EVENT, "valueString": event }));
}

fn refuse(ask: &Ask<'_>, cannot: &mut Cannot<'_>) {
    if ask.is_criteria() && ask.version != FhirVersion::R4B {
        cannot("FHIR_SERVER is oystehr, which is of FHIR R4B: set FHIR_VERSION=R4B");
    }
}
