//! [`Index`]: which entry an event is about.

use std::collections::HashMap;

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
    places: HashMap<Name<'e>, Vec<usize>>,
    is_taken: Vec<bool>,
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
        let fits = |entry: &Entry<'_>| match (version_id, entry.version_id()) {
            (Some(wanted), Some(found)) => wanted == found,
            _ => true,
        };
        if self.by_name.is_none()
            && let Some(entry) = entries.get(self.in_order)
            && entry.is_called(name, text)
            && fits(entry)
        {
            self.in_order += 1;
            return Some(entry);
        }
        let ByName { places, is_taken } =
            self.by_name.get_or_insert_with(|| ByName::new(entries, self.in_order));
        let mut fitting = places.get(&name)?.iter().copied().filter(|place| fits(&entries[*place]));
        let place = fitting.clone().find(|place| !is_taken[*place]).or_else(|| fitting.next_back())?;
        is_taken[place] = true;
        Some(&entries[place])
    }
}

impl<'e> ByName<'e> {
    fn new(entries: &'e [Entry<'_>], taken: usize) -> Self {
        let mut places: HashMap<_, Vec<_>> = HashMap::with_capacity(entries.len());
        for (place, entry) in entries.iter().enumerate() {
            for name in entry.names() {
                let named = places.entry(name).or_default();
                if named.last() != Some(&place) {
                    named.push(place);
                }
            }
        }
        Self { places, is_taken: (0..entries.len()).map(|place| place < taken).collect() }
    }
}
