//! [`Message`]: a notification from a queue or a bus.
//!
//! IAM decides who may write to the queue, so the message needs no secret.

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
use crate::fhir::Reference;
use crate::request::{Head, Header, Headers};

/// A notification from a queue or a bus, with the names that may select its handler.
#[derive(Debug)]
pub(crate) struct Message<'m> {
    /// The tenant that the message is for.
    pub(crate) tenant: Option<&'m str>,
    /// The endpoint that the message itself names. If no handler has it, the message is refused.
    pub(crate) endpoint: Option<&'m str>,
    /// The source of the message: the name of a queue, or the type of an event. A name counts if a handler
    /// has it as its endpoint.
    pub(crate) came_by: &'m [String],
    /// The notification, as JSON.
    pub(crate) body: &'m str,
}

impl Message<'_> {
    /// The app and the subscription whose handler must get the message, or why there is none.
    pub(crate) fn route<'a>(&self, app: &'a App) -> Result<(&'a App, &'static Declaration), &'static str> {
        let app = match self.tenant {
            Some(tenant) => app.tenant(tenant).ok_or("no tenant has the name that the message says")?,
            None if app.has_tenants() => {
                return Err("the message names no tenant: give it an attribute `tenant`");
            }
            None => app,
        };
        Ok((app, self.subscription(app)?))
    }

    fn subscription(&self, app: &App) -> Result<&'static Declaration, &'static str> {
        let registry = app.registry();
        if let Some(endpoint) = self.endpoint {
            return registry.find(endpoint).ok_or("no subscription has the endpoint that the message names");
        }
        if let Some(declaration) = self.came_by.iter().find_map(|name| registry.find(name)) {
            return Ok(declaration);
        }
        let topic = named_topic(self.body).ok_or(
            "the message names no handler: give the message an attribute `endpoint`, or name the queue after an \
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
    /// Handles a message for the subscription `declaration`. `carried` is set if the message carries a
    /// request.
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

    /// The answer to a message without a handler, as [`Message::route`] found.
    pub(crate) fn unrouted(&self, reason: &'static str) -> Answered {
        Refusal::Unrouted(reason).answered(None)
    }
}

/// Whether the subscription has this topic. If one of the two names no version, any version fits.
fn is_of(declaration: &Declaration, topic: &str) -> bool {
    let Trigger::Topic(own) = declaration.trigger else { return false };
    let split = |url| str::split_once(url, '|').map_or((url, None), |(url, version)| (url, Some(version)));
    let ((url, version), (own_url, own_version)) = (split(topic), split(own.url));
    url == own_url && (version.is_none() || own_version.is_none() || version == own_version)
}

/// An authenticated request, as the program's own queue carries it. It contains no secret: of its headers,
/// only those that matter for the notification, and those that handlers may see.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Carried<'a> {
    /// Always `notification`.
    #[serde(borrow, rename = "fhir-sub")]
    pub(crate) kind: Cow<'a, str>,
    /// The tenant at which the message came in, if the program has tenants.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) endpoint: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) method: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) path: Cow<'a, str>,
    /// The resource in the path, as `Type/id`.
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) headers: Vec<(String, String)>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) notification: Option<&'a RawValue>,
}

impl<'a> Carried<'a> {
    /// The value of [`kind`](Self::kind).
    pub(crate) const KIND: &'static str = "notification";

    /// The request in a message of the program's own queue; `None` for any other message.
    pub(crate) fn read(body: &'a str) -> Option<Self> {
        serde_json::from_str(body).ok().filter(|carried: &Self| carried.kind == Self::KIND)
    }

    /// A request that names the resource `reference` and does not carry it. `None` if `reference` is not `Type/id`.
    pub(crate) fn naming(endpoint: &'a str, reference: &'a str) -> Option<Self> {
        Reference::parse(reference).filter(|parsed| parsed.to_string() == reference)?;
        Some(Self {
            kind: Self::KIND.into(),
            tenant: None,
            endpoint: endpoint.into(),
            method: "PUT".into(),
            path: format!("{endpoint}/{reference}").into(),
            reference: Some(reference.into()),
            headers: Vec::new(),
            notification: None,
        })
    }
}

impl Headers for Carried<'_> {
    fn get(&self, name: &str) -> Header<'_> {
        let own = self.headers.iter().filter(|(own, _)| own == name);
        own.fold(Header::Absent, |found, (_, value)| found.and(value.as_bytes()))
    }
}

/// The headers of a message: none.
struct NoHeaders;

impl Headers for NoHeaders {
    fn get(&self, _name: &str) -> Header<'_> {
        Header::Absent
    }
}
