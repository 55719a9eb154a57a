//! [`Unwrapped`]: a notification without the envelope of a queue or a bus.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{event_bridge, sns};
use crate::app::App;
use crate::declaration::{Declaration, Trigger};
use crate::delivery::Time;
use crate::json::{Outline, Text};
use crate::request::Headers;
use crate::service::{Answered, Carried, Message};
use crate::trace::CallerTrace;

/// A notification, with the names that may select its handler.
pub(super) struct Unwrapped {
    /// The message's tenant, from the attribute `tenant`, which may stand wherever the endpoint may.
    pub(super) tenant: Option<String>,
    /// The endpoint in the message: from its own attribute, else from the attribute of its envelope.
    pub(super) endpoint: Option<String>,
    /// The names of its sources.
    pub(super) came_by: Vec<String>,
    pub(super) body: String,
    /// The resource that the message names instead of a notification.
    pub(super) reference: Option<String>,
    pub(super) trace: Trace,
    /// Whether the body is a message of the program's own queue. A message in an envelope is not.
    pub(super) is_own: bool,
}

/// Some libraries write a byte order mark. RFC 8259 allows a reader to ignore it.
fn without_mark(body: &str) -> &str {
    body.strip_prefix('\u{feff}').unwrap_or(body)
}

impl Unwrapped {
    /// The notification in a message of the queue `name`. SNS or EventBridge may have wrapped it in an
    /// envelope. `is_own` says whether to believe that the program itself put a message on the queue.
    pub(super) fn of_queue(
        attributes: &Attributes<'_>,
        name: &str,
        body: &str,
        is_own: impl FnOnce(&Carried<'_>) -> bool,
    ) -> Self {
        let body = without_mark(body);
        let mut told = Self {
            tenant: attributes.tenant(),
            endpoint: attributes.endpoint(),
            came_by: vec![name.to_owned()],
            body: body.to_owned(),
            reference: None,
            trace: attributes.trace(),
            is_own: false,
        };
        // A message of the program's own queue contains the endpoint that accepted the notification: nothing
        // else decides. The program sets no attributes. If somebody else has set them, such as a gateway before
        // the queue, the body may come from a caller, who must not choose another endpoint or tenant.
        let is_addressed = told.tenant.is_some() || told.endpoint.is_some();
        if !is_addressed && let Some(carried) = Carried::read(body).filter(is_own) {
            let header = |name: &str| carried.get(name).text().map(str::to_owned);
            let trace = Trace { parent: header("traceparent"), state: header("tracestate"), ..told.trace };
            return Self {
                tenant: carried.tenant.map(Cow::into_owned),
                endpoint: Some(carried.endpoint.into_owned()),
                came_by: Vec::new(),
                body: told.body,
                reference: None,
                trace,
                is_own: true,
            };
        }
        for unwrap in [sns::unwrap, event_bridge::unwrap] {
            if let Some(inner) = unwrap(&told.body) {
                told.tenant = told.tenant.or(inner.tenant);
                told.endpoint = told.endpoint.or(inner.endpoint);
                told.trace = told.trace.or(inner.trace);
                told.came_by.extend(inner.came_by);
                told.body = without_mark(&inner.body).to_owned();
                told.reference = inner.reference;
            }
        }
        told
    }

    /// Handles the notification for the subscription `declaration`.
    pub(super) async fn notify(&self, app: &App, declaration: &'static Declaration, time: Time) -> Answered {
        let carried = match &self.reference {
            None => self.carried(),
            Some(reference) => match Carried::naming(declaration.endpoint, reference) {
                None => return app.unrouted("the `reference` of the event is not `Type/id`"),
                named => named,
            },
        };
        app.notified_of(declaration, self.notification(carried.as_ref()), carried.as_ref(), time).await
    }

    /// The resource of the notification for `declaration`, as `Type/id`. `None` if the notification may be about
    /// several resources, or does not say its resource.
    pub(super) fn resource(&self, declaration: &Declaration) -> Option<String> {
        let Trigger::Criteria(_) = declaration.trigger else { return None };
        if self.reference.is_some() {
            return self.reference.clone();
        }
        let carried = self.carried();
        if let Some(reference) = carried.as_ref().and_then(|carried| carried.reference.as_deref()) {
            return Some(reference.to_owned());
        }
        let Ok(outline) = Outline::read(self.notification(carried.as_ref())) else {
            // Medplum names a deleted resource in a header only.
            return carried?.get("x-medplum-deleted-resource").text().map(str::to_owned);
        };
        // A resource of another type is HAPI's Bundle of a search, or a mistake.
        let watched = declaration.trigger.resource_type();
        if watched.is_some_and(|watched| watched != &*outline.resource_type) {
            return None;
        }
        outline.id.map(|id| format!("{}/{}", &*outline.resource_type, &*id))
    }

    /// The request in the message, if the program's own queue carries one.
    fn carried(&self) -> Option<Carried<'_>> {
        if self.is_own { Carried::read(&self.body) } else { None }
    }

    /// The notification as JSON; `carried` is the request in the message.
    fn notification<'t>(&'t self, carried: Option<&Carried<'t>>) -> &'t str {
        match carried {
            Some(carried) => carried.notification.map_or("", RawValue::get),
            None => &self.body,
        }
    }

    /// The trace that the message names, else the trace of the invocation.
    pub(super) fn trace(&self, invocation: Option<&str>) -> CallerTrace {
        let Trace { parent, state, of_aws } = &self.trace;
        let named = |name: &str| match name {
            "traceparent" => parent.as_deref(),
            "tracestate" => state.as_deref(),
            "x-amzn-trace-id" => of_aws.as_deref(),
            _ => None,
        };
        CallerTrace::in_named(named, invocation)
    }

    pub(super) fn message(&self) -> Message<'_> {
        Message {
            tenant: self.tenant.as_deref(),
            endpoint: self.endpoint.as_deref(),
            came_by: &self.came_by,
            body: &self.body,
        }
    }
}

/// The trace that a message is part of, as its sender says.
#[derive(Default)]
pub(super) struct Trace {
    parent: Option<String>,
    state: Option<String>,
    /// In the form of X-Ray: SQS adds it.
    pub(super) of_aws: Option<String>,
}

impl Trace {
    /// This trace, or else `other`.
    fn or(self, other: Self) -> Self {
        if self.parent.is_some() { self } else { Self { of_aws: self.of_aws, ..other } }
    }
}

/// The attributes of a message. SQS and SNS use different names for their values.
#[derive(Default, Deserialize)]
pub(super) struct Attributes<'a> {
    #[serde(borrow)]
    tenant: Option<Attribute<'a>>,
    #[serde(borrow)]
    endpoint: Option<Attribute<'a>>,
    #[serde(borrow)]
    traceparent: Option<Attribute<'a>>,
    #[serde(borrow)]
    tracestate: Option<Attribute<'a>>,
}

#[derive(Deserialize)]
struct Attribute<'a> {
    #[serde(borrow, rename = "stringValue", alias = "Value")]
    value: Option<Text<'a>>,
}

impl Attributes<'_> {
    /// The tenant that the message names.
    pub(super) fn tenant(&self) -> Option<String> {
        value(self.tenant.as_ref())
    }

    /// The endpoint in the message.
    pub(super) fn endpoint(&self) -> Option<String> {
        value(self.endpoint.as_ref())
    }

    pub(super) fn trace(&self) -> Trace {
        let (parent, state) = (value(self.traceparent.as_ref()), value(self.tracestate.as_ref()));
        Trace { parent, state, of_aws: None }
    }
}

fn value(attribute: Option<&Attribute<'_>>) -> Option<String> {
    attribute?.value.as_deref().map(str::to_owned)
}
