//! `$events`: asking the server for events by their numbers.
//!
//! <https://hl7.org/fhir/R5/subscription-operation-events.html>; for R4 and R4B,
//! <https://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition-backport-subscription-events.html>.

use serde_json::json;
use serde_json::value::RawValue;

use super::failure::Failure;
use crate::app::App;
use crate::client;
use crate::contain::contain;
use crate::deadline::Deadline;
use crate::declaration::{Content, Declaration};
use crate::decode::{Expected, Happened, decode_queried};
use crate::fhir::FhirVersion;
use crate::memory::{Asked, Name, Range};
use crate::server::Events;
use crate::sorted;

/// The answer to `$events`.
#[derive(Debug)]
pub(crate) enum Queried {
    /// The server's answer; [`events`] reads the events from it.
    Answered(Box<RawValue>),
    /// The server has no such operation, or not for this Subscription.
    Unknown,
    Failed(Failure),
}

/// Asks the app's own FHIR server for the events with these numbers, whatever host the notification names.
pub(crate) async fn query(
    app: &App,
    declaration: &Declaration,
    id: &str,
    numbers: &Range,
    deadline: Deadline,
) -> Queried {
    let content = content(declaration).code();
    // The request may run a token provider of the user's.
    match contain(ask(app, id, numbers, content, deadline)).await {
        Ok(Ok(answer)) => Queried::Answered(answer),
        // Without permission for `$events`, to ask again cannot help, but a search may be allowed.
        Ok(Err(error)) if matches!(error.status(), Some(400 | 403 | 404 | 405 | 406 | 410 | 422 | 501)) => {
            Queried::Unknown
        }
        Ok(Err(error)) => Queried::Failed(Failure::of_reading(&error)),
        Err(_panicked) => Queried::Failed(Failure::PANICKED),
    }
}

/// Asks by `GET`, because nothing changes. If the server refuses `GET`, asks by `POST`.
async fn ask(
    app: &App,
    id: &str,
    numbers: &Range,
    content: &str,
    deadline: Deadline,
) -> Result<Box<RawValue>, client::Error> {
    let (since, until) = (numbers.start().to_string(), numbers.end().to_string());
    let client = app.provided().fhir_client().with_deadline(deadline);
    let events = || client.operation("$events").on_instance("Subscription", id);
    let Events { by_get, number_in_r5 } = app.settings().fhir_server.events;
    if by_get {
        let query = [("eventsSinceNumber", &*since), ("eventsUntilNumber", &*until), ("content", content)];
        match events().get(&query).await {
            Err(error) if matches!(error.status(), Some(404 | 405)) => {}
            got => return got,
        }
    }
    // The backport guide has a string instead of R5's `integer64`.
    let is_r5 = app.settings().fhir_version == FhirVersion::R5;
    let number = if is_r5 { number_in_r5 } else { "valueString" };
    let parameters = json!({
        "resourceType": "Parameters",
        "parameter": [
            { "name": "eventsSinceNumber", number: since },
            { "name": "eventsUntilNumber", number: until },
            { "name": "content", "valueCode": content },
        ],
    });
    events().repeatable().post(&parameters).await
}

/// The content to ask for: the content of the subscription. Exception: a handler that takes the resource
/// needs at least the resource's name.
fn content(declaration: &Declaration) -> Content {
    let is_named = declaration.content != Content::Empty || !declaration.needs_resource();
    if is_named { declaration.content } else { Content::IdOnly }
}

/// The events with these numbers from the server's answer, each once.
pub(crate) fn events<'a>(
    app: &App,
    declaration: &Declaration,
    answer: &'a RawValue,
    name: Name<'_>,
    numbers: &Range,
) -> Vec<Happened<'a>> {
    let mut events = decode_queried(&Expected::of(app, declaration), answer.get());
    events.retain(|happened| happened.event.number.is_some_and(|number| numbers.contains(&number)));
    sorted::by_key(&mut events, |happened| happened.event.number);
    events.dedup_by_key(|happened| happened.event.number);
    for happened in &mut events {
        happened.event.subscription = name.subscription.map(str::to_owned);
    }
    events
}

impl Queried {
    /// The answer as the memory keeps it; `is_found` if it had events.
    pub(crate) fn asked(&self, is_found: bool) -> Asked {
        match self {
            Self::Answered(_) if is_found => Asked::Found,
            Self::Answered(_) | Self::Unknown => Asked::Nothing,
            Self::Failed(_) => Asked::Failed,
        }
    }
}

#[cfg(test)]
mod tests;
