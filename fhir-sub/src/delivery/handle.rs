//! From one event to what became of it.

use serde::de::IgnoredAny;

use super::delivered::{Delivered, End};
use super::failure::Failure;
use super::identity::{identify, is_asked_for, old_keys};
use super::once::{Known, once};
use super::read::Read;
use super::time::Time;
use crate::app::App;
use crate::contain::{Contained, Panicked, attempt, dispose};
use crate::declaration::{Declaration, Trust};
use crate::decode::Happened;
use crate::event::Event;
use crate::extract::ResourceUse;
use crate::included::Included;
use crate::incoming::Way;
use crate::interaction::Interaction;
use crate::memory::Name;
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::{Rejection, RejectionKind};

/// Runs the handler of `declaration` on one event; `read` is what was read of a resource that did not come with it, or is
/// not believed.
pub(super) async fn handle(
    app: &App,
    declaration: &'static Declaration,
    Happened { mut event, resource, mistake, included, way }: Happened<'_>,
    read: Option<Read>,
    time: Time,
) -> Delivered {
    let endpoint = declaration.endpoint;
    if let Some(mistake) = mistake {
        return Delivered::new(endpoint, event, End::Unprocessable(mistake.into()));
    }
    if !declaration.is_wanted(&event) {
        // There is nothing to do, and nothing to send again.
        return Delivered::new(endpoint, event, End::NotWanted);
    }
    if time.deadline().has_passed() {
        return Delivered::new(endpoint, event, End::NotBegun);
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
            return Delivered::new(endpoint, event, End::Gone);
        }
        Some(Read::Gone | Read::Deleted(_)) => None,
        Some(Read::Undeleted) => return Delivered::new(endpoint, event, End::Unconfirmed),
        Some(Read::Failed(failure)) => {
            return Delivered::new(endpoint, event, End::Unread(failure.clone()));
        }
    };
    if resource.is_none()
        && read.is_none()
        && let Some(end) = unreadable(declaration, &event)
    {
        return Delivered::new(endpoint, event, end);
    }
    // It came as it is. An argument that is made from it reads it all; where there is none, nothing else does.
    if let (Some(resource), None) = (resource, &read)
        && declaration.uses.resource == ResourceUse::Unused
        && let Err(error) = serde_json::from_str::<IgnoredAny>(resource)
    {
        return Delivered::new(endpoint, event, rejected(Rejection::json(&error), false));
    }

    let mut known = None;
    if is_asked_for(app, declaration) {
        let mut otherwise = None;
        if let Some(Read::Deleted(Some(deleted))) = &read {
            // The history may lag behind, and have an earlier deletion as the last one. This one is handled in any case; and
            // a sweep, which sees more, knows the one that it was taken for.
            otherwise = identify(app, declaration, &event, None).map(Box::new);
            event.version_id = Some(deleted.version_id.clone());
            event.updated = deleted.at;
        }
        let entry = identify(app, declaration, &event, resource);
        known = entry.map(|entry| Known { entry, otherwise });
    }
    event.key = known.as_ref().and_then(|known| known.entry.idempotency_key());
    let old_keys = |event: &Event| old_keys(app, declaration, event, resource);
    once(app, endpoint, event, known.as_mut(), time.deadline(), old_keys, async |event| {
        run(app, declaration, event, resource, (&included, way), time).await
    })
    .await
}

/// What becomes of an event whose resource is not there, and can be had in no way, where the handler cannot do without: what
/// is not there is no deletion.
fn unreadable(declaration: &Declaration, event: &Event) -> Option<End> {
    let is_needed = match event.interaction() {
        Interaction::Delete => declaration.trust == Trust::Reference,
        _ if event.is_silent() => declaration.looks_up() && !declaration.needs_resource(),
        _ => declaration.uses.resource != ResourceUse::Unused,
    };
    if event.focus().is_some() || !is_needed {
        return None;
    }
    let text = "the event does not name its resource as Type/id, and no entry carries it";
    Some(match event.elsewhere() {
        Some(_) => End::Elsewhere(Failure::elsewhere(event)),
        None => End::Unprocessable(text.into()),
    })
}

/// Runs the handler.
async fn run(
    app: &App,
    declaration: &'static Declaration,
    event: Box<Event>,
    resource: Option<&str>,
    (included, way): (&Included, Way<'_>),
    time: Time,
) -> Delivered {
    let (deadline, had_fair_time) = (time.deadline(), time.is_fair());
    let provided = app.provided();
    let endpoint = declaration.endpoint;
    let notification = Notification { event: &event, resource, included, endpoint, way, provided, deadline };
    // A panic ends this event, not the process.
    let ended = match attempt(|| Contained::new((declaration.run)(&notification))) {
        Ok(run) => tokio::time::timeout_at(deadline.instant(), run).await,
        Err(panicked) => Ok(Err(panicked)),
    };
    let end = match ended {
        Ok(Ok(outcome)) => end(outcome, app.settings().log.error_text),
        Ok(Err(Panicked)) => End::Panicked,
        Err(_elapsed) => End::OutOfTime,
    };
    Delivered { had_fair_time, ..Delivered::new(declaration.endpoint, event, end) }
}

/// What a handler's outcome comes to; `quote` says whether an error's text may be logged.
fn end(outcome: Outcome, quote: bool) -> End {
    match outcome {
        Outcome::Handled => End::Handled,
        Outcome::Transient(error) => {
            let failure = Failure::new(&error, quote);
            dispose(error);
            End::Failed(failure)
        }
        Outcome::Permanent(error) => {
            let failure = Failure::new(&error, quote);
            dispose(error);
            End::FailedForGood(failure)
        }
        Outcome::Rejected(rejection) => rejected(rejection, quote),
    }
}

fn rejected(rejection: Rejection, quote: bool) -> End {
    match rejection.into_kind() {
        RejectionKind::Malformed(text) => End::Malformed(text),
        RejectionKind::Unprocessable(text) => End::Unprocessable(text),
        RejectionKind::Refused(text, place) => End::Rejected(text, Failure::of_rejection(text, place, quote)),
        RejectionKind::Failed(error) => end(error.into(), quote),
    }
}

#[cfg(test)]
mod tests;
