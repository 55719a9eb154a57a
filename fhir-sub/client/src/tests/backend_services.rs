//! SMART Backend Services, against a token server that checks each assertion.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use ring::signature::{
    ECDSA_P384_SHA384_FIXED, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_2048_8192_SHA384, RsaKeyPair,
    UnparsedPublicKey, VerificationAlgorithm,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::support::{BASE, Reply, answer, json as json_reply, response};
use crate::deadline::Deadline;
use crate::transport::{Limits, Transport, TransportError, TransportErrorKind};
use crate::{Authorization, BackendServices, ClientConfig, Error, FhirClient, Renewal, SigningKey};

const RSA: &str = include_str!("keys/rsa.pkcs8.pem");
const P384: &str = include_str!("keys/p384.pkcs8.pem");
const TOKEN_URL: &str = "https://sign-in.example.org/tenant/token";

/// A FHIR server and its token server, which knows one public key.
struct Server {
    algorithm: (&'static str, &'static dyn VerificationAlgorithm),
    public: Vec<u8>,
    /// The next answers of the token endpoint. For these, it notes the `jti`, but does not check the request.
    instead: Mutex<VecDeque<Reply>>,
    /// The smart-configuration, and how often it was requested.
    configuration: Mutex<(Value, usize)>,
    seen: Mutex<HashSet<String>>,
    forms: Mutex<Vec<Vec<(String, String)>>>,
    /// How long a token is valid.
    life: u64,
}

impl Server {
    fn new(pem: &str) -> Arc<Self> {
        let PrivateKeyDer::Pkcs8(key) = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap() else {
            panic!()
        };
        let key = key.secret_pkcs8_der();
        let (algorithm, public): ((_, &dyn VerificationAlgorithm), _) = match RsaKeyPair::from_pkcs8(key) {
            Ok(pair) => (("RS384", &RSA_PKCS1_2048_8192_SHA384), pair.public().as_ref().to_vec()),
            Err(_) => {
                let algorithm = &ring::signature::ECDSA_P384_SHA384_FIXED_SIGNING;
                let pair =
                    EcdsaKeyPair::from_pkcs8(algorithm, key, &ring::rand::SystemRandom::new()).unwrap();
                (("ES384", &ECDSA_P384_SHA384_FIXED), pair.public_key().as_ref().to_vec())
            }
        };
        Arc::new(Self {
            algorithm,
            public,
            instead: Mutex::default(),
            configuration: Mutex::new((json!({"token_endpoint": TOKEN_URL}), 0)),
            seen: Mutex::default(),
            forms: Mutex::default(),
            life: 300,
        })
    }

    /// Checks an assertion by RFC 7523 and SMART App Launch; the error names the broken rule.
    fn verify(&self, assertion: &str) -> Result<(), &'static str> {
        let (signed, signature) = assertion.rsplit_once('.').ok_or("no JWT")?;
        let (header, claims) = signed.split_once('.').ok_or("no JWT")?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "no base64url");
        let parse = |part: &str| serde_json::from_slice::<Value>(&decode(part)?).map_err(|_| "no JSON");
        let (header, claims, signature) = (parse(header)?, parse(claims)?, decode(signature)?);
        let (name, algorithm) = self.algorithm;
        if header != json!({"alg": name, "kid": "the-kid", "typ": "JWT"}) {
            return Err("header");
        }
        let public = UnparsedPublicKey::new(algorithm, &self.public);
        public.verify(signed.as_bytes(), &signature).map_err(|_| "signature")?;
        if claims["iss"] != "my client" || claims["sub"] != claims["iss"] {
            return Err("iss and sub");
        }
        if claims["aud"] != TOKEN_URL {
            return Err("aud");
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let exp = claims["exp"].as_u64().ok_or("exp")?;
        if exp <= now || exp > now + 300 || claims["iat"].as_u64().is_none_or(|iat| iat > now) {
            return Err("exp or iat");
        }
        let jti = claims["jti"].as_str().filter(|jti| jti.len() >= 16).ok_or("jti")?;
        if self.seen.lock().unwrap().insert(jti.to_owned()) { Ok(()) } else { Err("replay") }
    }

    fn token(&self, body: &[u8]) -> Result<Response<Bytes>, TransportError> {
        let form: Vec<_> = url::form_urlencoded::parse(body).into_owned().collect();
        let field = |name: &str| form.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
        let is_right = field("grant_type").as_deref() == Some("client_credentials")
            && field("client_assertion_type").as_deref()
                == Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            && field("client_secret").is_none();
        let verified = self.verify(&field("client_assertion").unwrap_or_default());
        self.forms.lock().unwrap().push(form);
        let number = self.forms.lock().unwrap().len();
        match self.instead.lock().unwrap().pop_front() {
            Some(Reply::Answer(answer)) => return Ok(answer),
            Some(Reply::Fail(kind)) => return Err(TransportError::new(kind)),
            _ => {}
        }
        if !is_right || verified.is_err() {
            let why = json!({"error": "invalid_client", "error_description": verified.err()});
            return Ok(response(400, &[], why.to_string()));
        }
        let token = json!({"access_token": format!("token-{number}"), "token_type": "bearer", "expires_in": self.life});
        Ok(response(200, &[], token.to_string()))
    }

    fn client(
        self: &Arc<Self>,
        pem: &str,
        change: impl FnOnce(BackendServices) -> BackendServices,
    ) -> FhirClient {
        let key = SigningKey::from_pem(pem, "the-kid").unwrap();
        let services = change(BackendServices::new("my client", key));
        let config = ClientConfig::new(BASE.parse().unwrap());
        let config = config.authorization(Authorization::BackendServices(services));
        FhirClient::with_transport(config, self.clone()).unwrap()
    }

    fn tokens(&self) -> usize {
        self.forms.lock().unwrap().len()
    }

    fn discoveries(&self) -> usize {
        self.configuration.lock().unwrap().1
    }
}

impl Transport for Server {
    fn send<'a>(
        &'a self,
        request: Request<Bytes>,
        _: Limits,
    ) -> BoxFuture<'a, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let url = request.uri().to_string();
            if url == TOKEN_URL {
                assert_eq!(
                    (request.method(), request.headers().get("authorization")),
                    (&http::Method::POST, None)
                );
                return self.token(request.body());
            }
            if url == format!("{BASE}/.well-known/smart-configuration") {
                assert_eq!(request.headers().get("authorization"), None);
                let mut configuration = self.configuration.lock().unwrap();
                configuration.1 += 1;
                return Ok(match &configuration.0 {
                    Value::Number(status) => {
                        response(u16::try_from(status.as_u64().unwrap()).unwrap(), &[], "canary")
                    }
                    found => response(200, &[], found.to_string()),
                });
            }
            assert!(url.starts_with(BASE), "no request goes to {url}");
            let is_signed = request
                .headers()
                .get("authorization")
                .is_some_and(|value| value.to_str().unwrap() == format!("Bearer token-{}", self.tokens()));
            Ok(if is_signed {
                response(200, &[], r#"{"resourceType":"Encounter"}"#)
            } else {
                response(401, &[], "")
            })
        })
    }
}

async fn read(fhir: &FhirClient) -> Result<Value, Error> {
    fhir.read("Encounter", "1").await
}

#[tokio::test]
async fn a_token_is_had_with_either_algorithm_and_kept() {
    for pem in [RSA, P384] {
        let server = Server::new(pem);
        let fhir = server.client(pem, |services| services.scope("system/*.rs").audience("a b"));
        for _ in 0..3 {
            read(&fhir).await.unwrap();
        }
        assert_eq!((server.tokens(), server.discoveries()), (1, 1));
        let forms = server.forms.lock().unwrap();
        let names: Vec<_> = forms[0].iter().map(|(name, _)| name.as_str()).collect();
        let all = ["grant_type", "scope", "audience", "client_assertion_type", "client_assertion"];
        assert_eq!(names, all);
        assert_eq!((&*forms[0][1].1, &*forms[0][2].1), ("system/*.rs", "a b"));
    }
}

#[tokio::test]
async fn no_scope_is_asked_for_unless_configured_and_nothing_discovered_where_the_url_is_set() {
    let server = Server::new(P384);
    let fhir = server.client(P384, |services| services.token_url(TOKEN_URL.parse().unwrap()));
    read(&fhir).await.unwrap();
    assert_eq!((server.tokens(), server.discoveries()), (1, 0));
    assert!(server.forms.lock().unwrap()[0].iter().all(|(name, _)| name != "scope" && name != "audience"));
}

#[tokio::test]
async fn the_server_of_this_test_refuses_what_is_wrong() {
    let server = Server::new(P384);
    // Another key than the registered one.
    let error = read(&server.client(RSA, |services| services)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "GET Encounter/…: signing in failed: the token endpoint answered 400 (invalid_client)"
    );
    // Another audience.
    let elsewhere = server.client(P384, |services| {
        services.token_endpoint(TOKEN_URL.parse().unwrap(), "https://elsewhere".to_owned())
    });
    assert!(read(&elsewhere).await.is_err());
    // The same assertion twice.
    read(&server.client(P384, |services| services)).await.unwrap();
    let assertion = server.forms.lock().unwrap().last().unwrap().last().unwrap().1.clone();
    assert_eq!(server.verify(&assertion), Err("replay"));
    let mut changed = assertion.clone();
    changed.replace_range(..1, if changed.starts_with('e') { "f" } else { "e" });
    assert!(server.verify(&changed).is_err());
}

#[tokio::test(start_paused = true)]
async fn each_attempt_has_an_assertion_of_its_own() {
    let server = Server::new(P384);
    // The server has seen all these assertions, although no answer came.
    server.instead.lock().unwrap().extend([
        Reply::Fail(TransportErrorKind::Broken),
        answer(503, &[("retry-after", "1")], ""),
        answer(429, &[], ""),
    ]);
    read(&server.client(P384, |services| services)).await.unwrap();
    assert_eq!((server.tokens(), server.seen.lock().unwrap().len()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_its_end_once_for_all() {
    let server = Server::new(P384);
    let fhir = server.client(P384, |services| services);
    let all = (0..50).map(|_| {
        let fhir = fhir.clone();
        tokio::spawn(async move { read(&fhir).await.map(drop) })
    });
    for task in all.collect::<Vec<_>>() {
        task.await.unwrap().unwrap();
    }
    assert_eq!((server.tokens(), server.discoveries()), (1, 1));

    // A token that ends at once is requested again, with a new assertion.
    let mut server = Server::new(P384);
    Arc::get_mut(&mut server).unwrap().life = 0;
    let fhir = server.client(P384, |services| services);
    read(&fhir).await.unwrap();
    read(&fhir).await.unwrap();
    assert_eq!((server.tokens(), server.seen.lock().unwrap().len(), server.discoveries()), (2, 2, 1));
}

#[tokio::test(start_paused = true)]
async fn the_token_endpoint_is_discovered_again_where_it_is_gone() {
    let server = Server::new(P384);
    server.instead.lock().unwrap().extend([answer(404, &[], "")]);
    let fhir = server.client(P384, |services| services);
    assert!(read(&fhir).await.is_err());
    read(&fhir).await.unwrap();
    assert_eq!(server.discoveries(), 2);
    // A refusal shows that the token endpoint still exists.
    server.instead.lock().unwrap().extend([json_reply(&json!({}))]);
    let fhir = server.client(P384, |services| services);
    assert!(read(&fhir).await.is_err());
    read(&fhir).await.unwrap();
    assert_eq!(server.discoveries(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_unfit_configuration_is_told_and_nothing_is_sent_to_it() {
    let check = async |configuration: Value, expected: &str, transient: bool| {
        let server = Server::new(P384);
        server.configuration.lock().unwrap().0 = configuration;
        let error = read(&server.client(P384, |services| services)).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected) && !format!("{error:?}").contains("canary"), "{text}");
        assert_eq!((server.tokens(), error.is_transient()), (0, transient));
    };
    let named = |url: &str| json!({"token_endpoint": url});
    check(json!(404), "smart-configuration answered 404: set the token URL instead", false).await;
    check(json!(503), "the token endpoint could not be discovered", true).await;
    check(json!({"canary": 1}), "names no token endpoint", false).await;
    check(named("canary"), "that is not a URL", false).await;
    check(named("ftp://canary.example/token"), "not an http URL", false).await;
    check(named("https://canary:canary@sign-in.example.org/token"), "or has a user", false).await;
    check(named("http://canary.example/token"), "in the open", false).await;
    // On loopback, http is safe: the client goes on to the token request, which this server does not accept.
}

#[tokio::test(start_paused = true)]
async fn the_deadline_bounds_the_sign_in_with_its_repeats() {
    let server = Server::new(P384);
    server.instead.lock().unwrap().extend((0..9).map(|_| answer(429, &[("retry-after", "20")], "")));
    let fhir =
        server.client(P384, |services| services).with_deadline(Deadline::after(Duration::from_secs(30)));
    let begun = tokio::time::Instant::now();
    assert!(read(&fhir).await.unwrap_err().is_transient());
    assert!(begun.elapsed() <= Duration::from_secs(30));
    assert_eq!(server.tokens(), 2);
}

/// Reads the key again that the server knows.
struct ReadAgain;

impl Renewal for ReadAgain {
    fn renewed(&self, seen: u64, _: Option<Deadline>) -> BoxFuture<'_, Option<(u64, Authorization)>> {
        let key = SigningKey::from_pem(P384, "the-kid").unwrap();
        let services = BackendServices::new("my client", key);
        Box::pin(std::future::ready(Some((seen + 1, Authorization::BackendServices(services)))))
    }
}

#[tokio::test]
async fn a_sign_in_that_is_read_again_is_one_at_the_server_whoever_needed_it() {
    let server = Server::new(P384);
    let before = BackendServices::new("my client", SigningKey::from_pem(RSA, "the-kid").unwrap());
    let config = ClientConfig::new(BASE.parse().unwrap());
    let config = config.authorization(Authorization::BackendServices(before)).renewal(Arc::new(ReadAgain));
    let fhir = FhirClient::with_transport(config, server.clone()).unwrap();
    // As registration does at a server that keeps Subscriptions under a path of their own.
    read(&fhir.below("administration")).await.unwrap();
    read(&fhir).await.unwrap();
    assert_eq!((server.tokens(), server.discoveries()), (2, 2));
}

#[test]
fn nothing_secret_is_shown() {
    let key = SigningKey::from_pem(P384, "canary").unwrap();
    let services = BackendServices::new("canary", key).token_url("https://a/token?canary".parse().unwrap());
    let authorization = Authorization::BackendServices(services);
    let shown = format!("{authorization:?} {authorization:#?}");
    assert!(!shown.contains("canary") && shown.contains("Es384"), "{shown}");
    let unfit = |url: &str| {
        let key = SigningKey::from_pem(P384, "kid").unwrap();
        let services = BackendServices::new("id", key).token_url(url.parse().unwrap());
        let config = ClientConfig::new(BASE.parse().unwrap());
        let error =
            FhirClient::new(config.authorization(Authorization::BackendServices(services))).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    };
    unfit("https://canary:canary@a/token");
    unfit("https://a/token#canary");
    unfit("ftp://canary/token");
}
