//! Helios FHIR Server, by its source and `tests/real/helios/RECORDED.md` (0.2.7).
//!
//! | | |
//! |---|---|
//! | criteria | none |
//! | topics | R4 by the backport guide; R4B and R5 with the elements of R5 |
//! | filters | `Type?parameter=value`, equality of few parameters; no deletions if a topic has a filter |
//! | content | the whole resource to https endpoints only |
//! | handshake | one attempt |
//! | heartbeat | none |
//! | `$status`, `$events` | `$status` bare; `$events` without events |
//! | interactions | not reported |
//! | signature | none |

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Ask, Cannot, Events, Filter, FilterText, Kept, Registering, Resends, Room, Shows, Signature, Topics,
    filters_are_equal, filters_have_types,
};
use crate::content::Content;
use crate::fhir::{FhirVersion, Subscription, backport};

pub(super) static ROOM: Room = Room {
    name: "helios",
    title: "Helios",
    // `build_info.rs`
    called: &["helios fhir server"],
    holds_several_versions: true,
    registering: Registering {
        path: None,
        status: "requested",
        complete: repeat_at_the_root,
        // It writes the guide's extensions only, which are managed on every server.
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
        native_in: &[FhirVersion::R4B, FhirVersion::R5],
        compares_urls: true,
        filter: FilterText::TypedDecoded,
        kept: |version| match version {
            FhirVersion::R4 => Some(Kept::Basic),
            FhirVersion::R4B | FhirVersion::R5 => Some(Kept::Topic),
        },
        filters_freely: false,
        shakes_hands: true,
        sends_heartbeats: false,
        numbers_go_on: true,
    }),
    events: Events { by_get: true, number_in_r5: "valueInteger64" },
    lists_deleted: false,
    signature: Signature::Nothing,
    // Ten attempts in all; an answer of 4xx is final.
    resends: Resends::UnlessRefused(|attempt| {
        (attempt < 10).then(|| Duration::from_secs((1 << attempt.min(6)).min(60)))
    }),
    refuse,
    note: |_ask, _note| {},
};

/// In R4, Helios reads the guide's extensions at the root of the resource, and `max-count` as another type.
fn repeat_at_the_root(subscription: &mut Subscription, ask: &Ask<'_>) {
    if ask.version != FhirVersion::R4 {
        return;
    }
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let filters = list(subscription.get("_criteria").and_then(|criteria| criteria.get("extension")));
    let numbers = list(subscription.channel().and_then(|channel| channel.get("extension")));
    for mut extension in filters.into_iter().chain(numbers) {
        if extension["url"] == backport::MAX_COUNT {
            extension =
                json!({ "url": backport::MAX_COUNT, "valueUnsignedInt": extension["valuePositiveInt"] });
        }
        subscription.add_extension(extension);
    }
}

/// The elements that Helios can find in a resource, by its source (`helios-subscriptions` 0.2.7,
/// `evaluator/filter_match.rs`): four parameters, and elements with one value that have the name of the
/// parameter.
const PARAMETERS: [&str; 16] = [
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

fn refuse(ask: &Ask<'_>, cannot: &mut Cannot<'_>) {
    filters_are_equal("Helios", ask, cannot);
    filters_have_types("Helios", ask, cannot);
    for filter in ask.filters().iter().filter(|filter| !PARAMETERS.contains(&&*filter.parameter())) {
        cannot(&format!(
            "its filter `{filter}` would never hold: Helios looks at `patient`, `code`, `category`, `identifier` and at \
             elements of one value, such as `status`; look for the rest in the handler"
        ));
    }
    let mut types: Vec<_> = ask.filters().iter().filter_map(Filter::resource_type).collect();
    types.dedup();
    if types.len() > 1 {
        cannot(
            "it has filters of several types, and for Helios each resource must match all of them, so none \
             would ever match: write a handler for each type",
        );
    }
    if ask.interactions.delete && !ask.filters().is_empty() {
        cannot(
            "it wants deletions and has a filter, and Helios reports deletions only without a filter: \
             leave `delete` out of `on`, or leave `filter` out and check it in the handler",
        );
    }
    if ask.content == Content::FullResource && !ask.is_https() && !ask.is_criteria() {
        cannot(
            "Helios sends whole resources to https endpoints only: write `content = \"id-only\"`, or give APP_BASE_URL as \
             an https URL",
        );
    }
}
