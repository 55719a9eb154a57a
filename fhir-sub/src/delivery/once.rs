//! An event is handled once: begun in the store, handled, and completed there, or released.

use std::time::Duration;

use tokio::sync::MutexGuard;
use tracing::warn;

use super::delivered::{Delivered, End, Ended, GivenUp, reference};
use super::failure::Failure;
use super::identity::{Otherwise, idempotency_key};
use super::read::is_there;
use crate::app::App;
use crate::deadline::Deadline;
use crate::event::{Event, Retry};
use crate::fhir::Instant;
use crate::key::Key;
use crate::store::{Begun, Claim, DeadLetter, Entry, How, Identity, OldKeys, Store, Stored, Unavailable};

/// How much longer than its handler an event is under way: so long it may take to say that it is done.
const TO_COMPLETE: Duration = Duration::from_secs(3);

/// What an event is told from others by.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) entry: Entry,
    /// What it is told from others by although it was done before: that it is the same is not certain.
    pub(crate) otherwise: Option<Box<Otherwise>>,
}

/// What becomes of an event at which an instance has died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspects {
    /// It is begun, without another such event beside it.
    AtOnce,
    /// It is left for later: whoever dies at it again has done all else before.
    Deferred,
}

/// An event at which an instance has died, and which is left for later.
#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) event: Box<Event>,
    /// How often it was begun.
    pub(super) tries: u32,
}

/// Lets `handle` handle the event that is `known`, unless that was done before, or is under way. An error where it is left
/// for later.
///
/// A store that is down lets nothing through: the server sends it again. `old_keys` tells what the event was known by
/// before, where the store may still have that.
pub(super) async fn once(
    app: &App,
    endpoint: &'static str,
    mut event: Box<Event>,
    known: Option<&mut Known>,
    (deadline, suspects): (Deadline, Suspects),
    old_keys: impl Fn(&Event) -> OldKeys,
    handle: impl AsyncFnOnce(Box<Event>) -> Delivered,
) -> Result<Delivered, Box<Suspect>> {
    let (Some(store), Some(known)) = (app.store(), known) else {
        return Ok(handle(event).await);
    };
    let beginning = Box::pin(begin(app, store, &event, known, (deadline, suspects), old_keys));
    let Beginning { begun, alone, is_otherwise } =
        match tokio::time::timeout_at(deadline.instant(), beginning).await {
            Ok(Ok(beginning)) => beginning,
            Ok(Err(NotBegun::Ended(end))) => return Ok(Delivered::new(endpoint, event, end)),
            Ok(Err(NotBegun::Suspect { tries })) => return Err(Box::new(Suspect { event, tries })),
            Err(_elapsed) => return Ok(Delivered::new(endpoint, event, End::NotBegun)),
        };
    let claim = match begun {
        Begun::Fresh(claim) => claim,
        Begun::Done => return Ok(Delivered::new(endpoint, event, End::Repeated)),
        Begun::Superseded => return Ok(Delivered::new(endpoint, event, End::Superseded)),
        Begun::Exhausted(claim) => {
            let died = Delivered::new(endpoint, event, End::Died);
            return Ok(Box::pin(give_up(app, store, &claim, died)).await);
        }
        Begun::UnderWay | Begun::Suspect { .. } | Begun::AfterDeletion => {
            return Ok(Delivered::new(endpoint, event, End::UnderWay));
        }
    };
    if is_otherwise {
        // It is another one than the server says, which tells nothing of it.
        (event.version_id, event.updated) = (None, None);
    }
    event.key = idempotency_key(app, &claim);
    let delivered = handle(event).await;
    let delivered = end(app, store, &claim, delivered).await;
    drop(alone);
    Ok(delivered)
}

/// The result of beginning an event.
struct Beginning<'a> {
    begun: Begun,
    /// The right to handle an event at which an instance has died.
    alone: Option<MutexGuard<'a, ()>>,
    /// Whether it was done before by what it was known by first.
    is_otherwise: bool,
}

/// Why an event is not begun.
enum NotBegun {
    Ended(End),
    Suspect { tries: u32 },
}

impl From<Unavailable> for NotBegun {
    fn from(unavailable: Unavailable) -> Self {
        Self::Ended(End::StoreUnavailable(Failure::of_store(&unavailable)))
    }
}

async fn begin<'a>(
    app: &'a App,
    store: &Store,
    event: &Event,
    Known { entry, otherwise }: &mut Known,
    (deadline, suspects): (Deadline, Suspects),
    old_keys: impl Fn(&Event) -> OldKeys,
) -> Result<Beginning<'a>, NotBegun> {
    let mut how = How { is_again: event.retry.is_some(), ..How::told(app.settings().idempotency.tries) };
    if let Some(Retry { record, is_passing, .. }) = event.retry
        && entry.key != record
    {
        // It is claimed by the name under which it was given up.
        let identity = if is_passing { Identity::Passing } else { Identity::Once };
        *entry = Entry { key: record, identity, ..entry.clone() };
        *otherwise = None;
    }
    let (mut alone, mut is_otherwise) = (None, false);
    loop {
        match store.begin(entry, deadline.remaining() + TO_COMPLETE, how).await? {
            Begun::Suspect { tries } if suspects == Suspects::Deferred => {
                return Err(NotBegun::Suspect { tries });
            }
            Begun::Suspect { .. } => {
                alone = Some(app.memory().alone.lock().await);
                how.is_alone = true;
            }
            Begun::AfterDeletion => {
                let is_there = Box::pin(is_there(app, event, deadline)).await;
                match is_there.map_err(|failure| NotBegun::Ended(End::Unread(failure)))? {
                    true => how.is_there = true,
                    false => return Ok(Beginning { begun: Begun::Superseded, alone, is_otherwise }),
                }
            }
            Begun::Done if otherwise.is_some() => {
                let otherwise = otherwise.take().expect("it is some");
                *entry = Box::pin(otherwise.entry(store)).await?;
                is_otherwise = true;
            }
            Begun::Fresh(claim) if event.retry.is_some() || store.may_have_old_keys() => {
                let begun = Box::pin(recall(store, event, claim, &old_keys)).await?;
                return Ok(Beginning { begun, alone, is_otherwise });
            }
            begun => return Ok(Beginning { begun, alone, is_otherwise }),
        }
    }
}

/// What is fresh by its name of today may have been handled under an old one; and what was given up may have been settled
/// since it was listed.
async fn recall(
    store: &Store,
    event: &Event,
    claim: Box<Claim>,
    old_keys: impl Fn(&Event) -> OldKeys,
) -> Stored<Begun> {
    if let Some(Retry { letter, .. }) = event.retry {
        if store.has_dead_letter(&letter).await? {
            return Ok(Begun::Fresh(claim));
        }
        store.complete(&claim).await?;
        return Ok(Begun::Done);
    }
    if !store.reads_old_keys().await? {
        return Ok(Begun::Fresh(claim));
    }
    match store.under_old_keys(&old_keys(event)).await? {
        None => Ok(Begun::Fresh(claim)),
        Some(begun @ (Begun::Done | Begun::Superseded)) => {
            store.complete(&claim).await?;
            Ok(begun)
        }
        Some(begun) => {
            store.release_untried(&claim).await?;
            Ok(begun)
        }
    }
}

/// Says to the store how the event has ended.
async fn end(app: &App, store: &Store, claim: &Claim, delivered: Delivered) -> Delivered {
    let retry = delivered.event.retry;
    if delivered.ended() != Ended::Failed {
        // What was a dead letter is none any more: first that, so that nobody retries it once it is done.
        let letter = match retry {
            Some(retry) => Some(retry.letter),
            None => claim.was_given_up().then(|| letter_key(app, claim)),
        };
        if let Some(letter) = letter {
            let removed = Box::pin(store.remove_dead_letter(&letter)).await;
            tell(app, &delivered, "is settled", removed.map(drop));
        }
        tell(app, &delivered, "is done", store.complete(claim).await);
        return delivered;
    }
    let is_for_good = !delivered.must_come_again();
    let was_last_try = claim.tries >= app.settings().idempotency.tries && delivered.had_fair_time;
    if is_for_good || was_last_try || retry.is_some() {
        return Box::pin(give_up(app, store, claim, delivered)).await;
    }
    let released = if delivered.had_fair_time {
        store.release(claim).await
    } else {
        // It was cut short: that was no try.
        store.release_untried(claim).await
    };
    tell(app, &delivered, "is free again", released);
    delivered
}

/// Makes a dead letter of an event. One that was retried stays what it is, and is told as it ended.
async fn give_up(app: &App, store: &Store, claim: &Claim, mut delivered: Delivered) -> Delivered {
    let retry = delivered.event.retry;
    let key = retry.map_or_else(|| letter_key(app, claim), |retry| retry.letter);
    let letter = dead_letter(key, claim, &delivered);
    match store.add_dead_letter(&letter).await {
        Ok(()) => {
            if retry.is_none() {
                // Where it is kept, whoever sent it has nothing more to do.
                let kept = if store.is_durable() { GivenUp::Kept } else { GivenUp::InMemory };
                delivered.given_up = Some(kept);
            }
            tell(app, &delivered, "is given up", store.give_up(claim).await);
        }
        Err(unavailable) => {
            tell(app, &delivered, "is given up", Err(unavailable));
            tell(app, &delivered, "is free again", store.release(claim).await);
        }
    }
    delivered
}

/// What the dead letter of an event is named by.
fn letter_key(app: &App, claim: &Claim) -> Key {
    idempotency_key(app, claim).unwrap_or(claim.entry.key)
}

fn dead_letter(key: Key, claim: &Claim, Delivered { endpoint, event, end, .. }: &Delivered) -> DeadLetter {
    DeadLetter {
        key,
        record: Some(claim.entry.key).filter(|record| *record != key),
        is_passing: claim.entry.identity == Identity::Passing,
        endpoint: (*endpoint).to_owned(),
        interaction: event.interaction().name().to_owned(),
        reference: event.focus().map(str::to_owned),
        version_id: event.version_id().map(str::to_owned),
        subscription: event.subscription().map(str::to_owned),
        number: event.number(),
        timestamp: event.timestamp().map(str::to_owned),
        tries: claim.tries,
        outcome: end.words().to_owned(),
        error_kind: end.failure().map(|failure| failure.kind.to_owned()),
        since: Instant::from(std::time::SystemTime::now()).to_string(),
    }
}

/// A store that did not hear of it lets the event be begun again once its lease has run out: it is handled once more, and
/// not lost.
fn tell(
    app: &App,
    Delivered { endpoint, event, .. }: &Delivered,
    what: &'static str,
    told: Result<(), Unavailable>,
) {
    let Err(unavailable) = told else { return };
    let reference = reference(event, app.settings().log);
    warn!(
        endpoint,
        reference,
        version = event.version_id(),
        number = event.number(),
        error.text = %unavailable,
        "the store was not told that an event {what}"
    );
}

#[cfg(test)]
mod tests;
