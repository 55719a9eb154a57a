//! Medplum, by its source (`packages/server/src/workers/subscription.ts`) and what 5.1.6 was seen to do.
//!
//! | | |
//! |---|---|
//! | criteria | create, update and deletion, told apart by `X-Medplum-Interaction`; the whole resource always |
//! | topics | over websockets only |
//! | signature | of the body, by `X-Signature`; the header that names a deleted resource is not signed |

use serde_json::json;

use super::{Ask, Cannot, Criteria, Events, Registering, Room, Signature};
use crate::content::Content;
use crate::fhir::Subscription;

pub(super) static ROOM: Room = Room {
    name: "medplum",
    // `metadata.ts`
    called: &["medplum"],
    holds_several_versions: false,
    registering: Registering {
        path: None,
        // It looks at no other, and has no handshake that would make one so.
        status: "active",
        complete: ask_for_interactions,
        extensions: &[INTERACTION],
    },
    criteria: Ok(Criteria { has_deletions: true, tells_interactions: true }),
    topics: Err("tells of topics over websockets only"),
    events: Events { by_get: true, number_in_r5: "valueInteger64" },
    signature: Signature::Body {
        told_by: "https://www.medplum.com/fhir/StructureDefinition/subscription-secret",
    },
    refuse,
};

const INTERACTION: &str = "https://medplum.com/fhir/StructureDefinition/subscription-supported-interaction";

/// Without the extension, deletions are sent by some versions.
fn ask_for_interactions(subscription: &mut Subscription, ask: &Ask<'_>) {
    let codes = [
        ("create", ask.interactions.create),
        ("update", ask.interactions.update),
        ("delete", ask.interactions.delete),
    ];
    for (code, _) in codes.into_iter().filter(|(_, is_wanted)| *is_wanted) {
        subscription.add_extension(json!({ "url": INTERACTION, "valueCode": code }));
    }
}

fn refuse(ask: &Ask<'_>, cannot: &mut Cannot<'_>) {
    if ask.content == Content::Empty {
        cannot(
            "it has content = \"empty\", but Medplum sends the whole resource whatever the Subscription says: \
             leave `content` out",
        );
    }
}
