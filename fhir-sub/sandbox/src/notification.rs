//! A notification, as the imitated server sends it.

use std::sync::Arc;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request,
    header::{CONTENT_TYPE, IF_MATCH},
};
use serde_json::Value;

use super::{
    builder::Behaviour,
    store::{Change, Store},
    subscription::RestHook,
};
use crate::signature::{SIGNATURE, sign};

/// The change of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interaction {
    Create,
    Update,
    Delete,
}

impl Interaction {
    pub(crate) const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// Its name in Medplum and in SubscriptionTopics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

impl From<Interaction> for crate::interaction::Interaction {
    fn from(interaction: Interaction) -> Self {
        match interaction {
            Interaction::Create => Self::Create,
            Interaction::Update => Self::Update,
            Interaction::Delete => Self::Delete,
        }
    }
}

/// The request that sends the Bundle to a topic's subscription; none if the endpoint is not a URL.
pub(crate) fn of_topic(hook: &RestHook, bundle: &Value) -> Option<Request<Bytes>> {
    let mut headers = given(hook);
    let content_type = match hook.behaviour {
        Behaviour::Hapi => "application/fhir+json; charset=UTF-8",
        _ => "application/fhir+json",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    build(Method::POST, &hook.endpoint, headers, Bytes::from(bundle.to_string()))
}

/// The request that notifies a subscription of a change; none if the endpoint is not a URL.
pub(crate) fn request(hook: &RestHook, change: &Change, store: &Store) -> Option<Request<Bytes>> {
    match hook.behaviour {
        Behaviour::Hapi | Behaviour::Generic => hapi(hook, change, store),
        Behaviour::Medplum => medplum(hook, change),
    }
}

/// HAPI uses the REST API of the specification: it treats the endpoint as the base of a FHIR server, and
/// sends the update or deletion there. Without a payload, an empty `POST` only says that something happened.
fn hapi(hook: &RestHook, change: &Change, store: &Store) -> Option<Request<Bytes>> {
    let mut headers = given(hook);
    if !hook.has_payload {
        return build(Method::POST, &hook.endpoint, headers, Bytes::new());
    }
    let url = format!("{}/{}/{}", hook.endpoint.trim_end_matches('/'), change.kind, change.id);
    if change.interaction == Interaction::Delete {
        return build(Method::DELETE, &url, headers, Bytes::new());
    }
    let (version, resource) = match store.current(&change.kind, &change.id) {
        Ok((newest, latest)) if hook.delivers_latest => (newest.number, latest.clone()),
        _ => (change.version, change.resource.clone()),
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/fhir+json; charset=UTF-8"));
    if !hook.strips_versions {
        headers.insert(IF_MATCH, HeaderValue::from_str(&format!("\"{version}\"")).ok()?);
    }
    build(Method::PUT, &url, headers, body(&resource))
}

/// Medplum sends the resource to the endpoint by `POST`, and the rest in headers. For a deletion, the body is
/// literally `{}`.
fn medplum(hook: &RestHook, change: &Change) -> Option<Request<Bytes>> {
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: &str| {
        Some(headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
    };
    set("content-type", "application/fhir+json")?;
    set("x-medplum-subscription", &hook.id)?;
    set("x-medplum-interaction", told_as(change, hook.behaviour).name())?;
    if change.interaction == Interaction::Delete {
        set("x-medplum-deleted-resource", &format!("{}/{}", change.kind, change.id))?;
    }
    for (name, value) in &hook.headers {
        headers.insert(name, value.clone());
    }
    let body = match change.interaction {
        Interaction::Delete => Bytes::from_static(b"{}"),
        Interaction::Create | Interaction::Update => body(&change.resource),
    };
    if let Some(secret) = &hook.secret {
        let signature = sign(secret.expose_secret(), &body);
        headers.insert(HeaderName::from_static(SIGNATURE), HeaderValue::from_str(&signature).ok()?);
    }
    build(Method::POST, &hook.endpoint, headers, body)
}

/// The interaction that the server reports. If a deleted resource is created again, Medplum reports an
/// update.
pub(crate) fn told_as(change: &Change, behaviour: Behaviour) -> Interaction {
    match (behaviour, change.interaction) {
        (Behaviour::Medplum, Interaction::Create) if change.version > 1 => Interaction::Update,
        (_, interaction) => interaction,
    }
}

/// The headers of the Subscription.
fn given(hook: &RestHook) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &hook.headers {
        headers.append(name, value.clone());
    }
    headers
}

fn body(resource: &Arc<Value>) -> Bytes {
    Bytes::from(resource.to_string())
}

fn build(method: Method, url: &str, headers: HeaderMap, body: Bytes) -> Option<Request<Bytes>> {
    let mut request = Request::builder().method(method).uri(url).body(body).ok()?;
    *request.headers_mut() = headers;
    Some(request)
}
