//! Decodes a notification, delivers its events, and answers it.

use std::time::Duration;

use http::Method;

use super::refusal::Refusal;
#[cfg(feature = "registration")]
use super::silent;
use super::{Answer, Answered, Record};
use crate::app::App;
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Topic, Trigger};
use crate::decode::{Counted, DEACTIVATED, Decoded, Expected, decode};
use crate::delivery::{self, Deletion, Severity, Time};
#[cfg(feature = "registration")]
use crate::fhir::Instant;
use crate::incoming::Way;
use crate::request::Head;
use crate::settings::Secrets;

/// Runs the handler of `declaration` on the events of the request.
pub(super) async fn notify(
    app: &App,
    head: &Head<'_>,
    declaration: &'static Declaration,
    reference: Option<String>,
    body: &[u8],
    time: Time,
) -> Answered {
    let endpoint = declaration.endpoint;
    #[cfg(feature = "registration")]
    let arrived = (!app.registry().with_heartbeats().is_empty()).then(|| app.now());
    let names_resource = reference.is_some();
    let decoded = decode(head, &Expected::of(app, declaration), reference, body);
    #[cfg(feature = "registration")]
    let is_handshake = matches!(&decoded, Ok(Decoded::Notice(_, counted)) if counted.is_handshake);
    let answered = match decoded {
        Ok(Decoded::Events(mut events, mut counted)) => {
            let headers = app.provided().allowed_headers(head.headers);
            let way = Way::new(head.path, names_resource, &headers);
            events.iter_mut().for_each(|happened| happened.way = way);
            if app.settings().fhir_server.topics.as_ref().is_ok_and(|topics| !topics.numbers_go_on) {
                // This server's numbers restart in each notification. They would look like repetitions and
                // gaps.
                events.iter_mut().for_each(|happened| happened.event.number = None);
                counted = Counted::default();
            }
            let deletion = deletion(app, head, declaration);
            let notified = delivery::events(app, declaration, deletion, events, &counted, time).await;
            let answer = Answer::of(&notified);
            let is_done = notified.is_done();
            let mut records = notified.delivered.into_iter().map(Record::of);
            // A notification has at least one event.
            let no_events = || Record::request(Some(endpoint), "no events", Severity::Fine);
            let mut answered = Answered::new(answer, records.next().unwrap_or_else(no_events));
            let missing = notified.missing.into_iter().map(|missing| Record::of_missing(endpoint, missing));
            answered.further = records.chain(missing).collect();
            answered.is_done = is_done;
            answered
        }
        Ok(Decoded::Notice(notice, counted)) => {
            let (numbering, missing) = Box::pin(delivery::none(app, declaration, &counted, time)).await;
            // If the server has ended the Subscription, no more events will come.
            let severity = if notice == DEACTIVATED { Severity::Doubtful } else { Severity::Fine };
            let record = Record::request(Some(endpoint), notice, severity).numbered(numbering);
            let mut answered = Answered::new(Answer::acknowledged(), record);
            let missing = missing.into_iter().map(|missing| Record::of_missing(endpoint, missing));
            answered.further = missing.collect();
            answered
        }
        // HAPI expects a body in any other answer to its transaction.
        Ok(Decoded::NothingFound) => {
            Answered::new(Answer::handled(), Record::request(Some(endpoint), "nothing found", Severity::Fine))
        }
        Err(undecodable) => return Refusal::Undecodable(undecodable).answered(Some(endpoint)),
    };
    #[cfg(feature = "registration")]
    if let Some(arrived) = arrived {
        // Boxed: the future of every request would be as large.
        return Box::pin(hear(app, declaration, arrived, is_handshake, time, answered)).await;
    }
    answered
}

/// Notes that the server of `declaration` has sent something after a silence or in time, and looks for other
/// Subscriptions that are silent.
#[cfg(feature = "registration")]
async fn hear(
    app: &App,
    declaration: &'static Declaration,
    arrived: Instant,
    is_handshake: bool,
    time: Time,
    mut answered: Answered,
) -> Answered {
    answered.further.extend(silent::hear(app, declaration, arrived, is_handshake, time).await);
    // A server activates the Subscription once its handshake is answered, and may wait for a few seconds only.
    if !is_handshake {
        answered.further.extend(silent::look(app, declaration, time).await);
    }
    answered
}

/// When the server gives up on an attempt and retries, if the Subscription sets that time. The answer must be
/// sent before then.
pub(super) fn sent_again(declaration: &Declaration) -> Deadline {
    match declaration.trigger {
        Trigger::Topic(Topic { timeout: Some(seconds), .. }) => {
            // Some of the time is for the network.
            Deadline::after(Duration::from_secs(seconds.into()).mul_f64(0.9))
        }
        _ => Deadline::after(Duration::MAX),
    }
}

/// The proof that counts for a deletion in a request.
fn deletion(app: &App, head: &Head<'_>, declaration: &Declaration) -> Deletion {
    // Medplum names the deleted resource in a header, and other servers in the path. A signature covers
    // neither.
    let is_outside = matches!(declaration.trigger, Trigger::Criteria(_));
    let is_medplums = is_outside && *head.method == Method::POST;
    let Secrets { signing, hub, .. } = &app.settings().secrets;
    let is_signed = is_outside && (signing.is_some() || hub.is_some());
    if is_medplums || is_signed { Deletion::Confirmed } else { Deletion::in_answer(declaration) }
}
