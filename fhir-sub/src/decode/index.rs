//! [`Index`]: finds the entry of an event.

use std::collections::HashMap;
use std::hash::Hash;

use super::entry::{Entry, Name};
use super::own::Own;
use crate::fhir::Reference;
use crate::fhir::reference::canonical_base;

/// The entries of a Bundle, for events to take.
///
/// A resource may be in a history several times, each time for another event. Then each entry belongs to one
/// event, in the order of both. If there are more events than entries, the other events share the last entry.
#[derive(Debug)]
pub(super) struct Index<'e, 'a> {
    entries: &'e [Entry<'a>],
    own: &'e Own<'e>,
    /// How many entries from the first on are taken: most servers write an entry for each event, in the same
    /// order.
    in_order: usize,
    /// The entries by name, once an event belongs to another entry than the next one.
    by_name: Option<ByName<'e>>,
}

/// The resource of an event, as it is searched for among the entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'e> {
    pub(super) text: &'e str,
    /// The parsed text.
    pub(super) reference: Option<Reference<'e>>,
    /// Whether it is on another server than the notification's own.
    pub(super) is_elsewhere: bool,
}

#[derive(Debug)]
struct ByName<'e> {
    places: HashMap<Called<'e>, Places>,
    /// The places by name and version, or without a version. Built when a version is first wanted.
    versions: Option<HashMap<(Called<'e>, Option<&'e str>), Places>>,
    /// The places by base URL and name, or without a base URL. Built when a resource of another server is
    /// first wanted.
    bases: Option<HashMap<There<'e>, Vec<usize>>>,
    is_elsewhere: Vec<bool>,
    is_taken: Vec<bool>,
}

/// The normalized base URL of the entry's own URL, and a name of the entry.
type There<'e> = (Option<String>, Name<'e>);

/// Whether the entry's own URL names another server, and a name of the entry. An event without a server means
/// such an entry only if no other entry has the name: Helios writes a host of its own choice there.
type Called<'e> = (bool, Name<'e>);

/// The places of the entries with one name. Each is looked at once, however many events there are.
#[derive(Debug, Default)]
struct Places {
    all: Vec<usize>,
    /// How many of them, from the first on, are taken.
    taken: usize,
}

impl<'e, 'a> Index<'e, 'a> {
    pub(super) fn new(entries: &'e [Entry<'a>], own: &'e Own<'e>) -> Self {
        Self { entries, own, in_order: 0, by_name: None }
    }

    /// The place of the next event's entry, in the wanted version if there is one.
    pub(super) fn next(&mut self, wanted: Wanted<'e>) -> Option<usize> {
        let version_id = wanted.reference.and_then(|reference| reference.version_id);
        let name = Name::of(wanted.text, wanted.reference);
        let entries = self.entries;
        if self.by_name.is_none()
            && let Some(entry) = entries.get(self.in_order)
            && self.is_called(entry, name, wanted)
            && fits(entry, version_id)
        {
            self.in_order += 1;
            return Some(self.in_order - 1);
        }
        let own = self.own;
        let by_name = self.by_name.get_or_insert_with(|| ByName::new(entries, own, self.in_order));
        match version_id {
            _ if wanted.is_elsewhere => by_name.take_elsewhere(entries, wanted.text, name, version_id),
            None => by_name.take(name),
            Some(version_id) => by_name.take_version(entries, name, version_id),
        }
    }

    /// Whether the entry at `place` belongs to an event.
    pub(super) fn is_taken(&self, place: usize) -> bool {
        self.by_name.as_ref().map_or(place < self.in_order, |by_name| by_name.is_taken[place])
    }

    fn is_called(&self, entry: &Entry<'_>, name: Name<'_>, wanted: Wanted<'_>) -> bool {
        // Most servers write both texts alike: then neither must be parsed.
        entry.full_url.as_deref() == Some(wanted.text)
            || !wanted.is_elsewhere && entry.names().any(|own| own == name) && !is_elsewhere(entry, self.own)
    }
}

fn fits(entry: &Entry<'_>, version_id: Option<&str>) -> bool {
    version_id.is_none_or(|wanted| entry.version_id().is_none_or(|found| found == wanted))
}

fn is_elsewhere(entry: &Entry<'_>, own: &Own<'_>) -> bool {
    entry.base().is_some_and(|base| !own.is_here(base))
}

impl<'e> ByName<'e> {
    fn new(entries: &'e [Entry<'_>], own: &Own<'_>, taken: usize) -> Self {
        let is_elsewhere: Vec<_> = entries.iter().map(|entry| is_elsewhere(entry, own)).collect();
        Self {
            places: places(entries, |place, name| (is_elsewhere[place], name)),
            versions: None,
            bases: None,
            is_taken: (0..entries.len()).map(|place| place < taken).collect(),
            is_elsewhere,
        }
    }

    /// Takes the first free entry with that name, or else the last entry.
    fn take(&mut self, name: Name<'e>) -> Option<usize> {
        let called = self.called(name);
        let places = self.places.get_mut(&called)?;
        let place = places.first(&self.is_taken).or(places.last())?;
        self.is_taken[place] = true;
        Some(place)
    }

    /// Takes an entry with that version, or with an unknown version.
    fn take_version(
        &mut self,
        entries: &'e [Entry<'_>],
        name: Name<'e>,
        version_id: &'e str,
    ) -> Option<usize> {
        let called = self.called(name);
        let is_elsewhere = &self.is_elsewhere;
        let versions = self.versions.get_or_insert_with(|| {
            places(entries, |place, name| ((is_elsewhere[place], name), entries[place].version_id()))
        });
        let (mut first, mut last) = (None, None);
        for version_id in [Some(version_id), None] {
            let Some(places) = versions.get_mut(&(called, version_id)) else { continue };
            first = places.first(&self.is_taken).into_iter().chain(first).min();
            last = last.max(places.last());
        }
        let place = first.or(last)?;
        self.is_taken[place] = true;
        Some(place)
    }

    fn called(&self, name: Name<'e>) -> Called<'e> {
        (!self.places.contains_key(&(false, name)), name)
    }

    /// Takes an entry with its own URL on the same server as `text`, or without a server.
    fn take_elsewhere(
        &mut self,
        entries: &'e [Entry<'_>],
        text: &str,
        name: Name<'e>,
        version_id: Option<&str>,
    ) -> Option<usize> {
        let bases = self.bases.get_or_insert_with(|| {
            let mut bases: HashMap<There<'e>, Vec<_>> = HashMap::new();
            for (place, entry) in entries.iter().enumerate() {
                let base = entry.base().and_then(canonical_base);
                for name in entry.names() {
                    let all = bases.entry((base.clone(), name)).or_default();
                    if all.last() != Some(&place) {
                        all.push(place);
                    }
                }
            }
            bases
        });
        let base = Reference::base(text).and_then(canonical_base);
        let places = bases.get(&(base, name)).or_else(|| bases.get(&(None, name)))?;
        let fit = || places.iter().copied().filter(|place| fits(&entries[*place], version_id));
        let place = fit().find(|place| !self.is_taken[*place]).or_else(|| fit().next_back())?;
        self.is_taken[place] = true;
        Some(place)
    }
}

/// The places of the entries, by a key of each entry and each of its names.
fn places<'e, K: Eq + Hash>(
    entries: &'e [Entry<'_>],
    key: impl Fn(usize, Name<'e>) -> K,
) -> HashMap<K, Places> {
    let mut places: HashMap<K, Places> = HashMap::with_capacity(entries.len());
    for (place, entry) in entries.iter().enumerate() {
        for name in entry.names() {
            let all = &mut places.entry(key(place, name)).or_default().all;
            if all.last() != Some(&place) {
                all.push(place);
            }
        }
    }
    places
}

impl Places {
    fn first(&mut self, is_taken: &[bool]) -> Option<usize> {
        while self.all.get(self.taken).is_some_and(|place| is_taken[*place]) {
            self.taken += 1;
        }
        self.all.get(self.taken).copied()
    }

    fn last(&self) -> Option<usize> {
        self.all.last().copied()
    }
}
