//! The program under test, on a port of its own.

use std::sync::{Arc, Mutex, OnceLock};

use fhir_sub::client::{Authorization, ClientConfig, FhirClient, Url};
use fhir_sub::registration::{Options, Report};
use fhir_sub::{App, AppBuilder};
use http::Response;
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower_service::Service;

use crate::suite::{Session, Token};
use crate::wire::serve;

/// The secret of the program.
pub const SECRET: &str = "the-secret-of-this-test-and-no-other";

/// The lines that handlers wrote.
#[derive(Debug, Default)]
pub struct Seen(Mutex<Vec<String>>);

impl Seen {
    /// Adds a line.
    pub fn add(&self, line: impl Into<String>) {
        self.0.lock().expect("no test panics here").push(line.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().expect("no test panics here").clone()
    }
}

/// The program under test.
#[derive(Debug)]
pub struct Client {
    /// The program.
    pub app: App,
    /// Its base URL.
    pub url: String,
    seen: Arc<Seen>,
}

impl Client {
    /// The program, with the FHIR server of `session`.
    ///
    /// # Panics
    /// If its settings are wrong.
    pub async fn start(session: &Session, setup: impl FnOnce(AppBuilder) -> AppBuilder) -> Self {
        let app = Arc::new(OnceLock::<App>::new());
        let inside = Arc::clone(&app);
        let address = serve(move |request| {
            let app = inside.get().cloned();
            async move {
                match app {
                    Some(mut app) => {
                        let answer = app.call(request.map(Full::new)).await;
                        let (head, body) = answer.unwrap_or_else(|never| match never {}).into_parts();
                        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                        Response::from_parts(head, Full::new(body))
                    }
                    None => Response::builder().status(503).body(Full::default()).expect("a status"),
                }
            }
        })
        .await;
        let url = format!("http://{address}/hooks");
        let seen = Arc::new(Seen::default());
        let builder = AppBuilder::from_environment()
            .set("APP_BASE_URL", &*url)
            .set("FHIR_BASE_URL", &*session.base)
            .set("FHIR_SUBSCRIPTION_SECRET", SECRET)
            .set("FHIR_SERVER", "generic")
            .state(Arc::clone(&seen));
        let builder = match session.token() {
            Token::Fixed(token) => builder.set("FHIR_AUTH_BEARER", token),
            Token::Fetched | Token::None => builder,
        };
        let built = setup(builder).build().unwrap_or_else(|problems| panic!("{problems}"));
        app.set(built.clone()).expect("it is set once");
        Self { app: built, url, seen }
    }

    /// Registers its subscriptions.
    pub async fn register(&self) -> Report {
        self.app.register(Options::default()).await
    }

    /// Submits a claim, as a PAS client does beside its subscription, and adds the outcome to the lines.
    ///
    /// # Panics
    /// If the server refuses the claim.
    pub async fn submit_claim(&self, session: &Session, authorization: Authorization) {
        let base = Url::parse(&session.base).expect("it is a URL");
        let client = FhirClient::new(ClientConfig::new(base).authorization(authorization));
        let client = client.unwrap_or_else(|error| panic!("{error}"));
        let claim = json!({ "resourceType": "Claim", "status": "active", "use": "preauthorization" });
        let bundle =
            json!({ "resourceType": "Bundle", "type": "collection", "entry": [{ "resource": claim }] });
        let submitted = client.operation("submit").on_type("Claim").post::<Value>(&bundle).await;
        let response = submitted.unwrap_or_else(|error| panic!("{error}"));
        self.seen.add(response["entry"][0]["resource"]["outcome"].as_str().unwrap_or_default());
    }

    /// The lines that its handlers wrote.
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        self.seen.all()
    }
}
