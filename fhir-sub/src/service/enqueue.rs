//! Queue mode: a notification is authenticated, decoded as a check, and put on the queue. The answer follows
//! when the queue has accepted it.
//!
//! The same program then handles the message: see `adapter/lambda/sqs.rs`.

mod reduced;

use std::borrow::Cow;
#[cfg(feature = "registration")]
use std::time::Duration;

use http::Method;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::message::Carried;
use super::notify::notify;
use super::refusal::Refusal;
use super::{Answer, Answered};
use crate::app::App;
use crate::deadline::Deadline;
use crate::declaration::{Declaration, Order, Trigger};
use crate::decode::{Decoded, Expected, Happened, Undecodable, decode};
use crate::delivery::{Failure, Record, Severity, Time};
use crate::extract::ResourceUse;
use crate::interaction::Interaction;
use crate::queue::{MESSAGE_LIMIT, NotSent, Outgoing, Queue};
use crate::rejection::not_well_formed;
use crate::request::Head;
use crate::trace::CallerTrace;

/// The headers that matter for a notification.
const TELLING: [&str; 5] = [
    "content-type",
    "if-match",
    "x-medplum-subscription",
    "x-medplum-interaction",
    "x-medplum-deleted-resource",
];

/// How long the caller waits for the FHIR server once the queue has the message.
#[cfg(feature = "registration")]
const TO_TELL: Duration = Duration::from_millis(200);

/// An authenticated request.
struct Admitted<'r> {
    head: &'r Head<'r>,
    declaration: &'static Declaration,
    /// The resource in its path.
    reference: Option<&'r str>,
    body: &'r [u8],
}

/// Puts the notification of the request on the queue of `app`.
pub(super) async fn answer(
    app: &App,
    head: &Head<'_>,
    declaration: &'static Declaration,
    reference: Option<String>,
    body: &[u8],
    deadline: Deadline,
) -> Answered {
    let endpoint = declaration.endpoint;
    #[cfg(feature = "registration")]
    let (arrived, mut ended) = (app.now(), None);
    // The body of a deletion is ignored.
    let body = if *head.method == Method::DELETE { &[] } else { body };
    let Some(queue) = app.queue() else { return Refusal::UnknownEndpoint.answered(Some(endpoint)) };
    let decoded =
        decode(head, &Expected::of(app, declaration), reference.clone(), body).and_then(|decoded| {
            // A body that is not JSON would break the message around it.
            match serde_json::from_slice::<IgnoredAny>(body) {
                Err(error) if !body.trim_ascii().is_empty() => {
                    Err(Undecodable::Malformed(not_well_formed("body", &error).into()))
                }
                _ => Ok(decoded),
            }
        });
    let admitted = Admitted { head, declaration, reference: reference.as_deref(), body };
    let (sent, answer) = match &decoded {
        Err(_) | Ok(Decoded::NothingFound) => (None, Answer::handled()),
        // A server sends no events before its handshake is answered, and no handler runs for a handshake.
        Ok(Decoded::Notice(_, counted)) if counted.is_handshake => (None, Answer::acknowledged()),
        Ok(Decoded::Notice(..)) => {
            (Some(send(app, queue, &admitted, &[], deadline).await), Answer::acknowledged())
        }
        Ok(Decoded::Events(events, _)) => {
            (Some(send(app, queue, &admitted, events, deadline).await), Answer::handled())
        }
    };
    #[cfg(feature = "registration")]
    if matches!(sent, Some(Ok(()))) {
        // The process that handles the messages may be another one, which keeps its own time.
        let deadline = deadline.min(Deadline::after(TO_TELL));
        ended = super::silent::hear(app, declaration, arrived, false, Time::until(deadline)).await;
    }
    match (decoded, sent) {
        (Err(undecodable), _) => Refusal::Undecodable(undecodable).answered(Some(endpoint)),
        (Ok(_), None) => notify(app, head, declaration, reference, body, Time::until(deadline)).await,
        (Ok(_), Some(Ok(()))) => {
            let queued = Record::request(Some(endpoint), "queued", Severity::Fine);
            #[cfg_attr(not(feature = "registration"), expect(unused_mut))]
            let mut answered = Answered::new(answer, queued);
            #[cfg(feature = "registration")]
            answered.further.extend(ended);
            answered
        }
        (Ok(_), Some(Err(refusal))) => refusal.answered(Some(endpoint)),
    }
}

/// Sends a notification whole, or as references if the settings say so or if it is too long.
async fn send(
    app: &App,
    queue: &Queue,
    admitted: &Admitted<'_>,
    events: &[Happened<'_>],
    deadline: Deadline,
) -> Result<(), Refusal> {
    let deadline = Queue::deadline(deadline);
    if !queue.settings().only_references {
        let whole = admitted.whole(app).filter(|body| body.len() <= MESSAGE_LIMIT);
        if let Some(body) = whole {
            let whole = Outgoing { body, group: admitted.group(app, events) };
            match queue.send(&whole, deadline).await {
                Ok(()) => return Ok(()),
                Err(NotSent::TooLong) => {}
                Err(NotSent::Refused(reason)) => return Err(unavailable(reason)),
            }
        }
    }
    admitted.may_be_read_again(app, events)?;
    for reduced in admitted.reduced(app, events)? {
        if reduced.body.len() > MESSAGE_LIMIT {
            return Err(Refusal::TooLarge(MESSAGE_LIMIT));
        }
        queue.send(&reduced, deadline).await.map_err(|not_sent| match not_sent {
            NotSent::TooLong => Refusal::TooLarge(MESSAGE_LIMIT),
            NotSent::Refused(reason) => unavailable(reason),
        })?;
    }
    Ok(())
}

fn unavailable(reason: String) -> Refusal {
    Refusal::QueueUnavailable(Failure::refused(reason))
}

impl Admitted<'_> {
    /// `None` if it contains a token that cannot be removed, or a secret of the program: a Subscription contains the secret
    /// that its server shows.
    fn whole(&self, app: &App) -> Option<String> {
        let body = std::str::from_utf8(self.body).unwrap_or_default().trim();
        // A token must not lie in a queue for days, and no handler is given it.
        let body = match self.declaration.trigger {
            Trigger::Topic(_) => reduced::with_reduced_status(body)?.into(),
            Trigger::Criteria(_) => Cow::Borrowed(body),
        };
        let notification = serde_json::from_str::<&RawValue>(&body).ok();
        let message = self.message(app, self.head.method, self.reference, notification, None);
        Some(message).filter(|message| !app.settings().secrets.are_in(message))
    }

    fn message(
        &self,
        app: &App,
        method: &Method,
        reference: Option<&str>,
        notification: Option<&RawValue>,
        version: Option<&str>,
    ) -> String {
        let text = |name: &str| self.head.headers.get(name).text().map(str::to_owned);
        let told = TELLING.into_iter().filter(|name| version.is_none() || *name != "if-match");
        let mut headers: Vec<_> = told.filter_map(|name| Some((name.to_owned(), text(name)?))).collect();
        for (name, value) in app.provided().allowed_headers(self.head.headers) {
            let is_of_trace = app.is_traced() && matches!(&*name, "traceparent" | "tracestate");
            if !is_of_trace && !TELLING.contains(&&*name) {
                headers.push((name, value));
            }
        }
        if app.is_traced() {
            headers.extend(CallerTrace::of(self.head.headers, None).headers());
        }
        headers.extend(version.map(|version| ("if-match".to_owned(), format!("W/\"{version}\""))));
        let path = self.head.path.strip_suffix('/').unwrap_or(self.head.path);
        let path = match (self.reference, reference) {
            (None, Some(reference)) => Cow::Owned(format!("{path}/{reference}")),
            _ => Cow::Borrowed(path),
        };
        let carried = Carried {
            kind: Carried::KIND.into(),
            tenant: app.tenant_name().map(Cow::Borrowed),
            endpoint: self.declaration.endpoint.into(),
            method: method.as_str().into(),
            path,
            reference: reference.map(Cow::Borrowed),
            headers,
            notification,
        };
        let message = serde_json::to_string(&carried).unwrap_or_default();
        // A message may contain all of Unicode except these two characters. Both stand in strings only.
        if message.contains(['\u{fffe}', '\u{ffff}']) {
            return message.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff");
        }
        message
    }

    /// The group of a message, if the handler wants only the latest version: its messages are handled one
    /// after the other. The group's name does not reveal the resource.
    fn group(&self, app: &App, events: &[Happened<'_>]) -> Option<String> {
        let Declaration { endpoint, order, .. } = *self.declaration;
        if order != Order::Latest {
            return None;
        }
        let mut names = events.iter().filter_map(|happened| happened.event.name());
        let first = names.next().unwrap_or_default();
        // A notification of several resources is one message, so it goes into a group of the whole endpoint.
        let name = if names.all(|name| name == first) { first } else { Cow::Borrowed("") };
        Some(app.keys().key(&["queue", endpoint, &name]).to_string())
    }

    /// Whether everything that the handler needs can be read again by its name.
    fn may_be_read_again(&self, app: &App, events: &[Happened<'_>]) -> Result<(), Refusal> {
        let is_used = self.declaration.uses.resource != ResourceUse::Unused;
        let is_named = |happened: &Happened<'_>| {
            let event = &happened.event;
            let source = event.elsewhere_base().and_then(|base| app.provided().source(base));
            event.focus().is_some() || source.is_some()
        };
        let is_lost = |happened: &Happened<'_>| is_used && happened.resource.is_some() && !is_named(happened);
        if events.iter().any(is_lost) {
            let reason = "the notification carries a resource that cannot be read from a FHIR server, and the queue takes \
                          references only";
            return Err(Refusal::Undecodable(Undecodable::Unprocessable(reason.into())));
        }
        if self.declaration.uses.included
            && events.iter().any(|happened| happened.included.iter().next().is_some())
        {
            let reason =
                "the handler takes what a notification includes, and the queue takes references only";
            return Err(Refusal::Undecodable(Undecodable::Unprocessable(reason.into())));
        }
        Ok(())
    }

    /// Whether the notification without its resources still names them: only a resource itself may say what it is.
    fn names_the_same(&self, app: &App, events: &[Happened<'_>], reduced: &str) -> Result<(), Refusal> {
        if self.declaration.uses.resource == ResourceUse::Unused {
            return Ok(());
        }
        let is_same = |(whole, reduced): (&Happened<'_>, &Happened<'_>)| {
            whole.mistake.is_some() || whole.event.name() == reduced.event.name()
        };
        match decode(self.head, &Expected::of(app, self.declaration), None, reduced.as_bytes()) {
            _ if events.is_empty() => Ok(()),
            Ok(Decoded::Events(told, _))
                if told.len() == events.len() && events.iter().zip(&told).all(is_same) =>
            {
                Ok(())
            }
            _ => {
                let reason = "only the resource in the notification says what it is, and the queue takes references only";
                Err(Refusal::Undecodable(Undecodable::Unprocessable(reason.into())))
            }
        }
    }

    /// The request without any resource. For a criteria, it is one message for each resource, which names the
    /// resource like a `PUT`. For a topic, it is the notification without its resources.
    fn reduced(&self, app: &App, events: &[Happened<'_>]) -> Result<Vec<Outgoing>, Refusal> {
        if let Trigger::Topic(_) = self.declaration.trigger {
            let body = std::str::from_utf8(self.body).unwrap_or_default();
            let reduced =
                reduced::without_resources(body).ok_or_else(|| unavailable("it has no references".into()))?;
            self.names_the_same(app, events, reduced.get())?;
            let body = self.message(app, self.head.method, None, Some(&reduced), None);
            return Ok(vec![Outgoing { body, group: self.group(app, events) }]);
        }
        let messages = events.iter().map(|happened| {
            let event = &happened.event;
            let body = match event.focus() {
                Some(focus) if event.interaction != Interaction::Delete => {
                    self.message(app, &Method::PUT, Some(focus), None, event.version_id())
                }
                // The kind of request that reported a deletion decides whether it must be confirmed.
                _ => self.message(app, self.head.method, self.reference, None, None),
            };
            Outgoing { body, group: self.group(app, std::slice::from_ref(happened)) }
        });
        Ok(messages.collect())
    }
}

#[cfg(test)]
mod tests;
