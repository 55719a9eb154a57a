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
use crate::store::{Claim, Entry, Identity, OfResource, OldKeys, Store, Stored, Told};

/// What `event` is known by, as the notification or a search has it. `None` where nothing is named at all.
///
/// It is the version of the resource: its id, else when it was written; else, of a topic, the number of the event and
/// when it happened, since a counter may begin anew; else the resource's own text. So a sweep that finds the resource knows
/// what a notification has told of it, and several events of one version are one. A deletion has a version of its own.
///
/// An event that does not name its version is known by a lesser name. The record of its resource keeps that name, so that a
/// search which finds the version knows that it was handled.
pub(super) fn identify(
    app: &App,
    declaration: &Declaration,
    event: &Event,
    resource: Option<&str>,
) -> Option<Entry> {
    let numbered = || numbered(app, |parts| app.keys().key(parts), declaration.endpoint, event);
    let Some(focus) = event.name() else { return numbered().map(|(entry, _)| entry) };
    let focus = &*focus;
    let is_deletion = event.interaction() == Interaction::Delete;
    let is_ordered = declaration.order == Order::Latest;
    let key = |what: &str, version: &str| app.keys().key(&name(declaration, event, focus, what, version));

    let needs_time = is_ordered || event.is_found || event.version_id().is_none();
    let updated = if needs_time { updated(event, resource) } else { None };
    let (mut entry, told) = match (event.version_id(), updated) {
        (Some(version_id), _) => {
            let told = if event.is_found { Told::Search } else { Told::Version };
            (Entry::once(key("id", version_id)), told)
        }
        (None, Some(updated)) if !is_deletion => {
            (Entry::once(key("updated", &updated.to_string())), Told::Time(updated))
        }
        // The resource is the server's own, which says no more of it: so a sweep knows it.
        (None, _) => match (numbered().filter(|_| !event.is_found), resource) {
            (Some((entry, at)), _) if entry.identity == Identity::Once => {
                (entry, at.map_or(Told::Version, Told::Number))
            }
            (_, Some(resource)) => {
                let content = Identity::Content(key("text", &hash(resource)));
                (Entry { identity: content, ..Entry::once(key("content", "")) }, Told::Version)
            }
            (Some((entry, _)), None) => (entry, Told::Version),
            (None, None) => (Entry::passing(key("", "")), Told::Version),
        },
    };
    let told = if is_deletion { Told::Version } else { told };
    if is_ordered || told != Told::Version {
        let key = app.keys().key(&["resource", declaration.endpoint, focus]);
        entry.resource = Some(OfResource { key, is_ordered, updated, is_deletion, told });
    }
    Some(entry)
}

/// What a deletion is known by whose version the server gives, and that was done before: the same deletion, told again; or
/// another one, which the server's history does not show yet.
#[derive(Debug)]
pub(crate) struct Otherwise {
    /// Where nothing shows that it is another one, it is kept apart only from one under way.
    passing: Entry,
    /// What would show it: versions behind that deletion, each with the deletion that follows it.
    later: Vec<Later>,
}

#[derive(Debug)]
struct Later {
    /// The version, if it is none of a deletion.
    version: Key,
    /// The same, if it is a deletion.
    deletion: Key,
}

/// How many versions behind a deletion are looked for among what was handled.
const LATER: u64 = 8;

impl Otherwise {
    /// `event` is as it was told, and `deleted` the version that the server gives.
    pub(super) fn of(app: &App, declaration: &Declaration, event: &Event, deleted: &str) -> Option<Self> {
        let passing = identify(app, declaration, event, None)?;
        let focus = event.name()?;
        let key = |kind: Interaction, version: u64| {
            let event = Event { interaction: kind, ..Event::unknown() };
            app.keys().key(&name(declaration, &event, &focus, "id", &version.to_string()))
        };
        // Only of versions that are counted it is known which follow.
        let versions = deleted.parse::<u64>().ok().map(|deleted| deleted.saturating_add(1)..).into_iter();
        let later = versions.flatten().take(usize::try_from(LATER).unwrap_or_default()).map(|version| {
            Later { version: key(Interaction::Unknown, version), deletion: key(Interaction::Delete, version) }
        });
        Some(Self { later: later.collect(), passing })
    }

    /// What it is known by. If a later version of the resource was handled, the history lags behind: the deletion is the
    /// version after that one, as a sweep will find it.
    pub(super) async fn entry(self, store: &Store) -> Stored<Entry> {
        let mut next = None;
        for (place, later) in self.later.iter().enumerate() {
            if store.is_known(&later.version).await? {
                next = self.later.get(place + 1).map(|next| next.deletion);
            } else if store.is_known(&later.deletion).await? {
                next = None;
            }
        }
        Ok(match next {
            Some(key) => Entry { key, identity: Identity::Once, ..self.passing },
            None => self.passing,
        })
    }
}

/// Whether the version of an event matters to anyone: to the store, or to the handler for its idempotency key.
pub(super) fn is_asked_for(app: &App, declaration: &Declaration) -> bool {
    app.store().is_some() || declaration.uses.event
}

/// What a handler may go by, once the event is begun. A content that came back is another event than it was before.
pub(super) fn idempotency_key(app: &App, claim: &Claim) -> Option<Key> {
    match claim.content() {
        None => claim.entry.idempotency_key(),
        Some((content, sequence)) => {
            Some(app.keys().key(&["return", &content.to_string(), &sequence.to_string()]))
        }
    }
}

/// What the event was known by before keys told FHIR servers apart.
pub(super) fn old_keys(
    app: &App,
    declaration: &Declaration,
    event: &Event,
    resource: Option<&str>,
) -> OldKeys {
    let keys = app.keys();
    let number = numbered(app, |parts| keys.old_key(parts), declaration.endpoint, event);
    let number = number.filter(|(entry, _)| entry.identity == Identity::Once).map(|(entry, _)| entry.key);
    let Some(focus) = event.name() else {
        return OldKeys { names: number.into_iter().collect(), resource: None };
    };
    let focus = &*focus;
    let key = |what: &str, version: &str| keys.old_key(&name(declaration, event, focus, what, version));
    let updated = updated(event, resource);
    let mut names = Vec::new();
    names.extend(event.version_id().map(|version_id| key("id", version_id)));
    names.extend(updated.map(|updated| key("updated", &updated.to_string())));
    if names.is_empty() {
        names.extend(number.or_else(|| Some(key("text", &hash(resource?)))));
    }
    let is_ordered = declaration.order == Order::Latest;
    let resource = is_ordered.then(|| (keys.old_key(&["resource", declaration.endpoint, focus]), updated));
    OldKeys { names, resource }
}

/// The parts of a version's key.
fn name<'a>(
    declaration: &Declaration,
    event: &Event,
    focus: &'a str,
    what: &'a str,
    version: &'a str,
) -> [&'a str; 5] {
    let kind = if event.interaction() == Interaction::Delete { "deletion" } else { "version" };
    [kind, declaration.endpoint, focus, what, version]
}

fn updated(event: &Event, resource: Option<&str>) -> Option<Instant> {
    event.updated.or_else(|| last_updated(resource?))
}

/// By the number that its Subscription has given it, and when it happened. Without that moment it is not told from the
/// one of the same number after the counter has begun anew, and so kept apart only from one that is under way.
///
/// Where numbers begin anew in each notification, as athenahealth's do, it is known by its own id.
fn numbered(
    app: &App,
    key: impl Fn(&[&str]) -> Key,
    endpoint: &str,
    event: &Event,
) -> Option<(Entry, Option<Instant>)> {
    let at = event.timestamp().and_then(Instant::parse);
    if app.settings().fhir_server.topics.as_ref().is_ok_and(|topics| !topics.numbers_go_on) {
        let parts = ["event", endpoint, event.subscription().unwrap_or_default(), event.id.as_deref()?];
        return Some((Entry::once(key(&parts)), at));
    }
    let number = event.number()?.to_string();
    let subscription = event.subscription().unwrap_or_default();
    let (name, interaction) = (event.name().unwrap_or_default(), event.interaction().name());
    let time = at.map(|time| time.to_string());
    let mut parts = vec!["number", endpoint, subscription, &number, &*name, interaction];
    parts.extend(time.as_deref());
    // Of a server that is not named as one whose numbers begin anew: ids tell apart those of one moment.
    parts.extend(event.id.as_deref());
    let key = key(&parts);
    Some((if at.is_some() { Entry::once(key) } else { Entry::passing(key) }, at))
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
pub(super) fn last_updated(resource: &str) -> Option<Instant> {
    let resource: Resource<'_> = serde_json::from_str(resource).ok()?;
    Instant::parse(&resource.meta?.last_updated?)
}

/// Nothing of the resource is told by the key that is made of it; this only makes it short.
fn hash(resource: &str) -> String {
    hex(digest(&SHA256, resource.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests;
