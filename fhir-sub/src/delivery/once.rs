//! An event is handled once: begun in the store, handled, and completed there, or released.

use std::time::Duration;

use tracing::warn;

use super::record::Record;
use super::record::{Ended, Failure};
use crate::app::App;
use crate::deadline::Deadline;
use crate::event::Event;
use crate::fhir::Instant;
use crate::service::{Answer, Answered};
use crate::store::{Begun, Claim, DeadLetter, Entry, Store, Unavailable};

/// How much longer than its handler an event is under way: so long it may take to say that it is done.
const TO_COMPLETE: Duration = Duration::from_secs(3);

/// What an event is told from others by.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) entry: Entry,
    /// What it is told from others by although it was done before: that it is the same is not certain.
    pub(crate) otherwise: Option<Entry>,
}

/// Lets `handle` handle the event that is `known`, unless that was done before, or is under way.
///
/// A store that is down lets nothing through: the server sends it again.
pub(crate) async fn once(
    app: &App,
    endpoint: &'static str,
    event: Event,
    known: Option<Known>,
    deadline: Deadline,
    handle: impl AsyncFnOnce(Event) -> Answered,
) -> Answered {
    let (Some(store), Some(Known { entry, otherwise })) = (app.store(), known) else {
        return handle(event).await;
    };
    let begin = async {
        let lease = || deadline.remaining() + TO_COMPLETE;
        match (store.begin(&entry, lease()).await, otherwise) {
            (Ok(Begun::Done), Some(entry)) => store.begin(&entry, lease()).await,
            (begun, _) => begun,
        }
    };
    let claim = match tokio::time::timeout_at(deadline.instant(), begin).await {
        Ok(Ok(Begun::Fresh(claim))) => claim,
        Ok(Ok(Begun::Done)) => return Answered::new(Answer::handled(), Record::repeated(endpoint, event)),
        Ok(Ok(Begun::Superseded)) => {
            return Answered::new(Answer::handled(), Record::superseded(endpoint, event));
        }
        Ok(Ok(Begun::UnderWay)) => {
            return Answered::new(Answer::under_way(), Record::under_way(endpoint, event));
        }
        Ok(Err(unavailable)) => {
            let failure = Failure::of_store(&unavailable);
            let record = Record::store_unavailable(endpoint, event, failure);
            return Answered::new(Answer::store_unavailable(), record);
        }
        Err(_elapsed) => return Answered::new(Answer::out_of_time(), Record::not_begun(endpoint, event)),
    };
    let answered = handle(event).await;
    end(app, store, &claim, answered).await
}

/// Says to the store how the event has ended.
async fn end(app: &App, store: &dyn Store, claim: &Claim, mut answered: Answered) -> Answered {
    if answered.record.ended() != Ended::Failed {
        tell(app, &answered.record, "is done", store.complete(claim).await);
        return answered;
    }
    let is_for_good = !answered.answer.asks_for_another_try();
    if is_for_good || claim.tries >= app.settings().idempotency.tries {
        let letter = dead_letter(claim, &answered.record);
        match store.add_dead_letter(&letter).await {
            Ok(()) => {
                answered.record = answered.record.given_up();
                if store.is_durable() {
                    // Whoever sent it has nothing more to do: it is kept.
                    answered.answer = Answer::handled();
                    tell(app, &answered.record, "is given up", store.complete(claim).await);
                    return answered;
                }
            }
            Err(unavailable) => tell(app, &answered.record, "is given up", Err(unavailable)),
        }
    }
    tell(app, &answered.record, "is free again", store.release(claim).await);
    answered
}

fn dead_letter(claim: &Claim, record: &Record) -> DeadLetter {
    let unknown = Event::unknown();
    let event = record.event().unwrap_or(&unknown);
    DeadLetter {
        key: *claim.entry.version(),
        endpoint: record.endpoint().unwrap_or_default().to_owned(),
        interaction: event.interaction().name().to_owned(),
        reference: event.focus().map(str::to_owned),
        version_id: event.version_id().map(str::to_owned),
        subscription: event.subscription().map(str::to_owned),
        number: event.number(),
        tries: claim.tries,
        outcome: record.outcome().to_owned(),
        error_kind: record.error_kind().map(str::to_owned),
        since: Instant::from(std::time::SystemTime::now()).to_string(),
    }
}

/// A store that did not hear of it lets the event be begun again once its lease has run out: it is handled once more, and
/// not lost.
fn tell(app: &App, record: &Record, what: &'static str, told: Result<(), Unavailable>) {
    let Err(unavailable) = told else { return };
    let (endpoint, event) = (record.endpoint(), record.event());
    let reference = record.reference(app.settings().log);
    let version = event.and_then(Event::version_id);
    let number = event.and_then(Event::number);
    warn!(
        endpoint,
        reference,
        version,
        number,
        error.text = %unavailable,
        "the store was not told that an event {what}"
    );
}

#[cfg(all(test, feature = "testing"))]
mod tests;
