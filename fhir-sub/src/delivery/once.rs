//! An event is handled once: begun in the store, handled, and completed there, or released.

use std::time::Duration;

use tracing::warn;

use super::delivered::{Delivered, End, Ended, GivenUp, reference};
use super::failure::Failure;
use crate::app::App;
use crate::deadline::Deadline;
use crate::event::Event;
use crate::fhir::Instant;
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
    handle: impl AsyncFnOnce(Event) -> Delivered,
) -> Delivered {
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
        Ok(Ok(Begun::Done)) => return Delivered::new(endpoint, event, End::Repeated),
        Ok(Ok(Begun::Superseded)) => return Delivered::new(endpoint, event, End::Superseded),
        Ok(Ok(Begun::UnderWay)) => return Delivered::new(endpoint, event, End::UnderWay),
        Ok(Err(unavailable)) => {
            let end = End::StoreUnavailable(Failure::of_store(&unavailable));
            return Delivered::new(endpoint, event, end);
        }
        Err(_elapsed) => return Delivered::new(endpoint, event, End::NotBegun),
    };
    let delivered = handle(event).await;
    end(app, store, &claim, delivered).await
}

/// Says to the store how the event has ended.
async fn end(app: &App, store: &dyn Store, claim: &Claim, mut delivered: Delivered) -> Delivered {
    if delivered.ended() != Ended::Failed {
        tell(app, &delivered, "is done", store.complete(claim).await);
        return delivered;
    }
    let is_for_good = !delivered.must_come_again();
    let was_last_try = claim.tries >= app.settings().idempotency.tries && delivered.had_fair_time;
    if is_for_good || was_last_try {
        match store.add_dead_letter(&dead_letter(claim, &delivered)).await {
            Ok(()) if store.is_durable() => {
                // Whoever sent it has nothing more to do: it is kept.
                delivered.given_up = Some(GivenUp::Kept);
                tell(app, &delivered, "is given up", store.complete(claim).await);
                return delivered;
            }
            Ok(()) => delivered.given_up = Some(GivenUp::InMemory),
            Err(unavailable) => tell(app, &delivered, "is given up", Err(unavailable)),
        }
    }
    tell(app, &delivered, "is free again", store.release(claim).await);
    delivered
}

fn dead_letter(claim: &Claim, Delivered { endpoint, event, end, .. }: &Delivered) -> DeadLetter {
    DeadLetter {
        key: *claim.entry.version(),
        endpoint: (*endpoint).to_owned(),
        interaction: event.interaction().name().to_owned(),
        reference: event.focus().map(str::to_owned),
        version_id: event.version_id().map(str::to_owned),
        subscription: event.subscription().map(str::to_owned),
        number: event.number(),
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

#[cfg(all(test, feature = "testing"))]
mod tests;
