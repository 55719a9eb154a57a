//! A program with a topic's handlers, one for each level of content. A suite registers it with a real server,
//! and makes it run.
//!
//! A handler logs which event it got, but nothing of the resource: the suites search every line for that.

use fhir_sub::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Encounter {
    id: String,
    status: String,
}

/// Prepare a bed; the encounter is read from the server.
#[fhir_subscription(
    topic = "https://example.org/topics/encounters",
    filter = "Encounter?status=in-progress",
    endpoint = "beds",
    content = "id-only"
)]
async fn beds(encounter: Resource<Encounter>, event: Event) -> Result<()> {
    tell("beds", Some(&encounter), &event);
    Ok(())
}

/// Keep the ward's board up to date.
#[fhir_subscription(
    topic = "https://example.org/topics/encounters",
    endpoint = "board",
    on = [create, update, delete]
)]
async fn board(encounter: Option<Resource<Encounter>>, event: Event) -> Result<()> {
    tell("board", encounter.as_deref(), &event);
    Ok(())
}

/// Ring when anything changes.
#[fhir_subscription(
    topic = "https://example.org/topics/encounters",
    endpoint = "bell",
    content = "empty",
    on = [create, update, delete]
)]
async fn bell(event: Event) {
    tell("bell", None, &event);
}

fn tell(handler: &str, encounter: Option<&Encounter>, event: &Event) {
    tracing::trace!("what is never told is looked for at this level too");
    tracing::info!(
        handler,
        id = encounter.map(|encounter| encounter.id.as_str()),
        status = encounter.map(|encounter| encounter.status.as_str()),
        focus = event.focus(),
        number = event.number(),
        interaction = %event.interaction()
    );
}

fhir_lambda_main!();
