//! The program's own sign-in at the FHIR server, rotated while handlers use it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use super::extension::{Extension, seconds};
use crate::client::FhirClient;
use crate::client::transport::{Limits, Transport, TransportError};
use crate::fixtures::{Handler, declaration, leak};
use crate::outcome::{IntoOutcome, Outcome};
use crate::sandbox::Behaviour;
use crate::testing::{TestApp, TestRequest};

/// Reads from the server.
struct Reads;

impl Handler<FhirClient> for Reads {
    async fn handle(fhir: FhirClient) -> Outcome {
        fhir.read::<Value>("Patient", "1").await.map(drop).map_err(crate::Error::from).into_outcome()
    }
}

/// Stands before the FHIR server and its token endpoint, and lets in whoever has the credentials of now.
struct Door {
    behind: Arc<dyn Transport>,
    known: Arc<Known>,
}

/// The credentials of now, and the tokens that were given for earlier ones.
#[derive(Default)]
struct Known {
    credential: Mutex<String>,
    tokens: Mutex<BTreeSet<String>>,
    signed_in: Mutex<usize>,
}

impl Door {
    /// The caller's proof: a token, a user with a password, or the id of the key of an assertion.
    fn shown(request: &Request<Bytes>) -> String {
        let header = request.headers().get(AUTHORIZATION).map(|header| header.to_str().unwrap().to_owned());
        let form = url::form_urlencoded::parse(request.body());
        let assertion = form.filter(|(name, _)| name == "client_assertion").map(|(_, value)| value).next();
        match (header, assertion) {
            (_, Some(assertion)) => {
                let head = URL_SAFE_NO_PAD.decode(assertion.split('.').next().unwrap()).unwrap();
                let head: Value = serde_json::from_slice(&head).unwrap();
                head["kid"].as_str().unwrap().to_owned()
            }
            (Some(header), None) => match header.split_once(' ').unwrap() {
                ("Basic", pair) => {
                    let pair = String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap();
                    pair.split_once(':').unwrap().1.to_owned()
                }
                (_, token) => token.to_owned(),
            },
            (None, None) => String::new(),
        }
    }
}

impl Transport for Door {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let shown = Self::shown(&request);
            let answer = |status: StatusCode, body: Value| {
                Ok(Response::builder().status(status).body(Bytes::from(body.to_string())).unwrap())
            };
            let is_of_now = shown == *self.known.credential.lock().unwrap();
            if request.uri().path() == "/token" {
                if !is_of_now {
                    return answer(StatusCode::UNAUTHORIZED, json!({ "error": "invalid_client" }));
                }
                let mut tokens = self.known.tokens.lock().unwrap();
                *self.known.signed_in.lock().unwrap() += 1;
                let token = format!("token-{}", tokens.len());
                tokens.insert(token.clone());
                return answer(
                    StatusCode::OK,
                    json!({ "access_token": token, "token_type": "bearer", "expires_in": 300 }),
                );
            }
            if !is_of_now && !self.known.tokens.lock().unwrap().contains(&shown) {
                return answer(StatusCode::UNAUTHORIZED, json!({}));
            }
            self.behind.send(request, limits).await
        })
    }
}

const PEM: &str = include_str!("../../../client/src/tests/keys/p384.pkcs8.pem");

/// Each way of signing in, by the settings that name a secret, and the other ones.
const WAYS: [&[(&str, &str)]; 4] = [
    &[("FHIR_AUTH_BEARER", "secretsmanager:client#it")],
    &[("FHIR_AUTH_USER", "ward"), ("FHIR_AUTH_PASSWORD", "secretsmanager:client#it")],
    &[
        ("FHIR_AUTH_TOKEN_URL", "https://fhir.example.org/token"),
        ("FHIR_AUTH_CLIENT_ID", "ward"),
        ("FHIR_AUTH_CLIENT_SECRET", "secretsmanager:client#it"),
    ],
    &[
        ("FHIR_AUTH_TOKEN_URL", "https://fhir.example.org/token"),
        ("FHIR_AUTH_CLIENT_ID", "ward"),
        ("FHIR_AUTH_PRIVATE_KEY", PEM),
        ("FHIR_AUTH_KEY_ID", "secretsmanager:client#it"),
    ],
];

#[tokio::test(start_paused = true)]
async fn the_sign_in_is_read_again_once_it_is_refused() {
    for way in WAYS {
        let extension = Arc::new(Extension::of("client", "credential-0".into()));
        let known = Arc::new(Known::default());
        let builder =
            TestApp::builder(Behaviour::Medplum, leak([declaration::<FhirClient, Reads>("Patient?", "e")]));
        let builder = way.iter().fold(builder, |builder, (name, value)| builder.set(name, *value));
        let builder = builder.places(extension.clone()).resolve().await;
        let door = |behind| -> Arc<dyn Transport> { Arc::new(Door { behind, known: known.clone() }) };
        let test = TestApp::build_behind(Behaviour::Medplum, builder, |sandbox| sandbox, door).unwrap();
        test.sandbox().update(&json!({ "resourceType": "Patient", "id": "1" })).await.unwrap();
        let mut number = 0;
        let mut notified = async || {
            number += 1;
            let patient =
                json!({ "resourceType": "Patient", "id": "2", "meta": { "versionId": number.to_string() } });
            test.send(TestRequest::medplum("e", crate::Interaction::Update, &patient)).await.status()
        };

        for version in 0..4 {
            let credential = format!("credential-{version}");
            if version > 0 {
                extension.rotate("client", credential.clone());
            }
            *known.credential.lock().unwrap() = credential;
            // The server forgets what it gave for the old one.
            known.tokens.lock().unwrap().clear();
            let before = extension.readings();
            for _ in 0..5 {
                assert_eq!(notified().await, 204, "{way:?}, version {version}");
            }
            assert!(extension.readings() <= before + 1, "{way:?}");
            tokio::time::sleep(seconds(61)).await;
        }

        // A server that refuses whatever it is shown has the secret read once a minute.
        *known.credential.lock().unwrap() = "nobody-has-it".into();
        known.tokens.lock().unwrap().clear();
        let before = extension.readings();
        for _ in 0..20 {
            assert_ne!(notified().await, 204, "{way:?}");
        }
        assert!(extension.readings() <= before + 1, "{way:?}");
    }
}
