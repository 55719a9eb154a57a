//! [`Message`]: a notification that a queue or a bus has brought.
//!
//! IAM decides who may write to the queue, so no secret is asked for.

use std::borrow::Cow;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Answered;
use super::notify::notify;
use super::refusal::Refusal;
use crate::app::App;
use crate::declaration::{Declaration, Trigger};
use crate::decode::named_topic;
use crate::delivery::Time;
use crate::request::{Head, Header, Headers};

/// A notification that a queue or a bus has brought, and what may say which handler it is for.
#[derive(Debug)]
pub(crate) struct Message<'m> {
    /// The endpoint that the message itself names. If no handler has it, the message is not routed any other way.
    pub(crate) endpoint: Option<&'m str>,
    /// What it came by: the name of a queue, the type of an event. Each counts if a handler has it as its endpoint.
    pub(crate) came_by: &'m [String],
    /// The notification, as JSON.
    pub(crate) body: &'m str,
}

impl Message<'_> {
    /// The subscription whose handler the message is for, or why there is none.
    pub(crate) fn route(&self, app: &App) -> Result<&'static Declaration, &'static str> {
        let registry = app.registry();
        if let Some(endpoint) = self.endpoint {
            return registry.find(endpoint).ok_or("no subscription has the endpoint that the message names");
        }
        if let Some(declaration) = self.came_by.iter().find_map(|name| registry.find(name)) {
            return Ok(declaration);
        }
        let topic = named_topic(self.body).ok_or(
            "nothing says which handler the message is for: give it an attribute `endpoint`, or the queue the name of an \
             endpoint",
        )?;
        let mut found = registry.declarations().iter().filter(|declaration| is_of(declaration, &topic));
        match (found.next(), found.next()) {
            (Some(declaration), None) => Ok(declaration),
            (None, _) => Err("no subscription has the topic that the message names"),
            (Some(_), Some(_)) => Err(
                "several subscriptions have the topic that the message names: give the message an attribute `endpoint`",
            ),
        }
    }
}

impl App {
    /// Handles a message of the subscription `declaration`, which a request has brought if that is `carried`.
    pub(crate) async fn notified_of(
        &self,
        declaration: &'static Declaration,
        body: &str,
        carried: Option<&Carried<'_>>,
        time: Time,
    ) -> Answered {
        let bare =
            Head { method: &Method::POST, path: declaration.endpoint, query: None, headers: &NoHeaders };
        let Some(carried) = carried else {
            return notify(self, &bare, declaration, None, body.as_bytes(), time).await;
        };
        let Ok(method) = Method::from_bytes(carried.method.as_bytes()) else {
            return self.unrouted("the message carries a request of an unknown method");
        };
        let head = Head { method: &method, path: &carried.path, headers: carried, ..bare };
        let reference = carried.reference.as_deref().map(str::to_owned);
        notify(self, &head, declaration, reference, body.as_bytes(), time).await
    }

    /// What is said of a message that [`Message::route`] has found no handler for.
    pub(crate) fn unrouted(&self, reason: &'static str) -> Answered {
        Refusal::Unrouted(reason).answered(None)
    }
}

/// Whether a subscription is of a topic: of whatever version, where one of the two says none.
fn is_of(declaration: &Declaration, topic: &str) -> bool {
    let Trigger::Topic(own) = declaration.trigger else { return false };
    let split = |url| str::split_once(url, '|').map_or((url, None), |(url, version)| (url, Some(version)));
    let ((url, version), (own_url, own_version)) = (split(topic), split(own.url));
    url == own_url && (version.is_none() || own_version.is_none() || version == own_version)
}

/// A request that has been let in, as the program's own queue carries it. No secret is in it: of its headers only those
/// that say something of the notification, and those that handlers may see.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Carried<'a> {
    /// Always `notification`.
    #[serde(borrow, rename = "fhir-sub")]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) endpoint: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) method: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) path: Cow<'a, str>,
    /// The resource that the path names, as `Type/id`.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<(String, String)>,
    /// The body, if there is one.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) notification: Option<&'a RawValue>,
}

impl<'a> Carried<'a> {
    /// What [`kind`](Self::kind) says.
    pub(crate) const KIND: &'static str = "notification";

    /// The request that a message of the program's own queue carries; `None` for any other message.
    pub(crate) fn read(body: &'a str) -> Option<Self> {
        serde_json::from_str(body).ok().filter(|carried: &Self| carried.kind == Self::KIND)
    }
}

impl Headers for Carried<'_> {
    fn get(&self, name: &str) -> Header<'_> {
        let own = self.headers.iter().filter(|(own, _)| own == name);
        own.fold(Header::Absent, |found, (_, value)| found.and(value.as_bytes()))
    }
}

/// A message of a queue has none that is anybody's.
struct NoHeaders;

impl Headers for NoHeaders {
    fn get(&self, _name: &str) -> Header<'_> {
        Header::Absent
    }
}
