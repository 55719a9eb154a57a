//! What tells an event from all others, so that it is handled once.

use ring::digest::{SHA256, digest};
use serde::Deserialize;

use crate::app::App;
use crate::declaration::{Declaration, Order};
use crate::event::Event;
use crate::fhir::Instant;
use crate::interaction::Interaction;
use crate::json::Text;
use crate::key::Key;
use crate::signature::hex;
use crate::store::Entry;

/// What `event` is known by, as the notification or a search has it. `None` where nothing is named at all.
///
/// It is the version of the resource: its id, else when it was written; else, of a topic, the number of the event and
/// when it happened, since a counter may begin anew; else the resource's own text. So a sweep that finds the resource knows
/// what a notification has told of it, and several events of one version are one. A deletion has a version of its own.
pub(crate) fn identify(
    app: &App,
    declaration: &Declaration,
    event: &Event,
    resource: Option<&str>,
) -> Option<Entry> {
    let (keys, endpoint) = (app.keys(), declaration.endpoint);
    let Some(name) = event.name() else { return numbered(app, endpoint, event) };
    let focus = &*name;
    let is_deletion = event.interaction() == Interaction::Delete;
    let kind = if is_deletion { "deletion" } else { "version" };
    let key = |what: &str, version: &str| keys.key(&[kind, endpoint, focus, what, version]);

    let is_ordered = declaration.order == Order::Latest;
    let needs_time = is_ordered || event.version_id().is_none();
    let updated = resource.filter(|_| needs_time).and_then(last_updated);
    let entry = match (event.version_id(), updated) {
        (Some(version_id), _) => Entry::Once(key("id", version_id)),
        (None, Some(updated)) => Entry::Once(key("updated", &updated.to_string())),
        (None, None) => match (numbered(app, endpoint, event), resource) {
            (Some(numbered @ Entry::Once(_)), _) => numbered,
            (_, Some(resource)) => Entry::Once(key("text", &hash(resource))),
            (numbered, None) => numbered.unwrap_or_else(|| Entry::Passing(key("", ""))),
        },
    };
    if is_ordered && (updated.is_some() || is_deletion) {
        let version = *entry.version();
        return Some(Entry::Latest { key: resource_key(app, declaration, focus), version, updated });
    }
    Some(entry)
}

/// Whether the version of an event matters to anyone: to the store, or to the handler for its idempotency key.
pub(crate) fn is_asked_for(app: &App, declaration: &Declaration) -> bool {
    app.store().is_some() || declaration.uses.event
}

/// What the record of a resource is found by, where only newer versions of it are wanted.
pub(crate) fn resource_key(app: &App, declaration: &Declaration, focus: &str) -> Key {
    app.keys().key(&["resource", declaration.endpoint, focus])
}

/// By the number that its Subscription has given it. Without the moment at which it happened it is not told from the
/// one of the same number after the counter has begun anew, and so kept apart only from one that is under way.
///
/// Where numbers begin anew in each notification, as athenahealth's do, it is known by its own id.
fn numbered(app: &App, endpoint: &str, event: &Event) -> Option<Entry> {
    let keys = app.keys();
    if app.settings().fhir_server.topics.as_ref().is_ok_and(|topics| !topics.numbers_go_on) {
        let parts = ["event", endpoint, event.subscription().unwrap_or_default(), event.id.as_deref()?];
        return Some(Entry::Once(keys.key(&parts)));
    }
    let number = event.number()?.to_string();
    let subscription = event.subscription().unwrap_or_default();
    let (name, interaction) = (event.name().unwrap_or_default(), event.interaction().name());
    let time = event.timestamp().and_then(Instant::parse).map(|time| time.to_string());
    let mut parts = vec!["number", endpoint, subscription, &number, &*name, interaction];
    parts.extend(time.as_deref());
    // Of a server that is not named as one whose numbers begin anew: ids tell apart those of one moment.
    parts.extend(event.id.as_deref());
    let key = keys.key(&parts);
    Some(if time.is_some() { Entry::Once(key) } else { Entry::Passing(key) })
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    #[serde(borrow)]
    last_updated: Option<Text<'a>>,
}

/// `meta.lastUpdated`.
pub(crate) fn last_updated(resource: &str) -> Option<Instant> {
    let resource: Resource<'_> = serde_json::from_str(resource).ok()?;
    Instant::parse(&resource.meta?.last_updated?)
}

/// Nothing of the resource is told by the key that is made of it; this only makes it short.
fn hash(resource: &str) -> String {
    hex(digest(&SHA256, resource.as_bytes()).as_ref())
}

#[cfg(all(test, feature = "testing"))]
mod tests;
