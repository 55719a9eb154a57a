//! [`Front`]: stands before the program under its public https URL, and records the requests.

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use fhir_sub_real::{PATIENCE, send};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// The file with the certificate that the server must trust, in the directory of a run.
pub(crate) const CERTIFICATE: &str = "certificate.pem";

/// A gateway like AWS's: it ends TLS and passes requests to the program, or answers 503 if there is none.
pub(crate) struct Front {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    /// The port of the program.
    target: Mutex<Option<u16>>,
    received: watch::Sender<Vec<Received>>,
}

/// A request, and the status of its answer.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    /// As it arrived, in the server's order.
    pub(crate) text: Bytes,
    pub(crate) body: Value,
    pub(crate) status: u16,
}

impl Front {
    /// Starts a front, and writes its certificate to `directory`.
    pub(crate) async fn start(directory: &Path) -> Self {
        let acceptor = acceptor(directory);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let shared = Arc::new(Shared { target: Mutex::default(), received: watch::Sender::new(Vec::new()) });
        let front = Self { port, shared: Arc::clone(&shared) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let service = service_fn(move |request| pass(Arc::clone(&shared), request));
                    let connection = hyper::server::conn::http1::Builder::new();
                    drop(connection.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        front
    }

    pub(crate) fn base_url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Sets the program's port; `None` while a program is being replaced.
    pub(crate) fn pass_to(&self, target: Option<u16>) {
        *self.shared.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
    }

    /// The requests so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.borrow().clone()
    }

    /// Waits until `is_one` is true of so many requests.
    pub(crate) async fn await_received(&self, is_one: impl Fn(&Received) -> bool, least: usize) {
        let mut received = self.shared.received.subscribe();
        let enough = received
            .wait_for(|received| received.iter().filter(|received| is_one(received)).count() >= least);
        let come = tokio::time::timeout(PATIENCE, enough).await.is_ok();
        assert!(come, "fewer than {least} of {:?}", self.received());
    }
}

impl Received {
    /// The last segment of the path.
    pub(crate) fn endpoint(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The type of the notification, from its first entry.
    pub(crate) fn notification_type(&self) -> &str {
        let status = &self.body["entry"][0]["resource"];
        let parameters = status["parameter"].as_array().into_iter().flatten();
        let in_parameters = parameters.filter(|parameter| parameter["name"] == "type");
        let in_parameters = in_parameters.filter_map(|parameter| parameter["valueCode"].as_str()).next();
        status["type"].as_str().or(in_parameters).unwrap_or_default()
    }

    /// The FHIR version of the notification's form.
    pub(crate) fn version(&self) -> &'static str {
        let status = self.body["entry"][0]["resource"]["resourceType"].as_str();
        match (self.body["type"].as_str(), status) {
            (_, Some("Parameters")) => "r4",
            (Some("history"), _) => "r4b",
            _ => "r5",
        }
    }

    /// The level of content of the endpoint's subscription.
    pub(crate) fn content(&self) -> &'static str {
        match self.endpoint() {
            "beds" => "id-only",
            "board" => "full-resource",
            _ => "empty",
        }
    }

    /// What happened. For a deletion, the whole resource is missing.
    pub(crate) fn what(&self) -> &str {
        let has_resource = self.body["entry"][1]["resource"].is_object();
        match self.notification_type() {
            "event-notification" if self.content() == "full-resource" && !has_resource => "deletion",
            "event-notification" => "event",
            other => other,
        }
    }
}

fn acceptor(directory: &Path) -> TlsAcceptor {
    let key = KeyPair::generate().expect("a key");
    let names = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = names.self_signed(&key).expect("a certificate");
    std::fs::write(directory.join(CERTIFICATE), certificate.pem()).expect("a file");
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a key and its certificate");
    TlsAcceptor::from(Arc::new(server))
}

async fn pass(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.expect("a whole request").to_bytes();
    let mut received = Received {
        path: head.uri.path().to_owned(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect(),
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        text: body.clone(),
        status: 503,
    };
    let target = *shared.target.lock().unwrap_or_else(PoisonError::into_inner);
    let request = Request::from_parts(head, Full::new(body));
    let answer = match target {
        None => None,
        Some(port) => send(port, request).await.ok(),
    };
    let answer = match answer {
        None => Response::builder().status(503).body(Full::new(Bytes::new())).expect("an answer"),
        Some(answer) => {
            let (head, body) = answer.into_parts();
            let body = body.collect().await.expect("a whole answer").to_bytes();
            Response::from_parts(head, Full::new(body))
        }
    };
    received.status = answer.status().as_u16();
    shared.received.send_modify(|all| all.push(received));
    Ok(answer)
}
