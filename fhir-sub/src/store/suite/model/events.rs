//! The model of events: for each event, it keeps a list of facts.

use std::collections::HashMap;
use std::time::Duration;

use crate::fhir::Instant;
use crate::store::suite::timed::RETENTION;
use crate::store::{Begun, Claim, Entry, How, Identity, Key};

#[derive(Default)]
pub(super) struct Events {
    pub(super) now: Duration,
    events: HashMap<Key, Event>,
    resources: HashMap<Key, Resource>,
}

/// The facts about an event, until it expires.
struct Event {
    expires: Duration,
    /// The token of the claim that holds it.
    held: Option<u64>,
    /// When that claim expires. The event may expire later, if it was reported meanwhile.
    claim_expires: Duration,
    /// Until when others have to wait: known until the event is ended.
    until: Option<Duration>,
    /// The same of the try before, if that try came to no end.
    died: Option<Duration>,
    is_done: bool,
    is_dead: bool,
    content: Option<Key>,
    tries: u32,
}

/// The facts about a resource, until it expires.
#[derive(Default)]
struct Resource {
    expires: Duration,
    held: Option<(u64, Duration)>,
    newest: Option<Instant>,
    is_deleted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    Failed,
    Untried,
    GivenUp,
}

/// The expected result of beginning an event; if it is fresh, with the number of tries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Fresh(u32),
    Exhausted(u32),
    UnderWay,
    Done,
    Superseded,
    Suspect,
    AfterDeletion,
}

impl Expected {
    pub(super) fn seen(begun: &Begun) -> Self {
        match begun {
            Begun::Fresh(claim) => Self::Fresh(claim.tries),
            Begun::Exhausted(claim) => Self::Exhausted(claim.tries),
            Begun::UnderWay => Self::UnderWay,
            Begun::Done => Self::Done,
            Begun::Superseded => Self::Superseded,
            Begun::Suspect { .. } => Self::Suspect,
            Begun::AfterDeletion => Self::AfterDeletion,
        }
    }
}

fn content(entry: &Entry) -> Option<Key> {
    match entry.identity {
        Identity::Content(content) => Some(content),
        _ => None,
    }
}

impl Events {
    fn known(&self, key: &Key) -> Option<&Event> {
        self.events.get(key).filter(|event| event.expires > self.now)
    }

    pub(super) fn expect(&self, entry: &Entry, how: How) -> Expected {
        let event = self.expect_event(entry, how);
        let (Expected::Fresh(_), Some(of)) = (&event, &entry.resource) else { return event };
        let resource = self.resources.get(&of.key).filter(|resource| resource.expires > self.now);
        let Some(resource) = resource else { return event };
        if resource.held.is_some_and(|(_, until)| until > self.now) {
            return Expected::UnderWay;
        }
        if of.updated.is_some() && of.updated < resource.newest {
            return Expected::Superseded;
        }
        if resource.is_deleted && !of.is_deletion {
            return Expected::AfterDeletion;
        }
        event
    }

    fn expect_event(&self, entry: &Entry, how: How) -> Expected {
        let Some(event) = self.known(&entry.key) else { return Expected::Fresh(1) };
        if event.until.is_some_and(|until| until > self.now) {
            return Expected::UnderWay;
        }
        if event.content != content(entry) {
            return Expected::Fresh(1);
        }
        match (how.is_again, event.is_dead) {
            (true, true) => return Expected::Fresh(event.tries + 1),
            _ if event.is_done => return Expected::Done,
            (true, _) => return Expected::Fresh(event.tries + 1),
            _ => {}
        }
        match event.until {
            Some(_) if event.tries >= how.limit => Expected::Exhausted(event.tries),
            Some(_) if !how.is_alone => Expected::Suspect,
            _ => Expected::Fresh(event.tries + 1),
        }
    }

    /// Records the result of beginning an event.
    pub(super) fn began(&mut self, entry: &Entry, begun: &Begun, lease: Duration) {
        let until = self.now + lease;
        let same = self.known(&entry.key).filter(|event| event.content == content(entry));
        let (tries, is_dead, is_done, died) =
            same.map(|event| (event.tries, event.is_dead, event.is_done, event.until)).unwrap_or_default();
        let mut event = Event {
            expires: until + RETENTION,
            held: None,
            claim_expires: until + RETENTION,
            until: Some(until),
            died,
            is_done,
            is_dead,
            content: content(entry),
            tries,
        };
        match begun {
            Begun::Fresh(claim) | Begun::Exhausted(claim) => {
                event.held = Some(claim.token);
                event.tries = claim.tries;
                if let (Some(of), Begun::Fresh(_)) = (&entry.resource, begun) {
                    let now = self.now;
                    let known = self.resources.remove(&of.key).filter(|resource| resource.expires > now);
                    let held = Some((claim.token, until));
                    let resource = Resource { held, expires: until + RETENTION, ..known.unwrap_or_default() };
                    self.resources.insert(of.key, resource);
                }
            }
            // It comes again, and is remembered for longer.
            Begun::Done => {
                let now = self.now;
                let known = self.events.get_mut(&entry.key).filter(|event| event.expires > now);
                if let Some(event) = known.filter(|event| event.expires < now + RETENTION / 2) {
                    event.expires = now + RETENTION;
                }
                return;
            }
            // The resource decided: the event was begun, and ended at once.
            Begun::UnderWay | Begun::Superseded | Begun::AfterDeletion if entry.resource.is_some() => {
                let is_held =
                    self.known(&entry.key).and_then(|event| event.until).is_some_and(|it| it > self.now);
                if is_held {
                    return;
                }
                event.until = died;
                event.expires = self.now + RETENTION;
                if *begun == Begun::Superseded {
                    (event.until, event.is_done, event.is_dead, event.tries) = (None, true, false, 0);
                }
            }
            _ => return,
        }
        self.events.insert(entry.key, event);
    }

    pub(super) fn ended(&mut self, claim: &Claim, end: End, is_durable: bool) {
        let now = self.now;
        let mut holds_resource = false;
        if let Some(of) = &claim.entry.resource
            && let Some(resource) = self.resources.get_mut(&of.key)
            && resource.held.is_some_and(|(token, _)| token == claim.token)
        {
            holds_resource = true;
            resource.held = None;
            resource.expires = now + RETENTION;
            if end == End::Done {
                resource.newest = resource.newest.max(of.updated);
                resource.is_deleted = of.is_deletion && of.updated.is_none();
            }
        }
        let key = &claim.entry.key;
        if self.known(key).is_none() {
            return;
        }
        let Some(event) = self.events.get_mut(key) else { return };
        if event.held != Some(claim.token) || event.claim_expires <= now {
            return;
        }
        if end == End::Done
            && !holds_resource
            && claim.resource.is_some()
            && let Some(of) = &claim.entry.resource
        {
            let known = self.resources.remove(&of.key).filter(|resource| resource.expires > now);
            let Resource { held, newest, is_deleted, .. } = known.unwrap_or_default();
            let resource = Resource {
                expires: now + RETENTION,
                // The current holder cannot give it back, because the record was written since.
                held: held.map(|(_, until)| (0, until)),
                newest: newest.max(of.updated),
                is_deleted: is_deleted || (of.is_deletion && of.updated.is_none()),
            };
            self.resources.insert(of.key, resource);
        }
        let is_forgotten = end == End::Done || (end == End::GivenUp && is_durable);
        if is_forgotten && claim.entry.identity == Identity::Passing {
            self.events.remove(key);
            return;
        }
        (event.held, event.until) = (None, None);
        event.expires = now + RETENTION;
        match end {
            End::Done => (event.is_done, event.is_dead, event.tries) = (true, false, 0),
            End::GivenUp => (event.is_done, event.is_dead, event.tries) = (is_durable, true, 0),
            End::Untried => (event.until, event.tries) = (event.died, event.tries.saturating_sub(1)),
            End::Failed => {}
        }
    }
}
