//! The model of events: what is remembered of each is a list of facts.

use std::collections::HashMap;
use std::time::Duration;

use crate::fhir::Instant;
use crate::store::tests::timed::RETENTION;
use crate::store::{Begun, Claim, Entry, Key};

#[derive(Default)]
pub(super) struct Events {
    pub(super) now: Duration,
    events: HashMap<Key, Event>,
}

/// What is known of an event, until it expires.
struct Event {
    expires: Duration,
    /// Whose it is, and until when others have to wait.
    held: Option<(u64, Duration)>,
    is_done: bool,
    /// The version that was begun last, and how often since anything was done.
    tried: (Key, u32),
    done_last: Option<(Instant, Key)>,
}

/// What is to come of beginning an event: the tries, where it is fresh.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Fresh(u32),
    UnderWay,
    Done,
    Superseded,
}

impl Expected {
    pub(super) fn seen(begun: &Begun) -> Self {
        match begun {
            Begun::Fresh(claim) => Self::Fresh(claim.tries),
            Begun::UnderWay => Self::UnderWay,
            Begun::Done => Self::Done,
            Begun::Superseded => Self::Superseded,
        }
    }
}

impl Events {
    fn known(&self, key: &Key) -> Option<&Event> {
        self.events.get(key).filter(|event| event.expires > self.now)
    }

    pub(super) fn expect(&self, entry: &Entry) -> Expected {
        let Some(event) = self.known(entry.key()) else { return Expected::Fresh(1) };
        if event.held.is_some_and(|(_, until)| until > self.now) {
            return Expected::UnderWay;
        }
        match entry {
            Entry::Once(_) | Entry::Passing(_) if event.is_done => return Expected::Done,
            Entry::Latest { version, updated, .. } => {
                if let Some((done, of)) = &event.done_last {
                    if of == version {
                        return Expected::Done;
                    }
                    if updated.is_some_and(|updated| updated < *done) {
                        return Expected::Superseded;
                    }
                }
            }
            _ => {}
        }
        let (version, tries) = &event.tried;
        Expected::Fresh(if version == entry.version() { tries + 1 } else { 1 })
    }

    pub(super) fn begun(&mut self, claim: &Claim, lease: Duration) {
        let key = claim.entry.key();
        let done_last = self.known(key).and_then(|event| event.done_last);
        let event = Event {
            expires: self.now + lease + RETENTION,
            held: Some((claim.token, self.now + lease)),
            is_done: false,
            tried: (*claim.entry.version(), claim.tries),
            done_last,
        };
        self.events.insert(*key, event);
    }

    pub(super) fn ended(&mut self, claim: &Claim, is_done: bool) {
        let key = claim.entry.key();
        if self.known(key).is_none() {
            return;
        }
        let Some(event) = self.events.get_mut(key) else { return };
        if event.held.is_none_or(|(token, _)| token != claim.token) {
            return;
        }
        if is_done && matches!(claim.entry, Entry::Passing(_)) {
            self.events.remove(key);
            return;
        }
        event.held = None;
        event.expires = self.now + RETENTION;
        event.is_done = is_done;
        if is_done {
            event.tried.1 = 0;
            if let Entry::Latest { version, updated: Some(updated), .. } = claim.entry {
                event.done_last = Some((updated, version));
            }
        }
    }

    pub(super) fn reopened(&mut self, key: &Key) {
        if self.events.get(key).is_some_and(|event| event.held.is_none_or(|(_, until)| until <= self.now)) {
            self.events.remove(key);
        }
    }
}
