//! The notification of a HAPI Subscription with the extension `subscription-payload-search-criteria`: a
//! transaction with the results of the search.

use super::entry::{Bundle, Entry};
use super::events::Reported;
use super::topic::with_included;
use super::{Counted, Decoded, Expected, Happened, Undecodable};
use crate::event::Event;
use crate::fhir::reference::id_mistake;
use crate::interaction::Interaction;

/// Decodes such a notification: each entry is an event. Included resources of another type than `watched` are
/// no events.
///
/// HAPI always writes `PUT`, so the interaction is unknown.
pub(super) fn decode<'a>(
    common: &Event,
    watched: Option<&str>,
    body: &'a str,
    expected: &Expected<'_>,
) -> Result<Decoded<'a>, Undecodable> {
    let no_notification =
        "the body is neither a resource of the type that the subscription watches nor a transaction of them";
    let Bundle { bundle_type, entries, .. } = Bundle::read(body, no_notification)?;
    if bundle_type.as_deref() != Some("transaction") {
        return Err(Undecodable::unprocessable(no_notification));
    }
    if entries.is_empty() {
        return Ok(Decoded::NothingFound);
    }
    let is_put = |entry: &Entry<'_>| entry.interaction() == Interaction::Update;
    if !entries.iter().all(is_put) {
        return Err(Undecodable::unprocessable(no_notification));
    }
    let is_watched = |entry: &&Entry<'_>| watched.is_none_or(|watched| entry.is_resource(watched));
    let count = entries.iter().filter(is_watched).count();
    if count > expected.maximum {
        return Err(Undecodable::TooManyEvents { maximum: expected.maximum });
    }
    if count == 0 {
        return Err(Undecodable::unprocessable(no_notification));
    }
    let events = (0..entries.len()).filter(|place| is_watched(&&entries[*place]));
    let told =
        events.map(|place| Reported { happened: happened(common, &entries[place]), place: Some(place) });
    Ok(Decoded::Events(with_included(told.collect(), &entries, expected), Counted::default()))
}

fn happened<'a>(common: &Event, entry: &Entry<'a>) -> Happened<'a> {
    let Some(reference) = entry.own_reference() else {
        let id = entry.resource.as_ref().and_then(|resource| resource.outline.id.as_deref());
        let mistake = id.and_then(id_mistake).unwrap_or("a resource has no id");
        return Happened::mistaken(common.clone(), mistake);
    };
    let (focus, version_id) = (reference.to_string(), entry.version_id().map(str::to_owned));
    let resource = entry.resource.as_ref().map(|resource| resource.json);
    Happened::new(Event { focus: Some(focus), version_id, ..common.clone() }, resource)
}
