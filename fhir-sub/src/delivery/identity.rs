//! The identity of an event, so that it is handled once.

use ring::digest::{Context, SHA256, digest};
use serde::Deserialize;

use super::history::DeletedVersion;
use crate::app::App;
use crate::declaration::{Declaration, Order};
use crate::event::{Event, Retry};
use crate::fhir::Instant;
use crate::interaction::Interaction;
use crate::json::Text;
use crate::key::Key;
use crate::signature::hex;
use crate::store::{Claim, Entry, Identity, OfResource, OldKeys, Store, Stored, Told};

/// Identifies `event` by what the notification or a search says of it. `None` if nothing is named at all.
///
/// The identity is the version of the resource: its id, else the time when it was written. A topic's event
/// without a version is identified by its number and its time, because a counter may restart; any other event
/// by the text of its resource. So a sweep that finds the resource knows that a notification reported it, and
/// several events of one version count as one. A deletion has a version of its own.
///
/// If an event does not name its version, the record of its resource keeps the weaker identity. A search that
/// finds the version then knows that it was handled.
pub(super) fn identify(
    app: &App,
    declaration: &Declaration,
    event: &Event,
    resource: Option<&str>,
) -> Option<Entry> {
    let numbered = || numbered(app, |parts| app.keys().key(parts), declaration.endpoint, event);
    let Some(focus) = event.name() else {
        // A dead letter does not keep the id of its event, but the key of the event's record.
        let given_up = || {
            let Retry { record, is_passing, .. } = event.retry?;
            Some(if is_passing { Entry::passing(record) } else { Entry::once(record) })
        };
        return numbered().map(|(entry, _)| entry).or_else(given_up);
    };
    let focus = &*focus;
    let is_deletion = event.interaction() == Interaction::Delete;
    let is_ordered = declaration.order == Order::Latest;
    let may_be_deletion = event.interaction() == Interaction::Unknown && declaration.interactions.delete;
    let key = |what: &str, version: &str| app.keys().key(&name(declaration, event, focus, what, version));

    let needs_time = is_ordered || event.is_found || event.version_id().is_none();
    let updated = if needs_time { updated(event, resource) } else { None };
    let (mut entry, told) = match (event.version_id(), updated) {
        (Some(version_id), _) => {
            let told = if event.is_found { Told::Search } else { Told::Version };
            (Entry::once(key("id", version_id)), told)
        }
        // A resource in a deletion was written before the deletion, so its time does not count.
        (None, Some(updated)) if !is_deletion || event.updated.is_some() => {
            // The server itself has shown it as the current version.
            let is_shown = event.is_found && !is_deletion;
            let told = if is_shown { Told::Search } else { Told::Time(updated) };
            (Entry::once(key("updated", &updated.to_string())), told)
        }
        // The server itself returned the resource without a version. A sweep gets the same text.
        (None, _) => match (numbered().filter(|_| !event.is_found), resource) {
            (Some((entry, at)), _) if entry.identity == Identity::Once => {
                (entry, at.map_or(Told::Version, Told::Number))
            }
            (_, Some(resource)) => {
                let content = Identity::Content(key("text", &hash_of_tokens(resource)));
                (Entry { identity: content, ..Entry::once(key("content", "")) }, Told::Version)
            }
            (Some((entry, _)), None) => (entry, Told::Version),
            (None, None) => (Entry::passing(key("", "")), Told::Version),
        },
    };
    let told = match told {
        Told::Number(_) if is_deletion => Told::Version,
        Told::Number(at) if may_be_deletion => Told::NumberOrDeletion(at),
        told => told,
    };
    if is_ordered || told != Told::Version {
        let key = app.keys().key(&["resource", declaration.endpoint, focus]);
        entry.resource = Some(OfResource { key, is_ordered, updated, is_deletion, told });
    }
    Some(entry)
}

/// The identity of a deletion if its version, as the server's history gives it, was handled before. Then
/// either the same deletion was reported twice, or this is another one that the history does not show yet.
#[derive(Debug)]
pub(crate) struct Otherwise {
    /// The identity by the deletion's reported time. Without a time, it only equals a deletion that is being
    /// handled.
    told: Entry,
    /// When the resource was deleted, if the report states it.
    at: Option<Instant>,
    /// The version from the server's history.
    given: Key,
    /// When a history without times was requested for that version, by the server's clock.
    pub(super) asked: Option<Instant>,
    /// The versions after the known deletion, each with the deletion that would follow it. If one of them was
    /// handled, this is another deletion.
    later: Vec<Later>,
}

#[derive(Debug)]
struct Later {
    /// The key of the version if it is not a deletion.
    version: Key,
    /// The key of the version if it is a deletion.
    deletion: Key,
}

/// How many versions after a deletion are looked up in the store.
const LATER: u64 = 8;

impl Otherwise {
    /// `event` is as it was reported, and `deleted` is the version from the server's history.
    pub(super) fn of(
        app: &App,
        declaration: &Declaration,
        event: &Event,
        deleted: &DeletedVersion,
    ) -> Option<Self> {
        let told = identify(app, declaration, event, None)?;
        let (focus, at) = (event.name()?, event.updated);
        let key = |kind: Interaction, version: u64| {
            let event = Event { interaction: kind, ..Event::unknown() };
            app.keys().key(&name(declaration, &event, &focus, "id", &version.to_string()))
        };
        // Only if versions are counted do we know which version follows.
        let version_id = &*deleted.version_id;
        // If the history shows a newer version, the deletion that follows that version may not have happened yet.
        let counted = version_id.parse::<u64>().ok().filter(|_| deleted.is_newest);
        let following = |deleted: u64| (1..=LATER).map_while(move |further| deleted.checked_add(further));
        let later = counted.into_iter().flat_map(following).map(|version| Later {
            version: key(Interaction::Unknown, version),
            deletion: key(Interaction::Delete, version),
        });
        let event = Event { interaction: Interaction::Delete, ..Event::unknown() };
        let given = app.keys().key(&name(declaration, &event, &focus, "id", version_id));
        let is_last = deleted.at.is_none() && deleted.is_newest;
        let asked = is_last.then(|| deleted.asked.unwrap_or_else(|| app.now()));
        Some(Self { later: later.collect(), told, at, given, asked })
    }

    /// The identity to use; `None` if it is the same deletion. If a later version of the resource was handled, the
    /// history lags behind: the deletion is the version after that one, and a sweep will find it under the same
    /// identity.
    pub(super) async fn entry(self, store: &Store) -> Stored<Option<Entry>> {
        // If the history was requested after this deletion, the newest version in that history was this
        // deletion.
        if self.at.is_some() && self.at <= store.asked(&self.given).await? {
            return Ok(None);
        }
        let mut next = None;
        for (place, later) in self.later.iter().enumerate() {
            if store.is_known(&later.version).await? {
                next = self.later.get(place + 1).map(|next| next.deletion);
            } else if store.is_known(&later.deletion).await? {
                next = None;
            }
        }
        Ok(Some(match next {
            Some(key) => Entry { key, identity: Identity::Once, ..self.told },
            None => self.told,
        }))
    }
}

/// Whether anything uses the version of an event: the store, or the handler for its idempotency key.
pub(super) fn is_asked_for(app: &App, declaration: &Declaration) -> bool {
    app.store().is_some() || declaration.uses.event
}

/// The idempotency key for the handler, once the event is begun. If a resource returns to an earlier content,
/// that is a new event.
pub(super) fn idempotency_key(app: &App, claim: &Claim) -> Option<Key> {
    match claim.content() {
        None => claim.entry.idempotency_key(),
        Some((content, sequence)) => {
            Some(app.keys().key(&["return", &content.to_string(), &sequence.to_string()]))
        }
    }
}

/// The mark of this program in its dead letters.
pub(super) fn program(app: &App) -> Key {
    app.keys().key(&["program"])
}

/// The mark for a new dead letter, which outlives a rotation of the store's key.
pub(super) fn lasting_program(app: &App) -> Key {
    app.keys().lasting().key(&["program"])
}

/// The keys from before keys contained the FHIR server.
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

/// The parts of the key of a version.
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

/// The identity by the number within the Subscription, and the time of the event. Without a time, the event
/// cannot be distinguished from one with the same number after a restart of the counter. So only an event
/// that is under way counts as the same.
///
/// If numbers restart in each notification, as athenahealth's and the NHS's do, the event is identified by its own id.
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
    let number = event.number();
    if number.is_none() && event.id.is_none() {
        return None;
    }
    let number = number.map_or_else(String::new, |number| number.to_string());
    let subscription = event.subscription().unwrap_or_default();
    let (name, interaction) = (event.name().unwrap_or_default(), event.interaction().name());
    let time = at.map(|time| time.to_string());
    let mut parts = vec!["number", endpoint, subscription, &number, &*name, interaction];
    parts.extend(time.as_deref());
    // We may not know that this server restarts its numbers: the id distinguishes events of the same moment.
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

/// A hash makes the key short, and hides the resource. Only old keys contain the hash of the text as it is.
fn hash(resource: &str) -> String {
    hex(digest(&SHA256, resource.as_bytes()).as_ref())
}

/// The hash of the text without the whitespace between its tokens: a search may print a resource otherwise than a
/// notification. The text is not parsed, because a parsed number would lose digits: `1.0` and `1.00` are two contents.
fn hash_of_tokens(resource: &str) -> String {
    let (bytes, mut hashed) = (resource.as_bytes(), Context::new(&SHA256));
    let (mut from, mut is_in_string, mut is_escaped) = (0, false, false);
    for (place, byte) in bytes.iter().copied().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_string => is_escaped = true,
            b'"' => is_in_string = !is_in_string,
            b' ' | b'\t' | b'\n' | b'\r' if !is_in_string => {
                hashed.update(&bytes[from..place]);
                from = place + 1;
            }
            _ => {}
        }
    }
    hashed.update(&bytes[from..]);
    hex(hashed.finish().as_ref())
}

#[cfg(test)]
mod tests;
