//! [`Desk`]: the program in this process, with a sandbox of its own that nobody else reaches.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;

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
        let builder = with_defaults(builder.without_signer(), PORT, &base_url)?;
        let transport = Arc::new(LateSandbox::default());
        let app = builder.transport(transport.clone()).build()?;
        let behaviour = Behaviour::named(app.settings().fhir_server.name).unwrap_or(Behaviour::Generic);
        let deliveries = Deliveries::default();
        let tap = Tap { app: WeakApp::of(&app), deliveries: deliveries.clone() };
        let sandbox = Sandbox::builder().behaviour(behaviour).fhir_version(app.settings().fhir_version);
        let sandbox = sandbox.base_url(&base_url).build(tap);
        transport.set(sandbox.clone());
        Ok(Self { app, sandbox, deliveries })
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
}

impl Deliver for Tap {
    fn deliver(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<StatusCode, DeliveryError>> {
        Box::pin(async move {
            let app = self.app.upgrade().ok_or_else(|| DeliveryError::new("the app is gone"))?;
            let (response, delivery) = observed(&app, request.map(Full::new)).await;
            let status = response.status();
            let Some(delivery) = delivery else { return Ok(status) };
            let is_event = delivery.events.iter().any(|event| event.interaction.is_some());
            self.deliveries.lock().unwrap_or_else(PoisonError::into_inner).push(delivery);
            Ok(if is_event { StatusCode::NO_CONTENT } else { status })
        })
    }
}
