//! [`Hooks`]: a program that takes Keycloak's tokens, and what stands between it and Keycloak's keys.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use fhir_sub_real::{Deployment, Program, Transcript, listen};
use http::{Request, Response};
use http_body_util::Full;

use crate::support::{World, answered};

/// A program that takes Keycloak's tokens.
pub(crate) struct Hooks {
    deployment: Deployment,
    pub(crate) transcript: Transcript,
    fetches: Arc<AtomicUsize>,
}

impl Hooks {
    /// The program of `world`, started with the first call.
    pub(crate) async fn of(world: &mut World) -> &Self {
        if world.hooks.is_none() {
            let hooks = Self::start(world).await;
            world.hooks = Some(hooks);
        }
        world.hooks.as_ref().expect("it has just been started")
    }

    async fn start(world: &World) -> Self {
        let (fetches, keys) = (Arc::new(AtomicUsize::default()), Arc::new(world.keycloak.endpoint("certs")));
        let counted = Arc::clone(&fetches);
        let port = listen(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            let keys = Arc::clone(&keys);
            async move {
                let request = Request::get(keys.as_str()).body(Full::default()).expect("a request");
                Ok::<_, std::convert::Infallible>(Response::new(Full::from(answered(request).await.1)))
            }
        })
        .await;
        let transcript = Transcript::default();
        let program =
            Program::new(Path::new(env!("CARGO_BIN_EXE_frail")), "http://127.0.0.1:9/fhir", &transcript)
                .with("FRAIL_DIRECTORY", world.directory.to_str().expect("a path in UTF-8"))
                .with("FHIR_SERVER", "hapi")
                .with("FHIR_SUBSCRIPTION_IDEMPOTENCY", "memory")
                .with("FHIR_SUBSCRIPTION_TOKEN_ISSUER", &world.keycloak.issuer("ward"))
                .with("FHIR_SUBSCRIPTION_TOKEN_AUDIENCE", "https://hooks.example.org")
                .with("FHIR_SUBSCRIPTION_TOKEN_CLIENTS", "canary-caller, of-es256")
                .with("FHIR_SUBSCRIPTION_TOKEN_JWKS_URL", &format!("http://127.0.0.1:{port}/keys"));
        Self { deployment: program.serve().await, transcript, fetches }
    }

    /// Notifies with these values of `Authorization`, and what the query says: the status of the answer.
    pub(crate) async fn notify(&self, authorization: &[&str], query: &str) -> u16 {
        let task = r#"{"resourceType":"Task","id":"1","meta":{"versionId":"1"},"status":"requested","identifier":[]}"#;
        let url = format!("{}/tasks/Task/1{query}", self.deployment.base_url);
        let mut request = Request::put(url).header("Content-Type", "application/fhir+json");
        for value in authorization {
            request = request.header("Authorization", *value);
        }
        answered(request.body(Full::from(Bytes::from_static(task.as_bytes()))).expect("a request")).await.0
    }

    pub(crate) async fn notify_with(&self, token: &str) -> u16 {
        self.notify(&[&format!("Bearer {token}")], "").await
    }

    /// How often Keycloak's keys were fetched.
    pub(crate) fn fetches(&self) -> usize {
        self.fetches.load(Ordering::Relaxed)
    }
}
