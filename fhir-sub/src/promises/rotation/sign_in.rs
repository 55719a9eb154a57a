//! The program's own sign-in at the FHIR server, rotated while handlers use it.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::future::join_all;
use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384};
use ring::signature::{ECDSA_P384_SHA384_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};

use super::extension::{Extension, milliseconds, seconds};
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

/// The credential of a client, as the FHIR server knows it.
enum Credential {
    /// A token, a password, or the secret of a client.
    Secret(String),
    /// The id of a key, and the public key.
    Key(String, Vec<u8>),
}

impl Credential {
    /// Whether the request proves that its sender has this credential.
    fn is_shown_by(&self, request: &Request<Bytes>) -> bool {
        let mut form = url::form_urlencoded::parse(request.body());
        let assertion = form.find_map(|(name, value)| (name == "client_assertion").then_some(value));
        match (self, assertion) {
            (Self::Key(id, public), Some(assertion)) => {
                let (signed, signature) = assertion.rsplit_once('.').unwrap();
                let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
                let head: Value = serde_json::from_slice(&decode(signed.split('.').next().unwrap())).unwrap();
                let public = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, public);
                head["kid"] == **id && public.verify(signed.as_bytes(), &decode(signature)).is_ok()
            }
            (Self::Secret(secret), None) => shown(request).is_some_and(|shown| shown == *secret),
            _ => false,
        }
    }
}

/// The token or the password of a request.
fn shown(request: &Request<Bytes>) -> Option<String> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().unwrap();
    Some(match header.split_once(' ').unwrap() {
        ("Basic", pair) => {
            let pair = String::from_utf8(STANDARD.decode(pair).unwrap()).unwrap();
            pair.split_once(':').unwrap().1.to_owned()
        }
        (_, token) => token.to_owned(),
    })
}

/// Stands before the FHIR server and its token endpoint. It lets in clients with the current credential.
struct Door {
    behind: Arc<dyn Transport>,
    known: Arc<Known>,
}

/// The current credential, and the tokens that were given for it.
struct Known {
    credential: Mutex<Credential>,
    tokens: Mutex<BTreeSet<String>>,
    given: AtomicUsize,
}

impl Known {
    fn new(credential: Credential) -> Arc<Self> {
        Arc::new(Self {
            credential: Mutex::new(credential),
            tokens: Mutex::default(),
            given: AtomicUsize::new(0),
        })
    }

    /// Replaces the credential, and forgets the tokens that were given for the old one.
    fn knows(&self, credential: Credential) {
        *self.credential.lock().unwrap() = credential;
        self.tokens.lock().unwrap().clear();
    }

    fn lets_in(&self, request: &Request<Bytes>) -> bool {
        self.credential.lock().unwrap().is_shown_by(request)
            || shown(request).is_some_and(|shown| self.tokens.lock().unwrap().contains(&shown))
    }

    fn token(&self) -> Value {
        let token = format!("token-{}", self.given.fetch_add(1, SeqCst));
        self.tokens.lock().unwrap().insert(token.clone());
        json!({ "access_token": token, "token_type": "bearer", "expires_in": 300 })
    }
}

impl Transport for Door {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            // The request takes a while, so the credential may change meanwhile.
            tokio::time::sleep(milliseconds(20)).await;
            let answer = |status: StatusCode, body: Value| {
                Ok(Response::builder().status(status).body(Bytes::from(body.to_string())).unwrap())
            };
            if request.uri().path() == "/token" {
                if self.known.credential.lock().unwrap().is_shown_by(&request) {
                    return answer(StatusCode::OK, self.known.token());
                }
                return answer(StatusCode::UNAUTHORIZED, json!({ "error": "invalid_client" }));
            }
            if !self.known.lets_in(&request) {
                return answer(StatusCode::UNAUTHORIZED, json!({}));
            }
            self.behind.send(request, limits).await
        })
    }
}

/// A way to sign in: its settings. The credential is in the secret `client`.
type Way = &'static [(&'static str, &'static str)];

const TOKEN_URL: (&str, &str) = ("FHIR_AUTH_TOKEN_URL", "https://fhir.example.org/token");
const CLIENT_ID: (&str, &str) = ("FHIR_AUTH_CLIENT_ID", "ward");

const WAYS: [Way; 5] = [
    &[("FHIR_AUTH_BEARER", "secretsmanager:client#it")],
    &[("FHIR_AUTH_USER", "ward"), ("FHIR_AUTH_PASSWORD", "secretsmanager:client#it")],
    &[TOKEN_URL, CLIENT_ID, ("FHIR_AUTH_CLIENT_SECRET", "secretsmanager:client#it")],
    // Another key of the same name, and another key of another name.
    &[
        TOKEN_URL,
        CLIENT_ID,
        ("FHIR_AUTH_PRIVATE_KEY", "secretsmanager:client#it"),
        ("FHIR_AUTH_KEY_ID", "key"),
    ],
    &[
        TOKEN_URL,
        CLIENT_ID,
        ("FHIR_AUTH_PRIVATE_KEY", "secretsmanager:client#it"),
        ("FHIR_AUTH_KEY_ID", "secretsmanager:client#version"),
    ],
];

/// A new credential, which is version `number` of its secret: its text, and what the server knows of it.
fn credential(way: Way, number: usize) -> (String, Credential) {
    match way.iter().find(|(name, _)| *name == "FHIR_AUTH_KEY_ID") {
        None => {
            let secret = format!("credential-{number}");
            (secret.clone(), Credential::Secret(secret))
        }
        Some((_, id)) => {
            let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
            let id = id.replace("secretsmanager:client#version", &format!("version-{number}"));
            (key.serialize_pem(), Credential::Key(id, key.public_key_raw().to_vec()))
        }
    }
}

/// A program that signs in with the secret `client`.
async fn program(way: Way, client: &Arc<Extension>, known: &Arc<Known>) -> TestApp {
    let reads = leak([declaration::<FhirClient, Reads>("Patient?", "e")]);
    let builder = TestApp::builder(Behaviour::Medplum, reads);
    let builder = way.iter().fold(builder, |builder, (name, value)| builder.set(name, *value));
    let builder = builder.places(client.clone()).resolve().await;
    let door = |behind| -> Arc<dyn Transport> { Arc::new(Door { behind, known: known.clone() }) };
    let program = TestApp::build_behind(Behaviour::Medplum, builder, |sandbox| sandbox, door).unwrap();
    program.sandbox().update(&json!({ "resourceType": "Patient", "id": "1" })).await.unwrap();
    program
}

/// Whether the handler of a notification could read from the server.
async fn could_read(program: &TestApp) -> bool {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let version = NUMBER.fetch_add(1, SeqCst).to_string();
    let patient = json!({ "resourceType": "Patient", "id": "2", "meta": { "versionId": version } });
    program.send(TestRequest::medplum("e", crate::Interaction::Update, &patient)).await.status() == 204
}

#[tokio::test(start_paused = true)]
async fn the_sign_in_is_read_again_once_it_is_refused() {
    for way in WAYS {
        let (mut text, known_first) = credential(way, 0);
        let client = Arc::new(Extension::of("client", text.clone()));
        let known = Known::new(known_first);
        let rotating = program(way, &client, &known).await;
        assert!(could_read(&rotating).await, "{way:?}");

        for number in 1..4 {
            // After a change, the secrets are read again beside the first notification a minute later.
            for _ in 0..2 {
                tokio::time::sleep(seconds(61)).await;
                assert!(could_read(&rotating).await, "{way:?}, before rotation {number}");
            }
            tokio::time::sleep(seconds(61)).await;
            // A program that never learns of a new version.
            let version = format!("version-{}", number - 1);
            let left_behind = Arc::new(Extension::of_version("client", text.clone(), &version));
            let left_behind = program(way, &left_behind, &known).await;
            assert!(could_read(&left_behind).await, "{way:?}, before rotation {number}");

            let (new, known_now) = credential(way, number);
            assert_ne!(new, text);
            text = new;
            let readings = client.readings();
            let rotation = async {
                tokio::time::sleep(milliseconds(205)).await;
                client.rotate("client", text.clone());
                known.knows(known_now);
            };
            // Some notifications are under way when the server forgets the old credential.
            let notifications = join_all((0..40).map(async |each| {
                tokio::time::sleep(milliseconds(10 * each)).await;
                could_read(&rotating).await
            }));
            let (read, ()) = tokio::join!(notifications, rotation);
            assert!(read.iter().all(|could| *could), "{way:?}, rotation {number}: {read:?}");
            assert_eq!(client.readings(), readings + 1, "{way:?}, rotation {number}");
            let given = known.given.load(SeqCst);
            assert!(!could_read(&left_behind).await, "{way:?}, after rotation {number}");
            assert_eq!(known.given.load(SeqCst), given, "{way:?}: a token for an old credential");
        }

        // If a server refuses everything, the secret is read once a minute.
        tokio::time::sleep(seconds(61)).await;
        assert!(could_read(&rotating).await, "{way:?}");
        tokio::time::sleep(seconds(61)).await;
        known.knows(credential(way, 9).1);
        let before = client.readings();
        for _ in 0..20 {
            assert!(!could_read(&rotating).await, "{way:?}");
        }
        assert_eq!(client.readings(), before + 1, "{way:?}");
    }
}
