//! [`Index`]: which entry an event is about.

use std::collections::HashMap;
use std::hash::Hash;

use super::entry::{Entry, Name};
use crate::fhir::Reference;

/// The entries of a Bundle, for events to take.
///
/// One resource may be in a history several times, each time for another event: each entry then stands for one of them,
/// in the order of both. Where there are more events than entries, the last entry stands for the rest.
#[derive(Debug)]
pub(super) struct Index<'e, 'a> {
    entries: &'e [Entry<'a>],
    /// How many entries from the first on are taken: most servers write an entry for each event, in the events' order.
    in_order: usize,
    /// All that is known by name, once an event was about another entry than the next.
    by_name: Option<ByName<'e>>,
}

#[derive(Debug)]
struct ByName<'e> {
    places: HashMap<Name<'e>, Places>,
    /// The same by version as well, or by none; once one was wanted.
    versions: Option<HashMap<(Name<'e>, Option<&'e str>), Places>>,
    is_taken: Vec<bool>,
}

/// The places of entries of one name: each is looked at once, however many events there are.
#[derive(Debug, Default)]
struct Places {
    all: Vec<usize>,
    /// How many of them, from the first on, are taken.
    taken: usize,
}

impl<'e, 'a> Index<'e, 'a> {
    pub(super) fn new(entries: &'e [Entry<'a>]) -> Self {
        Self { entries, in_order: 0, by_name: None }
    }

    /// The entry of the next event about what `text` names, of that version where it names one; `reference` is what
    /// `text` is, taken apart.
    pub(super) fn next(&mut self, text: &'e str, reference: Option<Reference<'e>>) -> Option<&'e Entry<'a>> {
        let (name, version_id) =
            (Name::of(text, reference), reference.and_then(|reference| reference.version_id));
        let entries = self.entries;
        let fits = |entry: &Entry<'_>| {
            version_id.is_none_or(|wanted| entry.version_id().is_none_or(|found| found == wanted))
        };
        if self.by_name.is_none()
            && let Some(entry) = entries.get(self.in_order)
            && entry.is_called(name, text)
            && fits(entry)
        {
            self.in_order += 1;
            return Some(entry);
        }
        let by_name = self.by_name.get_or_insert_with(|| ByName::new(entries, self.in_order));
        let place = match version_id {
            None => by_name.take(name),
            Some(version_id) => by_name.take_version(entries, name, version_id),
        };
        place.map(|place| &entries[place])
    }
}

impl<'e> ByName<'e> {
    fn new(entries: &'e [Entry<'_>], taken: usize) -> Self {
        let is_taken = (0..entries.len()).map(|place| place < taken).collect();
        Self { places: places(entries, |_, name| name), versions: None, is_taken }
    }

    /// Takes the first entry of that name that is not taken, or else the last one.
    fn take(&mut self, name: Name<'e>) -> Option<usize> {
        let places = self.places.get_mut(&name)?;
        let place = places.first(&self.is_taken).or(places.last())?;
        self.is_taken[place] = true;
        Some(place)
    }

    /// Takes one that is of that version, or of none that is known.
    fn take_version(
        &mut self,
        entries: &'e [Entry<'_>],
        name: Name<'e>,
        version_id: &'e str,
    ) -> Option<usize> {
        let versions =
            self.versions.get_or_insert_with(|| places(entries, |entry, name| (name, entry.version_id())));
        let (mut first, mut last) = (None, None);
        for version_id in [Some(version_id), None] {
            let Some(places) = versions.get_mut(&(name, version_id)) else { continue };
            first = places.first(&self.is_taken).into_iter().chain(first).min();
            last = last.max(places.last());
        }
        let place = first.or(last)?;
        self.is_taken[place] = true;
        Some(place)
    }
}

/// The places of the entries, by a key that is made of each and of each of its names.
fn places<'e, 'a, K: Eq + Hash>(
    entries: &'e [Entry<'a>],
    key: impl Fn(&'e Entry<'a>, Name<'e>) -> K,
) -> HashMap<K, Places> {
    let mut places: HashMap<K, Places> = HashMap::with_capacity(entries.len());
    for (place, entry) in entries.iter().enumerate() {
        for name in entry.names() {
            let all = &mut places.entry(key(entry, name)).or_default().all;
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
