//! AWS HealthLake, from documentation (HealthLake guide, "managing FHIR Subscriptions"). Not tried with a server.
//!
//! | | |
//! |---|---|
//! | version | R4 |
//! | criteria | none |
//! | topics | by the backport guide; `topic` is HealthLake's own address of the SubscriptionTopic |
//! | filters | `Type?parameter=value` of the changed resource |
//! | content | `id-only` or `full-resource` |
//! | activation | five to ten minutes |
//! | changes | none: `register` creates a new Subscription, and deletes the old one once the new one is active |
//! | shows | an OAuth token, which the feature `token` accepts |
//! | signature | none |

use fhir_sub_search::search::{Modifier, ParameterType};

use super::{
    Ask, Cannot, Events, Filter, FilterText, Registering, Resends, Room, Shows, Signature, TokenExtensions,
    Topics, filters_have_types,
};
use crate::content::Content;
use crate::fhir::FhirVersion;

pub(super) static ROOM: Room = Room {
    name: "healthlake",
    title: "HealthLake",
    called: &[],
    holds_several_versions: false,
    registering: Registering {
        path: None,
        status: "requested",
        complete: |_subscription, _ask| {},
        extensions: &[],
        is_searched_by_url: true,
        is_changeable: false,
        keeps_two: true,
        media_type: "application/fhir+json",
        // The URLs of the guide's page on payloads; its page on creating writes other names in prose.
        shows: Shows::Token(TokenExtensions {
            client_id: "http://healthlake.amazonaws.com/channel-type-clientId",
            client_secret: "http://healthlake.amazonaws.com/channel-type-clientSecret",
            url: "http://healthlake.amazonaws.com/channel-type-oauth-endpoint",
        }),
        pace: None,
        turns_off: None,
        audits: false,
    },
    criteria: Err("evaluates topics, not criteria"),
    topics: Ok(Topics {
        native_in: &[],
        compares_urls: false,
        filter: FilterText::Typed,
        // The topic is identified by its address.
        kept: |_version| None,
        filters_freely: true,
        shakes_hands: false,
        sends_heartbeats: false,
        numbers_go_on: true,
    }),
    events: Events { by_get: true, number_in_r5: "valueInteger64" },
    lists_deleted: false,
    signature: Signature::Nothing,
    resends: Resends::Somehow("HealthLake tries for 14 days; a 4xx may be final"),
    refuse,
    note: |_ask, note| {
        note("HealthLake takes five to ten minutes to activate a Subscription: ask again with `status`");
    },
};

fn refuse(ask: &Ask<'_>, cannot: &mut Cannot<'_>) {
    let Some(topic) = ask.topic else { return };
    if ask.version != FhirVersion::R4 {
        cannot("FHIR_SERVER is healthlake, which is of FHIR R4: set FHIR_VERSION=R4");
    }
    if ask.content == Content::Empty {
        cannot("HealthLake knows no `content = \"empty\"`: write `content = \"id-only\"`");
    }
    let own = topic
        .split_once("/SubscriptionTopic/")
        .filter(|(base, id)| base.starts_with("https://") && !id.is_empty() && !id.contains(['/', '|', '?']));
    if own.is_none() {
        cannot(
            "HealthLake wants its own address of the topic, not the topic's URL: create the SubscriptionTopic there, and \
             write `topic = \"https://healthlake.REGION.amazonaws.com/datastore/ID/r4/SubscriptionTopic/ID\"`",
        );
    }
    filters_have_types("HealthLake", ask, cannot);
    for filter in ask.filters().iter().filter(|filter| !is_evaluated(filter)) {
        cannot(&format!(
            "its filter `{filter}` is none that HealthLake's guide lists: write it without a chain or such a modifier, and \
             look for the rest in the handler"
        ));
    }
}

/// By the guide's page on filtering notifications.
fn is_evaluated(filter: &Filter<'_>) -> bool {
    use ParameterType::{Composite, Date, Number, Quantity, Reference, Special, String, Token, Unknown, Uri};
    let Some(modifier) = filter.modifier() else {
        return !filter.is_chained() && !matches!(filter.kind(), Composite | Special);
    };
    let is_known = match filter.kind() {
        String => matches!(modifier, Modifier::Exact | Modifier::Contains | Modifier::Missing),
        Token => matches!(modifier, Modifier::Not | Modifier::Text | Modifier::Missing),
        Reference => matches!(modifier, Modifier::Missing | Modifier::Identifier | Modifier::Type(_)),
        Number | Date | Quantity | Uri | Composite | Special => false,
        _ => filter.kind() == Unknown,
    };
    is_known && !filter.is_chained()
}
