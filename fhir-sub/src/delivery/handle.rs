//! From one event to what came of it.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use serde::de::IgnoredAny;

use super::identity::{identify, is_asked_for};
use super::once::{Known, once};
use super::read::Read;
use super::record::Failure;
use super::record::Record;
use crate::app::App;
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Trust};
use crate::decode::Happened;
use crate::event::Event;
use crate::extract::ResourceUse;
use crate::memory::Name;
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::{Rejection, RejectionKind};
use crate::service::{Answer, Answered};

/// Runs the handler of `declaration` on one event; `read` is what was read of a resource that did not come with it, or is
/// not believed.
pub(crate) async fn handle(
    app: &App,
    declaration: &'static Declaration,
    Happened { mut event, resource, mistake }: Happened<'_>,
    read: Option<Read>,
    deadline: Deadline,
) -> Answered {
    let endpoint = declaration.endpoint;
    if let Some(mistake) = mistake {
        return Answered::new(
            Answer::unprocessable(mistake),
            Record::rejected(endpoint, event, "unprocessable"),
        );
    }
    if !declaration.is_wanted(&event) {
        // The server was not told, or does not heed, what is wanted: there is nothing to do, and nothing to
        // send again.
        return Answered::new(Answer::handled(), Record::not_wanted(endpoint, event));
    }
    if deadline.has_passed() {
        return Answered::new(Answer::out_of_time(), Record::not_begun(endpoint, event));
    }
    let resource = match &read {
        None => resource.filter(|_| declaration.trust == Trust::Notification),
        Some(Read::Found(found)) => {
            event.version_id.clone_from(&found.version_id);
            Some(found.json.get())
        }
        // Whoever needs the resource has nothing to do once it is gone, and never will have.
        Some(Read::Gone | Read::Deleted(_)) if declaration.needs_resource() => {
            app.memory().event_numbers.gone(Name { endpoint, subscription: event.subscription() });
            return Answered::new(Answer::handled(), Record::gone(endpoint, event));
        }
        Some(Read::Gone | Read::Deleted(_)) => None,
        Some(Read::Undeleted) => {
            return Answered::new(Answer::unconfirmed(), Record::unconfirmed(endpoint, event));
        }
        Some(Read::Failed(failure)) => {
            return Answered::new(Answer::unread(), Record::unread(endpoint, event, failure.clone()));
        }
    };
    // It came as it is. An argument that is made from it reads it all; where there is none, nothing else does.
    if let (Some(resource), None) = (resource, &read)
        && declaration.uses.resource == ResourceUse::Unused
        && let Err(error) = serde_json::from_str::<IgnoredAny>(resource)
    {
        return answer(endpoint, event, Outcome::Rejected(Rejection::json(&error)), false);
    }

    let mut known = None;
    if is_asked_for(app, declaration) {
        let mut otherwise = None;
        if let Some(Read::Deleted(Some(version_id))) = &read {
            // The history may lag behind, and have an earlier deletion as the last one. This one is handled in any case; and
            // a sweep, which sees more, knows the one that it was taken for.
            otherwise = identify(app, declaration, &event, None);
            event.version_id = Some(version_id.clone());
        }
        let entry = identify(app, declaration, &event, resource);
        known = entry.map(|entry| Known { entry, otherwise });
    }
    event.key = known.as_ref().and_then(|known| known.entry.idempotency_key());
    once(app, endpoint, event, known, deadline, async |event| {
        run(app, declaration, event, resource, deadline).await
    })
    .await
}

/// Runs the handler.
async fn run(
    app: &App,
    declaration: &'static Declaration,
    event: Event,
    resource: Option<&str>,
    deadline: Deadline,
) -> Answered {
    let endpoint = declaration.endpoint;
    let notification = Notification { event: &event, resource, provided: app.provided(), deadline };
    // A panic ends this event, not the process. Whatever the handler left half done in its own state is
    // the handler's: locks poison, and the rest of the event is dropped.
    let run = AssertUnwindSafe(async { (declaration.run)(&notification).await }).catch_unwind();
    match tokio::time::timeout_at(deadline.instant(), run).await {
        Ok(Ok(outcome)) => answer(endpoint, event, outcome, app.settings().log.error_text),
        Ok(Err(_panic)) => Answered::new(Answer::failed(), Record::failed(endpoint, event, "panicked", None)),
        Err(_elapsed) => {
            Answered::new(Answer::out_of_time(), Record::failed(endpoint, event, "out of time", None))
        }
    }
}

/// The answer to an outcome; `quote` says whether an error's text may be logged.
fn answer(endpoint: &'static str, event: Event, outcome: Outcome, quote: bool) -> Answered {
    match outcome {
        Outcome::Handled => Answered::new(Answer::handled(), Record::handled(endpoint, event)),
        Outcome::Transient(error) => {
            let record = Record::failed(endpoint, event, "failed", Some(Failure::new(&error, quote)));
            Answered::new(Answer::failed(), record)
        }
        Outcome::Permanent(error) => {
            let record =
                Record::failed(endpoint, event, "failed for good", Some(Failure::new(&error, quote)));
            Answered::new(Answer::permanent(), record)
        }
        Outcome::Rejected(rejection) => match rejection.into_kind() {
            RejectionKind::Malformed(text) => {
                Answered::new(Answer::malformed(&text), Record::rejected(endpoint, event, "malformed"))
            }
            RejectionKind::Unprocessable(text) => Answered::new(
                Answer::unprocessable(&text),
                Record::rejected(endpoint, event, "unprocessable"),
            ),
            RejectionKind::Failed(error) => answer(endpoint, event, error.into(), quote),
        },
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
