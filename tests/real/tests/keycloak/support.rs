//! The world of the cases: Keycloak, a FHIR server that trusts it, and clients.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use fhir_sub::FhirClient;
use fhir_sub::client::{
    Authorization, BackendServices, ClientConfig, SignatureFuture, Signer, SigningAlgorithm, SigningKey,
};
use fhir_sub_real::{Keycloak, listen, say, send, tail};
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};

pub(crate) use crate::hooks::Hooks;

/// The keys of the unit tests; the realm has the public keys.
const RSA: &str = include_str!("../../../../fhir-sub/client/src/tests/keys/rsa.pkcs8.pem");
const P384: &str = include_str!("../../../../fhir-sub/client/src/tests/keys/p384.pkcs8.pem");

pub(crate) struct World {
    pub(crate) keycloak: Keycloak,
    /// The program that the tokens let in, once a case has started it.
    pub(crate) hooks: Option<Hooks>,
    /// The port of the FHIR server.
    port: u16,
    pub(crate) directory: PathBuf,
}

/// A client of the realm.
#[derive(Clone, Copy)]
pub(crate) enum Client {
    Rs384,
    Es384,
}

/// A signer that records its assertions.
pub(crate) struct Recorder {
    key: SigningKey,
    assertions: Assertions,
}

#[derive(Clone, Default)]
pub(crate) struct Assertions(Arc<Mutex<Vec<String>>>);

impl World {
    pub(crate) async fn start() -> Self {
        let directory = std::env::temp_dir().join(format!("fhir-sub-keycloak-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a temporary directory");
        let keycloak = Keycloak::start(&directory).await;
        let urls = Arc::new((keycloak.endpoint("token"), keycloak.endpoint("token/introspect")));
        let port = listen(move |request| answer(Arc::clone(&urls), request)).await;
        Self { keycloak, hooks: None, port, directory }
    }

    pub(crate) async fn end(mut self, went_well: bool) {
        self.keycloak.stop().await;
        if went_well {
            std::fs::remove_dir_all(&self.directory).expect("a directory of this run's own");
        } else {
            say(&format!("Keycloak's log ends:\n{}", tail(&self.directory.join("keycloak.log"))));
        }
    }

    pub(crate) fn token_url(&self) -> String {
        self.keycloak.endpoint("token")
    }

    /// A URL of the FHIR server that gives no tokens.
    pub(crate) fn another_token_url(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.port)
    }

    /// A client of the FHIR server, which discovers the token endpoint.
    pub(crate) fn fhir(&self, services: BackendServices) -> FhirClient {
        let base_url = format!("http://127.0.0.1:{}/fhir", self.port).parse().expect("a base URL");
        let config = ClientConfig::new(base_url).authorization(Authorization::BackendServices(services));
        FhirClient::new(config).expect("a client")
    }

    /// Asks for a token with an assertion, without the client.
    pub(crate) async fn post_assertion(&self, assertion: &str) -> (u16, String) {
        let form = format!(
            "grant_type=client_credentials&client_assertion={assertion}\
             &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        );
        post(&self.token_url(), form).await
    }
}

impl Client {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Rs384 => "of-rs384",
            Self::Es384 => "of-es384",
        }
    }

    /// Its key, and the recorded assertions.
    pub(crate) fn signer(self) -> (Recorder, Assertions) {
        let pem = match self {
            Self::Rs384 => RSA,
            Self::Es384 => P384,
        };
        let assertions = Assertions::default();
        let key = SigningKey::from_pem(pem, self.id()).expect("a key");
        (Recorder { key, assertions: assertions.clone() }, assertions)
    }

    pub(crate) fn services(self, signer: Recorder) -> BackendServices {
        BackendServices::new(self.id(), signer)
    }
}

impl Assertions {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Signer for Recorder {
    fn algorithm(&self) -> SigningAlgorithm {
        self.key.algorithm()
    }

    fn key_id(&self) -> &str {
        self.key.key_id()
    }

    fn sign<'a>(&'a self, input: &'a [u8]) -> SignatureFuture<'a> {
        Box::pin(async move {
            let signature = self.key.sign(input).await?;
            let assertion = format!("{}.{}", str::from_utf8(input)?, URL_SAFE_NO_PAD.encode(&signature));
            self.assertions.0.lock().unwrap_or_else(PoisonError::into_inner).push(assertion);
            Ok(signature)
        })
    }
}

/// The FHIR server: it names the token endpoint, and returns an Encounter to a caller with a token that
/// Keycloak calls active.
async fn answer(
    urls: Arc<(String, String)>,
    request: Request<Incoming>,
) -> std::io::Result<Response<Full<Bytes>>> {
    let (token, introspect) = &*urls;
    if request.uri().path() == "/fhir/.well-known/smart-configuration" {
        return Ok(json_of(&json!({ "token_endpoint": token })));
    }
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let bearer = header.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    let form = format!("client_id=fhir-server&client_secret=of-this-suite-alone&token={bearer}");
    let (_, body) = post(introspect, form).await;
    let told: Value = serde_json::from_str(&body).unwrap_or_default();
    if told["active"] != true {
        let mut refusal = Response::new(Full::default());
        *refusal.status_mut() = StatusCode::UNAUTHORIZED;
        return Ok(refusal);
    }
    Ok(json_of(&json!({
        "resourceType": "Encounter", "id": "1", "client": told["client_id"], "scope": told["scope"],
    })))
}

fn json_of(body: &Value) -> Response<Full<Bytes>> {
    Response::new(Full::from(body.to_string()))
}

pub(crate) async fn post(url: &str, form: String) -> (u16, String) {
    let request = Request::post(url).header("Content-Type", "application/x-www-form-urlencoded");
    answered(request.body(Full::from(form)).expect("a request")).await
}

/// The status and the body of the answer to a request that has its whole URL.
pub(crate) async fn answered(mut request: Request<Full<Bytes>>) -> (u16, String) {
    let url: Uri = request.uri().clone();
    let port = url.port_u16().expect("a port");
    *request.uri_mut() = url.path_and_query().expect("a path").as_str().parse().expect("a path");
    request.headers_mut().insert("Host", format!("127.0.0.1:{port}").parse().expect("a host"));
    let answer = send(port, request).await.expect("an answer");
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8_lossy(&body).into_owned())
}
