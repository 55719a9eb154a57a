//! Handles one event.

mod rotated;

use std::sync::Arc;

use futures_util::future::Either;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use self::rotated::Before;
use super::delivered::{Delivered, End};
use super::failure::Failure;
use super::identity::{Otherwise, identify, is_asked_for, last_updated, old_keys};
use super::interaction;
use super::once::{Known, Suspect, Suspects, Terms, once};
use super::reader::Read;
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

/// Runs the handler of `declaration` on one event, unless the event was handled before. Returns an error if
/// the event has killed an instance, and such events are deferred.
///
/// The arguments are borrowed, to keep the future small.
pub(super) fn handle(
    app: &App,
    declaration: &'static Declaration,
    mut event: Box<Event>,
    ready: &mut Ready<'_>,
    time: Time,
    suspects: Suspects,
) -> impl Future<Output = Result<Delivered, Box<Suspect>>> {
    let is_sought = interaction::is_sought(declaration, &event);
    if !is_sought && (event.retry.is_none() || ready.before.is_none()) {
        return Either::Left(settle(app, declaration, event, ready, time, suspects));
    }
    // Few events need this: boxed, so that the others do not pay for it.
    Either::Right(Box::pin(async move {
        let found = if is_sought { find_out(app, declaration, &mut event, ready, time).await } else { None };
        let end = match found {
            Some(end) => Some(end),
            None => rotated::end_of_retry(app, &event, ready).await,
        };
        if let Some(end) = end {
            return Ok(Delivered::new(declaration.endpoint, event, end));
        }
        settle(app, declaration, event, ready, time, suspects).await
    }))
}

/// An event that is ready to be handled, unless the store says that it was done before.
#[derive(Debug)]
pub(super) struct Ready<'a> {
    known: Option<Known>,
    before: Option<Box<Before>>,
    resource: Option<Body<'a>>,
    included: Included,
    way: Way<'a>,
}

/// A deferred event: it has killed an instance.
#[derive(Debug)]
pub(crate) struct Deferred<'a> {
    event: Box<Event>,
    ready: Ready<'a>,
    /// How often it was begun.
    tries: u32,
}

/// The resource of an event.
#[derive(Debug)]
enum Body<'a> {
    Told(&'a str),
    Kept(Box<str>),
    Read(Arc<RawValue>),
}

impl Body<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Told(text) => text,
            Self::Kept(text) => text,
            Self::Read(json) => json.get(),
        }
    }
}

impl<'a> Deferred<'a> {
    pub(super) fn new(Suspect { event, tries }: Suspect, ready: Ready<'a>) -> Box<Self> {
        Box::new(Self { event, ready, tries })
    }

    /// A copy that borrows nothing from the notification. The notification's path is no longer known.
    pub(crate) fn into_owned(self: Box<Self>) -> Box<Deferred<'static>> {
        let Self { event, ready: Ready { known, before, resource, included, .. }, tries } = *self;
        let resource = resource.map(|body| match body {
            Body::Told(text) => Body::Kept(text.into()),
            Body::Kept(text) => Body::Kept(text),
            Body::Read(json) => Body::Read(json),
        });
        let ready = Ready { known, before, resource, included, way: Way::default() };
        Box::new(Deferred { event, ready, tries })
    }

    /// How often it was begun. Among deferred events, the least often begun one is the least likely to kill
    /// an instance.
    pub(crate) fn tries(&self) -> u32 {
        self.tries
    }

    /// Delivers the event now, while no other such event runs.
    pub(crate) async fn deliver(
        self: Box<Self>,
        app: &App,
        declaration: &'static Declaration,
        time: Time,
    ) -> Delivered {
        let Self { event, mut ready, .. } = *self;
        if time.deadline().has_passed() {
            return Delivered::new(declaration.endpoint, event, End::NotBegun);
        }
        match Box::pin(settle(app, declaration, event, &mut ready, time, Suspects::AtOnce)).await {
            Ok(delivered) => delivered,
            Err(suspect) => Delivered::new(declaration.endpoint, suspect.event, End::UnderWay),
        }
    }
}

/// Prepares an event before the store is asked, or says how it ended. `read` is the result of reading its
/// resource, if the resource did not come with the event or is not trusted.
pub(super) fn ready<'a>(
    app: &App,
    declaration: &'static Declaration,
    Happened { mut event, resource, mistake, included, way }: Happened<'a>,
    read: Option<Read>,
    time: Time,
) -> Result<(Box<Event>, Ready<'a>), Delivered> {
    let endpoint = declaration.endpoint;
    if let Some(mistake) = mistake {
        return Err(Delivered::new(endpoint, event, End::Unprocessable(mistake.into())));
    }
    if !declaration.is_wanted(&event) {
        // Nothing to do, and nothing to send again.
        return Err(Delivered::new(endpoint, event, End::NotWanted));
    }
    if time.deadline().has_passed() {
        return Err(Delivered::new(endpoint, event, End::NotBegun));
    }
    let mut deleted = None;
    let resource = match read {
        None | Some(Read::Untold) => {
            let resource = resource.filter(|_| declaration.trust == Trust::Notification);
            // The resource is not parsed yet. If no argument parses it, nothing else would find a mistake in
            // it.
            let end = match resource {
                None if read.is_none() => unreadable(declaration, &event),
                Some(resource) if declaration.uses.resource == ResourceUse::Unused => {
                    let read = serde_json::from_str::<IgnoredAny>(resource);
                    read.err().map(|error| rejected(Rejection::json(resource, &error), false))
                }
                _ => None,
            };
            if let Some(end) = end {
                return Err(Delivered::new(endpoint, event, end));
            }
            resource.map(Body::Told)
        }
        Some(Read::Found(found)) => {
            event.version_id = found.version_id;
            event.is_found |= event.version_id.is_none();
            Some(Body::Read(found.json))
        }
        Some(Read::Version(found)) => {
            (event.version_id, event.is_found) = (found.version_id, true);
            Some(Body::Read(found.json))
        }
        Some(Read::Was(found)) => {
            event.updated = last_updated(found.json.get());
            (event.version_id, event.is_found) = (found.version_id, true);
            None
        }
        // A handler that needs the resource can do nothing once the resource is gone.
        Some(Read::Gone | Read::Deleted(_)) if declaration.needs_resource() => {
            app.memory().event_numbers.gone(Name { endpoint, subscription: event.subscription() });
            return Err(Delivered::new(endpoint, event, End::Gone));
        }
        Some(Read::Deleted(version)) => {
            deleted = version;
            None
        }
        Some(Read::Gone) => None,
        Some(Read::Undeleted) => return Err(Delivered::new(endpoint, event, End::Unconfirmed)),
        Some(Read::Failed(failure)) => return Err(Delivered::new(endpoint, event, End::Unread(failure))),
    };
    let text = resource.as_ref().map(Body::text);
    let (mut known, mut before) = (None, None);
    if is_asked_for(app, declaration) {
        let earlier = app.before_rotation();
        let (mut otherwise, mut otherwise_before) = (None, None);
        if let Some(deleted) = deleted {
            // The server's history may lag behind, and show an earlier deletion as the last one. This
            // deletion is handled in any case, and a sweep, which sees more, recognises the deletion that it
            // was taken for.
            let of = |app: &App| Otherwise::of(app, declaration, &event, &deleted).map(Box::new);
            (otherwise, otherwise_before) = (of(app), earlier.and_then(of));
            // A search for deletions gives the time of the deletion.
            event.is_found |= event.updated.is_some();
            event.version_id = Some(deleted.version_id);
            event.updated = deleted.at.or(event.updated);
        }
        let known_by = |app: &App, otherwise| {
            let entry = identify(app, declaration, &event, text);
            entry.map(|entry| Known { entry, otherwise })
        };
        known = known_by(app, otherwise);
        before = earlier.and_then(|app| {
            let known = known_by(app, otherwise_before)?;
            Some(Box::new(Before { app: app.clone(), known }))
        });
    }
    event.key = known.as_ref().and_then(|known| known.entry.idempotency_key());
    Ok((event, Ready { known, before, resource, included, way }))
}

/// Finds out whether an event is a creation. Returns an end if the server cannot be asked, or if the event is
/// not wanted.
async fn find_out(
    app: &App,
    declaration: &'static Declaration,
    event: &mut Event,
    Ready { known, before, resource, .. }: &mut Ready<'_>,
    time: Time,
) -> Option<End> {
    let text = resource.as_ref().map(Body::text);
    let updated = event.updated.or_else(|| last_updated(text?));
    match interaction::find_out(app, event, updated, time.deadline()).await {
        Ok(interaction) => event.interaction = interaction,
        Err(failure) => return Some(End::Unread(failure)),
    }
    if !declaration.is_wanted(event) {
        return Some(End::NotWanted);
    }
    if let (Some(known), Some(entry)) = (known, identify(app, declaration, event, text)) {
        event.key = entry.idempotency_key();
        known.entry = entry;
    }
    if let Some(before) = before
        && let Some(entry) = identify(&before.app, declaration, event, text)
    {
        before.known.entry = entry;
    }
    None
}

/// Handles an event, unless that was done before. Returns an error if the event is deferred.
async fn settle(
    app: &App,
    declaration: &'static Declaration,
    event: Box<Event>,
    ready: &mut Ready<'_>,
    time: Time,
    suspects: Suspects,
) -> Result<Delivered, Box<Suspect>> {
    if ready.before.is_some() && event.retry.is_none() {
        return Box::pin(rotated::settle(app, declaration, event, ready, time, suspects)).await;
    }
    let Ready { known, resource, included, way, .. } = ready;
    let text = resource.as_ref().map(Body::text);
    let old_keys = |event: &Event| old_keys(app, declaration, event, text);
    let terms = Terms { deadline: time.deadline(), suspects, ends: 1 };
    once(app, declaration.endpoint, event, known.as_mut(), terms, old_keys, async |event| {
        run(app, declaration, event, text, (&*included, *way), time).await
    })
    .await
}

/// The end of an event if the handler needs its resource, and the resource can be neither found nor read. A
/// missing resource does not prove a deletion.
fn unreadable(declaration: &Declaration, event: &Event) -> Option<End> {
    let is_needed = match event.interaction() {
        Interaction::Delete => declaration.trust == Trust::Reference,
        _ if event.is_silent() => declaration.looks_up() && !declaration.needs_resource(),
        _ => declaration.uses.resource != ResourceUse::Unused,
    };
    if event.focus().is_some() || !is_needed {
        return None;
    }
    let text = match event.reference() {
        // <https://hl7.org/fhir/R4/references.html#contained>
        Some(reference) if reference.starts_with('#') => {
            "the event names a contained resource, which exists nowhere else, and no entry carries it"
        }
        _ => "the event does not name its resource as Type/id, and no entry carries it",
    };
    Some(match event.elsewhere() {
        Some(_) => End::Elsewhere(Failure::elsewhere(event)),
        None => End::Unprocessable(text.into()),
    })
}

/// Whether nobody can ever handle the event: the handler needs its resource, and the event names it in no way that leads to it.
/// A resource on a server that `setup` does not name does not count, because `setup` may name the server later.
pub(crate) fn is_unreadable(declaration: &Declaration, happened: &Happened<'_>) -> bool {
    let comes_with_it = happened.resource.is_some() && declaration.trust == Trust::Notification;
    !comes_with_it && matches!(unreadable(declaration, &happened.event), Some(End::Unprocessable(_)))
}

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

/// The end that a handler's outcome means; `quote` says whether an error's text may be logged.
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
