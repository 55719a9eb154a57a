//! Handles an event once: the event is begun in the store, handled, and completed or released in the store.

use std::time::Duration;

use tokio::sync::MutexGuard;
use tokio::time::error::Elapsed;
use tracing::warn;

use super::delivered::{Delivered, End, Ended, GivenUp, reference};
use super::failure::Failure;
use super::identity::{Otherwise, idempotency_key, lasting_program};
use super::read::is_there;
use crate::app::App;
use crate::deadline::Deadline;
use crate::event::{Event, Retry};
use crate::interaction::Interaction;
use crate::key::Key;
use crate::store::{Begun, Claim, DeadLetter, Entry, How, Identity, OldKeys, Store, Stored, Unavailable};

/// The time to report the end of an event to the store, under one of its names: two calls of three seconds, because its
/// resource may have a record too. An event stays under way for so much longer than its handler may run, so no other
/// instance begins the event while its end is reported.
const TO_COMPLETE: Duration = Duration::from_secs(6);

/// How long to wait for a beginning that is too late, to give the event back. A Lambda answers 250 ms before its invocation
/// ends.
const TO_GIVE_BACK: Duration = Duration::from_millis(200);

/// The identity of an event.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) entry: Entry,
    /// A fallback identity, tried if the first one is already done: then the two may still be different
    /// events.
    pub(crate) otherwise: Option<Box<Otherwise>>,
}

/// The treatment of an event that has killed an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suspects {
    /// Begin it, while no other such event runs.
    AtOnce,
    /// Leave it for later: if it kills the instance again, all other events are done.
    Deferred,
    /// It is begun by whoever has begun it by another name, and has seen to that.
    Alone,
}

/// How an event is begun, and for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// The deadline of its handler.
    pub(super) deadline: Deadline,
    pub(super) suspects: Suspects,
    /// How many ends are reported after its handler: one for each name that it is begun by from here on.
    pub(super) ends: u32,
}

impl Terms {
    /// For how long the event is under way, from now on.
    fn lease(self) -> Duration {
        self.deadline.remaining() + TO_COMPLETE * self.ends
    }
}

/// A deferred event: it has killed an instance.
#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) event: Box<Event>,
    /// How often it was begun.
    pub(super) tries: u32,
}

/// Lets `handle` handle the event, unless it was done before or is under way. Returns an error if the event
/// is deferred.
///
/// If the store is down, the event does not run, and the server must send it again. `old_keys` returns the
/// keys that older versions of the program used, in case the store still has them.
pub(super) async fn once(
    app: &App,
    endpoint: &'static str,
    mut event: Box<Event>,
    known: Option<&mut Known>,
    terms: Terms,
    old_keys: impl Fn(&Event) -> OldKeys,
    handle: impl AsyncFnOnce(Box<Event>) -> Delivered,
) -> Result<Delivered, Box<Suspect>> {
    let (Some(store), Some(known)) = (app.store(), known) else {
        return Ok(handle(event).await);
    };
    // A retry may get another version than the one that was given up, under whose key it is begun.
    let is_other = event.retry.is_some_and(|retry| retry.record != known.entry.key);
    let is_version = event.interaction() != Interaction::Delete && known.entry.identity != Identity::Passing;
    let instead = (is_other && is_version).then(|| Box::new(Entry { resource: None, ..known.entry.clone() }));
    let terms = Terms { ends: terms.ends + u32::from(instead.is_some()), ..terms };
    let begun = begin_in_time(app, store, &event, known, terms, old_keys);
    let begun = Box::pin(begun).await;
    let Beginning { begun, alone, is_otherwise } = match begun {
        Ok(Ok(beginning)) => beginning,
        Ok(Err(NotBegun::Ended(end))) => return Ok(Delivered::new(endpoint, event, end)),
        Ok(Err(NotBegun::Suspect { tries })) => return Err(Box::new(Suspect { event, tries })),
        Err(TooLate) => return Ok(Delivered::new(endpoint, event, End::NotBegun)),
    };
    let claim = match begun {
        Begun::Fresh(claim) => claim,
        Begun::Done => return Ok(Delivered::new(endpoint, event, End::Repeated)),
        Begun::Superseded => return Ok(Delivered::new(endpoint, event, End::Superseded)),
        Begun::Exhausted(claim) => {
            let mut died = Delivered::new(endpoint, event, End::Died);
            let giving_up = Box::pin(give_up(app, store, &claim, &mut died));
            let told = tokio::time::timeout(TO_COMPLETE, giving_up).await;
            tell(app, &died, HAS_ENDED, told.map_err(late));
            return Ok(died);
        }
        Begun::UnderWay | Begun::Suspect { .. } | Begun::AfterDeletion => {
            return Ok(Delivered::new(endpoint, event, End::UnderWay));
        }
    };
    if is_otherwise {
        // It is another version than the server's history says, so its id and time are unknown.
        (event.version_id, event.updated) = (None, None);
    }
    let instead = match instead {
        None => None,
        Some(entry) => match Box::pin(claimed(store, &entry, &claim, terms)).await {
            Some(claim) => Some(claim),
            None => return Ok(Delivered::new(endpoint, event, End::UnderWay)),
        },
    };
    event.key = idempotency_key(app, &claim);
    let mut delivered = handle(event).await;
    if let Some(claim) = instead {
        // First this version: if the instance dies in between, the next retry sees that nothing is left to do.
        Box::pin(settle(app, store, &claim, &delivered)).await;
    }
    let told = tokio::time::timeout(TO_COMPLETE, end(app, store, &claim, &mut delivered)).await;
    tell(app, &delivered, HAS_ENDED, told.map_err(late));
    drop(alone);
    Ok(delivered)
}

/// The log's word for an event whose end was not reported in time.
const HAS_ENDED: &str = "has ended";

/// The right to the version that a retry handles under another key, so that nobody else handles the version meanwhile. It may
/// have been given up too. If somebody else has the right, the retry gives its own `claim` back.
async fn claimed(store: &Store, version: &Entry, claim: &Claim, terms: Terms) -> Option<Box<Claim>> {
    let how = How { is_again: true, ..How::told(u32::MAX) };
    let begun = tokio::time::timeout(TO_COMPLETE, store.begin(version, terms.lease(), how)).await;
    if let Ok(Ok(Begun::Fresh(claim))) = begun {
        return Some(claim);
    }
    // If the store does not learn of it, the lease ends.
    drop(tokio::time::timeout(TO_COMPLETE, store.release_untried(claim)).await);
    None
}

/// Reports the end of that version.
async fn settle(app: &App, store: &Store, claim: &Claim, delivered: &Delivered) {
    let ending = async {
        match delivered.end {
            End::Handled => store.complete(claim).await,
            _ => store.release_untried(claim).await,
        }
    };
    let ended = tokio::time::timeout(TO_COMPLETE, ending).await;
    tell(app, delivered, HAS_ENDED, ended.unwrap_or_else(|elapsed| Err(late(elapsed))));
}

/// The store did not learn of an end in time.
fn late(_elapsed: Elapsed) -> Unavailable {
    Unavailable::new("no answer in time")
}

struct Beginning<'a> {
    begun: Begun,
    /// The right to handle an event that has killed an instance.
    alone: Option<MutexGuard<'a, ()>>,
    /// Whether the first identity was already done, so that the fallback was used.
    is_otherwise: bool,
}

enum NotBegun {
    Ended(End),
    Suspect { tries: u32 },
}

impl From<Unavailable> for NotBegun {
    fn from(unavailable: Unavailable) -> Self {
        Self::Ended(End::StoreUnavailable(Failure::of_store(&unavailable)))
    }
}

/// The deadline passed before the event was begun.
struct TooLate;

/// Begins the event until the deadline. After that, no handler may run, and the beginning must not count as a try.
async fn begin_in_time<'a>(
    app: &'a App,
    store: &Store,
    event: &Event,
    known: &mut Known,
    terms: Terms,
    old_keys: impl Fn(&Event) -> OldKeys,
) -> Result<Result<Beginning<'a>, NotBegun>, TooLate> {
    let mut beginning = Box::pin(begin(app, store, event, known, terms, old_keys));
    if let Ok(begun) = tokio::time::timeout_at(terms.deadline.instant(), &mut beginning).await {
        return Ok(begun);
    }
    let giving_back = async {
        if let Ok(Beginning { begun: Begun::Fresh(claim), .. }) = beginning.await {
            drop(store.release_untried(&claim).await);
        }
    };
    drop(tokio::time::timeout(TO_GIVE_BACK, giving_back).await);
    Err(TooLate)
}

async fn begin<'a>(
    app: &'a App,
    store: &Store,
    event: &Event,
    Known { entry, otherwise }: &mut Known,
    terms: Terms,
    old_keys: impl Fn(&Event) -> OldKeys,
) -> Result<Beginning<'a>, NotBegun> {
    let asked = otherwise.as_ref().and_then(|otherwise| otherwise.asked);
    let tries = app.settings().idempotency.tries;
    let mut how = How { is_again: event.retry.is_some(), asked, ..How::told(tries) };
    if let Some(Retry { record, is_passing, .. }) = event.retry
        && entry.key != record
    {
        // The server may not keep the version that was given up, and the program then reads another version. If that version
        // is handled, nothing is left to do.
        if store.is_handled(&entry.key).await? {
            return Ok(Beginning { begun: Begun::Done, alone: None, is_otherwise: false });
        }
        // The event was given up under this key, so it is begun under the same key.
        let identity = if is_passing { Identity::Passing } else { Identity::Once };
        *entry = Entry { key: record, identity, ..entry.clone() };
        *otherwise = None;
    }
    let (mut alone, mut is_otherwise) = (None, false);
    loop {
        how.age = event.searched.map_or(Duration::ZERO, |searched| searched.elapsed());
        match store.begin(entry, terms.lease(), how).await? {
            Begun::Suspect { tries } if terms.suspects == Suspects::Deferred => {
                return Err(NotBegun::Suspect { tries });
            }
            Begun::Suspect { .. } => {
                if terms.suspects != Suspects::Alone {
                    alone = Some(app.memory().alone.lock().await);
                }
                how.is_alone = true;
            }
            Begun::AfterDeletion => {
                let is_there = Box::pin(is_there(app, event, terms.deadline)).await;
                match is_there.map_err(|failure| NotBegun::Ended(End::Unread(failure)))? {
                    true => how.is_there = true,
                    false => return Ok(Beginning { begun: Begun::Superseded, alone, is_otherwise }),
                }
            }
            Begun::Done if otherwise.is_some() => {
                let otherwise = otherwise.take().expect("it is some");
                let Some(other) = Box::pin(otherwise.entry(store)).await? else {
                    return Ok(Beginning { begun: Begun::Done, alone, is_otherwise });
                };
                *entry = other;
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

/// The key may be new to the store although the event was handled under an older form of the key. A dead
/// letter may have been settled since it was listed.
async fn recall(
    store: &Store,
    event: &Event,
    claim: Box<Claim>,
    old_keys: impl Fn(&Event) -> OldKeys,
) -> Stored<Begun> {
    match known_otherwise(store, event, old_keys).await {
        Ok(None) => Ok(Begun::Fresh(claim)),
        Ok(Some(begun @ (Begun::Done | Begun::Superseded))) => {
            store.complete(&claim).await?;
            Ok(begun)
        }
        Ok(Some(begun)) => {
            store.release_untried(&claim).await?;
            Ok(begun)
        }
        Err(unavailable) => {
            // Nothing ran. If the store learns of that, it does not count as a try.
            drop(store.release_untried(&claim).await);
            Err(unavailable)
        }
    }
}

/// The store's knowledge of the event apart from its record; `None` if it has none.
async fn known_otherwise(
    store: &Store,
    event: &Event,
    old_keys: impl Fn(&Event) -> OldKeys,
) -> Stored<Option<Begun>> {
    if let Some(Retry { letter, .. }) = event.retry {
        if store.has_dead_letter(&letter).await? {
            return Ok(None);
        }
        return Ok(Some(Begun::Done));
    }
    if !store.reads_old_keys().await? {
        return Ok(None);
    }
    store.under_old_keys(&old_keys(event)).await
}

/// Reports the end of the event to the store.
async fn end(app: &App, store: &Store, claim: &Claim, delivered: &mut Delivered) {
    let retry = delivered.event.retry;
    if matches!(delivered.end, End::UnderWay | End::NotBegun | End::StoreUnavailable(_) | End::Unread(_)) {
        // No handler has run. While the store's key is rotated, the event was begun under the old key, and could not be begun
        // under the new one.
        tell(app, delivered, "is free again", store.release_untried(claim).await);
        return;
    }
    if delivered.ended() != Ended::Failed {
        // First remove the dead letter: nobody may retry it once the event is done.
        let letter = match retry {
            Some(retry) => Some(retry.letter),
            None => claim.was_given_up().then(|| letter_key(app, claim)),
        };
        if let Some(letter) = letter {
            let removed = Box::pin(store.remove_dead_letter(&letter)).await;
            tell(app, delivered, "is settled", removed.map(drop));
        }
        tell(app, delivered, "is done", store.complete(claim).await);
        return;
    }
    let is_for_good = !delivered.must_come_again();
    let was_last_try = claim.tries >= app.settings().idempotency.tries && delivered.had_fair_time;
    if is_for_good || was_last_try || retry.is_some() {
        return Box::pin(give_up(app, store, claim, delivered)).await;
    }
    let released = if delivered.had_fair_time {
        store.release(claim).await
    } else {
        // The handler was cut short, so this was no try.
        store.release_untried(claim).await
    };
    tell(app, delivered, "is free again", released);
}

/// Makes the event a dead letter. A retried dead letter stays one, and its result is returned as it is.
async fn give_up(app: &App, store: &Store, claim: &Claim, delivered: &mut Delivered) {
    let retry = delivered.event.retry;
    let key = retry.map_or_else(|| letter_key(app, claim), |retry| retry.letter);
    let letter = dead_letter(app, key, claim, delivered);
    match store.add_dead_letter(&letter).await {
        Ok(()) => {
            if retry.is_none() {
                // A durable dead letter needs nothing more from the sender.
                let kept = if store.is_durable() { GivenUp::Kept } else { GivenUp::InMemory };
                delivered.given_up = Some(kept);
            }
            tell(app, delivered, "is given up", store.give_up(claim).await);
        }
        Err(unavailable) => {
            tell(app, delivered, "is given up", Err(unavailable));
            // An event that killed too many instances must not run once more.
            let released = match delivered.end {
                End::Died => store.release_exhausted(claim).await,
                _ => store.release(claim).await,
            };
            tell(app, delivered, "is free again", released);
        }
    }
}

/// The key of the event's dead letter.
fn letter_key(app: &App, claim: &Claim) -> Key {
    idempotency_key(app, claim).unwrap_or(claim.entry.key)
}

fn dead_letter(
    app: &App,
    key: Key,
    claim: &Claim,
    Delivered { endpoint, event, end, .. }: &Delivered,
) -> DeadLetter {
    let is_deletion = event.interaction() == Interaction::Delete;
    let updated = match (is_deletion, event.version_id()) {
        (true, Some(_)) => event.updated,
        (false, None) => claim.entry.resource.as_ref().and_then(|resource| resource.updated),
        _ => None,
    };
    DeadLetter {
        key,
        record: Some(claim.entry.key).filter(|record| *record != key),
        is_passing: claim.entry.identity == Identity::Passing,
        tenant: app.settings().tenant.as_deref().map(str::to_owned),
        program: Some(lasting_program(app)),
        endpoint: (*endpoint).to_owned(),
        interaction: event.interaction().name().to_owned(),
        reference: event.focus().or(event.elsewhere().and(event.reference())).map(str::to_owned),
        version_id: event.version_id().map(str::to_owned),
        subscription: event.subscription().map(str::to_owned),
        number: event.number(),
        timestamp: event.timestamp().map(str::to_owned),
        updated,
        tries: claim.tries,
        outcome: end.words().to_owned(),
        error_kind: end.failure().map(|failure| failure.kind.to_owned()),
        since: app.now().to_string(),
    }
}

/// Logs a failure of the store. If the store did not record the end, the event can be begun again when its
/// lease has run out: it is handled twice, and not lost.
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
