//! [`NotificationBuilder`]: a [`Notification`] for an extractor that a test calls.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;

use super::request::{under, value};
use crate::client::transport::{Limits, Transport, TransportError, TransportErrorKind};
use crate::client::{ClientConfig, FhirClient};
use crate::deadline::Deadline;
use crate::event::Event;
use crate::included::{Included, IncludedResource};
use crate::incoming::Way;
use crate::notification::Notification;
use crate::provided::{Provided, States};
use crate::sandbox::topic::bundle::name;

/// Makes a [`Notification`], for a test of your own extractor.
///
/// ```
/// use fhir_sub::testing::{EventBuilder, NotificationBuilder, TestApp};
/// use fhir_sub::{FromNotification, Interaction, Notification, Rejection};
///
/// struct Tenant(String);
///
/// impl FromNotification for Tenant {
///     async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
///         let tenant = notification.header("x-tenant");
///         tenant.map(|tenant| Self(tenant.to_owned())).ok_or_else(|| Rejection::unprocessable("no tenant is named"))
///     }
/// }
///
/// # fhir_sub::__private::block_on(async {
/// let event = EventBuilder::new(Interaction::Update).reference("Encounter/1").build();
/// let from_the_north = NotificationBuilder::new(event.clone()).header("x-tenant", "north");
/// assert_eq!(Tenant::from_notification(&from_the_north.notification()).await.unwrap().0, "north");
/// let from_nowhere = NotificationBuilder::new(event);
/// assert!(Tenant::from_notification(&from_nowhere.notification()).await.is_err());
/// # });
/// ```
#[must_use = "`notification` is what an extractor takes"]
pub struct NotificationBuilder {
    event: Event,
    resource: Option<String>,
    included: Included,
    endpoint: String,
    /// The path, with the part before the endpoint.
    path: String,
    headers: Vec<(String, String)>,
    provided: Provided,
    time: Duration,
}

impl NotificationBuilder {
    /// A notification of an event, without a resource. Its deadline is in 25 seconds, and its FHIR server cannot be
    /// reached.
    pub fn new(event: Event) -> Self {
        Self {
            event,
            resource: None,
            included: Included::default(),
            endpoint: "endpoint".to_owned(),
            path: "/endpoint".to_owned(),
            headers: Vec::new(),
            provided: Provided::new(States::default(), no_server(), Vec::new(), Vec::new()),
            time: Duration::from_secs(25),
        }
    }

    /// Adds the event's own resource.
    pub fn resource(mut self, resource: &impl Serialize) -> Self {
        self.resource = Some(value(resource).to_string());
        self
    }

    /// Adds another resource, in an entry with this `fullUrl`: `urn:uuid:…`, or a URL that ends with `Type/id`.
    pub fn included(mut self, full_url: &str, resource: &impl Serialize) -> Self {
        let resource = value(resource);
        let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let mut all: Vec<_> = self.included.iter().cloned().collect();
        all.push(IncludedResource {
            place: all.len(),
            full_url: Some(full_url.to_owned()),
            reference: text("/id").map(|_| name(&resource)),
            version_id: text("/meta/versionId"),
            resource_type: text("/resourceType").unwrap_or_default(),
            json: resource.to_string(),
        });
        self.included = Included::new(all.into_iter());
        self
    }

    /// Sets the endpoint; the default is `endpoint`.
    pub fn endpoint(mut self, endpoint: &str) -> Self {
        self.path = format!("{}/{endpoint}", self.notification().prefix());
        endpoint.clone_into(&mut self.endpoint);
        self
    }

    /// Sets the path before the endpoint: `/prod`.
    pub fn prefix(mut self, prefix: &str) -> Self {
        self.path = under(prefix, &format!("/{}", self.endpoint));
        self
    }

    /// Adds a header, as if [`AppBuilder::allow_header`](crate::AppBuilder::allow_header) allowed it.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_lowercase(), value.to_owned()));
        self
    }

    /// Adds a state.
    pub fn state<S: Any + Send + Sync>(mut self, state: S) -> Self {
        self.provided.insert(state);
        self
    }

    /// Sets the client of the FHIR server, such as [`TestApp::fhir_client`](super::TestApp::fhir_client).
    pub fn fhir_client(mut self, client: FhirClient) -> Self {
        self.provided.set_fhir_client(client);
        self
    }

    /// Sets the time until the deadline.
    pub fn time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// The notification. The time until its deadline begins now.
    #[must_use]
    pub fn notification(&self) -> Notification<'_> {
        Notification {
            event: &self.event,
            resource: self.resource.as_deref(),
            included: &self.included,
            endpoint: &self.endpoint,
            way: Way { path: &self.path, headers: &self.headers },
            provided: &self.provided,
            deadline: Deadline::after(self.time),
        }
    }
}

impl std::fmt::Debug for NotificationBuilder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("NotificationBuilder").field("event", &self.event).finish_non_exhaustive()
    }
}

/// The client of a server that does not exist: a test that needs a server sets one.
fn no_server() -> FhirClient {
    struct Nowhere;

    impl Transport for Nowhere {
        fn send<'a>(
            &'a self,
            _request: http::Request<Bytes>,
            _limits: Limits,
        ) -> BoxFuture<'a, Result<http::Response<Bytes>, TransportError>> {
            Box::pin(async {
                let reason = Some("the test has given no FHIR client");
                let kind = TransportErrorKind::Unusable;
                Err(TransportError { kind, connect_timed_out: false, reason, source: None })
            })
        }
    }

    let url = super::FHIR_BASE_URL.parse().expect("a URL");
    FhirClient::with_transport(ClientConfig::new(url), Arc::new(Nowhere)).expect("a client")
}
