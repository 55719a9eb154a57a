//! Your program under test, in process: no port, no network, no environment, no global state.
//!
//! A [`TestApp`] has every handler that is linked into the test, and the [`crate::sandbox`] as its FHIR server. Change a resource there, and
//! the sandbox sends the app the notifications of the server that it plays. Or send a [`TestRequest`] of any shape yourself, and look at the
//! answer.
//!
//! ```
//! use fhir_sub::prelude::*;
//! use fhir_sub::testing::{TestApp, TestRequest};
//! use serde_json::{Value, json};
//!
//! #[fhir_subscription(criteria = "Appointment?status=arrived", endpoint = "arrived-appointments")]
//! async fn arrived_appointments(appointment: Resource<Value>, fhir: FhirClient) -> Result<()> {
//!     let encounter = json!({ "resourceType": "Encounter", "status": "arrived", "class": { "code": "AMB" } });
//!     fhir.create("Encounter", &encounter).await?;
//!     Ok(())
//! }
//!
//! # fhir_sub::__private::block_on(async {
//! let test = TestApp::new();
//!
//! // Through the FHIR server:
//! test.register().await;
//! test.sandbox().create(&json!({ "resourceType": "Appointment", "status": "arrived" })).await?;
//! test.sandbox().idle().await;
//! assert_eq!(test.sandbox().all("Encounter").len(), 1);
//!
//! // By hand:
//! let appointment = json!({ "resourceType": "Appointment", "id": "7", "status": "arrived" });
//! let answer = test.send(TestRequest::hapi_update("arrived-appointments", &appointment)).await;
//! assert_eq!((answer.status(), answer.handler()), (204, Some("arrived_appointments")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # Topics
//!
//! The sandbox has a topic for each topic that the handlers name. Such a topic fires for every change of the type in
//! the handlers' filters, else of the type in the topic's URL. Your own topic with the same URL replaces it. You can
//! also send a [`TestNotification`] yourself, in any version and of any kind:
//!
//! ```
//! use fhir_sub::prelude::*;
//! use fhir_sub::sandbox::Behaviour;
//! use fhir_sub::testing::{Content, FhirVersion, TestApp, TestEvent, TestNotification, TestRequest};
//! use serde_json::{Value, json};
//!
//! #[fhir_subscription(
//!     topic = "https://example.org/topics/admission",
//!     filter = "Encounter?class=IMP",
//!     endpoint = "admissions",
//!     content = "id-only",
//! )]
//! async fn admissions(encounter: Resource<Value>, fhir: FhirClient) -> Result<()> {
//!     fhir.create("Task", &json!({ "resourceType": "Task", "focus": { "reference": encounter["id"] } })).await?;
//!     Ok(())
//! }
//!
//! # fhir_sub::__private::block_on(async {
//! let test = TestApp::with(Behaviour::Generic, |app| app.set("FHIR_VERSION", "R5"));
//!
//! // Through the FHIR server, which shakes hands with the app first:
//! assert!(test.register().await.is_complete());
//! let class = json!([{ "coding": [{ "code": "IMP" }] }]);
//! let encounter = json!({ "resourceType": "Encounter", "status": "in-progress", "class": class });
//! let encounter = test.sandbox().create(&encounter).await?;
//! test.sandbox().idle().await;
//! assert_eq!(test.sandbox().all("Task").len(), 1);
//!
//! // By hand, for the second time:
//! let admitted = TestNotification::events([TestEvent::create(&encounter)])
//!     .version(FhirVersion::R5)
//!     .content(Content::IdOnly);
//! let answer = test.send(TestRequest::notification("admissions", &admitted)).await;
//! assert_eq!((answer.status(), answer.handler(), answer.outcome()), (204, None, "handled before"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod answer;
mod event;
mod event_builder;
#[cfg(feature = "__simulation")]
pub(crate) mod instance;
mod notification;
mod notification_builder;
mod request;

use std::sync::Arc;
use std::time::SystemTime;

pub use answer::TestAnswer;
pub use event::TestEvent;
pub use event_builder::EventBuilder;
pub use notification::TestNotification;
pub use notification_builder::NotificationBuilder;
pub use request::TestRequest;

pub use crate::declaration::Content;
pub use crate::fhir::FhirVersion;
pub use crate::store::check_store;

use crate::adapter::in_process::{LateSandbox, WeakApp};
use crate::app::{App, AppBuilder};
use crate::client::FhirClient;
use crate::client::transport::Transport;
use crate::problems::Problems;
use crate::registration::{Options, Report};
use crate::registry::Registry;
use crate::request::Head;
use crate::sandbox::{self, Behaviour, Sandbox};
use crate::service::Host;
use crate::settings::Variables;

/// The base URL of a [`TestApp`].
const APP_BASE_URL: &str = "https://app.example.org/hooks";
const FHIR_BASE_URL: &str = "https://fhir.example.org/r4";
const SECRET: &str = "the-secret-of-a-test-and-no-other";

/// Your program under test, and its FHIR server.
#[derive(Debug)]
pub struct TestApp {
    app: App,
    sandbox: Sandbox,
}

impl TestApp {
    /// An app with every handler that is linked into the test, and a sandbox that behaves as HAPI does, in R4.
    ///
    /// # Panics
    ///
    /// The app cannot be built; the message names every mistake.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Behaviour::Hapi, |app| app)
    }

    /// The same with a sandbox of another behaviour, and with a `setup` that gives the app state and settings.
    /// `FHIR_VERSION` is also the version of the sandbox.
    ///
    /// # Panics
    ///
    /// The app cannot be built; the message names every mistake.
    #[must_use]
    #[track_caller]
    pub fn with(behaviour: Behaviour, setup: impl FnOnce(AppBuilder) -> AppBuilder) -> Self {
        match Self::build(behaviour, setup(Self::builder(behaviour, Registry::linked()))) {
            Ok(test) => test,
            Err(problems) => panic!("the app cannot be built:\n{problems}"),
        }
    }

    pub(crate) fn builder(
        behaviour: Behaviour,
        declarations: Vec<&'static crate::declaration::Declaration>,
    ) -> AppBuilder {
        Self::builder_of(Variables::default(), behaviour, declarations)
    }

    pub(crate) fn builder_of(
        variables: Variables,
        behaviour: Behaviour,
        declarations: Vec<&'static crate::declaration::Declaration>,
    ) -> AppBuilder {
        let (started, since) = (SystemTime::now(), tokio::time::Instant::now());
        AppBuilder::new(variables, declarations)
            // If a test pauses and advances tokio's time, the app's clock moves with it, like the sandbox's.
            .clock(move || started + since.elapsed())
            .set("APP_BASE_URL", APP_BASE_URL)
            .set("FHIR_BASE_URL", FHIR_BASE_URL)
            .set("FHIR_SUBSCRIPTION_SECRET", SECRET)
            .set("FHIR_SERVER", behaviour.name())
    }

    pub(crate) fn build(behaviour: Behaviour, builder: AppBuilder) -> Result<Self, Problems> {
        Self::build_with(behaviour, builder, |sandbox| sandbox)
    }

    pub(crate) fn build_with(
        behaviour: Behaviour,
        builder: AppBuilder,
        sandbox: impl FnOnce(sandbox::Builder) -> sandbox::Builder,
    ) -> Result<Self, Problems> {
        Self::build_behind(behaviour, builder, sandbox, |transport| transport)
    }

    /// The same with `front` between the app and the sandbox.
    pub(crate) fn build_behind(
        behaviour: Behaviour,
        builder: AppBuilder,
        sandbox: impl FnOnce(sandbox::Builder) -> sandbox::Builder,
        front: impl FnOnce(Arc<dyn Transport>) -> Arc<dyn Transport>,
    ) -> Result<Self, Problems> {
        let transport = Arc::new(LateSandbox::default());
        let app = builder.without_signer().transport(front(transport.clone())).build()?;
        let version = app.settings().fhir_version;
        let settings = Sandbox::builder().behaviour(behaviour).fhir_version(version).base_url(FHIR_BASE_URL);
        let sandbox = sandbox(settings).build(WeakApp::of(&app));
        sandbox.stand_in(&app.registry().watched());
        transport.set(sandbox.clone());
        Ok(Self { app, sandbox })
    }

    /// The app.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The FHIR server.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// A client of the [sandbox](Self::sandbox), for a handler that a test calls as a function, and for the test's own
    /// requests.
    ///
    /// ```
    /// use fhir_sub::prelude::*;
    /// use fhir_sub::testing::TestApp;
    /// use serde_json::{Value, json};
    ///
    /// #[fhir_subscription(criteria = "Patient?active=true", endpoint = "active-patients")]
    /// async fn active_patients(patient: Resource<Value>, fhir: FhirClient) -> Result<()> {
    ///     fhir.create("Flag", &json!({ "resourceType": "Flag", "subject": patient["id"] })).await?;
    ///     Ok(())
    /// }
    ///
    /// # fhir_sub::__private::block_on(async {
    /// let test = TestApp::new();
    /// let patient = json!({ "resourceType": "Patient", "id": "7" });
    /// active_patients(Resource(patient), test.fhir_client()).await.unwrap();
    /// assert_eq!(test.sandbox().all("Flag").len(), 1);
    /// # });
    /// ```
    #[must_use]
    pub fn fhir_client(&self) -> FhirClient {
        self.app.provided().fhir_client().clone()
    }

    /// Registers every subscription with the sandbox.
    pub async fn register(&self) -> Report {
        let report = self.app.register(Options::default()).await;
        self.sandbox.idle().await;
        report
    }

    /// Sends `request` to the app. It carries the app's secret, unless the request has another one or none.
    pub async fn send(&self, request: TestRequest) -> TestAnswer {
        send(&self.app, request).await
    }
}

pub(crate) async fn send(app: &App, request: TestRequest) -> TestAnswer {
    let app = app.serving(&request.path);
    let settings = app.settings();
    let request = request.signed(settings);
    let head = Head {
        method: &request.method,
        path: &request.path,
        query: request.query.as_deref(),
        headers: &request.headers,
    };
    let deadline = app.deadline(None);
    let answered = match app.admit(&head, deadline).await {
        Err(answered) => answered,
        Ok(_) if request.body.len() > settings.body_limit => app.too_large(),
        Ok(route) => app.answer_from(Host::Router, &head, route, &request.body, deadline).await,
    };
    TestAnswer::new(app, answered)
}

impl Default for TestApp {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
