//! Turns a status into the events for the handler.

use std::sync::Arc;

use super::entry::Entry;
use super::index::{Index, Wanted};
use super::own::Own;
use super::status::{Focus, Status, StatusEvent};
use super::{Happened, reference, unnamed};
use crate::event::Event;
use crate::fhir::Reference;
use crate::interaction::Interaction;

/// The common parts of all events of a notification.
pub(super) struct Events<'n> {
    pub(super) subscription: Option<String>,
    pub(super) topic: Option<Arc<str>>,
    pub(super) own: &'n Own<'n>,
    /// The types that the handler takes, if they are known; empty for any type.
    pub(super) types: &'n dyn Fn() -> Vec<&'static str>,
}

/// An event, and the place of its entry.
#[derive(Debug)]
pub(super) struct Reported<'a> {
    pub(super) happened: Happened<'a>,
    pub(super) place: Option<usize>,
}

impl Reported<'_> {
    /// Whether the resource of the event is unknown.
    pub(super) fn is_open(&self) -> bool {
        let Happened { event, mistake, .. } = &self.happened;
        self.place.is_none() && mistake.is_none() && event.focus.is_none() && event.elsewhere().is_none()
    }
}

impl Events<'_> {
    /// The events of a status, in its order, each with its resource, or with the reason why it cannot be
    /// handled.
    pub(super) fn collect<'a>(&self, status: &Status<'a>, entries: &[Entry<'a>]) -> Vec<Reported<'a>> {
        let mut index = Index::new(entries, self.own);
        let mut told: Vec<_> =
            status.events.items.iter().map(|said| self.told(said, &mut index, entries)).collect();
        if told.iter().any(Reported::is_open) || status.events.count == 0 {
            unnamed::name(self, status, entries, &index, &mut told);
        }
        if let Some(base) = self.own.foreign_base() {
            told.iter_mut().for_each(|told| self.move_to(base, told, entries));
        }
        told
    }

    /// If the event names its resource without a server, the resource is at `base`.
    fn move_to(&self, base: &str, Reported { happened, place }: &mut Reported<'_>, entries: &[Entry<'_>]) {
        let event = &mut *happened.event;
        let is_of = |base: &str| self.own.is(base);
        let is_own = event.written.as_deref().and_then(Reference::base).is_some_and(is_of)
            || place.and_then(|place| entries[place].base()).is_some_and(is_of);
        if let Some(focus) = event.focus.take_if(|_| !is_own) {
            event.unnamed_type = focus.split_once('/').map(|(resource_type, _)| resource_type.to_owned());
            event.written = Some(format!("{base}/{focus}"));
        }
    }

    /// An event with only the details of the status.
    pub(super) fn event(&self, said: &StatusEvent<'_>) -> Event {
        Event {
            subscription: self.subscription.clone(),
            topic: self.topic.clone(),
            timestamp: said.timestamp.as_deref().map(str::to_owned),
            number: said.number,
            id: said.id.as_deref().map(str::to_owned),
            ..Event::unknown()
        }
    }

    fn told<'e, 'a>(
        &self,
        said: &'e StatusEvent<'_>,
        index: &mut Index<'e, 'a>,
        entries: &'e [Entry<'a>],
    ) -> Reported<'a> {
        let mut event = self.event(said);
        let text = match &said.focus {
            Focus::Absent => return Reported { happened: Happened::new(event, None), place: None },
            Focus::Unnamed(unnamed) => {
                event.identifier.clone_from(&unnamed.identifier);
                event.unnamed_type = unnamed.resource_type.as_deref().map(str::to_owned);
                event.is_described = true;
                return Reported { happened: Happened::new(event, None), place: None };
            }
            Focus::Named(text) => text,
        };
        let named = reference::parse(text);
        let is_elsewhere = named.is_some() && self.own.is_elsewhere(text);
        if named.is_none()
            && let Some((mistake, base)) = reference::mistake(text)
            && base.is_none_or(|base| self.own.is(base))
        {
            return Reported { happened: Happened::mistaken(event, mistake), place: None };
        }
        let is_there = named.is_some() && self.own.is_there(text);
        let place = index.next(Wanted { text, reference: named, is_elsewhere: is_there });
        match named.filter(|_| !is_elsewhere) {
            Some(focus) => {
                event.focus = Some(reference::relative(focus));
                event.version_id = focus.version_id.map(str::to_owned);
                if event.focus.as_deref() != Some(&**text) {
                    event.written = Some(text.to_string());
                }
            }
            None => {
                event.written = Some(text.to_string());
                event.unnamed_type = named.map(|named| named.resource_type.to_owned());
                event.version_id = named.and_then(|named| named.version_id).map(str::to_owned);
            }
        }
        match place {
            None => Reported { happened: Happened::new(event, None), place },
            Some(at) => Reported { happened: about(event, named, &entries[at]), place },
        }
    }
}

/// The event of `entry`; `named` is the reference of the event, if it names a resource.
pub(super) fn about<'a>(mut event: Event, named: Option<Reference<'_>>, entry: &Entry<'a>) -> Happened<'a> {
    let is_of =
        |named: &Reference<'_>| entry.resource.as_ref().is_none_or(|resource| resource.outline.is_of(named));
    if named.is_some_and(|named| !is_of(&named)) {
        return Happened::mistaken(
            event,
            "an entry carries another resource than its `fullUrl`, or the event's `focus`, names",
        );
    }
    if named.is_none()
        && let Some(mistake) = entry.id_mistake()
    {
        return Happened::mistaken(event, mistake);
    }
    if named.is_none() && event.focus.is_none() {
        // If the entries have URLs of the Bundle's own (`urn:uuid:…`), the resource says what it is.
        let is_own = event.written.as_deref().is_none_or(|written| written.starts_with("urn:"));
        event.focus = entry.own_reference().filter(|_| is_own).map(reference::relative);
        if event.focus.is_none() {
            event.unnamed_type = entry.resource_type().map(str::to_owned);
        }
    }
    if event.version_id.is_none() {
        event.version_id = entry.version_id().map(str::to_owned);
    }
    event.interaction = entry.interaction();
    // A deletion has no resource: a version that comes with it is an earlier one.
    let resource = entry.resource.as_ref().filter(|_| event.interaction != Interaction::Delete);
    Happened::new(event, resource.map(|resource| resource.json))
}
