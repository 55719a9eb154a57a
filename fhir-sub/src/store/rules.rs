//! The rules of the store: which events are new, done, under way, superseded or given up.
//!
//! Each rule is a pure function. It takes a record, a request and the time, and returns a decision and the
//! next record. The backends do not know the rules.

use super::entry::{Begun, Entry, How, Identity, OfResource, Told};
use super::record::{EventRecord, FoundVersion, Millis, ResourceRecord};
use crate::fhir::Instant;

/// How many versions of each kind the record of a resource remembers.
const REMEMBERED: usize = 32;

/// An event that may be begun: this record replaces the last one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Beginning {
    pub(super) record: EventRecord,
    /// When the lease of the try before ran out, if that try came to no end: it has killed its instance.
    pub(super) died: Option<Millis>,
    /// The event must not be handled, but given up.
    pub(super) is_exhausted: bool,
}

/// Begins an event, or says why not. An expired record must be passed as `None`.
pub(super) fn begin(
    record: Option<&EventRecord>,
    entry: &Entry,
    how: How,
    now: Millis,
    until: Millis,
) -> Result<Beginning, Begun> {
    let version = match entry.identity {
        Identity::Once | Identity::Passing => None,
        Identity::Content(version) => Some(version),
    };
    let asked = how.asked.map(Box::new);
    let fresh = EventRecord { lease: Some(until), tries: 1, version, asked, ..EventRecord::default() };
    let Some(record) = record else {
        return Ok(Beginning { record: fresh, died: None, is_exhausted: false });
    };
    if record.lease.is_some_and(|until| until > now) {
        return Err(Begun::UnderWay);
    }
    // A dead letter that is tried again may come without its content.
    let is_of_record = how.is_again && version.is_none();
    if record.version != version && !is_of_record {
        // A new content: the tries of the content before it do not count.
        let sequence = record.sequence.saturating_add(1);
        let record = EventRecord { sequence, ..fresh };
        return Ok(Beginning { record, died: None, is_exhausted: false });
    }
    if record.is_done && !(how.is_again && record.is_dead) {
        return Err(Begun::Done);
    }
    let died = record.lease;
    let asked = record.asked.clone().max(how.asked.map(Box::new));
    let next = EventRecord { lease: Some(until), asked, ..record.clone() };
    if died.is_some() && !how.is_again {
        if record.tries >= how.limit {
            return Ok(Beginning { record: next, died, is_exhausted: true });
        }
        if !how.is_alone {
            return Err(Begun::Suspect { tries: record.tries });
        }
    }
    let tries = record.tries.saturating_add(1);
    Ok(Beginning { record: EventRecord { tries, ..next }, died, is_exhausted: false })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It was handled.
    Done,
    /// It failed, and is free to be begun again.
    Failed,
    /// It was not tried after all, and is free to be begun again. If the try before killed its instance, that still counts.
    Untried,
    /// It must be given up without another try, but its dead letter could not be written. The next report of the event tries
    /// to write the letter again.
    NotGivenUp,
    /// It was given up. In a durable store it then counts as done; otherwise the sender must remember it.
    GivenUp { is_durable: bool },
}

impl End {
    /// Whether the record of the event's resource must tell that it ended so.
    pub(super) fn concerns(self, event: &OfResource) -> bool {
        match self {
            Self::Done => true,
            Self::GivenUp { is_durable } => is_durable && event.told != Told::Version,
            Self::Failed | Self::Untried | Self::NotGivenUp => false,
        }
    }
}

/// The record of an event that has ended; `None` if nothing must be remembered. `died` comes from its [`Beginning`].
pub(super) fn end(
    record: &EventRecord,
    died: Option<Millis>,
    identity: Identity,
    end: End,
) -> Option<EventRecord> {
    let ended = EventRecord { lease: None, ..record.clone() };
    match end {
        End::Done | End::GivenUp { is_durable: true } if identity == Identity::Passing => None,
        // A done event has no tries since.
        End::Done => Some(EventRecord { is_done: true, is_dead: false, tries: 0, ..ended }),
        End::GivenUp { is_durable } => {
            Some(EventRecord { is_done: is_durable, is_dead: true, tries: 0, ..ended })
        }
        End::Failed => Some(ended),
        // This was no try, and the mark of the killed instance stays.
        End::NotGivenUp => Some(EventRecord { lease: died, ..ended }),
        End::Untried => Some(EventRecord { lease: died, tries: ended.tries.saturating_sub(1), ..ended }),
    }
}

/// How an event of a resource has ended under another name: reported without its version and then found with it, or the other
/// way round. A dead letter that is tried `again` may be handled under its own name.
pub(super) fn ended_otherwise(record: &ResourceRecord, event: &OfResource, is_again: bool) -> Option<End> {
    if covers(record, event) {
        return Some(End::Done);
    }
    let is_given_up = || record.given_up.as_ref().is_some_and(|given_up| covers(given_up, event));
    (!is_again && is_given_up()).then_some(End::GivenUp { is_durable: true })
}

fn covers(record: &ResourceRecord, event: &OfResource) -> bool {
    if event.is_deletion {
        let is_told = matches!(event.told, Told::Search | Told::Time(_));
        return is_told && event.updated.is_some_and(|updated| record.deletions.contains(&updated));
    }
    match (event.told, event.updated) {
        (Told::Search, Some(updated)) => {
            record.unnamed.contains(&updated) || record.numbered.is_some_and(|told| updated <= told)
        }
        (Told::Time(updated), _) => record.found.iter().any(|found| found.updated == updated),
        (Told::Number(happened), _) => record.found.iter().any(|found| {
            // A slow page may show a version that was written after its request.
            let shown = super::instant(found.at).max(found.updated);
            (found.updated..=shown).contains(&happened)
        }),
        // The version may have been found before the deletion.
        (Told::Search | Told::Version | Told::NumberOrDeletion(_), _) => false,
    }
}

/// Takes the lease on a resource whose events are handled one after the other, or says why not. `event` is not
/// known [under another name](ended_otherwise).
pub(super) fn begin_resource(
    record: Option<&ResourceRecord>,
    event: &OfResource,
    how: How,
    now: Millis,
    until: Millis,
) -> Result<ResourceRecord, Begun> {
    let record = record.cloned().unwrap_or_default();
    if record.lease.is_some_and(|until| until > now) {
        return Err(Begun::UnderWay);
    }
    if !event.is_ordered {
        return Ok(ResourceRecord { lease: Some(until), ..record });
    }
    if is_overtaken(record.newest, event.updated) {
        return Err(Begun::Superseded);
    }
    if record.is_deleted && !event.is_deletion && !how.is_there {
        return Err(Begun::AfterDeletion);
    }
    Ok(ResourceRecord { lease: Some(until), ..record })
}

/// Whether a version is older than the newest one that was handled.
pub(super) fn is_overtaken(newest: Option<Instant>, updated: Option<Instant>) -> bool {
    newest.zip(updated).is_some_and(|(newest, updated)| updated < newest)
}

/// The record of a resource after one of its events has ended. `shown` is the moment when a search showed that event, if one did.
pub(super) fn end_resource(
    record: &ResourceRecord,
    event: &OfResource,
    end: End,
    shown: Millis,
) -> ResourceRecord {
    let mut next = ResourceRecord { lease: None, ..record.clone() };
    if end == End::Done && event.is_ordered {
        next.newest = next.newest.max(event.updated);
        next.is_deleted = event.is_deletion && event.updated.is_none();
    }
    let record = match end {
        End::Done => &mut next,
        _ if end.concerns(event) => next.given_up.get_or_insert_default(),
        _ => return next,
    };
    match (event.told, event.updated) {
        (Told::Search | Told::Time(_), Some(updated)) if event.is_deletion => {
            remember(&mut record.deletions, updated);
        }
        (Told::Search, Some(updated)) => {
            remember(&mut record.found, FoundVersion { updated, at: shown });
        }
        (Told::Time(updated), _) => remember(&mut record.unnamed, updated),
        (Told::Number(happened) | Told::NumberOrDeletion(happened), _) => {
            record.numbered = record.numbered.max(Some(happened));
        }
        (Told::Search | Told::Version, _) => {}
    }
    next
}

fn remember<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if !list.contains(&one) {
        if list.len() == REMEMBERED {
            list.remove(0);
        }
        list.push(one);
    }
}
