//! Silent Subscriptions: a notification of one Subscription also looks at the others.

use std::time::Duration;

use super::Record;
use crate::app::App;
use crate::deadline::Deadline;
use crate::declaration::Declaration;
use crate::decode::Counted;
use crate::delivery::{self, Severity, Time};
use crate::metrics::Measure;
use crate::registration;
use crate::silence;

/// The longest time that the current request waits for answers about other Subscriptions.
const TO_ASK: Duration = Duration::from_secs(2);

/// Looks at every Subscription except the one of `declaration`. If one is silent, asks its server once in a period for
/// `$status`, and for the missing events.
pub(super) async fn look(app: &App, declaration: &'static Declaration, time: Time) -> Vec<Record> {
    let mut records = Vec::new();
    let to_ask = time.deadline().min(Deadline::after(TO_ASK));
    for other in app.registry().with_heartbeats() {
        if other.endpoint != declaration.endpoint
            && let Some(silence) = silence::look(app, other).await
            && app.memory().silences.may_ask(other.endpoint, app.now(), silence.period)
        {
            records.extend(ask(app, other, to_ask, time).await);
        }
    }
    records
}

/// The records of a silent Subscription and of its missing events. `deadline` limits the server's answers, and `time`
/// limits the handlers.
async fn ask(app: &App, declaration: &'static Declaration, deadline: Deadline, time: Time) -> Vec<Record> {
    let server = registration::recognised(app, deadline).await.ok();
    let is_promised = |server: &App| silence::period(declaration, server.settings().fhir_server).is_some();
    if !server.as_ref().is_none_or(is_promised) {
        return Vec::new();
    }
    let record = Record::request(Some(declaration.endpoint), "heartbeat missed", Severity::Doubtful);
    let mut records = vec![record.measured(Measure::HeartbeatsMissed)];
    let counted = async {
        let server = server?;
        let client = server.registration_client().with_deadline(deadline);
        let located = registration::locate(&server, &client, declaration).await.ok()??;
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
