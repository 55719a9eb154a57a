//! From what a status says to the events that a handler is given.

use std::sync::Arc;

use super::entry::Entry;
use super::index::Index;
use super::status::{Focus, Status, StatusEvent};
use super::{Happened, reference};
use crate::event::Event;
use crate::interaction::Interaction;

/// What all events of a notification have in common.
pub(super) struct Events {
    subscription: Option<String>,
    topic: Option<Arc<str>>,
}

impl Events {
    pub(super) fn new(status: &Status<'_>) -> Self {
        Self {
            subscription: status.subscription.as_deref().and_then(reference::subscription),
            topic: status.topic.as_deref().map(Arc::from),
        }
    }

    /// The events of a status in its order, each with the resource that came for it, or with why it cannot be handled.
    ///
    /// A notification that lists none still tells of one, of which nothing is known.
    pub(super) fn collect<'e, 'a>(
        &self,
        status: &'e Status<'_>,
        index: &mut Index<'e, 'a>,
    ) -> Vec<Happened<'a>> {
        if status.events.items.is_empty() {
            return vec![Happened::new(self.event(&StatusEvent::default()), None)];
        }
        let happened = |said| {
            let mistaken =
                |mistake| Happened { mistake: Some(mistake), ..Happened::new(self.event(said), None) };
            self.happened(said, index).unwrap_or_else(mistaken)
        };
        status.events.items.iter().map(happened).collect()
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
        event.focus = Some(reference::relative(focus));
        let Some(entry) = entry else {
            event.version_id = version_id.map(str::to_owned);
            return Ok(Happened::new(event, None));
        };
        if entry.resource.as_ref().is_some_and(|resource| !resource.outline.is_of(&focus)) {
            return Err("an entry has another resource than the one it names");
        }
        event.version_id = version_id.or_else(|| entry.version_id()).map(str::to_owned);
        event.interaction = entry.interaction();
        // A deletion has none; a version that comes with it is of before.
        let resource = entry.resource.as_ref().filter(|_| event.interaction != Interaction::Delete);
        Ok(Happened::new(event, resource.map(|resource| resource.json)))
    }
}

const UNNAMED: &str = "an event does not name its resource as Type/id";
