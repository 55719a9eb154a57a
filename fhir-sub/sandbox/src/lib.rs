//! An in-memory FHIR server that sends notifications, for local runs and for tests.
//!
//! A [`Sandbox`] keeps resources with all their versions, answers the REST API, and evaluates the criteria and topics of `Subscription`s. It
//! sends rest-hook notifications as [HAPI FHIR](Behaviour::Hapi), [Medplum](Behaviour::Medplum) or a server
//! [by the specification](Behaviour::Generic) does, retries included. It opens no port and no connection: requests come in through
//! [`Sandbox::handle`], and notifications leave through [`Deliver`].
//!
//! ```
//! use std::sync::{Arc, Mutex};
//!
//! use fhir_sub::sandbox::{DeliveryError, Sandbox};
//! use http::StatusCode;
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let received = Arc::new(Mutex::new(Vec::new()));
//! let inbox = received.clone();
//! let sandbox = Sandbox::builder().build(move |notification: http::Request<bytes::Bytes>| {
//!     inbox.lock().unwrap().push(notification.uri().path().to_owned());
//!     async { Ok::<_, DeliveryError>(StatusCode::NO_CONTENT) }
//! });
//!
//! sandbox
//!     .create(&json!({
//!         "resourceType": "Subscription",
//!         "status": "requested",
//!         "reason": "arrivals",
//!         "criteria": "Appointment?status=arrived",
//!         "channel": {
//!             "type": "rest-hook",
//!             "endpoint": "http://127.0.0.1:9000/arrived",
//!             "payload": "application/fhir+json",
//!         },
//!     }))
//!     .await?;
//! sandbox.idle().await;
//!
//! sandbox.create(&json!({ "resourceType": "Appointment", "status": "booked" })).await?;
//! sandbox.create(&json!({ "resourceType": "Appointment", "status": "arrived" })).await?;
//! sandbox.idle().await;
//!
//! assert_eq!(*received.lock().unwrap(), ["/arrived/Appointment/3"]);
//! # Ok(())
//! # }
//! ```
//!
//! # What it evaluates
//! The sandbox evaluates every search that the compiler accepts as a criteria or a filter: all parameters of FHIR R4, R4B and R5, with their
//! prefixes, modifiers and lists; chains, `_has` and composites; `_list`, `_text`, `_content`, and HAPI's `%now` and `%today`. It compares units
//! of quantities as text. `:in`, `:below` and `:above` use the `ValueSet` and `CodeSystem` resources that were created in the sandbox. A date
//! without a zone is UTC.
//!
//! It refuses `_filter`, `_query`, `_include` and unknown parameters by name, in a search with 400 and in a `Subscription` with 422. As
//! [`Behaviour::Medplum`], it matches as Medplum's subscriptions do, which is less than Medplum's search: it stores any criteria, and never fires
//! a criteria that Medplum does not understand.
//!
//! # Medplum's further behaviour
//! As [`Behaviour::Medplum`], the sandbox also does this:
//!
//! - Each attempt at a notification makes an `AuditEvent`.
//! - `_deleted=true` finds the deleted resources.
//! - A history shows at most a hundred versions.
//! - `If-Match` applies to a `PUT` only.
//! - A `PUT` to an unknown id is refused. [`Sandbox::update`] can still create under any id.
//! - A minute has 50,000 points: a write costs 100, a search 20, a history 10, a read 1. After that, a request is answered
//!   429 with `RateLimit`.
//!
//! # Topics
//! Create a `SubscriptionTopic` like any other resource. R4 has no such type, but the sandbox takes it there too, and also the `Basic` that HAPI
//! and Helios use. It evaluates `resourceTrigger`: `resource`, `supportedInteraction` (every interaction, if the topic names none) and all of `queryCriteria`. A test
//! whose result the topic leaves open fails. It refuses `fhirPathCriteria` and `eventTrigger` with 422, and ignores `notificationShape`.
//!
//! A topic `Subscription` has the form of the [version](Builder::fhir_version): the profile and extensions of the Backport IG in R4 and R4B, and
//! the elements of R5 in R5 and, as on some servers, in R4B. The sandbox refuses an unknown topic with 422, and a filter that the topic's
//! `canFilterBy` lacks. [`Behaviour::Generic`] shakes hands before the Subscription is `active`, counts events, sends as many waiting events at
//! once as `maxCount` allows (by default one), sends heartbeats, and answers `$status` and `$events`. While a Subscription is in `error`, its
//! events are counted and not sent: `$events` has them.
//!
//! # What it is not
//! The sandbox validates the type and id of a resource. With [`validates`](Builder::validates), it also checks required and top-level
//! elements and codes, and that no value is empty. It authenticates nobody. Nothing outlives the process, unless the command
//! `sandbox --data DIR` runs the sandbox. Its log names methods, statuses and ids of Subscriptions, and no content, header or query.

// A deployed program has no sandbox. Cargo still compiles this crate for a release build, so the crate is empty there.
#![cfg(any(debug_assertions, feature = "release"))]
// Only a sample uses some items.
#![cfg_attr(not(feature = "sample"), allow(dead_code, unused_imports))]

mod answer;
mod audit;
mod builder;
mod bundle;
mod call;
mod clock;
#[doc(hidden)]
pub mod compared;
mod delivery;
mod faults;
mod heartbeat;
mod hooks;
#[cfg(feature = "journal")]
mod journal;
mod limit;
mod notification;
mod page;
mod queue;
mod refusal;
#[cfg(feature = "sample")]
mod required;
mod rest;
#[cfg(feature = "sample")]
#[doc(hidden)]
pub mod sample;
mod search;
mod server;
#[cfg(feature = "sample")]
mod shape;
mod signature;
mod store;
mod subscription;
mod task;
#[doc(hidden)]
pub mod topic;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::Value;

pub use self::{
    builder::{Behaviour, Builder},
    delivery::{BoxFuture, Deliver, Delivery, DeliveryError, DeliveryOutcome},
    faults::Fault,
    refusal::Refusal,
};
use self::{
    call::{Body, Call},
    server::Server,
    topic::{StandIn, Watched},
};
use fhir_sub_vocabulary as fhir;
use fhir_sub_vocabulary::{content, interaction};

/// A handle to an in-memory FHIR server; clones share it.
///
/// Writes start tasks, so everything except [`builder`](Self::builder) and reading needs a tokio runtime. All waiting uses tokio's clock: under
/// `#[tokio::test(start_paused = true)]`, a minute of retries takes no time.
#[derive(Clone, Debug)]
pub struct Sandbox {
    server: Arc<Server>,
}

impl Sandbox {
    /// Settings for a new sandbox.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Answers one request of the REST API, as over HTTP.
    ///
    /// The path may begin with the path of [`base_url`](Builder::base_url). The answer to a mistake is an `OperationOutcome`: broken JSON 400, an
    /// unknown type or id 404, a deleted resource 410, a version that is not the newest 412, another type than in the URL 422 ([FHIR R4
    /// §3.1.0](https://hl7.org/fhir/R4/http.html)).
    pub async fn handle(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.server.handle(request).await
    }

    /// Waits until no notification is being sent or waits for a retry, and no `Subscription` waits to become active.
    pub async fn idle(&self) {
        let mut underway = self.server.underway.subscribe();
        // The sender lives as long as `self`.
        let _ = underway.wait_for(|count| *count == 0).await;
    }

    /// Every attempt at a notification so far, in order.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.server.lock().deliveries.clone()
    }

    /// Method and path of every request to [`handle`](Self::handle) so far, in order. The path is relative to
    /// the base (`Subscription/7`) and has no query.
    pub fn requests(&self) -> Vec<(Method, String)> {
        self.server.lock().requests.clone()
    }

    /// Makes the next requests fail. Several faults are used in the order in which they were added.
    pub fn fail_next(&self, fault: Fault) {
        self.server.lock().faults.add(fault);
    }

    /// Creates the resource as `POST` does, and returns it with its id and `meta`.
    ///
    /// This and the following methods are for the test itself: they have no latency and no faults, and do not count in
    /// [`requests`](Self::requests).
    ///
    /// # Errors
    /// `POST` would refuse the resource.
    pub async fn create(&self, resource: &Value) -> Result<Value, Refusal> {
        let kind = text(resource, "resourceType")?;
        self.write(Method::POST, kind, resource.clone())
    }

    /// Updates or creates the resource as `PUT` does, and returns it with its new `meta`.
    ///
    /// # Errors
    /// `PUT` would refuse the resource.
    pub async fn update(&self, resource: &Value) -> Result<Value, Refusal> {
        let path = format!("{}/{}", text(resource, "resourceType")?, text(resource, "id")?);
        self.write(Method::PUT, &path, resource.clone())
    }

    /// Deletes the resource (`Type/id`). A resource that does not exist is not an error.
    ///
    /// # Errors
    /// The sandbox does not have the type.
    pub async fn delete(&self, reference: &str) -> Result<(), Refusal> {
        self.write(Method::DELETE, reference, Value::Null).map(drop)
    }

    /// The current version of the resource (`Type/id`), if it exists.
    pub fn get(&self, reference: &str) -> Option<Value> {
        let (kind, id) = reference.split_once('/')?;
        self.server.lock().store.current(kind, id).ok().map(|(_, resource)| Value::clone(resource))
    }

    /// The current versions of all resources of the type, in the order of their creation.
    pub fn all(&self, kind: &str) -> Vec<Value> {
        self.server
            .lock()
            .store
            .find(kind, |_| true)
            .into_iter()
            .map(|(_, resource)| Value::clone(resource))
            .collect()
    }

    /// Restores what the journal in `directory` has, and adds every write to the journal from now on.
    ///
    /// # Errors
    ///
    /// The directory cannot be read or written, or the journal is not one of a sandbox.
    #[cfg(feature = "journal")]
    #[doc(hidden)]
    pub fn keep_in(&self, directory: &std::path::Path) -> std::io::Result<()> {
        self.server.keep_in(directory)
    }

    /// The types that have resources now, each with the number of its resources, by name.
    #[cfg(feature = "journal")]
    #[doc(hidden)]
    pub fn types(&self) -> Vec<(String, usize)> {
        self.server.lock().store.types()
    }

    /// Refuses the resource if a sandbox that [`validates`](Builder::validates) would, whether or not this one does.
    ///
    /// # Errors
    ///
    /// A required element is missing, or the resource has an element, a code or an empty value that FHIR does not allow.
    #[cfg(feature = "sample")]
    #[doc(hidden)]
    pub fn check(&self, resource: &Value) -> Result<(), Refusal> {
        let kind = text(resource, "resourceType")?;
        let Some(content) = resource.as_object() else { return Ok(()) };
        let Builder { fhir_version, behaviour, .. } = self.server.settings;
        required::check(kind, content, fhir_version)?;
        shape::check(kind, content, fhir_version, behaviour)
    }

    /// Adds a topic for each topic that the handlers name, and returns the added topics.
    #[doc(hidden)]
    pub fn stand_in(&self, watched: &[Watched]) -> Vec<StandIn> {
        let stand_ins = topic::stand_ins(watched, self.server.settings.fhir_version);
        for (index, stand_in) in stand_ins.iter().enumerate() {
            let resource = stand_in.resource(index, self.server.settings.fhir_version);
            let path = topic::bundle::name(&resource);
            if let Err(refusal) = self.write(Method::PUT, &path, resource) {
                tracing::error!(topic = stand_in.url, %refusal, "the sandbox cannot stand in for a topic");
            }
        }
        stand_ins
    }

    fn write(&self, method: Method, path: &str, resource: Value) -> Result<Value, Refusal> {
        let mut call = Call::entry(method, path, "");
        (call.body, call.minimal, call.is_by_hand) = (Body::Json(resource), false, true);
        let answer = self.server.with_desk(|desk| rest::answer(desk, &call))?;
        Ok(answer.body.map_or(Value::Null, |body| Value::clone(&body)))
    }
}

fn text<'a>(resource: &'a Value, member: &str) -> Result<&'a str, Refusal> {
    let text = resource[member].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| Refusal::unprocessable(format!("the resource has no `{member}`")))
}
