//! athenahealth, from documentation (aone-fhir-subscriptions, README v0.11, alpha). Not tried with a server.
//!
//! | | |
//! |---|---|
//! | version | the API is of R4; its notifications have the form of R4B |
//! | criteria | none |
//! | topics | by the backport guide; one Subscription a topic and practice |
//! | filters | `parameter=value`, without a type |
//! | content | `id-only` |
//! | changes | none: a Subscription is deleted and created again |
//! | search | none: all Subscriptions are read |
//! | numbers | restart in each notification, so they show no gap |
//! | shows | a signature of the body, `X-Hub-Signature`, and no header of the Subscription |
//! | endpoints | https, port 443, a certificate of a public authority |
//! | answers | within 2 s; else it sends again for an hour |

use super::{
    Ask, Cannot, Events, FilterText, Registering, Resends, Room, Shows, Signature, Signed, ToldBy, Topics,
};
use crate::content::Content;
use crate::fhir::FhirVersion;
use crate::signature::{HUB_PREFIX, HUB_SIGNATURE};

pub(super) static ROOM: Room = Room {
    name: "athenahealth",
    title: "athenahealth",
    called: &[],
    holds_several_versions: false,
    registering: Registering {
        path: None,
        status: "requested",
        complete: |_subscription, _ask| {},
        extensions: &[],
        is_searched_by_url: false,
        is_changeable: false,
        keeps_two: false,
        media_type: "application/json",
        shows: Shows::Signature,
        pace: None,
        turns_off: None,
        audits: false,
    },
    criteria: Err("evaluates topics, not criteria"),
    topics: Ok(Topics {
        native_in: &[],
        compares_urls: false,
        filter: FilterText::UntypedDecoded,
        // The topics are athenahealth's own, and cannot be searched for.
        kept: |_version| None,
        filters_freely: true,
        shakes_hands: false,
        sends_heartbeats: false,
        numbers_go_on: false,
    }),
    events: Events { by_get: true, number_in_r5: "valueInteger64" },
    lists_deleted: false,
    signature: Signature::Body(Signed {
        told_by: ToldBy::RequestHeader("x-hub-secret"),
        header: HUB_SIGNATURE,
        prefix: HUB_PREFIX,
    }),
    resends: Resends::Somehow(
        "athenahealth tries for up to an hour, then keeps it as a dead letter for 7 days",
    ),
    refuse,
    note: |ask, note| {
        if ask.topic.is_some() {
            note(
                "nobody can read which secret athenahealth signs with: after a new FHIR_SUBSCRIPTION_HUB_SECRET, delete \
                 the Subscription and register again",
            );
        }
    },
};

fn refuse(ask: &Ask<'_>, cannot: &mut Cannot<'_>) {
    if ask.is_criteria() {
        return;
    }
    if ask.version != FhirVersion::R4 {
        cannot("FHIR_SERVER is athenahealth, whose API is of FHIR R4: set FHIR_VERSION=R4");
    }
    if !ask.is_https() || ask.base_url.port_or_known_default() != Some(443) {
        cannot("athenahealth calls port 443 over https only: give APP_BASE_URL such an address");
    }
    if ask.content != Content::IdOnly {
        cannot("athenahealth sends references only: write `content = \"id-only\"`");
    }
    if !ask.has_signing_secret {
        cannot(
            "athenahealth shows no header of yours, but a signature: set FHIR_SUBSCRIPTION_HUB_SECRET, which \
             registration tells it",
        );
    }
}
