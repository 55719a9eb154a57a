//! Events without a reference, and the entries that may belong to them.

use super::entry::Entry;
use super::events::{Events, Reported, about};
use super::index::Index;
use super::status::{Focus, Status, StatusEvent};
use super::{Happened, reference};
use crate::event::Event;
use crate::interaction::Interaction;

/// Assigns entries to the events without a reference: IHE's DSUBm sends the resource, but no focus.
///
/// Nothing is guessed: if we cannot determine the entries of an event, it gets none.
pub(super) fn name<'a>(
    events: &Events<'_>,
    status: &Status<'a>,
    entries: &[Entry<'a>],
    index: &Index<'_, 'a>,
    told: &mut Vec<Reported<'a>>,
) {
    let types = (events.types)();
    by_type(status, entries, index, &types, told);

    // Events that say nothing belong to the entries that are left, in the order of both.
    let mut is_taken: Vec<_> = (0..entries.len()).map(|place| index.is_taken(place)).collect();
    told.iter().filter_map(|told| told.place).for_each(|place| is_taken[place] = true);
    let silent: Vec<_> = (0..told.len()).filter(|place| is_silent(status, told, *place)).collect();
    if silent.is_empty() && !told.is_empty() {
        return;
    }
    let left = (0..entries.len()).filter(|place| !is_taken[*place]).collect();
    let mut left = candidates(entries, left, &types, silent.len() == told.len()).into_iter();
    for place in silent {
        let Some(found) = left.next() else { break };
        let event = std::mem::replace(&mut *told[place].happened.event, Event::unknown());
        told[place] = of_entry(events, event, &entries[found], found);
    }
    let said = StatusEvent::default();
    told.extend(left.map(|place| of_entry(events, events.event(&said), &entries[place], place)));
    if told.is_empty() {
        // The notification still reports one event, about which nothing is known.
        told.push(Reported { happened: Happened::new(events.event(&said), None), place: None });
    }
}

/// If one event names something else than a resource, it belongs to the only entry of its type.
fn by_type<'a>(
    status: &Status<'a>,
    entries: &[Entry<'a>],
    index: &Index<'_, 'a>,
    types: &[&'static str],
    told: &mut [Reported<'a>],
) {
    let is_open = |place: &usize| told[*place].is_open() && !is_silent(status, told, *place);
    let mut open = (0..told.len()).filter(is_open);
    let (Some(place), None) = (open.next(), open.next()) else { return };
    let event = &told[place].happened.event;
    // The URL of an entry that is missing.
    let is_urn = event.written.as_deref().is_some_and(|written| written.starts_with("urn:"));
    if is_urn && types.is_empty() {
        return;
    }
    let is_of_type = |entry: &Entry<'_>| match (entry.resource_type(), &event.unnamed_type) {
        (Some(found), Some(said)) => found == said,
        (Some(_), None) if types.is_empty() => !only_describes(entry),
        (Some(found), None) => types.contains(&found),
        (None, _) => false,
    };
    let mut found =
        (0..entries.len()).filter(|at| entries[*at].resource.is_some() && is_of_type(&entries[*at]));
    if let (Some(found), None) = (found.next(), found.next())
        && !index.is_taken(found)
    {
        let event = std::mem::replace(&mut *told[place].happened.event, Event::unknown());
        told[place] = Reported { happened: about(event, None, &entries[found]), place: Some(found) };
    }
}

/// Whether an event of the status says nothing about its resource.
fn is_silent(status: &Status<'_>, told: &[Reported<'_>], place: usize) -> bool {
    let said = status.events.items.get(place).map(|said| &said.focus);
    told[place].is_open() && matches!(said, Some(Focus::Absent))
}

/// The entries among those that are left that an event may mean: entries of the handler's type, with an
/// interaction; else the only entry.
///
/// If several entries have no interaction, the event's entry cannot be distinguished from the included ones.
fn candidates(entries: &[Entry<'_>], left: Vec<usize>, types: &[&'static str], is_only: bool) -> Vec<usize> {
    let is_done = |place: &usize| entries[*place].interaction() != Interaction::Unknown;
    let is_of_type =
        |place: &usize| entries[*place].resource_type().is_some_and(|found| types.contains(&found));
    let of_type: Vec<_> = left.iter().copied().filter(is_of_type).collect();
    let done: Vec<_> = left.iter().copied().filter(is_done).collect();
    let both: Vec<_> = of_type.iter().copied().filter(is_done).collect();
    match () {
        () if !both.is_empty() => both,
        () if !of_type.is_empty() => of_type,
        () if is_only
            && left.len() == 1
            && is_named(&entries[left[0]])
            && !only_describes(&entries[left[0]]) =>
        {
            left
        }
        () => done.into_iter().filter(|place| is_named(&entries[*place])).collect(),
    }
}

/// Whether an entry describes the events or the notification, and is the resource of no event. athenahealth
/// sends an AuditEvent for each event.
fn only_describes(entry: &Entry<'_>) -> bool {
    entry.is_resource("OperationOutcome") || entry.is_resource("AuditEvent")
}

/// Whether an entry contains anything that an event could mean.
fn is_named(entry: &Entry<'_>) -> bool {
    entry.resource.is_some() || entry.reference().is_some()
}

/// The event of an entry.
fn of_entry<'a>(events: &Events<'_>, mut event: Event, entry: &Entry<'a>, place: usize) -> Reported<'a> {
    let full_url = entry.full_url.as_deref();
    let elsewhere = full_url.filter(|url| events.own.is_told() && events.own.is_elsewhere(url));
    let named = elsewhere.map_or_else(|| entry.reference(), reference::parse);
    match named.filter(|_| elsewhere.is_none()) {
        Some(focus) => event.focus = Some(reference::relative(focus)),
        None => {
            event.written = full_url.map(str::to_owned);
            event.unnamed_type = entry.resource_type().map(str::to_owned);
        }
    }
    Reported { happened: about(event, named, entry), place: Some(place) }
}
