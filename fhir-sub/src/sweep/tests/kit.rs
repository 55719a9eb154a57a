//! An app with a handler that records its events, and the app's FHIR server.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::app::AppBuilder;
use crate::declaration::Declaration;
use crate::error::Error;
use crate::event::Event;
use crate::extract::{FromNotification, ResourceUse};
use crate::fixtures::{Handler, declaration, leak};
use crate::interaction::Interactions;
use crate::notification::Notification;
use crate::outcome::Outcome;
use crate::rejection::Rejection;
use crate::sandbox::Behaviour;
use crate::store::MemoryStore;
use crate::testing::{TestApp, TestRequest};

/// The handlers' script, and the record of their runs.
#[derive(Debug, Default)]
pub(super) struct Script {
    pub(super) ran: Mutex<Vec<String>>,
    /// The resources that the handler fails for.
    pub(super) fails: Mutex<Vec<&'static str>>,
    takes: Duration,
    gate: Option<tokio::sync::Semaphore>,
}

/// An event, and the script of its handler.
pub(super) struct Ran(Event, Arc<Script>);

impl FromNotification for Ran {
    const RESOURCE: ResourceUse = ResourceUse::Optional;

    async fn from_notification(notification: &Notification<'_>) -> Result<Self, Rejection> {
        let script = notification.state::<Arc<Script>>().unwrap();
        Ok(Self(notification.event().clone(), Arc::clone(&script)))
    }
}

pub(super) struct Keep;

impl Handler<Ran> for Keep {
    async fn handle(Ran(event, script): Ran) -> Outcome {
        let (focus, version) = (event.focus().unwrap_or("-"), event.version_id().unwrap_or("-"));
        script.ran.lock().unwrap().push(format!("{focus}@{version} {}", event.interaction()));
        if !script.takes.is_zero() {
            tokio::time::sleep(script.takes).await;
        }
        if let Some(gate) = &script.gate {
            gate.acquire().await.unwrap().forget();
        }
        if script.fails.lock().unwrap().contains(&focus) {
            return Error::transient("canary").into();
        }
        Outcome::Handled
    }
}

/// A handler of arrived encounters.
pub(super) fn encounters() -> Declaration {
    declaration::<Ran, Keep>("Encounter?status=arrived", "e")
}

pub(super) fn on(declaration: Declaration, interactions: Interactions) -> Declaration {
    Declaration { interactions, ..declaration }
}

pub(super) fn encounter(id: &str, status: &str, text: &str) -> Value {
    json!({ "resourceType": "Encounter", "id": id, "status": status, "language": text })
}

pub(super) struct Kit {
    pub(super) test: TestApp,
    pub(super) script: Arc<Script>,
}

impl Kit {
    pub(super) fn new(declaration: Declaration) -> Self {
        Self::of(Behaviour::Hapi, declaration)
    }

    pub(super) fn of(behaviour: Behaviour, declaration: Declaration) -> Self {
        Self::build(behaviour, declaration, Script::default(), |builder| builder, true)
    }

    /// A kit with a handler that takes so long.
    pub(super) fn taking(declaration: Declaration, takes: Duration) -> Self {
        let script = Script { takes, ..Script::default() };
        Self::build(Behaviour::Hapi, declaration, script, |builder| builder, true)
    }

    /// A kit with a handler that waits until it may go on.
    pub(super) fn gated(declaration: Declaration) -> Self {
        let script = Script { gate: Some(tokio::sync::Semaphore::new(0)), ..Script::default() };
        Self::build(Behaviour::Hapi, declaration, script, |builder| builder, true)
    }

    pub(super) fn with(
        declaration: Declaration,
        setup: impl FnOnce(AppBuilder) -> AppBuilder,
        has_store: bool,
    ) -> Self {
        Self::build(Behaviour::Hapi, declaration, Script::default(), setup, has_store)
    }

    fn build(
        behaviour: Behaviour,
        declaration: Declaration,
        script: Script,
        setup: impl FnOnce(AppBuilder) -> AppBuilder,
        has_store: bool,
    ) -> Self {
        let script = Arc::new(script);
        let mut builder = TestApp::builder(behaviour, leak([declaration])).state(Arc::clone(&script));
        if has_store {
            let store = MemoryStore::shared(Arc::new(SystemTime::now));
            builder = builder.store(store);
        }
        let builder = setup(builder.set("FHIR_SUBSCRIPTION_LOG_ERRORS", "kind"));
        Self { test: TestApp::build(behaviour, builder).unwrap(), script }
    }

    pub(super) async fn register(&self) {
        let report = self.test.register().await;
        assert!(report.is_complete(), "{report:?}");
    }

    /// Sets the status of the Subscription.
    pub(super) async fn turn(&self, status: &str) {
        let mut subscription = self.test.sandbox().all("Subscription").remove(0);
        subscription["status"] = json!(status);
        self.test.sandbox().update(&subscription).await.unwrap();
    }

    pub(super) async fn create(&self, id: &str) {
        self.created(id).await;
    }

    /// Writes an encounter. Returns when, by the server's clock.
    pub(super) async fn created(&self, id: &str) -> String {
        let encounter = encounter(&id.replace(' ', "-"), "arrived", "");
        let written = self.test.sandbox().update(&encounter).await.unwrap();
        written["meta"]["lastUpdated"].as_str().unwrap().to_owned()
    }

    /// Lets notifications arrive, and time pass.
    pub(super) async fn later(&self) {
        self.test.sandbox().idle().await;
        tokio::time::sleep(Duration::from_secs(3)).await;
    }

    /// Sweeps, and returns the row of the only subscription.
    pub(super) async fn sweep(&self, query: &str) -> Value {
        let answer = self.test.send(TestRequest::post(&format!("sweep{query}"))).await;
        assert!(!answer.body().contains("canary"), "{}", answer.body());
        let report = answer.json();
        let row = report["subscriptions"][0].clone();
        let is_sound = row["failed"] == 0 && row["result"] != "failed";
        assert_eq!(answer.status(), if is_sound { 200 } else { 502 }, "{report}");
        row
    }

    pub(super) fn open(&self) {
        self.script.gate.as_ref().unwrap().add_permits(1_000);
    }

    /// The events that the handler ran on since the last call.
    pub(super) fn ran(&self) -> Vec<String> {
        std::mem::take(&mut *self.script.ran.lock().unwrap())
    }
}

/// The counts: seen, handled before, handled, failed, dead.
pub(super) fn swept(row: &Value) -> [u64; 5] {
    let counts = ["seen", "alreadyHandled", "handled", "failed", "dead"];
    counts.map(|count| row[count].as_u64().unwrap_or_else(|| panic!("{row}")))
}
