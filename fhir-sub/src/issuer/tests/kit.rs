//! The issuer of these tests: its keys, its answers, and its tokens.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response, StatusCode};
use jsonwebtoken::Algorithm;
use ring::rand::SystemRandom;
use ring::rsa::KeyPair as RsaKeyPair;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaPublicKeyComponents,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value, json};

use crate::client::transport::{Limits, Transport, TransportError, TransportErrorKind};
use crate::fixtures::{Succeed, declaration, leak};
use crate::sandbox::Behaviour;
use crate::testing::{TestApp, TestRequest};

pub(super) use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

pub(super) const ISSUER: &str = "https://id.example.org/tenant";
pub(super) const AUDIENCE: &str = "https://app.example.org/hooks";
pub(super) const CANARY: &str = "Q2FuYXJ5T2ZUb2tlbnM";
pub(super) const BODY: &str = r#"{"resourceType":"Patient","id":"7"}"#;

/// An app that accepts the issuer's tokens.
pub(super) struct World {
    pub(super) test: TestApp,
    pub(super) issuer: Arc<Issuer>,
}

/// The issuer's keys, and the requests for them.
pub(super) struct Issuer {
    keys: Keys,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    fetches: Vec<String>,
    /// The `kid`s in the answer; if empty, all keys.
    pub(super) shown: Vec<&'static str>,
    pub(super) metadata: Option<Value>,
    /// The answer instead of the keys.
    pub(super) set: Option<Value>,
    pub(super) is_down: bool,
    /// Whether it accepts connections and answers nothing.
    pub(super) hangs: bool,
    /// How long each answer takes, in milliseconds, if not 50.
    pub(super) takes: Option<u64>,
}

struct Keys {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

impl World {
    pub(super) fn new(settings: &[(&str, &str)]) -> Self {
        let patients = leak([declaration::<crate::Event, Succeed>("Patient?", "e")]);
        let mut builder = TestApp::builder(Behaviour::Hapi, patients)
            .set("FHIR_SUBSCRIPTION_IDEMPOTENCY", "off")
            .set("FHIR_SUBSCRIPTION_TOKEN_ISSUER", ISSUER)
            .set("FHIR_SUBSCRIPTION_TOKEN_AUDIENCE", AUDIENCE);
        for (name, value) in settings {
            builder = builder.set(name, *value);
        }
        let issuer = Arc::new(Issuer { keys: Keys::new(), state: Mutex::default() });
        let answers = issuer.clone();
        let test = TestApp::build_behind(
            Behaviour::Hapi,
            builder,
            |it| it,
            move |inner| Arc::new(Front { issuer: answers, inner }),
        );
        Self { test: test.unwrap(), issuer }
    }

    pub(super) fn now(&self) -> i64 {
        let now = SystemTime::from(self.test.app().now());
        now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as i64
    }

    /// A token that is accepted.
    pub(super) fn token(&self, algorithm: Algorithm) -> String {
        self.signed(algorithm, json!({}), json!({}))
    }

    /// The same with other members; `null` removes a member.
    pub(super) fn signed(&self, algorithm: Algorithm, header: Value, claims: Value) -> String {
        let header = changed(self.header(algorithm), header);
        self.issuer.sign(algorithm, &header.to_string(), &changed(self.claims(), claims).to_string())
    }

    pub(super) fn header(&self, algorithm: Algorithm) -> Value {
        json!({ "alg": format!("{algorithm:?}"), "kid": kid(algorithm), "typ": "JWT" })
    }

    pub(super) fn claims(&self) -> Value {
        json!({
            "iss": ISSUER, "aud": AUDIENCE, "exp": self.now() + 300, "iat": self.now(),
            "client_id": "ehr", "sub": "5a0f",
        })
    }

    /// Sends a notification with `token`, and checks the answer.
    #[track_caller]
    pub(super) fn check(&self, token: &str, status: u16) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        let sent = self.test.send(bearing(token));
        async move {
            let answer = sent.await;
            assert_eq!((answer.status(), answer.handler().is_some()), (status, status == 204), "{place}");
        }
    }

    pub(super) fn fetches(&self) -> Vec<String> {
        self.issuer.state().fetches.clone()
    }
}

pub(super) fn notification() -> TestRequest {
    TestRequest::post("e").header("content-type", "application/json").body(BODY).without_secret()
}

pub(super) fn bearing(token: &str) -> TestRequest {
    notification().header("authorization", &format!("Bearer {token}"))
}

/// `object` with the members of `changes`; `null` removes a member.
fn changed(object: Value, changes: Value) -> Value {
    let (Value::Object(mut object), Value::Object(changes)) = (object, changes) else {
        panic!("two objects")
    };
    for (name, value) in changes {
        match value {
            Value::Null => drop(object.remove(&name)),
            value => drop(object.insert(name, value)),
        }
    }
    Value::Object(object)
}

pub(super) fn kid(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::ES256 => "p256",
        Algorithm::ES384 => "p384",
        Algorithm::EdDSA => "ed",
        _ => "rsa",
    }
}

pub(super) fn encoded(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

impl Keys {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pem = include_bytes!("../../../client/src/tests/keys/rsa.pkcs8.pem");
        let PrivateKeyDer::Pkcs8(rsa) = PrivateKeyDer::from_pem_slice(pem).unwrap() else { panic!("PKCS#8") };
        let curve = |algorithm| {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap()
        };
        let ed = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        Self {
            rsa: RsaKeyPair::from_pkcs8(rsa.secret_pkcs8_der()).unwrap(),
            p256: curve(&ECDSA_P256_SHA256_FIXED_SIGNING),
            p384: curve(&ECDSA_P384_SHA384_FIXED_SIGNING),
            ed: Ed25519KeyPair::from_pkcs8(ed.as_ref()).unwrap(),
        }
    }
}

impl Issuer {
    pub(super) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token with this header and these claims, whatever they contain.
    pub(super) fn sign(&self, algorithm: Algorithm, header: &str, claims: &str) -> String {
        let input = format!("{}.{}", encoded(header), encoded(claims));
        format!("{input}.{}", encoded(self.signature(algorithm, input.as_bytes())))
    }

    pub(super) fn signature(&self, algorithm: Algorithm, input: &[u8]) -> Vec<u8> {
        let (random, Keys { rsa, p256, p384, ed }) = (SystemRandom::new(), &self.keys);
        let encoding = match algorithm {
            Algorithm::ES256 => return p256.sign(&random, input).unwrap().as_ref().to_vec(),
            Algorithm::ES384 => return p384.sign(&random, input).unwrap().as_ref().to_vec(),
            Algorithm::EdDSA => return ed.sign(input).as_ref().to_vec(),
            Algorithm::RS256 => &RSA_PKCS1_SHA256,
            Algorithm::RS384 => &RSA_PKCS1_SHA384,
            _ => &RSA_PKCS1_SHA512,
        };
        let mut signature = vec![0; rsa.public().modulus_len()];
        rsa.sign(encoding, &random, input, &mut signature).unwrap();
        signature
    }

    /// The public keys, each with a `kid`, and two that verify nothing.
    pub(super) fn jwks(&self) -> Value {
        let Keys { rsa, p256, p384, ed } = &self.keys;
        let public = rsa.public();
        let curve = |kid: &str, name: &str, point: &[u8]| {
            let (x, y) = point[1..].split_at(point.len() / 2);
            json!({ "kty": "EC", "kid": kid, "use": "sig", "crv": name, "x": encoded(x), "y": encoded(y) })
        };
        let components = RsaPublicKeyComponents::<Vec<u8>>::from(public);
        let (modulus, exponent) = (encoded(components.n), encoded(components.e));
        let all = json!([
            { "kty": "RSA", "kid": "rsa", "use": "sig", "n": modulus, "e": exponent },
            curve("p256", "P-256", p256.public_key().as_ref()),
            curve("p384", "P-384", p384.public_key().as_ref()),
            { "kty": "OKP", "kid": "ed", "crv": "Ed25519", "alg": "EdDSA", "x": encoded(ed.public_key().as_ref()) },
            { "kty": "RSA", "kid": "for-encryption", "use": "enc", "alg": "RSA-OAEP", "n": modulus, "e": exponent },
            { "kty": "oct", "kid": "shared", "k": encoded("a key that signs by HMAC, and is no public one") },
            { "kty": "AKP", "kid": "of-tomorrow", "alg": "ML-DSA-44", "pub": "AA" },
        ]);
        let shown = self.state().shown.clone();
        let is_shown = |key: &&Value| shown.is_empty() || shown.iter().any(|kid| key["kid"] == *kid);
        let keys: Vec<_> = all.as_array().unwrap().iter().filter(is_shown).cloned().collect();
        json!({ "keys": keys })
    }

    fn answer(&self, path: &str) -> Result<Response<Bytes>, TransportError> {
        self.state().fetches.push(path.to_owned());
        if self.state().is_down {
            return Err(TransportError::new(TransportErrorKind::NotSent));
        }
        let metadata = self.state().metadata.clone();
        let set = self.state().set.clone();
        let usual = || json!({ "issuer": ISSUER, "jwks_uri": "https://id.example.org/keys" });
        let body = match path {
            "/tenant/.well-known/openid-configuration" => metadata.unwrap_or_else(usual),
            "/keys" => set.unwrap_or_else(|| self.jwks()),
            _ => Value::Null,
        };
        let status = if body.is_null() { StatusCode::NOT_FOUND } else { StatusCode::OK };
        Ok(Response::builder().status(status).body(Bytes::from(body.to_string())).unwrap())
    }
}

/// Answers requests to the issuer and to the sandbox, but to no other host.
struct Front {
    issuer: Arc<Issuer>,
    inner: Arc<dyn Transport>,
}

impl Transport for Front {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        limits: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        match request.uri().host() {
            Some("id.example.org") => {
                assert!(!request.headers().contains_key("authorization"));
                let path = request.uri().path().to_owned();
                Box::pin(async move {
                    let (hangs, takes) = {
                        let state = self.issuer.state();
                        (state.hangs, state.takes.unwrap_or(50))
                    };
                    let takes = if hangs { 3_600_000 } else { takes };
                    tokio::time::sleep(std::time::Duration::from_millis(takes)).await;
                    self.issuer.answer(&path)
                })
            }
            Some("fhir.example.org") => self.inner.send(request, limits),
            other => panic!("{other:?} is asked"),
        }
    }
}

/// All log lines.
#[derive(Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A JSON object with a repeated member.
pub(super) fn twice(object: &Value, name: &str, value: &Value) -> String {
    let object: &Map<String, Value> = object.as_object().unwrap();
    let text = json!(object).to_string();
    format!("{},{}:{value}}}", &text[..text.len() - 1], json!(name))
}
