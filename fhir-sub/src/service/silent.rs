//! Silent Subscriptions: a notification of one Subscription also looks at the others, and at its own silence until now.

use std::time::Duration;

use super::Record;
use crate::app::App;
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::decode::Counted;
use crate::delivery::{self, Severity, Time};
use crate::fhir::Instant;
use crate::metrics::Measure;
use crate::registration::{self, Located};
use crate::silence::{self, Silence};

/// The longest time that the current request waits for answers about other Subscriptions.
const TO_ASK: Duration = Duration::from_secs(2);

/// Looks at every Subscription except the one of `declaration`. If one is silent, asks its server once in a period for
/// `$status`, and for the missing events.
pub(super) async fn look(app: &App, declaration: &'static Declaration, time: Time) -> Vec<Record> {
    let mut records = Vec::new();
    let to_ask = to_ask(time);
    for other in app.registry().with_heartbeats() {
        registration::learn_heartbeats(app, other);
        if other.endpoint != declaration.endpoint
            && let Some(silence) = silence::look(app, other).await
            && app.memory().silences.may_ask(other.endpoint, app.now(), silence.period)
        {
            records.extend(ask(app, other, silence, to_ask, time).await);
        }
    }
    records
}

/// Notes that the server of `declaration` has sent something, which `arrived` then. Returns the record of the silence that it ends.
pub(super) async fn hear(
    app: &App,
    declaration: &'static Declaration,
    arrived: Instant,
    is_handshake: bool,
    time: Time,
) -> Option<Record> {
    registration::learn_heartbeats(app, declaration);
    let ended = ended(app, declaration, arrived, is_handshake, time).await;
    silence::heard(app, declaration).await;
    ended
}

/// The record of a silence of `declaration` that ends with a notification, which `arrived` then, unless another request of this
/// period has reported the silence. The notification itself shows whether events are missing.
async fn ended(
    app: &App,
    declaration: &'static Declaration,
    arrived: Instant,
    is_handshake: bool,
    time: Time,
) -> Option<Record> {
    let silence = silence::look(app, declaration).await?;
    // The time of the handler, until now, is not silence.
    if !silence.is_one(arrived, silence.period)
        || !app.memory().silences.may_ask(declaration.endpoint, app.now(), silence.period)
    {
        return None;
    }
    let server = match is_handshake {
        // The server may not answer about a Subscription before its handshake is over.
        true => registration::recognised(app, to_ask(time)).await.ok(),
        false => located(app, declaration, to_ask(time)).await.0,
    };
    is_promised(server.as_ref(), declaration, |period| silence.is_one(arrived, period))
        .then(|| missed(declaration))
}

fn to_ask(time: Time) -> Deadline {
    time.deadline().min(Deadline::after(TO_ASK))
}

/// The server, if it is recognised, and the Subscription there, if the server sends heartbeats. It shows how often.
async fn located(
    app: &App,
    declaration: &'static Declaration,
    deadline: Deadline,
) -> (Option<App>, Option<Located>) {
    // A Subscription that is re-armed is told the secrets of now.
    let app = &*app.with_secrets_of_now(deadline).await;
    let Ok(server) = registration::recognised(app, deadline).await else { return (None, None) };
    if silence::period(&server, declaration).is_none() {
        return (Some(server), None);
    }
    let client = server.registration_client().with_deadline(deadline);
    let located = registration::locate(&server, &client, declaration).await;
    (Some(server), located.ok().flatten())
}

/// Whether the server sends heartbeats, and is silent by its own period. If the program cannot recognise the server now, it
/// expects heartbeats.
fn is_promised(
    server: Option<&App>,
    declaration: &Declaration,
    is_silent: impl FnOnce(Duration) -> bool,
) -> bool {
    server.is_none_or(|server| silence::period(server, declaration).is_some_and(is_silent))
}

fn missed(declaration: &'static Declaration) -> Record {
    let record = Record::request(Some(declaration.endpoint), "heartbeat missed", Severity::Doubtful);
    record.measured(Measure::HeartbeatsMissed)
}

/// The records of a silent Subscription and of its missing events. `deadline` limits the server's answers, and `time`
/// limits the handlers.
async fn ask(
    app: &App,
    declaration: &'static Declaration,
    silence: Silence,
    deadline: Deadline,
    time: Time,
) -> Vec<Record> {
    let (server, located) = located(app, declaration, deadline).await;
    if !is_promised(server.as_ref(), declaration, |period| silence.is_one(app.now(), period)) {
        return Vec::new();
    }
    let mut records = vec![missed(declaration)];
    let counted = async {
        let (client, located) = (server?.registration_client().with_deadline(deadline), located?);
        let events = registration::counter(&client, &located.id).await;
        let subscription = Some(format!("Subscription/{}", located.id));
        Some(Counted { subscription, events, is_handshake: false })
    };
    if let Some(counted) = counted.await {
        let (_, missing) = delivery::none(app, declaration, &counted, time).await;
        records.extend(missing.into_iter().map(|missing| Record::of_missing(declaration.endpoint, missing)));
    }
    records
}

#[cfg(test)]
mod tests;
