//! From what a status says to the events that a handler is given.

use std::sync::Arc;

use super::entry::Entry;
use super::index::Index;
use super::status::{Focus, Status, StatusEvent};
use super::{Happened, reference};
use crate::event::Event;
use crate::fhir::Reference;
use crate::interaction::Interaction;

/// What all events of a notification have in common.
pub(super) struct Events {
    subscription: Option<String>,
    topic: Option<Arc<str>>,
}

impl Events {
    pub(super) fn new(status: &Status<'_>, subscription: Option<String>) -> Self {
        Self { subscription, topic: status.topic.as_deref().map(Arc::from) }
    }

    /// The events of a status in its order, each with the resource that came for it, or with why it cannot be handled.
    pub(super) fn collect<'e, 'a>(
        &self,
        status: &'e Status<'_>,
        index: &mut Index<'e, 'a>,
    ) -> Vec<Happened<'a>> {
        let happened =
            |said| self.happened(said, index).unwrap_or_else(|mistake| self.mistaken(said, mistake));
        status.events.items.iter().map(happened).collect()
    }

    /// The events of a notification whose status lists none: what its entries say was done, or its only entry.
    ///
    /// Where several say nothing of that, those that an event is about cannot be told from what came along with them.
    /// Then it still tells of one event, of which nothing is known.
    pub(super) fn of_entries<'a>(&self, entries: &[Entry<'a>]) -> Vec<Happened<'a>> {
        let said = StatusEvent::default();
        let happened = |entry: &Entry<'a>| {
            let focus = entry.reference()?;
            let happened = about(self.event(&said), focus, None, entry);
            Some(happened.unwrap_or_else(|mistake| self.mistaken(&said, mistake)))
        };
        let is_done = |entry: &&Entry<'_>| entry.interaction() != Interaction::Unknown;
        let mut events: Vec<_> = match entries {
            [only] => happened(only).into_iter().collect(),
            several => several.iter().filter(is_done).filter_map(happened).collect(),
        };
        if events.is_empty() {
            events.push(Happened::new(self.event(&said), None));
        }
        events
    }

    fn mistaken<'a>(&self, said: &StatusEvent<'_>, mistake: &'static str) -> Happened<'a> {
        Happened { mistake: Some(mistake), ..Happened::new(self.event(said), None) }
    }

    fn event(&self, said: &StatusEvent<'_>) -> Event {
        Event {
            subscription: self.subscription.clone(),
            topic: self.topic.clone(),
            timestamp: said.timestamp.as_deref().map(str::to_owned),
            number: said.number,
            ..Event::unknown()
        }
    }

    fn happened<'e, 'a>(
        &self,
        said: &'e StatusEvent<'_>,
        index: &mut Index<'e, 'a>,
    ) -> Result<Happened<'a>, &'static str> {
        let mut event = self.event(said);
        let text = match &said.focus {
            Focus::Absent => return Ok(Happened::new(event, None)),
            Focus::Unnamed => return Err(UNNAMED),
            Focus::Named(text) => text,
        };
        let named = reference::parse(text);
        let version_id = named.and_then(|named| named.version_id);
        let entry = index.next(text, named);
        // Where the bundle's entries have URLs of its own (`urn:uuid:…`), the resource says what it is.
        let focus = named.or_else(|| entry.and_then(Entry::own_reference)).ok_or(UNNAMED)?;
        let Some(entry) = entry else {
            event.focus = Some(reference::relative(focus));
            event.version_id = version_id.map(str::to_owned);
            return Ok(Happened::new(event, None));
        };
        about(event, focus, version_id, entry)
    }
}

/// The event about `focus`, and of that version if one is named, which an entry came for.
fn about<'a>(
    mut event: Event,
    focus: Reference<'_>,
    version_id: Option<&str>,
    entry: &Entry<'a>,
) -> Result<Happened<'a>, &'static str> {
    if entry.resource.as_ref().is_some_and(|resource| !resource.outline.is_of(&focus)) {
        return Err("an entry has another resource than the one it names");
    }
    event.focus = Some(reference::relative(focus));
    event.version_id = version_id.or_else(|| entry.version_id()).map(str::to_owned);
    event.interaction = entry.interaction();
    // A deletion has none; a version that comes with it is of before.
    let resource = entry.resource.as_ref().filter(|_| event.interaction != Interaction::Delete);
    Ok(Happened::new(event, resource.map(|resource| resource.json)))
}

const UNNAMED: &str = "an event does not name its resource as Type/id";
