//! [`Desk`]: the program in this process, with a sandbox of its own that nobody else reaches.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use tokio::sync::watch;

use super::super::sandbox::with_defaults;
use crate::adapter::in_process::{LateSandbox, WeakApp};
use crate::app::{App, AppBuilder};
use crate::error::BoxError;
use crate::inspector::{Delivery, observed};
use crate::sandbox::{Behaviour, BoxFuture, Deliver, DeliveryError, Sandbox};
use crate::settings::Variables;

/// The program, with a sandbox of its own that nobody else reaches.
pub(super) struct Desk {
    pub(super) app: App,
    pub(super) sandbox: Sandbox,
    deliveries: Deliveries,
    /// How many requests of the sandbox are being answered.
    running: Arc<watch::Sender<usize>>,
}

/// The sandbox's deliveries to the program.
type Deliveries = Arc<Mutex<Vec<Delivery>>>;

/// The largest file that a command reads, in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// The text of a file that the command line names; the error names it too.
pub(super) fn text_of(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let mut text = String::new();
    // Some files, such as devices, never end.
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_string(&mut text));
    read.map_err(|error| format!("{shown} cannot be read: {error}"))?;
    match text.len() as u64 > MOST_BYTES {
        true => Err(format!("{shown} is larger than {} MiB", MOST_BYTES >> 20)),
        false => Ok(text),
    }
}

/// The port that the program would listen on.
const PORT: u16 = 9000;

impl Desk {
    /// The program that `builder` makes, whatever FHIR server its settings name: that one is not touched.
    pub(super) fn new(builder: AppBuilder) -> Result<Self, BoxError> {
        let builder = builder.into_first_tenant();
        // With these settings, the program would sign in at the other server, or would not handle the event here.
        let builder = Variables::of_sign_in()
            .chain(["FHIR_SUBSCRIPTION_QUEUE", "FHIR_SUBSCRIPTION_SWEEP_EVERY"])
            .fold(builder, |builder, name| builder.set(name, ""))
            .set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off");
        let builder = match builder.variables().get("FHIR_SERVER") {
            Some("auto") => builder.set("FHIR_SERVER", ""),
            _ => builder,
        };
        let base_url = format!("http://127.0.0.1:{}/fhir", PORT + 1);
        // In a store of `setup`, an id that the sandbox gives again would be handled before.
        let builder = with_defaults(builder.without_store(), PORT, &base_url)?;
        let transport = Arc::new(LateSandbox::default());
        let app = builder.transport(transport.clone()).build()?;
        let behaviour = Behaviour::named(app.settings().fhir_server.name).unwrap_or(Behaviour::Generic);
        let deliveries = Deliveries::default();
        let running = Arc::new(watch::Sender::new(0));
        let tap = Tap { app: WeakApp::of(&app), deliveries: deliveries.clone(), running: running.clone() };
        let sandbox = Sandbox::builder().behaviour(behaviour).fhir_version(app.settings().fhir_version);
        let sandbox = sandbox.base_url(&base_url).build(tap);
        transport.set(sandbox.clone());
        Ok(Self { app, sandbox, deliveries, running })
    }

    /// Waits until no notification is under way, and no handler runs.
    pub(super) async fn idle(&self) {
        let mut running = self.running.subscribe();
        loop {
            self.sandbox.idle().await;
            if *running.borrow_and_update() == 0 {
                return;
            }
            // The sender lives as long as the desk, so this returns once nothing runs.
            let _ = running.wait_for(|count| *count == 0).await;
        }
    }

    /// The requests that the sandbox has sent so far.
    pub(super) fn take_deliveries(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.deliveries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The sandbox's way to the program. The sandbox does not send an event again, even if the handler fails.
struct Tap {
    app: WeakApp,
    deliveries: Deliveries,
    running: Arc<watch::Sender<usize>>,
}

/// After this time, the sandbox is told that the program has its request. No server that it plays waits less long.
const PATIENCE: Duration = Duration::from_secs(8);

/// A request that is being answered.
struct Running(Arc<watch::Sender<usize>>);

impl Running {
    fn begin(count: &Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(Arc::clone(count))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Deliver for Tap {
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<StatusCode, DeliveryError>> {
        Box::pin(async move {
            let app = self.app.upgrade().ok_or_else(|| DeliveryError::new("the app is gone"))?;
            let (deliveries, running) = (self.deliveries.clone(), Running::begin(&self.running));
            // A separate task: the sandbox gives up as the server does that it plays, and the handler must not end with that.
            let answered = tokio::spawn(async move {
                let _running = running;
                let (response, delivery) = observed(&app, request.map(Full::new)).await;
                let status = response.status();
                let Some(delivery) = delivery else { return status };
                let is_event = delivery.events.iter().any(|event| event.interaction.is_some());
                deliveries.lock().unwrap_or_else(PoisonError::into_inner).push(delivery);
                if is_event { StatusCode::NO_CONTENT } else { status }
            });
            match tokio::time::timeout(PATIENCE, answered).await {
                Ok(answered) => answered.map_err(|_panicked| DeliveryError::new("the program panicked")),
                // The handler still runs, and must not run again.
                Err(_elapsed) => Ok(StatusCode::NO_CONTENT),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;
    use crate::client::{TokenFuture, TokenProvider, TokenRequest};
    use crate::event::Event;
    use crate::fixtures::{Handler, Succeed, declaration, leak};
    use crate::outcome::Outcome;
    use crate::registration::Options;
    use crate::store::MemoryStore;
    use crate::testing::TestApp;

    /// Takes longer than HAPI waits.
    struct Slow;

    static RUNS: AtomicUsize = AtomicUsize::new(0);

    impl Handler<Event> for Slow {
        async fn handle(_event: Event) -> Outcome {
            RUNS.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(15)).await;
            Outcome::Handled
        }
    }

    /// The outcomes of the deliveries after a patient is created.
    async fn outcomes_of_a_patient(desk: &Desk) -> Vec<&'static str> {
        assert!(desk.app.register(Options::default()).await.is_complete());
        desk.idle().await;
        desk.take_deliveries();
        desk.sandbox.create(&json!({ "resourceType": "Patient" })).await.unwrap();
        desk.idle().await;
        desk.take_deliveries().iter().map(|it| it.events[0].outcome).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_takes_longer_than_the_server_waits_runs_once() {
        let declarations = leak([declaration::<Event, Slow>("Patient?", "e")]);
        let desk = Desk::new(TestApp::builder(Behaviour::Hapi, declarations)).unwrap();
        assert_eq!((outcomes_of_a_patient(&desk).await, RUNS.load(Ordering::SeqCst)), (vec!["handled"], 1));
    }

    /// Counts how often it is asked for a token.
    struct Asked(Arc<AtomicUsize>);

    impl TokenProvider for Asked {
        fn token<'a>(&'a self, _request: TokenRequest<'a>) -> TokenFuture<'a> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Box::pin(async { Err("there is no network".into()) })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_store_and_the_token_provider_of_setup_are_not_used() {
        let declarations = leak([declaration::<Event, Succeed>("Patient?", "e")]);
        let store = Arc::new(MemoryStore::shared(Arc::new(std::time::SystemTime::now)));
        let asked = Arc::new(AtomicUsize::new(0));
        // The sandbox of the second desk gives the same ids again.
        for _ in 0..2 {
            let builder = TestApp::builder(Behaviour::Hapi, declarations.clone());
            let builder = builder.store(Arc::clone(&store)).token_provider(Asked(Arc::clone(&asked)));
            let desk = Desk::new(builder).unwrap();
            assert_eq!(
                (outcomes_of_a_patient(&desk).await, asked.load(Ordering::SeqCst)),
                (vec!["handled"], 0)
            );
        }
    }
}
