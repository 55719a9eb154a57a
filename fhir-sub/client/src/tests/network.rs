//! Over real connections, to loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::support::{Server, response};
use crate::deadline::Deadline;
use crate::transport::{Connection, Limits, Network, Transport, TransportErrorKind};
use crate::{Authorization, ClientConfig, Error, FhirClient};

const ENCOUNTER: &str = r#"{"resourceType":"Encounter","id":"1"}"#;

async fn read(fhir: &FhirClient) -> Result<Value, Error> {
    fhir.read("Encounter", "1").await
}

/// A bare TCP server: each connection goes to a function, with its number.
async fn raw<F, A>(handle: F) -> (FhirClient, Arc<AtomicUsize>)
where
    F: Fn(TcpStream, usize) -> A + Send + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/fhir", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(handle(stream, count.fetch_add(1, Ordering::SeqCst) + 1));
        }
    });
    (FhirClient::new(ClientConfig::new(base.parse().unwrap())).unwrap(), connections)
}

async fn request_of(stream: &mut TcpStream) {
    let mut read = Vec::new();
    while !read.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut buffer = [0; 1024];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => read.extend_from_slice(&buffer[..length]),
        }
    }
}

#[tokio::test]
async fn requests_go_out_and_answers_come_back() {
    let server = Server::start(|request| async move {
        let agent = request.headers()["user-agent"].to_str().unwrap();
        assert!(agent.starts_with("fhir-sub/"));
        let body = if request.method() == "GET" { ENCOUNTER.into() } else { request.into_body() };
        response(200, &[("etag", "W/\"2\"")], body)
    })
    .await;
    let fhir = server.client();
    assert_eq!(read(&fhir).await.unwrap()["id"], "1");
    let updated: Value = fhir
        .update("Encounter", "1", &json!({"resourceType": "Encounter", "x": 1}))
        .returning()
        .await
        .unwrap();
    assert_eq!(updated["x"], 1);
    assert_eq!(server.lines(), ["GET /fhir/Encounter/1", "PUT /fhir/Encounter/1"]);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::start(|_| async { response(200, &[], ENCOUNTER) }).await;
    let location = format!("{}/Encounter/1", other.base);
    for status in [301, 302, 303, 307, 308] {
        let location = location.clone();
        let server = Server::start(move |_| {
            let location = location.clone();
            async move { response(status, &[("location", &location)], "") }
        })
        .await;
        let config = server.config().authorization(Authorization::Bearer("token".into()));
        let error = read(&FhirClient::new(config).unwrap()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("GET Encounter/… answered {status}"));
    }
    assert!(other.lines().is_empty());
}

#[tokio::test]
async fn a_page_link_to_another_origin_is_never_called() {
    let other = Server::start(|_| async { response(200, &[], ENCOUNTER) }).await;
    for next in [format!("{}x/next", other.base), other.base.replace("/fhir", "/evil?p=1")] {
        let server = Server::start(move |_| {
            let link = json!([{"relation": "next", "url": next}]);
            async move { response(200, &[], json!({"resourceType": "Bundle", "link": link}).to_string()) }
        })
        .await;
        assert!(server.client().search_type::<Value>("Encounter", &[]).all().await.is_err());
    }
    // If a link has the right path, its page is requested from our own server.
    let next = format!("{}/Encounter?p=2", other.base);
    let server = Server::start(move |request| {
        let next = if request.uri().query().is_none() {
            json!([{"relation": "next", "url": next}])
        } else {
            json!([])
        };
        async move { response(200, &[], json!({"resourceType": "Bundle", "link": next}).to_string()) }
    })
    .await;
    server.client().search_type::<Value>("Encounter", &[]).all().await.unwrap();
    assert_eq!(server.lines(), ["GET /fhir/Encounter", "GET /fhir/Encounter?p=2"]);
    assert!(other.lines().is_empty());
}

#[tokio::test]
async fn a_broken_connection_is_repeated_where_that_is_safe() {
    let handle = |mut stream: TcpStream, number| async move {
        request_of(&mut stream).await;
        if number > 1 {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", ENCOUNTER.len());
            let _ = stream.write_all(format!("{head}{ENCOUNTER}").as_bytes()).await;
        }
    };
    let (fhir, connections) = raw(handle).await;
    read(&fhir).await.unwrap();
    assert_eq!(connections.load(Ordering::SeqCst), 2);

    let (fhir, connections) = raw(handle).await;
    let error = fhir.create("Encounter", &json!({})).await.unwrap_err();
    assert!(error.is_transient() && !error.is_timeout() && error.status().is_none());
    assert_eq!((connections.load(Ordering::SeqCst), error.attempts()), (1, 1));
}

#[tokio::test]
async fn an_answer_cut_short_is_no_answer() {
    let (fhir, connections) = raw(|mut stream: TcpStream, number| async move {
        request_of(&mut stream).await;
        let length = if number == 1 { 1000 } else { ENCOUNTER.len() };
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{ENCOUNTER}");
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    read(&fhir).await.unwrap();
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(first_failure(&base, Vec::new()).await, Some(TransportErrorKind::NotSent));
}

/// The transport's own error for a `GET`, without repetitions.
async fn first_failure(url: &str, extra_roots: Vec<CertificateDer<'static>>) -> Option<TransportErrorKind> {
    let connection = Connection { extra_roots, ..Connection::default() };
    let network = Network::new(connection, Duration::from_secs(5));
    let request = http::Request::get(url).body(Bytes::new()).unwrap();
    network.send(request, Limits { answer_bytes: 1000 }).await.err().map(|error| error.kind)
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_left_at_the_deadline() {
    let (fhir, _) = raw(|stream, _| async move {
        let _open = stream;
        std::future::pending().await
    })
    .await;
    let error = read(&fhir.with_deadline(Deadline::after(Duration::from_millis(50)))).await.unwrap_err();
    assert!(error.is_timeout());
}

#[tokio::test]
async fn an_answer_is_read_up_to_the_limit_and_no_further() {
    let long = json!({"resourceType": "Encounter", "x": "a".repeat(100_000)}).to_string();
    let length = long.len();
    let server = Server::start(move |_| {
        let long = long.clone();
        async move { response(200, &[], long) }
    })
    .await;
    read(&FhirClient::new(server.config().max_answer_bytes(length)).unwrap()).await.unwrap();
    let error =
        read(&FhirClient::new(server.config().max_answer_bytes(length - 1)).unwrap()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "GET Encounter/…: the answer is larger than the limit (`ClientConfig::max_answer_bytes`): ask for fewer or smaller \
         resources, or raise the limit"
    );
    assert!(!error.is_transient());

    // Without a content length, the client counts the bytes.
    let (fhir, _) = raw(|mut stream: TcpStream, _| async move {
        request_of(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        let chunk = [b"1000\r\n".as_slice(), &[b'a'; 0x1000], b"\r\n"].concat();
        while stream.write_all(&chunk).await.is_ok() {}
    })
    .await;
    let base = fhir.base_url().clone();
    let error =
        read(&FhirClient::new(ClientConfig::new(base).max_answer_bytes(50_000)).unwrap()).await.unwrap_err();
    assert!(error.to_string().contains("larger than the limit"), "{error}");
}

#[tokio::test]
async fn a_connection_is_used_again_and_a_closed_one_does_no_harm() {
    let (fhir, connections) = raw(|mut stream: TcpStream, _| async move {
        // Two answers, then the server silently closes the connection.
        for _ in 0..2 {
            request_of(&mut stream).await;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{ENCOUNTER}", ENCOUNTER.len());
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
    .await;
    for _ in 0..6 {
        read(&fhir).await.unwrap();
    }
    assert_eq!(connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn everything_goes_through_the_proxy() {
    let proxy = Server::start(|request| async move {
        assert_eq!(request.headers()["proxy-authorization"], "Basic dTpw");
        response(200, &[], ENCOUNTER)
    })
    .await;
    let url = proxy.base.replace("http://", "http://u:p@").replace("/fhir", "");
    let config = ClientConfig::new("http://fhir.invalid/r4".parse().unwrap()).proxy(url.parse().unwrap());
    read(&FhirClient::new(config).unwrap()).await.unwrap();
    assert_eq!(proxy.lines(), ["GET http://fhir.invalid/r4/Encounter/1"]);
}

#[tokio::test]
async fn only_known_roots_are_trusted_and_the_users_among_them() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let (fhir, _) = raw(move |stream, _| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{ENCOUNTER}", ENCOUNTER.len());
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    })
    .await;
    let base = fhir.base_url().as_str().replace("http://127.0.0.1", "https://localhost");
    let config = || ClientConfig::new(base.parse().unwrap());

    assert_eq!(first_failure(&base, Vec::new()).await, Some(TransportErrorKind::NotSent));
    assert_eq!(first_failure(&base, vec![key.cert.der().clone()]).await, None);
    let pem = config().root_certificates_pem(key.cert.pem().as_bytes()).unwrap();
    read(&FhirClient::new(pem).unwrap()).await.unwrap();
    let der = config().root_certificate_der(key.cert.der().to_vec()).unwrap();
    read(&FhirClient::new(der).unwrap()).await.unwrap();
    for bad in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(config().root_certificates_pem(bad.as_bytes()).is_err(), "{bad:?}");
    }
}
